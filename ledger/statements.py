"""Everything that can be signed: one typed message (EIP-712) for each kind of statement, in one place.

The names, the order and the types of the fields are what the contracts hash; a test compares every type with
the contract's own function.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from eth_utils.crypto import keccak

from kernel.errors import Kind, PisteError, Text
from ledger.typed_data import (
    DOMAIN_FIELDS,
    WORD,
    Bytes3,
    Bytes32,
    ByteString,
    Struct,
    UInt8,
    UInt32,
    UInt64,
    UInt128,
    UInt256,
    domain_separator,
    types_of,
)

if TYPE_CHECKING:
    from ledger.chain.deployment import Deployment

UUID_BYTES = 16
UNIT_BYTES = 3


class StatementTypeUnknown(PisteError):
    """There is no such kind of statement."""

    code = "statement.type-unknown"
    kind = Kind.INVALID
    message = Text("There is no kind of statement named {name}.", "不存在名为{name}的声明类型。")
    next_step = Text("Use one of the published kinds.", "请使用已公布的声明类型。")
    name: str


@dataclass(frozen=True)
class Statement(Struct):
    """A typed message that somebody signs and one contract takes."""

    contract: ClassVar[str] = ""
    """Name of the contract that takes it."""

    if TYPE_CHECKING:

        @property
        def subject(self) -> bytes:
            """What the statement is about, 32 bytes."""


@dataclass(frozen=True)
class _NamedStatement(Statement):
    """A statement about the thing that its first field names."""

    @property
    def subject(self) -> bytes:
        """The first field."""
        value: bytes = getattr(self, fields(self)[0].name)
        return value


@dataclass(frozen=True)
class _NumberedStatement(Statement):
    """A statement whose first field is the number that it is known by."""

    @property
    def subject(self) -> bytes:
        """The first field as 32 bytes."""
        value: int = getattr(self, fields(self)[0].name)
        return value.to_bytes(WORD, "big")


# ------------------------------------------------------------------------------------------------- Consortium


@dataclass(frozen=True)
class Organisation(Struct):
    """An organisation's place in the consortium."""

    organisation: Bytes32
    roles: UInt256
    valid_from: UInt64
    valid_until: UInt64


@dataclass(frozen=True)
class KeyGrant(Struct):
    """A key given to an officer or a device."""

    organisation: Bytes32
    officer: Bytes32
    signer: ByteString
    roles: UInt256
    valid_from: UInt64
    valid_until: UInt64


@dataclass(frozen=True)
class ConsortiumChange(_NumberedStatement):
    """One step in the life of the consortium, signed by k of n founding members."""

    contract: ClassVar[str] = "Consortium"
    sequence: UInt64
    organisations: tuple[Organisation, ...]
    grants: tuple[KeyGrant, ...]
    revocations: tuple[Bytes32, ...]


@dataclass(frozen=True)
class FounderReplacement(_NumberedStatement):
    """A founding organisation speaks with another key from now on, signed by k of n founding members."""

    contract: ClassVar[str] = "Consortium"
    sequence: UInt64
    organisation: Bytes32
    signer: ByteString


# --------------------------------------------------------------------------------------- MaterialCertificates


@dataclass(frozen=True)
class CertificateSubmission(_NamedStatement):
    """A broker files a version of a material certificate with its goods list."""

    contract: ClassVar[str] = "MaterialCertificates"
    certificate: Bytes32
    version: UInt32
    content_hash: Bytes32
    lines_root: Bytes32
    holder: Bytes32
    valid_from: UInt64
    valid_until: UInt64
    signed_at: UInt64


@dataclass(frozen=True)
class CertificateReview(_NamedStatement):
    """The committee (party 1) or customs (party 2) confirms (1), returns (2) or rejects (3) a certificate."""

    contract: ClassVar[str] = "MaterialCertificates"
    certificate: Bytes32
    version: UInt32
    content_hash: Bytes32
    party: UInt8
    verdict: UInt8
    reason_hash: Bytes32
    signed_at: UInt64


@dataclass(frozen=True)
class CertificateRevocation(_NamedStatement):
    """A certificate is void from now on."""

    contract: ClassVar[str] = "MaterialCertificates"
    certificate: Bytes32
    version: UInt32
    reason_hash: Bytes32
    signed_at: UInt64


@dataclass(frozen=True)
class CertificateDelegation(_NamedStatement):
    """The holder lets another broker draw from its certificate; a validity of (0, 0) takes that back."""

    contract: ClassVar[str] = "MaterialCertificates"
    certificate: Bytes32
    broker: Bytes32
    sequence: UInt32
    valid_from: UInt64
    valid_until: UInt64
    signed_at: UInt64


@dataclass(frozen=True)
class Draw(Struct):
    """What a declaration takes from one line of a certificate, in millionths of the unit."""

    certificate: Bytes32
    line: UInt32
    unit: Bytes3
    quantity: UInt128


@dataclass(frozen=True)
class DeclarationFiling(_NamedStatement):
    """A broker files a version of a declaration and reserves what it draws."""

    contract: ClassVar[str] = "MaterialCertificates"
    declaration: Bytes32
    version: UInt32
    content_hash: Bytes32
    draws: tuple[Draw, ...]
    signed_at: UInt64


@dataclass(frozen=True)
class DeclarationWithdrawal(_NamedStatement):
    """A broker takes a declaration back; what it drew is free again."""

    contract: ClassVar[str] = "MaterialCertificates"
    declaration: Bytes32
    version: UInt32
    reason_hash: Bytes32
    signed_at: UInt64


# ------------------------------------------------------------------------------------------------- CheckNotes


@dataclass(frozen=True)
class NoteItem(Struct):
    """What a vehicle carries of one declaration's draw on one line, in millionths of the unit."""

    declaration: Bytes32
    certificate: Bytes32
    line: UInt32
    quantity: UInt128


@dataclass(frozen=True)
class CheckNoteOpening(_NamedStatement):
    """A broker asks for one vehicle to pass one gate or two."""

    contract: ClassVar[str] = "CheckNotes"
    note: Bytes32
    content_hash: Bytes32
    gates: UInt8
    binding: UInt8
    items: tuple[NoteItem, ...]
    signed_at: UInt64


@dataclass(frozen=True)
class CheckNoteApproval(_NamedStatement):
    """Customs lets the vehicle pass."""

    contract: ClassVar[str] = "CheckNotes"
    note: Bytes32
    content_hash: Bytes32
    signed_at: UInt64


@dataclass(frozen=True)
class GatePassage(_NamedStatement):
    """A gate says that the barrier has lifted and the vehicle went through."""

    contract: ClassVar[str] = "CheckNotes"
    note: Bytes32
    gate: UInt8
    event_hash: Bytes32
    signed_at: UInt64


@dataclass(frozen=True)
class CheckNoteVoiding(_NamedStatement):
    """A broker takes a check note back before its first gate."""

    contract: ClassVar[str] = "CheckNotes"
    note: Bytes32
    reason_hash: Bytes32
    signed_at: UInt64


# ------------------------------------------------------------------------------------------- ReleaseDecisions


@dataclass(frozen=True)
class ExaminationReport(_NamedStatement):
    """An inspector reports: 1 conform, 2 not conform."""

    contract: ClassVar[str] = "ReleaseDecisions"
    declaration: Bytes32
    version: UInt32
    sequence: UInt32
    result: UInt8
    evidence_hash: Bytes32
    signed_at: UInt64


@dataclass(frozen=True)
class Disposition(_NamedStatement):
    """An officer picks what is to be done about a finding."""

    contract: ClassVar[str] = "ReleaseDecisions"
    declaration: Bytes32
    version: UInt32
    sequence: UInt32
    outcome: UInt8
    evidence_hash: Bytes32
    signed_at: UInt64


@dataclass(frozen=True)
class ReleaseRule(_NamedStatement):
    """A supervisor puts a rule of the green channel in force, for one system and a number of releases."""

    contract: ClassVar[str] = "ReleaseDecisions"
    rule: Bytes32
    version: UInt32
    content_hash: Bytes32
    system: Bytes32
    most_releases: UInt32
    valid_from: UInt64
    valid_until: UInt64
    signed_at: UInt64


@dataclass(frozen=True)
class ReleaseRuleRepeal(_NamedStatement):
    """An officer ends a rule of the green channel."""

    contract: ClassVar[str] = "ReleaseDecisions"
    rule: Bytes32
    version: UInt32
    reason_hash: Bytes32
    signed_at: UInt64


@dataclass(frozen=True)
class ReleaseDecision(_NamedStatement):
    """The decision on a declaration.

    Outcome 1 release, 7 return shipment, 9 destroy; channel 1 green, 2 yellow, 3 red. A release on the green
    channel names its rule, any other decision none (zeros). It counts only when it is recorded by `decide_by`.
    """

    contract: ClassVar[str] = "ReleaseDecisions"
    declaration: Bytes32
    version: UInt32
    content_hash: Bytes32
    channel: UInt8
    outcome: UInt8
    rule: Bytes32
    evidence_hash: Bytes32
    decide_by: UInt64
    signed_at: UInt64


@dataclass(frozen=True)
class DecisionCorrection(_NamedStatement):
    """Two officers correct a decision: a new decision that names the one that counted until now."""

    contract: ClassVar[str] = "ReleaseDecisions"
    declaration: Bytes32
    version: UInt32
    corrects: Bytes32
    outcome: UInt8
    reason_hash: Bytes32
    evidence_hash: Bytes32
    decide_by: UInt64
    signed_at: UInt64


# ------------------------------------------------------------------------------------------------ EvidenceLog


@dataclass(frozen=True)
class Checkpoint(_NumberedStatement):
    """The evidence log says how long it is and what its root is."""

    contract: ClassVar[str] = "EvidenceLog"
    size: UInt64
    root: Bytes32
    signed_at: UInt64


@dataclass(frozen=True)
class CheckpointWitness(_NumberedStatement):
    """A member has seen that an anchored checkpoint continues the log that it knows."""

    contract: ClassVar[str] = "EvidenceLog"
    size: UInt64
    root: Bytes32
    signed_at: UInt64


@dataclass(frozen=True)
class Evidence(Statement):
    """A device vouches for a reading; a leaf of the evidence log, never sent to the chain."""

    contract: ClassVar[str] = "EvidenceLog"
    subject: Bytes32
    kind: Bytes32
    content_hash: Bytes32
    signed_at: UInt64


STATEMENT_TYPES: dict[str, type[Statement]] = {
    kind.primary_type: kind
    for kind in (
        ConsortiumChange,
        FounderReplacement,
        CertificateSubmission,
        CertificateReview,
        CertificateRevocation,
        CertificateDelegation,
        DeclarationFiling,
        DeclarationWithdrawal,
        CheckNoteOpening,
        CheckNoteApproval,
        GatePassage,
        CheckNoteVoiding,
        ExaminationReport,
        Disposition,
        ReleaseRule,
        ReleaseRuleRepeal,
        ReleaseDecision,
        DecisionCorrection,
        Checkpoint,
        CheckpointWitness,
        Evidence,
    )
}
STATEMENT_WORDS: dict[str, Text] = {
    "ConsortiumChange": Text("Change of the consortium", "联盟成员变更"),
    "FounderReplacement": Text("New key of a founding member", "创始成员更换密钥"),
    "CertificateSubmission": Text("Submission of a material certificate", "提交物资证明函"),
    "CertificateReview": Text("Review of a material certificate", "审核物资证明函"),
    "CertificateRevocation": Text("Revocation of a material certificate", "撤销物资证明函"),
    "CertificateDelegation": Text("Delegation of a material certificate", "物资证明函授权"),
    "DeclarationFiling": Text("Filing of a declaration", "申报报关单"),
    "DeclarationWithdrawal": Text("Withdrawal of a declaration", "撤回报关单"),
    "CheckNoteOpening": Text("Opening of a check note", "申请核放单"),
    "CheckNoteApproval": Text("Approval of a check note", "批准核放单"),
    "GatePassage": Text("Passage of a gate", "卡口放行过卡"),
    "CheckNoteVoiding": Text("Voiding of a check note", "作废核放单"),
    "ExaminationReport": Text("Examination report", "查验报告"),
    "Disposition": Text("Disposition", "异常处置"),
    "ReleaseRule": Text("Release rule put in force", "放行规则生效"),
    "ReleaseRuleRepeal": Text("Release rule repealed", "放行规则废止"),
    "ReleaseDecision": Text("Release decision", "放行决定"),
    "DecisionCorrection": Text("Correction of a decision", "更正决定"),
    "Checkpoint": Text("Checkpoint of the evidence log", "证据日志检查点"),
    "CheckpointWitness": Text("Witness of a checkpoint", "检查点见证"),
    "Evidence": Text("Evidence", "证据"),
}


def statement_from(primary_type: str, message: dict[str, Any]) -> Statement:
    """Read a statement back from its type and its JSON message.

    Raises:
        StatementTypeUnknown: There is no such type.
        StatementMalformed: The message does not fit the type.
    """
    kind = STATEMENT_TYPES.get(primary_type)
    if kind is None:
        raise StatementTypeUnknown(name=primary_type[:60])
    return kind.from_message(message)


def typed_data(statement: Statement, deployment: Deployment) -> dict[str, Any]:
    """Give the full EIP-712 JSON, ready for a wallet (`eth_signTypedData_v4`)."""
    return {
        "types": {"EIP712Domain": list(DOMAIN_FIELDS), **types_of(type(statement))},
        "primaryType": statement.primary_type,
        "domain": {
            "name": "Piste",
            "version": "1",
            "chainId": deployment.chain_id,
            "verifyingContract": deployment.address(statement.contract),
        },
        "message": statement.message(),
    }


def digest(statement: Statement, deployment: Deployment) -> bytes:
    """Give the 32 bytes that are signed, and that name the statement on the chain."""
    domain = domain_separator(
        chain_id=deployment.chain_id, contract=deployment.address_bytes(statement.contract)
    )
    return keccak(b"\x19\x01" + domain + statement.struct_hash())


def id_bytes(identifier: UUID) -> bytes:
    """Give an identifier as the chain holds it: its 16 bytes, right-padded with zeros."""
    return identifier.bytes.ljust(WORD, b"\0")


def id_from_bytes(value: bytes) -> UUID:
    """Read an identifier back.

    Raises:
        ValueError: The bytes hold no identifier of ours.
    """
    if len(value) != WORD or any(value[UUID_BYTES:]):
        raise ValueError(value.hex())
    return UUID(bytes=value[:UUID_BYTES])


def unit_bytes(code: str) -> bytes:
    """Give a UNECE Rec 20 unit code as the chain holds it: three ASCII characters, right-padded with zeros.

    Raises:
        ValueError: The code is empty, longer, or not ASCII.
    """
    encoded = code.encode("ascii", errors="strict")
    if not 0 < len(encoded) <= UNIT_BYTES:
        raise ValueError(code)
    return encoded.ljust(UNIT_BYTES, b"\0")


def unit_from_bytes(value: bytes) -> str:
    """Read a unit code back."""
    return value.rstrip(b"\0").decode("ascii")


def key_id(signer: bytes) -> bytes:
    """Give the name of a key on the chain: the hash of its ERC-7913 signer."""
    return keccak(signer)
