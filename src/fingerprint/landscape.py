"""A map of the traffic: some of its prompts in two dimensions, near ones near each other. For the eye: no test looks at it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .arrays import distinct
from .evidence import Evidence
from .records import Campaign
from .traffic import Traffic

N_POINTS, N_CHARGED = 1_000, 500  # prompts on the map, and those of them that findings share
LEAST_POINTS = 12
PERPLEXITY, N_STEPS = 30.0, 500
MAX_CHARS = 300


def landscape(evidence: Evidence | None, traffic: Traffic, campaigns: Sequence[Campaign], charged: Sequence[npt.NDArray[np.int64]], text: bool,
              seed: int = 0) -> pa.Table:
    """Lay out some sampled prompts by t-SNE of their vectors (van der Maaten, JMLR 2014).

    Parameters
    ----------
    evidence : Evidence or None
        None where there is too little of it.
    traffic : Traffic
    campaigns, charged : sequences of Campaign and int64[m]
        Findings, and the events that are charged to each. Their prompts are over-represented on purpose: a campaign of one in a thousand shall be seen.
    text : bool
        Whether prompts are kept.
    seed : int

    Returns
    -------
    pyarrow.Table
        x, y (0 to 1), campaign_id (null: none), account_id, row, prompt (its beginning; null without `text`). Empty for less than a dozen prompts.

    Notes
    -----
    On one thread, so that the map is the same on every machine with the same libraries; two to three seconds.
    """
    text_of, campaign = _chosen(evidence, traffic, charged, seed)
    if evidence is None or len(text_of) < LEAST_POINTS:
        text_of, campaign = text_of[:0], campaign[:0]
    place = _layout(np.asarray(evidence.vectors[evidence.row[text_of]], np.float32), seed) if evidence is not None and len(text_of) else np.zeros((0, 2))
    rows = traffic.first_row[text_of]
    names = pa.array([found.campaign_id for found in campaigns], pa.string())
    prompts: pa.Array = pa.nulls(len(rows), pa.large_string())
    if text and len(rows):
        import pyarrow.compute as pc

        prompts = pc.utf8_slice_codeunits(traffic.take(text_of), 0, MAX_CHARS)
    return pa.table({
        "x": place[:, 0].astype(np.float32), "y": place[:, 1].astype(np.float32),
        "campaign_id": names.take(pa.array(campaign, mask=campaign < 0)) if len(names) else pa.nulls(len(rows), pa.string()),
        "account_id": traffic.account_ids.take(pa.array(traffic.account[rows])).cast(pa.string()), "row": rows, "prompt": prompts})


def _chosen(evidence: Evidence | None, traffic: Traffic, charged: Sequence[npt.NDArray[np.int64]],
            seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the texts on the map, int64[n], and the finding of each, -1 for none."""
    if evidence is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    rng = np.random.default_rng(seed)
    whose = np.full(len(traffic.exact), -1, np.int32)
    for i in range(len(charged) - 1, -1, -1):
        text = traffic.text[charged[i]]
        whose[text[text >= 0]] = i
    sampled = np.flatnonzero(evidence.row >= 0)
    of_sampled = whose[sampled]
    each = max(1, N_CHARGED // max(len(charged), 1))
    chosen = []
    for i in range(min(len(charged), N_CHARGED)):
        own = sampled[of_sampled == i]
        chosen.append(rng.choice(own, min(each, len(own)), replace=False))
    rest = sampled[of_sampled < 0]
    n_rest = N_POINTS - sum(map(len, chosen))
    text_of = distinct(np.concatenate([*chosen, rng.choice(rest, min(n_rest, len(rest)), replace=False)]).astype(np.int64))
    return text_of, whose[text_of].astype(np.int64)


def _layout(vectors: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.float64]:
    """Return places in the unit square, float64[n, 2]; near vectors lie near each other."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    centred = vectors - vectors.mean(0)
    left, spread, _ = np.linalg.svd(centred, full_matrices=False)
    begin = left[:, :2] * spread[:2]
    scale = begin[:, 0].std()
    if scale == 0:  # all the same
        return np.full((len(vectors), 2), 0.5)
    with threadpool_limits(1):
        made = TSNE(init=begin / scale * 1e-4, learning_rate="auto", perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3), max_iter=N_STEPS, random_state=seed,
                    n_jobs=1)
        place = np.asarray(made.fit_transform(vectors), np.float64)
    low, high = place.min(0), place.max(0)
    unit: npt.NDArray[np.float64] = (place - (low + high) / 2) / max(float((high - low).max()), 1e-12) + 0.5
    return unit
