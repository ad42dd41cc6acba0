"""Worlds as files, and the commands that make them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from fingerprint.cli import demo, main, simulate
from fingerprint.config import ScanConfig
from fingerprint.errors import ConfigError
from fingerprint.progress import Progress
from fingerprint.simulate import CampaignConfig, LookalikeConfig, World, WorldConfig, write_world

CONFIG = WorldConfig("small", 3000, 100, (CampaignConfig("x", "code", 10, 200),), (LookalikeConfig("seats", "app", 5, 10),))


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


# files


@pytest.mark.parametrize("shape", ["parquet", "jsonl"])
def test_files_hold_what_memory_holds(shape: Any, tmp_path: Path) -> None:
    dump = write_world(CONFIG, tmp_path / "w", 4, shape)
    world = World(CONFIG, 4)
    assert sorted(os.listdir(tmp_path / "w")) == sorted([f"dump.{shape}", "labels.parquet", "world.json"])
    assert pq.read_table(tmp_path / "w" / "labels.parquet").equals(world.labels)
    if shape == "parquet":
        assert pq.read_table(dump).equals(world.events)
        assert pq.ParquetFile(dump).metadata.row_group(0).column(2).compression == "ZSTD"
    else:
        lines = [json.loads(line) for line in dump.read_text("utf-8").splitlines()]
        expected = world.events.to_pylist()
        assert len(lines) == 3000 and all(set(line) == set(world.events.column_names) for line in lines)
        assert [r["prompt"] for r in lines] == [r["prompt"] for r in expected]
        assert [pa.scalar(r["timestamp"]).as_py()[:19] for r in lines[:9]] == [r["timestamp"].isoformat()[:19] for r in expected[:9]]
    document = json.loads((tmp_path / "w" / "world.json").read_text())
    assert WorldConfig.from_dict(document["config"]) == CONFIG
    assert (document["seed"], document["rows"], document["accounts"]) == (4, 3000, 115)


@pytest.mark.parametrize("shape", ["parquet", "jsonl"])
def test_same_seed_same_bytes(shape: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write_world(CONFIG, tmp_path / "a", 4, shape).read_bytes()
    monkeypatch.setattr("fingerprint.simulate.world.PLAN_ROWS", 500)
    assert write_world(CONFIG, tmp_path / "b", 4, shape).read_bytes() == first
    assert write_world(CONFIG, tmp_path / "c", 5, shape).read_bytes() != first


def test_an_earlier_world_is_replaced_and_anything_else_is_not(tmp_path: Path) -> None:
    write_world(CONFIG, tmp_path / "w", 1, "jsonl")
    (tmp_path / "w" / "dump.parquet.partial").write_bytes(b"left by a run that was killed")
    write_world(CONFIG, tmp_path / "w", 2, "parquet")
    assert sorted(os.listdir(tmp_path / "w")) == ["dump.parquet", "labels.parquet", "world.json"]
    for name in ("notes.txt", "labels.parquet"):
        folder = tmp_path / f"of-{name}"
        folder.mkdir()
        (folder / name).write_text("mine")
        with pytest.raises(ConfigError, match="no simulated world"):
            write_world(CONFIG, folder)
        assert os.listdir(folder) == [name] and (folder / name).read_text() == "mine"
    with pytest.raises(ConfigError, match="cannot write into"):
        write_world(CONFIG, tmp_path / "w" / "world.json")


@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError("disk full")])
def test_a_run_that_ends_early_leaves_the_earlier_world_as_it_was(fault: Any, tmp_path: Path) -> None:
    write_world(CONFIG, tmp_path / "w", 1)
    before = {name: (tmp_path / "w" / name).read_bytes() for name in os.listdir(tmp_path / "w")}

    class Failing(Progress):
        def advance(self, n: int = 1) -> None:
            raise fault

    for folder in ("w", "new"):
        with pytest.raises((KeyboardInterrupt, ConfigError)):
            write_world(CONFIG, tmp_path / folder, 2, progress=Failing())
    assert {name: (tmp_path / "w" / name).read_bytes() for name in os.listdir(tmp_path / "w")} == before
    assert os.listdir(tmp_path / "new") == []


def test_progress_is_told_every_row(tmp_path: Path) -> None:
    class Counting(Progress):
        def __init__(self) -> None:
            self.stages: list[Any] = []
            self.rows = 0

        def started(self, name: str, total: int | None) -> None:
            self.stages.append((name, total))

        def advance(self, n: int = 1) -> None:
            self.rows += n

    progress = Counting()
    write_world(CONFIG, tmp_path / "w", progress=progress)
    assert progress.stages == [("simulating", 3000)] and progress.rows == 3000
    with pytest.raises(ConfigError, match="parquet or jsonl"):
        write_world(CONFIG, tmp_path / "x", format="csv")  # type: ignore[arg-type]


# the command simulate


def test_the_command_writes_a_world(tmp_path: Path) -> None:
    out = tmp_path / "w"
    result = call("simulate", "--preset", "scale", "--prompts", "4.6k", "--seed", 3, "--out", out, "--format", "jsonl")
    assert result.exit_code == 0 and result.stderr == ""
    assert "4,600 rows in " in result.stdout and "rows/s" in result.stdout and f"{out}/dump.jsonl" in result.stdout
    assert len((out / "dump.jsonl").read_text("utf-8").splitlines()) == 4600
    assert len(pq.read_table(out / "labels.parquet")) == 40


def test_the_command_resizes_presets(tmp_path: Path) -> None:
    assert call("simulate", "--preset", "demo", "--accounts", "900", "--out", tmp_path / "w").exit_code == 0
    assert len(pq.read_table(tmp_path / "w" / "labels.parquet")) == 900
    document = json.loads((tmp_path / "w" / "world.json").read_text())
    assert document["rows"] == 20_000


def test_the_command_repeats_a_world_from_its_file(tmp_path: Path) -> None:
    first = write_world(CONFIG, tmp_path / "a", 6)
    result = call("simulate", "--config", tmp_path / "a" / "world.json", "--seed", 6, "--out", tmp_path / "b")
    assert result.exit_code == 0 and "x (10 accounts)" in result.stdout
    assert (tmp_path / "b" / "dump.parquet").read_bytes() == first.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing option '--out'"),
        (("--out", "OUT", "--preset", "nothing"), "preset must be one of"),
        (("--out", "OUT", "--prompts", "many"), "is no count"),
        (("--out", "OUT", "--prompts", "5"), "too few"),
        (("--out", "OUT", "--format", "csv"), "is not one of"),
        (("--out", "OUT", "--config", "/nowhere.json"), "cannot be read"),
        (("--out", "OUT", "--config", "CONFIG", "--prompts", "10k"), "resize a preset"),
        (("--out", "FULL"), "no simulated world"),
        (("--out", "/proc/none"), "cannot write into"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG.to_dict()))
    places = {"OUT": tmp_path / "out", "FULL": tmp_path / "full", "CONFIG": tmp_path / "config.json"}
    result = call("simulate", *(places.get(a, a) for a in arguments))
    assert result.exit_code == 2 and message in result.stderr and "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("text", "count"), [("28.8M", 28_800_000), ("250k", 250_000), ("1,000,000", 10**6), ("2G", 2 * 10**9), ("7", 7)])
def test_counts_may_have_suffixes(text: str, count: int) -> None:
    command = simulate.command
    assert simulate.count(click.Context(command), command.params[0], text) == count


# the command demo


def test_the_demo_compares_findings_with_the_truth(tmp_path: Path) -> None:
    labels = {"account_id": list("abcdefgh"), "campaign": ["one", "one", "one", "one", "two", None, None, None]}
    pq.write_table(pa.table(labels), tmp_path / "labels.parquet")
    found = {"account_id": list("abcfghde"), "campaign_id": ["c1", "c1", "c1", "c1", "c2", "c2", None, None]}
    lines = demo.describe(demo.compare(SimpleNamespace(accounts=pa.table(found)), tmp_path))
    assert "one" in lines[1] and "found as c1, coverage 75%, purity 75%" in lines[1]
    assert "two" in lines[2] and "not found" in lines[2]
    assert lines[3].strip() == "false groups: 1; innocent accounts in findings: 3"


def test_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(demo, "ScanConfig", lambda: ScanConfig(controls=False))  # twice as fast
    out = tmp_path / "demo"
    result = call("demo", "--out", out)
    assert result.exit_code == 0, result.output
    assert (out / "report.html").is_file() and (out / "traffic" / "dump.parquet").is_file()
    for name in ("reasoning-traces", "broad-instructions", "code-with-cover"):
        line = next(x for x in result.stdout.splitlines() if x.strip().startswith(name))
        assert "found as c-" in line and "purity 100%" in line
    assert f"{out}/report.html" in result.stdout
