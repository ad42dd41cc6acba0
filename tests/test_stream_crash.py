"""Killed at random moments, damaged in every way: short runs of the scripts that do so by the thousand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not there")


def run(*arguments: object) -> str:
    result = subprocess.run([sys.executable, *map(str, arguments)], cwd=BENCHMARKS, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout


@pytest.mark.parametrize("durability", ["durable", "fast"])
def test_kills_lose_nothing_and_count_nothing_twice(durability: str) -> None:
    said = run("kills.py", "--kills", 20, "--durability", durability, "--seed", 7)
    found = re.search(r"20 kills \(\w+\): 0 states with lost or doubled rows, 0 unusable; ([\d,]+) rows acknowledged", said)
    assert found is not None and int(found[1].replace(",", "")) > 1000, said


def test_damage_is_noticed() -> None:
    said = run("damage.py", "--n", 60, "--seed", 3)
    found = re.search(r"60 damaged states: (\d+) refused, (\d+) changed nothing that counts .*, 0 crashed, hung or differed", said)
    assert found is not None and int(found[1]) > 30 and int(found[1]) + int(found[2]) == 60, said
