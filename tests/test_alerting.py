"""Alerts: what testing again and again does to chance findings, what is due when, and what an alert says, however hostile or large the finding is."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_fixture import make_scan
from scipy.stats import norm

from fingerprint.alerting import MAX_BYTES, AlertConfig, Due, Evaluation, Standing, alert_document, due, e_value, level, q_of
from fingerprint.alerting.policy import MAX_RELATED
from fingerprint.alerting.sinks import alert_line
from fingerprint.alerting.spending import WEIGHTS
from fingerprint.campaigns import iso
from fingerprint.errors import ConfigError, InputError
from fingerprint.records import Campaign, Day, Explanation
from fingerprint.records import Test as OneTest
from fingerprint.significance import benjamini_hochberg
from fingerprint.tracking import KINDS, Change, Sighting, Tracked, track

HOUR = 3_600_000_000
CONFIG = AlertConfig()


# Spending


def test_levels_of_all_evaluations_sum_to_less_than_q() -> None:
    """The terms up to N, and the integral behind them, which is more than the rest of a falling series."""
    n = np.arange(2, 10**6 + 1)
    spent = float((1 / (n * np.log(n) ** 2)).sum())
    assert spent + 1 / math.log(10**6) < WEIGHTS < spent + 1 / math.log(10**6 + 1) + 1e-6
    assert sum(level(0.05, t) for t in range(1, 10_000)) < 0.05
    assert level(0.05, 1) == pytest.approx(0.05 / (WEIGHTS * 2 * math.log(2) ** 2)) and level(0.1, 7) == pytest.approx(2 * level(0.05, 7))
    assert all(level(0.05, t) > level(0.05, t + 1) for t in range(1, 100))


def test_the_first_evaluation_of_a_day_may_spend_more() -> None:
    first = Evaluation().next("a", 20_000)
    assert first.level(0.05) == pytest.approx(2 * level(0.025, 1)) and first.next("a", 20_001) is first, "nothing has come that day"
    second = first.next("b", 20_000)
    assert (second.number, second.n_days, second.opens) == (2, 1, False) and second.level(0.05) == level(0.025, 2)
    third = second.next("c", 20_003).next("d", 19_000).next("e", 20_004)
    assert (third.number, third.n_days, third.opens) == (5, 3, True) and third.level(0.05) == level(0.025, 5) + level(0.025, 3)


def test_the_same_test_is_not_paid_twice() -> None:
    first = Evaluation().next("a")
    assert first == Evaluation(1, "a") and first.next("a") is first
    assert first.next("b") == Evaluation(2, "b") and first.next("b").next("a").number == 3
    assert Evaluation().next("").number == 1, "the first is one whatever its data are called"


@pytest.mark.parametrize("values", [(0.0, 1), (1.0, 1), (math.nan, 1), (0.05, 0), (0.05, -3)])
def test_levels_out_of_range(values: tuple[float, int]) -> None:
    with pytest.raises(ConfigError):
        level(*values)


def null_streams(rng: np.random.Generator, n_streams: int, n_steps: int, n_tests: int, overlap: float) -> np.ndarray:
    """p values of true nulls on sliding windows: from one evaluation to the next a share of the data stays, float64[n_steps, n_streams, n_tests]."""
    z = np.empty((n_steps, n_streams, n_tests))
    z[0] = rng.standard_normal(z[0].shape)
    for t in range(1, n_steps):
        z[t] = overlap * z[t - 1] + math.sqrt(1 - overlap**2) * rng.standard_normal(z[0].shape)
    return norm.sf(z)


@pytest.mark.parametrize("overlap", [0.0, 0.9, 0.99])
def test_testing_every_minute_does_not_alert_on_chance(overlap: float) -> None:
    """Nothing is there to find, so any alert is false: the share of streams that ever have one is the false discovery rate."""
    n_streams, n_steps, q = 1500, 300, 0.05
    p = null_streams(np.random.default_rng(int(100 * overlap)), n_streams, n_steps, 4, overlap)
    ordered = np.sort(p, axis=2) * 4 / np.arange(1, 5)  # the smallest q value is the least of these
    smallest = ordered.min(2)
    for t, stream in ((0, 0), (7, 11), (299, 1499)):
        assert smallest[t, stream] == pytest.approx(min(benjamini_hochberg(p[t, stream]).min(), 1.0))
    evaluations = [Evaluation().next("0", 0)]
    while len(evaluations) < n_steps:
        evaluations.append(evaluations[-1].next(str(len(evaluations)), len(evaluations) // 24))
    levels = np.array([one.level(q) for one in evaluations])
    assert levels.sum() < q
    spent = (smallest <= levels[:, None]).any(0).mean()
    naive = (smallest <= q).any(0).mean()
    margin = 3 * math.sqrt(q * (1 - q) / n_streams)
    assert spent <= q + margin, "and is not far below for evaluations that are independent"
    assert naive > 5 * q
    if overlap == 0:
        assert spent > q / 2


def test_false_share_of_all_alerts_beside_true_findings() -> None:
    """Ten true findings among twenty tested, correlated over time, through the whole policy; the share of false ones among all ever alerted."""
    rng = np.random.default_rng(5)
    shares, naive_shares, power = [], [], []
    for _ in range(200):
        p = null_streams(rng, 1, 60, 20, 0.95)[:, 0]
        p[:, 10:] = norm.sf(norm.isf(p[:, 10:]) + 5)
        alerted, naive, standings = set(), set(), []
        evaluation = Evaluation()
        for t, row in enumerate(p):
            evaluation = evaluation.next(str(t))
            q = benjamini_hochberg(row)
            found = np.flatnonzero(q <= 0.3)
            naive |= set(found.tolist())
            tracked = [tracking(name(i), n=10) for i in found.tolist()]
            changes = [Change(f.finding_id, "new", t * HOUR) for f in tracked if f.finding_id not in {s.finding_id for s in standings}]
            values = {name(i): float(q[i]) for i in found.tolist()}
            standings, alerts = due(standings, tracked, changes, values, evaluation, t * HOUR, AlertConfig(q=0.3))
            alerted |= {int(a.finding_id[2:]) for a in alerts}
        shares.append(sum(i < 10 for i in alerted) / max(len(alerted), 1))
        naive_shares.append(sum(i < 10 for i in naive) / max(len(naive), 1))
        power.append(sum(i >= 10 for i in alerted) / 10)
    assert np.mean(shares) <= 0.3 and np.mean(naive_shares) > 0.4 and np.mean(power) > 0.9


def test_an_e_value_costs_nothing_on_average_where_the_null_holds() -> None:
    p = (np.arange(200_000) + 0.5) / 200_000  # uniform: its mean is the integral, which is 1
    values = np.array([e_value(x) for x in p.tolist()])
    assert 0.9 < values.mean() <= 1.0
    assert (np.diff(values) <= 1e-9).all() and values[-1] == pytest.approx(0.5, abs=1e-5) and e_value(1.0) == 0.5
    direct = [(1 - x + x * math.log(x)) / (x * math.log(x) ** 2) for x in (1e-9, 1e-3, 0.3, 0.9)]
    assert [e_value(x) for x in (1e-9, 1e-3, 0.3, 0.9)] == pytest.approx(direct, rel=1e-9)
    for kappa in (0.3,):  # the mixture is the integral over the calibrators kappa * p**(kappa - 1)
        kappas = (np.arange(10**5) + 0.5) / 10**5
        assert e_value(kappa) == pytest.approx((kappas * kappa ** (kappas - 1)).mean(), rel=1e-6)
    assert math.isfinite(e_value(0.0)) and e_value(0.0) == e_value(1e-300) >= e_value(1e-299)
    for odd in (-0.1, 1.1, math.nan):
        with pytest.raises(ConfigError):
            e_value(odd)


# Policy


def name(i: int) -> str:
    return f"f-{i:010d}"


def tracking(finding_id: str, n: int = 20, start: int = 0, n_prompts: int = 100, gone: int | None = None) -> Tracked:
    accounts = np.arange(start, start + n, dtype=np.uint64)
    return Tracked(finding_id, "c-0", accounts, np.arange(30, dtype=np.uint64), n_prompts, HOUR, HOUR, gone)


class Stream:
    """A finding after another evaluation, and another."""

    def __init__(self, config: AlertConfig = CONFIG) -> None:
        self.config, self.standings, self.number = config, list[Standing](), 0

    def then(self, at_hours: float, *tracked: Tracked, kind: str | None = None, related: tuple[str, ...] = (), q: float = 0.0) -> list[Due]:
        self.number += 1
        at_us = int(at_hours * HOUR)
        changes = [Change(t.finding_id, kind, at_us, related) for t in tracked[:1]] if kind else []
        values = {t.finding_id: q for t in tracked}
        self.standings, alerts = due(self.standings, tracked, changes, values, Evaluation(self.number, ""), at_us, self.config)
        return alerts


def test_a_new_finding_is_alerted_once() -> None:
    stream = Stream()
    (alert,) = stream.then(1, tracking(name(1)), kind="new")
    assert (alert.kind, alert.finding_id, alert.since_us, alert.kinds, alert.evaluation) == ("new", name(1), None, ("new",), 1)
    assert (alert.n_accounts_before, alert.n_accounts, alert.n_new_accounts, alert.n_prompts) == (0, 20, 20, 100)
    assert alert.level == Evaluation(1, "").level(0.05)
    assert stream.then(5, tracking(name(1))) == [] and stream.then(50, tracking(name(1), n=25, n_prompts=149), kind="grown") == []


def test_a_finding_waits_until_it_passes_the_level() -> None:
    stream = Stream()
    assert stream.then(1, tracking(name(1)), kind="new", q=Evaluation(1, "").level(0.05) * 1.001) == []
    assert stream.then(2, tracking(name(1), n=22), kind="grown", q=Evaluation(1, "").level(0.05)) == [], "by now the level is lower"
    (alert,) = stream.then(3, tracking(name(1), n=22), q=Evaluation(3, "").level(0.05))
    assert alert.kind == "new" and alert.kinds == ("new", "grown"), "what happened meanwhile is told"
    finding = tracking(name(2))
    assert due([], [finding], [], {}, Evaluation(1, ""), HOUR, CONFIG)[1] == [], "without a q value nothing is said"


def test_growth_is_alerted_by_accounts_by_prompts_and_by_turnover() -> None:
    for changed, kind in ((tracking(name(1), n=30), "grown"), (tracking(name(1), n_prompts=150), "grown"), (tracking(name(1), start=10), "moved"),
                          (tracking(name(1), n=29, n_prompts=149), None), (tracking(name(1), start=9), None)):
        stream = Stream()
        stream.then(1, tracking(name(1)), kind="new")
        alerts = stream.then(3, changed, kind="grown")
        assert [a.kind for a in alerts] == ([kind] if kind else [])
        if kind == "moved":
            assert (alerts[0].n_new_accounts, alerts[0].n_accounts_before, alerts[0].n_accounts) == (10, 20, 20)
    stream = Stream(AlertConfig(growth=3.0))
    stream.then(1, tracking(name(1)), kind="new")
    assert stream.then(3, tracking(name(1), n=59), kind="grown") == [] and len(stream.then(4, tracking(name(1), n=60), kind="grown")) == 1


def test_small_steps_add_up_since_the_last_alert() -> None:
    stream = Stream()
    stream.then(1, tracking(name(1)), kind="new")
    sent = [n for n in range(21, 70) if stream.then(n, tracking(name(1), n=n), kind="grown")]
    assert sent == [30, 45, 68]


def test_nothing_in_a_cooldown_is_lost() -> None:
    stream = Stream()
    stream.then(1, tracking(name(1)), kind="new")
    assert stream.then(1.2, tracking(name(1), n=60), kind="merged", related=(name(7),)) == []
    assert stream.then(1.4, tracking(name(1), n=70), kind="grown") == []
    assert stream.then(1.6, tracking(name(1), n=70, gone=2), kind="gone") == []
    assert stream.then(1.999, tracking(name(1), n=72), kind="back", related=(name(8),)) == []
    (alert,) = stream.then(2, tracking(name(1), n=72))
    assert alert.kind == "back" and set(alert.kinds) == {"merged", "grown", "gone", "back"} and alert.related == (name(7), name(8))
    assert (alert.since_us, alert.n_accounts_before, alert.n_accounts, alert.n_new_accounts) == (HOUR, 20, 72, 52)
    assert stream.then(9, tracking(name(1), n=72)) == [], "and told once"
    assert Stream(AlertConfig(cooldown_us=0)).then(1, tracking(name(1)), kind="new") != []


def test_each_finding_has_its_own_cooldown_and_a_gone_one_is_silent() -> None:
    stream = Stream()
    stream.then(1, tracking(name(1)), kind="new")
    assert [a.finding_id for a in stream.then(1.1, tracking(name(1)), tracking(name(2)))] == [name(2)]
    assert stream.then(9, tracking(name(1), n=90, gone=3), tracking(name(2), n=20)) == []
    assert [s.finding_id for s in stream.standings] == [name(1), name(2)]
    stream.then(10, tracking(name(2)))
    assert [s.finding_id for s in stream.standings] == [name(2)], "what is not tracked any more is forgotten"


def test_a_part_and_a_merger_are_alerted() -> None:
    stream = Stream()
    (alert,) = stream.then(1, tracking(name(2)), kind="split", related=(name(1),))
    assert (alert.kind, alert.related) == ("split", (name(1),))
    (alert,) = stream.then(3, tracking(name(2), n=21), kind="merged", related=(name(3),))
    assert (alert.kind, alert.related, alert.n_new_accounts) == ("merged", (name(3),), 1)


def test_alert_ids_are_repeatable_and_distinct() -> None:
    runs = []
    for _ in range(2):
        stream = Stream()
        alerts = [a for t in range(1, 40) for a in stream.then(t, tracking(name(1), n=20 * t), tracking(name(2), n=20 * t), kind="grown")]
        runs.append([a.alert_id for a in alerts])
    assert runs[0] == runs[1] and len(set(runs[0])) == len(runs[0]) > 10


def test_what_is_remembered_is_bounded() -> None:
    standing = Standing(name(0))
    for i in range(1, 300):
        standing = standing.after(Change(name(0), KINDS[i % len(KINDS)], i, (name(i), name(1))))
    assert standing.kinds == KINDS and len(standing.related) == MAX_RELATED and standing.related[-2:] == (name(299), name(1))


def test_standing_as_bytes() -> None:
    standing = Standing(name(1), 5, np.array([1, 2**64 - 1], np.uint64), 7, ("new", "merged"), (name(2),))
    again = Standing.from_bytes(standing.to_bytes())
    assert again.to_bytes() == standing.to_bytes() and again.related == standing.related and np.array_equal(again.accounts, standing.accounts)
    assert Standing.from_bytes(Standing(name(1)).to_bytes()).alerted_us is None
    whole = standing.to_bytes()
    damaged = (whole[:-1], b"", whole.replace(b"merged", b"margin"), whole.replace(b':7', b':-7'), whole.replace(b"standing-1", b"standing-2"))
    for form in damaged:
        assert form != whole
        with pytest.raises(InputError, match="state"):
            Standing.from_bytes(form)


@pytest.mark.parametrize("wrong", [{"q": 0.0}, {"q": 1.0}, {"growth": 1.0}, {"growth": math.nan}, {"growth": math.inf}, {"cooldown_us": -1}])
def test_settings_that_cannot_work(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        AlertConfig(**wrong)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sets(st.integers(0, 60), min_size=6), st.integers(1, 400), st.floats(0, 0.1), st.integers(1, 100)), min_size=1, max_size=12))
def test_with_the_tracker_over_any_history(rounds: list[tuple[set[int], int, float, int]]) -> None:
    """Alerts of a finding keep their distance, pass their level, and each begins where the one before ended."""
    known, standings, last, at = list[Tracked](), list[Standing](), dict[str, Due](), 0
    for number, (accounts, n_prompts, q, minutes) in enumerate(rounds, 1):
        at += minutes * HOUR // 60
        now = [Sighting.of(f"c-{number}", np.array(sorted(accounts), np.uint64), np.zeros(0, np.uint64), n_prompts)]
        known, changes = track(known, now, at, 10 * HOUR)
        kept = [Standing.from_bytes(s.to_bytes()) for s in standings]
        standings, alerts = due(kept, known, changes, {known[0].finding_id: q}, Evaluation(number, ""), at, CONFIG)
        assert {s.finding_id for s in standings} == {t.finding_id for t in known}
        for alert in alerts:
            before = last.get(alert.finding_id)
            assert alert.q == q <= Evaluation(number, "").level(0.05) and alert.n_accounts == len(accounts)
            assert before is None or (at - before.at_us >= HOUR and alert.since_us == before.at_us and alert.n_accounts_before == before.n_accounts)
            assert before is not None or (alert.kind in ("new", "split") and alert.kind in alert.kinds and alert.since_us is None)
            last[alert.finding_id] = alert


# Document


def some_due(**changed: object) -> Due:
    values = {"alert_id": "a-0123456789abcdef", "finding_id": name(1), "kind": "grown", "at_us": 1_770_000_000_000_000, "since_us": 1_769_000_000_000_000,
              "kinds": ("merged", "grown"), "related": (name(2),), "n_accounts_before": 40, "n_accounts": 214, "n_prompts_before": 900, "n_prompts": 9150,
              "n_new_accounts": 174, "evaluation": 12, "level": 3e-4, "q": 1e-31}
    return Due(**{**values, **changed})


def texts_of(value: object) -> list[str]:
    if isinstance(value, dict):
        return [t for key, item in value.items() for t in (key, *texts_of(item))]
    if isinstance(value, list):
        return [t for item in value for t in texts_of(item)]
    return [value] if isinstance(value, str) else []


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return make_scan().campaigns[0]


def test_an_alert_says_who_how_much_and_why(campaign: Campaign) -> None:
    found = replace(campaign, timeline=[Day(f"2026-03-{d:02d}", 10 * d, d) for d in range(1, 16)], carried_by=9)
    document = json.loads(alert_line(alert_document(some_due(), found, tracking(name(1)))))
    assert (document["schema"], document["finding_id"], document["kind"], document["time"]) == ("fp-alert-1", name(1), "grown", iso(1_770_000_000_000_000))
    who = document["principal"]
    assert (who["n_accounts"], who["carried_by"], len(who["accounts"]), document["left_out"]["accounts"]) == (214, 9, 100, 114)
    assert who["accounts"][0]["account_id"] == campaign.accounts[0].account_id
    assert [a["n_attributed"] for a in who["accounts"]] == sorted((a["n_attributed"] for a in who["accounts"]), reverse=True)
    volume = document["volume"]
    assert (volume["n_prompts"], volume["n_days"], volume["prompts_per_day"], volume["days"][0]) == (
        9150, 15, 610.0, {"date": "2026-03-15", "n_prompts": 150, "n_accounts": 15})
    shared = document["shared"]
    assert shared["template"]["text"] == campaign.template.text and shared["template"]["fills_per_slot"] == campaign.template.n_distinct
    assert [r["text"] for r in shared["representatives"]] == [r.prompt for r in campaign.representatives]
    assert shared["text_hashes"][1] == f"{1:016x}" and len(shared["text_hashes"]) == 16
    tests = {t["name"]: t for t in document["statistics"]["tests"]}
    assert tests["exchangeability"]["bound"] == campaign.tests[0].bound and tests["exchangeability"]["e_value"] == e_value(campaign.tests[0].p)
    assert tests["duplication between accounts"]["p"] is None and tests["duplication between accounts"]["e_value"] is None
    assert (document["statistics"]["evaluation"], document["statistics"]["level"], document["statistics"]["q"]) == (12, 3e-4, 1e-31)
    assert [(e["name"], e["verdict"]) for e in document["explanations"]] == [(e.name, e.verdict) for e in campaign.explanations]
    assert document["changes"] == {"since": iso(1_769_000_000_000_000), "kinds": ["merged", "grown"], "related": [name(2)], "n_accounts_before": 40,
                                   "n_accounts": 214, "n_prompts_before": 900, "n_prompts": 9150, "n_new_accounts": 174}


def test_tests_that_only_support_are_not_in_it(campaign: Campaign) -> None:
    beside = OneTest("daily rhythm", 0.1, "none", True, "", p=0.01, q=0.9, decides=False)
    found = replace(campaign, tests=[*campaign.tests, beside, replace(beside, name="odd", decides=True, p=math.nan, q=math.nan, statistic=math.inf)])
    document = json.loads(alert_line(alert_document(some_due(), found, tracking(name(1)))))
    assert "daily rhythm" not in texts_of(document)
    odd = document["statistics"]["tests"][-1]
    assert odd["name"] == "odd" and odd["p"] is odd["statistic"] is odd["e_value"] is None
    assert q_of(campaign) == max(t.q for t in campaign.tests if t.q is not None) and q_of(found) == 1.0 and q_of(replace(campaign, tests=[beside])) == 1.0


def test_without_text_there_is_none() -> None:
    secret = "canary-7f3a"
    found = make_scan(lambda t: t if t.startswith(("acct", "user")) else f"{secret} {t}").campaigns[0]
    found = replace(found, segment=f"{secret} segment")
    line = alert_line(alert_document(some_due(), found, tracking(name(1)), text=False))
    assert secret not in line and secret in alert_line(alert_document(some_due(), found, tracking(name(1))))
    shared = json.loads(line)["shared"]
    assert shared["segment"] == {"text": None, "n_chars": len(found.segment)} and shared["template"]["n_chars"] == len(found.template.text)
    assert [(r["text"], r["n_chars"]) for r in shared["representatives"]] == [(None, r.n_chars) for r in found.representatives]
    bare = replace(found, template=None, segment=None, representatives=[replace(r, prompt=None) for r in found.representatives])
    assert secret not in alert_line(alert_document(some_due(), bare, tracking(name(1))))


HOSTILE = ("\x1b]0;owned\x07", "\x9b31m", "\u202egnp.exe", "line\nfeed\r\u2028", "</script>", "\ud800 alone", '"},{"schema":"x', "\x7f\x00", "\U000e0041")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_one_harmless_line(text: str) -> None:
    plain = make_scan().campaigns[0]
    found = replace(plain, accounts=[replace(a, account_id=text + a.account_id) for a in plain.accounts], segment=text,
                    representatives=[replace(r, prompt=text * 3) for r in plain.representatives])
    line = alert_line(alert_document(some_due(), found, tracking(name(1))))
    assert line.endswith("\n") and all(" " <= c <= "~" for c in line[:-1])
    assert json.loads(line)["principal"]["accounts"][0]["account_id"] == found.accounts[0].account_id
    assert json.loads(line)["shared"]["representatives"][0]["text"] == found.representatives[0].prompt


@pytest.mark.parametrize("char", ["x", "\U0001f600", "\x00"])
def test_the_largest_finding_fits_and_says_what_is_missing(char: str, campaign: Campaign) -> None:
    long = char * 100_000
    account = replace(campaign.accounts[0], account_id=long, peers=[long] * 5)
    found = replace(
        campaign, campaign_id=long, reason=long, capability=long, capabilities={f"{i}{long}": 0.1 for i in range(50)}, segment=long, n_accounts=5000,
        template=replace(campaign.template, parts=[long] * 20), representatives=[replace(campaign.representatives[0], account_id=long, prompt=long)] * 30,
        accounts=[account] * 5000, tests=[replace(campaign.tests[0], name=long, null=long, reading=long)] * 40,
        explanations=[Explanation(long, long, [long] * 9, [long] * 9)] * 30, timeline=[Day("2026-03-01", 1, 1)] * 400)
    line = alert_line(alert_document(some_due(related=(name(1),) * MAX_RELATED), found, tracking(name(1))))
    document = json.loads(line)
    assert len(line) <= MAX_BYTES
    assert len(line) > 0.8 * MAX_BYTES, "no more than needed is left out"
    lists = {"accounts": document["principal"]["accounts"], "representatives": document["shared"]["representatives"], "days": document["volume"]["days"]}
    assert document["left_out"] == {key: n - len(lists[key]) for key, n in (("accounts", 5000), ("representatives", 30), ("days", 400))}
    assert (document["principal"]["n_accounts"], document["volume"]["n_days"]) == (5000, 400)
    assert "characters] …" in document["reason"] and document["statistics"]["tests"][0]["q"] == campaign.tests[0].q


def test_a_finding_with_nothing_to_show(campaign: Campaign) -> None:
    bare = replace(campaign, template=None, representatives=[], accounts=[], tests=[], explanations=[], capabilities={}, timeline=[])
    document = json.loads(alert_line(alert_document(some_due(since_us=None), bare, replace(tracking(name(1)), texts=np.zeros(0, np.uint64)))))
    assert document["shared"] == {"template": None, "segment": None, "representatives": [], "text_hashes": []}
    assert document["changes"]["since"] is None and document["volume"]["prompts_per_day"] is None and set(document["left_out"].values()) == {0}
