"""Calls: every statement fits the gas that it is allotted, with room to spare."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from ledger.chain.calls import (
    INTAKES,
    MOST_TRANSACTION_GAS,
    InboxCall,
    StatementNotForChain,
    call_of,
    check_size,
    gas_of,
    most_call_gas,
    transaction_gas,
)
from ledger.consortium import key_grant, organisation
from ledger.evidence.log import append_leaf, request_checkpoint
from ledger.keys.roles import Role
from ledger.keys.signing import sign_with
from ledger.models import StatementRecord
from ledger.outbox import signatures_of
from ledger.proofs.lines import LineTree
from ledger.statements import (
    STATEMENT_TYPES,
    CertificateRevocation,
    CheckNoteVoiding,
    ConsortiumChange,
    DeclarationWithdrawal,
    Disposition,
    Evidence,
    NoteItem,
    Statement,
    digest,
    id_bytes,
)
from tests.ledger.world import COMMITTEE, CUSTOMS, RED, World, proofs_of

MOST_SHARE = 0.8


def estimate(world: World, call: InboxCall) -> int:
    """Ask the node what a call would use."""
    data = "0x" + call.data.hex()
    return int(world.chain.request("eth_estimateGas", {"to": call.target, "data": data}), 16)


MEASURED_ELSEWHERE = {
    "ConsortiumChange",
    "Checkpoint",
    # in test_projections.py
    "CertificateDelegation",
    "CheckpointWitness",
    "DecisionCorrection",
    "FounderReplacement",
    "ReleaseRule",
    "ReleaseRuleRepeal",
}


def test_every_statement_fits_its_gas(sqlite_world: World) -> None:
    """The node's own estimate, for the largest of each kind, stays well below what the relay allots."""
    world = sqlite_world
    shares: dict[str, float] = {}

    def take(statement: Statement, *names: str, arguments: dict[str, Any] | None = None) -> None:
        call = call_of(statement, world.signed(statement, *names), arguments, world.deployment)
        kind = statement.primary_type
        shares[kind] = max(shares.get(kind, 0), estimate(world, call) / call.gas)
        record = world.take(statement, *names, arguments=arguments)
        assert record.state == "recorded", record.refusal

    certificate, declaration, note = uuid4(), uuid4(), uuid4()
    tree = LineTree(certificate, [(line, "KGM", 1000) for line in range(5000)])
    take(world.submission(certificate, tree), "broker")
    take(world.review(certificate, COMMITTEE), "committee")
    take(world.review(certificate, CUSTOMS), "documents")
    lines = range(40)
    for version in (1, 2):
        drawn = [(certificate, line + 40 * version, "KGM", 10) for line in lines]
        take(
            world.filing(declaration, drawn, version=version),
            "broker",
            arguments=proofs_of(tree, *(line + 40 * version for line in lines)),
        )
    items = [NoteItem(id_bytes(declaration), id_bytes(certificate), line + 80, 10) for line in lines]
    take(world.opening(note, items), "broker")
    take(world.approval(note), "documents")
    take(world.passage(note, 1), "gate")
    voided = uuid4()
    take(world.opening(voided, []), "broker")
    take(CheckNoteVoiding(id_bytes(voided), bytes(32), world.now()), "broker")
    take(world.report(declaration, version=2), "inspector")
    take(Disposition(id_bytes(declaration), 2, 1, 4, bytes(32), world.now()), "releasing")
    take(world.decision(declaration, version=2, channel=RED), "releasing", "releasing-2")
    withdrawn = uuid4()
    take(world.filing(withdrawn, [(certificate, 1, "KGM", 1)]), "broker", arguments=proofs_of(tree, 1))
    take(DeclarationWithdrawal(id_bytes(withdrawn), 1, bytes(32), world.now()), "broker")
    take(CertificateRevocation(id_bytes(certificate), 1, bytes(32), world.now()), "documents")
    assert max(shares.values()) < MOST_SHARE, shares
    assert shares.keys() == INTAKES.keys() - MEASURED_ELSEWHERE


def test_changes_and_checkpoints_fit_their_gas(sqlite_world: World) -> None:
    world = sqlite_world
    change = ConsortiumChange(
        2,
        tuple(organisation(uuid4(), Role.BROKER) for _ in range(3)),
        tuple(
            key_grant(world.organisations["firm"], uuid4(), place.to_bytes(20, "big"), Role.BROKER)
            for place in range(1, 20)
        ),
        (world.people["rival"].key_id,),
    )
    name = digest(change, world.deployment)
    call = call_of(change, [sign_with(key, name) for key in world.founders[:2]], None, world.deployment)
    assert estimate(world, call) / call.gas < MOST_SHARE
    with world.database.write() as session:
        for place in range(1000):
            append_leaf(
                session, kind="test", subject=uuid4(), content_hash=place.to_bytes(32), now=world.clock.now()
            )
    for _ in range(2):
        world.log.step()
        world.drive()
        with world.database.write() as session:
            append_leaf(session, kind="test", subject=uuid4(), content_hash=bytes(32), now=world.clock.now())
            request_checkpoint(session)
    world.log.step()
    with world.database.read() as session:
        last = session.scalars(select(StatementRecord).order_by(StatementRecord.id.desc()).limit(1)).one()
        call = call_of(last.statement(), signatures_of(session, last), last.arguments, world.deployment)
    assert estimate(world, call) / call.gas < MOST_SHARE


def test_every_kind_but_evidence_has_a_call() -> None:
    assert INTAKES.keys() == STATEMENT_TYPES.keys() - {"Evidence"}
    with pytest.raises(StatementNotForChain):
        check_size(Evidence(bytes(32), bytes(32), bytes(32), 0), 1)


def test_a_second_try_gets_all_that_a_transaction_holds(sqlite_world: World) -> None:
    statement = sqlite_world.review(uuid4(), COMMITTEE)
    signatures = sqlite_world.signed(statement, "committee")
    first = gas_of(statement, signatures)
    assert gas_of(statement, signatures, attempts=1) == most_call_gas() > first
    call = InboxCall("0x" + "11" * 20, most_call_gas(), bytes(32), b"\1" * 20_000)
    assert transaction_gas([call]) <= MOST_TRANSACTION_GAS
