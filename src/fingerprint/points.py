"""Points: the vectors of sampled texts, settled ones and fresh ones, searched as one.

The index is made for the settled texts, whose nearest settled neighbours can then be remembered for as long as these stay the same. Fresh texts lie beside
it, in the same cells, and the nearest of both are put together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _core
from .codes import sample_size
from .columns import text_columns
from .matrices import Half, Stacked, Vectors
from .neighbours import random_pairs
from .vectors import VectorIndex

if TYPE_CHECKING:
    import pyarrow as pa

    from .encoders import Encoder

GRID = np.float32(2048)
SOME, AT_ONCE = 200_000, 65_536  # texts whose mean is that of all, at least, and texts that are encoded, or whose neighbours are put together, at a time
_SIGNLESS = np.int32(0x7FFFFFFF)
_LAST = np.int64(0xFFFFFFFF)

Near = tuple[npt.NDArray[np.float32], npt.NDArray[np.integer]]  # similarity and number of neighbours, best first


def centre(vectors: npt.NDArray[np.float32], mean: npt.NDArray[np.float32]) -> None:
    """Subtract `mean` from each vector and scale it to unit length, in place; zero stays zero.

    Rounded to ``1 / GRID``: inner products are then multiples of ``GRID ** -2`` below 4, so float32 holds every partial sum exactly, and they do not depend
    on the order in which a library adds up nor on which texts are compared at once. Half precision holds the vectors exactly, too.
    """
    vectors -= mean
    vectors *= GRID / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    np.rint(vectors, out=vectors)
    vectors /= GRID


def plain(texts: Any) -> pa.LargeStringArray:
    """Return texts as they are embedded: normalised as for hashing, so that the vector does not depend on the spelling, and with their marks composed again.

    Parameters
    ----------
    texts : large_string array or sequence of str
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = text_columns(texts)[0]
    ends = np.empty(len(column) + 1, np.int64)
    data = _core.normalize_rows(column.data, column.offsets, column.validity, column.validity_offset, ends)
    return pc.utf8_normalize(pa.LargeStringArray.from_buffers(len(column), pa.py_buffer(ends), pa.py_buffer(data)), "NFC")


@dataclass(frozen=True, slots=True)
class Settled:
    """What is made of the settled texts.

    Attributes
    ----------
    mean : float32[dim]
        Of their vectors as the encoder gives them.
    index : VectorIndex
        Over their centred vectors.
    null : (float, float)
        Of :func:`fingerprint.neighbours.random_pairs`.
    """

    mean: npt.NDArray[np.float32]
    index: VectorIndex
    null: tuple[float, float]

    @classmethod
    def of(cls, texts: pa.LargeStringArray, encoder: Encoder, threads: int | None = None) -> Settled:
        """Embed texts, at least one, in the order of their keyed hashes: the first ones are a random sample."""
        some = encoder.encode(plain(texts.slice(0, max(SOME, sample_size(len(texts))))))
        mean = some.mean(0)
        centre(some, mean)
        index = VectorIndex(len(texts), some, threads)
        for low in range(0, len(texts), AT_ONCE):
            vectors = some[low : low + AT_ONCE]
            if len(vectors) < min(AT_ONCE, len(texts) - low):
                vectors = encoder.encode(plain(texts.slice(low, AT_ONCE)))
                centre(vectors, mean)
            index.add(vectors)
        return cls(mean, index, random_pairs(index.vectors))

    def embed(self, texts: Any, encoder: Encoder) -> npt.NDArray[np.float32]:
        """Return centred vectors, float32[n, dim], of a sequence of str or an Arrow column."""
        vectors = encoder.encode(plain(texts))
        centre(vectors, self.mean)
        return vectors


class Points:
    """Settled and fresh vectors, numbered through.

    Parameters
    ----------
    settled : VectorIndex
    fresh : float16[m, dim]
        Of :meth:`Settled.embed`, which half precision holds.
    """

    def __init__(self, settled: VectorIndex, fresh: npt.NDArray[np.float16]) -> None:
        self.settled, self.fresh = settled, Half(fresh)
        self._beside = settled.beside(fresh.astype(np.float32))

    def __len__(self) -> int:
        return self.settled.n + len(self.fresh)

    @property
    def vectors(self) -> Vectors:
        """All vectors, the settled ones first."""
        return Stacked(self.settled.vectors, self.fresh) if len(self.fresh) else self.settled.vectors

    def nearest(self, queries: Vectors, k: int, advance: Callable[[int], None] | None = None) -> Near:
        """Find the `k` points nearest to each query; see :meth:`fingerprint.vectors.VectorIndex.nearest`."""
        return nearest_of(self.settled.nearest(queries, k, advance), self.nearest_fresh(queries, k), k)

    def cells(self, queries: Vectors) -> npt.NDArray[np.int32]:
        """Return where each query is looked for among the fresh points; see :meth:`fingerprint.vectors.Beside.cells`."""
        return self._beside.cells(queries)

    def nearest_fresh(self, queries: Vectors, k: int, cells: npt.NDArray[np.int32] | None = None) -> Near:
        """Find the `k` fresh points nearest to each query, by the number among all."""
        similarity, index = self._beside.nearest(queries, min(k, len(self.fresh)), cells)
        return similarity, np.where(index < 0, -1, index + self.settled.n)


def nearest_of(left: Near, right: Near, k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return the `k` best of two lists of neighbours for each of n queries, equal ones by number; -1 and -inf where both together have fewer."""
    n = len(left[0])
    similarity, index = np.full((n, k), -np.inf, np.float32), np.full((n, k), -1, np.int64)
    for low in range(0, n, AT_ONCE):
        part = slice(low, low + AT_ONCE)
        bits = (np.concatenate([left[0][part], right[0][part]], 1) + np.float32(0)).view(np.int32)  # adding makes -0 of 0
        number = np.concatenate([left[1][part], right[1][part]], 1)
        number[number < 0] = _LAST
        key = (bits ^ ((bits >> 31) & _SIGNLESS)).astype(np.int64) << 32 | (_LAST - number)
        key.sort(axis=1)
        best = key[:, ::-1][:, :k]
        bits = (best >> 32).astype(np.int32)
        bits ^= (bits >> 31) & _SIGNLESS
        number = _LAST - (best & _LAST)
        similarity[part, : best.shape[1]], index[part, : best.shape[1]] = bits.view(np.float32), np.where(number == _LAST, -1, number)
    return similarity, index
