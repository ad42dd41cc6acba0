"""Exports: valid by the libraries of their formats, the same bytes every time, and nothing in them that was not asked for."""

from __future__ import annotations

import csv
import io
import json
import stat
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import stix2
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from scan_fixture import make_scan

import fingerprint as fp
from fingerprint.bundles import EXTENSION_ID, Sketches
from fingerprint.cli import main
from fingerprint.errors import ConfigError, InputError
from fingerprint.exports import FORMATS, NAMES, export
from fingerprint.exports.content import NAMESPACE, content_of, pseudonyms
from fingerprint.exports.csvs import ACCOUNT_COLUMNS, CAMPAIGN_COLUMNS, cell, write_csv
from fingerprint.exports.stix import PROPERTIES
from fingerprint.records import Scan, no_sketches

SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
NUM_PERM = 128


def with_sketches(scan: Scan, n: int = 40) -> Scan:
    rng = np.random.default_rng(1)
    parts = [no_sketches()]
    for one in scan.campaigns:
        values = [None if i % 7 == 0 else rng.bytes(NUM_PERM) for i in range(n)]
        parts.append(pa.table({"campaign_id": [one.campaign_id] * n, "exact": np.sort(rng.integers(1, 1 << 63, n, np.uint64)),
                               "values": pa.array(values, pa.binary(NUM_PERM)), "n_prompts": rng.integers(1, 9, n)}).cast(parts[0].schema))
    manifest = {**scan.manifest, "sketch": {"scheme": "fp-sketch-1", "num_perm": NUM_PERM, "ngram": 5}}
    return replace(scan, sketches=pa.concat_tables(parts), manifest=manifest)


@pytest.fixture(scope="module")
def scan() -> Scan:
    return with_sketches(make_scan(lambda text: f"canary {text}"))


@pytest.fixture(scope="module")
def bare() -> Scan:
    """A scan with neither text nor findings' sketches changed by ``--no-text``."""
    return with_sketches(make_scan(text=False))


def texts(exported: dict[str, bytes]) -> str:
    return "".join(data.decode() for data in exported.values())


# all formats


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("names", NAMES)
def test_the_same_scan_gives_the_same_bytes(form: str, names: str, scan: Scan, key: fp.Key, tmp_path: Path) -> None:
    scan.save(tmp_path / "out")
    first = export(scan, form, names=names, key=key)
    assert first == export(fp.load_scan(tmp_path / "out"), form, names=names, key=key)


@pytest.mark.parametrize("form", FORMATS)
def test_neither_ids_nor_text_go_out_unless_asked_for(form: str, scan: Scan, key: fp.Key) -> None:
    def written(**options: Any) -> str:
        return texts(export(scan, form, key=key, **options))

    ids = [one.account_id for c in scan.campaigns for one in c.accounts]
    hidden = written()
    assert "canary" not in hidden and not any(one.removeprefix("canary ") in hidden for one in ids)
    name = pseudonyms(key)
    assert all(name(one) in hidden for one in ids)
    assert ids[0] in written(names="plain") and "curriculum" not in written(names="plain")
    shown = written(text=True)
    assert "curriculum designer" in shown and "hospital rotates" in shown
    assert not any(one.removeprefix("canary ") in shown for one in ids)


@pytest.mark.parametrize("form", FORMATS)
def test_scans_without_text_and_without_findings_are_exported(form: str, bare: Scan, key: fp.Key) -> None:
    assert all(export(bare, form, key=key).values())
    with pytest.raises(ConfigError, match="--no-text"):
        export(bare, form, key=key, text=True)
    nothing = export(with_sketches(make_scan(n_campaigns=0)), form, key=key)
    if form == "stix":
        assert {one["type"] for one in stix2.parse(nothing["bundle.json"].decode()).objects} == {"identity", "attack-pattern", "extension-definition"}
    elif form == "misp":
        assert json.loads(nothing["event.json"])["Event"]["Object"] == []
    else:
        assert texts(nothing).count("\n") == (2 if form == "csv" else 0)


def test_pseudonyms_tell_accounts_apart_under_one_key_and_nothing_without(key: fp.Key) -> None:
    ours, theirs = pseudonyms(key), pseudonyms(fp.Key(bytes(16)))
    names = [f"user-{i}" for i in range(1000)]
    assert len({ours(name) for name in names}) == 1000 and ours("a") == pseudonyms(key)("a") and not {map(ours, names)} & {map(theirs, names)}
    assert ours("\ud800") != ours("?") and ours("a") != "p-" + key.derive("pseudonyms").material.hex()


def test_findings_are_chosen_and_wrong_options_named(scan: Scan, key: fp.Key) -> None:
    wanted = scan.campaigns[2].campaign_id
    lines = export(scan, "ocsf", key=key, campaigns=[wanted])["findings.jsonl"].splitlines()
    assert [json.loads(line)["unmapped"]["campaign_id"] for line in lines] == [wanted]
    for options, message in (({"campaigns": ["c-no"]}, "fingerprint show"), ({"names": "ids"}, "pseudonyms or plain"), ({"sketches": -1}, "0 or more")):
        with pytest.raises(ConfigError, match=message):
            export(scan, "stix", key=key, **options)
    with pytest.raises(ConfigError, match="stix, misp, ocsf or csv"):
        export(scan, "xml", key=key)
    with pytest.raises(InputError, match="scan again"):
        export(replace(scan, sketches=no_sketches()), "stix", key=key)
    with pytest.raises(InputError, match="manifest"):
        export(replace(scan, sketches=no_sketches(64)), "stix", key=key)
    broken = replace(scan, campaigns=[replace(scan.campaigns[0], first_seen="yesterday")])
    with pytest.raises(InputError, match="yesterday"):
        export(broken, "misp", key=key)


# STIX


@pytest.fixture(scope="module")
def bundle(scan: Scan, key: fp.Key) -> Any:
    return stix2.parse(export(scan, "stix", key=key)["bundle.json"].decode(), allow_custom=False)


def of_type(bundle: Any, kind: str) -> list[Any]:
    return [one for one in bundle.objects if one["type"] == kind]


def test_a_bundle_is_valid_and_comes_back_as_it_was(bundle: Any, scan: Scan, key: fp.Key) -> None:
    raw = export(scan, "stix", key=key)["bundle.json"].decode()
    assert stix2.parse(bundle.serialize()) == bundle and bundle.serialize(indent=1) + "\n" == raw and raw.isascii()
    ids = [one["id"] for one in bundle.objects]
    assert len(set(ids)) == len(ids)
    for one in bundle.objects:
        assert isinstance(one, dict) is False and uuid.UUID(one["id"].split("--")[1]).version == 5
        known = {value for name in one if name.endswith("_ref") for value in [one[name]]} | {v for name in one if name.endswith("_refs") for v in one[name]}
        assert known <= set(ids)


def test_a_bundle_tells_accounts_times_counts_and_technique(bundle: Any, scan: Scan, key: fp.Key) -> None:
    name, campaigns = pseudonyms(key), {one["name"]: one for one in of_type(bundle, "campaign")}
    assert list(campaigns) == [one.campaign_id for one in scan.campaigns]
    sightings = {one["sighting_of_ref"]: one for one in of_type(bundle, "sighting")}
    observed, accounts = ({one["id"]: one for one in of_type(bundle, kind)} for kind in ("observed-data", "user-account"))
    technique = of_type(bundle, "attack-pattern")[0]
    assert [one["external_id"] for one in technique["external_references"]] == ["AML.T0024.002", "AML.T0024"]
    uses = {(one["source_ref"], one["relationship_type"], one["target_ref"]) for one in of_type(bundle, "relationship")}
    for one in scan.campaigns:
        found = campaigns[one.campaign_id]
        seen = sightings[found["id"]]
        told = [(accounts[observed[ref]["object_refs"][0]]["user_id"], observed[ref]["number_observed"]) for ref in seen["observed_data_refs"]]
        assert told == [(name(a.account_id), a.n_attributed) for a in one.accounts] and seen["count"] == one.n_prompts
        assert found["first_seen"].isoformat() == one.first_seen and observed[seen["observed_data_refs"][0]]["last_observed"].isoformat() == one.last_seen
        assert (found["id"], "uses", technique["id"]) in uses
    assert {one["account_type"] for one in accounts.values()} == {"llm-api"}
    assert all("exchangeability" in one["content"] and "people with one interest" in one["content"] for one in of_type(bundle, "note"))


def test_sketches_stand_in_the_extension_that_its_definition_describes(bundle: Any, scan: Scan, key: fp.Key) -> None:
    definition = of_type(bundle, "extension-definition")[0]
    assert definition["id"] == EXTENSION_ID == f"extension-definition--{uuid.uuid5(NAMESPACE, 'extension-definition fp-sketches-1')}"
    held = [one["extensions"][EXTENSION_ID] for one in of_type(bundle, "campaign")]
    assert {frozenset(one) for one in held} == {frozenset(PROPERTIES)} == {frozenset(json.loads(definition["schema"])["required"])}
    few = stix2.parse(export(scan, "stix", key=key, sketches=3)["bundle.json"].decode())
    smallest = Sketches.of(scan, scan.campaigns[0].campaign_id, 3)
    assert of_type(few, "campaign")[0]["extensions"][EXTENSION_ID]["exact"] == smallest.to_dict()["exact"] and len(smallest) == 3
    assert smallest.exact.tolist() == sorted(scan.sketches["exact"].to_pylist()[:40])[:3] and smallest.signed.tolist() == [False, True, True]
    none = stix2.parse(export(scan, "stix", key=key, sketches=0)["bundle.json"].decode())
    assert not of_type(none, "extension-definition") and all("extensions" not in one for one in of_type(none, "campaign"))


def test_another_scan_of_the_same_content_is_a_later_version(scan: Scan, key: fp.Key) -> None:
    later = replace(scan, manifest={**scan.manifest, "created": "2026-05-01T00:00:00Z"})
    before, after = (stix2.parse(export(one, "stix", key=key)["bundle.json"].decode()) for one in (scan, later))
    assert [one["id"] for one in before.objects] == [one["id"] for one in after.objects]
    pairs = [(one, other) for one, other in zip(before.objects, after.objects, strict=True) if one["type"] == "campaign"]
    assert all(one["created"] == other["created"] and one["modified"] < other["modified"] for one, other in pairs)
    odd = replace(scan, campaigns=[replace(scan.campaigns[0], first_seen="2199-01-01T00:00:00Z", last_seen="", accounts=[])])
    assert of_type(stix2.parse(export(odd, "stix", key=key)["bundle.json"].decode()), "campaign")


# MISP and OCSF


def test_an_event_has_what_misp_asks_for(scan: Scan, key: fp.Key) -> None:
    event = json.loads(export(scan, "misp", key=key)["event.json"])["Event"]
    assert {"uuid", "info", "date", "timestamp", "analysis", "threat_level_id", "distribution", "Orgc", "Object", "Attribute"} <= set(event)
    assert event["published"] is False and event["distribution"] == "0" and event["date"] == "2026-03-30"
    objects = event["Object"]
    assert [one["name"] for one in objects].count("ai-chat-prompt") == 4
    required = {"ai-chat-prompt": "prompt", "user-account": "user-id"}
    ids = [event["uuid"], *(a["uuid"] for a in event["Attribute"])]
    for one in objects:
        assert required[one["name"]] in {a["object_relation"] for a in one["Attribute"]} and one["meta-category"] == "misc"
        assert all({"uuid", "type", "category", "value", "object_relation"} <= set(a) and a["to_ids"] is False and a["value"] for a in one["Attribute"])
        ids += [one["uuid"], *(a["uuid"] for a in one["Attribute"]), *(r["uuid"] for r in one["ObjectReference"])]
    assert len(set(ids)) == len(ids) and all(uuid.UUID(one).version == 5 for one in ids)
    own = {one["uuid"]: one["name"] for one in objects}
    assert all(own[r["referenced_uuid"]] == "ai-chat-prompt" and r["object_uuid"] == one["uuid"] for one in objects for r in one["ObjectReference"])
    hashes = [a["value"] for a in objects[0]["Attribute"] if a["object_relation"] == "prompt"]
    assert hashes == [f"fp-sketch-1/9c1f03aa/{h:016x}" for h in scan.sketches["exact"].to_pylist()[:12]]
    none = json.loads(export(replace(scan, sketches=no_sketches()), "misp", key=key)["event.json"])["Event"]["Object"]
    assert none[0]["Attribute"][0]["value"] == f"fp-sketch-1/9c1f03aa/{scan.campaigns[0].campaign_id}"


# Names of OCSF 1.8.0: classes detection_finding, finding and base_event; objects finding_info and evidences.
EVENT = {"metadata", "category_uid", "category_name", "class_uid", "class_name", "activity_id", "activity_name", "type_uid", "type_name", "severity_id",
         "severity", "status_id", "status", "is_alert", "time", "start_time", "end_time", "message", "finding_info", "evidences", "unmapped"}
REQUIRED = {"metadata", "category_uid", "class_uid", "activity_id", "type_uid", "severity_id", "time", "finding_info"}
FINDING_INFO = {"uid", "title", "desc", "types", "created_time", "first_seen_time", "last_seen_time", "related_events_count", "product", "analytic", "attacks"}


def test_a_line_is_an_ocsf_detection_finding(scan: Scan, key: fp.Key) -> None:
    lines = export(scan, "ocsf", key=key, text=True)["findings.jsonl"].decode().splitlines()
    assert len(lines) == len(scan.campaigns)
    for line, one in zip(lines, scan.campaigns, strict=True):
        found = json.loads(line)
        assert REQUIRED <= set(found) <= EVENT and set(found["finding_info"]) <= FINDING_INFO and found["finding_info"]["uid"]
        assert (found["class_uid"], found["category_uid"], found["type_uid"]) == (2004, 2, found["class_uid"] * 100 + found["activity_id"])
        assert found["metadata"]["version"] == "1.8.0" and {"name", "vendor_name"} <= set(found["metadata"]["product"])
        assert found["start_time"] <= found["end_time"] and found["time"] == 1774851164000
        assert found["finding_info"]["attacks"][0]["sub_technique"]["uid"] == "AML.T0024.002"
        accounts = [e for e in found["evidences"] if "actor" in e]
        assert [e["data"]["n_attributed"] for e in accounts] == [a.n_attributed for a in one.accounts]
        context = [e["data"]["message_context"] for e in found["evidences"] if e.get("name") == "prompt"]
        assert [c["prompt_text"] for c in context] == [r.prompt for r in one.representatives] and all(c["ai_role_id"] == 1 and c["service"] for c in context)
    assert len({json.loads(line)["metadata"]["uid"] for line in lines}) == len(lines)


# CSV


def acts(text: str) -> bool:
    return (text.lstrip() or "x")[0] in SIGNS or text[0] in SIGNS


@given(st.lists(st.lists(st.text() | st.text(alphabet=SIGNS + " ;|,\"'x\x00\x1b\u202e", max_size=8), min_size=1, max_size=4), max_size=5))
def test_no_cell_acts_and_the_table_keeps_its_shape(rows: list[list[str]]) -> None:
    data = write_csv(rows).decode()
    assert data.count("\r\n") == len(rows) and not any(ord(ch) < 32 for ch in data.replace("\r\n", "")) and "\x7f" not in data and "\u202e" not in data
    read = list(csv.reader(io.StringIO(data, newline="")))
    assert [len(row) for row in read] == [len(row) for row in rows]
    for row, written in zip(read, rows, strict=True):
        for found, given_text in zip(row, written, strict=True):
            assert not (found and acts(found)), found
            assert found == given_text or not given_text.isprintable() or "\\u{" in found or "[+" in found or found == "'" + given_text
    for separator in ";|\t":  # as a spreadsheet of another country reads it
        assert not any(acts(part.lstrip('"') or "x") for line in data.splitlines() for part in line.split(separator))


@pytest.mark.parametrize(("given_text", "written"), [
    ("=HYPERLINK(1)", "'=HYPERLINK(1)"), (" -2+3", "' -2+3"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "\\u{0009}=1"), ("\r=1", "\\u{000D}=1"), ("a-b", "a-b"),
    ("\uff1d1", "'\uff1d1"), ("x;=1", "x\\u{003B}=1"), ("x| \"+1", "x\\u{007C} \"+1"), ("a;b", "a;b"), ("", ""), ("two\nlines", "two\\u{000A}lines")])
def test_cells(given_text: str, written: str) -> None:
    assert cell(given_text) == written


def test_tables_hold_charged_accounts_and_findings(scan: Scan, key: fp.Key) -> None:
    files = {name: list(csv.reader(io.StringIO(data.decode(), newline=""))) for name, data in export(scan, "csv", key=key, names="plain").items()}
    accounts, campaigns = files["accounts.csv"], files["campaigns.csv"]
    assert tuple(accounts[0]) == ACCOUNT_COLUMNS and tuple(campaigns[0]) == CAMPAIGN_COLUMNS
    assert [row[:2] for row in accounts[1:]] == [[c.campaign_id, a.account_id] for c in scan.campaigns for a in c.accounts]
    assert [int(row[3]) for row in campaigns[1:]] == [c.n_prompts for c in scan.campaigns]
    with_text = export(scan, "csv", key=key, text=True)["campaigns.csv"].decode()
    assert with_text.splitlines()[0].endswith('"template","shared text","prompt"')


def test_hostile_names_of_accounts_do_nothing_in_a_spreadsheet(key: fp.Key) -> None:
    nasty = with_sketches(make_scan(lambda text: f'=cmd|\' /C calc\'!A0"\r\n;=1 {text}'))
    rows = list(csv.reader(io.StringIO(export(nasty, "csv", key=key, names="plain", text=True)["accounts.csv"].decode(), newline="")))
    assert all(row[1].startswith("'=cmd") and "\\u{000A}\\u{003B}=1" in row[1] for row in rows[1:])


# the command


@pytest.fixture(scope="module")
def out(scan: Scan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("export") / "out"
    scan.save(folder)
    yield folder


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["export", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_the_command_writes_files_for_their_owner_only(out: Path, scan: Scan, key: fp.Key, tmp_path: Path) -> None:
    run(str(out), "--format", "stix", "--to", str(tmp_path / "new" / "b.json"))
    assert (tmp_path / "new" / "b.json").read_bytes() == export(scan, "stix", key=key)["bundle.json"]
    run(str(out), "--format", "csv", "--to", str(tmp_path / "tables"), "--names", "plain")
    run(str(out), "--format", "misp", "--to", str(tmp_path / "tables"), "--campaign", scan.campaigns[0].campaign_id)
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == ["accounts.csv", "campaigns.csv", "event.json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tables").iterdir()} == {0o600}
    assert run(str(out), "--format", "ocsf").encode() == export(scan, "ocsf", key=key)["findings.jsonl"]
    fp.Key(bytes(16)).save(tmp_path / "key")
    assert run(str(out), "--format", "ocsf", "--key-file", str(tmp_path / "key")).encode() == export(scan, "ocsf", key=fp.Key(bytes(16)))["findings.jsonl"]


def test_the_command_says_what_to_do_instead(out: Path, tmp_path: Path) -> None:
    assert "name a folder with --to" in run(str(out), "--format", "csv", code=2)
    assert "choose another --to" in run(str(out), "--format", "stix", "--to", str(out / "campaigns.json"), code=2)
    assert "no finding 'c-no'" in run(str(out), "--format", "stix", "--campaign", "c-no", code=2)
    assert "no complete scan" in run(str(tmp_path), "--format", "stix", code=2)
    before = (out / "campaigns.json").read_bytes()
    assert json.loads(before)["schema"] == "fp-campaigns-1"


def test_stix_without_its_library_says_how_to_get_it(scan: Scan, key: fp.Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "stix2", None)
    with pytest.raises(fp.errors.BackendUnavailable, match=r"prompt-fingerprint\[intel\]"):
        export(scan, "stix", key=key)
    assert content_of(scan, names="plain", key=None, campaigns=(), sketches=0, text=False).naming == "account id"
