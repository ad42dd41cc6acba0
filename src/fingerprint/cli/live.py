"""Progress on a terminal."""

from __future__ import annotations

import sys
from typing import Any

from ..progress import Progress


def progress_for_terminal() -> Progress:
    """Return a progress display where stderr is a terminal, else one that says nothing, so that logs stay free of bars."""
    return LiveProgress() if sys.stderr.isatty() else Progress()


class LiveProgress(Progress):
    """One line per stage on stderr: what is being done, how far, how long it took."""

    def __init__(self, console: Any = None) -> None:
        from ..report.terminal import console as make_console

        self._console = console or make_console(stderr=True)
        self._running: list[tuple[Any, Any]] = []

    def started(self, name: str, total: int | None) -> None:
        """Show a stage; a stage inside another takes its place until it ends."""
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        if self._running:
            self._running[-1][0].stop()
        columns = [TextColumn("{task.description:<24}", markup=False), BarColumn(bar_width=32), TimeElapsedColumn()]
        if total is not None:
            columns.insert(2, TaskProgressColumn())
        bars = Bars(*columns, console=self._console, transient=False, refresh_per_second=4)
        task = bars.add_task(name, total=total)
        bars.start()
        self._running.append((bars, task))

    def finished(self, name: str) -> None:
        """Leave the finished line standing and go on with the stage around it."""
        bars, task = self._running.pop()
        shown = next(t for t in bars.tasks if t.id == task)
        if shown.total is None:
            bars.update(task, total=max(shown.completed, 1), completed=max(shown.completed, 1))
        bars.stop()
        if self._running:
            self._running[-1][0].start()

    def advance(self, n: int = 1) -> None:
        """Move the bar of the innermost stage."""
        if self._running:
            bars, task = self._running[-1]
            bars.advance(task, n)
