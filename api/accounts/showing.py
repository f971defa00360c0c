"""How the accounts door shows what the services give."""

from __future__ import annotations

from sqlalchemy.orm import Session

from kernel.errors import Language
from workflow.engine.context import Context
from workflow.engine.principals import Principal
from workflow.parties import service
from workflow.parties.key_schemas import KeyOut, SessionOut
from workflow.parties.models import Key
from workflow.parties.rules import role_names
from workflow.parties.service import SignedIn


def session_out(
    session: Session, context: Context, principal: Principal, person: SignedIn | None, language: Language
) -> SessionOut:
    """Show who calls."""
    organisation = service.organisation_names(session, [principal.organisation_id])
    return SessionOut(
        organisation_id=principal.organisation_id,
        organisation=organisation[principal.organisation_id].in_language(language),
        person_id=principal.person_id,
        client_id=principal.client_id,
        name=person.person.in_language(language) if person else principal.name,
        roles=role_names(principal.roles),
        administrator=person.administrator if person else False,
        csrf_token=person.csrf_token if person else None,
        keys=service.usable_keys(session, principal, now=context.clock.now()),
    )


def key_out(session: Session, context: Context, key: Key, language: Language) -> KeyOut:
    """Show a key and where it stands."""
    return service.show_key(session, key, now=context.clock.now(), language=language)
