"""Identifiers of means of transport, boxes and transport documents."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import imo, iso6346

from kernel.errors import Fault
from kernel.identifiers import (
    check_air_waybill,
    check_container,
    check_imo,
    check_mmsi,
    check_plate,
    plate_key,
)


def rules(faults: list[Fault]) -> list[str]:
    return [fault.rule for fault in faults]


def remainder(container: str) -> int:
    """Give the remainder by 11 that becomes the check digit; 10 is written as 0."""
    alphabet = "0123456789A BCDEFGHIJK LMNOPQRSTU VWXYZ"
    return sum(alphabet.index(sign) << place for place, sign in enumerate(container[:10])) % 11


@pytest.mark.parametrize("value", ["CSQU3054383", "TASU1170000"])
def test_good_containers_are_taken(value: str) -> None:
    assert check_container(value, "") == []


def test_a_wrong_container_check_digit_names_the_right_one() -> None:
    [fault] = check_container("CSQU3054384", "/containers/0")
    assert (fault.field, fault.rule) == ("/containers/0", "identifier.check-digit")
    assert fault.message.en == (
        "Container number CSQU3054384 has a wrong check digit: 4 was given, 3 expected."
    )
    assert fault.message.zh == "集装箱号CSQU3054384的校验位不正确：填写为4，应为3。"


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("CSQU305438", "identifier.length"),
        ("CSQX3054383", "identifier.format"),
        ("C1QU3054383", "identifier.format"),
        ("CSQU30543８3", "identifier.format"),
        ("ÇSQU3054383", "identifier.format"),
    ],
)
def test_broken_containers_are_named(value: str, rule: str) -> None:
    assert rules(check_container(value, "")) == [rule]


@pytest.mark.parametrize("value", ["csqu3054383", "CSQU 305438 3"])
def test_another_writing_is_answered_with_the_proper_one(value: str) -> None:
    [fault] = check_container(value, "")
    assert fault.rule == "identifier.format"
    assert fault.next_step.en == "Write it as CSQU3054383."


@given(
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3),
    st.text("0123456789", min_size=6, max_size=6),
    st.integers(4, 10),
    st.sampled_from("0123456789"),
)
def test_a_changed_digit_of_a_container_is_seen(owner: str, serial: str, place: int, other: str) -> None:
    """Every change is seen but between the remainders 10 and 0, which share the digit 0."""
    body = f"{owner}U{serial}"
    good = body + iso6346.calc_check_digit(body)
    changed = good[:place] + other + good[place + 1 :]
    assume(changed != good)
    assume(10 not in {remainder(good), remainder(changed)})
    assert rules(check_container(changed, "")) == ["identifier.check-digit"]


@pytest.mark.parametrize("value", ["9319466", "8814275"])
def test_good_ship_numbers_are_taken(value: str) -> None:
    assert check_imo(value, "") == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("8814274", "identifier.check-digit"),
        ("881427", "identifier.format"),
        ("IMO 8814275", "identifier.format"),
        ("８814275", "identifier.format"),
    ],
)
def test_broken_ship_numbers_are_named(value: str, rule: str) -> None:
    assert rules(check_imo(value, "")) == [rule]


def test_a_ship_number_with_letters_is_answered_with_the_bare_one() -> None:
    assert check_imo("IMO 8814275", "")[0].next_step.en == "Write it as 8814275."


@given(
    st.text("0123456789", min_size=6, max_size=6), st.sampled_from([0, 4, 6]), st.sampled_from("0123456789")
)
def test_a_changed_digit_of_a_ship_number_is_seen_where_its_weight_allows(
    body: str, place: int, other: str
) -> None:
    """Of the weights 7 6 5 4 3 2 only 7 and 3 have no factor in common with 10; the check digit itself always tells."""
    good = body + imo.calc_check_digit(body)
    changed = good[:place] + other + good[place + 1 :]
    assert (check_imo(changed, "") == []) == (changed == good)


def test_good_air_waybills_are_taken() -> None:
    assert check_air_waybill("081-45322174", "") == []


def test_a_bad_air_waybill_names_the_right_digit() -> None:
    [fault] = check_air_waybill("406-91102982", "/number")
    assert fault.rule == "identifier.check-digit"
    assert "2 was given, 1 expected" in fault.message.en


@pytest.mark.parametrize(
    "value", ["08145322174", "081 4532 2174", "081-4532217", "AB1-45322174", "０81-45322174"]
)
def test_broken_air_waybills_are_named(value: str) -> None:
    assert rules(check_air_waybill(value, "")) == ["identifier.format"]


def test_an_air_waybill_without_hyphen_is_answered_with_one() -> None:
    assert check_air_waybill("081 4532 2174", "")[0].next_step.en == "Write it as 081-45322174."


@given(st.integers(0, 9_999_999), st.integers(0, 6), st.integers(0, 9))
def test_a_changed_digit_of_an_air_waybill_is_seen_unless_seven_apart(
    serial: int, place: int, other: int
) -> None:
    good = f"081-{serial:07d}{serial % 7}"
    at = 4 + place
    assume(abs(int(good[at]) - other) not in {0, 7})
    changed = f"{good[:at]}{other}{good[at + 1 :]}"
    assert rules(check_air_waybill(changed, "")) == ["identifier.check-digit"]


@pytest.mark.parametrize(("value", "found"), [("412345678", []), ("912345678", ["identifier.part"])])
def test_a_ships_mmsi_begins_with_its_country(value: str, found: list[str]) -> None:
    assert rules(check_mmsi(value, "")) == found


@pytest.mark.parametrize("value", ["41234567", "41234567A", ""])
def test_an_mmsi_has_nine_digits(value: str) -> None:
    assert rules(check_mmsi(value, "")) == ["identifier.format"]


@pytest.mark.parametrize(
    "value",
    [
        "京A12345",
        "京A·12345",
        "京AT3517",
        "京A·T3517",
        "京AD12345",
        "津B12345D",
        "粤Z1234港",
        "京A1234挂",
        "京A1234警",
        "使014578",
        "沪A1234领",
        "民航A1234",
        "AB 123 CD",
        "B-XY 123",
        "GB12ABC",
    ],
)
def test_plates_of_all_kinds_are_taken(value: str) -> None:
    assert check_plate(value, "") == []


@pytest.mark.parametrize(
    "value", ["京I12345", "京A1234", "京AD123456", "北A12345", "", "A", "ab123", "--", "京A 12345"]
)
def test_broken_plates_are_named(value: str) -> None:
    assert rules(check_plate(value, "")) == ["identifier.format"]


def test_a_chinese_plate_in_another_writing_is_answered_with_the_proper_one() -> None:
    assert check_plate("京a 12345", "")[0].next_step.en == "Write it as 京A12345."


def test_plates_are_compared_without_their_points() -> None:
    assert plate_key("京A·T3517") == plate_key("京at3517") == "京AT3517"


@given(st.text(max_size=40))
def test_no_input_makes_a_check_fail(value: str) -> None:
    for check in (check_container, check_imo, check_mmsi, check_air_waybill, check_plate):
        for fault in check(value, "/x"):
            assert fault.field == "/x"
