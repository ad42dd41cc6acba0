"""The files of a state: pieces, journals, folding, expiry, erasure, and what is found again however the process ended."""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fingerprint.errors import ConfigError, InputError
from fingerprint.keys import Key
from fingerprint.sketch import exact_hashes, sketch
from fingerprint.stream import care, frames
from fingerprint.stream.journal import Entry, path_of
from fingerprint.stream.pieces import Accepted, Content, Leaders, Piece, collect, merge, name_hashes, spellings, write
from fingerprint.stream.state import State
from fingerprint.stream.window import Window

ABOUT = {"sketch": "test", "num_perm": 16, "span_us": 100}
Row = tuple[str, int, str, str | None]  # account, time, prompt, organisation


def accepted(rows: list[Row], key: Key) -> Accepted:
    """Return rows as the detector hands them over; each text is the leader of its own cluster."""
    prompts = pa.array([row[2] for row in rows], pa.large_string())
    exact = exact_hashes(prompts, key=key)
    batch = pa.RecordBatch.from_pydict({
        "account_id": pa.array([row[0] for row in rows], pa.string()), "timestamp": pa.array([row[1] for row in rows], pa.int64()), "prompt": prompts,
        "system": pa.array([row[2][:3] or None for row in rows], pa.large_string()), "org_id": pa.array([row[3] for row in rows], pa.string()),
        "conversation_id": pa.array([None for _ in rows], pa.string())})
    return Accepted(batch, np.array([row[1] for row in rows], np.int64) // ABOUT["span_us"], exact, exact, np.ones(len(rows), np.float32))


def leaders_of(key: Key) -> Callable[..., Leaders]:
    """Return what signs the texts of a piece."""
    def sign(content: Content) -> Leaders:
        found, first = np.unique(content.texts.exact, return_index=True)
        made = sketch(content.take(first), key=key, num_perm=16)
        return Leaders(found, made.signatures.n_shingles > 0, made.signatures.values.astype(np.uint8))

    return sign


def rows_of(contents: list[Content]) -> list[Row]:
    """Return the events of pieces, sorted."""
    found = []
    for content in contents:
        names, orgs, prompts = content.names["account"].to_pylist(), [*content.names["org"].to_pylist(), None], content.take(np.arange(len(content.texts)))
        events = content.events
        assert (events.text >= 0).all() and len(set(events.text.tolist())) == len(content.texts)
        assert [system == -1 for system in events.system.tolist()] == [prompts[text].as_py() == "" for text in events.text.tolist()]
        found += [(names[a], t, prompts[x].as_py(), orgs[o])
                  for a, t, x, o in zip(events.account.tolist(), events.time_us.tolist(), events.text.tolist(), events.org.tolist(), strict=True)]
    return sorted(found, key=str)


class Held:
    """A state that is driven as the detector drives it."""

    def __init__(self, folder: Path, key: Key, salvage: bool = False, window_us: int = 400) -> None:
        self.key, self.sign = key, leaders_of(key)
        self.state = State(folder, key, ABOUT, lambda span_us: Window.of(window_us, span_us, None, 0), salvage)
        try:
            for entry, batch in self.state.replay():
                self.take_in(entry, batch)
            self.state.begin()
        except BaseException:
            self.state.abandon()
            raise

    def take_in(self, entry: Entry, batch: pa.RecordBatch | None) -> None:
        rows = [] if batch is None else list(zip(*(batch.column(c).to_pylist() for c in ("account_id", "timestamp", "prompt", "org_id")), strict=True))
        self.state.take_in(entry, accepted(rows, self.key) if rows else None)
        self.state.gone.clear()

    def observe(self, rows: list[Row], position: int = 0, durable: bool = True) -> None:
        window = self.state.window
        _, verdict = window.place(np.array([row[1] for row in rows], np.int64), 1 << 60)
        kept = [row for row, late in zip(rows, verdict.tolist(), strict=True) if not late]
        window = window.after(np.array([row[1] for row in kept], np.int64))
        counts = {"read": len(rows), "accepted": len(kept)} | ({"rejected:late": len(rows) - len(kept)} if len(kept) < len(rows) else {})
        entry = Entry(counts, {"p": str(position)}, window.watermark, window.oldest, window.floor, [("p", "7", "late")] * (len(rows) - len(kept)))
        batch = accepted(kept, self.key).batch if kept else None
        self.state.append(entry, batch, durable)
        self.take_in(entry, batch)

    def rows(self) -> list[Row]:
        return rows_of(self.state.contents())

    def facts(self) -> tuple[Any, ...]:
        state = self.state
        return self.rows(), +Counter(state.counts), dict(state.positions), state.window, +state.live

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.state.close()


BASE: list[Row] = [("ann", 1000, "What is it?", None), ("bob", 1010, "what is  it?", "acme"), ("ann", 1120, "", None),
                   ("cy", 1130, "Another thing entirely", None), ("ann", 1250, "What is it?", None)]


def test_it_comes_back_after_closing_and_after_a_kill(tmp_path: Path, key: Key) -> None:
    with Held(tmp_path, key) as held:
        held.observe(BASE[:3], 3)
        held.observe(BASE[3:], 5)
        facts = held.facts()
        assert held.rows() == sorted(BASE, key=str) and facts[2] == {"p": "5"}
    for _ in range(2):
        held = Held(tmp_path, key)
        assert held.facts() == facts and held.state.torn == 0
        held.state.abandon()
    with Held(tmp_path, key) as held:
        held.state.fold(held.sign)
        assert held.facts() == facts and not held.state.fold(held.sign)
    with Held(tmp_path, key) as held:
        assert held.facts() == facts
        report = care.verify(tmp_path, key)
        assert report.n_live == 5 and report.positions == {"p": "5"} and report.n_pieces == 3


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_history_is_found_again(tmp_path: Path, key: Key, data: st.DataObject) -> None:
    folder = tmp_path / "state"
    shutil.rmtree(folder, ignore_errors=True)
    held, n, now, model = Held(folder, key), 0, 1000, list[Row]()
    forgotten: dict[str, int] = {}
    for _ in range(data.draw(st.integers(1, 12))):
        step = data.draw(st.sampled_from(["observe", "observe", "observe", "fold", "compact", "forget", "close", "kill"]))
        if step == "observe":
            now += data.draw(st.integers(0, 150))
            rows = [(data.draw(st.sampled_from("abc")), now - data.draw(st.integers(0, 450)), data.draw(st.sampled_from(["x y z", "X y z", "", "other"])), None)
                    for _ in range(data.draw(st.integers(0, 4)))]
            rows = [row for row in rows if row[1] > forgotten.get(row[0], -1)]
            n += len(rows)
            before = held.state.counts["accepted"]
            held.observe(rows, n)
            assert held.state.counts["accepted"] - before <= len(rows)
            model += rows
        elif step == "fold":
            held.state.fold(held.sign)
        elif step == "compact":
            held.state.compact(held.sign)
        elif step == "forget":
            name = data.draw(st.sampled_from("abc"))
            held.state.forget({int(name_hashes(pa.array([name]), key)[0]): now}, held.sign)
            forgotten[name] = now
            model = [row for row in model if row[0] != name or row[1] > now]
        else:
            facts = held.facts()
            held.state.close() if step == "close" else held.state.abandon()
            held = Held(folder, key)
            assert held.facts() == facts
        state = held.state
        alive, first = held.rows(), state.window.first * 100
        assert len(alive) == state.n_live and all(row in model for row in alive) and all(row[1] >= first for row in alive)
        assert state.counts["accepted"] == state.n_live + state.counts["expired"] + state.counts["erased"] + state.counts["dropped"]
    report = care.verify(folder, key)
    assert report.n_live == held.state.n_live and Counter(report.counts) == +Counter(held.state.counts)
    held.state.close()


def test_whole_spans_expire_and_their_files_go(tmp_path: Path, key: Key) -> None:
    with Held(tmp_path, key) as held:
        held.observe(BASE)
        held.state.fold(held.sign)
        held.observe([("dot", 1500, "later", None)])
        assert held.state.counts["expired"] == 2 and held.state.window.first == 11
        assert [row[1] for row in held.rows()] == [1120, 1250, 1130, 1500]
        held.observe([("eve", 1050, "too late", None)])
        assert held.state.counts["rejected:late"] == 1
        held.state.fold(held.sign)
        assert sorted(path.name.split("-")[1] for path in tmp_path.glob("span-*")) == ["11", "12", "15"]
        assert [body for _, body in held.state.ledger.rows("rejects")] == [b"p\t7\tlate"]


def test_forgetting_leaves_no_byte_after_compaction(tmp_path: Path, key: Key) -> None:
    canary = "zebra-canary-4711"
    with Held(tmp_path, key) as held:
        held.observe([*BASE, (canary, 1150, f"nobody else says {canary}", canary), (canary, 1160, "What is it?", None)])
        held.state.fold(held.sign)
        held.observe([(canary, 1260, f"again {canary}", None)])
        hashed = int(name_hashes(pa.array([canary]), key)[0])
        gone = held.state.forget({hashed: 2000}, held.sign)
        assert sum(len(part.events) for part in gone) == 3 and held.state.counts["erased"] == 3
        assert held.rows() == sorted(BASE, key=str)
        assert held.state.forget({hashed: 2000}, held.sign) == []
        held.state.compact(held.sign)
        assert held.rows() == sorted(BASE, key=str)
        facts = held.facts()
    found = [path.name for path in tmp_path.iterdir() if canary.encode() in path.read_bytes()]
    assert not found
    contents = []
    for path in tmp_path.glob("span-*"):
        content = Piece(path, 0, _mac(path, key), 0).read(key)
        contents.append(content)
    assert canary not in str([(c.names, c.take(np.arange(len(c.texts)))) for c in contents])
    with Held(tmp_path, key) as held:
        assert held.facts() == facts and held.state.suppressed == {hashed: 2000}


def _mac(path: Path, key: Key) -> str:
    reader = frames.FrameReader(path, key)
    for _ in reader:
        pass
    assert reader.last is not None
    return reader.last.mac.hex()


@pytest.mark.parametrize("seed", range(4))
def test_pieces_add_up_in_any_order(tmp_path: Path, key: Key, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows: list[Row] = [(f"a{rng.integers(5)}", int(rng.integers(1000)), str(rng.choice(["one", "One", "two", "", "three words here"])),
                        str(rng.integers(2)) if rng.random() < 0.5 else None) for _ in range(60)]
    cut = np.split(rng.permutation(60), sorted(rng.integers(0, 60, 3)))
    parts = [collect([accepted([rows[i] for i in part], key)], key) for part in cut if len(part)]
    whole = merge(parts)
    assert rows_of([whole]) == rows_of(parts) == sorted(rows, key=str)
    assert len(whole.texts) == len({row[2] for row in rows}) and len(set(whole.names["account"].to_pylist())) == len(whole.names["account"])
    prompts = whole.take(np.arange(len(whole.texts)))
    assert (whole.texts.spelling == spellings(prompts, key)).all() and (whole.texts.exact == exact_hashes(prompts, key=key)).all()
    sign = leaders_of(key)
    mac = write(tmp_path / "span-1-1", 1, whole, sign(whole), key)
    piece = Piece(tmp_path / "span-1-1", 1, mac, 60)
    assert rows_of([piece.read(key)]) == sorted(rows, key=str)
    leaders = piece.leaders(key, 16)
    assert (leaders.values == sign(whole).values).all() and set(leaders.exact) == set(whole.texts.exact)


def test_a_second_process_is_refused(tmp_path: Path, key: Key) -> None:
    with Held(tmp_path, key), pytest.raises(ConfigError, match=f"in use by process {os.getpid()}"):
        Held(tmp_path, key)
    Held(tmp_path, key).state.close()


def test_other_settings_are_refused(tmp_path: Path, key: Key) -> None:
    Held(tmp_path, key).state.close()
    with pytest.raises(ConfigError, match="another num_perm"):
        State(tmp_path, key, {**ABOUT, "num_perm": 32}, lambda span: Window.of(1, span, None, 0))
    with pytest.raises(InputError, match="made with key"):
        Held(tmp_path, Key(bytes(16)))
    Held(tmp_path, key).state.close()


def test_a_folder_of_something_else_is_refused(tmp_path: Path, key: Key) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        Held(tmp_path, key)
    assert (tmp_path / "letters.txt").read_text() == "mine"


@pytest.fixture
def closed(tmp_path: Path, key: Key) -> Iterator[Path]:
    """A closed state with pieces, two journals, and a crash in between."""
    folder = tmp_path / "whole"
    with Held(folder, key) as held:
        held.observe(BASE[:2], 2)
        held.state.fold(held.sign)
        held.observe(BASE[2:3], 3)
    held = Held(folder, key)
    held.observe(BASE[3:4], 4)
    held.state.abandon()
    with Held(folder, key) as held:
        held.observe(BASE[4:], 5)
    yield folder


def test_a_missing_file_is_noticed(closed: Path, key: Key, tmp_path: Path) -> None:
    for path in sorted(closed.iterdir()):
        if path.name != "lock":
            copy = tmp_path / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(closed, copy)
            (copy / path.name).unlink()
            with pytest.raises(InputError):
                Held(copy, key).facts()
            with pytest.raises(InputError):
                care.verify(copy, key)


def test_a_journal_cut_short_is_noticed(closed: Path, key: Key, tmp_path: Path) -> None:
    for path in sorted(closed.glob("journal-*")):
        for cut in range(0, path.stat().st_size, 37):
            copy = tmp_path / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(closed, copy)
            os.truncate(copy / path.name, cut)
            with pytest.raises(InputError):
                Held(copy, key)


def test_an_older_ledger_is_noticed(closed: Path, key: Key, tmp_path: Path) -> None:
    old = (closed / "ledger.sqlite3").read_bytes()
    with Held(closed, key) as held:
        held.state.commit(something=1)
    (closed / "ledger.sqlite3").write_bytes(old)
    with pytest.raises(InputError, match=r"older than the journals|closed with other"):
        Held(closed, key)


def test_salvage_gives_up_the_damaged_end(closed: Path, key: Key) -> None:
    held = Held(closed, key)
    held.observe([("zoe", 1260, "lost", None)], 6)
    number = held.state.journal.number
    size = held.state.journal.size
    held.observe([("zoe", 1270, "lost too", None)], 7)
    held.state.abandon()
    data = bytearray(path_of(closed, number).read_bytes())
    data[size + 60] ^= 4
    path_of(closed, number).write_bytes(data)
    with pytest.raises(InputError, match=f"damaged at byte {size:,}"):
        Held(closed, key)
    with Held(closed, key, salvage=True) as held:
        assert held.state.torn == len(data) - size and held.state.positions == {"p": "6"}
        assert [row for row in held.rows() if row[0] == "zoe"] == [("zoe", 1260, "lost", None)]
    Held(closed, key).state.close()


def test_a_torn_frame_is_cut_off(closed: Path, key: Key) -> None:
    held = Held(closed, key)
    facts, number, size = held.facts(), held.state.journal.number, held.state.journal.size
    held.observe([("zoe", 1260, "half written", None)], 6)
    held.state.abandon()
    os.truncate(path_of(closed, number), size + 50)
    with Held(closed, key) as held:
        assert held.state.torn == 50 and held.facts() == facts


@pytest.mark.parametrize("size", [0, 7, 30])
def test_a_journal_that_was_just_being_made_is_none(closed: Path, key: Key, size: int) -> None:
    held = Held(closed, key)
    facts, number = held.facts(), held.state.journal.number
    held.state.abandon()
    writer = frames.FrameWriter(path_of(closed, number + 1), key)
    writer.append(16, b"")
    writer.close()
    os.truncate(path_of(closed, number + 1), size)
    with Held(closed, key) as held:
        assert held.facts() == facts and held.state.torn == 0
        held.state.fold(held.sign)
    held = Held(closed, key)
    held.state._rotate()
    held.state.abandon()
    os.truncate(path_of(closed, held.state.journal.number), size)
    with pytest.raises(InputError, match=f"journal {held.state.journal.number} is missing"):
        Held(closed, key)


@pytest.mark.parametrize("call", ["pwritev", "fdatasync", "fsync"])
def test_a_failing_disk_changes_nothing(tmp_path: Path, key: Key, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """The n-th call fails, for all n, during a history; what was not refused counts, and nothing else."""
    real, n_failed = getattr(os, call), 0
    for nth in range(60):
        folder = tmp_path / f"{call}-{nth}"
        held, calls, good = Held(folder, key), 0, list[Row]()

        def failing(*args: Any, nth: int = nth) -> Any:
            nonlocal calls
            calls += 1
            if calls == nth + 1:
                raise OSError(errno.EIO, "Input/output error")
            return real(*args)

        monkeypatch.setattr(frames.os, call, failing)
        for step in range(6):
            row = (f"a{step}", 1000 + 60 * step, f"prompt number {step}", None)
            try:
                held.observe([row], step)
                good.append(row)
            except OSError:
                n_failed += 1
            try:
                if step % 2:
                    held.state.fold(held.sign)
                if step == 4:
                    held.state.compact(held.sign)
            except OSError:
                n_failed += 1
        monkeypatch.undo()
        first = held.state.window.first * 100
        good = [row for row in good if row[1] >= first]
        assert held.rows() == good
        held.observe([("after", 1300, "there is room again", None)], 99)
        held.state.abandon()
        with Held(folder, key) as held:
            assert held.rows() == sorted([*good, ("after", 1300, "there is room again", None)], key=str)
        if calls <= nth:
            break
    assert n_failed > 3


def test_a_copy_is_a_state(closed: Path, key: Key, tmp_path: Path) -> None:
    with Held(closed, key) as held:
        held.observe([("zoe", 1260, "one more", None)], 6)
        facts = held.facts()
        care.copy(closed, tmp_path / "backup", key)
        held.observe([("zoe", 1270, "not in the copy", None)], 7)
    with Held(tmp_path / "backup", key) as held:
        assert held.facts() == facts
    with pytest.raises(ConfigError, match="not empty"):
        care.copy(closed, tmp_path / "backup", key)


def test_nothing_can_be_read_by_others(tmp_path: Path, key: Key) -> None:
    folder, before = tmp_path / "state", os.umask(0)
    try:
        with Held(folder, key) as held:
            held.observe(BASE)
            held.state.fold(held.sign)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
