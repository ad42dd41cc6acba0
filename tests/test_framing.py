"""Framing: sock-puppets that copy a customer's prompts do not get the customer accused, whatever becomes of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import fingerprint as fp
from fingerprint.simulate import campaign_prompts, simulate
from fingerprint.simulate.noise import replace_words

PUPPETS = 30


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Organic sample traffic: the accounts of ``demo`` that are in no campaign."""
    world = simulate("demo", 6)
    label = {r["account_id"]: r["campaign"] for r in world.labels.to_pylist()}
    return [r for r in world.events.to_pylist() if label[r["account_id"]] is None]


@pytest.mark.parametrize(("copied", "own", "noise"), [(20, 0, 0.0), (20, 0, 0.15), (10, 20, 0.0), (5, 20, 0.15)])
def test_the_victim_is_not_accused(rows: list[dict[str, Any]], copied: int, own: int, noise: float) -> None:
    rng = np.random.default_rng(copied + own)
    held = Counter(r["account_id"] for r in rows)
    victims = [a for a, n in held.items() if 50 <= n <= 100]
    victim = victims[rng.integers(len(victims))]
    said = [r for r in rows if r["account_id"] == victim]
    queries = campaign_prompts("reasoning", PUPPETS * max(own, 1), 5)
    added = []
    for puppet in range(PUPPETS):
        for i in rng.permutation(len(said))[:copied].tolist():
            text = replace_words([said[i]["prompt"]], rng.integers(0, 2**64, 1, dtype=np.uint64), noise)[0] if noise else said[i]["prompt"]
            added.append({**said[i], "account_id": f"puppet{puppet}", "prompt": text})
        for text in queries[puppet * own : (puppet + 1) * own]:
            added.append({**said[int(rng.integers(len(said)))], "account_id": f"puppet{puppet}", "prompt": text})
    found = fp.scan(rows + added, config=fp.ScanConfig(controls=False), key=fp.Key(bytes(range(16))))
    charged = {a.account_id for c in found.campaigns for a in c.accounts}
    assert victim not in charged
    if own > 2 * copied:
        puppets = sum(name.startswith("puppet") for name in charged)
        assert puppets >= PUPPETS / 2 and puppets >= 0.9 * len(charged), "what they harvest themselves is found"


@pytest.mark.parametrize("where", ["system", "prompt"])
def test_a_customer_whose_text_is_taken_over_is_not_accused(rows: list[dict[str, Any]], where: str) -> None:
    text = "You are the booking desk of a small family hotel by the lake; answer politely, briefly and only about our own rooms and prices."
    rng = np.random.default_rng(3)
    held = Counter(r["account_id"] for r in rows)
    victim = sorted(a for a, n in held.items() if 50 <= n <= 100)[0]
    said = [r for r in rows if r["account_id"] == victim]
    framed = {id(r) for r in said}

    def with_text(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "system": text} if where == "system" else {**row, "prompt": f"{text}\n{row['prompt']}"}

    queries = campaign_prompts("reasoning", PUPPETS * 20, 5)
    added = [{**said[int(rng.integers(len(said)))], "account_id": f"puppet{i % PUPPETS}", "org_id": None, "prompt": q} for i, q in enumerate(queries)]
    found = fp.scan([with_text(r) if id(r) in framed else r for r in rows] + [with_text(r) for r in added], config=fp.ScanConfig(controls=False),
                    key=fp.Key(bytes(range(16))))
    charged = {a.account_id for c in found.campaigns for a in c.accounts}
    assert victim not in charged and sum(name.startswith("puppet") for name in charged) == len(charged) >= 0.9 * PUPPETS
