"""What the tests of the processes share: a context, and the stage on which they act."""

from __future__ import annotations

import pytest

from kernel.archive import FolderArchive
from kernel.clock import ManualClock
from kernel.settings import Settings
from tests.workflow.builders.installation import context_of
from workflow.engine.context import Context


@pytest.fixture
def context(settings: Settings, archive: FolderArchive, clock: ManualClock) -> Context:
    """Give what use cases work with; the clock stands, identifiers are random."""
    return context_of(settings, archive, clock)
