"""The indexer: follows, undoes, waits for finality, and believes only the contracts."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from eth_account import Account
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from ledger.chain.calls import InboxCall, call_of, inbox_data
from ledger.chain.client import Chain
from ledger.chain.finality import (
    DepthFinality,
    EmbeddedFinality,
    FinalityUnknown,
    ImmediateFinality,
    Tip,
    finality_named,
)
from ledger.chain.incidents import FinalBlockUndone
from ledger.chain.interfaces import encode_call
from ledger.chain.node import EmbeddedNode
from ledger.chain.node_state import FinalBlock
from ledger.keys.roles import Role
from ledger.mirrors import (
    MIRRORS,
    LedgerCertificate,
    LedgerDeclaration,
    LedgerKey,
    LedgerNote,
    LedgerOrganisation,
)
from ledger.models import (
    ChainBlock,
    ChainEvent,
    LedgerStatus,
    LedgerTransaction,
    StatementRecord,
    StatementState,
)
from ledger.proofs.lines import LineTree
from ledger.recording.projections import rebuild
from ledger.refusals import Refusal
from ledger.statements import (
    CertificateRevocation,
    CertificateSubmission,
    CheckNoteVoiding,
    DeclarationWithdrawal,
    Organisation,
    digest,
    id_bytes,
)
from tests.ledger.world import COMMITTEE, RETURN, World, make_world, proofs_of, until


def mirrored(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Give every row of the mirror tables, without their own row numbers."""
    with world.database.read() as session:
        return {
            table.__tablename__: sorted(
                tuple(
                    str(getattr(row, column.key)) for column in table.__table__.columns if column.key != "id"
                )
                for row in session.scalars(select(table))
            )
            for table in MIRRORS
        }


def submission(world: World) -> tuple[CertificateSubmission, bytes]:
    certificate = uuid4()
    statement = world.submission(certificate, LineTree(certificate, [(1, "KGM", 1)]))
    return statement, digest(statement, world.deployment)


def send_as_stranger(world: World, *calls: InboxCall) -> None:
    """Send calls through the inbox from an account that is not the relay's."""
    stranger = Account.create()
    receipt = world.chain.send_and_wait(
        stranger, to=world.deployment.address("Inbox"), data=inbox_data(calls), gas=5_000_000
    )
    assert receipt.succeeded


def test_the_mirrors_equal_a_replay_of_the_chain(world: World) -> None:
    certificate, tree = world.activate([(1, "KGM", 5_000_000)])
    declaration = uuid4()
    world.take(
        world.filing(declaration, [(certificate, 1, "KGM", 1)]), "broker", arguments=proofs_of(tree, 1)
    )
    world.take(world.report(declaration), "inspector")
    world.take(world.decision(declaration, channel=3), "releasing", "releasing-2")
    withdrawn, note = uuid4(), uuid4()
    world.take(world.filing(withdrawn, [(certificate, 1, "KGM", 2)]), "broker", arguments=proofs_of(tree, 1))
    world.take(DeclarationWithdrawal(id_bytes(withdrawn), 1, bytes(32), world.now()), "broker")
    world.take(world.opening(note, []), "broker")
    world.take(CheckNoteVoiding(id_bytes(note), bytes(32), world.now()), "broker")
    returned = uuid4()
    world.take(world.submission(returned, LineTree(returned, [(1, "KGM", 1)])), "broker")
    world.take(world.review(returned, COMMITTEE, verdict=RETURN), "committee")
    world.take(CertificateRevocation(id_bytes(certificate), 1, bytes(32), world.now()), "documents")
    world.change(organisations=[Organisation(b"\x77" * 32, 1, 0, 5)])
    world.drive()
    assert world.count(StatementState.REFUSED) == 0
    before = mirrored(world)
    with world.database.read() as session:
        assert session.get_one(LedgerDeclaration, id_bytes(withdrawn)).state == "withdrawn"
        assert session.get_one(LedgerNote, id_bytes(note)).state == "voided"
        assert session.get_one(LedgerCertificate, id_bytes(returned)).state == "returned"
        assert session.get_one(LedgerCertificate, id_bytes(certificate)).state == "revoked"
        assert session.get_one(LedgerOrganisation, b"\x77" * 32).organisation_id is None
    assert before["ledger_decisions"]
    assert before["ledger_findings"]
    with world.database.write() as session:
        assert rebuild(session) > 10
    assert mirrored(world) == before
    afresh = replace(world)
    with world.database.write() as session:
        session.execute(delete(ChainEvent))
        session.execute(delete(ChainBlock))
        for table in MIRRORS:
            session.execute(delete(table))
        session.execute(update(StatementRecord).values(block_number=None))
    until(lambda: not afresh.indexer.step())
    assert mirrored(world) == before
    assert len(world.sink.heard) == len(set(world.sink.heard))


def test_a_stranger_may_send_our_statement_and_it_counts(world: World) -> None:
    statement, name = submission(world)
    signatures = world.signed(statement, "broker")
    world.enqueue(statement, "broker")
    send_as_stranger(world, call_of(statement, signatures, None, world.deployment))
    world.drive()
    assert world.record(name).state == StatementState.RECORDED
    assert world.sink.heard.count(("recorded", name)) == 1
    assert ("refused", name) not in world.sink.heard


def test_statements_of_others_are_stored_all_the_same(world: World) -> None:
    statement, name = submission(world)
    send_as_stranger(world, call_of(statement, world.signed(statement, "broker"), None, world.deployment))
    until(lambda: not world.indexer.step())
    with world.database.read() as session:
        assert session.get(LedgerCertificate, statement.certificate) is not None
        events = session.scalars(select(ChainEvent).where(ChainEvent.statement == name)).all()
    assert [event.name for event in events] == ["StatementRecorded", "CertificateSubmitted"]
    assert ("recorded", name) not in world.sink.heard


def test_a_strangers_refusal_does_not_count(world: World) -> None:
    """Anybody can have a statement refused by sending it too early, or with too little gas."""
    certificate = uuid4()
    review = world.review(certificate, COMMITTEE)
    name = digest(review, world.deployment)
    case = uuid4()
    tree = LineTree(certificate, [(1, "KGM", 1)])
    world.enqueue(world.submission(certificate, tree), "broker", case_id=case)
    world.enqueue(review, "committee", case_id=case)
    early = call_of(review, world.signed(review, "committee"), None, world.deployment)
    send_as_stranger(world, early, InboxCall(early.target, 30_000, early.statement, early.data))
    world.drive()
    assert world.record(name).state == StatementState.RECORDED
    assert ("refused", name) not in world.sink.heard
    with world.database.read() as session:
        refused = session.scalars(
            select(ChainEvent).where(ChainEvent.statement == name, ChainEvent.name == "StatementRefused")
        ).all()
    assert len(refused) == 2


def test_what_was_refused_may_be_recorded_later(world: World) -> None:
    """The contract has the last word, not the first refusal."""
    certificate = uuid4()
    review = world.review(certificate, COMMITTEE)
    refused = world.take(review, "committee")
    assert refused.state == StatementState.REFUSED
    assert refused.refusal is not None
    assert refused.refusal["error"] == "MaterialCertificatesStateWrong"
    world.take(world.submission(certificate, LineTree(certificate, [(1, "KGM", 1)])), "broker")
    send_as_stranger(world, call_of(review, world.signed(review, "committee"), None, world.deployment))
    until(lambda: not world.indexer.step())
    record = world.record(digest(review, world.deployment))
    assert record.state == StatementState.RECORDED
    assert record.refusal is None
    assert world.sink.heard[-1] == ("recorded", record.digest)


def test_a_lie_in_the_inbox_changes_nothing(world: World) -> None:
    """The digest in a refusal is the sender's word; another contract's event does not record our statement."""
    statement, name = submission(world)
    world.enqueue(statement, "broker")
    liar = InboxCall(world.deployment.address("Inbox"), 50_000, name, b"\xff\xff\xff\xff")
    send_as_stranger(world, liar)
    world.drive()
    assert world.record(name).state == StatementState.RECORDED


class _Failing:
    def __init__(self) -> None:
        self.calls = 0

    def recorded(self, session: Session, record: StatementRecord) -> None:
        self.calls += 1
        raise RuntimeError(record.primary_type)

    def refused(self, session: Session, record: StatementRecord, refusal: Refusal) -> None:
        raise AssertionError(refusal)


def test_what_a_sink_fails_on_is_undone_as_a_whole(world: World) -> None:
    statement, name = submission(world)
    world.enqueue(statement, "broker")
    world.relay.step()
    failing = replace(world.indexer, sink=_Failing())

    def fails() -> bool:
        try:
            failing.step()
        except RuntimeError:
            return True
        return False

    until(fails)
    assert world.record(name).state == StatementState.SENT
    with world.database.read() as session:
        assert session.get(LedgerCertificate, statement.certificate) is None
    world.drive()
    assert world.record(name).state == StatementState.RECORDED


def reorganise(chain: Chain, depth: int) -> None:
    """Replace the newest blocks by empty ones."""
    head = chain.head()
    chain.request("anvil_reorg", depth, [])
    until(lambda: chain.head().hash != head.hash)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_reorganisation_is_undone_and_redone(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World], depth: int
) -> None:
    world = world_on(own_node.chain)
    chain = own_node.chain
    names = []
    world.finality = DepthFinality(6)
    for _ in range(depth):
        statement, name = submission(world)
        names.append(name)
        world.enqueue(statement, "broker")
        world.relay.step()
        until(lambda: world.relay.step() == 0 and _all_mined(world))
        world.indexer.step()
    before = _hashes(world)
    reorganise(chain, depth)
    world.indexer.step()
    after = _hashes(world)
    assert set(before.items()) - set(after.items())
    with world.database.read() as session:
        gone = session.scalar(select(func.count(ChainEvent.id)).where(ChainEvent.statement.in_(names)))
    assert gone == 0
    assert {world.record(name).state for name in names} == {"sent"}
    world.relay.step()
    until(lambda: _all_mined(world))
    chain.request("anvil_mine", hex(8))
    until(lambda: (world.indexer.step(), world.count(StatementState.SENT) == 0)[1])
    for name in names:
        assert world.record(name).state == StatementState.RECORDED
        assert world.sink.heard.count(("recorded", name)) == 1
    _assert_linked(world, chain)


def _all_mined(world: World) -> bool:
    with world.database.read() as session:
        hashes = session.scalars(select(LedgerTransaction.hash)).all()
    return all(world.chain.receipt(transaction) is not None for transaction in hashes)


def _hashes(world: World) -> dict[int, bytes]:
    with world.database.read() as session:
        return {block.number: block.hash for block in session.scalars(select(ChainBlock))}


def _assert_linked(world: World, chain: Chain) -> None:
    with world.database.read() as session:
        blocks = session.scalars(select(ChainBlock).order_by(ChainBlock.number)).all()
        for below, above in itertools.pairwise(blocks):
            assert (above.number, above.parent_hash) == (below.number + 1, below.hash)
        for event in session.scalars(select(ChainEvent)):
            block = chain.block(event.block_number)
            assert block is not None
            assert block.hash == event.block_hash


def test_a_reorganisation_below_a_final_block_stops_everything(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World]
) -> None:
    world = world_on(own_node.chain)
    statement, name = submission(world)
    world.enqueue(statement, "broker")
    world.drive()
    own_node.chain.request("anvil_mine", hex(2))
    world.indexer.step()
    reorganise(own_node.chain, 3)
    with pytest.raises(FinalBlockUndone):
        world.indexer.step()
    assert world.record(name).state == StatementState.RECORDED
    with pytest.raises(FinalBlockUndone):
        world.indexer.run(threading.Event())
    said = _said(world)
    assert said is not None
    assert "final" in said.detail
    assert said.incident_at is not None


def _said(world: World) -> LedgerStatus | None:
    with world.database.read() as session:
        return session.scalar(select(LedgerStatus).where(~LedgerStatus.node_reachable))


def test_a_chain_that_is_gone_altogether_is_followed_anew(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World]
) -> None:
    """Nothing of what was stored is on the chain: with a finality that may be undone the indexer starts over."""
    world = world_on(own_node.chain)
    world.finality = EmbeddedFinality(own_node.folder.final_block)
    own_node.keep()
    world.indexer.step()
    with world.database.write() as session:
        session.execute(update(ChainBlock).values(hash=func.substr(ChainBlock.hash, 2, 31)))
    world.indexer.step()
    with world.database.read() as session:
        assert session.scalar(select(func.count(LedgerKey.key_id))) == len(world.people)


def test_nothing_takes_effect_before_it_is_final(world: World) -> None:
    statement, name = submission(world)
    world.finality = DepthFinality(3)
    world.enqueue(statement, "broker")
    world.relay.step()
    until(lambda: _all_mined(world))
    until(lambda: not world.indexer.step())
    assert world.record(name).state == StatementState.SENT
    with world.database.read() as session:
        assert session.get(LedgerCertificate, statement.certificate) is None
    world.chain.request("anvil_mine", hex(3))
    until(lambda: not world.indexer.step())
    assert world.record(name).state == StatementState.RECORDED


def test_the_embedded_final_block_must_be_the_one_on_the_chain(world: World, tmp_path: Path) -> None:
    published = tmp_path / "final_block.json"
    statement, name = submission(world)
    world.finality = EmbeddedFinality(published)
    world.enqueue(statement, "broker")
    world.relay.step()
    until(lambda: _all_mined(world))
    head = world.chain.head()
    for lie in (FinalBlock(head.number, b"\1" * 32), FinalBlock(head.number + 9, head.hash)):
        published.write_text(f'{{"number": {lie.number}, "hash": "0x{lie.hash.hex()}"}}')
        until(lambda: not world.indexer.step())
        assert world.record(name).state == StatementState.SENT
    published.write_text(f'{{"number": {head.number}, "hash": "0x{head.hash.hex()}"}}')
    until(lambda: not world.indexer.step())
    assert world.record(name).state == StatementState.RECORDED


def test_finality_by_name(tmp_path: Path) -> None:
    published = tmp_path / "final_block.json"
    assert finality_named("embedded", published) == EmbeddedFinality(published)
    assert finality_named("depth:12", published) == DepthFinality(12)
    assert isinstance(finality_named("immediate", published), ImmediateFinality)
    for name in ("", "depth", "depth:", "depth:-1", "depth:١", "soon"):
        with pytest.raises(FinalityUnknown):
            finality_named(name, published)
    assert EmbeddedFinality(published).final(Tip(5, b"")) is None
    assert DepthFinality(6).final(Tip(5, b"")) is None
    assert DepthFinality(5).final(Tip(5, b"")) == Tip(0, None)


def test_a_revoked_key_is_mirrored_and_its_signatures_are_refused(world: World) -> None:
    key = world.people["broker"].key_id
    world.change(revocations=[key])
    world.drive()
    with world.database.read() as session:
        row = session.get_one(LedgerKey, key)
        assert row.revoked_at_block is not None
        assert row.officer_id == world.officers["broker"]
        assert Role(row.roles) == Role.BROKER
    statement, _ = submission(world)
    refused = world.take(statement, "broker")
    assert refused.refusal is not None
    assert refused.refusal["error"] == "ConsortiumKeyRevoked"


def test_the_indexer_catches_up_in_stretches(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World]
) -> None:
    world = world_on(own_node.chain)
    own_node.chain.request("anvil_mine", hex(25))
    indexer = replace(world.indexer, most_blocks=10)
    steps = [indexer.step() for _ in range(4)]
    assert steps == [20, 20, 10, 0]


def test_a_world_without_grants_knows_no_key(chain: Chain, world_on: Callable[[Chain], World]) -> None:
    world = make_world(chain, world_on(chain).database, granted=False)
    call = encode_call("Consortium", "rolesOf", world.people["broker"].key_id)
    assert not any(chain.call(world.deployment.address("Consortium"), call))
