"""Leader clustering: equal to a plain model, indifferent to order, no chains, no quadratic buckets, no clusters of nothing."""

from __future__ import annotations

import gc
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint import _core, clusters
from fingerprint.clusters import Clusters, Compact, buckets, cluster, cluster_distinct, compact
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


def test_a_bucket_follows_its_first_leaders_only(key: Key) -> None:
    signatures, exact = crowd(400)
    for leader, row in ((3, 398), (4, 399)):
        signatures.values[row, 1:110] = signatures.values[leader, 1:110]
        signatures.values[row, 6::6] ^= 1 << 31  # no band but the first is shared
    c = cluster(signatures, exact, max_candidates=4)
    assert c.labels[398] == c.labels[3] and c.labels[399] != c.labels[4] and c.n_budget_exceeded == 396
    assert cluster(signatures, exact, max_candidates=5).labels[399] == c.labels[4]


def plainly(made: Compact, least: int, max_candidates: int) -> tuple[list[int], int]:
    """Cluster by the definition, rows in their order, where buckets may be crowded; return labels and the number of rows beyond a full bucket."""
    sizes = [Counter(k for k, signed in zip(column.tolist(), made.signed, strict=True) if signed and k) for column in made.band_keys]
    led: dict[tuple[int, int], list[int]] = {}
    labels: list[int] = []
    n_exceeded = n_leaders = 0
    for row in range(len(made)):
        shared = [(b, int(column[row])) for b, column in enumerate(made.band_keys) if made.signed[row] and sizes[b][int(column[row])] > 1]
        n_exceeded += any(len(led.get(bucket, [])) >= max_candidates for bucket in shared)
        equal = {leader: int((made.values[row] == made.values[leader]).sum()) for bucket in shared for leader in led.get(bucket, [])[:max_candidates]}
        best = max(((n, -leader) for leader, n in equal.items() if n >= least), default=None)
        labels.append(labels[-best[1]] if best else n_leaders)
        if not best:
            n_leaders += 1
            for bucket in shared:
                led.setdefault(bucket, []).append(row)
    return labels, n_exceeded


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 700), max_candidates=st.sampled_from([1, 2, 5, 64]), threads=st.sampled_from([1, 3]))
def test_crowded_buckets_equal_the_model(seed: int, n: int, max_candidates: int, threads: int) -> None:
    """Few keys, so that most buckets are crowded and fill up within a block of rows, and among them rows that are alike."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 3, (max(1, n // 4), 16), dtype=np.uint8)[rng.integers(0, max(1, n // 4), n)]
    values[rng.random((n, 16)) < 0.1] += 1
    keys = [rng.integers(0, 4 * n, n, dtype=np.uint32) // rng.integers(1, n + 1, n, dtype=np.uint32) for _ in range(3)]
    made = Compact(values, keys, rng.random(n) < 0.95)
    labels, n_exceeded = plainly(made, 12, max_candidates)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clusters, "SHARED_FROM", 0)
        patched.setattr(clusters, "CHANCE", 0.0)
        found = cluster_distinct(made, np.arange(n, dtype=np.int32), 12 / 16, max_candidates=max_candidates, threads=threads)
    assert found.labels.tolist() == labels and found.n_budget_exceeded == n_exceeded


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


@pytest.mark.parametrize("max_candidates", [1, 3, 64])
@pytest.mark.parametrize("n", [0, 1, 240, 9000])
def test_buckets_hold_the_positions_that_share_a_key(n: int, max_candidates: int) -> None:
    rng = np.random.default_rng(n)
    keys = [(rng.integers(0, 2**32, max(n // 3, 1), dtype=np.uint32) * np.uint32(rng.integers(0, 2)))[rng.integers(0, max(n // 3, 1), n)] for _ in range(3)]
    keys[0][rng.random(n) < 0.3] = 7  # crowded
    made = Compact(np.zeros((n, 9), np.uint8), keys, rng.random(n) < 0.9)
    before, rows = np.stack(keys), rng.permutation(n).astype(np.int32)
    for column, band in zip(before[:, rows].tolist(), buckets(made, rows, max_candidates), strict=True):
        places: dict[int, list[int]] = {}
        for position, (key, signed) in enumerate(zip(column, made.signed[rows].tolist(), strict=True)):
            if signed and key:
                places.setdefault(key, []).append(position)
        shared = [positions for positions in places.values() if len(positions) > 1]
        assert sorted(map(sorted, band.runs())) == sorted(shared)
        assert all(run == sorted(run) for run in band.runs() if len(run) > max_candidates)
        assert band.n_slots == 1 + sum(len(run) + 3 * (len(run) > max_candidates) for run in shared)


def test_distinct_texts_cluster_as_any_do(key: Key) -> None:
    texts = [*families(random.Random(8), 50, 4), "ab", "xy"]
    s = sketch(texts, key=key)
    rows = np.unique(s.exact, return_index=True)[1]
    found, expected = cluster_distinct(compact(s.signatures[rows]), np.arange(len(rows), dtype=np.int32)), cluster(s.signatures, s.exact)
    assert found.labels.tolist() == expected.labels[rows].tolist() and rows[found.leaders].tolist() == expected.leaders.tolist()
    assert found.similarity.tolist() == expected.similarity[rows].tolist()


def test_an_interrupt_while_threads_look_harms_nothing() -> None:
    """The threads go on with their part for a moment; what they read and write must still be there."""
    made = compact(Signatures(np.random.default_rng(0).integers(0, 2, (30_000, 128), dtype=np.uint32), np.full(30_000, 9, np.int32), "crafted", ""), 0.3)
    rows, best = np.arange(30_000, dtype=np.int32), np.empty(30_000, np.uint64)
    bands = buckets(made, rows)
    with ThreadPoolExecutor(3) as pool:
        futures: list[Future[None]] = []

        def cut(part: Callable[..., None], *bounds: Iterable[int]) -> Iterable[None]:
            futures.extend(pool.submit(part, *given) for given in zip(*bounds, strict=True))
            if len(futures) > 30:
                raise KeyboardInterrupt
            return [future.result() for future in futures]

        with pytest.raises(KeyboardInterrupt):
            _core.cluster_rows(made.values, rows, bands, 40, best, map=cut, n_parts=3)
        del bands, best, made
        gc.collect()
        assert [future.result() for future in futures] == [None] * len(futures)


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
