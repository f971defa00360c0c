"""Papers as PDF: the issued copy of a certificate and the release note, in Chinese and English.

Every paper shows the digests of the statements that it rests on and a QR code that leads to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import segno
import weasyprint
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from kernel.errors import Text
from ledger.chain.deployment import Deployment
from ledger.keys.signing import Signer
from ledger.proofs.sealing import blank_seal_line, bundle_subject, qr_texts, seal_paper

MOST_LINES = 5
"""Goods items shown on a release note, so that it stays on one page."""
LONGEST_CODE = 854
"""Characters in one QR code of version 16, which a phone reads from a printed page."""
MOST_CODES = 8


@dataclass(frozen=True, kw_only=True)
class SignedLine:
    """One decision as a paper shows it."""

    what: Text
    who: str
    at: datetime | None
    digest: str
    """The statement's digest, hexadecimal with 0x."""
    key: str
    block: int | None


@dataclass(frozen=True, kw_only=True)
class CertificatePaper:
    """What the issued copy of a certificate shows."""

    number: str
    version: int
    content: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]
    content_hash: str
    decisions: Sequence[SignedLine]
    look_up: str
    """Address that the QR code leads to."""


@dataclass(frozen=True, kw_only=True)
class ReleaseNote:
    """What a release note shows: enough for the guard at a gate, on one page."""

    number: str
    reference: str
    version: int
    channel: Text
    content: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]
    vehicles: Sequence[tuple[str, int]]
    """Plates, each with how many gates its check note opens."""
    content_hash: str
    decisions: Sequence[SignedLine]
    look_up: str
    proof: PaperProof

    @property
    def shown_lines(self) -> Sequence[Mapping[str, Any]]:
        """As many goods items as fit on the page."""
        return self.lines[:MOST_LINES]


@dataclass(frozen=True, kw_only=True)
class PaperProof:
    """What makes a release note provable without a network."""

    bundle: bytes
    """The whole bundle, attached."""
    lean: bytes
    """The bundle that the QR codes carry where the whole one does not fit."""
    deployment: Deployment
    signer: Signer
    """The log's key, which seals the paper."""

    @cached_property
    def codes(self) -> list[str]:
        """The texts of the QR codes; none where even the lean bundle is too large."""
        for bundle in (self.bundle, self.lean):
            texts = qr_texts(bundle, longest=LONGEST_CODE)
            if len(texts) <= MOST_CODES:
                return texts
        return []


def certificate_pdf(paper: CertificatePaper, *, made_at: datetime, time_zone: str) -> bytes:
    """Write the issued copy of a certificate."""
    return _pdf("certificate.html", paper, made_at, time_zone)


def release_note_pdf(note: ReleaseNote, *, made_at: datetime, time_zone: str) -> bytes:
    """Write a release note with bundle and seal attached, and seal the whole file with the log's key.

    The two attachments are kept uncompressed, so that a verifier finds them without parsing the PDF.
    """
    proof = note.proof
    attachments = [
        _attachment("piste-bundle.json", proof.bundle, "Proof of the decision", made_at),
        _attachment("piste-seal.txt", blank_seal_line(proof.signer, made_at), "Seal of this file", made_at),
    ]
    unsealed = _pdf("release_note.html", note, made_at, time_zone, attachments)
    return seal_paper(unsealed, bundle_subject(proof.bundle), proof.deployment, proof.signer)


def _attachment(name: str, data: bytes, description: str, made_at: datetime) -> weasyprint.Attachment:
    return weasyprint.Attachment(
        file_obj=BytesIO(data),
        name=name,
        description=description,
        created=made_at,
        modified=made_at,
        relationship="Data",
    )


def _open_attachments(_: object, pdf: Any) -> None:  # noqa: ANN401 - WeasyPrint's own type has no annotations
    """Keep attachments uncompressed, and name each once."""
    for item in pdf.objects:
        extra = getattr(item, "extra", None)
        if extra and extra.get("Type") == "/EmbeddedFile":
            item.compress = False
            # The seal is written into the stream afterwards; a checksum of before would be wrong.
            extra["Params"].pop("CheckSum", None)
    if "AF" in pdf.catalog:
        pdf.catalog["AF"][:] = list(dict.fromkeys(pdf.catalog["AF"]))


def _pdf(
    template: str,
    paper: CertificatePaper | ReleaseNote,
    made_at: datetime,
    time_zone: str,
    attachments: Sequence[weasyprint.Attachment] = (),
) -> bytes:
    zone = ZoneInfo(time_zone)
    html = (
        _templates()
        .get_template(template)
        .render(
            paper=paper,
            qr=_drawn(paper.look_up, "m"),
            codes=[_drawn(text, "l") for text in paper.proof.codes] if isinstance(paper, ReleaseNote) else [],
            moment=lambda at: f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S} {zone.key}" if at else "—",
            made_at=made_at,
        )
    )
    document: bytes = weasyprint.HTML(string=html, url_fetcher=_no_fetching).write_pdf(
        pdf_variant="pdf/a-3b", attachments=list(attachments), finisher=_open_attachments
    )
    return document


def _drawn(text: str, error: str) -> Markup:
    """Draw a QR code; the text is our own."""
    return Markup(segno.make(text, error=error, micro=False).svg_inline(scale=3, border=2, omitsize=True))  # noqa: S704 - drawn by segno from our own text


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("workflow.release"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _no_fetching(url: str, *_: object, **__: object) -> dict[str, Any]:
    msg = f"papers fetch nothing: {url[:80]}"
    raise ValueError(msg)
