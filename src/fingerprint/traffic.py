"""Traffic in columns: what the detection stages see of the events, and the evidence sample drawn from it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from .arrays import by_group
from .room import give_back, let_go

if TYPE_CHECKING:
    import pyarrow as pa


HOUR_US = 3_600_000_000
LEAST_SAMPLE = 8  # texts per actor; with fewer no test has power
EVENTS_AT_ONCE = 4_000_000  # that are collapsed together: bounds memory
GRID = 1 << 20


class Texts(Protocol):
    """Where distinct texts lie: a :class:`fingerprint.store.TextStore`, or the pieces of a stream."""

    def take(self, places: npt.NDArray[np.integer]) -> pa.LargeStringArray:
        """Return the texts at these places, in this order."""
        ...


@dataclass(frozen=True)
class Traffic:
    """Accepted events.

    Attributes
    ----------
    account_ids : pyarrow string array[n_accounts]
        Ascending by their bytes, so that no number depends on the order of the events.
    account : int32[n]
        Index into `account_ids`.
    actor : int32[n_accounts]
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
        The earliest event with that text, as :func:`first_events` gives it.
    cluster : int32[n_texts]
        Near-duplicate cluster.
    similarity : float32[n_texts]
        Estimated Jaccard similarity to the cluster's leader.
    store : Texts
        The distinct texts, of those that normalise alike the one with the smallest hash (``Spelling`` in :mod:`fingerprint.sketch`).
    place : int32[n_texts]
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
    actor: npt.NDArray[np.int32]
    time_us: npt.NDArray[np.int64]
    conversation: npt.NDArray[np.int32]
    text: npt.NDArray[np.int32]
    exact: npt.NDArray[np.uint64]
    first_row: npt.NDArray[np.int64]
    cluster: npt.NDArray[np.int32]
    similarity: npt.NDArray[np.float32]
    store: Texts
    place: npt.NDArray[np.int32]
    file: npt.NDArray[np.int32]
    line: npt.NDArray[np.int64]
    system: npt.NDArray[np.int32]
    system_texts: pa.LargeStringArray

    @property
    def n_actors(self) -> int:
        """Number of actors."""
        return int(self.actor.max(initial=-1)) + 1

    def let_go(self) -> None:
        """Let what can be had again leave memory until it is looked at: columns that lie in files, and the order of the events by actor."""
        vars(self).pop("_by_actor", None)
        let_go(*(value for value in vars(self).values() if isinstance(value, np.ndarray)))
        give_back()

    @functools.cached_property
    def n_prompts(self) -> npt.NDArray[np.int64]:
        """Events of each account, int64[n_accounts]."""
        return np.bincount(self.account, minlength=len(self.account_ids))

    @functools.cached_property
    def first_account(self) -> npt.NDArray[np.int64]:
        """The account of each actor that comes first, int64[n_actors]; -1 for an actor that has none."""
        account = np.full(self.n_actors, -1)
        account[self.actor[::-1]] = np.arange(len(self.actor))[::-1]
        return account

    @functools.cached_property
    def first_seen(self) -> npt.NDArray[np.int64]:
        """Time of the first event of each account, int64[n_accounts], microseconds."""
        first = np.full(len(self.account_ids), np.iinfo(np.int64).max)
        np.minimum.at(first, self.account, self.time_us)
        return first

    @functools.cached_property
    def turn(self) -> npt.NDArray[np.complex128]:
        """Sum over the events of each account of its time of day as a point on the unit circle, complex128[n_accounts]; see :func:`on_circle`."""
        total = np.zeros(len(self.account_ids), np.complex128)
        for low in range(0, len(self.account), EVENTS_AT_ONCE):
            part = slice(low, low + EVENTS_AT_ONCE)
            point = on_circle(self.time_us[part])
            for unit, weights in ((1, point.real), (1j, point.imag)):
                total += unit * np.bincount(self.account[part], weights=weights, minlength=len(total))
        return total

    @functools.cached_property
    def moved(self) -> npt.NDArray[np.int8]:
        """Whether a conversation goes on under another actor, int8[n_conversations]; -1 for a number that no event bears."""
        named = np.flatnonzero(self.conversation >= 0)
        talk, who = self.conversation[named], self.actor[self.account[named]]
        n = int(talk.max(initial=-1)) + 1
        lowest, highest = np.full(n, np.iinfo(np.int32).max, np.int32), np.full(n, -1, np.int32)
        np.minimum.at(lowest, talk, who)
        np.maximum.at(highest, talk, who)
        return np.where(highest < 0, -1, lowest < highest).astype(np.int8)

    @functools.cached_property
    def _by_actor(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        return by_group(self.actor[self.account], self.n_actors)

    def events_of(self, actors: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the events of some actors, int64[m] ascending."""
        order, start = self._by_actor
        return np.sort(np.concatenate([np.zeros(0, np.int64), *(order[start[a] : start[a + 1]] for a in actors.tolist())]))

    def take(self, index: npt.NDArray[np.integer]) -> pa.LargeStringArray:
        """Return distinct texts, one spelling of each."""
        return self.store.take(self.place[index])

    def texts(self, index: npt.NDArray[np.integer]) -> list[str]:
        """Return distinct texts, one spelling of each, as strings."""
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
    system : int32[h]
        System text of its events, the first in order where they have several; -1 for none.
    """

    actor: npt.NDArray[np.int64]
    text: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    system: npt.NDArray[np.int32]

    @classmethod
    def of(cls, actor: npt.NDArray[np.integer], text: npt.NDArray[np.integer], n_texts: int, system: npt.NDArray[np.int32] | None) -> Holdings:
        """Collapse events, of which none has text -1."""
        pair = actor.astype(np.int64) * n_texts + text
        order = np.argsort(pair)
        pair = pair[order]
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        least = np.full(len(first), -1, np.int32)
        if system is not None and len(first):
            unsigned = system[order].view(np.uint32)  # -1 becomes the largest
            least = np.minimum.reduceat(unsigned, first).view(np.int32)
        return cls(pair[first] // n_texts, pair[first] % n_texts, np.diff(first, append=len(pair)), least)

    def __getitem__(self, rows: npt.NDArray[Any]) -> Holdings:
        return Holdings(self.actor[rows], self.text[rows], self.count[rows], self.system[rows])

    def ranks(self, exact: npt.NDArray[np.uint64], eligible: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.int64]:
        """Return the rank of each text's hash among those of its actor, eligible ones first."""
        what = (exact[self.text], self.actor) if eligible is None else (exact[self.text], ~eligible[self.text], self.actor)
        rank = np.empty(len(self.actor), np.int64)
        first = np.flatnonzero(np.diff(self.actor, prepend=-1))
        rank[np.lexsort(what)] = np.arange(len(rank)) - np.repeat(first, np.diff(first, append=len(rank)))
        return rank


def hold(actor: npt.NDArray[np.integer], text: npt.NDArray[np.integer], exact: npt.NDArray[np.uint64], sample: int, budget: int,
         eligible: npt.NDArray[np.bool_] | None = None, system: npt.NDArray[np.int32] | None = None) -> Holdings:
    """Draw each actor's evidence sample.

    It is the `sample` texts with the smallest keyed hashes: it is mergeable and subtractable like every bottom-k sketch, picks
    the same texts in every account that holds them, and cannot be steered by whoever does not know the key.

    Parameters
    ----------
    actor, text : integer[n]
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
    order, start = by_group(actor)
    size, limit, kept = np.zeros(len(start) - 1, np.int64), sample, list[tuple[Holdings, npt.NDArray[np.int64]]]()
    for low, high in _blocks(start):
        rows = order[start[low] : start[high]]
        rows = np.sort(rows[text[rows] >= 0])
        held = Holdings.of(actor[rows], text[rows], max(len(exact), 1), system[rows] if system is not None else None)
        size += np.bincount(held.actor, minlength=len(size))
        limit = _affordable(size[:high], sample, budget)  # more actors only lower it
        rank = held.ranks(exact, eligible)
        low_enough = rank < limit if eligible is None else (rank < limit) & eligible[held.text]
        kept.append((held[low_enough], rank[low_enough]))
    found = [held[rank < limit] for held, rank in kept]
    return Holdings(*(np.concatenate([np.zeros(0, kind), *(getattr(held, name) for held in found)])
                      for name, kind in (("actor", np.int64), ("text", np.int64), ("count", np.int64), ("system", np.int32))))


def _blocks(start: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Split actors, whose events begin at `start`, into runs with about ``EVENTS_AT_ONCE`` events each."""
    cuts = np.unique(np.searchsorted(start, np.arange(0, start[-1], EVENTS_AT_ONCE), "right") - 1)
    return list(pairwise([*cuts.tolist(), len(start) - 1])) if len(start) > 1 else []


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


def declared_actors(account: npt.NDArray[np.int32], n_accounts: int, org: npt.NDArray[np.int32], time_us: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Collapse accounts with a common organisation to one actor.

    Parameters
    ----------
    account : int32[n]
        Account of every event.
    n_accounts : int
    org : int32[n]
        Organisation of every event, by number, -1 for none. An account belongs to the organisation of its earliest event that names one, of those of one
        time to the one with the smallest number.
    time_us : int64[n]

    Returns
    -------
    int32[n_accounts]
        Dense actor ids: those of organisations first, then those of accounts without one, each in the order of their numbers.
    """
    owner = _first_of(account, org, time_us, n_accounts)[0].astype(np.int64)
    label = np.where(owner >= 0, owner, owner.max(initial=-1) + 1 + np.arange(n_accounts))
    return np.unique(label, return_inverse=True)[1].astype(np.int32)


def first_events(account: npt.NDArray[np.int32], time_us: npt.NDArray[np.int64], text: npt.NDArray[np.int32], n_texts: int) -> npt.NDArray[np.int64]:
    """Return the earliest event of each text, int64[n_texts]: of those of one time that of the smallest account, and of its own the first row."""
    who, when = _first_of(text, account, time_us, n_texts)
    found = np.full(n_texts, np.iinfo(np.int64).max)
    for low in range(0, len(text), EVENTS_AT_ONCE):
        what, by, at = (column[low : low + EVENTS_AT_ONCE] for column in (text, account, time_us))
        rows = np.flatnonzero(what >= 0)
        rows = rows[(by[rows] == who[what[rows]]) & (at[rows] == when[what[rows]])]
        np.minimum.at(found, what[rows], low + rows)
    return found


def _first_of(group: npt.NDArray[np.int32], value: npt.NDArray[np.int32], time_us: npt.NDArray[np.int64],
              n_groups: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return the value of the earliest event of each group that has one, of those of one time the smallest, -1 for none; and that time."""
    found, when = np.full(n_groups, np.iinfo(np.int32).max, np.int32), np.full(n_groups, np.iinfo(np.int64).max)
    for is_known in (False, True):
        for low in range(0, len(group), EVENTS_AT_ONCE):
            of, what, at = (column[low : low + EVENTS_AT_ONCE] for column in (group, value, time_us))
            rows = np.flatnonzero((of >= 0) & (what >= 0))
            if not is_known:
                np.minimum.at(when, of[rows], at[rows])
                continue
            rows = rows[at[rows] == when[of[rows]]]
            np.minimum.at(found, of[rows], what[rows])
    found[when == np.iinfo(np.int64).max] = -1
    return found, when


def time_of_day(time_us: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the time of day as an angle, midnight UTC at 0."""
    return 2 * np.pi * (time_us % (24 * HOUR_US)) / (24 * HOUR_US)


def on_circle(time_us: npt.NDArray[np.int64]) -> npt.NDArray[np.complex128]:
    """Return the time of day as a point on the unit circle, to 20 bits: sums of such points are exact, in whatever order they are taken."""
    angle = time_of_day(time_us)
    point: npt.NDArray[np.complex128] = (np.rint(np.cos(angle) * GRID) + 1j * np.rint(np.sin(angle) * GRID)) / GRID
    return point


def shuffle_within_hours(account: npt.NDArray[np.integer], time_us: npt.NDArray[np.int64], seed: int,
                         *content: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """Permute account labels among the events of each hour: rhythm and volume stay, content no longer belongs to anybody.

    Which label goes with which `content`, columns of the events, does not depend on the order of the events.
    """
    if not len(account):
        return account.copy()
    rng = np.random.default_rng(seed)
    hour, first = np.empty(len(time_us), np.int32), int(time_us.min()) // HOUR_US
    for low in range(0, len(hour), EVENTS_AT_ONCE):
        hour[low : low + EVENTS_AT_ONCE] = time_us[low : low + EVENTS_AT_ONCE] // HOUR_US - first
    let_go(time_us)
    order, start = by_group(hour)
    del hour
    out = np.empty_like(account)
    for some in np.flatnonzero(np.diff(start)).tolist():
        rows = order[start[some] : start[some + 1]]
        if content:
            rows = rows[np.lexsort([column[rows] for column in content])]
        out[rows] = rng.permutation(np.sort(account[rows]))
    return out
