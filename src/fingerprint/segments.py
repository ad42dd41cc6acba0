"""Segments: text that some accounts put into many of their prompts, or into the system text beside them, and hardly anybody else does.

Whoever passes on the requests of others has no subject of his own, and his accounts are no community of any kind; what he adds to each request gives
them away. Where it stands does not matter: the words of a prompt and of its system text are looked at alike. Like all roads this one only proposes; a
framework's customers share a text as well, and the test of exchangeability tells them from one source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from .arrays import distinct
from .evidence import Sample
from .templates import SLOT
from .words import WINDOW, Words, windows

MOST_WINDOWS = 128  # kept of a text, the smallest hashes, so that texts of like length keep the same ones
SEVERAL = 3  # sampled prompts of an account from which a text is its habit
N_READ = 200  # holdings among which one is looked for that shows a segment
MOST_SEGMENTS = 1000  # that are tested, those with most words
HOLDINGS_AT_ONCE = 50_000  # whose windows are compared together: bounds memory
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93))  # multipliers of a polynomial hash over keyed hashes, modulo 2**64


@dataclass(frozen=True, slots=True)
class Spelled:
    """A segment as it was written in one place: its runs of words, and whether that is a system text."""

    runs: list[str]
    in_system: bool

    @property
    def text(self) -> str:
        """The runs in one line, what lies between them shown as a slot."""
        return f" {SLOT} ".join(self.runs)


@dataclass(frozen=True, slots=True)
class Segment:
    """A text that some actors share.

    Attributes
    ----------
    windows : uint64[w]
        Hashes of the runs of ``WINDOW`` words in it, ascending.
    actors : int64[a]
        Who has it in ``SEVERAL`` sampled prompts or more, ascending.
    rows : int64[m]
        Sampled holdings, whoever has them, whose prompt or system text has any of the windows, ascending.
    """

    windows: npt.NDArray[np.uint64]
    actors: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


def either(*those: Segment) -> Segment:
    """Return what contains any of these segments as one."""
    return Segment(*(distinct(np.concatenate([getattr(one, f.name) for one in those])) for f in fields(Segment)))


def contain(words: Words, segment: Segment) -> npt.NDArray[np.bool_]:
    """Say of each of n texts whether it has any of the windows of a segment, bool[n]."""
    text, _, window = windows(words)
    found = np.zeros(len(words), bool)
    found[text[_among(window, segment.windows)[1]]] = True
    return found


def spell(sample: Sample, segment: Segment, members: npt.NDArray[np.int64]) -> Spelled:
    """Return a segment as a member wrote it, of those looked at the one with most of it."""
    evidence, rows = sample.evidence, segment.rows[np.isin(sample.actor[segment.rows], members)]
    rows = rows[:: max(1, len(rows) // N_READ)]
    best = Spelled([], False)
    longest = 0
    for index, read in ((sample.text[rows], evidence.texts), (sample.system[rows].astype(np.int64), evidence.systems)):
        known = distinct(index[index >= 0])
        if not len(known):
            continue
        words = evidence.words(read(known))
        of, first, window = windows(words)
        hit = _among(window, segment.windows)[1]
        one = int(np.bincount(of[hit], minlength=len(words)).argmax())
        at = np.unique(first[hit & (of == one)][:, None] + np.arange(WINDOW))
        if len(at) > longest:
            runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
            shown = [" ".join(words.text(int(words.starts[run[0]]), int(words.ends[run[-1]])).split()) for run in runs]
            best, longest = Spelled(shown, read is not evidence.texts), len(at)
    return best


def segments(sample: Sample, only: npt.NDArray[np.int64] | None = None) -> list[Segment]:
    """Return the texts that at least ``min_accounts`` actors, and at most half of all, put into several prompts each; those with most words first.

    Windows that the same actors share are one segment. With `only`, segments that one of these actors shares.
    """
    source = _Windows(sample)
    among = None
    if only is not None:
        among = np.unique(source.habits(np.flatnonzero(np.isin(sample.actor, only)))[0])
        if not len(among):
            return []
    window, actor = source.habits(np.arange(len(sample.actor)), among) if among is not None else source.every_habit()
    every, number, holders = np.unique(window, return_inverse=True, return_counts=True)
    rare = (holders >= sample.config.min_accounts) & (2 * holders <= sample.evidence.n_actors)
    if not rare.any():
        return []
    names = np.random.default_rng(sample.seed).integers(0, 2**64, sample.evidence.n_actors, dtype=np.uint64)
    who = np.zeros(len(every), np.uint64)
    np.add.at(who, number, names[actor])  # equal for equal sets
    shared = every[rare]
    _, first, kind, size = np.unique(who[rare], return_index=True, return_inverse=True, return_counts=True)
    of = np.full(len(every), -1)
    of[rare] = kind
    order = np.lexsort((first, -holders[rare][first], -size))[:MOST_SEGMENTS]
    text, contained = source.rows(shared, kind)
    by_kind = np.argsort(of[number], kind="stable")
    bounds = np.searchsorted(of[number][by_kind], np.arange(len(first) + 1))
    ends = np.searchsorted(contained, np.arange(len(first) + 1))
    return [Segment(shared[kind == i], distinct(actor[by_kind[bounds[i] : bounds[i + 1]]]), text[ends[i] : ends[i + 1]])
            for i in order.tolist()]


class _Windows:
    """Windows of sampled holdings; without a memo those of prompts are found anew each time, since all of them together would be too many to keep."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self._known = self._remembered(sample.evidence.names) if sample.memo.is_kept and sample.evidence.names is not None else None
        named = distinct(sample.system[sample.system >= 0]).astype(np.int64)
        text, window = _kept(sample.evidence.words(sample.evidence.systems(named))) if len(named) else (np.zeros(0, np.int64), np.zeros(0, np.uint64))
        self.system_window = window
        self.system_offsets = np.zeros(int(named[-1]) + 2 if len(named) else 1, np.int64)
        self.system_offsets[named + 1] = np.bincount(text, minlength=len(named))
        self.system_offsets = np.cumsum(self.system_offsets)

    def habits(self, rows: npt.NDArray[np.int64],
               among: npt.NDArray[np.uint64] | None = None) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """Return the pairs (window uint64[m], actor int64[m]) where the actor has the window in ``SEVERAL`` of these holdings or more.

        `rows` holds all sampled holdings of its actors, ascending.
        """
        found = [(np.zeros(0, np.uint64), np.zeros(0, np.int64))]
        for part in self._by_actor(rows):
            holding, window = self._of_prompts(part)
            system, times, who = self._systems_of(part)
            length = self.system_offsets[system + 1] - self.system_offsets[system]
            at = np.repeat(self.system_offsets[system] - np.cumsum(length) + length, length) + np.arange(length.sum())
            window = np.concatenate([window, self.system_window[at]])
            actor = np.concatenate([self.sample.actor[holding], np.repeat(who, length)])
            weight = np.concatenate([np.ones(len(holding), np.int64), np.repeat(times, length)])
            if among is not None:
                kept = _among(window, among)[1]
                window, actor, weight = window[kept], actor[kept], weight[kept]
            if not len(window):
                continue
            pair = window ^ (actor.astype(np.uint64) * _ODD[1])
            order = np.argsort(pair)
            start = np.flatnonzero(np.concatenate([[True], pair[order[1:]] != pair[order[:-1]]]))
            often = order[start[np.add.reduceat(weight[order], start) >= SEVERAL]]
            found.append((window[often], actor[often]))
        return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])

    def every_habit(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """Return the habits of all actors; those are remembered whose prompts and system texts are the same as before."""
        sample, every = self.sample, np.arange(len(self.sample.actor))
        names = sample.evidence.names
        if self._known is None or names is None:
            return self.habits(every)
        opens = np.flatnonzero(np.diff(sample.actor, prepend=-1))
        actors, ends = sample.actor[opens], np.append(opens, len(every))
        until = np.append(np.uint64(0), np.cumsum(self.system_window, dtype=np.uint64))[self.system_offsets]  # wraps on purpose, as do the sums below
        of_system = np.append(np.diff(until), np.uint64(0))  # the last is that of none, -1
        what = names[sample.point] + of_system[sample.system] * _ODD[0]

        def find(which: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
            window, actor = self.habits(np.concatenate([every[:0], *(every[ends[i] : ends[i + 1]] for i in which.tolist())]))
            order = np.argsort(actor, kind="stable")
            return np.searchsorted(actors[which], actor[order]), window[order]

        start, window = sample.memo.lists("habits", b"", np.add.reduceat(what, opens) if len(opens) else names[:0], find)
        return window, np.repeat(actors, np.diff(start))

    def rows(self, window: npt.NDArray[np.uint64], kind: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the distinct pairs (holding int64[m], kind int64[m] ascending) where the holding has a window, ascending, of that kind."""
        n = len(self.sample.actor)
        pairs = []
        for part in self._by_actor(np.arange(n)):
            holding, found = self._of_prompts(part)
            number, hit = _among(found, window)
            pairs.append(distinct(kind[number[hit]] * n + holding[hit]))
        number, hit = _among(self.system_window, window)
        owner = np.repeat(np.arange(len(self.system_offsets) - 1), np.diff(self.system_offsets))
        system = distinct(kind[number[hit]] * len(self.system_offsets) + owner[hit])
        with_system = np.argsort(self.sample.system, kind="stable")
        first, behind = (np.searchsorted(self.sample.system[with_system], system % len(self.system_offsets), side) for side in ("left", "right"))
        for of, low, high in zip((system // len(self.system_offsets)).tolist(), first.tolist(), behind.tolist(), strict=True):
            pairs.append(of * n + with_system[low:high])
        pair = distinct(np.concatenate(pairs))
        return pair % n, pair // n

    def _by_actor(self, rows: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
        """Split ascending holdings into parts of bounded size, all of one actor together."""
        border = np.flatnonzero(np.diff(self.sample.actor[rows], prepend=-1))
        cut = border[np.flatnonzero(np.diff(border // HOLDINGS_AT_ONCE, prepend=0))]
        yield from (part for part in np.split(rows, cut) if len(part))

    def _of_prompts(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        """Return the distinct pairs (holding, window) of prompts."""
        if self._known is not None:
            (start, window), place = self._known, self.sample.point[rows]
        else:
            text, place = np.unique(self.sample.text[rows], return_inverse=True)
            owner, window = _kept(self.sample.evidence.words(self.sample.evidence.texts(text)))
            start = np.searchsorted(owner, np.arange(len(text) + 1))
        length = (start[1:] - start[:-1])[place]
        at = np.repeat(start[place] - np.cumsum(length) + length, length) + np.arange(length.sum())
        return np.repeat(rows, length), window[at]

    def _remembered(self, names: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        """Return the windows of all sampled texts: where those of each point begin, and all."""
        evidence = self.sample.evidence
        text = np.empty(len(evidence.vectors), np.int64)
        text[self.sample.point] = self.sample.text
        held = distinct(self.sample.point)

        def find(which: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
            found = [(np.zeros(0, np.int64), np.zeros(0, np.uint64))]
            for low in range(0, len(which), HOLDINGS_AT_ONCE):
                owner, window = _kept(evidence.words(evidence.texts(text[held[which[low : low + HOLDINGS_AT_ONCE]]])))
                found.append((low + owner, window))
            return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])

        start, window = self.sample.memo.lists("windows", b"", names[held], find)
        every = np.zeros(len(text) + 1, np.int64)
        every[held + 1] = np.diff(start)
        return np.cumsum(every), window

    def _systems_of(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return (system text, number of holdings that came with it, actor), each pair of text and actor once."""
        rows = rows[self.sample.system[rows] >= 0]
        pair = self.sample.actor[rows] * len(self.system_offsets) + self.sample.system[rows]
        kinds, times = np.unique(pair, return_counts=True)
        return kinds % len(self.system_offsets), times, kinds // len(self.system_offsets)


def _kept(words: Words) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Return the distinct pairs (text ascending, window) that are kept: of a long text a share of them, by hash."""
    text, _, window = windows(words)
    n = np.bincount(text, minlength=len(words))
    kept = window >> np.uint64(32) <= (2**32 * np.minimum(1.0, MOST_WINDOWS / np.maximum(n, 1)))[text]
    text, window = text[kept], window[kept]
    order = np.lexsort((window, text))
    text, window = text[order], window[order]
    new = np.ones(len(text), bool)
    new[1:] = (text[1:] != text[:-1]) | (window[1:] != window[:-1])
    return text[new], window[new]


def _among(values: npt.NDArray[np.uint64], ascending: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return for each value its place in an ascending array, and whether it is there."""
    if not len(ascending):
        return np.zeros(len(values), np.int64), np.zeros(len(values), bool)
    place = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return place, ascending[place] == values
