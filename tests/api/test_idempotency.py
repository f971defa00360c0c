"""The same request sent twice is done once, in one process or many, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.doors import Door
from kernel.clock import ManualClock
from tests.api import probe
from tests.api.world import Visitor, World
from workflow.parties.models import AnsweredRequest

KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS, probe.DOOR)


@pytest.fixture
def visitor(world: World) -> Visitor:
    return world.visitor()


def write(visitor: Visitor, name: str = "Anna", route: str = "write", **headers: str) -> httpx.Response:
    return visitor.http.post(f"/api/v1/probe/{route}", json={"name": name}, headers={**KEY, **headers})


def rows(visitor: Visitor, name: str = "Anna") -> int:
    count: int = visitor.http.get(f"/api/v1/probe/count/{name}").json()["count"]
    return count


def test_the_anonymous_gets_nothing_and_keeps_nothing(world: World) -> None:
    answer = world.browser().post("/api/v1/probe/write", json={"name": "Anna"}, headers=KEY)
    assert answer.status_code == 401
    with world.reading() as session:
        assert session.query(AnsweredRequest).count() == 0


def test_twice_is_once(visitor: Visitor) -> None:
    first, second = write(visitor), write(visitor)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    for name in ("location", "etag", "content-type"):
        assert first.headers[name] == second.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["x-trace-id"] != first.headers["x-trace-id"]
    assert rows(visitor) == 1


def test_fifty_at_once_are_one(visitor: Visitor) -> None:
    def send(_: int) -> httpx.Response:
        with httpx.Client(
            base_url=visitor.http.base_url,
            headers=visitor.http.headers,
            cookies=visitor.http.cookies,
            trust_env=False,
            timeout=60,
        ) as own:
            return own.post("/api/v1/probe/write", json={"name": "Anna"}, headers=KEY)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["count"] for answer in answers} == {1}
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert rows(visitor) == 1


def test_who_comes_while_the_first_is_at_work_waits_for_its_answer(visitor: Visitor) -> None:
    probe.go_on.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(write, visitor, "Slow", "slow")
        assert probe.entered.acquire(timeout=20)
        second = pool.submit(write, visitor, "Slow", "slow")
        probe.go_on.set()
        assert first.result(30).json() == second.result(30).json()
    assert not probe.entered.acquire(blocking=False)
    assert rows(visitor, "Slow") == 1


def test_another_body_under_the_same_key_is_refused(visitor: Visitor) -> None:
    write(visitor)
    answer = write(visitor, name="Berta")
    assert answer.status_code == 422
    assert answer.json()["code"] == "request.idempotency-key-reused"
    assert rows(visitor, "Berta") == 0


def test_another_address_under_the_same_key_is_refused(visitor: Visitor) -> None:
    write(visitor)
    assert write(visitor, route="slow").json()["code"] == "request.idempotency-key-reused"


def test_keys_of_two_callers_do_not_meet(world: World, visitor: Visitor) -> None:
    other = world.visitor()
    write(visitor)
    answer = write(other, name="Berta")
    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers


def test_a_refused_request_is_not_kept(visitor: Visitor) -> None:
    first = write(visitor, route="refuse-after-writing")
    second = write(visitor, route="refuse-after-writing")
    assert (first.status_code, second.status_code) == (403, 403)
    assert "idempotency-replayed" not in second.headers
    assert write(visitor).status_code == 201, "the key is free for a request that succeeds"
    assert rows(visitor) == 1


def test_a_broken_request_is_not_kept(visitor: Visitor) -> None:
    assert write(visitor, route="break-after-writing").status_code == 500
    assert write(visitor).status_code == 201


def test_a_secret_is_not_kept(world: World, visitor: Visitor) -> None:
    assert write(visitor, route="secret").status_code == 201
    again = write(visitor, route="secret")
    assert (again.status_code, again.json()["code"]) == (409, "request.shown-once")
    with world.reading() as session:
        assert [row.body for row in session.query(AnsweredRequest)] == [None]
    assert rows(visitor) == 1


@pytest.mark.parametrize("key", ["short", "with blanks in it", "ü" * 20, "x" * 201])
def test_a_key_that_cannot_be_one_is_refused(visitor: Visitor, key: str) -> None:
    answer = visitor.http.post(
        "/api/v1/probe/write",
        json={"name": "Anna"},
        headers=[*visitor.http.headers.raw, (b"idempotency-key", key.encode())],
    )
    assert answer.json()["code"] == "request.idempotency-key-invalid"


def test_without_a_key_each_request_counts(visitor: Visitor) -> None:
    for _ in range(2):
        visitor.http.post("/api/v1/probe/write", json={"name": "Anna"})
    assert rows(visitor) == 2


def test_answers_are_forgotten_after_a_day(world: World, visitor: Visitor, clock: ManualClock) -> None:
    write(visitor)
    clock.advance(timedelta(hours=23))
    write(world.visitor(organisation_id=visitor.organisation_id), name="Berta")
    with world.reading() as session:
        assert session.query(AnsweredRequest).count() == 2
    clock.advance(timedelta(hours=2))
    world.visitor(organisation_id=visitor.organisation_id)
    with world.reading() as session:
        assert session.query(AnsweredRequest).count() == 1
