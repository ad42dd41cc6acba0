"""What a figure was measured on: processor, system, libraries, and whatever in the environment changes speed."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from fingerprint import _core

PACKAGES = ("numpy", "scipy", "pyarrow", "Cython", "tokenizers", "datasketch", "rensa", "gaoya", "model2vec", "pytest-benchmark")
VARIABLES = ("FINGERPRINT_ISA", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONMALLOC")


def processor_info() -> dict[str, str]:
    """Return what Linux says of the first processor; empty elsewhere."""
    wanted = {"model name": "model", "cache size": "cache", "cpu MHz": "mhz", "microcode": "microcode", "CPU part": "part"}
    found: dict[str, str] = {}
    path = Path("/proc/cpuinfo")
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        name, _, value = line.partition(":")
        if name.strip() in wanted:
            found.setdefault(wanted[name.strip()], value.strip())
    return found


def memory_bytes() -> int:
    """Return the size of main memory; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0


def yardstick() -> float:
    """Return the MB/s of SHA-256, best of ten: virtual processors run at any share of their clock, and figures are to be read against it."""
    data, best = bytes(1 << 20), float("inf")
    for _ in range(10):
        start = time.perf_counter()
        hashlib.sha256(data).digest()
        best = min(best, time.perf_counter() - start)
    return round(1.048576 / best, 1)


def versions() -> dict[str, str]:
    """Return the version of each package that is installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def describe() -> dict[str, Any]:
    """Return everything, as JSON can hold it."""
    return {
        "processor": {"machine": platform.machine(), **processor_info()},
        "processors_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": memory_bytes(),
        "load_average": list(os.getloadavg()) if hasattr(os, "getloadavg") else [],
        "sha256_mb_per_s": yardstick(),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "isas": list(_core.supported_isas()),
        "isa": _core.isa(),
        "versions": versions(),
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }
