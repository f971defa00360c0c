"""Proof bundles: everything that anybody needs to check one decision with a file and no network.

The format is in docs/verification.md; the verifier that judges them lives alone in `ledger.verifier`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.clock import unix
from kernel.errors import Kind, PisteError, Text
from ledger.chain.deployment import Deployment
from ledger.evidence.log import inclusion_proof
from ledger.evidence.records import LOG_CONTRACT, leaf_of, record_facts
from ledger.keys.signing import Signer
from ledger.mirrors import LedgerCheckpoint
from ledger.models import EvidenceLeaf, StatementRecord, StatementState
from ledger.outbox import signatures_of, statement_by_digest
from ledger.proofs.sealing import BUNDLE_FORMAT, BUNDLE_SEAL, network_of, sealed, signatures_json
from ledger.statements import id_bytes, key_id
from ledger.typed_data import WORD, from_hex

OF_FOUNDERS = ("ConsortiumChange", "FounderReplacement")


class NoProofOfThis(PisteError):
    """Checkpoints and witnesses prove other statements; of them there is no bundle."""

    code = "bundle.of-the-log"
    kind = Kind.INVALID
    message = Text("There is no proof bundle of a {type}.", "{type}没有证明包。")
    next_step = Text("Ask for the consistency proof of the evidence log.", "请查询证据日志的一致性证明。")
    type: str


@dataclass(frozen=True)
class Standing:
    """How far the proof of a statement has come."""

    record: StatementRecord
    leaf: EvidenceLeaf | None
    checkpoint: LedgerCheckpoint | None
    """The one that a bundle shows: the first that enough members have witnessed, else the first."""
    witnesses: tuple[StatementRecord, ...]
    """Statements of different organisations under that checkpoint."""

    def waits_for(self, demanded: int) -> Text | None:
        """Say what the proof still waits for; None where it is whole."""
        if self.record.state != StatementState.RECORDED or self.leaf is None:
            return Text("the ledger to record the decision", "账本记录该决定")
        if self.checkpoint is None:
            return Text("a checkpoint of the evidence log", "证据日志检查点")
        if len(self.witnesses) < demanded:
            return Text(
                f"{demanded - len(self.witnesses)} more witnesses of the checkpoint",
                f"检查点的另外{demanded - len(self.witnesses)}名见证人",
            )
        return None


def standing_of(session: Session, record: StatementRecord, *, witnesses: int = 0) -> Standing:
    """Tell how far the proof of a statement has come.

    Args:
        session: For log, checkpoints and witnesses.
        record: The statement.
        witnesses: How many are wanted.

    Raises:
        NoProofOfThis: It is a statement of the evidence log itself.
    """
    if record.contract == LOG_CONTRACT:
        raise NoProofOfThis(type=record.primary_type)
    leaf = leaf_of(session, record)
    if leaf is None or leaf.position is None:
        return Standing(record, leaf, None, ())
    covering = session.scalars(
        select(LedgerCheckpoint)
        .where(LedgerCheckpoint.size > leaf.position)
        .order_by(LedgerCheckpoint.size, LedgerCheckpoint.id)
    ).all()
    first: Standing | None = None
    for checkpoint in covering:
        if checkpoint.statement is None or statement_by_digest(session, checkpoint.statement) is None:
            continue
        found = Standing(record, leaf, checkpoint, tuple(_witnesses(session, checkpoint)))
        if len(found.witnesses) >= witnesses:
            return found
        first = first or found
    return first or Standing(record, leaf, None, ())


def build_bundle(
    session: Session,
    deployment: Deployment,
    record: StatementRecord,
    *,
    signer: Signer,
    now: datetime,
    witnesses: int = 0,
    disclosed: Mapping[str, Any] | None = None,
    lean: bool = False,
) -> bytes:
    """Put together and seal the bundle of a statement, as far as its proof has come.

    Args:
        session: For everything but the deployment.
        deployment: Where the contracts stand.
        record: The statement.
        signer: The log's key.
        now: The present moment.
        witnesses: How many a verifier is going to demand.
        disclosed: Fields of the document that it decides on, see `disclosure.redact`.
        lean: Leave the changes out, for a verifier whose trust anchor knows them.

    Raises:
        NoProofOfThis: It is a statement of the evidence log itself.
    """
    standing = standing_of(session, record, witnesses=witnesses)
    facts = record_facts(record) if standing.leaf is not None else None
    checkpoint = _checkpoint(session, standing.checkpoint)
    by_witnesses = [_attested(session, it) for it in standing.witnesses]
    signatures = signatures_of(session, record)
    used = {signed.key_id for signed in signatures} | {signer.key_id}
    for attested in (*by_witnesses, *([checkpoint] if checkpoint else [])):
        used |= {key_id(from_hex(one["signer"])) for one in attested["signatures"]}
    body: dict[str, Any] = {
        "format": BUNDLE_FORMAT,
        "network": network_of(deployment),
        "statement": {"primaryType": record.primary_type, "message": record.statement().message()},
        "signatures": signatures_json(signatures),
        "changes": [] if lean else _changes(session, used),
        "record": facts,
        "leaf": None,
        "inclusion": None,
        "checkpoint": checkpoint,
        "witnesses": by_witnesses,
        "disclosed": disclosed,
    }
    subject = record.subject
    if standing.leaf is not None and facts is not None:
        leaf = standing.leaf
        body["leaf"] = {"kind": leaf.kind, "subject": str(leaf.subject), "at": unix(leaf.at)}
        subject = id_bytes(leaf.subject)
        if standing.checkpoint is not None:
            proof = inclusion_proof(session, leaf.id, standing.checkpoint.size)
            body["inclusion"] = {
                "index": proof.index,
                "size": proof.size,
                "proof": ["0x" + sibling.hex() for sibling in proof.proof],
            }
    return sealed(body, BUNDLE_SEAL, subject, deployment, signer, now)


def recorded_changes(session: Session) -> list[dict[str, Any]]:
    """Give all recorded changes of the consortium in their order, as trust anchors and bundles hold them."""
    records = session.scalars(
        select(StatementRecord)
        .where(
            StatementRecord.primary_type.in_(OF_FOUNDERS), StatementRecord.state == StatementState.RECORDED
        )
        .order_by(StatementRecord.subject)
    )
    return [
        {
            "primaryType": record.primary_type,
            "message": record.statement().message(),
            "signatures": signatures_json(signatures_of(session, record)),
            "recorded": {
                "blockNumber": record.block_number,
                "blockTime": unix(record.recorded_at),
                "logIndex": record.log_index,
            },
        }
        for record in records
        if record.recorded_at is not None
    ]


def _changes(session: Session, used: set[bytes]) -> list[dict[str, Any]]:
    """Pick the changes that grant these keys, concern their organisations, or replace a founder."""
    every = recorded_changes(session)
    names = {"0x" + key.hex() for key in used}
    organisations = {
        grant["organisation"]
        for change in every
        for grant in change["message"].get("grants", ())
        if _key_name(grant) in names
    }

    def concerns(message: Mapping[str, Any]) -> bool:
        return (
            any(_key_name(grant) in names for grant in message["grants"])
            or any(entry["organisation"] in organisations for entry in message["organisations"])
            or not names.isdisjoint(message["revocations"])
        )

    return [
        change
        for change in every
        if change["primaryType"] == "FounderReplacement" or concerns(change["message"])
    ]


def _key_name(grant: Mapping[str, Any]) -> str:
    return "0x" + key_id(from_hex(grant["signer"])).hex()


def _checkpoint(session: Session, checkpoint: LedgerCheckpoint | None) -> dict[str, Any] | None:
    if checkpoint is None or checkpoint.statement is None:
        return None
    record = statement_by_digest(session, checkpoint.statement)
    return _attested(session, record) if record is not None else None


def _attested(session: Session, record: StatementRecord) -> dict[str, Any]:
    return {
        "message": record.statement().message(),
        "signatures": signatures_json(signatures_of(session, record)),
    }


def _witnesses(session: Session, checkpoint: LedgerCheckpoint) -> Sequence[StatementRecord]:
    """Find the recorded witnesses of a checkpoint; the contract takes one of each organisation."""
    records = session.scalars(
        select(StatementRecord)
        .where(
            StatementRecord.primary_type == "CheckpointWitness",
            StatementRecord.subject == checkpoint.size.to_bytes(WORD, "big"),
            StatementRecord.state == StatementState.RECORDED,
        )
        .order_by(StatementRecord.id)
    )
    root = "0x" + checkpoint.root.hex()
    return [record for record in records if record.message["root"] == root]
