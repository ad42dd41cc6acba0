"""Executors: they run the same orders in this process, in processes of this machine, or on a Ray cluster, and tell what became of each.

They bring no transport of their own: an order and its result are a few plain values, what is made lies in files that all workers reach.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, Self

from ..config import ENGINES
from ..encoders import Encoder
from ..errors import ConfigError, FingerprintError
from ..keys import Key
from . import worker

ALONE = 2  # times that an order may end its worker while it is the only one there is, before it is given up

_SCRIPTS = "a script that starts workers does so under if __name__ == '__main__':"
Order = Mapping[str, Any]
Outcome = tuple[int, dict[str, Any] | Exception]


class Executor:
    """Runs orders in this process, one after the other.

    Parameters
    ----------
    key : Key
    threads : int
        Of a worker.

    Attributes
    ----------
    name : str
    is_here : bool
        Whether all workers share this machine.
    n_workers : int
    threads : int
    """

    name, is_here = "local", True

    def __init__(self, key: Key, threads: int) -> None:
        worker.hold(key)
        self.n_workers, self.threads = 1, threads

    def start(self) -> None:
        """Wait until there are workers."""

    def run(self, orders: Sequence[Order]) -> Iterator[Outcome]:
        """Run orders; yield the number of each as it ends, with its result or with what went wrong: an input or a worker was lost.

        Raises
        ------
        ConfigError
            A worker refuses to work for this scan.
        """
        for number, order in enumerate(orders):
            yield number, _result_of(lambda order=order: worker.run(order))

    def encoder(self, own: Encoder) -> Encoder:
        """Return what encodes for a scan: its own encoder, or workers that do the same."""
        return own

    def close(self) -> None:
        """Let the workers go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _result_of(get: Any) -> dict[str, Any] | Exception:
    """Return a result, or the error that costs this order alone."""
    try:
        result: dict[str, Any] = get()
        return result
    except ConfigError:
        raise
    except (FingerprintError, OSError) as error:
        return error


class Processes(Executor):
    """Runs orders in processes of this machine.

    A worker that is killed takes the others with it, as :class:`concurrent.futures.ProcessPoolExecutor` has it; they are started anew, and what they were at
    is run again, one order at a time, so that the one that ends its worker is found.

    Parameters
    ----------
    n_workers : int
    key : Key
        Handed to the processes in memory.
    threads : int
    """

    def __init__(self, n_workers: int, key: Key, threads: int) -> None:
        super().__init__(key, threads)
        self.n_workers, self._key = n_workers, key
        self._pool: ProcessPoolExecutor | None = None

    def _submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        """Hand over work; that may start a process."""
        if self._pool is None:  # spawned: a fork would copy the locks of threads that are not copied
            self._pool = ProcessPoolExecutor(self.n_workers, multiprocessing.get_context("spawn"), _begin, (self._key.material,))
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited: an interrupt is not for a process that is being started
        try:
            return self._pool.submit(work, *given)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def start(self) -> None:
        """See :meth:`Executor.start`."""
        wait([self._submit(worker.ready) for _ in range(self.n_workers)])

    def run(self, orders: Sequence[Order]) -> Iterator[Outcome]:
        """See :meth:`Executor.run`."""
        waiting, suspects, alone = deque(range(len(orders))), deque[int](), Counter[int]()
        running: dict[Future[Any], int] = {}
        while waiting or suspects or running:
            is_apart = bool(suspects) or any(alone[number] for number in running.values())
            queue, most = (suspects, 1) if is_apart else (waiting, self.n_workers)
            try:
                while queue and len(running) < most:
                    running[self._submit(worker.run, orders[queue[0]])] = queue[0]
                    number = queue.popleft()
                    alone[number] += is_apart
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    outcome = _result_of(future.result)
                    yield running.pop(future), outcome
            except BrokenProcessPool:
                self._let_go()
                lost, running = sorted(running.values()), {}
                for number in lost:
                    if alone[number] >= ALONE:
                        yield number, FingerprintError(f"the worker that did it was killed, {ALONE} times; {_SCRIPTS}")
                    else:
                        suspects.append(number)

    def _let_go(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """See :meth:`Executor.close`."""
        self._let_go()


def _begin(material: bytes) -> None:
    """Prepare a process: an interrupt is the affair of the one that started it, and it ends when that one does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    worker.hold(Key(material))
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), name="fingerprint-parent", daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def executor_of(engine: str, jobs: int, key: Key, threads: int | None = None, address: str | None = None) -> Executor:
    """Return an executor by name.

    Parameters
    ----------
    engine : str
        ``"local"`` or ``"ray"``.
    jobs : int
        Workers. Of a Ray cluster that runs already, its CPUs count.
    key : Key
    threads : int, optional
        Of a worker; by default the processors of this machine are shared out, and a worker on a cluster has one.
    address : str, optional
        Of a Ray cluster, ``"auto"`` for the one of this machine; without it one is started here.

    Raises
    ------
    ConfigError
        There is no such engine, or no cluster at the address.
    BackendUnavailable
        Ray is not installed.
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine is one of {', '.join(ENGINES)}, not {engine!r}")
    if jobs < 1:
        raise ConfigError(f"jobs must be at least 1, not {jobs}")
    if engine == "ray":
        from .cluster import Cluster

        return Cluster(jobs, key, threads or 1, address)
    if address is not None:
        raise ConfigError("an address is that of a Ray cluster; name --engine ray with it")
    share = threads or max(1, (os.cpu_count() or 1) // jobs)
    return Processes(jobs, key, share) if jobs > 1 else Executor(key, share)
