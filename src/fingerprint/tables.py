"""The result tables: one row per account, per near-duplicate cluster, per event, and per sketch of a finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .arrays import distinct
from .config import SketchConfig
from .keys import Key
from .records import Campaign, no_sketches
from .sketch import sketch
from .traffic import EVENTS_AT_ONCE, Traffic

MAX_CHARS = 2000  # of a representative prompt in the cluster table
RECENT = 0.1  # share of the period that counts as its end
MAX_SKETCHES = 4096  # of a finding
TEXTS_AT_ONCE = 16_384  # that are read and signed together


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

    Columns: cluster, n_prompts, n_recent (of these in the last ``RECENT`` of the period), n_accounts, n_texts, representative_row (of the leader), prompt
    (null without `text`), first_seen, last_seen.
    """
    n_clusters = int(traffic.cluster.max(initial=-1)) + 1
    size, recent, accounts, texts = (np.zeros(n_clusters, np.int64) for _ in range(4))
    begin, end = (int(traffic.time_us.min()), int(traffic.time_us.max())) if len(traffic.time_us) else (0, 0)
    late = end - int(RECENT * (end - begin))
    first, leader = (np.full(n_clusters, np.iinfo(np.int64).max) for _ in range(2))
    last = np.full(n_clusters, np.iinfo(np.int64).min)
    n_accounts = max(len(traffic.account_ids), 1)
    for rows in _parts(traffic):
        label = traffic.cluster[traffic.text[rows]]
        size += np.bincount(label, minlength=n_clusters)
        recent += np.bincount(label[traffic.time_us[rows] > late], minlength=n_clusters)
        np.minimum.at(first, label, traffic.time_us[rows])
        np.maximum.at(last, label, traffic.time_us[rows])
    held = [np.zeros(0, np.int64)]
    for rows in _parts(traffic):
        label = traffic.cluster[traffic.text[rows]].astype(np.int64)
        held.append(distinct((label * n_accounts + traffic.account[rows])[size[label] >= 2]))
    accounts += np.bincount(distinct(np.concatenate(held)) // n_accounts, minlength=n_clusters)
    own = traffic.cluster >= 0
    texts += np.bincount(traffic.cluster[own], minlength=n_clusters)
    np.minimum.at(leader, traffic.cluster[own], np.flatnonzero(own))
    kept = np.flatnonzero(size >= 2)
    kept = kept[np.lexsort((kept, -size[kept]))]
    prompts: pa.Array = pa.nulls(len(kept), pa.large_string())
    if text and len(kept):
        import pyarrow.compute as pc

        prompts = pc.utf8_slice_codeunits(traffic.take(leader[kept]), 0, MAX_CHARS)
    when = pa.timestamp("us", "UTC")
    return pa.table({
        "cluster": kept, "n_prompts": size[kept], "n_recent": recent[kept], "n_accounts": accounts[kept], "n_texts": texts[kept],
        "representative_row": traffic.first_row[leader[kept]], "prompt": prompts,
        "first_seen": pa.array(first[kept], pa.int64()).cast(when), "last_seen": pa.array(last[kept], pa.int64()).cast(when)})


def _parts(traffic: Traffic) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the events whose text has a cluster, in parts of bounded size."""
    for low in range(0, len(traffic.text), EVENTS_AT_ONCE):
        text = traffic.text[low : low + EVENTS_AT_ONCE]
        own = np.flatnonzero(text >= 0)
        yield low + own[traffic.cluster[text[own]] >= 0]


def prompt_table(traffic: Traffic, campaigns: Sequence[Campaign], charged: Sequence[npt.NDArray[np.int64]]) -> pa.Table:
    """Return one row per accepted event: row, file, line, account_id, cluster, similarity, campaign_id.

    The two ids are dictionaries: of millions of rows each name is held once. `cluster` and `similarity` are null where a prompt has no cluster
    (empty text); `charged` holds the events of each campaign.
    """
    n = len(traffic.account)
    campaign = np.full(n, -1, np.int16 if len(charged) < 1 << 15 else np.int32)
    for i in range(len(charged) - 1, -1, -1):
        campaign[charged[i]] = i
    accounts, campaigns_named = traffic.account_ids.cast(pa.string()), pa.array([c.campaign_id for c in campaigns], pa.string())
    label, near = np.append(traffic.cluster, np.int32(-1)), np.append(traffic.similarity, np.float32(0))  # text -1 is the last
    parts = []
    for low in range(0, max(n, 1), EVENTS_AT_ONCE):
        part = slice(low, min(low + EVENTS_AT_ONCE, n))
        text, whose = traffic.text[part], campaign[part].astype(np.int32)
        cluster = label[text]
        none = cluster < 0
        parts.append(pa.table({
            "row": np.arange(part.start, part.stop), "file": traffic.file[part], "line": traffic.line[part],
            "account_id": pa.DictionaryArray.from_arrays(pa.array(traffic.account[part]), accounts),
            "cluster": pa.array(cluster, mask=none), "similarity": pa.array(near[text], mask=none),
            "campaign_id": pa.DictionaryArray.from_arrays(pa.array(whose, mask=whose < 0), campaigns_named)}))
    return pa.concat_tables(parts)


def sketch_table(traffic: Traffic, campaigns: Sequence[Campaign], charged: Sequence[npt.NDArray[np.int64]], config: SketchConfig, key: Key,
                 threads: int | None = None) -> pa.Table:
    """Return keyed sketches of the distinct prompts of each finding, by which another traffic can be searched without their words.

    Of more than ``MAX_SKETCHES`` texts those with the smallest exact hashes are taken: under one key the same ones wherever they occur, and nobody without
    it can choose them.

    Parameters
    ----------
    traffic : Traffic
        Its texts are numbered in the order of their exact hashes.
    campaigns, charged
        Findings, and the events of each.
    config : SketchConfig
    key : Key
        That of the traffic's exact hashes.
    threads : int, optional

    Returns
    -------
    pyarrow.Table
        campaign_id, exact (uint64, ascending in each finding), values (binary of ``num_perm`` bytes, those of :class:`fingerprint.clusters.Compact`; null
        for a text too short for a signature), n_prompts (events of the finding with that text).
    """
    chosen = [distinct(traffic.text[rows])[:MAX_SKETCHES] for rows in charged]
    texts = distinct(np.concatenate([np.zeros(0, np.int32), *chosen]))
    values, signed = np.zeros((len(texts), config.num_perm), np.uint8), np.zeros(len(texts), bool)
    order = np.argsort(traffic.place[texts], kind="stable")  # texts that lie together are read together
    for low in range(0, len(order), TEXTS_AT_ONCE):
        part = order[low : low + TEXTS_AT_ONCE]
        made = sketch(traffic.take(texts[part]), key=key, num_perm=config.num_perm, ngram=config.ngram, threads=threads).signatures
        values[part], signed[part] = made.values.astype(np.uint8), made.n_shingles > 0
    parts = [no_sketches(config.num_perm)]
    for found, own, rows in zip(campaigns, chosen, charged, strict=True):
        text, at = traffic.text[rows], np.searchsorted(texts, own)
        sent = np.bincount(np.searchsorted(own, text[text <= own.max(initial=-1)]), minlength=len(own))
        packed = pa.array([row.tobytes() if has else None for row, has in zip(values[at], signed[at], strict=True)], pa.binary(config.num_perm))
        parts.append(pa.table([pa.array([found.campaign_id] * len(own), pa.string()), pa.array(traffic.exact[own]), packed, pa.array(sent, pa.int64())],
                              schema=parts[0].schema))
    return pa.concat_tables(parts)
