"""Hostile input to the compiled core: interrupts, floods, crafted signatures, offsets that point elsewhere, arguments that do not fit."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import reference

from fingerprint import _core
from fingerprint.clusters import Clusters, cluster
from fingerprint.encoders.static import StaticEncoder
from fingerprint.errors import ConfigError
from fingerprint.keys import Key
from fingerprint.lsh import band_keys, choose_bands
from fingerprint.minhash import estimate_jaccard, minhash
from fingerprint.sketch import FLAG_MARKS, Signatures, sketch
from fingerprint.words import split_words

SOURCE = str(Path(_core.__file__).parents[1])
# Debug, sanitizer and tracing builds are slow; whoever tests one sets the variable that it was built with (see setup.py).
PATIENCE = 1 if not any(os.environ.get(f"FINGERPRINT_{build}", "") not in ("", "0") for build in ("DEBUG", "SANITIZE", "TRACE")) else 20
INTERRUPTED = """
import sys
import pyarrow as pa
from fingerprint import Key, sketch
column = pa.concat_arrays([pa.array(["some words of a prompt " * 12] * 20_000)] * 100)
print("ready", flush=True)
try:
    sketch(column, key=Key(bytes(16)), threads=int(sys.argv[1]), isa="scalar")
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_interrupt_ends_a_long_sketch_within_a_second(threads: str) -> None:
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    command = [sys.executable, "-c", INTERRUPTED, threads]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # the call takes some ten seconds
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        said = process.stdout.readline()
        elapsed = time.perf_counter() - start
        process.kill()
    assert said == "interrupted\n" and elapsed < PATIENCE


def best_seconds(run: Callable[[], Any], rounds: int = 5) -> float:
    """Return the time of the fastest of some runs."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


MARKS = ["\u0301", "\u0301\u0316", "\u0345\u0301", "\u0316\u0301\u0327\u0345", "\u0f71\u0f72\u0f74"]


@pytest.mark.parametrize("marks", MARKS)
def test_work_on_combining_marks_is_linear(marks: str, key: Key) -> None:
    """Sorting all marks behind one letter would take 64 times as long for 8 times as many."""
    short, long = (pa.array(["a" + marks * (n // len(marks))], pa.large_string()) for n in (50_000, 400_000))
    seconds = best_seconds(lambda: sketch(long, key=key, threads=1))
    assert seconds < 24 * best_seconds(lambda: sketch(short, key=key, threads=1)) + 0.005
    s = sketch(long, key=key)
    assert s.flags.tolist() == [FLAG_MARKS] and s.n_chars[0] <= 1 + 30 * 2


def test_marks_cost_no_more_than_letters(key: Key) -> None:
    n = 500_000
    letters, marks = (pa.array([text], pa.large_string()) for text in ("é" * n, "a" + "\u0316\u0301" * (n // 2)))
    assert best_seconds(lambda: sketch(marks, key=key, threads=1)) < 4 * best_seconds(lambda: sketch(letters, key=key, threads=1))


THRESHOLD = 0.7
SURELY = THRESHOLD - 4 / 128  # bytes of unequal values may agree
SHAPE = choose_bands(THRESHOLD, 128)


def crafted(values: npt.NDArray[np.uint32]) -> Clusters:
    """Cluster signatures in the order of their rows."""
    signatures = Signatures(values, np.full(len(values), 50, np.int32), "crafted", "")
    return cluster(signatures, np.arange(1, len(values) + 1, dtype=np.uint64), THRESHOLD)


def least_similarity(values: npt.NDArray[np.uint32], found: Clusters) -> float:
    """Return the least share of equal values between a row and its leader."""
    return float((values == values[found.leaders[found.labels]]).mean(axis=1).min())


def random_values(n: int) -> npt.NDArray[np.uint32]:
    return np.random.default_rng(n).integers(0, 2**32, (n, 128), dtype=np.uint32)


def test_a_flooded_bucket_makes_no_cluster() -> None:
    values = random_values(20_000)
    values[:, : SHAPE[1]] = 1
    found = crafted(values)
    assert len(found) == 20_000 and found.n_budget_exceeded > 19_000
    assert least_similarity(values, found) == 1


def test_many_flooded_buckets_are_bounded() -> None:
    """Every row shares every other band with all others, which is just short of the threshold."""
    values = random_values(6000)
    values[:, : 128 * 6 // 10] = 9

    def run(n: int) -> Callable[[], Clusters]:
        return lambda: crafted(values[:n])

    found = run(6000)()
    assert len(found) == 6000 and least_similarity(values, found) >= SURELY
    assert best_seconds(run(6000), 2) < 12 * best_seconds(run(1500), 2) + 0.05  # quadratic: 16


def test_a_chain_of_signatures_does_not_grow_one_cluster() -> None:
    """Each row differs from the one before in two values; those far apart have nothing in common."""
    values = np.repeat(random_values(1), 3000, axis=0)
    fresh = random_values(3000)
    for row in range(1, len(values)):
        at = [2 * row % 128, (2 * row + 1) % 128]
        values[row:, at] = fresh[row, at]
    found = crafted(values)
    assert least_similarity(values, found) >= SURELY
    assert len(found) >= 3000 // 128 and np.bincount(found.labels).max() <= 128


def test_bridges_between_two_leaders_merge_nothing() -> None:
    first, second = random_values(2)
    mixtures = np.where(np.arange(128) < np.linspace(0, 128, 65)[:, None], first, second).astype(np.uint32)
    values = np.concatenate([first[None], second[None], np.repeat(mixtures, 10, axis=0)])
    found = crafted(values)
    assert least_similarity(values, found) >= SURELY and found.labels[0] != found.labels[1]


@pytest.mark.parametrize("shape", [(4, 2**62), (2**62, 4), (2**32, 2**32), (1, 129), (129, 1), (64, 3), (0, 1), (1, 0), (-1, -1), (1, -(2**63))])
def test_bands_that_do_not_fit_are_refused(shape: tuple[int, int], key: Key) -> None:
    """The product of the first three overflows to 0."""
    signatures = minhash(["some text to sign"], key=key)
    values = signatures.values
    with pytest.raises(ConfigError, match="fit"):
        _core.compact_rows(values, shape[1], np.empty(values.shape, np.uint8), np.empty((min(max(shape[0], 0), 2048), 1), np.uint32))
    if shape[0] <= 1024:
        with pytest.raises(ConfigError, match=r"fit|at least 1"):
            band_keys(signatures, *shape)


@pytest.mark.parametrize(("name", "value"), [("min_equal", 0), ("rows", -1), ("rows", 2), ("bands", 0), ("bands", 65), ("n_parts", 0), ("n_parts", 2000)])
def test_cluster_rows_refuses_what_it_cannot_follow(name: str, value: int) -> None:
    given = {"rows": 1, "min_equal": 90, "bands": 1, "n_parts": 1, name: value}
    rows, signed = np.array([0, given["rows"]], np.int32), np.ones(2, np.uint8)
    bands = [_core.bucket_rows(np.ones(2, np.uint32), np.arange(2, dtype=np.int32), signed, 64) for _ in range(given["bands"])]
    with pytest.raises(ValueError, match=r"range|beyond|fit|parts"):
        _core.cluster_rows(np.zeros((2, 64), np.uint8), rows, bands, given["min_equal"], np.zeros(2, np.uint64), n_parts=given["n_parts"])


def test_cluster_rows_refuses_buckets_of_something_else() -> None:
    values, order = np.zeros((2, 16), np.uint8), np.arange(2, dtype=np.int32)
    one, other = (_core.bucket_rows(np.ones(2, np.uint32), order, np.ones(2, np.uint8), n) for n in (64, 65))
    few = _core.bucket_rows(np.ones(1, np.uint32), order[:1], np.ones(1, np.uint8), 64)
    for bands in ([one, other], [few]):
        with pytest.raises(ValueError, match=r"one max_candidates|buckets"):
            _core.cluster_rows(values, order, bands, 9, np.zeros(2, np.uint64))
    with pytest.raises(TypeError):
        _core.cluster_rows(values, order, [None], 9, np.zeros(2, np.uint64))  # type: ignore[list-item]
    with pytest.raises(ValueError, match="best"):
        _core.cluster_rows(values, order, [one], 9, np.zeros(3, np.uint64))


@pytest.mark.parametrize("max_candidates", [0, -1, 2**20 + 1])
def test_bucket_rows_refuse_budgets_out_of_range(max_candidates: int) -> None:
    with pytest.raises(ValueError, match="range"):
        _core.bucket_rows(np.zeros(1, np.uint32), np.zeros(1, np.int32), np.ones(1, np.uint8), max_candidates)


@pytest.mark.parametrize("wrong", [
    {"compact": (1, 127)}, {"half_keys": (1, 21)}, {"compact": (1, 127), "half_keys": (1, 21)}, {"compact": (2, 128), "half_keys": (1, 21)},
    {"compact": (1, 128), "half_keys": (2, 21)}, {"compact": (1, 128), "half_keys": (1, 22)}, {"compact": (1, 128), "half_keys": (1, 0)},
    {"band_keys": (1, 22)}, {"band_keys": (2, 21)}, {"band_keys": (1, 20), "compact": (1, 128), "half_keys": (1, 21)}])
def test_outputs_of_bands_that_do_not_fit_are_refused(wrong: dict[str, tuple[int, int]], key: Key) -> None:
    kinds = {"compact": np.uint8, "half_keys": np.uint32, "band_keys": np.uint64}
    arrays: dict[str, Any] = {name: np.zeros(shape, kinds[name]) for name, shape in wrong.items()}
    with pytest.raises(ValueError, match=r"fit|rows|columns|together"):
        _core.sketch_rows(key.material, np.frombuffer(b"some text", np.uint8), np.array([0, 9]), None, 0, 128, 5, rows_per_band=6, **arrays)


def test_cluster_rows_says_that_its_file_ends_too_early(tmp_path: Path) -> None:
    values, order = np.zeros((2, 16), np.uint8), np.arange(2, dtype=np.int32)
    (tmp_path / "values").write_bytes(values.tobytes()[:20])
    with (tmp_path / "values").open("rb") as file:
        for descriptor in (file.fileno(), 9999):
            with pytest.raises(OSError, match="read"):
                band = _core.bucket_rows(np.ones(2, np.uint32), order, np.ones(2, np.uint8), 1)
                _core.cluster_rows(values, order, [band], 1, np.zeros(2, np.uint64), file=descriptor)


def test_bucket_and_order_rows_refuse_places_that_are_none() -> None:
    for row in (-1, 1):
        with pytest.raises(ValueError, match="beyond"):
            _core.bucket_rows(np.zeros(1, np.uint32), np.array([row], np.int32), np.ones(1, np.uint8), 64)
    for group, start in (([-1], [0]), ([1], [0]), ([0], [1]), ([0], [-1])):
        with pytest.raises(ValueError, match="group"):
            _core.order_rows(np.array(group, np.int32), np.array(start, np.int64), np.zeros(1, np.int32))
    out = np.full(3, -1, np.int32)
    _core.order_rows(np.zeros(3, np.int32), np.array([2]), out)  # room for one
    assert out.tolist() == [-1, -1, 0]


@pytest.mark.parametrize(("n_slots", "n_known", "n"), [(0, 0, 0), (1, 0, 1), (4, 0, 4), (4, 2, 2), (4, -1, 1), (4, 2**31 - 1, 1)])
def test_intern_rows_refuses_a_table_without_room(n_slots: int, n_known: int, n: int) -> None:
    with pytest.raises(ValueError, match="room"):
        _core.intern_rows(np.ones(n, np.uint64), np.zeros(n_slots, np.uint64), np.zeros(n_slots, np.int32), n_known, np.zeros(n, np.int32))


def test_intern_rows_survives_hashes_of_one_slot() -> None:
    """Who knows the key could make hashes that begin alike; they cost time and nothing else."""
    exact = np.array([2**63 + 7, 2**63 + 1, 2**63 + 7, 0, 2**64 - 1, 2**63], np.uint64)
    out = np.empty(6, np.int32)
    assert _core.intern_rows(exact, np.zeros(16, np.uint64), np.zeros(16, np.int32), 0, out) == 4
    assert out.tolist() == [0, 1, 0, -1, 2, 3]


Buffers = tuple[npt.NDArray[np.uint8], npt.NDArray[Any], npt.NDArray[np.uint8] | None, int]
ENCODER = StaticEncoder()


def call_sketch(*buffers: Any) -> None:
    _core.sketch_rows(bytes(16), *buffers, 16, 5, exact=np.empty(2, np.uint64))


def call_normalize(*buffers: Any) -> None:
    _core.normalize_rows(*buffers, np.empty(3, np.int64))


def call_words(*buffers: Any) -> None:
    room = np.array([0, 8, 16], np.int64)
    _core.word_rows(bytes(16), *buffers, room, np.empty(16, np.uint64), np.empty(16, np.int32), np.empty(16, np.int32), np.empty(2, np.int32))


def call_encode(*buffers: Any) -> None:
    ENCODER._table.encode_rows(*buffers, 192, 320, np.empty((2, ENCODER.dim), np.float32))


ENTRIES = [call_sketch, call_normalize, call_words, call_encode]
OFFSETS: list[tuple[type, list[int]]] = [
    (np.int32, [0, 4, 9]),
    (np.int32, [0, 9, 8]),
    (np.int32, [5, 4, 8]),
    (np.int32, [-1, 4, 8]),
    (np.int32, [0, -4, 8]),
    (np.int32, [0, 4, -(2**31)]),
    (np.int64, [0, 4, 2**63 - 1]),
    (np.int64, [0, 2**63 - 1, 8]),
    (np.int64, [-(2**63), 2**63 - 1, 8]),
    (np.int64, [2**62, 2**62, 2**62]),
    (np.int64, [8, 2**32, 2**32 + 1]),
]


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(("dtype", "offsets"), OFFSETS)
def test_hostile_offsets_are_refused(entry: Callable[..., None], dtype: type, offsets: list[int]) -> None:
    with pytest.raises(ValueError, match=r"row [01]: its offsets"):
        entry(np.zeros(8, np.uint8), np.array(offsets, dtype), None, 0)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(("n_bytes", "bit"), [(0, 0), (1, 7), (1, 8), (1, -1), (1, 2**63 - 1), (1, -(2**63)), (2, 2**63 - 2)])
def test_validity_that_is_too_short_is_refused(entry: Callable[..., None], n_bytes: int, bit: int) -> None:
    with pytest.raises(ValueError, match="bitmap"):
        entry(np.zeros(8, np.uint8), np.array([0, 4, 8]), np.zeros(n_bytes, np.uint8), bit)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("offsets", [np.array([0.0, 4.0, 8.0]), np.array([0, 4, 8], np.uint64), np.array([0, 0, 4, 0, 8, 0])[::2], None, b"abc"])
def test_offsets_of_another_kind_are_refused(entry: Callable[..., None], offsets: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        entry(np.zeros(8, np.uint8), offsets, None, 0)


@pytest.mark.parametrize("entry", ENTRIES)
def test_rows_within_the_data_are_read_whatever_they_hold(entry: Callable[..., None]) -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        data = rng.integers(0, 256, 8, dtype=np.uint8)
        entry(data, np.sort(rng.integers(0, 9, 3)), rng.integers(0, 256, 2, dtype=np.uint8), int(rng.integers(0, 15)))


def word_arguments(**changes: Any) -> list[Any]:
    """Return the arguments of word_rows for two texts of two words each, some of them changed."""
    arguments = {
        "key": bytes(16),
        "data": np.frombuffer(b"one two, six ten", np.uint8),
        "offsets": np.array([0, 7, 16]),
        "validity": None,
        "validity_offset": 0,
        "room": np.array([0, 7, 16]),
        "hashes": np.zeros(16, np.uint64),
        "starts": np.zeros(16, np.int32),
        "ends": np.zeros(16, np.int32),
        "counts": np.zeros(2, np.int32),
    }
    return list({**arguments, **changes}.values())


def test_word_rows_writes_only_into_the_room_of_a_row() -> None:
    arguments = word_arguments(hashes=np.full(16, 7, np.uint64))
    _core.word_rows(*arguments)
    assert arguments[-1].tolist() == [2, 3]
    assert [i for i, h in enumerate(arguments[6].tolist()) if h != 7] == [0, 1, 7, 8, 9]


WORD_CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "short key": ({"key": bytes(15)}, "16 bytes"),
    "short room": ({"room": np.array([0, 7])}, "room has 2 rows"),
    "room beyond": ({"room": np.array([0, 7, 17])}, "row 1: its room"),
    "room before": ({"room": np.array([-1, 7, 16])}, "row 0: its room"),
    "room far before": ({"room": np.array([-(2**63), 2**63 - 1, 16])}, "row 0: its room"),
    "room far behind": ({"room": np.array([2**63 - 8, 2**63 - 1, 16])}, "row 0: its room"),
    "room out of order": ({"room": np.array([9, 2, 16])}, "row 0: its room"),
    "room too small": ({"room": np.array([0, 6, 16])}, "row 0 has room for 6"),
    "short starts": ({"starts": np.zeros(15, np.int32)}, "starts has 15"),
    "short ends": ({"ends": np.zeros(15, np.int32)}, "ends has 15"),
    "short counts": ({"counts": np.zeros(1, np.int32)}, "counts has 1"),
    "no offsets": ({"offsets": np.zeros(0, np.int64)}, "offsets"),
    "narrow hashes": ({"hashes": np.zeros(16, np.uint32)}, "Buffer dtype"),
}


@pytest.mark.parametrize("change", WORD_CHANGES)
def test_word_rows_refuses_what_does_not_fit(change: str) -> None:
    changes, message = WORD_CHANGES[change]
    arguments = word_arguments(**changes)
    before = [a.copy() for a in arguments[6:]]
    with pytest.raises(ValueError, match=message):
        _core.word_rows(*arguments)
    assert all(np.array_equal(a, b) for a, b in zip(arguments[6:], before, strict=True))


def test_outputs_that_are_read_only_are_refused() -> None:
    frozen = np.zeros(2, np.int32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        _core.word_rows(*word_arguments(counts=frozen))


def seconds_for_words(text: str) -> float:
    """Return the time that the words of one text take, without the copy of it that Arrow makes."""
    _, offsets, data = pa.array([text], pa.large_string()).buffers()
    outputs = np.empty(_core.MAX_WORDS, np.uint64), np.empty(_core.MAX_WORDS, np.int32), np.empty(_core.MAX_WORDS, np.int32), np.zeros(1, np.int32)
    buffers = np.frombuffer(data, np.uint8), np.frombuffer(offsets, np.int64), None, 0
    return best_seconds(lambda: _core.word_rows(bytes(16), *buffers, np.array([0, _core.MAX_WORDS]), *outputs))


@pytest.mark.parametrize("unit", ["a ", "!", "x", "\u0301", "\u200b", "你", "\U0001f600", "\ufdfa"])
def test_words_of_a_huge_text_are_bounded(unit: str, key: Key) -> None:
    huge, large = (unit * (n // len(unit.encode())) for n in (8_000_000, 200_000))
    assert np.diff(split_words([huge], key).offsets)[0] <= _core.MAX_WORDS
    assert seconds_for_words(huge) < 4 * seconds_for_words(large) + 0.001  # both are read at the ends only; all of it would be 40 times as much


SENTENCES = [
    "Explain step by step how a transformer model attends to earlier tokens.",
    "def binary_search(items, wanted):\n    low, high = 0, len(items) - 1",
    "请用简单的语言解释量子纠缠的基本原理，并举一个例子。",
    "Объясни, почему сегодня упал рынок акций, и что будет завтра.",
    "SELECT name, COUNT(*) FROM accounts GROUP BY name HAVING COUNT(*) > 1;",
    "Schreibe ein Gedicht über das Meer, in dem kein Schiff vorkommt.",
    "양자 얽힘의 원리를 설명해 주세요. 예를 하나 들어 주세요.",
    "👩\u200d🚀 naïve café — 3.14159 × 10⁻⁵ ≈ ？",
]


def varied(rng: random.Random, n_parts: int) -> list[str]:
    """Return parts of a text: slices of sentences in many scripts, numbers and random letters."""
    parts = []
    for _ in range(n_parts):
        sentence = rng.choice(SENTENCES)
        first = rng.randrange(len(sentence) // 2)
        made = [sentence[first : first + rng.randint(8, 60)], str(rng.getrandbits(40)), "".join(rng.choices("abcdefgh ", k=20))]
        parts.append(rng.choices(made, [5, 2, 2])[0])
    return parts


@pytest.mark.parametrize("ngram", [3, 5, 9])
def test_estimates_are_within_four_standard_errors_on_varied_text(ngram: int, key: Key) -> None:
    rng = random.Random(ngram)
    pairs = []
    for share in np.linspace(0, 1, 150):
        parts = varied(rng, rng.randint(4, 60))
        other = [part if rng.random() < share else varied(rng, 1)[0] for part in parts]
        pairs.append((" ".join(parts), " ".join(other)))
    a, b = (minhash([pair[side] for pair in pairs], key=key, num_perm=512, ngram=ngram) for side in (0, 1))
    true = np.array([reference.jaccard(*(reference.normalize(text)[0] for text in pair), ngram) for pair in pairs])
    error = np.sqrt(true * (1 - true) / 512)
    deviation = estimate_jaccard(a, b) - true
    assert true.min() < 0.3 and true.max() > 0.9
    assert (np.abs(deviation) <= 4 * error + 1e-12).all()
    inner = error > 0
    assert abs((deviation[inner] / error[inner]).mean()) < 4 / np.sqrt(inner.sum())  # no bias
