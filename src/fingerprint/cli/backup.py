"""``fingerprint backup``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("backup", short_help="Copy the state of a stream detector, also while it is in use.")
@click.argument("state", metavar="STATE")
@click.argument("out", metavar="DIR")
@click.option("--key-file", metavar="FILE", help="Key of the state; else yours.")
def command(*, state: str, out: str, key_file: str | None) -> None:
    """Copy STATE into DIR, which is missing or empty, and check the copy.

    \b
    Example:
      fingerprint backup state/ /backups/monday
    """
    from ..keys import Key
    from ..stream.care import copy, verify

    key = Key.load(key_file) if key_file else Key.default()
    copy(Path(state), Path(out), key)
    report = verify(Path(out), key)
    click.echo(f"{report.n_live:,} events alive, {report.n_bytes / 1e6:,.1f} MB; the copy is sound")
