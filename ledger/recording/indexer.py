"""The indexer: follows the chain by parent hash, undoes and redoes, and lets final blocks take effect.

Blocks and events of the contracts are stored as they come. Only when a block is final do its events fill
the mirror tables, and do statements become recorded or refused, in one transaction for each batch of
blocks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from kernel.clock import Clock, SystemClock
from kernel.database import Database
from kernel.settings import Settings
from ledger.chain.answers import Block
from ledger.chain.client import Chain
from ledger.chain.decoding import DecodedLog, decode_logs
from ledger.chain.deployment import Deployment
from ledger.chain.finality import Finality, Tip
from ledger.chain.incidents import ChainDiffers, FinalBlockUndone, NodeDisagrees
from ledger.chain.installation import await_ledger, finality_of, relay_account
from ledger.chain.reading import BlockReader
from ledger.models import (
    ChainBlock,
    ChainEvent,
    LedgerTransaction,
    StatementRecord,
    StatementState,
    TransactionState,
)
from ledger.points import nothing
from ledger.recording.effects import EffectSession, effects
from ledger.recording.looping import loop
from ledger.recording.projections import apply, rebuild
from ledger.recording.storing import store_blocks, store_events
from ledger.recording.transactions import Mined, live_versions
from ledger.recording.verdicts import StatementSink, Verdicts
from ledger.status import count_verdicts, say

PATIENCE = 6
"""How often a node that contradicts itself is asked again where a fork may be the reason."""
_log = structlog.get_logger()


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
        most_events: About how many events take effect in one transaction.
        computes_hashes: Whether hashes of blocks are computed from their headers, see `BlockReader`.
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
    most_events: int = 5_000
    computes_hashes: bool = True
    at: Callable[[str], None] = nothing
    _nothing_new: tuple[bytes, Tip | None] | None = field(default=None, init=False)
    """Head and final block at which a step found nothing to do."""
    _fresh: dict[bytes, list[DecodedLog]] = field(default_factory=dict, init=False)
    """Events of the blocks stored last, by the block's hash, so that they are decoded only once."""

    def __post_init__(self) -> None:
        """Make the reader."""
        self._reader = BlockReader(
            self.chain,
            list(self.deployment.addresses.values()),
            computes_hashes=self.computes_hashes,
            most_blocks=self.most_blocks,
        )

    def step(self) -> int:
        """Follow the chain a stretch and let what became final take effect; give how many blocks moved.

        Raises:
            LedgerUnavailable: The node is away.
            NodeDisagrees: What the node says does not fit together; nothing of it was believed.
            ChainDiffers: The node serves another chain.
            FinalBlockUndone: A final block is no longer on the chain.
        """
        chain_id, head = self.chain.identity()
        if chain_id != self.deployment.chain_id:
            raise ChainDiffers(expected=self.deployment.chain_id, given=chain_id)
        seen = head.hash, self.finality.final(Tip(head.number, head.hash))
        if seen == self._nothing_new:
            return 0
        self.at("indexer.looked")
        moved = self._follow(self._common_ancestor(head), head) + self._finalise()
        self._nothing_new = None if moved else seen
        return moved

    def run(self, stop: threading.Event) -> None:
        """Step until told to stop; a node or database that is away is waited for with growing pauses.

        Raises:
            LedgerIncident: The node cannot be believed. Where blocks may be replaced, only after some tries.
        """
        loop(
            "indexer",
            stop,
            self.step,
            self._say,
            alarm=lambda fault: self._say(fault, incident=True),
            patience=PATIENCE if self.finality.forks else 0,
        )

    def _say(self, fault: str, *, incident: bool = False) -> None:
        with self.database.write() as session:
            say(
                session,
                "indexer",
                now=self.clock.now(),
                node_reachable=not fault,
                head_block=session.scalar(select(func.max(ChainBlock.number))),
                final_block=_final_number(session),
                detail=fault,
                incident=incident,
            )

    def _common_ancestor(self, head: Block) -> ChainBlock | None:
        """Find the newest stored block that is on the chain, and undo what was stored after it."""
        with self.database.read() as session:
            final = _final_number(session)
            if final is not None and head.number < final and not self.finality.may_be_undone:
                raise FinalBlockUndone(number=head.number + 1)
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
            self.at("indexer.undoing")
        self.at("indexer.undone")
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
        if head.number < first:
            return 0
        blocks = self._reader.stretch(first, head.number)
        if not blocks:
            return 0
        if ancestor is not None and blocks[0].header.parent_hash != ancestor.hash:
            raise NodeDisagrees(what=f"block {first} does not follow the one before")
        events = decode_logs([log for block in blocks for log in block.logs], self.deployment)
        self.at("indexer.fetched")
        with self.database.write() as session:
            if session.scalar(select(func.max(ChainBlock.number))) != (ancestor.number if ancestor else None):
                return 0
            store_blocks(session, (block.header for block in blocks))
            self.at("indexer.storing")
            store_events(session, events)
        self.at("indexer.stored")
        self._fresh = {block.header.hash: [] for block in blocks}
        for event in events:
            self._fresh[event.block_hash].append(event)
        return len(blocks)

    def _finalise(self) -> int:
        """Let blocks that became final take effect, oldest first; give how many."""
        with self.database.read() as session:
            tip = session.scalar(select(ChainBlock).order_by(ChainBlock.number.desc()).limit(1))
            done = _final_number(session)
            final = self.finality.final(Tip(tip.number, tip.hash)) if tip is not None else None
            if final is None or (done is not None and final.number <= done):
                return 0
            stored = session.get(ChainBlock, final.number)
            if stored is None or final.hash not in {None, stored.hash}:
                return 0
            due = self._due(session, final.number)
        mined = self._mined(due)
        self.at("indexer.settled")
        with effects(self.database) as session:
            blocks = session.scalars(
                select(ChainBlock)
                .where(ChainBlock.number.in_([block.number for block in due]), ~ChainBlock.is_final)
                .order_by(ChainBlock.number)
                .with_for_update()
            ).all()
            if [block.hash for block in blocks] != [block.hash for block in due]:
                return 0
            self._take_effect(session, blocks, mined)
            self.at("indexer.effective")
        self.at("indexer.final")
        return len(blocks)

    def _due(self, session: Session, last: int) -> Sequence[ChainBlock]:
        """Give the oldest blocks up to a last one that are not final yet, with not too many events in all."""
        blocks = session.scalars(
            select(ChainBlock)
            .where(ChainBlock.number <= last, ~ChainBlock.is_final)
            .order_by(ChainBlock.number)
            .limit(self.most_blocks)
        ).all()
        numbers = [block.number for block in blocks if block.hash not in self._fresh]
        counts = {block.number: len(self._fresh.get(block.hash, ())) for block in blocks}
        if numbers:
            counted = session.execute(
                select(ChainEvent.block_number, func.count(ChainEvent.id))
                .where(ChainEvent.block_number.between(numbers[0], numbers[-1]))
                .group_by(ChainEvent.block_number)
            )
            counts |= {row[0]: row[1] for row in counted}
        events = 0
        for place, block in enumerate(blocks):
            events += counts[block.number]
            if events > self.most_events and place:
                return blocks[:place]
        return blocks

    def _take_effect(
        self, session: EffectSession, blocks: Sequence[ChainBlock], mined: Mapping[int, Mined]
    ) -> None:
        events = self._events(session, blocks)
        session.prefetch([event for block in blocks for event in events[block.number]])
        for row, found in mined.items():
            # Verdicts look for the version that was mined.
            transaction = session.get_one(LedgerTransaction, row)
            transaction.hash, transaction.raw = found.hash, found.raw
        verdicts = Verdicts(self.sink, self.relay_address)
        for block in blocks:
            block.is_final = True
        session.flush()
        for block in blocks:
            for event in events[block.number]:
                apply(session.rows, event, block.timestamp)
                verdicts.hear(session, event, block)
        verdicts.settle(
            session, {row: (found.number, found.block_hash, found.succeeded) for row, found in mined.items()}
        )
        session.flush()
        count_verdicts(session, session.judged(), self.clock.now())

    def _events(self, session: Session, blocks: Sequence[ChainBlock]) -> dict[int, list[ChainEvent]]:
        """Give the events of blocks by number: those just decoded, the others as they are stored."""
        # What was just decoded has the fields of a row and is as good to read.
        events = {block.number: cast("list[ChainEvent]", self._fresh.get(block.hash, [])) for block in blocks}
        stored = [block.number for block in blocks if block.hash not in self._fresh]
        if stored:
            for event in session.scalars(
                select(ChainEvent)
                .where(ChainEvent.block_number.in_(stored))
                .order_by(ChainEvent.block_number, ChainEvent.log_index)
            ):
                events[event.block_number].append(event)
        return events

    def _mined(self, due: Sequence[ChainBlock]) -> dict[int, Mined]:
        """Tell which of the relay's live transactions stand in blocks, in which version, by row.

        The node only says where to look: the block's receipts say whether it went well.
        """
        with self.database.read() as session:
            versions = live_versions(session)
            last = due[-1].number
            known = {name: self._reader.recent(name) for _, name, _ in versions}
            hashes = _hashes(session, {place[0] for place in known.values() if place is not None})
        # What was read in a block that a fork replaced says nothing.
        places = {
            name: place[0] for name, place in known.items() if place and hashes.get(place[0]) == place[1]
        }
        unread = [name for _, name, _ in versions if name not in places]
        for name, receipt in zip(unread, self.chain.receipts(unread), strict=True):
            if receipt is not None:
                places[name] = receipt.block_number
        with self.database.read() as session:
            hashes = _hashes(session, {number for number in places.values() if number <= last})
        found: dict[int, Mined] = {}
        for row, name, raw in versions:
            number = places.get(name)
            if number is None or number not in hashes:
                continue
            succeeded = self._reader.outcome(number, hashes[number], name)
            if succeeded is None:
                raise NodeDisagrees(what=f"transaction 0x{name.hex()} is not in block {number}")
            found[row] = Mined(name, raw, number, hashes[number], succeeded=succeeded)
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
    indexer = Indexer(
        database,
        chain,
        deployment,
        finality_of(settings),
        sink,
        address,
        computes_hashes=settings.node_header_hash == "ethereum",
    )
    try:
        indexer.run(stop)
    finally:
        database.dispose()


def _final_number(session: Session) -> int | None:
    return session.scalar(select(func.max(ChainBlock.number)).where(ChainBlock.is_final))


def _hashes(session: Session, numbers: set[int]) -> dict[int, bytes]:
    rows = session.execute(select(ChainBlock.number, ChainBlock.hash).where(ChainBlock.number.in_(numbers)))
    return {row.number: row.hash for row in rows}
