"""Row accounting: every row is accepted, blank, or rejected with a class, and the sums must agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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


@dataclass(slots=True)
class RowAccounting:
    """Counts of rows over all files; they add up by ``+=`` of their parts.

    Attributes
    ----------
    read, accepted, blank, replaced : int
        `replaced` rows are accepted ones in which unpaired surrogates became U+FFFD.
    rejected : Counter
        By class.
    files : dict of str to dict
        Per file: format, shape, and the unit of numeric times if there were any.
    """

    read: int = 0
    accepted: int = 0
    blank: int = 0
    replaced: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    files: dict[str, dict[str, str]] = field(default_factory=dict)

    def check(self) -> None:
        """Raise AssertionError unless read = accepted + rejected + blank."""
        if self.read != self.accepted + self.blank + self.rejected.total():
            raise AssertionError(f"{self.read} rows read, {self.accepted} accepted, {self.blank} blank, {self.rejected.total()} rejected")


@dataclass(slots=True)
class RejectLog:
    """Where rejected rows stand; 25 bytes a row."""

    file: list[str] = field(default_factory=list)
    line: list[int] = field(default_factory=list)
    offset: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)

    def add(self, file: str, line: int, offset: int, kind: str) -> None:
        """Note one row."""
        self.file.append(file)
        self.line.append(line)
        self.offset.append(offset)
        self.kind.append(kind)

    def table(self) -> pa.Table:
        """Return file, line (0-based), offset (bytes; -1 where there is none), class."""
        import pyarrow as pa

        return pa.table({"file": pa.array(self.file, pa.string()), "line": pa.array(self.line, pa.int64()), "offset": pa.array(self.offset, pa.int64()),
                         "class": pa.array(self.kind, pa.string())})
