"""From events to findings: the one module that composes all stages."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from . import __version__, _core
from .ahead import in_order
from .arrays import distinct
from .campaigns import describe, iso, sought
from .charging import charge, sampled_events
from .clusters import cluster
from .config import ScanConfig
from .controls import run_controls
from .detection import Examiner, Group
from .encoders import Encoder, get_encoder
from .evidence import Evidence, Layer
from .history import N_TEXTS, Known, look_up, novelty
from .keys import Key
from .known import look_for, with_known
from .landscape import landscape
from .matrices import Vectors
from .memo import Memo, digest
from .points import Near, Points, Settled, nearest_of
from .prevalence import Hashing, Prevalence
from .progress import Stopwatch
from .readers import RowAccounting
from .records import Campaign, Scan
from .room import Room
from .search import search
from .segments import spell
from .settling import in_layers, samples
from .sketch import SCHEME, sketch
from .store import name_texts
from .tables import account_table, cluster_table, prompt_table, sketch_table
from .templates import shared_trigrams, trigrams
from .topics import no_topics, topic_table
from .traffic import Traffic
from .words import split_words

NEAR = 0.6  # Jaccard similarity, shared text removed, from which two prompts of a group are copies of one another
N_EXAMINED = 100
DEPENDENCIES = ("numpy", "scipy", "pyarrow", "faiss-cpu", "graspologic-native")  # whose versions can change a result


@dataclass(frozen=True, slots=True)
class Ingested:
    """A traffic, and what is to be said of how it was read.

    Attributes
    ----------
    traffic : Traffic
    accounting : RowAccounting
    rejects : pyarrow.Table
    hint : str
        What to do where hardly a row could be used.
    engine : dict
        What did it: name, workers, shards, and bytes of the files of each step.
    missing : list of dict
        Shards that could not be made, each with ``shard`` and ``why``.
    """

    traffic: Traffic
    accounting: RowAccounting
    rejects: pa.Table
    hint: str
    engine: dict[str, Any] = field(default_factory=lambda: {"name": "local", "workers": 1, "shards": 0, "bytes": {}})
    missing: list[dict[str, str]] = field(default_factory=list)


def detect(read: Callable[[], Ingested], config: ScanConfig, key: Key, watch: Stopwatch,
           remembered: Callable[[Hashing], tuple[Prevalence, dict[str, Any]]] | None = None, known: Sequence[str | os.PathLike[str]] = (),
           encoding: Callable[[Encoder], Encoder] = lambda own: own, room: Room | None = None) -> Scan:
    """Find campaigns in a traffic.

    Parameters
    ----------
    read : callable
        Gives the traffic, once everything else is known to be usable.
    config : ScanConfig
    key : Key
    watch : Stopwatch
    remembered : callable, optional
        Gives the prevalence of earlier traffic, and what the manifest says of it.
    known : sequence of path
        Known harvesting sets.
    encoding : callable
        May put an encoder in the place of the configured one, of the same digest.
    room : Room, optional
        That the columns of the traffic lie in.
    """
    started = time.time()
    encoder = encoding(get_encoder(config.encoder, threads=config.threads or _cpus(), device=config.device))
    hashing = Hashing(key, config.sketch, config.threads)
    past, past_about = remembered(hashing) if remembered is not None else (None, None)
    ingested = read()
    traffic = ingested.traffic
    evidence = prepare(traffic, encoder, config, key, watch)
    traffic.let_go()
    verdict = judge(traffic, evidence, config, watch) if evidence is not None else Verdict()
    campaigns = verdict.campaigns
    if past is not None:
        with watch.stage("comparing with history"):
            campaigns = _with_history(verdict, traffic, past, hashing, config.seed)
    traffic.let_go()
    sets = look_for(known, traffic, encoder, config, key, watch, room) if known else []
    campaigns = with_known(campaigns, sets, len(traffic.account_ids))
    traffic.let_go()
    with watch.stage("controls"):
        controls = run_controls(traffic, evidence, config) if config.controls and evidence is not None else None
    campaigns, charged = ranked(campaigns, verdict.charged)
    with watch.stage("drawing the map"):
        drawn = landscape(evidence, traffic, campaigns, charged, config.text, config.seed)
    traffic.let_go()
    del evidence  # it takes more than the tables do
    with watch.stage("sketching findings"):
        sketches = sketch_table(traffic, campaigns, charged, config.sketch, key, config.threads)
    traffic.let_go()
    manifest = _manifest(config, key, encoder, ingested, watch, started, verdict.n_prevalent)
    manifest["controls"] = asdict(controls) if controls is not None else None
    manifest["history"] = past_about
    manifest["counts"].update(topics=len(verdict.topics), topics_left_out=verdict.n_topics_left_out)
    return Scan(campaigns, verdict.examined, account_table(traffic, campaigns), cluster_table(traffic, config.text), verdict.topics, drawn,
                prompt_table(traffic, campaigns, charged), ingested.rejects, manifest, sets, sketches)


def ranked(campaigns: list[Campaign], charged: list[npt.NDArray[np.int64]]) -> tuple[list[Campaign], list[npt.NDArray[np.int64]]]:
    """Return findings in the order in which they are told, strongest first, and the rows that each is charged with."""
    order = sorted(range(len(campaigns)), key=lambda i: (-campaigns[i].strength, -campaigns[i].n_accounts, campaigns[i].campaign_id))
    return [campaigns[i] for i in order], [charged[i] for i in order]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the tests say of a traffic.

    Attributes
    ----------
    campaigns : list of Campaign
    phrases : list of (uint64[t], int)
        Trigrams of the text that each shares, and how many of them a prompt with it has.
    charged : list of int64[m]
        Rows of the traffic that each is charged with.
    examined : list of Campaign
        Groups that are not reported, at most ``N_EXAMINED``.
    n_prevalent : int
        Texts that too many hold for them to vote.
    topics : pyarrow.Table
        What the prompts are about, which no test looks at.
    n_topics_left_out : int
    """

    campaigns: list[Campaign] = field(default_factory=list)
    phrases: list[tuple[npt.NDArray[np.uint64], int]] = field(default_factory=list)
    charged: list[npt.NDArray[np.int64]] = field(default_factory=list)
    examined: list[Campaign] = field(default_factory=list)
    n_prevalent: int = 0
    topics: pa.Table = field(default_factory=no_topics)
    n_topics_left_out: int = 0


def judge(traffic: Traffic, evidence: Evidence, config: ScanConfig, watch: Stopwatch, memo: Memo | None = None) -> Verdict:
    """Find groups, test them, and write up what the tests say; `memo` is that of :func:`prepare`."""
    memo = memo or Memo(is_kept=False)
    with watch.stage("casting votes"):
        examiner = Examiner(evidence, config.detect, config.seed, config.threads, memo)
    with watch.stage("testing groups"):
        groups = search(examiner)
    findings = [g for g in groups if not g.reason]
    with watch.stage("charging prompts"):
        charged = charge(findings, examiner, traffic, watch.progress.advance)
    with watch.stage("writing up findings"):
        accused = np.zeros(traffic.n_actors, bool)
        accused[np.concatenate([np.zeros(0, np.int64), *(g.members for g in findings)])] = True
        rejected = [g for g in groups if g.reason][:N_EXAMINED]
        shown = [*findings, *rejected]
        rows, after = [*charged, *(sampled_events(g, examiner, traffic) for g in rejected)], sought(shown, examiner)
        written = list(in_order(lambda i: describe(shown[i], examiner, traffic, config, rows[i], after[i], None if shown[i].reason else accused),
                                range(len(shown)), config.threads or _cpus()))
        campaigns, examined = written[: len(findings)], written[len(findings) :]
    with watch.stage("naming topics"):
        topics = topic_table(examiner, traffic, config.text)
    memo.end()
    return Verdict(campaigns, [_phrases(g, examiner) for g in findings], charged, examined, examiner.votes.n_prevalent, *topics)


def _phrases(group: Group, examiner: Examiner) -> tuple[npt.NDArray[np.uint64], int]:
    if group.subjectless and group.segment is not None:
        found = np.unique(trigrams(examiner.evidence.words(spell(examiner, group.segment, group.members).runs))[1])
        return found, max(3, len(found) // 2)
    return shared_trigrams(group.stripped) if group.stripped is not None else (np.zeros(0, np.uint64), 0)


def _with_history(verdict: Verdict, traffic: Traffic, past: Prevalence, hashing: Hashing, seed: int) -> list[Campaign]:
    """Return the findings with their test of novelty."""
    rng = np.random.default_rng(seed)

    def known(texts: npt.NDArray[np.int64], accounts: Sequence[str] = (), shared: npt.NDArray[np.uint64] | None = None, least: int = 0) -> Known:
        texts = rng.choice(texts, min(N_TEXTS, len(texts)), replace=False)
        senders = traffic.account_ids.take(traffic.account[traffic.first_row[texts]]).to_pylist()
        return look_up(past, hashing, traffic.texts(texts), senders, accounts, shared, least)

    everything = np.concatenate([np.zeros(0, np.int64), *(traffic.text[rows] for rows in verdict.charged)])
    left = np.ones(len(traffic.exact), bool)
    left[everything] = False
    rest = known(np.flatnonzero(left))
    tests = [novelty(known(distinct(traffic.text[rows]), [a.account_id for a in c.accounts], *phrases),
                     rest, past) for c, phrases, rows in zip(verdict.campaigns, verdict.phrases, verdict.charged, strict=True)]
    return [replace(c, tests=[*c.tests, test]) for c, test in zip(verdict.campaigns, tests, strict=True)]


def prepare(traffic: Traffic, encoder: Encoder, config: ScanConfig, key: Key, watch: Stopwatch, memo: Memo | None = None) -> Evidence | None:
    """Embed the evidence sample and find nearest texts; None for fewer than two texts.

    With a `memo` of former calls, of the same key and configuration, the result is the same and costs by what is new; :func:`judge` then takes it too.
    """
    memo = memo or Memo(is_kept=False)
    memo.begin()
    held, settled = samples(traffic, traffic.actor[traffic.account], config.detect)
    kinds, n_settled = in_layers(held, settled)
    if len(kinds) < 2:
        memo.clear()
        return None
    k, exact = config.detect.voters(len(held.text)) + 1, traffic.exact[kinds]
    with watch.stage("encoding"):
        texts = traffic.take(kinds)
        on = digest(exact[:n_settled], encoder.digest)
        base = memo.get("settled", on, lambda: Settled.of(texts.slice(0, n_settled), encoder, config.threads))
        fresh = memo.rows("fresh", on, exact[n_settled:], lambda which: (base.embed(texts.take(pa.array(n_settled + which)), encoder).astype(np.float16),))[0]
        search = Points(base.index, fresh)
    on = digest(on, k)
    with watch.stage("finding nearest prompts", total=len(kinds)):
        near, cells = _nearest_settled(search, exact, k, on, memo, watch)
        beside = search.nearest_fresh(search.vectors, k, cells)
        similarity, index = nearest_of(near, beside, min(k, len(kinds)))
    row = np.full(len(traffic.exact), -1, np.int32)
    row[kinds] = np.arange(len(kinds))

    def read(index: npt.NDArray[np.int64]) -> list[str]:
        found: list[str] = texts.take(pa.array(row[index])).to_pylist()
        return found

    def near_duplicates(texts: Sequence[str]) -> npt.NDArray[np.int64]:
        made = sketch(list(texts), key=key, threads=config.threads)
        return cluster(made.signatures, made.exact, threshold=NEAR).labels.astype(np.int64)

    whole = Evidence(search.vectors, similarity, index, row, traffic.exact, held, traffic.n_actors, read, traffic.systems, search,
                     partial(base.embed, encoder=encoder), near_duplicates, partial(split_words, key=key.derive("words")), base.null,
                     name_texts(texts, key.derive("spelling")))
    if n_settled == len(kinds):
        return whole
    among = beside[0][n_settled:], np.where(beside[1][n_settled:] < 0, -1, beside[1][n_settled:] - n_settled)
    layers = (Layer.of(whole, 0, base.index.vectors, (near[0][:n_settled], near[1][:n_settled]), exact[:n_settled], on),
              Layer.of(whole, n_settled, search.fresh, among, exact[n_settled:], digest(on, exact[n_settled:])))
    return replace(whole, layers=layers).held(held, settled)


def _nearest_settled(search: Points, exact: npt.NDArray[np.uint64], k: int, on: bytes, memo: Memo,
                     watch: Stopwatch) -> tuple[Near, npt.NDArray[np.int32]]:
    """Return the settled texts that are nearest to each text, and in which cells each is looked for."""
    n_settled, k = search.settled.n, min(k, search.settled.n)

    def find(vectors: Vectors) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        similarity, index = search.settled.nearest(vectors, k, watch.progress.advance)
        return similarity, index.astype(np.int32), search.cells(vectors)

    settled = memo.get("nearest", on, lambda: find(search.settled.vectors))
    fresh = memo.rows("nearest of fresh", on, exact[n_settled:], lambda which: find(search.fresh[which]))
    near = np.concatenate([settled[0], fresh[0]]), np.concatenate([settled[1], fresh[1]])
    return near, np.concatenate([settled[2], fresh[2]])


def _cpus() -> int:
    return os.cpu_count() or 1


def _manifest(config: ScanConfig, key: Key, encoder: Encoder, ingested: Ingested, watch: Stopwatch, started: float, prevalent: int) -> dict[str, Any]:
    traffic, accounting = ingested.traffic, ingested.accounting
    times = traffic.time_us
    return {
        "schema": "fp-manifest-1",
        "version": __version__,
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in DEPENDENCIES}},
        "created": iso(int(started * 1e6)),
        "config": config.to_dict(),
        "sketch": {"scheme": SCHEME, "num_perm": config.sketch.num_perm, "ngram": config.sketch.ngram},
        "encoder": {"name": encoder.name, "dim": encoder.dim, "device": encoder.device, "digest": encoder.digest},
        "key_id": key.key_id,
        "isa": _core.isa(),
        "inputs": [str(name) for name in accounting.files],
        "engine": ingested.engine,
        "missing": ingested.missing,
        "hint": ingested.hint,
        "rows": {"read": accounting.read, "accepted": accounting.accepted, "blank": accounting.blank, "rejected": dict(accounting.rejected)},
        "period": {"first": iso(int(times.min())) if len(times) else None, "last": iso(int(times.max())) if len(times) else None},
        "counts": {"accounts": len(traffic.account_ids), "actors": traffic.n_actors, "texts": len(traffic.exact),
                   "clusters": int(traffic.cluster.max(initial=-1)) + 1,
                   "prevalent_texts": prevalent},
        "timings": {**watch.seconds, "total": round(time.time() - started, 3)},
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
