"""Check notes over HTTP, as firms write them and customs approves them."""

from __future__ import annotations

from typing import Any

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


def note_for(declaration: Json, quantity: str = "10", **changes: object) -> dict[str, Any]:
    item = {"declaration_id": declaration["id"], "line_no": 1, "quantity": quantity}
    return check_note_content(item, **changes)


def test_the_anonymous_gets_nothing(lite: Cast) -> None:
    http, path = lite.world.browser(), f"/{nobody()}"
    for method, below in (
        ("POST", ""),
        ("GET", ""),
        ("GET", path),
        ("PUT", path),
        ("GET", f"{path}/history"),
        ("POST", f"{path}/actions/apply"),
        ("POST", f"{path}/actions/delete"),
        ("POST", f"{path}/actions/void"),
    ):
        problem(http.request(method, f"/api/v1/check-notes{below}"), 401, "access.not-signed-in")


def test_from_draft_to_void(cast: Cast) -> None:
    declaration = cast.declaration(until="document_examination")
    content = note_for(declaration)
    drafted = cast.broker.post("/check-notes", content)
    assert drafted.status_code == 201, drafted.text
    note = drafted.json()
    path = f"/check-notes/{note['id']}"
    assert note["items"][0]["quantity"] == "10"
    assert {action["event"] for action in note["actions"]} == {"apply", "delete"}
    found = cast.broker.get("/check-notes", internal_no=content["internal_no"]).json()["items"]
    assert [item["number"] for item in found] == [note["number"]]
    problem(cast.documents_officer.get(path), 404, "input.not-found")

    applied = cast.go(cast.broker, f"{path}/actions/apply")
    assert (applied["state"], applied["items"][0]["state"]) == ("applied", "held")
    assert [one["id"] for one in cast.documents_officer.get("/check-notes", due=True).json()["items"]] == [
        note["id"]
    ]
    approved = cast.go(cast.documents_officer, f"{path}/actions/approve")
    assert approved["state"] == "approved"
    assert cast.gate.get(path).json()["actions"] == []
    problem(cast.broker.post(f"{path}/actions/void/statement", {}), 422, "case.reason-missing")
    voided = cast.go(cast.broker, f"{path}/actions/void", reason="The vehicle broke down.")
    assert (voided["state"], voided["items"][0]["state"]) == ("voided", "returned")


def test_a_draft_is_rewritten_and_deleted(lite: Cast) -> None:
    declaration = lite.declaration(until="document_examination")
    content = note_for(declaration)
    drafted = lite.broker.post("/check-notes", content)
    path = f"/check-notes/{drafted.json()['id']}"
    content["items"][0]["quantity"] = "4"
    rewritten = lite.broker.put(path, content, **{"If-Match": drafted.headers["etag"]})
    assert rewritten.json()["items"][0]["quantity"] == "4"
    problem(
        lite.broker.put(path, content, **{"If-Match": drafted.headers["etag"]}), 412, "case.revision-stale"
    )
    deleted = lite.broker.post(f"{path}/actions/delete", {})
    assert (deleted.status_code, deleted.json()["state"]) == (200, "deleted")
    problem(lite.broker.put(path, content), 409, "case.transition-refused")


def test_what_does_not_fit_is_named(lite: Cast) -> None:
    declaration = lite.declaration(until="document_examination")
    told = problem(
        lite.broker.post("/check-notes", note_for(declaration, total_weight_kg="1")), 422, "input.invalid"
    )
    assert set(fields(told)) == {"/total_weight_kg"}
    too_much = lite.broker.post("/check-notes", note_for(declaration, "11")).json()
    problem(
        lite.broker.act_or_refusal(f"/check-notes/{too_much['id']}/actions/apply"),
        409,
        "check-note.exceeds-declaration",
    )
    foreign = lite.stranger().post("/check-notes", note_for(declaration))
    assert set(fields(problem(foreign, 422, "input.invalid"))) == {"/items/0/declaration_id"}


def test_no_gate_passes_by_a_step(lite: Cast) -> None:
    declaration = lite.declaration(until="document_examination")
    note = lite.broker.post("/check-notes", note_for(declaration)).json()
    for event in ("pass_gate", "pass_gate_1", "pass_gate_2"):
        path = f"/check-notes/{note['id']}/actions/{event}"
        problem(lite.gate.post(path, {}), 404, "request.address-unknown")
        problem(lite.gate.post(f"{path}/statement", {}), 404, "request.address-unknown")


def test_another_firms_looks_like_a_missing_one(lite: Cast) -> None:
    note = lite.broker.post("/check-notes", note_for(lite.declaration(until="document_examination"))).json()
    stranger, path = lite.stranger(), f"/check-notes/{note['id']}"
    for method, below, body in (
        ("GET", "", None),
        ("GET", "/history", None),
        ("PUT", "", check_note_content()),
        ("POST", "/actions/apply/statement", {}),
        ("POST", "/actions/delete", {}),
    ):
        problem(stranger.http.request(method, f"/api/v1{path}{below}", json=body), 404, "input.not-found")
    assert stranger.get("/check-notes").json()["items"] == []
