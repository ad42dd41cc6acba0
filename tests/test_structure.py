"""What holds the source together: dependencies point one way, files stay short, public functions are described, nothing unsafe is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "fingerprint"
CORE = ROOT / "src" / "_core"
# A module imports only modules of earlier rows, or its own package. The package's own __init__ is the face of all and stands apart.
LAYERS = (
    ("errors", "progress", "ahead", "significance", "chance"),
    ("keys", "config", "packing", "places"),
    ("_core", "intent", "sealed", "ipc"),
    ("arrays", "columns"),
    ("words", "tracking"),
    ("templates",),
    ("payloads",),
    ("records",),
    ("sketch", "room"),
    ("minhash", "simhash"),
    ("lsh", "interop", "store"),
    ("clusters", "holders"),
    ("prevalence", "deduplication", "near"),
    ("readers", "encoders", "simulate", "matrices", "codes"),
    ("vectors", "sources"),
    ("profiles", "neighbours", "duplication", "exchangeability", "memo"),
    ("attribution", "groups", "points"),
    ("traffic",),
    ("index", "settling"),
    ("suspects", "bundles"),
    ("matching",),
    ("evidence",),
    ("candidates", "segments", "planting"),
    ("detection",),
    ("search",),
    ("circumstances", "contribution", "ties", "history", "charging", "controls", "tables", "landscape"),
    ("campaigns", "ingest", "topics"),
    ("matches", "shards"),
    ("known",),
    ("pipeline",),
    ("scanning",),
    ("evaluation", "comparison"),
    ("report",),
    ("alerting", "exports", "metrics"),
    ("stream",),
    ("cli",),
    ("__main__",),
)
LEVEL = {name: level for level, row in enumerate(LAYERS) for name in row}
# Scan.save, Match.save and what notebooks show are the conveniences that reach up, from inside a method.
REACHES_UP = {("records", "report"), ("matches", "report")}
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in MODULES]


def top_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level module of this package behind every import in `path`, also those inside functions and under TYPE_CHECKING."""
    package = path.relative_to(PACKAGE.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("fingerprint."):
                    yield alias.name.split(".")[1]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            target = [*base, *(node.module or "").split(".")] if node.module else list(base)
            if target and target[0] == "fingerprint":
                yield from [target[1]] if len(target) > 1 else [alias.name for alias in node.names if alias.name != "__version__"]


def test_there_are_modules() -> None:
    assert len(MODULES) > 20 and (CORE / "_core.pyx").is_file()


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_imports_point_one_way(path: Path) -> None:
    own = top_of(path)
    if own == "__init__":
        return
    assert own in LEVEL, f"{own} has no place in LAYERS"
    for other in set(imported(path)):
        allowed = other == own or (own, other) in REACHES_UP or LEVEL[other] < LEVEL[own]
        assert allowed, f"{own} imports {other}, which stands above it or beside it"


def test_layers_name_what_exists() -> None:
    existing = {top_of(path) for path in MODULES} | {"_core"}
    assert set(LEVEL) | {"__init__"} == existing


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 600


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_nothing_unsafe_is_used(path: Path) -> None:
    assert path.stem not in ("utils", "helpers", "common", "misc", "util")
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            assert not {n.split(".")[0] for n in names} & {"pickle", "marshal", "shelve", "dill", "cloudpickle"}, path
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            assert called not in ("eval", "exec", "compile", "print"), f"{path}:{node.lineno}"
            assert not any(k.arg in ("allow_pickle", "shell") and getattr(k.value, "value", None) is True for k in node.keywords), (
                f"{path}:{node.lineno}"
            )
        assert not isinstance(node, ast.Assert), f"{path}:{node.lineno}: an assert vanishes under -O; raise"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_public_functions_are_described(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), f"{path} does not say what it is for"
    for holder in [tree, *(n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_"))]:
        for node in holder.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}:{node.lineno}: {node.name} has no docstring"


def test_no_line_tracing_in_sources() -> None:
    for path in [*MODULES, *(p for p in CORE.iterdir() if p.is_file())]:
        assert "line" + "trace" not in path.read_text("utf-8"), path  # 35 times slower with the directive alone


def test_sources_hold_no_invisible_characters() -> None:
    for path in MODULES:
        text = path.read_text("utf-8")
        assert not any(ord(ch) in (0x200B, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)) for ch in text), path
