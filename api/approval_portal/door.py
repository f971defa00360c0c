"""The committee's door."""

from __future__ import annotations

from api.approval_portal import routes
from api.foundation.doors import Door
from kernel.errors import Text

DOOR = Door(
    name="approval_portal",
    title=Text("Approval portal", "审批门户"),
    description="The organizing committee confirms, returns, rejects and revokes material certificates.",
    position=20,
    routers=(routes.router,),
)
