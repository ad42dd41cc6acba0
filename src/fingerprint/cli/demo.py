"""``fingerprint demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..config import ScanConfig
from .live import progress_for_terminal
from .scan import run

SEED = 1


@click.command("demo", short_help="Try it: make sample traffic, scan it, compare with the truth.")
@click.option("--out", metavar="DIR", default="demo", show_default=True, help="Folder for the traffic and the findings.")
@click.option("--seed", metavar="N", type=int, default=SEED, show_default=True, help="Another seed, another world.")
def command(*, out: str, seed: int) -> None:
    """Simulate 20,000 prompts of 866 accounts with three campaigns among look-alikes, scan them, and compare the findings with the truth.

    \b
    Example:
      fingerprint demo
      fingerprint demo --out /tmp/demo --seed 7
    """
    from ..simulate import preset, write_world

    traffic = Path(out) / "traffic"
    dump = write_world(preset("demo"), traffic, seed, progress=progress_for_terminal())
    scan = run([str(dump)], out, ScanConfig())
    click.echo("")
    for line in compare(scan, traffic):
        click.echo(line)
    click.echo(f"Look at {Path(out) / 'report.html'}; the traffic and its labels are in {traffic}/.")


def compare(scan: Any, traffic: Path) -> list[str]:
    """Say, campaign by campaign, what was planted and what was found."""
    import pyarrow.parquet as pq

    labels = {row["account_id"]: row["campaign"] for row in pq.read_table(traffic / "labels.parquet").to_pylist()}
    groups: dict[str, set[str]] = {}
    for row in scan.accounts.to_pylist():
        if row["campaign_id"] is not None:
            groups.setdefault(row["campaign_id"], set()).add(row["account_id"])
    lines = ["What was planted, and what was found of it (coverage: share of its accounts; purity: share of the finding that is the campaign):"]
    for name in sorted({c for c in labels.values() if c}):
        planted = {a for a, c in labels.items() if c == name}
        best = max(groups, key=lambda g: len(groups[g] & planted), default="")
        hit = len(groups.get(best, set()) & planted)
        told = f"{best}, coverage {hit / len(planted):.0%}, purity {hit / len(groups[best]):.0%}" if hit else ""
        found = f"found as {told}" if 2 * hit >= len(planted) else "not found" + (f" (best: {told})" if hit else "")
        lines.append(f"  {name:<22} {len(planted):>4} accounts: {found}")
    false = sum(sum(labels.get(a) is not None for a in members) < len(members) / 2 for members in groups.values())
    innocent = sum(labels.get(a) is None for members in groups.values() for a in members)
    return [*lines, f"  false groups: {false}; innocent accounts in findings: {innocent}"]
