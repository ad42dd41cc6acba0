"""Locality-sensitive hashing of signatures: how many bands of how many rows, and the keys of the bands."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from . import _core
from .errors import ConfigError
from .sketch import Signatures

# A false candidate costs one comparison of two signatures, a missed one costs a match: so misses weigh more.
FALSE_POSITIVE_WEIGHT, FALSE_NEGATIVE_WEIGHT = 0.1, 0.9
_GRID = 512  # midpoints of the integral; the areas are smooth


def candidate_probability(similarity: npt.ArrayLike, num_bands: int, rows_per_band: int) -> npt.NDArray[np.float64]:
    """Return the probability ``1 - (1 - s**r)**b`` that two rows of Jaccard similarity ``s`` share a band.

    Parameters
    ----------
    similarity : array_like
        Values from 0 to 1, any shape.
    num_bands, rows_per_band : int
        The shape.

    Returns
    -------
    float64 array
        Of the shape of ``similarity``.
    """
    s = np.asarray(similarity, np.float64)
    result: npt.NDArray[np.float64] = 1.0 - (1.0 - s**rows_per_band) ** num_bands
    return result


@lru_cache(maxsize=64)
def choose_bands(threshold: float, num_perm: int) -> tuple[int, int]:
    """Choose the band shape for a similarity threshold.

    Of all shapes that fit, it takes the one with the least weighted area of error: candidates below the threshold (weight 0.1) and
    missed pairs above it (weight 0.9).

    Parameters
    ----------
    threshold : float
        Jaccard similarity in (0, 1].
    num_perm : int
        Length of the signatures.

    Returns
    -------
    num_bands, rows_per_band : int
        Their product is at most ``num_perm``.

    Raises
    ------
    ConfigError
        A parameter is out of range.

    Examples
    --------
    >>> choose_bands(0.7, 128)
    (21, 6)
    """
    if not 0.0 < threshold <= 1.0:
        raise ConfigError(f"threshold is above 0 and at most 1, not {threshold}")
    if not 1 <= num_perm <= _core.MAX_NUM_PERM:
        raise ConfigError(f"num_perm is from 1 to {_core.MAX_NUM_PERM}, not {num_perm}")
    points = (np.arange(_GRID) + 0.5) / _GRID
    below, above = points * threshold, threshold + points * (1.0 - threshold)
    best = (np.inf, 1, 1)
    for rows_per_band in range(1, num_perm + 1):
        num_bands = num_perm // rows_per_band
        false_positive = candidate_probability(below, num_bands, rows_per_band).mean() * threshold
        false_negative = (1.0 - candidate_probability(above, num_bands, rows_per_band)).mean() * (1.0 - threshold)
        error = FALSE_POSITIVE_WEIGHT * false_positive + FALSE_NEGATIVE_WEIGHT * false_negative
        best = min(best, (float(error), num_bands, rows_per_band))
    return best[1], best[2]


def band_keys(signatures: Signatures, num_bands: int, rows_per_band: int) -> npt.NDArray[np.uint64]:
    """Return the key of each band of each signature; equal keys make two rows candidates.

    Parameters
    ----------
    signatures : Signatures
        n rows.
    num_bands, rows_per_band : int
        Band b holds the values ``b * rows_per_band`` to ``(b + 1) * rows_per_band - 1``.

    Returns
    -------
    uint64[n, num_bands]
        The band number is part of the key, so keys of different bands differ. Rows with ``n_shingles == 0`` have keys without meaning:
        leave them out.

    Raises
    ------
    ConfigError
        The bands do not fit into the signatures.

    Notes
    -----
    Releases the GIL. Keys depend on the secret key by way of the values.
    """
    if num_bands < 1:
        raise ConfigError(f"num_bands is at least 1, not {num_bands}")
    keys = np.empty((len(signatures), num_bands), np.uint64)
    _core.band_keys_rows(np.ascontiguousarray(signatures.values), rows_per_band, keys)
    return keys
