"""What the evidence log says of a recorded statement: one leaf, which anybody can work out from the event alone."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.clock import unix
from ledger.evidence.log import leaf_values
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
    # For plain texts and whole numbers below 2^53 sorted keys are the canonical form, at a tenth of the price.
    return sha256(
        orjson.dumps({"statement": "0x" + digest.hex(), **facts}, option=orjson.OPT_SORT_KEYS)
    ).digest()


def record_leaf(record: StatementRecord) -> dict[str, Any] | None:
    """Give the values of the leaf that vouches for a recorded statement; None where there is none to be written."""
    facts = record_facts(record)
    if facts is None or record.recorded_at is None or record.contract == LOG_CONTRACT:
        return None
    content_hash = record_hash(record.digest, facts)
    return leaf_values(
        kind=RECORD_KIND, subject=record.case_id, content_hash=content_hash, now=record.recorded_at
    )


def append_record(session: Session, record: StatementRecord) -> EvidenceLeaf | None:
    """Write the leaf that vouches for a recorded statement into the caller's transaction, once."""
    values = record_leaf(record)
    if values is None:
        return None
    known = leaf_of(session, record)
    if known is None:
        known = EvidenceLeaf(**values)
        session.add(known)
    return known


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
