"""Duplication: counts of copies against sets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from fingerprint.duplication import Duplication, duplication

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 8), st.integers(1, 3), st.booleans()), min_size=1, max_size=40)


def run(rows: list[tuple[int, int, int, bool]]) -> Duplication:
    account, cluster, count, hollow = zip(*rows, strict=True) if rows else ((), (), (), ())
    return duplication(np.array(account, np.int64), np.array(cluster, np.int64), np.array(count, np.int64), np.array(hollow, bool))


def plain(rows: list[tuple[int, int, int, bool]]) -> tuple[dict[int, float], float, float, float]:
    held: dict[int, set[object]] = {}
    shallow = set()
    for i, (who, what, _, hollow) in enumerate(rows):
        name = what if what >= 0 else f"alone {i}"
        held.setdefault(who, set()).add(name)
        if hollow:
            shallow.add(name)
    others = {who: {name: sum(name in held[o] for o in held if o != who) for name in names} for who, names in held.items()}
    shared = {who: sum(n > 0 or name in shallow for name, n in counts.items()) / len(counts) for who, counts in others.items()}
    overlap = np.mean([np.mean(list(counts.values())) for counts in others.values()]) / max(len(held) - 1, 1)
    n_pairs = sum(len(names) for names in held.values())
    return shared, float(overlap), float(np.mean(list(shared.values()))), 1 - n_pairs / sum(r[2] for r in rows)


@settings(deadline=None, max_examples=200)
@given(ROWS)
def test_counts_equal_sets(rows: list[tuple[int, int, int, bool]]) -> None:
    found, (shared, overlap, shared_mean, repetition) = run(rows), plain(rows)
    assert found.account.tolist() == sorted(shared)
    assert np.allclose(found.shared, [shared[a] for a in sorted(shared)])
    assert found.overlap == pytest.approx(overlap) and found.shared_mean == pytest.approx(shared_mean)
    assert found.repetition == pytest.approx(repetition, abs=1e-12)


def test_full_copies_and_a_list_shared_out() -> None:
    copies = run([(a, c, 1, False) for a in range(5) for c in range(10)])
    assert copies.shared.tolist() == [1.0] * 5 and copies.overlap == 1.0 and copies.repetition == 0.0
    out = run([(a, 10 * a + c, 1, False) for a in range(5) for c in range(10)])
    assert out.shared.tolist() == [0.0] * 5 and out.overlap == 0.0 and out.shared_mean == 0.0


def test_hollow_texts_are_copies_though_nobody_else_holds_them() -> None:
    found = run([(0, 0, 1, True), (0, 1, 1, False), (1, -1, 1, True), (2, -1, 1, False)])
    assert found.shared.tolist() == [0.5, 1.0, 0.0] and found.overlap == 0.0


def test_repetition_counts_prompts_and_near_duplicates() -> None:
    assert run([(0, 0, 4, False), (1, 1, 1, False)]).repetition == pytest.approx(0.6)
    assert run([(0, 0, 1, False), (0, 0, 1, False), (1, 0, 1, False)]).repetition == pytest.approx(1 / 3), "two near-duplicates of one account"
    assert run([(0, -1, 1, False), (0, -1, 1, False)]).repetition == 0.0, "what has no cluster equals nothing"


def test_nothing() -> None:
    found = run([])
    assert len(found.account) == len(found.shared) == 0 and (found.overlap, found.shared_mean, found.repetition) == (0.0, 0.0, 0.0)


def draws(rng: np.random.Generator, n_accounts: int, n_draws: int, weight: np.ndarray) -> Duplication:
    rows = [(a, int(c), 1, False) for a in range(n_accounts) for c in rng.choice(len(weight), n_draws, replace=False, p=weight / weight.sum())]
    return run(rows)


@pytest.mark.parametrize("seed", range(5))
def test_random_draws_from_one_set_are_told_from_favourites_and_full_copies(seed: int) -> None:
    rng = np.random.default_rng(seed)
    even = draws(rng, 50, 45, np.ones(1500))
    assert even.shared_mean > 0.5 and even.drawn
    assert not draws(rng, 60, 12, 1 / np.arange(1, 201)).drawn, "a prompt library with favourites"
    assert not draws(rng, 20, 12, np.ones(12)).drawn, "everybody holds all of it"
    assert not draws(rng, 12, 4, np.ones(40)).drawn, "too little to say"


@settings(deadline=None, max_examples=200)
@given(ROWS)
def test_dispersion_leaves_whole_accounts_out(rows: list[tuple[int, int, int, bool]]) -> None:
    held = {(who, what if what >= 0 else ("alone", i)) for i, (who, what, _, _) in enumerate(rows)}

    def ratio(pairs: set[tuple[int, object]]) -> tuple[float, float]:
        times = np.unique([str(what) for _, what in pairs], return_counts=True)[1].astype(float) if pairs else np.zeros(0)
        one, two, three = times.sum(), (times * (times - 1)).sum(), (times * (times - 1) * (times - 2)).sum()
        return one * three / max(two, 1e-9) ** 2, three

    estimate, three = ratio(held)
    accounts = sorted({who for who, _ in held})
    if three == 0 or len(accounts) < 4:
        assert run(rows).dispersion == float("inf")
        return
    left = np.array([ratio({p for p in held if p[0] != who})[0] for who in accounts])
    error = np.sqrt((len(left) - 1) / len(left) * ((left - left.mean()) ** 2).sum())
    assert run(rows).dispersion == pytest.approx(estimate + student.ppf(0.95, len(left) - 1) * error, rel=1e-6)
