"""Exchangeability: are these accounts people, or one shuffled list?

People leave a personal trace in what they ask; a query set shared out by a load balancer does not. Inside a group, after the text that
all share is removed, the mean similarity of prompts of one account is compared with that of prompts of different accounts. It is an
*equivalence* test: "no difference seen" proves nothing when there was no power, so a group is called one source only when the upper
confidence bound of the difference is small against what the group has in common and against the trace that ordinary people leave. The other
side counts too: where everybody has one copy of the same list (homework, a benchmark), prompts of *different* accounts are the more alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Exchangeability:
    """Result of the test.

    Attributes
    ----------
    within, cross : float
        Mean cosine of pairs of one account and of pairs of different accounts.
    error : float
        Standard error of ``within - cross``, jackknife over accounts.
    trace_ratio : float
        ``(within - cross) / ((1 - cross) trace)``: 0 for a shuffled list, about 1 for ordinary people. What the group has in common leaves
        ``1 - cross`` of a unit vector free to differ, and a person's trace lies in that.
    bound, lower : float
        Upper and lower 95 % confidence bound of `trace_ratio`, each one-sided.
    p : float
        Chance of a ratio as small as this if the accounts were ordinary people, with a true ratio of 1.
    p_permutation, p_below : float
        Chance of a difference as large, and as small, as this when account labels are permuted ("this is one list"), by a normal
        approximation with the exact mean and variance over all permutations (Mantel 1967).
    n_accounts, n_prompts : int
        What entered.
    """

    within: float
    cross: float
    error: float
    trace_ratio: float
    bound: float
    lower: float
    p: float
    p_permutation: float
    p_below: float
    n_accounts: int
    n_prompts: int


def exchangeability(vectors: npt.NDArray[np.float32], account: npt.NDArray[np.int64], trace: float) -> Exchangeability | None:
    """Test whether the account says anything about the content.

    Parameters
    ----------
    vectors : float32[n, dim]
        Unit vectors of the prompts, shared text removed.
    account : int64[n]
        Their accounts.
    trace : float
        Personal trace of the population (:func:`fingerprint.profiles.personal_trace`), > 0 where it could be measured.

    Returns
    -------
    Exchangeability or None
        None without power: fewer than 3 accounts with two prompts, or fewer than 20 pairs inside accounts.

    Notes
    -----
    With the sum ``M_i`` of an account's vectors, pairs inside it sum to ``|M_i|^2 - n_i`` and pairs of different accounts to ``|M|^2 - sum
    |M_i|^2``, so leaving an account out costs one dot product.
    """
    from scipy.special import ndtr, stdtr, stdtrit

    _, label = np.unique(account, return_inverse=True)
    order = np.argsort(label, kind="stable")
    rows, label = vectors[order].astype(np.float32), label[order]
    n = np.bincount(label).astype(np.float64)
    start = np.concatenate([[0], np.cumsum(n[:-1])]).astype(np.int64)
    pairs = n * (n - 1)
    if (n >= 2).sum() < 3 or pairs.sum() < 20:
        return None
    sums = np.add.reduceat(rows, start, axis=0).astype(np.float64)
    norms = np.einsum("ij,ij->i", rows, rows).astype(np.float64)
    self_sum = np.add.reduceat(norms, start)
    squares = np.einsum("ij,ij->i", sums, sums)
    total = sums.sum(0)
    within_i = squares - self_sum
    cross_all, cross_pairs = total @ total - squares.sum(), n.sum() ** 2 - (n**2).sum()
    within, cross = within_i.sum() / pairs.sum(), cross_all / cross_pairs
    loo_within = (within_i.sum() - within_i) / np.maximum(pairs.sum() - pairs, 1)
    loo_cross = (cross_all - 2 * (sums @ total - squares)) / np.maximum(cross_pairs - 2 * n * (n.sum() - n), 1)
    a = len(n)
    scale = max(1 - max(cross, 0.0), 1e-6) * max(trace, 1e-6)
    ratio = (within - cross) / scale
    loo = (loo_within - loo_cross) / (np.maximum(1 - np.maximum(loo_cross, 0.0), 1e-6) * max(trace, 1e-6))
    error_ratio = float(np.sqrt((a - 1) / a * ((loo - loo.mean()) ** 2).sum()))
    reach = float(stdtrit(a - 1, 0.95)) * error_ratio
    p = float(stdtr(a - 1, (ratio - 1) / max(error_ratio, 1e-9)))

    deviate = _permutation_deviate(rows, n, within_i.sum())
    p_permutation, p_below = float(ndtr(-deviate)), float(ndtr(deviate))
    return Exchangeability(within, cross, error_ratio * scale, ratio, ratio + reach, ratio - reach, p, p_permutation, p_below, a, len(rows))


def _permutation_deviate(rows: npt.NDArray[np.float32], size: npt.NDArray[np.float64], observed: float) -> float:
    """Return by how many standard deviations the sum over ordered pairs inside accounts exceeds its mean over all permutations of the labels.

    With weights ``w`` (1 for a pair of one account) and similarities ``g``, both without diagonal, the moments of ``sum w g`` need only the sums
    of entries, of squared entries and of squared row sums of each matrix (Mantel 1967).
    """
    n = float(len(rows))
    if n < 4:
        return 0.0
    x = rows.astype(np.float64)
    own = np.einsum("ij,ij->i", x, x)
    row_sum = x @ x.sum(0) - own
    square = float((np.square(x.T @ x)).sum() - np.square(own).sum())
    w = (float((size * (size - 1)).sum()), float((size * (size - 1)).sum()), float((size * (size - 1) ** 2).sum()))
    g = (float(row_sum.sum()), square, float(np.square(row_sum).sum()))
    mean = w[0] * g[0] / (n * (n - 1))
    second = (2 * w[1] * g[1] / (n * (n - 1)) + 4 * (w[2] - w[1]) * (g[2] - g[1]) / (n * (n - 1) * (n - 2))
              + (w[0] ** 2 - 4 * w[2] + 2 * w[1]) * (g[0] ** 2 - 4 * g[2] + 2 * g[1]) / (n * (n - 1) * (n - 2) * (n - 3)))
    variance = second - mean**2
    return float((observed - mean) / np.sqrt(variance)) if variance > 1e-12 * max(mean**2, 1e-12) else 0.0


def mean_cross(vectors: npt.NDArray[np.float32], account: npt.NDArray[np.int64]) -> float:
    """Return the mean inner product of pairs of vectors of different accounts; 0.0 when there is no such pair."""
    _, label = np.unique(account, return_inverse=True)
    n = np.bincount(label).astype(np.float64)
    pairs = n.sum() ** 2 - (n**2).sum()
    if not pairs:
        return 0.0
    sums = np.zeros((len(n), vectors.shape[1]))
    np.add.at(sums, label, vectors)
    total = sums.sum(0)
    return float((total @ total - np.einsum("ij,ij->", sums, sums)) / pairs)
