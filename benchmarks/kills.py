"""Kill a stream detector at random moments, and count what that costs: acknowledged rows lost, rows counted twice, states that cannot be opened.

A child process opens the state, takes in batches of a stream that anybody can compute, acknowledges each through a pipe, and folds, compacts, forgets and
evaluates now and then. It is killed with SIGKILL after a random time, in the middle of whatever it is doing: opening and recovery included. Then the state is
checked byte by byte and opened, and every row that is alive is compared with what the stream had up to the position that the state names. Ends with 1 where
anything is not as it must be.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from fingerprint.config import StreamConfig
from fingerprint.keys import Key
from fingerprint.stream.care import verify
from fingerprint.stream.detector import Detector

KEY = Key(bytes(range(16)))
START_US, STEP_US = 1_767_225_600_000_000, 7_000_000
WINDOW_S = 24 * 3_600.0
FORGOTTEN = "a13"  # forgotten once, about here
FORGET_AT = 30_000
WORDS = ["tell", "me", "about", "the", "old", "river", "that", "runs", "behind", "our", "house", "and", "what", "lives", "in", "it", "when", "summer", "comes"]


def row(number: int) -> dict[str, Any]:
    """Return a row of the stream: near-duplicates and repeats among new texts, late and disordered times."""
    mixed = (number * 2_654_435_761) & 0xFFFFFFFF
    text = " ".join(WORDS[(mixed >> k) % len(WORDS)] for k in range(12)) if mixed % 5 else f"the same question number {mixed % 7} as always, please answer"
    late = 90_000_000 if mixed % 11 == 0 else 0
    return {"account_id": f"a{mixed % 97}", "timestamp": (START_US + number * STEP_US - late * (mixed % 3)) / 1e6, "prompt": text}


TIMES_US: list[int] = []  # of the rows so far, as the reader understands them
ACCOUNTS: list[str] = []


def know(n: int) -> None:
    """Make the first n rows of the stream known to the one who checks."""
    for number in range(len(TIMES_US), n):
        found = row(number)
        TIMES_US.append(round(found["timestamp"] * 1e6))
        ACCOUNTS.append(found["account_id"])


def config(durability: str) -> StreamConfig:
    """Return a configuration with small journals, so that they are folded often."""
    return StreamConfig(window_s=WINDOW_S, durability=durability, snapshot_bytes=1 << 16)


def child(folder: Path, seed: int, durability: str, pipe: int) -> None:
    """Take in the stream from where the state stands until killed."""
    rng = random.Random(seed)
    detector = Detector.open(folder, config(durability), key=KEY)
    at = int(detector.positions.get("stream", "0"))
    while True:
        n = rng.choice([1, 20, 200])
        detector.observe([row(i) for i in range(at, at + n)], positions={"stream": str(at + n)})
        at += n
        os.write(pipe, at.to_bytes(8, "little"))
        chance = rng.random()
        if chance < 0.02:
            detector.compact()
        elif chance < 0.06:
            detector.snapshot()
        elif chance < 0.07 and at > FORGET_AT:
            detector.forget(FORGOTTEN)
        elif chance < 0.075:
            detector.close()
            detector = Detector.open(folder, config(durability), key=KEY)


def run_until_killed(folder: Path, seed: int, durability: str, seconds: float) -> int | None:
    """Start a child and kill it; return the last position that it acknowledged, None for none. Raises where it ends by itself."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            child(folder, seed, durability, writer)
        except BaseException:
            traceback.print_exc()
        os._exit(3)
    os.close(writer)
    acknowledged, data, end = None, b"", time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([reader], [], [], left)[0]:
            part = os.read(reader, 1 << 16)
            if not part:
                break
            data += part
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    while part := os.read(reader, 1 << 16):
        data += part
    os.close(reader)
    if os.WIFEXITED(status):
        raise RuntimeError(f"the child ended by itself, exit {os.WEXITSTATUS(status)}, seed {seed}")
    whole = len(data) // 8 * 8
    if whole:
        acknowledged = int.from_bytes(data[whole - 8 : whole], "little")
    return acknowledged


def check(folder: Path, durability: str) -> dict[str, Any]:
    """Open the state in a process of its own, and return what stands in it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        code = 1
        try:
            start = time.perf_counter()
            report = verify(folder, KEY)
            detector = Detector.open(folder, config(durability), key=KEY)
            seconds = time.perf_counter() - start
            alive: Counter[tuple[str, int]] = Counter()
            for content in detector._state.contents():
                names = content.names["account"].to_pylist()
                alive.update((names[a], t) for a, t in zip(content.events.account.tolist(), content.events.time_us.tolist(), strict=True))
            status = detector.status()
            found = {"position": int(status.positions.get("stream", "0")), "counts": dict(status.counts), "n_live": status.n_live, "torn": status.torn_bytes,
                     "first": detector._state.window.first * detector._state.window.span_us, "forgotten": bool(detector._state.suppressed),
                     "n_accounts": status.n_accounts, "verified": report.n_live, "seconds": seconds,
                     "alive": [[a, t, n] for (a, t), n in sorted(alive.items())]}
            detector.close()
            with os.fdopen(writer, "w") as out:
                json.dump(found, out)
            code = 0
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    if os.waitpid(pid, 0)[1] != 0:
        return {}
    return dict(json.loads(text))


def compare(found: dict[str, Any], acknowledged: int) -> list[str]:
    """Return what is not as it must be."""
    at, wrong = found["position"], []
    if at < acknowledged:
        wrong.append(f"{acknowledged - at} acknowledged rows are lost")
    counts = Counter(found["counts"])
    if counts["read"] != at:
        wrong.append(f"{counts['read']} rows counted, {at} sent")
    know(at)
    times = np.array(TIMES_US[:at], np.int64)
    latest = np.maximum.accumulate(times) if at else times
    oldest = np.concatenate([[0], latest[:-1] // SPAN_US - N_SPANS + 1])[:at]
    accepted = times // SPAN_US >= oldest
    alive = Counter((ACCOUNTS[i], TIMES_US[i]) for i in np.flatnonzero(accepted & (times >= found["first"])).tolist())
    if found["forgotten"]:
        alive = Counter({key: n for key, n in alive.items() if key[0] != FORGOTTEN})
    there = Counter({(a, t): n for a, t, n in found["alive"]})
    if there != alive:
        wrong.append(f"{(alive - there).total()} rows are missing and {(there - alive).total()} are too many")
    if not found["n_live"] == found["verified"] == there.total() or counts["accepted"] != there.total() + counts["expired"] + counts["erased"]:
        wrong.append(f"the accounting does not add up: {found['n_live']}, {found['verified']}, {there.total()}, {dict(counts)}")
    if found["n_accounts"] != len({a for a, _ in there}):
        wrong.append(f"{found['n_accounts']} accounts, not {len({a for a, _ in there})}")
    return wrong


SPAN_US = -(-round(WINDOW_S * 1e6) // 24)
N_SPANS = 25


def main() -> None:
    """Kill, check, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.4, help="longest time until a kill")
    parser.add_argument("--durability", choices=("durable", "fast"), default="durable")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, n_wrong, n_unusable, slowest, n_torn, acknowledged = random.Random(options.seed), 0, 0, 0.0, 0, 0
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "state"
        for kill in range(options.kills):
            last = run_until_killed(folder, rng.getrandbits(32), options.durability, rng.uniform(0.0, options.seconds))
            acknowledged = max(acknowledged, last or 0)
            if not folder.exists():
                continue
            found = check(folder, options.durability)
            if not found:
                n_unusable += 1
                print(f"kill {kill}: the state cannot be used", flush=True)
                break
            wrong = compare(found, acknowledged)
            slowest, n_torn = max(slowest, found["seconds"]), n_torn + (found["torn"] > 0)
            for problem in wrong:
                print(f"kill {kill}: {problem}", flush=True)
            n_wrong += bool(wrong)
            if sys.stdout.isatty() or kill % 100 == 99:
                print(f"{kill + 1} kills, {found['position']:,} rows, {time.perf_counter() - start:.0f} s", flush=True)
    print(f"{options.kills:,} kills ({options.durability}): {n_wrong} states with lost or doubled rows, {n_unusable} unusable; {acknowledged:,} rows "
          f"acknowledged; a half-written frame was cut off {n_torn} times; checking and opening took {slowest:.2f} s at most; "
          f"{time.perf_counter() - start:.0f} s; seed {options.seed}")
    sys.exit(bool(n_wrong or n_unusable))


if __name__ == "__main__":
    main()
