"""``fingerprint evaluate``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ..config import DEVICES
from ..errors import InputError
from .completing import files, folders, formats

Number = TypeVar("Number", int, float)


def _listed(number: Callable[[str], Number]) -> Callable[[Any, Any, str], list[Number]]:
    def parse(_context: Any, _parameter: Any, text: str) -> list[Number]:
        try:
            return [number(part) for part in text.split(",") if part.strip()]
        except ValueError:
            raise click.BadParameter(f"numbers with commas between them, not {text!r}") from None

    return parse


@click.command("evaluate", short_help="Plant campaigns into your traffic and see which are found.")
@click.argument("dumps", metavar="DUMP...", shell_complete=files, nargs=-1, required=True)
@click.option("--accounts", metavar="N,...", default="10,30,100", show_default=True, callback=_listed(int), help="Accounts of the planted campaigns.")
@click.option("--prompts", metavar="N,...", default="5,15,40", show_default=True, callback=_listed(int), help="Campaign prompts of each account.")
@click.option("--cover", metavar="SHARE,...", default="0,0.8", show_default=True, callback=_listed(float), help="Share of their prompts that are ordinary.")
@click.option("--noise", metavar="SHARE,...", default="0", show_default=True, callback=_listed(float), help="Share of the words that are replaced.")
@click.option("--queries", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="Your own query set: text, one a line, or JSONL.")
@click.option("--kind", metavar="NAME", default="reasoning", show_default=True, help="Built-in query set, see 'fingerprint simulate --help'.")
@click.option("--repeats", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="Trials of each size, with other queries and cover.")
@click.option("--rate", metavar="N", type=float, default=2.0, show_default=True, help="Campaign prompts a day and account, to turn prompts into days.")
@click.option("--map", "mapping", metavar="FIELD=PATH", multiple=True, help="Where a field is, as for scan.")
@click.option("--format", "shape", metavar="NAME", shell_complete=formats, help="Shape of the log lines, as for scan.")
@click.option("--key-file", metavar="FILE", shell_complete=files, help="Key of the fingerprints, as for scan.")
@click.option("--encoder", metavar="NAME|FOLDER", shell_complete=folders, default="static", show_default=True, help="As for scan.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True, help="As for scan.")
@click.option("--threads", metavar="N", type=int, help="Worker threads; all cores if not given.")
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Of the queries, the cover and the deal.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
def command(*, dumps: tuple[str, ...], accounts: list[int], prompts: list[int], cover: list[float], noise: list[float], queries: str | None, kind: str,
            repeats: int, rate: float, mapping: tuple[str, ...], shape: str | None, key_file: str | None, encoder: str,
            device: str, threads: int | None, seed: int, as_json: bool) -> None:
    """Plant campaigns of many sizes into the traffic of DUMP, one at a time, and report which of them the scan would find, and from which day on.

    Nothing is written; the traffic is read once, and every trial is a run of the whole method on it.

    \b
    Example:
      fingerprint evaluate logs/*.jsonl.zst
      fingerprint evaluate dump.parquet --queries ours.txt --accounts 20,200 --prompts 3,10,30 --repeats 3
    """
    from ..config import ScanConfig
    from ..evaluation import evaluate, grid
    from ..keys import Key
    from ..readers import parse_mapping
    from ..report.evaluation import print_evaluation
    from ..report.files import dump_json
    from ..report.terminal import console
    from .live import progress_for_terminal

    if not rate > 0:
        raise click.BadParameter("must be above 0", param_hint="--rate")
    found = evaluate(
        list(dumps), grid(accounts, prompts, cover, noise), queries=_queries(Path(queries)) if queries else None, kind=kind, repeats=repeats,
        config=ScanConfig(encoder=encoder, device=device, threads=threads, seed=seed),
        key=Key.load(key_file) if key_file else None, mapping=parse_mapping(list(mapping)) if mapping else None, format=shape,
        progress=progress_for_terminal())
    if as_json:
        click.echo(dump_json(found.to_dict()), nl=False)
    else:
        print_evaluation(found, console(), rate)


def _queries(path: Path) -> list[str]:
    """Read a query set; errors name the line and quote nothing of it."""
    import msgspec

    lines = [(i, line) for i, line in enumerate(path.read_text("utf-8", "replace").split("\n"), 1) if line.strip()]
    if path.suffix not in (".jsonl", ".ndjson"):
        return [line for _, line in lines]
    found = []
    for i, line in lines:
        try:
            value = msgspec.json.decode(line)
        except msgspec.DecodeError:
            value = None
        text = value.get("prompt") if isinstance(value, dict) else value
        if not isinstance(text, str):
            raise InputError(f"{path.name}, line {i}: neither a JSON string nor an object with a prompt")
        found.append(text)
    return found
