"""A source that drops its accounts half way and goes on with new ones is one finding of both pools."""

from __future__ import annotations

from collections import Counter

import numpy as np

import fingerprint as fp
from fingerprint.simulate import simulate


def test_pools_that_hand_over_are_one_finding() -> None:
    world = simulate("demo", 8)
    of = {r["account_id"]: r["campaign"] for r in world.labels.to_pylist() if r["campaign"]}
    rows = world.events.to_pylist()
    middle = {name: np.median([r["timestamp"].timestamp() for r in rows if of.get(r["account_id"]) == name]) for name in set(of.values())}
    moved = [{**r, "account_id": r["account_id"] + "-new"} if r["account_id"] in of and r["timestamp"].timestamp() > middle[of[r["account_id"]]] else r
             for r in rows]
    scan = fp.scan(moved, config=fp.ScanConfig(controls=False), key=fp.Key(bytes(range(16))))
    source = {r["account_id"]: of.get(r["account_id"].removesuffix("-new")) for r in moved}
    for name, n in Counter(s for s in source.values() if s).items():
        found = [c for c in scan.campaigns if any(source[a.account_id] == name for a in c.accounts)]
        assert len(found) == 1, f"{name} is {len(found)} findings"
        members = {a.account_id for a in found[0].accounts}
        pools = Counter(a.endswith("-new") for a in members)
        assert all(source[a] == name for a in members) and len(members) >= 0.8 * n and min(pools[True], pools[False]) >= 0.4 * n
