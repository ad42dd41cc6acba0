"""Organic people: what each account is interested in, how much it writes, and its conversations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from fingerprint.simulate.draws import Ints, Keys, below, chance, derive, indexed, lognormal_table, mix, name_key, weighted_table
from fingerprint.simulate.grammar import Grammar
from fingerprint.simulate.rows import Rows
from fingerprint.simulate.timing import Calendar, arrange, lifetimes, session_times, zones
from fingerprint.simulate.vocabulary import LANGUAGES, topics

_LANGUAGE_WEIGHTS: Final = (72, 7, 5, 4, 7, 5)  # in the order of LANGUAGES
_MAX_TOPICS: Final = 4
PIPELINE_SHARE: Final = 0.04  # accounts that are a small company's own script: one personal template, no conversations
MAX_VOLUME: Final = 60.0  # cap of the heavy tail, in medians


@dataclass(frozen=True)
class Interests:
    """Topics by language and domain, as tables to draw from."""

    languages: tuple[str, ...] = LANGUAGES

    @cached_property
    def by_language(self) -> dict[str, Ints]:
        """Topics of each language."""
        return {lang: np.array([i for i, t in enumerate(topics()) if t.language == lang], dtype=np.int64) for lang in LANGUAGES}

    @cached_property
    def _domain_of(self) -> Ints:
        names = sorted({t.domain for t in topics()})
        return np.array([names.index(t.domain) for t in topics()], dtype=np.int64)

    @cached_property
    def _in_domain(self) -> tuple[Ints, Ints, Ints]:
        """Topics sorted by domain, with start and count per topic's own domain."""
        order = np.argsort(self._domain_of, kind="stable")
        count = np.bincount(self._domain_of)
        start = np.cumsum(count) - count
        return order, start[self._domain_of], count[self._domain_of]

    @cached_property
    def _popularity(self) -> dict[str, Ints]:
        """Per language, a table of topics in which some are up to six times as common as others."""
        weight = np.array([1 + int(name_key("popularity", t.name)) % 6 for t in topics()], dtype=np.int64)
        return {lang: of[weighted_table(weight[of])] for lang, of in self.by_language.items()}

    def speak(self, persona: Keys, allowed: tuple[str, ...] | None = None) -> npt.NDArray[np.str_]:
        """Draw each persona's language, by share of the population, among ``allowed`` if given."""
        use = [i for i, lang in enumerate(LANGUAGES) if allowed is None or lang in allowed]
        table = np.array(use)[weighted_table([_LANGUAGE_WEIGHTS[i] for i in use])]
        spoken: npt.NDArray[np.str_] = np.array(LANGUAGES)[table[below(derive(persona, "language"), len(table))]]
        return spoken

    def draw(self, key: Keys, language: npt.NDArray[np.str_]) -> Ints:
        """Draw one topic per key, by popularity, in the given language."""
        out = np.zeros(len(key), dtype=np.int64)
        for lang in sorted(set(language.tolist())):
            at = np.flatnonzero(language == lang)
            table = self._popularity[lang]
            out[at] = table[below(key[at], len(table))]
        return out

    def own_topics(self, persona: Keys, language: npt.NDArray[np.str_]) -> tuple[Ints, Ints]:
        """Return each persona's topics int64[n, 4] and how many of them count (1 to 4)."""
        order, start, count = self._in_domain
        first = self.draw(derive(persona, "topic", 0), language)
        columns = [first]
        for i in range(1, _MAX_TOPICS):
            key = derive(persona, "topic", i)
            near = order[start[first] + below(derive(key, "near"), count[first])]
            columns.append(np.where(chance(key, 0.5), near, self.draw(derive(key, "far"), language)))
        number = 1 + below(derive(persona, "number"), 100)
        return np.stack(columns, axis=1), np.searchsorted(np.array([35, 70, 90]), number, side="left") + 1

    def choose(self, persona: Keys, conversation: Keys, language: npt.NDArray[np.str_], own: Ints, number: Ints) -> Ints:
        """Pick the topic of each conversation: mostly the persona's first, at times something else altogether."""
        key = derive(conversation, "topic")
        which = np.minimum(below(key, number), below(derive(key, "again"), number))
        topic = own[np.arange(len(own)), which]
        stray = chance(derive(key, "stray"), 0.06)
        abroad = (language != "en") & chance(derive(key, "english"), 0.2)
        other = np.where(abroad, np.array("en", dtype=language.dtype), language)
        # Non-English people ask in English about one thing of theirs, not about everything.
        key = np.where(abroad & ~stray, derive(persona, "english"), derive(key, "other"))
        return np.where(stray | abroad, self.draw(key, other), topic)


def volume_weights(keys: Keys, sigma: float) -> Ints:
    """Draw heavy-tailed volumes (lognormal, capped at 60 medians), in 1/64 of the median."""
    table = lognormal_table(1.0, sigma, cap=MAX_VOLUME)
    return np.maximum(1, table[below(derive(keys, "volume"), len(table))])


@dataclass(frozen=True)
class People:
    """Writes the plan of accounts that belong to people, each its own persona."""

    grammar: Grammar
    interests: Interests
    calendar: Calendar

    def rows(
        self, personas: Keys, counts: Ints, window: tuple[int, int] | None = None, *, scripts: bool = True, style: str | None = None
    ) -> Rows:
        """Plan ``counts[i]`` prompts of each persona.

        Parameters
        ----------
        personas, counts : uint64[a], int64[a]
            One persona per account.
        window : (int, int), optional
            First and last instant for all accounts; without it each has a life of its own.
        scripts : bool
            Whether some accounts are scripts (:data:`PIPELINE_SHARE`).
        style : str, optional
            Restricts topics to one style of frames (``code`` for the users of a coding framework).
        """
        language = self.interests.speak(personas, None if style is None else ("en",))
        script = chance(derive(personas, "script"), PIPELINE_SHARE) & (language == "en") & scripts
        turns = arrange(personas, counts, np.where(script, 1.0, 0.35 + below(derive(personas, "chatty"), 500) / 1000))
        low, high = lifetimes(personas, self.calendar) if window is None else (np.full(len(counts), w, dtype=np.int64) for w in window)
        times = session_times(turns, personas, (low, high), zones(personas, language), self.calendar)
        of = turns.account
        own, number = self.interests.own_topics(personas, language)
        topic = self.interests.choose(personas[of], turns.conversation, language[of], own[of], number[of])
        if style is not None:
            styled = np.array([i for i, t in enumerate(topics()) if t.style == style], dtype=np.int64)
            # Two topics per user: a repository has one subject and its plumbing.
            pick = indexed(derive(personas, "styled")[of], below(derive(turns.conversation, "styled"), 2))
            topic = styled[below(pick, len(styled))]
        retry = (turns.position == 1) & chance(derive(turns.row, "retry"), 0.15)
        asks = (turns.position == 0) | retry
        root = np.where(asks, self.grammar.root("person"), self.grammar.root("follow"))
        root[retry] = self.grammar.root("retry")
        root[script[of]] = self.grammar.root("l.pipeline")
        return Rows(
            account=of,
            time=times,
            root=root.astype(np.int64),
            topic=topic,
            row=turns.row,
            body=np.where(asks, derive(turns.conversation, "body"), derive(turns.row, "body")),
            conversation=turns.conversation,
            persona=personas[of],
            human=~script[of],
            habits=np.ones(len(of), dtype=np.bool_),
            noise=np.full(len(of), -1, dtype=np.int64),
        )


def personas(seed: int, group: str, numbers: Ints) -> Keys:
    """Return the key of each account of a group; it depends on the seed, the group's name and the account's number only."""
    base = name_key("account", seed, group)
    return mix(indexed(np.full(len(numbers), base, dtype=np.uint64), numbers))
