"""Release over HTTP: one officer on the yellow channel, two on the red one, never the inspector."""

from __future__ import annotations

import pytest

from ledger.keys.roles import Role
from tests.api.cast import Cast, Json, Player, nobody, problem
from tests.api.world import World


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def red(cast: Cast, inspector: Player | None = None) -> Json:
    """Bring a declaration through an examination, up to the decision."""
    declared = cast.declaration(until="document_examination")["id"]
    ordered = cast.examination(declared)
    cast.go(inspector or cast.inspector, f"/examinations/{ordered['id']}/actions/report", result="conform")
    cast.clear(declared)
    case: Json = cast.releasing_officer.get(f"/declarations/{declared}").json()
    assert (case["state"], case["channel"]) == ("guarantee", "red")
    return case


@pytest.mark.parametrize(
    "below",
    ["actions/release", "actions/release/statement", "countersign", "countersign/statement", "retract"],
)
def test_the_anonymous_releases_nothing(sqlite_world: World, below: str) -> None:
    path = f"/api/v1/declarations/{nobody()}/{below}"
    problem(sqlite_world.browser().post(path, json={}), 401, "access.not-signed-in")


def test_nothing_is_released_while_something_holds_it(lite: Cast) -> None:
    case = lite.declaration(until="guarantee")
    lite.hold(case["id"])
    path = f"/declarations/{case['id']}/actions/release/statement"
    told = problem(lite.releasing_officer.post(path, {}), 409, "release.hold-open")
    assert "4 cartons" in told["detail"]


def test_two_officers_on_the_red_channel(cast: Cast) -> None:
    case = red(cast)
    path = f"/declarations/{case['id']}"
    first = cast.releasing_officer.act(f"{path}/actions/release")
    assert first.status_code == 202, first.text
    waiting = first.json()
    assert waiting["awaits_second_signature"] is True
    assert (
        waiting["pending"]["state"],
        waiting["pending"]["signatures"],
        waiting["pending"]["required"],
    ) == (
        "collecting",
        1,
        2,
    )
    assert [action["event"] for action in waiting["actions"]] == ["retract"]
    assert cast.record() == 0

    seen = cast.supervisor.get(path).json()
    assert [action["event"] for action in seen["actions"]] == ["countersign"]
    assert [one["id"] for one in cast.supervisor.get("/declarations", due=True).json()["items"]] == [
        case["id"]
    ]
    problem(
        cast.releasing_officer.post(f"{path}/countersign/statement", {}),
        403,
        "release.second-signer-is-first",
    )
    problem(cast.documents_officer.post(f"{path}/countersign/statement", {}), 403, "access.not-permitted")
    statement = cast.supervisor.post(f"{path}/countersign/statement", {}).json()
    assert statement["digest"] == waiting["pending"]["statement"]
    stale = {"signature": cast.supervisor.signature(statement["digest"])}
    problem(
        cast.supervisor.post(f"{path}/countersign", stale, **{"If-Match": '"1"'}), 412, "case.revision-stale"
    )
    second = cast.supervisor.act(f"{path}/countersign")
    assert second.status_code == 202, second.text
    assert second.json()["pending"]["signatures"] == 2
    cast.record()
    released = cast.broker.get(path).json()
    assert (released["state"], released["awaits_second_signature"]) == ("released", False)
    assert len(released["ledger"][-1]["keys"]) == 2
    problem(cast.supervisor.post(f"{path}/countersign/statement", {}), 409, "release.nothing-to-countersign")


def test_the_first_officer_takes_it_back(lite: Cast) -> None:
    case = red(lite)
    path = f"/declarations/{case['id']}"
    problem(lite.releasing_officer.post(f"{path}/retract", {}), 409, "release.nothing-to-countersign")
    lite.releasing_officer.act(f"{path}/actions/release")
    problem(lite.supervisor.post(f"{path}/retract", {}), 403, "access.not-permitted")
    taken_back = lite.releasing_officer.post(f"{path}/retract", {})
    assert (taken_back.status_code, taken_back.json()["pending"]) == (200, None)
    assert "release" in {action["event"] for action in taken_back.json()["actions"]}


def test_the_inspector_releases_nothing_that_he_examined(lite: Cast) -> None:
    both = lite.player(Role.INSPECTOR | Role.RELEASING_OFFICER)
    case = red(lite, inspector=both)
    path = f"/declarations/{case['id']}"
    problem(both.post(f"{path}/actions/release/statement", {}), 403, "release.inspector-may-not-release")
    lite.releasing_officer.act(f"{path}/actions/release")
    problem(both.post(f"{path}/countersign/statement", {}), 403, "release.inspector-may-not-release")


def test_no_release_without_the_examination(lite: Cast) -> None:
    case = lite.declaration(until="guarantee")
    lite.examination(case["id"])
    path = f"/declarations/{case['id']}/actions/release/statement"
    problem(lite.releasing_officer.post(path, {}), 409, "case.transition-refused")


def test_another_firms_looks_like_a_missing_one(lite: Cast) -> None:
    case, stranger = lite.declaration(until="guarantee"), lite.stranger()
    for below in ("actions/release/statement", "countersign/statement", "retract"):
        problem(stranger.post(f"/declarations/{case['id']}/{below}", {}), 404, "input.not-found")
