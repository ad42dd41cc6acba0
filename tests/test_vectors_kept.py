"""Vectors that come and go: search within a similarity, removal and expiry, bytes, equal vectors, files; all against brute force."""

from __future__ import annotations

import shutil
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_vectors import brute, clustered

from fingerprint.codes import read
from fingerprint.errors import InputError
from fingerprint.keys import Key
from fingerprint.matrices import Bytes, distinct_rows
from fingerprint.sealed import MANIFEST
from fingerprint.vectors import DEAD, VectorIndex

KINDS = {"exact": {}, "inverted": {"exact_limit": 1000}, "compact": {"exact_limit": 1000, "compact": True}}
BASE = clustered(4000)
KEY = Key(bytes(range(16)))


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request: pytest.FixtureRequest) -> dict[str, object]:
    return request.param


def recall(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) for a, b in zip(found, wanted, strict=True)]) / wanted.shape[1])


def test_the_limit_of_exact_search_is_an_option() -> None:
    assert VectorIndex.of(BASE, exact_limit=4000).is_exact and not VectorIndex.of(BASE, exact_limit=3999).is_exact
    assert (VectorIndex.of(BASE, exact_limit=0).nearest(BASE[:50], 9)[1][:, 0] == np.arange(50)).mean() > 0.95


def test_bytes_find_nearly_what_halves_find() -> None:
    halves, small = VectorIndex.of(BASE, **KINDS["inverted"]), VectorIndex.of(BASE, **KINDS["compact"])
    kept = small.vectors
    assert isinstance(kept, Bytes) and kept.rows.dtype == np.uint8 and kept.rows.shape == (4000, 24) and kept.dim == 24 and len(kept) == 4000
    assert np.abs(kept[:] - BASE).max() < 0.02 and (kept[np.array([7, 3])] == kept[:][[7, 3]]).all() and kept[:9].dtype == np.float32
    assert np.allclose(kept[:], small._store.reconstruct_n(0, 4000), atol=1e-6)
    wanted = brute(BASE, BASE[:500], 10)[1]
    assert recall(small.nearest(BASE[:500], 10)[1], wanted) > recall(halves.nearest(BASE[:500], 10)[1], wanted) - 0.05


@pytest.mark.parametrize("cap", [1, 7, 40, 10_000])
@pytest.mark.parametrize("least", [-2.0, 0.5, 0.9, 2.0])
def test_within_is_what_a_comparison_with_all_finds(least: float, cap: int) -> None:
    base, queries = BASE[:300], BASE[200:240]
    query, row, similarity, n_capped = VectorIndex.of(base).within(queries, least, cap)
    assert (query.dtype, row.dtype, similarity.dtype) == (np.int64, np.int64, np.float32)
    exact, order = brute(base, queries, 300)
    near = exact >= least
    assert n_capped == (near.sum(1) > cap).sum()
    near[:, cap:] = False
    assert (query == np.nonzero(near)[0]).all() and np.allclose(similarity, exact[near], atol=1e-5) and (row != order[near]).sum() <= 0.01 * len(row)
    assert (np.bincount(query, minlength=40) <= cap).all()


def test_within_asks_for_more_until_all_are_found(kind: dict[str, object]) -> None:
    search = VectorIndex.of(BASE, **kind)
    exact = BASE[:60].astype(np.float64) @ BASE.T.astype(np.float64)
    query, row, similarity, n_capped = search.within(BASE[:60], 0.6, 4000)
    assert not n_capped and (similarity >= 0.6).all() and len(np.unique(query * 4000 + row)) == len(row)
    assert np.allclose(similarity, exact[query, row], atol=0.01)
    assert (exact[query, row] > 0.61).sum() >= 0.95 * (exact > 0.61).sum()
    assert (np.diff(similarity)[np.diff(query) == 0] <= 0).all() and (np.diff(query) >= 0).all()
    assert len(search.within(BASE[:0], 0.5, 3)[0]) == 0 and len(VectorIndex.of(BASE[:0]).within(BASE[:3], 0.0, 3)[0]) == 0


@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_removed_vectors_do_not_come_back_and_the_others_are_found(kind: dict[str, object], share: float) -> None:
    search = VectorIndex.of(BASE, **kind)
    gone = np.argsort(-(BASE @ BASE[0]))[: int(share * 4000)]  # all of whole neighbourhoods
    assert search.remove(gone) == len(gone) and search.remove(gone[:5]) == 0
    left = np.setdiff1d(np.arange(4000), gone)
    assert search.n == len(left) and search.n_rows == 4000 and (search.rows == left).all()
    assert search._store.ntotal <= len(left) / (1 - DEAD) + 1, "memory is given back"
    queries = np.concatenate([BASE[gone[:40]], BASE[left[:40]]])
    for k in (1, 10, 39):
        similarity, index = search.nearest(queries, k)
        assert (index >= 0).all() and np.isin(index, left).all() and np.isfinite(similarity).all()
        wanted = brute(BASE[left], queries, k)[1]
        assert recall(index, left[wanted]) > (0.999 if search.is_exact else 0.6 if k == 1 else 0.8)
        assert np.allclose(similarity, np.einsum("ij,ikj->ik", queries, BASE[index]), atol=0.02)
    every = search.nearest(queries[:2], len(left) + 3)[1]
    assert (np.sort(every[:, :-3]) == left).all() and (every[:, -3:] == -1).all(), "as many as there are"
    assert np.isin(search.within(queries, 0.5, 100)[1], left).all()
    assert np.allclose(search.vectors[np.arange(len(left))], BASE[left], atol=0.02)


def test_numbers_go_on_after_a_removal(kind: dict[str, object]) -> None:
    search = VectorIndex.of(BASE, **kind)
    mask = np.zeros(4000, bool)
    for low, high in ((0, 500), (500, 900), (900, 2000)):
        mask[:] = False
        mask[low:high] = True
        assert search.remove(mask) == high - low
        search.add(BASE[low:high])
        mask = np.zeros(search.n_rows, bool)
    assert search.n == 4000 and search.n_rows == 6000
    index = search.nearest(BASE, 9)[1][:, 0]
    wanted = np.concatenate([np.arange(4000, 6000), np.arange(2000, 4000)])
    assert (index == wanted).mean() > 0.97
    assert search.remove(np.arange(6000)) == 4000 and search.n == 0 and (search.nearest(BASE[:3], 2)[1] == -1).all()
    search.add(BASE[:5])
    assert (search.nearest(BASE[:5], 1)[1][:, 0] == np.arange(6000, 6005)).all()
    with pytest.raises(ValueError, match="a mask of 3 rows over 6005"):
        search.remove(np.zeros(3, bool))


def test_what_is_older_expires(kind: dict[str, object]) -> None:
    search = VectorIndex(4000, BASE, **kind)
    search.add(BASE[:100])
    search.add(BASE[100:2000], np.arange(100, 2000))
    search.add(BASE[2000:], np.arange(2000, 4000)[::-1])
    assert search.expire(100) == 0 and search.expire(300) == 200 and search.expire(300) == 0
    assert (search.rows == np.concatenate([np.arange(100), np.arange(300, 4000)])).all(), "what came without a time stays"
    assert search.expire(3000) == 2700 and (search.rows == np.concatenate([np.arange(100), np.arange(2000, 3000)])).all()
    assert search.expire(10**9) == 1000 and search.n == 100
    assert VectorIndex.of(BASE).expire(5) == 0
    with pytest.raises(ValueError, match="2 times for 3 vectors"):
        search.add(BASE[:3], np.arange(2))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 60), st.lists(st.integers(0, 300), max_size=40)), max_size=12), st.booleans())
def test_any_sequence_of_additions_and_removals_keeps_the_numbers(steps: list[int | list[int]], is_exact: bool) -> None:
    search = VectorIndex(100, BASE[:400], exact_limit=10**6 if is_exact else 0)
    live: list[int] = []
    for step in steps:
        if isinstance(step, int):
            live += range(search.n_rows, search.n_rows + step)
            search.add(BASE[search.n_rows : search.n_rows + step])
        else:
            assert search.remove(np.array(step, np.int64)) == len(set(step) & set(live))
            live = [row for row in live if row not in step]
        assert search.n == len(live) and search.rows.tolist() == live
        assert np.sort(search.within(BASE[:1], -2.0, 9999)[1]).tolist() == live
        index = search.nearest(BASE[:2], max(len(live), 1))[1]
        assert np.isin(index, [*live, -1]).all()
        assert (np.sort(index) == (live or [-1])).all() or (search.n == search.n_rows and not is_exact)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from([0.0, -0.0, 1.0, -1.5, float("nan")]), min_size=3, max_size=3), max_size=40))
def test_equal_vectors_are_told(rows: list[list[float]]) -> None:
    vectors = np.array(rows, np.float32).reshape(-1, 3)
    first, number = distinct_rows(vectors)
    numbers: dict[bytes, int] = {}
    wanted = [numbers.setdefault(row.tobytes(), len(numbers)) for row in vectors]
    assert number.tolist() == wanted and first.tolist() == [wanted.index(i) for i in range(len(numbers))]
    assert vectors[first][number].tobytes() == vectors.tobytes()


def test_vectors_whose_hashes_meet_are_compared_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clustered(400)[np.random.default_rng(0).integers(0, 400, 2000)]
    wanted = distinct_rows(vectors)
    assert len(wanted[0]) < 400

    class Even:
        def integers(self, low: int, high: int, size: int, kind: type) -> np.ndarray:
            return np.full(size, 1 << 62, kind)  # leaves little of a hash

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Even())
    found = distinct_rows(vectors)
    assert (found[0] == wanted[0]).all() and (found[1] == wanted[1]).all()


def test_what_is_saved_and_loaded_finds_the_same(kind: dict[str, object], tmp_path: Path) -> None:
    search = VectorIndex(4000, BASE, **kind)
    search.add(BASE[:3000], np.arange(3000))
    search.add(BASE[3000:])
    for change in (lambda: 0, lambda: search.remove(np.arange(50, 300)), lambda: search.expire(2000)):
        change()
        search.save(tmp_path / "i", KEY)
        assert sorted(p.name for p in (tmp_path / "i").iterdir()) == sorted([*VectorIndex.FILES, MANIFEST])
        again = VectorIndex.load(tmp_path / "i", KEY, 1, 24)
        assert (again.n, again.n_rows, again.dim, again.is_exact) == (search.n, search.n_rows, 24, search.is_exact)
        assert (again.rows == search.rows).all()
        for one, other in zip(search.nearest(BASE[:200], 12), again.nearest(BASE[:200], 12), strict=True):
            assert (one == other).all()
    for one in (search, again):
        one.add(BASE[:50])
        assert one.expire(2500) == 500 and one.n_rows == 4050
    assert (again.nearest(BASE, 5)[1] == search.nearest(BASE, 5)[1]).all() and (again.vectors[:9] == search.vectors[:9]).all()


def test_nonsense_is_no_index(tmp_path: Path) -> None:
    folder = tmp_path / "i"
    codes, store, arrays = (folder / name for name in VectorIndex.FILES)
    with pytest.raises(InputError, match=r"codes\.faiss is missing"):
        read(codes, store, arrays)
    VectorIndex.of(BASE, **KINDS["inverted"]).save(folder, KEY)
    with pytest.raises(InputError, match="24 dimensions, not 256"):
        VectorIndex.load(folder, KEY, dim=256)
    good = {path: path.read_bytes() for path in (codes, store, arrays)}
    other = tmp_path / "other"
    for made in (VectorIndex.of(BASE[:3000], **KINDS["inverted"]), VectorIndex.of(BASE[:3000])):
        made.save(other, KEY)
        for path, content in good.items():
            shutil.copy(other / path.name, path)
            with pytest.raises(InputError, match="do not hold one index"):
                read(codes, store, arrays)
            path.write_bytes(content)
    for wrong in (faiss.IndexHNSWFlat(24, 4), faiss.IndexFlatL2(24), faiss.IndexRefineFlat(faiss.IndexFlatIP(24))):
        for path in (codes, store):
            faiss.write_index(wrong, str(path))
            with pytest.raises(InputError, match="do not hold one index"):
                read(codes, store, arrays)
            path.write_bytes(good[path])
    for path, content in ((codes, b""), (codes, b"IxFI" + bytes(9)), (codes, good[codes][:-9]), (store, good[store][:-9]), (store, good[codes]),
                          (arrays, b""), (arrays, b"x" * 99), (arrays, good[arrays][:900])):
        for other_path, text in good.items():
            other_path.write_bytes(content if other_path == path else text)
        with pytest.raises(InputError):
            read(codes, store, arrays)
    codes.write_bytes(good[codes])
    whole = {"n_rows": np.array([4000]), "rows": np.arange(4000), "live": np.ones(4000, bool), "times": np.zeros(0, np.int64)}
    for name, array in (("rows", np.arange(3999)), ("rows", np.arange(4000)[::-1]), ("rows", np.arange(1, 4001)), ("live", np.arange(4000) > 0),
                        ("live", np.ones(4000)), ("times", np.zeros(7, np.int64)), ("n_rows", np.zeros(0, np.int64))):
        np.savez(arrays, **{**whole, name: array})
        with pytest.raises(InputError, match="do not hold one index"):
            read(codes, store, arrays)
    np.savez(arrays, **whole)
    assert read(codes, store, arrays)[1].ntotal == 4000
    codes.unlink()
    with pytest.raises(InputError, match=r"codes\.faiss is missing"):
        read(codes, store, arrays)


def test_a_file_is_not_looked_at_before_its_seal_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    VectorIndex.of(BASE, **KINDS["inverted"]).save(tmp_path / "i", KEY)
    monkeypatch.setattr(faiss, "read_index", lambda *_: pytest.fail("FAISS was given an unchecked file"))
    for name in VectorIndex.FILES:
        path = tmp_path / "i" / name
        whole = bytearray(path.read_bytes())
        whole[len(whole) // 2] ^= 1
        good = path.read_bytes()
        path.write_bytes(whole)
        with pytest.raises(InputError, match="damaged or was changed"):
            VectorIndex.load(tmp_path / "i", KEY)
        path.write_bytes(good)
    with pytest.raises(InputError, match="made with key"):
        VectorIndex.load(tmp_path / "i", Key(bytes(16)))


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_restored_after_everything(threads: int, tmp_path: Path) -> None:
    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(3)
        search = VectorIndex.of(BASE, threads, **KINDS["compact"])
        search.within(BASE[:5], 0.5, 9)
        search.remove(np.arange(2000))
        search.save(tmp_path / "i", KEY)
        VectorIndex.load(tmp_path / "i", KEY, threads).nearest(BASE[:5], 2)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)
