"""Two scans compared: every campaign is accounted for, who continues whom is what tracking says, and hostile text stays text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_fixture import make_scan

import fingerprint as fp
from fingerprint.cli import main
from fingerprint.comparison import KINDS, SCHEMA, Comparison, Difference, compare
from fingerprint.errors import InputError
from fingerprint.records import AccountCharge, Campaign, Scan
from fingerprint.report.files import load_scan, load_texts
from fingerprint.tracking import Sighting, track

MADE = make_scan()


def campaign(name: str, accounts: object, n_prompts: int = 100) -> Campaign:
    charges = [AccountCharge(f"acct-{i:03d}", 20, 10, 0.5, 0.9, 0.0) for i in accounts]  # type: ignore[attr-defined]
    return replace(MADE.campaigns[0], campaign_id=name, accounts=charges, n_accounts=len(charges), n_prompts=n_prompts)


def scan_of(*campaigns: Campaign, key_id: str = "9c1f03aa") -> Scan:
    return replace(MADE, campaigns=list(campaigns), manifest={**MADE.manifest, "key_id": key_id})


def kinds(found: Comparison) -> list[tuple[str, str | None, str | None]]:
    return [(one.kind, one.before and one.before.campaign_id, one.after and one.after.campaign_id) for one in found.differences]


def diff(tmp_path: Path, before: Scan, after: Scan, *more: str, code: int = 0) -> str:
    before.save(tmp_path / "before")
    after.save(tmp_path / "after")
    result = CliRunner().invoke(main, ["diff", str(tmp_path / "before"), str(tmp_path / "after"), *more], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_every_kind_of_change() -> None:
    before = scan_of(campaign("c-same", range(100, 120)), campaign("c-small", range(20)), campaign("c-large", range(200, 260)),
                     campaign("c-one", range(300, 310)), campaign("c-other", range(310, 330)), campaign("c-whole", range(400, 440)),
                     campaign("c-gone", range(500, 510)), campaign("c-mover", range(600, 620)))
    after = scan_of(campaign("c-same2", range(100, 120), 130), campaign("c-grown", range(50)), campaign("c-less", range(200, 240)),
                    campaign("c-both", range(300, 330)), campaign("c-part1", range(400, 425)), campaign("c-part2", range(425, 440)),
                    campaign("c-moved", range(610, 630)), campaign("c-new", range(700, 710)))
    found = compare(before, after)
    assert kinds(found) == [
        ("new", None, "c-new"), ("split", None, "c-part2"), ("merged", "c-other", "c-both"), ("moved", "c-mover", "c-moved"), ("grown", "c-small", "c-grown"),
        ("shrunk", "c-large", "c-less"), ("shrunk", "c-whole", "c-part1"), ("gone", "c-gone", None), ("same", "c-same", "c-same2")]
    related = {one.kind: one.related for one in found.differences if one.related}
    assert related == {"split": ("c-whole",), "merged": ("c-one",)}
    grown, moved, gone = (found.of_kind(kind)[0] for kind in ("grown", "moved", "gone"))
    assert grown.came == [f"acct-{i:03d}" for i in range(20, 50)] and grown.went == []
    assert (moved.came[0], moved.went[0], len(moved.came), len(moved.went)) == ("acct-620", "acct-600", 10, 10)
    assert gone.came == [] and len(gone.went) == 10


def test_accounts_that_were_all_replaced_are_known_by_texts_under_one_key() -> None:
    before, after = scan_of(campaign("c-1", range(20))), scan_of(campaign("c-2", range(50, 90)))
    texts = {"c-1": np.arange(100, dtype=np.uint64)[::-1].copy()}, {"c-2": np.arange(30, 130, dtype=np.uint64)}
    assert [kind for kind, *_ in kinds(compare(before, after))] == ["new", "gone"]
    found = compare(before, after, texts)
    assert found.by_texts and kinds(found) == [("moved", "c-1", "c-2")]
    other_key = replace(after, manifest={**after.manifest, "key_id": "00000000"})
    other_scheme = replace(after, manifest={**after.manifest, "sketch": {"scheme": "fp-minhash-2"}})
    for other in (other_key, other_scheme):
        refused = compare(before, other, texts)
        assert not refused.by_texts and [kind for kind, *_ in kinds(refused)] == ["new", "gone"], "hashes under another key mean nothing"


def test_nothing_and_nothing() -> None:
    assert compare(scan_of(), scan_of()).differences == []
    assert kinds(compare(scan_of(), scan_of(campaign("c-1", range(9))))) == [("new", None, "c-1")]
    assert kinds(compare(scan_of(campaign("c-1", range(9))), scan_of())) == [("gone", "c-1", None)]
    assert kinds(compare(scan_of(campaign("c-1", [])), scan_of(campaign("c-1", [])))) == [("new", None, "c-1"), ("gone", "c-1", None)], "nobody is nobody"


SETS = st.lists(st.sets(st.integers(0, 40), min_size=1, max_size=25), max_size=5)


@settings(max_examples=150, deadline=None)
@given(SETS, SETS)
def test_any_two_scans_are_compared_as_tracking_does(first: list[set[int]], second: list[set[int]]) -> None:
    before, after = (scan_of(*(campaign(f"c-{part}{i}", sorted(one)) for i, one in enumerate(sets))) for part, sets in ((1, first), (2, second)))
    found = compare(before, after)
    sightings = [[Sighting.of(c.campaign_id, np.array([hash(a.account_id) % 2**64 for a in c.accounts], np.uint64), np.zeros(0, np.uint64), c.n_prompts)
                  for c in scan.campaigns] for scan in (before, after)]
    known, _ = track([], sightings[0], 1, 1)
    _, changes = track(known, sightings[1], 2, 1)
    assert sorted(one.kind for one in found.differences if one.kind != "same") == sorted(change.kind for change in changes)
    assert sorted(one.after.campaign_id for one in found.differences if one.after) == sorted(c.campaign_id for c in after.campaigns)
    ended = [name for one in found.differences for name in (one.related if one.kind == "merged" else ())]
    assert sorted([one.before.campaign_id for one in found.differences if one.before] + ended) == sorted(c.campaign_id for c in before.campaigns)
    assert [KINDS.index(one.kind) for one in found.differences] == sorted(KINDS.index(one.kind) for one in found.differences)
    for one in found.differences:
        had, has = ({a.account_id for a in c.accounts} if c else set() for c in (one.before, one.after))
        assert (set(one.came), set(one.went)) == (has - had, had - has) and (one.kind != "same" or had == has)


def test_the_command_prints_a_table_and_ends_with_0(tmp_path: Path) -> None:
    before, after = scan_of(campaign("c-1", range(20)), campaign("c-9", range(30, 40))), scan_of(campaign("c-2", range(5, 45), 4000), key_id="11111111")
    shown = diff(tmp_path, before, after)
    for words in ("1 merged", "20 → 40", "100 → 4,000", "+25", "−5", "acct-020", "and 20 more", "has taken in", "c-9", "different keys, 9c1f03aa and 11111111"):
        assert words in shown, words
    assert "acct-004" in diff(tmp_path, before, after, "--limit", "50") and "acct-0" not in diff(tmp_path, before, after, "--limit", "0")
    assert "No campaign in either scan" in diff(tmp_path, scan_of(), scan_of())


def test_json_is_one_strict_document(tmp_path: Path) -> None:
    document = json.loads(diff(tmp_path, scan_of(campaign("c-1", range(20))), scan_of(campaign("c-2", range(300)), key_id="11111111"), "--json"))
    assert document["schema"] == SCHEMA == "fp-diff-1" and document["counts"] == {**dict.fromkeys(KINDS, 0), "grown": 1} and document["by_texts"] is False
    (change,) = document["changes"]
    assert (change["kind"], change["campaign_id_before"], change["campaign_id"]) == ("grown", "c-1", "c-2")
    assert (change["n_accounts_before"], change["n_accounts"], len(change["came"]), change["went"]) == (20, 300, 280, []), "JSON holds all accounts"
    assert set(document["before"]) == {"created", "period", "key_id", "campaigns", "accounts", "prompts"}


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "\x1b[2J", "\u202egnp", "[bold]x[/bold]", "two\nlines\r", "\x00"])
def test_hostile_names_stay_text(text: str, tmp_path: Path) -> None:
    before, after = (make_scan(lambda shown, end=end: f"{shown[:40]}{text}{end}") for end in "ab")
    about = {"created": text, "period": {"first": text, "last": None}, "key_id": text}
    after = replace(after, campaigns=[replace(c, campaign_id=f"c-{text}", capability=text) for c in after.campaigns], manifest={**after.manifest, **about})
    shown = diff(tmp_path, before, after)
    assert not set(shown) & {"\x1b", "\x07", "\x00", "\u202e", "\r"} and "4 new, 4 gone" in shown
    assert diff(tmp_path, before, after, "--json").isascii()


def test_kept_sketches_are_used(tmp_path: Path) -> None:
    before, after = scan_of(campaign("c-1", range(20))), scan_of(campaign("c-2", range(50, 90)))
    assert json.loads(diff(tmp_path, before, after, "--json"))["counts"]["gone"] == 1
    (tmp_path / "before" / "sketches.parquet").unlink(missing_ok=True)
    assert load_texts(tmp_path / "before") is None
    for folder, name, start in (("before", "c-1", 0), ("after", "c-2", 20)):
        rows = pa.table({"campaign_id": [name] * 80 + [None], "exact": pa.array([*range(start + 79, start - 1, -1), 7], pa.uint64())})
        pq.write_table(rows, tmp_path / folder / "sketches.parquet", row_group_size=30)
    texts = load_texts(tmp_path / "after")
    assert texts is not None and list(texts) == ["c-2"] and texts["c-2"].tolist() == list(range(20, 100))
    result = CliRunner().invoke(main, ["diff", str(tmp_path / "before"), str(tmp_path / "after"), "--json"])
    assert json.loads(result.stdout)["counts"]["moved"] == 1 and json.loads(result.stdout)["by_texts"] is True


@pytest.mark.parametrize("rows", [{"campaign_id": ["c"], "exact": ["x"]}, {"campaign_id": [1], "exact": pa.array([1], pa.uint64())}, {"exact": [1]},
                                  {"campaign_id": ["c"], "exact": pa.array([None], pa.uint64())}])
def test_damaged_sketches_are_an_input_error(rows: dict[str, object], tmp_path: Path) -> None:
    pq.write_table(pa.table(rows), tmp_path / "sketches.parquet")
    with pytest.raises(InputError, match=r"sketches\.parquet"):
        load_texts(tmp_path)


def test_tables_that_nobody_asked_for_are_not_read(tmp_path: Path) -> None:
    MADE.save(tmp_path)
    for name in ("prompts", "accounts"):
        (tmp_path / f"{name}.parquet").write_bytes(b"damaged")
    read = load_scan(tmp_path, tables=("clusters",))
    assert len(read.clusters) == len(MADE.clusters) and len(read.prompts) == len(read.accounts) == 0 and "account_id" in read.accounts.column_names
    with pytest.raises(InputError, match="prompts"):
        load_scan(tmp_path, tables=("prompts",))


def test_it_is_a_name_of_the_package() -> None:
    assert fp.compare is compare and isinstance(fp.compare(MADE, MADE).differences[0], Difference)
