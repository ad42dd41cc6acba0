"""Options and fixtures of the benchmarks; ``--smoke`` only checks that all of them run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import pytest
import texts

from fingerprint.keys import Key

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # the references


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--smoke``."""
    parser.addoption("--smoke", action="store_true", help="tiny sizes, one round: the figures mean nothing")


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Put the description of the machine beside the figures."""
    machine_info["fingerprint"] = {**machine.describe(), "smoke": bool(config.getoption("--smoke"))}


@dataclass(frozen=True)
class Measure:
    """Times a function over a corpus, best of several rounds, since others may use the machine."""

    benchmark: Any
    is_smoke: bool

    def corpus(self, kind: str, n: int) -> texts.Corpus:
        """Return `n` prompts of a kind, or a few dozen in a smoke run."""
        n = min(n, 48) if self.is_smoke else n
        return texts.families(n) if kind == "families" else texts.corpus(kind, n)

    def __call__(self, run: Callable[[], object], corpus: texts.Corpus, rounds: int = 9) -> None:
        """Time `run`, which handles the whole corpus once; prompts and bytes per second of the best round go into the JSON."""
        self.benchmark.pedantic(run, rounds=1 if self.is_smoke else rounds, iterations=1, warmup_rounds=0 if self.is_smoke else 1)
        best = self.benchmark.stats.stats.min if self.benchmark.stats else 0.0
        self.benchmark.extra_info.update(corpus=corpus.name, n_prompts=len(corpus), n_bytes=corpus.n_bytes)
        if best > 0:
            self.benchmark.extra_info.update(prompts_per_s=round(len(corpus) / best), bytes_per_s=round(corpus.n_bytes / best))


@pytest.fixture
def measure(benchmark: Any, request: pytest.FixtureRequest) -> Measure:
    """Timer of one benchmark."""
    return Measure(benchmark, bool(request.config.getoption("--smoke")))


@pytest.fixture(scope="session")
def key() -> Key:
    """A key that is the same in every run."""
    return Key(bytes(range(16)))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the rates, which is what one wants to read."""
    session = getattr(config, "_benchmarksession", None)
    for done in session.benchmarks if session else []:
        rates = done.extra_info
        if "prompts_per_s" in rates:
            terminalreporter.write_line(f"{done.name:55} {rates['prompts_per_s']:>12,} prompts/s {rates['bytes_per_s'] / 1e6:>8,.1f} MB/s")
