"""Golden vectors of scheme fp-sketch-1: what was signed last month must compare today.

``python tests/test_golden.py`` writes the file; do that for a new scheme name only, never to make this test pass.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reference

from fingerprint.keys import Key
from fingerprint.lsh import band_keys
from fingerprint.sketch import SCHEME, sketch

PATH = Path(__file__).with_name("golden_sketch.json")
NGRAM, NUM_PERM, BANDS = 5, 20, (5, 4)


def cycle(n: int) -> str:
    """Return n characters of the 251-cycle, mapped to printable ASCII and a few others by position in the cycle."""
    return "".join(chr(0x4E00 + i % 251) if i % 251 > 240 else chr(33 + i % 251 % 94) for i in range(n))


def inputs() -> list[str]:
    """Return texts at lengths around every block, vector and chunk border, and one of each strange kind."""
    lengths = sorted({*range(9), *(b + d for b in (16, 32, 64, 128, 251, 512, 516, 1024) for d in (-1, 0, 1))})
    strange = ["Ünïcode\u200b  and\tSPACES\0", "ﷺ" * 40, "a" + "\u0301\u0323" * 40]
    strange += ["한국어 문장", "👩\u200d🚀 emoji ❤\ufe0f", "مرحبا بالعالم", "ᾴ ᾳ\u0301 ẞ"]
    return [cycle(n) for n in lengths] + ["x" * 300] + strange


def vectors(texts: list[str], isa: str | None) -> list[dict[str, Any]]:
    s = sketch(texts, key=Key(bytes(range(16))), ngram=NGRAM, num_perm=NUM_PERM, isa=isa)
    keys = band_keys(s.signatures, *BANDS)
    return [
        {
            "n_shingles": int(s.signatures.n_shingles[i]),
            "values": s.signatures.values[i].tolist(),
            "fingerprint": f"{s.fingerprints[i]:016x}",
            "exact": f"{s.exact[i]:016x}",
            "n_invisible": int(s.n_invisible[i]),
            "n_chars": int(s.n_chars[i]),
            "flags": int(s.flags[i]),
            "band_keys": [f"{k:016x}" for k in keys[i].tolist()],
        }
        for i in range(len(texts))
    ]


def test_golden_vectors(isa: str) -> None:
    golden = json.loads(PATH.read_text("utf-8"))
    assert golden["scheme"] == SCHEME and (golden["ngram"], golden["num_perm"]) == (NGRAM, NUM_PERM)
    texts = [v.pop("text") for v in golden["vectors"]]
    assert texts == inputs()
    assert vectors(texts, isa) == golden["vectors"]


def test_reference_reproduces_the_golden_vectors() -> None:
    golden = json.loads(PATH.read_text("utf-8"))
    key = bytes.fromhex(golden["key"])
    for v in golden["vectors"]:
        text, n_invisible = reference.normalize(v["text"])
        hashes = reference.shingle_hashes(key, text, NGRAM)
        assert reference.signature(key, hashes, NUM_PERM) == v["values"]
        assert (f"{reference.fingerprint(hashes):016x}", f"{reference.exact_hash(key, text):016x}") == (v["fingerprint"], v["exact"])
        assert (n_invisible, len(text), len(hashes)) == (v["n_invisible"], v["n_chars"], v["n_shingles"])
        assert [f"{k:016x}" for k in reference.band_keys(v["values"], *BANDS)] == v["band_keys"]


# SipHash-2-4: appendix A of the paper (15 bytes) and its authors' vectors; SipHash-1-3: tests of the Rust standard library.
@pytest.mark.parametrize(
    ("rounds", "n", "expected"),
    [
        ((2, 4), 0, "310e0edd47db6f72"),
        ((2, 4), 1, "fd67dc93c539f874"),
        ((2, 4), 15, "e545be4961ca29a1"),
        ((1, 3), 0, "dcc40f055801acab"),
        ((1, 3), 1, "93ca577df39bf4c9"),
        ((1, 3), 5, "673b53492fd5f9de"),
    ],
)
def test_siphash_of_the_reference_is_the_published_one(rounds: tuple[int, int], n: int, expected: str) -> None:
    assert reference.siphash(bytes(range(16)), bytes(range(n)), *rounds).to_bytes(8, "little").hex() == expected


def test_multipliers_are_distinct_modulo_1024() -> None:
    """What the independence of any two permutations rests on, read off the signature of a single shingle."""
    (h,) = reference.shingle_hashes(bytes(range(16)), "abcde", 5)
    values = sketch(["abcde"], key=Key(bytes(range(16))), num_perm=1024).signatures.values[0].astype(np.uint64).tolist()
    low, high = h & 0xFFFFFFFF, h >> 32
    shift = (low & -low).bit_length() - 1  # an even factor hides as many low bits of the multiplier
    assert [(v - high) % 2**32 % 2 ** (10 + shift) for v in values] == [i * low % 2 ** (10 + shift) for i in range(1024)]


if __name__ == "__main__":
    texts = inputs()
    rows = [{"text": text, **vector} for text, vector in zip(texts, vectors(texts, "scalar"), strict=True)]
    head = {"scheme": SCHEME, "key": bytes(range(16)).hex(), "ngram": NGRAM, "num_perm": NUM_PERM}
    body = ",\n".join(json.dumps(row) for row in rows)
    PATH.write_text(json.dumps(head)[:-1] + ', "vectors": [\n' + body + "\n]}\n", "utf-8")
