"""Scheme fp-sketch-1 in plain Python: slow, readable, written from the definition in fingerprint.sketch and not from the kernels.

Python integers, no NumPy arithmetic. Unicode data come from the interpreter, so texts must keep to characters assigned in Unicode 14
(``is_stable``): what was assigned then does not change in NFKD, and CPython 3.11 and later agree on it.
"""

from __future__ import annotations

import re
import unicodedata

MASK64 = (1 << 64) - 1
MASK32 = (1 << 32) - 1
MAX_MARKS = 30
ALLOWANCE = 64
WHITE_SPACE = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
# DerivedCoreProperties.txt, Unicode 14: Default_Ignorable_Code_Point.
IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def _rotate(x: int, bits: int) -> int:
    return (x << bits | x >> (64 - bits)) & MASK64


def siphash(key: bytes, message: bytes, n_compress: int, n_final: int) -> int:
    """Return the 64-bit SipHash-c-d, as in the paper of Aumasson and Bernstein."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def sip_round() -> None:
        v[0] = (v[0] + v[1]) & MASK64
        v[1] = _rotate(v[1], 13) ^ v[0]
        v[0] = _rotate(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK64
        v[3] = _rotate(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & MASK64
        v[3] = _rotate(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & MASK64
        v[1] = _rotate(v[1], 17) ^ v[2]
        v[2] = _rotate(v[2], 32)

    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) % 256])
    for i in range(0, len(padded), 8):
        block = int.from_bytes(padded[i : i + 8], "little")
        v[3] ^= block
        for _ in range(n_compress):
            sip_round()
        v[0] ^= block
    v[2] ^= 0xFF
    for _ in range(n_final):
        sip_round()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def derive(key: bytes, purpose: int) -> bytes:
    """Return k[purpose] of the scheme."""
    return b"".join(siphash(key, (2 * purpose + half).to_bytes(8, "little"), 2, 4).to_bytes(8, "little") for half in (0, 1))


def is_stable(char: str) -> bool:
    """Tell whether a character may stand in test texts: assigned in Unicode 3.2 too, whose data every interpreter holds."""
    return unicodedata.ucd_3_2_0.category(char) not in ("Cn", "Cs")


def _is_dropped(char: str) -> bool:
    cp = ord(char)
    return bool(IGNORABLE.match(char)) or (cp != 0 and unicodedata.category(char) == "Cc" and cp not in WHITE_SPACE)


def _mapped(char: str) -> str:
    """Return NFKD and case folding to their fixed point, U+0345 aside, less what is dropped."""
    while True:
        before, char = char, unicodedata.normalize("NFKD", char)
        char = "".join(c if c == "\u0345" else c.casefold() for c in char)
        if char == before:
            return "".join(c for c in char if not _is_dropped(c))


def _expand(text: str) -> tuple[str, int]:
    """Replace each code point within the budget; also return how many were dropped."""
    result, n_dropped, n_read, n_written = [], 0, 0, 0
    for char in text:
        size = len(char.encode())
        n_read += size
        if _is_dropped(char) or ord(char) in WHITE_SPACE:
            n_dropped += _is_dropped(char)
            result.append("" if _is_dropped(char) else " ")
            n_written += size
            continue
        mapped = _mapped(char)
        if not mapped:
            n_dropped += 1
            n_written += size
        elif n_written + len(mapped.encode()) <= 4 * n_read + ALLOWANCE:
            result.append(mapped)
            n_written += len(mapped.encode())
        else:
            result.append(char)
            n_written += size
    return "".join(result), n_dropped


def _reorder(text: str) -> str:
    """Put marks into canonical order, MAX_MARKS of them behind each starter, then fold U+0345."""
    result: list[str] = []
    marks: list[str] = []
    for char in text + "\0":  # a starter at the end, to be taken off again
        if unicodedata.combining(char):
            marks.append(char)
        else:
            result += sorted(marks[:MAX_MARKS], key=unicodedata.combining)
            result.append(char)
            marks = []
    return "".join(result)[:-1].replace("\u0345", "\u03b9")


def normalize(text: str) -> tuple[str, int]:
    """Return the normalised text and the number of invisible characters."""
    expanded, n_dropped = _expand(text)
    spaces = "[" + "".join(map(chr, sorted(WHITE_SPACE))) + "]+"
    return re.sub(spaces, " ", _reorder(expanded)).strip(" "), n_dropped


def shingle_hashes(key: bytes, normalized: str, ngram: int) -> list[int]:
    """Return the hash of each window."""
    shingle_key = derive(key, 0)
    return [siphash(shingle_key, normalized[i : i + ngram].encode(), 1, 3) for i in range(len(normalized) - ngram + 1)]


def signature(key: bytes, hashes: list[int], num_perm: int) -> list[int]:
    """Return the MinHash signature of shingle hashes; all ones of none."""
    drawn = [(1024 * siphash(derive(key, 2), j.to_bytes(8, "little"), 2, 4) + j) & MASK32 for j in range(17)]
    multipliers = [drawn[i % 16] + drawn[16] * (i // 16) for i in range(num_perm)]
    distinct = set(hashes)
    return [min((((h >> 32) + m * (h & MASK32)) & MASK32 for h in distinct), default=MASK32) for m in multipliers]


def fingerprint(hashes: list[int]) -> int:
    """Return the SimHash of shingle hashes."""
    votes = [sum(1 if h >> j & 1 else -1 for h in hashes) for j in range(64)]
    return sum(1 << j for j, vote in enumerate(votes) if vote > 0)


def exact_hash(key: bytes, normalized: str) -> int:
    """Return the exact hash of a normalised text."""
    return (siphash(derive(key, 1), normalized.encode(), 1, 3) or 1) if normalized else 0


def band_keys(values: list[int], num_bands: int, rows_per_band: int) -> list[int]:
    """Return the key of each band of a signature."""
    keys = []
    for band in range(num_bands):
        key = (band + 1) << 32
        for value in values[band * rows_per_band : (band + 1) * rows_per_band]:
            key ^= value
            key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9 & MASK64
            key = (key ^ key >> 27) * 0x94D049BB133111EB & MASK64
            key ^= key >> 31
        keys.append(key)
    return keys


def jaccard(a: str, b: str, ngram: int) -> float:
    """Return the true Jaccard similarity of the shingle sets of two normalised texts."""
    x, y = ({t[i : i + ngram] for i in range(len(t) - ngram + 1)} for t in (a, b))
    return len(x & y) / len(x | y) if x | y else 0.0


#: Characters that exercise every rule of normalisation, for tests to draw from.
_RANGES = [*range(0x3100), *range(0x4E00, 0x4E80), *range(0xAC00, 0xAC60), *range(0xF900, 0xFFFE)]
ALPHABET = [*filter(is_stable, map(chr, _RANGES)), *"\U0001d400\U0001d15e\U0002f800\U000e0041\U0010ffff😀👩\u200d🚀❤\ufe0f"]
