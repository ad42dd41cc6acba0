"""Synthetic evidence for the detection stages: vectors are drawn, not embedded, so that the truth is known and a run takes seconds.

Organic accounts have one to three topics and an offset of their own; the accounts of a campaign draw from one diffuse source and ask about
something of their own besides; evaluators each run the whole of one list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from fingerprint.evidence import Evidence
from fingerprint.keys import Key
from fingerprint.store import TextStore
from fingerprint.traffic import Traffic, hold
from fingerprint.vectors import VectorIndex
from fingerprint.words import split_words

DIM, K = 48, 21
KEY = Key(bytes(range(16)))


def unit(v: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9), np.float32)


@dataclass
class World:
    """Traffic with its truth.

    Attributes
    ----------
    vectors : float32[n_texts, dim]
        Of every distinct text.
    traffic : Traffic
    campaign, evaluators : int64[a]
        Accounts.
    harvested : bool[n_texts]
        Texts of the campaign's source.
    """

    vectors: np.ndarray
    traffic: Traffic
    campaign: np.ndarray
    evaluators: np.ndarray
    harvested: np.ndarray

    def lookup(self, texts: Any) -> np.ndarray:
        """Stand for the encoder: a text names its row."""
        listed = texts.to_pylist() if isinstance(texts, pa.Array | pa.ChunkedArray) else list(texts)
        return self.vectors[[int(t.split("q")[1]) for t in listed]] if listed else np.zeros((0, DIM), np.float32)

    def evidence(self, sample: int = 128, threads: int | None = 1, account: np.ndarray | None = None) -> Evidence:
        """What :func:`fingerprint.pipeline.prepare` would build, by default from the true labels."""
        t = self.traffic
        holdings = hold(t.account if account is None else account, t.text, t.exact, sample, 10**6)
        sampled = np.unique(holdings.text)
        vectors = self.vectors[sampled]
        search = VectorIndex.of(vectors, threads)
        similarity, index = search.nearest(vectors, K)
        row = np.full(len(t.exact), -1, np.int64)
        row[sampled] = np.arange(len(sampled))
        return Evidence(
            vectors, similarity, index, row, t.exact, holdings, len(t.account_ids), t.texts, t.systems, search, self.lookup, near,
            partial(split_words, key=KEY))


def near(texts: Sequence[str]) -> np.ndarray:
    """Near-duplicates: equal texts only, -1 for one that stands alone."""
    distinct, label, n = np.unique(np.array(texts, object).astype(str), return_inverse=True, return_counts=True)
    return np.where(n[label] > 1, label, -1).astype(np.int64) if len(distinct) else np.zeros(0, np.int64)


def world(seed: int = 0, n_organic: int = 240, n_campaign: int = 24, n_evaluators: int = 12, n_topics: int = 30) -> World:
    """Draw a world."""
    rng = np.random.default_rng(seed)
    topics = unit(rng.standard_normal((n_topics, DIM)))
    drawn: list[np.ndarray] = []
    account: list[int] = []
    text: list[int] = []

    def say(who: int, vectors: np.ndarray) -> None:
        start = sum(map(len, drawn))
        drawn.append(vectors)
        account.extend([who] * len(vectors))
        text.extend(range(start, start + len(vectors)))

    def person(who: int, n: int) -> None:
        mine = rng.choice(n_topics, rng.integers(1, 4), replace=False)
        offset = unit(rng.standard_normal((1, DIM)))
        say(who, unit(topics[rng.choice(mine, n)] * 0.75 + offset * 0.45 + unit(rng.standard_normal((n, DIM))) * 0.65))

    order = rng.permutation(n_organic + n_campaign + n_evaluators)
    organic, campaign, evaluators = np.split(order, [n_organic, n_organic + n_campaign])
    for who in organic:
        person(int(who), int(rng.integers(15, 40)))
    n_before = len(text)
    source = unit(rng.standard_normal((1, DIM)))
    for who in campaign:
        say(int(who), unit(source * 0.7 + unit(rng.standard_normal((25, DIM))) * 0.7))
    n_after = len(text)
    for who in campaign:
        person(int(who), 8)
    if n_evaluators:
        benchmark = unit(rng.standard_normal((1, DIM)))
        say(int(evaluators[0]), unit(benchmark * 0.7 + unit(rng.standard_normal((40, DIM))) * 0.7))
        copied = text[-40:]
        for who in evaluators[1:]:
            account.extend([int(who)] * 40)
            text.extend(copied)
        for who in evaluators:
            person(int(who), 8)
    vectors = np.concatenate(drawn)
    n_texts, when = len(vectors), rng.permutation(len(text))
    said, by = np.array(text, np.int64)[when], np.array(account, np.int64)[when]
    first = np.full(n_texts, len(said))
    np.minimum.at(first, said, np.arange(len(said)))
    harvested = np.zeros(n_texts, bool)
    harvested[n_before:n_after] = True
    # no two prompts share a word, so nothing is template
    store = TextStore.of(pa.array([f"a{t} b{t} c{t} d{t} e{t} q{t}" for t in range(n_texts)], pa.large_string()))
    traffic = Traffic(
        account_ids=pa.array([f"u{i:04}" for i in range(len(order))], pa.large_string()), account=by, actor=np.arange(len(order)),
        time_us=np.sort(rng.integers(0, 3 * 3_600_000_000, len(said))), conversation=np.full(len(said), -1), text=said,
        exact=rng.integers(0, 2**63, n_texts).astype(np.uint64),
        first_row=first, cluster=np.arange(n_texts), similarity=np.ones(n_texts, np.float32),
        store=store, place=np.arange(n_texts, dtype=np.int32), file=np.zeros(len(said), np.int32), line=np.arange(1, len(said) + 1),
        system=np.full(len(said), -1, np.int32),
        system_texts=pa.array([], pa.large_string()))
    return World(vectors, traffic, np.sort(campaign), np.sort(evaluators), harvested)
