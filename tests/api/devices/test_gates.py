"""Gates over HTTP: they report what they see, and the barrier lifts only on what the ledger has recorded."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.cast import Cast, Json, fields, nobody, problem
from tests.api.world import World
from tests.workflow.builders.check_notes import check_note_content


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def approved_note(cast: Cast) -> Json:
    declaration = cast.declaration(until="document_examination")
    item = {"declaration_id": declaration["id"], "line_no": 1, "quantity": "10"}
    note = cast.broker.post("/check-notes", check_note_content(item)).json()
    path = f"/check-notes/{note['id']}/actions"
    cast.go(cast.broker, f"{path}/apply")
    return cast.go(cast.documents_officer, f"{path}/approve")


def seen(cast: Cast, note: Json, **changes: object) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "note_number": note["number"],
        "gate": 1,
        "plate": note["vehicle_plate"],
        "weighbridge_kg": note["total_weight_kg"],
        "weighbridge_calibrated_until": "2026-12-31T00:00:00Z",
        "seen_at": cast.world.context.clock.now().isoformat(),
        **changes,
    }


def signed(cast: Cast, event: dict[str, Any]) -> tuple[Json, Json]:
    """Prepare an event; gives the statement and the body that reports it."""
    prepared = cast.gate.post("/gate-events/statement", {"event": event})
    assert prepared.status_code == 200, prepared.text
    statement = prepared.json()
    dated = {**event, "signed_at": statement["signed_at"]}
    return statement, {"event": dated, "signature": cast.gate.signature(statement["digest"])}


def test_the_anonymous_gets_nothing(lite: Cast) -> None:
    http = lite.world.browser()
    for method, path in (
        ("GET", "/gate-events"),
        ("GET", f"/gate-events/{nobody()}"),
        ("POST", "/gate-events"),
        ("POST", "/gate-events/statement"),
    ):
        problem(http.request(method, f"/api/v1{path}"), 401, "access.not-signed-in")


def test_the_barrier_lifts_when_the_passage_is_recorded(cast: Cast) -> None:
    note = approved_note(cast)
    statement, body = signed(cast, seen(cast, note))
    assert (statement["agrees"], statement["primary_type"]) == (True, "GatePassage")
    reported = cast.gate.post("/gate-events", body)
    assert reported.status_code == 201, reported.text
    event = reported.json()
    assert (event["instruction"], event["code"]) == ("waiting", None)
    assert reported.headers["location"] == f"/api/v1/gate-events/{event['id']}"
    again = cast.gate.post("/gate-events", body)
    assert (again.status_code, again.json()) == (201, event)
    cast.record()
    told = cast.gate.get(f"/gate-events/{event['id']}").json()
    assert (told["instruction"], told["code"]) == ("open", "2")
    assert cast.broker.get(f"/check-notes/{note['id']}").json()["state"] == "passed"
    assert [one["id"] for one in cast.gate.get("/gate-events", verdict="opened").json()["items"]] == [
        event["id"]
    ]
    assert [one["id"] for one in cast.auditor.get("/gate-events").json()["items"]] == [event["id"]]
    shown = cast.broker.get(f"/check-notes/{note['id']}").json()["gate_events"]
    assert [one["verdict"] for one in shown] == ["opened"]
    problem(cast.stranger().get(f"/gate-events/{event['id']}"), 404, "input.not-found")
    second, body = signed(cast, seen(cast, note))
    assert second["agrees"] is False
    assert cast.gate.post("/gate-events", body).json()["instruction"] == "refused"


def test_what_differs_keeps_the_barrier_down(lite: Cast) -> None:
    note = approved_note(lite)
    event = seen(lite, note, plate="京Z99999", weighbridge_kg="12000")
    statement, body = signed(lite, event)
    assert (statement["agrees"], statement["primary_type"]) == (False, "Evidence")
    assert {one["field"] for one in statement["differences"]} == {"plate", "weighbridge_kg"}
    told = lite.gate.post("/gate-events", {"event": body["event"]}).json()
    assert (told["instruction"], told["code"]) == ("refused", "9")
    assert "京Z99999" in told["words"]["en"]
    other = {"event": {**body["event"], "plate": "京Z88888"}}
    problem(lite.gate.post("/gate-events", other), 409, "gate.event-repeated")
    assert lite.gate.get(f"/check-notes/{note['id']}").json()["state"] == "approved"


def test_a_passage_is_signed_by_the_gate(lite: Cast) -> None:
    note = approved_note(lite)
    _, body = signed(lite, seen(lite, note))
    problem(lite.gate.post("/gate-events", {"event": body["event"]}), 422, "signature.missing")
    foreign = {**body, "signature": lite.broker.signature("0x" + "11" * 32)}
    problem(lite.gate.post("/gate-events", foreign), 403, "signature.key-not-yours")
    wrong = {**body, "signature": lite.gate.signature("0x" + "11" * 32)}
    problem(lite.gate.post("/gate-events", wrong), 422, "signature.wrong")
    assert lite.gate.get("/gate-events").json()["items"] == []


def test_faults_are_named_where_they_stand(lite: Cast) -> None:
    bad = {"event_id": "x", "plate": "y" * 50, "weighbridge_kg": -1, "seen_at": "yesterday", "lamp": True}
    told = problem(lite.gate.post("/gate-events/statement", {"event": bad}), 422, "input.invalid")
    assert {
        "/event/event_id",
        "/event/plate",
        "/event/weighbridge_kg",
        "/event/weighbridge_calibrated_until",
        "/event/seen_at",
        "/event/lamp",
    } <= set(fields(told))
    problem(lite.gate.post("/gate-events", {"event": None}), 422, "input.invalid")
    problem(lite.broker.post("/gate-events/statement", {"event": {}}), 403, "access.not-permitted")
