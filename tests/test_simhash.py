"""SimHash: equal to the reference, a metric, and silent on texts too short for it."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import _core
from fingerprint.errors import ConfigError, IncompatibleSignatures
from fingerprint.keys import Key
from fingerprint.simhash import Fingerprints, hamming, simhash

MATERIAL = bytes(range(16))


def of(values: list[int]) -> Fingerprints:
    return Fingerprints(np.array(values, np.uint64), np.ones(len(values), np.int32), "test", "")


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from("abcd é你"), max_size=60), min_size=1, max_size=5), ngram=st.integers(1, 9))
def test_equals_reference_on_every_isa(texts: list[str], ngram: int) -> None:
    expected = [reference.fingerprint(reference.shingle_hashes(MATERIAL, reference.normalize(text)[0], ngram)) for text in texts]
    for isa in _core.supported_isas():
        assert simhash(texts, key=Key(MATERIAL), ngram=ngram, isa=isa).values.tolist() == expected


@pytest.mark.parametrize("n", [254, 255, 256, 511, 513, 4000, 70_000])
def test_counters_are_emptied_before_they_overflow(isa: str, n: int) -> None:
    (h,) = reference.shingle_hashes(MATERIAL, "aaaaa", 5)
    assert simhash(["a" * (n + 4)], key=Key(MATERIAL), isa=isa).values.tolist() == [h]


def test_a_tie_is_no_majority(isa: str) -> None:
    text = "abcdef"
    x, y = reference.shingle_hashes(MATERIAL, text, 5)
    assert simhash([text], key=Key(MATERIAL), isa=isa).values.tolist() == [x & y]


@settings(max_examples=100, deadline=None)
@given(a=st.integers(0, 2**64 - 1), b=st.integers(0, 2**64 - 1), c=st.integers(0, 2**64 - 1))
def test_hamming_is_a_metric(a: int, b: int, c: int) -> None:
    ab, ba, bc, ac, aa = hamming(of([a, b, b, a, a]), of([b, a, c, c, a])).tolist()
    assert ab == ba == (a ^ b).bit_count() and aa == 0 and ac <= ab + bc


def test_near_texts_are_near_and_others_are_not(key: Key) -> None:
    text = "please explain in simple words how a transformer model pays attention to the tokens of a long prompt"
    other = "the recipe for grandmother's plum cake needs eggs, butter, flour and a very patient cook on sundays"
    f = simhash([text, text + "!", other], key=key)
    near, far = hamming(f[[0, 0]], f[[1, 2]]).tolist()
    assert near <= 8 and far >= 18


def test_short_texts_are_near_to_nothing(key: Key) -> None:
    f = simhash(["", "abcd", None, "abcde"], key=key)
    assert f.n_shingles.tolist() == [0, 0, 0, 1] and f.values[:3].tolist() == [0, 0, 0]
    assert hamming(f, f).tolist() == [64, 64, 64, 0]


def test_mixing_is_refused(key: Key) -> None:
    a = simhash(["some text"], key=key)
    with pytest.raises(IncompatibleSignatures, match="ngram=5:simhash=64"):
        hamming(a, simhash(["some text"], key=key, ngram=6))
    with pytest.raises(IncompatibleSignatures):
        hamming(a, simhash(["some text"], key=Key(bytes(16))))
    with pytest.raises(ConfigError, match="ngram"):
        simhash(["some text"], key=key, ngram=0)
    with pytest.raises(ValueError, match="2 rows"):
        hamming(a, simhash(["some text"] * 2, key=key))
