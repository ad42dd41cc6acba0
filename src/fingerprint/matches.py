"""Matching a suspect data set with a traffic, from input to result."""

from __future__ import annotations

import os
import platform
import resource
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from . import __version__
from .arrays import distinct
from .bundles import is_bundle, read_bundle
from .campaigns import iso
from .config import ScanConfig
from .encoders import get_encoder
from .errors import ConfigError
from .index import AT_ONCE, Block, Fingerprinter, TrafficIndex
from .ingest import advancing, ingest, make_room
from .keys import Key
from .matching import FAMILY, Found, holdings_of, search_set
from .progress import Progress, Stopwatch
from .readers import read_events
from .readers.prompts import PromptReader
from .room import Growing
from .sealed import MANIFEST
from .sketch import exact_hashes
from .store import Numbering
from .suspects import KINDS

if TYPE_CHECKING:
    from .encoders import Encoder

SCHEMA = "fp-match-1"
DEPENDENCIES = ("numpy", "scipy", "pyarrow", "faiss-cpu")
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Match:
    """What a suspect set and a traffic have in common.

    Attributes
    ----------
    accounts : pyarrow.Table
        Accounts with any match: ``account_id``, ``named``, ``n_prompts``, ``n_texts``, ``n_matched_prompts``, ``n_matched_texts``, ``n_queries``
        (distinct queries of the set), ``n_counted`` (matches that speak against it: without common queries), ``share_of_traffic``, ``share_of_set``,
        ``expected`` (matches by accident), ``p``, ``q``, ``p_adjusted``, ``first_seen``, ``last_seen`` (of the matches), ``campaign_id`` (null for a data
        set). Named ones first; of a bundle, an account has a row for each finding of which it has a match.
    matches : pyarrow.Table
        ``account_id``, ``query``, ``kind``, ``similarity``, ``n_prompts``, ``first_seen``, ``last_seen``, ``file``, ``line``.
    queries : pyarrow.Table
        ``query`` (number), ``row`` of the data set, ``prompt`` (null without text), ``n_accounts``, ``n_named``, ``n_prompts``, ``common``,
        ``first_seen``, ``last_seen``, ``campaign_id``.
    rejects : pyarrow.Table
        Rows of the data set that could not be used, and of the dump.
    manifest : dict
    """

    accounts: pa.Table
    matches: pa.Table
    queries: pa.Table
    rejects: pa.Table
    manifest: dict[str, Any]

    @property
    def named(self) -> list[str]:
        """Accounts that asked the questions of the set, or of a finding of the bundle, more of them than chance explains."""
        return list(dict.fromkeys(self.accounts.filter(self.accounts["named"])["account_id"].to_pylist()))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write tables, ``match.json`` and ``report.html`` into a folder, made with mode 0700 where missing."""
        from .report.matches import write_match

        write_match(self, folder)

    def _repr_html_(self) -> str:
        from .report.notebook import match_html

        return match_html(self)


@dataclass(frozen=True, slots=True)
class Queries:
    """Distinct prompts of a data set, or of a finding of a bundle.

    Attributes
    ----------
    texts : large_string array[m]
        Nulls where there are sketches.
    row : int64[m]
        Where each stands first, a row of the data set, all files numbered through; or the number of the sketch.
    n_prompts : int
        Prompts with repeats.
    campaign_id : str or None
        The finding.
    sketches : Block or None
        Sketches of the finding.
    """

    texts: pa.LargeStringArray
    row: npt.NDArray[np.int64]
    n_prompts: int
    campaign_id: str | None = None
    sketches: Block | None = None


@dataclass(frozen=True, slots=True)
class Suspects:
    """What is looked for.

    Attributes
    ----------
    sets : list of Queries
        A data set, or the findings of a bundle.
    about : dict
        ``inputs``, ``rows``, ``hint``.
    rejects : pyarrow.Table
    """

    sets: list[Queries]
    about: dict[str, Any]
    rejects: pa.Table


def read_queries(reader: PromptReader, key: Key, watch: Stopwatch, threads: int | None = None) -> Queries:
    """Read a data set; texts that normalise alike are one query, empty ones none."""
    numbering, texts, rows, n = Numbering(Growing(np.uint64)), [pa.array([], pa.large_string())], [np.zeros(0, np.int64)], 0
    with watch.stage("reading the data set", reader.total_bytes):
        for batch in advancing(reader, watch):
            prompts = batch.column("prompt")
            new = numbering.add(exact_hashes(prompts, key=key, threads=threads))[1]
            texts.append(prompts.take(pa.array(new)))
            rows.append(batch.column("line").to_numpy()[new])
            n += len(batch)
    return Queries(pa.concat_arrays(texts), np.concatenate(rows), n)


def read_suspects(suspects: Any, mapping: dict[str, str] | None, config: ScanConfig, key: Key, watch: Stopwatch) -> Suspects:
    """Read a data set, or a bundle of findings.

    Raises
    ------
    ConfigError
        A bundle is named beside something else.
    InputError
        An input cannot be read, or the bundle was made with another key or sketch.
    """
    paths = [os.fspath(one) for one in (suspects if isinstance(suspects, list | tuple) else [suspects]) if isinstance(one, str | os.PathLike)]
    bundles = [path for path in paths if is_bundle(path)]
    if not bundles:
        reader = PromptReader(suspects, mapping)
        queries = read_queries(reader, key, watch, config.threads)
        about = {"inputs": [str(name) for name in reader.accounting.files], "rows": _rows(reader.accounting), "hint": reader.hint()}
        return Suspects([queries], about, reader.rejects)
    if len(paths) > 1:
        raise ConfigError("name one bundle of findings, or any number of data sets")
    with watch.stage("reading the bundle"):
        sets = [Queries(pa.nulls(len(one), pa.large_string()), np.arange(len(one)), int(one.n_prompts.sum()), one.campaign_id, one.block())
                for one in read_bundle(bundles[0], key, config.sketch)]
    n = sum(len(one.row) for one in sets)
    return Suspects(sets, {"inputs": bundles, "rows": {"read": n, "accepted": n, "blank": 0, "rejected": {}}, "hint": ""}, PromptReader([]).rejects)


def match(suspects: Any, traffic: Any, *, config: ScanConfig | None = None, key: Key | None = None, mapping: dict[str, str] | None = None,
          suspect_mapping: dict[str, str] | None = None, format: str | None = None, progress: Progress | None = None) -> Match:
    """Find the accounts that asked the questions of a suspect data set, or those of findings that somebody else has made.

    Parameters
    ----------
    suspects : path, glob, folder, "-", sequence of these; or Arrow data, a data frame, an iterable of dicts
        Instructions, questions, chats or preferences; see :class:`fingerprint.readers.prompts.PromptReader`. Or the path of one bundle of findings, a STIX
        file of ``fingerprint export``: each finding is a set of its own, and as its prompts are sketches, they match exactly or nearly.
    traffic : TrafficIndex, folder of one, or what :func:`fingerprint.scan` takes
    config : ScanConfig, optional
        ``sketch``, ``encoder``, ``text``, ``threads`` and ``memory`` count.
    key : Key, optional
        Default :meth:`Key.default`; of an index, and of a bundle, the one that it was made with.
    mapping, format : optional
        Of a dump, as for :func:`fingerprint.scan`.
    suspect_mapping : dict, optional
        ``{"prompt": path}`` of the data set.
    progress : Progress, optional

    Returns
    -------
    Match
        Nobody is named of an empty data set or traffic.

    Raises
    ------
    InputError
        An input cannot be read, the index was made with another key, sketch or encoder, or the bundle with another key or sketch.
    ConfigError
        A bundle is named beside something else.

    Examples
    --------
    >>> log = [{"account_id": f"a{i % 9}", "timestamp": i, "prompt": f"is {i} times {i + 7} an odd number, and why?"} for i in range(90)]
    >>> match([{"question": "who is the mayor of Casterbridge?"}], log, key=Key(bytes(16))).named
    []
    """
    config, key = config or ScanConfig(), key or Key.default()
    watch, started = Stopwatch(progress or Progress()), time.time()
    encoder = get_encoder(config.encoder, threads=config.threads or os.cpu_count() or 1, device=config.device)
    asked = read_suspects(suspects, suspect_mapping, config, key, watch)
    index, rejects = open_index(traffic, encoder, config, key, watch, mapping, format)
    found = [search_set(index, fingerprint_queries(queries, index, encoder, config, key), config.sketch.threshold, watch, config.threads, len(asked.sets))
             for queries in asked.sets]
    manifest = _manifest(config, key, encoder, asked, index, found)
    manifest["timings"] = {**watch.seconds, "total": round(time.time() - started, 3)}
    ledger = pa.concat_tables([asked.rejects, *([rejects] if rejects is not None else [])])
    return Match(*_joined([result_tables(one, index, queries, config.text) for one, queries in zip(found, asked.sets, strict=True)]), ledger, manifest)


def _joined(parts: list[tuple[pa.Table, pa.Table, pa.Table]]) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Put the tables of several sets one behind the other: queries are numbered through, named accounts come first."""
    if len(parts) == 1:
        return parts[0]
    low, tables = 0, list[tuple[pa.Table, pa.Table, pa.Table]]()
    for accounts, matches, queries in parts:
        tables.append((accounts, *(table.set_column(at, "query", pa.array(table["query"].to_numpy() + low)) for table, at in ((matches, 1), (queries, 0)))))
        low += len(queries)
    accounts, matches, queries = (pa.concat_tables(column) for column in zip(*tables, strict=True))
    return accounts.take(pa.array(np.argsort(~accounts["named"].to_numpy(), kind="stable"))), matches, queries


def _manifest(config: ScanConfig, key: Key, encoder: Encoder, asked: Suspects, index: TrafficIndex, found: list[Found]) -> dict[str, Any]:
    most = max(found, key=lambda one: one.chance.rate)  # of several sets, the one that chance favours most
    law = most.chance
    named = distinct(np.concatenate([one.named for one in found]))
    findings = [{"campaign_id": queries.campaign_id, "queries": len(queries.row), "prompts": queries.n_prompts, "named": len(one.named),
                 "asked": int((one.counted.n_holders > 0).sum())} for queries, one in zip(asked.sets, found, strict=True) if queries.sketches is not None]
    return {
        "schema": SCHEMA, "version": __version__, "created": iso(int(time.time() * 1e6)), "config": config.to_dict(), "key_id": key.key_id,
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in DEPENDENCIES}},
        "encoder": {"name": encoder.name, "dim": encoder.dim, "digest": encoder.digest},
        "suspects": {**asked.about, "prompts": sum(one.n_prompts for one in asked.sets), "queries": sum(len(one.row) for one in asked.sets),
                     "findings": findings},
        "traffic": {name: index.about.get(name) for name in ("inputs", "rows", "period")} | {
            "accounts": len(index.account_ids), "texts": len(index.texts), "prompts": int(index.n_prompts.sum())},
        "chance": {"rate": law.rate, "second": law.second, "stretch": law.stretch, "decoys": most.n_decoys, "family": FAMILY, "cosine": most.floor,
                   "cosine_named": most.floor_named},
        "counts": {"named": len(named), "common": sum(int(one.counted.common.sum()) for one in found),
                   "crowded_bands": sum(one.n_crowded for one in found), "cut_texts": sum(one.n_cut for one in found)},
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def _rows(accounting: Any) -> dict[str, Any]:
    return {"read": accounting.read, "accepted": accounting.accepted, "blank": accounting.blank, "rejected": dict(accounting.rejected)}


def open_index(traffic: Any, encoder: Encoder, config: ScanConfig, key: Key, watch: Stopwatch, mapping: dict[str, str] | None = None,
               format: str | None = None) -> tuple[TrafficIndex, pa.Table | None]:
    """Return the index of a traffic, made of a dump or read from its folder, and the rows of the dump that were rejected."""
    if isinstance(traffic, str | os.PathLike) and (Path(traffic) / MANIFEST).is_file():
        with watch.stage("checking the index"):
            traffic = TrafficIndex.load(traffic, key)
    if isinstance(traffic, TrafficIndex):
        traffic.check(key, config.sketch, encoder)
        return traffic, None
    reader, room = read_events(traffic, mapping=mapping, format=format), make_room(config)
    events = ingest(reader, config, key, watch, room)
    times = events.time_us
    about = {"inputs": [str(name) for name in reader.accounting.files], "rows": _rows(reader.accounting),
             "period": {"first": iso(int(times.min())) if len(times) else None, "last": iso(int(times.max())) if len(times) else None}}
    return TrafficIndex.of(events, encoder, config.sketch, key, watch, about, room, config.threads), reader.rejects


def fingerprint_queries(queries: Queries, index: TrafficIndex, encoder: Encoder, config: ScanConfig, key: Key) -> Block:
    """Return the fingerprints of queries, to be compared with those of an index."""
    if queries.sketches is not None:
        return queries.sketches
    make = Fingerprinter(key, config.sketch, encoder, index.frames, config.threads)
    return Block.join([make(queries.texts.slice(low, AT_ONCE)) for low in range(0, max(len(queries.texts), 1), AT_ONCE)])


def result_tables(found: Found, index: TrafficIndex, queries: Queries, with_text: bool) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Return accounts, matches and queries as tables."""
    held, matches = index.held, found.matches
    row, which = holdings_of(held, matches.text)
    account, query = held.account[row].astype(np.int64), matches.query[which]
    is_named = np.zeros(len(index.account_ids), bool)
    is_named[found.named] = True
    beyond = matches.similarity[which] < found.floor
    kept = is_named[account] | (matches.kind[which] != KINDS.index("semantic")) | ~beyond
    row, which, account, query = row[kept], which[kept], account[kept], query[kept]
    when = pa.timestamp("us", "UTC")

    def moments(values: npt.NDArray[np.int64], none: npt.NDArray[np.bool_] | None = None) -> pa.Array:
        return pa.array(values, pa.int64(), mask=none).cast(when)

    order = np.lexsort((query, held.first[row], account, ~is_named[account]))
    row, which, account, query = row[order], which[order], account[order], query[order]
    table = pa.table({
        "account_id": index.account_ids.take(pa.array(account)), "query": query, "kind": pa.array(np.array(KINDS, object)[matches.kind[which]], pa.string()),
        "similarity": matches.similarity[which], "n_prompts": held.count[row], "first_seen": moments(held.first[row]), "last_seen": moments(held.last[row]),
        "file": held.file[row], "line": held.line[row]})
    accounts = _accounts(found, index, account, row, query, is_named, moments)
    asked = _queries(found, index, queries, account, row, query, is_named, with_text, moments)
    accounts, asked = (part.append_column("campaign_id", pa.array([queries.campaign_id] * len(part), pa.string())) for part in (accounts, asked))
    return accounts, table, asked


def _accounts(found: Found, index: TrafficIndex, account: npt.NDArray[np.int64], row: npt.NDArray[np.int64], query: npt.NDArray[np.int64],
              is_named: npt.NDArray[np.bool_], moments: Any) -> pa.Table:
    held, n, m = index.held, len(index.account_ids), len(found.counted.common)
    who = distinct(account)
    pair = distinct(row)  # a holding may match several queries
    prompts = np.bincount(held.account[pair], weights=held.count[pair], minlength=n).astype(np.int64)
    texts = np.bincount(held.account[pair], minlength=n)
    asked = np.bincount(distinct(account * max(m, 1) + query) // max(m, 1), minlength=n)
    first, last = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
    np.minimum.at(first, account, held.first[row])
    np.maximum.at(last, account, held.last[row])
    counted = found.counted
    who = who[np.lexsort((who, -counted.n_matched[who], found.p[who], ~is_named[who]))]
    return pa.table({
        "account_id": index.account_ids.take(pa.array(who)), "named": is_named[who], "n_prompts": index.n_prompts[who], "n_texts": counted.n_texts[who],
        "n_matched_prompts": prompts[who], "n_matched_texts": texts[who], "n_queries": asked[who], "n_counted": counted.n_matched[who],
        "share_of_traffic": prompts[who] / np.maximum(index.n_prompts[who], 1), "share_of_set": asked[who] / max(m, 1),
        "expected": counted.n_texts[who] * found.chance.rate, "p": found.p[who], "q": found.q[who], "p_adjusted": found.adjusted[who],
        "first_seen": moments(first[who]), "last_seen": moments(last[who])})


def _queries(found: Found, index: TrafficIndex, queries: Queries, account: npt.NDArray[np.int64], row: npt.NDArray[np.int64],
             query: npt.NDArray[np.int64], is_named: npt.NDArray[np.bool_], with_text: bool, moments: Any) -> pa.Table:
    held, m, n = index.held, len(queries.texts), max(len(index.account_ids), 1)
    pair = distinct(query * n + account)
    holders, named = (np.bincount(part // n, minlength=m) for part in (pair, pair[is_named[pair % n]]))
    prompts = np.bincount(query, weights=held.count[row], minlength=m).astype(np.int64)
    first, last = np.full(m, np.iinfo(np.int64).max), np.full(m, np.iinfo(np.int64).min)
    np.minimum.at(first, query, held.first[row])
    np.maximum.at(last, query, held.last[row])
    none = holders == 0
    return pa.table({
        "query": np.arange(m), "row": queries.row, "prompt": queries.texts if with_text else pa.nulls(m, pa.large_string()), "n_accounts": holders,
        "n_named": named, "n_prompts": prompts, "common": found.counted.common, "first_seen": moments(first, none), "last_seen": moments(last, none)})


def timeline(matches: pa.Table, named: list[str]) -> list[tuple[str, int]]:
    """Return (day, first occurrences of matched texts) of the named accounts, days without any in between included."""
    import pyarrow.compute as pc

    first = matches.filter(pc.is_in(matches["account_id"], pa.array(named, matches["account_id"].type)))["first_seen"].cast(pa.int64()).to_numpy()
    if not len(first):
        return []
    day = first // DAY_US
    counts = np.bincount(day - day.min())
    return [(iso(int(d) * DAY_US)[:10], int(k)) for d, k in zip(range(int(day.min()), int(day.max()) + 1), counts, strict=True)]

