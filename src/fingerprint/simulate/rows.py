"""The plan of a piece of traffic: one entry per prompt, no text yet. Sixty bytes a row, so that a million rows can be sorted by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from fingerprint.simulate.draws import Ints, Keys


@dataclass(slots=True)
class Rows:
    """Columns of a plan, all of one length.

    ``account`` int64 (slot in the piece), ``time`` int64 (microseconds since the start), ``root`` int64 (grammar rule), ``topic`` int64, ``row``,
    ``body``, ``conversation``, ``persona`` uint64 keys, ``human`` bool (typed by a person: habits and errors apply), ``noise`` int64 (number of the
    campaign whose noise applies, -1: none).
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
    noise: Ints

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: npt.NDArray[np.integer] | slice) -> Rows:
        """Return the given rows, in that order."""
        return Rows(*(getattr(self, f.name)[rows] for f in fields(self)))


def concat(parts: Sequence[Rows]) -> Rows:
    """Put plans one after the other; at least one part."""
    return Rows(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Rows)))
