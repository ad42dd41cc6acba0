"""Evaluation: planted campaigns in simulated traffic, large ones found, tiny ones not; the arithmetic of rates and delays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from shards_fixture import MEDIUM

import fingerprint as fp
from fingerprint import candidates
from fingerprint.cli import main
from fingerprint.errors import ConfigError, InputError
from fingerprint.evaluation import Evaluation, Plan, Trial, evaluate, grid
from fingerprint.simulate import campaign_prompts, simulate

KEY = fp.Key(bytes(range(16)))


@pytest.fixture(scope="module")
def traffic() -> list[dict[str, object]]:
    """The sample traffic of ``demo``, its campaigns included."""
    rows: list[dict[str, object]] = simulate("demo", 4).events.to_pylist()
    return rows


@pytest.fixture(scope="module")
def medium() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = simulate(MEDIUM, 4).events.to_pylist()
    return rows


@pytest.fixture(scope="module")
def result(medium: list[dict[str, object]]) -> Evaluation:
    return evaluate(medium, grid([5, 40], [20], [0.0, 0.5]), kind="reasoning", key=KEY)


def test_large_campaigns_are_found_and_tiny_ones_are_not(result: Evaluation) -> None:
    assert result.n_reported == 2 and result.n_prompts == 7_000
    seen = {(t.plan.n_accounts, t.plan.cover): t.found for t in result.trials}
    assert seen == {(5, 0.0): False, (40, 0.0): True, (5, 0.5): False, (40, 0.5): True}
    assert all(t.n_false == 0 and 0 <= t.recall <= 1 and 0 <= t.purity <= 1 and t.seconds > 0 for t in result.trials)
    assert result.found_from(40) == 20 and result.found_from(5) is None and result.rate(Plan(40, 20, 0.5)) == 1.0


def test_a_list_of_many_kinds_shows_among_much_cover(traffic: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each kind of query an account has one or two; that the same accounts meet in all kinds is what tells, and nothing else does."""
    plan = Plan(40, 20, 0.85)
    assert evaluate(traffic, [plan], key=KEY).trials[0].found
    monkeypatch.setattr(candidates, "MEETINGS", ())
    assert not evaluate(traffic, [plan], key=KEY).trials[0].found


def test_queries_of_ones_own(medium: list[dict[str, object]]) -> None:
    own = campaign_prompts("code", 600, 9)
    (trial,) = evaluate(medium, [Plan(30, 20, noise=0.1)], queries=own, key=KEY).trials
    assert trial.found
    with pytest.raises(ConfigError, match=r"needs 620 different queries and there are 600"):
        evaluate(medium, [Plan(31, 20)], queries=own, key=KEY)
    with pytest.raises(ConfigError, match="1 are repeats"):
        evaluate(medium, [Plan(3, 2)], queries=[*own, own[0]], key=KEY)


def test_rates_and_delays() -> None:
    hits = {5: (0, 0, 1), 10: (1, 0, 1), 20: (1, 1, 1)}
    trials = [Trial(Plan(10, n), s, 1.0 if hit else 0.2, 1.0, 0, 0.1) for n in hits for s, hit in enumerate(hits[n])]
    made = Evaluation(trials, 100, 1000, 0)
    assert [made.rate(Plan(10, n)) for n in (5, 10, 20)] == [pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0]
    assert made.found_from(10) == 10 and made.found_from(10, cover=0.5) is None and made.found_from(11) is None
    plain = json.loads(json.dumps(made.to_dict()))
    assert len(plain["trials"]) == 9 and plain["trials"][-1]["found"] and plain["trials"][0]["n_accounts"] == 10
    assert not Trial(Plan(10, 5), 0, 1.0, 0.7, 0, 0.1).found, "a group that is not mostly planted is no find"


@pytest.mark.parametrize("wrong", [(0, 5), (5, 0), (5, 5, 1.0), (5, 5, -0.1), (5, 5, 0.0, 1.0), (10_000, 1000)])
def test_impossible_plans(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError):
        Plan(*wrong)  # type: ignore[arg-type]


def test_no_traffic_to_plant_into() -> None:
    with pytest.raises(InputError, match="fewer than two"):
        evaluate([{"account_id": "a", "timestamp": "2026-01-01", "prompt": "hello"}], [Plan(3, 3)], key=KEY)


def test_command(tmp_path: Path) -> None:
    fp.simulate.write_world(MEDIUM, tmp_path / "w", seed=4)
    own = tmp_path / "queries.jsonl"
    queries = campaign_prompts("reasoning", 800, 2)
    own.write_text("\n".join(json.dumps({"prompt": q} if i % 2 else q) for i, q in enumerate(queries)) + "\n\n", "utf-8")
    broken, plain_text = tmp_path / "broken.jsonl", tmp_path / "queries.txt"
    broken.write_text('"one"\n{"promt": "two"}\n')
    plain_text.write_text("one\n\ntwo\n")
    dump, runner = str(tmp_path / "w" / "dump.parquet"), CliRunner()
    args = ["evaluate", dump, "--accounts", "4,40", "--prompts", "20", "--cover", "0", "--queries", str(own)]
    shown = runner.invoke(main, args)
    assert shown.exit_code == 0, shown.output
    assert "2 groups reported before anything is planted" in shown.output and "never here" in shown.output and "20 prompts, day 10" in shown.output
    plain = runner.invoke(main, [*args, "--json"])
    assert [t["found"] for t in json.loads(plain.output)["trials"]] == [False, True]
    for wrong in (["--accounts", "x"], ["--rate", "0"], ["--cover", "1"], ["--kind", "nothing"], ["--queries", str(broken)], ["--queries", str(plain_text)]):
        failed = runner.invoke(main, ["evaluate", dump, *wrong])
        assert failed.exit_code == 2 and "Traceback" not in failed.output
