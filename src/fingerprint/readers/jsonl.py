"""JSON Lines, and files that are one JSON array: a bad row is rejected by class and takes no other with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from .batches import Batcher
from .lines import BOM, CHUNK, Lines
from .shapes import ACCOUNT, MESSAGES, PLAIN, TIME, Reject
from .sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

MAX_DEPTH = 200
MAX_ARRAY_BYTES = 1 << 30  # of a file that is one array: it is decoded as a whole
MAX_DIGITS = 400
# Names that decide who asked what and when; a second one in the same object is an attempt to show two readers two things.
_DECIDING = frozenset(path.rpartition(".")[2] for path in (*ACCOUNT, *TIME, *PLAIN, *MESSAGES)) - {"content", "text", "input", "id"}


def read_jsonl(source: Source, batcher: Batcher) -> Iterator[pa.RecordBatch]:
    """Yield the accepted events of a JSON Lines file."""
    lines = Lines(source.head, source.stream)
    if _is_array(source.head):
        yield from _read_array(source, batcher)
        return
    twins = TwinCheck(batcher.mapping)
    for number, offset, line in lines:
        if line is None:
            batcher.reject("too-long", number, offset)
        elif not line.strip():
            batcher.blank()
        else:
            _read_row(batcher, line, (number, offset), twins, is_cut=not lines.ended)
        if batcher.full:
            yield from batcher.batches()
    if lines.damaged:
        batcher.reject("truncated-stream", lines.number, lines.offset)


class TwinCheck:
    """Finds rows in which a deciding name stands twice in one object: the decoder keeps the last one and says nothing.

    A row costs one search per deciding name that it has; a second parse is due only where a name is followed by a colon more than once.
    """

    def __init__(self, mapping: dict[str, str]) -> None:
        own = {part for name, path in mapping.items() if name in ("account", "time", "prompt") for part in path.split(".")}
        self._names = _DECIDING | own
        self._patterns: dict[tuple[str, ...], tuple[tuple[bytes, re.Pattern[bytes]], ...]] = {}

    def __call__(self, row: dict[str, Any], line: bytes) -> bool:
        """Say whether the row, decoded from `line`, has such a name."""
        keys = tuple(row)
        patterns = self._patterns.get(keys)
        if patterns is None:
            names = self._names.intersection(keys).union(*(self._names.intersection(v) for v in row.values() if isinstance(v, dict)))
            patterns = tuple((f'"{n}"'.encode(), re.compile(rb'"%s"\s*:' % re.escape(n.encode()))) for n in sorted(names))
            if len(self._patterns) < 4096:
                self._patterns[keys] = patterns
        return any(line.count(text) > 1 and len(key.findall(line)) > 1 for text, key in patterns) and _has_twins(line)


def _read_row(batcher: Batcher, line: bytes, place: tuple[int, int], twins: TwinCheck, *, is_cut: bool) -> None:
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            row = decode_slowly(line)
        except Reject as reject:
            batcher.reject("truncated" if is_cut and reject.kind == "invalid-json" else reject.kind, *place)
            return
    else:
        if isinstance(row, dict) and twins(row, line):
            batcher.reject("duplicate-key", *place)
            return
    batcher.row(row, *place)


def _has_twins(line: bytes) -> bool:
    try:
        decode_slowly(line)
    except Reject as reject:
        return reject.kind == "duplicate-key"
    return False


def decode_slowly(line: bytes) -> Any:
    """Decode what the fast decoder refused or cannot see, and say what is wrong with it.

    Raises
    ------
    Reject
        With the class.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Reject("invalid-utf8") from None
    if _depth(text) > MAX_DEPTH:
        raise Reject("too-deep")
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_int=_integer, parse_float=_float)
    except RecursionError:
        raise Reject("too-deep") from None
    except ValueError:
        raise Reject("invalid-json") from None


def _depth(text: str) -> int:
    """Return an upper bound of the nesting: brackets inside strings count too."""
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        if any(names.count(name) > 1 for name in _DECIDING.intersection(names) | ({"content", "text", "input"} & set(names))):
            raise Reject("duplicate-key")
    return found


def _no_number(text: str) -> Any:
    raise Reject("number-out-of-range")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise Reject("number-out-of-range")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Reject("number-out-of-range")
    return value


def _is_array(head: bytes) -> bool:
    """Say whether a file is one JSON array: it opens with a bracket, and its first line is no JSON by itself or holds objects."""
    text = head.removeprefix(BOM).lstrip()
    if not text.startswith(b"["):
        return False
    return text[1:].lstrip().startswith(b"{")


def _read_array(source: Source, batcher: Batcher) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    parts, size = [source.head.removeprefix(BOM)], len(source.head)
    try:
        while chunk := bytes(source.stream.read(CHUNK)):
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_ARRAY_BYTES:
                batcher.reject("too-long", 0, 0)
                return
    except (OSError, pa.ArrowException):
        batcher.reject("truncated-stream", 0, size)
        return
    try:
        rows = msgspec.json.decode(b"".join(parts), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        batcher.reject("invalid-json", 0, 0)  # nothing tells where its rows begin and end
        return
    twins = TwinCheck(batcher.mapping)
    for number, row in enumerate(rows):
        _read_row(batcher, bytes(row), (number, -1), twins, is_cut=False)
        if batcher.full:
            yield from batcher.batches()
