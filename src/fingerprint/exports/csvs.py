"""CSV that a spreadsheet can open: RFC 4180, and no cell that acts.

A cell that begins as a formula does (=, +, -, @, their full-width forms, after spaces and quotes too) gets an apostrophe in front, which spreadsheets hide
or show as text. Control and invisible characters are written out as ``\\u{...}``, line ends and tabs among them, and so is a semicolon or bar before a sign of
a formula: where a spreadsheet splits at these, a cell would begin there.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence

from ..report.escaping import pieces
from .content import Content

Cell = str | int | float | None
ACCOUNT_COLUMNS = ("campaign_id", "account", "n_prompts", "n_attributed", "share", "score", "copies")
CAMPAIGN_COLUMNS = ("campaign_id", "capability", "n_accounts", "n_prompts", "first_seen", "last_seen", "strength", "q", "carried_by", "reason")
TEXT_COLUMNS = ("template", "shared text", "prompt")
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf"[\s\"']*[{_SIGNS}]")
_SPLITS = re.compile(rf"[;|](?=[\s\"']*[{_SIGNS}])")


def cell(value: Cell) -> Cell:
    """Return a value as it may stand in a spreadsheet: text is made harmless, a number stays one, NaN and infinity are empty.

    Examples
    --------
    >>> cell("=1+1"), cell("a;=b"), cell(-0.5), cell("tab\\there")
    ("'=1+1", 'a\\\\u{003B}=b', -0.5, 'tab\\\\u{0009}here')
    """
    if not isinstance(value, str):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    text = "".join(piece for piece, _ in pieces(value)).replace("\n", "\\u{000A}").replace("\t", "\\u{0009}")
    text = _SPLITS.sub(lambda found: f"\\u{{{ord(found[0]):04X}}}", text)
    return "'" + text if _FORMULA.match(text) else text


def write_csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return rows, the header among them, as UTF-8; text stands in quotes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    for row in rows:
        writer.writerow(["" if (safe := cell(value)) is None else safe for value in row])
    return out.getvalue().encode("utf-8", "replace")


def account_rows(content: Content) -> Iterator[Sequence[Cell]]:
    """Yield the accounts of each finding; those that no finding charges are left out."""
    yield ACCOUNT_COLUMNS
    for campaign in content.campaigns:
        for one in campaign.accounts:
            yield campaign.campaign_id, content.name(one.account_id), one.n_prompts, one.n_attributed, one.share, one.score, one.copies


def campaign_rows(content: Content) -> Iterator[Sequence[Cell]]:
    """Yield the findings; with their texts where these are wanted."""
    yield CAMPAIGN_COLUMNS + (TEXT_COLUMNS if content.text else ())
    for one in content.campaigns:
        q = min((test.q for test in one.tests if test.q is not None), default=None)
        row: tuple[Cell, ...] = (one.campaign_id, one.capability, one.n_accounts, one.n_prompts, one.first_seen, one.last_seen, one.strength, q, one.carried_by,
                                 one.reason)
        first = dict(reversed(content.texts(one)))  # of several prompts the first
        yield row + (tuple(first.get(name) for name in TEXT_COLUMNS) if content.text else ())
