"""Instruments over HTTP: signed readings, judged by the worker, isolating what rings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kernel.jobs import Job
from tests.api.cast import Cast, Json, fields, nobody, problem
from tests.api.world import World
from workflow.engine.worker import Workshop
from workflow.examination import tasks
from workflow.examination.readings import act_on_judgement
from workflow.parties.rules import OrganisationKind


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def reading(cast: Cast, declaration_id: str, **changes: object) -> dict[str, Any]:
    return {
        "quantity": "gamma_dose_rate",
        "declaration": declaration_id,
        "stage": "portal",
        "instrument": "RPM-PEK-04",
        "calibration": {
            "certificate_no": "NIM-2026-RP-0417",
            "calibrated_at": "2025-11-02T00:00:00Z",
            "valid_until": "2026-11-02T00:00:00Z",
        },
        "measured_at": cast.world.context.clock.now().isoformat(),
        "reading_usv_h": "0.62",
        "background_usv_h": ["0.08", "0.08", "0.09", "0.07", "0.08"],
        **changes,
    }


def send(cast: Cast, given: dict[str, Any]) -> Json:
    """Sign a reading and send it."""
    prepared = cast.instrument.post("/readings/statement", {"reading": given})
    assert prepared.status_code == 200, prepared.text
    signature = cast.instrument.signature(prepared.json()["digest"])
    answer = cast.instrument.post("/readings", {"reading": given, "signature": signature})
    assert answer.status_code == 201, answer.text
    taken: Json = answer.json()
    assert answer.headers["location"] == f"/api/v1/readings/{taken['id']}"
    return taken


def judge(cast: Cast, taken: Json) -> None:
    """Judge a reading, as the worker does."""
    shop = Workshop(cast.world.database, cast.world.context)
    judgement = tasks._judge(shop, {"reading": taken["id"]})
    with cast.world.writing() as session:
        act_on_judgement(session, cast.world.context, UUID(taken["id"]), judgement)


def test_the_anonymous_gets_nothing(lite: Cast) -> None:
    http = lite.world.browser()
    for method, path in (
        ("GET", f"/readings/{nobody()}"),
        ("POST", "/readings"),
        ("POST", "/readings/statement"),
    ):
        problem(http.request(method, f"/api/v1{path}"), 401, "access.not-signed-in")


def test_what_rings_is_isolated_and_measured_again(cast: Cast) -> None:
    case = cast.declaration(until="document_examination")
    first = send(cast, reading(cast, case["id"]))
    assert (first["stage"], first["judgement"]) == ("portal", None)
    assert send(cast, reading(cast, case["id"]))["id"] == first["id"]
    with cast.world.reading() as session:
        assert session.query(Job).filter_by(task="examination.judge_reading").count() == 1
    judge(cast, first)
    told = cast.instrument.get(f"/readings/{first['id']}").json()
    assert set(told["judgement"]["message"]) == {"en", "zh"}
    assert cast.broker.get(f"/readings/{first['id']}").status_code == 200
    declaration = cast.broker.get(f"/declarations/{case['id']}").json()
    assert (declaration["state"], declaration["channel"]) == ("examination", "red")
    (ordered,) = cast.inspector.get(f"/declarations/{case['id']}/examinations").json()["items"]
    path = f"/examinations/{ordered['id']}"
    assert cast.inspector.post(f"{path}/actions/isolate", {}).status_code == 200
    second = send(cast, reading(cast, case["id"], stage="retest", reading_usv_h="0.19"))
    judge(cast, second)
    examined = cast.inspector.get(path).json()
    assert [one["id"] for one in examined["readings"]] == [first["id"], second["id"]]
    reported = cast.go(cast.inspector, f"{path}/actions/report", result="conform")
    assert reported["state"] == "reported"
    listed = cast.broker.get(f"/declarations/{case['id']}/readings").json()["items"]
    assert [one["id"] for one in listed] == [first["id"], second["id"]]


def test_only_instruments_send_and_only_what_is_expected(lite: Cast) -> None:
    case = lite.declaration(until="document_examination")
    given = reading(lite, case["id"])
    problem(lite.broker.post("/readings/statement", {"reading": given}), 403, "reading.not-an-instrument")
    problem(lite.gate.post("/readings/statement", {"reading": given}), 403, "reading.not-an-instrument")
    retest = reading(lite, case["id"], stage="retest")
    problem(lite.instrument.post("/readings/statement", {"reading": retest}), 409, "reading.not-expected")
    unknown = reading(lite, nobody())
    problem(lite.instrument.post("/readings/statement", {"reading": unknown}), 404, "input.not-found")
    other = {**given, "reading_usv_h": "0.10"}
    digest = lite.instrument.post("/readings/statement", {"reading": other}).json()["digest"]
    body = {"reading": given, "signature": lite.instrument.signature(digest)}
    problem(lite.instrument.post("/readings", body), 422, "signature.wrong")
    problem(lite.instrument.get(f"/readings/{nobody()}"), 404, "input.not-found")


def test_faults_are_named_where_they_stand(lite: Cast) -> None:
    bad = reading(lite, "x", reading_usv_h="NaN", background_usv_h=["0.1"], measured_at="2026-02-03T08:00:00")
    told = problem(lite.instrument.post("/readings/statement", {"reading": bad}), 422, "input.invalid")
    assert any(field.endswith("/declaration") for field in fields(told))
    assert any(field.endswith("/reading_usv_h") for field in fields(told))
    assert any(field.endswith("/background_usv_h") for field in fields(told))
    assert any(field.endswith("/measured_at") for field in fields(told))
    strange: tuple[object, ...] = (None, [], "x", {"quantity": "mood"})
    for weird in strange:
        problem(lite.instrument.post("/readings/statement", {"reading": weird}), 422, "input.invalid")


def test_another_instrument_and_another_firm_do_not_see_it(lite: Cast) -> None:
    case = lite.declaration(until="document_examination")
    taken = send(lite, reading(lite, case["id"]))
    other = lite.player(
        lite.instrument.actor.principal.roles,
        organisation_id=lite.world.organisation(OrganisationKind.ZONE_OPERATOR),
    )
    for player in (other, lite.stranger()):
        problem(player.get(f"/readings/{taken['id']}"), 404, "input.not-found")
