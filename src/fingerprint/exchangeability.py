"""Exchangeability: are these accounts people, or one shuffled list?

People leave a personal trace in what they ask; a query set shared out by a load balancer does not. Inside a group, after the text that
all share is removed, every prompt looks for its most similar other prompt: does its own account hold it, or one of a few rival accounts? For a
shuffled list the odds are the numbers of prompts, exactly, whatever the list is about. People come out ahead, by follow-up questions, pet
subjects and habits.

It is an *equivalence* test: "no difference seen" proves nothing when there was no power, so a group is called one source only when the upper
confidence bound of the lead is small. The other side counts too: where everybody has one copy of the same list (homework, a benchmark), the
most similar prompt is always somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

RIVALS = 8  # accounts that a prompt's own account is compared with at a time: with fewer, less of a trace shows; more would outnumber it anywhere
ROUNDS, SETS = 4, 32  # ways in which the other accounts are dealt into rival sets, and sets that an account meets, at least: fewer would be a game of chance
PEOPLE = 0.12  # least lead of people who share an interest: .12 to .25 in groups of real conversations, .2 to .5 in simulated traffic
ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Exchangeability:
    """Result of the test.

    Attributes
    ----------
    trace : float
        Personal trace: how much more often than by chance the most similar other prompt is the own account's, mean over prompts. 0 for a shuffled
        list, ``PEOPLE`` and more for people, below 0 where others hold copies.
    chance : float
        How often it is by chance; about one in ``RIVALS + 1``.
    error : float
        Standard error of `trace`, jackknife over accounts.
    upper, lower : float
        Confidence bounds of `trace`, each one-sided at 95 %.
    p : float
        Chance of a trace as small as this if the accounts were people with one interest, with a true trace of ``PEOPLE``.
    n_accounts, n_prompts : int
        Accounts with two prompts or more, and all prompts that entered.
    account, deviate : int64[a], float64[a]
        The accounts with two prompts or more, ascending, and by how many standard deviations each one's own lead exceeds chance.
    """

    trace: float
    chance: float
    error: float
    upper: float
    lower: float
    p: float
    n_accounts: int
    n_prompts: int
    account: npt.NDArray[np.int64] = field(compare=False)
    deviate: npt.NDArray[np.float64] = field(compare=False)


def exchangeability(vectors: npt.NDArray[np.float32], account: npt.NDArray[np.int64], seed: int = 0) -> Exchangeability | None:
    """Test whether the account says anything about the content.

    Parameters
    ----------
    vectors : float32[n, dim]
        Unit vectors of the prompts, shared text removed. Copies tie if inner products are exact (:func:`fingerprint.points.centre`): of several prompts that
        are equally near each is then the nearest with the same chance.
    account : int64[n]
        Their accounts.
    seed : int
        Of the rival sets.

    Returns
    -------
    Exchangeability or None
        None without power: fewer than 3 accounts with two prompts.

    Notes
    -----
    An account with n prompts against rivals with m together: given one prompt, the nearest of the other ``n - 1 + m`` is among the ``n - 1`` with
    probability ``(n - 1) / (n - 1 + m)`` when labels are exchangeable. No mean or spread has to be estimated. A nearest-neighbour test in the sense of
    Schilling (1986) and Henze (1988), made independent of the number of accounts. Work grows with ``n**2``.
    """
    from scipy.special import stdtr, stdtrit

    names, label = np.unique(account, return_inverse=True)
    order = np.argsort(label, kind="stable")
    size = np.bincount(label)
    if (size >= 2).sum() < 3:
        return None
    rng = np.random.default_rng(seed)
    lead, chance = np.zeros(len(size)), np.zeros(len(size))
    for one, similarity, best in _most_similar(vectors[order], size):
        if size[one] >= 2:
            lead[one], chance[one] = _compare(similarity, best, one, size, rng)
    several = np.flatnonzero(size >= 2)
    weight = size[several].astype(np.float64)
    trace, by_chance = (float(np.average(x[several], weights=weight)) for x in (lead, chance))
    left_out = ((lead[several] * weight).sum() - lead[several] * weight) / (weight.sum() - weight)
    a = len(several)
    error = float(np.sqrt((a - 1) / a * ((left_out - left_out.mean()) ** 2).sum()))
    reach = float(stdtrit(a - 1, 0.95)) * error
    p = float(stdtr(a - 1, (trace - PEOPLE) / max(error, 1e-9)))
    # of one prompt, the comparisons with different rivals are all but one: its wins count as a single draw
    spread = np.sqrt(np.maximum(chance[several] * (1 - chance[several]), 1e-9) / weight)
    return Exchangeability(trace, by_chance, error, trace + reach, trace - reach, p, a, len(vectors), names[several].astype(np.int64), lead[several] / spread)


def _most_similar(rows: npt.NDArray[np.float32],
                  size: npt.NDArray[np.int64]) -> Iterator[tuple[int, npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Yield each account, the similarity of its prompts to all others, float32[n_i, n], and the largest to one of every account, float32[n_i, n_accounts]."""
    end = np.cumsum(size)
    start = end - size
    first = 0
    while first < len(size):
        behind = max(int(np.searchsorted(end, start[first] + ROWS_AT_ONCE, side="right")), first + 1)
        low, high = int(start[first]), int(end[behind - 1])
        similarity = rows[low:high] @ rows.T
        similarity[np.arange(high - low), np.arange(low, high)] = -np.inf
        best = np.maximum.reduceat(similarity, start, axis=1)
        for one in range(first, behind):
            own = slice(start[one] - low, end[one] - low)
            yield one, similarity[own], best[own]
        first = behind


def _compare(similarity: npt.NDArray[np.float32], best: npt.NDArray[np.float32], one: int, size: npt.NDArray[np.int64],
             rng: np.random.Generator) -> tuple[float, float]:
    """Return how often an account beats sets of rivals less how often it would by chance, and the latter."""
    others = np.delete(np.arange(len(size)), one)
    rivals = min(RIVALS, len(others))
    n_sets = len(others) // rivals
    rounds = max(ROUNDS, -(-SETS // n_sets)) if len(others) > rivals else 1
    sets = np.concatenate([rng.permutation(others)[: n_sets * rivals].reshape(-1, rivals) for _ in range(rounds)])
    own, theirs = best[:, one][:, None], best[:, sets].max(2)
    wins = (own > theirs).astype(np.float64)
    for row in np.flatnonzero((own == theirs).any(1)).tolist():
        as_near = np.add.reduceat(similarity[row] == own[row], np.cumsum(size) - size, dtype=np.int64)
        tied = own[row] == theirs[row]
        wins[row, tied] = as_near[one] / (as_near[one] + as_near[sets[tied]].sum(1))
    chance = (size[one] - 1) / (size[one] - 1 + size[sets].sum(1))
    return float((wins.mean(0) - chance).mean()), float(chance.mean())


def mean_cross(vectors: npt.NDArray[np.float32], account: npt.NDArray[np.int64]) -> float:
    """Return the mean inner product of pairs of vectors of different accounts; 0.0 when there is no such pair."""
    order = np.argsort(account, kind="stable")
    first = np.flatnonzero(np.diff(account[order], prepend=account[order[:1]] - 1))
    n = np.diff(first, append=len(order)).astype(np.float64)
    pairs = n.sum() ** 2 - (n**2).sum()
    if not pairs:
        return 0.0
    sums = np.add.reduceat(vectors[order], first, dtype=np.float64)
    total = sums.sum(0)
    return float((total @ total - np.einsum("ij,ij->", sums, sums)) / pairs)
