"""A white sheet, a pen, and how three firms set their papers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from examples.paper import HEIGHT, SCALE, WIDTH

Json = dict[str, Any]
Colour = tuple[int, int, int]

SANS = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
SANS_BOLD = "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"
SERIF = "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc"
SERIF_BOLD = "/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc"
ZENHEI = "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"
SIMPLIFIED = {SANS: 2, SANS_BOLD: 2, SERIF: 2, SERIF_BOLD: 2, ZENHEI: 0}
FONTS = tuple(SIMPLIFIED)

INK = (34, 34, 38)
GREY = (120, 120, 126)
RED = (200, 30, 36)
MARGIN = 190
RIGHT = WIDTH * SCALE - 170

UNIT_WORDS = {"H87": "PCS", "SET": "SET", "KGM": "KG"}
UNIT_WORDS_ZH = {"H87": "件", "SET": "套", "KGM": "千克"}
PACKAGE_WORDS = {"CT": "CTN", "PX": "PLT", "CS": "CASE"}


@dataclass(frozen=True)
class House:
    """How one firm sets its papers."""

    font: str
    bold: str
    accent: tuple[int, int, int]
    thousands: str
    decimal: str
    day: Callable[[date], str]
    grid: bool
    boxed_heads: bool

    def number(self, text: str, places: int | None = None) -> str:
        """Write a number as this firm does."""
        value = Decimal(text)
        plain = f"{value:,.{places}f}" if places is not None else f"{value:,}"
        return "".join({",": self.thousands, ".": self.decimal}.get(sign, sign) for sign in plain)


HOUSES = {
    "swiss": House(
        SANS, SANS_BOLD, (22, 60, 120), "'", ".", lambda d: f"{d:%d.%m.%Y}", grid=True, boxed_heads=False
    ),
    "nordic": House(
        ZENHEI, ZENHEI, (20, 96, 84), " ", ",", lambda d: f"{d:%d %b %Y}", grid=False, boxed_heads=False
    ),
    "german": House(
        SERIF, SERIF_BOLD, (70, 70, 74), ".", ",", lambda d: f"{d:%d.%m.%Y}", grid=True, boxed_heads=True
    ),
}


@dataclass(frozen=True)
class Column:
    """A column of a table of goods."""

    en: str
    zh: str
    width: int
    align: str
    cell: Callable[[Json], str | tuple[str, str]]
    total: str = ""


class Sheet:
    """A white page with a pen."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), (255, 255, 255))
        self.draw = ImageDraw.Draw(self.image)
        self._fonts: dict[tuple[str, int], ImageFont.FreeTypeFont] = {}

    def font(self, path: str, size: int) -> ImageFont.FreeTypeFont:
        """Give a font, loaded once a page."""
        if (path, size) not in self._fonts:
            self._fonts[path, size] = ImageFont.truetype(path, size, index=SIMPLIFIED[path])
        return self._fonts[path, size]

    def text(self, at: tuple[float, float], text: str, path: str, size: int, **options: object) -> None:
        """Write text, anchored at the left of its first line unless told otherwise."""
        settings: Json = {"fill": INK, **options}
        self.draw.text(at, text, font=self.font(path, size), **settings)

    def rule(
        self, y: float, left: int = MARGIN, right: int = RIGHT, width: int = 3, fill: Colour = INK
    ) -> None:
        """Draw a horizontal line."""
        self.draw.line(((left, y), (right, y)), fill=fill, width=width)

    def wrapped(
        self, at: tuple[int, int], text: str, path: str, size: int, width: int, leading: float
    ) -> int:
        """Write a paragraph broken to a width; give the y below it."""
        x, y = at
        font = self.font(path, size)
        current = ""
        for piece in _pieces(text):
            if current and font.getlength(current + piece) > width:
                self.text((x, y), current.rstrip(), path, size)
                y += round(size * leading)
                current = piece.lstrip()
            else:
                current += piece
        self.text((x, y), current, path, size)
        return y + round(size * leading)


def _pieces(text: str) -> Iterable[str]:
    """Break where a line may break: after a space, or around any Chinese sign."""
    word = ""
    for sign in text:
        if sign > "\u2e80":
            if word:
                yield word
            word = ""
            yield sign
        else:
            word += sign
            if sign == " ":
                yield word
                word = ""
    if word:
        yield word


def table(sheet: Sheet, house: House, top: int, columns: Sequence[Column], rows: Sequence[Json]) -> int:
    """Draw a table of goods with a row of totals; give the y below it."""
    edges = [MARGIN]
    for column in columns:
        edges.append(edges[-1] + column.width)
    head = 132
    if house.boxed_heads:
        sheet.draw.rectangle((edges[0], top, edges[-1], top + head), fill=(228, 228, 230))
    sheet.rule(top, edges[0], edges[-1], 4)
    for column, left in zip(columns, edges, strict=False):
        middle = left + column.width / 2
        sheet.text((middle, top + 38), column.zh, house.bold, 38, anchor="mm")
        sheet.text((middle, top + 92), column.en, house.font, 34, anchor="mm")
    y = top + head
    sheet.rule(y, edges[0], edges[-1], 3)
    for row in rows:
        height = 158
        for column, left in zip(columns, edges, strict=False):
            _cell(sheet, house, column, left, y, height, column.cell(row))
        y += height
        sheet.rule(y, edges[0], edges[-1], 2 if house.grid else 1, INK if house.grid else GREY)
    foot = 100 if any(column.total for column in columns) else 0
    for column, left in zip(columns, edges, strict=False):
        if column.total:
            _place(sheet, house.bold, column, left, y + foot / 2, column.total)
    y += foot
    sheet.rule(y, edges[0], edges[-1], 4)
    if house.grid:
        for edge in edges:
            sheet.draw.line(((edge, top), (edge, y)), fill=INK, width=2)
    return y


def _cell(
    sheet: Sheet, house: House, column: Column, left: int, top: int, height: int, text: str | tuple[str, str]
) -> None:
    if isinstance(text, tuple):
        for words, share, size in ((text[0], 0.32, 38), (text[1], 0.70, 36)):
            room = (column.width - 40) / sheet.font(house.font, size).getlength(words)
            sheet.text(
                (left + 22, top + height * share), words, house.font, int(size * min(1, room)), anchor="lm"
            )
    else:
        _place(sheet, house.font, column, left, top + height / 2, text)


def _place(sheet: Sheet, path: str, column: Column, left: int, y: float, text: str) -> None:
    x = {"l": left + 22, "m": left + column.width / 2, "r": left + column.width - 26}[column.align]
    sheet.text((x, y), text, path, 40, anchor=column.align + "m")
