"""Lists in pages, entity tags, conditional reads."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.doors import Door
from api.foundation.entity_tags import matches
from kernel.clock import ManualClock
from tests.api import probe
from tests.api.world import Visitor, World


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS, probe.DOOR)


@pytest.fixture
def visitor(world: World, clock: ManualClock) -> Visitor:
    """Give somebody with nine colleagues, of whom three came at the same moment."""
    visitor = world.visitor()
    assert visitor.organisation_id is not None
    for number in range(9):
        if number % 3 == 0:
            clock.advance(timedelta(seconds=1))
        world.person(visitor.organisation_id, name=f"Person {number}")
    return visitor


def test_the_anonymous_gets_no_page(world: World) -> None:
    assert world.browser().get("/api/v1/persons").status_code == 401


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9, 10, 11, 200])
def test_every_row_is_on_one_page(visitor: Visitor, limit: int) -> None:
    address, seen, pages = f"/api/v1/persons?limit={limit}", [], 0
    while address:
        answer = visitor.http.get(address)
        told = answer.json()
        assert len(told["items"]) <= limit
        seen += told["items"]
        pages += 1
        link = answer.links.get("next", {}).get("url", "")
        assert bool(link) == bool(told["next"])
        assert not link or f"limit={limit}" in link
        address = link
    assert len(seen) == 10
    assert len({row["id"] for row in seen}) == 10
    times = [row["added_at"] for row in seen]
    assert times == sorted(times, reverse=True), "newest first"
    assert pages == -(-10 // limit)


def test_a_row_added_meanwhile_shifts_nothing(world: World, visitor: Visitor, clock: ManualClock) -> None:
    assert visitor.organisation_id is not None
    first = visitor.http.get("/api/v1/persons?limit=5").json()
    clock.advance(timedelta(seconds=1))
    world.person(visitor.organisation_id, name="Late")
    second = visitor.http.get(f"/api/v1/persons?limit=5&cursor={first['next']}").json()
    names = [row["name_en"] for row in first["items"] + second["items"]]
    assert len(set(names)) == 10
    assert "Late" not in names


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        base64.urlsafe_b64encode(b"[]").decode(),
        base64.urlsafe_b64encode(b"[1,2]").decode(),
        base64.urlsafe_b64encode(b'["2026-01-01T00:00:00","00000000000000000000000000000000"]').decode(),
        base64.urlsafe_b64encode(b"7").decode(),
        "ü",
    ],
)
def test_a_cursor_that_is_none_of_ours(sqlite_world: World, cursor: str) -> None:
    answer = sqlite_world.visitor().http.get("/api/v1/persons", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "request.cursor-invalid")


@pytest.mark.parametrize("limit", ["0", "201", "many", "-1"])
def test_a_page_of_no_proper_size(sqlite_world: World, limit: str) -> None:
    answer = sqlite_world.visitor().http.get("/api/v1/persons", params={"limit": limit})
    assert answer.status_code == 422


# ------------------------------------------------------------------------------------------- entity tags


@pytest.mark.parametrize("known", ['"7"', 'W/"7"', '"3", "7"', "*"])
def test_who_has_it_already_gets_nothing(sqlite_world: World, known: str) -> None:
    answer = sqlite_world.visitor().http.get("/api/v1/probe/tagged/7", headers={"If-None-Match": known})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"7"')
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("known", ['"6"', "7", ""])
def test_who_has_another_gets_this(sqlite_world: World, known: str) -> None:
    answer = sqlite_world.visitor().http.get("/api/v1/probe/tagged/7", headers={"If-None-Match": known})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"7"')


@pytest.mark.parametrize("seen", ['"7"', 'W/"7"', "*", None])
def test_acting_on_what_one_saw(sqlite_world: World, seen: str | None) -> None:
    headers = {} if seen is None else {"If-Match": seen}
    assert sqlite_world.visitor().http.post("/api/v1/probe/act/7", headers=headers).status_code == 200


def test_acting_on_what_has_changed(sqlite_world: World) -> None:
    answer = sqlite_world.visitor().http.post("/api/v1/probe/act/7", headers={"If-Match": '"6"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "case.revision-stale")
    assert "revision 7" in answer.json()["detail"]


@pytest.mark.parametrize("seen", ["7", '"x"', '"7", "8"', ""])
def test_an_entity_tag_that_is_none_of_ours(sqlite_world: World, seen: str) -> None:
    answer = sqlite_world.visitor().http.post("/api/v1/probe/act/7", headers={"If-Match": seen})
    assert (answer.status_code, answer.json()["code"]) == (400, "request.entity-tag-malformed")


def test_weak_tags_match_strong_ones() -> None:
    assert matches('W/"1"', '"1"')
    assert not matches('"1"', '"11"')
