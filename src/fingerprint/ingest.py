"""From events to traffic: reading, fingerprinting, near-duplicate clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .clusters import Clusters
from .config import ScanConfig, SketchConfig
from .deduplication import Distinct
from .keys import Key
from .prevalence import SUFFIX, Hashing, Prevalence
from .progress import Stopwatch
from .readers import EventReader, RowAccounting, read_events
from .room import Growing, Room, let_go, machine_memory
from .sketch import exact_hashes
from .store import Names, TextStore
from .traffic import Texts, Traffic, declared_actors, first_events

NAMED = {"account_id": True, "org_id": True, "conversation_id": False, "system": True}  # columns that repeat themselves; whether their names are read
AT_ONCE = 1 << 20  # rows that are renumbered together
WHILE_READING, AFTERWARDS = 0.65, 1 / 6  # of the memory, what columns may take; the rest is for the work on them
SORTED = ("account_id", "org_id", "system")  # whose names are numbered in ascending order
READING, CLUSTERING, REMEMBERING = "reading and fingerprinting", "clustering near-duplicates", "reading history"
KINDS = {"timestamp": np.int64, "line": np.int64}


def make_room(config: ScanConfig) -> Room:
    """Return room for the columns of a scan while it reads and clusters."""
    return Room(int(WHILE_READING * memory(config)))


def memory(config: ScanConfig) -> int:
    """Return the bytes that a scan may take."""
    return config.memory or machine_memory() * 3 // 4


@dataclass(slots=True)
class Fingerprinted:
    """Events as they were read: what they name is numbered in the order of first appearance.

    Attributes
    ----------
    distinct : Distinct
        Their texts.
    names : dict of str to Names
        By the names of ``NAMED``.
    columns : dict of str to Growing
        account_id, org_id, conversation_id, system (numbers, -1 for none), timestamp (microseconds), file, line.
    """

    distinct: Distinct
    names: dict[str, Names]
    columns: dict[str, Growing]


def fingerprint_events(reader: EventReader, sketch: SketchConfig, key: Key, room: Room, threads: int | None, watch: Stopwatch) -> Fingerprinted:
    """Read all events and sketch their texts; equal ones are kept once."""
    distinct, names = Distinct(sketch, key, room, threads, TextStore()), {name: Names(key, is_kept, room) for name, is_kept in NAMED.items()}
    columns = new_columns(room)
    with watch.stage(READING, reader.total_bytes):
        for batch in advancing(reader, watch):
            distinct.add(batch.column("prompt"))
            for name in NAMED:
                columns[name].append(names[name].add(batch.column(name)))
            columns["timestamp"].append(batch.column("timestamp").cast(pa.int64()).to_numpy())
            for name in ("file", "line"):
                columns[name].append(batch.column(name).to_numpy())
        distinct.settle()
    return Fingerprinted(distinct, names, columns)


def new_columns(room: Room) -> dict[str, Growing]:
    """Return the columns of :class:`Fingerprinted`, empty."""
    return {name: Growing(KINDS.get(name, np.int32), room=room) for name in ("timestamp", "file", "line", *NAMED)}


def ingest(reader: EventReader, config: ScanConfig, key: Key, watch: Stopwatch, room: Room | None = None) -> Traffic:
    """Read and sketch all events, and cluster their texts.

    But for the numbers of rows and conversations, the result does not depend on the order of the events.
    """
    room = room or make_room(config)
    made = fingerprint_events(reader, config.sketch, key, room, config.threads, watch)
    distinct, columns = made.distinct, made.columns
    ascending = {name: in_ascending_order(made.names[name].names) for name in SORTED}
    del made
    with watch.stage(CLUSTERING, len(distinct)):
        order, found = distinct.clustered(watch.progress.advance)
    room.shrink(int(AFTERWARDS * memory(config)))
    rows = {name: column.rows for name, column in columns.items()} | {"text": distinct.text.rows}
    for name, (_, number) in ascending.items():
        renumber(rows[name], number)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    renumber(rows["text"], rank)
    names = {name: found for name, (found, _) in ascending.items()}
    del ascending, rank
    return traffic_of(rows, names, distinct.exact.rows[order], found, distinct.kept, distinct.place.rows[order])


def traffic_of(rows: Mapping[str, npt.NDArray[Any]], names: Mapping[str, pa.LargeStringArray], exact: npt.NDArray[np.uint64], found: Clusters, store: Texts,
               place: npt.NDArray[np.int32]) -> Traffic:
    """Put a traffic together.

    Parameters
    ----------
    rows : mapping
        Columns as of :class:`Fingerprinted`, and text: their numbers are those of all events, in ascending order of what they stand for.
    names : mapping
        Of account_id, org_id and system, ascending.
    exact : uint64[n_texts]
        Ascending.
    found : Clusters
        Of the texts in this order.
    store, place
        Where the texts lie.
    """
    accounts = names["account_id"]
    actor = declared_actors(rows["account_id"], len(accounts), rows["org_id"], rows["timestamp"])
    first_row = first_events(rows["account_id"], rows["timestamp"], rows["text"], len(exact))
    let_go(*rows.values())
    return Traffic(account_ids=accounts, account=rows["account_id"], actor=actor, time_us=rows["timestamp"], conversation=rows["conversation_id"],
                   text=rows["text"], exact=exact, first_row=first_row, cluster=found.labels, similarity=found.similarity, store=store, place=place,
                   file=rows["file"], line=rows["line"], system=rows["system"], system_texts=names["system"])


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


def remember(inputs: Any, hashing: Hashing, mapping: dict[str, str] | None, format: str | None, watch: Stopwatch,
             observing: Callable[[EventReader, Prevalence], RowAccounting] | None = None) -> tuple[Prevalence, dict[str, Any]]:
    """Return the prevalence of earlier traffic, and what the manifest says of it.

    Parameters
    ----------
    inputs : as of :func:`fingerprint.readers.read_events`
        Paths that end in ``.prevalence`` are read as that, all others as logs.
    observing : callable, optional
        Adds the events of a reader of files to a prevalence, and returns what became of its rows; by default that is done here.
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
        with watch.stage(REMEMBERING, reader.total_bytes):
            by_workers = observing if reader.total_bytes is not None else None
            accounting = by_workers(reader, past) if by_workers is not None else observe(reader, past, hashing, watch)
        names, n_read = [*names, *(str(name) for name in accounting.files)], accounting.read
    return past, {"inputs": names, "read": n_read, "prompts": past.n_prompts, "accounts": len(past.accounts)}


def observe(reader: EventReader, past: Prevalence, hashing: Hashing, watch: Stopwatch) -> RowAccounting:
    """Add all events of a reader to a prevalence; return what became of the rows."""
    for batch in advancing(reader, watch):
        hashing.observe(past, batch.column("account_id").to_pylist(), batch.column("prompt"), batch.column("system"))
    return reader.accounting


def advancing(reader: EventReader, watch: Stopwatch) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a reader, moving the progress bar."""
    done = 0
    for batch in reader:
        yield batch
        watch.progress.advance(reader.consumed_bytes - done)
        done = reader.consumed_bytes


def in_ascending_order(values: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    """Return distinct values in ascending order, and the place of each there."""
    order = pc.sort_indices(values)
    rank = np.empty(len(values), np.int32)
    rank[order.to_numpy()] = np.arange(len(values))
    return values.take(order), rank


def renumber(column: npt.NDArray[np.int32], rank: npt.NDArray[np.int32]) -> None:
    """Replace each number by its rank, in place; -1 stays."""
    rank = np.append(rank, np.int32(-1))
    for low in range(0, len(column), AT_ONCE):
        part = column[low : low + AT_ONCE]
        part[:] = rank[part]
