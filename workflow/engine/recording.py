"""What a recorded or refused statement does to its case. Runs in the indexer's transaction, after finality."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.errors import Text
from ledger.keys.roles import Role
from ledger.models import StatementRecord
from ledger.refusals import Refusal
from workflow.engine.cases import Case, record_history
from workflow.engine.context import Context
from workflow.engine.decisions import uuid_of
from workflow.engine.life_cycle import Edge
from workflow.engine.principals import Principal
from workflow.engine.registry import CaseKind, CaseKinds, RecordedStep


class CaseRecorder:
    """Finishes the step that a statement stands for: the ledger's `StatementSink`."""

    def __init__(self, context: Context, kinds: CaseKinds) -> None:
        self._context = context
        self._kinds = kinds

    def recorded(self, session: Session, record: StatementRecord) -> None:
        """Take the edge: the decision is in force."""
        found = self._find(session, record)
        if found is None:
            return
        kind, case, edge = found
        step = _step(record)
        before, case.state = case.state, edge.target
        self._finish(
            session, kind, case, step, f"{edge.event}.recorded", before, Text(*record.intent["words"])
        )
        kind.recorded(session, self._context, case, step)

    def refused(self, session: Session, record: StatementRecord, refusal: Refusal) -> None:
        """Go back: the contract did not take it, so it did not happen."""
        found = self._find(session, record)
        if found is None:
            return
        kind, case, edge = found
        step = _step(record)
        before, case.state = case.state, edge.refused_state()
        words = Text(f"The ledger refused: {refusal.words.en}", f"账本拒绝：{refusal.words.zh}")
        self._finish(
            session, kind, case, step, f"{edge.event}.refused", before, words, {"error": refusal.error_name}
        )
        kind.refused(session, self._context, case, step, refusal.words)

    def _find(self, session: Session, record: StatementRecord) -> tuple[CaseKind, Case, Edge] | None:
        kind = self._kinds.get(record.case_kind)
        if kind is None:
            return None
        query = select(kind.model).where(kind.model.id == record.case_id).with_for_update()
        # Another case's follow-up may have loaded it before, unlocked; what counts is how it stands now.
        case = session.scalar(query.execution_options(populate_existing=True))
        if case is None or case.pending_statement != record.digest:
            return None
        source, event = record.intent["source"], record.intent["event"]
        edge = next(e for e in kind.life_cycle.edges if e.source == source and e.event == event)
        return kind, case, edge

    def _finish(
        self,
        session: Session,
        kind: CaseKind,
        case: Case,
        step: RecordedStep,
        event: str,
        before: str,
        words: Text,
        details: dict[str, Any] | None = None,
    ) -> None:
        case.pending_event = case.pending_statement = None
        case.updated_at = self._context.clock.now()
        record_history(
            session,
            self._context,
            step.by,
            case_kind=kind.kind,
            case_id=case.id,
            event=event,
            states=(before, case.state),
            words=words,
            details=details,
            statement=step.statement,
        )


def _step(record: StatementRecord) -> RecordedStep:
    intent = record.intent
    return RecordedStep(
        event=intent["event"],
        intent=intent,
        statement=record.digest,
        primary_type=record.primary_type,
        message=record.message,
        by=Principal(
            organisation_id=UUID(intent["organisation"]),
            roles=Role(0),
            person_id=uuid_of(intent, "person"),
            client_id=uuid_of(intent, "client"),
            name=intent["actor"],
        ),
    )
