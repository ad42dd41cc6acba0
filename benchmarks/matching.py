"""Matching a suspect set: a query set is planted, half of it lightly reworded, over a few accounts of simulated traffic, and given as suspect; and sets that
nobody asked are given to the same traffic, seed after seed.

Ends with 1 where less than 99 % of the accounts or 95 % of the prompts are named, or anybody else is, or an absent set names anybody.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import machine
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

import fingerprint as fp
from fingerprint.config import ScanConfig
from fingerprint.encoders import get_encoder
from fingerprint.matches import open_index
from fingerprint.progress import Progress, Stopwatch
from fingerprint.simulate.noise import replace_words, typos

KINDS = ("instructions", "reasoning", "code", "tools", "roleplay", "rubrics", "censor")
REPLACED = 0.1  # of the words of a reworded prompt
LEAST_ACCOUNTS, LEAST_PROMPTS = 0.99, 0.95


@dataclass(frozen=True)
class Planted:
    """Traffic with a query set in it.

    Attributes
    ----------
    events : pyarrow.Table
    queries : list of str
        As the set has them.
    account : list of str
        Who sent each.
    row : int64[n]
        Where in `events`.
    """

    events: pa.Table
    queries: list[str]
    account: list[str]
    row: npt.NDArray[np.int64]


def reword(prompts: list[str], seed: int) -> list[str]:
    """Return every second prompt with other words for a tenth of its words, a leading courtesy, or typing errors; the others as they are."""
    keys = np.random.default_rng(seed).integers(0, 2**64, len(prompts), dtype=np.uint64)
    changed = typos(replace_words(prompts, keys, REPLACED), keys)
    courtesies = ("", "Please: ", "Hi! ", "Could you help me? ")
    return [prompt if i % 2 else courtesies[i // 2 % 4] + other for i, (prompt, other) in enumerate(zip(prompts, changed, strict=True))]


def plant(n_events: int, n_queries: int, n_accounts: int, kind: str, seed: int) -> Planted:
    """Simulate people and look-alikes, and put a query set among them."""
    config = replace(fp.simulate.preset("control"), prompts=n_events - n_queries, organic_accounts=max(200, n_events // 25))
    events = fp.simulate.simulate(config, seed).events.select(["account_id", "timestamp", "prompt"])
    rng = np.random.default_rng(seed)
    queries = fp.simulate.campaign_prompts(kind, n_queries, seed)
    account = [f"planted_{i:03d}" for i in (np.arange(n_queries) % n_accounts).tolist()]
    times = pc.cast(events["timestamp"], pa.int64()).to_numpy()
    moment = pa.array(rng.integers(times.min(), times.max(), n_queries), pa.int64()).cast(events.schema.field("timestamp").type)
    more = pa.table({"account_id": pa.array(account), "timestamp": moment, "prompt": pa.array(reword(queries, seed))}).cast(events.schema)
    order = rng.permutation(len(events) + n_queries)
    return Planted(pa.concat_tables([events, more]).take(pa.array(order)), queries, account, np.argsort(order)[len(events) :])


def score(planted: Planted, found: fp.Match) -> dict[str, Any]:
    """Compare what was named with the truth."""
    true, named = set(planted.account), set(found.named)
    rows = found.matches.filter(pc.is_in(found.matches["account_id"], pa.array(found.named, pa.large_string())))["line"].to_numpy()
    return {"accounts": len(named & true) / len(true), "prompts": float(np.isin(planted.row, rows).mean()), "others": len(named - true),
            "kinds": {row["values"]: row["counts"] for row in found.matches["kind"].value_counts().to_pylist()}}


def main() -> None:
    """Plant, match, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--accounts", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=20, help="of absent sets; every fourth is planted as well")
    parser.add_argument("--encoder", default="static")
    parser.add_argument("--json")
    options = parser.parse_args()
    key, config = fp.Key(bytes(16)), ScanConfig(encoder=options.encoder)
    results: dict[str, Any] = {"machine": machine.describe(), "planted": [], "absent": []}
    for seed in range(0, options.seeds, 4):
        planted = plant(options.events, options.queries, options.accounts, KINDS[seed // 4 % len(KINDS)], seed)
        start = time.perf_counter()
        index, _ = open_index(planted.events, get_encoder(options.encoder, threads=2), config, key, Stopwatch(Progress()))
        indexed = time.perf_counter() - start
        found = fp.match([{"prompt": q} for q in planted.queries], index, key=key, config=config)
        one = {"seed": seed, "kind": KINDS[seed // 4 % len(KINDS)], **score(planted, found), "index_s": round(indexed, 1),
               "match_s": found.manifest["timings"]["total"]}
        results["planted"].append(one)
        print(f"planted {one['kind']:13} accounts {one['accounts']:.1%}, prompts {one['prompts']:.1%}, others named {one['others']}; "
              f"index {one['index_s']} s, match {one['match_s']:.1f} s", flush=True)
        index = index.without(sorted(set(planted.account)))
        for other in range(seed, min(seed + 4, options.seeds)):
            kind = KINDS[other % len(KINDS)]
            queries = [{"prompt": q} for q in fp.simulate.campaign_prompts(kind, options.queries, 1000 + other)]
            named = fp.match(queries, index, key=key, config=config).named
            results["absent"].append({"seed": other, "kind": kind, "named": len(named)})
            print(f"absent  {kind:13} named {len(named)}", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(results), "utf-8")
    good = all(one["accounts"] >= LEAST_ACCOUNTS and one["prompts"] >= LEAST_PROMPTS and not one["others"] for one in results["planted"])
    sys.exit(not (good and not any(one["named"] for one in results["absent"])))


if __name__ == "__main__":
    main()
