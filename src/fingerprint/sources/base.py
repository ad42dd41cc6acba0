"""What every source does."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..readers import Decoded, Decoder

MAX_ROWS = 1000  # of a delivery, unless told otherwise
MAX_BYTES = 32 << 20  # of a delivery; the row that passes it is the last
Release = Callable[[Sequence[str]], None]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Rows that arrived together.

    Attributes
    ----------
    decoded : Decoded
    positions : dict of str to str
        For each partition that moved, the position *behind* its last row here. Whoever keeps the state keeps these with it, in one transaction.
    n_rows : int
        Rows read: accepted, blank and rejected ones.
    n_repeated : int
        Rows before the position of their partition, that a broker sent once more; they are not among the others.
    lag : int or None
        What still waits behind this delivery, rows of a broker or bytes of files; None where it is not known.
    """

    decoded: Decoded
    positions: dict[str, str]
    n_rows: int
    n_repeated: int = 0
    lag: int | None = None


class Source(ABC):
    """Delivers rows, and remembers nothing beyond its own life.

    Each row is counted once, whatever crashes when: the state keeps ``Delivery.positions`` in one transaction with what it made of the rows, and
    :meth:`commit` comes after that. What a broker itself notes is for tools that show how far readers are; on opening, and whenever partitions
    are assigned anew, reading goes on at the position of the state.

    Parameters
    ----------
    name : str
        The source as a person named it, without passwords.
    decoder : Decoder
        Its own: whatever is in there goes out with the next delivery.
    max_rows : int
        Rows of a delivery, at most.
    """

    def __init__(self, name: str, decoder: Decoder, max_rows: int = MAX_ROWS) -> None:
        self.name, self.decoder, self.max_rows = name, decoder, max_rows

    @property
    def finished(self) -> bool:
        """Whether nothing will ever come again."""
        return False

    @abstractmethod
    def open(self, positions: Mapping[str, str], release: Release | None = None) -> None:
        """Begin to read.

        Parameters
        ----------
        positions : mapping of str to str
            Position of each partition in the *durable* state; those of other sources may be among them. Looked at here, and again inside
            :meth:`poll` for what is assigned or appears later, so it is the state's own, not a copy.
        release : callable, optional
            Called inside :meth:`poll` with partitions that another consumer of the group is about to take over: make the state durable, all
            deliveries so far included, before returning. Without it they appear in :meth:`lost`.

        Raises
        ------
        InputError
            The source is not there, may not be read, or has nothing to do with the positions of the state.
        """

    @abstractmethod
    def poll(self, timeout_s: float) -> Delivery | None:
        """Return what has arrived, None if nothing did in time; never waits once there is something.

        Raises
        ------
        InputError
            As of :meth:`open`. A broker that cannot be reached is none: it is tried again, at growing intervals, and logged.
        """

    def commit(self, positions: Mapping[str, str]) -> None:  # noqa: B027 - most sources have nobody to tell
        """Tell the broker that all rows before these positions are safe. A failure is logged: the state is the truth."""

    def lost(self) -> list[str]:
        """Return partitions, each once, that went to another consumer before the state could be made durable.

        What was delivered of them since the last durable state is read again by whoever has them now. To count it once, go back to that state.
        """
        return []

    @abstractmethod
    def close(self) -> None:
        """Let go of everything; once more does nothing."""

    def _delivery(self, positions: dict[str, str], n_repeated: int = 0, lag: int | None = None) -> Delivery | None:
        """Return what the decoder holds, None if that is nothing and nothing was repeated."""
        decoded = self.decoder.take()
        if not decoded.accounting.read and not n_repeated:
            return None
        return Delivery(decoded, positions, decoded.accounting.read, n_repeated, lag)


@dataclass(slots=True)
class Complaints:
    """Logs what goes wrong with a broker, each kind at most once in `every_s` seconds."""

    log: logging.Logger
    every_s: float = 30.0
    _said: dict[str, float] = field(default_factory=dict)

    def __call__(self, kind: str, message: str, *arguments: object) -> None:
        """Log a warning, unless one of its kind was logged just now."""
        now = time.monotonic()
        if now - self._said.get(kind, -self.every_s) >= self.every_s:
            self._said[kind] = now
            self.log.warning(message, *arguments)


@dataclass(slots=True)
class Backoff:
    """When to try again: after `first_s`, then after twice as long each time, up to `most_s`."""

    first_s: float = 0.1
    most_s: float = 5.0
    _interval_s: float = 0.0
    _due: float = 0.0

    def failed(self) -> None:
        """Put off the next attempt."""
        self._interval_s = min(max(2 * self._interval_s, self.first_s), self.most_s)
        self._due = time.monotonic() + self._interval_s

    def succeeded(self) -> None:
        """Begin with short intervals again."""
        self._interval_s = self._due = 0.0

    def wait(self, deadline: float) -> bool:
        """Sleep until the next attempt or the deadline, whichever is earlier; say whether it was the attempt."""
        time.sleep(max(min(self._due, deadline) - time.monotonic(), 0.0))
        return self._due <= deadline
