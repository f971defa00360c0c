"""Material certificates from draft to the end: three confirmations of one content."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.clock import ManualClock, unix
from kernel.database import Database
from kernel.errors import Invalid, NotFound, NotPermitted, RevisionStale
from kernel.jobs import Job
from ledger.keys.roles import Role
from ledger.models import StatementRecord
from ledger.proofs.content import seal
from ledger.proofs.lines import LineTree
from ledger.statements import (
    CertificateReview,
    CertificateRevocation,
    CertificateSubmission,
    Statement,
    id_bytes,
)
from tests.workflow.builders.acting import REFUSAL
from tests.workflow.builders.at_once import at_once
from tests.workflow.builders.certificates import active_certificate, certificate_content, goods_line
from tests.workflow.builders.parties import Actor, granted
from tests.workflow.certificates.conftest import Desks
from workflow.certificates.models import Certificate, CertificateVersion
from workflow.certificates.rules import COMMITTEE_PARTY, CONFIRM, CUSTOMS_PARTY, REJECT, RETURN
from workflow.certificates.service import (
    KIND,
    certificates_query,
    draft_certificate,
    expire_certificates,
    get_certificate,
    line_tree,
    rewrite_certificate,
)
from workflow.engine.cases import history_of
from workflow.engine.decisions import SignatureWrong, reason_hash
from workflow.engine.life_cycle import DecisionUnderWay, TransitionRefused
from workflow.engine.refusals import ContentAltered, NumberTaken, ReasonMissing
from workflow.engine.schemas import ActionInput
from workflow.engine.steps import prepare_step, take_step
from workflow.processes import CERTIFICATES

BECAUSE = ActionInput(reason="Line 1 names another venue.")
GIVEN_BACK = (("committee", "return_to_firm"), ("customs", "return_to_firm"))


def draft(session: Session, desks: Desks, **changes: object) -> Certificate:
    return draft_certificate(session, desks.context, desks.broker.principal, certificate_content(**changes))


def go(
    session: Session,
    desks: Desks,
    certificate: Certificate,
    *events: str,
    by: str = "broker",
    **given: object,
) -> None:
    for event in events:
        actor: Actor = getattr(
            desks, {"submit": "broker", "approve": "committee", "file": "customs"}.get(event, by)
        )
        desks.go(session, actor, CERTIFICATES, certificate.id, event, ActionInput.model_validate(given))


def last_statement(session: Session) -> Statement:
    return session.scalars(select(StatementRecord).order_by(StatementRecord.id.desc())).first().statement()  # type: ignore[union-attr]  # there is one


# ---------------------------------------------------------------------------------------------------- drafting


def test_a_draft_holds_its_lines_and_the_hash_of_its_content(database: Database, desks: Desks) -> None:
    with database.write() as session:
        certificate = draft(session, desks, lines=[goods_line(1, "3"), goods_line(7, "2.5")])
        assert (certificate.state, certificate.version) == ("draft", 1)
        assert [(line.line, line.ceiling) for line in certificate.lines] == [
            (1, Decimal(3)),
            (7, Decimal("2.5")),
        ]
        assert certificate.content_hash == seal(certificate.content, certificate.seed).root
        assert (
            line_tree(certificate).root
            == LineTree(certificate.id, [(1, "H87", 3_000_000), (7, "H87", 2_500_000)]).root
        )
        assert [entry.event for entry in history_of(session, KIND, certificate.id)] == ["drafted"]


def test_only_brokers_write_certificates(database: Database, desks: Desks) -> None:
    with database.write() as session:
        for actor in (desks.committee, desks.customs):
            with pytest.raises(NotPermitted):
                draft_certificate(session, desks.context, actor.principal, certificate_content())


def test_faults_of_the_content_are_named(database: Database, desks: Desks) -> None:
    with database.write() as session:
        with pytest.raises(Invalid) as invalid:
            draft(session, desks, valid_until="2025-01-01", category="ata_carnet")
        assert {fault.field for fault in invalid.value.found} >= {"/valid_until", "/ata_carnet"}
        certificate = draft(session, desks)
        with pytest.raises(Invalid):
            rewrite_certificate(session, desks.context, desks.broker.principal, certificate.id, {}, seen=None)


def test_a_number_is_used_once_and_another_firms_case_is_not_named(database: Database, desks: Desks) -> None:
    with database.write() as session:
        first = draft(session, desks)
        with pytest.raises(NumberTaken) as taken:
            draft(session, desks, number=first.number)
        assert taken.value.first == str(first.id)
        stranger = granted(session, Role.BROKER)
        with pytest.raises(NumberTaken) as taken:
            draft_certificate(
                session, desks.context, stranger.principal, certificate_content(number=first.number)
            )
        assert taken.value.first == "of another firm"
        second = draft(session, desks)
        content = certificate_content(number=first.number)
        with pytest.raises(NumberTaken):
            rewrite_certificate(session, desks.context, desks.broker.principal, second.id, content, seen=None)


def test_one_of_many_drafts_at_once_gets_the_number(database: Database, desks: Desks) -> None:
    content = certificate_content()

    def begin() -> UUID:
        with database.write() as session:
            return draft_certificate(session, desks.context, desks.broker.principal, content).id

    made, refused = at_once([begin] * 6)
    assert len(made) == 1
    assert {type(refusal) for refusal in refused} == {NumberTaken}
    assert {refusal.facts()["first"] for refusal in refused} == {str(made[0])}


def test_a_draft_is_rewritten_whole(database: Database, desks: Desks) -> None:
    with database.write() as session:
        certificate = draft(session, desks, lines=[goods_line(1), goods_line(2)])
        before = certificate.content_hash, certificate.seed
        content = certificate_content(number="MCO26-NEW", lines=[goods_line(2, "5")])
        rewrite_certificate(
            session, desks.context, desks.broker.principal, certificate.id, content, seen=certificate.revision
        )
    with database.read() as session:
        found = get_certificate(session, desks.broker.principal, certificate.id)
        assert found.number == "MCO26-NEW"
        assert [(line.line, line.ceiling) for line in found.lines] == [(2, Decimal(5))]
        assert (found.content_hash, found.seed) != before
        assert found.content_hash == seal(found.content, found.seed).root


def test_only_the_present_draft_is_rewritten(database: Database, desks: Desks) -> None:
    def rewrite(seen: int | None = None, actor: Actor = desks.broker) -> None:
        rewrite_certificate(
            session, desks.context, actor.principal, certificate.id, certificate_content(), seen=seen
        )

    with database.write() as session:
        certificate = draft(session, desks)
        with pytest.raises(RevisionStale):
            rewrite(seen=certificate.revision + 1)
        with pytest.raises(NotFound):
            rewrite(actor=granted(session, Role.BROKER))
        desks.sign(session, desks.broker, CERTIFICATES, certificate.id, "submit")
        with pytest.raises(DecisionUnderWay):
            rewrite()
        desks.record(session, certificate)
        with pytest.raises(TransitionRefused):
            rewrite()


# -------------------------------------------------------------------------------------- three confirmations, rule 1


def test_three_parties_sign_one_content_and_it_is_active(database: Database, desks: Desks) -> None:
    with database.write() as session:
        certificate = draft(session, desks)
        subject, at = id_bytes(certificate.id), unix(desks.context.clock.now())
        root = line_tree(certificate).root
        go(session, desks, certificate, "submit")
        assert last_statement(session) == CertificateSubmission(
            certificate=subject,
            version=1,
            content_hash=certificate.content_hash,
            lines_root=root,
            holder=seal({"holder": certificate.holder}, certificate.seed).root,
            valid_from=unix(datetime(2026, 1, 1, tzinfo=UTC)),
            valid_until=unix(datetime(2026, 6, 1, 23, 59, 59, tzinfo=UTC)),
            signed_at=at,
        )
        for event, party, state in (
            ("approve", COMMITTEE_PARTY, "committee_approved"),
            ("file", CUSTOMS_PARTY, "active"),
        ):
            go(session, desks, certificate, event)
            assert certificate.state == state
            assert last_statement(session) == CertificateReview(
                certificate=subject,
                version=1,
                content_hash=certificate.content_hash,
                party=party,
                verdict=CONFIRM,
                reason_hash=bytes(32),
                signed_at=at,
            )
        assert session.scalar(select(Job.id).where(Job.task.contains("certificate"))) is not None


def test_it_is_not_active_before_the_ledger_has_recorded_the_last_signature(
    database: Database, desks: Desks
) -> None:
    with database.write() as session:
        certificate = draft(session, desks)
        go(session, desks, certificate, "submit", "approve")
        desks.sign(session, desks.customs, CERTIFICATES, certificate.id, "file")
        assert certificate.state == "customs_filed"
        desks.refuse(session, certificate, REFUSAL)
        assert certificate.state == "committee_approved"


def _change_a_byte(certificate: Certificate) -> None:
    content = copy.deepcopy(certificate.content)
    content["venue"] = content["venue"][:-1] + "."
    certificate.content = content


def _change_the_seed(certificate: Certificate) -> None:
    certificate.seed = bytes(32)


def _change_the_hash(certificate: Certificate) -> None:
    certificate.content_hash = bytes(32)


@pytest.mark.parametrize("change", [_change_a_byte, _change_the_seed, _change_the_hash])
def test_nobody_confirms_a_content_that_was_changed_in_between(
    database: Database, desks: Desks, change: Callable[[Certificate], None]
) -> None:
    with database.write() as session:
        certificate = draft(session, desks)
        go(session, desks, certificate, "submit")
        change(certificate)
        session.flush()
        with pytest.raises(ContentAltered):
            desks.sign(session, desks.committee, CERTIFICATES, certificate.id, "approve")


def test_a_signature_over_the_content_as_it_was_does_not_fit_the_changed_one(
    database: Database, desks: Desks
) -> None:
    with database.write() as session:
        certificate = draft(session, desks)
        go(session, desks, certificate, "submit")
        given = ActionInput()
        statement = prepare_step(
            session, desks.context, desks.committee.principal, CERTIFICATES, certificate.id, "approve", given
        )
        _change_a_byte(certificate)
        certificate.content_hash = seal(certificate.content, certificate.seed).root
        session.flush()
        with pytest.raises(SignatureWrong):
            take_step(
                session,
                desks.context,
                desks.committee.principal,
                CERTIFICATES,
                certificate.id,
                "approve",
                given.model_copy(update={"signed_at": statement.signed_at}),
                desks.committee.sign(statement),
            )


@pytest.mark.parametrize(("by", "event"), GIVEN_BACK)
def test_a_returned_certificate_goes_on_as_the_next_version(
    database: Database, desks: Desks, by: str, event: str
) -> None:
    with database.write() as session:
        certificate = draft(session, desks)
        go(session, desks, certificate, "submit", *(["approve"] if by == "customs" else []))
        with pytest.raises(ReasonMissing):
            go(session, desks, certificate, event, by=by)
        go(session, desks, certificate, event, by=by, reason=BECAUSE.reason)
        statement = last_statement(session)
        assert isinstance(statement, CertificateReview)
        assert statement.verdict == RETURN
        assert statement.reason_hash == reason_hash(BECAUSE.reason, certificate.seed)
        assert (
            history_of(session, KIND, certificate.id)[-1].words.en == f"Return to the firm: {BECAUSE.reason}"
        )

        first = (certificate.content, certificate.seed, certificate.content_hash)
        desks.plain(session, desks.broker, CERTIFICATES, certificate.id, "revise")
        assert (certificate.state, certificate.version) == ("draft", 2)
        frozen = session.scalars(select(CertificateVersion)).one()
        assert (frozen.version, frozen.content, frozen.seed, frozen.content_hash) == (1, *first)
        assert certificate.content_hash != frozen.content_hash, "the next version has a secret of its own"
        go(session, desks, certificate, "submit", "approve", "file")
        assert certificate.state == "active"
        assert last_statement(session).version == 2  # type: ignore[attr-defined]  # a review


@pytest.mark.parametrize("by", ["committee", "customs"])
def test_a_rejected_certificate_ends(database: Database, desks: Desks, by: str) -> None:
    with database.write() as session:
        certificate = draft(session, desks)
        go(session, desks, certificate, "submit", *(["approve"] if by == "customs" else []))
        go(session, desks, certificate, "reject", by=by, reason=BECAUSE.reason)
        assert certificate.state == "rejected"
        statement = last_statement(session)
        assert isinstance(statement, CertificateReview)
        assert statement.verdict == REJECT
        assert statement.party == (COMMITTEE_PARTY if by == "committee" else CUSTOMS_PARTY)


@pytest.mark.parametrize("by", ["committee", "customs"])
def test_an_active_certificate_is_revoked_with_a_reason(database: Database, desks: Desks, by: str) -> None:
    with database.write() as session:
        certificate = active_certificate(session, desks, CERTIFICATES, desks.broker)
        with pytest.raises(NotPermitted):
            desks.sign(session, desks.broker, CERTIFICATES, certificate.id, "revoke", BECAUSE)
        with pytest.raises(ReasonMissing):
            go(session, desks, certificate, "revoke", by=by)
        go(session, desks, certificate, "revoke", by=by, reason=BECAUSE.reason)
        assert certificate.state == "revoked"
        assert last_statement(session) == CertificateRevocation(
            certificate=id_bytes(certificate.id),
            version=1,
            reason_hash=reason_hash(BECAUSE.reason, certificate.seed),
            signed_at=unix(desks.context.clock.now()),
        )


def test_a_certificate_expires_after_its_last_day(
    database: Database, desks: Desks, clock: ManualClock
) -> None:
    with database.write() as session:
        certificate = active_certificate(session, desks, CERTIFICATES, desks.broker)
        waiting = active_certificate(session, desks, CERTIFICATES, desks.broker)
        last_day = datetime(2026, 6, 1, 23, 59, tzinfo=UTC)
        clock.advance(last_day - clock.now())
        assert expire_certificates(session, desks.context) == 0
        desks.sign(session, granted(session, Role.COMMITTEE), CERTIFICATES, waiting.id, "revoke", BECAUSE)
        clock.advance(timedelta(minutes=1))
        assert expire_certificates(session, desks.context) == 1
        assert (certificate.state, waiting.state) == ("expired", "active")
        desks.record(session, waiting)
        assert expire_certificates(session, desks.context) == 0
        assert waiting.state == "revoked"


def test_a_query_narrows_by_state_and_number(database: Database, desks: Desks) -> None:
    with database.write() as session:
        one, other = draft(session, desks), active_certificate(session, desks, CERTIFICATES, desks.broker)
        broker = desks.broker.principal

        def found(**narrow: str) -> set[UUID]:
            return {row.id for row in session.scalars(certificates_query(broker, **narrow))}

        assert found() == {one.id, other.id}
        assert found(state="active") == {other.id}
        assert found(number=one.number) == {one.id}
        assert {row.id for row in session.scalars(certificates_query(desks.customs.principal))} == {other.id}
