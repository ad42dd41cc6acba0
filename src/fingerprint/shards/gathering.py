"""All steps from an input to its traffic by way of shards, on whatever executor; what an earlier run has left of the same steps is used again."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pyarrow as pa

from .. import places
from ..config import LEAST_MEMORY, ScanConfig
from ..errors import ConfigError, InputError
from ..ingest import READING, memory
from ..keys import Key
from ..prevalence import Prevalence
from ..progress import Stopwatch
from ..readers import EventReader, Extent, RowAccounting
from ..traffic import Traffic
from . import files, mapping, worker
from .executors import Executor, Outcome
from .files import File
from .job import Job
from .joining import accounting_of, fields_seen, join, rejects_of, total
from .mapping import accounting_from_dict
from .parts import check_units, other_units, units_of

TEXTS_PER_PART = 1 << 20  # of all shards together, in a part of the range of hashes
MOST_PARTS = 4096
SUFFIX = ".shard"
JOB = "job" + SUFFIX
STARTING, REDUCING = "starting workers", "finding equal texts and company"


@dataclass(frozen=True, slots=True)
class Gathered:
    """What shards came to.

    Attributes
    ----------
    traffic : Traffic
    accounting : RowAccounting
    rejects : pyarrow.Table
    fields_seen : tuple of str
    missing : list of dict
        Shards that could not be made, each with ``shard`` (what is in it) and ``why``.
    n_shards : int
        Those that were.
    n_bytes : dict of str to int
        Of the files of each step.
    """

    traffic: Traffic
    accounting: RowAccounting
    rejects: pa.Table
    fields_seen: tuple[str, ...]
    missing: list[dict[str, str]]
    n_shards: int
    n_bytes: dict[str, int] = field(default_factory=dict)

    def hint(self) -> str:
        """Return what to do where hardly a row could be used for want of one field; empty otherwise."""
        return self.accounting.hint(self.fields_seen)


class Gathering:
    """A folder of shards that is being filled, and what is made of them.

    Parameters
    ----------
    folder : str
        Which all workers reach under this name; see :mod:`fingerprint.places`. What an earlier run of the same steps has left there is used again.
    config : ScanConfig
    key : Key
    job : Job
    executor : Executor
    watch : Stopwatch
    key_file : str, optional
        Where workers that do not get the key from this process find it.
    """

    def __init__(self, folder: str, config: ScanConfig, key: Key, job: Job, executor: Executor, watch: Stopwatch, key_file: str | None = None) -> None:
        self.folder, self.config, self.key, self.job, self.executor, self.watch = folder, config, key, job, executor, watch
        self._common = {"version": job.version, "scheme": job.scheme, "key_id": key.key_id, "key_file": key_file, "inputs": os.getcwd()}
        self._sizes: dict[tuple[str, str], int] = {}  # by step and file

    @property
    def n_bytes(self) -> dict[str, int]:
        """Bytes of the files of each step."""
        found = Counter[str]()
        for (kind, _), size in self._sizes.items():
            found[kind] += size
        return dict(found)

    def gather(self, shards: Sequence[Sequence[Extent]]) -> Gathered:
        """Make the shards of an input, and put them together.

        Raises
        ------
        ConfigError
            The folder holds the shards of another scan, or a worker refuses to work for this one.
        InputError
            Not one shard could be made.
        """
        plain = [[extent.to_list() for extent in extents] for extents in shards]
        self._claim(plain)
        with self.watch.stage(STARTING):
            self.executor.start()
        made, missing = self._map(plain)
        return self.put_together(made, missing)

    def observe(self, reader: EventReader, past: Prevalence) -> RowAccounting:
        """Add the events of earlier files to a prevalence; return what became of their rows.

        Raises
        ------
        InputError
            A part of them cannot be read: what is new could not be told without it.
        """
        shards = reader.divided()
        named = [places.join(self.folder, f"history-{number:06}{SUFFIX}") for number in range(len(shards))]
        common = {**self._common, "do": worker.REMEMBER, "job": self.job.to_dict(), "threads": self.executor.threads}
        orders = [{**common, "place": place, "extents": [extent.to_list() for extent in extents], "about": {}}
                  for place, extents in zip(named, shards, strict=True)]
        parts: dict[int, RowAccounting] = {}
        for number, outcome in _in_one_unit(orders, self.executor.run):
            if isinstance(outcome, Exception):
                raise InputError(f"a part of the history cannot be read: {outcome}") from outcome
            self.watch.progress.advance(0 if number in parts else sum(extent.size for extent in shards[number]))
            parts[number] = accounting_from_dict(outcome["accounting"])
        for place in named:
            past.merge(Prevalence.load(place))
        places.remove(named)
        return total([parts[number] for number in range(len(shards))])

    def _claim(self, shards: list[Any]) -> None:
        """Note in the folder what it is for; raise :class:`ConfigError` where it is for something else."""
        wanted: dict[str, Any] = {"job": self.job.to_dict(), "shards": shards}
        place = places.join(self.folder, JOB)
        if places.look(place) is None:
            files.write(place, {"kind": "job", **wanted}, [], self.key)
            return
        there = about(place, self.key)
        differ = [name for name in wanted["job"] if there["job"].get(name) != wanted["job"][name]] + (["inputs"] if there["shards"] != shards else [])
        if differ:
            raise ConfigError(f"{self.folder!r} holds the state of another scan ({', '.join(differ)}); remove it or name another --out")

    def _map(self, shards: list[Any]) -> tuple[list[str], list[dict[str, str]]]:
        """Make the shards that are not there; return where all are, and which are missing."""
        of = plan_digest(self.job, shards)
        named = [places.join(self.folder, f"shard-{number:06}{SUFFIX}") for number in range(len(shards))]
        own = [{"of": of, "number": number, "n_shards": len(shards)} for number in range(len(shards))]
        shared_out = memory(self.config) // self.executor.n_workers if self.config.memory or self.executor.is_here else None  # None: of the worker's machine
        common = {**self._common, "do": worker.MAP, "job": self.job.to_dict(), "threads": self.executor.threads,
                  "memory": max(shared_out, LEAST_MEMORY) if shared_out is not None else None}
        orders = [{**common, "place": place, "extents": extents, "about": told} for place, extents, told in zip(named, shards, own, strict=True)]
        sizes = [sum(size for _, _, size, _, _ in extents) for extents in shards]
        lost: dict[int, str] = {}
        seen: set[int] = set()
        with self.watch.stage(READING, sum(sizes)):
            for number, outcome in _in_one_unit(orders, lambda some: self._run(some, mapping.KIND)):
                if isinstance(outcome, Exception):
                    lost[number] = str(outcome)
                self.watch.progress.advance(0 if number in seen else sizes[number])
                seen.add(number)
        told = [{"shard": f"{number + 1}/{len(shards)}: " + ", ".join(str(Extent.from_list(extent)) for extent in shards[number]), "why": why}
                for number, why in sorted(lost.items())]
        if len(lost) == len(shards):
            raise InputError(told[0]["why"])
        return [place for number, place in enumerate(named) if number not in lost], told

    def put_together(self, named: Sequence[str], missing: list[dict[str, str]]) -> Gathered:
        """Find what shards have in common, and put them together, in the order in which they are named."""
        shards = [File(place, self.key) for place in named]
        made_of = {"of": _digest(*(shard.seal for shard in shards))}
        n_parts = min(max(1, -(-sum(shard.about["texts"] for shard in shards) // TEXTS_PER_PART)), MOST_PARTS)
        parts = range(n_parts)
        with self.watch.stage(REDUCING, 3 * n_parts):
            ranges = self._step(worker.TEXTS, made_of, [{"shards": list(named), "part": part, "n_parts": n_parts} for part in parts])
            bands = self._step(worker.BANDS, made_of, [{"ranges": ranges, "part": part} for part in parts]) if n_parts > 1 else []
            companies = self._step(worker.COMPANY, made_of, [{"shards": list(named), "own": [ranges[part]], "bands": bands, "part": part,
                                                            "num_perm": self.config.sketch.num_perm} for part in parts])
        of_ranges, of_companies = ([File(place, self.key) for place in step] for step in (ranges, companies))
        traffic = join(shards, of_ranges, of_companies, self.config, self.watch)
        for one in [*of_ranges, *of_companies]:
            one.close()
        return Gathered(traffic, accounting_of(shards), rejects_of(shards), fields_seen(shards), missing, len(shards), self.n_bytes)

    def _step(self, do: str, made_of: dict[str, Any], orders: list[dict[str, Any]]) -> list[str]:
        """Run a step whose every part is needed; return its files."""
        named = [places.join(self.folder, f"{do}-{order['part']:06}{SUFFIX}") for order in orders]
        common = {**self._common, "do": do, "about": {**made_of, "n_parts": len(orders)}}
        whole = [{**common, "place": place, **order} for place, order in zip(named, orders, strict=True)]
        for _, outcome in self._run(whole, do):
            if isinstance(outcome, Exception):
                raise InputError(f"a step of putting shards together failed: {outcome}") from outcome
            self.watch.progress.advance(1)
        return named

    def _run(self, orders: list[dict[str, Any]], kind: str) -> Iterator[tuple[int, dict[str, Any] | Exception]]:
        """Run those orders whose files are not there; yield the number of each with its result."""
        left = []
        for number, order in enumerate(orders):
            made = self._there(order)
            if made is None:
                left.append(number)
            else:
                self._sizes[kind, order["place"]] = made["size"]
                yield number, made
        for at, outcome in self.executor.run([orders[number] for number in left]):
            if isinstance(outcome, dict):
                place = orders[left[at]]["place"]
                if places.look(place) is None:
                    raise ConfigError(f"a worker has written {place!r}, which is not to be found from here: name an --out that all machines reach, on a disk "
                                      "that they share or in an object store")
                self._sizes[kind, place] = outcome["size"]
            yield left[at], outcome

    def _there(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """Return what is to be known of the file of an order where it is there and of the same making, None otherwise: it is made anew then."""
        if places.look(order["place"]) is None:
            return None
        try:
            file = File(order["place"], self.key)
        except InputError:
            return None
        file.close()
        if any(file.about.get(name) != value for name, value in order["about"].items()):
            return None
        return {"size": file.size, "units": units_of(file.about.get("accounting", {}).get("files", {}))}


def _in_one_unit(orders: Sequence[dict[str, Any]], run: Callable[[list[dict[str, Any]]], Iterator[Outcome]]) -> Iterator[Outcome]:
    """Run orders, and those again that took times of a file for another unit than an earlier part; yield each with its result: the last one counts."""
    units: dict[int, dict[str, str]] = {}
    left: dict[int, dict[str, Any]] = {number: {} for number in range(len(orders))}
    while left:
        numbers = list(left)
        for at, outcome in run([{**orders[number], "about": {**orders[number]["about"], **left[number]}} for number in numbers]):
            units[numbers[at]] = outcome["units"] if isinstance(outcome, dict) else {}
            yield numbers[at], outcome
        left = {number: {"units": own} for number, own in other_units(sorted(units.items())).items()}


def about(place: str, key: Key) -> dict[str, Any]:
    """Return what a shard says of itself.

    Raises
    ------
    InputError
        It is none, or damaged, or another key sealed it.
    """
    file = File(place, key)
    file.close()
    return file.about


def about_shard(place: str, key: Key) -> dict[str, Any]:
    """Return the same of what must be a shard.

    Raises
    ------
    InputError
        As :func:`about`, or it is a file of another step.
    """
    told = about(place, key)
    if told.get("kind") != mapping.KIND:
        raise InputError(f"{place!r} is no shard but another file of a scan; name what 'fingerprint sketch' wrote")
    return told


def plan_digest(job: Job, shards: Sequence[Sequence[Any]]) -> str:
    """Name a division of an input for a job; that its files were touched or copied does not matter."""
    return _digest(job.to_dict(), [[[path, part, size, unit] for path, part, size, _, unit in extents] for extents in shards])


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def portion(shards: Sequence[Sequence[Extent]], part: int, n_parts: int) -> list[Extent]:
    """Return what is read for a part, from 0, where an input is divided into so many: neighbouring shards, none where there are fewer than parts."""
    low, high = (number * len(shards) // n_parts for number in (part, part + 1))
    found: list[Extent] = []
    for extent in (extent for shard in shards[low:high] for extent in shard):
        if found and extent.part and found[-1].part and (found[-1].path, found[-1].part[1]) == (extent.path, extent.part[0]):
            found[-1] = replace(found[-1], part=(found[-1].part[0], extent.part[1]), size=found[-1].size + extent.size)
        else:
            found.append(extent)
    return found


def arranged(named: Sequence[str], job: Job, key: Key) -> tuple[list[str], list[dict[str, str]]]:
    """Bring shards that were made one by one into the order of their input, however they are named, and find which are missing.

    Raises
    ------
    InputError
        One is damaged, made for another job, or holds what another one holds, too, or took times of a file for another unit than one before it.
    """
    found = []
    for place in named:
        told = about_shard(place, key)
        job.check_shard(told, place)
        found.append((told, place))
    found.sort(key=lambda one: (min(([path, part or [0]] for path, part, *_ in one[0]["extents"]), default=[]), one[0]["of"], one[0]["number"]))
    held = sorted(((extent.path, *(extent.part or (0, sys.maxsize)), place) for told, place in found for extent in map(Extent.from_list, told["extents"])))
    for (path, _, end, one), (other_path, begin, _, other) in pairwise(held):
        if path == other_path and begin < end:
            raise InputError(f"{one!r} and {other!r} both hold rows of {path!r}; name one of them")
    check_units([(place, told) for told, place in found])
    plans: dict[str, tuple[int, set[int]]] = {}
    for told, _ in found:
        plans.setdefault(told["of"], (told["n_shards"], set()))[1].add(told["number"])
    missing = [{"shard": f"{number + 1}/{n}", "why": "it was not given"} for n, numbers in plans.values() for number in sorted(set(range(n)) - numbers)]
    return [place for _, place in found], missing


def clear(folder: str) -> None:
    """Delete the files that were made in a folder, and the folder if nothing else is in it."""
    places.remove(place for place in places.listed(folder) if SUFFIX in place.rpartition("/")[2])  # and what a killed worker has left aside
    if not places.is_remote(folder):
        with suppress(OSError):
            os.rmdir(folder)


@contextmanager
def passing() -> Iterator[str]:
    """Give a folder of this machine for shards that nobody needs afterwards; what is open stays readable."""
    with tempfile.TemporaryDirectory(prefix="fingerprint-") as folder:
        yield folder
