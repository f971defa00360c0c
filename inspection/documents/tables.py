"""The table of goods on a page: its headings, its columns, its rows.

Found from the words alone, with or without ruled lines: the headings name the columns, and the border
between two columns runs where the fewest words cross.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

import numpy as np

from inspection.documents.schema import Box, TextLine
from inspection.documents.vocabulary import COLUMNS, LONGEST_HEADING, TOTAL_ROW

_HEADER_REACH = 2.6
"""In line heights: headings of one table stand this close above each other."""
_SAME_ROW = 0.7
"""In line heights."""
_PITCH_JUMP = 1.9
"""A row this many times further down than the rows before does not belong to the table."""
_FIRST_ROW_REACH = 8.0
"""In line heights: how far below the headings the first row may stand."""
_FIGURES = frozenset({"quantity", "unit_price", "amount", "packages", "gross_kg", "net_kg"})
_NEEDED = frozenset({"description", "quantity"})
_LEAST_COLUMNS = 3
_BLANK_TOLERANCE = 0.2
"""Share of a line's length by which a blank may miss the border that it stands for."""
_BLANKS = re.compile(r"\s+")
_SEAMS = re.compile(r"\s+|(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
"""Where two cells read as one may be parted: at a blank, or between figures and letters."""
_NUMERIC = re.compile(r"^[\d.,'’ ]+$")
_LETTERS = re.compile(r"[^\W\d_]")
_DIGITS = re.compile(r"\d")


@dataclass
class Row:
    """One row of a table: the lines of text in each column, top to bottom."""

    cells: dict[str, list[TextLine]] = field(default_factory=dict)

    def text(self, column: str) -> str:
        """Give a cell's text, its lines joined."""
        return " ".join(line.text for line in self.cells.get(column, ()))

    def lines(self) -> list[TextLine]:
        """Give all lines of the row."""
        return [line for lines in self.cells.values() for line in lines]


@dataclass
class Table:
    """A table of goods as it stands on the page."""

    headings: dict[str, str]
    rows: list[Row]
    total: Row | None
    lines: frozenset[TextLine]
    """Every line of text that belongs to it."""
    gaps: tuple[Box, ...]
    """Where a row has no figure that other rows have: a single digit is easily overlooked."""


@dataclass(frozen=True)
class _Column:
    name: str
    left: float
    right: float


def find_table(lines: Sequence[TextLine]) -> Table | None:
    """Find the table of goods on a page; None where there is none."""
    headings = _find_headings(lines)
    if headings is None:
        return None
    header_lines = [line for cells in headings.values() for line in cells]
    bottom = max(line.upright.bottom for line in header_lines)
    below = [line for line in lines if line.upright.middle > bottom]
    height = median(line.upright.height for line in header_lines)
    total_line = next((line for line in below if TOTAL_ROW.match(line.text)), None)
    end = total_line.upright.middle - _SAME_ROW * height if total_line else float("inf")
    body = [line for line in below if line.upright.middle < end]
    columns = _columns(headings, body, height)
    body = [part for line in body for part in _parted(line, columns)]
    anchors = _anchors(body, columns, bottom, height)
    if not anchors:
        return None
    borders = _row_borders(body, columns, anchors, bottom, height)
    rows = [
        _row([line for line in body if top <= line.upright.middle < low], columns)
        for top, low in pairwise(borders)
    ]
    members = {*header_lines, *(line for line in below if line.upright.middle < borders[-1])}
    total = None
    if total_line is not None:
        level = [
            line
            for line in below
            if abs(line.upright.middle - total_line.upright.middle) < _SAME_ROW * height
        ]
        total = _row([part for line in level for part in _parted(line, columns)], columns)
        members.update(level)
    words = {name: " ".join(line.text for line in cells) for name, cells in headings.items()}
    gaps = tuple(_gaps(rows, anchors, columns, height))
    return Table(words, rows, total, frozenset(members), gaps)


def _gaps(
    rows: Sequence[Row], anchors: Sequence[float], columns: Sequence[_Column], height: float
) -> Iterator[Box]:
    for column in columns:
        if column.name not in _FIGURES:
            continue
        filled = [line.upright for row in rows for line in row.cells.get(column.name, ())]
        if not filled:
            continue
        left = round(max(column.left + height / 6, min(box.left for box in filled) - height))
        right = round(min(column.right - height / 6, max(box.right for box in filled) + height / 2))
        for row, anchor in zip(rows, anchors, strict=True):
            if column.name not in row.cells and right - left > height / 3:
                yield Box(left, round(anchor - height * 0.6), right, round(anchor + height * 0.6))


def _heading_name(text: str) -> str | None:
    if len(text) > LONGEST_HEADING or _DIGITS.search(text):
        return None
    return next((name for name, pattern in COLUMNS if pattern.search(text)), None)


def _find_headings(lines: Sequence[TextLine]) -> dict[str, list[TextLine]] | None:
    """Find the band of lines that names the most columns, description and quantity among them."""
    named = [(line, name) for line in lines if (name := _heading_name(line.text))]
    best: dict[str, list[TextLine]] | None = None
    for anchor, anchor_name in named:
        if anchor_name != "quantity":
            continue
        reach = _HEADER_REACH * anchor.upright.height
        band: dict[str, list[TextLine]] = {}
        for line, name in named:
            if -anchor.upright.height < line.upright.middle - anchor.upright.middle < reach:
                _add_heading(band, name, line)
        found = set(band) - {f"other{index}" for index in range(len(band))}
        if found >= _NEEDED and len(found) >= _LEAST_COLUMNS and (best is None or len(band) > len(best)):
            best = band
    return best


def _add_heading(band: dict[str, list[TextLine]], name: str, line: TextLine) -> None:
    """Put a heading to its column; two headings of one name side by side are two columns."""
    places = [name] if name != "other" else [key for key in band if key.startswith("other")]
    for key in places:
        if any(_overlap(line.upright, cell.upright) for cell in band.get(key, ())):
            band[key].append(line)
            return
    if name == "other" or name in band:
        name = f"other{len(band)}"
    band[name] = [line]


def _overlap(one: Box, other: Box) -> bool:
    return min(one.right, other.right) > max(one.left, other.left)


def _columns(headings: dict[str, list[TextLine]], body: Sequence[TextLine], height: float) -> list[_Column]:
    """Draw the borders between the headings, where the fewest words of the first rows cross."""
    spans = sorted(
        (min(line.upright.left for line in cells), max(line.upright.right for line in cells), name)
        for name, cells in headings.items()
    )
    edge = (
        max(line.upright.bottom for cells in headings.values() for line in cells)
        + 2 * _FIRST_ROW_REACH * height
    )
    near = [line.upright for line in body if line.upright.middle < edge]
    heads = [line.upright for cells in headings.values() for line in cells]
    crossed = np.zeros(max(box.right for box in (*near, *heads)) + 2)
    for box in near:
        crossed[box.left : box.right] += 1
    for box in heads:  # no border runs through a heading
        crossed[box.left : box.right] += len(near) + 1
    borders = [0.0]
    for (left, right, _), (next_left, next_right, _) in pairwise(spans):
        borders.append(_widest_gap(crossed, round((left + right) / 2), round((next_left + next_right) / 2)))
    borders.append(float("inf"))
    return [_Column(name, borders[index], borders[index + 1]) for index, (_, _, name) in enumerate(spans)]


def _widest_gap(crossed: np.ndarray[tuple[int], np.dtype[np.float64]], start: int, stop: int) -> float:
    part = crossed[start : max(stop, start + 1)]
    if not len(part):
        return float(start)
    least = part == part.min()
    changes = np.flatnonzero(np.diff(np.concatenate([[0], least.astype(np.int8), [0]])))
    runs = changes.reshape(-1, 2)
    first, last = runs[int(np.argmax(runs[:, 1] - runs[:, 0]))]
    return start + float(first + last) / 2


def _column_of(line: TextLine, columns: Sequence[_Column]) -> str:
    def shared(column: _Column) -> float:
        return min(line.upright.right, column.right) - max(line.upright.left, column.left)

    return max(columns, key=shared).name


def _parted(line: TextLine, columns: Sequence[_Column]) -> list[TextLine]:
    """Part a line that was read across a border between two cells, at the seam nearest to that border.

    A description may run over its column's edge; only numbers are taken off it.
    """
    box = line.upright
    for left, right in pairwise(columns):
        border = left.right
        if not box.left + box.height / 2 < border < box.right - box.height / 2:
            continue
        share = (border - box.left) / box.width
        beside_words = "description" in {left.name, right.name}
        blanks = list((_BLANKS if beside_words else _SEAMS).finditer(line.text))
        if not blanks:
            continue
        length = len(line.text)
        miss, blank = min(
            (abs((match.start() + match.end()) / 2 / length - share), match.span()) for match in blanks
        )
        if miss > _BLANK_TOLERANCE:
            continue
        first, second = line.text[: blank[0]], line.text[blank[1] :]
        numeric = second if left.name == "description" else first if right.name == "description" else None
        if numeric is not None and not _NUMERIC.match(numeric):
            continue
        return [_part(line, first, 0.0, share), *_parted(_part(line, second, share, 1.0), columns)]
    return [line]


def _part(line: TextLine, text: str, start: float, stop: float) -> TextLine:
    def cut(box: Box) -> Box:
        return replace(
            box, left=round(box.left + box.width * start), right=round(box.left + box.width * stop)
        )

    return replace(line, text=text.strip(), box=cut(line.box), upright=cut(line.upright))


def _row(lines: Sequence[TextLine], columns: Sequence[_Column]) -> Row:
    row = Row()
    for line in sorted(lines, key=lambda line: (line.upright.middle, line.upright.left)):
        row.cells.setdefault(_column_of(line, columns), []).append(line)
    return row


def _anchors(
    body: Sequence[TextLine], columns: Sequence[_Column], bottom: float, height: float
) -> list[float]:
    """Give the heights at which rows stand: where a line number or a quantity is, as long as they follow closely."""
    heights = sorted(
        line.upright.middle
        for line in body
        if _column_of(line, columns) in {"quantity", "line_no"} and _DIGITS.search(line.text)
    )
    anchors: list[float] = []
    for middle in heights:
        if anchors and middle - anchors[-1] < _SAME_ROW * height:
            continue
        steps = np.diff(anchors)
        reach = _PITCH_JUMP * max(steps) if len(steps) else _FIRST_ROW_REACH * height
        if middle - (anchors[-1] if anchors else bottom) > reach:
            break
        anchors.append(middle)
    return [middle for middle in anchors if _described(middle, anchors, body, columns, height)]


def _described(
    middle: float,
    anchors: Sequence[float],
    body: Sequence[TextLine],
    columns: Sequence[_Column],
    height: float,
) -> bool:
    """Tell whether words stand beside an anchor; a stray digit under the table has none."""
    pitch = min(np.diff(anchors), default=3 * height)
    return any(
        abs(line.upright.middle - middle) < max(pitch / 2, height)
        and _column_of(line, columns) == "description"
        and _LETTERS.search(line.text)
        for line in body
    )


def _row_borders(
    body: Sequence[TextLine],
    columns: Sequence[_Column],
    anchors: Sequence[float],
    bottom: float,
    height: float,
) -> list[float]:
    """Part the rows: halfway between the anchors where cells are centred, just above them where they hang from the top."""
    first = anchors[0]
    centred = any(
        bottom < line.upright.middle < first - height / 3 and _column_of(line, columns) == "description"
        for line in body
    )
    pitch = max(np.diff(anchors), default=3 * height)
    if centred:
        inner = [(one + other) / 2 for one, other in pairwise(anchors)]
        return [bottom, *inner, anchors[-1] + pitch / 2 + height / 4]
    inner = [anchor - height / 2 for anchor in anchors[1:]]
    return [bottom, *inner, _hanging_end(body, anchors[-1], height)]


def _hanging_end(body: Sequence[TextLine], last: float, height: float) -> float:
    """Follow the last row down while its lines stand close together."""
    end = last + height / 2
    for line in sorted(body, key=lambda line: line.upright.middle):
        if end < line.upright.middle <= end + height:
            end = line.upright.middle + height / 2
    return end
