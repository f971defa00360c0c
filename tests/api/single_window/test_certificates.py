"""Certificates over HTTP: drafts, what others see of them, signing, the account of the lines."""

from __future__ import annotations

import pytest

from tests.api.cast import Cast, fields, nobody, problem
from tests.api.world import World
from tests.workflow.builders.certificates import certificate_content, goods_line


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
        ("POST", ""),
        ("GET", ""),
        ("GET", f"/{nobody()}"),
        ("PUT", f"/{nobody()}"),
        ("GET", f"/{nobody()}/history"),
        ("GET", f"/{nobody()}/documents"),
        ("GET", f"/{nobody()}/findings"),
        ("POST", f"/{nobody()}/actions/submit/statement"),
        ("POST", f"/{nobody()}/actions/submit"),
        ("POST", f"/{nobody()}/actions/revise"),
    ):
        problem(http.request(method, f"/api/v1/certificates{path}"), 401, "access.not-signed-in")


def test_a_whole_life(cast: Cast) -> None:
    drafted = cast.broker.post("/certificates", certificate_content())
    assert drafted.status_code == 201, drafted.text
    case = drafted.json()
    path = f"/certificates/{case['id']}"
    assert drafted.headers["location"] == f"/api/v1{path}"
    assert drafted.headers["etag"] == f'"{case["revision"]}"'
    assert [action["event"] for action in case["actions"]] == ["submit"]
    assert case["lines"][0]["left"] == "100"

    signed = cast.broker.act(f"{path}/actions/submit")
    assert signed.status_code == 202
    waiting = signed.json()
    assert (waiting["state"], waiting["pending_event"], waiting["actions"]) == ("submitted", "submit", [])
    assert waiting["pending"]["state"] == "queued"
    cast.record()
    seen = cast.committee.get(path).json()
    assert seen["state"] == "under_committee_review"
    assert {action["event"] for action in seen["actions"]} == {"approve", "return_to_firm", "reject"}
    assert [one["primary_type"] for one in seen["ledger"]] == ["CertificateSubmission"]
    assert seen["ledger"][0]["state"] == "recorded"

    assert cast.go(cast.committee, f"{path}/actions/approve")["state"] == "committee_approved"
    active = cast.go(cast.documents_officer, f"{path}/actions/file")
    assert active["state"] == "active"
    history = cast.broker.get(f"{path}/history").json()["items"]
    assert [entry["event"] for entry in history] == [
        "drafted",
        "submit.signed",
        "submit.recorded",
        "approve.signed",
        "approve.recorded",
        "file.signed",
        "file.recorded",
    ]
    assert cast.broker.get(f"{path}/documents").json() == {"items": []}
    assert cast.broker.get(f"{path}/findings").json() == {"items": []}


def test_every_fault_is_named_at_once(lite: Cast) -> None:
    content = certificate_content(
        holder="nonsense",
        valid_until="2025-01-01",
        lines=[goods_line(1, hs_code="000000"), goods_line(1, quantity="-1"), goods_line(2, currency="XXL")],
    )
    found = fields(problem(lite.broker.post("/certificates", content), 422, "input.invalid"))
    assert {
        "/holder",
        "/valid_until",
        "/lines/0/hs_code",
        "/lines/0/line_no",
        "/lines/1/line_no",
        "/lines/1/quantity",
        "/lines/2/currency",
    } <= set(found)
    assert found["/lines/0/line_no"] == "field.repeated"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 400, "request.malformed-json"),
        ("[1, 2]", "application/json", 422, "input.invalid"),
        ("null", "application/json", 422, "input.invalid"),
        ("", "application/json", 422, "input.invalid"),
        ("<a/>", "application/xml", 400, "request.malformed"),
        ("{}", "text/plain", 400, "request.malformed"),
        ("9" * 5000, "application/json", 400, "request.malformed-json"),
        ("[" * 100_000, "application/json", 400, "request.malformed-json"),
    ],
)
def test_bodies_that_are_no_certificate(
    sqlite_world: World, body: str, content_type: str, status: int, code: str
) -> None:
    broker = Cast(sqlite_world).broker
    answer = broker.http.post("/api/v1/certificates", content=body, headers={"Content-Type": content_type})
    problem(answer, status, code)


def test_a_number_is_used_once(cast: Cast) -> None:
    content = certificate_content()
    first = cast.broker.post("/certificates", content).json()
    told = problem(cast.broker.post("/certificates", content), 409, "case.number-taken")
    assert fields(told) == {"/number": "case.number-taken"}
    assert first["id"] in told["detail"]
    assert (
        first["id"]
        not in problem(cast.stranger().post("/certificates", content), 409, "case.number-taken")["detail"]
    )


def test_a_draft_is_rewritten_on_what_was_seen(lite: Cast) -> None:
    case = lite.certificate(until="draft")
    path = f"/certificates/{case['id']}"
    content = {**case["content"], "venue": "Ski jumping hill", "lines": [goods_line(1, "7")]}
    tag = f'"{case["revision"]}"'
    first = lite.broker.put(path, content, **{"If-Match": tag})
    assert first.status_code == 200, first.text
    assert first.json()["content"]["venue"] == "Ski jumping hill"
    assert [line["ceiling"] for line in first.json()["lines"]] == ["7"]
    assert first.json()["content_hash"] != case["content_hash"]
    stale = lite.broker.put(path, content, **{"If-Match": tag})
    problem(stale, 412, "case.revision-stale")
    problem(lite.broker.put(path, content, **{"If-Match": "yesterday"}), 400, "request.entity-tag-malformed")
    known = lite.broker.http.get(f"/api/v1{path}", headers={"If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_a_signed_one_cannot_be_rewritten(lite: Cast) -> None:
    case = lite.certificate(until="draft")
    path = f"/certificates/{case['id']}"
    lite.broker.act(f"{path}/actions/submit")
    problem(lite.broker.put(path, case["content"]), 409, "case.decision-under-way")
    lite.record()
    problem(lite.broker.put(path, case["content"]), 409, "case.transition-refused")


def test_a_statement_changes_nothing(lite: Cast) -> None:
    case = lite.certificate(until="draft")
    path = f"/certificates/{case['id']}"
    first = lite.broker.post(f"{path}/actions/submit/statement", {}).json()
    second = lite.broker.post(f"{path}/actions/submit/statement", {}).json()
    assert first == second
    assert first["primary_type"] == first["typed_data"]["primaryType"] == "CertificateSubmission"
    assert lite.broker.get(path).json() == case


def test_another_firms_looks_like_a_missing_one(lite: Cast) -> None:
    case, stranger = lite.certificate(until="draft"), lite.stranger()
    path, missing = f"/certificates/{case['id']}", f"/certificates/{nobody()}"
    body = {"signature": stranger.signature("0x" + "00" * 32)}
    for method, below, given in (
        ("GET", "", None),
        ("PUT", "", certificate_content()),
        ("GET", "/history", None),
        ("GET", "/documents", None),
        ("GET", "/findings", None),
        ("POST", "/actions/submit/statement", {}),
        ("POST", "/actions/submit", body),
        ("POST", "/actions/revise", {}),
    ):
        told = [
            problem(
                stranger.http.request(method, f"/api/v1{place}{below}", json=given), 404, "input.not-found"
            )
            for place in (path, missing)
        ]
        assert told[0]["detail"].replace(case["id"], "…") == told[1]["detail"].replace(
            missing.rpartition("/")[2], "…"
        )
    assert stranger.get("/certificates").json()["items"] == []


def test_a_draft_is_the_firms_own(lite: Cast) -> None:
    case = lite.certificate(until="draft")
    path = f"/certificates/{case['id']}"
    for player in (lite.committee, lite.documents_officer, lite.auditor):
        problem(player.get(path), 404, "input.not-found")
        assert player.get("/certificates").json()["items"] == []
    lite.go(lite.broker, f"{path}/actions/submit")
    for player in (lite.committee, lite.documents_officer, lite.auditor):
        assert player.get(path).status_code == 200
        assert len(player.get("/certificates").json()["items"]) == 1


def test_the_list_in_pages_and_by_state(cast: Cast) -> None:
    drafts = [cast.certificate(until="draft")["id"] for _ in range(3)]
    submitted = cast.certificate(until="under_committee_review")
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = cast.broker.get("/certificates", limit=2, **cursor).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert sorted(seen) == sorted([*drafts, submitted["id"]])
    listed = cast.broker.get("/certificates", state="draft").json()["items"]
    assert {item["id"] for item in listed} == set(drafts)
    assert [
        item["id"] for item in cast.broker.get("/certificates", number=submitted["number"]).json()["items"]
    ] == [submitted["id"]]
    assert [item["id"] for item in cast.committee.get("/certificates", due=True).json()["items"]] == [
        submitted["id"]
    ]
    assert cast.documents_officer.get("/certificates", due=True).json()["items"] == []
    problem(cast.broker.get("/certificates", state="asleep"), 422, "input.invalid")
    problem(cast.broker.get("/certificates", limit=100_000), 422, "input.invalid")
    problem(cast.broker.get("/certificates", cursor="x\x00y"), 422, "request.cursor-invalid")
    problem(cast.broker.get("/certificates", number="x\x00y"), 422, "input.invalid")


def test_a_returned_one_becomes_the_next_version(cast: Cast) -> None:
    case = cast.certificate(until="under_committee_review")
    path = f"/certificates/{case['id']}"
    returned = cast.go(
        cast.committee, f"{path}/actions/return_to_firm", reason="Line 1: the brand is missing."
    )
    assert returned["state"] == "returned"
    revised = cast.broker.post(f"{path}/actions/revise", {})
    assert revised.status_code == 200, revised.text
    assert (revised.json()["state"], revised.json()["version"]) == ("draft", 2)
    problem(cast.committee.get(path), 404, "input.not-found")


def test_a_refused_submission_is_a_draft_again(lite: Cast) -> None:
    case = lite.certificate(until="draft")
    path = f"/certificates/{case['id']}"
    lite.broker.act(f"{path}/actions/submit")
    lite.refuse()
    seen = lite.broker.get(path).json()
    assert (seen["state"], seen["pending"]) == ("draft", None)
    assert seen["ledger"][0]["refusal"] == {"en": "made up for the test", "zh": "测试拒绝"}
    assert "made up for the test" in lite.broker.get(f"{path}/history").json()["items"][-1]["words"]["en"]


def test_lines_show_what_declarations_hold(lite: Cast) -> None:
    certificate = lite.certificate()
    lite.declaration(until="document_examination", certificate=certificate, quantity="30")
    lines = lite.broker.get(f"/certificates/{certificate['id']}").json()["lines"]
    assert [(line["reserved"], line["committed"], line["left"]) for line in lines] == [
        ("30", "0", "70"),
        ("0", "0", "100"),
    ]


def test_unknown_events_and_bad_identifiers(lite: Cast) -> None:
    case = lite.certificate(until="draft")
    path = f"/certificates/{case['id']}"
    problem(lite.broker.post(f"{path}/actions/explode", {}), 404, "request.address-unknown")
    problem(lite.broker.post(f"{path}/actions/expire", {}), 404, "request.address-unknown")
    problem(lite.broker.get("/certificates/not-a-uuid"), 422, "input.invalid")
    problem(lite.broker.get("/certificates/%00"), 422, "input.invalid")
