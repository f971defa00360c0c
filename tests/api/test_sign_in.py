"""Persons: signing in with a passkey, sessions that end, changes that come from our own pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.doors import Door
from kernel.clock import ManualClock
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.signing import USER_PRESENT, from_base64url, to_base64url
from tests.api import probe
from tests.api.world import Visitor, World
from workflow.parties.models import Ceremony, Key, WebSession


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS, probe.DOOR)


@pytest.fixture
def visitor(sqlite_world: World) -> Visitor:
    return sqlite_world.visitor()


def passkey_of(visitor: Visitor) -> SoftwarePasskey:
    assert visitor.passkey is not None
    return visitor.passkey


def finish(http: httpx.Client, ceremony_id: str, credential: dict[str, Any]) -> httpx.Response:
    return http.post("/api/v1/sign-in/finish", json={"ceremony_id": ceremony_id, "credential": credential})


def begin(http: httpx.Client) -> tuple[str, bytes]:
    begun = http.post("/api/v1/sign-in/begin").json()
    return begun["ceremony_id"], from_base64url(begun["passkey"]["challenge"])


def test_the_anonymous_has_no_session(sqlite_world: World) -> None:
    assert sqlite_world.browser().get("/api/v1/session").status_code == 401


def test_a_passkey_signs_in(world: World) -> None:
    known = world.visitor()
    assert known.person_id is not None
    browser = world.browser()
    answer = world.sign_in(browser, passkey_of(known), user_handle=known.person_id.bytes)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["person_id"], told["name"]) == (str(known.person_id), "Li Na")
    assert told["keys"][0]["standing"] == "active"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie, "over http a secure cookie would never come back"
    assert browser.get("/api/v1/session").json()["csrf_token"] == told["csrf_token"]


def test_the_challenge_asks_for_user_verification_by_any_passkey(sqlite_world: World) -> None:
    options = sqlite_world.browser().post("/api/v1/sign-in/begin").json()["passkey"]
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")
    assert options.get("allowCredentials", []) == []


def test_an_answer_counts_once(sqlite_world: World, visitor: Visitor) -> None:
    browser = sqlite_world.browser()
    ceremony, challenge = begin(browser)
    credential = passkey_of(visitor).assertion(challenge)
    assert finish(browser, ceremony, credential).status_code == 200
    again = finish(sqlite_world.browser(), ceremony, credential)
    assert (again.status_code, again.json()["code"]) == (409, "parties.ceremony-over")


def test_a_challenge_is_over_after_five_minutes(
    sqlite_world: World, visitor: Visitor, clock: ManualClock
) -> None:
    browser = sqlite_world.browser()
    ceremony, challenge = begin(browser)
    clock.advance(timedelta(minutes=5))
    answer = finish(browser, ceremony, passkey_of(visitor).assertion(challenge))
    assert answer.json()["code"] == "parties.ceremony-over"


def test_an_answer_to_another_challenge(sqlite_world: World, visitor: Visitor) -> None:
    browser = sqlite_world.browser()
    ceremony, _ = begin(browser)
    answer = finish(browser, ceremony, passkey_of(visitor).assertion(bytes(32)))
    assert (answer.status_code, answer.json()["code"]) == (401, "parties.passkey-not-accepted")
    assert "set-cookie" not in answer.headers


def test_an_answer_for_another_site(sqlite_world: World, visitor: Visitor) -> None:
    known, browser = passkey_of(visitor), sqlite_world.browser()
    for rp_id, origin in (("evil.example", known.origin), (known.rp_id, "http://evil.example")):
        elsewhere = SoftwarePasskey(rp_id, origin, secret=known.secret, credential_id=known.credential_id)
        assert sqlite_world.sign_in(browser, elsewhere).json()["code"] == "parties.passkey-not-accepted"


def test_an_answer_without_verifying_the_user(sqlite_world: World, visitor: Visitor) -> None:
    known, browser = passkey_of(visitor), sqlite_world.browser()
    careless = SoftwarePasskey(
        known.rp_id, known.origin, secret=known.secret, credential_id=known.credential_id, flags=USER_PRESENT
    )
    assert sqlite_world.sign_in(browser, careless).json()["code"] == "parties.passkey-not-accepted"


def test_an_answer_by_another_key(sqlite_world: World, visitor: Visitor) -> None:
    forged = sqlite_world.passkey()
    forged.credential_id = passkey_of(visitor).credential_id
    answer = sqlite_world.sign_in(sqlite_world.browser(), forged)
    assert answer.json()["code"] == "parties.passkey-not-accepted"


def test_an_unknown_passkey(sqlite_world: World) -> None:
    answer = sqlite_world.sign_in(sqlite_world.browser(), sqlite_world.passkey())
    assert (answer.status_code, answer.json()["code"]) == (401, "parties.passkey-unknown")


@pytest.mark.parametrize("handle", [b"somebody else", bytes(16)])
def test_a_passkey_that_names_another_holder(sqlite_world: World, visitor: Visitor, handle: bytes) -> None:
    answer = sqlite_world.sign_in(sqlite_world.browser(), passkey_of(visitor), user_handle=handle)
    assert answer.json()["code"] == "parties.passkey-not-accepted"


@pytest.mark.parametrize(
    "change",
    [
        {"userHandle": "!"},
        {"clientDataJSON": "!"},
        {"authenticatorData": to_base64url(b"short")},
        {"signature": to_base64url(b"no der")},
        {"clientDataJSON": to_base64url(b"[]")},
    ],
    ids=str,
)
def test_answers_that_cannot_be_read(sqlite_world: World, visitor: Visitor, change: dict[str, str]) -> None:
    browser = sqlite_world.browser()
    ceremony, challenge = begin(browser)
    credential = passkey_of(visitor).assertion(challenge)
    credential["response"] |= change
    answer = finish(browser, ceremony, credential)
    assert (answer.status_code, answer.json()["code"]) == (401, "parties.passkey-not-accepted")


def test_a_counter_that_goes_back_is_refused(sqlite_world: World, visitor: Visitor) -> None:
    with sqlite_world.writing() as session:
        session.query(Key).update({"sign_count": 7})
    answer = sqlite_world.sign_in(sqlite_world.browser(), passkey_of(visitor))
    assert answer.json()["code"] == "parties.passkey-not-accepted"


def test_a_session_ends_by_itself(sqlite_world: World, visitor: Visitor, clock: ManualClock) -> None:
    clock.advance(timedelta(hours=11, minutes=59))
    assert visitor.http.get("/api/v1/session").status_code == 200
    clock.advance(timedelta(minutes=1))
    assert visitor.http.get("/api/v1/session").status_code == 401
    sqlite_world.visitor()
    with sqlite_world.reading() as session:
        assert session.query(WebSession).count() == 1


def test_signing_out_ends_the_session(sqlite_world: World, visitor: Visitor) -> None:
    kept = dict(visitor.http.cookies)
    assert visitor.http.post("/api/v1/sign-out").status_code == 204
    assert "piste_session" not in visitor.http.cookies
    again = sqlite_world.browser()
    again.cookies.update(kept)
    assert again.get("/api/v1/session").status_code == 401


def test_who_leaves_is_signed_out(sqlite_world: World, visitor: Visitor) -> None:
    assert visitor.person_id is not None
    sqlite_world.leave(visitor.person_id)
    assert visitor.http.get("/api/v1/session").status_code == 401
    answer = sqlite_world.sign_in(sqlite_world.browser(), passkey_of(visitor))
    assert answer.json()["code"] == "parties.passkey-unknown"


def test_the_session_cookie_is_stored_as_a_digest(sqlite_world: World, visitor: Visitor) -> None:
    secret = visitor.http.cookies["piste_session"]
    with sqlite_world.reading() as session:
        assert secret.encode() not in session.query(WebSession).one().token_hash


# ---------------------------------------------------------------------------------- changes from elsewhere


def test_a_change_without_the_csrf_token(visitor: Visitor) -> None:
    del visitor.http.headers["X-CSRF-Token"]
    answer = visitor.http.post("/api/v1/probe/write", json={"name": "Anna"})
    assert (answer.status_code, answer.json()["code"]) == (403, "request.forgery-protection")


def test_a_change_with_another_sessions_token(sqlite_world: World, visitor: Visitor) -> None:
    other = sqlite_world.visitor().http.headers["X-CSRF-Token"]
    answer = visitor.http.post("/api/v1/sign-out", headers={"X-CSRF-Token": other})
    assert answer.json()["code"] == "request.forgery-protection"


def test_a_change_from_another_origin(visitor: Visitor) -> None:
    answer = visitor.http.post(
        "/api/v1/probe/write", json={"name": "Anna"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.json()["code"] == "request.forgery-protection"
    own = visitor.http.post(
        "/api/v1/probe/write",
        json={"name": "Anna"},
        headers={"Origin": str(visitor.http.base_url).rstrip("/")},
    )
    assert own.status_code == 201


def test_nobody_is_signed_in_from_another_origin(sqlite_world: World) -> None:
    answer = sqlite_world.browser().post("/api/v1/sign-in/begin", headers={"Origin": "https://evil.example"})
    assert answer.json()["code"] == "request.forgery-protection"
    with sqlite_world.reading() as session:
        assert session.query(Ceremony).count() == 0


def test_a_form_carries_the_token_in_a_field(visitor: Visitor) -> None:
    token = visitor.http.headers.pop("X-CSRF-Token")
    refused = visitor.http.post("/sign-out", data={"csrf_token": "x"})
    assert refused.status_code == 403
    answer = visitor.http.post("/sign-out", data={"csrf_token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "You are signed out." in visitor.http.get("/sign-in").text
    assert "You are signed out." not in visitor.http.get("/sign-in").text


def test_a_program_needs_no_csrf_token(sqlite_world: World) -> None:
    program = sqlite_world.program()
    answer = program.http.post(
        "/api/v1/probe/write", json={"name": "Anna"}, headers={"Origin": "https://elsewhere.example"}
    )
    assert answer.status_code == 201
