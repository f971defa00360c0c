"""JSON routes: material certificates, and the steps that the firm takes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.cases.bodies import body_example, json_only
from api.cases.certificates import CERTIFICATE_EXAMPLE, DESK, CertificateDetail, RawCertificate
from api.cases.desks import CaseId, add_reading_routes, add_step_routes, show, show_new
from api.cases.papers import Documents, Findings, documents_view, findings_view
from api.cases.rehearsing import REHEARSED, rehearse
from api.cases.views import CaseDetail, Look
from api.foundation.callers import PrincipalOf, SessionOf
from api.foundation.entity_tags import SeenRevision
from api.foundation.installation import ContextOf
from api.foundation.languages import language_of
from api.foundation.problems import problem_answers
from api.foundation.rehearsals import DryRun
from api.foundation.routes import api_router
from workflow.certificates import service as certificates

router = api_router("/certificates", "single_window")
_EXAMPLE = body_example(CERTIFICATE_EXAMPLE)


@router.post(
    "",
    status_code=201,
    response_model=CertificateDetail,
    responses=REHEARSED | problem_answers(409),
    openapi_extra=_EXAMPLE,
    summary="Begin a material certificate",
)
def draft(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    response: Response,
    content: RawCertificate,
    dry_run: DryRun,
) -> CaseDetail | Response:
    """Write a draft; it stays the firm's own until it is signed and submitted."""
    drafted = certificates.draft_certificate(session, context, principal, json_only(content))
    look = Look(session, context, principal)
    if dry_run:
        return rehearse(look, DESK, drafted, "submit", language_of(request))
    return show_new(look, DESK, drafted, response)


add_reading_routes(router, DESK)


@router.put(
    "/{case_id}",
    response_model=CertificateDetail,
    responses=REHEARSED | problem_answers(404, 409, 412),
    openapi_extra=_EXAMPLE,
    summary="Rewrite a draft",
)
def rewrite(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    response: Response,
    case_id: CaseId,
    seen: SeenRevision,
    content: RawCertificate,
    dry_run: DryRun,
) -> CaseDetail | Response:
    """Replace the content of a draft; all of it is checked anew."""
    rewritten = certificates.rewrite_certificate(
        session, context, principal, case_id, json_only(content), seen=seen
    )
    look = Look(session, context, principal)
    if dry_run:
        return rehearse(look, DESK, rewritten, "submit", language_of(request))
    return show(look, DESK, rewritten, response)


@router.get("/{case_id}/documents", responses=problem_answers(404, 422), summary="List the documents")
def list_documents(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, case_id: CaseId
) -> Documents:
    """List the documents of a certificate, superseded ones too."""
    DESK.kind.load(session, principal, case_id, lock=False)
    return Documents(items=documents_view(Look(session, context, principal), DESK.kind.kind, case_id))


@router.get("/{case_id}/findings", responses=problem_answers(404, 422), summary="List the findings")
def list_findings(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, case_id: CaseId
) -> Findings:
    """List what comparing the certificate's letter with its goods list gave, of every version."""
    DESK.kind.load(session, principal, case_id, lock=False)
    return Findings(items=findings_view(Look(session, context, principal), DESK.kind.kind, case_id))


add_step_routes(router, DESK, ("submit", "revise"))
