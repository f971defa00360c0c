"""Numbers that customs gives to declarations; the sequence is handed in.

Source: DOMAIN.md §3.
"""

from __future__ import annotations

from kernel.errors import Kind, PisteError, Text

LAST_DECLARATION = 10**9 - 1


class NumberSeriesUsedUp(PisteError):
    """The series of this office has no number left, or was asked for one outside of it."""

    code = "number.series-used-up"
    kind = Kind.UNAVAILABLE
    message = Text(
        "Office {office} has no number {sequence} in this series.",
        "关区{office}的号码序列中没有{sequence}号。",
    )
    next_step = Text("Tell the operator.", "请联系运维人员。")
    office: str
    sequence: int


class OfficeCodeWrong(PisteError):
    """A number begins with the four digits of a customs office."""

    code = "number.office-wrong"
    kind = Kind.INVALID
    message = Text("{office} is not a customs office code of four digits.", "{office}不是4位关区代码。")
    next_step = Text("Correct the office in the declaration.", "请更正申报的关区代码。")
    field = "/office"
    office: str


def declaration_number(office: str, year: int, *, import_: bool, sequence: int) -> str:
    """Make a declaration number: 4 digits office, 4 year, 1 import or 0 export, 9 sequence.

    Args:
        office: Customs office code.
        year: Year of acceptance in the site's time zone.
        import_: Whether the goods come in.
        sequence: Next number of this office, year and direction, from 1.

    Raises:
        OfficeCodeWrong: The office is not four digits.
        NumberSeriesUsedUp: The sequence does not fit nine digits.
    """
    if len(office) != len("0000") or not (office.isascii() and office.isdigit()):
        raise OfficeCodeWrong(office=office)
    if not 1 <= sequence <= LAST_DECLARATION:
        raise NumberSeriesUsedUp(office=office, sequence=sequence)
    return f"{office}{year:04d}{1 if import_ else 0}{sequence:09d}"
