"""A door with one route for each thing that the foundation promises; only tests have it."""

from __future__ import annotations

import threading
from uuid import UUID

from fastapi import UploadFile
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from api.foundation.callers import CallerOf, PrincipalOf, SessionOf
from api.foundation.doors import Door, Entry
from api.foundation.entity_tags import SeenRevision, tag
from api.foundation.installation import ContextOf
from api.foundation.pages import page
from api.foundation.routes import (
    api_router,
    only_reads,
    page_router,
    public,
    shown_once,
    takes_upload,
    tries_secrets,
)
from kernel.errors import NotPermitted, RevisionStale, Text
from ledger.keys.roles import Role
from workflow.engine.schemas import Input, Output, example
from workflow.parties.models import Person

router = api_router("/probe", "probe")
pages = page_router("/probe")
entered = threading.Semaphore(0)
"""Released by every call of the slow route."""
go_on = threading.Event()
"""What the slow route waits for."""


class Wish(Input):
    model_config = example({"name": "Anna"})

    name: str
    organisation_id: UUID | None = None


class Done(Output):
    model_config = example({"name": "Anna", "count": 1})

    name: str
    count: int


def add(session: SessionOf, context: ContextOf, principal: PrincipalOf, name: str) -> None:
    session.add(
        Person(
            id=context.ids.new(),
            organisation_id=principal.organisation_id,
            name_en=name,
            name_zh=name,
            roles=0,
            administrator=False,
            added_at=context.clock.now(),
        )
    )
    session.flush()


def count_of(session: SessionOf, name: str) -> int:
    return session.query(Person).filter_by(name_en=name).count()


@router.post("/write", status_code=201)
def write(
    session: SessionOf, context: ContextOf, principal: PrincipalOf, wish: Wish, response: Response
) -> Done:
    """Write one row."""
    add(session, context, principal, wish.name)
    response.headers["Location"] = f"/api/v1/probe/{wish.name}"
    tag(response, 1)
    return Done(name=wish.name, count=count_of(session, wish.name))


@router.post("/slow", status_code=201)
def slow(session: SessionOf, context: ContextOf, principal: PrincipalOf, wish: Wish) -> Done:
    """Write one row and wait."""
    add(session, context, principal, wish.name)
    entered.release()
    go_on.wait(20)
    return Done(name=wish.name, count=count_of(session, wish.name))


@router.post("/secret", status_code=201)
@shown_once
def secret(session: SessionOf, context: ContextOf, principal: PrincipalOf, wish: Wish) -> Done:
    """Write one row and answer with a secret."""
    add(session, context, principal, wish.name)
    return Done(name=wish.name, count=1)


@router.post("/refuse-after-writing")
def refuse_after_writing(session: SessionOf, context: ContextOf, principal: PrincipalOf, wish: Wish) -> Done:
    """Write one row and refuse."""
    add(session, context, principal, wish.name)
    raise NotPermitted(action="release", roles="releasing officer")


@router.post("/answer-refusal-after-writing")
def answer_refusal(session: SessionOf, context: ContextOf, principal: PrincipalOf, wish: Wish) -> Response:
    """Write one row and answer a refusal without raising it."""
    add(session, context, principal, wish.name)
    return JSONResponse({}, 409)


@router.post("/break-after-writing")
def break_after_writing(session: SessionOf, context: ContextOf, principal: PrincipalOf, wish: Wish) -> Done:
    """Write one row and break."""
    add(session, context, principal, wish.name)
    msg = "a secret detail"
    raise LookupError(msg)


@router.post("/break-at-commit")
def break_at_commit(session: SessionOf, context: ContextOf, principal: PrincipalOf, wish: Wish) -> Done:
    """Leave behind what the database objects to."""
    del context
    session.add(
        Person(
            id=principal.officer_id,
            organisation_id=UUID(int=77),
            name_en=wish.name,
            name_zh="",
            roles=0,
            administrator=False,
            added_at=None,
        )
    )
    return Done(name=wish.name, count=1)


@router.post("/locked")
def locked(session: SessionOf) -> Done:
    """Ask for a table that is not there, as if the database were away."""
    session.execute(text("SELECT * FROM nowhere"))
    return Done(name="", count=0)


@router.post("/look")
@only_reads
def look(session: SessionOf, context: ContextOf, principal: PrincipalOf, wish: Wish) -> Done:
    """Change something though the route is one that only reads."""
    add(session, context, principal, wish.name)
    return Done(name=wish.name, count=count_of(session, wish.name))


@router.get("/count/{name}")
def count(session: SessionOf, name: str) -> Done:
    """Count rows."""
    return Done(name=name, count=count_of(session, name))


@router.get("/tagged/{revision}")
def tagged(response: Response, revision: int) -> Done:
    """Answer with an entity tag."""
    tag(response, revision)
    return Done(name="tagged", count=revision)


@router.post("/act/{revision}")
def act(revision: int, seen: SeenRevision) -> Done:
    """Act on a revision."""
    if seen is not None and seen != revision:
        raise RevisionStale(current=revision, seen=seen)
    return Done(name="acted", count=revision)


@router.post("/upload")
@takes_upload
def upload(file: UploadFile) -> Done:
    """Take a file."""
    return Done(name=file.filename or "", count=file.size or 0)


@router.get("/whoever")
@public
def whoever(caller: CallerOf) -> Done:
    """Answer anybody."""
    return Done(name=caller.principal.name if caller else "nobody", count=0)


@router.post("/guess")
@public
@tries_secrets
def guess() -> Done:
    """Try a secret."""
    return Done(name="", count=0)


@pages.get("")
def show(request: Request, principal: PrincipalOf) -> HTMLResponse:
    """Show a page."""
    return page(request, "base.html", who=principal.name)


@pages.get("/refused")
def refused() -> HTMLResponse:
    """Refuse."""
    raise NotPermitted(action="release", roles="releasing officer")


@pages.get("/broken")
def broken() -> HTMLResponse:
    """Break."""
    msg = "a secret detail"
    raise LookupError(msg)


DOOR = Door(
    name="probe",
    title=Text("Probe", "探测"),
    description="For tests.",
    position=1,
    routers=(router, pages),
    entries=(
        Entry(path="/probe", label=Text("For brokers", "报关行专用"), roles=Role.BROKER),
        Entry(path="/probe/gates", label=Text("For gates", "卡口专用"), roles=Role.GATE),
    ),
)
