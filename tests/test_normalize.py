"""Normalisation: equal to the reference, indifferent to disguise, bounded on hostile input."""

from __future__ import annotations

import time
import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import _core
from fingerprint.keys import Key
from fingerprint.minhash import normalize
from fingerprint.sketch import FLAG_EXPANSION, FLAG_INVALID, FLAG_MARKS, sketch

MIXED = st.text(st.one_of(st.sampled_from(reference.ALPHABET), st.sampled_from("abcXYZ  \n\t\0\x01\u0301\u0323\u200b")), max_size=150)


def normalize_bytes(rows: list[bytes], isa: str | None = None) -> list[bytes]:
    """Normalise any bytes, valid or not, past Arrow's own checks."""
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    out = np.empty(len(rows) + 1, np.int64)
    data = _core.normalize_rows(np.frombuffer(b"".join(rows), np.uint8), offsets, None, 0, out, isa=isa)
    return [data[a:b] for a, b in pairwise(out.tolist())]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(MIXED, min_size=1, max_size=8))
def test_equals_reference_on_every_isa(texts: list[str]) -> None:
    expected = [reference.normalize(text) for text in texts]
    for isa in _core.supported_isas():
        assert normalize(texts, isa=isa) == [text for text, _ in expected]
        assert sketch(texts, key=Key(bytes(16)), isa=isa).n_invisible.tolist() == [n for _, n in expected]


def test_every_mapped_code_point_equals_reference(isa: str) -> None:
    texts = [f"e{chr(cp)}\u0301" for cp in [*range(0xD800), *range(0xE000, 0x20000), *range(0x2F800, 0x2FA20)] if reference.is_stable(chr(cp))]
    assert len(texts) > 50_000
    assert normalize(texts, isa=isa) == [reference.normalize(text)[0] for text in texts]


@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="the tables hold Unicode 14, this interpreter another version")
def test_code_points_newer_than_unicode_3_2() -> None:
    texts = [chr(cp) for cp in [*range(0x3400), *range(0xA000, 0xAC00), *range(0xD7A4, 0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1100)]]
    assert normalize(texts) == [reference.normalize(text)[0] for text in texts]


@settings(max_examples=60, deadline=None)
@given(text=MIXED)
def test_idempotent_and_canonical(text: str) -> None:
    forms = [text, reference.normalize(text)[0], *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))]
    s = sketch(forms, key=Key(bytes(16)))
    if not s.flags.any():  # a bound that was met depends on how the text was written
        assert len(set(normalize(forms))) == 1 and len(set(s.exact.tolist())) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \t\r\n\u3000\u00a0 ", ""),
        ("\u200b\u200d\ufeff", ""),
        ("  Tell\u00a0me\r\n\r\n a  JOKE ", "tell me a joke"),
        ("ＡＢＣ①ﬁ", "abc1fi"),
        ("Straße ẞ ŉ İ", "strasse ss ʼn i̇"),
        ("a\0b", "a\0b"),
        ("a\x01\x7f\x85b", "a b"),
        ("ig\u00adno\u2060re \u202eall\u202c p\U000e0061rior", "ignore all prior"),
        ("a\u0301\u200b\u0323", "a\u0323\u0301"),
        ("a\u0301\x01\u0323", "a\u0323\u0301"),
        ("\u1fb4 \u1fb3\u0301", "α\u0301ι α\u0301ι"),
        ("한", "\u1112\u1161\u11ab"),
        ("नमस्ते ภาษาไทย مَرْحَبًا", unicodedata.normalize("NFKD", "नमस्ते ภาษาไทย مَرْحَبًا")),
        ("\u0301\u0301a", "\u0301\u0301a"),
        ("\u00b4x", "\u0301x"),
        ("❤\ufe0f 👩\u200d🚀", "❤ 👩🚀"),
    ],
)
def test_examples(isa: str, text: str, expected: str) -> None:
    assert normalize([text], isa=isa) == [expected]
    assert reference.normalize(text)[0] == expected


def test_plain_ascii_at_every_length_and_alignment(isa: str) -> None:
    base = "The QUICK brown\tfox, {jumps} @ 100% [over] `the` lazy~dog | "
    texts = [(base * 4)[start : start + n] for n in range(140) for start in (0, 3)]
    for lead in range(3):
        assert normalize(["x" * lead, *texts], isa=isa)[1:] == [reference.normalize(text)[0] for text in texts]


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(st.one_of(st.binary(max_size=90), st.text(max_size=30).map(lambda t: t.encode("utf-8", "surrogatepass"))), max_size=6))
def test_any_bytes_are_read_as_cpython_reads_them(rows: list[bytes]) -> None:
    expected = normalize_bytes([row.decode("utf-8", "replace").encode() for row in rows])
    for isa in _core.supported_isas():
        assert normalize_bytes(rows, isa) == expected


def test_invalid_bytes_are_flagged(key: Key) -> None:
    rows = [b"plain", b"bad \xff byte", b"\xed\xa0\x80", b"cut \xe4\xbd", "fine é".encode()]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    flags = np.empty(len(rows), np.uint8)
    _core.sketch_rows(key.material, np.frombuffer(b"".join(rows), np.uint8), offsets, None, 0, 16, 5, flags=flags)
    assert flags.tolist() == [0, FLAG_INVALID, FLAG_INVALID, FLAG_INVALID, 0]
    assert normalize_bytes(rows)[1].decode() == "bad \ufffd byte"


def test_lone_surrogates_become_replacement_characters(key: Key) -> None:
    assert normalize(["a\ud800b", "\udfff", "plain"]) == ["a\ufffdb", "\ufffd", "plain"]


def test_marks_are_bounded(isa: str, key: Key) -> None:
    text = "a" + "\u0301\u0323" * 100 + "b"
    assert normalize([text], isa=isa) == ["a" + "\u0323" * 15 + "\u0301" * 15 + "b"] == [reference.normalize(text)[0]]
    assert sketch([text, "a\u0301"], key=key, isa=isa).flags.tolist() == [FLAG_MARKS, 0]


HOSTILE = ["\u0301\u0323", "a\u0301\u0323", "\ufdfa", "\u200b", " ", "\u3316", "\u1f82", "\u0345", "가", "\u00a8", "\0", "\n\r", "\u0344"]


@pytest.mark.parametrize("unit", HOSTILE)
def test_work_is_linear(unit: str) -> None:
    def best(n: int) -> float:
        texts, times = pa.array([unit * n], pa.large_string()), []
        for _ in range(5):
            start = time.perf_counter()
            normalize(texts)
            times.append(time.perf_counter() - start)
        return min(times)

    small, large = best(32_000), best(128_000)
    assert large < 4 * 3 * small + 0.01, (small, large)  # four times the input; quadratic work would take sixteen times as long
    assert large < 0.25


def test_expansion_is_bounded_and_nothing_is_lost(isa: str, key: Key) -> None:
    text = "\ufdfa" * 20_000
    (flooded,) = normalize([text], isa=isa)
    assert len(flooded.encode()) <= 4 * len(text.encode()) + 64
    assert flooded == reference.normalize(text)[0]
    s = sketch([text, text + "x", text + "y", "\ufdfa in a sentence of usual length"], key=key, isa=isa)
    assert s.flags.tolist() == [FLAG_EXPANSION] * 3 + [0]
    assert len(set(s.exact.tolist())) == 4


def test_invisible_noise_changes_nothing_but_the_count(isa: str, key: Key) -> None:
    text = "Explain step by step how photosynthesis works in C4 plants."
    noise = "\u200b\u2060\ufe0f\U000e0041\u202e\u00ad\u034f\u200d"
    noisy = "".join(c + noise[i % len(noise)] for i, c in enumerate(text))
    a, b = sketch([text], key=key, isa=isa), sketch([noisy], key=key, isa=isa)
    assert np.array_equal(a.signatures.values, b.signatures.values) and a.exact[0] == b.exact[0]
    assert (a.n_invisible[0], b.n_invisible[0]) == (0, len(text))


def test_scripts_keep_their_marks(key: Key) -> None:
    pairs = [("कल", "काल"), ("ما", "مَا"), ("ใกล้", "ไกล"), ("pate", "pâté"), ("ко", "кой")]
    for a, b in pairs:
        s = sketch([a, b], key=key)
        assert s.exact[0] != s.exact[1]
