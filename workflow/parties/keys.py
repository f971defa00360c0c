"""Keys after enrolment: where they stand, which of them can sign, and taking them back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from kernel.errors import Language, NotFound, RevisionStale, Text
from ledger.keys.roles import Role
from ledger.keys.signing import to_base64url
from workflow.engine.context import Context
from workflow.engine.principals import Principal
from workflow.engine.tenancy import visible
from workflow.parties import register
from workflow.parties.admission import demand_administrator
from workflow.parties.holders import holder_of, name_of, record_about
from workflow.parties.key_schemas import KeyOut, UsableKey
from workflow.parties.models import Key, WebSession
from workflow.parties.refusals import KeyRevokedAlready
from workflow.parties.rules import STANDING_WORDS, role_names


def revoke_key(
    session: Session,
    context: Context,
    principal: Principal,
    key_id: bytes,
    reason: str,
    *,
    seen: int | None = None,
) -> Key:
    """Take a key out of use here at once, and ask the founding members to take it out of the register.

    Raises:
        NotFound: There is no such key, or the caller may not know of it.
        AdministratorsOnly: It is somebody else's, and the caller administers neither organisation.
        KeyRevokedAlready: It was revoked before.
        RevisionStale: It changed since the caller read it.
    """
    key = get_key(session, principal, key_id, lock=True)
    if principal.officer_id != key.officer_id:
        demand_administrator(session, principal, key.organisation_id, Text("revoke a key", "吊销密钥"))
    if seen is not None and seen != key.revision:
        raise RevisionStale(current=key.revision, seen=seen)
    if key.revoked_at is not None:
        raise KeyRevokedAlready
    withdraw_key(session, context, key)
    session.flush()
    holder = holder_of(session, key.person_id, key.client_id)
    words = Text(
        f"Key {key.label} of {name_of(holder).en} was revoked: {reason}",
        f"{name_of(holder).zh}的密钥{key.label}已吊销：{reason}",
    )
    record_about(session, context, principal, holder, "revoke_key", words)
    return key


def withdraw_key(session: Session, context: Context, key: Key) -> None:
    """Take a key out of use here, end its sessions, ask for its removal from the register."""
    key.revoked_at = context.clock.now()
    session.execute(delete(WebSession).where(WebSession.key_id == key.key_id))
    register.remove_key(session, context, key)


def keys(principal: Principal) -> Select[Key]:
    """Give the query of the keys that a caller may know of."""
    return visible(select(Key), Key, principal)


def get_key(session: Session, principal: Principal, key_id: bytes, *, lock: bool = False) -> Key:
    """Load a key that the caller may know of.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    query = keys(principal).where(Key.key_id == key_id)
    key = session.scalar(query.with_for_update() if lock else query)
    if key is None:
        raise NotFound(what=Key.title, name=f"0x{key_id.hex()}")
    return key


def is_withdrawn(session: Session, key_id: bytes) -> bool:
    """Tell whether somebody asked for a key's revocation, which the register may not show yet."""
    return session.scalar(select(Key.revoked_at).where(Key.key_id == key_id)) is not None


def show_key(session: Session, key: Key, *, now: datetime, language: Language) -> KeyOut:
    """Show a key and where it stands."""
    entry = register.standing_of(session, key, now=now)
    words = STANDING_WORDS[entry.standing].fill({"signed": entry.signed, "required": entry.required})
    return KeyOut(
        key_id="0x" + key.key_id.hex(),
        kind=key.kind,
        label=key.label,
        organisation_id=key.organisation_id,
        person_id=key.person_id,
        client_id=key.client_id,
        roles=role_names(Role(key.roles)),
        signer="0x" + key.signer.hex(),
        credential_id=_shown_credential(key),
        standing=entry.standing,
        standing_words=words.in_language(language),
        signatures=entry.signed,
        signatures_required=entry.required,
        enrolled_at=key.enrolled_at,
        revoked_at=key.revoked_at,
        revision=key.revision,
    )


def usable_keys(session: Session, principal: Principal, *, now: datetime) -> list[UsableKey]:
    """Give the caller's own keys that are not revoked, each with its standing; only active ones can sign."""
    held_by = Key.person_id if principal.person_id else Key.client_id
    query = select(Key).where(held_by == principal.officer_id, Key.revoked_at.is_(None))
    return [
        UsableKey(
            key_id="0x" + key.key_id.hex(),
            kind=key.kind,
            label=key.label,
            credential_id=_shown_credential(key),
            standing=register.standing_of(session, key, now=now).standing,
            roles=role_names(Role(key.roles)),
        )
        for key in session.scalars(query.order_by(Key.enrolled_at.desc()))
    ]


def _shown_credential(key: Key) -> str | None:
    return None if key.credential_id is None else to_base64url(key.credential_id)
