"""Scans are read upright and level whatever way they lie, the same each time, in any process."""

from __future__ import annotations

import io
import json
import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from inspection.documents.desk import DocumentKind, ReadDocument, compare_document, crop, read_document
from inspection.documents.reading import MODELS, PageMissing, look_again, page_pictures, read_page, reader
from inspection.documents.schema import Box, DeclaredGoods, DeclaredLine, Severity
from inspection.documents.tables import find_table
from inspection.intake import examine_upload
from inspection.refusals import UploadIsArchive, UploadMalformed
from tests.inspection.conftest import EXAMPLES

INVOICE = EXAMPLES / "timing-equipment" / "invoice.jpg"


def as_png(picture: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    settings: dict[str, object] = dict(options)
    picture.save(out, "PNG", **settings)
    return out.getvalue()


def small_sheet(text: str = "Invoice No. CT-26-0417") -> Image.Image:
    sheet = Image.new("RGB", (460, 120), (250, 249, 244))
    ImageDraw.Draw(sheet).text((30, 40), text, font=ImageFont.load_default(26), fill=(20, 20, 20))
    return sheet


def texts(data: bytes) -> list[str]:
    intake = examine_upload(data)
    return [line.text for picture in page_pictures(data, intake) for line in read_page(picture, 1).lines]


@pytest.mark.parametrize("turns", [1, 2])
def test_a_turned_scan_gives_the_same_fields_and_boxes_on_the_page_as_it_came(
    turns: int, read_example: Callable[[str, str], ReadDocument]
) -> None:
    straight = read_example("timing-equipment", "invoice.jpg").extracted
    upper_half = Image.open(INVOICE).crop((0, 190, 1240, 810))
    data = as_png(upper_half.rotate(-90 * turns, expand=True))
    read = read_document(data, DocumentKind.INVOICE)
    assert read.pages[0].quarter_turns == turns
    for field in ("number", "date", "certificate_no", "total_amount", "buyer"):
        assert getattr(read.extracted, field).value == getattr(straight, field).value
    amounts = [line.amount.value for line in read.extracted.lines if line.amount]
    assert amounts == [Decimal("18880.00"), Decimal("49300.00")]
    # The crop of the page as it came, turned upright, shows the number again.
    assert read.extracted.number is not None
    cut = Image.open(io.BytesIO(crop(data, 1, read.extracted.number.box, margin=20)))
    again = texts(as_png(cut.rotate(90 * turns, expand=True)))
    assert any("CT-26-0417" in text for text in again)


def test_reading_the_same_file_again_gives_the_same_record() -> None:
    data = as_png(Image.open(INVOICE).crop((60, 190, 1200, 480)))
    first, second = (read_document(data, DocumentKind.INVOICE) for _ in range(2))
    assert first.extracted.number is not None
    assert second == first
    assert second.to_json() == first.to_json()


def test_a_reading_says_what_it_rests_on_and_survives_json(
    read_example: Callable[[str, str], ReadDocument],
) -> None:
    read = read_example("waxes", "packing-list.jpg")
    provenance = read.provenance
    assert (
        provenance.input_sha256
        == examine_upload((EXAMPLES / "waxes" / "packing-list.jpg").read_bytes()).sha256
    )
    assert {model.name for model in provenance.models} == set(MODELS.values())
    assert all(len(model.sha256) == 64 for model in provenance.models)
    assert "rapidocr" in provenance.engine
    assert provenance.settings["threads"] == "1"
    assert abs(read.pages[0].skew_degrees) > 0.5
    assert ReadDocument.from_json(json.loads(json.dumps(read.to_json()))) == read


def test_boxes_lie_on_the_page_and_crops_show_them(read_example: Callable[[str, str], ReadDocument]) -> None:
    read = read_example("medical-device", "packing-list.pdf")
    page = read.pages[0]
    for line in page.lines:
        assert 0 <= line.box.left < line.box.right <= page.width
        assert 0 <= line.box.top < line.box.bottom <= page.height
    assert read.extracted.total_packages is not None
    data = (EXAMPLES / "medical-device" / "packing-list.pdf").read_bytes()
    cut = crop(data, 1, read.extracted.total_packages.box)
    assert any(text.startswith("2") for text in texts(cut))
    with pytest.raises(PageMissing):
        crop(data, 2, Box(0, 0, 10, 10))
    far_off = crop(data, 1, Box(10**6, 10**6, 10**6 + 5, 10**6 + 5))
    assert Image.open(io.BytesIO(far_off)).size[0] >= 1


def test_a_figure_that_was_overlooked_is_found_at_a_second_look(
    read_example: Callable[[str, str], ReadDocument],
) -> None:
    page = read_example("waxes", "packing-list.jpg").pages[0]
    overlooked = {"360", "3 CTN"}
    left = replace(page, lines=tuple(line for line in page.lines if line.text not in overlooked))
    table = find_table(left.lines)
    assert table is not None
    assert len(table.gaps) == 2
    data = (EXAMPLES / "waxes" / "packing-list.jpg").read_bytes()
    (picture,) = page_pictures(data, examine_upload(data))
    again = look_again(picture, left, table.gaps)
    for text in overlooked:
        (before,) = [line.box for line in page.lines if line.text == text]
        (after,) = [line.box for line in again.lines if line.text.replace(" ", "") == text.replace(" ", "")]
        assert after.left <= before.centre <= after.right
        assert after.top <= before.middle <= after.bottom
    nothing = look_again(picture, left, (Box(100, 1200, 200, 1240),))
    assert nothing == left


def test_a_blank_page_reads_as_nothing_and_never_passes() -> None:
    read = read_document(as_png(Image.new("RGB", (300, 400), (255, 255, 255))), DocumentKind.PACKING_LIST)
    assert read.pages[0].lines == ()
    line = DeclaredLine(line_no=1, description="Skis", quantity=Decimal(1), unit="PR", packages=1)
    findings = compare_document(read, DeclaredGoods(lines=(line,), total_packages=1))
    assert {finding.severity for finding in findings} == {Severity.NO_VERDICT}


def test_noise_reads_as_nothing_certain() -> None:
    noise = np.random.default_rng(7).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    read = read_document(as_png(Image.fromarray(noise)), DocumentKind.INVOICE)
    assert read.extracted.lines == ()
    assert read.extracted.number is None


def test_several_pages_are_read_in_order() -> None:
    out = io.BytesIO()
    small_sheet("Page one").save(out, "TIFF", save_all=True, append_images=[small_sheet("Page two")])
    read = read_document(out.getvalue(), DocumentKind.INVOICE)
    assert [page.number for page in read.pages] == [1, 2]
    assert ["one" in page.lines[0].text for page in read.pages] == [True, False]


def test_a_camera_picture_with_a_second_view_is_one_page() -> None:
    out = io.BytesIO()
    small_sheet("Page one").save(out, "MPO", save_all=True, append_images=[small_sheet("Page two")])
    read = read_document(out.getvalue(), DocumentKind.INVOICE)
    assert (read.media_type, len(read.pages)) == ("image/jpeg", 1)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (5000, 8), (31, 29)])
def test_pictures_of_odd_sizes_read_as_nothing(size: tuple[int, int]) -> None:
    assert texts(as_png(Image.new("L", size, 220))) == []


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "I;16", "CMYK"])
def test_pictures_of_every_mode_are_read(mode: str) -> None:
    out = io.BytesIO()
    sheet = small_sheet("CT-26-0417")
    if mode == "I;16":
        deep = np.asarray(sheet.convert("L"), dtype=np.uint16) * 200
        Image.fromarray(deep).save(out, "TIFF")
    else:
        sheet.convert(mode).save(out, "TIFF" if mode == "CMYK" else "PNG")
    assert any("0417" in text for text in texts(out.getvalue()))


def test_black_text_on_nothing_is_read_as_on_paper() -> None:
    ink = 255 - np.asarray(small_sheet().convert("L"))
    clear = np.zeros((*ink.shape, 4), dtype=np.uint8)
    clear[..., 3] = np.where(ink > 100, 255, 0)
    assert any("0417" in text for text in texts(as_png(Image.fromarray(clear))))


def test_a_picture_lying_on_its_side_by_its_own_word_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    small_sheet().rotate(90, expand=True).save(out, "JPEG", quality=90, exif=exif)
    assert any("0417" in text for text in texts(out.getvalue()))


def test_a_file_that_is_not_what_its_header_says_is_refused_by_name() -> None:
    jpeg = bytearray(INVOICE.read_bytes())
    png = bytearray(as_png(small_sheet()))
    at = png.index(b"IDAT") + 4
    png[at : at + 40] = bytes(40)
    with pytest.raises(UploadMalformed):
        read_document(bytes(png), DocumentKind.INVOICE)
    with pytest.raises(UploadIsArchive):
        read_document(b"PK\x03\x04" + bytes(jpeg), DocumentKind.INVOICE)


def _read_in_child(data: bytes, answers: multiprocessing.SimpleQueue[list[str]]) -> None:
    answers.put(texts(data))


def test_a_forked_child_makes_its_own_engine_and_reads_the_same() -> None:
    data = as_png(small_sheet())
    expected = texts(data)
    assert expected
    assert reader() is reader()
    forked = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[list[str]] = forked.SimpleQueue()
    child = forked.Process(target=_read_in_child, args=(data, answers))
    child.start()
    child.join(60)
    hung = child.is_alive()
    if hung:
        child.kill()
    assert not hung
    assert answers.get() == expected
