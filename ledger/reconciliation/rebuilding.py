"""The ledger's tables filled anew from the chain alone: blocks, events, mirrors, statements, signatures, transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from eth_utils.address import to_checksum_address
from sqlalchemy import Table, func, inspect, select
from sqlalchemy.orm import Session

from kernel.database import Base, Database
from kernel.errors import Kind, PisteError, Text
from ledger.chain.calldata import INBOX, SentStatement, statements_in
from ledger.chain.client import Chain
from ledger.chain.decoding import to_events
from ledger.chain.deployment import Deployment
from ledger.chain.reading import Header
from ledger.chain.replay import Replay, Stretch
from ledger.mirrors import MIRRORS
from ledger.models import (
    ChainBlock,
    ChainEvent,
    LedgerTransaction,
    StatementRecord,
    StatementSignature,
    StatementState,
    TransactionState,
)
from ledger.outbox import statement_by_digest
from ledger.recording.projections import apply, fetch
from ledger.recording.rows import MirrorRows
from ledger.refusals import refusal_of
from ledger.statements import Statement, id_from_bytes
from ledger.typed_data import from_hex

CHAIN_TABLES: tuple[type[Base], ...] = (
    ChainBlock,
    ChainEvent,
    LedgerTransaction,
    StatementRecord,
    StatementSignature,
    *MIRRORS,
)
"""What the chain alone fills."""
NOT_ON_CHAIN: Mapping[type[Base], frozenset[str]] = {
    StatementRecord: frozenset(
        ["case_kind", "case_id", "intent", "attempts", "transaction_id", "created_at", "queued_at", "sent_at"]
    ),
    StatementSignature: frozenset({"created_at"}),
    LedgerTransaction: frozenset({"created_at"}),
}
"""Columns that the chain does not hold: the case that a statement belongs to here, and when this service did what."""
UNKNOWN_CASE = "chain"
"""Kind of case of a statement of which nobody here knows the case."""
_NAMESPACE = UUID("70697374-6500-8000-a368-61696e000000")


class DatabaseNotEmpty(PisteError):
    """What is restored must not be mixed with what is there."""

    code = "rebuild.database-not-empty"
    kind = Kind.CONFLICT
    message = Text("The database is not empty: {table} holds rows.", "数据库不为空：表{table}中已有数据。")
    next_step = Text("Name an empty database.", "请指定一个空数据库。")
    table: str


class FinalBlockMissing(PisteError):
    """The chain is shorter than what was asked for."""

    code = "rebuild.final-block-missing"
    kind = Kind.UNAVAILABLE
    message = Text("The node has no final block yet.", "节点尚无最终确认的区块。")
    next_step = Text(
        "Wait until the node has caught up, or ask another one.", "请等待节点同步完成，或改用其他节点。"
    )


@dataclass(frozen=True)
class CaseOf:
    """What this installation knew of a statement beside the chain."""

    kind: str
    case_id: UUID
    intent: dict[str, Any]


@dataclass
class Rebuilt:
    """What was restored, and what could not be."""

    last_block: int = 0
    blocks: int = 0
    events: int = 0
    statements: int = 0
    refusals: int = 0
    transactions: int = 0
    unread: list[str] = field(default_factory=list)
    """Statements that another contract sent: the chain holds their digest and effect, no transaction their message."""


Watch = Callable[[str, int, int], None]
"""Hears how far the work is: of what, done, of how many."""


def unwatched(what: str, done: int, of: int) -> None:
    """Hear nothing."""
    del what, done, of


def check_empty(session: Session, tables: Iterable[Table] | None = None) -> None:
    """Refuse a database that holds anything.

    Raises:
        DatabaseNotEmpty: It does.
    """
    for table in tables if tables is not None else Base.metadata.sorted_tables:
        if session.execute(select(table).limit(1)).first() is not None:
            raise DatabaseNotEmpty(table=table.name)


@dataclass
class Rebuilding:
    """Fills an empty, migrated database from the chain.

    Args:
        chain: The node.
        deployment: Where the contracts stand.
        database: Empty.
        relay_address: Whose refusals count, and whose transactions are the service's own; None where it is not
            known: then everybody's refusals count.
        case_of: Tells the case of a statement, where it is known.
        watch: Hears how far it is.
        computes_hashes: See `reading.BlockReader`.
    """

    chain: Chain
    deployment: Deployment
    database: Database
    relay_address: str | None = None
    case_of: Callable[[bytes], CaseOf | None] = lambda _: None
    watch: Watch = unwatched
    computes_hashes: bool = True
    _out_of_gas: set[bytes] = field(default_factory=set, init=False)

    def run(self, last: int) -> Rebuilt:
        """Restore everything up to a final block.

        Raises:
            LedgerUnavailable, NodeRefused, NodeDisagrees: The node is away, or its answers do not fit.
        """
        rebuilt, first = Rebuilt(last_block=last), self.deployment.deployed_at_block
        replay = Replay(self.chain, self.deployment, self.computes_hashes)
        for stretch in replay.stretches(last):
            own = self._own_transactions(stretch, replay)
            with self.database.write() as session:
                self._take(session, stretch, own, rebuilt)
            self.watch("blocks", rebuilt.blocks, last - first + 1)
        return rebuilt

    def _take(
        self,
        session: Session,
        stretch: Stretch,
        own: Mapping[bytes, LedgerTransaction],
        rebuilt: Rebuilt,
    ) -> None:
        times = {block.header.number: _moment(block.header) for block in stretch.blocks}
        session.add_all(_stored(block.header) for block in stretch.blocks)
        session.add_all(own.values())
        session.flush()
        events = to_events([log for block in stretch.blocks for log in block.logs], self.deployment)
        session.add_all(events)
        session.flush()
        sent: dict[tuple[bytes, bytes], SentStatement] = {}
        for transaction in stretch.transactions:
            found = statements_in(transaction.shown, self.deployment)
            sent.update({(transaction.hash, one.digest): one for one in reversed(found)})
        rows = MirrorRows(session)
        fetch(rows, events)
        for event in events:
            at = times[event.block_number]
            apply(rows, event, at)
            if event.name == "StatementRecorded":
                self._recorded(session, event, sent, own, at, rebuilt)
            elif event.name == "StatementRefused":
                self._refused(session, event, sent, own, at, rebuilt)
        rows.write()
        rebuilt.blocks += len(stretch.blocks)
        rebuilt.events += len(events)
        rebuilt.transactions += len(own)

    def _recorded(
        self,
        session: Session,
        event: ChainEvent,
        sent: Mapping[tuple[bytes, bytes], SentStatement],
        own: Mapping[bytes, LedgerTransaction],
        at: datetime,
        rebuilt: Rebuilt,
    ) -> None:
        name = from_hex(event.values["statement"])
        found = sent.get((event.transaction_hash, name))
        if found is None or found.statement.contract != event.contract:
            rebuilt.unread.append("0x" + name.hex())
            return
        record = statement_by_digest(session, name) or self._record(session, found, at)
        if record.state == StatementState.REFUSED:
            rebuilt.refusals -= 1
        record.state, record.refusal = StatementState.RECORDED, None
        _place(record, event, own, at)
        rebuilt.statements += 1
        session.flush()

    def _refused(
        self,
        session: Session,
        event: ChainEvent,
        sent: Mapping[tuple[bytes, bytes], SentStatement],
        own: Mapping[bytes, LedgerTransaction],
        at: datetime,
        rebuilt: Rebuilt,
    ) -> None:
        """Keep a refusal of the relay's; the name in it is the sender's word and must be the message's digest."""
        name, reason = from_hex(event.values["statement"]), from_hex(event.values["reason"])
        found = sent.get((event.transaction_hash, name))
        ours = self.relay_address is None or event.values["submitter"].lower() == self.relay_address.lower()
        if found is None or not ours:
            return
        if not reason and name not in self._out_of_gas:
            # The relay sends it once more, with all the gas that a transaction can hold.
            self._out_of_gas.add(name)
            return
        record = statement_by_digest(session, name)
        if record is not None and record.state == StatementState.RECORDED:
            return
        if record is None:
            record = self._record(session, found, at)
            rebuilt.refusals += 1
        record.state, record.refusal = StatementState.REFUSED, refusal_of(reason).to_json()
        _place(record, event, own, at)
        session.flush()

    def _record(self, session: Session, found: SentStatement, at: datetime) -> StatementRecord:
        statement, known = found.statement, self.case_of(found.digest)
        signed_at = getattr(statement, "signed_at", None)
        began = _time(signed_at) if signed_at is not None else at
        record = StatementRecord(
            digest=found.digest,
            primary_type=statement.primary_type,
            contract=statement.contract,
            subject=statement.subject,
            message=statement.message(),
            arguments=found.arguments,
            required=len(found.signatures),
            state=StatementState.SENT,
            case_kind=known.kind if known else UNKNOWN_CASE,
            case_id=known.case_id if known else subject_id(statement),
            intent=known.intent if known else {},
            attempts=0,
            created_at=began or at,
            queued_at=None,
            sent_at=None,
        )
        session.add(record)
        session.flush()
        session.add_all(
            StatementSignature(
                statement_id=record.id,
                position=position,
                key_id=signed.key_id,
                signer=signed.signer,
                signature=signed.signature,
                created_at=began or at,
            )
            for position, signed in enumerate(found.signatures)
        )
        return record

    def _own_transactions(self, stretch: Stretch, replay: Replay) -> dict[bytes, LedgerTransaction]:
        """Give the relay's transactions by hash, with what became of them."""
        inbox, found = self.deployment.address(INBOX).lower(), {}
        for sent in stretch.transactions:
            sender, target = sent.shown["from"], sent.shown.get("to") or ""
            if self.relay_address is None or sender.lower() != self.relay_address.lower():
                continue
            if target.lower() != inbox:
                continue
            header = sent.block
            found[sent.hash] = LedgerTransaction(
                sender=to_checksum_address(sender),
                nonce=int(sent.shown["nonce"], 16),
                hash=sent.hash,
                raw=sent.raw,
                gas=int(sent.shown["gas"], 16),
                state=TransactionState.FINAL,
                created_at=_moment(header),
                block_number=header.number,
                succeeded=replay.reader.outcome(header.number, header.hash, sent.hash),
            )
        return found


def subject_id(statement: Statement) -> UUID:
    """Give the identifier that a statement is about; a made-up one, always the same, where it is none of ours."""
    try:
        return id_from_bytes(statement.subject)
    except ValueError:
        return uuid5(_NAMESPACE, statement.subject.hex())


def columns_of(model: type[Base]) -> tuple[str, ...]:
    """Name the attributes of a table's columns, in their order."""
    return tuple(attribute.key for attribute in inspect(model).column_attrs)


def final_block(session: Session) -> int | None:
    """Give the newest block that the database takes for final."""
    return session.scalar(select(func.max(ChainBlock.number)).where(ChainBlock.is_final))


def _stored(block: Header) -> ChainBlock:
    return ChainBlock(
        number=block.number,
        hash=block.hash,
        parent_hash=block.parent_hash,
        timestamp=_moment(block),
        is_final=True,
    )


def _place(
    record: StatementRecord, event: ChainEvent, own: Mapping[bytes, LedgerTransaction], at: datetime
) -> None:
    record.block_number, record.block_hash, record.recorded_at = event.block_number, event.block_hash, at
    record.transaction_hash, record.transaction_index = event.transaction_hash, event.transaction_index
    record.log_index = event.log_index
    carrier = own.get(event.transaction_hash)
    record.transaction_id = carrier.id if carrier is not None else None


def _moment(block: Header) -> datetime:
    return datetime.fromtimestamp(block.timestamp, UTC)


def _time(seconds: int) -> datetime | None:
    """Give the moment that a signer claims, None where no calendar holds it."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
