"""The command line: exit codes, what goes where, and what an interrupt leaves behind."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from scan_fixture import make_scan

import fingerprint
from fingerprint.cli import COMMANDS, main
from fingerprint.cli.live import LiveProgress, progress_for_terminal
from fingerprint.config import ScanConfig
from fingerprint.errors import InputError
from fingerprint.progress import Progress
from fingerprint.report.files import FILES, MANIFEST, load_scan

Fake = Callable[[Callable[..., Any]], None]


@pytest.fixture
def fake_scan(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a function in the place of the scan."""

    def put(function: Callable[..., Any]) -> None:
        monkeypatch.setitem(sys.modules, "fingerprint.scanning", SimpleNamespace(scan=function))  # type: ignore[misc]

    return put


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fingerprint", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def test_scan_writes_prints_and_ends_with_0(fake_scan: Fake, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def scan(inputs: list[str], **options: Any) -> Any:
        seen.update(options, inputs=inputs)
        if options["state"] is not None:
            Path(options["state"]).mkdir()
        return make_scan()

    fake_scan(scan)
    (tmp_path / "key").write_text("00" * 16)
    result = call(
        "scan",
        "a.jsonl",
        "b.jsonl",
        "--out",
        tmp_path / "out",
        "--threshold",
        0.8,
        "--min-accounts",
        9,
        "--threads",
        2,
        "--seed",
        5,
        "--no-controls",
        "--memory",
        "12GB",
        "--resume",
        "--encoder",
        "encoder/",
        "--device",
        "cpu",
        "--max-rejects",
        0.5,
        "--key-file",
        tmp_path / "key",
        "--format",
        "openai_chat",
    )
    assert result.exit_code == 0, result.output
    assert "instruction synthesis" in result.stdout and f"{tmp_path}/out/report.html" in result.stdout and result.stderr == ""
    assert sorted(os.listdir(tmp_path / "out")) == sorted(FILES)
    config = seen["config"]
    assert seen["inputs"] == ["a.jsonl", "b.jsonl"] and seen["format"] == "openai_chat" and seen["key"] == fingerprint.Key(bytes(16))
    assert (config.sketch.threshold, config.detect.min_accounts, config.threads, config.seed, config.controls, config.text) == (
        0.8,
        9,
        2,
        5,
        False,
        True,
    )
    assert type(seen["progress"]) is Progress
    assert (config.encoder, config.device) == ("encoder/", "cpu")
    assert config.memory == 12_000_000_000 and seen["state"] == str(tmp_path / "out.state") and not Path(seen["state"]).exists()


def test_scan_defaults_are_those_of_the_library(fake_scan: Fake, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}
    fake_scan(lambda inputs, **options: seen.update(options) or make_scan())
    call("scan", "a.jsonl", "--out", tmp_path)
    assert seen["config"] == ScanConfig() and seen["key"] is None and seen["mapping"] is None


@pytest.mark.parametrize(("text", "size"), [("12GB", 12 * 10**9), ("800m", 8 * 10**8), ("1.5 G", 15 * 10**8), ("600,000,000", 6 * 10**8), ("1TB", 10**12)])
def test_sizes_as_people_write_them(text: str, size: int, fake_scan: Fake, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}
    fake_scan(lambda inputs, **options: seen.update(options) or make_scan())
    assert call("scan", "a.jsonl", "--out", tmp_path / "out", "--memory", text).exit_code == 0
    assert seen["config"].memory == size and seen["state"] is None


def test_shards_are_sketched_and_merged_by_hand(tmp_path: Path) -> None:
    rows = [{"account_id": f"a{i % 3}", "timestamp": f"2026-01-0{1 + i % 7}", "prompt": f"what is {i} + {i}?"} for i in range(40)]
    for i in range(4):
        (tmp_path / f"{i}.jsonl").write_text("\n".join(map(json.dumps, rows[i * 10 : i * 10 + 10])), "utf-8")
    dumps = [tmp_path / f"{i}.jsonl" for i in range(4)]
    (tmp_path / "key").write_text("00" * 16)
    common = ("--key-file", tmp_path / "key")
    for k in (1, 2):
        made = call("sketch", *dumps, "--shard", f"{k}/2", "--threshold", 0.8, "--out", tmp_path / f"{k}.shard", *common, *(["--json"] if k == 2 else []))
        assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["rows"] == 40, "small files are one shard, and the other part is empty"
    result = call("merge", tmp_path / "2.shard", tmp_path / "1.shard", "--out", tmp_path / "out", "--no-controls", *common)
    assert result.exit_code == 0 and "40 rows read" in result.stdout, result.output
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["config"]["sketch"]["threshold"] == 0.8
    result = call("merge", tmp_path / "2.shard", "--out", tmp_path / "out", "--no-controls", *common)
    assert result.exit_code == 3 and "missing is shard 1/2: it was not given" in result.stderr and "Missing: 1 shard" in result.stdout
    for wrong in ("3/2", "0/2", "x", "1", "1/2/3", "-1/2"):
        refused = call("sketch", *dumps, "--shard", wrong, "--out", tmp_path / "w", *common)
        assert refused.exit_code == 2 and "K/N" in refused.stderr
    refused = call("merge", dumps[0], "--out", tmp_path / "out", *common)
    assert refused.exit_code == 2 and "no usable shard" in refused.stderr


def test_scan_prints_json_alone(fake_scan: Fake, tmp_path: Path) -> None:
    fake_scan(lambda inputs, **_: make_scan())
    result = call("scan", "a.jsonl", "--out", tmp_path, "--json")
    document = json.loads(result.stdout)
    assert [c["campaign_id"] for c in document["campaigns"]] == [c.campaign_id for c in make_scan().campaigns]


def test_no_text_reaches_neither_terminal_nor_files(fake_scan: Fake, tmp_path: Path) -> None:
    fake_scan(lambda inputs, config, **_: make_scan(text=config.text))
    for extra in ((), ("--json",)):
        result = call("scan", "a.jsonl", "--out", tmp_path, "--no-text", *extra)
        assert result.exit_code == 0 and "surgeons" not in result.output and "curriculum" not in result.output
    assert "surgeons" not in (tmp_path / "report.html").read_text()


def test_too_many_rejects_end_with_1_and_complete_outputs(fake_scan: Fake, tmp_path: Path) -> None:
    scan = make_scan()
    rows = {"read": 100, "accepted": 90, "blank": 0, "rejected": {"not_json": 10}}
    fake_scan(lambda inputs, **_: replace(scan, manifest={**scan.manifest, "rows": rows}))
    assert call("scan", "a", "--out", tmp_path, "--max-rejects", 0.1).exit_code == 0
    result = call("scan", "a", "--out", tmp_path, "--max-rejects", 0.09)
    assert result.exit_code == 1 and "10 % of the rows were rejected" in result.stderr
    assert (tmp_path / MANIFEST).is_file()


def test_errors_are_one_line_and_end_with_2(fake_scan: Fake, tmp_path: Path) -> None:
    def scan(inputs: list[str], **_: Any) -> Any:
        raise InputError("'x\x1b[31m\nsecond line' cannot be read")

    fake_scan(scan)
    result = call("scan", "x", "--out", tmp_path / "out")
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr == "fingerprint: 'x\\u{001B}[31m ⏎ second line' cannot be read\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["scan", "x"], "Missing option '--out'"),
        (["scan", "--out", "o"], "Missing argument 'DUMP"),
        (["scan", "x", "--out", "o", "--threshold", "2"], "threshold must lie in"),
        (["scan", "x", "--out", "o", "--threads", "0"], "threads must be at least 1"),
        (["scan", "x", "--out", "o", "--memory", "much"], "is no size"),
        (["scan", "x", "--out", "o", "--memory", "64MB"], "memory must be at least 500000000 bytes"),
        (["scan", "x", "--out", "o", "--max-rejects", "7"], "max_rejects must lie in"),
        (["scan", "x", "--out", "o", "--key-file", "/nowhere/key"], "key file"),
        (["show", "/nowhere"], "no complete scan"),
        (["show", ".", "everything"], "is not one of"),
        (["nothing"], "No such command 'nothing'"),
        (["scan", "x", "--out", "/proc/fingerprint"], "cannot be written"),
    ],
)
def test_usage_ends_with_2_and_says_what_is_wrong(fake_scan: Fake, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_scan(lambda inputs, **_: make_scan())
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith("/proc"))
    result = call(*arguments)
    assert result.exit_code == 2 and message in result.stderr and "Traceback" not in result.output


def test_an_input_is_never_overwritten(fake_scan: Fake, tmp_path: Path) -> None:
    fake_scan(lambda inputs, **_: make_scan())
    (tmp_path / "prompts.parquet").write_bytes(b"mine")
    result = call("scan", tmp_path / "prompts.parquet", "--out", tmp_path)
    assert result.exit_code == 2 and "would be overwritten" in result.stderr and (tmp_path / "prompts.parquet").read_bytes() == b"mine"


def test_an_interrupt_ends_with_130_and_touches_nothing(fake_scan: Fake, tmp_path: Path) -> None:
    make_scan(n_campaigns=1).save(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}

    def scan(inputs: list[str], **_: Any) -> Any:
        raise KeyboardInterrupt

    fake_scan(scan)
    result = call("scan", "x", "--out", tmp_path)
    assert result.exit_code == 130 and "interrupted" in result.stderr and "Traceback" not in result.output
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before


def test_a_fault_of_ours_quotes_no_prompt_and_is_not_taken_for_done(fake_scan: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scan(inputs: list[str], **_: Any) -> Any:
        raise ValueError("a secret prompt\x1b[2J")

    fake_scan(scan)
    result = call("scan", "x", "--out", tmp_path / "out")
    assert result.exit_code == 70 and "ValueError" in result.stderr and "test_cli.py" in result.stderr and "secret" not in result.output
    monkeypatch.setenv("FINGERPRINT_TRACEBACK", "1")
    result = call("scan", "x", "--out", tmp_path / "out")
    assert result.exit_code == 70 and "a secret prompt\\u{001B}[2J" in result.stderr


@pytest.mark.parametrize("what", ["campaigns", "accounts", "clusters", "topics", "rejects"])
def test_show(what: str, tmp_path: Path) -> None:
    scan = make_scan()
    scan.save(tmp_path)
    words = {"campaigns": "grading and rubrics", "accounts": scan.campaigns[0].accounts[0].account_id, "clusters": "surgeons",
             "topics": "hospital, rotates", "rejects": "88123"}[what]
    shown = call("show", tmp_path, what)
    assert shown.exit_code == 0 and words in shown.stdout
    document = json.loads(call("show", tmp_path, what, "--json", "--limit", 2).stdout)
    assert len(document[what]) == (4 if what == "campaigns" else 2)
    none = call("show", tmp_path, what, "--limit", 0)
    assert none.exit_code == 0


def test_a_report_for_other_readers(tmp_path: Path) -> None:
    make_scan().save(tmp_path / "out")
    before, target = (tmp_path / "out" / "report.html").read_bytes(), tmp_path / "for" / "review.html"
    target.parent.mkdir()
    run("report", tmp_path / "out", "--no-text", "--min-accounts", "50", "--to", target)
    page = target.read_text()
    assert "surgeons" not in page and "sketch" in page and "fewer than 50 accounts" in page and target.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "out" / "report.html").read_bytes() == before and [p.name for p in target.parent.iterdir()] == ["review.html"]
    run("report", tmp_path / "out", "--to", target)
    assert target.read_bytes() == before
    assert "is a folder" in run("report", tmp_path / "out", "--to", tmp_path).stderr


def test_show_says_how_much_is_left(tmp_path: Path) -> None:
    make_scan().save(tmp_path)
    assert "5 of 644; more with --limit" in call("show", tmp_path, "accounts", "--limit", 5).stdout


def test_show_works_where_the_terminal_knows_ascii_only(tmp_path: Path) -> None:
    make_scan().save(tmp_path)
    result = run("show", tmp_path, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert result.returncode == 0 and "instruction synthesis" in result.stdout, result.stderr


def test_new_keys_are_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "team.key"
    result = call("key", "new", path)
    key = fingerprint.Key.load(path)
    assert result.exit_code == 0 and key.key_id in result.stdout and key.material.hex() not in result.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = call("key", "new", path)
    assert again.exit_code == 2 and "not overwritten" in again.stderr and fingerprint.Key.load(path) == key
    assert call("key", "new", tmp_path).exit_code == 2


def test_every_command_has_help_with_an_example() -> None:
    assert call("--version").stdout.strip().endswith(fingerprint.__version__)
    listed = call("--help").stdout
    for name in COMMANDS:
        assert name in listed
        shown = call(name, "new", "--help") if name == "key" else call(name, "--help")
        assert shown.exit_code == 0 and "Example:" in shown.stdout and f"fingerprint {name}" in shown.stdout


def test_it_runs_as_a_module() -> None:
    result = run("--version")
    assert result.returncode == 0 and fingerprint.__version__ in result.stdout
    assert run("show", "/nowhere").returncode == 2


# progress


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    progress = progress_for_terminal()
    with progress.stage("reading", total=3):
        progress.advance(2)
    assert type(progress) is Progress and capsys.readouterr() == ("", "")


def test_progress_shows_stages_inside_stages_and_survives_errors() -> None:
    buffer = io.StringIO()
    progress = LiveProgress(Console(file=buffer, force_terminal=True, width=100, markup=False))
    with progress.stage("scanning"):
        with progress.stage("reading", total=10):
            progress.advance(4)
            progress.advance(6)
        with pytest.raises(ValueError, match="x"), progress.stage("grouping"):
            raise ValueError("x")
    progress.advance(1)
    shown = buffer.getvalue()
    assert "100%" in shown and "scanning" in shown and "grouping" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") > 0, "the cursor is given back"


# the whole thing, in a process of its own


def _traffic(path: Path, n: int) -> None:
    words = ("river", "contract", "enzyme", "battery", "sonnet", "tariff", "kernel", "orchid", "ledger", "glacier", "violin", "harbour")
    prompts = [" ".join(words[(i * k + k) % 12] + str(i * k % 997) for k in range(1, 14)) for i in range(n)]
    start = 1_770_000_000_000_000
    pq.write_table(
        pa.table(
            {
                "account_id": [f"u{i % 997}" for i in range(n)],
                "timestamp": pa.array([start + i * 10**6 for i in range(n)], pa.timestamp("us", "UTC")),
                "prompt": prompts,
            }
        ),
        path,
    )


def test_ctrl_c_in_a_long_scan_leaves_nothing_half_written(tmp_path: Path) -> None:
    _traffic(tmp_path / "dump.parquet", 200_000)
    out = tmp_path / "out"
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with subprocess.Popen(
        [sys.executable, "-m", "fingerprint", "scan", str(tmp_path / "dump.parquet"), "--out", str(out)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        time.sleep(2.5)
        assert process.poll() is None, process.communicate()[1]
        process.send_signal(signal.SIGINT)
        printed, complained = process.communicate(timeout=60)
    assert process.returncode == 130, complained
    assert "interrupted" in complained and "Traceback" not in complained and printed == ""
    assert not out.exists() or not os.listdir(out)


def test_a_real_scan_from_the_command_line(tmp_path: Path) -> None:
    _traffic(tmp_path / "dump.parquet", 2000)
    result = run("scan", tmp_path / "dump.parquet", "--out", tmp_path / "out", "--no-controls", XDG_CONFIG_HOME=str(tmp_path / "config"))
    assert result.returncode == 0, result.stderr
    scan = load_scan(tmp_path / "out")
    assert scan.manifest["rows"] == {"read": 2000, "accepted": 2000, "blank": 0, "rejected": {}}
    assert len(scan.prompts) == 2000 and len(scan.accounts) == 997
    assert run("scan", tmp_path / "missing.parquet", "--out", tmp_path / "out2", XDG_CONFIG_HOME=str(tmp_path / "config")).returncode == 2
