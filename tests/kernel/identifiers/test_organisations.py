"""Identifiers of organisations and persons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import lei
from stdnum.cn import ric, uscc

from kernel.errors import Fault
from kernel.identifiers import (
    check_eori,
    check_foreign_id,
    check_identity_card,
    check_lei,
    check_party,
    check_uscc,
)

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
GOOD_USCC = "91110000600037341L"
GOOD_LEI = "213800KUD8LAJWSQ9D15"
GOOD_CARD = "360426199101010071"


def rules(faults: list[Fault]) -> list[str]:
    return [fault.rule for fault in faults]


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    body = draw(st.text("0123456789", min_size=8, max_size=8)) + draw(
        st.text(USCC_ALPHABET, min_size=9, max_size=9)
    )
    return body + uscc.calc_check_digit(body)


@pytest.mark.parametrize("value", [GOOD_USCC, "91110113MA7E4K21XF", "12110119MB2L03407H"])
def test_good_credit_codes_are_taken(value: str) -> None:
    assert check_uscc(value, "/holder") == []


def test_a_wrong_check_digit_names_the_right_one() -> None:
    [fault] = check_uscc("91110000600037341M", "/holder")
    assert (fault.field, fault.rule) == ("/holder", "identifier.check-digit")
    assert "M was given, L expected" in fault.message.en
    assert "应为L" in fault.message.zh
    assert "91110000600037341M" in fault.message.zh
    assert fault.next_step.en
    assert fault.next_step.zh


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("", "identifier.length"),
        ("9111000060003734", "identifier.length"),
        ("A1110000600037341L", "identifier.format"),
        ("91110000600037341I", "identifier.format"),
        ("９1110000600037341L", "identifier.format"),
        ("91110000 0003734L1", "identifier.format"),
    ],
)
def test_broken_credit_codes_are_named(value: str, rule: str) -> None:
    assert rules(check_uscc(value, "")) == [rule]


def test_small_letters_are_answered_with_the_proper_writing() -> None:
    [fault] = check_uscc(GOOD_USCC.lower(), "")
    assert GOOD_USCC in fault.next_step.en


@given(credit_codes(), st.integers(0, 17), st.sampled_from(USCC_ALPHABET))
def test_any_changed_character_of_a_credit_code_is_seen(code: str, place: int, other: str) -> None:
    """The weights and the modulus 31 have no common factor, so every single change is seen."""
    changed = code[:place] + other + code[place + 1 :]
    assert (check_uscc(changed, "") == []) == (changed == code)


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=18, max_size=18))
def test_the_expected_check_digits_of_an_lei_are_right(body: str) -> None:
    [fault] = check_lei(body + "00", "") or check_lei(body + "01", "")
    expected = fault.message.en.partition("given, ")[2][:2]
    assert lei.is_valid(body + expected)
    assert check_lei(body + expected, "") == []


@given(st.integers(0, 17), st.sampled_from("0123456789"))
def test_any_changed_digit_of_an_lei_is_seen(place: int, other: str) -> None:
    changed = GOOD_LEI[:place] + other + GOOD_LEI[place + 1 :]
    if GOOD_LEI[place].isdigit():
        assert (check_lei(changed, "") == []) == (changed == GOOD_LEI)


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (GOOD_LEI[:-1], "identifier.length"),
        (GOOD_LEI[:-2] + "1A", "identifier.format"),
        (GOOD_LEI.lower(), "identifier.format"),
        (GOOD_LEI[:-2] + "16", "identifier.check-digit"),
    ],
)
def test_broken_leis_are_named(value: str, rule: str) -> None:
    assert rules(check_lei(value, "")) == [rule]


def test_a_good_identity_card_is_taken() -> None:
    assert check_identity_card(GOOD_CARD, "") == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("360426199101010072", "identifier.check-digit"),
        ("36042619910101007", "identifier.length"),
        ("36042619910101007x", "identifier.format"),
        ("A60426199101010071", "identifier.format"),
    ],
)
def test_broken_identity_cards_are_named(value: str, rule: str) -> None:
    assert rules(check_identity_card(value, "")) == [rule]


@pytest.mark.parametrize("body", ["36042619910230007", "00042619910101007"])
def test_a_birth_date_or_place_that_cannot_be_is_named(body: str) -> None:
    card = body + ric.calc_check_digit(body + "0")
    assert rules(check_identity_card(card, "")) == ["identifier.part"]


def test_no_birth_date_stands_in_the_message() -> None:
    [fault] = check_identity_card("360426199101010072", "")
    for words in (fault.message, fault.next_step):
        assert "19910101" not in words.en + words.zh
    assert "360426***********2" in fault.message.en


@given(st.integers(0, 16), st.sampled_from("0123456789"))
def test_any_changed_digit_of_an_identity_card_is_seen(place: int, other: str) -> None:
    """Modulus 11 with powers of two: every single change is seen."""
    changed = GOOD_CARD[:place] + other + GOOD_CARD[place + 1 :]
    assert (check_identity_card(changed, "") == []) == (changed == GOOD_CARD)


@pytest.mark.parametrize("value", ["GB427168118378", "XI553202734852", "DE1234567", "FR12345678901234"])
def test_good_eori_numbers_are_taken(value: str) -> None:
    assert check_eori(value, "") == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("GB", "identifier.format"),
        ("gb427168118378", "identifier.format"),
        ("GB4271681183781234567", "identifier.format"),
        ("1B427168118378", "identifier.format"),
        ("QQ427168118378", "identifier.part"),
    ],
)
def test_broken_eori_numbers_are_named(value: str, rule: str) -> None:
    assert rules(check_eori(value, "")) == [rule]


@pytest.mark.parametrize(
    "value", [GOOD_USCC, GOOD_LEI, "GB427168118378", "CH:CHE118472652", "NO:918473203", "JP:1234-5678 90"]
)
def test_a_party_is_identified_in_its_country(value: str) -> None:
    assert check_party(value, "") == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("9111000060003734", "identifier.length"),
        ("91110000600037341M", "identifier.check-digit"),
        (GOOD_LEI[:-1] + "6", "identifier.check-digit"),
        ("QQ1234", "identifier.part"),
        ("XX:1234", "identifier.unknown-code"),
        ("CH:", "identifier.format"),
        ("", "identifier.length"),
    ],
)
def test_a_broken_identification_is_named(value: str, rule: str) -> None:
    assert rules(check_party(value, "")) == [rule]


def test_both_halves_of_a_foreign_identification_are_checked() -> None:
    assert rules(check_party("XX:§", "")) == ["identifier.unknown-code", "identifier.format"]


def test_a_foreign_identification_is_taken_as_it_is() -> None:
    assert check_foreign_id("CHE-118.472.652", "") == []
    assert rules(check_foreign_id("x" * 40, "")) == ["identifier.format"]


@given(st.text(max_size=60))
def test_no_input_makes_a_check_fail(value: str) -> None:
    for check in (check_uscc, check_lei, check_eori, check_identity_card, check_party, check_foreign_id):
        for fault in check(value, "/x"):
            assert fault.field == "/x"
            assert fault.message.en.isprintable()
