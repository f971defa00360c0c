"""Holds and examinations over HTTP: a person picks only among what the table allows."""

from __future__ import annotations

import pytest

from tests.api.cast import Cast, fields, nobody, problem
from tests.api.world import World
from workflow.examination.rules import TABLE, Anomaly, allowed


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def test_the_anonymous_gets_nothing(lite: Cast) -> None:
    http = lite.world.browser()
    for method, path in (
        ("GET", "/dispositions"),
        ("GET", "/holds"),
        ("GET", f"/holds/{nobody()}"),
        ("GET", f"/holds/{nobody()}/history"),
        ("POST", f"/holds/{nobody()}/actions/dispose"),
        ("POST", f"/holds/{nobody()}/actions/dispose/statement"),
        ("GET", "/examinations"),
        ("GET", f"/examinations/{nobody()}"),
        ("GET", f"/examinations/{nobody()}/history"),
        ("POST", f"/examinations/{nobody()}/actions/isolate"),
        ("POST", f"/examinations/{nobody()}/actions/report"),
        ("POST", f"/examinations/{nobody()}/actions/report/statement"),
    ):
        problem(http.request(method, f"/api/v1{path}"), 401, "access.not-signed-in")


def test_the_table_is_told_in_both_languages(lite: Cast) -> None:
    rows = lite.broker.get("/dispositions").json()["items"]
    assert [row["anomaly"]["name"] for row in rows] == [row.anomaly.name.lower() for row in TABLE]
    for shown, row in zip(rows, TABLE, strict=True):
        assert [one["outcome"] for one in shown["allowed"]] == list(row.allowed)
        assert all(one["words"]["en"] and one["words"]["zh"] for one in shown["allowed"])


def test_a_hold_is_decided_from_the_table(cast: Cast) -> None:
    case = cast.declaration(until="document_examination")
    hold = cast.hold(case["id"], Anomaly.PACKAGES_DIFFER, Anomaly.VALUE_DIFFERS)
    assert [one["name"] for one in hold["options"]] == ["release_with_amendment", "supplement_documents"]
    path = f"/holds/{hold['id']}/actions/dispose"
    told = problem(
        cast.releasing_officer.post(f"{path}/statement", {"disposition": "destroy", "reason": "No."}),
        409,
        "disposition.not-allowed",
    )
    assert set(fields(told)) == {"/disposition"}
    given = {"disposition": "supplement_documents", "reason": "Send the amended packing list."}
    problem(
        cast.releasing_officer.post(f"{path}/statement", {**given, "reason": ""}), 422, "case.reason-missing"
    )
    problem(cast.releasing_officer.post(f"{path}/statement", {"reason": "x"}), 422, "input.invalid")
    problem(cast.inspector.post(f"{path}/statement", given), 403, "access.not-permitted")
    assert cast.broker.get(f"/holds/{hold['id']}").json()["actions"] == []
    decided = cast.go(cast.releasing_officer, path, **given)
    assert (decided["state"], decided["disposition"], decided["sequence"]) == (
        "decided",
        "supplement_documents",
        1,
    )
    assert cast.broker.get(f"/declarations/{case['id']}").json()["state"] == "documents_required"
    assert [
        one["id"]
        for one in cast.broker.get("/holds", declaration=case["id"], state="decided").json()["items"]
    ] == [hold["id"]]
    assert cast.broker.get("/holds", declaration=nobody()).json()["items"] == []


@pytest.mark.parametrize("anomaly", list(Anomaly))
def test_every_anomaly_shows_its_options(lite: Cast, anomaly: Anomaly) -> None:
    case = lite.declaration(until="document_examination")
    hold = lite.hold(case["id"], anomaly)
    assert [one["outcome"] for one in hold["options"]] == list(allowed(anomaly))


def test_an_examination_is_reported(cast: Cast) -> None:
    case = cast.declaration(until="document_examination")
    ordered = cast.examination(case["id"])
    path = f"/examinations/{ordered['id']}"
    assert {action["event"] for action in ordered["actions"]} == {"isolate", "report"}
    assert [one["id"] for one in cast.inspector.get("/examinations", due=True).json()["items"]] == [
        ordered["id"]
    ]
    problem(cast.inspector.post(f"{path}/actions/isolate", {}), 409, "examination.isolation-not-needed")
    problem(cast.inspector.post(f"{path}/actions/report/statement", {}), 422, "examination.result-missing")
    problem(
        cast.inspector.post(f"{path}/actions/report/statement", {"result": "perfect"}), 422, "input.invalid"
    )
    problem(
        cast.releasing_officer.post(f"{path}/actions/report/statement", {"result": "conform"}),
        403,
        "access.not-permitted",
    )
    reported = cast.go(
        cast.inspector, f"{path}/actions/report", result="not_conform", reason="Two are missing."
    )
    assert (reported["state"], reported["result"], reported["sequence"]) == ("reported", "not_conform", 1)
    held = cast.broker.get(f"/declarations/{case['id']}/holds").json()["items"]
    assert [anomaly["name"] for anomaly in held[0]["anomalies"]] == ["goods_not_conform"]


def test_what_rang_is_isolated_and_measured_again(lite: Cast) -> None:
    case = lite.declaration(until="document_examination")
    ordered = lite.examination(case["id"], radiation=True)
    path = f"/examinations/{ordered['id']}/actions"
    report = {"result": "conform"}
    problem(
        lite.inspector.post(f"{path}/report/statement", report), 409, "examination.second-measurement-missing"
    )
    isolated = lite.inspector.post(f"{path}/isolate", {})
    assert (isolated.status_code, isolated.json()["state"]) == (200, "isolated")
    problem(
        lite.inspector.post(f"{path}/report/statement", report), 409, "examination.second-measurement-missing"
    )


def test_another_firms_looks_like_a_missing_one(lite: Cast) -> None:
    case = lite.declaration(until="document_examination")
    hold, ordered, stranger = lite.hold(case["id"]), lite.examination(case["id"]), lite.stranger()
    for path in (f"/holds/{hold['id']}", f"/examinations/{ordered['id']}"):
        problem(stranger.get(path), 404, "input.not-found")
        problem(stranger.get(f"{path}/history"), 404, "input.not-found")
    assert stranger.get("/holds").json()["items"] == []
    assert stranger.get("/examinations").json()["items"] == []
    body = {"disposition": "re_examine", "reason": "x"}
    problem(stranger.post(f"/holds/{hold['id']}/actions/dispose/statement", body), 404, "input.not-found")
