"""What a finding is about, cut out of its document."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from inspection.documents.schema import Finding
from kernel.errors import NotFound
from workflow.engine.context import Context
from workflow.examination.models import DocumentFinding


def finding_picture(
    session: Session, context: Context, *, document_id: UUID, sha256: str, finding_id: int
) -> bytes:
    """Cut the piece of the page that a finding is about out of its document, as PNG.

    Args:
        session: The request's session.
        context: Archive.
        document_id: The document, already loaded for whoever looks.
        sha256: Digest of its bytes.
        finding_id: The finding.

    Raises:
        NotFound: The document has no such finding, or it is about no one place.
        UploadRefused, PageMissing: The document no longer decodes to what was read.
    """
    finding = session.get(DocumentFinding, finding_id)
    if finding is None or finding.document_id != document_id:
        raise NotFound(what="finding", name=str(finding_id))
    found = Finding.from_json(finding.data)
    if found.page is None or found.box is None:
        raise NotFound(what="place of finding", name=str(finding_id))
    from inspection.documents.desk import crop  # noqa: PLC0415 - loads the libraries of pictures, seconds long

    return crop(context.archive.get(sha256), found.page, found.box)
