"""How a bundle is carried: inside a release note's PDF, and in QR codes."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from hashlib import sha256

from ledger.verifier.reading import MOST_JSON_BYTES, Fault, Reason
from ledger.verifier.signatures import SignedBy

MOST_PDF_BYTES = 20 << 20
SEAL_MARK = b"piste-seal-v1 "
SIGNATURE_DIGITS = 130
QR_MARK = "PISTE1:"
MOST_CODES = 99
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_SEAL_STREAM = re.compile(
    rb"stream\r?\n(piste-seal-v1 ([0-9a-f]{40}) ([0-9a-f]{130}) ([0-9]{10})\n)\r?\n?endstream"
)
_BUNDLE_MARK = re.compile(rb'stream\r?\n\{"changes":\[')
_BUNDLE_STREAM = re.compile(rb'stream\r?\n(\{"changes":\[[^\r\n]*)\r?\nendstream')
_CODE = re.compile(r"PISTE1:([0-9A-F]{8}):([1-9][0-9]?)/([1-9][0-9]?):([0-9A-Z $%*+\-./:]*)")
_VALUES = {character: value for value, character in enumerate(BASE45)}


@dataclass(frozen=True)
class Paper:
    """What a release note carries."""

    bundle: bytes
    by: SignedBy
    signed_at: int
    content_hash: bytes
    """SHA-256 of the file, the signature's digits replaced by zeros."""


def read_pdf(data: bytes) -> Paper:
    """Find seal and bundle in the bytes of a PDF.

    Raises:
        Fault: `too-large`, `paper-seal-missing` or `bundle-missing`.
    """
    if len(data) > MOST_PDF_BYTES:
        raise Fault(Reason.TOO_LARGE)
    line = _SEAL_STREAM.search(data)
    if line is None or data.count(SEAL_MARK) != 1:
        raise Fault(Reason.PAPER_SEAL_MISSING)
    marks = [match.start() for match in _BUNDLE_MARK.finditer(data)]
    found = _BUNDLE_STREAM.match(data, marks[0]) if len(marks) == 1 else None
    if found is None:
        raise Fault(Reason.BUNDLE_MISSING)
    hashed = sha256(data[: line.start(3)])
    hashed.update(b"0" * SIGNATURE_DIGITS)
    hashed.update(memoryview(data)[line.end(3) :])
    by = SignedBy(bytes.fromhex(line[2].decode()), bytes.fromhex(line[3].decode()))
    return Paper(found[1], by, int(line[4]), hashed.digest())


def read_codes(text: str) -> bytes:
    """Put QR codes together, one a line, in any order.

    Raises:
        Fault: `qr-unreadable`.
    """
    pieces: dict[int, str] = {}
    sets = set()
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line:
            continue
        code = _CODE.fullmatch(line)
        if code is None:
            raise Fault(Reason.QR_UNREADABLE)
        sets.add((code[1], code[3]))
        if pieces.setdefault(int(code[2]), code[4]) != code[4]:
            raise Fault(Reason.QR_UNREADABLE)
    if len(sets) != 1:
        raise Fault(Reason.QR_UNREADABLE)
    check, count = sets.pop()
    if sorted(pieces) != list(range(1, int(count) + 1)):
        raise Fault(Reason.QR_UNREADABLE)
    deflated = from_base45("".join(pieces[place] for place in sorted(pieces)))
    if sha256(deflated).hexdigest()[:8].upper() != check:
        raise Fault(Reason.QR_UNREADABLE)
    return _inflated(deflated)


def from_base45(text: str) -> bytes:
    """Decode base45 (RFC 9285).

    Raises:
        Fault: `qr-unreadable`.
    """
    found = bytearray()
    for at in range(0, len(text), 3):
        digits = [_VALUES.get(character, -1) for character in text[at : at + 3]]
        value = sum(digit * 45**place for place, digit in enumerate(digits))
        length = len(digits) - 1
        if min(digits) < 0 or length == 0 or value >> 8 * length:
            raise Fault(Reason.QR_UNREADABLE)
        found += value.to_bytes(length, "big")
    return bytes(found)


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        found = inflater.decompress(data, MOST_JSON_BYTES + 1)
    except zlib.error:
        raise Fault(Reason.QR_UNREADABLE) from None
    if not inflater.eof or inflater.unused_data or len(found) > MOST_JSON_BYTES:
        raise Fault(Reason.QR_UNREADABLE)
    return found
