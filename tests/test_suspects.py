"""Matches of single texts, against slow references, and the chance law and tests over accounts."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.chance import Chance, uneven
from fingerprint.config import SketchConfig
from fingerprint.encoders import get_encoder
from fingerprint.index import Block, Fingerprinter, Holding
from fingerprint.keys import Key
from fingerprint.matching import count
from fingerprint.minhash import estimate_jaccard
from fingerprint.payloads import LEFT, SEVERAL, frames, payloads, phrases
from fingerprint.significance import benjamini_hochberg, holm
from fingerprint.sketch import sketch
from fingerprint.suspects import CONTAINED, EXACT, KINDS, NEAR, Matches, Rarity, SuspectSet
from fingerprint.words import WINDOW, split_words

KEY = Key(bytes(range(16)))
WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "tu", "ri", "so", "va") for b in ("rin", "dex", "pol", "sta", "gam", "fil", "tor", "ban")]
FRAME = "you are a careful expert who thinks aloud and then answers the question that follows in full detail"
NO_FRAMES = np.zeros(0, np.uint64)


def sentence(rng: random.Random, n: int = 14) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(n))


def block(texts: list[str], known: npt.NDArray[np.uint64] = NO_FRAMES) -> Block:
    return Fingerprinter(KEY, SketchConfig(), get_encoder(), known, 1)(pa.array(texts, pa.large_string()))


def suspects(queries: list[str], traffic: list[str]) -> tuple[SuspectSet, Block]:
    made = block(traffic)
    return SuspectSet(block(queries), Rarity.of(made), made.directions().mean(0), 0.7), made


def found(queries: list[str], traffic: list[str]) -> set[tuple[int, int, str]]:
    one, made = suspects(queries, traffic)
    matches = one.lexical(made)
    return {(t, q, KINDS[k]) for t, q, k in zip(matches.text.tolist(), matches.query.tolist(), matches.kind.tolist(), strict=True)}


def test_each_kind_of_match_and_the_strictest_of_a_pair() -> None:
    rng = random.Random(1)
    queries = [sentence(rng) for _ in range(40)]
    others = [sentence(rng) for _ in range(60)]
    words = queries[2].split()
    reworded = " ".join([*words[:6], "unlikely", *words[7:]])
    traffic = [queries[0].upper(), queries[1] + "!", f"{FRAME}: {queries[3]} {FRAME}", reworded, *others]
    assert found(queries, traffic) == {(0, 0, "exact"), (1, 1, "near-duplicate"), (2, 3, "contained"), (3, 2, "near-duplicate")}


def test_a_frame_that_queries_share_is_no_match_for_any() -> None:
    rng = random.Random(2)
    queries = [f"{FRAME}, {FRAME[::-1]}: {sentence(rng, 12)}" for _ in range(100)]
    one, made = suspects(queries, [f"{FRAME}, {FRAME[::-1]}: {sentence(rng, 12)}" for _ in range(80)] + [queries[7]])
    near = one._bands.near(made, one.block, 0.7)
    matches = one.lexical(made)
    assert one.n_crowded > 0 or len(near[0]) > 80  # they are near-duplicates as whole texts
    assert matches.text.tolist() == [80] and matches.query.tolist() == [7] and matches.kind.tolist() == [EXACT]


def test_texts_without_phrases_match_exactly_or_nearly() -> None:
    traffic = ["HI", "tell us", "东京天气怎么样呢?", "", "x"]
    assert found(["hi", "tell me", "东京天气怎么样呢", ""], traffic) == {(0, 0, "exact"), (2, 2, "near-duplicate")}


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=12), st.integers(0, 1000))
def test_containment_is_that_of_the_plain_reference(numbers: list[int], seed: int) -> None:
    rng = random.Random(seed)
    pool = [sentence(random.Random(i), 9) for i in range(8)]
    queries = [f"{pool[i]} {sentence(rng, 4)}" for i in range(8)]
    traffic = [f"{sentence(rng, 3)} {pool[i]} {sentence(rng, 3)}" for i in numbers] + [sentence(rng) for _ in range(150)]
    traffic = list(dict.fromkeys(traffic))
    one, made = suspects(queries, traffic)
    text, query, share, common = one._contained(made)
    got = {(t, q): (s, c) for t, q, s, c in zip(text.tolist(), query.tolist(), share.tolist(), common.tolist(), strict=True)}

    def triples(words: str) -> set[tuple[str, ...]]:
        split = words.split()
        return {tuple(split[i : i + 3]) for i in range(len(split) - 2)}

    def weight(triple: tuple[str, ...]) -> float:
        in_traffic, in_set = (sum(triple in triples(t) for t in texts) for texts in (traffic, queries))
        return 0.0 if in_set > 1 or in_traffic >= SEVERAL else -np.log(max(1, in_traffic) / len(traffic))

    for t, words in enumerate(traffic):
        for q, asked in enumerate(queries):
            told = [w for w in map(weight, triples(asked) & triples(words)) if w > 0]
            if told:
                assert got[t, q][0] == pytest.approx(sum(told) / sum(map(weight, triples(asked)))) and got[t, q][1] == len(told)
            else:
                assert (t, q) not in got


def test_near_duplicates_are_those_of_whole_signatures() -> None:
    rng = random.Random(5)
    queries = [sentence(rng) for _ in range(60)]
    traffic = [" ".join(w if rng.random() > 0.08 else rng.choice(WORDS) for w in q.split()) for q in queries for _ in range(3)]
    one, made = suspects(queries, list(dict.fromkeys(traffic)))
    text, query, jaccard = one._bands.near(made, one.block, 0.7)
    a, b = (sketch(texts, key=KEY).signatures for texts in (list(dict.fromkeys(traffic)), queries))
    exact = estimate_jaccard(a[text], b[query])
    assert len(text) > 40 and np.abs(jaccard - exact).max() < 0.06 and (jaccard >= 0.7).all()
    every = np.array([[float((x == y).mean()) for y in b.values] for x in a.values])
    clear = {(t, q) for t, q in zip(*np.nonzero(every >= 0.85), strict=True)}
    assert clear <= set(zip(text.tolist(), query.tolist(), strict=True))


def test_frames_are_runs_that_several_texts_have_and_payloads_what_they_leave() -> None:
    rng = random.Random(3)
    own = [sentence(rng, 6) for _ in range(12)]
    texts = [f"{FRAME} {o} thank you" for o in own] + [FRAME] * 2 + [f"{FRAME} a b", sentence(rng), ""]
    words = split_words(texts, KEY.derive("words"))
    known = frames([words], 8)
    assert len(known) == len(FRAME.split()) - WINDOW + 1 and len(frames([words], 16)) == 0 and len(frames([], 8)) == 0
    half = frames([split_words(texts[:8], KEY.derive("words")), split_words(texts[8:], KEY.derive("words"))], 8)
    assert np.array_equal(half, known)
    left = payloads(words, known).to_pylist()
    assert [text.split() for text in left[:12]] == [[*o.split(), "thank", "you"] for o in own]
    assert left[12:] == texts[12:]  # too little would be left, or there is no frame
    assert all(len(text.split()) >= LEFT for text in left[:12])


@given(st.lists(st.text(alphabet="ab 東é\u0301.\x00", max_size=40), max_size=6))
def test_payloads_of_any_text_are_text(texts: list[str]) -> None:
    array = pa.array(texts, pa.large_string())
    words = split_words(array, KEY.derive("words"))
    known = frames([words], 2)
    made = payloads(words, known)
    made.validate(full=True)
    assert len(made) == len(texts) and all(len(m) <= len(t) for m, t in zip(made.to_pylist(), texts, strict=True))
    assert payloads(words, NO_FRAMES).to_pylist() == texts
    starts, hashes = phrases(words)
    assert len(starts) == len(texts) + 1 and starts[-1] == len(hashes)
    assert all((np.diff(hashes[a:b].astype(np.int64)) > 0).all() for a, b in pairwise(starts))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9), st.data())
def test_a_block_is_cut_and_joined_without_loss(sizes: list[int], data: st.DataObject) -> None:
    whole = block([f"{i} " + " ".join(WORDS[i : i + n]) for i, n in enumerate(sizes)])
    cut = data.draw(st.integers(0, len(sizes)))
    rows = np.array(data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=5)), np.int64)
    for part, expected in ((Block.join([whole[:cut], whole[cut:]]), list(range(len(sizes)))), (whole[rows], rows.tolist())):
        assert part.exact.tolist() == [whole.exact[i] for i in expected]
        for at, row in enumerate(expected):
            assert np.array_equal(part.phrases[part.starts[at] : part.starts[at + 1]], whole.phrases[whole.starts[row] : whole.starts[row + 1]])
            assert np.array_equal(part.vectors[at], whole.vectors[row]) and np.array_equal(part.values[at], whole.values[row])


def test_directions_in_eight_bits_are_those_of_the_encoder() -> None:
    rng = random.Random(4)
    texts = [sentence(rng, n) for n in range(1, 40)]
    assert (np.einsum("ij,ij->i", block(texts).directions(), get_encoder().encode(texts)) > 0.999).all()
    assert not block([""]).directions(np.ones(256, np.float32)).any()


def test_the_law_of_chance_is_that_of_the_accounts_it_comes_from() -> None:
    rng = np.random.default_rng(7)
    n = rng.integers(5, 60, 20_000)
    x = rng.binomial(n, rng.beta(0.5, 60, len(n)))
    law = Chance.of(n, x)
    assert law.rate == pytest.approx(0.5 / 60.5, rel=0.1) and law.second > 2 * law.rate**2
    again = rng.binomial(n, rng.beta(0.5, 60, len(n)))
    p = law.p(n, again)
    assert (p <= 1e-3).sum() <= 60 and (holm(p) <= 0.01).sum() == 0  # a p value of discrete counts is above its level
    assert law.p(np.array([50]), np.array([0]))[0] == 1.0
    assert law.p(np.array([50]), np.array([45]))[0] < 1e-12


def test_people_with_a_hobby_stretch_the_tail() -> None:
    rng = np.random.default_rng(8)
    n = np.full(5000, 20)
    x = rng.binomial(n, 0.002)
    quiet = Chance.of(n, x)
    x[:3] = 7
    law = Chance.of(n, x)
    assert law.stretch > quiet.stretch and (holm(law.p(n, x)) > 0.01).all()


def test_without_any_match_of_decoys_chance_is_small_and_not_nothing() -> None:
    n = np.full(300, 10)
    law = Chance.of(n, np.zeros(300, np.int64))
    assert 0 < law.rate < 1e-3 and 0 < law.p(n[:1], np.array([1]))[0] < 1 and Chance.of(n[:9], n[:9]).p(n[:1], n[:1])[0] == 1.0


@given(st.lists(st.floats(0, 1), max_size=12))
def test_adjusted_p_values_are_those_of_the_textbook(values: list[float]) -> None:
    p = np.array(values)
    order = sorted(range(len(p)), key=lambda i: p[i])
    expected_holm, expected_q = np.zeros(len(p)), np.zeros(len(p))
    for rank, i in enumerate(order):
        expected_holm[i] = min(1.0, max(p[order[k]] * (len(p) - k) for k in range(rank + 1)))
        expected_q[i] = min(1.0, *(p[order[k]] * len(p) / (k + 1) for k in range(rank, len(p))))
    assert np.allclose(holm(p), expected_holm) and np.allclose(benjamini_hochberg(p), expected_q)


def test_what_everybody_asks_is_common_and_what_is_drawn_evenly_is_not() -> None:
    rng = np.random.default_rng(9)
    drawn = rng.poisson(6.0, 2000)
    assert not uneven(drawn).any() and not uneven(np.full(500, 7)).any() and not uneven(np.zeros(10, np.int64)).any()
    dealt = np.ones(2000, np.int64)
    dealt[:12] = 100
    assert np.flatnonzero(uneven(dealt)).tolist() == list(range(12))
    assert len(uneven(np.zeros(0, np.int64))) == 0


def test_an_account_is_counted_once_for_each_text_and_query_and_not_for_common_ones() -> None:
    text = np.array([0, 0, 1, 2, 3, 3, 4], np.int32)
    account = np.array([0, 1, 0, 0, 1, 2, 2], np.int32)
    time, line = np.zeros(7, np.int64), np.arange(7)
    held = Holding(text, account, np.ones(7, np.int32), time, time, np.zeros(7, np.int32), line)
    matches = Matches(np.array([0, 1, 1, 2]), np.array([5, 5, 6, 6]), np.full(4, CONTAINED, np.uint8), np.ones(4, np.float32))
    counted = count(matches, held, 8, 3)
    assert counted.n_texts.tolist() == [3, 2, 2] and counted.n_holders.tolist() == [0, 0, 0, 0, 0, 2, 1, 0]
    assert counted.n_matched.tolist() == [2, 1, 0]  # three texts of the first, but two queries
    assert NEAR == 1
