"""Groups: communities of planted graphs, and the ladder of resolutions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from fingerprint import groups
from fingerprint.groups import COARSE, account_communities, communities, resolution_ladder


def blocks(sizes: list[int], inside: float, outside: float, seed: int = 0) -> tuple[csr_matrix, np.ndarray]:
    """Dense ties inside blocks, rare ones between; return the graph and the block of each node."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    n = len(truth)
    same = truth[:, None] == truth[None, :]
    tie = np.where(same, inside * rng.uniform(0.5, 1.5, (n, n)), outside * (rng.random((n, n)) < 0.05))
    tie = np.triu(tie, 1)
    graph = csr_matrix(tie + tie.T)
    graph.sort_indices()
    return graph, truth


def same_partition(left: np.ndarray, right: np.ndarray) -> bool:
    pairs = set(zip(left.tolist(), right.tolist(), strict=True))
    return len(pairs) == len(set(left.tolist())) == len(set(right.tolist()))


@pytest.mark.parametrize("sizes", [[40, 40, 40], [150, 30, 8, 6], [6] * 20])
def test_planted_blocks_are_found(sizes: list[int]) -> None:
    graph, truth = blocks(sizes, 0.1, 0.05)
    assert same_partition(communities(graph, 0.02), truth)


def test_a_small_ring_among_many_accounts_is_found() -> None:
    """What modularity would merge: one block of 12 among 2000 loosely tied nodes."""
    rng = np.random.default_rng(1)
    left, right = rng.integers(0, 2000, (2, 12_000))
    ring = np.array([(a, b) for a in range(500, 512) for b in range(a) if b >= 500]).T
    row, column = np.concatenate([left[left != right], ring[0]]), np.concatenate([right[left != right], ring[1]])
    weight = np.concatenate([np.full((left != right).sum(), 0.01), np.full(ring.shape[1], 0.1)])
    graph = csr_matrix((weight, (row, column)), shape=(2000, 2000))
    graph = (graph + graph.T).tocsr()
    graph.sort_indices()
    label = communities(graph, 0.05)
    assert (label[500:512] == label[500]).all() and (label == label[500]).sum() == 12


def test_the_resolution_is_the_least_mean_tie() -> None:
    graph, truth = blocks([30, 30], 0.1, 0.0)
    assert same_partition(communities(graph, 0.05), truth)
    assert len(np.unique(communities(graph, 0.3))) > 30, "no pair is tied that strongly"


def test_deterministic_for_a_seed() -> None:
    graph, _ = blocks([20, 20, 20, 20], 0.05, 0.2, seed=3)
    first = communities(graph, 0.03, seed=5)
    assert all((communities(graph, 0.03, seed=5) == first).all() for _ in range(3))


def test_isolated_accounts_are_alone_and_labels_follow_first_members() -> None:
    tie = np.zeros((9, 9))
    for members in ([1, 5, 7], [2, 4, 8]):
        tie[np.ix_(members, members)] = 1.0
    np.fill_diagonal(tie, 0)
    label = communities(csr_matrix(tie), 0.1)
    assert label.tolist() == [0, 1, 2, 3, 2, 1, 4, 1, 2] and label.dtype == np.int64


def test_a_large_community_that_starts_later_has_the_later_label() -> None:
    tie = np.zeros((12, 12))
    for members in ([1, 3], [2, 4, 5, 6, 7, 8, 9]):
        tie[np.ix_(members, members)] = 1.0
    np.fill_diagonal(tie, 0)
    assert communities(csr_matrix(tie), 0.1).tolist() == [0, 1, 2, 1, 2, 2, 2, 2, 2, 2, 3, 4]


@pytest.mark.parametrize("n", [0, 1, 5])
def test_graphs_without_ties(n: int) -> None:
    assert communities(csr_matrix((n, n)), 0.1).tolist() == list(range(n))


@pytest.mark.parametrize(("n", "start"), [(1_000_000, 0.01), (100_000, 0.01), (1000, 0.01), (400, 0.01), (10, 0.01), (0, 0.01)])
def test_ladder(n: int, start: float) -> None:
    ladder = resolution_ladder(csr_matrix((n, n)), start)
    least = 2 / max(n, 1)
    assert ladder[0] == start
    assert all(b == pytest.approx(max(least, a / 2 if a / 2 >= COARSE else a / 4)) for a, b in pairwise(ladder))
    assert ladder[-1] == min(least, start), "a source that is half of all accounts is within reach"


def test_the_ladder_of_a_large_graph_has_steps_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, _ = blocks([30] * 10, 0.1, 0.05)
    monkeypatch.setattr(groups, "LARGE", 10)
    ladder = resolution_ladder(graph, 0.1)
    assert all(b == pytest.approx(max(a / 4, 2 / 300)) for a, b in pairwise(ladder)) and len(ladder) > 1


@pytest.mark.parametrize("seed", [0, 1])
def test_coarse_communities_of_a_large_graph_come_from_a_sample(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Every account lands in its block although Leiden saw a quarter of them, and accounts without ties stay alone."""
    graph, truth = blocks([400, 300, 200, 1, 1], 2e-3, 1e-4, seed)
    whole = account_communities(graph, 1e-3, seed)
    assert np.array_equal(whole, communities(graph, 1e-3, seed)), "a small graph is looked at whole"
    monkeypatch.setattr(groups, "LARGE", 10)
    label = account_communities(graph, 1e-3, seed)
    assert same_partition(label[truth < 3], truth[truth < 3])
    assert np.array_equal(np.bincount(np.unique(label, return_inverse=True)[1][truth >= 3]).max(), 1)
    assert np.array_equal(account_communities(graph, 1e-2, seed), communities(graph, 1e-2, seed)), "fine ones are looked for in the whole"


def test_nobody_joins_a_community_by_a_tie_below_the_resolution(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, truth = blocks([400, 300, 200], 2e-3, 1e-4)
    stranger = csr_matrix(np.full((1, graph.shape[0]), 0.5e-3))
    from scipy.sparse import bmat

    graph = bmat([[graph, stranger.T], [stranger, None]]).tocsr().sorted_indices()
    monkeypatch.setattr(groups, "LARGE", 10)
    monkeypatch.setattr(groups.np.random, "default_rng", lambda seed: _First())
    label = account_communities(graph, 1e-3)
    assert (label == label[-1]).sum() == 1
    assert same_partition(label[:-1], truth)


def test_an_account_joins_its_source_in_spite_of_a_chance_tie_to_a_small_community(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the few sampled accounts of a small community one is tied to it: the mean of that is more than that of its ties to all of its source."""
    source, small = np.arange(424) % 17 != 3, np.arange(424) % 17 == 3
    tie = np.zeros((424, 424))
    tie[np.ix_(source, source)], tie[np.ix_(small, small)] = 2e-3, 0.1
    late = np.flatnonzero(source & (np.arange(424) >= 106))
    tie[late, 3] = tie[3, late] = 0.03
    np.fill_diagonal(tie, 0)
    monkeypatch.setattr(groups, "LARGE", 10)
    monkeypatch.setattr(groups.np.random, "default_rng", lambda seed: _First())
    assert same_partition(account_communities(csr_matrix(tie), 1e-3), source)


class _First:
    """Draws the first of what is asked for."""

    def choice(self, n: int, size: int, replace: bool) -> np.ndarray:
        return np.arange(size)
