"""The ledger restored from the chain alone equals the original, table by table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from kernel.clock import unix
from kernel.database import Base, Database
from ledger.chain.calldata import normal_arguments, statements_in
from ledger.chain.replay import Replay
from ledger.consortium import key_grant
from ledger.evidence.log import leaf_data, log_size
from ledger.keys.roles import Role
from ledger.keys.signing import Secp256k1Signer
from ledger.models import (
    EvidenceLeaf,
    StatementRecord,
    StatementSignature,
)
from ledger.reconciliation.log_rebuilding import (
    Entry,
    EntryUnreadable,
    RootNotAnchored,
    entries_in,
    restore_leaves,
)
from ledger.reconciliation.rebuilding import (
    CHAIN_TABLES,
    NOT_ON_CHAIN,
    CaseOf,
    DatabaseNotEmpty,
    Rebuilding,
    check_empty,
    columns_of,
    final_block,
    subject_id,
)
from ledger.statements import Checkpoint
from tests.ledger.ledgers import one_of_everything
from tests.ledger.world import World


def rows_of(database: Database, model: type[Base]) -> list[dict[str, Any]]:
    """Give what the chain vouches for of a table, in an order that does not depend on ids."""
    names = set(columns_of(model)) - NOT_ON_CHAIN.get(model, frozenset()) - {"id", "statement_id"}
    with database.read() as session:
        query = select(model)
        if model is StatementRecord:
            query = query.where(StatementRecord.state.in_(("recorded", "refused")))
        if model is StatementSignature:
            query = query.join(StatementRecord).where(StatementRecord.state.in_(("recorded", "refused")))
        found = [{name: getattr(row, name) for name in names} for row in session.scalars(query)]
    for row in found:
        if "arguments" in row:
            row["arguments"] = normal_arguments(row["arguments"])
    return sorted(found, key=repr)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_the_chain_gives_equals_the_original(
    sqlite_world: World, fresh_database: Callable[[str], str], tmp_path: Path, kind: str
) -> None:
    world = sqlite_world
    one_of_everything(world)
    with world.database.read() as session:
        last = final_block(session)
    assert last is not None
    database = Database(fresh_database(kind), evidence=tmp_path / "restored")
    case = CaseOf("declaration", uuid4(), {"event": "test"})
    rebuilt = Rebuilding(
        world.chain, world.deployment, database, world.account.address, case_of=lambda _: case
    ).run(last)
    assert not rebuilt.unread
    assert (rebuilt.statements, rebuilt.refusals) == (11, 1)
    for model in CHAIN_TABLES:
        assert rows_of(database, model) == rows_of(world.database, model), model.__tablename__
    with database.read() as session:
        record = session.scalars(select(StatementRecord).limit(1)).one()
        assert (record.case_kind, record.case_id, record.intent) == (case.kind, case.case_id, case.intent)
        with pytest.raises(DatabaseNotEmpty):
            check_empty(session)
    assert world.database.evidence is not None
    leaves = restore_leaves(database, entries_in(world.database.evidence))
    with world.database.read() as session:
        assert leaves == log_size(session) >= 5
    placed = [row for row in rows_of(world.database, EvidenceLeaf) if row["position"] is not None]
    restored = rows_of(database, EvidenceLeaf)
    assert [{**row, "at": unix(row["at"])} for row in restored] == [
        {**row, "at": unix(row["at"])} for row in placed
    ]
    database.dispose()


def test_entries_that_the_chain_does_not_vouch_for_are_refused(
    sqlite_world: World, fresh_database: Callable[[str], str], tmp_path: Path
) -> None:
    world = sqlite_world
    one_of_everything(world)
    with world.database.read() as session:
        last = final_block(session) or 0
    assert world.database.evidence is not None
    entries = list(entries_in(world.database.evidence))

    def restored(changed: list[bytes]) -> None:
        database = Database(fresh_database("sqlite"), evidence=tmp_path / uuid4().hex)
        Rebuilding(world.chain, world.deployment, database).run(last)
        try:
            restore_leaves(database, changed)
        finally:
            database.dispose()

    with pytest.raises(RootNotAnchored):
        restored(entries[:-1])
    with pytest.raises(RootNotAnchored):
        restored([entries[1], entries[0], *entries[2:]])
    with pytest.raises(EntryUnreadable):
        restored([b"[]", *entries])
    entry = Entry.read(entries[0], 0)
    assert leaf_data(entry.kind, entry.subject, entry.content_hash, entry.at) == entries[0]


def test_statements_are_read_from_direct_calls_too(sqlite_world: World) -> None:
    world = sqlite_world
    signer = Secp256k1Signer.generate()
    world.change(grants=[key_grant(world.organisations["firm"], uuid4(), signer.signer, Role.BROKER)])
    world.drive()
    with world.database.read() as session:
        record = session.scalars(select(StatementRecord).order_by(StatementRecord.id.desc())).first()
    assert record is not None
    assert record.transaction_hash is not None
    sent = Replay(world.chain, world.deployment).transaction(record.transaction_hash)
    assert sent is not None
    (found,) = statements_in(sent.shown, world.deployment)
    assert found.digest == record.digest
    direct = {"to": world.deployment.address("Consortium"), "input": "0x" + found.call.hex()}
    assert statements_in(direct, world.deployment) == [found]
    assert statements_in({"to": None, "input": "0x00"}, world.deployment) == []
    assert statements_in({**direct, "input": "0x1234"}, world.deployment) == []
    assert statements_in({**direct, "input": direct["input"][:200]}, world.deployment) == []
    inbox = {"to": world.deployment.address("Inbox"), "input": "0x12345678"}
    assert statements_in(inbox, world.deployment) == []
    assert Replay(world.chain, world.deployment).transaction(bytes(32)) is None


def test_a_statement_about_no_case_gets_the_same_identifier_each_time() -> None:
    checkpoint = Checkpoint(size=5, root=bytes(32), signed_at=1)
    assert subject_id(checkpoint) == subject_id(checkpoint)
