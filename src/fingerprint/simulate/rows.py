"""The plan of a piece of traffic: one entry per prompt, no text yet. 54 bytes a row when stored, so that 30 million can be sorted by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fingerprint.simulate.draws import Ints, Keys

_STORED: Final = {"time": np.int64, "root": np.int32, "topic": np.int16, "row": np.uint64, "body": np.uint64, "conversation": np.uint64,
                  "persona": np.uint64, "human": np.bool_, "habits": np.bool_, "noise": np.int16}


@dataclass(slots=True)
class Rows:
    """Columns of a plan, all of one length.

    ``account`` int64 (slot in the piece), ``time`` int64 (microseconds since the start), ``root`` int64 (grammar rule), ``topic`` int64, ``row``,
    ``body``, ``conversation``, ``persona`` uint64 keys, ``human`` bool (typed by a person: errors apply), ``habits`` bool (the persona's
    favourites apply), ``noise`` int64 (number of the campaign whose noise applies, -1: none).
    """

    account: Ints
    time: Ints
    root: Ints
    topic: Ints
    row: Keys
    body: Keys
    conversation: Keys
    persona: Keys
    human: npt.NDArray[np.bool_]
    habits: npt.NDArray[np.bool_]
    noise: Ints

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: npt.NDArray[np.integer] | slice) -> Rows:
        """Return the given rows, in that order."""
        return Rows(*(getattr(self, f.name)[rows] for f in fields(self)))


def concat(parts: Sequence[Rows]) -> Rows:
    """Put plans one after the other; at least one part."""
    return Rows(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Rows)))


@dataclass(slots=True)
class Store:
    """The plan of a whole world in narrow columns, filled piece by piece.

    Parameters
    ----------
    size : int
        Number of rows.
    """

    size: int
    _account: npt.NDArray[np.int32] = field(init=False)
    _columns: dict[str, npt.NDArray[Any]] = field(init=False)
    _filled: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._account = np.zeros(self.size, dtype=np.int32)
        self._columns = {name: np.zeros(self.size, dtype=kind) for name, kind in _STORED.items()}

    def add(self, rows: Rows, account: Ints) -> None:
        """Append rows that belong to the accounts with these numbers (int64[n], under 2**31)."""
        part = slice(self._filled, self._filled + len(rows))
        self._account[part] = account
        for name, column in self._columns.items():
            column[part] = getattr(rows, name)
        self._filled = part.stop

    def by_time(self) -> Ints:
        """Return the order of the rows by time; rows of one instant stand in the order of their keys, which tell nothing."""
        return np.lexsort((self._columns["row"], self._columns["time"]))

    def take(self, at: Ints) -> Rows:
        """Return the given rows; their ``account`` is the number in the world."""
        columns = {name: column[at] for name, column in self._columns.items()}
        for name in ("root", "topic", "noise"):
            columns[name] = columns[name].astype(np.int64)
        return Rows(account=self._account[at].astype(np.int64), **columns)
