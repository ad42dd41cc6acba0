"""Matching a suspect set end to end: planted sets, absent sets, saved fingerprints, erasure, damaged folders, hostile text, the command line."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from scan_fixture import make_scan

import fingerprint as fp
from fingerprint.cli import main
from fingerprint.config import ScanConfig
from fingerprint.encoders import get_encoder
from fingerprint.errors import ConfigError, InputError
from fingerprint.index import Holding, TrafficIndex
from fingerprint.ingest import ingest
from fingerprint.known import look_for, with_known
from fingerprint.matches import open_index, read_queries
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import read_events
from fingerprint.readers.prompts import PromptReader, asked
from fingerprint.sealed import MANIFEST
from fingerprint.simulate.noise import replace_words

N_QUERIES, N_ACCOUNTS = 360, 12
KINDS = ("reasoning", "code", "tools")


def reworded(prompts: list[str]) -> list[str]:
    """Every second prompt with a tenth of its words replaced."""
    changed = replace_words(prompts, np.arange(1, len(prompts) + 1, dtype=np.uint64), 0.1)
    return [other if i % 2 else prompt for i, (prompt, other) in enumerate(zip(prompts, changed, strict=True))]


@pytest.fixture(scope="module")
def queries() -> list[str]:
    return fp.simulate.campaign_prompts("rubrics", N_QUERIES, 5)


@pytest.fixture(scope="module")
def events(queries: list[str]) -> pa.Table:
    """Look-alikes and people, and a query set over a few accounts, in random order."""
    world = fp.simulate.simulate("control", 2).events.select(["account_id", "timestamp", "prompt"])
    some = pc.unique(world["account_id"])[::4]
    world = world.filter(pc.is_in(world["account_id"], some))
    rng = np.random.default_rng(1)
    account = [f"planted-{i % N_ACCOUNTS:02d}" for i in range(N_QUERIES)]
    moment = pc.cast(world["timestamp"], pa.int64()).to_numpy()
    times = pa.array(rng.integers(moment.min(), moment.max(), N_QUERIES)).cast(world.schema.field("timestamp").type)
    more = pa.table({"account_id": account, "timestamp": times, "prompt": reworded(queries)}).cast(world.schema)
    return pa.concat_tables([world, more]).take(pa.array(rng.permutation(len(world) + N_QUERIES)))


@pytest.fixture(scope="module")
def index(events: pa.Table, key: fp.Key) -> TrafficIndex:
    return make_index(events, key)


def make_index(events: Any, key: fp.Key, **config: Any) -> TrafficIndex:
    return open_index(events, get_encoder(), ScanConfig(threads=1, **config), key, Stopwatch(Progress()))[0]


def rows(texts: list[str]) -> list[dict[str, str]]:
    return [{"question": text} for text in texts]


@pytest.fixture(scope="module")
def found(queries: list[str], index: TrafficIndex, key: fp.Key) -> fp.Match:
    return fp.match(rows(queries), index, key=key)


def test_a_planted_set_names_its_accounts_and_nobody_else(found: fp.Match, events: pa.Table, queries: list[str]) -> None:
    assert sorted(found.named) == [f"planted-{i:02d}" for i in range(N_ACCOUNTS)]
    accounts = found.accounts.filter(found.accounts["named"])
    assert pc.min(accounts["share_of_traffic"]).as_py() > 0.9 and pc.max(accounts["p_adjusted"]).as_py() < 1e-6
    assert pc.min(accounts["n_matched_prompts"]).as_py() >= 0.95 * N_QUERIES / N_ACCOUNTS and set(accounts["n_prompts"].to_pylist()) == {30}
    mine = found.matches.filter(pc.is_in(found.matches["account_id"], pa.array(found.named, pa.large_string()))).to_pylist()
    right, sent = 0, events["prompt"].to_pylist()
    for row in mine:
        assert events["account_id"][row["line"]].as_py() == row["account_id"] and row["first_seen"] == events["timestamp"][row["line"]].as_py()
        if row["kind"] == "exact":
            assert sent[row["line"]] == queries[row["query"]] and row["similarity"] == 1.0
        right += len(set(sent[row["line"]].split()) & set(queries[row["query"]].split())) > 3
    assert right > 0.98 * len(mine) and {row["kind"] for row in mine} >= {"exact", "near-duplicate"}
    assert found.queries["n_named"].to_pylist().count(0) < 0.05 * N_QUERIES and found.queries["prompt"].to_pylist() == queries


@pytest.mark.parametrize("kind", KINDS)
def test_a_set_that_nobody_asked_names_nobody(kind: str, index: TrafficIndex, key: fp.Key) -> None:
    assert fp.match(rows(fp.simulate.campaign_prompts(kind, 500, 77)), index, key=key).named == []


def test_a_few_common_questions_in_a_set_accuse_nobody(index: TrafficIndex, events: pa.Table, key: fp.Key) -> None:
    homework = pc.value_counts(events["prompt"]).to_pylist()
    shared = [row["values"] for row in homework if row["counts"] >= 5][:30]
    assert len(shared) > 5
    outcome = fp.match(rows([*shared, *fp.simulate.campaign_prompts("censor", 400, 3)]), index, key=key)
    assert outcome.named == [] and outcome.manifest["counts"]["common"] > 0


def test_threads_and_order_of_the_events_change_nothing(found: fp.Match, events: pa.Table, queries: list[str], key: fp.Key) -> None:
    other = fp.match(rows(queries), make_index(events.take(pa.array(np.arange(len(events))[::-1].copy())), key), key=key, config=ScanConfig(threads=3))
    columns = found.accounts.column_names
    assert other.accounts.select(columns).equals(found.accounts.select(columns))
    place = ["account_id", "query", "kind", "similarity", "n_prompts", "first_seen", "last_seen"]
    assert sorted(map(str, other.matches.select(place).to_pylist())) == sorted(map(str, found.matches.select(place).to_pylist()))


def test_saved_fingerprints_give_the_same_and_hold_no_text(found: fp.Match, index: TrafficIndex, queries: list[str], key: fp.Key, tmp_path: Path) -> None:
    index.save(tmp_path / "i", key)
    assert (tmp_path / "i").stat().st_mode & 0o777 == 0o700 and all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "i").iterdir())
    again = fp.match(rows(queries), tmp_path / "i", key=key)
    assert again.accounts.equals(found.accounts) and again.matches.equals(found.matches) and again.queries.equals(found.queries)
    whole = b"".join(path.read_bytes() for path in sorted((tmp_path / "i").iterdir()))
    assert not any(query.encode()[:24] in whole for query in queries)
    index.save(tmp_path / "i", key)  # an index is replaced
    with pytest.raises(InputError, match="made with key"):
        fp.match(rows(queries), tmp_path / "i", key=fp.Key(bytes(16)))
    with pytest.raises(InputError, match="num_perm=64"):
        fp.match(rows(queries), tmp_path / "i", key=key, config=ScanConfig(sketch=fp.SketchConfig(num_perm=64)))


def test_erasing_accounts_is_as_if_they_had_never_sent_anything(key: fp.Key) -> None:
    rng = random.Random(3)
    log = [{"account_id": f"a{rng.randrange(9)}", "timestamp": 1.7e9 + i, "prompt": f"what is {rng.randrange(40)} plus {i % 5}, my friend"} for i in range(300)]
    gone = {"a2", "a7"}
    left = make_index(log, key).without(sorted(gone))
    never = make_index([row for row in log if row["account_id"] not in gone], key)
    assert left.account_ids.to_pylist() == never.account_ids.to_pylist()
    assert left.texts.exact.tolist() == never.texts.exact.tolist() and np.array_equal(left.texts.phrases, never.texts.phrases)

    def holdings(index: TrafficIndex) -> list[tuple[Any, ...]]:
        held, names = index.held, index.account_ids.to_pylist()
        return [(t, names[a], c, f, last) for t, a, c, f, last in zip(*(getattr(held, f.name).tolist() for f in fields(Holding)[:5]), strict=True)]

    assert sorted(holdings(left)) == sorted(holdings(never)) and dict(zip(left.account_ids.to_pylist(), left.n_prompts.tolist(), strict=True)) == dict(
        zip(never.account_ids.to_pylist(), never.n_prompts.tolist(), strict=True))
    assert len(left.without([*left.account_ids.to_pylist()]).texts) == 0


def test_memory_that_is_too_little_for_the_columns_changes_nothing(found: fp.Match, events: pa.Table, queries: list[str], key: fp.Key) -> None:
    small = fp.match(rows(queries), make_index(events, key, memory=500_000_000), key=key)
    assert small.accounts.equals(found.accounts) and small.matches.equals(found.matches)


@pytest.mark.parametrize("given", [[], [{"question": ""}], [{"answer": "x"}]])
def test_an_empty_set_names_nobody(given: list[dict[str, str]], index: TrafficIndex, key: fp.Key, tmp_path: Path) -> None:
    outcome = fp.match(given, index, key=key)
    assert outcome.named == [] and len(outcome.matches) == 0 and len(outcome.rejects) == len(given)
    outcome.save(tmp_path)


def test_an_empty_traffic_and_one_account_name_nobody(queries: list[str], key: fp.Key, tmp_path: Path) -> None:
    assert fp.match(rows(queries), [], key=key).named == []
    alone = fp.match(rows(queries), [{"account_id": "a", "timestamp": i, "prompt": q} for i, q in enumerate(queries, 10**9)], key=key)
    assert alone.named == []  # there is nobody to compare with
    alone.save(tmp_path)


def test_a_damaged_or_forged_index_is_never_believed(index: TrafficIndex, key: fp.Key, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    index.without(index.account_ids.to_pylist()[5:]).save(whole, key)
    rng = random.Random(11)
    names = sorted(path.name for path in whole.iterdir())
    for number in range(120):
        copy = tmp_path / f"c{number}"
        shutil.copytree(whole, copy)
        path = copy / names[number % len(names)]
        raw = bytearray(path.read_bytes())
        how = rng.choice(["flip", "cut", "grow", "remove", "link"])
        if how == "flip":
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        elif how == "cut":
            del raw[rng.randrange(len(raw)) :]
        elif how == "grow":
            raw += b"\n{}"
        path.unlink()
        if how == "link":
            path.symlink_to(whole / path.name)
        elif how != "remove":
            path.write_bytes(raw)
        if how == "link" and path.name == MANIFEST:
            continue  # the same manifest, wherever it lies
        try:
            loaded = TrafficIndex.load(copy, key)
        except InputError as error:
            assert "c" in str(error)
        else:  # white space behind a number of the manifest, for instance: the same content
            assert path.name == MANIFEST and loaded.about == index.about
        shutil.rmtree(copy)
    forged = json.loads((whole / MANIFEST).read_text())
    forged["about"]["threshold"] = 0.1
    (whole / MANIFEST).write_text(json.dumps(forged))
    with pytest.raises(InputError, match="changed"):
        TrafficIndex.load(whole, key)


def test_only_an_index_is_replaced(index: TrafficIndex, key: fp.Key, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "precious").write_text("x")
    with pytest.raises(ConfigError, match="no index"):
        index.save(tmp_path / "d", key)
    assert (tmp_path / "d" / "precious").read_text() == "x" and os.listdir(tmp_path) == ["d"]
    with pytest.raises(InputError, match=r"no index|cannot be read"):
        TrafficIndex.load(tmp_path / "d", key)


@pytest.mark.parametrize(("row", "expected"), [
    ({"instruction": "Sum them", "input": "1 2", "output": "3"}, ["Sum them\n\n1 2"]),
    ({"instruction": "Name a river", "input": ""}, ["Name a river"]),
    ({"conversations": [{"from": "human", "value": "a?"}, {"from": "gpt", "value": "b"}, {"from": "human", "value": "c?"}]}, ["a?", "c?"]),
    ({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "q"}]}]}, ["q"]),
    ({"body": {"messages": [{"role": "user", "content": "q"}]}}, ["q"]),
    ({"chosen": "\n\nHuman: one?\n\nAssistant: x\n\nHuman: two?\n\nAssistant: y", "rejected": "z"}, ["one?", "two?"]),
    ({"prompt": "p", "chosen": [{"role": "assistant", "content": "x"}]}, ["p"]),
    ({"question": "why?", "answer": "so"}, ["why?"]),
    ({"conversation": ["hi?", "hello", "and?"]}, ["hi?", "and?"]),
    ("just text", ["just text"]),
    (["one", "two"], ["one", "two"]),
    ({"output": "x"}, []),
])
def test_data_sets_of_many_shapes(row: Any, expected: list[str]) -> None:
    assert asked(row) == expected


def test_a_data_set_is_accounted_for(key: fp.Key, tmp_path: Path) -> None:
    lines = ['{"question": "a b c d"}', '{"question": "A  b c D"}', "", '{"q": 1}', "nonsense", '"plain text"', '{"text": 5}']
    lines += ['{"deep": {"er": "where is it"}}']
    (tmp_path / "s.jsonl").write_text("\n".join(lines) + "\n")
    reader = PromptReader(tmp_path / "s.jsonl")
    read = read_queries(reader, key, Stopwatch(Progress()))
    assert read.texts.to_pylist() == ["a b c d", "plain text"] and read.row.tolist() == [0, 5] and read.n_prompts == 3
    assert (reader.accounting.read, reader.accounting.accepted, reader.accounting.blank) == (8, 3, 1)
    assert dict(reader.accounting.rejected) == {"missing-prompt": 3, "invalid-json": 1} and "prompt" in reader.hint()
    mapped = PromptReader(tmp_path / "s.jsonl", {"prompt": "deep.er"})
    assert read_queries(mapped, key, Stopwatch(Progress())).texts.to_pylist() == ["plain text", "where is it"]
    pq.write_table(pa.table({"question": ["x y z", None]}), tmp_path / "s.parquet")
    assert read_queries(PromptReader([tmp_path / "s.parquet"]), key, Stopwatch(Progress())).texts.to_pylist() == ["x y z"]


def test_hostile_text_of_a_set_is_shown_and_does_nothing(key: fp.Key, tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script> \u202e evil \x1b[31m {{7*7}}"
    asked_here = [f"{nasty} {text}" for text in fp.simulate.campaign_prompts("code", 60, 1)]
    log = [{"account_id": f'"><img src=x>{i % 3}', "timestamp": 10**9 + i, "prompt": text} for i, text in enumerate(asked_here)]
    others = fp.simulate.campaign_prompts("instructions", 1500, 2)
    log += [{"account_id": f"o{i % 300}", "timestamp": 10**9 + i, "prompt": text} for i, text in enumerate(others)]
    outcome = fp.match(rows(asked_here), log, key=key)
    assert len(outcome.named) == 3
    outcome.save(tmp_path)
    html = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in html and "<img" not in html and "\u202e" not in html and "\x1b" not in html
    assert "&lt;script&gt;alert" in html and "{{7*7}}" in html


@pytest.fixture
def dump(events: pa.Table, queries: list[str], tmp_path: Path) -> Iterator[Path]:
    pq.write_table(events, tmp_path / "log.parquet")
    (tmp_path / "set.jsonl").write_text("".join(json.dumps({"instruction": q}) + "\n" for q in queries))
    yield tmp_path


def test_the_commands(dump: Path, found: fp.Match) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, list(arguments))
        assert done.exit_code == 0, done.output
        return done.output

    log, suspects, folder = str(dump / "log.parquet"), str(dump / "set.jsonl"), dump / "out"
    shown = run("match", suspects, "--in", log, "--out", str(folder))
    assert "planted-03" in shown and "Report:" in shown
    assert pq.read_table(folder / "accounts.parquet").equals(found.accounts)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["accounts.parquet", "matches.parquet", "queries.parquet", "rejects.parquet", "report.html", "match.json"])
    assert "360 prompts" not in run("index", log, "--out", str(dump / "i")) and (dump / "i" / MANIFEST).is_file()
    document = json.loads(run("match", suspects, "--in", str(dump / "i"), "--out", str(dump / "bare"), "--no-text", "--json"))
    assert [row["account_id"] for row in document["named"]] == found.named and sum(day["matches"] for day in document["days"]) >= N_QUERIES * 0.95
    bare = b"".join(path.read_bytes() for path in (dump / "bare").iterdir())
    assert pq.read_table(dump / "bare" / "queries.parquet")["prompt"].null_count == N_QUERIES and json.loads(
        (dump / "set.jsonl").read_text().splitlines()[3])["instruction"][:30].encode() not in bare
    run("index", str(dump / "i"), "--forget", "planted-03", "--out", str(dump / "i"))
    assert "planted-03" not in run("match", suspects, "--in", str(dump / "i"), "--out", str(folder), "--json")
    both = CliRunner().invoke(main, ["match", suspects, "--in", str(dump / "i"), "--in", log, "--out", str(folder)])
    assert both.exit_code == 2 and "one index" in both.output


def test_known_sets_are_looked_for_in_a_scan(dump: Path, events: pa.Table, queries: list[str], key: fp.Key) -> None:
    library = dump / "sets"
    library.mkdir()
    (dump / "set.jsonl").rename(library / "b-asked.jsonl")
    (library / "a-absent.jsonl").write_text("".join(json.dumps({"question": q}) + "\n" for q in fp.simulate.campaign_prompts("code", 200, 9)))
    watch = Stopwatch(Progress())
    traffic = ingest(read_events(events), ScanConfig(threads=1), key, watch)
    absent, asked_set = look_for([library], traffic, get_encoder(), ScanConfig(threads=1), key, watch)
    assert (absent.name, absent.accounts, absent.n_asked, absent.n_queries) == ("a-absent.jsonl", [], 0, 200)
    assert sorted(asked_set.accounts) == [f"planted-{i:02d}" for i in range(N_ACCOUNTS)] and asked_set.n_asked > 0.95 * N_QUERIES
    assert len(asked_set.n_matched) == N_ACCOUNTS and asked_set.p_adjusted < 1e-6
    one = make_scan(n_campaigns=1).campaigns[0]
    charged = [replace(one.accounts[i], account_id=name) for i, name in enumerate([*asked_set.accounts[:10], "somebody"])]
    told = with_known([replace(one, accounts=charged)], [absent, asked_set], 900)[0].tests[len(one.tests) :]
    assert [(t.name, t.decides, t.passed) for t in told] == [("known set", False, True)] and "10 of its 11 accounts" in told[0].reading
    assert with_known([one], [absent], 900) == [one]
    (library / "c-empty.jsonl").write_text('{"answer": 1}\n')
    with pytest.raises(InputError, match=r"c-empty\.jsonl.*no question"):
        look_for([library], traffic, get_encoder(), ScanConfig(threads=1), key, watch)
