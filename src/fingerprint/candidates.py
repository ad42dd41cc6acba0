"""Candidates: three roads to groups of actors that may be one source.

The road of neighbours starts from shared content (:mod:`.neighbours`), that of prompts from communities of prompts, whatever else their accounts
ask, and that of profiles from accounts (:mod:`.attribution`). Each finds what the others miss; all only propose. A fourth road starts from words
(:mod:`.segments`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from .arrays import distinct
from .attribution import Plda, second_moment
from .evidence import Sample
from .groups import LARGE, account_communities, communities, resolution_ladder
from .neighbours import prompt_graph
from .profiles import Profiles, profile
from .vectors import nearest

PROMPT_RESOLUTIONS = (0.01, 0.005)  # least mean tie of a community of prompts that choose ten neighbours each: up to about 2,000 and 4,000 prompts
MEETINGS = (0.3, 0.2)  # least mean Jaccard similarity of the actors of communities of prompts that are taken to be of one list
PROFILES_NEAR = 32  # nearest profiles between which the likelihood ratio decides
FITTED = 50_000  # accounts from which the model of profiles is estimated, at most: 256 dimensions want no more
SHOWS = 16  # prompts an account is sampled for, from which those of one kind among others can be enough for a test without their account showing it
SEVERAL = 3  # prompts in a community of prompts from which an actor belongs to it
Result = TypeVar("Result")
Partition = tuple[str, npt.NDArray[np.int64], npt.NDArray[np.int64]]


@contextmanager
def candidates(sample: Sample, only: npt.NDArray[np.int64] | None = None) -> Iterator[Iterator[tuple[str, npt.NDArray[np.int64]]]]:
    """Give an iterator of (road, actors) from all roads, finest resolution first, each set once; they are computed in threads from here on.

    With `only`, the communities around these actors: whether a community holds together under the constant Potts model depends on its own ties and
    those of the nodes beside it, so that those further off need not be looked at (Traag, Van Dooren and Nesterov 2011).
    """
    with partitions(sample, only) as found:
        yield _sets(sample, found)


def _sets(sample: Sample, found: Iterator[Partition]) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    seen: set[bytes] = set()
    for road, actor, label in found:
        order = np.lexsort((actor, label))
        for members in np.split(actor[order], np.flatnonzero(np.diff(label[order])) + 1):
            if len(members) >= sample.config.min_accounts and members.tobytes() not in seen:
                seen.add(members.tobytes())
                yield road, members


@contextmanager
def partitions(sample: Sample, only: npt.NDArray[np.int64] | None = None) -> Iterator[Iterator[Partition]]:
    """Give an iterator of (road, actors int64[m], labels int64[m]); no pair twice, but an actor may have several labels."""
    graph, around = sample.graph, np.arange(sample.evidence.n_actors)
    if only is not None:
        around = np.union1d(only, graph[only].indices)
        graph = graph[around][:, around].sorted_indices()
    threads = sample.threads or os.cpu_count() or 1

    def neighbours(resolution: float) -> Partition:
        return "neighbours", around, account_communities(graph, resolution, sample.seed)

    def prompts(resolution: float, meeting: float | None) -> Partition:
        return "prompts", *_prompt_groups(sample, resolution, only, meeting)

    def sums() -> Profiles:
        return profile(sample.evidence.vectors, sample.point, sample.actor, sample.half, sample.evidence.n_actors)

    with ahead(1 if graph.nnz > LARGE else threads) as submit:  # each walk over a large graph takes gigabytes
        work = [*(submit(partial(neighbours, r)) for r in resolution_ladder(graph, 2 * sample.config.resolution)),
                *(submit(partial(prompts, r, m)) for r, m in _prompt_ladder(sample))]
        made = submit(sums)

        def profiles(half: int) -> Partition:
            return "profiles", *_profile_groups(sample, made.result(), half, around)  # submitted before, so begun by now, whatever the number of threads

        work += [submit(partial(profiles, half)) for half in (0, 1)]
        yield (one.result() for one in work)


class Submit(Protocol):
    """What :func:`ahead` gives."""

    def __call__(self, work: Callable[[], Result], /) -> Future[Result]: ...


@contextmanager
def ahead(threads: int) -> Iterator[Submit]:
    """Give a function that lets threads compute while the caller is busy: Leiden holds no lock, the tests do. What has not begun at the end is dropped."""
    pool = ThreadPoolExecutor(threads, "candidates")
    try:
        yield pool.submit
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _prompt_ladder(sample: Sample) -> list[tuple[float, float | None]]:
    """Return the resolutions of communities of prompts, and from which similarity of their actors several of them are one; None: each by itself."""
    if sample.n_sampled.max(initial=0) < SHOWS:
        return []
    return [*((r, None) for r in PROMPT_RESOLUTIONS), *((PROMPT_RESOLUTIONS[0], m) for m in MEETINGS)]


def _prompt_groups(sample: Sample, resolution: float, only: npt.NDArray[np.int64] | None,
                   meeting: float | None) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Communities of prompts, and who has several prompts in each: whatever else an account asks does not matter here.

    With `meeting`, communities in which much the same actors meet are one. That is how a list of many kinds of queries shows in accounts that ask
    mostly for other things: it has few prompts of an account in each kind, and the same accounts in all.
    """
    evidence = sample.evidence
    if only is not None:
        label = _text_groups(sample, resolution, distinct(evidence.index[distinct(sample.point[np.isin(sample.actor, only)])].ravel()))
    else:
        label = text_communities(sample, resolution)
    label = label[sample.point]
    inside = label >= 0
    label, actor = label[inside], sample.actor[inside]
    if meeting is not None:
        label, actor = _met(label, actor, evidence.n_actors, meeting, sample)
    pair, times = np.unique(label * evidence.n_actors + actor, return_counts=True)
    pair = pair[times >= SEVERAL]
    return pair % evidence.n_actors, pair // evidence.n_actors


def _met(label: npt.NDArray[np.int64], actor: npt.NDArray[np.int64], n_actors: int, meeting: float,
         sample: Sample) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Join the communities of holdings (label, actor) whose actors are much the same; return those of communities with enough actors."""
    from scipy.sparse import coo_matrix, csr_matrix

    pair = distinct(label * n_actors + actor)
    size = np.bincount(pair // n_actors)
    number = np.cumsum(size >= sample.config.min_accounts) - 1
    large = size[pair // n_actors] >= sample.config.min_accounts
    n = int(number[-1]) + 1 if len(number) else 0
    community = number[pair[large] // n_actors]
    held = csr_matrix((np.ones(len(community)), (community, pair[large] % n_actors)), shape=(n, n_actors))
    common, size = (held @ held.T).tocoo(), np.bincount(community, minlength=n)
    other = (common.row != common.col) & (common.data >= SEVERAL)
    row, col, both = common.row[other], common.col[other], common.data[other]
    graph = coo_matrix((both / (size[row] + size[col] - both), (row, col)), shape=(n, n)).tocsr()
    graph.sort_indices()
    joined = communities(graph, meeting, sample.seed)
    kept = np.bincount(pair // n_actors)[label] >= sample.config.min_accounts
    return joined[number[label[kept]]], actor[kept]


def text_communities(sample: Sample, resolution: float) -> npt.NDArray[np.int64]:
    """Return the communities of all sampled texts, int64[p], which are found once for each resolution."""
    found = sample.evidence.text_groups
    if resolution not in found:
        found[resolution] = _text_groups(sample, resolution)
    return found[resolution]


def _text_groups(sample: Sample, resolution: float, among: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.int64]:
    """Communities of texts, int64[p]; -1 for those that are not looked at."""
    graph = prompt_graph(sample.evidence.similarity, sample.evidence.index, sample.floor)
    if among is None:
        return communities(graph, resolution, sample.seed)
    among = among[among >= 0]
    label = np.full(graph.shape[0], -1)
    label[among] = communities(graph[among][:, among].sorted_indices(), resolution, sample.seed)
    return label


def _fitted(sample: Sample, n: npt.NDArray[np.float64], sums: npt.NDArray[np.float32], half: int) -> Plda | None:
    """Fit the model to one half of the accounts' prompts, of many accounts to a random part of them."""
    kept = np.arange(len(n))
    if len(n) > FITTED:
        kept = np.sort(np.random.default_rng(sample.seed).choice(len(n), FITTED, replace=False))
    several = np.zeros(len(n), bool)
    several[kept] = n[kept] >= 2
    weight = np.bincount(sample.point[(sample.half == half) & several[sample.actor]], minlength=len(sample.evidence.vectors))
    return Plda.fit(n[kept], sums[kept], second_moment(sample.evidence.vectors, weight.astype(np.float64)))


def _profile_groups(sample: Sample, profiles: Profiles, half: int, around: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Communities of the likelihood-ratio graph over profiles of one half; nearest profiles propose, the ratio decides."""
    from scipy.sparse import coo_matrix

    n, sums = profiles.half(half)
    model = _fitted(sample, n, sums, half)
    usable = around[n[around] >= 3]
    if model is None or len(usable) < 2:
        return usable, np.arange(len(usable))
    n, projected = n[usable], model.project(n[usable], sums[usable])
    k = min(PROFILES_NEAR + 1, len(usable))
    index = nearest(model.embed(projected, n), k, sample.threads)[1]
    left, right = np.repeat(np.arange(len(usable)), k), index.ravel()
    pairs = (right >= 0) & (left != right)
    left, right = left[pairs], right[pairs]
    ratio = np.concatenate([model.ratio(projected[i], n[i], projected[j], n[j]) for i, j in
                            zip(np.array_split(left, 1 + len(left) // 100_000), np.array_split(right, 1 + len(right) // 100_000), strict=True)])
    tied = ratio > 0
    graph = coo_matrix((np.minimum(ratio[tied], 3 * sample.config.link), (left[tied], right[tied])), shape=(len(usable), len(usable))).tocsr()
    graph = graph.maximum(graph.T).tocsr()
    graph.sort_indices()
    return usable, communities(graph, sample.config.link, sample.seed)
