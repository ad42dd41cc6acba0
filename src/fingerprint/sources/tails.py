"""Files that grow and are rotated: which file a position means, and what stands behind it.

A position names files by inode, since rotation changes names. Two things would make an inode lie: its number is given to another file once the
first is deleted, and truncation leaves it with other content. So a position also holds a checksum of the bytes before it, which neither a new file
nor a rewritten one has; such a file is read from its beginning.
"""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from ..errors import InputError
from ..readers.lines import BOM, Line, Splitter

CHUNK = 1 << 18
EDGE = 64  # bytes before a position that its checksum is of
COMPRESSED = (".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip")
_PLACE = re.compile(r"(\d+):(\d+):([0-9a-f]{8})")
_ROTATED = r"[.-]\d[\d.T_-]*"  # what rotation puts at the end of a name or before its suffix: .1, -20261128, .2026-11-28, -20261128-1764288000

Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A point in a file: its inode, a byte offset, and the CRC-32 of the last ``EDGE`` bytes before that."""

    inode: int
    offset: int = 0
    check: int = 0

    def __str__(self) -> str:
        return f"{self.inode}:{self.offset}:{self.check:08x}"


def parse_position(text: str, partition: str) -> list[Place]:
    """Return the places that a position stands for: one in the file being read, and the beginnings of those that took over its name since.

    Raises
    ------
    InputError
        The text is no position of a file.
    """
    found = [_PLACE.fullmatch(part) for part in text.split(",") if text]
    places = [Place(int(match[1]), int(match[2]), int(match[3], 16)) for match in found if match is not None]
    if len(places) < len(found):
        raise InputError(f"{text!r} is no position of {partition!r}; begin a new state, or give the source that this one was made from")
    return places


@dataclass(slots=True, eq=False)
class LogFile:
    """One file, open: its lines from a place on, and the place behind the last line that was taken.

    Attributes
    ----------
    descriptor : int
    identity : (int, int)
        Device and inode.
    place : Place
    size : int
        When it was last looked at.
    truncated : bool
        Whether the content before the place was found to be another one, so that reading began anew; cleared by whoever tells.
    """

    descriptor: int
    identity: Identity
    place: Place
    size: int
    truncated: bool = False
    _splitter: Splitter = field(default_factory=Splitter)
    _lines: Iterator[Line] = field(default_factory=lambda: iter(()))
    _read: Place = Place(0)  # how far bytes were read, lines or not
    _bytes: bytes = b""  # the last ones that were read, and an edge before them
    _grew_at: float = 0.0

    @classmethod
    def open(cls, path: str) -> LogFile:
        """Open a file at its beginning; OSError where it cannot be."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(descriptor)
        place = Place(status.st_ino)
        file = cls(descriptor, (status.st_dev, status.st_ino), place, status.st_size, _read=place)
        file._grew_at = time.monotonic() - max(time.time() - status.st_mtime, 0.0)
        return file

    def resume(self, place: Place) -> bool:
        """Go on at a place, if it is one of this file and the bytes before it are those that it was made from; say whether it is."""
        edge = min(place.offset, EDGE)
        if place.inode != self.place.inode or place.offset > self.size or crc32(os.pread(self.descriptor, edge, place.offset - edge)) != place.check:
            return False
        self._begin(place)
        return True

    @property
    def written_ns(self) -> int:
        """When it was last written."""
        return os.fstat(self.descriptor).st_mtime_ns

    @property
    def waiting(self) -> int:
        """Bytes behind the place."""
        return max(self.size - self.place.offset, 0)

    def lines(self, n: int, n_bytes: int) -> list[tuple[int, bytes | None]]:
        """Return byte offset and bytes of the next whole lines, up to `n` or the one that passes `n_bytes`; the place moves behind them."""
        found: list[tuple[int, bytes | None]] = []
        while n > 0 and n_bytes > 0:
            for _, offset, line in self._lines:
                found.append((offset, line.removeprefix(BOM) if line and not offset else line))
                n -= 1
                n_bytes -= len(line) if line is not None else 0
                if n <= 0 or n_bytes <= 0:
                    break
            self._move()
            if n > 0 and n_bytes > 0 and not self._fill():
                break
        return found

    def last_line(self) -> tuple[int, bytes | None] | None:
        """Return the line that nothing has ended, where nothing will any more."""
        line = self._splitter.end()
        if line is None:
            return None
        self._move()
        return line[1:]

    def quiet_s(self) -> float:
        """Return for how long the file has not grown."""
        return time.monotonic() - self._grew_at

    def close(self) -> None:
        """Let go of the file."""
        os.close(self.descriptor)

    def _begin(self, place: Place) -> None:
        self.place = self._read = place
        self._splitter, self._lines, self._bytes = Splitter(offset=place.offset), iter(()), b""

    def _fill(self) -> bool:
        """Read on; False where nothing has come. The bytes before are read again: other ones mean that the file was truncated."""
        edge = min(self._read.offset, EDGE)
        found = os.pread(self.descriptor, edge + CHUNK, self._read.offset - edge)
        if len(found) < edge or crc32(found[:edge]) != self._read.check:
            self._begin(Place(self.place.inode))
            self.truncated = True
            return self._fill()
        self.size = max(os.fstat(self.descriptor).st_size, self._read.offset)
        if len(found) == edge:
            self._bytes = self._bytes[-EDGE:]
            return False
        offset = self._read.offset + len(found) - edge
        self._bytes, self._read, self._grew_at = found, Place(self.place.inode, offset, crc32(found[-EDGE:])), time.monotonic()
        self._lines = self._splitter.feed(found[edge:])
        return True

    def _move(self) -> None:
        """Put the place behind the last line that was taken: it ended among the bytes that were read last."""
        offset = self._splitter.offset
        if offset != self.place.offset:
            end = len(self._bytes) - (self._read.offset - offset)
            self.place = Place(self.place.inode, offset, crc32(self._bytes[max(end - EDGE, 0) : end]))


@dataclass(slots=True, eq=False)
class Tail:
    """The files behind one path, oldest first: those before the last one were rotated away and have rows left."""

    path: str
    files: deque[LogFile] = field(default_factory=deque)
    told: str = ""  # the position that the state has
    gone: bool = False  # nothing has this name
    ended: bool = False  # read to an end that is one

    @property
    def partition(self) -> str:
        """Name under which its rows and positions go."""
        return f"file:{self.path}"

    @property
    def position(self) -> str:
        """Where reading goes on, as :func:`parse_position` reads it."""
        return ",".join(str(file.place) for file in self.files)

    def holds(self, identity: Identity) -> LogFile | None:
        """Return that file if it is one of these."""
        return next((file for file in self.files if file.identity == identity), None)


def rotated_since(path: str, time_ns: int) -> list[str]:
    """Return files of the same folder that look like `path` after rotation and were last written after that time, in the order of their last writing."""
    name = Path(os.path.realpath(path))
    pattern = re.compile(rf"{re.escape(name.name)}{_ROTATED}|{re.escape(name.stem)}{_ROTATED}{re.escape(name.suffix)}")
    with os.scandir(name.parent) as entries:
        found = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if pattern.fullmatch(entry.name) and entry.is_file()]
    return [other for written, other in sorted(found) if written > time_ns]


def names_of(path: str, inode: int) -> list[str]:
    """Return the names that a file may have by now that once was at `path`: this one, and those in its folder with that inode."""
    with os.scandir(os.path.dirname(os.path.realpath(path))) as entries:
        renamed = [entry.path for entry in entries if entry.inode() == inode and entry.is_file(follow_symlinks=False)]
    return [path, *renamed]
