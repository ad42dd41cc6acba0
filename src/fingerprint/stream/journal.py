"""Journals: every batch, before anything else is done with it, with the positions of its sources in the same frame.

Journals are numbered. The last frame of each but the newest says that it is the end, so that a missing one is noticed. A new one stands on the disk before
the one before it ends: whoever finds an end without a successor has lost it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..ipc import pack, unpack
from ..keys import Key
from .frames import Frame, FrameReader, FrameWriter, sync_folder

if TYPE_CHECKING:
    import pyarrow as pa

OPENED, BATCH, NOTE, ENDED = range(16, 20)  # kinds of frames, apart from those of pieces
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Entry:
    """One batch that was observed.

    Attributes
    ----------
    counts : dict of str to int
        Rows by what became of them: what is added to the row accounting.
    positions : dict of str to str
        Of the partitions that it came from, behind its last row.
    watermark : int or None
        Latest event time so far, microseconds since 1970.
    oldest, floor : int
        As in :class:`fingerprint.stream.window.Window`.
    rejects : list of (str, str, str)
        Partition, position, class.
    """

    counts: dict[str, int] = field(default_factory=dict)
    positions: dict[str, str] = field(default_factory=dict)
    watermark: int | None = None
    oldest: int = 0
    floor: int = 0
    rejects: list[tuple[str, str, str]] = field(default_factory=list)


def path_of(folder: Path, number: int) -> Path:
    """Return where a journal stands."""
    return folder / f"journal-{number:08d}"


class Journal:
    """The newest journal, which is appended to.

    Parameters
    ----------
    folder : Path
    key : Key
    number : int
        Of a journal that is not there yet.

    Attributes
    ----------
    is_loose : bool
        Whether there are batches of which it is not known that they are on the disk.

    Raises
    ------
    OSError
    """

    def __init__(self, folder: Path, key: Key, number: int) -> None:
        self.folder, self.number, self._key = folder, number, key
        self._writer = FrameWriter(path_of(folder, number), key)
        try:
            self._writer.append(OPENED, b"")
            self._writer.sync()
            sync_folder(folder)
        except OSError:
            self._writer.close()
            path_of(folder, number).unlink(missing_ok=True)
            raise
        self._synced, self.is_loose = self.mark, False

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._writer.size

    def append(self, entry: Entry, batch: pa.RecordBatch | None, durable: bool) -> pa.RecordBatch | None:
        """Write a batch, and return it as it was written: a copy. With `durable`, it is on the disk afterwards.

        Raises
        ------
        OSError
            Nothing of it counts.
        """
        about = json.dumps(asdict(entry), separators=(",", ":")).encode()
        before = self.mark
        packed = pack(batch, compressed=False) if batch is not None else memoryview(b"")
        self._writer.append(BATCH, _LENGTH.pack(len(about)) + about, packed)
        if durable:
            self._sync(before)
        else:
            self.is_loose = True
        return unpack(packed) if batch is not None else None

    def note(self, version: int) -> None:
        """Write down that the ledger has this version: an older one is then known as such."""
        self._writer.append(NOTE, str(version).encode())

    @property
    def mark(self) -> tuple[int, bytes]:
        """Size, and MAC of the last frame."""
        return self._writer.size, self._writer.mac

    def synced(self, mark: tuple[int, bytes]) -> None:
        """Note that what was written up to a mark is on the disk."""
        self._synced = max(self._synced, mark)
        self.is_loose &= mark != self.mark

    def cut(self) -> None:
        """Cut off what is not known to be on the disk.

        Raises
        ------
        OSError
        """
        self._writer.back_to(*self._synced)
        self.is_loose = False

    def _sync(self, good: tuple[int, bytes]) -> None:
        try:
            self._writer.sync()
        except OSError:
            self._writer.back_to(*good)
            raise
        self.synced(self.mark)

    def end(self, after: int | None = None) -> tuple[int, str]:
        """Write the end, after which number `after` follows, and close; return size, and MAC of the last frame.

        Raises
        ------
        OSError
            It goes on.
        """
        before = self.mark
        self._writer.append(ENDED, str(after or 0).encode())
        self._sync(before)
        self._writer.close()
        return self._writer.size, self._writer.mac.hex()

    def close(self) -> None:
        """Close the file without an end, as a process that is killed does."""
        self._writer.close()


@dataclass(slots=True)
class JournalReader:
    """Reads one journal; iterate over it once.

    Attributes
    ----------
    torn : int
        Bytes of a frame that was being written when the process ended.
    version : int
        Latest version of the ledger that is noted.
    ended : int or None
        Number of the one that follows, 0 for none: the state was closed; None where there is no end.
    last : Frame or None
    """

    path: Path
    key: Key
    salvage: bool = False
    torn: int = 0
    version: int = 0
    ended: int | None = None
    last: Frame | None = None

    def __iter__(self) -> Iterator[tuple[Entry, pa.RecordBatch | None]]:
        reader = FrameReader(self.path, self.key, self.salvage)
        for frame in reader:
            self.last = Frame(frame.kind, b"", frame.mac, frame.end)
            if self.ended is not None:
                raise InputError(f"{str(self.path)!r} is damaged: it goes on behind its end")
            if frame.kind == BATCH:
                yield _entry(frame.content)
            elif frame.kind == NOTE:
                self.version = int(frame.content)
            elif frame.kind == ENDED:
                self.ended = int(frame.content)
        self.torn = reader.torn

    def mend(self, after: int) -> None:
        """Cut off what is torn, and write the end, as :meth:`Journal.end` would have."""
        if self.last is None:
            raise InputError(f"{str(self.path)!r} is damaged: nothing of it can be read")
        writer = FrameWriter(self.path, self.key, self.last)
        try:
            writer.append(ENDED, str(after).encode())
            writer.sync()
        finally:
            writer.close()


def _entry(content: bytes) -> tuple[Entry, pa.RecordBatch | None]:
    length = _LENGTH.unpack_from(content)[0]
    about: dict[str, Any] = json.loads(content[_LENGTH.size : _LENGTH.size + length])
    about["rejects"] = [tuple(row) for row in about["rejects"]]
    rest = memoryview(content)[_LENGTH.size + length :]
    return Entry(**about), unpack(rest) if len(rest) else None
