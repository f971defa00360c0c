"""Tables of documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base
from workflow.engine.tenancy import Tenanted


class Document(Tenanted, Base):
    """A document of a case; its bytes lie in the archive under their digest."""

    __tablename__ = "documents"
    __table_args__ = (Index("ix_documents_case", "case_kind", "case_id"),)
    private_states: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = "document"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_kind: Mapped[str] = mapped_column(String(20))
    case_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(20))
    """invoice, packing_list, certificate, airway_bill, other; release_note and certificate_copy are issued by Piste."""
    name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    media_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]
    pages: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    """stored → read | unreadable; superseded once a newer one of its kind took its place; issued for our own."""
    reading: Mapped[dict[str, Any] | None]
    fault: Mapped[str | None] = mapped_column(String(500))
    uploaded_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
