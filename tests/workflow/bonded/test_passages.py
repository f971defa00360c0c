"""Gates: what is refused is kept, what agrees opens only when the ledger has recorded it, once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.errors import Invalid, NotFound, NotPermitted
from ledger.keys.roles import Role
from ledger.keys.signing import verify_signature
from ledger.models import EvidenceLeaf, StatementRecord
from ledger.proofs.content import seal
from ledger.statements import GatePassage, digest, id_bytes
from tests.workflow.bonded.conftest import Site
from tests.workflow.builders.check_notes import (
    approved_note,
    carried,
    check_note_content,
    empty_vehicle,
    gate_report,
)
from tests.workflow.builders.declarations import accepted_declaration
from tests.workflow.builders.parties import Actor, grant, granted, officer
from workflow.bonded.gate_events import evidence_statement
from workflow.bonded.models import CheckNote, GateEvent
from workflow.bonded.passages import (
    gate_events_query,
    gate_instruction,
    get_gate_event,
    prepare_gate_event,
    report_gate_event,
)
from workflow.bonded.rules import GateEventRepeated, GateMismatch, WrongGate
from workflow.bonded.schemas import GatePassageStep, GateStatement, parse_gate_event
from workflow.bonded.service import CHECK_NOTES, KIND, gate_events_of, get_check_note
from workflow.certificates import service as certificates
from workflow.declarations.service import get_declaration
from workflow.engine.cases import history_of
from workflow.engine.decisions import KeyRevoked, KeyWithoutRole, SignatureWrong
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.engine.schemas import ActionInput
from workflow.engine.steps import SignatureMissing, prepare_step

SEAL = {"seal_number": "BJ-0077"}


def prepared(session: Session, site: Site, raw: dict[str, Any], gate: Actor | None = None) -> GateStatement:
    return prepare_gate_event(session, site.context, (gate or site.gate).principal, raw)


def report(session: Session, site: Site, raw: dict[str, Any], gate: Actor | None = None) -> GateEvent:
    """Prepare, sign and report, as a gate's device does."""
    device = gate or site.gate
    statement = prepared(session, site, raw, device)
    sent = {**raw, "signed_at": statement.signed_at.isoformat()}
    return report_gate_event(session, site.context, device.principal, sent, device.sign(statement))


def note_of(session: Session, site: Site, event: GateEvent) -> CheckNote:
    assert event.note_id is not None
    return get_check_note(session, site.broker.principal, event.note_id)


def test_the_barrier_lifts_when_the_ledger_has_recorded_the_passage_and_not_before(
    database: Database, site: Site
) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, check_note_content(carried(site.declaration)))
        event = report(session, site, gate_report(note, site))
        assert (event.verdict, event.differences, event.decided_at) == ("waiting", [], None)
        waiting = gate_instruction(session, site.gate.principal, event.id)
        assert (waiting.instruction, waiting.code) == ("waiting", None)
        note = note_of(session, site, event)
        assert (note.state, note.pending_event) == ("approved", "pass_gate")
        assert {item.state for item in note.items} == {"held"}, "rule 4: nothing has passed yet"

        site.record(session, note)
        assert note.state == "passed"
        opened = gate_instruction(session, site.gate.principal, event.id)
        assert (opened.instruction, opened.code) == ("open", "2")
        note = note_of(session, site, event)
        assert {item.state for item in note.items} == {"passed"}
        assert note.holds_vehicle is False
        assert event.decided_at == site.context.clock.now()


def test_the_statement_holds_the_hash_of_what_the_gate_saw(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        raw = gate_report(note, site)
        statement = prepared(session, site, raw)
        assert statement.agrees
        event = report(session, site, raw)
        assert event.statement == bytes.fromhex(statement.digest[2:]) == note.pending_statement
        record = session.scalars(
            select(StatementRecord).where(StatementRecord.digest == event.statement)
        ).one()
        assert event.content_hash == seal(event.content, event.seed).root
        assert record.statement() == GatePassage(
            note=id_bytes(note.id),
            gate=1,
            event_hash=event.content_hash,
            signed_at=int(event.signed_at.timestamp()),
        )
        assert event.content["plate"] == note.vehicle_plate
        leaf = select(EvidenceLeaf).where(EvidenceLeaf.kind == "gate_event", EvidenceLeaf.subject == note.id)
        assert session.scalars(leaf).one().content_hash == event.content_hash


def test_any_other_reading_is_another_statement(database: Database, site: Site, clock: ManualClock) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        raw = gate_report(note, site)
        signed_at = prepared(session, site, raw).signed_at.isoformat()
        clock.advance(timedelta(seconds=30))

        def name(**changes: object) -> str:
            return prepared(session, site, {**raw, "signed_at": signed_at, **changes}).digest

        assert name() == name()
        changed = {
            name(event_id=str(uuid4())),
            name(weighbridge_kg=str(note.total_weight_kg + 1)),
            name(seen_at=clock.now().isoformat()),
            name(picture_sha256="cd" * 32),
            name(signed_at=clock.now().isoformat()),
        }
        assert len(changed) == 5
        assert name() not in changed


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"plate": "京B00000"}, "plate"),
        ({"container_number": "CSQU3054383"}, "container_number"),
        ({"weighbridge_kg": "30000"}, "weighbridge_kg"),
        ({"weighbridge_calibrated_until": "2026-02-01T00:00:00Z"}, "weighbridge_calibrated_until"),
        ({"seal_state": "broken"}, "seal_state"),
        ({"seal_number": "BJ-0078"}, "seal_number"),
        ({"gate": 2}, "gate"),
        ({"direction": "E"}, "direction"),
        ({"seen_at": "2026-02-03T07:00:00Z"}, "seen_at"),
    ],
)
def test_a_mismatch_is_kept_and_the_barrier_stays_down(
    database: Database, site: Site, changes: dict[str, Any], field: str
) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle(**SEAL))
        raw = gate_report(note, site, **changes)
        assert not prepared(session, site, raw).agrees
        event_id = report(session, site, raw).id
    with database.read() as session:
        event = get_gate_event(session, site.gate.principal, event_id)
        assert (event.verdict, event.note_id, event.decided_at) == ("refused", note.id, event.reported_at)
        assert [difference["field"] for difference in event.differences] == [field]
        instruction = gate_instruction(session, site.gate.principal, event_id)
        assert (instruction.instruction, instruction.code) == ("refused", "9")
        assert instruction.words_en.startswith("The barrier stays down: ")
        assert instruction.words_zh.startswith("道闸不予抬杆：")
        after = get_check_note(session, site.broker.principal, note.id)
        assert (after.state, after.pending_event) == ("approved", None)
        history = history_of(session, KIND, note.id)[-1]
        assert (history.event, history.details) == ("gate.refused", {"gate_event": str(event_id)})
        leaf = select(func.count()).where(EvidenceLeaf.content_hash == event.content_hash)
        assert session.scalar(leaf) == 1
        assert [row.id for row in gate_events_of(session, site.broker.principal, note.id)] == [event_id]


def test_a_refused_attempt_carries_the_devices_signature(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        raw = gate_report(note, site, plate="京B00000")
        assert prepared(session, site, raw).primary_type == "Evidence"
        event = report(session, site, raw)
        statement = evidence_statement(note, parse_gate_event(raw), event.signed_at)
        name = digest(statement, site.context.deployment)
        assert event.statement == name
        assert event.signer == site.gate.key.signer
        assert event.signature is not None
        assert verify_signature(event.signer, name, event.signature, site.context.deployment)


def test_a_refused_attempt_is_kept_without_a_good_signature_too(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        for signature in (None, site.gate.sign("0x" + "11" * 32)):
            event = report_gate_event(
                session,
                site.context,
                site.gate.principal,
                gate_report(note, site, weighbridge_kg="1"),
                signature,
            )
            assert (event.verdict, event.statement, event.signature) == ("refused", None, None)


def test_a_vehicle_without_a_note_is_kept_as_refused(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        for changes, words in (
            ({"note_number": None, "plate": "京Z99999"}, "has no open check note"),
            ({"note_number": "Z0101I260203000000000999"}, "there is no check note"),
        ):
            event = report(session, site, gate_report(note, site, **changes))
            assert (event.verdict, event.note_id) == ("refused", None)
            instruction = gate_instruction(session, site.gate.principal, event.id)
            assert (instruction.instruction, instruction.code) == ("refused", "9")
            assert words in instruction.words_en
            assert event.signature is not None


def test_a_note_is_found_by_the_plate(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle(vehicle_plate="京A12345"))
        event = report(session, site, gate_report(note, site, note_number=None, plate="京A·12345"))
        assert (event.verdict, event.note_id) == ("waiting", note.id)


def test_a_plate_with_notes_in_both_directions_needs_the_lanes_direction(
    database: Database, site: Site
) -> None:
    with database.write() as session:
        inward = approved_note(session, site, site.broker, empty_vehicle(vehicle_plate="京A12345"))
        approved_note(session, site, site.broker, empty_vehicle(vehicle_plate="京A12345", direction="E"))
        unclear = report(session, site, gate_report(inward, site, note_number=None))
        assert (unclear.verdict, unclear.note_id) == ("refused", None)
        assert "more than one open check note" in unclear.differences[0]["en"]
        event = report(session, site, gate_report(inward, site, note_number=None, direction="I"))
        assert (event.verdict, event.note_id) == ("waiting", inward.id)


def test_two_gates_are_passed_in_their_order_each_once(database: Database, site: Site) -> None:
    with database.write() as session:
        content = check_note_content(carried(site.declaration), gates=2)
        note = approved_note(session, site, site.broker, content)
        too_early = report(session, site, gate_report(note, site, gate=2))
        assert too_early.verdict == "refused"
        first = report(session, site, gate_report(note, site))
        site.record(session, note)
        assert note.state == "passed_gate_1"
        assert {item.state for item in note_of(session, site, first).items} == {"held"}
        assert note.holds_vehicle
        again = report(session, site, gate_report(note, site))
        assert again.verdict == "refused"
        assert "Through the first gate" in again.differences[0]["en"]
        second = report(session, site, gate_report(note, site, gate=2))
        site.record(session, note)
        assert note.state == "passed"
        assert {item.state for item in note_of(session, site, second).items} == {"passed"}
        instructions = [gate_instruction(session, site.gate.principal, e.id) for e in (first, second)]
        assert [instruction.instruction for instruction in instructions] == ["open", "open"]
        assert not note_of(session, site, second).holds_vehicle
        third = report(session, site, gate_report(note, site, gate=2))
        assert third.verdict == "refused"
        assert "passes never again" in third.differences[0]["en"]


def test_a_passed_note_passes_never_again(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        report(session, site, gate_report(note, site))
        meanwhile = report(session, site, gate_report(note, site))
        assert meanwhile.verdict == "refused"
        assert "waits to be recorded" in meanwhile.differences[0]["en"]
        site.record(session, note)
        later = report(session, site, gate_report(note, site))
        assert later.verdict == "refused"
        assert later.differences[0]["zh"].endswith("已过卡口，不可再次通过")


@pytest.mark.parametrize("state", ["applied", "voided"])
def test_a_note_that_is_not_approved_opens_nothing(database: Database, site: Site, state: str) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        if state == "voided":
            site.go(session, site.broker, CHECK_NOTES, note.id, "void", ActionInput(reason="not today"))
        else:
            note.state = state
            session.flush()
        event = report(session, site, gate_report(note, site))
        assert event.verdict == "refused"
        assert event.differences[0]["field"] == "note_number"


def test_a_passage_that_the_contract_refuses_keeps_the_barrier_down(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, check_note_content(carried(site.declaration)))
        event = report(session, site, gate_report(note, site))
        site.refuse(session, note)
        instruction = gate_instruction(session, site.gate.principal, event.id)
        assert (instruction.instruction, instruction.code) == ("refused", "9")
        assert instruction.words_en == "The barrier stays down: made up for the test."
        assert instruction.words_zh == "道闸不予抬杆：测试拒绝。"
        note = note_of(session, site, event)
        assert (note.state, note.pending_event, note.holds_vehicle) == ("approved", None, True)
        assert {item.state for item in note.items} == {"held"}
        again = report(session, site, gate_report(note, site))
        assert again.verdict == "waiting"


@pytest.mark.parametrize(
    ("direction", "code"), [("I", "8"), ("E", "7")], ids=["verify seal and enter", "seal and leave"]
)
def test_the_instruction_for_a_sealed_vehicle(
    database: Database, site: Site, direction: str, code: str
) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle(direction=direction, **SEAL))
        event = report(session, site, gate_report(note, site))
        site.record(session, note)
        assert gate_instruction(session, site.gate.principal, event.id).code == code


# ------------------------------------------------------------------------------------------------ who may report


def test_only_a_gate_reports(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        for actor in (site.broker, site.officer):
            with pytest.raises(NotPermitted):
                prepared(session, site, gate_report(note, site), actor)
            with pytest.raises(NotPermitted):
                report_gate_event(session, site.context, actor.principal, gate_report(note, site), None)


def test_a_match_needs_the_gates_own_good_signature(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        raw = gate_report(note, site)
        statement = prepared(session, site, raw)
        sent = {**raw, "signed_at": statement.signed_at.isoformat()}
        gate = site.gate.principal
        with pytest.raises(SignatureMissing):
            report_gate_event(session, site.context, gate, sent, None)
        heavier = {**sent, "weighbridge_kg": str(note.total_weight_kg + 1)}
        with pytest.raises(SignatureWrong):
            report_gate_event(session, site.context, gate, heavier, site.gate.sign(statement))
        for actor, refusal in (
            (grant(session, officer(Role.GATE, device=True), revoked=True), KeyRevoked),
            (grant(session, officer(Role.GATE, device=True), roles=Role.INSTRUMENT), KeyWithoutRole),
        ):
            with pytest.raises(refusal):
                report(session, site, raw, actor)
        assert session.scalar(select(func.count()).select_from(GateEvent)) == 0
        assert note.pending_event is None


def test_a_step_with_a_report_still_checks_it(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())

        def prepare(**changes: object) -> None:
            step = GatePassageStep(report=parse_gate_event(gate_report(note, site, **changes)))
            prepare_step(session, site.context, site.gate.principal, CHECK_NOTES, note.id, "pass_gate", step)

        with pytest.raises(GateMismatch) as mismatch:
            prepare(plate="京B00000")
        assert "京B00000" in mismatch.value.words().zh
        prepare()
        note.gates = 2
        session.flush()
        with pytest.raises(WrongGate):
            prepare()


def test_faults_of_a_report_are_named(database: Database, site: Site) -> None:
    with database.read() as session, pytest.raises(Invalid) as invalid:
        prepared(session, site, {"plate": "京A12345"})
    assert {fault.field for fault in invalid.value.found} >= {"/event_id", "/weighbridge_kg", "/seen_at"}


def test_preparing_changes_nothing(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
    with database.write() as session:
        before = session.scalar(select(func.count()).select_from(EvidenceLeaf))
        prepared(session, site, gate_report(note, site))
        prepared(session, site, gate_report(note, site, plate="京B00000"))
        assert not session.dirty
        assert not session.new
        assert session.scalar(select(func.count()).select_from(EvidenceLeaf)) == before


# ------------------------------------------------------------------------------------------------- sent again


@pytest.mark.parametrize(
    "changes",
    [{}, {"weighbridge_kg": "1"}, {"note_number": None, "plate": "京Z99999"}],
    ids=["agrees", "differs", "unknown vehicle"],
)
def test_the_same_event_sent_again_is_the_same_event(
    database: Database, site: Site, changes: dict[str, Any]
) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        raw = gate_report(note, site, **changes)
        statement = prepared(session, site, raw)
        sent = {**raw, "signed_at": statement.signed_at.isoformat()}

        def send() -> GateEvent:
            signature = site.gate.sign(statement)
            return report_gate_event(session, site.context, site.gate.principal, sent, signature)

        first = send()
        assert send() is first
        assert session.scalar(select(func.count()).select_from(GateEvent)) == 1
        if first.verdict == "waiting":
            site.record(session, note)
            assert (send().id, send().verdict) == (first.id, "opened")


def test_an_identifier_is_not_used_for_something_else(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        raw = gate_report(note, site, plate="京B00000")
        report(session, site, raw)
        with pytest.raises(GateEventRepeated):
            report(session, site, {**raw, "plate": "京B00001"})
        stranger = granted(session, Role.GATE, device=True)
        with pytest.raises(GateEventRepeated):
            report(session, site, raw, stranger)


# ---------------------------------------------------------------------------------- declarations and their goods


def test_a_vehicle_does_not_pass_with_goods_that_may_not_move(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, check_note_content(carried(site.declaration)))
        declaration = get_declaration(session, SYSTEM_PRINCIPAL, site.declaration.id)
        declaration.state = "detained"
        session.flush()
        detained = report(session, site, gate_report(note, site))
        assert detained.verdict == "refused"
        assert "is detained" in detained.differences[0]["en"]
        declaration.state = "cancelled"
        certificates.give_back_draws(session, declaration.id)
        session.flush()
        withdrawn = report(session, site, gate_report(note, site))
        assert withdrawn.verdict == "refused"
        assert "no longer holds all" in withdrawn.differences[0]["en"]


def test_a_declaration_has_passed_when_all_its_goods_have(database: Database, site: Site) -> None:
    def passed_at(session: Session, declaration_id: UUID) -> object:
        return get_declaration(session, SYSTEM_PRINCIPAL, declaration_id).goods_passed_at

    def drive(session: Session, *items: dict[str, Any]) -> None:
        note = approved_note(session, site, site.broker, check_note_content(*items, binding=3))
        report(session, site, gate_report(note, site))
        site.record(session, note)

    with database.write() as session:
        whole = site.declaration.id
        drive(session, carried(site.declaration, 1, "10"), carried(site.declaration, 2, "12.5"))
        assert passed_at(session, whole) is None
        drive(session, carried(site.declaration, 2, "7.5"))
        assert passed_at(session, whole) == site.context.clock.now()


def test_a_released_declaration_closes_when_its_goods_have_passed(database: Database, site: Site) -> None:
    with database.write() as session:
        declaration = accepted_declaration(session, site, site.broker, site.certificate, {1: "1"})
        note = approved_note(session, site, site.broker, check_note_content(carried(declaration, 1, "1")))
        declaration.state = "released"
        certificates.commit_draws(session, site.context, declaration.id)
        session.flush()
        report(session, site, gate_report(note, site))
        site.record(session, note)
        assert get_declaration(session, SYSTEM_PRINCIPAL, declaration.id).state == "closed"


# ---------------------------------------------------------------------------------------------------- visibility


def test_a_gate_event_is_open_to_its_gate_and_to_customs(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        event = report(session, site, gate_report(note, site, weighbridge_kg="1"))
        stranger = granted(session, Role.GATE, device=True)
        for actor in (stranger, site.broker):
            with pytest.raises(NotFound):
                gate_instruction(session, actor.principal, event.id)
            assert session.scalars(gate_events_query(actor.principal)).all() == []
        with pytest.raises(NotFound):
            gate_events_of(session, granted(session, Role.BROKER).principal, note.id)
        for actor in (site.gate, site.officer):
            query = gate_events_query(actor.principal, verdict="refused")
            assert session.scalars(query).all() == [event]
            assert session.scalars(gate_events_query(actor.principal, verdict="opened")).all() == []


def test_the_tolerance_is_a_setting_of_the_site(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        site.context.settings.weighbridge_tolerance = 0.5
        heavy = gate_report(note, site, weighbridge_kg=str(note.total_weight_kg * Decimal("1.5")))
        assert prepared(session, site, heavy).agrees
