"""Numbers and dates as they stand on trade papers of many countries.

Points, commas, apostrophes and spaces part thousands or decimals by custom, and OCR confuses them; so a number
is read with all its possible meanings, the likeliest first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

_RUN = re.compile(r"\d+(?:(?:[.,:;'’`´·]\s?|\s)\d+)*")
_SPLIT = re.compile(r"([.,:;'’`´·]\s?|\s)")
_DECIMAL_MARKS = frozenset(".,·:;")
"""A colon is a point that was misread."""
_TAKEN_FOR_DIGIT_BEFORE = re.compile(r"(?<![A-Za-z])[OoIlSBZ|]$")
_TAKEN_FOR_DIGIT_AFTER = re.compile(r"[OoIlSBZ|](?![A-Za-z])")
_DIGIT_BEYOND_SIGN = re.compile(r"[^\w\s(（]\d")
_GROUP = 3
"""Digits between two separators of thousands."""
_MOST_DIGITS = 18
_CLEAR = re.compile(r"\d([.,])\d{1,2}(?![\d.,])")
"""One or two digits after the last mark; a date like 16.01.2026 does not fit."""


class Meaning(NamedTuple):
    """A number with its likeliest value and the other values that the same signs may mean."""

    value: Decimal
    others: tuple[Decimal, ...]
    end: int
    """Where in the text the number ended; a unit may follow."""
    doubtful: bool = False
    """Whether signs stand at the number that may be digits misread, or digits that do not belong to it."""


def read_number(text: str, decimal_mark: str | None = None) -> Meaning | None:
    """Read the first number in a text; None where there is none.

    Args:
        text: For example `18'880.00`, `44 400,00 NOK`, `16 PCS`.
        decimal_mark: `.` or `,` where the document's other numbers tell which one it uses.
    """
    match = _RUN.search(text)
    if match is None:
        return None
    parts = _SPLIT.split(match.group())
    groups, marks = parts[0::2], [mark.strip() for mark in parts[1::2]]
    kept = _until_loose_space(groups, marks)
    end = match.start() + sum(len(part) for part in parts[: 2 * kept - 1])
    groups, marks = groups[:kept], marks[: kept - 1]
    if sum(map(len, groups)) > _MOST_DIGITS:
        return None
    meanings = _meanings(groups, marks, decimal_mark)
    doubtful = bool(
        _TAKEN_FOR_DIGIT_BEFORE.search(text[: match.start()])
        or _TAKEN_FOR_DIGIT_AFTER.match(text, end)
        or _DIGIT_BEYOND_SIGN.match(text, end)
    )
    return Meaning(meanings[0], tuple(meanings[1:]), end, doubtful)


def _until_loose_space(groups: list[str], marks: list[str]) -> int:
    """Tell how many groups belong together: a space parts thousands only before exactly three digits."""
    for index, mark in enumerate(marks):
        if not mark and (len(groups[index + 1]) != _GROUP or len(groups[0]) > _GROUP):
            return index + 1
    return len(groups)


def _meanings(groups: list[str], marks: list[str], decimal_mark: str | None) -> list[Decimal]:
    whole = Decimal("".join(groups))
    if not marks:
        return [whole]
    last = marks[-1]
    fraction = Decimal("".join(groups[:-1]) + "." + groups[-1])
    could_be_fraction = last in _DECIMAL_MARKS
    could_be_whole = len(groups[-1]) == _GROUP
    if not could_be_fraction:
        return [whole]
    if not could_be_whole:
        return [fraction]
    if len(marks) > 1:
        first_choice = whole if len(set(marks)) == 1 else fraction
    elif decimal_mark is None:
        first_choice = whole
    else:
        first_choice = fraction if last == decimal_mark else whole
    second = fraction if first_choice == whole else whole
    return [first_choice, second]


def decimal_mark_of(texts: Iterable[str]) -> str | None:
    """Tell which decimal mark a document uses, from the numbers that leave no doubt."""
    votes: Counter[str] = Counter()
    for text in texts:
        votes.update(match[1] for match in _CLEAR.finditer(text))
    if not votes:
        return None
    (mark, count), *rest = votes.most_common()
    return mark if not rest or count > rest[0][1] else None


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier",
            "feb february februar février fevrier",
            "mar march märz mars",
            "apr april avril",
            "may mai",
            "jun june juni juin",
            "jul july juli juillet",
            "aug august août aout",
            "sep sept september septembre",
            "oct october oktober okt octobre",
            "nov november novembre",
            "dec december dezember desember des décembre",
        ),
        start=1,
    )
    for name in names.split()
}
_YEAR_FIRST = re.compile(r"((?:19|20)\d\d)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})\s*([./-])\s*(\d{1,2})\s*[./-]\s*((?:19|20)\d\d)(?!\d)")
_DAY_WORD = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|\.)?[\s-]*([^\W\d]{3,9})\.?,?[\s-]*((?:19|20)\d\d)(?!\d)"
)
_WORD_DAY = re.compile(r"([^\W\d]{3,9})\.?\s*(\d{1,2})(?:st|nd|rd|th)?,?\s+((?:19|20)\d\d)(?!\d)")
_MOST_MONTHS = 12


def read_date(text: str) -> date | None:
    """Read the first date in a text; None where there is none or where day and month could be exchanged."""
    if match := _YEAR_FIRST.search(text):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := _DAY_FIRST.search(text):
        return _in_figures(int(match[1]), match[2], int(match[3]), int(match[4]))
    if match := _DAY_WORD.search(text):
        return _day(int(match[3]), _MONTHS.get(match[2].casefold(), 0), int(match[1]))
    if match := _WORD_DAY.search(text):
        return _day(int(match[3]), _MONTHS.get(match[1].casefold(), 0), int(match[2]))
    return None


def _in_figures(first: int, mark: str, second: int, year: int) -> date | None:
    if second > _MOST_MONTHS:
        return _day(year, first, second)
    # Points mean day first wherever they are used; slashes and dashes do not tell.
    if mark == "." or first > _MOST_MONTHS or first == second:
        return _day(year, second, first)
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
