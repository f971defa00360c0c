"""The routes that every kind of case has: list, one, history, and each step of its life cycle.

Written once over the engine. A door takes from a desk the routes that belong to its users; together the doors serve
every step that a person or program may take.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy import ColumnElement, Select, and_, or_
from starlette.requests import Request
from starlette.responses import Response

from api.cases.bodies import Signed, SignedStep, body_example, signed_example
from api.cases.views import CaseDetail, CaseSummary, Look, Timeline, case_address, timeline_of
from api.foundation.callers import PrincipalOf, SessionOf
from api.foundation.entity_tags import SeenRevision, tag
from api.foundation.installation import ContextOf
from api.foundation.paging import Page, WantedPage, fetch_page, page_of
from api.foundation.problems import problem_answers
from api.foundation.routes import only_reads
from workflow.engine.cases import Case
from workflow.engine.life_cycle import Edge, names_of
from workflow.engine.principals import Principal
from workflow.engine.registry import CaseKind
from workflow.engine.schemas import ActionInput, PreparedStatement
from workflow.engine.steps import prepare_step, take_step

Narrow = Callable[[Select[Any]], Select[Any]]
"""Narrows a list by what the caller asks for."""
CaseId = Annotated[UUID, Path(description="The case.")]
_BY_GATES = "GatePassage"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What the routes of one kind of case need to know of it."""

    kind: CaseKind
    noun: str
    """One case, for names and descriptions."""
    query: Callable[[Principal], Select[Any]]
    """The cases that the principal may know of."""
    filters: Callable[..., Awaitable[Narrow]]
    """Dependency that reads what else a list may be narrowed by."""
    summary: type[CaseSummary]
    summarise: Callable[[Look, Any], CaseSummary]
    detail: type[CaseDetail]
    describe: Callable[[Look, Any], CaseDetail]
    signed_input: type[Signed] = SignedStep
    """Body of a signed step."""
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Parameters of a step, as an example; by event."""
    unhurried: frozenset[str] = frozenset()
    """Steps that are possible but that nobody waits for, for example a withdrawal."""
    also_due: Callable[[Principal], ColumnElement[bool] | None] = lambda _: None
    """Cases that wait for the principal though no edge of the table says so."""

    def edges(self, event: str) -> list[Edge]:
        """Give the edges of an event."""
        return [edge for edge in self.kind.life_cycle.edges if edge.event == event]

    def due(self, principal: Principal) -> ColumnElement[bool]:
        """Say which cases wait for this principal."""
        states = {
            edge.source
            for edge in self.kind.life_cycle.edges
            if edge.who & principal.roles and edge.event not in self.unhurried and edge.signed != _BY_GATES
        }
        model = self.kind.model
        waiting = and_(model.state.in_(sorted(states)), model.pending_event.is_(None))
        more = self.also_due(principal)
        return waiting if more is None else or_(waiting, more)


def show(look: Look, desk: Desk, case: Case, response: Response) -> CaseDetail:
    """Make the answer that shows one case, with its entity tag."""
    tag(response, case.revision)
    return desk.describe(look, case)


def show_new(look: Look, desk: Desk, case: Case, response: Response) -> CaseDetail:
    """Make the answer that shows a case just made, with its address."""
    response.headers["Location"] = case_address(desk.kind.kind, case.id)
    return show(look, desk, case, response)


def add_reading_routes(router: APIRouter, desk: Desk) -> None:
    """Add the list, the case itself and its history."""
    _add_list(router, desk)

    def read(
        session: SessionOf, context: ContextOf, principal: PrincipalOf, response: Response, case_id: CaseId
    ) -> CaseDetail:
        case = desk.kind.load(session, principal, case_id, lock=False)
        return show(Look(session, context, principal), desk, case, response)

    def history(session: SessionOf, principal: PrincipalOf, case_id: CaseId) -> Timeline:
        desk.kind.load(session, principal, case_id, lock=False)
        return Timeline(items=timeline_of(session, desk.kind.kind, case_id))

    router.add_api_route(
        "/{case_id}",
        read,
        methods=["GET"],
        response_model=desk.detail,
        summary=f"Read one {desk.noun}",
        description="With what the caller may do now, its statements on the ledger, and its entity tag. Another "
        "firm's looks like a missing one.",
        operation_id=f"read_{desk.kind.kind}",
        responses=problem_answers(404, 422),
    )
    router.add_api_route(
        "/{case_id}/history",
        history,
        methods=["GET"],
        response_model=Timeline,
        summary=f"Read the history of a {desk.noun}",
        description="Who did what, when, and with which statement. Entries are never altered.",
        operation_id=f"read_{desk.kind.kind}_history",
        responses=problem_answers(404, 422),
    )


def _add_list(router: APIRouter, desk: Desk) -> None:
    model = desk.kind.model

    def read_list(
        request: Request,
        response: Response,
        session: SessionOf,
        context: ContextOf,
        principal: PrincipalOf,
        wanted: WantedPage,
        narrow: Narrow,
        state: Any = None,  # noqa: ANN401 - one of the kind's states, see below
        due: Annotated[bool, Query(description="Only those that wait for a step of the caller.")] = False,  # noqa: FBT002 - a query parameter is given by name
    ) -> Page[CaseSummary]:
        look = Look(session, context, principal)
        query = narrow(desk.query(principal))
        if state is not None:
            query = query.where(model.state == state)
        if due:
            query = query.where(desk.due(principal))
        found = fetch_page(session, query, wanted, at=model.created_at, row_id=model.id)
        return page_of(request, response, found, lambda case: desk.summarise(look, case))

    read_list.__annotations__["narrow"] = Annotated[Narrow, Depends(desk.filters)]
    read_list.__annotations__["state"] = Annotated[
        Literal[tuple(desk.kind.life_cycle.states)] | None, Query(description="Only those in this state.")
    ]
    router.add_api_route(
        "",
        read_list,
        methods=["GET"],
        response_model=Page[desk.summary],  # type: ignore[name-defined]  # the model is known when the door is made
        summary=f"List {desk.noun}s",
        description="Newest first, in pages; only what the caller's organisation may see.",
        operation_id=f"list_{desk.kind.kind}s",
        responses=problem_answers(422),
    )


def add_step_routes(router: APIRouter, desk: Desk, events: Collection[str]) -> None:
    """Add the routes of some steps: to prepare the statement of each, and to take it.

    Args:
        router: The door's router of this kind of case.
        desk: The kind of case.
        events: The steps that the door's users take.
    """
    for event in events:
        edges = desk.edges(event)
        if not edges or edges[0].by_system or edges[0].signed == _BY_GATES:
            msg = f"{desk.kind.kind}: nobody takes the step {event}"
            raise ValueError(msg)
        if edges[0].signed is None:
            _add_plain(router, desk, edges)
        else:
            _add_statement(router, desk, edges)
            _add_signed(router, desk, edges)


def _add_statement(router: APIRouter, desk: Desk, edges: list[Edge]) -> None:
    event = edges[0].event

    @only_reads
    def prepare(
        session: SessionOf, context: ContextOf, principal: PrincipalOf, case_id: CaseId, given: ActionInput
    ) -> PreparedStatement:
        return prepare_step(session, context, principal, desk.kind, case_id, event, given)

    prepare.__annotations__["given"] = desk.kind.action_input
    router.add_api_route(
        f"/{{case_id}}/actions/{event}/statement",
        prepare,
        methods=["POST"],
        response_model=PreparedStatement,
        summary=f"{edges[0].label.en}: the statement to sign",
        description=f"Gives the {edges[0].signed} that the step needs signed. Changes nothing. {_conditions(edges)}",
        operation_id=f"prepare_{desk.kind.kind}_{event}",
        openapi_extra=body_example(dict(desk.examples.get(event, {}))),
        responses=problem_answers(404, 409),
    )


def _add_signed(router: APIRouter, desk: Desk, edges: list[Edge]) -> None:
    event = edges[0].event

    def take(
        session: SessionOf,
        context: ContextOf,
        principal: PrincipalOf,
        response: Response,
        case_id: CaseId,
        seen: SeenRevision,
        given: Any,  # noqa: ANN401 - the kind's input with a signature, see below
    ) -> CaseDetail:
        case = take_step(
            session, context, principal, desk.kind, case_id, event, given, given.signature, seen=seen
        )
        return show(Look(session, context, principal), desk, case, response)

    take.__annotations__["given"] = desk.signed_input
    router.add_api_route(
        f"/{{case_id}}/actions/{event}",
        take,
        methods=["POST"],
        status_code=202,
        response_model=desk.detail,
        summary=edges[0].label.en,
        description=f"Takes effect when the ledger has recorded it; until then the case waits. {_conditions(edges)}",
        operation_id=f"take_{desk.kind.kind}_{event}",
        openapi_extra=body_example(signed_example(**desk.examples.get(event, {}))),
        responses=problem_answers(404, 409, 412),
    )


def _add_plain(router: APIRouter, desk: Desk, edges: list[Edge]) -> None:
    event = edges[0].event

    def take(
        session: SessionOf,
        context: ContextOf,
        principal: PrincipalOf,
        response: Response,
        case_id: CaseId,
        seen: SeenRevision,
        given: ActionInput,
    ) -> CaseDetail:
        case = take_step(session, context, principal, desk.kind, case_id, event, given, None, seen=seen)
        return show(Look(session, context, principal), desk, case, response)

    router.add_api_route(
        f"/{{case_id}}/actions/{event}",
        take,
        methods=["POST"],
        response_model=desk.detail,
        summary=edges[0].label.en,
        description=f"Needs no signature and takes effect at once. {_conditions(edges)}",
        operation_id=f"take_{desk.kind.kind}_{event}",
        openapi_extra=body_example({}),
        responses=problem_answers(404, 409, 412),
    )


def _conditions(edges: list[Edge]) -> str:
    """Say from where the step leads where, who takes it, and what must hold."""
    told = [
        f"{edge.source} → {edge.target}, by {names_of(edge.who)}" + (f": {edge.guard}" if edge.guard else "")
        for edge in edges
    ]
    return "; ".join(told) + "."
