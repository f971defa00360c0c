"""How material certificates are shown, and the desk that serves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import Field
from sqlalchemy import Select

from api.cases.bodies import ReadByProcess
from api.cases.desks import Desk, Narrow
from api.cases.papers import DocumentView, FindingView, documents_view, findings_view
from api.cases.views import (
    DETAIL_EXAMPLE,
    PRINTABLE,
    SUMMARY_EXAMPLE,
    CaseDetail,
    CaseSummary,
    Look,
    detail_fields,
    hexadecimal,
    summary_fields,
)
from workflow.certificates import service as certificates
from workflow.certificates.models import Certificate, CertificateLine
from workflow.certificates.schemas import CertificateContent
from workflow.engine.schemas import Output, Word, example
from workflow.processes import CERTIFICATES

NumberFilter = Annotated[
    str | None, Query(pattern=PRINTABLE, description="Only the one with exactly this number.")
]
RawCertificate = Annotated[Any, ReadByProcess(CertificateContent), Body()]

CERTIFICATE_EXAMPLE: dict[str, Any] = {
    "number": "MCO26-0417",
    "event": "milano-cortina-2026",
    "issuing_team": "Logistics",
    "holder": "CH:CHE-123456789",
    "holder_name": "Alpine Timing AG",
    "broker": "DE:HRB12345",
    "broker_name": "Nordwind Zollservice GmbH",
    "venue": "Sliding Centre",
    "functional_area": "Timing and scoring",
    "arrival_ports": ["ITMXP"],
    "category": "special_need_temporary",
    "legal_basis": "Istanbul Convention",
    "guarantee_reference": "G-2026-001",
    "valid_from": "2026-01-01",
    "valid_until": "2026-06-01",
    "re_export_due": "2026-06-01",
    "lines": [
        {
            "line_no": 1,
            "hs_code": "910690",
            "name_zh": "计时设备",
            "name_en": "Timing equipment",
            "quantity": "12",
            "unit": "H87",
            "packages": 3,
            "package_kind": "CT",
            "gross_kg": "120.5",
            "net_kg": "100",
            "value": "25000",
            "currency": "EUR",
            "origin": "CH",
        }
    ],
}
_SUMMARY: dict[str, Any] = {
    "number": "MCO26-0417",
    "version": 1,
    "event": "milano-cortina-2026",
    "category": "special_need_temporary",
    "holder": "CH:CHE-123456789",
    "valid_from": "2026-01-01",
    "valid_until": "2026-06-01",
}


class CertificateSummary(CaseSummary):
    """A material certificate in a list."""

    model_config = example({**SUMMARY_EXAMPLE, **_SUMMARY})

    number: str
    version: int
    event: str
    category: str
    holder: str
    valid_from: date
    valid_until: date


class LineAccount(Output):
    """A line of the goods list and its account: reserved + committed + left = ceiling."""

    line: int
    hs_code: str
    name_en: str
    name_zh: str
    unit: str
    ceiling: Decimal
    reserved: Decimal = Field(description="Held by declarations that are filed and not released.")
    committed: Decimal = Field(description="Used by released declarations.")
    left: Decimal


class CertificateDetail(CaseDetail, CertificateSummary):
    """A material certificate."""

    model_config = example(
        {
            **DETAIL_EXAMPLE,
            **_SUMMARY,
            "content": CERTIFICATE_EXAMPLE,
            "content_hash": "0x" + "5b" * 32,
            "lines": [
                {
                    "line": 1,
                    "hs_code": "910690",
                    "name_en": "Timing equipment",
                    "name_zh": "计时设备",
                    "unit": "H87",
                    "ceiling": "12",
                    "reserved": "4",
                    "committed": "0",
                    "left": "8",
                }
            ],
            "documents": [],
            "findings": [],
        }
    )

    content: dict[str, Any] = Field(description="The content that firm, committee and customs confirm.")
    content_hash: Word
    lines: list[LineAccount]
    documents: list[DocumentView]
    findings: list[FindingView]


def summarise(look: Look, certificate: Certificate) -> CertificateSummary:
    """Show a certificate in a list."""
    del look
    return CertificateSummary(**summary_fields(CERTIFICATES, certificate), **_particulars(certificate))


def describe(look: Look, certificate: Certificate) -> CertificateDetail:
    """Show a certificate that was loaded with its lines."""
    return CertificateDetail(
        **detail_fields(look, CERTIFICATES, certificate),
        **_particulars(certificate),
        content=certificate.content,
        content_hash=hexadecimal(certificate.content_hash),
        lines=line_accounts(certificate.lines),
        documents=documents_view(look, CERTIFICATES.kind, certificate.id),
        findings=findings_view(look, CERTIFICATES.kind, certificate.id),
    )


def line_accounts(lines: Sequence[CertificateLine]) -> list[LineAccount]:
    """Show the account of each line."""
    return [
        LineAccount(
            line=line.line,
            hs_code=line.hs_code,
            name_en=line.name_en,
            name_zh=line.name_zh,
            unit=line.unit,
            ceiling=line.ceiling,
            reserved=line.reserved,
            committed=line.committed,
            left=line.balance.left,
        )
        for line in lines
    ]


def _particulars(certificate: Certificate) -> dict[str, Any]:
    return {name: getattr(certificate, name) for name in _SUMMARY}


async def _filters(number: NumberFilter = None) -> Narrow:
    def narrow(query: Select[Any]) -> Select[Any]:
        return query if number is None else query.where(Certificate.number == number)

    return narrow


DESK = Desk(
    kind=CERTIFICATES,
    noun="material certificate",
    query=certificates.certificates_query,
    filters=_filters,
    summary=CertificateSummary,
    summarise=summarise,
    detail=CertificateDetail,
    describe=describe,
    examples={
        "return_to_firm": {"reason": "Line 1: the brand is missing."},
        "reject": {"reason": "The goods do not belong to the Games."},
        "revoke": {"reason": "The holder withdrew from the event."},
    },
    unhurried=frozenset({"revoke"}),
)
