"""What the chain explorer shows: blocks, transactions, statements, cases, keys and officers, in plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from kernel.errors import Text
from ledger.refusals import Refusal

Kind = Literal["block", "transaction", "statement", "case", "key", "officer"]
SignerKind = Literal["secp256k1", "p256", "passkey", "contract"]

EVENT_WORDS: dict[str, Text] = {
    "StatementRecorded": Text("Statement recorded", "声明已上链"),
    "StatementRefused": Text("Statement refused", "声明被拒绝"),
    "OrganisationAdmitted": Text("Organisation admitted", "单位加入联盟"),
    "KeyGranted": Text("Key granted", "密钥已登记"),
    "KeyRevoked": Text("Key revoked", "密钥已吊销"),
    "FounderReplaced": Text("Founding member's key replaced", "创始成员密钥已更换"),
    "CertificateSubmitted": Text("Material certificate submitted", "物资证明函已提交"),
    "CertificateReviewed": Text("Material certificate reviewed", "物资证明函已审核"),
    "CertificateActivated": Text("Material certificate active", "物资证明函已生效"),
    "CertificateRevoked": Text("Material certificate revoked", "物资证明函已撤销"),
    "CertificateDelegated": Text("Material certificate delegated", "物资证明函已授权"),
    "CertificateLineCarried": Text("Line carried into the amendment", "商品行已结转至新版"),
    "DeclarationFiled": Text("Declaration filed", "报关单已申报"),
    "DeclarationWithdrawn": Text("Declaration withdrawn", "报关单已撤回"),
    "LineReserved": Text("Quantity reserved", "数量已预留"),
    "LineCommitted": Text("Quantity committed", "数量已核扣"),
    "LineReturned": Text("Quantity given back", "数量已退回"),
    "CheckNoteOpened": Text("Check note opened", "核放单已申请"),
    "CheckNoteApproved": Text("Check note approved", "核放单已批准"),
    "GatePassed": Text("Gate passed", "车辆已过卡"),
    "CheckNoteVoided": Text("Check note voided", "核放单已作废"),
    "ExaminationReported": Text("Examination reported", "查验结果已报告"),
    "DispositionTaken": Text("Disposition taken", "异常处置已决定"),
    "ReleaseRuleEnacted": Text("Release rule put in force", "放行规则已生效"),
    "ReleaseRuleRepealed": Text("Release rule repealed", "放行规则已废止"),
    "DecisionTaken": Text("Release decision taken", "放行决定已作出"),
    "DecisionCorrected": Text("Decision corrected", "决定已更正"),
    "CheckpointAnchored": Text("Checkpoint anchored", "检查点已上链"),
    "CheckpointWitnessed": Text("Checkpoint witnessed", "检查点已见证"),
}


@dataclass(frozen=True)
class Link:
    """Where a reader can go from here."""

    kind: Kind
    reference: str
    """Number of a block, 0x-string of a transaction, statement or key, identifier of a case."""


@dataclass(frozen=True)
class RawLog:
    """An event as the chain holds it."""

    address: str
    """Of the contract."""
    topics: tuple[str, ...]
    data: str


@dataclass(frozen=True)
class EventView:
    """One event of a contract."""

    contract: str
    name: str
    words: Text
    meaning: Text
    """What it tells, in a sentence."""
    values: dict[str, Any]
    unit: str | None
    """Unit of the quantities in it, as the filing of the declaration quotes it."""
    raw: RawLog | None
    """None where the values were altered and are no event of the contract any more."""
    block_number: int
    log_index: int
    at: datetime
    is_final: bool
    links: tuple[Link, ...]


@dataclass(frozen=True)
class SignatureView:
    """One signature of a statement."""

    key_id: str
    kind: SignerKind
    signer: str
    """ERC-7913 signer."""
    organisation_id: UUID | None
    officer_id: UUID | None
    signature: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class StatementView:
    """A statement: what was signed, by whom, what became of it."""

    digest: str
    primary_type: str
    words: Text
    meaning: Text
    """What it says and who signed it, in a sentence."""
    standing: Text
    """What became of it, in a sentence."""
    contract: str
    message: dict[str, Any]
    signed_bytes: str | None
    """What was hashed and signed: 0x1901, the domain, the message's hash (EIP-712); None where the message was altered
    beyond reading."""
    arguments: dict[str, Any] | None
    """What the call holds besides message and signatures."""
    corrected_by: str | None
    """Digest of the correction that replaced this decision."""
    state: str
    refusal: Refusal | None
    signatures: tuple[SignatureView, ...]
    created_at: datetime
    recorded_at: datetime | None
    events: tuple[EventView, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class BlockView:
    """A block with the events of our contracts."""

    number: int
    hash: str
    parent_hash: str
    at: datetime
    is_final: bool
    events: tuple[EventView, ...]
    links: tuple[Link, ...]
    next_events: str | None = None
    """Cursor of the next page, None on the last."""


@dataclass(frozen=True)
class TransactionView:
    """A transaction with the events of our contracts."""

    hash: str
    block_number: int
    at: datetime
    events: tuple[EventView, ...]
    statements: tuple[str, ...]
    links: tuple[Link, ...]
    next_events: str | None = None
    """Cursor of the next page, None on the last."""


@dataclass(frozen=True)
class CaseView:
    """Everything on the chain, and on its way there, about one case."""

    case_id: UUID
    statements: tuple[StatementView, ...]
    events: tuple[EventView, ...]
    links: tuple[Link, ...] = field(default=())
    next_events: str | None = None
    """Cursor of the next page of events, None on the last."""
    next_statements: int | None = None
    """Cursor of the next page of statements, None on the last."""


@dataclass(frozen=True)
class KeyView:
    """A key of the register with what it signed."""

    key_id: str
    signer: str
    organisation_id: UUID | None
    officer_id: UUID | None
    roles: int
    valid_from: int
    valid_until: int
    granted_at_block: int
    revoked_at_block: int | None
    events: tuple[EventView, ...]
    links: tuple[Link, ...]
    next_events: str | None = None
    """Cursor of the next page, None on the last."""


@dataclass(frozen=True)
class OfficerKey:
    """A key of an officer."""

    key_id: str
    organisation_id: UUID | None
    roles: int
    valid_from: int
    valid_until: int
    granted_at_block: int
    revoked_at_block: int | None
    links: tuple[Link, ...]


@dataclass(frozen=True)
class OfficerView:
    """An officer or a device: the keys that were granted, and everything that they signed."""

    officer_id: UUID
    keys: tuple[OfficerKey, ...]
    events: tuple[EventView, ...]
    links: tuple[Link, ...] = field(default=())
    next_events: str | None = None
    """Cursor of the next page, None on the last."""
