"""Two providers with one key: what one has found, the other finds by the sketches alone. And what hostile bundles come to."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import fingerprint as fp
from fingerprint import bundles
from fingerprint.bundles import EXTENSION_ID, Sketches, is_bundle, read_bundle
from fingerprint.cli import main
from fingerprint.config import ScanConfig, SketchConfig
from fingerprint.encoders import get_encoder
from fingerprint.errors import ConfigError, InputError
from fingerprint.exports import export
from fingerprint.index import TrafficIndex
from fingerprint.ingest import ingest
from fingerprint.known import look_for
from fingerprint.matches import open_index
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import read_events
from fingerprint.sketch import sketch
from fingerprint.tables import MAX_SKETCHES, sketch_table
from fingerprint.traffic import Traffic

N_QUERIES, N_SENT = 900, 600  # of the query set, and how many each provider sees: a third of the set is seen by both
N_AT_A, N_AT_B = 20, 15
CONFIG = ScanConfig(threads=1, controls=False)


def traffic(seed: int, queries: list[str], name: str, n_accounts: int) -> pa.Table:
    """People and look-alikes, and a query set shared out over a few accounts, in random order."""
    world = fp.simulate.simulate("control", seed).events.select(["account_id", "timestamp", "prompt"])
    world = world.filter(pc.is_in(world["account_id"], pc.unique(world["account_id"])[::8]))
    rng = np.random.default_rng(seed)
    moment = pc.cast(world["timestamp"], pa.int64()).to_numpy()
    times = pa.array(rng.integers(moment.min(), moment.max(), len(queries))).cast(world.schema.field("timestamp").type)
    names = [f"{name}-{i % n_accounts:02d}" for i in range(len(queries))]
    more = pa.table({"account_id": pa.array(names, pa.string()), "timestamp": times, "prompt": pa.array(rng.permutation(queries).tolist(), pa.string())})
    return pa.concat_tables([world, more.cast(world.schema)]).take(pa.array(rng.permutation(len(world) + len(queries))))


@pytest.fixture(scope="module")
def queries() -> list[str]:
    return fp.simulate.campaign_prompts("rubrics", N_QUERIES, 5)


@pytest.fixture(scope="module")
def scan(queries: list[str], key: fp.Key) -> fp.Scan:
    """What provider A finds in its traffic."""
    return fp.scan(traffic(2, queries[:N_SENT], "a", N_AT_A), config=CONFIG, key=key)


@pytest.fixture(scope="module")
def bundle(scan: fp.Scan, key: fp.Key, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "bundle.json"
    path.write_bytes(export(scan, "stix", key=key)["bundle.json"])
    return path


@pytest.fixture(scope="module")
def visited(queries: list[str]) -> pa.Table:
    """The traffic of provider B: other people, and the same campaign with other accounts and partly other queries."""
    return traffic(7, queries[-N_SENT:], "b", N_AT_B)


@pytest.fixture(scope="module")
def found(bundle: Path, visited: pa.Table, key: fp.Key) -> fp.Match:
    return fp.match(bundle, visited, config=CONFIG, key=key)


# two providers


def test_the_other_provider_finds_the_campaign_and_nobody_else(scan: fp.Scan, found: fp.Match, queries: list[str], visited: pa.Table) -> None:
    assert len(scan.campaigns) == 1 and {one.account_id for one in scan.campaigns[0].accounts} == {f"a-{i:02d}" for i in range(N_AT_A)}
    assert sorted(found.named) == [f"b-{i:02d}" for i in range(N_AT_B)]
    named = found.accounts.filter(found.accounts["named"])
    assert pc.max(named["p_adjusted"]).as_py() < 1e-3 and set(named["campaign_id"].to_pylist()) == {scan.campaigns[0].campaign_id}
    common, sent = set(queries[:N_SENT]) & set(queries[-N_SENT:]), visited["prompt"].to_pylist()
    exact = found.matches.filter(pc.equal(found.matches["kind"], "exact"))
    assert set(found.matches["kind"].to_pylist()) <= {"exact", "near-duplicate"} and len(exact) > 0.7 * len(common)
    assert {sent[line] for line in exact["line"].to_pylist()} <= common
    told = found.manifest["suspects"]
    assert told["findings"] == [{"campaign_id": scan.campaigns[0].campaign_id, "queries": len(scan.sketches), "prompts": scan.campaigns[0].n_prompts,
                                 "named": N_AT_B, "asked": told["findings"][0]["asked"]}] and told["findings"][0]["asked"] >= len(exact) / 2
    assert found.queries["prompt"].null_count == len(found.queries) == len(scan.sketches)


def test_traffic_without_the_campaign_names_nobody(bundle: Path, key: fp.Key) -> None:
    assert fp.match(bundle, traffic(7, [], "b", 1), config=CONFIG, key=key).named == []
    other = traffic(9, fp.simulate.campaign_prompts("code", 400, 9), "c", 10)
    assert fp.match(bundle, other, config=CONFIG, key=key).named == []


def test_another_key_is_an_error_and_with_its_id_forged_finds_nothing(bundle: Path, visited: pa.Table, key: fp.Key, tmp_path: Path) -> None:
    other = fp.Key(bytes(16))
    with pytest.raises(InputError, match=rf"made with key '{key.key_id}'; yours is {other.key_id}.*--key-file"):
        fp.match(bundle, visited, config=CONFIG, key=other)
    forged = tmp_path / "forged.json"
    forged.write_text(bundle.read_text().replace(f'"key_id": "{key.key_id}"', f'"key_id": "{other.key_id}"'))
    outcome = fp.match(forged, visited, config=CONFIG, key=other)
    assert outcome.named == [] and len(outcome.matches) == 0


def test_an_index_answers_as_its_dump_does(bundle: Path, found: fp.Match, visited: pa.Table, key: fp.Key, tmp_path: Path) -> None:
    index = open_index(visited, get_encoder(), CONFIG, key, Stopwatch(Progress()))[0]
    index.save(tmp_path / "i", key)
    again = fp.match(str(bundle), tmp_path / "i", config=CONFIG, key=key)
    assert again.accounts.equals(found.accounts) and again.matches.equals(found.matches) and again.queries.equals(found.queries)
    assert isinstance(index, TrafficIndex) and fp.match(bundle, index, config=ScanConfig(threads=3), key=key).matches.equals(found.matches)


def test_each_finding_of_a_bundle_is_a_set_of_its_own(bundle: Path, found: fp.Match, visited: pa.Table, key: fp.Key, tmp_path: Path) -> None:
    document = json.loads(bundle.read_text())
    whole = next(one for one in document["objects"] if one["type"] == "campaign")
    absent = sketches_of(fp.simulate.campaign_prompts("tools", 300, 3), key, "c-absent")
    document["objects"].insert(0, {**whole, "name": "c-absent", "extensions": {EXTENSION_ID: absent.to_dict()}})
    path = tmp_path / "two.json"
    path.write_text(json.dumps(document))
    both = fp.match(path, visited, config=CONFIG, key=key)
    assert both.named == found.named and [one["named"] for one in both.manifest["suspects"]["findings"]] == [0, N_AT_B]
    assert both.queries["query"].to_pylist() == list(range(300 + len(found.queries)))
    assert both.matches.filter(pc.greater_equal(both.matches["query"], 300))["query"].to_pylist() == [q + 300 for q in found.matches["query"].to_pylist()]
    mine = both.accounts.filter(pc.equal(both.accounts["campaign_id"], whole["name"]))
    assert np.allclose(mine["p_adjusted"], np.minimum(2 * found.accounts["p_adjusted"].to_numpy(), 1)) and mine["p"].equals(found.accounts["p"])
    both.save(tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Findings of the bundle" in page and "c-absent" in page and "b-00" in page and "Semantic:" not in page


def test_the_commands_carry_a_finding_from_one_provider_to_the_other(scan: fp.Scan, found: fp.Match, visited: pa.Table, key: fp.Key, tmp_path: Path) -> None:
    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, list(arguments))
        assert done.exit_code == code, done.output
        return done.output

    scan.save(tmp_path / "out")
    pq.write_table(visited, tmp_path / "b.parquet")
    key.save(tmp_path / "shared.key")
    fp.Key(bytes(16)).save(tmp_path / "own.key")
    run("export", str(tmp_path / "out"), "--format", "stix", "--to", str(tmp_path / "b.json"), "--key-file", str(tmp_path / "own.key"))
    arguments = ["match", str(tmp_path / "b.json"), "--in", str(tmp_path / "b.parquet"), "--out", str(tmp_path / "m"), "--key-file"]
    document = json.loads(run(*arguments, str(tmp_path / "shared.key"), "--json"))
    assert [row["account_id"] for row in document["named"]] == found.named and document["suspects"]["findings"]
    shown = run(*arguments, str(tmp_path / "shared.key"))
    assert "1 finding read" in shown and "b-03" in shown and "Report:" in shown
    assert "yours is" in run(*arguments, str(tmp_path / "own.key"), code=2)
    assert "one bundle" in run(arguments[0], str(tmp_path / "b.json"), *arguments[1:], str(tmp_path / "shared.key"), code=2)


def test_a_bundle_among_known_sets_is_looked_for_in_a_scan(bundle: Path, scan: fp.Scan, visited: pa.Table, key: fp.Key, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_bytes(bundle.read_bytes())
    (tmp_path / "absent.jsonl").write_text("".join(json.dumps({"question": q}) + "\n" for q in fp.simulate.campaign_prompts("code", 100, 9)))
    absent, known = look_for([tmp_path], ingested(visited, key), get_encoder(), CONFIG, key, Stopwatch(Progress()))
    assert (absent.name, absent.accounts) == ("absent.jsonl", []) and known.name == f"bundle.json: {scan.campaigns[0].campaign_id}"
    assert sorted(known.accounts) == [f"b-{i:02d}" for i in range(N_AT_B)] and 0 < known.n_asked < known.n_queries == len(scan.sketches)


def test_a_bundle_is_named_alone(bundle: Path, key: fp.Key, tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text('{"question": "why?"}\n')
    with pytest.raises(ConfigError, match="one bundle"):
        fp.match([bundle, tmp_path / "set.jsonl"], [], key=key)
    assert fp.match(bundle, [], config=CONFIG, key=key).named == []


# what a scan keeps


def sketches_of(texts: list[str], key: fp.Key, name: str = "c-0") -> Sketches:
    made = sketch(texts, key=key)
    return Sketches(name, made.signatures.scheme, key.key_id, 0.7, made.exact, made.signatures.values.astype(np.uint8), made.signatures.n_shingles > 0,
                    np.ones(len(texts), np.int64))


def test_a_scan_keeps_sketches_of_what_it_charges(scan: fp.Scan, queries: list[str], key: fp.Key, tmp_path: Path) -> None:
    scan.save(tmp_path)
    kept = fp.load_scan(tmp_path).sketches
    assert kept.equals(scan.sketches) and kept["campaign_id"].unique().to_pylist() == [scan.campaigns[0].campaign_id]
    assert sum(kept["n_prompts"].to_pylist()) == scan.campaigns[0].n_prompts
    made = sketch(queries, key=key)
    known = {int(e): v.astype(np.uint8).tobytes() for e, v in zip(made.exact, made.signatures.values, strict=True)}
    rows = kept.to_pylist()
    assert sum(known.get(row["exact"]) == row["values"] for row in rows) > 0.97 * len(rows) and len(rows) > 0.9 * N_SENT
    raw = (tmp_path / "sketches.parquet").read_bytes()
    assert not any(query.encode()[:24] in raw for query in queries)


def ingested(log: Any, key: fp.Key) -> Traffic:
    return ingest(read_events(log), CONFIG, key, Stopwatch(Progress()))


def charges(names: list[str]) -> list[Any]:
    from scan_fixture import make_scan

    return [fp.Campaign(**{f: getattr(make_scan(n_campaigns=1).campaigns[0], f) for f in fp.Campaign.__slots__} | {"campaign_id": name}) for name in names]


def test_of_many_texts_those_with_the_smallest_hashes_are_kept(key: fp.Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fingerprint.tables.MAX_SKETCHES", 7)
    monkeypatch.setattr("fingerprint.tables.TEXTS_AT_ONCE", 4)
    asked = [f"how far is it to town number {i % 30}, and why?" for i in range(80)] + ["hi", "Hi", "", "yo"]
    log = [{"account_id": f"a{i % 5}", "timestamp": i, "prompt": text} for i, text in enumerate(asked, 10**9)]
    seen = ingested(log, key)
    order = np.argsort(seen.line, kind="stable")
    rows = [order[:80], order[40:82], order[:0]]
    table = sketch_table(seen, charges(["c-a", "c-b", "c-none"]), rows, SketchConfig(), key, 1)
    for name, part in zip(("c-a", "c-b"), (asked[:80], asked[40:82]), strict=True):
        made = sketch(part, key=key)
        hashes, counts = np.unique(made.exact, return_counts=True)
        own = table.filter(pc.equal(table["campaign_id"], name))
        assert own["exact"].to_pylist() == hashes[:7].tolist() and own["n_prompts"].to_pylist() == counts[:7].tolist()
        values = {int(e): v.astype(np.uint8).tobytes() if n else None for e, v, n in zip(made.exact, made.signatures.values, made.signatures.n_shingles,
                                                                                     strict=True)}
        assert [values[e] for e in own["exact"].to_pylist()] == own["values"].to_pylist()
    assert "c-none" not in table["campaign_id"].to_pylist() and MAX_SKETCHES > 1000


def test_texts_too_short_for_a_signature_are_kept_by_their_hash(key: fp.Key) -> None:
    seen = ingested([{"account_id": "a", "timestamp": 10**9, "prompt": "hi"}], key)
    table = sketch_table(seen, charges(["c-a"]), [np.zeros(1, np.int64)], SketchConfig(num_perm=64), key)
    assert table.to_pylist() == [{"campaign_id": "c-a", "exact": int(sketch(["hi"], key=key).exact[0]), "values": None, "n_prompts": 1}]
    assert table.schema.field("values").type == pa.binary(64)


# hostile bundles


def document_of(*findings: Sketches) -> dict[str, Any]:
    return {"type": "bundle", "id": "bundle--0", "objects": [
        {"type": "identity"}, *({"type": "campaign", "name": one.campaign_id, "extensions": {EXTENSION_ID: one.to_dict()}} for one in findings)]}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    def save(document: Any) -> Path:
        path = tmp_path / "b.json"
        path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
        return path

    return save


def test_sketches_come_back_as_they_were(key: fp.Key, write: Callable[[Any], Path]) -> None:
    made = [sketches_of(["tell me about birds", "hi", "what is a bird, and what is none?"], key), sketches_of(["x"], key, "c-\u202e1")]
    for one, back in zip(made, read_bundle(write(document_of(*made)), key, SketchConfig()), strict=True):
        assert back.to_dict() == one.to_dict() and back.campaign_id == one.campaign_id and back.signed.tolist() == one.signed.tolist()
        assert back.block().is_bare and not made[0].block().vectors.size


def damage(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["objects"][1]["extensions"][EXTENSION_ID][name] = value(document["objects"][1]["extensions"][EXTENSION_ID][name]) if callable(value) else value

    return change


def cut(coded: str) -> str:
    return base64.b64encode(base64.b64decode(coded)[:-1]).decode()


@pytest.mark.parametrize(("change", "message"), [
    (damage("schema", "fp-sketches-2"), "schema 'fp-sketches-2'"), (damage("schema", 1), "Expected `str`"), (damage("key_id", "0" * 8), "made with key"),
    (damage("sketch_scheme", "fp-sketch-1:ngram=5:num_perm=64"), "cannot be compared"), (damage("threshold", 0), "damaged"),
    (damage("threshold", "x"), "Expected"), (damage("exact", "AAAA"), "damaged"), (damage("exact", "???"), "base64"), (damage("exact", ""), "damaged"),
    (damage("exact", base64.b64encode(bytes(24)).decode()), "is zero"), (damage("exact", base64.b64encode(b"\1" * 24).decode()), "twice"),
    (damage("values", cut), "damaged"), (damage("signed", cut), "damaged"), (damage("counts", cut), "damaged"), (damage("counts", [1, 1, 1]), "Expected"),
    (lambda d: d["objects"][1]["extensions"][EXTENSION_ID].pop("values"), "missing required field"),
    (lambda d: d["objects"][1].update(name=""), "no name"), (lambda d: d["objects"][1].update(name="x" * 999), "200 characters"),
    (lambda d: d["objects"][1].update(name=5), "Expected `str`"), (lambda d: d["objects"].append(d["objects"][1]), "each once"),
    (lambda d: d["objects"].clear(), "has no sketches"), (lambda d: d.update(objects={}), "Expected `array`"),
    (lambda d: d["objects"].append([]), "Expected `object`"), (lambda d: d["objects"][1].update(extensions=[]), "Expected `object`"),
    (lambda d: d.pop("objects"), "no sketches"), (lambda d: d.update(type="report"), "no STIX bundle")])
def test_a_damaged_or_forged_bundle_is_refused_with_the_reason(change: Callable[[dict[str, Any]], Any], message: str, key: fp.Key,
                                                               write: Callable[[Any], Path]) -> None:
    document = document_of(sketches_of(["tell me about birds", "hi", "what is a bird?"], key))
    change(document)
    with pytest.raises(InputError, match=message):
        read_bundle(write(document), key, SketchConfig())


@pytest.mark.parametrize("raw", [b"", b"{", b'{"type": "bundle", "objects": ' + b"[" * 100_000, b'{"type": "bundle", "x": "\xff"}', b"\x00" * 99, b'"bundle"',
                                 b'{"type": "bundle"} {"type": "bundle"}'])
def test_what_is_no_json_is_refused(raw: bytes, key: fp.Key, write: Callable[[Any], Path]) -> None:
    with pytest.raises(InputError, match=r"no bundle of findings|no sketches"):
        read_bundle(write(raw), key, SketchConfig())


def test_bundles_that_are_too_large_are_refused(key: fp.Key, write: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write(document_of(sketches_of(["tell me about birds", "hi"], key)))
    for name, value, message in (("MAX_BYTES", 100, "more than 0 MB"), ("MAX_SKETCHES", 1, "1 to 1 of them"), ("MAX_FINDINGS", 0, "at most 0")):
        with monkeypatch.context() as patched:
            patched.setattr(bundles, name, value)
            assert is_bundle(path)
            with pytest.raises(InputError, match=message):
                read_bundle(path, key, SketchConfig())
    with pytest.raises(InputError, match="No such file"):
        read_bundle(tmp_path / "nowhere", key, SketchConfig())


def test_bundles_and_data_sets_are_told_apart(key: fp.Key, write: Callable[[Any], Path], tmp_path: Path) -> None:
    document = document_of(sketches_of(["tell me about birds"], key))
    for kind in (document, {"id": "x", "objects": document["objects"], "type": "bundle"}, {"spec": {"a": [1]}, **document}):
        assert is_bundle(write(kind))
    for other in (b'{"question": "a bundle?"}\n{"question": "b?"}\n', b'{"type": "bundle", "text": 1}\n{}', b'[{"type": "bundle"}]',
                  b'{"text": "\\"type\\": \\"bundle\\""}', b"type,bundle\n", b""):
        assert not is_bundle(write(other))
    assert not is_bundle(tmp_path) and not is_bundle(tmp_path / "nowhere") and not is_bundle("-")
    for indent in (None, 1):
        path = write(json.dumps({"a": 1, **document}, indent=indent).encode())
        assert is_bundle(path)
    os.mkfifo(tmp_path / "pipe")
    assert not is_bundle(tmp_path / "pipe")  # and has not waited for a writer


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_bytes_changed_anywhere_are_read_or_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    key = fp.Key(bytes(range(16)))
    raw = bytearray(json.dumps(document_of(sketches_of(["tell me about birds", "hi"], key))).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.json"
    path.write_bytes(raw)
    try:
        assert all(len(one.values) == len(one) == len(one.signed) for one in read_bundle(path, key, SketchConfig()))
    except InputError as error:
        assert "birds" not in str(error)
