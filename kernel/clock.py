"""Time as Piste tells it: UTC, from a clock that is handed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Give the present moment, aware, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Give the present moment, aware, in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands until it is moved; for simulated time and tests."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(start)
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Give the moment at which the clock stands."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock on."""
        self._now += by


def unix(moment: datetime) -> int:
    """Give whole Unix seconds of an aware moment."""
    return int(moment.timestamp())
