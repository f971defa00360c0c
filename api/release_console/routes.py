"""JSON routes: what customs decides on certificates, check notes and declarations."""

from __future__ import annotations

from starlette.responses import Response

from api.cases import certificates as certificate_cases
from api.cases import check_notes as check_note_cases
from api.cases.bodies import body_example
from api.cases.declarations import DESK, DeclarationDetail
from api.cases.desks import CaseId, add_step_routes, show
from api.cases.views import CaseDetail, Look
from api.foundation.callers import PrincipalOf, SessionOf
from api.foundation.entity_tags import SeenRevision
from api.foundation.installation import ContextOf
from api.foundation.problems import problem_answers
from api.foundation.routes import api_router, only_reads
from api.release_console.schemas import Countersignature, Retraction
from workflow.engine.schemas import PreparedStatement
from workflow.release import service as release

certificates = api_router("/certificates", "release_console")
declarations = api_router("/declarations", "release_console")
check_notes = api_router("/check-notes", "release_console")

add_step_routes(certificates, certificate_cases.DESK, ("file",))
add_step_routes(check_notes, check_note_cases.DESK, ("approve",))
add_step_routes(declarations, DESK, ("release",))


@declarations.post(
    "/{case_id}/countersign/statement",
    responses=problem_answers(404, 409),
    openapi_extra=body_example({}),
    summary="Countersign a release: the statement to sign",
)
@only_reads
def prepare_countersign(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, case_id: CaseId
) -> PreparedStatement:
    """Give the second officer the very statement that the first one signed. Changes nothing."""
    return release.prepare_countersign(session, context, principal, case_id)


@declarations.post(
    "/{case_id}/countersign",
    status_code=202,
    response_model=DeclarationDetail,
    responses=problem_answers(404, 409, 412),
    summary="Countersign a release",
)
def countersign(
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    response: Response,
    case_id: CaseId,
    seen: SeenRevision,
    given: Countersignature,
) -> CaseDetail:
    """Sign a release as the second officer: another one than the first, and never the inspector.

    The release goes to the ledger then.
    """
    signed = release.countersign(session, context, principal, case_id, given.signature, seen=seen)
    return show(Look(session, context, principal), DESK, signed, response)


@declarations.post(
    "/{case_id}/retract",
    response_model=DeclarationDetail,
    responses=problem_answers(404, 409, 412),
    summary="Retract a release",
)
def retract(
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    response: Response,
    case_id: CaseId,
    seen: SeenRevision,
    given: Retraction,
) -> CaseDetail:
    """Take a release back that no second officer has signed yet; only who signed it may."""
    del given
    retracted = release.retract(session, context, principal, case_id, seen=seen)
    return show(Look(session, context, principal), DESK, retracted, response)
