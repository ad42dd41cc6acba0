"""Traffic in columns: what the detection stages see of the events, and the evidence sample drawn from it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

    from .store import TextStore

HOUR_US = 3_600_000_000
LEAST_SAMPLE = 8  # texts per actor; with fewer no test has power


@dataclass(frozen=True)
class Traffic:
    """Accepted events.

    Attributes
    ----------
    account_ids : pyarrow string array[n_accounts]
    account : int32[n]
        Index into `account_ids`.
    actor : int64[n_accounts]
        Accounts with one declared relation (``org_id``) are one actor.
    time_us : int64[n]
        Microseconds since 1970, UTC.
    conversation : int32[n]
        Number of the conversation, -1 where the log names none.
    text : int32[n]
        Index of the distinct normalised text; -1 for an empty prompt.
    exact : uint64[n_texts]
        Keyed hash of each distinct text.
    first_row : int64[n_texts]
        First event with that text.
    cluster : int32[n_texts]
        Near-duplicate cluster.
    similarity : float32[n_texts]
        Estimated Jaccard similarity to the cluster's leader.
    n_invisible : uint32[n_texts]
        Invisible characters that normalisation removed.
    store : TextStore
        The distinct texts as they were first written.
    place : int64[n_texts]
        Where each is in `store`.
    file, line : int32[n], int64[n]
        Where the event was read.
    system : int32[n]
        Index of the system text that the prompt came with; -1 for none.
    system_texts : pyarrow large_string array[s]
        Distinct system texts, ascending.
    """

    account_ids: pa.Array
    account: npt.NDArray[np.int32]
    actor: npt.NDArray[np.int64]
    time_us: npt.NDArray[np.int64]
    conversation: npt.NDArray[np.int32]
    text: npt.NDArray[np.int32]
    exact: npt.NDArray[np.uint64]
    first_row: npt.NDArray[np.int64]
    cluster: npt.NDArray[np.int32]
    similarity: npt.NDArray[np.float32]
    n_invisible: npt.NDArray[np.uint32]
    store: TextStore
    place: npt.NDArray[np.int64]
    file: npt.NDArray[np.int32]
    line: npt.NDArray[np.int64]
    system: npt.NDArray[np.int32]
    system_texts: pa.LargeStringArray

    @property
    def n_actors(self) -> int:
        """Number of actors."""
        return int(self.actor.max(initial=-1)) + 1

    @functools.cached_property
    def n_prompts(self) -> npt.NDArray[np.int64]:
        """Events of each account, int64[n_accounts]."""
        return np.bincount(self.account, minlength=len(self.account_ids))

    @functools.cached_property
    def _by_actor(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Events ordered by actor, and where those of each begin."""
        who = self.actor[self.account]
        return np.argsort(who, kind="stable"), np.concatenate([[0], np.cumsum(np.bincount(who, minlength=self.n_actors))])

    def events_of(self, actors: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the events of some actors, int64[m] ascending."""
        order, start = self._by_actor
        return np.sort(np.concatenate([np.zeros(0, np.int64), *(order[start[a] : start[a + 1]] for a in actors.tolist())]))

    def take(self, index: npt.NDArray[np.integer]) -> pa.LargeStringArray:
        """Return distinct texts as they were first written."""
        return self.store.take(self.place[index])

    def texts(self, index: npt.NDArray[np.integer]) -> list[str]:
        """Return distinct texts as they were first written, as strings."""
        found: list[str] = self.take(index).to_pylist()
        return found

    def systems(self, index: npt.NDArray[np.int64]) -> list[str]:
        """Return system texts."""
        found: list[str] = self.system_texts.take(index).to_pylist()
        return found


@dataclass(frozen=True, slots=True)
class Holdings:
    """Distinct pairs of actor and text.

    Attributes
    ----------
    actor, text : int64[h]
        Sorted by actor, then text.
    count : int64[h]
        Events of the pair.
    sampled : bool[h]
        Whether the pair is in the actor's evidence sample.
    system : int32[h]
        System text of its events, the first in order where they have several; -1 for none.
    """

    actor: npt.NDArray[np.int64]
    text: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    sampled: npt.NDArray[np.bool_]
    system: npt.NDArray[np.int32]


def hold(actor: npt.NDArray[np.int64], text: npt.NDArray[np.integer], exact: npt.NDArray[np.uint64], sample: int, budget: int,
         eligible: npt.NDArray[np.bool_] | None = None, system: npt.NDArray[np.int32] | None = None) -> Holdings:
    """Collapse events to holdings and draw each actor's evidence sample.

    The sample is the `sample` texts with the smallest keyed hashes: it is mergeable and subtractable like every bottom-k sketch, picks
    the same texts in every account that holds them, and cannot be steered by whoever does not know the key.

    Parameters
    ----------
    actor, text : int64[n], integer[n]
        Of every event; events with text -1 are left out.
    exact : uint64[n_texts]
        Keyed hashes.
    sample : int
        Texts per actor, at most.
    budget : int
        Texts of all actors together, at most: where there would be more, the limit per actor is lowered for all, to ``LEAST_SAMPLE`` if need be.
    eligible : bool[n_texts], optional
        Restricts the sample.
    system : int32[n], optional
        System text of every event, -1 for none.
    """
    kept = text >= 0
    n_texts = max(len(exact), 1)
    pair, count = np.unique(actor[kept] * n_texts + text[kept], return_counts=True)
    who, what = pair // n_texts, pair % n_texts
    order = np.lexsort((exact[what], who)) if eligible is None else np.lexsort((exact[what], ~eligible[what], who))
    size = np.bincount(who) if len(who) else np.zeros(0, np.int64)
    rank = np.empty(len(who), np.int64)
    rank[order] = np.arange(len(who)) - np.repeat(np.cumsum(size) - size, size)
    sampled = rank < _affordable(size, sample, budget)
    if eligible is not None:
        sampled &= eligible[what]
    came_with = np.full(len(pair), -1, np.int32)
    if system is not None and (named := np.flatnonzero(kept & (system >= 0))).size:
        place = np.searchsorted(pair, actor[named] * n_texts + text[named])
        order = np.lexsort((-system[named], place))
        came_with[place[order]] = system[named][order]
    return Holdings(who, what, count.astype(np.int64), sampled, came_with)


def _affordable(size: npt.NDArray[np.int64], sample: int, budget: int) -> int:
    """Return the largest limit per actor, up to `sample`, under which all actors together keep at most `budget` texts."""
    if np.minimum(size, sample).sum() <= budget:
        return sample
    limits = np.arange(min(LEAST_SAMPLE, sample), sample + 1)
    held = np.bincount(np.minimum(size, sample), minlength=sample + 1)
    above = size.size - np.cumsum(held)
    kept = np.cumsum(np.concatenate([[0], above[:-1]]))  # kept[k]: sum over actors of min(size, k)
    fits = limits[kept[limits] <= budget]
    return int(fits[-1]) if len(fits) else int(limits[0])


def declared_actors(account: npt.NDArray[np.int32], n_accounts: int, org: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Collapse accounts with a common organisation to one actor.

    Parameters
    ----------
    account : int32[n]
        Account of every event.
    n_accounts : int
    org : int32[n]
        Organisation of every event, -1 for none. An account belongs to the organisation of its first event that names one.

    Returns
    -------
    int64[n_accounts]
        Dense actor ids.
    """
    owner = np.full(n_accounts, -1, np.int64)
    named = np.flatnonzero(org >= 0)[::-1]
    owner[account[named]] = org[named]
    label = np.where(owner >= 0, owner, owner.max(initial=-1) + 1 + np.arange(n_accounts))
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def shuffle_within_hours(account: npt.NDArray[np.int64], time_us: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """Permute account labels among the events of each hour: rhythm and volume stay, content no longer belongs to anybody."""
    rng = np.random.default_rng(seed)
    by_hour = np.argsort(time_us // HOUR_US, kind="stable")
    shuffled = np.lexsort((rng.random(len(account)), time_us // HOUR_US))
    out = np.empty_like(account)
    out[by_hour] = account[shuffled]
    return out
