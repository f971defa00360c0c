"""Many at once: quantities, vehicles, numbers and gates stay right, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from kernel.database import Database
from kernel.errors import PisteError
from tests.workflow.bonded.conftest import Site
from tests.workflow.builders.at_once import at_once
from tests.workflow.builders.check_notes import (
    approved_note,
    carried,
    check_note_content,
    empty_vehicle,
    gate_report,
)
from tests.workflow.builders.parties import Actor
from workflow.bonded.carrying import counted_items
from workflow.bonded.models import CheckNote, GateEvent
from workflow.bonded.passages import prepare_gate_event, report_gate_event
from workflow.bonded.rules import (
    BindingExceeded,
    InternalNumberTaken,
    NoteExceedsDeclaration,
    VehicleHasOpenNote,
)
from workflow.bonded.service import CHECK_NOTES, draft_check_note
from workflow.engine.life_cycle import DecisionUnderWay
from workflow.engine.schemas import ActionInput
from workflow.engine.steps import prepare_step, take_step

CROWD = 8


def drafts(database: Database, site: Site, contents: list[dict[str, object]]) -> list[UUID]:
    with database.write() as session:
        return [
            draft_check_note(session, site.context, site.broker.principal, content).id for content in contents
        ]


def taking(
    database: Database, site: Site, actor: Actor, note_id: UUID, event: str, reason: str = ""
) -> Callable[[], UUID]:
    """Prepare and sign a step now; give the call that takes it later."""
    given = ActionInput(reason=reason)
    with database.read() as session:
        statement = prepare_step(session, site.context, actor.principal, CHECK_NOTES, note_id, event, given)
    signature = actor.sign(statement)
    dated = given.model_copy(update={"signed_at": statement.signed_at})

    def take() -> UUID:
        with database.write() as session:
            case = take_step(
                session, site.context, actor.principal, CHECK_NOTES, note_id, event, dated, signature
            )
            return case.id

    return take


def test_notes_signed_at_once_never_carry_more_than_the_declaration_holds(
    database: Database, site: Site
) -> None:
    contents = [check_note_content(carried(site.declaration, 1, "3")) for _ in range(CROWD)]
    notes = drafts(database, site, contents)
    taken, refused = at_once([taking(database, site, site.broker, note, "apply") for note in notes])
    assert len(taken) == 3
    assert {type(refusal) for refusal in refused} == {NoteExceedsDeclaration}
    with database.read() as session:
        counted = counted_items(session, site.declaration.id)
        assert sum((item.quantity for item in counted), Decimal(0)) == Decimal(9)
        assert {item.note_id for item in counted} == set(taken)
        pending = select(CheckNote.id).where(CheckNote.pending_event.is_not(None))
        assert set(session.scalars(pending)) == set(taken)


def test_a_whole_document_goes_to_one_vehicle_however_many_ask(database: Database, site: Site) -> None:
    contents = [check_note_content(carried(site.declaration, 1, "1"), binding=2) for _ in range(CROWD)]
    notes = drafts(database, site, contents)
    taken, refused = at_once([taking(database, site, site.broker, note, "apply") for note in notes])
    assert len(taken) == 1
    assert {type(refusal) for refusal in refused} == {BindingExceeded}


def test_one_of_many_notes_signed_at_once_gets_the_vehicle(database: Database, site: Site) -> None:
    notes = drafts(database, site, [empty_vehicle(vehicle_plate="京A12345") for _ in range(CROWD)])
    taken, refused = at_once([taking(database, site, site.broker, note, "apply") for note in notes])
    assert len(taken) == 1
    assert {type(refusal) for refusal in refused} == {VehicleHasOpenNote}
    with database.read() as session:
        assert session.scalars(select(CheckNote.id).where(CheckNote.holds_vehicle)).all() == taken


def test_one_of_many_drafts_gets_the_firms_number(database: Database, site: Site) -> None:
    content = empty_vehicle(internal_no="ONE")

    def draft() -> UUID:
        with database.write() as session:
            return draft_check_note(session, site.context, site.broker.principal, content).id

    made, refused = at_once([draft] * CROWD)
    assert len(made) == 1
    assert {type(refusal) for refusal in refused} == {InternalNumberTaken}
    assert {refusal.facts()["first_id"] for refusal in refused} == {str(made[0])}


def test_notes_drafted_at_once_get_different_numbers(database: Database, site: Site) -> None:
    def drafting(content: dict[str, object]) -> Callable[[], str]:
        def draft() -> str:
            with database.write() as session:
                return draft_check_note(session, site.context, site.broker.principal, content).number

        return draft

    made, refused = at_once([drafting(empty_vehicle(office="0909")) for _ in range(CROWD)])
    assert refused == []
    assert sorted(int(number[-12:]) for number in made) == list(range(1, CROWD + 1))


def test_approval_and_voiding_at_once_leave_one(database: Database, site: Site) -> None:
    (note,) = drafts(database, site, [empty_vehicle()])
    with database.write() as session:
        site.go(session, site.broker, CHECK_NOTES, note, "apply")
    taken, refused = at_once(
        [
            taking(database, site, site.officer, note, "approve"),
            taking(database, site, site.broker, note, "void", "too late"),
        ]
    )
    assert len(taken) == 1
    assert [type(refusal) for refusal in refused] == [DecisionUnderWay]


@pytest.mark.parametrize("same", [True, False], ids=["one event sent often", "several events"])
def test_reports_of_one_vehicle_at_once_open_the_barrier_once(
    database: Database, site: Site, same: bool
) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
    shared = uuid4()

    def reporting() -> Callable[[], UUID]:
        raw = gate_report(note, site, event_id=str(shared if same else uuid4()))
        with database.read() as session:
            statement = prepare_gate_event(session, site.context, site.gate.principal, raw)
        sent = {**raw, "signed_at": statement.signed_at.isoformat()}
        signature = site.gate.sign(statement)

        def report() -> UUID:
            with database.write() as session:
                return report_gate_event(session, site.context, site.gate.principal, sent, signature).id

        return report

    events, refused = at_once([reporting() for _ in range(CROWD)])
    assert refused == []
    with database.read() as session:
        verdicts = session.execute(select(GateEvent.verdict, func.count()).group_by(GateEvent.verdict)).all()
    expected = {("waiting", 1)} if same else {("waiting", 1), ("refused", CROWD - 1)}
    assert {tuple(row) for row in verdicts} == expected
    assert len(set(events)) == (1 if same else CROWD)


def test_an_unknown_vehicle_reported_often_at_once_is_one_attempt(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
    raw = gate_report(note, site, note_number=None, plate="京Z99999")

    def report() -> UUID:
        with database.write() as session:
            return report_gate_event(session, site.context, site.gate.principal, raw, None).id

    events, refused = at_once([report] * CROWD)
    assert refused == list[PisteError]()
    assert set(events) == {UUID(str(raw["event_id"]))}
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(GateEvent)) == 1
