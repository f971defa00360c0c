"""The arithmetic and the bindings of check notes."""

from __future__ import annotations

from datetime import date
from itertools import combinations_with_replacement

import pytest

from kernel.identifiers import check_check_note_number
from workflow.bonded.rules import (
    LIFE_CYCLE,
    PASSAGES,
    Binding,
    Direction,
    bindings_agree,
    check_note_number,
    documents_allowed,
    gate_event_name,
    instruction_code,
)

MANY = Binding.ONE_DOCUMENT_MANY_VEHICLES


@pytest.mark.parametrize("direction", Direction)
def test_a_number_is_one_that_the_identifiers_know(direction: Direction) -> None:
    number = check_note_number("0101", direction, date(2026, 2, 3), 7)
    assert number == f"Z0101{direction}260203000000000007"
    assert check_check_note_number(number, "") == []


def test_passages_are_the_gate_events_of_the_life_cycle() -> None:
    names = {gate_event_name(1, 1), gate_event_name(2, 1), gate_event_name(2, 2)}
    assert names == PASSAGES == {e.event for e in LIFE_CYCLE.edges if e.signed == "GatePassage"}


@pytest.mark.parametrize("bindings", list(combinations_with_replacement(Binding, 2)))
def test_two_vehicles_for_a_declaration_need_binding_three_on_both(bindings: tuple[Binding, Binding]) -> None:
    assert bindings_agree(bindings) == (set(bindings) == {MANY})


@pytest.mark.parametrize("binding", Binding)
def test_one_vehicle_suits_every_binding(binding: Binding) -> None:
    assert bindings_agree([binding])
    assert bindings_agree([])


def test_only_binding_one_allows_several_declarations_on_a_vehicle() -> None:
    assert [documents_allowed(binding) for binding in Binding] == [None, 1, 1]


@pytest.mark.parametrize(
    ("direction", "sealed", "opens", "code"),
    [
        (Direction.IN, False, True, "2"),
        (Direction.OUT, False, True, "2"),
        (Direction.IN, True, True, "8"),
        (Direction.OUT, True, True, "7"),
        (Direction.IN, True, False, "9"),
        (Direction.OUT, False, False, "9"),
    ],
)
def test_instruction_codes(direction: Direction, sealed: bool, opens: bool, code: str) -> None:
    assert instruction_code(direction, sealed=sealed, opens=opens) == code
