"""Identifiers of means of transport, boxes and transport documents."""

from __future__ import annotations

import re

from stdnum import imo, iso6346

from kernel.errors import Fault, Text
from kernel.identifiers.findings import wrong_check_digit, wrong_format, wrong_length, wrong_part

CONTAINER = Text("Container number", "集装箱号")
IMO = Text("IMO ship number", "IMO船舶编号")
MMSI = Text("MMSI", "海上移动业务标识（MMSI）")
AIR_WAYBILL = Text("Air waybill number", "空运单号")
PLATE = Text("Vehicle plate", "车牌号")

_CONTAINER = re.compile(r"[A-Z]{3}[UJZR][0-9]{7}")
_IMO = re.compile(r"[0-9]{7}")
_MMSI = re.compile(r"[0-9]{9}")
_AIR_WAYBILL = re.compile(r"[0-9]{3}-[0-9]{8}")
_LENGTH_CONTAINER = 11

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTER, _SIGN = "[A-HJ-NP-Z]", "[A-HJ-NP-Z0-9]"
_CHINESE_PLATES = tuple(
    re.compile(pattern)
    for pattern in (
        f"[{_PROVINCES}]{_LETTER}{_SIGN}{{5}}",  # ordinary
        f"[{_PROVINCES}]{_LETTER}[A-HJK]{_SIGN}[0-9]{{4}}",  # new energy, small
        f"[{_PROVINCES}]{_LETTER}[0-9]{{5}}[A-HJK]",  # new energy, large
        f"[{_PROVINCES}]{_LETTER}{_SIGN}{{4}}[挂学警超港澳]",  # trailer, driving school, police, cross-border
        f"[{_PROVINCES}]{_LETTER}[0-9]{{4}}使|使[0-9]{{6}}",  # embassy
        f"[{_PROVINCES}]{_LETTER}{_SIGN}{{4}}领",  # consulate
        f"民航{_SIGN}{{5}}",  # airside vehicles
        f"临[{_PROVINCES}]?{_LETTER}?{_SIGN}{{4,6}}",  # temporary
    )
)
_FOREIGN_PLATE = re.compile(r"(?=.*[A-Z0-9])[A-Z0-9][A-Z0-9 .-]{0,13}[A-Z0-9]")


def check_container(value: str, field: str) -> list[Fault]:
    """Check a container number (ISO 6346): owner code, category U, J, Z or R, six digits, check digit."""
    if len(value.replace(" ", "")) != _LENGTH_CONTAINER:
        return wrong_length(CONTAINER, value, field, length="11")
    if not _CONTAINER.fullmatch(value):
        better = iso6346.compact(value) if value.isascii() else ""
        shape = Text(
            "Three capital letters, then U, J, Z or R, then seven digits.",
            "3位大写字母，第4位为U、J、Z或R，后加7位数字。",
        )
        write_as = better if _CONTAINER.fullmatch(better) else ""
        return wrong_format(CONTAINER, value, field, shape=shape, write_as=write_as)
    expected = iso6346.calc_check_digit(value[:-1])
    if value[-1] != expected:
        return wrong_check_digit(CONTAINER, value, field, expected=expected, given=value[-1])
    return []


def check_imo(value: str, field: str) -> list[Fault]:
    """Check an IMO ship number (IMO Res. A.1117): seven digits, the last a check digit."""
    if not _IMO.fullmatch(value):
        better = imo.compact(value) if value.isascii() else ""
        shape = Text("Seven digits without the letters IMO.", "7位数字，不含“IMO”字样。")
        return wrong_format(IMO, value, field, shape=shape, write_as=better if _IMO.fullmatch(better) else "")
    expected = imo.calc_check_digit(value[:-1])
    if value[-1] != expected:
        return wrong_check_digit(IMO, value, field, expected=expected, given=value[-1])
    return []


def check_mmsi(value: str, field: str) -> list[Fault]:
    """Check the build of a ship's MMSI (ITU-R M.585): nine digits, the first of them 2 to 7."""
    if not _MMSI.fullmatch(value):
        return wrong_format(MMSI, value, field, shape=Text("Nine digits.", "9位数字。"))
    if not "2" <= value[0] <= "7":
        part = Text("a ship's number begins with 2 to 7", "船舶标识的首位应为2至7")
        return wrong_part(MMSI, value, field, part=part)
    return []


def check_air_waybill(value: str, field: str) -> list[Fault]:
    """Check an air waybill number (IATA Res. 600a): airline, serial of seven digits, its remainder by 7."""
    if not _AIR_WAYBILL.fullmatch(value):
        digits = re.sub(r"[ -]", "", value)
        better = f"{digits[:3]}-{digits[3:]}" if re.fullmatch(r"[0-9]{11}", digits) else ""
        shape = Text(
            "Three digits of the airline, a hyphen, eight digits: 081-45322174.",
            "3位航空公司数字代码、连字符、8位数字，例如081-45322174。",
        )
        return wrong_format(AIR_WAYBILL, value, field, shape=shape, write_as=better)
    expected = str(int(value[4:11]) % 7)
    if value[-1] != expected:
        return wrong_check_digit(AIR_WAYBILL, value, field, expected=expected, given=value[-1])
    return []


def check_plate(value: str, field: str) -> list[Fault]:
    """Check a vehicle plate: Chinese ones by their build (GA 36), foreign ones in free form.

    A Chinese plate may be written with the point that stands on it (京A·12345); `plate_key` compares.
    """
    key = plate_key(value)
    chinese = any(plate.fullmatch(key) for plate in _CHINESE_PLATES)
    if _FOREIGN_PLATE.fullmatch(value) or (chinese and value in {key, f"{key[:2]}·{key[2:]}"}):
        return []
    shape = Text(
        "A Chinese plate such as 京A12345 or 京AD12345, or 2 to 15 capital letters, digits, spaces, . and -.",
        "中国号牌例如京A12345、京AD12345；境外号牌为2至15位大写字母、数字、空格、点或连字符。",
    )
    return wrong_format(PLATE, value, field, shape=shape, write_as=key if chinese else "")


def plate_key(value: str) -> str:
    """Give a plate without points, blanks and hyphens, in capital letters, so that two can be compared."""
    return re.sub(r"[ ·•.-]", "", value).upper()
