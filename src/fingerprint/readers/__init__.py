"""Readers: prompt logs of any common format and shape to batches of events, with every row accounted for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..ahead import ahead
from ..errors import ConfigError, InputError
from ..places import is_remote
from .accounting import BROKEN, CLASSES, RowAccounting
from .batches import Batcher
from .columnar import Unreadable, arrow_batches, is_arrow, read_arrow, read_batch, read_parquet
from .csvrows import read_csv
from .extents import BYTES, GROUPS, LEAST_SHARDS, Extent, divide
from .jsonl import read_jsonl
from .pieces import MEMORY, Decoded, Decoder
from .shapes import parse_mapping
from .sources import FORMATS, STDIN, Source, expand, open_source, sizes

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CLASSES", "Decoded", "Decoder", "EventReader", "Extent", "RowAccounting", "divide", "parse_mapping", "read_events"]

_READERS = {"jsonl": read_jsonl, "csv": read_csv, "parquet": read_parquet, "arrow": read_arrow}
_OF_PARTS = {(GROUPS, "parquet", "none"): read_parquet, (BYTES, "jsonl", "none"): read_jsonl}


class EventReader:
    """Events of one or more inputs, in order; iterate over it once.

    Yields :class:`pyarrow.RecordBatch` with the columns account_id (string), timestamp (timestamp[us, UTC]), prompt, system (large_string),
    org_id, conversation_id, ip, payment, user_agent, model (string; null where there is none), file (int32, number of the file in
    ``accounting.files``) and line (int64, 0-based row of the file). A batch has at most 16,384 rows and not much more than 32 MB of text.

    Attributes
    ----------
    accounting : RowAccounting
        Complete after the iteration; then read = accepted + blank + rejected by class.
    total_bytes : int or None
        Size of all files, None for stdin and input in memory.
    consumed_bytes : int
        How much of that has been read.
    n_rows : list of int
        Rows of each file, or part of a file, that was read; -1 where it breaks off.
    """

    def __init__(self, inputs: Any, mapping: Mapping[str, str] | None = None, format: str | None = None) -> None:
        if format is not None and format not in FORMATS:
            raise ConfigError(f"format is one of {', '.join(FORMATS)}, not {format!r}")
        self._batcher, self._format = Batcher(dict(mapping or {})), format
        self._paths = expand(inputs) if is_path(inputs) else None
        self._extents = [Extent(path) for path in self._paths or ()]
        self._is_alone, self._is_ahead = len(self._extents) == 1, True
        self._inputs, self._units, self._folder = inputs, dict[str, str](), ""
        self.n_rows: list[int] = []
        self.total_bytes = sizes(self._paths) if self._paths is not None else None
        self.consumed_bytes = 0

    @classmethod
    def of(cls, extents: Sequence[Extent], mapping: Mapping[str, str] | None = None, format: str | None = None, *, units: Mapping[str, str] | None = None,
           folder: str = "", is_ahead: bool = True) -> EventReader:
        """Return a reader of some of the extents of an input.

        One that cannot be read is rejected, and the others are read. `units` are those of numeric times, by file, where an earlier part tells them; `folder`
        is where relative paths begin; `is_ahead`: in a thread. Lines of a part of a file of JSON Lines are numbered from 0.
        """
        made = cls([], mapping, format)
        made._paths, made._extents, made._is_alone, made._is_ahead = [extent.path for extent in extents], list(extents), False, is_ahead
        made._units, made._folder = dict(units or {}), folder
        return made

    @property
    def accounting(self) -> RowAccounting:
        """Counts of rows so far."""
        return self._batcher.accounting

    @property
    def fields_seen(self) -> tuple[str, ...]:
        """Names of the fields of the first row that was looked at by itself."""
        return self._batcher.fields_seen

    def divided(self, least: int = LEAST_SHARDS) -> list[list[Extent]]:
        """Return the extents of the input, in shards, `least` of them if it is not small; see :func:`fingerprint.readers.extents.divide`.

        Raises
        ------
        ConfigError
            Rows in memory, or a stream, cannot be read in parts, nor again.
        """
        if self._paths is None or self.total_bytes is None:
            raise ConfigError("only files can be read in parts, or again: streams and rows in memory are scanned in one process, without a state")
        return divide(self._paths, self._format, least)

    @property
    def rejects(self) -> pa.Table:
        """Where rejected rows stand: file, line, offset, class."""
        return self._batcher.rejects.table(list(self.accounting.files))

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self._paths is None:  # rows may be those of an object that belongs to this thread
            yield from self._in_memory()
        else:
            batches = (batch for extent in self._extents for batch in self._file(extent))
            yield from ahead(batches) if self._is_ahead else batches
        self.accounting.check()

    def hint(self) -> str:
        """Return what to do where hardly a row could be used for want of one field; empty otherwise."""
        return self.accounting.hint(self._batcher.fields_seen)

    def _file(self, extent: Extent) -> Iterator[pa.RecordBatch]:
        path, before, n_before, broken = extent.path, self.consumed_bytes, self.accounting.read, self._n_broken()
        source = open_source(path if path == STDIN or is_remote(path) else os.path.join(self._folder, path), self._format)
        self._batcher.open_file("<stdin>" if path == STDIN else path, self._units.get(path), format=source.format, compression=source.compression)
        try:
            for batch in self._batches(source, extent):
                self.consumed_bytes = before + source.raw.consumed
                yield batch
        except Unreadable:
            if self._is_alone:
                raise InputError(f"{path!r} is not a {source.format} file, or its end is missing") from None
            self._batcher.reject("damaged-file", 0)
        finally:
            source.raw.close()
        yield from self._batcher.batches(at_end=True)
        self._batcher.close_file()
        self.n_rows.append(self.accounting.read - n_before if self._n_broken() == broken else -1)
        if self.total_bytes is not None and source.path is not None:
            self.consumed_bytes = before + (sizes([source.path]) or 0)

    def _n_broken(self) -> int:
        return sum(self.accounting.rejected[kind] for kind in BROKEN)

    def _batches(self, source: Source, extent: Extent) -> Iterator[pa.RecordBatch]:
        if extent.part is None:
            return _READERS[source.format](source, self._batcher)
        read = _OF_PARTS.get((extent.unit, source.format, source.compression))
        if read is None or (extent.unit == BYTES and extent.part[1] > (sizes([source.path or STDIN]) or 0)):  # it is not the file that was divided any more
            raise Unreadable
        return read(source, self._batcher, extent.part)

    def _in_memory(self) -> Iterator[pa.RecordBatch]:
        self._batcher.open_file(MEMORY, format="memory", compression="none")
        if is_arrow(self._inputs):
            for batch in arrow_batches(self._inputs):
                yield from read_batch(batch, self._batcher, self.accounting.read)
        else:
            if isinstance(self._inputs, Mapping) or not isinstance(self._inputs, Iterable):
                raise InputError(f"input is paths, Arrow data, a data frame or an iterable of dicts, not {type(self._inputs).__name__}")
            for line, row in enumerate(self._inputs):
                self._batcher.row(row, line)
                if self._batcher.full:
                    yield from self._batcher.batches()
        yield from self._batcher.batches(at_end=True)
        self._batcher.close_file()


def read_events(inputs: str | os.PathLike[str] | Iterable[Any] | Any, *, mapping: Mapping[str, str] | None = None,
                format: str | None = None) -> EventReader:
    """Read prompt logs.

    Parameters
    ----------
    inputs : path, glob, folder, "-" for stdin, sequence of these; or Arrow data, a data frame, an iterable of dicts
        JSON Lines, CSV, Parquet and Arrow files, plain, gzip or zstd. Arrow data is anything with ``__arrow_c_stream__`` or ``__arrow_c_array__``.
    mapping : dict, optional
        Field paths for logs whose shape is not known: account, time, prompt, system, org_id, conversation_id, ip, payment, user_agent, model;
        ``time_unit`` is ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``.
    format : str, optional
        ``"jsonl"``, ``"csv"``, ``"parquet"`` or ``"arrow"``; found out by content and name if not given.

    Returns
    -------
    EventReader

    Raises
    ------
    InputError
        An input does not exist; while iterating, one cannot be read at all.
    ConfigError
        Unknown format.

    Examples
    --------
    >>> reader = read_events([{"account_id": "a", "timestamp": 1767225600, "prompt": "hello"}, {"account_id": "b"}])
    >>> [len(batch) for batch in reader], dict(reader.accounting.rejected)
    ([1], {'missing-prompt': 1})
    """
    return EventReader(inputs, mapping, format)


def is_path(inputs: Any) -> bool:
    """Say whether inputs are paths rather than rows."""
    from os import PathLike

    if isinstance(inputs, str | PathLike):
        return True
    return isinstance(inputs, list | tuple) and bool(inputs) and all(isinstance(item, str | PathLike) for item in inputs)
