"""Reading ahead: the same items, the same error at the same place, and no thread is left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import fingerprint as fp
from fingerprint.ahead import BATCHES, ahead, in_order
from fingerprint.errors import InputError


def readers() -> int:
    return sum(thread.name == "fingerprint-ahead" for thread in threading.enumerate())


def test_items_come_in_order_and_the_thread_ends() -> None:
    assert list(ahead(range(100))) == list(range(100)) and list(ahead([])) == [] and list(ahead([None, 0])) == [None, 0]
    assert readers() == 0


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise InputError("damaged")

    seen = []
    with pytest.raises(InputError, match="damaged"):
        for item in ahead(items()):
            seen.append(item)
    assert seen == [0, 1, 2] and readers() == 0


def test_whoever_stops_early_stops_the_thread() -> None:
    made = []

    def items() -> Iterator[int]:
        for i in range(1000):
            made.append(i)
            yield i

    for item in ahead(items()):
        if item == 5:
            break
    assert readers() == 0 and len(made) <= 6 + BATCHES + 2


def test_files_are_read_ahead_and_rows_in_memory_are_not(tmp_path: Path) -> None:
    who = set()

    def rows() -> Iterator[dict[str, str]]:
        who.add(threading.current_thread().name)
        yield {"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello"}

    assert [len(batch) for batch in fp.read_events(rows())] == [1] and who == {threading.current_thread().name}
    (tmp_path / "a.jsonl").write_text('{"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello"}\n' * 40_000, "utf-8")
    batches = iter(fp.read_events(tmp_path / "a.jsonl"))
    next(batches)
    assert readers() == 1
    batches.close()  # type: ignore[attr-defined]
    assert readers() == 0


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_order_and_faults_come_through(threads: int) -> None:
    assert list(in_order(lambda x: x * x, range(50), threads)) == [x * x for x in range(50)]

    def fails(x: int) -> int:
        if x == 7:
            raise ValueError("seven")
        return x

    with pytest.raises(ValueError, match="seven"):
        list(in_order(fails, range(50), threads))
