"""JSON Lines that are piped in."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterator, Mapping
from typing import IO

from ..readers import Decoder
from ..readers.lines import BOM, Line, Splitter
from .base import MAX_BYTES, MAX_ROWS, Delivery, Release, Source

PARTITION = "<stdin>"
CHUNK = 1 << 18


class StdinSource(Source):
    """Rows of a pipe, until it is closed. A last line without newline is a row.

    Positions are line numbers, and say how far reading got; they are not gone back to. A pipe cannot be read again, so what was in it when a process
    died is lost, and every pipe begins anew.

    Parameters
    ----------
    file : binary file, optional
        Another one than stdin, with a descriptor that :func:`select.select` takes.
    """

    def __init__(self, decoder: Decoder, max_rows: int = MAX_ROWS, file: IO[bytes] | None = None) -> None:
        super().__init__(PARTITION, decoder, max_rows)
        self._file = file or sys.stdin.buffer
        self._splitter = Splitter()
        self._lines: Iterator[Line] = iter(())
        self._is_open = True

    @property
    def finished(self) -> bool:
        """Whether the pipe was closed and everything in it delivered."""
        return not self._is_open

    def open(self, positions: Mapping[str, str], release: Release | None = None) -> None:
        """Begin at the line that comes next, whatever the state says."""

    def poll(self, timeout_s: float) -> Delivery | None:
        """Return the next rows; see :meth:`Source.poll`."""
        deadline = time.monotonic() + timeout_s
        rows, n_bytes = self.max_rows, MAX_BYTES
        while self._is_open and rows > 0 and n_bytes > 0:
            for number, offset, line in self._lines:
                self._decode(number, line.removeprefix(BOM) if line and not offset else line)
                rows -= 1
                n_bytes -= len(line) if line is not None else 0
                if rows <= 0 or n_bytes <= 0:
                    break
            else:
                waited = 0.0 if rows < self.max_rows else max(deadline - time.monotonic(), 0.0)
                if not select.select([self._file], [], [], waited)[0]:
                    break
                self._fill()
        return self._delivery({PARTITION: str(self._splitter.number)})

    def close(self) -> None:
        """Read no more; stdin itself stays open."""
        self._is_open = False

    def _fill(self) -> None:
        piece = os.read(self._file.fileno(), CHUNK)
        if piece:
            self._lines = self._splitter.feed(piece)
            return
        last = self._splitter.end()
        if last is not None:
            self._decode(last[0], last[2], is_cut=True)
        self._is_open = False

    def _decode(self, number: int, line: bytes | None, is_cut: bool = False) -> None:
        if line is None:
            self.decoder.reject("too-long", PARTITION, number)
        else:
            self.decoder.json(line, PARTITION, number, is_cut=is_cut)
