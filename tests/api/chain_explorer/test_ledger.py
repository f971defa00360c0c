"""Look-ups on the ledger: open to everybody who is signed in, and without any content."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.evidence import log as evidence
from ledger.evidence.merkle import verify_consistency
from ledger.keys.roles import Role
from ledger.mirrors import LedgerCheckpoint
from ledger.models import ChainBlock, ChainEvent, StatementRecord
from tests.api.cast import Cast, Json, nobody, problem
from tests.api.world import World

WORD = "0x" + "ab" * 32


@pytest.fixture
def cast(world: World) -> Cast:
    """Give a cast on each kind of database."""
    return Cast(world)


@pytest.fixture
def lite(sqlite_world: World) -> Cast:
    """Give a cast on SQLite, where the kind of database makes no difference."""
    return Cast(sqlite_world)


def on_chain(cast: Cast) -> Json:
    """Put a submitted certificate on a chain of one block, and anchor the evidence log."""
    case = cast.certificate(until="under_committee_review")
    now = cast.world.context.clock.now()
    with cast.world.writing() as session:
        record = session.query(StatementRecord).one()
        block_hash = b"\x07" * 32
        session.add(
            ChainBlock(number=7, hash=block_hash, parent_hash=b"\x06" * 32, timestamp=now, is_final=True)
        )
        session.flush()
        record.block_number, record.transaction_hash = 7, b"\x70" * 32
        session.add(
            ChainEvent(
                block_number=7,
                block_hash=block_hash,
                transaction_hash=b"\x70" * 32,
                transaction_index=0,
                log_index=0,
                contract="MaterialCertificates",
                name="CertificateSubmitted",
                values={"certificate": "0x" + record.subject.hex(), "version": "1"},
                statement=record.digest,
                subject=record.subject,
                key_id=cast.broker.actor.key.key_id,
            )
        )
        evidence.sequence(session)
        session.flush()
        size = evidence.log_size(session)
        session.add(
            LedgerCheckpoint(
                size=size,
                root=evidence.root_at(session, size),
                statement=None,
                block_number=7,
                transaction_hash=b"\x70" * 32,
                anchored_at=now + timedelta(seconds=5),
            )
        )
    return case


def test_the_anonymous_gets_nothing(lite: Cast) -> None:
    http = lite.world.browser()
    for path in (
        "",
        "/find?q=1",
        f"/statements/{WORD}",
        f"/statements/{WORD}/verification",
        f"/cases/{nobody()}",
        "/blocks",
        "/blocks/1",
        f"/transactions/{WORD}",
        f"/keys/{WORD}",
        f"/officers/{nobody()}",
        "/checkpoints",
        f"/leaves?subject={nobody()}",
        "/leaves/1",
        "/proofs/inclusion/1",
        "/proofs/consistency?first=1&second=2",
    ):
        problem(http.get(f"/api/v1/ledger{path}"), 401, "access.not-signed-in")


def test_everybody_looks_everything_up(cast: Cast) -> None:
    case = on_chain(cast)
    stranger = cast.stranger()
    found = stranger.get(f"/ledger/cases/{case['id']}").json()
    (statement,) = found["statements"]
    assert (statement["primary_type"], statement["state"]) == ("CertificateSubmission", "recorded")
    assert case["number"] not in str(found)
    assert case["content"]["holder_name"] not in str(found)
    links = {link["kind"]: link["address"] for link in statement["links"]}
    assert links["block"] == "/api/v1/ledger/blocks/7"
    for address in links.values():
        assert stranger.http.get(address).status_code == 200
    assert stranger.get(f"/ledger/statements/{statement['digest']}").json() == statement
    key = stranger.get(f"/ledger/keys/{statement['signatures'][0]['key_id']}").json()
    assert key["roles"] == ["broker"]
    assert key["next_events"] is None
    officer = stranger.get(f"/ledger/officers/{key['officer_id']}").json()
    assert [one["key_id"] for one in officer["keys"]] == [key["key_id"]]
    assert [event["name"] for event in officer["events"]] == ["CertificateSubmitted"]
    assert stranger.get("/ledger/blocks/7", after="7-0").json()["events"] == []
    assert stranger.http.get("/api/v1/ledger/blocks/7", params={"after": "x"}).status_code == 422
    assert [event["name"] for event in stranger.get("/ledger/blocks/7").json()["events"]] == [
        "CertificateSubmitted"
    ]
    assert [block["number"] for block in stranger.get("/ledger/blocks").json()["items"]] == [7]
    assert stranger.get("/ledger/blocks", before=7).json()["items"] == []
    assert stranger.get(f"/ledger/find?q={statement['digest']}").json()["kind"] == "statement"
    assert stranger.get("/ledger/find", q="7").json()["address"] == "/api/v1/ledger/blocks/7"
    stand = stranger.get("/ledger").json()
    assert stand["counts"]["statements_recorded"] == 1
    assert stand["chain_id"] == 20260


def test_the_evidence_log_proves_itself(cast: Cast) -> None:
    case = on_chain(cast)
    leaves = cast.auditor.get("/ledger/leaves", subject=case["id"]).json()["items"]
    assert {leaf["kind"] for leaf in leaves} == {"history"}
    history = cast.auditor.get(f"/certificates/{case['id']}/history").json()["items"]
    assert [leaf["content_hash"] for leaf in leaves] == [entry["content_hash"] for entry in history]
    assert cast.auditor.get("/ledger/leaves", subject=case["id"], after=leaves[0]["id"], limit=1).json()[
        "items"
    ] == [leaves[1]]
    (checkpoint,) = cast.auditor.get("/ledger/checkpoints").json()["items"]
    for leaf in leaves:
        assert cast.auditor.get(f"/ledger/leaves/{leaf['id']}").json() == leaf
        told = cast.auditor.http.get(leaf["proof"]).json()
        assert told["checkpoint"] == checkpoint
        assert (told["root"], told["index"]) == (checkpoint["root"], leaf["position"])
        proof = evidence.InclusionProof(
            bytes.fromhex(told["leaf_hash"][2:]),
            told["index"],
            told["size"],
            bytes.fromhex(told["root"][2:]),
            tuple(bytes.fromhex(sibling[2:]) for sibling in told["proof"]),
        )
        assert proof.holds()
    size = checkpoint["size"]
    grew = cast.auditor.get("/ledger/proofs/consistency", first=1, second=size).json()
    assert verify_consistency(
        1,
        size,
        bytes.fromhex(grew["first_root"][2:]),
        bytes.fromhex(grew["second_root"][2:]),
        tuple(bytes.fromhex(node[2:]) for node in grew["proof"]),
    )
    problem(
        cast.auditor.get("/ledger/proofs/consistency", first=1, second=10**6), 404, "evidence.leaf-missing"
    )
    problem(cast.auditor.get("/ledger/proofs/consistency", first=2, second=1), 404, "evidence.leaf-missing")
    problem(cast.auditor.get("/ledger/proofs/inclusion/999999"), 404, "evidence.leaf-missing")
    inclusion = f"/ledger/proofs/inclusion/{leaves[0]['id']}"
    problem(cast.auditor.get(inclusion, size=10**6), 404, "evidence.leaf-missing")


def test_without_its_node_nothing_is_verified(lite: Cast) -> None:
    case = on_chain(lite)
    digest = lite.broker.get(f"/certificates/{case['id']}").json()["ledger"][0]["digest"]
    problem(lite.broker.get(f"/ledger/statements/{digest}/verification"), 503, "ledger.unavailable")


def test_what_is_not_there(lite: Cast) -> None:
    for path in (
        f"/statements/{WORD}",
        f"/statements/{WORD}/verification",
        f"/cases/{nobody()}",
        "/blocks/999",
        f"/blocks/{2**63 - 1}",
        f"/transactions/{WORD}",
        f"/keys/{WORD}",
        "/leaves/999",
        "/find?q=nothing",
        f"/find?q={2**64}",
    ):
        problem(lite.broker.get(f"/ledger{path}"), 404, "input.not-found")


@pytest.mark.parametrize(
    "path",
    [
        "/statements/0x12",
        "/statements/%00",
        "/cases/x",
        "/blocks/-1",
        "/blocks/x",
        f"/blocks/{2**63}",
        f"/blocks?before={2**200}",
        "/keys/key",
        "/leaves",
        "/leaves?subject=x",
        "/leaves/0",
        "/proofs/inclusion/1?size=0",
        "/proofs/consistency?first=0&second=1",
        "/find",
        "/find?q=%00",
        "/checkpoints?limit=0",
    ],
)
def test_what_makes_no_sense(sqlite_world: World, path: str) -> None:
    auditor = Cast(sqlite_world).player(Role.AUDITOR)
    problem(auditor.http.get(f"/api/v1/ledger{path}"), 422, "input.invalid")
