"""``fingerprint show``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from .completing import columns, folders

WHAT = ("campaigns", "accounts", "clusters", "topics", "rejects")


@click.command("show", short_help="Show what a scan found.")
@click.argument("out", metavar="OUT", shell_complete=folders)
@click.argument("what", type=click.Choice(WHAT), default="campaigns")
@click.option("--where", metavar="TEXT", help="Only rows that hold this text in a column shown, in upper or lower case.")
@click.option("--sort", metavar="COLUMN", shell_complete=columns, help="Title of a column, or its beginning; counts and measures largest first.")
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@click.option("--limit", metavar="N", type=click.IntRange(min=0), default=20, show_default=True, help="Rows shown, and campaigns shown in detail.")
def command(*, out: str, what: str, where: str | None, sort: str | None, reverse: bool, as_json: bool, limit: int) -> None:
    """Show the findings, accounts, near-duplicate clusters, topics or rejected rows of an output folder.

    Campaigns are also found by what their templates say.

    \b
    Example:
      fingerprint show out/
      fingerprint show out/ accounts --where c-e587aa5c9d --sort score --limit 50
      fingerprint show out/ campaigns --json | jq '.campaigns[].template.text'
    """
    from ..report import terminal
    from ..report.files import campaigns_document, dump_json, load_scan
    from ..report.listing import listing, select, select_campaigns

    scan = load_scan(out, tables=() if what == "campaigns" else (what,))
    to = terminal.console()
    if what == "campaigns":
        listed = select_campaigns(scan.campaigns, where, sort, reverse=reverse)
        if as_json:
            click.echo(dump_json(campaigns_document(replace(scan, campaigns=listed))), nl=False)
        else:
            terminal.print_summary(scan, to, out, strongest=limit, listed=listed)
        return
    table = select(getattr(scan, what), what, where, sort, reverse=reverse)
    if as_json:
        click.echo(dump_json({what: _rows(table, limit)}), nl=False)
        return
    to.print(listing(table, what, limit))
    if len(table) > limit:
        to.print(f"{limit:,} of {len(table):,}; more with --limit")
    if len(table) < (n := len(getattr(scan, what))):
        to.print(f"{len(table):,} of {n:,} hold the text")


def _rows(table: Any, limit: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.slice(0, limit).to_pylist()
    return [{name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()} for row in rows]
