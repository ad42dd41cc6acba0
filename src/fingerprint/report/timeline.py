"""Time lines in a row of characters: one bar for each day, or for some days together, its height the prompts of these days."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..records import Campaign

BARS, ASCII_BARS = " ▁▂▃▄▅▆▇█", " .:-=+*#@"  # nothing, and eight heights
MAX_DAYS = 90


def sparkline(found: Campaign, most: int, *, ascii_only: bool = False) -> str:
    """Return the time line of a campaign in at most `most` characters; empty where it has none.

    Parameters
    ----------
    found : Campaign
    most : int
        At least 1; days are put together until so many bars are enough.
    ascii_only : bool
        For a terminal that cannot show block characters.
    """
    sums, _ = per_bar(found, most)
    bars, highest = ASCII_BARS if ascii_only else BARS, max(sums, default=0)
    return "".join(bars[-(-n * (len(bars) - 1) // highest)] for n in sums) if highest else ""


def time_line(found: Campaign, most: int = MAX_DAYS, *, ascii_only: bool = False) -> str:
    """Return the time line of a campaign between its first and last day, with the prompts of its highest bar; empty where it has none."""
    sums, n_days = per_bar(found, most)
    if not any(sums):
        return ""
    first, last = min(day.date for day in found.timeline), max(day.date for day in found.timeline)
    together = f" in {n_days} days" if n_days > 1 else ""
    return f"{first} {sparkline(found, most, ascii_only=ascii_only)} {last}, at most {max(sums):,}{together}"


def per_bar(found: Campaign, most: int) -> tuple[list[int], int]:
    """Return the prompts of each bar, days without any included, and how many days a bar has; no bars where a date is none."""
    try:
        days = [date.fromisoformat(day.date).toordinal() for day in found.timeline]
    except ValueError:
        days = []
    if not days:
        return [], 1
    first, n_days = min(days), (max(days) - min(days)) // most + 1
    sums = [0] * ((max(days) - first) // n_days + 1)
    for day, entry in zip(days, found.timeline, strict=True):
        sums[(day - first) // n_days] += max(entry.n_prompts, 0)
    return sums, n_days
