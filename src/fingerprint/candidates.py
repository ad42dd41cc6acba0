"""Candidates: three roads to groups of actors that may be one source.

The road of neighbours starts from shared content (:mod:`.neighbours`), that of prompts from communities of prompts, whatever else their accounts
ask, and that of profiles from accounts (:mod:`.attribution`). Each finds what the others miss; all only propose. A fourth road starts from words
(:mod:`.segments`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from .arrays import distinct
from .attribution import Plda, second_moment
from .evidence import Evidence, Layer, Sample
from .groups import LARGE, account_communities, communities, resolution_ladder
from .memo import digest
from .neighbours import TIES, prompt_graph
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
    """Give an iterator of (road, actors int64[m], labels int64[m]); no pair twice, but an actor may have several labels.

    Of an evidence with layers all roads lead through each by itself, and those of the settled one are remembered. With `only`, they lead through the whole.
    """
    with ExitStack() as stack:
        layers = sample.evidence.layers if only is None else ()
        yield chain.from_iterable([stack.enter_context(_of_layer(sample, layer)) for layer in layers] or [stack.enter_context(_walked(sample, only))])


@contextmanager
def _of_layer(sample: Sample, layer: Layer) -> Iterator[Iterator[Partition]]:
    """Give the partitions of a layer, from memory if it is the same as before; in numbers of all actors."""
    on = digest(layer.digest, repr(sample.config), sample.seed)
    known: tuple[list[Partition], dict[float, npt.NDArray[np.int64]]] | None = sample.memo.known("partitions", on)
    if known is not None:
        layer.evidence.text_groups.update(known[1])
        yield ((road, layer.actors[actor], label) for road, actor, label in known[0])
        return

    def passing(found: Iterator[Partition]) -> Iterator[Partition]:
        made = []
        for road, actor, label in found:
            made.append((road, actor, label))
            yield road, layer.actors[actor], label
        sample.memo.keep("partitions", on, (made, layer.evidence.text_groups))

    with _walked(Sample(layer.evidence, sample.config, sample.seed, sample.threads), None) as found:
        yield passing(found)


@contextmanager
def _walked(sample: Sample, only: npt.NDArray[np.int64] | None) -> Iterator[Iterator[Partition]]:
    """Give an iterator as :func:`partitions` does; work on it goes on in threads from here on."""
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
    """Return the communities of all sampled texts, int64[p], which are found once for each resolution.

    Of an evidence with layers they are found in each by itself; a fresh text is then counted with the settled community that more of its nearest texts are of
    than of its own.
    """
    evidence = sample.evidence
    if resolution not in evidence.text_groups:
        of_layers = [_found_once(sample, layer.evidence, resolution) for layer in evidence.layers]
        evidence.text_groups[resolution] = _joined(sample, *of_layers) if of_layers else _found_once(sample, evidence, resolution)
    return evidence.text_groups[resolution]


def _found_once(sample: Sample, evidence: Evidence, resolution: float) -> npt.NDArray[np.int64]:
    """Return the communities of the texts of an evidence as of one layer."""
    found = evidence.text_groups
    if resolution not in found:
        found[resolution] = communities(prompt_graph(evidence.similarity, evidence.index, sample.floor), resolution, sample.seed)
    return found[resolution]


def _joined(sample: Sample, settled: npt.NDArray[np.int64], fresh: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the communities of settled and fresh texts as one numbering."""
    n, n_settled = len(settled), int(settled.max(initial=-1)) + 1
    label = np.concatenate([settled, fresh + n_settled])
    n_labels = int(label.max(initial=-1)) + 1
    similarity, other = (part[n:, : TIES + 1] for part in (sample.evidence.similarity, sample.evidence.index))
    row = np.repeat(np.arange(n, len(label)), other.shape[1])
    tied = ((other >= 0) & (similarity > sample.floor)).ravel() & (other.ravel() != row)
    pair, times = np.unique(row[tied] * n_labels + label[other.ravel()[tied]], return_counts=True)
    row, near = pair // max(n_labels, 1), pair % max(n_labels, 1)
    own = np.zeros(len(label), np.int64)
    is_own = near == label[row]
    own[row[is_own]] = times[is_own]
    better = np.flatnonzero((near < n_settled) & (times > own[row]))
    better = better[np.lexsort((near[better], -times[better], row[better]))]
    better = better[np.diff(row[better], prepend=-1) > 0]
    label[row[better]] = near[better]
    return label


def _text_groups(sample: Sample, resolution: float, among: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Communities of some texts, int64[p]; -1 for those that are not looked at."""
    graph = prompt_graph(sample.evidence.similarity, sample.evidence.index, sample.floor)
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
