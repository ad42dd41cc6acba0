"""Figures of a running detector for Prometheus: read when they are asked for, and two histograms that are written meanwhile.

No figure names an account or holds text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from .errors import BackendUnavailable, ConfigError
from .report.escaping import one_line

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

    from prometheus_client.core import Metric

LOOPBACK = "127.0.0.1"
MAX_LABELS = 64  # values of one label; the figures of all others are added up as "other"
_MAX_CHARS = 80  # of one
_INSTALL = "metrics need prometheus_client: pip install 'prompt-fingerprint[stream]'"
_OBSERVE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_EVALUATE = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


def _counter(text: str, label: str = "") -> Any:
    return field(default_factory=dict if label else int, metadata={"kind": "counter", "help": text, "label": label})


def _gauge(text: str, label: str = "", default: float | None = 0) -> Any:
    return field(default_factory=dict if label else lambda: default, metadata={"kind": "gauge", "help": text, "label": label})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a detector stands. Each attribute is one metric, named ``fingerprint_`` and the attribute; counts go on through a restart, as the state does.

    What is None is not shown.
    """

    events_total: int = _counter("Rows read: accepted, blank, rejected, late, ahead and repeated together.")
    accepted_total: int = _counter("Events taken into the window.")
    blank_total: int = _counter("Rows without text.")
    rejected_total: Mapping[str, int] = _counter("Rows rejected, by class.", "class")
    late_total: int = _counter("Events older than the stream still takes.")
    ahead_total: int = _counter("Events dated ahead of the clock.")
    repeated_total: int = _counter("Rows that a source delivered again.")
    expired_total: int = _counter("Events that have left the window.")
    live_events: int = _gauge("Events in the window.")
    live_texts: int = _gauge("Distinct texts in the window.")
    live_accounts: int = _gauge("Accounts in the window.")
    live_clusters: int = _gauge("Clusters of near-duplicates in the window.")
    index_bytes: int = _gauge("Memory of the index, bytes.")
    state_bytes: int = _gauge("State on the disk, bytes.")
    findings: int = _gauge("Findings of the last evaluation.")
    alerts_sent_total: int = _counter("Alerts delivered.")
    alerts_pending: int = _gauge("Alerts to be delivered.")
    lag_events: Mapping[str, int] = _gauge("Events that a partition of the source has ahead of the detector.", "partition")
    last_event_age_seconds: float | None = _gauge("Seconds since an event came.", default=None)
    last_snapshot_age_seconds: float | None = _gauge("Seconds since the state was written as a whole.", default=None)
    last_evaluation_age_seconds: float | None = _gauge("Seconds since the last evaluation ended.", default=None)


class Metrics:
    """The metrics of one detector; a service may have several, each with its own registry.

    Parameters
    ----------
    read : callable
        Gives a :class:`Snapshot`; called for every scrape, from the thread of the server.

    Attributes
    ----------
    registry : prometheus_client.CollectorRegistry
        For a service that has a server of its own.

    Raises
    ------
    BackendUnavailable
        prometheus_client is not installed.

    Notes
    -----
    Thread-safe, as far as `read` is.
    """

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        try:
            from prometheus_client import CollectorRegistry, Histogram
        except ImportError:
            raise BackendUnavailable(_INSTALL) from None
        self._read = read
        self.registry = CollectorRegistry()
        self._observe = Histogram("fingerprint_observe_seconds", "Time of one call that observes events.", buckets=_OBSERVE, registry=self.registry)
        self._evaluate = Histogram("fingerprint_evaluation_seconds", "Time of one evaluation.", buckets=_EVALUATE, registry=self.registry)
        self.registry.register(self)

    def observed(self, seconds: float) -> None:
        """Note how long one call took that observed events."""
        self._observe.observe(seconds)

    def evaluated(self, seconds: float) -> None:
        """Note how long one evaluation took."""
        self._evaluate.observe(seconds)

    def describe(self) -> list[Metric]:
        """Return nothing, so that the registry asks for no snapshot before there is one."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of a fresh snapshot."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        snapshot = self._read()
        for one in fields(snapshot):
            value, label = getattr(snapshot, one.name), one.metadata["label"]
            family: Any = CounterMetricFamily if one.metadata["kind"] == "counter" else GaugeMetricFamily
            metric = family(f"fingerprint_{one.name}", one.metadata["help"], labels=[label] if label else None)
            for name, figure in _bounded(value) if label else [("", value)]:
                if figure is not None:
                    metric.add_metric([name] if label else [], figure)
            yield metric

    def text(self) -> str:
        """Return the exposition as Prometheus reads it (text format 0.0.4)."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry).decode()


def _bounded(figures: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return label values made harmless with their figures: the largest ``MAX_LABELS``, and the others added up."""
    shown: dict[str, int] = {}
    for name, figure in sorted(figures.items(), key=lambda item: (-item[1], item[0])):
        harmless = one_line(name, _MAX_CHARS)
        label = harmless if harmless in shown or len(shown) < MAX_LABELS else "other"
        shown[label] = shown.get(label, 0) + figure
    return list(shown.items())


class MetricsServer:
    """Answers scrapes from threads of its own until it is closed; a context manager that closes it.

    Attributes
    ----------
    host, port : str, int
        Where it listens.
    """

    def __init__(self, server: WSGIServer, thread: Any) -> None:
        self._server, self._thread = server, thread
        self.host, self.port = str(server.server_address[0]), int(server.server_address[1])

    def close(self) -> None:
        """Stop, and free the port; a second time does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve_metrics(address: str, metrics: Metrics) -> MetricsServer:
    """Serve metrics over HTTP.

    Parameters
    ----------
    address : str
        ``"host:port"``; ``":port"`` listens on the loopback interface only. The figures say how much traffic customers send and that campaigns are found
        among them, and whoever can reach the port can read them: opening it to others takes naming a host.
    metrics : Metrics

    Returns
    -------
    MetricsServer
        To be closed by the caller.

    Raises
    ------
    ConfigError
        It is no address, or cannot be listened on.
    """
    from prometheus_client import start_http_server

    host, colon, port = address.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535 or (":" in host and not address.startswith("[")):
        raise ConfigError(f"metrics are served on an address like :9464 or 127.0.0.1:9464, not {one_line(address, 60)!r}")
    try:
        server, thread = start_http_server(int(port), host or LOOPBACK, metrics.registry)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"metrics cannot be served on {one_line(address, 60)!r}: {getattr(error, 'strerror', None) or 'no name of a host'}") from None
    return MetricsServer(server, thread)
