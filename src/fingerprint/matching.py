"""Which of our accounts asked the questions of a suspect set? Matches, how many of them chance brings, and the accounts that have more.

Chance is measured on the same traffic with *decoys*: as many prompts of its own, dealt out over its accounts, are looked for among everybody else's in
the same way. How often people meet by accident, and how unevenly, is then known: the share of an account's texts that match decoys has a mean and a
second moment over the accounts, and a beta-binomial law with these gives the p value of what an account has in common with the suspect set. Family-wise
error (Holm) decides, since a false accusation costs the account; the false discovery rate is reported beside it.

A query that more accounts have than an even spread of the set explains (homework, a viral prompt, a greeting) is common property and counts for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from .ahead import in_order
from .arrays import distinct
from .chance import Chance, uneven
from .index import SAMPLE, Block, Holding, TrafficIndex
from .progress import Stopwatch
from .significance import benjamini_hochberg, holm
from .sketch import processors
from .suspects import SEMANTIC, Matches, Rarity, SuspectSet

BY_ACCIDENT = 1e-3  # share of the prompts of anybody that are as near to a decoy as a semantic match must be
FEWEST_DECOYS, MOST_DECOYS = 1000, 20_000
FAMILY = 0.01  # probability that anybody at all is named by accident
FEWEST_TEXTS = 4  # matched texts from which an account is named: a few contacts are not membership
LOOKED_AT = 500_000  # holdings in which decoys are looked for, about: thousands of accounts tell what chance is
MOST_OF_A_TEXT = 64  # matches of one text that are kept
LEAST = 0.5  # cosine below which nothing is a match
STEP, STRAY = 0.02, 0.1  # of cosine, and the local false discovery rate down to which more texts of named accounts match


@dataclass(frozen=True, slots=True)
class Counted:
    """What each account has in common with a set of queries.

    Attributes
    ----------
    n_texts, n_matched : int64[a]
        Distinct texts, and how many of them match distinct queries that are not common.
    common : bool[m]
        Queries that are common property.
    n_holders : int64[m]
        Accounts that have a match of each query.
    """

    n_texts: npt.NDArray[np.int64]
    n_matched: npt.NDArray[np.int64]
    common: npt.NDArray[np.bool_]
    n_holders: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """Result of :func:`search_set`.

    Attributes
    ----------
    matches : Matches
        Of texts of the index and queries.
    counted : Counted
    chance : Chance
    p, q, adjusted : float64[a]
        Of each account: p value, Benjamini-Hochberg q, and p adjusted for all accounts after Holm, and for all sets after Bonferroni.
    named : int64[k]
        Accounts that are named, ascending.
    floor : float
        Cosine from which texts match by meaning.
    floor_named : float
        The same for texts of accounts that are named.
    n_decoys, n_crowded : int
        Decoys; band keys that so many queries share that they were not followed.
    n_cut : int
        Texts with more than ``MOST_OF_A_TEXT`` matches, the rest of which was left out.
    """

    matches: Matches
    counted: Counted
    chance: Chance
    p: npt.NDArray[np.float64]
    q: npt.NDArray[np.float64]
    adjusted: npt.NDArray[np.float64]
    named: npt.NDArray[np.int64]
    floor: float
    floor_named: float
    n_decoys: int
    n_crowded: int
    n_cut: int


def search_set(index: TrafficIndex, queries: Block, threshold: float, watch: Stopwatch, threads: int | None = None, n_sets: int = 1) -> Found:
    """Look for queries in a traffic.

    Parameters
    ----------
    index : TrafficIndex
    queries : Block
        Fingerprints of distinct queries under the same key, sketch, encoder and frames. Decoys of bare ones are bare: chance is that of the kinds of
        match that they can have.
    threshold : float
        Jaccard similarity of near-duplicates.
    n_sets : int
        Sets that are looked for in this traffic: the probability that anybody is named by accident is that of all together.
    """
    n_accounts = len(index.account_ids)
    sample = index.texts[: 0 if queries.is_bare else min(SAMPLE, len(index.texts))]
    rarity = Rarity.of(sample)
    vectors = sample.directions()
    mean = vectors.mean(0) if len(vectors) else np.zeros(index.texts.vectors.shape[1], np.float32)
    del sample, vectors
    text, source = _decoys(index.held, min(max(len(queries), FEWEST_DECOYS), MOST_DECOYS))
    people = _some(index.held, n_accounts)
    looked = np.zeros(len(index.texts), bool)
    looked[people.text] = True
    decoys = index.texts[text]
    if queries.is_bare:
        decoys = Block.bare(decoys.exact, decoys.values, decoys.signed)
    sets = (SuspectSet(queries, rarity, mean, threshold), SuspectSet(decoys, rarity, mean, threshold))
    lexical: tuple[list[Matches], list[Matches]] = ([], [])
    nearest: tuple[list[Matches], list[Matches]] = ([], [])
    n_cut = 0
    with watch.stage("matching", total=len(index.texts)):
        for low, n, found in in_order(partial(_look, sets, looked), index.blocks(), processors(threads)):
            n_cut += found[0][2]
            for which, (by_words, by_meaning, _) in enumerate(found):
                lexical[which].append(_moved(by_words, low))
                nearest[which].append(_moved(by_meaning, low))
            watch.progress.advance(n)
    words, decoyed = Matches.join(lexical[0]), Matches.join(lexical[1])
    near, by_accident = Matches.join(nearest[0]), Matches.join(nearest[1])
    with watch.stage("testing accounts"):
        decoyed, by_accident = (_of_others(m, index.held, source) for m in (decoyed, by_accident))
        floor, chance = _chance(decoyed, by_accident, index.held, people, looked, len(text), len(queries), n_accounts)
        floor = 1.0 + STEP if queries.is_bare else floor
        matches = Matches.join([words, near[near.similarity >= floor]])
        counted = count(matches, index.held, len(queries), n_accounts)
        p = chance.p(counted.n_texts, counted.n_matched)
        adjusted = np.minimum(holm(p) * n_sets, 1.0)
        named = np.flatnonzero((adjusted <= FAMILY) & (counted.n_matched >= FEWEST_TEXTS))
        own = np.zeros(len(index.texts), bool)
        own[index.held.text[np.isin(index.held.account, named)]] = True
        floor_named = _lower(near, own, floor)
        matches = Matches.join([matches, near[(near.similarity < floor) & (near.similarity >= floor_named) & own[near.text]]])
    return Found(matches[np.argsort(matches.text, kind="stable")], counted, chance, p, benjamini_hochberg(p), adjusted, named, floor, floor_named, len(text),
                 sets[0].n_crowded, n_cut)


def _chance(decoyed: Matches, by_accident: Matches, held: Holding, people: Holding, looked: npt.NDArray[np.bool_], n_decoys: int, n_queries: int,
            n_accounts: int) -> tuple[float, Chance]:
    """Return the cosine from which texts match by meaning, and the law of chance, of what matches decoys: all lexically, and nearest ones of `people`."""
    common = count(decoyed, held, n_decoys, n_accounts).common
    decoyed = decoyed[looked[decoyed.text]]
    floor = _floor(decoyed, by_accident, people, common, int(looked.sum()), n_accounts)
    decoys = count(Matches.join([decoyed, by_accident[by_accident.similarity >= floor]]), people, n_decoys, n_accounts, common)
    some = decoys.n_texts > 0
    return floor, Chance.of(decoys.n_texts[some], decoys.n_matched[some], max(1.0, n_queries / max(n_decoys, 1)))


def count(matches: Matches, held: Holding, n_queries: int, n_accounts: int, common: npt.NDArray[np.bool_] | None = None) -> Counted:
    """Count the matches of each account, once those of common queries are left out: of those that are found to be, and of those given, bool[m]."""
    account, text, query = _held(matches, held)
    pair = distinct(query * max(n_accounts, 1) + account)
    n_holders = np.bincount(pair // max(n_accounts, 1), minlength=n_queries)
    common = uneven(n_holders) if common is None else uneven(n_holders) | common
    counts = ~common[query]
    account, text, query = account[counts], text[counts], query[counts]
    n_matched = np.minimum(*(np.bincount(distinct(account * size + what) // size, minlength=n_accounts)
                             for what, size in ((text, int(text.max(initial=0)) + 1), (query, max(n_queries, 1)))))
    return Counted(np.bincount(held.account, minlength=n_accounts), n_matched, common, n_holders)


def _decoys(held: Holding, n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (text, account) of n holdings, as few of each account as that takes; no text twice."""
    order = np.lexsort((held.text, held.account))
    account = held.account[order]
    first = np.flatnonzero(np.diff(account, prepend=-1))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
    chosen = order[np.lexsort((held.text[order], rank))[:n]]
    text, place = np.unique(held.text[chosen], return_index=True)
    return text.astype(np.int64), held.account[chosen[place]].astype(np.int64)


def _look(sets: tuple[SuspectSet, SuspectSet], looked: npt.NDArray[np.bool_],
          part: tuple[int, Block]) -> tuple[int, int, list[tuple[Matches, Matches, int]]]:
    """Return (first row, texts, for each set: lexical matches, nearest queries of the other texts, texts with too many matches) of a block.

    What decoys mean is compared with the texts that are `looked` at only.
    """
    low, block = part
    found = []
    for one, rows in zip(sets, (np.arange(len(block)), np.flatnonzero(looked[low : low + len(block)])), strict=True):
        matches, n_cut = _most(one.lexical(block)) if len(one) else (Matches.join([]), 0)
        near = _by_meaning(one, block, rows[~np.isin(rows, matches.text)])
        found.append((matches, near, n_cut))
    return low, len(block), found


def _some(held: Holding, n_accounts: int) -> Holding:
    """Return the holdings of all accounts, or of as many, evenly from all, as have ``LOOKED_AT`` of them: who is compared with decoys."""
    step = -(-len(held) // LOOKED_AT)
    if step <= 1:
        return held
    rank = np.random.default_rng(0).permutation(n_accounts)
    return held[rank[held.account] % step == 0]


def _moved(matches: Matches, low: int) -> Matches:
    return Matches(matches.text + low, matches.query, matches.kind, matches.similarity)


def _most(matches: Matches) -> tuple[Matches, int]:
    """Keep ``MOST_OF_A_TEXT`` matches of each text, the best; return how many texts had more."""
    size = np.bincount(matches.text) if len(matches) else np.zeros(1, np.int64)
    if size.max() <= MOST_OF_A_TEXT:
        return matches, 0
    order = np.lexsort((matches.query, -matches.similarity, matches.kind, matches.text))
    first = np.flatnonzero(np.diff(matches.text[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
    return matches[np.sort(order[rank < MOST_OF_A_TEXT])], int((size > MOST_OF_A_TEXT).sum())


def _by_meaning(one: SuspectSet, block: Block, rows: npt.NDArray[np.int64]) -> Matches:
    """Return the nearest query of each of some texts, those without a lexical match."""
    if not len(one) or one.block.is_bare:
        return Matches.join([])
    similarity, query = one.nearest(block.vectors[rows])
    near = similarity >= LEAST
    return Matches(rows[near], query[near], np.full(int(near.sum()), SEMANTIC, np.uint8), similarity[near])


def _held(matches: Matches, held: Holding) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (account, text, query) of all holdings of matched texts."""
    row, which = holdings_of(held, matches.text)
    return held.account[row].astype(np.int64), matches.text[which], matches.query[which]


def holdings_of(held: Holding, text: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the holdings of each of some texts: (row of `held`, which text)."""
    first, behind = (np.searchsorted(held.text, text, side) for side in ("left", "right"))
    length = behind - first
    which = np.repeat(np.arange(len(text)), length)
    return np.arange(len(which)) - np.repeat(np.cumsum(length) - length, length) + np.repeat(first, length), which


def _of_others(matches: Matches, held: Holding, source: npt.NDArray[np.int64]) -> Matches:
    """Leave out matches of decoys in texts that the account has itself that the decoy came from."""
    row, which = holdings_of(held, matches.text)
    own = np.zeros(len(matches), bool)
    own[which[held.account[row] == source[matches.query[which]]]] = True
    return matches[~own]


def _floor(decoyed: Matches, by_accident: Matches, held: Holding, common: npt.NDArray[np.bool_], n_texts: int, n_accounts: int) -> float:
    """Return the cosine that as few texts reach with a decoy of somebody else as ``BY_ACCIDENT`` says, those of common decoys left out."""
    floor = 1.0 + STEP
    while floor > LEAST + STEP:
        lower = floor - STEP
        near = by_accident[by_accident.similarity >= lower]
        left_out = count(Matches.join([decoyed, near]), held, len(common), n_accounts, common).common
        if int((~left_out[near.query]).sum()) > BY_ACCIDENT * n_texts:
            break
        floor = lower
    return floor


def _lower(near: Matches, own: npt.NDArray[np.bool_], floor: float) -> float:
    """Return the cosine down to which `own` texts match, as long as others make few enough of the kind: a local false discovery rate."""
    n_own, n_levels = int(own.sum()), int((floor - LEAST) / STEP)
    if not n_own:
        return floor
    mine, below = own[near.text], near.similarity < floor
    level = np.minimum(np.maximum(((floor - near.similarity) / STEP).astype(np.int64), 0), n_levels)
    inside, others = (np.bincount(level[which & below], minlength=n_levels + 1) for which in (mine, ~mine))
    by_chance = others * n_own / max(len(own) - n_own, 1)
    at = 0
    while at < n_levels and by_chance[at] < STRAY * inside[at]:
        at += 1
    return floor - at * STEP
