"""Exchangeability: against loops, and simulated for what it promises about people, lists and copies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from fingerprint import exchangeability as module
from fingerprint.config import DetectConfig
from fingerprint.exchangeability import PEOPLE, Exchangeability, exchangeability, mean_cross

DIM = 32
MARGIN = DetectConfig().margin


def unit(v: np.ndarray) -> np.ndarray:
    return (v / np.linalg.norm(v, axis=-1, keepdims=True)).astype(np.float32)


def draw(rng: np.random.Generator, n_accounts: int, n_prompts: int, personal: float) -> tuple[np.ndarray, np.ndarray]:
    """Prompts of a group with one subject; `personal` is the share of the variance that is the account's: 0 for a shuffled list."""
    account = np.repeat(np.arange(n_accounts), n_prompts)
    base = np.zeros(DIM)
    base[0] = 0.7
    offsets = rng.standard_normal((n_accounts, DIM)) * np.sqrt(personal / DIM)
    noise = rng.standard_normal((len(account), DIM)) * np.sqrt((1 - personal) / DIM)
    return unit(base + offsets[account] + noise), account


def result(v: np.ndarray, account: np.ndarray, seed: int = 0) -> Exchangeability:
    found = exchangeability(v, account, seed)
    assert found is not None
    return found


def passes(found: Exchangeability) -> bool:
    return found.lower >= -MARGIN and found.upper <= MARGIN


@pytest.mark.parametrize("sizes", [[9, 1, 7, 2, 12, 6], [5] * 9, [3, 3, 3, 40, 2, 2, 30, 4, 8, 5, 1]])
def test_against_loops_where_all_rivals_are_one_set(sizes: list[int]) -> None:
    """With at most eight other accounts there is one set of rivals, and nothing random is left."""
    rng = np.random.default_rng(len(sizes))
    sizes = sizes[:9]
    account = rng.permutation(np.repeat(np.arange(len(sizes)) * 7 - 3, sizes))
    v = unit(rng.standard_normal((len(account), DIM)) + 0.4)
    similarity = v.astype(np.float64) @ v.T.astype(np.float64)
    lead, chance = {}, {}
    for who in np.unique(account):
        own = np.flatnonzero(account == who)
        if len(own) < 2:
            continue
        chance[who] = (len(own) - 1) / (len(account) - 1)
        wins = [account[max((j for j in range(len(account)) if j != i), key=lambda j, i=i: similarity[i, j])] == who for i in own]
        lead[who] = np.mean(wins) - chance[who]
    n = {who: int((account == who).sum()) for who in lead}

    def mean(values: dict[int, float], without: int | None = None) -> float:
        return sum(values[w] * n[w] for w in values if w != without) / sum(n[w] for w in values if w != without)

    found = result(v, account)
    assert found.trace == pytest.approx(mean(lead), abs=1e-9) and found.chance == pytest.approx(mean(chance), abs=1e-9)
    left_out = np.array([mean(lead, who) for who in lead])
    a = len(lead)
    error = np.sqrt((a - 1) / a * ((left_out - left_out.mean()) ** 2).sum())
    reach = student.ppf(0.95, a - 1) * error
    assert found.error == pytest.approx(error) and found.upper == pytest.approx(found.trace + reach) and found.lower == pytest.approx(found.trace - reach)
    assert found.p == pytest.approx(student.cdf((found.trace - PEOPLE) / error, a - 1))
    assert (found.n_accounts, found.n_prompts) == (a, len(account))


def test_many_rivals_are_dealt_in_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance is about one in nine however many accounts there are, and the blocks of rows do not matter."""
    rng = np.random.default_rng(1)
    v, account = draw(rng, 60, 8, 0.2)
    found = result(v, account)
    assert found.chance == pytest.approx(7 / (7 + 64), abs=1e-9)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 50)
    assert result(v, account).trace == pytest.approx(found.trace, abs=0.005), "jitter aside"


def test_order_of_prompts_and_numbers_of_accounts_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    v, account = draw(rng, 9, 8, 0.3)
    order = rng.permutation(len(v))
    one, other = result(v, account), result(v[order], 1000 - 7 * account[order])
    assert one.trace == pytest.approx(other.trace, abs=1e-9) and one.p == pytest.approx(other.p, abs=1e-9)


@pytest.mark.parametrize("n_accounts", [6, 20, 60])
def test_a_shuffled_list_has_no_trace(n_accounts: int) -> None:
    rng = np.random.default_rng(2)
    sizes = rng.integers(2, 30, n_accounts)
    found = [result(unit(rng.standard_normal((sizes.sum(), DIM)) + 0.3), np.repeat(np.arange(n_accounts), sizes)) for _ in range(40)]
    trace = np.array([f.trace for f in found])
    assert abs(trace.mean()) < 4 * trace.std() / np.sqrt(len(trace)), "the mean over labels is exactly 0"


@pytest.mark.parametrize(("personal", "least", "most"), [(0.3, 0, 0), (0.0, 95, 100)])
def test_people_do_not_pass_and_a_shuffled_list_does(personal: float, least: int, most: int) -> None:
    rng = np.random.default_rng(2)
    assert least <= sum(passes(result(*draw(rng, 30, 15, personal))) for _ in range(100)) <= most


@pytest.mark.parametrize("personal", [0.0, 0.1, 0.3])
def test_bounds_cover_the_true_trace(personal: float) -> None:
    rng = np.random.default_rng(4)
    results = [result(*draw(rng, 20, 8, personal)) for _ in range(300)]
    true = np.mean([r.trace for r in results])
    above, below = np.mean([r.upper >= true for r in results]), np.mean([r.lower <= true for r in results])
    assert 0.9 <= above <= 0.99 and 0.9 <= below <= 0.99


def test_p_of_people_is_small_for_a_list_alone() -> None:
    rng = np.random.default_rng(5)
    assert all(result(*draw(rng, 40, 10, 0.0)).p <= 1e-4 for _ in range(50))
    assert all(result(*draw(rng, 40, 10, 0.3)).p >= 0.5 for _ in range(50))


def test_copies_of_one_list_are_told_from_a_list_shared_out() -> None:
    rng = np.random.default_rng(6)
    questions = unit(rng.standard_normal((12, DIM)))
    nearly = unit(np.tile(questions, (20, 1)) + 0.01 * rng.standard_normal((240, DIM)))
    copies = result(nearly, np.repeat(np.arange(20), 12))
    assert copies.lower < -MARGIN and copies.trace == pytest.approx(-copies.chance), "one's own prompts are never the nearest"


def test_equal_prompts_say_nothing_about_labels() -> None:
    for seed in range(5):
        v = np.tile(unit(np.random.default_rng(seed).standard_normal((1, DIM))), (200, 1))
        assert passes(result(v, np.repeat(np.arange(20), 10), seed))


@pytest.mark.parametrize(("n_accounts", "n_prompts", "power"), [(2, 50, False), (3, 2, True), (50, 1, False), (0, 0, False), (3, 1, False)])
def test_no_verdict_without_power(n_accounts: int, n_prompts: int, power: bool) -> None:
    v, account = draw(np.random.default_rng(8), n_accounts, n_prompts, 0.0)
    assert (exchangeability(v, account) is not None) is power


def test_few_prompts_prove_nothing() -> None:
    """Neither people nor a list pass with two prompts an account: "no difference seen" is not evidence."""
    rng = np.random.default_rng(9)
    assert np.mean([passes(result(*draw(rng, 6, 2, personal))) for personal in (0.0, 0.3) for _ in range(100)]) <= 0.02


def test_deterministic() -> None:
    v, account = draw(np.random.default_rng(10), 12, 8, 0.1)
    assert exchangeability(v, account, 3) == exchangeability(v, account, 3)


def test_mean_cross_against_all_pairs() -> None:
    rng = np.random.default_rng(11)
    account = rng.integers(0, 5, 40)
    v = unit(rng.standard_normal((40, DIM)) + 0.2)
    pairs = [float(v[i] @ v[j]) for i in range(40) for j in range(40) if account[i] != account[j]]
    assert mean_cross(v, account) == pytest.approx(np.mean(pairs), abs=1e-6)
    assert mean_cross(np.ones((4, 3), np.float32), np.zeros(4, np.int64)) == 0.0
    assert mean_cross(np.ones((0, 3), np.float32), np.zeros(0, np.int64)) == 0.0
