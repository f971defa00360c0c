"""Numbers of customs documents; they have a build and no check digit.

Source: DOMAIN.md §3 and §4.
"""

from __future__ import annotations

import re
from datetime import date

from kernel.errors import Fault, Text
from kernel.identifiers.codes import check_country
from kernel.identifiers.findings import wrong_format, wrong_part

DECLARATION = Text("Declaration number", "报关单号")
CHECK_NOTE = Text("Check note number", "核放单号")
INVENTORY_LIST = Text("Inventory list number", "核注清单号")
BONDED_LEDGER = Text("Bonded ledger number", "账册号")
CARNET = Text("ATA carnet number", "ATA单证册号")
CERTIFICATE = Text("Certificate number", "物资证明函编号")
OFFICE = Text("Customs office code", "关区代码")

_DECLARATION = re.compile(r"[0-9]{4}(?P<year>[0-9]{4})[01][0-9]{9}")
_CHECK_NOTE = re.compile(r"Z[0-9]{4}[IE](?P<day>[0-9]{6})[0-9]{12}")
_INVENTORY_LIST = re.compile(r"QD[0-9]{4}[0-9]{2}[IE][0-9]{9}")
_BONDED_LEDGER = re.compile(r"T[0-9]{4}[WH][0-9]{6}")
_CARNET = re.compile(r"[A-Z0-9][A-Z0-9/.-]{1,24}")
_CERTIFICATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{3,39}")
_OFFICE = re.compile(r"[0-9]{4}")
_FIRST_YEAR = 1980


def check_declaration_number(value: str, field: str) -> list[Fault]:
    """Check a declaration number: 4 digits office, 4 year, 1 import or 0 export, 9 sequence."""
    match = _DECLARATION.fullmatch(value)
    if match is None:
        shape = Text(
            "18 digits: 4 customs office, 4 year, 1 for import or 0 for export, 9 sequence.",
            "18位数字：4位关区代码、4位年份、1位进出口标志（1进口、0出口）、9位流水号。",
        )
        return wrong_format(DECLARATION, value, field, shape=shape)
    if int(match["year"]) < _FIRST_YEAR:
        part = Text(f"the year {match['year']} cannot be", f"年份{match['year']}不合理")
        return wrong_part(DECLARATION, value, field, part=part)
    return []


def check_check_note_number(value: str, field: str) -> list[Fault]:
    """Check a check note number: Z, 4 digits office, I or E, date as yymmdd, 12 digits."""
    match = _CHECK_NOTE.fullmatch(value)
    if match is None:
        shape = Text(
            "Z, 4 digits of the office, I or E, the date as yymmdd, 12 digits.",
            "Z、4位关区代码、I或E、6位日期（年月日）、12位流水号。",
        )
        return wrong_format(CHECK_NOTE, value, field, shape=shape)
    day = match["day"]
    try:
        date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
    except ValueError:
        return wrong_part(
            CHECK_NOTE,
            value,
            field,
            part=Text(f"there is no day {day} (yymmdd)", f"日期{day}不存在（年月日）"),
        )
    return []


def check_inventory_list_number(value: str, field: str) -> list[Fault]:
    """Check an inventory list number: QD, 4 digits office, 2 year, I or E, 9 digits."""
    if _INVENTORY_LIST.fullmatch(value):
        return []
    shape = Text(
        "QD, 4 digits of the office, 2 digits of the year, I or E, 9 digits.",
        "QD、4位关区代码、2位年份、I或E、9位流水号。",
    )
    return wrong_format(INVENTORY_LIST, value, field, shape=shape)


def check_bonded_ledger_number(value: str, field: str) -> list[Fault]:
    """Check a bonded ledger number: T, 4 digits office, W for logistics or H for processing, 6 digits."""
    if _BONDED_LEDGER.fullmatch(value):
        return []
    shape = Text(
        "T, 4 digits of the office, W (logistics) or H (processing), 6 digits.",
        "T、4位关区代码、W（物流）或H（加工）、6位流水号。",
    )
    return wrong_format(BONDED_LEDGER, value, field, shape=shape)


def check_carnet_number(value: str, field: str) -> list[Fault]:
    """Check that an ATA carnet's number can be written down; issuing countries number as they like."""
    if _CARNET.fullmatch(value):
        return []
    shape = Text(
        "2 to 25 capital letters, digits, / . and -, as printed on the carnet's cover.",
        "2至25位大写字母、数字及/.-，与单证册封面一致。",
    )
    return wrong_format(CARNET, value, field, shape=shape, write_as=_write_capitals(value, _CARNET))


def check_carnet(country: str, number: str, field: str) -> list[Fault]:
    """Check the key of an ATA carnet, the issuing country and the number.

    Args:
        country: Two letters of ISO 3166-1.
        number: As printed on the cover.
        field: Pointer of the carnet; the faults stand at `/country` and `/number` below it.
    """
    return [*check_country(country, f"{field}/country"), *check_carnet_number(number, f"{field}/number")]


def check_certificate_number(value: str, field: str) -> list[Fault]:
    """Check that a certificate's number can be quoted: 4 to 40 letters, digits, `.`, `/` and `-`."""
    if _CERTIFICATE.fullmatch(value):
        return []
    shape = Text(
        "4 to 40 letters, digits, . / and -, beginning with a letter or digit.",
        "4至40位字母、数字及./-，以字母或数字开头。",
    )
    return wrong_format(CERTIFICATE, value, field, shape=shape)


def check_office(value: str, field: str) -> list[Fault]:
    """Check the build of a Chinese customs office code, four digits."""
    if _OFFICE.fullmatch(value):
        return []
    shape = Text("Four digits, for example 0101.", "4位数字，例如0101。")
    return wrong_format(OFFICE, value, field, shape=shape)


def _write_capitals(value: str, pattern: re.Pattern[str]) -> str:
    better = value.upper()
    return better if better != value and pattern.fullmatch(better) else ""
