"""Extents: the parts of the input that are read by themselves, whole files or row groups of Parquet files, and their division into shards.

The division depends on the input alone, not on who reads it: so whatever depends on it is the same for any number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import places
from ..errors import InputError
from .sources import STDIN, Source, open_source, seekable

SHARD_ROWS, SHARD_BYTES = 1 << 19, 256 << 20  # of a Parquet file, and of other files, that are one shard: about 150 MB of memory for the worker


@dataclass(frozen=True, slots=True)
class Extent:
    """A part of the input.

    Attributes
    ----------
    path : str
    groups : (int, int) or None
        The first row group and the one behind the last; None for a whole file.
    size : int
        Bytes, of row groups about how many.
    changed_ns : int
        When the file was changed last, nanoseconds since 1970; 0 where that is not known.
    """

    path: str
    groups: tuple[int, int] | None = None
    size: int = 0
    changed_ns: int = 0

    def to_list(self) -> list[Any]:
        """Return plain values."""
        return [self.path, list(self.groups) if self.groups else None, self.size, self.changed_ns]

    @classmethod
    def from_list(cls, plain: Sequence[Any]) -> Extent:
        """Read what :meth:`to_list` wrote."""
        path, groups, size, changed_ns = plain
        return cls(path, (groups[0], groups[1]) if groups else None, size, changed_ns)

    def __str__(self) -> str:
        return self.path if self.groups is None else f"{self.path} (row groups {self.groups[0]} to {self.groups[1] - 1})"


def divide(paths: Sequence[str], format: str | None = None) -> list[list[Extent]]:
    """Divide files into shards, in their order: large Parquet files between row groups, other files not at all; small ones are put together.

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
    rows = _row_groups(path, format) if found.size > SHARD_BYTES // 64 else None
    if rows is None:
        return [(Extent(path, None, found.size, found.changed_ns), found.size / SHARD_BYTES)]
    extents, low, total = [], 0, max(sum(rows), 1)
    for group in range(1, len(rows) + 1):
        n = sum(rows[low:group])
        if group == len(rows) or n + rows[group] > SHARD_ROWS:
            extents.append((Extent(path, (low, group), found.size * n // total, found.changed_ns), n / SHARD_ROWS))
            low = group
    return extents


def _row_groups(path: str, format: str | None) -> list[int] | None:
    """Return the rows of each row group, None where there is nothing to be divided: a damaged file is one extent, and whoever reads it will tell."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source: Source | None = None
    try:
        source = open_source(path, format)
        if source.format != "parquet" or source.compression != "none":
            return None
        metadata = pq.ParquetFile(seekable(source)).metadata
        rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    except (OSError, pa.ArrowException, InputError):
        return None
    finally:
        if source is not None:
            source.raw.close()
    return rows if len(rows) > 1 else None
