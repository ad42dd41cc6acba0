"""Plots: what is drawn is what was measured, always the same, and nothing of the traffic becomes markup."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from scan_fixture import make_scan

from fingerprint.records import AccountGraph, Campaign, Day
from fingerprint.report import plots, wording

OF_CAMPAIGN = (plots.trace, plots.activity, plots.timeline, plots.lanes, plots.ties)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def found() -> Campaign:
    return make_scan().campaigns[0]


@pytest.mark.parametrize("plot", OF_CAMPAIGN, ids=lambda plot: plot.__name__)
def test_a_plot_is_an_image_with_words(plot: Callable[[Campaign], str], found: Campaign) -> None:
    made = plot(found)
    root = ElementTree.fromstring(made)
    assert root.tag == f"{SVG}svg" and root.get("role") == "img" and len(root.get("aria-label", "")) > 20
    assert made == plot(found) and "url" not in made and "<script" not in made


@pytest.mark.parametrize("plot", OF_CAMPAIGN, ids=lambda plot: plot.__name__)
def test_a_campaign_without_figures_has_no_plot(plot: Callable[[Campaign], str], found: Campaign) -> None:
    assert plot(replace(found, tests=[], activity=[], timeline=[], lanes=[], graph=None)) == ""


def test_names_from_the_traffic_stay_text() -> None:
    scan = make_scan(lambda text: f'{text}</title><script>alert(1)</script>"&\u202e')
    for made in (*(plot(scan.campaigns[0]) for plot in OF_CAMPAIGN), plots.landscape(scan)):
        tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(made).iter()}
        assert tags <= {"svg", "path", "circle", "text", "title", "g"}
        assert "\u202e" not in made


def test_the_trace_stands_where_it_was_measured(found: Campaign) -> None:
    test = wording.exchangeability(found)
    assert test is not None and test.limit is not None

    def value(x: float) -> float:
        return (x - 10) / 440 * (plots.AXIS_TO - plots.AXIS_FROM) + plots.AXIS_FROM

    root = ElementTree.fromstring(plots.trace(found))
    circle = next(root.iter(f"{SVG}circle"))
    assert value(float(circle.get("cx", ""))) == pytest.approx(test.statistic, abs=1e-3)
    dashed = next(p for p in root.iter(f"{SVG}path") if "dasharray" in p.get("style", ""))
    assert value(float(dashed.get("d", "")[1:].split()[0])) == pytest.approx(test.limit, abs=1e-3)
    beyond = replace(found, tests=[replace(test, statistic=2.0, bound=99.0)])
    assert 'cx="450' in plots.trace(beyond) and "99" in plots.trace(beyond), "at the edge, and said in words"
    assert plots.trace(replace(found, tests=[replace(test, statistic=math.nan)])) == ""


def test_the_heat_map_has_a_square_for_each_hour(found: Campaign) -> None:
    made = plots.activity(replace(found, activity=[[0, 6, 12] + [0] * 21] + [[0] * 24] * 6))
    paths = [p.get("d", "") for p in ElementTree.fromstring(made).iter(f"{SVG}path")]
    squares = [path.count("z") - 1 for path in paths]  # each level has one in the legend
    assert squares == [166, 0, 0, 1, 0, 0, 1]
    assert "M48 0h" in paths[3] and "M64 0h" in paths[6] and "12 charged prompts" in made


def test_the_time_line_keeps_days_without_prompts(found: Campaign) -> None:
    days = [Day("2026-02-27", 5, 1), Day("2026-03-02", 10, 2)]
    made = plots.timeline(replace(found, timeline=days))
    bars = re.findall(r"M([\d.]+) 72v-([\d.]+)", made)
    assert [(float(x), float(h)) for x, h in bars] == [(0.0, 36.0), (312.0, 72.0)] and "2026-03-02" in made
    long = [Day(str(np.datetime64("2024-01-01") + d), 1, 1) for d in range(500)]
    made = plots.timeline(replace(found, timeline=long))
    assert made.count("v-") == 100 and "at most 5 in 5 days" in made


def test_days_that_are_none_are_not_drawn(found: Campaign) -> None:
    days = [Day("2026-13-01\x1b[2J", 1, 1)]
    assert plots.timeline(replace(found, timeline=days)) == plots.lanes(replace(found, timeline=days, lanes=[[[0, 1]]])) == ""


def test_lanes_show_who_sent_when(found: Campaign) -> None:
    days = [Day("2026-03-01", 3, 2), Day("2026-03-03", 9, 1)]
    made = plots.lanes(replace(found, timeline=days, lanes=[[[0, 1], [1, 8]], [[0, 2]]]))
    assert re.findall(r"M([\d.]+) (\d+)h", made) == [("0.0", "0"), ("0.0", "10"), ("277.3", "0")], "lighter ones first"
    assert "at most 8" in made


def test_ties_draw_everybody_once(found: Campaign) -> None:
    graph = found.graph
    assert graph is not None
    root = ElementTree.fromstring(plots.ties(found))
    circles = list(root.iter(f"{SVG}circle"))
    assert len(circles) == len(graph.accounts)
    assert sum("stroke" in c.get("style", "") for c in circles) == len(graph.accounts) - graph.n_members
    assert sum(p.get("d", "").count("M") for p in root.iter(f"{SVG}path")) == len(graph.left)
    assert sum("not accused" in "".join(c.itertext()) for c in circles) == len(graph.accounts) - graph.n_members


def test_those_who_are_tied_lie_near_each_other() -> None:
    left = [i for i in range(12) for j in range(i + 1, 12) if (i < 6) == (j < 6)]
    right = [j for i in range(12) for j in range(i + 1, 12) if (i < 6) == (j < 6)]
    graph = AccountGraph([str(i) for i in range(12)], 12, [*left, 0], [*right, 11], [1.0] * len(left) + [0.1])
    place = plots.spring(graph)
    assert place.min() >= 0 and place.max() <= 1 and (place == plots.spring(graph)).all()
    far = np.sqrt(((place[:, None] - place[None]) ** 2).sum(2))
    same = (np.arange(12) < 6)[:, None] == (np.arange(12) < 6)[None]
    assert far[same & ~np.eye(12, dtype=bool)].mean() < 0.5 * far[~same].mean()
    assert np.isfinite(plots.spring(AccountGraph(["a", "b"], 2, [0], [1], [1.0]))).all()


def test_the_map_colours_findings_and_numbers_them() -> None:
    scan = make_scan()
    root = ElementTree.fromstring(plots.landscape(scan))
    circles = list(root.iter(f"{SVG}circle"))
    assert sorted(int(c.get("data-i", "")) for c in circles) == list(range(len(scan.landscape)))
    groups = {g.get("data-c"): g for g in root.iter(f"{SVG}g")}
    assert set(groups) == {None, "0", "1", "2", "3"}
    names = scan.landscape["campaign_id"].to_pylist()
    for place, campaign in enumerate(scan.campaigns):
        own = {int(c.get("data-i", "")) for c in groups[str(place)].iter(f"{SVG}circle")}
        assert own == {i for i, name in enumerate(names) if name == campaign.campaign_id}
    assert [t.text for t in root.iter(f"{SVG}text")] == ["1", "2", "3", "4"]
    few = ElementTree.fromstring(plots.landscape(scan, scan.campaigns[:1]))
    assert [t.text for t in few.iter(f"{SVG}text")] == ["1"], "others are as if charged with nothing"
    assert plots.landscape(replace(scan, landscape=scan.landscape.slice(0, 0))) == ""
