"""Where alerts go: lines of a file or of stdout here, and :mod:`.webhook` and :mod:`.brokers` beside it.

Delivery is at least once. The caller keeps an alert until :meth:`Sink.deliver` returns and hands it over again when that raises, also after a restart, so a
receiver may see an ``alert_id`` twice and should keep only the first.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from typing import Any, Self

from ..errors import ConfigError, DeliveryError
from ..report.escaping import one_line
from ..report.files import dump_json


class Sink:
    """Takes alerts; subclasses say where to. A context manager that closes it.

    Attributes
    ----------
    name : str
        For messages: where it leads, without credentials.
    """

    name = "sink"

    def deliver(self, document: Mapping[str, Any]) -> None:
        """Hand over one alert; return when the other side has it.

        Parameters
        ----------
        document : mapping
            From :func:`fingerprint.alerting.alert_document`.

        Raises
        ------
        DeliveryError
            It could not be handed over, or that is not known.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of connections."""

    def failed(self, why: object) -> DeliveryError:
        """Return the error to raise, with what the other side said made harmless."""
        return DeliveryError(f"{self.name} did not take an alert: {one_line(str(why), 300)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def alert_line(document: Mapping[str, Any]) -> str:
    """Return an alert as one line of JSON in printable ASCII: nothing in it acts on a terminal that shows it, or starts another line."""
    return dump_json(dict(document), indent=None)


def checked_wait(timeout_s: float) -> float:
    """Return a time to wait for the other side; raise :class:`ConfigError` where it is none, or for ever."""
    if not 0 < timeout_s < 86_400:
        raise ConfigError(f"the timeout of a sink is above 0 and below a day, not {timeout_s:g} s")
    return timeout_s


class Lines(Sink):
    """Appends alerts to a file, one line each.

    Parameters
    ----------
    path : str
        ``"-"`` for stdout. A file is opened for every alert, so it can be moved away at any time, and made with mode 0600.

    Raises
    ------
    ConfigError
        The file cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.name = "stdout" if path == "-" else f"file {one_line(path, 200)!r}"
        self._path = path
        if path != "-":
            try:
                os.close(self._open())
            except (OSError, ValueError) as error:
                raise ConfigError(f"{self.name} cannot be written: {getattr(error, 'strerror', None) or 'its name is no name of a file'}") from None

    def deliver(self, document: Mapping[str, Any]) -> None:
        """Append one alert, and return when it is on the disk.

        Raises
        ------
        DeliveryError
            The disk is full, or whoever read stdout has gone.
        """
        line = alert_line(document)
        try:
            if self._path == "-":
                sys.stdout.write(line)
                sys.stdout.flush()
            else:
                self._append(line.encode("ascii"))
        except (OSError, ValueError) as error:  # ValueError: stdout is closed
            raise self.failed(getattr(error, "strerror", None) or error) from None

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _append(self, line: bytes) -> None:
        handle = self._open()
        try:
            is_file = stat.S_ISREG(os.fstat(handle).st_mode)
            size = os.fstat(handle).st_size
            if is_file and size and os.pread(handle, 1, size - 1) != b"\n":
                line = b"\n" + line  # behind what a full disk cut off
            while line:
                line = line[os.write(handle, line) :]
            if is_file:
                os.fsync(handle)
        finally:
            os.close(handle)
