"""Row accounting: every row is accepted, blank, or rejected with a class, and the sums must agree."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

#: Reject classes and what they mean. Rejects carry file, row and offset, never text.
CLASSES = {
    "invalid-utf8": "the row's bytes are not UTF-8",
    "invalid-json": "the row is not JSON",
    "truncated": "the last row of a file ends in the middle",
    "truncated-stream": "a compressed stream ends in the middle or is damaged",
    "not-an-object": "valid JSON, but no object",
    "duplicate-key": "a field that decides who asked what stands twice in one object",
    "number-out-of-range": "a number that no 64-bit type holds, NaN or Infinity",
    "too-deep": "nested deeper than any log",
    "too-long": "longer than the row limit",
    "wrong-type": "a field of the wrong type: a list, object, Boolean or number where text is due",
    "missing-account": "no account",
    "missing-timestamp": "no time",
    "missing-prompt": "no text from a user",
    "account-too-long": "an account id of more than 1,024 bytes",
    "bad-timestamp": "a time that cannot be read",
    "timestamp-out-of-range": "a time before 2000 or after 2100",
    "not-a-prompt": "a row of another kind in a mixed log, such as a span that is no generation",
    "wrong-field-count": "a CSV row with more or fewer fields than the header",
    "unbalanced-quote": "a CSV quote that is opened and not closed within the limit",
    "damaged-file": "the rest of a columnar file cannot be read",
}
BROKEN = ("truncated-stream", "damaged-file")  # behind which nobody knows how many rows there were
MAX_FIELDS = 12  # of a row, that a hint names
_MISSING = {"missing-account": "account", "missing-timestamp": "time", "missing-prompt": "prompt"}


@dataclass(slots=True)
class RowAccounting:
    """Counts of rows over all files; those of parts add up by ``+=``.

    Attributes
    ----------
    read, accepted, blank, replaced : int
        `replaced` rows are accepted ones in which unpaired surrogates became U+FFFD.
    rejected : Counter
        By class.
    files : dict of str to dict
        Per file, in order: format, compression, shape, and the unit of numeric times if there were any; per partition of a stream the last two.
    """

    read: int = 0
    accepted: int = 0
    blank: int = 0
    replaced: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    files: dict[str, dict[str, str]] = field(default_factory=dict)

    def __iadd__(self, other: RowAccounting) -> RowAccounting:
        self.read += other.read
        self.accepted += other.accepted
        self.blank += other.blank
        self.replaced += other.replaced
        self.rejected.update(other.rejected)
        self.files.update(other.files)
        return self

    def check(self) -> None:
        """Raise AssertionError unless read = accepted + rejected + blank."""
        if self.read != self.accepted + self.blank + self.rejected.total():
            raise AssertionError(f"{self.read} rows read, {self.accepted} accepted, {self.blank} blank, {self.rejected.total()} rejected")

    def hint(self, fields_seen: Sequence[str]) -> str:
        """Return what to do where hardly a row could be used for want of one field; empty otherwise."""
        if not self.rejected or self.accepted >= self.rejected.total():
            return ""
        kind, count = self.rejected.most_common(1)[0]
        if kind not in _MISSING:
            return f"{count:,} of {self.read:,} rows were rejected as {kind}: {CLASSES[kind]}"
        names = ", ".join(repr(name[:40]) for name in fields_seen[:MAX_FIELDS]) + (", ..." if len(fields_seen) > MAX_FIELDS else "")
        field = _MISSING[kind]
        return f"no {field} was found in {count:,} of {self.read:,} rows; name its field with --map {field}=PATH (fields seen: {names})"


_NAMES = tuple(CLASSES)
_NUMBER = {name: i for i, name in enumerate(_NAMES)}


@dataclass(slots=True)
class RejectLog:
    """Where rejected rows stand; 21 bytes a row."""

    file: array[int] = field(default_factory=lambda: array("i"))
    line: array[int] = field(default_factory=lambda: array("q"))
    offset: array[int] = field(default_factory=lambda: array("q"))
    kind: array[int] = field(default_factory=lambda: array("b"))

    def add(self, file: int, line: int, offset: int, kind: str) -> None:
        """Note one row, or one damaged part of a file."""
        self.file.append(file)
        self.line.append(line)
        self.offset.append(offset)
        self.kind.append(_NUMBER[kind])

    def table(self, files: Sequence[str]) -> pa.Table:
        """Return file, line (0-based), offset (bytes of the decompressed text; -1 where there is none), class."""
        import pyarrow as pa

        def named(index: array[int], names: Sequence[str]) -> pa.Array:
            codes = pa.array(np.frombuffer(index, index.typecode), pa.int32())
            return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string())).cast(pa.string())

        return pa.table({"file": named(self.file, files), "line": np.frombuffer(self.line, np.int64), "offset": np.frombuffer(self.offset, np.int64),
                         "class": named(self.kind, _NAMES)})
