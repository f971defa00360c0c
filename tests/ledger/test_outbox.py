"""The outbox: written with the decision, ready when signed by enough, never twice."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from kernel.database import Database
from kernel.errors import Kind, NotFound
from ledger.columns import Uint
from ledger.consortium import key_grant, next_sequence, organisation
from ledger.keys.keystore import KeyNameWrong, KeyStore, _create
from ledger.keys.roles import ROLE_WORDS, Role
from ledger.keys.signing import verify_signature
from ledger.models import QueuePlace, StatementRecord, StatementState
from ledger.outbox import (
    SignatureNotAwaited,
    StatementRepeated,
    add_signature,
    enqueue_statement,
    signatures_of,
    statement_by_digest,
    waiting,
    withdraw_collecting,
)
from ledger.proofs.lines import LineTree
from ledger.statements import digest, id_bytes
from tests.ledger.world import LATER, RED, World, proofs_of


def test_a_statement_waits_for_its_second_signature(world: World) -> None:
    certificate, tree = world.activate([(1, "KGM", 10)])
    declaration = uuid4()
    world.take(
        world.filing(declaration, [(certificate, 1, "KGM", 1)]), "broker", arguments=proofs_of(tree, 1)
    )
    world.take(world.report(declaration), "inspector")
    decision = world.decision(declaration, channel=RED)
    name = world.enqueue(decision, "releasing", required=2)
    world.drive()
    assert world.record(name).state == StatementState.COLLECTING
    first, second = world.signed(decision, "releasing", "releasing-2")
    with world.database.write() as session:
        record = statement_by_digest(session, name)
        assert record is not None
        assert waiting(session) == (0, None)
        with pytest.raises(SignatureNotAwaited) as caught:
            add_signature(session, record, first, now=world.clock.now())
        assert caught.value.kind is Kind.CONFLICT
        updated = add_signature(session, record, second, now=world.clock.now())
        assert updated.state == StatementState.QUEUED
        assert waiting(session) == (1, updated.queued_at)
        with pytest.raises(SignatureNotAwaited):
            add_signature(session, record, world.signed(decision, "gate")[0], now=world.clock.now())
        assert [given.key_id for given in signatures_of(session, record)] == [first.key_id, second.key_id]
    world.drive()
    assert world.record(name).state == StatementState.RECORDED


def test_a_statement_that_still_collects_can_be_taken_back(world: World) -> None:
    decision = world.decision(uuid4(), channel=RED)
    name = world.enqueue(decision, "releasing", required=2)
    with world.database.write() as session:
        record = statement_by_digest(session, name)
        assert record is not None
        withdraw_collecting(session, record)
    again = world.enqueue(decision, "releasing", "releasing-2")
    assert again == name
    with world.database.write() as session:
        record = statement_by_digest(session, name)
        assert record is not None
        with pytest.raises(SignatureNotAwaited):
            withdraw_collecting(session, record)
    world.drive()
    assert world.sink.refusals[name].error_name == "ReleaseDecisionsNotFiled"


def test_the_same_statement_twice_is_refused(world: World) -> None:
    certificate = uuid4()
    statement = world.submission(certificate, LineTree(certificate, [(1, "KGM", 1)]))
    name = world.enqueue(statement, "broker")
    with pytest.raises(StatementRepeated) as caught:
        world.enqueue(statement, "broker")
    assert name.hex() in caught.value.words().en
    record = world.record(name)
    assert record.statement() == statement
    assert (record.subject, record.contract) == (id_bytes(certificate), "MaterialCertificates")


def test_a_decision_that_is_undone_leaves_no_statement(world: World) -> None:
    certificate = uuid4()
    statement = world.submission(certificate, LineTree(certificate, [(1, "KGM", 1)]))

    def decide() -> None:
        with world.database.write() as session:
            enqueue_statement(
                session,
                statement,
                world.deployment,
                signatures=world.signed(statement, "broker"),
                case_kind="test",
                case_id=certificate,
                intent={},
                now=world.clock.now(),
            )
            raise NotFound(what="anything", name="at all")

    with pytest.raises(NotFound):
        decide()
    with world.database.read() as session:
        assert statement_by_digest(session, digest(statement, world.deployment)) is None
        places = session.scalars(select(QueuePlace.statement_id)).all()
        assert len(places) == len(session.scalars(select(StatementRecord.id)).all())


def test_changes_of_the_consortium_are_numbered(world: World) -> None:
    firm, officer = uuid4(), uuid4()
    with world.database.read() as session:
        assert next_sequence(session) == 2
    world.change(organisations=[organisation(firm, Role.BROKER, valid_until=LATER)])
    with world.database.read() as session:
        assert next_sequence(session) == 3
    signer = world.people["rival"]
    grant = key_grant(firm, officer, b"\x17" * 20, Role.BROKER, valid_from=5)
    world.change(grants=[grant])
    world.drive()
    assert world.sink.heard[-1][0] == "recorded"
    few = world.change(organisations=[organisation(uuid4(), Role.AUDITOR)], founders=1)
    world.drive()
    assert world.sink.refusals[few].error_name == "ConsortiumSignaturesMissing"
    with world.database.read() as session:
        assert next_sequence(session) == 4
    assert len(signer.key_id) == 32


def test_wide_numbers_survive_on_every_database(database: Database) -> None:
    column = Uint(256)
    dialect = database.engine.dialect
    for value in (0, 1, (1 << 256) - 1):
        assert column.process_result_value(column.process_bind_param(value, dialect), dialect) == value
    assert column.process_bind_param(None, dialect) is None
    assert column.process_result_value(None, dialect) is None
    small, large = (column.process_bind_param(value, dialect) or "" for value in (9, 10))
    assert small < large
    for value in (-1, 1 << 256):
        with pytest.raises(ValueError, match="uint256"):
            column.process_bind_param(value, dialect)


def test_every_role_has_words_and_a_bit_of_its_own() -> None:
    assert set(ROLE_WORDS) == set(Role)
    assert sum(Role) == 16383


def test_keys_are_made_once_and_only_their_owner_can_read_them(sqlite_world: World, data_dir: Path) -> None:
    folder = data_dir / "keys"
    store, again = KeyStore(folder), KeyStore(folder)
    deployment = sqlite_world.deployment
    assert store.names() == []
    assert not store.holds("relay")
    secp = store.secp256k1("relay")
    assert again.secp256k1("relay").secret == secp.secret
    assert again.account("relay").address[2:].lower() == secp.signer.hex()
    p256 = store.p256("gate-1", deployment)
    assert again.p256("gate-1", deployment).signer == p256.signer
    passkey = store.passkey("demo.broker", rp_id="localhost", origin="http://localhost:8700")
    same = again.passkey("demo.broker", rp_id="elsewhere", origin="http://elsewhere")
    assert (same.credential_id, same.rp_id) == (passkey.credential_id, "localhost")
    for signer in (secp, p256, passkey.signer_on(deployment)):
        assert verify_signature(signer.signer, b"\1" * 32, signer.sign(b"\1" * 32), deployment)
    assert store.names() == ["demo.broker", "gate-1", "relay"]
    assert store.holds("relay")
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    with pytest.raises(KeyNameWrong):
        store.p256("relay", deployment)
    for name in ("", "../relay", "Relay", "a/b", "x" * 99):
        with pytest.raises(KeyNameWrong):
            store.secp256k1(name)


def test_two_processes_that_make_a_key_get_the_same(data_dir: Path) -> None:
    folder = data_dir / "keys"
    first = KeyStore(folder).secp256k1("relay")
    _create(folder / "relay.json", {"kind": "secp256k1", "secret": "00" * 31 + "01"})
    assert KeyStore(folder).secp256k1("relay").secret == first.secret
    assert len(list(folder.iterdir())) == 1
