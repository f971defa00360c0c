"""Code lists."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Fault
from kernel.identifiers import (
    check_country,
    check_currency,
    check_hs,
    check_package,
    check_place,
    check_unit,
    convert_exactly,
    country_exists,
    packages,
    units,
)


def rules(faults: list[Fault]) -> list[str]:
    return [fault.rule for fault in faults]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("CN", []),
        ("GG", []),
        ("ZU", ["identifier.unknown-code"]),
        ("cn", ["identifier.unknown-code"]),
        ("CHN", ["identifier.unknown-code"]),
    ],
)
def test_countries(value: str, found: list[str]) -> None:
    assert rules(check_country(value, "")) == found
    assert country_exists(value) == (found == [])


@pytest.mark.parametrize(
    ("value", "found"),
    [("CNY", []), ("EUR", []), ("RMB", ["identifier.unknown-code"]), ("eur", ["identifier.unknown-code"])],
)
def test_currencies(value: str, found: list[str]) -> None:
    assert rules(check_currency(value, "")) == found


@pytest.mark.parametrize("value", ["910690", "92079010", "9207901000", "98040000", "9999999999"])
def test_tariff_codes_of_the_harmonized_system_are_taken(value: str) -> None:
    assert check_hs(value, "") == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("970200", "identifier.unknown-code"),
        ("12345678", "identifier.unknown-code"),
        ("91069", "identifier.format"),
        ("910690001", "identifier.format"),
        ("9106.90", "identifier.format"),
        ("91069A", "identifier.format"),
    ],
)
def test_broken_tariff_codes_are_named(value: str, rule: str) -> None:
    assert rules(check_hs(value, "")) == [rule]


def test_a_tariff_code_with_points_is_answered_without() -> None:
    assert check_hs("9106.90.0000", "")[0].next_step.en == "Write it as 9106900000."


def test_an_unknown_code_names_the_list_it_is_not_in() -> None:
    [fault] = check_unit("XYZ", "/lines/0/unit")
    assert fault.field == "/lines/0/unit"
    assert fault.message.en == "Unit code XYZ does not exist in UNECE Recommendation 20."
    assert fault.message.zh == "UNECE第20号建议书中没有计量单位代码XYZ。"
    assert "Choose a code" in fault.next_step.en


@pytest.mark.parametrize("value", ["H87", "C62", "KGM", "SET", "PR", "LPA", "NAR"])
def test_units_in_use_are_known(value: str) -> None:
    assert check_unit(value, "") == []


@pytest.mark.parametrize("value", ["CT", "CS", "BX", "4H", "IG", "PK", "PX", "NE", "ZZ"])
def test_packages_in_use_are_known(value: str) -> None:
    assert check_package(value, "") == []


@pytest.mark.parametrize("value", ["XX", "ct", "", "CTN"])
def test_unknown_packages_are_named(value: str) -> None:
    assert rules(check_package(value, "")) == ["identifier.unknown-code"]


def test_the_tables_are_whole() -> None:
    assert len(units()) > 150
    assert len(packages()) > 350
    for table in (units(), packages()):
        for code, entry in table.items():
            assert code == entry.code
            assert entry.name.en.strip() == entry.name.en != ""
            assert entry.name.zh.strip() == entry.name.zh != ""
    for unit in units().values():
        assert (unit.factor is None) == (unit.kind == "")
        assert unit.code.isascii()
        assert 2 <= len(unit.code) <= 3


@pytest.mark.parametrize("value", ["PEK", "TXG", "CNPEK", "CNTXG", "0101"])
def test_places_are_airports_ports_and_offices(value: str) -> None:
    assert check_place(value, "") == []


@pytest.mark.parametrize("value", ["pek", "XXPEK", "01", "CNPE1", ""])
def test_broken_places_are_named(value: str) -> None:
    assert rules(check_place(value, "")) == ["identifier.format"]


@pytest.mark.parametrize(
    ("quantity", "unit", "into", "expected"),
    [
        ("1.5", "TNE", "KGM", "1500"),
        ("1", "GRM", "TNE", "0.000001"),
        ("3", "PR", "C62", "6"),
        ("1", "DZN", "PR", "6"),
        ("7", "H87", "H87", "7"),
        ("1", "LBR", "KGM", None),  # 0.45359237: finer than a millionth
        ("1000", "LBR", "KGM", "453.59237"),
        ("1", "C62", "DZN", None),
        ("5", "H87", "C62", None),  # the Recommendation gives no conversion
        ("5", "KGM", "MTR", None),
        ("5", "KGM", "XYZ", None),
        ("5", "XYZ", "KGM", None),
        ("1", "ONZ", "KGM", None),  # rounded in the Recommendation
    ],
)
def test_units_are_converted_where_that_is_exact(
    quantity: str, unit: str, into: str, expected: str | None
) -> None:
    found = convert_exactly(Decimal(quantity), unit, into)
    assert found == (None if expected is None else Decimal(expected))


@given(
    st.decimals(min_value=Decimal("0.000001"), max_value=10**9, places=6),
    st.sampled_from(sorted(units())),
    st.sampled_from(sorted(units())),
)
def test_a_conversion_can_be_taken_back(quantity: Decimal, unit: str, into: str) -> None:
    there = convert_exactly(quantity, unit, into)
    if there is not None:
        assert convert_exactly(there, into, unit) == quantity
