"""Pages: frame, menu, languages, safety; the interface's description; health."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.descriptions import operations
from api.foundation.doors import Door, Entry, find_doors
from api.foundation.pages import own_address, short
from kernel.archive import FolderArchive
from kernel.clock import ManualClock
from kernel.database import Database
from kernel.errors import Text
from kernel.settings import Settings
from ledger.keys.roles import Role
from tests.api import probe
from tests.api.world import NO_ROLE, World, serving
from workflow.parties.rules import OrganisationKind

API = Path(__file__).resolve().parents[2] / "api"
TEMPLATES = sorted(API.glob("**/templates/**/*.html"))
PUBLIC = ("/sign-in", "/developers", "/problems", "/problems/input.invalid")
OWN = ("/", "/keys", "/organisation")


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS, probe.DOOR)


class Outline(HTMLParser):
    """What a test looks at in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.mark.parametrize("address", OWN)
def test_the_anonymous_is_led_to_the_sign_in_page(sqlite_world: World, address: str) -> None:
    answer = sqlite_world.browser().get(address)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_public_pages(sqlite_world: World, address: str, language: str) -> None:
    answer = sqlite_world.browser().get(address, headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert answer.headers["content-language"] == language
    assert Outline(answer.text).all("html")[0]["lang"] == {"en": "en", "zh": "zh-CN"}[language]
    assert not Outline(answer.text).all("nav")


@pytest.mark.parametrize("address", ["/keys", "/organisation", "/organisations"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_own_pages(sqlite_world: World, address: str, language: str) -> None:
    visitor = sqlite_world.visitor(
        Role.SUPERVISOR, kind=OrganisationKind.CUSTOMS, administrator=True, founding=True
    )
    answer = visitor.http.get(address, headers={"Accept-Language": language})
    assert answer.status_code == 200
    outline = Outline(answer.text)
    assert len(outline.all("h1")) == 1
    labelled = [attributes for attributes in outline.all("meta") if attributes.get("name") == "csrf-token"]
    assert labelled[0]["content"] == visitor.http.headers["X-CSRF-Token"]
    current = [link for link in outline.all("a") if link.get("aria-current") == "page"]
    assert [link["href"] for link in current] == [address]


def test_the_first_page_leads_to_what_waits_or_greets(sqlite_world: World) -> None:
    led = sqlite_world.visitor(Role.BROKER).http.get("/")
    assert (led.status_code, led.headers["location"]) == (303, "/todo")
    greeted = sqlite_world.visitor(NO_ROLE).http.get("/")
    assert greeted.status_code == 200
    assert "Welcome, Li Na" in greeted.text


def test_pages_show_nothing_of_others(sqlite_world: World) -> None:
    visitor, other = sqlite_world.visitor(), sqlite_world.visitor()
    answer = visitor.http.get(f"/organisations/{other.organisation_id}")
    assert answer.status_code == 404
    assert "There is no organisation" in answer.text


def test_forms_that_nobody_may_use_are_not_shown(sqlite_world: World) -> None:
    plain = sqlite_world.visitor()
    assert "/api/v1/clients" not in plain.http.get("/organisation").text
    chief = sqlite_world.visitor(administrator=True)
    shown = chief.http.get("/organisation").text
    assert 'data-api="/api/v1/clients"' in shown
    assert "admit" not in chief.http.get("/organisations").text.lower()


def test_names_are_escaped(sqlite_world: World) -> None:
    organisation_id = sqlite_world.organisation(name_en="<script>alert(1)</script>")
    visitor = sqlite_world.visitor(organisation_id=organisation_id)
    for address in (*OWN, "/organisations"):
        assert "<script>alert" not in visitor.http.get(address).text


def test_the_menu_shows_what_the_roles_allow(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor()
    shown = visitor.http.get("/probe").text
    assert "For brokers" in shown
    assert "For gates" not in shown


def test_menu_entries() -> None:
    everyone = Entry(path="/x", label=Text("x", "x"))
    chiefs = Entry(path="/x", label=Text("x", "x"), administrators=True)
    gates = Entry(path="/x", label=Text("x", "x"), roles=Role.GATE)
    assert everyone.shown_to(Role(0), administrator=False)
    assert not chiefs.shown_to(Role.GATE, administrator=False)
    assert chiefs.shown_to(Role(0), administrator=True)
    assert gates.shown_to(Role.GATE | Role.LOG, administrator=False)
    assert not gates.shown_to(Role.LOG, administrator=True)


def test_the_language_is_kept(sqlite_world: World) -> None:
    browser = sqlite_world.browser()
    answer = browser.post("/language", data={"language": "zh", "next": "/problems?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/problems?x=1")
    assert browser.get("/sign-in").headers["content-language"] == "zh"
    browser.post("/language", data={"language": "xx"})
    assert browser.get("/sign-in").headers["content-language"] == "zh"


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("/keys?x=1", "/keys?x=1"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/x\\y", "/"),
        ("/a\nb", "/"),
        ("keys", "/"),
        ("", "/"),
        (None, "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_one_is_led_to_own_pages_only(wanted: str | None, given: str) -> None:
    assert own_address(wanted) == given


def test_the_sign_in_page_leads_on(sqlite_world: World) -> None:
    text = sqlite_world.browser().get("/sign-in?next=/keys").text
    assert 'data-next="/keys"' in text
    assert 'data-next="/"' in sqlite_world.browser().get("/sign-in?next=//evil.example").text


def test_digests_are_shortened() -> None:
    assert short(b"\xab" * 32) == short("0x" + "ab" * 32) == "0xabababab…"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(API)))
def test_templates_hold_no_script_no_style_and_nothing_from_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)", text)
    assert not re.search(r"<style|\sstyle=|\son\w+=\"|javascript:", text)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text)
    assert "|safe" not in text.replace(" ", "")


@pytest.mark.parametrize("path", sorted((API / "static").glob("*.js")), ids=lambda path: path.name)
def test_scripts_build_no_markup_from_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )
    assert not re.search(r"https?://", text)


def test_safe_headers(sqlite_world: World) -> None:
    visitor = sqlite_world.visitor()
    for address in ("/keys", "/api/v1/session", "/static/forms.js", "/nothing", "/api/v1/nothing"):
        headers = visitor.http.get(address).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in headers
        assert "server" not in headers or headers["server"] == "uvicorn"
    assert visitor.http.get("/keys").headers["cache-control"] == "no-store"


@pytest.fixture
def secure_world(
    sqlite_database: Database, settings: Settings, archive: FolderArchive, clock: ManualClock
) -> Iterator[World]:
    public = settings.model_copy(update={"public_url": "https://piste.example"})
    with serving(sqlite_database.address, public, archive, clock, doors=(ACCOUNTS,)) as world:
        yield world


def test_over_https_cookies_stay_there(secure_world: World) -> None:
    secure_world.base_url = f"http://localhost:{secure_world.context.settings.port}"
    person_id = secure_world.person(secure_world.organisation())
    answer = secure_world.enrol(
        secure_world.browser(), secure_world.link(person_id=person_id), secure_world.passkey()
    )
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-piste_session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "strict-transport-security" in answer.headers


# ------------------------------------------------------------------------------------------- description


def test_the_description_is_complete(sqlite_world: World) -> None:
    answer = sqlite_world.browser().get("/api/v1/openapi.json")
    description = answer.json()
    assert description["openapi"] == "3.1.0"
    assert set(description["components"]["securitySchemes"]) == {"client", "session"}
    assert {tag["name"] for tag in description["tags"]} >= {"accounts", "probe"}
    missing = []
    for method, path, operation in operations(description):
        name = f"{method} {path}"
        if not path.startswith("/api/v1"):
            continue
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        assert "security" in operation, name
        for status, told in operation["responses"].items():
            for kind, content in told.get("content", {}).items():
                if "example" not in content and "/probe/" not in path:
                    missing.append(f"{name} {status} {kind}")
        if operation["security"] and method != "GET" and "/probe/look" not in path:
            names = {parameter["name"] for parameter in operation["parameters"]}
            assert "Idempotency-Key" in names, name
        assert "401" in operation["responses"] or not operation["security"], name
    assert missing == []


def test_refusals_are_described_as_problems(sqlite_world: World) -> None:
    description = sqlite_world.browser().get("/api/v1/openapi.json").json()
    answers = description["paths"]["/api/v1/organisations"]["post"]["responses"]
    for status in ("401", "403", "409", "413", "422", "429", "503"):
        content = answers[status]["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert content["example"]["status"] == int(status)


def test_every_door_is_found_in_order() -> None:
    found = find_doors()
    assert ACCOUNTS in found
    assert [door.position for door in found] == sorted(door.position for door in found)
    assert len({door.name for door in found}) == len(found)


# ------------------------------------------------------------------------------------------------ health


def test_the_service_lives(sqlite_world: World) -> None:
    assert sqlite_world.browser().get("/healthz").json() == {"status": "live"}


def test_without_a_node_work_goes_on(world: World) -> None:
    answer = world.browser().get("/readyz")
    told = answer.json()
    assert (answer.status_code, told["status"]) == (200, "degraded")
    assert {check["name"]: check["good"] for check in told["checks"]} == {
        "database": True,
        "node": False,
        "outbox": True,
    }


def test_without_a_database_nothing_can_be_served(sqlite_world: World, tmp_path: Path) -> None:
    place = sqlite_world.app.state.installation
    away = Database(f"sqlite:///{tmp_path}/nowhere/piste.sqlite3")
    object.__setattr__(place, "database", away)
    answer = sqlite_world.browser().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not-ready")
    refused = sqlite_world.browser().post("/api/v1/sign-in/begin")
    assert (refused.status_code, refused.json()["code"]) == (503, "service.database-unavailable")
    assert refused.headers["retry-after"] == "5"
    object.__setattr__(place, "database", sqlite_world.database)
    away.dispose()
