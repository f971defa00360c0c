"""The pages of cases, the same for everybody who may see them; what one may do there differs."""

from __future__ import annotations

from api.cases import pages
from api.foundation.doors import Door, Entry
from kernel.errors import Text
from ledger.keys.roles import Role
from workflow.engine.tenancy import AUTHORITIES, CUSTOMS

_EVERY = Role.BROKER | AUTHORITIES

DOOR = Door(
    name="cases",
    title=Text("Cases", "业务"),
    description="Pages of certificates, declarations, check notes, holds and examinations.",
    position=5,
    routers=(pages.router,),
    entries=(
        Entry(path="/todo", label=Text("To do", "待办"), roles=_EVERY),
        Entry(path="/certificates", label=Text("Certificates", "物资证明函"), roles=_EVERY),
        Entry(path="/declarations", label=Text("Declarations", "报关单"), roles=_EVERY),
        Entry(
            path="/check-notes",
            label=Text("Check notes", "核放单"),
            roles=Role.BROKER | CUSTOMS | Role.AUDITOR,
        ),
        Entry(path="/holds", label=Text("Holds", "布控"), roles=CUSTOMS | Role.AUDITOR),
        Entry(path="/examinations", label=Text("Examinations", "查验"), roles=CUSTOMS | Role.AUDITOR),
    ),
)
