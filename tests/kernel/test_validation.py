"""Pydantic's findings in our words."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from kernel.errors import Fault, Invalid, Text
from kernel.identifiers import check_country, check_hs
from kernel.validation import (
    FILLED,
    Strict,
    checked,
    faults_from,
    faults_of,
    parse,
    pointer,
    refusal,
    repeated,
    required,
)

CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Part(Strict):
    country: Annotated[str, checked(check_country)]


class Everything(Strict):
    text: Annotated[str, Field(min_length=2, max_length=5)] = "abc"
    pattern: Annotated[str, Field(pattern="^[a-z]+$")] = "abc"
    whole: Annotated[int, Field(strict=True, ge=1, le=9)] = 1
    fraction: Annotated[float, Field(gt=0, lt=1)] = 0.5
    decimal: Decimal = Decimal(1)
    colour: Colour = Colour.RED
    word: Literal["a", "b", "c"] = "a"
    day: date = date(2026, 2, 6)
    moment: AwareDatetime | None = None
    flag: bool = False
    identifier: UUID = UUID(int=1)
    many: Annotated[list[int], Field(min_length=1, max_length=3)] = Field(default=[1])
    filled: Annotated[tuple[str, ...], FILLED] = ("a",)
    table: dict[str, int] = Field(default={})
    part: Part = Part(country="CN")
    parts: tuple[Part, ...] = ()


def only_fault(raw: object, model: type[Strict] = Everything) -> Fault:
    with pytest.raises(Invalid) as refused:
        parse(model, raw)
    [fault] = refused.value.found
    return fault


@pytest.mark.parametrize(
    ("raw", "field", "rule"),
    [
        ({"text": "a"}, "/text", "field.length"),
        ({"text": "abcdef"}, "/text", "field.length"),
        ({"text": 5}, "/text", "field.text"),
        ({"text": "\ud800x"}, "/text", "field.text"),
        ({"pattern": "A1"}, "/pattern", "field.format"),
        ({"whole": "1"}, "/whole", "field.number"),
        ({"whole": 1.5}, "/whole", "field.number"),
        ({"whole": 0}, "/whole", "field.range"),
        ({"whole": 10}, "/whole", "field.range"),
        ({"whole": True}, "/whole", "field.number"),
        ({"fraction": 0}, "/fraction", "field.range"),
        ({"fraction": 1}, "/fraction", "field.range"),
        ({"fraction": "x"}, "/fraction", "field.number"),
        ({"decimal": "x"}, "/decimal", "field.number"),
        ({"colour": "blue"}, "/colour", "field.choice"),
        ({"word": "d"}, "/word", "field.choice"),
        ({"day": "2026-02-30"}, "/day", "field.date"),
        ({"day": []}, "/day", "field.date"),
        ({"moment": "2026-02-06T08:00:00"}, "/moment", "field.time"),
        ({"moment": "soon"}, "/moment", "field.time"),
        ({"flag": "perhaps"}, "/flag", "field.boolean"),
        ({"identifier": "x"}, "/identifier", "field.identifier"),
        ({"many": []}, "/many", "field.count"),
        ({"many": [1, 2, 3, 4]}, "/many", "field.count"),
        ({"many": 1}, "/many", "field.list"),
        ({"many": ["x"]}, "/many/0", "field.number"),
        ({"filled": []}, "/filled", "field.count"),
        ({"table": 1}, "/table", "field.object"),
        ({"table": {"a/b~c": "x"}}, "/table/a~1b~0c", "field.number"),
        ({"part": 1}, "/part", "field.object"),
        ({"part": {}}, "/part/country", "field.missing"),
        ({"part": {"country": "ZU"}}, "/part/country", "identifier.unknown-code"),
        ({"parts": [{"country": "CN"}, {"country": "ZU"}]}, "/parts/1/country", "identifier.unknown-code"),
        ({"nothing": 1}, "/nothing", "field.unknown"),
        (None, "", "field.object"),
        ([], "", "field.object"),
        ("text", "", "field.object"),
    ],
)
def test_each_kind_of_error_has_its_rule_and_its_place(raw: object, field: str, rule: str) -> None:
    fault = only_fault(raw)
    assert (fault.field, fault.rule) == (field, rule)
    for words in (fault.message, fault.next_step):
        assert words.en.strip()
        assert not CHINESE.search(words.en)
        assert CHINESE.search(words.zh)
        assert "{" not in words.en.replace("{ and }", "")


def test_the_message_names_the_value_and_the_bounds() -> None:
    assert only_fault({"whole": 10}).message == Text("10 is too large; the most is 9.", "10过大，最大为9。")
    assert only_fault({"text": "abcdef"}).message.zh == "文本超过5个字符。"
    choice = only_fault({"word": "d"})
    assert choice.message.en == "d is not one of 'a', 'b' or 'c'."
    assert choice.next_step.zh == "请从中选择：'a'、'b'或'c'。"


def test_a_long_value_is_cut() -> None:
    assert len(only_fault({"pattern": "A" * 500}).message.en) < 120


def test_an_error_that_is_not_known_is_still_told() -> None:
    class Odd(Strict):
        value: int

        @field_validator("value")
        @classmethod
        def _is_odd(cls, value: int) -> int:
            if value % 2 == 0:
                msg = "even"
                raise ValueError(msg)
            return value

    fault = only_fault({"value": 2}, Odd)
    assert (fault.field, fault.rule) == ("/value", "field.invalid")
    assert "even" in fault.message.en


def test_broken_json_is_told_with_its_reason() -> None:
    with pytest.raises(ValidationError) as broken:
        Part.model_validate_json("{")
    [fault] = faults_of(broken.value)
    assert (fault.field, fault.rule) == ("", "input.json")
    assert "line 1 column 1" in fault.message.en


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        parse(Everything, {"text": "a", "whole": 0, "part": {"country": "ZU"}, "nothing": 1}, "/body")
    assert [fault.field for fault in refused.value.found] == [
        "/body/text",
        "/body/whole",
        "/body/part/country",
        "/body/nothing",
    ]


def test_a_good_input_is_read_and_stripped() -> None:
    read = parse(Everything, {"text": " abc ", "parts": [{"country": "CN"}]})
    assert read.text == "abc"
    assert read.parts == (Part(country="CN"),)
    with pytest.raises(ValidationError):
        read.text = "x"  # type: ignore[misc]  # it is frozen, which is what is tried


def test_records_of_another_validator_are_translated_without_their_first_part() -> None:
    errors: list[ErrorDetails] = [
        {"type": "missing", "loc": ("body", "lines", 0, "unit"), "msg": "Field required", "input": {}}
    ]
    [fault] = faults_from(errors, skip=1)
    assert fault.field == "/lines/0/unit"
    assert fault.message.en == "The field unit is missing."


def test_a_record_without_place_is_translated() -> None:
    errors: list[ErrorDetails] = [
        {"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}
    ]
    assert faults_from(errors, skip=1)[0].field == ""


def test_a_validator_may_find_several_faults() -> None:
    class Pair(Strict):
        first: str
        second: str

        @field_validator("second")
        @classmethod
        def _both(cls, value: str, info: ValidationInfo) -> str:
            raise refusal(*check_country(info.data["first"], "/a"), *check_hs(value, "/b"))

    with pytest.raises(Invalid) as refused:
        parse(Pair, {"first": "ZU", "second": "x"}, "/in")
    assert [fault.field for fault in refused.value.found] == ["/in/second/a", "/in/second/b"]


def test_what_is_required_says_why() -> None:
    fault = required(Text("an ATA carnet", "ATA单证册"))
    assert fault.message == Text("This field is required for an ATA carnet.", "ATA单证册时此栏必填。")


def test_a_pointer_escapes_its_parts() -> None:
    assert pointer("a/b", 0, "~") == "/a~1b/0/~0"
    assert pointer() == ""


def test_repeated_numbers_are_named_each_time() -> None:
    raw = {"lines": [{"n": 1}, {"n": 2}, {"n": 1}, {"m": 1}, 5, {"n": [1]}, {"n": "2"}]}
    assert [fault.field for fault in repeated(raw, "lines", "n")] == ["/lines/0/n", "/lines/2/n"]


@pytest.mark.parametrize("raw", [None, [], "x", {}, {"lines": None}, {"lines": "11"}, {"lines": {"n": 1}}])
def test_repetition_is_looked_for_in_lists_only(raw: object) -> None:
    assert repeated(raw, "lines", "n") == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(Everything.model_fields)), json_values, max_size=6))
def test_no_input_makes_the_translation_fail(raw: dict[str, Any]) -> None:
    try:
        parse(Everything, raw)
    except Invalid as invalid:
        for fault in invalid.found:
            assert fault.field.partition("/")[2].partition("/")[0] in Everything.model_fields
