"""Nearest vectors: exact against numpy, the inverted file by recall, and FAISS's thread setting."""

from __future__ import annotations

import gc

import faiss
import numpy as np
import pytest

from fingerprint import vectors
from fingerprint.codes import sample_size
from fingerprint.matrices import Half, Stacked, blocks, dim_of, parts
from fingerprint.vectors import AT_ONCE, VectorIndex, nearest


def unit(v: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(v / np.linalg.norm(v, axis=1, keepdims=True), np.float32)


def clustered(n: int, n_clusters: int = 60, dim: int = 24, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return unit(rng.standard_normal((n_clusters, dim))[rng.integers(0, n_clusters, n)] + 0.5 * rng.standard_normal((n, dim)))


def brute(base: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    similarity = queries.astype(np.float64) @ base.T.astype(np.float64)
    index = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(similarity, index, 1), index


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 2), (500, 7), (500, 500)])
def test_exact_search_equals_numpy(n: int, k: int) -> None:
    base, queries = clustered(n), clustered(40, seed=1)
    similarity, index = VectorIndex.of(base).nearest(queries, k)
    wanted, order = brute(base, queries, k)
    assert similarity.dtype == np.float32 and index.dtype == np.int64
    assert np.allclose(similarity, wanted, atol=1e-5) and (index == order).mean() > 0.999
    assert (np.diff(similarity, axis=1) <= 0).all()


def test_each_vector_is_its_own_first_neighbour() -> None:
    base = clustered(300)
    similarity, index = nearest(base, 5)
    assert (index[:, 0] == np.arange(300)).all() and np.allclose(similarity[:, 0], 1, atol=1e-5)
    other = VectorIndex.of(base).nearest(base, 5)
    assert (index == other[1]).all() and (similarity == other[0]).all()


def test_fewer_vectors_than_neighbours() -> None:
    similarity, index = nearest(clustered(3), 5)
    assert (np.sort(index[:, :3]) == [0, 1, 2]).all() and (index[:, 3:] == -1).all()
    assert np.isneginf(similarity[:, 3:]).all() and np.isfinite(similarity[:, :3]).all()


def test_nothing_indexed_and_nothing_asked() -> None:
    similarity, index = VectorIndex.of(np.zeros((0, 4), np.float32)).nearest(np.ones((2, 4), np.float32), 3)
    assert (index == -1).all() and np.isneginf(similarity).all() and index.shape == (2, 3)
    similarity, index = VectorIndex.of(clustered(9)).nearest(np.zeros((0, 24), np.float32), 3)
    assert index.shape == similarity.shape == (0, 3)


def test_progress_adds_up_over_parts() -> None:
    told: list[int] = []
    queries = clustered(2 * AT_ONCE + 5)
    _, index = VectorIndex.of(queries[:50]).nearest(queries, 2, told.append)
    assert sum(told) == len(queries) and len(told) == 3
    assert (index[AT_ONCE:] == VectorIndex.of(queries[:50]).nearest(queries[AT_ONCE:], 2)[1]).all()


def test_inverted_file_finds_most_neighbours_and_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    base = clustered(6000)
    exact = nearest(base, 10)[1]
    monkeypatch.setattr(vectors, "EXACT_LIMIT", 1000)
    search = VectorIndex.of(base, 1)
    assert isinstance(search._index, faiss.IndexRefine)
    similarity, index = search.nearest(base, 10)
    recall = np.mean([len(np.intersect1d(a, b)) for a, b in zip(index, exact, strict=True)]) / 10
    assert recall >= 0.9
    again = VectorIndex.of(base, 2).nearest(base, 10)
    assert (again[1] == index).all() and (again[0] == similarity).all(), "threads change nothing"
    for part in np.array_split(np.arange(len(base)), 7):
        assert (search.nearest(base[part], 10)[1] == index[part]).all(), "nor does who is asked together"
    assert np.allclose(similarity, np.einsum("ij,ikj->ik", base, base[index]), atol=1e-3), "vectors are kept in half precision"
    kept = search.vectors
    assert isinstance(kept, Half) and len(kept) == 6000 and kept.dim == dim_of(kept) == 24
    assert kept[np.array([5, 3])].dtype == np.float32 and np.abs(kept[:] - base).max() < 1e-3
    by_parts = VectorIndex(6000, base[:: 6000 // sample_size(6000)], 1)
    for part in np.array_split(base, 5):
        by_parts.add(part)
    assert (by_parts.nearest(kept, 10)[1] == search.nearest(kept, 10)[1]).all(), "nor how it was filled"


@pytest.mark.parametrize("dim", [23, 24])
def test_odd_dimensions_have_an_inverted_file_too(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "EXACT_LIMIT", 1000)
    base = clustered(2000, dim=dim)
    assert (nearest(base, 3)[1][:, 0] == np.arange(2000)).mean() > 0.99


def test_vectors_outlive_the_index() -> None:
    base = clustered(500)
    kept = VectorIndex.of(base).vectors
    assert isinstance(kept, np.ndarray)
    gc.collect()
    assert (kept == base).all() and not kept.flags.writeable


@pytest.mark.parametrize("threads", [None, 1, 2])
def test_thread_setting_is_restored(threads: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = faiss.omp_get_max_threads()
    seen = []
    try:
        faiss.omp_set_num_threads(3)
        search = VectorIndex.of(clustered(20), threads)
        assert faiss.omp_get_max_threads() == 3
        search.nearest(clustered(5), 2, lambda _: seen.append(faiss.omp_get_max_threads()))
        assert seen == [threads or 3] and faiss.omp_get_max_threads() == 3
        with pytest.raises(ZeroDivisionError):
            search.nearest(clustered(5), 2, lambda n: 1 // 0)
        assert faiss.omp_get_max_threads() == 3, "also after an error"
    finally:
        faiss.omp_set_num_threads(before)


def test_stacked_rows_are_those_of_one_array() -> None:
    some = [clustered(n, seed=n) for n in (5, 1, 40)]
    whole, stacked = np.concatenate(some), Stacked(*some)
    rows = np.random.default_rng(0).integers(0, 46, 200)
    assert len(stacked) == 46 and np.array_equal(stacked[rows], whole[rows]) and stacked[rows].dtype == np.float32
    assert stacked[np.zeros(0, np.int64)].shape == (0, 24)
    assert parts(stacked) == tuple(some) and parts(whole)[0] is whole
    halved = Stacked(some[0], Half(whole.astype(np.float16)))
    assert np.allclose(halved[np.arange(51)], np.concatenate([some[0], whole]), atol=1e-3) and dim_of(halved) == 24


@pytest.mark.parametrize("n_rows", [1, 7, 100])
def test_blocks_are_all_rows_in_order(n_rows: int) -> None:
    some = [clustered(n, seed=n) for n in (5, 30)]
    for given in (Stacked(*some), np.concatenate(some), Half(np.concatenate(some).astype(np.float16))):
        found = list(blocks(given, n_rows))
        assert [start for start, _ in found] == np.cumsum([0, *(len(block) for _, block in found)])[:-1].tolist()
        assert max(len(block) for _, block in found) <= n_rows
        assert np.allclose(np.concatenate([block for _, block in found]), np.concatenate(some), atol=1e-3)
