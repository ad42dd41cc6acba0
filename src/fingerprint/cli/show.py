"""``fingerprint show``."""

from __future__ import annotations

from typing import Any

import click

WHAT = ("campaigns", "accounts", "clusters", "topics", "rejects")


@click.command("show", short_help="Show what a scan found.")
@click.argument("out", metavar="OUT")
@click.argument("what", type=click.Choice(WHAT), default="campaigns")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.option("--limit", metavar="N", type=click.IntRange(min=0), default=20, show_default=True, help="Rows shown, and campaigns shown in detail.")
def command(out: str, what: str, as_json: bool, limit: int) -> None:
    """Show the findings, accounts, near-duplicate clusters, topics or rejected rows of an output folder.

    \b
    Example:
      fingerprint show out/
      fingerprint show out/ accounts --limit 50
      fingerprint show out/ campaigns --json | jq '.campaigns[].template.text'
    """
    from ..report import terminal
    from ..report.files import campaigns_document, dump_json, load_scan

    scan = load_scan(out)
    if as_json:
        document: Any = campaigns_document(scan) if what == "campaigns" else {what: _rows(getattr(scan, what), limit)}
        click.echo(dump_json(document), nl=False)
        return
    to = terminal.console()
    if what == "campaigns":
        terminal.print_summary(scan, to, out, strongest=limit)
        return
    table = getattr(scan, what)
    make = {"accounts": terminal.account_table, "clusters": terminal.cluster_table, "topics": terminal.topic_table, "rejects": terminal.reject_table}[what]
    to.print(make(table, limit))
    if len(table) > limit:
        to.print(f"{limit:,} of {len(table):,}; more with --limit")


def _rows(table: Any, limit: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.slice(0, limit).to_pylist()
    return [{name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()} for row in rows]
