"""Tables of the declaration."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base, BigId
from workflow.engine.cases import Case


class Declaration(Case, Base):
    """A declaration (报关单)."""

    __tablename__ = "declarations"
    __table_args__ = (
        UniqueConstraint("organisation_id", "reference"),
        Index("ix_declarations_page", "created_at", "id"),
    )
    title: ClassVar[str] = "declaration"

    number: Mapped[str | None] = mapped_column(String(18), unique=True)
    """18 digits (DOMAIN.md §3), given when it is accepted."""
    reference: Mapped[str] = mapped_column(String(60))
    """The firm's own number."""
    version: Mapped[int] = mapped_column(default=1)
    direction: Mapped[str] = mapped_column(String(8))
    office: Mapped[str] = mapped_column(String(10))
    procedure: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(8), default="yellow")
    """yellow (documents) until an examination makes it red; green needs a signed rule in force."""
    content: Mapped[dict[str, Any]]
    next_content: Mapped[dict[str, Any] | None]
    """An amendment that is signed or about to be; becomes the content when it is recorded."""
    seed: Mapped[bytes] = mapped_column(LargeBinary(32))
    next_seed: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    source_sha256: Mapped[str | None] = mapped_column(String(64))
    """The XML as it came in, in the archive."""
    accepted_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    goods_passed_at: Mapped[datetime | None]


class DeclarationVersion(Base):
    """An earlier version, frozen when the next took its place."""

    __tablename__ = "declaration_versions"
    __table_args__ = (UniqueConstraint("declaration_id", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    declaration_id: Mapped[UUID] = mapped_column(ForeignKey("declarations.id"))
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    seed: Mapped[bytes] = mapped_column(LargeBinary(32))
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    frozen_at: Mapped[datetime]


class NumberSequence(Base):
    """Counts declaration numbers by customs office, year and direction."""

    __tablename__ = "declaration_sequences"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    last: Mapped[int] = mapped_column(default=0)
