"""Releases: who may, when, with how many signatures; and the papers that follow."""

from __future__ import annotations

from decimal import Decimal

import pypdfium2
import pytest

from kernel.errors import NotPermitted, RevisionStale
from ledger.keys.roles import Role
from ledger.models import StatementRecord
from ledger.outbox import SignatureNotAwaited, signatures_of, withdraw_collecting
from tests.workflow.builders.desk import FOUR_CARTONS, Desk, fresh
from tests.workflow.builders.parties import Actor, granted
from workflow.certificates.service import get_certificate
from workflow.declarations import service as declarations
from workflow.declarations.models import Declaration
from workflow.documents.service import document_bytes, documents_of
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.examination import service as examination
from workflow.examination.rules import Anomaly, HoldOpen
from workflow.examination.schemas import ExaminationAction
from workflow.examination.service import EXAMINATIONS
from workflow.processes import DECLARATIONS
from workflow.release import service as release
from workflow.release.rules import (
    Channel,
    ExaminationOutstanding,
    InspectorMayNotRelease,
    NothingToCountersign,
    SecondSignerIsFirst,
)


def red(desk: Desk) -> Declaration:
    """Bring a declaration through an examination to the releasing officers."""
    with desk.database.write() as session:
        declaration, ordered = desk.ordered(session, radiation=False)
        report = ExaminationAction(result="conform", reason="as declared")
        desk.go(session, desk.inspector, EXAMINATIONS, ordered.id, "report", report)
        declaration = fresh(session, declaration)
        examination.clear_when_nothing_holds(session, desk.context, declaration)
        assert (declaration.state, declaration.channel) == ("guarantee", "red")
        return declaration


def countersign(
    desk: Desk, second: Actor, declaration: Declaration, *, seen: int | None = None
) -> Declaration:
    with desk.database.write() as session:
        prepared = release.prepare_countersign(session, desk.context, second.principal, declaration.id)
        return release.countersign(
            session, desk.context, second.principal, declaration.id, second.sign(prepared), seen=seen
        )


def test_a_yellow_release_takes_one_officer_uses_the_goods_and_writes_the_note(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.ready(session)
        desk.sign(session, desk.releaser, DECLARATIONS, declaration.id, "release")
        assert fresh(session, declaration).state == "guarantee"
    with desk.database.write() as session:
        desk.record(session, fresh(session, declaration))
        released = fresh(session, declaration)
        assert released.state == "released"
        assert released.released_at == desk.context.clock.now()
        certificate = get_certificate(session, SYSTEM_PRINCIPAL, desk.certificate.id)
        assert certificate.state == "partly_used"
        assert (certificate.lines[0].reserved, certificate.lines[0].committed) == (Decimal(0), Decimal(10))
    desk.work()
    assert [fault for fault in desk.fault_of_jobs() if "release" in (fault or "")] == []
    with desk.database.read() as session:
        notes = [
            paper
            for paper in documents_of(session, "declaration", declaration.id)
            if paper.kind == "release_note"
        ]
        assert [note.state for note in notes] == ["issued"]
        text = (
            pypdfium2.PdfDocument(document_bytes(desk.context, notes[0]))[0].get_textpage().get_text_range()
        )
        assert released.number is not None
        assert released.number in text
        assert "RELEASED" in text


def test_goods_released_and_passed_close_the_case_in_either_order(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.ready(session)
        declarations.goods_passed(session, desk.context, declaration.id)
        desk.go(session, desk.releaser, DECLARATIONS, declaration.id, "release")
        assert fresh(session, declaration).state == "closed"


def test_nothing_is_released_while_it_is_held(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.ready(session)
        examination.open_hold(
            session,
            desk.context,
            declaration,
            (Anomaly.PACKAGES_DIFFER,),
            FOUR_CARTONS.message,
            {"finding": FOUR_CARTONS.code},
        )
        with pytest.raises(HoldOpen):
            desk.sign(session, desk.releaser, DECLARATIONS, declaration.id, "release")


@pytest.mark.parametrize("role", [Role.BROKER, Role.DOCUMENTS_OFFICER, Role.INSPECTOR, Role.COMMITTEE])
def test_only_a_releasing_officer_releases(desk: Desk, role: Role) -> None:
    with desk.database.write() as session:
        declaration = desk.ready(session)
        other = desk.broker if role is Role.BROKER else granted(session, role)
        with pytest.raises(NotPermitted):
            desk.sign(session, other, DECLARATIONS, declaration.id, "release")


def test_red_takes_two_officers_and_goes_to_the_ledger_after_the_second(desk: Desk) -> None:
    declaration = red(desk)
    with desk.database.write() as session:
        desk.sign(session, desk.releaser, DECLARATIONS, declaration.id, "release")
        waiting = release.waiting_release(session, fresh(session, declaration))
        assert waiting is not None
        assert (waiting.state, waiting.required) == ("collecting", 2)
        assert release.may_countersign(session, fresh(session, declaration), desk.supervisor.principal)
        assert not release.may_countersign(session, fresh(session, declaration), desk.releaser.principal)
    with pytest.raises(SecondSignerIsFirst):
        countersign(desk, desk.releaser, declaration)
    with pytest.raises(NotPermitted):
        countersign(desk, desk.officer, declaration)
    with pytest.raises(RevisionStale):
        countersign(desk, desk.supervisor, declaration, seen=1)
    countersign(desk, desk.supervisor, declaration)
    with desk.database.write() as session:
        record = session.query(StatementRecord).filter_by(primary_type="ReleaseDecision").one()
        assert record.state == "queued"
        assert len(signatures_of(session, record)) == 2
        desk.record(session, fresh(session, declaration))
        assert fresh(session, declaration).state == "released"
    with pytest.raises(NothingToCountersign):
        countersign(desk, desk.supervisor, declaration)


def test_the_inspector_neither_releases_nor_countersigns(desk: Desk) -> None:
    declaration = red(desk)
    with desk.database.write() as session:
        both = granted(session, Role.RELEASING_OFFICER)
        for done in examination.examinations_of(session, declaration.id):
            done.inspector_id = both.principal.officer_id
        with pytest.raises(InspectorMayNotRelease):
            desk.sign(session, both, DECLARATIONS, declaration.id, "release")
        desk.sign(session, desk.releaser, DECLARATIONS, declaration.id, "release")
    with pytest.raises(InspectorMayNotRelease):
        countersign(desk, both, declaration)


def test_a_red_declaration_without_a_conforming_report_is_not_released(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.ready(session)
        declarations.redden(declaration)
        with pytest.raises(ExaminationOutstanding):
            desk.sign(session, desk.releaser, DECLARATIONS, declaration.id, "release")


def test_the_first_officer_may_retract_until_the_second_has_signed(desk: Desk) -> None:
    declaration = red(desk)
    with desk.database.write() as session:
        with pytest.raises(NothingToCountersign):
            release.retract(session, desk.context, desk.releaser.principal, declaration.id)
        desk.sign(session, desk.releaser, DECLARATIONS, declaration.id, "release")
        with pytest.raises(NotPermitted):
            release.retract(session, desk.context, desk.supervisor.principal, declaration.id)
        assert release.may_retract(session, fresh(session, declaration), desk.releaser.principal)
        release.retract(session, desk.context, desk.releaser.principal, declaration.id)
        assert fresh(session, declaration).pending_event is None
        assert session.query(StatementRecord).filter_by(primary_type="ReleaseDecision").all() == []
        desk.later()
        desk.sign(session, desk.releaser, DECLARATIONS, declaration.id, "release")
    countersign(desk, desk.supervisor, declaration)
    with desk.database.write() as session:
        record = session.query(StatementRecord).filter_by(primary_type="ReleaseDecision").one()
        with pytest.raises(SignatureNotAwaited):
            withdraw_collecting(session, record)


def test_channels_say_how_many_sign() -> None:
    assert [channel.signatures for channel in Channel] == [1, 1, 2]
    assert all(channel.words.zh for channel in Channel)


def test_an_active_certificate_gets_its_issued_copy(desk: Desk) -> None:
    with desk.database.write() as session:
        release.ask_for_certificate_copy(session, desk.context, desk.certificate)
    desk.work()
    assert desk.fault_of_jobs() == []
    with desk.database.read() as session:
        (copy,) = documents_of(session, "certificate", desk.certificate.id)
        text = pypdfium2.PdfDocument(document_bytes(desk.context, copy))[0].get_textpage().get_text_range()
        assert desk.certificate.number in text
