"""Check notes from draft to void: every rule, and who may know of what."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.clock import ManualClock
from kernel.database import Database, to_micro
from kernel.errors import Invalid, NotFound, NotPermitted, RevisionStale
from kernel.identifiers import check_check_note_number
from ledger.keys.roles import Role
from ledger.models import EvidenceLeaf, StatementRecord
from ledger.proofs.content import seal
from ledger.statements import CheckNoteOpening, NoteItem, id_bytes
from tests.workflow.bonded.conftest import Site
from tests.workflow.builders.check_notes import approved_note, carried, check_note_content, empty_vehicle
from tests.workflow.builders.declarations import accepted_declaration
from tests.workflow.builders.parties import granted
from workflow.bonded.models import CheckNote
from workflow.bonded.rules import (
    BindingExceeded,
    DeclarationDetained,
    DeclarationHoldsNothing,
    GateReportMissing,
    InternalNumberTaken,
    NoteExceedsDeclaration,
    VehicleHasOpenNote,
)
from workflow.bonded.service import (
    CHECK_NOTES,
    KIND,
    check_notes_query,
    draft_check_note,
    find_check_note,
    gates_of,
    get_check_note,
    rewrite_check_note,
)
from workflow.certificates import service as certificates
from workflow.declarations.service import get_declaration
from workflow.engine.cases import history_of
from workflow.engine.life_cycle import DecisionUnderWay, TransitionRefused
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.engine.refusals import ContentAltered, ReasonMissing
from workflow.engine.schemas import ActionInput
from workflow.engine.steps import SignatureMissing, prepare_step, take_step

VOID = ActionInput(reason="another truck")


def _states(note: CheckNote) -> set[str]:
    return {item.state for item in note.items}


# ---------------------------------------------------------------------------------------------------- drafting


def test_a_draft_has_number_content_hash_and_history(database: Database, site: Site) -> None:
    with database.write() as session:
        note = draft_check_note(
            session, site.context, site.broker.principal, check_note_content(carried(site.declaration))
        )
        assert check_check_note_number(note.number, "") == []
        assert note.number.startswith("Z0101I260203")
        assert note.content["number"] == note.number
        assert note.content_hash == seal(note.content, note.seed).root
        assert [(item.certificate_id, item.certificate_line) for item in note.items] == [
            (site.certificate.id, 1)
        ]
        assert _states(note) == {"draft"}
        assert [entry.event for entry in history_of(session, KIND, note.id)] == ["drafted"]
        assert session.scalar(select(EvidenceLeaf.id).where(EvidenceLeaf.subject == note.id)) is not None


def test_numbers_count_up_by_office_direction_and_day(database: Database, site: Site) -> None:
    def number(**changes: object) -> str:
        content = check_note_content(carried(site.declaration), **changes)
        return draft_check_note(session, site.context, site.broker.principal, content).number[-12:]

    with database.write() as session:
        assert [int(number()), int(number()), int(number(direction="E")), int(number(office="0202"))] == [
            1,
            2,
            1,
            1,
        ]


def test_the_day_in_the_number_is_the_sites_day(database: Database, site: Site, clock: ManualClock) -> None:
    clock.advance(timedelta(hours=9))  # 17:00 UTC is the next day in Shanghai
    with database.write() as session:
        note = draft_check_note(session, site.context, site.broker.principal, empty_vehicle())
    assert "I260204" in note.number


def test_only_brokers_write_notes(database: Database, site: Site) -> None:
    with database.write() as session:
        for actor in (site.officer, site.gate):
            with pytest.raises(NotPermitted):
                draft_check_note(session, site.context, actor.principal, empty_vehicle())


def test_the_firms_own_number_is_used_once_and_the_answer_names_the_first_note(
    database: Database, site: Site
) -> None:
    content = check_note_content(carried(site.declaration))
    with database.write() as session:
        first = draft_check_note(session, site.context, site.broker.principal, content)
        again = check_note_content(carried(site.declaration), internal_no=content["internal_no"])
        with pytest.raises(InternalNumberTaken) as taken:
            draft_check_note(session, site.context, site.broker.principal, again)
        assert (taken.value.first, taken.value.first_id) == (first.number, str(first.id))
        assert taken.value.pointer() == "/internal_no"
        other = granted(session, Role.BROKER)
        draft_check_note(
            session, site.context, other.principal, empty_vehicle(internal_no=content["internal_no"])
        )


def test_a_deleted_draft_frees_the_firms_number_and_nobody_else_sees_it(
    database: Database, site: Site
) -> None:
    content = empty_vehicle()
    with database.write() as session:
        note = draft_check_note(session, site.context, site.broker.principal, content)
        with pytest.raises(NotFound):
            get_check_note(session, site.officer.principal, note.id)
        site.plain(session, site.broker, CHECK_NOTES, note.id, "delete")
        assert note.state == "deleted"
        with pytest.raises(NotFound):
            get_check_note(session, site.officer.principal, note.id)
        draft_check_note(session, site.context, site.broker.principal, content)


def test_items_that_cannot_be_carried_are_all_named(database: Database, site: Site) -> None:
    with database.write() as session:
        other = granted(session, Role.BROKER)
        content = check_note_content(
            carried(site.declaration),
            carried(site.declaration, line_no=9),
            {"declaration_id": str(uuid4()), "line_no": 1, "quantity": "1"},
            binding=1,
        )
        with pytest.raises(Invalid) as invalid:
            draft_check_note(session, site.context, site.broker.principal, content)
        assert {(fault.field, fault.rule) for fault in invalid.value.found} == {
            ("/items/1/line_no", "check-note.declaration-holds-nothing"),
            ("/items/2/declaration_id", "input.not-found"),
        }
        with pytest.raises(Invalid) as invalid:
            draft_check_note(
                session, site.context, other.principal, check_note_content(carried(site.declaration))
            )
        assert [fault.rule for fault in invalid.value.found] == ["input.not-found"]


def test_an_authority_that_is_a_broker_too_cannot_carry_another_firms_goods(
    database: Database, site: Site
) -> None:
    with database.write() as session:
        both = granted(session, Role.BROKER | Role.DOCUMENTS_OFFICER)
        with pytest.raises(Invalid) as invalid:
            draft_check_note(
                session, site.context, both.principal, check_note_content(carried(site.declaration))
            )
        assert [fault.rule for fault in invalid.value.found] == ["input.not-found"]


def test_a_draft_is_rewritten_whole(database: Database, site: Site) -> None:
    with database.write() as session:
        note = draft_check_note(
            session, site.context, site.broker.principal, check_note_content(carried(site.declaration))
        )
        number, before, seed = note.number, note.content_hash, note.seed
        changed = check_note_content(carried(site.declaration, 2, "3"), internal_no=note.internal_no)
        rewrite_check_note(session, site.context, site.broker.principal, note.id, changed, seen=note.revision)
    with database.read() as session:
        note = get_check_note(session, site.broker.principal, note.id)
        assert note.number == number
        assert note.content_hash != before
        assert note.seed != seed
        assert [(item.declared_line, item.quantity) for item in note.items] == [(2, Decimal(3))]


def test_a_draft_gets_another_number_when_its_direction_changes(database: Database, site: Site) -> None:
    with database.write() as session:
        note = draft_check_note(session, site.context, site.broker.principal, empty_vehicle())
        rewrite_check_note(
            session, site.context, site.broker.principal, note.id, empty_vehicle(direction="E"), seen=None
        )
        assert note.number.startswith("Z0101E260203")
        assert note.content["number"] == note.number


def test_a_rewrite_of_what_changed_meanwhile_is_refused(database: Database, site: Site) -> None:
    with database.write() as session:
        note = draft_check_note(session, site.context, site.broker.principal, empty_vehicle())
        with pytest.raises(RevisionStale):
            rewrite_check_note(
                session, site.context, site.broker.principal, note.id, empty_vehicle(), seen=note.revision + 1
            )
        taken = draft_check_note(session, site.context, site.broker.principal, empty_vehicle())
        again = empty_vehicle(internal_no=taken.internal_no)
        with pytest.raises(InternalNumberTaken):
            rewrite_check_note(session, site.context, site.broker.principal, note.id, again, seen=None)


def test_a_signed_note_is_rewritten_no_more(database: Database, site: Site) -> None:
    with database.write() as session:
        note = draft_check_note(session, site.context, site.broker.principal, empty_vehicle())
        site.sign(session, site.broker, CHECK_NOTES, note.id, "apply")
        with pytest.raises(DecisionUnderWay):
            rewrite_check_note(
                session, site.context, site.broker.principal, note.id, empty_vehicle(), seen=None
            )
        site.record(session, note)
        with pytest.raises(TransitionRefused):
            rewrite_check_note(
                session, site.context, site.broker.principal, note.id, empty_vehicle(), seen=None
            )


# ------------------------------------------------------------------------------------------------- signed steps


def test_an_application_states_what_the_contract_checks(database: Database, site: Site) -> None:
    content = check_note_content(
        carried(site.declaration, 1, "2.5"), carried(site.declaration, 2, "4"), gates=2
    )
    with database.write() as session:
        note = draft_check_note(session, site.context, site.broker.principal, content)
        site.sign(session, site.broker, CHECK_NOTES, note.id, "apply")
        assert (note.state, note.pending_event, note.holds_vehicle) == ("draft", "apply", True)
        record = session.scalars(select(StatementRecord)).all()[-1]
        declaration, certificate = id_bytes(site.declaration.id), id_bytes(site.certificate.id)
        assert record.statement() == CheckNoteOpening(
            note=id_bytes(note.id),
            content_hash=note.content_hash,
            gates=2,
            binding=content["binding"],
            items=(
                NoteItem(declaration, certificate, 1, to_micro(Decimal("2.5"))),
                NoteItem(declaration, certificate, 2, to_micro(Decimal(4))),
            ),
            signed_at=int(site.context.clock.now().timestamp()),
        )
        site.record(session, note)
        assert note.state == "applied"


def test_an_application_needs_a_signature(database: Database, site: Site) -> None:
    with database.write() as session:
        note = draft_check_note(session, site.context, site.broker.principal, empty_vehicle())
        with pytest.raises(SignatureMissing):
            take_step(
                session,
                site.context,
                site.broker.principal,
                CHECK_NOTES,
                note.id,
                "apply",
                ActionInput(),
                None,
            )


def test_a_refused_application_is_a_draft_again_and_holds_nothing(
    database: Database, site: Site, clock: ManualClock
) -> None:
    with database.write() as session:
        note = draft_check_note(
            session, site.context, site.broker.principal, check_note_content(carried(site.declaration))
        )
        site.sign(session, site.broker, CHECK_NOTES, note.id, "apply")
        site.refuse(session, note)
        note = get_check_note(session, site.broker.principal, note.id)
        assert (note.state, note.pending_event, note.holds_vehicle) == ("draft", None, False)
        assert _states(note) == {"draft"}
        assert history_of(session, KIND, note.id)[-1].words.en == "The ledger refused: made up for the test"
        clock.advance(timedelta(hours=1))
        site.go(session, site.broker, CHECK_NOTES, note.id, "apply")
        assert note.state == "applied"


def test_customs_approves_and_nobody_else(database: Database, site: Site) -> None:
    with database.write() as session:
        note = draft_check_note(session, site.context, site.broker.principal, empty_vehicle())
        site.go(session, site.broker, CHECK_NOTES, note.id, "apply")
        for actor in (site.broker, site.gate, granted(session, Role.INSPECTOR)):
            with pytest.raises(NotPermitted):
                site.sign(session, actor, CHECK_NOTES, note.id, "approve")
        site.go(session, granted(session, Role.RELEASING_OFFICER), CHECK_NOTES, note.id, "approve")
        assert note.state == "approved"


@pytest.mark.parametrize("approved", [False, True])
def test_a_void_note_gives_everything_back(database: Database, site: Site, approved: bool) -> None:
    with database.write() as session:
        content = check_note_content(carried(site.declaration))
        note = draft_check_note(session, site.context, site.broker.principal, content)
        site.go(session, site.broker, CHECK_NOTES, note.id, "apply")
        if approved:
            site.go(session, site.officer, CHECK_NOTES, note.id, "approve")
        with pytest.raises(ReasonMissing):
            site.sign(session, site.broker, CHECK_NOTES, note.id, "void")
        site.sign(session, site.broker, CHECK_NOTES, note.id, "void", VOID)
        assert note.holds_vehicle, "it is void only when the ledger says so"
        site.record(session, note)
        note = get_check_note(session, site.broker.principal, note.id)
        assert (note.state, note.holds_vehicle, _states(note)) == ("voided", False, {"returned"})
        again = check_note_content(carried(site.declaration), vehicle_plate=note.vehicle_plate)
        assert approved_note(session, site, site.broker, again).state == "approved"


def test_a_refused_voiding_changes_nothing(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, check_note_content(carried(site.declaration)))
        site.sign(session, site.broker, CHECK_NOTES, note.id, "void", VOID)
        site.refuse(session, note)
        note = get_check_note(session, site.broker.principal, note.id)
        assert (note.state, note.holds_vehicle, _states(note)) == ("approved", True, {"held"})


def test_another_firm_neither_sees_nor_voids_a_note(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        other = granted(session, Role.BROKER)
        with pytest.raises(NotFound):
            get_check_note(session, other.principal, note.id)
        with pytest.raises(NotFound):
            find_check_note(session, other.principal, note.number)
        with pytest.raises(NotFound):
            site.sign(session, other, CHECK_NOTES, note.id, "void", VOID)
        assert session.scalars(check_notes_query(other.principal)).all() == []
        assert find_check_note(session, site.gate.principal, note.number).id == note.id
        for query in (
            check_notes_query(site.officer.principal, state="approved"),
            check_notes_query(site.broker.principal, number=note.number),
        ):
            assert [row.id for row in session.scalars(query)] == [note.id]
        assert session.scalars(check_notes_query(site.broker.principal, state="voided")).all() == []


def test_a_passage_is_no_step_that_somebody_takes_on_its_own(database: Database, site: Site) -> None:
    with database.write() as session:
        note = approved_note(session, site, site.broker, empty_vehicle())
        with pytest.raises(GateReportMissing):
            site.sign(session, site.gate, CHECK_NOTES, note.id, "pass_gate")


# --------------------------------------------------------------------------------------------- quantities, rule 3


def _apply(site: Site, session: Session, *items: dict[str, Any], **changes: object) -> CheckNote:
    note = draft_check_note(
        session, site.context, site.broker.principal, check_note_content(*items, **changes)
    )
    site.go(session, site.broker, CHECK_NOTES, note.id, "apply")
    return note


def test_all_notes_together_carry_no_more_than_the_declaration_holds(database: Database, site: Site) -> None:
    with database.write() as session:
        _apply(site, session, carried(site.declaration, 1, "6"))
        with pytest.raises(NoteExceedsDeclaration) as exceeded:
            _apply(site, session, carried(site.declaration, 2, "1"), carried(site.declaration, 1, "4.000001"))
        assert (exceeded.value.left, exceeded.value.asked) == (Decimal(4), Decimal("4.000001"))
        assert exceeded.value.pointer() == "/items/1/quantity"
        assert exceeded.value.declaration == site.declaration.number
        _apply(site, session, carried(site.declaration, 1, "4"))
        with pytest.raises(NoteExceedsDeclaration):
            _apply(site, session, carried(site.declaration, 1, "0.000001"))


def test_drafts_count_for_nothing(database: Database, site: Site) -> None:
    with database.write() as session:
        for _ in range(2):
            content = check_note_content(carried(site.declaration, 1, "10"))
            draft_check_note(session, site.context, site.broker.principal, content)
        _apply(site, session, carried(site.declaration, 1, "10"))


def test_a_note_that_waits_for_the_ledger_counts(database: Database, site: Site) -> None:
    with database.write() as session:
        content = check_note_content(carried(site.declaration, 1, "10"))
        note = draft_check_note(session, site.context, site.broker.principal, content)
        site.sign(session, site.broker, CHECK_NOTES, note.id, "apply")
        with pytest.raises(NoteExceedsDeclaration):
            _apply(site, session, carried(site.declaration, 1, "1"))


def test_a_declaration_that_holds_nothing_any_more_is_carried_no_more(database: Database, site: Site) -> None:
    with database.write() as session:
        content = check_note_content(carried(site.declaration))
        note = draft_check_note(session, site.context, site.broker.principal, content)
        declaration = get_declaration(session, SYSTEM_PRINCIPAL, site.declaration.id)
        certificates.give_back_draws(session, declaration.id)
        declaration.state = "cancelled"
        with pytest.raises(Invalid) as invalid:
            draft_check_note(
                session, site.context, site.broker.principal, check_note_content(carried(site.declaration))
            )
        assert [fault.rule for fault in invalid.value.found] == ["check-note.declaration-holds-nothing"]
        with pytest.raises(DeclarationHoldsNothing):
            site.sign(session, site.broker, CHECK_NOTES, note.id, "apply")


def test_goods_of_a_detained_declaration_get_no_note(database: Database, site: Site) -> None:
    with database.write() as session:
        content = check_note_content(carried(site.declaration))
        note = draft_check_note(session, site.context, site.broker.principal, content)
        get_declaration(session, SYSTEM_PRINCIPAL, site.declaration.id).state = "detained"
        with pytest.raises(DeclarationDetained):
            site.sign(session, site.broker, CHECK_NOTES, note.id, "apply")
        with pytest.raises(Invalid) as invalid:
            draft_check_note(
                session, site.context, site.broker.principal, check_note_content(carried(site.declaration))
            )
        assert [fault.rule for fault in invalid.value.found] == ["check-note.declaration-detained"]


# ------------------------------------------------------------------------------------ vehicle and binding, rule 8


def test_a_vehicle_holds_one_open_note_a_direction(database: Database, site: Site) -> None:
    with database.write() as session:
        note = draft_check_note(
            session, site.context, site.broker.principal, empty_vehicle(vehicle_plate="京A12345")
        )
        site.sign(session, site.broker, CHECK_NOTES, note.id, "apply")
        again = draft_check_note(
            session, site.context, site.broker.principal, empty_vehicle(vehicle_plate="京A12345")
        )
        with pytest.raises(VehicleHasOpenNote) as refused:
            site.sign(session, site.broker, CHECK_NOTES, again.id, "apply")
        assert refused.value.note == note.number
        out = draft_check_note(
            session,
            site.context,
            site.broker.principal,
            empty_vehicle(vehicle_plate="京A12345", direction="E"),
        )
        site.go(session, site.broker, CHECK_NOTES, out.id, "apply")


def test_the_plate_counts_not_its_writing_and_another_firms_note_is_not_named(
    database: Database, site: Site
) -> None:
    with database.write() as session:
        approved_note(session, site, site.broker, empty_vehicle(vehicle_plate="AB 12-CD"))
        other = granted(session, Role.BROKER)
        note = draft_check_note(session, site.context, other.principal, empty_vehicle(vehicle_plate="AB12CD"))
        with pytest.raises(VehicleHasOpenNote) as refused:
            site.sign(session, other, CHECK_NOTES, note.id, "apply")
        assert refused.value.note == "of another firm"


def test_a_whole_document_on_one_vehicle_shares_it_with_no_other(database: Database, site: Site) -> None:
    with database.write() as session:
        first = _apply(site, session, carried(site.declaration, 1, "1"), binding=2)
        for binding in (1, 2, 3):
            with pytest.raises(BindingExceeded) as refused:
                _apply(site, session, carried(site.declaration, 2, "1"), binding=binding)
            assert refused.value.note == first.number
        site.go(session, site.broker, CHECK_NOTES, first.id, "void", VOID)
        _apply(site, session, carried(site.declaration, 2, "1"), binding=3)
        _apply(site, session, carried(site.declaration, 2, "1"), binding=3)
        with pytest.raises(BindingExceeded):
            _apply(site, session, carried(site.declaration, 2, "1"), binding=2)


def test_one_vehicle_carries_several_documents_under_binding_one(database: Database, site: Site) -> None:
    with database.write() as session:
        second = accepted_declaration(session, site, site.broker, site.certificate)
        note = _apply(site, session, carried(site.declaration), carried(second), binding=1)
        assert len(get_check_note(session, site.broker.principal, note.id).items) == 2


def test_prepare_says_what_taking_would(database: Database, site: Site) -> None:
    with database.write() as session:
        _apply(site, session, carried(site.declaration, 1, "10"))
        note = draft_check_note(
            session,
            site.context,
            site.broker.principal,
            check_note_content(carried(site.declaration, 1, "1")),
        )
        with pytest.raises(NoteExceedsDeclaration):
            prepare_step(
                session, site.context, site.broker.principal, CHECK_NOTES, note.id, "apply", ActionInput()
            )


def test_the_vehicles_of_a_declaration_are_those_of_signed_notes(database: Database, site: Site) -> None:
    def draft(plate: str) -> CheckNote:
        content = check_note_content(carried(site.declaration, 1, "1"), vehicle_plate=plate)
        return draft_check_note(session, site.context, site.broker.principal, content)

    with database.write() as session:
        draft("京A00003")
        for plate in ("京A00002", "京A00001"):
            site.go(session, site.broker, CHECK_NOTES, draft(plate).id, "apply")
        void = draft("京A00004")
        site.go(session, site.broker, CHECK_NOTES, void.id, "apply")
        site.go(session, site.broker, CHECK_NOTES, void.id, "void", VOID)
        gates = draft("京A00005").gates
        assert gates_of(session, site.declaration.id) == [("京A00001", gates), ("京A00002", gates)]


def test_an_altered_note_is_signed_no_more(database: Database, site: Site) -> None:
    with database.write() as session:
        note = draft_check_note(session, site.context, site.broker.principal, empty_vehicle())
        note.content = {**note.content, "vehicle_plate": "京A99999"}
        session.flush()
        with pytest.raises(ContentAltered):
            site.sign(session, site.broker, CHECK_NOTES, note.id, "apply")
