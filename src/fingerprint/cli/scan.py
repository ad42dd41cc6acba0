"""``fingerprint scan``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from ..config import DEVICES, ENGINES, DetectConfig, ScanConfig, SketchConfig
from ..places import is_remote
from .completing import files, folders, formats
from .values import size

DEFAULT = ScanConfig()
MOST_TOLD = 20  # missing shards that are named on the terminal
KEY_FILE = click.option("--key-file", metavar="FILE", shell_complete=files,
                        help="Key of the fingerprints (see 'fingerprint key new'); else yours, made on first use.")
THREADS = click.option("--threads", metavar="N", type=int, help="Threads of a worker; all cores, shared out, if not given. Never changes a result.")
MEMORY = click.option("--memory", metavar="SIZE", callback=size,
                      help="Memory to take, e.g. 12GB; three quarters of the machine's if not given. More goes to TMPDIR.")
THRESHOLD = click.option("--threshold", metavar="J", type=float, default=DEFAULT.sketch.threshold, show_default=True,
                         help="Jaccard similarity of near-duplicates.")
READING = (
    click.option("--map", "mapping", metavar="FIELD=PATH", multiple=True, help="Where a field is, e.g. --map account=user.id --map prompt=body.text."),
    click.option("--format", "shape", metavar="NAME", shell_complete=formats, help="Shape of the log lines; found out by itself if not given."),
)
DETECTING = (
    click.option("--out", metavar="DIR", shell_complete=folders, required=True,
                 help="Folder for the outputs; made if missing, readable by you only. Or an address, such as s3://bucket/out."),
    click.option("--history", metavar="DUMP", shell_complete=files, multiple=True,
                 help="Earlier traffic, to judge what is new: a dump or .prevalence file. May be repeated."),
    click.option("--known", metavar="SET", shell_complete=files, multiple=True,
                 help="Known harvesting set or bundle of findings, a file, or a folder of them: who asked its questions? May be repeated."),
    KEY_FILE,
    THREADS,
    MEMORY,
    click.option("--engine", type=click.Choice(ENGINES), default=ENGINES[0], show_default=True, help="What runs the workers; no result depends on it."),
    click.option("--jobs", metavar="N", type=click.IntRange(1), default=1, show_default=True, help="Workers, each a process, that read and sketch."),
    click.option("--address", metavar="ADDRESS", help="Ray cluster that runs already; auto for this machine's. With --engine ray."),
    click.option("--encoder", metavar="NAME|FOLDER", shell_complete=folders, default=DEFAULT.encoder, show_default=True,
                 help="A folder of 'fingerprint calibrate', or a sentence-transformers model."),
    click.option("--device", type=click.Choice(DEVICES), default=DEFAULT.device, show_default=True, help="Where such a model runs."),
    click.option("--resume", is_flag=True, help="Keep what is done in DIR.state until the end, and go on from there after an interruption."),
    click.option("--no-text", is_flag=True, help="Write no prompt text into DIR: lengths instead."),
    click.option("--no-controls", is_flag=True, help="Leave out the two controls (faster, and nothing tells how far to trust the findings)."),
    click.option("--min-accounts", metavar="N", type=int, default=DEFAULT.detect.min_accounts, show_default=True,
                 help="Smaller groups are never reported."),
    click.option("--max-rejects", metavar="SHARE", type=float, default=DEFAULT.max_rejects, show_default=True,
                 help="Exit with 1 if a larger share of the rows is rejected."),
    click.option("--seed", metavar="N", type=int, default=DEFAULT.seed, show_default=True, help="Seed of the permutation tests."),
    click.option("--json", "as_json", is_flag=True, help="Print campaigns.json instead of the summary."),
)


def options(*some: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Give a command these options, in this order."""
    def given(command: Any) -> Any:
        for option in reversed(some):
            command = option(command)
        return command

    return given


@click.command("scan", short_help="Scan prompt dumps and write the findings.")
@click.argument("dumps", metavar="DUMP...", shell_complete=files, nargs=-1, required=True)
@options(*READING, *DETECTING, THRESHOLD)
def command(*, dumps: tuple[str, ...], mapping: tuple[str, ...], shape: str | None, threshold: float, **given: Any) -> None:
    """Read prompt logs, find accounts that share out one query set, and write the evidence into a folder.

    DUMP is a JSONL, CSV, Parquet or Arrow file, plain, gzip or zstd, a folder or glob of them, on this machine or at an address (s3://, gs://, ...), or - for
    stdin.

    \b
    Example:
      fingerprint scan logs/*.jsonl.zst --out out/
      fingerprint scan dump.csv --map account=user --map prompt=text --out out/
      fingerprint scan year/ --memory 12GB --jobs 8 --resume --out out/
      fingerprint scan 's3://logs/day/*.parquet' --engine ray --address auto --out s3://results/day
      fingerprint scan logs/ --encoder encoder/ --out out/

    \b
    Exit codes: 0 done; 1 done, too many rows rejected; 2 usage or unreadable input; 3 done, shards are missing; 130 interrupted.
    """
    run(list(dumps), given.pop("out"), config_of(SketchConfig(threshold=threshold), given), mapping=mapping, shape=shape, **given)


def config_of(sketch: SketchConfig, given: dict[str, Any]) -> ScanConfig:
    """Take the options of a configuration out of those that were given."""
    take = given.pop
    return ScanConfig(sketch=sketch, detect=DetectConfig(min_accounts=take("min_accounts")), controls=not take("no_controls"), text=not take("no_text"),
                      **{name: take(name) for name in ("threads", "memory", "encoder", "device", "seed", "max_rejects")})


def run(
    dumps: list[str],
    out: str,
    config: ScanConfig,
    *,
    mapping: tuple[str, ...] = (),
    shape: str | None = None,
    **given: Any,
) -> Any:
    """Scan `dumps`, write `out`, print, and leave as :func:`finish` does."""
    from ..readers import parse_mapping
    from ..scanning import scan

    fields = parse_mapping(list(mapping)) if mapping else None
    return finish(lambda **more: scan(dumps, config=config, mapping=fields, format=shape, **more), dumps, out, config, **given)


def finish(
    make: Callable[..., Any],
    inputs: list[str],
    out: str,
    config: ScanConfig,
    *,
    history: tuple[str, ...] = (),
    known: tuple[str, ...] = (),
    key_file: str | None = None,
    engine: str = "local",
    jobs: int = 1,
    address: str | None = None,
    as_json: bool = False,
    resume: bool = False,
    quiet: bool = False,
) -> Any:
    """Let a scan be made of `inputs`, write it to `out`, print unless `quiet`, and leave with 3 where shards are missing, with 1 where too many rows were
    rejected.
    """
    from ..keys import Key
    from ..report.files import campaigns_document, check_folder, dump_json, without_text
    from ..report.terminal import console, print_summary
    from ..shards.gathering import clear
    from .live import progress_for_terminal

    check_folder(out, inputs)
    progress = progress_for_terminal()
    secret = Key.load(key_file) if key_file else None
    state = (out.rstrip("/") if is_remote(out) else os.path.normpath(out)) + ".state" if resume or engine != "local" else None
    try:
        result = make(key=secret, history=list(history) or None, known=known, progress=progress, state=state, engine=engine, jobs=jobs, address=address,
                      key_file=key_file)
        if not config.text:
            result = without_text(result)
        with progress.stage("writing"):
            result.save(out)
    except BaseException:
        if state is not None and not resume:
            clear(state)
        raise
    if state is not None:
        clear(state)
    if as_json:
        click.echo(dump_json(campaigns_document(result)), nl=False)
    elif not quiet:
        print_summary(result, console(), out)
    _leave(result, out, config.max_rejects)
    return result


def _leave(result: Any, out: str, max_rejects: float) -> None:
    """Say what is missing, and exit with another code than 0 where something is."""
    from ..report.escaping import one_line
    from ..report.wording import percent, rejected_share
    from . import EXIT_MISSING, EXIT_REJECTS

    share, missing = rejected_share(result.manifest), result.manifest.get("missing", [])
    if share > max_rejects:
        why = f"{percent(share)} of the rows were rejected, more than --max-rejects allows; see 'fingerprint show {one_line(out)} rejects'"
        click.echo(f"fingerprint: {why}", err=True)
        if result.manifest.get("hint"):
            click.echo(f"fingerprint: {one_line(result.manifest['hint'], 1000)}", err=True)
    for one in missing[:MOST_TOLD]:
        click.echo(f"fingerprint: missing is shard {one_line(one['shard'], 300)}: {one_line(one['why'], 300)}", err=True)
    if len(missing) > MOST_TOLD:
        click.echo(f"fingerprint: and {len(missing) - MOST_TOLD:,} more; manifest.json names all", err=True)
    if missing or share > max_rejects:
        click.get_current_context().exit(EXIT_MISSING if missing else EXIT_REJECTS)
