"""The stub of the compiled core says what the core is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fingerprint import _core


def test_stubs_match_the_module() -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    source = str(Path(_core.__file__).parents[1])
    command = [sys.executable, "-m", "mypy.stubtest", "fingerprint._core", "--allowlist", str(Path(__file__).with_name("stubtest_allowlist.txt"))]
    installed = "site-packages" in source  # found anyway, and mypy refuses to be pointed at it
    environment = dict(os.environ) if installed else {**os.environ, "PYTHONPATH": source, "MYPYPATH": source}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout
