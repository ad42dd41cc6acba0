"""``fingerprint prevalence``."""

from __future__ import annotations

from pathlib import Path

import click

from .completing import files, formats


@click.command("prevalence", short_help="Remember what a dump says, without its words, as a history for later scans.")
@click.argument("dumps", metavar="DUMP...", shell_complete=files, nargs=-1, required=True)
@click.option("--out", metavar="FILE", shell_complete=files, required=True, help="File to write; its name ends in .prevalence.")
@click.option("--map", "mapping", metavar="FIELD=PATH", multiple=True, help="Where a field is, as for scan.")
@click.option("--format", "shape", metavar="NAME", shell_complete=formats, help="Shape of the log lines, as for scan.")
@click.option("--key-file", metavar="FILE", shell_complete=files, help="Key of the fingerprints, as for scan; the scans that use the file must have the same.")
@click.option("--threads", metavar="N", type=int, help="Worker threads; all cores if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(*, dumps: tuple[str, ...], out: str, mapping: tuple[str, ...], shape: str | None, key_file: str | None, threads: int | None,
            as_json: bool) -> None:
    """Write who said what in DUMP as keyed hashes, at most 150 MB of them however large it is.

    A DUMP that ends in .prevalence is added, so yesterday's file and today's log make the file of both.

    \b
    Example:
      fingerprint prevalence june.jsonl.zst --out known.prevalence
      fingerprint prevalence known.prevalence july.jsonl.zst --out known.prevalence
      fingerprint scan august.jsonl.zst --history known.prevalence --out out/
    """
    from ..config import SketchConfig
    from ..errors import ConfigError
    from ..ingest import remember
    from ..keys import Key
    from ..prevalence import SUFFIX, Hashing
    from ..progress import Stopwatch
    from ..readers import parse_mapping
    from ..report.files import dump_json
    from .live import progress_for_terminal

    if not out.endswith(SUFFIX):
        raise ConfigError(f"the name of the file ends in {SUFFIX}, by which scan knows it: --out {out + SUFFIX!r}")
    if not Path(out).absolute().parent.is_dir():
        raise ConfigError(f"there is no folder {str(Path(out).parent)!r} for --out; make it first")
    hashing = Hashing(Key.load(key_file) if key_file else Key.default(), SketchConfig(), threads)
    progress = progress_for_terminal()
    known, about = remember(list(dumps), hashing, parse_mapping(list(mapping)) if mapping else None, shape, Stopwatch(progress))
    with progress.stage("writing"):
        known.save(out)
    size = Path(out).stat().st_size
    if as_json:
        click.echo(dump_json({"read": about["read"], "n_prompts": known.n_prompts, "n_accounts": len(known.accounts), "n_bytes": size}), nl=False)
        return
    click.echo(f"{about['read']:,} rows read; {out} knows {known.n_prompts:,} prompts of {len(known.accounts):,} accounts in {size / 1e6:,.1f} MB")
