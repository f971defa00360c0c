"""Every refusal is one problem, in the caller's language, with a trace id; pages say the same."""

from __future__ import annotations

import json

import httpx
import pytest

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.doors import Door
from api.foundation.manual import refusals
from api.foundation.problems import Problem
from api.foundation.refusals import STATUS_OF_KIND, TITLES, status_of
from kernel.errors import Kind, PisteError, RevisionStale
from ledger.keys.roles import Role
from tests.api import probe
from tests.api.world import Visitor, World


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS, probe.DOOR)


@pytest.fixture
def visitor(sqlite_world: World) -> Visitor:
    return sqlite_world.visitor()


def problem(answer: httpx.Response, status: int, code: str) -> Problem:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = Problem.model_validate_json(answer.content)
    assert (found.status, found.code) == (status, code)
    assert found.type.endswith(f"/problems/{code}")
    assert found.trace_id == answer.headers["x-trace-id"]
    assert found.instance == answer.request.url.path
    assert found.faults
    assert all(fault.message and fault.next_step and fault.rule for fault in found.faults)
    return found


def below(kind: type[PisteError]) -> list[type[PisteError]]:
    return [inner for one in kind.__subclasses__() for inner in (one, *below(one))]


@pytest.mark.parametrize("kind", below(PisteError), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_refusal_has_a_status_a_title_and_words_in_both_languages(kind: type[PisteError]) -> None:
    assert status_of(kind) in TITLES
    for words in (kind.message, kind.next_step):
        assert words.en
        assert any("\u4e00" <= letter <= "\u9fff" for letter in words.zh) or "{" in words.zh


def test_codes_are_unique() -> None:
    kinds = [kind for kind in below(PisteError) if kind.code != PisteError.code]
    names: dict[str, set[str]] = {}
    for kind in kinds:
        names.setdefault(kind.code, set()).add(kind.__qualname__)
    assert {code: found for code, found in names.items() if len(found) > 1} == {}


def test_every_kind_has_a_status() -> None:
    assert STATUS_OF_KIND.keys() == set(Kind)
    assert status_of(RevisionStale) == 412


def test_the_anonymous_is_told_to_sign_in(sqlite_world: World) -> None:
    answer = sqlite_world.browser().get("/api/v1/session")
    found = problem(answer, 401, "access.not-signed-in")
    assert answer.headers["www-authenticate"] == 'Bearer realm="Piste"'
    assert "passkey" in found.faults[0].next_step


def test_a_bad_token_is_named(sqlite_world: World) -> None:
    answer = sqlite_world.browser(Authorization="Bearer nonsense").get("/api/v1/session")
    problem(answer, 401, "access.not-signed-in")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("wish", "detail"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "您尚未登录。"),
        ("en-GB", "You are not signed in."),
        ("fr", "You are not signed in."),
        ("fr,zh;q=0.3,en;q=0.2", "您尚未登录。"),
        ("zh;q=0.1,en", "You are not signed in."),
        ("zh;q=x", "You are not signed in."),
        ("", "You are not signed in."),
    ],
)
def test_refusals_speak_the_callers_language(sqlite_world: World, wish: str, detail: str) -> None:
    answer = sqlite_world.browser().get("/api/v1/session", headers={"Accept-Language": wish})
    assert answer.json()["detail"] == detail


def test_the_chosen_language_goes_before_the_programs(sqlite_world: World) -> None:
    browser = sqlite_world.browser()
    browser.cookies.set("piste_language", "zh")
    assert browser.get("/api/v1/session").json()["title"] == "尚未登录"
    browser.cookies.set("piste_language", "xx")
    assert browser.get("/api/v1/session").json()["title"] == "Not signed in"


def test_unknown_addresses(visitor: Visitor) -> None:
    problem(visitor.http.get("/api/v1/nothing/here"), 404, "request.address-unknown")
    page = visitor.http.get("/nothing/here", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "There is nothing at /nothing/here." in page.text
    problem(visitor.http.get("/nothing/here", headers={"Accept": "*/*"}), 404, "request.address-unknown")


def test_methods_that_are_not_there(visitor: Visitor) -> None:
    answer = visitor.http.delete("/api/v1/session")
    assert answer.headers["allow"] == "GET"
    found = problem(answer, 405, "request.method-not-allowed")
    assert "GET" in found.faults[0].next_step


def test_broken_json(visitor: Visitor) -> None:
    answer = visitor.http.post(
        "/api/v1/probe/write", content=b'{"name": ', headers={"Content-Type": "application/json"}
    )
    problem(answer, 400, "request.malformed-json")


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b"[" * 100_000])
def test_json_that_no_parser_takes(visitor: Visitor, content: bytes) -> None:
    answer = visitor.http.post(
        "/api/v1/probe/write", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["faults"]


def test_every_fault_is_named_at_once(visitor: Visitor) -> None:
    answer = visitor.http.post("/api/v1/probe/write", json={"organisation_id": "x", "more": 1})
    found = problem(answer, 422, "input.invalid")
    assert {fault.field: fault.rule for fault in found.faults} == {
        "/name": "field.missing",
        "/organisation_id": "field.identifier",
        "/more": "field.unknown",
    }


def test_faults_outside_the_body_name_their_place(visitor: Visitor) -> None:
    found = problem(visitor.http.get("/api/v1/keys?limit=1000"), 422, "input.invalid")
    assert [fault.field for fault in found.faults] == ["/query/limit"]
    found = problem(visitor.http.get("/api/v1/persons/nonsense"), 422, "input.invalid")
    assert [fault.field for fault in found.faults] == ["/path/person_id"]


def test_a_body_that_is_no_json_is_named(visitor: Visitor) -> None:
    answer = visitor.http.post(
        "/api/v1/probe/write", content=b"name=Anna", headers={"Content-Type": "text/plain"}
    )
    problem(answer, 422, "input.invalid")


@pytest.mark.parametrize(
    "route", ["refuse-after-writing", "answer-refusal-after-writing", "break-after-writing"]
)
def test_what_is_refused_is_undone(world: World, route: str) -> None:
    visitor = world.visitor()
    answer = visitor.http.post(f"/api/v1/probe/{route}", json={"name": "Anna"})
    assert answer.status_code in {403, 409, 500}
    assert visitor.http.get("/api/v1/probe/count/Anna").json()["count"] == 0


def test_what_only_reads_changes_nothing(world: World) -> None:
    visitor = world.visitor()
    visitor.http.post("/api/v1/probe/look", json={"name": "Anna"})
    assert visitor.http.get("/api/v1/probe/count/Anna").json()["count"] == 0


def test_nobody_is_told_of_success_before_the_commit(world: World) -> None:
    visitor = world.visitor()
    answer = visitor.http.post("/api/v1/probe/break-at-commit", json={"name": "Anna"})
    problem(answer, 409, "request.changed-meanwhile")
    assert visitor.http.get("/api/v1/probe/count/Anna").json()["count"] == 0


def test_a_fault_of_ours_says_nothing_of_the_inside(
    visitor: Visitor, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = visitor.http.post("/api/v1/probe/break-after-writing", json={"name": "Anna"})
    found = problem(answer, 500, "service.internal-fault")
    assert "secret detail" not in answer.text
    assert found.trace_id in found.faults[0].next_step
    assert "nosniff" in answer.headers["x-content-type-options"]
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    told = next(line for line in lines if line["event"] == "request.broke")
    assert told["trace_id"] == found.trace_id
    assert "a secret detail" in told["exception"]


def test_pages_refuse_as_pages(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor(Role.BROKER)
    refused = visitor.http.get("/probe/refused", headers={"Referer": f"{visitor.http.base_url}/keys"})
    assert refused.status_code == 403
    assert refused.headers["content-type"].startswith("text/html")
    assert "Your roles do not allow: release." in refused.text
    assert "Ask somebody who holds one of: releasing officer." in refused.text
    assert 'href="/keys"' in refused.text
    assert refused.headers["x-trace-id"] in refused.text


def test_a_page_that_breaks_says_so(visitor: Visitor) -> None:
    broken = visitor.http.get("/probe/broken")
    assert broken.status_code == 500
    assert "secret detail" not in broken.text


def test_who_is_not_signed_in_is_led_to_the_sign_in_page(sqlite_world: World) -> None:
    answer = sqlite_world.browser().get("/probe?a=1&b=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fprobe%3Fa%3D1%26b%3D2")


def test_a_database_that_is_away_is_said_so(world: World) -> None:
    """A missing table is no outage on every database; what counts is that nothing of the inside comes out."""
    visitor = world.visitor()
    answer = visitor.http.post("/api/v1/probe/locked", json={})
    assert answer.status_code in {500, 503}
    assert "nowhere" not in answer.text
    if answer.status_code == 503:
        assert answer.headers["retry-after"] == "5"


def test_every_problem_type_leads_to_a_page(visitor: Visitor) -> None:
    listed = visitor.http.get("/problems")
    for code in refusals():
        assert f'href="/problems/{code}"' in listed.text
    for code in ("case.revision-stale", "request.idempotency-key-reused"):
        assert code in visitor.http.get(f"/problems/{code}").text
    assert visitor.http.get("/problems/no.such").status_code == 404


def test_a_trace_goes_on(visitor: Visitor) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    known = visitor.http.get("/healthz", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert known.headers["x-trace-id"] == trace
    fresh = visitor.http.get("/healthz", headers={"traceparent": "nonsense"})
    assert len(fresh.headers["x-trace-id"]) == 32
