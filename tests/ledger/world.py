"""A whole small ledger for tests: contracts, keys of everybody, statements with valid defaults, relay and indexer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID, uuid4

from eth_account import Account
from eth_account.signers.local import LocalAccount
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.clock import SystemClock, unix
from kernel.database import Database
from ledger.chain.client import Chain
from ledger.chain.deployment import Deployment, FoundingMember, deploy
from ledger.chain.finality import Finality, ImmediateFinality
from ledger.consortium import enqueue_change, key_grant, organisation
from ledger.evidence.log import EvidenceLogKeeper
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.roles import Role
from ledger.keys.signing import P256Signer, Secp256k1Signer, SignedBy, Signer, sign_with
from ledger.models import StatementRecord, StatementState
from ledger.outbox import enqueue_statement
from ledger.proofs.lines import LineTree
from ledger.recording.indexer import Indexer
from ledger.recording.relay import Relay
from ledger.refusals import Refusal
from ledger.statements import (
    CertificateReview,
    CertificateSubmission,
    CheckNoteApproval,
    CheckNoteOpening,
    DeclarationFiling,
    Draw,
    ExaminationReport,
    GatePassage,
    KeyGrant,
    NoteItem,
    Organisation,
    ReleaseDecision,
    Statement,
    digest,
    id_bytes,
    unit_bytes,
)

COMMITTEE, CUSTOMS = 1, 2
CONFIRM, RETURN = 1, 2
YELLOW, RED = 2, 3
RELEASE = 1
T = TypeVar("T")
S = TypeVar("S", bound=Statement)
LATER = 4_000_000_000
PERSONS: dict[str, tuple[str, Role, str]] = {
    # name: organisation, roles, kind of key
    "broker": ("firm", Role.BROKER, "passkey"),
    "rival": ("other-firm", Role.BROKER, "p256"),
    "committee": ("committee", Role.COMMITTEE, "passkey"),
    "documents": ("customs", Role.DOCUMENTS_OFFICER, "p256"),
    "inspector": ("customs", Role.INSPECTOR, "secp256k1"),
    "releasing": ("customs", Role.RELEASING_OFFICER, "passkey"),
    "releasing-2": ("customs", Role.RELEASING_OFFICER, "secp256k1"),
    "gate": ("terminal", Role.GATE, "p256"),
    "log": ("window", Role.LOG, "secp256k1"),
    "holder": ("owner", Role.HOLDER, "p256"),
    "supervisor": ("customs", Role.SUPERVISOR, "p256"),
    "system": ("customs", Role.SYSTEM, "secp256k1"),
    "witness": ("committee", Role.WITNESS, "secp256k1"),
}


def until(condition: Callable[[], T | None], *, timeout_s: float = 20.0) -> T:
    """Wait until a condition gives something."""
    pause, end = threading.Event(), time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        pause.wait(0.01)
    return found


@dataclass
class Recorder:
    """A sink that remembers."""

    heard: list[tuple[str, bytes]] = field(default_factory=list)
    refusals: dict[bytes, Refusal] = field(default_factory=dict)

    def recorded(self, session: Session, record: StatementRecord) -> None:
        self.heard.append(("recorded", record.digest))

    def refused(self, session: Session, record: StatementRecord, refusal: Refusal) -> None:
        self.heard.append(("refused", record.digest))
        self.refusals[record.digest] = refusal


def new_signer(kind: str, deployment: Deployment) -> Signer:
    if kind == "passkey":
        return SoftwarePasskey("localhost", "http://localhost:8700").signer_on(deployment)
    return P256Signer.generate(deployment) if kind == "p256" else Secp256k1Signer.generate()


@dataclass
class World:
    """Everything that a test of the ledger works with."""

    database: Database
    chain: Chain
    deployment: Deployment
    account: LocalAccount
    founders: tuple[Secp256k1Signer, ...]
    people: dict[str, Signer]
    organisations: dict[str, UUID]
    officers: dict[str, UUID]
    sink: Recorder = field(default_factory=Recorder)
    finality: Finality = field(default_factory=ImmediateFinality)
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def relay(self) -> Relay:
        return Relay(self.database, self.chain, self.account, self.deployment)

    @property
    def indexer(self) -> Indexer:
        return Indexer(
            self.database, self.chain, self.deployment, self.finality, self.sink, self.account.address
        )

    @property
    def log(self) -> EvidenceLogKeeper:
        return EvidenceLogKeeper(self.database, self.deployment, self.people["log"])

    def now(self) -> int:
        return unix(self.clock.now())

    def signed(self, statement: Statement, *names: str) -> list[SignedBy]:
        return [sign_with(self.people[name], digest(statement, self.deployment)) for name in names]

    def enqueue(
        self,
        statement: Statement,
        *names: str,
        signatures: Sequence[SignedBy] | None = None,
        case_id: UUID | None = None,
        arguments: dict[str, Any] | None = None,
        required: int | None = None,
    ) -> bytes:
        """Write a statement into the outbox, signed by persons by name; give its digest."""
        given = self.signed(statement, *names) if signatures is None else signatures
        with self.database.write() as session:
            return enqueue_statement(
                session,
                statement,
                self.deployment,
                signatures=given,
                required=required or len(given),
                case_kind="test",
                case_id=case_id or UUID(bytes=statement.subject[:16]),
                intent={"event": "test"},
                arguments=arguments,
                now=self.clock.now(),
            ).digest

    def drive(self, *, timeout_s: float = 20.0) -> None:
        """Let relay and indexer step until nothing waits."""
        relay, indexer = self.relay, self.indexer

        def nothing_waits() -> bool:
            relay.step()
            indexer.step()
            return self.count(StatementState.QUEUED) + self.count(StatementState.SENT) == 0

        until(nothing_waits, timeout_s=timeout_s)

    def count(self, state: StatementState) -> int:
        with self.database.read() as session:
            return (
                session.scalar(select(func.count(StatementRecord.id)).where(StatementRecord.state == state))
                or 0
            )

    def record(self, name: bytes) -> StatementRecord:
        with self.database.read() as session:
            return session.scalars(select(StatementRecord).where(StatementRecord.digest == name)).one()

    def take(
        self,
        statement: Statement,
        *names: str,
        signatures: Sequence[SignedBy] | None = None,
        arguments: dict[str, Any] | None = None,
    ) -> StatementRecord:
        """Enqueue a statement, let it reach its verdict, give its record."""
        name = self.enqueue(statement, *names, signatures=signatures, arguments=arguments)
        self.drive()
        return self.record(name)

    def grant_everybody(self) -> bytes:
        """Admit everybody in one change."""
        return self.change(
            organisations=[
                organisation(
                    identifier,
                    Role(sum({roles for _, (org, roles, _) in PERSONS.items() if org == name})),
                )
                for name, identifier in self.organisations.items()
            ],
            grants=[
                key_grant(self.organisations[org], self.officers[name], self.people[name].signer, roles)
                for name, (org, roles, _) in PERSONS.items()
            ],
        )

    def change(
        self,
        *,
        organisations: Sequence[Organisation] = (),
        grants: Sequence[KeyGrant] = (),
        revocations: Sequence[bytes] = (),
        founders: int = 2,
    ) -> bytes:
        with self.database.write() as session:
            return enqueue_change(
                session,
                self.deployment,
                organisations=organisations,
                grants=grants,
                revocations=revocations,
                founders=self.founders[:founders],
                now=self.clock.now(),
            ).digest

    def submission(self, certificate: UUID, tree: LineTree, **more: object) -> CertificateSubmission:
        values: dict[str, Any] = {
            "certificate": id_bytes(certificate),
            "version": 1,
            "content_hash": b"\x11" * 32,
            "lines_root": tree.root,
            "holder": b"\x22" * 32,
            "valid_from": 0,
            "valid_until": LATER,
            "signed_at": self.now(),
        }
        return _filled(CertificateSubmission, values, more)

    def review(self, certificate: UUID, party: int, **more: object) -> CertificateReview:
        values: dict[str, Any] = {
            "certificate": id_bytes(certificate),
            "version": 1,
            "content_hash": b"\x11" * 32,
            "party": party,
            "verdict": CONFIRM,
            "reason_hash": bytes(32),
            "signed_at": self.now(),
        }
        return _filled(CertificateReview, values, more)

    def activate(self, lines: Sequence[tuple[int, str, int]]) -> tuple[UUID, LineTree]:
        """Carry a certificate through its three confirmations."""
        certificate = uuid4()
        tree = LineTree(certificate, lines)
        self.enqueue(self.submission(certificate, tree), "broker")
        self.enqueue(self.review(certificate, COMMITTEE), "committee")
        self.enqueue(self.review(certificate, CUSTOMS), "documents")
        self.drive()
        return certificate, tree

    def filing(
        self, declaration: UUID, draws: Sequence[tuple[UUID, int, str, int]], **more: object
    ) -> DeclarationFiling:
        values: dict[str, Any] = {
            "declaration": id_bytes(declaration),
            "version": 1,
            "content_hash": b"\x33" * 32,
            "draws": tuple(
                Draw(id_bytes(certificate), line, unit_bytes(unit), quantity)
                for certificate, line, unit, quantity in draws
            ),
            "signed_at": self.now(),
        }
        return _filled(DeclarationFiling, values, more)

    def report(self, declaration: UUID, **more: object) -> ExaminationReport:
        values: dict[str, Any] = {
            "declaration": id_bytes(declaration),
            "version": 1,
            "sequence": 1,
            "result": 1,
            "evidence_hash": b"\x44" * 32,
            "signed_at": self.now(),
        }
        return _filled(ExaminationReport, values, more)

    def decision(self, declaration: UUID, **more: object) -> ReleaseDecision:
        values: dict[str, Any] = {
            "declaration": id_bytes(declaration),
            "version": 1,
            "content_hash": b"\x33" * 32,
            "channel": YELLOW,
            "outcome": RELEASE,
            "rule": bytes(32),
            "evidence_hash": b"\x44" * 32,
            "decide_by": LATER,
            "signed_at": self.now(),
        }
        return _filled(ReleaseDecision, values, more)

    def opening(self, note: UUID, items: Sequence[NoteItem], **more: object) -> CheckNoteOpening:
        values: dict[str, Any] = {
            "note": id_bytes(note),
            "content_hash": b"\x55" * 32,
            "gates": 2,
            "binding": 3,
            "items": tuple(items),
            "signed_at": self.now(),
        }
        return _filled(CheckNoteOpening, values, more)

    def approval(self, note: UUID) -> CheckNoteApproval:
        return CheckNoteApproval(id_bytes(note), b"\x55" * 32, self.now())

    def passage(self, note: UUID, gate: int) -> GatePassage:
        return GatePassage(id_bytes(note), gate, b"\x66" * 32, self.now())


def _filled(kind: type[S], values: dict[str, Any], more: Mapping[str, object]) -> S:
    values.update(more)
    return kind(**values)


def proofs_of(tree: LineTree, *lines: int) -> dict[str, Any]:
    """Give the arguments of a filing."""
    return {
        "proofs": [
            {"ceiling": str(tree.ceiling(line)), "proof": ["0x" + node.hex() for node in tree.proof(line)]}
            for line in lines
        ]
    }


def make_world(chain: Chain, database: Database, *, granted: bool = True) -> World:
    founders = tuple(Secp256k1Signer.generate() for _ in range(3))
    account = Account.create()
    members = [FoundingMember(bytes([place]) * 32, key.signer) for place, key in enumerate(founders, 1)]
    deployment = deploy(chain, account, members, 2)
    world = World(
        database,
        chain,
        deployment,
        account,
        founders,
        {name: new_signer(kind, deployment) for name, (_, _, kind) in PERSONS.items()},
        {name: uuid4() for name in dict.fromkeys(org for org, _, _ in PERSONS.values())},
        {name: uuid4() for name in PERSONS},
    )
    if granted:
        world.grant_everybody()
        world.drive()
    return world
