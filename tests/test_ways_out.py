"""Errors that a user of the command line meets: each says what is wrong, then the way out, in one line and with 2."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from scan_fixture import make_scan

import fingerprint as fp
from fingerprint.cli import main
from fingerprint.errors import MOST_KNOWN, nearest, nearest_path, why
from fingerprint.stream.ledger import NAME

ACCOUNT = make_scan().campaigns[0].accounts[0].account_id


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan, an index, a state and a history, each under a key of its own, and what else may be named by mistake."""
    place = tmp_path_factory.mktemp("ways")
    rows = [{"account_id": f"a{i % 9}", "timestamp": 1_767_225_600 + i, "prompt": f"question {i} about something"} for i in range(40)]
    (place / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (place / "fake.parquet").write_bytes(b"not at all")
    (place / "noise.bin").write_bytes(b"\x01\x02\x03 x")
    (place / "key").write_text("00" * 16)
    (place / "other.key").write_text("11" * 16)
    (place / "bad.key").write_text("not a key")
    (place / "empty").mkdir()
    (place / "notes").mkdir()
    (place / "notes" / "read.me").write_text("x")
    make_scan().save(place / "out")
    for name in ("unfinished", "damaged", "older", "halved", "columns"):
        shutil.copytree(place / "out", place / name)
    (place / "unfinished" / "manifest.json").unlink()
    (place / "damaged" / "campaigns.json").write_text("{")
    (place / "older" / "manifest.json").write_text('{"schema": "fp-manifest-0"}')
    (place / "halved" / "accounts.parquet").unlink()
    pq.write_table(pa.table({"account_id": ["a"]}), place / "columns" / "accounts.parquet")
    for command in (["index", "log.jsonl", "--out", "index"], ["prevalence", "log.jsonl", "--out", "p.prevalence"], ["watch", "state", "log.jsonl"]):
        arguments = [str(place / word) if i and not word.startswith("-") else word for i, word in enumerate([*command, "--key-file", "key"])]
        assert CliRunner().invoke(main, [*arguments, *["--no-follow"] * (command[0] == "watch")]).exit_code == 0
    (place / "bare" / "folder").mkdir(parents=True)
    return place


def complaint(place: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> str:
    monkeypatch.chdir(place)
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 2 and result.stdout == "", result.output
    return result.stderr


@pytest.mark.parametrize(("arguments", "wrong", "way_out"), [
    (["show", "nowhere"], "there is no such folder", "'fingerprint scan DUMP --out nowhere' makes one"),
    (["show", "ou"], "there is no such folder", "did you mean 'out'"),
    (["diff", "out", "no/such"], "there is no such folder", "there is no folder 'no'"),
    (["show", "unfinished"], "no complete scan (no manifest.json)", "'fingerprint scan DUMP --out unfinished'"),
    (["show", "log.jsonl"], "Not a directory", "name a folder"),
    (["show", "index"], "no complete scan but an index", "fingerprint match SET --in"),
    (["show", "state"], "no complete scan but the state of a detector", "fingerprint verify"),
    (["show", "damaged"], "campaigns.json is not valid JSON", "scan again"),
    (["show", "older"], "manifest.json is not of schema", "scan again"),
    (["show", "halved", "accounts"], "accounts.parquet cannot be read: No such file", "check the path"),
    (["show", "columns", "accounts"], "has no column campaign_id", "scan again"),
    (["show", "out", "--sort", "nonsense"], "not 'nonsense'", "'campaign', 'targets'"),
    (["explain", "out", "c-007e41c9b3"], "no campaign and no account 'c-007e41c9b3'", "did you mean 'c-007e41c9b2'"),
    (["explain", "out", ACCOUNT[:-1] + "x"], "no campaign and no account", f"'{ACCOUNT[:-1]}"),
    (["explain", "out", "c-00"], "2 groups have an id that begins with 'c-00': c-007e41c9b2, c-00e0e0e0e0", "give more of it"),
    (["explain", "out", "zzzzzzzz"], "no campaign and no account", "'fingerprint show OUT campaigns' lists"),
    (["scan", "log.json", "--out", "new"], "'log.json' does not exist", "did you mean 'log.jsonl'"),
    (["scan", "zzz/log.jsonl", "--out", "new"], "does not exist", "there is no folder 'zzz'"),
    (["scan", "qqqqqqqq", "--out", "new"], "does not exist", "a glob in quotes"),
    (["scan", "*.csv", "--out", "new"], "no file fits '*.csv'", "check the folder"),
    (["scan", "notes", "--out", "new"], "holds no file ending in", "--format"),
    (["scan", "noise.bin", "--out", "new"], "nothing tells the format", "--format jsonl|csv|parquet|arrow"),
    (["scan", "fake.parquet", "--out", "new"], "is none", "--format"),
    (["scan", "log.jsonl", "--out", "log.jsonl"], "is a file", "name a folder"),
    (["scan", "log.jsonl", "--out", "new", "--key-file", "no.key"], "cannot be read: there is none", "fingerprint key new"),
    (["scan", "log.jsonl", "--out", "new", "--key-file", "empty"], "Is a directory", "name a file"),
    (["scan", "log.jsonl", "--out", "new", "--key-file", "bad.key"], "does not hold 32 hexadecimal digits", "fingerprint key new"),
    (["scan", "log.jsonl", "--out", "new", "--key-file", "other.key", "--history", "p.prevalence"], "made with key", "--key-file"),
    (["key", "new", "key"], "exists and is not overwritten", "name another file"),
    (["key", "new", "log.jsonl/deep/key"], "cannot be written", "name a folder"),
    (["match", "log.jsonl", "--in", "index", "--out", "new", "--key-file", "other.key"], "was made with key", "--key-file"),
    (["match", "log.jsonl", "--in", "nowhere.index", "--out", "new"], "does not exist", "a glob in quotes"),
    (["index", "log.jsonl", "--out", "notes", "--key-file", "key"], "exists and is no index", "name another folder"),
    (["prevalence", "log.jsonl", "--out", "k.arrow"], "ends in .prevalence", "--out 'k.arrow.prevalence'"),
    (["prevalence", "log.jsonl", "--out", "zzz/k.prevalence"], "no folder 'zzz'", "make it first"),
    (["verify", "state", "--key-file", "other.key"], "was made with key", "--key-file"),
    (["watch", "state", "log.jsonl", "--no-follow", "--key-file", "other.key"], "was made with key", "--key-file"),
    (["verify", "notes", "--key-file", "key"], f"has no {NAME}", "name the folder that 'fingerprint watch' was given"),
    (["compact", "notes", "--key-file", "key"], "no state of a detector", "name the folder that 'fingerprint watch' was given"),
    (["backup", "notes", "copy", "--key-file", "key"], "no state of a detector", "name the folder that 'fingerprint watch' was given"),
    (["backup", "state", "notes", "--key-file", "key"], "is not empty", "name another folder"),
    (["watch", "bare", "log.jsonl", "--no-follow", "--key-file", "key"], "holds something else", "name another folder"),
    (["watch", "new.state", "log.json", "--no-follow", "--key-file", "key"], "does not exist", "did you mean 'log.jsonl'"),
    (["simulate", "--config", "log.jsonl", "--out", "new"], "cannot be read as JSON", "world.json"),
])
def test_an_error_says_what_is_wrong_and_the_way_out(arguments: list[str], wrong: str, way_out: str, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = complaint(made, monkeypatch, arguments)
    assert wrong in told and way_out in told and told.startswith("fingerprint: ") and told.count("\n") == 1, told
    assert not (made / "new").exists()


@pytest.mark.parametrize("arguments", [["show", "out"], ["show", "out", "accounts"], ["scan", "log.jsonl", "--out", "new"],
                                       ["scan", "log.jsonl", "--out", "new", "--key-file", "key"], ["verify", "state", "--key-file", "key"]])
def test_no_permission_is_said_with_a_way_out(arguments: list[str], made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root no permission is missing, so the system is made to say so of one file."""
    denied = {"show": "accounts.parquet" if "accounts" in arguments else "campaigns.json", "scan": "key" if "--key-file" in arguments else "log.jsonl",
              "verify": "journal-"}[arguments[0]]
    for module, name in (("builtins", "open"), ("io", "open"), ("os", "open")):
        real = getattr(__import__(module), name)

        def refuse(path: object, *rest: object, real: object = real, **more: object) -> object:
            if isinstance(path, str | os.PathLike) and Path(path).name.startswith(denied):
                raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
            return real(path, *rest, **more)  # type: ignore[operator]

        monkeypatch.setattr(f"{module}.{name}", refuse)
    told = complaint(made, monkeypatch, arguments)
    assert "Permission denied; become its owner, or get permission" in told and told.count("\n") == 1 and "scan again" not in told


def test_a_folder_without_permission(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("os.listdir", refuse)
    told = complaint(made, monkeypatch, ["show", "out"])
    assert "no complete scan that can be read: Permission denied; become its owner" in told


def test_hostile_names_are_shown(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (["show", "\x1b[31m\n"], ["scan", "\u202eevil", "--out", "new"], ["explain", "out", "c-\x1b]0;x\x07"], ["verify", "\x9b31m"]):
        told = complaint(made, monkeypatch, [*arguments, *(["--key-file", "key"] if arguments[0] == "verify" else [])])
        assert not set(told) & {"\x1b", "\x07", "\u202e", "\x9b"} and told.count("\n") == 1
    assert "no name of a folder" in complaint(made, monkeypatch, ["show", "a\0b"])


def test_suggestions() -> None:
    assert nearest("alpha", ["alphb", "beta", "alph"]) == "; did you mean 'alph' or 'alphb'?" and nearest("alpha", []) == nearest("x", ["alpha"]) == ""
    many = [f"acct-{i}" for i in range(MOST_KNOWN)] + ["zebra"]
    assert nearest("zebrx", many) == "; did you mean 'zebra'?" and nearest("q" * 10**6, many) == ""
    assert nearest_path("/proc/self/stat/x") .startswith("; there is no folder") and nearest_path("") in ("",)
    assert why(OSError(errno.ENOSPC, "No space left")) == "No space left; make room, or name a place on another disk"
    assert why(OSError(errno.EIO, "Input/output error")) == "Input/output error" and why(TimeoutError()) == "TimeoutError"


def test_no_way_out_is_lost_in_the_library(tmp_path: Path) -> None:
    with pytest.raises(fp.errors.InputError, match=r"no such folder; 'fingerprint scan DUMP"):
        fp.load_scan(tmp_path / "zzzzzz")
