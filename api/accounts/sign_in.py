"""JSON routes: tokens for programs, sign-in for persons."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus

from fastapi import Depends
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.accounts.showing import session_out
from api.foundation.callers import (
    CallerOf,
    PlaceOf,
    PrincipalOf,
    SessionOf,
    clear_session_cookie,
    cookie_name,
    set_session_cookie,
)
from api.foundation.installation import ContextOf
from api.foundation.languages import language_of
from api.foundation.routes import api_router, only_reads, public, tries_secrets
from api.foundation.tokens import READ, SCOPES, WRITE
from workflow.engine.schemas import example
from workflow.parties import service
from workflow.parties.key_schemas import SessionOut, SignIn, SignInChallenge

router = api_router("", "accounts")

Parameters = dict[str, list[str]]
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class AccessToken(BaseModel):
    """A token, as RFC 6749 §5.1 gives it."""

    model_config = example(
        {
            "access_token": "eyJhbGciOiJIUzI1NiJ9.e30.x",
            "token_type": "Bearer",
            "expires_in": 1800,
            "scope": "read",
        }
    )

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the kind of token that RFC 6750 names
    expires_in: int
    scope: str


class TokenRefusal(BaseModel):
    """Why no token is given, as RFC 6749 §5.2 says it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"error": "invalid_client", "error_description": "The id or the secret is wrong."}]
        }
    )

    error: Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]
    error_description: str


async def _parameters(request: Request) -> Parameters:
    found: Parameters = {}
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        for name, value in (await request.form()).multi_items():
            if isinstance(value, str):
                found.setdefault(name, []).append(value)
    return found


_TOKEN_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "const": "client_credentials"},
                        "scope": {
                            "type": "string",
                            "description": "Some of: read write. All where left out.",
                        },
                        "client_id": {"type": "string", "description": "Where not given by HTTP Basic."},
                        "client_secret": {"type": "string"},
                    },
                },
                "example": {"grant_type": "client_credentials", "scope": "read write"},
            }
        },
    }
}


@router.post(
    "/token",
    response_model=AccessToken,
    responses={400: {"model": TokenRefusal}, 401: {"model": TokenRefusal}},
    openapi_extra=_TOKEN_FORM,
    summary="Give a program a token (OAuth 2.0 client credentials)",
)
@public
@only_reads
@tries_secrets
def token(
    request: Request,
    place: PlaceOf,
    session: SessionOf,
    parameters: Annotated[Parameters, Depends(_parameters)],
) -> Response:
    """Check a client's id and secret, given by HTTP Basic or in the form, and give a bearer token."""
    if any(len(values) > 1 for values in parameters.values()) or "grant_type" not in parameters:
        return _no_token("invalid_request", "Give grant_type once, as a form.")
    if parameters["grant_type"] != ["client_credentials"]:
        return _no_token("unsupported_grant_type", "Only client_credentials is possible here.")
    credentials = _credentials(request, parameters)
    if credentials is None:
        return _no_token("invalid_request", "Give the client's id and secret, by HTTP Basic or in the form.")
    scopes = frozenset(parameters.get("scope", [f"{READ} {WRITE}"])[0].split())
    if not scopes or not scopes <= SCOPES.keys():
        return _no_token("invalid_scope", f"Choose among: {' '.join(SCOPES)}.")
    now = place.context.clock.now()
    client_id = service.check_client_secret(session, *credentials, now=now)
    if client_id is None:
        return _no_token("invalid_client", "The id or the secret is wrong.")
    given = AccessToken(
        access_token=place.tokens.issue(client_id, scopes, now=now),
        expires_in=int(place.tokens.lifetime.total_seconds()),
        scope=" ".join(sorted(scopes)),
    )
    return JSONResponse(given.model_dump(), headers=_NO_STORE)


def _credentials(request: Request, parameters: Parameters) -> tuple[str, str] | None:
    """Read the client's id and secret; None where they are given in no way or in two ways."""
    authorization = request.headers.get("authorization", "")
    in_form = "client_secret" in parameters
    if authorization.lower().startswith("basic "):
        if in_form:
            return None
        try:
            name, _, secret = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return unquote_plus(name), unquote_plus(secret)
    if not in_form or "client_id" not in parameters:
        return None
    return parameters["client_id"][0], parameters["client_secret"][0]


def _no_token(
    error: Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"], words: str
) -> JSONResponse:
    headers = dict(_NO_STORE)
    if error == "invalid_client":
        headers["WWW-Authenticate"] = 'Basic realm="Piste"'
    refusal = TokenRefusal(error=error, error_description=words)
    return JSONResponse(refusal.model_dump(), 401 if error == "invalid_client" else 400, headers)


@router.post("/sign-in/begin", status_code=201, summary="Begin to sign in with a passkey")
@public
@tries_secrets
def challenge(session: SessionOf, context: ContextOf) -> SignInChallenge:
    """Give a challenge that any passkey of this site may answer within five minutes."""
    return service.begin_sign_in(session, context)


@router.post("/sign-in/finish", summary="Sign in with a passkey's answer")
@public
@tries_secrets
def sign_in(
    request: Request,
    response: Response,
    session: SessionOf,
    context: ContextOf,
    place: PlaceOf,
    answer: SignIn,
) -> SessionOut:
    """Check the answer and open a browser session (cookie)."""
    secret, person = service.finish_sign_in(session, context, answer)
    set_session_cookie(response, place, secret)
    return session_out(session, context, person.principal, person, language_of(request))


@router.post("/sign-out", status_code=204, summary="Close the browser session")
def sign_out(request: Request, response: Response, session: SessionOf, place: PlaceOf) -> None:
    """Close the session; a program's token simply runs out."""
    service.sign_out(session, request.cookies.get(cookie_name(place), ""))
    clear_session_cookie(response, place)


@router.get("/session", summary="Who is signed in, and with which keys")
def who(
    request: Request, session: SessionOf, context: ContextOf, principal: PrincipalOf, caller: CallerOf
) -> SessionOut:
    """Tell who calls, and with which of his keys he can sign."""
    person = caller.session if caller else None
    return session_out(session, context, principal, person, language_of(request))
