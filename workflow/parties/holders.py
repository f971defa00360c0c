"""Who holds keys: persons and clients, looked at alike."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.errors import NotFound, Text
from workflow.engine.cases import record_history
from workflow.engine.context import Context
from workflow.engine.principals import Principal
from workflow.engine.tenancy import get_visible
from workflow.parties.models import Client, Key, Person
from workflow.parties.refusals import Gone
from workflow.parties.rules import CLIENT, PERSON
from workflow.parties.sign_in import both_names

Holder = Person | Client


def visible_holder(
    session: Session, principal: Principal, person_id: UUID | None, client_id: UUID | None
) -> Holder:
    """Load a person or a client that the caller may know of.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    if person_id is not None:
        return get_visible(session, Person, person_id, principal)
    if client_id is not None:
        return get_visible(session, Client, client_id, principal)
    raise NotFound(what="person", name="")


def holder_of(session: Session, person_id: UUID | None, client_id: UUID | None) -> Holder:
    """Load the holder that a key or a link names."""
    if person_id is not None:
        return session.get_one(Person, person_id)
    return session.get_one(Client, client_id)


def is_present(holder: Holder) -> bool:
    """Tell whether a person has not left, a client not been revoked."""
    return (holder.left_at if isinstance(holder, Person) else holder.revoked_at) is None


def check_present(holder: Holder) -> None:
    """Refuse to let in who takes part no longer.

    Raises:
        Gone: The person has left, or the client was revoked.
    """
    if not is_present(holder):
        raise Gone(name=both_names(name_of(holder)))


def name_of(holder: Holder) -> Text:
    """Give the holder's name."""
    return holder.name if isinstance(holder, Person) else Text(holder.label, holder.label)


def keys_in_use(session: Session, holder: Holder) -> list[Key]:
    """Give a holder's keys that are not revoked."""
    held_by = Key.person_id if isinstance(holder, Person) else Key.client_id
    return list(session.scalars(select(Key).where(held_by == holder.id, Key.revoked_at.is_(None))))


def record_about(
    session: Session, context: Context, principal: Principal, holder: Holder, event: str, words: Text
) -> None:
    """Write into the holder's history."""
    record_history(
        session,
        context,
        principal,
        case_kind=PERSON if isinstance(holder, Person) else CLIENT,
        case_id=holder.id,
        event=event,
        states=("", ""),
        words=words,
    )
