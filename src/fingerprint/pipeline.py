"""A scan from input to findings: the one module that composes all stages."""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from . import __version__, _core
from .campaigns import describe, iso
from .charging import charge, sampled_events
from .clusters import cluster
from .config import ScanConfig
from .controls import run_controls
from .detection import Detector, Group
from .encoders import Encoder, get_encoder
from .evidence import Evidence
from .history import N_TEXTS, Sought, novelty, read_history, seek
from .keys import Key
from .progress import Progress
from .readers import EventReader, read_events
from .records import Campaign, Scan
from .search import search
from .sketch import SCHEME, Signatures, sketch
from .tables import account_table, cluster_table, prompt_table
from .templates import shared_trigrams
from .traffic import Traffic, declared_actors, hold
from .vectors import VectorIndex
from .words import split_words

NEAR = 0.6  # Jaccard similarity, shared text removed, from which two prompts of a group are copies of one another
N_EXAMINED = 100
DEPENDENCIES = ("numpy", "scipy", "pyarrow", "faiss-cpu", "graspologic-native")  # whose versions can change a result


@dataclass(slots=True)
class Stopwatch:
    """Seconds per stage, and the progress display beside them."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[None]:
        """Time one stage."""
        start = time.perf_counter()
        with self.progress.stage(name, total):
            yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)


def scan(inputs: Any, *, config: ScanConfig | None = None, key: Key | None = None, mapping: dict[str, str] | None = None, format: str | None = None,
         history: Any = None, progress: Progress | None = None) -> Scan:
    """Find campaigns in a prompt dump.

    Parameters
    ----------
    inputs : path, glob, folder, "-", sequence of these, Arrow table, data frame or iterable of dicts
        See :func:`fingerprint.readers.read_events`.
    config : ScanConfig, optional
    key : Key, optional
        Key of the fingerprints; default :meth:`Key.default`.
    mapping : dict, optional
        Field paths, ``{"account": "a.b", "time": ..., "prompt": ...}``, for logs whose shape is not known.
    format : str, optional
        ``"jsonl"``, ``"csv"``, ``"parquet"`` or ``"arrow"``; default by suffix or content.
    history : optional
        Earlier traffic, read as `inputs` are: whether findings are new is judged against it. Without it nothing is said about novelty.
    progress : Progress, optional

    Returns
    -------
    Scan
        Findings, examined groups, and the tables of all rows. Empty input gives empty tables and no finding.

    Raises
    ------
    InputError
        The input as a whole cannot be read. Bad rows are counted rejects.

    Examples
    --------
    >>> import fingerprint as fp
    >>> fp.scan([{"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello there"}], key=fp.Key(bytes(16))).campaigns
    []
    """
    config, key = config or ScanConfig(), key or Key.default()
    watch = Stopwatch(progress or Progress())
    started = time.time()
    encoder = get_encoder(config.encoder, threads=config.threads or _cpus())
    reader = read_events(inputs, mapping=mapping, format=format)
    traffic = ingest(reader, config, key, watch)
    detector = prepare(traffic, encoder, config, key, watch)
    campaigns: list[Campaign] = []
    others: list[Campaign] = []
    charged: list[npt.NDArray[np.int64]] = []
    findings: list[Group] = []
    if detector is not None:
        with watch.stage("testing groups"):
            groups = search(detector)
        findings = [g for g in groups if not g.reason]
        with watch.stage("charging prompts"):
            charged = charge(findings, detector, traffic, watch.progress.advance)
        with watch.stage("writing up findings"):
            accused = np.zeros(traffic.n_actors, bool)
            accused[np.concatenate([np.zeros(0, np.int64), *(g.members for g in findings)])] = True
            campaigns = [describe(g, detector, traffic, config, rows, accused) for g, rows in zip(findings, charged, strict=True)]
            others = [describe(g, detector, traffic, config, sampled_events(g, detector, traffic)) for g in [g for g in groups if g.reason][:N_EXAMINED]]
    past: dict[str, Any] | None = None
    if history is not None:
        campaigns, past = _with_history(campaigns, findings, charged, traffic, read_events(history, mapping=mapping, format=format), config, key, watch)
    with watch.stage("controls"):
        controls = run_controls(traffic, detector, config) if config.controls and detector is not None else None
    order = sorted(range(len(campaigns)), key=lambda i: (-campaigns[i].strength, -campaigns[i].n_accounts, campaigns[i].campaign_id))
    campaigns, charged = [campaigns[i] for i in order], [charged[i] for i in order]
    manifest = _manifest(config, key, encoder, reader, traffic, watch, started, detector.votes.n_prevalent if detector is not None else 0)
    manifest["controls"] = asdict(controls) if controls is not None else None
    manifest["history"] = past
    manifest["hint"] = reader.hint()
    return Scan(campaigns, others, account_table(traffic, campaigns), cluster_table(traffic, config.text), prompt_table(traffic, campaigns, charged),
                reader.rejects, manifest)


def _with_history(campaigns: list[Campaign], findings: list[Group], charged: list[npt.NDArray[np.int64]], traffic: Traffic, reader: EventReader,
                  config: ScanConfig, key: Key, watch: Stopwatch) -> tuple[list[Campaign], dict[str, Any]]:
    """Return the findings with their test of novelty, and what the manifest says of the history."""
    rng = np.random.default_rng(config.seed)

    def some(texts: npt.NDArray[np.int64]) -> list[str]:
        return traffic.texts(rng.choice(texts, min(N_TEXTS, len(texts)), replace=False))

    def look_for(texts: npt.NDArray[np.int64], accounts: set[str], shared: npt.NDArray[np.uint64], least: int) -> Sought:
        return seek(some(texts), accounts, shared, least, key, config.sketch, config.threads)

    everything = np.concatenate([np.zeros(0, np.int64), *(traffic.text[rows] for rows in charged)])
    none = np.zeros(0, np.uint64)
    rest = look_for(np.setdiff1d(np.unique(traffic.text[traffic.text >= 0]), everything), set(), none, 0)
    sought = [look_for(np.unique(traffic.text[rows]), {a.account_id for a in c.accounts}, *(shared_trigrams(g.stripped) if g.stripped else (none, 0)))
              for c, g, rows in zip(campaigns, findings, charged, strict=True)]
    with watch.stage("comparing with history", reader.total_bytes):
        seen = read_history(_advancing(reader, watch), [*sought, rest], key, config.sketch, config.threads)
    accounting = reader.accounting
    past = {"inputs": [str(name) for name in accounting.files], "read": accounting.read, "accepted": accounting.accepted, "accounts": len(seen.accounts)}
    return [replace(c, tests=[*c.tests, novelty(one, rest, seen)]) for c, one in zip(campaigns, sought, strict=True)], past


def _advancing(reader: EventReader, watch: Stopwatch) -> Iterator[pa.RecordBatch]:
    done = 0
    for batch in reader:
        yield batch
        watch.progress.advance(reader.consumed_bytes - done)
        done = reader.consumed_bytes


def ingest(reader: EventReader, config: ScanConfig, key: Key, watch: Stopwatch) -> Traffic:
    """Read and sketch all events; equal texts are kept once."""
    batches: list[pa.RecordBatch] = []
    exact: list[npt.NDArray[np.uint64]] = []
    unique: list[tuple[npt.NDArray[np.uint64], Signatures, npt.NDArray[np.uint32], npt.NDArray[np.int64]]] = []
    n = 0
    with watch.stage("reading and fingerprinting", reader.total_bytes):
        for batch in _advancing(reader, watch):
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


def prepare(traffic: Traffic, encoder: Encoder, config: ScanConfig, key: Key, watch: Stopwatch) -> Detector | None:
    """Embed the evidence sample, find nearest texts, build the account graph; None for fewer than two texts."""
    holdings = hold(traffic.actor[traffic.account], traffic.text, traffic.exact, config.detect.sample, config.detect.evidence)
    sampled = np.unique(holdings.text[holdings.sampled])
    if len(sampled) < 2:
        return None
    with watch.stage("encoding"):
        raw = encoder.encode(traffic.prompts.take(traffic.first_row[sampled]))
        mean = raw.mean(0)
        vectors = centre(raw, mean)
        del raw
    with watch.stage("finding nearest prompts", total=len(vectors)):
        search = VectorIndex(vectors, config.threads)
        vectors = search.vectors
        similarity, index = search.nearest(vectors, min(config.detect.neighbours + 1, len(vectors)), watch.progress.advance)
    row = np.full(len(traffic.exact), -1, np.int64)
    row[sampled] = np.arange(len(sampled))

    def encode(texts: Any) -> npt.NDArray[np.float32]:
        return centre(encoder.encode(texts), mean)

    def near(texts: Sequence[str]) -> npt.NDArray[np.int64]:
        made = sketch(list(texts), key=key, threads=config.threads)
        labels: npt.NDArray[np.int64] = cluster(made.signatures, made.exact, threshold=NEAR).labels
        return labels

    evidence = Evidence(vectors, similarity, index, row, traffic.exact, holdings, traffic.n_actors, traffic.texts, search, encode, near,
                        partial(split_words, key=key.derive("words")))
    with watch.stage("casting votes"):
        detector = Detector(evidence, config.detect, config.seed, config.threads)
    return detector


def centre(vectors: npt.NDArray[np.float32], mean: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return `vectors` less `mean`, scaled to unit length; zero stays zero."""
    moved = vectors - mean
    moved /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return np.ascontiguousarray(moved, np.float32)


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


def _cpus() -> int:
    import os

    return os.cpu_count() or 1


def _manifest(config: ScanConfig, key: Key, encoder: Encoder, reader: EventReader, traffic: Traffic, watch: Stopwatch, started: float,
              prevalent: int) -> dict[str, Any]:
    times, accounting = traffic.time_us, reader.accounting
    return {
        "schema": "fp-manifest-1",
        "version": __version__,
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in DEPENDENCIES}},
        "created": iso(int(started * 1e6)),
        "config": config.to_dict(),
        "sketch": {"scheme": SCHEME, "num_perm": config.sketch.num_perm, "ngram": config.sketch.ngram},
        "encoder": {"name": encoder.name, "dim": encoder.dim, "digest": encoder.digest},
        "key_id": key.key_id,
        "isa": _core.isa(),
        "inputs": [str(name) for name in accounting.files],
        "rows": {"read": accounting.read, "accepted": accounting.accepted, "blank": accounting.blank, "rejected": dict(accounting.rejected)},
        "period": {"first": iso(int(times.min())) if len(times) else None, "last": iso(int(times.max())) if len(times) else None},
        "counts": {"accounts": len(traffic.account_ids), "actors": traffic.n_actors, "texts": len(traffic.exact),
                   "clusters": int(traffic.cluster.max(initial=-1)) + 1,
                   "prevalent_texts": prevalent},
        "timings": {**watch.seconds, "total": round(time.time() - started, 3)},
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
