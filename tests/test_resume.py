"""A scan that is cut off, wherever that is, goes on from the shards that it has left and comes to the same end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import fingerprint as fp
from fingerprint import deduplication, pipeline
from fingerprint.errors import ConfigError, InputError
from fingerprint.readers import extents, read_events
from fingerprint.shards import files, gathering, joining, mapping, reducing
from fingerprint.simulate import simulate

KEY = fp.Key(bytes(range(16)))
CONFIG = fp.ScanConfig(controls=False)


class Cut(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two files: the second has rows that are rejected."""
    folder = tmp_path_factory.mktemp("dumps")
    events = simulate("demo", 4).events
    pq.write_table(events.slice(0, 6000), folder / "a.parquet", row_group_size=1500)
    rows = events.slice(6000, 2000).to_pylist()
    lines = [json.dumps({**row, "timestamp": row["timestamp"].isoformat()}) for row in rows] + ["no json", "{}"]
    (folder / "b.jsonl").write_text("\n".join(lines), "utf-8")
    return [str(folder / "a.parquet"), str(folder / "b.jsonl")]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five shards, and three parts of the range of hashes."""
    monkeypatch.setattr(extents, "SHARD_ROWS", 1500)
    monkeypatch.setattr(extents, "SHARD_BYTES", 400_000)
    monkeypatch.setattr(gathering, "TEXTS_PER_PART", 2500)


def scan(dumps: list[str], **options: Any) -> fp.Scan:
    return fp.scan(dumps, **{"config": CONFIG, "key": KEY, **options})


@pytest.fixture(scope="module")
def whole(dumps: list[str]) -> fp.Scan:
    """The same, without interruption or shards."""
    return scan(dumps)


@pytest.fixture(scope="module")
def undetected(dumps: list[str]) -> fp.Scan:
    """The same without detection, which takes most of the time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "prepare", lambda *_: None)
        return scan(dumps)


@pytest.fixture
def no_detection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "prepare", lambda *_: None)


def same(left: fp.Scan, right: fp.Scan) -> None:
    for name in ("accounts", "clusters", "prompts", "rejects", "topics", "landscape"):
        assert getattr(left, name).equals(getattr(right, name)), name
    assert [c.to_dict() for c in left.campaigns] == [c.to_dict() for c in right.campaigns]
    for part in ("rows", "inputs", "counts", "period"):
        assert left.manifest[part] == right.manifest[part]


def cut(*_: Any, **__: Any) -> Any:
    raise Cut


def test_a_cut_in_the_search_comes_to_the_same_findings(dumps: list[str], whole: fp.Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert whole.campaigns
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(pipeline, "search", cut)
        scan(dumps, state=tmp_path / "s")
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700 and all(p.stat().st_mode & 0o777 == 0o600 for p in (tmp_path / "s").iterdir())
    monkeypatch.setattr(deduplication.Distinct, "_sign", cut)
    monkeypatch.setattr(reducing, "reduce_texts", cut)
    same(scan(dumps, state=tmp_path / "s", config=fp.ScanConfig(controls=False, threads=1, memory=600_000_000)), whole)


STEPS = {"joining": (joining, "_texts"), "company": (reducing, "choose_company"), "bands": (reducing, "reduce_bands"), "texts": (reducing, "_merged")}


@pytest.mark.parametrize("step", STEPS)
def test_what_is_cut_off_goes_on(step: str, dumps: list[str], undetected: fp.Scan, no_detection: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(*STEPS[step], cut)
        scan(dumps, state=tmp_path / "s")
    monkeypatch.setattr(deduplication.Distinct, "_sign", cut)  # what was sketched is not sketched again
    same(scan(dumps, state=tmp_path / "s"), undetected)


def test_a_cut_while_reading_and_another_a_little_later(dumps: list[str], undetected: fp.Scan, no_detection: None, tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    real, made = mapping.make_shard, []

    def some(n: int) -> Callable[..., Any]:
        def making(place: str, *given: Any, **options: Any) -> Any:
            if len(made) == n:
                raise Cut
            made.append(Path(place).name)
            return real(place, *given, **options)
        return making

    for n in (1, 3):
        with monkeypatch.context() as patched, pytest.raises(Cut):
            patched.setattr(mapping, "make_shard", some(n))
            scan(dumps, state=tmp_path / "s")
    assert made == [f"shard-00000{i}.shard" for i in range(3)]
    monkeypatch.setattr(mapping, "make_shard", some(99))
    same(scan(dumps, state=tmp_path / "s"), undetected)
    assert made == [f"shard-00000{i}.shard" for i in range(len(read_events(dumps).divided()))], "none is made twice"


def test_a_scan_that_ended_can_be_told_again(dumps: list[str], undetected: fp.Scan, no_detection: None, tmp_path: Path) -> None:
    for _ in range(2):
        same(scan(dumps, state=tmp_path / "s"), undetected)


def stop_before_joining(dumps: list[str], folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patched, pytest.raises(Cut):
        patched.setattr(joining, "_texts", cut)
        scan(dumps, state=folder)


@pytest.mark.parametrize(("name", "change"), [
    ("sketch", {"config": fp.ScanConfig(sketch=fp.SketchConfig(threshold=0.8), controls=False)}), ("mapping", {"mapping": {"account": "account_id"}})])
def test_the_state_of_another_scan_is_refused(name: str, change: dict[str, Any], dumps: list[str], tmp_path: Path) -> None:
    stop_before_joining(dumps, tmp_path / "s")
    with pytest.raises(ConfigError, match=name):
        scan(dumps, state=tmp_path / "s", **change)


def test_the_state_of_another_key_is_refused(dumps: list[str], no_detection: None, tmp_path: Path) -> None:
    stop_before_joining(dumps, tmp_path / "s")
    with pytest.raises(InputError, match=KEY.key_id):
        scan(dumps, state=tmp_path / "s", key=fp.Key(bytes(16)))


def test_what_does_not_concern_shards_may_change(dumps: list[str], no_detection: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = fp.ScanConfig(controls=False, seed=3, detect=fp.DetectConfig(min_accounts=9))
    wanted = scan(dumps, config=other)
    stop_before_joining(dumps, tmp_path / "s")
    monkeypatch.setattr(deduplication.Distinct, "_sign", cut)
    same(scan(dumps, state=tmp_path / "s", config=other), wanted)


def test_the_state_of_changed_files_is_refused(dumps: list[str], tmp_path: Path) -> None:
    copy = tmp_path / "b.jsonl"
    copy.write_bytes(Path(dumps[1]).read_bytes())
    stop_before_joining([str(copy)], tmp_path / "s")
    with copy.open("a", encoding="utf-8") as file:
        file.write("\n{}")
    with pytest.raises(ConfigError, match="inputs"):
        scan([str(copy)], state=tmp_path / "s")


def test_streams_and_rows_in_memory_cannot_be_resumed(tmp_path: Path) -> None:
    for inputs in ([{"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello"}], "-"):
        with pytest.raises(ConfigError, match="again"):
            fp.scan(inputs, state=tmp_path / "s")


def spoil(path: Path, how: str) -> None:
    data = path.read_bytes()
    spoilt = {"cut": data[:-100], "empty": b"", "changed": data[:50] + bytes([data[50] ^ 1]) + data[51:], "footer": data[:-60] + b"x" + data[-59:]}
    path.write_bytes(spoilt[how])


@pytest.mark.parametrize("how", ["cut", "empty", "footer"])
@pytest.mark.parametrize("kind", ["shard", "texts", "bands", "company"])
def test_damaged_files_are_made_anew(how: str, kind: str, dumps: list[str], undetected: fp.Scan, no_detection: None, tmp_path: Path) -> None:
    stop_before_joining(dumps, tmp_path / "s")
    spoil(tmp_path / "s" / f"{kind}-000001.shard", how)
    same(scan(dumps, state=tmp_path / "s"), undetected)


def test_damage_that_only_reading_shows_is_an_error(dumps: list[str], tmp_path: Path) -> None:
    stop_before_joining(dumps, tmp_path / "s")
    for path in (tmp_path / "s").glob("texts-*"):
        spoil(path, "changed")
    with pytest.raises(InputError, match="not what was written"):
        scan(dumps, state=tmp_path / "s")


def test_the_note_of_what_the_state_is_for_must_be_whole(dumps: list[str], tmp_path: Path) -> None:
    stop_before_joining(dumps, tmp_path / "s")
    spoil(tmp_path / "s" / "job.shard", "footer")
    with pytest.raises(InputError, match=r"job\.shard"):
        scan(dumps, state=tmp_path / "s")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("precious", "utf-8")
    (tmp_path / "s").symlink_to(tmp_path / "other")
    files.write(str(tmp_path / "s"), {}, [], KEY)
    assert (tmp_path / "other").read_text("utf-8") == "precious" and not (tmp_path / "s").is_symlink()


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_killed_process_is_resumed_from_the_command_line(dumps: list[str], whole: fp.Scan, tmp_path: Path) -> None:
    key, out = tmp_path / "key", tmp_path / "out"
    KEY.save(key)
    command = [sys.executable, "-m", "fingerprint", "scan", *dumps, "--out", str(out), "--key-file", str(key), "--no-controls", "--resume", "--memory", "1GB",
               "--jobs", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = tmp_path / "out.state"
    end = time.monotonic() + 60
    while not list(state.glob("shard-*.shard")) and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and list(state.glob("shard-*.shard")) and not out.exists()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    assert not state.exists()
    found = {row["account_id"] for row in pq.read_table(out / "accounts.parquet").to_pylist() if row["campaign_id"]}
    assert found == {a for a, c in zip(*(whole.accounts.column(n).to_pylist() for n in ("account_id", "campaign_id")), strict=True) if c} != set()
