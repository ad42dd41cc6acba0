"""Files that grow, are renamed, truncated and read again after a crash: each row is counted once."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sources_fixture import Caller, event, names
from test_readers_hostile import BAD

from fingerprint.errors import ConfigError, InputError
from fingerprint.readers import Decoder, read_events
from fingerprint.readers.lines import BOM, MAX_ROW_BYTES
from fingerprint.sources import Source, open_source
from fingerprint.sources import files as files_module
from fingerprint.sources.files import FileSource
from fingerprint.sources.stdin import StdinSource
from fingerprint.sources.tails import CHUNK, parse_position

OPENED: list[FileSource] = []


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look at names in every poll, and wait for no writer; close what a test opened."""
    monkeypatch.setattr(files_module, "SCAN_S", 0.0)
    monkeypatch.setattr(files_module, "WAIT_S", 0.001)
    yield
    while OPENED:
        OPENED.pop().close()


def opened(pattern: Path | str, caller: Caller, follow: bool = True, max_rows: int = 1000, grace_s: float = 0.0) -> FileSource:
    source = FileSource(str(pattern), Decoder(), max_rows, follow, grace_s)
    OPENED.append(source)
    source.open(caller.positions)
    return source


def append(path: Path, *rows: bytes, end: bytes = b"\n") -> None:
    with path.open("ab") as out:
        out.write(b"".join(row + b"\n" for row in rows[:-1]) + rows[-1] + end)


def events(low: int, high: int) -> list[bytes]:
    return [event(i) for i in range(low, high)]


def age(path: Path, seconds: float) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - int(seconds * 1e9)))


def test_rows_come_as_the_file_grows(tmp_path: Path) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    source = opened(path, caller)
    assert source.poll(0.0) is None and not source.finished
    for low in range(0, 50, 10):
        append(path, *events(low, low + 10))
        delivery = source.poll(1.0)
        assert delivery is not None and delivery.n_rows == 10 and delivery.lag == 0 and list(delivery.positions) == [f"file:{path}"]
        caller.take(delivery)
    caller.save(source)
    assert caller.counts == names(range(50)) and source.poll(0.01) is None and source.lost() == []
    source.close()
    source.close()


def test_a_partial_line_waits_for_its_end(tmp_path: Path) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    line = event(1) + b"\n"
    source = opened(path, caller)
    for cut in range(len(line)):
        append(path, line[cut : cut + 1], end=b"")
        caller.take(source.poll(0.0))
        assert bool(caller.pending) == (cut == len(line) - 1)
        if cut == len(line) // 2:
            append(path, b"", end=b"")
            assert caller.take(source.poll(0.0)) == 0
    caller.save()
    assert caller.counts == names([1]) and not caller.rejected


def test_restart_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    append(path, *events(0, 3), event(3)[:11], end=b"")
    source = opened(path, caller)
    caller.drain(source)
    source.close()
    append(path, event(3)[11:], event(4))
    caller.drain(opened(path, caller))
    assert caller.counts == names(range(5)) and not caller.rejected


def test_rows_and_bytes_of_a_delivery_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    append(path, *events(0, 2500))
    source = opened(path, caller, max_rows=600)
    sizes = [caller.take(source.poll(0.0)) for _ in range(6)]
    assert sizes == [600, 600, 600, 600, 100, 0]
    caller.save()
    monkeypatch.setattr(files_module, "MAX_BYTES", 1000)
    append(path, *[event(i, "x" * 400) for i in range(9)])
    assert [caller.take(source.poll(0.0)) for _ in range(4)] == [3, 3, 3, 0]
    assert caller.counts == names(range(2500))


def test_lag_is_in_bytes(tmp_path: Path) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    append(path, *events(0, 30), b"unfinished", end=b"")
    source = opened(path, caller, max_rows=10)
    lags = []
    for _ in range(3):
        caller.take(source.poll(0.0))
        lags.append(caller.lag)
    assert lags == [len(b"".join(row + b"\n" for row in events(n, 30))) + len(b"unfinished") for n in (10, 20, 30)]


CHAIN = ("x.jsonl", "x.1.jsonl", "x.2.jsonl", "x.3.jsonl", "x.4.jsonl")
STEPS = st.tuples(st.sampled_from(["write", "part", "poll", "save", "crash", "restart", "rotate"]), st.integers(1, 9))


def rotate(folder: Path, n_before: int) -> bool:
    """Move each file of the chain up by one; say whether there was room."""
    chain = [folder / name for name in CHAIN]
    if chain[-1].exists() or not chain[0].exists():
        return False
    for older, newer in zip(chain[:0:-1], chain[-2::-1], strict=True):
        if newer.exists():
            newer.rename(older)
    age(chain[1], 1000 - n_before)  # clocks of file systems tick every few milliseconds
    return True


@pytest.mark.parametrize("pattern", ["x.jsonl", "x*.jsonl"])
@settings(max_examples=80, deadline=None)
@given(steps=st.lists(STEPS, max_size=50))
def test_any_life_of_a_file_counts_each_row_once(tmp_path_factory: pytest.TempPathFactory, pattern: str, steps: list[tuple[str, int]]) -> None:
    folder = tmp_path_factory.mktemp("life")
    path, caller, n_rotations, rest = folder / CHAIN[0], Caller(), 0, b""
    append(path, event(0))
    source, written = opened(folder / pattern, caller, max_rows=5), 1
    caller.read(source, 1)
    for step, n in steps:
        if step == "write":
            append(path, rest or event(written), *events(written + 1, written + n))
            written, rest = written + n, b""
        elif step == "part" and not rest:
            append(path, event(written)[:n], end=b"")
            rest = event(written)[n:]
        elif step == "poll":
            caller.take(source.poll(0.0))
        elif step == "save":
            caller.save(source)
        elif step in ("crash", "restart"):
            (caller.crash if step == "crash" else caller.save)()
            source.close()
            source = opened(folder / pattern, caller, max_rows=5)
        elif step == "rotate" and not rest:
            n_rotations += rotate(folder, n_rotations)
    if rest:
        append(path, rest)
        written += 1
    caller.save()
    caller.drain(source)
    source.close()
    assert caller.counts == names(range(written)) and not caller.rejected
    caller.drain(opened(folder / pattern, caller))
    assert caller.counts == names(range(written))


def test_what_was_renamed_is_read_to_its_end_first(tmp_path: Path) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    append(path, *events(0, 5))
    source = opened(path, caller)
    caller.drain(source)
    writer = path.open("ab")
    path.rename(tmp_path / "x.jsonl.1")
    append(path, *events(20, 25))
    writer.write(b"".join(row + b"\n" for row in events(5, 9)))  # it has not noticed yet
    writer.close()
    delivery = source.poll(0.0)
    assert delivery is not None
    prompts = [p for batch in delivery.decoded.batches for p in batch.column("prompt").to_pylist()]
    assert prompts == [f"row {i}" for i in [*range(5, 9), *range(20, 25)]]
    assert [place.inode for place in parse_position(delivery.positions[f"file:{path}"], "x")] == [path.stat().st_ino]


def test_a_renamed_file_may_grow_until_it_was_quiet(tmp_path: Path) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    append(path, *events(0, 5))
    source = opened(path, caller, grace_s=3600)
    caller.drain(source)
    path.rename(tmp_path / "x.jsonl.1")
    append(path, *events(20, 25))
    assert source.poll(0.0) is None
    append(tmp_path / "x.jsonl.1", *events(5, 8))
    caller.drain(source)
    assert caller.counts == names(range(8))
    source.close()
    source = opened(path, caller, grace_s=3600)  # what was waited for is waited for after a restart
    assert source.poll(0.0) is None and len(caller.positions[f"file:{path}"].split(",")) == 2
    source.grace_s = 0.0
    caller.drain(source)
    assert caller.counts == names([*range(8), *range(20, 25)])


def test_a_renamed_file_may_end_in_the_middle_of_a_row(tmp_path: Path) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    source = opened(path, caller)
    append(path, event(0), event(1)[:20], end=b"")
    caller.drain(source)
    path.rename(tmp_path / "x.jsonl.1")
    append(path, event(2), event(3), end=b"")
    caller.drain(source)
    path.rename(tmp_path / "x.jsonl.2")
    append(path, event(4))
    caller.drain(source)
    assert caller.counts == names([0, 2, 3, 4]) and caller.rejected == {"truncated": 1}
    inode = (tmp_path / "x.jsonl.1").stat().st_ino
    assert caller.rejects == [{"file": f"file:{path}", "position": f"{inode}:{len(event(0)) + 1}", "class": "truncated"}]


@pytest.mark.parametrize("n_unread", [0, 3])
def test_several_rotations_while_nobody_read(tmp_path: Path, n_unread: int) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    append(path, *events(0, 10))
    caller.drain(opened(path, caller))
    append(path, *events(10, 10 + n_unread)) if n_unread else None
    for n, name in enumerate(["x.jsonl-20261126", "x-20261127.jsonl", "x.jsonl.1"]):
        age(path, 100 - 10 * n)
        path.rename(tmp_path / name)
        append(path, *events(20 + 10 * n, 30 + 10 * n))
    for name in ("x.jsonl.bak", "x.jsonl.2.gz", "y.jsonl.1", "old-x.jsonl"):
        append(tmp_path / name, event(1000))
    append(tmp_path / "x.jsonl.0", event(1001))
    age(tmp_path / "x.jsonl.0", 5000)  # older than what was read
    caller.drain(opened(path, caller))
    assert caller.counts == names([*range(10 + n_unread), *range(20, 50)])


def test_rotated_while_nobody_read_and_then_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    append(path, *events(0, 10))
    caller.drain(opened(path, caller))
    path.rename(tmp_path / "x.jsonl.1")
    append(path, *events(10, 20))
    (tmp_path / "x.jsonl.1").unlink()
    caller.drain(opened(path, caller))
    assert caller.counts == names(range(20)) and "not in its folder any more" in caplog.text


@pytest.mark.parametrize("live", [True, False], ids=["while read", "while not"])
@pytest.mark.parametrize("n", [3, 10, 200], ids=["shorter", "as long", "longer"])
def test_truncated_and_written_anew(tmp_path: Path, live: bool, n: int, caplog: pytest.LogCaptureFixture) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    append(path, *events(100, 110))
    source = opened(path, caller)
    caller.drain(source)
    os.truncate(path, 0)
    append(path, *events(200, 200 + n))
    caller.drain(source if live else opened(path, caller))
    assert caller.counts == names([*range(100, 110), *range(200, 200 + n)]) and not caller.rejected
    assert "truncated" in caplog.text
    append(path, event(1))
    caller.drain(opened(path, caller))
    assert caller.counts == names([1, *range(100, 110), *range(200, 200 + n)])


def test_an_inode_that_is_used_again_is_another_file(tmp_path: Path) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    append(path, *events(0, 10))
    caller.drain(opened(path, caller))
    _, offset, check = caller.positions[f"file:{path}"].split(":")
    path.unlink()
    append(path, *events(500, 600))
    caller.positions[f"file:{path}"] = f"{path.stat().st_ino}:{offset}:{check}"
    caller.drain(opened(path, caller))
    assert caller.counts == names([*range(10), *range(500, 600)])


def test_an_inode_that_another_file_of_the_folder_has_now(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    append(path, *events(0, 10))
    caller.drain(opened(path, caller))
    _, offset, check = caller.positions[f"file:{path}"].split(":")
    path.rename(tmp_path / "kept")
    append(path, *events(10, 20))
    append(tmp_path / "y.log", *events(500, 600))
    caller.positions[f"file:{path}"] = f"{(tmp_path / 'y.log').stat().st_ino}:{offset}:{check}"
    caller.drain(opened(path, caller))
    assert caller.counts == names(range(20)) and "not in its folder any more" in caplog.text


def test_a_glob_takes_in_new_files_and_leaves_out_others(tmp_path: Path) -> None:
    caller = Caller()
    append(tmp_path / "a.jsonl", *events(0, 5))
    source = opened(tmp_path / "*.jsonl*", caller)
    caller.drain(source)
    append(tmp_path / "b.jsonl", *events(5, 9))
    append(tmp_path / "c.jsonl.gz", b"\x1f\x8b")
    (tmp_path / "d.jsonl").mkdir()
    os.symlink(tmp_path / "a.jsonl", tmp_path / "e.jsonl")
    os.link(tmp_path / "b.jsonl", tmp_path / "f.jsonl")
    os.mkfifo(tmp_path / "g.jsonl")
    caller.drain(source)
    caller.drain(source)
    assert caller.counts == names(range(9))
    assert sorted(caller.positions) == [f"file:{tmp_path}/{name}.jsonl" for name in "ab"]


@pytest.mark.parametrize("crash", [False, True])
def test_renamed_to_a_name_that_the_glob_fits_too(tmp_path: Path, crash: bool) -> None:
    caller = Caller()
    source = opened(tmp_path / "x*.jsonl", caller)
    for turn in range(6):
        low = 5 * turn
        append(tmp_path / CHAIN[0], *events(low, low + 4))
        if turn % 2:
            caller.drain(source)
        append(tmp_path / CHAIN[0], event(low + 4))
        if crash:
            source.close()
        (tmp_path / CHAIN[-1]).unlink(missing_ok=True)
        assert rotate(tmp_path, turn)
        if crash:
            source = opened(tmp_path / "x*.jsonl", caller)
        caller.drain(source)
    assert caller.counts == names(range(30)) and not caller.rejected
    source.close()
    caller.drain(opened(tmp_path / "x*.jsonl", caller))
    assert caller.counts == names(range(30))


def test_files_that_are_gone_are_let_go(tmp_path: Path) -> None:
    caller = Caller()
    source = opened(tmp_path / "*.jsonl", caller)
    before = len(os.listdir("/proc/self/fd"))
    for n in range(20):
        append(tmp_path / f"{n}.jsonl", event(2 * n), event(2 * n + 1), end=b"")
        caller.take(source.poll(0.0))
        (tmp_path / f"{n}.jsonl").unlink()
        caller.take(source.poll(0.0))
        caller.save()
        source.poll(0.0)
        source.poll(0.0)
    assert caller.counts == names(range(40)) and len(os.listdir("/proc/self/fd")) == before
    assert source._tails == {} and source.decoder.units == {}


def test_one_busy_file_does_not_starve_the_others(tmp_path: Path) -> None:
    caller = Caller()
    append(tmp_path / "a.jsonl", *events(0, 500))
    append(tmp_path / "b.jsonl", event(1000))
    append(tmp_path / "c.jsonl", event(1001))
    source = opened(tmp_path / "*.jsonl", caller, max_rows=10)
    for _ in range(3):
        caller.take(source.poll(0.0))
    caller.save()
    assert {"row 1000", "row 1001"} < set(caller.counts)


def test_hostile_lines(tmp_path: Path) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    rows = [row for i, (bad, _) in enumerate(BAD) for row in (event(i), bad)]
    path.write_bytes(BOM + b"\n".join(rows) + b"\n")
    reader = read_events(str(path))
    expected = [p for batch in reader for p in batch.column("prompt").to_pylist()]
    source, found = opened(path, caller, max_rows=7), []
    while (delivery := source.poll(0.0)) is not None:
        found += [p for batch in delivery.decoded.batches for p in batch.column("prompt").to_pylist()]
        caller.take(delivery)
    caller.save()
    inode = path.stat().st_ino
    assert found == expected and caller.rejected == reader.accounting.rejected
    assert [r["class"] for r in caller.rejects] == [r["class"] for r in reader.rejects.to_pylist()]
    assert [r["position"] for r in caller.rejects] == [f"{inode}:{r['offset']}" for r in reader.rejects.to_pylist()]


def test_a_line_over_the_limit(tmp_path: Path) -> None:
    path, caller = tmp_path / "x.jsonl", Caller()
    source = opened(path, caller)
    append(path, event(1), b"a" * (MAX_ROW_BYTES + CHUNK), end=b"")
    caller.drain(source)
    append(path, b"a" * CHUNK, event(2))
    caller.drain(source)
    assert caller.counts == names([1, 2]) and caller.rejected == {"too-long": 1}
    caller.drain(opened(path, caller))
    assert caller.counts == names([1, 2])


def test_without_following(tmp_path: Path) -> None:
    caller = Caller()
    append(tmp_path / "a.jsonl", *events(0, 5))
    append(tmp_path / "b.jsonl", *events(5, 8), event(8), end=b"")
    append(tmp_path / "c.jsonl", event(9)[:-5], end=b"")
    (tmp_path / "d.jsonl").touch()
    source = opened(tmp_path / "*.jsonl", caller, follow=False)
    assert not source.finished
    while not source.finished:
        caller.take(source.poll(10.0))
    caller.save()
    assert source.poll(10.0) is None
    assert caller.counts == names(range(9)) and caller.rejected == {"truncated": 1}
    again = opened(tmp_path / "*.jsonl", caller, follow=False)
    assert again.poll(10.0) is None and again.finished


def test_what_cannot_be_read(tmp_path: Path) -> None:
    caller = Caller()
    (tmp_path / "x.jsonl.gz").touch()
    os.mkfifo(tmp_path / "pipe")
    for name, message in (("nowhere/x.jsonl", "does not exist"), ("pipe", "is no file"), ("", "is a folder"), ("x.jsonl.gz", "is compressed")):
        with pytest.raises(InputError, match=message):
            opened(tmp_path / name, caller)
    for name in ("x.jsonl", "*.ndjson"):
        with pytest.raises(InputError, match=r"does not exist|no file fits"):
            opened(tmp_path / name, caller, follow=False)
    for position in ("17", "1:2:3", "1:2:0000000g", "1:2:00000000,", "-1:2:00000000"):
        with pytest.raises(InputError, match="is no position of"):
            opened(tmp_path / "x.jsonl", Caller(positions={f"file:{tmp_path / 'x.jsonl'}": position}))


def test_more_files_than_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(tmp_path / "x.jsonl", event(1))

    def refused(*_: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(files_module.LogFile, "open", refused)
    with pytest.raises(InputError, match="raise the limit"):
        opened(tmp_path / "*.jsonl", Caller())


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    append(tmp_path / "x.jsonl", event(1))
    append(tmp_path / "y.jsonl", event(2))
    (tmp_path / "x.jsonl").chmod(0)
    with pytest.raises(InputError, match="cannot be read"):
        opened(tmp_path / "x.jsonl", Caller())
    caller = Caller()
    caller.drain(opened(tmp_path / "*.jsonl", caller))
    assert caller.counts == names([2]) and "cannot be read" in caplog.text


@pytest.fixture
def pipe() -> Iterator[tuple[StdinSource, int]]:
    """Return a source of four rows a delivery, and what to write into."""
    out, into = os.pipe()
    with os.fdopen(out, "rb") as file:
        yield StdinSource(Decoder(), 4, file), into


def test_stdin_line_by_line(pipe: tuple[StdinSource, int]) -> None:
    caller = Caller(positions={"<stdin>": "17"})
    source, into = pipe
    source.open(caller.positions)
    assert source.poll(0.01) is None and not source.finished
    os.write(into, BOM + event(0) + b"\n" + event(1)[:9])
    assert caller.take(source.poll(0.0)) == 1
    os.write(into, event(1)[9:] + b"\n" + b"".join(row + b"\n" for row in [b"poison", *events(2, 9)]) + event(9))
    assert [caller.take(source.poll(0.0)) for _ in range(4)] == [4, 4, 1, 0]
    assert not source.finished
    os.close(into)
    assert caller.take(source.poll(1.0)) == 1 and source.finished and source.poll(1.0) is None
    caller.save(source)
    assert caller.counts == names(range(10)) and caller.positions == {"<stdin>": "11"}
    assert caller.rejects == [{"file": "<stdin>", "position": "2", "class": "invalid-json"}]
    source.close()


def test_a_last_line_of_stdin_that_breaks_off(pipe: tuple[StdinSource, int]) -> None:
    source, into = pipe
    os.write(into, event(0)[:-3])
    os.close(into)
    delivery = source.poll(1.0)
    assert delivery is not None and delivery.decoded.accounting.rejected == {"truncated": 1} and source.finished


def test_the_command_line_reads_stdin() -> None:
    program = ("import sys; from fingerprint.sources import open_source\n"
               "s = open_source('-'); s.open({}); n = 0\n"
               "while not s.finished:\n    d = s.poll(1); n += d.n_rows if d else 0\nsys.stdout.write(f'{s.name} {n}')")
    rng = random.Random(1)
    data = b"".join(event(i, "x" * rng.randrange(500)) + b"\n" for i in range(5000))
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode() == "<stdin> 5000"


def test_what_a_url_may_be(tmp_path: Path) -> None:
    source = open_source(str(tmp_path / "x.jsonl"), max_rows=3, follow=False)
    assert isinstance(source, FileSource) and isinstance(source, Source) and (source.max_rows, source.follow) == (3, False)
    for url, message in (("ftp://host/x", "not ftp://"), ("kafka://host:9092/events", "group=NAME"), ("kafka://host:9092?group=g", "TOPIC"),
                         ("kafka://u:p@host/t?group=g", "sasl.username"), ("redis://host?stream=s", "group=NAME"), ("redis://host?group=g", "stream=NAME")):
        with pytest.raises(ConfigError, match=message):
            open_source(url)
    with pytest.raises(ConfigError, match="at least 1"):
        open_source("x.jsonl", max_rows=0)


def test_a_client_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    from fingerprint.errors import BackendUnavailable

    for module, url in (("confluent_kafka", "kafka://h:1/t?group=g"), ("redis", "redis://h?stream=s&group=g")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(BackendUnavailable, match=r"pip install 'prompt-fingerprint\[stream\]'"):
            open_source(url)


def test_complaints_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    from fingerprint.sources.base import Complaints

    complain = Complaints(logging.getLogger("fingerprint.test"))
    for _ in range(100):
        complain("down", "%s is down", "x")
    complain("up", "%s is up", "x")
    assert caplog.messages == ["x is down", "x is up"]
