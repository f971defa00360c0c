"""Organisations, persons and programs: who lets whom in, and who sees what."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.doors import Door
from kernel.clock import ManualClock
from ledger.keys.roles import Role
from tests.api.world import GOOD_USCC, Visitor, World
from workflow.engine.cases import HistoryEntry
from workflow.parties.models import Client, RegisterEntry
from workflow.parties.rules import OrganisationKind

NOBODY = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1bff"
"""Identifier of nothing; the same in every process, so that tests can be shared out."""

NEW_FIRM = {
    "name_en": "Snowline Freight Co., Ltd.",
    "name_zh": "雪线国际货运代理有限公司",
    "kind": "broker",
    "country": "CN",
    "registration_number": GOOD_USCC,
    "roles": ["broker"],
}


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS,)


@pytest.fixture
def customs(world: World) -> Visitor:
    return world.visitor(Role.SUPERVISOR, kind=OrganisationKind.CUSTOMS, administrator=True, founding=True)


@pytest.fixture
def chief(sqlite_world: World) -> Visitor:
    """Give a firm's administrator."""
    return sqlite_world.visitor(administrator=True)


def refused(answer: httpx.Response, status: int, code: str) -> list[str]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return [fault["field"] for fault in answer.json()["faults"]]


def new_person(organisation_id: UUID | None, **changes: object) -> dict[str, object]:
    return {
        "organisation_id": str(organisation_id),
        "name_en": "Wang Wei",
        "name_zh": "王伟",
        "roles": ["broker"],
    } | changes


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/organisations",
        "/api/v1/persons",
        "/api/v1/clients",
        "/api/v1/keys",
        f"/api/v1/organisations/{NOBODY}",
        f"/api/v1/persons/{NOBODY}",
        f"/api/v1/clients/{NOBODY}",
        f"/api/v1/keys/0x{'5b' * 32}",
    ],
)
def test_the_anonymous_sees_nothing(sqlite_world: World, address: str) -> None:
    assert sqlite_world.browser().get(address).status_code == 401


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/organisations",
        "/api/v1/persons",
        "/api/v1/clients",
        f"/api/v1/persons/{NOBODY}/enrolment-links",
        f"/api/v1/clients/{NOBODY}/enrolment-links",
        f"/api/v1/clients/{NOBODY}/actions/rotate",
        f"/api/v1/clients/{NOBODY}/actions/revoke",
        f"/api/v1/persons/{NOBODY}/actions/leave",
        "/api/v1/sign-out",
    ],
)
def test_the_anonymous_changes_nothing(sqlite_world: World, address: str) -> None:
    browser = sqlite_world.browser()
    for content in (b"{}", b"no json at all"):
        answer = browser.post(address, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 401, "who calls is asked before what he sends"


def test_a_founding_member_admits_a_firm(world: World, customs: Visitor) -> None:
    answer = customs.http.post("/api/v1/organisations", json=NEW_FIRM)
    assert answer.status_code == 201
    firm = answer.json()
    assert answer.headers["location"] == f"/api/v1/organisations/{firm['id']}"
    assert answer.headers["etag"] == '"1"'
    assert (firm["in_register"], firm["founding"], firm["roles"]) == (False, False, ["broker"])
    with world.reading() as session:
        entry = session.query(RegisterEntry).filter_by(organisation_id=UUID(firm["id"])).one()
        assert (entry.kind, entry.roles, entry.state) == ("organisation", int(Role.BROKER), "waiting")
        assert session.query(HistoryEntry).filter_by(case_id=UUID(firm["id"])).one().event == "admit"
    world.enter(UUID(firm["id"]))
    assert customs.http.get(f"/api/v1/organisations/{firm['id']}").json()["in_register"] is True


def test_nobody_else_admits_anybody(world: World, customs: Visitor) -> None:
    officer = world.visitor(Role.INSPECTOR, organisation_id=customs.organisation_id)
    firm = world.visitor(administrator=True)
    program = world.program(Role.INSPECTOR, organisation_id=customs.organisation_id)
    for caller in (officer, firm, program):
        refused(caller.http.post("/api/v1/organisations", json=NEW_FIRM), 403, "parties.administrators-only")


def test_a_firm_is_admitted_once(world: World, customs: Visitor) -> None:
    assert customs.http.post("/api/v1/organisations", json=NEW_FIRM).status_code == 201
    again = customs.http.post("/api/v1/organisations", json=NEW_FIRM | {"name_en": "Another name"})
    assert refused(again, 409, "parties.organisation-known") == ["/registration_number"]
    assert "Snowline Freight" in again.json()["detail"]


def test_every_fault_of_an_admission_is_named(world: World, customs: Visitor, clock: ManualClock) -> None:
    wrong = NEW_FIRM | {"registration_number": "91110000600037341X", "roles": ["broker", "king"], "kind": "x"}
    assert set(refused(customs.http.post("/api/v1/organisations", json=wrong), 422, "input.invalid")) == {
        "/registration_number",
        "/roles/1",
        "/kind",
    }
    beyond = NEW_FIRM | {"roles": ["broker", "inspector"], "valid_until": clock.now().isoformat()}
    answer = customs.http.post("/api/v1/organisations", json=beyond)
    assert set(refused(answer, 422, "input.invalid")) == {"/roles", "/valid_until"}


def test_foreign_firms_have_numbers_of_their_own(world: World, customs: Visitor) -> None:
    foreign = NEW_FIRM | {"country": "IT", "registration_number": "IT-MI-2026/117"}
    assert customs.http.post("/api/v1/organisations", json=foreign).status_code == 201
    nowhere = foreign | {"country": "XX"}
    assert refused(customs.http.post("/api/v1/organisations", json=nowhere), 422, "input.invalid") == [
        "/country"
    ]


def test_an_administrator_adds_persons(sqlite_world: World, chief: Visitor) -> None:
    answer = chief.http.post("/api/v1/persons", json=new_person(chief.organisation_id))
    assert answer.status_code == 201
    person = answer.json()
    shown = chief.http.get(answer.headers["location"])
    assert shown.json() == person
    assert shown.headers["etag"] == '"1"'
    link = chief.http.post(f"/api/v1/persons/{person['id']}/enrolment-links")
    assert link.status_code == 201
    assert link.json()["url"].endswith(f"/enrol/{link.json()['token']}")
    enrolled = sqlite_world.enrol(sqlite_world.browser(), link.json()["token"], sqlite_world.passkey())
    assert enrolled.json()["person_id"] == person["id"]


def test_nobody_gives_roles_that_the_firm_lacks(chief: Visitor) -> None:
    wrong = new_person(chief.organisation_id, roles=["broker", "releasing_officer"])
    answer = chief.http.post("/api/v1/persons", json=wrong)
    assert refused(answer, 422, "input.invalid") == ["/roles"]
    assert "broker" in answer.json()["faults"][0]["next_step"]


def test_only_administrators_add_persons(sqlite_world: World, chief: Visitor) -> None:
    colleague = sqlite_world.visitor(organisation_id=chief.organisation_id)
    body = new_person(chief.organisation_id)
    refused(colleague.http.post("/api/v1/persons", json=body), 403, "parties.administrators-only")
    stranger = sqlite_world.visitor(administrator=True)
    refused(stranger.http.post("/api/v1/persons", json=body), 404, "input.not-found")
    refused(chief.http.post("/api/v1/persons", json=new_person(uuid4())), 404, "input.not-found")


def test_a_founding_administrator_adds_persons_anywhere(world: World, customs: Visitor) -> None:
    firm = world.organisation()
    assert customs.http.post("/api/v1/persons", json=new_person(firm)).status_code == 201


def test_persons_issue_links_to_themselves(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor()
    address = f"/api/v1/persons/{visitor.person_id}/enrolment-links"
    assert visitor.http.post(address).status_code == 201
    colleague = sqlite_world.visitor(organisation_id=visitor.organisation_id)
    refused(colleague.http.post(address), 403, "parties.administrators-only")


def test_firms_see_themselves_authorities_see_all(world: World, customs: Visitor) -> None:
    firm, other = world.visitor(), world.visitor()
    mine = firm.http.get("/api/v1/organisations").json()["items"]
    assert [one["id"] for one in mine] == [str(firm.organisation_id)]
    refused(firm.http.get(f"/api/v1/organisations/{other.organisation_id}"), 404, "input.not-found")
    refused(firm.http.get(f"/api/v1/persons/{other.person_id}"), 404, "input.not-found")
    assert [one["id"] for one in firm.http.get("/api/v1/persons").json()["items"]] == [str(firm.person_id)]
    assert len(customs.http.get("/api/v1/organisations").json()["items"]) == 3
    theirs = customs.http.get("/api/v1/persons", params={"organisation_id": str(other.organisation_id)})
    assert [one["id"] for one in theirs.json()["items"]] == [str(other.person_id)]


def test_who_leaves_is_signed_out_and_loses_every_key(world: World) -> None:
    chief = world.visitor(administrator=True)
    clerk = world.visitor(organisation_id=chief.organisation_id)
    with world.writing() as session:
        session.query(RegisterEntry).filter_by(key_id=clerk.key_id).update({"state": "entered"})
    address = f"/api/v1/persons/{clerk.person_id}"
    refused(clerk.http.post(f"{address}/actions/leave"), 403, "parties.administrators-only")
    stale = chief.http.post(f"{address}/actions/leave", headers={"If-Match": '"9"'})
    refused(stale, 412, "case.revision-stale")
    left = chief.http.post(f"{address}/actions/leave", headers={"If-Match": '"1"'})
    assert (left.status_code, left.headers["etag"]) == (200, '"2"')
    assert left.json()["left_at"] is not None
    assert clerk.http.get("/api/v1/session").status_code == 401
    key = chief.http.get(f"/api/v1/keys/0x{clerk.key_id.hex()}")
    assert key.json()["standing"] == "revoking"
    refused(chief.http.post(f"{address}/actions/leave"), 409, "parties.gone")
    refused(chief.http.post(f"{address}/enrolment-links"), 409, "parties.gone")
    with world.reading() as session:
        assert session.query(RegisterEntry).filter_by(kind="revocation").one().key_id == clerk.key_id


# ------------------------------------------------------------------------------------------------ programs


def test_a_program_is_created_rotated_and_revoked(sqlite_world: World, chief: Visitor) -> None:
    new = {"organisation_id": str(chief.organisation_id), "label": "Freight system", "roles": ["broker"]}
    created = chief.http.post("/api/v1/clients", json=new)
    assert created.status_code == 201
    client = created.json()
    with sqlite_world.reading() as session:
        stored = session.query(Client).one().secret_hash
        assert stored.startswith("$argon2id$")
        assert client["client_secret"] not in stored

    def token(secret: str) -> int:
        data = {"grant_type": "client_credentials"}
        auth = (client["client_id"], secret)
        return sqlite_world.browser().post("/api/v1/token", data=data, auth=auth).status_code

    address = created.headers["location"]
    assert token(client["client_secret"]) == 200
    stale = chief.http.post(f"{address}/actions/rotate", headers={"If-Match": '"7"'})
    refused(stale, 412, "case.revision-stale")
    rotated = chief.http.post(f"{address}/actions/rotate", headers={"If-Match": created.headers["etag"]})
    assert rotated.headers["etag"] == '"2"'
    assert token(client["client_secret"]) == 401
    assert token(rotated.json()["client_secret"]) == 200
    link = chief.http.post(f"{address}/enrolment-links").json()["token"]
    revoked = chief.http.post(f"{address}/actions/revoke")
    assert revoked.json()["revoked_at"] is not None
    assert "client_secret" not in revoked.json()
    assert token(rotated.json()["client_secret"]) == 401
    for step in ("actions/rotate", "actions/revoke", "enrolment-links"):
        refused(chief.http.post(f"{address}/{step}"), 409, "parties.gone")
    gone = sqlite_world.browser().post("/api/v1/enrolments/challenge", json={"token": link})
    refused(gone, 409, "parties.gone")


def test_programs_of_others_are_not_there(sqlite_world: World, chief: Visitor) -> None:
    program = sqlite_world.program()
    refused(chief.http.get(f"/api/v1/clients/{program.client_id}"), 404, "input.not-found")
    refused(chief.http.post(f"/api/v1/clients/{program.client_id}/actions/revoke"), 404, "input.not-found")
    assert chief.http.get("/api/v1/clients").json()["items"] == []
    seen = program.http.get(f"/api/v1/clients/{program.client_id}")
    assert (seen.status_code, seen.headers["etag"]) == (200, '"1"')
    assert len(program.http.get("/api/v1/clients").json()["items"]) == 1


def test_a_program_may_not_give_itself_another_secret(sqlite_world: World) -> None:
    program = sqlite_world.program()
    answer = program.http.post(f"/api/v1/clients/{program.client_id}/actions/rotate")
    refused(answer, 403, "parties.administrators-only")
    assert program.http.post(f"/api/v1/clients/{program.client_id}/enrolment-links").status_code == 201


def test_only_administrators_create_programs(sqlite_world: World, chief: Visitor) -> None:
    colleague = sqlite_world.visitor(organisation_id=chief.organisation_id)
    new = {"organisation_id": str(chief.organisation_id), "label": "x"}
    refused(colleague.http.post("/api/v1/clients", json=new), 403, "parties.administrators-only")
    beyond = new | {"roles": ["gate"]}
    assert refused(chief.http.post("/api/v1/clients", json=beyond), 422, "input.invalid") == ["/roles"]


def test_an_administrator_who_left_administers_nothing(
    sqlite_world: World, chief: Visitor, clock: ManualClock
) -> None:
    clock.advance(timedelta(seconds=1))
    assert chief.person_id is not None
    sqlite_world.leave(chief.person_id)
    body = new_person(chief.organisation_id)
    assert chief.http.post("/api/v1/persons", json=body).status_code == 401
