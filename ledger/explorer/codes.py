"""What numbers, identifiers and digests in statements and events stand for, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from kernel.database import from_micro
from kernel.errors import Text
from kernel.identifiers.codes import units
from ledger.keys.roles import ROLE_WORDS, Role
from ledger.refusals import refusal_of
from ledger.statements import id_from_bytes, unit_from_bytes
from ledger.typed_data import WORD, from_hex

SHOWN_DIGITS = 8
NOTHING = "0x" + "0" * 2 * WORD
PARTIES = {1: Text("the organizing committee", "组委会"), 2: Text("customs", "海关")}
VERDICTS = {
    1: Text("confirmed", "确认了"),
    2: Text("returned for correction", "退回了"),
    3: Text("rejected", "不予通过"),
}
RESULTS = {
    1: Text("conform to the declaration", "与申报相符"),
    2: Text("do not conform to the declaration", "与申报不符"),
}
CHANNELS = {1: Text("green", "绿色"), 2: Text("yellow", "黄色"), 3: Text("red", "红色")}
OUTCOMES = {
    1: Text("release", "放行"),
    2: Text("release after amendment", "修改申报后放行"),
    3: Text("ask for further documents", "要求补充单证"),
    4: Text("take a sample and hold", "取样暂扣"),
    5: Text("examine again", "重新查验"),
    6: Text("seal and isolate", "封存隔离"),
    7: Text("return the shipment", "退运"),
    8: Text("hand over to investigation", "移交调查"),
    9: Text("destroy the goods", "销毁"),
}
BINDINGS = {
    1: Text("one vehicle for many declarations", "一车多票"),
    2: Text("one vehicle for one declaration", "一车一票"),
    3: Text("many vehicles for one declaration", "一票多车"),
}
CODES: dict[str, Mapping[int, Text]] = {
    "party": PARTIES,
    "verdict": VERDICTS,
    "result": RESULTS,
    "channel": CHANNELS,
    "outcome": OUTCOMES,
    "binding": BINDINGS,
}
"""Code lists by the name of the field that holds a code; the numbers are those of the contracts."""
TIMES = frozenset({"signedAt", "validFrom", "validUntil", "decideBy"})
QUANTITIES = frozenset({"quantity", "reserved", "committed", "ceiling"})


@dataclass(frozen=True)
class Known:
    """What is known beside the chain, so that sentences can name what it holds digests and identifiers of."""

    names: Mapping[UUID, Text] = field(default_factory=dict)
    """Names of cases, organisations and officers, as far as the reader may know them."""
    units: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Unit codes by certificate and line, as filings quote them."""


def code(name: str, value: object) -> Text:
    """Say what a code of a list stands for; one that no list has is shown as it is."""
    number = int(str(value))
    return CODES[name].get(number) or Text(f"the unknown code {number}", f"未知代码{number}")


def moment(value: object) -> Text:
    """Say a time of the contracts, Unix seconds."""
    seconds = int(str(value))
    if seconds == 0:
        return Text("the beginning", "最初")
    try:
        shown = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return Text("the end of time", "永久")
    return Text(shown, shown)


def named(value: object, known: Known) -> Text:
    """Say an identifier: the name where it is known, else its first digits; one of another shape as a digest."""
    data = from_hex(str(value))
    try:
        found = id_from_bytes(data)
    except ValueError:
        return digits(value)
    return known.names.get(found) or identifier(found)


def identifier(value: UUID) -> Text:
    """Say an identifier by its first digits."""
    shown = f"{str(value)[:SHOWN_DIGITS]}…"
    return Text(shown, shown)


def digits(value: object) -> Text:
    """Say a digest or an address by its first digits."""
    shown = f"0x{str(value).removeprefix('0x')[:SHOWN_DIGITS]}…"
    return Text(shown, shown)


def subject(value: object, known: Known) -> Text:
    """Say what a statement is about: a number, or an identifier."""
    data = from_hex(str(value))
    if not any(data[:16]):
        number = str(int.from_bytes(data, "big"))
        return Text(f"number {number}", f"第{number}号")
    return named(value, known)


def unit(value: object) -> Text:
    """Say a unit of UNECE Recommendation 20 with its code."""
    shown = unit_from_bytes(from_hex(str(value))) if str(value).startswith("0x") else str(value)
    found = units().get(shown)
    if found is None:
        return Text(f"units of code {shown}", f"单位代码{shown}")
    return Text(f"{found.name.en} ({shown})", f"{found.name.zh}（{shown}）")


def amount(value: object, unit_code: object | None) -> Text:
    """Say a quantity given in millionths, with its unit where that is known."""
    shown = f"{from_micro(int(str(value))):f}"
    if unit_code is None:
        return Text(f"{shown} (in the unit of the line)", f"{shown}（该行计量单位）")
    name = unit(unit_code)
    return Text(f"{shown} {name.en}", f"{shown} {name.zh}")


def roles(value: object) -> Text:
    """Say roles, given as bits."""
    held = [words for role, words in ROLE_WORDS.items() if role & Role(int(str(value)) & _ALL_ROLES)]
    if not held:
        return Text("no role", "无任何角色")
    return Text(", ".join(one.en for one in held), "、".join(one.zh for one in held))


def reason(value: object) -> Text:
    """Say why a contract refused, from its revert data."""
    words = refusal_of(from_hex(str(value))).words
    return Text(words.en.rstrip("."), words.zh.rstrip("。"))


def meaning(path: str, value: object) -> Text | None:
    """Say what one value of a statement or an event stands for, where it is a code, a time, a quantity or a unit.

    Args:
        path: Name of the field, with the path to it where it is part of another.
        value: As the message or the event holds it.
    """
    name = re.sub(r"\[\d+\]$", "", path.rpartition(".")[2])
    if name in CODES:
        return CODES[name].get(int(str(value)))
    if name in TIMES:
        return moment(value)
    if name in QUANTITIES:
        shown = f"{from_micro(int(str(value))):f}"
        return Text(shown, shown)
    if name == "unit":
        return unit(value)
    return roles(value) if name == "roles" else None


_ALL_ROLES = sum(Role)
