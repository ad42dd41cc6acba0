"""Evidence: what all stages of detection work on, and the sample of it that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .config import DetectConfig
from .matrices import Vectors
from .memo import Memo, digest
from .neighbours import Held, Votes, account_graph, cast_votes, random_pairs
from .points import Near, Points
from .traffic import Holdings
from .vectors import VectorIndex
from .words import Words


@dataclass(frozen=True, slots=True)
class Evidence:
    """What detection works on.

    Attributes
    ----------
    vectors : float32[p, dim], Half or Stacked
        Centred unit vectors of the sampled texts, the settled ones first.
    similarity, index : float32[p, k], int32 or int64[p, k]
        Their nearest texts.
    row : int32[n_texts]
        Row of `vectors` of each distinct text, -1 where it was not sampled.
    exact : uint64[n_texts]
        Keyed hashes of the texts.
    holdings : Holdings
        Who holds what, as far as it is sampled.
    n_actors : int
    texts : callable
        Maps indices of sampled texts to prompts.
    systems : callable
        Maps indices of system texts to these.
    search : Points or VectorIndex
        Over `vectors`.
    encode : callable
        Maps texts (a sequence of str or an Arrow column) to centred unit vectors float32[n, dim].
    near : callable
        Maps strings to near-duplicate clusters int64[n], -1 for none.
    words : callable
        Maps strings to their words.
    null : (float, float), optional
        Centre and robust standard deviation of the similarity of random pairs of settled texts; by default those of all `vectors`.
    names : uint64[p], optional
        Keyed hash of each sampled text as it is spelled, by which results are remembered; without it none of a text is.
    layers : tuple of Layer
        The settled and the fresh part, where there are both: groups are looked for in each.
    text_groups : dict of float to int64[p]
        Communities of the texts by resolution, as far as they were asked for. Who holds the texts does not matter to them.
    """

    vectors: Vectors
    similarity: npt.NDArray[np.float32]
    index: npt.NDArray[np.integer]
    row: npt.NDArray[np.int32]
    exact: npt.NDArray[np.uint64]
    holdings: Holdings
    n_actors: int
    texts: Callable[[npt.NDArray[np.int64]], list[str]]
    systems: Callable[[npt.NDArray[np.int64]], list[str]]
    search: Points | VectorIndex
    encode: Callable[[Any], npt.NDArray[np.float32]]
    near: Callable[[Sequence[str]], npt.NDArray[np.int64]]
    words: Callable[[Sequence[str]], Words]
    null: tuple[float, float] | None = None
    names: npt.NDArray[np.uint64] | None = None
    layers: tuple[Layer, ...] = ()
    text_groups: dict[float, npt.NDArray[np.int64]] = field(default_factory=dict)

    @property
    def sampled(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Say of each text whether it is sampled, and whether as a settled one, bool[n_texts] each."""
        return self.row >= 0, (self.row >= 0) & (self.row < (self.layers[1].first if self.layers else len(self.vectors)))

    def held(self, everything: Holdings, settled: Holdings) -> Evidence:
        """Return the same texts with other holders."""
        if not self.layers:
            return replace(self, holdings=everything)
        first = self.layers[1].first
        fresh = everything[self.row[everything.text] >= first]
        return replace(self, holdings=everything, layers=tuple(one.held(self, held) for one, held in zip(self.layers, (settled, fresh), strict=True)))


@dataclass(frozen=True, slots=True)
class Layer:
    """Part of an evidence, as one by itself: its texts and actors are numbered through.

    Attributes
    ----------
    evidence : Evidence
        Whose `similarity` and `index` are nearest texts of this part.
    first : int
        Number of its first text among all.
    actors : int64[a]
        Numbers of its actors among all, ascending.
    texts, digest : bytes
        Digests of the texts and their nearest, and of all that is in it.
    """

    evidence: Evidence
    first: int
    actors: npt.NDArray[np.int64]
    texts: bytes
    digest: bytes = b""

    @classmethod
    def of(cls, whole: Evidence, first: int, vectors: Vectors, near: Near, exact: npt.NDArray[np.uint64], texts: bytes) -> Layer:
        """Return the texts from `first` on, as many as there are `vectors`, without holders; those `near` to each are numbered from there as well."""
        none = np.zeros(0, np.int64)
        return cls(replace(whole, vectors=vectors, similarity=near[0], index=near[1], row=np.arange(len(vectors), dtype=np.int32), exact=exact,
                           holdings=Holdings(none, none, none, np.zeros(0, np.int32)), n_actors=0, layers=(), text_groups={}), first, none, texts)

    def held(self, whole: Evidence, holdings: Holdings) -> Layer:
        """Return it with holders, given by their numbers, and those of their texts, in the whole."""
        actors, who = np.unique(holdings.actor, return_inverse=True)
        point = whole.row[holdings.text].astype(np.int64) - self.first
        return replace(self, evidence=replace(self.evidence, holdings=Holdings(who, point, holdings.count, holdings.system), n_actors=len(actors)),
                       actors=actors, digest=digest(self.texts, who, point))


class Sample:
    """The sampled holdings of one run: their points, the votes of each, and the graph of actors.

    Parameters
    ----------
    evidence : Evidence
    config : DetectConfig
    seed : int
        Of permutations, samples and Leiden.
    threads : int, optional
    memo : Memo, optional
        Of former runs.

    Attributes
    ----------
    actor, text, point : int64[h]
        Of every sampled holding, by actor; `point` is the row of ``evidence.vectors``.
    count : int64[h]
        Events behind it.
    system : int32[h]
        System text that it came with, -1 for none.
    half : int64[h]
        0 or 1 by a keyed hash of the text.
    n_sampled : int64[n_actors]
        Sampled holdings of each actor.
    floor, deviation : float
        Similarity from which texts are neighbours, and the robust standard deviation of random pairs.
    votes : Votes
    graph : scipy CSR float32[n_actors, n_actors]
    """

    def __init__(self, evidence: Evidence, config: DetectConfig, seed: int = 0, threads: int | None = None, memo: Memo | None = None) -> None:
        self.evidence, self.config, self.seed, self.threads, self.memo = evidence, config, seed, threads, memo or Memo(is_kept=False)
        held = evidence.holdings
        self.actor, self.text, self.count, self.system = held.actor, held.text, held.count, held.system
        self.point = evidence.row[self.text].astype(np.int64)
        self.held = Held(self.point, self.actor, len(evidence.vectors), evidence.n_actors)
        self.n_sampled = np.bincount(self.actor, minlength=evidence.n_actors)
        self.half = (evidence.exact[self.text] & np.uint64(1)).astype(np.int64)
        centre, self.deviation = evidence.null or random_pairs(evidence.vectors)
        self.floor = centre + config.floor_deviations * self.deviation
        self.votes: Votes = cast_votes(evidence.similarity, evidence.index, self.floor, self.held)
        self.graph: Any = account_graph(self.votes, self.actor, self.n_sampled)
