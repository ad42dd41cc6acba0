"""Shared neighbours: content first. Each prompt votes for the accounts that hold its nearest prompts.

Organic accounts scatter their votes over everybody who asks about the same things; the accounts of one source keep theirs among
themselves, however many they are and however few prompts each of them has. Equal texts never vote for each other: copying is the business of
the duplication test. Votes are counts, so shards and the two directions add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .matrices import Vectors

HOLDINGS_AT_ONCE = 50_000  # whose votes are expanded together: bounds memory
TIES = 10  # nearest texts to which each is tied
PREVALENT = 64  # a text with more holders is common property: it neither casts votes nor receives them


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes of prompts for accounts.

    Attributes
    ----------
    matrix : scipy CSR float32[n_accounts, n_holdings]
        Weight that each row of the holding table (one per account and distinct text) casts for an account, never its own: one over the number
        of holders of the neighbour text, summed over neighbours.
    cast : float64[n_holdings]
        Total weight cast by each holding.
    k : int
        Neighbours asked for.
    n_prevalent : int
        Texts left out because more than ``PREVALENT`` accounts hold them.
    """

    matrix: Any
    cast: npt.NDArray[np.float64]
    k: int
    n_prevalent: int

    def into(self, accounts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the holdings that vote for any of these accounts, int64[h] ascending, and the weight that each casts for them, float64[h]."""
        part = self.matrix[accounts]
        if len(part.indices) > len(self.cast) // 8:
            weight = np.bincount(part.indices, weights=part.data, minlength=len(self.cast))
            voter = np.flatnonzero(weight)
            return voter.astype(np.int64), weight[voter].astype(np.float64)
        found, place = np.unique(part.indices, return_inverse=True)
        return found.astype(np.int64), np.bincount(place, weights=part.data, minlength=len(found)).astype(np.float64)


def random_pairs(vectors: Vectors, seed: int = 0, draws: int = 200_000) -> tuple[float, float]:
    """Return centre and robust standard deviation of the similarity of random pairs of texts: the null of "neighbour".

    Median and median absolute deviation, not a tail quantile: in the tail of random pairs stand the pairs inside whatever template or
    campaign is large, and they would raise the floor for everybody else. (1, 0) for fewer than two vectors.
    """
    if len(vectors) < 2:
        return 1.0, 0.0
    rng = np.random.default_rng(seed)
    left, right = rng.integers(len(vectors), size=(2, draws))
    keep = left != right
    similarity = np.einsum("ij,ij->i", vectors[left[keep]], vectors[right[keep]])
    centre = np.median(similarity)
    return float(centre), float(1.4826 * np.median(np.abs(similarity - centre)))


@dataclass(frozen=True, slots=True)
class Held:
    """A holding table over points: who holds which.

    Attributes
    ----------
    point, account : int64[h]
        Distinct pairs of text and account.
    n_points, n_accounts : int
    """

    point: npt.NDArray[np.int64]
    account: npt.NDArray[np.int64]
    n_points: int
    n_accounts: int


def cast_votes(similarity: npt.NDArray[np.float32], index: npt.NDArray[np.integer], floor: float, held: Held, voters: Held | None = None) -> Votes:
    """Turn nearest texts into votes of holdings for accounts.

    Parameters
    ----------
    similarity, index : float32[n, k], int64[n, k]
        Nearest points of `held` for each point of `voters`, as :meth:`fingerprint.vectors.VectorIndex.nearest` gives them.
    floor : float
        Neighbours below this similarity do not count.
    held : Held
        Who is voted for.
    voters : Held, optional
        Who votes, with other points; by default `held`, whose points do not vote for themselves.

    Returns
    -------
    Votes
        One column per holding of the voters.
    """
    from scipy.sparse import csr_matrix, hstack

    k = index.shape[1]
    holders = np.bincount(held.point, minlength=held.n_points)
    by_point = np.argsort(held.point, kind="stable")
    first = np.concatenate([[0], np.cumsum(holders)])
    usable = (index >= 0) & (similarity > floor)
    usable &= (holders <= PREVALENT)[np.maximum(index, 0)]
    if voters is None:
        usable &= (index != np.arange(held.n_points)[:, None]) & (holders <= PREVALENT)[:, None]
    else:
        usable[:, -1] = False  # a point of its own table leaves one of k places to itself
    point, account = (held.point, held.account) if voters is None else (voters.point, voters.account)
    n_neighbours = usable.sum(1)
    neighbour = index[usable]
    start = np.concatenate([[0], np.cumsum(n_neighbours)])
    parts = [csr_matrix((held.n_accounts, 0), dtype=np.float32)]
    for low in range(0, len(point), HOLDINGS_AT_ONCE):
        high = min(low + HOLDINGS_AT_ONCE, len(point))
        # holding -> neighbour texts of its text -> holders of those texts, both by CSR expansion
        voter, slot = _expand(start[point[low:high]], n_neighbours[point[low:high]])
        target = neighbour[slot]
        pair, place = _expand(first[target], holders[target])
        receiver, voter = held.account[by_point[place]], voter[pair]
        other = receiver != account[low + voter]
        weight = (1.0 / holders[target][pair][other]).astype(np.float32)
        parts.append(csr_matrix((weight, (receiver[other], voter[other])), shape=(held.n_accounts, high - low)))
    matrix: Any = hstack(parts, format="csr")
    cast = np.bincount(matrix.indices, weights=matrix.data, minlength=len(point)).astype(np.float64)
    return Votes(matrix, cast, k - 1, int((holders > PREVALENT).sum()))


def _expand(start: npt.NDArray[np.int64], length: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (row, position) for all positions ``start[row] .. start[row] + length[row] - 1``."""
    row = np.repeat(np.arange(len(start)), length)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    return row, start[row] + offset


def account_graph(votes: Votes, account: npt.NDArray[np.int64], n_prompts: npt.NDArray[np.int64]) -> Any:
    """Return the symmetric account graph, scipy CSR float32[n, n]: votes both ways over ``k sqrt(n_i n_j)``.

    A weight is the share of what two accounts could at most vote for each other; it sums to about twice an account's
    share of prompts that have neighbours at all.
    """
    from scipy.sparse import csr_matrix, diags

    n = len(n_prompts)
    held = csr_matrix((np.ones(len(account), np.float32), account.astype(np.int32), np.arange(len(account) + 1)), shape=(len(account), n))
    scale = diags((1.0 / np.sqrt(np.maximum(n_prompts, 1) * votes.k)).astype(np.float32))
    graph = (scale @ (votes.matrix @ held) @ scale).tocsr()
    graph = (graph + graph.T).tocsr()
    graph.sort_indices()
    return graph


def prompt_graph(similarity: npt.NDArray[np.float32], index: npt.NDArray[np.integer], floor: float, k: int = TIES) -> Any:
    """Return the symmetric graph of texts and their `k` nearest texts above `floor`, scipy CSR float64[n, n]: 2 where both choose each other."""
    from scipy.sparse import csr_matrix

    n, k = len(index), min(k + 1, index.shape[1])
    row, other = np.repeat(np.arange(n), k), index[:, :k].ravel()
    tied = (other >= 0) & (other != row) & (similarity[:, :k].ravel() > floor)
    graph = csr_matrix((np.ones(int(tied.sum())), (row[tied], other[tied])), shape=(n, n))
    graph = (graph + graph.T).tocsr()
    graph.sort_indices()
    return graph
