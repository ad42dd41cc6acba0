"""Topics of Kafka, one JSON object a message, read as a member of a consumer group."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import BackendUnavailable, ConfigError, InputError
from ..readers import Decoder
from .base import MAX_BYTES, MAX_ROWS, Complaints, Delivery, Release, Source

OURS = ("bootstrap.servers", "group.id", "enable.auto.commit", "enable.auto.offset.store")
BEGINNING, END = ("earliest", "smallest", "beginning"), ("latest", "largest", "end")
AT_ONCE = 250  # messages between looks at their size
ASKING_S = 5.0
_WAYS_OUT = {
    "UNKNOWN_TOPIC_OR_PART": "create the topic, or correct the name behind the slash",
    "_UNKNOWN_TOPIC": "create the topic, or correct the name behind the slash",
    "TOPIC_AUTHORIZATION_FAILED": "grant this user Read and Describe on the topic",
    "GROUP_AUTHORIZATION_FAILED": "grant this user Read on the group, or name another one with group=",
    "CLUSTER_AUTHORIZATION_FAILED": "grant this user access to the cluster",
    "SASL_AUTHENTICATION_FAILED": "correct sasl.mechanism, sasl.username and sasl.password",
    "_AUTHENTICATION": "correct security.protocol, sasl.mechanism, sasl.username and sasl.password",
    "_FATAL": "start again",
}
log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Partition:
    """One that was assigned to us, and the offset of the row that comes next."""

    topic: str
    number: int
    next: int

    @property
    def name(self) -> str:
        """Under which its rows and positions go."""
        return f"kafka:{self.topic}:{self.number}"


class KafkaSource(Source):
    """Messages of one or more topics.

    Partitions are called ``kafka:TOPIC:NUMBER`` and positions are offsets. Reading goes on at the position of the state, whatever the broker
    has as committed; a partition without one is read from its beginning, or from its end with ``auto.offset.reset=latest``. A state that lies
    beyond the end of a partition belongs to another topic of that name, and is refused; where the broker has deleted messages before they were
    read, reading goes on behind them and their number is logged.

    Several consumers of one group share the partitions. For each row to count once, they share positions too, and each gives `release` to
    :meth:`open`. Messages without a value are blank rows.

    Parameters
    ----------
    servers : str
        ``HOST:PORT``, several separated by commas.
    topics : sequence of str
    group : str
    options : dict
        Of the client, such as ``security.protocol``. Partitions are assigned by ``cooperative-sticky`` unless told otherwise.

    Raises
    ------
    ConfigError
        An option is unknown, has a value that cannot be, or is ours to set.
    BackendUnavailable
        confluent-kafka is not installed.
    """

    def __init__(self, servers: str, topics: Sequence[str], group: str, options: Mapping[str, str], decoder: Decoder, max_rows: int = MAX_ROWS) -> None:
        super().__init__(f"kafka://{servers}/{','.join(topics)}", decoder, max_rows)
        self._kafka, self._complain = _client(), Complaints(log)
        is_classic = options.get("group.protocol", "classic") == "classic"  # otherwise the broker assigns, and refuses to be told how
        self._topics, self._options = list(topics), {**({"partition.assignment.strategy": "cooperative-sticky"} if is_classic else {}), **options}
        self._is_cooperative = not is_classic or "cooperative" in self._options["partition.assignment.strategy"]
        start = self._options.pop("auto.offset.reset", BEGINNING[0])
        for name in OURS:
            if name in options:
                raise ConfigError(f"{name} cannot be set: servers, topics and group stand in the URL, and offsets are committed after the state is safe")
        if start not in (*BEGINNING, *END):
            raise ConfigError(f"auto.offset.reset is {BEGINNING[0]} or {END[0]}, not {start!r}")
        self._from_end = start in END
        ours = dict(zip(OURS, (servers, group, False, False), strict=True))
        quiet = {"auto.offset.reset": "error", "error_cb": self._complained, "on_commit": self._committed, "logger": log}
        defaults = {"client.id": "fingerprint", "queued.max.messages.kbytes": str(MAX_BYTES >> 10)}
        try:
            self._consumer = self._kafka.Consumer({**defaults, **self._options, **ours, **quiet})
        except self._kafka.KafkaException as error:
            raise ConfigError(f"Kafka: {error.args[0].str()}") from None
        self._owned: dict[tuple[str, int], Partition] = {}
        self._taken: set[tuple[str, int]] = set()  # taken from us while messages were being gathered
        self._begun: dict[str, str] = {}  # positions that are not the beginning, to be kept before the first row
        self._lost: dict[str, None] = {}
        self._refusal: Any = None
        self._is_open = True

    @classmethod
    def of(cls, url: str, decoder: Decoder, max_rows: int = MAX_ROWS) -> KafkaSource:
        """Return the source that a URL names.

        Raises
        ------
        ConfigError
            Also where servers, topic or group are missing.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        topics, group = [topic for topic in parts.path.strip("/").split(",") if topic], options.pop("group", "")
        if not parts.netloc or "@" in parts.netloc or not topics or not group:
            raise ConfigError("Kafka is kafka://HOST:PORT[,HOST:PORT]/TOPIC?group=NAME, a login goes into options (sasl.username=...)")
        return cls(parts.netloc, topics, group, options, decoder, max_rows)

    def open(self, positions: Mapping[str, str], release: Release | None = None) -> None:
        """Join the group; see :meth:`Source.open`. Partitions are assigned while polling."""
        self._positions, self._release = positions, release
        for topic in self._topics:
            try:
                error = self._consumer.list_topics(topic, timeout=ASKING_S).topics[topic].error
            except self._kafka.KafkaException as failure:
                self._trouble(failure.args[0])
                break
            if error is not None:
                self._trouble(error, topic)
        self._consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._gone)

    def poll(self, timeout_s: float) -> Delivery | None:
        """Return the next rows; see :meth:`Source.poll`."""
        moved: dict[tuple[str, int], Partition] = {}
        n_repeated = 0
        decode = self.decoder.json
        key, partition, name = ("", -1), None, ""
        for message in self._gathered(timeout_s):
            if key[1] != message.partition() or key[0] != message.topic():
                key = (message.topic(), message.partition())
                partition = self._owned.get(key)
                name = partition.name if partition is not None else ""
            if partition is None:
                continue  # taken from us: whoever has it reads it
            offset = message.offset()
            if offset < partition.next:
                n_repeated += 1
                continue
            partition.next = offset + 1
            moved[key] = partition
            decode(message.value() or b"", name, offset)
        positions = {**self._begun, **{p.name: str(p.next) for p in moved.values()}}
        delivery = self._delivery(positions, n_repeated, self._waiting())
        if delivery is not None:
            self._begun = {}
        return delivery

    def commit(self, positions: Mapping[str, str]) -> None:
        """Tell the broker, without waiting for its answer; see :meth:`Source.commit`."""
        named = {p.name: p for p in self._owned.values()}
        offsets = [self._kafka.TopicPartition(named[n].topic, named[n].number, int(text)) for n, text in positions.items() if n in named]
        if offsets:
            try:
                self._consumer.commit(offsets=offsets, asynchronous=True)
            except self._kafka.KafkaException as error:
                self._committed(error.args[0], offsets)

    def lost(self) -> list[str]:
        """Return what went without release; see :meth:`Source.lost`."""
        lost, self._lost = list(self._lost), {}
        return lost

    def close(self) -> None:
        """Leave the group, once commits have arrived."""
        if self._is_open:
            self._is_open = False
            self._consumer.close()

    def _gathered(self, timeout_s: float) -> list[Any]:
        """Wait for a message, and take what came with it, up to a delivery."""
        deadline = time.monotonic() + timeout_s
        kept: list[Any] = []
        n_bytes = 0
        while len(kept) < self.max_rows and n_bytes < MAX_BYTES:
            left = 0.0 if kept else max(deadline - time.monotonic(), 0.0)
            found = self._consumer.consume(min(self.max_rows - len(kept), AT_ONCE) if kept else 1, left)
            if self._taken:  # what was in hand goes to another consumer; the client itself sees to what it has just returned
                kept = [m for m in kept if (m.topic(), m.partition()) not in self._taken]
                self._taken.clear()
            for message in found:
                if message.error() is not None:
                    self._trouble(message.error(), message.topic(), message.partition())
                else:
                    kept.append(message)
                    n_bytes += len(message)
            if self._refusal is not None:
                self._trouble(self._refusal)
            if not found:
                break
        return kept

    def _waiting(self) -> int | None:
        ends = [(p, self._consumer.get_watermark_offsets(self._at(p), cached=True)) for p in self._owned.values()]
        return None if any(end is None or end[1] < 0 for _, end in ends) else sum(max(end[1] - max(p.next, end[0]), 0) for p, end in ends)

    def _at(self, partition: Partition) -> Any:
        return self._kafka.TopicPartition(partition.topic, partition.number, partition.next)

    def _assigned(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """Go on where the state is."""
        for assigned in partitions:
            partition = Partition(assigned.topic, assigned.partition, 0)
            text = self._positions.get(partition.name)
            if text is not None:
                if not text.isdecimal():
                    raise InputError(f"{text!r} is no position of {partition.name!r}; begin a new state, or give the source that this one was made from")
                partition.next = assigned.offset = int(text)
            elif not self._from_end:
                assigned.offset = self._kafka.OFFSET_BEGINNING
            elif (ends := self._ends(partition)) is not None:
                partition.next = assigned.offset = ends[1]
                self._begun[partition.name] = str(partition.next)
            else:
                assigned.offset = self._kafka.OFFSET_END
            self._owned[partition.topic, partition.number] = partition
        if self._is_cooperative:
            consumer.incremental_assign(partitions)
        else:
            consumer.assign(partitions)

    def _revoked(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """Let the state be made durable before another consumer asks it."""
        names = [Partition(p.topic, p.partition, 0).name for p in partitions]
        if self._is_open and names:
            if self._release is not None:
                self._release(names)
            else:
                self._lost.update(dict.fromkeys(names))
        self._give_up(partitions)

    def _gone(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """Note what is not ours any more, and may have been read by another consumer since."""
        self._lost.update(dict.fromkeys(Partition(p.topic, p.partition, 0).name for p in partitions))
        self._give_up(partitions)

    def _give_up(self, partitions: Sequence[Any]) -> None:
        for taken in partitions:
            key = (taken.topic, taken.partition)
            partition = self._owned.pop(key, None)
            self._taken.add(key)
            if partition is not None:
                self._begun.pop(partition.name, None)

    def _trouble(self, error: Any, topic: str | None = None, number: int | None = None) -> None:
        """Raise what will not pass by itself, and log the rest: the client tries again, at intervals that it bounds."""
        partition = self._owned.get((topic or "", number if number is not None else -1))
        if error.name() == "_AUTO_OFFSET_RESET" and partition is not None:
            self._out_of_range(partition)
        elif error.name() in _WAYS_OUT or error.fatal():
            of = f", topic {topic!r}" if topic else ""
            raise InputError(f"{self.name!r}{of}: {error.str()}; {_WAYS_OUT.get(error.name(), _WAYS_OUT['_FATAL'])}")
        else:
            self._complain(error.name(), "%s: %s", self.name, error.str())

    def _out_of_range(self, partition: Partition) -> None:
        """Go on behind what was deleted; the broker has nothing at the offset that comes next."""
        low, high = self._ends(partition) or (partition.next, partition.next)
        if partition.next > high:
            raise InputError(f"{partition.name!r} ends at {high}, and the state has read up to {partition.next}: it belongs to an earlier topic of this "
                             "name; begin a new state")
        if partition.next < low:
            log.warning("%s: %d messages were deleted before they were read; going on at %d", partition.name, low - partition.next, low)
            partition.next = low
        if self._is_cooperative:
            self._consumer.incremental_unassign([self._at(partition)])
            self._consumer.incremental_assign([self._at(partition)])
        else:
            self._consumer.assign([self._at(p) for p in self._owned.values()])

    def _ends(self, partition: Partition) -> tuple[int, int] | None:
        """Ask the broker for the first offset of a partition and the one behind its last."""
        try:
            low, high = self._consumer.get_watermark_offsets(self._at(partition), timeout=ASKING_S)
        except self._kafka.KafkaException as error:
            self._complain("ends", "%s: %s", partition.name, error.args[0].str())
            return None
        return low, high

    def _complained(self, error: Any) -> None:
        """Keep what has to be raised until messages are looked at: this is called by the client."""
        if error.name() in _WAYS_OUT or error.fatal():
            self._refusal = error
        else:
            self._complain(error.name(), "%s: %s", self.name, error.str())

    def _committed(self, error: Any, offsets: Sequence[Any]) -> None:
        if error is not None:
            self._complain(f"commit {error.name()}", "%s: offsets were not committed, the state is safe: %s", self.name, error.str())


def _client() -> Any:
    try:
        import confluent_kafka
    except ImportError:
        raise BackendUnavailable("Kafka needs confluent-kafka: pip install 'prompt-fingerprint[stream]'") from None
    return confluent_kafka
