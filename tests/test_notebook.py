"""Results in a notebook: what is shown is escaped, complete in itself, and short; tables go where data frames are."""

from __future__ import annotations

import html as standard
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scan_fixture import make_scan
from test_report import HOSTILE, parse, structure

import fingerprint as fp
from fingerprint.matches import Match
from fingerprint.records import Campaign, Day, Scan
from fingerprint.stream.results import Clusters, Finding, Findings, Observation
from fingerprint.tracking import Change

START_US = 1_767_225_600_000_000
KEY = fp.Key(bytes(range(16)))


def timed(scan: Scan) -> Scan:
    days = [Day("2026-03-02", 8, 2), Day("2026-03-03", 4, 2)]
    return replace(scan, campaigns=[replace(found, timeline=days) for found in scan.campaigns])


def match_of(text: str, n: int = 3) -> Match:
    row = {"account_id": text, "named": True, "n_prompts": 30, "n_matched_prompts": 9, "share_of_traffic": 0.3, "share_of_set": 0.1, "expected": 0.2,
           "p_adjusted": 1e-9}
    accounts = pa.Table.from_pylist([*[row] * n, {**row, "named": False, "account_id": "other"}])
    return Match(accounts, pa.table({}), pa.table({"query": [1, 2]}), pa.table({}), {})


def observation_of(text: str, n: int = 3) -> Observation:
    sizes = np.arange(n, dtype=np.uint64)
    clusters = Clusters(sizes + np.uint64(7), sizes, np.ones(n, np.uint32))
    return Observation({"read": 4, "accepted": 3, "blank": 0, f"rejected:{text}": 1}, pa.array([text] * 3), np.arange(3), np.arange(3, dtype=np.uint64),
                       np.ones(3, np.float32), np.ones(3, np.uint32), np.array([True, False, True]), clusters)


def findings_of(campaigns: list[Campaign]) -> Findings:
    found = [Finding(f"f-{i:010x}", campaign, START_US) for i, campaign in enumerate(campaigns)]
    return Findings(found, [Change("f-0000000000", "new", START_US), Change("f-0000000001", "new", START_US), Change("f-0000000002", "gone", 1)], 3, START_US)


def everything(text: str | None = None) -> dict[str, str]:
    """What each result looks like; every text of the traffic is `text` where it is given."""
    scan = timed(make_scan((lambda shown: shown) if text is None else lambda _: text))
    word = "plain" if text is None else text
    if text is not None:
        kept = [replace(c, campaign_id=word, capability=word, reason=word, first_seen=word, last_seen=word, segment=word) for c in scan.campaigns]
        scan = replace(scan, campaigns=kept)
    bare = replace(scan.campaigns[2], template=None, segment=word)
    shown = {"scan": scan, "campaign": scan.campaigns[0], "bare": bare, "examined": scan.examined[0], "finding": Finding("f-0000000001", bare, START_US),
             "findings": findings_of(scan.campaigns), "match": match_of(word), "observation": observation_of(word)}
    return {name: one._repr_html_() for name, one in shown.items()}


PLAIN = everything()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_of_the_traffic_becomes_markup(text: str) -> None:
    for name, page in everything(text).items():
        assert structure(page) == structure(PLAIN[name]), name
        assert not parse(page).declarations and not set(page) & {"\x1b", "\x9b", "\x00", "\x07", "\u202e", "\u2066", "\u200b"}, name


def test_hostile_text_is_there_to_be_read() -> None:
    for name, page in everything("<b>alert</b>").items():
        assert "&lt;b&gt;alert&lt;/b&gt;" in page and "<b>alert" not in page, name


@pytest.mark.parametrize("name", PLAIN)
def test_it_needs_nothing_but_a_notebook(name: str) -> None:
    page = parse(PLAIN[name])
    assert {tag for tag, _ in page.tags} <= {
        sign + tag for tag in ("div", "span", "strong", "table", "tr", "th", "td", "details", "summary") for sign in ("", "/")}
    for _, attributes in page.tags:
        assert {key for key, _ in attributes} <= {"style", "class"}
    styles = " ".join(value or "" for _, attributes in page.tags for key, value in attributes if key == "style")
    assert "url(" not in styles and not re.search(r"(^|[;\s\"])(color|background)(?!:inherit)", styles), "colours are those of the notebook, light or dark"
    opened = [tag for tag, _ in page.tags if not tag.startswith("/")]
    closed = [tag[1:] for tag, _ in page.tags if tag.startswith("/")]
    assert sorted(opened) == sorted(closed)


def test_what_they_say() -> None:
    words = {
        "scan": ["89,463 rows read", "4 campaigns, 344 accounts", "c-007e41c9b2", "grading and rubrics", "█▄", "No group reported.", "9 other groups examined"],
        "campaign": ["c-007e41c9b2: reported", "214 accounts, 9,150 prompts charged", "curriculum designer", "exchangeability", "passed", "10 of 214",
                     "surgeons"],
        "bare": ["shared text", "plain"],
        "examined": ["examined, not reported", "personal trace 0.84", "failed"],
        "finding": ["f-0000000001, first found 2026-01-01 00:00", "c-027e41c9b2"],
        "findings": ["4 findings as of 2026-01-01 00:00; changes: 2 new, 1 gone", "f-0000000003", "code"],
        "match": ["3 accounts named; 1 other with matches", "30 %", "1e-9", "2 questions"],
        "observation": ["4 read, 3 accepted, 1 rejected:plain", "2 texts not seen before; 3 clusters", f"{9:016x}"]}
    for name, page in PLAIN.items():
        text = standard.unescape(" ".join("".join(f"{piece} " for piece in parse(page).text).split()))
        for word in words[name]:
            assert word in text, (name, word)


def test_large_results_stay_short() -> None:
    scan = make_scan(lambda text: text * 50)
    many = [replace(scan.campaigns[0], accounts=scan.campaigns[0].accounts * 100)] * 500
    for page in (replace(scan, campaigns=many)._repr_html_(), many[0]._repr_html_(), findings_of(many)._repr_html_(), match_of("x" * 10_000, 999)._repr_html_(),
                 observation_of("x", 5000)._repr_html_()):
        assert len(page) < 40_000
    assert "10 of 500" in replace(scan, campaigns=many)._repr_html_() and "10 of 21,400" in many[0]._repr_html_()
    assert "10 of 999" in match_of("x", 999)._repr_html_() and f"{5006:016x}" in observation_of("x", 5000)._repr_html_()


def test_nothing_found_is_said() -> None:
    empty = make_scan(n_campaigns=0, n_examined=0)
    assert "No campaign found." in replace(empty, manifest={**empty.manifest, "controls": None})._repr_html_()
    assert "0 findings as of –" in Findings()._repr_html_() and "<table" not in Findings()._repr_html_()
    assert "0 accounts named" in match_of("x", 0)._repr_html_()
    nothing = Observation({}, pa.array([], pa.string()), np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.float32), np.zeros(0, np.uint32),
                          np.zeros(0, bool), Clusters(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.uint32)))
    assert "no rows" in nothing._repr_html_()


def test_no_text_stays_no_text() -> None:
    scan = make_scan(text=False)
    bare = replace(scan.campaigns[0], template=None, representatives=[replace(r, prompt=None) for r in scan.campaigns[0].representatives])
    page = bare._repr_html_()
    assert "surgeons" not in page and "curriculum" not in page and "characters, text not kept" in page


def test_real_results_have_a_face() -> None:
    log = [{"account_id": f"a{i % 9}", "timestamp": i, "prompt": f"is {i} times {i + 7} an odd number, and why?"} for i in range(90)]
    scan = fp.scan(log, config=fp.ScanConfig(controls=False), key=KEY)
    found = fp.match([{"question": "who is the mayor of Casterbridge?"}], log, key=KEY)
    assert "90 rows read" in scan._repr_html_() and "0 accounts named" in found._repr_html_()


def test_the_face_is_loaded_when_it_is_looked_at() -> None:
    code = ("import sys, fingerprint, fingerprint.records, fingerprint.stream.results; "
            "print(*(name in sys.modules for name in ('fingerprint.report.notebook', 'fingerprint.stream.notebook', 'markupsafe', 'jinja2', 'rich')))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert set(done.stdout.split()) == {"False"}


# tables for data frames


class Protocol:
    """Only what the Arrow PyCapsule interface asks for."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("name", ["accounts", "clusters", "topics", "prompts", "rejects"])
def test_tables_go_through_the_arrow_interface(name: str) -> None:
    table = getattr(make_scan(), name)
    assert pa.table(Protocol(table)).equals(table)


def test_tables_become_data_frames_and_come_back() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    scan = make_scan()
    frame = scan.accounts.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame.columns) == scan.accounts.column_names and len(frame) == 644
    charged = frame[frame.campaign_id.notna()].groupby("campaign_id").n_attributed.sum()
    assert charged.to_dict() == {found.campaign_id: sum(a.n_attributed for a in found.accounts) for found in scan.campaigns}
    assert str(scan.clusters.to_pandas().first_seen.dtype).startswith("datetime64") and len(scan.prompts.to_pandas()) == 50


def test_tables_become_polars_frames() -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    scan = make_scan()
    frame = polars.DataFrame(scan.accounts)
    assert frame.shape == (644, 7) and frame["n_prompts"].sum() == sum(scan.accounts["n_prompts"].to_pylist())
