"""What one running service consists of; made once, kept in the application's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from jinja2 import Environment
from starlette.requests import Request

from api.foundation.gates import READERS, READERS_SQLITE, WRITERS, WRITERS_SQLITE, Gate
from api.foundation.limits import Buckets, Rates
from api.foundation.sweeping import Sweeper
from api.foundation.tokens import TokenOffice
from kernel.database import Database
from kernel.settings import Settings
from workflow.engine.context import Context

if TYPE_CHECKING:
    from api.foundation.doors import Door


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Database, context and everything else that requests work with."""

    settings: Settings
    database: Database
    context: Context
    tokens: TokenOffice
    doors: tuple[Door, ...]
    templates: Environment
    rates: Rates
    node_answers: Callable[[], bool]
    """Asks the Ethereum node whether it serves."""
    buckets: Buckets = field(default_factory=Buckets)
    sweeper: Sweeper = field(default_factory=Sweeper)
    reads: Gate = field(init=False)
    writes: Gate = field(init=False)

    def __post_init__(self) -> None:
        """Open the gates as wide as the database bears."""
        sqlite = self.database.is_sqlite
        object.__setattr__(self, "reads", Gate(READERS_SQLITE if sqlite else READERS))
        object.__setattr__(self, "writes", Gate(WRITERS_SQLITE if sqlite else WRITERS))

    @property
    def secure(self) -> bool:
        """Whether people reach the service over https."""
        return self.settings.origin.startswith("https://")


def installation_of(request: Request) -> Installation:
    """Give the installation that a request is served by."""
    place: Installation = request.app.state.installation
    return place


async def _context(request: Request) -> Context:
    return installation_of(request).context


ContextOf = Annotated[Context, Depends(_context)]
"""Parameter type: the context, to be handed to the services."""
