"""A suspect set as something to look for: which texts of a traffic are one of its queries, word for word, nearly, inside a frame, or in other words.

Four kinds of match, each verified. *Exact*: the normalised texts are equal. *Near-duplicate*: the signatures share a band and their estimated Jaccard
similarity reaches the threshold. *Contained*: the text has at least half of what the query's phrases weigh, whatever stands around it. *Semantic*: no
lexical match, and the vectors are nearer than chance brings them, and clearly nearer to this query than to any other. A phrase weighs what it tells: the
logarithm of how rare it is in the traffic or among the other queries, whichever is less, so that a frame that queries share is no match for any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import distinct
from .clusters import CHANCE
from .index import Block, directions
from .lsh import choose_bands
from .matrices import distinct_rows
from .payloads import SEVERAL
from .vectors import VectorIndex

KINDS = ("exact", "near-duplicate", "contained", "semantic")
EXACT, NEAR, CONTAINED, SEMANTIC = range(4)
TELLING = 0.01  # share of the traffic's texts, or of the queries, from which a phrase tells nothing; of few, ``SEVERAL`` texts, or another query
FEWEST = 3  # telling phrases, five words in a row, from which containment is judged
CONTAINS = 0.5  # of the weight of a query's phrases, from which a text contains it
MOST_QUERIES = 64  # that share a band key with a text and are compared with it
RATIO = 0.8  # of the distances to the nearest query and to the next, up to which a text is that query and not one of its kind
PROPOSED = 10  # neighbours asked for where the nearest is wanted: codes propose in proportion
EXACT_LIMIT = 4096  # queries up to which each vector is compared with all of them; beyond, .99 of the nearest are found where they are near at all


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of text and query.

    Attributes
    ----------
    text, query : int64[m]
        By text; no pair twice.
    kind : uint8[m]
        Index into ``KINDS``: the strictest that holds.
    similarity : float32[m]
        1, estimated Jaccard similarity, contained share, or cosine.
    """

    text: npt.NDArray[np.int64]
    query: npt.NDArray[np.int64]
    kind: npt.NDArray[np.uint8]
    similarity: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, rows: npt.NDArray[Any]) -> Matches:
        return Matches(self.text[rows], self.query[rows], self.kind[rows], self.similarity[rows])

    @classmethod
    def join(cls, parts: list[Matches]) -> Matches:
        """Put parts one behind the other."""
        kinds = {"text": np.int64, "query": np.int64, "kind": np.uint8, "similarity": np.float32}
        return cls(**{name: np.concatenate([np.zeros(0, kind), *(getattr(p, name) for p in parts)]) for name, kind in kinds.items()})


class SuspectSet:
    """Queries to look for.

    Parameters
    ----------
    block : Block
        Fingerprints of m distinct queries. Of bare ones nothing is contained in a text or near to it by meaning.
    rarity : Rarity
        How rare phrases are in the traffic.
    mean : float32[dim]
        Mean vector of the traffic.
    threshold : float
        Jaccard similarity from which two texts are near-duplicates.

    Notes
    -----
    A band key that more than ``MOST_QUERIES`` queries share is their frame's: what shares no other with a query is not compared with it. `n_crowded`
    counts such keys. Queries stay in memory, about 2 kB each; the traffic goes by in blocks, several of
    them at once in threads.
    """

    def __init__(self, block: Block, rarity: Rarity, mean: npt.NDArray[np.float32], threshold: float) -> None:
        self.block, self._mean, self._threshold = block, mean, threshold
        self._bands = _Bands.of(block, threshold)
        self.n_crowded = self._bands.n_crowded
        self._weigh(rarity)
        if block.is_bare:
            return
        vectors = block.directions(mean)
        self._first, _ = distinct_rows(vectors)
        self._vectors = VectorIndex.of(np.ascontiguousarray(vectors[self._first]), 1, exact_limit=EXACT_LIMIT)

    def __len__(self) -> int:
        return len(self.block)

    def _weigh(self, rarity: Rarity) -> None:
        from scipy.sparse import csr_matrix

        n = len(self)
        self._phrases, number = np.unique(self.block.phrases, return_inverse=True)
        query = np.repeat(np.arange(n), np.diff(self.block.starts))
        others, texts = np.bincount(number, minlength=len(self._phrases)) - 1, rarity.of_texts(self._phrases)
        tells = (others < max(1, TELLING * n)) & (texts < max(SEVERAL, TELLING * rarity.n_texts))
        share = np.maximum(np.maximum(others / max(n - 1, 1), texts / max(rarity.n_texts, 1)), 1 / max(rarity.n_texts, 2))
        weight = np.where(tells, -np.log(np.minimum(share, 0.5)), 0.0)
        telling = weight[number] > 0
        self.n_telling = np.bincount(query[telling], minlength=n)
        self.weight = np.bincount(query, weights=weight[number], minlength=n)
        shape = (len(self._phrases), n)
        self._told = csr_matrix((weight[number[telling]], (number[telling], query[telling])), shape=shape)
        self._counts = csr_matrix((np.ones(int(telling.sum())), (number[telling], query[telling])), shape=shape)
        self._is_telling = weight > 0

    def lexical(self, block: Block) -> Matches:
        """Return exact, near-duplicate and contained matches of a block's texts."""
        exact = _equal(block.exact, self.block.exact)
        text, query, share, n_common = self._contained(block)
        pair = text * len(self) + query
        contains = (share >= CONTAINS) & (n_common >= FEWEST)
        near_text, near_query, jaccard = self._bands.near(block, self.block, self._threshold)
        if len(near_text):
            place = np.minimum(np.searchsorted(pair, near_text * len(self) + near_query), max(len(pair) - 1, 0))
            found = (pair[place] == near_text * len(self) + near_query) if len(pair) else np.zeros(len(near_text), bool)
            own = np.where(found, share[place] if len(pair) else 0.0, 0.0)
            # a frame can make near-duplicates of different queries: what each asks itself must be there too, where that can be told
            same = (self.n_telling[near_query] < FEWEST) | (own >= CONTAINS)
            near_text, near_query, jaccard = near_text[same], near_query[same], jaccard[same]
        parts = [Matches(exact[0], exact[1], np.full(len(exact[0]), EXACT, np.uint8), np.ones(len(exact[0]), np.float32)),
                 Matches(near_text, near_query, np.full(len(near_text), NEAR, np.uint8), jaccard),
                 Matches(text[contains], query[contains], np.full(int(contains.sum()), CONTAINED, np.uint8), share[contains].astype(np.float32))]
        return _strictest(Matches.join(parts), len(self))

    def nearest(self, rows: npt.NDArray[np.int8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return for each of some vectors of a block the cosine to its nearest query, float32[n], and that query, int64[n].

        Both are -1 for zero, and for what is about as near to another query: a kind of question, and not this one (the ratio test of Lowe 2004).
        """
        vectors = directions(rows, self._mean)
        similarity, query = self._vectors.nearest(vectors, PROPOSED)
        second = similarity[:, 1] if similarity.shape[1] > 1 else np.full(len(similarity), -1, np.float32)
        none = ~vectors.any(1) | (1 - similarity[:, 0] > RATIO**2 * (1 - np.maximum(second, -1)))
        return np.where(none, np.float32(-1), similarity[:, 0]), np.where(none, -1, self._first[query[:, 0]])

    def _contained(self, block: Block) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Return pairs (text, query) with a telling phrase in common, ascending, with the share of the query's weight and the phrases in common."""
        from scipy.sparse import csr_matrix

        empty = np.zeros(0, np.int64)
        if not len(self._phrases):
            return empty, empty, np.zeros(0), empty
        place = np.minimum(np.searchsorted(self._phrases, block.phrases), len(self._phrases) - 1)
        hit = np.flatnonzero((self._phrases[place] == block.phrases) & self._is_telling[place])
        text = np.searchsorted(block.starts, hit, "right") - 1
        has = csr_matrix((np.ones(len(hit)), (text, place[hit])), shape=(len(block), len(self._phrases)))
        told, counts = (has @ self._told).tocsr(), (has @ self._counts).tocsr()
        told.sort_indices()
        counts.sort_indices()
        query = told.indices.astype(np.int64)
        text = np.repeat(np.arange(len(block)), np.diff(told.indptr))
        return text, query, told.data / self.weight[query], np.rint(counts.data).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Rarity:
    """In how many texts of a sample of the traffic a phrase stands.

    Attributes
    ----------
    phrases, count : uint32[p] ascending, int64[p]
    n_texts : int
        Texts of the sample.
    """

    phrases: npt.NDArray[np.uint32]
    count: npt.NDArray[np.int64]
    n_texts: int

    @classmethod
    def of(cls, block: Block) -> Rarity:
        """Count the phrases of a sample; those of one text are left out, as those of none."""
        ordered = np.sort(block.phrases)
        first = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] ^ np.uint32(1)))
        count = np.diff(first, append=len(ordered))
        several = count > 1
        return cls(ordered[first[several]], count[several], len(block))

    def of_texts(self, phrases: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """Return in how many texts each phrase stands, 0 for one."""
        if not len(self.phrases):
            return np.zeros(len(phrases), np.int64)
        place = np.minimum(np.searchsorted(self.phrases, phrases), len(self.phrases) - 1)
        return np.where(self.phrases[place] == phrases, self.count[place], 0)


@dataclass(frozen=True, slots=True)
class _Bands:
    """Band keys of the queries: of each band, ascending keys and whose they are."""

    keys: list[npt.NDArray[np.uint64]]
    queries: list[npt.NDArray[np.int64]]
    rows_per_band: int
    n_crowded: int

    @classmethod
    def of(cls, block: Block, threshold: float) -> _Bands:
        num_bands, rows_per_band = choose_bands(threshold, block.values.shape[1])
        signed = np.flatnonzero(block.signed)
        keys, queries, n_crowded = [], [], 0
        for band in range(num_bands):
            key = _band(block.values[signed], band, rows_per_band)
            order = np.argsort(key, kind="stable")
            key, query = key[order], signed[order]
            _, number, size = np.unique(key, return_inverse=True, return_counts=True)
            fits = size[number] <= MOST_QUERIES
            n_crowded += int((size > MOST_QUERIES).sum())
            keys.append(key[fits])
            queries.append(query[fits])
        return cls(keys, queries, rows_per_band, n_crowded)

    def near(self, block: Block, of: Block, threshold: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return (text, query, estimated Jaccard similarity) of pairs that share a band and reach the threshold, ascending."""
        signed = np.flatnonzero(block.signed)
        values, pairs = block.values[signed], []
        for band, (keys, queries) in enumerate(zip(self.keys, self.queries, strict=True)):
            key = _band(values, band, self.rows_per_band)
            first, behind = (np.searchsorted(keys, key, side) for side in ("left", "right"))
            length = behind - first
            text = np.repeat(np.arange(len(key)), length)
            place = np.arange(len(text)) - np.repeat(np.cumsum(length) - length, length) + np.repeat(first, length)
            pairs.append(signed[text] * len(of) + queries[place])
        pair = distinct(np.concatenate([np.zeros(0, np.int64), *pairs]))
        text, query = pair // max(len(of), 1), pair % max(len(of), 1)
        equal = np.concatenate([np.zeros(0), *((block.values[text[low : low + 65_536]] == of.values[query[low : low + 65_536]]).mean(1)
                                               for low in range(0, len(pair), 65_536))])
        jaccard = np.maximum(0.0, (equal - CHANCE) / (1 - CHANCE)).astype(np.float32)
        near = jaccard >= threshold
        return text[near], query[near], jaccard[near]


def _band(values: npt.NDArray[np.uint8], band: int, rows_per_band: int) -> npt.NDArray[np.uint64]:
    """Return the keys of one band: its bytes as a number, folded where they are more than eight."""
    key = np.zeros(len(values), np.uint64)
    for column in values[:, band * rows_per_band : (band + 1) * rows_per_band].T:
        key = key * np.uint64(0x9E3779B97F4A7C15 if rows_per_band > 8 else 256) + column
    return key


def _equal(hashes: npt.NDArray[np.uint64], others: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return which of `hashes` is which of `others`, distinct ones."""
    if not len(others):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.argsort(others)
    place = np.minimum(np.searchsorted(others[order], hashes), len(others) - 1)
    text = np.flatnonzero((others[order][place] == hashes) & (hashes != 0))
    return text, order[place[text]]


def _strictest(found: Matches, n_queries: int) -> Matches:
    """Return each pair once, of its strictest kind."""
    pair = found.text * n_queries + found.query
    order = np.lexsort((found.kind, pair))
    return found[order[np.diff(pair[order], prepend=-1) != 0]]
