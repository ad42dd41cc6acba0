"""What the commands print for programs: with --json one strict document in ASCII on stdout, nothing else, and the same figures as in words."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner
from scan_fixture import make_scan

import fingerprint as fp
from fingerprint.cli import COMMANDS, calibrate, demo, main
from fingerprint.encoders.calibrate import Scores

START_S = 1_767_225_600


def call(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def document(*arguments: object) -> Any:
    text = call(*arguments, "--json")
    assert text.isascii() and text.endswith("}\n")
    return json.loads(text, parse_constant=pytest.fail)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    rows = [{"account_id": f"a{i % 9}", "timestamp": START_S + i, "prompt": f"question {i % 50} about something, asked by many"} for i in range(90)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n")
    return tmp_path / "log.jsonl"


def leaves(group: click.Command) -> list[click.Command]:
    if not isinstance(group, click.Group):
        return [group]
    context = click.Context(group)
    return [leaf for name in group.list_commands(context) for leaf in leaves(group.get_command(context, name) or group)]


def test_every_command_can_speak_to_programs() -> None:
    without = {one.name for one in leaves(main) if not any("--json" in parameter.opts for parameter in one.params)}
    assert without <= {"completion", "report", "export"}, "a script, nothing, and the formats of other systems"
    assert len(leaves(main)) == len(COMMANDS)


def test_a_new_key(tmp_path: Path) -> None:
    made = document("key", "new", tmp_path / "k")
    key = fp.Key.load(tmp_path / "k")
    assert made == {"key_id": key.key_id, "path": str(tmp_path / "k")} and key.material.hex() not in json.dumps(made)


def test_a_prevalence_and_an_index(log: Path, tmp_path: Path) -> None:
    known = document("prevalence", log, "--out", tmp_path / "k.prevalence")
    assert known == {"read": 91, "n_prompts": 90, "n_accounts": 9, "n_bytes": (tmp_path / "k.prevalence").stat().st_size}
    index = document("index", log, "--out", tmp_path / "i")
    assert (index["n_prompts"], index["n_accounts"], index["n_texts"]) == (90, 9, 50)
    assert index["rows"]["read"] == 91 and sum(index["rows"]["rejected"].values()) == 1
    assert index["n_bytes"] == sum(path.stat().st_size for path in (tmp_path / "i").iterdir()) and index["period"]["first"].startswith("2026-01-01")


def test_a_state(log: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    status = document("watch", state, log, "--no-follow")
    assert status["schema"] == "fp-status-1" and (status["n_live"], status["counts"]["read"], status["error"]) == (90, 91, "")
    assert call("watch", state, log, "--no-follow", "--json", "--alerts", "-").count("\n") == 1, "a line among those of the alerts"
    report = document("verify", state)
    assert document("backup", state, tmp_path / "copy") == document("verify", tmp_path / "copy")
    assert report["n_live"] == 90
    done = document("compact", state, "--forget", "a3", "--forget", "nobody")
    assert (done["n_forgotten"], done["n_erased"], done["n_live"], done["torn_bytes"]) == (2, 10, 80, 0)
    assert done["n_bytes"] > 0 and done["n_bytes_before"] >= report["n_bytes"]


def test_a_simulated_world(tmp_path: Path) -> None:
    made = document("simulate", "--preset", "scale", "--prompts", "4600", "--out", tmp_path / "w")
    assert made["dump"] == str(tmp_path / "w" / "dump.parquet") and made["n_rows"] == 4600 and made["seconds"] > 0
    assert all(one["n_accounts"] > 0 for one in made["campaigns"])


def test_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    told = {"planted": [{"name": "x", "n_accounts": 4, "found": False, "campaign_id": None, "coverage": 0.0, "purity": 0.0}], "n_false_groups": 0,
            "n_innocent_accounts": 0}
    monkeypatch.setattr("fingerprint.simulate.write_world", lambda *_, **__: tmp_path / "dump.parquet")
    monkeypatch.setattr(demo, "run", lambda *_, **options: seen.update(options) or make_scan())
    monkeypatch.setattr(demo, "compare", lambda *_: told)
    assert document("demo", "--out", tmp_path) == {"out": str(tmp_path), **told} and seen == {"quiet": True}
    assert "x " in call("demo", "--out", tmp_path) and seen == {"quiet": False}


def test_a_quiet_scan_prints_nothing(log: Path, tmp_path: Path) -> None:
    from fingerprint.cli.scan import run

    runner = CliRunner()
    command = click.Command("x", callback=lambda: run([str(log)], str(tmp_path / "out"), fp.ScanConfig(controls=False, max_rejects=1.0), quiet=True) and None)
    result = runner.invoke(command, catch_exceptions=False)
    assert result.exit_code == 0 and result.output == "" and (tmp_path / "out" / "report.html").is_file()


def test_a_calibration(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = Scores(100, 0.4, 0.3), Scores(100, 0.8, 0.5)
    made = SimpleNamespace(n_fitted=900, n_held_out=100, teacher={"name": "t"}, before=old, after=new, before_all=old, after_all=new,
                           save=lambda out: Path(out).mkdir())
    monkeypatch.setattr("fingerprint.encoders.calibrate.calibrate", lambda *_: made)
    monkeypatch.setattr("fingerprint.encoders.transformer.TransformerEncoder", lambda *_, **__: None)
    told = document("calibrate", log, "--teacher", "t", "--out", tmp_path / "encoder", "--sample", calibrate.SAMPLE)
    assert (tmp_path / "encoder").is_dir() and told["scores"]["after"] == {"n": 100, "pearson": 0.8, "overlap": 0.5} and told["n_fitted"] == 900
    assert set(told["scores"]) == {"before", "after", "before_all", "after_all"} and told["teacher"] == {"name": "t"}
