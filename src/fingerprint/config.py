"""Options of a scan. Few, and each says where its value comes from; none was fitted to a labelled world."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .errors import ConfigError


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


@dataclass(frozen=True, slots=True)
class SketchConfig:
    """Near-duplicate fingerprints.

    Attributes
    ----------
    ngram : int
        Characters per shingle.
    num_perm : int
        Length of a signature; the standard error of a Jaccard estimate is at most ``.5 / sqrt(num_perm)``.
    threshold : float
        Jaccard similarity from which two prompts are near-duplicates.
    """

    ngram: int = 5
    num_perm: int = 128
    threshold: float = 0.7

    def __post_init__(self) -> None:
        _check(1 <= self.ngram <= 32, f"ngram must be 1 to 32, not {self.ngram}")
        _check(16 <= self.num_perm <= 1024, f"num_perm must be 16 to 1024, not {self.num_perm}")
        _check(0.2 <= self.threshold < 1.0, f"threshold must lie in [0.2, 1), not {self.threshold}")


VOTES = 15_000_000  # of all sampled prompts together: walks over the graph of their ties take most of the time of a scan of many accounts
FEWEST_NEIGHBOURS = 6
DEVICES = ("auto", "cpu", "cuda")
ENGINES = ("local", "ray")
LEAST_STREAM_MEMORY = 16_000_000  # bytes
LEAST_MEMORY = 500_000_000  # bytes; libraries and the table of the encoder take most of it


@dataclass(frozen=True, slots=True)
class DetectConfig:
    """The detection method.

    Attributes
    ----------
    sample : int
        Distinct prompts kept as evidence per account, those with the smallest keyed hashes (a bottom-k sample: mergeable, and its
        choice cannot be steered without the key). Counts and duplication use all prompts.
    evidence : int
        Sampled prompts of all accounts together, at most: what the search for nearest prompts costs in time and, about 3 kB each, in memory. Where
        there would be more, `sample` is lowered for all.
    neighbours : int
        Nearest texts that a prompt votes with, at most: where the sample is so large that more than ``VOTES`` votes would be cast, it is lowered for
        all, to six if need be.
    floor_deviations : float
        Neighbours are at least so many robust standard deviations more similar than random pairs of this traffic.
    resolution : float
        Finest resolution of the account graph: the mean tie of a source of ``2 / resolution`` accounts that keeps all its votes to itself.
    min_accounts : int
        Fewer accounts are never reported: a test over accounts has no power below.
    min_attributed : int
        Median attributed prompts per account below which a group stays silent: pairs inside an account are what the test counts.
    min_share : float
        The same for the share of an account's prompts: below, it is a shared interest and not a source.
    ownership : float
        Share, of all prompts of anybody that would be attributed to the group, that its members must hold. The content of a source is its own;
        an interest is everybody's.
    attribution : float
        Share of a prompt's votes that must stay in the group for the prompt to be charged.
    link : float
        Log-likelihood ratio, in nats, from which two profiles are tied on the account road.
    margin : float
        Equivalence margin of the exchangeability test: how much more, or less, often than by chance the most similar prompt may be of the same account,
        at 95 % confidence. A shuffled list is at 0, people with one interest at .12 and more.
    copies : float
        An account of whose attributed prompts more than this share are copies of other accounts', and fewer than `min_attributed` are not, runs a
        common list (homework, benchmark, viral).
    repetition : float
        Share of repeated prompts per account above which the group behaves like people who retry.
    q : float
        False discovery rate over the groups tested.
    """

    sample: int = 128
    evidence: int = 300_000
    neighbours: int = 30
    floor_deviations: float = 2.0
    resolution: float = 0.005
    min_accounts: int = 6
    min_attributed: int = 4
    min_share: float = 0.08
    ownership: float = 0.6
    attribution: float = 0.5
    link: float = 12.0
    margin: float = 0.08
    copies: float = 0.5
    repetition: float = 0.1
    q: float = 0.05

    def voters(self, n_sampled: int) -> int:
        """Return how many nearest texts each of `n_sampled` prompts votes with."""
        return min(self.neighbours, max(FEWEST_NEIGHBOURS, VOTES // max(n_sampled, 1)))

    def __post_init__(self) -> None:
        for name in ("sample", "evidence", "neighbours", "min_accounts", "min_attributed"):
            _check(getattr(self, name) >= 1, f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("resolution", "ownership", "attribution", "margin", "copies", "repetition", "q"):
            value = getattr(self, name)
            _check(math.isfinite(value) and 0 < value <= 1, f"{name} must lie in (0, 1], not {value}")


@dataclass(frozen=True, slots=True)
class ScanConfig:
    """Everything that a scan depends on besides its input and key.

    Attributes
    ----------
    sketch, detect : SketchConfig, DetectConfig
    encoder : str
        ``"static"`` for the embedded encoder, a folder made by ``fingerprint calibrate``, or a sentence-transformers model by folder or name.
    device : str
        Where a model runs: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where there is one. Static encoders run on the CPU.
    controls : bool
        Whether to run the label-shuffled and the planted control.
    text : bool
        Whether prompt text may be written to any output.
    threads : int or None
        Worker threads; None for all cores. Never changes a result.
    memory : int or None
        Bytes that the scan may take; None for three quarters of what the machine has. Columns of rows and signatures of texts get two thirds of it while
        they are made, then a sixth, and move to temporary files beyond; the rest is for the work on them, which grows with the number of accounts. Never
        changes a result.
    seed : int
        Of permutation tests and Leiden.
    max_rejects : float
        Share of rejected rows beyond which the command line exits with 1.
    """

    sketch: SketchConfig = field(default_factory=SketchConfig)
    detect: DetectConfig = field(default_factory=DetectConfig)
    encoder: str = "static"
    device: str = "auto"
    controls: bool = True
    text: bool = True
    threads: int | None = None
    memory: int | None = None
    seed: int = 0
    max_rejects: float = 0.01

    def __post_init__(self) -> None:
        _check(self.device in DEVICES, f"device is one of {', '.join(DEVICES)}, not {self.device!r}")
        _check(bool(self.encoder), "encoder must have a name")
        _check(self.threads is None or self.threads >= 1, f"threads must be at least 1, not {self.threads}")
        _check(self.memory is None or self.memory >= LEAST_MEMORY, f"memory must be at least {LEAST_MEMORY} bytes, not {self.memory}")
        _check(0 <= self.max_rejects <= 1, f"max_rejects must lie in [0, 1], not {self.max_rejects}")

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain values, for the manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, options: dict[str, Any]) -> ScanConfig:
        """Read what :meth:`to_dict` wrote; unknown names raise :class:`ConfigError`."""
        plain = dict(options)
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(plain) - known)
        _check(not unknown, f"unknown options: {', '.join(unknown)}")
        try:
            plain["sketch"] = SketchConfig(**plain.get("sketch", {}))
            plain["detect"] = DetectConfig(**plain.get("detect", {}))
        except TypeError as error:
            raise ConfigError(str(error)) from None
        return cls(**plain)


DURABILITIES = ("durable", "fast")
LONGEST_S = 10 * 366 * 86_400.0  # of any time that is configured


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """Everything that a stream detector depends on besides its input and key.

    Attributes
    ----------
    scan : ScanConfig
        How its findings are found. Sketches and threshold stay those that a state was made with.
    window_s : float
        Seconds of event time that are kept at least. A 24th of it is the length of a span, the unit that expires, which a state keeps from its beginning.
    lateness_s : float or None
        How much older than the latest event a row may be and still count; None for as long as its span is alive.
    ahead_s : float
        How far ahead of the clock a row may be dated. One that is further is rejected, or a single wrong date would expire everything.
    memory : int or None
        Bytes that what grows with the traffic may take in memory; None for a quarter of what the machine has. Where more would be needed, the oldest span is
        dropped, and counted; where there is one span only, new texts are not entered into the near-duplicate index.
    durability : str
        ``"durable"``: what was observed is on the disk when :meth:`Detector.observe` returns. ``"fast"``: it is in the hands of the operating system then,
        and on the disk `sync_s` later at most: a process that is killed loses nothing, a machine that fails loses that much.
    sync_s : float
        Seconds between two times at which a fast state is brought to the disk.
    snapshot_bytes : int
        Size of the journals from which they are folded.
    alert_q : float
        Bound on the expected share of false findings among all that are ever alerted, however often the stream is tested.
    alert_growth : float
        Factor by which a finding has grown when it is alerted again.
    alert_cooldown_s : float
        Seconds of event time between two alerts of one finding, at least.
    """

    scan: ScanConfig = field(default_factory=ScanConfig)
    window_s: float = 42 * 86_400.0
    lateness_s: float | None = None
    ahead_s: float = 7_200.0
    memory: int | None = None
    durability: str = "durable"
    sync_s: float = 1.0
    snapshot_bytes: int = 128 << 20
    alert_q: float = 0.05
    alert_growth: float = 1.5
    alert_cooldown_s: float = 3_600.0

    def __post_init__(self) -> None:
        for name, least in (("window_s", 1.0), ("ahead_s", 0.0), ("sync_s", 0.01), ("lateness_s", 0.0), ("alert_cooldown_s", 0.0)):
            value = getattr(self, name)
            _check(value is None or least <= value <= LONGEST_S, f"{name} must be {least:g} to {LONGEST_S:g} seconds, not {value}")
        _check(self.durability in DURABILITIES, f"durability is one of {', '.join(DURABILITIES)}, not {self.durability!r}")
        _check(self.memory is None or self.memory >= LEAST_STREAM_MEMORY, f"memory must be at least {LEAST_STREAM_MEMORY} bytes, not {self.memory}")
        _check(0 < self.alert_q < 1, f"alert_q must lie in (0, 1), not {self.alert_q}")
        _check(1 < self.alert_growth < math.inf, f"alert_growth must be above 1, not {self.alert_growth}")
        _check(1 << 16 <= self.snapshot_bytes <= 1 << 34, f"snapshot_bytes must be {1 << 16} to {1 << 34}, not {self.snapshot_bytes}")

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, options: dict[str, Any]) -> StreamConfig:
        """Read what :meth:`to_dict` wrote; unknown names raise :class:`ConfigError`."""
        unknown = sorted(set(options) - {f.name for f in fields(cls)})
        _check(not unknown, f"unknown options: {', '.join(unknown)}")
        return cls(**{**options, "scan": ScanConfig.from_dict(options.get("scan", {}))})
