"""Distinct texts and names: which ones are new, and a store that keeps each text once, outside of memory."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from . import _core
from .columns import text_columns
from .keys import Key
from .room import Growing, Room, let_go

_FIRST_SLOTS = 1 << 12
HASHES_AT_ONCE = 1 << 20
_SCHEMA = pa.schema([("text", pa.large_string())])
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
_BLOCK_ROWS, _BLOCK_BYTES = 16_384, 4 << 20  # of texts that are compressed, and read, together


class Numbering:
    """Numbers of hashes, in order of their first appearance.

    Parameters
    ----------
    hashes : Growing of uint64
        Takes each hash at its number; those that are there already have the numbers from 0 on.
    """

    def __init__(self, hashes: Growing) -> None:
        self.hashes = hashes
        self._slots, self._numbers = np.zeros(0, np.uint64), np.zeros(0, np.int32)
        self._reserve(len(self))

    def __len__(self) -> int:
        return len(self.hashes.rows)

    def add(self, exact: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """Number hashes.

        Parameters
        ----------
        exact : uint64[n]
            0 stands for the empty text, which has no number.

        Returns
        -------
        numbers : int32[n]
            -1 for the empty text.
        new : int64[m]
            Where a hash appears for the first time, ascending.
        """
        before = len(self)
        self._reserve(before + len(exact))
        numbers = np.empty(len(exact), np.int32)
        _core.intern_rows(np.ascontiguousarray(exact), self._slots, self._numbers, before, numbers)
        highest = np.maximum.accumulate(np.concatenate([[before - 1], numbers]))
        new = np.flatnonzero(np.diff(highest) > 0)
        self.hashes.append(exact[new])
        return numbers, new

    def find(self, hashed: int) -> int:
        """Return the number of one hash, -1 where it has none."""
        n = len(self._slots)
        at = hashed * n >> 64  # as fp_scale64
        while hashed and int(self._slots[at]) not in (0, hashed):
            at = at + 1 if at + 1 < n else 0
        return int(self._numbers[at]) if hashed and self._slots[at] else -1

    def _reserve(self, n: int) -> None:
        """Make the table large enough for n hashes; the old one goes first, since all hashes are at hand."""
        size = len(self._slots)
        if 4 * n <= 3 * size and size:
            return
        self._slots, self._numbers = np.zeros(0, np.uint64), np.zeros(0, np.int32)
        self._slots = np.zeros(max(2 * n, size * 3 // 2, _FIRST_SLOTS), np.uint64)
        self._numbers = np.zeros(len(self._slots), np.int32)
        known = self.hashes.rows
        for low in range(0, len(known), HASHES_AT_ONCE):
            part = np.ascontiguousarray(known[low : low + HASHES_AT_ONCE])
            _core.intern_rows(part, self._slots, self._numbers, low, np.empty(len(part), np.int32))
        let_go(known)


def name_texts(texts: Any, key: Key) -> npt.NDArray[np.uint64]:
    """Return keyed hashes of texts as they are spelled, uint64[n]; 0 for null and for no other. See :func:`fingerprint.columns.text_columns`."""
    columns = text_columns(texts)
    hashes, at = np.empty(sum(map(len, columns)), np.uint64), 0
    for part in columns:
        _core.hash_rows(key.material, part.data, part.offsets, part.validity, part.validity_offset, hashes[at : at + len(part)])
        at += len(part)
    return hashes


class Names:
    """Distinct names in order of first appearance, however many rows bear them; a null is no name.

    Parameters
    ----------
    key : Key
        Of the hashes by which they are told apart.
    is_kept : bool
        Whether the names themselves are wanted, or their numbers only.
    room : Room, optional
        Where their hashes lie.
    """

    def __init__(self, key: Key, is_kept: bool = True, room: Room | None = None) -> None:
        self._key, self._numbering, self._is_kept = key.derive("names"), Numbering(Growing(np.uint64, room=room)), is_kept
        self._new: list[pa.LargeStringArray] = []

    def add(self, column: pa.Array) -> npt.NDArray[np.int32]:
        """Take in rows of a string column; return the number of each row's name, -1 for null."""
        numbers, new = self._numbering.add(name_texts(column, self._key))
        if self._is_kept and len(new):
            self._new.append(column.take(pa.array(new)).cast(pa.large_string()))
        return numbers

    @property
    def hashes(self) -> npt.NDArray[np.uint64]:
        """Their keyed hashes by number."""
        return self._numbering.hashes.rows

    @property
    def names(self) -> pa.LargeStringArray:
        """The names by number."""
        return pa.concat_arrays(self._new) if self._new else pa.array([], pa.large_string())


class TextStore:
    """Texts in compressed blocks in a temporary file: one that no directory lists, so that nothing is left of it however the process ends.

    Notes
    -----
    Reading is thread-safe.
    """

    def __init__(self) -> None:
        self._ends = Growing(np.int64, 2)  # of each block: byte of the file, text
        self._file = tempfile.TemporaryFile(prefix="fingerprint-")  # noqa: SIM115 - closed with the store
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return int(self._ends.rows[-1, 1]) if len(self._ends.rows) else 0

    @classmethod
    def of(cls, texts: pa.Array) -> TextStore:
        """Return a store of these texts."""
        made = cls()
        made.append(texts)
        return made

    def append(self, texts: pa.Array) -> None:
        """Add texts, string or large_string; null is the empty text.

        Raises
        ------
        OSError
            The disk is full.
        """
        texts = texts.cast(pa.large_string()).fill_null("")
        low = 0
        byte, text = self._ends.rows[-1].tolist() if len(self._ends.rows) else (0, 0)
        while low < len(texts):
            part = texts.slice(low, max(1, _rows_of_block(texts, low)))
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, _SCHEMA, options=_OPTIONS) as writer:
                writer.write_batch(pa.RecordBatch.from_arrays([part], schema=_SCHEMA))
            byte, text = byte + self._file.write(sink.getvalue()), text + len(part)
            self._ends.append(np.array([[byte, text]]))
            low += len(part)
        self._file.flush()

    def blocks(self) -> Iterator[tuple[bytes, int]]:
        """Yield the compressed blocks as they are, and how many texts each has."""
        ends = [[0, 0], *self._ends.rows.tolist()]
        for (low, first), (high, last) in pairwise(ends):
            yield os.pread(self._file.fileno(), high - low, low), last - first

    def take(self, places: npt.NDArray[np.integer]) -> pa.LargeStringArray:
        """Return the texts at these places, numbered as they were added, in this order."""
        ends = np.concatenate([[[0, 0]], self._ends.rows])
        return take_from(places, ends[:, 1], lambda block, rows: self._block(*ends[block : block + 2, 0].tolist()).take(pa.array(rows)))

    def _block(self, low: int, high: int) -> pa.LargeStringArray:
        data = os.pread(self._file.fileno(), high - low, low)
        with pa.ipc.open_stream(data) as reader:
            return reader.read_next_batch().column(0)


def take_from(places: npt.NDArray[np.integer], starts: npt.NDArray[np.int64],
              take: Callable[[int, npt.NDArray[np.int64]], pa.LargeStringArray]) -> pa.LargeStringArray:
    """Return texts that lie in parts, each of which is asked once.

    Parameters
    ----------
    places : integer[n]
        Wanted texts, numbered through all parts.
    starts : int64[k + 1]
        Number of the first text of each part, and that behind the last.
    take : callable
        Gives texts of a part: its number, and which of its own, ascending.
    """
    order = np.argsort(places, kind="stable")
    ascending = places[order].astype(np.int64)
    part = np.searchsorted(starts, ascending, "right") - 1
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(part, append=-1)) + 1]).tolist()
    found = [take(int(part[low]), ascending[low:high] - starts[part[low]]) for low, high in pairwise(cuts)]
    texts = pa.concat_arrays(found) if found else pa.array([], pa.large_string())
    if (np.diff(order) > 0).all():
        return texts
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return texts.take(pa.array(back))


def _rows_of_block(texts: pa.LargeStringArray, low: int) -> int:
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return min(_BLOCK_ROWS, int(np.searchsorted(offsets, offsets[low] + _BLOCK_BYTES, "right")) - 1 - low)
