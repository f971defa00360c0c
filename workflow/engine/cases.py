"""Cases: rows with a life cycle, a revision and a history."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import Index, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from kernel.database import Base, BigId
from kernel.errors import RevisionStale, Text
from ledger.evidence.log import append_leaf
from workflow.engine.context import Context
from workflow.engine.life_cycle import DecisionUnderWay, Edge
from workflow.engine.principals import Principal
from workflow.engine.tenancy import Tenanted


class Case(Tenanted):
    """Mixin of every row with a life cycle."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(40), index=True)
    definition: Mapped[int] = mapped_column(default=1)
    """Version of the life cycle that the case follows."""
    revision: Mapped[int] = mapped_column(default=1)
    """Counts every change; the entity tag of the case."""
    pending_event: Mapped[str | None] = mapped_column(String(40))
    """The signed step that waits to be recorded."""
    pending_statement: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy's directives are class methods
        return {"version_id_col": cls.__table__.c.revision if hasattr(cls, "__table__") else cls.revision}


class HistoryEntry(Base):
    """Who did what to a case, when, why and with which key. Written in the transaction of the change, never altered."""

    __tablename__ = "history"
    __table_args__ = (Index("ix_history_case", "case_kind", "case_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    case_kind: Mapped[str] = mapped_column(String(20))
    case_id: Mapped[UUID]
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(String(60))
    state_before: Mapped[str] = mapped_column(String(40))
    state_after: Mapped[str] = mapped_column(String(40))
    organisation_id: Mapped[UUID]
    person_id: Mapped[UUID | None]
    client_id: Mapped[UUID | None]
    actor: Mapped[str] = mapped_column(String(120))
    statement: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    words_en: Mapped[str] = mapped_column(String(1000))
    words_zh: Mapped[str] = mapped_column(String(1000))
    details: Mapped[dict[str, Any]]
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(32))

    @property
    def words(self) -> Text:
        """What happened, in both languages."""
        return Text(self.words_en, self.words_zh)


def record_history(
    session: Session,
    context: Context,
    principal: Principal,
    *,
    case_kind: str,
    case_id: UUID,
    event: str,
    states: tuple[str, str],
    words: Text,
    details: dict[str, Any] | None = None,
    statement: bytes | None = None,
) -> HistoryEntry:
    """Write a history entry and its evidence leaf into the caller's transaction."""
    now = context.clock.now()
    entry = HistoryEntry(
        case_kind=case_kind,
        case_id=case_id,
        at=now,
        event=event,
        state_before=states[0],
        state_after=states[1],
        organisation_id=principal.organisation_id,
        person_id=principal.person_id,
        client_id=principal.client_id,
        actor=(principal.name or principal.actor)[:120],
        statement=statement,
        words_en=words.en[:1000],
        words_zh=words.zh[:1000],
        details=details or {},
        salt=secrets.token_bytes(16),
        content_hash=b"",
    )
    entry.content_hash = history_hash(entry)
    session.add(entry)
    append_leaf(session, kind="history", subject=case_id, content_hash=entry.content_hash, now=now)
    return entry


def history_hash(entry: HistoryEntry) -> bytes:
    """SHA-256 over the canonical JSON (RFC 8785) of an entry with its salt: what the evidence log holds of it."""
    return hashlib.sha256(
        rfc8785.dumps(
            {
                "case": str(entry.case_id),
                "kind": entry.case_kind,
                "at": entry.at.astimezone(UTC).isoformat(),
                "event": entry.event,
                "from": entry.state_before,
                "to": entry.state_after,
                "organisation": str(entry.organisation_id),
                "person": str(entry.person_id) if entry.person_id else None,
                "client": str(entry.client_id) if entry.client_id else None,
                "actor": entry.actor,
                "statement": entry.statement.hex() if entry.statement else None,
                "words": [entry.words_en, entry.words_zh],
                "details": entry.details,
                "salt": entry.salt.hex(),
            }
        )
    ).digest()


def history_of(session: Session, case_kind: str, case_id: UUID) -> list[HistoryEntry]:
    """Give a case's history, oldest first."""
    return list(
        session.scalars(
            select(HistoryEntry)
            .where(HistoryEntry.case_kind == case_kind, HistoryEntry.case_id == case_id)
            .order_by(HistoryEntry.id)
        )
    )


def check_revision(case: Case, seen: int | None) -> None:
    """Refuse to act on a case that changed since the caller read it; None means that the caller did not say.

    Raises:
        RevisionStale: The case is at another revision.
    """
    if seen is not None and seen != case.revision:
        raise RevisionStale(current=case.revision, seen=seen)


def check_not_pending(case: Case) -> None:
    """Refuse a step while a signed one waits to be recorded.

    Raises:
        DecisionUnderWay: One waits.
    """
    if case.pending_event is not None:
        raise DecisionUnderWay(event=case.pending_event)


def move(
    session: Session,
    context: Context,
    principal: Principal,
    case: Case,
    edge: Edge,
    *,
    case_kind: str,
    words: Text,
    details: dict[str, Any] | None = None,
) -> None:
    """Take an edge that needs no signature: change the state and write history."""
    check_not_pending(case)
    before, case.state = case.state, edge.target
    case.updated_at = context.clock.now()
    record_history(
        session,
        context,
        principal,
        case_kind=case_kind,
        case_id=case.id,
        event=edge.event,
        states=(before, edge.target),
        words=words,
        details=details,
    )
