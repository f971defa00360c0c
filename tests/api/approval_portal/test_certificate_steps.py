"""What the committee decides on certificates, and customs after it."""

from __future__ import annotations

import pytest

from tests.api.cast import Cast, fields, nobody, problem
from tests.api.world import World


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


@pytest.mark.parametrize("event", ["approve", "return_to_firm", "reject", "revoke"])
def test_the_anonymous_decides_nothing(sqlite_world: World, event: str) -> None:
    http, path = sqlite_world.browser(), f"/api/v1/certificates/{nobody()}/actions/{event}"
    problem(http.post(path, json={}), 401, "access.not-signed-in")
    problem(http.post(f"{path}/statement", json={}), 401, "access.not-signed-in")


def test_a_reason_is_given_where_one_is_needed(lite: Cast) -> None:
    case = lite.certificate(until="under_committee_review")
    for event in ("return_to_firm", "reject"):
        path = f"/certificates/{case['id']}/actions/{event}"
        for reason in ("", "   "):
            told = problem(
                lite.committee.post(f"{path}/statement", {"reason": reason}), 422, "case.reason-missing"
            )
            assert set(fields(told)) == {"/reason"}
        told = problem(lite.committee.post(f"{path}/statement", {"reason": "x" * 1001}), 422, "input.invalid")
        assert set(fields(told)) == {"/reason"}
        told = problem(lite.committee.post(f"{path}/statement", {"reason": "a\x00b"}), 422, "input.invalid")
        assert set(fields(told)) == {"/reason"}


def test_the_reason_is_part_of_what_is_signed(lite: Cast) -> None:
    case = lite.certificate(until="under_committee_review")
    path = f"/certificates/{case['id']}/actions/reject"
    body = lite.committee.signed(path, reason="The goods do not belong to the Games.")
    problem(lite.committee.post(path, {**body, "reason": "Because."}), 422, "signature.wrong")
    assert lite.committee.post(path, body).status_code == 202


def test_rejected_is_final(lite: Cast) -> None:
    case = lite.certificate(until="under_committee_review")
    path = f"/certificates/{case['id']}"
    rejected = lite.go(lite.committee, f"{path}/actions/reject", reason="Not for the Games.")
    assert (rejected["state"], rejected["actions"]) == ("rejected", [])
    problem(lite.broker.post(f"{path}/actions/revise", {}), 409, "case.transition-refused")


def test_each_party_in_its_turn(lite: Cast) -> None:
    case = lite.certificate(until="under_committee_review")
    path = f"/certificates/{case['id']}/actions"
    told = problem(lite.documents_officer.post(f"{path}/approve/statement", {}), 403, "access.not-permitted")
    assert "committee" in told["faults"][0]["next_step"]
    problem(lite.documents_officer.post(f"{path}/file/statement", {}), 409, "case.transition-refused")
    problem(lite.broker.post(f"{path}/approve/statement", {}), 403, "access.not-permitted")
    lite.go(lite.committee, f"{path}/approve")
    problem(lite.committee.post(f"{path}/return_to_firm/statement", {}), 403, "access.not-permitted")
    returned = lite.go(lite.documents_officer, f"{path}/return_to_firm", reason="The guarantee has lapsed.")
    assert returned["state"] == "returned"


def test_a_revoked_one_is_drawn_on_no_more(lite: Cast) -> None:
    certificate = lite.certificate()
    path = f"/certificates/{certificate['id']}"
    assert lite.committee.get("/certificates", due=True).json()["items"] == []
    revoked = lite.go(lite.committee, f"{path}/actions/revoke", reason="The holder withdrew.")
    assert revoked["state"] == "revoked"
    answer = lite.broker.post("/declarations", lite.declaration_content(certificate))
    assert set(fields(problem(answer, 422, "input.invalid"))) == {"/lines/0/certificate_number"}


def test_a_person_signs_with_a_passkey(lite: Cast) -> None:
    case = lite.certificate(until="under_committee_review")
    world = lite.world
    committee = world.visitor(
        lite.committee.actor.principal.roles, organisation_id=lite.committee.organisation_id
    )
    assert committee.passkey is not None
    path = f"/api/v1/certificates/{case['id']}/actions/approve"
    statement = committee.http.post(f"{path}/statement", json={}).json()
    answer = committee.passkey.assertion(bytes.fromhex(statement["digest"][2:]))["response"]
    body = {
        "signed_at": statement["signed_at"],
        "signature": {
            "key_id": f"0x{committee.key_id.hex()}",
            "webauthn": {
                "authenticator_data": answer["authenticatorData"],
                "client_data_json": answer["clientDataJSON"],
                "signature": answer["signature"],
            },
        },
    }
    changed = {**body, "signature": {**body["signature"], "signature": "0x" + "1c" * 65}}
    told = problem(committee.http.post(path, json=changed), 422, "input.invalid")
    assert set(fields(told).values()) == {"signature.one-of-two"}
    broken = {
        **body,
        "signature": {
            **body["signature"],
            "webauthn": {"authenticator_data": "AAAA", "client_data_json": "e30", "signature": "AAAA"},
        },
    }
    refused = committee.http.post(path, json=broken)
    assert refused.status_code == 422, refused.text
    taken = committee.http.post(path, json=body)
    assert (taken.status_code, taken.json()["pending_event"]) == (202, "approve")
    without_token = world.browser()
    without_token.cookies = committee.http.cookies
    problem(without_token.post(path, json=body), 403, "request.forgery-protection")
