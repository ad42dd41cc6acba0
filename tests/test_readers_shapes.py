"""Log shapes: one realistic row of each gives account, time, prompt and system text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fingerprint.errors import ConfigError
from fingerprint.readers import parse_mapping, read_events

WHEN = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
SECONDS = int(WHEN.timestamp())
ROWS: dict[str, tuple[dict[str, Any], str, str, str | None]] = {
    "plain": ({"account_id": "a-1", "timestamp": WHEN.isoformat(), "prompt": "why is the sky blue"}, "a-1", "why is the sky blue", None),
    "other usual names": ({"user_id": 17, "ts": SECONDS, "query": "hello"}, "17", "hello", None),
    "openai chat body": (
        {"created": SECONDS, "user": "u1", "model": "m", "messages": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "first"}, {"role": "assistant", "content": "ok"},
            {"role": "user", "content": [{"type": "text", "text": "second"}, {"type": "image_url", "image_url": {"url": "x"}}]}]},
        "u1", "second", "Be brief."),
    "openai responses body": (
        {"created_at": SECONDS, "safety_identifier": "u2", "instructions": "Be kind.", "input": [{"role": "user", "content": [
            {"type": "input_text", "text": "say hi"}]}]}, "u2", "say hi", "Be kind."),
    "openai responses, text input": ({"created_at": SECONDS, "user": "u2", "input": "say hi"}, "u2", "say hi", None),
    "openai batch line": (
        {"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions", "timestamp": SECONDS,
         "body": {"user": "u3", "messages": [{"role": "user", "content": "batch me"}]}}, "u3", "batch me", None),
    "anthropic messages": (
        {"timestamp": WHEN.isoformat(), "request": {"metadata": {"user_id": "u4"}, "system": [{"type": "text", "text": "You are a poet."}],
         "messages": [{"role": "user", "content": [{"type": "tool_result", "content": "42"}, {"type": "text", "text": "write a line"}]}]}},
        "u4", "write a line", "You are a poet."),
    "litellm": (
        {"startTime": WHEN.isoformat(), "metadata": {"user_api_key_hash": "k5", "user_api_key_org_id": "o1"}, "model": "m",
         "messages": [{"role": "user", "content": "lite"}]}, "k5", "lite", None),
    "langfuse": (
        {"type": "GENERATION", "startTime": WHEN.isoformat(), "userId": "u6", "input": [{"role": "user", "content": "observe"}]}, "u6", "observe", None),
    "opentelemetry": (
        {"startTimeUnixNano": SECONDS * 10**9, "attributes": {"user.id": "u7", "gen_ai.input.messages": json.dumps(
            [{"role": "user", "parts": [{"type": "text", "content": "span"}]}])}}, "u7", "span", None),
    "bedrock": (
        {"timestamp": WHEN.isoformat(), "accountId": "1234", "identity": {"arn": "arn:u8"}, "modelId": "m",
         "input": {"inputBodyJson": {"messages": [{"role": "user", "content": [{"text": "rock"}]}]}}}, "arn:u8", "rock", None),
    "prompt as json text": ({"account_id": "a", "timestamp": SECONDS, "messages": json.dumps([{"role": "user", "content": "x"}])}, "a", "x", None),
}


@pytest.mark.parametrize("name", ROWS)
def test_each_shape(name: str) -> None:
    row, account, prompt, system = ROWS[name]
    reader = read_events([row])
    events = [event for batch in reader for event in batch.to_pylist()]
    assert dict(reader.accounting.rejected) == {}
    assert [(e["account_id"], e["timestamp"], e["prompt"], e["system"]) for e in events] == [(account, WHEN, prompt, system)]


def test_a_span_that_is_no_generation_is_rejected() -> None:
    reader = read_events([{"type": "SPAN", "userId": "u", "startTime": WHEN.isoformat(), "input": "x"}])
    assert not list(reader) and dict(reader.accounting.rejected) == {"not-a-prompt": 1}


def test_link_columns_are_kept() -> None:
    row = {"account_id": "a", "timestamp": SECONDS, "prompt": "p", "org_id": "o", "conversation_id": "c", "ip": "1.2.3.4", "user_agent": "", "model": 7}
    event = next(iter(read_events([row]))).to_pylist()[0]
    assert (event["org_id"], event["conversation_id"], event["ip"], event["user_agent"], event["model"]) == ("o", "c", "1.2.3.4", None, "7")


def test_a_mapping_names_fields_of_any_shape() -> None:
    mapping = parse_mapping(["account=who.key", "time=at", "prompt=payload.text", "time_unit=ms", "system=payload.sys"])
    row = {"who": {"key": "z"}, "at": SECONDS * 1000, "payload": {"text": "q", "sys": "s"}, "account_id": "not me"}
    event = next(iter(read_events([row], mapping=mapping))).to_pylist()[0]
    assert (event["account_id"], event["timestamp"], event["prompt"], event["system"]) == ("z", WHEN, "q", "s")
    with pytest.raises(ConfigError, match="FIELD=PATH"):
        parse_mapping(["colour=x"])


def test_a_missing_field_gives_a_hint() -> None:
    reader = read_events([{"who": "x", "timestamp": SECONDS, "prompt": "p"}] * 3)
    assert not list(reader)
    assert "--map account=PATH" in reader.hint() and "'who'" in reader.hint()
    fine = read_events([{"account_id": "x", "timestamp": SECONDS, "prompt": "p"}])
    assert list(fine) and fine.hint() == ""


@pytest.mark.parametrize("value,unit", [(SECONDS, "s"), (SECONDS * 10**3, "ms"), (SECONDS * 10**6, "us"), (SECONDS * 10**9, "ns"),
                                        (float(SECONDS), "s"), (str(SECONDS), "s"), ("2026-03-02T08:30:00Z", None), ("2026-03-02 09:30:00+01:00", None)])
def test_times(value: Any, unit: str | None) -> None:
    reader = read_events([{"account_id": "a", "timestamp": value, "prompt": "p"}])
    assert [row["timestamp"] for batch in reader for row in batch.to_pylist()] == [WHEN]
    assert reader.accounting.files["<memory>"].get("time_unit") == unit or unit is None
