"""Scans: of an input in one go, of an input in shards on whatever executor, and of shards that were made one by one. All end in the same detection."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .config import ScanConfig, SketchConfig
from .errors import ConfigError, InputError, why
from .ingest import ingest, make_room, remember
from .keys import Key
from .pipeline import Ingested, detect
from .places import absolute
from .prevalence import Hashing, Prevalence
from .progress import Progress, Stopwatch
from .readers import EventReader, read_events
from .records import Scan
from .room import Room
from .shards.executors import Executor, executor_of
from .shards.gathering import Gathered, Gathering, about_shard, arranged, passing, plan_digest, portion
from .shards.job import Job
from .shards.mapping import make_shard

MOST_SHARDS = 1_000_000
SHARDS_OF_PART = 4  # so that parts are about alike


def scan(inputs: Any, *, config: ScanConfig | None = None, key: Key | None = None, mapping: dict[str, str] | None = None, format: str | None = None,
         history: Any = None, known: Sequence[str | os.PathLike[str]] = (), progress: Progress | None = None,
         state: str | os.PathLike[str] | None = None, engine: str = "local", jobs: int = 1, address: str | None = None,
         key_file: str | os.PathLike[str] | None = None) -> Scan:
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
    state : path or address, optional
        Folder that keeps what is done, prompts among it: the same call goes on from there after it was cut off. `inputs` are files then. It is left
        when the scan ends; remove it once the result is saved. Workers on other machines reach it, and the inputs, under the same name.
    engine : str
        ``"local"``, or ``"ray"`` for a Ray cluster. No result depends on it.
    jobs : int
        Processes that read and sketch `inputs`, files then. Never changes a result.
    address : str, optional
        Of a Ray cluster that runs already, ``"auto"`` for that of this machine; without it one of `jobs` CPUs is started here.
    key_file : path, optional
        Where workers on a cluster find `key`; by default where :meth:`Key.default` looks for it.

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
    reader = read_events(inputs, mapping=mapping, format=format)
    if engine == "local" and jobs == 1 and state is None and address is None:
        room = make_room(config)
        return detect(lambda: _read(reader, config, key, watch, room), config, key, watch, _remembering(history, mapping, format, watch), known, room=room)
    _check_reach(address, state)
    shards, job = reader.divided(), Job.of(config.sketch, key, mapping, format)
    with _folder(state) as folder, executor_of(engine, jobs, key, config.threads, address) as executor:  # workers end before what they write in goes
        gathering = Gathering(folder, config, key, job, executor, watch, absolute(key_file) if key_file is not None else None)
        past = _remembering(history, mapping, format, watch, gathering)
        return detect(lambda: _from_shards(gathering.gather(shards), executor), config, key, watch, past, known, executor.encoder)


def write_shard(inputs: Any, out: str | os.PathLike[str], *, part: tuple[int, int] = (1, 1), config: ScanConfig | None = None, key: Key | None = None,
                mapping: dict[str, str] | None = None, format: str | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """Read and sketch an input, or a part of it, into one file, for :func:`merge_shards` to put together with others: what a cluster does by hand.

    Parameters
    ----------
    inputs : path, address, glob, folder or sequence of these
        The whole input, the same for each part.
    out : path or address
        The file, which holds prompts, readable by its owner only; written whole or not at all.
    part : (int, int)
        Which part, from 1, of how many.
    config : ScanConfig, optional
        Of which sketch, threads and memory count here.
    key, mapping, format, progress
        As of :func:`scan`.

    Returns
    -------
    dict
        size (bytes), seal (hexadecimal digits), rows, texts, units (of numeric times, by file).

    Raises
    ------
    InputError
        The input cannot be read.
    ConfigError
        There is no such part, or the file cannot be written.
    """
    config, key, (number, n_parts) = config or ScanConfig(), key or Key.default(), part
    if not 1 <= number <= n_parts <= MOST_SHARDS:
        raise ConfigError(f"a part is one of 1/{n_parts} to {n_parts}/{n_parts}, at most {MOST_SHARDS:,}, not {number}/{n_parts}")
    job = Job.of(config.sketch, key, mapping, format)
    divided = read_events(inputs, mapping=mapping, format=format).divided(SHARDS_OF_PART * n_parts)
    portions = [[extent.to_list() for extent in portion(divided, i, n_parts)] for i in range(n_parts)]
    identity = {"of": plan_digest(job, portions), "number": number - 1, "n_shards": n_parts}
    try:
        return make_shard(os.fspath(out), portion(divided, number - 1, n_parts), job, key, identity, config.memory, config.threads, progress)
    except OSError as error:
        raise ConfigError(f"{os.fspath(out)!r} cannot be written: {why(error)}") from None


def merge_shards(shards: Sequence[str | os.PathLike[str]], *, config: ScanConfig | None = None, key: Key | None = None, history: Any = None,
                 known: Sequence[str | os.PathLike[str]] = (), progress: Progress | None = None, state: str | os.PathLike[str] | None = None,
                 engine: str = "local", jobs: int = 1, address: str | None = None, key_file: str | os.PathLike[str] | None = None) -> Scan:
    """Find campaigns in shards that :func:`write_shard` wrote: the result is that of one scan of all their input, in whatever order they are given.

    Parameters
    ----------
    shards : sequence of path or address
        A part of an input that is not among them is named in ``manifest["missing"]``.
    config : ScanConfig, optional
        Its sketch must be that of the shards; see :func:`shard_config`.
    key, history, known, progress, state, engine, jobs, address, key_file
        As of :func:`scan`.

    Raises
    ------
    InputError
        A shard is damaged, holds what another one holds, or was made by another version, with another key or configuration.
    """
    config, key = config or ScanConfig(), key or Key.default()
    watch, job = Stopwatch(progress or Progress()), Job.of(config.sketch, key)
    if not shards:
        raise InputError("no shard was named; 'fingerprint sketch' writes one")
    _check_reach(address, state)
    named, missing = arranged([absolute(place) for place in shards], job, key)
    with _folder(state) as folder, executor_of(engine, jobs, key, config.threads, address) as executor:  # workers end before what they write in goes
        gathering = Gathering(folder, config, key, job, executor, watch, absolute(key_file) if key_file is not None else None)
        past = _remembering(history, None, None, watch, gathering)
        return detect(lambda: _from_shards(gathering.put_together(named, missing), executor), config, key, watch, past, known, executor.encoder)


def shard_config(shard: str | os.PathLike[str], key: Key | None = None) -> SketchConfig:
    """Return with what configuration a shard was sketched.

    Raises
    ------
    InputError
        It is damaged, of another version, or another key sealed it.
    """
    key = key or Key.default()
    told = about_shard(os.fspath(shard), key)
    job = Job.from_dict(told["job"])
    Job.of(job.sketch, key).check_shard(told, os.fspath(shard))
    return job.sketch


def _folder(state: str | os.PathLike[str] | None) -> AbstractContextManager[str]:
    return passing() if state is None else nullcontext(absolute(state))


def _check_reach(address: str | None, state: str | os.PathLike[str] | None) -> None:
    if address is not None and state is None:
        raise ConfigError("workers of a cluster need a folder or address that all of them reach; name it as the state")


def _remembering(history: Any, mapping: dict[str, str] | None, format: str | None, watch: Stopwatch,
                 gathering: Gathering | None = None) -> Callable[[Hashing], tuple[Prevalence, dict[str, Any]]] | None:
    """Return what gives the prevalence of earlier traffic, None where there is none."""
    if history is None:
        return None
    return lambda hashing: remember(history, hashing, mapping, format, watch, gathering.observe if gathering is not None else None)


def _read(reader: EventReader, config: ScanConfig, key: Key, watch: Stopwatch, room: Room) -> Ingested:
    traffic = ingest(reader, config, key, watch, room)
    return Ingested(traffic, reader.accounting, reader.rejects, reader.hint())


def _from_shards(found: Gathered, executor: Executor) -> Ingested:
    engine = {"name": executor.name, "workers": executor.n_workers, "shards": found.n_shards, "bytes": found.n_bytes}
    return Ingested(found.traffic, found.accounting, found.rejects, found.hint(), engine, found.missing)
