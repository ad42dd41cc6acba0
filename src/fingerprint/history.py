"""History: was any of this asked before, by others? Novelty is judged against earlier traffic, never against the scanned window.

Colluders make their own text look popular inside the window they flood. Earlier traffic is known by its :mod:`.prevalence`, so that it need not be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .holders import MAX_HOLDERS
from .prevalence import Hashing, Prevalence
from .records import Test

N_TEXTS = 5000  # of a finding, and of the rest of the traffic beside it, that are looked for
NEW = 0.01  # p from which a finding's texts are newer than those of others


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier traffic knows of some texts.

    Attributes
    ----------
    n_asked, n_known : int
        Texts that could be looked up, and those of which another account sent a near-duplicate.
    n_users : int
        Other accounts that used most of the shared text, those that can be told; -1 where there is no shared text or none of it can be looked up.
    n_accounts, n_returned : int
        Accounts behind the texts, and those of them that were there before.
    """

    n_asked: int
    n_known: int
    n_users: int = -1
    n_accounts: int = 0
    n_returned: int = 0


def look_up(prevalence: Prevalence, hashing: Hashing, prompts: Sequence[str], senders: Sequence[str], accounts: Sequence[str] = (),
            shared: npt.NDArray[np.uint64] | None = None, least: int = 0) -> Known:
    """Look for texts in earlier traffic.

    Parameters
    ----------
    prevalence : Prevalence
        Of the earlier traffic.
    hashing : Hashing
        Of the same key and scheme.
    prompts : sequence of str
    senders : sequence of str
        An account that sent each; what it sent before does not make its text known.
    accounts : sequence of str
        Accounts whose history does not make any of the texts known: all of a finding.
    shared : uint64[t], optional
        Trigrams of the text that the prompts share (:func:`fingerprint.templates.shared_trigrams`).
    least : int
        How many of them a prompt made from it has.
    """
    prevalence.texts.settle()
    prevalence.phrases.settle()
    own, sender = hashing.accounts(accounts), hashing.accounts(senders)
    n_known = n_asked = 0
    if len(prompts):
        keys, usable = hashing.texts(list(prompts))
        asked = prevalence.texts.asked(keys) & usable[:, None]
        which, holder = prevalence.texts.of(keys[asked])
        row = np.nonzero(asked)[0][which]
        others = ~np.isin(holder, own) & (holder != sender[row])
        n_asked, n_known = int(asked.any(1).sum()), len(np.unique(row[others]))
    return Known(n_asked, n_known, _users(prevalence, own, shared, least), len(own), int(np.isin(own, prevalence.accounts).sum()))


def _users(prevalence: Prevalence, own: npt.NDArray[np.uint64], shared: npt.NDArray[np.uint64] | None, least: int) -> int:
    """Return how many other accounts used at least the share of the shared text that a prompt made from it has, -1 where that cannot be told."""
    if shared is None or not len(shared):
        return -1
    asked = shared[prevalence.phrases.asked(shared)]
    if not len(asked):
        return -1
    holder = prevalence.phrases.of(asked)[1]
    times = np.unique(holder[~np.isin(holder, own)], return_counts=True)[1]
    return int((times >= max(1.0, least * len(asked) / len(shared))).sum())


def novelty(one: Known, rest: Known, prevalence: Prevalence) -> Test:
    """Compare how much of a finding was asked before with how much of other traffic was.

    Parameters
    ----------
    one : Known
        A finding.
    rest : Known
        Texts of the scanned window that are in no finding.
    prevalence : Prevalence
        Of the earlier traffic.
    """
    from scipy.stats import binom

    share, usual = one.n_known / one.n_asked if one.n_asked else 0.0, (rest.n_known + 0.5) / (rest.n_asked + 1)
    p = float(binom.cdf(one.n_known, one.n_asked, usual)) if one.n_asked else 1.0
    users = f"{one.n_users:,}" if one.n_users < MAX_HOLDERS else f"at least {one.n_users:,}"
    text = f" Its shared text was used by {users} other accounts then, and by {one.n_accounts:,} now." if one.n_users >= 0 else ""
    return Test(
        "novelty", share, "others asked for this before, as for anything else", p <= NEW,
        f"{share:.1%} of its texts have a near-duplicate in {prevalence.n_prompts:,} earlier prompts of other accounts, {usual:.1%} of the texts of other "
        f"traffic.{text} {one.n_returned:,} of its {one.n_accounts:,} accounts were there before.", p=p, decides=False)
