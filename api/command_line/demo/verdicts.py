"""What an auditor's checks say of every statement of a story, read over the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.command_line.demo.agents import Agent
from api.command_line.demo.stories import Outcome


@dataclass(frozen=True)
class Verdict:
    """What was found of one statement."""

    story: str
    what: str
    block: int | None
    good: bool
    says: str


def verify_story(auditor: Agent, outcome: Outcome) -> list[Verdict]:
    """Verify every statement of every case of a story."""
    verdicts: list[Verdict] = []
    for _, case_id in outcome.cases:
        for statement in auditor.get(f"/ledger/cases/{case_id}")["statements"]:
            checks = auditor.get(f"/ledger/statements/{statement['digest']}/verification")["checks"]
            verdicts.append(_verdict(outcome.dossier.slug, statement, checks))
    return verdicts


def _verdict(story: str, statement: dict[str, Any], checks: list[dict[str, Any]]) -> Verdict:
    failed = [check["name"] for check in checks if not check["passed"]]
    good = statement["state"] == "recorded" and bool(checks) and not failed
    says = "verified" if good else f"{statement['state']}; failed: {', '.join(failed) or 'no checks'}"
    return Verdict(story, statement["primary_type"], statement["block_number"], good, says)
