"""Places: paths on this machine, and addresses of object stores and other file systems, behind the same few calls.

An address names its file system before ``://``: one that Arrow has built in (``s3://``, ``gs://``, ``abfs://``, ``hdfs://``), or any other that fsspec knows.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import posixpath
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .errors import BackendUnavailable, InputError, why

_SEPARATOR = "://"
_PASSWORD = re.compile("[^/@]*:[^/]*@")
_ARROW = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs")  # schemes that Arrow's own file systems serve


@dataclass(frozen=True, slots=True)
class Found:
    """A file.

    Attributes
    ----------
    place : str
    size : int
        Bytes.
    changed_ns : int
        Time of the last change, nanoseconds since 1970; 0 where the file system has none.
    """

    place: str
    size: int
    changed_ns: int


def is_remote(place: str | os.PathLike[str]) -> bool:
    """Say whether a place is an address rather than a path."""
    return _SEPARATOR in os.fspath(place)


def join(folder: str, name: str) -> str:
    """Return the place of a name in a folder."""
    return posixpath.join(folder, name) if is_remote(folder) else os.path.join(folder, name)


def absolute(place: str | os.PathLike[str]) -> str:
    """Return the place under a name that holds in other processes, too."""
    return os.fspath(place) if is_remote(place) else os.path.abspath(place)


def look(place: str) -> Found | None:
    """Return what is known of a file, None where there is no file.

    Raises
    ------
    InputError
        The file system cannot be reached.
    BackendUnavailable
        There is none of this scheme.
    """
    if not is_remote(place):
        try:
            status = os.stat(place)
        except (OSError, ValueError):
            return None
        return Found(place, status.st_size, status.st_mtime_ns) if os.path.isfile(place) else None
    system, path = _system(place)
    with _told(place):
        info = system.get_file_info(path)
    return Found(place, info.size or 0, info.mtime_ns or 0) if info.is_file else None


def is_folder(place: str) -> bool:
    """Say whether a place is a folder; of an object store, whether an object lies below it."""
    if not is_remote(place):
        return os.path.isdir(place)
    system, path = _system(place)
    with _told(place):
        return not system.get_file_info(path).is_file and any(_below(system, path))


def listed(folder: str) -> list[str]:
    """Return the files below a folder, at any depth, in the order of their names; empty where there is no folder."""
    if not is_remote(folder):
        return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())
    system, path = _system(folder)
    with _told(folder):
        return sorted(_named(info.path, folder, path) for info in _below(system, path))


def matching(pattern: str) -> list[str]:
    """Return the files that fit a pattern, in the order of their names. In an address ``*`` stands for anything but ``/``, ``**`` for that too."""
    if not is_remote(pattern):
        return sorted(path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path))
    start = pattern[: min(pattern.index(mark) for mark in "*?[" if mark in pattern)]
    folder = posixpath.dirname(start)
    (system, path), wanted = _system(folder), _system(pattern)[1].split("/")
    with _told(pattern):
        return sorted(_named(info.path, folder, path) for info in _below(system, path) if _fits(info.path.split("/"), wanted))


def _named(path: str, folder: str, of_folder: str) -> str:
    """Return the address of a file by its path, and the address and path of a folder that it lies below."""
    return f"{folder.rstrip('/')}/{path.strip('/')[len(of_folder.strip('/')) :].lstrip('/')}"


def _fits(parts: list[str], wanted: list[str]) -> bool:
    if not wanted:
        return not parts
    if wanted[0] == "**":
        return any(_fits(parts[n:], wanted[1:]) for n in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], wanted[0]) and _fits(parts[1:], wanted[1:])


def open_input(place: str) -> Any:
    """Open a file to read it from anywhere: an Arrow file, which has ``read``, ``read_at``, ``seek``, ``size`` and ``close``.

    Raises
    ------
    InputError
        There is no such file, or it cannot be opened.
    """
    import pyarrow as pa

    if is_remote(place):
        system, path = _system(place)
        with _told(place):
            return system.open_input_file(path)
    with _told(place):
        return pa.OSFile(place, "rb")


@contextmanager
def written(place: str) -> Iterator[IO[bytes]]:
    """Give a file to write; when that ends well it stands at `place`, whole, readable by its owner only. Otherwise nothing is left of it.

    Several may write one place at a time: the last one to end stands there. A remote file is written here and sent at the end.

    Raises
    ------
    OSError
        The disk is full, or the file system cannot be reached.
    """
    if is_remote(place):
        with tempfile.TemporaryFile(prefix="fingerprint-") as file:
            yield file
            file.seek(0)
            _send(file, place)
        return
    folder = os.path.dirname(place) or "."
    os.makedirs(folder, mode=0o700, exist_ok=True)
    aside = f"{place}.{secrets.token_hex(4)}.partial"
    try:
        with os.fdopen(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w+b") as local:
            yield local
            local.flush()
            os.fsync(local.fileno())
        os.replace(aside, place)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(aside)


def _send(file: IO[bytes], place: str) -> None:
    system, path = _system(place)
    if place.split(_SEPARATOR, maxsplit=1)[0] not in ("s3", "gs", "gcs"):  # object stores have no folders to be made
        system.create_dir(posixpath.dirname(path), recursive=True)
    with system.open_output_stream(path) as target:
        shutil.copyfileobj(file, target, 1 << 22)


def fetch(place: str, folder: Path) -> None:
    """Copy a file into a folder of this machine, under its own name.

    Raises
    ------
    InputError
        It cannot be read.
    """
    with open_input(place) as source, _told(place), open(folder / posixpath.basename(place), "wb") as target:
        shutil.copyfileobj(source, target, 1 << 22)


def remove(places: Iterable[str]) -> None:
    """Delete files, those that are there."""
    for place in places:
        if is_remote(place):
            system, path = _system(place)
            with suppress(FileNotFoundError):
                system.delete_file(path)
        else:
            with suppress(FileNotFoundError):
                os.unlink(place)


def _below(system: Any, path: str) -> Iterator[Any]:
    from pyarrow import fs

    return (info for info in system.get_file_info(fs.FileSelector(path, allow_not_found=True, recursive=True)) if info.is_file)


def _system(place: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path there."""
    import pyarrow as pa
    from pyarrow import fs

    scheme, _, below = place.partition(_SEPARATOR)
    scheme = scheme.lower()
    if _PASSWORD.match(below):
        raise InputError(f"an address of {scheme}:// holds a password or secret key, and addresses stand in reports; put it into the environment, where the "
                         "file system looks for it")
    try:
        if scheme in _ARROW:
            holder, _, rest = below.partition("/")
            system, path = fs.FileSystem.from_uri(f"{scheme.replace('gcs', 'gs')}{_SEPARATOR}{holder}")  # of a name with % or ? an address is made otherwise
            return system, posixpath.join(path, rest) if rest else path
        import fsspec

        system, path = fsspec.core.url_to_fs(place)
        return fs.PyFileSystem(fs.FSSpecHandler(system)), path
    except ImportError as error:
        raise BackendUnavailable(f"{scheme}:// needs another package, {error.name}; pip install 'prompt-fingerprint[remote]' brings fsspec") from None
    except (ValueError, OSError, pa.ArrowException) as error:
        raise InputError(f"{place!r} is no address of a file system that can be reached: {_said(error)}") from None


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Turn what a file system raises into :class:`InputError`."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{place!r} cannot be read: {_said(error)}") from error


def _said(error: Exception) -> str:
    return why(error) if isinstance(error, OSError) and error.strerror else " ".join(str(error).split())[:300] or type(error).__name__
