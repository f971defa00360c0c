"""Declarations over HTTP: drafts, filing, amendment, withdrawal, and what happens when many ask at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from kernel.clock import ManualClock
from ledger.keys.roles import Role
from ledger.models import StatementRecord
from tests.api.cast import PLAIN, Cast, Json, Player, fields, nobody, problem
from tests.api.world import World
from workflow.declarations.models import Declaration
from workflow.examination.rules import Anomaly


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def send_fifty(player: Player, path: str, body: Json, **headers: str) -> list[httpx.Response]:
    """Send the same request fifty times at once, each over a connection of its own."""

    def send(_: int) -> httpx.Response:
        with httpx.Client(base_url=player.http.base_url, headers=player.http.headers, **PLAIN) as own:
            return own.post(f"/api/v1{path}", json=body, headers=headers)

    with ThreadPoolExecutor(50) as pool:
        return list(pool.map(send, range(50)))


def test_the_anonymous_gets_nothing(lite: Cast) -> None:
    http = lite.world.browser()
    path = f"/{nobody()}"
    for method, below in (
        ("POST", ""),
        ("GET", ""),
        ("GET", path),
        ("PUT", path),
        ("GET", f"{path}/history"),
        ("GET", f"{path}/documents"),
        ("GET", f"{path}/findings"),
        ("GET", f"{path}/holds"),
        ("GET", f"{path}/examinations"),
        ("GET", f"{path}/readings"),
        ("POST", f"{path}/actions/submit"),
        ("POST", f"{path}/actions/revise"),
        ("POST", f"{path}/actions/amend"),
        ("POST", f"{path}/actions/cancel"),
    ):
        problem(http.request(method, f"/api/v1/declarations{below}"), 401, "access.not-signed-in")


def test_from_draft_to_release(cast: Cast) -> None:
    certificate = cast.certificate()
    draft = cast.declaration(certificate=certificate)
    path = f"/declarations/{draft['id']}"
    assert (draft["number"], draft["edifact_7365"], draft["draws"]) == (None, None, [])
    accepted = cast.go(cast.broker, f"{path}/actions/submit")
    assert accepted["state"] == "document_examination"
    assert (accepted["edifact_7365"], accepted["wco_function"]) == ("1", "06")
    assert len(accepted["number"]) == 18
    assert accepted["draws"] == [
        {
            "certificate_id": certificate["id"],
            "certificate_number": certificate["number"],
            "line": 1,
            "unit": "H87",
            "quantity": "10",
            "state": "standing",
        }
    ]
    cast.clear(draft["id"])
    waiting = cast.releasing_officer.get("/declarations", due=True).json()["items"]
    assert [item["id"] for item in waiting] == [draft["id"]]
    released = cast.go(cast.releasing_officer, f"{path}/actions/release")
    assert (released["state"], released["wco_function"]) == ("released", "08")
    assert released["draws"][0]["state"] == "committed"
    assert [one["primary_type"] for one in released["ledger"]] == ["DeclarationFiling", "ReleaseDecision"]


def test_papers_are_needed_to_file(lite: Cast) -> None:
    draft = lite.declaration(papers=False)
    path = f"/declarations/{draft['id']}"
    told = problem(
        lite.broker.post(f"{path}/actions/submit/statement", {}), 422, "declaration.documents-missing"
    )
    assert "invoice, packing list" in told["detail"]
    lite.broker.attach("declaration", draft["id"], "invoice")
    told = problem(
        lite.broker.post(f"{path}/actions/submit/statement", {}), 422, "declaration.documents-missing"
    )
    assert "invoice" not in told["detail"]


def test_lines_must_fit_their_certificate(lite: Cast) -> None:
    certificate = lite.certificate()
    content = lite.declaration_content(certificate)
    line = content["lines"][0]
    for change, field, rule in (
        ({"certificate_number": "MCO26-9999"}, "/lines/0/certificate_number", "certificate.not-usable"),
        ({"certificate_line": 7}, "/lines/0/certificate_line", "certificate.line-unknown"),
        ({"unit": "KGM"}, "/lines/0/unit", "certificate.unit-differs"),
    ):
        answer = lite.broker.post("/declarations", {**content, "lines": [{**line, **change}]})
        assert fields(problem(answer, 422, "input.invalid"))[field] == rule


def test_another_firms_certificate_cannot_be_drawn_on(lite: Cast) -> None:
    content = lite.declaration_content(lite.certificate())
    told = problem(lite.stranger().post("/declarations", content), 422, "input.invalid")
    assert fields(told) == {"/lines/0/certificate_number": "certificate.not-usable"}


def test_what_is_left_cannot_be_exceeded(lite: Cast) -> None:
    certificate = lite.certificate()
    lite.declaration(until="document_examination", certificate=certificate, quantity="60")
    second = lite.declaration(certificate=certificate, quantity="60")
    path = f"/declarations/{second['id']}/actions/submit"
    told = problem(lite.broker.act(path), 409, "certificate.line-overdrawn")
    assert fields(told) == {"/lines/0/quantity": "certificate.line-overdrawn"}
    assert "40" in told["detail"]
    assert lite.broker.get(f"/declarations/{second['id']}").json()["state"] == "draft"


def test_a_reference_is_used_once(lite: Cast) -> None:
    draft = lite.declaration()
    told = problem(lite.broker.post("/declarations", draft["content"]), 409, "case.number-taken")
    assert fields(told) == {"/reference": "case.number-taken"}
    assert draft["id"] in told["detail"]


def test_fifty_drafts_of_one_reference_are_one(cast: Cast) -> None:
    content = cast.declaration_content(cast.certificate())
    answers = send_fifty(cast.broker, "/declarations", content)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    assert {answer.json().get("code") for answer in answers if answer.status_code == 409} == {
        "case.number-taken"
    }
    with cast.world.reading() as session:
        assert session.query(Declaration).count() == 1


def test_fifty_filings_with_one_key_are_one(cast: Cast) -> None:
    certificate = cast.certificate()
    draft = cast.declaration(certificate=certificate)
    path = f"/declarations/{draft['id']}/actions/submit"
    answers = send_fifty(cast.broker, path, cast.broker.signed(path), **{"Idempotency-Key": nobody()})
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    one_filing(cast, certificate, draft)


def test_fifty_filings_without_a_key_are_one(cast: Cast) -> None:
    certificate = cast.certificate()
    draft = cast.declaration(certificate=certificate)
    path = f"/declarations/{draft['id']}/actions/submit"
    answers = send_fifty(cast.broker, path, cast.broker.signed(path))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 49
    assert {answer.json().get("code") for answer in answers if answer.status_code == 409} == {
        "case.decision-under-way"
    }
    one_filing(cast, certificate, draft)


def one_filing(cast: Cast, certificate: Json, draft: Json) -> None:
    with cast.world.reading() as session:
        assert session.query(StatementRecord).filter_by(primary_type="DeclarationFiling").count() == 1
    account = cast.broker.get(f"/certificates/{certificate['id']}").json()["lines"][0]
    assert (account["reserved"], account["left"]) == ("10", "90")
    events = [
        entry["event"] for entry in cast.broker.get(f"/declarations/{draft['id']}/history").json()["items"]
    ]
    assert events.count("submit.signed") == 1


def test_the_same_key_for_another_request_is_refused(lite: Cast) -> None:
    draft = lite.declaration()
    key = {"Idempotency-Key": nobody()}
    path = f"/declarations/{draft['id']}"
    first = lite.broker.put(path, draft["content"], **key)
    assert first.status_code == 200
    again = lite.broker.put(path, draft["content"], **key)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    other = {**draft["content"], "venue": "Ice rink"}
    problem(lite.broker.put(path, other, **key), 422, "request.idempotency-key-reused")


def test_a_stale_step_is_refused(lite: Cast) -> None:
    draft = lite.declaration()
    path = f"/declarations/{draft['id']}"
    body = lite.broker.signed(f"{path}/actions/submit")
    lite.broker.put(path, draft["content"])
    stale = lite.broker.post(f"{path}/actions/submit", body, **{"If-Match": f'"{draft["revision"]}"'})
    problem(stale, 412, "case.revision-stale")
    problem(lite.broker.post(f"{path}/actions/submit", body), 422, "signature.wrong")


def test_amendment(cast: Cast) -> None:
    certificate = cast.certificate()
    case = cast.declaration(until="document_examination", certificate=certificate)
    path = f"/declarations/{case['id']}"
    hold = cast.hold(case["id"])
    assert [one["why"]["en"] for one in cast.broker.get(f"{path}/holds").json()["items"]] == [
        "The packing list shows 4 cartons, the declaration 3."
    ]
    problem(cast.broker.put(path, case["content"]), 409, "case.transition-refused")
    cast.go(
        cast.releasing_officer,
        f"/holds/{hold['id']}/actions/dispose",
        disposition="release_with_amendment",
        reason="Declare four cartons.",
    )
    case = cast.broker.get(path).json()
    assert case["state"] == "documents_required"
    problem(cast.broker.post(f"{path}/actions/amend/statement", {}), 409, "declaration.amendment-missing")
    renamed = {**case["content"], "reference": "ANOTHER-1"}
    problem(cast.broker.put(path, renamed), 409, "declaration.reference-fixed")
    line = {**case["content"]["lines"][0], "quantity": "12", "packages": 4}
    amended = {**case["content"], "lines": [line], "total_packages": 4}
    prepared = cast.broker.put(path, amended, **{"If-Match": f'"{case["revision"]}"'})
    assert prepared.status_code == 200, prepared.text
    assert prepared.json()["amendment"]["total_packages"] == 4
    assert prepared.json()["content"]["total_packages"] == 1
    assert cast.releasing_officer.get(path).json()["amendment"] is None
    assert cast.broker.attach("declaration", case["id"], "invoice").status_code == 201
    done = cast.go(cast.broker, f"{path}/actions/amend")
    assert (done["state"], done["version"], done["amendment"]) == ("document_examination", 2, None)
    assert done["draws"][0]["quantity"] == "12"


def test_withdrawal_gives_back(lite: Cast) -> None:
    certificate = lite.certificate()
    case = lite.declaration(until="document_examination", certificate=certificate)
    path = f"/declarations/{case['id']}"
    problem(lite.broker.post(f"{path}/actions/cancel/statement", {}), 422, "case.reason-missing")
    cancelled = lite.go(lite.broker, f"{path}/actions/cancel", reason="The flight was cancelled.")
    assert (cancelled["state"], cancelled["draws"], cancelled["actions"]) == ("cancelled", [], [])
    account = lite.broker.get(f"/certificates/{certificate['id']}").json()["lines"][0]
    assert account["left"] == "100"


def test_what_the_ledger_refused_is_held_no_longer(cast: Cast, clock: ManualClock) -> None:
    certificate = cast.certificate()
    draft = cast.declaration(certificate=certificate)
    path = f"/declarations/{draft['id']}"
    cast.broker.act(f"{path}/actions/submit")
    cast.refuse()
    assert cast.broker.get(path).json()["state"] == "rejected"
    account = cast.broker.get(f"/certificates/{certificate['id']}").json()["lines"][0]
    assert account["left"] == "100"
    revised = cast.broker.post(f"{path}/actions/revise", {})
    assert (revised.json()["state"], revised.json()["version"]) == ("draft", 1)
    clock.advance(timedelta(seconds=1))
    assert cast.go(cast.broker, f"{path}/actions/submit")["state"] == "document_examination"


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ("no role", 403, "signature.key-without-role"),
        ("revoked", 403, "signature.key-revoked"),
        ("unknown", 403, "signature.key-unknown"),
        ("another's", 403, "signature.key-not-yours"),
        ("other content", 422, "signature.wrong"),
        ("too old", 422, "signature.time-out-of-range"),
        ("not now", 403, "signature.key-not-valid-now"),
    ],
)
def test_signatures_that_are_no_good(
    sqlite_world: World, clock: ManualClock, wrong: str, status: int, code: str
) -> None:
    cast = Cast(sqlite_world)
    case = cast.certificate(until="under_committee_review")
    path = f"/certificates/{case['id']}/actions/approve"
    committee = {
        "no role": lambda: cast.player(Role.COMMITTEE, key_roles=Role.AUDITOR),
        "revoked": lambda: cast.player(Role.COMMITTEE, revoked=True),
        "unknown": lambda: cast.player(Role.COMMITTEE, granted=False),
    }.get(wrong, lambda: cast.committee)()
    body = committee.signed(path)
    if wrong == "another's":
        other = cast.player(Role.COMMITTEE).signed(path)
        body["signature"]["key_id"] = other["signature"]["key_id"]
    if wrong == "other content":
        digest = committee.post(path.replace("approve", "reject") + "/statement", {"reason": "No."}).json()[
            "digest"
        ]
        body["signature"] = committee.signature(digest)
    if wrong == "too old":
        clock.advance(timedelta(minutes=11))
    if wrong == "not now":
        clock.advance(timedelta(days=500))
        token = sqlite_world.app.state.installation.tokens
        assert committee.actor.principal.client_id is not None
        fresh = token.issue(
            committee.actor.principal.client_id, frozenset({"read", "write"}), now=clock.now()
        )
        committee.http.headers["Authorization"] = f"Bearer {fresh}"
        body = committee.signed(path)
    told = problem(committee.post(path, body), status, code)
    assert all(fault["field"].startswith(("/signature", "/signed_at")) for fault in told["faults"])
    with sqlite_world.reading() as session:
        assert session.query(StatementRecord).filter_by(primary_type="CertificateReview").count() == 0


def test_holds_and_examinations_of_a_declaration(lite: Cast) -> None:
    case = lite.declaration(until="document_examination")
    path = f"/declarations/{case['id']}"
    lite.hold(case["id"], Anomaly.VALUE_DIFFERS)
    lite.examination(case["id"])
    held = lite.broker.get(f"{path}/holds").json()["items"]
    assert [anomaly["name"] for anomaly in held[0]["anomalies"]] == ["value_differs"]
    ordered = lite.broker.get(f"{path}/examinations").json()["items"]
    assert [one["why"]["en"] for one in ordered] == ["drawn at random"]
    assert lite.broker.get(path).json()["channel"] == "red"
    assert lite.broker.get(f"{path}/readings").json() == {"items": []}
    stranger = lite.stranger()
    for below in ("holds", "examinations", "readings", "documents", "findings", "history"):
        problem(stranger.get(f"{path}/{below}"), 404, "input.not-found")


def test_lists_find_by_number_and_reference(lite: Cast) -> None:
    case = lite.declaration(until="document_examination")
    for wanted in ({"number": case["number"]}, {"reference": case["reference"]}):
        found = lite.broker.get("/declarations", **wanted).json()["items"]
        assert [item["id"] for item in found] == [case["id"]]
    assert lite.broker.get("/declarations", reference="另一个 号码").json()["items"] == []
    assert lite.stranger().get("/declarations", reference=case["reference"]).json()["items"] == []
