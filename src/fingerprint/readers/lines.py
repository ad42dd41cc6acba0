"""Lines of a byte stream, with their number and offset, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CHUNK = 1 << 22
MAX_ROW_BYTES = 16 << 20  # a longer row is rejected and skipped over
BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Lines:
    """Splits a stream at newlines.

    Iterating yields (line number, byte offset, bytes without the newline); bytes are None for a line over ``MAX_ROW_BYTES``.

    Attributes
    ----------
    head : bytes
        What was read from `stream` before.
    stream : object with ``read(n)``
    ended : bool
        After the iteration: whether the last line ended in a newline (True for an empty file).
    damaged : bool
        After the iteration: whether the stream broke off with an error; the line in progress is lost with it.
    number, offset : int
        Of the line behind the last one.
    """

    head: bytes
    stream: Any
    ended: bool = True
    damaged: bool = False
    number: int = 0
    offset: int = 0

    def __iter__(self) -> Iterator[tuple[int, int, bytes | None]]:
        number, offset = 0, len(BOM) if self.head.startswith(BOM) else 0
        rest, skipped = b"", 0  # of the line in progress: what is kept, and bytes given up
        for chunk in self._chunks():
            data = rest + chunk if rest else chunk
            lines = data.split(b"\n")
            rest = lines.pop()
            for line in lines:
                self.number, self.offset = number + 1, offset + skipped + len(line) + 1
                yield number, offset, None if skipped or len(line) > MAX_ROW_BYTES else line
                number, offset, skipped = self.number, self.offset, 0
            if len(rest) > MAX_ROW_BYTES:
                rest, skipped = b"", skipped + len(rest)
        if self.damaged:
            return
        if rest or skipped:
            self.ended = False
            self.number, self.offset = number + 1, offset + skipped + len(rest)
            yield number, offset, None if skipped else rest

    def _chunks(self) -> Iterator[bytes]:
        import pyarrow as pa

        yield self.head.removeprefix(BOM)
        while True:
            try:
                chunk = bytes(self.stream.read(CHUNK))
            except (OSError, pa.ArrowException):
                self.damaged = True
                return
            if not chunk:
                return
            yield chunk
