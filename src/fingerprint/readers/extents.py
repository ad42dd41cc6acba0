"""Extents: the parts of the input that are read by themselves, whole files, row groups of Parquet files or bytes of JSON Lines, and their division into shards.

The division depends on the input alone, not on who reads it: so whatever depends on it is the same for any number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .. import places
from ..errors import InputError
from .jsonl import is_array
from .sources import STDIN, Source, open_source, seekable

SHARD_ROWS, SHARD_BYTES = 1 << 19, 128 << 20  # of a Parquet file, and of other files, that are one shard: about 150 MB of memory for the worker
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


def divide(paths: Sequence[str], format: str | None = None) -> list[list[Extent]]:
    """Divide files into shards, in their order; small files are put together.

    Large Parquet files are divided between row groups, and large files of JSON Lines between lines. CSV is not, where a newline may stand inside a field, nor
    is what is compressed or one JSON array.

    Parameters
    ----------
    paths : sequence of str
        As of :func:`fingerprint.readers.sources.expand`.
    format : str, optional

    Returns
    -------
    list of list of Extent
        At least one.

    Raises
    ------
    InputError
        A path is a stream: that cannot be read in parts.
    """
    shards: list[list[Extent]] = [[]]
    filled = 0.0
    for path in paths:
        for extent, share in _extents(path, format):
            if shards[-1] and filled + share > 1:
                shards.append([])
                filled = 0.0
            shards[-1].append(extent)
            filled += share
    return shards


def _extents(path: str, format: str | None) -> list[tuple[Extent, float]]:
    """Return the extents of a file, and how much of a shard each is."""
    found = places.look(path)
    if path == STDIN or found is None:
        raise InputError(f"{'stdin' if path == STDIN else repr(path)} can be read once, and in one go; name files, or leave out --jobs, --engine and --resume")
    parts = _parts(path, format, found) if found.size > SHARD_BYTES // 64 else []
    return parts or [(Extent(path, None, found.size, found.changed_ns), found.size / SHARD_BYTES)]


def _parts(path: str, format: str | None, found: places.Found) -> list[tuple[Extent, float]]:
    """Return the parts of a file; none where there is nothing to be divided: a damaged file is one extent, and whoever reads it will tell."""
    import pyarrow as pa

    source: Source | None = None
    try:
        source = open_source(path, format)
        if source.compression == "none" and source.format == "parquet":
            return _of_groups(source, found)
        if source.compression == "none" and source.format == "jsonl" and not is_array(source.head):
            return _of_bytes(found)
    except (OSError, pa.ArrowException, InputError):
        pass
    finally:
        if source is not None:
            source.raw.close()
    return []


def _of_groups(source: Source, found: places.Found) -> list[tuple[Extent, float]]:
    import pyarrow.parquet as pq

    metadata = pq.ParquetFile(seekable(source)).metadata
    rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    parts, low, total = [], 0, max(sum(rows), 1)
    for group in range(1, len(rows) + 1) if len(rows) > 1 else ():
        n = sum(rows[low:group])
        if group == len(rows) or n + rows[group] > SHARD_ROWS:
            parts.append((Extent(found.place, (low, group), found.size * n // total, found.changed_ns), n / SHARD_ROWS))
            low = group
    return parts


def _of_bytes(found: places.Found) -> list[tuple[Extent, float]]:
    n = -(-found.size // SHARD_BYTES)
    ends = [found.size * i // n for i in range(n + 1)] if n > 1 else []  # parts are alike, so that two of them never are one shard
    return [(Extent(found.place, (low, high), high - low, found.changed_ns, BYTES), (high - low) / SHARD_BYTES) for low, high in pairwise(ends)]
