"""What a use case works with besides its session: clock, ids, archive, settings, deployment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kernel.clock import Clock, SystemClock
from kernel.ids import IdSource, TimeOrderedIds

if TYPE_CHECKING:
    from kernel.archive import Archive
    from kernel.settings import Settings
    from ledger.deployment import Deployment


@dataclass(frozen=True, kw_only=True)
class Context:
    """Handed to every service function; made once at the edge of a process."""

    settings: Settings
    archive: Archive
    deployment: Deployment
    clock: Clock = field(default_factory=SystemClock)
    ids: IdSource = field(default_factory=TimeOrderedIds)
