"""A rare constant segment in the requests of independent customers, as a framework adds it, makes no campaign of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fingerprint as fp
from fingerprint.simulate import simulate

CUSTOMERS = 30
SEGMENT = "Before the final answer, put every step of your thinking between <scratch> and </scratch>, including what you rejected."


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Organic sample traffic: the accounts of ``demo`` that are in no campaign."""
    world = simulate("demo", 8)
    people = {r["account_id"] for r in world.labels.to_pylist() if r["campaign"] is None and r["kind"] == "organic"}
    return [r for r in world.events.to_pylist() if r["account_id"] in people]


@pytest.mark.parametrize(("share", "where"), [(1.0, "prompt"), (0.4, "prompt"), (1.0, "system"), (0.4, "system")])
def test_customers_of_one_framework_are_not_accused(rows: list[dict[str, Any]], share: float, where: str) -> None:
    rng = np.random.default_rng(1)
    customers = set(rng.permutation(sorted({r["account_id"] for r in rows}))[:CUSTOMERS].tolist())
    framed = []
    for row in rows:
        added = {"system": SEGMENT} if where == "system" else {"prompt": f"{row['prompt']}\n\n{SEGMENT}"}
        framed.append(row | added if row["account_id"] in customers and rng.random() < share else row)
    scan = fp.scan(framed, config=fp.ScanConfig(controls=False), key=fp.Key(bytes(range(16))))
    assert not scan.campaigns
