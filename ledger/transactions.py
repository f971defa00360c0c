"""The relay's transactions in all the versions that were signed of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.models import LedgerTransaction, TransactionState, TransactionVersion


@dataclass(frozen=True)
class Mined:
    """A version of a transaction that stands in a block."""

    hash: bytes
    raw: bytes
    number: int
    """The block's."""
    block_hash: bytes
    succeeded: bool


def live_versions(session: Session) -> list[tuple[int, bytes, bytes]]:
    """Give every version of every transaction that is not final: row of the transaction, hash, raw bytes."""
    rows = session.execute(
        select(LedgerTransaction.id, LedgerTransaction.hash, LedgerTransaction.raw).where(
            LedgerTransaction.state == TransactionState.LIVE
        )
    )
    versions = session.execute(
        select(TransactionVersion.transaction_id, TransactionVersion.hash, TransactionVersion.raw)
        .join(LedgerTransaction, LedgerTransaction.id == TransactionVersion.transaction_id)
        .where(LedgerTransaction.state == TransactionState.LIVE)
    )
    # The row itself holds the version mined or signed last, for those signed before versions were kept.
    return list({found: (row, found, raw) for row, found, raw in [*rows, *versions]}.values())
