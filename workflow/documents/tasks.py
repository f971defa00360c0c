"""Celery entry points of documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from inspection.documents.desk import read_document
from inspection.documents.schema import DocumentKind as ReadableKind
from inspection.documents.schema import ReadDocument
from kernel.errors import PisteError, Text
from workflow.documents.models import Document
from workflow.documents.rules import DocumentKind
from workflow.documents.service import READ_TASK, note_reading
from workflow.engine.context import Context
from workflow.engine.worker import Workshop, celery_app, run_job
from workflow.examination import service as examination


@celery_app.task(name=READ_TASK)
def read(job_id: int) -> bool:
    """Read a document."""
    return run_job(job_id, _read, _store)


def _read(shop: Workshop, payload: dict[str, Any]) -> ReadDocument | Text:
    with shop.database.read() as session:
        document = session.get_one(Document, UUID(payload["document"]))
        sha256, kind = document.sha256, ReadableKind(document.kind)
    try:
        return read_document(shop.context.archive.get(sha256), kind)
    except PisteError as fault:
        return fault.words()


def _store(session: Session, context: Context, payload: dict[str, Any], result: ReadDocument | Text) -> None:
    document = note_reading(session, context, UUID(payload["document"]), result)
    if document.case_kind == "declaration":
        examination.document_was_read(session, context, document.case_id, document.id)
    elif isinstance(result, ReadDocument) and document.kind == DocumentKind.CERTIFICATE:
        examination.compare_letter(session, context, document.case_id, document.id, result)
