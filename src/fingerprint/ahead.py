"""Work that goes on in threads, a few steps ahead of whoever takes it: a source that is read, or results in the order of their items."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
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


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Yield the results of `work` for each item in order, computed in threads, a few items ahead."""
    if threads <= 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
