"""Examinations of goods: ordered, isolated where radiation is the reason, reported by an inspector."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from kernel.clock import unix
from kernel.errors import Text
from ledger.proofs.content import seal
from ledger.statements import ExaminationReport, id_bytes
from workflow.declarations import service as declarations
from workflow.engine.cases import move, record_history
from workflow.engine.context import Context
from workflow.engine.decisions import Decision
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.registry import StepInput
from workflow.engine.sealing import SealedDocument
from workflow.engine.tenancy import get_visible, visible
from workflow.examination.models import Examination, InstrumentReading
from workflow.examination.rules import (
    EXAMINATION,
    EXAMINATION_LIFE_CYCLE,
    IsolationNotNeeded,
    ResultMissing,
    SecondMeasurementMissing,
    VerdictForbidsConform,
)
from workflow.examination.schemas import ExaminationAction

Declaration = declarations.Declaration
CONFORM, NOT_CONFORM = 1, 2


def order_examination(
    session: Session, context: Context, declaration: Declaration, why: Text, *, radiation: bool
) -> Examination:
    """Order an examination: the declaration turns red. One open examination a declaration."""
    declarations.redden(declaration)
    step_if_possible(session, context, declaration, "order_examination", why)
    existing = open_examination(session, declaration.id)
    if existing is not None:
        return existing
    now = context.clock.now()
    examination = Examination(
        id=context.ids.new(),
        organisation_id=declaration.organisation_id,
        state=EXAMINATION_LIFE_CYCLE.initial,
        created_at=now,
        updated_at=now,
        declaration_id=declaration.id,
        version=declaration.version,
        radiation=radiation,
        why_en=why.en[:1000],
        why_zh=why.zh[:1000],
        seed=secrets.token_bytes(32),
    )
    session.add(examination)
    record_history(
        session,
        context,
        SYSTEM_PRINCIPAL,
        case_kind=EXAMINATION,
        case_id=examination.id,
        event="ordered",
        states=("ordered", "ordered"),
        words=why,
    )
    session.flush()
    return examination


def examinations_query(principal: Principal, *, state: str | None = None) -> Select[Any]:
    """Give the query of the examinations that the principal may know of."""
    query = visible(select(Examination), Examination, principal)
    return query.where(Examination.state == state) if state else query


def open_examination(session: Session, declaration_id: UUID) -> Examination | None:
    """Give the examination of a declaration that is not reported yet."""
    return session.scalar(
        select(Examination).where(
            Examination.declaration_id == declaration_id, Examination.state != "reported"
        )
    )


def examinations_of(session: Session, declaration_id: UUID) -> list[Examination]:
    """List every examination of a declaration, oldest first."""
    query = select(Examination).where(Examination.declaration_id == declaration_id)
    return list(session.scalars(query.order_by(Examination.created_at)))


def get_examination(
    session: Session, principal: Principal, examination_id: UUID, *, lock: bool = False
) -> Examination:
    """Load an examination. Raises `NotFound`."""
    return get_visible(session, Examination, examination_id, principal, lock=lock)


def inspectors_of(session: Session, declaration_id: UUID) -> set[UUID]:
    """Name everybody who reported on the goods of a declaration."""
    query = select(Examination.inspector_id).where(
        Examination.declaration_id == declaration_id, Examination.inspector_id.is_not(None)
    )
    return {inspector for inspector in session.scalars(query) if inspector is not None}


def isolate(session: Session, context: Context, examination: Examination, step: StepInput) -> None:
    """Note that the goods stand apart.

    Raises:
        IsolationNotNeeded: The examination has nothing to do with radiation.
    """
    if not examination.radiation:
        raise IsolationNotNeeded
    examination.isolated_at = context.clock.now()
    move(
        session, context, step.principal, examination, step.edge, case_kind=EXAMINATION, words=step.edge.label
    )


def decide_examination(
    session: Session, context: Context, examination: Examination, step: StepInput
) -> Decision:
    """Build the report that the inspector is to sign.

    Raises:
        ResultMissing: The report does not say whether the goods conform.
        SecondMeasurementMissing: Goods that rang the portal were not isolated and measured again.
        VerdictForbidsConform: The second measurement exceeds the limit.
    """
    del context
    given = step.given
    if not isinstance(given, ExaminationAction) or given.result is None:
        raise ResultMissing
    if examination.radiation:
        _check_second_measurement(examination, given.result)
    reported = session.scalar(
        select(func.coalesce(func.max(Examination.sequence), 0)).where(
            Examination.declaration_id == examination.declaration_id, Examination.state == "reported"
        )
    )
    sequence = (reported or 0) + 1
    evidence = {"examination": str(examination.id), "result": given.result, "verdict": examination.verdict}
    words = (
        Text("Examined: conform", "查验相符")
        if given.result == "conform"
        else Text("Examined: not conform", "查验不符")
    )
    if given.reason:
        words = Text(f"{words.en}: {given.reason}", f"{words.zh}：{given.reason}")
    return Decision(
        case_kind=EXAMINATION,
        edge=step.edge,
        statement=ExaminationReport(
            declaration=id_bytes(examination.declaration_id),
            version=examination.version,
            sequence=sequence,
            result=CONFORM if given.result == "conform" else NOT_CONFORM,
            evidence_hash=seal(evidence, examination.seed).root,
            signed_at=unix(step.signed_at),
        ),
        words=words,
        sealed=(SealedDocument(evidence, examination.seed),),
        details={"result": given.result},
        intent={"result": given.result, "sequence": sequence},
    )


def _check_second_measurement(examination: Examination, result: str) -> None:
    verdict = (examination.verdict or {}).get("verdict")
    if examination.state != "isolated" or verdict not in {"within_limit", "exceeds_limit"}:
        raise SecondMeasurementMissing
    if result == "conform" and verdict != "within_limit":
        raise VerdictForbidsConform


def readings_of(session: Session, principal: Principal, declaration_id: UUID) -> list[InstrumentReading]:
    """List the readings of a declaration that the principal may know of, oldest first."""
    query = visible(select(InstrumentReading), InstrumentReading, principal)
    return list(
        session.scalars(
            query.where(InstrumentReading.declaration_id == declaration_id).order_by(
                InstrumentReading.created_at
            )
        )
    )


def step_if_possible(
    session: Session, context: Context, declaration: Declaration, event: str, words: Text
) -> None:
    """Take a step if the declaration's state knows it; while a signed step waits, the follow-up comparison retries."""
    if declaration.pending_event is None and event in declarations.LIFE_CYCLE.possible(declaration.state):
        declarations.system_step(session, context, declaration, event, words)
