"""Rows that arrive in pieces (messages of a broker, lines of a file that grows, batches in memory), decoded as rows of files are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .accounting import RejectLog, RowAccounting
from .batches import Batcher, Origin
from .columnar import arrow_batches, read_batch
from .jsonl import TwinCheck, read_line
from .values import Times

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY = "<memory>"


@dataclass(frozen=True, slots=True)
class Decoded:
    """What became of the rows between two calls of :meth:`Decoder.take`.

    Attributes
    ----------
    batches : list of pyarrow.RecordBatch
        Accepted rows in the order in which they came, with the columns of :class:`fingerprint.readers.EventReader`. There `file` is the place of
        the partition in ``accounting.files``, and `line` the position where that is a number, else -1.
    accounting : RowAccounting
        Of these rows alone; add it up by ``+=``.
    rejects : pyarrow.Table
        file (the partition), position, class, all string.
    """

    batches: list[pa.RecordBatch]
    accounting: RowAccounting
    rejects: pa.Table


class Decoder:
    """Decodes rows as they arrive, for as long as a stream lives.

    The unit of numeric times and the shape of rows are found once per partition, as they are found once per file. A decoder keeps nothing else of
    rows that were taken, so it does not grow with their number, only with that of partitions.

    Parameters
    ----------
    mapping : dict, optional
        Field paths, as of :func:`fingerprint.readers.read_events`.
    units : dict, optional
        :attr:`units` of an earlier decoder: who goes on with a stream after a restart reads the times of its rows as before.

    Raises
    ------
    ConfigError
        Unknown unit of time.

    Examples
    --------
    >>> decoder = Decoder()
    >>> decoder.json(b'{"account_id": "a", "timestamp": 1767225600, "prompt": "hello"}', "kafka:events:3", 17)
    >>> decoder.json(b'{"account_id": "b"}', "kafka:events:3", 18)
    >>> decoded = decoder.take()
    >>> decoded.accounting.accepted, decoded.rejects.to_pylist()
    (1, [{'file': 'kafka:events:3', 'position': '18', 'class': 'missing-prompt'}])
    """

    def __init__(self, mapping: Mapping[str, str] | None = None, units: Mapping[str, str] | None = None) -> None:
        self._batcher = Batcher(dict(mapping or {}))
        self._twins = TwinCheck(self._batcher.mapping)
        self._origins: dict[str, Origin] = {}
        self._n_rows: dict[str, int] = {}  # in memory, per partition: the position of the next one
        self._batches: list[pa.RecordBatch] = []
        self._texts: dict[int, str] = {}  # positions that are no numbers, by place in the log of rejects
        self._n_rejects = 0
        self._present: dict[str, Origin] = {}  # since the last take
        self._partition: str | None = None
        Times(self._batcher.mapping.get("time_unit"))
        for partition, unit in (units or {}).items():
            self._origins[partition] = Origin({}, Times(unit))

    @property
    def units(self) -> dict[str, str]:
        """Unit of numeric times of each partition that had any."""
        return {name: origin.times.unit for name, origin in self._origins.items() if origin.times.unit is not None}

    def json(self, line: bytes, partition: str, position: int | str, *, is_cut: bool = False) -> None:
        """Decode one JSON object; whatever else it is becomes a counted reject, or a blank.

        Parameters
        ----------
        line : bytes
        partition : str
            Where the row stands: of a file, or of what a broker keeps in order.
        position : int or str
            And where in there.
        is_cut : bool
            The row may break off in the middle, so what is not JSON counts as ``truncated``.
        """
        if partition != self._partition:
            self._turn_to(partition)
        place = position if isinstance(position, int) else -1
        read_line(self._batcher, line, (place, -1), self._twins, is_cut=is_cut)
        self._after(position)

    def row(self, row: Any, partition: str, position: int | str) -> None:
        """Decode one row of values, a dict unless it is to be rejected."""
        if partition != self._partition:
            self._turn_to(partition)
        self._batcher.row(row, position if isinstance(position, int) else -1)
        self._after(position)

    def reject(self, kind: str, partition: str, position: int | str) -> None:
        """Count a row that was found to be unusable before it came here; `kind` is one of :data:`fingerprint.readers.CLASSES`."""
        self._turn_to(partition)
        self._batcher.reject(kind, position if isinstance(position, int) else -1)
        self._after(position)

    def rows(self, rows: Iterable[Any], partition: str = MEMORY) -> None:
        """Decode rows of values; their positions are the running number of the row in this partition.

        Raises
        ------
        InputError
            `rows` is no iterable of rows.
        """
        if isinstance(rows, Mapping | str | bytes) or not isinstance(rows, Iterable):
            raise InputError(f"an iterable of dicts is due, not {type(rows).__name__}")
        position = self._n_rows.get(partition, 0)
        for row in rows:
            self.row(row, partition, position)
            position += 1
            self._n_rows[partition] = position

    def arrow(self, data: Any, partition: str = MEMORY) -> None:
        """Decode Arrow data or a data frame, whole columns at a time where they are plain; positions are as of :meth:`rows`.

        Raises
        ------
        InputError
            `data` is neither.
        """
        self._turn_to(partition)
        for batch in arrow_batches(data):
            position = self._n_rows.get(partition, 0)
            self._batches += read_batch(batch, self._batcher, position)
            self._n_rows[partition] = position + len(batch)
            self._n_rejects = len(self._batcher.rejects.kind)

    def take(self) -> Decoded:
        """Return everything since the last take; without any rows, no batches and counts of zero."""
        self._batches += self._batcher.batches(at_end=True)
        batches, self._batches = self._batches, []
        accounting, self._batcher.accounting = self._batcher.accounting, RowAccounting()
        rejects, self._batcher.rejects = self._batcher.rejects, RejectLog()
        for name, origin in self._present.items():
            origin.note_unit()
            accounting.files[name], origin.number = dict(origin.facts), -1
        texts, self._texts, self._n_rejects, self._present, self._partition = self._texts, {}, 0, {}, None
        return Decoded(batches, accounting, _located(rejects.table(list(accounting.files)), texts))

    def forget(self, partition: str) -> None:
        """Drop what is known of a partition that will not come again."""
        self._origins.pop(partition, None)
        self._n_rows.pop(partition, None)

    def hint(self, accounting: RowAccounting) -> str:
        """Return what to do where hardly a row could be used for want of one field; empty otherwise. `accounting` is the sum of all parts."""
        return accounting.hint(self._batcher.fields_seen)

    def _turn_to(self, partition: str) -> None:
        origin = self._present.get(partition)
        if origin is None:
            origin = self._origins.setdefault(partition, Origin({}, Times(self._batcher.mapping.get("time_unit"))))
            self._present[partition] = origin
        self._batcher.turn_to(partition, origin)
        self._partition = partition

    def _after(self, position: int | str) -> None:
        """Note the position of a reject that is no number, and set aside batches that are full."""
        batcher = self._batcher
        if len(batcher.rejects.kind) > self._n_rejects:
            if not isinstance(position, int):
                self._texts[self._n_rejects] = position
            self._n_rejects += 1
        if batcher.full:
            self._batches += batcher.batches()


def _located(log: pa.Table, texts: Mapping[int, str]) -> pa.Table:
    import pyarrow as pa

    positions = log.column("line").cast(pa.string()).to_pylist()
    for place, text in texts.items():
        positions[place] = text
    return pa.table({"file": log.column("file"), "position": pa.array(positions, pa.string()), "class": log.column("class")})
