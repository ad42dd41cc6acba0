"""Traffic: holdings and the evidence sample against plain Python, declared actors, the shuffle of labels."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import traffic
from fingerprint.traffic import HOUR_US, LEAST_SAMPLE, Holdings, declared_actors, first_events, hold, shuffle_within_hours

EVENTS = st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 29)), max_size=120)
HASHES = st.lists(st.integers(0, 2**64 - 1), min_size=30, max_size=30, unique=True)


def arrays(events: list[tuple[int, int]], hashes: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array([a for a, _ in events], np.int64), np.array([t for _, t in events], np.int64), np.array(hashes, np.uint64)


def plain_hold(events: list[tuple[int, int]], hashes: list[int], sample: int, budget: int, eligible: set[int]) -> list[tuple[int, int, int]]:
    times = Counter(e for e in events if e[1] >= 0)
    texts: dict[int, list[int]] = {}
    for who, what in times:
        texts.setdefault(who, []).append(what)
    sizes = [len(t) for t in texts.values()]
    limit = sample
    while limit > min(LEAST_SAMPLE, sample) and sum(min(n, limit) for n in sizes) > budget:
        limit -= 1
    chosen = {(who, what) for who, held in texts.items() for what in sorted(set(held) & eligible, key=lambda t: hashes[t])[:limit]}
    return [(who, what, times[who, what]) for who, what in sorted(chosen)]


def rows(found: Holdings) -> list[tuple[int, int, int]]:
    return list(zip(found.actor.tolist(), found.text.tolist(), found.count.tolist(), strict=True))


@settings(deadline=None)
@given(EVENTS, HASHES, st.integers(1, 20), st.integers(1, 130))
def test_hold_equals_plain_python(events: list[tuple[int, int]], hashes: list[int], sample: int, budget: int) -> None:
    assert rows(hold(*arrays(events, hashes), sample, budget)) == plain_hold(events, hashes, sample, budget, set(range(30)))


@settings(deadline=None)
@given(EVENTS, HASHES, st.integers(1, 20), st.integers(1, 130), st.lists(st.integers(-1, 4), min_size=120, max_size=120), st.integers(1, 40))
def test_holding_in_blocks_changes_nothing(events: list[tuple[int, int]], hashes: list[int], sample: int, budget: int, systems: list[int],
                                           at_once: int) -> None:
    system = np.array(systems[: len(events)], np.int32)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(traffic, "EVENTS_AT_ONCE", at_once)
        found = hold(*arrays(events, hashes), sample, budget, system=system)
    assert rows(found) == plain_hold(events, hashes, sample, budget, set(range(30)))
    named = [[s for e, s in zip(events, system.tolist(), strict=True) if e == (who, what) and s >= 0] for who, what, _ in rows(found)]
    assert found.system.tolist() == [min(some, default=-1) for some in named]


@settings(deadline=None)
@given(EVENTS, HASHES, st.integers(1, 20), st.sets(st.integers(0, 29)))
def test_only_eligible_texts_are_sampled(events: list[tuple[int, int]], hashes: list[int], sample: int, eligible: set[int]) -> None:
    mask = np.isin(np.arange(30), list(eligible))
    assert rows(hold(*arrays(events, hashes), sample, 10_000, mask)) == plain_hold(events, hashes, sample, 10_000, eligible)


@settings(deadline=None)
@given(EVENTS, HASHES, st.integers(1, 12), st.integers(0, 119))
def test_samples_of_two_shards_merge(events: list[tuple[int, int]], hashes: list[int], sample: int, cut: int) -> None:
    """A bottom-k sketch: the sample of everything is the sample of the union of the shards' samples."""
    kept = []
    for shard in (events[:cut], events[cut:]):
        part = hold(*arrays(shard, hashes), sample, 10_000)
        kept += list(zip(part.actor.tolist(), part.text.tolist(), strict=True))
    merged, whole = hold(*arrays(kept, hashes), sample, 10_000), hold(*arrays(events, hashes), sample, 10_000)
    assert {r[:2] for r in rows(merged)} == {r[:2] for r in rows(whole)}


def test_the_budget_lowers_the_limit_of_every_actor_alike() -> None:
    rng = np.random.default_rng(0)
    size = np.array([100, 60, 30, 12, 3])
    actor = np.repeat(np.arange(5), size)
    text = np.arange(len(actor))
    exact = rng.integers(0, 2**63, len(actor)).astype(np.uint64)
    found = hold(actor, text, exact, 64, 120)
    kept = np.bincount(found.actor, minlength=5)
    limit = kept[:3].max()
    assert kept.tolist() == np.minimum(size, limit).tolist() and kept.sum() <= 120
    assert np.minimum(size, limit + 1).sum() > 120, "a larger limit would have fitted"


def test_a_budget_that_is_just_enough() -> None:
    actor, exact = np.repeat(np.arange(4), 30), np.arange(120).astype(np.uint64)
    assert [len(hold(actor, np.arange(120), exact, 20, budget).text) for budget in (80, 79, 60, 59)] == [80, 76, 60, 56]


def test_the_budget_never_lowers_the_limit_below_the_least_sample() -> None:
    actor = np.repeat(np.arange(50), 40)
    found = hold(actor, np.arange(2000), np.arange(2000).astype(np.uint64), 128, 10)
    assert np.bincount(found.actor).tolist() == [LEAST_SAMPLE] * 50
    few = hold(actor, np.arange(2000), np.arange(2000).astype(np.uint64), 3, 10)
    assert np.bincount(few.actor).tolist() == [3] * 50


def test_accounts_that_hold_the_same_texts_sample_the_same() -> None:
    exact = np.random.default_rng(1).integers(0, 2**63, 100).astype(np.uint64)
    found = hold(np.repeat([0, 1], 100), np.tile(np.arange(100), 2), exact, 16, 10_000)
    first, second = (found.text[found.actor == a].tolist() for a in (0, 1))
    assert first == second == sorted(np.argsort(exact)[:16].tolist())


def test_no_events() -> None:
    none = np.zeros(0, np.int64)
    assert rows(hold(none, none, np.zeros(0, np.uint64), 8, 8)) == []
    assert rows(hold(np.zeros(2, np.int64), np.full(2, -1), np.zeros(0, np.uint64), 8, 8)) == []


def test_accounts_of_one_organisation_are_one_actor() -> None:
    account = np.array([0, 1, 2, 3, 1, 4, 4, 6, 6])
    org = np.array([7, -1, -1, 7, 7, 7, 9, 9, 7])
    time = np.array([5, 0, 5, 5, 5, 9, 8, 3, 3])
    for rows in (np.arange(9), np.arange(9)[::-1]):
        actor = declared_actors(account[rows], 7, org[rows], time[rows])
        assert actor[0] == actor[1] == actor[3], "0, 1 and 3 name organisation 7"
        assert actor[4] not in (actor[0], actor[2]), "the organisation that an account names earliest counts"
        assert actor[6] == actor[0], "of those of one time the smallest counts"
        assert actor.tolist() == [0, 0, 2, 0, 1, 3, 0], "organisations first, each in the order of their numbers"


@pytest.mark.parametrize("n", [0, 1, 5])
def test_without_organisations_every_account_is_an_actor(n: int) -> None:
    assert declared_actors(np.arange(n), n, np.full(n, -1), np.zeros(n, np.int64)).tolist() == list(range(n))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 3), st.integers(-2, 2)), max_size=40), st.integers(1, 9))
def test_the_earliest_event_of_each_text(events: list[tuple[int, int, int]], at_once: int) -> None:
    text, account, time = (np.array([e[i] for e in events], np.int64) for i in range(3))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(traffic, "EVENTS_AT_ONCE", at_once)
        found = first_events(account, time, text, int(text.max(initial=-1)) + 1)
    for of, row in enumerate(found.tolist()):
        those = [i for i, e in enumerate(events) if e[0] == of]
        if those:
            assert row == min(those, key=lambda i: (events[i][2], events[i][1], i))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 3), st.integers(0, HOUR_US - 1)), max_size=60), st.integers(0, 5))
def test_the_shuffle_keeps_the_labels_of_each_hour(events: list[tuple[int, int, int]], seed: int) -> None:
    account = np.array([e[0] for e in events], np.int64)
    time = np.array([e[1] * HOUR_US + e[2] for e in events], np.int64)
    shuffled = shuffle_within_hours(account, time, seed)
    for hour in {e[1] for e in events}:
        inside = time // HOUR_US == hour
        assert Counter(shuffled[inside].tolist()) == Counter(account[inside].tolist())
    assert (shuffled == shuffle_within_hours(account, time, seed)).all()


def test_the_shuffle_is_a_shuffle() -> None:
    account = np.repeat(np.arange(50), 40)
    time = np.arange(2000) * HOUR_US // 500
    shuffled = shuffle_within_hours(account, time, 0)
    assert (shuffled == account).mean() < 0.2
    assert (shuffled != shuffle_within_hours(account, time, 1)).mean() > 0.5


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 3), st.integers(0, 4), st.integers(-1, 1)), max_size=60), st.randoms(use_true_random=False))
def test_the_shuffle_does_not_depend_on_the_order_of_events(events: list[tuple[int, int, int, int]], rng: Any) -> None:
    found = []
    for _ in range(2):
        account, hour, text, system = (np.array([e[i] for e in events], np.int64) for i in range(4))
        found.append(Counter(zip(shuffle_within_hours(account, hour * HOUR_US, 0, text, system).tolist(), hour.tolist(), text.tolist(), system.tolist(),
                                 strict=True)))
        rng.shuffle(events)
    assert found[0] == found[1]
