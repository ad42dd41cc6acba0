"""``fingerprint scan``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import click

from ..config import DEVICES, DetectConfig, ScanConfig, SketchConfig
from .completing import files, folders, formats
from .values import size

DEFAULT = ScanConfig()


@click.command("scan", short_help="Scan prompt dumps and write the findings.")
@click.argument("dumps", metavar="DUMP...", shell_complete=files, nargs=-1, required=True)
@click.option("--out", metavar="DIR", shell_complete=folders, required=True, help="Folder for the outputs; made if missing, readable by you only.")
@click.option("--history", metavar="DUMP", shell_complete=files, multiple=True,
              help="Earlier traffic, to judge what is new: a dump or .prevalence file. May be repeated.")
@click.option("--known", metavar="SET", shell_complete=files, multiple=True,
              help="Known harvesting set or bundle of findings, a file, or a folder of them: who asked its questions? May be repeated.")
@click.option("--map", "mapping", metavar="FIELD=PATH", multiple=True, help="Where a field is, e.g. --map account=user.id --map prompt=body.text.")
@click.option("--format", "shape", metavar="NAME", shell_complete=formats, help="Shape of the log lines; found out by itself if not given.")
@click.option("--key-file", metavar="FILE", shell_complete=files, help="Key of the fingerprints (see 'fingerprint key new'); else yours, made on first use.")
@click.option("--threads", metavar="N", type=int, help="Worker threads; all cores if not given. Never changes a result.")
@click.option("--memory", metavar="SIZE", callback=size, help="Memory to take, e.g. 12GB; three quarters of the machine's if not given. More goes to TMPDIR.")
@click.option("--encoder", metavar="NAME|FOLDER", shell_complete=folders, default=DEFAULT.encoder, show_default=True,
              help="A folder of 'fingerprint calibrate', or a sentence-transformers model.")
@click.option("--device", type=click.Choice(DEVICES), default=DEFAULT.device, show_default=True, help="Where such a model runs.")
@click.option("--resume", is_flag=True, help="Keep what is done in DIR.state until the end, and go on from there after an interruption.")
@click.option("--no-text", is_flag=True, help="Write no prompt text anywhere: lengths instead.")
@click.option("--no-controls", is_flag=True, help="Leave out the two controls (faster, and nothing tells how far to trust the findings).")
@click.option(
    "--threshold", metavar="J", type=float, default=DEFAULT.sketch.threshold, show_default=True, help="Jaccard similarity of near-duplicates."
)
@click.option(
    "--min-accounts", metavar="N", type=int, default=DEFAULT.detect.min_accounts, show_default=True, help="Smaller groups are never reported."
)
@click.option(
    "--max-rejects",
    metavar="SHARE",
    type=float,
    default=DEFAULT.max_rejects,
    show_default=True,
    help="Exit with 1 if a larger share of the rows is rejected.",
)
@click.option("--seed", metavar="N", type=int, default=DEFAULT.seed, show_default=True, help="Seed of the permutation tests.")
@click.option("--json", "as_json", is_flag=True, help="Print campaigns.json instead of the summary.")
def command(
    *,
    dumps: tuple[str, ...],
    out: str,
    history: tuple[str, ...],
    known: tuple[str, ...],
    mapping: tuple[str, ...],
    shape: str | None,
    key_file: str | None,
    threads: int | None,
    memory: int | None,
    encoder: str,
    device: str,
    resume: bool,
    no_text: bool,
    no_controls: bool,
    threshold: float,
    min_accounts: int,
    max_rejects: float,
    seed: int,
    as_json: bool,
) -> None:
    """Read prompt logs, find accounts that share out one query set, and write the evidence into a folder.

    DUMP is a JSONL, CSV, Parquet or Arrow file, plain, gzip or zstd, a folder or glob of them, or - for stdin.

    \b
    Example:
      fingerprint scan logs/*.jsonl.zst --out out/
      fingerprint scan dump.csv --map account=user --map prompt=text --out out/
      fingerprint scan year/ --memory 12GB --resume --out out/
      fingerprint scan logs/ --encoder encoder/ --out out/

    \b
    Exit codes: 0 done; 1 done, too many rows rejected; 2 usage or unreadable input; 130 interrupted.
    """
    config = ScanConfig(
        sketch=SketchConfig(threshold=threshold),
        detect=DetectConfig(min_accounts=min_accounts),
        controls=not no_controls,
        text=not no_text,
        threads=threads,
        memory=memory,
        encoder=encoder,
        device=device,
        seed=seed,
        max_rejects=max_rejects,
    )
    run(list(dumps), out, config, history=history, known=known, key_file=key_file, mapping=mapping, shape=shape, as_json=as_json, resume=resume)


def run(
    dumps: list[str],
    out: str,
    config: ScanConfig,
    *,
    history: tuple[str, ...] = (),
    known: tuple[str, ...] = (),
    key_file: str | None = None,
    mapping: tuple[str, ...] = (),
    shape: str | None = None,
    as_json: bool = False,
    resume: bool = False,
    quiet: bool = False,
) -> Any:
    """Scan `dumps`, write `out`, print unless `quiet`, and leave with 1 where too many rows were rejected; see :func:`command`."""
    from ..keys import Key
    from ..pipeline import scan
    from ..report.escaping import one_line
    from ..report.files import campaigns_document, check_folder, dump_json, without_text
    from ..report.terminal import console, print_summary
    from ..report.wording import percent, rejected_share
    from . import EXIT_REJECTS
    from .live import progress_for_terminal

    check_folder(Path(out), dumps)
    fields: dict[str, str] | None = None
    if mapping:
        from ..readers import parse_mapping

        fields = parse_mapping(list(mapping))
    progress = progress_for_terminal()
    secret = Key.load(key_file) if key_file else None
    state = Path(os.path.normpath(out) + ".state") if resume else None
    result = scan(dumps, config=config, key=secret, mapping=fields, format=shape, history=list(history) or None, known=known, progress=progress, state=state)
    if not config.text:
        result = without_text(result)
    with progress.stage("writing"):
        result.save(out)
    if state is not None:
        shutil.rmtree(state)
    if as_json:
        click.echo(dump_json(campaigns_document(result)), nl=False)
    elif not quiet:
        print_summary(result, console(), out)
    share = rejected_share(result.manifest)
    if share > config.max_rejects:
        why = f"{percent(share)} of the rows were rejected, more than --max-rejects allows; see 'fingerprint show {one_line(out)} rejects'"
        click.echo(f"fingerprint: {why}", err=True)
        if result.manifest.get("hint"):
            click.echo(f"fingerprint: {one_line(result.manifest['hint'], 1000)}", err=True)
        click.get_current_context().exit(EXIT_REJECTS)
    return result
