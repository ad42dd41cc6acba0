"""How much is found, beside methods of others, and what is reported where there is nothing: the figures on detection.

    python benchmarks/detection.py curves      # recall against five properties of a campaign, ours and the peers
    python benchmarks/detection.py seeds       # simulated traffic of 20 seeds, rates with 95 % confidence intervals

Tables go to the output as markdown, progress to the error stream. ``--quick`` shows in a minute that all of it works; its figures mean nothing. A
campaign counts as found as in :mod:`fingerprint.evaluation`: one group holds half of its accounts and is four fifths campaign. A group is false if
less than half of its accounts are of a campaign.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from peers import PEERS
from scipy.stats import binomtest, chi2

from fingerprint.config import ScanConfig
from fingerprint.controls import shuffled_groups
from fingerprint.detection import Examiner
from fingerprint.encoders import get_encoder
from fingerprint.errors import ConfigError
from fingerprint.evaluation import FOUND, PURE, Plan, run_trial
from fingerprint.ingest import ingest
from fingerprint.keys import Key
from fingerprint.pipeline import prepare
from fingerprint.planting import plant
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import read_events
from fingerprint.search import search
from fingerprint.simulate import campaign_prompts, preset, simulate
from fingerprint.simulate.noise import replace_words
from fingerprint.traffic import Traffic

Integers = npt.NDArray[np.int64]

KEY, CONFIG = Key(bytes(16)), ScanConfig(controls=False)
OURS = "fingerprint"
BASE = Plan(40, 20)  # the campaign that is varied
LEAST, MOST = 6, 40_000  # accounts and queries of a campaign that is a share of all prompts
KINDS = ("reasoning", "instructions", "code")  # the first of which the grammar has enough different queries
AXES: dict[str, tuple[str, tuple[float, ...]]] = {
    "accounts": ("n_accounts", (5, 10, 20, 40, 100, 300, 1000)), "prompts per account": ("n_prompts", (2, 5, 10, 20, 50, 200)),
    "cover": ("cover", (0, 0.5, 0.8, 0.9, 0.95)), "words replaced": ("noise", (0, 0.1, 0.25, 0.5)),
    "share of all prompts": ("", (0.0001, 0.001, 0.01, 0.1, 0.3))}


@dataclass(frozen=True, slots=True)
class Score:
    """What a method reports of one campaign: recall and purity of the group that holds most of it, and false groups."""

    recall: float
    purity: float
    n_false: int

    @property
    def found(self) -> bool:
        """Whether the campaign counts as found."""
        return self.recall >= FOUND and self.purity >= PURE


def score(groups: Iterable[AbstractSet[int]], planted: AbstractSet[int]) -> Score:
    """Score groups of accounts against the accounts of a campaign."""
    hits = [(len(group & planted), len(group)) for group in groups]
    best, size = max(hits, key=lambda hit: hit[0], default=(0, 0))
    return Score(best / max(len(planted), 1), best / max(size, 1), sum(hit < 0.5 * n for hit, n in hits))


def prepared(events: pa.Table) -> tuple[Traffic, Examiner]:
    """Read events and prepare their evidence as a scan does."""
    watch = Stopwatch(Progress())
    traffic = ingest(read_events(events), CONFIG, KEY, watch)
    evidence = prepare(traffic, get_encoder(CONFIG.encoder, threads=os.cpu_count() or 1), CONFIG, KEY, watch)
    if evidence is None:
        raise ConfigError("the traffic has fewer than two different prompts")
    return traffic, Examiner(evidence, CONFIG.detect, CONFIG.seed, CONFIG.threads)


def reported(traffic: Traffic, examiner: Examiner) -> list[set[int]]:
    """Return the accounts of each finding."""
    return [set(np.flatnonzero(np.isin(traffic.actor, group.members)).tolist()) for group in search(examiner) if not group.reason]


class Background:
    """The traffic of a preset without its campaigns, into which others are planted; `n_prompts` is its size, if not that of the preset."""

    def __init__(self, name: str, seed: int, n_prompts: int | None = None) -> None:
        world = simulate(preset(name, prompts=n_prompts), seed)
        innocent = world.labels.filter(pc.is_null(world.labels["campaign"]))["account_id"].combine_chunks()
        self.name, self.seed = name, seed
        self.traffic, examiner = prepared(world.events.filter(pc.is_in(world.events["account_id"], innocent)))
        self.evidence = examiner.evidence
        self.n_rows = len(self.traffic.account)
        self.n_false = len(reported(self.traffic, examiner))
        self.who = self.traffic.actor[self.traffic.account]  # accounts of one declared organisation are one to the peers too
        self.prompts: list[str] = self.traffic.texts(self.traffic.text)

    def trials(self, plan: Plan, peers: Sequence[str] = (), repeats: int = 1) -> tuple[dict[str, list[Score]], float]:
        """Return the scores of our method and the peers, and the share of cover that there really was."""
        scores, real = defaultdict[str, list[Score]](list), 0.0
        kind = query_kind(plan.n_accounts * plan.n_prompts, self.seed)
        for seed in range(self.seed, self.seed + repeats):
            trial = run_trial(self.evidence, plan, None, kind, CONFIG, seed)
            scores[OURS].append(Score(trial.recall, trial.purity, trial.n_false + self.n_false))  # a trial looks at groups with planted accounts only
            account, prompts, time_us, planted, cover = self.rows(plan, kind, seed)
            real += cover / repeats
            for name in peers:
                scores[name].append(score(PEERS[name](account, prompts, time_us), planted))
        return dict(scores), real

    def rows(self, plan: Plan, kind: str, seed: int) -> tuple[Integers, list[str], Integers, set[int], float]:
        """Return account, prompt and time of all rows, those of the campaign of :func:`run_trial` among them, its accounts, and the share of cover.

        Accounts that lend a campaign account its ordinary prompts are left out: copies would tie the two. Ours has to tell them apart.
        """
        rng, n = np.random.default_rng(seed), plan.n_accounts * plan.n_prompts
        prompts = campaign_prompts(kind, n, seed)
        if plan.noise:
            prompts = replace_words(prompts, rng.integers(0, 2**64, n, dtype=np.uint64), plan.noise)
        evidence, actors = plant(self.evidence, prompts, np.arange(n) % plan.n_accounts, plan.cover, len(self.evidence.exact) + n, seed)
        held = evidence.holdings
        row = np.flatnonzero(held.actor >= actors[0])
        row = np.repeat(row, held.count[row])
        borrowed = row[held.text[row] < len(self.evidence.exact)]
        kept = np.flatnonzero(~np.isin(self.who, self.lenders(held.actor[borrowed], held.text[borrowed])))
        time_us = rng.integers(self.traffic.time_us.min(), self.traffic.time_us.max(), len(row))
        return (np.concatenate([self.who[kept], held.actor[row]]), [*(self.prompts[i] for i in kept.tolist()), *evidence.texts(held.text[row])],
                np.concatenate([self.traffic.time_us[kept], time_us]), set(actors.tolist()), len(borrowed) / len(row))

    def lenders(self, borrower: Integers, text: Integers) -> list[int]:
        """Return the real accounts that the texts come from: for each borrower few that together hold all of them."""
        held, found = self.evidence.holdings, list[int]()
        for one in np.unique(borrower):
            left = text[borrower == one]
            while len(left):
                found.append(int(np.bincount(held.actor[np.isin(held.text, left)]).argmax()))
                left = np.setdiff1d(left, held.text[held.actor == found[-1]])
        return found


def query_kind(n: int, seed: int) -> str:
    """Return the first kind of query of which there are `n` different ones."""
    for kind in KINDS:
        try:
            campaign_prompts(kind, n, seed)
        except ConfigError:
            continue
        return kind
    raise ConfigError(f"there are not {n:,} different queries of any of the kinds {', '.join(KINDS)}")


def plans(axis: str, n_rows: int, which: slice) -> dict[Plan, str]:
    """Return the campaigns of an axis and the heads of their columns; shares of too many queries are left out, those of too few accounts are one."""
    field, values = AXES[axis][0], AXES[axis][1][which]
    if field:
        made: list[tuple[Plan, float]] = [(replace(BASE, **{field: v}), v) for v in values]  # type: ignore[arg-type]
        return {plan: f"{v:,}" if field.startswith("n_") else f"{100 * v:.0f} %" for plan, v in made}
    sizes = [max(LEAST, round(v / (1 - v) * n_rows / BASE.n_prompts)) for v in values]
    return {replace(BASE, n_accounts=a): f"{100 / (1 + n_rows / (a * BASE.n_prompts)):.2g} % ({a:,} accounts)" for a in sizes if a * BASE.n_prompts <= MOST}


def curves(options: argparse.Namespace) -> None:
    """Print a table per axis: recall of the group that was found."""
    background = Background(*(("demo", options.seed, 12_000) if options.quick else (options.preset, options.seed, options.prompts)))
    peers = list(PEERS) if options.peers else []
    print(f"{background.n_rows:,} prompts of {background.traffic.n_actors:,} accounts without a campaign (`{background.name}`, seed {options.seed}). Campaigns "
          f"of {BASE.n_accounts} accounts with {BASE.n_prompts} prompts each but for what is varied. Recall in % where found, else –.", flush=True)
    done: dict[Plan, tuple[dict[str, list[Score]], float]] = {}
    try:
        for axis in options.axes or AXES:
            heads = plans(axis, background.n_rows, slice(2, 4) if options.quick else slice(None))
            for plan, head in heads.items():
                if plan not in done:
                    done[plan] = background.trials(plan, peers, options.repeats)
                scores, real = done[plan]
                heads[plan] = f"{head} ({100 * real:.0f} %)" if abs(real - plan.cover) > 0.01 else head
                told = "; ".join(f"{name} {s[0].recall:.0%} of it, {s[0].purity:.0%} pure, {s[0].n_false} false" for name, s in scores.items())
                print(f"{axis} {heads[plan]}: {told}", file=sys.stderr, flush=True)
            of = {name: [done[plan][0][name] for plan in heads] for name in (OURS, *peers)}
            rows = [[name, *map(cell, scores), f"{np.mean([s.n_false for some in scores for s in some]):.1f}"] for name, scores in of.items()]
            print(table([axis, *heads.values(), "false groups"], rows), flush=True)
    finally:
        if options.json:
            cells = [{**asdict(plan), "real_cover": real, "methods": {name: [asdict(s) | {"found": s.found} for s in some] for name, some in scores.items()}}
                     for plan, (scores, real) in done.items()]
            Path(options.json).write_text(json.dumps({"seed": options.seed, "n_prompts": background.n_rows, "cells": cells}), "utf-8")


def cell(scores: list[Score]) -> str:
    """Return the mean recall where found, and how often that was if not always."""
    found = [100 * s.recall for s in scores if s.found]
    often = f" ({len(found)}/{len(scores)})" if len(found) < len(scores) else ""
    return f"{np.mean(found):.0f}{often}" if found else "–"


@dataclass(frozen=True, slots=True)
class Run:
    """What was reported in one simulated world: campaigns found; by kind of account, those in findings and all; groups once accounts are shuffled."""

    preset: str
    seed: int
    campaigns: dict[str, bool]
    n_false: int
    kinds: dict[str, tuple[int, int]]
    n_shuffled: int


def run(name: str, seed: int) -> Run:
    """Simulate, search, and compare with the labels; then search again in shuffled traffic."""
    world = simulate(name, seed)
    traffic, examiner = prepared(world.events)
    groups = reported(traffic, examiner)
    labels = world.labels.take(pc.index_in(traffic.account_ids, world.labels["account_id"].combine_chunks())).to_pylist()
    members, kinds = defaultdict[str, set[int]](set), defaultdict[str, set[int]](set)
    for account, label in enumerate(labels):
        kinds[label["kind"]].add(account)
        members[label["campaign"] or ""].add(account)
    flagged = set[int]().union(*groups)
    return Run(name, seed, {c.name: score(groups, members[c.name]).found for c in world.config.campaigns}, score(groups, kinds["campaign"]).n_false,
               {kind: (len(flagged & accounts), len(accounts)) for kind, accounts in kinds.items()}, shuffled_groups(traffic, examiner.evidence, CONFIG))


def seeds(options: argparse.Namespace) -> None:
    """Print rates over many simulated worlds; after an interrupt, of those that are done."""
    runs: list[Run] = []
    try:
        for seed in range(options.first, options.first + (1 if options.quick else options.seeds)):
            for name in ["demo"] if options.quick else options.presets.split(","):
                runs.append(run(name, seed))
                missed = [campaign for campaign, found in runs[-1].campaigns.items() if not found]
                innocent = {kind: f"{hit}/{n}" for kind, (hit, n) in runs[-1].kinds.items() if hit and kind != "campaign"}
                print(f"{name} {seed}: missed {missed}, {runs[-1].n_false} false groups, innocent accounts in findings {innocent}, "
                      f"{runs[-1].n_shuffled} groups in shuffled traffic", file=sys.stderr, flush=True)
    finally:
        if runs:
            print(summary(runs))
        if options.json:
            Path(options.json).write_text(json.dumps([asdict(one) for one in runs]), "utf-8")


def summary(runs: list[Run]) -> str:
    """Return the tables of :func:`seeds`."""
    of = {name: [one for one in runs if one.preset == name] for name in dict.fromkeys(one.preset for one in runs)}
    rows, missed = [], list[str]()
    for name, some in of.items():
        found = Counter(campaign for one in some for campaign, is_found in one.campaigns.items() if is_found)
        missed += [f"{c} ({name}) {len(some) - found[c]} of {len(some)}" for c in some[0].campaigns if found[c] < len(some)]
        right, planted = pooled(some, "campaign")
        flagged = sum(hit for one in some for hit, _ in one.kinds.values())
        rows.append([f"{name}, {len(some)} seeds", rate(found.total(), sum(len(one.campaigns) for one in some)),
                     per_run(sum(one.n_false for one in some), len(some)), share(right, flagged), share(right, planted)])
    innocent = sorted({kind for one in runs for kind in one.kinds} - {"campaign"})
    columns = {**of, "all": runs} if len(of) > 1 else of
    silent = [f"{name} {sum(one.n_shuffled == 0 for one in some)} of {len(some)}" for name, some in of.items()]
    return "\n".join([
        table(["traffic", "campaigns found", "false groups a run", "account precision", "account recall"], rows),
        f"\nMissed: {', '.join(missed) or 'none'}.",
        table(["innocent accounts in findings", *columns], [[kind, *(share(*pooled(some, kind)) for some in columns.values())] for kind in innocent]),
        f"\nLabel-shuffled control: no group in {sum(one.n_shuffled == 0 for one in runs)} of {len(runs)} runs ({', '.join(silent)})."])


def pooled(runs: list[Run], kind: str) -> tuple[int, int]:
    """Return how many accounts of a kind are in findings, and how many there are."""
    hit, n = np.sum([one.kinds.get(kind, (0, 0)) for one in runs], axis=0).tolist()
    return hit, n


def rate(k: int, n: int) -> str:
    """Return `k` of `n` with its Wilson interval."""
    if not n:
        return "none there"
    interval = binomtest(k, n).proportion_ci(method="wilson")
    return f"{k}/{n} = {100 * k / n:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def per_run(k: int, n: int) -> str:
    """Return `k` events in `n` runs as a rate with its exact Poisson interval."""
    low, high = (chi2.ppf(0.025, 2 * k) / 2 if k else 0.0), chi2.ppf(0.975, 2 * k + 2) / 2
    return f"{k / n:.2f} ({low / n:.2f} to {high / n:.2f})"


def share(k: int, n: int) -> str:
    """Return `k` of `n` in percent."""
    return f"{k:,}/{n:,} = {100 * k / n:.2f} %" if n else "–"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a markdown table."""
    return "\n".join(["", *("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one, other = commands.add_parser("curves", help="recall against properties of a campaign"), commands.add_parser("seeds", help="rates over simulated worlds")
    one.set_defaults(call=curves)
    one.add_argument("--preset", default="control", help="traffic to plant into; its own campaigns are left out")
    one.add_argument("--prompts", type=int, metavar="N", help="its size, if not that of the preset")
    one.add_argument("--seed", type=int, default=11)
    one.add_argument("--repeats", type=int, default=1, help="campaigns in each cell")
    one.add_argument("--axes", action="append", choices=list(AXES), help="only this one; may be given several times")
    one.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    other.set_defaults(call=seeds)
    other.add_argument("--seeds", type=int, default=20)
    other.add_argument("--first", type=int, default=101)
    other.add_argument("--presets", default="mixed,evasive,control")
    for command in (one, other):
        command.add_argument("--quick", action="store_true", help="tiny, to see that it works")
        command.add_argument("--json", metavar="FILE", help="also write all figures here")
    options = parser.parse_args()
    options.call(options)


if __name__ == "__main__":
    main()
