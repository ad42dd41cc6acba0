"""Word pieces: the ids of the `tokenizers` library, whatever the text, and an answer for bytes that are no text."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")

import reference  # noqa: E402
import reference_static  # noqa: E402

from fingerprint import _core  # noqa: E402
from fingerprint.encoders.static import TABLE, StaticEncoder  # noqa: E402

#: How many varied texts to compare; 100000 take some twenty seconds.
N_TEXTS = int(os.environ.get("FINGERPRINT_TEST_TEXTS", "20000"))
HEADER = Path(__file__).parents[1] / "src" / "_core" / "fp_wordpiece_tables.h"
ARRAYS = reference_static.load_arrays(resources.files("fingerprint.encoders").joinpath("data", TABLE).read_bytes())
TOKENIZER = reference_static.tokenizer_of(ARRAYS["vocabulary"].tobytes())
ENCODER = StaticEncoder()
PIECES = sorted(reference_static.Reference(ARRAYS).row_of)
#: Scripts and kinds that a text may be made of.
SOUP = {
    "ascii": [chr(c) for c in range(1, 128)],
    "latin": [chr(c) for c in range(0xA0, 0x250)],
    "greek and cyrillic": [chr(c) for c in range(0x370, 0x530)],
    "arabic and indic": [chr(c) for c in range(0x600, 0xE80)],
    "han": [chr(c) for c in range(0x4E00, 0x9FA6, 37)] + ["\uf900", "\ufa0e", "\U00020000", "\U0002f800", "\u3400"],
    "kana and hangul": [chr(c) for c in [*range(0x3041, 0x3100), *range(0xAC00, 0xD7A4, 91), *range(0x1100, 0x1200, 7)]],
    "marks": [*"\u0301\u0323\u0345\u0315\u0f39\u3099\u0bbe\u302e\u20dd\u0489\ufe20"],
    "controls": [*"\0\x01\t\n\r\x0b\x0c\x7f\x85\u200b\u200d\u2060\ufeff\ufffd\u00ad\u202e\u2028\u3000\u00a0\ue000"],
    "emoji": ["😀", "👩\u200d🚀", "❤\ufe0f", "🏳\ufe0f\u200d🌈", "🇩🇪", "1\ufe0f\u20e3"],
    "punctuation": [*"。，、！？「」…—–‘’“”«»¿¡§¶†•′☂$+<=>^`|~"],
    "mathematics": [*"ﬁ①½ℌ™²µΩÅ\U0001d400İßŉǅſẞᾳ"],
}
CHARACTERS = [c for kind in SOUP.values() for c in kind]


def expected_ids(texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in TOKENIZER.encode_batch(texts, add_special_tokens=False)]


def check(texts: list[str]) -> None:
    for text, expected in zip(texts, expected_ids(texts), strict=True):
        assert ENCODER.piece_ids(text).tolist() == expected, ascii(text[:300])


def ids_of_bytes(raw: bytes) -> list[int]:
    table = _core.StaticTable(
        ARRAYS["vocabulary"], ARRAYS["rows"], ARRAYS["weights"], ARRAYS["amplitudes"], 1, ARRAYS["ideographs"], ARRAYS["ideograph_shares"]
    )
    return np.frombuffer(table.piece_ids(raw, reference_static.UNKNOWN), np.uint32).tolist()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\r\n\u3000",
        "\u200b\u0301\ufeff",
        "Tell me a joke about distillation, please!",
        "don't split-this_word @user #tag $5.00 50% C++ f(x)=[1,2]",
        "Ünïcödé naïve café Straße İstanbul ŒUVRE",
        "e\u0301a\u0300 o\u0308\u0323 \u0301leading",
        "你好，世界。Hello世界hello",
        "\uf900\u3400\U00020000\U0002f800\u2f00",
        "日本語のテキストとカタカナ ガギグ が",
        "한국어 문장입니다 \u1112\u1161\u11ab",
        "مرحبا بالعالم مَرْحَبًا",
        "नमस्ते दुनिया ภาษาไทย",
        "Привет, мир! Ёлка й",
        "😀👩\u200d🚀❤\ufe0f a😀b 🇩🇪",
        "a\0b\x01c\x7fd\x85e\ufffdf",
        "word" * 24 + "word" + " " + "word" * 25 + "s",
        "é" * 100 + " " + "é" * 101,
        "한" * 33 + " " + "한" * 34,
        "[CLS] [UNK] [unused1] ##ing # ##",
    ],
)
def test_examples(text: str) -> None:
    check([text])


def test_every_code_point_in_a_word_and_alone() -> None:
    codes = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    if f"tokenizers {tokenizers.__version__};" not in HEADER.read_text("ascii")[:200]:  # another version may know another Unicode
        codes = [c for c in codes if reference.is_stable(chr(c))]
    check([" ".join(f"a{chr(c)}b {chr(c)}" for c in codes[i : i + 500]) for i in range(0, len(codes), 500)])


def varied_text(rng: random.Random) -> str:
    """Return a text of words, whole and broken pieces, and characters of one to three scripts."""
    kinds = rng.sample([*SOUP.values()], rng.randint(1, 3))
    parts: list[Callable[[], str]] = [
        lambda: rng.choice(PIECES),
        lambda: rng.choice(PIECES).removeprefix("##") + rng.choice(PIECES).removeprefix("##"),
        lambda: rng.choice(PIECES).upper(),
        lambda: "".join(rng.choices(rng.choice(kinds), k=rng.randint(1, 12))),
        lambda: rng.choice(PIECES) + rng.choice(rng.choice(kinds)) + rng.choice(PIECES),
        lambda: rng.choice(PIECES) * rng.randint(1, 30),
    ]
    spaces = rng.choice([(" ",), ("", " "), (" ", "\n", "\t", "\u3000", "  ")])
    return "".join(rng.choice(parts)() + rng.choice(spaces) for _ in range(rng.randint(0, 14)))


def test_varied_texts() -> None:
    rng = random.Random(20)
    for _ in range(0, N_TEXTS, 5000):
        check([varied_text(rng) for _ in range(min(N_TEXTS, 5000))])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(CHARACTERS), st.sampled_from(reference.ALPHABET), st.sampled_from("abc ")), max_size=120).map("".join))
def test_any_text_of_known_characters(text: str) -> None:
    check([text])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([*PIECES[::97], "##", "#", "", "é", "你"]), max_size=12), st.sampled_from(["", " "]))
def test_pieces_side_by_side(pieces: list[str], between: str) -> None:
    check([between.join(pieces)])


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=20).map(lambda t: t.encode("utf-8")[1:-1])))
def test_bytes_are_read_as_cpython_reads_them(raw: bytes) -> None:
    text = "".join(c for c in raw.decode("utf-8", "replace") if reference.is_stable(c))
    if text == raw.decode("utf-8", "replace"):
        assert ids_of_bytes(raw) == expected_ids([text])[0]


INVALID = [
    b"\xff",
    b"a\xffb",
    b"\xed\xa0\x80",
    b"cut \xe4\xbd",
    b"\xc0\xaf",
    b"\xf4\x90\x80\x80",
    b"\xf0\x9f\x98",
    b"\x80" * 300,
    b"\xe4\xe4\xe4\xbd\xa0",
]


@pytest.mark.parametrize("raw", INVALID)
def test_invalid_bytes_vanish(raw: bytes) -> None:
    assert ids_of_bytes(raw) == expected_ids([raw.decode("utf-8", "replace")])[0] == expected_ids([raw.decode("utf-8", "ignore")])[0]


def test_lone_surrogates_vanish() -> None:
    assert ENCODER.piece_ids("a\ud800b \udfff").tolist() == expected_ids(["ab"])[0]
    assert np.array_equal(ENCODER.encode(["a\ud800b \udfff"]), ENCODER.encode(["ab"]))


def test_unknown_words_have_the_id_that_was_asked_for() -> None:
    assert ENCODER.piece_ids("x" * 101 + " \u13a0", unknown=7).tolist() == [7, 7]
    assert ENCODER.piece_ids("").dtype == np.uint32


def test_very_long_texts() -> None:
    check(["word " * 100_000, "x" * 1_000_000, "你" * 200_000, "\u0301" * 100_000 + "a", "!" * 100_000])
