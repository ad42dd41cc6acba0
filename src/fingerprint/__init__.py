"""Finds query sets that are spread over many accounts in the prompt traffic of an LLM API.

    import fingerprint as fp

    scan = fp.scan("dump.parquet")
    for campaign in scan.campaigns:
        print(campaign.capability, campaign.n_accounts, campaign.reason)

Importing this package loads NumPy and the compiled core, nothing else; other names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# These functions share their module's name. Importing a submodule binds its name here, so they are bound before anything else can do that.
from .minhash import estimate_jaccard, minhash, normalize
from .simhash import hamming, simhash
from .sketch import Signatures, sketch

if TYPE_CHECKING:
    from . import errors, simulate
    from ._core import isa
    from .clusters import Clusters
    from .comparison import compare
    from .config import DetectConfig, ScanConfig, SketchConfig, StreamConfig
    from .deduplication import deduplicate
    from .evaluation import Plan, evaluate
    from .exports import export
    from .index import TrafficIndex
    from .keys import Key
    from .matches import Match, match
    from .readers import read_events
    from .records import Campaign, Scan
    from .report import plots
    from .report.files import load_scan
    from .scanning import merge_shards, scan, write_shard
    from .stream.detector import Detector

__version__ = "0.1.0"

__all__ = [
    "Campaign",
    "Clusters",
    "DetectConfig",
    "Detector",
    "Key",
    "Match",
    "Plan",
    "Scan",
    "ScanConfig",
    "Signatures",
    "SketchConfig",
    "StreamConfig",
    "TrafficIndex",
    "compare",
    "deduplicate",
    "errors",
    "estimate_jaccard",
    "evaluate",
    "export",
    "hamming",
    "isa",
    "load_scan",
    "match",
    "merge_shards",
    "minhash",
    "normalize",
    "plots",
    "read_events",
    "scan",
    "simhash",
    "simulate",
    "sketch",
    "write_shard",
]

_MODULES = {"errors": "errors", "plots": "report.plots", "simulate": "simulate"}
_LAZY = {
    "Campaign": "records",
    "Clusters": "clusters",
    "DetectConfig": "config",
    "Detector": "stream.detector",
    "Key": "keys",
    "Match": "matches",
    "TrafficIndex": "index",
    "match": "matches",
    "Scan": "records",
    "ScanConfig": "config",
    "SketchConfig": "config",
    "StreamConfig": "config",
    "compare": "comparison",
    "deduplicate": "deduplication",
    "isa": "_core",
    "Plan": "evaluation",
    "evaluate": "evaluation",
    "export": "exports",
    "load_scan": "report.files",
    "read_events": "readers",
    "merge_shards": "scanning",
    "scan": "scanning",
    "write_shard": "scanning",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{_MODULES[name]}", __name__)
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
