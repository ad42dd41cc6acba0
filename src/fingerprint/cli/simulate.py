"""``fingerprint simulate``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from ..errors import ConfigError
from .completing import files, folders, presets
from .live import progress_for_terminal
from .values import count


@click.command("simulate", short_help="Write labelled sample traffic.")
@click.option("--preset", "name", metavar="NAME", shell_complete=presets, default="mixed", show_default=True, help="demo, mixed, evasive, control or scale.")
@click.option("--config", "config_file", metavar="FILE", shell_complete=files, help="A world of your own: the config in a world.json, changed as you like.")
@click.option("--out", metavar="DIR", shell_complete=folders, required=True, help="Folder for dump, labels.parquet and world.json.")
@click.option("--prompts", metavar="N", callback=count, help="Rows in all, e.g. 28.8M; the preset's own number if not given.")
@click.option("--accounts", metavar="N", callback=count, help="Accounts in all; in proportion to the rows if not given.")
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--format", "shape", type=click.Choice(["parquet", "jsonl"]), default="parquet", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(*, name: str, config_file: str | None, out: str, prompts: int | None, accounts: int | None, seed: int, shape: Any, as_json: bool) -> None:
    """Write traffic of simulated people, look-alikes and campaigns, with labels to score a scan by.

    \b
    Example:
      fingerprint simulate --preset evasive --out world/
      fingerprint simulate --preset scale --prompts 28.8M --out big/
    """
    from ..report.files import dump_json
    from ..simulate import WorldConfig, preset, write_world

    config = WorldConfig.from_dict(_read(config_file)) if config_file else preset(name, prompts=prompts, accounts=accounts)
    if config_file and (prompts is not None or accounts is not None):
        raise ConfigError("--prompts and --accounts resize a preset; change them in the --config file itself")
    started = time.perf_counter()
    dump = write_world(config, out, seed, shape, progress_for_terminal())
    seconds = time.perf_counter() - started
    if as_json:
        campaigns = [{"name": c.name, "n_accounts": c.accounts} for c in config.campaigns]
        click.echo(dump_json({"dump": str(dump), "n_rows": config.prompts, "seconds": seconds, "campaigns": campaigns}), nl=False)
        return
    click.echo(f"{config.prompts:,} rows in {seconds:.1f} s ({config.prompts / seconds:,.0f} rows/s): {dump}")
    planted = ", ".join(f"{c.name} ({c.accounts:,} accounts)" for c in config.campaigns) or "none"
    click.echo(f"campaigns planted: {planted}")
    click.echo(f"then: fingerprint scan {dump} --out out/")


def _read(path: str) -> dict[str, Any]:
    try:
        document = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path!r} cannot be read as JSON: {error}; name the world.json of an earlier world") from None
    if isinstance(document, dict) and isinstance(document.get("config"), dict):
        document = document["config"]
    if not isinstance(document, dict):
        raise ConfigError(f"{path!r} does not hold an object; name the world.json of an earlier world")
    return document
