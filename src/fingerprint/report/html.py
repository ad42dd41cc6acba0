"""``report.html``: one page that needs nothing but a browser.

No text from the traffic can become markup: Jinja2 escapes all of it, :func:`shown` makes hidden characters visible, and neither an id, a
link nor an attribute of the page is made of it. The content security policy admits one inline script, by its hash, and no connection.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from ..exchangeability import PEOPLE
from ..tables import RECENT
from . import plots, wording
from .escaping import one_line, pieces, shorten
from .files import controls_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from ..records import Campaign, Scan

# What one page can hold; whatever is left out is counted on the page and is complete in the other files.
MAX_CAMPAIGNS, MAX_EXAMINED, MAX_CLUSTERS, MAX_TOPICS = 200, 100, 40, 25
MAX_ROWS, LEAST_ROWS = 10_000, 50  # accounts in all tables together, and in each at least
MAX_PROMPT_CHARS, MAX_PART_CHARS, MAX_ID_CHARS, MAX_POINT_CHARS = 1200, 800, 96, 240
LEAST_GROWING = 10  # prompts of a cluster of which it is said that it grows
_IN_SCRIPT = {ord(c): f"\\u{ord(c):04x}" for c in "<>&"}

# A word that mixes Latin with letters of another script that look the same.
_OTHER = r"[\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u13a0-\u13ff]"  # Greek, Cyrillic, Armenian, Cherokee
_MIXED = re.compile(rf"\w*(?:[A-Za-z]{_OTHER}|{_OTHER}[A-Za-z])\w*")


def render(scan: Scan, min_accounts: int = 0) -> str:
    """Return the page of a scan.

    Parameters
    ----------
    scan : Scan
        What it holds is shown; for a page without prompts see :func:`fingerprint.report.files.without_text`.
    min_accounts : int
        Findings, groups, clusters and topics of fewer accounts are left out, and counted.
    """
    manifest = scan.manifest
    whole, scan = scan, _large(scan, min_accounts)
    place_of = {found.campaign_id: i for i, found in enumerate(scan.campaigns[:MAX_CAMPAIGNS])}
    return page(
        "report.html.j2",
        scan=scan,
        manifest=manifest,
        text=manifest["config"].get("text", True),
        campaigns=scan.campaigns[:MAX_CAMPAIGNS],
        examined=scan.examined[:MAX_EXAMINED],
        clusters=_clusters(scan, min_accounts),
        topics=scan.topics.slice(0, MAX_TOPICS).to_pylist(),
        points=_points(scan, place_of),
        max_accounts=max(LEAST_ROWS, MAX_ROWS // max(len(place_of), 1)),
        min_accounts=min_accounts,
        n_hidden=len(whole.campaigns) + len(whole.examined) - len(scan.campaigns) - len(scan.examined),
        recent=RECENT,
        n_charged=sum(c.n_accounts for c in scan.campaigns),
        n_charged_prompts=sum(c.n_prompts for c in scan.campaigns),
        rejected=wording.rejected_rows(manifest),
        notes=wording.control_notes(controls_of(scan)),
        reasons=wording.reasons(scan.examined),
        history=wording.history_note(manifest),
        method=wording.METHOD,
        limits=wording.LIMITS,
    )


def _large(scan: Scan, min_accounts: int) -> Scan:
    """Return a scan without findings, groups and topics of fewer accounts."""
    import pyarrow.compute as pc

    return replace(scan, campaigns=[c for c in scan.campaigns if c.n_accounts >= min_accounts],
                   examined=[c for c in scan.examined if c.n_accounts >= min_accounts],
                   topics=scan.topics.filter(pc.greater_equal(scan.topics["n_accounts"], min_accounts)))


def page(template: str, **values: Any) -> str:
    """Return a page of one of our templates, with style, script and content security policy."""
    style, script = _asset("report.css"), _asset("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    made: str = _environment().from_string(_asset(template)).render(style=style, script=script, policy=policy, **values)
    return made


def shown(text: object, limit: int = MAX_PROMPT_CHARS) -> Markup:
    """Return hostile text as markup that looks like it.

    Escaped, with hidden characters written out and mixed alphabets marked; of a text of more than `limit` characters the middle is cut.
    """
    from markupsafe import Markup, escape

    out: list[Markup] = []
    for piece, escaped in pieces(shorten(str(text), limit)):
        if escaped:
            out.append(Markup('<span class="odd">{}</span>').format(piece))
            continue
        at = 0
        for match in _MIXED.finditer(piece):
            out += [escape(piece[at : match.start()]), Markup('<span class="mixed">{}</span>').format(match[0])]
            at = match.end()
        out.append(escape(piece[at:]))
    return Markup("").join(out)


def slots(found: Campaign) -> list[dict[str, Any]]:
    """Return a template as a sequence of fixed text, ``{"slot": 0, "text": ...}``, and slots, ``{"slot": 1, "fills": ..., "n": ...}``."""
    template = found.template
    if template is None:
        return []
    sequence: list[dict[str, Any]] = []

    def slot() -> None:
        k = sum(item["slot"] > 0 for item in sequence)
        sequence.append(
            {
                "slot": k + 1,
                "fills": template.fills[k][:6] if k < len(template.fills) else [],
                "n": template.n_distinct[k] if k < len(template.n_distinct) else 0,
            }
        )

    for i, part in enumerate(template.parts):
        if i or template.leading:
            slot()
        sequence.append({"slot": 0, "text": part})
    if template.trailing:
        slot()
    return sequence


def _clusters(scan: Scan, min_accounts: int) -> list[dict[str, Any]]:
    """Return the clusters that are biggest, of most accounts, or growing fastest, biggest first, with ``growth``: 1 where they come as evenly as can be."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = scan.clusters.filter(pc.greater_equal(scan.clusters["n_accounts"], min_accounts))
    if not len(table):
        return []
    n_prompts, n_recent = (table[name].to_numpy().astype(float) for name in ("n_prompts", "n_recent"))
    growth = n_recent / n_prompts / RECENT
    surge = np.where(n_prompts >= LEAST_GROWING, growth * np.sqrt(n_prompts), 0)
    table = table.append_column("growth", pa.array(growth)).append_column("surge", pa.array(surge))
    chosen = [pc.select_k_unstable(table, MAX_CLUSTERS, [(name, "descending"), ("cluster", "ascending")]) for name in ("n_prompts", "n_accounts", "surge")]
    places = {place for one in chosen for place in one.to_pylist()}
    rows: list[dict[str, Any]] = table.take(pa.array(sorted(places))).sort_by([("n_prompts", "descending"), ("cluster", "ascending")]).to_pylist()
    return rows


def _points(scan: Scan, place_of: dict[str, int]) -> Markup:
    """Return what the map says of each of its prompts, as JSON that cannot end the script element it stands in."""
    from markupsafe import Markup

    rows = scan.landscape.select(["campaign_id", "account_id", "prompt"]).to_pylist()
    plain = [[place_of.get(row["campaign_id"] or "", -1), one_line(row["account_id"], MAX_ID_CHARS),
              None if row["prompt"] is None else one_line(row["prompt"], MAX_POINT_CHARS)] for row in rows]
    return Markup(json.dumps(plain, separators=(",", ":")).translate(_IN_SCRIPT))


@cache
def _asset(name: str) -> str:
    return files("fingerprint.report").joinpath(name).read_text("utf-8")


def _drawing(plot: Callable[..., str]) -> Callable[..., Markup]:
    """Return a plot as markup: what it holds of the traffic it has escaped."""
    from markupsafe import Markup

    return lambda *what, **options: Markup(plot(*what, **options))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters.update(shown=shown, name=lambda text: shown(text, MAX_ID_CHARS), part=lambda text: shown(text, MAX_PART_CHARS))
    drawn = {name: _drawing(getattr(plots, name)) for name in ("trace", "activity", "timeline", "lanes", "ties", "landscape")}
    made.globals.update(**drawn, colour=plots.colour, slots=slots, exchangeability=wording.exchangeability, people=PEOPLE)
    for helper in (
        wording.count,
        wording.plural,
        wording.percent,
        wording.small,
        wording.measured,
        wording.seconds,
        wording.memory,
        wording.day,
        wording.minute,
        wording.period,
        wording.known_note,
    ):
        made.filters[helper.__name__] = helper
    return made
