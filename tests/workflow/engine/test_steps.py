"""Steps of a case: prepared without a trace, taken once, never while another waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from kernel.clock import ManualClock
from kernel.errors import NotFound, NotPermitted, RevisionStale, Text
from ledger.keys.roles import Role
from ledger.models import StatementRecord, StatementState
from ledger.outbox import SignatureNotAwaited
from tests.workflow.builders.parties import Actor, granted
from tests.workflow.engine.conftest import Desk
from workflow.engine.cases import HistoryEntry, history_of
from workflow.engine.decisions import (
    Decision,
    KeyWithoutRole,
    SignatureWrong,
    SignedAtOutOfRange,
    accept_second,
)
from workflow.engine.life_cycle import DecisionUnderWay, TransitionRefused
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.engine.refusals import ReasonMissing
from workflow.engine.registry import CaseKind
from workflow.engine.schemas import ActionInput
from workflow.engine.steps import SignatureMissing, allowed_steps, prepare_step, take_step
from workflow.processes import CERTIFICATES


def test_preparing_twice_gives_the_same_statement_and_changes_nothing(desk: Desk) -> None:
    count = select(func.count()).select_from(HistoryEntry)
    before = (desk.certificate.revision, desk.session.scalar(count))
    digests = {
        prepare_step(
            desk.session,
            desk.context,
            desk.broker.principal,
            CERTIFICATES,
            desk.certificate.id,
            "submit",
            ActionInput(),
        ).digest
        for _ in range(2)
    }
    desk.session.flush()
    assert len(digests) == 1
    assert (desk.certificate.revision, desk.session.scalar(count)) == before
    assert desk.session.scalar(select(func.count()).select_from(StatementRecord)) == 0


def test_what_was_prepared_can_be_signed_for_ten_minutes(desk: Desk, clock: ManualClock) -> None:
    def submit() -> None:
        take_step(
            desk.session,
            desk.context,
            desk.broker.principal,
            CERTIFICATES,
            desk.certificate.id,
            "submit",
            ActionInput(signed_at=statement.signed_at),
            desk.broker.sign(statement),
        )

    statement = prepare_step(
        desk.session,
        desk.context,
        desk.broker.principal,
        CERTIFICATES,
        desk.certificate.id,
        "submit",
        ActionInput(),
    )
    clock.advance(timedelta(minutes=10, seconds=1))
    with pytest.raises(SignedAtOutOfRange):
        submit()
    clock.advance(-timedelta(seconds=1))
    submit()


def test_a_decision_is_signed(desk: Desk) -> None:
    with pytest.raises(SignatureMissing):
        desk.plain(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")


def test_the_revision_that_the_actor_saw_must_be_the_present_one(desk: Desk) -> None:
    def submit(seen: int) -> None:
        take_step(
            desk.session,
            desk.context,
            desk.broker.principal,
            CERTIFICATES,
            desk.certificate.id,
            "submit",
            ActionInput(signed_at=statement.signed_at),
            desk.broker.sign(statement),
            seen=seen,
        )

    statement = prepare_step(
        desk.session,
        desk.context,
        desk.broker.principal,
        CERTIFICATES,
        desk.certificate.id,
        "submit",
        ActionInput(),
    )
    revision = desk.certificate.revision
    with pytest.raises(RevisionStale) as stale:
        submit(revision - 1)
    assert (stale.value.current, stale.value.seen) == (revision, revision - 1)
    submit(revision)
    assert desk.certificate.revision == revision + 1


def test_no_step_is_taken_while_one_waits(desk: Desk) -> None:
    desk.sign(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    assert allowed_steps(CERTIFICATES, desk.certificate, desk.broker.principal) == ()
    for event in ("submit", "approve"):
        with pytest.raises(DecisionUnderWay) as waits:
            desk.sign(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, event)
        assert waits.value.event == "submit"


def test_allowed_steps_are_those_of_state_and_roles(desk: Desk) -> None:
    def names(roles: Role) -> list[str]:
        principal = granted(desk.session, roles).principal
        return [edge.event for edge in allowed_steps(CERTIFICATES, desk.certificate, principal)]

    assert names(Role.BROKER) == ["submit"]
    assert names(Role.COMMITTEE) == []
    desk.go(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    assert names(Role.BROKER) == []
    assert names(Role.COMMITTEE | Role.GATE) == ["approve", "return_to_firm", "reject"]
    assert allowed_steps(CERTIFICATES, desk.certificate, SYSTEM_PRINCIPAL) == ()


def test_a_step_that_the_state_does_not_know_is_refused_with_what_is_possible(desk: Desk) -> None:
    with pytest.raises(TransitionRefused) as refused:
        desk.sign(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "file")
    assert refused.value.possible == "submit"
    with pytest.raises(TransitionRefused):
        desk.sign(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "no such step")


def test_a_case_of_another_firm_is_not_found(desk: Desk) -> None:
    stranger = granted(desk.session, Role.BROKER)
    with pytest.raises(NotFound):
        desk.sign(desk.session, stranger, CERTIFICATES, desk.certificate.id, "submit")


def test_without_the_role_a_visible_case_is_forbidden(desk: Desk) -> None:
    desk.go(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    with pytest.raises(NotPermitted):
        desk.sign(
            desk.session, granted(desk.session, Role.AUDITOR), CERTIFICATES, desk.certificate.id, "approve"
        )


def test_the_reason_is_part_of_what_is_signed(desk: Desk) -> None:
    desk.go(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")

    def prepare(reason: str) -> ActionInput:
        given = ActionInput(reason=reason)
        statement = prepare_step(
            desk.session,
            desk.context,
            desk.committee.principal,
            CERTIFICATES,
            desk.certificate.id,
            "reject",
            given,
        )
        signatures.append(desk.committee.sign(statement))
        return given.model_copy(update={"signed_at": statement.signed_at})

    signatures: list[object] = []
    with pytest.raises(ReasonMissing):
        prepare("")
    given = prepare("not for the Games")
    with pytest.raises(SignatureWrong):
        take_step(
            desk.session,
            desk.context,
            desk.committee.principal,
            CERTIFICATES,
            desk.certificate.id,
            "reject",
            given.model_copy(update={"reason": "for the Games after all"}),
            signatures[0],  # type: ignore[arg-type]  # a signature
        )


def test_a_kind_without_plain_steps_refuses_them(desk: Desk) -> None:
    bare = CaseKind(
        kind="certificate",
        model=CERTIFICATES.model,
        life_cycle=CERTIFICATES.life_cycle,
        load=CERTIFICATES.load,
        decide=CERTIFICATES.decide,
    )
    desk.certificate.state = "returned"
    desk.session.flush()
    with pytest.raises(TransitionRefused):
        desk.plain(desk.session, desk.broker, bare, desk.certificate.id, "revise")


def test_a_decision_of_two_goes_out_when_both_have_signed(desk: Desk) -> None:
    def decide(*given: Any) -> Decision:  # noqa: ANN401 - passed through
        return replace(CERTIFICATES.decide(*given), required=2)

    session, context = desk.session, desk.context
    kind = replace(CERTIFICATES, decide=decide)
    certificate = desk.sign(session, desk.broker, kind, desk.certificate.id, "submit")
    record = session.scalars(select(StatementRecord)).one()
    assert record.state == StatementState.COLLECTING

    def countersign(actor: Actor) -> None:
        words = Text("Second signature", "第二人签署")
        accept_second(
            session,
            context,
            actor.principal,
            certificate,
            record,
            actor.sign("0x" + record.digest.hex()),
            case_kind="certificate",
            roles=Role.BROKER,
            words=words,
        )

    with pytest.raises(KeyWithoutRole):
        countersign(desk.committee)
    with pytest.raises(SignatureNotAwaited):
        countersign(desk.broker)
    second = granted(session, Role.BROKER, organisation_id=desk.broker.organisation_id)
    countersign(second)
    assert record.state == StatementState.QUEUED
    entry = history_of(session, "certificate", certificate.id)[-1]
    assert (entry.event, entry.person_id) == ("submit.countersigned", second.principal.person_id)
    with pytest.raises(SignatureNotAwaited):
        countersign(granted(session, Role.BROKER, organisation_id=desk.broker.organisation_id))
