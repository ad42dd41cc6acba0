"""When people, pools of accounts and scripts send: all times are microseconds since the start of the world, int64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from fingerprint.simulate.draws import Ints, Keys, below, chance, derive, indexed, lognormal_table, weighted_table

SECOND: Final = 1_000_000
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
# Share of a day's prompts by local hour, midnight first: the shape of office and evening use.
_HOURS: Final = weighted_table([3, 2, 1, 1, 1, 2, 4, 8, 12, 14, 14, 13, 12, 13, 14, 13, 12, 11, 11, 12, 12, 10, 8, 5])
_GAP: Final = lognormal_table(75, 1.1, cap=3 * 3600)  # seconds between two turns, in 1/64 s
_ZONES: Final = {  # hours from UTC that speakers of a language live in
    "en": (-8, -7, -6, -5, -5, 0, 0, 1, 3, 5, 8, 10),
    "es": (-6, -5, -5, -4, -3, 1, 1, 1),
    "de": (1,),
    "fr": (0, 1, 1, -5),
    "zh": (8,),
    "ru": (2, 3, 3, 5, 7),
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """Length of the world in microseconds and the weekday (Monday 0) of its first day."""

    span: int
    weekday: int

    @property
    def days(self) -> int:
        """Whole days, at least one."""
        return max(1, self.span // DAY)


@dataclass(frozen=True, slots=True)
class Turns:
    """How the rows of some accounts fall into conversations and sessions; all arrays have one entry per row.

    ``account`` int64, ``index`` int64 (position in the account), ``position`` int64 (in the conversation), ``row`` and ``conversation`` keys,
    ``opens`` bool (first row of a session).
    """

    account: Ints
    index: Ints
    position: Ints
    row: Keys
    conversation: Keys
    opens: npt.NDArray[np.bool_]


def ragged(counts: Ints) -> tuple[Ints, Ints]:
    """Return for each row the account it belongs to and its index there."""
    account = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    starts = np.cumsum(counts) - counts
    return account, np.arange(len(account), dtype=np.int64) - starts[account]


def arrange(keys: Keys, counts: Ints, new_conversation: npt.NDArray[np.float64] | float, new_session: float = 0.6) -> Turns:
    """Split the rows of each account into conversations and sessions.

    Parameters
    ----------
    keys, counts : uint64[a], int64[a]
        Key and number of rows per account.
    new_conversation : float or float64[a]
        Chance that a row opens a conversation (per account).
    new_session : float
        Chance that a conversation opens a session.
    """
    account, index = ragged(counts)
    row = indexed(derive(keys, "row")[account], index)
    share = new_conversation[account] if isinstance(new_conversation, np.ndarray) else new_conversation
    first = (index == 0) | chance(derive(row, "new"), share)
    number = np.cumsum(first)
    account_start = np.cumsum(counts) - counts
    begins = np.flatnonzero(first)
    position = np.arange(len(row), dtype=np.int64) - begins[number - 1] if len(row) else index
    in_account = number - number[account_start[account]] if len(row) else index
    conversation = indexed(derive(keys, "conversation")[account], in_account)
    opens = first & ((index == 0) | chance(derive(conversation, "session"), new_session))
    return Turns(account, index, position, row, conversation, opens)


def lifetimes(keys: Keys, calendar: Calendar) -> tuple[Ints, Ints]:
    """Return first and last instant of each account: most exist all the time, others sign up late or leave."""
    late = ~chance(derive(keys, "late"), 0.55)
    gone = chance(derive(keys, "gone"), 0.3)
    low = np.where(late, below(derive(keys, "from"), 900) * calendar.span // 1000, 0)
    high = np.where(gone, low + (calendar.span - low) * (100 + below(derive(keys, "to"), 900)) // 1000, calendar.span)
    return low, high


def zones(keys: Keys, languages: npt.NDArray[np.str_]) -> Ints:
    """Draw each account's offset from UTC in hours, by its language."""
    out = np.zeros(len(keys), dtype=np.int64)
    for language in sorted(set(languages.tolist())):
        at = np.flatnonzero(languages == language)
        hours = np.array(_ZONES[language], dtype=np.int64)
        out[at] = hours[below(derive(keys[at], "zone"), len(hours))]
    return out


def session_times(turns: Turns, keys: Keys, window: tuple[Ints, Ints], zone: Ints, calendar: Calendar) -> Ints:
    """Give each row its time: sessions at human hours inside the window of the account, turns minutes apart.

    Parameters
    ----------
    turns : Turns
        Rows and their sessions.
    keys, window, zone : arrays of length a
        Account keys, first and last instant, hours from UTC.
    """
    if not len(turns.row):
        return np.zeros(0, dtype=np.int64)
    low, high = window
    at = np.flatnonzero(turns.opens)
    account, key = turns.account[at], derive(turns.row[at], "time")
    first_day, last_day = low // DAY, np.maximum(low, high - 1) // DAY
    day = first_day[account] + below(key, (last_day - first_day + 1)[account])
    weekend = (day + calendar.weekday) % 7 >= 5
    moved = weekend & chance(derive(key, "weekend"), 0.55)
    day = np.where(moved, np.maximum(first_day[account], day - 2), day)
    hour = _HOURS[below(derive(key, "hour"), len(_HOURS))] + below(derive(keys, "owl"), 5)[account] - 2
    begin = day * DAY + (hour - zone[account]) * HOUR + below(derive(key, "minute"), 3600) * SECOND + below(derive(key, "micro"), SECOND)
    gap = _GAP[below(derive(turns.row, "gap"), len(_GAP))] * (SECOND // 64) + below(derive(turns.row, "micro"), SECOND)
    gap = np.where(turns.position == 0, 3 * gap, gap)
    elapsed = np.cumsum(gap)
    session = np.cumsum(turns.opens) - 1
    return np.asarray((begin[session] + elapsed - elapsed[at][session]) % calendar.span)


def flat_times(row: Keys, index: Ints, counts: Ints, low: Ints | int, high: Ints | int) -> Ints:
    """Spread each account's rows evenly over ``low .. high`` with jitter, as a load balancer does; ``counts``, ``low`` and ``high`` are per row."""
    step = (high - low) // np.maximum(1, counts)
    times: Ints = low + index * step + below(derive(row, "jitter"), 1 << 20) * np.maximum(1, step) // (1 << 20)
    return times


def burst_times(row: Keys, key: Keys, low: int, high: int, per_week: int = 9) -> Ints:
    """Put rows into bursts of at most an hour that the whole pool shares; ``key`` (uint64[1]) belongs to the pool."""
    number = max(2, per_week * (high - low) // (7 * DAY))
    burst = below(derive(row, "burst"), number)
    burst_key = indexed(np.repeat(key, len(row)), burst)
    length = (10 + below(derive(burst_key, "length"), 50)) * 60 * SECOND
    room = max(1, (high - low - HOUR) // SECOND)
    begin = low + below(burst_key, min(room, (1 << 32) - 1)) * SECOND
    return begin + below(derive(row, "within"), 1 << 20) * length // (1 << 20) + below(derive(row, "micro"), 1000)
