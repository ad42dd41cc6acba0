"""JSON Lines files, read as they grow, through rotation by renaming and by truncation.

What was renamed is read to its end before its successor, where it is still in its folder or still open here: by inode, whatever it is called now,
and the files between the two as well. A writer is given ``GRACE_S`` to let go of a file that was renamed. What is lost: rows that are written to it
later, rows of a file that was deleted or compressed while no process was reading it, and rows that were cut off by truncation before they were
read; each is logged as far as it can be known.
"""

from __future__ import annotations

import errno
import fnmatch
import glob
import logging
import os
import stat
import time
from collections.abc import Iterable, Mapping

from ..errors import InputError, nearest_path, why
from ..readers import Decoder
from .base import MAX_BYTES, MAX_ROWS, Complaints, Delivery, Release, Source
from .tails import COMPRESSED, Identity, LogFile, Place, Tail, names_of, parse_position, rotated_since

SCAN_S = 0.5  # between looks at names
WAIT_S = 0.05  # between looks at sizes
GRACE_S = 2.0
log = logging.getLogger(__name__)


class FileSource(Source):
    """Rows of one file, or of all files that fit a glob, those that appear later included; one descriptor is held open for each.

    Partitions are called ``file:PATH``. A position holds inode, byte offset and checksum (see :mod:`fingerprint.sources.tails`), so it survives
    that the file is renamed; a file without position is read from its beginning. In ``rejects`` a position is ``INODE:OFFSET``.

    Parameters
    ----------
    pattern : str
        A path or a glob. A path need not exist yet where it is followed; its folder must.
    follow : bool
        Wait for more at the end of a file. Otherwise a last line without newline is a row, and the source is finished after it.
    grace_s : float
        How long a renamed file must not have grown before its successor is read.

    Raises
    ------
    InputError
        There is no such file, or it is no plain file of lines.
    """

    def __init__(self, pattern: str, decoder: Decoder, max_rows: int = MAX_ROWS, follow: bool = True, grace_s: float = GRACE_S) -> None:
        super().__init__(pattern, decoder, max_rows)
        self.follow, self.grace_s = follow, grace_s
        self._pattern = os.path.abspath(pattern)
        self._is_glob = glob.has_magic(pattern) and not os.path.exists(pattern)
        self._tails: dict[str, Tail] = {}
        self._turn = 0
        self._next_scan = 0.0
        self._complain = Complaints(log)
        if not self._is_glob and (os.path.isdir(pattern) or pattern.endswith(COMPRESSED)):
            raise InputError(f"{pattern!r} is {'a folder' if os.path.isdir(pattern) else 'compressed'}; a stream reads plain files, such as 'logs/*.jsonl'")

    @property
    def finished(self) -> bool:
        """Whether files that are not followed were read to their end."""
        return not self.follow and all(tail.ended for tail in self._tails.values())

    def open(self, positions: Mapping[str, str], release: Release | None = None) -> None:
        """Find the files; see :meth:`Source.open`."""
        self._positions = positions
        if self._is_glob or os.path.exists(self._pattern):
            if not self.follow and not self._on_disk():
                raise InputError(f"no file fits {self.name!r}; check the folder and the end of the names")
        elif not self.follow or not os.path.isdir(os.path.dirname(self._pattern)):
            raise InputError(f"{self.name!r} does not exist{nearest_path(self.name) or '; check the path'}")
        for path in self._known():
            self._tails[path] = self._resumed(path)
        self._scan()
        if not any(tail.files for tail in self._tails.values()):
            log.warning("%s: there is no such file yet", self.name)

    def poll(self, timeout_s: float) -> Delivery | None:
        """Return the next rows; see :meth:`Source.poll`."""
        deadline = time.monotonic() + timeout_s
        while True:
            if self.follow and time.monotonic() >= self._next_scan:
                self._scan()
            if self._read():
                moved = {tail.partition: tail for tail in self._tails.values() if tail.position != tail.told}
                for tail in moved.values():
                    tail.told = tail.position
                return self._delivery({name: tail.told for name, tail in moved.items()}, lag=self._waiting())
            left = deadline - time.monotonic()
            if self.finished or left <= 0:
                return None
            time.sleep(min(left, WAIT_S))

    def close(self) -> None:
        """Close the files."""
        for tail in self._tails.values():
            for file in tail.files:
                file.close()
        self._tails = {}

    def _read(self) -> int:
        """Decode up to a delivery of rows, from each file in turn, another one being the first each time; return how many they are."""
        rows, n_bytes = self.max_rows, MAX_BYTES
        tails = list(self._tails.values())
        self._turn = (self._turn + 1) % max(len(tails), 1)
        for tail in tails[self._turn :] + tails[: self._turn]:
            while tail.files and not tail.ended and rows > 0 and n_bytes > 0:
                file = tail.files[0]
                found = file.lines(rows, n_bytes)
                self._decode(found, tail.partition, file)
                rows -= len(found)
                n_bytes -= sum(len(line) for _, line in found if line is not None)
                if rows <= 0 or n_bytes <= 0 or not self._is_over(tail, file):
                    break
                last = file.last_line()
                self._decode([last] if last is not None else [], tail.partition, file, is_cut=True)
                rows -= last is not None
                if file is tail.files[-1]:
                    tail.ended = True
                else:
                    tail.files.popleft().close()
        return self.max_rows - rows

    def _decode(self, lines: Iterable[tuple[int, bytes | None]], partition: str, file: LogFile, is_cut: bool = False) -> None:
        if file.truncated:
            file.truncated = False
            log.warning("%s was truncated: what had not been read before is lost", partition)
        decode = self.decoder.json
        for offset, line in lines:
            position = f"{file.place.inode}:{offset}"
            if line is None:
                self.decoder.reject("too-long", partition, position)
            else:
                decode(line, partition, position, is_cut=is_cut)

    def _is_over(self, tail: Tail, file: LogFile) -> bool:
        """Say whether a file of which all lines were read will not grow any more."""
        return not self.follow or ((tail.gone or file is not tail.files[-1]) and file.quiet_s() >= self.grace_s)

    def _waiting(self) -> int:
        return sum(file.waiting for tail in self._tails.values() for file in tail.files)

    def _on_disk(self) -> dict[str, Identity]:
        """Return which file each path leads to; of several paths to one file, the one it is read under."""
        found: dict[Identity, str] = {}
        for path in sorted(glob.glob(self._pattern, recursive=True)) if self._is_glob else [self._pattern]:
            try:
                status = os.stat(path)
            except OSError:
                continue  # renamed just now
            if self._is_glob and (path.endswith(COMPRESSED) or not stat.S_ISREG(status.st_mode)):
                continue
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{self.name!r} is no file; pipe it in and read '-'")
            identity, tail = (status.st_dev, status.st_ino), self._tails.get(path)
            if identity not in found or (tail is not None and tail.holds(identity) is not None):
                found[identity] = path
        return {path: identity for identity, path in found.items()}

    def _known(self) -> list[str]:
        """Return the paths that the state has a position for, whether or not they lead to a file now."""
        if not self._is_glob:
            return [self._pattern]
        paths = [name.removeprefix("file:") for name in self._positions if name.startswith("file:")]
        deep = "**" in self._pattern  # fnmatch lets every star reach across folders
        return sorted(p for p in paths if fnmatch.fnmatchcase(p, self._pattern) and (deep or p.count(os.sep) == self._pattern.count(os.sep)))

    def _scan(self) -> None:
        """Find out which files have appeared, and which have another name."""
        self._next_scan = time.monotonic() + SCAN_S
        on_disk = self._on_disk()
        for path in sorted(on_disk.keys() - self._tails.keys()):
            self._tails[path] = self._resumed(path)
        for path, tail in list(self._tails.items()):
            identity = on_disk.get(path)
            tail.gone, tail.ended = identity is None and self._is_glob, tail.ended and identity is None
            if not tail.files or tail.files[-1].identity != identity:
                self._go_on_with(tail, identity, on_disk)
            if tail.gone:
                self._drop(tail)

    def _resumed(self, path: str) -> Tail:
        """Return the tail of a path where the state left off."""
        tail = Tail(path)
        tail.told = self._positions.get(tail.partition) or ""
        for place in parse_position(tail.told, tail.partition):
            file = self._found(path, place)
            if file is not None:
                tail.files.append(file)
            else:
                log.warning("%s: the file that was read up to byte %d was truncated, or is not in its folder any more; what had not been read is lost",
                            tail.partition, place.offset)
        return tail

    def _found(self, path: str, place: Place) -> LogFile | None:
        """Return the file that a place is in, there, whatever its name is now."""
        for name in names_of(path, place.inode):
            file = self._opened(name)
            if file is not None and file.resume(place):
                return file
            if file is not None:
                file.close()
        return None

    def _go_on_with(self, tail: Tail, identity: Identity | None, on_disk: Mapping[str, Identity]) -> None:
        """Append the files that came under a path since, the one that it leads to now last. What was read under another name goes on from there."""
        for other in self._tails.values():
            file = other.holds(identity) if identity is not None else None
            if file is not None:
                other.files.remove(file)
                tail.files.append(file)
                return
        known = {file.identity for other in self._tails.values() for file in other.files} | set(on_disk.values()) - {identity}
        between = rotated_since(tail.path, tail.files[-1].written_ns) if tail.files else []
        for path in [*between, tail.path]:
            opened = self._opened(path) if not path.endswith(COMPRESSED) else None
            if opened is not None and opened.identity not in known:
                tail.files.append(opened)
            elif opened is not None:
                opened.close()

    def _opened(self, path: str) -> LogFile | None:
        try:
            return LogFile.open(path)
        except FileNotFoundError:
            return None  # renamed just now
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise InputError(f"{self.name!r} fits more files than may be open at once; raise the limit (ulimit -n) or read fewer") from None
            if not self._is_glob:
                raise InputError(f"{path!r} cannot be read: {why(error)}") from None
            self._complain(path, "%s cannot be read: %s", path, error.strerror)
            return None

    def _drop(self, tail: Tail) -> None:
        """Let go of a path that leads nowhere, once everything was read and the state knows: it may come back."""
        if (tail.ended or not tail.files) and tail.position == tail.told == self._positions.get(tail.partition, ""):
            for file in self._tails.pop(tail.path).files:
                file.close()
            self.decoder.forget(tail.partition)
