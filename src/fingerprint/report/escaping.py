"""Prompts are hostile text: here it becomes harmless to look at.

A prompt can hold terminal commands, text that runs backwards, characters nobody sees, or a tower of combining marks. None is obeyed and
none is dropped, since each may be evidence: they are shown as ``\\u{202E}``. What a person reads is then what the model was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Unicode 15: categories Cc, Cf, Cs, Co, Zl, Zp, the default-ignorable code points, blank letters and non-characters.
_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\U000f0000-\U0010ffff"
)
# An emoji may carry one variation selector and join the next one: normal use, and a second in a row is shown.
_EMOJI = "\u203c-\u3299\U0001f000-\U0001faff"
_MARK = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1ace\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f"
MARKS_SHOWN = 4  # Vietnamese needs 2, pointed Hebrew and Arabic lie outside this range
_ODD = re.compile(rf"(?<![{_EMOJI}])\ufe0f|(?<![{_EMOJI}\ufe0f])\u200d|[{_HIDDEN}]|(?<=[{_MARK}]{{{MARKS_SHOWN}}})[{_MARK}]+")
_LINE = re.compile(r"\r\n|\n")


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Split `text` into ``(piece, escaped)``: readable text as it is, and what must not act written out as ``\\u{...}``.

    Line feeds and tabs stay readable text; the caller knows whether its sink can show them.
    """
    at = 0
    text = _LINE.sub("\n", text)
    for match in _ODD.finditer(text):
        if match.start() > at:
            yield text[at : match.start()], False
        found = match[0]
        if len(found) > 1:
            yield f"[+{len(found)} combining marks]", True
        else:
            yield f"\\u{{{ord(found):04X}}}", True
        at = match.end()
    if at < len(text):
        yield text[at:], False


def shorten(text: str, limit: int) -> str:
    """Cut the middle out of a text of more than `limit` characters and say how much is missing."""
    if len(text) <= limit:
        return text
    head = limit * 3 // 4
    return f"{text[:head]} … [{len(text) - limit:,} characters] … {text[len(text) - (limit - head) :]}"


def one_line(text: str, limit: int | None = None) -> str:
    """Return `text` for one line of a terminal, a log or an error message: nothing in it moves a cursor or starts a line.

    Parameters
    ----------
    text : str
        Anything.
    limit : int or None
        Most characters kept of it.

    Examples
    --------
    >>> one_line("red \\x1b[31m alert\\nnext")
    'red \\\\u{001B}[31m alert ⏎ next'
    """
    if limit is not None:
        text = shorten(text, limit)
    shown = "".join(piece for piece, _ in pieces(text))
    return shown.replace("\n", " ⏎ ").replace("\t", " ")
