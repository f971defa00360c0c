"""Numbers of customs documents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Fault
from kernel.identifiers import (
    check_bonded_ledger_number,
    check_carnet,
    check_carnet_number,
    check_certificate_number,
    check_check_note_number,
    check_declaration_number,
    check_inventory_list_number,
    check_office,
)

CHECKS = (
    check_declaration_number,
    check_check_note_number,
    check_inventory_list_number,
    check_bonded_ledger_number,
    check_carnet_number,
    check_certificate_number,
    check_office,
)


def rules(faults: list[Fault]) -> list[str]:
    return [fault.rule for fault in faults]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("010120261000001187", []),
        ("010120260000001187", []),
        ("010120262000001187", ["identifier.format"]),
        ("01012026100000118", ["identifier.format"]),
        ("01012026100000118X", ["identifier.format"]),
        ("010100011000001187", ["identifier.part"]),
    ],
)
def test_declaration_numbers(value: str, found: list[str]) -> None:
    assert rules(check_declaration_number(value, "")) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Z0101I260206000000000001", []),
        ("Z0101E260206000000000001", []),
        ("Z0101X260206000000000001", ["identifier.format"]),
        ("Z0101I26020600000000001", ["identifier.format"]),
        ("Z0101I260230000000000001", ["identifier.part"]),
    ],
)
def test_check_note_numbers(value: str, found: list[str]) -> None:
    assert rules(check_check_note_number(value, "")) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("QD010126I000000001", []),
        ("QD010126X000000001", ["identifier.format"]),
        ("QD", ["identifier.format"]),
    ],
)
def test_inventory_list_numbers(value: str, found: list[str]) -> None:
    assert rules(check_inventory_list_number(value, "")) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [("T0101W000001", []), ("T0101H000001", []), ("T0101X000001", ["identifier.format"])],
)
def test_bonded_ledger_numbers(value: str, found: list[str]) -> None:
    assert rules(check_bonded_ledger_number(value, "")) == found


def test_an_ata_carnet_is_known_by_country_and_number() -> None:
    assert check_carnet("CH", "CH-ZH/24.0012", "/ata_carnet") == []
    faults = check_carnet("XX", "§", "/ata_carnet")
    assert [(f.field, f.rule) for f in faults] == [
        ("/ata_carnet/country", "identifier.unknown-code"),
        ("/ata_carnet/number", "identifier.format"),
    ]


def test_a_carnet_number_in_small_letters_is_answered_with_capitals() -> None:
    assert check_carnet_number("ch-24", "")[0].next_step.en == "Write it as CH-24."


@pytest.mark.parametrize("value", ["YQ2034-MC-0118", "MC/2026.1", "0001"])
def test_certificate_numbers_can_be_quoted(value: str) -> None:
    assert check_certificate_number(value, "") == []


@pytest.mark.parametrize("value", ["MC:1", "MC", "-MC-1", "MC 0118", "x" * 41])
def test_certificate_numbers_that_cannot_be_quoted_are_named(value: str) -> None:
    assert rules(check_certificate_number(value, "")) == ["identifier.format"]


@pytest.mark.parametrize(
    ("value", "found"), [("0101", []), ("101", ["identifier.format"]), ("GB01", ["identifier.format"])]
)
def test_office_codes(value: str, found: list[str]) -> None:
    assert rules(check_office(value, "")) == found


@given(st.text(max_size=40))
def test_no_input_makes_a_check_fail(value: str) -> None:
    for check in CHECKS:
        for fault in check(value, "/x"):
            assert fault.field == "/x"


@given(st.text("０１２３٣٤5", min_size=18, max_size=18))
def test_only_plain_digits_are_digits(value: str) -> None:
    if not value.isascii():
        assert rules(check_declaration_number(value, "")) == ["identifier.format"]
