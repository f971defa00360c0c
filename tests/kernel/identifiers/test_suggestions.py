"""What was probably meant: other writings, names, one letter wrong; and nothing where nothing is obvious."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.identifiers import (
    check_air_waybill,
    check_container,
    check_country,
    check_currency,
    check_hs,
    check_identity_card,
    check_lei,
    check_package,
    check_unit,
    check_uscc,
    packages,
    units,
)
from kernel.identifiers.codes import _USUAL_COUNTRIES, _USUAL_CURRENCIES, _USUAL_PACKAGES, _USUAL_UNITS
from kernel.identifiers.headings import nearest_headings, tariff
from kernel.identifiers.nearness import MOST

CHECKS = {
    "unit": check_unit,
    "package": check_package,
    "country": check_country,
    "currency": check_currency,
    "tariff": check_hs,
    "container": check_container,
    "uscc": check_uscc,
    "lei": check_lei,
    "awb": check_air_waybill,
}


def suggested(kind: str, value: str) -> list[str]:
    return [one.value for fault in CHECKS[kind](value, "/at") for one in fault.suggestions]


@pytest.mark.parametrize(
    ("kind", "value", "meant"),
    [
        ("unit", "kg", "KGM"),
        ("unit", "pcs", "H87"),
        ("unit", "千克", "KGM"),
        ("unit", "kilogramm", "KGM"),
        ("unit", "m²", "MTK"),
        ("unit", "kgm", "KGM"),
        ("package", "cartons", "CT"),
        ("package", "托盘", "PX"),
        ("country", "Switzerlnad", "CH"),
        ("country", "CHE", "CH"),
        ("country", "中国", "CN"),
        ("country", "UK", "GB"),
        ("currency", "euro", "EUR"),
        ("currency", "RMB", "CNY"),
        ("currency", "人民币", "CNY"),
        ("tariff", "9506.11", "950611"),
        ("container", "CSQU3054384", "CSQU3054383"),
        ("container", "csqu3054383", "CSQU3054383"),
        ("uscc", "91110000600037341X", "91110000600037341L"),
        ("lei", "5493001KJTIIGC8Y1R13", "5493001KJTIIGC8Y1R12"),
        ("awb", "081-45322171", "081-45322174"),
        ("awb", "08145322174", "081-45322174"),
    ],
)
def test_the_obvious_is_suggested_and_good(kind: str, value: str, meant: str) -> None:
    assert suggested(kind, value)[0] == meant
    assert CHECKS[kind](meant, "") == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [("unit", "zzz"), ("country", "Q1"), ("currency", ""), ("package", "?"), ("unit", "x" * 500)],
)
def test_nothing_is_made_up(kind: str, value: str) -> None:
    assert suggested(kind, value) == []


def test_a_masked_number_is_not_mended() -> None:
    (fault,) = check_identity_card("110105194912310021", "/id")
    assert fault.rule == "identifier.check-digit"
    assert fault.suggestions == ()


def test_every_usual_writing_means_a_listed_code() -> None:
    assert set(_USUAL_UNITS.values()) <= units().keys()
    assert set(_USUAL_PACKAGES.values()) <= packages().keys()
    assert all(check_country(code, "") == [] for code in _USUAL_COUNTRIES.values())
    assert all(check_currency(code, "") == [] for code in _USUAL_CURRENCIES.values())


@given(st.data())
def test_a_unit_with_one_letter_wrong_is_found(data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(sorted(c for c, unit in units().items() if len(unit.name.en) > 6)))
    name = units()[code].name.en
    place = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    wrong = data.draw(
        st.sampled_from(
            [
                name[:place] + name[place + 1 :],
                name[:place] + letter + name[place:],
                name[:place] + letter + name[place + 1 :],
            ]
        )
    )
    found = suggested("unit", wrong)
    assert len(found) <= MOST
    assert code in found or len(found) == MOST or any(units()[one].name.en == wrong for one in found)


def test_headings_by_digits_and_by_words() -> None:
    same_heading = nearest_headings("950613")
    assert all(one.value.startswith("9506") for one in same_heading)
    assert nearest_headings("950613", "Skis, for snow")[0].value == "950611"
    assert nearest_headings("skis for snow")[0].value == "950611"
    assert nearest_headings("0000")[:1] == ()
    assert nearest_headings("") == ()
    assert nearest_headings("9599", "bobsleigh")[0].value[:2] == "95"


@given(st.text(max_size=80), st.text(max_size=80))
def test_headings_are_always_codes_of_the_system(value: str, words: str) -> None:
    found = nearest_headings(value, words)
    assert len(found) <= MOST
    assert all(one.value in tariff() for one in found)
