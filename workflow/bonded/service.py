"""Use cases of the check note: draft, apply, approve, void; and what gates report."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kernel.clock import unix
from kernel.database import to_micro
from kernel.errors import NotFound, Text
from ledger.proofs.content import seal
from ledger.statements import (
    CheckNoteApproval,
    CheckNoteOpening,
    CheckNoteVoiding,
    GatePassage,
    NoteItem,
    Statement,
    id_bytes,
)
from workflow.bonded import carrying, gate_events
from workflow.bonded.gate import in_words, plain_plate
from workflow.bonded.models import CheckNote, CheckNoteItem, CheckNoteSequence, GateEvent
from workflow.bonded.rules import (
    COUNTED,
    KIND,
    LIFE_CYCLE,
    PASSAGES,
    Carriage,
    GateMismatch,
    GateReportMissing,
    InternalNumberTaken,
    VehicleHasOpenNote,
    WrongGate,
    check_note_number,
    gate_event_name,
)
from workflow.bonded.schemas import CheckNoteInput, GatePassageStep, note_document, parse_check_note
from workflow.declarations import service as declarations
from workflow.engine.cases import check_not_pending, check_revision, move, record_history
from workflow.engine.context import Context
from workflow.engine.decisions import Decision, check_content, reason_hash, sealed_reason
from workflow.engine.principals import Principal
from workflow.engine.refusals import ReasonMissing
from workflow.engine.registry import CaseKind, RecordedStep, StepInput
from workflow.engine.sealing import SealedDocument
from workflow.engine.tenancy import get_visible, visible

__all__ = ["CHECK_NOTES", "KIND", "LIFE_CYCLE", "CheckNote", "CheckNoteItem", "GateEvent"]
_ANOTHER_FIRMS = "of another firm"


# ------------------------------------------------------------------------------------------------------ drafts


def draft_check_note(session: Session, context: Context, principal: Principal, raw: object) -> CheckNote:
    """Begin a check note; it stays the firm's own until it is signed.

    Raises:
        Invalid: The content has faults, all named.
        InternalNumberTaken: The firm used its number before.
        NotPermitted: Only brokers write check notes.
    """
    LIFE_CYCLE.edge("draft", "apply", principal.roles)
    content = parse_check_note(raw)
    items = carrying.match_items(session, principal, content.items)
    _check_internal_number(session, principal.organisation_id, content.internal_no)
    now = context.clock.now()
    note = CheckNote(
        id=context.ids.new(),
        organisation_id=principal.organisation_id,
        state=LIFE_CYCLE.initial,
        number=_next_number(session, context, content),
        holds_vehicle=False,
        created_at=now,
        items=[],
    )
    _fill(session, context, note, content, items)
    _note(session, context, principal, note, "drafted", Text("Draft begun", "开始填写"))
    return note


def rewrite_check_note(
    session: Session, context: Context, principal: Principal, note_id: UUID, raw: object, *, seen: int | None
) -> CheckNote:
    """Replace the content of a draft; it gets another number where office or direction change.

    Raises:
        Invalid, InternalNumberTaken, NotFound, RevisionStale, TransitionRefused, NotPermitted, DecisionUnderWay: As
            they say.
    """
    note = get_check_note(session, principal, note_id, lock=True)
    check_revision(note, seen)
    check_not_pending(note)
    LIFE_CYCLE.edge(note.state, "apply", principal.roles)
    content = parse_check_note(raw)
    items = carrying.match_items(session, principal, content.items)
    if content.internal_no != note.internal_no:
        _check_internal_number(session, principal.organisation_id, content.internal_no)
    if (content.office, content.direction) != (note.office, note.direction):
        note.number = _next_number(session, context, content)
    note.items.clear()
    session.flush()
    _fill(session, context, note, content, items)
    _note(session, context, principal, note, "rewritten", Text("Draft changed", "草稿已修改"))
    return note


def check_notes_query(
    principal: Principal, *, state: str | None = None, number: str | None = None
) -> Select[Any]:
    """Give the query of the check notes that the principal may know of; items are not loaded."""
    query = visible(select(CheckNote), CheckNote, principal)
    if state:
        query = query.where(CheckNote.state == state)
    return query.where(CheckNote.number == number) if number else query


def get_check_note(session: Session, principal: Principal, note_id: UUID, *, lock: bool = False) -> CheckNote:
    """Load a check note with its items.

    Raises:
        NotFound: There is none that the principal may know of.
    """
    note = get_visible(session, CheckNote, note_id, principal, lock=lock)
    session.refresh(note, ["items"])
    return note


def find_check_note(session: Session, principal: Principal, number: str) -> CheckNote:
    """Load a check note by its number, with its items.

    Raises:
        NotFound: There is none that the principal may know of.
    """
    note_id = session.scalar(
        visible(select(CheckNote.id), CheckNote, principal).where(CheckNote.number == number)
    )
    if note_id is None:
        raise NotFound(what=CheckNote.title, name=number)
    return get_check_note(session, principal, note_id)


def gates_of(session: Session, declaration_id: UUID) -> list[tuple[str, int]]:
    """Name the vehicles that carry goods of a declaration, by signed notes, each with how many gates its note opens."""
    query = (
        select(CheckNote.vehicle_plate, func.max(CheckNote.gates))
        .join(CheckNoteItem, CheckNoteItem.note_id == CheckNote.id)
        .where(CheckNoteItem.declaration_id == declaration_id, CheckNoteItem.state.in_(COUNTED))
        .group_by(CheckNote.vehicle_plate)
        .order_by(CheckNote.vehicle_plate)
    )
    return [(plate, gates) for plate, gates in session.execute(query)]


def gate_events_of(session: Session, principal: Principal, note_id: UUID) -> list[GateEvent]:
    """List what gates reported of a note, oldest first, for whoever may know of the note.

    Raises:
        NotFound: There is no such note that the principal may know of.
    """
    note = get_visible(session, CheckNote, note_id, principal)
    query = select(GateEvent).where(GateEvent.note_id == note.id)
    return list(session.scalars(query.order_by(GateEvent.reported_at, GateEvent.id)))


# ------------------------------------------------------------------------------------------------ signed steps


def decide(session: Session, context: Context, note: CheckNote, step: StepInput) -> Decision:
    """Build the statement of a step.

    Raises:
        NoteExceedsDeclaration, BindingExceeded, DeclarationDetained, VehicleHasOpenNote: An application does not fit.
        ReasonMissing: A note is made void with a reason.
        GateReportMissing, WrongGate, GateMismatch: The gate did not report, or not what the note says.
        ContentAltered: The content is not what was sealed.
    """
    check_content(note.number, note.content, note.seed, note.content_hash)
    reason = step.given.reason
    words = (
        Text(f"{step.edge.label.en}: {reason}", f"{step.edge.label.zh}：{reason}")
        if reason
        else step.edge.label
    )
    return Decision(
        case_kind=KIND,
        edge=step.edge,
        statement=_statement(session, context, note, step),
        words=words,
        details={"reason": reason} if reason else {},
        arguments={"items": len(note.items)},
        sealed=(SealedDocument(note.content, note.seed), *sealed_reason(reason, note.seed)),
    )


def follow_signature(session: Session, context: Context, note: CheckNote, step: StepInput) -> None:
    """Do what goes with a signature: hold goods and vehicle for an application, keep the report of a gate.

    Raises:
        NoteExceedsDeclaration, BindingExceeded, DeclarationDetained, VehicleHasOpenNote: Another note was faster.
    """
    if step.edge.event == "apply":
        carrying.hold(session, note, note.items)
        _hold_vehicle(session, note)
    if isinstance(step.given, GatePassageStep):
        outcome = gate_events.Outcome(verdict="waiting", statement=note.pending_statement)
        gate_events.keep_event(
            session, context, step.principal, note, step.given.report, step.signed_at, outcome
        )


def delete_draft(session: Session, context: Context, note: CheckNote, step: StepInput) -> None:
    """Delete a draft; its numbers stay in the record, the firm's own may be used again."""
    words = Text("Draft deleted", "草稿已删除")
    move(session, context, step.principal, note, step.edge, case_kind=KIND, words=words)


def follow_recorded(session: Session, context: Context, note: CheckNote, step: RecordedStep) -> None:
    """Do what follows a recorded step: the barrier may lift, goods have passed or are given back."""
    if step.event in PASSAGES:
        gate_events.decide_event(
            session, step.statement, verdict="opened", words=None, now=context.clock.now()
        )
    if note.state not in {"passed", "voided"}:
        return
    note.holds_vehicle = False
    items = gate_events.items_of(session, note)
    carrying.set_carriage(items, Carriage.PASSED if note.state == "passed" else Carriage.RETURNED)
    session.flush()
    if note.state == "passed":
        for declaration_id in sorted({item.declaration_id for item in items}):
            if carrying.goods_have_all_passed(session, declaration_id):
                declarations.goods_passed(session, context, declaration_id)


def undo_refused(
    session: Session, context: Context, note: CheckNote, step: RecordedStep, words: Text
) -> None:
    """Free what a refused application held; keep the barrier down after a refused passage."""
    if step.event in PASSAGES:
        gate_events.decide_event(
            session, step.statement, verdict="refused", words=words, now=context.clock.now()
        )
    if step.event == "apply":
        note.holds_vehicle = False
        carrying.set_carriage(gate_events.items_of(session, note), Carriage.DRAFT)


CHECK_NOTES = CaseKind(
    kind=KIND,
    model=CheckNote,
    life_cycle=LIFE_CYCLE,
    load=get_check_note,
    decide=decide,
    signed=follow_signature,
    plain=delete_draft,
    recorded=follow_recorded,
    refused=undo_refused,
)


# ------------------------------------------------------------------------------------------------------ inside


def _statement(session: Session, context: Context, note: CheckNote, step: StepInput) -> Statement:
    subject, at = id_bytes(note.id), unix(step.signed_at)
    if step.edge.event == "apply":
        carrying.check_room(session, note, note.items, lock=False)
        _check_vehicle_free(session, note)
        return _opening(note, at)
    if step.edge.event == "approve":
        return CheckNoteApproval(note=subject, content_hash=note.content_hash, signed_at=at)
    if step.edge.event == "void":
        if not step.given.reason:
            raise ReasonMissing
        return CheckNoteVoiding(
            note=subject, reason_hash=reason_hash(step.given.reason, note.seed), signed_at=at
        )
    return _passage(session, context, note, step)


def _opening(note: CheckNote, signed_at: int) -> CheckNoteOpening:
    return CheckNoteOpening(
        note=id_bytes(note.id),
        content_hash=note.content_hash,
        gates=note.gates,
        binding=note.binding,
        items=tuple(
            NoteItem(
                declaration=id_bytes(item.declaration_id),
                certificate=id_bytes(item.certificate_id),
                line=item.certificate_line,
                quantity=to_micro(item.quantity),
            )
            for item in note.items
        ),
        signed_at=signed_at,
    )


def _passage(session: Session, context: Context, note: CheckNote, step: StepInput) -> GatePassage:
    if not isinstance(step.given, GatePassageStep):
        raise GateReportMissing
    report = step.given.report
    if step.edge.event != gate_event_name(note.gates, report.gate):
        raise WrongGate(note=note.number, gates=note.gates, gate=report.gate)
    differences = gate_events.differences_of(session, context, note, report, lock=False)
    if differences:
        words = in_words(differences)
        raise GateMismatch(differences=words.en, differences_zh=words.zh)
    return GatePassage(
        note=id_bytes(note.id),
        gate=report.gate,
        event_hash=gate_events.report_hash(note, report),
        signed_at=unix(step.signed_at),
    )


def _hold_vehicle(session: Session, note: CheckNote) -> None:
    try:
        with session.begin_nested():
            note.holds_vehicle = True
            session.flush()
    except IntegrityError:
        _check_vehicle_free(session, note)
        raise


def _check_vehicle_free(session: Session, note: CheckNote) -> None:
    other = session.scalar(
        select(CheckNote).where(
            CheckNote.plain_plate == note.plain_plate,
            CheckNote.direction == note.direction,
            CheckNote.holds_vehicle,
            CheckNote.id != note.id,
        )
    )
    if other is not None:
        ours = other.organisation_id == note.organisation_id
        raise VehicleHasOpenNote(plate=note.vehicle_plate, note=other.number if ours else _ANOTHER_FIRMS)


def _check_internal_number(session: Session, organisation_id: UUID, internal_no: str) -> None:
    first = session.scalar(
        select(CheckNote).where(
            CheckNote.organisation_id == organisation_id,
            CheckNote.internal_no == internal_no,
            CheckNote.state != "deleted",
        )
    )
    if first is not None:
        raise InternalNumberTaken(internal_no=internal_no, first=first.number, first_id=str(first.id))


def _next_number(session: Session, context: Context, content: CheckNoteInput) -> str:
    """Take the next number of the office, the direction and the day; safe when many ask at once."""
    day = context.clock.now().astimezone(ZoneInfo(context.settings.site_time_zone)).date()
    key = f"{content.office}/{content.direction}/{day:%y%m%d}"
    count_on = (
        update(CheckNoteSequence)
        .where(CheckNoteSequence.key == key)
        .values(last=CheckNoteSequence.last + 1)
        .returning(CheckNoteSequence.last)
        .execution_options(synchronize_session=False)
    )
    last = session.scalar(count_on)
    if last is None:
        try:
            with session.begin_nested():
                session.execute(insert(CheckNoteSequence).values(key=key, last=0))
        except IntegrityError:
            pass  # somebody began the same series at the same moment
        last = session.scalar(count_on)
    return check_note_number(content.office, content.direction, day, last or 0)


def _fill(
    session: Session, context: Context, note: CheckNote, content: CheckNoteInput, items: list[CheckNoteItem]
) -> None:
    """Put content into a note and write it.

    Raises:
        InternalNumberTaken: Another draft of the firm took the number at the same moment.
    """
    fields = content.model_dump(exclude={"items", "note_type", "direction", "binding"})
    try:
        with session.begin_nested():
            for name, value in fields.items():
                setattr(note, name, value)
            note.direction, note.note_type = content.direction.value, content.note_type.value
            note.binding = content.binding.value
            note.plain_plate = plain_plate(content.vehicle_plate)
            note.content = note_document(note.number, content)
            note.seed = secrets.token_bytes(32)
            note.content_hash = seal(note.content, note.seed).root
            note.updated_at = context.clock.now()
            note.items.extend(items)
            session.add(note)
            session.flush()
    except IntegrityError:
        _check_internal_number(session, note.organisation_id, content.internal_no)
        raise


def _note(
    session: Session, context: Context, principal: Principal, note: CheckNote, event: str, words: Text
) -> None:
    record_history(
        session,
        context,
        principal,
        case_kind=KIND,
        case_id=note.id,
        event=event,
        states=(note.state, note.state),
        words=words,
    )
