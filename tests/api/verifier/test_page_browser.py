"""The verifier's page in a real browser, opened from disk with the network off."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import segno
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FilePayload,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from ledger.verifier.reading import canonical
from tests.api.verifier.making import Json, Town, codes
from tests.test_house import ROOT

pytestmark = pytest.mark.browser

PAGE = ROOT / "api" / "verifier" / "verify.html"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
OPTIONS += ["--disable-background-networking", "--disable-component-update"]
PHONE, DESK = 360, 1440
PATIENCE_MS = 30_000
TOWN = Town()
SMALL = 260
"""Characters a code where a whole bundle is to be read from small pictures."""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=OPTIONS)
    yield browser
    browser.close()


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open the page from disk, offline; whatever breaks in it, or asks for anything, fails the test."""
    contexts: list[BrowserContext] = []
    broken: list[str] = []

    def open_page(*, width: int = PHONE, locale: str = "en-GB", trust: bytes | None = TOWN.anchor()) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 740}, locale=locale, timezone_id="Asia/Shanghai", offline=True
        )
        contexts.append(context)
        page = context.new_page()
        watch(page, broken)
        page.goto(PAGE.as_uri())
        if trust is not None:
            give(page, "#trust-file", ("piste-trust.json", trust))
            expect(
                page.get_by_text("The trust file was taken").or_(page.get_by_text("已采用信任文件"))
            ).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert broken == []


def watch(page: Page, broken: list[str]) -> None:
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda request: (
            broken.append(request.url)
            if request.url.partition(":")[0] not in {"file", "blob", "data"}
            else None
        ),
    )


def give(page: Page, where: str, *files: tuple[str, bytes]) -> None:
    """Choose files, as a person does with the button."""
    page.set_input_files(where, [FilePayload(name=name, mimeType="", buffer=data) for name, data in files])


def drop(page: Page, name: str, data: bytes) -> None:
    """Drop a file onto the page."""
    handle = page.evaluate_handle(
        """([name, data]) => {
            const all = new DataTransfer();
            all.items.add(new File([Uint8Array.from(data)], name));
            return all;
        }""",
        [name, list(data)],
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": handle})


def outcome(page: Page, wanted: str) -> None:
    expect(page.locator("#result")).to_have_attribute("data-outcome", wanted, timeout=PATIENCE_MS)


def fits(page: Page) -> bool:
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    viewport = page.viewport_size
    return viewport is not None and wide <= viewport["width"]


def picture(texts: list[str], *, columns: int = 2, scale: int = 3) -> bytes:
    """Draw QR codes beside each other, as they stand on a paper."""
    drawn = []
    for text in texts:
        held = io.BytesIO()
        segno.make(text, error="m", micro=False).save(held, kind="png", scale=scale, border=4)
        drawn.append(Image.open(held).convert("RGB"))
    side = max(image.width for image in drawn)
    rows = -(-len(drawn) // columns)
    sheet = Image.new("RGB", (columns * side, rows * side), "white")
    for at, image in enumerate(drawn):
        sheet.paste(image, (at % columns * side, at // columns * side))
    held = io.BytesIO()
    sheet.save(held, "PNG")
    return held.getvalue()


# ------------------------------------------------------------------------------------------------------------ verdicts


@pytest.mark.parametrize(("width", "locale"), [(PHONE, "en-GB"), (DESK, "zh-CN")])
def test_a_release_note_is_dropped(opened: Callable[..., Page], width: int, locale: str) -> None:
    page = opened(width=width, locale=locale)
    drop(page, "note.pdf", TOWN.paper(TOWN.bundle()))
    outcome(page, "valid")
    result = page.locator("#result")
    for shown in ("290420261234567890", "京A·F7M21", "电子计时器", "Timing unit"):
        expect(result.get_by_text(shown).first).to_be_visible()
    heading = {"en-GB": "Valid", "zh-CN": "有效"}[locale]
    expect(result.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(result.get_by_text({"en-GB": "checkpoint 7", "zh-CN": "检查点7"}[locale]).first).to_be_visible()
    expect(result).not_to_contain_text("48200.00")
    assert fits(page)


def test_altered_unknown_revoked_and_waiting(opened: Callable[..., Page]) -> None:
    page = opened()
    paper = bytearray(TOWN.paper(TOWN.bundle()))
    paper[200] ^= 1
    revocation = TOWN.change(3, revocations=["0x" + TOWN.officer.key_id.hex()])
    waiting = TOWN.bundle(inclusion=None, checkpoint=None, witnesses=[])
    for name, data, wanted, word in (
        ("altered.pdf", bytes(paper), "altered", "Do not let the goods pass"),
        ("stranger.json", canonical(TOWN.bundle(changes=[])), "unknown_issuer", "never granted a key"),
        (
            "revoked.json",
            canonical(TOWN.bundle(changes=[*TOWN.founding(), revocation])),
            "revoked",
            "as of checkpoint 0",
        ),
        ("early.json", canonical(waiting), "not_yet_recorded", "Wait a minute"),
    ):
        give(page, "#files", (name, data))
        outcome(page, wanted)
        expect(page.locator("#result")).to_contain_text(word, timeout=PATIENCE_MS)
        assert fits(page)
    expect(page.locator("#history-list li")).to_have_count(4)
    expect(page.locator("#history-list li").first).to_contain_text("Not yet recorded")
    page.reload()
    expect(page.locator("#history-list li")).to_have_count(4)
    page.get_by_role("button", name="Clear the list").click()
    expect(page.locator("#history")).to_be_hidden()


def test_nothing_of_an_altered_paper_is_shown(opened: Callable[..., Page]) -> None:
    page = opened()
    paper = TOWN.paper(TOWN.bundle()).replace("京A·F7M21".encode(), "京A·F7M22".encode())
    give(page, "#files", ("note.pdf", paper))
    outcome(page, "altered")
    expect(page.locator("#result")).not_to_contain_text("F7M2")


def test_the_language_is_switched_with_the_result_on_the_page(opened: Callable[..., Page]) -> None:
    page = opened()
    give(page, "#files", ("note.pdf", TOWN.paper(TOWN.bundle())))
    outcome(page, "valid")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="有效", exact=True)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.reload()
    expect(page.get_by_role("heading", name="这份单证是真的吗？")).to_be_visible()
    assert fits(page)


def test_another_paper_follows(opened: Callable[..., Page]) -> None:
    page = opened()
    give(page, "#files", ("note.pdf", TOWN.paper(TOWN.bundle())))
    outcome(page, "valid")
    page.get_by_role("button", name="Check another paper").press("Enter")
    expect(page.locator("#result")).to_be_hidden()
    expect(page.get_by_role("heading", name="Is this paper genuine?")).to_be_visible()


# --------------------------------------------------------------------------------------------------------- wrong files


def test_wrong_files_are_refused_in_words(opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened()
    huge = tmp_path / "huge.pdf"
    huge.write_bytes(b"%PDF-1.7" + bytes((20 << 20) + 1))
    page.set_input_files("#files", huge)
    expect(page.locator("#note")).to_contain_text("larger than 20 MB", timeout=PATIENCE_MS)
    tall = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(tall, "PNG")
    for name, data, words in (
        ("holiday.txt", b"hello", "neither a PDF, nor a proof bundle, nor a picture"),
        ("empty.pdf", b"", "is empty"),
        ("blank.png", tall.getvalue(), "No QR code can be read in blank.png"),
        ("broken.png", b"\x89PNG\r\n\x1a\nnothing", "cannot be opened as a picture"),
        ("shop.png", picture(["https://shop.example/1"], columns=1), "none of a Piste paper"),
    ):
        give(page, "#files", (name, data))
        expect(page.locator("#note")).to_contain_text(words, timeout=PATIENCE_MS)
        expect(page.locator("#result")).to_be_hidden()
    give(page, "#files", ("letter.pdf", b"%PDF-1.7\nan ordinary letter"))
    outcome(page, "altered")
    expect(page.locator("#result")).to_contain_text("carries no seal", timeout=PATIENCE_MS)


# --------------------------------------------------------------------------------------------------------------- trust


def test_without_a_trust_file_nothing_is_called_genuine(opened: Callable[..., Page]) -> None:
    page = opened(trust=None)
    give(page, "#files", ("note.pdf", TOWN.paper(TOWN.bundle())))
    expect(page.locator("#note")).to_contain_text("Choose a trust file first", timeout=PATIENCE_MS)
    expect(page.locator("#result")).to_be_hidden()
    give(page, "#trust-file", ("piste-trust.json", b'{"format":"piste-trust-v1"}'))
    expect(page.locator("#trust-note")).to_contain_text("is no trust file of Piste", timeout=PATIENCE_MS)


def test_the_trust_file_is_remembered_and_forgotten(opened: Callable[..., Page]) -> None:
    page = opened()
    fingerprint = page.locator(".fingerprint").inner_text()
    assert len(fingerprint.replace(" ", "")) == 32
    page.reload()
    expect(page.locator(".fingerprint")).to_have_text(fingerprint)
    page.get_by_role("button", name="Forget the trust file").click()
    expect(page.get_by_text("This page trusts nobody yet")).to_be_visible()


def test_a_trust_file_may_be_dropped(opened: Callable[..., Page]) -> None:
    page = opened(trust=None)
    drop(page, "piste-trust.json", TOWN.anchor())
    expect(page.locator(".fingerprint")).to_be_visible()


# --------------------------------------------------------------------------------------------------------------- codes


def test_one_picture_with_several_codes(opened: Callable[..., Page]) -> None:
    page = opened()
    give(page, "#files", ("photo.png", picture(codes(lean(), 600), columns=3)))
    outcome(page, "valid")
    expect(page.locator("#result")).to_contain_text("Compare the paper in your hand", timeout=PATIENCE_MS)


def test_pictures_are_collected_with_progress(opened: Callable[..., Page]) -> None:
    page = opened()
    texts = codes(lean(), 1500)
    assert len(texts) >= 3
    for at, text in enumerate(texts[:-1], 1):
        give(page, "#files", (f"{at}.png", picture([text], columns=1)))
        expect(page.locator("#parts-words")).to_contain_text(
            f"{at} of {len(texts)} codes read", timeout=PATIENCE_MS
        )
    expect(page.locator("#parts-boxes li.done")).to_have_count(len(texts) - 1)
    give(page, "#files", ("last.png", picture(texts[-1:], columns=1)))
    outcome(page, "valid")
    expect(page.locator("#parts")).to_be_hidden()


def test_a_code_of_another_paper_begins_anew(opened: Callable[..., Page]) -> None:
    page = opened()
    give(page, "#files", ("1.png", picture(codes(lean(), 1500)[:1], columns=1)))
    expect(page.locator("#parts-words")).to_contain_text("1 of", timeout=PATIENCE_MS)
    give(page, "#files", ("2.png", picture(codes(TOWN.bundle(disclosed=None), 1500)[:1], columns=1)))
    expect(page.locator("#note")).to_contain_text("belongs to another paper", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Start over").click()
    expect(page.locator("#parts")).to_be_hidden()


def lean() -> Json:
    """Give a bundle with one witness, as it stands in codes."""
    whole = TOWN.bundle()
    return TOWN.bundle(witnesses=whole["witnesses"][:1])


def test_the_camera_collects_the_codes(playwright: Playwright, tmp_path: Path) -> None:
    """Chromium's fake camera shows a film of the codes, one after the other."""
    texts = codes(lean(), SMALL)
    film = tmp_path / "codes.mjpeg"
    film.write_bytes(b"".join(frame(text) * 12 for text in texts))
    options = [*OPTIONS, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=[*options, f"--use-file-for-fake-video-capture={film}"]
    )
    broken: list[str] = []
    try:
        context = browser.new_context(viewport={"width": PHONE, "height": 740}, locale="en-GB", offline=True)
        page = context.new_page()
        watch(page, broken)
        page.goto(PAGE.as_uri())
        give(page, "#trust-file", ("piste-trust.json", TOWN.anchor()))
        page.get_by_role("button", name="Scan with the camera").click()
        expect(page.locator("#parts-words")).to_contain_text(
            f"of {len(texts)} codes read", timeout=PATIENCE_MS
        )
        expect(page.locator("#result")).to_have_attribute("data-outcome", "valid", timeout=60_000)
        expect(page.locator("#camera")).to_be_hidden()
        assert page.evaluate("document.getElementById('video').srcObject === null")
    finally:
        browser.close()
    assert broken == []


def test_without_a_camera_a_photo_is_asked_for(opened: Callable[..., Page]) -> None:
    page = opened()
    page.get_by_role("button", name="Scan with the camera").click()
    expect(page.locator("#note")).to_contain_text(
        "Take a photo of the codes", ignore_case=True, timeout=PATIENCE_MS
    )
    expect(page.locator("#camera")).to_be_hidden()


def frame(text: str) -> bytes:
    """Draw one code on a frame of 640 by 480."""
    held = io.BytesIO()
    segno.make(text, error="l", micro=False).save(held, kind="png", scale=5, border=4)
    code = Image.open(held).convert("RGB")
    code = code.resize((460, 460), Image.Resampling.LANCZOS)
    image = Image.new("RGB", (640, 480), "white")
    image.paste(code, (90, 10))
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=90)
    return jpeg.getvalue()
