"""How declarations are shown, and the desk that serves them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Body, Query
from pydantic import Field
from sqlalchemy import ColumnElement, Select, and_, exists, select
from sqlalchemy.orm import Session

from api.cases.bodies import ReadByProcess
from api.cases.desks import Desk, Narrow
from api.cases.papers import DocumentView, FindingView, documents_view, findings_view
from api.cases.views import (
    DETAIL_EXAMPLE,
    PRINTABLE,
    SUMMARY_EXAMPLE,
    Action,
    CaseDetail,
    CaseSummary,
    Look,
    Words,
    case_address,
    detail_fields,
    hexadecimal,
    summary_fields,
)
from kernel.errors import Text
from ledger.models import StatementRecord, StatementState
from workflow.certificates.models import Certificate
from workflow.declarations import service as declarations
from workflow.declarations.models import Declaration
from workflow.declarations.rules import EDIFACT_7365, WCO_FUNCTION
from workflow.declarations.schemas import DeclarationContent
from workflow.documents.rules import DocumentKind
from workflow.engine.principals import Principal
from workflow.engine.schemas import Output, Word, example
from workflow.processes import DECLARATIONS
from workflow.release import service as release
from workflow.release.proofs import note_waits_for
from workflow.release.rules import SECOND_SIGNERS, Channel

NumberFilter = Annotated[
    str | None, Query(pattern=PRINTABLE, description="Only the one with exactly this number.")
]
ReferenceFilter = Annotated[
    str | None, Query(pattern=PRINTABLE, description="Only those with exactly this reference of the firm.")
]
RawDeclaration = Annotated[Any, ReadByProcess(DeclarationContent), Body()]

DECLARATION_EXAMPLE: dict[str, Any] = {
    "reference": "NW-2026-00031",
    "office": "0101",
    "direction": "import",
    "procedure": "53",
    "supervision_mode": "2600",
    "event": "milano-cortina-2026",
    "venue": "Sliding Centre",
    "declarant": "DE:HRB12345",
    "declarant_name": "Nordwind Zollservice GmbH",
    "holder": "CH:CHE-123456789",
    "holder_name": "Alpine Timing AG",
    "transport": {"mode": "road"},
    "lines": [
        {
            "line_no": 1,
            "hs_code": "910690",
            "name_en": "Timing equipment",
            "name_zh": "计时设备",
            "quantity": "4",
            "unit": "H87",
            "packages": 1,
            "package_kind": "CT",
            "gross_kg": "60",
            "net_kg": "50",
            "value": "1000",
            "currency": "EUR",
            "origin": "CH",
            "certificate_number": "MCO26-0417",
            "certificate_line": 1,
        }
    ],
    "total_packages": 1,
    "gross_kg": "60",
    "currency": "EUR",
    "total_value": "1000",
}
_SUMMARY: dict[str, Any] = {
    "number": "010120261000000031",
    "reference": "NW-2026-00031",
    "version": 1,
    "direction": "import",
    "office": "0101",
    "procedure": "53",
    "channel": "yellow",
    "accepted_at": "2026-02-03T08:14:02Z",
    "released_at": None,
    "goods_passed_at": None,
}
_COUNTERSIGN = Text("Countersign the release", "复核签署放行决定")
_RETRACT = Text("Retract the release before the second signature", "复核签署前撤回放行决定")


class DeclarationSummary(CaseSummary):
    """A declaration in a list."""

    model_config = example(
        {**SUMMARY_EXAMPLE, "kind": "declaration", **_SUMMARY, "edifact_7365": "1", "wco_function": "01"}
    )

    number: str | None = Field(description="18 digits, given when it is accepted.")
    reference: str
    version: int
    direction: str
    office: str
    procedure: str
    channel: Literal["green", "yellow", "red"]
    accepted_at: datetime | None
    released_at: datetime | None
    goods_passed_at: datetime | None
    edifact_7365: str | None = Field(description="UN/EDIFACT 7365 code of the state.")
    wco_function: str | None = Field(description="WCO response function code of the state.")


class DrawView(Output):
    """What the declaration holds or has used of a certificate line."""

    certificate_id: UUID
    certificate_number: str
    line: int
    unit: str
    quantity: Decimal
    state: Literal["standing", "committed"]


class DeclarationDetail(CaseDetail, DeclarationSummary):
    """A declaration."""

    model_config = example(
        {
            **DETAIL_EXAMPLE,
            "kind": "declaration",
            **_SUMMARY,
            "edifact_7365": "1",
            "wco_function": "01",
            "channel_words": {"en": "yellow: documents examined", "zh": "黄色通道：审核单证"},
            "content": DECLARATION_EXAMPLE,
            "content_hash": "0x" + "5b" * 32,
            "awaits_second_signature": False,
            "amendment": None,
            "source": None,
            "draws": [
                {
                    "certificate_id": "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01",
                    "certificate_number": "MCO26-0417",
                    "line": 1,
                    "unit": "H87",
                    "quantity": "4",
                    "state": "standing",
                }
            ],
            "documents": [],
            "release_note_waits_for": None,
            "findings": [],
        }
    )

    channel_words: Words
    content: dict[str, Any] = Field(description="The content that the broker signed, or is to sign.")
    content_hash: Word
    awaits_second_signature: bool = Field(
        description="Whether a release waits for a second officer; the red channel takes two."
    )
    amendment: dict[str, Any] | None = Field(
        description="Amended content that waits for the broker's signature; shown to the firm alone until then."
    )
    source: str | None = Field(description="SHA-256 of the XML that it came in as.")
    draws: list[DrawView]
    documents: list[DocumentView]
    release_note_waits_for: Words | None = Field(
        description="What the release note still waits for; null where it is written, or nothing was released."
    )
    findings: list[FindingView] = Field(description="Of the version in force.")


def summarise(look: Look, declaration: Declaration) -> DeclarationSummary:
    """Show a declaration in a list."""
    del look
    return DeclarationSummary(**summary_fields(DECLARATIONS, declaration), **_particulars(declaration))


def describe(look: Look, declaration: Declaration) -> DeclarationDetail:
    """Show a declaration."""
    own = declaration.organisation_id == look.principal.organisation_id
    papers = documents_view(look, DECLARATIONS.kind, declaration.id)
    return DeclarationDetail(
        **detail_fields(look, DECLARATIONS, declaration, more=second_signature(look, declaration)),
        **_particulars(declaration),
        channel_words=Words.of(Channel[declaration.channel.upper()].words),
        content=declaration.content,
        content_hash=hexadecimal(declaration.content_hash),
        awaits_second_signature=release.waiting_release(look.session, declaration) is not None,
        amendment=declaration.next_content if own else None,
        source=declaration.source_sha256,
        draws=draws_view(look.session, declaration.id),
        documents=papers,
        release_note_waits_for=_note_waits_for(look, declaration, papers),
        findings=findings_view(look, DECLARATIONS.kind, declaration.id, declaration.version),
    )


def _note_waits_for(look: Look, declaration: Declaration, papers: list[DocumentView]) -> Words | None:
    if declaration.released_at is None or any(paper.kind == DocumentKind.RELEASE_NOTE for paper in papers):
        return None
    missing = note_waits_for(look.session, look.context, declaration.id)
    return Words.of(missing or Text("the writer of papers", "文书生成"))


def draws_view(session: Session, declaration_id: UUID) -> list[DrawView]:
    """Show what a declaration holds or has used."""
    draws = declarations.draws_of(session, declaration_id)
    wanted = {draw.line.certificate_id for draw in draws}
    found = session.execute(select(Certificate.id, Certificate.number).where(Certificate.id.in_(wanted)))
    numbers = {row.id: row.number for row in found}
    return [
        DrawView(
            certificate_id=draw.line.certificate_id,
            certificate_number=numbers[draw.line.certificate_id],
            line=draw.line.line,
            unit=draw.line.unit,
            quantity=draw.quantity,
            state="standing" if draw.state == "standing" else "committed",
        )
        for draw in draws
    ]


def second_signature(look: Look, declaration: Declaration) -> list[Action]:
    """List what the principal may do about a release that waits for a second officer."""
    address = case_address(DECLARATIONS.kind, declaration.id)
    actions = []
    if release.may_countersign(look.session, declaration, look.principal):
        actions.append(
            Action(
                event="countersign",
                label=Words.of(_COUNTERSIGN),
                signed="ReleaseDecision",
                guard="another officer than the first; never the inspector",
                statement=f"{address}/countersign/statement",
                address=f"{address}/countersign",
            )
        )
    if release.may_retract(look.session, declaration, look.principal):
        actions.append(
            Action(
                event="retract",
                label=Words.of(_RETRACT),
                signed=None,
                guard="by the officer who signed first",
                statement=None,
                address=f"{address}/retract",
            )
        )
    return actions


def _particulars(declaration: Declaration) -> dict[str, Any]:
    return {
        **{name: getattr(declaration, name) for name in _SUMMARY},
        "edifact_7365": EDIFACT_7365[declaration.state],
        "wco_function": WCO_FUNCTION[declaration.state],
    }


async def _filters(number: NumberFilter = None, reference: ReferenceFilter = None) -> Narrow:
    def narrow(query: Select[Any]) -> Select[Any]:
        if number is not None:
            query = query.where(Declaration.number == number)
        return query if reference is None else query.where(Declaration.reference == reference)

    return narrow


def _to_countersign(principal: Principal) -> ColumnElement[bool] | None:
    """Say which declarations wait for a second officer's signature, if this is one."""
    if not principal.roles & SECOND_SIGNERS:
        return None
    collecting = exists().where(
        StatementRecord.digest == Declaration.pending_statement,
        StatementRecord.state == StatementState.COLLECTING,
    )
    return and_(Declaration.pending_event == release.EVENT, collecting)


DESK = Desk(
    kind=DECLARATIONS,
    noun="declaration",
    query=declarations.declarations_query,
    filters=_filters,
    summary=DeclarationSummary,
    summarise=summarise,
    detail=DeclarationDetail,
    describe=describe,
    examples={"cancel": {"reason": "The flight was cancelled."}},
    unhurried=frozenset({"cancel"}),
    also_due=_to_countersign,
)
