"""Clusters of near-duplicate texts, each around a leader."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import _core
from .errors import ConfigError
from .lsh import choose_bands
from .sketch import Signatures

MAX_CANDIDATES = 64


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clusters of n texts.

    Attributes
    ----------
    labels : int64[n]
        Cluster of each row, 0 to k - 1; -1 for an empty text, which belongs to none.
    leaders : int64[k]
        Representative of each cluster: the smallest row that holds the leader's text.
    similarity : float32[n]
        Estimated Jaccard similarity of a row to its leader; 1 for the leader's own text, 0 for an empty one.
    n_exact : int
        Rows that repeat the normalised text of an earlier one: counted and labelled, never compared.
    n_budget_exceeded : int
        Distinct texts that had more candidates than were compared: they may stand in a cluster of their own though a match exists.
    """

    labels: npt.NDArray[np.int64]
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
        How many leaders a text is compared with at most, and how many a bucket keeps; those that share most bands come first.

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
    Releases the GIL, looks for signals. Expected time O(n); at most ``max_candidates`` comparisons for each distinct text, whatever the input.

    Examples
    --------
    >>> from fingerprint import Key, sketch
    >>> s = sketch(["tell me a joke about cats", "Tell me a joke about cats!", "what is 2 + 2?", ""], key=Key(bytes(16)))
    >>> c = cluster(s.signatures, s.exact)
    >>> c.labels[0] == c.labels[1], c.labels[0] == c.labels[2], int(c.labels[3]), len(c)
    (np.True_, np.False_, -1, 2)
    """
    num_bands, rows_per_band = choose_bands(threshold, signatures.num_perm)
    if not 1 <= max_candidates <= 1 << 20:
        raise ConfigError(f"max_candidates is from 1 to {1 << 20}, not {max_candidates}")
    if len(exact) != len(signatures):
        raise ValueError(f"exact has {len(exact)} rows, the signatures have {len(signatures)}")
    texts, first_rows, text_of_row = np.unique(exact, return_index=True, return_inverse=True)
    n_empty = int(len(texts) > 0 and texts[0] == 0)  # sorted: the empty text comes first
    rows = np.ascontiguousarray(first_rows[n_empty:], np.int64)
    labels, n_equal = np.empty(len(rows), np.int64), np.empty(len(rows), np.int32)
    # ceil without the rounding error of threshold * num_perm: 0.07 * 100 is a little above 7
    min_equal = max(1, math.ceil(threshold * signatures.num_perm - 1e-9))
    n_budget_exceeded = _core.cluster_rows(
        np.ascontiguousarray(signatures.values),
        np.ascontiguousarray(signatures.n_shingles),
        rows,
        num_bands,
        rows_per_band,
        min_equal,
        max_candidates,
        labels,
        n_equal,
    )
    is_leader = np.diff(np.maximum.accumulate(labels), prepend=-1) > 0 if len(labels) else np.empty(0, bool)
    text_labels = np.concatenate([np.full(n_empty, -1, np.int64), labels])
    text_similarity = np.concatenate([np.zeros(n_empty, np.float32), (n_equal / signatures.num_perm).astype(np.float32)])
    return Clusters(text_labels[text_of_row], rows[is_leader], text_similarity[text_of_row], len(exact) - len(texts), n_budget_exceeded)
