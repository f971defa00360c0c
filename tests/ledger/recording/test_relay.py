"""The relay: in order, in batches, never twice, whatever dies or goes away."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from eth_account import Account
from sqlalchemy import select, update

from kernel.database import Database
from ledger.chain.calls import MOST_TRANSACTION_GAS, StatementTooLarge
from ledger.chain.client import Chain, LedgerUnavailable, sign_transaction
from ledger.chain.finality import EmbeddedFinality
from ledger.chain.node import EmbeddedNode
from ledger.models import (
    ChainBlock,
    ChainEvent,
    LedgerStatus,
    LedgerTransaction,
    StatementRecord,
    StatementState,
    TransactionState,
)
from ledger.proofs.lines import LineTree
from ledger.recording.effects import effects
from ledger.recording.verdicts import Verdicts
from ledger.statements import CheckNoteVoiding, Evidence, NoteItem, id_bytes
from tests.ledger.dying import dies, killer
from tests.ledger.world import World, proofs_of, until

POINTS = ("relay.looked", "relay.bound", "relay.committed", "relay.sent")
INDEXER_POINTS = (
    "indexer.looked",
    "indexer.fetched",
    "indexer.storing",
    "indexer.stored",
    "indexer.settled",
    "indexer.effective",
    "indexer.final",
)


def submissions(world: World, count: int, *, case_id: UUID | None = None) -> list[bytes]:
    """Queue submissions of certificates of their own."""
    names = []
    for _ in range(count):
        certificate = uuid4()
        tree = LineTree(certificate, [(1, "KGM", 1)])
        names.append(world.enqueue(world.submission(certificate, tree), "broker", case_id=case_id))
    return names


def events_of(world: World) -> Counter[tuple[str, bytes | None]]:
    """Count the chain's verdicts by statement."""
    with world.database.read() as session:
        rows = session.execute(
            select(ChainEvent.name, ChainEvent.statement).where(
                ChainEvent.name.in_(("StatementRecorded", "StatementRefused"))
            )
        )
        return Counter((name, statement) for name, statement in rows)


def assert_each_once(world: World, names: list[bytes]) -> None:
    """Every statement is recorded, once, and none was refused as a double."""
    verdicts = events_of(world)
    for name in names:
        assert world.record(name).state == StatementState.RECORDED
        assert verdicts["StatementRecorded", name] == 1
        assert verdicts["StatementRefused", name] == 0


def transactions(world: World) -> list[LedgerTransaction]:
    with world.database.read() as session:
        return list(session.scalars(select(LedgerTransaction).order_by(LedgerTransaction.nonce)))


def test_many_go_in_one_transaction_and_in_order(world: World) -> None:
    before = len(transactions(world))
    names = submissions(world, 5)
    assert world.relay.step() == 5
    assert world.relay.step() == 0
    world.drive()
    assert_each_once(world, names)
    assert len(transactions(world)) == before + 1
    places = [world.record(name).log_index for name in names]
    assert places == sorted(places, key=lambda place: place or 0)
    assert {row.state for row in transactions(world)} == {TransactionState.FINAL}


def test_statements_of_one_case_go_one_after_the_other(sqlite_world: World) -> None:
    world, case_id = sqlite_world, uuid4()
    names = submissions(world, 3, case_id=case_id)
    others = submissions(world, 2)
    assert world.relay.step() == 3
    assert [world.record(name).state for name in names] == ["sent", "queued", "queued"]
    world.drive()
    assert_each_once(world, names + others)
    blocks = [world.record(name).block_number or 0 for name in names]
    assert blocks == sorted(set(blocks))


def test_a_batch_is_bounded_by_number_and_by_gas(sqlite_world: World) -> None:
    world = sqlite_world
    names = submissions(world, 7)
    relay = replace(world.relay, most_statements=3)
    assert [relay.step() for _ in range(4)] == [3, 3, 1, 0]
    world.drive()
    many = submissions(world, 40)
    world.relay.step()
    world.drive()
    assert_each_once(world, names + many)
    assert all(row.gas <= MOST_TRANSACTION_GAS for row in transactions(world))
    assert len(transactions(world)) > 1 + 3 + 1


def test_only_so_many_transactions_are_under_way(sqlite_world: World) -> None:
    world = sqlite_world
    names = submissions(world, 4)
    relay = replace(world.relay, most_statements=1, most_live=2)
    assert [relay.step() for _ in range(3)] == [1, 1, 0]
    world.drive()
    assert_each_once(world, names)


def test_a_refused_neighbour_takes_nobody_down(world: World) -> None:
    certificate, tree = world.activate([(1, "KGM", 5_000_000)])
    good, bad, late = uuid4(), uuid4(), uuid4()
    filed = world.enqueue(
        world.filing(good, [(certificate, 1, "KGM", 4_000_000)]), "broker", arguments=proofs_of(tree, 1)
    )
    over = world.enqueue(
        world.filing(bad, [(certificate, 1, "KGM", 2_000_000)]), "broker", arguments=proofs_of(tree, 1)
    )
    after = world.enqueue(
        world.filing(late, [(certificate, 1, "KGM", 1_000_000)]), "broker", arguments=proofs_of(tree, 1)
    )
    assert world.relay.step() == 3
    world.drive()
    assert_each_once(world, [filed, after])
    refused = world.record(over)
    assert refused.state == StatementState.REFUSED
    assert refused.refusal is not None
    assert refused.refusal["error"] == "MaterialCertificatesLineOverdrawn"
    assert refused.refusal["words"] == [
        "Line 1 has 1 left; 2 were asked for.",
        "第1行剩余数量为1，申报数量为2。",
    ]
    assert refused.refusal["values"]["asked"] == "2000000"
    assert world.sink.refusals[over].error_name == "MaterialCertificatesLineOverdrawn"
    assert ("refused", over) in world.sink.heard


@pytest.mark.parametrize("point", POINTS)
def test_a_relay_killed_at_any_step_loses_and_doubles_nothing(world: World, point: str) -> None:
    names = submissions(world, 4)

    def relay_and_die() -> None:
        database = Database(world.database.address)
        relay = replace(world.relay, database=database, chain=Chain(world.chain.url), at=killer(point))
        relay.step()

    assert dies(relay_and_die)
    states = {world.record(name).state for name in names}
    assert states == ({"queued"} if point in POINTS[:2] else {"sent"})
    world.drive()
    assert_each_once(world, names)
    assert len(transactions(world)) == 2


def test_a_relay_killed_while_it_sends_again_loses_nothing(world: World) -> None:
    names = submissions(world, 2)

    def die_at(point: str) -> Callable[[], None]:
        def work() -> None:
            database = Database(world.database.address)
            replace(world.relay, database=database, chain=Chain(world.chain.url), at=killer(point)).step()

        return work

    assert dies(die_at("relay.committed"))
    assert dies(die_at("relay.resending"))
    world.drive()
    assert_each_once(world, names)


@pytest.mark.parametrize("point", INDEXER_POINTS)
def test_an_indexer_killed_at_any_step_forgets_and_repeats_nothing(world: World, point: str) -> None:
    names = submissions(world, 3)
    world.relay.step()
    until(lambda: world.chain.receipt(transactions(world)[-1].hash))

    def index_and_die() -> None:
        database = Database(world.database.address)
        replace(world.indexer, database=database, chain=Chain(world.chain.url), at=killer(point)).step()

    assert dies(index_and_die)
    world.drive()
    assert_each_once(world, names)


@pytest.mark.parametrize("point", ["relay.committed", "relay.sent"])
def test_node_and_relay_die_together(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World], point: str
) -> None:
    world = world_on(own_node.chain)
    world.finality = EmbeddedFinality(own_node.folder.final_block)
    own_node.keep()
    names = submissions(world, 3)

    def relay_and_die() -> None:
        database = Database(world.database.address)
        replace(world.relay, database=database, chain=Chain(world.chain.url), at=killer(point)).step()

    assert dies(relay_and_die)
    kill_and_restart(own_node)
    _drive_kept(world, own_node)
    assert_each_once(world, names)


def kill_and_restart(node: EmbeddedNode) -> None:
    assert node.pid is not None
    os.kill(node.pid, signal.SIGKILL)
    until(lambda: node.pid is None)
    node.start()


def _drive_kept(world: World, node: EmbeddedNode) -> None:
    """Let relay, keeper and indexer go round until nothing waits."""
    relay, indexer = world.relay, world.indexer

    def nothing_waits() -> bool:
        relay.step()
        node.keep()
        indexer.step()
        return world.count(StatementState.QUEUED) + world.count(StatementState.SENT) == 0

    until(nothing_waits)


def test_what_a_killed_node_forgot_is_sent_again(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World]
) -> None:
    """A block was seen but not on disk: nothing took effect, and after the kill everything is sent again."""
    world = world_on(own_node.chain)
    world.finality = EmbeddedFinality(own_node.folder.final_block)
    own_node.keep()
    names = submissions(world, 3)
    world.relay.step()
    until(lambda: own_node.chain.receipt(transactions(world)[-1].hash))
    world.indexer.step()
    assert {world.record(name).state for name in names} == {"sent"}
    kill_and_restart(own_node)
    assert own_node.chain.receipt(transactions(world)[-1].hash) is None
    _drive_kept(world, own_node)
    assert_each_once(world, names)
    assert len(transactions(world)) == 2


def test_a_lost_final_dump_is_made_good(own_node: EmbeddedNode, world_on: Callable[[Chain], World]) -> None:
    """The disk lost the newest dump although it was final: what was recorded is recorded again, and said once."""
    world = world_on(own_node.chain)
    world.finality = EmbeddedFinality(own_node.folder.final_block)
    own_node.keep()
    names = submissions(world, 3)
    _drive_kept(world, own_node)
    heard = list(world.sink.heard)
    own_node.folder.state.write_bytes(b"lost")
    kill_and_restart(own_node)
    assert own_node.chain.receipt(transactions(world)[-1].hash) is None
    world.indexer.step()
    assert world.record(names[0]).block_number is None
    world.relay.step()
    until(lambda: own_node.chain.receipt(transactions(world)[-1].hash))
    own_node.keep()
    until(lambda: (world.indexer.step(), world.record(names[0]).block_number)[1])
    assert_each_once(world, names)
    assert world.sink.heard == heard


def test_a_number_taken_by_another_transaction_frees_the_statements(sqlite_world: World) -> None:
    """Somebody used the relay's account elsewhere: its transaction is void, its statements go with the next."""
    world = sqlite_world
    names = submissions(world, 2)

    def relay_and_die() -> None:
        database = Database(world.database.address)
        relay = replace(world.relay, database=database, chain=Chain(world.chain.url))
        replace(relay, at=killer("relay.committed")).step()

    assert dies(relay_and_die)
    foreign = sign_transaction(
        world.account,
        chain_id=world.deployment.chain_id,
        nonce=transactions(world)[-1].nonce,
        gas=30_000,
        gas_price=0,
        to=world.account.address,
        data=b"",
    )
    world.chain.send_raw(foreign.raw)
    until(lambda: world.chain.receipt(foreign.hash))
    world.drive()
    assert_each_once(world, names)
    assert [row.state for row in transactions(world)] == ["final", "void", "final"]


def test_without_a_node_statements_wait_and_the_relay_says_so(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World]
) -> None:
    world = world_on(own_node.chain)
    own_node.stop()
    names = submissions(world, 2)
    with pytest.raises(LedgerUnavailable):
        world.relay.step()
    stop = threading.Event()
    relay = threading.Thread(target=world.relay.run, args=(stop,))
    relay.start()
    indexer = threading.Thread(target=world.indexer.run, args=(stop,))
    indexer.start()
    try:
        said = until(lambda: status(world, "relay", reachable=False))
        assert said.waiting == 2
        assert said.oldest_waiting_at == world.record(names[0]).queued_at
        assert "ledger.unavailable" in said.detail
        until(lambda: status(world, "indexer", reachable=False))
        own_node.start()
        until(lambda: world.count(StatementState.RECORDED) == 3)
        until(lambda: status(world, "indexer", reachable=True))
        until(lambda: (said := status(world, "relay", reachable=True)) and said.waiting == 0)
    finally:
        stop.set()
        relay.join()
        indexer.join()
    assert_each_once(world, names)


def status(world: World, process: str, *, reachable: bool) -> LedgerStatus | None:
    with world.database.read() as session:
        return session.scalar(
            select(LedgerStatus).where(
                LedgerStatus.process == process, LedgerStatus.node_reachable.is_(reachable)
            )
        )


def test_a_call_that_runs_out_of_gas_is_tried_once_more_with_more(sqlite_world: World) -> None:
    """A voiding does not say how long the note's list is: who says too little needs the second try."""
    world = sqlite_world
    lines = range(70)
    certificate, tree = world.activate([(line, "KGM", 10) for line in lines])
    declaration, note = uuid4(), uuid4()
    filed = world.take(
        world.filing(declaration, [(certificate, line, "KGM", 1) for line in lines]),
        "broker",
        arguments=proofs_of(tree, *lines),
    )
    items = [NoteItem(id_bytes(declaration), id_bytes(certificate), line, 1) for line in lines]
    opened = world.take(world.opening(note, items), "broker")
    assert [(it.state, it.attempts) for it in (filed, opened)] == [("recorded", 0)] * 2
    voiding = CheckNoteVoiding(id_bytes(note), bytes(32), world.now())
    name = world.enqueue(voiding, "broker", arguments={"items": 0})
    world.relay.step()
    until(lambda: world.chain.receipt(transactions(world)[-1].hash))
    world.indexer.step()
    record = world.record(name)
    assert (record.state, record.attempts, record.transaction_id) == ("queued", 1, None)
    assert world.sink.heard[-1][1] != name
    world.drive()
    assert world.record(name).state == StatementState.RECORDED
    assert world.sink.heard[-1] == ("recorded", name)


def test_a_call_that_ran_out_of_gas_twice_is_refused_in_words(sqlite_world: World) -> None:
    world = sqlite_world
    [name] = submissions(world, 1)

    def relay_and_die() -> None:
        database = Database(world.database.address)
        relay = replace(world.relay, database=database, chain=Chain(world.chain.url))
        replace(relay, at=killer("relay.committed")).step()

    assert dies(relay_and_die)
    with effects(world.database) as session:
        session.execute(update(StatementRecord).where(StatementRecord.digest == name).values(attempts=1))
        block = session.scalars(select(ChainBlock).order_by(ChainBlock.number.desc()).limit(1)).one()
        event = ChainEvent(
            name="StatementRefused",
            values={"submitter": world.account.address, "statement": "0x" + name.hex(), "reason": "0x"},
            transaction_hash=transactions(world)[-1].hash,
            transaction_index=0,
            log_index=0,
        )
        Verdicts(world.sink, world.account.address).hear(session, event, block)
    assert world.record(name).state == StatementState.REFUSED
    assert world.sink.refusals[name].error_name == "OutOfGas"
    assert world.sink.refusals[name].words.zh


def test_a_transaction_that_fails_as_a_whole_is_tried_once_more(sqlite_world: World) -> None:
    """No event at all, as when the node caps gas: the statements go back into the queue."""
    world = sqlite_world
    [name] = submissions(world, 1)

    def relay_and_die() -> None:
        database = Database(world.database.address)
        relay = replace(world.relay, database=database, chain=Chain(world.chain.url))
        replace(relay, at=killer("relay.committed")).step()

    assert dies(relay_and_die)
    row = transactions(world)[-1]
    failing = sign_transaction(
        world.account,
        chain_id=world.deployment.chain_id,
        nonce=row.nonce,
        gas=100_000,
        gas_price=0,
        to=world.deployment.address("Inbox"),
        data=b"\xff\xff\xff\xff",
    )
    with world.database.write() as session:
        session.execute(
            update(LedgerTransaction)
            .where(LedgerTransaction.id == row.id)
            .values(hash=failing.hash, raw=failing.raw)
        )
    world.relay.step()
    until(lambda: world.chain.receipt(failing.hash))
    world.indexer.step()
    record = world.record(name)
    assert (record.state, record.attempts) == ("queued", 1)
    assert transactions(world)[-1].succeeded is False
    world.drive()
    assert world.record(name).state == StatementState.RECORDED


def test_too_much_for_one_transaction_is_refused_at_once(sqlite_world: World) -> None:
    world = sqlite_world
    filing = world.filing(uuid4(), [(uuid4(), line, "KGM", 1) for line in range(150)])
    with pytest.raises(StatementTooLarge) as caught:
        world.enqueue(filing, "broker")
    assert caught.value.most < caught.value.items


def test_evidence_never_goes_to_the_chain(sqlite_world: World) -> None:
    evidence = Evidence(bytes(32), bytes(32), bytes(32), 0)
    with pytest.raises(Exception, match="not sent to the chain"):
        sqlite_world.enqueue(evidence, "gate")


def test_a_relay_for_an_unknown_account_starts_at_the_chains_count(sqlite_world: World) -> None:
    """A restored or empty database meets an account that was used: numbers go on where the chain is."""
    world = sqlite_world
    account = Account.create()
    for nonce in range(2):
        sent = sign_transaction(
            account,
            chain_id=world.deployment.chain_id,
            nonce=nonce,
            gas=30_000,
            gas_price=0,
            to=account.address,
            data=b"",
        )
        world.chain.send_raw(sent.raw)
        until(lambda sent=sent: world.chain.receipt(sent.hash))  # type: ignore[misc]  # the lambda's default binds the loop's value
    world.account = account
    names = submissions(world, 1)
    world.drive()
    assert_each_once(world, names)
    with world.database.read() as session:
        used = session.scalars(
            select(LedgerTransaction.nonce).where(LedgerTransaction.sender == account.address)
        ).all()
    assert used == [2]
