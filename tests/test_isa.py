"""Choice of instruction set: it can be forced, never changes a result, and cannot be misspelt."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import _core
from fingerprint.errors import ConfigError
from fingerprint.keys import Key
from fingerprint.sketch import Sketch, sketch

FIELDS = ("fingerprints", "exact", "n_invisible", "n_chars", "flags")


def same(a: Sketch, b: Sketch) -> bool:
    fields = all(np.array_equal(getattr(a, name), getattr(b, name)) for name in FIELDS)
    return fields and np.array_equal(a.signatures.values, b.signatures.values) and np.array_equal(a.signatures.n_shingles, b.signatures.n_shingles)


def test_portable_path_is_always_there() -> None:
    assert _core.supported_isas()[-1] == "scalar"
    assert _core.isa() in _core.supported_isas()


def test_environment_forces_the_path(monkeypatch: pytest.MonkeyPatch, isa: str) -> None:
    monkeypatch.setenv("FINGERPRINT_ISA", isa)
    assert _core.isa() == isa


@pytest.mark.parametrize("name", ["sse9", "AVX2", "scalar ", "\ud800"])
def test_unknown_paths_are_refused(monkeypatch: pytest.MonkeyPatch, key: Key, name: str) -> None:
    with pytest.raises(ConfigError, match="scalar"):
        sketch(["text"], key=key, isa=name)
    if name.isprintable():
        monkeypatch.setenv("FINGERPRINT_ISA", name)
        with pytest.raises(ConfigError, match="supported"):
            _core.isa()


ANY_CHARACTER = st.one_of(st.characters(codec="utf-8"), st.sampled_from(reference.ALPHABET), st.sampled_from("ab c"))


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(ANY_CHARACTER, max_size=300), max_size=5),
    ngram=st.integers(1, 64),
    num_perm=st.integers(1, 270),
)
def test_all_paths_agree(texts: list[str], ngram: int, num_perm: int) -> None:
    results = [sketch(texts, key=Key(bytes(16)), ngram=ngram, num_perm=num_perm, isa=isa) for isa in _core.supported_isas()]
    assert all(same(results[0], other) for other in results[1:])


def test_alignment_of_the_buffers_does_not_matter(isa: str, key: Key) -> None:
    rows = [b"A prompt of plain ASCII that is long enough for whole vectors, and then some more of it.", "mixed é 你好 prompt".encode()]
    expected = sketch([row.decode() for row in rows], key=key, isa=isa)
    for lead in range(33):
        data = np.frombuffer(b"#" * lead + b"".join(rows), np.uint8)
        offsets = np.cumsum([lead, *map(len, rows)], dtype=np.int32)
        values = np.frombuffer(bytearray(4 * 2 * 128 + lead), np.uint8)[lead:][: 4 * 2 * 128]
        out = np.empty((2, 128), np.uint32) if lead % 4 else values.view(np.uint32).reshape(2, 128)
        _core.sketch_rows(key.material, data, offsets, None, 0, 128, 5, values=out, isa=isa)
        assert np.array_equal(out, expected.signatures.values)


def test_nothing_behind_a_row_is_read_into_it(isa: str, key: Key) -> None:
    text = "the same prompt whatever follows"
    expected = sketch([text], key=key, isa=isa)
    for other in ("", "x", "y" * 100, "\u0301", " "):
        assert sketch([text, other], key=key, isa=isa).exact[0] == expected.exact[0]


@pytest.mark.parametrize(
    ("offsets", "message"),
    [([0, 5, 3, 8], "row 1"), ([0, 3, 9, 9], "row 1"), ([-1, 3, 5, 8], "row 0"), ([0, 3, 5, 2**40], "row 2"), ([], "offsets")],
)
def test_bad_offsets_are_named_not_followed(key: Key, offsets: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _core.sketch_rows(key.material, np.zeros(8, np.uint8), np.array(offsets, np.int64), None, 0, 16, 5)


def test_shapes_are_checked(key: Key) -> None:
    data, offsets = np.zeros(8, np.uint8), np.array([0, 4, 8], np.int64)
    with pytest.raises(ValueError, match="16 bytes"):
        _core.sketch_rows(b"short", data, offsets, None, 0, 16, 5)
    with pytest.raises(ValueError, match="exact has 3 rows, not 2"):
        _core.sketch_rows(key.material, data, offsets, None, 0, 16, 5, exact=np.empty(3, np.uint64))
    with pytest.raises(ValueError, match="values has 8 columns"):
        _core.sketch_rows(key.material, data, offsets, None, 0, 16, 5, values=np.empty((2, 8), np.uint32))
    with pytest.raises(ValueError, match="bitmap"):
        _core.sketch_rows(key.material, data, offsets, np.zeros(1, np.uint8), 7, 16, 5)
    with pytest.raises(ValueError):
        _core.sketch_rows(key.material, data.view(np.int8), offsets, None, 0, 16, 5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), num_perm=st.sampled_from([1, 7, 8, 31, 33, 64, 100, 128, 200, 1024]))
def test_clusters_agree_on_all_paths(seed: int, num_perm: int) -> None:
    """Each row is compared with the first, byte by byte, over lengths that are no multiple of any vector."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2, (6, num_perm), dtype=np.uint8) * rng.integers(0, 256, num_perm).astype(np.uint8)
    plain = [int((row == values[0]).sum()) for row in values]
    for isa in _core.supported_isas():
        best, order = np.zeros(6, np.uint64), np.arange(6, dtype=np.int32)
        band = _core.bucket_rows(np.ones(6, np.uint32), order, np.ones(6, np.uint8), 1)
        _core.cluster_rows(values, order, [band], 1, best, isa=isa)
        assert (best >> 32).tolist() == [n or num_perm for n in plain] and (best & 0xFFFFFFFF == 0).tolist() == [n > 0 for n in plain]
