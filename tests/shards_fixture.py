"""What tests of shards share: small inputs in many files, traffics as plain values, and one digest of all that a scan says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import fingerprint as fp
from fingerprint.report.files import TABLES, campaigns_document, dump_json
from fingerprint.simulate import CampaignConfig, LookalikeConfig, WorldConfig, simulate
from fingerprint.traffic import Traffic

KEY = fp.Key(bytes(range(16)))
CONFIG = fp.ScanConfig(controls=False, threads=1)
WORLD = WorldConfig("small", 2500, 120, days=10, org_share=0.2,
                    campaigns=(CampaignConfig("reasoning", "reasoning", 20, 600, start_day=1, days=8,
                                              template=("{p}\n\nThink aloud, every step, then say what comes out.",)),),
                    lookalikes=(LookalikeConfig("desk", "app", 8, 10), LookalikeConfig("viral", "viral", 12, 3, own=0.6)))

MEDIUM = WorldConfig("medium", 7000, 300, days=10, org_share=0.1,
                     campaigns=(CampaignConfig("reasoning", "reasoning", 25, 750, start_day=1, days=8,
                                               template=("{p}\n\nThink aloud, every step, then say what comes out.",)),
                                CampaignConfig("code", "code", 25, 750, start_day=2, days=7)),
                     lookalikes=(LookalikeConfig("desk", "app", 8, 10), LookalikeConfig("viral", "viral", 12, 3, own=0.6)))

SITE = '''
import os, signal
real = os.replace
def replace(source, target, **options):
    mark, ends = os.environ.get("KILLED_AT"), os.environ.get("KILLS", "once")
    if mark and str(target).endswith(mark) and (ends == "always" or not os.path.exists(os.environ["KILLED"])):
        open(os.environ["KILLED"], "a").write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return real(source, target, **options)
os.replace = replace
'''  # a worker that is killed when it has all but finished the file of this name: before it stands under its name


def in_files(folder: Path, n_files: int = 7) -> list[str]:
    """Write a small world into Parquet files of several row groups and one of JSON lines, which has rows that are rejected."""
    events = simulate(WORLD, 1).events.select(["account_id", "timestamp", "prompt", "org_id", "conversation_id"])
    rows = events.take(pa.array(np.random.default_rng(0).permutation(len(events))))
    size = -(-len(rows) // n_files)
    for i in range(n_files - 1):
        pq.write_table(rows.slice(i * size, size), folder / f"{i}.parquet", row_group_size=130)
    lines = [json.dumps({**row, "timestamp": row["timestamp"].isoformat(), "system": "be brief"}) for row in rows.slice((n_files - 1) * size).to_pylist()]
    (folder / "z.jsonl").write_text("\n".join([*lines, "{}", "", "no json", lines[0]]), "utf-8")
    return [str(folder / f"{i}.parquet") for i in range(n_files - 1)] + [str(folder / "z.jsonl")]


def plain(traffic: Traffic) -> dict[str, Any]:
    """Return all that a traffic says, apart from the numbers of conversations and where texts lie."""
    talk = np.unique(traffic.conversation[traffic.conversation >= 0], return_index=True)[1] if len(traffic.conversation) else np.zeros(0, np.int64)
    return {"account_ids": traffic.account_ids.to_pylist(), "system_texts": traffic.system_texts.to_pylist(), "talks": len(talk),
            "texts": traffic.texts(np.arange(len(traffic.exact))), "moved": sorted(traffic.moved.tolist()),
            **{name: getattr(traffic, name).tolist() for name in ("account", "actor", "time_us", "text", "exact", "first_row", "cluster", "similarity", "file",
                                                                  "line", "system")}}


def digest(scan: fp.Scan, tables: Sequence[str] = tuple(TABLES)) -> str:
    """Return one digest of everything that a scan says but times and places."""
    made = hashlib.sha256(dump_json(campaigns_document(scan)).encode())
    for name in tables:
        made.update(json.dumps(getattr(scan, name).to_pydict(), default=str).encode())
    for part in ("rows", "inputs", "counts", "period", "key_id", "hint"):
        made.update(json.dumps(scan.manifest[part]).encode())
    return made.hexdigest()
