"""A scan from input to findings: the one module that composes all stages."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from . import __version__, _core
from .arrays import distinct
from .campaigns import describe, iso
from .charging import charge, sampled_events
from .clusters import cluster
from .codes import sample_size
from .config import ScanConfig
from .controls import run_controls
from .detection import Examiner, Group
from .encoders import Encoder, get_encoder
from .errors import ConfigError, InputError
from .evidence import Evidence
from .history import N_TEXTS, Known, look_up, novelty
from .ingest import ingest, make_room, remember
from .keys import Key
from .known import look_for, with_known
from .memo import Memo
from .prevalence import Hashing, Prevalence
from .progress import Progress, Stopwatch
from .readers import EventReader, read_events
from .records import Campaign, Scan
from .room import Room
from .search import search
from .segments import spell
from .sketch import SCHEME, sketch
from .tables import account_table, cluster_table, prompt_table
from .templates import shared_trigrams, trigrams
from .topics import no_topics, topic_table
from .traffic import Traffic, hold
from .vectors import VectorIndex
from .words import split_words

NEAR = 0.6  # Jaccard similarity, shared text removed, from which two prompts of a group are copies of one another
N_EXAMINED = 100
GRID = np.float32(2048)
SOME, AT_ONCE = 200_000, 65_536  # texts whose mean is that of all, at least, and texts that are encoded together
DEPENDENCIES = ("numpy", "scipy", "pyarrow", "faiss-cpu", "graspologic-native")  # whose versions can change a result


def scan(inputs: Any, *, config: ScanConfig | None = None, key: Key | None = None, mapping: dict[str, str] | None = None, format: str | None = None,
         history: Any = None, known: Sequence[str | os.PathLike[str]] = (), progress: Progress | None = None,
         state: str | os.PathLike[str] | None = None) -> Scan:
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
        Earlier traffic, read as `inputs` are, or ``.prevalence`` files made of it: whether findings are new is judged against it. Without it nothing is
        said about novelty.
    known : sequence of path
        Known harvesting sets, a file each, or folders of them: who asked their questions is said beside the findings.
    progress : Progress, optional
    state : path, optional
        Folder that keeps what is done, prompts among it: the same call goes on from there after it was cut off. `inputs` are paths then. It is left
        when the scan ends; remove it once the result is saved.

    Returns
    -------
    Scan
        Findings, examined groups, and the tables of all rows. Empty input gives empty tables and no finding.

    Raises
    ------
    InputError
        The input as a whole cannot be read. Bad rows are counted rejects.
    ConfigError
        `state` holds that of another scan.

    Examples
    --------
    >>> import fingerprint as fp
    >>> fp.scan([{"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello there"}], key=fp.Key(bytes(16))).campaigns
    []
    """
    config, key = config or ScanConfig(), key or Key.default()
    watch = Stopwatch(progress or Progress())
    started = time.time()
    encoder = get_encoder(config.encoder, threads=config.threads or _cpus(), device=config.device)
    reader = read_events(inputs, mapping=mapping, format=format)
    hashing = Hashing(key, config.sketch, config.threads)
    past, about = remember(history, hashing, mapping, format, watch) if history is not None else (None, None)
    room = make_room(config, *_kept(state, reader, config, key, encoder.digest, mapping, format))
    traffic = ingest(reader, config, key, watch, room)
    evidence = prepare(traffic, encoder, config, key, watch, room)
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
    traffic.let_go()
    del evidence  # it takes more than the tables do
    campaigns, charged = ranked(campaigns, verdict.charged)
    manifest = _manifest(config, key, encoder, reader, traffic, watch, started, verdict.n_prevalent)
    manifest["controls"] = asdict(controls) if controls is not None else None
    manifest["history"] = about
    manifest["hint"] = reader.hint()
    manifest["counts"].update(topics=len(verdict.topics), topics_left_out=verdict.n_topics_left_out)
    return Scan(campaigns, verdict.examined, account_table(traffic, campaigns), cluster_table(traffic, config.text), verdict.topics,
                prompt_table(traffic, campaigns, charged), reader.rejects, manifest, sets)


def ranked(campaigns: list[Campaign], charged: list[npt.NDArray[np.int64]]) -> tuple[list[Campaign], list[npt.NDArray[np.int64]]]:
    """Return findings in the order in which they are told, strongest first, and the rows that each is charged with."""
    order = sorted(range(len(campaigns)), key=lambda i: (-campaigns[i].strength, -campaigns[i].n_accounts, campaigns[i].campaign_id))
    return [campaigns[i] for i in order], [charged[i] for i in order]


def _kept(state: str | os.PathLike[str] | None, reader: EventReader, config: ScanConfig, key: Key, encoder: str,
          mapping: dict[str, str] | None, format: str | None) -> tuple[Path | None, dict[str, Any]]:
    """Return the folder of the state, and what it must be of."""
    if state is None:
        return None, {}
    if reader.total_bytes is None:
        raise ConfigError("only files can be read again: a state cannot be kept of streams and of rows in memory")
    options = {name: value for name, value in config.to_dict().items() if name not in ("threads", "memory")}
    return Path(state), {"version": __version__, "config": options, "encoder": encoder, "key_id": key.key_id, "mapping": mapping, "format": format,
                         "inputs": reader.versions()}


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


def judge(traffic: Traffic, evidence: Evidence, config: ScanConfig, watch: Stopwatch) -> Verdict:
    """Find groups, test them, and write up what the tests say."""
    with watch.stage("casting votes"):
        examiner = Examiner(evidence, config.detect, config.seed, config.threads)
    with watch.stage("testing groups"):
        groups = search(examiner)
    findings = [g for g in groups if not g.reason]
    with watch.stage("charging prompts"):
        charged = charge(findings, examiner, traffic, watch.progress.advance)
    with watch.stage("writing up findings"):
        accused = np.zeros(traffic.n_actors, bool)
        accused[np.concatenate([np.zeros(0, np.int64), *(g.members for g in findings)])] = True
        campaigns = [describe(g, examiner, traffic, config, rows, accused) for g, rows in zip(findings, charged, strict=True)]
        examined = [describe(g, examiner, traffic, config, sampled_events(g, examiner, traffic)) for g in [g for g in groups if g.reason][:N_EXAMINED]]
    with watch.stage("naming topics"):
        topics = topic_table(examiner, traffic, config.text)
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


def prepare(traffic: Traffic, encoder: Encoder, config: ScanConfig, key: Key, watch: Stopwatch, room: Room | None = None,
            memo: Memo | None = None) -> Evidence | None:
    """Embed the evidence sample and find nearest texts; None for fewer than two texts. With a `memo` of former calls only new texts are embedded."""
    encoder = memo.begin(encoder, key) if memo is not None else encoder
    holdings = hold(traffic.actor[traffic.account], traffic.text, traffic.exact, config.detect.sample, config.detect.evidence,
                    system=traffic.system)
    sampled = distinct(holdings.text)
    if len(sampled) < 2:
        return None
    with watch.stage("encoding"):
        texts = traffic.take(sampled)
        some = encoder.encode(texts.slice(0, max(SOME, sample_size(len(sampled)))))  # the smallest keyed hashes: a random sample
        mean = some.mean(0)
        centre(some, mean)
        search = VectorIndex(len(sampled), some, config.threads)
        for low in range(0, len(texts), AT_ONCE):
            vectors = some[low : low + AT_ONCE]
            if len(vectors) < min(AT_ONCE, len(texts) - low):
                vectors = encoder.encode(texts.slice(low, AT_ONCE))
                centre(vectors, mean)
            search.add(vectors)
        del some, vectors
    k = min(config.detect.voters(len(holdings.text)) + 1, len(sampled))
    room = room or Room()
    if "nearest" in room.done:
        similarity, index = room.saved("nearest-similarity", np.float32, k), room.saved("nearest", np.int64, k)
        if len(similarity) != len(sampled) or len(index) != len(sampled):
            raise InputError(f"the state in {str(room.folder)!r} is damaged; remove it to begin again")
    else:
        with watch.stage("finding nearest prompts", total=len(sampled)):
            similarity, index = search.nearest(search.vectors, k, watch.progress.advance)
        room.save("nearest-similarity", similarity)
        room.save("nearest", index)
        room.keep(nearest=1)
    row = np.full(len(traffic.exact), -1, np.int32)
    row[sampled] = np.arange(len(sampled))

    def encode(texts: Any) -> npt.NDArray[np.float32]:
        vectors = encoder.encode(texts)
        centre(vectors, mean)
        return vectors

    def read(index: npt.NDArray[np.int64]) -> list[str]:
        found: list[str] = texts.take(pa.array(row[index])).to_pylist()
        return found

    def near(texts: Sequence[str]) -> npt.NDArray[np.int64]:
        made = sketch(list(texts), key=key, threads=config.threads)
        return cluster(made.signatures, made.exact, threshold=NEAR).labels.astype(np.int64)

    return Evidence(search.vectors, similarity, index, row, traffic.exact, holdings, traffic.n_actors, read, traffic.systems, search, encode, near,
                    partial(split_words, key=key.derive("words")))


def centre(vectors: npt.NDArray[np.float32], mean: npt.NDArray[np.float32]) -> None:
    """Subtract `mean` from each vector and scale it to unit length, in place; zero stays zero.

    Rounded to ``1 / GRID``: inner products are then multiples of ``GRID ** -2`` below 4, so float32 holds every partial sum exactly, and they do not depend
    on the order in which a library adds up nor on which texts are compared at once. Half precision holds the vectors exactly, too.
    """
    vectors -= mean
    vectors *= GRID / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    np.rint(vectors, out=vectors)
    vectors /= GRID


def _cpus() -> int:
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
        "encoder": {"name": encoder.name, "dim": encoder.dim, "device": encoder.device, "digest": encoder.digest},
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
