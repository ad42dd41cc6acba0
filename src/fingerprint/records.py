"""What a scan returns: small dataclasses for findings, Arrow tables for rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from .templates import Template


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a group.

    Attributes
    ----------
    name : str
        e.g. ``"exchangeability"``.
    statistic : float
        Observed value.
    bound : float or None
        Confidence bound that the decision used, where there is one.
    limit : float or None
        What statistic or bound was compared with.
    p, q : float or None
        p value under `null`, and its Benjamini-Hochberg q over all groups tested.
    null : str
        The innocent hypothesis in words.
    passed : bool
        Whether the test speaks for one source.
    reading : str
        The result in one sentence for a person.
    decides : bool
        False for what only supports a finding: times, conversations, novelty.
    """

    __test__ = False

    name: str
    statistic: float
    null: str
    passed: bool
    reading: str
    bound: float | None = None
    limit: float | None = None
    p: float | None = None
    q: float | None = None
    decides: bool = True


@dataclass(frozen=True, slots=True)
class Explanation:
    """A benign explanation that was considered.

    Attributes
    ----------
    name : str
        ``"people with one interest"``, ``"framework or product template"``, ``"common list"``, ``"viral prompt"``, ``"one organisation"``.
    verdict : str
        ``"rejected"``, ``"possible"`` or ``"likely"``.
    evidence_for, evidence_against : list of str
        One sentence each.
    """

    name: str
    verdict: str
    evidence_for: list[str]
    evidence_against: list[str]


@dataclass(frozen=True, slots=True)
class AccountCharge:
    """What one account contributes to a campaign: only attributed prompts are charged.

    Attributes
    ----------
    account_id : str
    n_prompts, n_attributed : int
        Prompts of the account, and those attributed to the campaign.
    share : float
        ``n_attributed / n_prompts``.
    score : float
        Mean share of the votes of its attributed prompts that stay inside the campaign, 0 to 1.
    copies : float
        Share of its attributed prompts that another account of the campaign holds as well.
    peers : list of str
        Accounts nearest to it that no finding accuses, nearest first.
    peer_tie : float
        Tie to the nearest of them, as a share of its mean tie to its fellows.
    """

    account_id: str
    n_prompts: int
    n_attributed: int
    share: float
    score: float
    copies: float
    peers: list[str] = field(default_factory=list)
    peer_tie: float = 0.0


@dataclass(frozen=True, slots=True)
class Representative:
    """A prompt that stands for part of a campaign; `prompt` is None under ``--no-text``, `sketch` the keyed hash of its normalised text in hexadecimal."""

    row: int
    account_id: str
    prompt: str | None
    n_chars: int
    sketch: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a campaign's time line: ISO date (UTC), attributed prompts, and accounts that sent them."""

    date: str
    n_prompts: int
    n_accounts: int


@dataclass(frozen=True, slots=True)
class AccountGraph:
    """The largest contributors to a finding and the accounts outside that are tied most to them.

    Attributes
    ----------
    accounts : list of str
        The contributors first, then those outside, whom no finding accuses.
    n_members : int
        How many are contributors.
    left, right : list of int
        Places of the two accounts of each tie, the strongest few of every account.
    weight : list of float
        Votes between their prompts, set against how many they have, as a share of the strongest tie.
    """

    accounts: list[str]
    n_members: int
    left: list[int]
    right: list[int]
    weight: list[float]


@dataclass(frozen=True, slots=True)
class Campaign:
    """A finding: accounts that look like one source, with its evidence.

    Attributes
    ----------
    campaign_id : str
        Stable for the same set of charged texts: ``"c-"`` and 10 hexadecimal digits.
    reported : bool
        True for a finding, False for a group that was examined and is not reported.
    reason : str
        Why it is, or is not, reported: one sentence.
    capability : str
        What the prompts seem to harvest, in words; beside the statistics, never part of them.
    capabilities : dict of str to float
        Share of representatives per capability.
    n_accounts, n_prompts : int
        Charged accounts and attributed prompts.
    first_seen, last_seen : str
        ISO 8601, UTC.
    strength : float
        ``-log10 q`` of the exchangeability test, capped at 99.
    tests : list of Test
    explanations : list of Explanation
    template : Template or None
    graph : AccountGraph or None
        How its accounts are tied; None for a group that is not reported.
    lanes : list of list of (int, int)
        For its first accounts, the days of `timeline` on which each has attributed prompts, by place, and how many.
    segment : str or None
        Text, in prompts or in the system text beside them, by which prompts are charged; None where nearness alone does that, and without text.
    representatives : list of Representative
    accounts : list of AccountCharge
        By contribution, largest first.
    activity : list of list of int
        Attributed prompts by weekday (Monday first) and hour, UTC: 7 rows of 24.
    timeline : list of Day
        Days with attributed prompts.
    carried_by : int
        The finding would stand on so many of its largest contributors alone; 0 for a group that is not reported.
    """

    campaign_id: str
    reported: bool
    reason: str
    capability: str
    capabilities: dict[str, float]
    n_accounts: int
    n_prompts: int
    first_seen: str
    last_seen: str
    strength: float
    tests: list[Test]
    explanations: list[Explanation]
    template: Template | None
    representatives: list[Representative]
    accounts: list[AccountCharge]
    activity: list[list[int]] = field(default_factory=list)
    timeline: list[Day] = field(default_factory=list)
    carried_by: int = 0
    segment: str | None = None
    graph: AccountGraph | None = None
    lanes: list[list[list[int]]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; the template also as one line of text."""
        plain = asdict(self)
        if self.template is not None:
            plain["template"]["text"] = self.template.text
        return plain

    def _repr_html_(self) -> str:
        from .report.notebook import campaign_html

        return campaign_html(self)


@dataclass(frozen=True, slots=True)
class Controls:
    """The two controls of a run.

    Attributes
    ----------
    shuffled_groups : int
        Groups that the same method reports when account labels are permuted within hours: should be 0.
    planted_accounts, planted_prompts : int
        Size of the planted campaign.
    planted_found : float
        Share of its accounts in the best reported group; None-like -1.0 when it was not run.
    planted_purity : float
        Share of that group that is planted.
    """

    shuffled_groups: int
    planted_accounts: int
    planted_prompts: int
    planted_found: float
    planted_purity: float


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A known harvesting set, and who asked its questions.

    Attributes
    ----------
    name : str
        Of its file.
    n_queries, n_asked : int
        Distinct questions, and those of them that the named accounts asked.
    accounts : list of str
        Accounts that are named, those with most matches first.
    n_matched : list of int
        Matches of each that speak against it.
    p_adjusted : float
        The largest of their p values, adjusted for all accounts.
    """

    name: str
    n_queries: int
    n_asked: int
    accounts: list[str]
    n_matched: list[int]
    p_adjusted: float


def no_sketches(num_perm: int = 128) -> pa.Table:
    """Return the table of sketches of no finding."""
    import pyarrow as pa

    return pa.schema({"campaign_id": pa.string(), "exact": pa.uint64(), "values": pa.binary(num_perm), "n_prompts": pa.int64()}).empty_table()


@dataclass(frozen=True, slots=True)
class Scan:
    """Result of :func:`fingerprint.scan`.

    Attributes
    ----------
    campaigns : list of Campaign
        Findings, strongest first.
    examined : list of Campaign
        Groups that were tested and not reported, largest first.
    accounts : pyarrow.Table
        One row per account: account_id, campaign_id (null: none), score, n_prompts, n_attributed, share, copies.
    clusters : pyarrow.Table
        Near-duplicate clusters of two prompts or more: cluster, n_prompts, n_recent, n_accounts, n_texts, representative_row, prompt, first_seen,
        last_seen.
    topics : pyarrow.Table
        What the sampled prompts are about, largest first: topic, words, n_texts, n_accounts, n_prompts, representative_row, prompt. No test looks at it.
    landscape : pyarrow.Table
        Some prompts laid out in two dimensions: x, y, campaign_id, account_id, row, prompt. No test looks at it.
    prompts : pyarrow.Table
        One row per accepted event: row, file, line, account_id, cluster, similarity, campaign_id, attribution.
    rejects : pyarrow.Table
        file, line, offset, class.
    manifest : dict
        Versions, config, sketch scheme, key id, row accounting, timings, peak memory, controls.
    known : list of KnownSet
        Known sets that were looked for.
    sketches : pyarrow.Table
        Of each finding, keyed sketches of its prompts: campaign_id, exact, values (null: too short a text), n_prompts.
    """

    campaigns: list[Campaign]
    examined: list[Campaign]
    accounts: pa.Table
    clusters: pa.Table
    topics: pa.Table
    landscape: pa.Table
    prompts: pa.Table
    rejects: pa.Table
    manifest: dict[str, Any]
    known: list[KnownSet] = field(default_factory=list)
    sketches: pa.Table = field(default_factory=no_sketches)

    def save(self, out: str | os.PathLike[str]) -> None:
        """Write all outputs of design section "data contracts" into the folder `out`, each aside and renamed into place."""
        from .report.files import write_scan

        write_scan(self, out)

    def _repr_html_(self) -> str:
        from .report.notebook import scan_html

        return scan_html(self)
