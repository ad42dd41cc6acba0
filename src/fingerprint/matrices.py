"""Vectors as rows of memory: in half precision, in one byte a dimension, or of several sets as one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

HASHED_AT_ONCE = 16_384  # rows whose bits are widened together


class Half:
    """Vectors that are kept in half precision; what is read is float32.

    Parameters
    ----------
    rows : float16[n, dim]
    """

    def __init__(self, rows: npt.NDArray[np.float16]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.rows.shape[1])

    def __getitem__(self, rows: slice | npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        return self.rows[rows].astype(np.float32)


class Bytes:
    """Vectors that are kept in one byte a dimension; what is read is float32.

    Parameters
    ----------
    rows : uint8[n, dim]
    low, width : float32[dim]
        Least value of each dimension, and how far the largest is above it.
    """

    def __init__(self, rows: npt.NDArray[np.uint8], low: npt.NDArray[np.float32], width: npt.NDArray[np.float32]) -> None:
        self.rows, self._low, self._step = rows, low, width / np.float32(255)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.rows.shape[1])

    def __getitem__(self, rows: slice | npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        found = self.rows[rows].astype(np.float32)
        found += np.float32(0.5)
        found *= self._step
        found += self._low
        return found


Part = npt.NDArray[np.float32] | Half | Bytes


class Stacked:
    """The rows of several sets of vectors as one, without a copy of any.

    Parameters
    ----------
    *parts : float32[n, dim], Half or Bytes
        Their rows are numbered through.
    """

    def __init__(self, *parts: Part) -> None:
        self.parts = parts
        self.starts = np.cumsum([0, *(len(part) for part in parts)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        out = np.empty((len(rows), dim_of(self)), np.float32)
        which = np.searchsorted(self.starts, rows, "right") - 1
        for i, part in enumerate(self.parts):
            here = which == i
            out[here] = part[rows[here] - self.starts[i]]
        return out


Vectors = Part | Stacked


def parts(vectors: Vectors) -> tuple[Part, ...]:
    """Return the sets that `vectors` consists of, in the order of their rows."""
    return vectors.parts if isinstance(vectors, Stacked) else (vectors,)


def dim_of(vectors: Vectors) -> int:
    """Return the length of a vector."""
    first = parts(vectors)[0]
    return int(first.shape[1]) if isinstance(first, np.ndarray) else first.dim


def blocks(vectors: Vectors, n_rows: int = 65_536) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield (first row, float32[m, dim]) of bounded size until all rows have come."""
    start = 0
    for part in parts(vectors):
        for low in range(0, len(part), n_rows):
            block = part[low : low + n_rows]
            yield start + low, block
        start += len(part)


def distinct_rows(vectors: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Tell which vectors are equal, bit by bit.

    Parameters
    ----------
    vectors : float32[n, dim]

    Returns
    -------
    first : int64[d]
        Where each distinct vector appears for the first time, ascending: ``vectors[first]`` is each of them once.
    number : int64[n]
        Which of them a row is, so that ``vectors[first][number]`` equals `vectors`.
    """
    n = len(vectors)
    bits = np.ascontiguousarray(vectors).view(np.uint32)
    odd = np.random.default_rng(1).integers(0, 1 << 63, bits.shape[1], np.uint64) * np.uint64(2) + np.uint64(1)
    mixed = np.empty(n, np.uint64)
    for low in range(0, n, HASHED_AT_ONCE):
        mixed[low : low + HASHED_AT_ONCE] = bits[low : low + HASHED_AT_ONCE].astype(np.uint64) @ odd  # wraps on purpose
    _, first, number = np.unique(mixed, return_index=True, return_inverse=True)
    first = first[number]
    for low in range(0, n, HASHED_AT_ONCE):
        part = slice(low, low + HASHED_AT_ONCE)
        wrong = low + np.flatnonzero((bits[part] != bits[first[part]]).any(1))
        first[wrong] = -1
    if len(other := np.flatnonzero(first < 0)):  # hashes met: these rows are compared whole
        _, found, place = np.unique(bits[other], axis=0, return_index=True, return_inverse=True)
        first[other] = other[found[place.ravel()]]
    kept = np.flatnonzero(first == np.arange(n))
    return kept, np.searchsorted(kept, first)
