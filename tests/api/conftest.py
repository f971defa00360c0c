"""The doors under test: the real application on a real database, without a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from api.foundation.doors import Door, find_doors
from kernel.archive import FolderArchive
from kernel.clock import ManualClock
from kernel.settings import Settings
from tests.api.world import World, serving


@pytest.fixture
def doors() -> tuple[Door, ...]:
    """Give the doors of the application; a test of one door alone overrides this."""
    return find_doors()


@pytest.fixture
def world(
    database_address: str,
    settings: Settings,
    archive: FolderArchive,
    clock: ManualClock,
    doors: tuple[Door, ...],
) -> Iterator[World]:
    """Give an application on a fresh database; the test runs once on each kind."""
    with serving(database_address, settings, archive, clock, doors=doors) as world:
        yield world


@pytest.fixture
def sqlite_world(
    fresh_database: Callable[[str], str],
    settings: Settings,
    archive: FolderArchive,
    clock: ManualClock,
    doors: tuple[Door, ...],
) -> Iterator[World]:
    """Give an application on SQLite, for tests in which the kind of database makes no difference."""
    with serving(fresh_database("sqlite"), settings, archive, clock, doors=doors) as world:
        yield world
