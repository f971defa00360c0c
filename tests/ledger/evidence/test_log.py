"""The evidence log: no gaps, no changed past, and every checkpoint on the chain continues the one before."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from kernel.clock import ManualClock
from kernel.database import Database
from ledger.chain.deployment import Deployment
from ledger.contracts import CONTRACT_NAMES
from ledger.evidence.log import (
    EXAMINED_EVERY,
    LEAF_FORMAT,
    EvidenceFolderUnknown,
    EvidenceLogKeeper,
    LeafAltered,
    LeafMissing,
    append_leaf,
    consistency_proof,
    covering_checkpoint,
    inclusion_proof,
    leaf_data,
    log_size,
    mend,
    request_checkpoint,
    root_at,
    sequence,
    tiles_of,
    tree_head,
)
from ledger.evidence.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from ledger.evidence.records import record_hash
from ledger.evidence.tile_files import TileDamaged
from ledger.evidence.tiles import EMPTY, LogContradicted, TileTree
from ledger.keys.signing import Secp256k1Signer
from ledger.mirrors import LedgerCheckpoint
from ledger.models import EvidenceLeaf, EvidenceLogHead, StatementRecord, StatementState
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


def emptied(world: World) -> World:
    """Take the leaves away that tell of the world's own beginning."""
    with world.database.write() as session:
        session.execute(delete(EvidenceLeaf))
    return world


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
        for table in (EvidenceLeaf, EvidenceLogHead):
            session.execute(delete(table))
    hashes: list[bytes] = []
    for count in counts:
        hashes += append(sqlite_database, count)
        with sqlite_database.write() as session:
            sequence(session)
            assert root_at(session, len(hashes)) == root_of(hashes)


def test_checkpoints_reach_the_chain_and_continue_one_another(world: World) -> None:
    emptied(world)
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
    emptied(world)
    append(world.database, 4)
    world.log.step()
    world.drive()
    with world.database.write() as session:
        leaf = session.scalars(select(EvidenceLeaf).order_by(EvidenceLeaf.id).limit(1)).one()
        leaf.content_hash = b"\x01" * 32
        leaf.leaf_hash = leaf_hash(leaf_data(leaf.kind, leaf.subject, leaf.content_hash, leaf.at))
        for row in session.scalars(select(EvidenceLeaf)):
            row.position = None
        head = session.get_one(EvidenceLogHead, 1)
        head.size, head.root = 0, EMPTY.root
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
    world, clock = emptied(sqlite_world), ManualClock(NOW)
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
    assert world.log.step() == 1  # the leaf of the change itself
    assert world.log.step() == 0
    assert world.count(StatementState.QUEUED) == 0


def test_a_request_before_the_first_leaf_waits(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        request_checkpoint(session)
        assert log_size(session) == 0
    append(sqlite_database, 1, subject=uuid4())
    with sqlite_database.write() as session:
        assert sequence(session) == 1
        assert session.get_one(EvidenceLogHead, 1).checkpoint_wanted


@given(st.text(min_size=1, max_size=60), st.uuids(), st.binary(min_size=32, max_size=32), st.datetimes())
def test_leaf_data_is_canonical_json(kind: str, subject: UUID, content: bytes, at: datetime) -> None:
    at = at.replace(tzinfo=UTC)
    plain: list[Any] = [LEAF_FORMAT, kind, str(subject), content.hex(), int(at.timestamp())]
    assert leaf_data(kind, subject, content, at) == rfc8785.dumps(plain)


def sequenced(database: Database, count: int) -> list[bytes]:
    """Append leaves and give them their places."""
    hashes = append(database, count)
    with database.write() as session:
        sequence(session)
    return hashes


def lone_keeper(database: Database, clock: ManualClock | None = None) -> EvidenceLogKeeper:
    """Give a keeper whose key nobody knows: it sequences, and signs nothing."""
    deployment = Deployment(chain_id=1, addresses={}, deployed_at_block=0)
    return EvidenceLogKeeper(database, deployment, Secp256k1Signer.generate(), clock or ManualClock(NOW))


def test_an_older_installation_gets_its_tree_from_its_leaves(database: Database) -> None:
    hashes = sequenced(database, 300)
    with database.write() as session:
        tiles_of(session).forget()
        session.get_one(EvidenceLogHead, 1).root = None
    assert database.evidence is not None
    shutil.rmtree(database.evidence)
    with database.read() as session, pytest.raises(TileDamaged):
        root_at(session, 300)
    keeper = lone_keeper(database)
    assert keeper.step() == 1
    assert keeper.step() == 0
    hashes += append(database, 3)
    assert keeper.step() == 3
    with database.read() as session:
        assert tree_head(session).root == root_at(session, 303) == root_of(hashes)
        assert TileTree(database.evidence).entries(tree_head(session), 302, 303) == [
            leaf_data("history", CASE, (2).to_bytes(32, "big"), NOW)
        ]


def test_the_keeper_finds_and_mends_damage_by_itself(sqlite_database: Database) -> None:
    database, clock = sqlite_database, ManualClock(NOW)
    hashes = sequenced(database, 600)
    keeper = lone_keeper(database, clock)
    for _ in range(10):
        assert keeper.step() == 0
    assert database.evidence is not None
    path = database.evidence / "tile/0/001"
    good = path.read_bytes()
    path.write_bytes(bytes(len(good)))
    for _ in range(10):
        assert keeper.step() == 0  # it has been round; the next round begins in an hour
    clock.advance(EXAMINED_EVERY)
    assert sum(keeper.step() for _ in range(10)) == 1
    assert path.read_bytes() == good
    with database.read() as session:
        assert root_at(session, 600) == root_of(hashes)


def test_what_was_undone_in_the_database_is_undone_in_the_tree(sqlite_database: Database) -> None:
    database = sqlite_database
    hashes = sequenced(database, 250)
    append(database, 20)
    with database.write() as session:
        assert sequence(session) == 20
        session.rollback()
    with database.write() as session:
        assert log_size(session) == 250
        assert root_at(session, 250) == root_of(hashes)
        session.execute(delete(EvidenceLeaf).where(EvidenceLeaf.position.is_(None)))
    hashes += sequenced(database, 3)
    with database.read() as session:
        assert root_at(session, 253) == root_of(hashes)
        with pytest.raises(LeafMissing):
            root_at(session, 254)


def test_an_altered_leaf_gets_no_place(sqlite_database: Database) -> None:
    append(sqlite_database, 3)
    with sqlite_database.write() as session:
        leaf = session.get_one(EvidenceLeaf, 2)
        leaf.kind = "document"
    with pytest.raises(LeafAltered) as caught, sqlite_database.write() as session:
        sequence(session)
    assert caught.value.leaf == 2
    with sqlite_database.read() as session:
        assert log_size(session) == 0


def test_leaves_that_contradict_the_log_or_the_chain_are_an_incident(sqlite_database: Database) -> None:
    database = sqlite_database
    assert mend(database) == []
    sequenced(database, 5)
    with database.write() as session:
        session.add(
            LedgerCheckpoint(
                size=4, root=b"\x05" * 32, block_number=1, transaction_hash=bytes(32), anchored_at=NOW
            )
        )
    with pytest.raises(LogContradicted):
        mend(database)
    with database.write() as session:
        session.execute(delete(LedgerCheckpoint))
    assert mend(database) == []
    with database.write() as session:
        session.get_one(EvidenceLeaf, 2).kind = "document"
    assert database.evidence is not None
    (database.evidence / "tile/0/000.p/5").unlink()
    with pytest.raises(LogContradicted):
        mend(database)


def test_without_a_folder_the_log_says_so(sqlite_database: Database) -> None:
    with sqlite_database.read() as session:
        session.info.clear()
        with pytest.raises(EvidenceFolderUnknown):
            tiles_of(session)


def test_a_checkpoint_is_signed_before_its_time_is_over(sqlite_world: World) -> None:
    world, clock = emptied(sqlite_world), ManualClock(NOW)
    log = replace(world.log, clock=clock, interval=timedelta(seconds=60))
    append(world.database, 1)
    assert log.step() == 2
    world.drive()
    append(world.database, 1)
    clock.advance(timedelta(seconds=54))
    assert log.step() == 1
    clock.advance(timedelta(seconds=2))
    assert log.step() == 1
    assert world.count(StatementState.QUEUED) == 1


@given(
    numbers=st.lists(st.integers(0, 2**53 - 1), min_size=4, max_size=4),
    words=st.lists(st.binary(min_size=32, max_size=32), min_size=3, max_size=3),
    contract=st.sampled_from(CONTRACT_NAMES),
)
def test_a_records_hash_is_that_of_its_canonical_json(
    numbers: list[int], words: list[bytes], contract: str
) -> None:
    digest, block, transaction = words
    facts: dict[str, Any] = {
        "contract": contract,
        "blockNumber": numbers[0],
        "blockHash": "0x" + block.hex(),
        "blockTime": numbers[1],
        "transactionHash": "0x" + transaction.hex(),
        "transactionIndex": numbers[2],
        "logIndex": numbers[3],
    }
    canonical = rfc8785.dumps({"statement": "0x" + digest.hex(), **facts})
    assert record_hash(digest, facts) == sha256(canonical).digest()
