"""Points: settled and fresh vectors searched as one find what one index over all would find, and what is embedded does not depend on the spelling."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.encoders import get_encoder
from fingerprint.matrices import blocks
from fingerprint.minhash import normalize
from fingerprint.points import GRID, Points, Settled, centre, nearest_of, plain
from fingerprint.vectors import VectorIndex

DIM, K = 32, 12
NEAR = st.lists(st.lists(st.tuples(st.sampled_from([-0.5, -0.0, 0.0, 0.25, 0.25000003, 1.0]), st.integers(0, 9)), max_size=5), min_size=1, max_size=4)


def rows(lists: list[list[tuple[float, int]]], first: int) -> tuple[np.ndarray, np.ndarray]:
    """Return lists of neighbours as an index gives them: best first, each once, filled up with none."""
    width = max(map(len, lists))
    similarity, index = np.full((len(lists), width), -np.inf, np.float32), np.full((len(lists), width), -1)
    for i, found in enumerate(lists):
        once = sorted({number: s for s, number in found}.items(), key=lambda pair: (-pair[1], pair[0]))
        for j, (number, s) in enumerate(once):
            similarity[i, j], index[i, j] = s, number + first
    return similarity, index


@settings(deadline=None)
@given(NEAR, NEAR, st.integers(0, 8))
def test_the_best_of_two_lists(left: list[list[tuple[float, int]]], right: list[list[tuple[float, int]]], k: int) -> None:
    n = min(len(left), len(right))
    one, other = rows(left[:n], 0), rows(right[:n], 10)
    similarity, index = nearest_of(one, other, k)
    for i in range(n):
        every = [(float(s), int(j)) for part in (one, other) for s, j in zip(part[0][i], part[1][i], strict=True) if j >= 0]
        wanted = sorted(every, key=lambda pair: (-pair[0], pair[1]))[:k]
        found = [(float(s), int(j)) for s, j in zip(similarity[i], index[i], strict=True) if j >= 0]
        assert found == wanted and len(similarity[i]) == k and (similarity[i, len(found) :] == -np.inf).all()


def clustered(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((20, DIM)).astype(np.float32)[rng.integers(0, 20, n)] + rng.standard_normal((n, DIM)).astype(np.float32)
    centre(vectors, vectors.mean(0))
    return vectors


def test_centred_vectors_are_of_unit_length_and_exact_in_half_precision() -> None:
    vectors = clustered(500)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=0.01)
    assert (vectors == vectors.astype(np.float16)).all() and (vectors * GRID % 1 == 0).all()
    zero = np.ones((2, DIM), np.float32)
    centre(zero, np.ones(DIM, np.float32))
    assert not zero.any()


@pytest.mark.parametrize(("n", "n_settled"), [(300, 250), (300, 300), (40, 20)])
def test_exact_points_find_what_one_index_finds(n: int, n_settled: int) -> None:
    vectors = clustered(n)
    vectors[5] = vectors[n - 1] = vectors[n - 2]
    points = Points(VectorIndex.of(vectors[:n_settled]), vectors[n_settled:].astype(np.float16))
    assert len(points) == n and (np.concatenate([block for _, block in blocks(points.vectors)]) == vectors).all()
    similarity, index = points.nearest(vectors, K)
    every = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    order = np.argsort(-every, axis=1, kind="stable")[:, :K]
    assert (similarity == np.take_along_axis(every, order, 1)).all()
    same = index == order
    assert (np.take_along_axis(every, index, 1) == np.take_along_axis(every, order, 1)).all() and same.mean() > 0.99


def test_approximate_points_find_most_of_it_and_fresh_ones_in_the_searched_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint.codes.PER_CELL", 8)
    vectors = clustered(3000)
    settled = VectorIndex.of(vectors[:2800], exact_limit=1000)
    points = Points(settled, vectors[2800:].astype(np.float16))
    similarity, index = points.nearest(vectors, K)
    every = vectors @ vectors.T
    assert (similarity == np.take_along_axis(every, index, 1)).all()
    best = np.argsort(-every, axis=1, kind="stable")[:, :K]
    assert np.mean([len(np.intersect1d(a, b)) for a, b in zip(index, best, strict=True)]) > 0.8 * K
    cells = points.cells(vectors)
    alone, known = points.nearest_fresh(vectors, K), points.nearest_fresh(vectors, K, cells)
    assert (alone[0] == known[0]).all() and (alone[1] == known[1]).all() and alone[1].min() in (-1, 2800)
    own = points._beside.cells(vectors[2800:])[:, 0]  # the cell of a vector is the first of those in which it is looked for
    for query in range(0, 3000, 100):
        within = 2800 + np.flatnonzero(np.isin(own, cells[query]))
        wanted = np.sort(every[query, within])[::-1][:K]
        assert (np.sort(alone[0][query][alone[1][query] >= 0])[::-1] == wanted).all()


def test_what_is_embedded_does_not_depend_on_the_spelling() -> None:
    texts = ["Say  HELLO\n to the caf\u00e9", " say hello to the cafe\u0301 ", "S\u200bay hello TO the caf\u00e9", "\ud55c\uad6d\uc5b4 \uac00", "", "\ufb01ne"]
    seen = plain(texts)
    assert seen.to_pylist() == ["say hello to the caf\u00e9"] * 3 + ["\ud55c\uad6d\uc5b4 \uac00", "", "fine"], "marks are composed again"
    assert plain(pa.array(texts, pa.large_string())).equals(seen) and plain([]).to_pylist() == []
    assert normalize(seen) == normalize(texts)
    encoder = get_encoder("static", threads=1)
    base = Settled.of(pa.array(texts, pa.large_string()), encoder)
    vectors = base.embed(texts, encoder)
    assert (vectors[0] == vectors[1]).all() and (vectors[0] == vectors[2]).all() and (vectors == base.index.vectors[:]).all()
    assert not (vectors[0] == vectors[3]).all() and np.allclose(base.mean, encoder.encode(seen).mean(0))
