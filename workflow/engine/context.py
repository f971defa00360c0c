"""What a use case works with besides its session: clock, ids, archive, settings, deployment."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernel.archive import Archive, FolderArchive
from kernel.clock import Clock, SystemClock
from kernel.ids import IdSource, TimeOrderedIds
from kernel.settings import Settings
from ledger.chain.deployment import Deployment, load_deployment


@dataclass(frozen=True, kw_only=True)
class Context:
    """Handed to every service function; made once at the edge of a process."""

    settings: Settings
    archive: Archive
    deployment: Deployment
    clock: Clock = field(default_factory=SystemClock)
    ids: IdSource = field(default_factory=TimeOrderedIds)


def installed_context(settings: Settings) -> Context:
    """Make the context of an installed Piste.

    Raises:
        DeploymentUnknown: Its contracts were not deployed yet.
    """
    return Context(
        settings=settings,
        archive=FolderArchive(settings.data_dir / "archive"),
        deployment=load_deployment(settings.data_dir),
    )
