"""The release note as a file: one page, PDF/A-3b, attachments, codes that a camera reads, a seal over every byte."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp

from kernel.errors import Text
from ledger.proofs.disclosure import VIEWS, redact
from ledger.verifier import Outcome, TrustAnchor, verify
from tests.verifier.cases import bundle, forged, trusts
from tests.verifier.scene import DOCUMENT, NOW, Json, Scene
from workflow.release.papers import PaperProof, ReleaseNote, SignedLine, release_note_pdf

SCENE = Scene()
TRUST = TrustAnchor.from_bytes(trusts(SCENE)["revoked-after"])
MADE_AT = datetime.fromtimestamp(NOW + 30, UTC)
POPPLER = pytest.mark.skipif(shutil.which("pdfdetach") is None, reason="needs poppler")


def lean() -> bytes:
    def without(body: Json) -> None:
        body["changes"] = []
        body["disclosed"] = redact(SCENE.content, VIEWS["gate-summary"])

    return forged(SCENE, without)


def note(lines: int = 2, *, whole: bytes | None = None) -> ReleaseNote:
    decision = SignedLine(
        what=Text("Release decision", "放行决定"),
        who="A. Officer",
        at=MADE_AT,
        digest="0x" + "ab" * 32,
        key="0x01234567…",
        block=100,
    )
    return ReleaseNote(
        number="I20260000000000042",
        reference="BR-2026-0042",
        version=1,
        channel=Text("yellow", "黄色通道"),
        content=DOCUMENT,
        lines=[{**DOCUMENT["lines"][0], "line_no": number} for number in range(1, lines + 1)],  # type: ignore[index]  # JSON of a known shape
        vehicles=[("京A·12345", 2), ("京A·99999", 1)],
        content_hash="0x" + SCENE.content.root.hex(),
        decisions=[decision],
        look_up="http://localhost:8700/ledger/cases/1",
        proof=PaperProof(
            bundle=whole or bundle(SCENE, disclosed=redact(SCENE.content, VIEWS["gate"])),
            lean=lean(),
            deployment=SCENE.deployment,
            signer=SCENE.people["log"],
        ),
    )


@pytest.fixture(scope="module")
def paper() -> bytes:
    return release_note_pdf(note(), made_at=MADE_AT, time_zone="Asia/Shanghai")


def test_the_paper_proves_itself(paper: bytes) -> None:
    result = verify(paper, TRUST)
    assert (result.outcome, result.facts["paper"]) == (Outcome.VALID, True)


def test_any_changed_bit_of_the_paper_is_found(paper: bytes) -> None:
    places = [random.randrange(len(paper) * 8) for _ in range(2_000)]
    for place in places:
        byte, bit = divmod(place, 8)
        changed = paper[:byte] + bytes([paper[byte] ^ 1 << bit]) + paper[byte + 1 :]
        assert verify(changed, TRUST).outcome is Outcome.ALTERED, place
    start = paper.index(b"piste-seal-v1")
    for place in range(start * 8, (start + 200) * 8):
        byte, bit = divmod(place, 8)
        changed = paper[:byte] + bytes([paper[byte] ^ 1 << bit]) + paper[byte + 1 :]
        assert verify(changed, TRUST).outcome is Outcome.ALTERED, place


def test_a_guard_reads_it_on_one_page(paper: bytes) -> None:
    document = pypdfium2.PdfDocument(paper)
    assert len(document) == 1
    text = document[0].get_textpage().get_text_range()
    for expected in ("RELEASED", "I20260000000000042", "京A·12345", "gates 1 and 2", "gate 1"):
        assert expected in text


@pytest.mark.parametrize("lines", [1, 400])
def test_it_stays_one_page(lines: int) -> None:
    data = release_note_pdf(note(lines), made_at=MADE_AT, time_zone="Asia/Shanghai")
    assert len(pypdfium2.PdfDocument(data)) == 1


def test_a_camera_reads_the_codes_from_the_page_at_150_dpi(paper: bytes) -> None:
    image = pypdfium2.PdfDocument(paper)[0].render(scale=150 / 72).to_pil()
    texts = [code.text for code in zxingcpp.read_barcodes(image)]
    assert len(texts) == len(note().proof.codes)
    result = verify("\n".join(texts).encode(), TRUST)
    assert result.outcome is Outcome.VALID
    shown = {tuple(one["path"]): one["value"] for one in result.facts["disclosed"]["fields"]}
    assert shown["transport", "vehicle_plate"] == "京A·12345"


def inflated(paper: bytes) -> bytes:
    """Give the file with all its compressed streams laid open."""
    streams = re.findall(rb"/FlateDecode.{0,80}?stream\n(.*?)\nendstream", paper, re.DOTALL)
    return paper + b"".join(zlib.decompressobj().decompress(stream) for stream in streams)


def test_it_says_that_it_is_pdf_a_3b_and_names_its_attachments_once(paper: bytes) -> None:
    laid_open = inflated(paper)
    assert re.search(rb"pdfaid:part(>|=\")3", laid_open)
    assert re.search(rb"pdfaid:conformance(>|=\")B", laid_open)
    assert len(re.findall(rb"/AFRelationship ?/Data", laid_open)) == 2
    assert len(re.findall(rb"/Type ?/EmbeddedFile", paper)) == 2
    named = re.search(rb"/AF ?\[([^\]]*)\]", laid_open)
    assert named is not None
    assert len(named[1].split()) == 6


@POPPLER
def test_other_programs_take_the_attachments_out(paper: bytes, tmp_path: Path) -> None:
    file = tmp_path / "note.pdf"
    file.write_bytes(paper)
    subprocess.run(["pdfdetach", "-saveall", "-o", str(tmp_path), str(file)], check=True, timeout=60)
    taken = (tmp_path / "piste-bundle.json").read_bytes()
    assert taken == note().proof.bundle or verify(taken, TRUST).outcome is Outcome.VALID
    assert (tmp_path / "piste-seal.txt").read_bytes().startswith(b"piste-seal-v1 ")
    told = subprocess.run(["pdftotext", str(file), "-"], capture_output=True, check=True, timeout=60)
    assert "RELEASED" in told.stdout.decode()
