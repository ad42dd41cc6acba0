"""Build of the one extension module, ``fingerprint._core``, out of the sources in ``src/_core``.

Everything else stands in pyproject.toml. Three environment variables change the build and none changes a result:
``FINGERPRINT_DEBUG`` (no optimisation, bounds checks), ``FINGERPRINT_SANITIZE`` (address and undefined-behaviour
sanitizers), ``FINGERPRINT_TRACE`` (line tracing with its macros, for coverage only: it makes the code some 40 times slower).
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

CORE = Path("src/_core")
DEBUG, SANITIZE, TRACE = (os.environ.get(f"FINGERPRINT_{x}", "") not in ("", "0") for x in ("DEBUG", "SANITIZE", "TRACE"))
# The limited API has no frame access, which tracing needs; free-threaded builds have no limited API at all.
ABI3 = not TRACE and not sysconfig.get_config_var("Py_GIL_DISABLED")

compile_args = ["-O0", "-g"] if DEBUG or TRACE else ["-O3", "-g0"]
link_args: list[str] = []
macros: list[tuple[str, str | None]] = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
directives: dict[str, object] = {"language_level": 3, "boundscheck": DEBUG, "wraparound": False, "initializedcheck": DEBUG, "cdivision": True}
if SANITIZE:  # -fwrapv among CPython's own flags would hide signed overflow
    compile_args = ["-O1", "-g", "-fno-wrapv", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    link_args = ["-fsanitize=address,undefined"]
if TRACE:
    directives["linetrace"] = True
    macros += [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1")]
if ABI3:
    macros.append(("Py_LIMITED_API", "0x030B0000"))

extension = Extension(
    "fingerprint._core",
    [str(CORE / "_core.pyx"), *sorted(map(str, CORE.glob("fp_*.c")))],
    include_dirs=[str(CORE)],
    depends=sorted(map(str, [*CORE.glob("*.h"), *CORE.glob("*.pxi"), *CORE.glob("*.pxd")])),
    extra_compile_args=["-std=c11", "-fvisibility=hidden", *compile_args],
    extra_link_args=link_args,
    define_macros=macros,
    py_limited_api=ABI3,
)
setup(
    ext_modules=cythonize([extension], include_path=[str(CORE)], build_dir="build/cython", compiler_directives=directives),
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if ABI3 else {},
)
