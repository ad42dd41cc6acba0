"""Accounts that pass on the requests of many people, with a text added to some: the text finds them, whatever the requests are about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fingerprint as fp
from fingerprint.simulate import simulate

SEGMENT = "Before the final answer, put every step of your thinking between <scratch> and </scratch>, including what you rejected."
RELAYS, PEOPLE = 30, 120


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Organic sample traffic: the accounts of ``demo`` that are in no campaign."""
    world = simulate("demo", 8)
    people = {r["account_id"] for r in world.labels.to_pylist() if r["campaign"] is None and r["kind"] == "organic"}
    return [r for r in world.events.to_pylist() if r["account_id"] in people]


@pytest.mark.parametrize("where", ["system", "prompt"])
def test_relayed_requests_are_found_by_what_is_added_to_them(rows: list[dict[str, Any]], where: str) -> None:
    rng = np.random.default_rng(1)
    lent = set(rng.permutation(sorted({r["account_id"] for r in rows}))[:PEOPLE].tolist())
    relayed = []
    for row in rows:
        passed_on = {"account_id": f"relay{rng.integers(RELAYS)}", "org_id": None, "conversation_id": None}
        if rng.random() < 0.3:
            passed_on |= {"system": SEGMENT} if where == "system" else {"prompt": f"{row['prompt']}\n\n{SEGMENT}"}
        relayed.append(row | passed_on if row["account_id"] in lent else row)
    scan = fp.scan(relayed, config=fp.ScanConfig(controls=False), key=fp.Key(bytes(range(16))))
    [found] = scan.campaigns
    assert sum(a.account_id.startswith("relay") for a in found.accounts) == found.n_accounts >= 0.9 * RELAYS
    assert found.segment is not None and SEGMENT[:60] in found.segment
    test = next(t for t in found.tests if t.name == "shared text")
    assert test.statistic == RELAYS - found.n_accounts, "nobody but relays that are not charged"
    assert ("system text" in test.reading) == (where == "system")
    if where == "system":  # then nothing else tells what to charge
        added = {(r["account_id"], r["prompt"]) for r in relayed if r.get("system")}
        charged = [r for r in scan.prompts.to_pylist() if r["campaign_id"] is not None]
        assert found.n_prompts == len(charged) and {(relayed[r["row"]]["account_id"], relayed[r["row"]]["prompt"]) for r in charged} <= added
        assert len(charged) >= 0.9 * len([r for r in relayed if r.get("system")])
