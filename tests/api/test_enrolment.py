"""Keys come in through one-time links, prove themselves, and stand where the register says."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.doors import Door
from kernel.clock import ManualClock
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.roles import Role
from ledger.keys.signing import (
    USER_PRESENT,
    P256Signer,
    Secp256k1Signer,
    Signer,
    from_base64url,
    passkey_signer,
)
from ledger.statements import Checkpoint
from ledger.statements import key_id as key_id_of
from tests.api.world import DEPLOYMENT, Visitor, World
from workflow.engine.cases import HistoryEntry
from workflow.engine.decisions import KeyRevoked, check_signature
from workflow.engine.principals import SYSTEM_PRINCIPAL, Principal
from workflow.engine.schemas import SignatureInput
from workflow.parties import service
from workflow.parties.models import EnrolmentLink, Key, RegisterEntry
from workflow.parties.rules import MOST_KEYS, possession_digest
from workflow.parties.schemas import NewClient

KINDS: dict[str, Signer] = {
    "secp256k1": Secp256k1Signer.generate(),
    "p256": P256Signer.generate(DEPLOYMENT),
}


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS,)


@pytest.fixture
def person_id(sqlite_world: World) -> UUID:
    return sqlite_world.person(sqlite_world.organisation(), Role.BROKER)


def client_of(world: World) -> UUID:
    organisation_id = world.organisation()
    with world.writing() as session:
        new = NewClient(organisation_id=organisation_id, label="Gate 1", roles=["broker"])
        return service.create_client(session, world.context, SYSTEM_PRINCIPAL, new)[0].id


def enrol_software(world: World, token: str, key: Signer, **changes: object) -> httpx.Response:
    browser = world.browser()
    begun = browser.post("/api/v1/enrolments/challenge", json={"token": token}).json()
    digest = possession_digest(bytes.fromhex(begun["challenge"][2:]), key.signer)
    body = {
        "token": token,
        "ceremony_id": begun["ceremony_id"],
        "label": "key of 2026",
        "signer": f"0x{key.signer.hex()}",
        "signature": f"0x{key.sign(digest).hex()}",
    }
    return browser.post("/api/v1/enrolments/software-key", json=body | changes)


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_anonymous_gets_no_link(sqlite_world: World, person_id: UUID) -> None:
    answer = sqlite_world.browser().post(f"/api/v1/persons/{person_id}/enrolment-links")
    refused(answer, 401, "access.not-signed-in")


def test_the_anonymous_gets_no_challenge_without_a_link(sqlite_world: World) -> None:
    answer = sqlite_world.browser().post("/api/v1/enrolments/challenge", json={"token": "x" * 43})
    refused(answer, 409, "parties.link-not-valid")


def test_a_passkey_is_enrolled_and_signed_in(world: World) -> None:
    person_id = world.person(world.organisation(), Role.BROKER)
    browser, passkey = world.browser(), world.passkey()
    answer = world.enrol(browser, world.link(person_id=person_id), passkey)
    assert answer.status_code == 201
    told = answer.json()
    expected = passkey_signer(passkey.public_key, DEPLOYMENT)
    assert told["signer"] == f"0x{expected.hex()}"
    assert told["key_id"] == f"0x{key_id_of(expected).hex()}"
    assert (told["kind"], told["person_id"], told["roles"]) == ("passkey", str(person_id), ["broker"])
    assert told["standing"] == "entering"
    assert told["standing_words"] == "being entered into the consortium register (0 of 2 signatures)"
    assert browser.get("/api/v1/session").json()["person_id"] == str(person_id)
    with world.reading() as session:
        entry = session.query(RegisterEntry).filter_by(kind="grant").one()
        assert (entry.signer, entry.roles, entry.officer_id) == (expected, int(Role.BROKER), person_id)
        assert session.query(HistoryEntry).filter_by(case_id=person_id, event="enrol_key").count() == 1


def test_the_key_is_active_once_the_register_has_it(world: World) -> None:
    visitor = world.visitor(granted=False)
    address = f"/api/v1/keys/0x{visitor.key_id.hex()}"
    assert visitor.http.get(address).json()["standing"] == "entering"
    assert "being entered" in visitor.http.get("/keys").text
    world.grant(visitor.key_id)
    told = visitor.http.get(address, headers={"Accept-Language": "zh"}).json()
    assert (told["standing"], told["standing_words"]) == ("active", "已登记，可用于签署")
    world.grant(visitor.key_id, valid_until=1)
    assert visitor.http.get(address).json()["standing"] == "lapsed"
    world.grant(visitor.key_id, revoked_at_block=9)
    assert visitor.http.get(address).json()["standing"] == "revoked"


def test_a_person_without_a_role_signs_in_only(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor(Role(0), granted=False)
    assert visitor.http.get("/api/v1/session").json()["keys"][0]["standing"] == "sign_in_only"


def test_a_link_serves_once(sqlite_world: World, person_id: UUID) -> None:
    token = sqlite_world.link(person_id=person_id)
    assert sqlite_world.enrol(sqlite_world.browser(), token, sqlite_world.passkey()).status_code == 201
    again = sqlite_world.browser().post("/api/v1/enrolments/challenge", json={"token": token})
    refused(again, 409, "parties.link-not-valid")


def test_a_link_is_over_after_a_day(sqlite_world: World, person_id: UUID, clock: ManualClock) -> None:
    token = sqlite_world.link(person_id=person_id)
    clock.advance(timedelta(hours=24))
    page = sqlite_world.browser().get(f"/enrol/{token}")
    assert page.status_code == 409
    assert "Ask your administrator for a new link." in page.text


def test_a_links_secret_is_stored_as_a_digest(sqlite_world: World, person_id: UUID) -> None:
    token = sqlite_world.link(person_id=person_id)
    with sqlite_world.reading() as session:
        assert token.encode() not in session.query(EnrolmentLink).one().token_hash


def test_a_links_secret_stays_out_of_the_log(
    sqlite_world: World, person_id: UUID, capfd: pytest.CaptureFixture[str]
) -> None:
    token = sqlite_world.link(person_id=person_id)
    page = sqlite_world.browser().get(f"/enrol/{token}")
    assert page.status_code == 200
    assert "Li Na" in page.text
    logged, deadline = "", time.monotonic() + 20
    while "/enrol/" not in logged and time.monotonic() < deadline:
        logged += capfd.readouterr().out
    assert "/enrol/…" in logged or "/enrol/\\u2026" in logged
    assert token not in logged


def test_who_has_left_enrols_nothing(sqlite_world: World, person_id: UUID) -> None:
    token = sqlite_world.link(person_id=person_id)
    sqlite_world.leave(person_id)
    refused(
        sqlite_world.browser().post("/api/v1/enrolments/challenge", json={"token": token}),
        409,
        "parties.gone",
    )


def test_a_passkey_without_user_verification(sqlite_world: World, person_id: UUID) -> None:
    careless = sqlite_world.passkey(flags=USER_PRESENT)
    answer = sqlite_world.enrol(sqlite_world.browser(), sqlite_world.link(person_id=person_id), careless)
    refused(answer, 422, "parties.passkey-registration-refused")


def test_a_passkey_of_another_site(sqlite_world: World, person_id: UUID) -> None:
    elsewhere = SoftwarePasskey("localhost", "http://evil.example")
    answer = sqlite_world.enrol(sqlite_world.browser(), sqlite_world.link(person_id=person_id), elsewhere)
    refused(answer, 422, "parties.passkey-registration-refused")
    with sqlite_world.reading() as session:
        assert session.query(EnrolmentLink).one().used_at is None, "the link is still good"


def test_a_registration_that_cannot_be_read(sqlite_world: World, person_id: UUID) -> None:
    token, browser = sqlite_world.link(person_id=person_id), sqlite_world.browser()
    begun = browser.post("/api/v1/enrolments/challenge", json={"token": token}).json()
    credential = sqlite_world.passkey().registration(from_base64url(begun["passkey"]["challenge"]))
    for change in ({"attestationObject": "oWNm"}, {"clientDataJSON": "W10"}, {"attestationObject": 7}):
        body = {"token": token, "ceremony_id": begun["ceremony_id"], "label": "x"}
        wrong = credential | {"response": credential["response"] | change}
        answer = browser.post("/api/v1/enrolments/passkey", json=body | {"credential": wrong})
        refused(answer, 422, "parties.passkey-registration-refused")


def test_a_challenge_of_another_link(sqlite_world: World, person_id: UUID) -> None:
    browser, passkey = sqlite_world.browser(), sqlite_world.passkey()
    one, other = (sqlite_world.link(person_id=person_id) for _ in range(2))
    begun = browser.post("/api/v1/enrolments/challenge", json={"token": one}).json()
    credential = passkey.registration(from_base64url(begun["passkey"]["challenge"]))
    body = {"token": other, "ceremony_id": begun["ceremony_id"], "label": "x", "credential": credential}
    refused(browser.post("/api/v1/enrolments/passkey", json=body), 409, "parties.link-not-valid")


def test_the_same_passkey_twice(sqlite_world: World, person_id: UUID) -> None:
    passkey = sqlite_world.passkey()
    first = sqlite_world.enrol(sqlite_world.browser(), sqlite_world.link(person_id=person_id), passkey)
    assert first.status_code == 201
    again = sqlite_world.enrol(sqlite_world.browser(), sqlite_world.link(person_id=person_id), passkey)
    refused(again, 409, "parties.key-known")


def test_a_holder_has_so_many_keys_and_no_more(sqlite_world: World, person_id: UUID) -> None:
    for _ in range(MOST_KEYS):
        token = sqlite_world.link(person_id=person_id)
        sqlite_world.enrol(sqlite_world.browser(), token, sqlite_world.passkey())
    token = sqlite_world.link(person_id=person_id)
    answer = sqlite_world.browser().post("/api/v1/enrolments/challenge", json={"token": token})
    refused(answer, 409, "parties.too-many-keys")


@pytest.mark.parametrize("kind", KINDS)
def test_a_software_key_proves_itself(world: World, kind: str) -> None:
    client_id = client_of(world)
    signer = KINDS[kind]
    answer = enrol_software(world, world.link(client_id=client_id), signer)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["kind"], told["client_id"], told["credential_id"]) == (kind, str(client_id), None)
    assert told["key_id"] == f"0x{signer.key_id.hex()}"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("kind", KINDS)
def test_a_software_key_that_does_not_prove_itself(sqlite_world: World, kind: str) -> None:
    signer, token = KINDS[kind], sqlite_world.link(client_id=client_of(sqlite_world))
    for wrong in (
        signer.sign(bytes(32)),
        KINDS["p256" if kind == "secp256k1" else "secp256k1"].sign(bytes(32)),
    ):
        answer = enrol_software(sqlite_world, token, signer, signature=f"0x{wrong.hex()}")
        refused(answer, 422, "parties.software-key-unfit")


def test_a_challenge_signed_as_it_is_proves_nothing(sqlite_world: World) -> None:
    """Else a service could have a statement's digest signed under the name of a challenge."""
    signer, token = KINDS["secp256k1"], sqlite_world.link(client_id=client_of(sqlite_world))
    begun = sqlite_world.browser().post("/api/v1/enrolments/challenge", json={"token": token}).json()
    signature = signer.sign(bytes.fromhex(begun["challenge"][2:]))
    answer = enrol_software(sqlite_world, token, signer, signature=f"0x{signature.hex()}")
    refused(answer, 422, "parties.software-key-unfit")


@pytest.mark.parametrize("signer", [b"\x01" * 19, b"\x01" * 84, b"\x01" * 21])
def test_a_signer_of_no_kind_that_the_contracts_check(sqlite_world: World, signer: bytes) -> None:
    token = sqlite_world.link(client_id=client_of(sqlite_world))
    wrong = {"signer": f"0x{signer.hex()}"}
    answer = enrol_software(sqlite_world, token, KINDS["secp256k1"], **wrong)
    refused(answer, 422, "parties.software-key-unfit")


def test_a_client_enrols_no_passkey(sqlite_world: World) -> None:
    token, browser = sqlite_world.link(client_id=client_of(sqlite_world)), sqlite_world.browser()
    begun = browser.post("/api/v1/enrolments/challenge", json={"token": token}).json()
    assert begun["passkey"] is None
    credential = sqlite_world.passkey().registration(bytes.fromhex(begun["challenge"][2:]))
    body = {"token": token, "ceremony_id": begun["ceremony_id"], "label": "x", "credential": credential}
    refused(browser.post("/api/v1/enrolments/passkey", json=body), 409, "parties.link-not-valid")
    assert "software key" in sqlite_world.browser().get(f"/enrol/{token}").text


# --------------------------------------------------------------------------------------------- revocation


def revoke(visitor: Visitor, key_id: bytes, **headers: str) -> httpx.Response:
    return visitor.http.post(
        f"/api/v1/keys/0x{key_id.hex()}/actions/revoke",
        json={"reason": "The phone was lost."},
        headers=headers,
    )


def test_the_anonymous_revokes_nothing(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor()
    visitor.http.cookies.clear()
    refused(revoke(visitor, visitor.key_id), 401, "access.not-signed-in")


def test_a_revoked_key_signs_nobody_in_any_more(world: World) -> None:
    visitor = world.visitor(granted=False)
    assert visitor.passkey is not None
    answer = revoke(visitor, visitor.key_id)
    assert (answer.status_code, answer.json()["standing"]) == (200, "revoked"), "nobody had signed the grant"
    assert visitor.http.get("/api/v1/session").status_code == 401
    assert world.sign_in(world.browser(), visitor.passkey).json()["code"] == "parties.passkey-unknown"


def test_a_key_in_the_register_is_taken_out_of_it(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor()
    with sqlite_world.writing() as session:
        session.query(RegisterEntry).filter_by(kind="grant").update({"state": "entered"})
    answer = revoke(visitor, visitor.key_id)
    assert answer.json()["standing"] == "revoking"
    with sqlite_world.reading() as session:
        assert session.query(RegisterEntry).filter_by(kind="revocation").one().key_id == visitor.key_id


def test_a_key_taken_out_of_use_signs_nothing_even_before_the_register_knows(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor()
    assert revoke(visitor, visitor.key_id).status_code == 200
    with sqlite_world.reading() as session:
        key = session.query(Key).one()
        who = Principal(
            organisation_id=key.organisation_id, roles=Role(key.roles), person_id=key.person_id, name="Li Na"
        )
        signature = SignatureInput(key_id=f"0x{key.key_id.hex()}", signature="0x00")
        with pytest.raises(KeyRevoked):
            check_signature(
                session, sqlite_world.context, who, Checkpoint(1, bytes(32), 0), signature, who.roles
            )


def test_a_key_is_revoked_once(sqlite_world: World) -> None:
    organisation_id = sqlite_world.organisation()
    visitor = sqlite_world.visitor(organisation_id=organisation_id)
    chief = sqlite_world.visitor(organisation_id=organisation_id, administrator=True)
    assert revoke(chief, visitor.key_id).status_code == 200
    refused(revoke(chief, visitor.key_id), 409, "parties.key-revoked-already")


def test_a_colleague_revokes_nothing(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor()
    colleague = sqlite_world.visitor(organisation_id=visitor.organisation_id)
    refused(revoke(colleague, visitor.key_id), 403, "parties.administrators-only")


def test_another_firm_does_not_even_find_it(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor()
    stranger = sqlite_world.visitor(administrator=True)
    refused(revoke(stranger, visitor.key_id), 404, "input.not-found")
    refused(stranger.http.get(f"/api/v1/keys/0x{visitor.key_id.hex()}"), 404, "input.not-found")
    listed = stranger.http.get("/api/v1/keys").json()["items"]
    assert [key["key_id"] for key in listed] == [f"0x{stranger.key_id.hex()}"]


def test_a_key_that_changed_meanwhile(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor()
    with sqlite_world.reading() as session:
        revision = session.query(Key).one().revision
    refused(revoke(visitor, visitor.key_id, **{"If-Match": f'"{revision + 1}"'}), 412, "case.revision-stale")
    assert revoke(visitor, visitor.key_id, **{"If-Match": f'"{revision}"'}).status_code == 200
