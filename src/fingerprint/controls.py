"""The two controls of every run: what the method reports where there is nothing, and whether it sees what is there.

*Shuffled labels*: accounts are permuted among the events of each hour and the same method runs again. Nothing belongs to anybody then, so
every group it reports is false. It has no communities of like-minded people left, so it bounds one kind of false alarm only.

*Planted campaign*: a query set of our own is shared out over accounts that are added to the traffic, and the same method runs again. The
planted texts see the real ones as neighbours and not the other way round, so they disturb nothing.
"""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .config import ScanConfig
from .detection import Detector
from .encoders import Encoder
from .evidence import Evidence
from .keys import Key
from .records import Controls
from .search import search
from .sketch import sketch
from .traffic import Holdings, Traffic, hold, shuffle_within_hours
from .vectors import nearest

PLANTED_ACCOUNTS, PLANTED_PROMPTS = 40, 30


def run_controls(traffic: Traffic, detector: Detector, encoder: Encoder, config: ScanConfig, key: Key, mean: npt.NDArray[np.float32]) -> Controls:
    """Run both controls on the evidence of a scan."""
    stop = threading.Event()
    with ThreadPoolExecutor(2) as pool:  # most of the time is spent outside the interpreter's lock
        planted = pool.submit(planted_campaign, detector.evidence, encoder, config, key, mean, stop)
        try:
            shuffled = shuffled_groups(traffic, detector.evidence, config)
            found, purity = planted.result()
        finally:
            stop.set()  # an interrupt reaches this thread only
    return Controls(shuffled, PLANTED_ACCOUNTS, PLANTED_ACCOUNTS * PLANTED_PROMPTS, found, purity)


def shuffled_groups(traffic: Traffic, evidence: Evidence, config: ScanConfig) -> int:
    """Return how many groups are reported when account labels are permuted within hours: every one is false."""
    actor = shuffle_within_hours(traffic.actor[traffic.account], traffic.time_us, config.seed)
    held = hold(actor, traffic.text, traffic.exact, config.detect.sample, config.detect.evidence, evidence.row >= 0)
    groups = search(Detector(dataclasses.replace(evidence, holdings=held), config.detect, config.seed, config.threads))
    return sum(not g.reason for g in groups)


def planted_campaign(evidence: Evidence, encoder: Encoder, config: ScanConfig, key: Key, mean: npt.NDArray[np.float32],
                     stop: threading.Event | None = None) -> tuple[float, float]:
    """Plant a campaign, run again, and return (share of its accounts in the best reported group, share of that group that is planted)."""
    prompts = planted_prompts(PLANTED_ACCOUNTS * PLANTED_PROMPTS, config.seed)
    n_old = len(evidence.vectors)
    made = sketch(prompts, key=key, threads=config.threads)
    vectors = encoder.encode(pa.array(prompts, pa.large_string())) - mean
    vectors = np.ascontiguousarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)
    k = evidence.index.shape[1]
    near_old, old = evidence.search.nearest(vectors, k)
    near_new, new = nearest(vectors, min(k, len(vectors)), config.threads)
    similarity, index = np.concatenate([near_old, near_new], 1), np.concatenate([old, np.where(new < 0, new, new + n_old)], 1)
    best = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    n_texts, account = len(evidence.exact), evidence.n_actors + np.arange(len(prompts)) % PLANTED_ACCOUNTS
    held = evidence.holdings
    order = np.lexsort((np.arange(len(prompts)), account))
    joined = Holdings(
        np.concatenate([held.actor, account[order]]), np.concatenate([held.text, n_texts + order]),
        np.concatenate([held.count, np.ones(len(prompts), np.int64)]), np.concatenate([held.sampled, np.ones(len(prompts), bool)]))

    def texts(rows: npt.NDArray[np.int64]) -> list[str]:
        out: list[str] = [""] * len(rows)
        real = np.flatnonzero(rows < n_texts)
        for i, text in zip(real, evidence.texts(rows[real]), strict=True):
            out[i] = text
        for i in np.flatnonzero(rows >= n_texts):
            out[i] = prompts[rows[i] - n_texts]
        return out

    enlarged = dataclasses.replace(
        evidence, vectors=np.concatenate([evidence.vectors, vectors]),
        similarity=np.concatenate([evidence.similarity, np.take_along_axis(similarity, best, 1)]),
        index=np.concatenate([evidence.index, np.take_along_axis(index, best, 1)]),
        row=np.concatenate([evidence.row, n_old + np.arange(len(prompts))]), exact=np.concatenate([evidence.exact, made.exact]), holdings=joined,
        n_actors=evidence.n_actors + PLANTED_ACCOUNTS, texts=texts)
    again = Detector(enlarged, config.detect, config.seed, config.threads, stop)
    groups = [g.members for g in search(again, only=account) if not g.reason]
    return max(((float((m >= evidence.n_actors).sum() / PLANTED_ACCOUNTS), float((m >= evidence.n_actors).mean())) for m in groups), default=(0.0, 0.0))


def planted_prompts(n: int, seed: int) -> list[str]:
    """Return `n` queries of a simulated campaign without a template."""
    from .simulate import campaign_prompts

    return campaign_prompts("reasoning", n, seed)
