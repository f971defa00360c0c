"""Documents over HTTP: taking scans in, and giving them out so that they can do no harm."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image, ImageDraw

from kernel.errors import Text
from kernel.jobs import Job
from tests.api.cast import Cast, fields, nobody, picture, problem
from tests.api.world import World
from workflow.documents.models import Document
from workflow.examination.models import DocumentFinding


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("invoice.pdf", b"%PDF-")
    return out.getvalue()


def pixel_flood() -> bytes:
    """Give a PNG whose header asks for a picture of four thousand million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 65_000, 65_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_the_anonymous_gets_nothing(lite: Cast) -> None:
    http = lite.world.browser()
    problem(http.post("/api/v1/documents", files={"file": b"x"}), 401, "access.not-signed-in")
    for below in ("", "/content", "/findings/1/picture"):
        problem(http.get(f"/api/v1/documents/{nobody()}{below}"), 401, "access.not-signed-in")


def test_a_scan_is_taken_in_and_given_out(cast: Cast) -> None:
    draft, data = cast.declaration(papers=False), picture()
    taken = cast.broker.attach("declaration", draft["id"], "invoice", data, "发票 №1.png")
    assert taken.status_code == 201, taken.text
    document = taken.json()
    assert taken.headers["location"] == f"/api/v1/documents/{document['id']}"
    assert (document["state"], document["media_type"], document["what"]["zh"]) == (
        "stored",
        "image/png",
        "发票",
    )
    assert document["sha256"] == hashlib.sha256(data).hexdigest()
    with cast.world.reading() as session:
        jobs = [job.payload for job in session.query(Job).filter_by(task="documents.read")]
    assert jobs == [{"document": document["id"]}]
    assert cast.broker.get(f"/documents/{document['id']}").json() == {**document, "reading": None}
    content = cast.broker.http.get(document["content"])
    assert content.content == data
    assert content.headers["content-type"] == "image/png"
    assert content.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in content.headers["content-security-policy"]
    assert content.headers["content-disposition"].startswith("inline; filename*=UTF-8''%E5%8F%91")
    known = {"If-None-Match": content.headers["etag"]}
    assert cast.broker.http.get(document["content"], headers=known).status_code == 304
    listed = cast.broker.get(f"/declarations/{draft['id']}/documents").json()["items"]
    assert listed == [document]


@pytest.mark.parametrize(
    ("media_type", "shown"), [("PNG", True), ("JPEG", True), ("TIFF", False), ("WEBP", False), ("PDF", True)]
)
def test_only_what_browsers_show_safely_is_shown(lite: Cast, media_type: str, shown: bool) -> None:
    draft = lite.certificate(until="draft")
    document = lite.broker.attach("certificate", draft["id"], "other", picture(media_type)).json()
    content = lite.broker.http.get(document["content"])
    assert content.headers["content-disposition"].startswith("inline" if shown else "attachment")
    assert content.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "upload.empty"),
        (b"<html><script>alert(1)</script></html>", 422, "upload.type-unknown"),
        (b"MZ\x90\x00 this program cannot be run", 422, "upload.type-unknown"),
        (zipped(), 422, "upload.archive"),
        (picture() + zipped(), 422, "upload.archive"),
        (pixel_flood(), 413, "upload.pixel-flood"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, 422, "upload.malformed"),
        (b"%PDF-1.7 but nothing else", 422, "upload.truncated"),
    ],
    ids=["empty", "page", "program", "zip", "picture and zip", "pixel flood", "broken PNG", "broken PDF"],
)
def test_what_is_no_document_is_refused(lite: Cast, data: bytes, status: int, code: str) -> None:
    draft = lite.certificate(until="draft")
    answer = lite.broker.attach("certificate", draft["id"], "other", data)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert set(fields(answer.json())) == {"/file"}
    assert lite.broker.get(f"/certificates/{draft['id']}/documents").json() == {"items": []}


def test_too_large_is_refused_before_it_is_read(lite: Cast) -> None:
    draft = lite.certificate(until="draft")
    answer = lite.broker.attach(
        "certificate", draft["id"], "invoice", b"\xff\xd8\xff" + bytes(21 * 1024 * 1024)
    )
    problem(answer, 413, "request.too-large")


def test_a_form_with_faults(lite: Cast) -> None:
    draft = lite.certificate(until="draft")
    http = lite.broker.http
    told = problem(http.post("/api/v1/documents", data={"kind": "novel"}), 422, "input.invalid")
    assert set(fields(told)) == {"/case_kind", "/case_id", "/kind", "/file"}
    good = {"case_kind": "certificate", "case_id": draft["id"], "kind": "invoice"}
    for bad in (
        {"case_kind": "hold"},
        {"case_id": "\x00"},
        {"kind": "release_note"},
        {"kind": "certificate_copy"},
    ):
        answer = http.post("/api/v1/documents", data={**good, **bad}, files={"file": ("a.png", picture())})
        assert set(fields(problem(answer, 422, "input.invalid"))) == {f"/{next(iter(bad))}"}
    told = problem(http.post("/api/v1/documents", data={**good, "file": "no file"}), 422, "input.invalid")
    assert set(fields(told)) == {"/file"}
    broken = http.post(
        "/api/v1/documents",
        content=b"--x\r\nnonsense",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert broken.status_code in {400, 422}
    unbounded = http.post(
        "/api/v1/documents", content=b"--x", headers={"Content-Type": "multipart/form-data"}
    )
    problem(unbounded, 400, "request.malformed")
    nameless = http.post("/api/v1/documents", data=good, files={"file": ("../../etc/\x01passwd", picture())})
    assert nameless.json()["name"].isprintable()
    assert "/" not in nameless.json()["name"]


def test_a_newer_one_takes_the_place_of_the_older(lite: Cast) -> None:
    draft = lite.certificate(until="draft")
    for _ in range(2):
        lite.broker.attach("certificate", draft["id"], "certificate")
    states = [
        one["state"] for one in lite.broker.get(f"/certificates/{draft['id']}/documents").json()["items"]
    ]
    assert states == ["superseded", "stored"]


def test_only_the_firms_brokers_attach_and_only_in_time(lite: Cast) -> None:
    case = lite.declaration(until="guarantee")
    problem(lite.broker.attach("declaration", case["id"], "invoice"), 409, "document.case-closed")
    problem(lite.stranger().attach("declaration", case["id"], "invoice"), 404, "input.not-found")
    for player in (lite.committee, lite.releasing_officer, lite.auditor):
        problem(player.attach("declaration", case["id"], "other"), 403, "access.not-permitted")
    problem(lite.broker.attach("declaration", nobody(), "invoice"), 404, "input.not-found")


def test_a_drafts_papers_are_as_private_as_the_draft(lite: Cast) -> None:
    draft = lite.declaration()
    (document, _) = lite.broker.get(f"/declarations/{draft['id']}/documents").json()["items"]
    for player in (lite.stranger(), lite.releasing_officer, lite.auditor, lite.gate):
        for below in ("", "/content"):
            problem(player.get(f"/documents/{document['id']}{below}"), 404, "input.not-found")
    lite.go(lite.broker, f"/declarations/{draft['id']}/actions/submit")
    assert lite.releasing_officer.get(f"/documents/{document['id']}/content").status_code == 200
    problem(lite.stranger().get(f"/documents/{document['id']}"), 404, "input.not-found")


def test_the_piece_of_the_page_that_a_finding_is_about(lite: Cast) -> None:
    draft = lite.declaration(papers=False)
    image = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(image).rectangle((100, 100, 200, 150), fill="red")
    out = io.BytesIO()
    image.save(out, "PNG")
    document = lite.broker.attach("declaration", draft["id"], "packing_list", out.getvalue()).json()
    box = {"left": 100, "top": 100, "right": 200, "bottom": 150}
    placed = add_finding(lite, draft["id"], document["id"], page=1, box=box)
    unplaced = add_finding(lite, draft["id"], document["id"], page=None, box=None)
    path = f"/documents/{document['id']}/findings"
    cut = lite.broker.get(f"{path}/{placed}/picture")
    assert (cut.status_code, cut.headers["content-type"]) == (200, "image/png")
    with Image.open(io.BytesIO(cut.content)) as piece:
        assert piece.size == (124, 74)
        assert piece.getpixel((62, 37)) == (255, 0, 0)
    problem(lite.broker.get(f"{path}/{unplaced}/picture"), 404, "input.not-found")
    problem(lite.broker.get(f"{path}/99999/picture"), 404, "input.not-found")
    problem(lite.broker.get(f"{path}/0/picture"), 422, "input.invalid")
    problem(lite.stranger().get(f"{path}/{placed}/picture"), 404, "input.not-found")
    listed = lite.broker.get(f"/declarations/{draft['id']}/findings").json()["items"]
    assert [one["id"] for one in listed] == [placed, unplaced]
    assert listed[0]["message"] == {"en": "Four cartons.", "zh": "四箱。"}


def add_finding(
    cast: Cast, case_id: str, document_id: str, *, page: int | None, box: dict[str, int] | None
) -> int:
    """Write down a finding, as the worker does."""
    words = Text("Four cartons.", "四箱。")
    data = {
        "code": "document.packages-differ",
        "severity": "mismatch",
        "field": "packages",
        "message": {"en": words.en, "zh": words.zh},
        "line_no": 1,
        "declared": "3",
        "read": "4",
        "page": page,
        "box": box,
        "confidence": 0.98,
    }
    with cast.world.writing() as session:
        document = session.query(Document).one()
        finding = DocumentFinding(
            case_kind="declaration",
            case_id=document.case_id,
            version=1,
            document_id=document.id,
            code="document.packages-differ",
            severity="mismatch",
            line=1,
            message_en=words.en,
            message_zh=words.zh,
            data=data,
            found_at=cast.world.context.clock.now(),
        )
        session.add(finding)
        session.flush()
        assert (str(document.case_id), str(document.id)) == (case_id, document_id)
        return finding.id
