"""History: what others asked before is known, what one's own accounts asked is not, however the history is split."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

import fingerprint as fp
from fingerprint.config import SketchConfig
from fingerprint.history import Sought, novelty, read_history, seek
from fingerprint.simulate import campaign_prompts
from fingerprint.templates import contains_shared, shared_trigrams, strip_shared
from fingerprint.words import split_words

KEY, CONFIG = fp.Key(bytes(range(16))), SketchConfig()
QUERIES = campaign_prompts("reasoning", 60, 1)
OTHERS = campaign_prompts("code", 200, 2)
FRAME = "You are a careful grader. Score the answer below from one to ten and say why. "
NONE = np.zeros(0, np.uint64)


def batches(rows: list[tuple[str, str]], size: int = 1000) -> Iterator[pa.RecordBatch]:
    for low in range(0, len(rows), size):
        names, prompts = zip(*rows[low : low + size], strict=True)
        yield pa.record_batch({"account_id": pa.array(names, pa.string()), "prompt": pa.array(prompts, pa.large_string())})


def look(prompts: list[str], accounts: set[str], shared: np.ndarray = NONE, least: int = 0) -> Sought:
    return seek(prompts, accounts, shared, least, KEY, CONFIG)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_near_duplicates_of_others_are_known_and_ones_own_are_not(size: int) -> None:
    rows = [("other", QUERIES[0].upper()), ("other", QUERIES[1] + "!"), ("mine", QUERIES[2]), ("mine", QUERIES[0]), *(("x", p) for p in OTHERS[:50])]
    one = look(QUERIES, {"mine", "mine too"})
    history = read_history(batches(rows, size), [one], KEY, CONFIG)
    assert np.flatnonzero(one.known).tolist() == [0, 1] and one.returned == {"mine"}
    assert history.n_prompts == 54 and history.accounts == {"other", "mine", "x"}


def test_shared_text_of_a_finding_is_followed() -> None:
    words = split_words([FRAME + q for q in QUERIES], KEY.derive("words"))
    shared, least = shared_trigrams(strip_shared(words, np.arange(60) % 6))
    assert least >= 3 and contains_shared(words, shared, least).all()
    assert not contains_shared(split_words(OTHERS, KEY.derive("words")), shared, least).any()
    one = look([FRAME + q for q in QUERIES], {"mine"}, shared, least)
    read_history(batches([("a", FRAME + OTHERS[0]), ("b", OTHERS[1]), ("c", FRAME.lower() + OTHERS[2]), ("mine", FRAME)]), [one], KEY, CONFIG)
    assert one.users == {"a", "c"}
    bare = split_words(QUERIES, KEY.derive("words"))
    assert shared_trigrams(strip_shared(bare, np.arange(60)))[1] in (0, shared_trigrams(strip_shared(bare, np.arange(60)))[1])


def test_novelty_is_judged_by_the_rest_of_the_traffic() -> None:
    rest = look(OTHERS, set())
    new, old = look(QUERIES, {"a", "b"}), look(QUERIES, {"c"})
    history = read_history(batches([("x", p) for p in OTHERS[:80]]), [rest, new], KEY, CONFIG)
    read_history(batches([("x", p) for p in QUERIES[:20]]), [old], KEY, CONFIG)
    fresh, usual = novelty(new, rest, history), novelty(old, rest, history)
    assert fresh.passed and fresh.statistic == 0 and fresh.p is not None and fresh.p < 1e-6 and not fresh.decides
    assert not usual.passed and usual.statistic == pytest.approx(1 / 3) and "0 of its 1 accounts" in usual.reading


def test_scan_with_history() -> None:
    """A campaign whose frame a history knows, in a small world; without a history nothing is said."""
    rows = fp.simulate.simulate("demo", 4).events.to_pylist()
    config = fp.ScanConfig(controls=False)
    before = [{"account_id": f"old{i % 30}", "timestamp": "2025-01-01T00:00:00Z", "prompt": p} for i, p in enumerate(OTHERS)]
    found = fp.scan(rows, config=config, key=KEY, history=before)
    assert len(found.campaigns) == 3 and all(any(t.name == "novelty" for t in c.tests) for c in found.campaigns)
    assert found.manifest["history"]["accepted"] == 200 and found.manifest["history"]["accounts"] == 30
    assert fp.scan(rows[:50], config=config, key=KEY).manifest["history"] is None
