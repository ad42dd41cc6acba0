"""Events in batches: what every reader hands over, and the one place where a row is accepted or rejected."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .accounting import MAX_FIELDS, RejectLog, RowAccounting
from .shapes import ACCOUNT, EXTRAS, MESSAGES, PLAIN, SYSTEM, TIME, Paths, PerKeys, Reject, extract, first
from .values import Times, account_id

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 16_384
BATCH_BYTES = 32 << 20
COLUMNS = ("account_id", "timestamp", "prompt", "system", *EXTRAS)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_PLAIN = frozenset((*MESSAGES, *SYSTEM, "type", "gen_ai", "gen_ai.input", "gen_ai.request", "attributes", "body", "request", "resource"))


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of rows with one set of keys are, all at the top level; found once per set, so that a row costs a few look-ups."""

    account: str
    time: str
    prompt: str
    extras: tuple[tuple[int, str], ...]


def layout_of(keys: tuple[str, ...], mapping: Mapping[str, str]) -> Layout | None:
    """Return the layout of rows with these keys, None where :func:`fingerprint.readers.shapes.extract` has to look deeper."""
    known = set(keys)
    if "system" in mapping or (known & _NOT_PLAIN) - set(mapping.values()):
        return None
    account = mapping.get("account") or _top(known, ACCOUNT)
    time = mapping.get("time") or _top(known, TIME)
    prompt = mapping.get("prompt") or _top(known, PLAIN)
    if account not in known or time not in known or prompt not in known:
        return None
    extras = []
    for place, (name, paths) in enumerate(EXTRAS.items()):
        path = mapping.get(name) or _top(known, paths)
        if path is _DEEPER or (path is not None and path not in known):
            return None
        if path is not None:
            extras.append((place, path))
    return Layout(str(account), str(time), str(prompt), tuple(extras))


_DEEPER = "\0deeper"


def _top(known: set[str], paths: tuple[str, ...]) -> str | None:
    """Return the first of `paths` that rows with these keys have, ``_DEEPER`` where that one is nested."""
    for path in paths:
        if path in known:
            return path
        if "." in path and path.partition(".")[0] in known:
            return _DEEPER
    return None


@dataclass(slots=True)
class Origin:
    """A file, or a partition of a stream: what all its rows share.

    Attributes
    ----------
    facts : dict
        Format, compression, shape of the rows once one was seen, unit of numeric times once it was noted.
    times : Times
        Holds the unit of numeric times, found at the first one.
    number : int
        Place in ``RowAccounting.files``, -1 before it has one there.
    """

    facts: dict[str, str]
    times: Times
    number: int = -1

    def note_unit(self) -> None:
        """Put the unit of numeric times among the facts, if one was seen."""
        if self.times.unit is not None:
            self.facts["time_unit"] = self.times.unit


@dataclass(slots=True)
class Batcher:
    """Collects accepted rows into record batches, and counts the others.

    Attributes
    ----------
    mapping : dict
        Field paths given by the user.
    accounting : RowAccounting
    rejects : RejectLog
    """

    mapping: dict[str, str]
    accounting: RowAccounting = field(default_factory=RowAccounting)
    rejects: RejectLog = field(default_factory=RejectLog)
    origin: Origin = field(default_factory=lambda: Origin({}, Times()))
    fields_seen: tuple[str, ...] = ()
    _events: list[tuple[Any, ...]] = field(default_factory=list)
    _bytes: int = 0
    _layouts: PerKeys[Layout | Paths] = field(default_factory=PerKeys)

    def open_file(self, name: str, time_unit: str | None = None, **facts: str) -> None:
        """Begin a file: its number goes with its rows, and the unit of its numeric times is found anew where it is not given."""
        base, n = name, 2
        while name in self.accounting.files:
            name, n = f"{base} ({n})", n + 1
        self.turn_to(name, Origin(facts, Times(self.mapping.get("time_unit", time_unit))))

    def turn_to(self, name: str, origin: Origin) -> None:
        """Let the next rows be those of `origin`, which gets a number if it has none."""
        if origin.number < 0:
            origin.number = len(self.accounting.files)
            self.accounting.files[name] = origin.facts
        self.origin = origin

    def close_file(self) -> None:
        """Note what was learned about the file."""
        self.origin.note_unit()

    def note_shape(self, shape: str) -> None:
        """Note the shape of the rows of this file, the first one that is seen."""
        self.origin.facts.setdefault("shape", shape)

    @property
    def full(self) -> bool:
        """Whether a batch is ready."""
        return len(self._events) >= BATCH_ROWS or self._bytes >= BATCH_BYTES

    def blank(self) -> None:
        """Count a line without content."""
        self.accounting.read += 1
        self.accounting.blank += 1

    def reject(self, kind: str, line: int, offset: int = -1, n_rows: int = 1) -> None:
        """Count rows that cannot be used; one entry in the ledger."""
        self.accounting.read += n_rows
        self.accounting.rejected[kind] += n_rows
        self.rejects.add(self.origin.number, line, offset, kind)

    def row(self, row: Any, line: int, offset: int = -1) -> None:
        """Accept or reject one row of decoded values."""
        try:
            if not isinstance(row, dict):
                raise Reject("not-an-object")
            keys = tuple(row)
            layout = self._layouts.get(keys) or self._learn(keys)
            if isinstance(layout, Layout):
                self._plain(row, layout, line)
            else:
                self._deep(row, layout, line)
        except Reject as reject:
            self.reject(reject.kind, line, offset)
        except RecursionError:  # in memory: a list that holds itself
            self.reject("too-deep", line, offset)

    def _learn(self, keys: tuple[str, ...]) -> Layout | Paths:
        named = tuple(k for k in keys if isinstance(k, str))
        layout = (layout_of(keys, self.mapping) if len(named) == len(keys) else None) or Paths.of(named, self.mapping)
        self.fields_seen = self.fields_seen or tuple(str(k) for k in keys[: MAX_FIELDS + 1])
        self._layouts.remember(keys, layout)
        return layout

    def _plain(self, row: dict[str, Any], layout: Layout, line: int) -> None:
        prompt, account = row[layout.prompt], row[layout.account]
        if not isinstance(prompt, str) or account is None or row[layout.time] is None or ("prompt" in self.mapping and prompt[:1] in "[{" and prompt):
            return self._deep(row, Paths.of(row, self.mapping), line)
        extras: list[str | None] = [None] * len(EXTRAS)
        for place, path in layout.extras:
            extras[place] = self._extra(row[path])
        self.note_shape("plain")
        self._add((account_id(account), self.origin.times.microseconds(row[layout.time]), prompt, None, *extras), line)

    def _deep(self, row: dict[str, Any], paths: Paths, line: int) -> None:
        fields = extract(row, self.mapping, paths)
        account = account_id(fields.account)
        moment = self.origin.times.microseconds(fields.time)
        extras = [self._extra(first(row, some)) if some else None for some in paths.extras]
        self.note_shape("nested")
        self._add((account, moment, fields.prompt, fields.system, *extras), line)

    @staticmethod
    def _extra(value: Any) -> str | None:
        """Return a link column as text; anything but text and whole numbers is no link."""
        if isinstance(value, str):
            return value[:1024] or None
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else None

    def _add(self, event: tuple[Any, ...], line: int) -> None:
        self._events.append((*event, self.origin.number, line))
        self._bytes += len(event[2])
        self.accounting.read += 1
        self.accounting.accepted += 1

    def batches(self, at_end: bool = False) -> Iterator[pa.RecordBatch]:
        """Yield what is ready; everything, `at_end`."""
        if self._events and (at_end or self.full):
            yield self._flush()

    def _flush(self) -> pa.RecordBatch:
        import pyarrow as pa

        kinds = {"timestamp": pa.int64(), "prompt": pa.large_string(), "system": pa.large_string(), "file": pa.int32(), "line": pa.int64()}
        names = (*COLUMNS, "file", "line")
        arrays = []
        for name, values in zip(names, zip(*self._events, strict=True), strict=True):
            kind = kinds.get(name, pa.string())
            try:
                array = pa.array(values, kind)
            except UnicodeEncodeError:
                array = pa.array([self._repair(v, name) for v in values], kind)
            arrays.append(array.cast(pa.timestamp("us", "UTC")) if name == "timestamp" else array)
        self._events, self._bytes = [], 0
        return pa.RecordBatch.from_arrays(arrays, list(names))

    def _repair(self, value: str | None, name: str) -> str | None:
        """Put U+FFFD for surrogates that stand alone: JSON escapes can write them, UTF-8 cannot."""
        if value is None or not _LONE_SURROGATE.search(value):
            return value
        self.accounting.replaced += name == "prompt"
        return _LONE_SURROGATE.sub("\ufffd", value)
