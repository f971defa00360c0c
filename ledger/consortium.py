"""Changes of the consortium: organisations admitted, keys granted and revoked, by signatures of founding members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.chain.deployment import Deployment
from ledger.keys.roles import Role
from ledger.keys.signing import Signer, sign_with
from ledger.models import ChainEvent, StatementRecord, StatementState
from ledger.outbox import enqueue_statement
from ledger.statements import ConsortiumChange, KeyGrant, Organisation, digest, id_bytes

CASE_KIND = "consortium"
CONSORTIUM_CASE = UUID("636f6e73-6f72-8469-b56d-000000000000")
"""The case that all changes belong to, so that they go to the chain one after the other."""
FOR_EVER = (1 << 64) - 1


@dataclass(frozen=True)
class Founder:
    """A founding member of an embedded stack's consortium."""

    name: str
    organisation: UUID


FOUNDERS = (
    Founder("organising-committee", UUID("70697374-6500-8000-8000-000000000001")),
    Founder("customs", UUID("70697374-6500-8000-8000-000000000002")),
    Founder("commerce-bureau", UUID("70697374-6500-8000-8000-000000000003")),
)
THRESHOLD = 2


def organisation(
    identifier: UUID, roles: Role, *, valid_from: int = 0, valid_until: int = FOR_EVER
) -> Organisation:
    """Describe an organisation's place in the consortium; times in Unix seconds."""
    return Organisation(id_bytes(identifier), int(roles), valid_from, valid_until)


def key_grant(
    organisation_id: UUID,
    officer: UUID,
    signer: bytes,
    roles: Role,
    *,
    valid_from: int = 0,
    valid_until: int = FOR_EVER,
) -> KeyGrant:
    """Describe a key given to an officer, a client or a device; times in Unix seconds."""
    return KeyGrant(id_bytes(organisation_id), id_bytes(officer), signer, int(roles), valid_from, valid_until)


def next_sequence(session: Session) -> int:
    """Give the number of the next change: one more than any on the chain or on its way there."""
    queued = session.scalar(
        select(StatementRecord.subject)
        .where(
            StatementRecord.primary_type == ConsortiumChange.primary_type,
            StatementRecord.state != StatementState.REFUSED,
        )
        .order_by(StatementRecord.subject.desc())
        .limit(1)
    )
    seen = session.scalar(
        select(ChainEvent.subject)
        .where(ChainEvent.contract == ConsortiumChange.contract, ChainEvent.name == "StatementRecorded")
        .order_by(ChainEvent.subject.desc())
        .limit(1)
    )
    return 1 + max(int.from_bytes(subject or b"", "big") for subject in (queued, seen))


def enqueue_change(
    session: Session,
    deployment: Deployment,
    *,
    organisations: Sequence[Organisation] = (),
    grants: Sequence[KeyGrant] = (),
    revocations: Sequence[bytes] = (),
    founders: Sequence[Signer],
    intent: dict[str, Any] | None = None,
    now: datetime,
) -> StatementRecord:
    """Write the next change into the caller's transaction, signed by founding members.

    A change that is refused takes those queued behind it with it, since their numbers then leave a gap;
    make them anew.

    Args:
        session: The transaction.
        deployment: Where the contracts stand.
        organisations: Admitted, or changed where already known.
        grants: Keys granted, or renewed for the same officer.
        revocations: Ids of keys that are void from now on.
        founders: As many founding members as the threshold says.
        intent: For the sink.
        now: The present moment.
    """
    change = ConsortiumChange(next_sequence(session), tuple(organisations), tuple(grants), tuple(revocations))
    name = digest(change, deployment)
    return enqueue_statement(
        session,
        change,
        deployment,
        signatures=[sign_with(founder, name) for founder in founders],
        required=len(founders),
        case_kind=CASE_KIND,
        case_id=CONSORTIUM_CASE,
        intent=intent or {},
        now=now,
    )
