"""From events to traffic: reading, fingerprinting, near-duplicate clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .clusters import Clusters, Compact, cluster_distinct, compact
from .columns import text_columns
from .config import ScanConfig
from .keys import Key
from .lsh import choose_bands
from .prevalence import SUFFIX, Hashing, Prevalence
from .progress import Stopwatch
from .readers import EventReader, read_events
from .sketch import Signatures, exact_hashes, run_columns, signature_scheme
from .store import Growing, Names, Numbering, TextStore
from .traffic import Traffic, declared_actors

NAMED = {"account_id": True, "org_id": False, "conversation_id": False, "system": True}  # columns that repeat themselves; whether their names are read
KINDS = {"timestamp": np.int64, "line": np.int64}


class _Distinct:
    """The distinct texts of the batches so far: each is signed, and kept, when it is seen first.

    Attributes
    ----------
    store : TextStore
        The texts, numbered in order of first appearance, as are the rows of all below.
    exact, first_row, n_invisible : Growing of uint64, int64, uint32
    values, band_keys, signed : Growing of uint8, uint32, bool
        Their compact signatures.
    """

    def __init__(self, config: ScanConfig, key: Key) -> None:
        self.store = TextStore()
        self._config, self._key, self._numbering, self._n_rows = config, key, Numbering(), 0
        num_perm = config.sketch.num_perm
        self.exact, self.first_row, self.n_invisible = Growing(np.uint64), Growing(np.int64), Growing(np.uint32)
        self.values, self.band_keys = Growing(np.uint8, num_perm), Growing(np.uint32, choose_bands(config.sketch.threshold, num_perm)[0])
        self.signed = Growing(np.bool_)

    def add(self, prompts: pa.LargeStringArray) -> npt.NDArray[np.int32]:
        """Take in a batch; return the number of each text, -1 for an empty one."""
        exact = exact_hashes(prompts, key=self._key, threads=self._config.threads)
        numbers, new = self._numbering.add(exact)
        if len(new):
            fresh = prompts if len(new) == len(prompts) else prompts.take(pa.array(new))
            self.store.append(fresh)
            self.exact.append(exact[new])
            self.first_row.append(new + self._n_rows)
            self._sign(fresh)
        self._n_rows += len(prompts)
        return numbers

    def _sign(self, texts: pa.LargeStringArray) -> None:
        config, n = self._config.sketch, len(texts)
        values, n_shingles, n_invisible = np.empty((n, config.num_perm), np.uint32), np.empty(n, np.int32), np.empty(n, np.uint32)
        run_columns(text_columns(texts), {"values": values, "n_shingles": n_shingles, "n_invisible": n_invisible}, key=self._key, num_perm=config.num_perm,
                    ngram=config.ngram, threads=self._config.threads, isa=None)
        made = compact(Signatures(values, n_shingles, signature_scheme(config.num_perm, config.ngram), self._key.key_id), config.threshold)
        for name in ("values", "band_keys", "signed"):
            getattr(self, name).append(getattr(made, name))
        self.n_invisible.append(n_invisible)

    def clustered(self) -> tuple[npt.NDArray[np.int64], Clusters]:
        """Return the numbers of the texts in the order of their exact hashes, and their clusters in this order."""
        order = np.argsort(self.exact.rows)
        made = Compact(self.values.rows, self.band_keys.rows, self.signed.rows)
        return order, cluster_distinct(made, order, self._config.sketch.threshold, threads=self._config.threads)


def ingest(reader: EventReader, config: ScanConfig, key: Key, watch: Stopwatch) -> Traffic:
    """Read and sketch all events; equal texts are kept once."""
    distinct, names = _Distinct(config, key), {name: Names(key, is_kept) for name, is_kept in NAMED.items()}
    parts = {name: Growing(KINDS.get(name, np.int32)) for name in ("text", "timestamp", "file", "line", *NAMED)}
    with watch.stage("reading and fingerprinting", reader.total_bytes):
        for batch in advancing(reader, watch):
            parts["text"].append(distinct.add(batch.column("prompt")))
            for name in NAMED:
                parts[name].append(names[name].add(batch.column(name)))
            parts["timestamp"].append(batch.column("timestamp").cast(pa.int64()).to_numpy())
            for name in ("file", "line"):
                parts[name].append(batch.column(name).to_numpy())
    column = {name: part.rows for name, part in parts.items()}
    accounts = names["account_id"].names
    system_texts, system = _ascending(names["system"].names, column["system"])
    columns = {
        "system": system, "system_texts": system_texts, "account_ids": accounts, "account": column["account_id"],
        "actor": declared_actors(column["account_id"], len(accounts), column["org_id"]), "time_us": column["timestamp"],
        "conversation": column["conversation_id"], "file": column["file"], "line": column["line"]}
    del names
    with watch.stage("clustering near-duplicates"):
        order, found = distinct.clustered()
    rank = np.empty(len(order) + 1, np.int32)
    rank[order], rank[-1] = np.arange(len(order)), -1
    return Traffic(text=rank[column["text"]], exact=distinct.exact.rows[order], first_row=distinct.first_row.rows[order], cluster=found.labels,
                   similarity=found.similarity, n_invisible=distinct.n_invisible.rows[order], store=distinct.store, place=order, **columns)


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


def _ascending(values: pa.Array, index: npt.NDArray[np.int32]) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    """Return distinct values in ascending order, whatever order they came in, and the index of each row, -1 for none."""
    order = pc.sort_indices(values)
    rank = np.empty(len(values) + 1, np.int32)
    rank[order.to_numpy()] = np.arange(len(values))
    rank[-1] = -1
    return values.take(order), rank[index]
