"""JSON routes: what gates report, what instruments measure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from api.cases.bodies import body_example, signed_example
from api.cases.examination import ReadingView, reading_view
from api.cases.views import Words
from api.devices.schemas import (
    READING_EXAMPLE,
    GateEventToSign,
    GateEventView,
    SignedGateEvent,
)
from api.foundation.callers import PrincipalOf, SessionOf
from api.foundation.installation import ContextOf
from api.foundation.paging import Page, WantedPage, fetch_page, page_of
from api.foundation.problems import problem_answers
from api.foundation.routes import api_router, only_reads
from kernel.errors import Invalid
from workflow.bonded import passages
from workflow.bonded.models import GateEvent
from workflow.bonded.schemas import GateStatement
from workflow.engine.principals import Principal
from workflow.engine.schemas import PreparedStatement
from workflow.examination import readings as measured
from workflow.examination.schemas import ReadingToSign, SignedReading

gate_events = api_router("/gate-events", "devices")
readings = api_router("/readings", "devices")


@gate_events.post(
    "/statement", responses=problem_answers(409), summary="Report a vehicle: the statement to sign"
)
@only_reads
def prepare_gate_event(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, given: GateEventToSign
) -> GateStatement:
    """Compare what the gate sees with the check note, and give what the device signs.

    That is the passage where all agrees, else evidence of an attempt that is refused. Changes nothing.
    """
    with _named_under("/event"):
        return passages.prepare_gate_event(session, context, principal, given.event)


@gate_events.post("", status_code=201, responses=problem_answers(409), summary="Report a vehicle at the gate")
def report_gate_event(
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    response: Response,
    given: SignedGateEvent,
) -> GateEventView:
    """Take in what a gate saw.

    A vehicle that agrees with its note waits for the ledger; every other attempt is kept and refused. The same event
    again is the same event.
    """
    with _named_under("/event"):
        event = passages.report_gate_event(session, context, principal, given.event, given.signature)
    response.headers["Location"] = f"/api/v1/gate-events/{event.id}"
    return _shown(session, principal, event)


@gate_events.get("", responses=problem_answers(422), summary="List gate events")
def list_gate_events(
    request: Request,
    response: Response,
    session: SessionOf,
    principal: PrincipalOf,
    wanted: WantedPage,
    verdict: Annotated[
        Literal["waiting", "opened", "refused"] | None, Query(description="Only those with this verdict.")
    ] = None,
) -> Page[GateEventView]:
    """List attempts to pass a gate, newest first: those of the caller's own gates, or all for authorities."""
    query = passages.gate_events_query(principal, verdict=verdict)
    found = fetch_page(session, query, wanted, at=GateEvent.reported_at, row_id=GateEvent.id)
    return page_of(request, response, found, lambda event: _shown(session, principal, event))


@gate_events.get("/{event_id}", responses=problem_answers(404, 422), summary="Ask what the barrier does")
def read_gate_event(
    session: SessionOf,
    principal: PrincipalOf,
    event_id: Annotated[UUID, Path(description="As the device gave it.")],
) -> GateEventView:
    """Tell whether the barrier lifts; it does on `open` alone, which comes when the passage is recorded."""
    return _shown(session, principal, passages.get_gate_event(session, principal, event_id))


@contextmanager
def _named_under(place: str) -> Iterator[None]:
    """Name the faults of a part of the body at that part."""
    try:
        yield
    except Invalid as invalid:
        raise Invalid(found=tuple(fault.under(place) for fault in invalid.found)) from None


def _shown(session: Session, principal: Principal, event: GateEvent) -> GateEventView:
    told = passages.gate_instruction(session, principal, event.id)
    taken = {
        name: getattr(event, name)
        for name in GateEventView.model_fields
        if name not in {"instruction", "code", "words", "differences"}
    }
    return GateEventView(
        **taken,
        instruction=told.instruction,
        code=told.code,
        words=Words(en=told.words_en, zh=told.words_zh),
        differences=told.differences,
    )


@readings.post(
    "/statement",
    responses=problem_answers(404, 409),
    openapi_extra=body_example({"reading": READING_EXAMPLE}),
    summary="Send a reading: the statement to sign",
)
@only_reads
def prepare_reading(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, given: ReadingToSign
) -> PreparedStatement:
    """Give the `Evidence` that the instrument signs. Changes nothing."""
    return measured.prepare_reading(session, context, principal, given.reading)


@readings.post(
    "",
    status_code=201,
    responses=problem_answers(404, 409),
    openapi_extra=body_example({"reading": READING_EXAMPLE, "signature": signed_example()["signature"]}),
    summary="Send a reading",
)
def receive_reading(
    session: SessionOf,
    context: ContextOf,
    principal: PrincipalOf,
    response: Response,
    given: SignedReading,
) -> ReadingView:
    """Take a signed reading in and have it judged; a portal that rings isolates the goods.

    The same reading again is the same reading.
    """
    reading = measured.receive_reading(session, context, principal, given.reading, given.signature)
    response.headers["Location"] = f"/api/v1/readings/{reading.id}"
    return reading_view(reading)


@readings.get("/{reading_id}", responses=problem_answers(404, 422), summary="Look at a reading")
def read_reading(
    session: SessionOf,
    principal: PrincipalOf,
    reading_id: Annotated[UUID, Path(description="The reading.")],
) -> ReadingView:
    """Tell what an instrument measured, and the judgement as soon as there is one."""
    return reading_view(measured.get_reading(session, principal, reading_id))
