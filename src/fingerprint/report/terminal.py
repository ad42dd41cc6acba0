"""What an analyst reads in the terminal when a scan ends.

Everything from the traffic passes through :func:`fingerprint.report.escaping.one_line` and is printed as plain ``rich.text.Text``, so
neither terminal commands nor rich's own markup in it mean anything.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from . import wording
from .escaping import one_line
from .files import FILES, controls_of
from .timeline import MAX_DAYS, sparkline, time_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, RenderableType
    from rich.table import Table

    from ..records import Campaign, Scan

NARROW = 110  # a terminal of fewer columns gets fewer columns of a table, rather than broken words
LINE, OTHERS = 20, 142  # characters of a time line beside the other columns of a campaign, and what these need
LEAST_LINE = 8
WIDTH_PLAIN = 140  # of output that goes into a file or a pipe, where no terminal says how wide it is


def console(*, stderr: bool = False) -> Console:
    """Return a console that never reads markup, emoji codes or numbers out of what it prints."""
    from rich.console import Console

    made = Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False)
    return made if made.is_terminal else Console(stderr=stderr, markup=False, emoji=False, highlight=False, width=WIDTH_PLAIN, no_color=True)


def print_summary(scan: Scan, to: Console, out: str | os.PathLike[str] | None = None, strongest: int = 3, listed: list[Campaign] | None = None) -> None:
    """Print a scan: totals, findings, the strongest in detail, what was not reported, controls, and where the outputs are.

    Parameters
    ----------
    scan : Scan
        Its text is escaped here.
    to : rich.console.Console
        Made by :func:`console`.
    out : path or None
        Folder that was written.
    strongest : int
        Findings shown with template and prompts.
    listed : list of Campaign, optional
        Those findings that are shown, in this order; all if not given.
    """
    from rich.panel import Panel
    from rich.text import Text

    rows = totals(scan)
    if to.is_terminal:
        to.print(Panel(Text("\n".join(rows)), title="prompt traffic", title_align="left", border_style="dim", expand=False))
    else:
        to.print(Text("\n".join(rows)))
    to.print()
    listed = scan.campaigns if listed is None else listed
    ascii_only = to.options.ascii_only
    if scan.campaigns:
        to.print(campaign_table(listed, to.width, ascii_only=ascii_only))
        for found in listed[:strongest]:
            to.print(detail(found, to.width, ascii_only=ascii_only))
        if len(listed) < len(scan.campaigns):
            to.print(Text(f"{len(listed):,} of {wording.plural(len(scan.campaigns), 'campaign')}"))
    else:
        to.print(Text("No campaign found.", style="bold"))
    to.print()
    to.print(_not_reported(scan.examined))
    for note in wording.control_notes(controls_of(scan)):
        mark, style = {True: ("ok", "green"), False: ("look", "bold yellow"), None: ("off", "dim")}[note.good]
        to.print(Text.assemble("control  ", (f"{note.title.lower()}: ", "bold"), note.result, (f"  [{mark}]", style)))
    to.print(Text.assemble("history  ", wording.history_note(scan.manifest)))
    for one in scan.known:
        to.print(Text.assemble("known    ", (f"{one_line(one.name, 60)}: ", "bold"), wording.known_note(one)))
    if out is not None:
        place = one_line(os.fspath(out)).rstrip("/")
        to.print()
        to.print(
            Text.assemble("Report: ", (f"{place}/report.html", "bold"), "   also " + ", ".join(n for n in FILES if n != "report.html")),
            soft_wrap=True,
        )


def totals(scan: Scan) -> list[str]:
    """Return the totals of a scan, one line of text each."""
    manifest = scan.manifest
    rows, counts = manifest["rows"], manifest["counts"]
    kinds = sorted(rows["rejected"].items(), key=lambda item: -item[1])
    rejected = wording.count(wording.rejected_rows(manifest)) + " rejected"
    if kinds:
        rejected += " (" + ", ".join(f"{one_line(kind, 40)} {wording.count(n)}" for kind, n in kinds[:4]) + (", …)" if len(kinds) > 4 else ")")
    sizes = [wording.plural(counts["accounts"], "account")] if "accounts" in counts else []
    sizes += [
        wording.plural(counts[key], noun) for key, noun in (("texts", "distinct prompt"), ("clusters", "near-duplicate cluster")) if key in counts
    ]
    charged = sum(c.n_accounts for c in scan.campaigns)
    period = manifest["period"]
    missing = manifest.get("missing", [])
    return [
        *([f"Missing: {wording.plural(len(missing), 'shard')} of the input; nothing below knows of what was in it"] if missing else []),
        f"{wording.plural(rows['read'], 'row')} read: {wording.count(rows['accepted'])} accepted, {wording.count(rows['blank'])} blank, {rejected}",
        f"{', '.join(sizes)}; {wording.period(period.get('first'), period.get('last'))}",
        f"{wording.plural(len(scan.campaigns), 'campaign')}, {wording.plural(charged, 'account')} and "
        f"{wording.plural(sum(c.n_prompts for c in scan.campaigns), 'prompt')} charged; "
        f"{wording.seconds(manifest['timings'].get('total', 0.0))}, {wording.memory(manifest['peak_memory_bytes'])}",
    ]


def campaign_table(campaigns: Iterable[Campaign], width: int = WIDTH_PLAIN, *, ascii_only: bool = False) -> Table:
    """Return the findings as a table, in the order given; a terminal of less than ``NARROW`` columns gets fewer columns rather than broken words."""
    from rich.text import Text

    narrow, room = width < NARROW, min(LINE, width - OTHERS)
    columns = [("campaign", "left"), ("targets", "left"), ("accounts", "right"), ("prompts", "right"), ("personal trace", "right")]
    columns += [] if narrow else [("q", "right"), ("template", "right"), ("period", "left")]
    columns += [("time line", "left")] if room >= LEAST_LINE else []
    table = plain_table(*columns)
    for found in campaigns:
        test = wording.exchangeability(found)
        trace, q = "–", "–"
        if test is not None:
            trace = wording.measured(test.statistic) + (f" (≤ {wording.measured(test.bound)})" if test.bound is not None else "")
            q = wording.small(test.q)
        row: list[Text | str] = [
            Text(one_line(found.campaign_id, 20), style="bold"),
            Text(one_line(found.capability, 60)),
            wording.count(found.n_accounts),
            wording.count(found.n_prompts),
            trace,
        ]
        if not narrow:
            coverage = wording.percent(found.template.coverage) if found.template else "none"
            row += [q, coverage, wording.period(one_line(found.first_seen, 30), one_line(found.last_seen, 30))]
        if room >= LEAST_LINE:
            row.append(Text(sparkline(found, room, ascii_only=ascii_only), no_wrap=True))
        table.add_row(*row)
    return table


def detail(found: Campaign, width: int = WIDTH_PLAIN, *, ascii_only: bool = False) -> RenderableType:
    """Return what a finding looks like: why it is reported, its time line, its template, two prompts."""
    from rich.padding import Padding
    from rich.text import Text

    grid = labelled()
    grid.add_row(Text(one_line(found.campaign_id, 20), style="bold"), Text(one_line(found.reason, 400)))
    if line := time_line(found, max(8, min(MAX_DAYS, width - 60)), ascii_only=ascii_only):
        grid.add_row(Text("prompts a day", style="dim"), Text(line))
    if found.template is not None:
        grid.add_row(Text("template", style="dim"), Text(one_line(found.template.text, 240)))
    elif found.segment is not None:
        grid.add_row(Text("shared text", style="dim"), Text(one_line(found.segment, 240)))
    for shown in found.representatives[:2]:
        text = (
            Text(f"{wording.plural(shown.n_chars, 'character')}, text not kept", style="dim")
            if shown.prompt is None
            else Text(one_line(shown.prompt, 240))
        )
        grid.add_row(Text("prompt", style="dim"), text)
    return Padding(grid, (1, 0, 0, 0))


def plain_table(*columns: tuple[str, str]) -> Table:
    """Return an empty table with these columns: name and justification."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold", no_wrap=justify == "right" or name == "campaign")  # type: ignore[arg-type]
    return table


def labelled() -> Table:
    """A borderless table of labels and text that wraps beside them."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, min_width=12)
    grid.add_column(overflow="fold")
    return grid


def _not_reported(examined: list[Campaign]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    if not examined:
        return Text("No other group was examined.")
    grid = labelled()
    for reason, n in wording.reasons(examined):
        grid.add_row(Text(f"{n:>12,}", style="dim"), Text(one_line(reason, 200)))
    return Group(Text(f"{wording.plural(len(examined), 'group')} examined and not reported; the commonest reasons:"), grid)
