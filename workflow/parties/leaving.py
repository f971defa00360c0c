"""Persons who leave, programs that are shut out: with their sessions and all of their keys."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from kernel.errors import Text
from workflow.engine.context import Context
from workflow.engine.principals import Principal
from workflow.engine.tenancy import get_visible
from workflow.parties.admission import check_seen, demand_administrator, own_client
from workflow.parties.holders import Holder, check_present, keys_in_use, record_about
from workflow.parties.keys import withdraw_key
from workflow.parties.models import Client, Person, WebSession


def let_person_leave(
    session: Session, context: Context, principal: Principal, person_id: UUID, *, seen: int | None = None
) -> Person:
    """Let somebody leave: signed out at once, and the founding members are asked to revoke every key.

    Raises:
        NotFound: There is no such person, or the caller may not know of it.
        AdministratorsOnly: The caller administers neither the organisation nor a founding member.
        RevisionStale: The person changed since the caller read it.
        Gone: The person left before.
    """
    person = get_visible(session, Person, person_id, principal, lock=True)
    demand_administrator(
        session, principal, person.organisation_id, Text("let a person leave", "办理人员离任")
    )
    check_seen(person, seen)
    check_present(person)
    person.left_at = context.clock.now()
    session.execute(delete(WebSession).where(WebSession.person_id == person.id))
    _withdraw_keys(session, context, person)
    words = Text(f"{person.name_en} has left.", f"{person.name_zh}已离任。")
    record_about(session, context, principal, person, "leave", words)
    return person


def revoke_client(
    session: Session, context: Context, principal: Principal, client_id: UUID, *, seen: int | None = None
) -> Client:
    """Shut a client out: its tokens hold no longer, and the founding members are asked to revoke every key.

    Raises:
        NotFound: There is no such client, or the caller may not know of it.
        AdministratorsOnly: The caller does not administer the client's organisation.
        RevisionStale: It changed since the caller read it.
        Gone: It was revoked before.
    """
    client = own_client(session, principal, client_id, seen, Text("revoke a client", "停用客户端"))
    client.revoked_at = context.clock.now()
    _withdraw_keys(session, context, client)
    words = Text(f"Client {client.label} was revoked.", f"客户端{client.label}已停用。")
    record_about(session, context, principal, client, "revoke", words)
    return client


def _withdraw_keys(session: Session, context: Context, holder: Holder) -> None:
    for key in keys_in_use(session, holder):
        withdraw_key(session, context, key)
    session.flush()
