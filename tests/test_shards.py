"""Shards put together are what one process would have made of the same input, however it was divided and in whatever order they are given."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shards_fixture import CONFIG, KEY, digest, in_files, plain

import fingerprint as fp
from fingerprint import pipeline
from fingerprint.errors import ConfigError, InputError
from fingerprint.ingest import ingest, remember
from fingerprint.prevalence import Hashing
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import Extent, extents, read_events
from fingerprint.scanning import shard_config
from fingerprint.shards import files, gathering, mapping, reducing
from fingerprint.shards.executors import Executor
from fingerprint.shards.files import Block, File
from fingerprint.shards.gathering import Gathering, arranged, portion
from fingerprint.shards.job import Job
from fingerprint.shards.reducing import bounds

JOB = Job.of(CONFIG.sketch, KEY)


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return in_files(tmp_path_factory.mktemp("dumps"))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extents, "SHARD_ROWS", 300)
    monkeypatch.setattr(extents, "SHARD_BYTES", 60_000)
    monkeypatch.setattr(gathering, "TEXTS_PER_PART", 700)
    monkeypatch.setattr(mapping, "TEXTS_AT_ONCE", 64)
    monkeypatch.setattr(mapping, "ROWS_AT_ONCE", 100)


@pytest.fixture
def no_detection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes most of the time."""
    monkeypatch.setattr(pipeline, "prepare", lambda *_: None)


def gathered(inputs: Any, folder: Path) -> gathering.Gathered:
    with Executor(KEY, 1) as executor:
        return Gathering(str(folder), CONFIG, KEY, JOB, executor, Stopwatch(Progress())).gather(read_events(inputs).divided())


def at_once(inputs: Any) -> tuple[dict[str, Any], Any]:
    reader = read_events(inputs)
    return plain(ingest(reader, CONFIG, KEY, Stopwatch(Progress()))), reader


def test_shards_come_to_the_same_traffic(small: None, dumps: list[str], tmp_path: Path) -> None:
    found = gathered(dumps, tmp_path)
    wanted, reader = at_once(dumps)
    assert found.n_shards > 6 and len(list(tmp_path.glob("texts-*"))) > 2 and not found.missing
    assert plain(found.traffic) == wanted
    assert found.accounting == reader.accounting and list(found.accounting.files) == list(reader.accounting.files)
    assert found.rejects.equals(reader.rejects) and found.hint() == reader.hint() and found.fields_seen == reader.fields_seen
    assert set(found.n_bytes) == {"shard", "texts", "bands", "company"} and min(found.n_bytes.values()) > 0


ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "é"]), st.integers(0, 3),
                          st.sampled_from(["", "tell me a joke about cats", "Tell me a  joke about CATS", "tell me a joke about cats!",
                                           "tell me a joke about dogs", "b", "B", " b", "what is 2 + 2?", "\u200bwhat is 2 + 2?"]),
                          st.sampled_from([None, "x", "y"]), st.sampled_from([None, "t1", "t2"])), max_size=14)


@settings(max_examples=80, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=5), st.integers(1, 4), st.integers(1, 3))
def test_any_division_comes_to_the_same_traffic(parts: list[list[tuple[Any, ...]]], texts_per_part: int, rows_per_shard: int) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patched:
        patched.setattr(gathering, "TEXTS_PER_PART", texts_per_part)
        patched.setattr(extents, "SHARD_BYTES", 150 if rows_per_shard == 1 else 10_000)  # a row has some 130
        patched.setattr(mapping, "TEXTS_AT_ONCE", 2)
        folder = Path(name)
        for i, rows in enumerate(parts):
            lines = [json.dumps({"account_id": a, "timestamp": 1_767_225_600 + t, "prompt": p, "org_id": o, "conversation_id": c}) for a, t, p, o, c in rows]
            (folder / f"{i}.jsonl").write_text("\n".join(lines), "utf-8")
        found = gathered([str(folder / f"{i}.jsonl") for i in range(len(parts))], folder / "s")
        assert plain(found.traffic) == at_once([str(folder / f"{i}.jsonl") for i in range(len(parts))])[0]


def sketched(dumps: list[str], folder: Path, n: int) -> list[str]:
    for i in range(1, n + 1):
        fp.write_shard(dumps, folder / f"{i}.shard", part=(i, n), config=CONFIG, key=KEY)
    return [str(folder / f"{i}.shard") for i in range(1, n + 1)]


def test_one_thousand_orders_of_merging_come_to_the_same(small: None, dumps: list[str], tmp_path: Path) -> None:
    named = sketched(dumps, tmp_path, 6)
    wanted, _ = at_once(dumps)
    draw = random.Random(5)
    with Executor(KEY, 1) as executor:
        made = Gathering(str(tmp_path / "s"), CONFIG, KEY, JOB, executor, Stopwatch(Progress()))
        for number in range(1000):
            order = draw.sample(named, len(named))
            arrangement, missing = arranged(order, JOB, KEY)
            assert arrangement == named and not missing
            if number % 50 == 0:  # nothing else of the order goes any further
                assert plain(made.put_together(arrangement, missing).traffic) == wanted


def test_any_order_of_the_shards_themselves_says_the_same_but_for_the_numbers_of_rows(small: None, dumps: list[str], tmp_path: Path) -> None:
    named = sketched(dumps, tmp_path, 6)
    draw, seen = random.Random(6), set()
    with Executor(KEY, 1) as executor:
        made = Gathering(str(tmp_path / "s"), CONFIG, KEY, JOB, executor, Stopwatch(Progress()))
        for _ in range(40):
            traffic = made.put_together(draw.sample(named, len(named)), []).traffic
            events = sorted(zip(traffic.account.tolist(), traffic.time_us.tolist(), traffic.text.tolist(), traffic.system.tolist(), strict=True))
            seen.add(json.dumps([traffic.account_ids.to_pylist(), traffic.actor.tolist(), traffic.exact.tolist(), traffic.cluster.tolist(),
                                 traffic.similarity.tolist(), traffic.texts(np.arange(len(traffic.exact))), events]))
    assert len(seen) == 1


def test_merged_shards_and_processes_say_what_a_scan_says(small: None, dumps: list[str], tmp_path: Path) -> None:
    wanted = digest(fp.scan(dumps, config=CONFIG, key=KEY))
    named = sketched(dumps, tmp_path, 4)
    merged = fp.merge_shards(named[::-1], config=CONFIG, key=KEY)
    assert digest(merged) == wanted and not merged.manifest["missing"] and merged.campaigns
    assert merged.manifest["engine"]["shards"] == 4 and merged.manifest["inputs"] == [str(path) for path in dumps]
    four = fp.scan(dumps, config=CONFIG, key=KEY, jobs=4)
    assert digest(four) == wanted and four.manifest["engine"]["workers"] == 4 and four.manifest["engine"]["shards"] > 6


def test_more_parts_than_there_are_shards(dumps: list[str], no_detection: None, tmp_path: Path) -> None:
    named = sketched(dumps, tmp_path, 5)
    merged = fp.merge_shards(named, config=CONFIG, key=KEY)
    assert sum(gathering.about(place, KEY)["rows"] == 0 for place in named) == 4
    assert digest(merged) == digest(fp.scan(dumps, config=CONFIG, key=KEY))


def test_empty_input(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("", "utf-8")
    found = fp.scan(str(tmp_path / "a.jsonl"), config=CONFIG, key=KEY, state=tmp_path / "s")
    assert digest(found) == digest(fp.scan(str(tmp_path / "a.jsonl"), config=CONFIG, key=KEY)) and len(found.prompts) == 0


# what may not be mixed


def test_a_shard_that_is_not_given_is_named(small: None, no_detection: None, dumps: list[str], tmp_path: Path) -> None:
    named = sketched(dumps, tmp_path, 4)
    merged = fp.merge_shards([named[0], named[3], named[1]], config=CONFIG, key=KEY)
    assert merged.manifest["missing"] == [{"shard": "3/4", "why": "it was not given"}]


def test_what_is_given_twice_is_refused(small: None, dumps: list[str], tmp_path: Path) -> None:
    named = sketched(dumps, tmp_path, 2)
    (tmp_path / "copy").write_bytes(Path(named[1]).read_bytes())
    with pytest.raises(InputError, match="both hold"):
        arranged([*named, str(tmp_path / "copy")], JOB, KEY)
    fp.write_shard(dumps, tmp_path / "all", config=CONFIG, key=KEY)
    with pytest.raises(InputError, match="both hold"):
        arranged([named[0], str(tmp_path / "all")], JOB, KEY)


@pytest.mark.parametrize(("change", "told"), [({"version": "0.0.9"}, "version 0.0.9"), ({"scheme": "other"}, "scheme other"),
                                              ({"sketch": {"ngram": 5, "num_perm": 128, "threshold": 0.8}}, "threshold=0.8")])
def test_shards_of_another_making_are_refused(change: dict[str, Any], told: str, dumps: list[str], tmp_path: Path) -> None:
    [place] = sketched(dumps, tmp_path, 1)
    about = gathering.about(place, KEY)
    files.write(str(tmp_path / "other"), {**about, "job": {**about["job"], **change}}, [], KEY)
    with pytest.raises(InputError, match=told):
        arranged([place, str(tmp_path / "other")], JOB, KEY)


def test_shards_of_another_key_are_refused_by_its_name(dumps: list[str], tmp_path: Path) -> None:
    [place] = sketched(dumps, tmp_path, 1)
    with pytest.raises(InputError, match=f"{KEY.key_id}.*--key-file"):
        fp.merge_shards([place], config=CONFIG, key=fp.Key(bytes(16)))


def test_a_file_of_another_step_is_no_shard(small: None, dumps: list[str], tmp_path: Path) -> None:
    gathered(dumps, tmp_path)
    with pytest.raises(InputError, match="no shard but"):
        arranged([str(tmp_path / "texts-000000.shard")], JOB, KEY)
    for name in ("texts-000000.shard", "job.shard"):
        with pytest.raises(InputError, match="no shard but"):
            shard_config(tmp_path / name, KEY)
    with pytest.raises(InputError, match="no shard was named"):
        fp.merge_shards([], key=KEY)


def test_the_configuration_of_a_shard_can_be_asked(dumps: list[str], tmp_path: Path) -> None:
    sketch = fp.SketchConfig(threshold=0.8)
    fp.write_shard(dumps, tmp_path / "s", config=fp.ScanConfig(sketch=sketch), key=KEY)
    assert shard_config(tmp_path / "s", KEY) == sketch


@pytest.mark.parametrize("part", [(0, 2), (3, 2), (1, 0)])
def test_parts_that_are_none(part: tuple[int, int], dumps: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a part is one of"):
        fp.write_shard(dumps, tmp_path / "s", part=part, key=KEY)


def test_lost_inputs_are_missing_shards_and_all_of_them_an_error(small: None, dumps: list[str], tmp_path: Path) -> None:
    own = [_copied(path, tmp_path) for path in dumps]
    shards = read_events(own).divided()
    Path(own[2]).unlink()
    with Executor(KEY, 1) as executor:
        made = Gathering(str(tmp_path / "s"), CONFIG, KEY, JOB, executor, Stopwatch(Progress())).gather(shards)
    assert made.missing and all("2.parquet" in one["shard"] and "cannot be read" in one["why"] for one in made.missing)
    lost = pq.read_metadata(dumps[2]).num_rows
    assert made.accounting.read == read_all(dumps) - lost
    for path in own:
        Path(path).unlink(missing_ok=True)
    with Executor(KEY, 1) as executor, pytest.raises(InputError, match="cannot be read"):
        Gathering(str(tmp_path / "t"), CONFIG, KEY, JOB, executor, Stopwatch(Progress())).gather(shards)


def read_all(dumps: list[str]) -> int:
    reader = read_events(dumps)
    list(reader)
    return reader.accounting.read


def _copied(path: str, folder: Path) -> str:
    copy = folder / Path(path).name
    copy.write_bytes(Path(path).read_bytes())
    return str(copy)


# skew


def hot(n: int, kind: str) -> Iterator[dict[str, Any]]:
    """Yield rows of which half have one account, or share a beginning so long that most of their bands are the same."""
    rng = random.Random(3)
    same = " ".join(str(rng.random()) for _ in range(40))
    for i in range(n):
        own = " ".join(str(rng.random()) for _ in range(3))
        is_hot = i % 2 == 0
        yield {"account_id": "hot" if is_hot and kind == "account" else f"a{i % 40}", "timestamp": 1_767_225_600 + i,
               "prompt": f"{same} {own}" if is_hot and kind == "band" else f"{own} {rng.random()}"}


@pytest.mark.parametrize("kind", ["account", "band"])
def test_half_of_all_in_one_place_is_not_the_work_of_one_worker(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 1600
    monkeypatch.setattr(extents, "SHARD_BYTES", 60_000)
    monkeypatch.setattr(gathering, "TEXTS_PER_PART", 200)
    rows = list(hot(n, kind))
    for i in range(16):
        (tmp_path / f"{i:02}.jsonl").write_text("\n".join(map(json.dumps, rows[i * 100 : (i + 1) * 100])), "utf-8")
    dumps = sorted(str(path) for path in tmp_path.glob("*.jsonl"))
    found = gathered(dumps, tmp_path / "s")
    assert plain(found.traffic) == at_once(dumps)[0]
    sizes = {step: [path.stat().st_size for path in sorted((tmp_path / "s").glob(f"{step}-*"))] for step in ("shard", "texts", "bands", "company")}
    assert all(max(of_step) <= 2.2 * np.mean(of_step) for of_step in sizes.values()), sizes
    ranges = [File(str(path), KEY) for path in sorted((tmp_path / "s").glob("texts-*"))]
    for part in range(len(ranges)):  # of one key each part tells once
        keys = [np.split(files_keys(one, part), np.cumsum(one.listed("keys")[part]["n"])[:-1]) for one in ranges]
        assert all((np.diff(band >> np.uint64(32)) > 0).all() for one in keys for band in one)
    for one in ranges:
        one.close()


def files_keys(one: File, part: int) -> Any:
    return reducing.plain(reducing.unpack(one.block("keys", part)), "key")


def test_company_is_everybody_who_shares_a_key(small: None, dumps: list[str], tmp_path: Path) -> None:
    gathered(dumps, tmp_path)
    shards, ranges, companies = ([File(str(path), KEY) for path in sorted(tmp_path.glob(f"{kind}-*"))] for kind in ("shard", "texts", "company"))
    by_key: dict[tuple[int, int], set[int]] = {}
    for shard in shards:
        for texts, bands in zip(shard.blocks("texts"), shard.blocks("band_keys"), strict=True):
            exact, block = reducing.plain(reducing.unpack(texts), "exact"), reducing.unpack(bands)
            keys, signed = reducing.matrix(block, "keys", np.uint32), reducing.plain(block, "signed")
            for text, of_text in zip(exact[signed].tolist(), keys[signed].tolist(), strict=True):
                for band, key in enumerate(of_text):
                    by_key.setdefault((band, key), set()).add(text)
    wanted = {text for (_, key), texts in by_key.items() if len(texts) > 1 and key for text in texts}
    found: set[int] = set()
    for one, company in zip(ranges, companies, strict=True):
        texts = reducing.plain(reducing.unpack(one.block("texts")), "exact")
        for data in company.blocks("company"):
            found |= set(texts[reducing.plain(reducing.unpack(data), "number")].tolist())
    assert found == wanted and len(wanted) > 100


def test_parts_of_the_range_cover_it() -> None:
    for n in (1, 2, 3, 7, 4096):
        ends = [bounds(part, n) for part in range(n)]
        assert ends[0][0] == 0 and ends[-1][1] == 1 << 64 and all(one[1] == other[0] for one, other in pairwise(ends))


def test_neighbours_of_one_file_are_read_in_one_go() -> None:
    shards = [[Extent("a", (0, 2), 5)], [Extent("a", (2, 3), 4), Extent("b", (0, 1), 1)], [Extent("b", (2, 3), 1)]]
    assert portion(shards, 0, 1) == [Extent("a", (0, 3), 9), Extent("b", (0, 1), 1), Extent("b", (2, 3), 1)]


def test_portions_hold_everything_once() -> None:
    shards = [[Extent(f"{i}a"), Extent(f"{i}b")] for i in range(7)]
    for n in (1, 2, 5, 7, 9):
        parts = [portion(shards, i, n) for i in range(n)]
        assert [extent for part in parts for extent in part] == [extent for shard in shards for extent in shard]


def test_the_division_does_not_depend_on_who_divides(small: None, dumps: list[str]) -> None:
    shards = read_events(dumps).divided()
    assert shards == read_events(dumps).divided() and len(shards) > 6
    groups: dict[str, list[Any]] = {}
    for extent in (extent for shard in shards for extent in shard):
        groups.setdefault(extent.path, []).append(extent.part)
    assert list(groups) == dumps
    for path, found in groups.items():
        if found != [None]:
            end = Path(path).stat().st_size if path.endswith("jsonl") else pq.ParquetFile(path).num_row_groups
            assert found[0][0] == 0 and found[-1][1] == end and all(one[1] == other[0] for one, other in pairwise(found))
    for shard in shards:
        rows = sum(pq.ParquetFile(e.path).metadata.row_group(g).num_rows for e in shard if e.part and e.path.endswith("parquet") for g in range(*e.part))
        assert rows <= 300
    assert [Extent.from_list(json.loads(json.dumps(extent.to_list()))) for extent in shards[0]] == shards[0]


# files


def test_files_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    place = str(tmp_path / "deep" / "f")
    made = files.write(place, {"a": 1}, [Block("x", b"one", {"n": 1}), Block("y", b"", {}), Block("x", memoryview(b"two"), {"n": 2})], KEY)
    file = File(place, KEY)
    assert file.about == {"a": 1, "key_id": KEY.key_id} and file.size == made["size"] == Path(place).stat().st_size and file.seal == made["seal"]
    assert list(file.blocks("x")) == [b"one", b"two"] and file.block("y") == b"" and list(file.blocks("z")) == [] and file.listed("x") == [{"n": 1}, {"n": 2}]
    file.close()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["f"], "nothing is left aside"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["flip", "cut", "grow", "zero"]))
def test_damage_is_noticed_whatever_it_is(at: int, how: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "f"
        files.write(str(place), {"kind": "k", "n": [1, 2]}, [Block("x", bytes(range(256)), {}), Block("y", b"abc", {"n": 3})], KEY)
        data = bytearray(place.read_bytes())
        at %= len(data)
        if how == "flip":
            data[at] ^= 1 << at % 8
        elif how == "zero":
            data[at] = 0
        place.write_bytes(bytes(data[:at]) if how == "cut" else bytes(data) + b"\0" * (at + 1) if how == "grow" else bytes(data))
        try:
            file = File(str(place), KEY)
        except InputError as error:
            assert "no usable shard" in str(error)
            return
        try:
            assert list(file.blocks("x")) == [bytes(range(256))] and file.block("y") == b"abc"
        except InputError as error:
            assert "not what was written" in str(error)
        file.close()


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def blocks() -> Iterator[Block]:
        yield Block("x", b"one", {})
        raise OSError(28, "No space left on device")

    (tmp_path / "f").write_bytes(b"before")
    with pytest.raises(OSError, match="No space"):
        files.write(str(tmp_path / "f"), {}, blocks(), KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["f"] and (tmp_path / "f").read_bytes() == b"before"


def test_no_key_and_no_prompt_stands_in_what_is_said(dumps: list[str], tmp_path: Path) -> None:
    [place] = sketched(dumps, tmp_path, 1)
    about = json.dumps(gathering.about(place, KEY))
    assert KEY.material.hex() not in about and "think" not in about.lower() and KEY.material not in Path(place).read_bytes()
    assert Path(place).stat().st_mode & 0o777 == 0o600



def test_history_in_parts_knows_what_it_knows_as_a_whole(small: None, no_detection: None, dumps: list[str], tmp_path: Path) -> None:
    hashing = Hashing(KEY, CONFIG.sketch, 1)
    whole, about = remember(dumps, hashing, None, None, Stopwatch(Progress()))
    with Executor(KEY, 1) as executor:
        made = Gathering(str(tmp_path / "s"), CONFIG, KEY, JOB, executor, Stopwatch(Progress()))
        parts, told = remember(dumps, hashing, None, None, Stopwatch(Progress()), made.observe)
    assert told == about and about["read"] == read_all(dumps)
    for name, found in (("whole", whole), ("parts", parts)):
        found.save(tmp_path / f"{name}.prevalence")
    assert (tmp_path / "whole.prevalence").read_bytes() == (tmp_path / "parts.prevalence").read_bytes()
    two = fp.scan(dumps[:2], config=CONFIG, key=KEY, history=[*dumps[2:], tmp_path / "whole.prevalence"], jobs=2)
    one = fp.scan(dumps[:2], config=CONFIG, key=KEY, history=[*dumps[2:], tmp_path / "whole.prevalence"])
    assert two.manifest["history"] == one.manifest["history"] and one.manifest["history"]["read"] > 1000


def test_a_lost_part_of_the_history_is_an_error(small: None, dumps: list[str], tmp_path: Path) -> None:
    own = [_copied(path, tmp_path) for path in dumps]
    reader = read_events(own)
    Path(own[-1]).unlink()
    with Executor(KEY, 1) as executor, pytest.raises(InputError, match=r"z\.jsonl"):
        Gathering(str(tmp_path / "s"), CONFIG, KEY, JOB, executor, Stopwatch(Progress())).observe(reader, Hashing(KEY, CONFIG.sketch, 1).new())
