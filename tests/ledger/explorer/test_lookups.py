"""The explorer's look-ups and the verification of single statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from kernel.errors import NotFound
from ledger.chain.client import Chain
from ledger.chain.deployment import Deployment
from ledger.chain.finality import DepthFinality
from ledger.chain.node import EmbeddedNode
from ledger.contracts import CONTRACT_NAMES, load_artifact
from ledger.evidence.log import append_leaf, log_size, request_checkpoint, root_at
from ledger.explorer import lookups as explorer
from ledger.explorer.explored import EVENT_WORDS, EventView, Link, StatementView
from ledger.mirrors import LedgerCheckpoint
from ledger.models import ChainBlock, ChainEvent, EvidenceLeaf, StatementRecord, StatementSignature
from ledger.proofs.lines import LineTree
from ledger.proofs.verification import SIGNING_ROLES, Verdict, Verification, verify_record
from ledger.statements import STATEMENT_TYPES
from tests.ledger.ledgers import one_of_everything
from tests.ledger.world import COMMITTEE, World, until


def submit(world: World) -> bytes:
    certificate = uuid4()
    record = world.take(world.submission(certificate, LineTree(certificate, [(1, "KGM", 1)])), "broker")
    assert record.state == "recorded"
    return record.digest


def test_every_event_has_words() -> None:
    declared = {
        item["name"]
        for contract in CONTRACT_NAMES
        for item in load_artifact(contract).abi
        if item["type"] == "event" and item["name"] != "EIP712DomainChanged"
    }
    assert declared == EVENT_WORDS.keys()


def test_a_statement_is_found_from_everywhere(world: World) -> None:
    name = submit(world)
    record = world.record(name)
    with world.database.read() as session:
        view = explorer.statement(session, world.deployment, name)
        assert view.words.zh == "提交物资证明函"
        assert [event.name for event in view.events] == ["StatementRecorded", "CertificateSubmitted"]
        assert view.signatures[0].officer_id == world.officers["broker"]
        assert view.signatures[0].organisation_id == world.organisations["firm"]
        by_kind = {link.kind: link.reference for link in view.links}
        block = explorer.block(session, world.deployment, int(by_kind["block"]))
        assert block.is_final
        assert block.events == view.events
        assert Link("transaction", by_kind["transaction"]) in block.links
        assert Link("block", str(block.number - 1)) in block.links
        transaction = explorer.transaction(session, world.deployment, record.transaction_hash or b"")
        assert transaction.statements == (view.digest,)
        case = explorer.case(session, world.deployment, record.case_id)
        assert case.statements == (view,)
        assert {link.kind for event in case.events for link in event.links} == {
            "block",
            "transaction",
            "statement",
            "key",
            "case",
        }
        key = explorer.key(session, world.deployment, world.people["broker"].key_id)
        assert [event.name for event in key.events] == ["KeyGranted", "StatementRecorded"]
        assert key.revoked_at_block is None
        assert explorer.newest_blocks(session, world.deployment)[0] == block
        older = explorer.newest_blocks(session, world.deployment, before=block.number, most=1)
        assert older[0].number < block.number
        assert explorer.counts(session)["statements_recorded"] == 2


def test_a_refusal_is_shown_with_its_reason(world: World) -> None:
    refused = world.take(world.review(uuid4(), COMMITTEE), "committee")
    with world.database.read() as session:
        view = explorer.statement(session, world.deployment, refused.digest)
        assert view.refusal is not None
        assert view.refusal.error_name == "MaterialCertificatesStateWrong"
        assert [event.name for event in view.events] == ["StatementRefused"]


def test_what_somebody_types_is_found(world: World) -> None:
    name = submit(world)
    record = world.record(name)
    assert record.transaction_hash is not None
    assert record.block_hash is not None
    key = world.people["broker"].key_id
    with world.database.read() as session:
        for text, link in (
            (f" {record.block_number} ", Link("block", str(record.block_number))),
            ("0x" + name.hex().upper().replace("0X", ""), Link("statement", "0x" + name.hex())),
            (record.transaction_hash.hex(), Link("transaction", "0x" + record.transaction_hash.hex())),
            ("0x" + record.block_hash.hex(), Link("block", str(record.block_number))),
            ("0x" + key.hex(), Link("key", "0x" + key.hex())),
            (str(record.case_id), Link("case", str(record.case_id))),
        ):
            assert explorer.find(session, text) == link
        for nothing in ("", "999999999", "9" * 99, "0x" + "12" * 32, str(uuid4()), "<script>", "١٢"):
            with pytest.raises(NotFound):
                explorer.find(session, nothing)
        for look in (
            lambda: explorer.block(session, world.deployment, 1 << 40),
            lambda: explorer.transaction(session, world.deployment, bytes(32)),
            lambda: explorer.statement(session, world.deployment, bytes(32)),
            lambda: explorer.case(session, world.deployment, uuid4()),
            lambda: explorer.key(session, world.deployment, bytes(32)),
        ):
            with pytest.raises(NotFound):
                look()


def verdicts(verification: Verification) -> dict[str, str]:
    return {check.name: check.verdict.value for check in verification.checks}


def verify(world: World, name: bytes, **other: Deployment) -> Verification:
    deployment = other.get("deployment", world.deployment)
    with world.database.read() as session:
        record = session.scalars(select(StatementRecord).where(StatementRecord.digest == name)).one()
        return verify_record(session, world.chain, deployment, record)


def anchor(world: World) -> None:
    """Anchor a checkpoint over every leaf there is."""
    with world.database.write() as session:
        request_checkpoint(session)
    world.log.step()
    world.drive()


def test_a_recorded_statement_verifies(world: World) -> None:
    name = submit(world)
    case_id = world.record(name).case_id
    # Its own record is a leaf, and not anchored yet.
    assert verdicts(verify(world, name))["evidence"] == "open"
    anchor(world)
    assert verify(world, name).verdict is Verdict.PASSED
    with world.database.write() as session:
        for place in range(3):
            append_leaf(
                session,
                kind="history",
                subject=case_id,
                content_hash=bytes([place] * 32),
                now=world.clock.now(),
            )
    waiting = verify(world, name)
    assert verdicts(waiting)["evidence"] == "open"
    assert waiting.verdict is Verdict.OPEN
    anchor(world)
    done = verify(world, name)
    assert done.verdict is Verdict.PASSED
    assert set(verdicts(done)) == {"statement", "signatures", "keys", "chain", "finality", "evidence"}
    assert all(check.words.en and check.words.zh for check in done.checks)
    with world.database.read() as session:
        changes = session.scalars(
            select(StatementRecord.digest).where(StatementRecord.primary_type == "ConsortiumChange")
        ).all()
    assert verify(world, changes[0]).verdict is Verdict.PASSED


def test_a_later_revocation_does_not_undo_what_was_signed_before(world: World) -> None:
    name = submit(world)
    world.change(revocations=[world.people["broker"].key_id])
    world.drive()
    anchor(world)
    assert verify(world, name).verdict is Verdict.PASSED


def change_message(world: World, name: bytes) -> None:
    with world.database.write() as session:
        record = session.scalars(select(StatementRecord).where(StatementRecord.digest == name)).one()
        record.message = {**record.message, "validUntil": "4000000001"}


def break_message(world: World, name: bytes) -> None:
    with world.database.write() as session:
        record = session.scalars(select(StatementRecord).where(StatementRecord.digest == name)).one()
        record.message = {"nothing": 1}


def change_signature(world: World, name: bytes) -> None:
    with world.database.write() as session:
        session.execute(update(StatementSignature).values(signature=b"\1" * 65))


def change_signer(world: World, name: bytes) -> None:
    """Somebody else signed the same words; the chain knows better."""
    [signed] = world.signed(world.record(name).statement(), "gate")
    with world.database.write() as session:
        record = session.scalars(select(StatementRecord).where(StatementRecord.digest == name)).one()
        session.execute(
            update(StatementSignature)
            .where(StatementSignature.statement_id == record.id)
            .values(signer=signed.signer, signature=signed.signature, key_id=signed.key_id)
        )


def change_signer_to_nobody(world: World, name: bytes) -> None:
    founder = world.founders[0]
    with world.database.write() as session:
        record = session.scalars(select(StatementRecord).where(StatementRecord.digest == name)).one()
        session.execute(
            update(StatementSignature)
            .where(StatementSignature.statement_id == record.id)
            .values(signer=founder.signer, signature=founder.sign(name), key_id=founder.key_id)
        )


def change_block(world: World, name: bytes) -> None:
    with world.database.write() as session:
        session.execute(
            update(StatementRecord).where(StatementRecord.digest == name).values(block_hash=b"\1" * 32)
        )


def change_place(world: World, name: bytes) -> None:
    with world.database.write() as session:
        session.execute(update(StatementRecord).where(StatementRecord.digest == name).values(log_index=77))


def change_leaf(world: World, name: bytes) -> None:
    with world.database.write() as session:
        append_leaf(
            session,
            kind="history",
            subject=world.record(name).case_id,
            content_hash=bytes(32),
            now=world.clock.now(),
        )
        session.flush()
        session.execute(update(EvidenceLeaf).values(content_hash=b"\1" * 32))


def change_tree(world: World, name: bytes) -> None:
    with world.database.write() as session:
        leaf = append_leaf(
            session,
            kind="history",
            subject=world.record(name).case_id,
            content_hash=bytes(32),
            now=world.clock.now(),
        )
        append_leaf(session, kind="history", subject=uuid4(), content_hash=bytes(32), now=world.clock.now())
        session.flush()
        kept = leaf.id
        request_checkpoint(session)
    world.log.step()
    world.drive()
    with world.database.write() as session:
        session.execute(update(EvidenceLeaf).where(EvidenceLeaf.id != kept).values(leaf_hash=b"\1" * 32))


def forge_tree_and_checkpoint(world: World, name: bytes) -> None:
    """Rewrite the log and the mirrored checkpoint so that they agree: only the chain tells otherwise."""
    change_tree(world, name)
    with world.database.write() as session:
        session.execute(update(LedgerCheckpoint).values(root=root_at(session, log_size(session))))


@pytest.mark.parametrize(
    ("tamper", "failed"),
    [
        (change_message, {"statement"}),
        (break_message, {"statement"}),
        (change_signature, {"signatures"}),
        (change_signer, {"keys", "chain"}),
        (change_signer_to_nobody, {"keys", "chain"}),
        (change_block, {"chain"}),
        (change_place, {"chain"}),
        (change_leaf, {"evidence"}),
        (change_tree, {"evidence"}),
        (forge_tree_and_checkpoint, {"evidence"}),
    ],
)
def test_whoever_holds_the_database_is_found_out(
    sqlite_world: World, tamper: Callable[[World, bytes], None], failed: set[str]
) -> None:
    name = submit(sqlite_world)
    tamper(sqlite_world, name)
    found = verify(sqlite_world, name)
    assert {check for check, verdict in verdicts(found).items() if verdict == "failed"} == failed
    assert found.verdict is Verdict.FAILED


def test_a_revoked_key_is_found_out(sqlite_world: World) -> None:
    """The register's events decide, by their place on the chain, not a column of ours."""
    world = sqlite_world
    world.change(revocations=[world.people["broker"].key_id])
    world.drive()
    certificate = uuid4()
    statement = world.submission(certificate, LineTree(certificate, [(1, "KGM", 1)]))
    refused = world.take(statement, "broker")
    with world.database.write() as session:
        session.execute(
            update(StatementRecord)
            .where(StatementRecord.digest == refused.digest)
            .values(state="recorded", refusal=None)
        )
    assert verdicts(verify(world, refused.digest))["keys"] == "failed"
    assert verdicts(verify(world, refused.digest))["chain"] == "failed"


def test_a_change_by_nobody_is_found_out(sqlite_world: World) -> None:
    world = sqlite_world
    with world.database.read() as session:
        name = session.scalars(
            select(StatementRecord.digest).where(StatementRecord.primary_type == "ConsortiumChange")
        ).one()
    change_signer_to_stranger = world.people["gate"]
    with world.database.write() as session:
        session.execute(
            update(StatementSignature)
            .where(StatementSignature.position == 1)
            .values(
                signer=change_signer_to_stranger.signer,
                signature=change_signer_to_stranger.sign(name),
                key_id=change_signer_to_stranger.key_id,
            )
        )
    assert verdicts(verify(world, name))["keys"] == "failed"


def test_what_is_not_recorded_has_no_verdict(sqlite_world: World) -> None:
    world = sqlite_world
    decision = world.decision(uuid4(), channel=3)
    name = world.enqueue(decision, "releasing", required=2)
    assert verdicts(verify(world, name)) == {
        "statement": "passed",
        "signatures": "open",
        "keys": "open",
        "chain": "open",
        "finality": "open",
        "evidence": "passed",
    }


def test_without_a_node_the_chains_checks_stay_open(
    own_node: EmbeddedNode, world_on: Callable[[Chain], World]
) -> None:
    world = world_on(own_node.chain)
    name = submit(world)
    own_node.stop()
    found = verdicts(verify(world, name))
    assert (found["keys"], found["chain"], found["finality"]) == ("open", "open", "passed")


def test_a_block_that_is_not_final_is_open(sqlite_world: World) -> None:
    world = sqlite_world
    name = submit(world)
    with world.database.write() as session:
        session.execute(update(ChainBlock).values(is_final=False))
    assert verdicts(verify(world, name))["finality"] == "open"
    world.finality = DepthFinality(0)
    until(lambda: not world.indexer.step())
    assert verdicts(verify(world, name))["finality"] == "passed"


def test_every_kind_that_contracts_take_has_its_roles() -> None:
    assert SIGNING_ROLES.keys() == STATEMENT_TYPES.keys() - {
        "ConsortiumChange",
        "FounderReplacement",
        "Evidence",
    }


def test_an_officer_is_found_with_keys_and_everything_signed(world: World) -> None:
    ids = one_of_everything(world)
    with world.database.read() as session:
        second = world.officers["releasing-2"]
        found = explorer.officer(session, world.deployment, second)
        assert [key.key_id for key in found.keys] == ["0x" + world.people["releasing-2"].key_id.hex()]
        names = [event.name for event in found.events]
        assert names[0] == "KeyGranted"
        # Signed second, so that the contract's event names another key.
        assert "DecisionTaken" in names
        assert found.next_events is None
        assert explorer.find(session, str(second)) == Link("officer", str(second))
        key = explorer.key(session, world.deployment, world.people["gate"].key_id)
        assert Link("officer", str(world.officers["gate"])) in key.links
        with pytest.raises(NotFound):
            explorer.officer(session, world.deployment, ids["note"])


def test_nothing_is_cut_silently(sqlite_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = sqlite_world
    ids = one_of_everything(world)
    with world.database.read() as session:
        whole = explorer.case(session, world.deployment, ids["certificate"])
        block = explorer.block(session, world.deployment, whole.events[0].block_number)
        key = explorer.key(session, world.deployment, world.people["broker"].key_id)
        monkeypatch.setattr(explorer, "MOST_ROWS", 2)

        def paged(look: Callable[[str | None], Any]) -> list[EventView]:
            found, after = [], None
            while True:
                view = look(after)
                assert len(view.events) <= 2
                found += view.events
                after = view.next_events
                if after is None:
                    return found

        assert paged(
            lambda after: explorer.case(session, world.deployment, ids["certificate"], after)
        ) == list(whole.events)
        assert paged(lambda after: explorer.block(session, world.deployment, block.number, after)) == list(
            block.events
        )
        assert paged(
            lambda after: explorer.key(session, world.deployment, world.people["broker"].key_id, after)
        ) == list(key.events)
        name = bytes.fromhex(whole.events[0].links[1].reference[2:])
        assert len(paged(lambda after: explorer.transaction(session, world.deployment, name, after))) == len(
            [event for event in block.events if event.links[1] == whole.events[0].links[1]]
        )
        statements: list[StatementView] = []
        after: int | None = None
        while True:
            view = explorer.case(session, world.deployment, ids["certificate"], after_statement=after)
            statements += view.statements
            after = view.next_statements
            if after is None:
                break
        assert [one.digest for one in statements] == [one.digest for one in whole.statements]


def test_an_event_is_shown_as_the_node_holds_it(world: World) -> None:
    one_of_everything(world)
    head = world.chain.head().number
    span: dict[str, Any] = {"fromBlock": "0x0", "toBlock": hex(head)}
    held = world.chain.request("eth_getLogs", {**span, "address": list(world.deployment.addresses.values())})
    with world.database.read() as session:
        blocks = explorer.newest_blocks(session, world.deployment, most=100)
        events = [event for block in blocks for event in block.events]
    told = {
        (event.block_number, event.log_index): (event.raw.address.lower(), event.raw.topics, event.raw.data)
        for event in events
        if event.raw is not None
    }
    assert len(told) == len(events) > 20
    assert told == {
        place: (log["address"].lower(), tuple(log["topics"]), log["data"])
        for log in held
        if (place := (int(log["blockNumber"], 16), int(log["logIndex"], 16))) in told
    }


def test_an_event_that_was_altered_is_shown_as_such(world: World) -> None:
    name = submit(world)
    with world.database.write() as session:
        event = session.scalars(select(ChainEvent).where(ChainEvent.name == "CertificateSubmitted")).one()
        event.values = {key: value for key, value in event.values.items() if key != "holder"}
    with world.database.read() as session:
        shown = explorer.statement(session, world.deployment, name).events[-1]
    assert shown.raw is None
    assert "altered" in shown.meaning.en
