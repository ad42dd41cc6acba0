"""Where rows come from: paths, globs, folders and stdin, opened and decompressed as a stream of bounded reads."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import places
from ..errors import InputError, nearest_path, why

SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet",
            ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow"}
FORMATS = ("jsonl", "csv", "parquet", "arrow")
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
STDIN = "-"
WAY_OUT = "; name a file, a folder, a glob in quotes, or - for stdin"
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_COLUMNAR = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow"}


class Raw:
    """A file that is read from front to back; counts its bytes.

    Attributes
    ----------
    consumed : int
        Bytes read so far, compressed ones where the file is.
    """

    closed = False

    def __init__(self, file: Any) -> None:
        self._file, self._head, self.consumed = file, b"", 0

    def peek(self, n: int = 8) -> bytes:
        """Return the first bytes without reading them."""
        while len(self._head) < n:
            more = self._file.read(n - len(self._head))
            if not more:
                break
            self._head += more
        return self._head[:n]

    def read(self, n: int = -1) -> bytes:
        """Read up to `n` bytes, all for -1."""
        taken, self._head = (self._head, b"") if n < 0 else (self._head[:n], self._head[n:])
        if n < 0 or n > len(taken):
            taken += self._file.read(n if n < 0 else n - len(taken))
        self.consumed += len(taken)
        return taken

    def seek(self, offset: int) -> None:
        """Go to a byte of a file that is not compressed."""
        self._file.seek(offset)
        self._head = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def close(self) -> None:
        """Close the file, stdin excepted."""
        self.closed = True
        if self._file is not sys.stdin.buffer:
            self._file.close()


@dataclass(slots=True)
class Source:
    """One file, opened.

    Attributes
    ----------
    name : str
    raw : Raw
    format : str
        One of ``FORMATS``.
    compression : str
        ``"none"``, ``"gzip"`` or ``"zstd"``.
    stream : object with ``read(n)``
        Decompressed bytes. :class:`OSError` or an Arrow error in the middle where the compressed stream is damaged.
    head : bytes
        First bytes of `stream`, already read from it.
    path : str or None
        None for stdin.
    """

    name: str
    raw: Raw
    format: str
    compression: str
    stream: Any
    head: bytes
    path: str | None

    def from_byte(self, offset: int) -> Any:
        """Return the stream of a file that is not compressed, from a byte on."""
        self.raw.seek(offset)
        return self.stream

    def read_all(self) -> bytes:
        """Return the whole decompressed content: columnar formats are read from the back."""
        parts = [self.head]
        while chunk := self.stream.read(1 << 22):
            parts.append(bytes(chunk))
        return b"".join(parts)


def expand(inputs: Any) -> list[str]:
    """Return the files that paths, globs and folders name, each once, in the order given and sorted inside a glob or folder.

    Raises
    ------
    InputError
        A path does not exist, a glob fits nothing, a folder holds no file of a known suffix.
    """
    names: list[str] = []
    for item in [inputs] if isinstance(inputs, str | os.PathLike) else inputs:
        text = os.fspath(item)
        if text == STDIN or places.look(text) is not None:
            names.append(text)
        elif places.is_folder(text):
            found = [name for name in places.listed(text) if known_suffix(name) and not _is_hidden(name, text)]
            if not found:
                raise InputError(f"folder {text!r} holds no file ending in {', '.join(SUFFIXES)} (plain, .gz or .zst); name the files themselves, and what "
                                 "they are with --format")
            names += found
        elif glob.has_magic(text):
            found = places.matching(text)
            if not found:
                raise InputError(f"no file fits {text!r}; check the folder and the end of the names")
            names += found
        elif Path(text).exists():
            names.append(text)  # a pipe or a device
        elif places.is_remote(text):
            raise InputError(f"{text!r} does not exist")
        else:
            raise InputError(f"{text!r} does not exist{nearest_path(text) or WAY_OUT}")
    unique: dict[str, str] = {}
    for name in names:
        unique.setdefault(name if name == STDIN or places.is_remote(name) else os.path.realpath(name), name)
    if not unique:
        raise InputError("no input was named; name files, folders, or - for stdin")
    return list(unique.values())


def known_suffix(name: str) -> str | None:
    """Return the format that a file name tells, None where it tells none."""
    path = Path(name.lower())
    return SUFFIXES.get(Path(path.stem).suffix if path.suffix in COMPRESSIONS else path.suffix)


def _is_hidden(name: str, folder: str) -> bool:
    below = name.partition("://")[2] if places.is_remote(name) else os.path.relpath(name, folder)
    return any(part.startswith(".") for part in below.split("/"))


def sizes(names: Iterable[str]) -> int | None:
    """Return the bytes of all files together, None where one of them is a stream."""
    found = [None if name == STDIN else places.look(name) for name in names]
    return None if None in found else sum(one.size for one in found if one is not None)


def open_source(name: str, wanted: str | None) -> Source:
    """Open a file and find out compression and format, by content before name.

    Raises
    ------
    InputError
        It cannot be opened, or nothing tells its format.
    """
    import pyarrow as pa

    try:
        raw = Raw(sys.stdin.buffer if name == STDIN else places.open_input(name) if places.is_remote(name) else open(name, "rb"))  # noqa: SIM115 - Raw closes it
        start = raw.peek()
    except OSError as error:
        raise InputError(f"{name!r} cannot be read: {why(error)}") from None
    compression = next((c for magic, c in _MAGIC.items() if start.startswith(magic)), "none")
    stream: Any = raw if compression == "none" else pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), compression)
    try:
        head = bytes(stream.read(1 << 16))
    except (OSError, pa.ArrowException):
        head = b""
    try:
        format = wanted or _format_of(name, head)
    except InputError:
        raw.close()
        raise
    return Source("<stdin>" if name == STDIN else name, raw, format, compression, stream, head, None if name == STDIN else name)


def _format_of(name: str, head: bytes) -> str:
    columnar = next((f for magic, f in _COLUMNAR.items() if head.startswith(magic)), None)
    if columnar:
        return columnar
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    told = known_suffix(name)
    if text[:1] in (b"{", b"[") and told != "csv":
        return "jsonl"
    if told in ("jsonl", "csv") or not head:
        return told if told in ("jsonl", "csv") else "jsonl"
    if told is not None:
        raise InputError(f"{name!r} is named like a {told} file and is none; it is damaged, or say what it is with --format")
    line = text.splitlines()[0] if text else b""
    if any(mark in line for mark in (b",", b"\t", b";")):
        return "csv"
    raise InputError(f"nothing tells the format of {name!r}; name it with --format {'|'.join(FORMATS)}")


def seekable(source: Source) -> Any:
    """Return what Parquet and Arrow files are read from: the path itself, or all bytes of a compressed file or a stream."""
    import pyarrow as pa

    if source.path is not None and source.compression == "none" and places.look(source.path) is not None:
        return places.open_input(source.path)
    return pa.BufferReader(source.read_all())


