"""Where journeys take place, and somebody who walks through its pages with a passkey."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, Response, Route, ViewportSize, expect

from api.command_line.demo.cast import Cast
from api.command_line.demo.dossiers import Dossier
from kernel.database import Database
from kernel.settings import Settings

PHONE: ViewportSize = {"width": 360, "height": 740}
PATIENCE_MS = 120_000
FIRST_REFUSAL = 400


@dataclass(frozen=True)
class Town:
    """A running stack with everybody in it."""

    settings: Settings
    database: Database
    dossier: Dossier
    cast: Cast
    links: dict[str, str]
    """For each person, where a passkey is made, once."""


@dataclass
class Walker:
    """A person with a browser of their own and a passkey on it, on a phone.

    Whatever goes wrong on the way (an error in the console, a forbidden source, an answer that fails, a page wider
    than the screen) is kept in `faults`.
    """

    town: Town
    page: Page
    faults: list[str] = field(default_factory=list)

    @classmethod
    def arrive(cls, town: Town, browser: Browser, name: str, language: str = "en-GB") -> Walker:
        """Open a browser, make a passkey through the one-time link, and wait until it can sign."""
        context = browser.new_context(viewport=PHONE, locale=language)
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(_MEASURE)
        page = context.new_page()
        devices = context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
        walker = cls(town, page)
        page.on("console", lambda said: walker.faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda fault: walker.faults.append(str(fault)))
        page.on("response", walker._judge)
        page.goto(town.links[name])
        page.get_by_role("button", name="Make the passkey").click()
        page.wait_for_url("**/keys")
        return walker

    def can_sign(self) -> None:
        """Wait until the founding members have entered the key; the page says so by itself."""
        expect(self.page.locator("main .badge.good").first).to_be_visible(timeout=PATIENCE_MS)

    def open(self, path: str) -> None:
        """Open a page by its address."""
        self.page.goto(f"{self.town.settings.origin}{path}")

    def follow(self, words: str) -> None:
        """Press a link of the page."""
        self.main.get_by_role("link", name=words).first.click()

    def press(self, words: str) -> None:
        """Press a button of the page."""
        self.main.get_by_role("button", name=words, exact=True).click()

    def fill(self, fields: Mapping[str, object]) -> None:
        """Fill in fields by their names; an absent value is left out."""
        for name, value in fields.items():
            if value is None:
                continue
            place = self.main.locator(f'[name="{name}"]')
            if place.evaluate("field => field.tagName") == "SELECT":
                place.select_option(str(value))
            else:
                place.fill(str(value))

    @contextmanager
    def on_a_slow_line(self) -> Iterator[None]:
        """Let the script of the forms come only at the end of what is done here."""
        held: list[Route] = []
        self.page.route("**/static/forms.js", lambda route: held.append(route))  # noqa: PLW0108 - playwright takes no built-in function
        yield
        for route in held:
            route.continue_()
        self.page.unroute("**/static/forms.js")

    def attach(self, kind: str, path: Path) -> None:
        """Attach a document and wait until it is in the list."""
        form = self.main.locator("form[enctype='multipart/form-data']")
        if not form.is_visible():
            self.main.get_by_text("Attach a document").click()
        form.locator("[name=kind]").select_option(kind)
        form.locator("[name=file]").set_input_files(path)
        form.get_by_text("Attach", exact=True).click()
        expect(self.main.get_by_text(path.name)).to_be_visible(timeout=PATIENCE_MS)

    def sees(self, *states: str) -> None:
        """Wait until the page of a case says by itself that it stands in one of these states, nothing under way."""
        wanted = ", ".join(f'[data-case-state="{state}"][data-pending=""]' for state in states)
        expect(self.page.locator(wanted)).to_be_visible(timeout=PATIENCE_MS)

    @property
    def main(self) -> Locator:
        """The content of the page."""
        return self.page.get_by_role("main")

    @property
    def case_id(self) -> str:
        """Identifier of the case whose page is open."""
        found = re.search(r"/([0-9a-f-]{36})(?:[?#]|$)", self.page.url)
        assert found, self.page.url
        return found[1]

    def leave(self) -> None:
        """Close the browser."""
        self.page.context.close()

    def _judge(self, response: Response) -> None:
        if response.status >= FIRST_REFUSAL:
            self.faults.append(f"{response.status} {response.request.method} {response.url}")


_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
_MEASURE = """
addEventListener("load", () => {
  const {scrollWidth, clientWidth} = document.documentElement;
  if (scrollWidth > clientWidth) console.error(`${location} is ${scrollWidth - clientWidth} px too wide`);
});
"""
"""Tells of a page that is wider than the screen, as an error in the console."""
