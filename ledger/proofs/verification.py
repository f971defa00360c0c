"""Is a recorded statement what it claims to be? Named checks, each told from the signature and the chain, not from us.

A check that could not be made has no verdict; it never counts as passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.errors import Text
from ledger.chain.client import Chain, LedgerUnavailable, NodeRefused
from ledger.chain.decoding import to_events
from ledger.chain.deployment import Deployment
from ledger.chain.interfaces import decode_result, encode_call, event_topic
from ledger.evidence.log import covering_checkpoint, inclusion_proof, leaf_data
from ledger.evidence.merkle import leaf_hash
from ledger.keys.roles import Role
from ledger.keys.signing import SignedBy, verify_signature
from ledger.mirrors import LedgerCheckpoint
from ledger.models import ChainBlock, ChainEvent, EvidenceLeaf, StatementRecord
from ledger.outbox import signatures_of
from ledger.statements import CertificateReview, Statement, digest
from ledger.typed_data import StatementMalformed, from_hex

PARTY_COMMITTEE = 1
MOST_LEAVES = 500
SIGNING_ROLES: dict[str, Role] = {
    "CertificateSubmission": Role.BROKER,
    "CertificateReview": Role.COMMITTEE | Role.DOCUMENTS_OFFICER,
    "CertificateRevocation": Role.COMMITTEE | Role.DOCUMENTS_OFFICER | Role.SUPERVISOR,
    "CertificateDelegation": Role.HOLDER,
    "DeclarationFiling": Role.BROKER,
    "DeclarationWithdrawal": Role.BROKER,
    "CheckNoteOpening": Role.BROKER,
    "CheckNoteApproval": Role.DOCUMENTS_OFFICER | Role.RELEASING_OFFICER,
    "GatePassage": Role.GATE,
    "CheckNoteVoiding": Role.BROKER,
    "ExaminationReport": Role.INSPECTOR,
    "Disposition": Role.RELEASING_OFFICER | Role.SUPERVISOR | Role.DOCUMENTS_OFFICER,
    "ReleaseRule": Role.SUPERVISOR,
    "ReleaseRuleRepeal": Role.SUPERVISOR | Role.RELEASING_OFFICER,
    "ReleaseDecision": Role.RELEASING_OFFICER | Role.SUPERVISOR,
    "DecisionCorrection": Role.RELEASING_OFFICER | Role.SUPERVISOR,
    "Checkpoint": Role.LOG,
    "CheckpointWitness": Role.WITNESS,
}
"""The roles that the contracts ask for; changes of the consortium take founding keys instead."""
_NODE_AWAY = Text("The node could not be asked.", "无法查询节点。")


class Verdict(StrEnum):
    """What a check says."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"
    """It could not be made, or not yet."""


@dataclass(frozen=True)
class Check:
    """One check with its verdict."""

    name: str
    """statement, signatures, keys, chain, finality or evidence."""
    verdict: Verdict
    words: Text


@dataclass(frozen=True)
class Verification:
    """All checks of one statement."""

    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """Passed where all passed, failed where any failed, else open."""
        verdicts = {check.verdict for check in self.checks}
        if Verdict.FAILED in verdicts:
            return Verdict.FAILED
        return Verdict.OPEN if Verdict.OPEN in verdicts else Verdict.PASSED


@dataclass(frozen=True)
class _Place:
    """Where an event stands on the chain."""

    block: int
    log: int


def verify_record(
    session: Session, chain: Chain, deployment: Deployment, record: StatementRecord
) -> Verification:
    """Check a statement: digest, signatures, keys, event, finality, evidence.

    Args:
        session: For the statement, the indexer's blocks and the evidence log.
        chain: The node that is asked for events; ask one's own to trust nobody.
        deployment: Where the contracts stand.
        record: The statement.
    """
    signatures = signatures_of(session, record)
    try:
        statement: Statement | None = record.statement()
    except StatementMalformed:
        statement = None
    checks = [_statement(statement, record, deployment), _signatures(record, signatures, deployment)]
    for name, check in (("keys", _keys), ("chain", _chain)):
        try:
            checks.append(check(chain, deployment, record, statement, signatures))
        except (LedgerUnavailable, NodeRefused):
            checks.append(Check(name, Verdict.OPEN, _NODE_AWAY))
    checks += [_finality(session, record), _evidence(session, chain, deployment, record)]
    return Verification(tuple(checks))


def _statement(statement: Statement | None, record: StatementRecord, deployment: Deployment) -> Check:
    good = statement is not None and digest(statement, deployment) == record.digest
    if good:
        words = Text("The message has the digest that was signed.", "声明内容与签署的摘要一致。")
    else:
        words = Text("The message was altered: its digest differs.", "声明内容被改动：摘要不一致。")
    return Check("statement", Verdict.PASSED if good else Verdict.FAILED, words)


def _signatures(record: StatementRecord, signatures: Sequence[SignedBy], deployment: Deployment) -> Check:
    bad = [
        signed.key_id.hex()[:8]
        for signed in signatures
        if not verify_signature(signed.signer, record.digest, signed.signature, deployment)
    ]
    if bad:
        wrong = ", ".join(bad)
        return Check(
            "signatures",
            Verdict.FAILED,
            Text(f"Wrong signature of key {wrong}.", f"密钥{wrong}的签名错误。"),
        )
    if len(signatures) < record.required:
        given = f"{len(signatures)}/{record.required}"
        return Check("signatures", Verdict.OPEN, Text(f"Signed {given}.", f"已签署{given}。"))
    count = len(signatures)
    return Check("signatures", Verdict.PASSED, Text(f"{count} signature(s) verify.", f"{count}个签名有效。"))


def _keys(
    chain: Chain,
    deployment: Deployment,
    record: StatementRecord,
    statement: Statement | None,
    signatures: Sequence[SignedBy],
) -> Check:
    """Check from the consortium's events that each key was granted with a role and not revoked when it counted."""
    if record.block_number is None or record.log_index is None or statement is None:
        return Check("keys", Verdict.OPEN, Text("Not recorded yet.", "尚未上链。"))
    place = _Place(record.block_number, record.log_index)
    needed = _needed_roles(statement)
    faults = [
        (signed.key_id, fault)
        for signed in signatures
        for fault in _key_faults(chain, deployment, signed.key_id, place, needed)
    ]
    if faults:
        key_id, fault = faults[0]
        name = key_id.hex()[:8]
        return Check("keys", Verdict.FAILED, Text(f"Key {name} {fault.en}.", f"密钥{name}{fault.zh}。"))
    words = Text("Each key was granted and not revoked at that block.", "各密钥在该区块时已登记且未被吊销。")
    return Check("keys", Verdict.PASSED, words)


def _needed_roles(statement: Statement) -> Role | None:
    if isinstance(statement, CertificateReview):
        return Role.COMMITTEE if statement.party == PARTY_COMMITTEE else Role.DOCUMENTS_OFFICER
    return SIGNING_ROLES.get(statement.primary_type)


def _key_faults(
    chain: Chain, deployment: Deployment, key_id: bytes, place: _Place, needed: Role | None
) -> Iterator[Text]:
    if needed is None:
        data = encode_call("Consortium", "founderOf", key_id)
        founder = decode_result("Consortium", "founderOf", chain.call(deployment.address("Consortium"), data))
        if not any(founder):
            yield Text("is no founding member's", "不是创始成员的密钥")
        return
    grant = _last_before(chain, deployment, ("KeyGranted", "KeyRevoked"), key_id, place)
    if grant is None:
        yield Text("was not granted", "未登记")
        return
    if grant.name == "KeyRevoked":
        yield Text("was revoked", "已被吊销")
        return
    organisation = _last_before(
        chain, deployment, ("OrganisationAdmitted",), from_hex(grant.values["organisation"]), place
    )
    if organisation is None:
        yield Text("belongs to no member", "所属单位不是成员")
        return
    held = int(grant.values["roles"]) & int(organisation.values["roles"])
    if not held & needed:
        yield Text("held none of the roles needed", "不具备所需角色")
    block = chain.block(place.block)
    for validity in (grant.values, organisation.values):
        if block is None or not int(validity["validFrom"]) <= block.timestamp <= int(validity["validUntil"]):
            yield Text("was not valid at that time", "当时不在有效期内")


def _last_before(
    chain: Chain, deployment: Deployment, names: Sequence[str], indexed: bytes, place: _Place
) -> ChainEvent | None:
    """Ask the node for the last event of some kinds about a key or an organisation before a place."""
    topics = ["0x" + event_topic("Consortium", name).hex() for name in names]
    logs = chain.logs(
        deployment.deployed_at_block,
        place.block,
        [deployment.address("Consortium")],
        [topics, "0x" + indexed.hex()],
    )
    before = [log for log in logs if (log.block_number, log.log_index) < (place.block, place.log)]
    events = to_events(before, deployment)
    return events[-1] if events else None


def _chain(
    chain: Chain,
    deployment: Deployment,
    record: StatementRecord,
    statement: Statement | None,
    signatures: Sequence[SignedBy],
) -> Check:
    """Check that the node shows the contract's event where we say that it stands."""
    del statement
    if record.block_number is None or record.block_hash is None:
        return Check("chain", Verdict.OPEN, Text("Not recorded yet.", "尚未上链。"))
    block = chain.block(record.block_number)
    if block is None or block.hash != record.block_hash:
        words = Text("The node has another block there.", "节点上该高度的区块不同。")
        return Check("chain", Verdict.FAILED, words)
    topics = ["0x" + event_topic(record.contract, "StatementRecorded").hex(), "0x" + record.digest.hex()]
    address = deployment.address(record.contract)
    logs = chain.logs(record.block_number, record.block_number, [address], topics)
    events = [event for event in to_events(logs, deployment) if event.log_index == record.log_index]
    if not events or events[0].transaction_hash != record.transaction_hash:
        words = Text("The node shows no such event.", "节点上没有该事件。")
        return Check("chain", Verdict.FAILED, words)
    if events[0].key_id not in {signed.key_id for signed in signatures}:
        words = Text("The contract recorded another key.", "合约记录的密钥不同。")
        return Check("chain", Verdict.FAILED, words)
    return Check(
        "chain",
        Verdict.PASSED,
        Text(
            f"Recorded by {record.contract} in block {record.block_number}.",
            f"已由{record.contract}记录于区块{record.block_number}。",
        ),
    )


def _finality(session: Session, record: StatementRecord) -> Check:
    block = session.get(ChainBlock, record.block_number) if record.block_number is not None else None
    if block is None or block.hash != record.block_hash or not block.is_final:
        return Check("finality", Verdict.OPEN, Text("The block is not final yet.", "区块尚未最终确认。"))
    return Check("finality", Verdict.PASSED, Text("The block is final.", "区块已最终确认。"))


def _evidence(session: Session, chain: Chain, deployment: Deployment, record: StatementRecord) -> Check:
    """Check that what the log holds about the case stands under checkpoints that the chain holds."""
    leaves = session.scalars(
        select(EvidenceLeaf)
        .where(EvidenceLeaf.subject == record.case_id)
        .order_by(EvidenceLeaf.id)
        .limit(MOST_LEAVES)
    ).all()
    waiting = 0
    used: dict[int, LedgerCheckpoint] = {}
    for leaf in leaves:
        checkpoint = covering_checkpoint(session, leaf.position) if leaf.position is not None else None
        fault = _leaf_fault(session, leaf, checkpoint)
        if fault is not None:
            return Check("evidence", Verdict.FAILED, fault)
        if checkpoint is None:
            waiting += 1
        else:
            used[checkpoint.id] = checkpoint
    try:
        forged = [it for it in used.values() if not _is_anchored(chain, deployment, it)]
    except (LedgerUnavailable, NodeRefused):
        return Check("evidence", Verdict.OPEN, _NODE_AWAY)
    if forged:
        size = forged[0].size
        words = Text(
            f"The chain holds no such checkpoint over {size} leaves.", f"链上没有覆盖{size}条记录的该检查点。"
        )
        return Check("evidence", Verdict.FAILED, words)
    if waiting:
        words = Text(
            f"{waiting} of {len(leaves)} leaves wait for a checkpoint.",
            f"{len(leaves)}条日志记录中有{waiting}条等待检查点。",
        )
        return Check("evidence", Verdict.OPEN, words)
    words = Text(
        f"{len(leaves)} leaves stand under checkpoints on the chain.",
        f"{len(leaves)}条日志记录均在链上检查点之下。",
    )
    return Check("evidence", Verdict.PASSED, words)


def _leaf_fault(session: Session, leaf: EvidenceLeaf, checkpoint: LedgerCheckpoint | None) -> Text | None:
    if leaf.leaf_hash != leaf_hash(leaf_data(leaf.kind, leaf.subject, leaf.content_hash, leaf.at)):
        return Text(f"Leaf {leaf.id} of the log was altered.", f"日志记录{leaf.id}被改动。")
    if checkpoint is None:
        return None
    proof = inclusion_proof(session, leaf.id, checkpoint.size)
    if proof.holds() and proof.root == checkpoint.root:
        return None
    return Text(
        f"Leaf {leaf.id} does not stand under its checkpoint.", f"日志记录{leaf.id}不在其检查点之下。"
    )


def _is_anchored(chain: Chain, deployment: Deployment, checkpoint: LedgerCheckpoint) -> bool:
    """Ask the node whether the log's contract anchored this root over this size."""
    topics = [
        "0x" + event_topic("EvidenceLog", "CheckpointAnchored").hex(),
        f"0x{checkpoint.size:064x}",
    ]
    block = checkpoint.block_number
    logs = chain.logs(block, block, [deployment.address("EvidenceLog")], topics)
    root = "0x" + checkpoint.root.hex()
    return any(event.values["root"] == root for event in to_events(logs, deployment))
