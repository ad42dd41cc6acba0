"""Metrics: what is exposed is what the detector said, also while it changes, and the port is open to no one else and free afterwards."""

from __future__ import annotations

import builtins
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from fingerprint.errors import BackendUnavailable, ConfigError
from fingerprint.metrics import MAX_LABELS, Metrics, Snapshot, serve_metrics

parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")
FULL = Snapshot(events_total=1000, accepted_total=900, blank_total=5, rejected_total={"not_json": 40, "no_account": 2}, late_total=30, ahead_total=3,
                repeated_total=20, expired_total=100, live_events=800, live_texts=700, live_accounts=60, live_clusters=50, index_bytes=12345, state_bytes=67890,
                findings=2, alerts_sent_total=4, alerts_pending=1, lag_events={"prompts/0": 17, "prompts/1": 0}, last_event_age_seconds=0.5,
                last_snapshot_age_seconds=60.0, last_evaluation_age_seconds=600.25)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)


def families(text: str) -> dict[str, Any]:
    found = list(parser.text_string_to_metric_families(text))
    assert len({f.name for f in found}) == len(found)
    return {f.name: f for f in found}


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = [((s.name, tuple(s.labels.items())), s.value) for family in families(text).values() for s in family.samples]
    assert len(dict(found)) == len(found), "no series stands in it twice"
    return dict(found)


def scrape(server: Any, path: str = "/metrics") -> str:
    with urllib.request.urlopen(f"http://{server.host}:{server.port}{path}", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        return answer.read().decode()


def test_every_figure_is_a_metric_with_its_help_type_and_value() -> None:
    text = Metrics(lambda: FULL).text()
    found, values = families(text), samples(text)
    for one in fields(Snapshot):
        family = found[f"fingerprint_{one.name.removesuffix('_total')}"]
        assert family.type == ("counter" if one.name.endswith("_total") else "gauge") == one.metadata["kind"] and family.documentation.endswith(".")
        value, label = getattr(FULL, one.name), one.metadata["label"]
        for key, figure in value.items() if label else [(None, value)]:
            assert values[f"fingerprint_{one.name}", ((label, key),) if label else ()] == figure
    assert all(re.fullmatch(r"fingerprint_[a-z_]+", name) for name in found)


def test_what_is_not_known_is_not_shown() -> None:
    values = samples(Metrics(Snapshot).text())
    assert ("fingerprint_events_total", ()) in values and values["fingerprint_findings", ()] == 0
    assert not any("age_seconds" in name or "lag_events" in name or "rejected" in name for name, _ in values)


def test_times_are_counted_in_buckets() -> None:
    metrics = Metrics(Snapshot)
    for seconds in (0.0005, 0.001, 0.004, 0.3, 7.0):
        metrics.observed(seconds)
    metrics.evaluated(45.0)
    text = metrics.text()
    values, found = samples(text), families(text)

    def upto(name: str, bound: str) -> float:
        return values[f"fingerprint_{name}_seconds_bucket", (("le", bound),)]

    assert [upto("observe", b) for b in ("0.001", "0.005", "0.25", "0.5", "1.0", "+Inf")] == [2, 3, 3, 4, 4, 5]
    assert values["fingerprint_observe_seconds_sum", ()] == pytest.approx(7.3055) and values["fingerprint_observe_seconds_count", ()] == 5
    assert [upto("evaluation", b) for b in ("30.0", "60.0")] == [0, 1] and found["fingerprint_evaluation_seconds"].type == "histogram"


HOSTILE = ('"} 1\nfingerprint_findings 99', "back\\slash", "\x1b[31m", "\u202e", "new\nline", "tab\t", "", "x" * 5000, "\ud800", "ünï")


def test_hostile_labels_stay_labels() -> None:
    text = Metrics(lambda: Snapshot(rejected_total={name: 1 + i for i, name in enumerate(HOSTILE)}, findings=1)).text()
    values = samples(text)
    assert values["fingerprint_findings", ()] == 1
    shown = {labels[0][1]: value for (name, labels), value in values.items() if name == "fingerprint_rejected_total"}
    assert len(shown) == len(HOSTILE) and sum(shown.values()) == sum(range(1, len(HOSTILE) + 1)) and shown["ünï"] == 10
    assert max(map(len, shown)) < 200 and not any(c in text for c in ("\x1b", "\u202e", "\ud800"))


def test_labels_are_bounded_and_nothing_is_lost() -> None:
    lags = {f"topic/{i}": i for i in range(5000)}
    values = {labels[0][1]: v for (name, labels), v in samples(Metrics(lambda: Snapshot(lag_events=lags)).text()).items() if name == "fingerprint_lag_events"}
    assert len(values) == MAX_LABELS + 1 and sum(values.values()) == sum(lags.values()) and values["topic/4999"] == 4999
    alike = {f"{'y' * 60}{i}{'y' * 60}": 1 for i in range(100)}
    assert sum(v for (name, _), v in samples(Metrics(lambda: Snapshot(lag_events=alike)).text()).items() if name == "fingerprint_lag_events") == 100


def test_detectors_have_their_own_metrics() -> None:
    one, other = Metrics(lambda: FULL), Metrics(Snapshot)
    one.observed(0.1)
    assert samples(other.text())["fingerprint_observe_seconds_count", ()] == 0 and samples(other.text())["fingerprint_events_total", ()] == 0


def test_scrapes_while_the_detector_works() -> None:
    """Every scrape sees one snapshot: its two figures are always equal, and never fall."""
    state, stop, failures = [0], threading.Event(), list[str]()

    def read() -> Snapshot:
        n = state[0]
        return Snapshot(events_total=n, accepted_total=n)

    metrics = Metrics(read)

    def work() -> None:
        while not stop.is_set():
            state[0] += 1
            metrics.observed(0.001)

    def ask() -> None:
        last = (0.0, 0.0)
        for _ in range(20):
            values = samples(scrape(server))
            now = values["fingerprint_events_total", ()], values["fingerprint_observe_seconds_count", ()]
            if now[0] != values["fingerprint_accepted_total", ()] or now < last:
                failures.append(f"{last} {now}")
            last = now

    with serve_metrics(":0", metrics) as server:
        worker, askers = threading.Thread(target=work), [threading.Thread(target=ask) for _ in range(4)]
        for thread in (worker, *askers):
            thread.start()
        for thread in askers:
            thread.join()
        stop.set()
        worker.join()
    assert not failures and state[0] > 0


@pytest.fixture
def server() -> Iterator[Any]:
    with serve_metrics(":0", Metrics(lambda: FULL)) as one:
        yield one


def test_it_listens_on_the_loopback_interface_unless_a_host_is_named(server: Any) -> None:
    assert server.host == "127.0.0.1" and samples(scrape(server))["fingerprint_findings", ()] == 2
    with serve_metrics("0.0.0.0:0", Metrics(lambda: FULL)) as open_to_all:
        assert open_to_all.host == "0.0.0.0"
    with serve_metrics("localhost:0", Metrics(lambda: FULL)) as named:
        assert "fingerprint_findings 2.0" in scrape(named)


def test_closing_frees_the_port_and_ends_the_thread() -> None:
    before = threading.active_count()
    first = serve_metrics(":0", Metrics(lambda: FULL))
    scrape(first)
    with pytest.raises(ConfigError, match="in use"):
        serve_metrics(f":{first.port}", Metrics(lambda: FULL))
    first.close()
    first.close()
    with pytest.raises(urllib.error.URLError, match="refused"):
        scrape(first)
    with serve_metrics(f":{first.port}", Metrics(Snapshot)) as again:
        assert again.port == first.port and "fingerprint_findings 0.0" in scrape(again)
    for _ in range(200):  # threads of answers that are just ending
        if threading.active_count() <= before:
            return
        time.sleep(0.05)
    pytest.fail("a thread is left")


def test_a_detector_that_cannot_answer_is_an_error_of_that_scrape_only(capfd: pytest.CaptureFixture[str]) -> None:
    broken = [True]

    def read() -> Snapshot:
        if broken[0]:
            raise OSError("the state cannot be read")
        return FULL

    with serve_metrics(":0", Metrics(read)) as server:
        with pytest.raises(urllib.error.HTTPError) as failed:
            scrape(server)
        assert failed.value.code == 500
        failed.value.close()
        broken[0] = False
        assert "fingerprint_findings 2.0" in scrape(server)
    assert "the state cannot be read" in capfd.readouterr().err


def test_a_client_that_says_nothing_delays_no_one(server: Any) -> None:
    with socket.create_connection((server.host, server.port), timeout=10):
        assert "fingerprint_findings 2.0" in scrape(server)
        server.close()


@pytest.mark.parametrize("address", ["", "9464", ":", ":http", ":-1", ":65536", "::1:9464", "a:b:1", "no.such.host.invalid:0", ":٩", "\x1b[31m:x", "h\0st:1"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ConfigError, match="metrics") as failed:
        serve_metrics(address, Metrics(Snapshot))
    assert "\x1b" not in str(failed.value)


def test_a_missing_client_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.partition(".")[0] == "prometheus_client":
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BackendUnavailable, match=r"pip install 'prompt-fingerprint\[stream\]'"):
        Metrics(Snapshot)
