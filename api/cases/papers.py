"""How documents of a case and what was found in them are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from api.cases.views import Look, Words
from workflow.documents import service as documents
from workflow.documents.models import Document
from workflow.documents.rules import DocumentKind
from workflow.engine.schemas import Output, example
from workflow.examination import service as examination
from workflow.examination.models import DocumentFinding

DocumentState = Literal["stored", "read", "unreadable", "superseded", "issued"]

_ID = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b05"
_CASE = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01"
_DOCUMENT: dict[str, Any] = {
    "id": _ID,
    "case_kind": "declaration",
    "case_id": _CASE,
    "kind": "packing_list",
    "what": {"en": "packing list", "zh": "装箱单"},
    "name": "packing-list.pdf",
    "sha256": "9f" * 32,
    "media_type": "application/pdf",
    "size": 184_233,
    "pages": 1,
    "state": "read",
    "fault": None,
    "uploaded_by": "Li Na 李娜",
    "created_at": "2026-02-03T08:15:00Z",
    "read_at": "2026-02-03T08:15:21Z",
    "content": f"/api/v1/documents/{_ID}/content",
}
_FINDING: dict[str, Any] = {
    "id": 17,
    "document_id": _ID,
    "version": 1,
    "code": "document.packages-differ",
    "severity": "mismatch",
    "line": 2,
    "message": {
        "en": "Line 2: the packing list shows 4 cartons, the declaration 3.",
        "zh": "第2行：装箱单为4箱，申报为3箱。",
    },
    "data": {},
    "found_at": "2026-02-03T08:20:00Z",
}


class DocumentView(Output):
    """A document of a case."""

    model_config = example(_DOCUMENT)

    id: UUID
    case_kind: str
    case_id: UUID
    kind: DocumentKind
    what: Words
    name: str
    sha256: str
    media_type: str
    size: int = Field(description="Bytes.")
    pages: int
    state: DocumentState = Field(
        description="stored: waits to be read by machine, or is of a kind that is not; superseded: a newer one of "
        "its kind took its place."
    )
    fault: str | None = Field(description="Why it could not be read.")
    uploaded_by: str
    created_at: datetime
    read_at: datetime | None
    content: str = Field(description="Where its bytes are.")


class DocumentDetail(DocumentView):
    """A document with what the machine read in it."""

    model_config = example({**_DOCUMENT, "reading": None})

    reading: dict[str, Any] | None


class Documents(Output):
    """The documents of a case, oldest first, superseded ones too."""

    model_config = example({"items": [_DOCUMENT]})

    items: list[DocumentView]


class FindingView(Output):
    """What comparing a document with the case gave."""

    model_config = example(_FINDING)

    id: int
    document_id: UUID
    version: int = Field(description="Version of the case that it was compared with.")
    code: str
    severity: str
    line: int | None
    message: Words
    data: dict[str, Any] = Field(description="The values compared and where on the page they stand.")
    found_at: datetime


class Findings(Output):
    """The findings of a case, oldest first."""

    model_config = example({"items": [_FINDING]})

    items: list[FindingView]


def document_view(document: Document) -> DocumentView:
    """Show a document."""
    return DocumentView(**_fields(document))


def document_detail(document: Document) -> DocumentDetail:
    """Show a document with its reading."""
    return DocumentDetail(**_fields(document), reading=document.reading)


def documents_view(look: Look, case_kind: str, case_id: UUID) -> list[DocumentView]:
    """Show the documents of a case that was loaded for whoever looks."""
    found = documents.all_documents_of(look.session, look.principal, case_kind, case_id)
    return [document_view(document) for document in found]


def findings_view(look: Look, case_kind: str, case_id: UUID, version: int | None = None) -> list[FindingView]:
    """Show the findings of a case that was loaded for whoever looks."""
    return [
        finding_view(finding)
        for finding in examination.findings_of(look.session, case_kind, case_id, version)
    ]


def finding_view(finding: DocumentFinding) -> FindingView:
    """Show a finding."""
    return FindingView(
        id=finding.id,
        document_id=finding.document_id,
        version=finding.version,
        code=finding.code,
        severity=finding.severity,
        line=finding.line,
        message=Words.of(finding.message),
        data=finding.data,
        found_at=finding.found_at,
    )


def _fields(document: Document) -> dict[str, Any]:
    kind = DocumentKind(document.kind)
    return {
        "id": document.id,
        "case_kind": document.case_kind,
        "case_id": document.case_id,
        "kind": kind,
        "what": Words.of(kind.words),
        "name": document.name,
        "sha256": document.sha256,
        "media_type": document.media_type,
        "size": document.size,
        "pages": document.pages,
        "state": document.state,
        "fault": document.fault,
        "uploaded_by": document.uploaded_by,
        "created_at": document.created_at,
        "read_at": document.read_at,
        "content": f"/api/v1/documents/{document.id}/content",
    }
