"""Where alerts go: what was delivered is there, once handed over or raised, and neither an answer nor an address can do harm."""

from __future__ import annotations

import builtins
import hmac
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fingerprint.alerting import open_sink
from fingerprint.alerting.sinks import Lines, Sink, alert_line
from fingerprint.alerting.webhook import SIGNATURE, TIMESTAMP, Webhook, read_secret, sign
from fingerprint.errors import BackendUnavailable, ConfigError, DeliveryError

ALERT = {"schema": "fp-alert-1", "alert_id": "a-1", "finding_id": "f-0000000001", "kind": "new", "text": "\x1b[31m ünï\ncode \U0001f600", "q": float("nan")}
LINE = json.dumps({**ALERT, "q": None}).encode() + b"\n"
SECRET = b"0123456789abcdef0123456789abcdef"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Lines


def test_a_file_gets_one_line_each(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    with open_sink(str(path)) as sink:
        assert path.read_bytes() == b"" and path.stat().st_mode & 0o777 == 0o600
        sink.deliver(ALERT)
        sink.deliver({**ALERT, "alert_id": "a-2"})
        assert path.read_bytes() == LINE + LINE.replace(b"a-1", b"a-2")
        path.rename(tmp_path / "older")
        sink.deliver(ALERT)
    assert path.read_bytes() == LINE, "a file that was moved away is begun anew"
    with open_sink(str(path)) as sink:
        sink.deliver(ALERT)
    assert path.read_bytes() == 2 * LINE


def test_what_a_full_disk_cut_off_spoils_no_other_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "alerts", os.write
    sink = Lines(str(path))

    def full(handle: int, data: bytes) -> int:
        if len(data) < len(LINE):
            raise OSError(28, "No space left on device")
        return write(handle, data[:10])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DeliveryError, match="No space left"):
        sink.deliver(ALERT)
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:100]))
    sink.deliver(ALERT)
    assert path.read_bytes() == LINE[:10] + b"\n" + LINE


def test_stdout_gets_harmless_lines(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    with open_sink("-") as sink:
        sink.deliver(ALERT)
    assert capsysbinary.readouterr().out == LINE and all(32 <= c < 127 for c in LINE[:-1])
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    with pytest.raises(DeliveryError, match="stdout did not take an alert"):
        Lines("-").deliver(ALERT)


def test_a_reader_that_has_gone_is_a_delivery_error() -> None:
    code = ("import sys, os; from fingerprint.alerting import open_sink; from fingerprint.errors import DeliveryError\n"
            "sink = open_sink('-'); sys.stdin.read()\n"
            "try: sink.deliver({'text': 'x' * 100})\n"
            "except DeliveryError as error: sys.stderr.write(str(error)); os._exit(7)")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.close()
        child.stdout = None
        assert child.communicate(b"", timeout=60)[1] == b"stdout did not take an alert: Broken pipe" and child.returncode == 7


@pytest.mark.parametrize("path", ["/nonexistent/folder/alerts", "/", "", "a\0b"])
def test_a_file_that_cannot_be_written_is_refused_at_once(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        open_sink(path)


# Webhook


class Receiver:
    """A server that answers as it is told and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[int | str] = []
        self.requests: list[SimpleNamespace] = []
        self.go_on = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append(SimpleNamespace(path=self.path, headers=self.headers, body=body))
                receiver.answer(self)

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        answer = self.answers.pop(0) if self.answers else 200
        if answer == "wait":
            self.go_on.wait(30)
            return
        if answer == "garbage":
            to.wfile.write(b"\x1b]0;owned\x07 not HTTP\r\n\r\n")
            return
        if answer == "hang up":
            return
        to.send_response(int(answer), "\x1b[31mred")
        if 300 <= int(answer) < 400:
            to.send_header("Location", f"{self.url}/elsewhere")
        to.end_headers()

    def close(self) -> None:
        self.go_on.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    one = Receiver()
    yield one
    one.close()


def hook(receiver: Receiver, **settings: Any) -> Webhook:
    return Webhook(f"{receiver.url}/alerts?team=abuse", **{"backoff_s": 0.01, "timeout_s": 5.0, **settings})


def test_a_webhook_gets_signed_json(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(SECRET + b"\n")
    with open_sink(f"{receiver.url}/alerts", secret_file=tmp_path / "secret") as sink:
        sink.deliver(ALERT)
    (request,) = receiver.requests
    assert (request.path, request.body) == ("/alerts", LINE) and request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"] == "a-1" and request.headers["User-Agent"].startswith("prompt-fingerprint/")
    timestamp = request.headers[TIMESTAMP]
    assert abs(time.time() - int(timestamp)) < 60
    assert request.headers[SIGNATURE] == "sha256=" + hmac.new(SECRET, timestamp.encode() + b"." + request.body, sha256).hexdigest()
    assert sign(SECRET, timestamp, request.body[:-1]) != request.headers[SIGNATURE] != sign(SECRET, "1", request.body)
    hook(receiver).deliver(ALERT)
    assert SIGNATURE not in receiver.requests[1].headers and receiver.requests[1].path == "/alerts?team=abuse"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_one(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    hook(receiver).deliver(ALERT)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("first", [500, 503, 429, 408, "garbage", "hang up"])
def test_what_may_pass_is_tried_again(receiver: Receiver, first: int | str) -> None:
    receiver.answers = [first, first]
    hook(receiver).deliver(ALERT)
    assert [r.body for r in receiver.requests] == [LINE] * 3 and {r.headers["Idempotency-Key"] for r in receiver.requests} == {"a-1"}


def test_it_gives_up_after_so_many_tries(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    receiver.answers = [503] * 9
    with pytest.raises(DeliveryError, match="did not take an alert: it answered 503"):
        hook(receiver, tries=4, backoff_s=0.5).deliver(ALERT)
    assert len(receiver.requests) == 4 and waits == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 401, 404, 410])
def test_redirects_and_refusals_are_final(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    with pytest.raises(DeliveryError, match=f"it answered {status}$"):
        hook(receiver).deliver(ALERT)
    assert [r.path for r in receiver.requests] == ["/alerts?team=abuse"], "no redirect is followed, and nothing is sent again"


def test_no_answer_in_time(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []
    connect = socket.create_connection

    def connected(address: tuple[str, int], timeout: float | None = None, *rest: Any) -> socket.socket:
        waits.append(timeout)
        return connect(address, timeout, *rest)

    monkeypatch.setattr(socket, "create_connection", connected)
    receiver.answers = ["wait", "wait"]
    with pytest.raises(DeliveryError, match="timed out"):
        hook(receiver, timeout_s=0.1, tries=2).deliver(ALERT)
    assert len(receiver.requests) == 2 and waits == [0.1, 0.1]


def test_nobody_there_and_nonsense(receiver: Receiver) -> None:
    with pytest.raises(DeliveryError, match="refused"):
        Webhook(f"http://127.0.0.1:{free_port()}/", tries=2, backoff_s=0.0).deliver(ALERT)
    receiver.answers = ["garbage"]
    with pytest.raises(DeliveryError) as failed:
        hook(receiver, tries=1).deliver(ALERT)
    assert "\x1b" not in str(failed.value) and "\x07" not in str(failed.value)


def test_no_message_shows_the_path_or_the_secret(receiver: Receiver) -> None:
    receiver.answers = [500]
    with pytest.raises(DeliveryError) as failed:
        hook(receiver, tries=1, secret=SECRET).deliver(ALERT)
    assert "team" not in str(failed.value) and SECRET.decode() not in str(failed.value), "the address of a webhook is often its only protection"


@pytest.mark.parametrize("url", ["http://", "https:///x", "http://u:p@host/", "http://host:99999/", "http://[::1/", "http://host/\n", "http://höst/",
                                 "http://a b/"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError):
        open_sink(url)


@pytest.mark.parametrize("settings", [{"tries": 0}, {"backoff_s": -1.0}])
def test_settings_that_cannot_work(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Webhook("http://host/", **settings)


@pytest.mark.parametrize("url", ["http://host/", "kafka://host:1/t", "redis://host/0?stream=a"])
@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_wait_that_is_none(url: str, timeout_s: float) -> None:
    for scheme, client in (("kafka", "confluent_kafka"), ("redis", "redis")):
        if url.startswith(scheme):
            pytest.importorskip(client, reason=f"{client} is not installed")
    with pytest.raises(ConfigError, match="timeout of a sink"):
        open_sink(url, timeout_s=timeout_s)


def test_secrets_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"  too short \n")
    with pytest.raises(ConfigError, match="has 9 bytes") as failed:
        read_secret(tmp_path / "short")
    assert "too short" not in str(failed.value)
    for name in ("missing", "a\0b"):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_secret(tmp_path / name)


# Brokers


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    cluster = kafka.Producer({"test.mock.num.brokers": 1})
    yield ",".join(f"{b.host}:{b.port}" for b in cluster.list_topics(timeout=10).brokers.values())


def test_a_topic_gets_alerts_by_finding(brokers: str) -> None:
    from confluent_kafka import Consumer

    with open_sink(f"kafka://{brokers}/alerts", timeout_s=20) as sink:
        for i in range(3):
            sink.deliver({**ALERT, "alert_id": f"a-{i}"})
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.subscribe(["alerts"])
    got: list[Any] = []
    end = time.monotonic() + 30
    while len(got) < 3 and time.monotonic() < end:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            got.append(message)
    consumer.close()
    assert [m.key() for m in got] == [b"f-0000000001"] * 3
    assert sorted(m.value() for m in got) == [LINE.replace(b"a-1", f"a-{i}".encode()) for i in range(3)]


def test_a_topic_without_a_broker_is_a_delivery_error() -> None:
    pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    with open_sink(f"kafka://127.0.0.1:{free_port()}/alerts", timeout_s=0.3) as sink:
        for _ in range(2):
            with pytest.raises(DeliveryError, match=r"topic 'alerts' of 127.0.0.1:\d+ did not take an alert"):
                sink.deliver(ALERT)


def test_a_client_that_does_not_give_up_is_not_waited_for() -> None:
    pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    sink = open_sink(f"kafka://127.0.0.1:{free_port()}/alerts", options={"message.timeout.ms": "600000"}, timeout_s=0.1)
    with sink, pytest.raises(DeliveryError, match=r"no answer within 0\.1 s"):
        sink.deliver(ALERT)


def test_an_alert_that_the_broker_refuses_is_a_delivery_error(brokers: str) -> None:
    with open_sink(f"kafka://{brokers}/alerts", options={"message.max.bytes": "1000"}) as sink, pytest.raises(DeliveryError, match="too large"):
        sink.deliver({**ALERT, "text": "x" * 5000})


@pytest.mark.parametrize("url", ["kafka://host:9092/", "kafka:///topic", "kafka://u:p@host/topic", "kafka://host/a/b", "kafka://host/t?acks=0"])
def test_an_address_of_kafka_that_is_none(url: str) -> None:
    pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    with pytest.raises(ConfigError, match="kafka://host:port/topic"):
        open_sink(url)


def test_an_unknown_property_of_kafka() -> None:
    pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")
    with pytest.raises(ConfigError, match=r"nonsense\.property"):
        open_sink("kafka://127.0.0.1:1/t", options={"nonsense.property": "1"})


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    redis = pytest.importorskip("redis", reason="redis is not installed")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server")
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder), "--requirepass", "open sesame"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        with redis.Redis(port=port, password="open sesame") as client:
            for _ in range(200):
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    time.sleep(0.05)
        yield port
        server.terminate()


@pytest.mark.parametrize("password", ["url", "options"])
def test_a_stream_gets_alerts(redis_port: int, password: str) -> None:
    import redis

    address = f"redis://{':open%20sesame@' if password == 'url' else ''}127.0.0.1:{redis_port}/3?stream=fp%3A{password}"
    with open_sink(address, options={"password": "open sesame"} if password == "options" else None) as sink:
        assert "sesame" not in sink.name and "sesame" not in repr(sink)
        sink.deliver(ALERT)
        sink.deliver({**ALERT, "alert_id": "a-2"})
    with redis.Redis(port=redis_port, db=3, password="open sesame") as client:
        entries = client.xrange(f"fp:{password}")
    assert [fields[b"alert_id"] for _, fields in entries] == [b"a-1", b"a-2"]
    assert entries[0][1] == {b"alert_id": b"a-1", b"finding_id": b"f-0000000001", b"kind": b"new", b"document": LINE.rstrip(b"\n")}


def test_a_stream_that_refuses_is_a_delivery_error(redis_port: int) -> None:
    import redis

    with open_sink(f"redis://127.0.0.1:{redis_port}/0?stream=alerts") as sink, pytest.raises(DeliveryError, match="authenticated"):
        sink.deliver(ALERT)
    with redis.Redis(port=redis_port, password="open sesame") as client:
        client.set("taken", 1)
    with open_sink(f"redis://:open%20sesame@127.0.0.1:{redis_port}/0?stream=taken") as sink, pytest.raises(DeliveryError, match="WRONGTYPE"):
        sink.deliver(ALERT)
    with open_sink(f"redis://127.0.0.1:{free_port()}/0?stream=alerts") as sink, pytest.raises(DeliveryError, match="refused") as failed:
        sink.deliver(ALERT)
    assert "stream 'alerts' of 127.0.0.1:" in str(failed.value)


@pytest.mark.parametrize("url", ["redis://host/0", "redis://host/0?stream=", "redis://host/0?stream=a&x=1", "redis:///0?stream=a", "redis://host/zero?stream=a",
                                 "redis://host:99999/0?stream=a", "redis://host/0?stream"])
def test_an_address_of_redis_that_is_none(url: str) -> None:
    pytest.importorskip("redis", reason="redis is not installed")
    with pytest.raises(ConfigError, match=r"redis://host:port/0\?stream=NAME"):
        open_sink(url)


def test_an_unknown_setting_of_redis() -> None:
    pytest.importorskip("redis", reason="redis is not installed")
    with pytest.raises(ConfigError, match="nonsense"):
        open_sink("redis://host/0?stream=a", options={"nonsense": 1})


# All of them


@pytest.mark.parametrize(("url", "settings"), [("ftp://host/", {}), ("file:///tmp/x", {}), ("-", {"secret_file": "x"}), ("alerts", {"options": {"a": 1}}),
                                              ("http://host/", {"options": {"a": 1}}), ("redis://h/0?stream=a", {"secret_file": "x"})])
def test_what_does_not_go_together(url: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        open_sink(url, **settings)


@pytest.mark.parametrize(("url", "client"), [("kafka://h:1/t", "confluent_kafka"), ("redis://h/0?stream=a", "redis")])
def test_a_missing_client_says_how_to_get_it(url: str, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.partition(".")[0] == client:
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BackendUnavailable, match=r"pip install 'prompt-fingerprint\[stream\]'"):
        open_sink(url)


def test_no_client_is_loaded_before_it_is_needed() -> None:
    code = "import sys, fingerprint.alerting, fingerprint.metrics; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    assert not {"confluent_kafka", "redis", "prometheus_client"} & set(loaded) and "fingerprint" in loaded


def test_a_sink_has_to_say_where_to() -> None:
    with Sink() as sink, pytest.raises(NotImplementedError):
        sink.deliver(ALERT)
    assert alert_line(ALERT).encode() == LINE
