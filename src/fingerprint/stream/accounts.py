"""Accounts with events that are alive: how many, and when the latest was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..room import Growing
from ..store import Numbering

_LEAST_GONE = 10_000  # accounts without events from which the table is made anew


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an account.

    Attributes
    ----------
    n_prompts : int
        Events that are alive.
    last_us : int
        Time of the latest, microseconds since 1970.
    """

    n_prompts: int
    last_us: int


class Accounts:
    """Counts by the keyed hash of the account's name; 28 bytes an account, twice that while it grows.

    Attributes
    ----------
    n_alive : int
        Accounts with events.
    """

    def __init__(self) -> None:
        self._numbering = Numbering(Growing(np.uint64))
        self._count, self._last = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.n_alive = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of memory."""
        return 44 * len(self._count)

    def add(self, hashes: npt.NDArray[np.uint64], count: npt.NDArray[np.int64], time_us: npt.NDArray[np.int64]) -> None:
        """Count events.

        Parameters
        ----------
        hashes : uint64[n]
        count, time_us : int64[n]
            How many, and the time of the latest.
        """
        number, _ = self._numbering.add(hashes)
        n = len(self._numbering)
        if n > len(self._count):
            room = max(n, len(self._count) * 3 // 2)
            self._count, self._last = (np.concatenate([old, np.zeros(room - len(old), np.int64)]) for old in (self._count, self._last))
        some = np.unique(number)
        self.n_alive += int((self._count[some] == 0).sum())
        np.add.at(self._count, number, count)
        np.maximum.at(self._last, number, time_us)

    def subtract(self, hashes: npt.NDArray[np.uint64], count: npt.NDArray[np.int64]) -> None:
        """Take events away; an account without any is gone."""
        number, new = self._numbering.add(hashes)
        if len(new):
            raise ValueError(f"account at row {new[0]} has no events to take away")
        np.subtract.at(self._count, number, count)
        self.n_alive -= int((self._count[np.unique(number)] == 0).sum())
        gone = len(self._numbering) - self.n_alive
        if gone > max(_LEAST_GONE, self.n_alive):
            self._make_anew()

    def _make_anew(self) -> None:
        n = len(self._numbering)
        kept = np.flatnonzero(self._count[:n])
        hashes = Growing(np.uint64)
        hashes.append(self._numbering.hashes.rows[kept])
        self._numbering, self._count, self._last = Numbering(hashes), self._count[kept], self._last[kept]

    def get(self, hashed: int) -> Standing | None:
        """Return what is known of one, None where it has no events."""
        number = self._numbering.find(hashed)
        if number < 0 or not self._count[number]:
            return None
        return Standing(int(self._count[number]), int(self._last[number]))
