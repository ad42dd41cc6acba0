"""Evaluation: which campaigns would be seen in this traffic? Campaigns of many sizes are planted into it, one at a time, and looked for.

What a detector finds depends on the traffic it works in: how many accounts, what they ask for, how alike they are. So the question is answered
on the user's own, with built-in query sets or the user's, and each answer is a whole run of the method.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .config import ScanConfig
from .detection import Examiner
from .encoders import get_encoder
from .errors import ConfigError, InputError
from .keys import Key
from .planting import plant
from .progress import Progress, Stopwatch
from .search import search

if TYPE_CHECKING:
    from .evidence import Evidence

FOUND, PURE = 0.5, 0.8  # share of the planted accounts in one reported group, and of that group that is planted, from which a campaign is found
MAX_QUERIES = 200_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign to be planted.

    Attributes
    ----------
    n_accounts, n_prompts : int
        Accounts, and campaign prompts of each.
    cover : float
        Share of each account's prompts, in [0, 1), that are ordinary.
    noise : float
        Share of the words of each prompt, in [0, 1), that are replaced at random.
    """

    n_accounts: int
    n_prompts: int
    cover: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.n_accounts < 1 or self.n_prompts < 1:
            raise ConfigError("a campaign has at least one account and one prompt for each")
        if not (0 <= self.cover < 1 and 0 <= self.noise < 1):
            raise ConfigError(f"cover and noise are shares below 1, not {self.cover} and {self.noise}")
        if self.n_accounts * self.n_prompts > MAX_QUERIES:
            raise ConfigError(f"{self.n_accounts:,} accounts x {self.n_prompts:,} prompts are more than {MAX_QUERIES:,} queries")


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one planted campaign.

    Attributes
    ----------
    plan : Plan
    seed : int
    recall : float
        Share of its accounts in the reported group that holds most of them.
    purity : float
        Share of that group that is planted; 0 without one.
    n_false : int
        Reported groups with planted accounts in which most accounts are real: findings that the campaign drew innocent accounts into.
    seconds : float
    """

    plan: Plan
    seed: int
    recall: float
    purity: float
    n_false: int
    seconds: float

    @property
    def found(self) -> bool:
        """Whether one group holds half of the accounts and is four fifths planted."""
        return self.recall >= FOUND and self.purity >= PURE


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Result of :func:`evaluate`.

    Attributes
    ----------
    trials : list of Trial
        In the order of the plans, repeats together.
    n_actors, n_prompts : int
        Of the traffic.
    n_reported : int
        Groups that the method reports in it before anything is planted; their accounts are taken out of the background.
    """

    trials: list[Trial]
    n_actors: int
    n_prompts: int
    n_reported: int

    def rate(self, plan: Plan) -> float:
        """Return the share of the trials of a plan that were found."""
        found = [t.found for t in self.trials if t.plan == plan]
        return sum(found) / len(found) if found else float("nan")

    def found_from(self, n_accounts: int, cover: float = 0.0, noise: float = 0.0) -> int | None:
        """Return how many prompts an account has sent when such a campaign is found in most trials, None if never: the detection delay in prompts."""
        sizes = sorted({t.plan.n_prompts for t in self.trials if (t.plan.n_accounts, t.plan.cover, t.plan.noise) == (n_accounts, cover, noise)})
        seen = [n for n in sizes if self.rate(Plan(n_accounts, n, cover, noise)) > 0.5]
        return seen[0] if seen else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "schema": "fp-evaluation-1", "n_actors": self.n_actors, "n_prompts": self.n_prompts, "n_reported": self.n_reported,
            "trials": [asdict(t.plan) | {"seed": t.seed, "recall": round(t.recall, 4), "purity": round(t.purity, 4), "found": t.found,
                                         "n_false": t.n_false, "seconds": round(t.seconds, 2)} for t in self.trials]}


def grid(accounts: Sequence[int], prompts: Sequence[int], cover: Sequence[float] = (0.0,), noise: Sequence[float] = (0.0,)) -> list[Plan]:
    """Return all combinations."""
    return [Plan(a, p, c, e) for c, e, a, p in itertools.product(cover, noise, accounts, prompts)]


def evaluate(inputs: Any, plans: Sequence[Plan], *, queries: Sequence[str] | None = None, kind: str = "reasoning", repeats: int = 1,
             config: ScanConfig | None = None, key: Key | None = None, mapping: dict[str, str] | None = None, format: str | None = None,
             progress: Progress | None = None) -> Evaluation:
    """Plant campaigns into traffic and report which are found.

    Parameters
    ----------
    inputs, config, key, mapping, format, progress
        As for :func:`fingerprint.scan`.
    plans : sequence of Plan
        See :func:`grid`.
    queries : sequence of str, optional
        Query set to share out; built-in ones of `kind` (:func:`fingerprint.simulate.campaign_prompts`) if not given. Each is used once.
    repeats : int
        Trials per plan, each with other queries, other cover and another deal.

    Returns
    -------
    Evaluation

    Raises
    ------
    ConfigError
        A plan needs more queries than there are.
    InputError
        Unreadable input, or traffic without two different prompts.
    """
    from .ingest import ingest
    from .pipeline import prepare
    from .readers import read_events

    config, key = config or ScanConfig(), key or Key.default()
    watch = Stopwatch(progress or Progress())
    _enough(plans, queries)
    traffic = ingest(read_events(inputs, mapping=mapping, format=format), config, key, watch)
    encoder = get_encoder(config.encoder, threads=config.threads or os.cpu_count() or 1, device=config.device)
    evidence = prepare(traffic, encoder, config, key, watch)
    if evidence is None:
        raise InputError("there is no traffic to plant campaigns into: fewer than two different prompts")
    with watch.stage("testing the traffic itself"):
        reported = [g.members for g in search(Examiner(evidence, config.detect, config.seed, config.threads)) if not g.reason]
    if reported:
        # what is found already would speak for a planted campaign of its kind, or swallow it: the background is everybody else
        gone = np.isin(traffic.actor[traffic.account], np.concatenate(reported))
        evidence = prepare(replace(traffic, text=np.where(gone, -1, traffic.text)), encoder, config, key, watch)
        if evidence is None:
            raise InputError("nothing is left to plant campaigns into once the reported groups are taken out")
    trials = []
    with watch.stage("planting and searching", total=len(plans) * repeats):
        for plan in plans:
            for repeat in range(repeats):
                trials.append(run_trial(evidence, plan, queries, kind, config, config.seed + repeat))
                watch.progress.advance()
    return Evaluation(trials, traffic.n_actors, len(traffic.account), len(reported))


def run_trial(evidence: Evidence, plan: Plan, queries: Sequence[str] | None, kind: str, config: ScanConfig, seed: int = 0) -> Trial:
    """Plant one campaign and look for it."""
    from .simulate import campaign_prompts
    from .simulate.noise import replace_words

    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    n = plan.n_accounts * plan.n_prompts
    prompts = campaign_prompts(kind, n, seed) if queries is None else [queries[i] for i in rng.permutation(len(queries))[:n].tolist()]
    if plan.noise:
        prompts = replace_words(prompts, rng.integers(0, 2**64, n, dtype=np.uint64), plan.noise)
    planted, actors = plant(evidence, prompts, np.arange(n) % plan.n_accounts, plan.cover, config.detect.sample, seed, config.threads)
    groups = [g.members for g in search(Examiner(planted, config.detect, config.seed, config.threads), only=actors) if not g.reason]
    hits = [int(np.isin(m, actors).sum()) for m in groups]
    n_false = sum(0 < hit < 0.5 * len(m) for hit, m in zip(hits, groups, strict=True))
    best = int(np.argmax(hits)) if any(hits) else -1
    recall, purity = (hits[best] / plan.n_accounts, hits[best] / len(groups[best])) if best >= 0 else (0.0, 0.0)
    return Trial(plan, seed, recall, purity, n_false, time.perf_counter() - start)


def _enough(plans: Sequence[Plan], queries: Sequence[str] | None) -> None:
    if queries is None:
        return
    distinct = len(set(queries))
    if distinct < len(queries):
        raise ConfigError(f"of the {len(queries):,} queries {len(queries) - distinct:,} are repeats; give each once")
    most = max((p.n_accounts * p.n_prompts for p in plans), default=0)
    if most > distinct:
        raise ConfigError(f"a plan needs {most:,} different queries and there are {distinct:,}")
