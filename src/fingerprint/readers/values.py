"""Single values of a row: account ids and times, checked and never guessed."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from .shapes import Reject

MAX_ACCOUNT_BYTES = 1024
EARLIEST_US = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
LATEST_US = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
UNITS = {"s": 1_000_000.0, "ms": 1_000.0, "us": 1.0, "ns": 0.001}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def account_id(value: Any) -> str:
    """Return the account id as text: strings byte for byte, integers in decimal (logs number their users); anything else is refused."""
    if isinstance(value, str):
        if not value:
            raise Reject("missing-account")
        if len(value) > MAX_ACCOUNT_BYTES or len(value.encode("utf-8", "replace")) > MAX_ACCOUNT_BYTES:
            raise Reject("account-too-long")
        return value
    if value is None:
        raise Reject("missing-account")
    if isinstance(value, int) and not isinstance(value, bool):
        if value.bit_length() > 8 * MAX_ACCOUNT_BYTES:
            raise Reject("account-too-long")
        return str(value)
    raise Reject("wrong-type")


def unit_of(value: float) -> str:
    """Return the unit of an epoch number by its magnitude; asked once per file, for its first number, and never per row."""
    size = abs(value)
    return "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"


class Times:
    """Reads times of one file, keeping the unit of its numbers.

    Parameters
    ----------
    unit : str, optional
        ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``; default: decided at the first number.
    """

    def __init__(self, unit: str | None = None) -> None:
        from ..errors import ConfigError

        if unit is not None and unit not in UNITS:
            raise ConfigError(f"time_unit is one of {', '.join(UNITS)}, not {unit!r}")
        self.unit = unit

    def microseconds(self, value: Any) -> int:
        """Return microseconds since 1970, UTC; a time without a zone is UTC.

        Raises
        ------
        Reject
            ``missing-timestamp``, ``wrong-type``, ``bad-timestamp`` or ``timestamp-out-of-range``.
        """
        if isinstance(value, str):
            moment = self._text(value)
        elif isinstance(value, datetime):
            moment = self._date(value)
        elif value is None:
            raise Reject("missing-timestamp")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise Reject("wrong-type")
        else:
            moment = self._number(value)
        if not EARLIEST_US <= moment < LATEST_US:
            raise Reject("timestamp-out-of-range")
        return moment

    def _text(self, value: str) -> int:
        if not value:
            raise Reject("missing-timestamp")
        try:
            return self._date(datetime.fromisoformat(value))
        except (ValueError, OverflowError):
            pass
        try:
            return self._number(float(value)) if len(value) <= 32 else self._bad()
        except ValueError:
            return self._bad()

    @staticmethod
    def _bad() -> int:
        raise Reject("bad-timestamp")

    @staticmethod
    def _date(value: datetime) -> int:
        return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND

    def _number(self, value: float) -> int:
        if isinstance(value, int) and value.bit_length() > 63:
            raise Reject("number-out-of-range")
        if not math.isfinite(value):
            raise Reject("bad-timestamp")
        if self.unit is None:
            self.unit = unit_of(value)
        if isinstance(value, int) and self.unit == "us":
            return value
        scaled = value * UNITS[self.unit]
        if abs(scaled) >= 2.0**62:
            raise Reject("timestamp-out-of-range")
        return round(scaled)
