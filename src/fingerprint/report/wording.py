"""The words and number formats that the page and the terminal share."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from ..records import Campaign, Controls, KnownSet, Test

_FIGURE = re.compile(r"(\d[\d,.]*(?<=\d))")


@dataclass(frozen=True, slots=True)
class ControlNote:
    """One control in words: what came out, and what that does and does not show; `good` is None where it was not run."""

    title: str
    result: str
    good: bool | None
    shows: str
    not_shown: str


METHOD = (
    (
        "Read",
        "Every row is accounted for: accepted, blank, or rejected with file, offset and kind. Of a conversation the last thing the user wrote is "
        "fingerprinted; system text is kept apart, and looked through for what accounts share.",
    ),
    (
        "Fingerprint",
        "Each prompt gets a MinHash signature of its character shingles under a secret key. Near-duplicates become clusters, which keep counts "
        "and not copies.",
    ),
    (
        "Attribute",
        "Accounts are tied where the nearest prompts of one are, again and again, those of another, and where their averages are likelier to have "
        "one source than two. Communities of that graph, accounts that meet in one community of prompts, and accounts that put one rare text into their "
        "prompts or beside them are candidates. Accounts of one declared organisation count as one.",
    ),
    (
        "Test",
        "The text that a candidate's prompts share is taken out, and what is left is asked one question: does it matter which account sent it? "
        "Of each prompt the most similar other one is looked up: is it of the same account more often than by chance? With people it is, even when they "
        "share a product or an interest. A candidate is reported only when the upper confidence bound of that personal trace is small.",
    ),
    (
        "Look for innocence",
        "Copies of one list, repeated tries, a product template, one organisation and a shared interest are each looked for, and the evidence for and "
        "against is shown. What the prompts seem to be after is named beside the tests and never enters them.",
    ),
    ("Charge", "Only the prompts attributed to a finding are charged to an account, so ordinary traffic of the same account is left alone."),
)
LIMITS = (
    "A finding is evidence for a person to review, not a verdict, and it says nothing about who is behind the accounts or why: "
    "intent cannot be proved from prompts.",
    "Answers bought from others, or transcripts collected outside this traffic, leave nothing here to find.",
    "A source that has every query perfectly paraphrased, gives each account its own topics and covers it with real use looks like "
    "people and is not found.",
    "Small groups, and accounts with a handful of prompts, leave too little to test. They stay silent rather than suspected.",
    "An account in a finding may have been copied, taken over or shared. Look at its own history before acting.",
)


def count(n: float) -> str:
    """Return a whole number with thousands separators."""
    return f"{n:,.0f}"


def plural(n: int, noun: str) -> str:
    """Return ``"1 account"``, ``"2 accounts"``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def percent(share: float | None) -> str:
    """Return a share of one as a percentage that never rounds something to nothing, or nearly all to all."""
    if share is None or not math.isfinite(share):
        return "–"
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 < share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def small(p: float | None) -> str:
    """Return a p or q value with one significant digit more than needed and no false precision at the bottom."""
    if p is None or not math.isfinite(p):
        return "–"
    if p < 1e-99:
        return "<1e-99"
    if p < 0.001:
        return f"{p:.0e}".replace("e-0", "e-")
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def measured(x: float | None) -> str:
    """Return a statistic with about three significant digits."""
    if x is None or not math.isfinite(x):
        return "–"
    if abs(x) >= 1000:
        return f"{x:,.0f}"
    shown = f"{x:.2f}" if abs(x) < 10 else f"{x:.1f}"
    return "0.00" if shown == "-0.00" else shown.replace("-", "−")


def seconds(s: float) -> str:
    """Return a duration as a person says it."""
    if s < 90:
        return f"{s:.1f} s" if s < 10 else f"{s:.0f} s"
    return f"{int(s // 60)} min {int(s % 60)} s"


def memory(n_bytes: float) -> str:
    """Return bytes in GB or MB."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def day(moment: str | None) -> str:
    """Return the date of an ISO 8601 moment."""
    return (moment or "–")[:10]


def minute(moment: str | None) -> str:
    """Return an ISO 8601 moment to the minute."""
    return (moment or "–")[:16].replace("T", " ")


def period(first: str | None, last: str | None) -> str:
    """Return the days from `first` to `last`."""
    return day(first) if day(first) == day(last) else f"{day(first)} to {day(last)}"


def exchangeability(found: Campaign) -> Test | None:
    """Return the test that decides, or None where it had no power."""
    return next((test for test in found.tests if test.name == "exchangeability"), None)


def rejected_rows(manifest: dict[str, Any]) -> int:
    """Return how many rows were rejected, of any class."""
    return int(sum(manifest["rows"]["rejected"].values()))


def rejected_share(manifest: dict[str, Any]) -> float:
    """Return the share of the rows read that were rejected, 0 of an empty input."""
    return rejected_rows(manifest) / max(int(manifest["rows"]["read"]), 1)


def reasons(examined: list[Campaign], most: int = 3) -> list[tuple[str, int]]:
    """Return the commonest reasons why groups were not reported; figures that differ from group to group are left out of them."""
    figures: dict[tuple[str, ...], list[list[str]]] = {}
    for group in examined:
        words = _FIGURE.split(group.reason)
        figures.setdefault(tuple(words[::2]), []).append(words[1::2])
    common = sorted(figures.items(), key=lambda item: -len(item[1]))[:most]
    return [(_with_figures(words, rows), len(rows)) for words, rows in common]


def _with_figures(words: tuple[str, ...], rows: list[list[str]]) -> str:
    shown = [column[0] if len(set(column)) == 1 else "…" for column in zip(*rows, strict=True)]
    return "".join(word + figure for word, figure in zip(words, [*shown, ""], strict=True))


def history_note(manifest: dict[str, Any]) -> str:
    """Say against what novelty was judged, or that it was not."""
    past = manifest.get("history")
    if not past:
        return "none given (--history), so whether any of this is new was not tested"
    return f"{past['prompts']:,} earlier prompts of {past['accounts']:,} accounts; see the test of novelty of each finding"


def known_note(known: KnownSet) -> str:
    """Say who asked a known set."""
    if not known.accounts:
        return f"nobody is named; {plural(known.n_queries, 'question')}"
    return (f"{plural(len(known.accounts), 'account')} asked {count(known.n_asked)} of its {plural(known.n_queries, 'question')} "
            f"(p, adjusted, at most {small(known.p_adjusted)})")


def control_notes(controls: Controls | None) -> list[ControlNote]:
    """Return the two controls in plain words."""
    shuffled_shows = (
        "Where accounts are exchanged at random within every hour, the method has nothing to report: no sign that findings come from chance."
    )
    shuffled_not = (
        "Shuffling also takes apart the communities of real people with one interest, so this says nothing about mistaking those for a campaign. "
        "The confidence bound in each finding does."
    )
    planted_not = "Smaller, slower or better disguised campaigns may still be missed."
    if controls is None:
        off = "Not run."
        return [
            ControlNote("Shuffled accounts", off, None, shuffled_shows, shuffled_not),
            ControlNote("Planted campaign", off, None, "Whether a known campaign is found at this volume.", planted_not),
        ]
    n = controls.shuffled_groups
    shuffled = "No group reported." if n == 0 else f"{plural(n, 'group')} reported, where none should be."
    if n:
        shuffled_shows = "The method reports groups even where accounts were exchanged at random: about so many of the findings may be chance."
    first = ControlNote("Shuffled accounts", shuffled, n == 0, shuffled_shows, shuffled_not)
    size = f"{plural(controls.planted_accounts, 'account')}, {plural(controls.planted_prompts, 'prompt')}"
    if controls.planted_found < 0:
        return [first, ControlNote("Planted campaign", "Not run.", None, "Whether a known campaign is found at this volume.", planted_not)]
    good = controls.planted_found >= 0.5
    shows = f"A campaign of that kind and size ({size}) is {'found' if good else 'mostly missed'} in traffic like this."
    result = f"{percent(controls.planted_found)} of its accounts found" + (
        f", in a group that is {percent(controls.planted_purity)} planted accounts." if controls.planted_found > 0 else "."
    )
    return [first, ControlNote("Planted campaign", result, good, shows, planted_not)]
