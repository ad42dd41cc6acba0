"""Rows that arrive in pieces become what rows of a file become, wherever they are cut."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_readers_hostile import BAD, good

from fingerprint.errors import ConfigError, InputError
from fingerprint.readers import Decoded, Decoder, RowAccounting, read_events
from fingerprint.readers.lines import BOM, MAX_ROW_BYTES, Lines, Splitter
from fingerprint.readers.shapes import PerKeys

LINES = [row for i, (row, _) in enumerate(BAD) for row in (good(i), row)]
WHERE = "kafka:events:3"
EVENT = {"account_id": "a", "timestamp": 1_772_000_000, "prompt": "hello"}


def rows_of(batches: Iterable[pa.RecordBatch]) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.to_pylist()]


def together(parts: Sequence[Decoded]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], RowAccounting]:
    total = RowAccounting()
    for part in parts:
        part.accounting.check()
        assert len(part.rejects) == part.accounting.rejected.total()
        total += part.accounting
    return rows_of(b for part in parts for b in part.batches), [row for part in parts for row in part.rejects.to_pylist()], total


def decoded_in_pieces(lines: Sequence[bytes], sizes: Iterable[int]) -> list[Decoded]:
    decoder, parts, cuts, n = Decoder(), [], iter(sizes), 0
    left = next(cuts, len(lines))
    for number, line in enumerate(lines):
        while left == 0:
            parts.append(decoder.take())
            left = next(cuts, len(lines))
        decoder.json(line, WHERE, number)
        left, n = left - 1, n + 1
    return [*parts, decoder.take()]


def check_like_a_file(lines: Sequence[bytes], sizes: Iterable[int], path: Path) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    reader = read_events(str(path), format="jsonl")
    expected = rows_of(reader)
    rows, rejects, total = together(decoded_in_pieces(lines, sizes))
    assert rows == expected
    assert rejects == [{"file": WHERE, "position": str(row["line"]), "class": row["class"]} for row in reader.rejects.to_pylist()]
    assert (total.read, total.accepted, total.blank, total.replaced) == (
        reader.accounting.read, reader.accounting.accepted, reader.accounting.blank, reader.accounting.replaced)
    assert total.rejected == reader.accounting.rejected
    facts = reader.accounting.files[str(path)]
    assert {name: total.files.get(WHERE, {}).get(name) for name in ("shape", "time_unit")} == {name: facts.get(name) for name in ("shape", "time_unit")}


def test_hostile_rows_become_what_they_become_in_a_file(tmp_path: Path) -> None:
    check_like_a_file(LINES, [7] * 100, tmp_path / "x.jsonl")


def test_more_rows_than_a_batch_holds(tmp_path: Path) -> None:
    check_like_a_file([good(i) for i in range(20_000)], [17_000], tmp_path / "x.jsonl")


CHEAP = [row for row, _ in BAD if len(row) < 10_000]
ODD_TIMES = [json.dumps({**EVENT, "timestamp": t}).encode() for t in (1_772_000_000, 1_772_000_000_000, "2026-03-01T00:00:00Z", "1772000000.5", 17)]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from([*CHEAP, *ODD_TIMES, good(1), good(2)]), max_size=40), st.lists(st.integers(0, 9), max_size=12))
def test_any_split_into_pieces_gives_the_same(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], sizes: list[int]) -> None:
    check_like_a_file(lines, sizes, tmp_path_factory.mktemp("split") / "x.jsonl")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120), st.lists(st.integers(0, 30), max_size=10))
def test_lines_are_the_same_however_bytes_arrive(data: bytes, sizes: list[int]) -> None:
    splitter, found, at = Splitter(), [], 0
    for size in [*sizes, len(data)]:
        found += splitter.feed(data[at : at + size])
        at += size
    found += [line for line in [splitter.end()] if line is not None]
    expected, offset = [], 0
    parts = data.split(b"\n")
    for number, part in enumerate(parts):
        if part or number < len(parts) - 1:
            expected.append((number, offset, part))
        offset += len(part) + 1
    assert found == expected
    assert splitter.offset == len(data) and splitter.number == len(found) and splitter.end() is None
    if not data.startswith(BOM):
        import io

        assert list(Lines(b"", io.BytesIO(data))) == expected


def test_a_line_over_the_limit_that_arrives_in_pieces_is_given_up() -> None:
    splitter = Splitter()
    pieces = [b"a" * (MAX_ROW_BYTES // 2 + 1)] * 5
    assert [line for piece in pieces for line in splitter.feed(piece)] == []
    assert len(splitter._rest) <= MAX_ROW_BYTES
    assert list(splitter.feed(b"a\nb\n")) == [(0, 0, None), (1, 5 * len(pieces[0]) + 2, b"b")]


def test_a_message_over_the_limit_is_a_counted_reject() -> None:
    decoder = Decoder()
    decoder.json(b'{"prompt": "' + b"a" * (20 << 20), WHERE, 5)
    decoder.json(good(1), WHERE, 6)
    decoded = decoder.take()
    assert decoded.rejects.to_pylist() == [{"file": WHERE, "position": "5", "class": "too-long"}] and decoded.accounting.accepted == 1


def test_rows_in_memory_are_as_read_events_has_them() -> None:
    rows = [EVENT, {"account_id": "b"}, 17, {**EVENT, "messages": [{"role": "user", "content": "x"}]}, EVENT]
    reader = read_events(rows)
    expected = rows_of(reader)
    decoder, parts = Decoder(), []
    for cut in (rows[:2], rows[2:3], [], rows[3:]):
        decoder.rows(iter(cut))
        parts.append(decoder.take())
    found, rejects, total = together(parts)
    assert found == expected and [row["line"] for row in found] == [0, 3, 4]
    assert [(row["file"], row["position"], row["class"]) for row in rejects] == [
        ("<memory>", "1", "missing-prompt"), ("<memory>", "2", "not-an-object")]
    assert total.rejected == reader.accounting.rejected


TABLE = pa.table({"account_id": ["a", "b", "", "c"], "timestamp": [1_772_000_000, 1_772_000_001, 1_772_000_002, None], "prompt": ["p", "q", "r", "s"]})


@pytest.mark.parametrize("data", [TABLE, TABLE.to_batches()[0], pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches())],
                         ids=["table", "batch", "stream"])
def test_arrow_data(data: Any) -> None:
    decoder = Decoder()
    decoder.arrow(data, "p")
    first = decoder.take()
    decoder.arrow(TABLE, "p")
    second = decoder.take()
    expected = rows_of(read_events(TABLE))
    assert rows_of(first.batches) == expected and len(expected) == 2
    assert [row["line"] for row in rows_of(second.batches)] == [4, 5]
    bad = first.accounting.rejected
    assert bad.total() == 2 and bad["missing-account"] == 1
    assert second.rejects.column("position").to_pylist() == ["6", "7"] and first.rejects.column("position").to_pylist() == ["2", "3"]


@pytest.mark.parametrize("wrong", [EVENT, "x.jsonl", b"{}", 17])
def test_what_is_no_input(wrong: Any) -> None:
    with pytest.raises(InputError, match="is due, not"):
        Decoder().rows(wrong)
    with pytest.raises(InputError, match="is due, not"):
        Decoder().arrow(wrong)
    with pytest.raises(ConfigError, match="time_unit is one of"):
        Decoder({"time_unit": "weeks"})


def test_each_partition_has_its_own_unit_of_time_for_life() -> None:
    decoder = Decoder()
    for _ in range(3):
        decoder.json(json.dumps(EVENT).encode(), "seconds", 0)
        decoder.json(json.dumps({**EVENT, "timestamp": 1_772_000_000_000}).encode(), "milliseconds", 0)
        decoded = decoder.take()
        assert {row["timestamp"].timestamp() for row in rows_of(decoded.batches)} == {1_772_000_000}
        assert decoded.accounting.files == {
            "seconds": {"shape": "plain", "time_unit": "s"}, "milliseconds": {"shape": "plain", "time_unit": "ms"}}
        assert [row["file"] for row in rows_of(decoded.batches)] == [0, 1]
    decoder.json(json.dumps({**EVENT, "timestamp": 1_772_000_000_000}).encode(), "seconds", 0)
    assert decoder.take().accounting.rejected == {"timestamp-out-of-range": 1}
    assert decoder.units == {"seconds": "s", "milliseconds": "ms"}


def test_a_part_says_what_was_known_when_it_was_taken() -> None:
    decoder = Decoder()
    decoder.rows([{**EVENT, "timestamp": "2026-03-01"}], "p")
    decoder.rows([EVENT], "q")
    first = decoder.take()
    decoder.rows([EVENT], "q")
    decoder.rows([EVENT], "p")
    second = decoder.take()
    assert first.accounting.files == {"p": {"shape": "plain"}, "q": {"shape": "plain", "time_unit": "s"}}
    assert list(second.accounting.files) == ["q", "p"] and second.accounting.files["p"] == {"shape": "plain", "time_unit": "s"}
    assert [row["file"] for row in rows_of(first.batches)] == [row["file"] for row in rows_of(second.batches)] == [0, 1]


def test_units_survive_a_restart() -> None:
    small = json.dumps({**EVENT, "timestamp": 99_000_000_000}).encode()  # milliseconds of 1973, or seconds of the year 5107
    decoder = Decoder(units={"p": "ms"})
    decoder.json(small, "p", 0)
    decoder.json(json.dumps({**EVENT, "timestamp": 1_772_000_000_000}).encode(), "p", 1)
    decoded = decoder.take()
    assert decoded.accounting.rejected == {"timestamp-out-of-range": 1} and decoded.accounting.accepted == 1
    assert decoder.units == {"p": "ms"}


def test_positions_that_are_texts() -> None:
    decoder = Decoder()
    decoder.arrow(TABLE, "p")
    for position in ("1772-0", "1772-1", 7, "1773-0"):
        decoder.json(b"poison" if position != "1772-1" else good(1), "p", position)
    decoder.row({"account_id": "a"}, "q", "1774-0")
    decoder.reject("duplicate-key", "q", "1775-0")
    decoded = decoder.take()
    assert [tuple(row.values()) for row in decoded.rejects.to_pylist()[2:]] == [
        ("p", "1772-0", "invalid-json"), ("p", "7", "invalid-json"), ("p", "1773-0", "invalid-json"), ("q", "1774-0", "missing-prompt"),
        ("q", "1775-0", "duplicate-key")]
    assert rows_of(decoded.batches)[-1]["line"] == -1


def test_mapping_and_hint() -> None:
    decoder, total = Decoder(), RowAccounting()
    mapped = Decoder({"account": "who.id"})
    for part in (decoder, mapped):
        part.rows({"who": {"id": f"u{i}"}, "ts": 1_772_000_000, "prompt": "x"} for i in range(3))
    total += decoder.take().accounting
    assert total.rejected == {"missing-account": 3} and "--map account=PATH (fields seen: 'who', 'ts', 'prompt')" in decoder.hint(total)
    decoded = mapped.take()
    assert [row["account_id"] for row in rows_of(decoded.batches)] == ["u0", "u1", "u2"] and mapped.hint(decoded.accounting) == ""


def test_nothing_is_nothing() -> None:
    decoded = Decoder().take()
    assert decoded.batches == [] and decoded.accounting == RowAccounting() and len(decoded.rejects) == 0
    assert decoded.rejects.schema == pa.schema([("file", pa.string()), ("position", pa.string()), ("class", pa.string())])


def test_a_decoder_does_not_grow_with_the_rows() -> None:
    import gc
    import tracemalloc

    decoder = Decoder()

    def some(n: int) -> None:
        for i in range(n):
            decoder.json(good(i) if i % 2 else b"poison", "p", f"{i}-0")
            decoder.rows([EVENT, {}], "q")
            if i % 500 == 499:
                decoder.take()

    some(1000)
    tracemalloc.start()
    some(1000)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    some(4000)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 60_000  # the log of rejects alone would be 6,000 * 21 bytes


def test_rows_with_ever_new_keys_do_not_fill_memory() -> None:
    kept: PerKeys[int] = PerKeys()
    for i in range(5000):
        kept.remember((f"key {i}",), i)
        assert len(kept) <= PerKeys.MAX_SETS
    kept.remember(tuple(f"key {i}" for i in range(100_000)), 1)
    assert sum(64 + len(key) for keys in kept for key in keys) <= PerKeys.MAX_SETS * PerKeys.MAX_SET_BYTES


def test_a_partition_that_is_forgotten_begins_anew() -> None:
    decoder = Decoder()
    decoder.rows([EVENT], "p")
    decoder.forget("p")
    decoder.rows([EVENT], "p")
    assert [row["file"] for row in rows_of(decoder.take().batches)] == [0, 0]
    decoder.forget("p")
    decoder.forget("never seen")
    assert decoder.units == {}
    decoder.rows([{**EVENT, "timestamp": 1_772_000_000_000}], "p")
    assert decoder.take().accounting.files == {"p": {"shape": "plain", "time_unit": "ms"}}


def test_an_accounting_adds_up() -> None:
    total = RowAccounting()
    for part in together(decoded_in_pieces(LINES, [10] * 20))[2], RowAccounting(read=1, blank=1, files={"x": {}}):
        total += part
    total.check()
    assert total.read == len(LINES) + 1 and list(total.files) == [WHERE, "x"]


def test_data_frames() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    decoder = Decoder()
    decoder.arrow(pandas.DataFrame([EVENT, EVENT]))
    assert decoder.take().accounting.accepted == 2
