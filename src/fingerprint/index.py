"""The fingerprints of a traffic without its words: what a suspect data set is looked for in, now or in a year.

Of each distinct text: its exact hash, a byte of each value of its signature, the hashes of its phrases, and its vector in eight bits. Of each account:
which texts it sent, how often and when. All hashes are keyed. Texts stand in the order of their exact hashes, so that any first rows are a random sample.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .ahead import in_order
from .arrays import distinct
from .config import SketchConfig
from .encoders.static import StaticEncoder
from .errors import InputError
from .keys import Key
from .payloads import frames, payloads, phrases
from .room import Growing, Room
from .sealed import load_array, save_array, sealing, unseal
from .sketch import processors, signature_scheme, sketch
from .words import split_words

if TYPE_CHECKING:
    from .encoders import Encoder
    from .progress import Stopwatch
    from .traffic import Traffic

SCHEMA = "fp-index-1"
AT_ONCE = 16_384  # texts of a block
SAMPLE = 200_000  # texts in which frames are looked for
ACCOUNTS = "accounts.arrow"


@dataclass(frozen=True, slots=True)
class Block:
    """Fingerprints of n texts.

    Attributes
    ----------
    exact : uint64[n]
    values : uint8[n, num_perm]
        As :class:`fingerprint.clusters.Compact` has them.
    signed : bool[n]
    starts, phrases : int64[n + 1], uint32[p]
        Hashes of the phrases of text i are ``phrases[starts[i]:starts[i + 1]]``, ascending.
    vectors : int8[n, dim]
        Directions of the vectors of the payloads; zeros where there is none.
    """

    exact: npt.NDArray[np.uint64]
    values: npt.NDArray[np.uint8]
    signed: npt.NDArray[np.bool_]
    starts: npt.NDArray[np.int64]
    phrases: npt.NDArray[np.uint32]
    vectors: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.exact)

    def __getitem__(self, rows: slice | npt.NDArray[np.integer]) -> Block:
        if isinstance(rows, slice):
            low, high, _ = rows.indices(len(self))
            starts = np.asarray(self.starts[low : high + 1])
            return Block(np.asarray(self.exact[low:high]), np.asarray(self.values[low:high]), np.asarray(self.signed[low:high]), starts - starts[0],
                         np.asarray(self.phrases[starts[0] : starts[-1]]), np.asarray(self.vectors[low:high]))
        length = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(length)])
        place = np.arange(starts[-1]) - np.repeat(starts[:-1], length) + np.repeat(self.starts[:-1][rows], length)
        return Block(self.exact[rows], self.values[rows], self.signed[rows], starts, self.phrases[place], self.vectors[rows])

    @classmethod
    def join(cls, parts: list[Block]) -> Block:
        """Put parts, at least one, one behind the other."""
        starts = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(part.starts) for part in parts]))])
        return cls(starts=starts, **{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls) if f.name != "starts"})

    @classmethod
    def bare(cls, exact: npt.NDArray[np.uint64], values: npt.NDArray[np.uint8], signed: npt.NDArray[np.bool_]) -> Block:
        """Return a block of hashes and signatures alone: its texts match exactly or nearly, neither by phrases nor by meaning."""
        n = len(exact)
        return cls(exact, values, signed, np.zeros(n + 1, np.int64), np.zeros(0, np.uint32), np.zeros((n, 0), np.int8))

    @property
    def is_bare(self) -> bool:
        """Whether it was made by :meth:`bare`."""
        return not self.vectors.shape[1]

    def directions(self, mean: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float32]:
        """Return the vectors, float32[n, dim] of unit length or zero, less `mean` and scaled again where one is given."""
        return directions(self.vectors, mean)


@dataclass(frozen=True, slots=True)
class Fingerprinter:
    """How texts become a block.

    Attributes
    ----------
    key : Key
    config : SketchConfig
    encoder : Encoder
    frames : uint64[f]
        From :func:`fingerprint.payloads.frames`.
    threads : int or None
    """

    key: Key
    config: SketchConfig
    encoder: Encoder
    frames: npt.NDArray[np.uint64]
    threads: int | None = None

    def __call__(self, texts: pa.LargeStringArray) -> Block:
        """Return the fingerprints of texts. Releases the GIL for most of the time."""
        made = sketch(texts, key=self.key, num_perm=self.config.num_perm, ngram=self.config.ngram, threads=self.threads)
        words = split_words(texts, self.key.derive("words"))
        starts, hashes = phrases(words)
        vectors = self.encoder.encode(payloads(words, self.frames))
        longest = np.maximum(np.abs(vectors).max(1, initial=0), 1e-9)[:, None]
        return Block(made.exact, made.signatures.values.astype(np.uint8), made.signatures.n_shingles > 0, starts, hashes,
                     np.rint(vectors * (127 / longest)).astype(np.int8))


@dataclass(frozen=True, slots=True)
class Holding:
    """Who sent which text: h distinct pairs, by text, then account.

    Attributes
    ----------
    text, account : int32[h]
    count : int32[h]
        Events.
    first, last : int64[h]
        Time of the first and the last of them, microseconds since 1970, UTC.
    file, line : int32[h], int64[h]
        Where the first that was read stands.
    """

    text: npt.NDArray[np.int32]
    account: npt.NDArray[np.int32]
    count: npt.NDArray[np.int32]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    file: npt.NDArray[np.int32]
    line: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, rows: npt.NDArray[Any]) -> Holding:
        return Holding(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def of(cls, traffic: Traffic) -> Holding:
        """Collapse events; those without text are left out."""
        pair = traffic.text.astype(np.int64) * max(len(traffic.account_ids), 1) + traffic.account
        order = np.argsort(pair, kind="stable")
        order = order[np.searchsorted(pair[order], 0) :]  # text -1
        pair = pair[order]
        start = np.flatnonzero(np.diff(pair, prepend=-1))
        opens = order[start]
        times = traffic.time_us[order]
        first, last = (ufunc.reduceat(times, start) if len(start) else times for ufunc in (np.minimum, np.maximum))
        return cls(traffic.text[opens], traffic.account[opens], np.diff(start, append=len(pair)).astype(np.int32), first, last, traffic.file[opens],
                   traffic.line[opens])


@dataclass(frozen=True, slots=True)
class TrafficIndex:
    """Fingerprints of all distinct texts of a traffic, and who sent them.

    Attributes
    ----------
    texts : Block
    held : Holding
    account_ids : pyarrow large_string array[a]
        Ascending, so that the index does not depend on the order of the events.
    n_prompts : int64[a]
        Accepted events of each account.
    frames : uint64[f]
        Runs of words that stand in many of the texts.
    about : dict
        ``schema``, ``key_id``, ``sketch``, ``threshold``, ``encoder``, ``rows``, ``period``, ``files``.
    """

    texts: Block
    held: Holding
    account_ids: pa.LargeStringArray
    n_prompts: npt.NDArray[np.int64]
    frames: npt.NDArray[np.uint64]
    about: dict[str, Any]

    @classmethod
    def of(cls, traffic: Traffic, encoder: Encoder, config: SketchConfig, key: Key, watch: Stopwatch, about: dict[str, Any] | None = None,
           room: Room | None = None, threads: int | None = None) -> TrafficIndex:
        """Fingerprint a traffic.

        Parameters
        ----------
        about : dict, optional
            More to be kept of it.
        room : Room, optional
            Where its columns lie.
        """
        n, secret = len(traffic.exact), key.derive("words")
        workers = processors(threads) if isinstance(encoder, StaticEncoder) else 1  # a model takes all threads for each batch

        def part(low: int, end: int = n) -> pa.LargeStringArray:
            return traffic.take(np.arange(low, min(low + AT_ONCE, end)))

        with watch.stage("finding frames"):
            end = min(n, SAMPLE)
            known = frames(in_order(lambda low: split_words(part(low, end), secret), range(0, end, AT_ONCE), workers))
        make = Fingerprinter(key, config, encoder, known, 1)
        kinds = {"exact": (np.uint64, None), "values": (np.uint8, config.num_perm), "signed": (np.bool_, None), "phrases": (np.uint32, None),
                 "vectors": (np.int8, encoder.dim)}
        columns = {name: Growing(kind, width, room) for name, (kind, width) in kinds.items()}
        starts = Growing(np.int64, None, room)
        starts.append(np.zeros(1, np.int64))
        with watch.stage("fingerprinting", total=n):
            for block in in_order(lambda low: make(part(low)), range(0, n, AT_ONCE), workers):
                starts.append(block.starts[1:] + len(columns["phrases"].rows))
                for name, column in columns.items():
                    column.append(getattr(block, name))
                watch.progress.advance(len(block))
        texts = Block(starts=starts.rows, **{name: column.rows for name, column in columns.items()})
        told = {"schema": SCHEMA, "key_id": key.key_id, "sketch": signature_scheme(config.num_perm, config.ngram), "threshold": config.threshold,
                "encoder": {"name": encoder.name, "dim": encoder.dim, "digest": encoder.digest}, **(about or {})}
        return cls(texts, Holding.of(traffic), traffic.account_ids.cast(pa.large_string()), traffic.n_prompts, known, told)

    def blocks(self) -> Iterator[tuple[int, Block]]:
        """Yield (first row, block) until all texts have come."""
        for low in range(0, len(self.texts), AT_ONCE):
            yield low, self.texts[low : min(low + AT_ONCE, len(self.texts))]

    def without(self, accounts: list[str]) -> TrafficIndex:
        """Return the index as if these accounts had sent nothing: their holdings go, and with them texts that nobody else sent."""
        gone = np.isin(self.account_ids.to_numpy(zero_copy_only=False).astype(object), np.array(accounts, object))
        stays = ~gone[self.held.account]
        text = distinct(self.held.text[stays])
        number, name = np.full(len(self.texts), -1, np.int32), np.cumsum(~gone, dtype=np.int32) - 1
        number[text] = np.arange(len(text), dtype=np.int32)
        held = self.held[stays]
        held = Holding(number[held.text], name[held.account], *(getattr(held, f.name) for f in fields(held)[2:]))
        kept = np.flatnonzero(~gone)
        return TrafficIndex(self.texts[text.astype(np.int64)], held, self.account_ids.take(pa.array(kept)), self.n_prompts[kept], self.frames, self.about)

    def save(self, folder: str | os.PathLike[str], key: Key) -> None:
        """Write the index into a folder, made with mode 0700, sealed with the key.

        Raises
        ------
        ConfigError
            The folder holds something else, or cannot be written.
        """
        with sealing(Path(folder), self.about, key) as aside:
            for part in (self.texts, self.held):
                for f in fields(part):
                    save_array(aside, f"{'text' if part is self.texts else 'held'}-{f.name}", getattr(part, f.name))
            save_array(aside, "n-prompts", self.n_prompts)
            save_array(aside, "frames", self.frames)
            table = pa.table({"account_id": self.account_ids})
            with pa.OSFile(str(aside / ACCOUNTS), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], key: Key) -> TrafficIndex:
        """Read what :meth:`save` wrote; its columns stay in their files.

        Raises
        ------
        InputError
            No index, one of another key, or a damaged one.
        """
        path = Path(folder)
        about = unseal(path, key, SCHEMA)
        kinds = {"exact": (np.uint64, 1), "values": (np.uint8, 2), "signed": (np.bool_, 1), "starts": (np.int64, 1), "phrases": (np.uint32, 1),
                 "vectors": (np.int8, 2)}
        texts = Block(**{name: load_array(path, f"text-{name}", kind, ndim) for name, (kind, ndim) in kinds.items()})
        held = Holding(*(load_array(path, f"held-{f.name}", np.int64 if f.name in ("first", "last", "line") else np.int32) for f in fields(Holding)))
        with pa.OSFile(str(path / ACCOUNTS), "rb") as source:
            accounts = pa.ipc.open_file(source).read_all().column("account_id").combine_chunks()
        return cls(texts, held, accounts, load_array(path, "n-prompts", np.int64), load_array(path, "frames", np.uint64), about)

    def check(self, key: Key, config: SketchConfig, encoder: Encoder) -> None:
        """Raise :class:`InputError` unless fingerprints of this key, sketch and encoder can be compared with it."""
        scheme = signature_scheme(config.num_perm, config.ngram)
        if self.about["sketch"] != scheme or self.about["encoder"]["digest"] != encoder.digest:
            raise InputError(f"the index was made with {self.about['sketch']} and encoder {self.about['encoder']['name']!r} "
                             f"({str(self.about['encoder']['digest'])[:8]}); here it is {scheme} and {encoder.name!r} ({encoder.digest[:8]}); "
                             "give the same, or index again")


def directions(rows: npt.NDArray[np.int8], mean: npt.NDArray[np.float32] | None = None) -> npt.NDArray[np.float32]:
    """Return vectors of a block as :meth:`Block.directions` does."""
    vectors = unit(rows.astype(np.float32))
    if mean is None:
        return vectors
    vectors[rows.any(1)] -= mean
    return unit(vectors)


def unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scale each vector to unit length, in place; zero stays zero."""
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return vectors
