"""Signing in: persons with a passkey in a browser, programs with their secret."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from webauthn import generate_authentication_options, options_to_json, verify_authentication_response
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import UserVerificationRequirement

from kernel.errors import Text
from kernel.settings import Settings
from ledger.keys.roles import Role
from ledger.keys.signing import from_base64url
from workflow.engine.context import Context
from workflow.engine.principals import Principal
from workflow.parties.key_schemas import PasskeyCredential, SignIn, SignInChallenge
from workflow.parties.models import Ceremony, Client, EnrolmentLink, Key, Organisation, Person, WebSession
from workflow.parties.refusals import CeremonyOver, PasskeyNotAccepted, PasskeyUnknown
from workflow.parties.rules import CEREMONY_LIFETIME, token_digest

SIGN_IN = "sign_in"
CHALLENGE_BYTES = TOKEN_BYTES = 32

log = structlog.get_logger()
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_nobodys_hash = _hasher.hash(secrets.token_urlsafe(TOKEN_BYTES))
"""Checked where a client is unknown, so that the unknown take as long as the known."""


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A person in a browser."""

    principal: Principal
    person: Text
    organisation: Text
    administrator: bool
    founding: bool
    """Whether the organisation is a founding member."""
    csrf_token: str
    key_id: bytes
    """The key that opened the session."""


def begin_sign_in(session: Session, context: Context) -> SignInChallenge:
    """Give a challenge for any passkey of this site (discoverable credentials)."""
    ceremony = new_ceremony(session, context, SIGN_IN)
    options = generate_authentication_options(
        rp_id=rp_id(context.settings),
        challenge=ceremony.challenge,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return SignInChallenge(ceremony_id=ceremony.id, passkey=json.loads(options_to_json(options)))


def finish_sign_in(session: Session, context: Context, answer: SignIn) -> tuple[str, SignedIn]:
    """Check a passkey's answer and open a browser session; gives the session's secret.

    Raises:
        CeremonyOver: The challenge is unknown, was answered, or is too old.
        PasskeyUnknown: The passkey is not enrolled, or was revoked.
        PasskeyNotAccepted: Its answer does not hold.
    """
    ceremony = take_ceremony(session, context, answer.ceremony_id, SIGN_IN)
    query = select(Key).where(Key.credential_id == from_base64url(answer.credential.id)).with_for_update()
    key = session.scalar(query)
    if key is None or key.revoked_at is not None or key.cose_public_key is None or key.person_id is None:
        raise PasskeyUnknown
    _check_holder(answer.credential, key.person_id)
    try:
        verified = verify_authentication_response(
            credential=answer.credential.as_json(),
            expected_challenge=ceremony.challenge,
            expected_rp_id=rp_id(context.settings),
            expected_origin=context.settings.origin,
            credential_public_key=key.cose_public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError) as fault:
        log.warning("sign-in.refused", key_id=key.key_id.hex(), reason=str(fault)[:200])
        raise PasskeyNotAccepted from None
    key.sign_count = verified.new_sign_count
    return open_session(session, context, key)


def open_session(session: Session, context: Context, key: Key) -> tuple[str, SignedIn]:
    """Open a browser session for the person who has just shown a key; gives the session's secret.

    Raises:
        PasskeyUnknown: The person has left, or the organisation takes part no longer.
    """
    now = context.clock.now()
    if key.person_id is None:
        raise PasskeyUnknown
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        WebSession(
            token_hash=token_digest(token),
            person_id=key.person_id,
            key_id=key.key_id,
            csrf_token=secrets.token_urlsafe(TOKEN_BYTES),
            begun_at=now,
            expires_at=now + timedelta(hours=context.settings.session_hours),
        )
    )
    session.flush()
    found = signed_in(session, token, now=now)
    if found is None:
        raise PasskeyUnknown
    return token, found


def signed_in(session: Session, token: str, *, now: datetime) -> SignedIn | None:
    """Tell who is in the browser that holds this secret; None where the session is over, or its key."""
    row = session.execute(
        select(WebSession, Person, Organisation)
        .join(Person, Person.id == WebSession.person_id)
        .join(Organisation, Organisation.id == Person.organisation_id)
        .join(Key, Key.key_id == WebSession.key_id)
        .where(
            WebSession.token_hash == token_digest(token),
            WebSession.expires_at > now,
            Person.left_at.is_(None),
            Key.revoked_at.is_(None),
            Organisation.valid_until > now,
        )
    ).first()
    if row is None:
        return None
    opened, person, organisation = row
    return SignedIn(
        principal=Principal(
            organisation_id=organisation.id,
            roles=Role(person.roles),
            person_id=person.id,
            name=both_names(person.name),
        ),
        person=person.name,
        organisation=organisation.name,
        administrator=person.administrator,
        founding=organisation.founding,
        csrf_token=opened.csrf_token,
        key_id=opened.key_id,
    )


def sign_out(session: Session, token: str) -> None:
    """Close a browser session; closing one that is closed does nothing."""
    session.execute(delete(WebSession).where(WebSession.token_hash == token_digest(token)))


def check_client_secret(session: Session, client_id: str, secret: str, *, now: datetime) -> UUID | None:
    """Give the client whose secret this is, or None; an unknown one takes as long as a known one."""
    try:
        wanted = UUID(client_id)
    except ValueError:
        wanted = UUID(int=0)
    client = session.get(Client, wanted)
    good = _verifies(client.secret_hash if client else _nobodys_hash, secret)
    if client is None or not good or client_principal(session, client.id, now=now) is None:
        return None
    return client.id


def client_principal(session: Session, client_id: UUID, *, now: datetime) -> Principal | None:
    """Tell for whom a program acts; None where it was revoked or its organisation takes part no longer."""
    row = session.execute(
        select(Client, Organisation)
        .join(Organisation, Organisation.id == Client.organisation_id)
        .where(Client.id == client_id, Client.revoked_at.is_(None), Organisation.valid_until > now)
    ).first()
    if row is None:
        return None
    client, organisation = row
    return Principal(
        organisation_id=organisation.id, roles=Role(client.roles), client_id=client.id, name=client.label
    )


def new_secret() -> tuple[str, str]:
    """Make a client's secret; gives the secret and what is stored of it (argon2id)."""
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    return secret, _hasher.hash(secret)


def new_ceremony(
    session: Session, context: Context, purpose: str, link: EnrolmentLink | None = None
) -> Ceremony:
    """Write a fresh challenge."""
    ceremony = Ceremony(
        id=context.ids.new(),
        purpose=purpose,
        challenge=secrets.token_bytes(CHALLENGE_BYTES),
        link_id=link.id if link else None,
        expires_at=context.clock.now() + CEREMONY_LIFETIME,
    )
    session.add(ceremony)
    session.flush()
    return ceremony


def take_ceremony(session: Session, context: Context, ceremony_id: UUID, purpose: str) -> Ceremony:
    """Take a challenge out of use.

    Raises:
        CeremonyOver: It is unknown, was answered, or is too old.
    """
    query = select(Ceremony).where(Ceremony.id == ceremony_id, Ceremony.purpose == purpose)
    ceremony = session.scalar(query.with_for_update())
    if ceremony is None or ceremony.expires_at <= context.clock.now():
        raise CeremonyOver
    session.delete(ceremony)
    return ceremony


def forget_what_is_over(session: Session, *, now: datetime) -> None:
    """Drop challenges and browser sessions whose time is over."""
    session.execute(delete(Ceremony).where(Ceremony.expires_at <= now))
    session.execute(delete(WebSession).where(WebSession.expires_at <= now))


def rp_id(settings: Settings) -> str:
    """Give the host name that passkeys are bound to."""
    return urlsplit(settings.origin).hostname or "localhost"


def both_names(name: Text) -> str:
    """Write a name in both languages, once where they are the same."""
    return name.en if name.en == name.zh else f"{name.en} {name.zh}"


def _verifies(stored: str, secret: str) -> bool:
    try:
        return _hasher.verify(stored, secret)
    except (VerificationError, InvalidHashError):
        return False


def _check_holder(credential: PasskeyCredential, person_id: UUID) -> None:
    """Compare the holder that a passkey names with the one it was enrolled for, where it names one."""
    handle: Any = credential.response.get("userHandle")
    if not handle:
        return
    try:
        named = from_base64url(handle)
    except (ValueError, TypeError):
        raise PasskeyNotAccepted from None
    if named != person_id.bytes:
        raise PasskeyNotAccepted
