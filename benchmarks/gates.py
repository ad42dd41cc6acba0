"""What a change must not lose: speed as ratios measured in one run, instructions, and recall. Ends with 1 where a tenth of any is lost.

Ratios are those of our best path to datasketch and to our own plain-C path, each the best of interleaved rounds, so that a slow machine slows both.
Instructions are counted by callgrind, where it is installed, on the widest path that it knows (AVX2). Recall is that of near-duplicates against exact
Jaccard similarity. What is expected stands in ``gates.json``, by instruction set; ``--update`` writes it, and keeps the lowest ratio of all updates, since
that is how much they vary.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import texts

import fingerprint as fp
from fingerprint import _core
from fingerprint.encoders import get_encoder
from fingerprint.minhash import minhash
from fingerprint.sketch import exact_hashes, sketch

KEY = fp.Key(bytes(range(16)))
EXPECTED = Path(__file__).with_name("gates.json")
LOSS = 0.1
N, N_PEER, N_COUNTED, ROUNDS, TRIALS = 20_000, 300, 400, 9, 3
COUNTED = {"minhash": ["fp_sketch_rows"], "exact_hashes": ["fp_sketch_rows"], "static_encoding": ["fp_static_encode"],
           "cluster": ["fp_order_hashes", "fp_buckets", "fp_cluster_look", "fp_cluster_settle", "fp_cluster_spread", "fp_cluster_label"]}


def ratios() -> dict[str, float]:
    """Return how many times faster than others we are, prompts per second each."""
    import datasketch

    corpus, column = texts.corpus("en208", N), texts.corpus("en208", N).column
    few = corpus.column.slice(0, N_PEER).to_pylist()
    encoder = get_encoder("static", threads=1)
    before = os.environ.get("FINGERPRINT_ISA")

    def peer() -> None:
        for text in few:
            datasketch.MinHash(num_perm=128).update_batch([text[i : i + 5].encode() for i in range(len(text) - 4)])

    def encode(isa: str) -> Callable[[], object]:
        def run() -> object:
            os.environ["FINGERPRINT_ISA"] = isa
            return encoder.encode(column)
        return run

    best = _core.isa()
    work: dict[str, tuple[Callable[[], object], int]] = {
        "minhash": (lambda: minhash(column, key=KEY, threads=1), N), "minhash scalar": (lambda: minhash(column, key=KEY, threads=1, isa="scalar"), N),
        "sketch": (lambda: sketch(column, key=KEY, threads=1), N), "sketch scalar": (lambda: sketch(column, key=KEY, threads=1, isa="scalar"), N),
        "static": (encode(best), N), "static scalar": (encode("scalar"), N), "datasketch": (peer, N_PEER)}
    seconds = dict.fromkeys(work, float("inf"))
    for _ in range(ROUNDS):
        for name, (run, _n) in work.items():
            start = time.perf_counter()
            run()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    os.environ.pop("FINGERPRINT_ISA") if before is None else os.environ.update(FINGERPRINT_ISA=before)
    rate = {name: n / seconds[name] for name, (_, n) in work.items()}
    print("prompts/s on one thread: " + ", ".join(f"{name} {value:,.0f}" for name, value in rate.items()))
    return {"minhash to datasketch": rate["minhash"] / rate["datasketch"], "minhash to plain C": rate["minhash"] / rate["minhash scalar"],
            "sketch to plain C": rate["sketch"] / rate["sketch scalar"], "static encoding to plain C": rate["static"] / rate["static scalar"]}


def best_ratios(isa: str, expected: dict[str, float]) -> dict[str, float]:
    """Return the ratios by instruction set, measured again where one is lost: what others do on the machine is no loss of ours."""
    best: dict[str, float] = {}
    for _ in range(TRIALS):
        for name, value in ratios().items():
            best[f"{name}, {isa}"] = max(value, best.get(f"{name}, {isa}", 0.0))
        if all(value >= expected.get(name, 0.0) * (1 - LOSS) for name, value in best.items()):
            break
    return best


def counted(what: str) -> None:
    """Do one kind of work over a few rows: what callgrind watches."""
    column = texts.corpus("en208", N_COUNTED).column
    if what == "static_encoding":
        get_encoder("static", threads=1).encode(column)
    elif what == "cluster":
        fp.deduplicate(texts.families(N_COUNTED).column, key=KEY, threads=1)
    else:
        {"minhash": minhash, "exact_hashes": exact_hashes}[what](column, key=KEY, threads=1)


def instructions(isa: str) -> dict[str, float]:
    """Return instructions for each prompt by kind of work; empty where callgrind is not installed."""
    if shutil.which("valgrind") is None:
        return {}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for what, functions in COUNTED.items():
            out = Path(folder) / what
            command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--collect-atstart=no",
                       *(f"--toggle-collect={function}" for function in functions), sys.executable, __file__, "--count", what]
            run = subprocess.run(command, env={**os.environ, "FINGERPRINT_ISA": isa}, capture_output=True, text=True, check=True)
            total = re.search(r"Collected : (\d+)", run.stderr)
            if total is None or not int(total[1]):
                raise RuntimeError(f"callgrind has counted nothing in {functions}")
            found[f"{what}, {isa}"] = int(total[1]) / N_COUNTED
    return found


def recall() -> dict[str, float]:
    """Return how much is found: pairs of known families of near-duplicates, and pairs by exact Jaccard similarity."""
    import dedup

    from fingerprint.clusters import CHANCE, compact

    column = texts.families(20_000).column
    prompts = dedup.sample(argparse.Namespace(prompts=None, seed=1, n=4000))
    left, right, _ = dedup.exact_pairs(prompts, 0.8)
    made = compact(sketch(prompts, key=KEY).signatures, 0.7)
    agree = ((made.values[left] == made.values[right]).mean(1) - CHANCE) / (1 - CHANCE)
    named = dedup.share_a_band(made.band_keys, left, right) & (agree >= 0.7)
    return {"families": dedup.removed(column.to_pylist(), fp.deduplicate(column, key=KEY).labels), "pairs of Jaccard similarity .8": float(named.mean())}


def main() -> None:
    """Measure, compare, and end with 1 where too much is lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write what was measured into gates.json")
    parser.add_argument("--count", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.count:
        counted(options.count)
        return
    isa = _core.isa()
    expected: dict[str, Any] = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.exists() else {}
    counted_on = next(name for name in ("avx2", "scalar") if name in _core.supported_isas())
    found: dict[str, Any] = {"ratio": best_ratios(isa, expected.get("ratio", {})),
                             "instructions": instructions(counted_on), "recall": recall()}
    lost = []
    for kind, values in found.items():
        for name, value in values.items():
            before = expected.get(kind, {}).get(name)
            worse = before is not None and (value > before * (1 + LOSS) if kind == "instructions" else value < before * (1 - LOSS))
            print(f"{kind:13} {name:45} {value:12,.3f}   expected {before if before is not None else '-'}{'   LOST' if worse else ''}")
            lost += [name] if worse else []
    if not found["instructions"]:
        print("instructions were not counted: valgrind is not installed")
    if options.update:
        lowest = {name: min(value, expected.get("ratio", {}).get(name, value)) for name, value in found["ratio"].items()}
        merged = {kind: expected.get(kind, {}) | {name: round(value, 3) for name, value in values.items()}
                  for kind, values in {**found, "ratio": lowest}.items()}
        EXPECTED.write_text(json.dumps(merged, indent=1, sort_keys=True) + "\n", "utf-8")
    sys.exit(bool(lost) and not options.update)


if __name__ == "__main__":
    main()
