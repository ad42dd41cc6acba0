"""Words: keyed hashes and places, against a plain reference."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import siphash

from fingerprint import _core
from fingerprint.keys import Key
from fingerprint.words import split_words

PLAIN = st.text(alphabet="abcXYZ019 ,.!?\n\t_-()", max_size=60)


def plain_words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]", text)


@settings(deadline=None)
@given(st.lists(PLAIN, max_size=8))
def test_ascii_words_equal_a_regular_expression(texts: list[str]) -> None:
    key = Key(bytes(range(16)))
    words = split_words(texts, key)
    assert len(words) == len(texts)
    for i, text in enumerate(texts):
        span = slice(words.offsets[i], words.offsets[i + 1])
        found = [words.text(a, b) for a, b in zip(words.starts[span].tolist(), words.ends[span].tolist(), strict=True)]
        assert found == plain_words(text)
        assert words.hashes[span].tolist() == [siphash(key.material, w.lower().encode(), 1, 3) for w in found]


@settings(deadline=None)
@given(st.lists(st.text(max_size=80), max_size=6))
def test_places_are_in_order_and_inside_their_text(texts: list[str]) -> None:
    words = split_words(texts, Key(bytes(16)))
    rows = words.rows
    assert (words.starts <= words.ends).all()
    assert (words.starts >= words.text_offsets[rows]).all() and (words.ends <= words.text_offsets[rows + 1]).all()
    same = np.diff(rows) == 0
    assert (words.starts[1:][same] >= words.ends[:-1][same]).all()


def test_case_and_accents_do_not_matter_and_the_key_does() -> None:
    one = split_words(["Écoute, CAFÉ", "ecoute, cafe"], Key(bytes(16)))
    assert one.hashes[:3].tolist() == one.hashes[3:].tolist()
    other = split_words(["Écoute, CAFÉ"], Key(bytes(range(16))))
    assert not set(one.hashes.tolist()) & set(other.hashes.tolist())


def test_ideographs_stand_alone() -> None:
    words = split_words(["你好 world"], Key(bytes(16)))
    assert [words.text(a, b) for a, b in zip(words.starts.tolist(), words.ends.tolist(), strict=True)] == ["你", "好", "world"]


@pytest.mark.parametrize("n", [_core.MAX_WORDS // 2, _core.MAX_WORDS - 1, _core.MAX_WORDS, _core.MAX_WORDS + 1, 40_000])
def test_a_long_text_gives_both_ends(n: int) -> None:
    text = " ".join(map(str, range(n)))
    words = split_words([text, "x"], Key(bytes(16)))
    kept = min(n, _core.MAX_WORDS)
    assert np.diff(words.offsets).tolist() == [kept, 1]
    half = _core.MAX_WORDS // 2
    wanted = [*range(min(n, half)), *range(max(n - half, half), n)]
    assert [int(words.text(a, b)) for a, b in zip(words.starts[:-1].tolist(), words.ends[:-1].tolist(), strict=True)] == wanted


def test_a_megabyte_without_a_space_is_bounded() -> None:
    words = split_words(["a" * 1_000_000, "\u0301" * 300_000, ""], Key(bytes(16)))
    assert np.diff(words.offsets).tolist()[0] in (1, 2) and np.diff(words.offsets).tolist()[2] == 0


def test_no_text_has_no_words() -> None:
    words = split_words([], Key(bytes(16)))
    assert len(words) == 0 and len(words.hashes) == 0
