"""The page and the trust anchor as Piste serves them: to everybody, and telling what this installation knows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from api.accounts.door import DOOR as ACCOUNTS
from api.foundation.doors import Door
from api.verifier.door import DOOR as VERIFIER
from ledger.mirrors import LedgerCheckpoint
from ledger.verifier import TrustAnchor
from tests.api.verifier.test_page_browser import OPTIONS, give, outcome
from tests.api.world import World


@pytest.fixture
def doors() -> tuple[Door, ...]:
    return (ACCOUNTS, VERIFIER)


def checkpoint(world: World, size: int) -> None:
    with world.writing() as session:
        session.add(
            LedgerCheckpoint(
                size=size,
                root=bytes(32),
                statement=None,
                block_number=1,
                transaction_hash=bytes(32),
                anchored_at=world.context.clock.now(),
            )
        )


def test_everybody_may_take_the_trust_anchor(sqlite_world: World) -> None:
    answer = sqlite_world.browser().get("/api/v1/trust-anchor")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, no-cache"
    anchor = TrustAnchor.from_bytes(answer.content)
    assert anchor.network.chain_id == sqlite_world.context.deployment.chain_id
    assert anchor.threshold == 2


def test_a_known_anchor_is_not_sent_again_until_there_is_news(sqlite_world: World) -> None:
    http = sqlite_world.browser()
    addresses = ("/api/v1/trust-anchor", "/verify")
    known = {address: {"If-None-Match": http.get(address).headers["etag"]} for address in addresses}
    assert [http.get(address, headers=known[address]).status_code for address in addresses] == [304, 304]
    checkpoint(sqlite_world, 40)
    assert [http.get(address, headers=known[address]).status_code for address in addresses] == [200, 200]
    assert http.get("/api/v1/trust-anchor").json()["known"]["checkpoint"] == 40


def test_the_page_is_served_to_everybody_with_its_own_policy(sqlite_world: World) -> None:
    answer = sqlite_world.browser().get("/verify")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.endswith("frame-ancestors 'none'")
    assert "camera=(self)" in answer.headers["permissions-policy"]
    embedded = answer.text.partition('id="trust-anchor">')[2].partition("</script>")[0]
    assert json.loads(embedded) == sqlite_world.browser().get("/api/v1/trust-anchor").json()


def test_without_good_founders_the_page_is_served_empty(sqlite_world: World) -> None:
    founder = {
        "organisation": "0192f0a1-7c3e-7d45-9b1a-2f6e8c4d1b70",
        "name": {"en": "A", "zh": "甲"},
        "signer": "0x" + "11" * 20,
    }
    path = sqlite_world.context.settings.data_dir / "founders.json"
    path.write_text(json.dumps({"founders": [founder, founder], "threshold": 2}), encoding="utf-8")
    http = sqlite_world.browser()
    assert 'id="trust-anchor">null</script>' in http.get("/verify").text
    refused = http.get("/api/v1/trust-anchor")
    assert (refused.status_code, refused.json()["code"]) == (409, "trust.founders")


def test_names_cannot_end_the_element(sqlite_world: World) -> None:
    founder = {
        "organisation": "0192f0a1-7c3e-7d45-9b1a-2f6e8c4d1b70",
        "name": {"en": "</script><b>", "zh": "<!--"},
        "signer": "0x" + "11" * 20,
    }
    path = sqlite_world.context.settings.data_dir / "founders.json"
    path.write_text(json.dumps({"founders": [founder], "threshold": 1}), encoding="utf-8")
    text = sqlite_world.browser().get("/verify").text
    assert "</script><b>" not in text
    embedded = json.loads(text.partition('id="trust-anchor">')[2].partition("</script>")[0])
    assert embedded["founders"][0]["name"]["en"] == "</script><b>"


def test_the_way_to_the_page(sqlite_world: World) -> None:
    text = sqlite_world.browser().get("/sign-in").text
    assert text.count('href="/verify"') == 2


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
        yield browser
        browser.close()


@pytest.mark.browser
def test_the_served_page_trusts_this_installation_and_then_needs_no_network(
    sqlite_world: World, chromium: Browser
) -> None:
    context = chromium.new_context(base_url=sqlite_world.context.settings.origin, locale="en-GB")
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
    page.goto("/sign-in")
    page.get_by_role("link", name="Check a paper without signing in").click()
    page.wait_for_url("**/verify")
    context.set_offline(True)
    page.get_by_text("More").click()
    expect(page.get_by_text("came with this page", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Keep this page for use without a network")).to_be_visible()
    give(page, "#files", ("letter.pdf", b"%PDF-1.7\nan ordinary letter"))
    outcome(page, "altered")
    context.close()
    assert broken == []
