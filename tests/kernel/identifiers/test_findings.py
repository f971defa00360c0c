"""How wrong values are shown."""

from __future__ import annotations

from kernel.identifiers import check_country, check_uscc
from kernel.identifiers.findings import shown


def test_a_long_value_is_cut() -> None:
    assert shown("x" * 1000) == "x" * 60 + "…"
    assert shown("x" * 60) == "x" * 60


def test_characters_that_cannot_be_seen_are_made_visible() -> None:
    assert shown("a\u0000\u202eb") == "a\\u0000\\u202eb"


def test_braces_in_a_value_stay_as_they_are() -> None:
    assert "{code}" in check_country("{code}", "")[0].message.en


def test_a_wrong_length_is_told() -> None:
    [fault] = check_uscc("123", "/x")
    assert fault.message.en == "Unified social credit code 123 has 3 characters; it must have 18."
    assert fault.message.zh == "统一社会信用代码123为3位，应为18位。"
