"""Fixtures that every test shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from fingerprint import _core, landscape
from fingerprint.keys import ENVIRONMENT, Key


@pytest.fixture(params=_core.supported_isas())
def isa(request: pytest.FixtureRequest) -> str:
    """Name of each kernel set that this processor can run."""
    return str(request.param)


@pytest.fixture(scope="session")
def key() -> Key:
    """A key that is the same in every run."""
    return Key(bytes(range(16)))


@pytest.fixture(scope="session", autouse=True)
def _key_file(tmp_path_factory: pytest.TempPathFactory, key: Key) -> Iterator[None]:
    """Keep tests away from the key of whoever runs them."""
    path = tmp_path_factory.mktemp("key") / "key"
    key.save(path)
    before = os.environ.get(ENVIRONMENT)
    os.environ[ENVIRONMENT] = str(path)
    yield
    if before is None:
        del os.environ[ENVIRONMENT]
    else:
        os.environ[ENVIRONMENT] = before


@pytest.fixture(scope="module", autouse=True)
def _small_map(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let scans of tests that do not look at the map draw a small one: it is most of the work of a small scan."""
    with pytest.MonkeyPatch.context() as patched:
        if request.module.__name__ not in ("test_landscape", "test_browser"):
            for name, value in (("N_POINTS", 100), ("N_CHARGED", 50), ("N_STEPS", 250)):
                patched.setattr(landscape, name, value)
        yield


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Let child processes be interrupted where the tests run in the background of a shell, which makes all below it deaf to SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
