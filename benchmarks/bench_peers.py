"""How fast other libraries do the same from text on one core: datasketch, rensa and gaoya for MinHash, model2vec for vectors.

Run as ``bench_kernels.py``. A library that is not installed is skipped. All sign character 5-grams with 128 values (gaoya: 126, in bands) and,
before the clock starts, must estimate similarity as well as that allows; what the shingles of a text cost is part of what they cost.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from conftest import Measure

reference = pytest.importorskip("reference", reason="the references in tests/ are not there")

N = 2_000
KINDS = ["en208", "zh"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def shingles(text: str) -> set[str]:
    """Return the distinct character 5-grams."""
    return {text[i : i + 5] for i in range(len(text) - 4)}


def check_estimates(estimate: Callable[[str, str], float], texts: list[str]) -> None:
    """Compare a text with ever larger parts of it: estimates stay within five standard errors of the truth."""
    whole = texts[0]
    for share in (0.3, 0.6, 0.9, 1.0):
        part = whole[: int(len(whole) * share)]
        true = reference.jaccard(whole, part, 5)
        assert abs(estimate(whole, part) - true) <= 5 * np.sqrt(true * (1 - true) / 128) + 1e-9


@every_kind
def bench_datasketch(measure: Measure, kind: str) -> None:
    """datasketch.MinHash with its defaults."""
    datasketch = pytest.importorskip("datasketch", reason="datasketch is not installed", exc_type=ImportError)
    corpus = measure.corpus(kind, N)
    texts = corpus.column.to_pylist()

    def sign(text: str) -> object:
        made = datasketch.MinHash(num_perm=128)
        made.update_batch([shingle.encode() for shingle in shingles(text)])
        return made

    check_estimates(lambda a, b: sign(a).jaccard(sign(b)), texts)  # type: ignore[attr-defined]
    measure(lambda: [sign(text) for text in texts], corpus, rounds=3)


@every_kind
def bench_rensa(measure: Measure, kind: str) -> None:
    """rensa.RMinHash over batches, its fastest way from tokens."""
    rensa = pytest.importorskip("rensa", reason="rensa is not installed", exc_type=ImportError)
    corpus = measure.corpus(kind, 5 * N)
    texts = corpus.column.to_pylist()

    def estimate(a: str, b: str) -> float:
        x, y = rensa.RMinHash.from_token_sets([shingles(a), shingles(b)], 128, 1)
        return float(x.jaccard(y))

    check_estimates(estimate, texts)
    measure(lambda: rensa.RMinHash.digest_matrix_from_token_sets([shingles(text) for text in texts], 128, 1), corpus, rounds=5)


@every_kind
def bench_gaoya(measure: Measure, kind: str) -> None:
    """gaoya's index: it signs texts in Rust and cannot be had without the bands, so that insertion is in the figure."""
    gaoya = pytest.importorskip("gaoya.minhash", reason="gaoya is not installed", exc_type=ImportError)
    corpus = measure.corpus(kind, N)
    texts = corpus.column.to_pylist()

    def index() -> object:
        return gaoya.MinHashStringIndex(32, 0.01, 63, 2, None, "char", True, (5, 5), "vec")

    def estimate(a: str, b: str) -> float:
        made = index()
        made.insert_document(1, b)  # type: ignore[attr-defined]
        return float(dict(made.query(a, True)).get(1, 0.0))  # type: ignore[attr-defined]

    def insert() -> None:
        made = index()
        for i, text in enumerate(texts):
            made.insert_document(i, text)  # type: ignore[attr-defined]

    check_estimates(estimate, texts)
    measure(insert, corpus, rounds=5)


@pytest.mark.parametrize("kind", ["en107", "zh"])
def bench_model2vec(measure: Measure, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """model2vec.StaticModel over the rows of our table, so that it needs no download and must agree with us on English words."""
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    model2vec = pytest.importorskip("model2vec", reason="model2vec is not installed or lacks a dependency", exc_type=ImportError)
    reference_static = pytest.importorskip("reference_static", reason="tokenizers is not installed", exc_type=ImportError)
    from fingerprint.encoders.static import StaticEncoder

    corpus = measure.corpus(kind, N)
    texts = corpus.column.to_pylist()
    rows, tokenizer = reference_static.rows_and_tokenizer()
    model = model2vec.StaticModel(vectors=rows, tokenizer=tokenizer, normalize=True)
    if kind == "en107":
        ours, theirs = StaticEncoder().encode(texts[:20]), model.encode(texts[:20], use_multiprocessing=False)
        assert (ours * theirs).sum(axis=1).min() > 0.99
    measure(lambda: model.encode(texts, use_multiprocessing=False), corpus, rounds=5)
