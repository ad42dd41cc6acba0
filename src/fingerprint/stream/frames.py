"""Files of frames: appended to, never changed, and read back only as they were written.

A frame is a header (magic, kind, length of the content, and a MAC of these), the content, and a MAC of all: HMAC-SHA-256 (RFC 2104) cut to 16 bytes, which
also covers the MAC of the frame before. So a frame that was changed, moved, repeated or left out is noticed, and so is one of another file, since the first
MAC covers the name. As the header has its own, a frame that ends beyond the file is one that a killed process left half-written, and no damage. What cannot
be noticed from the file alone is that its last frames are missing; whoever needs that keeps the MAC of the last one elsewhere.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import ConfigError, InputError, why
from ..keys import Key

MAGIC = b"FPf1"
MAC_BYTES, HEADER_MAC_BYTES = 16, 8
MAX_CONTENT = 1 << 31
_HEADER = struct.Struct("<4sBxxxQ")
_HEADER_BYTES = _HEADER.size + HEADER_MAC_BYTES


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes
    ----------
    kind : int
    content : bytes
    mac : bytes
    end : int
        Byte of the file behind it.
    """

    kind: int
    content: bytes
    mac: bytes
    end: int


def first_mac(key: Key, name: str) -> bytes:
    """Return what the MAC of the first frame of a file covers in place of one before."""
    return _mac(key.derive("frames").material, name.encode())


class FrameWriter:
    """Appends frames to a file.

    Parameters
    ----------
    path : Path
        Made with mode 0600; must not exist unless `after` is given.
    key : Key
    after : Frame, optional
        Last frame of a file that is there; what is behind it is cut off.

    Attributes
    ----------
    size : int
        Bytes up to the end of the last frame.
    mac : bytes
        Of the last frame.

    Raises
    ------
    OSError
    """

    def __init__(self, path: Path, key: Key, after: Frame | None = None) -> None:
        self.path, self._secret = path, key.derive("frames").material
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if after is None else 0)
        self._fd = os.open(path, flags, 0o600)
        self.size, self.mac = (after.end, after.mac) if after is not None else (0, first_mac(key, path.name))
        self._is_clean = True
        if after is not None:
            self._cut()

    def append(self, kind: int, *content: bytes | memoryview) -> Frame:
        """Write a frame, of parts that follow one another: as a whole, or nothing of it counts.

        Raises
        ------
        ConfigError
            The content has more than ``MAX_CONTENT`` bytes.
        OSError
            The disk is full, or fails. Where what was written of the frame could not be cut off again, every later call raises as well.
        """
        if not self._is_clean:
            self._cut()
        length = sum(map(len, content))
        if length > MAX_CONTENT:
            raise ConfigError(f"{length:,} bytes are too many to be written at once; give fewer rows at a time")
        header = _header(self._secret, self.mac, kind, length)
        mac = _mac(self._secret, self.mac, header, *content)
        self._is_clean = False
        try:
            _write(self._fd, [header, *content, mac], self.size)
        except OSError:
            self._cut()
            raise
        self._is_clean = True
        self.size, self.mac = self.size + len(header) + length + MAC_BYTES, mac
        return Frame(kind, b"", mac, self.size)

    def sync(self) -> None:
        """Wait until everything is on the disk.

        Raises
        ------
        OSError
            It is not known what is on the disk. The kernel does not try again what failed (Rebello et al., ATC 2020): call :meth:`back_to`.
        """
        os.fdatasync(self._fd)

    def back_to(self, size: int, mac: bytes) -> None:
        """Cut off the frames behind `size`, after which `mac` stands; used where these could not be brought to the disk."""
        self.size, self.mac, self._is_clean = size, mac, False
        fresh = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)  # a descriptor whose fsync has failed tells nothing any more
        os.close(self._fd)
        self._fd = fresh
        self._cut()
        os.fsync(self._fd)

    def _cut(self) -> None:
        self._is_clean = False
        os.ftruncate(self._fd, self.size)
        self._is_clean = True

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _write(fd: int, parts: list[bytes | memoryview], at: int) -> None:
    waiting = [memoryview(part) for part in parts if len(part)]
    while waiting:
        done = os.pwritev(fd, waiting, at)
        at += done
        while waiting and done >= len(waiting[0]):
            done -= len(waiting.pop(0))
        if waiting:
            waiting[0] = waiting[0][done:]


def _header(secret: bytes, before: bytes, kind: int, length: int) -> bytes:
    plain = _HEADER.pack(MAGIC, kind, length)
    return plain + _mac(secret, before, plain)[:HEADER_MAC_BYTES]


def _mac(secret: bytes, before: bytes, *parts: bytes | memoryview) -> bytes:
    made = hmac.new(secret, before, "sha256")  # in hardware mostly, and then twice as fast as BLAKE2
    for part in parts:
        made.update(part)
    return made.digest()[:MAC_BYTES]


@dataclass(slots=True)
class FrameReader:
    """Reads the frames of a file from the front; iterate over it once.

    Parameters
    ----------
    path : Path
    key : Key
    salvage : bool
        Stop at damage instead of raising; the rest counts as torn.

    Attributes
    ----------
    torn : int
        After the iteration: bytes at the end that are the beginning of a frame, as a process leaves them that is killed while it writes; 0 for none.
    last : Frame or None
        The last whole frame so far, without its content.

    Raises
    ------
    InputError
        While iterating: the file is missing, or a frame is not the one that was written.

    Notes
    -----
    Memory: one frame.
    """

    path: Path
    key: Key
    salvage: bool = False
    torn: int = 0
    last: Frame | None = None

    def __iter__(self) -> Iterator[Frame]:
        try:
            file = os.fdopen(os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
        except OSError as error:
            raise InputError(f"{str(self.path)!r} cannot be read: {why(error)}") from None
        with file:
            size = os.fstat(file.fileno()).st_size
            try:
                yield from self._frames(file, size)
            except InputError:
                if not self.salvage:
                    raise
                self.torn = size - (self.last.end if self.last is not None else 0)

    def _frames(self, file: IO[bytes], size: int) -> Iterator[Frame]:
        secret, mac, at = self.key.derive("frames").material, first_mac(self.key, self.path.name), 0
        while at < size:
            header = file.read(_HEADER_BYTES)
            if len(header) < _HEADER_BYTES and header[: len(MAGIC)] == MAGIC[: len(header)]:
                self.torn = size - at
                return
            _, kind, length = _HEADER.unpack(header[: _HEADER.size].ljust(_HEADER.size, b"\0"))
            if not hmac.compare_digest(header, _header(secret, mac, kind, length)) or length > MAX_CONTENT:
                raise self._damaged(at)
            end = at + _HEADER_BYTES + length + MAC_BYTES
            if end > size:
                self.torn = size - at
                return
            content, found = file.read(length), file.read(MAC_BYTES)
            mac = _mac(secret, mac, header, content)
            if not hmac.compare_digest(mac, found):
                raise self._damaged(at)
            self.last = Frame(kind, b"", mac, end)
            yield Frame(kind, content, mac, end)
            at = end

    def _damaged(self, at: int) -> InputError:
        return InputError(f"{str(self.path)!r} is damaged at byte {at:,}, was changed, or was written with another key")


def sync_folder(folder: Path) -> None:
    """Make names that were made, changed or removed in a folder last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
