"""Memo: what a detection remembers for the next one, so that the next costs by what has changed.

It holds results of pure functions by a digest of all that they depend on, and results of texts by a keyed hash of the text; so a detection finds with it
exactly what it finds without. Only what the last detection asked for is kept: memory is bounded by what that one needed, and nothing is left of texts that
are gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Value = TypeVar("Value")


class Memo:
    """Results that are remembered from one detection to the next.

    Parameters
    ----------
    is_kept : bool
        False for one that remembers nothing.

    Notes
    -----
    Not for several detections at the same time.
    """

    def __init__(self, is_kept: bool = True) -> None:
        self.is_kept = is_kept
        self._known: dict[tuple[str, bytes], Any] = {}
        self._used: dict[tuple[str, bytes], Any] = {}

    def begin(self) -> None:
        """Note that a detection begins."""
        self._known, self._used = self._known | self._used, {}

    def end(self) -> None:
        """Note that it ends: what it did not ask for is forgotten."""
        self._known = {}

    def clear(self) -> None:
        """Forget everything."""
        self._known, self._used = {}, {}

    def known(self, name: str, digest: bytes) -> Any:
        """Return what is remembered of that name for this digest, None if nothing is."""
        key = (name, digest)
        if key in self._known:
            self._used[key] = self._known.pop(key)
        return self._used.get(key)

    def keep(self, name: str, digest: bytes, value: Value) -> Value:
        """Remember a value, and return it."""
        if self.is_kept:
            self._used[name, digest] = value
        return value

    def get(self, name: str, digest: bytes, make: Callable[[], Value]) -> Value:
        """Return what `make` has returned for this digest, or make it."""
        found: Value | None = self.known(name, digest)
        return self.keep(name, digest, make()) if found is None else found

    def rows(self, name: str, digest: bytes, texts: npt.NDArray[np.uint64],
             make: Callable[[npt.NDArray[np.int64]], tuple[npt.NDArray[Any], ...]]) -> tuple[npt.NDArray[Any], ...]:
        """Return columns with a row for each text, of which only those are made that are not known.

        Parameters
        ----------
        name, digest : str, bytes
            What the rows depend on besides the text.
        texts : uint64[n]
            Keyed hashes of distinct texts.
        make : callable
            Makes the columns for some of the texts, whose places int64[m] it is given.
        """
        columns: tuple[npt.NDArray[Any], ...]
        ascending, order, remembered = self.known(name, digest) or (texts[:0], np.zeros(0, np.int64), ())
        if not len(ascending):
            columns = make(np.arange(len(texts)))
        else:
            place = np.minimum(np.searchsorted(ascending, texts), len(ascending) - 1)
            columns = tuple(column[order[place]] for column in remembered)
            new = np.flatnonzero(ascending[place] != texts)
            for column, made in zip(columns, make(new), strict=True) if len(new) else ():
                column[new] = made
        order = np.argsort(texts)
        self.keep(name, digest, (texts[order], order, columns))
        return columns

    def lists(self, name: str, digest: bytes, texts: npt.NDArray[np.uint64],
              make: Callable[[npt.NDArray[np.int64]], tuple[npt.NDArray[np.int64], npt.NDArray[Any]]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        """Return a list for each text, of which only those are made that are not known: where each begins int64[n + 1], and all values one behind the other.

        Parameters
        ----------
        name, digest, texts
            As for :meth:`rows`.
        make : callable
            Makes the lists of some of the texts, whose places int64[m] it is given: (which of these, ascending; value) of each value.
        """
        ascending, starts, values = self.known(name, digest) or (texts[:0], np.zeros(1, np.int64), None)
        place = np.searchsorted(ascending, texts)
        place[place == len(ascending)] = 0
        is_new = np.ones(len(texts), bool) if not len(ascending) else ascending[place] != texts
        new = np.flatnonzero(is_new)
        of, made = make(new)
        n_made = np.bincount(of, minlength=len(new))
        begin, length = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64)
        begin[~is_new], length[~is_new] = starts[place[~is_new]], np.diff(starts)[place[~is_new]]
        begin[new], length[new] = starts[-1] + np.cumsum(n_made) - n_made, n_made
        pool = made if values is None else np.concatenate([values, made])
        order = np.argsort(texts)
        self.keep(name, digest, (texts[order], *_gather(pool, begin[order], length[order])))
        return _gather(pool, begin, length)


def _gather(pool: npt.NDArray[Any], begin: npt.NDArray[np.int64], length: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Put parts of an array one behind the other; return where each begins, and all."""
    starts = np.concatenate([[0], np.cumsum(length)])
    return starts, pool[np.arange(starts[-1]) + np.repeat(begin - starts[:-1], length)]


def digest(*parts: npt.NDArray[Any] | bytes | str | float) -> bytes:
    """Return a digest of arrays and plain values, 16 bytes: of equal ones in the same order it is the same, of others another."""
    made = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            made.update(f"{part.dtype.str}{part.shape}".encode())
            made.update(np.ascontiguousarray(part).data)
        else:
            plain = part if isinstance(part, bytes) else repr(part).encode()
            made.update(len(plain).to_bytes(8, "little") + plain)
    return made.digest()
