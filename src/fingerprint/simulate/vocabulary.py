"""Topics as tables: which domain and style each has, and the grammar rules its word lists become."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from fingerprint.errors import ConfigError
from fingerprint.simulate import (
    frames_campaigns,
    frames_far,
    frames_latin,
    frames_people,
    frames_shared,
    frames_words,
    topics_far,
    topics_latin,
    topics_life,
    topics_study,
    topics_tech,
    topics_work,
)
from fingerprint.simulate.grammar import ARTICLE, Grammar, Rules, literal, parse_rules

LANGUAGES = ("en", "es", "de", "fr", "zh", "ru")
_ARTICLE = re.compile(r"(?<![\w'])[aA](?= \{[^|])|(?<=[{|])[aA](?=[|}])")  # an English article whose noun is not known yet
_SLOTS = {"n": "tn", "p": "tp", "v": "tv", "s": "ts"}
# Context symbols that follow the style of the topic: the rule is "<symbol>.<style>".
STYLED = ("ask", "follow", "passage", "again", "instr", "hello", "wish", "persona")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its name, domain, style of the frames (``code``, ``life``, ..., or a language) and language."""

    name: str
    domain: str
    style: str
    language: str
    words: dict[str, tuple[str, ...]]


def _parse(text: str) -> list[Topic]:
    topics: list[Topic] = []
    domain = style = ""
    for line in text.splitlines():
        head, _, rest = line.partition(" ")
        if head == "==":
            domain, style = rest.split()
        elif head == "#":
            topics.append(Topic(rest, domain, style, style if style in LANGUAGES else "en", {}))
        elif head in _SLOTS:
            topics[-1].words[head] = tuple(rest.split("; "))
        elif line.strip():
            raise ConfigError(f"vocabulary line {line[:20]!r} has no known mark")
    return topics


@cache
def topics() -> tuple[Topic, ...]:
    """Return all topics, English ones first; the order is part of what makes a world reproducible."""
    modules = (topics_tech, topics_study, topics_work, topics_life, topics_latin, topics_far)
    return tuple(topic for module in modules for topic in _parse(module.TEXT))


def topic_rules(frames: Collection[str]) -> tuple[Rules, dict[str, list[str]]]:
    """Return the rules of all word lists and, per context symbol, the rule it stands for in each topic.

    Early words of a list are likelier than late ones (weights 3, 2, 1), as in real vocabularies. ``frames`` are the names of all frame rules:
    a styled symbol stands for ``symbol.style`` where that exists, else for ``symbol.language``.
    """
    rules: Rules = {}
    contexts: dict[str, list[str]] = {symbol: [] for symbol in (*_SLOTS.values(), "tt", *STYLED)}
    for number, topic in enumerate(topics()):
        for mark, symbol in _SLOTS.items():
            words = topic.words[mark]
            rule = f"{symbol}.{number}"
            rules[rule] = [(1 + (3 * (len(words) - 1 - i)) // len(words), literal(word)) for i, word in enumerate(words)]
            contexts[symbol].append(rule)
        rules[f"tt.{number}"] = [(1, literal(topic.name))]
        contexts["tt"].append(f"tt.{number}")
        for symbol in STYLED:
            styled = f"{symbol}.{topic.style}"
            contexts[symbol].append(styled if styled in frames else f"{symbol}.{topic.language}")
    return rules, contexts


@cache
def frame_rules() -> Rules:
    """Return the rules of all frames, one object for all callers; :class:`ConfigError` if two modules define one name."""
    rules: Rules = {}
    for module in (frames_words, frames_people, frames_campaigns, frames_shared, frames_latin, frames_far):
        part = parse_rules(module.TEXT)
        if module not in (frames_latin, frames_far):
            part = {name: [(weight, _ARTICLE.sub(rf"\g<0>{ARTICLE}", text)) for weight, text in rule] for name, rule in part.items()}
        twice = rules.keys() & part.keys()
        if twice:
            raise ConfigError(f"grammar rules are given twice: {sorted(twice)}")
        rules |= part
    return rules


def build_grammar(extra: Rules | None = None) -> Grammar:
    """Compile all frames and word lists, with the templates of one world in ``extra``."""
    frames = frame_rules() | (extra or {})
    words, contexts = topic_rules(frames)
    return Grammar(frames | words, contexts)
