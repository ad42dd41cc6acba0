"""Shared neighbours: votes and the account graph against plain loops."""

from __future__ import annotations

import math
from collections import Counter
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import neighbours
from fingerprint.neighbours import Held, Votes, account_graph, cast_votes, random_pairs

FLOOR = 0.5
LIMIT = 3  # stands for PREVALENT

POINTS, ACCOUNTS, VOTERS = 7, 5, 4
HOLDINGS = st.sets(st.tuples(st.integers(0, POINTS - 1), st.integers(0, ACCOUNTS - 1)), min_size=1)
VOTING = st.sets(st.tuples(st.integers(0, VOTERS - 1), st.integers(0, ACCOUNTS - 1)), min_size=1)
SIMILARITIES = st.sampled_from([0.1, 0.5, 0.51, 0.9, 1.0])


def nearest(n: int, k: int) -> st.SearchStrategy[list[list[tuple[int, float]]]]:
    row = st.lists(st.tuples(st.integers(-1, POINTS - 1), SIMILARITIES), min_size=k, max_size=k)
    return st.lists(row, min_size=n, max_size=n)


def table(pairs: set[tuple[int, int]], n_points: int, order: int) -> Held:
    listed = sorted(pairs, key=lambda pair: pair[::-1] if order else pair)
    return Held(np.array([p for p, _ in listed], np.int64), np.array([a for _, a in listed], np.int64), n_points, ACCOUNTS)


def split(rows: list[list[tuple[int, float]]]) -> tuple[np.ndarray, np.ndarray]:
    return (np.array([[s for _, s in row] for row in rows], np.float32), np.array([[i for i, _ in row] for row in rows], np.int64))


def plain_votes(similarity: np.ndarray, index: np.ndarray, held: Held, voters: Held | None) -> np.ndarray:
    """Triple loop: holdings, their neighbours, the holders of those."""
    holders = Counter(held.point.tolist())
    out = np.zeros((held.n_accounts, len((voters or held).point)))
    for h, (point, account) in enumerate(zip((voters or held).point.tolist(), (voters or held).account.tolist(), strict=True)):
        if voters is None and holders[point] > LIMIT:
            continue
        width = index.shape[1] - (voters is not None)
        for near, how in zip(index[point, :width].tolist(), similarity[point, :width].tolist(), strict=True):
            if near < 0 or how <= FLOOR or holders[near] > LIMIT or (voters is None and near == point):
                continue
            for other_point, other in zip(held.point.tolist(), held.account.tolist(), strict=True):
                if other_point == near and other != account:
                    out[other, h] += 1 / holders[near]
    return out


@settings(deadline=None, max_examples=150)
@given(st.data(), st.integers(1, 4), st.integers(0, 1), st.sampled_from([1, 3, 100]))
def test_votes_equal_a_triple_loop(data: st.DataObject, k: int, order: int, at_once: int) -> None:
    held = table(data.draw(HOLDINGS), POINTS, order)
    similarity, index = split(data.draw(nearest(POINTS, k)))
    with patch.object(neighbours, "PREVALENT", LIMIT), patch.object(neighbours, "HOLDINGS_AT_ONCE", at_once):
        votes = cast_votes(similarity, index, FLOOR, held)
    wanted = plain_votes(similarity, index, held, None)
    assert np.allclose(votes.matrix.toarray(), wanted, atol=1e-6)
    assert np.allclose(votes.cast, wanted.sum(0), atol=1e-6) and votes.k == k - 1
    assert votes.n_prevalent == sum(n > LIMIT for n in Counter(held.point.tolist()).values())
    assert not votes.matrix.toarray()[held.account, np.arange(len(held.point))].any(), "nobody votes for itself"


@settings(deadline=None, max_examples=150)
@given(st.data(), st.integers(1, 4), st.sampled_from([1, 3, 100]))
def test_votes_of_other_points_equal_a_triple_loop(data: st.DataObject, k: int, at_once: int) -> None:
    held, voters = table(data.draw(HOLDINGS), POINTS, 0), table(data.draw(VOTING), VOTERS, 1)
    similarity, index = split(data.draw(nearest(VOTERS, k)))
    with patch.object(neighbours, "PREVALENT", LIMIT), patch.object(neighbours, "HOLDINGS_AT_ONCE", at_once):
        votes = cast_votes(similarity, index, FLOOR, held, voters)
    wanted = plain_votes(similarity, index, held, voters)
    assert votes.matrix.shape == (ACCOUNTS, len(voters.point))
    assert np.allclose(votes.matrix.toarray(), wanted, atol=1e-6) and np.allclose(votes.cast, wanted.sum(0), atol=1e-6)


def test_equal_texts_do_not_vote_for_each_other() -> None:
    """Ten accounts with one text, and one similar text of an eleventh: the copies vote for it, never for each other."""
    held = Held(np.array([0] * 10 + [1]), np.arange(11), 2, 11)
    votes = cast_votes(np.array([[1.0, 0.9], [1.0, 0.9]], np.float32), np.array([[0, 1], [1, 0]]), 0.5, held).matrix.toarray()
    assert (votes[10, :10] == 1).all() and not votes[:10, :10].any()
    assert np.allclose(votes[:10, 10], 0.1), "one over the number of holders each"


@pytest.mark.parametrize(("n_holders", "votes_cast"), [(neighbours.PREVALENT, True), (neighbours.PREVALENT + 1, False)])
def test_prevalent_texts_neither_cast_nor_receive(n_holders: int, votes_cast: bool) -> None:
    held = Held(np.array([0] * n_holders + [1]), np.arange(n_holders + 1), 2, n_holders + 1)
    votes = cast_votes(np.array([[1.0, 0.9], [1.0, 0.9]], np.float32), np.array([[0, 1], [1, 0]]), 0.5, held)
    assert bool(votes.cast[:-1].all()) is votes_cast and bool(votes.cast[-1]) is votes_cast
    assert votes.n_prevalent == (not votes_cast)


def random_votes(seed: int, n_accounts: int, n_holdings: int, density: float) -> tuple[Votes, np.ndarray, np.ndarray]:
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(seed)
    account = np.sort(rng.integers(0, n_accounts, n_holdings))
    dense = rng.random((n_accounts, n_holdings)) * (rng.random((n_accounts, n_holdings)) < density)
    dense[account, np.arange(n_holdings)] = 0
    return Votes(csr_matrix(dense.astype(np.float32)), dense.sum(0), 10, 0), dense, account


@pytest.mark.parametrize(("density", "sparse"), [(0.001, True), (0.3, False)])
def test_into_on_both_roads(density: float, sparse: bool) -> None:
    votes, dense, _ = random_votes(0, 30, 400, density)
    for accounts in (np.array([2]), np.array([0, 7, 8, 21]), np.zeros(0, np.int64)):
        assert len(accounts) == 0 or (votes.matrix[accounts].nnz <= len(votes.cast) // 8) is sparse
        voter, weight = votes.into(accounts)
        wanted = dense[accounts].sum(0)
        assert voter.dtype == np.int64 and weight.dtype == np.float64
        assert voter.tolist() == np.flatnonzero(wanted).tolist() and np.allclose(weight, wanted[voter], atol=1e-6)


def test_account_graph_is_symmetric_and_follows_its_formula() -> None:
    votes, dense, account = random_votes(1, 20, 150, 0.2)
    n = np.bincount(account, minlength=20)
    graph = account_graph(votes, account, n)
    for i in range(20):
        for j in range(20):
            both = dense[i, account == j].sum() + dense[j, account == i].sum()
            assert math.isclose(graph[i, j], both / (votes.k * math.sqrt(max(n[i], 1) * max(n[j], 1))), abs_tol=1e-5)
    assert abs(graph - graph.T).max() == 0 and not graph.diagonal().any() and graph.has_sorted_indices


def test_graph_of_accounts_without_prompts() -> None:
    votes = cast_votes(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64), 0.0, Held(np.zeros(0, np.int64), np.zeros(0, np.int64), 0, 4))
    graph = account_graph(votes, np.zeros(0, np.int64), np.zeros(4, np.int64))
    assert graph.shape == (4, 4) and graph.nnz == 0 and len(votes.cast) == 0


def test_random_pairs_against_all_pairs() -> None:
    rng = np.random.default_rng(2)
    v = rng.standard_normal((300, 40)) + 0.5
    v = (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32)
    pairs = (v @ v.T)[np.triu_indices(300, 1)]
    centre, deviation = random_pairs(v)
    assert centre == pytest.approx(float(np.median(pairs)), abs=0.005)
    assert deviation == pytest.approx(float(pairs.std()), rel=0.06)
    assert random_pairs(v) == (centre, deviation) and random_pairs(v, seed=1) != (centre, deviation)


def test_a_large_template_does_not_raise_the_floor() -> None:
    rng = np.random.default_rng(3)
    v = rng.standard_normal((1000, 40))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    before = random_pairs(v.astype(np.float32))
    v[:200] = v[0]
    after = random_pairs(v.astype(np.float32))
    assert abs(after[0] - before[0]) < 0.02 and after[1] < 1.15 * before[1]


@pytest.mark.parametrize("n", [0, 1])
def test_no_pairs(n: int) -> None:
    assert random_pairs(np.ones((n, 3), np.float32)) == (1.0, 0.0)
