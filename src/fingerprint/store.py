"""Distinct texts: which ones are new, and a store that keeps each of them once, outside of memory."""

from __future__ import annotations

import os
import tempfile
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from . import _core
from .columns import text_columns
from .keys import Key

_FIRST_SLOTS = 1 << 12
_SCHEMA = pa.schema([("text", pa.large_string())])
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
_BLOCK_ROWS, _BLOCK_BYTES = 16_384, 4 << 20  # of texts that are compressed, and read, together


class Growing:
    """Rows that are appended; what there is lies in one piece, and grows without being held twice.

    Parameters
    ----------
    kind : dtype
    width : int, optional
        Columns; without it the array has one dimension.
    """

    def __init__(self, kind: npt.DTypeLike, width: int | None = None) -> None:
        self._room = np.empty((0,) if width is None else (0, width), kind)
        self._n = 0

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Add rows."""
        n = self._n + len(rows)
        if n > len(self._room):  # a reallocation of a large block moves pages, not bytes, and pages beyond the last row are never touched
            self._room.resize((max(n, len(self._room) * 5 // 4, _FIRST_SLOTS), *self._room.shape[1:]), refcheck=False)
        self._room[self._n : n] = rows
        self._n = n

    @property
    def rows(self) -> npt.NDArray[Any]:
        """The rows so far, not a copy: valid until more are appended."""
        return self._room[: self._n]


class Numbering:
    """Numbers of hashes, in order of their first appearance.

    Attributes
    ----------
    n : int
        Numbers given so far.
    """

    def __init__(self) -> None:
        self.n = 0
        self._slots, self._numbers = np.zeros(_FIRST_SLOTS, np.uint64), np.zeros(_FIRST_SLOTS, np.int32)

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
        self._reserve(self.n + len(exact))
        numbers, before = np.empty(len(exact), np.int32), self.n
        self.n = _core.intern_rows(np.ascontiguousarray(exact), self._slots, self._numbers, self.n, numbers)
        highest = np.maximum.accumulate(np.concatenate([[before - 1], numbers]))
        return numbers, np.flatnonzero(np.diff(highest) > 0)

    def _reserve(self, n: int) -> None:
        if 4 * n <= 3 * len(self._slots):
            return
        slots = np.zeros(max(2 * n, len(self._slots) * 3 // 2), np.uint64)
        numbers, taken = np.zeros(len(slots), np.int32), np.flatnonzero(self._slots)
        of = self._numbers[taken]
        known = np.empty(len(taken), np.uint64)
        known[of] = self._slots[taken]
        _core.intern_rows(known, slots, numbers, 0, np.empty(len(known), np.int32))
        self._slots, self._numbers = slots, numbers


class Names:
    """Distinct names in order of first appearance, however many rows bear them; a null is no name.

    Parameters
    ----------
    key : Key
        Of the hashes by which they are told apart.
    is_kept : bool
        Whether the names themselves are wanted, or their numbers only.
    """

    def __init__(self, key: Key, is_kept: bool = True) -> None:
        self._key, self._numbering, self._is_kept = key.derive("names").material, Numbering(), is_kept
        self._new: list[pa.LargeStringArray] = []

    def add(self, column: pa.Array) -> npt.NDArray[np.int32]:
        """Take in rows of a string column; return the number of each row's name, -1 for null."""
        hashes, at = np.empty(len(column), np.uint64), 0
        for part in text_columns(column):
            _core.hash_rows(self._key, part.data, part.offsets, part.validity, part.validity_offset, hashes[at : at + len(part)])
            at += len(part)
        numbers, new = self._numbering.add(hashes)
        if self._is_kept and len(new):
            self._new.append(column.take(pa.array(new)).cast(pa.large_string()))
        return numbers

    @property
    def names(self) -> pa.LargeStringArray:
        """The names by number."""
        return pa.concat_arrays(self._new) if self._new else pa.array([], pa.large_string())


class TextStore:
    """Texts in compressed blocks in a temporary file that no directory lists, so that nothing is left of it however the process ends.

    Notes
    -----
    The file lies where :mod:`tempfile` puts it (``TMPDIR``). Reading is thread-safe.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="fingerprint-")  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._offsets, self._starts = [0], [0]

    def __len__(self) -> int:
        return self._starts[-1]

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
        while low < len(texts):
            part = texts.slice(low, max(1, _rows_of_block(texts, low)))
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, _SCHEMA, options=_OPTIONS) as writer:
                writer.write_batch(pa.RecordBatch.from_arrays([part], schema=_SCHEMA))
            self._offsets.append(self._offsets[-1] + self._file.write(sink.getvalue()))
            self._starts.append(self._starts[-1] + len(part))
            low += len(part)
        self._file.flush()

    def take(self, places: npt.NDArray[np.integer]) -> pa.LargeStringArray:
        """Return the texts at these places, numbered as they were added, in this order."""
        order = np.argsort(places, kind="stable")
        starts, ascending = np.array(self._starts), places[order].astype(np.int64)
        block = np.searchsorted(starts, ascending, "right") - 1
        ends = np.flatnonzero(np.diff(block, append=-1)) + 1
        found = [self._block(int(block[low])).take(pa.array(ascending[low:high] - starts[block[low]]))
                 for low, high in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=False)]
        texts = pa.concat_arrays(found) if found else pa.array([], pa.large_string())
        if (np.diff(order) > 0).all():
            return texts
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return texts.take(pa.array(back))

    def _block(self, number: int) -> pa.LargeStringArray:
        data = os.pread(self._file.fileno(), self._offsets[number + 1] - self._offsets[number], self._offsets[number])
        with pa.ipc.open_stream(data) as reader:
            return reader.read_next_batch().column(0)


def _rows_of_block(texts: pa.LargeStringArray, low: int) -> int:
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return min(_BLOCK_ROWS, int(np.searchsorted(offsets, offsets[low] + _BLOCK_BYTES, "right")) - 1 - low)
