"""Distinct texts: numbers are those of a dictionary, and the store gives back what went in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import store as module
from fingerprint.keys import Key
from fingerprint.room import Growing, Room, let_go
from fingerprint.store import Names, Numbering, TextStore

TEXT = st.one_of(st.text(max_size=12), st.sampled_from(["", "a", "x" * 300]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), max_size=30), max_size=8))
def test_numbers_are_those_of_a_dictionary(batches: list[list[int]]) -> None:
    numbering, known = Numbering(Growing(np.uint64)), dict[int, int]()
    for batch in batches:
        exact = np.array([0 if i == 0 else (i * 0x9E3779B97F4A7C15) % 2**64 for i in batch], np.uint64)
        before = set(known)
        expected = [-1 if e == 0 else known.setdefault(e, len(known)) for e in exact.tolist()]
        numbers, new = numbering.add(exact)
        assert numbers.tolist() == expected and len(numbering) == len(known)
        assert [exact[i] for i in new] == [e for e in known if e not in before] and (np.diff(new) > 0).all()


def test_numbers_of_many_hashes_survive_the_growth_of_the_table() -> None:
    rng = np.random.default_rng(0)
    exact = rng.integers(1, 2**64, 200_000, dtype=np.uint64)
    numbering = Numbering(Growing(np.uint64))
    for part in np.array_split(exact, 37):
        numbering.add(part)
    numbers, new = numbering.add(exact)
    distinct, first = np.unique(exact, return_index=True)
    assert len(new) == 0 and len(numbering) == len(distinct)
    assert np.array_equal(numbers[np.sort(first)], np.arange(len(distinct)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-9, 9), max_size=9), max_size=6), st.sampled_from([None, 0, 200, 40_000]), st.sampled_from([None, 3]))
def test_columns_are_the_same_in_memory_and_in_files(batches: list[list[int]], limit: int | None, width: int | None) -> None:
    room = Room(limit)
    columns = [Growing(kind, width, room) for kind in (np.int8, np.float64, np.int32)]
    for batch in batches:
        for column in columns:
            column.append(np.array(batch, np.int64) if width is None else np.repeat(np.array(batch, np.int64)[:, None], width, 1))
    plain = [i for batch in batches for i in batch]
    for column in columns:
        assert column.rows.tolist() == (plain if width is None else [[i] * width for i in plain])
        column.rows[: len(plain) // 2] = 5
        let_go(column.rows)
        assert (column.rows[: len(plain) // 2] == 5).all() and (plain[len(plain) // 2 :] == column.rows[len(plain) // 2 :].T).all()
    assert limit is None or room.taken <= limit


def test_the_largest_column_moves_out_first() -> None:
    room = Room(100_000)
    small, large, late = Growing(np.int8, room=room), Growing(np.int64, room=room), Growing(np.int64, room=room)
    firm = Growing(np.int64, room=room, stays=True)
    firm.append(np.arange(100))
    small.append(np.ones(10, np.int8))
    large.append(np.arange(9000))
    assert large.in_memory and room.taken <= 100_000
    late.append(np.arange(6000))
    assert not large.in_memory and small.in_memory and late.in_memory
    large.append(np.arange(9000, 9100))
    assert np.array_equal(large.rows, np.arange(9100)) and room.taken <= 100_000 and firm.in_memory
    room.shrink(40_000)
    assert not late.in_memory and small.in_memory and np.array_equal(late.rows, np.arange(6000)) and room.taken <= 40_000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(TEXT, max_size=9), max_size=5), st.randoms(use_true_random=False))
def test_the_store_gives_back_what_went_in(batches: list[list[str]], rng: Any) -> None:
    store, plain = TextStore(), [text for batch in batches for text in batch]
    for batch in batches:
        store.append(pa.array(batch, pa.string()))
    places = [rng.randrange(len(plain)) for _ in range(20)] if plain else []
    assert len(store) == len(plain)
    assert store.take(np.array(places, np.int64)).to_pylist() == [plain[i] for i in places]
    assert store.take(np.arange(len(plain))).to_pylist() == plain


def test_blocks_are_bounded_in_rows_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_ROWS", 7)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 100)
    texts = [None, *("t" * (n % 130) for n in range(200))]
    store = TextStore.of(pa.array(texts, pa.large_string()).slice(1))
    sizes = np.diff(store._ends.rows[:, 1], prepend=0)
    assert len(store) == 200 and sizes.max() <= 7 and len(sizes) > 100
    assert store.take(np.array([199, 0, 129, 129])).to_pylist() == [texts[200], texts[1], texts[130], texts[130]]
    assert TextStore.of(pa.array([None, "x"], pa.string())).take(np.array([0, 1])).to_pylist() == ["", "x"]


def test_nothing_is_left_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = TextStore.of(pa.array(["a secret prompt"] * 3))
    column = Growing(np.int64, room=Room(0))
    column.append(np.arange(10))
    assert os.listdir(tmp_path) == [] and not column.in_memory and store.take(np.array([2])).to_pylist() == ["a secret prompt"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.one_of(st.none(), st.sampled_from(["", "A", "a", "é", "e\u0301", " a", "x" * 40])), max_size=12), max_size=6))
def test_names_are_told_apart_to_the_byte(batches: list[list[str | None]]) -> None:
    names, known = Names(Key(bytes(16))), dict[str, int]()
    for batch in batches:
        kind = pa.string() if len(batch) % 2 else pa.large_string()
        column = pa.array([None, *batch], kind).slice(1)
        assert names.add(column).tolist() == [-1 if name is None else known.setdefault(name, len(known)) for name in batch]
    assert names.names.to_pylist() == list(known)
