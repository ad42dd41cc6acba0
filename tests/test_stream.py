"""The stream detector: the answer of a scan, whatever way the events took; near duplicates as they come; counts that add up; erasure."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import fingerprint as fp
from fingerprint.errors import ConfigError, InputError
from fingerprint.simulate import simulate
from fingerprint.stream.care import verify

CLOCK_S = 1_800_000_000.0
START_S = 1_767_225_600


def config(**options: Any) -> fp.StreamConfig:
    return fp.StreamConfig(**{"scan": fp.ScanConfig(controls=False), "durability": "fast", "window_s": 60 * 86_400.0, **options})


def opened(folder: Path, key: fp.Key, **options: Any) -> fp.Detector:
    return fp.Detector.open(folder, config(**options), key=key, clock=lambda: CLOCK_S)


def event(account: str, at_s: float, prompt: Any, **more: Any) -> dict[str, Any]:
    return {"account_id": account, "timestamp": START_S + at_s, "prompt": prompt, **more}


def plain(campaigns: list[fp.Campaign]) -> list[dict[str, Any]]:
    """Return campaigns without the numbers of rows, which are those of a file."""
    found = json.loads(json.dumps([campaign.to_dict() for campaign in campaigns]))
    for campaign in found:
        for representative in campaign["representatives"]:
            del representative["row"]
    return found


@pytest.fixture(scope="module")
def world() -> pa.Table:
    """Traffic with campaigns."""
    return simulate("demo", 4).events.slice(0, 9000).combine_chunks()


@pytest.fixture(scope="module")
def scanned(world: pa.Table, key: fp.Key) -> list[dict[str, Any]]:
    """What a scan finds in it."""
    found = fp.scan(world, config=config().scan, key=key).campaigns
    assert found and sum(campaign.n_accounts for campaign in found) > 20
    return plain(found)


def test_the_stream_finds_what_a_scan_finds(world: pa.Table, scanned: list[dict[str, Any]], key: fp.Key, tmp_path: Path) -> None:
    """Cut anywhere, folded and closed in between, killed once."""
    rng = np.random.default_rng(3)
    cuts = np.sort(rng.integers(0, len(world), 12)).tolist()
    detector = opened(tmp_path, key)
    for number, (low, high) in enumerate(zip([0, *cuts], [*cuts, len(world)], strict=True)):
        detector.observe(world.slice(low, high - low))
        if number == 3:
            detector.snapshot()
        elif number == 6:
            detector.close()
            detector = opened(tmp_path, key)
        elif number == 9:
            detector._state.abandon()
            detector = opened(tmp_path, key)
    found = detector.findings()
    assert plain([finding.campaign for finding in found.findings]) == scanned
    assert [change.kind for change in found.changes] == ["new"] * len(scanned)
    charged = found.findings[0].campaign.accounts[0]
    account = detector.account(charged.account_id)
    assert account is not None and account.finding_id == found.findings[0].finding_id and account.n_attributed == charged.n_attributed
    again = detector.findings(found.cursor)
    assert again.changes == [] and again.evaluated_us == found.evaluated_us and again.findings[0] is found.findings[0]
    detector.close()


def test_order_and_late_rows_change_nothing(world: pa.Table, scanned: list[dict[str, Any]], key: fp.Key, tmp_path: Path) -> None:
    order = np.random.default_rng(5).permutation(len(world))
    with opened(tmp_path, key) as detector:
        for part in np.array_split(order, 7):
            detector.observe(world.take(pa.array(part)))
        detector.compact()
        assert plain([finding.campaign for finding in detector.findings().findings]) == scanned


def test_findings_keep_their_ids_while_they_grow(world: pa.Table, key: fp.Key, tmp_path: Path) -> None:
    with opened(tmp_path, key) as detector:
        detector.observe(world.slice(0, 7500))
        first = detector.findings()
        assert first.findings
        detector.observe(world.slice(7500))
        second = detector.findings(first.cursor)
        before, after = ({finding.finding_id for finding in one.findings} for one in (first, second))
        ended = {change.finding_id for change in second.changes if change.kind == "gone"} | {one for change in second.changes for one in change.related}
        assert len(before & after) >= 2 and before - after == ended - after
        assert all(change.serial is not None and change.serial > first.cursor for change in second.changes)
        alerts = detector.alerts()
        assert {alert["finding_id"] for alert in alerts} <= before | after and alerts
        assert alerts[0]["statistics"]["q"] <= alerts[0]["statistics"]["level"] < 0.05
        names = [finding.finding_id for finding in second.findings]
    with opened(tmp_path, key) as detector:
        assert [alert["alert_id"] for alert in detector.alerts()] == [alert["alert_id"] for alert in alerts]
        detector.delivered(alert["alert_id"] for alert in alerts)
        assert detector.alerts() == [] and detector.status().n_delivered == len(alerts)
        assert [finding.finding_id for finding in detector.findings().findings] == names


def test_near_duplicates_are_told_as_they_come(key: fp.Key, tmp_path: Path) -> None:
    text = "Explain in simple words how a refrigerator moves heat from the inside to the outside."
    with opened(tmp_path, key) as detector:
        seen = detector.observe([event("a", 0, text), event("b", 1, text.upper()), event("c", 2, text + " Thanks!"),
                                 event("d", 3, "What is the capital of Peru?"), event("e", 4, "")])
        assert seen.cluster[0] == seen.cluster[1] == seen.cluster[2] not in (0, seen.cluster[3]) and seen.cluster[4] == 0
        assert seen.is_new.tolist()[:4] == [True, False, True, True] and seen.n_seen.tolist()[:4] == [1, 2, 1, 1]
        assert seen.similarity[0] == seen.similarity[1] == 1.0 > seen.similarity[2] >= 0.7
        assert seen.account_id.to_pylist() == list("abcde") and seen.line.tolist() == [0, 1, 2, 3, 4]
        assert seen.clusters.cluster.tolist() == [seen.cluster[0]] and seen.clusters.n_prompts.tolist() == [3] and seen.clusters.n_texts.tolist() == [2]
        answer = detector.query(f"  {text}  ")
        assert answer.similarity == 1.0 and answer.n_seen == 2 and answer.cluster == int(seen.cluster[0])
        assert detector.query("something that nobody has asked for so far").cluster == 0
        account = detector.account("a")
        assert account is not None and account.n_prompts == 1 and account.last_us == START_S * 1_000_000 and account.finding_id is None
        assert detector.account("nobody") is None


def test_every_row_is_accounted_for(key: fp.Key, tmp_path: Path) -> None:
    hour = 3_600
    with opened(tmp_path, key, window_s=24 * hour, lateness_s=6 * hour) as detector:
        rows = [event("a", 100 * hour, "one"), event("a", 90 * hour, "late"), event("a", 95 * hour, "in time"), {"account_id": "b"}, "no row",
                event("a", CLOSE_AHEAD, "dated ahead"), event("a", 10**12, "the year 33000"), event("c", 101 * hour, 7)]
        seen = detector.observe(rows, positions={"p": "8"}, repeated=2)
        assert seen.counts["read"] == 8 and seen.counts["accepted"] == 2 and len(seen) == 2
        assert {name: n for name, n in seen.counts.items() if name.startswith("rejected:")} == {
            "rejected:late": 1, "rejected:missing-prompt": 1, "rejected:not-an-object": 1, "rejected:ahead-of-clock": 1,
            "rejected:timestamp-out-of-range": 1, "rejected:wrong-type": 1}
        detector.observe([event("d", 130 * hour, "later")])
        status = detector.status()
        assert status.counts["expired"] == 2 and status.n_live == 1 and status.counts["repeated"] == 2 and status.positions == {"p": "8"}
        facts = dict(status.counts)
        detector.snapshot()
        listed = [body.decode().split("\t") for _, body in detector._state.ledger.rows("rejects")]
        assert sorted(row[2] for row in listed) == ["missing-prompt", "not-an-object", "timestamp-out-of-range", "wrong-type"]
    with opened(tmp_path, key) as detector:
        assert dict(detector.status().counts) == facts and detector.positions == {"p": "8"}
        assert detector.account("a") is None and detector.query("one").n_seen == 0


CLOSE_AHEAD = CLOCK_S - START_S + 7_201


def test_expiry_forgets_texts_and_accounts(key: fp.Key, tmp_path: Path) -> None:
    with opened(tmp_path, key, window_s=24 * 3_600) as detector:
        for hour in range(60):
            detector.observe([event(f"a{hour % 7}", hour * 3_600, f"question number {hour} of the day, asked at some length"),
                              event("b", hour * 3_600, "again and again")])
            if hour % 9 == 8:
                detector.snapshot()
        detector._in_turn(lambda: None)
        status = detector.status()
        assert status.n_live == 2 * 25 and status.n_texts == 26 and status.counts["expired"] == 70
        assert detector.query("again and again").n_seen == 25 and detector.query("question number 3 of the day, asked at some length").n_seen == 0
        facts = (status.n_live, status.n_texts, status.n_clusters, status.n_accounts)
    with opened(tmp_path, key, window_s=24 * 3_600) as detector:
        status = detector.status()
        assert (status.n_live, status.n_texts, status.n_clusters, status.n_accounts) == facts


def test_a_flood_costs_a_counter(key: fp.Key, tmp_path: Path) -> None:
    with opened(tmp_path, key) as detector:
        detector.observe([event("a", 0, "the same prompt again and again")] * 100)
        before = detector.n_bytes
        for second in range(30):
            detector.observe([event("a", second, "the same prompt again and again")] * 1000)
        assert detector.n_bytes == before and detector.query("The same prompt again and again").n_seen == 30_100


def test_memory_has_a_limit(key: fp.Key, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    with opened(tmp_path, key, window_s=24 * 3_600, memory=16_000_000) as detector:
        largest = 0
        for hour in range(40):
            detector.observe([event(f"a{i % 50}", hour * 3_600 + i, " ".join(map(str, rng.integers(0, 10**6, 12)))) for i in range(4000)])
            detector._in_turn(lambda: None)
            largest = max(largest, detector.n_bytes)
        status = detector.status()
        assert status.counts["dropped"] > 0 and status.n_live < 25 * 4000 and largest < 1.3 * 16_000_000
        assert status.counts["accepted"] == status.n_live + status.counts.get("expired", 0) + status.counts["dropped"]
        assert verify(tmp_path, key).n_live == status.n_live


def test_new_texts_are_not_entered_where_one_span_is_too_much(key: fp.Key, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = [event(f"a{i % 50}", i % 60, " ".join(map(str, rng.integers(0, 10**6, 12)))) for i in range(60_000)]
    with opened(tmp_path, key, memory=16_000_000) as detector:
        for low in range(0, len(rows), 2000):
            detector.observe(rows[low : low + 2000])
        status = detector.status()
        assert status.n_unindexed > 0 and status.n_live == len(rows) and detector.n_bytes < 1.3 * 16_000_000
        for day, prompt in ((40, "much later"), (80, "even later"), (160, "the end")):
            detector.observe([event("late", day * 86_400.0, prompt)])
            detector._in_turn(lambda: None)
        assert detector.status().n_live == 1 and detector.query("the end").n_seen == 1


def test_forgetting_leaves_nothing(key: fp.Key, tmp_path: Path) -> None:
    canary = "xylophone-canary"
    rows = [event("a", 0, "shared question, asked by two people"), event(canary, 1, "shared question, asked by two people"),
            event(canary, 2, f"only {canary} asks this", org_id=canary, conversation_id=canary, system=canary), event("b", 3, "something else entirely")]
    with opened(tmp_path, key) as detector:
        detector.observe(rows)
        detector.snapshot()
        detector.observe([event(canary, 4, f"and {canary} once more")])
        assert detector.forget([canary, "never seen"]) == 3
        assert detector.account(canary) is None and detector.query(f"only {canary} asks this").n_seen == 0
        assert detector.query("shared question, asked by two people").n_seen == 1
        seen = detector.observe(rows)
        assert seen.counts["rejected:forgotten"] == 2 and seen.counts["accepted"] == 2
        detector.compact()
        status = detector.status()
        assert status.counts["erased"] == 3 and status.n_live == 4
        assert status.counts["accepted"] == status.n_live + status.counts["erased"]
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert canary.encode() not in raw
    with opened(tmp_path, key) as detector:
        texts = [content.take(np.arange(len(content.texts))).to_pylist() for content in detector._state.contents()]
        names = [content.names for content in detector._state.contents()]
        assert canary not in str(texts) + str(names) and detector.status().n_live == 4
        assert detector.observe(rows[1:3]).counts["rejected:forgotten"] == 2


def test_a_full_disk_is_said_and_passes(key: fp.Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, key, durability="durable") as detector:
        detector.observe([event("a", 0, "before")], positions={"p": "1"})
        with monkeypatch.context() as patched:
            patched.setattr("fingerprint.stream.frames.os.pwritev", _no_room)
            with pytest.raises(OSError, match="No space left"):
                detector.observe([event("a", 1, "during")], positions={"p": "2"})
            with pytest.raises(OSError, match="No space left"):
                detector.snapshot()
            assert detector.query("during").n_seen == 0 and detector.positions == {"p": "1"}
        detector.observe([event("a", 1, "during")], positions={"p": "2"})
        detector.snapshot()
        assert detector.status().n_live == 2
    with opened(tmp_path, key) as detector:
        assert detector.status().n_live == 2 and detector.positions == {"p": "2"}


def _no_room(*args: object) -> int:
    raise OSError(28, "No space left on device")


def test_readers_see_whole_states(key: fp.Key, tmp_path: Path) -> None:
    """Threads ask while batches come; every answer is one that was right at some moment."""
    text, n_batches, barrier, wrong = "the question that everybody asks all day long", 40, threading.Barrier(5), list[str]()
    with opened(tmp_path, key, snapshot_bytes=1 << 16) as detector:
        def ask() -> None:
            barrier.wait()
            last = 0
            while not done.is_set():
                seen = detector.query(text).n_seen
                account = detector.account("a")
                if not last <= seen <= 50 * n_batches or (account is not None and account.n_prompts > 100 * n_batches):
                    wrong.append(f"{last} then {seen}, {account}")
                last = seen
                detector.status()

        done = threading.Event()
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        barrier.wait()
        for number in range(n_batches):
            detector.observe([event("a", number, text if i % 2 else f"another one {number} {i}, which is long enough to have shingles") for i in range(100)])
            if number % 13 == 5:
                detector.compact()
        done.set()
        for thread in threads:
            thread.join()
        assert not wrong and detector.query(text).n_seen == 50 * n_batches


def test_writers_wait_for_one_another(key: fp.Key, tmp_path: Path) -> None:
    with opened(tmp_path, key) as detector:
        barrier = threading.Barrier(4)

        def write(name: str) -> None:
            barrier.wait()
            for number in range(25):
                detector.observe([event(name, number, f"prompt {number} of {name} and of nobody else"), event(name, number, "what all ask alike")],
                                 positions={name: str(number + 1)})

        threads = [threading.Thread(target=write, args=(f"a{i}",)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        status = detector.status()
        assert status.n_live == 200 and status.n_texts == 101 and detector.query("what all ask alike").n_seen == 100
        assert detector.positions == {f"a{i}": "25" for i in range(4)}


def test_a_forked_process_is_refused(key: fp.Key, tmp_path: Path) -> None:
    with opened(tmp_path, key) as detector:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            answer = "no error"
            try:
                detector.observe([event("a", 0, "from the child")])
            except ConfigError as error:
                answer = str(error)
            os.write(writer, answer.encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            assert "belongs to process" in pipe.read()
        os.waitpid(pid, 0)
        detector.observe([event("a", 0, "from the parent")])
        assert detector.status().n_live == 1
        with pytest.raises(ConfigError, match="in use by process"):
            opened(tmp_path, key)


def test_what_cannot_be_opened_says_why(key: fp.Key, tmp_path: Path) -> None:
    detector = opened(tmp_path / "state", key)
    detector.close()
    detector.close()
    with pytest.raises(ConfigError, match="closed"):
        detector.query("anything")
    with pytest.raises(ConfigError, match="another"):
        fp.Detector.open(tmp_path / "state", fp.StreamConfig(scan=fp.ScanConfig(sketch=fp.SketchConfig(ngram=4))), key=key)
    with pytest.raises(InputError, match="made with key"):
        opened(tmp_path / "state", fp.Key(bytes(16)))
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        opened(tmp_path / "file", key)
    with fp.Detector.open(tmp_path / "state", key=key) as again:
        assert again.config == config()


def test_a_backup_is_a_state(key: fp.Key, tmp_path: Path) -> None:
    with opened(tmp_path / "state", key) as detector:
        detector.observe([event("a", 0, "before the fold")])
        detector.snapshot()
        detector.observe([event("b", 1, "after the fold")], positions={"p": "2"})
        detector.backup(tmp_path / "copy")
        detector.observe([event("c", 2, "after the copy")])
        assert verify(tmp_path / "state", key).n_live == 3
    assert verify(tmp_path / "copy", key).n_live == 2
    with opened(tmp_path / "copy", key) as detector:
        assert detector.status().n_live == 2 and detector.positions == {"p": "2"} and detector.query("after the copy").n_seen == 0


@pytest.mark.parametrize("options", [{"window_s": 0}, {"window_s": float("nan")}, {"lateness_s": -1}, {"durability": "maybe"}, {"memory": 5}, {"sync_s": 0},
                                     {"snapshot_bytes": 10}, {"ahead_s": -1}, {"alert_q": 0}, {"alert_growth": 1.0}, {"alert_cooldown_s": -1}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        fp.StreamConfig(**options)


def test_options_come_back() -> None:
    made = config(lateness_s=5.0, memory=10**9)
    assert fp.StreamConfig.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    with pytest.raises(ConfigError, match="unknown options: typo"):
        fp.StreamConfig.from_dict({"typo": 1})


def test_counts_are_plain(key: fp.Key, tmp_path: Path) -> None:
    with opened(tmp_path, key) as detector:
        assert detector.observe([]).counts == {} and len(detector.observe([])) == 0
        seen = detector.observe(pa.table({"account_id": ["a", "b"], "timestamp": pa.array([START_S, START_S], pa.int64()), "prompt": ["one", None]}))
        assert Counter(seen.counts) == Counter({"read": 2, "accepted": 1, "rejected:missing-prompt": 1})


def test_texts_that_came_while_memory_was_short_come_back(key: fp.Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, alike = "how does a bicycle stay upright while somebody rides it", "How does a bicycle stay upright while somebody rides it?"
    with opened(tmp_path, key) as detector:
        monkeypatch.setattr(detector, "_budget", 0)
        assert detector.observe([event("a", 0, text), event("a", 1, alike)]).cluster.tolist() != [0, 0] and detector.query(text).n_seen == 0
        detector.snapshot()
        monkeypatch.setattr(detector, "_budget", 1 << 30)
        seen = detector.observe([event("b", 200_000, alike), event("b", 200_001, text)])
        assert seen.cluster[0] == seen.cluster[1] and detector.status().n_unindexed == 2
        detector.snapshot()
    with opened(tmp_path, key) as detector:
        assert detector.query(text).n_seen == detector.query(alike).n_seen == 2 and detector.status().n_texts == 2
