"""What can go wrong, one class per kind. Every message says what is wrong and, where there is one, the way out."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

_WAYS_OUT = {
    errno.ENOENT: "check the path",
    errno.EACCES: "become its owner, or get permission",
    errno.EPERM: "become its owner, or get permission",
    errno.EISDIR: "name a file",
    errno.ENOTDIR: "a part of the path is a file; name a folder",
    errno.ENAMETOOLONG: "name a shorter path",
    errno.ENOSPC: "make room, or name a place on another disk",
    errno.EDQUOT: "make room, or name a place on another disk",
    errno.EROFS: "name a place that can be written",
    errno.EMFILE: "raise the limit (ulimit -n)",
}
MOST_KNOWN = 20_000  # names that are compared letter by letter


class FingerprintError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(FingerprintError, ValueError):
    """An option has a value that cannot work; raised before anything is allocated."""


class InputError(FingerprintError):
    """Input as a whole cannot be read (a missing file, an unknown format); a bad *row* is a counted reject, never this."""


class IncompatibleSignatures(FingerprintError, ValueError):
    """Two sketches differ in scheme, key or parameters, so comparing them would mean nothing."""


class BackendUnavailable(FingerprintError, ImportError):
    """An optional part was asked for and is not installed; the message holds the command that installs it."""


class DeliveryError(FingerprintError):
    """An alert could not be handed over, or nobody said that it was: it is still to be delivered; the message names the sink and what it answered."""


def why(error: OSError) -> str:
    """Return what the operating system says, and the way out where there is one."""
    said = error.strerror or type(error).__name__
    way_out = _WAYS_OUT.get(error.errno or 0)
    return f"{said}; {way_out}" if way_out else said


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'a' or 'b'?"`` with the names that are most like a wrong one, empty where none is like it.

    Of more than ``MOST_KNOWN`` names only those with its first two characters are looked at.
    """
    from difflib import get_close_matches

    names = list(known)
    if len(names) > MOST_KNOWN:
        names = [one for one in names if one[:2] == name[:2]][:MOST_KNOWN]
    found = get_close_matches(name[:200], names, n=3, cutoff=0.7)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""


def nearest_path(path: str) -> str:
    """Return the same for a path that does not exist, of what lies in its folder; or which folder is missing."""
    folder, name = os.path.split(path.rstrip("/"))
    try:
        return nearest(name, sorted(os.listdir(folder or ".")))
    except (OSError, ValueError):
        return f"; there is no folder {folder!r}"
