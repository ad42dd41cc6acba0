"""Topics: what the sampled prompts are about, as communities of nearest texts and the words that tell each from the rest.

A map of the traffic for its reader. Topics never take part in a verdict: they are looked at after all tests.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .arrays import distinct
from .candidates import PROMPT_RESOLUTIONS, text_communities
from .evidence import Sample
from .traffic import Traffic
from .words import Words

LEAST = 5  # sampled texts of a topic
MOST = 1000  # topics that are described, the largest
MOST_TEXTS = 400_000  # sampled texts whose communities are made for this alone: those of millions take minutes and gigabytes
READ, READ_CHARS = 40, 1000  # texts of a topic, and characters of each, whose words are counted
SHOWN_CHARS, WORD_CHARS = 2000, 40  # of the representative prompt, and of a word
N_WORDS = 8
PRIOR = 100.0  # words of all topics that are added to each: what is rare tells little
TELLING = 1.96  # standard deviations by which a word's log-odds exceed those in the other topics
_ODD = np.uint64(0x9E3779B97F4A7C15)  # golden ratio, as in Fibonacci hashing


def topic_table(sample: Sample, traffic: Traffic, text: bool) -> tuple[pa.Table, int]:
    """Return the topics of the sampled texts, largest first, and how many communities are left out.

    Parameters
    ----------
    sample : Sample
        Of which the communities of texts are taken, as the search for groups made them.
    traffic : Traffic
    text : bool
        Whether words and prompts are wanted; both are text that users wrote.

    Returns
    -------
    pyarrow.Table
        topic, words (list, the most telling first; null without `text`), n_texts, n_accounts, n_prompts (all of the sample; the accounts of one
        organisation are one), representative_row (of the text nearest to the mean of the topic), prompt (null without `text`).
    n_left_out : int
        Communities of two texts or more that have fewer than ``LEAST``, or are not among the largest ``MOST``.

    Notes
    -----
    Where so many accounts are sampled that the search makes no communities of texts, and of more than ``MOST_TEXTS`` texts, there are no topics.
    """
    evidence = sample.evidence
    made = evidence.layers[0].evidence.text_groups if evidence.layers else evidence.text_groups  # those of fresh texts are soon made
    if len(evidence.vectors) > MOST_TEXTS and PROMPT_RESOLUTIONS[-1] not in made:
        return no_topics(), 0
    label = text_communities(sample, PROMPT_RESOLUTIONS[-1])
    size = np.bincount(label)
    kept = np.flatnonzero(size >= LEAST)
    kept = kept[np.lexsort((kept, -size[kept]))][:MOST]
    topic_of = np.full(len(size), -1)
    topic_of[kept] = np.arange(len(kept))
    topic = topic_of[label]
    point, of = _some_of_each(topic, sample.seed)
    sampled = np.flatnonzero(evidence.row >= 0)
    text_at = np.empty(len(label), np.int64)
    text_at[evidence.row[sampled]] = sampled
    medoid = text_at[_medoids(evidence.vectors[point], point, of, len(kept))]
    held = topic[sample.point]
    inside = held >= 0
    accounts = distinct(held[inside] * evidence.n_actors + sample.actor[inside]) // max(evidence.n_actors, 1)
    words, prompts = pa.nulls(len(kept), pa.list_(pa.string())), pa.nulls(len(kept), pa.string())
    if text and len(kept):
        read = [t[:READ_CHARS] for t in evidence.texts(text_at[point])]
        words = pa.array(telling_words(evidence.words(read), of, len(kept)), pa.list_(pa.string()))
        prompts = pa.array([t[:SHOWN_CHARS] for t in evidence.texts(medoid)], pa.string())
    return pa.table({
        "topic": np.arange(len(kept)), "words": words, "n_texts": size[kept], "n_accounts": np.bincount(accounts, minlength=len(kept)),
        "n_prompts": np.bincount(held[inside], sample.count[inside], len(kept)).astype(np.int64),
        "representative_row": traffic.first_row[medoid].astype(np.int64), "prompt": prompts}), int((size > 1).sum()) - len(kept)


def no_topics() -> pa.Table:
    """Return the table of a traffic without topics."""
    count, words = pa.array([], pa.int64()), pa.array([], pa.list_(pa.string()))
    return pa.table({"topic": count, "words": words, "n_texts": count, "n_accounts": count, "n_prompts": count, "representative_row": count,
                     "prompt": pa.array([], pa.string())})


def _some_of_each(topic: npt.NDArray[np.int64], seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return up to ``READ`` random texts of each topic, int64[m], and their topics ascending, int64[m]."""
    order = np.random.default_rng(seed).permutation(np.flatnonzero(topic >= 0))
    order = order[np.argsort(topic[order], kind="stable")]
    of = topic[order]
    place = np.arange(len(of)) - np.searchsorted(of, of)
    return order[place < READ], of[place < READ]


def _medoids(vectors: npt.NDArray[np.float32], point: npt.NDArray[np.int64], of: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int64]:
    """Return of each topic the point whose vector is nearest to the mean of its vectors."""
    if not n:
        return np.zeros(0, np.int64)
    first = np.searchsorted(of, np.arange(n))
    near = np.einsum("ij,ij->i", vectors, np.add.reduceat(vectors, first)[of])
    order = np.lexsort((point, -near, of))
    return point[order[first]]


def telling_words(words: Words, topic: npt.NDArray[np.int64], n_topics: int) -> list[list[str]]:
    """Return the words of each topic that tell it from the others, most telling first, at most ``N_WORDS``.

    Log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words"), over texts in which a word stands: words that all
    topics use fall out by themselves, and no text counts a word twice. Two ideographs in a row are a word.

    Parameters
    ----------
    words : Words
        Of n texts.
    topic : int64[n]
    n_topics : int
    """
    row, hashes, start, end = _terms(words)
    if not len(row):
        return [[] for _ in range(n_topics)]
    _, first, term = np.unique(hashes, return_index=True, return_inverse=True)
    n_terms = len(first)
    stands = distinct(row * n_terms + term)
    pair, times = np.unique(topic[stands // n_terms] * n_terms + stands % n_terms, return_counts=True)
    of, term = pair // n_terms, pair % n_terms
    everywhere = np.bincount(term, times, n_terms)
    inside = np.bincount(of, times, n_topics)
    total, prior = everywhere.sum(), PRIOR * everywhere / everywhere.sum()
    here, there = times + prior[term], everywhere[term] - times + prior[term]
    odds = np.log(here / (inside[of] + PRIOR - here).clip(1e-9)) - np.log(there / (total - inside[of] + PRIOR - there).clip(1e-9))
    score = odds / np.sqrt(1 / here + 1 / there)
    telling = np.flatnonzero((score > TELLING) & (times >= 2))
    found: list[list[str]] = [[] for _ in range(n_topics)]
    for i in telling[np.lexsort((first[term[telling]], -score[telling], of[telling]))]:
        shown = found[of[i]]
        if len(shown) < N_WORDS:
            word = words.text(int(start[first[term[i]]]), int(end[first[term[i]]])).lower()[:WORD_CHARS]
            if word not in shown and any(ch.isalpha() for ch in word):
                shown.append(word)
    return found


def _terms(words: Words) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return prompt, hash, start and end of each word, and of each two ideographs in a row in place of these."""
    row, length = words.rows, words.ends - words.starts
    lead = np.frombuffer(words.tape, np.uint8)[words.starts] if len(row) else np.zeros(0, np.uint8)
    ideograph = (length == 3) & (lead >= 0xE3) & (lead <= 0xE9) | (length == 4) & (lead == 0xF0)  # U+3000 to U+9FFF, and from U+10000 on
    two = np.flatnonzero(ideograph[:-1] & ideograph[1:] & (row[:-1] == row[1:]) & (words.ends[:-1] == words.starts[1:]))
    one = np.flatnonzero(~ideograph)
    return (np.concatenate([row[one], row[two]]), np.concatenate([words.hashes[one], words.hashes[two] * _ODD + words.hashes[two + 1]]),
            np.concatenate([words.starts[one], words.starts[two]]), np.concatenate([words.ends[one], words.ends[two + 1]]))
