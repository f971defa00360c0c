"""Pages about the interface itself: its addresses with examples, and what each refusal means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import getdoc

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

from api.foundation import descriptions
from api.foundation.installation import installation_of
from api.foundation.pages import page
from api.foundation.refusals import TITLES, DoorRefusal, status_of
from api.foundation.routes import page_router, public
from kernel.errors import NotFound, PisteError, Text

router = page_router()


@dataclass(frozen=True)
class Explained:
    """One refusal, for people."""

    code: str
    status: int
    title: Text
    meaning: str
    message: Text
    next_step: Text


@router.get(descriptions.ADDRESS, response_class=JSONResponse)
@public
def openapi(request: Request) -> JSONResponse:
    """Give the interface's description (OpenAPI 3.1)."""
    return JSONResponse(request.app.openapi())


@router.get("/developers")
@public
def developers(request: Request) -> HTMLResponse:
    """Show the interface's description."""
    description = request.app.openapi()
    return page(
        request,
        "developers.html",
        doors=installation_of(request).doors,
        operations=descriptions.by_door(description),
        introduction=description["info"]["description"],
    )


@router.get("/problems")
@public
def problems(request: Request) -> HTMLResponse:
    """List every refusal."""
    return page(request, "problems.html", explained=sorted(refusals().values(), key=lambda one: one.code))


@router.get("/problems/{code}")
@public
def problem(request: Request, code: str) -> HTMLResponse:
    """Explain one refusal: the `type` of problem details leads here."""
    found = refusals().get(code)
    if found is None:
        raise NotFound(what="refusal", name=code[:80])
    return page(request, "problem.html", one=found)


def refusals() -> dict[str, Explained]:
    """Give every refusal that this installation knows, by its code."""
    return {
        kind.code: Explained(
            code=kind.code,
            status=status_of(kind),
            title=TITLES[status_of(kind)],
            meaning=(getdoc(kind) or "").partition("\n\n")[0],
            message=kind.message,
            next_step=kind.next_step,
        )
        for kind in _below(PisteError)
        if kind is not DoorRefusal
    }


def _below(kind: type[PisteError]) -> Iterator[type[PisteError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)
