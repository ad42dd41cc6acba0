"""How long the search over the sample traffic takes once its evidence is prepared; in a smoke run one cell of :mod:`detection` instead."""

from __future__ import annotations

import detection
import pyarrow.compute as pc
from conftest import Measure
from texts import Corpus

from fingerprint.evaluation import Plan
from fingerprint.search import search
from fingerprint.simulate import simulate


def bench_search(measure: Measure) -> None:
    """Evidence to groups."""
    world = simulate("demo", 1)
    prompts = world.events["prompt"]
    corpus = Corpus("demo", prompts.combine_chunks(), pc.sum(pc.binary_length(prompts)).as_py())
    if measure.is_smoke:
        background, cells = detection.Background("demo", 1, 10_000), []
        measure(lambda: cells.append(background.trials(Plan(20, 20), ["near-duplicate sharing"])), corpus)
        scores, cover = cells[0]
        assert scores["fingerprint"][0].found and scores["fingerprint"][0].n_false == 0 and len(scores["near-duplicate sharing"]) == 1 and cover == 0
        return
    traffic, examiner = detection.prepared(world.events)
    assert len(detection.reported(traffic, examiner)) == len(world.config.campaigns)
    measure(lambda: search(examiner), corpus, rounds=3)
