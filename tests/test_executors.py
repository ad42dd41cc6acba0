"""Executors run the same orders to the same files, whoever is killed meanwhile, and let nobody work who would do it differently."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from shards_fixture import CONFIG, KEY, SITE, in_files, plain

from fingerprint import __version__
from fingerprint.errors import ConfigError, FingerprintError, InputError
from fingerprint.ingest import ingest
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import extents, read_events
from fingerprint.shards import gathering, worker
from fingerprint.shards.executors import Executor, Processes, executor_of
from fingerprint.shards.gathering import Gathering
from fingerprint.shards.job import Job

JOB = Job.of(CONFIG.sketch, KEY)


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return in_files(tmp_path_factory.mktemp("dumps"))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extents, "SHARD_ROWS", 400)
    monkeypatch.setattr(extents, "SHARD_BYTES", 60_000)
    monkeypatch.setattr(gathering, "TEXTS_PER_PART", 1500)


@pytest.fixture(scope="module")
def wanted(dumps: list[str]) -> dict[str, Any]:
    return plain(ingest(read_events(dumps), CONFIG, KEY, Stopwatch(Progress())))


def gathered(dumps: list[str], folder: Path, executor: Executor) -> gathering.Gathered:
    return Gathering(str(folder), CONFIG, KEY, JOB, executor, Stopwatch(Progress())).gather(read_events(dumps).divided())


def test_processes_make_the_same_files_as_one(dumps: list[str], wanted: dict[str, Any], tmp_path: Path) -> None:
    with Executor(KEY, 1) as here:
        assert plain(gathered(dumps, tmp_path / "one", here).traffic) == wanted
    with Processes(3, KEY, 1) as three:
        assert plain(gathered(dumps, tmp_path / "three", three).traffic) == wanted
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "three").iterdir()) and len(names) > 9
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "three" / name).read_bytes() for name in names), "byte for byte"


def killing(folder: Path, monkeypatch: pytest.MonkeyPatch, mark: str, kills: str) -> None:
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(SITE, "utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("KILLED_AT", mark)
    monkeypatch.setenv("KILLED", str(folder / "killed"))
    monkeypatch.setenv("KILLS", kills)


@pytest.mark.parametrize("mark", ["shard-000002.shard", "texts-000001.shard", "company-000000.shard"])
def test_a_worker_that_is_killed_changes_nothing(mark: str, dumps: list[str], wanted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killing(tmp_path, monkeypatch, mark, "once")
    with Processes(2, KEY, 1) as two:
        found = gathered(dumps, tmp_path / "s", two)
    assert (tmp_path / "killed").read_text("utf-8") == "x" and not found.missing
    assert plain(found.traffic) == wanted
    left = [path.name for path in (tmp_path / "s").iterdir() if not path.name.endswith(".shard")]
    assert len(left) <= 2 and all(name.endswith(".partial") for name in left), "what it has left stands under no name"
    gathering.clear(str(tmp_path / "s"))
    assert not (tmp_path / "s").exists()


def test_what_kills_every_worker_is_a_missing_shard_and_takes_no_other_with_it(dumps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killing(tmp_path, monkeypatch, "shard-000002.shard", "always")
    with Processes(2, KEY, 1) as two:
        found = gathered(dumps, tmp_path / "s", two)
    assert [one["shard"].partition(":")[0] for one in found.missing] == [f"3/{found.n_shards + 1}"] and "killed" in found.missing[0]["why"]
    assert 3 <= len((tmp_path / "killed").read_text("utf-8")) <= 4


def test_a_step_that_all_need_must_not_fail(dumps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killing(tmp_path, monkeypatch, "texts-000001.shard", "always")
    with Processes(2, KEY, 1) as two, pytest.raises(InputError, match="putting shards together failed"):
        gathered(dumps, tmp_path / "s", two)


def order(**change: Any) -> dict[str, Any]:
    return {"version": __version__, "scheme": JOB.scheme, "key_id": KEY.key_id, "key_file": None, "do": "bands", "place": "x", "ranges": [], "part": 0,
            "about": {}, **change}


@pytest.mark.parametrize("change", [{"version": "0.0.9"}, {"scheme": "fp-0"}])
def test_a_worker_of_another_version_is_refused(change: dict[str, Any]) -> None:
    worker.hold(KEY)
    with pytest.raises(ConfigError, match="install the same prompt-fingerprint everywhere"):
        worker.run(order(**change))
    with Processes(2, KEY, 1) as two, pytest.raises(ConfigError, match="install the same"):
        list(two.run([order(**change)]))


def test_a_worker_with_another_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_held", {})
    KEY.save(tmp_path / "key")
    (tmp_path / "other").write_text("00" * 16, "ascii")
    for named in (str(tmp_path / "other"), None):
        monkeypatch.setenv("FINGERPRINT_KEY_FILE", str(tmp_path / "other"))
        with pytest.raises(ConfigError, match=f"the scan has {KEY.key_id}") as refused:
            worker.run(order(key_file=named))
        assert KEY.material.hex() not in str(refused.value)
    worker.run(order(key_file=str(tmp_path / "key"), place=str(tmp_path / "f")))


def test_errors_of_one_order_are_its_own(tmp_path: Path) -> None:
    with Processes(2, KEY, 1) as two:
        outcomes = dict(two.run([order(place=str(tmp_path / "a")), order(place=str(tmp_path / "b"), ranges=[str(tmp_path / "none")]),
                                 order(place="/proc/none/c"), order(place=str(tmp_path / "d"))]))
    assert isinstance(outcomes[0], dict) and isinstance(outcomes[3], dict) and outcomes[0]["size"] > 0
    assert isinstance(outcomes[1], FingerprintError) and isinstance(outcomes[2], OSError)


def test_executors_that_are_none() -> None:
    for given in ({"engine": "spark", "jobs": 1}, {"engine": "local", "jobs": 0}, {"engine": "local", "jobs": 1, "address": "auto"}):
        with pytest.raises(ConfigError):
            executor_of(key=KEY, **given)  # type: ignore[arg-type]


def test_an_interrupt_ends_the_workers_and_leaves_nothing(dumps: list[str], tmp_path: Path) -> None:
    KEY.save(tmp_path / "key")
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "fingerprint", "scan", *dumps, "--out", str(tmp_path / "out"), "--key-file", str(tmp_path / "key"), "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path / "tmp")}, start_new_session=True)
    end = time.monotonic() + 60
    while not list((tmp_path / "tmp").glob("fingerprint-*/job.shard")) and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(60) == 130
    assert process.stderr is not None
    said = process.stderr.read()
    assert "Traceback" not in said, said
    process.stderr.close()
    assert not list((tmp_path / "tmp").glob("fingerprint-*")) and not (tmp_path / "out").exists()


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("""
import os, time
from fingerprint import Key
from fingerprint.shards.executors import Processes
if __name__ == "__main__":
    two = Processes(2, Key(bytes(16)), 1)
    print(two._submit(os.getpid).result(), flush=True)
    time.sleep(60)
""", "utf-8")
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    end = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
