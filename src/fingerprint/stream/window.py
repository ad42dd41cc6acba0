"""Event time: which rows are accepted, and which spans of it are alive.

Time is cut into spans of equal length, and a span expires as a whole. An event is alive until its span ends more than a window before the span of the latest
event: at least a window, and at most a span longer. Which events are alive at the end does not depend on the order in which they came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

SPANS = 24  # of a window
ACCEPTED, LATE, AHEAD = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Window:
    """Where the stream is.

    Attributes
    ----------
    span_us : int
        Length of a span, microseconds.
    n_spans : int
        Spans that are alive, at most.
    lateness_us : int or None
        How much older than the latest event a row may be; None for as long as its span is alive.
    ahead_us : int
        How far ahead of the clock a row may be dated.
    watermark : int or None
        Latest event time so far, microseconds since 1970; None before the first event.
    oldest, floor : int
        Spans before these are gone: their time was over, there was no memory for them.
    """

    span_us: int
    n_spans: int
    lateness_us: int | None
    ahead_us: int
    watermark: int | None = None
    oldest: int = 0
    floor: int = 0

    @classmethod
    def of(cls, window_us: int, span_us: int, lateness_us: int | None, ahead_us: int) -> Window:
        """Return an empty one that keeps at least `window_us`."""
        return cls(span_us, -(-window_us // span_us) + 1, lateness_us, ahead_us)

    @property
    def first(self) -> int:
        """The oldest span that is alive."""
        return max(self.oldest, self.floor)

    def place(self, time_us: npt.NDArray[np.int64], now_us: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
        """Return the span of each row, in the order in which they came, and whether it is accepted, late, or dated ahead of the clock.

        A row is judged by the rows before it alone, so batches can be cut anywhere.
        """
        ahead = time_us > now_us + self.ahead_us
        span = time_us // self.span_us
        if not len(time_us):
            return span, np.zeros(0, np.int8)
        least = np.iinfo(np.int64).min
        latest = np.maximum.accumulate(np.concatenate([[least if self.watermark is None else self.watermark], np.where(ahead, least, time_us)[:-1]]))
        known = latest != least
        late = span < np.maximum(self.first, np.where(known, latest // self.span_us - self.n_spans + 1, 0))
        if self.lateness_us is not None:
            late |= known & (time_us < np.where(known, latest, 0) - self.lateness_us)
        return span, np.select([ahead, late], [AHEAD, LATE], ACCEPTED).astype(np.int8)

    def after(self, time_us: npt.NDArray[np.int64]) -> Window:
        """Return where the stream is after accepted events."""
        if not len(time_us):
            return self
        latest = int(time_us.max()) if self.watermark is None else max(int(time_us.max()), self.watermark)
        return replace(self, watermark=latest, oldest=max(self.oldest, latest // self.span_us - self.n_spans + 1))
