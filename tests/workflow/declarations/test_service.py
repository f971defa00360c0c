"""Declarations: filing holds quantities, refusals give them back, amendments adjust them, withdrawals free them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from kernel.errors import Invalid, NotFound, RevisionStale
from ledger.keys.roles import Role
from tests.workflow.builders.at_once import at_once
from tests.workflow.builders.declarations import declaration_content, declared_line
from tests.workflow.builders.desk import PAPERS, Desk, act, fresh
from tests.workflow.builders.parties import granted
from workflow.certificates.rules import LineOverdrawn
from workflow.certificates.service import get_certificate
from workflow.declarations import service as declarations
from workflow.declarations.models import Declaration, DeclarationVersion
from workflow.declarations.rules import AmendmentMissing, DocumentsMissing
from workflow.engine.life_cycle import DecisionUnderWay, TransitionRefused
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.engine.refusals import NumberTaken, ReasonMissing
from workflow.examination.schemas import HoldAction
from workflow.examination.service import HOLDS
from workflow.processes import DECLARATIONS


def balance(desk: Desk) -> tuple[Decimal, Decimal]:
    with desk.database.read() as session:
        (line,) = get_certificate(session, SYSTEM_PRINCIPAL, desk.certificate.id).lines
        return line.reserved, line.committed


def test_a_filed_declaration_holds_its_quantities_at_once_and_is_accepted_when_recorded(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.draft(session, "10")
        assert declaration.number is None
        desk.sign(session, desk.broker, DECLARATIONS, declaration.id, "submit")
        assert (declaration.state, declaration.pending_event) == ("submitted", "submit")
    assert balance(desk) == (Decimal(10), Decimal(0))
    with desk.database.write() as session:
        recorded = desk.record(session, fresh(session, declaration))
        assert isinstance(recorded, Declaration)
        assert (recorded.state, recorded.pending_event) == ("document_examination", None)
        assert recorded.number is not None
        assert recorded.number[:9] == "010120261"
    assert balance(desk) == (Decimal(10), Decimal(0))


def test_a_refused_filing_gives_back_and_can_be_mended_as_the_same_version(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.draft(session, "10")
        desk.sign(session, desk.broker, DECLARATIONS, declaration.id, "submit")
        assert desk.refuse(session, declaration).state == "rejected"
    assert balance(desk) == (Decimal(0), Decimal(0))
    with desk.database.write() as session:
        desk.later()
        desk.plain(session, desk.broker, DECLARATIONS, declaration.id, "revise")
        again = fresh(session, declaration)
        assert (again.state, again.version) == ("draft", 1)
        desk.go(session, desk.broker, DECLARATIONS, declaration.id, "submit")
    assert balance(desk) == (Decimal(10), Decimal(0))


def test_a_line_over_its_ceiling_is_refused_with_what_is_left(desk: Desk) -> None:
    with desk.database.write() as session:
        first = desk.draft(session, "70")
        second = desk.draft(session, "70")
        desk.sign(session, desk.broker, DECLARATIONS, first.id, "submit")
        with pytest.raises(LineOverdrawn) as refused:
            desk.sign(session, desk.broker, DECLARATIONS, second.id, "submit")
    assert (refused.value.left, refused.value.asked) == (Decimal(30), Decimal(70))
    assert refused.value.faults()[0].field == "/lines/0/quantity"


def test_of_many_declarations_racing_for_a_line_only_those_that_fit_get_it(desk: Desk) -> None:
    with desk.database.write() as session:
        drafts = [desk.draft(session, "30") for _ in range(6)]

    def submit(declaration: Declaration) -> str:
        with desk.database.write() as session:
            return desk.sign(session, desk.broker, DECLARATIONS, declaration.id, "submit").state

    done, refused = at_once([partial(submit, one) for one in drafts])
    assert (len(done), len(refused)) == (3, 3)
    assert {type(refusal) for refusal in refused} == {LineOverdrawn}
    assert balance(desk) == (Decimal(90), Decimal(0))


def test_an_amendment_holds_only_what_is_new_and_frees_what_is_no_longer_asked(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration, hold = desk.held(session)
        decide = HoldAction(disposition="release_with_amendment", reason="four cartons")
        with pytest.raises(TransitionRefused):
            desk.sign(session, desk.broker, DECLARATIONS, declaration.id, "amend")
        desk.go(session, desk.officer, HOLDS, hold.id, "dispose", decide)
        assert fresh(session, declaration).state == "documents_required"
        with pytest.raises(AmendmentMissing):
            desk.sign(session, desk.broker, DECLARATIONS, declaration.id, "amend")
        amended = declaration_content(
            [declared_line(desk.certificate.number, 1, "95")], reference=declaration.reference
        )
        declarations.rewrite_declaration(
            session, desk.context, desk.broker.principal, declaration.id, amended, seen=None
        )
        desk.sign(session, desk.broker, DECLARATIONS, declaration.id, "amend")
    assert balance(desk) == (Decimal(95), Decimal(0))
    with desk.database.write() as session:
        desk.refuse(session, fresh(session, declaration))
    assert balance(desk) == (Decimal(10), Decimal(0))
    with desk.database.write() as session:
        desk.later()
        desk.go(session, desk.broker, DECLARATIONS, declaration.id, "amend")
        now = fresh(session, declaration)
        assert (now.state, now.version, now.next_content) == ("document_examination", 2, None)
        frozen = session.query(DeclarationVersion).one()
        assert (frozen.version, frozen.content["lines"][0]["quantity"]) == (1, "10")
    assert balance(desk) == (Decimal(95), Decimal(0))


def test_a_withdrawal_needs_a_reason_and_gives_back(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.filed(session)
        with pytest.raises(ReasonMissing):
            desk.sign(session, desk.broker, DECLARATIONS, declaration.id, "cancel")
        desk.go(session, desk.broker, DECLARATIONS, declaration.id, "cancel", act(reason="Flight cancelled"))
        assert fresh(session, declaration).state == "cancelled"
    assert balance(desk) == (Decimal(0), Decimal(0))


def test_nothing_is_filed_without_its_documents(desk: Desk) -> None:
    with desk.database.write() as session:
        content = declaration_content([declared_line(desk.certificate.number)])
        bare = declarations.draft_declaration(session, desk.context, desk.broker.principal, content)
        with pytest.raises(DocumentsMissing) as refused:
            desk.sign(session, desk.broker, DECLARATIONS, bare.id, "submit")
        assert refused.value.missing == "invoice, packing list"
        for kind in PAPERS:
            desk.attach(session, bare, kind)
        assert desk.sign(session, desk.broker, DECLARATIONS, bare.id, "submit").state == "submitted"


def test_while_a_step_waits_for_the_ledger_no_other_is_taken(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.draft(session)
        desk.sign(session, desk.broker, DECLARATIONS, declaration.id, "submit")
        with pytest.raises(DecisionUnderWay):
            desk.sign(session, desk.broker, DECLARATIONS, declaration.id, "cancel", act(reason="no"))


def test_a_reference_is_used_once_by_a_firm_and_the_answer_names_the_first(desk: Desk) -> None:
    with desk.database.write() as session:
        first = desk.draft(session, reference="NW-ONCE")
        with pytest.raises(NumberTaken) as refused:
            desk.draft(session, reference="NW-ONCE")
    assert refused.value.first == str(first.id)


def test_a_stale_revision_and_unknown_certificates_are_refused(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.draft(session)
        content = declaration_content([declared_line("NOBODY-1")], reference=declaration.reference)
        with pytest.raises(RevisionStale):
            declarations.rewrite_declaration(
                session, desk.context, desk.broker.principal, declaration.id, content, seen=99
            )
        with pytest.raises(Invalid) as invalid:
            declarations.rewrite_declaration(
                session, desk.context, desk.broker.principal, declaration.id, content, seen=None
            )
    assert [fault.rule for fault in invalid.value.found] == ["certificate.not-usable"]


def test_another_firm_neither_sees_nor_draws(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.draft(session)
        stranger = granted(session, Role.BROKER)
        with pytest.raises(NotFound):
            declarations.get_declaration(session, stranger.principal, declaration.id)
        content = declaration_content([declared_line(desk.certificate.number)])
        with pytest.raises(Invalid):
            declarations.draft_declaration(session, desk.context, stranger.principal, content)


def test_an_expired_certificate_cannot_be_drawn_on(desk: Desk) -> None:
    with desk.database.write() as session:
        desk.later(timedelta(days=180))
        with pytest.raises(Invalid) as invalid:
            desk.draft(session)
    assert "expired" in invalid.value.found[0].message.en
