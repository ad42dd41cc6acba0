"""A world as files: the dump, its labels and its configuration, written aside and renamed into place."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from fingerprint import __version__
from fingerprint.errors import ConfigError, why
from fingerprint.progress import Progress
from fingerprint.simulate.config import WorldConfig
from fingerprint.simulate.world import World

if TYPE_CHECKING:
    import pyarrow as pa

FILES: Final = ("dump.parquet", "dump.jsonl", "labels.parquet", "world.json")
Format = Literal["parquet", "jsonl"]


def write_world(config: WorldConfig, out: str | os.PathLike[str], seed: int = 0, format: Format = "parquet",
                progress: Progress | None = None) -> Path:
    """Write ``dump.parquet`` or ``dump.jsonl``, ``labels.parquet`` and ``world.json`` into a folder.

    Parameters
    ----------
    config : WorldConfig
    out : path
        Made if missing. An earlier world in it is replaced; anything else is refused.
    seed : int
    format : str
    progress : Progress, optional
        Told the number of events written.

    Returns
    -------
    Path
        Of the dump.

    Raises
    ------
    ConfigError
        The folder holds something else, or cannot be written.
    """
    if format not in ("parquet", "jsonl"):
        raise ConfigError(f"format is parquet or jsonl, not {format!r}")
    folder, world = Path(out), World(config, seed)
    try:
        if not _is_free(folder):
            raise ConfigError(f"{os.fspath(out)!r} holds something that is no simulated world; name another folder")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _write_aside(folder, world, format, progress or Progress())
            _put_in_place(folder, f"dump.{format}")
        finally:
            for name in FILES:
                _aside(folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot write into {os.fspath(out)!r}: {why(error)}") from error
    return folder / f"dump.{format}"


def _is_free(folder: Path) -> bool:
    """Say whether a folder may be written: missing, empty, or an earlier world and nothing else."""
    if not folder.exists():
        return True
    found = {path.name for path in folder.iterdir()} - {_aside(folder / name).name for name in FILES}
    return not found or ("world.json" in found and found <= set(FILES))


def _aside(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


def _write_aside(folder: Path, world: World, format: Format, progress: Progress) -> None:
    with progress.stage("simulating", world.n_rows):
        _write_events(_aside(folder / f"dump.{format}"), world, format, progress)
    _write_labels(_aside(folder / "labels.parquet"), world)
    plain = {"schema": "fp-world-1", "version": __version__, "seed": world.seed, "rows": world.n_rows, "accounts": world.n_accounts,
             "config": world.config.to_dict()}
    _aside(folder / "world.json").write_text(json.dumps(plain, indent=1) + "\n", "utf-8")


def _put_in_place(folder: Path, dump: str) -> None:
    """Rename what was written aside, ``world.json`` last, and remove the dump of an earlier world in the other format."""
    for name in (dump, "labels.parquet", "world.json"):
        _aside(folder / name).replace(folder / name)
    for name in FILES[:2]:
        if name != dump:
            (folder / name).unlink(missing_ok=True)


def _write_events(path: Path, world: World, format: str, progress: Progress) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if format == "parquet":
        with pq.ParquetWriter(path, world.schema, compression="zstd") as writer:
            for group in _grouped(world.batches(), 100_000):
                writer.write_table(pa.Table.from_batches(group), row_group_size=100_000)
                progress.advance(sum(len(b) for b in group))
        return
    with open(path, "wb") as file:
        for batch in world.batches():
            _write_lines(file, batch)
            progress.advance(len(batch))


def _grouped(batches: Iterator[pa.RecordBatch], n_rows: int) -> Iterator[list[pa.RecordBatch]]:
    """Collect batches to row groups."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(len(b) for b in held) >= n_rows:
            yield held
            held = []
    if held:
        yield held


def _write_lines(file: IO[bytes], batch: pa.RecordBatch) -> None:
    import msgspec

    encode = msgspec.json.Encoder().encode
    columns: dict[str, list[Any]] = batch.to_pydict()
    names = list(columns)
    file.write(b"".join(encode(dict(zip(names, values, strict=True))) + b"\n" for values in zip(*columns.values(), strict=True)))


def _write_labels(path: Path, world: World) -> None:
    import pyarrow.parquet as pq

    pq.write_table(world.labels, path, compression="zstd")
