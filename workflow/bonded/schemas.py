"""What goes in and out around check notes and gates, and the forms of both that are sealed.

Source: DOMAIN.md §4.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, ValidationInfo, field_validator

from kernel.errors import Fault, Text
from kernel.identifiers import check_check_note_number
from kernel.particulars import (
    Container,
    Line,
    LineNumber,
    Mass,
    Office,
    Plate,
    Quantity,
    Reference,
    Sha256,
    document_of,
)
from kernel.validation import Strict, checked, parse, refusal, required
from workflow.bonded.rules import (
    GOODS_OPTIONAL,
    WITHOUT_GOODS,
    Binding,
    Direction,
    NoteType,
    SealState,
    WeightsDoNotAddUp,
    documents_allowed,
    weights_sum,
)
from workflow.engine.schemas import ActionInput, Output, PreparedStatement, example

MOST_ITEMS = 500
ZERO = Decimal(0)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise refusal(
            Fault(
                field="",
                rule="field.time",
                message=Text("This moment has no place in any calendar.", "该时刻超出历法范围。"),
                next_step=Text("Write it as 2026-02-06T08:30:00Z.", "请写成2026-02-06T08:30:00Z的形式。"),
            )
        ) from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in UTC, so that the same moment is always sealed in the same bytes."""


class CarriedLine(Strict):
    """Part of a declared line that the vehicle carries, in the unit in which it was declared."""

    declaration_id: UUID
    line_no: LineNumber
    """Number of the line in the declaration."""
    quantity: Quantity


class CheckNoteInput(Strict):
    """A check note as a firm writes it."""

    internal_no: Reference
    """The firm's own number; used once."""
    office: Office
    direction: Direction
    note_type: NoteType
    binding: Binding
    gates: Literal[1, 2] = 1
    vehicle_plate: Plate
    container_number: Container | None = None
    seal_number: Reference | None = None
    vehicle_weight_kg: Mass
    frame_weight_kg: Mass = ZERO
    container_weight_kg: Annotated[Mass, Field(validate_default=True)] = ZERO
    goods_weight_kg: Mass
    total_weight_kg: Mass
    items: Annotated[tuple[CarriedLine, ...], Field(max_length=MOST_ITEMS, validate_default=True)] = ()

    @field_validator("vehicle_weight_kg")
    @classmethod
    def _vehicle_weighs_something(cls, value: Decimal) -> Decimal:
        if value == 0:
            raise refusal(required(Text("every vehicle", "所有车辆")))
        return value

    @field_validator("container_weight_kg")
    @classmethod
    def _container_and_weight_go_together(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        named = info.data.get("container_number") is not None
        if "container_number" in info.data and named != (value > 0):
            raise refusal(_container_without_weight() if named else _weight_without_container())
        return value

    @field_validator("goods_weight_kg")
    @classmethod
    def _empty_vehicle_weighs_no_goods(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        if info.data.get("note_type") is WITHOUT_GOODS and value > 0:
            raise refusal(_no_goods())
        return value

    @field_validator("total_weight_kg")
    @classmethod
    def _weights_add_up(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        parts = [info.data.get(f"{part}_weight_kg") for part in ("vehicle", "frame", "container", "goods")]
        known = [part for part in parts if part is not None]
        if len(known) == len(parts) and weights_sum(*known) != value:
            (fault,) = WeightsDoNotAddUp(sum_kg=weights_sum(*known), total_kg=value).faults()
            raise refusal(fault.at(""))
        return value

    @field_validator("items")
    @classmethod
    def _items_fit_type_and_binding(
        cls, value: tuple[CarriedLine, ...], info: ValidationInfo
    ) -> tuple[CarriedLine, ...]:
        found = [
            *_items_against_type(value, info),
            *_items_against_binding(value, info),
            *_items_twice(value),
        ]
        if found:
            raise refusal(*found)
        return value


class GateEventInput(Strict):
    """What a gate saw, as its device reports it."""

    event_id: UUID
    """Given by the device, a new one for each attempt; sent again, it is the same attempt."""
    note_number: Annotated[str, checked(check_check_note_number)] | None = None
    """From the note's code; left out, the note is found by the plate."""
    direction: Direction | None = None
    """Direction of the lane, where it has one."""
    gate: Literal[1, 2] = 1
    plate: Annotated[Line, Field(min_length=2, max_length=20)]
    """As the camera read it."""
    container_number: Annotated[Line, Field(min_length=4, max_length=20)] | None = None
    weighbridge_kg: Mass
    weighbridge_certificate: Reference | None = None
    """Number of the weighbridge's calibration certificate."""
    weighbridge_calibrated_at: Moment | None = None
    weighbridge_calibrated_until: Moment
    """When the calibration of the weighbridge ends; it gives no verdict after that."""
    seal_state: SealState = SealState.NONE
    seal_number: Reference | None = None
    picture_sha256: Sha256 | None = None
    seen_at: Moment
    signed_at: Moment | None = None
    """As given with the statement to sign; left out while preparing."""


class GatePassageStep(ActionInput):
    """A passage on its way into the engine. No door takes it: only a gate's report makes it."""

    report: GateEventInput


class CarriedLineOutput(Output):
    """Part of a declared line that the vehicle carries."""

    declaration_id: UUID
    declared_line: int
    certificate_id: UUID
    certificate_line: int
    quantity: Decimal
    state: str


class CheckNoteOutput(Output):
    """A check note."""

    id: UUID
    organisation_id: UUID
    number: str
    state: str
    revision: int
    pending_event: str | None
    internal_no: str
    office: str
    direction: str
    note_type: str
    binding: int
    gates: int
    vehicle_plate: str
    container_number: str | None
    seal_number: str | None
    vehicle_weight_kg: Decimal
    frame_weight_kg: Decimal
    container_weight_kg: Decimal
    goods_weight_kg: Decimal
    total_weight_kg: Decimal
    items: list[CarriedLineOutput]
    created_at: datetime
    updated_at: datetime


class DifferenceOutput(Output):
    """One thing in which the gate's reading differs from the note."""

    field: str
    en: str
    zh: str


class GateEventOutput(Output):
    """One attempt to pass a gate, and what came of it."""

    id: UUID
    organisation_id: UUID
    note_id: UUID | None
    gate: int
    plate: str
    container_number: str | None
    weighbridge_kg: Decimal
    seal_state: str
    seal_number: str | None
    picture_sha256: str | None
    seen_at: datetime
    reported_at: datetime
    client_id: UUID | None
    device: str
    verdict: Literal["waiting", "opened", "refused"]
    decided_at: datetime | None
    differences: list[DifferenceOutput]


class GateStatement(PreparedStatement):
    """The statement that the device signs: a passage where all agrees, else evidence of the refused attempt."""

    model_config = example(
        {
            "digest": "0x" + "5b" * 32,
            "primary_type": "GatePassage",
            "typed_data": {"primaryType": "GatePassage", "domain": {"name": "Piste"}},
            "signed_at": "2026-02-03T09:10:01Z",
            "agrees": True,
            "differences": [],
        }
    )

    agrees: bool
    differences: list[DifferenceOutput]


class GateInstruction(Output):
    """What the barrier does. It lifts on `open` alone."""

    event_id: UUID
    instruction: Literal["waiting", "open", "refused"]
    code: str | None
    """The customs code of the instruction: 2 may release, 7 seal and leave, 8 verify seal and enter, 9 return."""
    words_en: str
    words_zh: str
    differences: list[DifferenceOutput]


def parse_check_note(raw: object) -> CheckNoteInput:
    """Read a check note.

    Raises:
        Invalid: It has faults; all of them are named.
    """
    return parse(CheckNoteInput, raw)


def parse_gate_event(raw: object) -> GateEventInput:
    """Read what a gate reports.

    Raises:
        Invalid: It has faults; all of them are named.
    """
    return parse(GateEventInput, raw)


def note_document(number: str, content: CheckNoteInput) -> dict[str, Any]:
    """Give the JSON object that is sealed and signed for a check note."""
    return {"number": number, **document_of(content)}


def gate_document(report: GateEventInput) -> dict[str, Any]:
    """Give the JSON object that is sealed for a gate event: all that the device reported, and nothing of the verdict."""
    return {name: value for name, value in document_of(report).items() if name != "signed_at"}


def _items_against_type(items: tuple[CarriedLine, ...], info: ValidationInfo) -> list[Fault]:
    note_type = info.data.get("note_type")
    if note_type is WITHOUT_GOODS and items:
        return [_no_goods()]
    if (
        note_type is not None
        and note_type is not WITHOUT_GOODS
        and note_type not in GOODS_OPTIONAL
        and not items
    ):
        return [required(Text(f"a note of the type {note_type}", f"类型为{note_type}的核放单"))]
    return []


def _items_against_binding(items: tuple[CarriedLine, ...], info: ValidationInfo) -> list[Fault]:
    binding = info.data.get("binding")
    most = documents_allowed(binding) if binding is not None else None
    documents = len({item.declaration_id for item in items})
    if most is None or documents <= most:
        return []
    return [
        Fault(
            field="",
            rule="check-note.too-many-documents",
            message=Text(
                f"The note names {documents} declarations; binding {binding} allows {most}.",
                f"核放单列有{documents}份报关单，绑定类型{binding}只允许{most}份。",
            ),
            next_step=Text(
                "Write one note for each declaration, or use binding 1.",
                "请按报关单分别填写，或采用绑定类型1。",
            ),
        )
    ]


def _items_twice(items: tuple[CarriedLine, ...]) -> list[Fault]:
    keys = [(item.declaration_id, item.line_no) for item in items]
    return [
        Fault(
            field=f"/{place}/line_no",
            rule="field.repeated",
            message=Text(
                f"Line {key[1]} of the declaration stands more than once.", f"报关单第{key[1]}行重复列出。"
            ),
            next_step=Text("Add the quantities up in one item.", "请合并为一项。"),
        )
        for place, key in enumerate(keys)
        if keys.index(key) != place
    ]


def _no_goods() -> Fault:
    return Fault(
        field="",
        rule="check-note.empty-vehicle",
        message=Text("An empty-vehicle note carries no goods.", "空车核放单不得载有货物。"),
        next_step=Text("Leave the goods out, or choose another type.", "请删除货物信息或更改核放单类型。"),
    )


def _container_without_weight() -> Fault:
    return required(Text("a note that names a container", "填写集装箱号的核放单"))


def _weight_without_container() -> Fault:
    return Fault(
        field="",
        rule="check-note.container-unnamed",
        message=Text("A container's weight is given, but no container.", "填写了箱重但未填写集装箱号。"),
        next_step=Text("Name the container, or give 0.", "请填写集装箱号，或将箱重填为0。"),
    )
