"""deduplicate: the clusters are those of sketch and cluster, however texts come and wherever they lie."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fingerprint as fp
from fingerprint import deduplication
from fingerprint.clusters import cluster
from fingerprint.errors import ConfigError

KEY = fp.Key(bytes(range(16)))
WORDS = ["explain", "how", "the", "model", "sorts", "a", "list", "of", "numbers", "write", "poem", "about", "sea", "cats", "dogs"]
FORMS: dict[str, Callable[[list[str | None]], Any]] = {
    "list": lambda t: t,
    "column": lambda t: pa.array(t, pa.string()),
    "chunks": lambda t: pa.chunked_array([pa.array(t[:3], pa.large_string()), pa.array(t[3:], pa.large_string())]),
    "iterator": lambda t: iter([pa.array(t[:2], pa.string()), t[2:3], pa.array(t[3:], pa.string())]),
}


def texts(seed: int) -> list[str | None]:
    rng = random.Random(seed)
    made: list[str | None] = ["", None, "ab"]
    for _ in range(12):
        words = [rng.choice(WORDS) + str(rng.randrange(90)) for _ in range(20)]
        for _ in range(3):
            words[rng.randrange(20)] = rng.choice(WORDS)
            made += [" ".join(words)] * rng.randrange(1, 3)
    rng.shuffle(made)
    return made


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(sorted(FORMS)), st.sampled_from([None, 0, 30_000]), st.sampled_from([7, 65_536]), st.sampled_from([0.5, 0.7]))
def test_clusters_are_those_of_the_signatures(seed: int, form: str, memory: int | None, at_once: int, threshold: float) -> None:
    given_texts = texts(seed)
    made = fp.sketch([t or "" for t in given_texts], key=KEY)
    expected = cluster(made.signatures, made.exact, threshold)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deduplication, "ROWS_AT_ONCE", at_once)
        found = fp.deduplicate(FORMS[form](given_texts), key=KEY, threshold=threshold, memory=memory)
    assert found.labels.tolist() == expected.labels.tolist() and found.leaders.tolist() == expected.leaders.tolist()
    assert np.allclose(found.similarity, expected.similarity) and found.n_exact == expected.n_exact


def test_nothing_has_no_clusters() -> None:
    for nothing in ([], iter([]), pa.array([], pa.string()), ["", None]):
        found = fp.deduplicate(nothing, key=KEY)
        assert len(found) == 0 and (found.labels == -1).all() and found.n_exact == max(len(found.labels) - 1, 0)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ConfigError, match="threshold"):
        fp.deduplicate(["a"], key=KEY, threshold=1.5)
    with pytest.raises((TypeError, pa.ArrowException)):
        fp.deduplicate([1, 2], key=KEY)
