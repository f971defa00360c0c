"""Papers as PDF: the issued copy of a certificate and the release note, in Chinese and English.

Every paper shows the digests of the statements that it rests on and a QR code that leads to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import segno
import weasyprint
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from kernel.errors import Text


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
    vehicles: Sequence[str]
    content_hash: str
    decisions: Sequence[SignedLine]
    look_up: str


def certificate_pdf(paper: CertificatePaper, *, made_at: datetime, time_zone: str) -> bytes:
    """Write the issued copy of a certificate."""
    return _pdf("certificate.html", paper, made_at, time_zone)


def release_note_pdf(note: ReleaseNote, *, made_at: datetime, time_zone: str) -> bytes:
    """Write a release note."""
    return _pdf("release_note.html", note, made_at, time_zone)


def _pdf(template: str, paper: CertificatePaper | ReleaseNote, made_at: datetime, time_zone: str) -> bytes:
    zone = ZoneInfo(time_zone)
    html = (
        _templates()
        .get_template(template)
        .render(
            paper=paper,
            qr=Markup(segno.make(paper.look_up, error="m").svg_inline(scale=3, border=1)),  # noqa: S704 - drawn by segno from our own address
            moment=lambda at: f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S} {zone.key}" if at else "—",
            made_at=made_at,
        )
    )
    document: bytes = weasyprint.HTML(string=html, url_fetcher=_no_fetching).write_pdf(pdf_variant="pdf/a-3b")
    return document


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
