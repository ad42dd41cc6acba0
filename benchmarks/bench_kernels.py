"""How fast the compiled core is, on one thread: text to sketches, clusters, words and vectors.

Run ``pytest benchmarks --benchmark-json=figures.json`` (``benchmarks/pytest.ini`` collects ``bench_*.py``), with ``--smoke`` to see that all of it
works, with ``-k 'en208 and avx512'`` for one figure. Rates of the best round and the description of the machine stand in the JSON. Each benchmark
compares its result with the plain Python reference of the tests before the clock starts.
"""

from __future__ import annotations

import numpy as np
import pytest
from conftest import Measure

from fingerprint import _core
from fingerprint.clusters import cluster
from fingerprint.encoders.static import StaticEncoder
from fingerprint.keys import Key
from fingerprint.lsh import choose_bands
from fingerprint.minhash import minhash
from fingerprint.sketch import exact_hashes, sketch
from fingerprint.words import split_words

reference = pytest.importorskip("reference", reason="the references in tests/ are not there")

N = 20_000
N_CHECKED = 4
THRESHOLD = 0.7
SHAPE = choose_bands(THRESHOLD, 128)
KINDS = ["en208", "en107", "zh", "mixed"]
every_isa = pytest.mark.parametrize("isa", _core.supported_isas())
every_kind = pytest.mark.parametrize("kind", KINDS)


def expected_hashes(key: Key, text: str) -> list[int]:
    """Return the shingle hashes of a text, by the reference."""
    hashes: list[int] = reference.shingle_hashes(key.material, reference.normalize(text)[0], 5)
    return hashes


@every_kind
@every_isa
def bench_minhash(measure: Measure, key: Key, kind: str, isa: str) -> None:
    """Text to MinHash."""
    corpus = measure.corpus(kind, N)
    found = minhash(corpus.column, key=key, threads=1, isa=isa)
    for row, text in enumerate(corpus.column[:N_CHECKED].to_pylist()):
        assert found.values[row].tolist() == reference.signature(key.material, expected_hashes(key, text), 128)
    measure(lambda: minhash(corpus.column, key=key, threads=1, isa=isa), corpus)


@every_kind
@every_isa
def bench_sketch_and_bands(measure: Measure, key: Key, kind: str, isa: str) -> None:
    """Text to MinHash, SimHash, exact hash and band keys."""
    corpus = measure.corpus(kind, N)

    made = sketch(corpus.column, key=key, bands=SHAPE, threads=1, isa=isa)
    keys = made.band_keys
    assert keys is not None
    for row, text in enumerate(corpus.column[:N_CHECKED].to_pylist()):
        hashes = expected_hashes(key, text)
        values = reference.signature(key.material, hashes, 128)
        assert made.signatures.values[row].tolist() == values and keys[row].tolist() == reference.band_keys(values, *SHAPE)
        assert int(made.fingerprints[row]) == reference.fingerprint(hashes)
        assert int(made.exact[row]) == reference.exact_hash(key.material, reference.normalize(text)[0])
    measure(lambda: sketch(corpus.column, key=key, bands=SHAPE, threads=1, isa=isa), corpus)


@every_isa
def bench_exact_hashes(measure: Measure, key: Key, isa: str) -> None:
    """Text to exact hashes, which tell repeats."""
    corpus = measure.corpus("en208", N)
    found = exact_hashes(corpus.column, key=key, threads=1, isa=isa)
    for row, text in enumerate(corpus.column[:N_CHECKED].to_pylist()):
        assert int(found[row]) == reference.exact_hash(key.material, reference.normalize(text)[0])
    measure(lambda: exact_hashes(corpus.column, key=key, threads=1, isa=isa), corpus)


def plain_labels(values: np.ndarray, exact: np.ndarray) -> list[int]:
    """Cluster distinct texts by the definition, comparing every text with every leader that shares a band."""
    keys = [set(reference.band_keys(row, *SHAPE)) for row in values.tolist()]
    leaders: list[int] = []
    labels = {}
    for row in np.argsort(exact).tolist():
        near = [(float((values[row] == values[leader]).mean()), -label) for label, leader in enumerate(leaders) if keys[row] & keys[leader]]
        similarity, label = max(near, default=(0.0, 0))
        labels[row] = -label if similarity >= THRESHOLD else len(leaders)
        if similarity < THRESHOLD:
            leaders.append(row)
    return [labels[row] for row in range(len(values))]


@pytest.mark.parametrize("kind", ["families", "en208"])
def bench_clusters(measure: Measure, key: Key, kind: str) -> None:
    """Signatures to clusters: families of near duplicates, and texts that have nothing in common."""
    corpus = measure.corpus(kind, 2 * N)
    made = sketch(corpus.column, key=key)
    part = cluster(made.signatures[:400], made.exact[:400], THRESHOLD)
    assert len(set(made.exact[:400].tolist())) == len(part.labels)
    assert part.labels.tolist() == plain_labels(made.signatures.values[:400], made.exact[:400])
    measure(lambda: cluster(made.signatures, made.exact, THRESHOLD), corpus, rounds=5)


@every_kind
@every_isa
def bench_static_encoding(measure: Measure, monkeypatch: pytest.MonkeyPatch, kind: str, isa: str) -> None:
    """Text to vectors of the static encoder."""
    reference_static = pytest.importorskip("reference_static", reason="the reference needs tokenizers, which is not installed", exc_type=ImportError)
    monkeypatch.setenv("FINGERPRINT_ISA", isa)
    corpus = measure.corpus(kind, N)
    encoder = StaticEncoder(threads=1)
    model = reference_static.shipped()
    texts = corpus.column[:N_CHECKED].to_pylist()
    assert np.allclose(encoder.encode(texts), [model.encode(text) for text in texts], rtol=0, atol=2e-7)
    measure(lambda: encoder.encode(corpus.column), corpus)


@every_kind
def bench_words(measure: Measure, key: Key, kind: str) -> None:
    """Text to hashed words with their places."""
    corpus = measure.corpus(kind, N // 2)
    texts = corpus.column.to_pylist()
    words = split_words(texts, key)
    span = slice(0, int(words.offsets[N_CHECKED]))
    for start, end, found in zip(words.starts[span].tolist(), words.ends[span].tolist(), words.hashes[span].tolist(), strict=True):
        word = words.text(start, end)
        if word.isascii():
            assert found == reference.siphash(key.material, word.lower().encode(), 1, 3)
    measure(lambda: split_words(texts, key), corpus)
