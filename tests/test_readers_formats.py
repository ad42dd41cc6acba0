"""Formats: the same events out of every format, compression and kind of input."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fingerprint.errors import ConfigError, InputError
from fingerprint.readers import read_events
from fingerprint.readers.batches import BATCH_ROWS, Batcher
from fingerprint.readers.shapes import Paths

START = datetime(2026, 1, 1, tzinfo=UTC)
RNG = random.Random(3)
EVENTS: list[dict[str, Any]] = [
    {"account_id": f"acc-{RNG.randrange(50)}", "timestamp": START + timedelta(seconds=37 * i),
     "prompt": RNG.choice(["plain", 'with "quotes", commas', "zwei\nZeilen", "中文", ""]) + f" {i}", "org_id": RNG.choice([None, "o1", "o2"])}
    for i in range(2500)]
SCHEMA = pa.schema([("account_id", pa.string()), ("timestamp", pa.timestamp("us", "UTC")), ("prompt", pa.string()), ("org_id", pa.string())])
TABLE = pa.Table.from_pylist(EVENTS, SCHEMA)


def rows_of(reader: Any) -> list[dict[str, Any]]:
    found = [row for batch in reader for row in batch.to_pylist()]
    return [{name: row[name] for name in ("account_id", "timestamp", "prompt", "org_id")} for row in found]


def plain() -> list[dict[str, Any]]:
    return [{**event, "timestamp": event["timestamp"].isoformat()} for event in EVENTS]


def encoded(kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "jsonl":
        out.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in plain()).encode())
    elif kind == "array":
        out.write(json.dumps(plain(), indent=2).encode())
    elif kind == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(EVENTS[0]))
        writer.writeheader()
        writer.writerows(plain())
        out.write(text.getvalue().encode())
    elif kind == "tsv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(EVENTS[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(plain())
        out.write(text.getvalue().encode())
    elif kind == "parquet":
        pq.write_table(TABLE, out, row_group_size=700)
    else:
        new = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
        with new(out, TABLE.schema) as writer:
            writer.write_table(TABLE, max_chunksize=600)
    return out.getvalue()


SUFFIX = {"jsonl": ".jsonl", "array": ".json", "csv": ".csv", "tsv": ".tsv", "parquet": ".parquet", "arrow": ".arrow", "stream": ".ipc"}


@pytest.mark.parametrize("compression", ["none", "gzip", "two members", "zstd"])
@pytest.mark.parametrize("kind", SUFFIX)
def test_every_format_gives_the_same_events(tmp_path: Path, kind: str, compression: str) -> None:
    data = encoded(kind)
    if compression == "gzip":
        data = gzip.compress(data)
    elif compression == "two members":
        data = gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :])
    elif compression == "zstd":
        data = pa.Codec("zstd").compress(data, asbytes=True)
    path = tmp_path / ("x" + SUFFIX[kind] + {"none": "", "zstd": ".zst"}.get(compression, ".gz"))
    path.write_bytes(data)
    reader = read_events(str(path))
    assert rows_of(reader) == EVENTS
    assert reader.accounting.accepted == reader.accounting.read == len(EVENTS)
    assert reader.consumed_bytes == reader.total_bytes == len(data)


@pytest.mark.parametrize("kind", SUFFIX)
def test_stdin(kind: str) -> None:
    program = ("import sys; from fingerprint.readers import read_events\n"
               "r = read_events('-'); n = sum(len(b) for b in r); sys.stdout.write(f'{n} {r.accounting.read}')")
    done = subprocess.run([sys.executable, "-c", program], input=encoded(kind), capture_output=True, check=True)
    assert done.stdout.decode() == f"{len(EVENTS)} {len(EVENTS)}"


def test_input_in_memory() -> None:
    assert rows_of(read_events(TABLE)) == EVENTS
    assert rows_of(read_events(TABLE.to_batches()[0])) == EVENTS
    assert rows_of(read_events(TABLE.to_reader(500))) == EVENTS
    assert rows_of(read_events(iter(EVENTS))) == EVENTS
    with pytest.raises(InputError, match="not int"):
        list(read_events(17))


@pytest.mark.parametrize("column,kind", [
    ("account_id", pa.large_string()), ("account_id", pa.dictionary(pa.int32(), pa.string())), ("account_id", pa.string_view()),
    ("timestamp", pa.timestamp("ns", "UTC")), ("timestamp", pa.timestamp("ms", "Asia/Tokyo")), ("prompt", pa.large_string()),
    ("prompt", pa.string_view())])
def test_column_types(column: str, kind: pa.DataType) -> None:
    at = TABLE.column_names.index(column)
    assert rows_of(read_events(TABLE.set_column(at, column, TABLE.column(column).cast(kind)))) == EVENTS


def test_numbers_as_times_and_accounts() -> None:
    table = pa.table({"user_id": pa.array([1, 2]), "ts": pa.array([1_772_000_000.5, 1_772_000_001.0]), "prompt": ["a", "b"]})
    found = rows_of(read_events(table))
    assert [r["account_id"] for r in found] == ["1", "2"] and found[0]["timestamp"].microsecond == 500_000


def test_whole_columns_and_single_rows_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = [{"account_id": a, "timestamp": t, "prompt": p} for a in ("x", "", None) for t in (1_772_000_000, None, 5) for p in ("q", None, "")]
    table = pa.Table.from_pylist(odd)
    fast, slow = read_events(table), read_events(odd)
    expected = rows_of(slow)
    assert rows_of(fast) == expected
    assert fast.accounting.rejected == slow.accounting.rejected and fast.accounting.read == len(odd)
    monkeypatch.setattr(Batcher, "_learn", lambda self, keys: Paths.of(keys, self.mapping))
    deep = read_events(odd)
    assert rows_of(deep) == expected and deep.accounting.rejected == slow.accounting.rejected


def test_folders_globs_and_twice_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    line = json.dumps(plain()[0]).encode() + b"\n"
    for name in ("a.jsonl", "sub/b.ndjson", "sub/.hidden.jsonl", "notes.txt"):
        (tmp_path / name).write_bytes(line)
    assert len(rows_of(read_events(str(tmp_path)))) == 2
    assert len(rows_of(read_events([str(tmp_path / "*.jsonl"), str(tmp_path / "a.jsonl")]))) == 1
    reader = read_events([str(tmp_path / "sub"), str(tmp_path / "a.jsonl")])
    batch = [row for b in reader for row in b.to_pylist()]
    assert [row["file"] for row in batch] == [0, 1] and list(reader.accounting.files)[1].endswith("a.jsonl")


@pytest.mark.parametrize("name", ["nothing.jsonl", "*.none", "empty"])
def test_what_is_not_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        read_events(str(tmp_path / name))
    with pytest.raises(ConfigError, match="format is one of"):
        read_events(str(tmp_path), format="xml")


def test_a_format_that_nothing_tells(tmp_path: Path) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(b"hello world\n")
    with pytest.raises(InputError, match="--format"):
        list(read_events(str(path)))
    path.write_bytes(encoded("jsonl"))
    assert rows_of(read_events(str(path))) == EVENTS


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"")
    reader = read_events(str(path))
    assert list(reader) == [] and reader.accounting.read == 0


def test_batches_are_bounded() -> None:
    rows = [{"account_id": "a", "timestamp": 1_772_000_000, "prompt": "p"}] * (2 * BATCH_ROWS + 5)
    assert [len(b) for b in read_events(rows)] == [BATCH_ROWS, BATCH_ROWS, 5]
    assert max(len(b) for b in read_events(pa.Table.from_pylist(rows))) <= BATCH_ROWS


def test_a_bomb_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "x.jsonl.gz"
    with gzip.open(path, "wb", 1) as out:
        for _ in range(300):
            out.write(b"a" * (1 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader = read_events(str(path))
    assert list(reader) == [] and dict(reader.accounting.rejected) == {"too-long": 1}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # kB; the row is 300 MB
