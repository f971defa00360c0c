"""What the tests of the processes share: a context, and the stage on which they act."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel.archive import FolderArchive
from kernel.clock import ManualClock
from kernel.database import Database
from kernel.settings import Settings
from tests.workflow.builders.desk import Desk, set_up
from tests.workflow.builders.installation import context_of
from workflow.engine.context import Context
from workflow.engine.worker import workshop


@pytest.fixture
def context(settings: Settings, archive: FolderArchive, clock: ManualClock) -> Context:
    """Give what use cases work with; the clock stands, identifiers are random."""
    return context_of(settings, archive, clock)


@pytest.fixture
def desk(database: Database, context: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Set up a customs desk with its worker, on each database."""
    yield set_up(database, context, monkeypatch)
    workshop().database.dispose()
    workshop.cache_clear()
