"""Topics: planted subjects come out with their words; hostile text, none, and no traffic at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fingerprint as fp
from fingerprint.report.files import load_scan
from fingerprint.report.html import render
from fingerprint.topics import LEAST, N_WORDS, READ, SHOWN_CHARS, WORD_CHARS, _medoids, _some_of_each, no_topics, telling_words
from fingerprint.words import split_words

KEY = fp.Key(bytes(16))
SUBJECTS = {
    "bread": ("sourdough starter flour oven crust knead dough yeast", "My {} and {} went wrong when I baked the {} bread, what about the {}?"),
    "taxes": ("deduction income refund withholding audit salary pension filing", "Which {} form do I need for the {} tax on {} this {} season?"),
    "sailing": ("mast keel rigging anchor jib harbour rudder spinnaker", "The {} of my sailing boat and its {} hit the {} near the {} yesterday"),
    "中文": ("水池 进水 注满 排空 管道 小时 水位 阀门", "请问{}和{}的计算方法，{}以及{}怎么办"),
}


def rows(n_each: int = 120, write: str = "{}") -> list[dict[str, str]]:
    rng = np.random.default_rng(0)
    made = []
    for words, frame in SUBJECTS.values():
        for i in range(n_each):
            text = frame.format(*rng.permutation(words.split())[:4])
            made.append({"account_id": f"user-{rng.integers(40)}", "timestamp": f"2026-01-{1 + i % 28:02}T0{i % 10}:00:00Z", "prompt": write.format(text)})
    return made


@pytest.fixture(scope="module")
def scan() -> fp.Scan:
    return fp.scan(rows(), key=KEY, config=fp.ScanConfig(controls=False))


def subject_of(prompt: str) -> str:
    return next(name for name, (_, frame) in SUBJECTS.items() if max(frame.split("{}"), key=len) in prompt)


def test_planted_subjects_come_out_with_their_words(scan: fp.Scan) -> None:
    topics = scan.topics.to_pylist()
    assert {subject_of(row["prompt"]) for row in topics} == set(SUBJECTS)
    told = {subject_of(row["prompt"]): set() for row in topics}
    for row in topics:
        words, frame = SUBJECTS[subject_of(row["prompt"])]
        assert 0 < len(row["words"]) <= N_WORDS and LEAST <= row["n_texts"] <= row["n_prompts"] and 1 <= row["n_accounts"] <= 40
        own = (words + frame).lower()
        assert all(word in own if word.isascii() else set(word) <= set(own) for word in row["words"]), "no word of another subject"
        told[subject_of(row["prompt"])].update(row["words"])
    assert all(told.values()) and told["bread"] & {"bread", "baked", "wrong"} and told["sailing"] & {"boat", "sailing"} and told["taxes"] & {"form", "tax"}
    assert all(len(word) == 2 for word in told["中文"]), "of ideographs, two are a word"
    n = [row["n_texts"] for row in topics]
    assert n == sorted(n, reverse=True) and [row["topic"] for row in topics] == list(range(len(topics)))
    assert scan.manifest["counts"]["topics"] == len(topics) and scan.manifest["counts"]["topics_left_out"] >= 0


def test_equal_input_gives_equal_topics(scan: fp.Scan) -> None:
    for threads in (1, 2):
        assert fp.scan(rows(), key=KEY, config=fp.ScanConfig(controls=False, threads=threads)).topics.equals(scan.topics)


def test_topics_are_saved_shown_and_loaded(scan: fp.Scan, tmp_path: Path) -> None:
    scan.save(tmp_path)
    assert load_scan(tmp_path).topics.equals(scan.topics)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "What the prompts are about" in page and all(f"<bdi>{word}</bdi>" in page for word in scan.topics["words"][0].as_py())


def test_without_text_words_are_left_out_too(scan: fp.Scan, tmp_path: Path) -> None:
    bare = fp.scan(rows(), key=KEY, config=fp.ScanConfig(controls=False, text=False))
    assert bare.topics["words"].null_count == bare.topics["prompt"].null_count == len(scan.topics)
    assert bare.topics["n_texts"].equals(scan.topics["n_texts"]) and bare.topics.schema.equals(scan.topics.schema)
    marked = fp.Scan(**{**{name: getattr(bare, name) for name in scan.__slots__}, "topics": scan.topics})
    marked.save(tmp_path)
    assert load_scan(tmp_path).topics.equals(bare.topics), "nor are they written where the table has them"
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "sourdough" not in page and "spinnaker" not in page


def test_hostile_text_stays_text() -> None:
    evil = "<script>alert(1)</script> \u202e" + "{} " + "ｗ" * 300 + "\x1b[31m"
    found = fp.scan(rows(60, evil), key=KEY, config=fp.ScanConfig(controls=False))
    assert len(found.topics) and max(len(word) for words in found.topics["words"].to_pylist() for word in words) <= WORD_CHARS
    assert max(len(prompt) for prompt in found.topics["prompt"].to_pylist()) <= SHOWN_CHARS
    page = render(found)
    assert "<script>alert" not in page and "\u202e" not in page and "\x1b" not in page and "What the prompts are about" in page


@pytest.mark.parametrize("given", [[], rows(1)[:1], rows(1)[:2], [{**row, "prompt": ""} for row in rows(9)]], ids=["nothing", "one", "two", "blank"])
def test_little_traffic_has_no_topics(given: list[dict[str, str]]) -> None:
    found = fp.scan(given, key=KEY)
    assert found.topics.equals(no_topics()) and found.manifest["counts"]["topics"] == 0
    assert "What the prompts are about" in render(found)


def test_log_odds_against_plain_counting() -> None:
    texts = ["the cat the cat sat", "the cat ran", "the dog ran", "the dog sat", "the big dog"]
    assert telling_words(split_words(texts * 40, KEY), np.array([0, 0, 1, 1, 1] * 40), 2) == [["cat"], ["dog", "big"]]
    assert telling_words(split_words(["", "?!"], KEY), np.array([0, 1]), 3) == [[], [], []]
    assert telling_words(split_words(["hm"] * 5, KEY), np.zeros(5, np.int64), 1) == [[]], "what all use tells nothing"
    assert telling_words(split_words(["水池 水", "水池", "a", "b"] * 9, KEY), np.array([0, 0, 1, 1] * 9), 2)[0] == ["水池"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=60), st.integers(0, 3)), max_size=30))
def test_any_text_has_words_or_none(texts: list[tuple[str, int]]) -> None:
    words = telling_words(split_words([text.encode("utf-8", "replace").decode() for text, _ in texts], KEY), np.array([t for _, t in texts], np.int64), 4)
    assert len(words) == 4 and all(len(w) <= N_WORDS and all(0 < len(x) <= WORD_CHARS for x in w) for w in words)


def test_a_medoid_is_nearest_to_the_mean() -> None:
    rng = np.random.default_rng(1)
    topic = rng.integers(-1, 5, 900)
    point, of = _some_of_each(topic, 0)
    assert (topic[point] == of).all() and (np.bincount(of) == READ).all() and len(np.unique(point)) == len(point)
    assert (np.concatenate(_some_of_each(topic, 0)) == np.concatenate([point, of])).all()
    vectors = rng.standard_normal((len(point), 8)).astype(np.float32)
    found = _medoids(vectors, point, of, 5)
    for t in range(5):
        mine = vectors[of == t]
        assert found[t] == point[of == t][(mine @ mine.sum(0)).argmax()]
    assert len(_medoids(vectors[:0], point[:0], of[:0], 0)) == 0 and isinstance(no_topics(), pa.Table)
