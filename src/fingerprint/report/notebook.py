"""What results look like in a notebook: a few lines and a table each, complete in themselves.

Text of the traffic is escaped by :func:`fingerprint.report.html.shown`. There is no script and no style sheet; colours are those of the notebook, light or
dark, and lines and small print take theirs from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
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
    from ..stream.results import Finding, Findings, Observation

MAX_ROWS, MAX_PROMPTS, MAX_BARS = 10, 3, 30
NAME, LINE, TEXT = 60, 240, 480  # characters shown of a name, of a sentence or frame, and of a prompt
_BOX = 'style="font-family:system-ui,sans-serif;font-size:.9em;line-height:1.45;max-width:80em;overflow-x:auto"'
_CELL = "padding:.15em .7em;vertical-align:top;border-bottom:1px solid rgba(128,128,128,.35);text-align:"
_SMALL = 'style="opacity:.7"'


def scan_html(scan: Scan) -> str:
    """Return a scan as HTML: totals, its strongest findings, both controls."""
    parts = [_lines(totals(scan)), _campaigns(scan.campaigns)]
    if not scan.campaigns:
        parts.append(_bold("No campaign found."))
    notes = [f"{note.title}: {note.result}" for note in wording.control_notes(controls_of(scan))]
    return _box(*parts, _lines([*notes, f"{wording.plural(len(scan.examined), 'other group')} examined and not reported."], small=True))


def campaign_html(found: Campaign) -> str:
    """Return a campaign as HTML: why it is reported or not, what it looks like, its tests, its largest contributors and some prompts."""
    return _box(*_campaign(found))


def finding_html(finding: Finding) -> str:
    """Return a finding of a stream as HTML: the campaign, under the name that it keeps."""
    head = f"{finding.finding_id}, first found {_moment(finding.first_found_us)}"
    return _box(_lines([head]), *_campaign(finding.campaign))


def findings_html(findings: Findings) -> str:
    """Return the findings of a stream as HTML, strongest first, and how many of each kind of change there are."""
    kinds: dict[str, int] = {}
    for change in findings.changes:
        kinds[change.kind] = kinds.get(change.kind, 0) + 1
    told = ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())
    rows = [[one.finding_id, *_row(one.campaign), _moment(one.first_found_us)] for one in findings.findings[:MAX_ROWS]]
    titles = [("finding", "left"), *_TITLES, ("first found", "left")]
    head = f"{wording.plural(len(findings), 'finding')} as of {_moment(findings.evaluated_us)}"
    return _box(_lines([f"{head}; changes: {told}" if told else head]), _table(titles, rows, len(findings)))


def match_html(found: Match) -> str:
    """Return a match as HTML: who is named, and the figures that speak against each."""
    named = found.accounts.filter(found.accounts["named"])
    rows = [[row["account_id"], wording.count(row["n_prompts"]), wording.count(row["n_matched_prompts"]), wording.percent(row["share_of_traffic"]),
             wording.percent(row["share_of_set"]), wording.measured(row["expected"]), wording.small(row["p_adjusted"])]
            for row in named.slice(0, MAX_ROWS).to_pylist()]
    head = (f"{wording.plural(len(named), 'account')} named; {wording.plural(len(found.accounts) - len(named), 'other')} with matches that chance explains; "
            f"{wording.plural(len(found.queries), 'question')} in the set")
    titles = [("account", "left"), *((title, "right") for title in ("prompts", "matched", "of its traffic", "of the set", "by accident", "p, adjusted"))]
    return _box(_lines([head]), _table(titles, rows, len(named)))


def observation_html(seen: Observation) -> str:
    """Return what became of a batch as HTML: its rows, and the near-duplicate clusters that it made largest."""
    counts = ", ".join(f"{n:,} {name}" for name, n in seen.counts.items() if n)
    clusters = seen.clusters
    largest = sorted(range(len(clusters)), key=lambda i: -int(clusters.n_prompts[i]))[:MAX_ROWS]
    rows = [[f"{int(clusters.cluster[i]):016x}", wording.count(int(clusters.n_prompts[i])), wording.count(int(clusters.n_texts[i]))] for i in largest]
    new = f"{wording.plural(int(seen.is_new.sum()), 'text')} not seen before; {wording.plural(len(clusters), 'cluster')} of near-duplicates changed"
    return _box(_lines([counts or "no rows", new]), _table([("cluster", "left"), ("prompts", "right"), ("texts", "right")], rows, len(clusters)))


_TITLES = (("campaign", "left"), ("targets", "left"), ("accounts", "right"), ("prompts", "right"), ("personal trace", "right"), ("q", "right"),
           ("period", "left"), ("time line", "left"))


def _row(found: Campaign) -> list[object]:
    test = wording.exchangeability(found)
    trace, q = (wording.measured(test.statistic), wording.small(test.q)) if test is not None else ("–", "–")
    return [found.campaign_id, found.capability, wording.count(found.n_accounts), wording.count(found.n_prompts), trace, q,
            wording.period(found.first_seen, found.last_seen), _bars(found)]


def _campaigns(campaigns: Sequence[Campaign]) -> Markup:
    return _table(_TITLES, [_row(found) for found in campaigns[:MAX_ROWS]], len(campaigns))


def _campaign(found: Campaign) -> list[Markup]:
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
        _bold(f"{found.campaign_id}: {standing}"), _lines([found.reason]), _table((), rows, len(rows)),
        _folded("Tests", _table([("test", "left"), ("", "left"), ("value", "right"), ("q", "right"), ("reading", "left")], tests, len(tests))),
        _folded("Accounts", _table(columns, accounts, len(found.accounts))),
        _folded("Prompts", _table([("account", "left"), ("prompt", "left")], prompts, len(prompts))),
    ]


def _bars(found: Campaign) -> Markup:
    return Markup('<span style="font-family:monospace;white-space:pre">{}</span>').format(sparkline(found, MAX_BARS))


def _moment(us: int) -> str:
    return wording.minute(datetime.fromtimestamp(us / 1e6, UTC).isoformat()) if us else "–"


def _box(*parts: Markup) -> str:
    return str(Markup("<div {}>{}</div>").format(Markup(_BOX), Markup("").join(parts)))


def _bold(text: str) -> Markup:
    return Markup("<div><strong>{}</strong></div>").format(shown(text, LINE))


def _lines(lines: Iterable[str], *, small: bool = False) -> Markup:
    style = Markup(_SMALL if small else "")
    return Markup("").join(Markup("<div {}>{}</div>").format(style, shown(line, 2 * TEXT)) for line in lines)


def _folded(title: str, body: Markup) -> Markup:
    return Markup("<details><summary>{}</summary>{}</details>").format(title, body) if body else Markup("")


def _table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]], total: int) -> Markup:
    """A table of cells, each markup, which may wrap, or text to be escaped; and how many rows there are where not all are shown. Nothing without rows."""
    cell = Markup('<{tag} style="{style}{side}">{text}</{tag}>')
    whole = Markup("white-space:nowrap;" + _CELL)
    head = [cell.format(tag="th", style=whole, side=side, text=title) for title, side in columns]
    lines = [Markup("<tr>{}</tr>").format(Markup("").join(head))] * bool(columns)
    n_shown = 0
    for row in rows:
        sides = [side for _, side in columns] or ["left"] * len(row)
        cells = [cell.format(tag="td", style=Markup(_CELL), side=side, text=value) if isinstance(value, Markup)
                 else cell.format(tag="td", style=whole, side=side, text=shown(value, NAME)) for side, value in zip(sides, row, strict=True)]
        lines.append(Markup("<tr>{}</tr>").format(Markup("").join(cells)))
        n_shown += 1
    if not n_shown:
        return Markup("")
    more = _lines([f"{n_shown:,} of {total:,}"], small=True) if n_shown < total else Markup("")
    return Markup('<table style="color:inherit;font-size:inherit;border-collapse:collapse;margin:.4em 0">{}</table>{}').format(Markup("").join(lines), more)
