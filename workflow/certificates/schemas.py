"""What a firm sends in as the content of a material certificate, and the form of it that is sealed.

Source: DOMAIN.md §2.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from kernel.errors import Fault, Invalid, Text
from kernel.particulars import (
    MOST_LINES,
    Amount,
    AtaCarnet,
    CertificateNumber,
    Count,
    Country,
    Currency,
    Day,
    EventCode,
    Line,
    LineNumber,
    Mass,
    PackageCode,
    Paper,
    PartyId,
    Place,
    Quantity,
    Reference,
    TariffCode,
    TransportDocument,
    UnitCode,
    add_months,
    document_of,
    headings_named,
    net_within_gross,
)
from kernel.validation import FILLED, Strict, at_most, parse_with, refusal, repeated, required

RE_EXPORT_MONTHS = 6
"""Months within which goods under temporary admission leave again, before any extension."""


class Category(StrEnum):
    """Why the goods come in, and what they owe."""

    INTERNATIONAL_DONATION = "international_donation"
    VENUE_EQUIPMENT = "venue_equipment"
    COMPETITION_CONSUMABLE = "competition_consumable"
    SPECIAL_NEED_TEMPORARY = "special_need_temporary"
    ATA_CARNET = "ata_carnet"
    PERSONAL_ARTICLES = "personal_articles"
    MEDIA_EQUIPMENT = "media_equipment"
    GENERAL_TRADE = "general_trade"


TEMPORARY = frozenset({Category.SPECIAL_NEED_TEMPORARY, Category.ATA_CARNET})
"""Categories under temporary admission: under the committee's guarantee, or under the carnet's own."""


class GoodsLine(Strict):
    """One line of the goods list: what it is, and how much of it may be declared in all."""

    line_no: LineNumber
    hs_code: TariffCode
    name_zh: Line
    name_en: Line
    brand: Line | None = None
    model: Line | None = None
    serials: Annotated[tuple[Reference, ...], Field(max_length=MOST_LINES)] = ()
    quantity: Quantity
    """The ceiling, in `unit`."""
    unit: UnitCode
    packages: Count
    package_kind: PackageCode
    gross_kg: Mass
    net_kg: Mass
    value: Amount
    currency: Currency
    origin: Country

    @field_validator("serials")
    @classmethod
    def _serials_differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = [serial for serial, times in Counter(value).items() if times > 1]
        if twice:
            raise refusal(
                Fault(
                    field="",
                    rule="certificate.serial-repeated",
                    message=Text(
                        f"Serial numbers stand more than once: {', '.join(twice[:5])}.",
                        f"序列号重复：{'、'.join(twice[:5])}。",
                    ),
                    next_step=Text("Name each piece once.", "每件货物的序列号只填一次。"),
                )
            )
        return value

    _net_within_gross = field_validator("net_kg")(net_within_gross)


class Contact(Strict):
    """Somebody who can be asked about the goods."""

    name: Line
    telephone: Annotated[str, Field(pattern=r"^[0-9+() /-]{5,30}$")] | None = None
    email: Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")] | None = None


class CertificateContent(Strict):
    """The content that firm, committee and customs confirm."""

    number: CertificateNumber
    event: EventCode
    issuing_team: Line
    holder: PartyId
    holder_name: Line
    broker: PartyId
    broker_name: Line
    venue: Line
    functional_area: Line
    arrival_ports: Annotated[tuple[Place, ...], Field(max_length=20), FILLED]
    transport_document: TransportDocument | None = None
    category: Category
    legal_basis: Line
    ata_carnet: Annotated[AtaCarnet | None, Field(validate_default=True)] = None
    guarantee_reference: Annotated[Reference | None, Field(validate_default=True)] = None
    valid_from: Day
    valid_until: Day
    re_export_due: Annotated[Day | None, Field(validate_default=True)] = None
    lines: Annotated[tuple[GoodsLine, ...], at_most(MOST_LINES), FILLED]
    contacts: Annotated[tuple[Contact, ...], Field(max_length=20)] = ()
    attachments: Annotated[tuple[Paper, ...], Field(max_length=100)] = ()

    @field_validator("ata_carnet")
    @classmethod
    def _carnet_fits_category(cls, value: AtaCarnet | None, info: ValidationInfo) -> AtaCarnet | None:
        category = info.data.get("category")
        if category is Category.ATA_CARNET and value is None:
            raise refusal(required(Text("goods under an ATA carnet", "ATA单证册项下货物")))
        if value is not None and category not in {None, Category.ATA_CARNET}:
            raise refusal(_not_this_category("an ATA carnet", "ATA单证册", category))
        return value

    @field_validator("guarantee_reference")
    @classmethod
    def _guarantee_is_named(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("category") is Category.SPECIAL_NEED_TEMPORARY:
            raise refusal(
                required(Text("temporary admission under the committee's guarantee", "组委会担保暂时进境"))
            )
        return value

    @field_validator("valid_until")
    @classmethod
    def _validity_has_length(cls, value: date, info: ValidationInfo) -> date:
        begins: date | None = info.data.get("valid_from")
        if begins is not None and value < begins:
            raise refusal(
                Fault(
                    field="",
                    rule="certificate.validity",
                    message=Text(
                        f"The validity ends on {value} before it begins on {begins}.",
                        f"有效期止{value}早于有效期起{begins}。",
                    ),
                    next_step=Text("Correct one of the two days.", "请更正起止日期。"),
                )
            )
        return value

    @field_validator("re_export_due")
    @classmethod
    def _re_export_is_in_time(cls, value: date | None, info: ValidationInfo) -> date | None:
        category, begins = info.data.get("category"), info.data.get("valid_from")
        if value is None:
            if category in TEMPORARY:
                raise refusal(required(Text("temporary admission", "暂时进境")))
            return value
        if begins is None or category not in TEMPORARY:
            return value
        latest = add_months(begins, RE_EXPORT_MONTHS)
        if not begins <= value <= latest:
            raise refusal(
                Fault(
                    field="",
                    rule="certificate.re-export-due",
                    message=Text(
                        f"Re-export is due on {value}; it must lie between {begins} and {latest}.",
                        f"复运出境期限为{value}，应在{begins}至{latest}（六个月内）之间。",
                    ),
                    next_step=Text(
                        "Name a day within six months; an extension is applied for later.",
                        "请填写六个月内的日期；如需延期可日后申请。",
                    ),
                )
            )
        return value


def parse_certificate(raw: object) -> CertificateContent:
    """Read the content of a certificate.

    Raises:
        Invalid: It has faults; all of them are named.
    """
    with headings_named(raw):
        return parse_with(CertificateContent, raw, repeated(raw, "lines", "line_no"))


def faults(raw: object) -> list[Fault]:
    """Give every fault of an input, none where it can be taken."""
    try:
        parse_certificate(raw)
    except Invalid as invalid:
        return list(invalid.found)
    return []


def content_document(content: CertificateContent) -> dict[str, Any]:
    """Give the JSON object that is sealed and signed; equal content gives equal objects."""
    return document_of(content)


def _not_this_category(what: str, what_zh: str, category: Category) -> Fault:
    return Fault(
        field="",
        rule="certificate.category",
        message=Text(
            f"Goods of the category {category} come without {what}.",
            f"类别{category}的货物不使用{what_zh}。",
        ),
        next_step=Text("Leave it out, or correct the category.", "请删除此栏或更正类别。"),
    )
