"""Whatever is sent to the doors of the cases, the answer is one that the description knows, and never a fault of ours.

Two ways: requests that Schemathesis makes from the description, and good requests with one value spoilt.
`PISTE_TEST_FUZZ_EXAMPLES` asks for more of the first than the few that a run on every change can afford.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode
from schemathesis.schemas import APIOperation

from ledger.keys.roles import Role
from tests.api.cast import SIGNED_AT, Cast, Json, Player, junk_signature
from tests.api.stage import Stage, copied, staged
from tests.workflow.builders.certificates import certificate_content
from tests.workflow.builders.check_notes import check_note_content
from workflow.parties.models import Client, Organisation

pytestmark = pytest.mark.fuzz

Operation = APIOperation[Any, Any, Any, Any]
EXAMPLES = int(os.environ.get("PISTE_TEST_FUZZ_EXAMPLES", "12"))
DOORS = ("single_window", "approval_portal", "release_console", "devices", "chain_explorer")
CHECKS = ("content_type_conformance", "response_schema_conformance")
STAGED = {
    "certificates": ("draft", "submitted", "approved", "active", "returned"),
    "declarations": ("declared", "filed", "ready", "waiting"),
    "check-notes": ("note", "applied_note"),
    "holds": ("hold",),
    "examinations": ("examination",),
    "documents": ("paper",),
}
"""Cases of the stage that operations under an address are tried on."""
SPOILT: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 10**30, 1e308, "", " ", "\x00", "a\x00b", "\ud800", "\u202e", "x" * 300, "9" * 40,
    "NaN", "Infinity", "1e5", "0.0000001", [], [[]], {}, {"a": 1}, "0001-01-01", "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-14:00", "1969-12-31T23:59:59Z", "../../x", "<b>", "' OR 1=1",
    "😀", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip
TRIES = 5
"""Spoilt values for each place of a body."""


def almighty(cast: Cast) -> Player:
    """Give a program that holds every role, so that requests come further than the check of roles."""
    player = cast.player(Role.BROKER, organisation_id=cast.broker.organisation_id)
    with cast.world.writing() as session:
        session.get_one(Organisation, player.organisation_id).roles = sum(Role)
        session.get_one(Client, player.actor.principal.client_id).roles = sum(Role)
    return player


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("fuzz")
    with staged(copied(request.getfixturevalue("_sqlite_template"), folder), folder) as made:
        yield made


@pytest.fixture(scope="module")
def player(stage: Stage) -> Player:
    return almighty(stage.cast)


@pytest.mark.filterwarnings("ignore::Warning:schemathesis", "ignore::Warning:hypothesis")
@pytest.mark.parametrize("door", DOORS)
def test_what_the_description_allows_and_what_it_does_not(stage: Stage, player: Player, door: str) -> None:
    description = stage.cast.world.app.openapi()
    schema = schemathesis.openapi.from_dict(copy.deepcopy(description))
    schema.config.update(base_url=str(player.http.base_url))
    tried = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation: Operation = found.ok()
        if door not in operation.definition.raw.get("tags", []) or operation.path.endswith("/events"):
            continue
        tried += 1
        explore(operation, stage.ids, player.http.headers["Authorization"])
    assert tried > 0


def explore(operation: Operation, ids: dict[str, str], authorization: str) -> None:
    """Try an operation with generated requests, good ones and bad ones, on cases that are there and on others."""

    checks: list[Any] = [schemathesis.checks.CHECKS.get_one(name) for name in CHECKS]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize="PISTE_TEST_FUZZ_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=st.one_of(strategies(operation, ids)))
    def run(case: Case[Any]) -> None:
        response = case.call(headers={"Authorization": authorization})
        told = f"{operation.method} {case.formatted_path}: {response.status_code} {response.content[:500]!r}"
        assert response.status_code < 500 or response.status_code == 503, told
        assert str(response.status_code) in operation.definition.raw["responses"], told
        if response.status_code >= 400:
            assert response.headers["content-type"][0] == "application/problem+json", told
            return
        try:
            case.validate_response(response, checks=checks)
        except (Failure, FailureGroup) as failure:
            raise AssertionError(told) from failure

    run()


def strategies(operation: Operation, ids: dict[str, str]) -> list[st.SearchStrategy[Case[Any]]]:
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    made = [operation.as_strategy(generation_mode=mode) for mode in modes]
    name = next((one for one in ("case_id", "document_id") if f"{{{one}}}" in operation.path), None)
    resource = operation.path.split("/")[3]
    if name is None:
        return made
    known = [{name: ids[one]} for one in STAGED.get(resource, ())]
    return made + [operation.as_strategy(path_parameters=path) for path in known]


def test_good_requests_with_one_value_spoilt(fresh_database: Callable[[str], str], tmp_path: Path) -> None:
    """On PostgreSQL, which takes fewer values than SQLite does."""
    choice = random.Random(20260203)
    with staged(fresh_database("postgresql"), tmp_path) as stage:
        for sender, path, body in good_requests(stage):
            assert send(sender, path, renewed(body)).status_code in {200, 201, 202, 403, 409, 422}
            for place in places(body):
                for value in choice.sample(SPOILT, TRIES):
                    answer = send(sender, path, spoil(renewed(body), place, value))
                    assert answer.status_code in {200, 201, 202, 400, 403, 404, 409, 422}, (
                        path,
                        place,
                        value,
                    )
                    assert answer.is_success or answer.json()["faults"], (path, place, value)


def good_requests(stage: Stage) -> Iterator[tuple[Player, str, Json]]:
    cast, ids = stage.cast, stage.ids
    active = cast.broker.get(f"/certificates/{ids['active']}").json()
    note = cast.broker.get(f"/check-notes/{ids['applied_note']}").json()
    paper = {"kind": "invoice", "number": "INV-1", "sha256": "ab" * 32}
    travels = {"kind": "bill_of_lading", "number": "BL-1"}
    certificate = certificate_content(
        contacts=[{"name": "Anna", "telephone": "+39 02 1", "email": "anna@example.org"}],
        attachments=[paper],
        transport_document=travels,
    )
    certificate["lines"][0]["serials"] = ["S1"]
    declaration = cast.declaration_content(active, documents=[paper], arrival_date="2026-02-01")
    declaration["transport"] = {
        "mode": "sea",
        "ship": "9074729",
        "containers": ["CSQU3054383"],
        "document": travels,
    }
    carried = {"declaration_id": ids["filed"], "line_no": 1, "quantity": "1"}
    decision = {"reason": "x", "signed_at": SIGNED_AT, "signature": junk_signature()}
    event = {
        "event_id": str(uuid4()),
        "note_number": note["number"],
        "direction": "I",
        "gate": 1,
        "plate": note["vehicle_plate"],
        "container_number": "CSQU3054383",
        "weighbridge_kg": "1",
        "weighbridge_calibrated_until": "2026-12-31T00:00:00Z",
        "seal_state": "none",
        "seal_number": "S1",
        "picture_sha256": "ab" * 32,
        "seen_at": SIGNED_AT,
        "signed_at": SIGNED_AT,
    }
    assertion = {"authenticator_data": "AAAA", "client_data_json": "e30", "signature": "MAYCAQECAQE"}
    passkey = {"key_id": f"0x{cast.committee.actor.key.key_id.hex()}", "webauthn": assertion}
    reject = f"/certificates/{ids['submitted']}/actions/reject"
    yield cast.broker, "/certificates", certificate
    yield cast.broker, "/declarations", declaration
    yield (
        cast.broker,
        "/check-notes",
        check_note_content(
            carried, container_number="CSQU3054383", container_weight_kg="100", seal_number="S1"
        ),
    )
    yield cast.gate, "/gate-events", {"event": event}
    yield cast.instrument, "/readings", {"reading": stage.reading(), "signature": junk_signature()}
    yield cast.committee, reject, decision
    yield cast.committee, reject, {**decision, "signature": passkey}
    yield (
        cast.releasing_officer,
        f"/holds/{ids['hold']}/actions/dispose",
        {**decision, "disposition": "re_examine"},
    )


def send(player: Player, path: str, body: Json) -> Any:  # noqa: ANN401 - httpx's response
    return player.http.post(
        f"/api/v1{path}", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )


def renewed(body: Json) -> Json:
    """Give a body whose own number was not used before."""
    fresh = copy.deepcopy(body)
    for name in ("reference", "internal_no"):
        if name in fresh:
            fresh[name] = f"F-{uuid4().hex[:20]}"
    if "issuing_team" in fresh:
        fresh["number"] = certificate_content()["number"]
    if isinstance(fresh.get("event"), dict):
        fresh["event"]["event_id"] = str(uuid4())
    return fresh


def places(body: object, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Name every place of a body."""
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in inner:
        yield (*before, key)
        yield from places(value, (*before, key))


def spoil(body: Json, place: tuple[str | int, ...], value: object) -> Json:
    """Put another value at a place of a body."""
    at: Any = body
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    return body
