"""Particulars that every customs paper has."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Invalid
from kernel.particulars import (
    Amount,
    AtaCarnet,
    Day,
    EventCode,
    Line,
    Mass,
    Paper,
    Quantity,
    TransportDocument,
    add_months,
    document_of,
    plain,
)
from kernel.validation import Strict, parse


class Sheet(Strict):
    quantity: Quantity = Decimal(1)
    mass: Mass = Decimal(0)
    amount: Amount = Decimal(0)
    day: Day = date(2026, 2, 6)
    words: Line = "x"
    event: EventCode = "YQ2034"


def fault_rules(**raw: object) -> list[str]:
    try:
        parse(Sheet, raw)
    except Invalid as invalid:
        return [fault.rule for fault in invalid.found]
    return []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12.5", "12.5"),
        (" 7 ", "7"),
        ("0.000001", "0.000001"),
        ("1000000000000", "1000000000000"),
        (3, "3"),
        (Decimal("2.50"), "2.5"),
        ("007", "7"),
    ],
)
def test_quantities_are_read_exactly(value: object, expected: str) -> None:
    sheet = parse(Sheet, {"quantity": value})
    assert sheet.quantity == Decimal(expected)
    assert document_of(sheet)["quantity"] == expected


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (1.5, "number.not-a-text"),
        ("1,000", "number.format"),
        ("1e3", "number.format"),
        ("NaN", "number.format"),
        ("Infinity", "number.format"),
        ("١٢", "number.format"),
        ("１２", "number.format"),
        ("", "number.format"),
        (".5", "number.format"),
        (True, "number.format"),
        (None, "number.format"),
        ([], "number.format"),
        (Decimal("NaN"), "number.format"),
        ("0", "number.range"),
        ("-1", "number.range"),
        ("1000000000000.000001", "number.range"),
        ("9" * 30, "number.range"),
        ("0.0000001", "number.too-fine"),
        ("1.00000000000000000000000000001", "number.too-fine"),
    ],
)
def test_what_is_no_quantity_is_refused(value: object, rule: str) -> None:
    assert fault_rules(quantity=value) == [rule]


def test_masses_and_amounts_may_be_nothing_but_not_less() -> None:
    assert fault_rules(mass="0", amount="0.00") == []
    assert fault_rules(mass="-0.1", amount="-0.1") == ["number.range", "number.range"]


def test_money_has_at_most_four_decimals() -> None:
    assert fault_rules(amount="0.0001") == []
    assert fault_rules(amount="0.00001") == ["number.too-fine"]


@given(st.decimals(min_value=0, max_value=10**12, places=6))
def test_a_number_has_one_writing(number: Decimal) -> None:
    text = plain(number)
    assert Decimal(text) == number
    assert "E" not in text
    assert text == plain(Decimal(text))
    assert not text.endswith(".")
    if "." in text:
        assert not text.endswith("0")


@pytest.mark.parametrize(
    "value",
    [
        "2026-2-6",
        "06.02.2026",
        "2026-02-30",
        "2026-02-06T00:00:00",
        0,
        None,
        datetime(2026, 2, 6, tzinfo=UTC),
    ],
)
def test_only_iso_days_are_days(value: object) -> None:
    assert fault_rules(day=value) == ["field.date"]


def test_a_day_is_read() -> None:
    assert parse(Sheet, {"day": " 2024-02-29 "}).day == date(2024, 2, 29)


@pytest.mark.parametrize("value", ["a\nb", "a\u0000", "\u202eabc", "tab\there"])
def test_texts_stand_on_one_line_and_can_be_seen(value: str) -> None:
    assert fault_rules(words=value) == ["field.control-character"]


@pytest.mark.parametrize("value", ["", "   ", "x" * 256])
def test_texts_have_a_length(value: str) -> None:
    assert fault_rules(words=value) == ["field.length"]


@pytest.mark.parametrize(
    ("value", "rules"),
    [("milano-cortina-2026", []), ("YQ2034", []), ("x", ["field.format"]), ("a b", ["field.format"])],
)
def test_event_codes(value: str, rules: list[str]) -> None:
    assert fault_rules(event=value) == rules


def test_a_carnet_names_its_country_and_number() -> None:
    with pytest.raises(Invalid) as refused:
        parse(AtaCarnet, {"country": "XX", "number": "§", "valid_until": "soon"}, "/ata_carnet")
    assert [(f.field, f.rule) for f in refused.value.found] == [
        ("/ata_carnet/country", "identifier.unknown-code"),
        ("/ata_carnet/number", "identifier.format"),
        ("/ata_carnet/valid_until", "field.date"),
    ]


@pytest.mark.parametrize(
    ("raw", "rules"),
    [
        ({"kind": "air_waybill", "number": "081-45322174"}, []),
        ({"kind": "air_waybill", "number": "406-91102982"}, ["identifier.check-digit"]),
        ({"kind": "bill_of_lading", "number": "406-91102982"}, []),
        ({"kind": "pigeon", "number": "1"}, ["field.choice"]),
    ],
)
def test_only_air_waybills_have_a_check_digit(raw: dict[str, Any], rules: list[str]) -> None:
    try:
        parse(TransportDocument, raw)
        found = []
    except Invalid as invalid:
        found = [fault.rule for fault in invalid.found]
    assert found == rules


def test_a_paper_is_named_by_its_digest() -> None:
    assert parse(Paper, {"kind": "invoice", "sha256": "a" * 64}).sha256 == "a" * 64
    with pytest.raises(Invalid):
        parse(Paper, {"kind": "invoice", "sha256": "A" * 64})


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 12), 6, date(2026, 7, 12)),
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2026, 3, 31), 0, date(2026, 3, 31)),
    ],
)
def test_months_are_counted_by_the_calendar(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(0, 36))
def test_months_never_overrun(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day <= day.day
