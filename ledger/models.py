"""Tables of the ledger: statements on their way, transactions, blocks and events, the evidence log.

What the contracts hold, filled from their events alone, is in `mirrors`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kernel.database import Base, BigId
from ledger.mirrors import LedgerKey, LedgerOrganisation
from ledger.statements import Statement, statement_from
from ledger.traffic import LedgerLoad, RelayLease, TransactionVersion

__all__ = [
    "ChainBlock",
    "ChainEvent",
    "EvidenceLeaf",
    "EvidenceLogHead",
    "LedgerKey",
    "LedgerLoad",
    "LedgerOrganisation",
    "LedgerStatus",
    "LedgerTransaction",
    "QueuePlace",
    "RelayLease",
    "StatementRecord",
    "StatementSignature",
    "StatementState",
    "TransactionState",
    "TransactionVersion",
]

WORD = 32


class StatementState(StrEnum):
    """Where a statement stands on its way to the chain."""

    COLLECTING = "collecting"
    """Fewer signatures than it needs."""
    QUEUED = "queued"
    """Waits for the relay."""
    SENT = "sent"
    """In a signed transaction that is kept here and handed to the node until it is final."""
    RECORDED = "recorded"
    """The contract took it, in a final block."""
    REFUSED = "refused"
    """The contract refused it, in a final block."""


class TransactionState(StrEnum):
    """Where a transaction of the relay stands."""

    LIVE = "live"
    """To be handed to the node until it is in a final block."""
    FINAL = "final"
    """In a final block."""
    VOID = "void"
    """Another transaction took its number; this one can never be mined."""


class StatementRecord(Base):
    """A signed statement and what became of it."""

    __tablename__ = "statements"
    __table_args__ = (
        Index("ix_statements_case", "case_kind", "case_id", "id"),
        Index("ix_statements_block", "block_number", "log_index"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(WORD), unique=True)
    """EIP-712 digest: what was signed, and the statement's name on the chain."""
    primary_type: Mapped[str] = mapped_column(String(40), index=True)
    contract: Mapped[str] = mapped_column(String(40))
    subject: Mapped[bytes] = mapped_column(LargeBinary(WORD), index=True)
    message: Mapped[dict[str, Any]]
    """The typed message as JSON."""
    arguments: Mapped[dict[str, Any] | None]
    """What the contract call needs besides message and signatures, for example line proofs."""
    required: Mapped[int] = mapped_column(default=1)
    """How many signatures it needs."""
    state: Mapped[str] = mapped_column(String(12), index=True)
    case_kind: Mapped[str] = mapped_column(String(20))
    case_id: Mapped[UUID]
    intent: Mapped[dict[str, Any]]
    """What the process needs to finish its step; the ledger does not look into it."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it ended in a final block without any verdict, each time with more gas."""
    transaction_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_transactions.id"), index=True)
    """The relay's transaction that carries it."""
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime | None]
    """Time of the block that recorded or refused it."""
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    block_hash: Mapped[bytes | None] = mapped_column(LargeBinary(WORD))
    transaction_hash: Mapped[bytes | None] = mapped_column(LargeBinary(WORD), index=True)
    transaction_index: Mapped[int | None]
    log_index: Mapped[int | None]
    refusal: Mapped[dict[str, Any] | None]
    """The contract's reason: error name, values, words in both languages."""

    signatures: Mapped[list[StatementSignature]] = relationship(
        lazy="raise", order_by="StatementSignature.position", back_populates="record"
    )

    def statement(self) -> Statement:
        """Give the typed message."""
        return statement_from(self.primary_type, self.message)


class StatementSignature(Base):
    """One signature of a statement."""

    __tablename__ = "statement_signatures"
    __table_args__ = (
        UniqueConstraint("statement_id", "key_id", name="uq_statement_signatures_key"),
        UniqueConstraint("statement_id", "position", name="uq_statement_signatures_position"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey("statements.id"), index=True)
    position: Mapped[int]
    key_id: Mapped[bytes] = mapped_column(LargeBinary(WORD), index=True)
    signer: Mapped[bytes]
    signature: Mapped[bytes]
    created_at: Mapped[datetime]

    record: Mapped[StatementRecord] = relationship(lazy="raise", back_populates="signatures")


class QueuePlace(Base):
    """A statement's place in the queue; counts up in the order in which statements became ready."""

    __tablename__ = "statement_queue"

    position: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey("statements.id"), unique=True)


class LedgerTransaction(Base):
    """A transaction of the relay, signed and kept before it is sent."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (UniqueConstraint("sender", "nonce", name="uq_ledger_transactions_nonce"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    sender: Mapped[str] = mapped_column(String(42))
    nonce: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary(WORD), unique=True)
    """Of the version that was mined; of the newest until one is."""
    raw: Mapped[bytes]
    gas: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(8), index=True)
    created_at: Mapped[datetime]
    block_number: Mapped[int | None] = mapped_column(BigInteger)
    succeeded: Mapped[bool | None]


class ChainBlock(Base):
    """A block that the indexer followed."""

    __tablename__ = "chain_blocks"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(WORD), unique=True)
    parent_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    timestamp: Mapped[datetime]
    is_final: Mapped[bool] = mapped_column(default=False, index=True)


class ChainEvent(Base):
    """An event of one of our contracts, whoever caused it."""

    __tablename__ = "chain_events"
    __table_args__ = (UniqueConstraint("block_number", "log_index", name="uq_chain_events_place"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    block_number: Mapped[int] = mapped_column(ForeignKey("chain_blocks.number"))
    block_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    transaction_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD), index=True)
    transaction_index: Mapped[int]
    log_index: Mapped[int]
    contract: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(40), index=True)
    values: Mapped[dict[str, Any]]
    """Values by name: bytes as 0x-strings, wide numbers as decimal strings."""
    statement: Mapped[bytes | None] = mapped_column(LargeBinary(WORD), index=True)
    """The statement that caused it."""
    subject: Mapped[bytes | None] = mapped_column(LargeBinary(WORD), index=True)
    """What it is about: its first identifier."""
    key_id: Mapped[bytes | None] = mapped_column(LargeBinary(WORD), index=True)
    """The key that signed, was granted or revoked."""


class EvidenceLeaf(Base):
    """A leaf of the evidence log; without a position until the sequencer came by."""

    __tablename__ = "evidence_leaves"
    __table_args__ = (
        Index("ix_evidence_leaves_subject", "subject", "id"),
        # Those that wait for their place are few among many, and looked for again and again.
        Index(
            "ix_evidence_leaves_waiting",
            "id",
            sqlite_where=text("position IS NULL"),
            postgresql_where=text("position IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    position: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    """Place in the log, from 0, without gaps."""
    kind: Mapped[str] = mapped_column(String(60))
    subject: Mapped[UUID]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))
    at: Mapped[datetime]
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary(WORD))


class EvidenceLogHead(Base):
    """How long the evidence log is; its one row is also the lock of whoever lengthens it."""

    __tablename__ = "evidence_log"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    root: Mapped[bytes | None] = mapped_column(LargeBinary(WORD))
    """Root at that size; unknown until the tree of an older installation is on disk."""
    checkpoint_wanted: Mapped[bool] = mapped_column(default=False)
    """Somebody asked for a checkpoint before its time."""
    checkpointed_at: Mapped[datetime | None]


class LedgerStatus(Base):
    """What a process of the ledger says of itself, for pages and health checks."""

    __tablename__ = "ledger_status"

    process: Mapped[str] = mapped_column(String(20), primary_key=True)
    node_reachable: Mapped[bool]
    waiting: Mapped[int] = mapped_column(default=0)
    """Statements that are ready but not recorded yet."""
    oldest_waiting_at: Mapped[datetime | None]
    estimate_s: Mapped[int | None]
    """In how many seconds all of them should be recorded, as fast as it went lately; None where nothing moves."""
    most_waiting: Mapped[int | None]
    """Above this number statements that can wait are asked to come back later."""
    incident_at: Mapped[datetime | None]
    """Since when the ledger cannot be believed; nothing takes effect until a person has looked."""
    head_block: Mapped[int | None] = mapped_column(BigInteger)
    final_block: Mapped[int | None] = mapped_column(BigInteger)
    detail: Mapped[str] = mapped_column(String(300), default="")
    updated_at: Mapped[datetime]
