"""Documents: taken in, judged, read by the worker, compared; the whole way with real scans."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.refusals import UploadRefused
from kernel.errors import NotFound, NotPermitted, Text
from ledger.keys.roles import Role
from tests.workflow.builders.certificates import certificate_content
from tests.workflow.builders.desk import Desk, fresh, picture
from tests.workflow.builders.parties import granted
from workflow.certificates.models import Certificate
from workflow.certificates.service import draft_certificate
from workflow.documents import service as documents
from workflow.documents.models import Document
from workflow.documents.rules import REQUIRED_TO_FILE, DocumentKind, DocumentsClosed
from workflow.documents.service import DocumentIssuedHere, safe_name
from workflow.engine.cases import history_of
from workflow.examination import service as examination
from workflow.examination.rules import Anomaly

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def case(desk: Desk) -> Certificate:
    """Give a certificate that is still being written, so that it takes documents."""
    with desk.database.write() as session:
        return draft_certificate(session, desk.context, desk.broker.principal, certificate_content())


def attach(
    desk: Desk, case: Certificate, kind: DocumentKind, data: bytes, name: str = "scan.png"
) -> Document:
    with desk.database.write() as session:
        return documents.attach_document(
            session,
            desk.context,
            desk.broker.principal,
            case_kind="certificate",
            case=case,
            kind=kind,
            name=name,
            data=data,
        )


def test_a_document_is_stored_once_and_noted_in_the_history(desk: Desk, case: Certificate) -> None:
    first, second = (
        attach(desk, case, DocumentKind.OTHER, picture()),
        attach(desk, case, DocumentKind.OTHER, picture()),
    )
    assert first.sha256 == second.sha256
    with desk.database.read() as session:
        assert len(documents.documents_of(session, "certificate", case.id)) == 2
        events = [entry.event for entry in history_of(session, "certificate", case.id)]
        assert events.count("document.attached") == 2
        loaded = documents.get_document(session, desk.officer.principal, first.id)
        assert documents.document_bytes(desk.context, loaded) == picture()
        stranger = granted(session, Role.BROKER)
        with pytest.raises(NotFound):
            documents.get_document(session, stranger.principal, first.id)


def test_a_newer_letter_takes_the_place_of_the_older(desk: Desk, case: Certificate) -> None:
    older = attach(desk, case, DocumentKind.CERTIFICATE, picture())
    newer = attach(desk, case, DocumentKind.CERTIFICATE, picture((80, 60)))
    with desk.database.read() as session:
        kept = documents.documents_of(session, "certificate", case.id)
        assert [one.id for one in kept] == [newer.id]
        every = documents.all_documents_of(session, desk.broker.principal, "certificate", case.id)
        assert {one.id: one.state for one in every} == {older.id: "superseded", newer.id: "stored"}


@pytest.mark.parametrize("data", [b"", b"no picture at all", b"PK\x03\x04" + bytes(200)])
def test_what_is_no_document_is_refused_and_leaves_nothing(
    desk: Desk, case: Certificate, data: bytes
) -> None:
    with pytest.raises(UploadRefused):
        attach(desk, case, DocumentKind.OTHER, data)
    with desk.database.read() as session:
        assert documents.documents_of(session, "certificate", case.id) == []


def test_nobody_uploads_what_piste_issues(desk: Desk, case: Certificate) -> None:
    with pytest.raises(DocumentIssuedHere):
        attach(desk, case, DocumentKind.RELEASE_NOTE, picture())
    with pytest.raises(ValueError, match="not issued"), desk.database.write() as session:
        documents.file_issued(
            session,
            desk.context,
            case_kind="certificate",
            case=case,
            kind=DocumentKind.OTHER,
            name="x",
            data=b"x",
        )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\发票.pdf", "发票.pdf"),
        ("a\x00b\n<c>.png", "a_b__c_.png"),
        ("...", "document"),
        ("x" * 500, "x" * 120),
    ],
)
def test_names_of_files_are_made_harmless(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_what_cannot_be_read_holds_the_declaration(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.filed(session)
    desk.work()
    with desk.database.read() as session:
        (hold,) = examination.open_holds(session, declaration.id)
        assert hold.kinds() == (Anomaly.DOCUMENT_UNREADABLE,)
        assert fresh(session, declaration).state == "document_examination"


def test_a_reading_that_failed_says_why(desk: Desk, case: Certificate) -> None:
    document = attach(desk, case, DocumentKind.CERTIFICATE, picture())
    with desk.database.write() as session:
        noted = documents.note_reading(session, desk.context, document.id, Text("Too dark.", "过暗。"))
        assert (noted.state, noted.fault) == ("unreadable", "Too dark.")


def test_a_job_for_a_version_that_is_past_does_nothing(desk: Desk) -> None:
    with desk.database.write() as session:
        declaration = desk.filed(session)
        declaration.version = 7
    desk.work()
    with desk.database.read() as session:
        assert examination.findings_of(session, "declaration", declaration.id, 1) == []


def test_a_letter_is_compared_with_the_goods_list(desk: Desk, case: Certificate) -> None:
    letter = (EXAMPLES / "timing-equipment" / "certificate.jpg").read_bytes()
    attach(desk, case, DocumentKind.CERTIFICATE, letter, "letter.jpg")
    done = desk.work()
    assert done.count("documents.read") == 1
    assert desk.fault_of_jobs() == []
    with desk.database.read() as session:
        found = examination.findings_of(session, "certificate", case.id)
        assert "mismatch" in {finding.severity for finding in found}
        assert all(finding.message.en and finding.message.zh for finding in found)


def test_required_papers_are_of_kinds_that_are_read() -> None:
    assert {kind.words.zh for kind in REQUIRED_TO_FILE} == {"发票", "装箱单"}


def test_a_case_under_way_takes_no_more_documents_and_only_its_firm_attaches(
    desk: Desk, case: Certificate
) -> None:
    with pytest.raises(DocumentsClosed):
        attach(desk, desk.certificate, DocumentKind.OTHER, picture())
    with desk.database.write() as session, pytest.raises(NotPermitted):
        documents.attach_document(
            session,
            desk.context,
            desk.officer.principal,
            case_kind="certificate",
            case=case,
            kind=DocumentKind.OTHER,
            name="x.png",
            data=picture(),
        )
