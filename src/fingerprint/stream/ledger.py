"""The ledger: what files of the state count, row accounting, positions, findings and alerts, in sqlite3.

SQLite keeps a transaction whole and checks no page, so every row bears a keyed MAC, and the head, which is one row, the number of rows of each table and the
sum of their MACs: a row that was changed, lost or brought back is noticed.
"""

from __future__ import annotations

import hmac
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from threading import RLock
from typing import Any

from ..errors import ConfigError, InputError
from ..keys import Key

NAME = "ledger.sqlite3"
SCHEMA = "fp-state-1"
TABLES = ("findings", "changes", "standings", "alerts", "rejects", "forgotten")
_MODULUS = 1 << 128
_FAILURES = (sqlite3.Error, OverflowError, UnicodeError)  # what SQLite says of damage may quote bytes that are no text
_MAX_BYTES = 1 << 26  # of a row
Row = tuple[int, bytes] | tuple[str, bytes]


class Ledger:
    """Rows of bytes by table and name, and a head of plain values; all changes of one transaction come to the disk together or not at all.

    Parameters
    ----------
    folder : Path
    key : Key
    about : mapping, optional
        Makes a new ledger with this head; without it there must be one.
    read_only : bool
        Leave everything as it is; what another process left half-written is undone all the same.

    Attributes
    ----------
    head : dict
        Plain values; :meth:`transaction` writes what was put into it.
    version : int
        Of the head: transactions so far.

    Raises
    ------
    InputError
        There is none, it is damaged, of another version of this package, or another key sealed it.

    Notes
    -----
    Thread-safe. Erased bytes are overwritten (``secure_delete``), and no journal of SQLite is left behind.
    """

    def __init__(self, folder: Path, key: Key, about: Mapping[str, Any] | None = None, read_only: bool = False) -> None:
        self.path, self._key, self._lock = folder / NAME, key, RLock()
        self._secret = key.derive("ledger").material
        self.head: dict[str, Any] = {}
        self._tables: dict[str, list[int]] = {table: [0, 0] for table in TABLES}
        self.version = 0
        if about is None and not is_made(folder):
            raise InputError(f"{str(folder)!r} has no {NAME}: it is no state of a detector, or it is damaged; "
                             "name the folder that 'fingerprint watch' was given")
        mode = "rw" if about is None else "rwc"
        try:
            self._base = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=10)
            if about is not None:
                self.path.chmod(0o600)
            if not read_only:
                self._base.execute("PRAGMA journal_mode=DELETE").fetchone()
                self._base.execute("PRAGMA synchronous=FULL")
                self._base.execute("PRAGMA secure_delete=ON").fetchone()
                self._base.execute("BEGIN IMMEDIATE")
                self._base.execute("PRAGMA user_version=1")  # a damaged header may say that nothing can be written
                self._base.execute("ROLLBACK")
        except _FAILURES as error:
            raise self._unusable(error) from None
        if about is not None:
            self.head = dict(about)
            with self.transaction():
                self._make()
            return
        try:
            self._load()
        except InputError:
            self._base.close()
            raise

    def _make(self) -> None:
        self._base.execute("CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY, body BLOB NOT NULL, mac BLOB NOT NULL)")
        for table in TABLES:
            self._base.execute(f"CREATE TABLE IF NOT EXISTS {table} (name PRIMARY KEY, body BLOB NOT NULL, mac BLOB NOT NULL) WITHOUT ROWID")

    def _unusable(self, error: Exception) -> InputError:
        return InputError(f"{str(self.path)!r} cannot be used: {error}")

    def _damaged(self, what: str) -> InputError:
        return InputError(f"{str(self.path)!r} is damaged, or was changed: {what}")

    def _load(self) -> None:
        try:
            rows = self._base.execute("SELECT body, mac FROM head WHERE id = 1 AND length(body) < ?", (_MAX_BYTES,)).fetchall()
        except _FAILURES as error:
            raise self._unusable(error) from None
        body, mac = rows[0] if rows else (b"", b"")
        if not isinstance(body, bytes) or not isinstance(mac, bytes) or not hmac.compare_digest(mac, self._mac("head", 1, body)):
            self._explain(body)
        try:
            document = json.loads(body)
            self.version, self.head, self._tables = document["version"], document["head"], document["tables"]
        except (ValueError, KeyError, TypeError):
            raise self._damaged("its head cannot be read") from None
        if document.get("schema") != SCHEMA:
            raise InputError(f"{str(self.path)!r} was written by another version ({document.get('schema')!r}); this one reads {SCHEMA}; "
                             "open it with that version, or begin a new state")

    def _explain(self, body: object) -> None:
        """Raise, with the key that the head names where it is another."""
        with suppress(ValueError, TypeError, AttributeError):
            found = json.loads(body).get("key_id")  # type: ignore[arg-type]
            if isinstance(found, str) and found != self._key.key_id:
                raise InputError(f"{str(self.path)!r} was made with key {found[:16]!r}; here it is {self._key.key_id}; name that key with --key-file")
        raise self._damaged("its head is not the one that was written")

    def _mac(self, table: str, name: int | str, body: bytes) -> bytes:
        return blake2b(json.dumps([table, name]).encode() + b"\0" + body, digest_size=16, key=self._secret).digest()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all changes inside one, and write the head; an exception undoes them, those of the head as well.

        Raises
        ------
        OSError
            The disk is full, or fails; the ledger is as it was before.
        """
        with self._lock:
            before = json.dumps([self.head, self._tables, self.version])
            try:
                self._base.execute("BEGIN IMMEDIATE")
                yield
                self.version += 1
                document = {"schema": SCHEMA, "key_id": self._key.key_id, "version": self.version, "head": self.head, "tables": self._tables}
                body = json.dumps(document, separators=(",", ":")).encode()
                self._base.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?)", (body, self._mac("head", 1, body)))
                self._base.execute("COMMIT")
            except BaseException as error:
                self.head, self._tables, self.version = json.loads(before)
                with suppress(sqlite3.Error):
                    if self._base.in_transaction:
                        self._base.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise OSError(f"{str(self.path)!r} cannot be written: {error}") from error
                raise

    def rows(self, table: str) -> list[Row]:
        """Return all rows of a table in the order of their names.

        Raises
        ------
        InputError
            One was changed, lost, or brought back.
        """
        with self._lock:
            try:
                found = self._base.execute(f"SELECT name, body, mac FROM {table} ORDER BY name").fetchall()
            except _FAILURES as error:
                raise self._unusable(error) from None
            total = 0
            for name, body, mac in found:
                if not isinstance(body, bytes) or not isinstance(mac, bytes) or not hmac.compare_digest(mac, self._mac(table, name, body)):
                    raise self._damaged(f"a row of {table} is not the one that was written")
                total += int.from_bytes(mac, "big")
            if [len(found), total % _MODULUS] != self._tables[table]:
                raise self._damaged(f"rows of {table} are missing, or have come back")
            return [(name, body) for name, body, _ in found]

    def put(self, table: str, rows: Iterable[Row]) -> None:
        """Write rows, in a transaction; those of the same names are replaced."""
        for name, body in rows:
            self.drop(table, [name])
            mac = self._mac(table, name, body)
            self._base.execute(f"INSERT INTO {table} VALUES (?, ?, ?)", (name, body, mac))
            self._count(table, 1, mac)

    def drop(self, table: str, names: Iterable[int | str]) -> None:
        """Remove rows, in a transaction; names that are not there are passed over."""
        for name in names:
            for (mac,) in self._base.execute(f"DELETE FROM {table} WHERE name = ? RETURNING mac", (name,)).fetchall():
                self._count(table, -1, mac)

    def clear(self, table: str) -> None:
        """Remove all rows of a table, in a transaction."""
        self._base.execute(f"DELETE FROM {table}")
        self._tables[table] = [0, 0]

    def n_rows(self, table: str) -> int:
        """Return how many rows a table has."""
        return self._tables[table][0]

    def _count(self, table: str, n: int, mac: bytes) -> None:
        count, total = self._tables[table]
        self._tables[table] = [count + n, (total + n * int.from_bytes(mac, "big")) % _MODULUS]

    def check(self) -> None:
        """Read everything once.

        Raises
        ------
        InputError
        """
        try:
            found = self._base.execute("PRAGMA integrity_check(1)").fetchone()
        except _FAILURES as error:
            raise self._unusable(error) from None
        if found != ("ok",):
            raise self._damaged(str(found[0] if found else "no answer")[:200])
        for table in TABLES:
            self.rows(table)

    def shrink(self) -> None:
        """Give unused pages back: nothing of what was erased is left in the file."""
        with self._lock:
            try:
                self._base.execute("VACUUM")
            except sqlite3.Error as error:
                raise OSError(f"{str(self.path)!r} cannot be written: {error}") from error

    def copy(self, folder: Path) -> None:
        """Write a copy into another folder, as of now."""
        target = folder / NAME
        try:
            with self._lock:
                copied = sqlite3.connect(target)
                try:
                    self._base.backup(copied)
                finally:
                    copied.close()
            target.chmod(0o600)
        except sqlite3.Error as error:
            raise ConfigError(f"{str(target)!r} cannot be written: {error}") from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()


def is_made(folder: Path) -> bool:
    """Say whether a folder has a ledger; one whose making was broken off counts for none."""
    path = folder / NAME
    if not path.is_file():
        return False
    try:
        base = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10)
        try:
            return bool(base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])  # undoes what was left half-written
        finally:
            base.close()
    except _FAILURES:
        return True  # opening it says what is wrong
