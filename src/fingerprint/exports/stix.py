"""STIX 2.1: a bundle of Campaigns with their accounts, what was observed, the technique, and keyed sketches of their prompts.

An object's id is the UUIDv5 of its content but for the time of the scan: the same content has the same id in every export, and another scan of it is a later
version of it. Objects that are the same everywhere bear a fixed time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from .. import __version__
from ..bundles import EXTENSION_ID
from ..errors import BackendUnavailable
from ..records import Campaign
from .content import ACCOUNT_TYPE, PRODUCT, TACTIC, TECHNIQUE_URL, TECHNIQUES, Content, content_uuid, statistics, title

SINCE = datetime(2026, 1, 1, tzinfo=UTC)  # of what no scan changes
MOST = 999_999_999  # STIX 2.1, number_observed and count
DESCRIPTION = ("Keyed sketches of the distinct prompts of a campaign. Whoever has the key finds the same and nearly the same prompts in a traffic of his own, "
               "without their words: 'fingerprint match BUNDLE --in DUMP'.")
_BASE64 = {"type": "string", "contentEncoding": "base64"}
PROPERTIES = {
    "extension_type": {"const": "property-extension"},
    "schema": {"const": "fp-sketches-1"},
    "sketch_scheme": {"type": "string", "description": "hashing, n-gram and length of the signatures"},
    "key_id": {"type": "string", "description": "names the key, and does not give it away"},
    "threshold": {"type": "number", "description": "Jaccard similarity from which prompts were called near-duplicates"},
    "exact": {**_BASE64, "description": "little-endian uint64 keyed hashes of normalised prompts, those with the smallest first"},
    "values": {**_BASE64, "description": "of each prompt a byte of each value of its MinHash signature"},
    "signed": {**_BASE64, "description": "a bit for each prompt: whether it is long enough for a signature"},
    "counts": {**_BASE64, "description": "little-endian uint32: how often the campaign sent each"},
}


def stix_bundle(content: Content) -> Any:
    """Return the findings as a ``stix2.v21.Bundle``.

    Raises
    ------
    BackendUnavailable
        stix2 is not installed.
    InputError
        The scan has no sketches of a finding.
    """
    make = _Maker(content, _stix2())
    identity = make("Identity", SINCE, name=PRODUCT, identity_class="system", description="Finds query sets that are spread over many accounts.")
    make.author = identity.id
    technique = make("AttackPattern", SINCE, name=TECHNIQUES[0][1], description=f"{TECHNIQUES[0][1]} ({TECHNIQUES[0][0]}), of {TECHNIQUES[1][1]} "
                     f"({TECHNIQUES[1][0]}): many queries, whose answers train another model.",
                     external_references=[{"source_name": "mitre-atlas", "external_id": name, "url": TECHNIQUE_URL + name} for name, _ in TECHNIQUES],
                     kill_chain_phases=[{"kill_chain_name": "mitre-atlas", "phase_name": TACTIC[1].lower()}])
    objects = [identity, technique]
    if content.n_sketches:
        objects.append(make("ExtensionDefinition", SINCE, EXTENSION_ID, name="prompt-fingerprint sketches", description=DESCRIPTION, version="1.0.0",
                            schema=json.dumps({"type": "object", "properties": PROPERTIES, "required": sorted(PROPERTIES)}),
                            extension_types=["property-extension"]))
    for campaign in content.campaigns:
        objects += _campaign(campaign, content, make, technique.id)
    objects = list({one.id: one for one in objects}.values())  # an account may stand in several findings
    return make.stix2.v21.Bundle(objects, id=f"bundle--{content_uuid('bundle', [one.id for one in objects])}")


def _stix2() -> ModuleType:
    try:
        import stix2
    except ImportError:
        raise BackendUnavailable("stix2 is not installed; pip install 'prompt-fingerprint[intel]'") from None
    module: ModuleType = stix2
    return module


class _Maker:
    """Makes objects whose ids and times depend on nothing but content and scan."""

    def __init__(self, content: Content, stix2: ModuleType) -> None:
        self.stix2, self.author, self._scanned = stix2, "", content.created

    def __call__(self, kind: str, created: datetime, object_id: str | None = None, **properties: Any) -> Any:
        cls = getattr(self.stix2.v21, kind)
        if self.author:
            properties["created_by_ref"] = self.author
        modified = created if created == SINCE else max(created, self._scanned)
        return cls(id=object_id or f"{cls._type}--{content_uuid(cls._type, [created, properties])}", created=created, modified=modified, **properties)


def _campaign(campaign: Campaign, content: Content, make: _Maker, technique: str) -> list[Any]:
    first, last = content.period(campaign)
    sketches = content.sketches(campaign)
    extensions: dict[str, Any] = {} if sketches is None else {"extensions": {EXTENSION_ID: {"extension_type": "property-extension", **sketches.to_dict()}}}
    found = make("Campaign", first, name=campaign.campaign_id, description=f"{title(campaign)}. {campaign.reason}", first_seen=first, last_seen=last,
                 objective=f"What its prompts are after: {campaign.capability}.", **extensions)
    accounts, observed = [], []
    for one in campaign.accounts:
        account = make.stix2.v21.UserAccount(user_id=content.name(one.account_id), account_type=ACCOUNT_TYPE)
        accounts.append(account)
        observed.append(make("ObservedData", first, first_observed=first, last_observed=last, number_observed=min(max(one.n_attributed, 1), MOST),
                             object_refs=[account.id]))
    uses = make("Relationship", first, source_ref=found.id, relationship_type="uses", target_ref=technique, start_time=first)
    notes = [make("Note", first, abstract=f"Statistics of {campaign.campaign_id}", content=statistics(campaign), object_refs=[found.id],
                  authors=[f"{PRODUCT} {__version__}"])]
    if texts := content.texts(campaign):
        notes.append(make("Note", first, abstract=f"Prompts of {campaign.campaign_id}, written by whoever is behind it",
                          content="\n\n".join(f"{what.capitalize()}:\n{text}" for what, text in texts), object_refs=[found.id]))
    seen = [make("Sighting", first, sighting_of_ref=found.id, first_seen=first, last_seen=last, count=min(campaign.n_prompts, MOST),
                 observed_data_refs=[one.id for one in observed])] if observed else []
    return [found, uses, *seen, *notes, *(one for pair in zip(accounts, observed, strict=True) for one in pair)]
