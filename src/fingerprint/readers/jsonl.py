"""JSON Lines, and files that are one JSON array: a bad row is rejected by class and takes no other with it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from .batches import Batcher
from .lines import BOM, CHUNK, MAX_ROW_BYTES, Lines
from .shapes import ACCOUNT, MESSAGES, PLAIN, TIME, PerKeys, Reject
from .sources import Source

if TYPE_CHECKING:
    import pyarrow as pa

MAX_DEPTH = 200
MAX_ARRAY_BYTES = 1 << 30  # of a file that is one array: it is decoded as a whole
MAX_DIGITS = 400
# Names that decide who asked what and when; a second one in the same object is an attempt to show two readers two things.
_DECIDING = frozenset(path.rpartition(".")[2] for path in (*ACCOUNT, *TIME, *PLAIN, *MESSAGES)) - {"content", "text", "input", "id"}
_TEXTS = frozenset(("content", "text", "input"))  # too frequent to be searched for, and wrong all the same
_ESCAPED_LETTER = re.compile(rb"\\u00(?:2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF])")  # of a name: letters, digits, "-", "." and "_"
Pattern = tuple[bytes, re.Pattern[bytes]]


def read_jsonl(source: Source, batcher: Batcher, part: tuple[int, int] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the accepted events of a JSON Lines file; of a part of it, the lines that begin from one byte on and before another, numbered from 0."""
    if part is None and is_array(source.head):
        yield from _read_array(source, batcher)
        return
    low, end = part or (0, sys.maxsize)
    lines = Lines(b"", source.from_byte(low - 1), low - 1) if low else Lines(source.head, source.stream)
    twins = TwinCheck(batcher.mapping)
    for number, offset, line in lines:
        if offset >= end and (number or low):  # the first line of all may begin behind a mark of byte order
            return
        read_line(batcher, line, (number, offset), twins, is_cut=not lines.ended)
        if batcher.full:
            yield from batcher.batches()
    if lines.damaged:
        batcher.reject("truncated-stream", lines.number, lines.offset)


def read_line(batcher: Batcher, line: bytes | None, place: tuple[int, int], twins: TwinCheck, *, is_cut: bool = False) -> None:
    """Accept or reject one line, None for one over the limit; `is_cut` where a line may end in the middle of its row."""
    if line is None or len(line) > MAX_ROW_BYTES:
        return batcher.reject("too-long", *place)
    try:
        row = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if not line.strip():
            return batcher.blank()
        try:
            row = decode_slowly(line, twins.names)
        except Reject as reject:
            return batcher.reject("truncated" if is_cut and reject.kind == "invalid-json" else reject.kind, *place)
    else:
        if isinstance(row, dict) and twins(row, line):
            return batcher.reject("duplicate-key", *place)
    batcher.row(row, *place)


class TwinCheck:
    """Finds rows in which a deciding name stands twice in one object: the decoder keeps the last one and says nothing.

    A row costs one search per deciding name that it has; a second parse is due only where a name is followed by a colon more than once, or where
    letters are written as escapes, as no encoder does.

    Attributes
    ----------
    names : frozenset of str
        The deciding names.
    """

    def __init__(self, mapping: dict[str, str]) -> None:
        own = {part for name, path in mapping.items() if name in ("account", "time", "prompt") for part in path.split(".")}
        self.names = _DECIDING | own
        self._patterns: PerKeys[tuple[Pattern, ...]] = PerKeys()
        self._by_name = {name: (f'"{name}"'.encode(), re.compile(rb'"%s"\s*:' % re.escape(name.encode()))) for name in sorted(self.names)}

    def __call__(self, row: dict[str, Any], line: bytes) -> bool:
        """Say whether the row, decoded from `line`, has such a name."""
        may_have = self._repeats(row, line) or (line.find(b"{", 1) > 0 and self._repeats_within(row, line))
        return (may_have or (b"\\u00" in line and _ESCAPED_LETTER.search(line) is not None)) and self._has_twins(line)

    def _repeats(self, one: dict[str, Any], line: bytes) -> bool:
        """Say whether a deciding name of this object is one in several places of the line."""
        keys = tuple(one)
        patterns = self._patterns.get(keys)
        if patterns is None:
            patterns = tuple(self._by_name[name] for name in sorted(self.names.intersection(keys)))
            self._patterns.remember(keys, patterns)
        return any(line.count(text) > 1 and len(key.findall(line)) > 1 for text, key in patterns)

    def _repeats_within(self, row: dict[str, Any], line: bytes) -> bool:
        objects = [value for value in row.values() if isinstance(value, dict)]
        for one in objects:
            if self._repeats(one, line):
                return True
            objects += [value for value in one.values() if isinstance(value, dict)]
        return False

    def _has_twins(self, line: bytes) -> bool:
        try:
            decode_slowly(line, self.names)
        except Reject as reject:
            return reject.kind == "duplicate-key"
        return False


def decode_slowly(line: bytes, names: frozenset[str] = _DECIDING) -> Any:
    """Decode what the fast decoder refused or cannot see, and say what is wrong with it; none of `names` may stand twice in an object.

    Raises
    ------
    Reject
        With the class.
    """

    def an_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            present = [name for name, _ in pairs]
            if any(present.count(name) > 1 for name in (names | _TEXTS).intersection(present)):
                raise Reject("duplicate-key")
        return found

    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Reject("invalid-utf8") from None
    if _depth(text) > MAX_DEPTH:
        raise Reject("too-deep")
    try:
        return json.loads(text, object_pairs_hook=an_object, parse_constant=_no_number, parse_int=_integer, parse_float=_float)
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


def is_array(head: bytes) -> bool:
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
        read_line(batcher, bytes(row), (number, -1), twins)
        if batcher.full:
            yield from batcher.batches()
