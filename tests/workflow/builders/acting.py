"""Acting on cases as people and devices do, and answering as the ledger does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.errors import Text
from ledger.models import StatementRecord, StatementState
from ledger.refusals import Refusal
from tests.workflow.builders.parties import Actor
from tests.workflow.builders.proofs import place_record
from workflow.engine.cases import Case
from workflow.engine.context import Context
from workflow.engine.recording import CaseRecorder
from workflow.engine.registry import CaseKind, CaseKinds
from workflow.engine.schemas import ActionInput
from workflow.engine.steps import prepare_step, take_step

Given = TypeVar("Given", bound=ActionInput)
REFUSAL = Refusal(error_name="Made", values={}, words=Text("made up for the test", "测试拒绝"))


@dataclass(frozen=True)
class Stage:
    """Where a test acts: the context, and the kinds of case that it knows."""

    context: Context
    kinds: CaseKinds

    def sign(
        self,
        session: Session,
        actor: Actor,
        kind: CaseKind,
        case_id: UUID,
        event: str,
        given: ActionInput | None = None,
    ) -> Case:
        """Prepare a step, sign it and take it."""
        given = given or ActionInput()
        statement = prepare_step(session, self.context, actor.principal, kind, case_id, event, given)
        dated = given.model_copy(update={"signed_at": statement.signed_at})
        return take_step(
            session, self.context, actor.principal, kind, case_id, event, dated, actor.sign(statement)
        )

    def plain(
        self,
        session: Session,
        actor: Actor,
        kind: CaseKind,
        case_id: UUID,
        event: str,
        given: ActionInput | None = None,
    ) -> Case:
        """Take a step that needs no signature."""
        return take_step(
            session, self.context, actor.principal, kind, case_id, event, given or ActionInput(), None
        )

    def record(self, session: Session, case: Case) -> Case:
        """Answer as the ledger does when it has recorded the case's pending statement."""
        record = self._pending(session, case)
        record.state = StatementState.RECORDED
        place_record(session, self.context, record)
        CaseRecorder(self.context, self.kinds).recorded(session, record)
        session.flush()
        session.refresh(case)
        return case

    def refuse(self, session: Session, case: Case, refusal: Refusal = REFUSAL) -> Case:
        """Answer as the ledger does when a contract refused the case's pending statement."""
        record = self._pending(session, case)
        record.state = StatementState.REFUSED
        CaseRecorder(self.context, self.kinds).refused(session, record, refusal)
        session.flush()
        session.refresh(case)
        return case

    def go(
        self,
        session: Session,
        actor: Actor,
        kind: CaseKind,
        case_id: UUID,
        event: str,
        given: ActionInput | None = None,
    ) -> Case:
        """Take a signed step and have it recorded."""
        return self.record(session, self.sign(session, actor, kind, case_id, event, given))

    def _pending(self, session: Session, case: Case) -> StatementRecord:
        return session.scalars(
            select(StatementRecord).where(StatementRecord.digest == case.pending_statement)
        ).one()
