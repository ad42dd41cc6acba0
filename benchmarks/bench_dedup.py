"""Rows to near-duplicate clusters, all cores: what repeats and long texts do to the rate.

``dedup.py speed`` runs the same over millions of rows, beside other libraries.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest
import texts
from conftest import Measure

import fingerprint as fp
from fingerprint.keys import Key

N = 100_000
CASES = {"distinct": (0.0, 0.0), "half repeats": (0.5, 0.0), "nine tenths repeats": (0.9, 0.0), "a tenth of 50 kB": (0.0, 0.1)}


@pytest.mark.parametrize("case", CASES)
def bench_deduplicate(measure: Measure, key: Key, case: str) -> None:
    """Texts to clusters, near-duplicates found checked against the families that the texts were made of."""
    n = 200 if measure.is_smoke else N // 10 if CASES[case][1] else N
    column = texts.rows_of_families(np.random.default_rng(3), n, *CASES[case])
    labels = fp.deduplicate(column, key=key).labels
    families = [texts.family_of(text) for text in column.to_pylist()]
    first: dict[str, int] = {}
    together = [labels[first.setdefault(family, i)] == labels[i] for i, family in enumerate(families)]
    assert np.mean(together) > 0.9 and len(np.unique(labels)) >= len(first)
    corpus = texts.Corpus(case, column, int(pc.sum(pc.binary_length(column)).as_py()))
    measure(lambda: fp.deduplicate(column, key=key), corpus, rounds=3)
