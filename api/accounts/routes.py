"""JSON routes: keys and their enrolment."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from api.accounts.showing import key_out
from api.foundation.callers import PlaceOf, PrincipalOf, SessionOf, set_session_cookie
from api.foundation.entity_tags import SeenRevision
from api.foundation.installation import ContextOf
from api.foundation.languages import language_of
from api.foundation.paging import Page, WantedPage, fetch_page, page_of
from api.foundation.problems import problem_answers
from api.foundation.routes import api_router, public, tries_secrets
from workflow.engine.schemas import WORD_PATTERN
from workflow.parties import service
from workflow.parties.key_schemas import (
    EnrolmentChallenge,
    KeyOut,
    LinkToken,
    PasskeyEnrolment,
    Revocation,
    SoftwareKeyEnrolment,
)
from workflow.parties.models import Key

router = api_router("", "accounts")

KeyId = Annotated[str, Path(pattern=WORD_PATTERN, description="keccak256 of the signer bytes, 0x first.")]


@router.post(
    "/enrolments/challenge",
    status_code=201,
    responses=problem_answers(409),
    summary="Begin to enrol a key",
)
@public
@tries_secrets
def begin(session: SessionOf, context: ContextOf, link: LinkToken) -> EnrolmentChallenge:
    """Give the holder of a one-time link the challenge that the new key must answer within five minutes."""
    return service.begin_enrolment(session, context, link.token)


@router.post(
    "/enrolments/passkey", status_code=201, responses=problem_answers(409), summary="Enrol a passkey"
)
@public
@tries_secrets
def enrol_passkey(
    request: Request,
    response: Response,
    session: SessionOf,
    context: ContextOf,
    place: PlaceOf,
    new: PasskeyEnrolment,
) -> KeyOut:
    """Take a person's new passkey, use up the link, sign the person in.

    The founding members are asked to enter the key into the consortium's register; until they have, it can sign
    the person in but decide nothing.
    """
    key = service.enrol_passkey(session, context, new)
    secret, _ = service.open_session(session, context, key)
    set_session_cookie(response, place, secret)
    return key_out(session, context, key, language_of(request))


@router.post(
    "/enrolments/software-key",
    status_code=201,
    responses=problem_answers(409),
    summary="Enrol a software key",
)
@public
@tries_secrets
def enrol_software_key(
    request: Request, session: SessionOf, context: ContextOf, new: SoftwareKeyEnrolment
) -> KeyOut:
    """Take a program's or device's key with the proof that the sender holds it, and use up the link."""
    key = service.enrol_software_key(session, context, new)
    return key_out(session, context, key, language_of(request))


@router.get("/keys", summary="List keys")
def list_keys(
    request: Request,
    response: Response,
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    wanted: WantedPage,
) -> Page[KeyOut]:
    """List the keys of the caller's organisation; auditors and supervisors see all."""
    found = fetch_page(session, service.keys(principal), wanted, at=Key.enrolled_at, row_id=Key.id)
    language = language_of(request)
    return page_of(request, response, found, lambda key: key_out(session, context, key, language))


@router.get("/keys/{key_id}", responses=problem_answers(404), summary="Show a key and where it stands")
def show_key(
    request: Request, session: SessionOf, context: ContextOf, principal: PrincipalOf, key_id: KeyId
) -> KeyOut:
    """Show a key; `standing` tells whether the consortium's register has it."""
    key = service.get_key(session, principal, bytes.fromhex(key_id[2:]))
    return key_out(session, context, key, language_of(request))


@router.post(
    "/keys/{key_id}/actions/revoke", responses=problem_answers(404, 409, 412), summary="Revoke a key"
)
def revoke_key(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    key_id: KeyId,
    seen: SeenRevision,
    wish: Revocation,
) -> KeyOut:
    """Take a key out of use at once, and ask the founding members to take it out of the register."""
    key = service.revoke_key(session, context, principal, bytes.fromhex(key_id[2:]), wish.reason, seen=seen)
    return key_out(session, context, key, language_of(request))
