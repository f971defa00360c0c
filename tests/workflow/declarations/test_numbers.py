"""Numbers of declarations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import Kind
from kernel.identifiers import check_declaration_number
from workflow.declarations.numbers import (
    LAST_DECLARATION,
    NumberSeriesUsedUp,
    OfficeCodeWrong,
    declaration_number,
)

OFFICES = st.text("0123456789", min_size=4, max_size=4)


def test_a_declaration_number_is_built_as_customs_builds_it() -> None:
    assert declaration_number("0101", 2026, import_=True, sequence=1187) == "010120261000001187"
    assert declaration_number("0101", 2026, import_=False, sequence=1) == "010120260000000001"


@settings(deadline=None)
@given(OFFICES, st.integers(1980, 2099), st.booleans(), st.integers(1, LAST_DECLARATION))
def test_declaration_numbers_pass_their_own_check(
    office: str, year: int, import_: bool, sequence: int
) -> None:
    assert (
        check_declaration_number(declaration_number(office, year, import_=import_, sequence=sequence), "")
        == []
    )


@settings(deadline=None)
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


@pytest.mark.parametrize("office", ["", "101", "GB01", "01011", "０１０１"])
def test_an_office_has_four_digits(office: str) -> None:
    with pytest.raises(OfficeCodeWrong):
        declaration_number(office, 2026, import_=True, sequence=1)
