"""A whole scan of the sample traffic, from a Parquet file to all outputs. ``scan.py`` runs scans of millions of prompts and accounts for their memory."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from conftest import Measure
from texts import Corpus

import fingerprint as fp
from fingerprint.keys import Key
from fingerprint.simulate import simulate


def bench_scan(measure: Measure, key: Key, tmp_path: Path) -> None:
    """Parquet to the output folder, with both controls; the campaigns must be found each time."""
    world = simulate("demo", 1)
    dump, out = tmp_path / "dump.parquet", tmp_path / "out"
    pq.write_table(world.events, dump)
    labels = dict(zip(*(world.labels.column(name).to_pylist() for name in ("account_id", "campaign")), strict=True))

    def run() -> None:
        scan = fp.scan(dump, key=key)
        scan.save(out)
        charged = {account.account_id for campaign in scan.campaigns for account in campaign.accounts}
        assert len(charged & planted) >= 0.95 * len(planted) and len(charged - planted) <= 0.01 * len(charged)

    planted = {account for account, campaign in labels.items() if campaign}
    prompts = world.events["prompt"]
    measure(run, Corpus("demo", prompts.combine_chunks(), pc.sum(pc.binary_length(prompts)).as_py()), rounds=3)
