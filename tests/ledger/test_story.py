"""A whole story through outbox, relay, contracts and indexer: what the contracts took stands in the mirrors."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import select

from ledger.mirrors import LedgerCertificate, LedgerDecision, LedgerDeclaration, LedgerLine, LedgerNote
from ledger.models import StatementState
from ledger.statements import NoteItem, id_bytes
from tests.ledger.world import World, proofs_of


def test_a_certificate_is_drawn_noted_and_released(world: World) -> None:
    certificate, tree = world.activate([(1, "KGM", 5_000_000), (2, "C62", 3_000_000)])
    with world.database.read() as session:
        assert session.scalars(select(LedgerCertificate)).one().state == "active"
    declaration, note = uuid4(), uuid4()
    filed = world.take(
        world.filing(declaration, [(certificate, 1, "KGM", 2_000_000)]),
        "broker",
        arguments=proofs_of(tree, 1),
    )
    assert filed.state == StatementState.RECORDED, filed.refusal
    item = NoteItem(id_bytes(declaration), id_bytes(certificate), 1, 2_000_000)
    for statement, who in (
        (world.opening(note, [item]), "broker"),
        (world.approval(note), "documents"),
        (world.passage(note, 1), "gate"),
        (world.passage(note, 2), "gate"),
    ):
        taken = world.take(statement, who)
        assert taken.state == StatementState.RECORDED, taken.refusal
    released = world.take(world.decision(declaration), "releasing")
    assert released.state == StatementState.RECORDED, released.refusal
    assert released.block_number is not None
    assert released.transaction_hash is not None
    with world.database.read() as session:
        line = session.scalars(select(LedgerLine)).one()
        assert (line.reserved, line.committed) == (0, 2_000_000)
        assert session.scalars(select(LedgerDeclaration)).one().state == "released"
        assert session.scalars(select(LedgerNote)).one().state == "passed"
        assert session.scalars(select(LedgerDecision)).one().statement == released.digest
    assert [verdict for verdict, _ in world.sink.heard] == ["recorded"] * 10
