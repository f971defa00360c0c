"""Use cases of a gate: prepare a report for signing, report, and learn whether the barrier may lift.

A mismatch is not an error of the device: the attempt is kept, with what differs, and the barrier stays down. A match
takes the note's signed step; the barrier may lift when the ledger has recorded the passage, and not before
(DOMAIN.md §4 rule 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kernel.errors import NotPermitted, PisteError, Text
from ledger.keys.roles import Role
from ledger.statements import digest
from workflow.bonded.gate import Difference, in_words
from workflow.bonded.gate_events import (
    Assessment,
    Outcome,
    assess,
    evidence_statement,
    get_event,
    keep_event,
    same_report,
)
from workflow.bonded.models import CheckNote, GateEvent
from workflow.bonded.rules import KIND, Direction, GateEventRepeated, gate_event_name, instruction_code
from workflow.bonded.schemas import (
    DifferenceOutput,
    GateEventInput,
    GateInstruction,
    GatePassageStep,
    GateStatement,
    parse_gate_event,
)
from workflow.bonded.service import CHECK_NOTES
from workflow.engine.cases import record_history
from workflow.engine.context import Context
from workflow.engine.decisions import check_signature, prepared, signing_time
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.schemas import PreparedStatement, SignatureInput
from workflow.engine.steps import prepare_step, take_step
from workflow.engine.tenancy import get_visible, visible

_WAIT = Text("Wait: the passage is signed and not yet recorded.", "请等候：过卡已签署，尚未上链。")
_OPEN = Text("The passage is recorded: lift the barrier.", "过卡已上链，请抬杆。")


def prepare_gate_event(
    session: Session, context: Context, principal: Principal, raw: object
) -> GateStatement:
    """Give the statement that the device signs: the passage where all agrees, else evidence of a refused attempt.

    Raises:
        Invalid: The report has faults, all named.
        NotPermitted: The caller is no gate.
    """
    report = _read(principal, raw)
    assessment = assess(session, context, principal, report, lock=False)
    if assessment.note is not None and assessment.agrees:
        statement = prepare_step(
            session,
            context,
            principal,
            CHECK_NOTES,
            assessment.note.id,
            gate_event_name(assessment.note.gates, report.gate),
            _step(report),
        )
    else:
        signed_at = signing_time(context, report.signed_at)
        statement = prepared(context, evidence_statement(assessment.note, report, signed_at), signed_at)
    return _with_differences(statement, assessment)


def report_gate_event(
    session: Session,
    context: Context,
    principal: Principal,
    raw: object,
    signature: SignatureInput | None,
) -> GateEvent:
    """Take in what a gate saw: the note's passage where all agrees, else a refused attempt that is kept.

    The same event reported again is the same event. A refused attempt is kept with or without a good signature,
    because nothing opens on it.

    Args:
        session: The transaction of the request; it must be committed also where the attempt is refused.
        context: Clock, settings, deployment.
        principal: The gate's client.
        raw: What the gate saw (`GateEventInput`).
        signature: Over the statement that `prepare_gate_event` gave.

    Raises:
        Invalid, NotPermitted: As they say.
        GateEventRepeated: The identifier was used for something else.
        SignatureMissing, SignatureWrong, Key…: All agrees, but the signature is missing or no good.
    """
    report = _read(principal, raw)
    assessment = assess(session, context, principal, report, lock=True)
    known = get_event(session, report.event_id)
    if known is not None:
        return _repeated(known, principal, report)
    if assessment.note is None or not assessment.agrees:
        return _refuse(session, context, principal, report, signature, assessment)
    take_step(
        session,
        context,
        principal,
        CHECK_NOTES,
        assessment.note.id,
        gate_event_name(assessment.note.gates, report.gate),
        _step(report),
        signature,
    )
    return session.get_one(GateEvent, report.event_id)


def gate_instruction(session: Session, principal: Principal, event_id: UUID) -> GateInstruction:
    """Tell a gate what its barrier does; it asks until the answer is no longer `waiting`.

    Raises:
        NotFound: There is no such event of the gate's organisation.
    """
    event = get_gate_event(session, principal, event_id)
    differences = [Difference(d["field"], Text(d["en"], d["zh"])) for d in event.differences]
    if event.verdict == "waiting":
        words, instruction = _WAIT, "waiting"
    elif event.verdict == "opened":
        words, instruction = _OPEN, "open"
    else:
        why = in_words(differences)
        words = Text(f"The barrier stays down: {why.en}.", f"道闸不予抬杆：{why.zh}。")
        instruction = "refused"
    return GateInstruction(
        event_id=event.id,
        instruction=instruction,
        code=_code(session, event),
        words_en=words.en,
        words_zh=words.zh,
        differences=_outputs(differences),
    )


def gate_events_query(principal: Principal, *, verdict: str | None = None) -> Select[Any]:
    """Give the query of the gate events that the principal may know of: its own gates', or all for authorities."""
    query = visible(select(GateEvent), GateEvent, principal)
    return query.where(GateEvent.verdict == verdict) if verdict else query


def get_gate_event(session: Session, principal: Principal, event_id: UUID) -> GateEvent:
    """Load a gate event.

    Raises:
        NotFound: There is none that the principal may know of.
    """
    return get_visible(session, GateEvent, event_id, principal)


# ------------------------------------------------------------------------------------------------------ inside


def _read(principal: Principal, raw: object) -> GateEventInput:
    if not principal.roles & Role.GATE:
        raise NotPermitted(action="report a gate event", roles="gate")
    return parse_gate_event(raw)


def _step(report: GateEventInput) -> GatePassageStep:
    return GatePassageStep(report=report, signed_at=report.signed_at)


def _repeated(known: GateEvent, principal: Principal, report: GateEventInput) -> GateEvent:
    if not same_report(known, principal, report):
        raise GateEventRepeated(event=str(report.event_id))
    return known


def _refuse(
    session: Session,
    context: Context,
    principal: Principal,
    report: GateEventInput,
    signature: SignatureInput | None,
    assessment: Assessment,
) -> GateEvent:
    note, signed_at = assessment.note, signing_time(context, report.signed_at)
    outcome = _signed_refusal(session, context, principal, report, signature, assessment)
    try:
        with session.begin_nested():
            event = keep_event(session, context, principal, note, report, signed_at, outcome)
    except IntegrityError:
        known = get_event(session, report.event_id)
        if known is None:
            raise
        return _repeated(known, principal, report)
    if note is not None:
        _note_refusal(session, context, principal, note, event, assessment.differences)
    session.flush()
    return event


def _signed_refusal(
    session: Session,
    context: Context,
    principal: Principal,
    report: GateEventInput,
    signature: SignatureInput | None,
    assessment: Assessment,
) -> Outcome:
    unsigned = Outcome(verdict="refused", differences=assessment.differences)
    if signature is None:
        return unsigned
    statement = evidence_statement(assessment.note, report, signing_time(context, report.signed_at))
    try:
        signed = check_signature(session, context, principal, statement, signature, Role.GATE)
    except PisteError:  # what was signed is not this; the attempt is kept all the same
        return unsigned
    return Outcome(
        verdict="refused",
        differences=assessment.differences,
        statement=digest(statement, context.deployment),
        signer=signed.signer,
        signature=signed.signature,
    )


def _note_refusal(
    session: Session,
    context: Context,
    principal: Principal,
    note: CheckNote,
    event: GateEvent,
    differences: Sequence[Difference],
) -> None:
    why = in_words(list(differences))
    record_history(
        session,
        context,
        principal,
        case_kind=KIND,
        case_id=note.id,
        event="gate.refused",
        states=(note.state, note.state),
        words=Text(f"Gate {event.gate} stayed down: {why.en}", f"第{event.gate}道卡口未放行：{why.zh}"),
        details={"gate_event": str(event.id)},
        statement=event.statement,
    )


def _code(session: Session, event: GateEvent) -> str | None:
    if event.verdict == "waiting":
        return None
    opens = event.verdict == "opened"
    note = get_visible(session, CheckNote, event.note_id, SYSTEM_PRINCIPAL) if event.note_id else None
    direction = Direction(note.direction) if note is not None else Direction.IN
    return instruction_code(direction, sealed=note is not None and note.seal_number is not None, opens=opens)


def _with_differences(statement: PreparedStatement, assessment: Assessment) -> GateStatement:
    return GateStatement(
        **statement.model_dump(), agrees=assessment.agrees, differences=_outputs(assessment.differences)
    )


def _outputs(differences: Sequence[Difference]) -> list[DifferenceOutput]:
    return [DifferenceOutput.model_validate(difference.to_json()) for difference in differences]
