"""Clusters of near-duplicate texts, each around a leader."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from .errors import ConfigError
from .lsh import choose_bands
from .room import let_go
from .sketch import Signatures, processors

MAX_CANDIDATES = 64
SHARED_FROM = 50_000  # texts from which threads share the work
CHANCE = 1 / 256  # that a byte of two unequal values agrees


def least_equal(threshold: float, num_perm: int) -> int:
    """Return in how many bytes two rows of :class:`Compact` agree, at least, where their similarity is estimated to reach a threshold."""
    # ceil without the rounding error of threshold * num_perm: 0.07 * 100 is a little above 7
    return max(1, math.ceil((threshold + (1 - threshold) * CHANCE) * num_perm - 1e-9))


def estimate_from_equal(equal: npt.NDArray[np.int32], num_perm: int) -> npt.NDArray[np.float32]:
    """Return the similarity, float32[n], that is estimated of rows that agree in so many of their bytes."""
    similarity: npt.NDArray[np.float32] = np.maximum(0.0, (equal / np.float32(num_perm) - np.float32(CHANCE)) / np.float32(1 - CHANCE), dtype=np.float32)
    return similarity


@dataclass(frozen=True, slots=True)
class Compact:
    """What clustering needs of the signatures of n texts: 212 bytes each instead of 512, at 128 values and 21 bands.

    Attributes
    ----------
    values : uint8[n, num_perm]
        A byte of each value; two rows of Jaccard similarity ``s`` agree in ``s + (1 - s) / 256`` of them (Li and König 2010).
    band_keys : list of uint32[n]
        Half of each band key, band by band.
    signed : bool[n]
        False for a text without signature; the other two are without meaning there.
    file : int
        Descriptor of the file in which `values` lie, -1 where they lie in memory.
    """

    values: npt.NDArray[np.uint8]
    band_keys: list[npt.NDArray[np.uint32]]
    signed: npt.NDArray[np.bool_]
    file: int = -1

    def __len__(self) -> int:
        return len(self.signed)


def compact(signatures: Signatures, threshold: float = 0.7) -> Compact:
    """Return what clustering at a threshold needs of signatures. Releases the GIL."""
    num_bands, rows_per_band = choose_bands(threshold, signatures.num_perm)
    n = len(signatures)
    values, band_keys = np.empty((n, signatures.num_perm), np.uint8), np.empty((num_bands, n), np.uint32)
    _core.compact_rows(np.ascontiguousarray(signatures.values), rows_per_band, values, band_keys)
    return Compact(values, list(band_keys), signatures.n_shingles > 0)


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clusters of n texts.

    Attributes
    ----------
    labels : int32[n]
        Cluster of each row, 0 to k - 1; -1 for an empty text, which belongs to none.
    leaders : int64[k]
        Representative of each cluster: the smallest row that holds the leader's text.
    similarity : float32[n]
        Estimated Jaccard similarity of a row to its leader; 1 for the leader's own text, 0 for an empty one.
    n_exact : int
        Rows that repeat the normalised text of an earlier one: counted and labelled, never compared.
    n_budget_exceeded : int
        Distinct texts that share a band with more leaders than it follows: they may stand in a cluster of their own though a match exists.
    """

    labels: npt.NDArray[np.int32]
    leaders: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float32]
    n_exact: int
    n_budget_exceeded: int

    def __len__(self) -> int:
        return len(self.leaders)


def cluster(signatures: Signatures, exact: npt.NDArray[np.uint64], threshold: float = 0.7, *, max_candidates: int = MAX_CANDIDATES) -> Clusters:
    """Cluster near duplicates around leaders.

    Distinct texts are taken in the order of their exact hashes, so the result depends neither on the order of the rows nor on how they were
    batched. A text joins, among the leaders that share a band with it, the one of highest estimated similarity if that reaches the
    threshold (the earlier one of equals); otherwise it becomes a leader. Members are never compared with members: a series that drifts
    step by step falls into several clusters, each within the threshold of its leader.

    Parameters
    ----------
    signatures : Signatures
        n rows.
    exact : uint64[n]
        Exact hashes of the same rows (``Sketch.exact``); 0 is the empty text.
    threshold : float
        Least estimated Jaccard similarity to a leader, in (0, 1].
    max_candidates : int
        How many leaders whoever shares a band is compared with: those that come first.

    Returns
    -------
    Clusters
        Numbered in the order of the leaders' exact hashes. A text without signature (``n_shingles == 0``) clusters with equal texts only.

    Raises
    ------
    ConfigError
        A parameter is out of range.
    ValueError
        The lengths differ.

    Notes
    -----
    Releases the GIL, looks for signals. Expected time O(n); at most ``max_candidates`` comparisons for each distinct text and band, whatever the input. A
    text that shares no band with any other is a cluster by itself and is compared with nothing.

    Examples
    --------
    >>> from fingerprint import Key, sketch
    >>> s = sketch(["tell me a joke about cats", "Tell me a joke about cats!", "what is 2 + 2?", ""], key=Key(bytes(16)))
    >>> c = cluster(s.signatures, s.exact)
    >>> c.labels[0] == c.labels[1], c.labels[0] == c.labels[2], int(c.labels[3]), len(c)
    (np.True_, np.False_, -1, 2)
    """
    if not 1 <= max_candidates <= 1 << 20:
        raise ConfigError(f"max_candidates is from 1 to {1 << 20}, not {max_candidates}")
    if len(exact) != len(signatures):
        raise ValueError(f"exact has {len(exact)} rows, the signatures have {len(signatures)}")
    texts, first_rows, text_of_row = np.unique(exact, return_index=True, return_inverse=True)
    n_empty = int(len(texts) > 0 and texts[0] == 0)  # sorted: the empty text comes first
    first_rows = first_rows[n_empty:]
    found = cluster_distinct(compact(signatures[first_rows], threshold), np.arange(len(first_rows), dtype=np.int32), threshold,
                             max_candidates=max_candidates)
    text_labels = np.concatenate([np.full(n_empty, -1, np.int32), found.labels])
    text_similarity = np.concatenate([np.zeros(n_empty, np.float32), found.similarity])
    return Clusters(text_labels[text_of_row], first_rows[found.leaders], text_similarity[text_of_row], len(exact) - len(texts), found.n_budget_exceeded)


def cluster_distinct(made: Compact, rows: npt.NDArray[np.int32], threshold: float = 0.7, *, max_candidates: int = MAX_CANDIDATES,
                     threads: int | None = None, advance: Callable[[int], object] | None = None) -> Clusters:
    """Cluster texts that are known to be distinct, as :func:`cluster` does.

    Parameters
    ----------
    made : Compact
        Of n texts, for the same threshold. Its band keys are written over.
    rows : int32[n]
        All rows of `made`, in the order of their exact hashes.
    threshold, max_candidates
        As there.
    threads : int, optional
        Default one for each processor; their number changes no result.
    advance : callable, optional
        Called with the number of texts clustered since the last call.

    Returns
    -------
    Clusters
        ``labels`` and ``similarity`` of the n texts in the order of `rows`.
    """
    num_perm = made.values.shape[1]
    min_equal = least_equal(threshold, num_perm)
    best = np.empty(len(rows), np.uint64)

    def done(n: int) -> None:
        let_go(*made.band_keys)
        if advance is not None:
            advance(n)

    n_parts = processors(threads) if len(rows) >= SHARED_FROM else 1
    with ThreadPoolExecutor(n_parts) if n_parts > 1 else nullcontext() as pool:
        share = map if pool is None else pool.map
        bands = buckets(made, rows, max_candidates, share)
        n_budget_exceeded = _core.cluster_rows(np.ascontiguousarray(made.values), rows, bands, min_equal, best, done, map=share, n_parts=n_parts,
                                               file=made.file)
    del bands
    labels, equal = (np.ascontiguousarray(best.view(np.int32)[half::2]) for half in ((0, 1) if sys.byteorder == "little" else (1, 0)))
    similarity = estimate_from_equal(equal, num_perm)
    first = founders(labels)
    similarity[first] = 1.0
    return Clusters(labels, rows[first].astype(np.int64), similarity, 0, n_budget_exceeded)


def founders(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return where each cluster appears first, int64[k]: where the leaders stand, of labels in the order of exact hashes."""
    highest = np.maximum.accumulate(np.concatenate([[-1], labels]))
    return np.flatnonzero(np.diff(highest) > 0)


def buckets(made: Compact, rows: npt.NDArray[np.int32], max_candidates: int = MAX_CANDIDATES, share: Callable[..., Iterable[Any]] = map) -> list[_core.Buckets]:
    """Return the buckets of each band, of positions in the order of `rows`; the memory of the band keys is theirs from now on.

    `share` is ``map``, or that of an executor.
    """
    signed = np.ascontiguousarray(made.signed).view(np.uint8)
    positions = np.empty(len(rows), np.int32)
    positions[rows] = np.arange(len(rows), dtype=np.int32)

    def of_band(column: npt.NDArray[np.uint32]) -> _core.Buckets:
        found = _core.bucket_rows(column, positions, signed, max_candidates)
        let_go(column)
        return found

    return list(share(of_band, made.band_keys))
