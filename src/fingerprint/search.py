"""Search: test the candidates, grow what passes, and control the false discovery rate over all of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from .candidates import candidates
from .detection import Examiner, Group
from .segments import Segment, either, segments
from .significance import benjamini_hochberg

SOURCES = 3  # at most so many in one candidate: a smaller part of it does not inherit what the whole owns
SAME = 0.9  # Jaccard similarity from which two candidates are one
WITHIN = 0.8  # share of a part that lies inside a candidate, and the largest share of the candidate that is a part of it


def search(examiner: Examiner, only: npt.NDArray[np.int64] | None = None) -> list[Group]:
    """Return all groups that had something to test, findings (empty `reason`) first, larger ones first.

    Accounts that share a text are tested first (:mod:`.segments`), then the candidates, finest first. A core that passes takes in every account tied
    to it as its own members are and drops those that are not; then it is tested again, as it will be reported. Of candidates that are nearly the same
    set only the first is tested. Where a candidate holds members of a finding, only the others are judged, lest the finding speak for them; if they
    pass, and both together do, the finding grows. Last come parts of the candidates whose accounts differ: two sources that ask for the same kind of
    thing are one community, and neither owns the subject alone. With `only`, candidates that hold none of these actors are left out.
    """
    found = _Search(examiner, only)
    with candidates(examiner, only) as proposed:
        for segment in segments(examiner, only):
            found.try_whole("segments", segment.actors, segment)
        for road, members in proposed:
            found.try_whole(road, members)
    found.try_parts()
    return sorted(_control_fdr(found.tested, examiner.config.q), key=lambda g: (bool(g.reason), -len(g.members), int(g.members[0]) if len(g.members) else -1))


class _Search:
    """What :func:`search` has tested so far."""

    def __init__(self, examiner: Examiner, only: npt.NDArray[np.int64] | None) -> None:
        self.examiner, self.only = examiner, only
        self.tested: list[Group] = []
        self.claimed = np.full(examiner.evidence.n_actors, -1)
        self._tried, self._tried_parts = _Tried(), _Tried()
        self._mixed: list[npt.NDArray[np.int64]] = []
        self._unowned: list[npt.NDArray[np.int64]] = []

    def try_whole(self, road: str, members: npt.NDArray[np.int64], segment: Segment | None = None) -> None:
        """Test a candidate, and what it grows to."""
        free = self._free(members, self._tried)
        if free is None:
            return
        examiner = self.examiner
        group = examiner.test(members, road, free, segment, votes=segment is None)
        if group is None:
            self._unowned.append(members)
            return
        self._tried.add(members)
        at = len(self.tested)
        if group.reason:
            (self._mixed if group.exchange is not None else self._unowned).append(members)
        elif len(free) < len(members):
            at = int(np.bincount(self.claimed[members[self.claimed[members] >= 0]]).argmax())
            grown = self._grown(self.tested[at], group)
            if grown is None and segment is None:
                return
            at, group = (at, grown) if grown is not None else (len(self.tested), group)
        else:
            group = self._with_fellows(group, road)
        self._keep(at, group)

    def _with_fellows(self, group: Group, road: str) -> Group:
        """Return what a core grows to: whoever is tied to it as its own members are, and of a core that shares a text, these."""
        core = self.examiner.recruit(group.members)
        final = self.examiner.test(core[self.claimed[core] < 0], road)
        if final is not None and not final.reason and group.segment is not None:
            final = self.examiner.test(np.union1d(final.members, group.members), road, segment=group.segment)
        return final if final is not None and not final.reason else group

    def _grown(self, finding: Group, group: Group) -> Group | None:
        """Return both as one finding; None where they do not stand together."""
        shared = [g.segment for g in (finding, group) if g.segment is not None]
        both = self.examiner.test(np.union1d(finding.members, group.members), finding.road, segment=either(*shared) if shared else None)
        return None if both is None or both.reason else both

    def try_parts(self) -> None:
        """Test what lies inside a candidate whose accounts differ, with the prompts of the whole candidate."""
        for whole, parts in zip(self._mixed, self._parts_of_mixed(), strict=True):
            for part in parts:
                inside = np.intersect1d(self._unowned[part], whole, assume_unique=True)
                free = self._free(inside, self._tried_parts)
                if free is None or len(free) < len(inside):
                    continue
                self._tried_parts.add(inside)
                group = self.examiner.test(whole, "parts", inside)
                if group is not None and not group.reason:
                    self._keep(len(self.tested), group)

    def _parts_of_mixed(self) -> list[list[int]]:
        """Return for each mixed candidate which of the unowned ones lie in it, and are neither nearly all of it nor a small part."""
        n_actors = self.examiner.evidence.n_actors
        size, n = (np.array([len(one) for one in sets]) for sets in (self._mixed, self._unowned))
        common = (_incidence(self._mixed, n_actors) @ _incidence(self._unowned, n_actors).T).tocsr()
        common.sort_indices()
        found = []
        for i in range(len(size)):
            part, inside = (values[common.indptr[i] : common.indptr[i + 1]] for values in (common.indices, common.data))
            found.append(part[(inside >= np.maximum(WITHIN * n[part], size[i] / SOURCES)) & (inside <= WITHIN * size[i])].tolist())
        return found

    def _free(self, members: npt.NDArray[np.int64], tried: _Tried) -> npt.NDArray[np.int64] | None:
        """Return the members that are in no finding yet; None where there is nothing to test."""
        if self.only is not None and not np.isin(self.only, members).any():
            return None
        free = members[self.claimed[members] < 0]
        return None if len(free) < self.examiner.config.min_accounts or members in tried else free

    def _keep(self, at: int, group: Group) -> None:
        self.tested[at : at + 1] = [group]
        if not group.reason:
            self.claimed[group.members] = at


class _Tried:
    """Sets of actors; one that has a Jaccard similarity of ``SAME`` or more with any of them is taken to be in here."""

    def __init__(self) -> None:
        self._sets: list[npt.NDArray[np.int64]] = []
        self._with: dict[int, list[int]] = {}

    def add(self, members: npt.NDArray[np.int64]) -> None:
        for actor in members.tolist():
            self._with.setdefault(actor, []).append(len(self._sets))
        self._sets.append(members)

    def __contains__(self, members: npt.NDArray[np.int64]) -> bool:
        # Prefix filter: a set this similar leaves out less than a tenth of `members`, so it has one of the first tenth and one more.
        few = members[: int((1 - SAME) * len(members)) + 1]
        near = {i for actor in few.tolist() for i in self._with.get(actor, ())}
        return any(_same(members, self._sets[i]) for i in near)


def _incidence(sets: list[npt.NDArray[np.int64]], n_actors: int) -> Any:
    """Return which actors each set holds, scipy CSR float64[n_sets, n_actors]."""
    from scipy.sparse import csr_matrix

    ends = np.cumsum([0, *(len(one) for one in sets)])
    members = np.concatenate([np.zeros(0, np.int64), *sets])
    return csr_matrix((np.ones(len(members)), members, ends), shape=(len(sets), n_actors))


def _control_fdr(tested: list[Group], limit: float) -> list[Group]:
    at = [i for i, g in enumerate(tested) if g.exchange is not None]
    q = np.ones(len(tested))
    q[at] = benjamini_hochberg(np.array([tested[i].exchange.p for i in at]))  # type: ignore[union-attr]
    out = []
    for group, value in zip(tested, q, strict=True):
        reason = group.reason
        if not reason and value > limit:
            reason = f"the test of exchangeability has q = {value:.2g}, above {limit:g}"
        out.append(dataclasses.replace(group, q=float(value), reason=reason))
    return out


def _same(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> bool:
    """Whether two sets have a Jaccard similarity of ``SAME`` or more."""
    small, large = sorted((len(left), len(right)))
    if small < SAME * large:
        return False
    common = len(np.intersect1d(left, right, assume_unique=True))
    return common >= SAME * (small + large - common)
