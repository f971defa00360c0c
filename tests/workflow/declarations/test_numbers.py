"""Numbers of declarations and check notes."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Kind
from kernel.identifiers import check_check_note_number, check_declaration_number
from workflow.declarations.numbers import (
    LAST_CHECK_NOTE,
    LAST_DECLARATION,
    NumberSeriesUsedUp,
    OfficeCodeWrong,
    check_note_number,
    declaration_number,
)

OFFICES = st.text("0123456789", min_size=4, max_size=4)


def test_a_declaration_number_is_built_as_customs_builds_it() -> None:
    assert declaration_number("0101", 2026, import_=True, sequence=1187) == "010120261000001187"
    assert declaration_number("0101", 2026, import_=False, sequence=1) == "010120260000000001"


def test_a_check_note_number_is_built_as_customs_builds_it() -> None:
    day = date(2026, 2, 6)
    assert check_note_number("0101", day, import_=True, sequence=1) == "Z0101I260206000000000001"
    assert check_note_number("0101", day, import_=False, sequence=12) == "Z0101E260206000000000012"


@given(OFFICES, st.integers(1980, 2099), st.booleans(), st.integers(1, LAST_DECLARATION))
def test_declaration_numbers_pass_their_own_check(
    office: str, year: int, import_: bool, sequence: int
) -> None:
    assert (
        check_declaration_number(declaration_number(office, year, import_=import_, sequence=sequence), "")
        == []
    )


@given(
    OFFICES, st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.booleans(), st.integers(1, LAST_CHECK_NOTE)
)
def test_check_note_numbers_pass_their_own_check(
    office: str, day: date, import_: bool, sequence: int
) -> None:
    assert (
        check_check_note_number(check_note_number(office, day, import_=import_, sequence=sequence), "") == []
    )


@given(
    st.lists(st.tuples(OFFICES, st.booleans(), st.integers(1, 10**6)), unique=True, min_size=2, max_size=5)
)
def test_different_places_in_the_series_give_different_numbers(series: list[tuple[str, bool, int]]) -> None:
    numbers = {declaration_number(office, 2026, import_=way, sequence=n) for office, way, n in series}
    assert len(numbers) == len(series)


@pytest.mark.parametrize("sequence", [0, -1, LAST_DECLARATION + 1])
def test_a_series_has_an_end(sequence: int) -> None:
    with pytest.raises(NumberSeriesUsedUp) as refused:
        declaration_number("0101", 2026, import_=True, sequence=sequence)
    assert refused.value.kind is Kind.UNAVAILABLE
    with pytest.raises(NumberSeriesUsedUp):
        check_note_number("0101", date(2026, 2, 6), import_=True, sequence=LAST_CHECK_NOTE + 1)


@pytest.mark.parametrize("office", ["", "101", "GB01", "01011", "０１０１"])
def test_an_office_has_four_digits(office: str) -> None:
    with pytest.raises(OfficeCodeWrong):
        declaration_number(office, 2026, import_=True, sequence=1)
