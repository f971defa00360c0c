"""Particulars that every customs paper has: quantities, masses, money, parties, days, documents.

Decimals travel as texts ("12.50"), because a JSON number is a binary fraction in most programs; they are kept
exact and given back without trailing zeros, so that equal content has equal bytes.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from kernel.errors import Fault, Invalid, Text
from kernel.identifiers import (
    check_air_waybill,
    check_carnet_number,
    check_certificate_number,
    check_container,
    check_country,
    check_currency,
    check_hs,
    check_imo,
    check_office,
    check_package,
    check_party,
    check_place,
    check_plate,
    check_unit,
)
from kernel.identifiers.headings import nearest_headings
from kernel.validation import Strict, checked, refusal

MOST_QUANTITY = 10**12
"""Largest quantity; its millionths still fit a signed 64-bit number."""
MOST_LINES = 9_999

_DECIMAL = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def plain(number: Decimal) -> str:
    """Write a number without exponent and trailing zeros: the one writing that goes into sealed content."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def _decimal_fault(rule: str, message: Text, next_step: Text) -> Fault:
    return Fault(field="", rule=rule, message=message, next_step=next_step)


def _read_decimal(value: object) -> Decimal:
    if isinstance(value, Decimal) and value.is_finite():
        return value
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and _DECIMAL.fullmatch(text.strip()):
        return Decimal(text.strip())
    if isinstance(value, float):
        raise refusal(
            _decimal_fault(
                "number.not-a-text",
                Text(
                    f"{value} is a binary number, which may not be exact.",
                    f"{value}为二进制小数，可能不精确。",
                ),
                Text(f'Send it in quotes: "{value}".', f'请加引号作为文本发送："{value}"。'),
            )
        )
    shown = str(value)[:60]
    raise refusal(
        _decimal_fault(
            "number.format",
            Text(f"{shown} is not a decimal number.", f"{shown}不是十进制数。"),
            Text(
                'Digits with a point for decimals and no separators, in quotes: "1250.5".',
                '请只用数字和小数点，不用千位分隔符，并加引号，例如"1250.5"。',
            ),
        )
    )


def _bounded(places: int, *, above_zero: bool) -> AfterValidator:
    finest = Decimal(1).scaleb(-places)

    def check(number: Decimal) -> Decimal:
        if number < 0 or (above_zero and number == 0):
            least = Text("more than 0", "大于0") if above_zero else Text("0 or more", "不小于0")
            raise refusal(
                _decimal_fault(
                    "number.range",
                    Text(f"{plain(number)} must be {least.en}.", f"{plain(number)}应{least.zh}。"),
                    Text("Correct the number.", "请更正数值。"),
                )
            )
        if number > MOST_QUANTITY:
            raise refusal(
                _decimal_fault(
                    "number.range",
                    Text(
                        f"{plain(number)} is more than {MOST_QUANTITY}.",
                        f"{plain(number)}超过{MOST_QUANTITY}。",
                    ),
                    Text("Correct the number, or use a larger unit.", "请更正数值或改用更大的单位。"),
                )
            )
        if number != number.quantize(finest):
            raise refusal(
                _decimal_fault(
                    "number.too-fine",
                    Text(
                        f"{plain(number)} has more than {places} decimals.",
                        f"{plain(number)}超过{places}位小数。",
                    ),
                    Text(f"Round it to {places} decimals.", f"请保留{places}位小数。"),
                )
            )
        return number

    return AfterValidator(check)


def _written(example: str) -> tuple[PlainSerializer, WithJsonSchema]:
    schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "examples": [example]}
    return PlainSerializer(plain, return_type=str, when_used="json"), WithJsonSchema(schema)


Quantity = Annotated[Decimal, BeforeValidator(_read_decimal), _bounded(6, above_zero=True), *_written("12.5")]
"""More than nothing, to the millionth of its unit."""
Mass = Annotated[Decimal, BeforeValidator(_read_decimal), _bounded(6, above_zero=False), *_written("840.25")]
"""Kilograms, to the milligram."""
Amount = Annotated[
    Decimal, BeforeValidator(_read_decimal), _bounded(4, above_zero=False), *_written("1250.00")
]
"""Money, to four decimals of its currency."""


def _no_control_characters(text: str) -> str:
    if not all(c.isprintable() for c in text):
        raise refusal(
            Fault(
                field="",
                rule="field.control-character",
                message=Text(
                    "The text has line breaks or characters that cannot be seen.",
                    "文本含有换行或不可见字符。",
                ),
                next_step=Text("Type it again on one line.", "请重新输入，不要换行。"),
            )
        )
    return text


def _read_day(value: object) -> date:
    if type(value) is date:
        return value
    if isinstance(value, str) and _DAY.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    shown = str(value)[:60]
    raise refusal(
        Fault(
            field="",
            rule="field.date",
            message=Text(f"{shown} is not a date.", f"{shown}不是有效日期。"),
            next_step=Text(
                "Write it as year-month-day, for example 2026-02-06.", "请按年-月-日填写，例如2026-02-06。"
            ),
        )
    )


Line = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_no_control_characters)]
"""A short text on one line."""
Reference = Annotated[
    str, StringConstraints(min_length=1, max_length=60), AfterValidator(_no_control_characters)
]
"""A number or name given by somebody else."""
EventCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{1,59}$")]
"""The code of a sports event, for example `milano-cortina-2026`; the events are data."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Day = Annotated[date, BeforeValidator(_read_day)]
Count = Annotated[int, Field(strict=True, ge=0, le=10**9)]
LineNumber = Annotated[int, Field(strict=True, ge=1, le=MOST_LINES)]
Country = Annotated[str, checked(check_country)]
Currency = Annotated[str, checked(check_currency)]
TariffCode = Annotated[str, checked(check_hs)]
UnitCode = Annotated[str, checked(check_unit)]
PackageCode = Annotated[str, checked(check_package)]
PartyId = Annotated[str, checked(check_party)]
"""Unified social credit code, LEI, EORI number, or `CC:NUMBER`."""
Place = Annotated[str, checked(check_place)]
Container = Annotated[str, checked(check_container)]
Plate = Annotated[str, checked(check_plate)]
ShipNumber = Annotated[str, checked(check_imo)]
Office = Annotated[str, checked(check_office)]
CertificateNumber = Annotated[str, checked(check_certificate_number)]


class AtaCarnet(Strict):
    """The key of an ATA carnet, and when it expires."""

    country: Country
    number: Annotated[str, checked(check_carnet_number)]
    valid_until: Day | None = None


class TransportDocumentKind(StrEnum):
    """What the carrier wrote."""

    AIR_WAYBILL = "air_waybill"
    BILL_OF_LADING = "bill_of_lading"
    CONSIGNMENT_NOTE = "consignment_note"
    """Road (CMR) or rail."""
    POSTAL = "postal"


class TransportDocument(Strict):
    """The paper that the goods travel under."""

    kind: TransportDocumentKind
    number: Reference

    @field_validator("number")
    @classmethod
    def _air_waybill_is_good(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("kind") is TransportDocumentKind.AIR_WAYBILL and (
            found := check_air_waybill(value, "")
        ):
            raise refusal(*found)
        return value


class PaperKind(StrEnum):
    """What a paper is."""

    CERTIFICATE = "certificate"
    GOODS_LIST = "goods_list"
    INVOICE = "invoice"
    PACKING_LIST = "packing_list"
    TRANSPORT_DOCUMENT = "transport_document"
    GIFT_LETTER = "gift_letter"
    ATA_CARNET = "ata_carnet"
    OTHER = "other"


class Paper(Strict):
    """A paper that goes with the input, by its content in the document archive."""

    kind: PaperKind
    number: Reference | None = None
    sha256: Sha256 | None = None


def net_within_gross(net_kg: Decimal, info: ValidationInfo) -> Decimal:
    """Refuse a net mass above the gross mass; `gross_kg` is declared before it in the model."""
    gross_kg: Decimal | None = info.data.get("gross_kg")
    if gross_kg is not None and net_kg > gross_kg:
        raise refusal(
            Fault(
                field="",
                rule="mass.net-above-gross",
                message=Text(
                    f"The net mass {plain(net_kg)} kg is more than the gross mass {plain(gross_kg)} kg.",
                    f"净重{plain(net_kg)}千克大于毛重{plain(gross_kg)}千克。",
                ),
                next_step=Text("Compare both with the packing list.", "请对照装箱单核对净重和毛重。"),
            )
        )
    return net_kg


def add_months(day: date, months: int) -> date:
    """Give the same day so many months later; the month's last day where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@contextmanager
def headings_named(raw: object) -> Iterator[None]:
    """Let suggestions of commodity codes regard what the goods are called in the same line of the input."""
    try:
        yield
    except Invalid as invalid:
        named = [_heading_named(one, raw) if one.field.endswith("/hs_code") else one for one in invalid.found]
        raise Invalid(found=tuple(named)) from None


def _heading_named(fault: Fault, raw: object) -> Fault:
    line: object = raw
    for part in fault.field.split("/")[1:-1]:
        if isinstance(line, Mapping):
            line = line.get(part)
        elif isinstance(line, Sequence) and not isinstance(line, str) and part.isdecimal():
            line = line[int(part)] if int(part) < len(line) else None
    if not isinstance(line, Mapping) or not isinstance(line.get("hs_code"), str):
        return fault
    named = line.get("name_en")
    if fault.suggestions and fault.rule == "identifier.format":
        return fault
    near = nearest_headings(line["hs_code"][:60], named[:255] if isinstance(named, str) else "")
    return replace(fault, suggestions=near)


def document_of(content: BaseModel) -> dict[str, Any]:
    """Give the JSON object that is sealed: what is absent is left out, decimals and days are texts."""
    return content.model_dump(mode="json", exclude_none=True)
