"""A ledger with one of everything, for tests that compare it with the chain."""

from __future__ import annotations

from uuid import UUID, uuid4

from ledger.evidence.log import append_leaf, log_size, request_checkpoint
from ledger.models import StatementState
from ledger.statements import NoteItem, id_bytes
from tests.ledger.world import RETURN, World, proofs_of, until


def one_of_everything(world: World) -> dict[str, UUID]:
    """Carry a certificate, a declaration, a note and a checkpoint through; leave a refusal and a statement waiting."""
    certificate, tree = world.activate([(1, "KGM", 5_000_000), (2, "C62", 3_000_000)])
    declaration, note = uuid4(), uuid4()
    world.enqueue(
        world.filing(declaration, [(certificate, 1, "KGM", 2_000_000)]),
        "broker",
        arguments=proofs_of(tree, 1),
    )
    world.drive()
    item = NoteItem(id_bytes(declaration), id_bytes(certificate), 1, 2_000_000)
    world.enqueue(world.opening(note, [item]), "broker")
    world.enqueue(world.approval(note), "documents")
    world.enqueue(world.passage(note, 1), "gate", arguments={"items": 1})
    world.enqueue(world.report(declaration), "inspector")
    world.drive()
    decision = world.decision(declaration, channel=3)
    world.enqueue(decision, "releasing", "releasing-2", arguments={"items": 1})
    # Refused: the certificate is active, there is nothing to return.
    world.enqueue(world.review(certificate, 1, verdict=RETURN), "committee")
    world.drive()
    assert world.count(StatementState.REFUSED) == 1
    anchor(world, declaration)
    world.enqueue(world.passage(note, 2), "gate")
    return {"certificate": certificate, "declaration": declaration, "note": note}


def anchor(world: World, subject: UUID, *, leaves: int = 5) -> None:
    """Write leaves and anchor a checkpoint over them."""
    with world.database.write() as session:
        for place in range(leaves):
            append_leaf(
                session, kind="test", subject=subject, content_hash=bytes([place]) * 32, now=world.clock.now()
            )
        request_checkpoint(session)
    log = world.log
    until(lambda: log.step() or log_done(world))
    log.step()
    world.drive()


def log_done(world: World) -> bool:
    """Tell whether every leaf has its place."""
    with world.database.read() as session:
        return log_size(session) > 0
