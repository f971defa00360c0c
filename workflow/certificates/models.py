"""Tables of the material certificate."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kernel.database import Base, BigId
from workflow.certificates.rules import LineBalance
from workflow.engine.cases import Case


class Certificate(Case, Base):
    """A material certificate (物资证明函): one version in force, the earlier ones frozen."""

    __tablename__ = "certificates"
    __table_args__ = (Index("ix_certificates_page", "created_at", "id"),)
    title: ClassVar[str] = "certificate"

    number: Mapped[str] = mapped_column(String(60), unique=True)
    version: Mapped[int] = mapped_column(default=1)
    event: Mapped[str] = mapped_column(String(80))
    category: Mapped[str] = mapped_column(String(40))
    holder: Mapped[str] = mapped_column(String(60))
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    content: Mapped[dict[str, Any]]
    """The certificate as filed: what is sealed and signed."""
    seed: Mapped[bytes] = mapped_column(LargeBinary(32))
    """Secret from which the salts of the sealed fields come."""
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    lines: Mapped[list[CertificateLine]] = relationship(
        back_populates="certificate",
        lazy="raise",
        order_by="CertificateLine.line",
        cascade="all, delete-orphan",
    )


class CertificateVersion(Base):
    """An earlier version, frozen when the next was begun."""

    __tablename__ = "certificate_versions"
    __table_args__ = (UniqueConstraint("certificate_id", "version"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("certificates.id"))
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    seed: Mapped[bytes] = mapped_column(LargeBinary(32))
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    frozen_at: Mapped[datetime]


class CertificateLine(Base):
    """One line of the goods list, with what is held and used of its ceiling."""

    __tablename__ = "certificate_lines"
    __table_args__ = (
        UniqueConstraint("certificate_id", "line"),
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("committed >= 0", name="committed_not_negative"),
        CheckConstraint("reserved + committed <= ceiling", name="within_ceiling"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("certificates.id"))
    line: Mapped[int]
    hs_code: Mapped[str] = mapped_column(String(10))
    name_en: Mapped[str] = mapped_column(String(300))
    name_zh: Mapped[str] = mapped_column(String(300))
    unit: Mapped[str] = mapped_column(String(3))
    ceiling: Mapped[Decimal]
    reserved: Mapped[Decimal] = mapped_column(default=Decimal(0))
    committed: Mapped[Decimal] = mapped_column(default=Decimal(0))
    certificate: Mapped[Certificate] = relationship(back_populates="lines", lazy="raise")

    @property
    def balance(self) -> LineBalance:
        """The line's balance as the rules take it."""
        return LineBalance(ceiling=self.ceiling, reserved=self.reserved, committed=self.committed)


class CertificateDraw(Base):
    """What one version of a declaration draws on one certificate line."""

    __tablename__ = "certificate_draws"
    __table_args__ = (UniqueConstraint("declaration_id", "version", "line_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    declaration_id: Mapped[UUID]
    version: Mapped[int]
    line_id: Mapped[int] = mapped_column(ForeignKey("certificate_lines.id"), index=True)
    quantity: Mapped[Decimal]
    extra: Mapped[Decimal]
    """How much of it was held anew when this version was signed."""
    state: Mapped[str] = mapped_column(String(12))
    """pending → standing → committed | returned | replaced."""
    line: Mapped[CertificateLine] = relationship(lazy="raise")
