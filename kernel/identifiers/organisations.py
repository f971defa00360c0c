"""Identifiers of organisations and persons: unified social credit code, LEI, EORI, identity card."""

from __future__ import annotations

import re

from stdnum import lei
from stdnum.cn import ric, uscc
from stdnum.exceptions import InvalidChecksum, ValidationError

from kernel.errors import Fault, Text
from kernel.identifiers.codes import check_country, country_exists
from kernel.identifiers.findings import wrong_check_digit, wrong_format, wrong_length, wrong_part

USCC = Text("Unified social credit code", "统一社会信用代码")
LEI = Text("Legal entity identifier", "法人机构识别编码（LEI）")
EORI = Text("EORI number", "EORI号码")
IDENTITY_CARD = Text("Identity card number", "居民身份证号码")
FOREIGN = Text("Foreign identification", "境外机构标识")

_USCC = re.compile(r"[0-9]{8}[0-9A-HJ-NP-RTUW-Y]{10}")
_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}")
_IDENTITY_CARD = re.compile(r"[0-9]{17}[0-9X]")
_EORI = re.compile(r"[A-Z]{2}[A-Z0-9]{1,15}")
_FOREIGN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./&-]{1,34}")
_BEGINS_WITH_COUNTRY = re.compile(r"[A-Za-z]{2}")
_LENGTH_USCC, _LENGTH_LEI, _LENGTH_IDENTITY_CARD = 18, 20, 18
_EORI_WITHOUT_ISO = frozenset({"XI", "EL", "UK"})
"""Prefixes in use beside ISO 3166: Northern Ireland, Greece and the United Kingdom in VAT writing."""


def check_uscc(value: str, field: str) -> list[Fault]:
    """Check a unified social credit code (GB 32100-2015): 18 characters, the last a check character."""
    if len(value) != _LENGTH_USCC:
        return wrong_length(USCC, value, field, length="18")
    if not _USCC.fullmatch(value):
        shape = Text(
            "Eight digits, then digits and capital letters without I, O, S, V, Z.",
            "前8位为数字，其后为数字或大写字母（不含I、O、S、V、Z）。",
        )
        return wrong_format(USCC, value, field, shape=shape, write_as=_capitals(value, _USCC))
    expected = uscc.calc_check_digit(value[:-1])
    if value[-1] != expected:
        return wrong_check_digit(USCC, value, field, expected=expected, given=value[-1])
    return []


def check_lei(value: str, field: str) -> list[Fault]:
    """Check a legal entity identifier (ISO 17442): 20 characters, the last two check digits (mod 97-10)."""
    if len(value) != _LENGTH_LEI:
        return wrong_length(LEI, value, field, length="20")
    if not _LEI.fullmatch(value):
        shape = Text("18 capital letters or digits, then two digits.", "18位大写字母或数字，后加2位数字。")
        return wrong_format(LEI, value, field, shape=shape, write_as=_capitals(value, _LEI))
    try:
        lei.validate(value)
    except ValidationError:
        number = int("".join(str(int(c, 36)) for c in value[:-2]) + "00")
        return wrong_check_digit(LEI, value, field, expected=f"{98 - number % 97:02d}", given=value[-2:])
    return []


def check_eori(value: str, field: str) -> list[Fault]:
    """Check the build of an EORI number: country, then 1 to 15 letters or digits; it has no check digit."""
    if not _EORI.fullmatch(value):
        shape = Text(
            "Two capital letters of the country, then up to 15 capital letters or digits.",
            "2位国家代码大写字母，后加最多15位大写字母或数字。",
        )
        return wrong_format(EORI, value, field, shape=shape, write_as=_capitals(value, _EORI))
    if not country_exists(value[:2]) and value[:2] not in _EORI_WITHOUT_ISO:
        return wrong_part(
            EORI,
            value,
            field,
            part=Text(
                f"{value[:2]} is not a country that gives out such numbers", f"{value[:2]}不是签发国代码"
            ),
        )
    return []


def check_identity_card(value: str, field: str) -> list[Fault]:
    """Check a Chinese identity card number (GB 11643): place, birth date, check digit.

    The message shows the first six and the last character only, so that no birth date gets into logs.
    """
    if len(value) != _LENGTH_IDENTITY_CARD:
        return wrong_length(IDENTITY_CARD, _masked(value), field, length="18")
    if not _IDENTITY_CARD.fullmatch(value):
        shape = Text("17 digits, then a digit or a capital X.", "17位数字，末位为数字或大写X。")
        return wrong_format(IDENTITY_CARD, _masked(value), field, shape=shape)
    try:
        ric.validate(value)
    except InvalidChecksum:
        expected = ric.calc_check_digit(value)
        return wrong_check_digit(
            IDENTITY_CARD, _masked(value), field, expected=expected, given=value[-1], masked=True
        )
    except ValidationError:
        part = Text("its birth date or its place does not exist", "出生日期或行政区划代码不存在")
        return wrong_part(IDENTITY_CARD, _masked(value), field, part=part)
    return []


def check_foreign_id(value: str, field: str) -> list[Fault]:
    """Check an identification given out abroad; nothing is known of it but that it can be written down."""
    if not _FOREIGN.fullmatch(value):
        shape = Text(
            "2 to 35 letters, digits, spaces and . / & -, beginning with a letter or digit.",
            "2至35位字母、数字、空格及./&-，以字母或数字开头。",
        )
        return wrong_format(FOREIGN, value, field, shape=shape)
    return []


def check_party(value: str, field: str) -> list[Fault]:
    """Check the identification of a firm, committee or team, of whatever country.

    Taken are a unified social credit code, a legal entity identifier, an EORI number, or `CC:NUMBER`, the
    country and the number that it gave out.
    """
    country, colon, number = value.partition(":")
    if colon:
        return [*check_country(country, field), *check_foreign_id(number, field)]
    if len(value) < _LENGTH_USCC and _BEGINS_WITH_COUNTRY.match(value):
        return check_eori(value, field)
    if len(value) > _LENGTH_USCC:
        return check_lei(value, field)
    return check_uscc(value, field)


def _capitals(value: str, pattern: re.Pattern[str]) -> str:
    better = value.upper()
    return better if better != value and pattern.fullmatch(better) else ""


def _masked(value: str) -> str:
    return f"{value[:6]}{'*' * max(len(value) - 7, 0)}{value[6:][-1:]}"
