"""JSON routes: organisations, persons, programs, and the links with which they enrol keys."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from api.foundation.callers import PrincipalOf, SessionOf
from api.foundation.entity_tags import SeenRevision, tag
from api.foundation.installation import ContextOf
from api.foundation.paging import Page, WantedPage, fetch_page, page_of
from api.foundation.problems import problem_answers
from api.foundation.routes import api_router, shown_once
from workflow.parties import service
from workflow.parties.key_schemas import LinkOut
from workflow.parties.models import Client, Organisation, Person
from workflow.parties.schemas import (
    ClientOut,
    ClientSecret,
    NewClient,
    NewOrganisation,
    NewPerson,
    OrganisationOut,
    PersonOut,
)
from workflow.parties.service import IssuedLink

router = api_router("", "accounts")


@router.get("/organisations", summary="List organisations")
def list_organisations(
    request: Request, response: Response, session: SessionOf, principal: PrincipalOf, wanted: WantedPage
) -> Page[OrganisationOut]:
    """List the organisations that the caller may know of: a firm its own, the authorities all."""
    found = fetch_page(
        session,
        service.organisations(principal),
        wanted,
        at=Organisation.admitted_at,
        row_id=Organisation.id,
    )
    return page_of(request, response, found, lambda one: service.show_organisation(session, one))


@router.post(
    "/organisations", status_code=201, responses=problem_answers(409), summary="Admit an organisation"
)
def admit_organisation(
    response: Response, session: SessionOf, context: ContextOf, principal: PrincipalOf, new: NewOrganisation
) -> OrganisationOut:
    """Admit an organisation; the founding members are asked to enter it into the consortium's register."""
    organisation = service.admit_organisation(session, context, principal, new)
    response.headers["Location"] = f"/api/v1/organisations/{organisation.id}"
    tag(response, organisation.revision)
    return service.show_organisation(session, organisation)


@router.get(
    "/organisations/{organisation_id}", responses=problem_answers(404), summary="Show an organisation"
)
def show_organisation(session: SessionOf, principal: PrincipalOf, organisation_id: UUID) -> OrganisationOut:
    """Show an organisation and whether the consortium's register has it."""
    organisation = service.get_organisation(session, principal, organisation_id)
    return service.show_organisation(session, organisation)


@router.get("/persons", summary="List persons")
def list_persons(
    request: Request,
    response: Response,
    session: SessionOf,
    principal: PrincipalOf,
    wanted: WantedPage,
    organisation_id: UUID | None = None,
) -> Page[PersonOut]:
    """List the persons that the caller may know of, of one organisation where asked for."""
    query = service.persons(principal, organisation_id)
    found = fetch_page(session, query, wanted, at=Person.added_at, row_id=Person.id)
    return page_of(request, response, found, service.show_person)


@router.post("/persons", status_code=201, responses=problem_answers(404), summary="Add a person")
def add_person(
    response: Response, session: SessionOf, context: ContextOf, principal: PrincipalOf, new: NewPerson
) -> PersonOut:
    """Add somebody to an organisation; an administrator's step."""
    person = service.add_person(session, context, principal, new)
    response.headers["Location"] = f"/api/v1/persons/{person.id}"
    tag(response, person.revision)
    return service.show_person(person)


@router.get("/persons/{person_id}", responses=problem_answers(404), summary="Show a person")
def show_person(response: Response, session: SessionOf, principal: PrincipalOf, person_id: UUID) -> PersonOut:
    """Show a person."""
    person = service.get_person(session, principal, person_id)
    tag(response, person.revision)
    return service.show_person(person)


@router.post(
    "/persons/{person_id}/actions/leave",
    responses=problem_answers(404, 409, 412),
    summary="Let a person leave",
)
def let_person_leave(
    response: Response,
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    person_id: UUID,
    seen: SeenRevision,
) -> PersonOut:
    """Sign somebody out for good; the founding members are asked to revoke every key of that person."""
    person = service.let_person_leave(session, context, principal, person_id, seen=seen)
    tag(response, person.revision)
    return service.show_person(person)


@router.post(
    "/persons/{person_id}/enrolment-links",
    status_code=201,
    responses=problem_answers(404, 409),
    summary="Issue a link with which a person enrols a key",
)
@shown_once
def issue_persons_link(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, person_id: UUID
) -> LinkOut:
    """Issue a one-time link, valid for a day; it is shown this once."""
    return _link_out(service.issue_link(session, context, principal, person_id=person_id))


@router.get("/clients", summary="List programs")
def list_clients(
    request: Request, response: Response, session: SessionOf, principal: PrincipalOf, wanted: WantedPage
) -> Page[ClientOut]:
    """List the programs and devices of the caller's organisation."""
    found = fetch_page(session, service.clients(principal), wanted, at=Client.created_at, row_id=Client.id)
    return page_of(request, response, found, service.show_client)


@router.post("/clients", status_code=201, responses=problem_answers(404), summary="Create a program's access")
@shown_once
def create_client(
    response: Response, session: SessionOf, context: ContextOf, principal: PrincipalOf, new: NewClient
) -> ClientSecret:
    """Give a program or device access of its own; the secret is shown this once."""
    client, secret = service.create_client(session, context, principal, new)
    response.headers["Location"] = f"/api/v1/clients/{client.id}"
    tag(response, client.revision)
    return ClientSecret(client_id=client.id, client_secret=secret, revision=client.revision)


@router.get("/clients/{client_id}", responses=problem_answers(404), summary="Show a program's access")
def show_client(response: Response, session: SessionOf, principal: PrincipalOf, client_id: UUID) -> ClientOut:
    """Show a program's access, without its secret."""
    client = service.get_client(session, principal, client_id)
    tag(response, client.revision)
    return service.show_client(client)


@router.post(
    "/clients/{client_id}/actions/rotate",
    responses=problem_answers(404, 409, 412),
    summary="Give a program a new secret",
)
@shown_once
def rotate_client(
    response: Response,
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    client_id: UUID,
    seen: SeenRevision,
) -> ClientSecret:
    """Replace the secret; the old one holds no longer, tokens given for it run out."""
    secret = service.rotate_client_secret(session, context, principal, client_id, seen=seen)
    tag(response, secret.revision)
    return secret


@router.post(
    "/clients/{client_id}/actions/revoke",
    responses=problem_answers(404, 409, 412),
    summary="Shut a program out",
)
def revoke_client(
    response: Response,
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    client_id: UUID,
    seen: SeenRevision,
) -> ClientOut:
    """Shut a program out at once, its tokens included."""
    client = service.revoke_client(session, context, principal, client_id, seen=seen)
    tag(response, client.revision)
    return service.show_client(client)


@router.post(
    "/clients/{client_id}/enrolment-links",
    status_code=201,
    responses=problem_answers(404, 409),
    summary="Issue a link with which a program enrols a key",
)
@shown_once
def issue_clients_link(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, client_id: UUID
) -> LinkOut:
    """Issue a one-time link, valid for a day; it is shown this once."""
    return _link_out(service.issue_link(session, context, principal, client_id=client_id))


def _link_out(issued: IssuedLink) -> LinkOut:
    return LinkOut(id=issued.link.id, url=issued.url, token=issued.token, expires_at=issued.link.expires_at)
