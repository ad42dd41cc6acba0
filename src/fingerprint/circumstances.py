"""Circumstances of a group: when it was active, and conversations that change hands. They support a finding and never decide one.

Each is compared with what as many accounts drawn from the same traffic show, so it needs no assumption about when people sleep or how logs number
their conversations.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .arrays import distinct
from .records import Test
from .traffic import HOUR_US, Traffic, on_circle

DRAWS = 400  # sets of accounts drawn for a null
VISIBLE = 0.01  # p from which a circumstance is said to support a finding
FEWEST = 20  # prompts below which nothing is said about their times


def circumstances(rows: npt.NDArray[np.int64], traffic: Traffic, seed: int = 0) -> list[Test]:
    """Return the supporting tests of the events charged to a group.

    Parameters
    ----------
    rows : int64[m]
        Events.
    traffic : Traffic
    seed : int
        Of the accounts drawn.

    Returns
    -------
    list of Test
        None of them decides; empty for fewer than ``FEWEST`` events or when the group is most of the traffic.
    """
    inside = np.zeros(len(traffic.account_ids), bool)
    inside[traffic.account[rows]] = True
    accounts, others = np.flatnonzero(inside), np.flatnonzero(~inside & (traffic.n_prompts > 0))
    if len(rows) < FEWEST or len(others) < len(accounts):
        return []
    rng = np.random.default_rng(seed)
    drawn = [rng.choice(others, len(accounts), replace=False) for _ in range(DRAWS)]
    found = [_around_the_clock(rows, traffic, drawn), _common_start(rows, traffic, drawn)]
    moved = _moving_conversations(rows, traffic)
    return found if moved is None else [*found, moved]


def _around_the_clock(rows: npt.NDArray[np.int64], traffic: Traffic, drawn: list[npt.NDArray[np.int64]]) -> Test:
    rhythm = float(abs(on_circle(traffic.time_us[rows]).sum()) / len(rows))
    null = np.array([abs(traffic.turn[a].sum()) / traffic.n_prompts[a].sum() for a in drawn])
    p = _share(null <= rhythm)
    return Test(
        "daily rhythm", rhythm, "as many accounts of this traffic keep the same hours", p <= VISIBLE,
        f"How much the prompts keep to some hours of the day: {rhythm:.2f} (0: round the clock alike, 1: always the same minute); other accounts of this "
        f"traffic, as many together, {np.median(null):.2f}.", p=p, decides=False)


def _common_start(rows: npt.NDArray[np.int64], traffic: Traffic, drawn: list[npt.NDArray[np.int64]]) -> Test:
    n = len(traffic.account_ids)
    charged = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(charged, traffic.account[rows], traffic.time_us[rows])

    def spread(times: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        low, high = np.quantile(times, [0.25, 0.75], axis=-1)
        return np.asarray((high - low) / (24 * HOUR_US))

    days = float(spread(charged[charged < np.iinfo(np.int64).max]))
    null = spread(traffic.first_seen[np.stack(drawn)])
    p = _share(null <= days)
    return Test(
        "common start", days, "accounts begin independently of each other", p <= VISIBLE,
        f"The middle half of the accounts began within {days:.1f} days of each other; as many other accounts of this traffic within {np.median(null):.1f}.",
        p=p, decides=False)


def _moving_conversations(rows: npt.NDArray[np.int64], traffic: Traffic) -> Test | None:
    """Conversations that go on under another account: nobody hands a browser window around the world. None where the log names no conversations."""
    talk = traffic.conversation[rows]
    if not (talk >= 0).any():
        return None
    of = distinct(talk[talk >= 0])
    n_moved, n_rest = int((traffic.moved > 0).sum()), int((traffic.moved >= 0).sum()) - len(of)
    share = float(traffic.moved[of].mean())
    usual = (n_moved - int(traffic.moved[of].sum())) / n_rest if n_rest else 0.0
    from scipy.stats import binom

    p = float(binom.sf(int(traffic.moved[of].sum()) - 1, len(of), max(usual, 1 / max(n_rest, 1))))
    return Test(
        "moving conversations", share, "a conversation stays with one account, as elsewhere in this traffic", p <= VISIBLE,
        f"{share:.1%} of its {len(of):,} conversations go on under another account; elsewhere {usual:.1%}.", p=p, decides=False)


def _share(hits: npt.NDArray[np.bool_]) -> float:
    return float((hits.sum() + 1) / (len(hits) + 1))
