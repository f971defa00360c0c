"""What somebody probably meant who wrote a code that is not in its list.

A list is indexed once: its codes, its names in both languages, other usual writings. A value is found that is the
same but for capitals, blanks and points, or but for one letter that was left out, added, changed or swapped; that is
looked up and not compared one by one, so a list of ten thousand wrong lines costs no more than a right one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

from kernel.errors import Suggestion, Text

MOST = 5
"""How many suggestions one fault carries."""
_LONGEST = 60
_SHORTEST = 4
"""Below so many characters, one letter more or less makes another word."""
_BLANKS = re.compile(r"[\s.,'’()/_-]+")


def folded(text: str) -> str:
    """Give a text without capitals, blanks, points and accents."""
    plain = unicodedata.normalize("NFKD", text[:_LONGEST]).casefold()
    return _BLANKS.sub("", "".join(c for c in plain if not unicodedata.combining(c)))


class NearCodes:
    """A code list that finds what was probably meant.

    Args:
        listed: What each code means.
        also: Other writings of a code's name, for example `kg` of KGM; they go before everything else.
        more_names: Further names of the codes.
    """

    def __init__(
        self,
        listed: Mapping[str, Text],
        also: Mapping[str, str] | None = None,
        more_names: Iterable[tuple[str, str]] = (),
    ) -> None:
        self._listed = listed
        self._exact: dict[str, dict[str, None]] = {}
        self._blurred: dict[str, dict[str, None]] = {}
        for writing, code in (also or {}).items():
            self._exact.setdefault(folded(writing), {})[code] = None
        self._also = frozenset(self._exact)
        named = [(name, code) for code, meaning in listed.items() for name in (code, *meaning)]
        for name, code in (*named, *more_names):
            key = folded(name)
            if key and key not in self._also:
                self._exact.setdefault(key, {})[code] = None
        for key, codes in self._exact.items():
            for blurred in _blurred(key):
                self._blurred.setdefault(blurred, {}).update(codes)

    def suggest(self, value: str) -> tuple[Suggestion, ...]:
        """Give what was probably meant, the likeliest first; nothing where that is not obvious."""
        key = folded(value)
        found = self._exact.get(key)
        if not found:
            found = {}
            for blurred in _blurred(key):
                found.update(self._blurred.get(blurred, {}))
        return tuple(Suggestion(code, self._listed[code]) for code in list(found)[:MOST] if code != value)


def _blurred(key: str) -> Iterator[str]:
    """Give a word and the word without each one of its letters: two words that share one differ by one letter."""
    if len(key) < _SHORTEST:
        return
    yield key
    for place in range(len(key)):
        yield key[:place] + key[place + 1 :]
