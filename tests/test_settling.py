"""What is settled: against plain Python, and that it stays as events come and go at its ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import settling
from fingerprint.settling import EDGE, ENOUGH, PERIODS, in_layers, settled_period
from fingerprint.traffic import HOUR_US, Holdings

DAY = 24 * HOUR_US


def plain_period(times: list[int]) -> tuple[int, int]:
    """Return the settled period of hours, whole ones of the longest kind that hold enough."""
    hours = sorted(t // HOUR_US for t in times)
    late = next(h for i, h in enumerate(hours) if i + 1 >= (1 - EDGE) * len(hours))
    for period in PERIODS:
        high = late // period * period
        early = next(h for i, h in enumerate(hours) if i + 1 >= EDGE * sum(h < high for h in hours))
        low = (early // period + 1) * period
        if sum(low <= h < high for h in hours) >= ENOUGH * len(hours):
            return low * HOUR_US, high * HOUR_US
    return min(times), max(times) + 1


TIMES = st.lists(st.integers(-3 * 24, 24 * 24), min_size=1, max_size=60)


@settings(deadline=None)
@given(TIMES, st.integers(1, 40), st.integers(0, HOUR_US - 1))
def test_the_period_equals_plain_python(hours: list[int], at_once: int, minute: int) -> None:
    times = [h * HOUR_US + minute for h in hours]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(settling, "EVENTS_AT_ONCE", at_once)
        assert settled_period(np.array(times)) == plain_period(times)
        assert settled_period(np.array(times[::-1])) == plain_period(times)


def even(days: float, n: int = 40_000) -> np.ndarray:
    return (np.arange(n) * (days * DAY / n)).astype(np.int64) + 5 * DAY + 20 * HOUR_US


@pytest.mark.parametrize(("days", "period"), [(28, 24), (12, 24), (4, 6), (1.2, 1)])
def test_longer_logs_settle_by_longer_periods(days: float, period: int) -> None:
    low, high = settled_period(even(days))
    assert low % (period * HOUR_US) == high % (period * HOUR_US) == 0
    assert high - low >= ENOUGH * days * DAY


def test_a_log_of_an_hour_is_settled_as_a_whole() -> None:
    times = even(1 / 24)
    assert settled_period(times) == (times[0], times[-1] + 1) and settled_period(times[:0]) == (0, 0)


def test_what_comes_and_goes_at_the_ends_settles_nothing() -> None:
    times = even(28)
    before = settled_period(times[: int(0.99 * len(times))])
    assert settled_period(times) == before, "a hundredth more, and no midnight with it"
    wrong = np.concatenate([times, [0, 2**55, 2**60]])
    assert settled_period(wrong) == before, "a few wrong clocks"
    assert settled_period(times[int(0.01 * len(times)) :]) == before, "a hundredth of it forgotten"
    assert settled_period(even(30, 42_857))[1] > before[1], "two days later"


def held(pairs: list[tuple[int, int]]) -> Holdings:
    actor, text = (np.array([p[i] for p in sorted(pairs)], np.int64) for i in (0, 1))
    return Holdings(actor, text, np.ones(len(actor), np.int64), np.full(len(actor), -1, np.int32))


PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 20)), unique=True, max_size=30)


@given(PAIRS, PAIRS)
def test_settled_texts_come_first(everything: list[tuple[int, int]], settled: list[tuple[int, int]]) -> None:
    every, known = {t for _, t in everything}, {t for _, t in settled}
    texts, n = in_layers(held(everything), held(settled))
    if len(known) >= len(every - known):
        assert (texts.tolist(), n) == ([*sorted(known), *sorted(every - known)], len(known))
    else:
        assert (texts.tolist(), n) == (sorted(every), len(every)), "too little is settled to stand for the rest"
