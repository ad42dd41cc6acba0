"""Hostile rows: counted by class, and their neighbours are not lost."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerprint.errors import InputError
from fingerprint.readers import read_events
from fingerprint.readers.lines import MAX_ROW_BYTES


def good(i: int) -> bytes:
    return json.dumps({"account_id": f"a{i % 97}", "timestamp": 1_772_000_000 + i, "prompt": f"prompt number {i}"}).encode()


HEAD = b'{"account_id": "x", "timestamp": 1772000000, "prompt": '
# What one row may be, and the class it must get; None: accepted, "blank": blank.
BAD: list[tuple[bytes, str | None]] = [
    (b'{"account_id": "x", "timestamp": 1772000000, "prompt": "\xff\xfe"}', "invalid-utf8"),
    (b'{"account_id": "x", "timestamp": 1772000000, "prompt": "\xed\xa0\x80"}', "invalid-utf8"),
    (b"\x00\x01\x02\x03", "invalid-json"),
    (b"{not json}", "invalid-json"),
    (HEAD + b'"unfinished', "invalid-json"),
    (b"[1, 2, 3]", "not-an-object"),
    (b'"just text"', "not-an-object"),
    (b"17", "not-an-object"),
    (b"null", "not-an-object"),
    (HEAD + b'"p", "account_id": "y"}', "duplicate-key"),
    (HEAD + b'"p", "prompt": "q"}', "duplicate-key"),
    (b'{"account_id": "x", "timestamp": 1772000000, "acc\\u006funt_id": "y", "prompt": "p"}', "duplicate-key"),
    (b'{"account_id": "x", "timestamp": 1772000000, "body": {"prompt": "p", "prompt": "q"}}', "duplicate-key"),
    (b'{"timestamp": 1772000000, "prompt": "p", "request": {"metadata": {"user_id": "x", "user_id": "y"}}}', "duplicate-key"),
    (HEAD + b'"p", "a": ' + b'{"a":' * 900 + b'1' + b"}" * 901, None),
    (b'{"account_id": "x", "timestamp": NaN, "prompt": "p"}', "number-out-of-range"),
    (b'{"account_id": "x", "timestamp": 1e999, "prompt": "p"}', "number-out-of-range"),
    (b'{"account_id": "x", "timestamp": ' + b"9" * 300 + b', "prompt": "p"}', "number-out-of-range"),
    (b'{"account_id": ' + b"9" * 5000 + b', "timestamp": 1772000000, "prompt": "p"}', "number-out-of-range"),
    (HEAD + b"[" * 100_000 + b"]" * 100_000 + b"}", "too-deep"),
    (HEAD + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}", "too-deep"),
    (HEAD + b"true}", "wrong-type"),
    (HEAD + b"12}", "wrong-type"),
    (b'{"account_id": ["x"], "timestamp": 1772000000, "prompt": "p"}', "wrong-type"),
    (b'{"account_id": true, "timestamp": 1772000000, "prompt": "p"}', "wrong-type"),
    (b'{"account_id": "x", "timestamp": {}, "prompt": "p"}', "wrong-type"),
    (b'{"timestamp": 1772000000, "prompt": "p"}', "missing-account"),
    (b'{"account_id": "", "timestamp": 1772000000, "prompt": "p"}', "missing-account"),
    (b'{"account_id": null, "timestamp": 1772000000, "prompt": "p"}', "missing-account"),
    (b'{"account_id": "x", "prompt": "p"}', "missing-timestamp"),
    (b'{"account_id": "x", "timestamp": 1772000000}', "missing-prompt"),
    (HEAD + b"null}", "missing-prompt"),
    (b'{"account_id": "x", "timestamp": 1772000000, "messages": [{"role": "assistant", "content": "p"}]}', "missing-prompt"),
    (b'{"account_id": "' + b"x" * 2000 + b'", "timestamp": 1772000000, "prompt": "p"}', "account-too-long"),
    (b'{"account_id": "x", "timestamp": "yesterday", "prompt": "p"}', "bad-timestamp"),
    (b'{"account_id": "x", "timestamp": "3000-01-01T00:00:00Z", "prompt": "p"}', "timestamp-out-of-range"),
    (b'{"account_id": "x", "timestamp": -5, "prompt": "p"}', "timestamp-out-of-range"),
    (b'{"type": "SPAN", "userId": "x", "startTime": 1772000000, "input": "p"}', "not-a-prompt"),
    (b"", "blank"),
    (b" \t\r", "blank"),
    (HEAD + b'"lone \\ud800 surrogate"}', None),
    (HEAD + b'"NUL \\u0000 inside"}', None),
    (HEAD + b'""}', None),
    (HEAD + b'"' + "é\u202e\u0301".encode() * 50 + b'"}', None),
    (HEAD + b'"p"}\r', None),
]


def read(path: Path) -> tuple[list[str], dict[str, int], int, int]:
    reader = read_events(str(path))
    prompts = [p for batch in reader for p in batch.column("prompt").to_pylist()]
    accounting = reader.accounting
    accounting.check()
    assert len(reader.rejects) == accounting.rejected.total()
    return prompts, dict(accounting.rejected), accounting.blank, accounting.read


@pytest.mark.parametrize("bad,kind", BAD, ids=[f"{i}-{kind}" for i, (_, kind) in enumerate(BAD)])
def test_each_kind_of_bad_row(tmp_path: Path, bad: bytes, kind: str | None) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join([good(1), bad, good(2)]) + b"\n")
    prompts, rejected, blank, n = read(path)
    assert n == 3 and prompts[0] == "prompt number 1" and prompts[-1] == "prompt number 2"
    assert (rejected, blank, len(prompts)) == {None: ({}, 0, 3), "blank": ({}, 1, 2)}.get(kind, ({kind: 1}, 0, 2))


def test_a_name_that_stands_twice_is_seen_whatever_came_before(tmp_path: Path) -> None:
    """What is learned about rows with some keys holds for rows with these keys, not for the objects in them."""
    row = b'{"timestamp": 1772000000, "body": {%s, "messages": [{"role": "user", "content": "p"}]}}'
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join(row % part for part in (b'"n": 1, "metadata": {"user_id": "z"}', b'"user": "a", "user": "b"', b'"user": "a"')) + b"\n")
    prompts, rejected, _, n = read(path)
    assert n == 3 and prompts == ["p", "p"] and rejected == {"duplicate-key": 1}


def test_a_name_that_was_mapped_stands_once(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    rows = [b'{"who": "a", "who": "b", "ts": 1772000000, "q": "p"}', b'{"who": "a", "ts": 1772000000, "q": "p", "n": 1, "n": 2}']
    path.write_bytes(b"\n".join(rows) + b"\n")
    reader = read_events(str(path), mapping={"account": "who", "prompt": "q"})
    assert sum(len(batch) for batch in reader) == 1 and reader.accounting.rejected == {"duplicate-key": 1}


def test_a_hundred_thousand_rows_of_which_a_tenth_is_hostile(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    cheap = [(row, kind) for row, kind in BAD if len(row) < 10_000]
    rows, expected, wanted = [], {}, []
    for i in range(100_000):
        if rng.random() < 0.1:
            row, kind = cheap[int(rng.integers(len(cheap)))]
            rows.append(row)
            expected[kind] = expected.get(kind, 0) + 1
        else:
            rows.append(good(i))
            wanted.append(f"prompt number {i}")
    path = tmp_path / "big.jsonl.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + b"\n".join(rows) + b"\n" + HEAD, 1))
    prompts, rejected, blank, n = read(path)
    assert len(cheap) >= 30 and sum(expected.values()) > 9_000
    accepted, blanks = expected.pop(None), expected.pop("blank")
    assert n == 100_001 and blank == blanks and rejected == {**expected, "truncated": 1}
    assert len(prompts) == len(wanted) + accepted
    assert [p for p in prompts if p.startswith("prompt number")] == wanted


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40).filter(lambda b: b"\n" not in b), max_size=12))
def test_byte_soup_does_not_touch_its_neighbours(tmp_path_factory: pytest.TempPathFactory, soup: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("soup") / "x.jsonl"
    rows = [good(0)]
    for i, row in enumerate(soup):
        rows += [row, good(i + 1)]
    path.write_bytes(b"\n".join(rows) + b"\n")
    prompts, rejected, blank, n = read(path)
    assert n == len(rows) and len(prompts) + sum(rejected.values()) + blank == n
    assert [p for p in prompts if p.startswith("prompt number")] == [f"prompt number {i}" for i in range(len(soup) + 1)]


def test_a_row_over_the_limit_is_skipped_over(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(good(1) + b"\n" + HEAD + b'"' + b"a" * (MAX_ROW_BYTES + 10) + b'"}\n' + good(2))
    prompts, rejected, _, n = read(path)
    assert n == 3 and rejected == {"too-long": 1} and prompts == ["prompt number 1", "prompt number 2"]


def test_the_last_row_may_lack_a_newline_or_its_end(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(good(1) + b"\n" + good(2))
    assert read(path)[0] == ["prompt number 1", "prompt number 2"]
    path.write_bytes(good(1) + b"\n" + good(2)[:-9])
    assert read(path)[:2] == (["prompt number 1"], {"truncated": 1})


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_a_compressed_stream_that_breaks_off(tmp_path: Path, cut: float) -> None:
    path = tmp_path / "x.jsonl.gz"
    rng = np.random.default_rng(0)
    rows = [json.dumps({"account_id": "a", "timestamp": 1_772_000_000, "prompt": rng.bytes(40).hex()}).encode() for _ in range(5000)]
    data = gzip.compress(b"\n".join(rows) + b"\n")
    path.write_bytes(data[: int(cut * len(data))])
    prompts, rejected, _, n = read(path)
    assert rejected == {"truncated-stream": 1} and n == len(prompts) + 1
    assert prompts == [json.loads(row)["prompt"] for row in rows[: len(prompts)]] and (cut < 0.5 or len(prompts) > 0)


def test_rejects_say_where_and_never_what(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(good(1) + b"\nSECRET{\n" + good(2) + b"\n")
    reader = read_events(str(path))
    list(reader)
    assert reader.rejects.to_pylist() == [{"file": str(path), "line": 1, "offset": len(good(1)) + 1, "class": "invalid-json"}]


def test_parquet_rows_that_are_not_utf8_or_null(tmp_path: Path) -> None:
    prompt = pa.StringArray.from_buffers(3, pa.array([0, 1, 3, 4], pa.int32()).buffers()[1], pa.py_buffer(b"a\xff\xfeb"))
    table = pa.table({"account_id": ["x", "y", None], "timestamp": pa.array([1_772_000_000] * 3), "prompt": prompt})
    path = tmp_path / "x.parquet"
    pq.write_table(table, path)
    prompts, rejected, _, _ = read(path)
    assert prompts == ["a"] and rejected == {"invalid-utf8": 1, "missing-account": 1}


def test_a_damaged_row_group_does_not_take_the_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pa.table({"account_id": ["x"] * 3000, "timestamp": [1_772_000_000] * 3000, "prompt": [rng.bytes(30).hex() for _ in range(3000)]})
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, row_group_size=1000, compression="zstd")
    data = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(1).column(2)
    start = column.dictionary_page_offset or column.data_page_offset
    for at in range(start, start + column.total_compressed_size):
        data[at] ^= 0xA5
    path.write_bytes(bytes(data))
    reader = read_events(str(path))
    prompts = [p for batch in reader for p in batch.column("prompt").to_pylist()]
    assert reader.accounting.read == 3000 and reader.accounting.rejected["damaged-file"] == 1000
    assert prompts == table.column("prompt").to_pylist()[:1000] + table.column("prompt").to_pylist()[2000:]


def test_a_file_that_is_no_parquet_file(tmp_path: Path) -> None:
    bad, fine = tmp_path / "a.parquet", tmp_path / "b.jsonl"
    bad.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    fine.write_bytes(good(1) + b"\n")
    with pytest.raises(InputError, match="is not a parquet file"):
        list(read_events(str(bad)))
    reader = read_events([str(bad), str(fine)])
    assert sum(len(b) for b in reader) == 1 and dict(reader.accounting.rejected) == {"damaged-file": 1}


CSV = b"account_id,timestamp,prompt\n"


@pytest.mark.parametrize("bad,kind", [
    (b"x,1772000000", "wrong-field-count"), (b"x,1772000000,p,more", "wrong-field-count"), (b'x,1772000000,"never closed', "unbalanced-quote"),
    (b'x,1772000000,"p"q', "unbalanced-quote"), (b"x,1772000000,\xff", "invalid-utf8"), (b",1772000000,p", "missing-account"),
    (b"x,,p", "missing-timestamp"), (b"x,soon,p", "bad-timestamp")])
def test_a_bad_csv_row_takes_no_other_with_it(tmp_path: Path, bad: bytes, kind: str) -> None:
    path = tmp_path / "x.csv"
    fine = [f'a,1772000000,"row {i}, ""quoted""\nand on"'.encode() for i in range(4)]
    path.write_bytes(CSV + b"\n".join([*fine[:2], bad, *fine[2:]]) + b"\n")
    prompts, rejected, _, n = read(path)
    assert prompts == [f'row {i}, "quoted"\nand on' for i in range(4)] and rejected == {kind: 1} and n == 5
