"""OCSF 1.8: a Detection Finding for each campaign, as JSON lines.

Class 2004 does not take the profile ``ai_operation`` (neither in 1.8.0 nor in 1.9.0-dev of July 2026), so that its ``message_context`` stands in
``evidences[].data``, where any JSON may: a strict validator has nothing to object to. Its ``prompt_text`` is of 1.9.0-dev.
"""

from __future__ import annotations

from typing import Any

from .. import __version__
from ..records import AccountCharge, Campaign
from .content import ACCOUNT_TYPE, PRODUCT, TACTIC, TECHNIQUE_URL, TECHNIQUES, Content, content_uuid, epoch_ms, statistics, title

VERSION = "1.8.0"
CATEGORY, CLASS, CREATE = 2, 2004, 1
NEW, MEDIUM, STATISTICAL, SUSPICIOUS, USER = 1, 3, 3, 4, 1  # status_id, severity_id, analytic.type_id, verdict_id, ai_role_id


def detection_finding(content: Content, campaign: Campaign) -> dict[str, Any]:
    """Return a finding as an OCSF event, plain values for JSON.

    All are of severity Medium: how bad a finding is depends on what the reader makes of it. Times are milliseconds since 1970.
    """
    first, last = content.period(campaign)
    made, uid = epoch_ms(content.created), content_uuid("ocsf", [content.scan.manifest["key_id"], campaign.campaign_id])
    product = {"name": PRODUCT, "vendor_name": PRODUCT, "version": __version__}
    return {
        "metadata": {"version": VERSION, "product": product, "uid": content_uuid("ocsf event", [uid, made, content.naming, content.text]),
                     "labels": [f"accounts: {content.naming}"]},
        "category_uid": CATEGORY, "category_name": "Findings", "class_uid": CLASS, "class_name": "Detection Finding", "activity_id": CREATE,
        "activity_name": "Create", "type_uid": CLASS * 100 + CREATE, "type_name": "Detection Finding: Create", "severity_id": MEDIUM, "severity": "Medium",
        "status_id": NEW, "status": "New", "is_alert": True, "time": made, "start_time": epoch_ms(first), "end_time": epoch_ms(last),
        "message": title(campaign),
        "finding_info": {
            "uid": uid, "title": title(campaign), "desc": statistics(campaign), "types": ["Capability harvesting", campaign.capability], "created_time": made,
            "first_seen_time": epoch_ms(first), "last_seen_time": epoch_ms(last), "related_events_count": campaign.n_prompts, "product": product,
            "analytic": {"uid": "exchangeability", "name": "Exchangeability of accounts", "type_id": STATISTICAL, "type": "Statistical",
                         "version": __version__},
            "attacks": [_attack()]},
        "evidences": [_account(one, content) for one in campaign.accounts] + [_text(what, text) for what, text in content.texts(campaign)],
        "unmapped": {"campaign_id": campaign.campaign_id, "n_accounts": campaign.n_accounts, "n_prompts": campaign.n_prompts, "strength": campaign.strength,
                     "capabilities": campaign.capabilities, "key_id": content.scan.manifest["key_id"],
                     "tests": [{"name": one.name, "statistic": one.statistic, "bound": one.bound, "limit": one.limit, "p": one.p, "q": one.q,
                                "passed": one.passed, "decides": one.decides} for one in campaign.tests]}}


def _attack() -> dict[str, Any]:
    (sub, sub_name), (technique, name) = TECHNIQUES
    return {"tactic": {"uid": TACTIC[0], "name": TACTIC[1]}, "technique": {"uid": technique, "name": name, "src_url": TECHNIQUE_URL + technique},
            "sub_technique": {"uid": sub, "name": sub_name, "src_url": TECHNIQUE_URL + sub}}


def _account(one: AccountCharge, content: Content) -> dict[str, Any]:
    name = content.name(one.account_id)
    return {"uid": name, "name": ACCOUNT_TYPE, "verdict_id": SUSPICIOUS, "verdict": "Suspicious", "actor": {"user": {"uid": name, "type_id": 99,
            "type": ACCOUNT_TYPE}}, "data": {"n_prompts": one.n_prompts, "n_attributed": one.n_attributed, "share": one.share, "score": one.score,
                                            "copies": one.copies}}


def _text(what: str, text: str) -> dict[str, Any]:
    return {"name": what, "data": {"message_context": {"ai_role_id": USER, "ai_role": "User", "service": {"name": ACCOUNT_TYPE}, "prompt_text": text}}}
