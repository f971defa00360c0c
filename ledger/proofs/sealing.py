"""Sealing of files by the evidence log's key, and how a bundle fits into QR codes. Pure; formats in docs/verification.md."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
import rfc8785
from eth_utils.crypto import keccak

from kernel.clock import unix
from ledger.chain.deployment import STATEMENT_CONTRACTS, Deployment
from ledger.keys.signing import SignedBy, Signer
from ledger.statements import Evidence, Statement, digest, id_bytes, statement_from

BUNDLE_FORMAT, REDACTED_FORMAT = "piste-bundle-v1", "piste-redacted-v1"
BUNDLE_SEAL, REDACTED_SEAL, PAPER_SEAL = "piste.bundle", "piste.redacted", "piste.paper"
SEAL_LINE = b"piste-seal-v1 "
SIGNATURE_DIGITS = 130
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_UNSEALED = re.compile(rb"piste-seal-v1 [0-9a-f]{40} (0{130}) ([0-9]{10})\n")


def redacted_copy(
    bundle: bytes,
    disclosed: Mapping[str, Any],
    view: str,
    *,
    deployment: Deployment,
    signer: Signer,
    now: datetime,
) -> bytes:
    """Put a view of a document beside the bundle of the decision on it, and seal both.

    Args:
        bundle: A bundle without disclosed fields, as `build_bundle` gives it.
        disclosed: See `disclosure.redact`.
        view: Name of the view.
        deployment: Where the contracts stand.
        signer: The log's key.
        now: The present moment.
    """
    inner = _parsed(bundle)
    body: dict[str, Any] = {"format": REDACTED_FORMAT, "bundle": inner, "disclosed": disclosed, "view": view}
    return sealed(body, REDACTED_SEAL, bundle_subject(inner), deployment, signer, now)


def sealed(
    body: Mapping[str, Any],
    kind: str,
    subject: bytes,
    deployment: Deployment,
    signer: Signer,
    now: datetime,
) -> bytes:
    """Add the log's signature over a whole file; give its canonical bytes."""
    signed_at = unix(now)
    content_hash = sha256(rfc8785.dumps(dict(body))).digest()
    signature = signer.sign(digest(_evidence(subject, kind, content_hash, signed_at), deployment))
    seal: dict[str, Any] = {
        "signer": "0x" + signer.signer.hex(),
        "signature": "0x" + signature.hex(),
        "signedAt": signed_at,
    }
    whole: dict[str, Any] = {**body, "seal": seal}
    return rfc8785.dumps(whole)


def blank_seal_line(signer: Signer, now: datetime) -> bytes:
    """Give the line that a paper carries until it is sealed."""
    return SEAL_LINE + f"{signer.signer.hex()} {'0' * SIGNATURE_DIGITS} {unix(now):010d}\n".encode()


def seal_paper(paper: bytes, subject: bytes, deployment: Deployment, signer: Signer) -> bytes:
    """Sign a whole paper that carries a blank seal line; the length stays the same.

    Raises:
        ValueError: It does not carry exactly one.
    """
    lines = list(_UNSEALED.finditer(paper))
    if len(lines) != 1 or paper.count(SEAL_LINE) != 1:
        raise ValueError(len(lines))
    (line,) = lines
    evidence = _evidence(subject, PAPER_SEAL, sha256(paper).digest(), int(line[2]))
    signature = signer.sign(digest(evidence, deployment)).hex().encode()
    return paper[: line.start(1)] + signature + paper[line.end(1) :]


def bundle_subject(bundle: Mapping[str, Any] | bytes) -> bytes:
    """Give what the seals of a bundle name as their subject."""
    body = _parsed(bundle) if isinstance(bundle, bytes) else bundle
    if body["leaf"] is not None:
        return id_bytes(UUID(body["leaf"]["subject"]))
    return statement_from(body["statement"]["primaryType"], body["statement"]["message"]).subject


def qr_texts(bundle: bytes, *, longest: int) -> list[str]:
    """Give the texts of the QR codes that carry a bundle, all in the alphanumeric mode.

    Args:
        bundle: The bundle.
        longest: Characters that one code holds.
    """
    deflated = zlib.compress(bundle, 9)
    check = sha256(deflated).hexdigest()[:8].upper()
    text = to_base45(deflated)
    room = longest - len(f"PISTE1:{check}:99/99:")
    pieces = [text[at : at + room] for at in range(0, len(text), room)]
    return [f"PISTE1:{check}:{place}/{len(pieces)}:{piece}" for place, piece in enumerate(pieces, 1)]


def to_base45(data: bytes) -> str:
    """Encode in base45 (RFC 9285)."""
    found = []
    for at in range(0, len(data), 2):
        pair = data[at : at + 2]
        value = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            value, digit = divmod(value, len(BASE45))
            found.append(BASE45[digit])
    return "".join(found)


def network_of(deployment: Deployment) -> dict[str, Any]:
    """Give the chain and its contracts as bundles name them."""
    contracts = {name: deployment.address(name).lower() for name in STATEMENT_CONTRACTS}
    return {"chainId": deployment.chain_id, "contracts": contracts}


def signatures_json(signatures: Iterable[SignedBy]) -> list[dict[str, str]]:
    """Give signatures as bundles hold them."""
    return [{"signer": "0x" + it.signer.hex(), "signature": "0x" + it.signature.hex()} for it in signatures]


def _evidence(subject: bytes, kind: str, content_hash: bytes, signed_at: int) -> Statement:
    return Evidence(subject, keccak(text=kind), content_hash, signed_at)


def _parsed(bundle: bytes) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(bundle)
    return body
