"""A stream detector: throughput, latency and memory, with near-duplicate search on, beside other libraries on the same stream.

``speed`` takes in prompts of 208 characters in batches of 1,000, of which 0, 50 or 90 % are the same prompt, in both modes of durability, on one core: the
rate is that of processor time of all threads, folding in the background included. Beside it, on the same stream, datasketch's MinHashLSH and rensa's index,
which search, then insert, and keep nothing on a disk. ``soak`` takes in a long stream of a short window, so that
spans expire all the time, and samples memory. ``findings`` asks for findings again and again while traffic comes in: an evaluation costs by what is new,
but once a day, and the last one says what a scan of everything says. Results are checked before anything is timed: repeats are counted, planted
near-duplicates are found.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import machine
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import texts

from fingerprint import scan
from fingerprint.config import ScanConfig, StreamConfig
from fingerprint.keys import Key
from fingerprint.room import give_back
from fingerprint.simulate import simulate
from fingerprint.simulate.presets import preset
from fingerprint.stream.detector import Detector

KEY = Key(bytes(range(16)))
BATCH, WARM_UP = 1_000, 20
START_US = 1_767_225_600_000_000
ACCOUNTS = 50_000
HOT = "Please answer the question of the day as briefly as you can, and say how sure you are of the answer. " * 2


def batches(n: int, share: float, seed: int, step_us: int = 1_000_000) -> Iterator[pa.RecordBatch]:
    """Yield n prompts in batches: `share` of them one and the same, one in a hundred of the others near-duplicates of one before."""
    rng = np.random.default_rng(seed)
    pool = texts.corpus("en208", 20_000).column.to_pylist()
    at = 0
    while at < n:
        left, right = rng.integers(0, len(pool), BATCH), rng.integers(0, len(pool), BATCH)
        numbers = rng.integers(0, 1 << 40, BATCH)
        prompts = [f"{pool[a][:92]} {number:x} {pool[b][92:190]} {number * 7919:x}" for a, b, number in zip(left, right, numbers, strict=True)]
        for row in np.flatnonzero(rng.random(BATCH) < 0.01).tolist():
            prompts[row] = prompts[row - 1][:-3] + "now"
        for row in np.flatnonzero(rng.random(BATCH) < share).tolist():
            prompts[row] = HOT
        times = START_US + (at + np.arange(BATCH)) * step_us
        yield pa.RecordBatch.from_pydict({
            "account_id": pa.array([f"acct-{a}" for a in rng.integers(0, ACCOUNTS, BATCH)]),
            "timestamp": pa.array(times, pa.int64()).cast(pa.timestamp("us", "UTC")), "prompt": pa.array(prompts, pa.large_string())})
        at += BATCH


def config(durability: str, window_s: float = 42 * 86_400.0) -> StreamConfig:
    """Return a configuration of one thread, so that figures are those of a core."""
    return StreamConfig(ScanConfig(threads=1), window_s=window_s, durability=durability, memory=16 << 30)


def resident() -> int:
    """Return the memory of this process as the system has it, bytes."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def check(folder: Path) -> None:
    """Make sure that what is timed does what it says."""
    with Detector.open(folder / "check", config("durable"), key=KEY) as detector:
        n_hot = n_planted = n_found = 0
        for batch in batches(20 * BATCH, 0.5, 7):
            prompts = batch.column("prompt").to_pylist()
            seen = detector.observe(batch)
            n_hot += prompts.count(HOT)
            assert not n_hot or seen.n_seen[prompts.index(HOT)] <= n_hot
            planted = [i for i, text in enumerate(prompts) if text.endswith("now") and not text.startswith(HOT[:100])]
            n_planted += len(planted)
            n_found += sum(0.7 <= seen.similarity[i] < 1 and seen.cluster[i] == seen.cluster[i - 1] for i in planted if prompts[i - 1] != HOT)
            n_planted -= sum(prompts[i - 1] == HOT for i in planted)
        status = detector.status()
        answer = detector.query(HOT)
        assert status.n_live == 20 * BATCH and answer.n_seen == n_hot, (status, answer)
        assert n_planted > 10 and n_found >= 0.9 * n_planted, f"{n_found} of {n_planted} planted near-duplicates were found"


def ours(durability: str, n: int, share: float, folder: Path) -> dict[str, Any]:
    """Take in n prompts; return rates, latencies and memory."""
    give_back()
    with Detector.open(folder / f"{durability}-{share}", config(durability), key=KEY) as detector:
        took, before = [], resident()
        busy, making, made = -time.process_time(), 0.0, time.thread_time()
        for batch in batches(n, share, 1):
            making += time.thread_time() - made  # of the stream, which is not part of it
            start = time.perf_counter()
            detector.observe(batch)
            took.append(time.perf_counter() - start)
            made = time.thread_time()
        detector.snapshot()  # what is done in the background is
        busy += time.process_time()
        status = detector.status()
        ask = [f"is there anything like question {i}" for i in range(2_000)]
        start = time.perf_counter()
        for text in ask:
            detector.query(text)
        query = (time.perf_counter() - start) / len(ask)
        give_back()
        result = {"rate": n / (busy - making), **latencies(took), "query_us": query * 1e6, "n_texts": status.n_texts,
                  "bytes_a_text": status.memory_bytes / max(status.n_texts, 1), "resident_growth": resident() - before, "memory_bytes": status.memory_bytes,
                  "state_bytes_a_prompt": status.state_bytes / n}
    return result


def latencies(took: list[float]) -> dict[str, float]:
    """Return quantiles of the time of a batch, milliseconds; the first ones warm up."""
    some = np.array(took[WARM_UP:]) * 1e3
    return {"p50_ms": float(np.quantile(some, 0.5)), "p99_ms": float(np.quantile(some, 0.99)), "p99.9_ms": float(np.quantile(some, 0.999)),
            "max_ms": float(some.max())}


def peer(insert: Callable[[int, str], int], n: int, share: float) -> dict[str, Any]:
    """Search, then insert, n prompts one by one."""
    took, row, n_found = [], 0, 0
    for batch in batches(n, share, 1):
        prompts = batch.column("prompt").to_pylist()
        start = time.perf_counter()
        for text in prompts:
            n_found += insert(row, text) > 0
            row += 1
        took.append(time.perf_counter() - start)
    assert n_found >= 0.8 * share * n
    return {"rate": n / sum(took), "found": n_found, **({} if len(took) <= WARM_UP else latencies(took))}


def shingles(text: str) -> list[str]:
    """Return the distinct character 5-grams."""
    return list({text[i : i + 5] for i in range(len(text) - 4)})


def datasketch() -> Callable[[int, str], int]:
    """Return what searches and inserts with datasketch, at its defaults but for the threshold."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=0.7, num_perm=128)

    def insert(row: int, text: str) -> int:
        made = MinHash(num_perm=128)
        made.update_batch([shingle.encode() for shingle in shingles(text)])
        found = len(index.query(made))
        index.insert(row, made, check_duplication=False)
        return found

    return insert


def rensa() -> Callable[[int, str], int]:
    """Return what searches and inserts with rensa."""
    import rensa as module

    index = module.RMinHashLSH(threshold=0.7, num_perm=128, num_bands=16)

    def insert(row: int, text: str) -> int:
        made = module.RMinHash(num_perm=128, seed=42)
        made.update(shingles(text))
        found = len(index.query(made))
        index.insert(row, made)
        return found

    return insert


def speed(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Print a table of rates and latencies."""
    results: dict[str, Any] = {}
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # folding in the background included
    print(f"{'':12} {'identical':>9} {'prompts/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}   of {BATCH:,} prompts; bytes a distinct prompt")
    for share in (0.0, 0.5, 0.9):
        for name in ("durable", "fast"):
            found = results[f"{name} {share}"] = ours(name, options.n, share, folder)
            print(f"{name:12} {share:9.0%} {found['rate']:10,.0f} {found['p50_ms']:8.1f} {found['p99_ms']:8.1f} {found['max_ms']:8.1f}   "
                  f"{found['bytes_a_text']:.0f} in memory ({found['n_texts']:,}), {found['state_bytes_a_prompt']:.0f} a prompt on the disk, "
                  f"a query {found['query_us']:.0f} us", flush=True)
        for name, make in (("datasketch", datasketch), ("rensa", rensa)):
            try:
                insert = make()
            except ImportError:
                continue
            found = results[f"{name} {share}"] = peer(insert, options.peer_n, share)
            tail = f"{found['p50_ms']:8.1f} {found['p99_ms']:8.1f} {found['max_ms']:8.1f}" if "p50_ms" in found else ""
            print(f"{name:12} {share:9.0%} {found['rate']:10,.0f} {tail}   of {options.peer_n:,} prompts", flush=True)
    return results


def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Take in a long stream with expiry, and print memory as it goes."""
    step = 1_000_000
    window_s = options.window * step / 1e6
    samples, took, start = [], [], time.perf_counter()
    with Detector.open(folder / "soak", config(options.durability, window_s), key=KEY) as detector:
        for number, batch in enumerate(batches(options.n, options.share, 3, step)):
            before = time.perf_counter()
            detector.observe(batch)
            took.append(time.perf_counter() - before)
            if (number + 1) % (options.n // BATCH // 50 or 1) == 0:
                status = detector.status()
                samples.append({"events": (number + 1) * BATCH, "resident": resident(), "memory_bytes": status.memory_bytes, "live": status.n_live,
                                "state_bytes": status.state_bytes})
                print(f"{samples[-1]['events']:12,} events, {status.n_live:10,} alive, {samples[-1]['resident'] / 1e6:8,.0f} MB resident, "
                      f"{status.memory_bytes / 1e6:7,.0f} MB in the index, {status.state_bytes / 1e6:8,.0f} MB on the disk, "
                      f"{time.perf_counter() - start:6,.0f} s {status.error}", flush=True)
    half = [s["resident"] for s in samples[len(samples) // 4 :]]
    events = [s["events"] for s in samples[len(samples) // 4 :]]
    slope = float(np.polyfit(events, half, 1)[0]) * 10e6 / np.mean(half)
    result = {"samples": samples, "slope_of_resident_per_10M": slope, "rate": options.n / sum(took), **latencies(took)}
    print(f"{options.n:,} events: {result['rate']:,.0f} prompts/s; a batch p50 {result['p50_ms']:.1f}, p99 {result['p99_ms']:.1f}, p99.9 "
          f"{result['p99.9_ms']:.1f}, longest {result['max_ms']:.1f} ms; resident memory after a quarter of the stream {slope:+.2%} per 10 M events; "
          f"longest resident {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")
    return result


def findings(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Print what an evaluation takes, and what the next ones take, which know the one before."""
    world = preset("scale", prompts=options.n) if options.world == "scale" else preset(options.world)
    events = (pq.read_table(options.dump) if options.dump else simulate(world, 1).events).sort_by("timestamp")
    ends = [round(len(events) * (1 - options.new * left)) for left in range(options.steps, -1, -1)]
    settings = StreamConfig(ScanConfig(controls=False), durability="fast", memory=16 << 30)
    took, at = [], 0
    with Detector.open(folder / "findings", settings, key=KEY) as detector:
        for end in ends:
            while at < end:
                detector.observe(events.slice(at, min(BATCH, end - at)))
                at = min(at + BATCH, end)
            start = time.perf_counter()
            found = detector.findings()
            took.append(time.perf_counter() - start)
            print(f"{took[-1]:6.1f} s for {end:10,} prompts, {len(found)} findings: "
                  + ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in detector._evaluations.seconds.items()), flush=True)
    start = time.perf_counter()
    whole = scan(events, config=settings.scan, key=KEY)
    result = {"prompts": len(events), "seconds": took, "scan_s": time.perf_counter() - start, "share": float(np.median(took[1:])) / took[0]}
    assert sorted(f.campaign.campaign_id for f in found) == sorted(c.campaign_id for c in whole.campaigns), "a scan finds other campaigns"
    print(f"a scan of everything finds the same in {result['scan_s']:.1f} s; with {options.new:.1%} more prompts an evaluation takes {result['share']:.0%} of "
          f"the first (median of {options.steps}), and {max(took[1:]) / took[0]:.0%} where a new day is settled")
    return result


def main() -> None:
    """Check, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "soak", "findings"))
    parser.add_argument("--n", type=int, default=1_000_000, help="prompts of ours")
    parser.add_argument("--peer-n", type=int, default=40_000, help="prompts of the others")
    parser.add_argument("--window", type=int, default=2_000_000, help="soak: prompts that are alive")
    parser.add_argument("--share", type=float, default=0.2, help="soak: identical prompts")
    parser.add_argument("--durability", choices=("durable", "fast"), default="durable")
    parser.add_argument("--world", default="mixed", help="findings: preset that is simulated; scale has --n prompts")
    parser.add_argument("--dump", help="findings: Parquet file in place of it")
    parser.add_argument("--new", type=float, default=0.005, help="findings: share of the prompts that comes between two evaluations")
    parser.add_argument("--steps", type=int, default=8, help="findings: evaluations after the first")
    parser.add_argument("--json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder))
        result = {"speed": speed, "soak": soak, "findings": findings}[options.what](options, Path(folder))
    if options.json:
        Path(options.json).write_text(json.dumps({"machine": machine.describe(), **result}), "utf-8")
    sys.exit(0)


if __name__ == "__main__":
    main()
