"""How much goes to the node and how fast: leases, prices, back-pressure, stretches of blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import orjson
import pytest
from eth_account import Account
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from kernel.clock import ManualClock
from kernel.database import Database
from ledger.chain.client import Chain, NodeRefused, sign_transaction
from ledger.chain.incidents import NodeDisagrees
from ledger.chain.node import EmbeddedNode
from ledger.chain.reading import BlockReader
from ledger.evidence.log import leaf_values
from ledger.mirrors import LedgerCertificate
from ledger.models import (
    ChainEvent,
    EvidenceLeaf,
    LedgerLoad,
    LedgerStatus,
    RelayLease,
    StatementRecord,
    TransactionVersion,
)
from ledger.outbox import LedgerBusy
from ledger.proofs.lines import LineTree
from ledger.recording.effects import effects
from ledger.recording.leases import LEASE, Lease
from ledger.recording.looping import loop
from ledger.recording.relay import FeeAboveCeiling
from ledger.recording.transactions import raised_price, signed_again
from ledger.status import KEPT_DAYS, count_verdicts, say
from tests.fault.paper import PaperBlock, PaperNode, event, mine, paper_deployment
from tests.ledger.recording.test_relay import assert_each_once, submissions, transactions
from tests.ledger.world import World

DEPLOYMENT = paper_deployment()


def test_one_relay_at_a_time_holds_an_account(database: Database, clock: ManualClock) -> None:
    first, second = Lease(database, "0xaa", clock), Lease(database, "0xaa", clock)
    other = Lease(database, "0xbb", clock)
    assert [first.hold(), second.hold(), other.hold(), first.hold()] == [True, False, True, True]
    clock.advance(LEASE * 0.7)
    assert first.hold()
    clock.advance(LEASE * 0.7)
    assert not second.hold()
    clock.advance(LEASE)
    assert second.hold()
    assert not first.hold()
    second.release()
    assert first.hold()
    with database.read() as session:
        assert len(session.scalars(select(RelayLease)).all()) == 2


def test_a_second_relay_waits_and_takes_over(sqlite_world: World, clock: ManualClock) -> None:
    world = sqlite_world
    names = submissions(world, 2)

    def lease() -> Lease:
        return Lease(world.database, world.account.address, clock)

    first, second = (replace(world.relay, lease=lease(), most_statements=1) for _ in range(2))
    assert (first.step(), second.step(), first.step()) == (1, 0, 1)
    clock.advance(LEASE * 2)
    late = submissions(world, 1)
    assert second.step() == 1
    world.drive()
    assert_each_once(world, names + late)
    assert len({row.nonce for row in transactions(world)}) == len(transactions(world))


def test_a_lease_that_ran_out_meanwhile_binds_nothing(sqlite_world: World, clock: ManualClock) -> None:
    """The relay slept between looking and binding; another one holds the account now."""
    world = sqlite_world
    [name] = submissions(world, 1)
    taken = Lease(world.database, world.account.address, clock)

    def sleep(point: str) -> None:
        if point == "relay.looked":
            clock.advance(LEASE * 2)
            assert taken.hold()

    own = Lease(world.database, world.account.address, clock)
    before = len(transactions(world))
    assert replace(world.relay, lease=own, at=sleep).step() == 0
    assert world.record(name).state == "queued"
    assert len(transactions(world)) == before


def test_nothing_is_sent_above_the_ceiling(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World]
) -> None:
    world = world_on(own_node.chain)
    own_node.chain.request("anvil_setBalance", world.account.address, hex(10**24))
    own_node.chain.request("anvil_setNextBlockBaseFeePerGas", hex(10**9))
    own_node.chain.request("anvil_mine", "0x1")
    names = submissions(world, 1)
    asked = own_node.chain.gas_price()
    assert asked > 10**8
    relay = replace(world.relay, most_gas_price=asked // 2)
    with pytest.raises(FeeAboveCeiling) as caught:
        relay.step()
    assert (caught.value.asked, caught.value.most) == (asked, asked // 2)
    assert world.record(names[0]).state == "queued"
    own_node.chain.request("evm_setAutomine", False)  # noqa: FBT003 - parameters of JSON-RPC have no names
    assert world.relay.step() == 1
    price = _prices(world)[-1]
    replace(world.relay, stuck_after=timedelta(0), most_gas_price=price).step()
    assert _prices(world)[-1] == price
    own_node.chain.request("evm_setAutomine", True)  # noqa: FBT003 - parameters of JSON-RPC have no names
    own_node.chain.request("anvil_mine", "0x1")
    world.drive()
    assert_each_once(world, names)


def _prices(world: World) -> list[int]:
    with world.database.read() as session:
        return list(session.scalars(select(TransactionVersion.gas_price).order_by(TransactionVersion.id)))


def test_without_fees_nothing_is_offered_more(sqlite_world: World) -> None:
    world = sqlite_world
    world.chain.request("evm_setAutomine", False)  # noqa: FBT003 - parameters of JSON-RPC have no names
    try:
        names = submissions(world, 1)
        world.relay.step()
        replace(world.relay, stuck_after=timedelta(0)).step()
        assert set(_prices(world)) == {0}
    finally:
        world.chain.request("evm_setAutomine", True)  # noqa: FBT003 - parameters of JSON-RPC have no names
        world.chain.request("anvil_mine", "0x1")
    world.drive()
    assert_each_once(world, names)


@pytest.mark.parametrize(
    ("price", "asked", "raised"), [(0, 0, 0), (0, 7, 7), (8, 0, 9), (9, 5, 11), (9, 50, 50)]
)
def test_prices_are_raised_by_an_eighth(price: int, asked: int, raised: int) -> None:
    assert raised_price(price, asked) == raised


def test_a_version_differs_in_price_alone() -> None:
    account = Account.create()
    to = Account.create().address
    first = sign_transaction(account, chain_id=7, nonce=300, gas=90_000, gas_price=0, to=to, data=b"\x01\x00")
    again = sign_transaction(account, chain_id=7, nonce=300, gas=90_000, gas_price=5, to=to, data=b"\x01\x00")
    assert signed_again(account, first.raw, chain_id=7, gas_price=5) == again


def test_above_a_number_what_can_wait_comes_back_later(sqlite_world: World) -> None:
    world = sqlite_world
    relay = replace(world.relay, most_waiting=2)
    submissions(world, 1)
    relay.say("")
    submissions(world, 1)
    relay.say("")
    with pytest.raises(LedgerBusy) as caught:
        submissions(world, 1)
    assert (caught.value.waiting, caught.value.kind) == (2, "unavailable")
    assert 5 <= caught.value.retry_after_s <= 600
    assert str(caught.value.retry_after_s) in caught.value.advice().zh
    world.enqueue(world.passage(uuid4(), 1), "gate")
    world.drive()
    relay.say("")
    assert submissions(world, 1)


def test_load_is_written_down_by_the_minute(database: Database, clock: ManualClock) -> None:
    with database.write() as session:
        session.add(LedgerLoad(minute=clock.now() - timedelta(days=KEPT_DAYS + 1), waiting=9, recorded=9))
    with database.write() as session:
        said = say(session, "relay", now=clock.now(), node_reachable=True)
        assert (said.waiting, said.estimate_s) == (0, 0)
        count_verdicts(session, 30, clock.now())
    clock.advance(timedelta(seconds=90))
    with database.write() as session:
        count_verdicts(session, 0, clock.now())
        count_verdicts(session, 6, clock.now())
        say(session, "indexer", now=clock.now(), node_reachable=True, incident=True)
    with database.read() as session:
        loads = session.scalars(select(LedgerLoad).order_by(LedgerLoad.minute)).all()
        assert [(load.recorded, load.waiting) for load in loads] == [(30, 0), (6, 0)]
        assert session.get_one(LedgerStatus, "indexer").incident_at == clock.now()


def test_the_estimate_goes_by_what_was_recorded_lately(sqlite_world: World) -> None:
    world = sqlite_world
    submissions(world, 3)
    with world.database.write() as session:
        for load in session.scalars(select(LedgerLoad)):
            session.delete(load)
    world.relay.say("")
    with world.database.write() as session:
        assert session.get_one(LedgerStatus, "relay").estimate_s is None
        count_verdicts(session, 10, world.clock.now())
    world.relay.say("")
    with world.database.read() as session:
        said = session.get_one(LedgerStatus, "relay")
        assert said.waiting == 3
        assert said.estimate_s is not None
        assert 1 <= said.estimate_s <= 60


def _line(count: int) -> PaperBlock:
    head = mine(None)
    for place in range(count):
        certificate = place.to_bytes(32, "big")
        changed = event(
            DEPLOYMENT, "MaterialCertificates", "LineReserved", certificate=certificate, reserved=1
        )
        head = mine(head, [[changed]])
    return head


class _Modest:
    """A node that gives so many answers at a time and no more."""

    def __init__(self, node: PaperNode, most: int) -> None:
        self.node, self.most = node, most
        self.sizes: list[int] = []

    def __call__(self, body: bytes) -> bytes:
        asked = orjson.loads(body)
        self.sizes.append(len(asked))
        if len(asked) > self.most:
            error = {"code": -32005, "message": "query returned too many results"}
            return orjson.dumps({"jsonrpc": "2.0", "id": None, "error": error})
        return self.node(body)


def test_less_is_asked_of_a_node_that_gives_less() -> None:
    node = _Modest(PaperNode(_line(60)), 12)
    reader = BlockReader(Chain("paper", transport=node), list(DEPLOYMENT.addresses.values()))
    found, refused = 0, 0
    while found <= 60:
        try:
            blocks = reader.stretch(found, 60)
        except NodeRefused:
            refused += 1
            continue
        assert [block.header.number for block in blocks] == list(range(found, found + len(blocks)))
        found += len(blocks)
    assert refused >= 2
    assert max(node.sizes) <= 64


def test_more_is_asked_of_a_node_that_is_quick() -> None:
    node = _Modest(PaperNode(_line(120)), 1000)
    reader = BlockReader(Chain("paper", transport=node), list(DEPLOYMENT.addresses.values()))
    first = reader.stretch(0, 120)
    second = reader.stretch(len(first), 120)
    assert len(first) < len(second)
    assert sum(len(block.logs) for block in [*first, *second]) == len(first) + len(second) - 1


def test_a_stretch_is_bounded_by_gas() -> None:
    """So that memory stays flat, however full the blocks are."""
    node = PaperNode(_line(30))
    reader = BlockReader(Chain("paper", transport=node), list(DEPLOYMENT.addresses.values()))
    reader._gas = 5 * 50_000
    assert len(reader.stretch(1, 30)) == 5


def test_what_takes_effect_is_seen_by_whoever_asks(world: World) -> None:
    """Mirrors, verdicts and leaves are written late, but before any question in the same session."""
    certificate = uuid4()
    name = certificate.bytes + bytes(16)
    statement = world.take(world.submission(certificate, LineTree(certificate, [(1, "KGM", 1)])), "broker")
    with world.database.read() as session:
        events = session.scalars(select(ChainEvent).order_by(ChainEvent.id)).all()
    leaf = leaf_values(kind="test", subject=uuid4(), content_hash=bytes(32), now=world.clock.now())
    with effects(world.database) as session:
        session.prefetch(events)
        assert session.judged() == 0
        held = session.get_one(LedgerCertificate, name)
        session.rows.change(LedgerCertificate, name).state = "revoked"
        values = dict(vars(session.rows.change(LedgerCertificate, name)))
        session.rows.put(LedgerCertificate, **{**values, "certificate": b"\2" * 32, "state": "active"})
        record = session.scalars(
            select(StatementRecord).where(StatementRecord.digest == statement.digest)
        ).one()
        session.settle(record, log_index=77)
        session.add_leaf(leaf)
        assert set(session.execute(select(LedgerCertificate.state)).scalars()) == {"revoked", "active"}
        assert held.state == "revoked"
        assert session.scalar(select(StatementRecord.log_index).where(StatementRecord.id == record.id)) == 77
        assert (
            session.scalar(select(EvidenceLeaf.kind).where(EvidenceLeaf.subject == leaf["subject"])) == "test"
        )
        session.rows.remove(LedgerCertificate, name)
        assert session.rows.get(LedgerCertificate, name) is None
        assert session.get(LedgerCertificate, name) is None
        with pytest.raises(NoResultFound):
            session.rows.change(LedgerCertificate, b"\1" * 32)
        session.rows.change(LedgerCertificate, b"\2" * 32).version = 7
    with world.database.read() as session:
        assert [row.version for row in session.scalars(select(LedgerCertificate))] == [7]
        assert session.get_one(StatementRecord, record.id).log_index == 77


def test_the_loop_asks_again_before_it_gives_up() -> None:
    tries: list[int] = []
    alarms: list[str] = []

    def step() -> int:
        tries.append(1)
        raise NodeDisagrees(what="a test")

    with pytest.raises(NodeDisagrees):
        loop("test", _never(), step, lambda _: None, alarm=alarms.append, patience=2)
    assert len(tries) == 3
    assert len(alarms) == 1


def _never() -> threading.Event:
    class Impatient(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            del timeout
            return False

    return Impatient()
