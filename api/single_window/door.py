"""The brokers' door."""

from __future__ import annotations

from api.foundation.doors import Door
from api.single_window import (
    case_routes,
    certificate_routes,
    check_note_routes,
    declaration_routes,
    document_routes,
)
from kernel.errors import Text

DOOR = Door(
    name="single_window",
    title=Text("Single window", "单一窗口"),
    description="Material certificates, declarations, check notes and documents, as firms write and follow them; "
    "life cycles; what happens to a case, as it happens.",
    position=10,
    routers=(
        certificate_routes.router,
        declaration_routes.router,
        check_note_routes.router,
        document_routes.router,
        case_routes.router,
    ),
)
