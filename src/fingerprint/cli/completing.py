"""What a shell offers behind a half-typed word: folders, files, names of formats, and the campaigns of the scan that was named before.

A completion is asked for at every press of a key, so it reads as little as it can, and it never fails: what cannot be read offers nothing.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

MAX_BYTES = 1 << 28  # of a campaigns.json that is looked into
_ID = re.compile(r"c-[0-9a-f]{10}")  # nothing else reaches the shell, which would take some characters for its own


def folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell to offer folders."""
    return [CompletionItem(incomplete, type="dir")]


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell to offer files and folders."""
    return [CompletionItem(incomplete, type="file")]


def campaigns(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the campaigns of the scan in ``OUT``, with what they target: findings first, then groups that were examined and not reported."""
    from ..report.escaping import one_line

    found: list[CompletionItem] = []
    with suppress(Exception):
        for campaign_id, capability in _campaigns_of(Path(ctx.params["out"]).expanduser()):
            if campaign_id.startswith(incomplete) and _ID.fullmatch(campaign_id):
                found.append(CompletionItem(campaign_id, help=one_line(capability, 60) or None))
    return found


def _campaigns_of(out: Path) -> list[tuple[str, str]]:
    import msgspec

    found = msgspec.defstruct("Found", [("campaign_id", str), ("capability", str)])
    document = msgspec.defstruct("Document", [("campaigns", list[found]), ("examined", list[found])])  # type: ignore[valid-type]
    path = out / "campaigns.json"
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        return []
    read: Any = msgspec.json.decode(path.read_bytes(), type=document)
    return [(one.campaign_id, one.capability) for one in [*read.campaigns, *read.examined]]


def formats(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the formats of a dump."""
    from ..readers.sources import FORMATS

    return _beginning(FORMATS, incomplete)


def presets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the worlds that can be simulated."""
    from ..simulate import PRESETS

    return _beginning(PRESETS, incomplete)


def columns(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the columns that a listing can be sorted by, each by its first word, which is enough of it.

    Behind ``--sort`` and a space click has not read which listing it is; those of all are offered then.
    """
    from ..report.listing import COLUMNS, titles

    is_told = ctx.get_parameter_source("what") is ParameterSource.COMMANDLINE
    listings: Any = [ctx.params["what"]] if is_told else COLUMNS
    return _beginning(dict.fromkeys(title.partition(" ")[0] for what in listings for title in titles(what)), incomplete)


def _beginning(names: Any, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
