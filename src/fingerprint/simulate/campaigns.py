"""Campaigns: one query set, shared out over accounts as a load balancer would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fingerprint.simulate.config import SLOT, CampaignConfig
from fingerprint.simulate.draws import Ints, Keys, apportion, below, derive, indexed, name_key
from fingerprint.simulate.grammar import Grammar, Rules, literal
from fingerprint.simulate.people import People, volume_weights
from fingerprint.simulate.rows import Rows, concat
from fingerprint.simulate.timing import DAY, arrange, burst_times, flat_times, ragged, session_times

COVER_SALT: Final = "cover"


def frame_rule(name: str, templates: tuple[str, ...], inner: str) -> Rules:
    """Return the rule ``k.<name>``: the templates around the rule `inner`, each as likely as the others."""
    productions = []
    for template in templates:
        before, after = template.split(SLOT)
        productions.append((1, f"{_fixed(before)}{{{inner}}}{_fixed(after)}"))
    return {rule_name(name): productions or [(1, f"{{{inner}}}")]}


def _fixed(text: str) -> str:
    return literal(text) if text else ""


def rule_name(name: str) -> str:
    """Return the name of the rule of one planted group: letters and digits only, so that any name will do."""
    return "k.x" + format(int(name_key("rule", name)), "x")


def campaign_rules(config: CampaignConfig) -> Rules:
    """Return the grammar rules that a campaign needs besides the common ones."""
    inner = "person" if config.kind == "relay" else f"c.{config.kind}"
    rules = frame_rule(config.name, config.template, inner)
    if config.noise == "persona":
        name = rule_name(config.name)
        rules[name] = [(weight, "{persona@a} " + text) for weight, text in rules[name]]
    return rules


@dataclass(frozen=True)
class Campaign:
    """Writes the plan of one campaign.

    Attributes
    ----------
    config : CampaignConfig
    number : int
        Of the campaign in its world; marks rows for noise.
    people : People
        Writes the cover traffic.
    seed : int
    """

    config: CampaignConfig
    number: int
    people: People
    seed: int

    def counts(self, keys: Keys) -> Ints:
        """Return how many queries each account sends; they sum to ``config.prompts``."""
        weights = volume_weights(keys, 1.0) if self.config.volume == "skewed" else np.full(len(keys), 64, dtype=np.int64)
        return apportion(weights, self.config.prompts)

    def cover(self, counts: Ints) -> Ints:
        """Return how many organic prompts stand beside the queries of each account."""
        share = self.config.cover
        found: Ints = np.rint(counts * (share / (1.0 - share))).astype(np.int64)
        return found

    def window(self) -> tuple[int, int]:
        """Return first and last instant."""
        low = int(self.config.start_day * DAY)
        return low, min(self.people.calendar.span, low + int(self.config.days * DAY))

    def rows(self, keys: Keys, counts: Ints, first: Ints) -> Rows:
        """Plan the queries and the cover of some accounts.

        Parameters
        ----------
        keys, counts : uint64[a], int64[a]
            Key and number of queries per account.
        first : int64[a]
            Number of each account's first query in the whole set.
        """
        queries = self._queries(keys, counts, first)
        cover = self.cover(counts)
        if not cover.any():
            return queries
        return concat([queries, self.people.rows(derive(keys, COVER_SALT), cover, self.window())])

    def _queries(self, keys: Keys, counts: Ints, first: Ints) -> Rows:
        config = self.config
        account, index = ragged(counts)
        number = first[account] + index
        row = indexed(np.full(len(number), name_key("campaign-row", self.seed, config.name), dtype=np.uint64), number)
        if config.partition == "overlap":
            number = below(derive(row, "overlap"), config.query_set or max(1, config.prompts // 2))
        query = indexed(np.full(len(number), name_key("query", self.seed, config.name), dtype=np.uint64), number)
        return Rows(
            account=account,
            time=self._times(keys, counts, account, index, row),
            root=np.full(len(account), self.people.grammar.root(rule_name(config.name)), dtype=np.int64),
            topic=self._topics(query, keys[account]),
            row=derive(query, "row"),
            body=query,
            conversation=row,
            persona=keys[account] if config.noise == "persona" else derive(query, "customer"),
            human=np.zeros(len(account), dtype=np.bool_),
            habits=np.zeros(len(account), dtype=np.bool_),
            noise=np.full(len(account), self.number if config.noise in ("words", "unicode") else -1, dtype=np.int64),
        )

    def _topics(self, query: Keys, account: Keys) -> Ints:
        interests = self.people.interests
        language = np.array(self.config.languages)[below(derive(query, "language"), len(self.config.languages))]
        by = derive(account, "shard") if self.config.partition == "topic" else derive(query, "topic")
        found: Ints = interests.draw(by, language)
        return found

    def _times(self, keys: Keys, counts: Ints, account: Ints, index: Ints, row: Keys) -> Ints:
        low, high = self.window()
        if self.config.timing == "flat":
            return flat_times(row, index, counts[account], low, high)
        if self.config.timing == "burst":
            return np.minimum(burst_times(row, np.array([name_key("burst", self.seed, self.config.name)], dtype=np.uint64), low, high), high - 1)
        turns = arrange(keys, counts, 0.5)
        ends = np.full(len(keys), low, dtype=np.int64), np.full(len(keys), high, dtype=np.int64)
        zone = np.full(len(keys), 8, dtype=np.int64)  # one pool, one operator, one time zone
        return session_times(turns, keys, ends, zone, self.people.calendar)


def query_texts(grammar: Grammar, kind: str, topics: Ints, keys: Keys) -> list[str]:
    """Render queries of one kind without template or noise."""
    from fingerprint.simulate.grammar import RowKeys

    roots = np.full(len(keys), grammar.root(f"c.{kind}"), dtype=np.int64)
    row_keys = RowKeys(topics, derive(keys, "row"), keys, keys, derive(keys, "customer"), np.zeros(len(keys), dtype=np.bool_))
    found: list[str] = grammar.render(roots, row_keys).to_pylist()
    return found
