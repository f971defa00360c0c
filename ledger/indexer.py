"""The indexer: follows the chain by parent hash, undoes and redoes, and lets final blocks take effect.

Blocks and events of the contracts are stored as they come. Only when a block is final do its events fill
the mirror tables, and do statements become recorded or refused, in one transaction for each batch of
blocks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from kernel.clock import Clock, SystemClock
from kernel.database import Database
from kernel.errors import Kind, PisteError, Text
from kernel.settings import Settings
from ledger.chain import Block, Chain
from ledger.decoding import to_events
from ledger.deployment import Deployment
from ledger.finality import Finality, Tip
from ledger.installation import await_ledger, finality_of, relay_account
from ledger.looping import loop
from ledger.models import (
    ChainBlock,
    ChainEvent,
    LedgerTransaction,
    StatementRecord,
    StatementState,
    TransactionState,
)
from ledger.points import nothing
from ledger.projections import apply, rebuild
from ledger.status import say
from ledger.verdicts import StatementSink, Verdicts

_log = structlog.get_logger()


class FinalBlockUndone(PisteError):
    """The chain took back a block that was final; nothing more is believed until a person has looked."""

    code = "ledger.final-block-undone"
    kind = Kind.UNAVAILABLE
    message = Text(
        "The chain took back block {number}, which was final.", "链撤销了已最终确认的区块{number}。"
    )
    next_step = Text(
        "Call the operator: the network broke its promise, or the node serves another chain.",
        "请联系运维：网络违反了最终性承诺，或节点服务于另一条链。",
    )
    number: int


@dataclass
class Indexer:
    """Keeps the tables equal to the chain.

    Args:
        database: Where blocks, events and mirrors are kept.
        chain: The node.
        deployment: Where the contracts stand.
        finality: Tells when a block is final.
        sink: Hears of statements that were recorded or refused.
        relay_address: The account whose refusals count.
        clock: Tells the time.
        most_blocks: Most blocks fetched, and most made final, in one step.
        at: Called at each named point between two steps, for tests that kill there.
    """

    database: Database
    chain: Chain
    deployment: Deployment
    finality: Finality
    sink: StatementSink
    relay_address: str
    clock: Clock = field(default_factory=SystemClock)
    most_blocks: int = 200
    at: Callable[[str], None] = nothing
    _nothing_new: tuple[bytes, Tip | None] | None = field(default=None, init=False)
    """Head and final block at which a step found nothing to do."""

    def step(self) -> int:
        """Follow the chain a stretch and let what became final take effect; give how many blocks moved.

        Raises:
            LedgerUnavailable: The node is away.
            FinalBlockUndone: A final block is no longer on the chain.
        """
        head = self.chain.head()
        seen = head.hash, self.finality.final(Tip(head.number, head.hash))
        if seen == self._nothing_new:
            return 0
        moved = self._follow(self._common_ancestor(), head) + self._finalise()
        self._nothing_new = None if moved else seen
        return moved

    def run(self, stop: threading.Event) -> None:
        """Step until told to stop; a node or database that is away is waited for with growing pauses."""
        loop("indexer", stop, self.step, self._say)

    def _say(self, fault: str) -> None:
        with self.database.write() as session:
            say(
                session,
                "indexer",
                now=self.clock.now(),
                node_reachable=not fault,
                head_block=session.scalar(select(func.max(ChainBlock.number))),
                final_block=_final_number(session),
                detail=fault,
            )

    def _common_ancestor(self) -> ChainBlock | None:
        """Find the newest stored block that is on the chain, and undo what was stored after it."""
        with self.database.read() as session:
            newest = session.scalar(select(ChainBlock).order_by(ChainBlock.number.desc()).limit(1))
            ancestor = newest
            while ancestor is not None and not self._is_on_chain(ancestor):
                ancestor = session.get(ChainBlock, ancestor.number - 1)
        if newest is not None and ancestor is not newest:
            self._undo_after(ancestor.number if ancestor is not None else -1)
        return ancestor

    def _is_on_chain(self, stored: ChainBlock) -> bool:
        block = self.chain.block(stored.number)
        return block is not None and block.hash == stored.hash

    def _undo_after(self, number: int) -> None:
        """Delete blocks and events after a number; where that undoes final ones, start over from what is left."""
        with self.database.write() as session:
            final = _final_number(session)
            undoes_final = final is not None and final > number
            if undoes_final and not self.finality.may_be_undone:
                raise FinalBlockUndone(number=number + 1)
            session.execute(delete(ChainEvent).where(ChainEvent.block_number > number))
            session.execute(delete(ChainBlock).where(ChainBlock.number > number))
            if undoes_final:
                self._start_over(session, number)
        _log.warning("indexer.undone", after=number, final=undoes_final)

    def _start_over(self, session: Session, number: int) -> None:
        """Rebuild the mirrors and let the relay send again; what took effect keeps its effect, without its place."""
        rebuild(session)
        session.execute(
            update(LedgerTransaction)
            .where(LedgerTransaction.block_number > number)
            .values(state=TransactionState.LIVE, block_number=None, succeeded=None)
        )
        session.execute(
            update(StatementRecord)
            .where(StatementRecord.block_number > number, StatementRecord.state == StatementState.RECORDED)
            .values(block_number=None, block_hash=None, transaction_hash=None)
        )

    def _follow(self, ancestor: ChainBlock | None, head: Block) -> int:
        """Fetch the next stretch of blocks with our contracts' events and store them; give how many."""
        first = ancestor.number + 1 if ancestor is not None else self.deployment.deployed_at_block
        last = min(head.number, first + self.most_blocks - 1)
        if last < first:
            return 0
        blocks = self.chain.blocks(range(first, last + 1))
        logs = self.chain.logs(first, last, list(self.deployment.addresses.values()))
        if not _is_linked(blocks, ancestor, last - first + 1):
            return 0
        hashes = {block.number: block.hash for block in blocks}
        if any(hashes.get(log.block_number) != log.block_hash for log in logs):
            # The chain was reorganised between two answers; the next step sees it whole.
            return 0
        self.at("indexer.fetched")
        with self.database.write() as session:
            if session.scalar(select(func.max(ChainBlock.number))) != (ancestor.number if ancestor else None):
                return 0
            session.add_all(
                ChainBlock(
                    number=block.number,
                    hash=block.hash,
                    parent_hash=block.parent_hash,
                    timestamp=datetime.fromtimestamp(block.timestamp, UTC),
                    is_final=False,
                )
                for block in blocks
            )
            session.flush()
            session.add_all(to_events(logs, self.deployment))
        self.at("indexer.stored")
        return len(blocks)

    def _finalise(self) -> int:
        """Let blocks that became final take effect, oldest first; give how many."""
        with self.database.read() as session:
            tip = session.scalar(select(ChainBlock).order_by(ChainBlock.number.desc()).limit(1))
            done = _final_number(session)
        final = self.finality.final(Tip(tip.number, tip.hash)) if tip is not None else None
        if final is None or (done is not None and final.number <= done):
            return 0
        receipts = self._settled(final.number)
        with self.database.write() as session:
            stored = session.get(ChainBlock, final.number)
            if stored is None or final.hash not in {None, stored.hash}:
                return 0
            blocks = session.scalars(
                select(ChainBlock)
                .where(ChainBlock.number <= final.number, ~ChainBlock.is_final)
                .order_by(ChainBlock.number)
                .limit(self.most_blocks)
            ).all()
            verdicts = Verdicts(self.sink, self.relay_address)
            for block in blocks:
                self._take_effect(session, block, verdicts)
            verdicts.settle(session, receipts)
            session.flush()
            self.at("indexer.effective")
        self.at("indexer.final")
        return len(blocks)

    def _take_effect(self, session: Session, block: ChainBlock, verdicts: Verdicts) -> None:
        block.is_final = True
        events = session.scalars(
            select(ChainEvent).where(ChainEvent.block_number == block.number).order_by(ChainEvent.log_index)
        ).all()
        for event in events:
            apply(session, event, block.timestamp)
            verdicts.hear(session, event, block)
        session.flush()

    def _settled(self, number: int) -> dict[int, tuple[int, bytes, bool]]:
        """Ask what became of the relay's live transactions: by row, block number and hash and whether it went well."""
        with self.database.read() as session:
            live = session.execute(
                select(LedgerTransaction.id, LedgerTransaction.hash).where(
                    LedgerTransaction.state == TransactionState.LIVE
                )
            ).all()
        found = {}
        for row, transaction_hash in live:
            receipt = self.chain.receipt(transaction_hash)
            if receipt is not None and receipt.block_number <= number:
                found[row] = (receipt.block_number, receipt.block_hash, receipt.succeeded)
        return found


def run(settings: Settings, stop: threading.Event, sink: StatementSink) -> None:
    """Run the indexer until told to stop.

    Args:
        settings: The installation.
        stop: Set when it shall end.
        sink: Hears of statements that were recorded or refused.
    """
    opened = await_ledger(settings, stop)
    if opened is None:
        return
    chain, deployment = opened
    database = Database(settings.database)
    address = relay_account(settings.data_dir).address
    Indexer(database, chain, deployment, finality_of(settings), sink, address).run(stop)
    database.dispose()


def _final_number(session: Session) -> int | None:
    return session.scalar(select(func.max(ChainBlock.number)).where(ChainBlock.is_final))


def _is_linked(blocks: list[Block], ancestor: ChainBlock | None, count: int) -> bool:
    """Tell whether blocks follow one another, and the ancestor, without a gap."""
    if len(blocks) != count:
        return False
    parents = [ancestor.hash if ancestor is not None else blocks[0].parent_hash] + [b.hash for b in blocks]
    return all(block.parent_hash == parent for block, parent in zip(blocks, parents, strict=False))
