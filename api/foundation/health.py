"""Whether the service lives, and whether it can serve: for supervisors and load balancers."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from api.foundation.installation import Installation, installation_of
from kernel.clock import unix
from ledger.outbox import waiting

router = APIRouter(tags=["service"])


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Check(BaseModel):
    """One thing that the service needs."""

    name: str
    good: bool
    detail: str = ""


class Readiness(BaseModel):
    """Whether requests can be served, and what is missing."""

    status: Literal["ready", "degraded", "not-ready"]
    checks: list[Check]


@router.get("/healthz", summary="Does the process answer?")
async def live() -> Live:
    """Answer without touching anything else."""
    return Live()


@router.get("/readyz", summary="Can requests be served?", responses={503: {"model": Readiness}})
def ready(request: Request, response: Response) -> Readiness:
    """Check the database, the node and the outbox.

    Without the database nothing can be served (503). Without the node work goes on: signed statements wait, and
    what must be recorded to be effective is not effective yet (200, `degraded`).
    """
    place = installation_of(request)
    database, outbox = _database(place)
    node = Check(name="node", good=place.node_answers())
    checks = [database, node, outbox]
    if not database.good:
        response.status_code = 503
        return Readiness(status="not-ready", checks=checks)
    return Readiness(status="ready" if node.good else "degraded", checks=checks)


def _database(place: Installation) -> tuple[Check, Check]:
    try:
        with place.database.read() as session:
            session.execute(text("SELECT 1"))
            count, oldest = waiting(session)
    except SQLAlchemyError as fault:
        return Check(name="database", good=False, detail=type(fault).__name__), Check(
            name="outbox", good=False
        )
    since = f", the oldest for {unix(place.context.clock.now()) - unix(oldest)} s" if oldest else ""
    return Check(name="database", good=True), Check(
        name="outbox", good=True, detail=f"{count} statements wait to be recorded{since}"
    )
