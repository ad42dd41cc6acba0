"""Importing the package is cheap, loads nothing optional, and its names mean what they say whatever was imported before."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fingerprint

HEAVY = ("torch", "faiss", "duckdb", "pyarrow", "scipy", "sentence_transformers", "datasketch", "rich", "click", "jinja2",
         "confluent_kafka", "redis", "prometheus_client", "stix2")
TIME = "import time; import {first}; t = time.perf_counter(); import {second}; print(time.perf_counter() - t)"


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_import_costs_little_more_than_numpy() -> None:
    code = TIME.format(first="numpy", second="fingerprint")
    assert min(float(python(code)) for _ in range(5)) < 0.15


def test_import_loads_nothing_heavy() -> None:
    loaded = python("import sys, fingerprint; print(*sorted(m.partition('.')[0] for m in sys.modules))").split()
    assert not set(HEAVY) & set(loaded)
    assert "fingerprint" in loaded


def test_public_names_are_what_they_say() -> None:
    for name in fingerprint.__all__:
        value = getattr(fingerprint, name)
        assert name in dir(fingerprint)
        assert getattr(value, "__name__", "").rpartition(".")[2] == name, name


@pytest.mark.parametrize(
    "first", ["fingerprint.pipeline", "fingerprint.minhash", "fingerprint.simhash", "fingerprint.sketch", "fingerprint.simulate"]
)
def test_submodules_do_not_take_the_place_of_functions(first: str) -> None:
    code = f"import {first}, fingerprint as f; print(*(callable(getattr(f, n)) for n in ('minhash', 'simhash', 'sketch', 'normalize', 'scan')))"
    assert set(python(code).split()) == {"True"}


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fingerprint.nothing


def test_version_is_the_one_of_the_distribution() -> None:
    pyproject = Path(__file__).parent.parent / "pyproject.toml"
    assert tomllib.loads(pyproject.read_text())["project"]["version"] == fingerprint.__version__
