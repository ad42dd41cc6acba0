"""From events to traffic: reading, fingerprinting, near-duplicate clusters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .config import ScanConfig
from .deduplication import Distinct
from .errors import InputError
from .keys import Key
from .prevalence import SUFFIX, Hashing, Prevalence
from .progress import Stopwatch
from .readers import EventReader, read_events
from .room import Growing, Room, let_go, machine_memory
from .sketch import exact_hashes
from .store import Names, TextStore
from .traffic import Traffic, declared_actors, first_events

NAMED = {"account_id": True, "org_id": True, "conversation_id": False, "system": True}  # columns that repeat themselves; whether their names are read
AT_ONCE = 1 << 20  # rows that are renumbered together
WHILE_READING, AFTERWARDS = 0.65, 1 / 6  # of the memory, what columns may take; the rest is for the work on them
KEPT_EVERY = 1 << 20  # rows after which what is done is noted
KINDS = {"timestamp": np.int64, "line": np.int64}


def make_room(config: ScanConfig, folder: Path | None = None, about: Mapping[str, Any] | None = None) -> Room:
    """Return room for the columns of a scan while it reads and clusters."""
    return Room(int(WHILE_READING * memory(config)), folder, about)


def memory(config: ScanConfig) -> int:
    """Return the bytes that a scan may take."""
    return config.memory or machine_memory() * 3 // 4


def ingest(reader: EventReader, config: ScanConfig, key: Key, watch: Stopwatch, room: Room | None = None) -> Traffic:
    """Read and sketch all events; equal texts are kept once. Batches whose texts `room` has kept are read again, and not sketched.

    But for the numbers of rows and conversations, the result does not depend on the order of the events.
    """
    room = room or make_room(config)
    store = TextStore(room)
    distinct, names = Distinct(config.sketch, key, room, config.threads, store), {name: Names(key, is_kept, room) for name, is_kept in NAMED.items()}
    parts = {name: Growing(KINDS.get(name, np.int32), room=room) for name in ("timestamp", "file", "line", *NAMED)}
    n_rows = 0
    with watch.stage("reading and fingerprinting", reader.total_bytes):
        for batch in advancing(reader, watch):
            if n_rows >= room.done.get("rows", 0):
                distinct.add(batch.column("prompt"))
            n_rows += len(batch)
            for name in NAMED:
                parts[name].append(names[name].add(batch.column(name)))
            parts["timestamp"].append(batch.column("timestamp").cast(pa.int64()).to_numpy())
            for name in ("file", "line"):
                parts[name].append(batch.column(name).to_numpy())
            if n_rows >= room.done.get("rows", 0) + KEPT_EVERY:
                distinct.settle()
                room.keep(rows=n_rows)
    distinct.settle()
    if n_rows > room.done.get("rows", 0):
        room.keep(rows=n_rows)
    if len(distinct.text.rows) != n_rows:
        raise InputError(f"the state in {str(room.folder)!r} is damaged; remove it to begin again")
    ascending = {name: _ascending(names[name].names) for name in ("account_id", "org_id", "system")}
    del names
    with watch.stage("clustering near-duplicates", len(distinct)):
        order, found = distinct.clustered(watch.progress.advance)
    room.shrink(int(AFTERWARDS * memory(config)))
    column = {name: part.rows for name, part in parts.items()} | {"text": room.own(distinct.text.rows)}
    accounts, system_texts = ascending["account_id"][0], ascending["system"][0]
    for name, (_, number) in ascending.items():
        _renumber(column[name], number)
    del ascending
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    _renumber(column["text"], rank)
    del rank
    actor = declared_actors(column["account_id"], len(accounts), column["org_id"], column["timestamp"])
    first_row = first_events(column["account_id"], column["timestamp"], column["text"], len(order))
    let_go(*column.values())
    return Traffic(account_ids=accounts, account=column["account_id"], actor=actor, time_us=column["timestamp"], conversation=column["conversation_id"],
                   text=column["text"], exact=distinct.exact.rows[order], first_row=first_row, cluster=found.labels, similarity=found.similarity,
                   store=store, place=distinct.place.rows[order], file=column["file"],
                   line=column["line"], system=column["system"], system_texts=system_texts)


def sample_texts(reader: EventReader, n: int, key: Key, watch: Stopwatch) -> pa.LargeStringArray:
    """Return the `n` distinct prompts of a log that have the smallest keyed hashes, in the order of these: a random sample that nobody can steer."""
    hashes, texts = np.zeros(0, np.uint64), pa.array([], pa.large_string())
    with watch.stage("reading", reader.total_bytes):
        for batch in advancing(reader, watch):
            column = batch.column("prompt").cast(pa.large_string())
            found = np.concatenate([hashes, exact_hashes(column, key=key)])
            kept, first = np.unique(found, return_index=True)
            first = first[kept != 0][:n]
            if len(first) and first.max() >= len(hashes):
                texts = pa.concat_arrays([texts, column]).take(pa.array(first))
                hashes = found[first]
    return texts


def remember(inputs: Any, hashing: Hashing, mapping: dict[str, str] | None, format: str | None, watch: Stopwatch) -> tuple[Prevalence, dict[str, Any]]:
    """Return the prevalence of earlier traffic, and what the manifest says of it.

    Parameters
    ----------
    inputs : as of :func:`fingerprint.readers.read_events`
        Paths that end in ``.prevalence`` are read as that, all others as logs.
    """
    given = [inputs] if isinstance(inputs, str | Path) else inputs
    listed = isinstance(given, list | tuple)
    saved = [path for path in given if isinstance(path, str | Path) and str(path).endswith(SUFFIX)] if listed else []
    logs = [path for path in given if not any(path is other for other in saved)] if listed else given
    past = hashing.new()
    names, n_read = [str(path) for path in saved], 0
    for path in saved:
        past.merge(Prevalence.load(path))
    if not saved or logs:
        reader = read_events(logs, mapping=mapping, format=format)
        with watch.stage("reading history", reader.total_bytes):
            for batch in advancing(reader, watch):
                hashing.observe(past, batch.column("account_id").to_pylist(), batch.column("prompt"), batch.column("system"))
        names, n_read = [*names, *(str(name) for name in reader.accounting.files)], reader.accounting.read
    return past, {"inputs": names, "read": n_read, "prompts": past.n_prompts, "accounts": len(past.accounts)}


def advancing(reader: EventReader, watch: Stopwatch) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a reader, moving the progress bar."""
    done = 0
    for batch in reader:
        yield batch
        watch.progress.advance(reader.consumed_bytes - done)
        done = reader.consumed_bytes


def _ascending(values: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    """Return distinct values in ascending order, and the place of each there."""
    order = pc.sort_indices(values)
    rank = np.empty(len(values), np.int32)
    rank[order.to_numpy()] = np.arange(len(values))
    return values.take(order), rank


def _renumber(column: npt.NDArray[np.int32], rank: npt.NDArray[np.int32]) -> None:
    """Replace each number by its rank, in place; -1 stays."""
    rank = np.append(rank, np.int32(-1))
    for low in range(0, len(column), AT_ONCE):
        part = column[low : low + AT_ONCE]
        part[:] = rank[part]
