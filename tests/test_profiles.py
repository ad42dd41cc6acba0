"""Profiles: sums against a loop, additivity, and the personal trace against all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from fingerprint.profiles import Profiles, profile


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
