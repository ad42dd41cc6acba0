"""Templates: the text that the prompts of a group share, its slots, and what fills them.

Shared text is found as word trigrams that occur in many prompts of several accounts. It is taken out before accounts are compared (a
long common frame makes any two accounts look alike), and shown as the template of the group.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from . import _core
from .words import Words

SLOT = "\u27e8\u2026\u27e9"
SHARE = 0.1  # of the prompts, from which a trigram is shared text
MAX_REFRAIN = 16  # words of an account's own at either end of its prompts
MIN_PROMPTS, MIN_HOLDERS = 6, 3  # and in at least so many prompts and accounts
MIN_OWN = 3  # prompts of an account from which a text is its refrain
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))  # multipliers of a polynomial hash over keyed hashes, modulo 2**64


@dataclass(frozen=True, slots=True)
class Template:
    """A frame with slots.

    Attributes
    ----------
    parts : list of str
        Fixed text; a slot lies between any two parts, and before or after where `leading` or `trailing`.
    coverage : float
        Share of the prompts that have exactly this frame.
    leading, trailing : bool
        Whether the frame begins or ends with a slot.
    fills : list of list of str
        For every slot some of what fills it, at most ten.
    n_distinct : list of int
        Distinct fills seen per slot.
    """

    parts: list[str]
    coverage: float
    leading: bool = False
    trailing: bool = False
    fills: list[list[str]] = field(default_factory=list)
    n_distinct: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The frame in one line, slots shown as ⟨…⟩."""
        return (SLOT + " ") * self.leading + f" {SLOT} ".join(self.parts) + (" " + SLOT) * self.trailing


@dataclass(frozen=True, slots=True)
class Stripped:
    """Prompts without their shared text.

    Attributes
    ----------
    residuals : list of str
        What is left of each prompt.
    coverage : float64[n]
        Share of the words of each prompt that is shared text.
    own_words : int64[n]
        Words left in each prompt that has shared text; a large number for one that has none.
    words : Words
        The prompts.
    runs : int64[r, 3]
        Shared runs in order: prompt, first word, word behind the last.
    """

    residuals: list[str]
    coverage: npt.NDArray[np.float64]
    own_words: npt.NDArray[np.int64]
    words: Words
    runs: npt.NDArray[np.int64]


def shared_words(words: Words, account: npt.NDArray[np.int64], share: float = SHARE) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Say of each word whether it stands in shared text, and whether in a refrain of its account.

    Shared text is three words in a row that at least `share` of the prompts, of several accounts, contain. A refrain is text that at least half of the
    prompts of its account, and three of them, contain: three words in a row anywhere, or any number of words at the beginning or at the end.

    Returns
    -------
    shared, refrain : bool[m]
    """
    marks = np.zeros((2, len(words.hashes)), np.uint8)
    who = np.unique(account, return_inverse=True)[1].astype(np.int32)
    _core.shared_words(words.hashes, words.offsets, who, np.argsort(who, kind="stable"), max(MIN_PROMPTS, math.ceil(share * len(words))), MIN_HOLDERS,
                       MIN_OWN, MAX_REFRAIN, *marks)
    shared, refrain = marks.view(bool)
    return shared, refrain


def trigrams(words: Words) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Return the first word of every three in a row of one prompt, int64[t], and a hash of the three, uint64[t]."""
    row, h = words.rows, words.hashes
    at = np.flatnonzero(row[:-2] == row[2:]) if len(row) > 2 else np.zeros(0, np.int64)
    return at, (h[at] * _ODD[0] + h[at + 1]) * _ODD[1] + h[at + 2] if len(at) else np.zeros(0, np.uint64)


def strip_shared(words: Words, account: npt.NDArray[np.int64], share: float = SHARE) -> Stripped:
    """Remove from each prompt the text it shares with others, and the text its account puts into most of its prompts (a signature, a persona).

    Parameters
    ----------
    words : Words
        Of the n prompts of one group.
    account : int64[n]
        Their accounts.
    share : float
        A trigram is shared when it stands in at least this share of the prompts.
    """
    covered, refrain = shared_words(words, account, share)
    row, n_words = words.rows, np.diff(words.offsets)
    n_covered = np.bincount(row[covered], minlength=len(words))
    own_words = np.where(n_covered > 0, n_words - n_covered, np.iinfo(np.int64).max)
    covered |= refrain
    opens = covered & (np.diff(row, prepend=-1) != 0) | covered & ~np.concatenate([[False], covered[:-1]])
    closes = covered & (np.diff(row, append=-1) != 0) | covered & ~np.concatenate([covered[1:], [False]])
    first, last = np.flatnonzero(opens), np.flatnonzero(closes)
    stripped = Stripped([], n_covered / np.maximum(n_words, 1), own_words, words, np.stack([row[first], first, last + 1], 1))
    bounds = np.searchsorted(row[first], np.arange(len(words) + 1))
    tape, ends = words.tape, words.text_offsets.tolist()
    opening, closing = words.starts[first].tolist(), words.ends[last].tolist()
    for i, (low, high) in enumerate(pairwise(bounds.tolist())):
        gaps = (tape[a:b].strip() for a, b in zip([ends[i], *closing[low:high]], [*opening[low:high], ends[i + 1]], strict=True))
        stripped.residuals.append(b" ".join(gap for gap in gaps if gap).decode("utf-8", "replace"))
    return stripped


def shared_trigrams(stripped: Stripped) -> tuple[npt.NDArray[np.uint64], int]:
    """Return the trigrams of a group's shared text, uint64[t] ascending, and how many of them a prompt has that was made from it.

    That is half of what the median prompt with shared text has, so that a group with several frames knows the user of one; (none, 0) where fewer
    than half of the prompts share text.
    """
    covered = np.zeros(len(stripped.words.hashes), bool)
    for _, first, behind in stripped.runs:
        covered[first:behind] = True
    at, trigram = trigrams(stripped.words)
    inside = covered[at] & covered[at + 1] & covered[at + 2] if len(at) else np.zeros(0, bool)
    per = np.bincount(stripped.words.rows[at[inside]], minlength=len(stripped.words))
    if not len(per) or (per > 0).mean() < 0.5:
        return np.zeros(0, np.uint64), 0
    return np.unique(trigram[inside]), max(3, int(np.median(per[per > 0]) / 2))


def _gaps(stripped: Stripped, prompt: int, low: int, high: int) -> Iterator[str]:
    """Yield what stands before, between and behind the shared runs ``low`` to ``high`` of a prompt."""
    words = stripped.words
    at = int(words.text_offsets[prompt])
    for _, first, behind in stripped.runs[low:high].tolist():
        yield words.text(at, int(words.starts[first])).strip()
        at = int(words.ends[behind - 1])
    yield words.text(at, int(words.text_offsets[prompt + 1])).strip()


def induce_template(stripped: Stripped, max_fills: int = 10) -> Template | None:
    """Return the commonest frame of a group, or None when most prompts share no text."""
    words, runs = stripped.words, stripped.runs
    bounds = np.searchsorted(runs[:, 0], np.arange(len(words) + 1))
    frames = [tuple(words.hashes[first:behind].tobytes() for _, first, behind in runs[bounds[i] : bounds[i + 1]]) for i in range(len(words))]
    if not frames:
        return None
    common, times = Counter(frames).most_common(1)[0]
    if not common:
        return None
    rows = [i for i, frame in enumerate(frames) if frame == common]
    filled = [list(_gaps(stripped, i, bounds[i], bounds[i + 1])) for i in rows]
    columns = [list(dict.fromkeys(gaps[slot] for gaps in filled if gaps[slot])) for slot in range(len(common) + 1)]
    leading, trailing = bool(columns[0]), bool(columns[-1])
    slots = [c for s, c in enumerate(columns) if c or 0 < s < len(common)]
    shown = runs[bounds[rows[0]] : bounds[rows[0] + 1]]
    parts = [" ".join(words.text(int(words.starts[first]), int(words.ends[behind - 1])).split()) for _, first, behind in shown]
    return Template(parts, times / len(frames), leading, trailing, [c[:max_fills] for c in slots], [len(c) for c in slots])
