"""What a broker sends in as the content of a declaration, and the form of it that is sealed.

Source: DOMAIN.md §3; supervision modes §2.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from kernel.errors import Fault, Invalid, Text
from kernel.particulars import (
    MOST_LINES,
    Amount,
    CertificateNumber,
    Container,
    Count,
    Country,
    Currency,
    Day,
    EventCode,
    Line,
    LineNumber,
    Mass,
    Office,
    PackageCode,
    Paper,
    PartyId,
    Plate,
    Quantity,
    Reference,
    ShipNumber,
    TariffCode,
    TransportDocument,
    UnitCode,
    document_of,
    headings_named,
    net_within_gross,
    plain,
)
from kernel.validation import FILLED, Strict, at_most, parse_with, pointer, refusal, repeated, required


class Direction(StrEnum):
    """Which way the goods go."""

    IMPORT = "import"
    EXPORT = "export"


class Procedure(StrEnum):
    """What the goods are entered for."""

    HOME_USE = "40"
    TEMPORARY_ADMISSION = "53"
    WAREHOUSING = "71"
    RE_EXPORT = "31"


class SupervisionMode(StrEnum):
    """How customs supervises the goods (监管方式)."""

    GENERAL_TRADE = "0110"
    TEMPORARY = "2600"
    EXHIBITION = "2700"
    SAMPLES = "3010"
    OTHER_FREE = "3339"
    DUTY_FREE = "1741"
    BONDED_E_COMMERCE = "1210"
    BONDED_E_COMMERCE_AREA = "1239"
    BONDED_STORAGE = "1233"
    BONDED_AREA_MATERIAL = "5000"
    BONDED_AREA_STORAGE = "5034"


UNDER_CERTIFICATE = frozenset(
    {
        SupervisionMode.TEMPORARY,
        SupervisionMode.EXHIBITION,
        SupervisionMode.SAMPLES,
        SupervisionMode.OTHER_FREE,
        SupervisionMode.DUTY_FREE,
    }
)
"""Modes in which each line draws on a material certificate."""


class TransportMode(StrEnum):
    """How the goods cross the border."""

    SEA = "sea"
    RAIL = "rail"
    ROAD = "road"
    AIR = "air"
    POST = "post"
    FIXED = "fixed"
    INLAND_WATER = "inland_water"


class Transport(Strict):
    """What carries the goods."""

    mode: TransportMode
    means: Reference | None = None
    """Flight, ship's name, train."""
    vehicle_plate: Plate | None = None
    ship: ShipNumber | None = None
    """IMO number."""
    containers: Annotated[tuple[Container, ...], Field(max_length=500)] = ()
    document: TransportDocument | None = None

    @field_validator("containers")
    @classmethod
    def _containers_differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        found = [
            Fault(
                field=pointer(place),
                rule="field.repeated",
                message=Text(f"Container {number} is named twice.", f"集装箱{number}重复。"),
                next_step=Text("Name each box once.", "每个集装箱只填一次。"),
            )
            for place, number in enumerate(value)
            if number in value[:place]
        ]
        if found:
            raise refusal(*found)
        return value


class DeclaredLine(Strict):
    """One declared goods item."""

    line_no: LineNumber
    hs_code: TariffCode
    name_zh: Line | None = None
    name_en: Annotated[Line | None, Field(validate_default=True)] = None
    quantity: Quantity
    unit: UnitCode
    packages: Count
    package_kind: PackageCode
    gross_kg: Mass
    net_kg: Mass
    value: Amount
    currency: Currency
    origin: Country
    certificate_number: CertificateNumber | None = None
    certificate_line: Annotated[LineNumber | None, Field(validate_default=True)] = None

    _net_within_gross = field_validator("net_kg")(net_within_gross)

    @property
    def description(self) -> str:
        """The name in the languages given, English first."""
        return " ".join(name for name in (self.name_en, self.name_zh) if name)

    @field_validator("name_en")
    @classmethod
    def _goods_are_named(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("name_zh", "") is None:
            raise refusal(required(Text("goods without a Chinese name", "未填中文品名的货物")))
        return value

    @field_validator("certificate_line")
    @classmethod
    def _reference_is_whole(cls, value: int | None, info: ValidationInfo) -> int | None:
        if "certificate_number" not in info.data:
            return value
        number = info.data["certificate_number"]
        if number is not None and value is None:
            raise refusal(required(Text("a line that quotes a certificate", "引用证明函的商品项")))
        if number is None and value is not None:
            raise refusal(
                Fault(
                    field="",
                    rule="declaration.certificate-reference",
                    message=Text(
                        "A certificate line is quoted without its certificate.",
                        "引用了证明函行号但未填证明函编号。",
                    ),
                    next_step=Text("Name the certificate too.", "请同时填写证明函编号。"),
                )
            )
        return value


class DeclarationContent(Strict):
    """The content that a broker signs and files."""

    reference: Reference
    """The firm's own number; the same number again is refused."""
    office: Office
    direction: Direction
    procedure: Procedure
    previous_procedure: Annotated[str, Field(pattern=r"^[0-9]{2}$")] | None = None
    supervision_mode: SupervisionMode
    entry_type: Literal["M"] = "M"
    """M: paperless."""
    event: EventCode
    venue: Line
    declarant: PartyId
    declarant_name: Line
    holder: PartyId
    holder_name: Line
    transport: Transport
    arrival_date: Day | None = None
    departure_date: Day | None = None
    export_country: Country | None = None
    destination_country: Country | None = None
    trade_terms: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """Incoterms code."""
    trade_place: Reference | None = None
    lines: Annotated[tuple[DeclaredLine, ...], at_most(MOST_LINES), FILLED]
    total_packages: Count
    gross_kg: Mass
    currency: Currency
    total_value: Amount
    documents: Annotated[tuple[Paper, ...], Field(max_length=100)] = ()

    @field_validator("procedure")
    @classmethod
    def _procedure_fits_direction(cls, value: Procedure, info: ValidationInfo) -> Procedure:
        direction = info.data.get("direction")
        if direction is not None and (value is Procedure.RE_EXPORT) != (direction is Direction.EXPORT):
            raise refusal(
                Fault(
                    field="",
                    rule="declaration.procedure",
                    message=Text(
                        f"Procedure {value} does not go with {direction}.",
                        f"程序代码{value}与{'进口' if direction is Direction.IMPORT else '出口'}不符。",
                    ),
                    next_step=Text(
                        "Import takes 40, 53 or 71; export takes 31.", "进口填40、53或71，出口填31。"
                    ),
                )
            )
        return value

    @field_validator("lines")
    @classmethod
    def _lines_quote_certificates(
        cls, value: tuple[DeclaredLine, ...], info: ValidationInfo
    ) -> tuple[DeclaredLine, ...]:
        mode = info.data.get("supervision_mode")
        if mode not in UNDER_CERTIFICATE:
            return value
        reason = Text(f"supervision mode {mode}", f"监管方式{mode}")
        found = [
            required(reason).under(pointer(place, "certificate_number"))
            for place, line in enumerate(value)
            if line.certificate_number is None
        ]
        if found:
            raise refusal(*found)
        return value

    @field_validator("total_packages")
    @classmethod
    def _packages_add_up(cls, value: int, info: ValidationInfo) -> int:
        _compare_total(Decimal(value), info, lambda line: Decimal(line.packages), Text("packages", "件数"))
        return value

    @field_validator("gross_kg")
    @classmethod
    def _mass_adds_up(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        _compare_total(value, info, lambda line: line.gross_kg, Text("gross mass (kg)", "毛重（千克）"))
        return value

    @field_validator("total_value")
    @classmethod
    def _values_add_up(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        lines: tuple[DeclaredLine, ...] = info.data.get("lines", ())
        if {line.currency for line in lines} == {info.data.get("currency")}:
            _compare_total(value, info, lambda line: line.value, Text("value", "金额"))
        return value


def parse_declaration(raw: object) -> DeclarationContent:
    """Read the content of a declaration.

    Raises:
        Invalid: It has faults; all of them are named.
    """
    with headings_named(raw):
        return parse_with(DeclarationContent, raw, repeated(raw, "lines", "line_no"))


def faults(raw: object) -> list[Fault]:
    """Give every fault of an input, none where it can be taken."""
    try:
        parse_declaration(raw)
    except Invalid as invalid:
        return list(invalid.found)
    return []


def content_document(content: DeclarationContent) -> dict[str, Any]:
    """Give the JSON object that is sealed and signed; equal content gives equal objects."""
    return document_of(content)


def _compare_total(
    total: Decimal, info: ValidationInfo, of_line: Callable[[DeclaredLine], Decimal], what: Text
) -> None:
    """Refuse a total that is not the sum of its lines; says nothing where the lines have faults."""
    lines: tuple[DeclaredLine, ...] | None = info.data.get("lines")
    if lines is None:
        return
    added = sum((of_line(line) for line in lines), Decimal(0))
    if added != total:
        raise refusal(
            Fault(
                field="",
                rule="declaration.total",
                message=Text(
                    f"The total {what.en} is given as {plain(total)}; the lines add up to {plain(added)}.",
                    f"{what.zh}合计填写为{plain(total)}，各项之和为{plain(added)}。",
                ),
                next_step=Text("Correct the total or the lines.", "请更正合计或各商品项。"),
            )
        )
