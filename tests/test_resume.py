"""A scan that is cut off, wherever that is, goes on from what it kept and comes to the same end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import fingerprint as fp
from fingerprint import clusters, deduplication, ingest, pipeline, vectors
from fingerprint.errors import ConfigError, InputError
from fingerprint.room import Growing, Room
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
    pq.write_table(events.slice(0, 6000), folder / "a.parquet", row_group_size=3000)
    rows = events.slice(6000, 2000).to_pylist()
    lines = [json.dumps({**row, "timestamp": row["timestamp"].isoformat()}) for row in rows] + ["no json", "{}"]
    (folder / "b.jsonl").write_text("\n".join(lines), "utf-8")
    return [str(folder / "a.parquet"), str(folder / "b.jsonl")]


def scan(dumps: list[str], **options: Any) -> fp.Scan:
    return fp.scan(dumps, **{"config": CONFIG, "key": KEY, **options})


@pytest.fixture(scope="module")
def whole(dumps: list[str]) -> fp.Scan:
    """The same, without interruption."""
    return scan(dumps)


@pytest.fixture(scope="module")
def unsearched(dumps: list[str]) -> fp.Scan:
    """The same without a search for groups, which takes most of the time and starts from what was kept last: one test is enough for that."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "search", lambda examiner: [])
        return scan(dumps)


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "search", lambda examiner: [])


def same(left: fp.Scan, right: fp.Scan) -> None:
    for name in ("accounts", "clusters", "prompts", "rejects"):
        assert getattr(left, name).equals(getattr(right, name)), name
    assert [c.to_dict() for c in left.campaigns] == [c.to_dict() for c in right.campaigns]
    for part in ("rows", "inputs", "counts", "period"):
        assert left.manifest[part] == right.manifest[part]


def cut(*_: Any, **__: Any) -> Any:
    raise Cut


def cut_and_go_on(place: tuple[Any, str], dumps: list[str], wanted: fp.Scan, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(*place, cut)
        with pytest.raises(Cut):
            scan(dumps, state=folder)
    assert folder.stat().st_mode & 0o777 == 0o700 and all(p.stat().st_mode & 0o777 == 0o600 for p in folder.iterdir())
    signed: list[int] = []
    monkeypatch.setattr(deduplication.Distinct, "_sign", lambda self, texts: signed.append(len(texts)))
    same(scan(dumps, state=folder, config=fp.ScanConfig(controls=False, threads=1, memory=600_000_000)), wanted)
    assert not signed, "what was sketched is not sketched again"


def test_a_cut_in_the_search_comes_to_the_same_findings(dumps: list[str], whole: fp.Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert whole.campaigns
    cut_and_go_on((pipeline, "search"), dumps, whole, tmp_path / "s", monkeypatch)


@pytest.mark.parametrize("place", [(deduplication, "cluster_distinct"), (vectors.VectorIndex, "nearest")], ids=["clustering", "nearest"])
def test_what_is_cut_off_goes_on(place: tuple[Any, str], dumps: list[str], unsearched: fp.Scan, no_search: None, tmp_path: Path,
                                 monkeypatch: pytest.MonkeyPatch) -> None:
    cut_and_go_on(place, dumps, unsearched, tmp_path / "s", monkeypatch)


def test_a_cut_while_reading_and_another_while_clustering(dumps: list[str], unsearched: fp.Scan, no_search: None, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "KEPT_EVERY", 2000)
    add = deduplication.Distinct.add

    def some(n: int) -> Callable[..., None]:
        def adding(self: Any, prompts: Any) -> None:
            add(self, prompts)
            self.settle()
            if len(self.text.rows) > n:
                raise Cut
        return adding

    kept = []
    for n in (3500, 6500):  # the second time it comes a little further
        with monkeypatch.context() as patched, pytest.raises(Cut):
            patched.setattr(deduplication.Distinct, "add", some(n))
            scan(dumps, state=tmp_path / "s")
        kept.append(json.loads((tmp_path / "s" / "state.json").read_text("utf-8"))["done"]["rows"])
    assert 0 < kept[0] < kept[1] < 8000
    real = clusters._core.cluster_rows

    def spoiling(*given: Any, **options: Any) -> Any:
        real(*given, **options)
        raise Cut

    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(clusters._core, "cluster_rows", spoiling)  # band keys have been written over by then
        scan(dumps, state=tmp_path / "s")
    same(scan(dumps, state=tmp_path / "s"), unsearched)


def test_a_scan_that_ended_can_be_told_again(dumps: list[str], unsearched: fp.Scan, no_search: None, tmp_path: Path) -> None:
    for _ in range(2):
        same(scan(dumps, state=tmp_path / "s"), unsearched)


@pytest.mark.parametrize(("name", "change"), [
    ("config", {"config": fp.ScanConfig(seed=3, controls=False)}), ("key_id", {"key": fp.Key(bytes(16))}), ("mapping", {"mapping": {"account": "account_id"}})])
def test_the_state_of_another_scan_is_refused(name: str, change: dict[str, Any], dumps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(deduplication, "cluster_distinct", cut)
        scan(dumps, state=tmp_path / "s")
    with pytest.raises(ConfigError, match=name):
        scan(dumps, state=tmp_path / "s", **change)


def test_the_state_of_changed_files_is_refused(dumps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "b.jsonl"
    copy.write_bytes(Path(dumps[1]).read_bytes())
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(deduplication, "cluster_distinct", cut)
        scan([str(copy)], state=tmp_path / "s")
    with copy.open("a", encoding="utf-8") as file:
        file.write("\n{}")
    with pytest.raises(ConfigError, match="inputs"):
        scan([str(copy)], state=tmp_path / "s")


def test_streams_and_rows_in_memory_cannot_be_resumed(tmp_path: Path) -> None:
    for inputs in ([{"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello"}], "-"):
        with pytest.raises(ConfigError, match="read again"):
            fp.scan(inputs, state=tmp_path / "s")


SPOILS: dict[str, Callable[[Path], object]] = {
    "no json": lambda s: (s / "state.json").write_text("{", "utf-8"),
    "no object": lambda s: (s / "state.json").write_text("[1]", "utf-8"),
    "negative rows": lambda s: (s / "state.json").write_text((s / "state.json").read_text("utf-8").replace('"exact": ', '"exact": -'), "utf-8"),
    "more rows": lambda s: (s / "state.json").write_text((s / "state.json").read_text("utf-8").replace('"exact": ', '"exact": 9'), "utf-8"),
    "fewer texts": lambda s: (s / "state.json").write_text((s / "state.json").read_text("utf-8").replace('"text": 8000', '"text": 800'), "utf-8"),
    "cut short": lambda s: os.truncate(s / "values", 100),
    "no labels": lambda s: os.truncate(s / "labels", 0),
}


@pytest.mark.parametrize("name", SPOILS)
def test_a_damaged_state_is_an_error(name: str, dumps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, pytest.raises(Cut):
        patched.setattr(vectors.VectorIndex, "nearest", cut)
        scan(dumps, state=tmp_path / "s")
    SPOILS[name](tmp_path / "s")
    with pytest.raises(InputError, match="damaged"):
        scan(dumps, state=tmp_path / "s")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("precious", "utf-8")
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "text").symlink_to(tmp_path / "other")
    with pytest.raises(OSError):
        Growing(np.int32, room=Room(folder=tmp_path / "s"), name="text")
    assert (tmp_path / "other").read_text("utf-8") == "precious"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_a_killed_process_is_resumed_from_the_command_line(dumps: list[str], whole: fp.Scan, tmp_path: Path) -> None:
    key, out = tmp_path / "key", tmp_path / "out"
    KEY.save(key)
    command = [sys.executable, "-m", "fingerprint", "scan", *dumps, "--out", str(out), "--key-file", str(key), "--no-controls", "--resume", "--memory", "1GB"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = tmp_path / "out.state" / "state.json"
    end = time.monotonic() + 60
    while not state.exists() and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and state.exists() and not out.exists()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    assert not state.parent.exists()
    found = {row["account_id"] for row in pq.read_table(out / "accounts.parquet").to_pylist() if row["campaign_id"]}
    assert found == {a for a, c in zip(*(whole.accounts.column(n).to_pylist() for n in ("account_id", "campaign_id")), strict=True) if c} != set()
