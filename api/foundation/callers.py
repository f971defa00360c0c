"""Who is calling: a person in a browser, a program with a token, or nobody yet."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.foundation.installation import Installation, installation_of
from api.foundation.refusals import ForgeryProtection, PersonsOnly, ScopeMissing
from api.foundation.tokens import READ, WRITE, TokenClaims
from kernel.errors import NotSignedIn
from workflow.engine.principals import Principal
from workflow.parties.service import SignedIn, client_principal, signed_in

CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
_BEARER = "bearer "
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True)
class Caller:
    """Whoever sends a request, after the door made sure of it."""

    principal: Principal
    session: SignedIn | None = None
    """The browser session; None for a program."""
    scopes: frozenset[str] = frozenset({READ, WRITE})


def cookie_name(place: Installation) -> str:
    """Give the name of the session cookie; over https the browser binds it to this host alone."""
    return "__Host-piste_session" if place.secure else "piste_session"


def set_session_cookie(response: Response, place: Installation, token: str) -> None:
    """Hand the session's secret to the browser."""
    response.set_cookie(
        cookie_name(place),
        token,
        max_age=int(place.settings.session_hours * 3600),
        path="/",
        secure=place.secure,
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, place: Installation) -> None:
    """Make the browser forget the session."""
    response.delete_cookie(cookie_name(place), path="/", secure=place.secure, httponly=True, samesite="lax")


async def identify(request: Request, place: Installation) -> Caller | None:
    """Find out who calls; a bearer token goes before a cookie.

    Raises:
        NotSignedIn: A token was sent that does not hold.
    """
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith(_BEARER):
        claims = place.tokens.read(authorization[len(_BEARER) :].strip(), now=place.context.clock.now())
        async with place.reads.pass_through():
            return await run_in_threadpool(_program, place, claims)
    cookie = request.cookies.get(cookie_name(place))
    if not cookie:
        return None
    async with place.reads.pass_through():
        return await run_in_threadpool(_person, place, cookie)


def _program(place: Installation, claims: TokenClaims) -> Caller:
    with place.database.read() as session:
        principal = client_principal(session, claims.client_id, now=place.context.clock.now())
    if principal is None:
        raise NotSignedIn
    return Caller(principal, scopes=claims.scopes)


def _person(place: Installation, cookie: str) -> Caller | None:
    with place.database.read() as session:
        found = signed_in(session, cookie, now=place.context.clock.now())
    return None if found is None else Caller(found.principal, found)


def check_scope(caller: Caller, *, changes: bool) -> None:
    """Refuse what the token was not issued for.

    Raises:
        ScopeMissing: The scope is not in the token.
    """
    needed = WRITE if changes else READ
    if needed not in caller.scopes:
        raise ScopeMissing(scope=needed)


async def check_forgery(request: Request, place: Installation, caller: Caller | None) -> None:
    """Refuse a change that another site made a browser send.

    A program's token is never sent by a browser of itself; a session's cookie is, so a page's change carries
    the session's CSRF token. Nobody's request counts as a browser's too: signing somebody in is a change.

    Raises:
        ForgeryProtection: It comes from elsewhere.
    """
    origin = request.headers.get("origin")
    here = {place.settings.origin, f"{request.url.scheme}://{request.url.netloc}"}
    if caller is not None and caller.session is None:
        return
    if origin is not None and origin not in here:
        raise ForgeryProtection
    if caller is None or caller.session is None:
        return
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("content-type", "").startswith(_FORM_TYPES):
        field = (await request.form()).get(CSRF_FIELD)
        given = field if isinstance(field, str) else None
    if given is None or not hmac.compare_digest(given.encode(), caller.session.csrf_token.encode()):
        raise ForgeryProtection


async def _caller(request: Request) -> Caller | None:
    found: Caller | None = request.state.caller
    return found


async def _principal(request: Request) -> Principal:
    if request.state.caller is None:
        raise NotSignedIn
    principal: Principal = request.state.caller.principal
    return principal


async def _person_signed_in(request: Request) -> SignedIn:
    if request.state.caller is None:
        raise NotSignedIn
    if request.state.caller.session is None:
        raise PersonsOnly
    found: SignedIn = request.state.caller.session
    return found


async def _session(request: Request) -> Session:
    opened: Session = request.state.session
    return opened


async def _place(request: Request) -> Installation:
    return installation_of(request)


PrincipalOf = Annotated[Principal, Depends(_principal)]
"""Parameter type: who acts, to be handed to the services."""
CallerOf = Annotated[Caller | None, Depends(_caller)]
"""Parameter type of public routes: who calls, None where nobody is signed in."""
PersonOf = Annotated[SignedIn, Depends(_person_signed_in)]
"""Parameter type of pages: the person in the browser."""
SessionOf = Annotated[Session, Depends(_session)]
"""Parameter type: the request's database session; never commit it, the door does."""
PlaceOf = Annotated[Installation, Depends(_place)]
"""Parameter type: the installation."""
