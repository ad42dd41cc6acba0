"""A library of known harvesting sets, looked for in every scan: which accounts asked the questions of one, and which findings those accounts are in."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .config import ScanConfig
from .encoders import Encoder
from .errors import InputError
from .index import TrafficIndex
from .keys import Key
from .matches import Queries, fingerprint_queries, read_suspects
from .matching import search_set
from .progress import Stopwatch
from .readers.sources import expand
from .records import Campaign, KnownSet, Test
from .room import Room
from .traffic import Traffic

SUPPORTS = 1e-3  # p below which a finding has more accounts that asked a known set than the traffic has elsewhere


def look_for(paths: Sequence[str | os.PathLike[str]], traffic: Traffic, encoder: Encoder, config: ScanConfig, key: Key, watch: Stopwatch,
             room: Room | None = None) -> list[KnownSet]:
    """Look for known sets in a traffic.

    Parameters
    ----------
    paths : sequence of path
        Files, globs or folders; each file is a set of its own, but of a bundle of findings each finding is.

    Returns
    -------
    list of KnownSet
        In the order of the files, those that nobody asked among them.

    Raises
    ------
    InputError
        A file cannot be read, has no question, or is a bundle of another key or sketch.
    """
    index = TrafficIndex.of(traffic, encoder, config.sketch, key, watch, room=room, threads=config.threads)
    return [known for path in expand(list(paths)) for known in _look_for(path, index, encoder, config, key, watch)]


def _look_for(path: str, index: TrafficIndex, encoder: Encoder, config: ScanConfig, key: Key, watch: Stopwatch) -> list[KnownSet]:
    asked, name = read_suspects(path, None, config, key, watch), os.path.basename(path)
    if not all(len(queries.texts) for queries in asked.sets):
        raise InputError(f"the known set {path!r} has no question; {asked.about['hint'] or 'it is empty'}")
    return [_known(name if queries.campaign_id is None else f"{name}: {queries.campaign_id}", queries, len(asked.sets), index, encoder, config, key, watch)
            for queries in asked.sets]


def _known(name: str, queries: Queries, n_sets: int, index: TrafficIndex, encoder: Encoder, config: ScanConfig, key: Key, watch: Stopwatch) -> KnownSet:
    found = search_set(index, fingerprint_queries(queries, index, encoder, config, key), config.sketch.threshold, watch, config.threads, n_sets)
    names, counted = index.account_ids.to_pylist(), found.counted
    matched = np.isin(index.held.account, found.named) & np.isin(index.held.text, found.matches.text)
    asked = np.isin(found.matches.text, index.held.text[matched])
    order = found.named[np.lexsort((found.named, -counted.n_matched[found.named]))]
    return KnownSet(name, len(queries.texts), len(np.unique(found.matches.query[asked])),
                    [names[a] for a in order.tolist()], counted.n_matched[order].tolist(), float(found.adjusted[order].max(initial=0.0)))


def with_known(campaigns: list[Campaign], known: Sequence[KnownSet], n_accounts: int) -> list[Campaign]:
    """Return the findings with a test for each known set that some of their accounts asked."""
    return [replace(c, tests=[*c.tests, *(_test(c, one, n_accounts) for one in known if _common(c, one))]) for c in campaigns]


def _common(campaign: Campaign, known: KnownSet) -> int:
    return len({a.account_id for a in campaign.accounts} & set(known.accounts))


def _test(campaign: Campaign, known: KnownSet, n_accounts: int) -> Test:
    from scipy.stats import hypergeom

    n, k = len(campaign.accounts), _common(campaign, known)
    p: Any = hypergeom.sf(k - 1, n_accounts, len(known.accounts), n)
    p = float(p) if math.isfinite(p) else 1.0
    return Test("known set", k / max(n, 1), "accounts that asked this set are in the finding by accident", p <= SUPPORTS,
                f"{k:,} of its {n:,} accounts asked questions of the known set {known.name!r}, as did {len(known.accounts) - k:,} other accounts.",
                p=p, decides=False)
