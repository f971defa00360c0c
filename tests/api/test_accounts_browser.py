"""The accounts pages in a real browser with a virtual authenticator: enrol, sign in, administer, at 360 px too."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.doors import Door
from ledger.keys.roles import Role
from tests.api import probe
from tests.api.world import GOOD_USCC, World
from workflow.parties.models import Key
from workflow.parties.rules import OrganisationKind

pytestmark = pytest.mark.browser

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
OPTIONS += ["--disable-background-networking", "--disable-component-update"]


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS, probe.DOOR)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, sqlite_world: World) -> Iterator[Page]:
    """Give a page on a phone, with an authenticator that knows its user; whatever breaks in it fails the test."""
    context = chromium.new_context(
        base_url=sqlite_world.context.settings.origin,
        viewport={"width": 360, "height": 740},
        locale="en-GB",
    )
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda said: broken.append(said.text) if "Content Security" in said.text else None)
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    yield page
    context.close()
    assert broken == []


def enrol(world: World, page: Page, *, administrator: bool = False) -> None:
    organisation_id = world.organisation(OrganisationKind.CUSTOMS, founding=True)
    person_id = world.person(organisation_id, Role.SUPERVISOR, administrator=administrator)
    page.goto(f"/enrol/{world.link(person_id=person_id)}")
    page.get_by_label("Name of this device").fill("Pocket phone")
    page.get_by_role("button", name="Make the passkey").click()
    page.wait_for_url("**/keys")


def key_of(world: World) -> bytes:
    with world.reading() as session:
        return session.query(Key).one().key_id


def fits(page: Page) -> bool:
    """Tell whether nothing sticks out to the right."""
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    return wide <= 360


def test_enrol_wait_for_the_register_sign_out_sign_in(sqlite_world: World, page: Page) -> None:
    enrol(sqlite_world, page)
    expect(page.get_by_text("being entered into the consortium register (0 of 2 signatures)")).to_be_visible()
    assert fits(page)
    sqlite_world.grant(key_of(sqlite_world))
    expect(page.get_by_text("in the register: it can sign")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto("/keys")
    page.wait_for_url("**/sign-in?next=%2Fkeys")
    page.get_by_role("button", name="Sign in with a passkey").press("Enter")
    page.wait_for_url("**/keys")
    expect(page.get_by_text("Pocket phone")).to_be_visible()


def test_a_statement_is_signed_over_exactly_its_digest(sqlite_world: World, page: Page) -> None:
    enrol(sqlite_world, page)
    sign = """async (digest) => (await import("/static/passkey.js")).signStatement(digest).then(
        (given) => ({ given }), (refusal) => ({ refused: refusal.problem.code }))"""
    digest = "0x" + "5b" * 32
    assert page.evaluate(sign, digest) == {"refused": "page.no-usable-key"}
    sqlite_world.grant(key_of(sqlite_world))
    given = page.evaluate(sign, digest)["given"]
    assert given["key_id"] == f"0x{key_of(sqlite_world).hex()}"
    checked = sqlite_world.check_signature(given, bytes.fromhex(digest[2:]))
    assert checked is True
    assert sqlite_world.check_signature(given, bytes(32)) is False


def test_administering_by_form(sqlite_world: World, page: Page) -> None:
    enrol(sqlite_world, page, administrator=True)
    page.get_by_role("link", name="Organisations").click()
    page.get_by_text("Admit an organisation").click()
    page.get_by_label("Name (English)").fill("Snowline Freight")
    page.get_by_label("Name (Chinese)").fill("雪线货运")
    page.get_by_label("Registration number").fill(GOOD_USCC[:-1] + "X")
    page.get_by_label("broker", exact=True).check()
    page.get_by_role("button", name="Admit").click()
    expect(page.get_by_text(re.compile("has a wrong check digit")).first).to_be_visible()
    expect(page.get_by_label("Registration number")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Registration number").fill(GOOD_USCC)
    page.get_by_role("button", name="Admit").click()
    page.wait_for_url("**/organisations/*")
    expect(page.locator("[data-notes]").get_by_text("now add its first person")).to_be_visible()
    assert fits(page)
    page.get_by_text("Add a person").click()
    page.get_by_label("Name (English)").fill("Wang Wei")
    page.get_by_label("Name (Chinese)").fill("王伟")
    page.get_by_label("broker", exact=True).check()
    page.get_by_label(re.compile("^Administrator")).check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("now issue an enrolment link")).to_be_visible()
    page.get_by_role("button", name="Enrolment link").click()
    link = page.get_by_label("One-time link, shown only now")
    expect(link).to_have_value(re.compile("/enrol/.{43}$"))
    other = sqlite_world.browser()
    assert "Wang Wei" in other.get(link.input_value().removeprefix(str(other.base_url))).text


def test_programs_by_form(sqlite_world: World, page: Page) -> None:
    enrol(sqlite_world, page, administrator=True)
    page.get_by_role("link", name="My organisation").click()
    page.get_by_text("Add a program or device").click()
    page.get_by_label("Name", exact=True).fill("Gate 1")
    page.get_by_label("gate", exact=True).last.check()
    page.get_by_role("button", name="Add", exact=True).last.click()
    secret = page.get_by_label("Secret, shown only now")
    expect(secret).to_have_value(re.compile(".{43}"))
    client_id = page.get_by_label("Client id").input_value()
    data = {"grant_type": "client_credentials"}
    given = sqlite_world.browser().post("/api/v1/token", data=data, auth=(client_id, secret.input_value()))
    assert given.status_code == 200
    page.get_by_role("link", name="I have kept it").click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke").click()
    # Said by the form before the page is loaded anew, and by the new page among its notes.
    expect(page.locator("[data-notes]").get_by_text("The program was shut out.")).to_be_visible()
    assert fits(page)


def test_a_key_is_revoked_and_its_session_ends(sqlite_world: World, page: Page) -> None:
    enrol(sqlite_world, page)
    page.get_by_text("Revoke this key").click()
    page.get_by_label("Reason").fill("The phone was lost.")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Revoke", exact=True).click()
    page.wait_for_url("**/sign-in?next=*")


def test_the_language_is_switched(sqlite_world: World, page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_passkey_of_nobody_is_refused_in_words(sqlite_world: World, page: Page) -> None:
    enrol(sqlite_world, page)
    with sqlite_world.writing() as session:
        session.query(Key).update({"credential_id": b"another"})
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("This passkey is not known here, or was revoked.")).to_be_visible()
    expect(page.get_by_text("ask for an enrolment link", exact=False).first).to_be_visible()


@pytest.mark.parametrize("address", ["/developers", "/problems", "/problems/input.invalid", "/nothing-here"])
def test_long_pages_fit_a_phone(sqlite_world: World, page: Page, address: str) -> None:
    page.goto(address)
    assert fits(page)
