"""Scheme fp-static-1 in plain Python and floating-point NumPy: slow, readable, written from the definition and not from the kernels.

What one code point becomes comes from the `tokenizers` library, one at a time; everything behind that is spelled out here.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

MASK64 = (1 << 64) - 1
WORD_CHARS, MAX_TERMS, SCAN_BYTES, SEEK_BYTES, GRAM_ROWS, MAX_DIM = 100, 4096, 1 << 16, 32, 4096, 1024
UNKNOWN = 100  # id of [UNK] in BERT's vocabulary
NORMALIZER = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
PRE_TOKENIZER = pre_tokenizers.BertPreTokenizer()
CYRILLIC = dict(zip("авекмнорстух", "abekmhopctyx", strict=True))
GREEK = dict(zip("αικνορτυχ", "aikvoptux", strict=True))
LOOKALIKES = {**CYRILLIC, **GREEK, "ѕ": "s", "і": "i", "ј": "j"}
LOOKALIKES |= {chr(0xFF10 + i): chr(ord("0") + i) for i in range(10)} | {chr(0xFF41 + i): chr(ord("a") + i) for i in range(26)}


def tokenizer_of(vocabulary: bytes) -> Tokenizer:
    """Return the tokenizer of the `tokenizers` library over a vocabulary of one piece a line."""
    lines = vocabulary.decode().split("\n")[:-1]
    ids = {line: i for i, line in enumerate(lines) if line} | {"[UNK]": UNKNOWN}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=WORD_CHARS))
    tokenizer.normalizer, tokenizer.pre_tokenizer = NORMALIZER, PRE_TOKENIZER
    return tokenizer


def load_arrays(source: str | Path | bytes) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of a table file."""
    raw = source if isinstance(source, bytes) else Path(source).read_bytes()
    with np.load(io.BytesIO(raw), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@cache
def mapped(char: str) -> tuple[tuple[str, str], ...]:
    """Return what a character becomes: pairs of a final character and its kind, ``keep``, ``punct``, ``ideograph`` or ``space``."""
    result = []
    text = NORMALIZER.normalize_str(f"a{char}b")[1:-1]
    if len(text) == 3 and text[0] == text[2] == " ":
        return ((text[1], "ideograph"),)
    for c in text:
        if c == " ":
            result.append((c, "space"))
        else:
            is_punctuation = len(PRE_TOKENIZER.pre_tokenize_str(f"a{c}b")) == 3
            result.append((c, "punct" if is_punctuation else "keep"))
    return tuple(result)


@dataclass
class Word:
    """A word, at most its first 100 characters; ``length`` is 101 for longer ones."""

    chars: str
    kind: str
    follows: bool  # the word before is an ideograph that touches this one
    end: int  # byte of the text where reading goes on
    length: int


def words(text: str) -> list[Word]:
    """Split a text into words."""
    result: list[Word] = []
    run: list[str] = []
    touching, position = False, 0

    def finish(chars: list[str], kind: str, end: int) -> None:
        nonlocal touching
        result.append(Word("".join(chars[:WORD_CHARS]), kind, touching, end, min(len(chars), WORD_CHARS + 1)))
        touching = kind == "ideograph"

    for char in text:
        start, position = position, position + len(char.encode())
        for c, kind in mapped(char):
            is_itself = len(mapped(char)) == 1 and c == char
            if kind == "keep":
                run.append(c)
                continue
            if run:
                finish(run, "plain", start if is_itself or kind == "space" else position)
                run = []
            if kind == "space":
                touching = False
            else:
                finish([c], kind, position)
    if run:
        finish(run, "plain", position)
    return result


def split_mix(x: int) -> int:
    """Return one output of SplitMix64 (Steele, Lea and Flood 2014)."""
    x = (x + 0x9E3779B97F4A7C15) & MASK64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK64
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK64
    return x ^ x >> 31


@cache
def gram_signs(row: int, dim: int) -> npt.NDArray[np.float64]:
    """Return the signs of an n-gram row: bits of SplitMix64, 64 dimensions from each output."""
    words64 = [split_mix(row * MAX_DIM + d) for d in range(0, dim, 64)]
    return np.array([1.0 if words64[d // 64] >> d % 64 & 1 else -1.0 for d in range(dim)])


def compose_hangul(codes: list[int]) -> list[int]:
    """Put jamo together again."""
    result: list[int] = []
    for c in codes:
        before = result[-1] if result else 0
        if 0x1161 <= c < 0x1161 + 21 and 0x1100 <= before < 0x1100 + 19:
            result[-1] = 0xAC00 + ((before - 0x1100) * 21 + c - 0x1161) * 28
        elif 0x11A8 <= c < 0x11A8 + 27 and 0xAC00 <= before < 0xAC00 + 11172 and (before - 0xAC00) % 28 == 0:
            result[-1] = before + c - 0x11A7
        else:
            result.append(c)
    return result


def fold_lookalikes(chars: str) -> str:
    """Write Latin letters for what looks like them, in a word that has a Latin letter or only full-width forms."""
    if any("a" <= c <= "z" for c in chars) or all(0xFF10 <= ord(c) < 0xFF5B for c in chars):
        return "".join(LOOKALIKES.get(c, c) for c in chars)
    return chars


class Reference:
    """The encoder over the arrays of a table."""

    def __init__(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        lines = arrays["vocabulary"].tobytes().decode().split("\n")[:-1]
        self.row_of = {line: row for row, line in enumerate(filter(None, lines))}
        self.rows = arrays["rows"].astype(np.float64) * arrays["weights"].astype(np.float64)[:, None]
        self.amplitudes = arrays["amplitudes"].astype(np.float64)
        self.gram_weight = int(arrays["gram_weight"][0])
        self.shares = dict(zip(arrays["ideographs"].tolist(), arrays["ideograph_shares"].tolist(), strict=True))
        self.dim = len(self.amplitudes)

    def pieces(self, word: str) -> list[str]:
        """Return the longest pieces from left to right; none if the word is unknown."""
        found: list[str] = []
        while word:
            mark = "##" if found else ""
            end = next((e for e in range(len(word), 0, -1) if mark + word[:e] in self.row_of), 0)
            if not end:
                return []
            found.append(mark + word[:end])
            word = word[end:]
        return found

    def gram(self, codes: list[int], share: int) -> npt.NDArray[np.float64]:
        """Return the row of an n-gram with its weight and sign."""
        h = len(codes)
        for code in codes:
            h = split_mix(h ^ code)
        row = (h >> 32) % GRAM_ROWS
        return gram_signs(row, self.dim) * self.amplitudes * (self.gram_weight * share // 256 * (1 if h & 1 else -1))

    def grams_of_word(self, chars: str) -> list[npt.NDArray[np.float64]]:
        """Return the rows of a word that word pieces cannot carry."""
        codes = compose_hangul(list(map(ord, chars)))
        is_hiragana, is_syllable = 0x3041 <= codes[0] < 0x30A0, 0xAC00 <= codes[0] < 0xAC00 + 11172
        result = [self.gram(codes, 64 if is_hiragana else 64 * min(len(codes), 4))]
        size = 2 if is_syllable else 4
        grams = [codes[i : i + size] for i in range(len(codes) - size + 1)]
        if len(grams) < 2:
            return result
        share = (0, 181, 128, 105, 90, 81, 74, 68, 64)[min(len(grams), 8)]  # 181 / sqrt(n)
        return result + [self.gram(gram, share * 64 // 181 if is_hiragana else share) for gram in grams]

    def grams_of_ideograph(self, code: int, before: int | None) -> list[npt.NDArray[np.float64]]:
        """Return the row of an ideograph and that of the pair with the one before it."""
        share = self.shares.get(code, 255)
        result = [self.gram([code], 256 * share // 255)]
        if before is not None:
            result.append(self.gram([before, code], 128 * isqrt(share * self.shares.get(before, 255)) // 255))
        return result

    def add(self, word: Word, before: Word | None, terms: list[npt.NDArray[np.float64]]) -> int:
        """Append the rows of a word; return how many pieces it counts for."""
        if word.kind == "ideograph":
            terms += self.grams_of_ideograph(ord(word.chars), ord(before.chars) if before and word.follows else None)
            return 1
        chars = word.chars if word.kind == "punct" or word.chars.isascii() else fold_lookalikes(word.chars)
        pieces = self.pieces(chars) if word.length <= WORD_CHARS else []
        is_shattered = not chars.isascii() and word.length < 2 * len(pieces)
        if word.kind == "plain" and (not pieces or is_shattered):
            terms += self.grams_of_word(chars)
        else:
            terms += [self.rows[self.row_of[piece]] for piece in pieces]
        return len(pieces) or 1 + word.length // 4

    def encode(self, text: str, head_pieces: int = 192, tail_bytes: int = 320) -> npt.NDArray[np.float64]:
        """Return the vector of a text."""
        terms: list[npt.NDArray[np.float64]] = []
        encoded = text.encode()
        head = encoded[:SCAN_BYTES]
        n_pieces, position = 0, 0
        for before, word in pairwise([None, *words(head.decode("utf-8", "ignore"))]):
            if word is None or n_pieces >= head_pieces:
                break
            n_pieces += self.add(word, before, terms)
            position = word.end
        if n_pieces < head_pieces:
            position = len(head.decode("utf-8", "ignore").encode())
        if tail_bytes and position < len(encoded):
            for before, word in pairwise([None, *words(self.tail(encoded, position, tail_bytes))]):
                if word is not None:
                    self.add(word, before, terms)
        total = np.sum(terms[:MAX_TERMS], axis=0) if terms else np.zeros(self.dim)
        norm = float(np.linalg.norm(total))
        return np.asarray(total / norm if norm else total)

    @staticmethod
    def tail(encoded: bytes, position: int, tail_bytes: int) -> str:
        """Return the text behind the head: at most ``tail_bytes``, from a space or a character on."""
        rest = encoded[position:]
        if len(rest) > tail_bytes:
            rest = rest[-tail_bytes:]
            spaces = [at for at in (rest.find(b" ", 0, SEEK_BYTES), rest.find(b"\n", 0, SEEK_BYTES)) if at >= 0]
            rest = rest[min(spaces) :] if spaces else rest
        return rest.decode("utf-8", "ignore")


def shipped() -> Reference:
    """Return the reference over the table that the package brings along."""
    from importlib import resources

    from fingerprint.encoders.static import TABLE

    return Reference(load_arrays(resources.files("fingerprint.encoders").joinpath("data", TABLE).read_bytes()))


def rows_and_tokenizer() -> tuple[npt.NDArray[np.float32], Tokenizer]:
    """Return the weighted rows of the shipped table with one of zeros for [UNK], and a tokenizer whose ids are the numbers of rows."""
    model = shipped()
    ids = {**model.row_of, "[UNK]": len(model.rows)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=WORD_CHARS))
    tokenizer.normalizer, tokenizer.pre_tokenizer = NORMALIZER, PRE_TOKENIZER
    return np.append(model.rows, np.zeros((1, model.dim)), axis=0).astype(np.float32), tokenizer
