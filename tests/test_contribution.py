"""Contribution: the smallest part that carries a finding, and the nearest accounts outside it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from detection_fixture import world

from fingerprint.config import DetectConfig
from fingerprint.contribution import N_PEERS, carried_by, nearest_unaccused
from fingerprint.detection import Examiner, Group
from fingerprint.search import search


@pytest.fixture(scope="module")
def found() -> tuple[Examiner, Group]:
    made = world(0)
    examiner = Examiner(made.evidence(), DetectConfig(), 0, 1)
    return examiner, next(g for g in search(examiner) if not g.reason)


def test_the_part_that_carries_a_finding_passes_and_less_does_not(found: tuple[Examiner, Group]) -> None:
    examiner, group = found
    n = carried_by(group, examiner)
    assert examiner.config.min_accounts <= n < len(group.members)
    per = np.bincount(examiner.actor[group.attributed], minlength=examiner.evidence.n_actors)[group.members]
    order = group.members[np.lexsort((group.members, -per))]
    enough, less = (examiner.test(group.members, "by hand", np.sort(order[:k])) for k in (n, n - 1))
    assert enough is not None and not enough.reason
    assert less is None or less.reason
    assert carried_by(dataclasses.replace(group, reason="no"), examiner) == 0


def test_peers_against_counted_votes(found: tuple[Examiner, Group]) -> None:
    examiner, group = found
    accused = np.zeros(examiner.evidence.n_actors, bool)
    accused[group.members] = True
    accused[:5] = True  # of some other finding
    peers, ties = nearest_unaccused(group, examiner, accused)
    assert peers.shape == ties.shape == (len(group.members), N_PEERS)
    votes = examiner.votes.matrix.toarray()
    for i, member in enumerate(group.members):
        cast = votes[:, group.attributed[examiner.actor[group.attributed] == member]].sum(1)
        fellows = cast[group.members].sum() / (len(group.members) - 1)
        free = np.where(accused, -1, cast)
        assert ties[i] == pytest.approx(np.maximum(-np.sort(-free)[:N_PEERS], 0) / fellows, rel=1e-4)
        assert all(p == -1 or (not accused[p] and cast[p] / fellows == pytest.approx(t, rel=1e-4)) for p, t in zip(peers[i], ties[i], strict=True))


def test_nobody_outside(found: tuple[Examiner, Group]) -> None:
    examiner, group = found
    peers, ties = nearest_unaccused(group, examiner, np.ones(examiner.evidence.n_actors, bool))
    assert (peers == -1).all() and (ties == 0).all()
