"""How a long scan says where it is. The pipeline reports to a :class:`Progress`; what is done with that is the caller's affair."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


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
