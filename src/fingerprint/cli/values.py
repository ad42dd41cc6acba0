"""Numbers as people write them."""

from __future__ import annotations

import re

import click

_SUFFIXES = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000, "t": 1_000_000_000_000}


def count(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read a whole number that may be written 28.8M, 250k or 1,000,000."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmg]?)", value.replace(",", "").replace("_", "").lower())
    if found is None:
        raise click.BadParameter(f"{value!r} is no count; write 20000, 250k or 28.8M", ctx, param)
    return round(float(found[1]) * _SUFFIXES[found[2]])


def size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read bytes that may be written 12GB, 800M or 2.5g; a thousand of one are one of the next."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmgt]?)b?", value.replace(",", "").replace("_", "").strip().lower())
    if found is None:
        raise click.BadParameter(f"{value!r} is no size; write 12GB or 800MB", ctx, param)
    return round(float(found[1]) * _SUFFIXES[found[2]])
