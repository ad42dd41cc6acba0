"""Planting: a query set of our own, shared out over accounts that are added to the traffic.

The prompts are embedded and take their place among everybody's nearest texts, as if they had been in the log; nothing is read or sketched
again, so planting costs seconds where a scan costs minutes.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from .evidence import Evidence
from .matrices import Stacked, parts
from .traffic import Holdings, hold
from .vectors import nearest

MAX_REUSE = 4  # planted accounts that one real account lends its prompts to, at most
WIDE = 128  # nearest real texts that a planted one is offered to as a neighbour


def plant(evidence: Evidence, prompts: list[str], account: npt.NDArray[np.int64], cover: float = 0.0, sample: int = 128, seed: int = 0,
          threads: int | None = None) -> tuple[Evidence, npt.NDArray[np.int64]]:
    """Add accounts to the evidence.

    Parameters
    ----------
    evidence : Evidence
    prompts : list of str
        One per planted prompt; equal ones are one text.
    account : int64[n]
        Planted account of each, from 0.
    cover : float
        Share of each account's prompts, in [0, 1), that are ordinary: texts of real accounts, of as few as it takes for each planted account. Less
        where the traffic has not so many.
    sample : int
        Texts of an account that are looked at, at most.
    seed : int
    threads : int, optional

    Returns
    -------
    evidence : Evidence
        A new one; the texts and actors of the old keep their numbers.
    actors : int64[n_accounts]
        The planted actors.
    """
    rng = np.random.default_rng(seed)
    number = {text: i for i, text in enumerate(dict.fromkeys(prompts))}
    distinct = list(number)
    n_texts, n_old = len(evidence.exact), len(evidence.vectors)
    actors = evidence.n_actors + np.arange(int(account.max(initial=-1)) + 1)
    vectors = evidence.encode(distinct)
    similarity, index = _place(evidence, vectors, threads)
    exact = rng.integers(0, 2**64, len(distinct), dtype=np.uint64)
    text = np.array([number[p] for p in prompts], np.int64) + n_texts
    who, what = _with_cover(evidence, actors[account], text, cover, rng)
    every = np.concatenate([evidence.exact, exact])
    planted = hold(who, what, every, sample, len(who))
    held = evidence.holdings
    holdings = Holdings(*(np.concatenate([getattr(held, f.name), getattr(planted, f.name)]) for f in dataclasses.fields(Holdings)))

    def texts(rows: npt.NDArray[np.int64]) -> list[str]:
        real = evidence.texts(rows[rows < n_texts])
        given = iter(real)
        return [next(given) if row < n_texts else distinct[row - n_texts] for row in rows.tolist()]

    return dataclasses.replace(
        evidence, vectors=Stacked(*parts(evidence.vectors), vectors), similarity=similarity, index=index,
        row=np.concatenate([evidence.row, (n_old + np.arange(len(distinct))).astype(np.int32)]), exact=every, holdings=holdings,
        n_actors=evidence.n_actors + len(actors), texts=texts, names=None, layers=(), text_groups={}), actors


def _place(evidence: Evidence, vectors: npt.NDArray[np.float32], threads: int | None) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return the nearest texts of all, old and planted; a planted text drives the farthest neighbour of an old one out."""
    k, n_old = evidence.index.shape[1], len(evidence.vectors)
    near, old = evidence.search.nearest(vectors, min(max(WIDE, k), n_old))
    among, new = nearest(vectors, min(k, len(vectors)), threads)
    mine = _best(np.concatenate([near, among], 1), np.concatenate([old, np.where(new < 0, new, new + n_old)], 1), k)
    closer = (old >= 0) & (near > evidence.similarity[np.maximum(old, 0), -1])
    target, source, value = old[closer], n_old + np.nonzero(closer)[0], near[closer]
    similarity, index = evidence.similarity.copy(), evidence.index.copy()
    order = np.lexsort((-value, target))
    target, source, value = target[order], source[order], value[order]
    rank = np.arange(len(target)) - np.searchsorted(target, target)
    kept = rank < k
    row, place = np.unique(target[kept], return_inverse=True)
    offered, offer = np.full((len(row), k), -np.inf, np.float32), np.full((len(row), k), -1, np.int64)
    offered[place, rank[kept]], offer[place, rank[kept]] = value[kept], source[kept]
    similarity[row], index[row] = _best(np.concatenate([similarity[row], offered], 1), np.concatenate([index[row], offer], 1), k)
    return np.concatenate([similarity, mine[0]]), np.concatenate([index, mine[1]])


def _best(similarity: npt.NDArray[np.float32], index: npt.NDArray[np.int64], k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    best, found = np.take_along_axis(similarity, order, 1), np.take_along_axis(index, order, 1)
    if best.shape[1] < k:
        best = np.pad(best, ((0, 0), (0, k - best.shape[1])), constant_values=-np.inf)
        found = np.pad(found, ((0, 0), (0, k - found.shape[1])), constant_values=-1)
    return best, found


def _with_cover(evidence: Evidence, who: npt.NDArray[np.int64], what: npt.NDArray[np.int64], cover: float,
                rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    if not cover:
        return who, what
    held = evidence.holdings
    donors, size = np.unique(held.actor, return_counts=True)
    start = np.cumsum(size) - size
    accounts, own = np.unique(who, return_counts=True)
    parts = [(who, what)]
    queue = iter(np.concatenate([rng.permutation(len(donors)) for _ in range(MAX_REUSE)]).tolist())
    for actor, wanted in zip(accounts.tolist(), np.rint(own * cover / (1 - cover)).astype(np.int64).tolist(), strict=True):
        missing = wanted
        while missing > 0 and (donor := next(queue, None)) is not None:
            texts = rng.permutation(held.text[start[donor] : start[donor] + size[donor]])[:missing]
            parts.append((np.full(len(texts), actor), texts))
            missing -= len(texts)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
