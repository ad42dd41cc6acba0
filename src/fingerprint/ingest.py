"""From events to traffic: reading, fingerprinting, near-duplicate clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .clusters import cluster
from .config import ScanConfig
from .keys import Key
from .prevalence import SUFFIX, Hashing, Prevalence
from .progress import Stopwatch
from .readers import EventReader, read_events
from .sketch import Signatures, sketch
from .traffic import Traffic, declared_actors


def ingest(reader: EventReader, config: ScanConfig, key: Key, watch: Stopwatch) -> Traffic:
    """Read and sketch all events; equal texts are kept once."""
    batches: list[pa.RecordBatch] = []
    exact: list[npt.NDArray[np.uint64]] = []
    unique: list[tuple[npt.NDArray[np.uint64], Signatures, npt.NDArray[np.uint32], npt.NDArray[np.int64]]] = []
    n = 0
    with watch.stage("reading and fingerprinting", reader.total_bytes):
        for batch in advancing(reader, watch):
            made = sketch(batch.column("prompt"), key=key, num_perm=config.sketch.num_perm, ngram=config.sketch.ngram, threads=config.threads)
            values, first = np.unique(made.exact, return_index=True)
            unique.append((values, made.signatures[first], made.n_invisible[first], first + n))
            exact.append(made.exact)
            batches.append(batch.select(["account_id", "timestamp", "prompt", "org_id", "conversation_id", "file", "line"]))
            n += len(made)
    if not batches:
        return _empty()
    table = pa.Table.from_batches(batches)
    with watch.stage("clustering near-duplicates"):
        values = np.concatenate([u[0] for u in unique])
        rows = np.concatenate([u[3] for u in unique])
        keep = np.unique(values, return_index=True)[1]
        keep = keep[values[keep] != 0]
        signatures = Signatures(np.concatenate([u[1].values for u in unique])[keep], np.concatenate([u[1].n_shingles for u in unique])[keep],
                                unique[0][1].scheme, unique[0][1].key_id)
        distinct = values[keep]
        found = cluster(signatures, distinct, threshold=config.sketch.threshold)
    everything = np.concatenate(exact)
    text = np.searchsorted(distinct, everything)
    text = np.where(everything == 0, -1, text)
    accounts, account = _factorise(table.column("account_id"))
    _, org = _factorise(table.column("org_id"))
    return Traffic(
        account_ids=accounts, account=account, actor=declared_actors(account, len(accounts), org),
        time_us=table.column("timestamp").cast(pa.int64()).to_numpy(), conversation=_factorise(table.column("conversation_id"))[1],
        text=text, exact=distinct, first_row=rows[keep], cluster=found.labels,
        similarity=found.similarity,
        n_invisible=np.concatenate([u[2] for u in unique])[keep], prompts=table.column("prompt").combine_chunks(),
        file=table.column("file").to_numpy(), line=table.column("line").to_numpy())


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
                hashing.observe(past, batch.column("account_id").to_pylist(), batch.column("prompt"))
        names, n_read = [*names, *(str(name) for name in reader.accounting.files)], reader.accounting.read
    return past, {"inputs": names, "read": n_read, "prompts": past.n_prompts, "accounts": len(past.accounts)}


def advancing(reader: EventReader, watch: Stopwatch) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a reader, moving the progress bar."""
    done = 0
    for batch in reader:
        yield batch
        watch.progress.advance(reader.consumed_bytes - done)
        done = reader.consumed_bytes


def _factorise(column: pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Return distinct values in order of first appearance, and for each row its index, -1 for null."""
    encoded = column.dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.string()))
    return encoded.dictionary, encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)


def _empty() -> Traffic:
    none = np.zeros(0, np.int64)
    return Traffic(pa.array([], pa.string()), none, none, none, none, none, none.astype(np.uint64), none, none, none.astype(np.float32), none.astype(np.uint32),
                   pa.chunked_array([pa.array([], pa.large_string())]), none.astype(np.int32), none)
