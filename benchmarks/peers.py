"""Methods of others that propose coordinated groups from the same traffic, to be measured beside ours.

Each takes the account number, the text and the time of every row and returns the groups of at least :data:`LEAST` accounts that it would report.
Parameters are those their authors publish or were set beforehand, none is tuned to our traffic; each docstring says what in a method is ours.
Beyond this package: ``scikit-learn`` and ``networkx`` (TF-IDF), ``coordination-network-toolkit`` (co-similarity), both asked for when first used.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from fingerprint.clusters import cluster
from fingerprint.encoders import get_encoder
from fingerprint.keys import Key
from fingerprint.sketch import sketch

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

LEAST = 6  # accounts of a group
MOST_HOLDERS = 2_000  # accounts of a cluster of near duplicates that is counted: pairs grow with the square
SHARE = 0.005  # of the pairs of accounts that become edges
MOST_DEGREE = 30  # mean degree from which SHARE no longer holds: that of 6,000 accounts
REFERENCE, DRAWS, LONGEST = 1_000, 1_000, 128  # prompts of the reference, null windows, prompts of an account that are looked at
_BLOCK = 512  # accounts compared with all others at a time


def near_duplicate_sharing(account: Integers, prompts: list[str], time_us: Integers, *, shared: int = 3) -> list[set[int]]:
    """Tie accounts that share at least `shared` near-duplicate prompts; groups are connected components.

    The plainest rule: MinHash over character 5-grams, a threshold of 0.7, a count. Near duplicates are found by this package's kernels instead of
    datasketch's, with the same shingles, threshold and length of signature, since the rule is compared and not the speed. Clusters have a leader: a
    pair above the threshold is missed where its texts have different leaders, which comparing all pairs would not.

    Parameters
    ----------
    account, prompts, time_us
        Account number, text and time of each row; times are not used.
    shared : int
        Clusters of near duplicates that two accounts must have in common; a cluster counts once, however often an account repeats it.

    Returns
    -------
    list of set of int

    Notes
    -----
    A cluster held by more than :data:`MOST_HOLDERS` accounts counts for nobody. Such texts are greetings and fashions, so this spares the method
    false ties rather than taking true ones, except from a campaign of more than so many accounts whose members all send the same prompts.
    """
    del time_us
    accounts, holder = np.unique(account, return_inverse=True)
    made = sketch(prompts, key=Key(bytes(16)))
    label = cluster(made.signatures, made.exact, 0.7).labels
    pairs = np.unique(np.stack([label, holder], 1)[label >= 0], axis=0)
    pairs = pairs[np.bincount(pairs[:, 0], minlength=1)[pairs[:, 0]] <= MOST_HOLDERS] if len(pairs) else pairs
    held = csr_matrix((np.ones(len(pairs), np.int32), (pairs[:, 1], pairs[:, 0])), shape=(len(accounts), int(label.max(initial=0)) + 1))
    left, right = [], []
    for first in range(0, len(accounts), _BLOCK):
        common = (held[first : first + _BLOCK] @ held.T).tocoo()
        enough = (common.data >= shared) & (common.row + first < common.col)
        left.append(common.row[enough] + first)
        right.append(common.col[enough])
    return _components(accounts, np.concatenate(left), np.concatenate(right)) if left else []


def tfidf_louvain(account: Integers, prompts: list[str], time_us: Integers, *, support: int = 0, seed: int = 0) -> list[set[int]]:
    """Tie the most similar pairs of accounts by TF-IDF and cosine; groups are Louvain communities.

    Pacheco et al., "Uncovering coordinated networks on social media: methods and case studies", ICWSM 2021, case study 4: an account is a TF-IDF
    vector of its traces, and the top 0.5 % of edges by cosine are kept. Their traces are the posts an account repeated and their groups connected
    components. Prompts have no reposts, so traces here are words, as in the studies of text that followed; since a graph of shared words hangs
    together in one component, groups are communities by Louvain, weighted by the cosine.

    Parameters
    ----------
    account, prompts, time_us
        Account number, text and time of each row; times are not used.
    support : int
        Prompts an account must have. They ask for ten reposts; 0 here, for then no account of a campaign is out of reach.
    seed : int
        Of Louvain.

    Returns
    -------
    list of set of int

    Notes
    -----
    Similarities of all pairs are computed in blocks and none is sampled. From 6,000 accounts on the number of edges grows with the accounts and no
    longer with the pairs (mean degree :data:`MOST_DEGREE`): Louvain in Python does not end in useful time otherwise, and the top pairs remain.
    """
    del time_us
    text, networkx = _needs("sklearn.feature_extraction.text", "scikit-learn"), _needs("networkx", "networkx")
    order = np.argsort(account, kind="stable")
    accounts, first, count = np.unique(account[order], return_index=True, return_counts=True)
    enough = count >= support
    accounts, first, count = accounts[enough], first[enough], count[enough]
    if len(accounts) < LEAST:
        return []
    documents = ["\n".join(prompts[row] for row in order[start : start + n]) for start, n in zip(first.tolist(), count.tolist(), strict=True)]
    try:
        vectors = text.TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=50_000, dtype=np.float32).fit_transform(documents)
    except ValueError:  # no two accounts have a word in common
        return []
    n_pairs = len(accounts) * (len(accounts) - 1) // 2
    cosine, left, right = _top_pairs(vectors, min(round(SHARE * n_pairs), MOST_DEGREE * len(accounts) // 2))
    graph = networkx.Graph()
    graph.add_weighted_edges_from(zip(left.tolist(), right.tolist(), cosine.tolist(), strict=True))
    return _of_size([{int(accounts[node]) for node in group} for group in networkx.community.louvain_communities(graph, seed=seed)])


def co_similarity_network(
    account: Integers, prompts: list[str], time_us: Integers, *, window_s: int = 60, threshold: float = 0.8, weight: int = 2, processes: int = 2
) -> list[set[int]]:
    """Tie accounts that repeatedly send similar texts within a minute; groups are connected components.

    The co-similarity network of the coordination network toolkit (QUT Digital Observatory), computed by that package: an edge's weight is the number
    of messages of one account that have a message of the other, of a Jaccard similarity of word sets of at least `threshold`, within `window_s`.

    Parameters
    ----------
    account, prompts, time_us
        Account number, text and time of each row.
    window_s : int
        Seconds; 60 is what its documentation gives as the default and uses throughout. Its command line defaults to 1, which finds less.
    threshold, weight : float, int
        Defaults of its command line. Its Python function defaults to 0.9 and 1.
    processes : int
        Worker processes; where Python does not fork them, the script that calls this needs a main guard.

    Returns
    -------
    list of set of int

    Raises
    ------
    ImportError
        The package is not installed.

    Notes
    -----
    Compares every two messages of a window in Python: the cost grows with the square of the traffic in it.
    """
    networks = _needs("coordination_network_toolkit.compute_networks", "coordination-network-toolkit")
    preprocess, graph = (_needs(f"coordination_network_toolkit.{name}", "coordination-network-toolkit") for name in ("preprocess", "graph"))
    # its default similarity divides by zero when two texts have no word; its command line takes this one
    similarity = _needs("coordination_network_toolkit.similarity", "coordination-network-toolkit").get_similarity_fn_from_min_size(1)
    accounts, number = np.unique(account, return_inverse=True)

    def messages() -> Iterator[tuple[object, ...]]:
        for row, (user, text, time) in enumerate(zip(number.tolist(), prompts, (time_us / 1e6).tolist(), strict=True)):
            yield row, user, None, None, None, text, time, ()

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        path = str(Path(folder) / "messages.db")
        preprocess.preprocess_data(path, messages())
        networks.compute_co_similar_tweet(
            path, window_s, n_threads=processes, similarity_threshold=threshold, min_edge_weight=weight, similarity_function=similarity
        )
        edges = np.array([row[:2] for row in graph.get_edge_rows(path, "co_similar_tweet")], np.int64).reshape(-1, 2)
    return _components(accounts, edges[:, 0], edges[:, 1])


def mmd_windows(account: Integers, prompts: list[str], time_us: Integers, *, level: float = 0.05, tie: float = 0.9, seed: int = 0) -> list[set[int]]:
    """Flag accounts whose prompts are not distributed as the traffic is; groups are flagged accounts with nearly the same mean.

    Our reading of "An embarrassingly simple examiner for model extraction attacks in LLM API traffic" (arXiv:2606.05725): embed prompts, compare a
    window of traffic with benign history by unbiased MMD, calibrate by windows of that history. As there, the kernel is the mean of four RBF kernels
    of 0.5, 1, 2 and 4 times the median distance, and null windows are drawn a thousand times. What is ours: nobody gives us benign history, so all
    traffic is the reference; a window is an account's prompts (at most :data:`LONGEST`, at random) and null windows have as many; instead of a
    percentile of the null, p-values and Benjamini-Hochberg, since there are as many tests as accounts; and the encoder is the one this package
    ships. The grouping is ours as well, as the test says that an account stands out and not with whom it belongs together.

    Parameters
    ----------
    account, prompts, time_us
        Account number, text and time of each row; times are not used.
    level : float
        False discovery rate among flagged accounts.
    tie : float
        Cosine of the centred mean vectors above which two flagged accounts are tied.
    seed : int
        Of all draws.

    Returns
    -------
    list of set of int

    Notes
    -----
    People have interests: prompts of one account resemble one another more than prompts of many do, and the test is right to flag most accounts.
    """
    del time_us
    rng = np.random.default_rng(seed)
    accounts, number = np.unique(account, return_inverse=True)
    order = rng.permutation(len(number))
    order = order[np.argsort(number[order], kind="stable")]
    rank = np.arange(len(order)) - np.searchsorted(number[order], number[order])
    rows = order[rank < LONGEST]
    starts = np.searchsorted(number[rows], np.arange(len(accounts) + 1))
    drawn = rng.choice(len(number), min(len(number), 5 * REFERENCE), replace=False)
    encoder, column = get_encoder("static", threads=2), pa.array(prompts, pa.large_string())
    vectors, traffic = encoder.encode(column.take(pa.array(rows))), encoder.encode(column.take(pa.array(drawn)))
    reference, pool = np.split(traffic, [len(traffic) // 5])
    if len(reference) < 2 or len(pool) < LONGEST:
        return []
    distances = _squared_distances(reference, reference)[np.triu_indices(len(reference), 1)]
    scale = float(np.median(distances[distances > 0]))
    between, across = _kernel(pool, pool, scale), _across(pool, reference, scale)
    draws = [rng.choice(len(pool), LONGEST, replace=False) for _ in range(DRAWS)]
    null = np.stack([_scores(between[np.ix_(draw, draw)], across[draw]) for draw in draws])
    across = _across(vectors, reference, scale)
    sizes, p = np.diff(starts), np.ones(len(accounts))
    for i in np.flatnonzero(sizes >= 2).tolist():
        window = slice(starts[i], starts[i + 1])
        score = _scores(_kernel(vectors[window], vectors[window], scale), across[window])[-1]
        p[i] = (1 + np.count_nonzero(null[:, sizes[i] - 2] >= score)) / (1 + DRAWS)
    by_p = np.argsort(p, kind="stable")
    passed = np.flatnonzero(p[by_p] <= level * np.arange(1, len(p) + 1) / len(p))
    flagged = np.sort(by_p[: passed[-1] + 1]) if len(passed) else by_p[:0]
    centred = np.add.reduceat(vectors, starts[:-1]) / sizes[:, None] - traffic.mean(0)
    unit = (centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9))[flagged]
    left: list[Integers] = [flagged[:0]]
    right: list[Integers] = [flagged[:0]]
    for first in range(0, len(unit), _BLOCK):
        row, other = np.nonzero(np.triu(unit[first : first + _BLOCK] @ unit.T > tie, first + 1))
        left.append(row + first)
        right.append(other)
    return _components(accounts[flagged], np.concatenate(left), np.concatenate(right))


def _scores(own: Floats, across: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the unbiased MMD of the first 2, 3, ... vectors of a window to the reference, less the reference's own term, which is the same for all.

    `own` is the kernel within the window and `across` the mean kernel of each vector to the reference.
    """
    n = np.arange(2, len(own) + 1)
    within = np.diagonal(own.cumsum(0, np.float64).cumsum(1))[1:] - n  # the kernel of a vector with itself is 1
    score: npt.NDArray[np.float64] = within / (n * (n - 1)) - 2 * across.cumsum()[1:] / n
    return score


def _across(vectors: Floats, reference: Floats, scale: float) -> npt.NDArray[np.float64]:
    """Return the mean kernel of each vector to the reference; in blocks, since small products under a threaded BLAS are slow on a busy machine."""
    starts = range(0, len(vectors), 8 * _BLOCK)
    return np.concatenate([_kernel(vectors[first : first + 8 * _BLOCK], reference, scale).mean(1, np.float64) for first in starts])


def _squared_distances(a: Floats, b: Floats) -> Floats:
    """Return the squared distance of each row of `a` to each of `b`."""
    squares: Floats = a @ b.T
    squares *= -2
    squares += (a * a).sum(1)[:, None]
    squares += (b * b).sum(1)
    return np.maximum(squares, 0, out=squares)


def _kernel(a: Floats, b: Floats, scale: float) -> Floats:
    """Return the mean of the RBF kernels of 4, 2, 1 and 0.5 times the bandwidth whose square is `scale`; each is the fourth power of the last."""
    part = _squared_distances(a, b)
    part *= -1 / (2 * 16 * scale)
    np.exp(part, out=part)
    total = part.copy()
    for _ in range(3):
        part *= part
        part *= part
        total += part
    total /= 4
    return total


def _top_pairs(vectors: Any, n: int) -> tuple[Floats, Integers, Integers]:
    """Return cosine, left and right of the `n` most similar pairs of sparse unit vectors, without those that have nothing in common."""
    values, keys = np.zeros(0, np.float32), np.zeros(0, np.int64)
    least, size, transposed = np.float32(0), vectors.shape[0], vectors.T.tocsr()
    for first in range(0, size, _BLOCK):
        block = (vectors[first : first + _BLOCK] @ transposed).tocoo()
        kept = (block.data > least) & (block.row + first < block.col)
        values = np.concatenate([values, block.data[kept]])
        keys = np.concatenate([keys, (block.row[kept].astype(np.int64) + first) * size + block.col[kept]])
        if len(values) > n:
            top = np.argpartition(-values, n)[:n]
            values, keys = values[top], keys[top]
            least = values.min(initial=np.inf)
    order = np.argsort(keys)
    return values[order], keys[order] // size, keys[order] % size


def _components(accounts: Integers, left: Integers, right: Integers) -> list[set[int]]:
    """Return the connected components over positions in `accounts`."""
    graph = coo_matrix((np.ones(len(left), bool), (left, right)), shape=(len(accounts), len(accounts)))
    label = connected_components(graph, directed=False)[1]
    order = np.argsort(label, kind="stable")
    return _of_size([set(members.tolist()) for members in np.split(accounts[order], np.flatnonzero(np.diff(label[order])) + 1)])


def _of_size(groups: list[set[int]]) -> list[set[int]]:
    """Keep groups of at least :data:`LEAST`, larger first."""
    return sorted((group for group in groups if len(group) >= LEAST), key=lambda group: (-len(group), min(group)))


def _needs(module: str, package: str) -> Any:
    """Import a module of a package that only one of the methods needs."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(f"this method needs the package {package}: pip install {package}") from error


PEERS: dict[str, Callable[[Integers, list[str], Integers], list[set[int]]]] = {
    "near-duplicate sharing": near_duplicate_sharing,
    "TF-IDF, Louvain": tfidf_louvain,
    "co-similarity network": co_similarity_network,
    "MMD windows": mmd_windows,
}
