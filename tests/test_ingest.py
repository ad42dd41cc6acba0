"""From events to traffic: distinct texts are those of a plain loop, however the rows are batched."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fingerprint as fp
from fingerprint.clusters import cluster, compact
from fingerprint.deduplication import Distinct
from fingerprint.ingest import ingest
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import read_events
from fingerprint.room import Room
from fingerprint.store import TextStore

KEY = fp.Key(bytes(range(16)))
START = 1_770_000_000_000_000  # early in 2026
WORDS = st.lists(st.sampled_from(["", "tell me a joke", "Tell me a JOKE", "what is two and two", "\u200bx", "x", "name three rivers", " "]),
                 min_size=1, max_size=40)


@settings(max_examples=40, deadline=None)
@given(WORDS, st.integers(1, 12), st.sampled_from([None, 0, 5000]))
def test_distinct_texts_are_those_of_a_loop_however_they_are_batched(prompts: list[str], size: int, limit: int | None) -> None:
    distinct, made = Distinct(fp.SketchConfig(), KEY, Room(limit), store=TextStore()), fp.sketch(prompts, key=KEY)
    for low in range(0, len(prompts), size):
        distinct.add(pa.array(prompts[low : low + size], pa.large_string()))
    distinct.settle()
    first: dict[int, int] = {}
    for row, exact in enumerate(made.exact.tolist()):
        if exact:
            first.setdefault(exact, row)
    order = list(first)
    assert distinct.text.rows.tolist() == [order.index(exact) if exact else -1 for exact in made.exact.tolist()]
    rows = list(first.values())
    assert distinct.exact.rows.tolist() == order and distinct.first_row.rows.tolist() == rows
    whole = compact(made.signatures[rows])
    for wanted, column in zip([whole.values, *whole.band_keys], [distinct.values, *distinct.band_keys], strict=True):
        assert np.array_equal(wanted[whole.signed], column.rows[whole.signed])
    assert np.array_equal(whole.signed, distinct.signed.rows) and np.array_equal(distinct.n_invisible.rows, made.n_invisible[rows])
    assert distinct.store.take(np.arange(len(rows))).to_pylist() == [prompts[row] for row in rows]
    told: list[int] = []
    by_hash, found = distinct.clustered(told.append)
    assert sum(told) == len(order)
    expected, where = cluster(made.signatures, made.exact), [rows[i] for i in by_hash]
    assert by_hash.tolist() == sorted(range(len(order)), key=lambda i: order[i])
    assert found.labels.tolist() == expected.labels[where].tolist() and np.allclose(found.similarity, expected.similarity[where])


@settings(max_examples=20, deadline=None)
@given(WORDS)
def test_traffic_equals_a_loop(prompts: list[str]) -> None:
    made = fp.sketch(prompts, key=KEY)
    accounts = [f"a{i * i % 5}" for i in range(len(prompts))]
    rows = pa.table({"account_id": accounts, "timestamp": pa.array([START + i for i in range(len(prompts))], pa.timestamp("us", "UTC")), "prompt": prompts})
    found = ingest(read_events(rows), fp.ScanConfig(), KEY, Stopwatch(Progress()))
    assert found.account_ids.to_pylist() == list(dict.fromkeys(accounts))
    assert [found.account_ids[int(a)].as_py() for a in found.account] == accounts
    for row, (exact, text) in enumerate(zip(made.exact, found.text.tolist(), strict=True)):
        assert (text < 0) == (exact == 0)
        if text >= 0:
            first = int(found.first_row[text])
            assert found.exact[text] == exact == made.exact[first] and first == int(np.flatnonzero(made.exact == exact)[0]) <= row
            assert found.texts(np.array([text])) == [prompts[first]] and found.n_invisible[text] == made.n_invisible[first]
    assert (np.diff(found.exact.astype(object)) > 0).all() if len(found.exact) > 1 else True


@pytest.mark.parametrize("rows", [[], [{"account_id": "a", "timestamp": "2026-01-01", "prompt": ""}]])
def test_no_text_is_no_traffic(rows: list[dict[str, str]]) -> None:
    found = ingest(read_events(rows), fp.ScanConfig(), KEY, Stopwatch(Progress()))
    assert len(found.exact) == 0 and (found.text < 0).all()
