"""Profiles: sums against a loop, additivity, and the personal trace against all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from fingerprint.profiles import Profiles, personal_trace, profile


def unit(rng: np.random.Generator, n: int, dim: int = 12) -> np.ndarray:
    v = rng.standard_normal((n, dim))
    return (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)


def draw(seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return unit(rng, 50), rng.integers(0, 50, n), rng.integers(0, 9, n), rng.integers(0, 2, n)


@pytest.mark.parametrize("seed", range(3))
def test_profile_equals_a_loop(seed: int) -> None:
    vectors, point, account, half = draw(seed)
    counts, sums = np.zeros((11, 2), np.int64), np.zeros((11, 2, 12))
    for p, a, h in zip(point, account, half, strict=True):
        counts[a, h] += 1
        sums[a, h] += vectors[p]
    found = profile(vectors, point, account, half, 11)
    assert (found.counts == counts).all() and np.allclose(found.sums, sums, atol=1e-5)
    assert found.counts[9:].sum() == 0 and not found.sums[9:].any(), "accounts without prompts"


def test_shards_add_up_and_an_account_can_be_taken_out() -> None:
    vectors, point, account, half = draw(3)

    def part(rows: np.ndarray) -> Profiles:
        return profile(vectors, point[rows], account[rows], half[rows], 9)

    whole, first, second = (part(rows) for rows in (np.arange(300), np.arange(120), np.arange(120, 300)))
    joined = first + second
    assert (joined.counts == whole.counts).all() and np.allclose(joined.sums, whole.sums, atol=1e-5)
    erased, without = whole - part(np.flatnonzero(account == 4)), part(np.flatnonzero(account != 4))
    assert (erased.counts == without.counts).all() and np.allclose(erased.sums, without.sums, atol=1e-5)


def test_halves() -> None:
    found = profile(*draw(4), 9)
    n, total = found.half(None)
    pieces = [found.half(0), found.half(1)]
    assert (n == pieces[0][0] + pieces[1][0]).all() and np.allclose(total, pieces[0][1] + pieces[1][1])
    assert (pieces[0][0] == found.counts[:, 0]).all() and (pieces[1][1] == found.sums[:, 1]).all()
    assert not (pieces[0][0] == pieces[1][0]).all() and n.dtype == np.float64


@pytest.mark.parametrize("min_prompts", [2, 4, 30])
def test_personal_trace_against_all_pairs(min_prompts: int) -> None:
    rng = np.random.default_rng(5)
    account = rng.permutation(np.repeat(np.arange(12), rng.integers(1, 40, 12)))
    offsets = unit(rng, 12)
    vectors = unit(rng, len(account)) * 0.8 + offsets[account] * 0.6
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    similarity = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    within = []
    for a in range(12):
        rows = np.flatnonzero(account == a)
        if len(rows) >= min_prompts:
            within.append(np.mean([similarity[i, j] for i in rows for j in rows if i != j]))
    cross = similarity[account[:, None] != account[None, :]].mean()
    found = personal_trace(profile(vectors, np.arange(len(account)), account, rng.integers(0, 2, len(account)), 12), min_prompts)
    assert found == pytest.approx(np.median(within) - cross, abs=1e-5) and found > 0.1


def test_no_trace_where_there_are_no_people() -> None:
    rng = np.random.default_rng(6)
    vectors = unit(rng, 4000)
    account = rng.integers(0, 100, 4000)
    assert personal_trace(profile(vectors, np.arange(4000), account, np.zeros(4000, np.int64), 100)) < 0.005
    assert personal_trace(profile(vectors[:3], np.arange(3), np.zeros(3, np.int64), np.zeros(3, np.int64), 4)) == 0.0
    none = np.zeros(0, np.int64)
    assert personal_trace(profile(vectors[:0], none, none, none, 4)) == 0.0


def test_a_campaign_does_not_set_the_trace() -> None:
    """40 % of the accounts share one source without personal offsets: the median still is that of people."""
    rng = np.random.default_rng(7)
    account = np.repeat(np.arange(100), 30)
    offsets = unit(rng, 100, 64)
    offsets[60:] = 0
    vectors = unit(rng, 3000, 64) + 0.5 * offsets[account]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    half = np.zeros(3000, np.int64)
    everybody = personal_trace(profile(vectors, np.arange(3000), account, half, 100))
    people = personal_trace(profile(vectors[:1800], np.arange(1800), account[:1800], half[:1800], 60))
    assert people > 0.15 and everybody > 0.8 * people
