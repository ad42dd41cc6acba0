"""Frames of the state: read back as they were written, or refused; a frame that was cut short is told from a damaged one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fingerprint.errors import InputError
from fingerprint.keys import Key
from fingerprint.stream import frames
from fingerprint.stream.frames import FrameReader, FrameWriter

CONTENTS = [b"", b"one", bytes(1000), b"\x00\xff" * 300]


def written(path: Path, key: Key, contents: list[bytes] = CONTENTS) -> list[int]:
    """Write a file; return where its frames end."""
    writer = FrameWriter(path, key)
    ends = [writer.append(kind, content).end for kind, content in enumerate(contents)]
    writer.sync()
    writer.close()
    return ends


def test_frames_come_back_in_order(tmp_path: Path, key: Key) -> None:
    ends = written(tmp_path / "a", key)
    reader = FrameReader(tmp_path / "a", key)
    assert [(f.kind, f.content, f.end) for f in reader] == list(zip(range(4), CONTENTS, ends, strict=True))
    assert reader.torn == 0 and reader.last is not None and reader.last.end == ends[-1] == (tmp_path / "a").stat().st_size


def test_a_file_cut_anywhere_ends_in_a_torn_frame(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "a"
    ends = written(path, key)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        reader = FrameReader(path, key)
        n = len(list(reader))
        assert n == sum(end <= cut for end in ends) and reader.torn == cut - ([0, *ends][n])


def test_every_flipped_bit_is_noticed(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "a"
    written(path, key)
    whole = path.read_bytes()
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=f"damaged at byte|{os.sep}a"):
            list(FrameReader(path, key))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(4)), drop=st.integers(0, 3))
def test_frames_moved_or_left_out_are_noticed(tmp_path: Path, key: Key, order: list[int], drop: int) -> None:
    path = tmp_path / "a"
    path.unlink(missing_ok=True)
    starts = [0, *written(path, key)]
    whole = path.read_bytes()
    parts = [whole[starts[i] : starts[i + 1]] for i in order if i != drop]
    path.write_bytes(b"".join(parts))
    kept = [i for i in order if i != drop]
    if kept == list(range(len(kept))):
        assert len(list(FrameReader(path, key))) == 3
    else:
        with pytest.raises(InputError):
            list(FrameReader(path, key))


def test_another_key_or_name_reads_nothing(tmp_path: Path, key: Key) -> None:
    written(tmp_path / "a", key)
    with pytest.raises(InputError):
        list(FrameReader(tmp_path / "a", Key(bytes(16))))
    (tmp_path / "a").rename(tmp_path / "b")
    with pytest.raises(InputError):
        list(FrameReader(tmp_path / "b", key))
    with pytest.raises(InputError, match="cannot be read"):
        list(FrameReader(tmp_path / "missing", key))


def test_salvage_keeps_what_is_whole(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "a"
    ends = written(path, key)
    damaged = bytearray(path.read_bytes())
    damaged[ends[1] + 40] ^= 1
    path.write_bytes(damaged)
    reader = FrameReader(path, key, salvage=True)
    assert [f.content for f in reader] == CONTENTS[:2] and reader.torn == len(damaged) - ends[1]
    assert reader.last is not None
    writer = FrameWriter(path, key, reader.last)
    writer.append(9, b"after")
    writer.close()
    assert [f.content for f in FrameReader(path, key)] == [*CONTENTS[:2], b"after"]


def test_a_full_disk_leaves_whole_frames(tmp_path: Path, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    writer = FrameWriter(path, key)
    writer.append(1, b"first")
    real = os.pwritev

    def half(fd: int, parts: list[memoryview], at: int) -> int:
        real(fd, [parts[0][:7]], at)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(frames.os, "pwritev", half)
    with pytest.raises(OSError, match="No space"):
        writer.append(2, bytes(500))
    monkeypatch.undo()
    assert [f.content for f in FrameReader(path, key)] == [b"first"]
    writer.append(3, b"there is room again")
    writer.close()
    assert [f.content for f in FrameReader(path, key)] == [b"first", b"there is room again"]


def test_short_writes_go_on(tmp_path: Path, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwritev
    monkeypatch.setattr(frames.os, "pwritev", lambda fd, parts, at: real(fd, [parts[0][:13]], at))
    written(tmp_path / "a", key)
    monkeypatch.undo()
    assert [f.content for f in FrameReader(tmp_path / "a", key)] == CONTENTS


def test_what_could_not_be_synced_is_cut_off(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "a"
    writer = FrameWriter(path, key)
    writer.append(1, b"good")
    size, mac = writer.size, writer.mac
    writer.append(2, b"doubtful")
    writer.back_to(size, mac)
    assert path.stat().st_size == size
    writer.append(3, b"after")
    writer.close()
    assert [f.content for f in FrameReader(path, key)] == [b"good", b"after"]


def test_links_are_not_followed(tmp_path: Path, key: Key) -> None:
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        FrameWriter(tmp_path / "a", key)
    with pytest.raises(InputError):
        list(FrameReader(tmp_path / "a", key))
