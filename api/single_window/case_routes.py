"""Routes about all kinds of case: their life cycles, and what happens to one as it happens."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Header, Path
from starlette.responses import StreamingResponse

from api.cases.events import MEDIA_TYPE, OPEN, Pace, Watch, follow
from api.cases.life_cycles import LifeCycles, life_cycles
from api.cases.views import CaseKindName
from api.foundation.callers import PlaceOf, PrincipalOf, SessionOf
from api.foundation.problems import problem_answers
from api.foundation.routes import api_router
from workflow.processes import KINDS

router = api_router("", "single_window")
PACE = Pace()
_EXAMPLE = """\
retry: 2000

event: case
id: 41
data: {"state":"under_committee_review","revision":4,"pending_event":null,"statement_state":null}

event: history
id: 42
data: {"at":"2026-02-03T08:14:02Z","event":"approve.signed","words":{"en":"…","zh":"…"}}
"""


@router.get("/life-cycles", summary="Read the life cycles")
def read_life_cycles(principal: PrincipalOf) -> LifeCycles:
    """Tell the states of each kind of case with what they mean, and every step: who takes it, signed with what."""
    del principal
    return life_cycles()


@router.get(
    "/cases/{kind}/{case_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events `case` (where it stands; at once, then at each change) and `history` (each new "
            "entry). The line is closed after five minutes; come back with Last-Event-ID.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **problem_answers(404, 422),
    },
    summary="Follow a case",
)
def follow_case(
    session: SessionOf,
    place: PlaceOf,
    principal: PrincipalOf,
    kind: CaseKindName,
    case_id: Annotated[UUID, Path(description="The case.")],
    last_event_id: Annotated[
        str | None,
        Header(pattern=r"^[0-9]{1,15}$", description="Newest event that the caller has.", examples=["41"]),
    ] = None,
) -> StreamingResponse:
    """Tell what happens to a case as it happens, as server-sent events."""
    OPEN.check_room(principal.actor)
    KINDS[kind].load(session, principal, case_id, lock=False)
    watch = Watch(place=place, principal=principal, kind=KINDS[kind], case_id=case_id)
    last = None if last_event_id is None else int(last_event_id)
    return StreamingResponse(
        follow(watch, last=last, pace=PACE),
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
