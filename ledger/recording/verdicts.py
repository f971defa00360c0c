"""What final blocks say about our statements: recorded, refused, or nothing at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.evidence.records import append_record, record_leaf
from ledger.models import (
    ChainBlock,
    ChainEvent,
    LedgerTransaction,
    StatementRecord,
    StatementState,
    TransactionState,
)
from ledger.outbox import statement_by_digest
from ledger.recording.effects import EffectSession
from ledger.refusals import NO_VERDICT, Refusal, plain_refusal, refusal_of
from ledger.typed_data import from_hex

MOST_ATTEMPTS = 1
"""How often a statement that ended without a verdict is sent once more, with more gas."""
_log = structlog.get_logger()


class StatementSink(Protocol):
    """Hears what became of statements, inside the indexer's transaction; what it raises undoes the whole batch.

    `recorded` is called once for each statement. It may come after `refused`: anybody may send a statement
    again, and the contract may take it the second time.
    """

    def recorded(self, session: Session, record: StatementRecord) -> None:
        """Take effect: the statement is on the chain, in a final block."""

    def refused(self, session: Session, record: StatementRecord, refusal: Refusal) -> None:
        """Go back: the contract refused the statement."""


@dataclass(frozen=True)
class Verdicts:
    """Reads verdicts from final events and passes them on.

    Args:
        sink: Hears of them.
        relay_address: The account whose refusals count; anybody can have a statement refused by sending it
            too early.
    """

    sink: StatementSink
    relay_address: str

    def hear(self, session: EffectSession, event: ChainEvent, block: ChainBlock) -> None:
        """Take in one event of a final block."""
        if event.name == "StatementRecorded":
            self._recorded(session, event, block)
        elif event.name == "StatementRefused":
            self._refused(session, event, block)

    def settle(self, session: EffectSession, receipts: Mapping[int, tuple[int, bytes, bool]]) -> None:
        """Close the relay's transactions that are in final blocks; free statements that got no verdict.

        Args:
            session: The indexer's transaction.
            receipts: By row of the transaction: block number, block hash, whether it went well.
        """
        for row, (number, block_hash, succeeded) in receipts.items():
            block = session.get(ChainBlock, number)
            if block is None or block.hash != block_hash or not block.is_final:
                continue
            transaction = session.get_one(LedgerTransaction, row)
            transaction.state = TransactionState.FINAL
            transaction.block_number, transaction.succeeded = number, succeeded
            left = session.scalars(
                select(StatementRecord).where(
                    StatementRecord.transaction_id == row, StatementRecord.state == StatementState.SENT
                )
            ).all()
            for record in left:
                _log.warning("statement.without-verdict", statement=record.digest.hex(), succeeded=succeeded)
                self._again_or_refuse(session, record, plain_refusal(NO_VERDICT), block)

    def _recorded(self, session: EffectSession, event: ChainEvent, block: ChainBlock) -> None:
        record = statement_by_digest(session, from_hex(event.values["statement"]))
        if record is None or record.contract != event.contract:
            return
        known = record.state == StatementState.RECORDED
        if record.refusal is not None:
            record.refusal = None
        # Whatever the sink asks the database for sees this: queries write what is pending.
        session.settle(
            record,
            state=StatementState.RECORDED,
            block_number=block.number,
            block_hash=block.hash,
            recorded_at=block.timestamp,
            transaction_hash=event.transaction_hash,
            transaction_index=event.transaction_index,
            log_index=event.log_index,
        )
        if known:
            append_record(session, record)
            return
        leaf = record_leaf(record)
        if leaf is not None:
            session.add_leaf(leaf)
        self.sink.recorded(session, record)

    def _refused(self, session: Session, event: ChainEvent, block: ChainBlock) -> None:
        if event.values["submitter"].lower() != self.relay_address.lower():
            return
        record = statement_by_digest(session, from_hex(event.values["statement"]))
        if record is None or record.state != StatementState.SENT or record.transaction_id is None:
            return
        sent_in = session.get_one(LedgerTransaction, record.transaction_id).hash
        if sent_in != event.transaction_hash:
            return
        reason = from_hex(event.values["reason"])
        refusal = refusal_of(reason)
        if not reason:
            self._again_or_refuse(session, record, refusal, block, event)
        else:
            self._refuse(session, record, refusal, block, event)

    def _again_or_refuse(
        self,
        session: Session,
        record: StatementRecord,
        refusal: Refusal,
        block: ChainBlock,
        event: ChainEvent | None = None,
    ) -> None:
        """Put a statement without a verdict back into the queue, at its old place, once."""
        if record.attempts < MOST_ATTEMPTS:
            record.attempts += 1
            record.state, record.transaction_id = StatementState.QUEUED, None
            return
        self._refuse(session, record, refusal, block, event)

    def _refuse(
        self,
        session: Session,
        record: StatementRecord,
        refusal: Refusal,
        block: ChainBlock,
        event: ChainEvent | None,
    ) -> None:
        record.state, record.refusal = StatementState.REFUSED, refusal.to_json()
        _place(record, event, block)
        self.sink.refused(session, record, refusal)


def _place(record: StatementRecord, event: ChainEvent | None, block: ChainBlock) -> None:
    record.block_number, record.block_hash, record.recorded_at = block.number, block.hash, block.timestamp
    if event is not None:
        record.transaction_hash, record.transaction_index = event.transaction_hash, event.transaction_index
        record.log_index = event.log_index
