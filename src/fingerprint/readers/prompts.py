"""Prompts without accounts: data sets of instructions, questions, chats and preferences, as they are published or leaked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import EventReader
from .batches import Batcher
from .shapes import BODIES, EXTRAS, Reject, at, text_of

CHATS = ("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "turns", "input", "contents", "chosen", "rejected")
PLAIN = ("prompt", "instruction", "question", "query", "problem", "text", "input", "content", "user", "human", "message", "task", "goal")
MORE = ("input", "context")  # beside an instruction: what it is about
ASKING = frozenset(("user", "human", "prompter", "usr", "question"))
ANSWERING = frozenset(("assistant", "gpt", "bot", "chatgpt", "model", "ai", "system", "developer", "tool", "function", "answer"))
_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant|User|System): ?")


class PromptReader(EventReader):
    """Prompts of data sets, in order; iterate over it once.

    Yields what :class:`fingerprint.readers.EventReader` yields, one row for each thing that a person or script asked; `account_id` is empty and
    `timestamp` 1970 there. Of a chat every user turn is a prompt of its own. Rows are counted, not prompts.

    Parameters
    ----------
    inputs, format
        As of :func:`fingerprint.readers.read_events`.
    mapping : dict, optional
        ``{"prompt": path}`` for data sets whose shape is not known.
    """

    def __init__(self, inputs: Any, mapping: Mapping[str, str] | None = None, format: str | None = None) -> None:
        super().__init__(inputs, mapping, format)
        self._batcher = PromptBatcher(dict(mapping or {}))


@dataclass(slots=True)
class PromptBatcher(Batcher):
    """Takes a prompt where :class:`Batcher` wants an account and a time as well."""

    def row(self, row: Any, line: int, offset: int = -1) -> None:
        """Accept or reject one row of decoded values."""
        try:
            if isinstance(row, dict) and not self.fields_seen:
                self.fields_seen = tuple(str(k) for k in row)
            found = [text for text in asked(row, self.mapping.get("prompt")) if text.strip()]
            if not found:
                raise Reject("missing-prompt")
        except Reject as reject:
            self.reject(reject.kind, line, offset)
        except RecursionError:
            self.reject("too-deep", line, offset)
        else:
            self.note_shape("data set")
            for text in found:
                self._events.append(("", 0, text, None, *[None] * len(EXTRAS), self.origin.number, line))
                self._bytes += len(text)
            self.accounting.read += 1
            self.accounting.accepted += 1


def asked(row: Any, path: str | None = None) -> list[str]:
    """Return what is asked in a row of a data set, in order.

    Raises
    ------
    Reject
        It is neither text nor an object.
    """
    if isinstance(row, str):
        return [row]
    if isinstance(row, list):
        return [text for text in row if isinstance(text, str)] if all(isinstance(text, str) for text in row) else list(_questions(row))
    if not isinstance(row, dict):
        raise Reject("not-an-object")
    if path is not None:
        return list(_questions(at(row, path)))
    for place in BODIES:
        body = row if not place else at(row, place)
        if isinstance(body, dict):
            found = _of_body(body)
            if found:
                return found
    return []


def _of_body(body: Mapping[str, Any]) -> list[str]:
    for name in CHATS:
        if isinstance(body.get(name), list) and (found := list(_questions(body[name]))):
            return found
    for name in PLAIN:
        if isinstance(body.get(name), str) and body[name].strip():
            extra = next((body[m] for m in MORE if name == "instruction" and isinstance(body.get(m), str) and body[m].strip()), None)
            return [f"{body[name]}\n\n{extra}"] if extra is not None else list(_questions(body[name]))
    return list(_questions(body["chosen"])) if isinstance(body.get("chosen"), str) else []


def _questions(value: Any) -> Iterator[str]:
    """Yield the user turns of a text, a transcript or a list of messages."""
    if isinstance(value, str):
        marks = list(_TURN.finditer(value))
        if len(marks) < 2 or not any(mark[1] == "Assistant" for mark in marks):
            yield value
            return
        for mark, after in zip(marks, [*marks[1:], None], strict=True):
            if mark[1] in ("Human", "User"):
                yield value[mark.end() : after.start() if after else len(value)].strip()
    elif isinstance(value, list):
        for number, message in enumerate(value):
            if isinstance(message, str):
                if number % 2 == 0:  # alternate turns, the first of which asks
                    yield message
            elif isinstance(message, dict):
                yield from _of_message(message)


def _of_message(message: Mapping[str, Any]) -> Iterator[str]:
    role = next((message[name] for name in ("role", "from", "speaker", "author") if isinstance(message.get(name), str)), "user").lower()
    if role in ANSWERING or role not in ASKING:
        return
    for name in ("content", "value", "text", "parts"):
        text = text_of(message.get(name, None))
        if text is not None:
            yield text
            return
