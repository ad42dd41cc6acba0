"""Words of prompts, as keyed hashes with their places: what shared text is found in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from . import _core
from .columns import text_columns
from .keys import Key

if TYPE_CHECKING:
    import pyarrow as pa

WINDOW = 8  # words in a row that are a window: fewer are everybody's turns of phrase
_ODD = np.uint64(0x9E3779B97F4A7C15)  # multiplier of a polynomial hash over keyed hashes, modulo 2**64


@dataclass(frozen=True, slots=True)
class Words:
    """Words of n prompts.

    Attributes
    ----------
    tape : bytes
        UTF-8 of all prompts, one after the other.
    text_offsets : int64[n + 1]
        Prompt i is ``tape[text_offsets[i]:text_offsets[i + 1]]``.
    offsets : int64[n + 1]
        Its words are ``offsets[i]`` to ``offsets[i + 1]``.
    hashes : uint64[m]
        Keyed hash of the lower-cased word without accents.
    starts, ends : int64[m]
        Its place in `tape`.
    """

    tape: bytes
    text_offsets: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Prompt of each word, int64[m]."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def text(self, start: int, end: int) -> str:
        """Return bytes ``start`` to ``end`` of the tape as text; both are borders of words or prompts."""
        return self.tape[start:end].decode("utf-8", "replace")


def split_words(texts: Sequence[str] | pa.LargeStringArray, key: Key) -> Words:
    """Split prompts into words.

    Words are those of BERT's normaliser and pre-tokeniser: runs of letters and digits, and every punctuation mark or ideograph by itself. Of a
    long prompt the first and last 400 words count.

    Parameters
    ----------
    texts : sequence of str, or large_string array
        n prompts; an empty one has no words.
    key : Key
        Key of the hashes.

    Notes
    -----
    Releases the GIL, looks for signals; time and memory O(bytes), bounded for each prompt.
    """
    column = text_columns(texts)[0]
    offsets = np.asarray(column.offsets, np.int64)
    room = np.concatenate([[0], np.cumsum(np.minimum(np.diff(offsets), _core.MAX_WORDS))]).astype(np.int64)
    hashes, starts, ends = np.empty(room[-1], np.uint64), np.empty(room[-1], np.int32), np.empty(room[-1], np.int32)
    counts = np.zeros(len(column), np.int32)
    _core.word_rows(key.material, column.data, column.offsets, column.validity, column.validity_offset, room, hashes, starts, ends, counts)
    rows = np.repeat(np.arange(len(counts)), counts)
    word_offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    place = np.arange(len(rows)) - word_offsets[rows] + room[rows]
    return Words(column.data.tobytes(), offsets, word_offsets, hashes[place], starts[place] + offsets[rows], ends[place] + offsets[rows])


def windows(words: Words) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Return (text int64[m] ascending, first word int64[m], hash uint64[m]) of all runs of ``WINDOW`` words inside one text."""
    n = len(words.hashes) - WINDOW + 1
    if n <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint64)
    mixed = np.zeros(n, np.uint64)
    for i in range(WINDOW):
        mixed *= _ODD
        mixed += words.hashes[i : i + n]
    row = words.rows
    at = np.flatnonzero(row[:n] == row[WINDOW - 1 :])
    return row[at], at, mixed[at]
