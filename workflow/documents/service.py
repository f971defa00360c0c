"""Use cases of documents: take one in, list, fetch, note what the reading gave."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.documents.schema import ReadDocument
from inspection.intake import IntakeLimits, examine_upload
from kernel.errors import Kind, NotPermitted, PisteError, Text
from kernel.jobs import add_job
from ledger.evidence.log import append_leaf
from ledger.keys.roles import Role
from workflow.documents.models import Document
from workflow.documents.rules import (
    ISSUED,
    ONE_OF_A_KIND,
    OPEN_TO_DOCUMENTS,
    READ_BY_MACHINE,
    DocumentKind,
    DocumentsClosed,
)
from workflow.engine.cases import Case, check_not_pending, record_history
from workflow.engine.context import Context
from workflow.engine.life_cycle import names_of
from workflow.engine.principals import Principal
from workflow.engine.tenancy import get_visible, visible

__all__ = ["DocumentKind"]
READ_TASK = "documents.read"
NAME_LENGTH = 120


class DocumentIssuedHere(PisteError):
    """Release notes and certificate copies are written by Piste alone."""

    code = "document.issued-here"
    kind = Kind.INVALID
    message = Text(
        "A {paper} is issued by Piste and cannot be uploaded.", "{paper_zh}由本系统签发，不能上传。"
    )
    next_step = Text("Choose another kind of document.", "请选择其他单证类型。")
    field = "/kind"
    paper: str
    paper_zh: str


def attach_document(
    session: Session,
    context: Context,
    principal: Principal,
    *,
    case_kind: str,
    case: Case,
    kind: DocumentKind,
    name: str,
    data: bytes,
) -> Document:
    """Take a document in: judge it before anything decodes it, store it once, have it read by the worker.

    Raises:
        NotPermitted: Documents come from the brokers of the firm whose case it is.
        DocumentsClosed, DecisionUnderWay: The case takes none as it stands.
        PisteError: From `inspection.intake`: no document, too large, a pixel flood, an archive, encrypted …
    """
    if kind in ISSUED:
        raise DocumentIssuedHere(paper=kind.words.en, paper_zh=kind.words.zh)
    _check_takes_documents(principal, case_kind, case)
    intake = examine_upload(data, IntakeLimits(bytes=context.settings.upload_limit_bytes))
    now = context.clock.now()
    if kind in ONE_OF_A_KIND:
        for older in documents_of(session, case_kind, case.id, kind=kind):
            older.state = "superseded"
    document = Document(
        id=context.ids.new(),
        organisation_id=case.organisation_id,
        case_kind=case_kind,
        case_id=case.id,
        kind=kind,
        name=safe_name(name),
        sha256=context.archive.put(data),
        media_type=intake.media_type,
        size=len(data),
        pages=intake.pages,
        state="stored",
        uploaded_by=principal.name or principal.actor,
        created_at=now,
    )
    session.add(document)
    append_leaf(
        session, kind="document", subject=case.id, content_hash=bytes.fromhex(document.sha256), now=now
    )
    if kind in READ_BY_MACHINE:
        add_job(session, READ_TASK, f"{READ_TASK}:{document.id}", {"document": str(document.id)}, now=now)
    record_history(
        session,
        context,
        principal,
        case_kind=case_kind,
        case_id=case.id,
        event="document.attached",
        states=(case.state, case.state),
        words=Text(f"Document attached: {kind.words.en}", f"已上传单证：{kind.words.zh}"),
        details={"document": str(document.id), "sha256": document.sha256},
    )
    session.flush()
    return document


def file_issued(
    session: Session,
    context: Context,
    *,
    case_kind: str,
    case: Case,
    kind: DocumentKind,
    name: str,
    data: bytes,
) -> Document:
    """File a paper that Piste wrote; an earlier one of its kind is superseded."""
    if kind not in ISSUED:
        msg = f"{kind} is not issued by Piste"
        raise ValueError(msg)
    now = context.clock.now()
    for older in documents_of(session, case_kind, case.id, kind=kind):
        older.state = "superseded"
    document = Document(
        id=context.ids.new(),
        organisation_id=case.organisation_id,
        case_kind=case_kind,
        case_id=case.id,
        kind=kind,
        name=name,
        sha256=context.archive.put(data),
        media_type="application/pdf",
        size=len(data),
        pages=1,
        state="issued",
        uploaded_by="Piste",
        created_at=now,
    )
    session.add(document)
    append_leaf(
        session, kind="document", subject=case.id, content_hash=bytes.fromhex(document.sha256), now=now
    )
    return document


def documents_of(
    session: Session, case_kind: str, case_id: UUID, *, kind: DocumentKind | None = None
) -> list[Document]:
    """List the documents of a case that are in force, oldest first."""
    query = select(Document).where(
        Document.case_kind == case_kind, Document.case_id == case_id, Document.state != "superseded"
    )
    if kind is not None:
        query = query.where(Document.kind == kind)
    return list(session.scalars(query.order_by(Document.created_at, Document.id)))


def papers_to_compare(session: Session, case_kind: str, case_id: UUID) -> list[Document]:
    """List the documents of a case in force that a machine reads."""
    return [paper for paper in documents_of(session, case_kind, case_id) if paper.kind in READ_BY_MACHINE]


def all_documents_of(session: Session, principal: Principal, case_kind: str, case_id: UUID) -> list[Document]:
    """List every document of a case that the principal may know of, superseded ones too."""
    query = visible(select(Document), Document, principal).where(
        Document.case_kind == case_kind, Document.case_id == case_id
    )
    return list(session.scalars(query.order_by(Document.created_at, Document.id)))


def get_document(session: Session, principal: Principal, document_id: UUID) -> Document:
    """Load a document. Raises `NotFound`."""
    return get_visible(session, Document, document_id, principal)


def document_bytes(context: Context, document: Document) -> bytes:
    """Give the bytes of a document, checked against their digest."""
    return context.archive.get(document.sha256)


def note_reading(
    session: Session, context: Context, document_id: UUID, result: ReadDocument | Text
) -> Document:
    """Store what the reading gave; words where the document could not be read."""
    document = session.get_one(Document, document_id, with_for_update=True)
    now = context.clock.now()
    document.read_at = now
    if isinstance(result, ReadDocument):
        document.reading = result.to_json()
        document.state = "read" if document.state == "stored" else document.state
        evidence = hashlib.sha256(rfc8785.dumps(document.reading)).digest()
        append_leaf(session, kind="reading", subject=document.case_id, content_hash=evidence, now=now)
    else:
        document.state = "unreadable" if document.state == "stored" else document.state
        document.fault = result.en[:500]
    return document


def _check_takes_documents(principal: Principal, case_kind: str, case: Case) -> None:
    if case.organisation_id != principal.organisation_id or not principal.roles & Role.BROKER:
        raise NotPermitted(action="attach a document", roles=names_of(Role.BROKER))
    if case.state not in OPEN_TO_DOCUMENTS.get(case_kind, ()):
        raise DocumentsClosed(case=case.title, state=case.state)
    check_not_pending(case)


def safe_name(name: str) -> str:
    """Keep of an uploaded file's name only what is harmless to show and to save under."""
    bare = re.sub(r"[\x00-\x1f\x7f<>:\"/\\|?*]", "_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(". ")
    return bare[-NAME_LENGTH:] or "document"


def document_digests(session: Session, case_kind: str, case_id: UUID) -> list[dict[str, Any]]:
    """List kind and digest of each document in force: what a decision rests on."""
    return [
        {"kind": document.kind, "sha256": document.sha256}
        for document in documents_of(session, case_kind, case_id)
        if document.kind not in ISSUED
    ]
