"""Identifiers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kernel.clock import ManualClock
from kernel.ids import CountingIds, TimeOrderedIds, uuid7_at

START = datetime(2026, 2, 6, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9999, 1, 1)))  # noqa: DTZ001  # the zone is set below
def test_an_identifier_is_a_version_7_uuid_of_its_moment(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    made = uuid7_at(aware)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == int(aware.timestamp() * 1000)


def test_identifiers_follow_time() -> None:
    clock = ManualClock(START)
    ids = TimeOrderedIds(clock)
    made = []
    for _ in range(5):
        made.append(ids.new())
        clock.advance(timedelta(milliseconds=1))
    assert made == sorted(made)


def test_identifiers_of_one_moment_differ() -> None:
    ids = TimeOrderedIds(ManualClock(START))
    assert len({ids.new() for _ in range(1000)}) == 1000


def test_identifiers_take_the_system_clock_where_none_is_given() -> None:
    moment = (TimeOrderedIds().new().int >> 80) / 1000
    assert abs(datetime.now(UTC).timestamp() - moment) < 5


def test_counting_identifiers_count() -> None:
    ids = CountingIds(start=7)
    assert [ids.new(), ids.new()] == [UUID(int=7), UUID(int=8)]
