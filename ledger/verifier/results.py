"""What a verifier says, in words of both languages."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any

from ledger.verifier.reading import Reason


class Outcome(StrEnum):
    """What a file turns out to be."""

    VALID = "valid"
    ALTERED = "altered"
    UNKNOWN_ISSUER = "unknown_issuer"
    REVOKED = "revoked"
    NOT_YET_RECORDED = "not_yet_recorded"


@dataclass(frozen=True)
class Result:
    """The verdict on one file."""

    outcome: Outcome
    reason: Reason
    """One of the codes of docs/verification.md."""
    words: dict[str, str]
    """English and Chinese."""
    next: dict[str, str]
    """What to do now, English and Chinese."""
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Give the result as JSON."""
        return {
            "outcome": str(self.outcome),
            "reason": str(self.reason),
            "words": self.words,
            "next": self.next,
            "facts": self.facts,
        }


@lru_cache(maxsize=1)
def reasons() -> dict[str, dict[str, Any]]:
    """Give outcome, words and next step of each reason."""
    table: dict[str, dict[str, Any]] = json.loads(
        files("ledger.verifier").joinpath("words.json").read_text(encoding="utf-8")
    )
    return table


def result_of(
    reason: Reason, *, checkpoint: int, demanded: int, witnesses: int, facts: dict[str, Any] | None = None
) -> Result:
    """Make the result of a reason.

    Args:
        reason: One of the codes.
        checkpoint: Size of the log that the trust anchor's knowledge is as of.
        demanded: How many witnesses are demanded.
        witnesses: How many count.
        facts: What is told of the file; nothing where it was altered.
    """
    outcome, words, advice = _told(reason, checkpoint, demanded, witnesses)
    told = {} if outcome is Outcome.ALTERED else facts or {}
    return Result(outcome, reason, dict(words), dict(advice), told)


@lru_cache(maxsize=1024)
def _told(
    reason: Reason, checkpoint: int, demanded: int, witnesses: int
) -> tuple[Outcome, dict[str, str], dict[str, str]]:
    entry = reasons()[reason]
    words, advice = (
        {
            language: text.format(checkpoint=checkpoint, demanded=demanded, witnesses=witnesses)
            for language, text in entry[name].items()
        }
        for name in ("words", "next")
    )
    return Outcome(entry["outcome"]), words, advice
