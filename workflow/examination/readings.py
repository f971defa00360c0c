"""Use cases of instruments' readings: take one in, judge it, act on the judgement.

Two stages, both recorded: portal screening, then isolation and a second measurement (DOMAIN.md §6).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eth_utils.crypto import keccak
from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.instruments.radiation import AlarmLevel, ContaminationFinding, DoseRateFinding, Verdict
from kernel.clock import unix
from kernel.errors import Kind, PisteError, Text
from kernel.jobs import add_job
from ledger.evidence.log import append_leaf
from ledger.keys.roles import Role
from ledger.proofs.content import seal
from ledger.statements import Evidence, digest, id_bytes
from workflow.declarations import service as declarations
from workflow.engine.cases import record_history
from workflow.engine.context import Context
from workflow.engine.decisions import check_signature, prepared
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.schemas import PreparedStatement, SignatureInput
from workflow.engine.tenancy import get_visible, visible
from workflow.examination import service as examination
from workflow.examination.models import Examination, InstrumentReading
from workflow.examination.rules import Anomaly, ReadingNotExpected
from workflow.examination.schemas import DoseRateReading, Reading

JUDGE_TASK = "examination.judge_reading"
Judgement = DoseRateFinding | ContaminationFinding
RADIATION_KIND = keccak(text="radiation")
_PORTAL_STATES = frozenset(
    {"accepted", "document_examination", "documents_required", "examination", "guarantee"}
)


class NotAnInstrument(PisteError):
    """Readings come from instruments with keys of their own."""

    code = "reading.not-an-instrument"
    kind = Kind.FORBIDDEN
    message = Text("Only an instrument's own client may send readings.", "只有仪器客户端可以提交读数。")
    next_step = Text("Send it with the instrument's credentials and key.", "请使用仪器自身的凭据和密钥提交。")


def prepare_reading(
    session: Session, context: Context, principal: Principal, reading: Reading
) -> PreparedStatement:
    """Give the `Evidence` statement that the instrument is to sign.

    Raises:
        NotAnInstrument, ReadingNotExpected, NotFound: As they say.
    """
    _check_expected(session, principal, reading)
    return prepared(context, _statement(reading), reading.measured_at)


def receive_reading(
    session: Session,
    context: Context,
    principal: Principal,
    reading: Reading,
    signature: SignatureInput,
) -> InstrumentReading:
    """Take a signed reading in and have it judged. The same reading twice is one reading.

    Raises:
        NotAnInstrument, ReadingNotExpected, NotFound: As they say.
        Key…, Signature…: The signature is no good.
    """
    statement = _statement(reading)
    statement_digest = digest(statement, context.deployment)
    existing: InstrumentReading | None = session.scalar(
        visible(select(InstrumentReading), InstrumentReading, principal).where(
            InstrumentReading.statement == statement_digest
        )
    )
    if existing is not None:
        return existing
    declaration = _check_expected(session, principal, reading)
    signed = check_signature(session, context, principal, statement, signature, Role.INSTRUMENT)
    now = context.clock.now()
    open_examination = examination.open_examination(session, declaration.id)
    row = InstrumentReading(
        id=context.ids.new(),
        organisation_id=declaration.organisation_id,
        declaration_id=declaration.id,
        examination_id=open_examination.id if open_examination else None,
        stage=reading.stage,
        instrument=reading.instrument,
        client_id=principal.officer_id,
        data=reading.model_dump(mode="json"),
        signer=signed.signer,
        signature=signed.signature,
        statement=statement_digest,
        content_hash=statement.content_hash,
        taken_at=reading.measured_at,
        created_at=now,
    )
    session.add(row)
    append_leaf(session, kind="reading", subject=declaration.id, content_hash=statement_digest, now=now)
    add_job(session, JUDGE_TASK, f"{JUDGE_TASK}:{row.id}", {"reading": str(row.id)}, now=now)
    _note(
        session,
        context,
        principal,
        declaration,
        "reading.received",
        Text(
            f"{reading.instrument}: {_figures(reading)} ({reading.stage})",
            f"{reading.instrument}：{_figures(reading)}（{'门式筛查' if reading.stage == 'portal' else '复测'}）",
        ),
        {"reading": str(row.id)},
    )
    session.flush()
    return row


def act_on_judgement(
    session: Session, context: Context, reading_id: UUID, judgement: Judgement
) -> InstrumentReading:
    """Store a judgement and act on it: a ringing portal isolates; a second measurement tells its examination."""
    row = session.get_one(InstrumentReading, reading_id, with_for_update=True)
    now = context.clock.now()
    row.judgement, row.judged_at = judgement.to_json(), now
    declaration = declarations.get_declaration(session, SYSTEM_PRINCIPAL, row.declaration_id, lock=True)
    append_leaf(
        session,
        kind="judgement",
        subject=declaration.id,
        content_hash=seal({"reading": str(row.id), "judgement": row.judgement}, row.statement).root,
        now=now,
    )
    _note(
        session,
        context,
        SYSTEM_PRINCIPAL,
        declaration,
        "reading.judged",
        judgement.message,
        {"reading": str(row.id), **row.judgement},
    )
    if row.stage == "portal":
        _act_on_portal(session, context, declaration, row, judgement)
    else:
        _act_on_retest(session, row)
    return row


def _act_on_portal(
    session: Session,
    context: Context,
    declaration: declarations.Declaration,
    row: InstrumentReading,
    judgement: Judgement,
) -> None:
    rings = isinstance(judgement, DoseRateFinding) and judgement.alarm is AlarmLevel.RINGING
    if not rings and judgement.verdict is Verdict.WITHIN_LIMIT:
        return
    examination.open_hold(
        session, context, declaration, (Anomaly.RADIATION,), judgement.message, {"reading": str(row.id)}
    )
    ordered = examination.order_examination(session, context, declaration, judgement.message, radiation=True)
    ordered.radiation = True
    row.examination_id = ordered.id


def _act_on_retest(session: Session, row: InstrumentReading) -> None:
    """Tell the examination the gravest verdict of all second measurements; none is no verdict."""
    if row.examination_id is None:
        return
    session.flush()
    ordered = session.get_one(Examination, row.examination_id, with_for_update=True)
    query = select(InstrumentReading).where(
        InstrumentReading.examination_id == ordered.id,
        InstrumentReading.stage == "retest",
        InstrumentReading.judgement.is_not(None),
    )
    judged = [
        reading.judgement or {} for reading in session.scalars(query.order_by(InstrumentReading.created_at))
    ]
    verdicts = {judgement["verdict"] for judgement in judged}
    gravest = next((verdict for verdict in _GRAVEST_FIRST if verdict in verdicts), Verdict.NO_VERDICT)
    ordered.verdict = {"verdict": gravest.value, "measurements": judged}


_GRAVEST_FIRST = (Verdict.EXCEEDS_LIMIT, Verdict.NO_VERDICT, Verdict.WITHIN_LIMIT)


def get_reading(session: Session, principal: Principal, reading_id: UUID) -> InstrumentReading:
    """Load a reading: an authority's, the firm's own, or the sending instrument's. Raises `NotFound`."""
    return get_visible(session, InstrumentReading, reading_id, principal)


def _check_expected(session: Session, principal: Principal, reading: Reading) -> declarations.Declaration:
    if not principal.roles & Role.INSTRUMENT:
        raise NotAnInstrument
    declaration = declarations.get_declaration(session, SYSTEM_PRINCIPAL, reading.declaration)
    isolated = examination.open_examination(session, declaration.id)
    expected = (
        declaration.state in _PORTAL_STATES
        if reading.stage == "portal"
        else isolated is not None and isolated.state == "isolated"
    )
    if not expected:
        raise ReadingNotExpected(declaration=str(declaration.id))
    return declaration


def _statement(reading: Reading) -> Evidence:
    document = reading.model_dump(mode="json")
    subject = id_bytes(reading.declaration)
    return Evidence(
        subject=subject,
        kind=RADIATION_KIND,
        content_hash=seal(document, keccak(subject + reading.measured_at.isoformat().encode())).root,
        signed_at=unix(reading.measured_at),
    )


def _note(
    session: Session,
    context: Context,
    principal: Principal,
    declaration: declarations.Declaration,
    event: str,
    words: Text,
    details: dict[str, Any],
) -> None:
    record_history(
        session,
        context,
        principal,
        case_kind=declarations.KIND,
        case_id=declaration.id,
        event=event,
        states=(declaration.state, declaration.state),
        words=words,
        details=details,
    )


def _figures(reading: Reading) -> str:
    if isinstance(reading, DoseRateReading):
        return f"{reading.reading_usv_h} µSv/h"
    return f"α {reading.alpha_bq_cm2}, β {reading.beta_bq_cm2} Bq/cm²"
