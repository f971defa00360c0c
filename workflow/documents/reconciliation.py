"""Documents held against the evidence log and the archive's files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.archive import Archive, ArchivedFileAltered, ArchivedFileMissing
from ledger.models import EvidenceLeaf
from ledger.reconciliation.differences import Difference
from ledger.reconciliation.rebuilding import Watch, unwatched
from workflow.documents.models import Document

ROWS_AT_ONCE = 200
LEAF = "document"


def document_differences(
    session: Session, archive: Archive, watch: Watch = unwatched
) -> Iterator[Difference]:
    """Read every document's file again; name those that are gone or altered, and those that the log does not know."""
    total = session.scalar(select(func.count()).select_from(Document)) or 0
    rows = iter(session.execute(select(Document).order_by(Document.id)).yield_per(ROWS_AT_ONCE).scalars())
    done = 0
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        for document in chunk:
            where = {"table": "documents", "row": {"id": document.id}, "case": document.case_id}
            yield from _file(archive, document.sha256, where)
            known = select(EvidenceLeaf.id).where(
                EvidenceLeaf.kind == LEAF,
                EvidenceLeaf.subject == document.case_id,
                EvidenceLeaf.content_hash == _digest(document.sha256),
            )
            if session.scalar(known.limit(1)) is None:
                yield Difference("document.without-leaf", where, here=document.sha256)
            done += 1
        session.expunge_all()
        watch("documents", done, total)
    yield from _unlisted(session, archive)


def _unlisted(session: Session, archive: Archive) -> Iterator[Difference]:
    """Name documents that the log vouches for and no row lists, or whose case differs."""
    leaves = session.execute(
        select(EvidenceLeaf.content_hash, EvidenceLeaf.subject, EvidenceLeaf.position).where(
            EvidenceLeaf.kind == LEAF
        )
    ).yield_per(ROWS_AT_ONCE)
    for leaf in leaves:
        sha256 = leaf.content_hash.hex()
        listed = select(Document.id).where(Document.sha256 == sha256, Document.case_id == leaf.subject)
        if session.scalar(listed.limit(1)) is None:
            where = {"table": "documents", "case": leaf.subject, "position": leaf.position}
            yield Difference("document.missing", where, there=sha256)
            yield from _file(archive, sha256, where)


def _file(archive: Archive, sha256: str, where: dict[str, object]) -> Iterator[Difference]:
    try:
        archive.get(sha256)
    except ArchivedFileMissing:
        yield Difference("archive.missing", where | {"file": sha256}, there=sha256)
    except ArchivedFileAltered:
        yield Difference("archive.altered", where | {"file": sha256}, there=sha256)


def _digest(sha256: str) -> bytes:
    try:
        return bytes.fromhex(sha256)
    except ValueError:
        return b""
