"""``fingerprint demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..config import ScanConfig
from .completing import folders
from .live import progress_for_terminal
from .scan import run

SEED = 1


@click.command("demo", short_help="Try it: make sample traffic, scan it, compare with the truth.")
@click.option("--out", metavar="DIR", shell_complete=folders, default="demo", show_default=True, help="Folder for the traffic and the findings.")
@click.option("--seed", metavar="N", type=int, default=SEED, show_default=True, help="Another seed, another world.")
@click.option("--json", "as_json", is_flag=True, help="Print what was planted and what was found as JSON.")
def command(*, out: str, seed: int, as_json: bool) -> None:
    """Simulate 20,000 prompts of 866 accounts with three campaigns among look-alikes, scan them, and compare the findings with the truth.

    \b
    Example:
      fingerprint demo
      fingerprint demo --out /tmp/demo --seed 7
    """
    from ..report.files import dump_json
    from ..simulate import preset, write_world

    traffic = Path(out) / "traffic"
    dump = write_world(preset("demo"), traffic, seed, progress=progress_for_terminal())
    scan = run([str(dump)], out, ScanConfig(), quiet=as_json)
    found = compare(scan, traffic)
    if as_json:
        click.echo(dump_json({"out": out, **found}), nl=False)
        return
    click.echo("")
    for line in describe(found):
        click.echo(line)
    click.echo(f"Look at {Path(out) / 'report.html'}; the traffic and its labels are in {traffic}/.")


def compare(scan: Any, traffic: Path) -> dict[str, Any]:
    """Return, campaign by campaign, what was planted and what was found: coverage is the share of its accounts, purity that of the finding."""
    import pyarrow.parquet as pq

    labels = {row["account_id"]: row["campaign"] for row in pq.read_table(traffic / "labels.parquet").to_pylist()}
    groups: dict[str, set[str]] = {}
    for row in scan.accounts.to_pylist():
        if row["campaign_id"] is not None:
            groups.setdefault(row["campaign_id"], set()).add(row["account_id"])
    planted_ones = []
    for name in sorted({c for c in labels.values() if c}):
        planted = {a for a, c in labels.items() if c == name}
        best = max(groups, key=lambda g: len(groups[g] & planted), default="")
        hit = len(groups.get(best, set()) & planted)
        planted_ones.append({"name": name, "n_accounts": len(planted), "found": 2 * hit >= len(planted), "campaign_id": best if hit else None,
                             "coverage": hit / len(planted), "purity": hit / len(groups[best]) if hit else 0.0})
    false = sum(sum(labels.get(a) is not None for a in members) < len(members) / 2 for members in groups.values())
    innocent = sum(labels.get(a) is None for members in groups.values() for a in members)
    return {"planted": planted_ones, "n_false_groups": false, "n_innocent_accounts": innocent}


def describe(found: dict[str, Any]) -> list[str]:
    """Say what :func:`compare` returned, line by line."""
    lines = ["What was planted, and what was found of it (coverage: share of its accounts; purity: share of the finding that is the campaign):"]
    for one in found["planted"]:
        told = f"{one['campaign_id']}, coverage {one['coverage']:.0%}, purity {one['purity']:.0%}" if one["campaign_id"] else ""
        verdict = f"found as {told}" if one["found"] else "not found" + (f" (best: {told})" if told else "")
        lines.append(f"  {one['name']:<22} {one['n_accounts']:>4} accounts: {verdict}")
    return [*lines, f"  false groups: {found['n_false_groups']}; innocent accounts in findings: {found['n_innocent_accounts']}"]
