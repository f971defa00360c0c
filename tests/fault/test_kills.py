"""Processes killed where it hurts: nothing is lost, nothing is doubled, whatever was half done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from kernel.database import Database
from ledger.chain.client import Chain
from ledger.chain.finality import DepthFinality
from ledger.chain.node import EmbeddedNode
from ledger.evidence.log import append_leaf
from ledger.mirrors import LedgerCheckpoint
from ledger.models import EvidenceLeaf, EvidenceLogHead, StatementRecord, StatementState, TransactionVersion
from tests.ledger.dying import dies, killer
from tests.ledger.recording.test_relay import assert_each_once, submissions, transactions
from tests.ledger.world import World, until

PRICE = 1_000_000_000


def own_process(world: World) -> tuple[Database, Chain]:
    """Give connections of its own to a process that was forked off."""
    database = Database(world.database.address, evidence=world.database.evidence)
    return database, Chain(world.chain.url)


@pytest.mark.parametrize("point", ["indexer.undoing", "indexer.undone"])
def test_an_indexer_killed_while_it_undoes(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World], point: str
) -> None:
    world = world_on(own_node.chain)
    world.finality = DepthFinality(8)
    names = submissions(world, 2)
    world.relay.step()
    until(lambda: world.chain.receipt(transactions(world)[-1].hash))
    own_node.chain.request("anvil_mine", "0x2")
    world.indexer.step()
    old = world.chain.head()
    own_node.chain.request("anvil_reorg", 3, [])
    until(lambda: world.chain.head().hash != old.hash)

    def index_and_die() -> None:
        database, chain = own_process(world)
        replace(world.indexer, database=database, chain=chain, at=killer(point)).step()

    assert dies(index_and_die)
    _drive_on(world, own_node)
    assert_each_once(world, names)


def _drive_on(world: World, node: EmbeddedNode) -> None:
    """Let relay and indexer go round on a chain that grows."""
    relay, indexer = world.relay, world.indexer

    def nothing_waits() -> bool:
        relay.step()
        node.chain.request("anvil_mine", "0x1")
        indexer.step()
        return world.count(StatementState.QUEUED) + world.count(StatementState.SENT) == 0

    until(nothing_waits, timeout_s=60)


def stuck(world: World, node: EmbeddedNode) -> list[bytes]:
    """Send statements for nothing to a node that mines no more, and then wants money."""
    node.chain.request("anvil_setBalance", world.account.address, hex(10**24))
    node.chain.request("evm_setAutomine", False)  # noqa: FBT003 - parameters of JSON-RPC have no names
    names = submissions(world, 2)
    world.relay.step()
    node.chain.request("anvil_setNextBlockBaseFeePerGas", hex(PRICE))
    return names


@pytest.mark.parametrize("point", ["", "relay.bumping", "relay.bumped", "relay.bump-sent"])
def test_a_stuck_transaction_is_offered_at_a_higher_price(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World], point: str
) -> None:
    world = world_on(own_node.chain)
    names = stuck(world, own_node)
    first = transactions(world)[-1]

    def offer_more(*, dying: bool) -> None:
        database, chain = own_process(world) if dying else (world.database, world.chain)
        relay = replace(world.relay, database=database, chain=chain, stuck_after=timedelta(0))
        replace(relay, at=killer(point) if dying else relay.at).step()

    if point:
        assert dies(lambda: offer_more(dying=True))
        assert transactions(world)[-1].nonce == first.nonce
    offer_more(dying=False)
    newest = transactions(world)[-1]
    assert (newest.nonce, newest.hash == first.hash) == (first.nonce, False)
    own_node.chain.request("evm_setAutomine", True)  # noqa: FBT003 - parameters of JSON-RPC have no names
    own_node.chain.request("anvil_mine", "0x1")
    world.drive()
    assert_each_once(world, names)
    with world.database.read() as session:
        versions = session.scalars(
            select(TransactionVersion)
            .where(TransactionVersion.transaction_id == newest.id)
            .order_by(TransactionVersion.id)
        ).all()
    prices = [version.gas_price for version in versions]
    assert prices == sorted(set(prices))
    assert all(above >= max(below * 9 // 8, PRICE) for below, above in pairwise(prices))
    assert transactions(world)[-1].hash in {version.hash for version in versions}


def test_an_older_version_that_is_mined_counts(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World]
) -> None:
    """The higher offer is signed and kept, but what was sent before is what the block holds."""
    world = world_on(own_node.chain)
    names = stuck(world, own_node)
    first = transactions(world)[-1]

    def sign_and_die() -> None:
        database, chain = own_process(world)
        relay = replace(world.relay, database=database, chain=chain, stuck_after=timedelta(0))
        replace(relay, at=killer("relay.bumped")).step()

    assert dies(sign_and_die)
    assert transactions(world)[-1].hash != first.hash
    own_node.chain.request("anvil_setNextBlockBaseFeePerGas", "0x0")
    own_node.chain.request("evm_setAutomine", True)  # noqa: FBT003 - parameters of JSON-RPC have no names
    own_node.chain.request("anvil_mine", "0x1")
    until(lambda: world.chain.receipt(first.hash))
    world.drive()
    assert_each_once(world, names)
    assert transactions(world)[-1].hash == first.hash
    assert len(transactions(world)) == 2


@pytest.mark.parametrize("point", ["checkpoint.sequenced", "checkpoint.signed", "checkpoint.committed"])
def test_a_keeper_killed_around_a_checkpoint(world: World, point: str) -> None:
    with world.database.write() as session:
        for _ in range(5):
            append_leaf(session, kind="test", subject=uuid4(), content_hash=bytes(32), now=world.clock.now())

    def keep_and_die() -> None:
        database, _ = own_process(world)
        replace(world.log, database=database, at=killer(point)).step()

    assert dies(keep_and_die)
    log = replace(world.log, interval=timedelta(0))
    with world.database.read() as session:
        leaves = session.scalar(select(func.count(EvidenceLeaf.id))) or 0

    def anchored() -> bool:
        log.step()
        world.relay.step()
        world.indexer.step()
        with world.database.read() as session:
            found = session.scalars(select(LedgerCheckpoint.size)).all()
        return bool(found) and max(found) >= leaves

    until(anchored)
    with world.database.read() as session:
        positions = session.scalars(
            select(EvidenceLeaf.position)
            .where(EvidenceLeaf.position.is_not(None))
            .order_by(EvidenceLeaf.position)
        ).all()
        sizes = session.scalars(select(LedgerCheckpoint.size)).all()
        head = session.scalars(select(EvidenceLogHead)).one()
        refused = session.scalar(select(StatementRecord).where(StatementRecord.state == "refused"))
    assert list(positions) == list(range(head.size))
    assert len(sizes) == len(set(sizes))
    assert refused is None
