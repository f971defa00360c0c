"""Cases, histories, documents and leaves held against each other: what was tampered with is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from kernel.archive import FolderArchive
from ledger.evidence.log import append_leaf, leaf_data, sequence
from ledger.evidence.merkle import leaf_hash, root_of
from ledger.mirrors import LedgerCheckpoint
from ledger.models import EvidenceLeaf, EvidenceLogHead, StatementRecord
from ledger.proofs.content import new_seed
from ledger.reconciliation.differences import Difference
from ledger.reconciliation.log_reconciliation import GrowingRoot, log_differences
from tests.workflow.engine.conftest import Desk
from workflow.certificates.models import Certificate
from workflow.documents.models import Document
from workflow.documents.reconciliation import document_differences
from workflow.engine.cases import HistoryEntry
from workflow.engine.reconciliation import case_differences, history_differences, reachable
from workflow.engine.sealing import KeptDecision, KeptDecisions, SealedDocument, keep
from workflow.processes import CERTIFICATES


def codes(found: list[Difference]) -> set[str]:
    """Give the codes of what was found."""
    return {difference.code for difference in found}


def everything(desk: Desk) -> set[str]:
    """Compare cases and histories."""
    desk.session.flush()
    desk.session.expire_all()
    cases = list(case_differences(desk.session, desk.kinds))
    return codes(cases + list(history_differences(desk.session)))


@pytest.fixture
def submitted(desk: Desk) -> Desk:
    """Have the certificate submitted and recorded, and an approval under way."""
    desk.go(desk.session, desk.broker, CERTIFICATES, desk.certificate.id, "submit")
    desk.sign(desk.session, desk.committee, CERTIFICATES, desk.certificate.id, "approve")
    return desk


def test_an_untouched_case_is_clean(submitted: Desk) -> None:
    assert everything(submitted) == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (update(Certificate).values(state="active"), "case.state-differs"),
        (update(Certificate).values(pending_statement=b"\1" * 32), "case.waits-in-vain"),
        (update(Certificate).values(pending_event=None), "case.waits-in-vain"),
        (update(Certificate).values(content={"number": "other"}), "case.content-differs"),
        (update(StatementRecord).values(state="refused"), "case.waits-in-vain"),
        (update(HistoryEntry).values(words_en="other"), "history.altered"),
        (update(EvidenceLeaf).values(content_hash=b"\2" * 32), "history.without-leaf"),
        (delete(HistoryEntry), "history.missing"),
    ],
)
def test_what_was_tampered_with_is_named(submitted: Desk, change: object, code: str) -> None:
    submitted.session.execute(change)  # type: ignore[call-overload]  # updates and deletions alike
    assert code in everything(submitted)


def test_a_lost_case_is_named(submitted: Desk) -> None:
    session = submitted.session
    session.execute(
        update(StatementRecord).where(StatementRecord.state == "recorded").values(case_id=new_id(submitted))
    )
    assert "case.missing" in everything(submitted)


def new_id(desk: Desk) -> object:
    """Give an identifier that no case has."""
    return desk.context.ids.new()


def test_states_without_a_statement_are_reachable_by_unsigned_steps_alone() -> None:
    cycle = CERTIFICATES.life_cycle
    assert reachable(cycle, "active", pending=None) == {"active", "partly_used", "fully_used", "expired"}
    assert reachable(cycle, "draft", pending=None) == {"draft"}
    assert reachable(cycle, "draft", pending="submit") == {"draft", "submitted"}


def test_documents_are_held_against_log_and_archive(
    desk: Desk, archive: FolderArchive, tmp_path: Path
) -> None:
    session, case = desk.session, desk.certificate
    now = desk.context.clock.now()

    def attach(data: bytes, *, leaf: bool = True) -> Document:
        sha256 = archive.put(data)
        document = Document(
            id=desk.context.ids.new(),
            organisation_id=case.organisation_id,
            case_kind="certificate",
            case_id=case.id,
            kind="other",
            name="x.pdf",
            sha256=sha256,
            media_type="application/pdf",
            size=len(data),
            pages=1,
            state="stored",
            uploaded_by="x",
            created_at=now,
        )
        session.add(document)
        if leaf:
            append_leaf(
                session, kind="document", subject=case.id, content_hash=bytes.fromhex(sha256), now=now
            )
        return document

    good = attach(b"good")
    session.flush()
    assert not list(document_differences(session, archive))
    attach(b"without a leaf", leaf=False)
    gone, cut = attach(b"gone"), attach(b"cut")
    session.flush()
    for document in (gone, cut):
        (path,) = [found for found in tmp_path.rglob(document.sha256) if found.is_file()]
        path.unlink() if document is gone else path.write_bytes(b"cu")
    session.delete(good)
    session.flush()
    assert codes(list(document_differences(session, archive))) == {
        "document.without-leaf",
        "archive.missing",
        "archive.altered",
        "document.missing",
    }


def test_the_log_is_held_against_its_leaves_and_the_anchored_roots(desk: Desk) -> None:
    session, now = desk.session, desk.context.clock.now()
    session.execute(delete(EvidenceLeaf))
    for place in range(7):
        append_leaf(
            session, kind="test", subject=desk.certificate.id, content_hash=bytes([place]) * 32, now=now
        )
    session.flush()
    sequence(session)
    hashes = [
        leaf_hash(leaf_data("test", desk.certificate.id, bytes([place]) * 32, now)) for place in range(7)
    ]
    for size in (3, 7):
        session.add(
            LedgerCheckpoint(
                size=size,
                root=root_of(hashes[:size]),
                statement=None,
                block_number=size,
                transaction_hash=bytes(32),
                anchored_at=now,
            )
        )
    session.flush()
    assert not list(log_differences(session))
    leaf = session.scalars(select(EvidenceLeaf).where(EvidenceLeaf.position == 4)).one()
    leaf.content_hash = b"\7" * 32
    session.flush()
    assert codes(list(log_differences(session))) == {"evidence.leaf-differs", "evidence.root-differs"}
    session.delete(session.scalars(select(EvidenceLeaf).where(EvidenceLeaf.position == 2)).one())
    session.execute(update(EvidenceLogHead).values(size=9))
    session.flush()
    assert {"evidence.gap", "evidence.size-differs"} <= codes(list(log_differences(session)))
    session.execute(delete(EvidenceLeaf))
    assert "evidence.root-differs" in codes(list(log_differences(session)))


def test_a_root_grows_as_the_tree_does() -> None:
    leaves, growing = [bytes([place]) * 32 for place in range(9)], GrowingRoot()
    for count, leaf in enumerate(leaves, 1):
        growing.add(leaf)
        assert growing.root() == root_of(leaves[:count])


def test_what_a_decision_commits_to_is_kept(submitted: Desk, archive: FolderArchive) -> None:
    kept = KeptDecisions(archive)
    records = submitted.session.scalars(select(StatementRecord)).all()
    assert len(kept) == len(records) == 2
    for record in records:
        found = kept.get(record.digest)
        assert found is not None
        assert kept.case_of(record.digest) == found.case
        assert (found.case.kind, found.case.case_id) == (record.case_kind, record.case_id)
        assert found.case.intent == record.intent
        document = found.document(bytes.fromhex(record.message["contentHash"][2:]))
        assert document is not None
        assert document.document["number"] == submitted.certificate.number
        assert found.document(bytes(32)) is None
    assert kept.get(bytes(32)) is None
    assert kept.case_of(bytes(32)) is None
    assert KeptDecision.from_bytes(b"%PDF") is None
    assert KeptDecision.from_bytes(b'{"case":1}') is None
    assert KeptDecision.from_bytes(b'{"case":{},"format":"other"}') is None
    odd = keep(
        archive, records[0], (SealedDocument({"x": 1}, b"short"), SealedDocument({"x": 1}, new_seed()))
    )
    read = KeptDecision.from_bytes(archive.get(odd))
    assert read is not None
    assert read.document(read.sealed[1].root) == read.sealed[1]
