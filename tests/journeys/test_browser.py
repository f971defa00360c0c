"""Story 1 through the pages: a certificate, a declaration, a check note, a gate, a release, an audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from api.command_line.demo.stories import Story, Told
from ledger.evidence.log import request_checkpoint
from tests.journeys.town import PATIENCE_MS, Town, Walker

pytestmark = [pytest.mark.journey, pytest.mark.browser]

RELEASED = ("released", "closed")
"""A released declaration whose goods passed the gate is closed at once."""


@contextmanager
def everybody(town: Town, browser: Browser) -> Iterator[dict[str, Walker]]:
    """Let five persons arrive and make their passkeys."""
    names = ("broker", "committee", "documents_officer", "releasing_officer", "auditor")
    walkers = {name: Walker.arrive(town, browser, name) for name in names}
    try:
        for walker in walkers.values():
            walker.can_sign()
        yield walkers
    finally:
        for walker in walkers.values():
            walker.leave()


def test_story_1_is_walked_through_the_pages_and_recorded(town: Town, browser: Browser) -> None:
    with everybody(town, browser) as walkers:
        broker, officer = walkers["broker"], walkers["documents_officer"]
        certify(broker, walkers["committee"], officer)
        declare(broker)
        pass_the_gate(town, broker, officer)
        declaration = release(town, walkers["releasing_officer"], broker)
        audit(town, walkers["auditor"], declaration)
        assert {name: walker.faults for name, walker in walkers.items() if walker.faults} == {}


def certify(broker: Walker, committee: Walker, officer: Walker) -> None:
    """The firm writes and signs, the committee confirms, customs files."""
    dossier = broker.town.dossier
    content = dossier.certificate(datetime.now(UTC))
    broker.open("/certificates")
    lines: list[dict[str, Any]] = content.pop("lines")
    with broker.on_a_slow_line():
        broker.follow("New certificate")
        for _ in lines[1:]:
            broker.press("One more line")
    broker.fill(_fields(content))
    for at, line in enumerate(lines):
        broker.fill({f"lines[{at}].{name}": value for name, value in line.items() if name != "serials"})
    broker.press("Keep the draft")
    broker.sees("draft")
    broker.attach("certificate", dossier.folder / dossier.letter()["file"])
    broker.press("Sign and submit")
    broker.sees("under_committee_review")

    _take(committee, content["number"], "Confirm for the committee", "committee_approved")
    _take(officer, content["number"], "File for customs", "active")


def declare(broker: Walker) -> None:
    """The firm sends its XML file and scans, signs, and sees the documents agree."""
    dossier = broker.town.dossier
    broker.open("/declarations")
    broker.follow("New declaration")
    broker.main.locator("[name=file]").set_input_files(dossier.folder / dossier.data["declaration"]["file"])
    broker.press("Read it")
    broker.sees("draft")
    for paper in dossier.papers(1):
        broker.attach(paper["kind"], dossier.folder / paper["file"])
    broker.press("Sign and file")
    broker.sees("guarantee")


def pass_the_gate(town: Town, broker: Walker, officer: Walker) -> None:
    """The firm writes a check note, customs approves it, the gate lets the vehicle through."""
    declaration = town.cast.broker.get(f"/declarations/{broker.case_id}")
    note = town.dossier.check_note(declaration)
    broker.follow("Write a check note")
    broker.fill({name: value for name, value in _fields(note).items() if name not in _GIVEN_BY_THE_PAGE})
    expect(broker.main.locator("[name=total_weight_kg]")).to_have_value("4980.4")
    broker.press("Keep the note")
    broker.sees("draft")
    broker.press("Sign and apply")
    broker.sees("applied")

    _take(officer, note["vehicle_plate"], "Approve", "approved", by_link=False)
    story = Story(town.dossier, town.cast, lambda _, do: _do(do))
    story.note = town.cast.broker.get(f"/check-notes/{officer.case_id}")
    story._gate()
    broker.sees("passed")


def release(town: Town, officer: Walker, broker: Walker) -> str:
    """The releasing officer signs; both see by themselves that it is recorded."""
    broker.open("/declarations")
    broker.main.locator("tbody a").first.click()
    number = town.cast.broker.get(f"/declarations/{broker.case_id}")["number"]
    _take(officer, number, "Release", *RELEASED)
    broker.sees(*RELEASED)
    expect(broker.main.get_by_text("release note").first).to_be_visible(timeout=PATIENCE_MS)
    return broker.case_id


def audit(town: Town, auditor: Walker, declaration: str) -> None:
    """The auditor finds every check of the release passed."""
    with town.database.write() as session:
        request_checkpoint(session)
    auditor.open(f"/ledger/cases/{declaration}")
    auditor.follow("Release decision")
    expect(auditor.main.locator("[data-verdict]")).to_have_attribute(
        "data-verdict", "passed", timeout=PATIENCE_MS
    )
    expect(auditor.main.locator("[data-check='passed']")).to_have_count(6)


_GIVEN_BY_THE_PAGE = {"office", "direction", "note_type", "binding", "items", "total_weight_kg"}


def _take(walker: Walker, name: str, step: str, *then: str, by_link: bool = True) -> None:
    """Open a case from the to-do list and take one step there."""
    walker.open("/todo")
    if by_link:
        walker.follow(name)
    else:
        walker.main.locator("tr", has_text=name).get_by_role("link").first.click()
    walker.press(step)
    walker.sees(*then)


def _fields(content: dict[str, Any]) -> dict[str, Any]:
    """Give plain fields as the form names them; lists of the certificate have one entry."""
    plain = {name: value for name, value in content.items() if not isinstance(value, list)}
    for name in ("arrival_ports",):
        if name in content:
            plain[f"{name}[0]"] = content[name][0]
    return plain


def _do(do: Any) -> None:  # noqa: ANN401 - a step of the story
    told: Told = do()
    assert told.words
