"""Does the database say what the chain says? Everything is read from the node again and held against every row.

The chain's events are replayed into a scratch database, so that memory stays flat whatever the length of the
chain; then the two are compared a row at a time, and the contracts are asked for what they hold.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from kernel.database import Base, Database
from kernel.errors import Kind, PisteError, Text
from ledger.chain.calldata import normal_arguments
from ledger.chain.client import Chain
from ledger.chain.deployment import Deployment, check_deployment
from ledger.keys.signing import verify_signature
from ledger.mirrors import MIRRORS, LedgerCheckpoint
from ledger.models import (
    ChainBlock,
    ChainEvent,
    LedgerTransaction,
    QueuePlace,
    StatementRecord,
    StatementSignature,
    StatementState,
    TransactionState,
)
from ledger.outbox import statement_by_digest
from ledger.reconciliation.comparison import Row, Table, compare, snapshot
from ledger.reconciliation.differences import Difference
from ledger.reconciliation.rebuilding import (
    CHAIN_TABLES,
    NOT_ON_CHAIN,
    Rebuilding,
    Watch,
    columns_of,
    final_block,
    unwatched,
)
from ledger.reconciliation.views import Asker, statement_differences, view_differences
from ledger.statements import digest, statement_from

ROWS_AT_ONCE = 500
DECIDED = (StatementState.RECORDED, StatementState.REFUSED)
_ID = frozenset({"id"})
BLOCKS = Table.of("block", ChainBlock, ["number"], shown={"number": "block"})
EVENTS = Table.of(
    "event",
    ChainEvent,
    ["block_number", "log_index"],
    without=_ID,
    shown={"block_number": "block", "statement": "statement", "name": "event"},
)
TRANSACTIONS = Table.of(
    "transaction",
    LedgerTransaction,
    ["hash"],
    without=_ID | NOT_ON_CHAIN[LedgerTransaction],
    shown={"hash": "transaction", "block_number": "block"},
)
STATEMENTS = Table.of(
    "statement",
    StatementRecord,
    ["digest"],
    without=_ID | NOT_ON_CHAIN[StatementRecord],
    shown={"digest": "statement", "block_number": "block"},
)
SIGNATURES = Table(
    "signature",
    StatementSignature.__tablename__,
    {
        "statement": StatementRecord.digest,
        "position": StatementSignature.position,
        "key_id": StatementSignature.key_id,
        "signer": StatementSignature.signer,
        "signature": StatementSignature.signature,
    },
    ("statement", "position"),
    {"statement": "statement", "key_id": "key"},
)
_NATURAL_KEYS: dict[type[Base], tuple[str, ...]] = {LedgerCheckpoint: ("size", "block_number")}


class NothingToCompare(PisteError):
    """The database holds no final block yet."""

    code = "reconciliation.nothing-to-compare"
    kind = Kind.UNAVAILABLE
    message = Text("The database holds no final block yet.", "数据库中尚无最终确认的区块。")
    next_step = Text("Start the indexer and wait a moment.", "请启动索引进程并稍候。")


@dataclass
class Checked:
    """What was compared."""

    block: int = 0
    """The block at whose end both sides were compared."""
    behind: int = 0
    """Blocks that the chain has beyond it; they are not compared."""
    counts: dict[str, int] = field(default_factory=dict)
    notices: dict[str, int] = field(default_factory=dict)
    """What is worth knowing and no difference: statements that others sent straight to the contracts."""


@dataclass
class Reconciliation:
    """Compares one database with one chain.

    Args:
        chain: The node.
        deployment: Where the contracts stand.
        relay_address: The service's own sender; None where it is not known.
        watch: Hears how far it is.
        computes_hashes: See `reading.BlockReader`.
        scratch: Folder for the scratch database; the system's folder for such things where not given.
    """

    chain: Chain
    deployment: Deployment
    relay_address: str | None = None
    watch: Watch = unwatched
    computes_hashes: bool = True
    scratch: Path | None = None
    checked: Checked = field(default_factory=Checked)

    def differences(self, database: Database) -> Iterator[Difference]:
        """Name every difference, one after the other.

        Raises:
            LedgerUnavailable, NodeRefused, NodeDisagrees, DeploymentMissing: The chain could not be asked.
            NothingToCompare: The database holds no final block.
        """
        check_deployment(self.chain, self.deployment)
        with snapshot(database) as here, tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            last = final_block(here)
            if last is None:
                raise NothingToCompare
            head = self.chain.head().number
            if last < self.deployment.deployed_at_block:
                raise NothingToCompare
            self.checked.block, self.checked.behind = last, max(head - last, 0)
            replayed = Database(f"sqlite:///{folder}/replay.db")
            try:
                yield from self._compared(here, replayed, min(last, head))
            finally:
                replayed.dispose()

    def _compared(self, here: Session, replayed: Database, last: int) -> Iterator[Difference]:
        tables = [Base.metadata.tables[model.__tablename__] for model in CHAIN_TABLES]
        Base.metadata.create_all(replayed.engine, tables=tables)
        rebuilding = Rebuilding(
            self.chain,
            self.deployment,
            replayed,
            self.relay_address,
            watch=self.watch,
            computes_hashes=self.computes_hashes,
        )
        rebuilt = rebuilding.run(last)
        if rebuilt.unread:
            self.checked.notices["sent by another contract"] = len(rebuilt.unread)
        with replayed.read() as there:
            yield from self._chain_differences(here, there)
            yield from self._statement_differences(here, there)
            for model in MIRRORS:
                yield from self._both(_mirror(model), here, there)
        asker = Asker(self.chain, self.deployment, last)
        yield from view_differences(here, asker, self.watch)
        yield from statement_differences(here, asker, self.watch)
        yield from own_differences(here, self.deployment, self.watch)

    def _chain_differences(self, here: Session, there: Session) -> Iterator[Difference]:
        last = self.checked.block
        yield from compare(BLOCKS, BLOCKS.rows(here, ChainBlock.number <= last), self._counted(BLOCKS, there))
        yield from compare(
            EVENTS, EVENTS.rows(here, ChainEvent.block_number <= last), self._counted(EVENTS, there)
        )
        final = LedgerTransaction.state == TransactionState.FINAL
        known = {
            row.hash: row.state
            for row in here.execute(select(LedgerTransaction.hash, LedgerTransaction.state).where(~final))
        }
        if self.relay_address is None:
            return
        for found in compare(
            TRANSACTIONS, TRANSACTIONS.rows(here, final), self._counted(TRANSACTIONS, there)
        ):
            if found.code == "transaction.missing" and known.get(found.where["transaction"]) == "live":
                # The indexer closes it together with the next final block.
                self._notice("transactions about to be closed")
            else:
                yield found

    def _statement_differences(self, here: Session, there: Session) -> Iterator[Difference]:
        # A statement that ended without any verdict left no event: the contract is asked for it below.
        told = StatementRecord.log_index.is_not(None)
        decided = and_(
            StatementRecord.state.in_(DECIDED), (StatementRecord.state == StatementState.RECORDED) | told
        )
        for found in compare(
            STATEMENTS, _normal(STATEMENTS.rows(here, decided)), self._counted(STATEMENTS, there)
        ):
            if found.code == "statement.missing" and _sent_by_others(there, found.where["statement"]):
                self._notice("statements sent by others")
            else:
                yield found
        joined = StatementSignature.statement_id == StatementRecord.id
        for found in compare(
            SIGNATURES, SIGNATURES.rows(here, joined, decided), self._counted(SIGNATURES, there, joined)
        ):
            # Where the whole statement is missing, that is named already.
            if statement_by_digest(here, found.where["statement"]) is not None:
                yield found

    def _both(self, table: Table, here: Session, there: Session) -> Iterator[Difference]:
        yield from compare(table, table.rows(here), self._counted(table, there))

    def _counted(self, table: Table, there: Session, *conditions: object) -> Iterator[Row]:
        """Go through the chain's side and count it."""
        rows = table.rows(there, *conditions)  # type: ignore[arg-type]  # conditions of the caller
        self.checked.counts.setdefault(table.name, 0)
        for row in _normal(rows) if table is STATEMENTS else rows:
            self.checked.counts[table.name] += 1
            yield row
        self.watch(table.name, self.checked.counts[table.name], self.checked.counts[table.name])

    def _notice(self, what: str) -> None:
        self.checked.notices[what] = self.checked.notices.get(what, 0) + 1


def own_differences(
    session: Session, deployment: Deployment, watch: Watch = unwatched
) -> Iterator[Difference]:
    """Hold statements against themselves: message against digest, signatures against both, places in the queue."""
    total = session.scalar(select(func.count(StatementRecord.id))) or 0
    rows = session.execute(
        select(
            StatementRecord.id,
            StatementRecord.digest,
            StatementRecord.primary_type,
            StatementRecord.message,
            StatementRecord.state,
            StatementRecord.case_id,
            StatementRecord.required,
            QueuePlace.position,
        ).outerjoin(QueuePlace, QueuePlace.statement_id == StatementRecord.id)
    ).yield_per(ROWS_AT_ONCE)
    for done, row in enumerate(rows, 1):
        where = {"table": "statements", "statement": row.digest, "case": row.case_id}
        try:
            said = digest(statement_from(row.primary_type, row.message), deployment)
        except PisteError:
            said = None
        if said != row.digest:
            yield Difference("statement.digest-differs", where, here=said, there=row.digest)
        collecting = row.state == StatementState.COLLECTING
        if row.state == StatementState.QUEUED and row.position is None:
            yield Difference("statement.out-of-queue", where | {"table": "statement_queue"})
        if collecting and row.position is not None:
            yield Difference("queue.unknown", where | {"table": "statement_queue"}, here=row.position)
        if row.state not in DECIDED:
            needed = 0 if collecting else row.required
            yield from _waiting_signatures(session, row.id, row.digest, needed, deployment, where)
        if done % ROWS_AT_ONCE == 0 or done == total:
            watch("digests", done, total)


def _waiting_signatures(
    session: Session, row: int, name: bytes, needed: int, deployment: Deployment, where: dict[str, object]
) -> Iterator[Difference]:
    """Verify the signatures of a statement that the chain does not hold yet."""
    given = session.execute(
        select(StatementSignature.signer, StatementSignature.signature, StatementSignature.key_id).where(
            StatementSignature.statement_id == row
        )
    ).all()
    if len(given) < needed:
        place = where | {"table": StatementSignature.__tablename__}
        yield Difference("statement.signature-missing", place, here=len(given), there=needed)
    for signer, signature, key in given:
        if not verify_signature(signer, name, signature, deployment):
            yield Difference(
                "statement.signature-wrong",
                where | {"table": "statement_signatures", "key": key},
                here=signature,
            )


def _mirror(model: type[Base]) -> Table:
    key = _NATURAL_KEYS.get(model) or tuple(column.name for column in model.__table__.primary_key)
    shown = {"block_number": "block"} | (
        {"statement": "statement"} if "statement" in columns_of(model) else {}
    )
    without = _ID if "id" in columns_of(model) else frozenset()
    return Table.of("mirror", model, key, without=without, shown=shown)


def _sent_by_others(there: Session, name: bytes) -> bool:
    """Tell whether a statement came to the chain without the relay."""
    record = statement_by_digest(there, name)
    return record is not None and record.transaction_id is None


def _normal(rows: Iterator[Row]) -> Iterator[Row]:
    """Give rows of statements with arguments in the one shape in which they can be compared."""
    for row in rows:
        yield dict(row) | {"arguments": normal_arguments(row["arguments"])}
