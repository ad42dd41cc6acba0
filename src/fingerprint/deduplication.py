"""From texts to near-duplicate clusters in one pass: equal texts are told first, only new ones are signed, and a compact signature is all that stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .arrays import hash_order
from .clusters import Clusters, Compact, cluster_distinct, founders
from .columns import text_columns
from .config import SketchConfig
from .keys import Key
from .lsh import choose_bands
from .room import Growing, Room
from .sketch import column_tasks, processors
from .store import Numbering, TextStore

ROWS_AT_ONCE = 65_536
BATCHES_AHEAD = 2  # that are being hashed, and that are being signed, while later ones are read


class Distinct:
    """The distinct texts of the batches so far: each is signed, in threads, and kept where a store is given, when it is seen first.

    Parameters
    ----------
    config : SketchConfig
    key : Key
    room : Room
        Where columns lie.
    threads : int, optional
    store : TextStore, optional
        Keeps the texts.

    Attributes
    ----------
    text : Growing of int32
        The number of the text of each row, -1 for an empty one. Texts are numbered in order of first appearance, as are the rows of all below.
        The last rows are missing everywhere unless :meth:`settle` has been called.
    exact : Growing of uint64
    spelling, place : Growing of uint64, int32
        Of the spelling that is kept, which is the one with the smallest hash: that hash, and where it is in the store. Empty without a store.
    values, band_keys, signed : Growing of uint8, list of Growing of uint32, Growing of bool
        Their compact signatures.
    """

    def __init__(self, config: SketchConfig, key: Key, room: Room, threads: int | None = None, store: TextStore | None = None) -> None:
        self.store, self._config, self._key, self._threads = store, config, key, processors(threads)
        self._pool = ThreadPoolExecutor(self._threads) if self._threads > 1 else None
        self._hashing: deque[tuple[pa.Array, dict[str, npt.NDArray[Any]], list[Future[None]]]] = deque()
        self._signing: deque[tuple[int, dict[str, npt.NDArray[Any]], list[Future[None]]]] = deque()
        self._spare: list[dict[str, npt.NDArray[Any]]] = []

        self.exact, self.signed = Growing(np.uint64, room=room), Growing(np.bool_, room=room)
        self.spelling, self.place = Growing(np.uint64, room=room, stays=True), Growing(np.int32, room=room)
        self.values = Growing(np.uint8, config.num_perm, room, stays=True)
        self.band_keys = [Growing(np.uint32, room=room) for _ in range(choose_bands(config.threshold, config.num_perm)[0])]
        self.text = Growing(np.int32, room=room)
        self._numbering = Numbering(self.exact)

    @property
    def kept(self) -> TextStore:
        """The store; there is one."""
        if self.store is None:
            raise ValueError("the texts were not to be kept")
        return self.store

    def add(self, texts: pa.Array) -> None:
        """Take in a batch: a string or large_string column, null is the empty text."""
        made: dict[str, npt.NDArray[Any]] = {"exact": np.empty(len(texts), np.uint64)}
        if self.store is not None:
            made["spellings"] = np.empty(len(texts), np.uint64)
        self._hashing.append((texts, made, self._run(column_tasks(text_columns(texts), made, key=self._key, num_perm=1, ngram=1))))
        self._advance(BATCHES_AHEAD)

    def settle(self) -> None:
        """Wait until all batches are taken in."""
        self._advance(0)

    def _run(self, tasks: list[Callable[[], None]]) -> list[Future[None]]:
        if self._pool is not None:
            return [self._pool.submit(task) for task in tasks]
        for task in tasks:
            task()
        return []

    def _advance(self, n_ahead: int) -> None:
        """Go on with what is ready, leaving so many batches to the threads at each step."""
        while len(self._hashing) > n_ahead:
            texts, made, hashed = self._hashing.popleft()
            wait(hashed)
            self._number(texts, made)
            self._keep(n_ahead)
        self._keep(n_ahead)

    def _number(self, texts: pa.Array, made: dict[str, npt.NDArray[Any]]) -> None:
        numbers, new = self._numbering.add(made["exact"])
        if len(new):
            self._sign(texts if len(new) == len(texts) else texts.take(pa.array(new)))
        if self.store is not None:
            self._spell(self.store, texts, numbers, new, made["spellings"])
        self.text.append(numbers)

    def _spell(self, store: TextStore, texts: pa.Array, numbers: npt.NDArray[np.int32], new: npt.NDArray[np.int64],
               spellings: npt.NDArray[np.uint64]) -> None:
        """Keep of each text the spelling with the smallest hash."""
        self.spelling.append(spellings[new])
        kept = self.spelling.rows
        if not len(kept):
            return
        better = np.flatnonzero((spellings < kept[numbers]) & (numbers >= 0))
        if len(better):
            better = better[np.lexsort((spellings[better], numbers[better]))]
            better = better[np.diff(numbers[better], prepend=-1) > 0]
        place = np.arange(len(store), len(store) + len(new) + len(better), dtype=np.int32)
        store.append(texts if len(new) == len(texts) else texts.take(pa.array(np.concatenate([new, better]))))
        self.place.append(place[: len(new)])
        if len(better):
            self.place.rows[numbers[better]] = place[len(new) :]
            kept[numbers[better]] = spellings[better]

    def _sign(self, texts: pa.Array) -> None:
        config, n = self._config, len(texts)
        outputs = self._spare.pop() if self._spare else {}
        if not outputs or len(outputs["compact"]) < n:  # fresh pages for each batch would cost more than the copying does
            outputs = {"compact": np.empty((n, config.num_perm), np.uint8), "half_keys": np.empty((n, len(self.band_keys)), np.uint32),
                       "n_shingles": np.empty(n, np.int32)}
        tasks = column_tasks(text_columns(texts), outputs, key=self._key, num_perm=config.num_perm, ngram=config.ngram,
                             rows_per_band=choose_bands(config.threshold, config.num_perm)[1])
        self._signing.append((n, outputs, self._run(tasks)))

    def _keep(self, n_ahead: int) -> None:
        """Take in the signatures that are ready."""
        while len(self._signing) > n_ahead:
            n, outputs, signed = self._signing.popleft()
            wait(signed)
            self.values.append(outputs["compact"][:n])
            self.signed.append(outputs["n_shingles"][:n] > 0)
            for column, keys in zip(self.band_keys, outputs["half_keys"][:n].T, strict=True):
                column.append(keys)
            self._spare.append(outputs)

    def __len__(self) -> int:
        return len(self.exact.rows)

    def clustered(self, advance: Callable[[int], object] | None = None) -> tuple[npt.NDArray[np.int32], Clusters]:
        """Return the numbers of the texts in the order of their exact hashes, and their clusters in this order; the signatures are gone then."""
        self.settle()
        order = hash_order(self.exact.rows)
        values = self.values  # lives, and its file with it, until they are clustered
        made = Compact(values.rows, [column.rows for column in self.band_keys], self.signed.rows, values.fileno())
        del self.values, self.band_keys, self.signed, self.spelling, self._numbering, self._pool
        return order, cluster_distinct(made, order, self._config.threshold, threads=self._threads, advance=advance)


def wait(futures: list[Future[None]]) -> None:
    """Wait until all are done; what one raises is raised here."""
    for future in futures:
        future.result()


def deduplicate(texts: Any, *, key: Key | None = None, threshold: float = 0.7, num_perm: int = 128, ngram: int = 5, memory: int | None = None,
                threads: int | None = None) -> Clusters:
    """Cluster near-duplicate texts.

    Parameters
    ----------
    texts : Arrow string column, sequence of str, array of str, or an iterator of these
        See :func:`fingerprint.columns.text_columns`; null is the empty text. Of an iterator one item at a time is held.
    key : Key, optional
        Secret of the hashes; default :meth:`Key.default`.
    threshold : float
        Least estimated Jaccard similarity of a text to the leader of its cluster, in [0.2, 1).
    num_perm, ngram : int
        As in :func:`fingerprint.sketch`.
    memory : int, optional
        Bytes that columns may take, 230 for a distinct text; the rest moves to temporary files. Without it everything stays in memory.
    threads : int, optional
        Default: one for each processor.

    Returns
    -------
    Clusters
        As of :func:`fingerprint.clusters.cluster`, which has the rule.

    Raises
    ------
    TypeError
        An element is no text.
    ConfigError
        A parameter is out of range.

    Notes
    -----
    Releases the GIL, looks for signals. A text that was seen before costs a hash; time does not depend on how the rest is batched.

    Examples
    --------
    >>> c = deduplicate(["tell me a joke about cats", "Tell me a joke about cats!", "what is 2 + 2?", ""], key=Key(bytes(16)))
    >>> bool(c.labels[0] == c.labels[1]), bool(c.labels[0] == c.labels[2]), int(c.labels[3]), len(c)
    (True, False, -1, 2)
    """
    config = SketchConfig(ngram=ngram, num_perm=num_perm, threshold=threshold)
    distinct = Distinct(config, key or Key.default(), Room(memory), threads)
    for item in texts if isinstance(texts, Iterator) else [texts]:
        for batch in _arrow(item):
            for low in range(0, len(batch), ROWS_AT_ONCE):
                distinct.add(batch.slice(low, ROWS_AT_ONCE))
    order, found = distinct.clustered()
    n_empty = int((distinct.text.rows < 0).sum())
    place = np.full(len(order) + 1, -1, np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    place = place[distinct.text.rows]
    labels, similarity = np.append(found.labels, np.int32(-1))[place], np.append(found.similarity, np.float32(0))[place]
    n_repeats = len(labels) - len(order) - n_empty + max(n_empty - 1, 0)
    return Clusters(labels, founders(distinct.text.rows)[found.leaders], similarity, n_repeats, found.n_budget_exceeded)


def _arrow(texts: Any) -> list[pa.Array]:
    """Return a string column as Arrow arrays."""
    if isinstance(texts, pa.ChunkedArray):
        return list(texts.chunks)
    return [texts if isinstance(texts, pa.Array) else pa.array(list(texts), pa.large_string())]
