"""``fingerprint sketch``."""

from __future__ import annotations

from typing import Any

import click

from ..config import ScanConfig, SketchConfig
from .completing import files
from .scan import KEY_FILE, MEMORY, READING, THREADS, THRESHOLD, options


def _part(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, int]:
    number, _, n_parts = value.partition("/")
    if not (number.isdecimal() and n_parts.isdecimal() and 1 <= int(number) <= int(n_parts)):
        raise click.BadParameter(f"a part is K/N with K from 1 to N, e.g. 3/8, not {value!r}")
    return int(number), int(n_parts)


@click.command("sketch", short_help="Read and sketch a part of a dump, for 'merge'.")
@click.argument("dumps", metavar="DUMP...", shell_complete=files, nargs=-1, required=True)
@click.option("--out", metavar="FILE", shell_complete=files, required=True, help="The shard, with prompts, readable by you only; a path or an address.")
@click.option("--shard", "part", metavar="K/N", callback=_part, default="1/1", show_default=True, help="Which part of all DUMPs together, of how many.")
@options(*READING, KEY_FILE, THREADS, MEMORY, THRESHOLD)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    *,
    dumps: tuple[str, ...],
    out: str,
    part: tuple[int, int],
    mapping: tuple[str, ...],
    shape: str | None,
    key_file: str | None,
    threads: int | None,
    memory: int | None,
    threshold: float,
    as_json: bool,
) -> None:
    """Read a part of prompt logs, and write what a scan needs of it into one file; 'fingerprint merge' puts such files together.

    For a cluster without Ray: a Slurm array or a Kubernetes job runs one such command for each part, with the same DUMPs and the same key.

    \b
    Example:
      fingerprint sketch logs/ --shard $SLURM_ARRAY_TASK_ID/64 --out shards/$SLURM_ARRAY_TASK_ID.shard
      fingerprint merge shards/*.shard --out out/
    """
    from ..keys import Key
    from ..readers import parse_mapping
    from ..report.escaping import one_line
    from ..report.files import dump_json
    from ..scanning import write_shard
    from .live import progress_for_terminal

    config = ScanConfig(sketch=SketchConfig(threshold=threshold), threads=threads, memory=memory)
    made: dict[str, Any] = write_shard(list(dumps), out, part=part, config=config, key=Key.load(key_file) if key_file else None,
                                       mapping=parse_mapping(list(mapping)) if mapping else None, format=shape, progress=progress_for_terminal())
    if as_json:
        click.echo(dump_json(made), nl=False)
    else:
        click.echo(f"{one_line(out)}: shard {part[0]}/{part[1]}, {made['rows']:,} rows, {made['texts']:,} distinct prompts, {made['size'] / 1e6:,.1f} MB")
