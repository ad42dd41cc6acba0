"""Random numbers as a function of what they are for, so that no draw depends on how many others were made.

Every draw is ``mix(key + index)`` with the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): pure 64-bit integer
arithmetic, the same on every machine and NumPy version, and vectorised over rows that belong to different accounts. A
generator object per account would cost more than the account's whole text. Nothing here goes through a floating-point
library call: those differ in the last bit between instruction sets.
"""

from __future__ import annotations

import hashlib
import math
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIERS: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_30, _27, _31, _32 = (np.uint64(x) for x in (30, 27, 31, 32))


def name_key(*parts: object) -> np.uint64:
    """Turn names and numbers into a key; the same in every process."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def mix(x: Keys) -> Keys:
    """Scramble each key of an array (SplitMix64 finaliser); uint64 wraps on purpose."""
    z = x ^ (x >> _30)
    z *= _MULTIPLIERS[0]
    z ^= z >> _27
    z *= _MULTIPLIERS[1]
    z ^= z >> _31
    return z


def derive(keys: Keys, *parts: object) -> Keys:
    """Derive one new key per key for the purpose that ``parts`` name."""
    return mix(keys + name_key(*parts))


def indexed(keys: Keys, index: npt.NDArray[np.integer]) -> Keys:
    """Derive the key of element ``index`` of a sequence that belongs to each key."""
    return mix(keys + GOLDEN * (index.astype(np.uint64) + np.uint64(1)))


def below(keys: Keys, bound: npt.NDArray[np.integer] | int) -> Ints:
    """Map each key to an integer in ``0 .. bound - 1`` (multiply-shift on the high 32 bits; ``bound`` under 2**32)."""
    b = np.uint64(bound) if isinstance(bound, int) else bound.astype(np.uint64)
    return (((keys >> _32) * b) >> _32).astype(np.int64)


def chance(keys: Keys, share: npt.NDArray[np.float64] | float) -> npt.NDArray[np.bool_]:
    """Say per key whether an event of probability ``share`` happens (resolution 2**-31)."""
    return below(keys, 1 << 31) < np.asarray(np.asarray(share) * (1 << 31)).astype(np.int64)


def lognormal_table(median: float, sigma: float, size: int = 4096, cap: float = 1e9) -> Ints:
    """Return the ``size`` middle quantiles of a lognormal, in 1/64 units, as integers.

    Draw with ``table[below(keys, size)]``. ``math`` and not NumPy: its results are the same with and without AVX-512.
    """
    normal = NormalDist()
    values = (median * math.exp(sigma * normal.inv_cdf((i + 0.5) / size)) for i in range(size))
    return np.array([round(64 * min(cap, v)) for v in values], dtype=np.int64)


def weighted_table(weights: npt.ArrayLike, size: int = 4096) -> Ints:
    """Return ``size`` entries of indices in proportion to integer ``weights``; draw with ``table[below(keys, size)]``."""
    w = np.asarray(weights, dtype=np.int64)
    edges = np.cumsum(w) * size // int(w.sum())
    return np.searchsorted(edges, np.arange(size), side="right").astype(np.int64)


def apportion(weights: Ints, total: int) -> Ints:
    """Share ``total`` out over the rows in proportion to ``weights``, at least one each, summing exactly to ``total``.

    ``total`` must be at least ``len(weights)``; the caller has checked that.
    """
    if not len(weights):
        return np.zeros(0, dtype=np.int64)
    cumulative = np.cumsum(weights, dtype=np.int64)
    spare, whole = total - len(weights), int(cumulative[-1])
    shift = max(0, (whole * spare).bit_length() - 62)  # keeps the product below within int64
    cumulative >>= shift
    whole >>= shift
    if whole == 0:
        cumulative, whole = np.arange(1, len(weights) + 1, dtype=np.int64), len(weights)
    shares = cumulative * spare // whole
    return np.diff(shares, prepend=0) + 1


def hex_strings(keys: Keys, digits: int) -> npt.NDArray[np.uint8]:
    """Write the top ``digits`` hexadecimal digits of each key as ASCII, uint8[n, digits]."""
    shifts = np.uint64(60) - np.arange(digits, dtype=np.uint64) * np.uint64(4)
    nibbles = (keys[:, None] >> shifts) & np.uint64(15)
    return np.frombuffer(b"0123456789abcdef", dtype=np.uint8)[nibbles.astype(np.intp)]
