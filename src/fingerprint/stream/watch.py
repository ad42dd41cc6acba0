"""The loop of a service: rows from sources into a detector, findings and alerts out of it, until it is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ..errors import DeliveryError
from ..metrics import Metrics, Snapshot
from ..sources import Delivery, Source
from .detector import Detector

PATIENCE_S = (1.0, 2.0, 5.0, 10.0, 30.0)  # between attempts, while the disk is full or a sink does not answer; the last one from then on
POLL_S = 0.2


@dataclass(slots=True)
class Watcher:
    """Watches sources.

    Parameters
    ----------
    detector : Detector
    sources : sequence of Source
        Opened here, at the positions of the detector.
    sinks : sequence of objects with ``deliver(document)`` and ``close()``
        For alerts.
    every_s : float
        Seconds between the end of an evaluation and the next.
    metrics : Metrics, optional
    say : callable
        Told, in a line each, what a person at the terminal wants to know.

    Notes
    -----
    Evaluations and deliveries run in a thread of their own; rows are taken in meanwhile. A batch that the disk refuses is given again until there is room:
    the stream stops meanwhile, and its lag shows it.
    """

    detector: Detector
    sources: Sequence[Source]
    sinks: Sequence[Any] = ()
    every_s: float = 60.0
    metrics: Metrics | None = None
    say: Callable[[str], object] = lambda line: None
    stopping: threading.Event = field(default_factory=threading.Event)
    n_rows: int = 0
    _lag: dict[str, int] = field(default_factory=dict)
    _unsafe: dict[int, dict[str, str]] = field(default_factory=dict)
    _synced_s: float = field(default_factory=time.monotonic)
    _cursor: int = 0
    _seen_s: float | None = None

    def run(self) -> None:
        """Watch until all sources have ended, and evaluate a last time; or until :attr:`stopping` is set.

        Raises
        ------
        InputError
            A source cannot be read at all, or the state is damaged.
        """
        pool = ThreadPoolExecutor(1, "fingerprint-evaluation")
        evaluating: Future[None] | None = None
        evaluated_s = time.monotonic()
        try:
            for source in self.sources:
                source.open(self.detector.positions, lambda partitions: self._patiently(self.detector.sync))
            while not self.stopping.is_set() and not all(source.finished for source in self.sources):
                if not self._turn():
                    self.stopping.wait(POLL_S)
                if evaluating is not None and evaluating.done():
                    evaluating.result()
                    evaluating, evaluated_s = None, time.monotonic()
                if evaluating is None and time.monotonic() - evaluated_s >= self.every_s:
                    evaluating = pool.submit(self._evaluate)
        finally:
            pool.shutdown()
            for source in self.sources:
                source.close()
        if evaluating is not None:
            evaluating.result()
        if not self.stopping.is_set():
            self._evaluate()

    def _turn(self) -> bool:
        """Take in what each source has; return whether any had anything."""
        any_rows = False
        for number, source in enumerate(self.sources):
            if source.finished or self.stopping.is_set():
                continue
            delivery = source.poll(POLL_S if len(self.sources) == 1 else 0.0)
            if delivery is not None:
                any_rows = True
                self._take_in(delivery)
                self._unsafe.setdefault(number, {}).update(delivery.positions)
                self._lag[source.name] = delivery.lag or 0
        self._commit()
        return any_rows

    def _take_in(self, delivery: Delivery) -> None:
        def attempt() -> None:
            start = time.perf_counter()
            self.detector.observe(delivery.decoded, positions=delivery.positions, repeated=delivery.n_repeated)
            if self.metrics is not None:
                self.metrics.observed(time.perf_counter() - start)

        self._patiently(attempt)
        self.n_rows += delivery.n_rows
        self._seen_s = time.time()

    def _commit(self) -> None:
        """Tell sources what is on the disk."""
        if not self._unsafe:
            return
        config = self.detector.config
        if config.durability == "fast":
            if time.monotonic() - self._synced_s < config.sync_s:
                return
            self._patiently(self.detector.sync)
            self._synced_s = time.monotonic()
        for number, positions in self._unsafe.items():
            self.sources[number].commit(positions)
        self._unsafe = {}

    def _patiently(self, attempt: Callable[[], None]) -> None:
        """Try again as long as the disk refuses, unless told to stop."""
        for n in range(1 << 30):
            try:
                return attempt()
            except OSError as error:
                wait = PATIENCE_S[min(n, len(PATIENCE_S) - 1)]
                self.say(f"{error}; trying again in {wait:g} s")
                if self.stopping.wait(wait):
                    raise

    def _evaluate(self) -> None:
        """Find campaigns, say what has changed, and deliver the alerts that are due."""
        start = time.perf_counter()
        found = self.detector.findings(self._cursor)
        alerts = self.detector.alerts() if self.sinks else []
        if self.metrics is not None:
            self.metrics.evaluated(time.perf_counter() - start)
        self._cursor = found.cursor
        for change in found.changes:
            self.say(f"{change.finding_id} {change.kind}: {change.n_accounts:,} accounts, {change.n_prompts:,} prompts")
        for document in alerts:
            self._deliver(document)

    def _deliver(self, document: dict[str, Any]) -> None:
        """Hand an alert to all sinks; one that does not take it gets it again after the next evaluation."""
        try:
            for sink in self.sinks:
                sink.deliver(document)
        except DeliveryError as error:
            self.say(f"{error}; the alert is kept")
            return
        self.detector.delivered([document["alert_id"]])

    def snapshot(self) -> Snapshot:
        """Return the figures for a scrape."""
        status, now = self.detector.status(), time.time()
        counts = status.counts
        rejected = {name.removeprefix("rejected:"): n for name, n in counts.items() if name.startswith("rejected:")}
        return Snapshot(
            events_total=counts.get("read", 0) + counts.get("repeated", 0), accepted_total=counts.get("accepted", 0), blank_total=counts.get("blank", 0),
            late_total=rejected.pop("late", 0), ahead_total=rejected.pop("ahead-of-clock", 0), rejected_total=rejected,
            repeated_total=counts.get("repeated", 0), expired_total=counts.get("expired", 0) + counts.get("dropped", 0), live_events=status.n_live,
            live_texts=status.n_texts, live_accounts=status.n_accounts, live_clusters=status.n_clusters, index_bytes=status.memory_bytes,
            state_bytes=status.state_bytes, findings=status.n_findings, alerts_sent_total=status.n_delivered, alerts_pending=status.n_pending,
            lag_events=dict(self._lag), last_event_age_seconds=None if self._seen_s is None else now - self._seen_s,
            last_snapshot_age_seconds=now - status.snapshot_us / 1e6 if status.snapshot_us else None,
            last_evaluation_age_seconds=now - status.evaluated_us / 1e6 if status.evaluated_us else None)
