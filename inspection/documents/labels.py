"""Labelled fields of a page: `Invoice No. 发票号: CT-26-0417`, wherever the value stands.

The value is looked for behind the label, to its right, then below it, as forms are set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from inspection.documents.schema import TextLine
from inspection.documents.vocabulary import LABELS

_ANY_LABEL = re.compile(
    "|".join(
        f"(?P<{field}>{'|'.join(rf'(?<![A-Za-z])(?:{word})(?![A-Za-z])' for word in words)})"
        for field, words in LABELS.items()
    ),
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[\s.:：;；,，/()（）#*\[\]]*")
_COLON = re.compile(r"\s*\.?\s*[:：]")
_FAR_BELOW = 1.6
"""In line heights: what stands further below a label is not its value."""
_ASIDE = 1.5
"""In line heights: how far to the left of its label a value may begin."""


@dataclass(frozen=True)
class Label:
    """A label found on a page."""

    field: str
    line: TextLine
    rest: str
    """What follows in the same line, up to the next label."""
    colon: bool


@dataclass(frozen=True)
class Value:
    """The text that belongs to a label, and the line that it stands in."""

    text: str
    line: TextLine


def find_labels(lines: Sequence[TextLine]) -> list[Label]:
    """Give all labels of some lines, in their order."""
    return [label for line in lines for label in _labels_of(line)]


def _labels_of(line: TextLine) -> Iterator[Label]:
    position = _BETWEEN.match(line.text).end()  # type: ignore[union-attr]  # matches the empty string
    match = _ANY_LABEL.match(line.text, position)
    while match is not None:
        field = match.lastgroup or "other"
        end = _after_translations(line.text, match.end(), field)
        follower = _next_label(line.text, end)
        stop = follower.start() if follower else len(line.text)
        colon = any(mark in line.text[match.start() : end] for mark in ":：")
        yield Label(field, line, line.text[end:stop].strip(" .:：;；,，|"), colon)
        match = follower


def _after_translations(text: str, end: int, field: str) -> int:
    """Go past the same label in the other language."""
    while True:
        end = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]  # matches the empty string
        again = _ANY_LABEL.match(text, end)
        if again is None or again.lastgroup not in {field, "number"}:
            return end
        end = again.end()


def _next_label(text: str, start: int) -> re.Match[str] | None:
    """Find a further label in the same line: right here, or later if a colon shows that it is one."""
    for match in _ANY_LABEL.finditer(text, start):
        if match.start() == start or _COLON.match(text, match.end()) or _then_colon(text, match):
            return match
    return None


def _then_colon(text: str, match: re.Match[str]) -> bool:
    end = _after_translations(text, match.end(), match.lastgroup or "other")
    return ":" in text[match.end() : end] or "：" in text[match.end() : end]


def value_of(
    label: Label,
    lines: Sequence[TextLine],
    labelled: frozenset[TextLine],
    accept: Callable[[str], bool],
) -> Value | None:
    """Find the value of a label.

    Args:
        label: One of the page's labels.
        lines: All lines of the page.
        labelled: Those of them that begin with a label; such a line is no value.
        accept: Says whether a text can be a value of the field.
    """
    if label.rest:
        return Value(label.rest, label.line) if accept(label.rest) else None
    right, below = _right_of(label, lines), _below(label, lines)
    choices = [right, below]
    if not label.colon and below is not None:
        choices.reverse()  # a small heading in a box, the value under it
    for line in choices:
        if line is not None and line not in labelled and accept(line.text):
            return Value(line.text, line)
    return None


def _right_of(label: Label, lines: Sequence[TextLine]) -> TextLine | None:
    """Give the next line to the right; None if what comes next stands in another row."""
    here = label.line.upright
    beside = [
        line
        for line in lines
        if line is not label.line
        and line.upright.left >= here.right - here.height / 2
        and line.upright.top < here.bottom
        and line.upright.bottom > here.top
    ]
    nearest = min(beside, key=lambda line: line.upright.left, default=None)
    if nearest is None:
        return None
    level = abs(nearest.upright.middle - here.middle) < max(here.height, nearest.upright.height) / 2
    return nearest if level else None


def _below(label: Label, lines: Sequence[TextLine]) -> TextLine | None:
    here = label.line.upright
    under = [
        line
        for line in lines
        if line.upright.middle > here.bottom
        and line.upright.top - here.bottom < _FAR_BELOW * here.height
        and here.left - _ASIDE * here.height <= line.upright.left <= here.right
    ]
    return min(under, key=lambda line: (line.upright.top, line.upright.left), default=None)
