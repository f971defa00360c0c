"""How far the proof of a release has come: its note is written when the proof is whole."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.errors import Text
from ledger.models import StatementRecord, StatementState
from ledger.proofs.bundles import standing_of
from ledger.statements import ReleaseDecision
from workflow.engine.context import Context

NO_RECORD = Text("the ledger to record the decision", "账本记录该决定")


def note_waits_for(session: Session, context: Context, declaration_id: UUID) -> Text | None:
    """Say what the release note of a declaration still waits for; None where its proof is whole."""
    record = released_by(session, declaration_id)
    return NO_RECORD if record is None else waits_for(session, context, record)


def waits_for(session: Session, context: Context, record: StatementRecord) -> Text | None:
    """Say what the proof of a recorded release still waits for."""
    demanded = context.settings.witnesses_demanded
    return standing_of(session, record, witnesses=demanded).waits_for(demanded)


def released_by(session: Session, declaration_id: UUID) -> StatementRecord | None:
    """Find the recorded release of a declaration."""
    return session.scalar(
        select(StatementRecord)
        .where(
            StatementRecord.case_id == declaration_id,
            StatementRecord.primary_type == ReleaseDecision.primary_type,
            StatementRecord.state == StatementState.RECORDED,
        )
        .order_by(StatementRecord.id.desc())
        .limit(1)
    )
