"""The doors under test: the real application on a real database, without a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from api.app import create_app
from api.foundation.doors import Door, find_doors
from kernel.archive import FolderArchive
from kernel.clock import ManualClock
from kernel.settings import Settings
from tests.api.world import DEPLOYMENT, Server, World
from workflow.engine.context import Context


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
    yield from _world(database_address, settings, archive, clock, doors)


@pytest.fixture
def sqlite_world(
    fresh_database: Callable[[str], str],
    settings: Settings,
    archive: FolderArchive,
    clock: ManualClock,
    doors: tuple[Door, ...],
) -> Iterator[World]:
    """Give an application on SQLite, for tests in which the kind of database makes no difference."""
    yield from _world(fresh_database("sqlite"), settings, archive, clock, doors)


def _world(
    address: str, settings: Settings, archive: FolderArchive, clock: ManualClock, doors: tuple[Door, ...]
) -> Iterator[World]:
    server = Server()
    try:
        own = settings.model_copy(update={"database_url": address, "port": server.port})
        context = Context(settings=own, archive=archive, deployment=DEPLOYMENT, clock=clock)
        app = create_app(context=context, doors=doors)
        server.start(app)
        world = World(app, app.state.installation.database, context)
        yield world
        world.close()
    finally:
        server.stop()
