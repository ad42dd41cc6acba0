"""Exchangeability: against all pairs, and simulated for what it promises about people, lists and copies."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from fingerprint.config import DetectConfig
from fingerprint.detection import has_copies, limit_of
from fingerprint.exchangeability import Exchangeability, _permutation_deviate, exchangeability, mean_cross

DIM = 32
TRACE = 0.1  # of the population
COMMON = 0.25  # mean similarity inside a group


def unit(v: np.ndarray) -> np.ndarray:
    return (v / np.linalg.norm(v, axis=-1, keepdims=True)).astype(np.float32)


def draw(rng: np.random.Generator, n_accounts: int, n_prompts: int, ratio: float, common: float = COMMON) -> tuple[np.ndarray, np.ndarray]:
    """Prompts of a group whose true trace ratio is `ratio`: 1 for ordinary people, 0 for a shuffled list. Of mean squared length 1."""
    account = np.repeat(np.arange(n_accounts), n_prompts)
    base = np.zeros(DIM)
    base[0] = np.sqrt(common)
    personal = ratio * (1 - common) * TRACE
    offsets = rng.standard_normal((n_accounts, DIM)) * np.sqrt(personal / DIM)
    noise = rng.standard_normal((len(account), DIM)) * np.sqrt((1 - common - personal) / DIM)
    return (base + offsets[account] + noise).astype(np.float32), account


def result(v: np.ndarray, account: np.ndarray, trace: float = TRACE) -> Exchangeability:
    found = exchangeability(v, account, trace)
    assert found is not None
    return found


def ratio_of(within: float, cross: float, trace: float) -> float:
    return (within - cross) / ((1 - max(cross, 0.0)) * trace)


def test_against_all_pairs_and_a_jackknife_that_leaves_accounts_out() -> None:
    rng = np.random.default_rng(0)
    account = rng.permutation(np.repeat([3, 5, 8, 11, 40, 41], [9, 1, 7, 2, 12, 6]))
    v = unit(rng.standard_normal((len(account), DIM)) + 0.4)
    trace = 0.07

    def means(rows: np.ndarray) -> tuple[float, float]:
        s = v[rows].astype(np.float64) @ v[rows].astype(np.float64).T
        same = account[rows][:, None] == account[rows][None, :]
        return s[same & ~np.eye(len(rows), dtype=bool)].mean(), s[~same].mean()

    found = result(v, account, trace=trace)
    within, cross = means(np.arange(len(account)))
    assert found.within == pytest.approx(within, abs=1e-6) and found.cross == pytest.approx(cross, abs=1e-6)
    assert found.trace_ratio == pytest.approx(ratio_of(within, cross, trace), abs=1e-4)
    left_out = np.array([ratio_of(*means(np.flatnonzero(account != a)), trace) for a in np.unique(account)])
    error = np.sqrt(5 / 6 * ((left_out - left_out.mean()) ** 2).sum())
    assert found.error == pytest.approx(error * (within - cross) / ratio_of(within, cross, trace), rel=1e-3)
    assert found.bound == pytest.approx(found.trace_ratio + 2.015048 * error, rel=1e-3), "quantile .95 of t with 5 degrees of freedom"
    assert found.lower == pytest.approx(found.trace_ratio - 2.015048 * error, rel=1e-3)
    assert (found.n_accounts, found.n_prompts) == (6, len(account))
    assert mean_cross(v, account) == pytest.approx(cross, abs=1e-6)


def test_order_of_prompts_and_names_of_accounts_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    v, account = draw(rng, 10, 8, 0.5)
    order = rng.permutation(len(v))
    one, other = result(v, account), result(v[order], 1000 - 7 * account[order])
    assert one.trace_ratio == pytest.approx(other.trace_ratio, abs=1e-4) and one.p == pytest.approx(other.p, abs=1e-4)


def passes(found: Exchangeability) -> bool:
    """As :class:`fingerprint.detection.Detector` decides."""
    config = DetectConfig()
    return found.bound <= limit_of(found, config, doubtful=False) and not has_copies(found, config, doubtful=False)


@pytest.mark.parametrize(("ratio", "least", "most"), [(1.0, 0, 3), (0.0, 95, 100)])
def test_people_rarely_pass_and_a_shuffled_list_does(ratio: float, least: int, most: int) -> None:
    rng = np.random.default_rng(2)
    assert least <= sum(passes(result(*draw(rng, 30, 15, ratio))) for _ in range(100)) <= most


def test_people_of_one_profession_rarely_pass() -> None:
    """Half of an ordinary trace is below the margin, but it is visible."""
    rng = np.random.default_rng(3)
    assert sum(passes(result(*draw(rng, 40, 20, 0.5))) for _ in range(60)) <= 3


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_bounds_cover_the_true_ratio(ratio: float) -> None:
    rng = np.random.default_rng(4)
    results = [result(*draw(rng, 30, 8, ratio)) for _ in range(400)]
    above = np.mean([r.bound >= ratio for r in results])
    below = np.mean([r.lower <= ratio for r in results])
    assert 0.9 <= above <= 0.985 and 0.9 <= below <= 0.985


def test_size_of_the_equivalence_test() -> None:
    """`p` under its null, ordinary people: at most about uniform in the tail."""
    rng = np.random.default_rng(5)
    p = np.array([result(*draw(rng, 40, 10, 1.0)).p for _ in range(400)])
    assert (p <= 0.05).mean() <= 0.09 and (p <= 0.01).mean() <= 0.03
    assert np.mean([result(*draw(rng, 40, 10, 0.0)).p <= 0.01 for _ in range(50)]) > 0.9, "power"


def test_copies_of_one_list_are_told_from_a_list_shared_out() -> None:
    rng = np.random.default_rng(6)
    questions = unit(rng.standard_normal((12, DIM)))
    copies = result(np.tile(questions, (20, 1)), np.repeat(np.arange(20), 12))
    assert copies.lower < -0.3 and copies.cross > copies.within and not passes(copies)
    shared_out = result(unit(rng.standard_normal((240, DIM))), np.repeat(np.arange(20), 12))
    assert not has_copies(shared_out, DetectConfig(), doubtful=False)


def test_label_permutation() -> None:
    rng = np.random.default_rng(7)
    assert all(result(*draw(rng, 30, 10, 1.0)).p_permutation <= 0.01 for _ in range(20))
    null = [result(*draw(rng, 30, 10, 0.0)) for _ in range(300)]
    for p in (np.array([r.p_permutation for r in null]), np.array([r.p_below for r in null])):
        assert 0.04 < (p <= 0.1).mean() < 0.17 and 0.4 < (p <= 0.5).mean() < 0.6, "about uniform where labels mean nothing"


@pytest.mark.parametrize("labels", [[0, 0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2, 3]])
def test_deviate_has_the_moments_over_all_permutations(labels: list[int]) -> None:
    v = unit(np.random.default_rng(len(set(labels))).standard_normal((7, 5)) + 0.3)
    similarity = v.astype(np.float64) @ v.T.astype(np.float64)
    np.fill_diagonal(similarity, 0)
    label = np.array(labels)
    same = label[:, None] == label[None, :]
    sums = np.array([similarity[np.ix_(p, p)][same].sum() for p in map(list, permutations(range(7)))])
    wanted = (similarity[same].sum() - sums.mean()) / sums.std()
    assert _permutation_deviate(v, np.bincount(label).astype(float), similarity[same].sum()) == pytest.approx(wanted, rel=1e-5)


def test_equal_prompts_say_nothing_about_labels() -> None:
    for seed in range(5):
        v = np.tile(unit(np.random.default_rng(seed).standard_normal((1, DIM))), (200, 1))
        found = result(v, np.repeat(np.arange(20), 10))
        assert found.p_permutation > 0.1 and found.p_below > 0.1


@pytest.mark.parametrize(("n_accounts", "n_prompts", "power"), [
    (2, 50, False), (9, 2, False), (10, 2, True), (50, 1, False), (3, 3, False), (3, 4, True), (0, 0, False)])
def test_no_verdict_without_power(n_accounts: int, n_prompts: int, power: bool) -> None:
    v, account = draw(np.random.default_rng(8), n_accounts, n_prompts, 0.0)
    assert (exchangeability(v, account, TRACE) is not None) is power


def test_few_pairs_prove_little() -> None:
    """Ten pairs: neither do people pass more often than the level allows, nor is "no difference seen" enough for most lists."""
    rng = np.random.default_rng(9)
    passed = {ratio: np.mean([passes(result(*draw(rng, 10, 2, ratio, 0.1))) for _ in range(200)]) for ratio in (0.0, 1.0)}
    assert passed[1.0] <= 0.1 and passed[0.0] <= 0.5


def test_deterministic() -> None:
    v, account = draw(np.random.default_rng(10), 12, 8, 0.1)
    assert exchangeability(v, account, TRACE) == exchangeability(v, account, TRACE)


def test_mean_cross_without_pairs() -> None:
    assert mean_cross(np.ones((4, 3), np.float32), np.zeros(4, np.int64)) == 0.0
    assert mean_cross(np.ones((0, 3), np.float32), np.zeros(0, np.int64)) == 0.0
