"""The check of the ledger: an untouched database is clean, and every tampering is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Update, delete, func, inspect, select, text, update
from sqlalchemy.orm import Session

from kernel.database import Base, Database
from ledger.chain.client import Chain, LedgerUnavailable, NodeRefused
from ledger.chain.deployment import Deployment, DeploymentMissing
from ledger.chain.node import EmbeddedNode
from ledger.mirrors import MIRRORS, LedgerCheckpoint
from ledger.models import (
    ChainBlock,
    ChainEvent,
    LedgerTransaction,
    QueuePlace,
    StatementRecord,
    StatementSignature,
)
from ledger.proofs.lines import LineTree
from ledger.reconciliation.checking import NothingToCompare, Reconciliation
from ledger.reconciliation.differences import Difference, plain
from ledger.reconciliation.rebuilding import NOT_ON_CHAIN, columns_of
from ledger.recording.indexer import Indexer
from ledger.statements import GatePassage
from ledger.traffic import TransactionVersion
from tests.ledger.ledgers import one_of_everything
from tests.ledger.world import World, make_world

TABLES: tuple[type[Base], ...] = (
    ChainBlock,
    ChainEvent,
    LedgerTransaction,
    StatementRecord,
    StatementSignature,
    *MIRRORS,
)
FREE: dict[type[Base], frozenset[str]] = {
    **NOT_ON_CHAIN,
    StatementSignature: NOT_ON_CHAIN[StatementSignature] | {"statement_id"},
}
"""Columns that the chain says nothing of."""


def found(world: World, database: Database | None = None) -> list[Difference]:
    """Check, and give what was found."""
    checking = Reconciliation(world.chain, world.deployment, world.account.address)
    return list(checking.differences(database or world.database))


@pytest.fixture(scope="module")
def filled(node_chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a ledger with one of everything; a test works on a copy of its database."""
    from migrations import migrate  # noqa: PLC0415 - takes long to load

    address = f"sqlite:///{tmp_path_factory.mktemp('filled')}/ledger.db"
    migrate(address)
    world = make_world(node_chain, Database(address))
    one_of_everything(world)
    yield world
    world.database.dispose()


@pytest.fixture(scope="module")
def node_chain(chain: Chain) -> Chain:
    """Give the node of all tests."""
    return chain


@pytest.fixture
def copied(filled: World, tmp_path: Path) -> Iterator[World]:
    """Give the ledger with a copy of its database that the test may spoil."""
    target = tmp_path / "copy.db"
    with filled.database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql(f"VACUUM INTO '{target}'")
        connection.exec_driver_sql("BEGIN")
    database = Database(f"sqlite:///{target}")
    yield World(**{**vars(filled), "database": database})
    database.dispose()


def test_an_untouched_ledger_is_clean_on_every_database(world: World) -> None:
    one_of_everything(world)
    checking = Reconciliation(world.chain, world.deployment, world.account.address)
    assert list(checking.differences(world.database)) == []
    assert checking.checked.counts["statements"] == 12
    assert checking.checked.counts["ledger_lines"] == 1
    assert checking.checked.behind == 0
    assert not checking.checked.notices


def other(value: object) -> object:
    """Give another value of the same type."""
    if isinstance(value, datetime):
        return value.replace(year=2001)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return abs(value - 1)
    if isinstance(value, UUID):
        return UUID(int=value.int ^ 1)
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    return {**value, "more": "1"} if isinstance(value, dict) else "z" + str(value)[1:]


def test_a_value_changed_anywhere_is_named(copied: World) -> None:
    changed = set()
    with copied.database.write() as session:
        for model in TABLES:
            row = session.scalars(select(model).order_by(*inspect(model).primary_key).limit(1)).first()
            if row is None:
                continue
            told = told_by(model)
            for name in set(columns_of(model)) - FREE.get(model, frozenset()) - told:
                value = getattr(row, name)
                if value is not None:
                    changed.add((model.__tablename__, name))
                    setattr(row, name, other(value))
    assert len(changed) > 80
    named = {(one.where["table"], one.where.get("column")) for one in found(copied)}
    assert changed - named == set()


def told_by(model: type[Base]) -> set[str]:
    """Name the columns that tell a row from the others: change them and it is another row."""
    own = {"id", *(column.name for column in inspect(model).primary_key)}
    return own | {
        ChainEvent: {"block_number", "log_index"},
        LedgerTransaction: {"hash", "state"},
        StatementRecord: {"digest", "state", "log_index"},
        StatementSignature: {"statement_id", "position"},
        LedgerCheckpoint: {"size", "block_number"},
    }.get(model, set())


def test_a_deleted_row_is_named(copied: World) -> None:
    deleted = set()
    with copied.database.write() as session:
        session.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for model in reversed(TABLES):
            query = select(model).order_by(*inspect(model).primary_key).limit(1)
            if model is StatementSignature:
                # Not of the first statement, which goes as a whole.
                second = StatementSignature.position == 1
                query = query.where(second).order_by(None).order_by(StatementSignature.id.desc())
            row = session.scalars(query).first()
            if row is not None:
                deleted.add((model.__tablename__, f"{group_of(model)}.missing"))
                for also in dependents(row):
                    session.execute(also)
                session.delete(row)
                session.flush()
    assert len(deleted) >= 13
    assert deleted - {(one.where["table"], one.code) for one in found(copied)} == set()


def group_of(model: type[Base]) -> str:
    """Give the first part of the codes of a table's differences."""
    groups = {
        ChainBlock: "block",
        ChainEvent: "event",
        LedgerTransaction: "transaction",
        StatementRecord: "statement",
        StatementSignature: "signature",
    }
    return groups.get(model, "mirror")


def dependents(row: Base) -> list[Any]:
    """Give what must go before the database lets a row go."""
    if isinstance(row, ChainBlock):
        return [delete(ChainEvent).where(ChainEvent.block_number == row.number)]
    if isinstance(row, LedgerTransaction):
        carried = update(StatementRecord).where(StatementRecord.transaction_id == row.id)
        return [
            carried.values(transaction_id=None),
            delete(TransactionVersion).where(TransactionVersion.transaction_id == row.id),
        ]
    if isinstance(row, StatementRecord):
        return [
            delete(table).where(table.statement_id == row.id) for table in (StatementSignature, QueuePlace)
        ]
    return []


def test_a_forged_row_is_named(copied: World) -> None:
    added = set()
    with copied.database.write() as session:
        for model in TABLES:
            row = session.scalars(select(model).order_by(*inspect(model).primary_key).limit(1)).first()
            if row is not None:
                values = {name: getattr(row, name) for name in columns_of(model) if name != "id"}
                session.add(model(**values | forged(model, values, session)))
                added.add((model.__tablename__, f"{group_of(model)}.unknown"))
    assert len(added) >= 13
    assert added - {(one.where["table"], one.code) for one in found(copied)} == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (update(ChainBlock).values(is_final=False), "mirror.unknown"),
        (
            update(StatementRecord).where(StatementRecord.state == "queued").values(state="recorded"),
            "statement.unknown",
        ),
        (
            update(LedgerTransaction).values(hash=func.substr(LedgerTransaction.hash, 1, 31)),
            "transaction.unknown",
        ),
    ],
)
def test_a_bold_stroke_is_named(copied: World, change: Update, code: str) -> None:
    with copied.database.write() as session:
        if code == "mirror.unknown":
            newest = session.scalars(select(func.max(ChainBlock.number))).one()
            change = change.where(ChainBlock.number > newest - 3)
        session.execute(change)
    assert code in {one.code for one in found(copied)}


def forged(model: type[Base], values: dict[str, Any], session: Session) -> dict[str, Any]:
    """Give what makes a copy of a row another one."""
    if model is ChainBlock:
        number = session.scalars(select(func.min(ChainBlock.number))).one() - 1
        return {"number": number, "hash": other(values["hash"])}
    if model is ChainEvent:
        return {"log_index": values["log_index"] + 1000}
    if model is StatementSignature:
        return {"position": 5, "key_id": other(values["key_id"])}
    if model is StatementRecord:
        return {"digest": other(values["digest"])}
    if model is LedgerTransaction:
        return {"nonce": values["nonce"] + 1000, "hash": other(values["hash"])}
    changed = {}
    for column in inspect(model).primary_key:
        if column.name != "id":
            changed[column.name] = other(values[column.name])
    for unique in ("corrects",):
        if unique in values:
            changed[unique] = other(values[unique])
    return changed or {"size": values["size"] + 1}


def test_a_statement_is_held_against_itself_and_the_queue(copied: World) -> None:
    with copied.database.write() as session:
        waiting = session.scalars(select(StatementRecord).where(StatementRecord.state == "queued")).one()
        assert waiting.primary_type == GatePassage.primary_type
        session.execute(delete(QueuePlace).where(QueuePlace.statement_id == waiting.id))
        session.execute(
            update(StatementSignature)
            .where(StatementSignature.statement_id == waiting.id)
            .values(signature=b"\x01" * 65)
        )
        waiting.message = {**waiting.message, "gate": 1}
        waiting.required = 2
    assert {difference.code for difference in found(copied)} == {
        "statement.out-of-queue",
        "statement.signature-wrong",
        "statement.signature-missing",
        "statement.digest-differs",
    }


def test_a_statement_that_looks_undecided_is_named(copied: World) -> None:
    with copied.database.write() as session:
        record = session.scalars(
            select(StatementRecord).where(StatementRecord.primary_type == "ReleaseDecision")
        ).one()
        record.state = "sent"
        record.message = {"nonsense": 1}
    codes = {difference.code for difference in found(copied)}
    assert {"statement.missing", "statement.unnoticed", "statement.digest-differs"} <= codes


def test_a_statement_before_its_time_in_the_queue_is_named(copied: World) -> None:
    with copied.database.write() as session:
        record = session.scalars(select(StatementRecord).where(StatementRecord.state == "queued")).one()
        record.state = "collecting"
    assert [difference.code for difference in found(copied)] == ["queue.unknown"]


def test_what_others_sent_is_a_notice_and_no_difference(sqlite_world: World) -> None:
    stranger = make_stranger(sqlite_world)
    certificate = uuid4()
    stranger.enqueue(stranger.submission(certificate, LineTree(certificate, [(1, "KGM", 1)])), "broker")
    stranger.drive()
    indexer: Indexer = sqlite_world.indexer
    while indexer.step():
        pass
    checking = Reconciliation(sqlite_world.chain, sqlite_world.deployment, sqlite_world.account.address)
    assert list(checking.differences(sqlite_world.database)) == []
    assert checking.checked.notices == {"statements sent by others": 1}
    stranger.database.dispose()


def make_stranger(world: World) -> World:
    """Give somebody else's installation on the same contracts, with a sender of its own."""
    from eth_account import Account  # noqa: PLC0415 - the node's other user alone needs it

    database = Database(world.database.address + "-stranger")
    Base.metadata.create_all(database.engine)
    return World(**{**vars(world), "database": database, "account": Account.create()})


def test_a_node_that_is_away_is_never_equal(copied: World) -> None:
    away = World(**{**vars(copied), "chain": Chain("http://127.0.0.1:1", timeout_s=0.5)})
    with pytest.raises(LedgerUnavailable):
        found(away)


def test_another_chain_and_an_empty_database_cannot_be_checked(
    copied: World, sqlite_database: Database
) -> None:
    with pytest.raises(NothingToCompare):
        found(copied, sqlite_database)
    wrong = Deployment(1, copied.deployment.addresses, 0, copied.deployment.code_hashes)
    with pytest.raises(DeploymentMissing):
        found(World(**{**vars(copied), "deployment": wrong}))


def test_a_state_that_the_node_has_forgotten_is_no_answer(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World]
) -> None:
    world = world_on(own_node.chain)
    for _ in range(80):
        world.chain.request("evm_mine")
    with pytest.raises(NodeRefused):
        found(world)


def test_differences_are_told_in_words(copied: World) -> None:
    with copied.database.write() as session:
        session.execute(text("UPDATE ledger_lines SET committed = '" + "7".zfill(39) + "'"))
    first, *_ = found(copied)
    told = first.to_json()
    assert told["code"] == "mirror.differs"
    assert told["where"]["table"] == "ledger_lines"
    assert told["where"]["column"] == "committed"
    assert (told["here"], told["there"]) == (7, 2_000_000)
    assert told["words"]["zh"]
    assert told["next"]["en"]
    assert plain({"a": [1 << 60, None, b"\1"]}) == {"a": [str(1 << 60), None, "0x01"]}
