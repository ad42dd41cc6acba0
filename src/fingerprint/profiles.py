"""Account profiles: what is kept of an account, as sums that add up.

A profile is the number of prompts and the sum of their vectors, kept apart for the two halves of the traffic (split by a keyed
hash of the text). Groups are formed on one half and tested on the other, so that the prompts which chose a group do not also vouch
for it. Merging shards is an addition, erasing an account a subtraction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .matrices import Vectors, dim_of

AT_ONCE = 65_536  # prompts whose vectors are read together


@dataclass(frozen=True, slots=True)
class Profiles:
    """Counts and sums per account and half.

    Attributes
    ----------
    counts : int64[n_accounts, 2]
        Prompts per half.
    sums : float32[n_accounts, 2, dim]
        Sum of the prompts' unit vectors per half.
    """

    counts: npt.NDArray[np.int64]
    sums: npt.NDArray[np.float32]

    def __add__(self, other: Profiles) -> Profiles:
        return Profiles(self.counts + other.counts, self.sums + other.sums)

    def __sub__(self, other: Profiles) -> Profiles:
        return Profiles(self.counts - other.counts, self.sums - other.sums)

    def half(self, which: int | None) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        """Return ``(n float64[n_accounts], sum float32[n_accounts, dim])`` of half 0 or 1, or of both for None."""
        if which is None:
            return self.counts.sum(1).astype(np.float64), self.sums.sum(1)
        return self.counts[:, which].astype(np.float64), self.sums[:, which]


def profile(vectors: Vectors, point: npt.NDArray[np.int64], account: npt.NDArray[np.int64], half: npt.NDArray[np.integer],
            n_accounts: int) -> Profiles:
    """Sum the vectors of each account.

    Parameters
    ----------
    vectors : float32[n_points, dim]
        Unit vectors of distinct texts.
    point, account, half : integer[n]
        For every prompt its row in `vectors`, its account and its half (0 or 1).
    n_accounts : int
        Number of profiles.

    Returns
    -------
    Profiles
        Zero counts and sums for accounts without prompts.
    """
    cell = account * 2 + half
    counts = np.bincount(cell, minlength=2 * n_accounts).astype(np.int64)
    sums = np.zeros((2 * n_accounts, dim_of(vectors)), np.float32)
    order = np.argsort(cell, kind="stable")
    for low in range(0, len(order), AT_ONCE):
        part = order[low : low + AT_ONCE]
        first = np.flatnonzero(np.diff(cell[part], prepend=-1))
        sums[cell[part[first]]] += np.add.reduceat(vectors[point[part]], first)
    return Profiles(counts.reshape(n_accounts, 2), sums.reshape(n_accounts, 2, -1))
