"""How holds, examinations and instruments' readings are shown, and the desks that serve the first two."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field
from sqlalchemy import Select

from api.cases.bodies import Signed
from api.cases.desks import Desk, Narrow
from api.cases.views import (
    DETAIL_EXAMPLE,
    SUMMARY_EXAMPLE,
    CaseDetail,
    CaseSummary,
    Look,
    Words,
    detail_fields,
    hexadecimal,
    summary_fields,
)
from workflow.engine.schemas import Output, Word, example
from workflow.examination import service as examination
from workflow.examination.models import Examination, Hold, InstrumentReading
from workflow.examination.rules import Anomaly, Disposition
from workflow.examination.schemas import DispositionName, ExaminationAction, HoldAction

DeclarationFilter = Annotated[UUID | None, Query(description="Only those of this declaration.")]
AnomalyName = Literal[
    "packages_differ",
    "quantity_differs",
    "value_differs",
    "document_unreadable",
    "document_contradicts",
    "radiation",
    "goods_not_conform",
]

_DECLARATION = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01"
_WORD = "0x" + "5b" * 32
_HOLD: dict[str, Any] = {
    **SUMMARY_EXAMPLE,
    "kind": "hold",
    "state": "open",
    "meaning": {
        "en": "The goods are held; a person decides from the table.",
        "zh": "货物已布控，待人工处置。",
    },
    "declaration_id": _DECLARATION,
    "version": 1,
    "anomalies": [
        {"name": "packages_differ", "words": {"en": "The number of packages differs", "zh": "件数不符"}}
    ],
    "why": {
        "en": "Line 2: the packing list shows 4 cartons, the declaration 3.",
        "zh": "第2行：装箱单为4箱，申报为3箱。",
    },
    "disposition": None,
}
_EXAMINATION: dict[str, Any] = {
    **SUMMARY_EXAMPLE,
    "kind": "examination",
    "state": "ordered",
    "meaning": {"en": "An inspector is to look at the goods.", "zh": "查验指令已下达。"},
    "declaration_id": _DECLARATION,
    "version": 1,
    "radiation": True,
    "why": {"en": "The radiation portal rang", "zh": "辐射门报警"},
    "result": None,
    "verdict": None,
}
_READING: dict[str, Any] = {
    "id": "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b07",
    "declaration_id": _DECLARATION,
    "examination_id": None,
    "stage": "portal",
    "instrument": "RPM-2 lane 4",
    "data": {"stage": "portal", "reading_usv_h": "0.19"},
    "statement": _WORD,
    "content_hash": _WORD,
    "taken_at": "2026-02-03T08:30:00Z",
    "created_at": "2026-02-03T08:30:01Z",
    "judgement": None,
    "judged_at": None,
}


class SignedDisposition(Signed, HoldAction):
    """A decision on a hold with the officer's signature."""


class SignedReport(Signed, ExaminationAction):
    """An inspector's report with his signature."""


class NamedAnomaly(Output):
    """Why goods are held."""

    name: AnomalyName
    words: Words


class Option(Output):
    """What may be done about it."""

    name: DispositionName
    outcome: int = Field(description="Code of the disposition on the ledger.")
    words: Words


class HoldSummary(CaseSummary):
    """A hold in a list."""

    model_config = example(_HOLD)

    declaration_id: UUID
    version: int = Field(description="Version of the declaration that it was opened on.")
    anomalies: list[NamedAnomaly]
    why: Words
    disposition: DispositionName | None


class HoldDetail(CaseDetail, HoldSummary):
    """Something that holds the goods of a declaration until a person decides."""

    model_config = example(
        {
            **DETAIL_EXAMPLE,
            **_HOLD,
            "options": [
                {
                    "name": "release_with_amendment",
                    "outcome": 2,
                    "words": {"en": "Release after the declaration is amended", "zh": "修改申报后放行"},
                }
            ],
            "evidence": {},
            "evidence_hash": _WORD,
            "sequence": None,
            "decided_by": None,
        }
    )

    options: list[Option] = Field(description="What the decision table allows for all of its anomalies.")
    evidence: dict[str, Any]
    evidence_hash: Word
    sequence: int | None = Field(description="Place among the dispositions of the declaration.")
    decided_by: UUID | None


class ExaminationSummary(CaseSummary):
    """An examination in a list."""

    model_config = example(_EXAMINATION)

    declaration_id: UUID
    version: int
    radiation: bool
    why: Words
    result: Literal["conform", "not_conform"] | None
    verdict: dict[str, Any] | None = Field(
        description="Of the second measurement, where radiation is the reason."
    )


class ReadingView(Output):
    """A reading as its instrument signed it, and what it means."""

    model_config = example(_READING)

    id: UUID
    declaration_id: UUID
    examination_id: UUID | None
    stage: str
    instrument: str
    data: dict[str, Any] = Field(description="What the instrument measured.")
    statement: Word = Field(description="Digest that the instrument signed.")
    content_hash: Word
    taken_at: datetime
    created_at: datetime
    judgement: dict[str, Any] | None = Field(description="null until it is judged.")
    judged_at: datetime | None


class ExaminationDetail(CaseDetail, ExaminationSummary):
    """An examination of the goods of a declaration."""

    model_config = example(
        {
            **DETAIL_EXAMPLE,
            **_EXAMINATION,
            "isolated_at": None,
            "sequence": None,
            "inspector_id": None,
            "readings": [],
        }
    )

    isolated_at: datetime | None
    sequence: int | None = Field(description="Place among the reports on the declaration.")
    inspector_id: UUID | None
    readings: list[ReadingView]


class Holds(Output):
    """The holds of a declaration, oldest first."""

    model_config = example({"items": [_HOLD]})

    items: list[HoldSummary]


class Examinations(Output):
    """The examinations of a declaration, oldest first."""

    model_config = example({"items": [_EXAMINATION]})

    items: list[ExaminationSummary]


class Readings(Output):
    """The readings of a declaration, oldest first."""

    model_config = example({"items": [_READING]})

    items: list[ReadingView]


def summarise_hold(look: Look, hold: Hold) -> HoldSummary:
    """Show a hold in a list."""
    del look
    return HoldSummary(**summary_fields(examination.HOLDS, hold), **_hold_particulars(hold))


def describe_hold(look: Look, hold: Hold) -> HoldDetail:
    """Show a hold."""
    return HoldDetail(
        **detail_fields(look, examination.HOLDS, hold),
        **_hold_particulars(hold),
        options=[option(disposition) for disposition in hold.options()],
        evidence=hold.evidence,
        evidence_hash=hexadecimal(hold.evidence_hash),
        sequence=hold.sequence,
        decided_by=hold.decided_by,
    )


def option(disposition: Disposition) -> Option:
    """Show a disposition."""
    return Option(
        name=_disposition_name(disposition), outcome=int(disposition), words=Words.of(disposition.words)
    )


def named_anomaly(anomaly: Anomaly) -> NamedAnomaly:
    """Show an anomaly."""
    return NamedAnomaly.model_validate({"name": anomaly.name.lower(), "words": Words.of(anomaly.words)})


def summarise_examination(look: Look, ordered: Examination) -> ExaminationSummary:
    """Show an examination in a list."""
    del look
    return ExaminationSummary(
        **summary_fields(examination.EXAMINATIONS, ordered), **_examination_particulars(ordered)
    )


def describe_examination(look: Look, ordered: Examination) -> ExaminationDetail:
    """Show an examination."""
    return ExaminationDetail(
        **detail_fields(look, examination.EXAMINATIONS, ordered),
        **_examination_particulars(ordered),
        isolated_at=ordered.isolated_at,
        sequence=ordered.sequence,
        inspector_id=ordered.inspector_id,
        readings=[
            reading
            for reading in readings_view(look, ordered.declaration_id)
            if reading.examination_id == ordered.id
        ],
    )


def readings_view(look: Look, declaration_id: UUID) -> list[ReadingView]:
    """Show the readings of a declaration that the principal may know of."""
    found = examination.readings_of(look.session, look.principal, declaration_id)
    return [reading_view(reading) for reading in found]


def reading_view(reading: InstrumentReading) -> ReadingView:
    """Show a reading."""
    return ReadingView(
        id=reading.id,
        declaration_id=reading.declaration_id,
        examination_id=reading.examination_id,
        stage=reading.stage,
        instrument=reading.instrument,
        data=reading.data,
        statement=hexadecimal(reading.statement),
        content_hash=hexadecimal(reading.content_hash),
        taken_at=reading.taken_at,
        created_at=reading.created_at,
        judgement=reading.judgement,
        judged_at=reading.judged_at,
    )


def _hold_particulars(hold: Hold) -> dict[str, Any]:
    decided = None if hold.disposition is None else Disposition(hold.disposition)
    return {
        "declaration_id": hold.declaration_id,
        "version": hold.version,
        "anomalies": [named_anomaly(anomaly) for anomaly in hold.kinds()],
        "why": Words.of(hold.why),
        "disposition": None if decided is None else _disposition_name(decided),
    }


def _examination_particulars(ordered: Examination) -> dict[str, Any]:
    return {
        "declaration_id": ordered.declaration_id,
        "version": ordered.version,
        "radiation": ordered.radiation,
        "why": Words.of(ordered.why),
        "result": ordered.result,
        "verdict": ordered.verdict,
    }


_DISPOSITION_NAMES: dict[Disposition, DispositionName] = {
    Disposition.RELEASE: "release",
    Disposition.RELEASE_WITH_AMENDMENT: "release_with_amendment",
    Disposition.SUPPLEMENT_DOCUMENTS: "supplement_documents",
    Disposition.SAMPLE_AND_HOLD: "sample_and_hold",
    Disposition.RE_EXAMINE: "re_examine",
    Disposition.SEAL_AND_ISOLATE: "seal_and_isolate",
    Disposition.RETURN_SHIPMENT: "return_shipment",
    Disposition.HAND_TO_INVESTIGATION: "hand_to_investigation",
    Disposition.DESTROY: "destroy",
}


def _disposition_name(disposition: Disposition) -> DispositionName:
    return _DISPOSITION_NAMES[disposition]


async def _hold_filters(declaration: DeclarationFilter = None) -> Narrow:
    def narrow(query: Select[Any]) -> Select[Any]:
        return query if declaration is None else query.where(Hold.declaration_id == declaration)

    return narrow


async def _examination_filters(declaration: DeclarationFilter = None) -> Narrow:
    def narrow(query: Select[Any]) -> Select[Any]:
        return query if declaration is None else query.where(Examination.declaration_id == declaration)

    return narrow


HOLD_DESK = Desk(
    kind=examination.HOLDS,
    noun="hold",
    query=examination.holds_query,
    filters=_hold_filters,
    summary=HoldSummary,
    summarise=summarise_hold,
    detail=HoldDetail,
    describe=describe_hold,
    signed_input=SignedDisposition,
    examples={
        "dispose": {
            "disposition": "release_with_amendment",
            "reason": "The packing list is right: declare four cartons.",
        }
    },
)
EXAMINATION_DESK = Desk(
    kind=examination.EXAMINATIONS,
    noun="examination",
    query=examination.examinations_query,
    filters=_examination_filters,
    summary=ExaminationSummary,
    summarise=summarise_examination,
    detail=ExaminationDetail,
    describe=describe_examination,
    signed_input=SignedReport,
    examples={"report": {"result": "conform", "reason": "Counted and compared with the packing list."}},
)
