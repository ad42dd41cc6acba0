"""What a simulated world consists of: configurations of campaigns, look-alikes and the organic rest.

Each class checks itself when made, so a configuration that exists can be simulated.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from fingerprint.errors import ConfigError
from fingerprint.simulate.vocabulary import LANGUAGES

CampaignKind = Literal[
    "reasoning", "instructions", "writing", "evolve", "code", "tools", "roleplay", "rubrics", "censor", "translation", "relay"
]
LookalikeKind = Literal["viral", "jailbreak", "app", "agent", "evaluators", "safety", "homework", "saas"]
Partition = Literal["shard", "topic", "overlap"]
Noise = Literal["none", "words", "unicode", "persona"]
Timing = Literal["flat", "human", "burst"]
Volume = Literal["even", "skewed"]
SLOT = "{p}"


def _choose(what: str, value: str, kind: Any) -> None:
    if value not in get_args(kind):
        raise ConfigError(f"{what} must be one of {', '.join(get_args(kind))}, not {value!r}")


def _within(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{what} must be between {low} and {high}, not {value}")


def _frame(what: str, templates: tuple[str, ...]) -> None:
    for template in templates:
        if template.count(SLOT) != 1:
            raise ConfigError(f"each template of {what} must hold {SLOT} exactly once")


@dataclass(frozen=True, slots=True)
class CampaignConfig:
    """One query set behind many accounts.

    Parameters
    ----------
    name : str
        Name of the campaign in the labels.
    kind : str
        What the queries want: ``reasoning``, ``instructions`` (broad), ``writing`` (of instructions), ``evolve``, ``code``, ``tools``, ``roleplay``,
        ``rubrics``, ``censor``, ``translation``, or ``relay`` (requests of real customers passed on; only a template is constant).
    accounts, prompts : int
        Accounts, and prompts of the query set in total (cover not counted); at least one prompt an account.
    template : tuple of str
        Constant frames with ``{p}`` for the query; each query draws one of them. Empty: none.
    cover : float
        Share of an account's prompts that are organic ones of a persona of its own, 0 to 0.95.
    partition : str
        ``shard``: each query is sent once, by some account; ``topic``: once, and accounts share out topics; ``overlap``: accounts draw with
        replacement from a set of ``query_set`` queries.
    query_set : int
        Size of the set for ``overlap``; 0 takes half of ``prompts``.
    noise : str
        ``words`` (replaces words), ``unicode`` (look-alike letters and zero-width marks) at ``noise_rate``, ``persona`` (a sentence per account).
    noise_rate : float
        Share of words or letters that noise touches, 0 to 1.
    timing : str
        ``flat`` round the clock, ``human`` sessions, ``burst`` common bursts.
    volume : str
        ``even`` or ``skewed`` prompts per account.
    start_day, days : float
        When the campaign begins and how long it runs.
    languages : tuple of str
        Languages of the queries (``en``, ``es``, ``de``, ``fr``, ``zh``, ``ru``); other than English only for ``instructions`` and ``relay``.
    shared_ips : int
        Proxy addresses that all accounts share; 0 gives each account its own.

    Raises
    ------
    ConfigError
        Any value that cannot be simulated.
    """

    name: str
    kind: CampaignKind
    accounts: int
    prompts: int
    template: tuple[str, ...] = ()
    cover: float = 0.0
    partition: Partition = "shard"
    query_set: int = 0
    noise: Noise = "none"
    noise_rate: float = 0.0
    timing: Timing = "flat"
    volume: Volume = "even"
    start_day: float = 3.0
    days: float = 21.0
    languages: tuple[str, ...] = ("en",)
    shared_ips: int = 0

    def __post_init__(self) -> None:
        for what, kind in (("kind", CampaignKind), ("partition", Partition), ("noise", Noise), ("timing", Timing), ("volume", Volume)):
            _choose(f"{what} of campaign {self.name!r}", getattr(self, what), kind)
        _within("accounts of a campaign", self.accounts, 1, 10_000_000)
        _within(f"prompts of campaign {self.name!r}", self.prompts, self.accounts, 10**9)
        _within("cover", self.cover, 0.0, 0.95)
        _within("noise_rate", self.noise_rate, 0.0, 1.0)
        _within("start_day", self.start_day, 0.0, 3650.0)
        _within("days", self.days, 0.01, 3650.0)
        _within("query_set", self.query_set, 0, 10**9)
        _within("shared_ips", self.shared_ips, 0, 100_000)
        _frame(f"campaign {self.name!r}", self.template)
        if not self.name:
            raise ConfigError("a campaign needs a name")
        if not self.languages or not set(self.languages) <= set(LANGUAGES):
            raise ConfigError(f"languages must be some of {', '.join(LANGUAGES)}, not {self.languages}")
        if self.kind not in ("instructions", "relay") and self.languages != ("en",):
            raise ConfigError(f"a campaign of kind {self.kind!r} is in English only")


@dataclass(frozen=True, slots=True)
class LookalikeConfig:
    """Innocent accounts that share text.

    Parameters
    ----------
    name, kind : str
        ``viral`` (a public prompt library), ``jailbreak`` (a forum's prompts with own requests), ``app`` (seats of one company, one ``org_id``),
        ``agent`` (users of one agent framework), ``evaluators`` and ``safety`` (full copies of a public list), ``homework`` (the same questions,
        reworded, before a deadline), ``saas`` (a product's templates around users' own text).
    accounts, prompts_each : int
        Accounts, and prompts of the shared kind per account; for the evaluators the length of the list.
    template : tuple of str
        Constant frames with ``{p}``; empty takes the built-in ones of the kind.
    list_size : int
        Length of the shared list of ``viral``, ``jailbreak`` and ``homework``.
    own : float
        Share of an account's prompts that are its owner's other traffic, 0 to 0.95.
    """

    name: str
    kind: LookalikeKind
    accounts: int
    prompts_each: int
    template: tuple[str, ...] = ()
    list_size: int = 120
    own: float = 0.0

    def __post_init__(self) -> None:
        _choose(f"kind of look-alike {self.name!r}", self.kind, LookalikeKind)
        _within("accounts of a look-alike", self.accounts, 1, 10_000_000)
        _within("prompts_each", self.prompts_each, 1, 100_000)
        _within("list_size", self.list_size, 1, 10**7)
        _within("own", self.own, 0.0, 0.95)
        _frame(f"look-alike {self.name!r}", self.template)
        if self.kind == "homework" and self.prompts_each > self.list_size:
            raise ConfigError("a homework cannot have more prompts each than questions (list_size)")


@dataclass(frozen=True, slots=True)
class WorldConfig:
    """A whole world: what is planted, and how many organic accounts and prompts stand around it.

    Parameters
    ----------
    name : str
        Name in ``world.json``.
    prompts : int
        Rows in total. Organic accounts share out what the planted ones leave, so it must be enough for both.
    organic_accounts : int
        Organic accounts; their volume is heavy-tailed (lognormal, ``sigma``).
    campaigns, lookalikes : tuple
        What is planted; names must differ.
    start : datetime
        First instant, with a time zone.
    days : float
        Length of the log.
    sigma : float
        Spread of the logarithm of the organic volume; 1.25 gives a median of 9 prompts at a mean of 19.
    org_share : float
        Share of organic accounts that belong to a small organisation (about four accounts) and carry its ``org_id``.
    """

    name: str
    prompts: int
    organic_accounts: int
    campaigns: tuple[CampaignConfig, ...] = ()
    lookalikes: tuple[LookalikeConfig, ...] = ()
    start: datetime = field(default=datetime(2026, 1, 5, tzinfo=UTC))
    days: float = 28.0
    sigma: float = 1.25
    org_share: float = 0.06

    def __post_init__(self) -> None:
        _within("prompts", self.prompts, 0, 10**10)
        _within("organic_accounts", self.organic_accounts, 0, 10**8)
        _within("days", self.days, 1.0, 3650.0)
        _within("sigma", self.sigma, 0.0, 3.0)
        _within("org_share", self.org_share, 0.0, 1.0)
        if self.start.tzinfo is None:
            raise ConfigError("start needs a time zone")
        names = [c.name for c in self.campaigns] + [x.name for x in self.lookalikes]
        if len(set(names)) < len(names) or "organic" in names:
            raise ConfigError("names of campaigns and look-alikes must differ from each other and from 'organic'")
        late = [c.name for c in self.campaigns if c.start_day + c.days > self.days]
        if late:
            raise ConfigError(f"campaigns {late} run beyond the {self.days:g} days of the world")

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values, for ``world.json``."""
        out = asdict(self)
        out["start"] = self.start.astimezone(UTC).isoformat()
        return out

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> WorldConfig:
        """Make a configuration from what :meth:`to_dict` returned; :class:`ConfigError` on an unknown or missing key."""
        try:
            values = dict(values)
            values["campaigns"] = tuple(_load(CampaignConfig, c) for c in values.get("campaigns", ()))
            values["lookalikes"] = tuple(_load(LookalikeConfig, x) for x in values.get("lookalikes", ()))
            if isinstance(values.get("start"), str):
                values["start"] = datetime.fromisoformat(values["start"])
            return cls(**values)
        except (TypeError, ValueError, AttributeError) as error:
            raise error if isinstance(error, ConfigError) else ConfigError(f"not a world configuration: {error}") from None


def _load(cls: Any, values: dict[str, Any]) -> Any:
    sequences = {f.name for f in fields(cls) if str(f.type).startswith("tuple")}
    return cls(**{key: tuple(value) if key in sequences else value for key, value in values.items()})
