"""Planting: planted accounts are found as real ones would be, take their place among neighbours, and change nothing of what was there."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from detection_fixture import K, World, unit, world

from fingerprint.config import DetectConfig
from fingerprint.detection import Examiner
from fingerprint.evidence import Evidence
from fingerprint.matrices import blocks
from fingerprint.planting import plant
from fingerprint.search import search


@pytest.fixture(scope="module")
def organic() -> World:
    return world(3, n_campaign=0, n_evaluators=0)


def queries(made: World, n: int, seed: int = 0, spread: float = 0.7) -> list[str]:
    """Prompts of one source; the stand-in for the encoder finds the vector of a text by the number in its name."""
    rng = np.random.default_rng(seed)
    source = unit(rng.standard_normal((1, made.vectors.shape[1])))
    start = len(made.vectors)
    made.vectors = np.concatenate([made.vectors, unit(source * 0.7 + unit(rng.standard_normal((n, made.vectors.shape[1]))) * spread)])
    return [f"u{i} v{i} w{i} x{i} y{i} q{i}" for i in range(start, start + n)]


def found(evidence: Evidence, actors: np.ndarray) -> tuple[float, float]:
    """Recall and purity of the best reported group."""
    groups = [g.members for g in search(Examiner(evidence, DetectConfig(), 0, 1), only=actors) if not g.reason]
    return max(((np.isin(actors, m).mean(), np.isin(m, actors).mean()) for m in groups), default=(0.0, 0.0))


@pytest.mark.parametrize("cover", [0.0, 0.5])
def test_a_planted_campaign_is_found(organic: World, cover: float) -> None:
    prompts = queries(organic, 24 * 20)
    planted, actors = plant(organic.evidence(), prompts, np.arange(len(prompts)) % 24, cover, seed=1)
    assert actors.tolist() == list(range(240, 264)) and planted.n_actors == 264
    recall, purity = found(planted, actors)
    assert recall >= 0.9 and purity >= 0.95


def test_neighbours_are_those_of_a_search_over_everything(organic: World) -> None:
    """Real texts see planted ones as well: what is offered to them is exact as long as no text is wanted by more than ``WIDE``."""
    evidence, prompts = organic.evidence(), queries(organic, 60, seed=2)
    planted, _ = plant(evidence, prompts, np.arange(60) % 6)
    vectors = np.concatenate([block for _, block in blocks(planted.vectors)])
    similarity = vectors @ vectors.T
    best = -np.sort(-similarity, axis=1)[:, :K]
    assert planted.similarity.shape == planted.index.shape == (len(planted.vectors), K)
    agree = np.isclose(planted.similarity, best, atol=1e-5).all(1)
    assert agree.mean() > 0.97 and agree[len(evidence.vectors) :].all()
    assert np.allclose(np.take_along_axis(similarity, planted.index, 1), planted.similarity, atol=1e-5)
    assert (np.diff(planted.similarity, axis=1) <= 1e-6).all()


def test_what_was_there_is_untouched(organic: World) -> None:
    evidence, prompts = organic.evidence(), queries(organic, 30, seed=4)
    before = [evidence.similarity.copy(), evidence.index.copy(), evidence.row.copy(), len(evidence.exact)]
    planted, actors = plant(evidence, prompts, np.arange(30) % 5, 0.3)
    assert (evidence.similarity == before[0]).all() and (evidence.index == before[1]).all() and (evidence.row == before[2]).all()
    held, old = planted.holdings, evidence.holdings
    for field in dataclasses.fields(held):
        assert (getattr(held, field.name)[: len(old.actor)] == getattr(old, field.name)).all()
    mine = held.actor >= actors[0]
    order = np.lexsort((held.text[mine], held.actor[mine]))
    assert (order == np.arange(mine.sum())).all(), "sorted by actor, then text"
    assert planted.texts(np.array([before[3] + 1, 0, before[3]])) == [prompts[1], *evidence.texts(np.array([0])), prompts[0]]


def test_cover_is_that_of_few_real_accounts(organic: World) -> None:
    evidence, prompts = organic.evidence(), queries(organic, 40, seed=5)
    planted, actors = plant(evidence, prompts, np.arange(40) % 4, 0.5)
    held, n_texts = planted.holdings, len(evidence.exact)
    donors = []
    for actor in actors:
        cover = held.text[(held.actor == actor) & (held.text < n_texts)]
        assert len(cover) == 10
        owners = {int(a) for a in evidence.holdings.actor[np.isin(evidence.holdings.text, cover)]}
        assert len(owners) == 1
        donors += owners
    assert len(set(donors)) == 4
    planted, actors = plant(evidence, prompts, np.arange(40) % 4, 0.95, sample=1000)
    held = planted.holdings
    covers = [held.text[(held.actor == actor) & (held.text < n_texts)] for actor in actors]
    assert [len(c) for c in covers] == [190] * 4 and len(np.unique(np.concatenate(covers))) == 760
    starved, _ = plant(evidence, prompts, np.arange(40) % 4, 0.9999)
    assert len(starved.holdings.actor) < 40 + 5 * len(evidence.holdings.actor), "there is no more to lend"


def test_equal_prompts_are_one_text_and_the_sample_is_bounded(organic: World) -> None:
    evidence, prompts = organic.evidence(), queries(organic, 20, seed=6)
    planted, actors = plant(evidence, prompts * 2, np.repeat([0, 1], 20), sample=12)
    assert len(planted.exact) == len(evidence.exact) + 20 == len(planted.row)
    held = planted.holdings
    mine = held.actor >= actors[0]
    assert mine.sum() == 24
    assert set(held.text[mine & (held.actor == actors[0])]) == set(held.text[mine & (held.actor == actors[1])])
    again, _ = plant(evidence, [prompts[0]] * 5, np.zeros(5, np.int64))
    assert again.holdings.count[-1] == 5


def test_same_seed_same_evidence(organic: World) -> None:
    evidence, prompts = organic.evidence(), queries(organic, 20, seed=7)
    one, other = (plant(evidence, prompts, np.arange(20) % 4, 0.5, seed=3)[0] for _ in range(2))
    assert (one.holdings.text == other.holdings.text).all() and (one.index == other.index).all() and (one.exact == other.exact).all()
