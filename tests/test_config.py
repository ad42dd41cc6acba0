"""Options: what cannot work is refused before anything starts, and the manifest's copy reads back."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest

from fingerprint.config import DetectConfig, ScanConfig, SketchConfig
from fingerprint.errors import ConfigError, FingerprintError


@pytest.mark.parametrize(("name", "value"), [
    ("ngram", 0), ("ngram", 33), ("num_perm", 15), ("num_perm", 1025), ("threshold", 0.1), ("threshold", 1.0), ("threshold", math.nan)])
def test_sketch_options_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        SketchConfig(**{name: value})


@pytest.mark.parametrize("name", ["sample", "evidence", "neighbours", "min_accounts", "min_attributed"])
@pytest.mark.parametrize("value", [0, -3])
def test_counts_are_positive(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=name):
        DetectConfig(**{name: value})
    assert getattr(DetectConfig(**{name: 1}), name) == 1


@pytest.mark.parametrize("name", ["resolution", "ownership", "attribution", "margin", "copies", "repetition", "q"])
@pytest.mark.parametrize("value", [0.0, -0.1, 1.1, math.nan, math.inf])
def test_shares_lie_between_zero_and_one(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        DetectConfig(**{name: value})
    assert getattr(DetectConfig(**{name: 1.0}), name) == 1.0


@pytest.mark.parametrize(("name", "value"), [("threads", 0), ("threads", -1), ("max_rejects", -0.1), ("max_rejects", 1.1), ("max_rejects", math.nan)])
def test_scan_options_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        ScanConfig(**{name: value})


def test_the_borders_themselves_are_allowed() -> None:
    for options in ({"ngram": 1}, {"ngram": 32}, {"num_perm": 16}, {"num_perm": 1024}, {"threshold": 0.2}):
        SketchConfig(**options)
    for options in ({"threads": 1}, {"threads": None}, {"max_rejects": 0.0}, {"max_rejects": 1.0}):
        ScanConfig(**options)


def test_round_trip_through_json() -> None:
    config = ScanConfig(SketchConfig(ngram=4), DetectConfig(sample=32, q=0.02), threads=2, seed=7, controls=False, text=False, max_rejects=0.5)
    plain = json.loads(json.dumps(config.to_dict()))
    assert plain["detect"]["sample"] == 32 and plain["sketch"]["ngram"] == 4
    assert ScanConfig.from_dict(plain) == config != ScanConfig()
    assert ScanConfig.from_dict(ScanConfig().to_dict()) == ScanConfig() == ScanConfig.from_dict({})
    assert plain["detect"]["sample"] == 32, "reading does not change what was read"


@pytest.mark.parametrize(("options", "name"), [
    ({"thread": 2}, "thread"), ({"detect": {"samples": 3}}, "samples"),
    ({"sketch": {"ngrams": 3}}, "ngrams"), ({"zeta": 1, "alpha": 2}, "alpha, zeta")])
def test_unknown_names_are_named(options: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        ScanConfig.from_dict(options)


@pytest.mark.parametrize("options", [{"detect": None}, {"sketch": 3}, {"detect": {"sample": "many"}}, {"sketch": {"threshold": 1.5}}])
def test_values_that_cannot_be_read_are_config_errors(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        ScanConfig.from_dict(options)


def test_config_errors_are_ours_and_value_errors() -> None:
    assert issubclass(ConfigError, FingerprintError) and issubclass(ConfigError, ValueError)


def test_options_cannot_be_changed_after_the_check() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ScanConfig().detect.sample = 0  # type: ignore[misc]
