"""What is new between two scans: which campaign of the one before is which of the one after, and which accounts came and went.

Who continues whom is decided by :func:`fingerprint.tracking.track`, as between two evaluations of a stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .packing import Hashes
from .records import Campaign, Scan
from .tracking import Sighting, track

SCHEMA = "fp-diff-1"
KINDS = ("new", "split", "merged", "moved", "grown", "shrunk", "gone", "same")
Texts = Mapping[str, Hashes]


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one campaign.

    Attributes
    ----------
    kind : str
        One of ``KINDS``. ``"same"``: it has the accounts that it had. ``"gone"``: not found any more. The others are those of
        :class:`fingerprint.tracking.Change`.
    before, after : Campaign or None
        As the two scans found it; `before` is None for ``"new"`` and ``"split"``, `after` for ``"gone"``.
    related : tuple of str
        Ids of other campaigns of the scan before: for ``"merged"`` those that ended in this one; for ``"split"`` those that had its accounts; for ``"new"``
        those whose texts it has; nearest first.
    came, went : list of str
        Accounts that it has and had not, and that it had and has not, by contribution, largest first.
    """

    kind: str
    before: Campaign | None
    after: Campaign | None
    related: tuple[str, ...]
    came: list[str]
    went: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        before, after, seen = self.before, self.after, self.after or self.before
        return {
            "kind": self.kind,
            "campaign_id": after.campaign_id if after else None, "campaign_id_before": before.campaign_id if before else None, "related": list(self.related),
            "capability": seen.capability if seen else "",
            "n_accounts_before": before.n_accounts if before else 0, "n_accounts": after.n_accounts if after else 0,
            "n_prompts_before": before.n_prompts if before else 0, "n_prompts": after.n_prompts if after else 0,
            "first_seen": seen.first_seen if seen else None, "last_seen": seen.last_seen if seen else None,
            "came": self.came, "went": self.went,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Result of :func:`compare`.

    Attributes
    ----------
    before, after : dict
        Of each scan: ``created``, ``period``, ``key_id``, and the numbers of its ``campaigns``, and of ``accounts`` and ``prompts`` charged.
    by_texts : bool
        Whether a campaign whose accounts were all replaced could be known by its texts.
    differences : list of Difference
        By kind, in the order of ``KINDS``, and strongest first among equals. Each campaign of either scan is in one of them; one that ended in another is
        named there, in `related`.
    """

    before: dict[str, Any]
    after: dict[str, Any]
    by_texts: bool
    differences: list[Difference]

    def of_kind(self, kind: str) -> list[Difference]:
        """Return the differences of a kind."""
        return [one for one in self.differences if one.kind == kind]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, of schema ``"fp-diff-1"``: both scans, how many campaigns of each kind there are, and what became of each."""
        return {"schema": SCHEMA, "before": self.before, "after": self.after, "by_texts": self.by_texts,
                "counts": {kind: len(self.of_kind(kind)) for kind in KINDS}, "changes": [one.to_dict() for one in self.differences]}


def compare(before: Scan, after: Scan, texts: tuple[Texts, Texts] | None = None) -> Comparison:
    """Say what has changed from one scan to the next.

    Campaigns are followed by their account ids, so scans with different keys can be compared. Tables of the scans are not looked at.

    Parameters
    ----------
    before, after : Scan
        Of one traffic, or of overlapping parts of it.
    texts : (mapping, mapping), optional
        Of each scan, by campaign id, the keyed hashes of its charged texts, uint64[t] in any order. They count where both scans have one key and one sketch
        scheme; a campaign that has none is followed by its accounts alone.

    Returns
    -------
    Comparison
        Without differences where neither scan has a campaign.

    Examples
    --------
    >>> from fingerprint import Key, scan
    >>> log = [{"account_id": f"a{i % 9}", "timestamp": i, "prompt": f"what is {i} times {i}?"} for i in range(90)]
    >>> once = scan(log, key=Key(bytes(16)))
    >>> compare(once, once).differences
    []
    """
    by_texts = texts is not None and _alike(before) == _alike(after)
    held: tuple[Texts, Texts] = texts if texts is not None and by_texts else ({}, {})
    names = sorted({charge.account_id for one in (before, after) for found in one.campaigns for charge in found.accounts})
    number = {name: i for i, name in enumerate(names)}
    # The two moments say which scan comes first, and nothing else.
    known, _ = track([], _sightings(before.campaigns, number, held[0]), 0, 1)
    tracked, changes = track(known, _sightings(after.campaigns, number, held[1]), 1, 1)
    past = {one.finding_id: found for one, found in zip(known, before.campaigns, strict=True)}
    now = {one.finding_id: found for one, found in zip(tracked, after.campaigns, strict=False)}
    told = {change.finding_id: change for change in changes}
    found = []
    for name in [*now, *(name for name in past if name in told and told[name].kind == "gone")]:
        change = told.get(name)
        related = tuple(past[other].campaign_id for other in change.related) if change else ()
        found.append(_difference(change.kind if change else "same", past.get(name), now.get(name), related))
    found.sort(key=lambda one: KINDS.index(one.kind))
    return Comparison(_totals(before), _totals(after), by_texts, found)


def _difference(kind: str, before: Campaign | None, after: Campaign | None, related: tuple[str, ...]) -> Difference:
    had, has = ([charge.account_id for charge in one.accounts] if one is not None else [] for one in (before, after))
    old, new = set(had), set(has)
    return Difference(kind, before, after, related, [a for a in has if a not in old], [a for a in had if a not in new])


def _sightings(campaigns: Sequence[Campaign], number: Mapping[str, int], texts: Texts) -> list[Sighting]:
    """Return what a scan found, its accounts as numbers that both scans have in common."""
    none = np.zeros(0, np.uint64)
    return [Sighting.of(found.campaign_id, np.array([number[charge.account_id] for charge in found.accounts], np.uint64), texts.get(found.campaign_id, none),
                        found.n_prompts) for found in campaigns]


def _alike(scan: Scan) -> tuple[object, object]:
    """Return what two scans must have in common for their hashes to be comparable."""
    return scan.manifest["key_id"], scan.manifest["sketch"].get("scheme")


def _totals(scan: Scan) -> dict[str, Any]:
    return {**{name: scan.manifest[name] for name in ("created", "period", "key_id")}, "campaigns": len(scan.campaigns),
            "accounts": sum(found.n_accounts for found in scan.campaigns), "prompts": sum(found.n_prompts for found in scan.campaigns)}
