"""Hostile and broken uploads are named; fine ones are described."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pypdfium2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from inspection.intake import MEDIA_TYPES, FileKind, IntakeLimits, examine_upload
from inspection.refusals import (
    AnimatedPicture,
    PdfActiveContent,
    PdfEncrypted,
    PdfExpands,
    PixelFlood,
    TooManyPages,
    UploadEmpty,
    UploadIsArchive,
    UploadMalformed,
    UploadRefused,
    UploadTooLarge,
    UploadTruncated,
    UploadTypeUnknown,
)


def picture(format_: str, size: tuple[int, int] = (60, 40), **options: object) -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    out = io.BytesIO()
    settings: dict[str, object] = dict(options)
    Image.fromarray(noise).save(out, format_, **settings)
    return out.getvalue()


def tiff(pages: int, **options: object) -> bytes:
    frames = [Image.new("L", (30, 20), shade) for shade in range(pages)]
    settings: dict[str, object] = dict(options)
    out = io.BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:], **settings)
    return out.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that unpacks to width × height."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(bytes(width + 1)) for _ in range(200)) + packer.flush()
    chunks = (png_chunk(b"IHDR", header), png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def pdf(
    pages: int = 1, *, size: tuple[int, int] = (595, 842), extra: bytes = b"", catalog: bytes = b""
) -> bytes:
    """A PDF of blank pages; `extra` stands among its objects, `catalog` in its catalogue."""
    kids = " ".join(f"{number + 3} 0 R" for number in range(pages)).encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        b"<< /Type /Pages /Kids [" + kids + b"] /Count %d >>" % pages,
        *[b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] >>" % size for _ in range(pages)],
    ]
    out = bytearray(b"%PDF-1.5\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    out += extra
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def zipped(name: str = "invoice.pdf") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, b"content" * 50)
    return out.getvalue()


FINE: dict[FileKind, Callable[[], bytes]] = {
    FileKind.PDF: pdf,
    FileKind.PNG: lambda: picture("PNG"),
    FileKind.JPEG: lambda: picture("JPEG", quality=80),
    FileKind.TIFF: lambda: tiff(2),
    FileKind.WEBP: lambda: picture("WEBP"),
}


@pytest.mark.parametrize("kind", FileKind)
def test_fine_files_are_described(kind: FileKind) -> None:
    data = FINE[kind]()
    intake = examine_upload(data)
    assert intake.kind is kind
    assert intake.media_type == MEDIA_TYPES[kind]
    assert intake.sha256 == hashlib.sha256(data).hexdigest()
    assert intake.pages == (2 if kind is FileKind.TIFF else 1)
    sizes = {FileKind.PDF: (595, 842), FileKind.TIFF: (30, 20)}
    assert (intake.width, intake.height) == sizes.get(kind, (60, 40))


@pytest.mark.parametrize(
    "data",
    [
        picture("JPEG", progressive=True),
        picture("WEBP", lossless=True),
        picture("WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
        tiff(1, compression="tiff_deflate"),
        picture("TIFF", big_tiff=False, compression="jpeg"),
        picture("JPEG", dpi=(150, 150), comment=b"scanned"),
    ],
    ids=["progressive", "lossless", "extended", "deflated", "jpeg-in-tiff", "comment"],
)
def test_writers_of_all_kinds_are_understood(data: bytes) -> None:
    assert examine_upload(data).pages == 1


def test_every_refusal_says_field_rule_and_next_step_in_both_languages() -> None:
    with pytest.raises(UploadTooLarge) as refused:
        examine_upload(b"x" * 11, IntakeLimits(bytes=10))
    (fault,) = refused.value.faults()
    assert fault.field == "/file"
    assert fault.rule == "upload.too-large"
    assert "11" in fault.message.en
    assert "11" in fault.message.zh
    assert fault.next_step.en
    assert fault.next_step.zh


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(UploadEmpty):
        examine_upload(b"")


@pytest.mark.parametrize(
    ("data", "archive"),
    [
        (zipped(), "zip"),
        (zipped("[Content_Types].xml"), "OOXML"),
        (b"PK\x05\x06" + bytes(18), "zip"),
        (b"\x1f\x8b\x08" + bytes(20), "gzip"),
        (b"BZh91AY&SY" + bytes(20), "bzip2"),
        (b"\xfd7zXZ\x00" + bytes(20), "xz"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), "7z"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(20), "rar"),
        (b"\x28\xb5\x2f\xfd" + bytes(20), "zstd"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "OLE"),
        (bytes(257) + b"ustar\x0000" + bytes(300), "tar"),
        (zipped() + pdf(), "zip"),
        (picture("PNG") + zipped(), "zip"),
        (picture("JPEG") + zipped(), "zip"),
    ],
)
def test_archives_are_refused_wherever_they_hide(data: bytes, archive: str) -> None:
    with pytest.raises(UploadIsArchive) as refused:
        examine_upload(data)
    assert refused.value.archive == archive


@pytest.mark.parametrize(
    "data",
    [
        b"just some text",
        b"<html><script>alert(1)</script></html>",
        b"MZ" + bytes(200),
        picture("GIF"),
        b"RIFF\x04\0\0\0WAVE",
    ],
    ids=["text", "html", "program", "gif", "sound"],
)
def test_other_types_are_refused_by_their_content(data: bytes) -> None:
    with pytest.raises(UploadTypeUnknown):
        examine_upload(data)


@pytest.mark.parametrize("size", [(60_000, 60_000), (20_001, 10), (8_000, 8_000)])
def test_a_png_bomb_is_refused_before_it_unpacks(size: tuple[int, int]) -> None:
    bomb = png_bomb(*size)
    assert len(bomb) < 50_000
    with pytest.raises(PixelFlood) as refused:
        examine_upload(bomb)
    assert (refused.value.width, refused.value.height) == size


def test_a_flood_in_any_format_is_refused() -> None:
    jpeg = bytearray(picture("JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 60_000, 60_000)
    webp = bytearray(picture("WEBP", lossless=True))
    webp[21:25] = struct.pack("<I", 0x0FFFFFFF)
    big_tiff_page = picture("TIFF", size=(21_000, 2))
    for data in (bytes(jpeg), bytes(webp), big_tiff_page, pdf(size=(30_000, 30_000))):
        with pytest.raises(PixelFlood):
            examine_upload(data)


def test_a_flood_inside_a_pdf_is_refused() -> None:
    stream = zlib.compress(bytes(1000))
    image = (
        b"9 0 obj\n<< /Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceGray"
        b" /BitsPerComponent 8 /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n"
        % (len(stream), stream)
    )
    document = pypdfium2.PdfDocument.new()
    page = document.new_page(200, 200)
    bitmap = pypdfium2.PdfBitmap.new_native(9000, 9000, pypdfium2.raw.FPDFBitmap_Gray)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, 9000, 9000)
    item = pypdfium2.PdfImage.new(document)
    item.set_bitmap(bitmap)
    page.insert_obj(item)
    page.gen_content()
    out = io.BytesIO()
    document.save(out)
    document.close()
    assert len(out.getvalue()) < 200_000
    with pytest.raises(PixelFlood):
        examine_upload(out.getvalue())
    assert image  # an unreferenced picture is never drawn and does no harm
    assert examine_upload(pdf(extra=image)).pages == 1


@pytest.mark.parametrize("kind", [FileKind.PDF, FileKind.TIFF])
def test_too_many_pages_are_refused(kind: FileKind) -> None:
    data = pdf(51) if kind is FileKind.PDF else tiff(51)
    with pytest.raises(TooManyPages):
        examine_upload(data)


@pytest.mark.parametrize("kind", FileKind)
def test_truncated_files_are_refused(kind: FileKind) -> None:
    data = FINE[kind]()
    for kept in (len(data) // 3, len(data) // 2, len(data) - 16):
        with pytest.raises((UploadTruncated, UploadMalformed)):
            examine_upload(data[:kept])


@pytest.mark.parametrize("kind", FileKind)
@given(data=st.data())
def test_damaged_files_are_refused_or_described_but_never_crash(kind: FileKind, data: st.DataObject) -> None:
    content = bytearray(FINE[kind]())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UploadRefused):
        examine_upload(bytes(content))


@given(content=st.binary(max_size=300), kind=st.sampled_from(FileKind))
@example(content=b"", kind=FileKind.TIFF)
def test_any_bytes_behind_a_good_beginning_never_crash(content: bytes, kind: FileKind) -> None:
    with suppress(UploadRefused):
        examine_upload(FINE[kind]()[:12] + content)


def test_animations_are_refused() -> None:
    frames = [Image.new("RGB", (20, 20), (shade, 0, 0)) for shade in (10, 200)]
    for format_ in ("PNG", "WEBP"):
        out = io.BytesIO()
        frames[0].save(out, format_, save_all=True, append_images=frames[1:])
        with pytest.raises(AnimatedPicture):
            examine_upload(out.getvalue())


def test_a_ring_of_tiff_directories_is_refused() -> None:
    data = bytearray(tiff(1))
    first = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * entries, first)
    with pytest.raises(UploadMalformed):
        examine_upload(bytes(data))


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    jpeg = picture("JPEG", progressive=True)
    at = jpeg.rindex(b"\xff\xda")
    with pytest.raises(UploadMalformed):
        examine_upload(jpeg[:at] + jpeg[at:-2] * 200 + jpeg[-2:])


@pytest.mark.parametrize(
    "catalog",
    [
        b"/OpenAction << /S /JavaScript /JS (app.alert(1)) >>",
        b"/OpenAction << /S /Launch /F (calc.exe) >>",
        b"/OpenAction << /S /J#61vaScript /JS (app.alert(1)) >>",
        b"/Names << /EmbeddedFiles << /Names [] >> >>",
        b"/AcroForm << /XFA [] >>",
    ],
)
def test_pdfs_that_act_are_refused(catalog: bytes) -> None:
    with pytest.raises(PdfActiveContent):
        examine_upload(pdf(catalog=catalog))


def test_scripts_inside_packed_object_streams_are_found() -> None:
    packed = zlib.compress(b"7 0 << /S /JavaScript /JS (app.alert(1)) >>")
    stream = b"6 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n"
    with pytest.raises(PdfActiveContent):
        examine_upload(pdf(extra=stream % (len(packed), packed)))


def test_an_open_action_that_only_turns_a_page_is_fine() -> None:
    assert examine_upload(pdf(catalog=b"/OpenAction [3 0 R /Fit]")).pages == 1


def test_an_encrypted_pdf_is_refused() -> None:
    encrypted = pdf().replace(b"/Root 1 0 R", b"/Root 1 0 R /Encrypt << /Filter /Standard /V 1 /R 2 >>")
    with pytest.raises(PdfEncrypted):
        examine_upload(encrypted)


def test_a_pdf_whose_streams_explode_is_refused() -> None:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(30)) + packer.flush()
    stream = b"6 0 obj\n<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n"
    with pytest.raises(PdfExpands):
        examine_upload(pdf(extra=stream % (len(packed), packed)), IntakeLimits(unpacked_bytes=20 << 20))


def test_a_pdf_without_pages_or_structure_is_refused() -> None:
    with pytest.raises(UploadMalformed):
        examine_upload(b"%PDF-1.4\nnothing\n%%EOF")
    with pytest.raises(UploadMalformed):
        examine_upload(pdf(0))
