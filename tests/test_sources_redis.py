"""Redis Streams: each entry is counted once, whatever the group has been given. Against a server of our own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sources_fixture import Caller, event, names

pytest.importorskip("redis", reason="redis-py is not installed")

import redis

from fingerprint.errors import ConfigError, InputError
from fingerprint.readers import Decoder
from fingerprint.readers.lines import MAX_ROW_BYTES
from fingerprint.sources import open_source
from fingerprint.sources.redis import RedisSource, id_text, parse_id

PROGRAM = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="redis-server is not installed")
Open = Callable[..., RedisSource]
NUMBER = count()


class Server:
    """A server on a free port, that can be stopped and started again with nothing kept."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(PROGRAM), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL)
        self.client = redis.Redis(port=self.port, protocol=2)
        deadline = time.monotonic() + 10
        while True:
            try:
                self.client.ping()
                return
            except redis.exceptions.ConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def stop(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("redis"))
    yield made
    made.stop()


@pytest.fixture
def stream() -> str:
    return f"events-{next(NUMBER)}"


@pytest.fixture
def opened(server: Server, stream: str) -> Iterator[Open]:
    """Return what opens a source for a caller; it is closed in the end."""
    sources: list[RedisSource] = []

    def opened(caller: Caller, max_rows: int = 1000, streams: str = stream, **options: str) -> RedisSource:
        more = "".join(f"&{name}={value}" for name, value in options.items())
        source = open_source(f"redis://127.0.0.1:{server.port}/0?stream={streams}&group=g{more}", max_rows=max_rows)
        assert isinstance(source, RedisSource)
        sources.append(source)
        source.open(caller.positions)
        return source

    yield opened
    for source in sources:
        source.close()


def add(server: Server, stream: str, *values: bytes) -> list[str]:
    with server.client.pipeline(transaction=False) as pipeline:
        for value in values:
            pipeline.xadd(stream, {"event": value})
        return [name.decode() for name in pipeline.execute()]


def events(low: int, high: int) -> list[bytes]:
    return [event(i) for i in range(low, high)]


def pending(server: Server, stream: str) -> int:
    found: int = server.client.xpending(stream, "g")["pending"]
    return found


def test_entries_become_rows_and_are_acknowledged(server: Server, stream: str, opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    caller = Caller()
    source = opened(caller)
    assert f"redis:{stream}: there is no such stream yet" in caplog.text
    assert source.name == f"redis://127.0.0.1:{server.port}/0" and source.poll(0.0) is None and not source.finished
    ids = add(server, stream, *events(0, 1500))
    caller.take(source.poll(1.0))
    caller.take(source.poll(1.0))
    assert [delivery.n_rows for delivery in caller.pending] == [1000, 500] and pending(server, stream) == 1500
    caller.save(source)
    assert caller.counts == names(range(1500)) and caller.positions == {f"redis:{stream}": ids[-1]}
    assert pending(server, stream) == 0 and source.poll(0.0) is None and source.lost() == []
    source.close()
    source.close()


def test_poll_waits_for_entries(server: Server, stream: str, opened: Open) -> None:
    source = opened(Caller())
    before = time.monotonic()
    assert source.poll(0.2) is None
    assert time.monotonic() - before >= 0.19
    add(server, stream, event(1))
    before = time.monotonic()
    assert source.poll(30.0) is not None
    assert time.monotonic() - before < 10


@pytest.mark.parametrize("saved", [0, 130, 300])
def test_a_crash_without_acknowledging(server: Server, stream: str, opened: Open, saved: int) -> None:
    """Part of what was delivered is durable, and none of it was acknowledged; another consumer of the group holds some of it."""
    add(server, stream, *events(0, 400))
    caller = Caller()
    source = opened(caller, max_rows=10)
    for _ in range(saved // 10):
        caller.take(source.poll(0.0))
    caller.save()
    for _ in range((300 - saved) // 10):
        caller.take(source.poll(0.0))
    caller.crash()
    server.client.xreadgroup("g", "another", {stream: ">"}, count=50)
    assert pending(server, stream) == 350 and sum(caller.counts.values()) == saved
    source = opened(caller)
    assert pending(server, stream) == 350 - saved
    caller.read(source, 400 - saved)
    caller.save(source)
    assert caller.counts == names(range(400)) and caller.n_repeated == 0 and pending(server, stream) == 0


def test_what_the_group_was_told_does_not_count(server: Server, stream: str, opened: Open) -> None:
    """The state is older than what was acknowledged, as after a restored backup."""
    add(server, stream, *events(0, 100))
    caller = Caller()
    source = opened(caller, max_rows=40)
    caller.take(source.poll(0.0))
    caller.save(source)
    saved = dict(caller.positions), caller.counts.copy()
    caller.drain(source)
    source.commit(caller.positions)
    assert pending(server, stream) == 0
    caller.positions, caller.counts = saved
    caller.read(opened(caller), 60)
    assert caller.counts == names(range(100))


def test_what_comes_again_is_skipped_and_counted(server: Server, stream: str, opened: Open) -> None:
    add(server, stream, *events(0, 50))
    caller = Caller()
    source = opened(caller)
    caller.read(source, 50)
    server.client.xgroup_setid(stream, "g", "0")
    add(server, stream, *events(50, 60))
    caller.read(source, 60)
    assert caller.counts == names(range(60)) and caller.n_repeated == 50
    source.commit(caller.positions)
    assert pending(server, stream) == 0


def test_poison(server: Server, stream: str, opened: Open) -> None:
    caller = Caller()
    source = opened(caller)
    big = b'{"prompt": "' + b"a" * MAX_ROW_BYTES
    fields = {"account_id": "a", "timestamp": "1772000000"}
    ids = add(server, stream, event(1), b"{", b"\xff", b"", big, event(2))
    for entry in (
        [*sum(fields.items(), ()), "prompt", "row 3"],
        [*sum(fields.items(), ()), "prompt", "row 4", "prompt", "row 5"],
        ["event", event(6), "event", event(7)],
        ["trace", "x", "event", event(8)],
        [*sum(fields.items(), ()), "prompt", b"\xff"],
        [*sum(fields.items(), ()), "prompt", b"a" * (MAX_ROW_BYTES + 1)],
        ["nothing", "at all"],
        ["event", "[1]", "prompt", "row 9"],
    ):
        ids.append(server.client.execute_command("XADD", stream, "*", *entry).decode())
    caller.read(source, len(ids))
    assert caller.counts == names([1, 2, 3, 8])
    kinds = [(1, "invalid-json"), (2, "invalid-utf8"), (4, "too-long"), (7, "duplicate-key"), (8, "duplicate-key"), (10, "invalid-utf8"), (11, "too-long"),
             (12, "missing-prompt"), (13, "not-an-object")]
    assert caller.rejects == [{"file": f"redis:{stream}", "position": ids[at], "class": kind} for at, kind in kinds]


def test_fields_are_columns(server: Server, stream: str, opened: Open) -> None:
    source = opened(Caller())
    row = {"user_id": "17", "created_at": "2026-03-01T00:00:00Z", "text": "hello", "org_id": "o", "ip": "10.0.0.1"}
    server.client.xadd(stream, row)
    delivery = source.poll(1.0)
    assert delivery is not None
    (found,) = delivery.decoded.batches[0].to_pylist()
    assert (found["account_id"], found["timestamp"].isoformat(), found["prompt"], found["org_id"], found["ip"], found["line"]) == (
        "17", "2026-03-01T00:00:00+00:00", "hello", "o", "10.0.0.1", -1)


def test_trimmed_before_it_was_read(server: Server, stream: str, opened: Open, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint.sources.redis.LOOK_S", 0.0)
    caller = Caller()
    source = opened(caller)
    add(server, stream, *events(0, 10))
    caller.read(source, 10)
    source.poll(0.0)
    add(server, stream, *events(10, 40))
    server.client.xtrim(stream, maxlen=5, approximate=False)
    caller.read(source, 5)
    assert caller.counts == names([*range(10), *range(35, 40)])
    assert f"redis:{stream}: 25 entries were removed before they were read" in caplog.text
    add(server, stream, *events(40, 45))
    server.client.xtrim(stream, maxlen=0, approximate=False)
    source.close()
    source = opened(caller)
    assert source.poll(0.0) is None and pending(server, stream) == 0
    add(server, stream, event(45))
    caller.read(source, 1)
    assert caller.positions[f"redis:{stream}"] > "0" and "row 45" in caller.counts


def test_lag(server: Server, stream: str, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint.sources.redis.LOOK_S", 0.0)
    add(server, stream, *events(0, 100))
    caller = Caller()
    source = opened(caller, max_rows=30)
    lags = []
    while caller.take(source.poll(0.0)):
        lags.append(caller.lag)
    assert lags == [70, 40, 10, 0]


class Proxy:
    """Stands between client and server, and breaks connections at a command of choice: before the server has it, or when it has answered."""

    def __init__(self, port: int) -> None:
        self.port, self.breaks, self.n_broken = port, {"before": 0, "after": 0}, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.forward, args=(client,), daemon=True).start()

    def forward(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.port)) as server:
            while request := client.recv(1 << 20):
                moment = next((m for m, left in self.breaks.items() if left and b"XREADGROUP" in request), None)
                if moment is not None:
                    self.breaks[moment] -= 1
                    self.n_broken += 1
                if moment == "before":
                    return
                server.sendall(request)
                answer = server.recv(1 << 20)
                if moment == "after":
                    return
                client.sendall(answer)
                server.settimeout(0.02)
                try:
                    while more := server.recv(1 << 20):
                        client.sendall(more)
                except TimeoutError:
                    server.settimeout(None)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_connection_that_breaks_loses_nothing(server: Server, stream: str, moment: str, caplog: pytest.LogCaptureFixture) -> None:
    """An answer is lost on its way, after the server has noted what it gave: to ask once more would give the entries behind it."""
    add(server, stream, *events(0, 600))
    proxy, caller = Proxy(server.port), Caller()
    source = open_source(f"redis://127.0.0.1:{proxy.listener.getsockname()[1]}/0?stream={stream}&group=g", max_rows=100)
    source.open(caller.positions)
    caller.read(source, 100)
    for _ in range(3):
        proxy.breaks[moment] = 1
        caller.read(source, 100)
    caller.read(source, 200)
    assert caller.counts == names(range(600)) and caller.n_repeated == 0 and proxy.n_broken == 3
    assert "127.0.0.1" in caplog.text
    source.commit(caller.positions)
    assert pending(server, stream) == 0
    source.close()
    proxy.listener.close()


def test_a_server_that_restarts_empty(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = Server(tmp_path)
    try:
        caller = Caller()
        source = open_source(f"redis://127.0.0.1:{server.port}?stream=s&group=g")
        source.open(caller.positions)
        add(server, "s", *events(0, 10))
        caller.read(source, 10)
        server.stop()
        delivery = source.poll(0.3)
        assert delivery is None
        source.commit(caller.positions)
        server.start()
        assert source.poll(1.0) is None
        add(server, "s", *events(10, 20))
        caller.read(source, 10)
        server.client.delete("s")
        add(server, "s", *events(20, 30))
        caller.read(source, 10, timeout_s=20)
        assert caller.counts == names(range(30)) and "ConnectionError" not in caller.rejected
        assert f"redis://127.0.0.1:{server.port}" in caplog.text
        source.close()
    finally:
        server.stop()


def test_a_server_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    source = open_source("redis://user:secret@127.0.0.1:1/0?stream=s&group=g")
    source.open({})
    before = time.monotonic()
    assert source.poll(0.3) is None
    assert 0.29 <= time.monotonic() - before < 5
    assert "redis://127.0.0.1:1/0" in caplog.text and "secret" not in caplog.text and "secret" not in source.name
    source.close()


def test_somebody_else_in_the_group(server: Server, stream: str, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint.sources.redis.LOOK_S", 0.0)
    source = opened(Caller())
    add(server, stream, event(1))
    assert source.poll(0.0) is not None
    add(server, stream, event(2))
    server.client.xreadgroup("g", "another", {stream: ">"})
    with pytest.raises(InputError, match="another consumer reads in group 'g'"):
        source.poll(0.0)


def test_several_streams(server: Server, stream: str, opened: Open) -> None:
    streams = [f"{stream}-{n}" for n in range(3)]
    caller = Caller()
    for n, name in enumerate(streams):
        add(server, name, *events(100 * n, 100 * n + 50))
    source = opened(caller, max_rows=7, streams=",".join(streams))
    while n := caller.take(source.poll(0.0)):
        assert n <= 7
    caller.save(source)
    assert caller.counts == names([*range(50), *range(100, 150), *range(200, 250)])
    assert sorted(caller.positions) == [f"redis:{name}" for name in streams] and all(pending(server, name) == 0 for name in streams)
    source = opened(caller, max_rows=2, streams=",".join(streams))
    for name in streams:
        add(server, name, event(1000), event(1001))
    assert [caller.take(source.poll(0.0)) for _ in range(4)] == [2, 2, 2, 0]


def test_bytes_of_a_delivery_are_bounded(server: Server, stream: str, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint.sources.redis.MAX_BYTES", 100_000)
    add(server, stream, *[event(i, "x" * 10_000) for i in range(100)])
    caller = Caller()
    source = opened(caller)
    sizes = []
    while n := caller.take(source.poll(0.0)):
        sizes.append(n)
    assert sum(sizes) == 100 and max(sizes[1:]) <= 20


def test_from_the_end(server: Server, stream: str, opened: Open) -> None:
    ids = add(server, stream, *events(0, 10))
    caller = Caller()
    source = opened(caller, start="$")
    assert source.poll(0.0) is None
    source.close()
    source = opened(caller, start="$")
    add(server, stream, event(10))
    caller.read(source, 1)
    assert caller.counts == names([10]) and caller.positions[f"redis:{stream}"] > ids[-1]
    add(server, stream, event(11))
    caller.read(opened(caller, start="$"), 1)
    assert caller.counts == names([10, 11])


def test_a_state_of_another_stream(server: Server, stream: str, opened: Open) -> None:
    add(server, stream, event(1))
    with pytest.raises(InputError, match="belongs to an earlier stream of this name"):
        opened(Caller(positions={f"redis:{stream}": "99999999999999-0"}))
    for text in ("17", "1-2-3", "x-1", ""):
        with pytest.raises(InputError, match="is no position of"):
            opened(Caller(positions={f"redis:{stream}": text}))


def test_what_is_no_stream_or_may_not_be_read(server: Server, stream: str, opened: Open) -> None:
    server.client.set(stream, "text")
    with pytest.raises(InputError, match="is no stream"):
        opened(Caller())
    server.client.acl_setuser("reader", enabled=True, passwords=["+secret"], keys=["*"], commands=["+ping", "+xadd"])
    for login, message in (("reader:wrong", "correct user and password"), ("reader:secret", "let the user do XREADGROUP")):
        source = open_source(f"redis://{login}@127.0.0.1:{server.port}/0?stream={stream}&group=g")
        with pytest.raises(InputError, match=message) as raised:
            source.open({})
        assert "secret" not in str(raised.value)
        source.close()


def test_urls() -> None:
    source = RedisSource.of("redis://host/1?stream=a,b&group=g&consumer=c&client_name=x", Decoder(), 5)
    assert source.name == "redis://host/1" and list(source._streams) == [b"a", b"b"] and source._reader == "c"
    assert source._server.connection_pool.connection_kwargs["client_name"] == "x"
    source.close()
    source = RedisSource.of("unix:///run/redis.sock?db=2&stream=s&group=g", Decoder())
    assert source.name == "unix:///run/redis.sock"
    kwargs = source._server.connection_pool.connection_kwargs
    assert (kwargs["path"], kwargs["db"]) == ("/run/redis.sock", 2)
    source.close()
    with pytest.raises(ConfigError, match="start is 0 or"):
        open_source("redis://host?stream=s&group=g&start=5")
    with pytest.raises(ConfigError, match="redis://host"):
        open_source("redis://host:port?stream=s&group=g")


def test_ids_are_ordered_as_numbers() -> None:
    ids = ["9-10", "10-2", "10-10", f"{2**63}-{2**63}"]
    assert sorted(ids, key=parse_id) == ids and [id_text(parse_id(text.encode())) for text in ids] == ids
