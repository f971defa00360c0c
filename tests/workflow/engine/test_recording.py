"""What the ledger's answer does to a case: recorded it is in force, refused it did not happen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select, update

from kernel.errors import Text
from ledger.models import StatementRecord
from ledger.refusals import Refusal
from tests.workflow.builders.acting import REFUSAL
from tests.workflow.engine.conftest import Desk
from workflow.certificates.models import Certificate
from workflow.engine.cases import HistoryEntry, history_hash, history_of, record_history
from workflow.engine.recording import CaseRecorder
from workflow.engine.registry import CaseKind, CaseKinds, RecordedStep
from workflow.processes import CERTIFICATES


def _statement(desk: Desk) -> StatementRecord:
    return desk.session.scalars(select(StatementRecord)).one()


def _last(desk: Desk) -> HistoryEntry:
    return history_of(desk.session, "certificate", desk.certificate.id)[-1]


def test_a_recorded_step_is_in_force(desk: Desk) -> None:
    desk.sign(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    assert desk.certificate.state == "submitted"
    name = desk.certificate.pending_statement
    desk.record(desk.session, desk.certificate)
    certificate = desk.certificate
    assert (certificate.state, certificate.pending_event, certificate.pending_statement) == (
        "under_committee_review",
        None,
        None,
    )
    entry = _last(desk)
    assert (entry.event, entry.state_before, entry.state_after) == (
        "submit.recorded",
        "submitted",
        "under_committee_review",
    )
    assert entry.statement == name
    assert entry.organisation_id == desk.broker.organisation_id
    assert entry.person_id == desk.broker.principal.person_id


def test_a_refused_step_did_not_happen_and_the_reason_is_kept_in_words(desk: Desk) -> None:
    desk.sign(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    refusal = Refusal("MaterialCertificatesVersionWrong", {}, Text("Another version counts.", "版本不符。"))
    desk.refuse(desk.session, desk.certificate, refusal)
    assert (desk.certificate.state, desk.certificate.pending_event) == ("draft", None)
    entry = _last(desk)
    assert entry.event == "submit.refused"
    assert entry.words == Text("The ledger refused: Another version counts.", "账本拒绝：版本不符。")
    assert entry.details == {"error": "MaterialCertificatesVersionWrong"}


def test_an_answer_that_comes_twice_counts_once(desk: Desk) -> None:
    desk.sign(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    desk.record(desk.session, desk.certificate)
    entries = len(history_of(desk.session, "certificate", desk.certificate.id))
    recorder = CaseRecorder(desk.context, desk.kinds)
    recorder.recorded(desk.session, _statement(desk))
    recorder.refused(desk.session, _statement(desk), REFUSAL)
    assert desk.certificate.state == "under_committee_review"
    assert len(history_of(desk.session, "certificate", desk.certificate.id)) == entries


def test_statements_of_no_case_are_passed_over(desk: Desk) -> None:
    desk.sign(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    record = _statement(desk)
    CaseRecorder(desk.context, CaseKinds()).recorded(desk.session, record)
    assert desk.certificate.state == "submitted"
    record.case_id = uuid4()
    CaseRecorder(desk.context, desk.kinds).recorded(desk.session, record)
    assert desk.certificate.state == "submitted"


def test_the_process_hears_of_both_answers(desk: Desk) -> None:
    heard: list[tuple[str, str, str]] = []

    def recorded(*heard_of: object) -> None:
        _, _, case, step = heard_of
        assert isinstance(step, RecordedStep)
        heard.append(("recorded", case.state, step.event))  # type: ignore[attr-defined]  # a case

    def refused(*heard_of: object) -> None:
        _, _, case, step, words = heard_of
        assert isinstance(step, RecordedStep)
        heard.append((str(words.en), case.state, step.event))  # type: ignore[attr-defined]  # a case and words

    kind = CaseKind(
        kind="certificate",
        model=CERTIFICATES.model,
        life_cycle=CERTIFICATES.life_cycle,
        load=CERTIFICATES.load,
        decide=CERTIFICATES.decide,
        recorded=recorded,
        refused=refused,
    )
    recorder = CaseRecorder(desk.context, CaseKinds(kind))
    desk.sign(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    recorder.refused(desk.session, _statement(desk), REFUSAL)
    assert heard == [("made up for the test", "draft", "submit")]
    desk.certificate.pending_event, desk.certificate.pending_statement = "submit", _statement(desk).digest
    recorder.recorded(desk.session, _statement(desk))
    assert heard[1:] == [("recorded", "under_committee_review", "submit")]


def test_a_case_that_was_read_before_is_looked_at_anew(desk: Desk) -> None:
    desk.sign(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    record = _statement(desk)
    desk.certificate.state, desk.certificate.pending_event, desk.certificate.pending_statement = (
        "draft",
        None,
        None,
    )
    desk.session.flush()
    # Another transaction signs again meanwhile; this session still holds the row as it was.
    desk.session.connection().execute(
        update(Certificate)
        .where(Certificate.id == desk.certificate.id)
        .values(state="submitted", pending_event="submit", pending_statement=record.digest)
    )
    CaseRecorder(desk.context, desk.kinds).recorded(desk.session, record)
    assert desk.certificate.state == "under_committee_review"


def test_a_name_of_any_length_fits_into_the_history(desk: Desk) -> None:
    principal = replace(desk.broker.principal, name="Æ" * 300)
    entry = record_history(
        desk.session,
        desk.context,
        principal,
        case_kind="certificate",
        case_id=desk.certificate.id,
        event="noted",
        states=("draft", "draft"),
        words=Text("word " * 300, "字" * 1200),
    )
    desk.session.flush()
    assert entry.actor == "Æ" * 120
    assert history_hash(entry) == entry.content_hash


def test_every_history_entry_is_hashed_with_all_it_says(desk: Desk) -> None:
    desk.go(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    for entry in history_of(desk.session, "certificate", desk.certificate.id):
        assert history_hash(entry) == entry.content_hash
        for name, other in (
            ("event", "elsewise"),
            ("words_zh", "改"),
            ("state_after", "released"),
            ("actor", "somebody"),
            ("at", entry.at + timedelta(microseconds=1)),
            ("details", {"key": "0x00"}),
            ("salt", bytes(16)),
            ("organisation_id", uuid4()),
        ):
            kept = getattr(entry, name)
            setattr(entry, name, other)
            assert history_hash(entry) != entry.content_hash, name
            setattr(entry, name, kept)
