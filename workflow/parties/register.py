"""The consortium's register as the parties see it: what is asked to be entered, and what stands in it.

Only the founding members' signatures change the register. Here their signatures are asked for; who gives them is the
members' own registrars (`registrar` for an embedded stack). What stands in the register is read from the ledger's
mirror, which holds final events alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.clock import unix
from ledger.consortium import THRESHOLD
from ledger.models import LedgerKey, LedgerOrganisation
from ledger.outbox import signatures_of, statement_by_digest
from ledger.statements import id_bytes
from workflow.engine.context import Context
from workflow.parties.models import Key, Organisation, RegisterEntry
from workflow.parties.rules import EntryState, KeyStanding, key_standing

ORGANISATION, GRANT, REVOCATION = "organisation", "grant", "revocation"


@dataclass(frozen=True)
class Standing:
    """Where a key stands, and how many founding members have signed what it waits for."""

    standing: KeyStanding
    signed: int
    required: int


def enter_organisation(session: Session, context: Context, organisation: Organisation) -> RegisterEntry:
    """Ask for an organisation's entry."""
    return _ask(
        session,
        RegisterEntry(
            kind=ORGANISATION,
            organisation_id=organisation.id,
            roles=organisation.roles,
            valid_from=organisation.valid_from,
            valid_until=organisation.valid_until,
            state=EntryState.WAITING,
            asked_at=context.clock.now(),
        ),
    )


def enter_key(session: Session, context: Context, key: Key, *, until: datetime) -> RegisterEntry:
    """Ask for a key's entry."""
    return _ask(
        session,
        RegisterEntry(
            kind=GRANT,
            organisation_id=key.organisation_id,
            officer_id=key.officer_id,
            key_id=key.key_id,
            signer=key.signer,
            roles=key.roles,
            valid_from=key.enrolled_at,
            valid_until=until,
            state=EntryState.WAITING,
            asked_at=context.clock.now(),
        ),
    )


def remove_key(session: Session, context: Context, key: Key) -> RegisterEntry | None:
    """Ask for a key's removal; an entry that nobody has signed yet is simply dropped.

    Returns:
        The entry; None where the key never came as far as a signature.
    """
    now = context.clock.now()
    granted = _latest(session, key.key_id, GRANT, lock=True)
    if granted is None or granted.state in (EntryState.WAITING, EntryState.REFUSED):
        if granted is not None:
            granted.state = EntryState.REFUSED
        return None
    return _ask(
        session,
        RegisterEntry(
            kind=REVOCATION,
            organisation_id=key.organisation_id,
            officer_id=key.officer_id,
            key_id=key.key_id,
            valid_from=now,
            valid_until=now,
            state=EntryState.WAITING,
            asked_at=now,
        ),
    )


def standing_of(session: Session, key: Key, *, now: datetime) -> Standing:
    """Tell where a key stands."""
    entered = session.get(LedgerKey, key.key_id)
    granted = _latest(session, key.key_id, GRANT)
    awaited = _latest(session, key.key_id, REVOCATION) if key.revoked_at else granted
    standing = key_standing(
        revoked_here=key.revoked_at is not None,
        entry=None if granted is None else EntryState(granted.state),
        in_register=entered is not None,
        register_revoked=entered is not None and entered.revoked_at_block is not None,
        valid_now=entered is not None and entered.valid_from <= unix(now) <= entered.valid_until,
    )
    return Standing(standing, _signatures(session, awaited), THRESHOLD)


def holds_organisation(session: Session, organisation_id: UUID) -> bool:
    """Tell whether the register holds an organisation."""
    return session.get(LedgerOrganisation, id_bytes(organisation_id)) is not None


def _ask(session: Session, entry: RegisterEntry) -> RegisterEntry:
    session.add(entry)
    session.flush()
    return entry


def _latest(session: Session, key_id: bytes, kind: str, *, lock: bool = False) -> RegisterEntry | None:
    query = (
        select(RegisterEntry)
        .where(RegisterEntry.key_id == key_id, RegisterEntry.kind == kind)
        .order_by(RegisterEntry.id.desc())
        .limit(1)
    )
    return session.scalar(query.with_for_update() if lock else query)


def _signatures(session: Session, entry: RegisterEntry | None) -> int:
    """Count the founding members that have signed the change that an entry is part of."""
    if entry is None or entry.change is None:
        return 0
    record = statement_by_digest(session, entry.change)
    return 0 if record is None else min(len(signatures_of(session, record)), THRESHOLD)
