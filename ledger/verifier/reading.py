"""Reading untrusted JSON: canonical bytes only, exact members and forms; hostile input ends as one named fault."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Any

import orjson

MOST_JSON_BYTES = 1 << 20
MOST_DEPTH = 32
GREATEST_NUMBER = (1 << 53) - 1
LONGEST_NUMBER = 17
_NO_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'[]{}"\\')
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Reason(StrEnum):
    """Why a verdict is what it is; told in words in words.json."""

    TOO_LARGE = "too-large"
    UNKNOWN_FORMAT = "unknown-format"
    PAPER_SEAL_MISSING = "paper-seal-missing"
    BUNDLE_MISSING = "bundle-missing"
    QR_UNREADABLE = "qr-unreadable"
    NOT_CANONICAL_JSON = "not-canonical-json"
    MALFORMED = "malformed"
    COPY_SEAL = "copy-seal"
    PAPER_SEAL = "paper-seal"
    SEAL = "seal"
    SIGNATURE = "signature"
    CHANGE_ORDER = "change-order"
    CHANGE_SIGNATURE = "change-signature"
    RECORD = "record"
    INCLUSION = "inclusion"
    CHECKPOINT_SIGNATURE = "checkpoint-signature"
    WITNESS = "witness"
    WITNESS_SIGNATURE = "witness-signature"
    DISCLOSED = "disclosed"
    OTHER_NETWORK = "other-network"
    CHANGE_CONFLICT = "change-conflict"
    CHANGE_NOT_FOUNDERS = "change-not-founders"
    KEY_UNKNOWN = "key-unknown"
    KEY_ROLE = "key-role"
    KEY_VALIDITY = "key-validity"
    SIGNERS_MISSING = "signers-missing"
    LOG_KEY = "log-key"
    WITNESS_KEY = "witness-key"
    KEY_REVOKED = "key-revoked"
    LOG_KEY_REVOKED = "log-key-revoked"
    CORRECTED = "corrected"
    NOT_RECORDED = "not-recorded"
    NO_CHECKPOINT = "no-checkpoint"
    WITNESSES_MISSING = "witnesses-missing"
    VALID = "valid"


class Fault(Exception):
    """A check failed; caught inside the verifier, where it becomes a result."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def malformed() -> Fault:
    """Give the fault of a value that has not the form it must have."""
    return Fault(Reason.MALFORMED)


def canonical(value: object) -> bytes:
    """Write a value as RFC 8785 does, given whole numbers and ASCII member names.

    Raises:
        ValueError: A text holds half a character (a lone surrogate).
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as fault:
        raise ValueError(str(fault)) from None


def read_json(data: bytes, *, most: int = MOST_JSON_BYTES) -> dict[str, Any]:
    """Read an object of at most so many bytes that is written as canonical JSON is.

    Three rules are left to the forms, because the decoder in C does not know them: no fractions and no numbers beyond
    2^53−1, ASCII names, 32 levels. What breaks one of them has the form of nothing; `check_plain` then tells it apart.

    Raises:
        Fault: `too-large` or `not-canonical-json`.
    """
    if len(data) > most:
        raise Fault(Reason.TOO_LARGE)
    try:
        value = orjson.loads(data)
        if type(value) is dict and canonical(value) == data:
            return value
    except ValueError:
        pass
    raise Fault(Reason.NOT_CANONICAL_JSON)


def check_plain(data: bytes) -> None:
    """Check all rules of canonical JSON, also those that `read_json` leaves to the forms; takes five times as long.

    Raises:
        Fault: `not-canonical-json`.
    """
    try:
        if _is_shallow(data) and canonical(_DECODER.decode(data.decode())) == data:
            return
    except ValueError:
        pass
    raise Fault(Reason.NOT_CANONICAL_JSON)


def object_of(value: object, names: frozenset[str]) -> dict[str, Any]:
    """Take an object with exactly these members."""
    if not isinstance(value, dict) or value.keys() != names:
        raise malformed()
    return value


def list_of(value: object, least: int, most: int) -> list[Any]:
    """Take a list of a length within bounds."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise malformed()
    return value


def text_of(value: object) -> str:
    """Take a string."""
    if not isinstance(value, str):
        raise malformed()
    return value


def number_of(value: object, least: int = 0, most: int = GREATEST_NUMBER) -> int:
    """Take a whole number within bounds; true and false are none."""
    if type(value) is not int or not least <= value <= most:
        raise malformed()
    return value


def bytes_of(value: object, *lengths: int) -> bytes:
    """Take lower-case hex of one of these lengths in bytes; of any where none is given."""
    if isinstance(value, str) and value.startswith("0x"):
        digits = value[2:]
        try:
            found = bytes.fromhex(digits)
        except ValueError:
            raise malformed() from None
        # Python also takes blanks and capitals: written again they differ.
        if found.hex() == digits and (not lengths or len(found) in lengths):
            return found
    raise malformed()


def scalar_of(value: object) -> object:
    """Take a text, a whole number, true, false, null, or an empty object or list."""
    if isinstance(value, str) or value is None or isinstance(value, bool) or value in ({}, []):
        return value
    return number_of(value, -GREATEST_NUMBER)


def uuid_bytes_of(value: object) -> bytes:
    """Take a UUID; give it as the chain holds it, 16 bytes followed by 16 zeros."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise malformed()
    return bytes.fromhex(value.replace("-", "")) + bytes(16)


def _is_shallow(data: bytes) -> bool:
    """Tell whether nothing is nested deeper than allowed, before anything is parsed: a parser may die of depth."""
    left = data.translate(None, _NO_STRUCTURE).replace(b'""', b"")
    if b'"' in left or b"\\" in left:  # a text holds a bracket, a quote or an escape: look closely
        left = _TEXT.sub(b"", data).translate(None, _NO_STRUCTURE)
    depth = 0
    for byte in left:
        depth += 1 if byte in b"[{" else -1
        if depth > MOST_DEPTH:
            return False
    return True


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if not "".join(found).isascii():
        raise ValueError
    return found


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER or abs(int(text)) > GREATEST_NUMBER:
        raise ValueError
    return int(text)


def _no_number(text: str) -> float:
    raise ValueError(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_whole, parse_float=_no_number, parse_constant=_no_number
)
