"""Sources: where the rows of a stream come from, with the positions that make each of them count once."""

from __future__ import annotations

from ..errors import ConfigError
from ..readers import Decoder
from .base import MAX_ROWS, Delivery, Release, Source

__all__ = ["Delivery", "Release", "Source", "open_source"]


def open_source(url: str, decoder: Decoder | None = None, *, max_rows: int = MAX_ROWS, follow: bool = True) -> Source:
    """Return the source that a URL or path names; :meth:`Source.open` it next.

    Parameters
    ----------
    url : str
        ``-`` for stdin; a path or glob of JSON Lines files; ``kafka://HOST:PORT[,HOST:PORT]/TOPIC[,TOPIC]?group=NAME&OPTION=VALUE``
        (:class:`~fingerprint.sources.kafka.KafkaSource`); ``redis://[USER:PASSWORD@]HOST:PORT/DB?stream=NAME[,NAME]&group=NAME``
        (:class:`~fingerprint.sources.redis.RedisSource`), also ``rediss:`` and ``unix:``.
    decoder : Decoder, optional
        One with a mapping, or with the units of an earlier one; the source keeps it to itself.
    max_rows : int
        Rows of a delivery, at most.
    follow : bool
        Whether files are read on as they grow; without it the source is finished at their end.

    Raises
    ------
    ConfigError
        The URL is of no known kind, lacks something, or has an option that cannot be.
    InputError
        A file is not there or cannot be read line by line.
    BackendUnavailable
        The client of the broker is not installed.

    Examples
    --------
    >>> open_source("kafka://localhost:9092/events?group=fingerprint").name
    'kafka://localhost:9092/events'
    """
    if max_rows < 1:
        raise ConfigError(f"max_rows is at least 1, not {max_rows}")
    decoder = decoder if decoder is not None else Decoder()
    scheme, is_url, _ = url.partition("://")
    if url == "-":
        from .stdin import StdinSource

        return StdinSource(decoder, max_rows)
    if not is_url:
        from .files import FileSource

        return FileSource(url, decoder, max_rows, follow)
    if scheme == "kafka":
        from .kafka import KafkaSource

        return KafkaSource.of(url, decoder, max_rows)
    if scheme in ("redis", "rediss", "unix"):
        from .redis import RedisSource

        return RedisSource.of(url, decoder, max_rows)
    raise ConfigError(f"a source is '-', a path, kafka://... or redis://..., not {scheme}://...")
