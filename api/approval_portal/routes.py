"""JSON routes: the steps that the organizing committee takes on material certificates.

Customs takes two of them as well, once the committee has confirmed: it may return and reject, and it may revoke.
"""

from __future__ import annotations

from api.cases.certificates import DESK
from api.cases.desks import add_step_routes
from api.foundation.routes import api_router

router = api_router("/certificates", "approval_portal")

add_step_routes(router, DESK, ("approve", "return_to_firm", "reject", "revoke"))
