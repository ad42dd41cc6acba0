"""Leader clustering: equal to a plain model, indifferent to order, no chains, no quadratic buckets, no clusters of nothing."""

from __future__ import annotations

import random
import time
from collections import Counter

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import clusters
from fingerprint.clusters import Clusters, cluster, cluster_distinct, compact, number_buckets
from fingerprint.errors import ConfigError
from fingerprint.keys import Key
from fingerprint.lsh import band_keys, choose_bands
from fingerprint.minhash import estimate_jaccard
from fingerprint.sketch import Signatures, Sketch, sketch

WORDS = ["explain", "how", "the", "model", "sorts", "a", "list", "of", "numbers", "write", "poem", "about", "sea", "cats", "dogs"]


def families(rng: random.Random, n_families: int, n_variants: int) -> list[str]:
    """Return texts in families: a text and variants of it with one word changed."""
    texts = []
    for _ in range(n_families):
        words = [rng.choice(WORDS) + str(rng.randrange(90)) for _ in range(20)]
        for _ in range(n_variants):
            variant = list(words)
            variant[rng.randrange(20)] = rng.choice(WORDS)
            texts.append(" ".join(variant))
    return texts


def model(s: Sketch, threshold: float) -> tuple[list[int], list[int]]:
    """Cluster by the definition: labels of the rows, and the leader row of each cluster."""
    made = compact(s.signatures, threshold)
    by_row = np.stack(made.band_keys, 1)
    keys = [set(enumerate(row)) for row in by_row.tolist()]
    assert by_row.all() or not keys
    assert np.array_equal(made.values, (s.signatures.values * np.uint32(0x9E3779B1)) >> np.uint32(24))
    shape = choose_bands(threshold, s.signatures.num_perm)
    assert np.array_equal(by_row, band_keys(s.signatures, *shape) >> np.uint64(32))
    leaders: list[int] = []
    label_of: dict[int, int] = {0: -1}
    for exact, row in sorted((e, r) for r, e in enumerate(s.exact.tolist())):
        if exact in label_of:
            continue
        best = (-1.0, 0)
        for label, leader in enumerate(leaders):
            if s.signatures.n_shingles[row] and s.signatures.n_shingles[leader] and keys[row] & keys[leader]:
                agree = float((made.values[row] == made.values[leader]).mean())
                best = max(best, ((agree - 1 / 256) * 256 / 255, -label))
        if best[0] >= threshold - 1e-9:
            label_of[exact] = -best[1]
        else:
            label_of[exact] = len(leaders)
            leaders.append(row)
    return [label_of[e] for e in s.exact.tolist()], leaders


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), threshold=st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]), num_perm=st.sampled_from([16, 100, 128]))
def test_equals_the_model(seed: int, threshold: float, num_perm: int) -> None:
    rng = random.Random(seed)
    texts = [*families(rng, 6, 5), "", "abc", "abc", "abd", ""]
    texts += rng.choices(texts, k=10)
    rng.shuffle(texts)
    s = sketch(texts, key=Key(seed.to_bytes(16, "little")), num_perm=num_perm)
    c = cluster(s.signatures, s.exact, threshold)
    labels, leaders = model(s, threshold)
    assert c.labels.tolist() == labels and c.leaders.tolist() == leaders
    assert c.n_exact == len(texts) - len(set(s.exact.tolist()))
    assert c.n_budget_exceeded == 0


def by_text(texts: list[str], c: Clusters) -> dict[str, tuple[int, float]]:
    return {t: (label, sim) for t, label, sim in zip(texts, c.labels.tolist(), c.similarity.tolist(), strict=True)}


def test_independent_of_order_and_of_repeats(key: Key) -> None:
    rng = random.Random(5)
    texts = families(rng, 40, 6)
    s = sketch(texts, key=key)
    expected = by_text(texts, cluster(s.signatures, s.exact))
    assert len({label for label, _ in expected.values()}) < 100
    for _ in range(3):
        mixed = texts + rng.choices(texts, k=100)
        rng.shuffle(mixed)
        s = sketch(mixed, key=key)
        c = cluster(s.signatures, s.exact)
        assert by_text(mixed, c) == expected
        assert all(mixed.index(mixed[leader]) == leader for leader in c.leaders.tolist())


def test_families_are_found(key: Key) -> None:
    texts = families(random.Random(9), 300, 5)
    s = sketch(texts, key=key)
    labels = cluster(s.signatures, s.exact, 0.6).labels.reshape(300, 5)
    together = (labels == labels[:, :1]).all(1)
    assert together.mean() > 0.9
    assert len(np.unique(labels)) >= 300  # no two families in one cluster


def test_similarity_is_that_to_the_leader(key: Key) -> None:
    texts = ["", *families(random.Random(2), 20, 5), "ab"]
    s = sketch(texts, key=key)
    c = cluster(s.signatures, s.exact, 0.5)
    rows = c.labels >= 0
    estimated = estimate_jaccard(s.signatures[rows], s.signatures[c.leaders[c.labels[rows]]])
    estimated[s.signatures.n_shingles[rows] == 0] = 1
    assert np.abs(c.similarity[rows] - estimated).max() < 4 / 128 and (c.similarity[rows] >= 0.5).all()
    assert c.similarity[0] == 0 and (c.similarity[c.leaders] == 1).all()
    assert c.labels[c.leaders].tolist() == list(range(len(c)))


def test_a_drifting_chain_is_no_cluster(key: Key) -> None:
    """401 texts, each 1 % from the one before, the last without a shingle of the first."""
    rng = random.Random(11)
    words = [f"{rng.choice(WORDS)}{rng.randrange(1000)}" for _ in range(100)]
    chain = [" ".join(words)]
    for step in range(400):
        words[step % 100] = f"{rng.choice(WORDS)}{rng.randrange(1000)}"
        chain.append(" ".join(words))
    assert reference.jaccard(chain[0], chain[1], 5) > 0.97 and reference.jaccard(chain[0], chain[-1], 5) < 0.1
    s = sketch(chain, key=key)
    c = cluster(s.signatures, s.exact, 0.7)
    true = [reference.jaccard(chain[i], chain[c.leaders[label]], 5) for i, label in enumerate(c.labels.tolist())]
    assert min(true) >= 0.7 - 4 * np.sqrt(0.7 * 0.3 / 128)
    assert 8 <= len(c) <= 200


def test_identical_texts_are_one_cluster_and_fast(key: Key) -> None:
    s = sketch(["a hundred thousand accounts ask the same"] * 100_000, key=key)
    start = time.perf_counter()
    c = cluster(s.signatures, s.exact)
    assert time.perf_counter() - start < 2
    assert len(c) == 1 and (c.labels == 0).all() and c.n_exact == 99_999 and c.leaders.tolist() == [0]


def test_empty_texts_are_no_cluster(key: Key) -> None:
    s = sketch([""] * 500 + [" \u200b"] * 500, key=key)
    c = cluster(s.signatures, s.exact)
    assert len(c) == 0 and (c.labels == -1).all() and (c.similarity == 0).all() and c.n_exact == 999


def test_short_texts_cluster_with_equal_ones_only(key: Key) -> None:
    s = sketch(["yes", "no", "Yes ", "yes!", "no"], key=key)
    c = cluster(s.signatures, s.exact, 0.01)
    assert c.labels[0] == c.labels[2] and c.labels[1] == c.labels[4] and len(c) == 3


def crowd(n: int, num_perm: int = 128) -> tuple[Signatures, np.ndarray]:
    """Return n signatures that share the first band of the shape for 0.7 and nothing else: a slow flood."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**32, (n, num_perm), dtype=np.uint32)
    values[:, :6] = 7
    return Signatures(values, np.full(n, 99, np.int32), "crafted", ""), np.arange(1, n + 1, dtype=np.uint64)


def test_a_crowded_bucket_costs_no_more_than_the_budget(key: Key) -> None:
    assert choose_bands(0.7, 128) == (21, 6)

    def seconds(n: int) -> float:
        signatures, exact = crowd(n)
        start = time.perf_counter()
        c = cluster(signatures, exact)
        assert len(c) == n and c.n_budget_exceeded == n - 64
        return time.perf_counter() - start

    seconds(1000)
    assert seconds(40_000) < 8 * seconds(10_000) + 0.2  # quadratic work would take 16 times as long


def test_a_crowded_bucket_hides_no_match_in_another(key: Key) -> None:
    signatures, exact = crowd(5000)
    signatures.values[4000] = signatures.values[2000]
    signatures.values[4000, 120:] ^= 99
    c = cluster(signatures, exact)
    assert c.labels[4000] == c.labels[2000] and len(c) == 4999


def test_budget_compares_those_with_most_bands_first(key: Key) -> None:
    signatures, exact = crowd(400)
    signatures.values[:200, 6:12] = 8
    signatures.values[399, :100] = signatures.values[50, :100]
    c = cluster(signatures, exact, max_candidates=4)
    assert c.labels[399] == c.labels[50] and c.n_budget_exceeded > 300


@pytest.mark.parametrize("values", [0, 0xFFFFFFFF])
def test_extreme_values(values: int) -> None:
    signatures = Signatures(np.full((9, 32), values, np.uint32), np.full(9, 3, np.int32), "crafted", "")
    c = cluster(signatures, np.arange(1, 10, dtype=np.uint64), 1.0)
    assert len(c) == 1 and (c.similarity == 1).all()


def test_no_rows(key: Key) -> None:
    s = sketch([], key=key)
    c = cluster(s.signatures, s.exact)
    assert len(c) == 0 and len(c.labels) == 0 and c.n_exact == 0


def test_bad_arguments_are_refused(key: Key) -> None:
    s = sketch(["some text", "other text"], key=key)
    for threshold in (0, 1.5, float("nan")):
        with pytest.raises(ConfigError, match="threshold"):
            cluster(s.signatures, s.exact, threshold)
    with pytest.raises(ConfigError, match="max_candidates"):
        cluster(s.signatures, s.exact, max_candidates=0)
    with pytest.raises(ValueError, match="1 rows"):
        cluster(s.signatures, s.exact[:1])


def test_buckets_are_numbered_in_the_order_of_the_rows(key: Key) -> None:
    texts = [*families(random.Random(3), 60, 3), "ab", "", *(f"{i} {i * i} {i**3} {i**5} alone" for i in range(40))]
    s = sketch(texts, key=key)
    made = compact(s.signatures[np.unique(s.exact, return_index=True)[1]])
    before, rows = np.stack(made.band_keys), np.random.default_rng(0).permutation(len(made)).astype(np.int32)
    n_slots = number_buckets(made, rows)
    for keys, numbers, n in zip(before[:, rows], made.band_keys, n_slots.tolist(), strict=True):
        size = Counter(k for k, signed in zip(keys.tolist(), made.signed[rows].tolist(), strict=True) if signed)
        shared = [bool(signed) and size[k] > 1 for k, signed in zip(keys.tolist(), made.signed[rows].tolist(), strict=True)]
        assert (numbers > 0).tolist() == shared and sum(shared) == n
        taken = {(k, number) for k, number in zip(keys.tolist(), numbers.tolist(), strict=True) if number}
        runs = sorted((number - 1, size[k]) for k, number in taken)
        assert len({k for k, _ in taken}) == len(taken), "one number for each key"
        assert [start for start, _ in runs] == [sum(n for _, n in runs[:i]) for i in range(len(runs))], "runs of slots side by side"
    assert sum(n_slots) > 0 and not all(np.stack(made.band_keys).any(0))


def test_distinct_texts_cluster_as_any_do(key: Key) -> None:
    texts = [*families(random.Random(8), 50, 4), "ab", "xy"]
    s = sketch(texts, key=key)
    rows = np.unique(s.exact, return_index=True)[1]
    found, expected = cluster_distinct(compact(s.signatures[rows]), np.arange(len(rows), dtype=np.int32)), cluster(s.signatures, s.exact)
    assert found.labels.tolist() == expected.labels[rows].tolist() and rows[found.leaders].tolist() == expected.leaders.tolist()
    assert found.similarity.tolist() == expected.similarity[rows].tolist()


@pytest.mark.parametrize("max_candidates", [2, 64])
def test_threads_change_nothing(max_candidates: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of families, many in the same block, beside crowded buckets: most of what is found for a block is stale when it is settled."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**32, (600, 128), dtype=np.uint32)[rng.integers(0, 600, 9000)]
    changed = rng.random(values.shape) < rng.choice([0.1, 0.2, 0.35], len(values))[:, None]
    values[changed] = rng.integers(0, 2**32, int(changed.sum()), dtype=np.uint32)
    values[::3, :6] = 7
    signatures = Signatures(values, np.full(9000, 99, np.int32), "crafted", "")
    rows = rng.permutation(9000).astype(np.int32)
    monkeypatch.setattr(clusters, "SHARED_FROM", 0)
    one, *others = (cluster_distinct(compact(signatures), rows, max_candidates=max_candidates, threads=n) for n in (1, 2, 5))
    assert len(one) > 600 and one.n_budget_exceeded > 1000
    for other in others:
        assert np.array_equal(one.labels, other.labels) and np.array_equal(one.similarity, other.similarity)
        assert np.array_equal(one.leaders, other.leaders) and one.n_budget_exceeded == other.n_budget_exceeded
