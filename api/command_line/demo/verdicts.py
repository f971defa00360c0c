"""What an auditor's checks say of every statement of a story, read over the API."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.command_line.demo.agents import PATIENCE_S, PAUSE_S, Agent
from api.command_line.demo.stories import Outcome


@dataclass(frozen=True)
class Verdict:
    """What was found of one statement."""

    story: str
    what: str
    block: int | None
    good: bool
    says: str


def verify_story(
    auditor: Agent, outcome: Outcome, hurry: Callable[[], None], patience_s: float = PATIENCE_S
) -> list[Verdict]:
    """Verify every statement of every case of a story; waits for the checkpoint that covers its evidence.

    Args:
        auditor: Who asks.
        outcome: The story.
        hurry: Asks for a checkpoint now instead of within the minute.
        patience_s: How long to wait for it.
    """
    until = time.monotonic() + patience_s
    verdicts: list[Verdict] = []
    for _, case_id in outcome.cases:
        for statement in auditor.get(f"/ledger/cases/{case_id}")["statements"]:
            path = f"/ledger/statements/{statement['digest']}/verification"
            verification = auditor.get(path)
            while verification["verdict"] == "open" and time.monotonic() < until:
                hurry()
                time.sleep(PAUSE_S * 4)
                verification = auditor.get(path)
            verdicts.append(_verdict(outcome.dossier.slug, statement, verification))
    return verdicts


def _verdict(story: str, statement: dict[str, Any], verification: dict[str, Any]) -> Verdict:
    block = next((event["block_number"] for event in statement["events"]), None)
    bad = [
        f"{check['name']}: {check['words']['en']}"
        for check in verification["checks"]
        if check["verdict"] != "passed"
    ]
    good = statement["state"] == "recorded" and verification["verdict"] == "passed"
    says = "verified" if good else f"{statement['state']}; {'; '.join(bad) or 'no checks'}"
    return Verdict(story, statement["words"]["en"], block, good, says)
