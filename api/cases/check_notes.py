"""How check notes are shown, and the desk that serves them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Query
from pydantic import Field
from sqlalchemy import Select

from api.cases.bodies import ReadByProcess
from api.cases.desks import Desk, Narrow
from api.cases.views import (
    DETAIL_EXAMPLE,
    PRINTABLE,
    SUMMARY_EXAMPLE,
    CaseDetail,
    CaseSummary,
    Look,
    detail_fields,
    hexadecimal,
    summary_fields,
)
from workflow.bonded import service as bonded
from workflow.bonded.models import CheckNote, GateEvent
from workflow.bonded.schemas import CarriedLineOutput, CheckNoteInput, GateEventOutput
from workflow.engine.schemas import Word, example

NumberFilter = Annotated[
    str | None, Query(pattern=PRINTABLE, description="Only the one with exactly this number.")
]
InternalNumberFilter = Annotated[
    str | None, Query(pattern=PRINTABLE, description="Only those with exactly this number of the firm's own.")
]
RawCheckNote = Annotated[Any, ReadByProcess(CheckNoteInput), Body()]

_DECLARATION = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01"
CHECK_NOTE_EXAMPLE: dict[str, Any] = {
    "internal_no": "T-00031",
    "office": "0101",
    "direction": "I",
    "note_type": "first_line",
    "binding": 1,
    "gates": 1,
    "vehicle_plate": "京A12345",
    "vehicle_weight_kg": "7500",
    "frame_weight_kg": "500",
    "goods_weight_kg": "60",
    "total_weight_kg": "8060",
    "items": [{"declaration_id": _DECLARATION, "line_no": 1, "quantity": "4"}],
}
_SUMMARY: dict[str, Any] = {
    "number": "Z0101I260203000000000031",
    "internal_no": "T-00031",
    "office": "0101",
    "direction": "I",
    "note_type": "first_line",
    "binding": 1,
    "gates": 1,
    "vehicle_plate": "京A12345",
    "container_number": None,
    "seal_number": None,
    "total_weight_kg": "8060",
}
_WEIGHTS: dict[str, Any] = {
    "vehicle_weight_kg": "7500",
    "frame_weight_kg": "500",
    "container_weight_kg": "0",
    "goods_weight_kg": "60",
}


class CheckNoteSummary(CaseSummary):
    """A check note in a list."""

    model_config = example({**SUMMARY_EXAMPLE, "kind": "check_note", "state": "approved", **_SUMMARY})

    number: str
    internal_no: str
    office: str
    direction: str
    note_type: str
    binding: int
    gates: int
    vehicle_plate: str
    container_number: str | None
    seal_number: str | None
    total_weight_kg: Decimal


class CheckNoteDetail(CaseDetail, CheckNoteSummary):
    """A check note: one vehicle through one gate or two, once."""

    model_config = example(
        {
            **DETAIL_EXAMPLE,
            "kind": "check_note",
            "state": "approved",
            **_SUMMARY,
            **_WEIGHTS,
            "content_hash": "0x" + "5b" * 32,
            "items": [
                {
                    "declaration_id": _DECLARATION,
                    "declared_line": 1,
                    "certificate_id": "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b02",
                    "certificate_line": 1,
                    "quantity": "4",
                    "state": "held",
                }
            ],
            "gate_events": [],
        }
    )

    vehicle_weight_kg: Decimal
    frame_weight_kg: Decimal
    container_weight_kg: Decimal
    goods_weight_kg: Decimal
    content_hash: Word
    items: list[CarriedLineOutput]
    gate_events: list[GateEventOutput] = Field(
        description="What gates reported of the vehicle, oldest first."
    )


def summarise(look: Look, note: CheckNote) -> CheckNoteSummary:
    """Show a check note in a list."""
    del look
    return CheckNoteSummary(**summary_fields(bonded.CHECK_NOTES, note), **_taken(note, _SUMMARY))


def describe(look: Look, note: CheckNote) -> CheckNoteDetail:
    """Show a check note that was loaded with its items."""
    return CheckNoteDetail(
        **detail_fields(look, bonded.CHECK_NOTES, note),
        **_taken(note, _SUMMARY),
        **_taken(note, _WEIGHTS),
        content_hash=hexadecimal(note.content_hash),
        items=[CarriedLineOutput.model_validate(item) for item in note.items],
        gate_events=gate_events_view(look, note.id),
    )


def gate_events_view(look: Look, note_id: UUID) -> list[GateEventOutput]:
    """Show what gates reported of a check note."""
    return [gate_event_view(event) for event in bonded.gate_events_of(look.session, look.principal, note_id)]


def gate_event_view(event: GateEvent) -> GateEventOutput:
    """Show one attempt to pass a gate."""
    return GateEventOutput.model_validate(event)


def _taken(note: CheckNote, fields: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(note, name) for name in fields}


async def _filters(number: NumberFilter = None, internal_no: InternalNumberFilter = None) -> Narrow:
    def narrow(query: Select[Any]) -> Select[Any]:
        if number is not None:
            query = query.where(CheckNote.number == number)
        return query if internal_no is None else query.where(CheckNote.internal_no == internal_no)

    return narrow


DESK = Desk(
    kind=bonded.CHECK_NOTES,
    noun="check note",
    query=bonded.check_notes_query,
    filters=_filters,
    summary=CheckNoteSummary,
    summarise=summarise,
    detail=CheckNoteDetail,
    describe=describe,
    examples={"void": {"reason": "The vehicle broke down."}},
    unhurried=frozenset({"void", "delete"}),
)
