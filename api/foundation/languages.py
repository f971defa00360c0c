"""The language in which a caller is answered: his own choice first, then what his program asks for."""

from __future__ import annotations

from starlette.requests import Request

from kernel.errors import Language, Text

COOKIE = "piste_language"
DEFAULT: Language = "en"
NAMES: dict[Language, str] = {"en": "English", "zh": "中文"}


def language_of(request: Request) -> Language:
    """Tell the language of an answer."""
    chosen = request.cookies.get(COOKIE)
    if chosen in NAMES:
        return "zh" if chosen == "zh" else "en"
    return _accepted(request.headers.get("accept-language", ""))


def _accepted(header: str) -> Language:
    """Choose by the weights of Accept-Language (RFC 9110 §12.5.4)."""
    best: Language = DEFAULT
    best_weight = 0.0
    for entry in header.lower().split(","):
        tag, _, parameter = entry.strip().partition(";")
        weight = _weight(parameter)
        primary = tag.split("-")[0].strip()
        if weight > best_weight and primary in {"zh", "en"}:
            best, best_weight = ("zh" if primary == "zh" else "en"), weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def other(language: Language) -> Language:
    """Give the language that the switch on the page offers."""
    return "en" if language == "zh" else "zh"


class Voice:
    """Says things in one language; pages call it `say`."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language

    def __call__(self, words: Text | str, chinese: str | None = None) -> str:
        """Say a text, or one of two sentences."""
        if isinstance(words, Text):
            return words.in_language(self.language)
        return chinese if chinese is not None and self.language == "zh" else words
