"""``fingerprint backup``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from .completing import files, folders


@click.command("backup", short_help="Copy the state of a stream detector, also while it is in use.")
@click.argument("state", metavar="STATE", shell_complete=folders)
@click.argument("out", metavar="DIR", shell_complete=folders)
@click.option("--key-file", metavar="FILE", shell_complete=files, help="Key of the state; else yours.")
@click.option("--json", "as_json", is_flag=True, help="Print the report about the copy as JSON, as 'fingerprint verify' does.")
def command(*, state: str, out: str, key_file: str | None, as_json: bool) -> None:
    """Copy STATE into DIR, which is missing or empty, and check the copy.

    \b
    Example:
      fingerprint backup state/ /backups/monday
    """
    from ..keys import Key
    from ..report.files import dump_json
    from ..stream.care import copy, verify

    key = Key.load(key_file) if key_file else Key.default()
    copy(Path(state), Path(out), key)
    report = verify(Path(out), key)
    if as_json:
        click.echo(dump_json(asdict(report)), nl=False)
        return
    click.echo(f"{report.n_live:,} events alive, {report.n_bytes / 1e6:,.1f} MB; the copy is sound")
