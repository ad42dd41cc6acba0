"""How a long scan says where it is. The pipeline reports to a :class:`Progress`; what is done with that is the caller's affair."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class Progress:
    """Receives the progress of a scan and does nothing with it; subclasses show it.

    Examples
    --------
    >>> progress = Progress()
    >>> with progress.stage("reading", total=2):
    ...     progress.advance(1)
    ...     progress.advance(1)
    """

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[None]:
        """Enclose one stage of the work.

        Parameters
        ----------
        name : str
            What is being done, a few words.
        total : int or None
            Steps to come, None where that is unknown.
        """
        self.started(name, total)
        try:
            yield
        finally:
            self.finished(name)

    def started(self, name: str, total: int | None) -> None:
        """Note that a stage begins."""

    def finished(self, name: str) -> None:
        """Note that a stage ended, whether or not it succeeded."""

    def advance(self, n: int = 1) -> None:
        """Note `n` more steps of the innermost running stage."""


@dataclass(slots=True)
class Stopwatch:
    """Seconds per stage, and the progress display beside them."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[None]:
        """Time one stage."""
        start = time.perf_counter()
        with self.progress.stage(name, total):
            yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)
