"""Clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kernel.clock import ManualClock, SystemClock, unix

NOON = datetime(2026, 2, 6, 12, 0, tzinfo=UTC)


def test_the_system_clock_tells_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)


def test_a_manual_clock_stands_until_it_is_moved() -> None:
    clock = ManualClock(NOON)
    assert clock.now() == clock.now() == NOON
    clock.advance(timedelta(minutes=5))
    assert clock.now() == NOON + timedelta(minutes=5)


def test_a_manual_clock_turns_its_start_into_utc() -> None:
    clock = ManualClock(NOON.astimezone(timezone(timedelta(hours=8))))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_a_manual_clock_refuses_a_naive_start() -> None:
    with pytest.raises(ValueError, match="2026"):
        ManualClock(NOON.replace(tzinfo=None))


def test_unix_seconds_are_whole() -> None:
    assert unix(datetime(1970, 1, 1, 0, 1, 0, 999_999, tzinfo=UTC)) == 60
