"""Documents: taken in, judged, read by the worker, compared; the whole way with real scans."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.refusals import UploadRefused
from kernel.errors import NotFound, Text
from ledger.roles import Role
from tests.workflow.builders.desk import Desk, fresh, picture
from tests.workflow.builders.parties import granted
from workflow.documents import service as documents
from workflow.documents.models import Document
from workflow.documents.rules import REQUIRED_TO_FILE, DocumentKind
from workflow.documents.service import DocumentIssuedHere, safe_name
from workflow.engine.cases import history_of
from workflow.examination import service as examination
from workflow.examination.rules import Anomaly

EXAMPLES = Path(__file__).parents[3] / "examples"


def attach(desk: Desk, kind: DocumentKind, data: bytes, name: str = "scan.png") -> Document:
    with desk.database.write() as session:
        return documents.attach_document(
            session,
            desk.context,
            desk.broker.principal,
            case_kind="certificate",
            case=desk.certificate,
            kind=kind,
            name=name,
            data=data,
        )


def test_a_document_is_stored_once_and_noted_in_the_history(desk: Desk) -> None:
    first, second = attach(desk, DocumentKind.OTHER, picture()), attach(desk, DocumentKind.OTHER, picture())
    assert first.sha256 == second.sha256
    with desk.database.read() as session:
        assert len(documents.documents_of(session, "certificate", desk.certificate.id)) == 2
        events = [entry.event for entry in history_of(session, "certificate", desk.certificate.id)]
        assert events.count("document.attached") == 2
        loaded = documents.get_document(session, desk.officer.principal, first.id)
        assert documents.document_bytes(desk.context, loaded) == picture()
        stranger = granted(session, Role.BROKER)
        with pytest.raises(NotFound):
            documents.get_document(session, stranger.principal, first.id)


def test_a_newer_letter_takes_the_place_of_the_older(desk: Desk) -> None:
    older = attach(desk, DocumentKind.CERTIFICATE, picture())
    newer = attach(desk, DocumentKind.CERTIFICATE, picture((80, 60)))
    with desk.database.read() as session:
        kept = documents.documents_of(session, "certificate", desk.certificate.id)
        assert [one.id for one in kept] == [newer.id]
        every = documents.all_documents_of(session, desk.broker.principal, "certificate", desk.certificate.id)
        assert {one.id: one.state for one in every} == {older.id: "superseded", newer.id: "stored"}


@pytest.mark.parametrize("data", [b"", b"no picture at all", b"PK\x03\x04" + bytes(200)])
def test_what_is_no_document_is_refused_and_leaves_nothing(desk: Desk, data: bytes) -> None:
    with pytest.raises(UploadRefused):
        attach(desk, DocumentKind.OTHER, data)
    with desk.database.read() as session:
        assert documents.documents_of(session, "certificate", desk.certificate.id) == []


def test_nobody_uploads_what_piste_issues(desk: Desk) -> None:
    with pytest.raises(DocumentIssuedHere):
        attach(desk, DocumentKind.RELEASE_NOTE, picture())
    with pytest.raises(ValueError, match="not issued"), desk.database.write() as session:
        documents.file_issued(
            session,
            desk.context,
            case_kind="certificate",
            case=desk.certificate,
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


def test_a_reading_that_failed_says_why(desk: Desk) -> None:
    document = attach(desk, DocumentKind.CERTIFICATE, picture())
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


def test_a_letter_is_compared_with_the_goods_list(desk: Desk) -> None:
    letter = (EXAMPLES / "timing-equipment" / "certificate.jpg").read_bytes()
    attach(desk, DocumentKind.CERTIFICATE, letter, "letter.jpg")
    done = desk.work()
    assert done.count("documents.read") == 1
    assert desk.fault_of_jobs() == []
    with desk.database.read() as session:
        found = examination.findings_of(session, "certificate", desk.certificate.id)
        assert "mismatch" in {finding.severity for finding in found}
        assert all(finding.message.en and finding.message.zh for finding in found)


def test_required_papers_are_of_kinds_that_are_read() -> None:
    assert {kind.words.zh for kind in REQUIRED_TO_FILE} == {"发票", "装箱单"}
