"""From events to traffic: distinct texts are those of a plain loop, however the rows are batched and whatever their order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import reference
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


def spelling(prompt: str) -> int:
    return reference.siphash(reference.derive(KEY.material, 3), prompt.encode(), 1, 3)


@settings(max_examples=40, deadline=None)
@given(WORDS, st.integers(1, 12), st.sampled_from([None, 0, 5000]))
def test_distinct_texts_are_those_of_a_loop_however_they_are_batched(prompts: list[str], size: int, limit: int | None) -> None:
    distinct, made = Distinct(fp.SketchConfig(), KEY, Room(limit), store=TextStore()), fp.sketch(prompts, key=KEY)
    for low in range(0, len(prompts), size):
        distinct.add(pa.array(prompts[low : low + size], pa.large_string()))
    distinct.settle()
    spelled: dict[int, list[int]] = {}
    for row, exact in enumerate(made.exact.tolist()):
        if exact:
            spelled.setdefault(exact, []).append(row)
    order = list(spelled)
    assert distinct.text.rows.tolist() == [order.index(exact) if exact else -1 for exact in made.exact.tolist()]
    rows = [min(those, key=lambda row: spelling(prompts[row])) for those in spelled.values()]
    assert distinct.exact.rows.tolist() == order and distinct.spelling.rows.tolist() == [spelling(prompts[row]) for row in rows]
    whole = compact(made.signatures[rows])
    for wanted, column in zip([whole.values, *whole.band_keys], [distinct.values, *distinct.band_keys], strict=True):
        assert np.array_equal(wanted[whole.signed], column.rows[whole.signed])
    assert np.array_equal(whole.signed, distinct.signed.rows)
    assert distinct.store is not None and distinct.store.take(distinct.place.rows).to_pylist() == [prompts[row] for row in rows]
    told: list[int] = []
    by_hash, found = distinct.clustered(told.append)
    assert sum(told) == len(order)
    expected, where = cluster(made.signatures, made.exact), [rows[i] for i in by_hash]
    assert by_hash.tolist() == sorted(range(len(order)), key=lambda i: order[i])
    assert found.labels.tolist() == expected.labels[where].tolist() and np.allclose(found.similarity, expected.similarity[where])


@settings(max_examples=20, deadline=None)
@given(WORDS, st.data())
def test_traffic_equals_a_loop(prompts: list[str], data: st.DataObject) -> None:
    made, n = fp.sketch(prompts, key=KEY), len(prompts)
    times = [START + data.draw(st.integers(0, 3)) for _ in range(n)]
    accounts = [f"a{i * i % 5}" for i in range(n)]
    orgs = [data.draw(st.sampled_from([None, "x", "y", "Z"])) for _ in range(n)]
    rows = pa.table({"account_id": accounts, "timestamp": pa.array(times, pa.timestamp("us", "UTC")), "prompt": prompts, "org_id": pa.array(orgs, pa.string())})
    found = ingest(read_events(rows), fp.ScanConfig(), KEY, Stopwatch(Progress()))
    assert found.account_ids.to_pylist() == sorted(set(accounts))
    assert [found.account_ids[int(a)].as_py() for a in found.account] == accounts
    named = {who: min(((t, o) for a, t, o in zip(accounts, times, orgs, strict=True) if a == who and o is not None), default=(0, None))[1]
             for who in sorted(set(accounts))}
    actors = sorted({(o is None, o or who) for who, o in named.items()})
    assert found.actor.tolist() == [actors.index((o is None, o or who)) for who, o in named.items()]
    for exact, text in zip(made.exact, found.text.tolist(), strict=True):
        assert (text < 0) == (exact == 0)
        if text >= 0:
            same = np.flatnonzero(made.exact == exact).tolist()
            kept = min(same, key=lambda row: spelling(prompts[row]))
            assert found.exact[text] == exact and int(found.first_row[text]) == min(same, key=lambda row: (times[row], accounts[row], row))
            assert found.texts(np.array([text])) == [prompts[kept]]
    assert (np.diff(found.exact.astype(object)) > 0).all() if len(found.exact) > 1 else True


@pytest.mark.parametrize("rows", [[], [{"account_id": "a", "timestamp": "2026-01-01", "prompt": ""}]])
def test_no_text_is_no_traffic(rows: list[dict[str, str]]) -> None:
    found = ingest(read_events(rows), fp.ScanConfig(), KEY, Stopwatch(Progress()))
    assert len(found.exact) == 0 and (found.text < 0).all()
