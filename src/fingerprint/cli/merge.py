"""``fingerprint merge``."""

from __future__ import annotations

from typing import Any

import click

from .completing import files
from .scan import DETECTING, config_of, finish, options


@click.command("merge", short_help="Put sketched shards together and write the findings.")
@click.argument("shards", metavar="SHARD...", shell_complete=files, nargs=-1, required=True)
@options(*DETECTING)
def command(*, shards: tuple[str, ...], **given: Any) -> None:
    """Put together what 'fingerprint sketch' wrote, and go on as 'fingerprint scan' does with the whole input.

    The result does not depend on the order of the SHARDs. A part that none of them holds is named, and the exit code is 3 then.

    \b
    Example:
      fingerprint merge shards/*.shard --out out/

    \b
    Exit codes: 0 done; 1 done, too many rows rejected; 2 usage or unusable shard; 3 done, shards are missing; 130 interrupted.
    """
    from ..keys import Key
    from ..scanning import merge_shards, shard_config

    key_file = given["key_file"]
    config = config_of(shard_config(shards[0], Key.load(key_file) if key_file else None), given)
    finish(lambda **more: merge_shards(shards, config=config, **more), list(shards), given.pop("out"), config, **given)
