"""``fingerprint key``."""

from __future__ import annotations

import click

from ..errors import ConfigError, why
from .completing import files


@click.group("key", short_help="Make a key for the fingerprints.")
def command() -> None:
    """Keys of the fingerprints: without the key nobody can craft prompts that collide, or compare sketches."""


@command.command("new")
@click.argument("path", metavar="PATH", shell_complete=files)
@click.option("--json", "as_json", is_flag=True, help="Print id and path as JSON; the key itself is never printed.")
def new(path: str, as_json: bool) -> None:
    """Write a new random key to PATH, readable by you only.

    \b
    Example:
      fingerprint key new team.key && fingerprint scan dump.parquet --key-file team.key --out out/
    """
    from ..keys import Key
    from ..report.files import dump_json

    key = Key.generate()
    try:
        key.save(path)
    except FileExistsError:
        raise ConfigError(f"{path!r} exists and is not overwritten: sketches made with it would be lost; name another file") from None
    except OSError as error:
        raise ConfigError(f"{path!r} cannot be written: {why(error)}") from None
    click.echo(dump_json({"key_id": key.key_id, "path": path}) if as_json else f"key {key.key_id} written to {path}\n", nl=False)
