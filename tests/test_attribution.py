"""Attribution: the model recovers what it was simulated from, and its ratio is that of the densities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from fingerprint.attribution import Plda, second_moment

DIM = 12


def covariances(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A full within-account covariance, and a between-account one of full rank and comparable size."""
    mix = rng.standard_normal((2, DIM, DIM)) / np.sqrt(DIM)
    return mix[0] @ mix[0].T + 0.5 * np.eye(DIM), 0.4 * (mix[1] @ mix[1].T) + 0.3 * np.eye(DIM)


def simulate(rng: np.random.Generator, n: np.ndarray, within: np.ndarray, between: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    account = np.repeat(np.arange(len(n)), n)
    sources = rng.multivariate_normal(np.full(DIM, 0.3), between, len(n))
    return sources[account] + rng.multivariate_normal(np.zeros(DIM), within, len(account)), account


def fitted(seed: int = 0, n_accounts: int = 3000) -> tuple[Plda, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    within, between = covariances(rng)
    n = rng.integers(1, 20, n_accounts)
    x, account = simulate(rng, n, within, between)
    sums = np.stack([np.bincount(account, weights=column, minlength=n_accounts) for column in x.T], 1)
    model = Plda.fit(n.astype(float), sums, second_moment(x.astype(np.float32), (n[account] >= 2).astype(float)))
    assert model is not None
    return model, within, between


def dense(model: Plda) -> tuple[np.ndarray, np.ndarray]:
    """W and B in the space of the vectors, from the joint diagonalisation."""
    back = np.linalg.inv(model.basis)
    return back.T @ back, back.T @ np.diag(model.between) @ back


def far(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.linalg.norm(found - true) / np.linalg.norm(true))


def test_fit_recovers_the_covariances() -> None:
    model, within, between = fitted()
    found_within, found_between = dense(model)
    assert far(found_within, within) < 0.03
    assert far(found_between, between) < 0.2
    assert np.abs(model.mean - 0.3).max() < 0.1


def test_the_sampling_of_few_prompts_is_not_taken_for_sources() -> None:
    """Five prompts per account: their means vary by W / 5, twice as much as sources do."""
    rng = np.random.default_rng(6)
    x = np.repeat(rng.standard_normal((3000, DIM)) * np.sqrt(0.1), 5, axis=0) + rng.standard_normal((15_000, DIM))
    model = Plda.fit(np.full(3000, 5.0), x.reshape(3000, 5, DIM).sum(1), second_moment(x.astype(np.float32), np.ones(15_000)))
    assert model is not None and 0.06 < np.median(model.between) < 0.13


def test_basis_diagonalises_both_and_the_best_factors_come_first() -> None:
    model, _, _ = fitted()
    within, between = dense(model)
    assert np.allclose(model.basis.T @ within @ model.basis, np.eye(DIM), atol=1e-8)
    assert np.allclose(model.basis.T @ between @ model.basis, np.diag(model.between), atol=1e-8)
    assert (np.diff(model.between) <= 0).all()


@pytest.mark.parametrize(("n_left", "n_right"), [(1, 1), (3, 17), (50, 2), (400, 400)])
def test_ratio_is_the_difference_of_log_densities(n_left: int, n_right: int) -> None:
    """Against dense covariances in the space of the vectors: the diagonalisation must not change the value."""
    model, _, _ = fitted()
    within, between = dense(model)
    rng = np.random.default_rng(n_left)
    means = rng.standard_normal((2, DIM)) * 0.8 + model.mean
    counts = np.array([n_left, n_right], float)
    s_left, s_right = between + within / n_left, between + within / n_right
    joint = multivariate_normal(np.tile(model.mean, 2), np.block([[s_left, between], [between, s_right]])).logpdf(means.ravel())
    apart = multivariate_normal(model.mean, s_left).logpdf(means[0]) + multivariate_normal(model.mean, s_right).logpdf(means[1])
    projected = model.project(counts, means * counts[:, None])
    found = model.ratio(projected[:1], counts[:1], projected[1:], counts[1:])
    assert found[0] == pytest.approx(joint - apart, rel=1e-6, abs=1e-6)


def test_ratio_is_symmetric() -> None:
    model, _, _ = fitted()
    rng = np.random.default_rng(1)
    left, right = rng.standard_normal((2, 200, DIM))
    n_left, n_right = rng.integers(1, 100, (2, 200)).astype(float)
    assert np.allclose(model.ratio(left, n_left, right, n_right), model.ratio(right, n_right, left, n_left), rtol=1e-10)


def test_ratio_tells_one_source_from_two_and_few_prompts_say_little() -> None:
    rng = np.random.default_rng(2)
    dim, b = 96, 0.01
    model = Plda(np.zeros(dim), np.eye(dim), np.full(dim, b))

    def pairs(n: int, same: bool) -> np.ndarray:
        left = rng.standard_normal((500, dim)) * np.sqrt(b)
        right = left if same else rng.standard_normal((500, dim)) * np.sqrt(b)
        noise = rng.standard_normal((2, 500, dim)) / np.sqrt(n)
        size = np.full(500, float(n))
        return model.ratio(left + noise[0], size, right + noise[1], size)

    assert (pairs(400, True) > 0).mean() > 0.98 and (pairs(400, False) < 0).mean() > 0.98
    few = np.concatenate([pairs(1, True), pairs(1, False)])
    assert np.abs(few).max() < 1.0 and np.median(np.abs(pairs(400, True))) > 20


def test_embed_has_unit_length_and_ranks_partners() -> None:
    model, within, between = fitted()
    rng = np.random.default_rng(3)
    n = np.full(200, 60)
    x, account = simulate(rng, n, within, between)
    half = rng.integers(0, 2, len(x))
    counts = np.stack([np.bincount(account[half == h], minlength=200) for h in (0, 1)]).astype(float)
    sums = [np.stack([np.bincount(account[half == h], weights=c[half == h], minlength=200) for c in x.T], 1) for h in (0, 1)]
    left, right = (model.embed(model.project(c, s), c) for c, s in zip(counts, sums, strict=True))
    assert left.dtype == np.float32 and np.allclose(np.linalg.norm(left, axis=1), 1, atol=1e-5)
    assert ((left @ right.T).argmax(1) == np.arange(200)).mean() > 0.8, "the other half of the same account is nearest"


def test_an_account_without_prompts_projects_to_zero() -> None:
    model, _, _ = fitted()
    found = model.project(np.array([0.0, 2.0]), np.array([np.zeros(DIM), np.ones(DIM)]))
    assert not found[0].any() and found[1].any()
    assert np.isfinite(model.embed(found, np.array([0.0, 2.0]))).all()


@pytest.mark.parametrize(("n_accounts", "n_prompts"), [(9, 5), (500, 2), (0, 0)])
def test_no_model_of_fewer_than_ten_accounts_with_three_prompts(n_accounts: int, n_prompts: int) -> None:
    counts = np.full(n_accounts, float(n_prompts))
    assert Plda.fit(counts, np.ones((n_accounts, DIM)), np.eye(DIM)) is None


def test_n_factors_keeps_the_largest() -> None:
    rng = np.random.default_rng(0)
    within, between = covariances(rng)
    n = np.full(200, 8)
    x, account = simulate(rng, n, within, between)
    sums = np.stack([np.bincount(account, weights=c, minlength=200) for c in x.T], 1)
    moment = second_moment(x.astype(np.float32), np.ones(len(x)))
    whole, part = Plda.fit(n.astype(float), sums, moment), Plda.fit(n.astype(float), sums, moment, n_factors=3)
    assert whole is not None and part is not None
    assert part.basis.shape == (DIM, 3) and np.allclose(part.between, whole.between[:3])


def test_a_campaign_of_a_tenth_does_not_become_the_population() -> None:
    """100 accounts in one point far out must not open a direction of its own as wide as without weights."""
    rng = np.random.default_rng(4)
    sources = rng.standard_normal((1000, DIM)) * 0.5
    sources[900:] = np.eye(DIM)[0] * 6
    n = np.full(1000, 10.0)
    x = np.repeat(sources, 10, axis=0) + rng.standard_normal((10_000, DIM))
    sums = x.reshape(1000, 10, DIM).sum(1)
    model = Plda.fit(n, sums, second_moment(x.astype(np.float32), np.ones(10_000)))
    assert model is not None
    plain = np.cov((sums / 10).T)[0, 0]
    assert plain > 3 and dense(model)[1][0, 0] < 0.5 * plain


@pytest.mark.parametrize("chunk", [1, 7, 100, 1000])
def test_second_moment_does_not_depend_on_chunks(chunk: int) -> None:
    rng = np.random.default_rng(5)
    x, w = rng.standard_normal((100, 6)).astype(np.float32), rng.random(100)
    wanted = sum(wi * np.outer(xi, xi) for xi, wi in zip(x.astype(np.float64), w, strict=True))
    assert np.allclose(second_moment(x, w, chunk), wanted)
