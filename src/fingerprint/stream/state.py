"""The state of a stream detector in its folder: what is appended, folded, expired and erased, and how it is found again after a crash.

Order of things, from which it follows that a process may be killed at any point: a batch is in a journal before it counts in memory. Folding writes pieces
aside, names them in the ledger in one transaction, in which the journals that they were made of cease to count, and deletes those afterwards. What is on the
disk and not named in the ledger is not there.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..arrays import distinct
from ..errors import ConfigError, InputError, why
from ..keys import Key
from .frames import FrameReader, sync_folder
from .journal import Entry, Journal, JournalReader, path_of
from .ledger import NAME, Ledger, is_made
from .pieces import Accepted, Content, Leaders, Piece, collect, merge, name_hashes, write
from .window import Window

LOCK = "lock"
_ROW_BYTES = 28  # of an event, or a text, of a piece in memory
MAX_REJECTS = 100_000  # that the ledger lists, the latest; all are counted
LeadersOf = Callable[[Content], Leaders]


@dataclass(frozen=True, slots=True)
class Standing(Piece):
    """A piece as the ledger names it.

    Attributes
    ----------
    n_hidden : int
        Events in it that are forgotten.
    n_bytes : int
    """

    n_hidden: int
    n_bytes: int

    def to_row(self) -> list[Any]:
        """Return plain values."""
        return [self.path.name, self.span, self.mac, self.n_events, self.n_hidden, self.n_bytes]


class State:
    """The files of a detector, held by one process.

    Parameters
    ----------
    folder : Path
    key : Key
    about : dict
        Settings that a state is made with and keeps: ``sketch``, ``span_us``. Another one is refused.
    window : callable
        Maps the length of a span to the Window, still empty.
    salvage : bool
        Drop what is damaged at the end of the newest journal instead of refusing it.

    Attributes
    ----------
    ledger : Ledger
    window : Window
    counts : Counter
        Rows by what became of them.
    positions : dict of str to str
        Of the partitions of all sources, behind the last row that counts.
    live : dict of int to int
        Events that are alive, by span.
    pieces : list of Standing
    gone : set of int
        Spans that have expired and are still to be taken out of what stands in memory; folding leaves their events alone until they are discarded here.
    tail : list of Accepted
        Events that stand in no piece yet.
    torn : int
        Bytes that a killed process left half-written, or that were given up, when it was opened.
    cache_limit : int
        Bytes that pieces may take in memory which were looked at.
    folded_us : int
        When the journals were folded last, microseconds since 1970; 0 if not by this process.
    lock : RLock
        Held for every change of the above.

    Raises
    ------
    ConfigError
        Another process has it, or it was made with other settings.
    InputError
        It is damaged.
    """

    def __init__(self, folder: Path, key: Key, about: dict[str, Any], window: Callable[[int], Window], salvage: bool = False) -> None:
        self.folder, self.key, self.lock, self.busy = folder, key, threading.RLock(), threading.RLock()
        self._salvage, self._handle = salvage, _hold(folder)
        try:
            self.ledger = self._open_ledger(about)
            head = self.ledger.head
            different = sorted(name for name, value in about.items() if name != "span_us" and head["about"].get(name) != value)
            if different:
                raise ConfigError(f"{str(folder)!r} was made with another {', '.join(different)}: {head['about']}; "
                                  "give it the same again, or begin another state")
            self.window = replace(window(head["about"]["span_us"]), watermark=head["watermark"], oldest=head["oldest"],
                                  floor=head["floor"])
            self.counts: Counter[str] = Counter(head["counts"])
            self.positions: dict[str, str] = dict(head["positions"])
            self.pieces = [Standing(folder / name, span, mac, n, hidden, size) for name, span, mac, n, hidden, size in head["pieces"]]
            self.suppressed = {int(name): int(body) for name, body in self.ledger.rows("forgotten")}
        except BaseException:
            os.close(self._handle)
            raise
        self.live: Counter[int] = Counter()
        for piece in self.pieces:
            if piece.span >= self.window.first:
                self.live[piece.span] += piece.n_events - piece.n_hidden
        self.gone: set[int] = set()
        self.tail: list[Accepted] = []
        self._folding: list[Accepted] = []
        self._rejects: list[tuple[str, str, str]] = []
        self._cache: dict[str, Content] = {}
        self.cache_limit, self.folded_us = 1 << 30, 0
        self.torn = self._n_cuts = self._n_mended = 0
        self._journal: Journal | None = None
        self._journals = head["journal"]

    def _open_ledger(self, about: dict[str, Any]) -> Ledger:
        made = sorted(path.name for path in self.folder.iterdir() if path.name != LOCK)
        if is_made(self.folder):
            return Ledger(self.folder, self.key)
        if set(made) - {NAME, f"{NAME}-journal", path_of(self.folder, 1).name} or (made and not _is_fresh(self.folder, self.key)):
            raise InputError(f"{str(self.folder)!r} has no {NAME}: it is damaged, or holds something else; name another folder")
        path_of(self.folder, 1).unlink(missing_ok=True)
        (self.folder / NAME).unlink(missing_ok=True)
        Journal(self.folder, self.key, 1).close()
        head = {"about": about, "created_us": int(time.time() * 1e6), "journal": 1, "serial": 1, "pieces": [], "counts": {}, "positions": {},
                "watermark": None, "oldest": 0, "floor": 0, "closed": None, "newest": 1}
        return Ledger(self.folder, self.key, head)

    # Finding the state again

    def replay(self) -> Iterator[tuple[Entry, pa.RecordBatch | None]]:
        """Yield what stands in the journals; whoever iterates calls :meth:`take_in` with each, and :meth:`begin` afterwards.

        Raises
        ------
        InputError
            They are damaged, or one is missing.
        """
        numbers = sorted(int(path.name.removeprefix("journal-")) for path in self.folder.glob("journal-*"))
        for number in [n for n in numbers if n < self._journals]:  # folded, and the process ended before they were deleted
            path_of(self.folder, number).unlink()
        numbers = [n for n in numbers if n >= self._journals]
        if numbers and numbers[-1] > self.ledger.head["newest"] and _is_unborn(path_of(self.folder, numbers[-1]), self.key):
            path_of(self.folder, numbers.pop()).unlink()  # if the one before names it, it is missed there
        newest = max(self.ledger.head["newest"], self._journals)
        missing = sorted(set(range(self._journals, max([newest, *numbers]) + 1)).difference(numbers))
        if missing:
            raise InputError(f"{str(self.folder)!r} is damaged: journal {missing[0]} is missing")
        closed, version = self.ledger.head["closed"], 0
        for number in numbers:
            reader = JournalReader(path_of(self.folder, number), self.key, self._salvage and number == numbers[-1])
            n_entries = 0
            for entry, batch in reader:
                n_entries += 1
                yield entry, batch
            version = max(version, reader.version)
            self._check_end(number, numbers, reader, n_entries, closed)
            self.torn += reader.torn
        if version > self.ledger.version:
            raise InputError(f"{str(self.ledger.path)!r} is older than the journals: it is damaged, or another was put in its place")
        self._journals = numbers[-1] + 1

    def _check_end(self, number: int, numbers: list[int], reader: JournalReader, n_entries: int, closed: list[Any] | None) -> None:
        """Check how a journal ends, and give an end to one that a killed process left without."""
        is_last = number == numbers[-1]
        as_closed = closed is None or closed[0] != number or (reader.last is not None and [reader.last.end, reader.last.mac.hex()] == closed[1:])
        if not as_closed and not self._salvage:
            raise InputError(f"{str(reader.path)!r} is damaged: it was closed with other content")
        if reader.ended is None and not is_last and (number + 1 != numbers[-1] or not _is_fresh(self.folder, self.key, number + 1)):
            raise InputError(f"{str(reader.path)!r} is damaged: its end is missing")
        if reader.ended and is_last:
            raise InputError(f"{str(self.folder)!r} is damaged: journal {reader.ended} is missing")
        if reader.ended is None and reader.last is None:
            if not is_last or not self._salvage:
                raise InputError(f"{str(reader.path)!r} is damaged: it has no beginning")
            reader.path.unlink()
            numbers.pop()
        elif reader.ended is None and is_last:
            reader.mend(0)
        elif reader.ended is None:
            reader.mend(number + 1)

    @property
    def journal(self) -> Journal:
        """The newest journal, which is appended to."""
        if self._journal is None:
            raise ConfigError("the state has not begun yet")
        return self._journal

    def begin(self, config: dict[str, Any] | None = None) -> None:
        """Go on in a new journal, and remove files that do not count; `config` is kept for whoever opens the state next."""
        self._journal = Journal(self.folder, self.key, self._journals)
        known = {LOCK, NAME, f"{NAME}-journal", *(piece.path.name for piece in self.pieces),
                 *(path_of(self.folder, n).name for n in range(self.ledger.head["journal"], self._journals + 1))}
        for path in self.folder.iterdir():
            if path.name not in known and path.name.startswith("span-"):
                path.unlink()
        self.commit(closed=None, newest=self.journal.number, config=config)

    # Going on

    def append(self, entry: Entry, batch: pa.RecordBatch | None, durable: bool) -> pa.RecordBatch | None:
        """Write a batch into the journal, and return it as it was written: a copy.

        Raises
        ------
        OSError
            Nothing of it counts.
        """
        return self.journal.append(entry, batch, durable)

    def sync(self) -> None:
        """Bring to the disk what was appended so far; meanwhile more is.

        Raises
        ------
        OSError
            It cannot be said what is on the disk, so that what was appended since the last time is cut off: :attr:`is_cut`.
        """
        with self.lock:
            journal = self.journal
            if not journal.is_loose:
                return
            mark, handle = journal.mark, os.open(path_of(self.folder, journal.number), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fdatasync(handle)
        except OSError:
            with self.lock:
                self._cut(journal)
            raise
        finally:
            os.close(handle)
        with self.lock:
            journal.synced(mark)

    def _cut(self, journal: Journal) -> None:
        self._n_cuts += 1
        if journal is self.journal:
            journal.cut()

    @property
    def is_cut(self) -> bool:
        """Whether batches that count stand neither in the journals nor in pieces: fold before anything else is appended."""
        return self._n_cuts > self._n_mended

    def take_in(self, entry: Entry, accepted: Accepted | None) -> list[int]:
        """Count what stands in the journal; return the spans that have expired by it."""
        self.counts.update(entry.counts)
        self.positions.update(entry.positions)
        self._rejects += entry.rejects
        self.window = replace(self.window, watermark=entry.watermark, oldest=entry.oldest, floor=entry.floor)
        if accepted is not None and len(accepted):
            self.tail.append(accepted)
            spans, n = np.unique(accepted.span, return_counts=True)
            self.live.update(dict(zip(spans.tolist(), n.tolist(), strict=True)))
        gone = sorted(span for span in self.live if span < self.window.first)
        for span in gone:
            self.counts["expired" if span < self.window.oldest else "dropped"] += self.live.pop(span)
        self.gone.update(gone)
        return gone

    @property
    def n_live(self) -> int:
        """Events that are alive."""
        return self.live.total()

    @property
    def n_bytes(self) -> int:
        """Bytes of all files that count, the ledger left out."""
        return sum(piece.n_bytes for piece in self.pieces) + self.journal_bytes

    @property
    def journal_bytes(self) -> int:
        """Bytes of the journals that are not folded yet."""
        sizes = []
        for number in range(self.ledger.head["journal"], self.journal.number):
            with suppress(OSError):
                sizes.append(path_of(self.folder, number).stat().st_size)
        return sum(sizes) + self.journal.size

    def commit(self, changes: Callable[[Ledger], None] | None = None, **head: Any) -> None:
        """Change rows of the ledger, and values of its head, in one transaction.

        Raises
        ------
        OSError
            Nothing has changed.
        """
        with self.lock:
            with self.ledger.transaction():
                if changes is not None:
                    changes(self.ledger)
                self.ledger.head.update(head)
            with suppress(OSError):  # one that is missing is no harm: the version is in the ledger
                self.journal.note(self.ledger.version)

    # Looking at it

    def visible(self, piece: Piece) -> Content:
        """Return a piece without what is forgotten."""
        with self.lock:
            found = self._cache.get(piece.path.name)
        if found is None:
            found = piece.read(self.key)
            hidden = self.hidden(found)
            found = found.without(hidden) if hidden.any() else found
            with self.lock:
                if sum(len(kept.events) + len(kept.texts) for kept in self._cache.values()) * _ROW_BYTES < self.cache_limit:
                    self._cache[piece.path.name] = found
        return found

    def hidden(self, content: Content) -> npt.NDArray[np.bool_]:
        """Say of each event whether its account was forgotten later than it is dated."""
        with self.lock:
            known = dict(self.suppressed)
        if not known or not len(content.events):
            return np.zeros(len(content.events), bool)
        least = np.iinfo(np.int64).min
        until = np.array([known.get(h, least) for h in name_hashes(content.names["account"], self.key).tolist()], np.int64)
        return content.events.time_us <= until[content.events.account]

    def contents(self, only: int | None = None) -> list[Content]:
        """Return all events that are alive, or those of one span, piece by piece.

        Raises
        ------
        InputError
            A piece is damaged.
        """
        with self.lock:
            first, pieces, rest = self.window.first, list(self.pieces), [*self._folding, *self.tail]
        wanted = [piece for piece in pieces if (piece.span >= first if only is None else piece.span == only)]
        rows = [part.take(np.flatnonzero(part.span >= first)) if only is None else part.of(only) for part in rest]
        return [*map(self.visible, wanted), collect([part for part in rows if part is not None and len(part)], self.key)]

    # Folding and erasing

    def fold(self, leaders_of: LeadersOf) -> bool:
        """Put what stands in the journals into pieces, and delete pieces whose time is over; return whether there was anything to do.

        Raises
        ------
        OSError
            The disk is full, or fails; everything stays as it was.
        """
        with self.busy:
            self.sync()  # or the end of the journal would wait for the disk, and batches for it
            with self.lock:
                first = min([self.window.first, *self.gone])
                is_old = any(piece.span < first for piece in self.pieces)
                if not (self.tail or self._rejects or is_old or self.is_cut or self.journal_bytes >= 1 << 16):
                    return False
                self._rotate()
                self._folding, self.tail, n_cuts = self.tail, [], self._n_cuts
                rejects, self._rejects = self._rejects, []
                journal, serial, pieces = self.journal.number, self.ledger.head["serial"], list(self.pieces)
                noted = {"counts": dict(self.counts), "positions": dict(self.positions), "watermark": self.window.watermark,
                         "oldest": self.window.oldest, "floor": self.window.floor}
            made: list[Standing] = []
            try:
                spans = distinct(np.concatenate([np.zeros(0, np.int64), *(part.span for part in self._folding)]))
                for span in spans[spans >= first].tolist():
                    parts = [part.of(span) for part in self._folding]
                    made.append(self._write(span, serial + len(made), collect([part for part in parts if part is not None], self.key), leaders_of))
                sync_folder(self.folder)
                with self.lock:
                    kept = [*(piece for piece in pieces if piece.span >= first), *made]
                    self.commit(lambda ledger: _list_rejects(ledger, rejects), journal=journal, serial=serial + len(made), **noted,
                                pieces=[piece.to_row() for piece in kept])
                    self.pieces, self._folding, self._n_mended = kept, [], n_cuts
            except BaseException:
                with self.lock:
                    self.tail, self._folding, self._rejects = [*self._folding, *self.tail], [], [*rejects, *self._rejects]
                _unlink([piece.path for piece in made])
                raise
            self._remove([piece for piece in pieces if piece.span < first])
            self.folded_us = round(time.time() * 1e6)
            return True

    def _rotate(self) -> None:
        following = Journal(self.folder, self.key, self.journal.number + 1)
        try:
            self.journal.end(following.number)
        except OSError:
            following.close()
            path_of(self.folder, following.number).unlink()
            if self.journal.is_loose:
                self._cut(self.journal)
            raise
        self._journal = following

    def _write(self, span: int, serial: int, content: Content, leaders_of: LeadersOf) -> Standing:
        path = self.folder / f"span-{span}-{serial:08d}"
        path.unlink(missing_ok=True)
        mac = write(path, span, content, leaders_of(content), self.key)
        return Standing(path, span, mac, len(content.events), 0, path.stat().st_size)

    def _remove(self, gone: Sequence[Standing]) -> None:
        """Delete files that have ceased to count."""
        with self.lock:
            for piece in gone:
                self._cache.pop(piece.path.name, None)
        _unlink([piece.path for piece in gone])
        for path in self.folder.glob("journal-*"):
            if int(path.name.removeprefix("journal-")) < self.ledger.head["journal"]:
                path.unlink()

    def forget(self, accounts: dict[int, int], leaders_of: LeadersOf) -> list[Content]:
        """Hide all events of some accounts from now on.

        Parameters
        ----------
        accounts : dict of int to int
            Keyed hash of each name, and the time, microseconds since 1970, up to which its events are hidden.

        Returns
        -------
        list of Content
            The hidden events, piece by piece.
        """
        with self.busy:
            with self.lock:
                before = dict(self.suppressed)
                self.suppressed |= accounts
            try:
                self.fold(leaders_of)
                gone, pieces = [], []
                for piece in self.pieces:
                    whole = piece.read(self.key)
                    hidden = self.hidden(whole)
                    n_hidden = int(hidden.sum())
                    if n_hidden > piece.n_hidden:
                        with self.lock:
                            known, self.suppressed = self.suppressed, before
                        newly = hidden & ~self.hidden(whole)
                        with self.lock:
                            self.suppressed = known
                        gone.append(whole.without(~newly))
                        pieces.append(replace(piece, n_hidden=n_hidden))
                    else:
                        pieces.append(piece)
                with self.lock:
                    counts = self.counts + Counter(erased=sum(len(part.events) for part in gone))
                    noted = Counter(self.ledger.head["counts"]) + Counter(erased=sum(len(part.events) for part in gone))
                    self.commit(lambda ledger: ledger.put("forgotten", [(f"{h}", str(until).encode()) for h, until in self.suppressed.items()]),
                                pieces=[piece.to_row() for piece in pieces], counts=dict(noted))
                    for old, new in zip(self.pieces, pieces, strict=True):
                        self.live[old.span] -= new.n_hidden - old.n_hidden
                        if old is not new:
                            self._cache.pop(old.path.name, None)
                    self.pieces, self.counts = pieces, counts
            except BaseException:
                with self.lock:
                    self.suppressed = before
                raise
            return gone

    def compact(self, leaders_of: LeadersOf) -> None:
        """Write what is alive into one piece for each span: forgotten events leave the disk, and with them texts that nobody else sent.

        Raises
        ------
        OSError
            The disk is full, or fails; nothing has changed.
        """
        with self.busy:
            self.fold(leaders_of)
            for span in sorted({piece.span for piece in self.pieces}):
                old = [piece for piece in self.pieces if piece.span == span]
                if len(old) > 1 or any(piece.n_hidden for piece in old):
                    self._merge(span, old)
            with self.lock:
                oldest = self.window.first * self.window.span_us
                self.suppressed = {h: until for h, until in self.suppressed.items() if until >= oldest}
                self.commit(lambda ledger: ledger.drop("forgotten", [name for name, _ in ledger.rows("forgotten") if int(name) not in self.suppressed]))
                self.ledger.shrink()

    def _merge(self, span: int, old: list[Standing]) -> None:
        content = merge([self.visible(piece) for piece in old])
        parts = [piece.leaders(self.key, self.num_perm) for piece in old]
        exact = np.concatenate([part.exact for part in parts])
        known, first = np.unique(exact, return_index=True)
        first = first[np.isin(known, np.concatenate([content.texts.exact, content.texts.leader]))]
        leaders = Leaders(exact[first], np.concatenate([part.signed for part in parts])[first], np.concatenate([part.values for part in parts])[first])
        with self.lock:
            serial = self.ledger.head["serial"]
        made = [self._write(span, serial, content, lambda content: leaders)] if len(content.events) else []
        sync_folder(self.folder)
        with self.lock:
            kept = [*(piece for piece in self.pieces if piece not in old), *made]
            self.commit(serial=serial + 1, pieces=[piece.to_row() for piece in kept])
            self.pieces = kept
        self._remove(old)

    @property
    def num_perm(self) -> int:
        """Length of a signature."""
        return int(self.ledger.head["about"]["num_perm"])

    def close(self) -> None:
        """End the journal, and let another process have the state."""
        with self.busy, self.lock:
            try:
                size, mac = self.journal.end()
                with self.ledger.transaction():
                    self.ledger.head["closed"] = [self.journal.number, size, mac]
            finally:
                self.abandon()

    def abandon(self) -> None:
        """Let go of all files as they are, as a process that is killed does."""
        if self._journal is not None:
            self._journal.close()
        self.ledger.close()
        os.close(self._handle)


def _hold(folder: Path) -> int:
    """Make the folder where it is missing, and lock it for this process."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"{str(folder)!r} cannot be written: {why(error)}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
        os.close(handle)
        raise ConfigError(f"{str(folder)!r} is in use by process {owner or 'unknown'}; a state belongs to one process at a time") from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def _is_fresh(folder: Path, key: Key, number: int = 1) -> bool:
    """Say whether a journal was made and never written to, or is not there."""
    path = path_of(folder, number)
    if not path.exists():
        return True
    reader = JournalReader(path, key)
    return not any(True for _ in reader) and reader.ended is None


def _is_unborn(path: Path, key: Key) -> bool:
    """Say whether a file ends before its first frame does: whoever made it was killed meanwhile."""
    reader = FrameReader(path, key)
    return not any(True for _ in reader)


def _list_rejects(ledger: Ledger, rejects: list[tuple[str, str, str]]) -> None:
    last = ledger.head.get("n_rejects", 0)
    rows = list(enumerate(rejects, last + 1))[-MAX_REJECTS:]
    ledger.put("rejects", [(n, "\t".join(reject).encode("utf-8", "replace")) for n, reject in rows])
    ledger.head["n_rejects"] = last + len(rejects)
    excess = ledger.n_rows("rejects") - MAX_REJECTS
    if excess > 0:
        ledger.drop("rejects", range(ledger.head["n_rejects"] - MAX_REJECTS - excess + 1, ledger.head["n_rejects"] - MAX_REJECTS + 1))


def _unlink(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
