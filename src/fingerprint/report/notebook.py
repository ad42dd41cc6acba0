"""What results look like in a notebook: a few lines and a table each, complete in themselves.

Text of the traffic is escaped by :func:`fingerprint.report.html.shown`. There is no script and no style sheet; colours are those of the notebook, light or
dark, and lines and small print take theirs from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from . import wording
from .files import controls_of
from .html import shown
from .terminal import totals
from .timeline import sparkline

if TYPE_CHECKING:
    from ..matches import Match
    from ..records import Campaign, Scan

MAX_ROWS, MAX_PROMPTS, MAX_BARS = 10, 3, 30
NAME, LINE, TEXT = 60, 240, 480  # characters shown of a name, of a sentence or frame, and of a prompt
TITLES = (("campaign", "left"), ("targets", "left"), ("accounts", "right"), ("prompts", "right"), ("personal trace", "right"), ("q", "right"),
          ("period", "left"), ("time line", "left"))  # of row_of
_BOX = 'style="font-family:system-ui,sans-serif;font-size:.9em;line-height:1.45;max-width:80em;overflow-x:auto"'
_CELL = "padding:.15em .7em;vertical-align:top;border-bottom:1px solid rgba(128,128,128,.35);text-align:"
_SMALL = 'style="opacity:.7"'


def scan_html(scan: Scan) -> str:
    """Return a scan as HTML: totals, its strongest findings, both controls."""
    parts = [lines(totals(scan)), _campaigns(scan.campaigns)]
    if not scan.campaigns:
        parts.append(_bold("No campaign found."))
    notes = [f"{note.title}: {note.result}" for note in wording.control_notes(controls_of(scan))]
    return box(*parts, lines([*notes, f"{wording.plural(len(scan.examined), 'other group')} examined and not reported."], small=True))


def campaign_html(found: Campaign) -> str:
    """Return a campaign as HTML: why it is reported or not, what it looks like, its tests, its largest contributors and some prompts."""
    return box(*parts_of(found))


def match_html(found: Match) -> str:
    """Return a match as HTML: who is named, and the figures that speak against each."""
    named = found.accounts.filter(found.accounts["named"])
    rows = [[row["account_id"], wording.count(row["n_prompts"]), wording.count(row["n_matched_prompts"]), wording.percent(row["share_of_traffic"]),
             wording.percent(row["share_of_set"]), wording.measured(row["expected"]), wording.small(row["p_adjusted"])]
            for row in named.slice(0, MAX_ROWS).to_pylist()]
    head = (f"{wording.plural(len(named), 'account')} named; {wording.plural(len(found.accounts) - len(named), 'other')} with matches that chance explains; "
            f"{wording.plural(len(found.queries), 'question')} in the set")
    titles = [("account", "left"), *((title, "right") for title in ("prompts", "matched", "of its traffic", "of the set", "by accident", "p, adjusted"))]
    return box(lines([head]), table(titles, rows, len(named)))


def row_of(found: Campaign) -> list[object]:
    """Return the cells of a campaign in a table with ``TITLES``."""
    test = wording.exchangeability(found)
    trace, q = (wording.measured(test.statistic), wording.small(test.q)) if test is not None else ("–", "–")
    return [found.campaign_id, found.capability, wording.count(found.n_accounts), wording.count(found.n_prompts), trace, q,
            wording.period(found.first_seen, found.last_seen), _bars(found)]


def _campaigns(campaigns: Sequence[Campaign]) -> Markup:
    return table(TITLES, [row_of(found) for found in campaigns[:MAX_ROWS]], len(campaigns))


def parts_of(found: Campaign) -> list[Markup]:
    """Return the parts of what a campaign looks like; long ones are folded."""
    standing = "reported" if found.reported else "examined, not reported"
    size = f"{wording.plural(found.n_accounts, 'account')}, {wording.plural(found.n_prompts, 'prompt')} charged"
    frame = found.template.text if found.template is not None else found.segment
    rows: list[Sequence[object]] = [["targets", shown(found.capability, NAME)], ["size", size],
                                    ["period", shown(wording.period(found.first_seen, found.last_seen), NAME)], ["time line", _bars(found)]]
    if frame is not None:
        rows.append(["template" if found.template is not None else "shared text", shown(frame, LINE)])
    accounts = [[a.account_id, wording.count(a.n_attributed), wording.count(a.n_prompts), wording.percent(a.share)] for a in found.accounts[:MAX_ROWS]]
    columns = [("account", "left"), ("charged", "right"), ("of", "right"), ("share", "right")]
    tests = [[t.name, ("passed" if t.passed else "failed") if t.decides else "supports" if t.passed else "silent", wording.measured(t.statistic),
              wording.small(t.q), shown(t.reading, LINE)] for t in found.tests]
    prompts = [[r.account_id, shown(r.prompt, TEXT) if r.prompt is not None else f"{wording.plural(r.n_chars, 'character')}, text not kept"]
               for r in found.representatives[:MAX_PROMPTS]]
    return [
        _bold(f"{found.campaign_id}: {standing}"), lines([found.reason]), table((), rows, len(rows)),
        _folded("Tests", table([("test", "left"), ("", "left"), ("value", "right"), ("q", "right"), ("reading", "left")], tests, len(tests))),
        _folded("Accounts", table(columns, accounts, len(found.accounts))),
        _folded("Prompts", table([("account", "left"), ("prompt", "left")], prompts, len(prompts))),
    ]


def _bars(found: Campaign) -> Markup:
    return Markup('<span style="font-family:monospace;white-space:pre">{}</span>').format(sparkline(found, MAX_BARS))


def box(*parts: Markup) -> str:
    """Return parts as the HTML of one result."""
    return str(Markup("<div {}>{}</div>").format(Markup(_BOX), Markup("").join(parts)))


def _bold(text: str) -> Markup:
    return Markup("<div><strong>{}</strong></div>").format(shown(text, LINE))


def lines(texts: Iterable[str], *, small: bool = False) -> Markup:
    """Return texts, escaped, on a line each."""
    style = Markup(_SMALL if small else "")
    return Markup("").join(Markup("<div {}>{}</div>").format(style, shown(text, 2 * TEXT)) for text in texts)


def _folded(title: str, body: Markup) -> Markup:
    return Markup("<details><summary>{}</summary>{}</details>").format(title, body) if body else Markup("")


def table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]], total: int) -> Markup:
    """Return a table, and how many rows there are in all where these are not; nothing without rows.

    Parameters
    ----------
    columns : sequence of (str, str)
        Title and side of each; none for a table without a head.
    rows : iterable of sequences
        Cells: markup, which may wrap, or values whose text is escaped and stays on one line.
    total : int
        Rows there are.
    """
    cell = Markup('<{tag} style="{style}{side}">{text}</{tag}>')
    whole = Markup("white-space:nowrap;" + _CELL)
    head = [cell.format(tag="th", style=whole, side=side, text=title) for title, side in columns]
    made = [Markup("<tr>{}</tr>").format(Markup("").join(head))] * bool(columns)
    n_shown = 0
    for row in rows:
        sides = [side for _, side in columns] or ["left"] * len(row)
        cells = [cell.format(tag="td", style=Markup(_CELL), side=side, text=value) if isinstance(value, Markup)
                 else cell.format(tag="td", style=whole, side=side, text=shown(value, NAME)) for side, value in zip(sides, row, strict=True)]
        made.append(Markup("<tr>{}</tr>").format(Markup("").join(cells)))
        n_shown += 1
    if not n_shown:
        return Markup("")
    more = lines([f"{n_shown:,} of {total:,}"], small=True) if n_shown < total else Markup("")
    return Markup('<table style="color:inherit;font-size:inherit;border-collapse:collapse;margin:.4em 0">{}</table>{}').format(Markup("").join(made), more)
