"""The evidence log: no gaps, no changed past, and every checkpoint on the chain continues the one before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from kernel.clock import ManualClock
from kernel.database import Database
from ledger.evidence import (
    EvidenceLogKeeper,
    LeafMissing,
    append_leaf,
    consistency_proof,
    covering_checkpoint,
    inclusion_proof,
    leaf_data,
    log_size,
    request_checkpoint,
    root_at,
    sequence,
)
from ledger.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from ledger.mirrors import LedgerCheckpoint
from ledger.models import EvidenceLeaf, EvidenceLogHead, EvidenceNode, StatementRecord, StatementState
from ledger.signing import Secp256k1Signer
from tests.ledger.world import World

NOW = datetime(2026, 2, 3, 8, 0, tzinfo=UTC)
CASE = UUID(int=7)


def append(database: Database, count: int, *, subject: UUID = CASE) -> list[bytes]:
    hashes = []
    with database.write() as session:
        for place in range(count):
            leaf = append_leaf(
                session, kind="history", subject=subject, content_hash=place.to_bytes(32, "big"), now=NOW
            )
            hashes.append(leaf.leaf_hash)
    return hashes


def test_a_leaf_says_what_it_vouches_for(database: Database) -> None:
    [hashed] = append(database, 1)
    data = (
        b'["piste-evidence-v1","history","00000000-0000-0000-0000-000000000007","'
        + b"00" * 32
        + b'",1770105600]'
    )
    assert leaf_data("history", CASE, bytes(32), NOW) == data
    assert hashed == leaf_hash(data)
    with database.read() as session:
        leaf = session.scalars(select(EvidenceLeaf)).one()
        assert leaf.position is None
        assert leaf.leaf_hash == leaf_hash(leaf_data(leaf.kind, leaf.subject, leaf.content_hash, leaf.at))
        with pytest.raises(LeafMissing):
            inclusion_proof(session, leaf.id, 1)


def test_places_have_no_gaps_and_proofs_hold(database: Database) -> None:
    hashes: list[bytes] = []
    for count in (1, 2, 4, 1, 5):
        hashes += append(database, count)
        with database.write() as session:
            assert sequence(session, most=3) == min(3, count)
            while sequence(session, most=3):
                pass
            assert sequence(session) == 0
    with database.read() as session:
        positions = session.scalars(select(EvidenceLeaf.position).order_by(EvidenceLeaf.id)).all()
        assert positions == list(range(13))
        assert log_size(session) == 13
        for size in range(1, 14):
            assert root_at(session, size) == root_of(hashes[:size])
        for leaf_id, hashed in zip(session.scalars(select(EvidenceLeaf.id)), hashes, strict=True):
            proof = inclusion_proof(session, leaf_id, 13)
            assert proof.holds()
            assert proof.to_json()["root"] == "0x" + root_of(hashes).hex()
            assert verify_inclusion(hashed, proof.index, 13, proof.proof, root_of(hashes))
        for first in range(14):
            proof_of = consistency_proof(session, first, 13)
            assert verify_consistency(first, 13, root_of(hashes[:first]), root_of(hashes), proof_of)
        for first, second in ((0, 14), (5, 4)):
            with pytest.raises(LeafMissing):
                consistency_proof(session, first, second)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_stored_tree_is_the_tree(sqlite_database: Database, counts: list[int]) -> None:
    with sqlite_database.write() as session:
        for table in (EvidenceLeaf, EvidenceNode, EvidenceLogHead):
            session.execute(delete(table))
    hashes: list[bytes] = []
    for count in counts:
        hashes += append(sqlite_database, count)
        with sqlite_database.write() as session:
            sequence(session)
            assert root_at(session, len(hashes)) == root_of(hashes)


def test_checkpoints_reach_the_chain_and_continue_one_another(world: World) -> None:
    sizes = []
    for count in (3, 4, 1):
        append(world.database, count)
        with world.database.write() as session:
            request_checkpoint(session)
        assert world.log.step() > 0
        world.drive()
        with world.database.read() as session:
            checkpoint = session.scalars(
                select(LedgerCheckpoint).order_by(LedgerCheckpoint.id.desc()).limit(1)
            ).one()
            sizes.append(checkpoint.size)
            assert checkpoint.root == root_at(session, checkpoint.size)
    assert sizes == [3, 7, 8]
    with world.database.read() as session:
        covering = [covering_checkpoint(session, position) for position in (0, 2, 3, 7, 8)]
    assert [found.size if found else None for found in covering] == [3, 3, 7, 8, None]


def test_a_changed_past_is_refused_by_the_contract(world: World) -> None:
    append(world.database, 4)
    world.log.step()
    world.drive()
    with world.database.write() as session:
        leaf = session.scalars(select(EvidenceLeaf).order_by(EvidenceLeaf.id).limit(1)).one()
        leaf.leaf_hash = leaf_hash(b"another story")
        session.execute(delete(EvidenceNode))
        for row in session.scalars(select(EvidenceLeaf)):
            row.position = None
        session.get_one(EvidenceLogHead, 1).size = 0
    append(world.database, 2)
    with world.database.write() as session:
        request_checkpoint(session)
    world.log.step()
    world.drive()
    with world.database.read() as session:
        refused = session.scalars(
            select(StatementRecord).where(StatementRecord.state == StatementState.REFUSED)
        ).one()
    assert refused.refusal is not None
    assert refused.refusal["error"] == "EvidenceLogInconsistent"


def test_checkpoints_come_in_their_time_and_one_at_a_time(sqlite_world: World) -> None:
    world, clock = sqlite_world, ManualClock(NOW)
    log = replace(world.log, clock=clock, interval=timedelta(seconds=60))

    def checkpoints() -> int:
        with world.database.read() as session:
            records = session.scalars(
                select(StatementRecord.id).where(StatementRecord.primary_type == "Checkpoint")
            )
            return len(records.all())

    assert log.step() == 0
    append(world.database, 1)
    assert log.step() == 2
    append(world.database, 1)
    clock.advance(timedelta(seconds=61))
    assert log.step() == 1
    assert checkpoints() == 1
    world.drive()
    assert log.step() == 1
    world.drive()
    assert checkpoints() == 2
    clock.advance(timedelta(seconds=61))
    assert log.step() == 0
    append(world.database, 1)
    assert log.step() == 2
    world.drive()
    append(world.database, 1)
    assert log.step() == 1
    assert checkpoints() == 3
    with world.database.write() as session:
        request_checkpoint(session)
    assert log.step() == 1
    assert checkpoints() == 4


def test_a_key_without_the_role_signs_nothing(sqlite_world: World) -> None:
    world = sqlite_world
    append(world.database, 2)
    for signer in (Secp256k1Signer.generate(), world.people["gate"]):
        keeper = EvidenceLogKeeper(world.database, world.deployment, signer)
        keeper.step()
        assert keeper.step() == 0
    world.change(revocations=[world.people["log"].key_id])
    world.drive()
    assert world.log.step() == 0


def test_a_request_before_the_first_leaf_waits(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        request_checkpoint(session)
        assert log_size(session) == 0
    append(sqlite_database, 1, subject=uuid4())
    with sqlite_database.write() as session:
        assert sequence(session) == 1
        assert session.get_one(EvidenceLogHead, 1).checkpoint_wanted
