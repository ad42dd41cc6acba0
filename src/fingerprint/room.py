"""Memory with a limit: columns that grow, and move to files where they take too much."""

from __future__ import annotations

import ctypes
import mmap
import os
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

_FIRST_BYTES = 1 << 14


def machine_memory() -> int:
    """Return the bytes of memory that this process can have: the machine's, or its control group's where that is less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            found.append(int(Path(path).read_text("ascii")))
        except (OSError, ValueError):  # no such control group, or one without a limit, "max"
            continue
    return min(found)


class Room:
    """Memory that growing columns may take together; what is beyond lies in temporary files that no directory lists.

    Parameters
    ----------
    limit : int, optional
        Bytes; without it everything stays in memory.

    Notes
    -----
    Temporary files lie where :mod:`tempfile` puts them (``TMPDIR``). The largest columns move out first, those that are read out of order last. What is
    read back is the same, mapped into memory.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self._columns: weakref.WeakSet[Growing] = weakref.WeakSet()

    @property
    def taken(self) -> int:
        """Bytes that columns take in memory."""
        return sum(column.in_memory for column in self._columns)

    def admit(self, column: Growing) -> None:
        """Count a column from now on."""
        self._columns.add(column)

    def make(self, more: int = 0, asking: Growing | None = None) -> None:
        """Move columns out until there is room for `more` bytes of one of them, that one too if need be: those that stay if they can last."""
        def size(column: Growing) -> int:
            return column.in_memory + (more if column is asking else 0)

        while self.limit is not None and not (asking is not None and asking.is_out) and self.taken + more > self.limit:
            max((column for column in self._columns if size(column)), key=lambda column: (not column.stays, size(column))).move_out()

    def shrink(self, limit: int | None) -> None:
        """Take less from now on: columns move out until that holds; whoever has rows of them asks again."""
        self.limit = limit
        self.make()


class Growing:
    """Rows that are appended; what there is lies in one piece, and grows without being held twice.

    Parameters
    ----------
    kind : dtype
    width : int, optional
        Columns; without it the array has one dimension.
    room : Room, optional
        That it shares with others.
    stays : bool
        Whether it is read out of order, so that others move to files before it does.

    Notes
    -----
    Memory is mapped for itself: growing it moves pages, not bytes, and pages beyond the last row are never touched, where numpy.resize fills them.
    """

    def __init__(self, kind: npt.DTypeLike, width: int | None = None, room: Room | None = None, stays: bool = False) -> None:
        self._kind, self._shape = np.dtype(kind), () if width is None else (width,)
        self._row_bytes = self._kind.itemsize * (1 if width is None else width)
        self._n, self._room, self.stays = 0, room, stays
        self._map: mmap.mmap | None = None
        self._file: IO[bytes] | None = None
        if room is not None:
            room.admit(self)

    @property
    def in_memory(self) -> int:
        """Bytes that its rows take in memory; none once it has moved out."""
        return self._n * self._row_bytes if self._file is None else 0

    @property
    def is_out(self) -> bool:
        """Whether it lies in a file."""
        return self._file is not None

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Add rows.

        Raises
        ------
        OSError
            The disk is full.
        """
        if not len(rows):
            return
        if self._room is not None:
            self._room.make(len(rows) * self._row_bytes, self)
        if self._file is not None:
            self._file.write(np.ascontiguousarray(rows, self._kind).data)
        else:
            self._reserve((self._n + len(rows)) * self._row_bytes)
            self._view(self._n, len(rows))[:] = rows
        self._n += len(rows)

    def _reserve(self, n_bytes: int) -> None:
        before = len(self._map) if self._map is not None else 0
        if n_bytes <= before:
            return
        size = max(n_bytes, before * 5 // 4, _FIRST_BYTES)
        try:
            if self._map is not None:
                self._map.resize(size)
                return
        except BufferError:  # somebody still holds rows from before
            pass
        grown = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if self._map is not None:
            grown.write(memoryview(self._map)[: self._n * self._row_bytes])
        self._map = grown

    def _view(self, first: int, n: int) -> npt.NDArray[Any]:
        if self._map is None or not n:
            return np.empty((0, *self._shape), self._kind)
        flat = np.frombuffer(self._map, self._kind, n * self._row_bytes // self._kind.itemsize, first * self._row_bytes)
        return flat.reshape((n, *self._shape))

    def move_out(self) -> None:
        """Move all rows to a file, to which later ones are appended."""
        file = tempfile.TemporaryFile(prefix="fingerprint-")  # noqa: SIM115 - closed with the column
        file.write(self._view(0, self._n).data)
        self._open(file)
        self._map = None

    def fileno(self) -> int:
        """Return the descriptor of its file, all rows written, -1 where it lies in memory."""
        if self._file is None:
            return -1
        self._file.flush()
        return self._file.fileno()

    @property
    def rows(self) -> npt.NDArray[Any]:
        """The rows so far, not a copy: valid until more are appended, and what is written into them stays."""
        if self._file is None or not self._n:
            return self._view(0, self._n)
        self._file.flush()
        return np.memmap(self._file, self._kind, "r+", shape=(self._n, *self._shape))

    def _open(self, file: IO[bytes]) -> None:
        self._file = file
        weakref.finalize(self, file.close)


def let_go(*columns: npt.NDArray[Any]) -> None:
    """Let pages of columns that lie in files leave memory; they come back when they are read."""
    for column in columns:
        mapped = getattr(column, "_mmap", None)
        if mapped is not None:
            mapped.madvise(mmap.MADV_DONTNEED)


def give_back() -> None:
    """Return freed memory to the machine: what Arrow's pool and the C library keep for later, where a work of another kind follows.

    After hours in several threads that is gigabytes: each thread frees into a heap of its own, which shrinks from its end only.
    """
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # another C library has no such function
        ctypes.CDLL(None).malloc_trim(0)
