"""Letting organisations, persons and clients in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from kernel.errors import Fault, RevisionStale, Text, collect
from ledger.keys.roles import Role
from workflow.engine.cases import record_history
from workflow.engine.context import Context
from workflow.engine.principals import Principal
from workflow.engine.tenancy import get_visible, visible
from workflow.parties import register
from workflow.parties.models import Client, Organisation, Person
from workflow.parties.refusals import (
    AdministratorsOnly,
    Gone,
    OrganisationKnown,
    RolesBeyond,
    ValidityPast,
)
from workflow.parties.rules import (
    CLIENT,
    ORGANISATION,
    ORGANISATION_LIFETIME,
    PERSON,
    ROLES_OF_KIND,
    role_names,
    roles_beyond,
    roles_from_names,
)
from workflow.parties.schemas import (
    ClientOut,
    ClientSecret,
    NewClient,
    NewOrganisation,
    NewPerson,
    OrganisationOut,
    PersonOut,
)
from workflow.parties.sign_in import both_names, new_secret

Revisable = TypeVar("Revisable", Organisation, Person, Client)


def admit_organisation(
    session: Session,
    context: Context,
    principal: Principal,
    new: NewOrganisation,
    *,
    founding: bool = False,
    organisation_id: UUID | None = None,
) -> Organisation:
    """Admit an organisation: the founding members' signatures on the change of the consortium are asked for.

    Args:
        session: The transaction.
        context: Clock, ids and deployment.
        principal: An administrator of a founding member, or the system when it is set up.
        new: The organisation.
        founding: Whether it is a founding member; only the system says so.
        organisation_id: Its identifier, where the consortium's contract was deployed with one.

    Raises:
        AdministratorsOnly: The caller is not an administrator of a founding member.
        OrganisationKnown: Its registration number takes part already.
        Invalid: Roles that its kind cannot hold, or a validity that is over.
    """
    demand_founding_administrator(session, principal, Text("admit an organisation", "接纳单位"))
    now = context.clock.now()
    until = new.valid_until or now + ORGANISATION_LIFETIME
    roles = roles_from_names(new.roles)
    collect(
        [
            *_beyond(roles, ROLES_OF_KIND[new.kind]),
            *(ValidityPast().faults() if until <= now else ()),
        ]
    )
    _check_unknown(session, new)
    organisation = Organisation(
        id=organisation_id or context.ids.new(),
        name_en=new.name_en,
        name_zh=new.name_zh,
        kind=new.kind.value,
        country=new.country,
        registration_number=new.registration_number,
        roles=int(roles),
        founding=founding and principal.is_system,
        valid_from=now,
        valid_until=until,
        admitted_at=now,
    )
    session.add(organisation)
    session.flush()
    register.enter_organisation(session, context, organisation)
    _record(session, context, principal, ORGANISATION, organisation.id, "admit", _admitted(organisation))
    return organisation


def add_person(
    session: Session, context: Context, principal: Principal, new: NewPerson, *, person_id: UUID | None = None
) -> Person:
    """Add somebody to an organisation.

    Raises:
        AdministratorsOnly: The caller administers neither the organisation nor a founding member.
        NotFound: There is no such organisation, or the caller may not know of it.
        Invalid: Roles that the organisation does not hold.
    """
    organisation = _administered(session, principal, new.organisation_id, Text("add a person", "添加人员"))
    roles = roles_from_names(new.roles)
    collect(_beyond(roles, Role(organisation.roles)))
    person = Person(
        id=person_id or context.ids.new(),
        organisation_id=organisation.id,
        name_en=new.name_en,
        name_zh=new.name_zh,
        roles=int(roles),
        administrator=new.administrator,
        added_at=context.clock.now(),
    )
    session.add(person)
    session.flush()
    words = Text(
        f"{person.name_en} was added to {organisation.name_en}.",
        f"已将{person.name_zh}添加到{organisation.name_zh}。",
    )
    _record(session, context, principal, PERSON, person.id, "add", words)
    return person


def create_client(
    session: Session, context: Context, principal: Principal, new: NewClient
) -> tuple[Client, str]:
    """Give a program or device access of its own; gives the client and its secret, which is kept nowhere.

    Raises:
        AdministratorsOnly: The caller administers neither the organisation nor a founding member.
        NotFound: There is no such organisation, or the caller may not know of it.
        Invalid: Roles that the organisation does not hold.
    """
    organisation = _administered(session, principal, new.organisation_id, Text("add a client", "添加客户端"))
    roles = roles_from_names(new.roles)
    collect(_beyond(roles, Role(organisation.roles)))
    secret, stored = new_secret()
    client = Client(
        id=context.ids.new(),
        organisation_id=organisation.id,
        label=new.label,
        roles=int(roles),
        secret_hash=stored,
        created_at=context.clock.now(),
    )
    session.add(client)
    session.flush()
    words = Text(f"Client {client.label} was created.", f"已创建客户端{client.label}。")
    _record(session, context, principal, CLIENT, client.id, "create", words)
    return client, secret


def rotate_client_secret(
    session: Session, context: Context, principal: Principal, client_id: UUID, *, seen: int | None = None
) -> ClientSecret:
    """Give a client a new secret; the old one holds no longer.

    Raises:
        AdministratorsOnly: The caller does not administer the client's organisation.
        NotFound: There is no such client, or the caller may not know of it.
        Gone: It was revoked.
        RevisionStale: It changed since the caller read it.
    """
    client = own_client(session, principal, client_id, seen, Text("rotate a secret", "更换密钥"))
    secret, client.secret_hash = new_secret()
    client.rotated_at = context.clock.now()
    session.flush()
    words = Text(f"Client {client.label} has a new secret.", f"客户端{client.label}已更换密钥。")
    _record(session, context, principal, CLIENT, client.id, "rotate", words)
    return ClientSecret(client_id=client.id, client_secret=secret, revision=client.revision)


def organisations(principal: Principal) -> Select[Organisation]:
    """Give the query of the organisations that a caller may know of."""
    return visible(select(Organisation), Organisation, principal)


def persons(principal: Principal, organisation_id: UUID | None = None) -> Select[Person]:
    """Give the query of the persons that a caller may know of, of one organisation where asked for."""
    query = visible(select(Person), Person, principal)
    return query if organisation_id is None else query.where(Person.organisation_id == organisation_id)


def clients(principal: Principal) -> Select[Client]:
    """Give the query of the clients that a caller may know of."""
    return visible(select(Client), Client, principal)


def get_organisation(session: Session, principal: Principal, organisation_id: UUID) -> Organisation:
    """Load an organisation that the caller may know of.

    Raises:
        NotFound: There is none.
    """
    return get_visible(session, Organisation, organisation_id, principal)


def get_person(session: Session, principal: Principal, person_id: UUID) -> Person:
    """Load a person that the caller may know of.

    Raises:
        NotFound: There is none.
    """
    return get_visible(session, Person, person_id, principal)


def get_client(session: Session, principal: Principal, client_id: UUID) -> Client:
    """Load a client that the caller may know of.

    Raises:
        NotFound: There is none.
    """
    return get_visible(session, Client, client_id, principal)


def organisation_names(session: Session, organisation_ids: Iterable[UUID]) -> Mapping[UUID, Text]:
    """Give the names of organisations that stand in a case that the caller sees."""
    query = select(Organisation).where(Organisation.id.in_(set(organisation_ids)))
    return {organisation.id: organisation.name for organisation in session.scalars(query)}


def person_names(session: Session, person_ids: Iterable[UUID]) -> Mapping[UUID, Text]:
    """Give the names of persons that stand in a case that the caller sees."""
    query = select(Person).where(Person.id.in_(set(person_ids)))
    return {person.id: person.name for person in session.scalars(query)}


def show_organisation(session: Session, organisation: Organisation) -> OrganisationOut:
    """Show an organisation with its place in the register."""
    return OrganisationOut(
        id=organisation.id,
        name_en=organisation.name_en,
        name_zh=organisation.name_zh,
        kind=organisation.kind,
        country=organisation.country,
        registration_number=organisation.registration_number,
        roles=role_names(Role(organisation.roles)),
        founding=organisation.founding,
        valid_from=organisation.valid_from,
        valid_until=organisation.valid_until,
        in_register=register.holds_organisation(session, organisation.id),
        revision=organisation.revision,
    )


def show_person(person: Person) -> PersonOut:
    """Show a person."""
    return PersonOut(
        id=person.id,
        organisation_id=person.organisation_id,
        name_en=person.name_en,
        name_zh=person.name_zh,
        roles=role_names(Role(person.roles)),
        administrator=person.administrator,
        added_at=person.added_at,
        left_at=person.left_at,
        revision=person.revision,
    )


def show_client(client: Client) -> ClientOut:
    """Show a client, without its secret."""
    return ClientOut(
        id=client.id,
        organisation_id=client.organisation_id,
        label=client.label,
        roles=role_names(Role(client.roles)),
        created_at=client.created_at,
        rotated_at=client.rotated_at,
        revoked_at=client.revoked_at,
        revision=client.revision,
    )


def demand_founding_administrator(session: Session, principal: Principal, action: Text) -> None:
    """Refuse whoever is neither the system nor an administrator of a founding member.

    Raises:
        AdministratorsOnly: The caller is neither.
    """
    if principal.is_system or _administers(session, principal, None):
        return
    raise AdministratorsOnly(action=action.en)


def demand_administrator(session: Session, principal: Principal, organisation_id: UUID, action: Text) -> None:
    """Refuse whoever administers neither the organisation nor a founding member.

    Raises:
        AdministratorsOnly: The caller administers neither.
    """
    if principal.is_system or _administers(session, principal, organisation_id):
        return
    raise AdministratorsOnly(action=action.en)


def check_seen(row: Organisation | Person | Client, seen: int | None) -> None:
    """Refuse to act on what changed since the caller read it.

    Raises:
        RevisionStale: It is at another revision.
    """
    if seen is not None and seen != row.revision:
        raise RevisionStale(current=row.revision, seen=seen)


def _administers(session: Session, principal: Principal, organisation_id: UUID | None) -> bool:
    if principal.person_id is None:
        return False
    person = session.get(Person, principal.person_id)
    if person is None or not person.administrator or person.left_at is not None:
        return False
    if person.organisation_id == organisation_id:
        return True
    return session.get_one(Organisation, person.organisation_id).founding


def _administered(
    session: Session, principal: Principal, organisation_id: UUID, action: Text
) -> Organisation:
    """Load an organisation that the caller administers."""
    if principal.is_system or _administers(session, principal, organisation_id):
        return get_visible(session, Organisation, organisation_id, _all_seeing(principal))
    get_visible(session, Organisation, organisation_id, principal)
    raise AdministratorsOnly(action=action.en)


def _all_seeing(principal: Principal) -> Principal:
    """Widen an administrator's sight: a founding member's adds persons to every organisation."""
    return Principal(
        organisation_id=principal.organisation_id,
        roles=Role.AUDITOR,
        person_id=principal.person_id,
        client_id=principal.client_id,
        name=principal.name,
    )


def own_client(
    session: Session, principal: Principal, client_id: UUID, seen: int | None, action: Text
) -> Client:
    """Load a client that the caller administers and that is in use.

    Raises:
        NotFound: There is no such client, or the caller may not know of it.
        AdministratorsOnly: The caller does not administer its organisation.
        RevisionStale: It changed since the caller read it.
        Gone: It was revoked.
    """
    client = get_visible(session, Client, client_id, principal, lock=True)
    demand_administrator(session, principal, client.organisation_id, action)
    check_seen(client, seen)
    if client.revoked_at is not None:
        raise Gone(name=client.label)
    return client


def _check_unknown(session: Session, new: NewOrganisation) -> None:
    known = session.scalar(
        select(Organisation).where(
            Organisation.country == new.country,
            Organisation.registration_number == new.registration_number,
        )
    )
    if known is not None:
        raise OrganisationKnown(number=new.registration_number, name=both_names(known.name))


def _beyond(asked: Role, possible: Role) -> list[Fault]:
    beyond = roles_beyond(asked, possible)
    if not beyond:
        return []
    names = ", ".join(role_names(possible)) or "none"
    return list(RolesBeyond(roles=", ".join(role_names(beyond)), possible=names).faults())


def _admitted(organisation: Organisation) -> Text:
    return Text(
        f"{organisation.name_en} was admitted; the founding members enter it into the register.",
        f"已接纳{organisation.name_zh}，等待创始成员登记。",
    )


def _record(
    session: Session,
    context: Context,
    principal: Principal,
    kind: str,
    row_id: UUID,
    event: str,
    words: Text,
) -> None:
    record_history(
        session,
        context,
        principal,
        case_kind=kind,
        case_id=row_id,
        event=event,
        states=("", ""),
        words=words,
    )
