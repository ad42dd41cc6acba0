"""Evaluations: the findings of what is alive, their names over time, what has changed since one looked last, and the alerts that follow."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..alerting import AlertConfig, Evaluation, Standing, alert_document, due, q_of
from ..arrays import distinct
from ..config import StreamConfig
from ..encoders import get_encoder
from ..keys import Key
from ..memo import Memo
from ..pipeline import Verdict, judge, prepare, ranked
from ..progress import Progress, Stopwatch
from ..records import Campaign
from ..sketch import processors
from ..tracking import Change, Sighting, Tracked, track
from ..traffic import Traffic
from .assembly import assemble
from .ledger import Ledger, Row
from .pieces import name_hashes
from .results import Finding, Findings
from .state import State

MAX_CHANGES = 10_000  # that are remembered, the latest
DAY_US = 86_400_000_000
MAX_ALERTS = 1_000  # that wait to be delivered, the latest


class Evaluations:
    """Evaluates a state when something has changed.

    Every evaluation tests, so every one spends of what may be spent on false alerts (:mod:`fingerprint.alerting.spending`), whether or not anybody asks for
    alerts.

    Parameters
    ----------
    state : State
    config : StreamConfig
    key : Key
    clock : callable
        Seconds since 1970.

    Attributes
    ----------
    seconds : dict of str to float
        What the stages of the last evaluation took.
    evaluated_us : int
        Time of the last evaluation of this process, microseconds since 1970; 0 before the first.
    """

    def __init__(self, state: State, config: StreamConfig, key: Key, clock: Callable[[], float]) -> None:
        self._state, self._config, self._key, self._clock = state, config, key, clock
        self._evaluating, self._memo = threading.RLock(), Memo()
        self._tracked: list[Tracked] = []
        self._standings: list[Standing] = []
        self._findings: list[Finding] = []
        self._charges: dict[int, dict[str, Any]] = {}
        self._data = ""
        self.seconds: dict[str, float] = {}
        self.evaluated_us = 0

    def restore(self) -> None:
        """Read the names that findings had, and what was said about them."""
        ledger = self._state.ledger
        self._tracked = [Tracked.from_bytes(body) for _, body in ledger.rows("findings")]
        self._standings = [Standing.from_bytes(body) for _, body in ledger.rows("standings")]

    @property
    def n_findings(self) -> int:
        """Findings of the last evaluation."""
        return sum(one.gone_since_us is None for one in self._tracked)

    def charge(self, hashed: int) -> dict[str, Any]:
        """Return what an account is charged with as of the last evaluation: ``finding_id``, ``n_attributed``, ``share``; empty for nothing."""
        return self._charges.get(hashed, {})

    def findings(self, since: int | None) -> Findings:
        """Evaluate where something has changed, and return what was found."""
        with self._evaluating:
            self._refresh()
            changes = [Change.from_bytes(body) for serial, body in self._state.ledger.rows("changes") if since is None or int(serial) > since]
            return Findings(list(self._findings), changes, self._state.ledger.head.get("n_changes", 0), self.evaluated_us)

    def alerts(self) -> list[dict[str, Any]]:
        """Evaluate where something has changed, and return the alerts that are not delivered yet, oldest first."""
        with self._evaluating:
            self._refresh()
            return [json.loads(body) for _, body in self._state.ledger.rows("alerts")]

    def delivered(self, alert_ids: Iterable[str]) -> None:
        """Note that alerts are delivered."""
        gone = set(alert_ids)
        with self._evaluating:
            rows = [name for name, body in self._state.ledger.rows("alerts") if json.loads(body)["alert_id"] in gone]
            if rows:
                self._state.commit(lambda ledger: ledger.drop("alerts", rows), n_delivered=self._state.ledger.head.get("n_delivered", 0) + len(rows))

    def _refresh(self) -> None:
        with self._state.lock:
            counts = self._state.counts
            data = "/".join(str(counts[name]) for name in ("accepted", "expired", "dropped", "erased"))  # whatever a finding could change with
        if not self.evaluated_us or data != self._data:
            self._evaluate(data)

    def _evaluate(self, data: str) -> None:
        watch, now_us = Stopwatch(Progress()), round(self._clock() * 1e6)
        with watch.stage("assembling"):
            traffic = assemble(self._state.contents())
        verdict = self._verdict(traffic, watch)
        campaigns, charged = ranked(verdict.campaigns, verdict.charged)
        hashes = [self._hashes(campaign) for campaign in campaigns]
        sightings = [Sighting.of(campaign.campaign_id, accounts, traffic.exact[distinct(traffic.text[rows])], campaign.n_prompts)
                     for campaign, accounts, rows in zip(campaigns, hashes, charged, strict=True)]
        tracked, changes = track(self._tracked, sightings, now_us, round(self._config.window_s * 1e6))
        self._keep(tracked, changes, campaigns, data)
        self._tracked, self._data, self.evaluated_us = tracked, data, now_us
        self._findings = [Finding(one.finding_id, campaign, one.first_found_us) for one, campaign in zip(tracked, campaigns, strict=False)]
        charges: dict[int, dict[str, Any]] = {}
        for finding, accounts in zip(self._findings, hashes, strict=True):
            for hashed, charge in zip(accounts.tolist(), finding.campaign.accounts, strict=True):
                if charge.n_attributed > charges.get(hashed, {"n_attributed": 0})["n_attributed"]:
                    charges[hashed] = {"finding_id": finding.finding_id, "n_attributed": charge.n_attributed, "share": charge.share}
        self._charges, self.seconds = charges, watch.seconds

    def _verdict(self, traffic: Traffic, watch: Stopwatch) -> Verdict:
        scan = self._config.scan
        encoder = get_encoder(scan.encoder, threads=processors(scan.threads), device=scan.device)
        evidence = prepare(traffic, encoder, scan, self._key, watch, memo=self._memo)
        return judge(traffic, evidence, scan, watch, self._memo) if evidence is not None else Verdict()

    def _hashes(self, campaign: Campaign) -> npt.NDArray[np.uint64]:
        return name_hashes(pa.array([charge.account_id for charge in campaign.accounts], pa.large_string()), self._key)

    def _keep(self, tracked: list[Tracked], changes: list[Change], campaigns: list[Campaign], data: str) -> None:
        """Write down who is who, what has changed, and the alerts that are due, together."""
        config, head = self._config, self._state.ledger.head
        at_us = self._state.window.watermark or 0
        evaluation = Evaluation(**head.get("evaluation", {})).next(data, at_us // DAY_US)
        by_id = {one.finding_id: (one, campaign) for one, campaign in zip(tracked, campaigns, strict=False)}
        policy = AlertConfig(config.alert_q, config.alert_growth, round(config.alert_cooldown_s * 1e6))
        standings, alerts = due(self._standings, tracked, changes, {name: q_of(campaign) for name, (_, campaign) in by_id.items()}, evaluation, at_us, policy)
        documents = [alert_document(alert, by_id[alert.finding_id][1], by_id[alert.finding_id][0], text=config.scan.text) for alert in alerts]
        self._write(tracked, standings, changes, documents, evaluation=asdict(evaluation))

    def _write(self, tracked: list[Tracked], standings: list[Standing], changes: list[Change], documents: list[dict[str, Any]], **head: Any) -> None:
        last = {name: self._state.ledger.head.get(name, 0) for name in ("n_changes", "n_alerts")}
        numbered = [replace(change, serial=serial) for serial, change in enumerate(changes, last["n_changes"] + 1)]

        def write(ledger: Ledger) -> None:
            for table, rows in (("findings", tracked), ("standings", standings)):
                ledger.clear(table)
                ledger.put(table, [(one.finding_id, one.to_bytes()) for one in rows])
            _append(ledger, "changes", [(change.serial or 0, change.to_bytes()) for change in numbered], last["n_changes"] + len(changes), MAX_CHANGES)
            made = [(serial, json.dumps(document).encode()) for serial, document in enumerate(documents, last["n_alerts"] + 1)]
            _append(ledger, "alerts", made, last["n_alerts"] + len(documents), MAX_ALERTS)

        self._state.commit(write, n_changes=last["n_changes"] + len(changes), n_alerts=last["n_alerts"] + len(documents), **head)
        self._standings = standings

    def forget(self, hashes: Iterable[int]) -> None:
        """Take accounts out of what findings are known by. Alerts that are not delivered yet may name them: they are written anew by the next evaluation."""
        gone = np.array(sorted(hashes), np.uint64)
        with self._evaluating:
            tracked = [replace(one, accounts=one.accounts[~np.isin(one.accounts, gone)]) for one in self._tracked]
            pending = {json.loads(body)["finding_id"] for _, body in self._state.ledger.rows("alerts")}
            standings = [Standing(one.finding_id) if one.finding_id in pending else replace(one, accounts=one.accounts[~np.isin(one.accounts, gone)])
                         for one in self._standings]
            self._state.commit(lambda ledger: ledger.clear("alerts"))
            self._write(tracked, standings, [], [])
            self._tracked, self._findings, self.evaluated_us, self._memo = tracked, [], 0, Memo()
            self._charges = {h: charge for h, charge in self._charges.items() if h not in set(gone.tolist())}


def _append(ledger: Ledger, table: str, rows: Sequence[Row], last: int, most: int) -> None:
    """Put rows that are numbered up to `last` behind those of a table, of which the latest `most` stay."""
    ledger.put(table, rows)
    ledger.drop(table, [name for name, _ in ledger.rows(table) if int(name) <= last - most] if ledger.n_rows(table) > most else [])
