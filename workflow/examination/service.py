"""Use cases of examination: compare documents, hold, order and report examinations, decide from the table."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from inspection.documents.comparison import compare_document
from inspection.documents.schema import Finding, ReadDocument
from kernel.clock import unix
from kernel.errors import Text
from ledger.content import seal
from ledger.evidence import append_leaf
from ledger.statements import Disposition as DispositionStatement
from ledger.statements import ExaminationReport, id_bytes
from workflow.certificates import service as certificates
from workflow.declarations import service as declarations
from workflow.engine.cases import move, record_history
from workflow.engine.context import Context
from workflow.engine.decisions import Decision
from workflow.engine.life_cycle import SYSTEM
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.refusals import ReasonMissing
from workflow.engine.registry import CaseKind, RecordedStep, StepInput
from workflow.engine.tenancy import get_visible, visible
from workflow.examination.goods import certified_goods
from workflow.examination.models import DocumentFinding, Examination, Hold, InstrumentReading
from workflow.examination.rules import (
    EXAMINATION,
    EXAMINATION_LIFE_CYCLE,
    HOLD,
    HOLD_LIFE_CYCLE,
    Anomaly,
    Disposition,
    HoldOpen,
    IsolationNotNeeded,
    ResultMissing,
    SecondMeasurementMissing,
    VerdictForbidsConform,
    anomaly_of,
    check_disposition,
)
from workflow.examination.schemas import ExaminationAction, HoldAction

Declaration = declarations.Declaration
CONFORM, NOT_CONFORM = 1, 2


# ------------------------------------------------------------------------------------- documents and what they say


def documents_changed(session: Session, context: Context, declaration_id: UUID) -> None:
    """Have a declaration's documents compared once one of them was read."""
    declaration = declarations.get_declaration(session, SYSTEM_PRINCIPAL, declaration_id)
    declarations.ask_for_comparison(session, context, declaration)


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
        _step_if_possible(session, context, declaration, "clear_documents", words)


# -------------------------------------------------------------------------------------------------------- holds


def open_hold(
    session: Session,
    context: Context,
    declaration: Declaration,
    anomalies: tuple[Anomaly, ...],
    why: Text,
    evidence: dict[str, Any],
) -> Hold:
    """Hold the goods of a declaration and say why; one open hold per set of anomalies and version."""
    for existing in open_holds(session, declaration.id):
        if set(existing.kinds()) == set(anomalies) and existing.version == declaration.version:
            return existing
    now = context.clock.now()
    seed = secrets.token_bytes(32)
    hold = Hold(
        id=context.ids.new(),
        organisation_id=declaration.organisation_id,
        state=HOLD_LIFE_CYCLE.initial,
        created_at=now,
        updated_at=now,
        declaration_id=declaration.id,
        version=declaration.version,
        anomalies=[int(anomaly) for anomaly in anomalies],
        why_en=why.en[:1000],
        why_zh=why.zh[:1000],
        evidence=evidence,
        seed=seed,
        evidence_hash=seal(evidence, seed).root,
    )
    session.add(hold)
    append_leaf(session, kind="hold", subject=declaration.id, content_hash=hold.evidence_hash, now=now)
    for kind, case_id, state in (
        (HOLD, hold.id, "open"),
        (declarations.KIND, declaration.id, declaration.state),
    ):
        record_history(
            session,
            context,
            SYSTEM_PRINCIPAL,
            case_kind=kind,
            case_id=case_id,
            event="held",
            states=(state, state),
            words=Text(f"Held: {why.en}", f"布控：{why.zh}"),
            details={"hold": str(hold.id), "anomalies": [anomaly.name.lower() for anomaly in anomalies]},
        )
    session.flush()
    return hold


def holds_query(principal: Principal, *, state: str | None = None) -> Select[Any]:
    """Give the query of the holds that the principal may know of."""
    query = visible(select(Hold), Hold, principal)
    return query.where(Hold.state == state) if state else query


def open_holds(session: Session, declaration_id: UUID) -> list[Hold]:
    """List what holds a declaration now."""
    query = select(Hold).where(Hold.declaration_id == declaration_id, Hold.state == "open")
    return list(session.scalars(query.order_by(Hold.created_at)))


def holds_of(session: Session, declaration_id: UUID) -> list[Hold]:
    """List every hold of a declaration, oldest first."""
    query = select(Hold).where(Hold.declaration_id == declaration_id)
    return list(session.scalars(query.order_by(Hold.created_at)))


def check_no_hold(session: Session, declaration_id: UUID) -> None:
    """Refuse to go on while something holds the goods.

    Raises:
        HoldOpen: Something does.
    """
    holds = open_holds(session, declaration_id)
    if holds:
        raise HoldOpen(why="; ".join(h.why_en for h in holds), why_zh="；".join(h.why_zh for h in holds))


def decide_hold(session: Session, context: Context, hold: Hold, step: StepInput) -> Decision:
    """Build the disposition that an officer is to sign.

    Raises:
        DispositionNotAllowed: The table does not offer it for this hold.
        ReasonMissing: A decision says why.
    """
    del context
    given = step.given
    if not isinstance(given, HoldAction):
        raise TypeError(given)
    chosen = given.chosen()
    check_disposition(hold.options(), chosen)
    if not given.reason:
        raise ReasonMissing
    sequence = _next_sequence(session, hold)
    return Decision(
        case_kind=HOLD,
        edge=step.edge,
        statement=DispositionStatement(
            declaration=id_bytes(hold.declaration_id),
            version=hold.version,
            sequence=sequence,
            outcome=int(chosen),
            evidence_hash=hold.evidence_hash,
            signed_at=unix(step.signed_at),
        ),
        words=Text(f"{chosen.words.en}: {given.reason}", f"{chosen.words.zh}：{given.reason}"),
        details={"disposition": given.disposition, "reason": given.reason},
        intent={"disposition": int(chosen), "sequence": sequence},
    )


def note_signed_disposition(session: Session, context: Context, hold: Hold, step: StepInput) -> None:
    """Keep the place that the signed disposition took, so that the next one on this declaration takes another."""
    del context
    hold.sequence = _next_sequence(session, hold)
    hold.decided_by = step.principal.officer_id


def _next_sequence(session: Session, hold: Hold) -> int:
    query = select(func.max(Hold.sequence)).where(Hold.declaration_id == hold.declaration_id)
    return (session.scalar(query) or 0) + 1


def follow_disposition(session: Session, context: Context, hold: Hold, step: RecordedStep) -> None:
    """Do what the recorded disposition says."""
    chosen = Disposition(step.intent["disposition"])
    hold.disposition = int(chosen)
    declaration = declarations.get_declaration(session, SYSTEM_PRINCIPAL, hold.declaration_id, lock=True)
    words = Text(f"Decided: {chosen.words.en}", f"处置：{chosen.words.zh}")
    if chosen is Disposition.RELEASE:
        clear_when_nothing_holds(session, context, declaration)
    elif chosen in {Disposition.RELEASE_WITH_AMENDMENT, Disposition.SUPPLEMENT_DOCUMENTS}:
        _step_if_possible(session, context, declaration, "require_documents", words)
    elif chosen in {Disposition.RE_EXAMINE, Disposition.SAMPLE_AND_HOLD, Disposition.SEAL_AND_ISOLATE}:
        order_examination(session, context, declaration, words, radiation=Anomaly.RADIATION in hold.kinds())
    else:
        _step_if_possible(session, context, declaration, "detain", words)


def undo_refused_disposition(
    session: Session, context: Context, hold: Hold, step: RecordedStep, words: Text
) -> None:
    """Forget a refused disposition; the hold is open as before."""
    del session, context, step, words
    hold.sequence = hold.decided_by = None


# ------------------------------------------------------------------------------------------------- examinations


def order_examination(
    session: Session, context: Context, declaration: Declaration, why: Text, *, radiation: bool
) -> Examination:
    """Order an examination: the declaration turns red. One open examination a declaration."""
    declarations.redden(declaration)
    _step_if_possible(session, context, declaration, "order_examination", why)
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
        details={"result": given.result},
        intent={"result": given.result, "sequence": sequence},
    )


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
        if hold.pending_event is None and set(hold.kinds()) <= _LIFTED_BY_EXAMINATION:
            edge = HOLD_LIFE_CYCLE.edge(hold.state, "lift", SYSTEM)
            move(session, context, SYSTEM_PRINCIPAL, hold, edge, case_kind=HOLD, words=words)
    _step_if_possible(session, context, declaration, "conclude_conform", words)
    declarations.ask_for_comparison(session, context, declaration)


_LIFTED_BY_EXAMINATION = {Anomaly.RADIATION, Anomaly.GOODS_NOT_CONFORM}


def _check_second_measurement(examination: Examination, result: str) -> None:
    verdict = (examination.verdict or {}).get("verdict")
    if examination.state != "isolated" or verdict not in {"within_limit", "exceeds_limit"}:
        raise SecondMeasurementMissing
    if result == "conform" and verdict != "within_limit":
        raise VerdictForbidsConform


def _step_if_possible(
    session: Session, context: Context, declaration: Declaration, event: str, words: Text
) -> None:
    """Take a step if the declaration's state knows it; while a signed step waits, the follow-up comparison retries."""
    if declaration.pending_event is None and event in declarations.LIFE_CYCLE.possible(declaration.state):
        declarations.system_step(session, context, declaration, event, words)


def get_hold(session: Session, principal: Principal, hold_id: UUID, *, lock: bool = False) -> Hold:
    """Load a hold. Raises `NotFound`."""
    return get_visible(session, Hold, hold_id, principal, lock=lock)


def get_examination(
    session: Session, principal: Principal, examination_id: UUID, *, lock: bool = False
) -> Examination:
    """Load an examination. Raises `NotFound`."""
    return get_visible(session, Examination, examination_id, principal, lock=lock)


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
