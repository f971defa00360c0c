"""Pages: first page, sign-in, enrolment, keys, organisations."""

from __future__ import annotations

from uuid import UUID

from fastapi import Form
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.accounts.showing import key_out
from api.foundation.callers import (
    CallerOf,
    PersonOf,
    PlaceOf,
    SessionOf,
    clear_session_cookie,
    cookie_name,
)
from api.foundation.installation import ContextOf
from api.foundation.languages import COOKIE, NAMES, language_of
from api.foundation.pages import go, own_address, page
from api.foundation.paging import WantedPage, fetch_page
from api.foundation.routes import page_router, public, tries_secrets
from kernel.errors import Text
from ledger.keys.roles import ROLE_WORDS, Role
from workflow.engine.principals import Principal
from workflow.engine.tenancy import AUTHORITIES
from workflow.parties import service
from workflow.parties.holders import name_of
from workflow.parties.models import Client, Key, Organisation, Person
from workflow.parties.rules import KIND_WORDS, OrganisationKind

router = page_router()

_YEAR_S = 365 * 24 * 3600


@router.get("/")
def first_page(request: Request, session: SessionOf, context: ContextOf, person: PersonOf) -> Response:
    """Lead to what waits for the person; greet who has no part in cases."""
    if person.principal.roles & (Role.BROKER | AUTHORITIES):
        return go(request, "/todo")
    keys = service.usable_keys(session, person.principal, now=context.clock.now())
    return page(request, "accounts/home.html", keys=keys, doors=request.app.state.installation.doors)


@router.get("/sign-in")
@public
def sign_in_page(request: Request, next: str | None = None) -> HTMLResponse:  # noqa: A002 - the name in the address
    """Show the sign-in page."""
    return page(request, "accounts/sign_in.html", next=own_address(next))


@router.post("/sign-out")
def sign_out(request: Request, session: SessionOf, place: PlaceOf) -> Response:
    """Close the session and lead to the sign-in page."""
    service.sign_out(session, request.cookies.get(cookie_name(place), ""))
    answer = go(request, "/sign-in", Text("You are signed out.", "您已退出。"))
    clear_session_cookie(answer, place)
    return answer


@router.post("/language")
@public
def switch_language(
    request: Request,
    place: PlaceOf,
    language: str = Form(),
    next: str = Form(default="/"),  # noqa: A002 - the field's name
) -> Response:
    """Keep the chosen language for a year."""
    answer = go(request, own_address(next))
    if language in NAMES:
        answer.set_cookie(COOKIE, language, max_age=_YEAR_S, path="/", secure=place.secure, samesite="lax")
    return answer


@router.get("/enrol/{token}")
@public
@tries_secrets
def enrolment_page(
    request: Request, session: SessionOf, context: ContextOf, caller: CallerOf, token: str
) -> HTMLResponse:
    """Show whom a one-time link is for, and enrol a passkey."""
    holder = service.link_holder(session, context, token)
    organisation = service.organisation_names(session, [holder.organisation_id])[holder.organisation_id]
    return page(
        request,
        "accounts/enrol.html",
        holder=name_of(holder),
        is_person=isinstance(holder, Person),
        organisation=organisation,
        roles=role_words(holder.roles),
        token=token,
        someone_else=caller is not None and caller.principal.officer_id != holder.id,
    )


@router.get("/keys")
def keys_page(
    request: Request, session: SessionOf, context: ContextOf, person: PersonOf, wanted: WantedPage
) -> HTMLResponse:
    """Show the person's own keys and where they stand."""
    query = service.keys(person.principal).where(Key.person_id == person.principal.person_id)
    rows, cursor = fetch_page(session, query, wanted, at=Key.enrolled_at, row_id=Key.id)
    language = language_of(request)
    return page(
        request,
        "accounts/keys.html",
        keys=[key_out(session, context, key, language) for key in rows],
        this_key=f"0x{person.key_id.hex()}",
        role_words=role_words,
        older=f"/keys?cursor={cursor}" if cursor else "",
    )


@router.get("/organisation")
def own_organisation_page(request: Request, session: SessionOf, person: PersonOf) -> HTMLResponse:
    """Show the person's own organisation."""
    return _organisation(request, session, person.principal, person.principal.organisation_id)


@router.get("/organisations/{organisation_id}")
def organisation_page(
    request: Request, session: SessionOf, person: PersonOf, organisation_id: UUID
) -> HTMLResponse:
    """Show an organisation."""
    return _organisation(request, session, person.principal, organisation_id)


def _organisation(
    request: Request, session: SessionOf, principal: Principal, organisation_id: UUID
) -> HTMLResponse:
    found = service.get_organisation(session, principal, organisation_id)
    own = service.clients(principal).where(Client.organisation_id == organisation_id)
    return page(
        request,
        "accounts/organisation.html",
        organisation=service.show_organisation(session, found),
        kind=KIND_WORDS[OrganisationKind(found.kind)],
        own=organisation_id == principal.organisation_id,
        persons=session.scalars(service.persons(principal, organisation_id).order_by(Person.added_at)).all(),
        clients=session.scalars(own.order_by(Client.created_at)).all(),
        possible=roles_to_choose(found.roles),
        role_words=role_words,
    )


@router.get("/organisations")
def organisations_page(
    request: Request, session: SessionOf, person: PersonOf, wanted: WantedPage
) -> HTMLResponse:
    """List the organisations; a founding member's administrator admits new ones."""
    rows, cursor = fetch_page(
        session,
        service.organisations(person.principal),
        wanted,
        at=Organisation.admitted_at,
        row_id=Organisation.id,
    )
    return page(
        request,
        "accounts/organisations.html",
        organisations=[service.show_organisation(session, row) for row in rows],
        kinds=KIND_WORDS,
        all_roles=roles_to_choose(sum(Role)),
        older=f"/organisations?cursor={cursor}" if cursor else "",
    )


def role_words(roles: int | list[str]) -> list[Text]:
    """Name roles for people."""
    if isinstance(roles, list):
        return [ROLE_WORDS[Role[name.upper()]] for name in roles]
    return [ROLE_WORDS[role] for role in Role if role & roles]


def roles_to_choose(roles: int) -> list[tuple[str, Text]]:
    """Give roles as a form offers them: name and words."""
    return [(str(role.name).lower(), ROLE_WORDS[role]) for role in Role if role & roles]
