"""What a part of a file cannot know by itself, and is told or given once all parts are known: the unit of its numeric times, the number of its first line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..readers import Extent
from ..readers.extents import BYTES
from .files import File

UNKNOWN = -1  # number of a line before which a part of the file is missing, or breaks off



def units_of(files: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the unit of numeric times of each file that has any, given what was learned of files, as of :class:`fingerprint.readers.RowAccounting`."""
    return {path: facts["time_unit"] for path, facts in files.items() if "time_unit" in facts}


def other_units(parts: Iterable[tuple[int, Mapping[str, str]]]) -> dict[int, dict[str, str]]:
    """Return the parts that took the times of a file for another unit than the part before them that has its first numeric time.

    Parameters
    ----------
    parts : iterable of (int, mapping)
        Number of each part, and the units that it found, by file, in the order of the input.

    Returns
    -------
    dict of int to dict of str to str
        For each such part, the files concerned and their unit: it is to be read again with that.
    """
    units: dict[str, str] = {}
    found: dict[int, dict[str, str]] = {}
    for number, of_part in parts:
        for path, own in of_part.items():
            if units.setdefault(path, own) != own:
                found.setdefault(number, {})[path] = units[path]
    return found


def check_units(shards: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Refuse shards, given by place and what they say of themselves, of which one took times of a file for another unit than an earlier one.

    Raises
    ------
    InputError
    """
    found = [units_of(about["accounting"]["files"]) for _, about in shards]
    for number, units in other_units(enumerate(found)).items():
        path, unit = next(iter(units.items()))
        raise InputError(f"{shards[number][0]!r} took the times of {path!r} for {found[number][path]}, and an earlier part of that file has {unit}; sketch it "
                         f"again with --map time_unit={unit}")


def first_lines(shards: Sequence[File]) -> list[npt.NDArray[np.int64]]:
    """Return for each shard the number of the first line of each of its extents, ``UNKNOWN`` where a part of the file before it is missing.

    Lines of extents that are no bytes are numbered in their file already: 0.
    """
    extents = [[Extent.from_list(plain) for plain in shard.about["extents"]] for shard in shards]
    found = [np.zeros(len(own), np.int64) for own in extents]
    parts: dict[str, list[tuple[int, int, int, int, int]]] = {}
    for i, own in enumerate(extents):
        for at, extent in enumerate(own):
            if extent.unit == BYTES and extent.part is not None:
                parts.setdefault(extent.path, []).append((*extent.part, shards[i].about["n_rows"][at], i, at))
    for of_file in parts.values():
        of_file.sort()
        line = UNKNOWN if of_file[0][0] else 0
        found[of_file[0][3]][of_file[0][4]] = line
        for (_, end, n, _, _), (begin, _, _, i, at) in pairwise(of_file):
            line = line + n if line != UNKNOWN and n >= 0 and begin == end else UNKNOWN
            found[i][at] = line
    return found


def numbered(line: npt.NDArray[np.int64], file: npt.NDArray[np.integer], first: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the numbers of lines in their files, given those in their extents and the number of the file of each, which is that of its extent."""
    if not first.any():
        return line
    begin = first[file]
    return np.where(begin == UNKNOWN, UNKNOWN, line + begin)
