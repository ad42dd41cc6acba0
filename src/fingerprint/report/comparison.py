"""What ``fingerprint diff`` prints: what became of each campaign, and which accounts came and went.

Everything from the traffic passes through :func:`fingerprint.report.escaping.one_line`, as in :mod:`.terminal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..comparison import KINDS
from . import wording
from .escaping import one_line
from .terminal import NARROW, labelled, plain_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..comparison import Comparison, Difference

STYLES = {"new": "bold red", "split": "bold red", "merged": "yellow", "moved": "yellow", "grown": "yellow", "shrunk": "green", "gone": "green", "same": "dim"}

RELATED = {"merged": "has taken in", "split": "split off from", "new": "has texts of"}


def print_comparison(found: Comparison, to: Console, before: str, after: str, limit: int = 5) -> None:
    """Print a comparison.

    Parameters
    ----------
    found : Comparison
        Its text is escaped here.
    to : rich.console.Console
        Made by :func:`fingerprint.report.terminal.console`.
    before, after : str
        Folders of the two scans.
    limit : int
        Accounts named of those that came to a campaign, and of those that went.
    """
    from rich.text import Text

    head = labelled()
    for label, folder, about in (("before", before, found.before), ("after", after, found.after)):
        head.add_row(Text(label, style="dim"), Text(f"{one_line(folder, 200)}: {_scan(about)}"))
    if not found.by_texts:
        head.add_row(Text("texts", style="dim"), Text(_why_not(found)))
    to.print(head)
    to.print()
    if not found.differences:
        to.print(Text("No campaign in either scan.", style="bold"))
        return
    counts = [(kind, len(found.of_kind(kind))) for kind in KINDS]
    to.print(Text(", ".join(f"{n:,} {kind}" for kind, n in counts if n), style="bold"))
    to.print(_table(found.differences, to.width))
    for one in found.differences:
        if limit and one.kind != "same" and (one.came or one.went or one.related):
            to.print(_accounts(one, limit))


def _scan(about: dict[str, Any]) -> str:
    period = about["period"]
    return (f"made {one_line(wording.minute(about['created']))}, traffic of {one_line(wording.period(period.get('first'), period.get('last')))}; "
            f"{wording.plural(about['campaigns'], 'campaign')}, {wording.plural(about['accounts'], 'account')} and "
            f"{wording.plural(about['prompts'], 'prompt')} charged")


def _why_not(found: Comparison) -> str:
    keys = [one_line(str(about["key_id"]), 16) for about in (found.before, found.after)]
    reason = f"the scans have different keys, {keys[0]} and {keys[1]}" if keys[0] != keys[1] else "the scans kept no comparable hashes of them"
    return f"not compared, {reason}: a campaign whose accounts were all replaced is gone and new"


def _table(differences: list[Difference], width: int) -> Table:
    from rich.text import Text

    narrow = width < NARROW
    columns = [("change", "left"), ("campaign", "left"), ("accounts", "right"), ("prompts", "right"), ("came", "right"), ("went", "right")]
    table = plain_table(*columns, *([] if narrow else [("targets", "left"), ("was", "left")]))
    for one in differences:
        seen = one.after or one.before
        row = [Text(one.kind, style=STYLES[one.kind]), Text(one_line(seen.campaign_id if seen else "–", 20), style="bold"),
               Text(_from_to(one, "n_accounts")), Text(_from_to(one, "n_prompts")), Text(f"+{len(one.came):,}"), Text(f"−{len(one.went):,}")]
        if not narrow:
            was = [one.before.campaign_id] if one.before and one.after and one.before.campaign_id != one.after.campaign_id else []
            row += [Text(one_line(seen.capability if seen else "", 60)), Text(one_line(", ".join(was), 20))]
        table.add_row(*row)
    return table


def _from_to(one: Difference, name: str) -> str:
    before, after = (getattr(campaign, name) if campaign else 0 for campaign in (one.before, one.after))
    return wording.count(after) if before == after else f"{wording.count(before)} → {wording.count(after)}"


def _accounts(one: Difference, limit: int) -> Table:
    """The accounts that came and went, and the campaigns that a difference has to do with."""
    from rich.text import Text

    seen = one.after or one.before
    grid = labelled()
    grid.add_row(Text(one_line(seen.campaign_id if seen else "–", 20), style="bold"), Text(one.kind, style=STYLES[one.kind]))
    if one.related:
        grid.add_row(Text(RELATED[one.kind], style="dim"), Text(one_line(", ".join(one.related), 400)))
    for label, names in (("came", one.came), ("went", one.went)):
        if names:
            more = f", and {len(names) - limit:,} more (--limit, or all with --json)" if len(names) > limit else ""
            grid.add_row(Text(label, style="dim"), Text(", ".join(one_line(name, 60) for name in names[:limit]) + more))
    return grid
