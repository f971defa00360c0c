"""The evidence log as files: hashes for everybody, entries for members, nothing beyond the checkpoint on the chain."""

from __future__ import annotations

from base64 import b64decode
from uuid import UUID

import pytest

from ledger.evidence import log as evidence
from ledger.evidence.merkle import inclusion_proof, leaf_hash, rows_of, verify_inclusion
from ledger.evidence.notes import note_key, origin
from ledger.evidence.tile_files import split
from ledger.keys.signing import Secp256k1Signer, sign_with, verify_signature
from ledger.mirrors import LedgerCheckpoint
from ledger.outbox import enqueue_statement
from ledger.statements import Checkpoint, digest
from tests.api.cast import Cast, problem
from tests.api.world import World

PUBLISHED, WRITTEN = 600, 700


@pytest.fixture
def logged(sqlite_world: World) -> tuple[Cast, bytes, Secp256k1Signer]:
    """Give a log of which a part is under a checkpoint on the chain; its root there, and its key."""
    cast, signer = Cast(sqlite_world), Secp256k1Signer.generate()
    context = sqlite_world.context
    now = context.clock.now()
    with sqlite_world.writing() as session:
        for place in range(WRITTEN):
            evidence.append_leaf(
                session, kind="test", subject=UUID(int=place), content_hash=bytes(32), now=now
            )
        session.flush()
        evidence.sequence(session)
        root = evidence.root_at(session, PUBLISHED)
        statement = Checkpoint(size=PUBLISHED, root=root, signed_at=1770105600)
        name = digest(statement, context.deployment)
        enqueue_statement(
            session,
            statement,
            context.deployment,
            signatures=[sign_with(signer, name)],
            case_kind=evidence.CASE_KIND,
            case_id=evidence.LOG_CASE,
            intent={},
            now=now,
        )
        session.add(
            LedgerCheckpoint(
                size=PUBLISHED,
                root=root,
                statement=name,
                block_number=7,
                transaction_hash=b"\x70" * 32,
                anchored_at=now,
            )
        )
    return cast, root, signer


def test_anybody_proves_a_leaf_from_the_files(logged: tuple[Cast, bytes, Secp256k1Signer]) -> None:
    cast, root, _ = logged
    anonymous = cast.world.browser()
    rows = {}
    for level, names in ((0, ("000", "001", "002.p/88")), (1, ("000.p/2",))):
        for index, name in enumerate(names):
            answer = anonymous.get(f"/api/v1/ledger/tile/{level}/{name}")
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["content-type"] == "application/octet-stream"
            rows[level, index] = rows_of(answer.content)

    def node(level: int, index: int) -> bytes:
        shelf, inner = divmod(level, 8)
        tile, offset = divmod(index, 256 >> inner)
        return rows[shelf, tile][inner][offset * 32 : offset * 32 + 32]

    entries = split(cast.stranger().http.get("/api/v1/ledger/tile/entries/001").content)
    assert entries is not None
    proof = inclusion_proof(node, 300, PUBLISHED)
    assert verify_inclusion(leaf_hash(entries[44]), 300, PUBLISHED, proof, root)


def test_the_newest_checkpoint_is_a_signed_note(logged: tuple[Cast, bytes, Secp256k1Signer]) -> None:
    cast, root, signer = logged
    deployment = cast.world.context.deployment
    answer = cast.world.browser().get("/api/v1/ledger/checkpoint")
    text, _, last = answer.text.partition("\n\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    name, size, encoded = text.split("\n")
    assert (name, int(size), b64decode(encoded)) == (origin(deployment), PUBLISHED, root)
    dash, by, line = last.removesuffix("\n").split(" ")
    raw = b64decode(line)
    assert (dash, by, raw[:4]) == ("—", name, note_key(name, signer.signer))
    signed = Checkpoint(size=int(size), root=b64decode(encoded), signed_at=int.from_bytes(raw[4:12], "big"))
    assert verify_signature(signer.signer, digest(signed, deployment), raw[12:], deployment)


@pytest.mark.parametrize(
    "name",
    [
        "0/002",  # not full at the checkpoint
        "0/002.p/89",  # longer than the checkpoint
        "0/002.p/0",
        "0/002.p/088",
        "0/002.p/",
        "0/002.p/٨",
        "0/001.p/256",
        "0/003.p/1",
        "0/x000/001",
        "0/1",
        "1/000",
        "2/000.p/1",
        "0/%2e%2e/lock",
    ],
)
def test_nothing_else_is_there(logged: tuple[Cast, bytes, Secp256k1Signer], name: str) -> None:
    answer = logged[0].world.browser().get(f"/api/v1/ledger/tile/{name}")
    assert answer.status_code == 404


def test_a_shorter_part_of_a_tile_is_there_too(logged: tuple[Cast, bytes, Secp256k1Signer]) -> None:
    http = logged[0].world.browser()
    whole = http.get("/api/v1/ledger/tile/0/001").content
    assert http.get("/api/v1/ledger/tile/0/001.p/5").content == whole[: 5 * 32]
    problem(http.get("/api/v1/ledger/tile/9/000"), 422, "input.invalid")


def test_entries_take_a_sign_in(logged: tuple[Cast, bytes, Secp256k1Signer]) -> None:
    cast = logged[0]
    problem(cast.world.browser().get("/api/v1/ledger/tile/entries/000"), 401, "access.not-signed-in")
    http = cast.stranger().http
    answer = http.get("/api/v1/ledger/tile/entries/002.p/88")
    assert len(split(answer.content) or ()) == 88
    assert answer.headers["cache-control"].startswith("private")
    problem(http.get("/api/v1/ledger/tile/entries/002.p/89"), 404, "input.not-found")


def test_before_the_first_checkpoint_there_is_nothing(sqlite_world: World) -> None:
    http = sqlite_world.browser()
    problem(http.get("/api/v1/ledger/checkpoint"), 404, "input.not-found")
    problem(http.get("/api/v1/ledger/tile/0/000.p/1"), 404, "input.not-found")
