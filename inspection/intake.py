"""Judge an upload, hostile or fine, before anything decodes it.

What counts is the content, never the name or what the sender says it is. A refusal names the rule and
what to do instead (`inspection.refusals`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import puremagic

from inspection import pdf_contents, picture_headers
from inspection.picture_headers import Frame
from inspection.refusals import (
    PixelFlood,
    TooManyPages,
    UploadEmpty,
    UploadIsArchive,
    UploadMalformed,
    UploadTooLarge,
    UploadTypeUnknown,
)


class FileKind(StrEnum):
    """The file formats that are taken in."""

    PDF = "pdf"
    PNG = "png"
    JPEG = "jpeg"
    TIFF = "tiff"
    WEBP = "webp"


MEDIA_TYPES = {
    FileKind.PDF: "application/pdf",
    FileKind.PNG: "image/png",
    FileKind.JPEG: "image/jpeg",
    FileKind.TIFF: "image/tiff",
    FileKind.WEBP: "image/webp",
}


@dataclass(frozen=True, kw_only=True)
class IntakeLimits:
    """How much of everything a site takes in."""

    bytes: int = 20 * 1024 * 1024
    side_px: int = 20_000
    pixels: int = 50_000_000
    pages: int = 50
    unpacked_bytes: int = 600_000_000
    """Sum of the deflated streams of one PDF; 50 million pixels in colour are 150 million bytes."""


DEFAULT_LIMITS = IntakeLimits()


@dataclass(frozen=True, kw_only=True)
class Intake:
    """What an accepted file is."""

    kind: FileKind
    media_type: str
    pages: int
    width: int
    """Of the largest page: pixels of a picture, points (1/72 inch) of a PDF."""
    height: int
    sha256: str


_MAGIC = (
    (b"%PDF-", FileKind.PDF),
    (b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (b"\xff\xd8\xff", FileKind.JPEG),
    (b"II*\x00", FileKind.TIFF),
    (b"MM\x00*", FileKind.TIFF),
)
_ARCHIVES = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"MSCF", "cab"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE"),
)
_ZIP_DIRECTORY_END = b"PK\x05\x06"
_ZIP_DIRECTORY_REACH = 22 + 65_535
_OOXML_MARK = b"[Content_Types].xml"


def examine_upload(data: bytes, limits: IntakeLimits = DEFAULT_LIMITS) -> Intake:
    """Judge a file by its bytes and say what it is.

    Raises:
        UploadRefused: One of its subclasses, the first rule that the file breaks.
    """
    if not data:
        raise UploadEmpty
    if len(data) > limits.bytes:
        raise UploadTooLarge(size_bytes=len(data), limit_bytes=limits.bytes)
    _refuse_archives(data)
    kind = _kind_of(data)
    frames = _pdf_pages(data, limits) if kind is FileKind.PDF else _picture_pages(data, kind, limits)
    return Intake(
        kind=kind,
        media_type=MEDIA_TYPES[kind],
        pages=len(frames),
        width=max(frame.width for frame in frames),
        height=max(frame.height for frame in frames),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _refuse_archives(data: bytes) -> None:
    for magic, archive in _ARCHIVES:
        if data.startswith(magic):
            office = archive == "zip" and _OOXML_MARK in data[:4096]
            raise UploadIsArchive(archive="OOXML" if office else archive)
    if data[257:262] == b"ustar":
        raise UploadIsArchive(archive="tar")
    # A zip is found from its end: anything may stand before it, a picture for instance.
    if _ZIP_DIRECTORY_END in data[-_ZIP_DIRECTORY_REACH:]:
        raise UploadIsArchive(archive="zip")


def _kind_of(data: bytes) -> FileKind:
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return FileKind.WEBP
    raise UploadTypeUnknown(looks_like=_looks_like(data))


def _looks_like(data: bytes) -> str:
    """Name the type for the message; a guess, on which nothing rests."""
    try:
        return puremagic.from_string(data[:65_536], mime=True) or "?"
    except (puremagic.PureError, ValueError):
        return "?"


def _picture_pages(data: bytes, kind: FileKind, limits: IntakeLimits) -> list[Frame]:
    if kind is FileKind.TIFF:
        frames = picture_headers.tiff_frames(data, limits.pages)
        if len(frames) > limits.pages:
            raise TooManyPages(pages=len(frames), limit_pages=limits.pages)
    elif kind is FileKind.PNG:
        frames = [picture_headers.png_frame(data)]
    elif kind is FileKind.JPEG:
        frames = [picture_headers.jpeg_frame(data)]
    else:
        frames = [picture_headers.webp_frame(data)]
    for frame in frames:
        _check_size(frame, kind, limits)
    return frames


def _check_size(frame: Frame, kind: FileKind, limits: IntakeLimits) -> None:
    if frame.width < 1 or frame.height < 1:
        raise UploadMalformed(format=kind.upper(), detail="size 0")
    if max(frame) > limits.side_px or frame.width * frame.height > limits.pixels:
        raise PixelFlood(
            width=frame.width,
            height=frame.height,
            limit_side=limits.side_px,
            limit_pixels=limits.pixels,
        )


def _pdf_pages(data: bytes, limits: IntakeLimits) -> list[Frame]:
    pdf_contents.check_bytes(data, limits.unpacked_bytes)
    with pdf_contents.opened(data) as document:
        pages = len(document)
        if pages > limits.pages:
            raise TooManyPages(pages=pages, limit_pages=limits.pages)
        if not pages:
            raise UploadMalformed(format="PDF", detail="no page")
        pdf_contents.check_document(document)
        frames = []
        for index in range(pages):
            page = document[index]
            for picture in pdf_contents.pictures_in(page):
                _check_size(picture, FileKind.PDF, limits)
            width, height = page.get_size()
            frame = Frame(round(width), round(height))
            _check_size(frame, FileKind.PDF, limits)
            frames.append(frame)
            page.close()
        return frames
