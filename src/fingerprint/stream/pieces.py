"""Pieces: the events of one span of event time that were folded together, with their texts, in one file that is written once.

A piece stands by itself: whatever its rows refer to is in it. So pieces add up in any order, and deleting one takes away what it counted and nothing else.
"""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .. import _core
from ..arrays import distinct, hash_order
from ..columns import text_columns
from ..errors import InputError
from ..ipc import matrix, pack, plain, unpack
from ..keys import Key
from ..sketch import run_columns
from ..store import take_from
from .frames import Frame, FrameReader, FrameWriter

SCHEMA = "fp-piece-1"
ABOUT, NAMES, TEXTS, PROMPTS, LEADERS, EVENTS, END = range(1, 8)  # kinds of frames, in this order
_BLOCK_ROWS, _BLOCK_BYTES = 16_384, 4 << 20  # of prompts that are compressed, and read, together
_EVENTS_AT_ONCE = 1 << 20
NAMED = ("account", "system", "org")


@dataclass(frozen=True, slots=True)
class Accepted:
    """Events as they were observed.

    Attributes
    ----------
    batch : pyarrow.RecordBatch
        account_id, timestamp (int64, microseconds), prompt, system, org_id, conversation_id.
    span : int64[n]
        Of each.
    exact, leader : uint64[n]
        Keyed hash of the normalised prompt, 0 for an empty one, and that of the leader of its cluster.
    similarity : float32[n]
        To this leader.
    """

    batch: pa.RecordBatch
    span: npt.NDArray[np.int64]
    exact: npt.NDArray[np.uint64]
    leader: npt.NDArray[np.uint64]
    similarity: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.span)

    def of(self, span: int) -> Accepted | None:
        """Return those of one span, None where there are none."""
        if len(self) and (self.span[0] == span) and (self.span == span).all():
            return self
        rows = np.flatnonzero(self.span == span)
        return self.take(rows) if len(rows) else None

    def take(self, rows: npt.NDArray[np.int64]) -> Accepted:
        """Return some of them."""
        return Accepted(self.batch.take(pa.array(rows)), self.span[rows], self.exact[rows], self.leader[rows], self.similarity[rows])


@dataclass(frozen=True, slots=True)
class Texts:
    """Distinct spellings of n texts.

    Attributes
    ----------
    exact, spelling : uint64[n]
        Keyed hashes of the normalised text, and of the bytes as they are.
    leader : uint64[n]
    similarity : float32[n]
    """

    exact: npt.NDArray[np.uint64]
    spelling: npt.NDArray[np.uint64]
    leader: npt.NDArray[np.uint64]
    similarity: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.exact)

    def __getitem__(self, rows: npt.NDArray[Any]) -> Texts:
        return Texts(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Leaders:
    """What the near-duplicate index needs of the texts of a piece, and of leaders of theirs that stand elsewhere.

    Attributes
    ----------
    exact : uint64[k]
    signed : bool[k]
    values : uint8[k, num_perm]
    """

    exact: npt.NDArray[np.uint64]
    signed: npt.NDArray[np.bool_]
    values: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Events:
    """n events of a piece.

    Attributes
    ----------
    account, text, system, org : int32[n]
        Places in the names and texts of the piece; -1 for none.
    time_us : int64[n]
    conversation : uint64[n]
        Keyed hash, 0 for none.
    """

    account: npt.NDArray[np.int32]
    text: npt.NDArray[np.int32]
    system: npt.NDArray[np.int32]
    org: npt.NDArray[np.int32]
    time_us: npt.NDArray[np.int64]
    conversation: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.account)

    def __getitem__(self, rows: Any) -> Events:
        return Events(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def join(cls, parts: Sequence[Events]) -> Events:
        """Put parts one behind the other."""
        kinds = {"time_us": np.int64, "conversation": np.uint64}
        return cls(*(np.concatenate([np.zeros(0, kinds.get(f.name, np.int32)), *(getattr(p, f.name) for p in parts)]) for f in fields(cls)))


@dataclass(frozen=True, slots=True)
class Content:
    """A piece in memory: what was collected, or read from its file.

    Attributes
    ----------
    names : dict of str to pyarrow large_string array
        Distinct ones by kind: ``NAMED``.
    texts : Texts
    prompts : Prompts or pyarrow large_string array
        Of the texts.
    events : Events
    """

    names: dict[str, pa.LargeStringArray]
    texts: Texts
    prompts: Prompts | pa.LargeStringArray
    events: Events

    def take(self, rows: npt.NDArray[np.integer]) -> pa.LargeStringArray:
        """Return prompts of texts."""
        return self.prompts.take(pa.array(rows) if isinstance(self.prompts, pa.Array) else rows)

    def without(self, hidden: npt.NDArray[np.bool_]) -> Content:
        """Return the piece without some events, and without names and texts that only these had."""
        kept = self.events[~hidden]
        used = {name: distinct(getattr(kept, name)[getattr(kept, name) >= 0]).astype(np.int64) for name in (*NAMED, "text")}
        moved = {name: _places(rows, len(self.texts) if name == "text" else len(self.names[name]))[getattr(kept, name)] for name, rows in used.items()}
        names = {name: self.names[name].take(pa.array(used[name])) for name in NAMED}
        return Content(names, self.texts[used["text"]], self.take(used["text"]), replace(kept, **moved))


def _places(rows: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int32]:
    """Return the new place of each of n old ones, -1 where it is gone; the last is that of -1."""
    place = np.full(n + 1, -1, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    return place


def spellings(prompts: pa.Array, key: Key) -> npt.NDArray[np.uint64]:
    """Return the keyed hash of each text as it is, not normalised, by which a scan chooses among spellings too."""
    hashes = np.empty(len(prompts), np.uint64)
    run_columns(text_columns(prompts), {"spellings": hashes}, key=key, num_perm=1, ngram=1, threads=1)
    return hashes


def name_hashes(names: pa.Array, key: Key) -> npt.NDArray[np.uint64]:
    """Return the keyed hash of each name, 0 for null and for nothing else."""
    secret, hashes, at = key.derive("names").material, np.empty(len(names), np.uint64), 0
    for part in text_columns(names):
        _core.hash_rows(secret, part.data, part.offsets, part.validity, part.validity_offset, hashes[at : at + len(part)])
        at += len(part)
    return hashes


def collect(accepted: Sequence[Accepted], key: Key) -> Content:
    """Put events together: each name, and each spelling of a prompt, is kept once."""
    empty = pa.array([], pa.large_string())
    if not accepted:
        return Content(dict.fromkeys(NAMED, empty), _no_texts(), empty, Events.join([]))
    table = pa.Table.from_batches([part.batch for part in accepted])
    columns = {name: _coded(table.column(column)) for name, column in (("account", "account_id"), ("system", "system"), ("org", "org_id"))}
    prompts = table.column("prompt").cast(pa.large_string()).combine_chunks()
    conversation = name_hashes(table.column("conversation_id").combine_chunks(), key)
    spelling = spellings(prompts, key)
    text, is_first = _numbered(spelling)
    first = np.flatnonzero(is_first)
    whole = {name: np.concatenate([getattr(part, name) for part in accepted]) for name in ("exact", "leader", "similarity")}
    texts = Texts(whole["exact"][first], spelling[first], whole["leader"][first], whole["similarity"][first])
    events = Events(columns["account"][0], text, columns["system"][0], columns["org"][0], table.column("timestamp").to_numpy(), conversation)
    kept = prompts if is_first.all() else prompts.filter(pa.array(is_first))
    return Content({name: found for name, (_, found) in columns.items()}, texts, kept, events)


def _numbered(hashes: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Number distinct hashes in the order in which they come first; return the number of each row, and whether it comes first there."""
    order = hash_order(hashes)  # equal ones by row
    opens = np.diff(hashes[order], prepend=~hashes[order[:1]]) != 0
    is_first = np.zeros(len(hashes), bool)
    is_first[order[opens]] = True
    number = np.cumsum(is_first, dtype=np.int32) - np.int32(1)
    text = np.empty(len(hashes), np.int32)
    text[order] = number[order[opens]][np.cumsum(opens) - 1]
    return text, is_first


def _no_texts() -> Texts:
    return Texts(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.float32))


def _coded(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], pa.LargeStringArray]:
    """Return the place of each row's name among the distinct ones, -1 for null, and these."""
    coded = column.cast(pa.large_string()).combine_chunks().dictionary_encode()
    return coded.indices.fill_null(-1).to_numpy().astype(np.int32), coded.dictionary


def merge(pieces: Sequence[Content]) -> Content:
    """Put pieces together; names and spellings that several have are kept once."""
    names, place = {}, {}
    for name in NAMED:
        found = pa.concat_arrays([pa.array([], pa.large_string()), *(piece.names[name] for piece in pieces)]).dictionary_encode()
        names[name], place[name] = found.dictionary, found.indices.to_numpy().astype(np.int32)
    spelling = np.concatenate([np.zeros(0, np.uint64), *(piece.texts.spelling for piece in pieces)])
    place["text"], is_first = _numbered(spelling)
    first = np.flatnonzero(is_first)
    at, events = dict.fromkeys(place, 0), []
    for piece in pieces:
        moved = {}
        for name, all_places in place.items():
            n = len(piece.texts) if name == "text" else len(piece.names[name])
            moved[name] = np.append(all_places[at[name] : at[name] + n], np.int32(-1))[getattr(piece.events, name)]
            at[name] += n
        events.append(replace(piece.events, **moved))
    start = np.concatenate([[0], np.cumsum([len(piece.texts) for piece in pieces])])
    whole = Texts(*(np.concatenate([getattr(_no_texts(), f.name), *(getattr(piece.texts, f.name) for piece in pieces)]) for f in fields(Texts)))
    prompts = [piece.take(first[(first >= low) & (first < high)] - low) for piece, (low, high) in zip(pieces, pairwise(start.tolist()), strict=True)]
    return Content(names, whole[first], pa.concat_arrays([pa.array([], pa.large_string()), *prompts]), Events.join(events))


def write(path: Path, span: int, content: Content, leaders: Leaders, key: Key) -> str:
    """Write a piece; return the MAC of its last frame, in hexadecimal digits.

    Raises
    ------
    OSError
        The disk is full, or fails; nothing is left of the file.
    """
    writer = FrameWriter(path, key)
    try:
        about = {"schema": SCHEMA, "span": span, "n_events": len(content.events), "n_texts": len(content.texts), "num_perm": int(leaders.values.shape[1])}
        writer.append(ABOUT, json.dumps(about).encode())
        for name in NAMED:
            writer.append(NAMES, pack({"name": content.names[name]}))
        writer.append(TEXTS, pack({f.name: getattr(content.texts, f.name) for f in fields(Texts)}, False))  # hashes do not shrink
        for part in _blocks(content):
            writer.append(PROMPTS, pack({"prompt": part}))
        for low in range(0, len(leaders.exact), _EVENTS_AT_ONCE // 8):
            part = slice(low, low + _EVENTS_AT_ONCE // 8)
            writer.append(LEADERS, pack({"exact": leaders.exact[part], "signed": leaders.signed[part], "values": leaders.values[part]}, False))
        for low in range(0, len(content.events), _EVENTS_AT_ONCE):
            part = content.events[low : low + _EVENTS_AT_ONCE]
            writer.append(EVENTS, pack({f.name: getattr(part, f.name) for f in fields(Events)}))
        writer.append(END, b"")
        writer.sync()
        return writer.mac.hex()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        writer.close()


def _blocks(content: Content) -> Iterator[pa.LargeStringArray]:
    low, n = 0, len(content.texts)
    while low < n:
        rows = np.arange(low, min(low + _BLOCK_ROWS, n))
        part = content.prompts.slice(low, len(rows)) if isinstance(content.prompts, pa.Array) else content.take(rows)
        offsets = np.frombuffer(part.buffers()[1], np.int64)[part.offset : part.offset + len(part) + 1]
        size = max(1, int(np.searchsorted(offsets, offsets[0] + _BLOCK_BYTES, "right")) - 1)
        yield part.slice(0, size)
        low += min(size, len(part))


class Prompts:
    """Texts in blocks of a file that was checked as a whole.

    Parameters
    ----------
    path : Path
    blocks : list of (int, int, int)
        First byte, number of bytes, and number of texts of each block.
    """

    def __init__(self, path: Path, blocks: list[tuple[int, int, int]]) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - stays open: the piece may be read while it is deleted
        weakref.finalize(self, self._file.close)
        self._blocks = blocks
        self._starts = np.concatenate([[0], np.cumsum([n for _, _, n in blocks])]).astype(np.int64)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def take(self, rows: npt.NDArray[np.integer]) -> pa.LargeStringArray:
        """Return texts, in this order."""
        return take_from(rows, self._starts, lambda block, own: self._block(block).take(pa.array(own)))

    def _block(self, number: int) -> pa.LargeStringArray:
        low, size, _ = self._blocks[number]
        return unpack(os.pread(self._file.fileno(), size, low)).column(0)


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of the state.

    Attributes
    ----------
    path : Path
    span : int
    mac : str
        Of its last frame.
    n_events : int
    """

    path: Path
    span: int
    mac: str
    n_events: int

    def frames(self, key: Key) -> Iterator[Frame]:
        """Yield its frames, each checked.

        Raises
        ------
        InputError
            It is damaged, or not the file that the ledger names.
        """
        reader = FrameReader(self.path, key)
        yield from reader
        if reader.torn or reader.last is None or reader.last.mac.hex() != self.mac:
            raise InputError(f"{str(self.path)!r} is damaged, or is not the file that was written: its end is missing")

    def read(self, key: Key) -> Content:
        """Read everything but the prompts, which are read when they are asked for, and what :meth:`leaders` reads.

        Raises
        ------
        InputError
            It is damaged.
        """
        names: list[pa.Array] = []
        texts, events, blocks = _no_texts(), list[Events](), list[tuple[int, int, int]]()
        for frame in self.frames(key):
            if frame.kind == NAMES:
                names.append(unpack(frame.content).column(0))
            elif frame.kind == TEXTS:
                texts = Texts(*_columns(unpack(frame.content), Texts))
            elif frame.kind == PROMPTS:
                blocks.append((frame.end - 16 - len(frame.content), len(frame.content), len(unpack(frame.content))))
            elif frame.kind == EVENTS:
                events.append(Events(*_columns(unpack(frame.content), Events)))
        return Content(dict(zip(NAMED, names, strict=True)), texts, Prompts(self.path, blocks), Events.join(events))

    def leaders(self, key: Key, num_perm: int) -> Leaders:
        """Read what the near-duplicate index needs.

        Raises
        ------
        InputError
            It is damaged.
        """
        parts = [unpack(frame.content) for frame in self.frames(key) if frame.kind == LEADERS]
        return Leaders(np.concatenate([np.zeros(0, np.uint64), *(plain(part, "exact") for part in parts)]),
                       np.concatenate([np.zeros(0, np.bool_), *(plain(part, "signed") for part in parts)]),
                       np.concatenate([np.zeros((0, num_perm), np.uint8), *(matrix(part, "values") for part in parts)]))


def _columns(batch: pa.RecordBatch, of: type) -> Iterable[npt.NDArray[Any]]:
    return (plain(batch, f.name) for f in fields(of))
