"""``fingerprint calibrate``."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click

from ..config import DEVICES
from .completing import files, folders, formats

SAMPLE = 20_000


@click.command("calibrate", short_help="Fit the static encoder to your traffic, after a transformer.")
@click.argument("dumps", metavar="DUMP...", shell_complete=files, nargs=-1, required=True)
@click.option("--teacher", metavar="MODEL", required=True, help="Any sentence-transformers model: a folder, or its name on the hub.")
@click.option("--out", metavar="DIR", shell_complete=folders, required=True, help="Folder for the encoder, which 'scan --encoder DIR' uses.")
@click.option("--sample", metavar="N", type=int, default=SAMPLE, show_default=True, help="Distinct prompts that the teacher is asked about.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True, help="Where the teacher runs.")
@click.option("--map", "mapping", metavar="FIELD=PATH", multiple=True, help="Where a field is, as for scan.")
@click.option("--format", "shape", metavar="NAME", shell_complete=formats, help="Shape of the log lines, as for scan.")
@click.option("--key-file", metavar="FILE", shell_complete=files, help="Key of the fingerprints, as for scan; it draws the sample.")
@click.option("--threads", metavar="N", type=int, help="Worker threads; all cores if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def command(*, dumps: tuple[str, ...], teacher: str, out: str, sample: int, device: str, mapping: tuple[str, ...], shape: str | None,
            key_file: str | None, threads: int | None, as_json: bool) -> None:
    """Draw a sample of the prompts of DUMP, ask the teacher how alike they are, and fit the table of the static encoder to that.

    A tenth of the sample, which the fit never sees, says how near the encoder comes to the teacher before and after. An encoder that is not better is not
    saved. What the folder holds is made of your traffic's words, weights and not texts; keep it as you keep the logs.

    \b
    Example:
      fingerprint calibrate logs/*.jsonl.zst --teacher all-MiniLM-L6-v2 --out encoder/
      fingerprint scan logs/*.jsonl.zst --encoder encoder/ --out out/

    \b
    Exit codes: 0 saved; 2 usage, unreadable input, or not better than before; 130 interrupted.
    """
    from ..encoders.calibrate import LEAST_SAMPLE, calibrate, check_folder
    from ..encoders.static import StaticEncoder
    from ..encoders.transformer import TransformerEncoder
    from ..errors import ConfigError
    from ..ingest import sample_texts
    from ..keys import Key
    from ..progress import Stopwatch
    from ..readers import parse_mapping, read_events
    from ..report.files import dump_json
    from .live import progress_for_terminal

    if sample < LEAST_SAMPLE:
        raise ConfigError(f"--sample is at least {LEAST_SAMPLE:,}, not {sample:,}")
    check_folder(Path(out))
    key = Key.load(key_file) if key_file else Key.default()
    reader = read_events(list(dumps), mapping=parse_mapping(list(mapping)) if mapping else None, format=shape)
    model = TransformerEncoder(teacher, device=device, threads=threads or os.cpu_count() or 1)
    progress = progress_for_terminal()
    texts = sample_texts(reader, sample, key, Stopwatch(progress))
    made = calibrate(texts, model, StaticEncoder(), progress)
    if as_json:
        made.save(out)
        scores = {name: asdict(getattr(made, name)) for name in ("before", "after", "before_all", "after_all")}
        click.echo(dump_json({"n_fitted": made.n_fitted, "n_held_out": made.n_held_out, "teacher": made.teacher, "scores": scores}), nl=False)
        return
    click.echo(f"{made.n_fitted:,} prompts fitted; against the teacher, of prompts that were held out:")
    click.echo(f"{'':34}{'Pearson of cosines':>20}{'overlap@10':>20}")
    for name, old, new in (("that word pieces carry", made.before, made.after), ("in all scripts", made.before_all, made.after_all)):
        click.echo(f"{f'{old.n:,} {name}':34}{f'{old.pearson:.3f} -> {new.pearson:.3f}':>20}{f'{old.overlap:.3f} -> {new.overlap:.3f}':>20}")
    made.save(out)
    click.echo(f"Use it with --encoder {out}")
