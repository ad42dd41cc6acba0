"""CSV with a header (RFC 4180): quoted newlines, and a bad row that takes no other with it.

A record ends where the number of its quotes is even, since a quote inside a field is doubled. A quote that is opened and never closed would
swallow what follows it; so where several lines make no good record together, only the first of them is rejected, and reading goes on
with the second.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import InputError
from .batches import Batcher
from .lines import Line, Lines
from .shapes import Reject
from .sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

MAX_LINES, MAX_RECORD_BYTES = 10_000, 16 << 20


def read_csv(source: Source, batcher: Batcher) -> Iterator[pa.RecordBatch]:
    """Yield the accepted events of a CSV file.

    Raises
    ------
    InputError
        There is no header.
    """
    csv.field_size_limit(MAX_RECORD_BYTES)  # of the whole process, 128 kB by default: prompts are longer
    lines = Lines(source.head, source.stream)
    pending: deque[Line] = deque()
    feed = iter(lines)
    header: list[str] | None = None
    delimiter = ","
    while True:
        if not pending:
            taken = next(feed, None)
            if taken is None:
                break
            pending.append(taken)
        number, offset, line = pending[0]
        if line is None:
            pending.popleft()
            batcher.reject("too-long", number, offset)
            continue
        if not line.strip():
            pending.popleft()
            batcher.blank()
            continue
        if header is None:
            pending.popleft()
            header, delimiter = _header(line, source.name)
            continue
        used, record = _record(pending, feed)
        try:
            row = dict(zip(header, _split(record, delimiter, len(header)), strict=True))
        except Reject as reject:
            pending.popleft()
            batcher.reject(reject.kind if used == 1 else "unbalanced-quote", number, offset)
            continue
        for _ in range(used):
            pending.popleft()
        batcher.row(row, number, offset)
        if batcher.full:
            yield from batcher.batches()
    if lines.damaged:
        batcher.reject("truncated-stream", lines.number, lines.offset)


def _header(line: bytes, name: str) -> tuple[list[str], str]:
    try:
        text = line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        raise InputError(f"the first line of {name!r} is not UTF-8: a CSV file begins with the names of its columns") from None
    delimiter = max(",\t;", key=text.count)
    names = [n.strip() for n in next(csv.reader([text], delimiter=delimiter))]
    if len(set(names)) < len(names):
        raise InputError(f"{name!r} has a column twice")
    return names, delimiter


def _record(pending: deque[Line], feed: Iterator[Line]) -> tuple[int, bytes]:
    """Return how many of the pending lines make a record, and the record; more are taken from `feed` as needed."""
    first = pending[0][2] or b""
    quotes, size, used = first.count(b'"'), len(first), 1
    parts = [first]
    while quotes % 2:
        if used == len(pending):
            taken = next(feed, None)
            if taken is not None:
                pending.append(taken)
        if used == len(pending) or pending[used][2] is None or used >= MAX_LINES or size > MAX_RECORD_BYTES:
            return max(used, 2), first  # never closed
        line = pending[used][2] or b""
        parts.append(line)
        quotes, size, used = quotes + line.count(b'"'), size + len(line) + 1, used + 1
    return used, b"\n".join(parts)


def _split(record: bytes, delimiter: str, n_fields: int) -> list[str]:
    try:
        text = record.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError:
        raise Reject("invalid-utf8") from None
    if '"' not in text:
        fields = text.split(delimiter)
    else:
        try:
            rows = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True))
        except csv.Error:
            raise Reject("unbalanced-quote") from None
        if len(rows) != 1:
            raise Reject("unbalanced-quote")
        fields = rows[0]
    if len(fields) != n_fields:
        raise Reject("wrong-field-count")
    return fields
