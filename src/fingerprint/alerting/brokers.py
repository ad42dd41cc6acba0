"""Alerts to a topic of Kafka or a stream of Redis; the clients come with the extra ``stream``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from ..errors import BackendUnavailable, ConfigError
from .sinks import Sink, alert_line, checked_wait

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

_INSTALL = "pip install 'prompt-fingerprint[stream]'"


class KafkaTopic(Sink):
    """Produces alerts to a topic, the finding as key, so that all of one finding stay in order.

    Parameters
    ----------
    url : str
        ``kafka://host:port/topic``, several brokers as ``host:port,host:port``.
    options : mapping of str to str, optional
        Further properties of librdkafka, such as ``security.protocol``.
    timeout_s : float
        How long an alert may wait for the answer of all replicas in sync.

    Raises
    ------
    BackendUnavailable
        confluent-kafka is not installed.
    ConfigError
        The address or a property is none.
    """

    def __init__(self, url: str, options: Mapping[str, str] | None = None, timeout_s: float = 10.0) -> None:
        try:
            from confluent_kafka import KafkaException, Producer
        except ImportError:
            raise BackendUnavailable(f"alerts to Kafka need confluent-kafka: {_INSTALL}") from None
        parts = urlsplit(url)
        topic = parts.path.strip("/")
        if parts.scheme != "kafka" or not parts.netloc or "@" in parts.netloc or not topic or "/" in topic or parts.query:
            raise ConfigError("alerts to Kafka have an address like kafka://host:port/topic, without credentials")
        self.name, self._topic, self._timeout_s = f"topic {topic!r} of {parts.netloc}", topic, checked_wait(timeout_s)
        self._errors: tuple[type[Exception], ...] = (KafkaException, BufferError, ValueError)
        try:
            self._producer = Producer({
                "message.timeout.ms": math.ceil(timeout_s * 1000), "log_level": 0, **(options or {}), "bootstrap.servers": parts.netloc, "acks": "all"})
        except KafkaException as error:
            raise ConfigError(f"alerts to Kafka cannot be set up: {error.args[0].str()}") from None

    def deliver(self, document: Mapping[str, Any]) -> None:
        """Produce one alert and wait for the acknowledgement.

        Raises
        ------
        DeliveryError
            None came in time; the alert may have arrived all the same.
        """
        answers: list[KafkaError | None] = []

        def answered(error: KafkaError | None, _: Message) -> None:
            answers.append(error)

        try:
            self._producer.produce(self._topic, alert_line(document).encode("ascii"), str(document.get("finding_id", "")), on_delivery=answered)
            self._producer.flush(self._timeout_s + 1)  # behind message.timeout.ms, so that the client gives the reason
        except self._errors as error:
            raise self.failed(error) from None
        if not answers:
            self._producer.purge()
            raise self.failed(f"no answer within {self._timeout_s:g} s")
        if answers[0] is not None:
            raise self.failed(answers[0].str())

    def close(self) -> None:
        """Let go of connections."""
        self._producer.purge()
        self._producer.flush(1.0)


class RedisStream(Sink):
    """Appends alerts to a stream (``XADD``) with the fields alert_id, finding_id, kind and document. Whoever reads it trims it.

    Parameters
    ----------
    url : str
        ``redis://[user:password@]host:port/db?stream=NAME``, or ``rediss://`` for TLS.
    options : mapping, optional
        Further arguments of :func:`redis.from_url`, such as ``password``, which then stands in no command line.
    timeout_s : float
        Of connecting, and of every wait.

    Raises
    ------
    BackendUnavailable
        redis is not installed.
    ConfigError
        The address is none.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None, timeout_s: float = 10.0) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise BackendUnavailable(f"alerts to Redis need redis: {_INSTALL}") from None
        try:
            parts = urlsplit(url)
            host, port, asked = parts.hostname, parts.port or 6379, parse_qs(parts.query, strict_parsing=bool(parts.query))
        except ValueError:
            host, port, asked = None, 0, {}
        is_named = asked.keys() == {"stream"} and len(asked["stream"]) == 1
        if not host or parts.scheme not in ("redis", "rediss") or not is_named or not re.fullmatch("/?[0-9]{0,5}", parts.path):
            raise ConfigError("alerts to Redis have an address like redis://host:port/0?stream=NAME")
        self._stream = asked["stream"][0]
        self.name = f"stream {self._stream!r} of {host}:{port}"
        again = Retry(NoBackoff(), 1)  # for a connection that was idle too long
        settings = {"socket_timeout": checked_wait(timeout_s), "socket_connect_timeout": timeout_s, "retry": again, **(options or {})}
        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        try:
            self._client = redis.from_url(urlunsplit(parts._replace(query="")), **settings)
            self._client.connection_pool.make_connection()  # which connects to nothing yet, and looks at the settings
        except (ValueError, TypeError) as error:
            raise ConfigError(f"alerts to Redis cannot be set up: {error}") from None

    def deliver(self, document: Mapping[str, Any]) -> None:
        """Append one alert.

        Raises
        ------
        DeliveryError
            Redis did not answer, or refused.
        """
        fields: dict[Any, Any] = {name: str(document.get(name, "")) for name in ("alert_id", "finding_id", "kind")}
        try:
            self._client.xadd(self._stream, {**fields, "document": alert_line(document).rstrip("\n")})
        except self._errors as error:
            raise self.failed(error) from None

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()
