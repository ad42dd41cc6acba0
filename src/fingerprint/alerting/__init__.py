"""Alerts: which findings are worth one, what it says, and where it goes.

:func:`due` decides after an evaluation, :func:`alert_document` writes up each alert, and the sink that :func:`open_sink` opens takes it. Between the last two
stands an outbox of the caller: an alert is in the state before it is delivered, and stays there until it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError
from .document import MAX_BYTES, SCHEMA, alert_document
from .policy import AlertConfig, Due, Standing, due, q_of
from .sinks import Sink
from .spending import Evaluation, e_value, level

__all__ = [
    "MAX_BYTES",
    "SCHEMA",
    "AlertConfig",
    "Due",
    "Evaluation",
    "Sink",
    "Standing",
    "alert_document",
    "due",
    "e_value",
    "level",
    "open_sink",
    "q_of",
]


def open_sink(url: str, *, secret_file: str | os.PathLike[str] | None = None, options: Mapping[str, Any] | None = None, timeout_s: float = 10.0) -> Sink:
    """Open where alerts go.

    Parameters
    ----------
    url : str
        ``-`` for lines on stdout, a path for lines in a file, ``https://...`` or ``http://...`` for a webhook, ``kafka://host:port/topic``, or
        ``redis://host:port/db?stream=NAME``.
    secret_file : path, optional
        Holds the secret that signs the requests of a webhook.
    options : mapping, optional
        Further settings of the client of Kafka or Redis.
    timeout_s : float
        How long to wait for the other side.

    Returns
    -------
    Sink
        To be closed by the caller.

    Raises
    ------
    ConfigError
        The address is none, or goes with no secret or options.
    BackendUnavailable
        The client is not installed.
    """
    scheme = url.partition("://")[0] if "://" in url else ""
    if secret_file is not None and scheme not in ("http", "https"):
        raise ConfigError("a secret signs the requests of a webhook, and of nothing else")
    if options and scheme not in ("kafka", "redis", "rediss"):
        raise ConfigError("options are for the clients of Kafka and Redis, and for nothing else")
    if scheme in ("http", "https"):
        from .webhook import Webhook, read_secret

        return Webhook(url, None if secret_file is None else read_secret(secret_file), timeout_s)
    if scheme == "kafka":
        from .brokers import KafkaTopic

        return KafkaTopic(url, options, timeout_s)
    if scheme in ("redis", "rediss"):
        from .brokers import RedisStream

        return RedisStream(url, options, timeout_s)
    if scheme:
        raise ConfigError(f"alerts cannot go to {scheme[:20]}://; name -, a file, or an address of http, https, kafka or redis")
    from .sinks import Lines

    return Lines(url)
