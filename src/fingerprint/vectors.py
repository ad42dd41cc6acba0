"""Nearest vectors, by FAISS: exact for small sets, an inverted file above."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

EXACT_LIMIT = 120_000  # vectors; above, the exact search of all against all costs more than the rest of a scan together
NPROBE = 16


def nearest(vectors: npt.NDArray[np.float32], k: int, queries: npt.NDArray[np.float32] | None = None,
            threads: int | None = None, advance: Callable[[int], None] | None = None) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Find the `k` vectors with the largest inner product, for each vector or for each of `queries`.

    Parameters
    ----------
    vectors : float32[n, dim]
        Unit vectors, C order.
    k : int
        Neighbours wanted; a vector is its own first neighbour.
    queries : float32[m, dim], optional
        Defaults to `vectors`.
    threads : int, optional
        OpenMP threads of FAISS; its setting is process-wide, so it is restored.
    advance : callable, optional
        Called with the number of queries answered since the last call.

    Returns
    -------
    similarity : float32[m, k]
        Descending.
    index : int64[m, k]
        Rows of `vectors`; -1 where there are fewer than `k`.

    Notes
    -----
    Above ``EXACT_LIMIT`` vectors: IVF with ``4 sqrt(n)`` cells of which 16 are searched (recall@10 .97 measured on static vectors), trained
    on a fixed sample with a fixed seed, so equal input gives equal output. Releases the GIL.
    """
    import faiss

    queries = vectors if queries is None else queries
    if not len(vectors) or not len(queries):
        return np.full((len(queries), k), -np.inf, np.float32), np.full((len(queries), k), -1, np.int64)
    before = faiss.omp_get_max_threads()
    if threads:
        faiss.omp_set_num_threads(threads)
    try:
        dim = vectors.shape[1]
        if len(vectors) <= EXACT_LIMIT:
            index: Any = faiss.IndexFlatIP(dim)
        else:
            cells = int(4 * np.sqrt(len(vectors)))
            index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, cells, faiss.METRIC_INNER_PRODUCT)
            index.nprobe = NPROBE
            index.cp.seed, index.cp.niter = 1, 8
            step = max(1, len(vectors) // (cells * 40))
            index.train(np.ascontiguousarray(vectors[::step]))
        index.add(vectors)
        parts = []
        for start in range(0, len(queries), 4096):
            parts.append(index.search(queries[start : start + 4096], k))
            if advance is not None:
                advance(len(parts[-1][0]))
    finally:
        faiss.omp_set_num_threads(before)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
