"""Scans in shards: how much two workers are faster than one, what Ray costs beside processes of this machine, and what a day of any size takes.

``speed`` reads, sketches and puts together one dump in this process at once, in shards by one worker, by two, and by two of a Ray cluster, in turn and several
times; it ends with 1 unless all make the same traffic. ``scan`` compares whole scans, by two processes and by two workers on Ray. ``model`` does what ``speed``
does with one worker for dumps of several sizes, and says how well the smaller ones foretell the largest. ``plan`` says of a model what other amounts take.
Every measurement is a process of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import numpy as np

import fingerprint as fp
from fingerprint.ingest import CLUSTERING, READING, ingest
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import read_events
from fingerprint.shards.executors import Processes, executor_of
from fingerprint.shards.gathering import REDUCING, STARTING, Gathering, passing
from fingerprint.shards.job import Job
from fingerprint.shards.joining import JOINING, MOST
from fingerprint.traffic import Traffic

LEAST_SPEED_UP, MOST_OVERHEAD = 1.7, 0.25
STEPS = {STARTING: "start", READING: "map", REDUCING: "reduce", JOINING: "join", CLUSTERING: "cluster"}
ON_WORKERS = ("map", "reduce")
COLUMN_BYTES, TEXT_BYTES = 44, 28  # on the driver, of a row and of a distinct text
DETECTION_S = 670.0  # behind clustering, of 28.8 M rows of 250,000 accounts (scan.py); its samples are bounded, so more rows hardly take more


def digest(traffic: Traffic) -> str:
    """Name a traffic: every column that does not depend on how conversations are numbered."""
    made = hashlib.sha256(traffic.account_ids.cast("string").to_numpy(zero_copy_only=False).astype(str).tobytes())
    for name in ("account", "actor", "time_us", "text", "exact", "first_row", "cluster", "similarity", "file", "line", "system"):
        made.update(np.ascontiguousarray(getattr(traffic, name)).data)
    return made.hexdigest()[:16]


def one(dump: str, how: str, jobs: int, threads: int, key_file: str) -> dict[str, Any]:
    """Measure one way in this process."""
    key, watch, reader = fp.Key.load(key_file), Stopwatch(Progress()), read_events(dump)
    config = fp.ScanConfig(threads=threads)
    start = time.perf_counter()
    n_bytes, n_shards = {}, 0
    if how == "memory":
        traffic = ingest(reader, config, key, watch)
    else:
        workers = Processes(jobs, key, threads) if how == "local" else executor_of(how, jobs, key, threads)
        with workers as executor, passing() as folder:
            found = Gathering(folder, config, key, Job.of(config.sketch, key), executor, watch, key_file).gather(reader.divided())
            traffic, n_bytes, n_shards = found.traffic, found.n_bytes, found.n_shards
    seconds = {STEPS[name]: took for name, took in watch.seconds.items()} | {"all": round(time.perf_counter() - start, 3)}
    return {"how": how, "jobs": jobs, "rows": len(traffic.text), "texts": len(traffic.exact), "accounts": len(traffic.account_ids),
            "input_bytes": reader.total_bytes, "seconds": seconds, "bytes": n_bytes, "shards": n_shards,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "worker_peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, "digest": digest(traffic)}


def whole(dump: str, how: str, jobs: int, threads: int, key_file: str) -> dict[str, Any]:
    """Measure a whole scan in this process; the workers have so many threads, and so has the search."""
    start = time.perf_counter()
    with passing() as folder:
        found = fp.scan(dump, config=fp.ScanConfig(threads=threads), key=fp.Key.load(key_file), engine=how, jobs=jobs, state=folder, key_file=key_file)
        took = round(time.perf_counter() - start, 3)
    said = json.dumps([campaign.to_dict() for campaign in found.campaigns], sort_keys=True)
    return {"how": how, "jobs": jobs, "rows": len(found.prompts), "campaigns": len(found.campaigns), "seconds": {**found.manifest["timings"], "all": took},
            "bytes": found.manifest["engine"]["bytes"], "shards": found.manifest["engine"]["shards"],
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "digest": hashlib.sha256(said.encode()).hexdigest()[:16]}


def measured(dump: Path, how: str, jobs: int, threads: int, key_file: Path, what: str = "one") -> dict[str, Any]:
    """Measure one way in a process of its own."""
    command = [sys.executable, __file__, what, str(dump), "--how", how, "--jobs", str(jobs), "--threads", str(threads), "--key-file", str(key_file)]
    made: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout)
    return made


def world(prompts: str, folder: Path) -> Path:
    """Return a simulated dump of so many prompts; made if it is not there."""
    dump = folder / "dump.parquet"
    if not dump.exists():
        subprocess.run([sys.executable, "-m", "fingerprint", "simulate", "--preset", "scale", "--prompts", prompts, "--out", str(folder)], check=True,
                       stdout=subprocess.DEVNULL)
    return dump


def speed(dump: Path, rounds: int, key_file: Path) -> tuple[dict[str, Any], bool]:
    """Compare the ways."""
    ways = {"in this process, 1 thread": ("memory", 1), "1 process": ("local", 1), "2 processes": ("local", 2), "2 on Ray": ("ray", 2)}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (how, jobs) in ways.items():
            runs[name].append(measured(dump, how, jobs, 1, key_file))
            print(f"{name:26} " + "  ".join(f"{step} {took:.1f} s" for step, took in runs[name][-1]["seconds"].items())
                  + f"   {runs[name][-1]['peak'] / 1e9:.1f} GB, a worker {runs[name][-1]['worker_peak'] / 1e9:.1f} GB", flush=True)

    def middle(name: str, step: str) -> float:
        return statistics.median(run["seconds"].get(step, 0.0) for run in runs[name])

    up = {step: middle("1 process", step) / middle("2 processes", step) for step in ON_WORKERS}
    over = {step: middle("2 on Ray", step) / middle("2 processes", step) - 1 for step in ("map", "reduce", "all")}
    same = len({run["digest"] for all_runs in runs.values() for run in all_runs}) == 1
    print(f"two workers over one: map {up['map']:.2f}, reduce {up['reduce']:.2f}")
    print(f"Ray over processes: map {over['map']:+.0%}, reduce {over['reduce']:+.0%}, with the start of the cluster {over['all']:+.0%}")
    print("all made the same traffic" if same else "THE TRAFFICS DIFFER")
    return {"runs": runs, "speed_up": up, "overhead": over, "same": same}, same and up["map"] >= LEAST_SPEED_UP and over["all"] <= MOST_OVERHEAD


def scans(dump: Path, rounds: int, key_file: Path) -> tuple[dict[str, Any], bool]:
    """Compare whole scans on this machine."""
    ways = {"2 processes": "local", "2 on Ray": "ray"}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, how in ways.items():
            runs[name].append(measured(dump, how, 2, 2, key_file, "whole"))
            run = runs[name][-1]
            print(f"{name:12} {run['seconds']['all']:.1f} s, {run['campaigns']} campaigns, {run['shards']} shards, {run['peak'] / 1e9:.1f} GB", flush=True)
    local, on_ray = (statistics.median(run["seconds"]["all"] for run in runs[name]) for name in ways)
    same = len({run["digest"] for of_way in runs.values() for run in of_way}) == 1
    print(f"Ray over processes: {on_ray / local - 1:+.0%}" + ("; all say the same" if same else "; THEY DIFFER"))
    return {"runs": runs, "overhead": on_ray / local - 1, "same": same}, same and on_ray <= local * (1 + MOST_OVERHEAD)


def model(sizes: list[str], folder: Path, key_file: Path) -> dict[str, Any]:
    """Measure sizes with one worker of one thread, and fit what a million rows takes to all but the largest."""
    runs = []
    for size in sizes:
        runs.append(measured(world(size, folder / size), "local", 1, 1, key_file))
        run = runs[-1]
        print(f"{run['rows'] / 1e6:6.1f} M rows, {run['texts'] / 1e6:5.1f} M texts, {run['shards']:3} shards: "
              + "  ".join(f"{step} {took:.1f} s" for step, took in run["seconds"].items())
              + "   " + "  ".join(f"{step} {n / 1e6:,.0f} MB" for step, n in run["bytes"].items()) + f"   driver {run['peak'] / 1e9:.1f} GB", flush=True)
    told, last = fit(runs[:-1]), runs[-1]
    for kind in ("seconds", "bytes"):
        for name, (rate, power) in told[kind].items() if len(runs) > 2 else ():
            expected, seen = rate * (last["rows"] / 1e6) ** power, last[kind].get(name, 0)
            print(f"  {name:8} {rate:16,.2f} {kind} of a million rows, growing as rows to the {power:.2f}; foretold of {last['rows'] / 1e6:.0f} M "
                  f"{expected:,.1f}, seen {seen:,.1f} ({seen / expected - 1:+.0%})")
    return {"machine": machine.describe(), "runs": runs, "fit": fit(runs)}


def fit(runs: list[dict[str, Any]]) -> dict[str, dict[str, tuple[float, float]]]:
    """Fit what a step takes of a million rows, and the power of the number of rows with which it grows, by least squares of the logarithms."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    whole = [{**run, "bytes": {**run["bytes"], "input": run["input_bytes"]}, "count": {"texts": run["texts"]}} for run in runs]
    for kind in ("seconds", "bytes", "count"):
        for name in whole[-1][kind] if whole else ():
            points = [(np.log(run["rows"] / 1e6), np.log(run[kind][name])) for run in whole if run[kind].get(name, 0) > 0]
            if name in ("all", "start") or not points:
                continue
            power, rate = np.polyfit(*zip(*points, strict=True), 1) if len(points) > 1 else (1.0, points[0][1] - points[0][0])
            found.setdefault(kind, {})[name] = (float(np.exp(rate)), float(power))
    return found


def plan(fitted: dict[str, dict[str, tuple[float, float]]], prompts: float, hours: float) -> list[str]:
    """Say what so many prompts take where the workers are to be done in so many hours."""
    def of(kind: str, *names: str) -> float:
        return sum(fitted[kind][name][0] * (prompts / 1e6) ** fitted[kind][name][1] for name in names if name in fitted[kind])

    work, texts = of("seconds", *ON_WORKERS), of("count", "texts")
    driver = of("seconds", "join", "cluster") + DETECTION_S
    shuffled, company = of("bytes", "shard", "texts", "bands", "company"), of("bytes", "company")
    lines = [f"{prompts:,.0f} prompts:",
             f"  workers   {work / 3600:,.1f} CPU hours: {max(1, -(-work // (hours * 3600))):,.0f} of one CPU and 1 GB for {hours:g} h of map and reduce",
             f"  bytes     {of('bytes', 'input') / 1e12:,.2f} TB of compressed input; {shuffled / 1e12:,.2f} TB of shards, written once, read twice",
             f"  driver    columns {COLUMN_BYTES * prompts / 1e9:,.0f} GB and texts {TEXT_BYTES * texts / 1e9:,.0f} GB in files, {company / 1e9:,.0f} GB "
             f"while it clusters; {driver / 3600:,.1f} h of one thread"]
    if prompts > MOST:
        lines.append(f"  too many  a scan numbers {MOST:,} rows and texts at most: {-(-prompts // MOST):,.0f} scans of parts of the period, each by itself")
    return lines


def main() -> None:
    """Measure, or plan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("one", "whole", "speed", "scan", "model", "plan"):
        own = commands.add_parser(name)
        own.add_argument("--json")
        if name in ("one", "whole"):
            own.add_argument("dump")
            own.add_argument("--how", choices=("memory", "local", "ray"), default="local")
            own.add_argument("--jobs", type=int, default=1)
            own.add_argument("--threads", type=int, default=1)
            own.add_argument("--key-file", required=True)
        elif name == "plan":
            own.add_argument("model", help="what 'model --json' wrote")
            own.add_argument("--prompts", nargs="+", type=float, default=[1e9, 1e11])
            own.add_argument("--hours", type=float, default=1.0)
        else:
            own.add_argument("--prompts", nargs="+", default=["5M"] if name in ("speed", "scan") else ["1M", "3M", "10M", "30M"])
            own.add_argument("--rounds", type=int, default=3)
            own.add_argument("--world", help="folder that keeps the simulated dumps; a temporary one if not given")
    options = parser.parse_args()
    if options.command in ("one", "whole"):
        measure = one if options.command == "one" else whole
        print(json.dumps(measure(options.dump, options.how, options.jobs, options.threads, options.key_file)))
        return
    if options.command == "plan":
        for prompts in options.prompts:
            print("\n".join(plan(json.loads(Path(options.model).read_text("utf-8"))["fit"], prompts, options.hours)))
        return
    with tempfile.TemporaryDirectory() as folder:
        key_file = Path(folder) / "key"
        fp.Key(bytes(range(16))).save(key_file)
        worlds, good = Path(options.world or folder), True
        if options.command in ("speed", "scan"):
            compare = speed if options.command == "speed" else scans
            result, good = compare(world(options.prompts[0], worlds / options.prompts[0]), options.rounds, key_file)
        else:
            result = model(options.prompts, worlds, key_file)
    if options.json:
        Path(options.json).write_text(json.dumps(result), "utf-8")
    sys.exit(not good)


if __name__ == "__main__":
    main()
