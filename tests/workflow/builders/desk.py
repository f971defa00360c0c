"""A customs desk: everybody who works on a declaration, and the worker's jobs done on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from inspection.documents.schema import Finding, Severity
from kernel.clock import ManualClock
from kernel.database import Database
from kernel.errors import Text
from kernel.jobs import Job, JobState
from ledger.chain.deployment import deployment_file
from ledger.keys.roles import Role
from tests.workflow.builders.acting import Stage
from tests.workflow.builders.certificates import active_certificate, certificate_content, goods_line
from tests.workflow.builders.declarations import declaration_content, declared_line
from tests.workflow.builders.parties import Actor, granted
from tests.workflow.builders.proofs import anchor
from workflow.certificates.models import Certificate
from workflow.declarations import service as declarations
from workflow.declarations.models import Declaration
from workflow.documents import service as documents
from workflow.documents.models import Document
from workflow.documents.rules import DocumentKind as PaperKind
from workflow.engine import worker
from workflow.engine.context import Context
from workflow.engine.principals import SYSTEM_PRINCIPAL
from workflow.engine.schemas import ActionInput
from workflow.examination import service as examination
from workflow.examination.models import Examination, Hold
from workflow.examination.schemas import DoseRateReading
from workflow.processes import CERTIFICATES, DECLARATIONS, KINDS

PAPERS = (PaperKind.INVOICE, PaperKind.PACKING_LIST)
AGREES = Finding(
    code="document.quantity", severity=Severity.MATCH, field="quantity", message=Text("It agrees.", "相符。")
)
FOUR_CARTONS = Finding(
    code="document.packages-excess",
    severity=Severity.MISMATCH,
    field="packages",
    message=Text("The packing list shows 4 packages, the declaration 3.", "装箱单为4件，申报为3件。"),
)


@dataclass(frozen=True)
class Desk(Stage):
    """A stage with its cast and a database."""

    database: Database
    broker: Actor
    officer: Actor
    inspector: Actor
    releaser: Actor
    supervisor: Actor
    instrument: Actor
    certificate: Certificate

    def later(self, by: timedelta = timedelta(seconds=1)) -> None:
        """Move the clock on."""
        if not isinstance(self.context.clock, ManualClock):
            raise TypeError(self.context.clock)
        self.context.clock.advance(by)

    def draft(self, session: Session, quantity: str = "10", **changes: object) -> Declaration:
        """Begin a declaration with its papers attached."""
        line = declared_line(self.certificate.number, 1, quantity)
        declaration = declarations.draft_declaration(
            session, self.context, self.broker.principal, declaration_content([line], **changes)
        )
        for kind in PAPERS:
            self.attach(session, declaration, kind)
        return declaration

    def attach(self, session: Session, declaration: Declaration, kind: PaperKind) -> Document:
        """Attach a small but true picture."""
        return documents.attach_document(
            session,
            self.context,
            self.broker.principal,
            case_kind="declaration",
            case=declaration,
            kind=kind,
            name=f"{kind}.png",
            data=picture(),
        )

    def filed(self, session: Session, quantity: str = "10") -> Declaration:
        """Bring a declaration to the examination of its documents."""
        declaration = self.draft(session, quantity)
        self.go(session, self.broker, DECLARATIONS, declaration.id, "submit")
        return declaration

    def ready(self, session: Session) -> Declaration:
        """Bring a declaration to the releasing officer: documents agree."""
        declaration = self.filed(session)
        examination.conclude_comparison(session, self.context, declaration, [AGREES])
        return declaration

    def held(self, session: Session) -> tuple[Declaration, Hold]:
        """Bring a declaration to a hold: four cartons where three were declared."""
        declaration = self.filed(session)
        examination.conclude_comparison(session, self.context, declaration, [FOUR_CARTONS])
        (hold,) = examination.open_holds(session, declaration.id)
        return declaration, hold

    def ordered(self, session: Session, *, radiation: bool = True) -> tuple[Declaration, Examination]:
        """Bring a declaration to an examination."""
        declaration = self.filed(session)
        why = Text("The portal rang.", "辐射门报警。")
        ordered = examination.order_examination(session, self.context, declaration, why, radiation=radiation)
        return declaration, ordered

    def reading(self, declaration: Declaration, stage: str, value: str, **changes: object) -> DoseRateReading:
        """Give a dose rate over a background of 0.08 µSv/h, by an instrument in calibration."""
        now = self.context.clock.now()
        return DoseRateReading.model_validate(
            {
                "quantity": "gamma_dose_rate",
                "declaration": str(declaration.id),
                "stage": stage,
                "instrument": "RPM-4",
                "calibration": calibration(now),
                "measured_at": now.isoformat(),
                "reading_usv_h": value,
                "background_usv_h": ["0.08"] * 5,
                **changes,
            }
        )

    def work(self, *tasks: str) -> list[str]:
        """Do every job that waits, those that come of them too; gives the names of the tasks in their order.

        Args:
            tasks: Only jobs of these; all where none is named.
        """
        done: list[str] = []
        query = select(Job.id, Job.task).where(Job.state == JobState.WAITING).order_by(Job.id)
        if tasks:
            query = query.where(Job.task.in_(tasks))
        with self.database.write() as session:
            anchor(session, self.context)
        while True:
            with self.database.read() as session:
                waiting = session.execute(query).all()
            if not waiting:
                return done
            for job_id, task in waiting:
                worker.celery_app.tasks[task](job_id)
                done.append(task)

    def fault_of_jobs(self) -> Sequence[str | None]:
        """Give what went wrong with jobs."""
        with self.database.read() as session:
            return session.scalars(select(Job.fault).where(Job.fault.is_not(None))).all()


def set_up(database: Database, context: Context, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Set the desk up, and the worker on the same database and archive."""
    kinds = KINDS
    stage = Stage(context, kinds)
    with database.write() as session:
        broker = granted(session, Role.BROKER)
        content = certificate_content(lines=[goods_line(1, "100")])
        certificate = active_certificate(session, stage, CERTIFICATES, broker, content)
        cast = {
            "officer": granted(session, Role.DOCUMENTS_OFFICER),
            "inspector": granted(session, Role.INSPECTOR),
            "releaser": granted(session, Role.RELEASING_OFFICER),
            "supervisor": granted(session, Role.SUPERVISOR),
            "instrument": granted(session, Role.INSTRUMENT, device=True),
        }
        for job in session.scalars(select(Job)):
            session.delete(job)
    context.deployment.save(deployment_file(context.settings.data_dir))
    monkeypatch.setenv("PISTE_DATA_DIR", str(context.settings.data_dir))
    monkeypatch.setenv("PISTE_DATABASE_URL", database.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("PISTE_EVIDENCE_DIR", str(database.evidence))
    worker.workshop.cache_clear()
    worker.celery_app.loader.import_default_modules()
    for module in worker.TASK_MODULES:
        __import__(module)
    return Desk(
        context=context, kinds=kinds, database=database, broker=broker, certificate=certificate, **cast
    )


def fresh(session: Session, declaration: Declaration) -> Declaration:
    """Load a declaration anew."""
    return declarations.get_declaration(session, SYSTEM_PRINCIPAL, declaration.id)


def picture(size: tuple[int, int] = (64, 48)) -> bytes:
    """Give a small white picture."""
    stream = BytesIO()
    Image.new("RGB", size, "white").save(stream, "PNG")
    return stream.getvalue()


def calibration(now: datetime, *, days: int = 300) -> dict[str, Any]:
    """Give a calibration that ends in so many days."""
    return {
        "certificate_no": "NIM-1",
        "calibrated_at": (now - timedelta(days=30)).isoformat(),
        "valid_until": (now + timedelta(days=days)).isoformat(),
    }


def act(**given: Any) -> ActionInput:  # noqa: ANN401 - whatever a step carries
    """Give the input of a step."""
    return ActionInput(**given)
