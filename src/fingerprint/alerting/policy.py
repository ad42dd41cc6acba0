"""What is alerted when: a finding that passes the level of its evaluation and is new, has grown, has taken in others, or is back.

What happens to a finding is kept until an alert says it, also what happens in its cooldown and while it does not pass, so the alert after that says all of it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import NoneType

import numpy as np

from ..errors import ConfigError, InputError
from ..packing import Hashes, pack, unpack
from ..records import Campaign
from ..tracking import KINDS, Change, Tracked
from .spending import Evaluation, level

MAX_RELATED = 64  # other findings that an alert names, the latest


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """When a finding is alerted.

    Attributes
    ----------
    q : float
        Bound on the expected share of false findings among all that are ever alerted, see :mod:`.spending`.
    growth : float
        A finding is alerted again when its prompts have grown by this factor since its last alert, or when it has so many accounts that the alert did
        not count that they would make it grow by this factor.
    cooldown_us : int
        Least time between two alerts of one finding, microseconds of the times that :func:`due` is given.
    """

    q: float = 0.05
    growth: float = 1.5
    cooldown_us: int = 3_600_000_000

    def __post_init__(self) -> None:
        level(self.q, 1)
        if not (math.isfinite(self.growth) and self.growth > 1):
            raise ConfigError(f"growth is a factor above 1, not {self.growth:g}")
        if self.cooldown_us < 0:
            raise ConfigError(f"cooldown_us is a time of 0 or more, not {self.cooldown_us}")


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What was said about a finding, and what has happened to it since.

    Attributes
    ----------
    finding_id : str
    alerted_us : int or None
        Time of its last alert, microseconds since 1970; None before the first.
    accounts : uint64[a]
        Those it had then, hashed, ascending.
    n_prompts : int
        Those it had then.
    kinds : tuple of str
        Kinds of the changes since, each once, in order of :data:`fingerprint.tracking.KINDS`.
    related : tuple of str
        Other findings that these named, latest last.
    """

    finding_id: str
    alerted_us: int | None = None
    accounts: Hashes = field(default_factory=lambda: np.zeros(0, np.uint64))
    n_prompts: int = 0
    kinds: tuple[str, ...] = ()
    related: tuple[str, ...] = ()

    def after(self, change: Change) -> Standing:
        """Return what it is when this has happened too."""
        kinds = tuple(kind for kind in KINDS if kind in (*self.kinds, change.kind))
        related = tuple(dict.fromkeys(reversed((*self.related, *change.related))))[:MAX_RELATED][::-1]
        return replace(self, kinds=kinds, related=related)

    def to_bytes(self) -> bytes:
        """Return it for a ledger."""
        plain = {**{name: getattr(self, name) for name in _STANDING}, "kinds": list(self.kinds), "related": list(self.related)}
        return pack("fp-standing-1", plain, {"accounts": self.accounts})

    @classmethod
    def from_bytes(cls, packed: bytes) -> Standing:
        """Return what :meth:`to_bytes` wrote.

        Raises
        ------
        InputError
            It is damaged, or of another version.
        """
        plain = unpack(packed, "fp-standing-1", _STANDING, ("accounts",))
        read = cls(**{**plain, "kinds": tuple(plain["kinds"]), "related": tuple(plain["related"])})
        if not set(read.kinds) <= set(KINDS) or len(read.related) > MAX_RELATED or read.n_prompts < 0:
            raise InputError("what was alerted about a finding is damaged in the state")
        return read


_STANDING: dict[str, type | tuple[type, ...]] = {"finding_id": str, "alerted_us": (int, NoneType), "n_prompts": int, "kinds": list, "related": list}


@dataclass(frozen=True, slots=True)
class Due:
    """An alert that is due.

    Attributes
    ----------
    alert_id : str
        ``"a-"`` and 16 hexadecimal digits; the same when the same evaluation is repeated after a crash.
    finding_id : str
    kind : str
        ``"new"`` or ``"split"`` for the first of a finding; else ``"back"``, ``"merged"``, ``"moved"`` or ``"grown"``, the first that fits.
    at_us : int
        Time of the evaluation, microseconds since 1970.
    since_us : int or None
        Time of the last alert of the finding.
    kinds, related : tuple of str
        What has happened since, and with which other findings.
    n_accounts_before, n_accounts, n_prompts_before, n_prompts : int
        At the last alert (0: none), and now.
    n_new_accounts : int
        Accounts that the last alert did not count.
    evaluation : int
        Number of the evaluation.
    level, q : float
        What its q value was compared with, and the value.
    """

    alert_id: str
    finding_id: str
    kind: str
    at_us: int
    since_us: int | None
    kinds: tuple[str, ...]
    related: tuple[str, ...]
    n_accounts_before: int
    n_accounts: int
    n_prompts_before: int
    n_prompts: int
    n_new_accounts: int
    evaluation: int
    level: float
    q: float


def q_of(campaign: Campaign) -> float:
    """Return the largest q value of the tests that decide about a campaign; 1 where none has one."""
    return max((test.q if math.isfinite(test.q) else 1.0 for test in campaign.tests if test.decides and test.q is not None), default=1.0)


def due(standings: Iterable[Standing], tracked: Sequence[Tracked], changes: Sequence[Change], q: Mapping[str, float], evaluation: Evaluation, at_us: int,
        config: AlertConfig) -> tuple[list[Standing], list[Due]]:
    """Say which findings are to be alerted after an evaluation.

    Parameters
    ----------
    standings : iterable of Standing
        What this function returned last; none for the first evaluation.
    tracked, changes
        As :func:`fingerprint.tracking.track` returned them.
    q : mapping of str to float
        Benjamini-Hochberg q value of each finding of this evaluation, see :func:`q_of`; one that is missing is not alerted.
    evaluation : Evaluation
        With a number from 1.
    at_us : int
        Time of the evaluation, microseconds since 1970. With event time (the watermark) a log that is replayed gives the same alerts, and a service that
        catches up alerts once an hour of traffic; so that is what the detector passes, and cooldowns are counted in it.
    config : AlertConfig

    Returns
    -------
    standings : list of Standing
        One for each finding that is tracked, to be kept in one transaction with the alerts; the others are forgotten.
    alerts : list of Due
        In the order of `tracked`.
    """
    known = {standing.finding_id: standing for standing in standings}
    for change in changes:
        known[change.finding_id] = known.get(change.finding_id, Standing(change.finding_id)).after(change)
    limit, kept, alerts = evaluation.level(config.q), [], []
    for finding in tracked:
        standing = known.get(finding.finding_id, Standing(finding.finding_id))
        n_new = finding.n_accounts - len(np.intersect1d(finding.accounts, standing.accounts, assume_unique=True))
        kind = _kind(standing, finding, n_new, config.growth) if finding.gone_since_us is None else None
        cooling = standing.alerted_us is not None and at_us - standing.alerted_us < config.cooldown_us
        value = q.get(finding.finding_id, 1.0)
        if kind is not None and not cooling and value <= limit:
            alerts.append(Due(_alert_id(finding.finding_id, evaluation.number, at_us), finding.finding_id, kind, at_us, standing.alerted_us, standing.kinds,
                              standing.related, len(standing.accounts), finding.n_accounts, standing.n_prompts, finding.n_prompts, n_new,
                              evaluation.number, limit, value))
            standing = Standing(finding.finding_id, at_us, finding.accounts, finding.n_prompts)
        kept.append(standing)
    return kept, alerts


def _kind(standing: Standing, finding: Tracked, n_new: int, growth: float) -> str | None:
    """Return what there is to say about a finding, None where nothing is."""
    if standing.alerted_us is None:
        return "split" if "split" in standing.kinds else "new"
    for kind in ("back", "merged"):
        if kind in standing.kinds:
            return kind
    if n_new >= (growth - 1) * len(standing.accounts) and n_new:
        return "moved" if finding.n_accounts < growth * len(standing.accounts) else "grown"
    return "grown" if finding.n_prompts >= growth * standing.n_prompts else None


def _alert_id(finding_id: str, evaluation: int, at_us: int) -> str:
    return "a-" + hashlib.blake2b(f"{finding_id}/{evaluation}/{at_us}".encode(), digest_size=8).hexdigest()
