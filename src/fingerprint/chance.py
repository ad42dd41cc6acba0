"""What accounts have in common with a set of queries by chance, and which queries are common property."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FEWEST_ACCOUNTS = 20  # of fewer nothing can be learned
EXTREMES = 10  # accounts of the decoys by which the tail of the law is measured
UNEVEN = 0.05  # probability that an even spread makes any query look common


@dataclass(frozen=True, slots=True)
class Chance:
    """How many texts of an account match by accident: a beta-binomial law.

    Attributes
    ----------
    rate : float
        Expected share of an account's texts.
    second : float
        Expected share of the pairs of its texts of which both match; ``rate ** 2`` where accounts do not differ.
    stretch : float
        By how much log p must be divided for the most extreme accounts of the decoys to be no more extreme than chance makes them: people who happen to
        share a hobby make the tail heavier than two moments tell.
    """

    rate: float
    second: float
    stretch: float = 1.0

    @classmethod
    def of(cls, n_texts: npt.NDArray[np.int64], n_matched: npt.NDArray[np.int64], scale: float = 1.0) -> Chance:
        """Estimate the law from accounts, each of which counts alike; half a match, and one pair of matches, are added to what was seen.

        Of fewer than ``FEWEST_ACCOUNTS`` nothing can be learned: all matches may be chance then.

        Parameters
        ----------
        n_texts, n_matched : int64[a]
            Texts of each account, and how many of them match decoys.
        scale : float
            Queries for each decoy.
        """
        if len(n_texts) < FEWEST_ACCOUNTS:
            return cls(1.0, 1.0)
        n = np.maximum(n_texts, 1).astype(np.float64)
        rate = ((n_matched / n).sum() + 0.5 / n.mean()) / len(n)
        two = n_texts >= 2
        n, x = n[two], n_matched[two].astype(np.float64)
        pairs = n * (n - 1)
        second = ((x * (x - 1) / pairs).sum() + 2 / pairs.mean()) / len(n) if len(n) else 1.0
        law = cls(float(rate), float(min(max(second, rate**2), rate)))
        extreme = -np.log(np.maximum(np.sort(law.p(n_texts, n_matched))[:EXTREMES], 1e-300))
        stretch = (extreme / np.log((len(n_texts) + 1) / np.arange(1, len(extreme) + 1))).max(initial=1.0)
        rate = min(law.rate * scale, 0.5)
        return cls(rate, min(max(law.second * scale**2, rate**2), rate), float(stretch))

    def p(self, n_texts: npt.NDArray[np.int64], n_matched: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the probability that of `n_texts` at least `n_matched` match by accident."""
        from scipy.stats import betabinom, binom

        spread = self.second - self.rate**2
        if spread <= 1e-12 * self.rate:
            found = binom.sf(n_matched - 1, n_texts, self.rate)
        else:
            size = (self.rate - self.second) / spread
            found = betabinom.sf(n_matched - 1, n_texts, self.rate * size, (1 - self.rate) * size)
        return np.asarray(np.clip(np.where(n_matched > 0, found, 1.0), 0.0, 1.0) ** (1 / self.stretch))


def uneven(n_holders: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Say of each query whether more accounts have it than a set that is drawn from evenly has for any of its queries.

    The number of accounts per query is then a Poisson count with one mean. What is beyond is taken out and the mean taken again, until nothing is.
    """
    from scipy.stats import poisson

    common = np.zeros(len(n_holders), bool)
    while not common.all():
        limit = max(3.0, float(poisson.isf(UNEVEN / len(n_holders), max(float(n_holders[~common].mean()), 1e-9))) + 1)
        more = n_holders >= limit
        if not (more & ~common).any():
            break
        common |= more
    return common
