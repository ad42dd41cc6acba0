"""A context-dependent grammar whose derivations are sampled for tens of thousands of rows at once.

Design
------
A rule is a list of weighted productions; a production is a sequence of literal phrases and references. Rows are expanded
together, one level of the derivation per round: every reference in every row picks a production with its own key, and its
children get keys derived from it. What is left is a sequence of phrase numbers, and ``pyarrow``'s ``take`` on the phrase
table lays their bytes down in order, which *is* the column. No Python object exists per row.

Keys make the derivation a pure function of (body, row, conversation, persona, habits), so equal keys give equal text anywhere:

=========  ==================================================================================================
``{x}``    fresh: key from the parent's key and the position in its production
``{x@p}``  bound to the body of the prompt: all ``{x@p}`` of a body are equal (digits make more of them: ``{x@p2}``)
``{x@c}``  bound to the conversation, ``{x@a}`` to the persona (what a person always writes the same way)
``{x@r}``  fresh in each row even where the parent is bound (rewordings, retries)
=========  ==================================================================================================

People come back to the same things and say them the same way: where ``habits`` is set, a persona has :data:`FAVOURITES` of the productions
of every rule, and takes one of these :data:`HABIT` of the time.

Rule text, one production a line (four spaces of indent continue the line above): ``*3 text`` weighs 3; ``{a|b}`` picks in place
(``{r:a|b}`` in scope ``r``); ``\\n`` newline, ``\\s`` space at the end, ``\\e`` nothing, ``\\{`` literal; ``^`` puts the next letter in
upper case. A name that is no rule must be a context symbol, which stands for another rule in each topic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fingerprint.errors import ConfigError
from fingerprint.simulate.draws import GOLDEN, Ints, Keys, below, chance, mix, name_key

Rules = dict[str, list[tuple[int, str]]]
MAX_DEPTH = 24  # a derivation deeper than this is a loop in the rules
CAPITAL = "\x01"  # stands for "^" until the bytes are laid down
ARTICLE = "\x02"  # after an English "a": becomes "n" before a vowel
FAVOURITES, HABIT = 5, 0.5
_WEIGHT = re.compile(r"\*(\d+) (.*)", re.DOTALL)
_REFERENCE = re.compile(r"([a-z][a-z0-9_.]*)(?:@([pcar])(\d*))?")
_PLAIN = re.compile(r"[^\\{^]+")
_ESCAPES = {"n": "\n", "s": " ", "e": "", "t": "\t"}
_VOWELS = np.zeros(256, dtype=np.bool_)
_VOWELS[list(b"aeioAEIO")] = True
_HABIT_SALT = name_key("habit")
_SCOPES = {"": 0, "r": 1, "p": 2, "c": 3, "a": 4}


def parse_rules(text: str) -> Rules:
    """Read rules from text: a name in the first column, its productions indented by two spaces.

    Raises
    ------
    ConfigError
        A production stands before any name, or a name comes twice.
    """
    rules: Rules = {}
    current: list[tuple[int, str]] | None = None
    for line in text.splitlines():
        if not line.strip():
            continue
        if not line.startswith("  "):
            if line in rules:
                raise ConfigError(f"grammar rule {line!r} is given twice")
            current = rules[line] = []
        elif current is None:
            raise ConfigError("a grammar production stands before any rule name")
        elif line.startswith("    ") and current:
            current[-1] = (current[-1][0], current[-1][1] + line[4:])
        else:
            weighted = _WEIGHT.fullmatch(line[2:])
            current.append((int(weighted[1]), weighted[2]) if weighted else (1, line[2:]))
    return rules


def literal(text: str) -> str:
    """Escape text so that a production holds it verbatim."""
    return re.sub(r"[\\{}|^]", r"\\\g<0>", text).replace("\n", "\\n") or "\\e"


@dataclass(frozen=True, slots=True)
class RowKeys:
    """What the text of n rows depends on: topic int64[n], four keys uint64[n], and whether the persona's habits apply, bool[n]."""

    topic: Ints
    row: Keys
    body: Keys
    conversation: Keys
    persona: Keys
    habits: npt.NDArray[np.bool_]

    def __getitem__(self, rows: slice) -> RowKeys:
        return RowKeys(self.topic[rows], self.row[rows], self.body[rows], self.conversation[rows], self.persona[rows], self.habits[rows])


@dataclass(slots=True)
class _Builder:
    """Symbols while the rules are read: phrase numbers >= 0, references as ``-1 - number``."""

    rules: Mapping[str, Sequence[tuple[int, str]]]
    contexts: Mapping[str, Sequence[str]]
    phrases: dict[str, int] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)
    references: dict[tuple[int, int, int], int] = field(default_factory=dict)
    productions: list[list[int]] = field(default_factory=list)
    choices: dict[int, list[int]] = field(default_factory=dict)

    def target(self, name: str) -> int:
        if name not in self.targets:
            if name not in self.rules and name not in self.contexts:
                raise ConfigError(f"grammar has no rule {name!r}")
            self.targets[name] = len(self.targets)
        return self.targets[name]

    def reference(self, name: str, scope: str, number: str) -> int:
        tag = int(name_key("tag", name, number))
        entry = (self.target(name), _SCOPES[scope], tag)
        return -1 - self.references.setdefault(entry, len(self.references))

    def phrase(self, text: str) -> int:
        return self.phrases.setdefault(text, len(self.phrases))

    def add(self, name: str, productions: Iterable[tuple[int, str]]) -> None:
        slots: list[int] = []
        for weight, text in productions:
            self.productions.append(self.parse(text))
            slots += [len(self.productions) - 1] * weight
        if not slots:
            raise ConfigError(f"grammar rule {name!r} has no production")
        self.choices[self.target(name)] = slots

    def parse(self, text: str) -> list[int]:
        symbols: list[int] = []
        buffer: list[str] = []
        i = 0
        while i < len(text):
            c = text[i]
            if c == "\\":
                buffer.append(_ESCAPES.get(text[i + 1], text[i + 1]))
                i += 2
                continue
            if c == "{":
                if buffer:
                    symbols.append(self.phrase("".join(buffer)))
                    buffer.clear()
                end = _closing(text, i)
                symbols.append(self.inner(text[i + 1 : end]))
                i = end
            elif c == "^":
                buffer.append(CAPITAL)
            else:
                run = _PLAIN.match(text, i)
                buffer.append(run[0] if run else c)
                i += len(buffer[-1]) - 1
            i += 1
        if buffer and "".join(buffer):
            symbols.append(self.phrase("".join(buffer)))
        return symbols

    def inner(self, text: str) -> int:
        plain = _REFERENCE.fullmatch(text)
        if plain:
            return self.reference(plain[1], plain[2] or "", plain[3] or "")
        scoped = re.match(r"([pcar]\d*):", text)
        options = _split(text[scoped.end() :] if scoped else text)
        name = "|" + text  # no rule name starts like this, and equal alternations share a rule
        if name not in self.targets:
            self.targets[name] = len(self.targets)
            self.add(name, [(1, option) for option in options])
        return self.reference(name, scoped[1][0] if scoped else "", scoped[1][1:] if scoped else "")


def _closing(text: str, start: int) -> int:
    depth, i = 0, start
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif text[i] == "{":
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if depth == 0:
                return i
        i += 1
    raise ConfigError(f"unbalanced braces in a grammar production near column {start}")


def _split(text: str) -> list[str]:
    parts, depth, start, i = [], 0, 0, 0
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif text[i] in "{}":
            depth += 1 if text[i] == "{" else -1
        elif text[i] == "|" and depth == 0:
            parts.append(text[start:i])
            start = i + 1
        i += 1
    return [*parts, text[start:]]


class Grammar:
    """Rules compiled to integer tables; immutable once made, so it may be shared.

    Parameters
    ----------
    rules : mapping
        Rule name to weighted productions, as :func:`parse_rules` gives them.
    contexts : mapping
        Context symbol to the rule it stands for in each topic (all lists have one length, the number of topics).

    Raises
    ------
    ConfigError
        A reference without a rule, unbalanced braces, an empty rule.
    """

    def __init__(self, rules: Mapping[str, Sequence[tuple[int, str]]], contexts: Mapping[str, Sequence[str]]) -> None:
        b = _Builder(rules, contexts)
        for name, productions in rules.items():
            b.add(name, productions)
        num_topics = max((len(x) for x in contexts.values()), default=1)
        self.num_topics = num_topics
        for name in contexts:
            b.target(name)
        self._targets = b.targets
        n = len(b.targets)
        slots: list[int] = []
        self._choice_count, self._choice_start = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        for target, chosen in b.choices.items():
            self._choice_start[target], self._choice_count[target] = len(slots), len(chosen)
            slots += chosen
        self._choices = np.array(slots, dtype=np.int64)
        lengths = np.array([len(p) for p in b.productions], dtype=np.int64)
        self._production_length = lengths
        self._production_start = np.cumsum(lengths) - lengths
        self._symbols = np.array([s for p in b.productions for s in p], dtype=np.int32)
        self._rule_in_topic = np.tile(np.arange(n, dtype=np.int32)[:, None], (1, num_topics))
        for name, named in contexts.items():
            self._rule_in_topic[b.targets[name]] = [b.target(x) for x in named]
        references = np.array(list(b.references) or [(0, 0, 0)], dtype=np.uint64)
        self._reference_target = references[:, 0].astype(np.int64)
        self._reference_scope = references[:, 1].astype(np.int8)
        self._reference_tag = references[:, 2].copy()
        self._phrases = pa.array(list(b.phrases) or [""], pa.large_string())

    def root(self, name: str) -> int:
        """Return the number of a rule or context symbol, for :meth:`render`; :class:`ConfigError` if there is none."""
        if name not in self._targets:
            raise ConfigError(f"grammar has no rule {name!r}")
        return self._targets[name]

    def render(self, roots: Ints, keys: RowKeys) -> pa.LargeStringArray:
        """Write one text per row, starting from rule ``roots[i]`` (int64[n], numbers from :meth:`root`).

        Pure: equal keys give equal text whatever the other rows are. Empty input gives an empty array.
        """
        n = len(roots)
        if n == 0:
            return pa.array([], pa.large_string())
        symbols, rows = self._expand(roots, keys)
        taken = self._phrases.take(pa.array(symbols))
        piece_offsets = np.frombuffer(taken.buffers()[1], dtype=np.int64, count=len(symbols) + 1)
        ends = np.searchsorted(rows, np.arange(n), side="right")
        offsets = np.concatenate([[0], piece_offsets[ends]]).astype(np.int64)
        data = taken.buffers()[2]
        tape = np.frombuffer(data, dtype=np.uint8, count=int(offsets[-1])) if data is not None else np.zeros(0, dtype=np.uint8)
        tape, offsets = _resolve_marks(tape, offsets)
        return pa.LargeStringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(tape))

    def _expand(self, roots: Ints, keys: RowKeys) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        rows = np.arange(len(roots), dtype=np.int32)
        chosen = self._choose(roots, rows, keys.body, keys)
        symbols, key, lengths, _ = self._children(chosen, keys.body)
        rows = np.repeat(rows, lengths)
        for _ in range(MAX_DEPTH):
            is_open = symbols < 0
            at = np.flatnonzero(is_open)
            if not len(at):
                return symbols, rows
            reference, open_rows = -1 - symbols[at], rows[at]
            bound = self._bind(reference, key[at], open_rows, keys)
            chosen = self._choose(self._reference_target[reference], open_rows, bound, keys)
            children, child_key, lengths, offset = self._children(chosen, bound)
            counts = np.ones(len(symbols), dtype=np.int64)
            counts[at] = lengths
            starts = np.cumsum(counts) - counts
            kept = np.flatnonzero(~is_open)
            grown = np.empty(int(counts.sum()), dtype=np.int32)
            grown_key = np.empty(len(grown), dtype=np.uint64)
            grown[starts[kept]] = symbols[kept]
            to = np.repeat(starts[at], lengths) + offset
            grown[to], grown_key[to] = children, child_key
            symbols, key, rows = grown, grown_key, np.repeat(rows, counts)
        raise ConfigError("the grammar does not end: a rule leads back to itself")

    def _bind(self, reference: npt.NDArray[np.int32], key: Keys, rows: npt.NDArray[np.int32], keys: RowKeys) -> Keys:
        """Replace the keys of scoped references by those of their scope."""
        scope = self._reference_scope[reference]
        for number, scope_keys in ((1, keys.row), (2, keys.body), (3, keys.conversation), (4, keys.persona)):
            at = np.flatnonzero(scope == number)
            if len(at):
                own = key[at] if number == 1 else self._reference_tag[reference[at]]
                key[at] = mix(scope_keys[rows[at]] + own)
        return key

    def _choose(self, targets: Ints, rows: npt.NDArray[np.int32], key: Keys, keys: RowKeys) -> Ints:
        """Pick a production for each reference."""
        rule = self._rule_in_topic[targets, keys.topic[rows]]
        count = self._choice_count[rule]
        at = np.flatnonzero(keys.habits[rows] & (count > FAVOURITES))
        at = at[chance(mix(key[at] + _HABIT_SALT), HABIT)]
        pick = key.copy()
        pick[at] = mix(keys.persona[rows[at]] + GOLDEN * (FAVOURITES * rule[at] + below(key[at], FAVOURITES)).astype(np.uint64))
        chosen: Ints = self._choices[self._choice_start[rule] + below(pick, count)]
        return chosen

    def _children(self, chosen: Ints, key: Keys) -> tuple[npt.NDArray[np.int32], Keys, Ints, Ints]:
        """Write out productions: symbols, keys (of references only), lengths and positions."""
        lengths = self._production_length[chosen]
        offset = np.arange(int(lengths.sum()), dtype=np.int64) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        symbols = self._symbols[np.repeat(self._production_start[chosen], lengths) + offset]
        child_key = np.repeat(key, lengths)
        at = np.flatnonzero(symbols < 0)
        child_key[at] = mix(child_key[at] + GOLDEN * (offset[at].astype(np.uint64) + np.uint64(1)))
        return symbols, child_key, lengths, offset


def _resolve_marks(tape: npt.NDArray[np.uint8], offsets: Ints) -> tuple[npt.NDArray[np.uint8], Ints]:
    """Act on the marks for capitals and articles, then take them out."""
    marks = np.flatnonzero((tape == ord(CAPITAL)) | (tape == ord(ARTICLE)))
    if not len(marks):
        return tape, offsets
    out = np.concatenate([tape, np.zeros(4, dtype=np.uint8)])
    article = marks[tape[marks] == ord(ARTICLE)]
    _capitalise(out, marks[tape[marks] == ord(CAPITAL)])
    vowel = _VOWELS[out[article + 2]] & (out[article + 1] == ord(" "))
    out[article[vowel]] = ord("n")
    dropped = np.flatnonzero((out == ord(CAPITAL)) | (out == ord(ARTICLE)))
    out = np.delete(out, dropped)
    return out[:-4], offsets - np.searchsorted(dropped, offsets, side="left")


def _capitalise(out: npt.NDArray[np.uint8], marks: npt.NDArray[np.intp]) -> None:
    """Put the letter after each mark in upper case, in place (ASCII, Cyrillic, Latin-1 supplement)."""
    letter = marks + 1
    for _ in range(2):  # two marks in a row: a phrase and its frame both ask for it
        letter = np.where(out[letter] == ord(CAPITAL), letter + 1, letter)
    a, b = out[letter], out[letter + 1]
    out[letter[(a >= ord("a")) & (a <= ord("z"))]] -= 32
    out[letter[(a == 0xD0) & (b >= 0xB0) & (b <= 0xBF)] + 1] -= 32  # а..п
    high = np.unique(letter[(a == 0xD1) & (b >= 0x80) & (b <= 0x8F)])  # р..я are D1 80..8F, their capitals D0 A0..AF
    out[high], out[high + 1] = 0xD0, out[high + 1] + 32
    out[letter[(a == 0xC3) & (b >= 0xA0) & (b <= 0xBE) & (b != 0xB7)] + 1] -= 32
