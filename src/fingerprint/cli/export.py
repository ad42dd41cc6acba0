"""``fingerprint export``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import IO

import click

from ..exports import FORMATS, NAMES
from ..tables import MAX_SKETCHES
from .completing import files, folders


@click.command("export", short_help="Write findings for other systems, and for partners to match.")
@click.argument("out", metavar="OUT", shell_complete=folders)
@click.option("--format", "shape", type=click.Choice(FORMATS), required=True, help="STIX 2.1, MISP event, OCSF Detection Findings, or CSV for a spreadsheet.")
@click.option("--to", metavar="FILE|FOLDER", shell_complete=files, default="-", show_default=True,
              help="Where it goes, readable by you only; - is stdout. CSV needs a folder.")
@click.option("--names", type=click.Choice(NAMES), default="pseudonyms", show_default=True, help="Whether accounts bear keyed pseudonyms or their ids.")
@click.option("--key-file", metavar="FILE", shell_complete=files,
              help="Key of the pseudonyms, else yours. Where the key of the scan is shared, take one that is not.")
@click.option("--campaign", "campaigns", metavar="ID", multiple=True, help="Only this finding. May be repeated.")
@click.option("--sketches", metavar="N", type=click.IntRange(min=0), default=MAX_SKETCHES, show_default=True,
              help="STIX: keyed sketches of each finding's prompts at most, for partners with the same key; 0 for none.")
@click.option("--with-text", is_flag=True, help="Write prompts, templates and shared texts too. Without it no text of a user leaves.")
def command(*, out: str, shape: str, to: str, names: str, key_file: str | None, campaigns: tuple[str, ...], sketches: int, with_text: bool) -> None:
    """Write the findings of the output folder OUT in the format of another system. The same folder gives the same bytes.

    A STIX file holds sketches of the prompts, by which whoever has the key of the scan finds the same campaign in a traffic of his own, without its words.
    With that key one can also test guesses: whether a prompt that one knows is among them.

    \b
    Example:
      fingerprint export out/ --format stix --to bundle.json
      fingerprint match bundle.json --in logs/ --key-file shared.key --out match/
      fingerprint export out/ --format csv --names plain --to tables/
      fingerprint export out/ --format ocsf | jq .finding_info.title
    """
    from ..exports import export
    from ..keys import Key
    from ..report.files import FILES, load_scan, write_folder

    made = export(load_scan(out), shape, names=names, key=Key.load(key_file) if key_file else None, campaigns=campaigns, sketches=sketches, text=with_text)
    if to == "-":
        if len(made) > 1:
            raise click.UsageError(f"{shape} makes {len(made)} files; name a folder with --to")
        click.echo(next(iter(made.values())), nl=False)
        return
    target = Path(to)
    if len(made) == 1 and not target.is_dir():
        target, made = target.parent, {target.name: next(iter(made.values()))}
    taken = [name for name in made if name in FILES and target.resolve() == Path(out).resolve()]
    if taken:
        raise click.UsageError(f"{taken[0]} is an output of the scan itself; choose another --to")

    def write(data: bytes, file: IO[bytes]) -> None:
        file.write(data)

    write_folder(target, {name: partial(write, data) for name, data in made.items()})
