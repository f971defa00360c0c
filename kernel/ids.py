"""Identifiers: time-ordered UUIDs (version 7, RFC 9562) from a source that is handed in."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from kernel.clock import Clock, SystemClock


class IdSource(Protocol):
    """Makes identifiers that never repeat."""

    def new(self) -> UUID:
        """Make one."""


class TimeOrderedIds:
    """UUIDs of version 7: 48 bits of Unix milliseconds, 74 random bits, so that indexes stay compact."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def new(self) -> UUID:
        """Make one; unguessable, roughly in order of time."""
        return uuid7_at(self._clock.now())


class CountingIds:
    """Identifiers that count up from a start; for replayable runs and tests."""

    def __init__(self, start: int = 1) -> None:
        self._next = start

    def new(self) -> UUID:
        """Make the next one."""
        value = UUID(int=self._next)
        self._next += 1
        return value


def uuid7_at(moment: datetime) -> UUID:
    """Make a version 7 UUID for a moment."""
    milliseconds = int(moment.astimezone(UTC).timestamp() * 1000) & (2**48 - 1)
    value = milliseconds << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)
