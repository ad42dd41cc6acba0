"""Bands: keys equal to the reference, recall along the S-curve, shapes that fit their threshold."""

from __future__ import annotations

import random

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.errors import ConfigError
from fingerprint.keys import Key
from fingerprint.lsh import band_keys, candidate_probability, choose_bands
from fingerprint.minhash import minhash
from fingerprint.sketch import sketch


def test_keys_equal_reference(key: Key) -> None:
    s = minhash(["first text to sign", "second text to sign", "x"], key=key, num_perm=64)
    for shape in [(1, 64), (64, 1), (21, 3), (12, 5)]:
        assert band_keys(s, *shape).tolist() == [reference.band_keys(row, *shape) for row in s.values.tolist()]


@pytest.mark.parametrize("threads", [1, 2])
def test_keys_of_the_same_pass_are_those_of_the_signatures(threads: int, isa: str, key: Key) -> None:
    texts = ["a longer text of several words, and numbers 1 2 3", "", "ab", "你好，世界，再见", *(f"text {i} of many" for i in range(5000))]
    for shape in [(21, 6), (1, 128), (128, 1), (5, 2)]:
        made = sketch(texts, key=key, bands=shape, threads=threads, isa=isa)
        assert made.band_keys is not None and np.array_equal(made.band_keys, band_keys(made.signatures, *shape))
    assert sketch(texts[:1], key=key).band_keys is None


@pytest.mark.parametrize("shape", [(0, 1), (1, 0), (129, 1), (43, 3), (-1, -1), (2**62, 4)])
def test_the_same_pass_refuses_bands_that_do_not_fit(shape: tuple[int, int], key: Key) -> None:
    with pytest.raises(ConfigError, match="fit"):
        sketch(["some text"], key=key, bands=shape)


def test_equal_values_in_two_bands_have_unequal_keys(key: Key) -> None:
    s = minhash(["some text"], key=key, num_perm=8)
    s.values[:] = 7
    assert len(set(band_keys(s, 4, 2)[0].tolist())) == 4


@settings(max_examples=40, deadline=None)
@given(threshold=st.floats(0.05, 1.0), num_perm=st.integers(1, 300))
def test_shape_fits_and_is_the_best(threshold: float, num_perm: int) -> None:
    num_bands, rows_per_band = choose_bands(threshold, num_perm)
    assert 1 <= num_bands * rows_per_band <= num_perm
    low, high = candidate_probability([threshold / 4, (3 + threshold) / 4], num_bands, rows_per_band)
    assert high >= low
    if num_perm >= 64 and threshold <= 0.9:
        assert high > 0.9


def test_probability_is_that_of_the_formula() -> None:
    assert candidate_probability(0.0, 20, 5) == 0 and candidate_probability(1.0, 20, 5) == 1
    assert candidate_probability([0.5, 0.8], 20, 5) == pytest.approx([1 - (1 - 0.5**5) ** 20, 1 - (1 - 0.8**5) ** 20])


def test_recall_follows_the_curve(key: Key) -> None:
    """Share of pairs that meet in a band, over pairs of known similarity, against the mean of the curve at those similarities."""
    rng = random.Random(3)
    alphabet = "abcdefghijklmnopqrstuvwxyz ,.0123456789"
    left, right = [], []
    for _ in range(1500):
        text = [rng.choice(alphabet) for _ in range(120)]
        cut = rng.randrange(0, 60)
        left.append("".join(text).strip())
        right.append("".join(text[: 120 - cut] + [rng.choice(alphabet) for _ in range(cut)]).strip())
    true = np.array([reference.jaccard(" ".join(a.split()), " ".join(b.split()), 5) for a, b in zip(left, right, strict=True)])
    for shape in [(25, 5), (21, 6), (12, 10)]:
        met = (band_keys(minhash(left, key=key), *shape) == band_keys(minhash(right, key=key), *shape)).any(1)
        chance = candidate_probability(true, *shape)
        assert abs(met.mean() - chance.mean()) <= 4 * np.sqrt((chance * (1 - chance)).sum()) / len(true) + 0.005


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (26, 5), (1, 129), (-1, 2)])
def test_bands_that_do_not_fit_are_refused(shape: tuple[int, int], key: Key) -> None:
    with pytest.raises(ConfigError, match="bands"):
        band_keys(minhash(["text"], key=key), *shape)


@pytest.mark.parametrize(("threshold", "num_perm"), [(0.0, 128), (1.01, 128), (float("nan"), 128), (0.5, 0), (0.5, 5000)])
def test_thresholds_out_of_range_are_refused(threshold: float, num_perm: int) -> None:
    with pytest.raises(ConfigError, match=r"threshold|num_perm"):
        choose_bands(threshold, num_perm)
