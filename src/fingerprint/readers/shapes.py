"""Log shapes: where account, time and prompt stand in the logs that people have.

One table of paths serves plain rows, OpenAI chat and Responses bodies and batch lines, Anthropic messages, LiteLLM, Langfuse,
OpenTelemetry GenAI and Bedrock invocation logs. Of a conversation the last user turn is the prompt (histories repeat, and would make an
account a near-duplicate of itself), and system or developer text is kept apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

ACCOUNT = (
    "account_id", "account", "user_id", "api_key_id", "api_key", "customer_id", "metadata.user_api_key_hash", "metadata.user_api_key_user_id",
    "metadata.user_id", "identity.arn", "accountId", "user.id", "enduser.id", "enduser.pseudo.id", "attributes.user.id", "attributes.enduser.id",
    "safety_identifier", "user", "end_user", "userId", "body.safety_identifier", "body.user", "body.metadata.user_id", "request.safety_identifier",
    "request.user", "request.metadata.user_id", "resource.attributes.user.id",
)
TIME = (
    "timestamp", "ts", "time", "created_at", "created", "start_time", "startTime", "date", "datetime", "time_unix_nano", "start_time_unix_nano",
    "startTimeUnixNano", "timeUnixNano", "TimeGenerated", "request.timestamp",
)
ORG = ("org_id", "organization_id", "organization", "org", "team_id", "metadata.user_api_key_org_id", "metadata.user_api_key_team_id")
CONVERSATION = ("conversation_id", "session_id", "thread_id", "gen_ai.conversation.id", "attributes.gen_ai.conversation.id", "trace_id", "traceId")
IP = ("ip", "ip_address", "client_ip", "requester_ip_address", "remote_addr")
PAYMENT = ("payment", "payment_id", "payment_method", "card_hash")
USER_AGENT = ("user_agent", "userAgent", "ua")
MODEL = ("model", "modelId", "provided_model_name", "body.model", "request.model", "gen_ai.request.model", "attributes.gen_ai.request.model")
EXTRAS = {"org_id": ORG, "conversation_id": CONVERSATION, "ip": IP, "payment": PAYMENT, "user_agent": USER_AGENT, "model": MODEL}
PLAIN = ("prompt", "text", "query", "question", "content", "message")
BODIES = ("", "body", "request", "request_body", "input", "input.inputBodyJson", "attributes")
MESSAGES = ("messages", "input", "gen_ai.input.messages", "contents")
SYSTEM = ("system", "instructions", "gen_ai.system_instructions", "system_prompt", "system_instruction")
_SYSTEM_ROLES = frozenset(("system", "developer"))
_MISSING = object()
Found = TypeVar("Found")


class Reject(Exception):
    """A row cannot be used; `kind` is one of the reject classes."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class PerKeys(dict[tuple[str, ...], Found]):
    """What was found out about rows with one set of keys. Hostile rows may have a new set each, so a full one is emptied and long sets are not kept."""

    MAX_SETS, MAX_SET_BYTES = 1024, 16 << 10

    def remember(self, keys: tuple[str, ...], found: Found) -> None:
        """Keep `found` for the next rows with these keys."""
        if len(self) >= self.MAX_SETS:
            self.clear()
        if sum(64 + len(key) if isinstance(key, str) else 64 for key in keys) <= self.MAX_SET_BYTES:
            self[keys] = found


@dataclass(frozen=True, slots=True)
class Fields:
    """Raw values of one row; account and time still unchecked."""

    account: Any
    time: Any
    prompt: str
    system: str | None


def parse_mapping(options: Iterable[str]) -> dict[str, str]:
    """Read ``account=a.b`` options.

    Raises
    ------
    ConfigError
        For a name that is not a field, or no ``=``.
    """
    from ..errors import ConfigError

    known = ("account", "time", "prompt", "system", "time_unit", *EXTRAS)
    mapping = {}
    for option in options:
        name, _, path = option.partition("=")
        if name not in known or not path:
            raise ConfigError(f"a mapping is FIELD=PATH with FIELD one of {', '.join(known)}, not {option!r}")
        mapping[name] = path
    return mapping


def at(row: Any, path: str) -> Any:
    """Return the value at a dotted path, with keys that hold dots themselves (``gen_ai.request.model``) found too; ``_MISSING`` if absent."""
    if isinstance(row, dict):
        if path in row:
            return row[path]
        head, dot, tail = path.partition(".")
        while dot:
            if head in row:
                found = at(row[head], tail)
                if found is not _MISSING:
                    return found
            more, dot, tail = tail.partition(".")
            head = f"{head}.{more}"
    elif isinstance(row, list) and path.partition(".")[0].isdigit():
        head, dot, tail = path.partition(".")
        if int(head) < len(row):
            return at(row[int(head)], tail) if dot else row[int(head)]
    return _MISSING


def first(row: Mapping[str, Any], paths: Iterable[str]) -> Any:
    """Return the first value that is there and not null, or None."""
    for path in paths:
        value = at(row, path)
        if value is not _MISSING and value is not None:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths that can lead anywhere in rows with one set of top-level keys: most of the tables above cannot, and looking costs time."""

    account: tuple[str, ...]
    time: tuple[str, ...]
    extras: tuple[tuple[str, ...], ...]
    bodies: tuple[str, ...]

    @classmethod
    def of(cls, keys: Iterable[str], mapping: Mapping[str, str]) -> Paths:
        """Choose the paths for rows with these keys; a mapped field has its own path only."""
        known = set(keys)

        def fitting(paths: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(p for p in paths if not p or any(p[: i if i >= 0 else None] in known for i in _dots(p)))

        def chosen(name: str, paths: tuple[str, ...]) -> tuple[str, ...]:
            return (mapping[name],) if name in mapping else fitting(paths)

        return cls(chosen("account", ACCOUNT), chosen("time", TIME), tuple(chosen(name, paths) for name, paths in EXTRAS.items()), fitting(BODIES))


def _dots(path: str) -> list[int]:
    return [i for i, char in enumerate(path) if char == "."] + [-1]


def extract(row: dict[str, Any], mapping: Mapping[str, str] | None = None, paths: Paths | None = None) -> Fields:
    """Find account, time, prompt and system text in a row of any known shape; `paths` are :meth:`Paths.of` its keys.

    Raises
    ------
    Reject
        The row has no prompt, or one of another type than text.
    """
    mapping = mapping or {}
    kind = row.get("type")
    if isinstance(kind, str) and kind in ("SPAN", "EVENT", "TRACE"):  # Langfuse observations that are no generation
        raise Reject("not-a-prompt")
    paths = paths or Paths.of(row, mapping)
    account, time = first(row, paths.account), first(row, paths.time)
    if "prompt" in mapping:
        prompt, system = turns(at(row, mapping["prompt"]))
    else:
        prompt, system = _find_prompt(row, paths.bodies)
    if "system" in mapping:
        system = text_of(at(row, mapping["system"]))
    return Fields(account, time, prompt, system)


def _find_prompt(row: Mapping[str, Any], bodies: tuple[str, ...] = BODIES) -> tuple[str, str | None]:
    for body_path in bodies:
        body = row if not body_path else at(row, body_path)
        if not isinstance(body, dict):
            continue
        for name in MESSAGES:
            value = at(body, name)
            if value is _MISSING or value is None or isinstance(value, dict):
                continue
            if name == "contents" and not isinstance(value, list):
                continue
            prompt, system = turns(value)
            return prompt, text_of(first(body, SYSTEM)) or system
        for name in PLAIN:
            value = at(body, name)
            if value is not _MISSING and value is not None:
                if not isinstance(value, str):
                    raise Reject("wrong-type")
                return value, text_of(first(body, SYSTEM))
    raise Reject("missing-prompt")


def turns(value: Any) -> tuple[str, str | None]:
    """Return (last user text, system text) of a string, a JSON string, a list of messages, or a body that holds one.

    Raises
    ------
    Reject
        ``missing-prompt`` where no user turn has text, ``wrong-type`` for a number or Boolean.
    """
    if isinstance(value, str):
        if value[:1] in ("[", "{"):
            try:
                inner = msgspec.json.decode(value)
            except (msgspec.DecodeError, RecursionError, ValueError):
                return value, None
            if isinstance(inner, dict) and any(name in inner for name in (*MESSAGES, *PLAIN)):
                return _find_prompt(inner)
            if isinstance(inner, list) and inner and all(isinstance(m, dict) and ("role" in m or "content" in m) for m in inner):
                return turns(inner)
        return value, None
    if isinstance(value, dict):
        return _find_prompt(value)
    if not isinstance(value, list):
        raise Reject("missing-prompt" if value is None or value is _MISSING else "wrong-type")
    system = "\n".join(filter(None, (text_of(_content(m)) for m in value if isinstance(m, dict) and m.get("role") in _SYSTEM_ROLES))) or None
    for message in reversed(value):
        if isinstance(message, str):
            return message, system
        if not isinstance(message, dict):
            raise Reject("wrong-type")
        if message.get("role", "user") == "user":
            content = _content(message)
            if isinstance(content, bool | int | float):
                raise Reject("wrong-type")
            text = text_of(content)
            if text is not None:
                return text, system
    raise Reject("missing-prompt")


def _content(message: Mapping[str, Any]) -> Any:
    for name in ("content", "parts", "text"):
        if name in message:
            return message[name]
    return None


def text_of(value: Any) -> str | None:
    """Join the text parts of a string, a content block or a list of blocks; None when there is no text (images, tool results, thinking)."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if value.get("type", "text") not in ("text", "input_text"):
            return None
        for name in ("text", "content"):
            if isinstance(value.get(name), str):
                found: str = value[name]
                return found
        return None
    if isinstance(value, list):
        parts = [t for t in (text_of(part) for part in value if isinstance(part, str | dict)) if t is not None]
        return "\n".join(parts) if parts else None
    return None
