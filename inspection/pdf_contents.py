"""What a PDF file carries, looked at before anybody draws it.

Two looks: over the bytes (so that nothing hides from one parser in what another sees), then through
PDFium, which also draws the pages later. PDFium is not safe for several threads: one lock for all.
Source: ISO 32000-1 §7.5 (structure), §12.6 (actions).
"""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pypdfium2
import pypdfium2.raw as pdfium_c

from inspection.picture_headers import Frame
from inspection.refusals import PdfActiveContent, PdfEncrypted, PdfExpands, UploadMalformed, UploadTruncated

PDFIUM_LOCK = threading.RLock()

_ACTIVE_NAMES = (
    b"JavaScript",
    b"Launch",
    b"EmbeddedFile",
    b"EmbeddedFiles",
    b"RichMedia",
    b"XFA",
    b"SubmitForm",
    b"ImportData",
    b"GoToE",
)
_ACTIVE = re.compile(rb"/(" + b"|".join(_ACTIVE_NAMES) + rb")(?![A-Za-z0-9])")
_ENCRYPT = re.compile(rb"/Encrypt(?![A-Za-z0-9])")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb"stream\r?\n")
_DICTIONARY_REACH = 2048
_KEPT_OF_OBJECT_STREAM = 16 << 20
_CHUNK = 1 << 20


def check_bytes(data: bytes, most_unpacked: int) -> None:
    """Look for encryption, active content and bombs in the bytes and in the unpacked object streams.

    Args:
        data: The whole file.
        most_unpacked: Sum over all deflated streams that is still taken for a document, bytes.

    Raises:
        UploadTruncated: No end-of-file mark near the end.
        PdfEncrypted, PdfActiveContent, PdfExpands: As their names say.
    """
    if b"%%EOF" not in data[-1024:]:
        raise UploadTruncated(format="PDF", detail="no %%EOF")
    for part in (data, *_object_streams(data, most_unpacked)):
        plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), part)
        if _ENCRYPT.search(plain):
            raise PdfEncrypted
        found = sorted({match[1].decode() for match in _ACTIVE.finditer(plain)})
        if found:
            raise PdfActiveContent(found=", ".join(found))


def _object_streams(data: bytes, most_unpacked: int) -> Iterator[bytes]:
    """Unpack every deflated stream to count it; yield those that hold objects."""
    left = most_unpacked
    for match in _STREAM.finditer(data):
        head = data[max(0, match.start() - _DICTIONARY_REACH) : match.start()]
        dictionary = head[head.rfind(b"obj") + 3 :]
        if b"Fl" not in dictionary:  # neither /FlateDecode nor its short form /Fl
            continue
        unpacked = bytearray()
        unpack = zlib.decompressobj()
        rest = memoryview(data)[match.end() :]
        try:
            while not unpack.eof:
                piece = unpack.decompress(rest[:_CHUNK], _CHUNK)
                taken = min(_CHUNK, len(rest)) - len(unpack.unconsumed_tail) - len(unpack.unused_data)
                rest = rest[taken:]
                left -= len(piece)
                if left < 0:
                    raise PdfExpands(limit_bytes=most_unpacked)
                if len(unpacked) < _KEPT_OF_OBJECT_STREAM:
                    unpacked += piece
                if not piece and not taken:
                    break
        except zlib.error:
            pass  # a stream that does not unpack hides nothing from a reader that cannot unpack it either
        if b"ObjStm" in _ESCAPED.sub(lambda hit: bytes([int(hit[1], 16)]), dictionary):
            yield bytes(unpacked)


@contextmanager
def opened(data: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """Open a PDF with PDFium, alone in this process.

    Raises:
        PdfEncrypted: A password is asked for.
        UploadMalformed: PDFium does not take it.
    """
    with PDFIUM_LOCK:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if getattr(error, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD:
                raise PdfEncrypted from error
            raise UploadMalformed(format="PDF", detail="structure") from error
        try:
            yield document
        except pypdfium2.PdfiumError as error:
            raise UploadMalformed(format="PDF", detail="page") from error
        finally:
            document.close()


def check_document(document: pypdfium2.PdfDocument) -> None:
    """Ask PDFium for scripts, forms with scripts and attached files.

    Raises:
        PdfActiveContent: Any of them is there.
    """
    found = []
    if pdfium_c.FPDFDoc_GetJavaScriptActionCount(document.raw) > 0:
        found.append("JavaScript")
    if pdfium_c.FPDFDoc_GetAttachmentCount(document.raw) > 0:
        found.append("EmbeddedFile")
    if document.get_formtype() in {pdfium_c.FORMTYPE_XFA_FULL, pdfium_c.FORMTYPE_XFA_FOREGROUND}:
        found.append("XFA")
    if found:
        raise PdfActiveContent(found=", ".join(found))


def pictures_in(page: pypdfium2.PdfPage) -> Iterator[Frame]:
    """Give the size in pixels of every picture that a page draws, from its header."""
    for item in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=8):
        if isinstance(item, pypdfium2.PdfImage):
            yield Frame(*item.get_px_size())
