"""History: what others asked before is known, what one's own accounts asked is not, however the history is split and kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from shards_fixture import MEDIUM

import fingerprint as fp
from fingerprint import holders
from fingerprint.cli import main
from fingerprint.config import SketchConfig
from fingerprint.errors import InputError
from fingerprint.history import Known, look_up, novelty
from fingerprint.prevalence import Hashing, Prevalence
from fingerprint.simulate import campaign_prompts
from fingerprint.templates import shared_trigrams, strip_shared, trigrams
from fingerprint.words import split_words

KEY = fp.Key(bytes(range(16)))
HASHING = Hashing(KEY, SketchConfig())
QUERIES = campaign_prompts("reasoning", 60, 1)
OTHERS = campaign_prompts("code", 200, 2)
FRAME = "You are a careful grader. Score the answer below from one to ten and say why. "


def remembered(rows: list[tuple[str, str]], size: int = 1000) -> Prevalence:
    made = HASHING.new()
    for low in range(0, len(rows), size):
        names, prompts = zip(*rows[low : low + size], strict=True)
        HASHING.observe(made, list(names), pa.array(prompts, pa.large_string()))
    return made


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_near_duplicates_of_others_are_known_and_ones_own_are_not(size: int) -> None:
    rows = [("other", QUERIES[0].upper()), ("other", QUERIES[1]), ("mine", QUERIES[2]), ("mine", QUERIES[0]), *(("x", p) for p in OTHERS[:50])]
    past = remembered(rows, size)
    known = look_up(past, HASHING, QUERIES, ["mine"] * 60, ["mine", "mine too"])
    assert known == Known(60, 2, -1, 2, 1)
    assert (past.n_prompts, len(past.accounts)) == (54, 3)
    assert look_up(past, HASHING, QUERIES[:3], ["other", "x", "mine"]).n_known == 2, "of the third only its own sender asked"
    assert look_up(past, HASHING, ["", "\u200b"], ["a", "b"]) == Known(0, 0)
    assert look_up(past, HASHING, [], []) == Known(0, 0)


def test_nearly_the_same_text_is_known_and_another_is_not() -> None:
    long = [" ".join(OTHERS[i : i + 4]) for i in range(0, 160, 4)]
    past = remembered([("x", p) for p in long])
    near = [p + " Thanks!" for p in long]
    assert look_up(past, HASHING, near, ["y"] * 40).n_known >= 36
    assert look_up(past, HASHING, QUERIES, ["y"] * 60).n_known == 0


def test_shared_text_of_a_finding_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    words = split_words([FRAME + q for q in QUERIES], KEY.derive("words"))
    shared, least = shared_trigrams(strip_shared(words, np.arange(60) % 6))
    assert least >= 3
    prompts, senders = [FRAME + q for q in QUERIES], ["mine"] * 60
    rows = [("a", FRAME + OTHERS[0]), ("b", OTHERS[1]), ("c", FRAME.lower() + OTHERS[2]), ("mine", FRAME)]
    assert look_up(remembered(rows), HASHING, prompts, senders, ["mine"], shared, least).n_users == 2
    many = remembered([(f"u{i}", FRAME + OTHERS[i]) for i in range(100)])
    found = look_up(many, HASHING, prompts, senders, ["mine"], shared, least)
    assert found.n_users == holders.MAX_HOLDERS and "by at least 64 other accounts" in novelty(found, Known(10, 1), many).reading
    many.phrases.limit = 0
    assert look_up(many, HASHING, prompts, senders, ["mine"], shared, least).n_users == -1, "none of it can be looked up"


def test_a_text_beside_the_prompts_is_followed_as_well() -> None:
    shared = np.unique(trigrams(split_words([FRAME], KEY.derive("words")))[1])
    past = HASHING.new()
    systems = pa.array([None, FRAME, FRAME, FRAME.upper(), "something else that is quite as long", None], pa.large_string())
    HASHING.observe(past, ["a", "b", "b", "c", "d", "mine"], pa.array(OTHERS[:6], pa.large_string()), systems)
    HASHING.observe(past, ["mine"], pa.array(OTHERS[6:7], pa.large_string()), pa.array([FRAME], pa.large_string()))
    HASHING.observe(past, ["e"], pa.array(OTHERS[7:8], pa.large_string()), pa.nulls(1, pa.large_string()))
    assert look_up(past, HASHING, [], [], ["mine"], shared, len(shared)).n_users == 2


def test_a_full_sketch_still_compares() -> None:
    """Of a history larger than the sketch a part of the texts can be looked up, and of those as many are known."""
    past = HASHING.new()
    past.texts.capacity = 300
    HASHING.observe(past, ["x"] * 200, pa.array(OTHERS, pa.large_string()))
    past.texts.settle()
    rest = look_up(past, HASHING, OTHERS, ["y"] * 200)
    assert 50 < rest.n_asked < 200 and rest.n_known == rest.n_asked
    assert look_up(past, HASHING, QUERIES, ["y"] * 60).n_known == 0
    assert novelty(look_up(past, HASHING, QUERIES, ["y"] * 60), rest, past).passed


def test_novelty_is_judged_by_the_rest_of_the_traffic() -> None:
    past = remembered([("x", p) for p in [*OTHERS[:80], *QUERIES[:20]]])
    rest = look_up(past, HASHING, OTHERS, ["y"] * 200)
    fresh = novelty(look_up(past, HASHING, QUERIES[20:], ["a"] * 40, ["a", "b"]), rest, past)
    usual = novelty(look_up(past, HASHING, QUERIES, ["c"] * 60, ["c"]), rest, past)
    assert fresh.passed and fresh.statistic == 0 and fresh.p is not None and fresh.p < 1e-6 and not fresh.decides
    assert not usual.passed and usual.statistic == pytest.approx(1 / 3) and "0 of its 1 accounts" in usual.reading
    nothing = novelty(Known(0, 0), rest, past)
    assert not nothing.passed and nothing.p == 1.0


def test_scan_with_history_as_a_dump_as_a_file_and_as_both(tmp_path: Path) -> None:
    """Campaigns in a small world; the saved prevalence gives what the dump gives, and without a history nothing is said."""
    events = fp.simulate.simulate(MEDIUM, 4).events
    config = fp.ScanConfig(controls=False)
    before = [{"account_id": f"old{i % 30}", "timestamp": "2025-01-01T00:00:00Z", "prompt": p} for i, p in enumerate(OTHERS)]
    pq.write_table(pa.Table.from_pylist(before), tmp_path / "old.parquet")
    KEY.save(tmp_path / "key")
    told = CliRunner().invoke(main, ["prevalence", str(tmp_path / "old.parquet"), "--key-file", str(tmp_path / "key"), "--out", str(tmp_path / "o.prevalence")])
    assert told.exit_code == 0 and "200 prompts of 30 accounts" in told.output
    found = [fp.scan(events, config=config, key=KEY, history=past) for past in (before, str(tmp_path / "o.prevalence"))]
    tests = [[t for c in scan.campaigns for t in c.tests if t.name == "novelty"] for scan in found]
    assert len(tests[0]) == len(found[0].campaigns) == 2 and tests[0] == tests[1]
    assert [scan.manifest["history"]["prompts"] for scan in found] == [200, 200] and found[1].manifest["history"]["accounts"] == 30
    both = fp.scan(events.slice(0, 50), config=config, key=KEY, history=[tmp_path / "o.prevalence", tmp_path / "old.parquet"])
    assert both.manifest["history"] == {"inputs": [str(tmp_path / "o.prevalence"), str(tmp_path / "old.parquet")], "read": 200, "prompts": 400, "accounts": 30}
    assert fp.scan(events.slice(0, 50), config=config, key=KEY).manifest["history"] is None
    with pytest.raises(InputError, match="made with key"):
        fp.scan(events.slice(0, 50), config=config, key=fp.Key(bytes(16)), history=str(tmp_path / "o.prevalence"))


def test_the_command_adds_files_and_refuses_other_names(tmp_path: Path) -> None:
    KEY.save(tmp_path / "key")
    for i in range(2):
        (tmp_path / f"{i}.jsonl").write_text(json.dumps({"account_id": f"a{i}", "timestamp": "2026-01-01", "prompt": f"hello there number {i}"}))
    common = ["--key-file", str(tmp_path / "key"), "--out", str(tmp_path / "k.prevalence")]
    assert CliRunner().invoke(main, ["prevalence", str(tmp_path / "0.jsonl"), *common]).exit_code == 0
    told = CliRunner().invoke(main, ["prevalence", str(tmp_path / "k.prevalence"), str(tmp_path / "1.jsonl"), *common])
    assert told.exit_code == 0 and "2 prompts of 2 accounts" in told.output
    for out, word in (("k.arrow", "ends in .prevalence"), ("none/k.prevalence", "no folder")):
        refused = CliRunner().invoke(main, ["prevalence", str(tmp_path / "0.jsonl"), "--out", str(tmp_path / out)])
        assert refused.exit_code == 2 and word in refused.output
