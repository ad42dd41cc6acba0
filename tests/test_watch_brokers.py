"""The service on brokers: its process is killed while it reads from Kafka or Redis, and every row counts once."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fingerprint as fp
from fingerprint.simulate import simulate
from fingerprint.stream.care import verify

START_S = 1_767_225_600
Send = Callable[[list[bytes]], None]


def row(number: int) -> bytes:
    return json.dumps({"account_id": f"a{number % 9}", "timestamp": START_S + number, "prompt": f"question {number % 50} that is asked by many"}).encode()


def watch(state: Path, source: str, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "fingerprint", "watch", str(state), source, "--every", "1h", *more], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def alive(state: Path, key: fp.Key) -> int:
    try:
        return verify(state, key).n_live
    except fp.errors.InputError:
        return 0


def killed_twice(state: Path, key: fp.Key, source: str, send: Send) -> dict[str, Any]:
    """Send rows, kill the service twice in the middle, let it come to the end; return the row accounting."""
    sent, poison = 0, [b"no json", b"\xff\xfe", b""]
    for kill in range(3):
        process = watch(state, source)
        send([row(number) for number in range(sent, sent + 3000)] + poison)
        sent += 3000
        end, target = time.monotonic() + 60, sent if kill == 2 else sent - 2500
        while alive(state, key) < target and time.monotonic() < end and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL if kill < 2 else signal.SIGTERM)
        _, error = process.communicate(timeout=60)
        assert alive(state, key) >= target, error
    report = verify(state, key)
    assert report.n_live == sent == report.counts["accepted"]
    return report.counts


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of our own."""
    redis = pytest.importorskip("redis", reason="redis-py is not installed")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen([program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)],
                               stdout=subprocess.DEVNULL)
    client, end = redis.Redis(port=port, protocol=2), time.monotonic() + 10
    while True:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            assert time.monotonic() < end
            time.sleep(0.05)
    client.close()
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(10)


def test_redis(redis_url: str, tmp_path: Path, key: fp.Key) -> None:
    import redis

    client = redis.Redis.from_url(redis_url, protocol=2)

    def send(rows: list[bytes]) -> None:
        pipe = client.pipeline()
        for one in rows:
            pipe.xadd("prompts", {"event": one})
        pipe.execute()

    counts = killed_twice(tmp_path / "state", key, f"{redis_url}?stream=prompts&group=fingerprint", send)
    assert counts["rejected:invalid-json"] == 3 and counts["rejected:invalid-utf8"] == 3 and counts["blank"] == 3 and counts["read"] == 9009
    client.close()


def test_kafka(tmp_path: Path, key: fp.Key) -> None:
    kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    producer = kafka.Producer({"test.mock.num.brokers": 1}, logger=logging.getLogger("kafka.mock"))
    servers = ",".join(f"{broker.host}:{broker.port}" for broker in producer.list_topics(timeout=10).brokers.values())

    def send(rows: list[bytes]) -> None:
        for one in rows:
            producer.produce("prompts", one)
        producer.flush(10)

    source = f"kafka://{servers}/prompts?group=fingerprint&session.timeout.ms=3000&heartbeat.interval.ms=200"
    counts = killed_twice(tmp_path / "state", key, source, send)
    assert counts["rejected:invalid-json"] == 3 and counts["rejected:invalid-utf8"] == 3 and counts["read"] == 9009


def test_alerts_go_to_a_stream(redis_url: str, tmp_path: Path) -> None:
    import redis

    client = redis.Redis.from_url(redis_url, protocol=2)
    rows = simulate("demo", 4).events.slice(0, 9000).to_pylist()
    lines = "".join(json.dumps({**one, "timestamp": one["timestamp"].isoformat()}) + "\n" for one in rows)
    (tmp_path / "log.jsonl").write_text(lines, "utf-8")
    process = watch(tmp_path / "state", str(tmp_path / "log.jsonl"), "--no-follow", "--alerts", f"{redis_url}?stream=alerts", "--no-text")
    output, error = process.communicate(timeout=200)
    assert process.returncode == 0, error
    found = [json.loads(fields[b"document"]) for _, fields in client.xrange("alerts")]
    assert found and all(one["schema"] == "fp-alert-1" for one in found) and f"{len(found)} findings" in output
    assert all(representative["text"] is None for one in found for representative in one["shared"]["representatives"])
    assert os.path.isdir(tmp_path / "state")
    client.close()
