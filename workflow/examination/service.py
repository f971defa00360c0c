"""Use cases of examination: what documents, holds and examinations make of a declaration.

Holds are in `holds`, examinations in `examinations`, instruments' readings in `readings`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.documents.comparison import compare_document
from inspection.documents.schema import Finding, ReadDocument
from kernel.errors import Text
from ledger.evidence.log import append_leaf
from ledger.proofs.content import seal
from workflow.certificates import service as certificates
from workflow.declarations import service as declarations
from workflow.engine.cases import move
from workflow.engine.context import Context
from workflow.engine.life_cycle import SYSTEM
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.engine.registry import CaseKind, RecordedStep
from workflow.examination.examinations import (
    decide_examination,
    examinations_of,
    examinations_query,
    get_examination,
    inspectors_of,
    isolate,
    open_examination,
    order_examination,
    readings_of,
    step_if_possible,
)
from workflow.examination.goods import certified_goods
from workflow.examination.holds import (
    amendment_is_due,
    check_no_hold,
    decide_hold,
    get_hold,
    holds_of,
    holds_query,
    note_signed_disposition,
    open_hold,
    open_holds,
    undo_refused_disposition,
)
from workflow.examination.models import DocumentFinding, Examination, Hold
from workflow.examination.rules import (
    EXAMINATION,
    EXAMINATION_LIFE_CYCLE,
    HOLD,
    HOLD_LIFE_CYCLE,
    Anomaly,
    Disposition,
    anomaly_of,
)
from workflow.examination.schemas import ExaminationAction, HoldAction

__all__ = [
    "check_no_hold",
    "examinations_of",
    "examinations_query",
    "get_examination",
    "get_hold",
    "holds_of",
    "holds_query",
    "inspectors_of",
    "open_examination",
    "open_hold",
    "open_holds",
    "order_examination",
    "readings_of",
]
Declaration = declarations.Declaration
LIFTED_BY_EXAMINATION = frozenset({Anomaly.RADIATION, Anomaly.GOODS_NOT_CONFORM})


def document_was_read(session: Session, context: Context, declaration_id: UUID, document_id: UUID) -> None:
    """Have a declaration's documents compared once one of them was read; one that was asked for has come in."""
    declaration = declarations.get_declaration(session, SYSTEM_PRINCIPAL, declaration_id, lock=True)
    if declaration.state == "documents_required" and not amendment_is_due(session, declaration):
        step_if_possible(session, context, declaration, "supply", Text("Documents came in", "单证已补"))
    declarations.ask_for_comparison(session, context, declaration, because_of=document_id)


def compare_letter(
    session: Session, context: Context, certificate_id: UUID, document_id: UUID, letter: ReadDocument
) -> None:
    """Compare the scan of a certificate's letter with its goods list, for the eyes of committee and customs."""
    certificate = certificates.get_certificate(session, SYSTEM_PRINCIPAL, certificate_id)
    goods = certified_goods(certificates.content_of(certificate))
    store_findings(
        session,
        context,
        case_kind=certificates.KIND,
        case_id=certificate_id,
        version=certificate.version,
        document_id=document_id,
        findings=compare_document(letter, goods),
    )


def store_findings(
    session: Session,
    context: Context,
    *,
    case_kind: str,
    case_id: UUID,
    version: int,
    document_id: UUID,
    findings: Sequence[Finding],
) -> None:
    """Store what comparing a document gave, as evidence."""
    now = context.clock.now()
    for finding in findings:
        data = finding.to_json()
        session.add(
            DocumentFinding(
                case_kind=case_kind,
                case_id=case_id,
                version=version,
                document_id=document_id,
                code=finding.code,
                severity=finding.severity,
                line=finding.line_no,
                message_en=finding.message.en[:500],
                message_zh=finding.message.zh[:500],
                data=data,
                found_at=now,
            )
        )
    whole = seal(
        {"document": str(document_id), "findings": [f.to_json() for f in findings]}, secrets.token_bytes(32)
    )
    append_leaf(session, kind="findings", subject=case_id, content_hash=whole.root, now=now)


def findings_of(
    session: Session, case_kind: str, case_id: UUID, version: int | None = None
) -> list[DocumentFinding]:
    """List the findings of a case, of one version where given."""
    query = select(DocumentFinding).where(
        DocumentFinding.case_kind == case_kind, DocumentFinding.case_id == case_id
    )
    if version is not None:
        query = query.where(DocumentFinding.version == version)
    return list(session.scalars(query.order_by(DocumentFinding.id)))


def conclude_comparison(
    session: Session, context: Context, declaration: Declaration, findings: Sequence[Finding]
) -> None:
    """Hold the declaration where its documents contradict it, or let it go on where they agree."""
    anomalies: dict[Anomaly, list[Finding]] = {}
    for finding in findings:
        anomaly = anomaly_of(finding.code, finding.severity)
        if anomaly is not None:
            anomalies.setdefault(anomaly, []).append(finding)
    if anomalies and not _explained(session, declaration, set(anomalies)):
        told = [finding for group in anomalies.values() for finding in group]
        open_hold(
            session,
            context,
            declaration,
            tuple(anomalies),
            Text(" ".join(f.message.en for f in told), "".join(f.message.zh for f in told)),
            {"findings": [finding.to_json() for finding in told]},
        )
        return
    clear_when_nothing_holds(session, context, declaration)


def _explained(session: Session, declaration: Declaration, anomalies: set[Anomaly]) -> bool:
    """Whether an officer already lifted a hold over the same anomalies on this version."""
    decided = session.scalars(
        select(Hold).where(
            Hold.declaration_id == declaration.id,
            Hold.version == declaration.version,
            Hold.disposition == Disposition.RELEASE,
            Hold.state == "decided",
        )
    )
    return any(anomalies <= set(hold.kinds()) for hold in decided)


def clear_when_nothing_holds(session: Session, context: Context, declaration: Declaration) -> None:
    """Let a declaration under examination of documents go on when no hold is open."""
    if not open_holds(session, declaration.id):
        words = Text("Documents agree; guarantee confirmed", "单证相符，担保已确认")
        step_if_possible(session, context, declaration, "clear_documents", words)


def follow_disposition(session: Session, context: Context, hold: Hold, step: RecordedStep) -> None:
    """Do what the recorded disposition says."""
    chosen = Disposition(step.intent["disposition"])
    hold.disposition = int(chosen)
    declaration = declarations.get_declaration(session, SYSTEM_PRINCIPAL, hold.declaration_id, lock=True)
    words = Text(f"Decided: {chosen.words.en}", f"处置：{chosen.words.zh}")
    if chosen is Disposition.RELEASE:
        clear_when_nothing_holds(session, context, declaration)
    elif chosen in {Disposition.RELEASE_WITH_AMENDMENT, Disposition.SUPPLEMENT_DOCUMENTS}:
        step_if_possible(session, context, declaration, "require_documents", words)
    elif chosen in {Disposition.RE_EXAMINE, Disposition.SAMPLE_AND_HOLD, Disposition.SEAL_AND_ISOLATE}:
        order_examination(session, context, declaration, words, radiation=Anomaly.RADIATION in hold.kinds())
    else:
        step_if_possible(session, context, declaration, "detain", words)


def follow_report(session: Session, context: Context, examination: Examination, step: RecordedStep) -> None:
    """Do what the recorded report says: lift what it explains, or hold what does not conform."""
    examination.result, examination.sequence = step.intent["result"], step.intent["sequence"]
    examination.inspector_id = step.by.officer_id
    declaration = declarations.get_declaration(
        session, SYSTEM_PRINCIPAL, examination.declaration_id, lock=True
    )
    words = Text(*step.intent["words"])
    if examination.result != "conform":
        open_hold(
            session,
            context,
            declaration,
            (Anomaly.GOODS_NOT_CONFORM,),
            words,
            {"examination": str(examination.id), "verdict": examination.verdict},
        )
        return
    for hold in open_holds(session, declaration.id):
        if hold.pending_event is None and set(hold.kinds()) <= LIFTED_BY_EXAMINATION:
            edge = HOLD_LIFE_CYCLE.edge(hold.state, "lift", SYSTEM)
            move(session, context, SYSTEM_PRINCIPAL, hold, edge, case_kind=HOLD, words=words)
    step_if_possible(session, context, declaration, "conclude_conform", words)
    declarations.ask_for_comparison(session, context, declaration)


HOLDS = CaseKind(
    kind=HOLD,
    model=Hold,
    life_cycle=HOLD_LIFE_CYCLE,
    load=get_hold,
    decide=decide_hold,
    action_input=HoldAction,
    signed=note_signed_disposition,
    recorded=follow_disposition,
    refused=undo_refused_disposition,
)
EXAMINATIONS = CaseKind(
    kind=EXAMINATION,
    model=Examination,
    life_cycle=EXAMINATION_LIFE_CYCLE,
    load=get_examination,
    decide=decide_examination,
    action_input=ExaminationAction,
    plain=isolate,
    recorded=follow_report,
)
