"""Celery entry points of examination."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from inspection.documents.comparison import compare_document
from inspection.documents.schema import DeclaredGoods, Finding, ReadDocument, Severity
from inspection.instruments.calibration import Calibration
from inspection.instruments.radiation import contamination_verdict, dose_rate_verdict
from kernel.errors import Text
from workflow.declarations import service as declarations
from workflow.documents import service as documents
from workflow.engine.context import Context
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.engine.worker import Workshop, celery_app, run_job
from workflow.examination import readings
from workflow.examination import service as examination
from workflow.examination.goods import declared_goods
from workflow.examination.models import InstrumentReading
from workflow.examination.schemas import DoseRateReading, Reading

NOTHING = Text("Nothing on the document could be compared.", "单证上没有可比对的内容。")


class Compared(NamedTuple):
    """One document of the comparison and what it gave."""

    document_id: UUID
    findings: tuple[Finding, ...]


@celery_app.task(name=declarations.COMPARE_TASK)
def compare_documents(job_id: int) -> bool:
    """Compare the documents of a declaration with what it declares."""
    return run_job(job_id, _compare, _conclude)


def _compare(shop: Workshop, payload: dict[str, Any]) -> list[Compared] | None:
    """Give the findings by document; None while a document is still to be read (its reading asks again)."""
    with shop.database.read() as session:
        declaration = declarations.get_declaration(session, SYSTEM_PRINCIPAL, UUID(payload["declaration"]))
        if declaration.version != payload["version"]:
            return None
        goods = declared_goods(declarations.content_of(declaration))
        papers = [
            (paper.id, paper.kind, paper.state, paper.reading, Text(paper.fault or "", paper.fault or ""))
            for paper in documents.papers_to_compare(session, declarations.KIND, declaration.id)
        ]
    if any(state == "stored" for _, _, state, _, _ in papers):
        return None
    return [Compared(paper_id, _findings(reading, goods, fault)) for paper_id, _, _, reading, fault in papers]


def _findings(reading: dict[str, Any] | None, goods: DeclaredGoods, fault: Text) -> tuple[Finding, ...]:
    """Compare a document; one that could not be read, or that says nothing comparable, gives no verdict."""
    found = compare_document(ReadDocument.from_json(reading), goods) if reading is not None else ()
    unreadable = Finding(
        code="document.unreadable",
        severity=Severity.NO_VERDICT,
        field="document",
        message=fault if fault.en else NOTHING,
    )
    return found or (unreadable,)


def _conclude(
    session: Session, context: Context, payload: dict[str, Any], result: list[Compared] | None
) -> None:
    if result is None:
        return
    declaration = declarations.get_declaration(
        session, SYSTEM_PRINCIPAL, UUID(payload["declaration"]), lock=True
    )
    if declaration.state != "document_examination" or declaration.version != payload["version"]:
        return
    if declaration.pending_event is not None:
        return
    for compared in result:
        examination.store_findings(
            session,
            context,
            case_kind=declarations.KIND,
            case_id=declaration.id,
            version=declaration.version,
            document_id=compared.document_id,
            findings=compared.findings,
        )
    found = [finding for compared in result for finding in compared.findings]
    examination.conclude_comparison(session, context, declaration, found)


@celery_app.task(name=readings.JUDGE_TASK)
def judge_reading(job_id: int) -> bool:
    """Judge a radiation reading."""
    return run_job(job_id, _judge, _act)


def _judge(shop: Workshop, payload: dict[str, Any]) -> readings.Judgement:
    with shop.database.read() as session:
        data = session.get_one(InstrumentReading, UUID(payload["reading"])).data
    reading: Reading = TypeAdapter(Reading).validate_python(data)
    calibration = Calibration(**reading.calibration.model_dump())
    if isinstance(reading, DoseRateReading):
        return dose_rate_verdict(
            reading.reading_usv_h,
            reading.background_usv_h,
            calibration=calibration,
            measured_at=reading.measured_at,
        )
    return contamination_verdict(
        reading.alpha_bq_cm2,
        reading.beta_bq_cm2,
        reading.area_cm2,
        calibration=calibration,
        measured_at=reading.measured_at,
    )


def _act(session: Session, context: Context, payload: dict[str, Any], result: readings.Judgement) -> None:
    readings.act_on_judgement(session, context, UUID(payload["reading"]), result)
