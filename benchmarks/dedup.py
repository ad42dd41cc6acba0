"""Near-duplicates end to end: how good they are against exact Jaccard similarity, and how fast beside other libraries.

``quality`` compares all pairs of some thousand prompts: the share of pairs of each true similarity that share a band, beside the theory, and recall and
precision of what is verified at several thresholds, as means over keys: the pairs of one template share its shingles, and with them their luck under a
key. ``speed`` runs the whole way from a Parquet file to clusters, ours and peers', over the same rows, each in a process of its own, and checks first
that planted families are found.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
from fingerprint.clusters import CHANCE, compact
from fingerprint.lsh import candidate_probability, choose_bands
from fingerprint.minhash import normalize
from fingerprint.simulate import simulate
from fingerprint.sketch import Signatures, sketch

KEY = fp.Key(bytes(range(16)))
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
BINS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
PAIRS_AT_ONCE = 1 << 14
PART, PART_LONG = 500_000, 50_000  # rows written together, repeats among them; fewer where some are long
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


def share_a_band(keys: list[npt.NDArray[np.uint32]], left: Integers, right: Integers) -> npt.NDArray[np.bool_]:
    """Say of each pair whether a band key is the same."""
    found: npt.NDArray[np.bool_] = np.logical_or.reduce([column[left] == column[right] for column in keys])
    return found


def quality(options: argparse.Namespace) -> None:
    """Print the S-curve beside the theory, and recall and precision by threshold."""
    prompts = sample(options)
    left, right, true = exact_pairs(prompts, BINS[0])
    bands = choose_bands(0.7, 128)
    inside = {(low, high): (true >= low) & (true < high) for low, high in pairwise(BINS)}
    shares: dict[tuple[float, float], list[float]] = {limits: [] for limits, chosen in inside.items() if chosen.any()}
    measured: dict[float, list[tuple[float, float, float]]] = {threshold: [] for threshold in THRESHOLDS if (true >= threshold).any()}
    for number in range(options.keys):
        made = sketch(prompts, key=fp.Key(bytes([number] * 16)))
        shared = share_a_band(compact(made.signatures, 0.7).band_keys, left, right)
        for limits, values in shares.items():
            values.append(shared[inside[limits]].mean())
        for threshold, rates in measured.items():
            rates.append(recall_and_precision(made.signatures, left, right, true, threshold))
    print(f"{len(prompts):,} distinct prompts, {len(true):,} pairs of exact Jaccard similarity {BINS[0]} and more; {bands[0]} bands of {bands[1]} rows; "
          f"means of {options.keys} keys\n")
    print("| similarity | pairs | share a band | from key to key | theory |\n| --- | --- | --- | --- | --- |")
    for (low, high), values in shares.items():
        chosen = inside[low, high]
        print(f"| {low} to {high} | {chosen.sum():,} | {np.mean(values):.3f} | ± {np.std(values):.3f} | "
              f"{candidate_probability(true[chosen], *bands).mean():.3f} |")
    print("\n| threshold | pairs | recall | precision | precision .05 below |\n| --- | --- | --- | --- | --- |")
    for threshold, rates in measured.items():
        print(f"| {threshold} | {(true >= threshold).sum():,} | " + " | ".join(f"{rate:.3f}" for rate in np.mean(rates, 0)) + " |")


def recall_and_precision(made: Signatures, left: Integers, right: Integers, true: npt.NDArray[np.float64], threshold: float) -> tuple[float, float, float]:
    """Return recall and precision of the pairs that are found and verified at a threshold, and precision where .05 below it counts as right."""
    found = compact(made, threshold)
    estimate = np.concatenate([(found.values[left[low : low + PAIRS_AT_ONCE]] == found.values[right[low : low + PAIRS_AT_ONCE]]).mean(1)
                               for low in range(0, len(left), PAIRS_AT_ONCE)])
    named = share_a_band(found.band_keys, left, right) & ((estimate - CHANCE) / (1 - CHANCE) >= threshold - 1e-9)
    wanted = true >= threshold
    if not named.any():
        return 0.0, float("nan"), float("nan")
    return float(named[wanted].mean()), float(wanted[named].mean()), float((true[named] >= threshold - 0.05).mean())


def sample(options: argparse.Namespace) -> list[str]:
    """Return distinct prompts of the given Parquet file, or of simulated traffic."""
    column = pq.read_table(options.prompts, columns=["prompt"]).column("prompt") if options.prompts else simulate("mixed", options.seed).events.column("prompt")
    distinct = list(dict.fromkeys(p for p in column.to_pylist() if p and len(p) >= 20))
    chosen = np.sort(np.random.default_rng(options.seed).permutation(len(distinct))[: options.n])
    return [distinct[i] for i in chosen]


def write_corpus(path: Path, options: argparse.Namespace) -> None:
    """Write `n` rows: families of five near-duplicates, a share of repeats of rows that came before, a share of long texts; shuffled within parts."""
    rng = np.random.default_rng(options.seed)
    with pq.ParquetWriter(path, pa.schema([("prompt", pa.large_string())])) as writer:
        at_once = PART_LONG if options.long else PART
        for low in range(0, options.n, at_once):
            writer.write_table(pa.table({"prompt": texts.rows_of_families(rng, min(at_once, options.n - low), options.repeats, options.long)}))


def batches(path: Path, n: int) -> Iterator[pa.Array]:
    """Yield the first `n` prompts of a file, reading no further."""
    for batch in pq.ParquetFile(path).iter_batches(65_536, columns=["prompt"]):
        yield batch.column("prompt").slice(0, n)
        n -= len(batch)
        if n <= 0:
            return


def ours(path: Path, n: int, threads: int | None) -> Integers:
    """Cluster with this library, as rows are read."""
    return fp.deduplicate(batches(path, n), key=KEY, threads=threads).labels


def shingles(text: str) -> list[str]:
    """Return the distinct character 5-grams."""
    return list({text[i : i + 5] for i in range(len(text) - 4)})


def read(path: Path, n: int) -> list[str]:
    """Return the first `n` prompts."""
    return [prompt for batch in batches(path, n) for prompt in batch.to_pylist()]


def rensa(path: Path, n: int, threads: int | None) -> Integers:
    """Label each prompt by the first one that rensa's own deduplicator says it repeats."""
    import rensa as library

    prompts = read(path, n)
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


def datasketch(path: Path, n: int, threads: int | None) -> Integers:
    """Label each prompt by the first one whose bucket it shares in datasketch's index, verified."""
    import datasketch as library

    index = library.MinHashLSH(threshold=0.7, num_perm=128)
    kept: dict[int, Any] = {}
    prompts = read(path, n)
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


def text_dedup(path: Path, n: int, threads: int | None) -> Integers:
    """Run text-dedup's own command, which says which rows it would keep: those that start a cluster. Its shingles are words, its clusters not verified."""
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part.parquet"
        pq.write_table(pa.table({"prompt": pa.chunked_array(batches(path, n))}), part)
        command = [os.environ.get("TEXT_DEDUP_PYTHON", sys.executable), "-m", "text_dedup.minhash", "--path", "parquet", "--data_files", str(part),
                   "--split", "train", "--cache_dir", f"{folder}/cache", "--output", f"{folder}/out", "--column", "prompt", "--batch_size", "10000",
                   "--num_perm", "128", "--ngram", "2", "--threshold", "0.7", "--num_proc", str(threads or os.cpu_count() or 1)]
        subprocess.run(command, check=True, capture_output=True)
        kept = [pa.ipc.open_stream(file).read_all() for file in sorted(Path(folder, "out").glob("*.arrow"))]
        first = set(pa.concat_tables(kept).column("prompt").to_pylist())
    return np.cumsum([prompt in first for prompt in read(path, n)])


METHODS: dict[str, Callable[[Path, int, int | None], Integers]] = {"fingerprint": ours, "rensa": rensa, "datasketch": datasketch, "text-dedup": text_dedup}


def removed(prompts: list[str], labels: Integers) -> float:
    """Return which share of the rows that repeat an earlier family member is in an earlier one's cluster: 1 would leave a row of each family."""
    families = len({texts.family_of(prompt) for prompt in prompts})
    return (len(prompts) - len(np.unique(labels))) / max(len(prompts) - families, 1)


def one(options: argparse.Namespace) -> None:
    """Run one method over a file and print its figures as JSON."""
    path = Path(options.prompts)
    start = time.perf_counter()
    labels = METHODS[options.method](path, options.n, options.threads)
    seconds = time.perf_counter() - start
    usage = [resource.getrusage(who).ru_maxrss * 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    prompts = read(path, options.n)
    n_bytes = sum(len(prompt.encode()) for prompt in prompts)
    print(json.dumps({"method": options.method, "n": len(labels), "threads": options.threads, "seconds": seconds, "prompts_per_s": len(labels) / seconds,
                      "bytes_per_s": n_bytes / seconds, "peak_memory_bytes": max(usage), "n_clusters": len(np.unique(labels)),
                      "removed": removed(prompts, labels)}))


def speed(options: argparse.Namespace) -> None:
    """Run all methods over the same rows, each in a process of its own."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "families.parquet"
        write_corpus(path, options)
        os.sync()  # else whoever comes first shares the machine with the writing
        for method, threads in itertools.product(options.methods.split(","), options.threads):
            n = options.n if method == "fingerprint" else min(options.n, options.peer_n)
            command = [sys.executable, __file__, "one", "--method", method, "--prompts", str(path), "--n", str(n), "--threads", str(threads)]
            runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            print("{method}: {n:,} prompts in {seconds:.1f} s, {prompts_per_s:,.0f}/s, removed {removed:.3f}".format(**runs[-1]), file=sys.stderr, flush=True)
    print(f"{options.repeats:.0%} of the rows are repeats, {options.long:.0%} of the others 50 kB long\n")
    print("| method | threads | prompts | seconds | prompts/s | MB/s | peak memory | found |\n| --- | --- | --- | --- | --- | --- | --- | --- |")
    for run in runs:
        print(f"| {run['method']} | {run['threads']} | {run['n']:,} | {run['seconds']:.1f} | {run['prompts_per_s']:,.0f} | {run['bytes_per_s'] / 1e6:,.0f} | "
              f"{run['peak_memory_bytes'] / 1e9:.1f} GB | {run['removed']:.3f} |")
    if options.json:
        Path(options.json).write_text(json.dumps({"machine": machine.describe(), "repeats": options.repeats, "long": options.long, "runs": runs}), "utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(seed=1)
    commands = parser.add_subparsers(required=True)
    add = commands.add_parser("quality", help="against exact Jaccard similarity")
    add.add_argument("--prompts", help="Parquet file with a column prompt; default simulated traffic")
    add.add_argument("--n", type=int, default=20_000)
    add.add_argument("--keys", type=int, default=8)
    add.set_defaults(run=quality)
    add = commands.add_parser("speed", help="beside other libraries")
    add.add_argument("--n", type=int, default=1_000_000)
    add.add_argument("--peer-n", type=int, default=50_000, help="rows that the others get at most")
    add.add_argument("--methods", default="fingerprint,rensa,datasketch", help="text-dedup too, where TEXT_DEDUP_PYTHON is an interpreter that has it")
    add.add_argument("--threads", type=int, nargs="+", default=[os.cpu_count() or 1])
    add.add_argument("--repeats", type=float, default=0.0, help="share of the rows that repeat another")
    add.add_argument("--long", type=float, default=0.0, help="share of the other rows that is 50 kB long")
    add.add_argument("--json")
    add.set_defaults(run=speed)
    add = commands.add_parser("one", help="one method of speed")
    add.add_argument("--method", choices=METHODS, required=True)
    add.add_argument("--prompts", required=True)
    add.add_argument("--n", type=int, required=True)
    add.add_argument("--threads", type=int)
    add.set_defaults(run=one)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
