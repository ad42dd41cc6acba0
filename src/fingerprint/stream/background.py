"""What a detector does beside taking in batches: one thread for what can wait, in turn, and one that brings batches to the disk."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")
BEHIND = 4  # steps of priority by which this work comes after all other: enough for batches to be quick, and too few for it to fall behind


class Background:
    """Work that goes on while batches are observed.

    What the disk refuses is told by :attr:`error`, and the work is done again when it is due again; anything else that is raised is kept in :attr:`failed`.

    Attributes
    ----------
    error : str
        What the disk said when it refused work last; empty once work has been done again.
    failed : BaseException or None
    """

    def __init__(self) -> None:
        self.error = ""
        self.failed: BaseException | None = None
        self._pool = ThreadPoolExecutor(1, "fingerprint-stream", _step_back)
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._syncing = threading.Lock()

    def submit(self, work: Callable[..., Any], *what: Any) -> Future[None]:
        """Do work when that before it is done."""
        return self._pool.submit(self._guarded, work, *what)

    def in_turn(self, work: Callable[[], Result]) -> Result:
        """Do work when that before it is done, wait for it, and return or raise what it does."""
        return self._pool.submit(work).result()

    def later(self, seconds: float, work: Callable[[], Any]) -> None:
        """Do work some seconds from now, beside the rest, unless it is to be done sooner already."""
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(seconds, self._now, (work,))
                self._timer.name, self._timer.daemon = "fingerprint-sync", True
                self._timer.start()

    def _now(self, work: Callable[[], Any]) -> None:
        with self._lock:
            self._timer = None
        with self._syncing:
            self._guarded(work)

    def _guarded(self, work: Callable[..., Any], *what: Any) -> None:
        try:
            work(*what)
            self.error = ""
        except OSError as error:
            self.error = str(error)
        except BaseException as error:
            self.failed = error

    def close(self) -> None:
        """Finish what was submitted; what was to be done later is not done."""
        with self._lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        with self._syncing:
            self._pool.shutdown()


def _step_back() -> None:
    """Lower the priority of the thread that calls."""
    if sys.platform == "linux":  # elsewhere only processes have one
        thread = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + BEHIND)
