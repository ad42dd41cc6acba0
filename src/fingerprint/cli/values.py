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


_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read seconds that may be written 42d, 12h, 90s or 500ms."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(ms|[smhdw]?)", value.strip().lower())
    if found is None:
        raise click.BadParameter(f"{value!r} is no time; write 42d, 12h, 15m or 30s", ctx, param)
    return float(found[1]) * _SECONDS[found[2]]
