"""Tables of the check note and of what the gates saw."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kernel.database import Base, BigId
from ledger.keys.roles import Role
from workflow.engine.cases import Case
from workflow.engine.tenancy import AUTHORITIES, Tenanted

_OPEN_VEHICLE = text("holds_vehicle")
_NOT_DELETED = text("state <> 'deleted'")


class CheckNote(Case, Base):
    """A check note (核放单): one vehicle through one gate or two, once."""

    __tablename__ = "check_notes"
    __table_args__ = (
        Index(
            "uq_check_notes_open_vehicle",
            "plain_plate",
            "direction",
            unique=True,
            sqlite_where=_OPEN_VEHICLE,
            postgresql_where=_OPEN_VEHICLE,
        ),
        Index(
            "uq_check_notes_internal_no",
            "organisation_id",
            "internal_no",
            unique=True,
            sqlite_where=_NOT_DELETED,
            postgresql_where=_NOT_DELETED,
        ),
        Index("ix_check_notes_page", "created_at", "id"),
    )
    title: ClassVar[str] = "check note"
    open_to: ClassVar[Role] = AUTHORITIES | Role.GATE
    private_states: ClassVar[tuple[str, ...]] = ("draft", "deleted")

    number: Mapped[str] = mapped_column(String(24), unique=True)
    internal_no: Mapped[str] = mapped_column(String(70))
    """The firm's own number."""
    office: Mapped[str] = mapped_column(String(4))
    direction: Mapped[str] = mapped_column(String(1))
    note_type: Mapped[str] = mapped_column(String(20))
    binding: Mapped[int]
    gates: Mapped[int]
    vehicle_plate: Mapped[str] = mapped_column(String(20))
    plain_plate: Mapped[str] = mapped_column(String(20))
    """The plate without what cameras and people write differently."""
    container_number: Mapped[str | None] = mapped_column(String(11))
    seal_number: Mapped[str | None] = mapped_column(String(70))
    vehicle_weight_kg: Mapped[Decimal]
    frame_weight_kg: Mapped[Decimal]
    container_weight_kg: Mapped[Decimal]
    goods_weight_kg: Mapped[Decimal]
    total_weight_kg: Mapped[Decimal]
    content: Mapped[dict[str, Any]]
    """The note as written: what is sealed and signed."""
    seed: Mapped[bytes] = mapped_column(LargeBinary(32))
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    holds_vehicle: Mapped[bool] = mapped_column(default=False)
    """Whether it is the vehicle's open note of its direction: from the firm's signature to the last gate or the end."""
    items: Mapped[list[CheckNoteItem]] = relationship(
        back_populates="note", lazy="raise", order_by="CheckNoteItem.position", cascade="all, delete-orphan"
    )


class CheckNoteItem(Base):
    """Part of what a declaration holds on one certificate line, carried by the note's vehicle."""

    __tablename__ = "check_note_items"
    __table_args__ = (
        UniqueConstraint("note_id", "position"),
        UniqueConstraint("note_id", "declaration_id", "declared_line", name="uq_check_note_items_line"),
        Index("ix_check_note_items_account", "declaration_id", "state"),
        CheckConstraint("quantity > 0", name="quantity_above_zero"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    note_id: Mapped[UUID] = mapped_column(ForeignKey("check_notes.id"))
    position: Mapped[int]
    declaration_id: Mapped[UUID]
    declared_line: Mapped[int]
    """Number of the line in the declaration."""
    certificate_id: Mapped[UUID]
    certificate_line: Mapped[int]
    quantity: Mapped[Decimal]
    state: Mapped[str] = mapped_column(String(12), default="draft")
    """draft → held → passed | returned (`rules.Carriage`)."""
    note: Mapped[CheckNote] = relationship(back_populates="items", lazy="raise")


class CheckNoteSequence(Base):
    """Counts the notes of a customs office, direction and day."""

    __tablename__ = "check_note_sequences"

    key: Mapped[str] = mapped_column(String(20), primary_key=True)
    last: Mapped[int]


class GateEvent(Tenanted, Base):
    """One attempt to pass a gate: what the gate saw and what came of it. Never altered but for its outcome."""

    __tablename__ = "gate_events"
    __table_args__ = (Index("ix_gate_events_page", "reported_at", "id"),)
    title: ClassVar[str] = "gate event"
    private_states: ClassVar[tuple[str, ...]] = ()

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Given by the device, so that the same attempt sent twice is one."""
    organisation_id: Mapped[UUID] = mapped_column(index=True)
    """Whose gate it is."""
    note_id: Mapped[UUID | None] = mapped_column(ForeignKey("check_notes.id"), index=True)
    gate: Mapped[int]
    plate: Mapped[str] = mapped_column(String(20))
    container_number: Mapped[str | None] = mapped_column(String(20))
    weighbridge_kg: Mapped[Decimal]
    seal_state: Mapped[str] = mapped_column(String(10))
    seal_number: Mapped[str | None] = mapped_column(String(70))
    picture_sha256: Mapped[str | None] = mapped_column(String(64))
    seen_at: Mapped[datetime]
    reported_at: Mapped[datetime]
    client_id: Mapped[UUID | None]
    device: Mapped[str] = mapped_column(String(120))
    verdict: Mapped[str] = mapped_column(String(10))
    """waiting → opened | refused: the barrier may lift when the passage is recorded."""
    decided_at: Mapped[datetime | None]
    differences: Mapped[list[Any]]
    """Why it was refused, each difference in both languages."""
    content: Mapped[dict[str, Any]]
    """What the device reported: what is sealed."""
    seed: Mapped[bytes] = mapped_column(LargeBinary(32))
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    statement: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    """Digest that the device signed: a passage, or evidence of a refused attempt; None where it signed nothing good."""
    signer: Mapped[bytes | None] = mapped_column(LargeBinary(128))
    """Of signed evidence; who signed a passage stands with its statement."""
    signature: Mapped[bytes | None]
    signed_at: Mapped[datetime]
