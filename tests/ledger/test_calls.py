"""Calls: every statement fits the gas that it is allotted, with room to spare."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from ledger.calls import (
    FUNCTIONS,
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
from ledger.lines import LineTree
from ledger.roles import Role
from ledger.signing import SignedBy
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
    id_bytes,
)
from tests.ledger.world import COMMITTEE, CUSTOMS, RED, World, proofs_of


def test_every_statement_fits_its_gas(sqlite_world: World) -> None:
    """The node's own estimate, for the largest of each kind, stays well below what the relay allots."""
    world = sqlite_world
    shares: dict[str, float] = {}

    def take(statement: Statement, *names: str, arguments: dict[str, Any] | None = None) -> None:
        call = call_of(statement, world.signed(statement, *names), arguments, world.deployment)
        used = world.chain.request(
            "eth_estimateGas",
            {"from": world.account.address, "to": call.target, "data": "0x" + call.data.hex()},
        )
        kind = statement.primary_type
        shares[kind] = max(shares.get(kind, 0), int(used, 16) / call.gas)
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
    change = ConsortiumChange(
        2,
        tuple(organisation(uuid4(), Role.BROKER) for _ in range(3)),
        tuple(
            key_grant(world.organisations["firm"], uuid4(), place.to_bytes(20, "big"), Role.BROKER)
            for place in range(1, 20)
        ),
        (world.people["rival"].key_id,),
    )
    signatures = [SignedBy(key.signer, key.sign(bytes(32))) for key in world.founders[:2]]
    assert gas_of(change, signatures) > 19 * 150_000
    assert max(shares.values()) < 0.8, shares
    assert shares.keys() == FUNCTIONS.keys() - {"ConsortiumChange", "Checkpoint"}


def test_every_kind_but_evidence_has_a_call() -> None:
    assert FUNCTIONS.keys() == STATEMENT_TYPES.keys() - {"Evidence"}
    with pytest.raises(StatementNotForChain):
        check_size(Evidence(bytes(32), bytes(32), bytes(32), 0), 1)


def test_gas_grows_with_each_try_up_to_what_a_transaction_holds(sqlite_world: World) -> None:
    statement = sqlite_world.review(uuid4(), COMMITTEE)
    signatures = sqlite_world.signed(statement, "committee")
    first = gas_of(statement, signatures)
    assert gas_of(statement, signatures, attempts=1) == 2 * first
    assert gas_of(statement, signatures, attempts=20) == most_call_gas()
    call = InboxCall("0x" + "11" * 20, most_call_gas(), bytes(32), b"\1" * 20_000)
    assert transaction_gas([call]) <= MOST_TRANSACTION_GAS
