"""Noise on texts: typing errors of people, and what evaders do to their queries."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from fingerprint.simulate.draws import Keys, below, chance, derive, indexed

TYPO_SHARE: Final = 0.04  # of prompts that people type
_LOOKALIKE: Final = str.maketrans("aceopxyiABEKMHOPCTX", "асеорхуіАВЕКМНОРСТХ")
_INVISIBLE: Final = ("\u200b", "\u200c", "\u2060", "\ufe0f")
_FILLERS: Final = (
    "really", "quite", "simply", "maybe", "perhaps", "kindly", "briefly", "exactly", "today", "certain", "given", "several", "proper", "useful", "basic",
    "common", "local", "modern", "general", "special", "detail", "example", "matter", "item", "point", "case", "thing", "part", "way", "idea", "kind",
    "form", "note", "sort", "side", "area", "level", "group", "list", "step", "field", "unit", "topic", "task", "goal", "show", "find", "make", "take",
    "keep", "give", "help", "use", "need", "want", "check", "look", "think", "know", "tell", "call", "put", "set", "turn", "move", "start",
)


def typos(texts: list[str], keys: Keys) -> list[str]:
    """Make typing errors in some of the texts: two letters swapped, one doubled or one left out."""
    out = list(texts)
    for i in np.flatnonzero(chance(derive(keys, "typo"), TYPO_SHARE)):
        text = out[i]
        if len(text) < 4:
            continue
        at = 1 + int(below(derive(keys[i : i + 1], "where"), len(text) - 3)[0])
        kind = int(below(derive(keys[i : i + 1], "kind"), 3)[0])
        if not (text[at].isalpha() and text[at + 1].isalpha()):
            continue
        out[i] = text[:at] + (text[at + 1] + text[at], text[at] * 2 + text[at + 1], text[at + 1])[kind] + text[at + 2 :]
    return out


def replace_words(texts: list[str], keys: Keys, rate: float) -> list[str]:
    """Put other words for a share `rate` of the words of each text."""
    out = []
    for text, key in zip(texts, keys, strict=True):
        words = text.split(" ")
        draw = _each(key, len(words), "word")
        hit = chance(draw, rate)
        new = below(derive(draw, "which"), len(_FILLERS))
        out.append(" ".join(_FILLERS[n] if h and w.isalpha() else w for w, h, n in zip(words, hit.tolist(), new.tolist(), strict=True)))
    return out


def unicode_noise(texts: list[str], keys: Keys, rate: float) -> list[str]:
    """Put letters that look alike, and invisible characters, at a share `rate` of the places of each text."""
    out = []
    for text, key in zip(texts, keys, strict=True):
        draw = _each(key, len(text), "letter")
        hit = chance(draw, rate)
        swap = chance(derive(draw, "swap"), 0.6)
        mark = below(derive(draw, "mark"), len(_INVISIBLE))
        parts = []
        for char, h, s, m in zip(text, hit.tolist(), swap.tolist(), mark.tolist(), strict=True):
            parts.append(char.translate(_LOOKALIKE) if h and s else char + _INVISIBLE[m] if h else char)
        out.append("".join(parts))
    return out


def _each(key: np.uint64, n: int, what: str) -> npt.NDArray[np.uint64]:
    return indexed(np.full(n, derive(np.array([key]), what)[0], dtype=np.uint64), np.arange(n))
