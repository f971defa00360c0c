"""How the ledger is shown: no content, only what stands on the chain and in the evidence log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, computed_field

from api.cases.views import StatementStateName, Words
from ledger.keys.roles import Role
from ledger.proofs.verification import Verdict
from workflow.engine.schemas import Output, Word, example
from workflow.parties.rules import role_names

LinkKind = Literal["block", "transaction", "statement", "case", "key", "officer"]
SignerKind = Literal["secp256k1", "p256", "passkey", "contract"]


def _named(roles: object) -> object:
    """Name the roles of a register's entry, which holds them as bits."""
    return role_names(Role(roles)) if isinstance(roles, int) else roles


RoleNames = Annotated[list[str], BeforeValidator(_named)]

NextEvents = Annotated[
    str | None, Field(description="Send it as `after` for the next page of events; null on the last.")
]


_WORD = "0x" + "5b" * 32
_CASE = "0198f2a4-6c1e-7a52-9b0c-3f6f2d9a1b01"
_AT = "2026-02-03T08:12:41Z"
_LINK = {"kind": "block", "reference": "118", "address": "/api/v1/ledger/blocks/118"}
_EVENT: dict[str, Any] = {
    "contract": "MaterialCertificates",
    "name": "CertificateActivated",
    "words": {"en": "Material certificate active", "zh": "物资证明函已生效"},
    "meaning": {
        "en": "Material certificate 0198f2a4… version 1 is active: all three parties have confirmed it.",
        "zh": "物资证明函0198f2a4…第1版经三方确认，现已生效。",
    },
    "values": {"certificate": "0x0198f2a46c1e7a529b0c3f6f2d9a1b01" + "00" * 16, "version": "1"},
    "unit": None,
    "raw": {"address": "0x" + "5f" * 20, "topics": [_WORD, _WORD], "data": "0x" + "00" * 31 + "01"},
    "block_number": 118,
    "log_index": 3,
    "at": _AT,
    "is_final": True,
    "links": [_LINK],
}
_STATEMENT: dict[str, Any] = {
    "digest": _WORD,
    "primary_type": "CertificateReview",
    "words": {"en": "Review of a material certificate", "zh": "审核物资证明函"},
    "meaning": {
        "en": "Customs confirms material certificate 0198f2a4… version 1.",
        "zh": "海关确认物资证明函0198f2a4…第1版。",
    },
    "standing": {"en": "It took effect in block 118.", "zh": "已在区块118生效。"},
    "contract": "MaterialCertificates",
    "message": {"certificate": "0x0198f2a46c1e7a529b0c3f6f2d9a1b01" + "00" * 16, "version": 1},
    "signed_bytes": "0x1901" + "ab" * 64,
    "arguments": {"carried": []},
    "corrected_by": None,
    "state": "recorded",
    "refusal": None,
    "signatures": [
        {
            "key_id": _WORD,
            "kind": "secp256k1",
            "signer": "0x" + "3c" * 20,
            "organisation_id": _CASE,
            "officer_id": _CASE,
            "signature": "0x" + "1c" * 65,
            "links": [{"kind": "key", "reference": _WORD, "address": f"/api/v1/ledger/keys/{_WORD}"}],
        }
    ],
    "created_at": _AT,
    "recorded_at": _AT,
    "events": [_EVENT],
    "links": [_LINK],
}
_BLOCK: dict[str, Any] = {
    "number": 118,
    "hash": _WORD,
    "parent_hash": _WORD,
    "at": _AT,
    "is_final": True,
    "events": [_EVENT],
    "links": [{"kind": "block", "reference": "117", "address": "/api/v1/ledger/blocks/117"}],
}
_CHECKPOINT: dict[str, Any] = {
    "size": 512,
    "root": _WORD,
    "statement": _WORD,
    "block_number": 118,
    "transaction_hash": _WORD,
    "anchored_at": _AT,
}
_LEAF: dict[str, Any] = {
    "id": 77,
    "position": 76,
    "kind": "history",
    "subject": _CASE,
    "content_hash": _WORD,
    "at": _AT,
    "leaf_hash": _WORD,
    "proof": "/api/v1/ledger/proofs/inclusion/77",
}


class LedgerLink(Output):
    """Where a reader can go from here."""

    model_config = example(_LINK)

    kind: LinkKind
    reference: str

    @computed_field  # type: ignore[prop-decorator]  # Pydantic's documented way
    @property
    def address(self) -> str:
        """Where it is looked up."""
        return f"/api/v1/ledger/{self.kind}s/{self.reference}"


class RawLogOut(Output):
    """An event as the chain holds it."""

    address: str
    topics: list[Word]
    data: str


class EventOut(Output):
    """One event of a contract."""

    contract: str
    name: str
    words: Words
    meaning: Words = Field(description="What it tells, in a sentence.")
    values: dict[str, Any]
    unit: str | None = Field(
        description="Unit of the quantities in it, as the declaration's filing quotes it."
    )
    raw: RawLogOut | None = Field(
        description="The log; none where the values kept here are no event of the contract."
    )
    block_number: int
    log_index: int
    at: datetime
    is_final: bool
    links: list[LedgerLink]


class SignatureOut(Output):
    """One signature of a statement."""

    key_id: Word
    kind: SignerKind
    signer: str = Field(description="ERC-7913 signer: an address, or a verifier's address and a key.")
    organisation_id: UUID | None
    officer_id: UUID | None
    signature: str
    links: list[LedgerLink]


class RefusalOut(Output):
    """Why a contract refused a statement."""

    error_name: str
    values: dict[str, Any]
    words: Words


class StatementOut(Output):
    """A statement: what was signed, by whom, what became of it."""

    model_config = example(_STATEMENT)

    digest: Word
    primary_type: str
    words: Words
    meaning: Words = Field(description="What it says and who signed it, in a sentence.")
    standing: Words = Field(description="What became of it, in a sentence.")
    contract: str
    message: dict[str, Any] = Field(description="The typed message: identifiers, digests, quantities.")
    signed_bytes: str | None = Field(
        description="What was hashed and signed: 0x1901, the domain, the message's hash (EIP-712)."
    )
    arguments: dict[str, Any] | None = Field(
        description="What the call holds besides message and signatures."
    )
    corrected_by: Word | None = Field(description="The correction that replaced this decision.")
    state: StatementStateName
    refusal: RefusalOut | None
    signatures: list[SignatureOut]
    created_at: datetime
    recorded_at: datetime | None
    events: list[EventOut]
    links: list[LedgerLink]


class BlockOut(Output):
    """A block with the events of the contracts."""

    model_config = example(_BLOCK)

    number: int
    hash: Word
    parent_hash: Word
    at: datetime
    is_final: bool
    events: list[EventOut]
    links: list[LedgerLink]
    next_events: NextEvents = None


class Blocks(Output):
    """Blocks that hold events of the contracts, newest first; ask for those before the last one to go on."""

    model_config = example({"items": [_BLOCK]})

    items: list[BlockOut]


class TransactionOut(Output):
    """A transaction with the events of the contracts."""

    model_config = example(
        {
            "hash": _WORD,
            "block_number": 118,
            "at": _AT,
            "events": [_EVENT],
            "statements": [_WORD],
            "links": [_LINK],
        }
    )

    hash: Word
    block_number: int
    at: datetime
    events: list[EventOut]
    statements: list[Word]
    links: list[LedgerLink]
    next_events: NextEvents = None


class CaseOut(Output):
    """What the ledger knows of a case."""

    model_config = example({"case_id": _CASE, "statements": [_STATEMENT], "events": [_EVENT], "links": []})

    case_id: UUID
    statements: list[StatementOut]
    events: list[EventOut]
    links: list[LedgerLink]
    next_events: NextEvents = None
    next_statements: int | None = Field(
        default=None, description="Send it as `after_statement` for the next page; null on the last."
    )


class LedgerKeyOut(Output):
    """A key of the consortium's register."""

    model_config = example(
        {
            "key_id": _WORD,
            "signer": "0x" + "a1" * 84,
            "organisation_id": _CASE,
            "officer_id": _CASE,
            "roles": ["broker"],
            "valid_from": 1_770_105_600,
            "valid_until": 1_833_177_600,
            "granted_at_block": 7,
            "revoked_at_block": None,
            "events": [],
            "links": [{"kind": "block", "reference": "7", "address": "/api/v1/ledger/blocks/7"}],
        }
    )

    key_id: Word
    signer: str = Field(description="ERC-7913: an address, or a verifier's address with the public key.")
    organisation_id: UUID | None
    officer_id: UUID | None
    roles: RoleNames
    valid_from: int = Field(description="Unix seconds.")
    valid_until: int = Field(description="Unix seconds.")
    granted_at_block: int
    revoked_at_block: int | None
    events: list[EventOut]
    links: list[LedgerLink]
    next_events: NextEvents = None


class OfficerKeyOut(Output):
    """A key of an officer."""

    key_id: Word
    organisation_id: UUID | None
    roles: RoleNames
    valid_from: int = Field(description="Unix seconds.")
    valid_until: int = Field(description="Unix seconds.")
    granted_at_block: int
    revoked_at_block: int | None
    links: list[LedgerLink]


class OfficerOut(Output):
    """An officer or a device: the keys, and what they signed."""

    model_config = example(
        {
            "officer_id": _CASE,
            "keys": [
                {
                    "key_id": _WORD,
                    "organisation_id": _CASE,
                    "roles": ["broker"],
                    "valid_from": 1_770_105_600,
                    "valid_until": 1_833_177_600,
                    "granted_at_block": 7,
                    "revoked_at_block": None,
                    "links": [_LINK],
                }
            ],
            "events": [_EVENT],
            "links": [],
            "next_events": None,
        }
    )

    officer_id: UUID
    keys: list[OfficerKeyOut]
    events: list[EventOut]
    links: list[LedgerLink]
    next_events: NextEvents = None


class CheckOut(Output):
    """One check with its verdict; one that could not be made is `open` and never counts as passed."""

    name: str
    verdict: Verdict
    words: Words


class VerificationOut(Output):
    """Every check of one statement."""

    model_config = example(
        {
            "verdict": "passed",
            "checks": [
                {
                    "name": "signatures",
                    "verdict": "passed",
                    "words": {"en": "1 signature is good.", "zh": "1个签名有效。"},
                }
            ],
        }
    )

    verdict: Verdict = Field(description="passed where all passed, failed where any failed, else open.")
    checks: list[CheckOut]


class ProcessOut(Output):
    """What a process of the ledger says of itself."""

    process: str
    node_reachable: bool
    waiting: int = Field(description="Statements that are ready but not recorded yet.")
    oldest_waiting_at: datetime | None
    estimate_s: int | None = Field(
        default=None, description="Seconds until all of them should be recorded; null where nothing moves."
    )
    incident_at: datetime | None = Field(
        default=None, description="Since when the node cannot be believed; nothing takes effect."
    )
    head_block: int | None
    final_block: int | None
    updated_at: datetime


class LedgerOut(Output):
    """How the ledger stands."""

    model_config = example(
        {
            "counts": {"blocks": 119, "events": 240, "statements_recorded": 61},
            "log_size": 512,
            "processes": [
                {
                    "process": "relay",
                    "node_reachable": True,
                    "waiting": 0,
                    "oldest_waiting_at": None,
                    "estimate_s": 0,
                    "incident_at": None,
                    "head_block": 119,
                    "final_block": 118,
                    "updated_at": _AT,
                }
            ],
            "chain_id": 31337,
            "contracts": {"Consortium": "0x" + "00" * 19 + "01"},
        }
    )

    counts: dict[str, int]
    log_size: int = Field(description="Leaves of the evidence log that have their place.")
    processes: list[ProcessOut]
    chain_id: int
    contracts: dict[str, str] = Field(description="Where each contract stands.")


class CheckpointOut(Output):
    """A checkpoint of the evidence log that the chain holds."""

    model_config = example(_CHECKPOINT)

    size: int
    root: Word
    statement: Word | None
    block_number: int
    transaction_hash: Word
    anchored_at: datetime


class Checkpoints(Output):
    """Checkpoints, newest first; ask for those below the size of the last one to go on."""

    model_config = example({"items": [_CHECKPOINT]})

    items: list[CheckpointOut]


class LeafOut(Output):
    """A leaf of the evidence log."""

    model_config = example(_LEAF)

    id: int
    position: int | None = Field(description="Place in the log, from 0; null until the sequencer came by.")
    kind: str
    subject: UUID
    content_hash: Word
    at: datetime
    leaf_hash: Word = Field(
        description="SHA-256 of 0x00 and the canonical JSON [format, kind, subject, content hash, Unix seconds]."
    )
    proof: str = Field(description="Where its inclusion is proven.")


class Leaves(Output):
    """Leaves about one case, oldest first; ask for those after the id of the last one to go on."""

    model_config = example({"items": [_LEAF]})

    items: list[LeafOut]


class InclusionOut(Output):
    """Shows that the log of a size holds a leaf at its place (RFC 6962 §2.1.1)."""

    model_config = example(
        {
            "leaf_hash": _WORD,
            "index": 76,
            "size": 512,
            "root": _WORD,
            "proof": [_WORD],
            "checkpoint": {
                "size": 512,
                "root": _WORD,
                "statement": _WORD,
                "block_number": 118,
                "transaction_hash": _WORD,
                "anchored_at": _AT,
            },
        }
    )

    leaf_hash: Word
    index: int
    size: int
    root: Word
    proof: list[Word]
    checkpoint: CheckpointOut | None = Field(
        description="The checkpoint of this size on the chain; null where none of this size is anchored."
    )


class ConsistencyOut(Output):
    """Shows that the log of one size is the beginning of the log of another (RFC 6962 §2.1.2)."""

    model_config = example(
        {"first": 256, "second": 512, "first_root": _WORD, "second_root": _WORD, "proof": [_WORD]}
    )

    first: int
    second: int
    first_root: Word
    second_root: Word
    proof: list[Word]
