"""Fast durability: batches reach the disk soon, and what the disk refuses is neither lost nor hidden."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fingerprint as fp
from fingerprint.errors import ConfigError
from fingerprint.stream import state as states
from fingerprint.stream.background import BEHIND, Background

NOW_US = 1_767_400_000_000_000


def opened(folder: Path, key: fp.Key, **options: Any) -> fp.Detector:
    settings = fp.StreamConfig(fp.ScanConfig(controls=False, threads=1), durability="fast", **{"sync_s": 1_000.0, **options})
    return fp.Detector.open(folder, settings, key=key, clock=lambda: NOW_US / 1e6)


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [{"account_id": f"a{n}", "timestamp": "2026-01-02T00:00:00Z", "prompt": f"What is the square of {n}, and why?"} for n in numbers]


def live(detector: fp.Detector) -> list[int]:
    return [n for n in range(20) if detector.account(f"a{n}")]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the next n calls of fdatasync fail."""
    real, left = os.fdatasync, 0

    def fdatasync(handle: int) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise OSError(errno.EIO, "Input/output error")
        real(handle)

    def fail(n: int) -> None:
        nonlocal left
        left = n

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    return fail


def test_batches_reach_the_disk_though_no_more_come(tmp_path: Path, key: fp.Key) -> None:
    with opened(tmp_path, key, sync_s=0.05) as detector:
        detector.observe(rows(1, 2))
        assert detector._state.journal.is_loose
        deadline = time.monotonic() + 10
        while detector._state.journal.is_loose:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        detector.observe(rows(3))
        assert detector._state.journal.is_loose
        detector.sync()
        assert not detector._state.journal.is_loose and detector.status().error == ""


def test_what_the_disk_has_lost_is_written_anew(tmp_path: Path, key: fp.Key, failing: Callable[[int], None]) -> None:
    detector = opened(tmp_path, key)
    detector.observe(rows(1), positions={"p": "1"})
    detector.sync()
    detector.observe(rows(2, 3), positions={"p": "3"})
    failing(1)
    with pytest.raises(OSError, match="Input/output"):
        detector.sync()
    assert detector._state.is_cut and live(detector) == [1, 2, 3]
    detector.observe(rows(4), positions={"p": "4"})
    assert not detector._state.is_cut
    detector._state.abandon()
    with opened(tmp_path, key) as detector:
        assert live(detector) == [1, 2, 3, 4] and dict(detector.positions) == {"p": "4"} and detector.status().n_live == 4


def test_a_source_goes_back_to_what_the_disk_has(tmp_path: Path, key: fp.Key, failing: Callable[[int], None]) -> None:
    """Nothing is written behind a gap: whoever opens the state after a crash asks for the lost rows again."""
    detector = opened(tmp_path, key)
    detector.observe(rows(1), positions={"p": "1"})
    detector.sync()
    detector.observe(rows(2), positions={"p": "2"})
    failing(100)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            detector.sync()
    with pytest.raises(OSError, match="Input/output"):
        detector.observe(rows(3), positions={"p": "3"})
    detector._state.abandon()
    failing(0)
    with opened(tmp_path, key) as detector:
        assert live(detector) == [1] and dict(detector.positions) == {"p": "1"}
        detector.observe(rows(2, 3), positions={"p": "3"})
        assert live(detector) == [1, 2, 3] and detector.status().n_live == 3


@pytest.mark.parametrize("n", range(1, 7))
def test_a_disk_that_fails_for_a_while(tmp_path: Path, key: fp.Key, failing: Callable[[int], None], n: int) -> None:
    """What was not refused counts once, whatever failed when."""
    detector, good, refused = opened(tmp_path, key), list[int](), 0
    for number in range(12):
        if number == 4:
            failing(n)
        try:
            detector.observe(rows(number))
            good.append(number)
        except OSError:
            refused += 1
        if number % 3 == 1:
            try:
                detector.snapshot() if number % 2 else detector.sync()
            except OSError:
                refused += 1
    detector.sync()
    assert refused and live(detector) == good
    detector._state.abandon()
    with opened(tmp_path, key) as detector:
        assert live(detector) == good and detector.status().n_live == len(good)


def test_closing_mends_too(tmp_path: Path, key: fp.Key, failing: Callable[[int], None]) -> None:
    detector = opened(tmp_path, key)
    detector.observe(rows(1))
    failing(1)
    with pytest.raises(OSError, match="Input/output"):
        detector.sync()
    detector.close()
    with opened(tmp_path, key) as detector:
        assert live(detector) == [1]
        detector.observe(rows(2))
        failing(100)
        with pytest.raises(OSError, match="Input/output"):
            detector.sync()
        with pytest.raises(OSError, match="Input/output"):
            detector.close()
    failing(0)
    with opened(tmp_path, key) as detector:
        assert live(detector) == [1], "and nobody else was kept out"


def test_batches_do_not_wait_for_the_disk(tmp_path: Path, key: fp.Key, monkeypatch: pytest.MonkeyPatch) -> None:
    real, slow = os.fdatasync, threading.Event()

    def fdatasync(handle: int) -> None:
        slow.wait(10)
        real(handle)

    with opened(tmp_path, key) as detector:
        detector.observe(rows(1))
        monkeypatch.setattr(states.os, "fdatasync", fdatasync)
        syncing = threading.Thread(target=detector.sync)
        syncing.start()
        detector.observe(rows(2))
        assert syncing.is_alive() and live(detector) == [1, 2]
        slow.set()
        syncing.join()
        assert detector._state.journal.is_loose, "the second batch came too late"


def test_background_work() -> None:
    background, done, lock = Background(), list[str](), threading.Event()

    def fail(error: BaseException) -> None:
        raise error

    background.submit(lock.wait)
    first = background.submit(done.append, "first")
    background.later(0.01, lambda: done.append("later"))
    background.later(0.0, lambda: done.append("left out"))
    deadline = time.monotonic() + 10
    while not done:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert done == ["later"] and not first.done()
    lock.set()
    assert background.in_turn(lambda: list(done)) == ["later", "first"]
    background.submit(fail, OSError(28, "No space left on device")).result()
    assert "No space" in background.error and background.failed is None
    background.submit(done.append, "again").result()
    assert background.error == ""
    with pytest.raises(ConfigError):
        background.in_turn(lambda: fail(ConfigError("told")))
    assert background.failed is None
    background.submit(fail, ValueError("a fault")).result()
    assert isinstance(background.failed, ValueError)
    background.later(1_000.0, lambda: done.append("never"))
    background.close()
    assert "never" not in done and "left out" not in done


@pytest.mark.skipif(not hasattr(os, "getpriority") or os.uname().sysname != "Linux", reason="a thread has no priority of its own")
def test_work_in_the_background_comes_after_batches() -> None:
    background, own = Background(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    behind = background.in_turn(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert own < behind <= own + BEHIND and os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
    background.close()
