"""What of a traffic is settled: the part that stays as it is while events come in at one end of it and are forgotten at the other.

What depends on everything, as the mean of all vectors and the communities of all accounts do, is taken from the settled part alone. So it changes about
once a day and not with every event, and it is a function of the events all the same: whoever reads a log in one go has the same settled part as whoever has
watched it grow.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .arrays import distinct
from .config import DetectConfig
from .traffic import EVENTS_AT_ONCE, HOUR_US, Holdings, Traffic, hold

PERIODS = (24, 6, 1)  # hours, of UTC: the longest of which there are enough whole ones is taken
ENOUGH = 0.8  # share of the events that lie in whole periods
EDGE = 0.01  # share of the events at either end that settle nothing: those that come late, or have a wrong clock, mostly fall within


def settled_period(time_us: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Return from when to before when events are settled, microseconds since 1970.

    That is the whole periods between the first ``EDGE`` of the events and the last, days if they hold ``ENOUGH`` of them, else shorter ones; if not even
    hours do, everything is settled. The first ``EDGE`` is of the events before the end alone, so that those that come later do not move the beginning.
    """
    if not len(time_us):
        return 0, 0
    hours, counts = _by_hour(time_us)
    n, until = int(counts.sum()), np.cumsum(counts)
    late = int(hours[np.searchsorted(until, (1 - EDGE) * n)])
    for period in PERIODS:
        high = late // period * period
        early = int(hours[np.searchsorted(until, EDGE * counts[hours < high].sum())])
        low = (early // period + 1) * period
        if counts[(hours >= low) & (hours < high)].sum() >= ENOUGH * n:
            return low * HOUR_US, high * HOUR_US
    return int(time_us.min()), int(time_us.max()) + 1


def _by_hour(time_us: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the hours in which there are events, ascending, and how many."""
    found = []
    for low in range(0, len(time_us), EVENTS_AT_ONCE):
        hour = np.sort(time_us[low : low + EVENTS_AT_ONCE] // HOUR_US)
        first = np.flatnonzero(np.diff(hour, prepend=hour[0] - 1))
        found.append((hour[first], np.diff(first, append=len(hour))))
    every, number = np.unique(np.concatenate([hour for hour, _ in found]), return_inverse=True)
    return every, np.bincount(number, np.concatenate([n for _, n in found])).astype(np.int64)


def samples(traffic: Traffic, actor: npt.NDArray[np.integer], config: DetectConfig,
            eligible: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None = None) -> tuple[Holdings, Holdings]:
    """Draw each actor's evidence sample from all events, and from the settled ones alone.

    Parameters
    ----------
    traffic : Traffic
    actor : integer[n]
        Of every event.
    config : DetectConfig
    eligible : (bool[n_texts], bool[n_texts]), optional
        Restrict the two.

    Returns
    -------
    everything, settled : Holdings
        As of :func:`fingerprint.traffic.hold`. A text of the second may be missing in the first: later ones with smaller hashes have taken its place.
    """
    def drawn(text: npt.NDArray[np.integer], which: int) -> Holdings:
        return hold(actor, text, traffic.exact, config.sample, config.evidence, eligible[which] if eligible is not None else None, traffic.system)

    low, high = settled_period(traffic.time_us)
    inside = (traffic.time_us >= low) & (traffic.time_us < high)
    return drawn(traffic.text, 0), drawn(np.where(inside, traffic.text, -1), 1)


def in_layers(everything: Holdings, settled: Holdings) -> tuple[npt.NDArray[np.int64], int]:
    """Return the sampled texts, those of the settled sample first, each part ascending, and how many these are.

    All are taken to be settled where there are not at least as many settled ones as others: what is taken from them would say little about the rest.
    """
    every, known = distinct(everything.text), distinct(settled.text)
    fresh = np.setdiff1d(every, known, assume_unique=True)
    if len(known) < len(fresh):
        return every, len(every)
    return np.concatenate([known, fresh]), len(known)
