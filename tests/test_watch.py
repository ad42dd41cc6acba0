"""The service: what is watched is counted once, whatever happens to the process; the commands that take care of its state."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import fingerprint as fp
from fingerprint.cli import main
from fingerprint.simulate import simulate
from fingerprint.stream.care import verify

START_S = 1_767_225_600


def line(number: int) -> str:
    return json.dumps({"account_id": f"a{number % 9}", "timestamp": START_S + number, "prompt": f"question {number % 50} about something, asked by many"})


def append(path: Path, low: int, high: int) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write("".join(line(number) + "\n" for number in range(low, high)))


def run(*arguments: object, code: int = 0) -> Any:
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, (result.exit_code, result.output, result.exception)
    return result


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "fingerprint", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(state: Path, key: fp.Key, n: int, timeout_s: float = 60.0) -> None:
    """Wait until a state that is in use has so many events."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        try:
            if verify(state, key).n_live >= n:
                return
        except fp.errors.InputError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{state} does not get {n} events")


def test_files_are_counted_once(tmp_path: Path, key: fp.Key) -> None:
    log, state = tmp_path / "log.jsonl", tmp_path / "state"
    append(log, 0, 300)
    result = run("watch", state, log, "--no-follow")
    assert "300 rows read: 300 accepted" in result.output
    append(log, 300, 350)
    with open(log, "a", encoding="utf-8") as file:
        file.write("no json\n")
    result = run("watch", state, log, "--no-follow")
    assert "351 rows read: 350 accepted, 0 blank, 1 rejected" in result.output and "350 events alive" in result.output
    report = verify(state, key)
    assert report.n_live == 350 and report.counts["read"] == 351 and report.counts["rejected:invalid-json"] == 1


def test_stdin_and_its_alerts(tmp_path: Path) -> None:
    world = simulate("demo", 4).events.slice(0, 9000)
    rows = "".join(json.dumps({**row, "timestamp": row["timestamp"].isoformat()}) + "\n" for row in world.to_pylist())
    alerts = tmp_path / "alerts.jsonl"
    command = [sys.executable, "-m", "fingerprint", "watch", str(tmp_path / "state"), "-", "--alerts", str(alerts), "--durability", "fast"]
    result = subprocess.run(command, input=rows, capture_output=True, text=True, timeout=120, check=True)
    written = [json.loads(one) for one in alerts.read_text("utf-8").splitlines()]
    assert written and all(one["schema"] == "fp-alert-1" and one["kind"] == "new" for one in written)
    assert f"{len(written)} findings" in result.stdout and re.search(r"f-[0-9a-f]{10} new: \d+ accounts", result.stderr)
    campaign = written[0]
    assert campaign["principal"]["n_accounts"] >= 6 and campaign["statistics"]["tests"] and campaign["shared"]["representatives"][0]["text"]
    planted = {row["account_id"] for row in simulate("demo", 4).labels.to_pylist() if row["campaign"]}
    assert {one["account_id"] for one in campaign["principal"]["accounts"]} <= planted


@pytest.mark.parametrize("durability", ["durable", "fast"])
def test_a_killed_service_goes_on(tmp_path: Path, key: fp.Key, durability: str) -> None:
    log, state, done = tmp_path / "log.jsonl", tmp_path / "state", 0
    for kill in range(3):
        process = start("watch", state, log, "--durability", durability, "--every", "1h")
        for part in range(4):
            append(log, done, done + 400)
            done += 400
            wait_for(state, key, done - (400 if part < 3 else 0) if kill < 2 else done)
        process.send_signal(signal.SIGKILL if kill < 2 else signal.SIGTERM)
        output = process.communicate(timeout=60)
    assert process.returncode == 0 and f"{done:,} rows read: {done:,} accepted" in output[0], output
    report = verify(state, key)
    assert report.n_live == report.counts["read"] == done == 4800


def test_an_interrupt_loses_nothing(tmp_path: Path, key: fp.Key) -> None:
    log, state = tmp_path / "log.jsonl", tmp_path / "state"
    append(log, 0, 500)
    process = start("watch", state, log)
    wait_for(state, key, 500)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in error
    assert verify(state, key).n_live == 500


def test_figures_are_served(tmp_path: Path, key: fp.Key) -> None:
    log, state = tmp_path / "log.jsonl", tmp_path / "state"
    append(log, 0, 200)
    process = start("watch", state, log, "--metrics", "127.0.0.1:0", "--every", "1s")
    assert process.stderr is not None
    found = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.stderr.readline())
    assert found is not None
    wait_for(state, key, 200)
    text = ""
    for _ in range(100):
        text = urllib.request.urlopen(found[0], timeout=10).read().decode()
        if "fingerprint_evaluation_seconds_count 1.0" in text:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert "fingerprint_events_total 200.0" in text and "fingerprint_live_accounts 9.0" in text and "fingerprint_observe_seconds_bucket" in text


def test_two_services_cannot_share_a_state(tmp_path: Path, key: fp.Key) -> None:
    log, state = tmp_path / "log.jsonl", tmp_path / "state"
    append(log, 0, 10)
    process = start("watch", state, log)
    wait_for(state, key, 10)
    result = run("watch", state, log, "--no-follow", code=2)
    assert f"in use by process {process.pid}" in result.output
    copy = tmp_path / "copy"
    assert "the copy is sound" in run("backup", state, copy).output
    assert "sound: 10 events alive" in run("verify", state).output
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert "10 events alive" in run("verify", copy).output


def test_taking_care_of_a_state(tmp_path: Path, key: fp.Key) -> None:
    log, state = tmp_path / "log.jsonl", tmp_path / "state"
    append(log, 0, 90)
    run("watch", state, log, "--no-follow")
    assert json.loads(run("verify", state, "--json").output)["n_live"] == 90
    result = run("compact", state, "--forget", "a3", "--forget", "a4")
    assert "20 events of 2 accounts erased" in result.output and "70 events alive" in result.output
    assert json.loads(run("verify", state, "--json").output)["counts"]["erased"] == 20
    assert b"a3" not in b"".join(path.read_bytes() for path in state.glob("span-*")) or verify(state, key).n_live == 70
    piece = next(state.glob("span-*"))
    data = bytearray(piece.read_bytes())
    data[len(data) // 2] ^= 1
    piece.write_bytes(data)
    assert "damaged" in run("verify", state, code=2).output
    assert "damaged" in run("watch", state, log, "--no-follow", code=2).output


@pytest.mark.parametrize("arguments", [
    ["verify", "nowhere"], ["compact", "nowhere"], ["backup", "nowhere", "copy"], ["watch", "state", "missing.jsonl", "--no-follow"],
    ["watch", "state", "gopher://host/topic"], ["watch", "state"], ["watch", "state", "-", "--window", "soon"],
    ["watch", "state", "-", "--metrics", "nonsense"], ["watch", "state", "-", "--alerts", "ftp://host/x"]])
def test_mistakes_end_with_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, code=2)
    assert "Traceback" not in result.output and result.output.strip()
    assert os.listdir(tmp_path) in ([], ["state"])
