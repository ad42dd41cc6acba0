"""Plots of a scan as SVG: of the report, for notebooks, and for whoever puts them elsewhere.

A plot is a string, complete in itself: colours follow the page's variables where it has them, else those that are given here, and text takes the colour of
the text around it. Names that come from the traffic stand in titles only, escaped and cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..exchangeability import PEOPLE
from . import wording
from .escaping import one_line
from .timeline import per_bar

if TYPE_CHECKING:
    import pyarrow as pa

    from ..records import AccountGraph, Campaign, Scan, Test

ACCENT, RULE, STRONG, SOFT = "var(--accent,#3d51c4)", "var(--rule,#dddcd8)", "var(--strong,#b4b3ae)", "var(--soft,#6d7177)"
PALETTE = ("#3d51c4", "#c2571a", "#1f8a70", "#a13d8f", "#8a6d00", "#2480b8", "#b03a48", "#5b7a1f", "#7a4b2a", "#d14a90")
AXIS_FROM, AXIS_TO = -0.06, 0.3  # personal trace: 0 is one shuffled list, people with one interest begin at PEOPLE
LEVELS, OPACITY = 6, (0, 0.16, 0.32, 0.48, 0.64, 0.82, 1)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MAX_BARS = 120  # of a time line; days are put together beyond
MAP_SIZE = 640
_FONT = "font:11px var(--sans,system-ui,sans-serif)"


def colour(place: int | None) -> str:
    """Return the colour of a finding by its place among all; a soft one for prompts of none."""
    return f"var(--c{place % len(PALETTE)},{PALETTE[place % len(PALETTE)]})" if place is not None else STRONG


def trace(found: Campaign, *, wide: bool = True) -> str:
    """Draw the personal trace of a finding with its confidence bound and limit; empty without a test of exchangeability."""
    test = wording.exchangeability(found)
    if test is None or not math.isfinite(test.statistic):
        return ""
    bound = test.statistic if test.bound is None or not math.isfinite(test.bound) else test.bound
    width, left, y, height = (440, 10, 40, 92) if wide else (120, 4, 9, 18)

    def at(x: float) -> float:
        return round(left + width * (min(max(x, AXIS_FROM), AXIS_TO) - AXIS_FROM) / (AXIS_TO - AXIS_FROM), 1)

    marks = [_line(left, y, left + width, y, STRONG), *(_line(at(x), y - 4, at(x), y + 4, STRONG) for x in (0.0, PEOPLE))]
    if test.limit is not None:
        marks.append(_line(at(test.limit), y - (16 if wide else 8), at(test.limit), y + (10 if wide else 8), "currentColor", "stroke-dasharray:3 3"))
    marks.append(_line(at(test.statistic), y, at(bound), y, ACCENT, "stroke-width:3"))
    marks.append(f'<circle cx="{at(test.statistic)}" cy="{y}" r="{5 if wide else 3.5}" style="fill:{ACCENT}"/>')
    if wide:
        marks += [_text(at(test.limit), y - 22, f"limit {wording.measured(test.limit)}", "middle")] if test.limit is not None else []
        for x, what in ((0.0, "one shuffled list"), (PEOPLE, "people, from here on")):
            marks += [_text(at(x), y + 22, wording.measured(x), "middle", "currentColor"), _text(at(x), y + 37, what, "middle")]
    return _svg(width + 2 * left, height, marks, _trace_in_words(test))


def _trace_in_words(test: Test) -> str:
    return f"Personal trace {wording.measured(test.statistic)}, upper bound {wording.measured(test.bound)}, limit {wording.measured(test.limit)}"


def activity(found: Campaign) -> str:
    """Draw the charged prompts of a finding by weekday and hour, UTC; empty where there are none."""
    rows = [[int(n) for n in row[:24]] for row in found.activity[:7]]
    most = max((n for row in rows for n in row), default=0)
    if most <= 0:
        return ""
    marks = [_text(0, y * 16 + 11, day) for y, day in enumerate(WEEKDAYS)]
    for level in range(LEVELS + 1):
        cells = [(32 + x * 16, y * 16) for y, row in enumerate(rows) for x, n in enumerate(row) if math.ceil(LEVELS * n / most) == level]
        marks.append(_squares([*cells, (44 + level * 16, 147)], level))
    marks += [_text(39 + x * 16, 126, f"{x:02d}", "middle") for x in (0, 6, 12, 18, 23)]
    marks += [_text(32, 158, "0"), _text(48 + (LEVELS + 1) * 16, 158, f"{most:,} charged prompts an hour of the week, in equal steps")]
    return _svg(416, 164, marks, f"Prompts by weekday and hour, UTC; at most {wording.plural(most, 'prompt')} in one cell")


def _squares(corners: Iterable[tuple[int, int]], level: int, size: int = 14) -> str:
    path = "".join(f"M{x} {y}h{size}v{size}h-{size}z" for x, y in corners)
    style = f"fill:{ACCENT};fill-opacity:{OPACITY[level]}" if level else "fill:var(--raised,#f1f1ee)"
    return f'<path d="{path}" style="{style}"/>'


def timeline(found: Campaign) -> str:
    """Draw the charged prompts of a finding day by day, UTC; days without any have no bar. Empty where there are none."""
    sums, n_days = per_bar(found, MAX_BARS)
    most = max(sums, default=0)
    if not most:
        return ""
    width, height = 416, 72
    bar = width / len(sums)
    path = "".join(f"M{i * bar:.1f} {height}v-{max(1.0, height * n / most):.1f}h{max(bar - 1, 0.6):.1f}v{max(1.0, height * n / most):.1f}z"
                   for i, n in enumerate(sums) if n)
    scale = f"at most {most:,} {'a day' if n_days == 1 else f'in {n_days} days'}"
    first, last, axis = _days_axis(found, width, height, n_days * len(sums), scale)
    return _svg(width, height + 20, [f'<path d="{path}" style="fill:{ACCENT}"/>', *axis], f"Prompts by day from {first} to {last}; at most {most:,}")


def _days_axis(found: Campaign, width: int, bottom: int, n_days: int, scale: str) -> tuple[date, date, list[str]]:
    """Return the first and last of so many days, and a line with both and the scale below it."""
    first = min(date.fromisoformat(day.date) for day in found.timeline)
    last = first + timedelta(days=n_days - 1)
    return first, last, [_line(0, bottom + 0.5, width, bottom + 0.5, STRONG), _text(0, bottom + 16, first.isoformat()),
                         _text(width, bottom + 16, last.isoformat(), "end"), _text(width / 2, bottom + 16, scale, "middle")]


def lanes(found: Campaign) -> str:
    """Draw for each of the largest contributors on which days it sent charged prompts, UTC; the darker, the more. Empty where there are none."""
    sums, n_days = per_bar(found, MAX_BARS)
    most = max((count for lane in found.lanes for _, count in lane), default=0)
    if not sums or not most:
        return ""
    days = [date.fromisoformat(day.date).toordinal() for day in found.timeline]
    width, high = 416, 10
    cell = width / len(sums)
    by_level: dict[int, list[str]] = {}
    for y, lane in enumerate(found.lanes):
        for day, count in lane:
            at, across = (days[day] - min(days)) // n_days * cell, max(cell - 1, 0.6)
            by_level.setdefault(max(1, math.ceil(LEVELS * count / most)), []).append(f"M{at:.1f} {y * high}h{across:.1f}v{high - 2}h-{across:.1f}z")
    marks = [f'<path d="{"".join(parts)}" style="fill:{ACCENT};fill-opacity:{OPACITY[level]}"/>' for level, parts in sorted(by_level.items())]
    axis = _days_axis(found, width, len(found.lanes) * high, n_days * len(sums), f"at most {most:,} in one cell")[2]
    return _svg(width, len(found.lanes) * high + 20, [*marks, *axis], f"Days on which each of the {len(found.lanes)} largest contributors sent charged prompts")


def ties(found: Campaign) -> str:
    """Draw how the largest contributors of a finding are tied to each other, and the nearest accounts outside to them; empty without a graph.

    Filled dots are contributors, open ones are accounts that no finding accuses. Each shows its strongest ties, the stronger the darker.
    """
    graph = found.graph
    if graph is None or not graph.left:
        return ""
    size, margin = 300, 14
    place = margin + (size - 2 * margin) * spring(graph)
    place[:, 1] -= place[:, 1].min() - margin
    strength = np.argsort(np.argsort(graph.weight)) / len(graph.weight)
    by_level: dict[int, list[str]] = {}
    for a, b, rank in zip(graph.left, graph.right, strength.tolist(), strict=True):
        by_level.setdefault(1 + int(4 * rank), []).append(
            f"M{place[a, 0]:.0f} {place[a, 1]:.0f}L{place[b, 0]:.0f} {place[b, 1]:.0f}")
    marks = [f'<path d="{"".join(parts)}" style="fill:none;stroke:{STRONG};stroke-opacity:{level / 4:g}"/>' for level, parts in sorted(by_level.items())]
    for i, name in enumerate(graph.accounts):
        inside = i < graph.n_members
        style = f"fill:{ACCENT}" if inside else f"fill:var(--paper,#fff);stroke:{SOFT};stroke-width:1.5"
        marks.append(f'<circle cx="{place[i, 0]:.0f}" cy="{place[i, 1]:.0f}" r="4" style="{style}"><title>{_escaped(name)}'
                     f'{"" if inside else ", not accused"}</title></circle>')
    n_outside = len(graph.accounts) - graph.n_members
    return _svg(size, float(place[:, 1].max()) + margin, marks, f"Ties between {graph.n_members} contributors and {n_outside} accounts outside")


def spring(graph: AccountGraph, steps: int = 150) -> npt.NDArray[np.float64]:
    """Return places in the unit square, float64[n, 2]: ties pull, all push each other away (Fruchterman and Reingold, 1991). Always the same."""
    n = len(graph.accounts)
    tie = np.zeros((n, n))
    tie[graph.left, graph.right] = tie[graph.right, graph.left] = graph.weight
    turn = np.arange(n) * 2.399963  # the golden angle: evenly over a disc, contributors in the middle
    place = np.stack([np.cos(turn), np.sin(turn)], 1) * np.sqrt((np.arange(n) + 0.5) / n)[:, None]
    near = 1.2 / math.sqrt(max(n, 1))
    for step in range(steps):
        away = place[:, None] - place[None]
        far = np.maximum(np.sqrt((away**2).sum(2)), 1e-3)
        force = (away / far[..., None] * (near**2 / far - tie * far**2 / near)[..., None]).sum(1) - 0.3 * near * place
        length = np.maximum(np.sqrt((force**2).sum(1, keepdims=True)), 1e-9)
        place = place + force / length * np.minimum(length, 0.15 * (1 - step / steps))
    low, high = place.min(0), place.max(0)
    unit: npt.NDArray[np.float64] = (place - (low + high) / 2) / max(float((high - low).max()), 1e-9) + 0.5
    return unit


def landscape(scan: Scan, campaigns: Sequence[Campaign] | None = None) -> str:
    """Draw the map of a scan: a dot for each prompt, those of findings in their colour, which is numbered in the middle of its prompts.

    Parameters
    ----------
    scan : Scan
    campaigns : sequence of Campaign, optional
        Findings that are coloured; by default all.
    """
    table: pa.Table = scan.landscape
    if not len(table):
        return ""
    place_of = {found.campaign_id: i for i, found in enumerate(scan.campaigns if campaigns is None else campaigns)}
    x, y = (table[name].to_numpy() * (MAP_SIZE - 24) + 12 for name in ("x", "y"))
    of = [place_of.get(name) if name is not None else None for name in table["campaign_id"].to_pylist()]
    low, high = float(y.min()) - 12, float(y.max()) + 12
    dots: dict[int | None, list[str]] = {None: []}
    for i, whose in enumerate(of):
        dots.setdefault(whose, []).append(f'<circle cx="{x[i]:.1f}" cy="{y[i] - low:.1f}" r="{2.4 if whose is None else 3.2}" data-i="{i}"/>')
    marks = [f'<g class="none" style="fill:{STRONG};fill-opacity:.7">{"".join(dots.pop(None))}</g>']
    for whose, parts in sorted(dots.items(), key=lambda item: item[0] or 0):
        marks.append(f'<g data-c="{whose}" style="fill:{colour(whose)}">{"".join(parts)}</g>')
    for whose in sorted(dots, key=lambda item: item or 0):
        own = [i for i, one in enumerate(of) if one == whose]
        middle = own[int(np.argmin((x[own] - np.median(x[own])) ** 2 + (y[own] - np.median(y[own])) ** 2))]
        marks.append(f'<text class="label" x="{x[middle]:.1f}" y="{y[middle] - low + 4:.1f}" text-anchor="middle" style="font:650 12px var(--sans,sans-serif);'
                     f'fill:currentColor;paint-order:stroke;stroke:var(--paper,#fff);stroke-width:4px">{(whose or 0) + 1}</text>')
    return _svg(MAP_SIZE, round(high - low), marks, f"{len(table):,} prompts of the traffic, near ones near each other; {len(dots)} findings are coloured")


def _svg(width: float, height: float, marks: Iterable[str], label: str) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
            f'aria-label="{_escaped(label)}" style="{_FONT}">{"".join(marks)}</svg>')


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str, more: str = "") -> str:
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" style="fill:none;stroke:{stroke};{more}"/>'


def _text(x: float, y: float, text: str, anchor: str = "start", fill: str = SOFT) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" style="fill:{fill}">{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    from markupsafe import escape

    return str(escape(one_line(text, 96)))
