"""Near-duplicates end to end: how good they are against exact Jaccard similarity, and how fast beside other libraries.

``quality`` compares all pairs of some thousand prompts: the share of pairs of each true similarity that share a band, beside the theory, and recall and
precision of what is verified at several thresholds. ``speed`` runs the whole way from a Parquet file to clusters, ours and peers', over the same rows,
each in a process of its own, and checks first that planted families are found.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import machine
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import texts
from scipy.sparse import csr_matrix

import fingerprint as fp
from fingerprint.clusters import CHANCE, cluster, compact
from fingerprint.lsh import candidate_probability, choose_bands
from fingerprint.minhash import normalize
from fingerprint.simulate import simulate
from fingerprint.sketch import sketch

KEY = fp.Key(bytes(range(16)))
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
BINS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
Integers = npt.NDArray[np.int64]


def exact_pairs(prompts: list[str], least: float, ngram: int = 5) -> tuple[Integers, Integers, npt.NDArray[np.float64]]:
    """Return all pairs i < j of exact Jaccard similarity `least` and more, by counting common shingles."""
    numbers: dict[str, int] = {}
    sets = [{numbers.setdefault(t[i : i + ngram], len(numbers)) for i in range(len(t) - ngram + 1)} for t in normalize(prompts)]
    size = np.array([len(s) for s in sets])
    ends = np.cumsum([0, *size])
    held = csr_matrix((np.ones(ends[-1], np.int32), np.fromiter((x for s in sets for x in s), np.int64, ends[-1]), ends), shape=(len(sets), len(numbers)))
    found = []
    for low in range(0, len(sets), 500):
        common = (held[low : low + 500] @ held.T).tocoo()
        row = common.row + low
        similarity = common.data / (size[row] + size[common.col] - common.data)
        kept = (row < common.col) & (similarity >= least)
        found.append((row[kept], common.col[kept], similarity[kept]))
    left, right, similarity = (np.concatenate(part) for part in zip(*found, strict=True))
    return left.astype(np.int64), right.astype(np.int64), similarity


def quality(options: argparse.Namespace) -> None:
    """Print the S-curve beside the theory, and recall and precision by threshold."""
    prompts = sample(options)
    left, right, true = exact_pairs(prompts, BINS[0])
    made = sketch(prompts, key=KEY)
    bands = choose_bands(0.7, 128)
    small = compact(made.signatures, 0.7)
    shares = (small.band_keys[left] == small.band_keys[right]).any(1)
    print(f"{len(prompts):,} distinct prompts, {len(true):,} pairs of exact Jaccard similarity {BINS[0]} and more; {bands[0]} bands of {bands[1]} rows\n")
    print("| similarity | pairs | share a band | theory |\n| --- | --- | --- | --- |")
    for low, high in pairwise(BINS):
        inside = (true >= low) & (true < high)
        if inside.any():
            print(f"| {low} to {high} | {inside.sum():,} | {shares[inside].mean():.3f} | {candidate_probability(true[inside], *bands).mean():.3f} |")
    print("\n| threshold | pairs | recall | precision | precision .05 below |\n| --- | --- | --- | --- | --- |")
    for threshold in THRESHOLDS:
        found = compact(made.signatures, threshold)
        estimate = ((found.values[left] == found.values[right]).mean(1) - CHANCE) / (1 - CHANCE)
        named = (found.band_keys[left] == found.band_keys[right]).any(1) & (estimate >= threshold - 1e-9)
        wanted = true >= threshold
        if wanted.any():
            near = (true[named] >= threshold - 0.05).mean()
            print(f"| {threshold} | {wanted.sum():,} | {named[wanted].mean():.3f} | {wanted[named].mean():.3f} | {near:.3f} |")


def sample(options: argparse.Namespace) -> list[str]:
    """Return distinct prompts of the given Parquet file, or of simulated traffic."""
    column = pq.read_table(options.prompts, columns=["prompt"]).column("prompt") if options.prompts else simulate("mixed", options.seed).events.column("prompt")
    distinct = list(dict.fromkeys(p for p in column.to_pylist() if p and len(p) >= 20))
    chosen = np.sort(np.random.default_rng(options.seed).permutation(len(distinct))[: options.n])
    return [distinct[i] for i in chosen]


def write_families(path: Path, n: int) -> None:
    """Write prompts in shuffled families of five, a word of each replaced; the family stands beside."""
    corpus = texts.families(n)
    pq.write_table(pa.table({"prompt": corpus.column}), path)


def ours(column: pa.ChunkedArray) -> Integers:
    """Cluster with this library."""
    made = sketch(column, key=KEY)
    return cluster(made.signatures, made.exact).labels


def shingles(text: str) -> list[str]:
    """Return the distinct character 5-grams."""
    return list({text[i : i + 5] for i in range(len(text) - 4)})


def rensa(column: pa.ChunkedArray) -> Integers:
    """Label each prompt by the first one that rensa's own deduplicator says it repeats."""
    import rensa as library

    prompts = column.to_pylist()
    labels = np.arange(len(prompts))
    dedup = library.RMinHashDeduplicator(0.7, 128, True, 16)  # 16 bands of 8 rows, its fewest candidates
    for i, text in enumerate(prompts):
        signature = library.RMinHash(128, 42)
        signature.update(shingles(text))
        repeats = dedup.get_duplicates(signature)
        if repeats:
            labels[i] = labels[min(map(int, repeats))]
        else:
            dedup.add(str(i), signature)
    return labels


def datasketch(column: pa.ChunkedArray) -> Integers:
    """Label each prompt by the first one whose bucket it shares in datasketch's index, verified."""
    import datasketch as library

    index = library.MinHashLSH(threshold=0.7, num_perm=128)
    kept: dict[int, Any] = {}
    prompts = column.to_pylist()
    labels = np.arange(len(prompts))
    for i, text in enumerate(prompts):
        signature = library.MinHash(num_perm=128)
        signature.update_batch([shingle.encode() for shingle in shingles(text)])
        repeats = [other for other in index.query(signature) if kept[other].jaccard(signature) >= 0.7]
        if repeats:
            labels[i] = labels[min(repeats)]
        else:
            index.insert(i, signature)
            kept[i] = signature
    return labels


METHODS: dict[str, Callable[[pa.ChunkedArray], Integers]] = {"fingerprint": ours, "rensa": rensa, "datasketch": datasketch}


def family_recall(column: pa.ChunkedArray, labels: Integers) -> float:
    """Return the share of adjacent pairs of near-duplicates, which differ in a word, that have one label."""
    words = [text.split(" ") for text in column.slice(0, 4000).to_pylist()]
    by_half: dict[tuple[str, ...], list[int]] = {}
    for i, one in enumerate(words):
        by_half.setdefault(tuple(one[: len(one) // 3]), []).append(i)
    pairs = [(a, b) for group in by_half.values() for a, b in pairwise(group)]
    return float(np.mean([labels[a] == labels[b] for a, b in pairs])) if pairs else 1.0


def one(options: argparse.Namespace) -> None:
    """Run one method over a file and print its figures as JSON."""
    start = time.perf_counter()
    column = pq.read_table(options.prompts, columns=["prompt"]).column("prompt").slice(0, options.n)
    labels = METHODS[options.method](column)
    seconds = time.perf_counter() - start
    print(json.dumps({"method": options.method, "n": len(column), "seconds": seconds, "prompts_per_s": len(column) / seconds,
                      "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "n_clusters": len(np.unique(labels)),
                      "family_recall": family_recall(column, labels)}))


def speed(options: argparse.Namespace) -> None:
    """Run all methods over the same rows, each in a process of its own."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "families.parquet"
        write_families(path, options.n)
        for method in options.methods.split(","):
            n = options.n if method == "fingerprint" else min(options.n, options.peer_n)
            command = [sys.executable, __file__, "one", "--method", method, "--prompts", str(path), "--n", str(n)]
            runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            print("{method}: {n:,} prompts in {seconds:.1f} s, {prompts_per_s:,.0f}/s, recall {family_recall:.3f}, {n_clusters:,} clusters".format(**runs[-1]),
                  file=sys.stderr, flush=True)
    print("| method | prompts | seconds | prompts/s | peak memory | recall of families |\n| --- | --- | --- | --- | --- | --- |")
    for run in runs:
        print(f"| {run['method']} | {run['n']:,} | {run['seconds']:.1f} | {run['prompts_per_s']:,.0f} | {run['peak_memory_bytes'] / 1e9:.1f} GB | "
              f"{run['family_recall']:.3f} |")
    if options.json:
        Path(options.json).write_text(json.dumps({"machine": machine.describe(), "runs": runs}), "utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(seed=1)
    commands = parser.add_subparsers(required=True)
    add = commands.add_parser("quality", help="against exact Jaccard similarity")
    add.add_argument("--prompts", help="Parquet file with a column prompt; default simulated traffic")
    add.add_argument("--n", type=int, default=20_000)
    add.set_defaults(run=quality)
    add = commands.add_parser("speed", help="beside other libraries")
    add.add_argument("--n", type=int, default=1_000_000)
    add.add_argument("--peer-n", type=int, default=50_000, help="rows that the others get at most")
    add.add_argument("--methods", default="fingerprint,rensa,datasketch")
    add.add_argument("--json")
    add.set_defaults(run=speed)
    add = commands.add_parser("one", help="one method of speed")
    add.add_argument("--method", choices=METHODS, required=True)
    add.add_argument("--prompts", required=True)
    add.add_argument("--n", type=int, required=True)
    add.set_defaults(run=one)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
