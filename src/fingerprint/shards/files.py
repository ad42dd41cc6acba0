"""Files of blocks: written once and whole, sealed with the key, and read back in any order only as they were written.

A file is its blocks one behind the other, a footer in JSON that names each block with place, size and SHA-256 and says what the file is about, the HMAC-SHA-256
of the footer, its length and a magic. Whoever can write to the folder but has no key can delete a file, and cannot change it: the MAC covers the digests.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import places
from ..errors import InputError
from ..keys import Key

SCHEMA = "fp-shard-1"
MAGIC = b"FPshard1"
_END = struct.Struct("<32sQ8s")
_MAX_FOOTER = 1 << 28


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a file.

    Attributes
    ----------
    name : str
        What it holds; several blocks of one name follow one another.
    data : bytes
    about : mapping
        Plain values, which stand in the footer.
    """

    name: str
    data: bytes | memoryview
    about: Mapping[str, Any]


def write(place: str, about: Mapping[str, Any], blocks: Iterable[Block], key: Key) -> dict[str, Any]:
    """Write a file, aside and then under its name; return its size and its seal.

    Parameters
    ----------
    place : str
        See :mod:`fingerprint.places`.
    about : mapping
        Plain values.
    blocks : iterable of Block
    key : Key

    Raises
    ------
    OSError, InputError
        It cannot be written; nothing is left of it.
    """
    listed: list[Any] = []
    with places.written(place) as file:
        at = 0
        for block in blocks:
            file.write(block.data)
            size = memoryview(block.data).nbytes
            listed.append([block.name, at, size, hashlib.sha256(block.data).hexdigest(), dict(block.about)])
            at += size
        footer = json.dumps({"schema": SCHEMA, "about": {**about, "key_id": key.key_id}, "blocks": listed}, separators=(",", ":")).encode()
        seal = _seal(footer, key)
        file.write(footer + _END.pack(seal, len(footer), MAGIC))
    return {"size": at + len(footer) + _END.size, "seal": seal.hex()}


def _key_named(footer: bytes) -> str:
    """Return which key a footer says that it was sealed with, for a message; nothing else of it is believed."""
    try:
        named = str(json.loads(footer)["about"]["key_id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ", and it is damaged"
    return f" but of {named[:16]!r}, or it was changed; name that key with --key-file"


def _seal(footer: bytes, key: Key) -> bytes:
    return hmac.new(key.derive("shards").material, footer, hashlib.sha256).digest()


class File:
    """A file that :func:`write` wrote, open to be read; safe to be used by several threads.

    Parameters
    ----------
    place : str
    key : Key

    Attributes
    ----------
    about : dict
    seal : str
        Of the footer, in hexadecimal digits: another file has another one.
    size : int
        Bytes.

    Raises
    ------
    InputError
        There is none, it is damaged or of another kind, or another key sealed it.
    """

    def __init__(self, place: str, key: Key) -> None:
        self.place = place
        self._file = places.open_input(place)
        self.size = int(self._file.size())
        if self.size < _END.size:
            raise self._damaged("it has no end")
        seal, length, magic = _END.unpack(self._read(self.size - _END.size, _END.size))
        if magic != MAGIC or not 0 < length <= min(self.size - _END.size, _MAX_FOOTER):
            raise self._damaged("it has no end")
        footer = self._read(self.size - _END.size - length, length)
        if not hmac.compare_digest(seal, _seal(footer, key)):
            raise self._damaged(f"its seal is not that of key {key.key_id}{_key_named(footer)}")
        document = json.loads(footer)
        if document["schema"] != SCHEMA:
            raise self._damaged(f"it is not of schema {SCHEMA}")
        self.about: dict[str, Any] = document["about"]
        self.seal: str = seal.hex()
        self._blocks: dict[str, list[list[Any]]] = {}
        for name, *rest in document["blocks"]:
            self._blocks.setdefault(name, []).append(rest)

    def listed(self, name: str) -> list[dict[str, Any]]:
        """Return what the footer says about each block of a name."""
        return [about for _, _, _, about in self._blocks.get(name, [])]

    def block(self, name: str, number: int = 0) -> bytes:
        """Read one of the blocks of a name.

        Raises
        ------
        InputError
            It is damaged.
        """
        at, size, digest, _ = self._blocks[name][number]
        data = self._read(at, size)
        if hashlib.sha256(data).hexdigest() != digest:
            raise self._damaged(f"{name} is not what was written")
        return data

    def blocks(self, name: str) -> Iterator[bytes]:
        """Read the blocks of a name in turn."""
        for number in range(len(self._blocks.get(name, []))):
            yield self.block(name, number)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, at: int, size: int) -> bytes:
        try:
            data: bytes = self._file.read_at(size, at)
        except OSError as error:
            raise self._damaged(str(error)) from None
        if len(data) < size:
            raise self._damaged("its end is missing")
        return data

    def _damaged(self, reason: str) -> InputError:
        self._file.close()
        return InputError(f"{self.place!r} is no usable shard: {reason}")
