"""From shards to what no shard can know: which of their texts are one, and which share a band key with another text.

Texts are worked on in parts of the range of their hashes, band keys in parts of the range of keys; a part depends on all shards, not on who works on it.
A text without company is a cluster by itself, so only the signatures of the others have to be brought together. Each part tells of a key once, however many
texts of its own have it: so a key that half of all texts have costs the next step a row for each part, and no worker has it all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import distinct, first_spellings, hash_order
from ..ipc import matrix, pack, plain, unpack
from ..keys import Key
from . import files
from .files import Block, File

RANGE, BANDS, COMPANY = "texts", "bands", "company"  # kinds of files that are made here, in this order
_LOW = np.uint64(0xFFFFFFFF)


def bounds(part: int, n_parts: int) -> tuple[int, int]:
    """Return the first hash of a part of the range of 64-bit hashes, and the one behind the last."""
    return part * (1 << 64) // n_parts, (part + 1) * (1 << 64) // n_parts


@dataclass(frozen=True, slots=True)
class Slice:
    """The texts of a shard whose hashes lie in a part of the range.

    Attributes
    ----------
    first : int
        Number in the shard of the first text.
    exact, spelling : uint64[n]
    place : int32[n]
    """

    first: int
    exact: npt.NDArray[np.uint64]
    spelling: npt.NDArray[np.uint64]
    place: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.exact)

    @classmethod
    def of(cls, shard: File, low: int, high: int) -> Slice:
        """Read those whose hashes are `low` or more, and below `high`."""
        listed = shard.listed("texts")
        starts = np.cumsum([0, *(about["n"] for about in listed)])
        numbers = [i for i, about in enumerate(listed) if about["last"] >= low and about["first"] < high]
        parts = [unpack(shard.block("texts", i)) for i in numbers]
        exact, spelling = (np.concatenate([np.zeros(0, np.uint64), *(plain(part, name) for part in parts)]) for name in ("exact", "spelling"))
        place = np.concatenate([np.zeros(0, np.int32), *(plain(part, "place") for part in parts)])
        inside = _between(exact, low, high)
        return cls((int(starts[numbers[0]]) if numbers else 0) + inside.start, exact[inside], spelling[inside], place[inside])


def reduce_texts(place: str, shards: Sequence[File], part: int, n_parts: int, about: dict[str, Any], key: Key) -> dict[str, Any]:
    """Find the distinct texts of a part of the range of hashes, and tell of their band keys.

    The file has ``texts`` (exact uint64, ascending, and of each the spelling with the smallest hash: shard, row there, place in the prompts, int32 each),
    ``numbers`` (int32: of each text of each shard in turn the number of the distinct one), ``company`` (int32: texts that share a band key with another one of
    this part), and for each of `n_parts` parts of the range of band keys ``keys``, of all bands in turn: key << 32 | number of the first text that has it,
    uint64 ascending.

    Returns
    -------
    dict
        size, seal, texts.
    """
    low, high = bounds(part, n_parts)
    slices = [Slice.of(shard, low, high) for shard in shards]
    columns, numbers = _merged(slices)
    runs, company = _runs(*Chosen(shards, columns["shard"], columns["row"]).keys())
    blocks = [Block("texts", pack(columns, False), {"n": len(columns["exact"])}),
              Block("numbers", pack({"number": numbers}), {"n": [len(one) for one in slices]}),
              Block("company", pack({"number": company}), {})]
    for other in range(n_parts):
        inside = [run[_between(run, *(bound >> 32 << 32 for bound in bounds(other, n_parts)))] for run in runs]  # a key is in one part as a whole
        blocks.append(Block("keys", pack({"key": np.concatenate([np.zeros(0, np.uint64), *inside])}, False), {"n": [len(one) for one in inside]}))
    return {**files.write(place, {"kind": RANGE, **about, "part": part, "n_parts": n_parts}, blocks, key), "texts": len(columns["exact"])}


def _between(hashes: npt.NDArray[np.uint64], low: int, high: int) -> slice:
    """Return where ascending hashes from one to below another stand; the latter may be 2**64."""
    return slice(int(np.searchsorted(hashes, np.uint64(low), "left")), int(np.searchsorted(hashes, np.uint64(high - 1), "right")))


def _merged(slices: Sequence[Slice]) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[np.int32]]:
    """Find the distinct texts of slices, in the order of their hashes; return them as columns, and the number of every text of every slice."""
    exact, spelling = (np.concatenate([np.zeros(0, np.uint64), *(getattr(one, name) for one in slices)]) for name in ("exact", "spelling"))
    first, numbers = first_spellings(exact, spelling)
    starts = np.cumsum([0, *map(len, slices)])
    shard = np.searchsorted(starts, first, "right") - 1
    row = first - starts[shard] + np.array([0, *(one.first for one in slices)])[1:][shard]
    place = np.concatenate([np.zeros(0, np.int32), *(one.place for one in slices)])
    return {"exact": exact[first], "shard": shard.astype(np.int32), "row": row.astype(np.int32), "place": place[first]}, numbers


class Chosen:
    """Texts of shards, and what is read of them.

    Parameters
    ----------
    shards : sequence of File
    shard, row : int32[n]
        Which shard each is in, and its number there.
    """

    def __init__(self, shards: Sequence[File], shard: npt.NDArray[np.int32], row: npt.NDArray[np.int32]) -> None:
        self._shards, self._shard, self._row = shards, shard, row

    def _blocks(self, name: str) -> Iterator[tuple[npt.NDArray[np.int64], Any, npt.NDArray[np.int64]]]:
        """Read the blocks that have any of them: which these are, the block, and their rows in it."""
        order = np.lexsort((self._row, self._shard))
        cuts = np.searchsorted(self._shard[order], np.arange(len(self._shards) + 1))
        for shard, (low, high) in zip(self._shards, pairwise(cuts.tolist()), strict=True):
            own, starts = order[low:high], np.cumsum([0, *(about["n"] for about in shard.listed(name))])
            ends = np.searchsorted(self._row[own], starts)
            for number in np.flatnonzero(np.diff(ends)).tolist():
                some = own[ends[number] : ends[number + 1]]
                yield some, unpack(shard.block(name, number)), self._row[some] - starts[number]

    def keys(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
        """Return the band keys, uint32[n, bands], and which texts have any; without texts there are no bands."""
        n = len(self._row)
        keys, signed = np.zeros((n, 0), np.uint32), np.zeros(n, bool)
        for own, block, rows in self._blocks("band_keys"):
            found = matrix(block, "keys", np.uint32)
            keys = keys if keys.shape[1] else np.zeros((n, found.shape[1]), np.uint32)
            keys[own], signed[own] = found[rows], plain(block, "signed")[rows]
        return keys, signed

    def values(self, num_perm: int) -> npt.NDArray[np.uint8]:
        """Return the compact signatures, uint8[n, num_perm]."""
        values = np.zeros((len(self._row), num_perm), np.uint8)
        for own, block, rows in self._blocks("values"):
            values[own] = matrix(block, "values")[rows]
        return values


def _runs(keys: npt.NDArray[np.uint32], signed: npt.NDArray[np.bool_]) -> tuple[list[npt.NDArray[np.uint64]], npt.NDArray[np.int32]]:
    """Return for each band its distinct keys with the first text that has each, ascending, and the texts that share a key with another one."""
    signed_rows = np.flatnonzero(signed)
    shared, runs = np.zeros(len(signed), bool), []
    for column in np.ascontiguousarray(keys.T):
        key = column[signed_rows].astype(np.uint64) << np.uint64(32)
        order = hash_order(key)  # equal ones by row
        rows, key = signed_rows[order], key[order]
        opens, with_another = _neighbours(key)
        shared[rows[with_another]] = True
        runs.append(key[opens] | rows[opens].astype(np.uint64))
    return runs, np.flatnonzero(shared).astype(np.int32)


def _neighbours(entries: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Say of ascending entries which begin a run of one key, and which are in a run with another one; a key of 0 is none."""
    key = entries >> np.uint64(32)
    equal = (key[1:] == key[:-1]) & (key[1:] != 0)
    edge = np.zeros(1, bool)
    before, after = np.concatenate([edge, equal])[: len(key)], np.concatenate([equal, edge])[: len(key)]
    return ~before & (key != 0), before | after


def reduce_bands(place: str, ranges: Sequence[File], part: int, about: dict[str, Any], key: Key) -> dict[str, Any]:
    """Find which texts of different parts share a band key of a part of the range of keys.

    The file has ``company`` for each part of the texts: their numbers, int32 ascending.

    Returns
    -------
    dict
        size, seal.
    """
    parts = [_keys_of(one, part) for one in ranges]
    found: list[list[npt.NDArray[np.int64]]] = [[] for _ in ranges]
    for band in range(max((len(bands) for bands in parts), default=0)):
        own = [bands[band] if bands else np.zeros(0, np.uint64) for bands in parts]
        entries, whose = np.concatenate(own), np.repeat(np.arange(len(own)), [len(one) for one in own])
        order = hash_order(entries)
        _, shared = _neighbours(entries[order])
        rows = order[shared]
        for number in distinct(whose[rows]).tolist():
            found[number].append((entries[rows[whose[rows] == number]] & _LOW).astype(np.int64))
    blocks = [Block("company", pack({"number": distinct(np.concatenate([np.zeros(0, np.int64), *one])).astype(np.int32)}), {}) for one in found]
    return files.write(place, {"kind": BANDS, **about, "part": part}, blocks, key)


def _keys_of(one: File, part: int) -> list[npt.NDArray[np.uint64]]:
    ends = np.cumsum(one.listed("keys")[part]["n"])
    return np.split(plain(unpack(one.block("keys", part)), "key"), ends[:-1]) if len(ends) else []


def choose_company(place: str, shards: Sequence[File], own: File, bands: Sequence[File], num_perm: int, about: dict[str, Any], key: Key) -> dict[str, Any]:
    """Bring together what clustering needs of the texts of a part that have company.

    The file has ``company`` (number int32 ascending, values uint8[num_perm] and keys uint32[bands] of each).

    Returns
    -------
    dict
        size, seal, company.
    """
    part = own.about["part"]
    wanted = distinct(np.concatenate([plain(unpack(own.block("company")), "number"), *(plain(unpack(one.block("company", part)), "number") for one in bands)]))
    texts = unpack(own.block("texts"))
    made = Chosen(shards, plain(texts, "shard")[wanted], plain(texts, "row")[wanted])
    keys, _ = made.keys()
    blocks = [Block("company", pack({"number": wanted, "values": made.values(num_perm), "keys": keys}, False), {"n": len(wanted)})] if len(wanted) else []
    return {**files.write(place, {"kind": COMPANY, **about, "part": part}, blocks, key), "company": len(wanted)}
