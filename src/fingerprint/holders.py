"""Holders: a bounded sketch of which accounts hold what.

Pairs of a content key and an account, both keyed 64-bit hashes. What is kept is decided by the hashes alone: of the keys those below a limit that
falls as the sketch fills, and of each key the ``MAX_HOLDERS`` accounts with the smallest hashes (bottom-k in both directions, Cohen and Kaplan 2007).
So the same pairs give the same sketch in any order, sketches merge, and whoever does not know the key cannot choose what is forgotten.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MAX_HOLDERS = 64  # accounts kept of one key: enough to say that something is common
EVERYTHING = 1 << 64  # a limit above all keys


class Holders:
    """Pairs of key and account.

    Parameters
    ----------
    capacity : int
        Pairs kept, at most, at 16 bytes each.

    Attributes
    ----------
    limit : int
        Keys below it are kept.
    key, account : uint64[n]
        Ascending by key, then account.
    """

    __slots__ = ("_n_waiting", "_waiting", "account", "capacity", "key", "limit")

    def __init__(self, capacity: int = 4_000_000) -> None:
        self.capacity, self.limit = capacity, EVERYTHING
        self.key = self.account = np.zeros(0, np.uint64)
        self._waiting: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]] = []
        self._n_waiting = 0

    def add(self, key: npt.NDArray[np.uint64], account: npt.NDArray[np.uint64]) -> None:
        """Take in pairs, uint64[n] each."""
        if self.limit < EVERYTHING:
            kept = key < np.uint64(self.limit)
            key, account = key[kept], account[kept]
        self._waiting.append((key, account))
        self._n_waiting += len(key)
        if self._n_waiting > max(self.capacity, len(self.key)) // 2:
            self.settle()

    def merge(self, other: Holders) -> None:
        """Take in another sketch."""
        other.settle()
        self.limit = min(self.limit, other.limit)
        self.add(other.key, other.account)
        self.settle()

    def settle(self) -> None:
        """Bring `key`, `account` and `limit` up to date; to be called before they are read."""
        key, account = (np.concatenate([kept, *(pair[i] for pair in self._waiting)]) for i, kept in enumerate((self.key, self.account)))
        self._waiting, self._n_waiting = [], 0
        order = np.lexsort((account, key))
        key, account = key[order], account[order]
        if len(key):
            key, account = _each(key, account, np.concatenate([[True], (key[1:] != key[:-1]) | (account[1:] != account[:-1])]))
            start = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
            rank = np.arange(len(key)) - np.repeat(start, np.diff(start, append=len(key)))
            key, account = _each(key, account, rank < MAX_HOLDERS)
        if len(key) > self.capacity:
            self.limit = min(self.limit, int(key[self.capacity]))
        if self.limit < EVERYTHING:
            key, account = _each(key, account, key < np.uint64(self.limit))
        self.key, self.account = key, account

    def asked(self, key: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Say of which keys the sketch knows anything: those below its limit."""
        return np.ones(key.shape, bool) if self.limit >= EVERYTHING else key < np.uint64(self.limit)

    def of(self, key: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        """Return the holders of each of m keys: (which key int64[n] ascending, account uint64[n])."""
        first, behind = (np.searchsorted(self.key, key, side) for side in ("left", "right"))
        length = behind - first
        which = np.repeat(np.arange(len(key)), length)
        return which, self.account[np.arange(len(which)) - np.repeat(np.cumsum(length) - length, length) + np.repeat(first, length)]


def _each(key: npt.NDArray[np.uint64], account: npt.NDArray[np.uint64],
          kept: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    return key[kept], account[kept]
