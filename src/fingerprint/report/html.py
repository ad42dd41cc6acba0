"""``report.html``: one page that needs nothing but a browser.

No text from the traffic can become markup: Jinja2 escapes all of it, :func:`shown` makes hidden characters visible, and neither an id, a
link nor an attribute of the page is made of it. The content security policy admits one inline script, by its hash, and no connection.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ..exchangeability import PEOPLE
from . import wording
from .escaping import pieces, shorten
from .files import controls_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from ..records import Campaign, Scan, Test

# What one page can hold; whatever is left out is counted on the page and is complete in the other files.
MAX_CAMPAIGNS, MAX_EXAMINED, MAX_CLUSTERS, MAX_TOPICS, MAX_ACCOUNTS = 200, 100, 25, 25, 200
MAX_PROMPT_CHARS, MAX_PART_CHARS, MAX_ID_CHARS = 1200, 800, 96
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LEVELS = 6
AXIS_FROM, AXIS_TO = -0.06, 0.3  # personal trace: 0 is one shuffled list, people with one interest begin at PEOPLE

# A word that mixes Latin with letters of another script that look the same.
_OTHER = r"[\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u13a0-\u13ff]"  # Greek, Cyrillic, Armenian, Cherokee
_MIXED = re.compile(rf"\w*(?:[A-Za-z]{_OTHER}|{_OTHER}[A-Za-z])\w*")


def render(scan: Scan) -> str:
    """Return the page of a scan.

    Parameters
    ----------
    scan : Scan
        What it holds is shown; for a page without prompts see :func:`fingerprint.report.files.without_text`.
    """
    manifest = scan.manifest
    return page(
        "report.html.j2",
        scan=scan,
        manifest=manifest,
        text=manifest["config"].get("text", True),
        campaigns=scan.campaigns[:MAX_CAMPAIGNS],
        examined=scan.examined[:MAX_EXAMINED],
        clusters=_biggest(scan),
        topics=scan.topics.slice(0, MAX_TOPICS).to_pylist(),
        max_accounts=MAX_ACCOUNTS,
        n_charged=sum(c.n_accounts for c in scan.campaigns),
        n_charged_prompts=sum(c.n_prompts for c in scan.campaigns),
        rejected=wording.rejected_rows(manifest),
        notes=wording.control_notes(controls_of(scan)),
        reasons=wording.reasons(scan.examined),
        history=wording.history_note(manifest),
        method=wording.METHOD,
        limits=wording.LIMITS,
    )


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


def axis(test: Test | None) -> dict[str, float | bool] | None:
    """Return where the statistic, bound and limit of an exchangeability test lie on the drawn axis, 0 to 1; None without a test."""
    if test is None or not math.isfinite(test.statistic):
        return None
    bound = test.statistic if test.bound is None or not math.isfinite(test.bound) else test.bound

    def place(x: float) -> float:
        return round((min(max(x, AXIS_FROM), AXIS_TO) - AXIS_FROM) / (AXIS_TO - AXIS_FROM), 4)

    return {
        "at": place(test.statistic),
        "bound": place(bound),
        "limit": place(test.limit if test.limit is not None else 0.0),
        "zero": place(0.0),
        "people": place(PEOPLE),
        "beyond": bound > AXIS_TO,
        "has_limit": test.limit is not None,
    }


def heat(activity: list[list[int]]) -> dict[str, Any] | None:
    """Return an activity table as levels 0 (none) to ``LEVELS``, in equal steps up to the busiest hour; None where it is empty."""
    rows = [[int(n) for n in row[:24]] for row in activity[:7]]
    most = max((n for row in rows for n in row), default=0)
    if most <= 0:
        return None
    cells = [(x, y, math.ceil(LEVELS * n / most), n) for y, row in enumerate(rows) for x, n in enumerate(row)]
    return {"cells": cells, "most": most, "days": WEEKDAYS}


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


def _biggest(scan: Scan) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    table = scan.clusters
    if not len(table):
        return []
    rows: list[dict[str, Any]] = table.take(
        pc.select_k_unstable(table, MAX_CLUSTERS, [("n_prompts", "descending"), ("cluster", "ascending")])
    ).to_pylist()
    return rows


@cache
def _asset(name: str) -> str:
    return files("fingerprint.report").joinpath(name).read_text("utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters.update(shown=shown, name=lambda text: shown(text, MAX_ID_CHARS), part=lambda text: shown(text, MAX_PART_CHARS))
    made.globals.update(axis=axis, heat=heat, slots=slots, exchangeability=wording.exchangeability, LEVELS=LEVELS, people=PEOPLE)
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
