"""The two uses of this package: read a document, compare it with what was declared; and show where it stands.

read = read_document(data, DocumentKind.PACKING_LIST)
findings = compare_document(read, declared)
picture = crop(data, findings[0].page, findings[0].box)
"""

from __future__ import annotations

from inspection.documents.comparison import ComparisonSettings, compare_document
from inspection.documents.extraction import extract
from inspection.documents.reading import Picture, crop_picture, look_again, page_pictures, read_page, reader
from inspection.documents.schema import (
    Box,
    DeclaredGoods,
    DocumentKind,
    Finding,
    ReadDocument,
    ReadPage,
    Severity,
    heaviest,
)
from inspection.documents.tables import find_table
from inspection.intake import DEFAULT_LIMITS, IntakeLimits, examine_upload

__all__ = [
    "Box",
    "ComparisonSettings",
    "DeclaredGoods",
    "DocumentKind",
    "Finding",
    "ReadDocument",
    "Severity",
    "compare_document",
    "crop",
    "heaviest",
    "read_document",
]


def read_document(data: bytes, kind: DocumentKind, limits: IntakeLimits = DEFAULT_LIMITS) -> ReadDocument:
    """Read a scanned document: judge the file, read its pages, find its fields.

    Args:
        data: PDF, PNG, JPEG, TIFF or WebP.
        kind: What the sender says it is.
        limits: The site's.

    Raises:
        UploadRefused: The file may not come in or does not decode.
    """
    intake = examine_upload(data, limits)
    pages = tuple(_read(picture, number) for number, picture in enumerate(page_pictures(data, intake), 1))
    return ReadDocument(
        kind=kind,
        media_type=intake.media_type,
        provenance=reader().provenance(intake.sha256),
        pages=pages,
        extracted=extract(kind, pages),
    )


def _read(picture: Picture, number: int) -> ReadPage:
    """Read a page, and look a second time where its table lacks figures."""
    page = read_page(picture, number)
    table = find_table(page.lines)
    return look_again(picture, page, table.gaps) if table is not None and table.gaps else page


def crop(data: bytes, page: int, box: Box, margin: int = 12) -> bytes:
    """Cut what a finding points to out of its document, as PNG.

    Args:
        data: The same file that was read.
        page: From 1.
        box: In pixels of the page picture, as findings give it.
        margin: Pixels around it.

    Raises:
        UploadRefused: The file may not come in or does not decode.
        PageMissing: It has no such page.
    """
    return crop_picture(page_pictures(data, examine_upload(data)), page, box, margin)
