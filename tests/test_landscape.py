"""The map: some prompts of everybody, more of findings, near ones near each other, the same each time."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_fixture import make_scan

import fingerprint as fp
from fingerprint import landscape as module
from fingerprint.landscape import landscape
from fingerprint.simulate import simulate


def traffic(n: int) -> Any:
    """n texts in three tight bunches, one after the other, an event of each by its own account."""
    texts = pa.array([f"text {i} \u202e<b>" for i in range(n)], pa.large_string())
    return SimpleNamespace(exact=np.arange(1, n + 1, dtype=np.uint64), text=np.arange(n, dtype=np.int32), first_row=np.arange(n),
                           account=np.arange(n, dtype=np.int32), account_ids=pa.array([f"a{i}" for i in range(n)], pa.large_string()),
                           take=lambda rows: texts.take(pa.array(rows)))


def evidence(n: int, n_sampled: int | None = None) -> Any:
    rng = np.random.default_rng(0)
    vectors = np.eye(3, 16)[np.arange(n) % 3] + 0.05 * rng.standard_normal((n, 16))
    row = np.where(np.arange(n) < (n if n_sampled is None else n_sampled), np.arange(n), -1)
    return SimpleNamespace(row=row.astype(np.int32), vectors=vectors.astype(np.float32))


def test_near_prompts_lie_near_each_other() -> None:
    n = 150
    made = landscape(evidence(n), traffic(n), [], [], True)
    place = np.stack([made["x"].to_numpy(), made["y"].to_numpy()], 1)
    assert made["row"].to_pylist() == list(range(n)) and place.min() >= 0 and place.max() <= 1 and np.ptp(place, axis=0).max() == pytest.approx(1, abs=1e-5)
    far = np.sqrt(((place[:, None] - place[None]) ** 2).sum(2))
    same = np.equal.outer(np.arange(n) % 3, np.arange(n) % 3)
    assert far[same].mean() < 0.4 * far[~same].mean()
    assert made.equals(landscape(evidence(n), traffic(n), [], [], True)), "the same each time"


def test_findings_get_their_share_and_only_sampled_texts_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "N_POINTS", 60)
    monkeypatch.setattr(module, "N_CHARGED", 30)
    campaigns = make_scan().campaigns[:2]
    made = landscape(evidence(300, 240), traffic(300), campaigns, [np.arange(10), np.arange(5, 290)], False)
    names = made["campaign_id"].to_pylist()
    counts = [names.count(campaign.campaign_id) for campaign in campaigns]
    assert counts == [10, 15] and names.count(None) == 0 and len(made) == 25, "a text that two are charged with is the stronger one's; all others are charged"
    assert max(made["row"].to_pylist()) < 240 and made["prompt"].null_count == len(made)
    assert made["account_id"].to_pylist() == [f"a{row}" for row in made["row"].to_pylist()]
    alone = landscape(evidence(300), traffic(300), campaigns[:1], [np.arange(10)], True)
    assert len(alone) == 60 and alone["campaign_id"].null_count == 50 and alone["prompt"][0].as_py().startswith("text ")


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 40), st.integers(0, 3))
def test_few_prompts_make_no_map_and_equal_ones_a_point(n: int, n_equal: int) -> None:
    seen = evidence(n)
    seen.vectors[n_equal:] = seen.vectors[:1] if n else 0
    made = landscape(seen, traffic(n), [], [], True)
    assert len(made) == (n if n >= module.LEAST_POINTS else 0)
    assert np.isfinite(made["x"].to_numpy()).all() and made.schema.equals(landscape(None, traffic(0), [], [], True).schema)


def test_a_scan_has_a_map() -> None:
    events = simulate("demo", 4).events.slice(0, 3000)
    found = fp.scan(events, config=fp.ScanConfig(controls=False, text=False), key=fp.Key(bytes(16)))
    assert 500 < len(found.landscape) <= module.N_POINTS and found.landscape["prompt"].null_count == len(found.landscape)
    assert replace(found, landscape=found.landscape.slice(0, 0)).landscape.num_rows == 0
