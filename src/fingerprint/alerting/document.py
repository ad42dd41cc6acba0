"""What an alert says, as plain values for JSON, of bounded size, with counts of what was left out."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from ..campaigns import iso
from ..records import Campaign, Explanation, Test
from ..report.escaping import shorten
from ..report.files import dump_json
from ..tracking import Tracked
from .policy import Due
from .spending import e_value

SCHEMA = "fp-alert-1"
MAX_BYTES = 256_000  # of the line of JSON; what is never left out takes at most 210,000, which is 12 for every character below
MAX_ACCOUNTS, MAX_DAYS, MAX_HASHES = 100, 31, 16
MAX_TESTS, MAX_CAPABILITIES, MAX_EVIDENCE = 8, 8, 4
_TEXT, _WORDS, _NAME = 2_000, 400, 120  # characters kept of a prompt or shared text, of a sentence of ours, and of a name


def alert_document(alert: Due, campaign: Campaign, finding: Tracked, *, text: bool = True) -> dict[str, Any]:
    """Write up an alert.

    Parameters
    ----------
    alert : Due
    campaign : Campaign
        The finding, as this evaluation found it.
    finding : Tracked
        The same, hashed.
    text : bool
        Whether prompts, templates and shared texts may stand in it; without, their lengths do.

    Returns
    -------
    dict
        Plain values that make a line of at most ``MAX_BYTES``: representatives, then accounts, days and evidence are left out until it fits, each list from
        its end, and ``left_out`` counts what is missing. Of long texts the middle is missing, and it says so.
    """
    deciding = [test for test in campaign.tests if test.decides][:MAX_TESTS]
    listed = sorted(campaign.capabilities.items(), key=lambda item: (-item[1], item[0]))[:MAX_CAPABILITIES]
    days = campaign.timeline
    document = {
        "schema": SCHEMA,
        "alert_id": alert.alert_id,
        "finding_id": alert.finding_id,
        "campaign_id": shorten(campaign.campaign_id, _NAME),
        "kind": alert.kind,
        "time": iso(alert.at_us),
        "reason": shorten(campaign.reason, _TEXT),
        "capability": shorten(campaign.capability, _NAME),
        "capabilities": {shorten(name, _NAME): share for name, share in listed},
        "principal": {"n_accounts": campaign.n_accounts, "carried_by": campaign.carried_by,
                      "accounts": [{**asdict(a), "account_id": shorten(a.account_id, _NAME), "peers": [shorten(p, _NAME) for p in a.peers]}
                                   for a in campaign.accounts[:MAX_ACCOUNTS]]},
        "volume": {"n_prompts": campaign.n_prompts, "first_seen": campaign.first_seen, "last_seen": campaign.last_seen,
                   "n_days": len(days), "prompts_per_day": campaign.n_prompts / len(days) if days else None,
                   "days": [asdict(day) for day in days[::-1][:MAX_DAYS]]},  # newest first
        "shared": _shared(campaign, finding, text),
        "statistics": {"evaluation": alert.evaluation, "level": alert.level, "q": alert.q, "tests": [_test(test) for test in deciding]},
        "explanations": [_explanation(one) for one in campaign.explanations[:MAX_TESTS]],
        "changes": {"since": None if alert.since_us is None else iso(alert.since_us), "kinds": list(alert.kinds), "related": list(alert.related),
                    **{name: getattr(alert, name) for name in ("n_accounts_before", "n_accounts", "n_prompts_before", "n_prompts", "n_new_accounts")}},
    }
    return _fitted(document, {"accounts": len(campaign.accounts), "days": len(days), "representatives": len(campaign.representatives)})


def _shared(campaign: Campaign, finding: Tracked, text: bool) -> dict[str, Any]:
    """What the accounts have in common: texts where they may be shown, else how long they are."""
    def shown(value: str | None) -> dict[str, Any] | None:
        return None if value is None else {"text": shorten(value, _TEXT) if text else None, "n_chars": len(value)}

    template = campaign.template
    slots = [] if template is None else template.n_distinct[:MAX_TESTS]
    return {
        "template": None if template is None else {**(shown(template.text) or {}), "coverage": template.coverage, "fills_per_slot": slots},
        "segment": shown(campaign.segment),
        "representatives": [{"account_id": shorten(r.account_id, _NAME), "text": shorten(r.prompt, _TEXT) if text and r.prompt is not None else None,
                             "n_chars": r.n_chars} for r in campaign.representatives],
        "text_hashes": [f"{one:016x}" for one in finding.texts[:MAX_HASHES].tolist()],
    }


def _test(test: Test) -> dict[str, Any]:
    plain = {**asdict(test), "name": shorten(test.name, _NAME), "null": shorten(test.null, _WORDS), "reading": shorten(test.reading, _WORDS)}
    del plain["decides"]
    usable = test.p is not None and math.isfinite(test.p)
    return {**plain, "e_value": e_value(test.p) if usable and test.p is not None else None}


def _explanation(one: Explanation) -> dict[str, Any]:
    return {"name": shorten(one.name, _NAME), "verdict": shorten(one.verdict, _NAME),
            **{name: [shorten(sentence, _WORDS) for sentence in getattr(one, name)[:MAX_EVIDENCE]] for name in ("evidence_for", "evidence_against")}}


def _fitted(document: dict[str, Any], total: dict[str, int]) -> dict[str, Any]:
    """Shorten the lists of a document until it fits, and count what is missing from those of `total`."""
    lists = {"representatives": document["shared"]["representatives"], "accounts": document["principal"]["accounts"], "days": document["volume"]["days"]}
    evidence = [one[name] for one in document["explanations"] for name in ("evidence_for", "evidence_against")]

    def count() -> int:
        document["left_out"] = {name: total[name] - len(items) for name, items in lists.items()}
        return len(dump_json(document, indent=None))

    for items in [*lists.values(), *evidence]:
        while items and (size := count()) > MAX_BYTES:
            del items[-max(1, min(len(items), math.ceil(len(items) * (size - MAX_BYTES) / size))) :]
    count()
    return document
