"""Duplication between and within accounts: who holds copies of the same thing?

A harvester pays for each query once, so its accounts share out a list. Evaluators run full copies of a public list, a class hands in the
same dozen questions, a viral prompt is pasted once by everybody. All of these are near-duplicates across accounts, so overlap is
counted on near-duplicate clusters, after the text that all share is gone (a long frame makes any two prompts near-duplicates). A sample of
each account would hide copies, were it not drawn by hash of the text: then all accounts keep or drop a text together.

One kind of overlap is a harvester's own: accounts that draw at random from one set meet now and then. How many accounts hold a query is then a Poisson
count with one mean for all queries. Lists that are handed round look different: everybody holds all of it, or a few favourites are everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

EVEN = 1.25  # dispersion up to which all queries of a set are drawn alike
DRAWN = 0.25  # overlap from which accounts hold the same list rather than draws from one set


@dataclass(frozen=True, slots=True)
class Duplication:
    """Counts for one group.

    Attributes
    ----------
    account : int64[a]
        Accounts with attributed prompts, ascending.
    shared : float64[a]
        Per account the share of its attributed clusters that are copies: another account of the group holds them as well, or they hold nothing
        but text that many share.
    overlap : float
        Mean share of the other accounts that hold an attributed cluster: 1 for full copies of one list.
    shared_mean : float
        Mean of `shared`.
    repetition : float
        Share of attributed prompts that repeat one of the same account.
    copied : bool[n]
        Per attributed text whether another account of the group holds it as well.
    dispersion : float
        Upper 95 % confidence bound (jackknife over accounts) of ``F1 F3 / F2**2``, with ``Fk`` the factorial moments of the number of holders: 1 when
        every query is drawn alike, more when some are favourites; infinite when no query has three holders.
    """

    account: npt.NDArray[np.int64]
    shared: npt.NDArray[np.float64]
    overlap: float
    shared_mean: float
    repetition: float
    copied: npt.NDArray[np.bool_]
    dispersion: float = float("inf")

    @property
    def drawn(self) -> bool:
        """Whether the copies are what random draws from one set give."""
        return self.dispersion <= EVEN and self.overlap <= DRAWN


def duplication(account: npt.NDArray[np.int64], cluster: npt.NDArray[np.int64], count: npt.NDArray[np.int64],
                hollow: npt.NDArray[np.bool_]) -> Duplication:
    """Count copies among the prompts attributed to a group.

    Parameters
    ----------
    account, cluster : int64[n]
        Account and near-duplicate cluster (of what is left when shared text is removed) of every attributed text; cluster -1 equals nothing.
    count : int64[n]
        Prompts behind each.
    hollow : bool[n]
        Texts that are nothing but shared text: copies, whatever few words were changed.
    """
    cluster = np.where(cluster < 0, cluster.max(initial=-1) + 1 + np.arange(len(cluster)), cluster)
    _, cluster = np.unique(cluster, return_inverse=True)
    n_clusters = int(cluster.max(initial=-1)) + 1
    held = np.unique(np.stack([account, cluster], 1), axis=0)
    holders = np.bincount(held[:, 1])
    shallow = np.bincount(cluster[hollow], minlength=n_clusters) > 0
    accounts, row = np.unique(held[:, 0], return_inverse=True)
    if not len(accounts):
        return Duplication(accounts, np.zeros(0), 0.0, 0.0, 0.0, np.zeros(0, bool))
    others = holders[held[:, 1]] - 1
    size = np.bincount(row)
    shared = np.bincount(row, weights=(others > 0) | shallow[held[:, 1]]) / size
    overlap = float((np.bincount(row, weights=others) / size).mean() / max(len(accounts) - 1, 1))
    return Duplication(accounts, shared, overlap, float(shared.mean()), 1.0 - len(held) / max(int(count.sum()), 1), holders[cluster] > 1,
                       _dispersion(holders[held[:, 1]], row))


def _dispersion(holders: npt.NDArray[np.int64], row: npt.NDArray[np.int64]) -> float:
    """Return the upper bound of the dispersion of holders; `holders` and account number of every distinct pair of account and query."""
    from scipy.special import stdtrit

    h = holders.astype(np.float64)
    # summed over pairs, h - 1 gives the second factorial moment and (h - 1)(h - 2) the third; an account takes part in k of them at once
    per = [np.bincount(row, weights=w) for w in (np.ones(len(h)), h - 1, (h - 1) * (h - 2))]
    first, second, third = (p.sum() for p in per)
    n = len(per[0])
    if third <= 0 or n < 4:
        return float("inf")
    left = [total - k * p for k, total, p in zip((1, 2, 3), (first, second, third), per, strict=True)]
    estimate = first * third / second**2
    loo = left[0] * left[2] / np.maximum(left[1], 1e-9) ** 2
    error = np.sqrt((n - 1) / n * ((loo - loo.mean()) ** 2).sum())
    return float(estimate + stdtrit(n - 1, 0.95) * error)
