"""The stage of the ledger's benchmark: one node, one PostgreSQL server, a consortium, and calls signed beforehand."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from eth_account import Account
from eth_account.signers.local import LocalAccount
from sqlalchemy.orm import Session

from kernel.database import Database
from ledger.chain.calls import MOST_TRANSACTION_GAS, InboxCall, call_of, inbox_data, transaction_gas
from ledger.chain.client import Chain, sign_transaction
from ledger.chain.node import EmbeddedNode
from ledger.consortium import key_grant
from ledger.keys.roles import Role
from ledger.keys.signing import Secp256k1Signer, SignedBy, sign_with
from ledger.models import StatementRecord
from ledger.proofs.lines import LineTree
from ledger.refusals import Refusal
from ledger.statements import Statement, digest
from migrations import migrate
from tests.ledger.world import Recorder, World, make_world, proofs_of
from tests.postgresql import PostgresqlServer

NODE_OPTIONS = ("--block-time", "1", "--mixed-mining")
PATIENCE_S = 120.0
LINES = 64
CEILING = 10**18
CLERK = "clerk"
"""A broker's client with a secp256k1 key, who signs what the stage needs in numbers."""
DECIDER = "releasing-2"
"""A releasing officer with a secp256k1 key."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int = 4
    """How often each of a pair has its turn."""
    decisions: int = 300
    """Decisions of one turn."""
    plain: int = 30
    """Decisions of one turn of the plain way."""
    logs: int = 100_000
    """Logs that the indexer catches up with."""
    plain_logs: int = 2_000
    """Logs of one turn of the plain loop."""
    batch: int = 50
    """Draws in one transaction."""
    leaves: int = 1_000
    """Evidence records at one checkpoint."""
    verifications: int = 300
    """Release notes verified in one turn."""
    rival_verifications: int = 10
    """Documents that the other verifier verifies in one turn."""
    tries: int = 5_000
    """Operations for a physical limit."""
    tree: int = 1_000_000
    """Leaves of the tree that is grown apart."""


FULL = Size()
TINY = Size(2, 6, 2, 300, 40, 4, 20, 3, 1, 50, tree=2_000)


@dataclass(frozen=True)
class Signed:
    """A statement with its signatures and what its call needs besides."""

    statement: Statement
    signatures: tuple[SignedBy, ...]
    arguments: dict[str, Any] | None
    call: InboxCall


class NoSink(Recorder):
    """Hears of statements and does nothing: the ledger alone is measured, without the cases above it."""

    def recorded(self, session: Session, record: StatementRecord) -> None:
        """Let it pass."""

    def refused(self, session: Session, record: StatementRecord, refusal: Refusal) -> None:
        """Stop: what is measured here is never refused."""
        raise AssertionError(record.primary_type, refusal.to_json(), session.info)


@dataclass
class Stage:
    """What every part of the benchmark works with.

    Args:
        server: PostgreSQL.
        world: Contracts with everybody's keys, on a database of its own.
        certificate: An active certificate whose lines hold more than is ever drawn.
        tree: Its lines.
    """

    server: PostgresqlServer
    world: World
    certificate: UUID
    tree: LineTree
    payer: LocalAccount = field(default_factory=Account.create)
    """Sends what does not go through the relay."""
    _nonce: int = 0
    """How many of its transactions are signed."""
    _sent: int = 0
    """How many of them the node has."""

    @property
    def chain(self) -> Chain:
        """The node."""
        return self.world.chain

    def fresh_database(self) -> Database:
        """Give a new, migrated database on the same server."""
        address = self.server.create(f"bench_{uuid4().hex[:8]}", "bench")
        return Database(address)

    def world_apart(self) -> World:
        """Give the same world with connections of its own, for a process of its own."""
        return replace(
            self.world,
            database=Database(self.world.database.address, evidence=self.world.database.evidence),
            chain=Chain(self.chain.url),
            sink=NoSink(),
        )

    def sign(self, statement: Statement, name: str, arguments: dict[str, Any] | None = None) -> Signed:
        """Sign a statement and encode its call."""
        deployment = self.world.deployment
        signatures = (sign_with(self.world.people[name], digest(statement, deployment)),)
        return Signed(statement, signatures, arguments, call_of(statement, signatures, arguments, deployment))

    def filing(
        self, declaration: UUID, lines: Sequence[int], *, name: str = CLERK, version: int = 1
    ) -> Signed:
        """Sign a filing that draws a little from each of some lines."""
        draws = [(self.certificate, line, "KGM", 10) for line in lines]
        statement = self.world.filing(declaration, draws, version=version)
        return self.sign(statement, name, proofs_of(self.tree, *lines))

    def decisions(self, count: int) -> list[Signed]:
        """Give release decisions on declarations that are on file, each of which commits one draw."""
        names = [uuid4() for _ in range(count)]
        self.record([self.filing(name, [place % LINES + 1]) for place, name in enumerate(names)])
        return [self.sign(self.world.decision(name), DECIDER) for name in names]

    def raw(self, calls: Sequence[InboxCall], *, gas: int | None = None) -> tuple[bytes, bytes]:
        """Sign the inbox's transaction of these calls with the payer's next number; give its bytes and hash."""
        signed = sign_transaction(
            self.payer,
            chain_id=self.world.deployment.chain_id,
            nonce=self._nonce,
            gas=gas or transaction_gas(calls),
            gas_price=0,
            to=self.world.deployment.address("Inbox"),
            data=inbox_data(calls),
        )
        self._nonce += 1
        return signed.raw, signed.hash

    def taken_number(self) -> int:
        """Give the payer's next number to whoever signs himself."""
        self._nonce += 1
        self._sent += 1
        return self._nonce - 1

    def pipeline(self, raws: Sequence[bytes]) -> float:
        """Hand the node signed transactions, then wait until all are in blocks; give the seconds."""
        begun = time.perf_counter()
        # One after the other on one connection: of the parts of a batch, taken side by side, the node may lose one.
        for raw in raws:
            self.chain.send_raw(raw)
        self._sent += len(raws)
        while self.chain.nonce(self.payer.address) < self._sent:
            assert time.perf_counter() - begun < PATIENCE_S, "the node does not mine"
            time.sleep(0.002)
        return time.perf_counter() - begun

    def record(self, signed: Sequence[Signed], most: int = 40) -> None:
        """Bring statements onto the chain without relay and outbox, so many in a transaction, as a stage."""
        packed = [self.raw(calls) for calls in pack([one.call for one in signed], most)]
        for first in range(0, len(packed), 8):
            part = packed[first : first + 8]
            self.pipeline([raw for raw, _ in part])
            for _, name in part:
                self.check(name)

    def check(self, transaction_hash: bytes) -> int:
        """Make sure that a transaction went well and nothing in it was refused; give its gas."""
        until = time.perf_counter() + PATIENCE_S
        # The node counts a transaction a moment before it can show its receipt.
        while (receipt := self._receipt(transaction_hash)) is None:
            assert time.perf_counter() < until, "there is no receipt"
            time.sleep(0.005)
        inbox = self.world.deployment.address("Inbox").lower()
        refused = [log["data"] for log in receipt["logs"] if log["address"] == inbox]
        assert int(receipt["status"], 16) == 1, "a transaction of the stage failed"
        assert not refused, f"a statement of the stage was refused: {refused[0]}"
        return int(receipt["gasUsed"], 16)

    def _receipt(self, transaction_hash: bytes) -> Any:  # noqa: ANN401 - the node's JSON
        return self.chain.request("eth_getTransactionReceipt", "0x" + transaction_hash.hex())


def pack(calls: Sequence[InboxCall], most: int = 40) -> list[list[InboxCall]]:
    """Divide calls among transactions, each within the gas that one may have."""
    packed: list[list[InboxCall]] = [[]]
    for call in calls:
        if packed[-1] and (
            len(packed[-1]) >= most or transaction_gas([*packed[-1], call]) > MOST_TRANSACTION_GAS
        ):
            packed.append([])
        packed[-1].append(call)
    return packed


def progress(words: str) -> None:
    """Say on the error stream what is going on."""
    print(words, file=sys.stderr, flush=True)


@contextmanager
def stage() -> Iterator[Stage]:
    """Set the stage in temporary folders, on free ports; nothing of it stays."""
    with PostgresqlServer() as server, tempfile.TemporaryDirectory(prefix="piste-bench-") as folder:
        # A template that nobody is connected to, so that copies of it can be made at any time.
        migrate(server.create("bench"))
        database = Database(server.create("bench_main", "bench"), evidence=Path(folder) / "evidence")
        node = EmbeddedNode(Path(folder), options=NODE_OPTIONS)
        node.start()
        try:
            yield _peopled(server, make_world(node.chain, database))
        finally:
            node.stop()
            database.dispose()


def _peopled(server: PostgresqlServer, world: World) -> Stage:
    world.people[CLERK] = Secp256k1Signer.generate()
    world.change(
        grants=[
            key_grant(world.organisations["firm"], uuid4(), world.people[CLERK].signer, Role.BROKER),
        ]
    )
    world.drive()
    certificate, tree = world.activate([(line, "KGM", CEILING) for line in range(1, LINES + 1)])
    stage = Stage(server, world, certificate, tree)
    # Every line is drawn once, so that what is measured meets the state of a certificate in use.
    stage.record([stage.filing(uuid4(), range(1, LINES + 1))])
    return stage
