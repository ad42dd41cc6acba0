"""Extents: the parts of the input that are read by themselves, whole files, row groups of Parquet files or bytes of JSON Lines, and their division into shards.

The division depends on the input alone, not on who reads it: so whatever depends on it is the same for any number of workers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from .. import places
from ..errors import InputError
from .jsonl import is_array
from .sources import STDIN, Source, open_source, seekable

SHARD_ROWS, SHARD_BYTES = 1 << 19, 128 << 20  # of a Parquet file, and of other files, that are one shard: about 150 MB of memory for the worker
LEAST_SHARDS, FINEST = 16, 1 / 16
GROUPS, BYTES = "row groups", "bytes"


@dataclass(frozen=True, slots=True)
class Extent:
    """A part of the input.

    Attributes
    ----------
    path : str
    part : (int, int) or None
        The first row group and the one behind the last, or the same of bytes: the lines that begin there. None for a whole file.
    size : int
        Bytes, of row groups about how many.
    changed_ns : int
        When the file was changed last, nanoseconds since 1970; 0 where that is not known.
    unit : str
        What `part` numbers, ``GROUPS`` or ``BYTES``.
    """

    path: str
    part: tuple[int, int] | None = None
    size: int = 0
    changed_ns: int = 0
    unit: str = GROUPS

    def to_list(self) -> list[Any]:
        """Return plain values."""
        return [self.path, list(self.part) if self.part else None, self.size, self.changed_ns, self.unit]

    @classmethod
    def from_list(cls, plain: Sequence[Any]) -> Extent:
        """Read what :meth:`to_list` wrote."""
        path, part, size, changed_ns, unit = plain
        return cls(path, (part[0], part[1]) if part else None, size, changed_ns, unit)

    def __str__(self) -> str:
        return self.path if self.part is None else f"{self.path} ({self.unit} {self.part[0]} to {self.part[1] - 1})"


def divide(paths: Sequence[str], format: str | None = None, least: int = LEAST_SHARDS) -> list[list[Extent]]:
    """Divide files into shards, in their order; small files are put together.

    Large Parquet files are divided between row groups, and large files of JSON Lines between lines. CSV is not, where a newline may stand inside a field, nor
    is what is compressed or one JSON array.

    Parameters
    ----------
    paths : sequence of str
        As of :func:`fingerprint.readers.sources.expand`.
    format : str, optional
    least : int
        Shards that are wanted at least: those of a small input are smaller, down to ``FINEST`` of a full one.

    Returns
    -------
    list of list of Extent
        At least one.

    Raises
    ------
    InputError
        A path is a stream: that cannot be read in parts.
    """
    files = [_looked_at(path, format) for path in paths]
    most = min(max(sum(file.share for file in files) / least, FINEST), 1.0)
    shards: list[list[Extent]] = [[]]
    filled = 0.0
    for extent, share in (part for file in files for part in file.parts(most)):
        if shards[-1] and filled + share > most:
            shards.append([])
            filled = 0.0
        shards[-1].append(extent)
        filled += share
    return shards


@dataclass(frozen=True, slots=True)
class _File:
    """A file, and where it can be divided.

    Attributes
    ----------
    found : places.Found
    rows : list of int
        Of each row group; empty where it has no several ones.
    is_lines : bool
    """

    found: places.Found
    rows: list[int] = field(default_factory=list)
    is_lines: bool = False

    @property
    def share(self) -> float:
        """How many full shards it is."""
        return sum(self.rows) / SHARD_ROWS if self.rows else self.found.size / SHARD_BYTES

    def parts(self, most: float) -> list[tuple[Extent, float]]:
        """Return its parts, of which two neighbours never fit into one shard, and how much of a full shard each is; `most` is what a shard may be of it."""
        place, size, changed = self.found.place, self.found.size, self.found.changed_ns
        if self.rows:
            cuts, n, total = [0], 0, max(sum(self.rows), 1)
            for group, of_group in enumerate(self.rows):
                if n and n + of_group > most * SHARD_ROWS:
                    cuts.append(group)
                    n = 0
                n += of_group
            sums = [(low, high, sum(self.rows[low:high])) for low, high in pairwise([*cuts, len(self.rows)])]
            return [(Extent(place, (low, high), size * n // total, changed), n / SHARD_ROWS) for low, high, n in sums]
        n = math.ceil(self.share / most) if self.is_lines else 1
        if n <= 1:
            return [(Extent(place, None, size, changed), self.share)]
        ends = [size * i // n for i in range(n + 1)]
        return [(Extent(place, (low, high), high - low, changed, BYTES), (high - low) / SHARD_BYTES) for low, high in pairwise(ends)]


def _looked_at(path: str, format: str | None) -> _File:
    """Find out how a file can be divided: a damaged one cannot, and whoever reads it will tell."""
    import pyarrow as pa

    found = places.look(path)
    if path == STDIN or found is None:
        raise InputError(f"{'stdin' if path == STDIN else repr(path)} can be read once, and in one go; name files, or leave out --jobs, --engine and --resume")
    source: Source | None = None
    try:
        source = open_source(path, format) if found.size > SHARD_BYTES // 64 else None
        if source is not None and source.compression == "none" and source.format == "parquet":
            rows = _row_groups(source)
            return _File(found, rows if len(rows) > 1 else [])
        return _File(found, is_lines=source is not None and source.compression == "none" and source.format == "jsonl" and not is_array(source.head))
    except (OSError, pa.ArrowException, InputError):
        return _File(found)
    finally:
        if source is not None:
            source.raw.close()


def _row_groups(source: Source) -> list[int]:
    import pyarrow.parquet as pq

    metadata = pq.ParquetFile(seekable(source)).metadata
    return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
