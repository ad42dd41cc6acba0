"""Attribution: which accounts look like one source? Two-covariance PLDA over account profiles.

The model of speaker verification, with the account for the utterance and the prompt for the frame. An account's mean vector is
``m = y + e`` with ``y ~ N(0, B)`` for its source and ``e ~ N(0, W / n)`` for the sampling of its n prompts. ``W`` (pooled covariance
within accounts) and ``B`` (covariance of the means, less the sampling part) are estimated from the traffic itself and diagonalised
together, so that ``W = I`` and ``B = diag(b)``; for two accounts the log-likelihood ratio "one source" against "two sources" is then a
sum over dimensions (Ioffe 2006; Bruemmer and de Villiers 2010). Few prompts give little evidence by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .matrices import Vectors, dim_of

RIDGE = 1e-4  # of the mean within-account variance: keeps W invertible where the encoder leaves dimensions unused
AT_ONCE = 65_536  # accounts that are projected together
WEIGHT_CAP = 20.0  # an account counts at most as so many prompts in the population mean


@dataclass(frozen=True, slots=True)
class Plda:
    """A fitted model.

    Attributes
    ----------
    mean : float64[dim]
        Mean of account means.
    basis : float64[dim, n_factors]
        Maps a centred mean to the space where the within-account covariance is the identity.
    between : float64[n_factors]
        Variance of sources in that space, in units of one prompt's variance.
    """

    mean: npt.NDArray[np.float64]
    basis: npt.NDArray[np.float64]
    between: npt.NDArray[np.float64]

    @classmethod
    def fit(cls, counts: npt.NDArray[np.float64], sums: npt.NDArray[np.floating], second_moment: npt.NDArray[np.float64],
            min_prompts: int = 3, n_factors: int = 96) -> Plda | None:
        """Estimate the model from additive statistics.

        Parameters
        ----------
        counts : float64[n]
            Prompts per account.
        sums : float32 or float64[n, dim]
            Sum of vectors per account.
        second_moment : float64[dim, dim]
            Sum of ``x x'`` over all prompts of accounts with two prompts or more.
        min_prompts : int
            Accounts with fewer prompts do not enter ``B``.
        n_factors : int
            Dimensions kept, those with the largest ratio of between- to within-account variance.

        Returns
        -------
        Plda or None
            None when fewer than ten accounts have `min_prompts` prompts.
        """
        from scipy.linalg import eigh

        several = counts >= 2
        used, sums = counts >= min_prompts, sums.astype(np.float64)
        if used.sum() < 10:
            return None
        between_sums = sums[several].T @ (sums[several] / counts[several, None])
        within = (second_moment - between_sums) / max((counts[several] - 1).sum(), 1.0)
        means = sums[used] / counts[used, None]
        mean = np.average(means, axis=0, weights=np.minimum(counts[used], WEIGHT_CAP))
        centred = means - mean
        # A very dense neighbourhood of accounts (a campaign of a tenth of all) would become the population: Huber weights by length.
        length = np.linalg.norm(centred, axis=1)
        weight = np.minimum(1.0, np.median(length) / np.maximum(length, 1e-12)) ** 2
        between = (centred * weight[:, None]).T @ centred / weight.sum() - within * np.average(1 / counts[used], weights=weight)
        within = within + RIDGE * np.trace(within) / len(within) * np.eye(len(within))
        values, vectors = eigh(between, within)
        order = np.argsort(-values)[:n_factors]
        return cls(mean, vectors[:, order], np.maximum(values[order], 1e-6))

    def project(self, counts: npt.NDArray[np.float64], sums: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Return account means in the space of the model, float64[n, n_factors]; rows without prompts are zero."""
        projected = np.empty((len(counts), self.basis.shape[1]))
        for low in range(0, len(counts), AT_ONCE):
            part = slice(low, low + AT_ONCE)
            means = sums[part] / np.maximum(counts[part], 1.0)[:, None] - self.mean
            means[counts[part] == 0] = 0.0
            projected[part] = means @ self.basis
        return projected

    def ratio(self, left: npt.NDArray[np.float64], n_left: npt.NDArray[np.float64], right: npt.NDArray[np.float64],
              n_right: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Log-likelihood ratio, in nats, of "one source" against "two sources", pair by pair.

        Parameters
        ----------
        left, right : float64[n, n_factors]
            Projected means.
        n_left, n_right : float64[n]
            Prompts behind them.

        Returns
        -------
        float64[n]
            Positive: rather one source.
        """
        total = np.empty(len(left))
        order = np.lexsort((n_right, n_left))  # pairs with the same two counts share all coefficients
        changes = (np.diff(n_left[order]) != 0) | (np.diff(n_right[order]) != 0)
        for rows in np.split(order, np.flatnonzero(changes) + 1) if len(order) else []:
            of_left, of_right, of_both, constant = self._coefficients(float(n_left[rows[0]]), float(n_right[rows[0]]))
            x, y = left[rows], right[rows]
            total[rows] = -0.5 * (constant + (x * x) @ of_left + (y * y) @ of_right + (x * y) @ of_both)
        return total

    def _coefficients(self, n_left: float, n_right: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
        """Return what the squares and the product of two means are weighted with, float64[n_factors] each, and the constant.

        Of two zero-mean normals with variances ``s_l = b + 1/n_l`` and ``s_r = b + 1/n_r`` and covariance ``b``, less the same with covariance zero.
        """
        b = self.between
        s_left, s_right = b + 1 / n_left, b + 1 / n_right
        determinant = s_left * s_right - b * b
        return (s_right / determinant - 1 / s_left, s_left / determinant - 1 / s_right, -2 * b / determinant,
                float(np.log(determinant / (s_left * s_right)).sum()))

    def embed(self, projected: npt.NDArray[np.float64], counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Return unit vectors whose inner product ranks likely partners: posterior source means, scaled by their spread, float32[n, n_factors]."""
        shrunk = projected * (self.between / (self.between + 1 / np.maximum(counts, 1.0)[:, None]))
        scaled = shrunk / np.sqrt(self.between)
        return np.asarray(scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-12), np.float32)


def second_moment(vectors: Vectors, weights: npt.NDArray[np.float64], chunk: int = 4096) -> npt.NDArray[np.float64]:
    """Return ``sum of weights * x x'``, float64[dim, dim], in chunks of rows whose float32 sums stay exact enough."""
    dim = dim_of(vectors)
    total, weighted = np.zeros((dim, dim)), np.flatnonzero(weights)
    for low in range(0, len(weighted), chunk):
        part = weighted[low : low + chunk]
        rows = vectors[part]
        total += (rows * weights[part, None].astype(np.float32)).T @ rows
    return total
