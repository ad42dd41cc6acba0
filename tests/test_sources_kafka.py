"""Kafka: each message is counted once, whatever the broker has as committed and whoever has the partition. Over the client's own mock cluster."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count

import pytest
from sources_fixture import Caller, event, names

pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from fingerprint.errors import ConfigError, InputError
from fingerprint.readers import Decoder
from fingerprint.sources import open_source
from fingerprint.sources.kafka import KafkaSource, Partition

PARTITIONS = 4  # of a topic that the mock cluster makes
Open = Callable[..., KafkaSource]


@pytest.fixture(scope="module")
def producer() -> Iterator[Producer]:
    """Return a producer, in whose process the cluster lives."""
    made = Producer({"test.mock.num.brokers": 1, "message.max.bytes": 30_000_000}, logger=logging.getLogger("kafka.mock"))
    yield made
    made.flush(10)


@pytest.fixture(scope="module")
def servers(producer: Producer) -> str:
    return ",".join(f"{broker.host}:{broker.port}" for broker in producer.list_topics(timeout=10).brokers.values())


NUMBER = count()


@pytest.fixture
def topic() -> str:
    return f"events-{next(NUMBER)}"


def make(servers: str, topic: str, group: str, **options: str) -> KafkaSource:
    """Return a source that notices rebalances soon: the mock cluster waits for a second less than a session."""
    extra = {"session.timeout.ms": "3000", "heartbeat.interval.ms": "200", **options}
    source = open_source(f"kafka://{servers}/{topic}?group={topic}-{group}&" + "&".join(f"{name}={value}" for name, value in extra.items()))
    assert isinstance(source, KafkaSource)
    return source


@pytest.fixture
def opened(servers: str, topic: str) -> Iterator[Open]:
    """Return what opens a source for a caller; it is closed in the end."""
    sources: list[KafkaSource] = []

    def opened(caller: Caller, group: str = "g", release: Callable[[Sequence[str]], None] | None = None, **options: str) -> KafkaSource:
        sources.append(make(servers, topic, group, **options))
        sources[-1].open(caller.positions, release)
        return sources[-1]

    yield opened
    for source in sources:
        source.close()


@pytest.fixture(scope="module")
def reading(producer: Producer, servers: str) -> Iterator[KafkaSource]:
    """Return a source that has its partitions, each with ten rows read: to join a group takes the mock cluster three seconds."""
    source, caller = make(servers, "reading", "g"), Caller()
    produce(producer, "reading", *[event(i) for i in range(40)])
    source.open({})
    caller.read(source, 40, timeout_s=20)
    assert caller.counts == names(range(40)) and caller.positions == {f"kafka:reading:{n}": "10" for n in range(PARTITIONS)}
    yield source
    source.close()
    assert not source.lost()


def produce(producer: Producer, topic: str, *values: bytes | None, partition: int | None = None) -> None:
    for i, value in enumerate(values):
        producer.produce(topic, value, partition=i % PARTITIONS if partition is None else partition)
    assert producer.flush(10) == 0


def joined(*sources: KafkaSource, callers: list[Caller]) -> None:
    """Poll until each source has partitions, all of them together; what comes is the caller's."""
    deadline = time.monotonic() + 20
    while sum(len(s._owned) for s in sources) < PARTITIONS or not all(s._owned for s in sources):
        assert time.monotonic() < deadline
        for source, caller in zip(sources, callers, strict=True):
            caller.take(source.poll(0.05))


def committed(servers: str, topic: str, group: str, offsets: dict[int, int] | None = None) -> dict[int, int]:
    """Return what the broker has as committed, after committing that behind everybody's back."""
    client = Consumer({"bootstrap.servers": servers, "group.id": f"{topic}-{group}"})
    if offsets:
        client.commit(offsets=[TopicPartition(topic, n, offset) for n, offset in offsets.items()], asynchronous=False)
    found = client.committed([TopicPartition(topic, n) for n in range(PARTITIONS)], timeout=10)
    client.close()
    return {p.partition: p.offset for p in found if p.offset >= 0}


def test_messages_become_rows_and_poison_becomes_rejects(producer: Producer, servers: str, reading: KafkaSource) -> None:
    caller, start = Caller(), reading._owned["reading", 2].next
    poison = [b"{", b"\xff\xfe", b'{"account_id": "a"}', b"[1]", None, b"", b"  ", b"\x00" * 1_500_000, event(40)]
    produce(producer, "reading", *poison, partition=2)
    assert reading.name == f"kafka://{servers}/reading" and not reading.finished
    caller.read(reading, len(poison))
    assert caller.counts == names([40])
    assert caller.rejects == [
        {"file": "kafka:reading:2", "position": str(start + at), "class": kind}
        for at, kind in [(0, "invalid-json"), (1, "invalid-utf8"), (2, "missing-prompt"), (3, "not-an-object"), (7, "invalid-json")]]
    assert caller.positions == {"kafka:reading:2": str(start + len(poison))}
    assert caller.lag == 0 and caller.n_repeated == 0 and reading.lost() == [] and reading.poll(0.05) is None


def test_what_comes_again_is_skipped_and_counted(producer: Producer, reading: KafkaSource) -> None:
    caller, n_before = Caller(), reading._owned["reading", 1].next
    produce(producer, "reading", *[event(i) for i in range(200, 220)], partition=1)
    caller.read(reading, 20)
    reading._consumer.seek(TopicPartition("reading", 1, 3))
    produce(producer, "reading", event(220), partition=1)
    caller.read(reading, n_before + 20 - 3 + 1)
    assert caller.counts == names(range(200, 221)) and caller.n_repeated == n_before + 20 - 3
    assert caller.positions == {"kafka:reading:1": str(n_before + 21)}


def test_rows_and_bytes_of_a_delivery_are_bounded(producer: Producer, reading: KafkaSource, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Caller()
    monkeypatch.setattr(reading, "max_rows", 700)
    produce(producer, "reading", *[event(i) for i in range(2400)])
    sizes = []
    while n := caller.take(reading.poll(0.5)):
        sizes.append(n)
    caller.save()
    assert caller.counts == names(range(2400)) and max(sizes) <= 700 and len(sizes) < 50
    monkeypatch.setattr("fingerprint.sources.kafka.MAX_BYTES", 10_000)
    monkeypatch.setattr("fingerprint.sources.kafka.AT_ONCE", 10)
    produce(producer, "reading", *[event(i, "x" * 4000) for i in range(60)])
    sizes = []
    while n := caller.take(reading.poll(0.5)):
        sizes.append(n)
    assert sum(sizes) == 60 and max(sizes) <= 12


def test_reading_goes_on_at_the_position_of_the_state(producer: Producer, servers: str, topic: str, opened: Open) -> None:
    produce(producer, topic, *[event(i) for i in range(400)])
    state = {f"kafka:{topic}:{n}": str(50 + n) for n in range(3)}  # the last partition is new
    left = [i for i in range(400) if i % 4 == 3 or i // 4 >= 50 + i % 4]
    committed(servers, topic, "behind", dict.fromkeys(range(PARTITIONS), 7))
    committed(servers, topic, "ahead", dict.fromkeys(range(PARTITIONS), 99))
    callers = {group: Caller(positions=dict(state)) for group in ("behind", "ahead", "none")}
    sources = {group: opened(caller, group) for group, caller in callers.items()}
    deadline = time.monotonic() + 20
    while any(sum(caller.counts.values()) < len(left) for caller in callers.values()) and time.monotonic() < deadline:
        for group, caller in callers.items():
            caller.take(sources[group].poll(0.05))
            caller.save()
    for group, caller in callers.items():
        assert caller.counts == names(left) and caller.n_repeated == 0, group
        sources[group].commit(caller.positions)
        sources[group].close()
        assert committed(servers, topic, group) == dict.fromkeys(range(PARTITIONS), 100)


def test_two_consumers_share_a_topic(producer: Producer, topic: str, opened: Open) -> None:
    """The second one takes over half of the partitions while the first has rows that are not durable; both keep one state."""
    produce(producer, topic, *[event(i) for i in range(200)])
    shared, releases = Caller(), list[int]()
    first = Caller(shared.counts, shared.rejected, shared.positions)
    second = Caller(shared.counts, shared.rejected, shared.positions)

    def release(partitions: Sequence[str]) -> None:
        releases.append(len(partitions))
        first.save(one)

    one = opened(first, release=release)
    joined(one, callers=[first])
    two = opened(second, release=lambda _: second.save(two))
    joined(one, two, callers=[first, second])
    assert len(one._owned) == len(two._owned) == 2 and releases == [2]
    produce(producer, topic, *[event(i) for i in range(200, 400)])
    deadline = time.monotonic() + 20
    while sum(shared.counts.values()) < 400 and time.monotonic() < deadline:
        for source, caller in ((one, first), (two, second)):
            caller.take(source.poll(0.05))
            caller.save(source)
    assert shared.counts == names(range(400)) and one.lost() == two.lost() == []
    two.close()
    produce(producer, topic, *[event(i) for i in range(400, 440)])
    first.read(one, 40, timeout_s=20)
    assert shared.counts == names(range(440)) and first.n_repeated + second.n_repeated == 0


def test_without_release_partitions_are_lost(producer: Producer, topic: str, opened: Open) -> None:
    """Who was not asked goes back to the durable state: what was in hand is read again, by whoever has the partition."""
    produce(producer, topic, *[event(i) for i in range(100)])
    shared = Caller()
    first, second = (Caller(shared.counts, shared.rejected, shared.positions) for _ in range(2))
    eager = {"partition.assignment.strategy": "range"}
    one = opened(first, **eager)
    joined(one, callers=[first])
    while first.take(one.poll(0.3)):
        pass
    two = opened(second, **eager)
    while not (lost := one.lost()):
        first.take(one.poll(0.05))
        second.take(two.poll(0.05))
    assert sorted(lost) == [f"kafka:{topic}:{n}" for n in range(PARTITIONS)] and one.lost() == []
    first.crash()
    deadline = time.monotonic() + 20
    while sum(shared.counts.values()) < 100 and time.monotonic() < deadline:
        for source, caller in ((one, first), (two, second)):
            caller.take(source.poll(0.05))
            caller.save(source)
    joined(one, two, callers=[first, second])  # on a busy machine the group may be changing once more
    assert shared.counts == names(range(100)) and len(one._owned) == len(two._owned) == 2


def test_partitions_that_went_while_the_session_was_over(servers: str) -> None:
    source = make(servers, "any", "g")
    source._owned = {("any", n): Partition("any", n, 0) for n in range(3)}
    source._gone(source._consumer, [TopicPartition("any", 2), TopicPartition("any", 0)])
    assert list(source._owned) == [("any", 1)] and source.lost() == ["kafka:any:2", "kafka:any:0"] and source.lost() == []
    source._owned = {}
    source.close()


def test_positions_that_the_broker_does_not_have(producer: Producer, topic: str, opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    produce(producer, topic, *[event(i, "x" * 30_000) for i in range(200)], partition=0)  # the mock cluster keeps 5 MB
    produce(producer, topic, *[event(i) for i in range(10)], partition=1)
    behind, beyond = Caller(positions={f"kafka:{topic}:0": "3", f"kafka:{topic}:1": "10"}), Caller(positions={f"kafka:{topic}:1": "11"})
    end, wrong = Caller(), Caller(positions={f"kafka:{topic}:0": "x"})
    one, two, three, four = opened(behind), opened(beyond, "b"), opened(end, "e", **{"auto.offset.reset": "latest"}), opened(wrong, "w")
    with pytest.raises(InputError, match=rf"kafka:{topic}:1' ends at 10, and the state has read up to 11"):
        while True:
            two.poll(0.1)
    with pytest.raises(InputError, match=r"'x' is no position of"):
        while True:
            four.poll(0.1)
    low, high = one._consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=5)
    assert 3 < low < high == 200
    behind.read(one, high - low, timeout_s=20)
    assert behind.positions[f"kafka:{topic}:0"] == "200"
    assert f"{low - 3} messages were deleted before they were read; going on at {low}" in caplog.text
    joined(three, callers=[end])
    assert not end.pending
    produce(producer, topic, event(20), partition=3)
    end.read(three, 1)
    assert end.counts == names([20])
    assert end.positions == {f"kafka:{topic}:{n}": text for n, text in enumerate(["200", "10", "0", "1"])}


def test_topics_that_are_not_there(servers: str, topic: str) -> None:
    source = open_source(f"kafka://{servers}/{topic}?group=g")
    with pytest.raises(InputError, match=rf"topic '{topic}'.*create the topic"):
        source.open({})
    source.close()


def test_brokers_that_are_not_there(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("fingerprint.sources.kafka.ASKING_S", 0.3)
    source = open_source("kafka://127.0.0.1:1/events?group=g")
    source.open({})
    assert source.poll(0.3) is None
    assert "kafka://127.0.0.1:1/events" in caplog.text
    source.close()


@pytest.mark.parametrize("code", ["TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED", "_AUTHENTICATION"])
def test_what_is_refused_is_raised(code: str) -> None:
    source = open_source("kafka://127.0.0.1:1/events?group=g&sasl.password=secret")
    error = KafkaError(getattr(KafkaError, code))
    assert isinstance(source, KafkaSource)
    source._complained(error)
    with pytest.raises(InputError, match=r"grant|correct") as raised:
        source.poll(0.0)
    assert "secret" not in str(raised.value) and "secret" not in source.name
    source.close()


@pytest.mark.parametrize("option,message", [
    ("nothing=1", "No such configuration property"), ("session.timeout.ms=soon", "Invalid value"), ("enable.auto.commit=true", "cannot be set"),
    ("auto.offset.reset=error", "earliest or latest")])
def test_options_that_cannot_be(option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_source(f"kafka://127.0.0.1:1/events?group=g&{option}")


def test_several_topics_and_a_decoder_with_a_mapping() -> None:
    source = KafkaSource.of("kafka://127.0.0.1:1,127.0.0.1:2/a,b?group=g", Decoder({"account": "who"}), 5)
    assert source.name == "kafka://127.0.0.1:1,127.0.0.1:2/a,b" and source.max_rows == 5
    source.close()


@pytest.mark.parametrize("option,is_cooperative", [
    ("group.protocol=consumer", True), ("client.id=x", True), ("partition.assignment.strategy=range", False)])
def test_ways_of_assignment(option: str, is_cooperative: bool) -> None:
    source = KafkaSource.of(f"kafka://127.0.0.1:1/events?group=g&{option}", Decoder())
    assert source._is_cooperative == is_cooperative
    source.close()
