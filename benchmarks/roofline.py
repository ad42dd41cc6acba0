"""How far each stage is from what the machine can do, on one thread: bytes and cycles, memory bandwidth, and the rate of the arithmetic it is made of.

Memory bandwidth is measured by copying an array that fits no cache; the arithmetic is that of two vector units at the clock that the system tells. A stage's
share of a limit is the time that it would take at the limit over the time that it takes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import machine
import numpy as np
import pyarrow as pa
import texts

import fingerprint as fp
from fingerprint import _core
from fingerprint.encoders import get_encoder
from fingerprint.lsh import choose_bands
from fingerprint.minhash import minhash
from fingerprint.sketch import exact_hashes, sketch

KEY = fp.Key(bytes(range(16)))
N, ROUNDS = 20_000, 9
NUM_PERM, NGRAM, DIM = 128, 5, 256
LANES = {"avx512": 16, "avx2": 8, "neon": 4, "scalar": 1}  # of 32 bits
SIPHASH_13 = 4  # rounds for a window of up to 7 bytes, of 14 operations on 64 bits each


def best(run: Callable[[], object]) -> float:
    """Return the seconds of the best of several runs."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def clock_hz() -> float:
    """Return the clock that the system tells of the first processor; it may run faster or slower."""
    return float(machine.processor_info()["mhz"]) * 1e6


def bandwidth() -> float:
    """Return bytes per second of copying, read and written counted once each."""
    source = np.ones(64 << 20, np.uint8)
    target = np.empty_like(source)
    return 2 * len(source) / best(lambda: np.copyto(target, source))


def stages(kind: str) -> dict[str, tuple[float, int, float, float]]:
    """Return for each stage: seconds, bytes of text, bytes that have to move at least, 32-bit lane operations that have to be done at least."""
    corpus = texts.corpus(kind, N)
    column, n_bytes = corpus.column, corpus.n_bytes
    shapes = choose_bands(0.7, NUM_PERM)
    made = sketch(column, key=KEY, threads=1)
    n_shingles = int(made.signatures.n_shingles.sum())
    hashing = n_shingles * SIPHASH_13 * 14 * 2  # a 64-bit operation is two of 32 bits
    minima = n_shingles * NUM_PERM * 2  # an addition and a minimum
    encoder = get_encoder("static", threads=1)
    return {
        "exact hashes": (best(lambda: exact_hashes(column, key=KEY, threads=1)), n_bytes, n_bytes + 8 * N, 0),
        "MinHash": (best(lambda: minhash(column, key=KEY, threads=1)), n_bytes, n_bytes + 4 * NUM_PERM * N, hashing + minima),
        "sketch and band keys": (best(lambda: sketch(column, key=KEY, bands=shapes, threads=1)), n_bytes, n_bytes + (4 * NUM_PERM + 8 * shapes[0]) * N,
                                 hashing + minima),
        "static encoding": (best(lambda: encoder.encode(column)), n_bytes, n_bytes + 4 * DIM * N, 0)}


def threads_rates() -> tuple[float, float]:
    """Return prompts per second of MinHash on one thread and on two, over a column long enough to share out, in turns: the best of many, since a second
    processor that somebody else uses for a moment is no property of the code."""
    column = pa.concat_arrays([texts.corpus("en208", N).column] * 10)
    seconds = {1: float("inf"), 2: float("inf")}
    for _ in range(3 * ROUNDS):
        for threads in (1, 2):
            start = time.perf_counter()
            minhash(column, key=KEY, threads=threads)
            seconds[threads] = min(seconds[threads], time.perf_counter() - start)
    return len(column) / seconds[1], len(column) / seconds[2]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="en208", choices=texts.KINDS)
    parser.add_argument("--json")
    options = parser.parse_args()
    clock, memory, lanes = clock_hz(), bandwidth(), LANES[_core.isa()]
    print(f"{_core.isa()}, {options.kind}: {clock / 1e9:.1f} GHz, copies {memory / 1e9:.0f} GB/s, {2 * lanes * clock / 1e9:.0f} G 32-bit operations/s "
          "from two vector units\n")
    print("| stage | prompts/s | MB/s | cycles/byte | of memory bandwidth | of vector arithmetic |\n| --- | --- | --- | --- | --- | --- |")
    rows = []
    for name, (seconds, n_bytes, moved, operations) in stages(options.kind).items():
        row = {"stage": name, "prompts_per_s": N / seconds, "bytes_per_s": n_bytes / seconds, "cycles_per_byte": clock * seconds / n_bytes,
               "of_memory": moved / memory / seconds, "of_arithmetic": operations / (2 * lanes * clock) / seconds}
        rows.append(row)
        print(f"| {name} | {row['prompts_per_s']:,.0f} | {row['bytes_per_s'] / 1e6:,.0f} | {row['cycles_per_byte']:.1f} | {row['of_memory']:.0%} | "
              f"{format(row['of_arithmetic'], '.0%') if operations else '–'} |")
    one, two = threads_rates()
    print(f"\nMinHash on two threads: {two:,.0f} prompts/s, {two / one:.2f} times one thread")
    if options.json:
        found = {"machine": machine.describe(), "clock_hz": clock, "bandwidth": memory, "two_threads": two / one, "stages": rows}
        Path(options.json).write_text(json.dumps(found), "utf-8")


if __name__ == "__main__":
    main()
