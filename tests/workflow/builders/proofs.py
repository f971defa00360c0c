"""What the ledger does after a record, without a chain: a place, a leaf, a checkpoint that counts as anchored."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.clock import unix
from ledger.chain.installation import log_signer
from ledger.evidence.log import LOG_CASE, log_size, root_at, sequence
from ledger.evidence.records import append_record
from ledger.keys.signing import sign_with
from ledger.mirrors import LedgerCheckpoint
from ledger.models import StatementRecord, StatementState
from ledger.outbox import enqueue_statement
from ledger.statements import Checkpoint, digest
from workflow.engine.context import Context


def place_record(session: Session, context: Context, record: StatementRecord) -> None:
    """Give a recorded statement its place on the chain and its leaf in the evidence log."""
    height = 1 + (session.scalar(select(func.max(StatementRecord.block_number))) or 0)
    record.block_number, record.transaction_index, record.log_index = height, 0, 0
    record.block_hash = sha256(b"block %d" % height).digest()
    record.transaction_hash = sha256(b"transaction %d" % height).digest()
    record.recorded_at = context.clock.now()
    session.flush()
    append_record(session, record)


def anchor(session: Session, context: Context) -> None:
    """Give all leaves their place and have a checkpoint over them."""
    sequence(session)
    size = log_size(session)
    if size <= (session.scalar(select(func.max(LedgerCheckpoint.size))) or 0):
        return
    now = context.clock.now()
    statement = Checkpoint(size=size, root=root_at(session, size), signed_at=unix(now))
    name = digest(statement, context.deployment)
    record = enqueue_statement(
        session,
        statement,
        context.deployment,
        signatures=[sign_with(log_signer(context.settings.data_dir), name)],
        case_kind="evidence",
        case_id=LOG_CASE,
        intent={},
        now=now,
    )
    record.state = StatementState.RECORDED
    session.add(
        LedgerCheckpoint(
            size=size,
            root=statement.root,
            statement=name,
            block_number=1,
            transaction_hash=bytes(32),
            anchored_at=now,
        )
    )
