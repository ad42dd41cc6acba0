"""Threads, batches and signals: no split changes a result, and a long call can be interrupted."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from test_isa import same

from fingerprint.errors import ConfigError
from fingerprint.keys import Key
from fingerprint.sketch import exact_hashes, sketch

sketch_module = sys.modules["fingerprint.sketch"]  # as an attribute of the package, the name is the function


@pytest.fixture(scope="module")
def column() -> pa.Array:
    rng = np.random.default_rng(4)
    words = np.array(["plain", "Words", "ünïcode", "你好", "\u200b", "42", "", "e\u0301"])
    texts = [" ".join(rng.choice(words, rng.integers(0, 30))) for _ in range(3000)]
    return pa.array([None if i % 97 == 0 else text for i, text in enumerate(texts)], pa.string())


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_thread_count_does_not_matter(column: pa.Array, key: Key, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = sketch(column, key=key, threads=1)
    monkeypatch.setattr(sketch_module, "_ROWS_PER_TASK", 37)
    assert same(sketch(column, key=key, threads=threads), expected)
    monkeypatch.setattr(sketch_module, "_BYTES_PER_TASK", 100)
    assert same(sketch(column, key=key, threads=threads), expected)
    assert np.array_equal(exact_hashes(column, key=key, threads=threads), expected.exact)


def test_batches_do_not_matter(column: pa.Array, key: Key) -> None:
    expected = sketch(column, key=key)
    for cuts in ([1, 2, 3], [8, 64, 1000], list(range(0, 3000, 131))):
        borders = [0, *cuts, len(column)]
        chunks = [column[a:b] for a, b in pairwise(borders)]
        assert same(sketch(pa.chunked_array(chunks), key=key), expected)


def test_row_order_does_not_matter(column: pa.Array, key: Key) -> None:
    order = np.random.default_rng(1).permutation(len(column))
    expected, shuffled = sketch(column, key=key), sketch(column.take(pa.array(order)), key=key)
    assert np.array_equal(shuffled.signatures.values, expected.signatures.values[order])
    assert np.array_equal(shuffled.exact, expected.exact[order])


def test_callers_threads_share_a_column(column: pa.Array, key: Key) -> None:
    expected, barrier = sketch(column, key=key, threads=1), threading.Barrier(4)

    def run(_: int) -> bool:
        barrier.wait()
        return all(same(sketch(column, key=key, threads=1), expected) for _ in range(3))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, range(4)))


def test_another_process_gets_the_same(column: pa.Array, key: Key) -> None:
    code = "import fingerprint; print(fingerprint.sketch(['a text to sign'], key=fingerprint.Key(bytes(16))).exact[0])"
    source = str(Path(str(sketch_module.__file__)).parents[1])
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": "7", "FINGERPRINT_ISA": "scalar"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) == int(sketch(["a text to sign"], key=Key(bytes(16))).exact[0])


@pytest.mark.parametrize("threads", [1, 2])
def test_a_long_call_is_interruptible(key: Key, threads: int) -> None:
    column = pa.concat_arrays([pa.array(["some words " * 20] * 20_000)] * 50)
    received = []

    class Interrupted(Exception):
        pass

    def handler(*_: object) -> None:
        received.append(1)
        raise Interrupted

    before = signal.signal(signal.SIGALRM, handler)
    gc.disable()  # hypothesis hangs a Python callback on the collector; an exception of the handler inside that is lost to any caller
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interrupted):
            sketch(column, key=key, threads=threads, isa="scalar")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    assert received == [1]


def test_a_failure_in_a_thread_reaches_the_caller(column: pa.Array, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketch_module, "_ROWS_PER_TASK", 100)
    monkeypatch.setenv("FINGERPRINT_ISA", "none")
    with pytest.raises(ValueError, match="none"):
        sketch(column, key=key, threads=2)


def test_no_threads_are_refused(key: Key) -> None:
    with pytest.raises(ConfigError, match="threads"):
        sketch(["text"], key=key, threads=0)
