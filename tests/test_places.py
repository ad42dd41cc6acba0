"""Inputs and outputs on this machine, in an object store (a real S3 server on the loopback), and in a file system of fsspec are read and written alike."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from click.testing import CliRunner
from shards_fixture import CONFIG, KEY, digest, in_files

import fingerprint as fp
from fingerprint import places
from fingerprint.cli import main
from fingerprint.errors import BackendUnavailable, ConfigError, InputError
from fingerprint.readers import extents, read_events
from fingerprint.readers.sources import expand

CONTENT = b'{"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello there"}\n'


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a bucket of an S3 server that runs for these tests."""
    pytest.importorskip("moto", reason="needs a server that speaks S3")
    server, endpoint = serving("-c", "from moto.server import main; import sys; main(sys.argv[1:])", "-H", "127.0.0.1", "-p")
    with pytest.MonkeyPatch.context() as patched:
        for name, value in (("AWS_ENDPOINT_URL", endpoint), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "y"), ("AWS_REGION", "us-east-1"),
                            ("AWS_EC2_METADATA_DISABLED", "true")):
            patched.setenv(name, value)
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/bucket", method="PUT")).close()
        yield "s3://bucket"
    server.kill()
    server.wait()


@pytest.fixture(scope="module")
def gs() -> Iterator[str]:
    """The address of a bucket of a server that speaks Google's protocol."""
    pytest.importorskip("gcp_storage_emulator", reason="needs a server that speaks as Google's does")
    server, endpoint = serving("-m", "gcp_storage_emulator", "start", "--host=127.0.0.1", "--in-memory", "--default-bucket=bucket", "--port")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLOUD_STORAGE_EMULATOR_ENDPOINT", endpoint)
        yield "gs://anonymous@bucket"
    server.kill()
    server.wait()


def serving(*command: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server that takes its port as the last argument, and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, *command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.1)
    return server, f"http://127.0.0.1:{port}"


@pytest.fixture(params=["here", "s3", "gs", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "here":
        return str(tmp_path / "f")
    if request.param in ("s3", "gs"):
        return f"{request.getfixturevalue(request.param)}/{tmp_path.name}"
    return f"memory:///{tmp_path.name}"


def put(folder: str, *names: str) -> None:
    for name in names:
        with places.written(places.join(folder, name)) as file:
            file.write(CONTENT)


def names(found: list[str], folder: str) -> list[str]:
    return [one.rpartition(folder.rpartition("/")[2] + "/")[2] for one in found]


def test_files_are_written_found_and_read(folder: str) -> None:
    put(folder, "b.jsonl", "a b%20c.jsonl", "deep/c.jsonl", "note.txt")
    assert names(places.listed(folder), folder) == ["a b%20c.jsonl", "b.jsonl", "deep/c.jsonl", "note.txt"]
    found = places.look(places.join(folder, "b.jsonl"))
    assert found is not None and found.size == len(CONTENT) and places.look(places.join(folder, "none")) is None and places.look(folder) is None
    assert places.is_folder(folder) and not places.is_folder(places.join(folder, "b.jsonl")) and not places.is_folder(places.join(folder, "none"))
    with places.open_input(places.join(folder, "a b%20c.jsonl")) as file:
        assert file.size() == len(CONTENT) and file.read_at(5, 2) == CONTENT[2:7] and not file.seek(0) and file.read() == CONTENT
    with pytest.raises(InputError, match="cannot be read"):
        places.open_input(places.join(folder, "none"))
    places.remove([places.join(folder, name) for name in ("b.jsonl", "never")])
    assert places.look(places.join(folder, "b.jsonl")) is None


def test_patterns_and_folders_name_files(folder: str) -> None:
    put(folder, "a.jsonl", "b.jsonl", "deep/c.jsonl", ".hidden/d.jsonl", "note.txt")
    assert names(expand(places.join(folder, "*.jsonl")), folder) == ["a.jsonl", "b.jsonl"]
    assert names(expand(places.join(folder, "*/*.jsonl")), folder)[-1:] == ["deep/c.jsonl"]
    assert names(expand(folder), folder) == ["a.jsonl", "b.jsonl", "deep/c.jsonl"]
    for wrong in ("*.csv", "none.jsonl"):
        with pytest.raises(InputError, match=r"fits|does not exist"):
            expand(places.join(folder, wrong))


def test_an_unfinished_write_leaves_what_was_there(folder: str) -> None:
    put(folder, "a.jsonl")
    with pytest.raises(RuntimeError), places.written(places.join(folder, "a.jsonl")) as file:
        file.write(b"half")
        raise RuntimeError
    with places.open_input(places.join(folder, "a.jsonl")) as kept:
        assert kept.read() == CONTENT
    assert names(places.listed(folder), folder) == ["a.jsonl"]


def test_a_scan_from_and_to_anywhere_says_the_same(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extents, "SHARD_ROWS", 400)
    monkeypatch.setattr(extents, "SHARD_BYTES", 60_000)
    monkeypatch.setattr("fingerprint.pipeline.prepare", lambda *_: None)
    (tmp_path / "own").mkdir()
    for path in in_files(tmp_path / "own"):
        with open(path, "rb") as source, places.written(places.join(folder, f"in/{os.path.basename(path)}")) as target:
            shutil.copyfileobj(source, target)
    wanted = fp.scan(str(tmp_path / "own"), config=CONFIG, key=KEY)
    tables = ("accounts", "clusters", "prompts", "topics")
    for options in ({}, {"state": places.join(folder, "state")}):
        found = fp.scan(places.join(folder, "in"), config=CONFIG, key=KEY, **options)
        assert all(getattr(found, name).equals(getattr(wanted, name)) for name in tables) and found.manifest["counts"] == wanted.manifest["counts"]
    assert len([one for one in places.listed(places.join(folder, "state")) if "shard-" in one]) > 6
    found.save(places.join(folder, "out"))
    again = fp.load_scan(places.join(folder, "out"))
    assert digest(again) == digest(found)
    assert names(places.listed(places.join(folder, "out")), folder.rstrip("/") + "/out")[-1] == "topics.parquet"


def test_the_command_line_writes_into_a_bucket_and_shows_it(s3: str, tmp_path: Path) -> None:
    KEY.save(tmp_path / "key")
    (tmp_path / "a.jsonl").write_bytes(CONTENT * 3)
    out = f"{s3}/cli"
    result = CliRunner().invoke(main, ["scan", str(tmp_path / "a.jsonl"), "--out", out, "--key-file", str(tmp_path / "key"), "--resume"])
    assert result.exit_code == 0, result.output
    assert not [one for one in places.listed(s3) if "cli.state" in one]
    shown = CliRunner().invoke(main, ["show", out, "accounts"])
    assert shown.exit_code == 0 and "a " in shown.stdout
    wrong = CliRunner().invoke(main, ["scan", str(tmp_path / "a.jsonl"), "--out", "s3://no-such-bucket/x", "--key-file", str(tmp_path / "key")])
    assert wrong.exit_code == 2 and "no-such-bucket" in wrong.stderr, wrong.output


def test_workers_on_ray_read_and_write_a_bucket(s3: str, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the ray extra")
    KEY.save(tmp_path / "key")
    (tmp_path / "own").mkdir()
    for path in in_files(tmp_path / "own", 3):
        with open(path, "rb") as source, places.written(f"{s3}/ray/in/{os.path.basename(path)}") as target:
            shutil.copyfileobj(source, target)
    options = ("--key-file", str(tmp_path / "key"), "--engine", "ray", "--jobs", "2", "--threads", "1", "--no-controls")
    subprocess.run([sys.executable, "-m", "fingerprint", "scan", f"{s3}/ray/in/*", "--out", f"{s3}/ray/out", *options], check=True, stdout=subprocess.DEVNULL,
                   timeout=120)
    found, wanted = fp.load_scan(f"{s3}/ray/out"), fp.scan(str(tmp_path / "own"), config=CONFIG, key=KEY)
    assert all(getattr(found, name).equals(getattr(wanted, name)) for name in ("accounts", "clusters", "prompts", "topics"))
    assert [c.to_dict() for c in found.campaigns] == [c.to_dict() for c in wanted.campaigns] and found.manifest["engine"]["name"] == "ray"
    assert not [one for one in places.listed(f"{s3}/ray") if "out.state" in one]


def test_changed_objects_are_told(s3: str) -> None:
    put(f"{s3}/changed", "a.jsonl")
    [[extent]] = read_events(f"{s3}/changed").divided()
    assert extent.size == len(CONTENT) and extent.changed_ns > 0 and extent.path == f"{s3}/changed/a.jsonl"


@pytest.mark.parametrize("address", ["s3://key:secret@bucket/x", "sftp://user:secret@host/x*"])
def test_secrets_do_not_belong_in_addresses(address: str) -> None:
    with pytest.raises(InputError, match="holds a password") as raised:
        expand(address)
    assert "secret@" not in str(raised.value)


def test_addresses_that_are_none() -> None:
    with pytest.raises((InputError, BackendUnavailable), match="nosuch"):
        places.look("nosuch://x/y")


def test_without_fsspec_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(BackendUnavailable, match=r"prompt-fingerprint\[remote\]"):
        places.look("memory://x")


def test_a_remote_folder_that_cannot_be_written_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fp.scan([{"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello"}], config=CONFIG, key=KEY)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(places, "_send", fail)
    with pytest.raises(ConfigError, match="No space"):
        found.save("memory://x/out")
    assert fsspec.filesystem("memory") is not None
