"""A witness signs what continues what it knows and is true on its own node; nothing else, and never two things."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from kernel.settings import Settings
from ledger.chain.deployment import deployment_file
from ledger.chain.installation import key_store, witness_signers
from ledger.consortium import FOUNDERS, key_grant, organisation
from ledger.evidence import merkle
from ledger.evidence.log import append_leaf, request_checkpoint, tree_head
from ledger.evidence.witness import LogRefused, StoredLog, Witness, _grow, _root, deliver_to, is_witness, run
from ledger.evidence.witness_state import StateFile, StateUnreadable, WitnessState
from ledger.keys.roles import Role
from ledger.keys.signing import Secp256k1Signer
from ledger.mirrors import LedgerCheckpoint, LedgerWitness
from ledger.models import StatementRecord, StatementState
from ledger.outbox import signatures_of
from ledger.statements import id_bytes
from tests.ledger.world import World, until

MEMBER = uuid4()


class Died(Exception):
    pass


def dying(point: str) -> Callable[[str], None]:
    def at(reached: str) -> None:
        if reached == point:
            raise Died(point)

    return at


class Altered:
    """A log that shows one leaf otherwise."""

    def __init__(self, world: World, leaf: bytes) -> None:
        self._log = StoredLog(world.database)
        self._leaf = leaf

    def entries(self, start: int, end: int) -> Sequence[bytes]:
        found = list(self._log.entries(start, end))
        return [*found[:-1], self._leaf]


class Away:
    """A log whose leaves have not come in yet."""

    def entries(self, start: int, end: int) -> Sequence[bytes]:
        del start, end
        return []


@pytest.fixture
def witness(sqlite_world: World, tmp_path: Path) -> Witness:
    """Give the witness of a member, whose key is granted."""
    world, signer = sqlite_world, Secp256k1Signer.generate()
    world.change(
        organisations=[organisation(MEMBER, Role.WITNESS)],
        grants=[key_grant(MEMBER, uuid4(), signer.signer, Role.WITNESS)],
    )
    world.drive()
    return Witness(
        world.chain,
        world.deployment,
        world.finality,
        StoredLog(world.database),
        signer,
        StateFile(tmp_path / "witnesses" / "one.json"),
        lambda: is_witness(world.database, signer.key_id),
        deliver_to(world.database, world.deployment, world.clock),
    )


def anchored(world: World, *, leaves: int = 3) -> int:
    """Write leaves and have a checkpoint over them recorded; give its size."""
    with world.database.write() as session:
        for place in range(leaves):
            append_leaf(
                session,
                kind="test",
                subject=uuid4(),
                content_hash=place.to_bytes(32, "big"),
                now=world.clock.now(),
            )
        request_checkpoint(session)
    until(world.log.step)
    world.drive()
    with world.database.read() as session:
        newest = session.scalars(
            select(LedgerCheckpoint).order_by(LedgerCheckpoint.size.desc()).limit(1)
        ).one()
        assert newest.size == tree_head(session).size
        return newest.size


def exhausted(witness: Witness) -> Witness:
    """Step until there is nothing left to do."""
    until(lambda: not witness.step())
    return witness


def again(witness: Witness, **changes: object) -> Witness:
    """Give the witness after a restart: it knows what is in its file."""
    return replace(witness, **changes)  # type: ignore[arg-type]  # a test names its fields itself


def statements(world: World) -> list[StatementRecord]:
    with world.database.read() as session:
        return list(
            session.scalars(
                select(StatementRecord)
                .where(StatementRecord.primary_type == "CheckpointWitness")
                .order_by(StatementRecord.id)
            )
        )


def altered_state(witness: Witness, **changes: object) -> Witness:
    """Give the witness after a restart with another memory."""
    key = witness.signer.key_id.hex()
    witness.file.save(replace(witness.file.load(key), **changes))  # type: ignore[arg-type]  # as in `again`
    return again(witness)


def test_a_checkpoint_that_continues_is_witnessed_on_the_chain(sqlite_world: World, witness: Witness) -> None:
    world, sizes = sqlite_world, []
    for leaves in (3, 1, 300):
        sizes.append(anchored(world, leaves=leaves))
        exhausted(again(witness))
        world.drive()
    with world.database.read() as session:
        rows = session.scalars(select(LedgerWitness).order_by(LedgerWitness.size)).all()
        roots = dict(session.execute(select(LedgerCheckpoint.size, LedgerCheckpoint.root)).all())
    assert [(row.size, row.root, row.organisation) for row in rows] == [
        (size, roots[size], id_bytes(MEMBER)) for size in sizes
    ]
    assert {record.state for record in statements(world)} == {StatementState.RECORDED}
    state = witness.file.load(witness.signer.key_id.hex())
    assert (state.size, state.root, state.delivered) == (sizes[-1], roots[sizes[-1]], True)
    assert state.unlogged == frozenset()


def test_records_of_decisions_are_found_on_the_own_node(sqlite_world: World, witness: Witness) -> None:
    sqlite_world.activate([(1, "KGM", 5_000_000)])  # three statements, a leaf each
    size = anchored(sqlite_world)
    exhausted(witness)
    sqlite_world.drive()
    assert [record.state for record in statements(sqlite_world)] == [StatementState.RECORDED]
    assert witness.file.load(witness.signer.key_id.hex()).size == size


@pytest.mark.parametrize("point", ["witness.signed", "witness.delivered"])
def test_what_was_signed_is_what_is_handed_over_after_a_crash(
    sqlite_world: World, witness: Witness, point: str
) -> None:
    anchored(sqlite_world)
    with pytest.raises(Died):
        exhausted(again(witness, at=dying(point)))
    kept = witness.file.load(witness.signer.key_id.hex())
    assert kept.signed is not None
    assert not kept.delivered
    exhausted(again(witness))
    [record] = statements(sqlite_world)
    with sqlite_world.database.read() as session:
        [signed] = signatures_of(session, record)
    assert record.message == kept.signed["message"]
    assert signed.signature.hex() == kept.signed["signature"]


def test_leaves_that_do_not_give_the_root_are_refused(sqlite_world: World, witness: Witness) -> None:
    anchored(sqlite_world)
    entry = json.dumps(["piste-evidence-v1", "test", str(uuid4()), "00" * 32, 1])
    for leaf in (entry.encode(), b"no leaf at all", b"[1, 2]"):
        with pytest.raises(LogRefused):
            exhausted(again(witness, log=Altered(sqlite_world, leaf)))
    assert statements(sqlite_world) == []


def test_a_record_that_is_no_event_is_refused(sqlite_world: World, witness: Witness) -> None:
    with sqlite_world.database.write() as session:
        append_leaf(
            session, kind="record", subject=uuid4(), content_hash=b"\x07" * 32, now=sqlite_world.clock.now()
        )
    anchored(sqlite_world)
    with pytest.raises(LogRefused, match="no final event"):
        exhausted(witness)
    assert statements(sqlite_world) == []


def test_forks_and_shrinking_are_refused(sqlite_world: World, witness: Witness) -> None:
    size = anchored(sqlite_world)
    exhausted(witness)
    for changes in ({"root": b"\x01" * 32}, {"size": size + 1}):
        with pytest.raises(LogRefused):
            exhausted(altered_state(witness, **changes))
        altered_state(witness, size=size, root=witness.file.load(witness.signer.key_id.hex()).anchored[1])
    peaks = witness.file.load(witness.signer.key_id.hex()).peaks
    anchored(sqlite_world)
    with pytest.raises(LogRefused, match="do not give"):
        exhausted(altered_state(witness, peaks=(b"\x02" * 32, *peaks[1:])))
    assert len(statements(sqlite_world)) == 1


def test_it_waits_for_leaves_and_for_its_key(sqlite_world: World, witness: Witness) -> None:
    anchored(sqlite_world)
    exhausted(again(witness, log=Away()))
    exhausted(again(witness, admitted=lambda: False))
    assert statements(sqlite_world) == []
    assert not is_witness(sqlite_world.database, sqlite_world.people["log"].key_id)
    assert not is_witness(sqlite_world.database, bytes(32))


def test_a_damaged_memory_signs_nothing(witness: Witness, tmp_path: Path) -> None:
    path = tmp_path / "witnesses" / "one.json"
    path.parent.mkdir()
    good = WitnessState(witness.signer.key_id.hex()).to_json()
    for data in (b"", b"{}", b"[]", json.dumps(good | {"format": "2"}), json.dumps(good | {"key": "00"})):
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        with pytest.raises(StateUnreadable):
            again(witness).step()


@given(st.integers(1, 300))
def test_the_peaks_are_the_tree(size: int) -> None:
    peaks = list[bytes]()
    hashes = [merkle.leaf_hash(place.to_bytes(2, "big")) for place in range(size)]
    for place, leaf in enumerate(hashes):
        _grow(peaks, place, leaf)
    assert _root(peaks) == merkle.root_of(hashes)
    assert len(peaks) == size.bit_count()


def test_the_process_plays_the_founding_members_of_a_demonstration(
    sqlite_world: World, data_dir: Path
) -> None:
    world, stop = sqlite_world, threading.Event()
    settings = Settings(
        data_dir=data_dir,
        database_url=world.database.address,
        node_url=world.chain.url,
        finality="immediate",
        demo=True,
    )
    world.deployment.save(deployment_file(data_dir))
    process = threading.Thread(target=run, args=(settings, stop))
    process.start()
    try:
        until(lambda: len(key_store(data_dir).names()) == len(FOUNDERS))
        keys = witness_signers(data_dir)
        world.change(
            organisations=[organisation(founder.organisation, Role.WITNESS) for founder in FOUNDERS],
            grants=[
                key_grant(founder.organisation, founder.organisation, key.signer, Role.WITNESS)
                for founder, key in zip(FOUNDERS, keys, strict=True)
            ],
        )
        world.drive()
        anchored(world)
        until(lambda: len(statements(world)) == len(FOUNDERS))
        world.drive()
    finally:
        stop.set()
        process.join()
    with world.database.read() as session:
        found = session.scalars(select(LedgerWitness.organisation)).all()
    assert sorted(found) == sorted(id_bytes(founder.organisation) for founder in FOUNDERS)
