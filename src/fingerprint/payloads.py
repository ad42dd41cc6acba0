"""Payloads: what is left of a prompt without the text that many others contain as well, and the phrases of a prompt.

A question is asked bare in a published set, and inside somebody's frame in the traffic. Runs of ``WINDOW`` words that stand in several distinct texts
are frame; what they leave is encoded. Phrases, three words in a row, are taken of the whole text: which of them mean anything is for whoever compares.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .arrays import distinct
from .templates import trigrams
from .words import WINDOW, Words, windows

SEVERAL = 8  # distinct texts of a sample from which a run of words is frame
LEFT = 3  # words that a payload has at least; of fewer nothing can be told, and the whole text stands


def frames(parts: Iterable[Words], several: int = SEVERAL) -> npt.NDArray[np.uint64]:
    """Return the hashes of the runs of ``WINDOW`` words that stand in `several` distinct texts or more, uint64[f] ascending.

    Parameters
    ----------
    parts : iterable of Words
        Distinct texts; each part is looked at once.
    several : int
    """
    found = []
    for words in parts:
        text, _, window = windows(words)
        order = np.lexsort((text, window))
        text, window = text[order], window[order]
        found.append(window[(np.diff(text, prepend=-1) != 0) | (np.diff(window, prepend=window[:1] + np.uint64(1)) != 0)])
    every = np.sort(np.concatenate([np.zeros(0, np.uint64), *found]))
    if len(every) < several:
        return np.zeros(0, np.uint64)
    return distinct(every[: len(every) - several + 1][every[several - 1 :] == every[: len(every) - several + 1]])


def payloads(words: Words, known: npt.NDArray[np.uint64]) -> pa.LargeStringArray:
    """Return each of n texts without the runs of words that are frame; one of which less than ``LEFT`` words are left stays whole.

    Parameters
    ----------
    words : Words
    known : uint64[f]
        From :func:`frames`, ascending.
    """
    covered = _covered(words, known)
    row = words.rows
    left = np.bincount(row[~covered], minlength=len(words))
    covered &= (left >= LEFT)[row]
    before, behind = (np.concatenate(parts) for parts in (([False], covered[:-1]), (covered[1:], [False])))
    change = np.diff(row, prepend=-1) != 0, np.diff(row, append=-1) != 0
    first, last = np.flatnonzero(covered & (~before | change[0])), np.flatnonzero(covered & (~behind | change[1]))
    tape = np.frombuffer(words.tape, np.uint8)
    edges = np.zeros(len(tape) + 1, np.int8)
    edges[words.starts[first]] += 1
    edges[words.ends[last]] -= 1
    kept = np.cumsum(edges[:-1], dtype=np.int8) == 0
    gaps = words.starts[first]
    kept[gaps] = True  # a space stands for the run
    tape = tape.copy()
    tape[gaps] = ord(" ")
    place = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])
    offsets = place[words.text_offsets]
    data = tape[kept]
    return pa.LargeStringArray.from_buffers(len(words), pa.py_buffer(offsets), pa.py_buffer(data))


def _covered(words: Words, known: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Say of each word whether it stands in a run that is frame, bool[m]."""
    edges = np.zeros(len(words.hashes) + 1, np.int32)
    _, first, window = windows(words)
    if len(known) and len(first):
        at = np.minimum(np.searchsorted(known, window), len(known) - 1)
        hit = first[known[at] == window]
        np.add.at(edges, hit, 1)
        np.add.at(edges, hit + WINDOW, -1)
    return np.cumsum(edges[:-1]) > 0


def phrases(words: Words) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
    """Return the distinct phrases of each of n texts: starts int64[n + 1], and hashes uint32[p], ascending in each text."""
    at, hashed = trigrams(words)
    pair = distinct((words.rows[at].astype(np.uint64) << np.uint64(32)) | (hashed >> np.uint64(32)))
    text = (pair >> np.uint64(32)).astype(np.int64)
    return np.concatenate([[0], np.cumsum(np.bincount(text, minlength=len(words)))]), pair.astype(np.uint32)
