"""Parts of a file, read one by one, are what the file is when it is read in one go."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shards_fixture import CONFIG, KEY, plain

import fingerprint as fp
from fingerprint.errors import InputError
from fingerprint.ingest import ingest
from fingerprint.prevalence import Hashing
from fingerprint.progress import Progress, Stopwatch
from fingerprint.readers import EventReader, Extent, extents, lines, read_events
from fingerprint.readers.extents import BYTES
from fingerprint.shards.executors import Executor
from fingerprint.shards.gathering import Gathered, Gathering, arranged, portion
from fingerprint.shards.job import Job

JOB = Job.of(CONFIG.sketch, KEY)


def row(number: Any, account: str = "a", **more: Any) -> bytes:
    return json.dumps({"account_id": account, "timestamp": number, "prompt": f"what is {number}?", **more}).encode()


LINES = st.lists(st.sampled_from([row(1_767_225_600), row("2026-01-01", "é"), row(1_767_225_601, system="be brief"), b"", b"  ", b"{}", b"no json", b"\xff",
                                  row(5), b"[1]", row("2026-01-02") + b"\r", b"x" * 400]), max_size=9)


def read_of(reader: EventReader) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    events = [event for batch in reader for event in batch.to_pylist()]
    return events, reader.rejects.to_pylist()


@settings(max_examples=250, deadline=None)
@given(LINES, st.booleans(), st.booleans(), st.lists(st.integers(0, 1500), max_size=6), st.booleans())
@example([row(1), row(2)], True, True, [1, 2, 3, 4], False)  # inside and right behind the mark of byte order
@example([b"", b"", row(1)], False, True, [1, 2, 3], False)
def test_any_cuts_of_json_lines(rows: list[bytes], has_mark: bool, ends: bool, cuts: list[int], is_ahead: bool) -> None:
    data = (lines.BOM if has_mark else b"") + b"\n".join(rows) + (b"\n" if ends and rows else b"")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(lines, "MAX_ROW_BYTES", 300)
        patched.setattr("fingerprint.readers.jsonl.MAX_ROW_BYTES", 300)
        path = Path(folder) / "a.jsonl"
        path.write_bytes(data)
        whole = read_events(str(path), format="jsonl")
        events, rejects = read_of(whole)
        bounds = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
        found_events: list[dict[str, Any]] = []
        found_rejects: list[dict[str, Any]] = []
        line, counts = 0, Counter[str]()
        for part in pairwise(bounds):
            reader = EventReader.of([Extent(str(path), part, part[1] - part[0], 0, BYTES)], format="jsonl", units={str(path): "s"}, is_ahead=is_ahead)
            for found, own in zip((found_events, found_rejects), read_of(reader), strict=True):
                found += [{**one, "line": one["line"] + line} for one in own]
            counts.update({"read": reader.accounting.read, "accepted": reader.accounting.accepted, "blank": reader.accounting.blank})
            line += sum(reader.n_rows)
    assert found_events == events and found_rejects == rejects
    assert counts == Counter({"read": whole.accounting.read, "accepted": whole.accounting.accepted, "blank": whole.accounting.blank})


def test_what_is_divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extents, "SHARD_BYTES", 1000)
    text = b"\n".join(row(1_767_225_600 + i) for i in range(50))
    (tmp_path / "a.jsonl").write_bytes(text)
    (tmp_path / "b.csv").write_bytes(text)
    (tmp_path / "c.json").write_bytes(b"[" + text.replace(b"\n", b",") + b"]")
    pa.output_stream(str(tmp_path / "d.jsonl.gz"), compression="gzip").write(text)
    (tmp_path / "e.jsonl").write_bytes(b"")
    reader = read_events([str(tmp_path / name) for name in ("a.jsonl", "b.csv", "c.json", "d.jsonl.gz", "e.jsonl")])
    [first, *others] = reader.divided(1)
    parts = [extent for shard in [first, *others] for extent in shard if extent.path.endswith("a.jsonl")]
    assert len(parts) == -(-len(text) // 1000) and all(one.part is not None and one.unit == BYTES and one.size <= 1000 for one in parts)
    assert "a.jsonl (bytes 0 to" in str(parts[0]) and [Extent.from_list(one.to_list()) for one in parts] == parts
    assert all(extent.part is None for shard in others for extent in shard if extent not in parts)
    assert all(len([extent for extent in shard if extent in parts]) <= 1 for shard in [first, *others])
    assert len(reader.divided(1)) < len(reader.divided()) < len(reader.divided(100)) <= len(text) * 16 // 1000 + 16


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_small_inputs_are_divided_finely(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is something to do for everybody, and the parts that a cluster works on by hand are alike."""
    monkeypatch.setattr(extents, "SHARD_BYTES", 30_000)
    monkeypatch.setattr(extents, "SHARD_ROWS", 400)
    path, table = str(tmp_path / f"a.{kind}"), pa.Table.from_pylist([json.loads(row(1_767_225_600 + i)) for i in range(400)])
    if kind == "jsonl":
        Path(path).write_bytes(b"\n".join(json.dumps(one).encode() for one in table.to_pylist()))
    else:
        pq.write_table(table, path, row_group_size=7)
    reader = read_events(path)
    assert 14 <= len(reader.divided()) <= 20
    sizes = [sum(extent.size for extent in portion(reader.divided(16), i, 4)) for i in range(4)]
    assert max(sizes) < 1.5 * min(sizes)
    assert max(len(reader.divided(1000)), len(reader.divided(16))) <= 34, "there is an end to it"


def test_a_file_that_became_another_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    pq.write_table(pa.table({"x": [1, 2]}), path)
    for extent in (Extent(str(path), (3, 9), 6, 0, BYTES), Extent(str(path), (0, 1), 6)):
        reader = EventReader.of([extent], format="jsonl" if extent.unit != BYTES else None)
        assert read_of(reader)[1][0]["class"] == "damaged-file"


def test_so_is_one_that_lost_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([row(1_767_225_600)] * 4))
    size = path.stat().st_size
    extents = [Extent(str(path), (0, size // 2), size // 2, 0, BYTES), Extent(str(path), (size // 2, size), size // 2, 0, BYTES)]
    whole = path.read_bytes()
    path.write_bytes(whole[: size // 2 + 20])
    events, rejects = read_of(EventReader.of(extents))
    assert len(events) == 2 and [reject["class"] for reject in rejects] == ["damaged-file"]
    reader = EventReader.of(extents)
    assert list(reader) and reader.n_rows == [2, -1], "of what breaks off nobody knows the number of rows"
    path.write_bytes(whole + b"\n" + whole)
    assert len(read_of(EventReader.of(extents))[0]) == 4, "a log that grows meanwhile loses nothing of what was there"


# units of numeric times


def in_two_units(folder: Path, kind: str) -> str:
    """Write a file that begins without numbers, goes on in seconds, and has milliseconds further on, which are out of range then."""
    times = ["2026-01-01T00:00:00Z"] * 12 + [1_767_225_600 + i for i in range(12)] + [1_767_225_600_000 + i for i in range(12)] + [1_767_225_700] * 12
    if kind == "jsonl":
        (folder / "a.jsonl").write_bytes(b"\n".join(row(time, f"a{i % 5}") for i, time in enumerate(times)))
        return str(folder / "a.jsonl")
    numbers = [float(time) if not isinstance(time, str) else None for time in times]
    table = pa.table({"account_id": [f"a{i % 5}" for i in range(len(times))], "timestamp": numbers, "prompt": [f"what is {i}?" for i in range(len(times))]})
    pq.write_table(table, folder / "a.parquet", row_group_size=6)
    return str(folder / "a.parquet")


def gathering(folder: Path, executor: Executor) -> Gathering:
    return Gathering(str(folder), CONFIG, KEY, JOB, executor, Stopwatch(Progress()))


def gathered(inputs: Any, folder: Path) -> Gathered:
    with Executor(KEY, 1) as executor:
        return gathering(folder, executor).gather(read_events(inputs).divided())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extents, "SHARD_ROWS", 6)
    monkeypatch.setattr(extents, "SHARD_BYTES", 400)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_the_first_number_of_a_file_tells_the_unit_of_all_its_parts(kind: str, small: None, tmp_path: Path) -> None:
    path = in_two_units(tmp_path, kind)
    reader = read_events(path)
    wanted = plain(ingest(reader, CONFIG, KEY, Stopwatch(Progress())))
    assert reader.accounting.rejected["timestamp-out-of-range"] == 12
    found = gathered(path, tmp_path / "s")
    assert found.n_shards > 4 and plain(found.traffic) == wanted and found.accounting == reader.accounting and found.rejects.equals(reader.rejects)
    assert found.n_bytes["shard"] == sum(one.stat().st_size for one in (tmp_path / "s").glob("shard-*"))
    before = {one.name: one.stat().st_mtime_ns for one in (tmp_path / "s").glob("*")}
    assert plain(gathered(path, tmp_path / "s").traffic) == wanted, "what was made again is there"
    assert before == {one.name: one.stat().st_mtime_ns for one in (tmp_path / "s").glob("*")}


def test_so_it_does_of_a_history(small: None, tmp_path: Path) -> None:
    path = in_two_units(tmp_path, "jsonl")
    hashing = Hashing(KEY, CONFIG.sketch, 1)
    whole, parts = hashing.new(), hashing.new()
    reader = read_events(path)
    for batch in reader:
        hashing.observe(whole, batch.column("account_id").to_pylist(), batch.column("prompt"), batch.column("system"))
    with Executor(KEY, 1) as executor:
        accounting = gathering(tmp_path / "s", executor).observe(read_events(path), parts)
    assert accounting == reader.accounting and not list((tmp_path / "s").glob("*"))
    whole.save(tmp_path / "whole")
    parts.save(tmp_path / "parts")
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "parts").read_bytes()


def test_shards_made_by_hand_in_other_units_are_refused(small: None, tmp_path: Path) -> None:
    path = in_two_units(tmp_path, "jsonl")
    n = len(read_events(path).divided())
    for mapping, ends in ((None, "refused"), ({"time_unit": "s"}, "merged")):
        named = [str(tmp_path / f"{ends}{i}") for i in range(n)]
        for i, place in enumerate(named):
            fp.write_shard(path, place, part=(i + 1, n), config=CONFIG, key=KEY, mapping=mapping)
        if mapping is None:
            with pytest.raises(InputError, match=r"took the times of .*for ms, and an earlier part of that file has s; .*time_unit=s"):
                arranged(named, JOB, KEY)
        else:
            merged = fp.merge_shards(named[::-1], config=CONFIG, key=KEY)
            assert merged.prompts.equals(fp.scan(path, config=CONFIG, key=KEY, mapping=mapping).prompts)


def test_behind_a_missing_part_the_number_of_a_line_is_not_known(small: None, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([*(row(1_767_225_600 + i) for i in range(20)), b"no json"]))
    n = len(read_events(str(path)).divided())
    named = [str(tmp_path / f"s{i}") for i in range(n)]
    for i, place in enumerate(named):
        fp.write_shard(str(path), place, part=(i + 1, n), config=CONFIG, key=KEY)
    whole = fp.merge_shards(named, config=CONFIG, key=KEY)
    assert whole.prompts.column("line").to_pylist() == list(range(20)) and whole.rejects.column("line").to_pylist() == [20]
    found = fp.merge_shards(named[:1] + named[2:], config=CONFIG, key=KEY)
    got = found.prompts.column("line").to_numpy()
    assert len(found.manifest["missing"]) == 1 and 0 < (got >= 0).sum() < 8 and (np.diff(got[got >= 0]) == 1).all() and (got[-8:] == -1).all()
    assert found.rejects.column("line").to_pylist() == [-1] and found.rejects.column("offset").to_pylist() == whole.rejects.column("offset").to_pylist()
