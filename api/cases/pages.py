"""Pages of cases: what waits for me, lists, one case with its timeline, its ledger state and what I may do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.cases import certificates, check_notes, declarations, examination
from api.cases.desks import Desk
from api.cases.views import ADDRESSES, Look, timeline_of
from api.foundation.callers import PersonOf, SessionOf
from api.foundation.installation import ContextOf
from api.foundation.pages import page
from api.foundation.paging import WantedPage, fetch_page
from api.foundation.routes import page_router
from kernel.errors import NotFound, Text
from ledger.roles import Role
from workflow.certificates.schemas import Category
from workflow.declarations import service as declared
from workflow.documents.rules import ISSUED, DocumentKind
from workflow.engine.principals import Principal
from workflow.examination import service as examined
from workflow.parties.service import organisation_names

router = page_router()
SHOWN_AT_ONCE = 8
"""Cases of one kind that the to-do page shows before it leads on to the list."""
TONES = {
    "active": "good",
    "partly_used": "good",
    "released": "good",
    "closed": "good",
    "passed": "good",
    "approved": "good",
    "guarantee": "good",
    "reported": "good",
    "decided": "good",
    "lifted": "good",
    "open": "bad",
    "detained": "bad",
    "rejected": "bad",
    "revoked": "bad",
    "expired": "bad",
    "documents_required": "warn",
    "returned": "warn",
    "examination": "warn",
    "ordered": "warn",
    "isolated": "warn",
    "draft": "still",
    "cancelled": "still",
    "voided": "still",
    "deleted": "still",
    "fully_used": "still",
}
"""Colour of the badge of each state; blue where none is named."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The pages of one kind of case."""

    desk: Desk
    title: Text
    columns: tuple[tuple[str, Text], ...]
    """Fields of the summary that a list shows, with their headings."""
    new: Text | None = None
    """What the button says that begins one; None where nobody begins one on a page."""
    takes_papers: tuple[DocumentKind, ...] = ()
    """Kinds of documents that the firm attaches."""

    @property
    def address(self) -> str:
        """Address of the list."""
        return f"/{ADDRESSES[self.desk.kind.kind]}"

    @property
    def template(self) -> str:
        """Template of one case."""
        return f"cases/{self.desk.kind.kind}.html"


SHELVES = (
    Shelf(
        desk=certificates.DESK,
        title=Text("Certificates", "物资证明函"),
        columns=(
            ("number", Text("Number", "编号")),
            ("event", Text("Event", "赛事")),
            ("category", Text("Category", "类别")),
            ("valid_until", Text("Valid until", "有效期至")),
        ),
        new=Text("New certificate", "新建证明函"),
        takes_papers=(DocumentKind.CERTIFICATE, DocumentKind.OTHER),
    ),
    Shelf(
        desk=declarations.DESK,
        title=Text("Declarations", "报关单"),
        columns=(
            ("number", Text("Number", "编号")),
            ("reference", Text("Firm's reference", "企业编号")),
            ("channel", Text("Channel", "通道")),
        ),
        new=Text("New declaration", "新建报关单"),
        takes_papers=tuple(kind for kind in DocumentKind if kind not in {*ISSUED, DocumentKind.CERTIFICATE}),
    ),
    Shelf(
        desk=check_notes.DESK,
        title=Text("Check notes", "核放单"),
        columns=(
            ("number", Text("Number", "编号")),
            ("vehicle_plate", Text("Vehicle", "车辆")),
            ("total_weight_kg", Text("Total weight, kg", "总重（千克）")),
        ),
    ),
    Shelf(
        desk=examination.HOLD_DESK,
        title=Text("Holds", "布控"),
        columns=(("why", Text("Why", "原因")), ("declaration_id", Text("Declaration", "报关单"))),
    ),
    Shelf(
        desk=examination.EXAMINATION_DESK,
        title=Text("Examinations", "查验"),
        columns=(("why", Text("Why", "原因")), ("declaration_id", Text("Declaration", "报关单"))),
    ),
)


@router.get("/todo")
def todo_page(request: Request, session: SessionOf, context: ContextOf, person: PersonOf) -> HTMLResponse:
    """Show what waits for this person."""
    look = Look(session, context, person.principal)
    piles = []
    for shelf in SHELVES:
        query = shelf.desk.query(person.principal).where(shelf.desk.due(person.principal))
        count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
        model = shelf.desk.kind.model
        rows = (
            session.scalars(query.order_by(model.updated_at.desc()).limit(SHOWN_AT_ONCE)).all()
            if count
            else []
        )
        if count:
            piles.append((shelf, count, [shelf.desk.summarise(look, row) for row in rows]))
    return page(request, "cases/todo.html", piles=piles, tones=TONES)


@router.get("/certificates/new")
def new_certificate_page(request: Request, person: PersonOf) -> HTMLResponse:
    """Show the form of a new certificate."""
    _demand_broker(person.principal)
    return page(request, "cases/new_certificate.html", categories=list(Category), raw=None)


@router.get("/certificates/{case_id}/edit")
def edit_certificate_page(
    request: Request, session: SessionOf, context: ContextOf, person: PersonOf, case_id: UUID
) -> HTMLResponse:
    """Show the form of a draft, filled in."""
    look = Look(session, context, person.principal)
    case = certificates.DESK.kind.load(session, person.principal, case_id, lock=False)
    shown = certificates.DESK.describe(look, case)
    return page(request, "cases/new_certificate.html", categories=list(Category), raw=shown)


@router.get("/declarations/new")
def new_declaration_page(request: Request, person: PersonOf) -> HTMLResponse:
    """Show how a declaration comes in."""
    _demand_broker(person.principal)
    return page(request, "cases/new_declaration.html", amend=None)


@router.get("/declarations/{case_id}/amend")
def amend_declaration_page(
    request: Request, session: SessionOf, person: PersonOf, case_id: UUID
) -> HTMLResponse:
    """Show how a draft is replaced or an amendment comes in."""
    found = declared.get_declaration(session, person.principal, case_id)
    return page(request, "cases/new_declaration.html", amend=found)


@router.get("/declarations/{case_id}/check-note")
def new_check_note_page(
    request: Request, session: SessionOf, context: ContextOf, person: PersonOf, case_id: UUID
) -> HTMLResponse:
    """Show the form of a check note for the goods of a declaration."""
    _demand_broker(person.principal)
    case = declarations.DESK.kind.load(session, person.principal, case_id, lock=False)
    shown = declarations.DESK.describe(Look(session, context, person.principal), case)
    return page(request, "cases/new_check_note.html", declaration=shown)


def _demand_broker(principal: Principal) -> None:
    if not principal.roles & Role.BROKER:
        raise NotFound(what="page", name="for your roles")


def _add_pages(to: APIRouter, shelf: Shelf) -> None:
    """Add the list and the page of one kind of case."""
    desk, model = shelf.desk, shelf.desk.kind.model

    def list_page(
        request: Request,
        session: SessionOf,
        context: ContextOf,
        person: PersonOf,
        wanted: WantedPage,
        state: str | None = None,
        number: str | None = None,
    ) -> HTMLResponse:
        look = Look(session, context, person.principal)
        query = desk.query(person.principal)
        if state in desk.kind.life_cycle.states:
            query = query.where(model.state == state)
        if number and hasattr(model, "number"):
            query = query.where(model.number.contains(number.strip()[:60], autoescape=True))
        rows, cursor = fetch_page(session, query, wanted, at=model.created_at, row_id=model.id)
        kept = {name: value for name, value in (("state", state), ("number", number)) if value}
        return page(
            request,
            "cases/list.html",
            shelf=shelf,
            rows=[desk.summarise(look, row) for row in rows],
            states=desk.kind.life_cycle.states,
            state=state,
            number=number or "",
            searches=hasattr(model, "number"),
            may_begin=shelf.new is not None and bool(person.principal.roles & Role.BROKER),
            older=f"{shelf.address}?{urlencode({**kept, 'cursor': cursor})}" if cursor else "",
            tones=TONES,
        )

    def case_page(
        request: Request, session: SessionOf, context: ContextOf, person: PersonOf, case_id: UUID
    ) -> HTMLResponse:
        look = Look(session, context, person.principal)
        case = desk.kind.load(session, person.principal, case_id, lock=False)
        return page(
            request,
            shelf.template,
            case=desk.describe(look, case),
            timeline=timeline_of(session, desk.kind.kind, case_id),
            shelf=shelf,
            owner=organisation_names(session, [case.organisation_id]).get(case.organisation_id),
            own=case.organisation_id == person.principal.organisation_id,
            tones=TONES,
            **_beside(look, desk.kind.kind, case_id),
        )

    to.add_api_route(shelf.address, list_page, methods=["GET"], name=f"{desk.kind.kind}_list")
    to.add_api_route(
        f"{shelf.address}/{{case_id}}", case_page, methods=["GET"], name=f"{desk.kind.kind}_page"
    )


def _beside(look: Look, kind: str, case_id: UUID) -> dict[str, Any]:
    """Give what else the page of a declaration shows."""
    if kind != "declaration":
        return {}
    return {
        "holds": [
            examination.summarise_hold(look, hold) for hold in examined.holds_of(look.session, case_id)
        ],
        "examinations": [
            examination.summarise_examination(look, ordered)
            for ordered in examined.examinations_of(look.session, case_id)
        ],
        "readings": examination.readings_view(look, case_id),
    }


for _shelf in SHELVES:
    _add_pages(router, _shelf)
