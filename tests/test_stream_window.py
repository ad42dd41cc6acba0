"""Event time: what is accepted and what is alive, against a slow reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.stream.window import ACCEPTED, AHEAD, LATE, Window

SPAN, SPANS, AHEAD_US, NOW = 100, 4, 50, 5_000


def reference(times: list[int], lateness: int | None) -> tuple[list[int], set[int]]:
    """Judge rows one at a time; return the verdicts, and which accepted rows are alive at the end."""
    latest, oldest, verdicts, accepted = None, 0, [], []
    for row, time in enumerate(times):
        if time > NOW + AHEAD_US:
            verdicts.append(AHEAD)
        elif time // SPAN < oldest or (latest is not None and lateness is not None and time < latest - lateness):
            verdicts.append(LATE)
        else:
            verdicts.append(ACCEPTED)
            accepted.append(row)
            latest = time if latest is None else max(latest, time)
            oldest = max(oldest, latest // SPAN - (SPANS + 1) + 1)
    return verdicts, {row for row in accepted if times[row] // SPAN >= oldest}


def run(times: list[int], cuts: list[int], lateness: int | None) -> tuple[list[int], set[int]]:
    """Judge rows in batches."""
    window, verdicts = Window.of(SPAN * SPANS, SPAN, lateness, AHEAD_US), []
    for part in np.split(np.array(times, np.int64), sorted(cuts)):
        spans, verdict = window.place(part, NOW)
        assert (spans == part // SPAN).all()
        window = window.after(part[verdict == ACCEPTED])
        verdicts += verdict.tolist()
    alive = {row for row, time in enumerate(times) if verdicts[row] == ACCEPTED and time // SPAN >= window.first}
    return verdicts, alive


@settings(max_examples=500, deadline=None)
@given(times=st.lists(st.integers(0, 6_000), max_size=60), cuts=st.lists(st.integers(0, 60), max_size=5), lateness=st.none() | st.integers(0, 800))
def test_batches_can_be_cut_anywhere(times: list[int], cuts: list[int], lateness: int | None) -> None:
    cuts = [min(cut, len(times)) for cut in cuts]
    assert run(times, cuts, lateness) == reference(times, lateness)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), times=st.lists(st.integers(0, 5_000), max_size=40))
def test_what_is_alive_does_not_depend_on_order(data: st.DataObject, times: list[int]) -> None:
    order = data.draw(st.permutations(range(len(times))))
    alive = {times[row] for row in run(times, [], None)[1]}
    shuffled = [times[i] for i in order]
    assert {shuffled[row] for row in run(shuffled, [], None)[1]} == alive
    assert all(time in alive for time in times if times and time >= max(times) - SPAN * SPANS)


def test_one_row_of_the_far_future_moves_nothing() -> None:
    window = Window.of(SPAN * SPANS, SPAN, None, AHEAD_US).after(np.array([4_000]))
    _, verdict = window.place(np.array([32_503_680_000_000_000, 4_001]), NOW)
    assert verdict.tolist() == [AHEAD, ACCEPTED]
    assert window.after(np.array([4_001])).first == window.first


@pytest.mark.parametrize("time", [NOW + AHEAD_US, NOW + AHEAD_US + 1])
def test_the_clock_is_a_bound(time: int) -> None:
    assert Window.of(1000, SPAN, None, AHEAD_US).place(np.array([time]), NOW)[1].tolist() == [ACCEPTED if time == NOW + AHEAD_US else AHEAD]


def test_a_clock_that_goes_back_expires_nothing() -> None:
    window = Window.of(SPAN * SPANS, SPAN, None, AHEAD_US).after(np.array([4_000]))
    assert window.place(np.array([4_000]), 1_000)[1].tolist() == [AHEAD]
    assert window.after(np.zeros(0, np.int64)) == window
