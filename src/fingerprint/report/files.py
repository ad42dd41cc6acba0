"""The output folder of a scan: written aside and renamed into place, read back with suspicion.

``manifest.json`` is renamed last and removed first, so a folder that has one is complete. All files are staged before the first is
renamed: an interrupted run leaves what was there before, whole.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from types import NoneType, UnionType
from typing import IO, TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from .. import places, records
from ..errors import ConfigError, InputError, nearest_path, why
from ..packing import Hashes
from ..records import Campaign, Controls, KnownSet, Scan
from ..templates import Template

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = "fp-manifest-1"
CAMPAIGNS_SCHEMA = "fp-campaigns-1"
TABLES = {  # columns that a reader may rely on
    "accounts": ("account_id", "campaign_id", "score", "n_prompts", "n_attributed"),
    "clusters": ("cluster", "n_prompts", "n_recent", "n_accounts", "prompt"),
    "landscape": ("x", "y", "campaign_id", "account_id", "row", "prompt"),
    "topics": ("topic", "words", "n_texts", "n_accounts", "n_prompts", "prompt"),
    "prompts": ("row", "account_id", "cluster", "campaign_id"),
    "sketches": ("campaign_id", "exact", "values", "n_prompts"),
    "rejects": ("file", "line", "offset", "class"),
}
FILES = (*(f"{name}.parquet" for name in TABLES), "campaigns.json", "report.html", MANIFEST)
OTHERS = {  # what else a folder of ours may be
    "match.json": "the result of a match; open its report.html, or match again with --json",
    "index.json": "an index; name it with 'fingerprint match SET --in'",
    "ledger.sqlite3": "the state of a detector; look at it with 'fingerprint verify'",
    "world.json": "simulated traffic; scan its dump first",
    "encoder.json": "an encoder; name it with 'fingerprint scan --encoder'",
}
SKETCHES = "sketches"  # of charged texts, where a scan kept them
_PARTIAL = ".partial"
_REQUIRED: dict[str, type | tuple[type, ...]] = {
    "version": str,
    "created": str,
    "config": dict,
    "sketch": dict,
    "key_id": str,
    "inputs": list,
    "rows": dict,
    "period": dict,
    "counts": dict,
    "timings": dict,
    "peak_memory_bytes": int,
    "controls": (dict, NoneType),
}


def check_folder(out: str | os.PathLike[str], inputs: list[str] | None = None) -> Path:
    """Say before hours of work, not after, that a folder cannot take the outputs.

    Parameters
    ----------
    out : path
        The output folder; need not exist.
    inputs : list of str or None
        Files about to be read, none of which may be overwritten.

    Raises
    ------
    ConfigError
        With the reason.
    """
    folder = Path(out)
    if places.is_remote(out):
        return folder  # whether it can be written is seen when it is
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--out {os.fspath(out)!r} is a file; name a folder")
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(f"--out {os.fspath(out)!r} cannot be written: no permission in {str(existing)!r}; choose another --out")
    ours = {(folder / name).absolute() for name in FILES}
    for path in inputs or []:
        if Path(path).absolute() in ours:
            raise ConfigError(f"{path!r} would be overwritten by an output of the same name; choose another --out")
    return folder


def write_scan(scan: Scan, out: str | os.PathLike[str]) -> None:
    """Write every output of a scan into the folder `out`, made with mode 0700 where missing; files get mode 0600.

    Parameters
    ----------
    scan : Scan
        A scan made with ``text=False`` in its config is written without prompt text, templates and fills.
    out : path
        Outputs of an earlier scan in it are replaced.

    Raises
    ------
    ConfigError
        The folder cannot be written, or the manifest lacks an entry.
    """
    from .html import render

    if places.is_remote(out):
        _send(scan, os.fspath(out))
        return
    check_manifest(scan.manifest, ConfigError)
    scan = without_text(scan) if not scan.manifest["config"].get("text", True) else scan
    write_folder(check_folder(out), {
        **{f"{name}.parquet": partial(write_table, getattr(scan, name)) for name in TABLES},
        "campaigns.json": lambda file: file.write(dump_json(campaigns_document(scan)).encode()),
        "report.html": lambda file: file.write(render(scan).encode("utf-8", "replace")),
        MANIFEST: lambda file: file.write(dump_json({"schema": MANIFEST_SCHEMA, **scan.manifest}).encode())})


def _send(scan: Scan, out: str) -> None:
    """Write the outputs here, and then send them, the manifest last."""
    with tempfile.TemporaryDirectory(prefix="fingerprint-") as here:
        write_scan(scan, here)
        try:
            places.remove([places.join(out, MANIFEST)])
            for name in FILES:
                with open(Path(here) / name, "rb") as source, places.written(places.join(out, name)) as target:
                    shutil.copyfileobj(source, target, 1 << 22)
        except (OSError, InputError) as error:
            raise ConfigError(f"cannot write into {out!r}: {why(error) if isinstance(error, OSError) else error}") from error


def write_folder(folder: Path, files: Mapping[str, Callable[[IO[bytes]], object]]) -> None:
    """Write files into a folder, made with mode 0700 where missing; all are written aside before the first is renamed.

    Parameters
    ----------
    folder : Path
    files : mapping
        Name to what writes it. The last one marks a complete folder: it is removed before the others come and renamed behind them.

    Raises
    ------
    ConfigError
        The folder cannot be written.
    """
    staged: list[str] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, write in files.items():
            _stage(folder, name, write, staged)
        (folder / list(files)[-1]).unlink(missing_ok=True)
        for name in files:
            os.replace(folder / (name + _PARTIAL), folder / name)
        _sync(folder)
    except OSError as error:
        raise ConfigError(f"cannot write into {os.fspath(folder)!r}: {why(error)}") from error
    finally:
        for name in staged:
            (folder / (name + _PARTIAL)).unlink(missing_ok=True)


def without_text(scan: Scan) -> Scan:
    """Return the scan without any text that users wrote: representatives, templates, fills, shared texts, cluster texts, words of topics."""
    import pyarrow as pa

    def bare(found: Campaign) -> Campaign:
        return replace(found, template=None, segment=None, representatives=[replace(r, prompt=None) for r in found.representatives])

    def without(table: pa.Table, name: str) -> pa.Table:
        at = table.schema.get_field_index(name)
        return table if at < 0 else table.set_column(at, name, pa.nulls(len(table), table.schema.field(at).type))

    manifest = {**scan.manifest, "config": {**scan.manifest["config"], "text": False}}
    return replace(scan, manifest=manifest, campaigns=[bare(c) for c in scan.campaigns], examined=[bare(c) for c in scan.examined],
                   clusters=without(scan.clusters, "prompt"), topics=without(without(scan.topics, "prompt"), "words"),
                   landscape=without(scan.landscape, "prompt"))


def campaigns_document(scan: Scan) -> dict[str, Any]:
    """Return what ``campaigns.json`` holds: schema, findings, groups examined and not reported, the two controls."""
    return {
        "schema": CAMPAIGNS_SCHEMA,
        "campaigns": [c.to_dict() for c in scan.campaigns],
        "examined": [c.to_dict() for c in scan.examined],
        "known": [asdict(one) for one in scan.known],
        "controls": scan.manifest.get("controls"),
    }


def dump_json(document: Any, indent: int | None = 1) -> str:
    """Return strict JSON in ASCII, so that no escape sequence or invisible character acts when the file is shown; NaN and infinity are null.

    With an `indent` of None it is one line, ended.
    """
    text = json.dumps(_finite(document), allow_nan=False, ensure_ascii=True, indent=indent)
    return text.replace("\x7f", "\\u007f") + "\n"


def controls_of(scan: Scan) -> Controls | None:
    """Return the controls of a scan, None where they were not run."""
    plain = scan.manifest.get("controls")
    return None if plain is None else _build(Controls, plain, "controls")


def load_scan(out: str | os.PathLike[str], tables: Collection[str] | None = None) -> Scan:
    """Read back what :func:`write_scan` wrote.

    Parameters
    ----------
    out : path
        The folder.
    tables : collection of str, optional
        Of ``TABLES``, those that are needed, all if not given; the others are empty.

    Raises
    ------
    InputError
        The folder is missing or incomplete, or a file in it is damaged or of another schema.
    """
    if places.is_remote(out):
        with tempfile.TemporaryDirectory(prefix="fingerprint-") as here:
            for place in places.listed(os.fspath(out)):
                if place.rpartition("/")[2] in FILES:
                    places.fetch(place, Path(here))
            return load_scan(here, tables)
    folder = Path(out)
    _check_complete(folder)
    try:
        return _load(folder, TABLES if tables is None else tables)
    except InputError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno:
            raise
        raise InputError(f"{os.fspath(out)!r} is damaged, or of another version: {error}; scan again") from None


def _check_complete(folder: Path) -> None:
    """Raise :class:`InputError` where there is no complete scan, with what is there instead."""
    way_out = f"; 'fingerprint scan DUMP --out {folder}' makes one"
    try:
        found = set(os.listdir(folder))
    except FileNotFoundError:
        raise InputError(f"{str(folder)!r} holds no complete scan: there is no such folder"
                         f"{nearest_path(str(folder)) or way_out}") from None
    except (OSError, ValueError) as error:
        reason = why(error) if isinstance(error, OSError) else "it is no name of a folder"
        raise InputError(f"{str(folder)!r} holds no complete scan that can be read: {reason}") from None
    if MANIFEST in found:
        return
    for name, what in OTHERS.items():
        if name in found:
            raise InputError(f"{str(folder)!r} holds no complete scan but {what}")
    raise InputError(f"{str(folder)!r} holds no complete scan (no {MANIFEST}), none that has ended{way_out}")


def _load(folder: Path, tables: Collection[str]) -> Scan:
    manifest = _read_json(folder / MANIFEST)
    if manifest.pop("schema", None) != MANIFEST_SCHEMA:
        raise InputError(f"{MANIFEST} is not of schema {MANIFEST_SCHEMA}")
    check_manifest(manifest, InputError)
    document = _read_json(folder / "campaigns.json")
    if document.get("schema") != CAMPAIGNS_SCHEMA:
        raise InputError(f"campaigns.json is not of schema {CAMPAIGNS_SCHEMA}")
    found: dict[str, Any] = {name: _build(list[Campaign], document.get(name), name) for name in ("campaigns", "examined")}
    found["known"] = _build(list[KnownSet], document.get("known", []), "known")
    read = {name: _read_table(folder, name, columns) if name in tables else _no_rows(columns) for name, columns in TABLES.items()}
    scan = Scan(**found, **read, manifest=manifest)
    _check_drawn(scan)
    return scan


def _check_drawn(scan: Scan) -> None:
    """Raise :class:`InputError` where what is drawn refers to what is not there."""
    import pyarrow as pa

    for found in [*scan.campaigns, *scan.examined]:
        graph, n_days = found.graph, len(found.timeline)
        is_right = all(len(mark) == 2 and 0 <= mark[0] < n_days and mark[1] > 0 for lane in found.lanes for mark in lane)
        if graph is not None:
            ties = [*graph.left, *graph.right]
            is_right &= len(graph.left) == len(graph.right) == len(graph.weight) and 0 <= graph.n_members <= len(graph.accounts)
            is_right &= all(0 <= place < len(graph.accounts) for place in ties) and all(math.isfinite(weight) for weight in graph.weight)
        if not is_right:
            raise InputError(f"campaigns.json has places of {found.campaign_id[:40]!r} that are none")
    if len(scan.landscape) and not all(pa.types.is_floating(scan.landscape.schema.field(name).type) for name in ("x", "y")):
        raise InputError("landscape.parquet has columns of the wrong type")


def load_texts(out: str | os.PathLike[str]) -> dict[str, Hashes] | None:
    """Read the keyed hashes of the texts that a scan charges, by campaign id, uint64[t] ascending; None where it kept none.

    Raises
    ------
    InputError
        They are damaged.
    """
    import numpy as np
    import pyarrow as pa

    if not (Path(out) / f"{SKETCHES}.parquet").exists():
        return None
    table = _read_table(Path(out), SKETCHES, ("campaign_id", "exact"))
    if table["campaign_id"].type not in (pa.string(), pa.large_string()) or table["exact"].type != pa.uint64() or table["exact"].null_count:
        raise InputError(f"{SKETCHES}.parquet has columns of the wrong type")
    table = table.filter(table["campaign_id"].is_valid()).sort_by([("campaign_id", "ascending"), ("exact", "ascending")])
    coded = table["campaign_id"].combine_chunks().dictionary_encode()
    ends = np.cumsum(np.bincount(coded.indices.to_numpy(), minlength=len(coded.dictionary)))
    return dict(zip(coded.dictionary.to_pylist(), np.split(table["exact"].to_numpy(), ends[:-1]), strict=True)) if len(table) else {}


def check_manifest(manifest: dict[str, Any], error: type[Exception]) -> None:
    """Raise `error` where a manifest lacks an entry, or its rows do not add up: read = accepted + blank + rejected by class."""
    for name, kind in _REQUIRED.items():
        if name not in manifest or not isinstance(manifest[name], kind):
            raise error(f"the manifest has no {name}, or one of the wrong type")
    rows = manifest["rows"]
    rejected = rows.get("rejected")
    counts = [rows.get(name) for name in ("read", "accepted", "blank")] + list(rejected.values() if isinstance(rejected, dict) else [None])
    if any(type(n) is not int or n < 0 for n in counts):
        raise error("the manifest's rows are not counts: read, accepted, blank, and rejected by class")
    if counts[0] != sum(counts[1:]):
        raise error(f"the manifest's rows do not add up: {counts[0]} read, {sum(counts[1:])} accounted for")
    missing, engine = manifest.get("missing", []), manifest.get("engine", {"name": "", "workers": 1, "shards": 0})
    if not isinstance(missing, list) or not all(isinstance(one, dict) and all(isinstance(one.get(name), str) for name in ("shard", "why")) for one in missing):
        raise error("the manifest's missing shards are no list of shard and why")
    if not isinstance(engine, dict) or not isinstance(engine.get("name"), str) or any(type(engine.get(name)) is not int for name in ("workers", "shards")):
        raise error("the manifest's engine is not name, workers and shards")
    if manifest["controls"] is not None:
        _build(Controls, manifest["controls"], "controls")


def _stage(folder: Path, name: str, write: Callable[[IO[bytes]], object], staged: list[str]) -> None:
    aside = folder / (name + _PARTIAL)
    aside.unlink(missing_ok=True)  # of a run that was killed
    staged.append(name)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def write_table(table: pa.Table, file: IO[bytes]) -> None:
    """Write a table as Parquet."""
    import pyarrow.parquet as pq

    pq.write_table(table, file, compression="zstd")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _finite(value: Any) -> Any:
    """Copy plain values with NaN and infinity as None and NumPy numbers as Python ones."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {why(error)}") from error
    except (ValueError, RecursionError):  # without the decoder's message, which quotes the text
        raise InputError(f"{path.name} is not valid JSON") from None
    if not isinstance(document, dict):
        raise InputError(f"{path.name} does not hold an object")
    return document


def _read_table(folder: Path, name: str, columns: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / f"{name}.parquet"
    try:
        with open(path, "rb") as file:
            table = pq.ParquetFile(file).read()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {why(error) if error.errno else 'not a Parquet file'}") from error
    except pa.ArrowException:
        raise InputError(f"{path.name} is not a valid Parquet file") from None
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise InputError(f"{path.name} has no column {', '.join(missing)}")
    return table


def _no_rows(columns: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: pa.nulls(0) for name in columns})


def _build(kind: Any, value: Any, where: str) -> Any:
    """Turn plain JSON values into `kind`, built of the dataclasses of :mod:`fingerprint.records`, lists, dicts and scalars."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        if value is None:
            return None
        return _build(next(a for a in arguments if a is not NoneType), value, where)
    if is_dataclass(kind) and isinstance(value, dict):
        hints = get_type_hints(kind, {**vars(records), "Template": Template})
        known = {f.name for f in fields(kind)}
        if kind is Template:
            value = {name: item for name, item in value.items() if name != "text"}  # derived
        if set(value) != known:
            raise InputError(f"{where} does not have the fields of {getattr(kind, '__name__', kind)}")
        return kind(**{name: _build(hints[name], value[name], f"{where}.{name}") for name in known})  # type: ignore[operator]
    if origin is list and isinstance(value, list):
        return [_build(arguments[0], item, where) for item in value]
    if origin is dict and isinstance(value, dict):
        return {key: _build(arguments[1], item, where) for key, item in value.items()}
    if kind is float and (value is None or (isinstance(value, int | float) and not isinstance(value, bool))):
        return math.nan if value is None else float(value)  # NaN was written as null
    if kind in (str, int, bool) and type(value) is kind:
        return value
    raise InputError(f"{where} has a value of the wrong type")
