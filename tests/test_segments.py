"""Segments against plain Python: which accounts share a text, wherever it stands, and which prompts carry it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fingerprint as fp
from fingerprint import segments as module
from fingerprint.config import ScanConfig
from fingerprint.detection import Examiner
from fingerprint.encoders import get_encoder
from fingerprint.ingest import ingest
from fingerprint.pipeline import prepare
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import read_events
from fingerprint.segments import MOST_WINDOWS, SEVERAL, Segment, Spelled, _kept, contain, either, segments, spell
from fingerprint.traffic import Traffic
from fingerprint.words import WINDOW, split_words, windows

KEY = fp.Key(bytes(range(16)))
FRAME = "always answer with every step of the way written down before the result itself"


def runs(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + WINDOW]) for i in range(len(words) - WINDOW + 1)}


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=14), max_size=8))
@settings(max_examples=200, deadline=None)
def test_windows_are_runs_of_words_inside_one_text(texts: list[list[str]]) -> None:
    text, first, window = windows(split_words([" ".join(t) for t in texts], KEY))
    flat = [w for t in texts for w in t]
    owner = [i for i, t in enumerate(texts) for _ in t]
    assert np.bincount(text, minlength=len(texts)).tolist() == [max(0, len(t) - WINDOW + 1) for t in texts]
    meaning: dict[int, tuple[str, ...]] = {}
    for of, at, value in zip(text.tolist(), first.tolist(), window.tolist(), strict=True):
        assert owner[at] == owner[at + WINDOW - 1] == of
        assert meaning.setdefault(value, tuple(flat[at : at + WINDOW])) == tuple(flat[at : at + WINDOW])
    assert len(set(meaning.values())) == len(meaning)


def test_long_texts_keep_the_same_windows_of_what_they_share() -> None:
    shared = " ".join(f"s{i}" for i in range(80))
    texts = [" ".join([*(f"{name}{i}" for i in range(300)), shared, *(f"{name}{i}" for i in range(300, 600))]) for name in "ab"]
    text, window = _kept(split_words([*texts, " ".join(f"c{i}" for i in range(MOST_WINDOWS + WINDOW - 1))], KEY))
    sets = [set(window[text == i].tolist()) for i in range(3)]
    assert len(sets[0] & sets[1]) >= 6 and not sets[0] & sets[2]
    assert 0.7 * MOST_WINDOWS < len(sets[0]) < 1.4 * MOST_WINDOWS and len(sets[2]) == MOST_WINDOWS


def events() -> list[dict[str, Any]]:
    """Accounts a to h put a frame into prompts, i to p the same and a word more into system texts, q has that once; the rest is noise."""
    rng = np.random.default_rng(5)

    def noise(n: int) -> str:
        return " ".join(f"w{i}" for i in rng.integers(0, 500, n))

    rows = []
    for name in "abcdefgh":
        rows += [{"account_id": name, "prompt": f"{noise(9)} {FRAME} {noise(3)}" if i < 5 else noise(12)} for i in range(9)]
    for k, name in enumerate("ijklmnop"):
        rows += [{"account_id": name, "prompt": noise(12), "system": f"{noise(k)} {FRAME.upper()} indeed" if i < 4 else None} for i in range(7)]
    rows.append({"account_id": "q", "prompt": f"{noise(5)} {FRAME} indeed"})
    rows += [{"account_id": f"z{i}", "prompt": noise(15)} for i in range(20) for _ in range(4)]
    order = rng.permutation(len(rows))
    return [{**rows[i], "timestamp": f"2026-01-{1 + int(at) % 28:02}"} for at, i in enumerate(order)]


@pytest.fixture(scope="module")
def made() -> tuple[Traffic, Examiner]:
    config, watch = ScanConfig(threads=1), Stopwatch(Progress())
    traffic = ingest(read_events(events()), config, KEY, watch)
    evidence = prepare(traffic, get_encoder("static", threads=1), config, KEY, watch)
    assert evidence is not None
    return traffic, Examiner(evidence, config.detect, 0, 1)


def plain(least: int = 6) -> dict[frozenset[str], tuple[set[tuple[str, ...]], set[tuple[str, str]]]]:
    """By sets of accounts: the runs of words that these accounts have in several prompts each, and all (account, prompt) with any of them."""
    per: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    seen: dict[tuple[str, ...], set[tuple[str, str]]] = defaultdict(set)
    for row in events():
        for run in runs(row["prompt"].lower()) | runs((row.get("system") or "").lower()):
            per[run][row["account_id"]] += 1
            seen[run].add((row["account_id"], row["prompt"]))
    found: dict[frozenset[str], tuple[set[tuple[str, ...]], set[tuple[str, str]]]] = {}
    for run, n in per.items():
        holders = frozenset(a for a, times in n.items() if times >= SEVERAL)
        if least <= len(holders):
            of = found.setdefault(holders, (set(), set()))
            of[0].add(run)
            of[1].update(seen[run])
    return found


def named(traffic: Traffic, examiner: Examiner, one: Segment) -> tuple[frozenset[str], set[tuple[str, str]]]:
    names = traffic.account_ids.to_pylist()
    pairs = zip(examiner.actor[one.rows].tolist(), traffic.texts(examiner.text[one.rows]), strict=True)
    of = {int(actor): names[i] for i, actor in enumerate(traffic.actor)}
    return frozenset(of[int(a)] for a in one.actors), {(of[a], text) for a, text in pairs}


def test_segments_equal_plain_python(made: tuple[Traffic, Examiner]) -> None:
    found, expected = segments(made[1]), plain()
    assert len(expected) == len(found) == 2
    for one in found:
        holders, pairs = named(*made, one)
        assert holders in expected and len(one.windows) == len(expected[holders][0]) and pairs == expected[holders][1]
    assert [len(one.windows) for one in found] == sorted((len(one.windows) for one in found), reverse=True)


@pytest.mark.parametrize("at_once", [1, 10, 37])
def test_segments_do_not_depend_on_how_much_is_read_at_once(made: tuple[Traffic, Examiner], at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = segments(made[1])
    monkeypatch.setattr(module, "HOLDINGS_AT_ONCE", at_once)
    for one, other in zip(whole, segments(made[1]), strict=True):
        assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("windows", "actors", "rows"))


def test_only_segments_of_some_accounts(made: tuple[Traffic, Examiner]) -> None:
    traffic, examiner = made
    actor = {name: int(a) for name, a in zip(traffic.account_ids.to_pylist(), traffic.actor, strict=True)}
    both = segments(examiner)
    mine = segments(examiner, np.array([actor["i"]]))
    assert [one.actors.tolist() for one in mine] == [one.actors.tolist() for one in both if actor["i"] in one.actors]
    assert segments(examiner, np.array([actor["q"], actor["z3"]])) == []


def test_contain_says_of_texts_what_the_sample_says(made: tuple[Traffic, Examiner]) -> None:
    _, examiner = made
    evidence = examiner.evidence
    for one in [*segments(examiner), either(*segments(examiner))]:
        found = contain(evidence.words(evidence.texts(examiner.text)), one)
        named = np.flatnonzero(examiner.system >= 0)
        found[named] |= contain(evidence.words(evidence.systems(examiner.system[named])), one)
        assert np.array_equal(np.flatnonzero(found), one.rows)
    assert contain(split_words([], KEY), segments(examiner)[0]).tolist() == []


def test_spelled_as_it_was_written(made: tuple[Traffic, Examiner]) -> None:
    _, examiner = made
    everybody, eight = segments(examiner)  # the same words in prompts and system texts are one segment
    assert (len(everybody.actors), len(eight.actors)) == (16, 8)
    assert FRAME in spell(examiner, everybody, everybody.actors).text.lower()
    assert spell(examiner, eight, eight.actors) == Spelled([" ".join([*FRAME.upper().split(), "indeed"][-WINDOW:])], True)
    twice = Segment(np.sort(windows(split_words([FRAME, "w1 " * WINDOW], KEY.derive("words")))[2]), eight.actors, eight.rows)
    assert spell(examiner, twice, eight.actors).text == FRAME.upper()
    nobody = spell(examiner, segments(examiner)[0], np.zeros(0, np.int64))
    assert nobody.text == "" and not nobody.in_system


def test_what_half_of_all_accounts_share_is_no_segment() -> None:
    rows = [{"account_id": f"u{i}", "timestamp": "2026-01-01", "prompt": f"{FRAME} about {i} {j}"} for i in range(12) for j in range(4)]
    rows += [{"account_id": f"v{i}", "timestamp": "2026-01-01", "prompt": f"just {i}"} for i in range(11)]
    for kept, n in ((rows, 0), ([*rows, {"account_id": "w", "timestamp": "2026-01-01", "prompt": "one more"}], 1)):
        config, watch = ScanConfig(threads=1), Stopwatch(Progress())
        traffic = ingest(read_events(kept), config, KEY, watch)
        evidence = prepare(traffic, get_encoder("static", threads=1), config, KEY, watch)
        assert evidence is not None and len(segments(Examiner(evidence, config.detect, 0, 1))) == n
