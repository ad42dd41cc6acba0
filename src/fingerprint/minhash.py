"""MinHash signatures and the Jaccard similarity that they estimate."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from .columns import text_columns
from .keys import Key
from .sketch import Signatures, check_comparable, run_columns, signature_scheme


def minhash(
    texts: Any, *, key: Key | None = None, num_perm: int = 128, ngram: int = 5, threads: int | None = None, isa: str | None = None
) -> Signatures:
    """Sign each text with MinHash.

    The share of equal positions of two signatures estimates the Jaccard similarity of the two sets of character shingles of the normalised
    texts, with standard error ``sqrt(j * (1 - j) / num_perm)``. The scheme is defined in :mod:`fingerprint.sketch`.

    Parameters
    ----------
    texts : Arrow string column, sequence of str, or array of str
        Null is the empty text.
    key, num_perm, ngram, threads, isa
        As in :func:`fingerprint.sketch.sketch`.

    Returns
    -------
    Signatures
        ``values`` uint32[n, num_perm]. A text shorter than ``ngram`` has ``n_shingles == 0``, no defined values, and is similar to nothing.

    Notes
    -----
    Releases the GIL. The signature of a union of shingle sets is the elementwise minimum.

    Examples
    --------
    >>> a = minhash(["write a poem about the sea", "hi"], key=Key(bytes(16)))
    >>> b = minhash(["Write a  poem about the sea", "hi"], key=Key(bytes(16)))
    >>> estimate_jaccard(a, b).tolist()
    [1.0, 0.0]
    """
    scheme = signature_scheme(num_perm, ngram)
    key = key or Key.default()
    columns = text_columns(texts)
    n = sum(map(len, columns))
    values, n_shingles = np.empty((n, num_perm), np.uint32), np.empty(n, np.int32)
    run_columns(columns, {"values": values, "n_shingles": n_shingles}, key=key, num_perm=num_perm, ngram=ngram, threads=threads, isa=isa)
    return Signatures(values, n_shingles, scheme, key.key_id)


def estimate_jaccard(a: Signatures, b: Signatures) -> npt.NDArray[np.float64]:
    """Estimate the Jaccard similarity of row i of ``a`` and row i of ``b``.

    Parameters
    ----------
    a, b : Signatures
        Of equal length, made under one scheme and key.

    Returns
    -------
    float64[n]
        Share of equal values; 0.0 where either row has no signature, also if both texts are equal.

    Raises
    ------
    IncompatibleSignatures
        Scheme or key differ; both descriptors are in the message.
    ValueError
        The lengths differ.

    Notes
    -----
    Releases the GIL. Mean and variance: Broder 1997, "On the resemblance and containment of documents".
    """
    check_comparable(a, b)
    n_equal = np.empty(len(a), np.int32)
    _core.count_equal_rows(np.ascontiguousarray(a.values), np.ascontiguousarray(b.values), n_equal)
    has_both = (a.n_shingles > 0) & (b.n_shingles > 0)
    return np.where(has_both, n_equal / max(a.num_perm, 1), 0.0)


def normalize(texts: Any, *, isa: str | None = None) -> list[str]:
    """Return the normalised texts, which is what all sketches are made of, for inspection.

    Parameters
    ----------
    texts : Arrow string column, sequence of str, or array of str
        Null is the empty text.
    isa : str, optional
        Force a kernel set; no result depends on it.

    Returns
    -------
    list of str
        One for each row; the rules stand in :mod:`fingerprint.sketch`.

    Examples
    --------
    >>> normalize(["  Ｈｅｌｌｏ\\u200b   Straße "])
    ['hello strasse']
    """
    result: list[str] = []
    for column in text_columns(texts):
        ends = np.empty(len(column) + 1, np.int64)
        data = _core.normalize_rows(column.data, column.offsets, column.validity, column.validity_offset, ends, isa=isa)
        result += [data[first:last].decode() for first, last in pairwise(ends.tolist())]
    return result
