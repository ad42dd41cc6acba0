"""Groups: accounts that look like one source, found as communities of an account graph.

Communities by Leiden with the constant Potts model: a group is a set of accounts whose mean tie exceeds the resolution. Modularity, the
usual objective, has a resolution limit and hides a ring of tens of accounts among a hundred thousand. Ties inside a source thin out as
one over its number of accounts, so a ladder of resolutions is used and the tests choose between nested candidates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

COARSE = 6e-4  # resolution below which communities hold thousands of accounts
LARGE = 10_000_000  # ties from which a walk over all of them takes ten seconds and more
SAMPLED = 0.25  # share of the accounts of a large graph in whose ties coarse communities are looked for
LEAST = 6  # sampled accounts of a community that others may join


def communities(graph: Any, resolution: float, seed: int = 0) -> npt.NDArray[np.int64]:
    """Partition a weighted undirected graph by Leiden-CPM.

    Parameters
    ----------
    graph : scipy CSR, float32 or float64[n, n]
        Symmetric, sorted indices.
    resolution : float
        Least mean tie of a community.
    seed : int
        Same seed and graph, same partition.

    Returns
    -------
    int64[n]
        Dense labels in order of each community's first account; accounts without ties are alone.
    """
    from graspologic_native import leiden_csr

    n = graph.shape[0]
    label = np.arange(n) + n
    if graph.nnz:
        _, found = leiden_csr(graph.indptr.astype(np.int64), graph.indices.astype(np.int32, copy=False), graph.data.astype(np.float64, copy=False), n,
                              resolution, 0.001, 1, False, seed, 1)
        if found:
            node = np.fromiter(found.keys(), np.int64, len(found))
            label[node] = np.fromiter(found.values(), np.int64, len(found))
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[inverse]


def account_communities(graph: Any, resolution: float, seed: int = 0) -> npt.NDArray[np.int64]:
    """Return :func:`communities`; of a large graph the coarse ones by way of a sample of its accounts.

    The mean tie inside a community is that inside a random part of it, so the same resolution finds them there. Each other account then joins the
    community in which it gains most, as Leiden would move it: its ties to it, less the resolution for each account in there, if that is more than
    nothing. The largest mean tie would be that to some community of a few accounts, one of which chance has tied to it.

    Returns
    -------
    int64[n]
        Labels, not dense.
    """
    n = graph.shape[0]
    if graph.nnz <= LARGE or resolution > 2 * COARSE:
        return communities(graph, resolution, seed)
    kept = np.sort(np.random.default_rng(seed).choice(n, int(SAMPLED * n), replace=False))
    found = communities(graph[kept][:, kept].sorted_indices(), resolution, seed)
    size = np.bincount(found)
    label = np.arange(n) + len(size)
    label[kept] = found
    joining, other, gain = _best(graph, kept, np.where(size[found] >= LEAST, found, -1), size, resolution)
    free = (gain > 0) & ~np.isin(joining, kept)
    label[joining[free]] = other[free]
    return label


def _best(graph: Any, kept: npt.NDArray[np.int64], found: npt.NDArray[np.int64], size: npt.NDArray[np.int64],
          resolution: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the nodes that have ties to a community, the one in which each gains most under the constant Potts model, and that gain."""
    from scipy.sparse import csr_matrix

    inside = found >= 0
    member = csr_matrix((np.ones(int(inside.sum())), (kept[inside], found[inside])), shape=(graph.shape[0], len(size)))
    tie = (graph @ member).tocsr()
    gain = tie.data - resolution * size[tie.indices]
    row = np.repeat(np.arange(graph.shape[0]), np.diff(tie.indptr))
    order = np.lexsort((tie.indices, -gain, row))
    first = order[np.diff(row[order], prepend=-1) > 0]
    return row[first], tie.indices[first].astype(np.int64), gain[first]


def resolution_ladder(graph: Any, start: float) -> list[float]:
    """Return resolutions from `start` down to half the tie of a source that is half of all accounts and keeps its votes to itself.

    Each is half of the last down to ``COARSE``, then a quarter, in a large graph all along: there each costs a walk over all ties, and what passes
    grows by recruiting. The last step is as short as it has to be.
    """
    least = 2.0 / max(graph.shape[0], 1)
    ladder = [start]
    while ladder[-1] > least:
        ladder.append(max(least, ladder[-1] / (2 if ladder[-1] / 2 >= COARSE and graph.nnz <= LARGE else 4)))
    return ladder
