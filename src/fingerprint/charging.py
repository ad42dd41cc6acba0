"""Charging: which events of its accounts a finding stands on.

The tests ran on a sample of each account's texts. Those of a finding's accounts that were not sampled are now encoded too, vote with their
nearest sampled texts like all others, or are looked through for the text that the finding shares, and are charged by the same rule; no other prompt is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from .arrays import distinct
from .detection import Examiner, Group
from .neighbours import Held, cast_votes
from .segments import Segment, contain
from .traffic import Holdings, Traffic

TEXTS_AT_ONCE = 50_000


def sampled_events(group: Group, examiner: Examiner, traffic: Traffic) -> npt.NDArray[np.int64]:
    """Return the events behind the sampled holdings that are attributed to a group, int64[m] ascending."""
    return _events(group, examiner.actor[group.attributed], examiner.text[group.attributed], traffic)


def charge(groups: Sequence[Group], examiner: Examiner, traffic: Traffic,
           advance: Callable[[int], None] | None = None) -> list[npt.NDArray[np.int64]]:
    """Return the events that each group is charged with.

    Parameters
    ----------
    groups : sequence of Group
    examiner : Examiner
        The run that found them.
    traffic : Traffic
    advance : callable, optional
        Called with the number of texts looked at since the last call.

    Returns
    -------
    list of int64[m]
        Rows of the traffic, ascending, one array per group.
    """
    actors, texts = [[examiner.actor[g.attributed]] for g in groups], [[examiner.text[g.attributed]] for g in groups]
    rest = _unsampled(groups, examiner, traffic)
    for part in _by_text(traffic.place[rest.text]):
        text, point = np.unique(rest.text[part], return_inverse=True)
        for i, rows in enumerate(_attribute(groups, examiner, traffic, rest.actor[part], rest.system[part], text, point)):
            actors[i].append(rest.actor[part][rows])
            texts[i].append(rest.text[part][rows])
        if advance is not None:
            advance(len(text))
    return [_events(g, np.concatenate(a), np.concatenate(t), traffic) for g, a, t in zip(groups, actors, texts, strict=True)]


def _unsampled(groups: Sequence[Group], examiner: Examiner, traffic: Traffic) -> Holdings:
    """Return what the members of the groups hold beside the sample."""
    members = distinct(np.concatenate([np.zeros(0, np.int64), *(g.members for g in groups)]))
    n_texts = max(len(traffic.exact), 1)
    own = _written(members, traffic)
    found = Holdings.of(traffic.actor[traffic.account[own]], traffic.text[own], n_texts, traffic.system[own])
    return found[~np.isin(found.actor * n_texts + found.text, examiner.actor * n_texts + examiner.text)]


def _by_text(place: npt.NDArray[np.integer]) -> list[npt.NDArray[np.int64]]:
    """Split pairs into parts of bounded size, all of one text together, and texts that lie together."""
    order = np.argsort(place, kind="stable")
    if not len(order):
        return []
    number = np.cumsum(np.diff(place[order], prepend=-1) > 0) - 1
    return np.split(order, np.searchsorted(number, np.arange(TEXTS_AT_ONCE, number[-1] + 1, TEXTS_AT_ONCE)))


def _attribute(groups: Sequence[Group], examiner: Examiner, traffic: Traffic, actor: npt.NDArray[np.int64], system: npt.NDArray[np.int32],
               text: npt.NDArray[np.int64], point: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Return, per group, which pairs of an actor and an unsampled text, ``text[point]``, are its members' and attributed to it."""
    evidence = examiner.evidence
    prompts = traffic.take(text)
    vectors = evidence.encode(prompts)
    similarity, index = evidence.search.nearest(vectors, evidence.index.shape[1])
    votes = cast_votes(similarity, index, examiner.floor, examiner.held, Held(point, actor, len(text), evidence.n_actors))
    words = evidence.words(prompts.to_pylist()) if any(g.segment is not None for g in groups) else None
    found = []
    for group in groups:
        rows = examiner.drawn(votes, group.members, group.attribution)[0]
        if group.segment is not None and words is not None:
            rows = np.union1d(rows, np.flatnonzero(contain(words, group.segment)[point] | _beside(group.segment, system, examiner)))
        found.append(rows[np.isin(actor[rows], group.members)])
    return found


def _beside(segment: Segment, system: npt.NDArray[np.int32], examiner: Examiner) -> npt.NDArray[np.bool_]:
    """Say of each holding whether its system text contains a segment."""
    evidence, named = examiner.evidence, distinct(system[system >= 0]).astype(np.int64)
    has = contain(evidence.words(evidence.systems(named)), segment) if len(named) else np.zeros(0, bool)
    return np.concatenate([has, [False]])[np.where(system >= 0, np.searchsorted(named, system), len(named))]


def _written(actors: npt.NDArray[np.int64], traffic: Traffic) -> npt.NDArray[np.int64]:
    """Return the events of some actors that have a text, ascending."""
    own = traffic.events_of(actors)
    return own[traffic.text[own] >= 0]


def _events(group: Group, actor: npt.NDArray[np.int64], text: npt.NDArray[np.int64], traffic: Traffic) -> npt.NDArray[np.int64]:
    n_texts = max(len(traffic.exact), 1)
    pair = np.sort(actor * n_texts + text)
    own = _written(group.members, traffic)
    return own[np.isin(traffic.actor[traffic.account[own]].astype(np.int64) * n_texts + traffic.text[own], pair)]
