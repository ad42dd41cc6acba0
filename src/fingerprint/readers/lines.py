"""Lines of bytes that arrive in pieces, with their number and offset, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

CHUNK = 1 << 22
MAX_ROW_BYTES = 16 << 20  # a longer row is rejected and skipped over
BOM = b"\xef\xbb\xbf"
Line = tuple[int, int, bytes | None]


@dataclass(slots=True)
class Splitter:
    """Splits bytes at newlines, however they are cut into pieces.

    A line is (line number, byte offset, bytes without the newline); the bytes are None for a line over ``MAX_ROW_BYTES``.

    Attributes
    ----------
    number, offset : int
        Of what stands behind the last line that was yielded.
    """

    number: int = 0
    offset: int = 0
    _rest: bytes = b""  # of the line in progress
    _skipped: int = 0  # bytes of the line in progress that were given up

    def feed(self, piece: bytes) -> Iterator[Line]:
        """Yield the lines that end in this piece; take them all before the next one is fed."""
        lines = (self._rest + piece if self._rest else piece).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            number, offset, skipped = self.number, self.offset, self._skipped
            self.number, self.offset, self._skipped = number + 1, offset + skipped + len(line) + 1, 0
            yield number, offset, None if skipped or len(line) > MAX_ROW_BYTES else line
        if len(self._rest) > MAX_ROW_BYTES:
            self._rest, self._skipped = b"", self._skipped + len(self._rest)

    def end(self) -> Line | None:
        """Return the line in progress, which nothing will end any more; None where there is none."""
        if not self._rest and not self._skipped:
            return None
        line = next(self.feed(b"\n"))
        self.offset -= 1  # there was no newline
        return line


@dataclass(slots=True)
class Lines:
    """Splits a stream at newlines; iterating yields what :class:`Splitter` does.

    Attributes
    ----------
    head : bytes
        What was read from `stream` before.
    stream : object with ``read(n)``
    start : int, optional
        Offset of the first byte of `head` where that is not the beginning: what stands before the first newline is the end of another line then, and the next
        line has number 0.
    ended : bool
        After the iteration: whether the last line ended in a newline (True for an empty file).
    damaged : bool
        After the iteration: whether the stream broke off with an error; the line in progress is lost with it.
    """

    head: bytes
    stream: Any
    start: int | None = None
    ended: bool = True
    damaged: bool = False
    _splitter: Splitter = field(default_factory=Splitter)

    @property
    def number(self) -> int:
        """Of the line behind the last one."""
        return self._splitter.number

    @property
    def offset(self) -> int:
        """Of the line behind the last one."""
        return self._splitter.offset

    def __iter__(self) -> Iterator[Line]:
        if self.start is not None:
            self._splitter.number, self._splitter.offset = -1, self.start
        elif self.head.startswith(BOM):
            self._splitter.offset = len(BOM)
        lines = self._lines()
        if self.start is not None:
            next(lines, None)
        yield from lines

    def _lines(self) -> Iterator[Line]:
        for chunk in self._chunks():
            yield from self._splitter.feed(chunk)
        last = None if self.damaged else self._splitter.end()
        if last is not None:
            self.ended = False
            yield last

    def _chunks(self) -> Iterator[bytes]:
        import pyarrow as pa

        yield self.head if self.start is not None else self.head.removeprefix(BOM)
        while True:
            try:
                chunk = bytes(self.stream.read(CHUNK))
            except (OSError, pa.ArrowException):
                self.damaged = True
                return
            if not chunk:
                return
            yield chunk
