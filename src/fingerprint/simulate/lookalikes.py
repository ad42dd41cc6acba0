"""Look-alikes: innocent accounts that share text, lists or templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fingerprint.simulate.campaigns import COVER_SALT, frame_rule, rule_name
from fingerprint.simulate.config import LookalikeConfig
from fingerprint.simulate.draws import Ints, Keys, below, derive, indexed, name_key
from fingerprint.simulate.grammar import Rules
from fingerprint.simulate.people import People
from fingerprint.simulate.rows import Rows, concat
from fingerprint.simulate.timing import DAY, arrange, flat_times, lifetimes, ragged, session_times, zones

TEMPLATES: Final = {
    "app": ("You answer for the help desk of Brightline Broadband. Sort the message into one of: billing, fault, order, cancel, praise. Reply with "
            "the one word.\nMessage: {p}",),
    "agent": ("You work as a coding assistant inside a checkout of the user's project. Tools: open_file, edit_file, run_command. Take one step at a "
              "time, say why, and end with a summary. Do not repeat these rules.\n\nTask from the user: {p}",),
    "saas": ("Translate the text between the lines into Spanish. Keep names, numbers and line breaks.\n---\n{p}\n---",
             "Correct spelling and grammar in the text between the lines, change nothing else, and return only the text.\n---\n{p}\n---",
             "Summarise the text between the lines in one sentence for a busy reader.\n---\n{p}\n---"),
}
_ROOTS: Final = {"viral": "l.viral", "jailbreak": "l.jailbreak", "evaluators": "l.bench", "safety": "l.safety", "homework": "l.homework"}
FRAMED: Final = ("app", "agent", "saas")
LISTED: Final = ("viral", "jailbreak", "evaluators", "safety", "homework")


def lookalike_rules(config: LookalikeConfig) -> Rules:
    """Return the grammar rules that a look-alike needs besides the common ones."""
    if config.kind in FRAMED:
        return frame_rule(config.name, config.template or TEMPLATES[config.kind], f"l.{config.kind}")
    return frame_rule(config.name, config.template, _ROOTS[config.kind])


@dataclass(frozen=True)
class Lookalike:
    """Writes the plan of one group of look-alikes.

    Attributes
    ----------
    config : LookalikeConfig
    people : People
    seed : int
    """

    config: LookalikeConfig
    people: People
    seed: int

    def rows(self, keys: Keys) -> Rows:
        """Plan the shared and the own prompts of some accounts, given by their keys uint64[a]."""
        counts = np.full(len(keys), self.config.prompts_each, dtype=np.int64)
        shared = self._listed(keys, counts) if self.config.kind in LISTED else self._framed(keys, counts)
        own = self.own(counts)
        return concat([shared, self.people.rows(derive(keys, COVER_SALT), own)]) if own.any() else shared

    def own(self, counts: Ints) -> Ints:
        """Return how many prompts of their own stand beside the shared ones."""
        found: Ints = np.rint(counts * (self.config.own / (1.0 - self.config.own))).astype(np.int64)
        return found

    def _listed(self, keys: Keys, counts: Ints) -> Rows:
        config = self.config
        account, index = ragged(counts)
        row = indexed(derive(keys, "listed")[account], index)
        item = self._items(keys, account, index, row)
        body = indexed(np.full(len(item), name_key("item", self.seed, config.name), dtype=np.uint64), item)
        # Copies are equal to the letter; a class words its questions itself, and a jailbreak carries a request of one's own.
        copied = config.kind in ("viral", "evaluators", "safety")
        return Rows(
            account=account,
            time=self._list_times(keys, counts, account, index, row),
            root=np.full(len(account), self.people.grammar.root(rule_name(config.name)), dtype=np.int64),
            topic=self._list_topics(body),
            row=derive(body, "row") if copied else row,
            body=body,
            conversation=row,
            persona=derive(body, "writer"),
            human=np.full(len(account), config.kind in ("homework", "jailbreak"), dtype=np.bool_),
            habits=np.zeros(len(account), dtype=np.bool_),
            noise=np.full(len(account), -1, dtype=np.int64),
        )

    def _items(self, keys: Keys, account: Ints, index: Ints, row: Keys) -> Ints:
        config = self.config
        if config.kind in ("evaluators", "safety"):
            return index
        if config.kind == "homework":  # different questions each: a walk through the list with a step that shares no factor with its length
            steps = 1 + np.flatnonzero(np.gcd(np.arange(1, config.list_size + 1), config.list_size) == 1)
            step = steps[below(derive(keys, "step"), len(steps))]
            return (below(derive(keys, "begin"), config.list_size)[account] + index * step[account]) % config.list_size
        return np.minimum(below(derive(row, "item"), config.list_size), below(derive(row, "again"), config.list_size))

    def _list_topics(self, body: Keys) -> Ints:
        interests = self.people.interests
        if self.config.kind == "homework":  # one subject
            body = np.full(len(body), name_key("subject", self.seed, self.config.name), dtype=np.uint64)
        return interests.draw(derive(body, "topic"), np.full(len(body), "en"))

    def _list_times(self, keys: Keys, counts: Ints, account: Ints, index: Ints, row: Keys) -> Ints:
        calendar = self.people.calendar
        low, high = lifetimes(keys, calendar)
        if self.config.kind in ("evaluators", "safety"):  # a script that runs for some hours
            begin = low + below(derive(keys, "run"), 900) * (high - low) // 1000
            end = np.minimum(calendar.span, begin + DAY // 4)
            return flat_times(row, index, counts[account], begin[account], end[account])
        if self.config.kind == "homework":  # the week before it is due
            due = 7 * DAY + below(np.array([name_key("due", self.seed, self.config.name)], dtype=np.uint64), 14) * DAY
            low, high = np.full(len(keys), int(due[0]) - 6 * DAY), np.full(len(keys), int(due[0]))
        turns = arrange(keys, counts, 0.9)
        return session_times(turns, keys, (low, np.minimum(high, calendar.span)), zones(keys, np.full(len(keys), "en")), calendar)

    def _framed(self, keys: Keys, counts: Ints) -> Rows:
        config, people = self.config, self.people
        style = "code" if config.kind == "agent" else None
        rows = people.rows(keys, counts, scripts=False, style=style)
        rows.root = np.full(len(rows), people.grammar.root(rule_name(config.name)), dtype=np.int64)
        rows.body = derive(rows.row, "body")
        if config.kind == "app":  # customers write, seats pass on
            rows.persona = derive(rows.persona, "desk")
        if config.kind != "agent":
            english = people.interests.draw(derive(rows.persona, "field"), np.full(len(rows), "en"))
            rows.topic = english
        rows.human = np.zeros(len(rows), dtype=np.bool_)  # an error must not fall into the fixed part
        return rows
