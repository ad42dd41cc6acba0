"""``fingerprint compact``."""

from __future__ import annotations

from pathlib import Path

import click

from .completing import files, folders


@click.command("compact", short_help="Write the state of a stream detector anew, and forget accounts.")
@click.argument("state", metavar="STATE", shell_complete=folders)
@click.option("--forget", metavar="ACCOUNT", multiple=True, help="Erase an account: no byte of it is left. May be repeated.")
@click.option("--salvage", is_flag=True, help="Drop what is damaged at the end of the newest journal, as a failing machine leaves it.")
@click.option("--key-file", metavar="FILE", shell_complete=files, help="Key of the state; else yours.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(*, state: str, forget: tuple[str, ...], salvage: bool, key_file: str | None, as_json: bool) -> None:
    """Put the events of each span into one piece, leave out what is forgotten or expired, and give the room back. STATE must not be in use.

    \b
    Example:
      fingerprint compact state/ --forget acct_123
    """
    from ..errors import InputError
    from ..keys import Key
    from ..report.files import dump_json
    from ..stream.detector import Detector
    from ..stream.ledger import NAME, is_made

    if not is_made(Path(state)):
        raise InputError(f"{state!r} is no state of a detector: it has no {NAME}; name the folder that 'fingerprint watch' was given")
    with Detector.open(state, key=Key.load(key_file) if key_file else None, salvage=salvage) as detector:
        torn = detector.status().torn_bytes
        before = detector.status().state_bytes
        erased = detector.forget(forget) if forget else 0
        detector.compact()
        after = detector.status()
        if as_json:
            done = {"torn_bytes": torn, "n_forgotten": len(forget), "n_erased": erased, "n_live": after.n_live, "n_bytes_before": before,
                    "n_bytes": after.state_bytes}
            click.echo(dump_json(done), nl=False)
            return
        if torn:
            click.echo(f"{torn:,} bytes of a journal were cut off; positions of sources are those before them")
        if forget:
            click.echo(f"{erased:,} events of {len(forget):,} accounts erased")
        click.echo(f"{after.n_live:,} events alive, {before / 1e6:,.1f} MB before, {after.state_bytes / 1e6:,.1f} MB now")
