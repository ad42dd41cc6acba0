"""SimHash: 64-bit fingerprints whose Hamming distance grows with the angle between bags of shingles."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from .columns import text_columns
from .keys import Key
from .sketch import SCHEME, Fingerprints, check_comparable, run_columns, signature_scheme


def simhash(texts: Any, *, key: Key | None = None, ngram: int = 5, threads: int | None = None, isa: str | None = None) -> Fingerprints:
    """Fingerprint each text with SimHash (Charikar 2002).

    Each window of the normalised text votes on each of 64 bits by its keyed hash. A fingerprint is a cheap filter, never a verdict: few
    shingles make it arbitrary, so candidates that it yields are to be checked by their signatures.

    Parameters
    ----------
    texts : Arrow string column, sequence of str, or array of str
        Null is the empty text.
    key, ngram, threads, isa
        As in :func:`fingerprint.sketch.sketch`.

    Returns
    -------
    Fingerprints
        ``values`` uint64[n]; 0 and ``n_shingles == 0`` for a text shorter than ``ngram``.

    Notes
    -----
    Releases the GIL.

    Examples
    --------
    >>> a = simhash(["write a poem about the sea"], key=Key(bytes(16)))
    >>> hamming(a, simhash(["WRITE a poem about the sea"], key=Key(bytes(16)))).tolist()
    [0]
    """
    signature_scheme(1, ngram)
    key = key or Key.default()
    columns = text_columns(texts)
    n = sum(map(len, columns))
    values, n_shingles = np.empty(n, np.uint64), np.empty(n, np.int32)
    run_columns(columns, {"fingerprints": values, "n_shingles": n_shingles}, key=key, num_perm=1, ngram=ngram, threads=threads, isa=isa)
    return Fingerprints(values, n_shingles, f"{SCHEME}:ngram={ngram}:simhash=64", key.key_id)


def hamming(a: Fingerprints, b: Fingerprints) -> npt.NDArray[np.uint8]:
    """Count the bits in which fingerprint i of ``a`` and of ``b`` differ.

    Parameters
    ----------
    a, b : Fingerprints
        Of equal length, made under one scheme and key.

    Returns
    -------
    uint8[n]
        0 to 64; 64 where either row has no shingles, so that short texts are near to nothing.

    Raises
    ------
    IncompatibleSignatures
        Scheme or key differ; both descriptors are in the message.
    ValueError
        The lengths differ.

    Notes
    -----
    Releases the GIL.
    """
    check_comparable(a, b)
    distance = np.empty(len(a), np.uint8)
    _core.hamming_rows(np.ascontiguousarray(a.values), np.ascontiguousarray(b.values), distance)
    distance[(a.n_shingles == 0) | (b.n_shingles == 0)] = 64
    return distance
