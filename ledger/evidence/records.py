"""What the evidence log says of a recorded statement: one leaf, which anybody can work out from the event alone."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import rfc8785
from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.clock import unix
from ledger.evidence.log import append_leaf
from ledger.models import EvidenceLeaf, StatementRecord, StatementState

RECORD_KIND = "record"
LOG_CONTRACT = "EvidenceLog"
"""Its own statements get no leaf: a checkpoint that made the log longer would call for the next."""


def record_facts(record: StatementRecord) -> dict[str, Any] | None:
    """Give where the chain took a statement, as bundles tell it; None where it did not."""
    if (
        record.state != StatementState.RECORDED
        or record.block_number is None
        or record.block_hash is None
        or record.recorded_at is None
        or record.transaction_hash is None
        or record.transaction_index is None
        or record.log_index is None
    ):
        return None
    return {
        "contract": record.contract,
        "blockNumber": record.block_number,
        "blockHash": "0x" + record.block_hash.hex(),
        "blockTime": unix(record.recorded_at),
        "transactionHash": "0x" + record.transaction_hash.hex(),
        "transactionIndex": record.transaction_index,
        "logIndex": record.log_index,
    }


def record_hash(digest: bytes, facts: dict[str, Any]) -> bytes:
    """Give the content hash of the leaf of a record: SHA-256 of its canonical JSON (RFC 8785)."""
    return sha256(rfc8785.dumps({"statement": "0x" + digest.hex(), **facts})).digest()


def append_record(session: Session, record: StatementRecord, *, first: bool = False) -> EvidenceLeaf | None:
    """Write the leaf that vouches for a recorded statement into the indexer's transaction, once.

    Args:
        session: The indexer's transaction.
        record: The statement.
        first: Whether it was not recorded before, so that no leaf need be looked for.
    """
    facts = record_facts(record)
    if facts is None or record.recorded_at is None or record.contract == LOG_CONTRACT:
        return None
    known = None if first else leaf_of(session, record)
    if known is not None:
        return known
    return append_leaf(
        session,
        kind=RECORD_KIND,
        subject=record.case_id,
        content_hash=record_hash(record.digest, facts),
        now=record.recorded_at,
    )


def leaf_of(session: Session, record: StatementRecord) -> EvidenceLeaf | None:
    """Find the leaf that vouches for a recorded statement."""
    facts = record_facts(record)
    if facts is None:
        return None
    return session.scalar(
        select(EvidenceLeaf).where(
            EvidenceLeaf.subject == record.case_id,
            EvidenceLeaf.kind == RECORD_KIND,
            EvidenceLeaf.content_hash == record_hash(record.digest, facts),
        )
    )
