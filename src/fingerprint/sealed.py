"""Folders of arrays that are read back only as they were written: every file has its size and SHA-256 in a manifest, and the manifest a keyed MAC.

Whoever can write to the folder but has no key can delete it, and cannot put another content in its place: nothing of a file is looked at before its
digest was found in a manifest whose MAC is right.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import ConfigError, InputError, why
from .keys import Key

MANIFEST = "index.json"
_CHUNK = 1 << 22
_MAX_MANIFEST = 1 << 22


@contextmanager
def sealing(folder: Path, about: Mapping[str, Any], key: Key) -> Iterator[Path]:
    """Give a folder to write files into; when that ends well, they are sealed and stand in `folder`, readable by their owner only.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty or a sealed folder, which is replaced.
    about : mapping
        Plain values that stand in the manifest; what is put into it meanwhile counts.
    key : Key
        Of the MAC.

    Raises
    ------
    ConfigError
        The folder holds something else, or cannot be written.
    """
    aside = folder.with_name(folder.name + ".partial")
    try:
        if folder.exists() and not (folder.is_dir() and ((folder / MANIFEST).is_file() or not any(folder.iterdir()))):
            raise ConfigError(f"{str(folder)!r} exists and is no index; name another folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove(aside)
        aside.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigError(f"{str(folder)!r} cannot be written: {why(error)}") from None
    try:
        yield aside
        names = sorted(path.name for path in aside.iterdir())
        body = {"about": dict(about), "files": {name: dict(zip(("size", "sha256"), _digest(aside / name), strict=True)) for name in names}}
        text = json.dumps({**body, "mac": _mac(body, key)}, indent=1)
        (aside / MANIFEST).write_text(text, "utf-8")
        for path in aside.iterdir():
            path.chmod(0o600)
        _remove(folder)
        os.replace(aside, folder)
    finally:
        _remove(aside)


def unseal(folder: Path, key: Key, schema: str) -> dict[str, Any]:
    """Check every file of a sealed folder and return what the manifest says about it.

    Raises
    ------
    InputError
        It is no sealed folder of this schema, another key sealed it, or a file is missing, damaged or another.
    """
    where = repr(str(folder))
    try:
        with open(folder / MANIFEST, "rb") as file:
            raw = file.read(_MAX_MANIFEST + 1)
        document = json.loads(raw) if len(raw) <= _MAX_MANIFEST else None
    except OSError as error:
        raise InputError(f"{where} cannot be read: {why(error)}") from None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("about"), dict) or document["about"].get("schema") != schema:
        raise InputError(f"{where} is no index of this version ({schema}), or it is damaged")
    about: dict[str, Any] = document["about"]
    if about.get("key_id") != key.key_id:
        raise InputError(f"{where} was made with key {str(about.get('key_id'))[:16]!r}; here it is {key.key_id}; name that key with --key-file")
    mac = document.pop("mac", None)
    if not isinstance(mac, str) or not hmac.compare_digest(mac.encode("utf-8", "replace"), _mac(document, key).encode()):
        raise InputError(f"{where} is damaged or was changed: its manifest is not the one that was written")
    for name, told in document["files"].items():
        try:
            found = _digest(folder / name)
        except OSError as error:
            raise InputError(f"{where}: {name} cannot be read: {why(error)}") from None
        if found != (told["size"], told["sha256"]):
            raise InputError(f"{where}: {name} is damaged or was changed")
    return about


def save_array(folder: Path, name: str, rows: npt.NDArray[Any]) -> None:
    """Write an array as ``name.npy``."""
    np.save(folder / f"{name}.npy", rows, allow_pickle=False)


def load_array(folder: Path, name: str, kind: npt.DTypeLike, ndim: int = 1) -> npt.NDArray[Any]:
    """Map an array that :func:`unseal` has checked into memory, read-only.

    Raises
    ------
    InputError
        It is missing or of another type.
    """
    try:
        rows: npt.NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        raise InputError(f"{str(folder)!r} has no usable {name}") from None
    if rows.dtype != kind or rows.ndim != ndim:
        raise InputError(f"{str(folder)!r}: {name} is {rows.dtype} of {rows.ndim} dimensions")
    return rows


def _mac(document: Mapping[str, Any], key: Key) -> str:
    body = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hmac.new(key.derive("sealed").material, body.encode(), hashlib.sha256).hexdigest()


def _digest(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def _remove(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
