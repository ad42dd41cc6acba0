"""The two controls of every run: what the method reports where there is nothing, and whether it sees what is there.

*Shuffled labels*: accounts are permuted among the events of each hour and the same method runs again. Nothing belongs to anybody then, so
every group it reports is false. It has no communities of like-minded people left, so it bounds one kind of false alarm only.

*Planted campaign*: a query set of our own is shared out over accounts that are added to the traffic (:mod:`.planting`), and the same method runs
again.
"""

from __future__ import annotations

import numpy as np

from .config import ScanConfig
from .detection import Examiner
from .evidence import Evidence
from .planting import plant
from .records import Controls
from .search import search
from .settling import samples
from .traffic import Traffic, shuffle_within_hours

PLANTED_ACCOUNTS, PLANTED_PROMPTS = 40, 30


def run_controls(traffic: Traffic, evidence: Evidence, config: ScanConfig) -> Controls:
    """Run both controls on the evidence of a scan."""
    found, purity = planted_campaign(evidence, config)
    shuffled = shuffled_groups(traffic, evidence, config)
    return Controls(shuffled, PLANTED_ACCOUNTS, PLANTED_ACCOUNTS * PLANTED_PROMPTS, found, purity)


def shuffled_groups(traffic: Traffic, evidence: Evidence, config: ScanConfig) -> int:
    """Return how many groups are reported when account labels are permuted within hours: every one is false."""
    actor = shuffle_within_hours(traffic.actor[traffic.account], traffic.time_us, config.seed, traffic.text, traffic.system)
    traffic.let_go()
    shuffled = evidence.held(*samples(traffic, actor, config.detect, evidence.sampled))
    del actor
    traffic.let_go()
    groups = search(Examiner(shuffled, config.detect, config.seed, config.threads))
    return sum(not g.reason for g in groups)


def planted_campaign(evidence: Evidence, config: ScanConfig) -> tuple[float, float]:
    """Plant a campaign, run again, and return (share of its accounts in the best reported group, share of that group that is planted)."""
    prompts = planted_prompts(PLANTED_ACCOUNTS * PLANTED_PROMPTS, config.seed)
    enlarged, actors = plant(evidence, prompts, np.arange(len(prompts)) % PLANTED_ACCOUNTS, 0.0, config.detect.sample, config.seed, config.threads)
    groups = [g.members for g in search(Examiner(enlarged, config.detect, config.seed, config.threads), only=actors) if not g.reason]
    return max(((float(np.isin(m, actors).sum() / PLANTED_ACCOUNTS), float(np.isin(m, actors).mean())) for m in groups), default=(0.0, 0.0))


def planted_prompts(n: int, seed: int) -> list[str]:
    """Return `n` queries of a simulated campaign without a template, of a kind that no preset of the simulator has."""
    from .simulate import campaign_prompts

    return campaign_prompts("censor", n, seed)
