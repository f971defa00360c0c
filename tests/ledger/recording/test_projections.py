"""Amendment, delegation, release rules, corrections, witnesses, a founder's new key: taken, mirrored, refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from ledger.chain.calls import call_of
from ledger.chain.interfaces import decode_result, encode_call
from ledger.evidence.log import append_leaf, request_checkpoint
from ledger.keys.signing import Secp256k1Signer, sign_with
from ledger.mirrors import (
    LedgerAmendment,
    LedgerCertificate,
    LedgerCheckpoint,
    LedgerCorrection,
    LedgerDecision,
    LedgerDeclaration,
    LedgerDelegation,
    LedgerLine,
    LedgerRule,
    LedgerWitness,
)
from ledger.models import StatementRecord
from ledger.proofs.lines import LineTree
from ledger.recording.projections import rebuild
from ledger.statements import (
    CertificateDelegation,
    CheckpointWitness,
    DecisionCorrection,
    FounderReplacement,
    ReleaseRule,
    ReleaseRuleRepeal,
    digest,
    id_bytes,
)
from tests.ledger.chain.test_calls import MOST_SHARE, estimate
from tests.ledger.world import COMMITTEE, CUSTOMS, LATER, RED, RETURN, World, proofs_of

GREEN, YELLOW = 1, 2
RETURN_SHIPMENT = 7
KILO = 1_000_000


def refused(record: StatementRecord) -> str:
    assert record.state == "refused"
    assert record.refusal is not None
    name: str = record.refusal["error"]
    return name


def taken(record: StatementRecord) -> None:
    assert record.state == "recorded", record.refusal


def carried(tree: LineTree, *lines: int) -> dict[str, Any]:
    proofs = proofs_of(tree, *lines)["proofs"]
    return {"carried": [{"line": line, **proof} for line, proof in zip(lines, proofs, strict=True)]}


def drawn(world: World, tree: LineTree, certificate: UUID, line: int, kilos: int) -> UUID:
    declaration = uuid4()
    filing = world.filing(declaration, [(certificate, line, "KGM", kilos * KILO)])
    taken(world.take(filing, "broker", arguments=proofs_of(tree, line)))
    return declaration


def test_an_amendment_counts_once_every_line_that_was_drawn_is_carried(sqlite_world: World) -> None:
    world = sqlite_world
    certificate, tree = world.activate([(1, "KGM", 10 * KILO), (2, "KGM", 10 * KILO)])
    drawn(world, tree, certificate, 1, 4)
    lower = LineTree(certificate, [(1, "KGM", 5 * KILO), (2, "KGM", 20 * KILO)])
    more = {"version": 2, "content_hash": b"\x12" * 32}
    taken(world.take(world.submission(certificate, lower, **more), "broker"))
    taken(world.take(world.review(certificate, COMMITTEE, **more), "committee"))
    with world.database.read() as session:
        assert session.get_one(LedgerCertificate, id_bytes(certificate)).version == 1
        pending = session.get_one(LedgerAmendment, id_bytes(certificate))
        assert (pending.version, pending.state, pending.confirmed_by_committee) == (2, "submitted", True)

    last = world.review(certificate, CUSTOMS, **more)
    assert refused(world.take(last, "documents")) == "MaterialCertificatesLinesNotCarried"
    drawn(world, tree, certificate, 1, 1)
    again = world.review(certificate, CUSTOMS, **more, signed_at=world.now() + 1)
    taken(world.take(again, "documents", arguments=carried(lower, 1)))
    with world.database.read() as session:
        active = session.get_one(LedgerCertificate, id_bytes(certificate))
        assert (active.version, active.state, active.lines_root) == (2, "active", lower.root)
        assert session.get(LedgerAmendment, id_bytes(certificate)) is None
        line = session.get_one(LedgerLine, (id_bytes(certificate), 1))
        assert (line.reserved, line.committed) == (5 * KILO, 0)


def test_an_amendment_that_is_returned_leaves_the_active_version(sqlite_world: World) -> None:
    world = sqlite_world
    certificate, tree = world.activate([(1, "KGM", 10 * KILO)])
    more = {"version": 2, "content_hash": b"\x12" * 32}
    taken(world.take(world.submission(certificate, tree, **more), "broker"))
    taken(world.take(world.review(certificate, COMMITTEE, **more, verdict=RETURN), "committee"))
    with world.database.read() as session:
        assert session.get_one(LedgerCertificate, id_bytes(certificate)).state == "active"
        assert session.get_one(LedgerAmendment, id_bytes(certificate)).state == "returned"
    drawn(world, tree, certificate, 1, 1)


def test_a_broker_draws_while_the_holder_lets_it(sqlite_world: World) -> None:
    world = sqlite_world
    certificate = uuid4()
    tree = LineTree(certificate, [(1, "KGM", 10 * KILO)])
    holder = id_bytes(world.organisations["owner"])
    taken(world.take(world.submission(certificate, tree, holder=holder), "broker"))
    taken(world.take(world.review(certificate, COMMITTEE), "committee"))
    taken(world.take(world.review(certificate, CUSTOMS), "documents"))
    rival = id_bytes(world.organisations["other-firm"])

    def filed(version: int = 1) -> StatementRecord:
        filing = world.filing(uuid4(), [(certificate, 1, "KGM", KILO)], version=version)
        return world.take(filing, "rival", arguments=proofs_of(tree, 1))

    assert refused(filed()) == "MaterialCertificatesBrokerDiffers"
    leave = CertificateDelegation(id_bytes(certificate), rival, 1, 0, LATER, world.now())
    call = call_of(leave, world.signed(leave, "holder"), None, world.deployment)
    assert estimate(world, call) / call.gas < MOST_SHARE
    taken(world.take(leave, "holder"))
    taken(filed())
    taken(world.take(CertificateDelegation(id_bytes(certificate), rival, 2, 0, 0, world.now()), "holder"))
    assert refused(filed()) == "MaterialCertificatesBrokerDiffers"
    with world.database.read() as session:
        kept = session.get_one(LedgerDelegation, (id_bytes(certificate), rival))
        assert (kept.sequence, kept.valid_until) == (2, 0)


def test_a_rule_releases_as_often_as_it_may_until_it_is_repealed(sqlite_world: World) -> None:
    world = sqlite_world
    certificate, tree = world.activate([(1, "KGM", 10 * KILO)])
    rule, system = uuid4(), id_bytes(world.officers["system"])
    enacted = ReleaseRule(id_bytes(rule), 1, b"\x77" * 32, system, 1, 0, LATER, world.now())
    repeal = ReleaseRuleRepeal(id_bytes(rule), 1, bytes(32), world.now())
    call = call_of(enacted, world.signed(enacted, "supervisor"), None, world.deployment)
    assert estimate(world, call) / call.gas < MOST_SHARE
    taken(world.take(enacted, "supervisor"))
    call = call_of(repeal, world.signed(repeal, "supervisor"), None, world.deployment)
    assert estimate(world, call) / call.gas < MOST_SHARE
    first, second = drawn(world, tree, certificate, 1, 1), drawn(world, tree, certificate, 1, 1)
    green = {"channel": GREEN, "rule": id_bytes(rule)}
    taken(world.take(world.decision(first, **green), "system"))
    assert refused(world.take(world.decision(second, **green), "system")) == "ReleaseDecisionsRuleUsedUp"
    taken(world.take(repeal, "supervisor"))
    with world.database.read() as session:
        kept = session.get_one(LedgerRule, id_bytes(rule))
        assert (kept.releases, kept.most_releases, kept.state) == (1, 1, "repealed")
        assert session.get_one(LedgerDecision, id_bytes(first)).rule == id_bytes(rule)


def test_a_decision_that_comes_too_late_is_refused(sqlite_world: World) -> None:
    world = sqlite_world
    certificate, tree = world.activate([(1, "KGM", 10 * KILO)])
    late = world.decision(drawn(world, tree, certificate, 1, 1), decide_by=1)
    assert refused(world.take(late, "releasing")) == "ReleaseDecisionsTooLate"


def test_a_correction_names_what_it_corrects_and_gives_back(sqlite_world: World) -> None:
    world = sqlite_world
    certificate, tree = world.activate([(1, "KGM", 10 * KILO)])
    declaration = drawn(world, tree, certificate, 1, 3)
    decision = world.decision(declaration)
    taken(world.take(decision, "releasing"))
    corrects = digest(decision, world.deployment)
    correction = DecisionCorrection(
        id_bytes(declaration), 1, corrects, RETURN_SHIPMENT, bytes(32), b"\x45" * 32, LATER, world.now()
    )
    signatures = world.signed(correction, "releasing", "releasing-2")
    call = call_of(correction, signatures, None, world.deployment)
    assert estimate(world, call) / call.gas < MOST_SHARE
    taken(world.take(correction, "releasing", "releasing-2"))
    with world.database.read() as session:
        kept = session.get_one(LedgerDecision, id_bytes(declaration))
        assert (kept.outcome, kept.corrections) == (RETURN_SHIPMENT, 1)
        assert kept.statement == digest(correction, world.deployment)
        assert session.get_one(LedgerCorrection, kept.statement).corrects == corrects
        assert session.get_one(LedgerDeclaration, id_bytes(declaration)).state == "denied"
        line = session.get_one(LedgerLine, (id_bytes(certificate), 1))
        assert (line.reserved, line.committed) == (0, 0)


def test_a_red_decision_stays_red_after_corrections(sqlite_world: World) -> None:
    world = sqlite_world
    certificate, tree = world.activate([(1, "KGM", 10 * KILO)])
    declaration = drawn(world, tree, certificate, 1, 3)
    taken(world.take(world.report(declaration), "inspector"))
    taken(world.take(world.decision(declaration, channel=RED), "releasing", "releasing-2"))
    with world.database.read() as session:
        assert session.get_one(LedgerDecision, id_bytes(declaration)).channel == RED


def test_a_member_witnesses_a_checkpoint_once(sqlite_world: World) -> None:
    world = sqlite_world
    with world.database.write() as session:
        append_leaf(session, kind="test", subject=uuid4(), content_hash=bytes(32), now=world.clock.now())
        request_checkpoint(session)
    world.log.step()
    world.log.step()
    world.drive()
    with world.database.read() as session:
        anchored = session.scalars(select(LedgerCheckpoint).order_by(LedgerCheckpoint.id.desc())).first()
        assert anchored is not None
    seen = CheckpointWitness(anchored.size, anchored.root, world.now())
    call = call_of(seen, world.signed(seen, "witness"), None, world.deployment)
    assert estimate(world, call) / call.gas < MOST_SHARE
    taken(world.take(seen, "witness"))
    again = CheckpointWitness(anchored.size, anchored.root, world.now() + 1)
    assert refused(world.take(again, "witness")) == "EvidenceLogWitnessRepeated"
    other = CheckpointWitness(anchored.size, b"\7" * 32, world.now())
    assert refused(world.take(other, "witness")) == "EvidenceLogNotAnchored"
    with world.database.read() as session:
        kept = session.get_one(LedgerWitness, (anchored.size, id_bytes(world.organisations["committee"])))
        assert kept.root == anchored.root


def test_a_founding_member_changes_its_key(sqlite_world: World) -> None:
    world = sqlite_world
    new = Secp256k1Signer.generate()
    replacement = FounderReplacement(2, b"\1" * 32, new.signer)
    name = digest(replacement, world.deployment)
    signatures = [sign_with(key, name) for key in world.founders[:2]]
    call = call_of(replacement, signatures, None, world.deployment)
    assert estimate(world, call) / call.gas < MOST_SHARE
    world.enqueue(replacement, signatures=signatures)
    world.drive()

    def founder_of(key: Secp256k1Signer) -> bytes:
        answer = world.chain.call(
            world.deployment.address("Consortium"), encode_call("Consortium", "founderOf", key.key_id)
        )
        found: bytes = decode_result("Consortium", "founderOf", answer)
        return found

    assert founder_of(new) == b"\1" * 32
    assert founder_of(world.founders[0]) == bytes(32)


def test_the_mirrors_are_the_same_when_filled_anew(sqlite_world: World) -> None:
    world = sqlite_world
    certificate, tree = world.activate([(1, "KGM", 10 * KILO)])
    declaration = drawn(world, tree, certificate, 1, 3)
    more = {"version": 2, "content_hash": b"\x12" * 32}
    taken(world.take(world.submission(certificate, tree, **more), "broker"))
    taken(world.take(world.decision(declaration, channel=YELLOW), "releasing"))
    tables = (LedgerCertificate, LedgerAmendment, LedgerLine, LedgerDecision, LedgerDeclaration)

    def rows() -> list[list[dict[str, Any]]]:
        with world.database.read() as session:
            return [
                sorted(
                    (
                        {column.key: getattr(row, column.key) for column in table.__table__.columns}
                        for row in session.scalars(select(table))
                    ),
                    key=str,
                )
                for table in tables
            ]

    before = rows()
    with world.database.write() as session:
        rebuild(session)
    assert rows() == before
