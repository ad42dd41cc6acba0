"""Rows of a scan as ``fingerprint show`` lists them: those that hold a text, in the order of a column, the first of them as a table.

Rows are chosen and ordered by Arrow, since there may be millions; only those shown become text, through
:func:`fingerprint.report.escaping.one_line`, as in :mod:`.terminal`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, InputError
from . import wording
from .escaping import one_line
from .terminal import plain_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from rich.table import Table
    from rich.text import Text

    from ..records import Campaign


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a listing.

    Attributes
    ----------
    title : str
        What stands above it, and what it is sorted by.
    name : str
        Of the column of the table that it shows.
    kind : str
        ``"count"`` and ``"measure"`` are numbers and sorted largest first; ``"number"`` is the number of a row, ``"name"`` an identifier, shown whole; of
        ``"prose"`` as much is shown as fits into a line; ``"hidden"`` is only searched.
    """

    title: str
    name: str
    kind: str


_PROMPTS, _ACCOUNTS = Column("prompts", "n_prompts", "count"), Column("accounts", "n_accounts", "count")
COLUMNS: dict[str, tuple[Column, ...]] = {
    "campaigns": (Column("campaign", "campaign_id", "name"), Column("targets", "capability", "name"), _ACCOUNTS, _PROMPTS,
                  Column("personal trace", "trace", "measure"), Column("q", "q", "measure"), Column("template", "coverage", "measure"),
                  Column("period", "period", "name"), Column("", "text", "hidden")),
    "accounts": (Column("account", "account_id", "name"), Column("campaign", "campaign_id", "name"), _PROMPTS, Column("charged", "n_attributed", "count"),
                 Column("score", "score", "measure")),
    "clusters": (Column("cluster", "cluster", "number"), _PROMPTS, _ACCOUNTS, Column("representative", "prompt", "prose")),
    "topics": (Column("topic", "topic", "number"), Column("texts", "n_texts", "count"), _ACCOUNTS, _PROMPTS, Column("telling words", "words", "prose")),
    "rejects": (Column("file", "file", "name"), Column("line", "line", "number"), Column("offset", "offset", "number"), Column("class", "class", "name")),
}
ORDERS = {"accounts": ("charged", "account"), "clusters": ("prompts", "cluster")}  # the others stand in the order that they are kept in
_LONGEST = {"name": 80, "prose": 400}


def titles(what: str) -> list[str]:
    """Return what a listing can be sorted by."""
    return [column.title for column in COLUMNS[what] if column.kind != "hidden"]


def select(table: pa.Table, what: str, where: str | None = None, sort: str | None = None, *, reverse: bool = False) -> pa.Table:
    """Return the rows of a listing.

    Parameters
    ----------
    table : pyarrow.Table
        With the columns of ``COLUMNS[what]``.
    what : str
        Which listing it is.
    where : str, optional
        Only rows with this text in one of the columns shown, in upper or lower case; numbers are looked at as digits.
    sort : str, optional
        Title of a column, or the beginning of one: counts and measures largest first, others ascending, missing values last.
    reverse : bool
        The other way round.

    Raises
    ------
    ConfigError
        There is no such column.
    InputError
        The table has columns of the wrong type.
    """
    import pyarrow as pa

    order = (_title(what, sort),) if sort is not None else ORDERS.get(what, ())
    try:
        if where:
            table = table.filter(_holds(table, what, where))
        return _sorted(table, what, order, reverse)
    except pa.ArrowException:
        raise InputError(f"{what}.parquet has columns of the wrong type: it is damaged, or of another version; scan again") from None


def _title(what: str, sort: str) -> str:
    known = titles(what)
    found = [title for title in known if title.startswith(sort.strip().lower())]
    if sort in known:
        return sort
    if len(found) != 1:
        raise ConfigError(f"--sort is one of {', '.join(map(repr, known))} for {what}, not {one_line(sort, 60)!r}")
    return found[0]


def _holds(table: pa.Table, what: str, where: str) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    found: Any = pa.chunked_array([pa.repeat(False, len(table))])
    pattern = where.encode("utf-8", "replace").decode()
    for column in COLUMNS[what]:
        held = pc.match_substring(_values(table, column).cast(pa.large_string()), pattern, ignore_case=True)
        found = pc.or_(found, pc.fill_null(held, False))
    return found


def _values(table: pa.Table, column: Column) -> pa.ChunkedArray:
    """Return the values of a column, lists of words as one text each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = table[column.name]
    return pc.binary_join(values, ", ") if pa.types.is_list(values.type) or pa.types.is_large_list(values.type) else values


def _sorted(table: pa.Table, what: str, order: Sequence[str], reverse: bool) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not order:
        return table.take(pa.array(range(len(table) - 1, -1, -1), pa.int64())) if reverse else table
    columns = [column for title in order for column in COLUMNS[what] if column.title == title]
    keys = pa.table({column.title: _values(table, column) for column in columns})
    sides = [(column.title, "descending" if (column.kind in ("count", "measure")) != reverse else "ascending") for column in columns]
    return table.take(pc.sort_indices(keys, sort_keys=sides))


def listing(table: pa.Table, what: str, limit: int) -> Table:
    """Return the first `limit` rows as a table for the terminal."""
    from rich.text import Text

    columns = [column for column in COLUMNS[what] if column.kind != "hidden"]
    shown = plain_table(*((column.title, "left" if column.kind in _LONGEST else "right") for column in columns))
    for row in table.slice(0, limit).to_pylist():
        shown.add_row(*(_cell(column, row[column.name], Text) for column in columns))
    return shown


def _cell(column: Column, value: Any, text: Callable[..., Text]) -> Text:
    if column.kind == "prose":
        words = "–" if value is None else one_line(", ".join(map(str, value)) if isinstance(value, list) else str(value), _LONGEST["prose"])
        return text(words, no_wrap=True, overflow="ellipsis")
    if column.kind == "name":
        return text("–" if value is None else one_line(str(value), _LONGEST["name"]))
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return text("–")
    return text({"count": wording.count, "measure": wording.measured}.get(column.kind, str)(value))


def select_campaigns(campaigns: Sequence[Campaign], where: str | None = None, sort: str | None = None, *, reverse: bool = False) -> list[Campaign]:
    """Return those campaigns that :func:`select` chooses, also by what their templates and shared texts say, in its order."""
    rows = select(_campaign_rows(campaigns), "campaigns", where, sort, reverse=reverse)
    return [campaigns[i] for i in rows["at"].to_pylist()]


def _campaign_rows(campaigns: Sequence[Campaign]) -> pa.Table:
    import pyarrow as pa

    def clean(text: str | None) -> str:
        return (text or "").encode("utf-8", "replace").decode()

    tests = [wording.exchangeability(found) for found in campaigns]
    number, text = pa.float64(), pa.large_string()
    return pa.table({
        "at": pa.array(range(len(campaigns)), pa.int64()),
        "campaign_id": pa.array([clean(found.campaign_id) for found in campaigns], text),
        "capability": pa.array([clean(found.capability) for found in campaigns], text),
        "n_accounts": pa.array([found.n_accounts for found in campaigns], pa.int64()),
        "n_prompts": pa.array([found.n_prompts for found in campaigns], pa.int64()),
        "trace": pa.array([None if test is None else test.statistic for test in tests], number),
        "q": pa.array([None if test is None else test.q for test in tests], number),
        "coverage": pa.array([None if found.template is None else found.template.coverage for found in campaigns], number),
        "period": pa.array([clean(f"{found.first_seen} to {found.last_seen}") for found in campaigns], text),
        "text": pa.array([clean(found.template.text if found.template is not None else found.segment) for found in campaigns], text),
    })
