# ruff: noqa: ANN401 — annotations are read here as values, and Python types those as Any
"""Frozen dataclasses to plain JSON values and back, by their annotations.

Decimals travel as strings, times as ISO 8601 with offset, enumerations by value, tuples as lists. What was
written by `to_record` is read back equal; anything else is refused, never guessed.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union

from kernel.errors import PisteError, Text

Json = dict[str, Any]
T = TypeVar("T")


class RecordMalformed(PisteError):
    """A stored or received record has not the shape that its type demands."""

    code = "inspection.record-malformed"
    message = Text("The value at {place} is not a valid {expected}.", "{place}处的值不是有效的{expected}。")
    next_step = Text("Send the record as it was given out.", "请按原格式提交该记录。")
    field = "{place}"
    place: str
    expected: str


class Recorded:
    """A dataclass that can be written to JSON and read back."""

    def to_json(self) -> Json:
        """Give the value as JSON-compatible dict."""
        plain = to_record(self)
        return typing.cast("Json", plain)

    @classmethod
    def from_json(cls, data: object) -> typing.Self:
        """Read a value back.

        Raises:
            RecordMalformed: A field is missing, unknown or of another type.
        """
        return from_record(cls, data)


def to_record(value: object) -> object:
    """Give a value as JSON-compatible object."""
    if isinstance(value, Text):
        return {"en": value.en, "zh": value.zh}
    if isinstance(value, tuple | list):
        return [to_record(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_record(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_record(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return _scalar(value)


def _scalar(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(type(value).__name__)


def from_record(kind: type[T], data: object, place: str = "") -> T:
    """Read a value of a type from a JSON-compatible object.

    Raises:
        RecordMalformed: The object does not fit the type.
    """
    return typing.cast("T", _read(kind, data, place))


@cache
def _fields_of(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    hints = typing.get_type_hints(kind)
    missing = dataclasses.MISSING
    return tuple(
        (field.name, hints[field.name], field.default is missing and field.default_factory is missing)
        for field in dataclasses.fields(kind)
    )


def _read(kind: Any, data: object, place: str) -> object:
    origin = typing.get_origin(kind)
    if origin in {Union, types.UnionType}:
        return _read_optional(kind, data, place)
    if origin is tuple:
        return _read_tuple(kind, data, place)
    if origin is dict:
        if not isinstance(data, dict):
            raise RecordMalformed(place=place, expected="object")
        _, item = typing.get_args(kind)
        return {str(key): _read(item, value, f"{place}/{key}") for key, value in data.items()}
    if kind is Text:
        if not (isinstance(data, dict) and set(data) == {"en", "zh"}):
            raise RecordMalformed(place=place, expected="text")
        return Text(en=str(data["en"]), zh=str(data["zh"]))
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(typing.cast("type", kind), data, place)
    return _read_scalar(kind, data, place)


def _read_optional(kind: Any, data: object, place: str) -> object:
    options = [option for option in typing.get_args(kind) if option is not type(None)]
    if data is None:
        if len(options) == len(typing.get_args(kind)):
            raise RecordMalformed(place=place, expected=str(kind))
        return None
    return _read(options[0], data, place)


def _read_tuple(kind: Any, data: object, place: str) -> tuple[object, ...]:
    if not isinstance(data, list | tuple):
        raise RecordMalformed(place=place, expected="list")
    item, *rest = typing.get_args(kind)
    if rest != [Ellipsis]:
        raise TypeError(kind)
    return tuple(_read(item, value, f"{place}/{index}") for index, value in enumerate(data))


def _read_dataclass(kind: type, data: object, place: str) -> object:
    if not isinstance(data, dict):
        raise RecordMalformed(place=place, expected=kind.__name__)
    values: dict[str, object] = {}
    fields = _fields_of(kind)
    unknown = set(data) - {name for name, _, _ in fields}
    if unknown:
        raise RecordMalformed(place=f"{place}/{min(unknown, key=str)}", expected=f"field of {kind.__name__}")
    for name, hint, required in fields:
        if name in data:
            values[name] = _read(hint, data[name], f"{place}/{name}")
        elif required:
            raise RecordMalformed(place=f"{place}/{name}", expected=str(getattr(hint, "__name__", hint)))
    return kind(**values)


def _read_scalar(kind: Any, data: object, place: str) -> object:
    try:
        if kind is Decimal and isinstance(data, str | int) and not isinstance(data, bool):
            return Decimal(data)
        if kind is datetime and isinstance(data, str):
            return _aware(datetime.fromisoformat(data))
        if kind is date and isinstance(data, str):
            return date.fromisoformat(data)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return kind(data)
    except (ValueError, InvalidOperation) as error:
        raise RecordMalformed(place=place, expected=str(kind.__name__)) from error
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(kind, type) and type(data) is kind:
        return data
    raise RecordMalformed(place=place, expected=str(getattr(kind, "__name__", kind)))


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(moment)
    return moment
