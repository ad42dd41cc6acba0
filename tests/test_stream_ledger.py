"""The ledger: transactions are whole, and rows that were changed, lost, or brought back are noticed."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from fingerprint.errors import InputError
from fingerprint.keys import Key
from fingerprint.stream.ledger import NAME, Ledger


@pytest.fixture
def folder(tmp_path: Path, key: Key) -> Path:
    """A ledger with rows in two tables."""
    ledger = Ledger(tmp_path, key, {"journal": 1})
    with ledger.transaction():
        ledger.put("findings", [("f-1", b"one"), ("f-2", b"two" * 900)])
        ledger.put("rejects", [(n, b"row %d" % n) for n in range(200)])
        ledger.head["journal"] = 2
    ledger.close()
    return tmp_path


def contents(folder: Path, key: Key) -> tuple[object, ...]:
    """Read everything."""
    ledger = Ledger(folder, key)
    try:
        ledger.check()
        return ledger.head, ledger.version, ledger.rows("findings"), ledger.rows("rejects"), ledger.rows("changes")
    finally:
        ledger.close()


def test_it_comes_back(folder: Path, key: Key) -> None:
    head, version, findings, rejects, changes = contents(folder, key)
    assert head == {"journal": 2} and version == 2 and findings == [("f-1", b"one"), ("f-2", b"two" * 900)]
    assert [row[0] for row in rejects] == list(range(200)) and changes == []  # type: ignore[attr-defined]
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600 and sorted(p.name for p in folder.iterdir()) == [NAME]


def test_an_error_undoes_the_transaction(folder: Path, key: Key) -> None:
    before = contents(folder, key)
    ledger = Ledger(folder, key)
    with pytest.raises(ZeroDivisionError), ledger.transaction():
        ledger.drop("findings", ["f-1"])
        ledger.clear("rejects")
        ledger.head["journal"] = 99
        raise ZeroDivisionError
    assert ledger.head == {"journal": 2} and ledger.n_rows("rejects") == 200
    with ledger.transaction():
        ledger.head["journal"] = 3
    ledger.close()
    assert contents(folder, key)[2:] == before[2:]


def test_flipped_bits_are_noticed_or_change_nothing(folder: Path, key: Key) -> None:
    before, whole = contents(folder, key), (folder / NAME).read_bytes()
    rng, n_noticed = random.Random(5), 0
    for _ in range(600):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        (folder / NAME).write_bytes(damaged)
        try:
            assert contents(folder, key) == before
        except InputError:
            n_noticed += 1
    assert n_noticed > 100


@pytest.mark.parametrize("change", ["DELETE FROM findings WHERE name = 'f-1'", "UPDATE findings SET body = x'00' WHERE name = 'f-1'",
                                    "UPDATE rejects SET name = 999 WHERE name = 3", "DELETE FROM rejects", "UPDATE head SET body = x'7b7d'",
                                    "DELETE FROM head", "DROP TABLE changes",
                                    "INSERT INTO changes SELECT * FROM findings WHERE name = 'f-1'"])
def test_rows_changed_by_hand_are_noticed(folder: Path, key: Key, change: str) -> None:
    base = sqlite3.connect(folder / NAME)
    base.execute(change)
    base.commit()
    base.close()
    with pytest.raises(InputError, match="ledger"):
        contents(folder, key)


def test_a_row_that_comes_back_is_noticed(folder: Path, key: Key) -> None:
    base = sqlite3.connect(folder / NAME)
    old = base.execute("SELECT * FROM findings WHERE name = 'f-1'").fetchone()
    base.close()
    ledger = Ledger(folder, key)
    with ledger.transaction():
        ledger.drop("findings", ["f-1"])
    ledger.close()
    base = sqlite3.connect(folder / NAME)
    base.execute("INSERT INTO findings VALUES (?, ?, ?)", old)
    base.commit()
    base.close()
    with pytest.raises(InputError, match="come back"):
        contents(folder, key)


def test_other_keys_and_files_are_refused(folder: Path, key: Key, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(InputError, match=f"made with key '{key.key_id}'"):
        Ledger(folder, Key(bytes(16)))
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(InputError, match="no ledger"):
        Ledger(empty, key)
    (empty / NAME).write_bytes(b"this is not a database" * 100)
    with pytest.raises(InputError):
        Ledger(empty, key)


def test_erased_bytes_are_gone(folder: Path, key: Key) -> None:
    ledger = Ledger(folder, key)
    with ledger.transaction():
        ledger.put("findings", [("f-3", b"a secret that must not stay")])
    assert b"a secret" in (folder / NAME).read_bytes()
    with ledger.transaction():
        ledger.drop("findings", ["f-3"])
    assert b"a secret" not in (folder / NAME).read_bytes()
    ledger.shrink()
    ledger.close()
    contents(folder, key)


def test_a_copy_is_as_good(folder: Path, key: Key, tmp_path_factory: pytest.TempPathFactory) -> None:
    ledger, other = Ledger(folder, key, read_only=True), tmp_path_factory.mktemp("copy")
    ledger.copy(other)
    ledger.close()
    assert contents(other, key) == contents(folder, key)
