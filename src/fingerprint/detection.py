"""Detection: candidate groups from two roads, the tests on each, and one set of findings.

The road of neighbours starts from content (:mod:`.neighbours`), the road of profiles from accounts (:mod:`.attribution`). Each finds what the
other misses; both only propose. A group is reported when every test speaks for one source, and each rejected one keeps its reason.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .attribution import Plda, second_moment
from .config import DetectConfig
from .duplication import Duplication, duplication
from .exchangeability import Exchangeability, exchangeability, mean_cross
from .groups import communities, resolution_ladder
from .neighbours import Held, Votes, account_graph, cast_votes, random_pairs
from .profiles import personal_trace, profile
from .templates import Stripped, strip_shared
from .traffic import Holdings
from .vectors import VectorIndex, nearest
from .words import Words

PER_ACCOUNT, PER_GROUP = 60, 6000  # prompts that enter the exchangeability test: pairs grow with the square, the error does not shrink much more
PAYLOAD = 4  # words of its own from which a prompt that has shared text is more than a copy of it
PROFILES_NEAR = 32  # nearest profiles between which the likelihood ratio decides
MIN_CHARGE = 3  # attributed prompts from which an account is charged: one contact is not membership
MIN_CAST = 3.0  # votes below which a prompt has too few neighbours to be attributed to anybody
DOUBT = 0.25  # share of the prompts that others hold, or of the accounts that hold copies, from which people with one interest stay an explanation
VISIBLE = 0.01  # p of the label permutation up to which a personal trace is there, whatever its size
SMALLEST_COHERENCE = 0.25  # robust standard deviations of random pairs: the least a group must have in common to be evidence of anything


@dataclass(frozen=True, slots=True)
class Evidence:
    """What detection works on.

    Attributes
    ----------
    vectors : float32[p, dim]
        Centred unit vectors of the sampled texts.
    similarity, index : float32[p, k], int64[p, k]
        Their nearest texts.
    row : int64[n_texts]
        Row of `vectors` of each distinct text, -1 where it was not sampled.
    exact : uint64[n_texts]
        Keyed hashes of the texts.
    holdings : Holdings
        Who holds what.
    n_actors : int
    texts : callable
        Maps text indices to prompts.
    search : VectorIndex
        Over `vectors`.
    encode : callable
        Maps texts (a sequence of str or an Arrow column) to centred unit vectors float32[n, dim].
    near : callable
        Maps strings to near-duplicate clusters int64[n], -1 for none.
    words : callable
        Maps strings to their words.
    """

    vectors: npt.NDArray[np.float32]
    similarity: npt.NDArray[np.float32]
    index: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    exact: npt.NDArray[np.uint64]
    holdings: Holdings
    n_actors: int
    texts: Callable[[npt.NDArray[np.int64]], list[str]]
    search: VectorIndex
    encode: Callable[[Any], npt.NDArray[np.float32]]
    near: Callable[[Sequence[str]], npt.NDArray[np.int64]]
    words: Callable[[Sequence[str]], Words]


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
    median_attributed, median_share : float
        Per member: attributed texts, and their share of its sampled texts.
    ownership : float
        Of all sampled texts of anybody that would be attributed to this group, the share held by members.
    coherence : float
        Mean similarity of whole prompts of different accounts, in robust standard deviations of random pairs.
    trace : float
        Personal trace of the population.
    exchange : Exchangeability or None
    copies : Duplication
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
    """

    members: npt.NDArray[np.int64]
    attributed: npt.NDArray[np.int64]
    inside: npt.NDArray[np.float64]
    median_attributed: float
    median_share: float
    ownership: float
    coherence: float
    trace: float
    exchange: Exchangeability | None
    copies: Duplication
    n_copying: int
    stripped: Stripped | None
    tested: npt.NDArray[np.int64]
    reason: str
    q: float
    road: str

    @property
    def doubtful(self) -> bool:
        """Whether many others ask for the same, or many accounts around hold copies: one interest or one list stays an explanation."""
        return self.ownership <= 1 - DOUBT or self.n_copying >= DOUBT * (self.n_copying + len(self.members))


class Detector:
    """One run over one table of holdings.

    Parameters
    ----------
    evidence : Evidence
    config : DetectConfig
    seed : int
        Of permutations, samples and Leiden.
    threads : int, optional
    stop : threading.Event, optional
        Once it is set, :meth:`run` raises :class:`KeyboardInterrupt`: for runs in threads, which see no signal.
    """

    def __init__(self, evidence: Evidence, config: DetectConfig, seed: int = 0, threads: int | None = None, stop: threading.Event | None = None) -> None:
        self.evidence, self.config, self.seed, self.threads, self.stop = evidence, config, seed, threads, stop
        held = evidence.holdings
        self.sampled = np.flatnonzero(held.sampled)
        self.actor, self.text = held.actor[self.sampled], held.text[self.sampled]
        self.point = evidence.row[self.text]
        self._count = held.count[self.sampled]
        self.held = Held(self.point, self.actor, len(evidence.vectors), evidence.n_actors)
        self.n_sampled = np.bincount(self.actor, minlength=evidence.n_actors)
        self.half = (evidence.exact[self.text] & np.uint64(1)).astype(np.int64)
        self.profiles = profile(evidence.vectors, self.point, self.actor, self.half, evidence.n_actors)
        self.trace = personal_trace(self.profiles)
        centre, self.deviation = random_pairs(evidence.vectors)
        self.floor = centre + config.floor_deviations * self.deviation
        self.votes: Votes = cast_votes(evidence.similarity, evidence.index, self.floor, self.held)
        self.graph: Any = account_graph(self.votes, self.actor, self.n_sampled)

    def candidates(self) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        """Yield (road, actors) from both roads, finest resolution first, each set once."""
        seen: set[bytes] = set()
        for road, label in self._partitions():
            order = np.argsort(label, kind="stable")
            size = np.bincount(label)
            for members in np.split(order, np.cumsum(size)[:-1]):
                if len(members) >= self.config.min_accounts and members.tobytes() not in seen:
                    seen.add(members.tobytes())
                    yield road, members

    def _partitions(self) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        for resolution in resolution_ladder(self.evidence.n_actors, 2 * self.config.resolution, 2.0):
            yield "neighbours", communities(self.graph, resolution, self.seed)
        for half in (0, 1):
            yield "profiles", self._profile_groups(half)

    def _profile_groups(self, half: int) -> npt.NDArray[np.int64]:
        """Communities of the likelihood-ratio graph over profiles of one half; nearest profiles propose, the ratio decides."""
        from scipy.sparse import coo_matrix

        n, sums = self.profiles.half(half)
        alone = np.arange(len(n))
        weight = np.bincount(self.point[(self.half == half) & (n[self.actor] >= 2)], minlength=len(self.evidence.vectors))
        model = Plda.fit(n, sums, second_moment(self.evidence.vectors, weight.astype(np.float64)))
        usable = np.flatnonzero(n >= 3)
        if model is None or len(usable) < 2:
            return alone
        projected = model.project(n[usable], sums[usable])
        k = min(PROFILES_NEAR + 1, len(usable))
        index = nearest(model.embed(projected, n[usable]), k, self.threads)[1]
        left, right = np.repeat(np.arange(len(usable)), k), index.ravel()
        pairs = (right >= 0) & (left != right)
        left, right = left[pairs], right[pairs]
        ratio = np.concatenate([model.ratio(projected[i], n[usable][i], projected[j], n[usable][j])
                                for i, j in zip(np.array_split(left, 1 + len(left) // 100_000), np.array_split(right, 1 + len(right) // 100_000), strict=True)])
        tied = ratio > 0
        graph = coo_matrix((np.minimum(ratio[tied], 3 * self.config.link), (usable[left[tied]], usable[right[tied]])), shape=(len(n), len(n))).tocsr()
        graph = graph.maximum(graph.T).tocsr()
        graph.sort_indices()
        return communities(graph, self.config.link, self.seed)

    def run(self, only: npt.NDArray[np.int64] | None = None) -> list[Group]:
        """Return all groups that had something to test, findings (empty `reason`) first, larger ones first.

        Candidates are tested finest first. A core that passes takes in every account tied to it as its own members are and drops those that are
        not; then it is tested again, as it will be reported. Of candidates that are nearly the same set only the first is tested. Where a
        candidate holds members of a finding, only the others are judged, lest the finding speak for them; if they pass, and both together do,
        the finding grows. With `only`, candidates that hold none of these actors are left out.
        """
        tested: list[Group] = []
        tried: list[npt.NDArray[np.int64]] = []
        claimed = np.full(self.evidence.n_actors, -1)
        for road, members in self.candidates():
            if self.stop is not None and self.stop.is_set():
                raise KeyboardInterrupt
            if only is not None and not np.isin(only, members).any():
                continue
            free = members[claimed[members] < 0]
            if len(free) < self.config.min_accounts or any(_same(members, other) for other in tried):
                continue
            group = self.test(members, road, free)
            if group is None:
                continue
            tried.append(members)
            at = len(tested)
            if not group.reason and len(free) < len(members):
                at = int(np.bincount(claimed[members[claimed[members] >= 0]]).argmax())
                final = self.test(np.union1d(tested[at].members, group.members), road)
                if final is None or final.reason:
                    continue
                group = final
            elif not group.reason:
                core = self.recruit(group.members)
                final = self.test(core[claimed[core] < 0], road)
                group = final if final is not None and not final.reason else group
            tested[at : at + 1] = [group]
            if not group.reason:
                claimed[group.members] = at
        return sorted(self._control_fdr(tested), key=lambda g: (bool(g.reason), -len(g.members), int(g.members[0]) if len(g.members) else -1))

    def drawn(self, votes: Votes, members: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return the holdings attributed to a set of actors, whoever holds them, int64[h] ascending, and the share of their votes that goes there."""
        voter, weight = votes.into(members)
        inside = weight / votes.cast[voter]
        kept = (votes.cast[voter] >= MIN_CAST) & (inside > self.config.attribution)
        return voter[kept], inside[kept]

    def recruit(self, core: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the actors whose mean tie to the core is at least half of the core's own median tie."""
        inside = np.zeros(self.evidence.n_actors)
        inside[core] = 1.0
        tie = self.graph @ inside
        tie[core] *= len(core) / max(len(core) - 1, 1)
        return np.flatnonzero(tie >= 0.5 * np.median(tie[core]))

    def _control_fdr(self, tested: list[Group]) -> list[Group]:
        at = [i for i, g in enumerate(tested) if g.exchange is not None]
        q = np.ones(len(tested))
        q[at] = benjamini_hochberg(np.array([tested[i].exchange.p for i in at]))  # type: ignore[union-attr]
        out = []
        for group, value in zip(tested, q, strict=True):
            reason = group.reason
            if not reason and value > self.config.q:
                reason = f"the test of exchangeability has q = {value:.2g}, above {self.config.q:g}"
            out.append(_replace(group, q=float(value), reason=reason))
        return out

    def test(self, members: npt.NDArray[np.int64], road: str, judged: npt.NDArray[np.int64] | None = None) -> Group | None:
        """Run all tests on a set of actors.

        With `judged`, a part of them, prompts are attributed to the whole set, and only these are charged and tested.
        Returns None when too few prompts are attributed for there to be anything to test.
        """
        config, n_actors = self.config, self.evidence.n_actors
        if len(members) > n_actors / 2:
            return None
        member = np.zeros(n_actors, bool)
        member[members] = True
        rows, inside = self.drawn(self.votes, members)
        own = member[self.actor[rows]]
        ownership = int(own.sum()) / max(len(rows), 1)
        rows, inside = rows[own], inside[own]
        if judged is not None:
            members, keep = judged, np.isin(self.actor[rows], judged)
            rows, inside = rows[keep], inside[keep]
        per = np.bincount(self.actor[rows], minlength=n_actors)
        charged = members[(per[members] >= MIN_CHARGE) & (per[members] >= 0.5 * config.min_share * self.n_sampled[members])]
        if np.median(per[members]) < config.min_attributed and len(charged) < max(config.min_accounts, 0.5 * len(members)):
            return None
        keep = np.isin(self.actor[rows], charged)
        rows, inside = rows[keep], inside[keep]
        chosen = self._choose(rows, charged)
        if not len(chosen):
            return None
        stripped = strip_shared(self.evidence.words(self.evidence.texts(self.text[chosen])), self.actor[chosen])
        copies = duplication(self.actor[chosen], self.evidence.near(stripped.residuals), self._count[chosen], stripped.own_words < PAYLOAD)
        copying = copies.account[copies.shared > config.copies]
        charged, keep = np.setdiff1d(charged, copying), ~np.isin(self.actor[rows], copying)
        rows, inside = rows[keep], inside[keep]
        summary: dict[str, Any] = {
            "members": charged, "attributed": rows, "inside": inside, "ownership": ownership, "copies": copies, "n_copying": len(copying), "road": road,
            "median_attributed": _median(per[charged]), "median_share": _median(per[charged] / np.maximum(self.n_sampled[charged], 1)),
            "coherence": 0.0, "trace": self.trace, "exchange": None, "stripped": stripped, "tested": chosen, "q": 1.0}
        reason = self._reason_before(summary)
        if reason:
            return Group(reason=reason, **summary)
        keep = ~np.isin(self.actor[chosen], copying) & np.array([len(r) > 3 for r in stripped.residuals], bool)
        residual = self.evidence.encode([r for r, ok in zip(stripped.residuals, keep, strict=True) if ok])
        exchange = exchangeability(residual, self.actor[chosen][keep], self.trace) if keep.any() else None
        common = mean_cross(self.evidence.vectors[self.point[chosen]], self.actor[chosen])
        summary.update(coherence=common / max(self.deviation, 1e-9), exchange=exchange)
        found = Group(reason="", **summary)
        return _replace(found, reason=self._reason_after(found, common))

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
        if summary["copies"].repetition > config.repetition:
            return f"{summary['copies'].repetition:.0%} of the prompts repeat one of the same account: people retry, a query set does not"
        return ""

    def _reason_after(self, group: Group, common: float) -> str:
        exchange = group.exchange
        if exchange is None:
            return "too few pairs of prompts inside accounts once the shared text is removed: no power"
        if common < SMALLEST_COHERENCE * self.deviation:
            return "its accounts have hardly more in common than random prompts"
        limit = limit_of(exchange, self.config, group.doubtful)
        if exchange.bound > limit:
            return (f"its accounts differ as people do: the personal trace is {exchange.trace_ratio:.2f} of an ordinary one "
                    f"(at most {exchange.bound:.2f} at 95 %), above {limit:g}")
        if has_copies(exchange, self.config, group.doubtful):
            return (f"prompts of different accounts are more alike than those of one account ({exchange.trace_ratio:.2f} of an ordinary personal "
                    f"trace, at least {exchange.lower:.2f} at 95 %): everybody has a copy of the same list")
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


def limit_of(exchange: Exchangeability, config: DetectConfig, doubtful: bool) -> float:
    """Return what the upper bound of the personal trace must not exceed.

    Less where shuffling the account labels shows that there is a trace, and less where the group is doubtful: a wide bound rules nothing out.
    """
    return config.small if doubtful or exchange.p_permutation <= VISIBLE else config.margin


def has_copies(exchange: Exchangeability, config: DetectConfig, doubtful: bool) -> bool:
    """Whether prompts of different accounts are the more alike, as where everybody has a copy of one list.

    It must be visible, or, in a doubtful group, not ruled out.
    """
    return (doubtful or exchange.p_below <= VISIBLE) and exchange.lower < -config.small


def _median(values: npt.NDArray[Any]) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _same(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> bool:
    """Whether two sets have a Jaccard similarity of .9 or more."""
    small, large = sorted((len(left), len(right)))
    if small < 0.9 * large:
        return False
    common = len(np.intersect1d(left, right, assume_unique=True))
    return common >= 0.9 * (small + large - common)


def _replace(group: Group, **changes: Any) -> Group:
    import dataclasses

    return dataclasses.replace(group, **changes)


def benjamini_hochberg(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return q values (Benjamini and Hochberg 1995), float64[n]; empty in, empty out."""
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q
