"""Routes of documents: upload, look, fetch, and the piece of a page that a finding is about."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import File, Form, Path, UploadFile
from sqlalchemy.orm import Session
from starlette.responses import Response

from api.cases.papers import DocumentDetail, DocumentView, document_detail, document_view
from api.foundation.callers import PrincipalOf, SessionOf
from api.foundation.installation import ContextOf
from api.foundation.problems import problem_answers
from api.foundation.routes import api_router, takes_upload
from kernel.errors import NotFound
from workflow.documents import service as documents
from workflow.documents.models import Document
from workflow.documents.rules import DocumentKind
from workflow.engine.principals import Principal
from workflow.examination.pictures import finding_picture
from workflow.processes import KINDS

router = api_router("/documents", "single_window")

DocumentId = Annotated[UUID, Path(description="The document.")]
FindingId = Annotated[int, Path(ge=1, le=2**53, description="The finding.")]
UploadedKind = Literal["invoice", "packing_list", "certificate", "airway_bill", "other"]

SHOWN_BY_BROWSERS = frozenset({"application/pdf", "image/png", "image/jpeg"})
"""Types that are shown in place; every other one is saved."""
_PICTURE = {"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'self'"}
_PDF = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"}
"""Without `sandbox`, under which browsers show no PDF; they show it in a process of its own, not as a page of ours."""
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "",
    status_code=201,
    response_model=DocumentView,
    responses=problem_answers(404, 409),
    summary="Upload a document of a case",
    openapi_extra={
        "requestBody": {
            "content": {
                "multipart/form-data": {
                    "example": {
                        "case_kind": "declaration",
                        "case_id": "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01",
                        "kind": "invoice",
                        "file": "(invoice.pdf)",
                    }
                }
            }
        }
    },
)
@takes_upload
def upload(
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    response: Response,
    case_kind: Annotated[Literal["certificate", "declaration"], Form()],
    case_id: Annotated[UUID, Form()],
    kind: Annotated[UploadedKind, Form()],
    file: Annotated[
        UploadFile, File(description="PDF, PNG, JPEG, TIFF or WebP; judged by its content, not its name.")
    ],
) -> DocumentView:
    """Take a scan in and have the machine read it. A newer one of its kind takes the place of the older."""
    case = KINDS[case_kind].load(session, principal, case_id, lock=True)
    document = documents.attach_document(
        session,
        context,
        principal,
        case_kind=case_kind,
        case=case,
        kind=DocumentKind(kind),
        name=file.filename or "document",
        data=file.file.read(),
    )
    response.headers["Location"] = f"/api/v1/documents/{document.id}"
    return document_view(document)


@router.get(
    "/{document_id}",
    response_model=DocumentDetail,
    responses=problem_answers(404, 422),
    summary="Look at a document",
)
def read(session: SessionOf, principal: PrincipalOf, document_id: DocumentId) -> DocumentDetail:
    """Tell what a document is, and what the machine read in it."""
    return document_detail(_of_visible_case(session, principal, document_id))


@router.get(
    "/{document_id}/content",
    response_class=Response,
    responses={
        200: {
            "description": "The bytes as they came in.",
            "content": {"application/pdf": _BINARY, "image/png": _BINARY, "image/jpeg": _BINARY},
        },
        **problem_answers(404, 422),
    },
    summary="Fetch a document",
)
def fetch(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, document_id: DocumentId
) -> Response:
    """Give a document's bytes, checked against their digest, in headers under which they can do no harm."""
    document = _of_visible_case(session, principal, document_id)
    return document_response(document, documents.document_bytes(context, document))


@router.get(
    "/{document_id}/findings/{finding_id}/picture",
    response_class=Response,
    responses={
        200: {"description": "The piece of the page.", "content": {"image/png": _BINARY}},
        **problem_answers(404, 413, 422),
    },
    summary="See what a finding is about",
)
def picture(
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    document_id: DocumentId,
    finding_id: FindingId,
) -> Response:
    """Cut the piece of the page that a finding is about out of the document, as PNG."""
    document = _of_visible_case(session, principal, document_id)
    cut = finding_picture(
        session, context, document_id=document.id, sha256=document.sha256, finding_id=finding_id
    )
    return Response(
        cut, media_type="image/png", headers={**_PICTURE, "ETag": f'"{document.sha256}-{finding_id}"'}
    )


def document_response(document: Document, data: bytes) -> Response:
    """Answer with a document's bytes: shown in place only where browsers can do so safely."""
    shown = document.media_type in SHOWN_BY_BROWSERS
    disposition = "inline" if shown else "attachment"
    headers = _PDF if document.media_type == "application/pdf" else _PICTURE
    return Response(
        data,
        media_type=document.media_type,
        headers={
            **headers,
            "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(document.name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "ETag": f'"{document.sha256}"',
        },
    )


def _of_visible_case(session: Session, principal: Principal, document_id: UUID) -> Document:
    """Load a document whose case the principal may know of, too: a draft's papers are as private as the draft.

    Raises:
        NotFound: There is none.
    """
    document = documents.get_document(session, principal, document_id)
    try:
        KINDS[document.case_kind].load(session, principal, document.case_id, lock=False)
    except NotFound:
        raise NotFound(what=Document.title, name=str(document_id)) from None
    return document
