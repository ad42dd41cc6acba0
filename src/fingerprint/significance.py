"""p values of many tests at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return p values adjusted so that rejecting those up to x errs anywhere with probability x at most (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p)))), 1.0)
    return adjusted


def benjamini_hochberg(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return q values (Benjamini and Hochberg 1995), float64[n]; empty in, empty out."""
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q
