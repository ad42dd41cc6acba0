"""MinHash: equal to the reference, mathematics of the estimate, rows that have no signature, refusals."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import _core
from fingerprint.errors import ConfigError, IncompatibleSignatures
from fingerprint.keys import Key
from fingerprint.minhash import estimate_jaccard, minhash, normalize
from fingerprint.sketch import FLAG_EXPANSION, sketch

MATERIAL = bytes(range(16))
TEXTS = st.text(st.one_of(st.sampled_from(reference.ALPHABET), st.sampled_from("abc \u00e9你")), max_size=80)
WORDS = ["explain", "how", "the", "model", "sorts", "a", "list", "of", "numbers", "write", "poem", "about", "sea", "cats", "dogs"]


def random_text(rng: random.Random, n_words: int) -> list[str]:
    return [rng.choice(WORDS) + str(rng.randrange(50)) for _ in range(n_words)]


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), ngram=st.integers(1, 20), num_perm=st.sampled_from([1, 15, 16, 17, 64, 128, 130, 300]))
def test_equals_reference_on_every_isa(texts: list[str], ngram: int, num_perm: int) -> None:
    hashes = [reference.shingle_hashes(MATERIAL, reference.normalize(text)[0], ngram) for text in texts]
    expected = [reference.signature(MATERIAL, row, num_perm) for row in hashes]
    for isa in _core.supported_isas():
        result = minhash(texts, key=Key(MATERIAL), num_perm=num_perm, ngram=ngram, isa=isa)
        assert result.n_shingles.tolist() == list(map(len, hashes))
        assert result.values.tolist() == expected


@pytest.mark.parametrize("ngram", [1, 2, 7, 8, 9, 16, 63, 64])
def test_window_lengths_around_hash_blocks(isa: str, ngram: int) -> None:
    ascii_text = "".join(chr(97 + i * i % 26) for i in range(ngram + 20))
    texts = [ascii_text, ascii_text.replace("b", "é"), "你好" * ngram, "😀a" * ngram, ascii_text[:ngram]]
    expected = [reference.signature(MATERIAL, reference.shingle_hashes(MATERIAL, reference.normalize(t)[0], ngram), 16) for t in texts]
    assert minhash(texts, key=Key(MATERIAL), num_perm=16, ngram=ngram, isa=isa).values.tolist() == expected


def test_chunk_borders_of_long_texts(isa: str) -> None:
    rng = random.Random(1)
    letters = [rng.choice("abcdefgh ") for _ in range(1600)]
    mixed = [*letters[:700], *(rng.choice("你好世界é") for _ in range(300)), *letters[:600]]
    for text in ("".join(letters[:516]), "".join(letters[:517]), "".join(letters), "".join(mixed)):
        hashes = reference.shingle_hashes(MATERIAL, reference.normalize(text)[0], 5)
        assert sketch([text], key=Key(MATERIAL), num_perm=16, isa=isa).fingerprints.tolist() == [reference.fingerprint(hashes)]
        assert minhash([text], key=Key(MATERIAL), num_perm=16, isa=isa).values.tolist() == [reference.signature(MATERIAL, hashes, 16)]


def test_order_and_repetition_of_shingles_do_not_matter(isa: str, key: Key) -> None:
    s = minhash(["abcabcabcabcabc", "abcabcabcabc", "bcabcabca"], key=key, isa=isa)
    assert (s.values == s.values[0]).all()
    assert s.n_shingles.tolist() == [11, 8, 5]


@settings(max_examples=25, deadline=None)
@given(a=st.text("abcde", min_size=5, max_size=40), b=st.text("abcde", min_size=5, max_size=40))
def test_signature_of_a_union_is_the_minimum(a: str, b: str) -> None:
    # the windows of a + b are those of both and of the four characters on each side of the seam
    x, y, seam, whole = minhash([a, b, a[-4:] + b[:4], a + b], key=Key(MATERIAL)).values
    assert np.array_equal(np.minimum(np.minimum(x, y), seam), whole)


def test_estimates_within_four_standard_errors(key: Key) -> None:
    rng = random.Random(7)
    pairs = []
    for share in np.linspace(0, 1, 200):
        words = random_text(rng, 60)
        other = [w if rng.random() < share else random_text(rng, 1)[0] for w in words]
        pairs.append((" ".join(words), " ".join(other)))
    a, b = (minhash([p[side] for p in pairs], key=key, num_perm=256) for side in (0, 1))
    true = np.array([reference.jaccard(*p, 5) for p in pairs])
    assert true.min() < 0.2 and true.max() > 0.9
    assert (np.abs(estimate_jaccard(a, b) - true) <= 4 * np.sqrt(true * (1 - true) / 256) + 1e-12).all()


def test_estimates_of_short_texts_are_unbiased_and_bands_independent(key: Key) -> None:
    """Structure of the multipliers must not show: over many keys, neither in the mean nor in how often all rows of a band agree."""
    a, b = "tell me a joke about cats", "tell me a joke about dogs"
    true = reference.jaccard(a, b, 5)
    n_keys, n_equal, n_bands = 400, 0, 0
    for i in range(n_keys):
        x, y = minhash([a, b], key=Key(i.to_bytes(16, "little"))).values
        n_equal += int((x == y).sum())
        n_bands += int((x == y)[:126].reshape(-1, 6).all(1).sum())
    assert abs(n_equal / (128 * n_keys) - true) <= 4 * np.sqrt(true * (1 - true) / (128 * n_keys))
    chance = true**6
    # rows of one band are not perfectly independent in a set of 27 shingles (hypergeometric draw): allow 8 % beside four standard errors
    assert abs(n_bands / (21 * n_keys) - chance) <= 4 * np.sqrt(chance * (1 - chance) / (21 * n_keys)) + 0.08 * chance


def test_texts_without_shingles_are_similar_to_nothing(isa: str, key: Key) -> None:
    s = minhash(["", None, "abcd", "\u200b" * 10, "ab\u0301c", "abcde"], key=key, isa=isa)
    assert s.n_shingles.tolist() == [0, 0, 0, 0, 0, 1]
    assert estimate_jaccard(s, s).tolist() == [0, 0, 0, 0, 0, 1]


def test_strange_texts_have_stated_results(isa: str, key: Key) -> None:
    texts = ["a" * 1000, "x" * (1 << 20), "a\0b" * 3, "a\0c" * 3, "مرحبا بالعالم", "😀" * 5, "👩\u200d🚀" * 5]
    s = sketch(texts, key=key, isa=isa)
    assert s.signatures.n_shingles.tolist() == [996, (1 << 20) - 4, 5, 5, 9, 1, 6]
    assert len(set(s.exact.tolist())) == len(texts)
    assert estimate_jaccard(s.signatures[2:3], s.signatures[3:4])[0] < 0.2


def test_texts_that_differ_behind_a_nul_differ(key: Key) -> None:
    assert len(set(sketch([f"same start\0{i}" for i in range(1000)], key=key).exact.tolist())) == 1000


def test_another_key_gives_another_scheme(key: Key) -> None:
    a, b = minhash(["some text to sign"], key=key), minhash(["some text to sign"], key=Key(bytes(16)))
    assert (a.values != b.values).mean() > 0.9
    with pytest.raises(IncompatibleSignatures, match=f"(?s){a.key_id}.*{b.key_id}"):
        estimate_jaccard(a, b)
    for other in (minhash(["t"], key=key, ngram=4), minhash(["t"], key=key, num_perm=64)):
        with pytest.raises(IncompatibleSignatures, match="ngram=5:num_perm=128"):
            estimate_jaccard(a, other)


def test_thue_morse_pair_does_not_collide(isa: str, key: Key) -> None:
    """Every polynomial hash modulo 2**64 collides on these two texts, whatever its base; SipHash must not."""
    word = "a"
    for _ in range(11):
        word += word.translate(str.maketrans("ab", "ba"))
    pair = [word, word.translate(str.maketrans("ab", "ba"))]

    def polynomial(text: str) -> int:
        value = 0
        for char in text:
            value = (value * 0x9E3779B97F4A7C15 + ord(char)) % 2**64
        return value

    assert pair[0] != pair[1] and polynomial(pair[0]) == polynomial(pair[1])
    a, b = sketch(pair, key=key, isa=isa).exact
    assert a != b


def test_collisions_made_under_one_key_do_not_carry_over() -> None:
    """Texts picked for equal minima under a known key are unrelated under the secret one."""
    texts = [f"unrelated prompt number {i} {i * i}" for i in range(300)]
    known = minhash(texts, key=Key(bytes(16)), num_perm=4).values
    i, j = max(((i, j) for i in range(300) for j in range(i)), key=lambda p: int((known[p[0]] == known[p[1]]).sum()))
    true = reference.jaccard(texts[i], texts[j], 5)
    s = minhash([texts[i], texts[j]], key=Key(MATERIAL), num_perm=1024)
    assert abs(estimate_jaccard(s[:1], s[1:])[0] - true) <= 4 * np.sqrt(true * (1 - true) / 1024)


@pytest.mark.parametrize(("name", "value"), [("num_perm", 0), ("num_perm", 1025), ("ngram", 0), ("ngram", 65)])
def test_parameters_out_of_range_are_refused(name: str, value: int, key: Key) -> None:
    with pytest.raises(ConfigError, match=name):
        minhash(["text"], key=key, **{name: value})


@pytest.mark.parametrize("texts", ["one string", b"bytes", 7, None, [b"bytes"], ["a", 3], np.arange(3), pa.array([1, 2]), pa.array([b"x"]), [["a"]]])
def test_what_is_no_text_is_refused(texts: object, key: Key) -> None:
    with pytest.raises(TypeError, match=r"texts"):
        minhash(texts, key=key)


def test_the_index_of_what_is_no_text_is_named_and_the_text_is_not(key: Key) -> None:
    with pytest.raises(TypeError, match=r"texts\[2\] is float, not str") as caught:
        minhash(["secret one", None, 2.5], key=key)
    assert "secret" not in str(caught.value)


def test_every_kind_of_column_gives_the_same(key: Key) -> None:
    class Exporter:
        def __init__(self, data: pa.Array) -> None:
            self.data = data

        def __arrow_c_array__(self, requested_schema: object = None) -> object:
            return self.data.__arrow_c_array__(requested_schema)

    texts = ["first prompt", None, "second prompt, ünïcode", "", "third"]
    small, large = pa.array(texts, pa.string()), pa.array(texts, pa.large_string())
    kinds = [
        large,
        small,
        pa.array(["dropped", *texts, "dropped"])[1:-1],
        pa.chunked_array([small[:2], small[2:2], small[2:]]),
        small.dictionary_encode(),
        small.cast(pa.string_view()),
        Exporter(small),
        pa.table({"t": small}).column("t"),
        tuple(texts),
        np.array(texts, object),
        np.array([t or "" for t in texts]),
    ]
    expected = minhash(texts, key=key)
    for column in kinds:
        result = minhash(column, key=key)
        assert np.array_equal(result.values, expected.values), type(column)
    for empty in ([], pa.array([], pa.string()), pa.chunked_array([], pa.string()), pa.array([None, None])[:0]):
        assert minhash(empty, key=key).values.shape == (0, 128)
    assert minhash(pa.nulls(2), key=key).n_shingles.tolist() == [0, 0]


def test_default_key_is_that_of_the_user(key: Key) -> None:
    assert minhash(["text"]).key_id == key.key_id


def test_normalize_ignores_the_key() -> None:
    assert normalize(["A b", None]) == ["a b", ""]


def test_expansion_flag_leaves_neighbours_alone(key: Key) -> None:
    s = sketch(["\ufdfa" * 100, "plain text"], key=key)
    assert s.flags.tolist() == [FLAG_EXPANSION, 0]
