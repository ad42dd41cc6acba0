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


def communities(graph: Any, resolution: float, seed: int = 0) -> npt.NDArray[np.int64]:
    """Partition a weighted undirected graph by Leiden-CPM.

    Parameters
    ----------
    graph : scipy CSR float64[n, n]
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


def resolution_ladder(n_accounts: int, start: float) -> list[float]:
    """Return resolutions from `start` down to the tie of a source that is half of all accounts.

    Each is half of the last down to ``COARSE``, then a quarter: there each costs a walk over all ties, and what passes grows by recruiting.
    """
    least = 2.0 / max(n_accounts, 1)
    ladder = [start]
    while (step := ladder[-1] / (2 if ladder[-1] / 2 >= COARSE else 4)) > least:
        ladder.append(step)
    return ladder
