"""Pages of cases: what waits for me, lists, one case with its timeline, its ledger state and what I may do with it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Select, func, select
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.cases import certificates, check_notes, declarations, examination, words
from api.cases.desks import Desk
from api.cases.papers import document_view, findings_view
from api.cases.views import ADDRESSES, CaseSummary, Look, timeline_of
from api.foundation.callers import PersonOf, SessionOf
from api.foundation.installation import ContextOf
from api.foundation.pages import page
from api.foundation.paging import WantedPage, fetch_page
from api.foundation.routes import page_router
from kernel.errors import NotFound, Text
from ledger.keys.roles import Role
from workflow.declarations import service as declared
from workflow.documents import service as documents
from workflow.documents.rules import ISSUED, DocumentKind
from workflow.engine.principals import Principal
from workflow.engine.tenancy import CUSTOMS
from workflow.examination import service as examined
from workflow.parties import service as parties

router = page_router()
SHOWN_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp"})
"""Documents that every browser draws within a page."""
RECENT = 5
"""Cases of one kind that the to-do page shows as lately changed."""
SHOWN_AT_ONCE = 8
"""Cases of one kind that the to-do page shows before it leads on to the list."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """The pages of one kind of case."""

    desk: Desk
    title: Text
    one: Text
    """What a single case is called."""
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
        one=Text("Material certificate", "物资证明函"),
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
        one=Text("Declaration", "报关单"),
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
        one=Text("Check note", "核放单"),
        columns=(
            ("number", Text("Number", "编号")),
            ("vehicle_plate", Text("Vehicle", "车辆")),
            ("total_weight_kg", Text("Total weight, kg", "总重（千克）")),
        ),
    ),
    Shelf(
        desk=examination.HOLD_DESK,
        title=Text("Holds", "布控"),
        one=Text("Hold", "布控"),
        columns=(("why", Text("Why", "原因")), ("declaration_id", Text("Declaration", "报关单"))),
    ),
    Shelf(
        desk=examination.EXAMINATION_DESK,
        title=Text("Examinations", "查验"),
        one=Text("Examination", "查验"),
        columns=(("why", Text("Why", "原因")), ("declaration_id", Text("Declaration", "报关单"))),
    ),
)


@router.get("/todo")
def todo_page(request: Request, session: SessionOf, context: ContextOf, person: PersonOf) -> HTMLResponse:
    """Show what waits for this person, and what happened lately to the cases that they may see."""
    look = Look(session, context, person.principal)
    piles = []
    for shelf in SHELVES:
        query = shelf.desk.query(person.principal).where(shelf.desk.due(person.principal))
        count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
        if count:
            piles.append((shelf, count, _newest(look, shelf, query, SHOWN_AT_ONCE)))
    recent = [
        (shelf, found)
        for shelf in SHELVES[:2]
        if (found := _newest(look, shelf, shelf.desk.query(person.principal), RECENT))
    ]
    shown = [case for _, _, cases in piles for case in cases]
    return page(
        request,
        "cases/todo.html",
        piles=piles,
        recent=recent,
        can_sign=_can_sign(look),
        is_broker=bool(person.principal.roles & Role.BROKER),
        numbers=_numbers_beside(look, shown),
        words=words,
    )


def _newest(look: Look, shelf: Shelf, query: Select[Any], most: int) -> list[CaseSummary]:
    changed = shelf.desk.kind.model.updated_at.desc()
    rows = look.session.scalars(query.order_by(changed).limit(most)).all()
    return [shelf.desk.summarise(look, row) for row in rows]


def _can_sign(look: Look) -> bool:
    """Tell whether somebody has a key with which a decision can be signed; an auditor signs none."""
    if look.principal.roles == Role.AUDITOR:
        return True
    keys = parties.usable_keys(look.session, look.principal, now=look.context.clock.now())
    return any(key.standing == "active" for key in keys)


@router.get("/certificates/new")
def new_certificate_page(request: Request, session: SessionOf, person: PersonOf) -> HTMLResponse:
    """Show the form of a new certificate."""
    _demand_broker(person.principal)
    own = parties.get_organisation(session, person.principal, person.principal.organisation_id)
    return page(request, "cases/new_certificate.html", words=words, raw=None, own=own)


@router.get("/certificates/{case_id}/edit")
def edit_certificate_page(
    request: Request, session: SessionOf, context: ContextOf, person: PersonOf, case_id: UUID
) -> HTMLResponse:
    """Show the form of a draft, filled in."""
    look = Look(session, context, person.principal)
    case = certificates.DESK.kind.load(session, person.principal, case_id, lock=False)
    shown = certificates.DESK.describe(look, case)
    own = parties.get_organisation(session, person.principal, person.principal.organisation_id)
    return page(request, "cases/new_certificate.html", words=words, raw=shown, own=own)


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
    return page(request, "cases/new_check_note.html", declaration=shown, words=words)


@router.get("/documents/{document_id}")
def document_page(
    request: Request, session: SessionOf, context: ContextOf, person: PersonOf, document_id: UUID
) -> HTMLResponse:
    """Show a document beside what the machine found in it."""
    look = Look(session, context, person.principal)
    document = documents.get_document(session, person.principal, document_id)
    shelf = next(shelf for shelf in SHELVES if shelf.desk.kind.kind == document.case_kind)
    case = shelf.desk.kind.load(session, person.principal, document.case_id, lock=False)
    found = findings_view(look, document.case_kind, case.id)
    return page(
        request,
        "cases/document.html",
        paper=document_view(document),
        case=shelf.desk.summarise(look, case),
        shelf=shelf,
        found=[finding for finding in found if finding.document_id == document_id],
        pictures=SHOWN_PICTURES,
        words=words,
    )


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
            rows=(summaries := [desk.summarise(look, row) for row in rows]),
            numbers=_numbers_beside(look, summaries),
            states=desk.kind.life_cycle.states,
            state=state,
            number=number or "",
            searches=hasattr(model, "number"),
            may_begin=shelf.new is not None and bool(person.principal.roles & Role.BROKER),
            older=f"{shelf.address}?{urlencode({**kept, 'cursor': cursor})}" if cursor else "",
            words=words,
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
            owner=parties.organisation_names(session, [case.organisation_id]).get(case.organisation_id),
            own=case.organisation_id == person.principal.organisation_id,
            words=words,
            **_beside(look, desk.kind.kind, case),
        )

    to.add_api_route(shelf.address, list_page, methods=["GET"], name=f"{desk.kind.kind}_list")
    to.add_api_route(
        f"{shelf.address}/{{case_id}}", case_page, methods=["GET"], name=f"{desk.kind.kind}_page"
    )


def _beside(look: Look, kind: str, case: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever case the page shows
    """Give what else the page of a kind of case shows."""
    may_examine = bool(look.principal.roles & (CUSTOMS | Role.AUDITOR))
    match kind:
        case "declaration":
            return {
                "may_examine": may_examine,
                "holds": [
                    examination.summarise_hold(look, hold)
                    for hold in examined.holds_of(look.session, case.id)
                ],
                "examinations": [
                    examination.summarise_examination(look, ordered)
                    for ordered in examined.examinations_of(look.session, case.id)
                ],
                "readings": examination.readings_view(look, case.id),
            }
        case "check_note":
            carried = {item.declaration_id for item in case.items}
            return {"carried": _numbers(look, carried)}
        case "hold" | "examination":
            declaration = declarations.DESK.kind.load(
                look.session, look.principal, case.declaration_id, lock=False
            )
            found = findings_view(look, declarations.DESK.kind.kind, declaration.id, case.version)
            return {"beside": declaration, "found": found}
        case _:
            return {}


def _numbers_beside(look: Look, cases: Collection[CaseSummary]) -> dict[UUID, str]:
    """Give the numbers of the declarations that holds and examinations in a list are about."""
    return _numbers(look, {case.declaration_id for case in cases if hasattr(case, "declaration_id")})


def _numbers(look: Look, declaration_ids: Collection[UUID]) -> dict[UUID, str]:
    """Give the numbers of declarations, those that have none yet by the firm's reference."""
    query = declared.declarations_query(look.principal).where(
        declarations.DESK.kind.model.id.in_(declaration_ids)
    )
    return {found.id: found.number or found.reference for found in look.session.scalars(query)}


for _shelf in SHELVES:
    _add_pages(router, _shelf)
