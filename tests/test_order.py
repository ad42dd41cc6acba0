"""What a scan finds does not depend on the order of its rows, nor on how they are spread over files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fingerprint as fp
from fingerprint import charging
from fingerprint.simulate import CampaignConfig, LookalikeConfig, WorldConfig, simulate
from fingerprint.vectors import VectorIndex

KEY = fp.Key(bytes(range(16)))
CONFIG = fp.ScanConfig(controls=False, detect=fp.DetectConfig(sample=24))  # some prompts of some accounts are not in the sample
WORLD = WorldConfig(
    "small", 2500, 120, days=10, org_share=0.2,
    campaigns=(CampaignConfig("reasoning", "reasoning", 20, 600, template=("{p}\n\nThink aloud, every step, then say what comes out.",), start_day=1, days=8),
               CampaignConfig("plain", "tools", 24, 600, start_day=1, days=8)),
    lookalikes=(LookalikeConfig("desk", "app", 8, 10), LookalikeConfig("viral", "viral", 12, 3, own=0.6)))
COARSE_US = 4 * 3_600_000_000  # times are rounded to this, so that many are equal


def respelled(prompts: list[str], rng: np.random.Generator) -> list[str]:
    """Write some prompts in another way that normalises alike."""
    ways = [str.upper, lambda p: f" {p}", lambda p: p.replace(" ", "  ", 1), lambda p: p + "\u200b", *[str] * 6]
    return [ways[int(way)](prompt) for way, prompt in zip(rng.integers(0, len(ways), len(prompts)), prompts, strict=True)]


def events() -> pa.Table:
    """A small world: some events come twice, in another spelling and sometimes of another account; some accounts name several organisations."""
    rng = np.random.default_rng(0)
    rows = simulate(WORLD, 1).events.select(["account_id", "timestamp", "prompt", "org_id", "conversation_id"])
    again = rows.take(pa.array(rng.integers(0, len(rows), 250)))
    other = rows.column("account_id").take(pa.array(rng.integers(0, len(rows), 60)))
    rows = pa.concat_tables([rows, again, again.slice(0, 60).set_column(0, "account_id", other)])
    time = np.array(rows.column("timestamp").cast(pa.int64())) // COARSE_US * COARSE_US
    columns = {"account_id": rows.column("account_id"), "timestamp": pa.array(time).cast(pa.timestamp("us", "UTC")),
               "prompt": pa.array(respelled(rows.column("prompt").to_pylist(), rng)), "org_id": rows.column("org_id"),
               "conversation_id": rows.column("conversation_id")}
    return pa.table(columns)


def in_three_files(rows: pa.Table, folder: Path) -> list[str]:
    """Write rows into two Parquet files and one of JSON lines."""
    parts = [rows.slice(0, 700), rows.slice(700, 900), rows.slice(1600)]
    for part, name in zip(parts[::2], "ac", strict=True):
        pq.write_table(part, folder / f"{name}.parquet", row_group_size=300)
    lines = [json.dumps({**row, "timestamp": row["timestamp"].isoformat()}) for row in parts[1].to_pylist()]
    (folder / "b.jsonl").write_text("\n".join(lines), "utf-8")
    return [str(folder / name) for name in ("c.parquet", "b.jsonl", "a.parquet")]


def findings(scan: fp.Scan) -> list[dict[str, Any]]:
    """Return all groups as plain values, the numbers of rows left out."""
    plain = [c.to_dict() for c in [*scan.campaigns, *scan.examined]]
    for one in plain:
        for shown in one["representatives"]:
            del shown["row"]
    return plain


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    return events()


@pytest.fixture(scope="module")
def scanned(rows: pa.Table) -> fp.Scan:
    return fp.scan(rows, config=CONFIG, key=KEY)


def test_the_world_has_what_could_matter(rows: pa.Table, scanned: fp.Scan) -> None:
    counts = scanned.manifest["counts"]
    assert len(scanned.campaigns) == 2 and len(scanned.examined) > 3 and counts["actors"] < counts["accounts"] - 5
    distinct = rows.group_by(["prompt"]).aggregate([]).num_rows
    assert counts["texts"] < distinct - 100, "texts have several spellings"
    assert rows.group_by(["account_id", "timestamp"]).aggregate([]).num_rows < len(rows) - 500, "events of one account are at one time"
    named = rows.filter(pa.compute.is_valid(rows.column("org_id"))).group_by(["account_id"]).aggregate([("org_id", "count_distinct")])
    assert max(named.column("org_id_count_distinct").to_pylist()) > 1, "an account names several organisations"
    assert any(c.n_prompts > sum(1 for _ in c.accounts) * CONFIG.detect.sample for c in scanned.campaigns), "unsampled prompts are charged"


@pytest.mark.parametrize("order", ["shuffled", "reversed and split over files"])
def test_the_order_of_rows_does_not_matter(order: str, rows: pa.Table, scanned: fp.Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charging, "TEXTS_AT_ONCE", 64)
    if order == "shuffled":
        inputs: Any = rows.take(pa.array(np.random.default_rng(1).permutation(len(rows))))
    else:
        inputs = in_three_files(rows.take(pa.array(np.arange(len(rows))[::-1])), tmp_path)
    found = fp.scan(inputs, config=CONFIG, key=KEY)
    assert findings(found) == findings(scanned)
    assert found.accounts.equals(scanned.accounts)
    for name in ("clusters", "topics"):
        one, other = (getattr(s, name).drop_columns(["representative_row"]) for s in (found, scanned))
        assert one.equals(other), name
    assert found.manifest["counts"] == scanned.manifest["counts"] and found.manifest["period"] == scanned.manifest["period"]


@pytest.mark.parametrize("exact_limit", [0, 10_000])
def test_neighbours_do_not_depend_on_what_is_asked_at_once(exact_limit: int) -> None:
    from fingerprint.points import centre

    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((40, 64)).astype(np.float32)[rng.integers(0, 40, 3000)] + rng.standard_normal((3000, 64)).astype(np.float32)
    vectors[:20] = vectors[0]
    centre(vectors, vectors.mean(0))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("fingerprint.codes.PER_CELL", 10)
        index = VectorIndex.of(vectors, 2, exact_limit=exact_limit)
    similarity, near = index.nearest(vectors, 20)
    wide = vectors.astype(np.float64)
    assert (similarity == np.einsum("ijk,ik->ij", wide[near], wide)).all(), "float32 holds inner products exactly"
    for n in (1, 5, 19, 20, 700):
        some = rng.permutation(len(vectors))[:n]
        alone, where = index.nearest(np.ascontiguousarray(vectors[some]), 20)
        assert (alone == similarity[some]).all() and (where == near[some]).all()
