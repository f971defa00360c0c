"""The typed messages (EIP-712) that a verifier knows: a table of its own, and how a message is hashed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ledger.verifier.hashing import keccak
from ledger.verifier.reading import bytes_of, list_of, malformed, number_of, object_of
from ledger.verifier.signatures import WORD

DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
DOMAIN_NAME, DOMAIN_VERSION = "Piste", "1"
CONTRACTS = ("CheckNotes", "Consortium", "EvidenceLog", "MaterialCertificates", "ReleaseDecisions")
STRUCTURES: dict[str, str] = {
    "Organisation": "bytes32 organisation,uint256 roles,uint64 validFrom,uint64 validUntil",
    "KeyGrant": "bytes32 organisation,bytes32 officer,bytes signer,uint256 roles,uint64 validFrom,uint64 validUntil",
    "Draw": "bytes32 certificate,uint32 line,bytes3 unit,uint128 quantity",
    "NoteItem": "bytes32 declaration,bytes32 certificate,uint32 line,uint128 quantity",
}
STATEMENTS: dict[str, tuple[str, str]] = {
    "ConsortiumChange": (
        "Consortium",
        "uint64 sequence,Organisation[] organisations,KeyGrant[] grants,bytes32[] revocations",
    ),
    "FounderReplacement": ("Consortium", "uint64 sequence,bytes32 organisation,bytes signer"),
    "CertificateSubmission": (
        "MaterialCertificates",
        (
            "bytes32 certificate,uint32 version,bytes32 contentHash,bytes32 linesRoot,bytes32 holder,"
            "uint64 validFrom,uint64 validUntil,uint64 signedAt"
        ),
    ),
    "CertificateReview": (
        "MaterialCertificates",
        (
            "bytes32 certificate,uint32 version,bytes32 contentHash,uint8 party,uint8 verdict,bytes32 reasonHash,"
            "uint64 signedAt"
        ),
    ),
    "CertificateRevocation": (
        "MaterialCertificates",
        "bytes32 certificate,uint32 version,bytes32 reasonHash,uint64 signedAt",
    ),
    "CertificateDelegation": (
        "MaterialCertificates",
        "bytes32 certificate,bytes32 broker,uint32 sequence,uint64 validFrom,uint64 validUntil,uint64 signedAt",
    ),
    "DeclarationFiling": (
        "MaterialCertificates",
        "bytes32 declaration,uint32 version,bytes32 contentHash,Draw[] draws,uint64 signedAt",
    ),
    "DeclarationWithdrawal": (
        "MaterialCertificates",
        "bytes32 declaration,uint32 version,bytes32 reasonHash,uint64 signedAt",
    ),
    "CheckNoteOpening": (
        "CheckNotes",
        "bytes32 note,bytes32 contentHash,uint8 gates,uint8 binding,NoteItem[] items,uint64 signedAt",
    ),
    "CheckNoteApproval": ("CheckNotes", "bytes32 note,bytes32 contentHash,uint64 signedAt"),
    "GatePassage": ("CheckNotes", "bytes32 note,uint8 gate,bytes32 eventHash,uint64 signedAt"),
    "CheckNoteVoiding": ("CheckNotes", "bytes32 note,bytes32 reasonHash,uint64 signedAt"),
    "ExaminationReport": (
        "ReleaseDecisions",
        "bytes32 declaration,uint32 version,uint32 sequence,uint8 result,bytes32 evidenceHash,uint64 signedAt",
    ),
    "Disposition": (
        "ReleaseDecisions",
        "bytes32 declaration,uint32 version,uint32 sequence,uint8 outcome,bytes32 evidenceHash,uint64 signedAt",
    ),
    "ReleaseRule": (
        "ReleaseDecisions",
        (
            "bytes32 rule,uint32 version,bytes32 contentHash,bytes32 system,uint32 mostReleases,"
            "uint64 validFrom,uint64 validUntil,uint64 signedAt"
        ),
    ),
    "ReleaseRuleRepeal": (
        "ReleaseDecisions",
        "bytes32 rule,uint32 version,bytes32 reasonHash,uint64 signedAt",
    ),
    "ReleaseDecision": (
        "ReleaseDecisions",
        (
            "bytes32 declaration,uint32 version,bytes32 contentHash,uint8 channel,uint8 outcome,bytes32 rule,"
            "bytes32 evidenceHash,uint64 decideBy,uint64 signedAt"
        ),
    ),
    "DecisionCorrection": (
        "ReleaseDecisions",
        (
            "bytes32 declaration,uint32 version,bytes32 corrects,uint8 outcome,bytes32 reasonHash,"
            "bytes32 evidenceHash,uint64 decideBy,uint64 signedAt"
        ),
    ),
    "Checkpoint": ("EvidenceLog", "uint64 size,bytes32 root,uint64 signedAt"),
    "CheckpointWitness": ("EvidenceLog", "uint64 size,bytes32 root,uint64 signedAt"),
    "Evidence": ("EvidenceLog", "bytes32 subject,bytes32 kind,bytes32 contentHash,uint64 signedAt"),
}
"""By type: the contract that takes it and its fields, in the order in which they are hashed."""
LONGEST_BYTES = 2048
MOST_ITEMS = 10_000
EXACT_IN_JSON = 32
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,77}")


@dataclass(frozen=True)
class Field:
    """One field of a type."""

    name: str
    kind: str
    """Solidity type, for lists that of the items."""
    is_list: bool

    @cached_property
    def encode(self) -> Callable[[object], bytes]:
        """Checks a value's form and gives its 32 bytes in the hash of the type."""
        one = _encoder(self.kind)
        if not self.is_list:
            return one
        return lambda value: keccak(b"".join([one(item) for item in list_of(value, 0, MOST_ITEMS)]))


@dataclass(frozen=True)
class Type:
    """A typed message or a structure inside one."""

    name: str
    contract: str
    """The contract that takes it; empty for structures."""
    fields: tuple[Field, ...]
    declared: str

    @cached_property
    def names(self) -> frozenset[str]:
        """The members of a message."""
        return frozenset(field.name for field in self.fields)

    @cached_property
    def type_hash(self) -> bytes:
        """The EIP-712 `typeHash`."""
        inner = sorted({field.kind for field in self.fields} & STRUCTURES.keys())
        return keccak((self.declared + "".join(TYPES[name].declared for name in inner)).encode())


def _type(name: str, contract: str, fields: str) -> Type:
    parts = [part.split(" ") for part in fields.split(",")]
    return Type(
        name,
        contract,
        tuple(Field(field, kind.removesuffix("[]"), kind.endswith("[]")) for kind, field in parts),
        f"{name}({fields})",
    )


TYPES: dict[str, Type] = {
    **{name: _type(name, "", fields) for name, fields in STRUCTURES.items()},
    **{name: _type(name, contract, fields) for name, (contract, fields) in STATEMENTS.items()},
}


@dataclass(frozen=True)
class Network:
    """A chain and where the contracts stand on it."""

    chain_id: int
    contracts: tuple[tuple[str, bytes], ...]
    """Address by name, in the order of `CONTRACTS`."""

    @cached_property
    def domains(self) -> dict[str, bytes]:
        """The EIP-712 domain separator of each contract."""
        names = [keccak(text.encode()) for text in (DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION)]
        start = b"".join(names) + self.chain_id.to_bytes(WORD, "big")
        return {name: keccak(start + address.rjust(WORD, b"\0")) for name, address in self.contracts}

    def digest(self, contract: str, struct_hash: bytes) -> bytes:
        """Give the 32 bytes that are signed for a contract to take."""
        return keccak(b"\x19\x01" + self.domains[contract] + struct_hash)


@dataclass(frozen=True)
class Message:
    """A typed message that has the form of its type."""

    type: Type
    values: Mapping[str, Any]
    """As JSON."""
    struct_hash: bytes

    @property
    def subject(self) -> bytes:
        """What it is about: its first field as 32 bytes."""
        value = self.values[self.type.fields[0].name]
        return bytes.fromhex(value[2:]) if value.startswith("0x") else int(value).to_bytes(WORD, "big")

    def digest(self, network: Network) -> bytes:
        """Give the 32 bytes that are signed."""
        return network.digest(self.type.contract, self.struct_hash)

    def number(self, name: str) -> int:
        """Give a number of the message."""
        return int(self.values[name])

    def octets(self, name: str) -> bytes:
        """Give bytes of the message."""
        return bytes.fromhex(self.values[name][2:])


def read_message(name: object, values: object) -> Message:
    """Check that a message has the form of a statement's type.

    Raises:
        Fault: `malformed`.
    """
    if not isinstance(name, str) or name not in STATEMENTS or not isinstance(values, dict):
        raise malformed()
    kind = TYPES[name]
    return Message(kind, values, _hash(kind, values))


def sealed(subject: bytes, kind: bytes, content_hash: bytes, signed_at: int) -> bytes:
    """Give the struct hash of the message `Evidence` that a seal signs.

    Args:
        subject: 32 bytes.
        kind: Keccak-256 of the seal's kind.
        content_hash: 32 bytes.
        signed_at: Unix seconds.
    """
    return keccak(
        TYPES["Evidence"].type_hash + subject + kind + content_hash + signed_at.to_bytes(WORD, "big")
    )


def _hash(kind: Type, values: object) -> bytes:
    given = object_of(values, kind.names)
    return keccak(kind.type_hash + b"".join([field.encode(given[field.name]) for field in kind.fields]))


def _encoder(kind: str) -> Callable[[object], bytes]:
    """Give what checks and encodes a value of a Solidity type or of a structure."""
    if kind.startswith("uint"):
        bits = int(kind[4:])
        if bits <= EXACT_IN_JSON:
            return lambda value: number_of(value, 0, (1 << bits) - 1).to_bytes(WORD, "big")
        return lambda value: _decimal(bits, value)
    if kind == "bytes":
        return _dynamic
    if kind.startswith("bytes"):
        length = int(kind[5:])
        return lambda value: bytes_of(value, length).ljust(WORD, b"\0")
    return lambda value: _hash(TYPES[kind], value)


def _dynamic(value: object) -> bytes:
    held = bytes_of(value)
    if len(held) > LONGEST_BYTES:
        raise malformed()
    return keccak(held)


def _decimal(bits: int, value: object) -> bytes:
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise malformed()
    number = int(value)
    if number >> bits:
        raise malformed()
    return number.to_bytes(WORD, "big")
