"""Numbers and dates of trade papers, in the custom of many countries."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.documents.numbers import decimal_mark_of, read_date, read_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16", "16"),
        ("16 PCS", "16"),
        ("1,180.00", "1180.00"),
        ("1'180.00", "1180.00"),
        ("1’180.00", "1180.00"),
        ("1.180,00", "1180.00"),
        ("1 180,00", "1180.00"),
        ("44 400, 00", "44400.00"),
        ("1,234,567.89", "1234567.89"),
        ("12.500.00", "12500.00"),
        ("12,500,00", "12500.00"),
        ("120.4 kg", "120.4"),
        ("495,6 kg", "495.6"),
        ("CHF 68'180.00", "68180.00"),
        ("1,234,567", "1234567"),
        ("0.005", "0.005"),
        ("6 CTN 120", "6"),
        ("2034 600", "2034"),
    ],
)
def test_numbers_are_read(text: str, value: str) -> None:
    found = read_number(text)
    assert found is not None
    assert Decimal(value) in {found.value, *found.others}


def test_three_digits_after_one_mark_have_two_meanings() -> None:
    found = read_number("12.500")
    assert found is not None
    assert (found.value, found.others) == (Decimal(12500), (Decimal("12.500"),))
    told = read_number("12.500", decimal_mark=".")
    assert told is not None
    assert told.value == Decimal("12.500")


@pytest.mark.parametrize(
    ("text", "doubtful"),
    [
        ("12O", True),
        ("l20", True),
        ("1S", True),
        ("8%605", True),
        ("5kg", False),
        ("4PCS", False),
        ("86.PLT", False),
        ("7 SET", False),
        ("USD120", False),
        ("6 (2 x 3)", False),
        ("120.4 kg", False),
    ],
)
def test_signs_that_may_be_misread_digits_leave_doubt(text: str, *, doubtful: bool) -> None:
    found = read_number(text)
    assert found is not None
    assert found.doubtful is doubtful


def test_a_colon_is_a_misread_point() -> None:
    found = read_number("8:605")
    assert found is not None
    assert {found.value, *found.others} == {Decimal(8605), Decimal("8.605")}


@pytest.mark.parametrize("text", ["", "PCS", "-", "1" * 30])
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text) is None


amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("99999999.99"), places=2)


@given(amounts, st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ",")]))
def test_amounts_of_every_custom_are_read_exactly(amount: Decimal, custom: tuple[str, str]) -> None:
    thousands, mark = custom
    text = f"{amount:,.2f}".translate({ord(","): thousands, ord("."): mark})
    found = read_number(text)
    assert found is not None
    assert found.value == amount


@given(st.text(alphabet="0123456789.,' kgPCS'’`´·\u00a0", max_size=30))
def test_any_text_is_read_or_not_but_never_crashes(text: str) -> None:
    found = read_number(text)
    assert found is None or all(number.is_finite() and number >= 0 for number in (found.value, *found.others))


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["1,180.00", "16.01.2026"], "."),
        (["44 400,00", "69,0 kg"], ","),
        (["16.01.2026"], None),
        (["1.180,00", "1,180.00"], None),
        ([], None),
    ],
)
def test_a_document_tells_its_decimal_mark(texts: list[str], mark: str | None) -> None:
    assert decimal_mark_of(texts) == mark


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-16",
        "2026/1/16",
        "2026年1月16日",
        "2026 年 1 月 16 日",
        "16.01.2026",
        "16/01/2026",
        "01/16/2026",
        "16 Jan 2026",
        "16 January 2026",
        "16th January, 2026",
        "January 16, 2026",
        "Date: 16. januar 2026",
        "16-Jan-2026",
    ],
)
def test_dates_are_read(text: str) -> None:
    assert read_date(text) == date(2026, 1, 16)


@pytest.mark.parametrize(
    "text", ["05/06/2026", "31.02.2026", "2026年13月1日", "soon", "32 Jan 2026", "16 Foo 2026"]
)
def test_doubtful_and_impossible_dates_are_not_read(text: str) -> None:
    assert read_date(text) is None
