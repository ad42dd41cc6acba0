"""Detection: which prompts of a group of actors are attributed to it, and the tests on them.

A group is reported when every test speaks for one source, and each rejected one keeps its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .duplication import Duplication, duplication
from .evidence import Sample
from .exchangeability import Exchangeability, exchangeability, mean_cross
from .neighbours import Votes
from .segments import Segment
from .templates import Stripped, strip_shared

PER_ACCOUNT, PER_GROUP = 60, 4000  # prompts that enter the exchangeability test: pairs grow with the square, the error does not shrink much more
PAYLOAD = 4  # words of its own from which a prompt that has shared text is more than a copy of it
MIN_CHARGE = 3  # attributed prompts from which an account is charged: one contact is not membership
LEVEL, STRAY = 0.1, 0.1  # steps of the share of votes, and the local false discovery rate down to which prompts of members are attributed
PERSONAL = 3.1  # standard deviations, p of .001, from which a single account of a group leaves a trace of its own and is not charged
FELLOW = 0.7  # tie of each prompt, as a share of the median member's, from which an account that has sent little is one
BYSTANDERS = 100  # accounts too small to be charged, from which they tell whether bystanders are tied like that
BY_CHANCE = 1e-3  # p below which an account has more attributed prompts than others have by chance
NEVER = 2.0  # share of votes that no prompt has
MIN_CAST = 3.0  # votes below which a prompt has too few neighbours to be attributed to anybody
DOUBT = 0.25  # share of the prompts that others hold, or of the accounts that hold copies, from which people with one interest stay an explanation
SMALLEST_COHERENCE = 0.25  # robust standard deviations of random pairs: the least a group must have in common to be evidence of anything


@dataclass(frozen=True, slots=True)
class Group:
    """A tested group of actors.

    Attributes
    ----------
    members : int64[a]
        Actors that are charged, ascending.
    attributed : int64[m]
        Rows of the sampled holdings that are charged.
    inside : float64[m]
        Share of the votes of each that stay in the group.
    attribution : float
        Share of votes from which a prompt of a member is attributed.
    median_attributed, median_share : float
        Per member: attributed texts, and their share of its sampled texts.
    ownership : float
        Of all sampled texts of anybody that would be attributed to this group, the share held by members.
    coherence : float
        Mean similarity of whole prompts of different accounts, in robust standard deviations of random pairs.
    exchange : Exchangeability or None
    copies : Duplication or None
        None where the group was rejected before its texts were read.
    n_copying : int
        Accounts left out because they mostly hold copies.
    stripped : Stripped or None
        Shared text of the prompts that were tested.
    tested : int64[t]
        Rows of the sampled holdings behind `stripped`.
    reason : str
        Empty, or why the group is not reported.
    q : float
        Benjamini-Hochberg over the groups that came to the test of exchangeability; 1 for the others.
    road : str
        Where the candidate came from.
    segment : Segment or None
        Text whose holders the candidate was; what contains it is attributed, as well as what votes for the group.
    """

    members: npt.NDArray[np.int64]
    attributed: npt.NDArray[np.int64]
    inside: npt.NDArray[np.float64]
    attribution: float
    median_attributed: float
    median_share: float
    ownership: float
    coherence: float
    exchange: Exchangeability | None
    copies: Duplication | None
    n_copying: int
    stripped: Stripped | None
    tested: npt.NDArray[np.int64]
    reason: str
    q: float
    road: str
    segment: Segment | None = None

    @property
    def subjectless(self) -> bool:
        """Whether a shared text alone says what is charged: the prompts may be about anything."""
        return self.attribution == NEVER

    @property
    def doubtful(self) -> bool:
        """Whether many others ask for the same, or many accounts around hold copies: one interest or one list stays an explanation."""
        return self.ownership <= 1 - DOUBT or self.n_copying >= DOUBT * (self.n_copying + len(self.members))

    def limit(self, margin: float) -> float:
        """Return how large a personal trace, either way, must be ruled out: half of the margin where the group is doubtful."""
        return margin / 2 if self.doubtful else margin


@dataclass(frozen=True, slots=True)
class _Attributed:
    """Actors that are charged, rows of the sampled holdings that are attributed to them with the share of their votes inside; see Group."""

    charged: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    inside: npt.NDArray[np.float64]
    ownership: float
    attribution: float


class Examiner(Sample):
    """The tests, on one sample of the evidence."""

    def drawn(self, votes: Votes, members: npt.NDArray[np.int64], least: float = 0.0) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the holdings, whoever has them, whose share of votes for a set of actors exceeds `least`: int64[h] ascending, and that share."""
        voter, weight = votes.into(members)
        inside = weight / votes.cast[voter]
        kept = (votes.cast[voter] >= MIN_CAST) & (inside > least)
        return voter[kept], inside[kept]

    def reach(self, inside: npt.NDArray[np.float64], own: npt.NDArray[np.bool_], n_own: int) -> tuple[float, float]:
        """Return the share of votes from which a member's prompt is attributed, and the chance that a prompt of anybody else has as much.

        What is nearest to the group mostly belongs to it. Below that, level by level, prompts of members are attributed as long as other accounts
        make so few of the kind that at most ``STRAY`` of them would be there by chance: a local false discovery rate, with the other accounts'
        prompts as its null.
        """
        top = round(1 / LEVEL)
        level = np.minimum((inside / LEVEL).astype(np.int64), top)
        mine, others = (np.bincount(level[of], minlength=top + 1) for of in (own, ~own))
        by_chance = others * n_own / max(len(self.actor) - n_own, 1)
        at = round(self.config.attribution / LEVEL)
        while at > 1 and by_chance[at - 1] < STRAY * mine[at - 1]:
            at -= 1
        return at * LEVEL, float(by_chance[at:].sum() / max(n_own, 1))

    def recruit(self, core: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the actors that are tied to the core at least half as much as its own are in the median.

        Of the accounts of one source, one that has sent less is tied less (by the root of its number of prompts, see
        :func:`fingerprint.neighbours.account_graph`). So one whose prompts are each tied nearly as much belongs to it as well, unless bystanders are
        like that: they are known by the accounts that have sent too little to be charged with anything, of which not one may be tied so much.
        """
        inside = np.zeros(self.evidence.n_actors)
        inside[core] = 1.0
        tie = self.graph @ inside
        tie[core] *= len(core) / max(len(core) - 1, 1)
        tied = tie >= 0.5 * np.median(tie[core])
        each = tie / np.sqrt(np.maximum(self.n_sampled, 1))
        alike = each >= FELLOW * np.median(each[core])
        few = (self.n_sampled > 0) & (self.n_sampled < MIN_CHARGE)
        if few.sum() >= BYSTANDERS and not (alike & few).any():
            tied |= alike
        return np.flatnonzero(tied)

    def test(self, members: npt.NDArray[np.int64], road: str, judged: npt.NDArray[np.int64] | None = None,
             segment: Segment | None = None, votes: bool = True) -> Group | None:
        """Run all tests on a set of actors.

        With `judged`, a part of them, prompts are attributed to the whole set, and only these are charged and tested. With `segment`, what contains
        it is attributed as well, whatever its votes, and without `votes` nothing else is; the subjects need have nothing in common then.
        Returns None when too few prompts are attributed for there to be anything to test.
        """
        config, n_actors = self.config, self.evidence.n_actors
        if len(members) > n_actors / 2:
            return None
        found = self._attribute(members, judged, segment, votes)
        chosen = self._choose(found.rows, found.charged) if found is not None else np.zeros(0, np.int64)
        if found is None or not len(chosen):
            return None
        per = np.bincount(self.actor[found.rows], minlength=n_actors)
        nothing = np.zeros(0, np.int64)
        summary: dict[str, Any] = {
            "members": found.charged, "attributed": found.rows, "inside": found.inside, "ownership": found.ownership, "attribution": found.attribution,
            "copies": None, "n_copying": 0, "road": road, "segment": segment, "coherence": 0.0, "exchange": None, "stripped": None, "tested": nothing, "q": 1.0,
            **self._medians(per, found.charged)}
        reason = self._reason_before(summary)
        if reason:
            return Group(reason=reason, **summary)
        stripped = strip_shared(self.evidence.words(self.evidence.texts(self.text[chosen])), self.actor[chosen])
        copies = duplication(self.actor[chosen], self.evidence.near(stripped.residuals), self.count[chosen], stripped.own_words < PAYLOAD)
        alone = np.bincount(self.actor[chosen[~copies.copied]], minlength=n_actors)[copies.account]
        copying = copies.account[(copies.shared > config.copies) & (alone < config.min_attributed) & (not copies.drawn)]
        charged, keep = np.setdiff1d(found.charged, copying), ~np.isin(self.actor[found.rows], copying)
        summary.update(members=charged, attributed=found.rows[keep], inside=found.inside[keep], copies=copies, n_copying=len(copying), stripped=stripped,
                       tested=chosen, **self._medians(per, charged))
        reason = self._reason_before(summary)
        if reason:
            return Group(reason=reason, **summary)
        keep = ~np.isin(self.actor[chosen], copying) & np.array([len(r) > 3 for r in stripped.residuals], bool)
        if not copies.drawn:
            keep &= ~copies.copied  # what is handed round does not tell who writes alike; with it, a few copies would hide a list that is shared out
        residual = self.evidence.encode([r for r, ok in zip(stripped.residuals, keep, strict=True) if ok])
        exchange = exchangeability(residual, self.actor[chosen][keep], self.seed) if keep.any() else None
        common = mean_cross(self.evidence.vectors[self.point[chosen]], self.actor[chosen])
        summary.update(coherence=common / max(self.deviation, 1e-9), exchange=exchange)
        group = Group(reason="", **summary)
        reason = self._reason_after(group, common)
        return replace(group, reason=reason) if reason or exchange is None else self._without_people(group, exchange)

    def _attribute(self, members: npt.NDArray[np.int64], judged: npt.NDArray[np.int64] | None, segment: Segment | None, votes: bool) -> _Attributed | None:
        """Attribute prompts to a set of actors and say who has more of them than chance gives; None where there is too little to test."""
        from scipy.special import pdtrc

        config = self.config
        rows, inside = self._drawn_or_shared(members, segment, votes)
        place = _places(self.actor[rows], members)
        own = place >= 0
        nearest = inside > config.attribution
        ownership = float(own[nearest].mean()) if nearest.any() else 0.0
        attribution, chance = self.reach(inside, own, int(self.n_sampled[members].sum()))
        if judged is not None:
            members = judged
            place = _places(self.actor[rows], judged)
        kept = (place >= 0) & (inside > attribution)
        rows, inside = rows[kept], inside[kept]
        per, sampled = np.bincount(place[kept], minlength=len(members)), self.n_sampled[members]
        charged = members[(per >= MIN_CHARGE) & (per >= 0.5 * config.min_share * sampled) & (pdtrc(per - 1, chance * sampled) < BY_CHANCE)]
        if np.median(per) < config.min_attributed and len(charged) < max(config.min_accounts, 0.5 * len(members)):
            return None
        keep = np.isin(self.actor[rows], charged)
        return _Attributed(charged, rows[keep], inside[keep], ownership, attribution if votes else NEVER)

    def _drawn_or_shared(self, members: npt.NDArray[np.int64], segment: Segment | None,
                         votes: bool) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the holdings that vote for members or contain the segment, ascending, with their share of votes, 1 where they contain it."""
        rows, inside = self.drawn(self.votes, members) if votes else (np.zeros(0, np.int64), np.zeros(0))
        if segment is None:
            return rows, inside
        share = np.ones(len(segment.rows) + len(rows))
        share[len(segment.rows) :] = inside
        rows, first = np.unique(np.concatenate([segment.rows, rows]), return_index=True)
        return rows, share[first]

    def _without_people(self, group: Group, exchange: Exchangeability) -> Group:
        """Take out the accounts whose own trace shows: bystanders of a source that asks for what they ask.

        The group has passed with them, so leaving them out can only clear somebody.
        """
        people = exchange.account[exchange.deviate > PERSONAL]
        keep = ~np.isin(self.actor[group.attributed], people)
        rest = replace(group, members=np.setdiff1d(group.members, people), attributed=group.attributed[keep], inside=group.inside[keep])
        return rest if len(rest.members) >= self.config.min_accounts else replace(rest, reason="most of its accounts leave a trace of their own")

    def _medians(self, per: npt.NDArray[np.int64], charged: npt.NDArray[np.int64]) -> dict[str, float]:
        return {"median_attributed": _median(per[charged]), "median_share": _median(per[charged] / np.maximum(self.n_sampled[charged], 1))}

    def _reason_before(self, summary: dict[str, Any]) -> str:
        config = self.config
        if summary["n_copying"] and summary["n_copying"] >= len(summary["members"]):
            return f"{summary['n_copying']} of its accounts hold copies of one list (homework, a benchmark, viral prompts), each mostly what others hold too"
        if len(summary["members"]) < config.min_accounts:
            return f"{len(summary['members'])} accounts remain, fewer than {config.min_accounts}: no power"
        if summary["median_attributed"] < config.min_attributed:
            return f"a median of {summary['median_attributed']:g} attributed prompts per account, fewer than {config.min_attributed}: no power"
        if summary["median_share"] < config.min_share:
            return f"the attributed prompts are {summary['median_share']:.0%} of an account's traffic: a shared interest, not a source"
        if summary["ownership"] < config.ownership:
            return f"only {summary['ownership']:.0%} of the prompts of this kind come from the group: a shared interest, not a source"
        if summary["copies"] is not None and summary["copies"].repetition > config.repetition:
            return f"{summary['copies'].repetition:.0%} of the prompts repeat one of the same account: people retry, a query set does not"
        return ""

    def _reason_after(self, group: Group, common: float) -> str:
        exchange = group.exchange
        if exchange is None:
            return "too few pairs of prompts inside accounts once the shared text is removed: no power"
        if not group.subjectless and common < SMALLEST_COHERENCE * self.deviation:
            return "its accounts have hardly more in common than random prompts"
        limit = group.limit(self.config.margin)
        if (exchange.upper > limit and exchange.lower <= 0) or (exchange.lower < -limit and exchange.upper >= 0):
            return (f"whether its accounts differ is open: the most similar prompt is of the same account {exchange.lower:+.1%} to {exchange.upper:+.1%} more "
                    f"often than by chance at 95 %, and {limit:.0%} either way must be ruled out: no power")
        if exchange.upper > limit:
            return (f"its accounts differ as people do: the most similar prompt is of the same account {exchange.trace:+.1%} more often than by chance "
                    f"(at most {exchange.upper:+.1%} at 95 %), above {limit:.0%}")
        if exchange.lower < -limit:
            return (f"the most similar prompt is another account's too often ({exchange.trace:+.1%}, at least {exchange.lower:+.1%} at 95 %, below "
                    f"{-limit:.0%}): everybody has a copy of the same list")
        return ""

    def _choose(self, rows: npt.NDArray[np.int64], charged: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Bounded sample of attributed rows: smallest keyed hashes first, so that copies in several accounts are chosen together."""
        if not len(rows):
            return rows
        most = max(2, min(PER_ACCOUNT, int(2 * np.median(np.bincount(self.actor[rows])[charged]))))
        rng = np.random.default_rng(self.seed)
        accounts = charged if len(charged) * most <= PER_GROUP else rng.choice(charged, max(PER_GROUP // most, 20), replace=False)
        rows = rows[np.isin(self.actor[rows], accounts)]
        order = rows[np.lexsort((self.evidence.exact[self.text[rows]], self.actor[rows]))]
        size = np.unique(self.actor[order], return_counts=True)[1]
        rank = np.arange(len(order)) - np.repeat(np.cumsum(size) - size, size)
        return np.sort(order[rank < most])


def _places(actor: npt.NDArray[np.int64], members: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where each actor stands among the members (ascending), -1 for those that are none; costs nothing per actor of the traffic."""
    place = np.minimum(np.searchsorted(members, actor), len(members) - 1)
    return np.where(members[place] == actor, place, -1)


def _median(values: npt.NDArray[Any]) -> float:
    return float(np.median(values)) if len(values) else 0.0
