"""The C sources compile without a warning, on x86-64 and on aarch64, as C11 and nothing newer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

CORE = Path(__file__).parent.parent / "src" / "_core"
SOURCES = sorted(CORE.glob("fp_*.c"))
STRICT = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


def compiler(name: str) -> str:
    """Return the path of a compiler, or skip."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def complaints(command: list[str], source: Path, folder: Path) -> str:
    """Compile one source; return what the compiler says."""
    done = subprocess.run(
        [*command, "-c", str(source), "-o", str(folder / f"{source.stem}.o")], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stderr if done.returncode else ""


def compile_all(command: list[str], folder: Path) -> list[str]:
    """Compile every source; return what the compiler says."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [text for text in pool.map(lambda source: complaints(command, source, folder), SOURCES) if text]


@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_sources_compile_without_a_warning(name: str, tmp_path: Path) -> None:
    assert len(SOURCES) >= 13
    assert compile_all([compiler(name), *STRICT], tmp_path) == []


def test_sources_compile_for_aarch64_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("ziglang", reason="no compiler for aarch64: the extra 'emulate' is not installed")
    assert compile_all([sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-gnu", *STRICT], tmp_path) == []


def test_headers_stand_alone(tmp_path: Path) -> None:
    command = [compiler("gcc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-Wno-unused-function"]
    for header in sorted(CORE.glob("fp_*.h")):
        if header.name.endswith((".inc.h", "_tables.h")):
            continue  # parts of one source, not headers
        source = tmp_path / "alone.c"
        source.write_text(f'#include "{header}"\nint nothing;\n', "utf-8")
        done = subprocess.run([*command, str(source)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
