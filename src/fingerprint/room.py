"""Memory with a limit: columns that grow, and move to files where they take too much or are to outlive the process."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import tempfile
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from .errors import ConfigError, InputError, why

_FIRST_BYTES = 1 << 14
_STATE = "state.json"
_SCHEMA = "fp-scan-state-2"


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
    folder : Path, optional
        Where named columns are kept, so that another process can go on from what :meth:`keep` noted last. Made if missing, readable by its owner only.
    about : mapping, optional
        Plain values; what is found in the folder must have been made for the same.

    Attributes
    ----------
    done : dict of str to int
        What :meth:`keep` noted last, empty for a new folder or none.

    Raises
    ------
    ConfigError
        The folder cannot be written, or it holds the state of something else.
    InputError
        Its state is damaged.

    Notes
    -----
    Temporary files lie where :mod:`tempfile` puts them (``TMPDIR``). The largest columns move out first, those that are read out of order last. What is
    read back is the same, mapped into memory. Kept columns survive the process, not a failure of power.
    """

    def __init__(self, limit: int | None = None, folder: Path | None = None, about: Mapping[str, Any] | None = None) -> None:
        self.limit, self.folder, self._about = limit, folder, dict(about or {})
        self.done: dict[str, int] = {}
        self._columns: weakref.WeakSet[Growing] = weakref.WeakSet()
        self._sizes: dict[str, int] = {}
        if folder is not None:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
            except OSError as error:
                raise ConfigError(f"{str(folder)!r} cannot be written: {why(error)}") from None
            if (folder / _STATE).exists():
                self._load(folder)

    @property
    def taken(self) -> int:
        """Bytes that columns take in memory."""
        return sum(column.in_memory for column in self._columns)

    def admit(self, column: Growing, name: str) -> int | None:
        """Count a column from now on; return how many rows of it are kept already, None where columns of this name are not kept."""
        self._columns.add(column)
        return self._sizes.get(name, 0) if self.folder is not None and name else None

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

    def file(self, name: str = "", size: int = 0) -> IO[bytes]:
        """Open a file to read and append: a kept one, of which only the first `size` bytes count, or one that no directory lists.

        Raises
        ------
        InputError
            The kept file has fewer bytes.
        """
        if self.folder is None or not name:
            return tempfile.TemporaryFile(prefix="fingerprint-")
        path = self.folder / name
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+b")
        if file.seek(0, os.SEEK_END) < size:
            file.close()
            raise InputError(f"{str(path)!r} is damaged: it has fewer than {size:,} bytes; remove {str(self.folder)!r} to begin again")
        file.truncate(size)
        file.seek(size)
        return file

    def own(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return rows that may be written over: the same, or a copy of them in a temporary file where columns are kept."""
        if self.folder is None or not len(rows):
            return rows
        copy = Growing(rows.dtype, rows.shape[1] if rows.ndim == 2 else None, Room(0))
        for low in range(0, len(rows), 1 << 20):
            copy.append(rows[low : low + (1 << 20)])
        return copy.rows

    def save(self, name: str, rows: npt.NDArray[Any]) -> None:
        """Keep rows under a name, where columns are kept."""
        if self.folder is not None:
            column = Growing(rows.dtype, rows.shape[1] if rows.ndim == 2 else None, self, name)
            column.clear()
            column.append(rows)
            self._flush(column)

    def saved(self, name: str, kind: npt.DTypeLike, width: int | None = None) -> npt.NDArray[Any]:
        """Return rows that were kept under a name; they may be written over in memory, not in the file."""
        return Growing(kind, width, self, name).rows.copy()

    def keep(self, **done: int) -> None:
        """Note what is done, and how long all columns are by now; without a folder nothing happens."""
        if self.folder is None:
            return
        for column in self._columns:
            self._flush(column)
        self.done = self.done | done
        state = {"schema": _SCHEMA, "about": self._about, "done": self.done, "rows": self._sizes}
        aside = self.folder / (_STATE + ".partial")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8") as file:
            json.dump(state, file)
        os.replace(aside, self.folder / _STATE)

    def _flush(self, column: Growing) -> None:
        if column.name:
            self._sizes[column.name] = column.flush()

    def _load(self, folder: Path) -> None:
        try:
            state = json.loads((folder / _STATE).read_text("utf-8"))
            rows, done = ({str(name): int(n) for name, n in state[part].items()} for part in ("rows", "done"))
            about = state["about"]
            if state["schema"] != _SCHEMA or min([0, *rows.values(), *done.values()]) < 0:
                raise ValueError("schema")
        except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise InputError(f"{str(folder / _STATE)!r} is damaged; remove {str(folder)!r} to begin again") from None
        if about != json.loads(json.dumps(self._about)):
            differ = sorted(name for name in {*about, *self._about} if not isinstance(about, dict) or about.get(name) != self._about.get(name))
            raise ConfigError(f"{str(folder)!r} holds the state of another scan ({', '.join(differ)}); remove it or name another --out")
        self._sizes, self.done = rows, done


class Growing:
    """Rows that are appended; what there is lies in one piece, and grows without being held twice.

    Parameters
    ----------
    kind : dtype
    width : int, optional
        Columns; without it the array has one dimension.
    room : Room, optional
        That it shares with others.
    name : str, optional
        By which a room with a folder keeps it.
    stays : bool
        Whether it is read out of order, so that others move to files before it does.

    Notes
    -----
    Memory is mapped for itself: growing it moves pages, not bytes, and pages beyond the last row are never touched, where numpy.resize fills them.
    """

    def __init__(self, kind: npt.DTypeLike, width: int | None = None, room: Room | None = None, name: str = "", stays: bool = False) -> None:
        self._kind, self._shape = np.dtype(kind), () if width is None else (width,)
        self._row_bytes = self._kind.itemsize * (1 if width is None else width)
        self._n, self._room, self.name, self.stays = 0, room, name, stays
        self._map: mmap.mmap | None = None
        self._file: IO[bytes] | None = None
        kept = room.admit(self, name) if room is not None else None
        if room is not None and kept is not None:
            self._n = kept
            self._open(room.file(name, kept * self._row_bytes))

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
        file = Room().file()
        file.write(self._view(0, self._n).data)
        self._open(file)
        self._map = None

    def clear(self) -> None:
        """Forget all rows."""
        self._n = 0
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()

    def flush(self) -> int:
        """Hand everything to the file, if there is one; return the number of rows."""
        if self._file is not None:
            self._file.flush()
        return self._n

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
