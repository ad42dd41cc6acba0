"""The memo: what is remembered is what would be made, nothing stays that is not asked for, and detection finds with it what it finds without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fingerprint as fp
from fingerprint import codes, vectors
from fingerprint.encoders import get_encoder
from fingerprint.ingest import ingest
from fingerprint.memo import Memo, digest
from fingerprint.pipeline import judge, prepare
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import read_events
from fingerprint.simulate import CampaignConfig, LookalikeConfig, WorldConfig, simulate
from fingerprint.store import name_texts
from fingerprint.traffic import Traffic

KEY = fp.Key(bytes(range(16)))
CONFIG = fp.ScanConfig(controls=False, threads=1, detect=fp.DetectConfig(sample=24))
WORLD = WorldConfig(
    "small", 2000, 100, days=12, org_share=0.2,
    campaigns=(CampaignConfig("reasoning", "reasoning", 16, 480, template=("{p}\n\nThink aloud, every step, then say what comes out.",), start_day=1, days=11),
               CampaignConfig("plain", "tools", 20, 500, start_day=1, days=11)),
    lookalikes=(LookalikeConfig("desk", "app", 6, 10), LookalikeConfig("viral", "viral", 8, 3, own=0.6)))


def plain(texts: list[int]) -> np.ndarray:
    return np.array([[t * 3, t % 5] for t in texts], np.int64).reshape(len(texts), 2)


ASKED = st.lists(st.lists(st.integers(1, 30), unique=True, max_size=12), min_size=1, max_size=6)


@settings(deadline=None)
@given(ASKED)
def test_rows_are_made_once_and_kept_while_they_are_asked_for(calls: list[list[int]]) -> None:
    memo, before = Memo(), set[int]()
    for texts in calls:
        made: list[int] = []

        def make(which: np.ndarray, texts: list[int] = texts, made: list[int] = made) -> tuple[np.ndarray, np.ndarray]:
            made += [texts[i] for i in which]
            return plain([texts[i] for i in which]), np.array([texts[i] for i in which], np.int8)

        memo.begin()
        twice, narrow = memo.rows("r", b"", np.array(texts, np.uint64), make)
        memo.end()
        assert twice.tolist() == plain(texts).tolist() and narrow.tolist() == texts
        assert sorted(made) == sorted(set(texts) - before)
        before = set(texts)


@settings(deadline=None)
@given(ASKED)
def test_lists_are_made_once_and_kept_while_they_are_asked_for(calls: list[list[int]]) -> None:
    memo, before = Memo(), set[int]()
    for texts in calls:
        made: list[int] = []

        def make(which: np.ndarray, texts: list[int] = texts, made: list[int] = made) -> tuple[np.ndarray, np.ndarray]:
            made += [texts[i] for i in which]
            pairs = [(place, texts[i] * 100 + j) for place, i in enumerate(which) for j in range(texts[i] % 4)]
            return np.array([p for p, _ in pairs], np.int64), np.array([v for _, v in pairs], np.uint64)

        memo.begin()
        starts, values = memo.lists("l", b"", np.array(texts, np.uint64), make)
        memo.end()
        found = [values[starts[i] : starts[i + 1]].tolist() for i in range(len(texts))]
        assert found == [[t * 100 + j for j in range(t % 4)] for t in texts] and len(values) == starts[-1]
        assert sorted(made) == sorted(set(texts) - before)
        before = set(texts)


def test_what_one_detection_does_not_ask_for_is_forgotten() -> None:
    memo, made = Memo(), []

    def ask(*names: str) -> None:
        memo.begin()
        for name in names:
            assert memo.get("g", name.encode(), lambda name=name: made.append(name) or name.upper()) == name.upper()
        memo.end()

    ask("a", "b")
    ask("a", "a")
    ask("b", "a")
    assert made == ["a", "b", "b"] and memo.known("g", b"c") is None
    memo.clear()
    ask("a")
    assert made == ["a", "b", "b", "a"]
    memo.begin()  # cut off before its end
    memo.begin()
    assert memo.known("g", b"a") == "A"


def test_one_that_remembers_nothing_makes_everything() -> None:
    memo, made = Memo(is_kept=False), []
    for _ in range(2):
        memo.begin()
        memo.get("g", b"", lambda: made.append("g") or 1)
        memo.rows("r", b"", np.arange(3, dtype=np.uint64), lambda which: made.append("r") or (which,))
        memo.end()
    assert made == ["g", "r"] * 2


def test_digests_tell_values_kinds_and_shapes_apart() -> None:
    parts: list[tuple[Any, ...]] = [
        (np.arange(6),), (np.arange(6, dtype=np.int32),), (np.arange(6).reshape(2, 3),), (np.arange(6), b""), (b"ab", b"c"), (b"a", b"bc"), (1,), ("1",),
        (1.0,), (np.arange(3), np.arange(3, 6)), ()]
    assert len({digest(*part) for part in parts}) == len(parts)
    assert digest(np.arange(12)[::2]) == digest(np.arange(12)[::2].copy()) and len(digest()) == 16


def traffic(events: pa.Table) -> Traffic:
    return ingest(read_events(events), CONFIG, KEY, Stopwatch(Progress()))


def detect(seen: Traffic, memo: Memo | None) -> list[Any]:
    """Everything that a detection says, as plain values."""
    watch = Stopwatch(Progress())
    evidence = prepare(seen, get_encoder("static", threads=1), CONFIG, KEY, watch, memo=memo)
    if evidence is None:
        return []
    verdict = judge(seen, evidence, CONFIG, watch, memo)
    return [[c.to_dict() for c in verdict.campaigns], [c.to_dict() for c in verdict.examined], [rows.tolist() for rows in verdict.charged],
            [(trigrams.tolist(), n) for trigrams, n in verdict.phrases], verdict.topics.to_pylist(), verdict.n_prevalent, verdict.n_topics_left_out]


def states() -> Iterator[tuple[str, pa.Table]]:
    """Yield a log as it grows, moves on, and is asked to forget an account and, in the end, everything."""
    events = simulate(WORLD, 2).events.select(["account_id", "timestamp", "prompt", "org_id", "conversation_id"]).sort_by("timestamp")
    n, end = len(events), pc.max(events["timestamp"]).as_py()
    yield "most of it", events.slice(0, int(0.97 * n))
    yield "1 % more", events.slice(0, int(0.98 * n))
    yield "a new day", events
    late = events.slice(n // 2, 3)
    again = late.set_column(2, "prompt", pa.array([f" {p.upper()}  " for p in late["prompt"].to_pylist()], pa.large_string()))
    more = pa.concat_tables([events, again.set_column(1, "timestamp", pa.array([end + timedelta(minutes=i) for i in range(3)], events.schema.field(1).type))])
    yield "other spellings of settled prompts", more
    gone = more.slice(int(0.015 * n))
    yield "old events gone", gone
    heaviest = max(gone.group_by("account_id").aggregate([([], "count_all")]).to_pylist(), key=lambda row: row["count_all"])["account_id"]
    yield "an account gone", gone.filter(pc.not_equal(gone["account_id"], heaviest))
    yield "everything gone", gone.slice(0, 0)


def held(value: Any) -> Iterator[Any]:
    """Yield all arrays, texts and bytes that a memo holds."""
    if isinstance(value, dict | list | tuple):
        for part in value.items() if isinstance(value, dict) else value:
            yield from held(part)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from held(getattr(value, name))
    else:
        yield value


@pytest.mark.parametrize("exact_limit", [30_000, 600], ids=["exact", "approximate"])
def test_a_detection_with_a_memo_finds_what_one_without_finds(exact_limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "EXACT_LIMIT", exact_limit)
    monkeypatch.setattr(codes, "PER_CELL", 8)
    memo, n_found, before = Memo(), [], None
    for what, events in states():
        if exact_limit < 1000 and what not in ("most of it", "1 % more", "an account gone"):
            continue
        seen = traffic(events)
        found = detect(seen, memo)
        assert found == detect(seen, None), what
        n_found.append(len(found[0]) if found else 0)
        values = list(held(memo._used))
        assert not any(isinstance(v, str) and len(v) > 30 for v in values), "no text is kept"
        if before is not None:
            left = np.setdiff1d(before.exact, seen.exact)
            gone = np.concatenate([left, name_texts(before.take(np.searchsorted(before.exact, left)), KEY.derive("spelling"))])
            assert not any(np.isin(v, gone).any() for v in values if isinstance(v, np.ndarray) and v.dtype == np.uint64), what
        before = seen
    assert max(n_found) == 2 and not memo._known
    assert exact_limit < 1000 or not memo._used
