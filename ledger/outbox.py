"""The outbox of signed statements: written in the transaction of the decision, sent by the relay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from kernel.errors import Kind, PisteError, Text
from ledger.chain.calls import check_size
from ledger.keys.signing import SignedBy
from ledger.models import LedgerStatus, QueuePlace, StatementRecord, StatementSignature, StatementState
from ledger.statements import Statement, digest

if TYPE_CHECKING:
    from ledger.chain.deployment import Deployment

STATEMENTS_BY_DIGEST = "piste.statements_by_digest"
"""Under this name a session keeps the statements that were fetched beforehand; None where there is none."""


class StatementRepeated(PisteError):
    """The same statement was handed in before."""

    code = "statement.repeated"
    kind = Kind.CONFLICT
    message = Text("The statement {statement} was handed in before.", "声明{statement}此前已提交。")
    next_step = Text("Look at the case: the decision is under way.", "请查看业务：该决定正在处理。")
    statement: str


class SignatureNotAwaited(PisteError):
    """The statement has all its signatures, or has this key's already."""

    code = "statement.signature-not-awaited"
    kind = Kind.CONFLICT
    message = Text(
        "The statement {statement} does not wait for a signature of this key.",
        "声明{statement}无需该密钥再次签署。",
    )
    next_step = Text("Another officer signs, or nobody needs to.", "请由其他关员签署，或无需再签。")
    statement: str


class LedgerBusy(PisteError):
    """More statements wait to be recorded than the installation takes."""

    code = "ledger.busy"
    kind = Kind.UNAVAILABLE
    message = Text(
        "{waiting} statements wait to be recorded; new ones that can wait are not taken now.",
        "已有{waiting}份声明等待上链，暂不接收可延后的新声明。",
    )
    next_step = Text(
        "Come back in {retry_after_s} s; nothing was signed away, sign again then.",
        "请在{retry_after_s}秒后重试；本次签署未提交，届时请重新签署。",
    )
    waiting: int
    retry_after_s: int


URGENT = frozenset(
    {
        "CertificateRevocation",
        "Checkpoint",
        "CheckpointWitness",
        "ConsortiumChange",
        "FounderReplacement",
        "GatePassage",
        "ReleaseRuleRepeal",
    }
)
"""Kinds of statements that are taken however many wait: a vehicle stands at the gate, a key was lost."""
LEAST_RETRY_S, MOST_RETRY_S = 5, 600


def enqueue_statement(
    session: Session,
    statement: Statement,
    deployment: Deployment,
    *,
    signatures: Sequence[SignedBy],
    required: int = 1,
    case_kind: str,
    case_id: UUID,
    intent: dict[str, Any],
    arguments: dict[str, Any] | None = None,
    now: datetime,
) -> StatementRecord:
    """Write a signed statement into the caller's transaction.

    The caller has checked the signatures; the contract checks them again.

    Args:
        session: The transaction of the decision.
        statement: What was signed.
        deployment: Where the contracts stand.
        signatures: The signatures so far.
        required: How many it needs before it is sent.
        case_kind: Kind of the case that it belongs to.
        case_id: The case. Statements of one case go to the chain one after the other.
        intent: What the process needs to finish its step.
        arguments: What the contract call needs besides, see `calls.call_of`.
        now: The present moment.

    Raises:
        StatementRepeated: It was handed in before.
        StatementTooLarge: No transaction can carry it.
        LedgerBusy: Too many wait, and this one can.
    """
    check_size(statement, required)
    _check_room(session, statement)
    name = digest(statement, deployment)
    if session.scalar(select(StatementRecord.id).where(StatementRecord.digest == name)) is not None:
        raise StatementRepeated(statement="0x" + name.hex())
    record = StatementRecord(
        digest=name,
        primary_type=statement.primary_type,
        contract=statement.contract,
        subject=statement.subject,
        message=statement.message(),
        arguments=arguments,
        required=required,
        state=StatementState.COLLECTING,
        case_kind=case_kind,
        case_id=case_id,
        intent=intent,
        attempts=0,
        created_at=now,
    )
    session.add(record)
    session.flush()
    if (known := session.info.get(STATEMENTS_BY_DIGEST)) is not None:
        known[name] = record
    for signed in signatures:
        add_signature(session, record, signed, now=now)
    return record


def _check_room(session: Session, statement: Statement) -> None:
    """Refuse what can wait while the relay has more than enough to carry, by what it said of itself last."""
    if statement.primary_type in URGENT:
        return
    said = session.get(LedgerStatus, "relay")
    if said is not None and said.most_waiting is not None and said.waiting >= said.most_waiting:
        over = (said.estimate_s or 0) * (said.waiting - said.most_waiting + 1) // said.waiting
        raise LedgerBusy(waiting=said.waiting, retry_after_s=min(max(over, LEAST_RETRY_S), MOST_RETRY_S))


def add_signature(
    session: Session, record: StatementRecord, signed: SignedBy, *, now: datetime
) -> StatementRecord:
    """Add a signature; the statement is ready for the relay once it has enough.

    Raises:
        SignatureNotAwaited: It has enough, or has one of this key.
    """
    # The row is the lock: two officers who sign at once take turns.
    session.refresh(record, with_for_update=True)
    given = session.scalars(
        select(StatementSignature.key_id).where(StatementSignature.statement_id == record.id)
    ).all()
    if record.state != StatementState.COLLECTING or signed.key_id in given:
        raise SignatureNotAwaited(statement="0x" + record.digest.hex())
    session.add(
        StatementSignature(
            statement_id=record.id,
            position=len(given),
            key_id=signed.key_id,
            signer=signed.signer,
            signature=signed.signature,
            created_at=now,
        )
    )
    if len(given) + 1 >= record.required:
        record.state, record.queued_at = StatementState.QUEUED, now
        session.add(QueuePlace(statement_id=record.id))
    session.flush()
    return record


def withdraw_collecting(session: Session, record: StatementRecord) -> None:
    """Take a statement back that still waits for a signature; it was never sent and never will be.

    Raises:
        SignatureNotAwaited: It has all its signatures: the relay may have sent it already.
    """
    session.refresh(record, with_for_update=True)
    if record.state != StatementState.COLLECTING:
        raise SignatureNotAwaited(statement="0x" + record.digest.hex())
    session.execute(delete(StatementSignature).where(StatementSignature.statement_id == record.id))
    session.delete(record)
    session.flush()


def signatures_of(session: Session, record: StatementRecord) -> list[SignedBy]:
    """Give a statement's signatures in the order in which they were given."""
    rows = session.scalars(
        select(StatementSignature)
        .where(StatementSignature.statement_id == record.id)
        .order_by(StatementSignature.position)
    )
    return [SignedBy(row.signer, row.signature) for row in rows]


def signatures_of_all(session: Session, records: Sequence[StatementRecord]) -> dict[int, list[SignedBy]]:
    """Give the signatures of many statements in one query, by row, each in the order in which they were given."""
    found: dict[int, list[SignedBy]] = {record.id: [] for record in records}
    rows = session.scalars(
        select(StatementSignature)
        .where(StatementSignature.statement_id.in_(found))
        .order_by(StatementSignature.statement_id, StatementSignature.position)
    )
    for row in rows:
        found[row.statement_id].append(SignedBy(row.signer, row.signature))
    return found


def statement_by_digest(session: Session, name: bytes) -> StatementRecord | None:
    """Find a statement by its digest."""
    known: dict[bytes, StatementRecord | None] = session.info.get(STATEMENTS_BY_DIGEST, {})
    if name in known:
        return known[name]
    return session.scalar(select(StatementRecord).where(StatementRecord.digest == name))


def waiting(session: Session) -> tuple[int, datetime | None]:
    """Count the statements that are ready but not recorded yet, and tell since when the oldest waits."""
    open_states = (StatementState.QUEUED, StatementState.SENT)
    count, oldest = session.execute(
        select(func.count(StatementRecord.id), func.min(StatementRecord.queued_at)).where(
            StatementRecord.state.in_(open_states)
        )
    ).one()
    return count, oldest
