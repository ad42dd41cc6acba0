"""From shards, and what was found of all of them, to the traffic that one process would have made of the same events in the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..clusters import Clusters, Compact, cluster_distinct
from ..config import ScanConfig
from ..errors import ConfigError
from ..ingest import AFTERWARDS, CLUSTERING, NAMED, SORTED, in_ascending_order, memory, new_columns, renumber, traffic_of
from ..ipc import matrix, plain, unpack
from ..lsh import choose_bands
from ..progress import Stopwatch
from ..readers import RowAccounting
from ..room import Growing, Room
from ..store import take_from
from ..traffic import Traffic
from .files import File
from .mapping import accounting_from_dict
from .parts import first_lines, numbered

MOST = 2**31 - 1  # rows, and texts of all shards together, that a traffic numbers
JOINING = "putting shards together"


class Stored:
    """The texts of a traffic, where they stand in its shards.

    Parameters
    ----------
    shards : sequence of File
        Their texts are numbered one behind the other.
    """

    def __init__(self, shards: Sequence[File]) -> None:
        self._blocks = [(shard, number, about["n"]) for shard in shards for number, about in enumerate(shard.listed("prompts"))]
        self._starts = np.cumsum([0, *(n for _, _, n in self._blocks)])

    @staticmethod
    def starts(shards: Sequence[File]) -> npt.NDArray[np.int64]:
        """Return the number of the first text of each shard, and that behind the last, int64[n + 1]."""
        return np.cumsum([0, *(sum(about["n"] for about in shard.listed("prompts")) for shard in shards)]).astype(np.int64)

    def take(self, places: npt.NDArray[np.integer]) -> pa.LargeStringArray:
        """Return texts by number, in this order."""
        return take_from(places, self._starts, lambda block, rows: self._block(block).take(pa.array(rows)))

    def _block(self, number: int) -> pa.LargeStringArray:
        shard, at, _ = self._blocks[number]
        return unpack(shard.block("prompts", at)).column(0)


def join(shards: Sequence[File], ranges: Sequence[File], companies: Sequence[File], config: ScanConfig, watch: Stopwatch) -> Traffic:
    """Put shards together.

    Parameters
    ----------
    shards : sequence of File
        In the order of the input.
    ranges, companies : sequence of File
        What :mod:`.reducing` made of these shards, part by part.
    config : ScanConfig
    watch : Stopwatch

    Returns
    -------
    Traffic
        Its texts are read from the shards, which stay open.

    Raises
    ------
    ConfigError
        There are more than ``MOST`` rows or texts.
    InputError
        A file is damaged.
    """
    if max(sum(shard.about["rows"] for shard in shards), sum(shard.about["texts"] for shard in shards)) > MOST:
        raise ConfigError(f"a scan numbers at most {MOST:,} rows and texts of shards; scan a shorter period")
    room = Room(int(AFTERWARDS * memory(config)))
    with watch.stage(JOINING, len(shards)):
        exact, place, numbers = _texts(shards, ranges)
        columns = new_columns(room) | {"text": Growing(np.int32, room=room)}
        names, moved = {}, {"text": numbers, "file": _files(shards)}
        for name, is_kept in NAMED.items():
            names[name], moved[name] = _named(shards, name, is_kept)
        first = first_lines(shards)
        for i, shard in enumerate(shards):
            number = {name: of_shards[i] for name, of_shards in moved.items()}
            for data in shard.blocks("rows"):
                part = unpack(data)
                for name, column in columns.items():
                    rows = plain(part, name)
                    if name == "line":
                        rows = numbered(rows, plain(part, "file"), first[i])
                    if name in number:
                        rows = rows.copy()
                        renumber(rows, number[name])
                    column.append(rows)
            watch.progress.advance(1)
    with watch.stage(CLUSTERING, sum(sum(about["n"] for about in one.listed("company")) for one in companies)):
        found = cluster_company(len(exact), _starts(ranges), companies, config, room, watch.progress.advance)
    rows = {name: column.rows for name, column in columns.items()}
    return traffic_of(rows, {name: names[name] for name in SORTED}, exact, found, Stored(shards), place)


def _starts(ranges: Sequence[File]) -> npt.NDArray[np.int64]:
    """Return the number of the first text of each part of the range of hashes, int64[n + 1]."""
    return np.cumsum([0, *(one.listed("texts")[0]["n"] for one in ranges)]).astype(np.int64)


def _texts(shards: Sequence[File], ranges: Sequence[File]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32], list[npt.NDArray[np.int32]]]:
    """Return the hash of each distinct text, ascending, where it is stored, and for each shard the number of each of its texts."""
    exact, place, numbers = [np.zeros(0, np.uint64)], [np.zeros(0, np.int32)], [[np.zeros(0, np.int32)] for _ in shards]
    stored = Stored.starts(shards)
    for start, one in zip(_starts(ranges).tolist(), ranges, strict=False):
        texts = unpack(one.block("texts"))
        exact.append(plain(texts, "exact"))
        place.append((plain(texts, "place") + stored[plain(texts, "shard")]).astype(np.int32))
        of_slices = plain(unpack(one.block("numbers")), "number") + np.int32(start)
        for own, part in zip(numbers, np.split(of_slices, np.cumsum(one.listed("numbers")[0]["n"])[:-1]), strict=True):
            own.append(part)
    return np.concatenate(exact), np.concatenate(place), [np.concatenate(own) for own in numbers]


def _named(shards: Sequence[File], name: str, is_kept: bool) -> tuple[pa.LargeStringArray, list[npt.NDArray[np.int32]]]:
    """Return the distinct names of a kind, ascending where they are kept, and for each shard the number of each of its names."""
    parts = [unpack(shard.block(name)) for shard in shards]
    hashes = [plain(part, "hash") for part in parts]
    every, first = np.unique(np.concatenate([np.zeros(0, np.uint64), *hashes]), return_index=True)
    rank = np.arange(len(every), dtype=np.int32)
    found: pa.Array = pa.array([], pa.large_string())
    if is_kept:
        starts = np.cumsum([0, *map(len, hashes)])
        order = np.argsort(first)  # names are taken from the shard that has them first, shard by shard
        cuts = np.searchsorted(first[order], starts)
        own = [first[order[low:high]] - start for start, low, high in zip(starts, cuts, cuts[1:], strict=False)]
        taken = [part.column("name").take(pa.array(rows)) for part, rows in zip(parts, own, strict=True)]
        found, place = in_ascending_order(pa.concat_arrays([found, *taken]))
        rank[order] = place
    return found, [rank[np.searchsorted(every, own)] for own in hashes]


def _files(shards: Sequence[File]) -> list[npt.NDArray[np.int32]]:
    """Return for each shard the number of each of its files among all."""
    number = {name: i for i, name in enumerate(accounting_of(shards).files)}
    return [np.array([number[name] for name in shard.about["accounting"]["files"]], np.int32) for shard in shards]


def accounting_of(shards: Sequence[File]) -> RowAccounting:
    """Return the counts of all rows."""
    return total([accounting_from_dict(shard.about["accounting"]) for shard in shards])


def total(parts: Sequence[RowAccounting]) -> RowAccounting:
    """Add up the counts of parts of an input; of a file in several of them stands what was learned first."""
    whole = RowAccounting()
    for part in parts:
        part.files = {name: {**facts, **whole.files.get(name, {})} for name, facts in part.files.items()}
        whole += part
    whole.check()
    return whole


def fields_seen(shards: Sequence[File]) -> tuple[str, ...]:
    """Return the fields of the first row that was looked at by itself."""
    return next((tuple(shard.about["fields_seen"]) for shard in shards if shard.about["fields_seen"]), ())


def rejects_of(shards: Sequence[File]) -> pa.Table:
    """Return where rejected rows stand, as of :class:`fingerprint.readers.EventReader`."""
    found = []
    for shard, first in zip(shards, first_lines(shards), strict=True):
        rejects = unpack(shard.block("rejects"))
        number = {name: i for i, name in enumerate(shard.about["accounting"]["files"])}
        file = np.array([number[name] for name in rejects.column("file").to_pylist()], np.int64)
        found.append(pa.Table.from_batches([rejects]).set_column(1, "line", pa.array(numbered(plain(rejects, "line"), file, first))))
    return pa.concat_tables(found)


def cluster_company(n: int, starts: npt.NDArray[np.int64], companies: Sequence[File], config: ScanConfig, room: Room,
                    advance: Callable[[int], object] | None = None) -> Clusters:
    """Cluster n texts of which those are given that share a band key with another one; all others are clusters by themselves.

    Returns
    -------
    Clusters
        As of :func:`fingerprint.clusters.cluster_distinct` of all texts in the order of their hashes.
    """
    num_perm, n_bands = config.sketch.num_perm, choose_bands(config.sketch.threshold, config.sketch.num_perm)[0]
    row, values = Growing(np.int32, room=room), Growing(np.uint8, num_perm, room, stays=True)
    band_keys = [Growing(np.uint32, room=room) for _ in range(n_bands)]
    for start, one in zip(starts.tolist(), companies, strict=False):
        for data in one.blocks("company"):
            part = unpack(data)
            row.append(plain(part, "number") + np.int32(start))
            values.append(matrix(part, "values"))
            for column, keys in zip(band_keys, matrix(part, "keys", np.uint32).T, strict=True):
                column.append(keys)
    rows = row.rows
    made = Compact(values.rows, [column.rows for column in band_keys], np.ones(len(rows), bool), values.fileno())
    own = cluster_distinct(made, np.arange(len(rows), dtype=np.int32), config.sketch.threshold, threads=config.threads, advance=advance)
    leads = np.ones(n, bool)
    leads[rows] = False
    leads[rows[own.leaders]] = True
    labels = np.cumsum(leads, dtype=np.int32) - np.int32(1)
    similarity = np.ones(n, np.float32)
    labels[rows] = labels[rows[own.leaders]][own.labels]
    similarity[rows] = own.similarity
    return Clusters(labels, np.flatnonzero(leads), similarity, 0, own.n_budget_exceeded)
