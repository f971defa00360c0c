"""Tables of what goes to the node: versions of the relay's transactions, who may send, and how much waits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from kernel.database import Base, BigId

WORD = 32


class TransactionVersion(Base):
    """One of the forms in which a transaction was signed: the same number and content at another price.

    Every form is kept and looked for, since any of them may be the one that is mined.
    """

    __tablename__ = "transaction_versions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    transaction_id: Mapped[int] = mapped_column(ForeignKey("ledger_transactions.id"), index=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(WORD), unique=True)
    raw: Mapped[bytes]
    gas_price: Mapped[int] = mapped_column(BigInteger)
    """Wei for a unit of gas."""
    created_at: Mapped[datetime]


class RelayLease(Base):
    """Who sends for an account, and until when unless the lease is renewed."""

    __tablename__ = "relay_leases"

    account: Mapped[str] = mapped_column(String(42), primary_key=True)
    holder: Mapped[str] = mapped_column(String(36))
    until: Mapped[datetime]


class LedgerLoad(Base):
    """How much waited for the ledger in a minute, and how much was recorded."""

    __tablename__ = "ledger_load"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    """Its beginning."""
    waiting: Mapped[int] = mapped_column(default=0)
    """The most statements that waited at one time."""
    oldest_waiting_at: Mapped[datetime | None]
    recorded: Mapped[int] = mapped_column(default=0)
    """Statements that reached their verdict."""
