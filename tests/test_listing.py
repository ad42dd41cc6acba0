"""What ``fingerprint show`` lists: the right rows in the right order, in the width there is, and nothing in them is obeyed."""

from __future__ import annotations

import io
import json
import math
import re
import unicodedata
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from scan_fixture import make_scan

from fingerprint.cli import main
from fingerprint.errors import ConfigError, InputError
from fingerprint.records import Campaign, Day, Scan
from fingerprint.report import terminal
from fingerprint.report.listing import COLUMNS, listing, select, select_campaigns, titles
from fingerprint.report.timeline import ASCII_BARS, BARS, per_bar, sparkline, time_line

MADE = make_scan()
DAYS = [Day("2026-03-02", 8, 2), Day("2026-03-03", 4, 2), Day("2026-03-05", 1, 1)]
TABLES = [what for what in COLUMNS if what != "campaigns"]


def show(out: Path, *arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["show", str(out), *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def printed(scan: Scan, width: int, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding, errors="backslashreplace")
    to = Console(file=file, markup=False, emoji=False, highlight=False, width=width)
    terminal.print_summary(scan, to, strongest=9)
    for what in TABLES:
        to.print(listing(select(getattr(scan, what), what), what, 9))
    file.flush()
    return file.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


def write_days(out: Path, days: list[Day]) -> None:
    """Give the campaigns of a folder other days than a scan would write."""
    document = json.loads((out / "campaigns.json").read_text())
    for found in document["campaigns"]:
        found.update(timeline=[asdict(day) for day in days], lanes=[])  # which number the days
    (out / "campaigns.json").write_text(json.dumps(document))


def with_days(scan: Scan, days: list[Day]) -> Scan:
    return replace(scan, campaigns=[replace(found, timeline=days) for found in scan.campaigns])


NAMES = st.text(max_size=4).filter(lambda text: text.isprintable())
ACCOUNTS = st.lists(st.tuples(NAMES, st.sampled_from([None, "c-1", "C-2"]), st.integers(0, 30), st.integers(0, 9), st.sampled_from([0.0, 0.5, math.nan, 1.0])),
                    max_size=12)


@settings(max_examples=150, deadline=None)
@given(ACCOUNTS, st.sampled_from([None, "", "c-", "1", "ß", "É", "%", "\\", "."]), st.sampled_from([None, *titles("accounts")]), st.booleans())
def test_rows_are_those_that_a_loop_would_choose(rows: list[tuple[str, str | None, int, int, float]], where: str | None, sort: str | None,
                                                 reverse: bool) -> None:
    names = [column.name for column in COLUMNS["accounts"]]
    types = [pa.string(), pa.string(), pa.int64(), pa.int64(), pa.float64()]
    table = pa.table({name: pa.array([row[i] for row in rows], kind) for i, (name, kind) in enumerate(zip(names, types, strict=True))})
    found = select(table, "accounts", where, sort, reverse=reverse)
    kept = [row for row in rows if not where or any(where.lower() in str(value).lower() for value in row[:4] if value is not None) or where in f"{row[4]:g}"]
    assert sorted(map(repr, kept)) == sorted(repr(tuple(row.values())) for row in found.to_pylist())
    if sort is not None:
        at = titles("accounts").index(sort)
        values = [tuple(row.values())[at] for row in found.to_pylist()]
        missing = [value is None or (isinstance(value, float) and math.isnan(value)) for value in values]
        assert missing == sorted(missing), "missing values stand last"
        held = [value for value, none in zip(values, missing, strict=True) if not none]
        assert held == sorted(held, reverse=(at >= 2) != reverse, key=lambda v: v.encode() if isinstance(v, str) else v)


def test_the_usual_orders() -> None:
    charged = select(MADE.accounts, "accounts")["n_attributed"].to_pylist()
    assert charged == sorted(charged, reverse=True)
    assert select(MADE.rejects, "rejects").equals(MADE.rejects) and select(MADE.rejects, "rejects", reverse=True)["line"].to_pylist() == [40001, 912, 17]
    assert select(MADE.topics, "topics", "hospital")["topic"].to_pylist() == [i for i in range(30) if i % 4 == 0], "words are searched"
    assert select(MADE.topics, "topics", sort="telling")["words"][0].as_py()[0] == "A"
    assert len(select(MADE.clusters.slice(0, 0), "clusters", "x", "prompts")) == 0


def test_campaigns_are_found_by_what_is_shown_and_by_their_templates() -> None:
    def ids(**options: object) -> list[str]:
        return [found.campaign_id[:4] for found in select_campaigns(MADE.campaigns, **options)]  # type: ignore[arg-type]

    assert ids() == ["c-00", "c-01", "c-02", "c-03"] and ids(reverse=True) == ids()[::-1]
    assert ids(where="GRADING") == ["c-01"] and ids(where="curriculum DESIGNER") == ["c-00"] and ids(where="nowhere") == []
    assert ids(sort="accounts", reverse=True) == ["c-03", "c-02", "c-01", "c-00"] and ids(sort="targets") == ["c-03", "c-01", "c-00", "c-02"]
    assert ids(sort="q", reverse=True) == ids() and ids(sort="personal")[0] == max(MADE.campaigns, key=lambda c: c.tests[0].statistic).campaign_id[:4]
    assert select_campaigns([]) == [] and select_campaigns([], "x", "q") == []


@pytest.mark.parametrize("sort", ["nothing", "", "p", "\x1b[31m"])
def test_unknown_and_unclear_columns_name_those_there_are(sort: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="personal trace"):
        select_campaigns(MADE.campaigns, sort=sort)
    MADE.save(tmp_path)
    told = show(tmp_path, "--sort", sort, code=2).stderr
    assert "'campaign', 'targets'" in told and "\x1b" not in told


def test_tables_of_another_type_are_refused() -> None:
    odd = pa.table({"account_id": [{"a": 1}], "campaign_id": [None], "n_prompts": ["x"], "n_attributed": [[1]], "score": [b"\xff"]})
    for options in ({}, {"where": "x"}, {"sort": "charged"}):
        with pytest.raises(InputError, match="wrong type"):
            select(odd, "accounts", **options)  # type: ignore[arg-type]
    Console(file=io.StringIO()).print(listing(odd, "accounts", 5))


def test_the_command_filters_sorts_and_says_how_many(tmp_path: Path) -> None:
    MADE.save(tmp_path)
    shown = show(tmp_path, "accounts", "--where", "USER-00", "--sort", "prompts", "--limit", 3)
    assert "3 of 100; more with --limit" in shown.stdout and "100 of 644 hold the text" in shown.stdout
    rows = json.loads(show(tmp_path, "accounts", "--where", "USER-00", "--sort", "prompts", "--limit", 3, "--json").stdout)["accounts"]
    assert [row["n_prompts"] for row in rows] == [51, 51, 50] and all(row["account_id"].startswith("user-00") for row in rows)
    document = json.loads(show(tmp_path, "--where", "rubric", "--json").stdout)
    assert [found["capability"] for found in document["campaigns"]] == ["grading and rubrics"] and len(document["examined"]) == 9
    text = show(tmp_path, "--where", "rubric").stdout
    assert "1 of 4 campaigns" in text and "4 campaigns, 344 accounts" in text and "instruction synthesis" not in text
    assert "0 of 4 campaigns" in show(tmp_path, "--where", "\udcff").stdout


def test_only_what_is_shown_is_read(tmp_path: Path) -> None:
    MADE.save(tmp_path)
    (tmp_path / "prompts.parquet").write_bytes(b"damaged")
    for what in COLUMNS:
        show(tmp_path, what)
    (tmp_path / "topics.parquet").write_bytes(b"damaged")
    assert "topics.parquet" in show(tmp_path, "topics", code=2).stderr


@pytest.mark.parametrize("width", [80, 140, 165])
def test_tables_fit_the_terminal(width: int) -> None:
    text = printed(with_days(MADE, DAYS), width)
    lines = [line for line in text.splitlines() if not line.startswith("Report: ")]
    assert max(map(len, lines)) <= width
    assert "c-007e41c9b2" in text and "instruction synthesis" in text and ("time line" in text) == (width >= terminal.OTHERS + terminal.LEAST_LINE)
    prose = [line.rstrip() for line in lines if re.match(r" +\d+ +\d+ +\d+ +A hospital", line)]
    assert len(prose) == 3 and all(line.endswith("…") for line in prose) and not any("of reasoning first" in line for line in prose), "cut, not folded"
    assert all(row["account_id"] in text for row in select(MADE.accounts, "accounts").slice(0, 9).to_pylist()), "names are whole"


HOSTILE = ["\x1b]0;owned\x07", "\x1b[2J\x1b[31m", "\x9b31m", "\u202egnp", "[bold red]x[/bold red]", "two\r\nlines", "\x00", "a" + "\u0301" * 500,
           "tag\U000e0041"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_any_column_is_shown_and_not_obeyed(text: str, tmp_path: Path) -> None:
    made = make_scan(lambda shown: f"{shown[:30]}{text}")
    campaigns = [replace(c, campaign_id=f"c-{i}{text}", capability=text, reason=text, first_seen=text, last_seen=text, segment=text)
                 for i, c in enumerate(made.campaigns)]
    accounts = made.accounts.set_column(1, "campaign_id", pa.array([text] * len(made.accounts)))
    replace(made, campaigns=[*campaigns, replace(campaigns[0], template=None)], accounts=accounts).save(tmp_path)
    write_days(tmp_path, [replace(day, date=text) for day in DAYS])
    for what in COLUMNS:
        for more in ((), ("--where", text.partition("\r")[0])):
            output = show(tmp_path, what, *more).stdout
            assert all(ch == "\n" or unicodedata.category(ch) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for ch in output), what
    assert len(show(tmp_path, "campaigns", "--where", text[:5]).stdout.split("c-0")) > 1
    if "bold" in text:
        assert text in show(tmp_path, "campaigns").stdout


# time lines


def campaign(days: list[Day]) -> Campaign:
    return replace(MADE.campaigns[0], timeline=days)


def test_a_bar_a_day() -> None:
    assert sparkline(campaign(DAYS), 20) == "█▄ ▁" and sparkline(campaign(DAYS), 20, ascii_only=True) == "@= ."
    assert time_line(campaign(DAYS)) == "2026-03-02 █▄ ▁ 2026-03-05, at most 8"
    assert time_line(campaign(DAYS), 2) == "2026-03-02 █▁ 2026-03-05, at most 12 in 2 days" and len(BARS) == len(ASCII_BARS)
    assert time_line(campaign(DAYS[::-1])) == time_line(campaign(DAYS)), "in any order"


@given(st.lists(st.tuples(st.dates(), st.integers(0, 10**12)), max_size=20), st.integers(1, 100))
def test_bars_hold_every_prompt(days: list[tuple[object, int]], most: int) -> None:
    found = campaign([Day(str(day), n, 1) for day, n in days])
    sums, _ = per_bar(found, most)
    assert sum(sums) == sum(n for _, n in days) and len(sums) <= most
    line = sparkline(found, most)
    assert len(line) == (len(sums) if any(sums) else 0)
    assert [ch != " " for ch in line] == [n > 0 for n in sums][: len(line)], "something is never shown as nothing"


@pytest.mark.parametrize("days", [[], [Day("2026-03-02", 0, 0)], [Day("yesterday", 4, 1)], [Day("2026-03-02", -4, 1)], [Day("\x1b[31m", 4, 1), *DAYS]])
def test_no_time_line_where_there_is_none(days: list[Day]) -> None:
    assert sparkline(campaign(days), 20) == time_line(campaign(days)) == ""


def test_a_terminal_without_block_characters_gets_ascii(tmp_path: Path) -> None:
    scan = with_days(MADE, DAYS)
    plain, blocks = printed(scan, 140, "ascii"), printed(scan, 140)
    assert "@= ." in plain and "█▄ ▁" in blocks and not re.search(r"\\u25[89]", plain)
    MADE.save(tmp_path)
    write_days(tmp_path, DAYS)
    assert "█▄ ▁" in show(tmp_path).stdout
