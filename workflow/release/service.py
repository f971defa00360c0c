"""Use cases of release: decide, countersign, retract, and the papers that follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.clock import unix
from kernel.errors import NotPermitted, Text
from kernel.jobs import add_job
from ledger.models import StatementRecord
from ledger.outbox import withdraw_collecting
from ledger.statements import ReleaseDecision, id_bytes
from workflow.certificates import service as certificates
from workflow.declarations import service as declarations
from workflow.documents import service as documents
from workflow.engine.cases import check_revision, record_history
from workflow.engine.context import Context
from workflow.engine.decisions import Decision, accept_second, prepared
from workflow.engine.life_cycle import names_of
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.registry import StepInput
from workflow.engine.schemas import PreparedStatement, SignatureInput
from workflow.engine.sealing import SealedDocument
from workflow.examination import service as examination
from workflow.release.rules import (
    RELEASE_OUTCOME,
    SECOND_SIGNERS,
    Channel,
    ExaminationOutstanding,
    InspectorMayNotRelease,
    NothingToCountersign,
    SecondSignerIsFirst,
)

NOTE_TASK = "release.write_note"
CERTIFICATE_TASK = "release.write_certificate_copy"
EVENT = "release"
NO_RULE = bytes(32)
"""A person releases: no rule of the green channel."""
Declaration = declarations.Declaration


def decide_release(session: Session, context: Context, declaration: Declaration, step: StepInput) -> Decision:
    """Build the release decision that an officer is to sign.

    Raises:
        HoldOpen: Something holds the goods.
        InspectorMayNotRelease: The officer examined the goods.
        ExaminationOutstanding: The red channel has no conforming report.
    """
    check_releasable(session, declaration, step.principal)
    channel = Channel[declaration.channel.upper()]
    evidence = SealedDocument(evidence_of(session, declaration), declaration.seed)
    return Decision(
        case_kind=declarations.KIND,
        edge=step.edge,
        statement=ReleaseDecision(
            declaration=id_bytes(declaration.id),
            version=declaration.version,
            content_hash=declaration.content_hash,
            channel=int(channel),
            outcome=RELEASE_OUTCOME,
            rule=NO_RULE,
            evidence_hash=evidence.root,
            decide_by=unix(step.signed_at + timedelta(hours=context.settings.decision_hours)),
            signed_at=unix(step.signed_at),
        ),
        words=certificates.step_words(step.edge, step.given.reason),
        details={"channel": declaration.channel},
        intent={"channel": declaration.channel},
        required=channel.signatures,
        signing_roles=step.edge.who,
        arguments={"items": len(certificates.draws_of(session, declaration.id))},
        sealed=(evidence,),
    )


def evidence_of(session: Session, declaration: Declaration) -> dict[str, Any]:
    """Gather what a release rests on: documents, findings, readings, examinations, holds. Sealed into the decision."""
    return {
        "documents": documents.document_digests(session, declarations.KIND, declaration.id),
        "findings": [
            {
                "document": str(finding.document_id),
                "code": finding.code,
                "severity": finding.severity,
                "line": finding.line,
            }
            for finding in examination.findings_of(
                session, declarations.KIND, declaration.id, declaration.version
            )
        ],
        "readings": [
            reading.statement.hex()
            for reading in examination.readings_of(session, SYSTEM_PRINCIPAL, declaration.id)
        ],
        "examinations": [
            {"sequence": done.sequence, "result": done.result, "verdict": done.verdict}
            for done in examination.examinations_of(session, declaration.id)
        ],
        "holds": [
            {"hold": str(hold.id), "state": hold.state, "disposition": hold.disposition}
            for hold in examination.holds_of(session, declaration.id)
        ],
    }


def check_releasable(session: Session, declaration: Declaration, principal: Principal) -> None:
    """Check every guard of a release, for the first and for the second officer.

    Raises:
        HoldOpen, InspectorMayNotRelease, ExaminationOutstanding: As they say.
    """
    examination.check_no_hold(session, declaration.id)
    if principal.officer_id in examination.inspectors_of(session, declaration.id):
        raise InspectorMayNotRelease
    if declaration.channel == "red":
        done = [one for one in examination.examinations_of(session, declaration.id) if one.result is not None]
        if not done or done[-1].result != "conform":
            raise ExaminationOutstanding


def waiting_release(session: Session, declaration: Declaration) -> StatementRecord | None:
    """Give the release that waits for a second officer, if there is one."""
    if declaration.pending_event != EVENT:
        return None
    record = session.scalar(
        select(StatementRecord).where(StatementRecord.digest == declaration.pending_statement)
    )
    return record if record is not None and record.state == "collecting" else None


def may_countersign(session: Session, declaration: Declaration, principal: Principal) -> bool:
    """Tell whether this principal could sign second now."""
    record = waiting_release(session, declaration)
    return (
        record is not None
        and bool(principal.roles & SECOND_SIGNERS)
        and record.intent["officer"] != str(principal.officer_id)
        and principal.officer_id not in examination.inspectors_of(session, declaration.id)
    )


def may_retract(session: Session, declaration: Declaration, principal: Principal) -> bool:
    """Tell whether this principal could take back a release that waits for a second signature."""
    record = waiting_release(session, declaration)
    return record is not None and record.intent["officer"] == str(principal.officer_id)


def prepare_countersign(
    session: Session, context: Context, principal: Principal, declaration_id: UUID
) -> PreparedStatement:
    """Give the very statement that the first officer signed.

    Raises:
        NothingToCountersign, NotPermitted, SecondSignerIsFirst, HoldOpen, InspectorMayNotRelease: As they say.
    """
    declaration = declarations.get_declaration(session, principal, declaration_id)
    record = _to_countersign(session, declaration, principal)
    statement = record.statement()
    return prepared(context, statement, _signed_at(record))


def countersign(
    session: Session,
    context: Context,
    principal: Principal,
    declaration_id: UUID,
    signature: SignatureInput,
    *,
    seen: int | None = None,
) -> Declaration:
    """Sign a release as the second officer; it goes to the ledger then.

    Raises:
        RevisionStale: The case changed.
        NothingToCountersign, NotPermitted, SecondSignerIsFirst, HoldOpen, InspectorMayNotRelease: As they say.
        Key…, Signature…: The signature is no good.
    """
    declaration = declarations.get_declaration(session, principal, declaration_id, lock=True)
    check_revision(declaration, seen)
    record = _to_countersign(session, declaration, principal)
    accept_second(
        session,
        context,
        principal,
        declaration,
        record,
        signature,
        case_kind=declarations.KIND,
        roles=SECOND_SIGNERS,
        words=Text("Release countersigned", "放行复核签署"),
    )
    session.flush()
    return declaration


def retract(
    session: Session, context: Context, principal: Principal, declaration_id: UUID, *, seen: int | None = None
) -> Declaration:
    """Take a release back that no second officer has signed yet; only who signed it may.

    Raises:
        RevisionStale, NothingToCountersign, NotPermitted: As they say.
    """
    declaration = declarations.get_declaration(session, principal, declaration_id, lock=True)
    check_revision(declaration, seen)
    record = waiting_release(session, declaration)
    if record is None:
        raise NothingToCountersign
    if record.intent["officer"] != str(principal.officer_id):
        raise NotPermitted(action="retract", roles="the officer who signed")
    withdraw_collecting(session, record)
    declaration.pending_event = declaration.pending_statement = None
    declaration.updated_at = context.clock.now()
    record_history(
        session,
        context,
        principal,
        case_kind=declarations.KIND,
        case_id=declaration.id,
        event="release.retracted",
        states=(declaration.state, declaration.state),
        words=Text("Release retracted before the second signature", "复核签署前撤回放行决定"),
        statement=record.digest,
    )
    session.flush()
    return declaration


def follow_release(session: Session, context: Context, declaration: Declaration) -> None:
    """Do what follows a recorded release: quantities are used, the note is written."""
    declarations.goods_released(session, context, declaration)
    add_job(
        session,
        NOTE_TASK,
        f"{NOTE_TASK}:{declaration.id}",
        {"declaration": str(declaration.id)},
        now=context.clock.now(),
    )


def ask_for_certificate_copy(
    session: Session, context: Context, certificate: certificates.Certificate
) -> None:
    """Have the issued copy of an active certificate written."""
    add_job(
        session,
        CERTIFICATE_TASK,
        f"{CERTIFICATE_TASK}:{certificate.id}:{certificate.version}",
        {"certificate": str(certificate.id)},
        now=context.clock.now(),
    )


def _to_countersign(session: Session, declaration: Declaration, principal: Principal) -> StatementRecord:
    record = waiting_release(session, declaration)
    if record is None:
        raise NothingToCountersign
    if not principal.roles & SECOND_SIGNERS:
        raise NotPermitted(action="countersign", roles=names_of(SECOND_SIGNERS))
    if record.intent["officer"] == str(principal.officer_id):
        raise SecondSignerIsFirst
    check_releasable(session, declaration, principal)
    return record


def _signed_at(record: StatementRecord) -> datetime:
    statement = record.statement()
    if not isinstance(statement, ReleaseDecision):
        raise NothingToCountersign
    return datetime.fromtimestamp(statement.signed_at, UTC)
