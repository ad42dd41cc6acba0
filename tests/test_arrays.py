"""Sorting and grouping of columns: equal to numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import _core
from fingerprint.arrays import by_group, distinct, first_spellings, hash_order


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.sampled_from([0, 1, 2, 50, 3000, 40_000]), kind=st.sampled_from(["even", "low bits", "high bits", "few", "equal"]))
def test_order_of_hashes(seed: int, n: int, kind: str) -> None:
    """Hashes that are even, that agree in all the bits a part is sorted by, that fall into one part, and that repeat."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, n, dtype=np.uint64)
    hashes = {"even": hashes, "low bits": hashes & np.uint64(0x3FF) | np.uint64(1 << 63), "high bits": hashes & ~np.uint64((1 << 50) - 1),
              "few": hashes % np.uint64(7), "equal": hashes * np.uint64(0)}[kind]
    assert np.array_equal(hash_order(hashes), np.argsort(hashes, kind="stable"))


def test_order_of_many_hashes() -> None:
    hashes = np.random.default_rng(1).integers(0, 2**64, 400_000, dtype=np.uint64)
    assert np.array_equal(hash_order(hashes), np.argsort(hashes))


def test_order_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="3"):
        _core.order_hashes(np.zeros(3, np.uint64), np.zeros(2, np.int32))


@given(values=st.lists(st.integers(0, 20), max_size=60))
def test_distinct_and_groups(values: list[int]) -> None:
    column = np.array(values, np.int32)
    assert distinct(column).tolist() == sorted(set(values))
    order, start = by_group(column, 3)
    assert order.tolist() == np.argsort(column, kind="stable").tolist()
    assert start.tolist() == [sum(v < group for v in values) for group in range(max([2, *values]) + 2)]


@given(texts=st.lists(st.tuples(st.sampled_from([0, 1, 5, 2**64 - 1]), st.integers(0, 3)), max_size=30))
def test_of_several_spellings_the_one_of_the_smallest_hash(texts: list[tuple[int, int]]) -> None:
    exact, spelling = (np.array([text[i] for text in texts], np.uint64) for i in (0, 1))
    first, number = first_spellings(exact, spelling)
    ascending = sorted({hashed for hashed, _ in texts})
    assert [texts[i] for i in first] == [min(text for text in texts if text[0] == hashed) for hashed in ascending]
    assert all(texts.index(texts[i]) == i for i in first) and number.tolist() == [ascending.index(hashed) for hashed, _ in texts]
