"""``fingerprint match``."""

from __future__ import annotations

from pathlib import Path

import click

from ..config import DEVICES, ScanConfig, SketchConfig
from .completing import files, folders, formats
from .values import size

DEFAULT = ScanConfig()


@click.command("match", short_help="Which accounts asked the questions of a suspect data set?")
@click.argument("suspects", metavar="SUSPECT...", shell_complete=files, nargs=-1, required=True)
@click.option("--in", "traffic", metavar="DUMP|INDEX", shell_complete=files, multiple=True, required=True,
              help="A dump, may be repeated, or a folder of 'fingerprint index'.")
@click.option("--out", metavar="DIR", shell_complete=folders, required=True, help="Folder for the outputs; made if missing, readable by you only.")
@click.option("--map", "mapping", metavar="FIELD=PATH", multiple=True, help="Where a field of the traffic is, as for scan.")
@click.option("--prompt", metavar="PATH", help="Where the question is in a row of SUSPECT; found out by itself if not given.")
@click.option("--format", "shape", metavar="NAME", shell_complete=formats, help="Format of the traffic, as for scan.")
@click.option("--key-file", metavar="FILE", shell_complete=files, help="Key of the fingerprints, as for scan; of an index or bundle the one it was made with.")
@click.option("--encoder", metavar="NAME|FOLDER", shell_complete=folders, default="static", show_default=True,
              help="As for scan; of an index the one that it was made with.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True, help="As for scan.")
@click.option("--threads", metavar="N", type=int, help="Worker threads; all cores if not given. Never changes a result.")
@click.option("--memory", metavar="SIZE", callback=size, help="Memory to take, as for scan.")
@click.option("--threshold", metavar="J", type=float, default=DEFAULT.sketch.threshold, show_default=True, help="Jaccard similarity of near-duplicates.")
@click.option("--no-text", is_flag=True, help="Write no text of the suspect set anywhere.")
@click.option("--json", "as_json", is_flag=True, help="Print match.json instead of the summary.")
def command(*, suspects: tuple[str, ...], traffic: tuple[str, ...], out: str, mapping: tuple[str, ...], prompt: str | None, shape: str | None,
            key_file: str | None, encoder: str, device: str, threads: int | None, memory: int | None, threshold: float, no_text: bool, as_json: bool) -> None:
    """Find the accounts that asked the questions of SUSPECT: instructions, questions, chats or preferences, JSONL, CSV, Parquet or Arrow.

    SUSPECT may also be one bundle of findings, the STIX file of 'fingerprint export' of somebody who has the same key. It holds sketches in place of prompts:
    they match the same prompts and nearly the same.

    \b
    Example:
      fingerprint match leaked.jsonl --in logs/*.jsonl.zst --out match/
      fingerprint index logs/*.jsonl.zst --out june.index
      fingerprint match leaked.jsonl --in june.index --out match/
      fingerprint match bundle.json --in logs/ --key-file shared.key --out match/
    """
    from ..errors import ConfigError
    from ..keys import Key
    from ..matches import match
    from ..readers import parse_mapping
    from ..report.files import check_folder, dump_json
    from ..report.matches import document, print_match
    from ..report.terminal import console
    from ..sealed import MANIFEST
    from .live import progress_for_terminal

    check_folder(Path(out), [*suspects, *traffic])
    indexes = [path for path in traffic if (Path(path) / MANIFEST).is_file()]
    if indexes and len(traffic) > 1:
        raise ConfigError("--in names one index, or any number of dumps")
    config = ScanConfig(sketch=SketchConfig(threshold=threshold), encoder=encoder, device=device, text=not no_text, threads=threads, memory=memory)
    progress = progress_for_terminal()
    found = match(list(suspects), indexes[0] if indexes else list(traffic), config=config, key=Key.load(key_file) if key_file else None,
                  mapping=parse_mapping(list(mapping)) if mapping else None, suspect_mapping={"prompt": prompt} if prompt else None, format=shape,
                  progress=progress)
    with progress.stage("writing"):
        found.save(out)
    if as_json:
        click.echo(dump_json(document(found)), nl=False)
    else:
        print_match(found, console(), out)
