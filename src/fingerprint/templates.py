"""Templates: the text that the prompts of a group share, its slots, and what fills them.

Shared text is found as word trigrams that occur in many prompts of several accounts. It is taken out before accounts are compared (a
long common frame makes any two accounts look alike), and shown as the template of the group.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

# Chinese, Japanese and Korean are written without spaces: every character is a word there.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[^\W{_CJK}]+|[{_CJK}]|[^\w\s]")
MAX_WORDS = 400  # from each end of a prompt; long few-shot frames keep their question at the end
SLOT = "\u27e8\u2026\u27e9"

Trigram = tuple[str, str, str]


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
    skeletons : list of tuple of str
        The shared runs of each prompt, in order.
    fills : list of tuple of str
        What stands between them, one more than the runs.
    """

    residuals: list[str]
    coverage: npt.NDArray[np.float64]
    own_words: npt.NDArray[np.int64]
    skeletons: list[tuple[str, ...]]
    fills: list[tuple[str, ...]]


def words(text: str) -> list[tuple[str, int, int]]:
    """Split into lower-case words with their places; the first and last ``MAX_WORDS`` of a long text."""
    if len(text) > 40 * MAX_WORDS:
        cut = len(text) - 20 * MAX_WORDS
        found = [(m[0].lower(), m.start(), m.end()) for m in _WORD.finditer(text, 0, 20 * MAX_WORDS)]
        found += [(m[0].lower(), m.start(), m.end()) for m in _WORD.finditer(text, cut)]
    else:
        found = [(m[0].lower(), m.start(), m.end()) for m in _WORD.finditer(text)]
    return found if len(found) <= 2 * MAX_WORDS else found[:MAX_WORDS] + found[-MAX_WORDS:]


def shared_trigrams(tokens: Sequence[Sequence[tuple[str, int, int]]], account: Sequence[int], share: float) -> set[Trigram]:
    """Return the word trigrams that at least `share` of the prompts, of at least three accounts and six prompts, contain."""
    count: Counter[Trigram] = Counter()
    holders: dict[Trigram, set[int]] = {}
    for row, who in zip(tokens, account, strict=True):
        plain = [w for w, _, _ in row]
        for trigram in set(zip(plain, plain[1:], plain[2:], strict=False)):
            count[trigram] += 1
            seen = holders.setdefault(trigram, set())
            if len(seen) < 3:
                seen.add(who)
    least = max(6.0, share * len(tokens))
    return {t for t, c in count.items() if c >= least and len(holders[t]) >= 3}


def strip_shared(prompts: Sequence[str], account: Sequence[int], share: float = 0.1) -> Stripped:
    """Remove from each prompt the text it shares with others.

    Parameters
    ----------
    prompts : sequence of str
        Prompts of one group.
    account : sequence of int
        Their accounts.
    share : float
        A trigram is shared when it stands in at least this share of the prompts.
    """
    tokens = [words(p) for p in prompts]
    hot = shared_trigrams(tokens, account, share)
    residuals, skeletons, fills = [], [], []
    coverage, own_words = np.zeros(len(prompts)), np.full(len(prompts), np.iinfo(np.int64).max)
    for i, (prompt, row) in enumerate(zip(prompts, tokens, strict=True)):
        covered = np.zeros(len(row), bool)
        for j in range(len(row) - 2):
            if (row[j][0], row[j + 1][0], row[j + 2][0]) in hot:
                covered[j : j + 3] = True
        coverage[i] = covered.mean() if len(row) else 0.0
        if covered.any():
            own_words[i] = len(row) - int(covered.sum())
        runs, gaps, residual = _split(prompt, row, covered)
        residuals.append(residual)
        skeletons.append(runs)
        fills.append(gaps)
    return Stripped(residuals, coverage, own_words, skeletons, fills)


def _split(prompt: str, row: list[tuple[str, int, int]], covered: npt.NDArray[np.bool_]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    runs, gaps, at, j = [], [], 0, 0
    while j < len(row):
        if not covered[j]:
            j += 1
            continue
        end = j
        while end + 1 < len(row) and covered[end + 1]:
            end += 1
        gaps.append(prompt[at : row[j][1]].strip())
        runs.append(" ".join(prompt[row[j][1] : row[end][2]].split()))
        at, j = row[end][2], end + 1
    gaps.append(prompt[at:].strip())
    return tuple(runs), tuple(gaps), " ".join(g for g in gaps if g)


def induce_template(stripped: Stripped, max_fills: int = 10) -> Template | None:
    """Return the commonest frame of a group, or None when most prompts share no text."""
    if not stripped.skeletons:
        return None
    folded = [tuple(run.lower() for run in skeleton) for skeleton in stripped.skeletons]
    common, times = Counter(folded).most_common(1)[0]
    if not common:
        return None
    rows = [i for i, skeleton in enumerate(folded) if skeleton == common]
    columns = [list(dict.fromkeys(stripped.fills[i][slot] for i in rows if stripped.fills[i][slot])) for slot in range(len(common) + 1)]
    leading, trailing = bool(columns[0]), bool(columns[-1])
    slots = [c for s, c in enumerate(columns) if c or 0 < s < len(common)]
    return Template(list(stripped.skeletons[rows[0]]), times / len(folded), leading, trailing, [c[:max_fills] for c in slots], [len(c) for c in slots])
