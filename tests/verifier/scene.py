"""A made-up network with keys of everybody, from which a test makes whole proofs and forgeries of any kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from eth_utils.crypto import keccak

from ledger.chain.deployment import STATEMENT_CONTRACTS, VERIFIER_P256, VERIFIER_PASSKEY, Deployment
from ledger.evidence.merkle import inclusion_proof, leaf_hash, nodes_of, root_of
from ledger.keys.passkeys import SoftwarePasskey
from ledger.keys.roles import Role
from ledger.keys.signing import P256Signer, Secp256k1Signer, Signer, sign_with
from ledger.proofs.content import SealedContent, seal
from ledger.proofs.sealing import (
    BUNDLE_FORMAT,
    BUNDLE_SEAL,
    REDACTED_FORMAT,
    REDACTED_SEAL,
    network_of,
    sealed,
    signatures_json,
)
from ledger.statements import (
    CertificateDelegation,
    CertificateReview,
    CertificateRevocation,
    CertificateSubmission,
    CheckNoteApproval,
    CheckNoteOpening,
    CheckNoteVoiding,
    Checkpoint,
    CheckpointWitness,
    ConsortiumChange,
    DecisionCorrection,
    DeclarationFiling,
    DeclarationWithdrawal,
    Disposition,
    Draw,
    Evidence,
    ExaminationReport,
    FounderReplacement,
    GatePassage,
    KeyGrant,
    NoteItem,
    Organisation,
    ReleaseDecision,
    ReleaseRule,
    ReleaseRuleRepeal,
    Statement,
    digest,
    id_bytes,
)

Json = dict[str, Any]
Edit = Callable[[Json], None]
NOW = 1_785_000_000
LATER = 4_000_000_000
SIZE, INDEX = 11, 6
DOCUMENT = {
    "reference": "BR-2026-0042",
    "direction": "import",
    "event": "OWG2026",
    "venue": "Ice hall",
    "declarant_name": "北京某报关行",
    "holder_name": "Timing Ltd",
    "transport": {"mode": "road", "vehicle_plate": "京A·12345", "containers": []},
    "lines": [
        {
            "line_no": number,
            "hs_code": "9106900000",
            "name_zh": "计时设备",
            "name_en": "timing equipment",
            "quantity": str(number),
            "unit": "H87",
            "packages": 1,
            "value": f"{number}8000.50",
            "currency": "CHF",
        }
        for number in (1, 2)
    ],
    "total_packages": 2,
    "gross_kg": "48.5",
    "total_value": "46001",
    "currency": "CHF",
}
PEOPLE: dict[str, tuple[str, Role, str]] = {
    # name: organisation, roles, kind of key
    "broker": ("firm", Role.BROKER, "passkey"),
    "committee": ("committee", Role.COMMITTEE, "passkey"),
    "documents": ("customs", Role.DOCUMENTS_OFFICER, "p256"),
    "inspector": ("customs", Role.INSPECTOR, "secp256k1"),
    "releasing": ("customs", Role.RELEASING_OFFICER, "passkey"),
    "releasing-2": ("customs", Role.RELEASING_OFFICER, "secp256k1"),
    "supervisor": ("customs", Role.SUPERVISOR, "p256"),
    "system": ("customs", Role.SYSTEM, "secp256k1"),
    "gate": ("terminal", Role.GATE, "p256"),
    "instrument": ("customs", Role.INSTRUMENT, "secp256k1"),
    "holder": ("owner", Role.HOLDER, "passkey"),
    "log": ("window", Role.LOG, "secp256k1"),
    "log-2": ("window", Role.LOG, "secp256k1"),
    "witness-1": ("committee", Role.WITNESS, "secp256k1"),
    "witness-1b": ("committee", Role.WITNESS, "secp256k1"),
    "witness-2": ("customs", Role.WITNESS, "p256"),
    "outsider": ("", Role(0), "secp256k1"),
}
DECISION_SUBJECT = id_bytes(UUID("70697374-6500-8000-8000-0000000000aa"))


def secret(name: str) -> bytes:
    return sha256(b"golden " + name.encode()).digest()


def identifier(name: str) -> bytes:
    return keccak(text=name)[:16].ljust(32, b"\0")


def repeated(byte: int) -> bytes:
    return bytes([byte]) * 32


def make_signer(kind: str, name: str, deployment: Deployment) -> Signer:
    if kind == "secp256k1":
        return Secp256k1Signer(secret(name))
    if kind == "p256":
        return P256Signer(secret(name), deployment.address_bytes(VERIFIER_P256))
    passkey = SoftwarePasskey(
        "localhost", "http://localhost:8700", secret=secret(name), credential_id=secret(name)
    )
    return passkey.signer_on(deployment)


def made_up_deployment(chain_id: int = 31337, salt: str = "") -> Deployment:
    names = (*STATEMENT_CONTRACTS, VERIFIER_P256, VERIFIER_PASSKEY)
    return Deployment(chain_id, {name: "0x" + keccak(text=salt + name)[-20:].hex() for name in names})


def key_name(signer: Signer) -> str:
    return "0x" + signer.key_id.hex()


@dataclass
class Scene:
    """Everybody's keys on a made-up network, and the changes that granted them."""

    deployment: Deployment = field(default_factory=made_up_deployment)
    founders: dict[str, Signer] = field(default_factory=dict)
    people: dict[str, Signer] = field(default_factory=dict)
    changes: list[Json] = field(default_factory=list)
    content: SealedContent = field(default_factory=lambda: seal(DOCUMENT, secret("document")))

    def __post_init__(self) -> None:
        kinds = {"committee": "secp256k1", "customs": "p256", "commerce": "passkey", "commerce-new": "p256"}
        self.founders = {
            name: make_signer(kind, f"founder {name}", self.deployment) for name, kind in kinds.items()
        }
        self.people = {
            name: make_signer(kind, name, self.deployment) for name, (_, _, kind) in PEOPLE.items()
        }
        organisations = {org for org, _, _ in PEOPLE.values() if org}
        everybody = ConsortiumChange(
            1,
            tuple(
                Organisation(
                    identifier(name),
                    sum({int(roles) for org, roles, _ in PEOPLE.values() if org == name}),
                    0,
                    LATER,
                )
                for name in sorted(organisations)
            ),
            tuple(
                self.grant(name)
                for name, (org, _, _) in PEOPLE.items()
                if org and name not in {"log-2", "witness-1b"}
            ),
            (),
        )
        replacement = FounderReplacement(2, identifier("commerce"), self.founders["commerce-new"].signer)
        more = ConsortiumChange(3, (), (self.grant("log-2"), self.grant("witness-1b")), ())
        self.changes = [
            self.change(everybody, "committee", "commerce", block=10),
            self.change(replacement, "committee", "customs", block=20),
            self.change(more, "customs", "commerce-new", block=30),
        ]

    def grant(self, name: str, **changes: Any) -> KeyGrant:  # noqa: ANN401 - fields of the grant
        organisation, roles, _ = PEOPLE[name]
        values: Json = {
            "organisation": identifier(organisation),
            "officer": identifier("officer " + name.removesuffix("b")),
            "signer": self.people[name].signer,
            "roles": int(roles),
            "valid_from": 0,
            "valid_until": LATER,
        }
        return KeyGrant(**{**values, **changes})

    def sign(self, statement: Statement, *signers: Signer) -> list[dict[str, str]]:
        name = digest(statement, self.deployment)
        return signatures_json(sign_with(signer, name) for signer in signers)

    def change(self, statement: Statement, *founders: str, block: int, time: int | None = None) -> Json:
        return {
            "primaryType": statement.primary_type,
            "message": statement.message(),
            "signatures": self.sign(statement, *(self.founders[name] for name in founders)),
            "recorded": {
                "blockNumber": block,
                "blockTime": NOW - 10_000 + block if time is None else time,
                "logIndex": 0,
            },
        }

    def trust(self, *, witnesses: int = 0, edit: Edit | None = None) -> bytes:
        founding = ["committee", "customs", "commerce"]
        anchor: Json = {
            "format": "piste-trust-v1",
            "name": {"en": "Made-up Games", "zh": "虚构赛事"},
            **network_of(self.deployment),
            "verifiers": {
                "p256": self.deployment.address(VERIFIER_P256),
                "passkey": self.deployment.address(VERIFIER_PASSKEY),
            },
            "founders": [
                {
                    "organisation": "0x" + identifier(name).hex(),
                    "name": {"en": name, "zh": name},
                    "signer": "0x" + self.founders[name].signer.hex(),
                }
                for name in founding
            ],
            "threshold": 2,
            "witnesses": witnesses,
            "known": {"checkpoint": 0, "changes": [], "corrections": []},
        }
        if edit is not None:
            edit(anchor)
        return plain(anchor)

    def body(
        self,
        statement: Statement,
        *by: str,
        disclosed: Mapping[str, Any] | None = None,
        witnesses: Sequence[str] = ("witness-1", "witness-2"),
        edit: Edit | None = None,
        log: str = "log",
    ) -> Json:
        """Make a bundle without its seal; `edit` changes record, signatures or changes before the log takes it in."""
        founders = statement.primary_type in {"ConsortiumChange", "FounderReplacement"}
        keys = self.founders if founders else self.people
        body: Json = {
            "format": BUNDLE_FORMAT,
            "network": network_of(self.deployment),
            "statement": {"primaryType": statement.primary_type, "message": statement.message()},
            "signatures": self.sign(statement, *(keys[name] for name in by)),
            "changes": deepcopy(self.changes),
            "record": {
                "contract": statement.contract,
                "blockNumber": 100,
                "blockHash": "0x" + sha256(b"block").hexdigest(),
                "blockTime": NOW,
                "transactionHash": "0x" + sha256(b"transaction").hexdigest(),
                "transactionIndex": 0,
                "logIndex": 3,
            },
            "leaf": {"kind": "record", "subject": str(UUID(bytes=identifier("case")[:16])), "at": NOW},
            "disclosed": disclosed,
        }
        if edit is not None:
            edit(body)
        self._take_in(body, statement, witnesses, log)
        return body

    def _take_in(self, body: Json, statement: Statement, witnesses: Sequence[str], log: str) -> None:
        record, leaf = body["record"], body["leaf"]
        if record is None or leaf is None:
            body.update({"inclusion": None, "checkpoint": None, "witnesses": []})
            return
        hashed = sha256(plain({"statement": "0x" + digest(statement, self.deployment).hex(), **record}))
        data = plain(["piste-evidence-v1", leaf["kind"], leaf["subject"], hashed.hexdigest(), leaf["at"]])
        leaves = [sha256(bytes([place])).digest() for place in range(SIZE)]
        leaves[INDEX] = leaf_hash(data)
        proof = inclusion_proof(nodes_of(leaves), INDEX, SIZE)
        body["inclusion"] = {"index": INDEX, "size": SIZE, "proof": ["0x" + it.hex() for it in proof]}
        checkpoint = Checkpoint(SIZE, root_of(leaves), NOW + 5)
        body["checkpoint"] = self.attested(checkpoint, log)
        witness = CheckpointWitness(SIZE, root_of(leaves), NOW + 9)
        body["witnesses"] = [self.attested(witness, name) for name in witnesses]

    def attested(self, statement: Statement, *by: str) -> Json:
        return {
            "message": statement.message(),
            "signatures": self.sign(statement, *(self.people[name] for name in by)),
        }

    def subject(self, body: Json, statement: Statement) -> bytes:
        return id_bytes(UUID(body["leaf"]["subject"])) if body["leaf"] is not None else statement.subject

    def bundle(self, statement: Statement, *by: str, sealed_by: str = "log", **more: Any) -> bytes:  # noqa: ANN401 - passed on as given
        """Make a whole bundle."""
        body = self.body(statement, *by, **more)
        return self.seal(body, self.subject(body, statement), sealed_by=sealed_by)

    def seal(
        self,
        body: Json,
        subject: bytes,
        *,
        kind: str = BUNDLE_SEAL,
        sealed_by: str = "log",
        at: int = NOW + 20,
    ) -> bytes:
        when = datetime.fromtimestamp(at, UTC)
        return sealed(body, kind, subject, self.deployment, self.people[sealed_by], when)

    def copy(
        self, bundle: bytes, disclosed: Mapping[str, Any], view: str, *, sealed_by: str = "log"
    ) -> bytes:
        """Make a redacted copy."""
        inner = json.loads(bundle)
        body = {"format": REDACTED_FORMAT, "bundle": inner, "disclosed": disclosed, "view": view}
        subject = id_bytes(UUID(inner["leaf"]["subject"]))
        return self.seal(body, subject, kind=REDACTED_SEAL, sealed_by=sealed_by)

    def decision(self, **changes: Any) -> ReleaseDecision:  # noqa: ANN401 - fields of the decision
        values: Json = {
            "declaration": DECISION_SUBJECT,
            "version": 1,
            "content_hash": self.content.root,
            "channel": 2,
            "outcome": 1,
            "rule": bytes(32),
            "evidence_hash": b"\x44" * 32,
            "decide_by": NOW + 600,
            "signed_at": NOW - 2,
        }
        return ReleaseDecision(**{**values, **changes})

    def every_statement(self) -> dict[str, tuple[Statement, tuple[str, ...]]]:
        """Give a statement of every type, and of release decisions one of every kind of key, with who signs."""
        h, one = repeated, identifier("thing")
        made: list[tuple[str, Statement, tuple[str, ...]]] = [
            ("", ConsortiumChange(4, (), (), (self.people["gate"].key_id,)), ("customs", "commerce-new")),
            ("", FounderReplacement(4, identifier("customs"), b"\x07" * 20), ("committee", "commerce-new")),
            ("", CertificateSubmission(one, 1, h(1), h(2), h(3), 0, LATER, NOW), ("broker",)),
            ("", CertificateReview(one, 1, h(1), 1, 1, bytes(32), NOW), ("committee",)),
            ("-customs", CertificateReview(one, 1, h(1), 2, 1, bytes(32), NOW), ("documents",)),
            ("", CertificateRevocation(one, 1, h(4), NOW), ("supervisor",)),
            ("", CertificateDelegation(one, h(5), 1, 0, LATER, NOW), ("holder",)),
            ("", DeclarationFiling(one, 1, h(1), (Draw(h(6), 1, b"H87", 5_000_000),), NOW), ("broker",)),
            ("", DeclarationWithdrawal(one, 1, h(4), NOW), ("broker",)),
            ("", CheckNoteOpening(one, h(1), 2, 1, (NoteItem(h(7), h(6), 1, 9),), NOW), ("broker",)),
            ("", CheckNoteApproval(one, h(1), NOW), ("documents",)),
            ("", GatePassage(one, 1, h(1), NOW), ("gate",)),
            ("", CheckNoteVoiding(one, h(4), NOW), ("broker",)),
            ("", ExaminationReport(one, 1, 1, 1, h(1), NOW), ("inspector",)),
            ("", Disposition(one, 1, 1, 8, h(1), NOW), ("supervisor",)),
            ("", ReleaseRule(one, 1, h(1), identifier("officer system"), 9, 0, LATER, NOW), ("supervisor",)),
            ("", ReleaseRuleRepeal(one, 1, h(4), NOW), ("releasing-2",)),
            ("-green-secp256k1", self.decision(channel=1, rule=h(8)), ("system",)),
            ("-yellow-passkey", self.decision(), ("releasing",)),
            ("-yellow-p256", self.decision(), ("supervisor",)),
            ("-red", self.decision(channel=3), ("releasing", "releasing-2")),
            ("", DecisionCorrection(one, 1, h(9), 7, h(4), h(1), LATER, NOW), ("releasing", "supervisor")),
            ("", Checkpoint(5, h(1), NOW), ("log",)),
            ("", CheckpointWitness(5, h(1), NOW), ("witness-2",)),
            ("", Evidence(one, keccak(text="dose"), h(1), NOW), ("instrument",)),
        ]
        return {statement.primary_type + suffix: (statement, by) for suffix, statement, by in made}


def plain(value: object) -> bytes:
    """Write JSON as RFC 8785 does; a test may hold values that the product refuses to write."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
