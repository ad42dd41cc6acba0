"""Damage the state of a stream detector in every way, and see whether it is noticed.

Each time one file of a copy of a state is cut, flipped, spliced, zeroed, swapped with another, or replaced by an older one, and the copy is opened in a process
of its own. It must be refused with an error, or give exactly what the whole state gives: a crash, a hang, or a silent difference is a failure, and ends
with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from fingerprint.config import ScanConfig, StreamConfig
from fingerprint.errors import FingerprintError
from fingerprint.keys import Key
from fingerprint.stream.care import verify
from fingerprint.stream.detector import Detector

KEY = Key(bytes(range(16)))
LONGEST_S, MOST_MEMORY = 20, 6 << 30
START_S = 1_767_225_600
CONFIG = StreamConfig(ScanConfig(controls=False, threads=1), window_s=86_400.0, durability="fast")
KINDS = ("cut", "header", "bits", "splice", "zeros", "swap", "grow")


def events(low: int, high: int) -> list[dict[str, Any]]:
    """Return rows of a stream."""
    return [{"account_id": f"a{i % 23}", "timestamp": START_S + 60 * i, "prompt": f"question {i * 7919 % 613} of the long list, which has {i % 5} parts",
             "org_id": "acme" if i % 9 == 0 else None} for i in range(low, high)]


def build(folder: Path) -> None:
    """Make a state that has everything in it: pieces, journals, rejects, findings that came and went, a forgotten account, expired spans."""
    with Detector.open(folder, CONFIG, key=KEY) as detector:
        detector.observe([*events(0, 900), {"account_id": "x"}], positions={"p": "900"})
        detector.snapshot()
        detector.findings()
        detector.forget("a5")
        detector.observe(events(900, 1500), positions={"p": "1500"})
        detector.compact()
        detector.observe(events(1500, 1700), positions={"p": "1700"})
    with Detector.open(folder, CONFIG, key=KEY) as detector:
        detector.observe(events(1700, 1800), positions={"p": "1800"})


def content(folder: Path) -> dict[str, Any]:
    """Return all that a state says."""
    verify(folder, KEY)
    detector = Detector.open(folder, CONFIG, key=KEY)
    state = detector._state
    rows = []
    for piece in state.contents():
        names, prompts, e = piece.names["account"].to_pylist(), piece.take(piece.events.text), piece.events
        rows += sorted(zip((names[a] for a in e.account.tolist()), e.time_us.tolist(), prompts.to_pylist(), strict=True))
    status = detector.status()
    found = {"rows": rows, "counts": dict(sorted(status.counts.items())), "positions": dict(status.positions), "texts": status.n_texts,
             "clusters": status.n_clusters, "accounts": status.n_accounts, "suppressed": sorted(state.suppressed),
             "tables": {table: [[str(name), body.hex()] for name, body in state.ledger.rows(table)] for table in ("findings", "changes", "rejects", "alerts")}}
    detector.close()
    return found


def damage(path: Path, others: list[Path], kind: str, rng: random.Random) -> None:
    """Change one file."""
    data = bytearray(path.read_bytes())
    at = rng.randrange(max(len(data), 1))
    if kind == "cut":
        data = data[:at]
    elif kind == "header":
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(min(256, len(data)))] = rng.randrange(256)
    elif kind == "bits":
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == "splice":
        n = rng.randint(1, 200)
        data[at : at + n] = data[(start := rng.randrange(len(data))) : start + rng.randint(1, 200)]
    elif kind == "zeros":
        n = rng.randint(1, 4096)
        data[at : at + n] = bytes(len(data[at : at + n]))
    elif kind == "swap":
        data = bytearray(rng.choice(others).read_bytes())
    else:
        data += rng.randbytes(rng.randint(1, 300))
    path.write_bytes(data)


def outcome(folder: Path, whole: str) -> str:
    """Open a copy in a process of its own; return ``"refused"``, ``"same"``, or what went wrong."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        said = "a fault of ours"
        try:
            signal.alarm(LONGEST_S)
            resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
            said = "same" if json.dumps(content(folder)) == whole else "a silent difference"
        except FingerprintError:
            said = "refused"
        except BaseException:
            traceback.print_exc()
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    _, status = os.waitpid(pid, 0)
    return said or f"ended by signal {os.WTERMSIG(status) if os.WIFSIGNALED(status) else status}"


def run(n: int, seed: int) -> Counter[str]:
    """Damage n copies; return how often each outcome was."""
    rng, outcomes = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as parent:
        original, copy = Path(parent) / "state", Path(parent) / "copy"
        build(original)
        whole = json.dumps(content(original))
        files = sorted(path.name for path in original.iterdir() if path.name != "lock")
        for number in range(n):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(original, copy)
            name, kind = files[number % len(files)], rng.choice(KINDS)
            damage(copy / name, [original / other for other in files if other != name], kind, rng)
            said = outcome(copy, whole)
            outcomes[said] += 1
            if said not in ("refused", "same"):
                print(f"file {name}, {kind}, number {number}: {said}", flush=True)
    return outcomes


def main() -> None:
    """Damage, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.perf_counter()
    outcomes = run(options.n, options.seed)
    bad = {said: n for said, n in outcomes.items() if said not in ("refused", "same")}
    print(f"{options.n:,} damaged states: {outcomes['refused']:,} refused, {outcomes['same']:,} changed nothing that counts (unused bytes of the ledger), "
          f"{sum(bad.values())} crashed, hung or differed {bad or ''}; {time.perf_counter() - start:.0f} s; seed {options.seed}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
