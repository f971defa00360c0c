"""Rules of the parties: which roles go with which organisation, how long things hold, where a key stands.

Source: DOMAIN.md §1; the lifetimes are assumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from kernel.errors import Text
from ledger.keys.roles import Role

ORGANISATION, PERSON, CLIENT = "organisation", "person", "client"
"""Kinds of history entries."""

LINK_LIFETIME = timedelta(hours=24)
CEREMONY_LIFETIME = timedelta(minutes=5)
ORGANISATION_LIFETIME = timedelta(days=730)
ANSWER_LIFETIME = timedelta(hours=24)
"""How long the answer to a request with an Idempotency-Key is kept."""
MOST_KEYS = 8
"""Keys in use that one person or client may have."""

_POSSESSION = b"Piste proof of possession v1\x00"
_TOKEN = b"Piste token v1\x00"


class OrganisationKind(StrEnum):
    """What an organisation does here."""

    BROKER = "broker"
    COMMITTEE = "committee"
    CUSTOMS = "customs"
    COMMERCE_BUREAU = "commerce_bureau"
    ZONE_OPERATOR = "zone_operator"
    AUDITOR = "auditor"


KIND_WORDS: dict[OrganisationKind, Text] = {
    OrganisationKind.BROKER: Text("broker", "报关行"),
    OrganisationKind.COMMITTEE: Text("organizing committee", "组委会"),
    OrganisationKind.CUSTOMS: Text("customs", "海关"),
    OrganisationKind.COMMERCE_BUREAU: Text("commerce bureau", "商务局"),
    OrganisationKind.ZONE_OPERATOR: Text("zone, terminal or gate operator", "园区、场站或卡口经营者"),
    OrganisationKind.AUDITOR: Text("auditor", "审计机构"),
}

ROLES_OF_KIND: dict[OrganisationKind, Role] = {
    OrganisationKind.BROKER: Role.BROKER | Role.HOLDER,
    OrganisationKind.COMMITTEE: Role.COMMITTEE | Role.HOLDER | Role.WITNESS,
    OrganisationKind.CUSTOMS: (
        Role.DOCUMENTS_OFFICER
        | Role.INSPECTOR
        | Role.IMAGE_ANALYST
        | Role.RELEASING_OFFICER
        | Role.SUPERVISOR
        | Role.GATE
        | Role.INSTRUMENT
        | Role.SYSTEM
        | Role.WITNESS
    ),
    OrganisationKind.COMMERCE_BUREAU: Role.GATE | Role.LOG | Role.AUDITOR | Role.WITNESS,
    OrganisationKind.ZONE_OPERATOR: Role.GATE | Role.INSTRUMENT,
    OrganisationKind.AUDITOR: Role.AUDITOR | Role.WITNESS,
}
"""The most that an organisation of a kind may hold."""


class EntryState(StrEnum):
    """Where an entry into the consortium's register stands."""

    WAITING = "waiting"
    """Asked for; part of no change yet."""
    SIGNING = "signing"
    """Part of a change that collects signatures or is on its way to the chain."""
    ENTERED = "entered"
    REFUSED = "refused"
    """The contract refused it again and again, or it was dropped before anybody signed it."""


class KeyStanding(StrEnum):
    """Where a key stands between enrolment and the consortium's register."""

    SIGN_IN_ONLY = "sign_in_only"
    ENTERING = "entering"
    ACTIVE = "active"
    REFUSED = "refused"
    REVOKING = "revoking"
    REVOKED = "revoked"
    LAPSED = "lapsed"


STANDING_WORDS: dict[KeyStanding, Text] = {
    KeyStanding.SIGN_IN_ONLY: Text(
        "for signing in alone: you hold no deciding role", "仅供登录：您没有决定类角色"
    ),
    KeyStanding.ENTERING: Text(
        "being entered into the consortium register ({signed} of {required} signatures)",
        "正在登记到联盟名册（已签{signed}/{required}）",
    ),
    KeyStanding.ACTIVE: Text("in the register: it can sign", "已登记，可用于签署"),
    KeyStanding.REFUSED: Text("not taken into the register", "未能登记"),
    KeyStanding.REVOKING: Text(
        "being removed from the register ({signed} of {required} signatures)",
        "正在从名册注销（已签{signed}/{required}）",
    ),
    KeyStanding.REVOKED: Text("revoked", "已吊销"),
    KeyStanding.LAPSED: Text("its validity is over", "已过有效期"),
}


def key_standing(
    *,
    revoked_here: bool,
    entry: EntryState | None,
    in_register: bool,
    register_revoked: bool,
    valid_now: bool,
) -> KeyStanding:
    """Tell where a key stands.

    Args:
        revoked_here: Somebody asked for its revocation.
        entry: Where the wish for its entry stands; None where its holder has no role, so that none was asked for.
        in_register: The consortium's grant of it is final on the chain.
        register_revoked: The consortium's revocation of it is final on the chain.
        valid_now: The register's validity covers this moment.
    """
    never_entered = not in_register and entry in (None, EntryState.REFUSED)
    if register_revoked or (revoked_here and never_entered):
        return KeyStanding.REVOKED
    if revoked_here:
        return KeyStanding.REVOKING
    if in_register:
        return KeyStanding.ACTIVE if valid_now else KeyStanding.LAPSED
    if entry is None:
        return KeyStanding.SIGN_IN_ONLY
    return KeyStanding.REFUSED if entry is EntryState.REFUSED else KeyStanding.ENTERING


def roles_beyond(asked: Role, held: Role) -> Role:
    """Give the roles that are asked for but not held by whoever would pass them on."""
    return asked & ~held


def possession_digest(challenge: bytes, signer: bytes) -> bytes:
    """Give what a software key signs to prove that its owner holds it.

    It is no plain challenge: no server may get a statement's digest signed under the name of a proof.

    Args:
        challenge: 32 fresh bytes from the server.
        signer: The key's ERC-7913 bytes.
    """
    return hashlib.sha256(_POSSESSION + challenge + signer).digest()


def token_digest(token: str) -> bytes:
    """Give what is stored of a secret token; the token itself is known to its holder alone."""
    return hashlib.sha256(_TOKEN + token.encode()).digest()


def roles_from_names(names: Sequence[str]) -> Role:
    """Add up roles by their names in small letters.

    Raises:
        KeyError: There is no such role.
    """
    total = Role(0)
    for name in names:
        total |= Role[name.upper()]
    return total


def role_names(roles: Role) -> list[str]:
    """Give the names of roles in small letters, in the order of their bits."""
    return [role.name.lower() for role in Role if role & roles and role.name]
