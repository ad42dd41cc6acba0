"""Findings over time: which campaign of this evaluation is which finding of the evaluations before it.

An evaluation names a campaign after its texts, and they change from one to the next. Here a finding keeps its id while its accounts go on, or, where these
were replaced, while its texts do. Who continues whom is an assignment of the largest total overlap, which does not depend on any order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt

from .arrays import distinct
from .errors import InputError
from .packing import Hashes, pack, unpack

MOST = 0.5  # share of the smaller of two sets of accounts, or of texts, that lies in the other one where both are one campaign
FEWEST_TEXTS = 8  # that two campaigns have in common, for their texts to say anything
MAX_TEXTS = 4096  # kept of a finding, those with the smallest hashes
KINDS = ("new", "split", "back", "merged", "moved", "grown", "shrunk", "gone")
_ID = re.compile(r"f-[0-9a-f]{10}")
_LATEST = 1 << 62


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A campaign as one evaluation found it.

    Attributes
    ----------
    campaign_id : str
    accounts : uint64[a]
        Keyed hashes of its account ids, ascending.
    texts : uint64[t]
        Keyed hashes of its charged texts, ascending; of more than ``MAX_TEXTS`` the smallest.
    n_prompts : int
        Prompts charged.
    """

    campaign_id: str
    accounts: Hashes
    texts: Hashes
    n_prompts: int

    @classmethod
    def of(cls, campaign_id: str, accounts: Hashes, texts: Hashes, n_prompts: int) -> Sighting:
        """Return one from hashes in any order, repeated or not."""
        return cls(campaign_id, distinct(accounts), distinct(texts)[:MAX_TEXTS], n_prompts)


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """A finding over time, as of the last evaluation that found it.

    Attributes
    ----------
    finding_id : str
        ``"f-"`` and 10 hexadecimal digits, made of the first `campaign_id`: the same history gives the same id.
    campaign_id : str
    accounts, texts : uint64[a], uint64[t]
        As in :class:`Sighting`.
    n_prompts : int
    first_found_us, last_found_us : int
        Evaluations that found it first and last, microseconds since 1970.
    gone_since_us : int or None
        First evaluation that did not find it, or found it in another finding; None for what was just found.
    """

    finding_id: str
    campaign_id: str
    accounts: Hashes
    texts: Hashes
    n_prompts: int
    first_found_us: int
    last_found_us: int
    gone_since_us: int | None = None

    @property
    def n_accounts(self) -> int:
        """Accounts of the last evaluation that found it."""
        return len(self.accounts)

    def to_bytes(self) -> bytes:
        """Return it for a ledger."""
        plain = {name: getattr(self, name) for name in _TRACKED}
        return pack("fp-tracked-1", plain, {"accounts": self.accounts, "texts": self.texts})

    @classmethod
    def from_bytes(cls, packed: bytes) -> Tracked:
        """Return what :meth:`to_bytes` wrote.

        Raises
        ------
        InputError
            It is damaged, or of another version.
        """
        read = cls(**unpack(packed, "fp-tracked-1", _TRACKED, ("accounts", "texts")))
        times = (read.first_found_us, read.last_found_us, read.last_found_us if read.gone_since_us is None else read.gone_since_us)
        sound = _ID.fullmatch(read.finding_id) and read.n_prompts >= 0 and len(read.texts) <= MAX_TEXTS
        if not sound or max(map(abs, times)) > _LATEST or times[0] > times[1]:
            raise InputError("a tracked finding of the state is damaged")
        return read


@dataclass(frozen=True, slots=True)
class Change:
    """What an evaluation changed about a finding; one that has the same accounts as before has no change.

    Attributes
    ----------
    finding_id : str
    kind : str
        ``"new"``; ``"split"``: new, with accounts of `related`; ``"back"``: it had gone; ``"merged"``: it has taken in `related`; ``"moved"``: accounts
        were replaced; ``"grown"`` or ``"shrunk"``: it has more or fewer accounts; ``"gone"``: not found any more. The first that fits.
    at_us : int
        When, microseconds since 1970.
    related : tuple of str
        Other findings: for ``"merged"`` those that ended in this one; for ``"split"`` and ``"back"`` those that had its accounts; for ``"new"`` those
        whose texts it has; nearest first.
    n_accounts_before, n_accounts, n_prompts_before, n_prompts : int
        0 where there is no before, or no after.
    n_new_accounts : int
        Accounts that it did not have before.
    serial : int or None
        Its number in the ledger, given there.
    """

    finding_id: str
    kind: str
    at_us: int
    related: tuple[str, ...] = ()
    n_accounts_before: int = 0
    n_accounts: int = 0
    n_prompts_before: int = 0
    n_prompts: int = 0
    n_new_accounts: int = 0
    serial: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "related": list(self.related)}

    def to_bytes(self) -> bytes:
        """Return it for a ledger."""
        return pack("fp-change-1", self.to_dict(), {})

    @classmethod
    def from_bytes(cls, packed: bytes) -> Change:
        """Return what :meth:`to_bytes` wrote.

        Raises
        ------
        InputError
            It is damaged, or of another version.
        """
        plain = unpack(packed, "fp-change-1", _CHANGE)
        read = cls(**{**plain, "related": tuple(plain["related"])})
        counts = (read.n_accounts_before, read.n_accounts, read.n_prompts_before, read.n_prompts, read.n_new_accounts, read.serial or 0)
        if read.kind not in KINDS or not all(map(_ID.fullmatch, (read.finding_id, *read.related))) or min(counts) < 0 or abs(read.at_us) > _LATEST:
            raise InputError("a change of a finding in the state is damaged")
        return read


_TRACKED: dict[str, type | tuple[type, ...]] = {
    "finding_id": str, "campaign_id": str, "n_prompts": int, "first_found_us": int, "last_found_us": int, "gone_since_us": (int, NoneType)}
_CHANGE: dict[str, type | tuple[type, ...]] = {
    "finding_id": str, "kind": str, "at_us": int, "related": list, "n_accounts_before": int, "n_accounts": int, "n_prompts_before": int, "n_prompts": int,
    "n_new_accounts": int, "serial": (int, NoneType)}


def track(known: Sequence[Tracked], now: Sequence[Sighting], at_us: int, window_us: int) -> tuple[list[Tracked], list[Change]]:
    """Say which campaign of an evaluation is which finding known before, and what has changed.

    Two are one campaign where at least half of the accounts of the smaller one are in the other one. Where accounts leave a campaign without a past, it may
    still have half of the texts of a finding that lost its accounts. Of all ways to give each campaign one past, the one with most accounts in common is
    taken: so the largest part keeps an id, and where two become one, the id of the one that brought more. Findings that are there come before those that
    had gone; larger, then older, then smaller id decides between equals.

    Parameters
    ----------
    known : sequence of Tracked
        What the evaluation before returned, in any order; none for the first.
    now : sequence of Sighting
        Campaigns of this evaluation.
    at_us : int
        Its time, microseconds since 1970.
    window_us : int
        How long a finding is remembered that has gone.

    Returns
    -------
    tracked : list of Tracked
        One for each of `now`, in that order, and behind them those that have gone, by id.
    changes : list of Change
        In the same order, at most one for each.

    Notes
    -----
    Every id of `known` that had not gone is afterwards in `now`, in `related` of a change ``"merged"``, or in a change ``"gone"``. No two of the
    findings returned have one id.
    """
    past = sorted((k for k in known if k.gone_since_us is None or at_us - k.gone_since_us <= window_us),
                  key=lambda k: (-k.n_accounts, k.first_found_us, k.finding_id))
    order = sorted(range(len(now)), key=lambda j: (-len(now[j].accounts), now[j].campaign_id, now[j].n_prompts, now[j].accounts.tobytes()))
    overlap = _Overlap(past, [now[j] for j in order])
    before = overlap.assign()
    ids = {k.finding_id for k in past}
    merged = overlap.merged(before)
    found: dict[int, tuple[Tracked, Change | None]] = {}
    for j, own in enumerate(before.tolist()):
        sighting = now[order[j]]
        if own < 0:
            tracked = Tracked(_new_id(sighting.campaign_id, ids), sighting.campaign_id, sighting.accounts, sighting.texts, sighting.n_prompts, at_us, at_us)
            ids.add(tracked.finding_id)
        else:
            tracked = replace(past[own], campaign_id=sighting.campaign_id, accounts=sighting.accounts, texts=sighting.texts, n_prompts=sighting.n_prompts,
                              last_found_us=max(at_us, past[own].last_found_us), gone_since_us=None)
        found[order[j]] = tracked, _change(tracked, j, own, overlap, merged.get(j, []), at_us)
    both = [found[j] for j in range(len(now))]
    ended = {i for into in merged.values() for i in into}
    for i in sorted(set(range(len(past))) - set(before.tolist()), key=lambda i: past[i].finding_id):
        one, was_there = past[i], past[i].gone_since_us is None
        gone = Change(one.finding_id, "gone", at_us, n_accounts_before=one.n_accounts, n_prompts_before=one.n_prompts)
        both.append((replace(one, gone_since_us=at_us) if was_there else one, gone if was_there and i not in ended else None))
    return [tracked for tracked, _ in both], [change for _, change in both if change is not None]


def _change(after: Tracked, j: int, own: int, overlap: _Overlap, merged: list[int], at_us: int) -> Change | None:
    """Return how campaign j differs from the finding that it continues, `own`; -1 for none."""
    past, shared = overlap.past, int(overlap.accounts[own, j]) if own >= 0 else 0
    before = past[own] if own >= 0 else None
    related = merged or ([] if before is not None and before.gone_since_us is None else overlap.origins(j, own))
    n_before, n_new = before.n_accounts if before is not None else 0, after.n_accounts - shared
    if merged:
        kind = "merged"
    elif before is None:
        kind = "split" if overlap.by_accounts[related, j].any() else "new"
    elif before.gone_since_us is not None:
        kind = "back"
    elif not overlap.by_accounts[own, j] or (n_new and after.n_accounts == n_before):
        kind = "moved"
    elif after.n_accounts != n_before:
        kind = "grown" if after.n_accounts > n_before else "shrunk"
    else:
        return None
    return Change(after.finding_id, kind, at_us, tuple(past[i].finding_id for i in related), n_before, after.n_accounts,
                  before.n_prompts if before is not None else 0, after.n_prompts, n_new)


class _Overlap:
    """What the findings `past` (rows) and the campaigns `now` (columns) have in common, both in an order that depends on nothing but themselves."""

    def __init__(self, past: list[Tracked], now: list[Sighting]) -> None:
        self.past = past
        self.there = np.array([k.gone_since_us is None for k in past], bool)
        self.accounts = _shared([k.accounts for k in past], [s.accounts for s in now])
        smaller = np.minimum.outer(np.array([k.n_accounts for k in past], np.int64), np.array([len(s.accounts) for s in now], np.int64))
        self.by_accounts = (self.accounts > 0) & (self.accounts >= MOST * smaller)
        self.texts = _shared([k.texts for k in past], [s.texts for s in now])
        smaller = _smaller_sample([k.texts for k in past], [s.texts for s in now])
        self.by_texts = (self.texts >= FEWEST_TEXTS) & (self.texts >= MOST * smaller)

    def assign(self) -> npt.NDArray[np.int64]:
        """Return for each campaign the finding that it continues, int64[n], -1 for none."""
        before = np.full(self.accounts.shape[1], -1)
        for shared, linked in ((self.accounts, self.by_accounts), (self.texts, self.by_texts)):
            for rows in (self.there, ~self.there):
                free = rows & ~np.isin(np.arange(len(rows)), before)
                i, j = np.flatnonzero(free), np.flatnonzero(before < 0)
                row, column = _assign(np.where(linked, shared, 0)[np.ix_(i, j)])
                before[j[column]] = i[row]
        return before

    def merged(self, before: npt.NDArray[np.int64]) -> dict[int, list[int]]:
        """Return for campaigns that continue a finding those other findings, there until now, which have ended in them."""
        into: dict[int, list[int]] = {}
        for i in np.flatnonzero(self.there & ~np.isin(np.arange(len(self.there)), before)).tolist():
            for shared, linked in ((self.accounts, self.by_accounts), (self.texts, self.by_texts)):
                common = np.where(linked[i] & (before >= 0), shared[i], 0)
                if common.any():
                    into.setdefault(int(common.argmax()), []).append(i)
                    break
        return into

    def origins(self, j: int, own: int) -> list[int]:
        """Return the findings, there until now, which have accounts of campaign j, or where none has, its texts; nearest first."""
        for shared, linked in ((self.accounts, self.by_accounts), (self.texts, self.by_texts)):
            found = np.flatnonzero(linked[:, j] & self.there & (np.arange(len(self.there)) != own))
            if len(found):
                nearest: list[int] = found[np.argsort(-shared[found, j], kind="stable")].tolist()
                return nearest
        return []


def _shared(left: list[Hashes], right: list[Hashes]) -> npt.NDArray[np.int64]:
    """Return how many hashes any set of `left` and any of `right` have in common, int64[n_left, n_right]."""
    from scipy.sparse import csr_matrix

    if not left or not right:
        return np.zeros((len(left), len(right)), np.int64)
    sets = [*left, *right]
    columns, number = np.unique(np.concatenate(sets), return_inverse=True)
    ends = np.cumsum([0, *map(len, sets)])
    held = csr_matrix((np.ones(len(number), np.int64), number, ends), shape=(len(sets), len(columns)))
    return np.asarray((held[: len(left)] @ held[len(left) :].T).toarray(), np.int64)


def _smaller_sample(left: list[Hashes], right: list[Hashes]) -> npt.NDArray[np.int64]:
    """Return of each pair how many texts the smaller one has, where both samples are complete: up to the last hash of either that is full."""
    reach = [[int(one[-1]) if len(one) == MAX_TEXTS else 2**64 - 1 for one in side] for side in (left, right)]
    common = np.minimum.outer(np.array(reach[0], np.uint64), np.array(reach[1], np.uint64))
    smaller = np.zeros(common.shape, np.int64)
    for i, one in enumerate(left):
        smaller[i] = np.searchsorted(one, common[i], side="right")
    for j, one in enumerate(right):
        smaller[:, j] = np.minimum(smaller[:, j], np.searchsorted(one, common[:, j], side="right"))
    return smaller


def _assign(shared: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the pairs (row, column) with the largest sum, none of which is 0; of equal sums the one with earlier rows and columns."""
    from scipy.optimize import linear_sum_assignment

    n, m = shared.shape
    earlier = np.add.outer(np.arange(n, 0, -1), np.arange(m, 0, -1))
    weight = shared * (min(n, m) * (n + m) + 1) + earlier  # far below 2**53 for a million accounts in a thousand findings
    row, column = linear_sum_assignment(np.where(shared > 0, weight, 0).astype(np.float64), maximize=True)
    is_pair = shared[row, column] > 0
    return row[is_pair], column[is_pair]


def _new_id(campaign_id: str, taken: set[str]) -> str:
    turn = 0
    while (name := "f-" + hashlib.blake2b(f"{campaign_id}/{turn}".encode(), digest_size=5).hexdigest()) in taken:
        turn += 1
    return name
