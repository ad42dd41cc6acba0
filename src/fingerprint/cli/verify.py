"""``fingerprint verify``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from .completing import files, folders


@click.command("verify", short_help="Check every byte of the state of a stream detector.")
@click.argument("state", metavar="STATE", shell_complete=folders)
@click.option("--key-file", metavar="FILE", shell_complete=files, help="Key of the state; else yours.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(*, state: str, key_file: str | None, as_json: bool) -> None:
    """Read the folder STATE of 'fingerprint watch' or fingerprint.Detector, also one that is in use, and check that it is what was written and adds up.

    \b
    Example:
      fingerprint verify state/

    \b
    Exit codes: 0 sound; 2 damaged, missing, or of another key.
    """
    from ..keys import Key
    from ..report.files import dump_json
    from ..report.wording import plural
    from ..stream.care import verify

    report = verify(Path(state), Key.load(key_file) if key_file else Key.default())
    if as_json:
        click.echo(dump_json(asdict(report)), nl=False)
        return
    rows = report.counts
    gone = [f"{rows[name]:,} {name}" for name in ("expired", "dropped", "erased") if rows.get(name)]
    click.echo(f"sound: {plural(report.n_live, 'event')} alive, {report.n_bytes / 1e6:,.1f} MB in {report.n_pieces:,} pieces and "
               f"{report.n_journals:,} journals")
    click.echo(f"{rows.get('read', 0):,} rows read: {rows.get('accepted', 0):,} accepted{', of which ' + ', '.join(gone) if gone else ''}")
    if report.torn:
        click.echo(f"{report.torn:,} bytes were being written when the process ended; they were not acknowledged, and are cut off when the state is opened")
