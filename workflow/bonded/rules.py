"""Rules of the check note (核放单): one vehicle through the gate, once.

Source: DOMAIN.md §4.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import IntEnum, StrEnum

from kernel.errors import Kind, PisteError, Text
from ledger.keys.roles import Role
from workflow.engine.life_cycle import Edge, LifeCycle

KIND = "check_note"

STATES = {
    "draft": Text("The firm is still writing it; nobody else sees it.", "企业填写中，他方不可见。"),
    "applied": Text("Recorded; waits for customs.", "已申请，待海关审核。"),
    "approved": Text("The gate may let this vehicle through, once.", "已核准，卡口可放行一次。"),
    "passed_gate_1": Text("Through the first gate, on the way to the second.", "已过一道卡口。"),
    "passed": Text("Through the gate; it passes never again.", "已过卡口，不可再次通过。"),
    "voided": Text("Made void before the gate; quantities given back.", "已作废，数量已返还。"),
    "deleted": Text("Deleted before it was signed.", "已删除。"),
}

_APPROVERS = Role.DOCUMENTS_OFFICER | Role.RELEASING_OFFICER


def _voiding(source: str) -> Edge:
    return Edge(
        source=source,
        event="void",
        target="voided",
        who=Role.BROKER,
        label=Text("Make void", "作废"),
        signed="CheckNoteVoiding",
        guard="before the first gate; a reason is given",
    )


LIFE_CYCLE = LifeCycle(
    name=KIND,
    title=Text("Check note", "核放单"),
    version=1,
    initial="draft",
    states=STATES,
    edges=(
        Edge(
            source="draft",
            event="apply",
            target="applied",
            who=Role.BROKER,
            label=Text("Sign and apply", "签署并申请"),
            signed="CheckNoteOpening",
            guard="weights add up; no more than the declaration holds; no other open note for the vehicle",
        ),
        Edge(source="draft", event="delete", target="deleted", who=Role.BROKER, label=Text("Delete", "删除")),
        Edge(
            source="applied",
            event="approve",
            target="approved",
            who=_APPROVERS,
            label=Text("Approve", "核准"),
            signed="CheckNoteApproval",
        ),
        Edge(
            source="approved",
            event="pass_gate_1",
            target="passed_gate_1",
            who=Role.GATE,
            label=Text("Pass the first gate", "通过一道卡口"),
            signed="GatePassage",
            guard="a note of two gates; plate, container and weight agree",
        ),
        Edge(
            source="passed_gate_1",
            event="pass_gate_2",
            target="passed",
            who=Role.GATE,
            label=Text("Pass the second gate", "通过二道卡口"),
            signed="GatePassage",
            guard="plate, container and weight agree",
        ),
        Edge(
            source="approved",
            event="pass_gate",
            target="passed",
            who=Role.GATE,
            label=Text("Pass the gate", "通过卡口"),
            signed="GatePassage",
            guard="a note of one gate; plate, container and weight agree",
        ),
        _voiding("applied"),
        _voiding("approved"),
    ),
)
OPEN_STATES = frozenset({"applied", "approved", "passed_gate_1"})
PASSAGES = frozenset({"pass_gate", "pass_gate_1", "pass_gate_2"})
DETAINED = "detained"
"""State of a declaration whose goods may not move (DOMAIN.md §3)."""


class Direction(StrEnum):
    """Which way the vehicle goes; the letter stands in the note's number."""

    IN = "I"
    OUT = "E"


class NoteType(StrEnum):
    """Under which of the zone's procedures the vehicle passes. Source: DOMAIN.md §4."""

    ENTER_FIRST = "enter_first"
    FIRST_LINE = "first_line"
    SECOND_LINE = "second_line"
    NON_DECLARED = "non_declared"
    GATE_REGISTERED = "gate_registered"
    EMPTY_VEHICLE = "empty_vehicle"
    TWO_STEP = "two_step"


WITHOUT_GOODS = NoteType.EMPTY_VEHICLE
GOODS_OPTIONAL = frozenset({NoteType.NON_DECLARED, NoteType.GATE_REGISTERED})
"""Types whose goods need no declaration."""


class Binding(IntEnum):
    """How vehicles and declarations are bound to one another."""

    ONE_VEHICLE_MANY_DOCUMENTS = 1
    ONE_VEHICLE_ONE_DOCUMENT = 2
    ONE_DOCUMENT_MANY_VEHICLES = 3


class SealState(StrEnum):
    """What the gate finds of a seal."""

    NONE = "none"
    INTACT = "intact"
    BROKEN = "broken"


class Carriage(StrEnum):
    """Where a note's item stands in the account of its declaration."""

    DRAFT = "draft"
    """Written, not signed: counts for nothing."""
    HELD = "held"
    """Signed: nobody else may carry it."""
    PASSED = "passed"
    """Through the last gate."""
    RETURNED = "returned"
    """Given back when the note was made void."""


COUNTED = frozenset({Carriage.HELD, Carriage.PASSED})
"""What counts against the declaration."""


class WeightsDoNotAddUp(PisteError):
    """Total weight = vehicle + frame + container + gross goods weight."""

    code = "check-note.weights-do-not-add-up"
    kind = Kind.INVALID
    message = Text(
        "Vehicle, frame, container and goods weigh {sum_kg} kg together; the note says {total_kg} kg.",
        "车辆、车架、集装箱与货物合计{sum_kg}千克，核放单总重为{total_kg}千克。",
    )
    next_step = Text("Correct the weights so that they add up.", "请更正重量，使其合计一致。")
    field = "/total_weight_kg"
    sum_kg: Decimal
    total_kg: Decimal


class NoteExceedsDeclaration(PisteError):
    """The notes of a declaration together carry no more than it declares."""

    code = "check-note.exceeds-declaration"
    kind = Kind.CONFLICT
    message = Text(
        "Line {line} of declaration {declaration} has {left} left for check notes; {asked} was asked.",
        "报关单{declaration}第{line}行可核放余量{left}，申请{asked}。",
    )
    next_step = Text(
        "Ask for no more than is left, or void another note.", "请按余量填写，或先作废其他核放单。"
    )
    field = "/items/{position}/quantity"
    declaration: str
    line: int
    left: Decimal
    asked: Decimal
    position: int


class DeclarationHoldsNothing(PisteError):
    """Goods can be carried only of what a recorded declaration holds on a certificate."""

    code = "check-note.declaration-holds-nothing"
    kind = Kind.CONFLICT
    message = Text(
        "Line {line} of declaration {declaration} holds no goods of a certificate (the declaration is {state}).",
        "报关单{declaration}第{line}行未占用任何证明函货物（报关单状态为{state}）。",
    )
    next_step = Text(
        "File the declaration and wait until it is accepted; name a line that draws on a certificate.",
        "请先申报并等待受理，且所填行须使用证明函。",
    )
    field = "/items/{position}/line_no"
    declaration: str
    line: int
    state: str
    position: int


class DeclarationDetained(PisteError):
    """The goods of a detained declaration may not move."""

    code = "check-note.declaration-detained"
    kind = Kind.CONFLICT
    message = Text(
        "Declaration {declaration} is detained; its goods may not move.",
        "报关单{declaration}已被扣留，货物不得移动。",
    )
    next_step = Text(
        "Wait for the officer's decision on the declaration.", "请等待海关对该报关单的处理决定。"
    )
    field = "/items/{position}/declaration_id"
    declaration: str
    position: int


class BindingExceeded(PisteError):
    """The binding limits how many declarations a vehicle carries and how many vehicles a declaration has."""

    code = "check-note.binding-exceeded"
    kind = Kind.CONFLICT
    message = Text(
        "Declaration {declaration} is already on note {note}; the bindings allow one vehicle only.",
        "报关单{declaration}已列入核放单{note}，按绑定类型只能由一辆车承运。",
    )
    next_step = Text(
        "Void the other note, or write both as one document, many vehicles (binding 3).",
        "请作废另一核放单，或两单均采用一单多车（绑定类型3）。",
    )
    field = "/binding"
    declaration: str
    note: str


class GateReportMissing(PisteError):
    """A passage is reported by the gate with what it saw; it is no step that somebody takes on its own."""

    code = "gate.report-missing"
    kind = Kind.INVALID
    message = Text("A gate passage needs the gate's own report.", "过卡须由卡口上报核验数据。")
    next_step = Text("Report what the gate sees as a gate event.", "请以卡口事件上报所见车辆数据。")


class GateEventRepeated(PisteError):
    """The event's identifier was used before, for something else."""

    code = "gate.event-repeated"
    kind = Kind.CONFLICT
    message = Text(
        "Gate event {event} was reported before, with other content.", "卡口事件{event}已上报且内容不同。"
    )
    next_step = Text("Give every attempt an identifier of its own.", "每次上报须使用新的事件标识。")
    field = "/event_id"
    event: str


class InternalNumberTaken(PisteError):
    """The firm used its own number before; the answer names the first note."""

    code = "check-note.internal-no-taken"
    kind = Kind.CONFLICT
    message = Text(
        "Your number {internal_no} was used for note {first}.",
        "企业内部编号{internal_no}已用于核放单{first}。",
    )
    next_step = Text(
        "Open that note, or give this one a number of its own.", "请查看该核放单，或更换内部编号。"
    )
    field = "/internal_no"
    internal_no: str
    first: str
    first_id: str


class VehicleHasOpenNote(PisteError):
    """A vehicle holds at most one open note a direction."""

    code = "check-note.vehicle-has-open-note"
    kind = Kind.CONFLICT
    message = Text("Vehicle {plate} already has the open note {note}.", "车辆{plate}已有未完结核放单{note}。")
    next_step = Text("Finish or void that note first.", "请先完结或作废该核放单。")
    field = "/vehicle_plate"
    plate: str
    note: str


class WrongGate(PisteError):
    """The note is for other gates than this one."""

    code = "gate.wrong-gate"
    kind = Kind.CONFLICT
    message = Text(
        "Note {note} has {gates} gate(s); this was reported for gate {gate}.",
        "核放单{note}共{gates}道卡口，上报的是第{gate}道。",
    )
    next_step = Text("Report the passage of the gate that is next.", "请按顺序上报过卡。")
    field = "/gate"
    note: str
    gates: int
    gate: int


class GateMismatch(PisteError):
    """What the gate sees is not what the note says: the barrier stays down."""

    code = "gate.mismatch"
    kind = Kind.CONFLICT
    message = Text("The barrier stays down: {differences}.", "道闸不予抬杆：{differences_zh}。")
    next_step = Text(
        "Hold the vehicle; the broker corrects the note, or an officer looks at the vehicle.",
        "请车辆等候；由企业更正核放单，或由关员现场核查。",
    )
    differences: str
    differences_zh: str


def weights_sum(vehicle_kg: Decimal, frame_kg: Decimal, container_kg: Decimal, goods_kg: Decimal) -> Decimal:
    """Add the weights of a loaded vehicle, in kilograms. Source: DOMAIN.md §4 rule 1."""
    return vehicle_kg + frame_kg + container_kg + goods_kg


def gate_event_name(gates: int, gate: int) -> str:
    """Name the event that a passage through this gate is, for a note of one or two gates."""
    return "pass_gate" if gates == 1 else f"pass_gate_{gate}"


def check_note_number(office: str, direction: Direction, day: date, sequence: int) -> str:
    """Write a check note's number: Z, 4 digits office, I or E, yymmdd, 12 digits. Source: DOMAIN.md §4.

    Args:
        office: Customs office, four digits.
        direction: Which way the vehicle goes.
        day: The day on which it was written, at the site.
        sequence: Counts the notes of that office, direction and day.
    """
    return f"Z{office}{direction.value}{day:%y%m%d}{sequence:012d}"


INSTRUCTION_MAY_RELEASE = "2"
INSTRUCTION_SEAL_AND_LEAVE = "7"
INSTRUCTION_VERIFY_SEAL = "8"
INSTRUCTION_RETURN = "9"


def instruction_code(direction: Direction, *, sealed: bool, opens: bool) -> str:
    """Give the customs code of what the gate does. Source: DOMAIN.md §4, gate instructions."""
    if not opens:
        return INSTRUCTION_RETURN
    if not sealed:
        return INSTRUCTION_MAY_RELEASE
    return INSTRUCTION_VERIFY_SEAL if direction is Direction.IN else INSTRUCTION_SEAL_AND_LEAVE


def documents_allowed(binding: Binding) -> int | None:
    """Tell how many declarations one vehicle may carry under a binding; None where any number."""
    return None if binding is Binding.ONE_VEHICLE_MANY_DOCUMENTS else 1


def bindings_agree(bindings: Iterable[Binding]) -> bool:
    """Tell whether the notes that carry one declaration may stand beside each other.

    Several vehicles need binding 3 on every one of them; the others give the whole declaration to one vehicle.
    """
    found = list(bindings)
    return len(found) <= 1 or all(binding is Binding.ONE_DOCUMENT_MANY_VEHICLES for binding in found)
