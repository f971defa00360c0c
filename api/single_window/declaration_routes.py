"""JSON and XML routes: declarations, and the steps that the firm takes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.cases.bodies import body_example
from api.cases.declarations import DECLARATION_EXAMPLE, DESK, DeclarationDetail, RawDeclaration
from api.cases.desks import CaseId, add_reading_routes, add_step_routes, show, show_new
from api.cases.examination import (
    Examinations,
    Holds,
    Readings,
    readings_view,
    summarise_examination,
    summarise_hold,
)
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
from api.single_window.declared import XML, XML_EXAMPLE, read_declared
from workflow.declarations import service as declarations
from workflow.declarations.rules import LIFE_CYCLE, DocumentsMissing
from workflow.examination import service as examination

router = api_router("/declarations", "single_window")
_EXAMPLE = body_example(DECLARATION_EXAMPLE)
_EXAMPLE["requestBody"]["content"][XML] = {
    "schema": {"type": "string", "description": "A declaration of the WCO Data Model 3.6."},
    "example": XML_EXAMPLE,
}


@router.post(
    "",
    status_code=201,
    response_model=DeclarationDetail,
    responses=REHEARSED | problem_answers(409),
    openapi_extra=_EXAMPLE,
    summary="Begin a declaration",
)
def draft(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    response: Response,
    content: RawDeclaration,
    dry_run: DryRun,
) -> CaseDetail | Response:
    """Write a draft from JSON, or from the XML of the WCO Data Model, whose faults then name the element.

    It stays the firm's own until it is signed and filed; nothing is reserved before.
    """
    declared = read_declared(request.headers.get("content-type", ""), content)
    with declared.faults_named():
        drafted = declarations.draft_declaration(
            session, context, principal, declared.content, source=None if dry_run else declared.source
        )
        if dry_run:
            look = Look(session, context, principal)
            return rehearse(look, DESK, drafted, "submit", language_of(request), DocumentsMissing)
    return show_new(Look(session, context, principal), DESK, drafted, response)


add_reading_routes(router, DESK)


@router.put(
    "/{case_id}",
    response_model=DeclarationDetail,
    responses=REHEARSED | problem_answers(404, 409, 412),
    openapi_extra=_EXAMPLE,
    summary="Rewrite a draft, or send an amendment",
)
def rewrite(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    response: Response,
    case_id: CaseId,
    seen: SeenRevision,
    content: RawDeclaration,
    dry_run: DryRun,
) -> CaseDetail | Response:
    """Replace the content of a draft.

    Where customs asked for an amendment, this is its content; the step `amend` signs it.
    """
    declared = read_declared(request.headers.get("content-type", ""), content)
    with declared.faults_named():
        rewritten = declarations.rewrite_declaration(
            session,
            context,
            principal,
            case_id,
            declared.content,
            seen=seen,
            source=None if dry_run else declared.source,
        )
        if dry_run:
            look = Look(session, context, principal)
            event = "submit" if rewritten.state == LIFE_CYCLE.initial else "amend"
            return rehearse(look, DESK, rewritten, event, language_of(request), DocumentsMissing)
    return show(Look(session, context, principal), DESK, rewritten, response)


@router.get("/{case_id}/documents", responses=problem_answers(404, 422), summary="List the documents")
def list_documents(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, case_id: CaseId
) -> Documents:
    """List the documents of a declaration, superseded ones too."""
    DESK.kind.load(session, principal, case_id, lock=False)
    return Documents(items=documents_view(Look(session, context, principal), DESK.kind.kind, case_id))


@router.get("/{case_id}/findings", responses=problem_answers(404, 422), summary="List the findings")
def list_findings(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, case_id: CaseId
) -> Findings:
    """List what comparing the documents with the declaration gave, of every version."""
    DESK.kind.load(session, principal, case_id, lock=False)
    return Findings(items=findings_view(Look(session, context, principal), DESK.kind.kind, case_id))


@router.get("/{case_id}/holds", responses=problem_answers(404, 422), summary="List the holds")
def list_holds(session: SessionOf, context: ContextOf, principal: PrincipalOf, case_id: CaseId) -> Holds:
    """List what holds or held the goods, oldest first, and why."""
    DESK.kind.load(session, principal, case_id, lock=False)
    look = Look(session, context, principal)
    return Holds(items=[summarise_hold(look, hold) for hold in examination.holds_of(session, case_id)])


@router.get("/{case_id}/examinations", responses=problem_answers(404, 422), summary="List the examinations")
def list_examinations(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, case_id: CaseId
) -> Examinations:
    """List the examinations of the goods, oldest first."""
    DESK.kind.load(session, principal, case_id, lock=False)
    look = Look(session, context, principal)
    ordered = examination.examinations_of(session, case_id)
    return Examinations(items=[summarise_examination(look, one) for one in ordered])


@router.get("/{case_id}/readings", responses=problem_answers(404, 422), summary="List the readings")
def list_readings(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, case_id: CaseId
) -> Readings:
    """List what instruments measured on the goods, oldest first."""
    DESK.kind.load(session, principal, case_id, lock=False)
    return Readings(items=readings_view(Look(session, context, principal), case_id))


add_step_routes(router, DESK, ("submit", "revise", "amend", "cancel"))
