"""Rules of the check note (核放单): one vehicle through the gate, once.

Source: DOMAIN.md §4.
"""

from __future__ import annotations

from decimal import Decimal

from kernel.errors import Kind, PisteError, Text
from ledger.roles import Role
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
    next_step = Text("Ask for no more than is left, or void another note.", "请按余量填写，或先作废其他核放单。")
    field = "/items"
    declaration: str
    line: int
    left: Decimal
    asked: Decimal


class VehicleHasOpenNote(PisteError):
    """A vehicle holds at most one open note a direction."""

    code = "check-note.vehicle-has-open-note"
    kind = Kind.CONFLICT
    message = Text("Vehicle {plate} already has the open note {note}.", "车辆{plate}已有未完结核放单{note}。")
    next_step = Text("Finish or void that note first.", "请先完结或作废该核放单。")
    field = "/vehicle_plate"
    plate: str
    note: str


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
