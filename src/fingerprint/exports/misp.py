"""MISP: one event, in it an ai-chat-prompt object for each finding and a user-account object for each of its accounts.

An ai-chat-prompt must have a prompt. Without text the keyed hashes of some prompts stand there, as ``fp-sketch-1/KEY ID/HASH``: under one key the same ones
everywhere, so that events of partners correlate.
"""

from __future__ import annotations

from typing import Any

from ..records import AccountCharge, Campaign
from .content import ACCOUNT_TYPE, NAMESPACE, PRODUCT, TECHNIQUE_URL, TECHNIQUES, Content, content_uuid, statistics, title

TEMPLATES = {"ai-chat-prompt": ("a78f4156-0bb7-405c-aa25-ba16a73f68e4", "1"), "user-account": ("49606b06-22f0-4ac8-8eee-2f12ad46f3d3", "6")}
N_HASHES = 12
ORGANISATION_ONLY, INHERIT, COMPLETED, MEDIUM = "0", "5", "2", "2"  # distribution, distribution of parts, analysis, threat level


def misp_event(content: Content) -> dict[str, Any]:
    """Return the findings as an event, plain values for JSON: not published, for one's own organisation until its owner says otherwise."""
    made = str(int(content.created.timestamp()))
    told = [content.scan.manifest["key_id"], [one.campaign_id for one in content.campaigns], made, content.naming, content.text]
    event = content_uuid("misp event", told)
    make = _Maker(event, made)
    objects = [made_object for number, one in enumerate(content.campaigns) for made_object in _campaign(number, one, content, make)]
    technique, name = TECHNIQUES[0]
    return {"Event": {
        "uuid": event, "info": f"{PRODUCT}: {len(content.campaigns)} campaigns that harvest capabilities, accounts by {content.naming}",
        "date": content.created.date().isoformat(), "timestamp": made, "published": False, "analysis": COMPLETED, "threat_level_id": MEDIUM,
        "distribution": ORGANISATION_ONLY, "Orgc": {"name": PRODUCT, "uuid": str(NAMESPACE)},
        "Tag": [{"name": "tlp:amber"}],
        "Attribute": [make.attribute("link", "External analysis", TECHNIQUE_URL + technique, "technique", comment=f"MITRE ATLAS {technique}, {name}")],
        "Object": objects}}


class _Maker:
    """Makes objects and attributes whose ids depend on the event and their place in it."""

    def __init__(self, event: str, timestamp: str) -> None:
        self._event, self._timestamp = event, timestamp

    def attribute(self, kind: str, category: str, value: str, *place: Any, relation: str | None = None, comment: str = "",
                  correlates: bool = True) -> dict[str, Any]:
        """Return an attribute; `place` is where it stands in the event."""
        named = {} if relation is None else {"object_relation": relation}
        return {"uuid": content_uuid("misp attribute", [self._event, *place]), "type": kind, "category": category, **named, "value": value, "comment": comment,
                "to_ids": False, "disable_correlation": not correlates, "distribution": INHERIT, "timestamp": self._timestamp}

    def object(self, name: str, comment: str, values: list[tuple[str, str, bool]], *place: Any) -> dict[str, Any]:
        """Return an object of text attributes: (relation, value, whether equal values of other events are of interest)."""
        template, version = TEMPLATES[name]
        attributes = [self.attribute("text", "Other", value, *place, number, relation=relation, correlates=correlates)
                      for number, (relation, value, correlates) in enumerate(values)]
        return {"uuid": content_uuid("misp object", [self._event, *place]), "name": name, "meta-category": "misc", "template_uuid": template,
                "template_version": version, "comment": comment, "distribution": INHERIT, "timestamp": self._timestamp, "Attribute": attributes,
                "ObjectReference": []}

    def reference(self, source: dict[str, Any], target: dict[str, Any], relation: str) -> None:
        """Let an object refer to another."""
        source["ObjectReference"].append({"uuid": content_uuid("misp reference", [source["uuid"], target["uuid"]]), "object_uuid": source["uuid"],
                                          "referenced_uuid": target["uuid"], "relationship_type": relation, "timestamp": self._timestamp, "comment": ""})


def _campaign(number: int, campaign: Campaign, content: Content, make: _Maker) -> list[dict[str, Any]]:
    texts = [("prompt", text, False) for _, text in content.texts(campaign)]
    values = texts or [("prompt", name, True) for name in _hashes(campaign, content)]
    first, last = content.period(campaign)
    found = make.object("ai-chat-prompt", title(campaign), [*values, ("comment", statistics(campaign), False)], number)
    found |= {"first_seen": first.isoformat(), "last_seen": last.isoformat()}
    accounts = [make.object("user-account", f"{one.n_attributed:,} of {one.n_prompts:,} prompts are those of {campaign.campaign_id}",
                            _account(one, content), number, place) for place, one in enumerate(campaign.accounts)]
    for account in accounts:
        make.reference(account, found, "uses")
    return [found, *accounts]


def _account(one: AccountCharge, content: Content) -> list[tuple[str, str, bool]]:
    return [("user-id", content.name(one.account_id), True), ("account-type", ACCOUNT_TYPE, False), ("description", content.naming, False)]


def _hashes(campaign: Campaign, content: Content) -> list[str]:
    """Return names of some prompts, by their keyed hashes; of a scan without sketches the finding's own."""
    import pyarrow.compute as pc

    manifest, table = content.scan.manifest, content.scan.sketches
    own = table.filter(pc.equal(table["campaign_id"], campaign.campaign_id))["exact"].to_pylist()
    start = f"{manifest['sketch']['scheme']}/{manifest['key_id']}/"
    return [f"{start}{one:016x}" for one in sorted(own)[:N_HASHES]] or [start + campaign.campaign_id]
