"""From a part of the input to a shard: what its events name and say, numbered by itself, with the signatures of its distinct texts.

Everything is in the order of keyed hashes, so that shards are put together by merging, and parts of the range of hashes can be worked on apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .. import places
from ..arrays import hash_order
from ..config import ScanConfig
from ..ingest import NAMED, Fingerprinted, fingerprint_events, make_room, observe, renumber
from ..ipc import pack
from ..keys import Key
from ..prevalence import Hashing
from ..progress import Progress, Stopwatch
from ..readers import EventReader, Extent, RowAccounting
from . import files
from .files import Block
from .job import Job
from .parts import units_of

KIND = "shard"
TEXTS_AT_ONCE, ROWS_AT_ONCE = 1 << 16, 1 << 19  # of a block


def make_shard(place: str, extents: Sequence[Extent], job: Job, key: Key, identity: Mapping[str, Any], memory: int | None = None,
               threads: int | None = None, progress: Progress | None = None, units: Mapping[str, str] | None = None, folder: str = "") -> dict[str, Any]:
    """Read and sketch a part of the input, and write what is found.

    Parameters
    ----------
    place : str
        The file, written whole or not at all.
    extents : sequence of Extent
    job : Job
    key : Key
    identity : mapping
        Which part of which input it is; stands in the file.
    memory : int, optional
        Bytes that columns may take, as of :class:`fingerprint.config.ScanConfig`; the rest lies in temporary files.
    threads : int, optional
    progress : Progress, optional
    units : mapping, optional
        Of numeric times, by file, where an earlier part of it tells them.
    folder : str
        In which relative paths begin.

    Returns
    -------
    dict
        size (bytes), seal, rows, texts, units (of numeric times, by file).

    Raises
    ------
    InputError
        A file cannot be opened. One that is damaged further on is a counted reject.
    """
    reader, watch = EventReader.of(extents, job.mapping, job.format, units=units, folder=folder, is_ahead=threads != 1), Stopwatch(progress or Progress())
    with arrow_threads(threads):
        made = fingerprint_events(reader, job.sketch, key, make_room(ScanConfig(memory=memory)), threads, watch)
    distinct = made.distinct
    order = hash_order(distinct.exact.rows)
    rows = {name: column.rows for name, column in made.columns.items()} | {"text": distinct.text.rows}
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    renumber(rows["text"], rank)
    n = {"rows": len(rows["text"]), "texts": len(order)}
    about = {"kind": KIND, "job": job.to_dict(), **identity, "extents": [extent.to_list() for extent in extents], **n,
             "n_rows": reader.n_rows, "accounting": accounting_to_dict(reader.accounting), "fields_seen": list(reader.fields_seen)}
    return {**files.write(place, about, _blocks(made, rows, order, reader), key), **n, "units": units_of(reader.accounting.files)}


@contextmanager
def arrow_threads(n: int | None) -> Iterator[None]:
    """Let Arrow decode with so many threads, whose number is a setting of the process: a worker of one thread is to take one processor."""
    before = pa.cpu_count()
    pa.set_cpu_count(n or before)
    try:
        yield
    finally:
        pa.set_cpu_count(before)


def make_prevalence(place: str, extents: Sequence[Extent], job: Job, key: Key, threads: int | None = None,
                    units: Mapping[str, str] | None = None, folder: str = "") -> dict[str, Any]:
    """Read a part of earlier traffic, and write its prevalence; `units` and `folder` as of :func:`make_shard`.

    Returns
    -------
    dict
        size (bytes), accounting (plain values), units (of numeric times, by file).

    Raises
    ------
    InputError
        A file cannot be opened.
    """
    reader, hashing = EventReader.of(extents, job.mapping, job.format, units=units, folder=folder), Hashing(key, job.sketch, threads)
    past = hashing.new()
    accounting = observe(reader, past, hashing, Stopwatch(Progress()))
    past.save(place)
    found = places.look(place)
    return {"size": found.size if found is not None else 0, "accounting": accounting_to_dict(accounting), "units": units_of(accounting.files)}


def _blocks(made: Fingerprinted, rows: dict[str, npt.NDArray[Any]], order: npt.NDArray[np.int32], reader: EventReader) -> Iterator[Block]:
    yield from _names(made, rows)
    yield from _texts(made, order)
    for data, n in made.distinct.kept.blocks():
        yield Block("prompts", data, {"n": n})
    yield from _rows(rows, reader)


def _names(made: Fingerprinted, rows: dict[str, npt.NDArray[Any]]) -> Iterator[Block]:
    """Give the names by their hashes, ascending, and number the rows so."""
    for name, is_kept in NAMED.items():
        hashes, names = made.names[name].hashes, made.names[name].names
        order = hash_order(hashes)
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        renumber(rows[name], rank)
        column = names.take(pa.array(order)) if is_kept else pa.nulls(len(order), pa.large_string())
        yield Block(name, pack({"hash": hashes[order], "name": column}), {"n": len(order)})


def _texts(made: Fingerprinted, order: npt.NDArray[np.int32]) -> Iterator[Block]:
    distinct = made.distinct
    exact, signed = distinct.exact.rows, distinct.signed.rows
    for low in range(0, len(order), TEXTS_AT_ONCE):
        part = order[low : low + TEXTS_AT_ONCE]
        about = {"n": len(part), "first": int(exact[part[0]]), "last": int(exact[part[-1]])}
        yield Block("texts", pack({"exact": exact[part], "spelling": distinct.spelling.rows[part], "place": distinct.place.rows[part]}, False), about)
        keys = np.stack([column.rows[part] for column in distinct.band_keys], 1)
        yield Block("band_keys", pack({"keys": keys, "signed": signed[part]}, False), about)
        yield Block("values", pack({"values": distinct.values.rows[part]}, False), about)


def _rows(rows: dict[str, npt.NDArray[Any]], reader: EventReader) -> Iterator[Block]:
    n = len(rows["text"])
    for low in range(0, n, ROWS_AT_ONCE):
        yield Block("rows", pack({name: column[low : low + ROWS_AT_ONCE] for name, column in rows.items()}), {"n": min(ROWS_AT_ONCE, n - low)})
    rejects = reader.rejects.combine_chunks()
    yield Block("rejects", pack(pa.RecordBatch.from_arrays([column.combine_chunks() for column in rejects.columns], rejects.column_names)), {"n": len(rejects)})


def accounting_to_dict(accounting: RowAccounting) -> dict[str, Any]:
    """Return plain values."""
    return {"read": accounting.read, "accepted": accounting.accepted, "blank": accounting.blank, "replaced": accounting.replaced,
            "rejected": dict(accounting.rejected), "files": accounting.files}


def accounting_from_dict(plain: Mapping[str, Any]) -> RowAccounting:
    """Read what :func:`accounting_to_dict` wrote."""
    return RowAccounting(plain["read"], plain["accepted"], plain["blank"], plain["replaced"], Counter(plain["rejected"]), dict(plain["files"]))
