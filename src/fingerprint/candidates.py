"""Candidates: three roads to groups of actors that may be one source.

The road of neighbours starts from shared content (:mod:`.neighbours`), that of prompts from communities of prompts, whatever else their accounts
ask, and that of profiles from accounts (:mod:`.attribution`). Each finds what the others miss; all only propose.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from .attribution import Plda, second_moment
from .evidence import Sample
from .groups import communities, resolution_ladder
from .neighbours import prompt_graph
from .profiles import Profiles, profile
from .vectors import nearest

PROMPT_RESOLUTIONS = (0.01, 0.005)  # least mean tie of a community of prompts that choose ten neighbours each: up to about 2,000 and 4,000 prompts
PROFILES_NEAR = 32  # nearest profiles between which the likelihood ratio decides
Result = TypeVar("Result")
SEVERAL = 3  # prompts in a community of prompts from which an actor belongs to it


def candidates(sample: Sample) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Yield (road, actors) from all roads, finest resolution first, each set once."""
    seen: set[bytes] = set()
    for road, actor, label in _partitions(sample):
        order = np.lexsort((actor, label))
        for members in np.split(actor[order], np.flatnonzero(np.diff(label[order])) + 1):
            if len(members) >= sample.config.min_accounts and members.tobytes() not in seen:
                seen.add(members.tobytes())
                yield road, members


def _partitions(sample: Sample) -> Iterator[tuple[str, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield (road, actors int64[m], labels int64[m]); no pair twice, but an actor may have several labels."""
    everybody = np.arange(sample.evidence.n_actors)
    profiles = profile(sample.evidence.vectors, sample.point, sample.actor, sample.half, sample.evidence.n_actors)
    ladder = resolution_ladder(sample.evidence.n_actors, 2 * sample.config.resolution)
    work: list[Callable[[], tuple[str, npt.NDArray[np.int64], npt.NDArray[np.int64]]]] = [
        *(lambda r=r: ("neighbours", everybody, communities(sample.graph, r, sample.seed)) for r in ladder),
        *(lambda r=r: ("prompts", *_prompt_groups(sample, r)) for r in PROMPT_RESOLUTIONS),
        *(lambda half=half: ("profiles", everybody, _profile_groups(sample, profiles, half)) for half in (0, 1))]
    yield from _ahead(work, sample.threads)


def _ahead(work: Sequence[Callable[[], Result]], threads: int | None) -> Iterator[Result]:
    """Yield results in order, computed in threads while the caller is busy with earlier ones: Leiden holds no lock, the tests do."""
    pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, "candidates")
    try:
        for future in [pool.submit(one) for one in work]:
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _prompt_groups(sample: Sample, resolution: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Communities of prompts, and who has several prompts in each: whatever else an account asks does not matter here."""
    evidence = sample.evidence
    if resolution not in evidence.text_groups:
        evidence.text_groups[resolution] = communities(prompt_graph(evidence.similarity, evidence.index, sample.floor), resolution, sample.seed)
    label = evidence.text_groups[resolution][sample.point]
    pair, times = np.unique(label * evidence.n_actors + sample.actor, return_counts=True)
    pair = pair[times >= SEVERAL]
    return pair % evidence.n_actors, pair // evidence.n_actors


def _profile_groups(sample: Sample, profiles: Profiles, half: int) -> npt.NDArray[np.int64]:
    """Communities of the likelihood-ratio graph over profiles of one half; nearest profiles propose, the ratio decides."""
    from scipy.sparse import coo_matrix

    n, sums = profiles.half(half)
    alone = np.arange(len(n))
    weight = np.bincount(sample.point[(sample.half == half) & (n[sample.actor] >= 2)], minlength=len(sample.evidence.vectors))
    model = Plda.fit(n, sums, second_moment(sample.evidence.vectors, weight.astype(np.float64)))
    usable = np.flatnonzero(n >= 3)
    if model is None or len(usable) < 2:
        return alone
    projected = model.project(n[usable], sums[usable])
    k = min(PROFILES_NEAR + 1, len(usable))
    index = nearest(model.embed(projected, n[usable]), k, sample.threads)[1]
    left, right = np.repeat(np.arange(len(usable)), k), index.ravel()
    pairs = (right >= 0) & (left != right)
    left, right = left[pairs], right[pairs]
    ratio = np.concatenate([model.ratio(projected[i], n[usable][i], projected[j], n[usable][j])
                            for i, j in zip(np.array_split(left, 1 + len(left) // 100_000), np.array_split(right, 1 + len(right) // 100_000), strict=True)])
    tied = ratio > 0
    graph = coo_matrix((np.minimum(ratio[tied], 3 * sample.config.link), (usable[left[tied]], usable[right[tied]])), shape=(len(n), len(n))).tocsr()
    graph = graph.maximum(graph.T).tocsr()
    graph.sort_indices()
    return communities(graph, sample.config.link, sample.seed)
