"""Evidence: what all stages of detection work on, and the sample of it that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .config import DetectConfig
from .matrices import Vectors
from .neighbours import Held, Votes, account_graph, cast_votes, random_pairs
from .traffic import Holdings
from .vectors import VectorIndex
from .words import Words


@dataclass(frozen=True, slots=True)
class Evidence:
    """What detection works on.

    Attributes
    ----------
    vectors : float32[p, dim], Half or Stacked
        Centred unit vectors of the sampled texts.
    similarity, index : float32[p, k], int64[p, k]
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
    search : VectorIndex
        Over `vectors`.
    encode : callable
        Maps texts (a sequence of str or an Arrow column) to centred unit vectors float32[n, dim].
    near : callable
        Maps strings to near-duplicate clusters int64[n], -1 for none.
    words : callable
        Maps strings to their words.
    text_groups : dict of float to int64[p]
        Communities of the texts by resolution, as far as they were asked for. Who holds the texts does not matter to them.
    """

    vectors: Vectors
    similarity: npt.NDArray[np.float32]
    index: npt.NDArray[np.int64]
    row: npt.NDArray[np.int32]
    exact: npt.NDArray[np.uint64]
    holdings: Holdings
    n_actors: int
    texts: Callable[[npt.NDArray[np.int64]], list[str]]
    systems: Callable[[npt.NDArray[np.int64]], list[str]]
    search: VectorIndex
    encode: Callable[[Any], npt.NDArray[np.float32]]
    near: Callable[[Sequence[str]], npt.NDArray[np.int64]]
    words: Callable[[Sequence[str]], Words]
    text_groups: dict[float, npt.NDArray[np.int64]] = field(default_factory=dict)


class Sample:
    """The sampled holdings of one run: their points, the votes of each, and the graph of actors.

    Parameters
    ----------
    evidence : Evidence
    config : DetectConfig
    seed : int
        Of permutations, samples and Leiden.
    threads : int, optional

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

    def __init__(self, evidence: Evidence, config: DetectConfig, seed: int = 0, threads: int | None = None) -> None:
        self.evidence, self.config, self.seed, self.threads = evidence, config, seed, threads
        held = evidence.holdings
        self.actor, self.text, self.count, self.system = held.actor, held.text, held.count, held.system
        self.point = evidence.row[self.text].astype(np.int64)
        self.held = Held(self.point, self.actor, len(evidence.vectors), evidence.n_actors)
        self.n_sampled = np.bincount(self.actor, minlength=evidence.n_actors)
        self.half = (evidence.exact[self.text] & np.uint64(1)).astype(np.int64)
        centre, self.deviation = random_pairs(evidence.vectors)
        self.floor = centre + config.floor_deviations * self.deviation
        self.votes: Votes = cast_votes(evidence.similarity, evidence.index, self.floor, self.held)
        self.graph: Any = account_graph(self.votes, self.actor, self.n_sampled)
