"""The relay: carries signed statements to the contracts. It pays; it has no say.

Order of things, so that it can be killed anywhere: statements are bound to a signed transaction and both
    are committed, only then is the transaction sent. Whatever of ours the node does not know is sent again,
    the very same bytes; since a number (nonce) is used once, nothing can be mined twice, and what a
    contract has recorded it refuses.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from eth_account.signers.local import LocalAccount
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from kernel.clock import Clock, SystemClock
from kernel.database import Database
from kernel.errors import Kind, PisteError, Text
from kernel.settings import Settings
from ledger.chain.calls import (
    DIVIDED_AMONG,
    MOST_TRANSACTION_GAS,
    InboxCall,
    call_of,
    inbox_data,
    room_of,
    transaction_gas,
)
from ledger.chain.client import Chain, NodeRefused, Sending, sign_transaction
from ledger.chain.deployment import Deployment
from ledger.chain.installation import await_ledger, log_signer, relay_account
from ledger.evidence.log import EvidenceLogKeeper
from ledger.models import (
    LedgerTransaction,
    QueuePlace,
    StatementRecord,
    StatementState,
    TransactionState,
    TransactionVersion,
)
from ledger.outbox import signatures_of_all
from ledger.points import nothing
from ledger.recording.leases import Lease
from ledger.recording.looping import loop
from ledger.recording.transactions import raised_price, signed_again, versions_of
from ledger.status import say

PATIENCE = 6
"""How often a node that contradicts itself is asked again before the relay stops."""
LOOK_EVERY_S = 1.0
"""How often an idle relay asks the node at all: whether it answers, and whether it lost anything."""
_log = structlog.get_logger()
_COUNT_LIVE = select(func.count(LedgerTransaction.id)).where(LedgerTransaction.state == TransactionState.LIVE)
_ANY_QUEUED = select(StatementRecord.id).where(StatementRecord.state == StatementState.QUEUED).limit(1)


class FeeAboveCeiling(PisteError):
    """The node asks for more than the installation pays."""

    code = "ledger.fee-above-ceiling"
    kind = Kind.UNAVAILABLE
    message = Text(
        "The node asks {asked} wei for a unit of gas; at most {most} are paid.",
        "节点要求的燃料单价为{asked} wei，上限为{most} wei。",
    )
    next_step = Text(
        "Nothing is lost: statements wait until the price falls. The operator may raise PISTE_MOST_GAS_PRICE_WEI.",
        "数据不会丢失：声明将等待价格回落。运维可提高PISTE_MOST_GAS_PRICE_WEI。",
    )
    asked: int
    most: int


@dataclass
class Relay:
    """Sends what waits, and sends again what the node has lost.

    Args:
        database: Where statements wait.
        chain: The node.
        account: Whoever pays; one relay at a time for one account.
        deployment: Where the contracts stand.
        clock: Tells the time.
        most_statements: Most statements in one transaction.
        most_live: Most transactions that are not final yet.
        most_gas_price: The most that is paid for a unit of gas, wei.
        stuck_after: When a transaction that is in no block is offered at a higher price.
        most_waiting: Above how many waiting statements others are asked to come back later.
        lease: Keeps other relays off the account; None where it is known that there is none.
        at: Called at each named point between two steps, for tests that kill there.
    """

    database: Database
    chain: Chain
    account: LocalAccount
    deployment: Deployment
    clock: Clock = field(default_factory=SystemClock)
    most_statements: int = 40
    most_live: int = 8
    most_gas_price: int = 100 * 10**9
    stuck_after: timedelta = timedelta(seconds=30)
    most_waiting: int | None = None
    lease: Lease | None = None
    at: Callable[[str], None] = nothing
    _looked: float = field(default=float("-inf"), init=False)

    def step(self) -> int:
        """Send again what was lost, then send what waits; give how many statements went out for the first time.

        Raises:
            LedgerUnavailable: The node is away. Nothing is lost, the next step goes on.
            FeeAboveCeiling: The node asks for more than is paid.
        """
        if self.lease is not None and not self.lease.hold():
            return 0
        with self.database.read() as session:
            live = session.scalar(_COUNT_LIVE) or 0
            due = session.scalar(_ANY_QUEUED) is not None and session.scalar(_ready().limit(1)) is not None
        looks = time.monotonic() - self._looked >= LOOK_EVERY_S
        due = due and live < self.most_live
        if not due and not looks:
            return 0
        count = self.chain.nonce(self.account.address)
        if looks or live <= 1:
            self._send_again(count)
            self._looked = time.monotonic()
        if not due:
            return 0
        gas_price = self.chain.gas_price()
        if gas_price > self.most_gas_price:
            raise FeeAboveCeiling(asked=gas_price, most=self.most_gas_price)
        self.at("relay.looked")
        with self.database.write() as session:
            held = self.lease is None or self.lease.confirm(session)
            sent = self._bind(session, count, gas_price) if held else None
            self.at("relay.bound")
        self.at("relay.committed")
        if sent is None:
            return 0
        transaction, statements = sent
        self.chain.send_raw(transaction)
        self.at("relay.sent")
        _log.info("relay.sent", statements=statements)
        return statements

    def run(self, stop: threading.Event) -> None:
        """Step until told to stop; a node or database that is away is waited for with growing pauses."""
        loop("relay", stop, self.step, self.say, patience=PATIENCE)

    def say(self, fault: str) -> None:
        """Write the status row: whether the node answers, how much waits and since when."""
        with self.database.write() as session:
            say(
                session,
                "relay",
                now=self.clock.now(),
                node_reachable=not fault,
                detail=fault,
                most_waiting=self.most_waiting,
            )

    def _send_again(self, count: int) -> None:
        """Hand the node every transaction of ours that it should hold but does not know; offer more for the stuck.

        Args:
            count: How many transactions of the account the chain holds. Whatever has a higher number is not
                in it,
                even where it was thought final: a node that lost its newest state gets it again.
        """
        with self.database.read() as session:
            ours = session.scalars(
                select(LedgerTransaction)
                .where(
                    LedgerTransaction.sender == self.account.address,
                    or_(LedgerTransaction.nonce >= count, LedgerTransaction.state == TransactionState.LIVE),
                )
                .order_by(LedgerTransaction.nonce)
            ).all()
            versions = versions_of(session, ours)
        names = {
            one.id: list({one.hash: None, **{version.hash: None for version in versions[one.id]}})
            for one in ours
        }
        unknown = self.chain.unknown([name for of_one in names.values() for name in of_one])
        for transaction in ours:
            if not unknown.issuperset(names[transaction.id]):
                if transaction.nonce >= count:
                    self._offer_more(transaction, versions[transaction.id])
                continue
            self.at("relay.resending")
            said = self.chain.send_raw(transaction.raw)
            if said is Sending.NONCE_USED and not any(self.chain.receipts(names[transaction.id])):
                self._give_up(transaction)
            else:
                _log.info("relay.resent", nonce=transaction.nonce)

    def _offer_more(self, transaction: LedgerTransaction, versions: Sequence[TransactionVersion]) -> None:
        """Sign a stuck transaction at a higher price; every version is kept and looked for."""
        now = self.clock.now()
        if not versions or now - versions[-1].created_at < self.stuck_after:
            return
        price = raised_price(versions[-1].gas_price, self.chain.gas_price())
        if not price or price > self.most_gas_price:
            _log.warning("relay.stuck", nonce=transaction.nonce, price=price, most=self.most_gas_price)
            return
        signed = signed_again(
            self.account, transaction.raw, chain_id=self.deployment.chain_id, gas_price=price
        )
        self.at("relay.bumping")
        with self.database.write() as session:
            row = session.get_one(LedgerTransaction, transaction.id, with_for_update=True)
            held = self.lease is None or self.lease.confirm(session)
            if not held or row.hash != transaction.hash or row.state != TransactionState.LIVE:
                return
            row.hash, row.raw = signed.hash, signed.raw
            session.add(_version(row, price, now))
        self.at("relay.bumped")
        try:
            self.chain.send_raw(signed.raw)
        except NodeRefused as refused:
            # The version before may still be mined; at the next look more is offered.
            _log.warning("relay.bump-refused", nonce=transaction.nonce, detail=refused.detail)
            return
        self.at("relay.bump-sent")
        _log.info("relay.offered-more", nonce=transaction.nonce, price=price)

    def _give_up(self, transaction: LedgerTransaction) -> None:
        """Free the statements of a transaction whose number another one has taken."""
        if self.chain.nonce(self.account.address) <= transaction.nonce:
            return
        _log.error("relay.nonce-taken", nonce=transaction.nonce)
        with self.database.write() as session:
            session.get_one(LedgerTransaction, transaction.id).state = TransactionState.VOID
            for record in session.scalars(
                select(StatementRecord).where(
                    StatementRecord.transaction_id == transaction.id,
                    StatementRecord.state == StatementState.SENT,
                )
            ):
                record.state, record.transaction_id = StatementState.QUEUED, None

    def _bind(self, session: Session, count: int, gas_price: int) -> tuple[bytes, int] | None:
        """Choose what goes next and bind it to a signed transaction; give its bytes and how many statements."""
        chosen: list[tuple[StatementRecord, InboxCall]] = []
        room, largest = transaction_gas([]), 0
        records = session.scalars(
            _ready().limit(self.most_statements).with_for_update(of=StatementRecord, skip_locked=True)
        ).all()
        signatures = signatures_of_all(session, records)
        for record in records:
            call = call_of(
                record.statement(),
                signatures[record.id],
                record.arguments,
                self.deployment,
                attempts=record.attempts,
            )
            largest = max(largest, call.gas)
            room += room_of(call)
            if chosen and room + largest // DIVIDED_AMONG > MOST_TRANSACTION_GAS:
                break
            chosen.append((record, call))
        if not chosen:
            return None
        last = session.scalar(
            select(func.max(LedgerTransaction.nonce)).where(LedgerTransaction.sender == self.account.address)
        )
        nonce = count if last is None else max(count, last + 1)
        calls = [call for _, call in chosen]
        gas = transaction_gas(calls)
        signed = sign_transaction(
            self.account,
            chain_id=self.deployment.chain_id,
            nonce=nonce,
            gas=gas,
            gas_price=gas_price,
            to=self.deployment.address("Inbox"),
            data=inbox_data(calls),
        )
        now = self.clock.now()
        transaction = LedgerTransaction(
            sender=self.account.address,
            nonce=nonce,
            hash=signed.hash,
            raw=signed.raw,
            gas=gas,
            state=TransactionState.LIVE,
            created_at=now,
        )
        session.add(transaction)
        session.flush()
        session.add(_version(transaction, gas_price, now))
        for record, _ in chosen:
            record.state, record.sent_at, record.transaction_id = StatementState.SENT, now, transaction.id
        return signed.raw, len(chosen)


def run(settings: Settings, stop: threading.Event) -> None:
    """Run the relay and the keeper of the evidence log until told to stop."""
    opened = await_ledger(settings, stop)
    if opened is None:
        return
    chain, deployment = opened
    database = Database(settings.database, evidence=settings.evidence)
    account = relay_account(settings.data_dir)
    lease = Lease(database, account.address)
    relay = Relay(
        database,
        chain,
        account,
        deployment,
        most_gas_price=settings.most_gas_price_wei,
        most_waiting=settings.most_waiting,
        lease=lease,
    )
    log = EvidenceLogKeeper(
        database,
        deployment,
        log_signer(settings.data_dir),
        interval=timedelta(seconds=settings.checkpoint_interval_s),
    )
    try:
        # The log first: it needs no node, and its checkpoints wait in the queue like everything else.
        loop("relay", stop, lambda: log.step() + relay.step(), relay.say, patience=PATIENCE)
        lease.release()
    finally:
        database.dispose()


def _ready() -> Select[StatementRecord]:
    """Select what may go next, oldest first: of each case the first statement, and none while one is on its way."""
    earlier, place = aliased(StatementRecord), aliased(QueuePlace)
    before = (
        select(earlier.id)
        .join(place, place.statement_id == earlier.id)
        .where(
            earlier.case_kind == StatementRecord.case_kind,
            earlier.case_id == StatementRecord.case_id,
            or_(
                earlier.state == StatementState.SENT,
                and_(earlier.state == StatementState.QUEUED, place.position < QueuePlace.position),
            ),
        )
    )
    return (
        select(StatementRecord)
        .join(QueuePlace, QueuePlace.statement_id == StatementRecord.id)
        .where(StatementRecord.state == StatementState.QUEUED, ~before.exists())
        .order_by(QueuePlace.position)
    )


def _version(transaction: LedgerTransaction, gas_price: int, now: datetime) -> TransactionVersion:
    return TransactionVersion(
        transaction_id=transaction.id,
        hash=transaction.hash,
        raw=transaction.raw,
        gas_price=gas_price,
        created_at=now,
    )
