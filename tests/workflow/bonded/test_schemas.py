"""Check notes and gate reports as they come in: every fault named, with its field and rule."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kernel.errors import Invalid
from tests.workflow.builders.check_notes import check_note_content, empty_vehicle
from workflow.bonded.schemas import (
    gate_document,
    note_document,
    parse_check_note,
    parse_gate_event,
)

ONE, OTHER = str(UUID(int=1)), str(UUID(int=2))
ITEM = {"declaration_id": ONE, "line_no": 1, "quantity": "5"}
REPORT = {
    "event_id": str(UUID(int=3)),
    "plate": "京A12345",
    "weighbridge_kg": "10000",
    "weighbridge_calibrated_until": "2026-12-31T00:00:00Z",
    "seen_at": "2026-02-03T08:00:00Z",
}


def faults(content: dict[str, Any]) -> set[tuple[str, str]]:
    try:
        parse_check_note(content)
    except Invalid as invalid:
        return {(fault.field, fault.rule) for fault in invalid.found}
    return set()


def report_faults(**changes: object) -> set[tuple[str, str]]:
    try:
        parse_gate_event({**REPORT, **changes})
    except Invalid as invalid:
        return {(fault.field, fault.rule) for fault in invalid.found}
    return set()


def test_valid_content_has_no_fault() -> None:
    assert faults(check_note_content(ITEM)) == set()
    assert faults(empty_vehicle()) == set()
    assert (
        faults(check_note_content(ITEM, container_number="CSQU3054383", container_weight_kg="2200")) == set()
    )
    assert report_faults() == set()


@pytest.mark.parametrize("total", ["9999.999999", "10000.000001", "0"])
def test_the_weights_add_up(total: str) -> None:
    content = check_note_content(ITEM, total_weight_kg=total)
    assert faults(content) == {("/total_weight_kg", "check-note.weights-do-not-add-up")}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"vehicle_plate": "??"}, ("/vehicle_plate", "identifier.format")),
        (
            {"container_number": "CSQU3054384", "container_weight_kg": "2200"},
            ("/container_number", "identifier.check-digit"),
        ),
        ({"container_number": "CSQU3054383"}, ("/container_weight_kg", "field.required")),
        ({"container_weight_kg": "2200"}, ("/container_weight_kg", "check-note.container-unnamed")),
        ({"vehicle_weight_kg": "0"}, ("/vehicle_weight_kg", "field.required")),
        ({"office": "01"}, ("/office", "identifier.format")),
        ({"direction": "X"}, ("/direction", "field.choice")),
        ({"note_type": "picnic"}, ("/note_type", "field.choice")),
        ({"binding": 4}, ("/binding", "field.choice")),
        ({"gates": 3}, ("/gates", "field.choice")),
        ({"items": []}, ("/items", "field.required")),
        ({"items": [{**ITEM, "quantity": "0"}]}, ("/items/0/quantity", "number.range")),
        ({"items": [{**ITEM, "quantity": "0.0000001"}]}, ("/items/0/quantity", "number.too-fine")),
        ({"items": [ITEM, ITEM]}, ("/items/1/line_no", "field.repeated")),
        (
            {"binding": 2, "items": [ITEM, {**ITEM, "declaration_id": OTHER}]},
            ("/items", "check-note.too-many-documents"),
        ),
        (
            {"binding": 3, "items": [ITEM, {**ITEM, "declaration_id": OTHER}]},
            ("/items", "check-note.too-many-documents"),
        ),
        ({"driver": "somebody"}, ("/driver", "field.unknown")),
    ],
)
def test_each_fault_is_named(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    assert fault in faults(check_note_content(ITEM, **changes))


def test_binding_one_takes_several_declarations() -> None:
    items = [ITEM, {**ITEM, "declaration_id": OTHER}]
    assert faults(check_note_content(*items, binding=1)) == set()


def test_an_empty_vehicle_carries_no_goods() -> None:
    rule = "check-note.empty-vehicle"
    assert faults(empty_vehicle(items=[ITEM])) == {("/items", rule)}
    assert faults(check_note_content(note_type="empty_vehicle")) == {("/goods_weight_kg", rule)}


@pytest.mark.parametrize("note_type", ["non_declared", "gate_registered"])
def test_goods_that_need_no_declaration_need_no_items(note_type: str) -> None:
    assert faults(check_note_content(note_type=note_type)) == set()


def test_all_faults_come_at_once() -> None:
    found = faults(check_note_content(office="1", vehicle_plate="", direction="up", total_weight_kg="1"))
    assert {field for field, _ in found} == {
        "/office",
        "/vehicle_plate",
        "/direction",
        "/total_weight_kg",
        "/items",
    }


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"note_number": "Z1"}, ("/note_number", "identifier.format")),
        ({"event_id": "one"}, ("/event_id", "field.identifier")),
        ({"gate": 3}, ("/gate", "field.choice")),
        ({"seal_state": "loose"}, ("/seal_state", "field.choice")),
        ({"seen_at": "2026-02-03T08:00:00"}, ("/seen_at", "field.time")),
        ({"picture_sha256": "ab"}, ("/picture_sha256", "field.format")),
        ({"weighbridge_kg": "heavy"}, ("/weighbridge_kg", "number.format")),
        ({"weighbridge_kg": "-1"}, ("/weighbridge_kg", "number.range")),
        ({"verdict": "opened"}, ("/verdict", "field.unknown")),
    ],
)
def test_faults_of_a_report(changes: dict[str, Any], fault: tuple[str, str]) -> None:
    assert report_faults(**changes) == {fault}


def test_equal_reports_are_sealed_alike() -> None:
    one = parse_gate_event({**REPORT, "weighbridge_kg": "10000.0", "signed_at": "2026-02-03T08:00:05Z"})
    other = parse_gate_event({**REPORT, "seen_at": "2026-02-03T16:00:00+08:00"})
    assert gate_document(one) == gate_document(other)


def test_a_sealed_note_names_its_number_and_leaves_out_what_is_absent() -> None:
    document = note_document("Z1", parse_check_note(check_note_content(ITEM)))
    assert document["number"] == "Z1"
    assert document["items"] == [ITEM]
    assert "container_number" not in document
