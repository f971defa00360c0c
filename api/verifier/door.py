"""The door of everybody who holds a paper."""

from __future__ import annotations

from api.foundation.doors import Door
from api.verifier import pages, routes
from kernel.errors import Text

DOOR = Door(
    name="verifier",
    title=Text("Verification", "核验"),
    description="Checking papers without trusting this service: a page that works with the network off, and the "
    "trust anchor that it needs. Nobody signs in for it.",
    position=60,
    routers=(routes.router, pages.router),
)
