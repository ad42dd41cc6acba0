"""Reading, decoding or tokenising in a thread of its own, a few batches ahead of whoever works on them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")
BATCHES = 4
_POLL_S = 0.1


def ahead(items: Iterable[Item]) -> Generator[Item]:
    """Yield the items of an iterable that is run in a thread, up to ``BATCHES`` ahead.

    What it raises is raised here, after the items before. When the caller stops early, the thread ends with the item it is at.
    """
    ready: queue.Queue[tuple[list[Item], BaseException | None]] = queue.Queue(BATCHES)
    stopped = threading.Event()

    def put(found: list[Item], error: BaseException | None) -> None:
        while not stopped.is_set():
            try:
                return ready.put((found, error), timeout=_POLL_S)
            except queue.Full:
                continue

    def run() -> None:
        try:
            for item in items:
                put([item], None)
                if stopped.is_set():
                    return
        except BaseException as error:
            put([], error)
        else:
            put([], None)

    thread = threading.Thread(target=run, name="fingerprint-ahead", daemon=True)
    thread.start()
    try:
        while True:
            found, error = ready.get()
            if error is not None:
                raise error
            if not found:
                return
            yield found[0]
    finally:
        stopped.set()
        thread.join()
