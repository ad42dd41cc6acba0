"""From events to traffic: reading, fingerprinting, near-duplicate clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .clusters import cluster
from .config import ScanConfig
from .keys import Key
from .prevalence import SUFFIX, Hashing, Prevalence
from .progress import Stopwatch
from .readers import EventReader, read_events
from .sketch import Signatures, Sketch, sketch
from .traffic import Traffic, declared_actors


class _Distinct:
    """The distinct texts of the batches so far. Equal texts of one batch are kept once, those of several until all are sorted."""

    def __init__(self) -> None:
        self.n_rows = 0
        self._exact: list[npt.NDArray[np.uint64]] = []
        self._rows: list[npt.NDArray[np.int64]] = []
        self._parts: list[tuple[Signatures, npt.NDArray[np.uint32]]] = []

    def add(self, made: Sketch) -> None:
        """Take in a batch."""
        exact, first = np.unique(made.exact, return_index=True)
        self._exact.append(exact)
        self._rows.append(first + self.n_rows)
        self._parts.append((made.signatures[first], made.n_invisible[first]))
        self.n_rows += len(made)

    def settle(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], Signatures, npt.NDArray[np.uint32]]:
        """Return exact hash, first row, signature and invisible characters of each distinct text but the empty one, by hash; keeps nothing.

        Each batch is released as it is copied, so that signatures, most of the memory of this stage, are held once.
        """
        exact, rows = np.concatenate(self._exact), np.concatenate(self._rows)
        kept = np.unique(exact, return_index=True)[1]
        kept = kept[exact[kept] != 0]
        order = np.argsort(kept)
        one = self._parts[0][0]
        values = np.empty((len(kept), one.num_perm), np.uint32)
        n_shingles, n_invisible = np.empty(len(kept), one.n_shingles.dtype), np.empty(len(kept), np.uint32)
        start = low = 0
        for i, (signatures, invisible) in enumerate(self._parts):
            high = int(np.searchsorted(kept[order], start + len(invisible)))
            to, of = order[low:high], kept[order[low:high]] - start
            values[to], n_shingles[to], n_invisible[to] = signatures.values[of], signatures.n_shingles[of], invisible[of]
            start, low = start + len(invisible), high
            self._parts[i] = (one[:0], invisible[:0])
        scheme, key_id = one.scheme, one.key_id
        self._exact, self._rows, self._parts = [], [], []
        return exact[kept], rows[kept], Signatures(values, n_shingles, scheme, key_id), n_invisible


def ingest(reader: EventReader, config: ScanConfig, key: Key, watch: Stopwatch) -> Traffic:
    """Read and sketch all events; equal texts are kept once."""
    batches: list[pa.RecordBatch] = []
    exact: list[npt.NDArray[np.uint64]] = []
    distinct = _Distinct()
    with watch.stage("reading and fingerprinting", reader.total_bytes):
        for batch in advancing(reader, watch):
            made = sketch(batch.column("prompt"), key=key, num_perm=config.sketch.num_perm, ngram=config.sketch.ngram, threads=config.threads)
            distinct.add(made)
            exact.append(made.exact)
            kept = batch.select(["account_id", "timestamp", "prompt", "org_id", "conversation_id", "file", "line"])
            batches.append(kept.append_column("system", batch.column("system").dictionary_encode()))
    if not batches:
        return _empty()
    table = pa.Table.from_batches(batches)
    batches.clear()
    accounts, account = _factorise(table.column("account_id"))
    system_texts, system = _ascending(*_factorise(table.column("system")))
    columns = {
        "system": system, "system_texts": system_texts, "account_ids": accounts, "account": account,
        "actor": declared_actors(account, len(accounts), _factorise(table.column("org_id"))[1]),
        "time_us": table.column("timestamp").cast(pa.int64()).to_numpy(), "conversation": _factorise(table.column("conversation_id"))[1],
        "file": table.column("file").to_numpy(), "line": table.column("line").to_numpy(), "prompts": table.column("prompt").combine_chunks()}
    del table, batch, kept
    with watch.stage("clustering near-duplicates"):
        texts, first_row, signatures, n_invisible = distinct.settle()
        found = cluster(signatures, texts, threshold=config.sketch.threshold)
    everything = np.concatenate(exact)
    text = np.where(everything == 0, -1, np.searchsorted(texts, everything))
    return Traffic(text=text, exact=texts, first_row=first_row, cluster=found.labels, similarity=found.similarity, n_invisible=n_invisible, **columns)


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


def _factorise(column: pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Return distinct values in order of first appearance, and for each row its index, -1 for null."""
    encoded = column.dictionary_encode().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.string()))
    return encoded.dictionary, encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)


def _ascending(values: pa.Array, index: npt.NDArray[np.int64]) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    """Return distinct values in ascending order, whatever order they came in, and the index of each row, -1 for none."""
    order = pc.sort_indices(values)
    rank = np.empty(len(values) + 1, np.int32)
    rank[order.to_numpy()] = np.arange(len(values))
    rank[-1] = -1
    return values.take(order), rank[index]


def _empty() -> Traffic:
    none = np.zeros(0, np.int64)
    return Traffic(pa.array([], pa.string()), none, none, none, none, none, none.astype(np.uint64), none, none, none.astype(np.float32), none.astype(np.uint32),
                   pa.chunked_array([pa.array([], pa.large_string())]), none.astype(np.int32), none, none.astype(np.int32), pa.array([], pa.large_string()))
