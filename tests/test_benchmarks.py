"""The benchmark scripts: they run at small sizes, check what they time, and the gates say what is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not there")


def run(*arguments: object) -> str:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=BENCHMARKS, check=True, capture_output=True, text=True, timeout=120).stdout


def test_quality_is_that_of_the_theory() -> None:
    lines = [line.split("|")[1:-1] for line in run("dedup.py", "quality", "--n", 1500).splitlines() if line.startswith("| 0.")]
    shares = [(float(share), float(theory), int(n.replace(",", ""))) for limits, n, share, _, theory in lines if " to " in limits]
    assert len(shares) >= 4 and all(abs(share - theory) < 0.06 + 2 / n**0.5 for share, theory, n in shares)


def test_speed_compares_over_the_same_rows(tmp_path: Path) -> None:
    run("dedup.py", "speed", "--n", 1000, "--peer-n", 300, "--methods", "fingerprint,datasketch", "--repeats", 0.3, "--long", 0.01, "--threads", 1, 2,
        "--json", tmp_path / "runs.json")
    runs: list[dict[str, Any]] = json.loads((tmp_path / "runs.json").read_text("utf-8"))["runs"]
    assert [(r["method"], r["threads"], r["n"]) for r in runs] == [(m, t, n) for m, n in (("fingerprint", 1000), ("datasketch", 300)) for t in (1, 2)]
    assert min(r["removed"] for r in runs[:2]) > 0.9 and runs[0]["n_clusters"] == runs[1]["n_clusters"]


def test_encoders_are_checked_and_timed(tmp_path: Path) -> None:
    run("encoders.py", "--smoke", "--json", tmp_path / "rows.json")
    rows: list[dict[str, Any]] = json.loads((tmp_path / "rows.json").read_text("utf-8"))["rows"]
    assert [row["encoder"] for row in rows[:3]] == ["static", "static, calibrated", "model2vec"] and all("prompts_per_s" in row for row in rows[:2])
    assert all("left_out" in row or row.get("prompts_per_s", row.get("vectors_per_s")) > 0 for row in rows)


def test_the_chart_shows_every_figure(tmp_path: Path) -> None:
    machine = {"processor": {"model": "<CPU>", "mhz": "1"}}
    kernels = {"machine_info": {"fingerprint": {"isa": "avx2"}}, "benchmarks": [
        {"name": name, "extra_info": {"prompts_per_s": rate}} for name, rate in (("bench_minhash[avx2-en208]", 900_000), ("bench_rensa[en208]", 20_000))]}
    dedup = {"machine": machine, "runs": [{"method": m, "n": 10**6, "prompts_per_s": r} for m, r in (("fingerprint", 4e5), ("rensa", 9e3))]}
    for name, content in (("kernels", kernels), ("dedup", dedup)):
        (tmp_path / name).write_text(json.dumps(content), "utf-8")
    run("chart.py", "--kernels", tmp_path / "kernels", "--dedup", tmp_path / "dedup", "--out", tmp_path / "chart.svg")
    drawn = (tmp_path / "chart.svg").read_text("utf-8")
    assert all(f"{rate}/s" in drawn for rate in ("900,000", "20,000", "400,000", "9,000")) and "&lt;CPU&gt;" in drawn


@pytest.mark.parametrize(("expected", "code"), [({"recall": {"families": 0.5}}, 0), ({"recall": {"families": 1.2}}, 1), ({}, 0)])
def test_gates_end_with_1_where_a_tenth_is_lost(expected: dict[str, Any], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import gates

    (tmp_path / "gates.json").write_text(json.dumps(expected), "utf-8")
    for name, value in (("EXPECTED", tmp_path / "gates.json"), ("ratios", dict), ("instructions", lambda isa: {}), ("recall", lambda: {"families": 1.0})):
        monkeypatch.setattr(gates, name, value)
    monkeypatch.setattr(sys, "argv", ["gates.py"])
    with pytest.raises(SystemExit) as ended:
        gates.main()
    assert int(ended.value.code or 0) == code


def test_a_model_of_shards_says_what_a_day_takes(tmp_path: Path) -> None:
    told = run("shards.py", "model", "--prompts", "3000", "4500", "6000", "--world", tmp_path, "--json", tmp_path / "model.json")
    assert "foretold" in told and told.count(" M rows") == 3
    model = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert {run["rows"] for run in model["runs"]} == {3000, 4500, 6000} and model["fit"]["bytes"]["shard"][0] > 1e6 and model["fit"]["count"]["texts"][1] < 1.1
    plan = run("shards.py", "plan", tmp_path / "model.json", "--prompts", "1e9", "1e11", "--hours", "2")
    assert plan.count("  workers ") == 2 and plan.count("too many") == 1 and "1,000,000,000 prompts" in plan
