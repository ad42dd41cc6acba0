"""The result tables: one row per account, per near-duplicate cluster and per event."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .records import Campaign
from .traffic import Traffic

MAX_CHARS = 2000  # of a representative prompt in the cluster table


def account_table(traffic: Traffic, campaigns: Sequence[Campaign]) -> pa.Table:
    """Return all accounts in order of id: account_id, campaign_id (null: none), score, n_prompts, n_attributed, share, copies.

    An account that several campaigns charge stands with the one that charges it most.
    """
    n = len(traffic.account_ids)
    names = traffic.account_ids.to_pylist()
    place = {name: i for i, name in enumerate(names)}
    campaign: list[str | None] = [None] * n
    score, share, copies = (np.zeros(n) for _ in range(3))
    attributed = np.zeros(n, np.int64)
    for found in campaigns:
        for charge in found.accounts:
            i = place[charge.account_id]
            if charge.n_attributed > attributed[i]:
                campaign[i], attributed[i] = found.campaign_id, charge.n_attributed
                score[i], share[i], copies[i] = charge.score, charge.share, charge.copies
    table = pa.table({
        "account_id": traffic.account_ids.cast(pa.string()), "campaign_id": pa.array(campaign, pa.string()), "score": score,
        "n_prompts": np.bincount(traffic.account, minlength=n), "n_attributed": attributed, "share": share, "copies": copies})
    return table.sort_by("account_id")


def cluster_table(traffic: Traffic, text: bool) -> pa.Table:
    """Return near-duplicate clusters of two prompts or more, largest first.

    Columns: cluster, n_prompts, n_accounts, n_texts, representative_row, prompt (null without `text`), first_seen, last_seen.
    """
    n_clusters = int(traffic.cluster.max(initial=-1)) + 1
    rows = np.flatnonzero(traffic.text >= 0)
    label = traffic.cluster[traffic.text[rows]]
    rows, label = rows[label >= 0], label[label >= 0]
    size = np.bincount(label, minlength=n_clusters)
    pairs = np.unique(label.astype(np.int64) * max(len(traffic.account_ids), 1) + traffic.account[rows]) // max(len(traffic.account_ids), 1)
    accounts = np.bincount(pairs, minlength=n_clusters)
    texts = np.bincount(traffic.cluster[traffic.cluster >= 0], minlength=n_clusters)
    first = np.full(n_clusters, np.iinfo(np.int64).max)
    last = np.full(n_clusters, np.iinfo(np.int64).min)
    np.minimum.at(first, label, traffic.time_us[rows])
    np.maximum.at(last, label, traffic.time_us[rows])
    representative = np.full(n_clusters, np.iinfo(np.int64).max)
    np.minimum.at(representative, traffic.cluster[traffic.cluster >= 0], traffic.first_row[traffic.cluster >= 0])
    kept = np.flatnonzero(size >= 2)
    kept = kept[np.lexsort((kept, -size[kept]))]
    prompts: pa.Array = pa.nulls(len(kept), pa.large_string())
    if text and len(kept):
        import pyarrow.compute as pc

        prompts = pc.utf8_slice_codeunits(traffic.take(traffic.text[representative[kept]]), 0, MAX_CHARS)
    when = pa.timestamp("us", "UTC")
    return pa.table({
        "cluster": kept, "n_prompts": size[kept], "n_accounts": accounts[kept], "n_texts": texts[kept], "representative_row": representative[kept],
        "prompt": prompts,
        "first_seen": pa.array(first[kept], pa.int64()).cast(when), "last_seen": pa.array(last[kept], pa.int64()).cast(when)})


def prompt_table(traffic: Traffic, campaigns: Sequence[Campaign], charged: Sequence[npt.NDArray[np.int64]]) -> pa.Table:
    """Return one row per accepted event: row, file, line, account_id, cluster, similarity, campaign_id.

    The two ids are dictionaries: of millions of rows each name is held once. `cluster` and `similarity` are null where a prompt has no cluster
    (empty text); `charged` holds the events of each campaign.
    """
    n = len(traffic.account)
    cluster, similarity = np.full(n, -1, np.int32), np.zeros(n, np.float32)
    known = traffic.text >= 0
    cluster[known], similarity[known] = traffic.cluster[traffic.text[known]], traffic.similarity[traffic.text[known]]
    place = np.full(n, -1, np.int32)
    for i in range(len(charged) - 1, -1, -1):
        place[charged[i]] = i
    ids = pa.array([c.campaign_id for c in campaigns], pa.string())
    none = cluster < 0
    return pa.table({
        "row": np.arange(n), "file": traffic.file, "line": traffic.line,
        "account_id": pa.DictionaryArray.from_arrays(pa.array(traffic.account), traffic.account_ids.cast(pa.string())),
        "cluster": pa.array(cluster, mask=none), "similarity": pa.array(similarity, mask=none),
        "campaign_id": pa.DictionaryArray.from_arrays(pa.array(place, mask=place < 0), ids)})
