"""Prompts to measure with: made from a seed, so that every machine gets the same bytes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

OPENINGS = (
    "Explain how",
    "Write a short story about",
    "Give me three reasons why",
    "What is the difference between",
    "Summarise the main points of",
    "Please translate into French:",
    "You are a careful reviewer. Check",
    "Solve step by step:",
)
_WORDS = (
    "the of and to a in is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there "
    "would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two "
    "may first then do any like my now over such our man me even most made after also did many off before must well back through years much where "
    "your way down should because long each just state those people too how little good world make very year still see own work men day get here "
    "between both life being under three never know same last another while us might great old go come since against right came take used himself "
    "few house use place american home small found course problem number system model language question answer data energy history quantum protein "
    "market function algorithm recursion photosynthesis thermodynamics inflation constitution vaccine orchestra neighbourhood encryption"
)
WORDS = tuple(_WORDS.split())
IDEOGRAPHS = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同"
    "现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很"
    "最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走"
    "义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马"
    "科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运"
)
MIXED = (
    "naïve",
    "café",
    "Straße",
    "“quoted”",
    "—",
    "привет",
    "функция",
    "你好",
    "量子",
    "こんにちは",
    "مرحبا",
    "😀",
    "👩\u200d🚀",
    "①",
    "ｆｕｌｌ",
    "e\u0301",
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A column of prompts and its sizes."""

    name: str
    column: pa.Array
    n_bytes: int

    def __len__(self) -> int:
        return len(self.column)


def _zipf_weights(n: int) -> list[float]:
    """Return cumulative weights of ranks 1 to n, as in natural text."""
    return list(accumulate(1 / (rank + 3) for rank in range(n)))


def english(rng: random.Random, n_chars: int) -> str:
    """Return an English-like prompt of exactly `n_chars` characters: an opening, then words by Zipf's law, with some numbers and commas."""
    words, length = [rng.choice(OPENINGS)], 0
    weights = _zipf_weights(len(WORDS))
    while length < n_chars:
        word = rng.choices(WORDS, cum_weights=weights)[0]
        if rng.random() < 0.06:
            word = str(rng.randrange(10_000))
        words.append(word + rng.choices(("", ",", ".", "?"), (88, 7, 4, 1))[0])
        length += len(words[-1]) + 1
    return " ".join(words)[: n_chars - 1].rstrip().ljust(n_chars - 1, "e") + "?"


def chinese(rng: random.Random, n_chars: int) -> str:
    """Return a prompt of frequent ideographs with punctuation."""
    made = rng.choices(IDEOGRAPHS, cum_weights=_zipf_weights(len(IDEOGRAPHS)), k=n_chars - 1)
    for at in range(rng.randrange(6, 14), n_chars - 2, 11):
        made[at] = "，"
    return "".join(made) + "？"


def mixed(rng: random.Random, n_chars: int) -> str:
    """Return an English-like prompt in which about one word in five is of another script or kind."""
    words = [rng.choice(MIXED) if rng.random() < 0.2 else word for word in english(rng, n_chars).split(" ")]
    return " ".join(words)[:n_chars]


KINDS = {"en208": (english, 208), "en107": (english, 107), "zh": (chinese, 60), "mixed": (mixed, 208)}


def family_rows(rng: np.random.Generator, n: int, n_long: int = 0, n_variants: int = 5, n_words: int = 35, n_long_words: int = 8700) -> pa.Array:
    """Return about 208 characters of text in each of `n` rows, in families: a number that names the family, words by Zipf's law, one of them replaced.

    The first `n_long` are 50 kB long. Large_string column; millions of rows a minute.
    """
    words, space = pa.array(WORDS, pa.large_string()), pa.scalar(" ", pa.large_string())
    chance = np.diff(_zipf_weights(len(WORDS)), prepend=0)
    parts = []
    for n_rows, length in ((n_long, n_long_words), (n - n_long, n_words)):
        n_families = -(-n_rows // n_variants)
        number = rng.choice(len(WORDS), (n_families, length), p=chance / chance.sum()).repeat(n_variants, 0)[:n_rows]
        number[np.arange(n_rows), rng.integers(length, size=n_rows)] = rng.integers(len(WORDS), size=n_rows)
        lists = pa.ListArray.from_arrays(pa.array(np.arange(0, n_rows * length + 1, length), pa.int32()), words.take(pa.array(number.ravel())))
        family = pa.array(rng.integers(10**9, 10**10, n_families).repeat(n_variants)[:n_rows]).cast(pa.large_string())
        parts.append(pc.binary_join_element_wise(family, pc.binary_join(lists, space), space))
    return pa.concat_arrays(parts)


def rows_of_families(rng: np.random.Generator, n: int, repeats: float = 0.0, long: float = 0.0) -> pa.Array:
    """Return `n` rows of :func:`family_rows`, shuffled, of which a share repeats others, and a share of the others is long."""
    n_new = max(1, round(n * (1 - repeats)))
    rows = np.concatenate([np.arange(n_new), rng.integers(n_new, size=n - n_new)])
    return family_rows(rng, n_new, round(n_new * long)).take(pa.array(rng.permutation(rows)))


def family_of(text: str) -> str:
    """Return what names the family of a text of :func:`family_rows`."""
    return text.partition(" ")[0]


@cache
def corpus(name: str, n: int, seed: int = 1) -> Corpus:
    """Return `n` distinct prompts of a kind in :data:`KINDS`."""
    make, n_chars = KINDS[name]
    rng = random.Random(f"{name}:{seed}")
    texts = [make(rng, n_chars) for _ in range(n)]
    return Corpus(name, pa.array(texts, pa.string()), sum(len(text.encode()) for text in texts))


@cache
def families(n: int, seed: int = 1) -> Corpus:
    """Return the prompts of :func:`family_rows`, shuffled."""
    column = rows_of_families(np.random.default_rng(seed), n)
    return Corpus("families", column, int(pc.sum(pc.binary_length(column)).as_py()))
