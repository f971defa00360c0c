"""The customs officers' door."""

from __future__ import annotations

from api.foundation.doors import Door
from api.release_console import examination_routes, routes
from kernel.errors import Text

DOOR = Door(
    name="release_console",
    title=Text("Release console", "放行工作台"),
    description="Customs files certificates, approves check notes, decides on holds from the disposition table, "
    "reports examinations, and releases.",
    position=30,
    routers=(
        routes.certificates,
        routes.declarations,
        routes.check_notes,
        examination_routes.holds,
        examination_routes.examinations,
        examination_routes.table,
    ),
)
