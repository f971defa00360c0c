"""The devices' door."""

from __future__ import annotations

from api.devices import routes
from api.foundation.doors import Door
from kernel.errors import Text

DOOR = Door(
    name="devices",
    title=Text("Devices", "设备接入"),
    description="Gates report vehicles and learn whether the barrier lifts; instruments send signed readings.",
    position=40,
    routers=(routes.gate_events, routes.readings),
)
