"""JSON routes: check notes, and the steps that the firm takes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.cases.bodies import body_example, json_only
from api.cases.check_notes import CHECK_NOTE_EXAMPLE, DESK, CheckNoteDetail, RawCheckNote
from api.cases.desks import CaseId, add_reading_routes, add_step_routes, show, show_new
from api.cases.rehearsing import REHEARSED, rehearse
from api.cases.views import CaseDetail, Look
from api.foundation.callers import PrincipalOf, SessionOf
from api.foundation.entity_tags import SeenRevision
from api.foundation.installation import ContextOf
from api.foundation.languages import language_of
from api.foundation.problems import problem_answers
from api.foundation.rehearsals import DryRun
from api.foundation.routes import api_router
from workflow.bonded import service as bonded

router = api_router("/check-notes", "single_window")
_EXAMPLE = body_example(CHECK_NOTE_EXAMPLE)


@router.post(
    "",
    status_code=201,
    response_model=CheckNoteDetail,
    responses=REHEARSED | problem_answers(409),
    openapi_extra=_EXAMPLE,
    summary="Begin a check note",
)
def draft(
    request: Request,
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    response: Response,
    content: RawCheckNote,
    dry_run: DryRun,
) -> CaseDetail | Response:
    """Write a draft: the vehicle, its weights, and what it carries of which declarations."""
    drafted = bonded.draft_check_note(session, context, principal, json_only(content))
    look = Look(session, context, principal)
    if dry_run:
        return rehearse(look, DESK, drafted, "apply", language_of(request))
    return show_new(look, DESK, drafted, response)


add_reading_routes(router, DESK)


@router.put(
    "/{case_id}",
    response_model=CheckNoteDetail,
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
    content: RawCheckNote,
    dry_run: DryRun,
) -> CaseDetail | Response:
    """Replace the content of a draft; it gets another number where office or direction change."""
    rewritten = bonded.rewrite_check_note(session, context, principal, case_id, json_only(content), seen=seen)
    look = Look(session, context, principal)
    if dry_run:
        return rehearse(look, DESK, rewritten, "apply", language_of(request))
    return show(look, DESK, rewritten, response)


add_step_routes(router, DESK, ("apply", "delete", "void"))
