"""Input models, and the translation of what Pydantic finds into faults that a person can mend.

A check that belongs to one field is an annotation (`checked`). A rule between fields is a field validator
that looks at the fields before it: it speaks even where other fields are at fault, and nothing is named late.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from kernel.errors import MOST_FAULTS, Fault, Invalid, Text, capped, collect

Model = TypeVar("Model", bound=BaseModel)
Entry = TypeVar("Entry")

_CARRIER = "piste"
"""Type of the Pydantic error that carries faults of ours."""
_SHOWN = 60


class Strict(BaseModel):
    """An input that takes the fields it names and no others; it never changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def parse(model_type: type[Model], raw: object, prefix: str = "") -> Model:
    """Read an input.

    Args:
        model_type: The model to read it as.
        raw: The input as JSON gave it: dictionaries, lists, texts, numbers.
        prefix: JSON pointer under which the faults are named.

    Raises:
        Invalid: It has faults; all of them are named.
    """
    return parse_with(model_type, raw, (), prefix)


def parse_with(model_type: type[Model], raw: object, also: Sequence[Fault], prefix: str = "") -> Model:
    """Read an input in which other faults may have been found already; all are named together.

    Args:
        model_type: The model to read it as.
        raw: The input as JSON gave it.
        also: What else is wrong with it.
        prefix: JSON pointer under which the model's faults are named.

    Raises:
        Invalid: There are faults.
    """
    try:
        read = model_type.model_validate(raw)
    except ValidationError as error:
        found = [*faults_of(error, prefix), *also]
        beyond = max(error.error_count() - MOST_FAULTS, 0)
        raise Invalid(found=capped(found, beyond=beyond)) from None
    collect(also)
    return read


def faults_of(error: ValidationError, prefix: str = "") -> list[Fault]:
    """Translate what Pydantic found, at most `MOST_FAULTS`, each with its JSON pointer under the prefix."""
    return faults_from(error.errors(include_url=False)[:MOST_FAULTS], prefix)


def faults_from(errors: Sequence[ErrorDetails], prefix: str = "", skip: int = 0) -> list[Fault]:
    """Translate Pydantic's error records.

    Args:
        errors: As `ValidationError.errors()` gives them.
        prefix: JSON pointer under which the faults are named.
        skip: How many leading parts of each place to leave out, for example 1 for FastAPI's `body`.
    """
    found: list[Fault] = []
    for error in errors:
        field = prefix + pointer(*error["loc"][skip:])
        if error["type"] == _CARRIER:
            found.extend(fault.under(field) for fault in error["ctx"]["faults"])
        else:
            found.append(_translated(error, field))
    return found


def pointer(*parts: str | int) -> str:
    """Write a place as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def refusal(*found: Fault) -> PydanticCustomError:
    """Wrap faults so that a validator can raise them; their fields are relative to the validated value."""
    return PydanticCustomError(_CARRIER, "{count} fault(s)", {"faults": found, "count": len(found)})


def checked(check: Callable[[str, str], list[Fault]]) -> AfterValidator:
    """Make a check of `kernel.identifiers` an annotation of a field."""

    def validate(value: str) -> str:
        if found := check(value, ""):
            raise refusal(*found)
        return value

    return AfterValidator(validate)


def _filled(value: tuple[Entry, ...]) -> tuple[Entry, ...]:
    if not value:
        raise refusal(
            Fault(
                field="",
                rule="field.count",
                message=Text("The list is empty.", "列表为空。"),
                next_step=Text("Add at least one entry.", "请至少填写一项。"),
            )
        )
    return value


def at_most(most: int) -> BeforeValidator:
    """Refuse a list of more entries before any of them is read."""

    def check(value: object) -> object:
        if isinstance(value, (list, tuple)) and len(value) > most:
            raise refusal(
                Fault(
                    field="",
                    rule="field.count",
                    message=Text(
                        f"The list has {len(value)} entries; at most {most} are taken.",
                        f"列表有{len(value)}项，最多{most}项。",
                    ),
                    next_step=Text("Split it.", "请拆分。"),
                )
            )
        return value

    return BeforeValidator(check)


FILLED = AfterValidator(_filled)
"""Refuses an empty list; a length constraint of Pydantic's would count entries with faults as missing."""


def required(what: Text) -> Fault:
    """Give the fault of a field that is missing only because of what other fields say.

    Args:
        what: Why it is needed here, for example "an ATA carnet".
    """
    return Fault(
        field="",
        rule="field.required",
        message=Text(f"This field is required for {what.en}.", f"{what.zh}时此栏必填。"),
        next_step=Text("Fill it in.", "请补充填写。"),
    )


def repeated(raw: object, listed: str, key: str) -> list[Fault]:
    """Name the entries of a list that carry a number that another entry carries too.

    It looks at the input as it came, so that it speaks even where entries have other faults.

    Args:
        raw: The input.
        listed: Name of the list in it.
        key: Name of the number in each entry.
    """
    entries = raw.get(listed) if isinstance(raw, Mapping) else None
    if not isinstance(entries, Sequence) or isinstance(entries, (str, bytes)):
        return []
    keys = [entry.get(key) if isinstance(entry, Mapping) else None for entry in entries]
    known = [number if isinstance(number, (str, int)) else None for number in keys]
    times = Counter(number for number in known if number is not None)
    return [
        Fault(
            field=pointer(listed, place, key),
            rule="field.repeated",
            message=Text(
                f"{number} is given {times[number]} times; it must be unique.",
                f"{number}出现{times[number]}次，不得重复。",
            ),
            next_step=Text("Number the lines 1, 2, 3 …", "请按1、2、3……顺序编号。"),
        )
        for place, number in enumerate(known)
        if number is not None and times[number] > 1
    ]


def _translated(error: ErrorDetails, field: str) -> Fault:
    kind = error["type"]
    rule, message, next_step = next(
        (words for prefix, words in _WORDS.items() if kind == prefix or kind.startswith(prefix + "_")), _OTHER
    )
    context = error.get("ctx", {})
    facts: dict[str, object] = {
        **context,
        "value": _shown(error["input"]),
        "expected_zh": re.sub(r",? or ", "或", str(context.get("expected", ""))).replace(", ", "、"),
        "least": context.get("ge", context.get("gt", context.get("min_length", ""))),
        "most": context.get("le", context.get("lt", context.get("max_length", ""))),
        "reason": error["msg"],
        "name": str(error["loc"][-1]) if error["loc"] else "",
    }
    return Fault(field=field, rule=rule, message=message.fill(facts), next_step=next_step.fill(facts))


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


_Words = tuple[str, Text, Text]

_MEND = Text("Correct it and send it again.", "请更正后重新提交。")
_OTHER: _Words = (
    "field.invalid",
    Text("The value cannot be taken: {reason}.", "该值无法接受（{reason}）。"),
    _MEND,
)
_WRONG_DATE: _Words = (
    "field.date",
    Text("{value} is not a date.", "{value}不是有效日期。"),
    Text("Write it as year-month-day, for example 2026-02-06.", "请按年-月-日填写，例如2026-02-06。"),
)
_WRONG_MOMENT: _Words = (
    "field.time",
    Text("{value} is not a moment with its time zone.", "{value}不是带时区的时间。"),
    Text("Write it as 2026-02-06T08:30:00Z.", "请写成2026-02-06T08:30:00Z的形式。"),
)
_WRONG_NUMBER: _Words = (
    "field.number",
    Text("{value} is not a number as it is wanted here.", "{value}不是所要求的数字。"),
    Text("Give digits only; a whole number without quotes.", "请只填写数字；整数不加引号。"),
)
_WRONG_TEXT: _Words = (
    "field.text",
    Text("A text is wanted here.", "此栏应为文本。"),
    Text('Give it in quotes, for example "abc".', '请用引号括起，例如"abc"。'),
)
_WRONG_LIST: _Words = (
    "field.list",
    Text("A list is wanted here.", "此栏应为列表。"),
    Text("Put the entries between [ and ].", "请将各项写在[和]之间。"),
)
_WRONG_OBJECT: _Words = (
    "field.object",
    Text("An object with named fields is wanted here.", "此栏应为含字段名的对象。"),
    Text("Put the fields between { and }.", "请将各字段写在{和}之间。"),
)
_TOO_SMALL: _Words = (
    "field.range",
    Text("{value} is too small; the least is {least}.", "{value}过小，最小为{least}。"),
    _MEND,
)
_TOO_LARGE: _Words = (
    "field.range",
    Text("{value} is too large; the most is {most}.", "{value}过大，最大为{most}。"),
    _MEND,
)
_CHOICE: _Words = (
    "field.choice",
    Text("{value} is not one of {expected}.", "{value}不在可选值之列：{expected_zh}。"),
    Text("Choose one of {expected}.", "请从中选择：{expected_zh}。"),
)
_WORDS: dict[str, _Words] = {
    "missing": (
        "field.missing",
        Text("The field {name} is missing.", "缺少字段{name}。"),
        Text("Fill it in.", "请补充填写。"),
    ),
    "extra_forbidden": (
        "field.unknown",
        Text("There is no field {name} here.", "此处没有字段{name}。"),
        Text("Leave it out, or correct its name.", "请删除或更正字段名。"),
    ),
    "string_too_short": (
        "field.length",
        Text("The text has fewer than {least} characters.", "文本少于{least}个字符。"),
        Text("Write it out.", "请完整填写。"),
    ),
    "string_too_long": (
        "field.length",
        Text("The text has more than {most} characters.", "文本超过{most}个字符。"),
        Text("Shorten it.", "请缩短。"),
    ),
    "string_pattern_mismatch": (
        "field.format",
        Text("{value} is not written as it must be.", "{value}的格式不正确。"),
        Text("Write it in the form {pattern}.", "请按格式{pattern}填写。"),
    ),
    "string": _WRONG_TEXT,
    "int": _WRONG_NUMBER,
    "float": _WRONG_NUMBER,
    "decimal": _WRONG_NUMBER,
    "finite_number": _WRONG_NUMBER,
    "greater_than": _TOO_SMALL,
    "less_than": _TOO_LARGE,
    "multiple_of": _WRONG_NUMBER,
    "enum": _CHOICE,
    "literal_error": _CHOICE,
    "datetime": _WRONG_MOMENT,
    "timezone": _WRONG_MOMENT,
    "date": _WRONG_DATE,
    "bool": (
        "field.boolean",
        Text("{value} is neither true nor false.", "{value}既不是true也不是false。"),
        Text("Write true or false without quotes.", "请填写true或false，不加引号。"),
    ),
    "uuid": (
        "field.identifier",
        Text("{value} is not an identifier of this system.", "{value}不是本系统的标识符。"),
        Text("Copy the id as the system gave it.", "请使用系统给出的标识符。"),
    ),
    "too_short": (
        "field.count",
        Text("The list has fewer than {least} entries.", "列表少于{least}项。"),
        Text("Add what is missing.", "请补充。"),
    ),
    "too_long": (
        "field.count",
        Text("The list has more than {most} entries.", "列表超过{most}项。"),
        Text("Split it.", "请拆分。"),
    ),
    "list": _WRONG_LIST,
    "tuple": _WRONG_LIST,
    "dict": _WRONG_OBJECT,
    "model": _WRONG_OBJECT,
    "json_invalid": (
        "input.json",
        Text("The body is not valid JSON: {error}.", "请求体不是有效的JSON：{error}。"),
        Text("Check brackets, quotes and commas.", "请检查括号、引号和逗号。"),
    ),
}
"""Words for Pydantic's error types, by type or by its first words; the first that fits is taken."""
