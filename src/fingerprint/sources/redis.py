"""Streams of Redis, one event an entry, read through a consumer group that belongs to one detector."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from ..errors import BackendUnavailable, ConfigError, InputError
from ..readers import Decoder
from ..readers.lines import MAX_ROW_BYTES
from .base import MAX_BYTES, MAX_ROWS, Backoff, Complaints, Delivery, Release, Source

Id = tuple[int, int]
Result = TypeVar("Result")
EVENT = b"event"  # the field that holds a whole event as JSON; an entry without it is one itself
AT_ONCE = 250  # entries of an answer, at most: its size shows only when it is here
BLOCK_S, ANSWER_S = 2.0, 10.0  # how long a read may wait for entries, and any command for its answer
LOOK_S = 1.0  # between looks at how far the group is
PENDING = 10_000
_ID = re.compile(r"\d{1,20}-\d{1,20}")
log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Stream:
    """A stream, and how far it was read.

    Attributes
    ----------
    last, safe : (int, int)
        Ids of the last entry that was read, and of the last one that the state has.
    from_end : bool
        Where the last entry is not known yet: whether it is the one that is the last now.
    n_read, n_added : int or None
        Entries read since, and entries ever added until, the last time that nothing was left to read.
    """

    key: str
    last: Id = (0, 0)
    safe: Id = (0, 0)
    from_end: bool = False
    lag: int | None = None
    n_read: int = 0
    n_added: int | None = None

    @property
    def partition(self) -> str:
        """Under which its rows and positions go."""
        return f"redis:{self.key}"

    @property
    def position(self) -> str:
        """Id of the last entry that was read."""
        return id_text(self.last)


class RedisSource(Source):
    """Entries of one or more streams. An entry holds a JSON object in its field ``event``, or its fields are themselves the columns of a row.

    Partitions are called ``redis:STREAM`` and positions are ids of entries. The group is set to the position of the state whenever a connection
    is made: everything behind it is delivered, whether or not a consumer that died had been given it, and everything up to it is acknowledged
    and never delivered. So a group serves one detector. Where another consumer reads in it, this one stops with an error, since it
    would be given only a part. To share the work between several, write to several streams.

    Redis does not number its entries. What is trimmed away before it was read is noticed, and logged, while a source lives; across a restart
    it is not. A stream without position is read from its beginning, or from what comes next with ``start=$``.

    Parameters
    ----------
    url : str
        Of the server, as redis-py takes it.
    streams : sequence of str
    group, consumer : str
        Made if they are not there.
    start : str
        ``"0"`` or ``"$"``.

    Raises
    ------
    ConfigError
        The URL has an option that cannot be.
    BackendUnavailable
        redis-py is not installed.
    """

    def __init__(self, url: str, streams: Sequence[str], group: str, decoder: Decoder, max_rows: int = MAX_ROWS, consumer: str = "fingerprint",
                 start: str = "0") -> None:
        parts = urlsplit(url)
        super().__init__(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", decoder, max_rows)
        if start not in ("0", "$"):
            raise ConfigError(f"start is 0 or $, not {start!r}")
        self._redis = redis = _client()
        self._group, self._reader = group, consumer
        self._streams = {key.encode(): Stream(key, from_end=start == "$") for key in streams}
        # A command that is sent once more would be given the entries behind those whose answer was lost: reconnecting is done here.
        retry = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
        try:
            self._server = redis.Redis.from_url(url, protocol=2, decode_responses=False, retry=retry, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{self.name}: {error}") from None
        for command in ("XREADGROUP", "XPENDING"):  # as they come: a dict of fields would hide those that stand twice
            self._server.set_response_callback(command, lambda answer, **_: answer)
        self._is_ready = False
        self._turn = 0
        self._largest = MAX_BYTES // 16  # bytes of an entry, until some were seen
        self._backoff, self._complain = Backoff(), Complaints(log)
        self._next_look = 0.0
        self._begun: dict[str, str] = {}  # positions to be kept before the first row

    @classmethod
    def of(cls, url: str, decoder: Decoder, max_rows: int = MAX_ROWS) -> RedisSource:
        """Return the source that a URL names.

        Raises
        ------
        ConfigError
            Also where stream or group are missing.
        """
        options = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        streams, group = [key for key in options.pop("stream", "").split(",") if key], options.pop("group", "")
        ours = {name: options.pop(name) for name in ("consumer", "start") if name in options}
        if not streams or not group:
            raise ConfigError("Redis is redis://HOST:PORT/DB?stream=NAME&group=NAME")
        return cls(f"{url.partition('?')[0]}?{urlencode(options)}", streams, group, decoder, max_rows, **ours)

    def open(self, positions: Mapping[str, str], release: Release | None = None) -> None:
        """Go to the positions of the state; see :meth:`Source.open`."""
        for stream in self._streams.values():
            text = positions.get(stream.partition)
            if text is None:
                continue
            if not _ID.fullmatch(text):
                raise InputError(f"{text!r} is no position of {stream.partition!r}; begin a new state, or give the source that this one was made from")
            stream.last = stream.safe = parse_id(text)
            stream.from_end = False
        self._attempt(self._prepare)

    def poll(self, timeout_s: float) -> Delivery | None:
        """Return the next rows; see :meth:`Source.poll`."""
        deadline = time.monotonic() + timeout_s
        room, n_bytes, n_repeated = self.max_rows, MAX_BYTES, 0
        moved: dict[str, Stream] = {}
        while room > 0 and n_bytes > 0:
            is_empty = room == self.max_rows
            answer = self._answer(room, deadline if is_empty else 0.0)
            if not answer and (not is_empty or time.monotonic() >= deadline):
                break
            for key, entries in answer or ():
                stream = self._streams[key]
                new = entries if parse_id(entries[0][0]) > stream.last else [entry for entry in entries if parse_id(entry[0]) > stream.last]
                room -= len(entries)
                n_repeated += len(entries) - len(new)
                if new:
                    n_bytes -= sum(self._decode(stream.partition, entry.decode(), fields) for entry, fields in new)
                    stream.last, stream.n_read = parse_id(new[-1][0]), stream.n_read + len(new)
                    moved[stream.partition] = stream
        self._attempt(self._look)
        delivery = self._delivery({**self._begun, **{name: stream.position for name, stream in moved.items()}}, n_repeated, self._waiting())
        if delivery is not None:
            self._begun = {}
        return delivery

    def commit(self, positions: Mapping[str, str]) -> None:
        """Acknowledge entries; see :meth:`Source.commit`."""
        for stream in self._streams.values():
            if stream.partition in positions:
                stream.safe = parse_id(positions[stream.partition])
                if self._is_ready:
                    self._attempt(self._acknowledge, stream)

    def close(self) -> None:
        """Close the connection; the group stays."""
        self._server.close()

    def _attempt(self, work: Callable[..., Result], *arguments: Any) -> Result | None:
        """Do something with the server, None where it is not to be reached: that is tried again, and the group set anew."""
        errors = self._redis.exceptions
        try:
            done = work(*arguments)
        except (errors.AuthenticationError, errors.NoPermissionError) as error:
            raise InputError(f"{self.name}: {error}; correct user and password, or let the user do XREADGROUP, XGROUP, XACK, XPENDING and XINFO") from None
        except (errors.ConnectionError, errors.TimeoutError) as error:  # those of a server that is starting among them
            self._complain(type(error).__name__, "%s: %s", self.name, error)
        except errors.ResponseError as error:
            if str(error).startswith("WRONGTYPE"):
                raise InputError(f"{self.name}: one of {', '.join(s.key for s in self._streams.values())} is no stream") from None
            self._complain(str(error)[:20], "%s: %s", self.name, error)  # such as NOGROUP: the stream was deleted
        else:
            self._backoff.succeeded()
            return done
        self._is_ready = False
        self._backoff.failed()
        return None

    def _prepare(self) -> bool:
        """Set the group to what was read last, so that everything behind it is delivered, to whomever it was given before."""
        for stream in self._streams.values():
            try:
                self._server.xgroup_create(stream.key, self._group, stream.position, mkstream=True)
            except self._redis.exceptions.ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise
            about = self._server.xinfo_stream(stream.key)
            end = parse_id(about["last-generated-id"])
            if end == (0, 0):
                self._complain(stream.partition, "%s: there is no such stream yet", stream.partition)
            if stream.from_end:
                stream.last, stream.from_end = end, False
                self._begun[stream.partition] = stream.position
            elif about["length"] and end < stream.last:
                raise InputError(f"{stream.partition!r} ends at {id_text(end)}, and the state has read up to {stream.position}: it belongs to an earlier "
                                 "stream of this name; begin a new state")
            self._server.xgroup_setid(stream.key, self._group, stream.position)
            self._acknowledge(stream)
            stream.n_added = None
        self._is_ready = True
        return True

    def _acknowledge(self, stream: Stream) -> None:
        """Acknowledge what is pending and safe, whoever was given it."""
        while True:
            pending = self._server.execute_command("XPENDING", stream.key, self._group, "-", id_text(stream.safe), PENDING)
            if pending:
                self._server.xack(stream.key, self._group, *(entry[0] for entry in pending))
            if len(pending) < PENDING:
                return

    def _answer(self, n: int, deadline: float) -> Any:
        """Return up to `n` entries as the server gives them, None if none came until the deadline, or the next attempt is due behind it."""
        if not self._is_ready and not (self._backoff.wait(deadline) and self._attempt(self._prepare)):
            return None
        return self._attempt(self._read, n, deadline - time.monotonic())

    def _read(self, n: int, wait_s: float) -> Any:
        keys = list(self._streams)
        self._turn = (self._turn + 1) % len(keys)
        keys = [*keys[self._turn :], *keys[: self._turn]][:n]
        count = max(1, min(n // len(keys), AT_ONCE, MAX_BYTES // self._largest))
        block = ("BLOCK", max(1, int(1000 * min(wait_s, BLOCK_S)))) if wait_s > 0 else ()
        self._largest = max(self._largest // 2, 1)
        return self._server.execute_command("XREADGROUP", "GROUP", self._group, self._reader, "COUNT", count, *block, "STREAMS", *keys, *[">"] * len(keys))

    def _decode(self, partition: str, position: str, fields: list[bytes]) -> int:
        """Decode an entry; return its size."""
        size = sum(map(len, fields))
        self._largest = max(self._largest, size)
        names = fields[::2]
        if fields[0] == EVENT and len(fields) == 2:
            self.decoder.json(fields[1], partition, position)
        elif len(set(names)) < len(names):
            self.decoder.reject("duplicate-key", partition, position)
        elif EVENT in names:
            self.decoder.json(fields[2 * names.index(EVENT) + 1], partition, position)
        elif size > MAX_ROW_BYTES:
            self.decoder.reject("too-long", partition, position)
        else:
            try:
                row = {name.decode(): value.decode() for name, value in zip(names, fields[1::2], strict=True)}
            except UnicodeDecodeError:
                self.decoder.reject("invalid-utf8", partition, position)
            else:
                self.decoder.row(row, partition, position)
        return size

    def _look(self) -> None:
        """Note how far the group is, whether somebody else reads in it, and whether entries were removed before they were read."""
        if not self._is_ready or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_S
        for stream in self._streams.values():
            about = self._server.xinfo_stream(stream.key)
            group = next((g for g in self._server.xinfo_groups(stream.key) if g["name"] == self._group.encode()), None)
            if group is None:
                continue
            given = parse_id(group["last-delivered-id"])
            if given > stream.last:
                raise InputError(f"{stream.partition!r}: another consumer reads in group {self._group!r}, up to {id_text(given)} while this one is at "
                                 f"{stream.position}; each detector needs a group of its own")
            stream.lag = group.get("lag")
            if parse_id(about["last-generated-id"]) == stream.last and "entries-added" in about:
                removed = about["entries-added"] - stream.n_added - stream.n_read if stream.n_added is not None else 0
                if removed > 0:
                    log.warning("%s: %d entries were removed before they were read", stream.partition, removed)
                stream.n_added, stream.n_read = about["entries-added"], 0

    def _waiting(self) -> int | None:
        lags = [stream.lag for stream in self._streams.values()]
        return None if not self._is_ready or None in lags else sum(lag for lag in lags if lag is not None)


def parse_id(text: str | bytes) -> Id:
    """Return an id of an entry as numbers, in whose order entries stand."""
    milliseconds, number = text.split("-") if isinstance(text, str) else text.split(b"-")
    return int(milliseconds), int(number)


def id_text(entry: Id) -> str:
    """Return an id as Redis writes it."""
    return f"{entry[0]}-{entry[1]}"


def _client() -> Any:
    try:
        import redis
        import redis.backoff
        import redis.retry
    except ImportError:
        raise BackendUnavailable("Redis needs redis-py: pip install 'prompt-fingerprint[stream]'") from None
    return redis
