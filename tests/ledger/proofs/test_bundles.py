"""Bundles of decisions on a real chain: from signature to proof, and what a proof waits for meanwhile."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from kernel.errors import Text
from ledger.consortium import organisation
from ledger.evidence.records import RECORD_KIND, append_record, leaf_of
from ledger.keys.roles import Role
from ledger.keys.signing import Secp256k1Signer
from ledger.mirrors import LedgerCheckpoint
from ledger.models import EvidenceLeaf, StatementRecord
from ledger.proofs.anchors import FoundersNotTheseOnes, Founding, trust_anchor
from ledger.proofs.bundles import NoProofOfThis, build_bundle, standing_of
from ledger.proofs.lines import LineTree
from ledger.proofs.sealing import redacted_copy
from ledger.statements import CheckpointWitness
from ledger.verifier import Result, TrustAnchor, verify
from tests.ledger.world import World

NAME = Text("A test", "测试")


def founding(world: World) -> list[Founding]:
    return [
        Founding(bytes([place]) * 32, Text(f"Founder {place}", f"创始{place}"), key.signer)
        for place, key in enumerate(world.founders, 1)
    ]


def anchor_of(world: World, witnesses: int = 0) -> TrustAnchor:
    with world.database.read() as session:
        return TrustAnchor.from_bytes(
            trust_anchor(
                session,
                world.deployment,
                founding(world),
                threshold=2,
                witnesses=witnesses,
                name=NAME,
            )
        )


def proof(world: World, record: StatementRecord, **more: Any) -> bytes:  # noqa: ANN401 - as build_bundle takes them
    with world.database.read() as session:
        return build_bundle(
            session,
            world.deployment,
            record,
            signer=world.people["log"],
            now=world.clock.now(),
            **more,
        )


def judged(world: World, record: StatementRecord, *, demanded: int = 0, **more: Any) -> Result:  # noqa: ANN401 - passed on as given
    return verify(proof(world, record, witnesses=demanded, **more), anchor_of(world, demanded))


def submitted(world: World) -> StatementRecord:
    certificate = uuid4()
    tree = LineTree(certificate, [(1, "H87", 5)])
    return world.record(world.enqueue(world.submission(certificate, tree), "broker"))


def waits(world: World, record: StatementRecord, demanded: int = 0) -> str | None:
    with world.database.read() as session:
        found = standing_of(session, record, witnesses=demanded).waits_for(demanded)
        return found.en if found is not None else None


def witnessed(world: World) -> None:
    """Have the witness co-sign the last checkpoint."""
    with world.database.read() as session:
        last = session.scalars(select(LedgerCheckpoint).order_by(LedgerCheckpoint.size.desc())).first()
    assert last is not None
    world.take(CheckpointWitness(last.size, last.root, world.now()), "witness")


def test_a_proof_grows_with_the_ledger(sqlite_world: World) -> None:
    world = sqlite_world
    record = submitted(world)
    assert judged(world, record).reason == "not-recorded"
    assert waits(world, record) == "the ledger to record the decision"

    world.drive()
    record = world.record(record.digest)
    assert judged(world, record).reason == "no-checkpoint"
    assert waits(world, record) == "a checkpoint of the evidence log"

    world.log.step()
    world.drive()
    result = judged(world, record)
    assert result.reason == "valid"
    assert result.facts["record"]["blockNumber"] == record.block_number
    assert waits(world, record) is None
    assert judged(world, record, demanded=1).reason == "witnesses-missing"
    assert waits(world, record, demanded=1) == "1 more witnesses of the checkpoint"

    witnessed(world)
    assert judged(world, record, demanded=1).reason == "valid"
    assert waits(world, record, demanded=1) is None
    assert judged(world, record, lean=True).reason == "valid"
    strict = anchor_of(world, 1)
    copy = redacted_copy(
        proof(world, record, witnesses=1),
        {"contentHash": "0x" + "11" * 32, "fields": [], "proof": [], "size": 1},
        "public",
        deployment=world.deployment,
        signer=world.people["log"],
        now=world.clock.now(),
    )
    assert verify(copy, strict).reason == "malformed"


def test_a_revoked_key_is_revoked_in_the_next_trust_anchor_only_for_what_came_after(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    before = submitted(world)
    world.drive()
    world.change(revocations=[world.people["broker"].key_id])
    world.drive()
    world.log.step()
    world.drive()
    assert judged(world, world.record(before.digest)).reason == "valid"
    after = submitted(world)
    assert judged(world, after).reason == "key-revoked"


def test_every_recorded_statement_but_the_logs_own_has_one_leaf(sqlite_world: World) -> None:
    world = sqlite_world
    record = submitted(world)
    world.drive()
    world.log.step()
    world.drive()
    with world.database.write() as session:
        records = session.scalars(select(StatementRecord)).all()
        kinds = [leaf.kind for leaf in session.scalars(select(EvidenceLeaf))]
        own = [it for it in records if it.contract == "EvidenceLog"]
        assert len(own) == 1
        assert kinds.count(RECORD_KIND) == len(records) - len(own)
        leaf = leaf_of(session, world.record(record.digest))
        assert leaf is not None
        again = append_record(session, world.record(record.digest))
        assert again is not None
        assert again.id == leaf.id
        assert append_record(session, own[0]) is None
        assert leaf.at == world.record(record.digest).recorded_at
    with world.database.read() as session, pytest.raises(NoProofOfThis):
        standing_of(session, own[0])


def test_founders_who_did_not_sign_make_no_trust_anchor(sqlite_world: World) -> None:
    world = sqlite_world
    stranger = Founding(b"\7" * 32, NAME, Secp256k1Signer.generate().signer)
    with world.database.read() as session, pytest.raises(FoundersNotTheseOnes):
        trust_anchor(
            session,
            world.deployment,
            [stranger, *founding(world)[1:]],
            threshold=2,
            witnesses=0,
            name=NAME,
        )


def test_a_bundle_names_the_changes_that_its_keys_rest_on_and_no_others(sqlite_world: World) -> None:
    world = sqlite_world
    other = uuid4()
    world.change(organisations=[organisation(other, Role.GATE)])
    world.drive()
    record = submitted(world)
    world.drive()
    body = json.loads(proof(world, world.record(record.digest)))
    assert [change["message"]["sequence"] for change in body["changes"]] == ["1"]
    assert UUID(body["leaf"]["subject"]) == world.record(record.digest).case_id
