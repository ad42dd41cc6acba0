"""An index of near-duplicates that lives as long as the stream: texts come, are counted, find their cluster, and are forgotten again."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from . import _core
from .arrays import hash_order
from .clusters import MAX_CANDIDATES, estimate_from_equal, least_equal
from .columns import text_arrays, text_columns, utf8
from .config import SketchConfig
from .keys import Key
from .lsh import choose_bands
from .sketch import processors, run_columns


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of n texts that were observed, and the signatures of those that were new.

    Attributes
    ----------
    text : uint64[n]
        Exact hash of the normalised text, by which it is known from then on; 0 for an empty one, which is not kept.
    cluster : uint64[n]
        Hash of the leader of its cluster, 0 for an empty text.
    similarity : float32[n]
        Estimated Jaccard similarity to the leader; 1 for the leader's own text, 0 for an empty one.
    n_seen : uint32[n]
        Events of this text that are alive, with this row; at most 2**32 - 1 is said.
    is_new : bool[n]
        The text was not there before this row.
    new : int64[k]
        The rows where it was not, ascending.
    values : uint8[k, num_perm]
        Compact signatures (:class:`fingerprint.clusters.Compact`) of these rows, for :meth:`NearIndex.restore`.
    signed : bool[k]
        False for a text too short for a signature; its values are without meaning.
    """

    text: npt.NDArray[np.uint64]
    cluster: npt.NDArray[np.uint64]
    similarity: npt.NDArray[np.float32]
    n_seen: npt.NDArray[np.uint32]
    is_new: npt.NDArray[np.bool_]
    new: npt.NDArray[np.int64]
    values: npt.NDArray[np.uint8]
    signed: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True)
class Near:
    """What an index knows of one text.

    Attributes
    ----------
    text : int
        Exact hash of the normalised text, 0 for an empty one.
    cluster : int
        Hash of the leader of the cluster that it is in, or would join; 0 where none is near enough.
    similarity : float
        Estimated Jaccard similarity to that leader, 0 where there is none.
    n_seen : int
        Events of this very text that are alive.
    n_prompts, n_texts : int
        Events that are alive of the whole cluster, and how many distinct texts they have.
    """

    text: int
    cluster: int
    similarity: float
    n_seen: int
    n_prompts: int
    n_texts: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What an index keeps of n texts.

    Attributes
    ----------
    is_known : bool[n]
        Whether the text is there; a leader without events of its own is.
    leader : uint64[n]
        Hash of its leader, 0 where it is not there.
    count : uint64[n]
        Its events that are alive.
    values, signed : uint8[n, num_perm], bool[n]
        Its compact signature, zeros where it is not there or has none.
    """

    is_known: npt.NDArray[np.bool_]
    leader: npt.NDArray[np.uint64]
    count: npt.NDArray[np.uint64]
    values: npt.NDArray[np.uint8]
    signed: npt.NDArray[np.bool_]


class NearIndex:
    """Near-duplicate clusters of the texts of a stream, in memory, with exact forgetting.

    Texts come one after another, however they are batched. A text that is there already counts once more. A new one looks at the leaders that share a
    band with it and joins the most similar of them if its estimated similarity reaches the threshold (the earliest of equals), otherwise it becomes a
    leader. Members are never compared with members, so a series that drifts step by step falls into several clusters. A text too short for a signature
    is in a cluster with equal texts only; the empty text is nothing at all.

    A text leaves when its last event is subtracted, and all that was kept of it goes with it. Only a leader stays as long as its cluster has members: it
    counts no event, still answers as leader, counts again if its text comes again, and leaves with the last member.

    Parameters
    ----------
    config : SketchConfig
        Shingles, signatures and threshold.
    key : Key
        Secret of the hashes. Values and hashes of one index can be put back into another only under the same key and config.
    threads : int, optional
        That hash and sign; None for one for each processor. Their number changes no result.

    Attributes
    ----------
    n_texts, n_leaders : int
        Distinct texts that have events alive; leaders, those without events of their own among them.
    n_bytes : int
        All memory that the index holds.
    n_budget_exceeded : int
        New texts, so far, that met a full bucket: they may lead a cluster of their own though a near leader is there.

    Notes
    -----
    *Work.* A bucket, which is one key of one band, holds 64 leaders: one that comes to a full bucket is not entered there, and is found by its other
    bands. So a new text is compared with 64 leaders for each band at most, whatever was sent before. Keys have 32 bits; two that fall together cost a
    comparison.

    *Memory.* 168 bytes for a text at 128 values, and 8 to 11 for each band of a leader: 380 bytes for a leader of 21 bands on average, 400 at most, from
    200,000 of them on, and about 4 MB besides. A repeat takes none. Memory goes back to the system where texts leave in the order in which they came;
    elsewhere what they leave behind is used again.

    *Pauses.* There is none: the index consists of tens of thousands of small tables that grow one at a time.

    *Threads.* One thread at a time changes the index, others wait for it; questions are answered meanwhile, between two blocks of 64 rows, in the order
    of asking. Whoever asks then sees the rows so far. Releases the GIL.

    *Failure.* Where a call raises (a row that cannot be, no memory, an interrupt), the index is as it was before.

    Examples
    --------
    >>> index = NearIndex(SketchConfig(), Key(bytes(16)))
    >>> seen = index.observe(["tell me a joke about cats", "Tell me a joke about cats!", "what is 2 + 2?", "TELL me a joke about cats"])
    >>> (seen.cluster == seen.cluster[0]).tolist(), seen.n_seen.tolist(), seen.is_new.tolist()
    ([True, True, False, True], [1, 1, 1, 2], [True, True, True, False])
    >>> index.subtract(seen.text[:2], np.array([2, 1], np.uint32))
    >>> index.n_texts, index.query("tell me a joke about cats").n_prompts
    (1, 0)
    """

    def __init__(self, config: SketchConfig, key: Key, threads: int | None = 1) -> None:
        self._config, self._key, self._threads = config, key, processors(threads)
        shape = choose_bands(config.threshold, config.num_perm)
        self._table = _core.NearTable(config.num_perm, *shape, least_equal(config.threshold, config.num_perm), MAX_CANDIDATES)
        self._similarity = estimate_from_equal(np.arange(config.num_perm + 1, dtype=np.int32), config.num_perm)
        self._writing = Lock()

    @property
    def n_texts(self) -> int:
        """Distinct texts that have events alive."""
        return self._table.n_texts

    @property
    def n_leaders(self) -> int:
        """Leaders, those without events of their own among them."""
        return self._table.n_leaders

    @property
    def n_bytes(self) -> int:
        """All memory that the index holds."""
        return self._table.n_bytes

    @property
    def n_budget_exceeded(self) -> int:
        """New texts, so far, that met a full bucket."""
        return self._table.n_budget_exceeded

    def observe(self, texts: Any, enter: bool = True) -> Seen:
        """Take in texts.

        Parameters
        ----------
        texts : Arrow string column, sequence of str, array of str
            See :func:`fingerprint.columns.text_columns`; null is the empty text.
        enter : bool
            Without, texts that are not there stay out: each row of them counts as new, in a cluster of its own, and nothing is kept of it.

        Returns
        -------
        Seen
            Of each row, in order. It does not depend on how the rows are batched.

        Raises
        ------
        TypeError
            An element is no text.
        MemoryError
            There is none for a new text.
        """
        arrays = text_arrays(texts)
        n = sum(map(len, arrays))
        exact, none = np.empty(n, np.uint64), np.zeros(0, np.int64)
        self._run(arrays, 1, 1, exact=exact)
        with self._writing:
            if enter:
                new = self._unknown(exact)
                values, signed = self._sign(arrays, new, n)
                return self._count(exact, new, values, signed)
            known = self._known(exact)
            counted = self._count(exact[known], none, np.empty((0, self._config.num_perm), np.uint8), np.zeros(0, np.bool_))
        whole = Seen(exact, exact.copy(), np.ones(n, np.float32), np.ones(n, np.uint32), ~known, none, counted.values, counted.signed)
        for name in ("cluster", "similarity", "n_seen"):
            getattr(whole, name)[known] = getattr(counted, name)
        return whole

    def _count(self, exact: npt.NDArray[np.uint64], new: npt.NDArray[np.int64], values: npt.NDArray[np.uint8], signed: npt.NDArray[np.bool_]) -> Seen:
        n = len(exact)
        cluster, is_new, n_equal, n_seen = np.empty(n, np.uint64), np.empty(n, np.bool_), np.empty(n, np.int32), np.empty(n, np.uint32)
        self._table.observe_rows(exact, new, values, signed.view(np.uint8), is_new.view(np.uint8), cluster, n_equal, n_seen)
        return Seen(exact, cluster, self._similarity[n_equal], n_seen, is_new, new, values, signed)

    def sign(self, texts: Any) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        """Return the compact signatures of texts, uint8[n, num_perm], and which of them have one, bool[n], as :class:`Seen` has them."""
        arrays = text_arrays(texts)
        n = sum(map(len, arrays))
        return self._sign(arrays, np.arange(n), n)

    def kept(self, exact: npt.NDArray[np.uint64]) -> Kept:
        """Return what is kept of texts, by their hashes."""
        hashes, n = _plain(exact, np.uint64), len(exact)
        found = Kept(np.empty(n, np.bool_), np.empty(n, np.uint64), np.empty(n, np.uint64), np.zeros((n, self._config.num_perm), np.uint8),
                     np.empty(n, np.bool_))
        self._table.kept_rows(hashes, found.leader, found.count, found.values, found.signed.view(np.uint8), found.is_known.view(np.uint8))
        return found

    def _run(self, arrays: list[pa.Array], num_perm: int, ngram: int, **outputs: npt.NDArray[Any]) -> None:
        columns = [column for array in arrays for column in text_columns(array)]
        run_columns(columns, outputs, threads=self._threads, key=self._key, num_perm=num_perm, ngram=ngram)

    def _known(self, exact: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Say of each text whether it is there, or the empty one."""
        is_known = np.empty(len(exact), np.uint8)
        self._table.find_rows(exact, is_known)
        return is_known.view(np.bool_)

    def _unknown(self, exact: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Return where a text that is not there appears first."""
        rows = np.flatnonzero(~self._known(exact))
        order = hash_order(exact[rows])  # equal ones by row
        hashes = exact[rows[order]]
        return np.sort(rows[order[np.diff(hashes, prepend=np.uint64(0)) != 0]])

    def _sign(self, arrays: list[pa.Array], rows: npt.NDArray[np.int64], n: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        """Return the compact signatures of some of n rows, and which of them have one."""
        config = self._config
        values, n_shingles = np.empty((len(rows), config.num_perm), np.uint8), np.empty(len(rows), np.int32)
        if len(rows) < n:
            ends = np.cumsum([len(array) for array in arrays])
            parts = np.split(rows, np.searchsorted(rows, ends[:-1]))
            arrays = [array.take(pa.array(part - end + len(array))) for array, part, end in zip(arrays, parts, ends.tolist(), strict=True)]
        self._run(arrays, config.num_perm, config.ngram, compact=values, n_shingles=n_shingles)
        return values, n_shingles > 0

    def query(self, text: str) -> Near:
        """Tell what is known of a text, without counting it; where it is not there, of the cluster that it would join.

        Raises
        ------
        TypeError
            It is no text.

        Notes
        -----
        Takes some ten microseconds for a text of 200 characters.
        """
        if not isinstance(text, str):
            raise TypeError(f"a text is a str, not {type(text).__name__}")
        config, data = self._config, utf8(text)
        exact, n_shingles, values = np.empty(1, np.uint64), np.empty(1, np.int32), np.empty((1, config.num_perm), np.uint8)
        _core.sketch_rows(self._key.material, data, np.array([0, len(data)], np.int64), None, 0, config.num_perm, config.ngram, exact=exact,
                          n_shingles=n_shingles, compact=values)
        cluster, n_equal, n_seen, n_prompts, n_texts = self._table.query(int(exact[0]), values[0] if n_shingles[0] else None)
        return Near(int(exact[0]), cluster, float(self._similarity[n_equal]), n_seen, n_prompts, n_texts)

    def cluster_size(self, cluster: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
        """Return events and distinct texts alive of clusters, uint64[k] and uint32[k], by the hashes of their leaders; zeros where there is no such one."""
        hashes = _plain(cluster, np.uint64)
        n_prompts, n_texts = np.empty(len(hashes), np.uint64), np.empty(len(hashes), np.uint32)
        self._table.size_rows(hashes, n_prompts, n_texts)
        return n_prompts, n_texts

    def subtract(self, exact: npt.NDArray[np.uint64], count: npt.NDArray[np.uint32]) -> None:
        """Take events back; a text that has none left is forgotten.

        Parameters
        ----------
        exact : uint64[m]
            Hashes of texts, any number of times each; the hash 0, of the empty text, is passed over.
        count : uint32[m]
            How many events of each. 0 of a leader that has neither events nor members, which only a restore leaves behind, lets go of it.

        Raises
        ------
        ValueError
            A text is not there, or has fewer events; the message names the row, and nothing has changed.

        Notes
        -----
        Takes a microsecond or two for each row, and holds others up for no longer than a block; not to be interrupted.
        """
        hashes = _plain(exact, np.uint64)
        with self._writing:
            self._table.subtract_rows(hashes, _plain(count, np.uint32), np.empty(len(hashes), np.uint8))

    def restore(self, exact: npt.NDArray[np.uint64], count: npt.NDArray[np.uint32], values: npt.NDArray[np.uint8], signed: npt.NDArray[np.bool_],
                leader: npt.NDArray[np.uint64]) -> None:
        """Put texts back with the leaders that they had, without a search.

        An index that all texts of another were put back into, its leaders in the order in which they came, answers as that one. (But for full buckets: they
        are filled again by those who are there now.)

        Parameters
        ----------
        exact : uint64[m]
            Hashes of texts. To one that is there already events are added.
        count : uint32[m]
            Events of each. A leader may have none, for the sake of members that come with it, or later.
        values, signed : uint8[m, num_perm], bool[m]
            As in :class:`Seen`; of no effect for a text that is there already.
        leader : uint64[m]
            Hash of each one's leader, itself of a leader. A leader has been put back before its members, or stands anywhere in the same call.

        Raises
        ------
        ValueError
            A leader is missing, or is none; the text is there with another leader; a member has no event, or one of the two no signature; the empty text.
            The message names the row, and nothing has changed.
        MemoryError
            There is none for a text.
        """
        hashes, leaders = _plain(exact, np.uint64), _plain(leader, np.uint64)
        is_leader = hashes == leaders if len(hashes) == len(leaders) else np.ones(len(hashes), np.bool_)
        order = np.concatenate([np.flatnonzero(is_leader), np.flatnonzero(~is_leader)])
        with self._writing:
            self._table.restore_rows(order, hashes, _plain(count, np.uint32), np.ascontiguousarray(values), _plain(signed, np.bool_).view(np.uint8), leaders,
                                     np.empty(len(hashes), np.uint8))

    def items(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """Return hash, events and leader's hash of all that is kept, uint64[n] each, in no particular order; leaders without events are among them."""
        room = 1 << 14
        parts, chunk = [np.empty((3, 0), np.uint64)], 0
        with self._writing:
            while True:
                part = np.empty((3, room), np.uint64)
                n = self._table.item_rows(chunk, *part)
                if n < 0:
                    break
                parts.append(part[:, :n].copy())
                chunk += 1
        exact, count, leader = np.concatenate(parts, 1)
        return exact, count, leader


def _plain(array: npt.NDArray[Any], kind: type[np.generic]) -> npt.NDArray[Any]:
    """Return a flat array of a kind, without a copy where it is one; a cast that could lose anything is refused."""
    found = np.asarray(array)
    if not np.can_cast(found.dtype, kind, "safe"):
        raise TypeError(f"wanted is an array of {np.dtype(kind)}, not of {found.dtype}")
    return np.ascontiguousarray(found, kind)
