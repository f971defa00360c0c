"""Tables of findings, holds, examinations and instruments' readings."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base, BigId
from kernel.errors import Text
from workflow.engine.cases import Case
from workflow.engine.tenancy import Tenanted
from workflow.examination.rules import Anomaly, Disposition, allowed_for_all


class DocumentFinding(Base):
    """What comparing one document with one version of a case gave."""

    __tablename__ = "document_findings"
    __table_args__ = (Index("ix_document_findings_case", "case_kind", "case_id", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    case_kind: Mapped[str] = mapped_column(String(20))
    case_id: Mapped[UUID]
    version: Mapped[int]
    document_id: Mapped[UUID]
    code: Mapped[str] = mapped_column(String(60))
    severity: Mapped[str] = mapped_column(String(12))
    line: Mapped[int | None]
    message_en: Mapped[str] = mapped_column(String(500))
    message_zh: Mapped[str] = mapped_column(String(500))
    data: Mapped[dict[str, Any]]
    found_at: Mapped[datetime]

    @property
    def message(self) -> Text:
        """The finding in both languages."""
        return Text(self.message_en, self.message_zh)


class Hold(Case, Base):
    """Something holds the goods of a declaration until a person decides."""

    __tablename__ = "holds"
    private_states: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = "hold"

    declaration_id: Mapped[UUID] = mapped_column(index=True)
    version: Mapped[int]
    """Version of the declaration that it was opened on."""
    anomalies: Mapped[list[Any]]
    why_en: Mapped[str] = mapped_column(String(1000))
    why_zh: Mapped[str] = mapped_column(String(1000))
    evidence: Mapped[dict[str, Any]]
    seed: Mapped[bytes] = mapped_column(LargeBinary(32))
    evidence_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    sequence: Mapped[int | None]
    """Place of its disposition among those of the declaration."""
    disposition: Mapped[int | None]
    decided_by: Mapped[UUID | None]

    @property
    def why(self) -> Text:
        """Why the goods are held."""
        return Text(self.why_en, self.why_zh)

    def kinds(self) -> tuple[Anomaly, ...]:
        """Give the anomalies as rules know them."""
        return tuple(Anomaly(value) for value in self.anomalies)

    def options(self) -> tuple[Disposition, ...]:
        """Give the dispositions that the table allows for all of its anomalies."""
        return allowed_for_all(self.kinds())


class Examination(Case, Base):
    """An examination of the goods, ordered on a declaration."""

    __tablename__ = "examinations"
    private_states: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = "examination"

    declaration_id: Mapped[UUID] = mapped_column(index=True)
    version: Mapped[int]
    radiation: Mapped[bool] = mapped_column(default=False)
    why_en: Mapped[str] = mapped_column(String(1000))
    why_zh: Mapped[str] = mapped_column(String(1000))
    verdict: Mapped[dict[str, Any] | None]
    """Of the second measurement, where radiation was the reason."""
    isolated_at: Mapped[datetime | None]
    sequence: Mapped[int | None]
    result: Mapped[str | None] = mapped_column(String(12))
    seed: Mapped[bytes] = mapped_column(LargeBinary(32))
    inspector_id: Mapped[UUID | None]

    @property
    def why(self) -> Text:
        """Why it was ordered."""
        return Text(self.why_en, self.why_zh)


class InstrumentReading(Tenanted, Base):
    """A reading as its instrument signed it, and what it means."""

    __tablename__ = "instrument_readings"
    __table_args__ = (Index("ix_instrument_readings_declaration", "declaration_id"),)
    private_states: ClassVar[tuple[str, ...]] = ()
    sent_by: ClassVar[str] = "client_id"
    title: ClassVar[str] = "reading"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    declaration_id: Mapped[UUID]
    examination_id: Mapped[UUID | None] = mapped_column(ForeignKey("examinations.id"))
    stage: Mapped[str] = mapped_column(String(8))
    """portal (screening) or retest (second measurement, after isolation)."""
    instrument: Mapped[str] = mapped_column(String(60))
    client_id: Mapped[UUID]
    data: Mapped[dict[str, Any]]
    signer: Mapped[bytes]
    signature: Mapped[bytes]
    statement: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    """Digest of the `Evidence` that the instrument signed; the same reading twice is one row."""
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    taken_at: Mapped[datetime]
    created_at: Mapped[datetime]
    judgement: Mapped[dict[str, Any] | None]
    judged_at: Mapped[datetime | None]
