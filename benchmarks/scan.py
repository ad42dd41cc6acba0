"""A whole scan, from Parquet to all outputs: simulate traffic, scan it, and say how long, how much memory by the system's own accounting, and what was found.

Ends with 1 where less than 95 % of the campaign's accounts are in one finding, or less than 99 % of that finding is the campaign's.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import machine
import pyarrow.parquet as pq

LEAST_FOUND, LEAST_PURE = 0.95, 0.99


def run(*command: str) -> tuple[float, int]:
    """Run our command line; return seconds, and the largest memory of any process so far, in bytes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "fingerprint", *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def found(world: Path, out: Path) -> dict[str, Any]:
    """Compare the findings with the labels."""
    labels = {row["account_id"]: row["campaign"] for row in pq.read_table(world / "labels.parquet").to_pylist()}
    accounts = pq.read_table(out / "accounts.parquet", columns=["account_id", "campaign_id"]).to_pylist()
    groups = Counter((row["campaign_id"], labels[row["account_id"]]) for row in accounts if row["campaign_id"])
    planted = Counter(campaign for campaign in labels.values() if campaign)
    result = {}
    for campaign, size in planted.items():
        best = max(((n, group) for (group, whose), n in groups.items() if whose == campaign), default=(0, None))
        whole = sum(n for (group, _), n in groups.items() if group == best[1])
        result[campaign] = {"accounts": size, "found": best[0], "group": whole}
    return {"campaigns": result, "findings": len({group for group, _ in groups}), "innocent": sum(n for (_, whose), n in groups.items() if not whose)}


def main() -> None:
    """Simulate, scan, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", default="1M")
    parser.add_argument("--accounts", help="in proportion to the prompts if not given")
    parser.add_argument("--memory")
    parser.add_argument("--world", help="folder with dump and labels; simulated into a temporary one if not given, or where it is empty")
    parser.add_argument("--json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world, out = Path(options.world or folder) , Path(folder) / "out"
        if not (world / "dump.parquet").exists():
            size = ["--prompts", options.prompts, *(["--accounts", options.accounts] if options.accounts else [])]
            run("simulate", "--preset", "scale", *size, "--out", str(world))
        seconds, peak = run("scan", str(world / "dump.parquet"), "--out", str(out), *(["--memory", options.memory] if options.memory else []))
        manifest = json.loads((out / "manifest.json").read_text("utf-8"))
        result = {"machine": machine.describe(), "seconds": round(seconds, 1), "peak_memory_bytes": peak, "rows": manifest["rows"]["read"],
                  "counts": manifest["counts"], "timings": manifest["timings"], "controls": manifest["controls"], **found(world, out)}
    print(f"{result['rows']:,} prompts of {result['counts']['accounts']:,} accounts: {seconds // 60:.0f} min {seconds % 60:.0f} s, {peak / 1e9:.1f} GB")
    print(f"{result['findings']} findings; innocent accounts in them: {result['innocent']}")
    whole = True
    for name, campaign in result["campaigns"].items():
        recall, purity = campaign["found"] / campaign["accounts"], campaign["found"] / max(campaign["group"], 1)
        whole &= recall >= LEAST_FOUND and purity >= LEAST_PURE
        print(f"{name}: {campaign['found']:,} of {campaign['accounts']:,} accounts in one finding, which is {purity:.2%} campaign")
    for stage, took in result["timings"].items():
        print(f"  {stage:28} {took:8.1f} s")
    if options.json:
        Path(options.json).write_text(json.dumps(result), "utf-8")
    sys.exit(not whole)


if __name__ == "__main__":
    main()
