"""``fingerprint index``."""

from __future__ import annotations

from pathlib import Path

import click

from ..config import DEVICES, ScanConfig
from .completing import files, folders, formats
from .values import size


@click.command("index", short_help="Keep the fingerprints of a dump, without its words, to match suspect sets with later.")
@click.argument("dumps", metavar="DUMP|INDEX...", shell_complete=files, nargs=-1, required=True)
@click.option("--out", metavar="DIR", shell_complete=folders, required=True, help="Folder of the index; an index there is replaced.")
@click.option("--forget", metavar="ACCOUNT", multiple=True, help="Leave out an account and what only it sent. May be repeated.")
@click.option("--map", "mapping", metavar="FIELD=PATH", multiple=True, help="Where a field is, as for scan.")
@click.option("--format", "shape", metavar="NAME", shell_complete=formats, help="Format of the dump, as for scan.")
@click.option("--key-file", metavar="FILE", shell_complete=files,
              help="Key of the fingerprints, as for scan; whoever matches with the index must have the same.")
@click.option("--encoder", metavar="NAME|FOLDER", shell_complete=folders, default="static", show_default=True, help="As for scan.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True, help="As for scan.")
@click.option("--threads", metavar="N", type=int, help="Worker threads; all cores if not given. Never changes a result.")
@click.option("--memory", metavar="SIZE", callback=size, help="Memory to take, as for scan.")
@click.option("--json", "as_json", is_flag=True, help="Print what the index holds as JSON.")
def command(*, dumps: tuple[str, ...], out: str, forget: tuple[str, ...], mapping: tuple[str, ...], shape: str | None, key_file: str | None,
            encoder: str, device: str, threads: int | None, memory: int | None, as_json: bool) -> None:
    """Write keyed fingerprints of all distinct prompts of DUMP, and who sent them when, into a sealed folder. Or read an INDEX, to forget accounts.

    \b
    Example:
      fingerprint index logs/*.jsonl.zst --out june.index
      fingerprint index june.index --forget acct_123 --out june.index
    """
    from ..encoders import get_encoder
    from ..errors import ConfigError
    from ..index import TrafficIndex
    from ..keys import Key
    from ..matches import open_index
    from ..progress import Stopwatch
    from ..readers import parse_mapping
    from ..report.files import dump_json
    from ..report.wording import count, plural
    from ..report.wording import memory as bytes_of
    from ..sealed import MANIFEST
    from ..sketch import processors
    from .live import progress_for_terminal

    config, key = ScanConfig(encoder=encoder, device=device, threads=threads, memory=memory), Key.load(key_file) if key_file else Key.default()
    progress = progress_for_terminal()
    is_index = (Path(dumps[0]) / MANIFEST).is_file()
    if is_index and len(dumps) > 1:
        raise ConfigError("name one index, or any number of dumps")
    if is_index:
        index = TrafficIndex.load(dumps[0], key)
    else:
        made = get_encoder(encoder, threads=processors(threads), device=device)
        index, _ = open_index(list(dumps), made, config, key, Stopwatch(progress), parse_mapping(list(mapping)) if mapping else None, shape)
    if forget:
        index = index.without(list(forget))
    with progress.stage("writing"):
        index.save(out, key)
    size_of = sum(path.stat().st_size for path in Path(out).iterdir())
    rows = index.about["rows"]
    if as_json:
        click.echo(dump_json({"rows": rows, "period": index.about["period"], "key_id": key.key_id, "n_prompts": int(index.n_prompts.sum()),
                              "n_accounts": len(index.account_ids), "n_texts": len(index.texts), "n_bytes": size_of}), nl=False)
        return
    click.echo(f"{plural(rows['read'], 'row')} read: {count(rows['accepted'])} accepted, {count(rows['blank'])} blank, "
               f"{count(sum(rows['rejected'].values()))} rejected")
    click.echo(f"{count(index.n_prompts.sum())} prompts of {plural(len(index.account_ids), 'account')}, {plural(len(index.texts), 'distinct text')}, "
               f"in {bytes_of(size_of)}")
