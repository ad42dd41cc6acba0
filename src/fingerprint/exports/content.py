"""What goes out of a scan, in whatever format: which findings, under which names, with or without text."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..bundles import Sketches
from ..errors import ConfigError, InputError
from ..keys import Key
from ..records import Campaign, Scan
from ..report.wording import small

NAMES = ("pseudonyms", "plain")
NAMESPACE = uuid.UUID("fde8f29f-748a-5498-a786-79fafe0328ab")  # UUIDv5 of "prompt-fingerprint" in the namespace of object ids
PRODUCT = "prompt-fingerprint"
ACCOUNT_TYPE = "llm-api"
TECHNIQUES = (("AML.T0024.002", "Extract AI Model"), ("AML.T0024", "Exfiltration via AI Inference API"))  # MITRE ATLAS, as of data version 5
TECHNIQUE_URL = "https://atlas.mitre.org/techniques/"
TACTIC = ("AML.TA0010", "Exfiltration")


@dataclass(frozen=True, slots=True)
class Content:
    """What is exported.

    Attributes
    ----------
    scan : Scan
    campaigns : list of Campaign
        The findings that are wanted, strongest first.
    name : callable
        Account id to the name under which it goes out.
    naming : str
        What such a name is, in words.
    n_sketches : int
        Sketches of each finding, at most.
    text : bool
        Whether text of users goes out.
    """

    scan: Scan
    campaigns: list[Campaign]
    name: Callable[[str], str]
    naming: str
    n_sketches: int
    text: bool

    @property
    def created(self) -> datetime:
        """When the scan was made."""
        return moment(self.scan.manifest["created"])

    def period(self, campaign: Campaign) -> tuple[datetime, datetime]:
        """Return when a finding was first and last seen; when the scan was made where it does not say."""
        first, last = (moment(told) if told else self.created for told in (campaign.first_seen, campaign.last_seen))
        return first, max(first, last)

    def texts(self, campaign: Campaign) -> list[tuple[str, str]]:
        """Return what users wrote, (what it is, text): template, shared text and representative prompts of a finding; nothing where no text is wanted."""
        template = campaign.template.text if campaign.template is not None else None
        found = [("template", template), ("shared text", campaign.segment), *(("prompt", one.prompt) for one in campaign.representatives)]
        return [(what, text) for what, text in found if text] if self.text else []

    def sketches(self, campaign: Campaign) -> Sketches | None:
        """Return the sketches of a finding, None where none are wanted.

        Raises
        ------
        InputError
            The scan has none.
        """
        if not self.n_sketches:
            return None
        found = Sketches.of(self.scan, campaign.campaign_id, self.n_sketches)
        if not len(found):
            raise InputError(f"the scan has no sketches of {campaign.campaign_id}; scan again, or export without them (--sketches 0)")
        return found


def content_of(scan: Scan, *, names: str, key: Key | None, campaigns: Sequence[str], sketches: int, text: bool) -> Content:
    """Check options and choose what goes out; see :func:`fingerprint.exports.export`."""
    if names not in NAMES:
        raise ConfigError(f"names is pseudonyms or plain, not {names!r}")
    if sketches < 0:
        raise ConfigError(f"sketches is 0 or more, not {sketches}")
    if text and not scan.manifest["config"].get("text", True):
        raise ConfigError("the scan was made with --no-text and holds no text to export")
    known = {one.campaign_id: one for one in scan.campaigns}
    unknown = [name for name in campaigns if name not in known]
    if unknown:
        raise ConfigError(f"the scan has no finding {unknown[0]!r}; 'fingerprint show OUT' lists those it has")
    chosen = [one for one in scan.campaigns if not campaigns or one.campaign_id in campaigns]
    if names == "plain":
        return Content(scan, chosen, str, "account id", sketches, text)
    secret = key or Key.default()
    return Content(scan, chosen, pseudonyms(secret), f"keyed pseudonym, key {secret.key_id}", sketches, text)


def pseudonyms(key: Key) -> Callable[[str], str]:
    """Return the function from account id to pseudonym, ``"p-"`` and 32 hexadecimal digits of a MAC under a derived key."""
    secret = key.derive("pseudonyms").material

    def name(account_id: str) -> str:
        return "p-" + hashlib.blake2b(account_id.encode("utf-8", "surrogatepass"), digest_size=16, key=secret).hexdigest()

    return name


def content_uuid(kind: str, content: Any) -> str:
    """Return the UUIDv5 of a kind of object and its content, plain values and times."""
    return str(uuid.uuid5(NAMESPACE, json.dumps([kind, content], sort_keys=True, separators=(",", ":"), default=str)))


def moment(told: str) -> datetime:
    """Read an ISO 8601 time of a scan; without an offset it is UTC.

    Raises
    ------
    InputError
        It is none.
    """
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        raise InputError(f"the scan holds {told[:40]!r} where a time is wanted") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def epoch_ms(when: datetime) -> int:
    """Return milliseconds since 1970."""
    return int(when.timestamp() * 1000)


def title(campaign: Campaign) -> str:
    """Return a finding in a line."""
    return f"{campaign.campaign_id}: one source behind {campaign.n_accounts:,} accounts, {campaign.n_prompts:,} prompts ({campaign.capability})"


def statistics(campaign: Campaign) -> str:
    """Return what a finding rests on, test by test, and what else was considered, in lines of plain text."""
    lines = [title(campaign), f"Seen {campaign.first_seen} to {campaign.last_seen}.", campaign.reason, "", "Tests:"]
    for test in campaign.tests:
        numbers = "".join(f"; {name} = {small(value)}" for name, value in (("p", test.p), ("q", test.q)) if value is not None)
        sides = "supports" if not test.decides else "decides"
        lines.append(f"- {test.name} ({sides}, {'speaks for' if test.passed else 'does not speak for'} one source{numbers}): {test.reading}")
    lines += ["", "Innocent explanations considered:"]
    lines += [" ".join([f"- {one.name}: {one.verdict}.", *one.evidence_for, *one.evidence_against]) for one in campaign.explanations]
    return "\n".join(lines)
