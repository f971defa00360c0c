"""Proof bundles and redacted copies as they are read: every member present and of its form, nothing judged yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any

from ledger.verifier.anchor import Changes, TrustAnchor
from ledger.verifier.hashing import inclusion_root, keccak, leaf_hash, shared_root
from ledger.verifier.membership import Attested, Place, read_signatures
from ledger.verifier.messages import Message, Network, read_message, sealed
from ledger.verifier.reading import (
    bytes_of,
    canonical,
    list_of,
    malformed,
    number_of,
    object_of,
    scalar_of,
    text_of,
    uuid_bytes_of,
)
from ledger.verifier.signatures import ADDRESS_BYTES, WORD, SignedBy, Verifiers

BUNDLE_FORMAT = "piste-bundle-v1"
REDACTED_FORMAT = "piste-redacted-v1"
LEAF_FORMAT = "piste-evidence-v1"
LEAF_KIND = "record"
_BUNDLE_SEAL, _REDACTED_SEAL, _PAPER_SEAL = map(keccak, (b"piste.bundle", b"piste.redacted", b"piste.paper"))
MOST_SIGNATURES, MOST_WITNESSES, MOST_CHANGES = 8, 32, 1000
MOST_PROOF = 64
MOST_FIELDS, MOST_PARTS, MOST_SIZE = 500, 16, 100_000
MOST_FIELD_PROOF = 20_000
_VIEW = re.compile(r"[a-z0-9-]{1,40}")
_BUNDLE = frozenset(
    [
        "changes",
        "checkpoint",
        "disclosed",
        "format",
        "inclusion",
        "leaf",
        "network",
        "record",
        "seal",
        "signatures",
        "statement",
        "witnesses",
    ]
)
_RECORD = frozenset(
    ["blockHash", "blockNumber", "blockTime", "contract", "logIndex", "transactionHash", "transactionIndex"]
)


@dataclass(frozen=True)
class Seal:
    """The log's signature over a file."""

    by: SignedBy
    signed_at: int
    struct_hash: bytes
    """Of the message `Evidence` that it signs."""

    def holds(self, network: Network) -> bool:
        """Tell whether the signature fits; the signer is always an address."""
        return self.by.holds(network.digest("EvidenceLog", self.struct_hash), _ADDRESSES_ONLY)


@dataclass(frozen=True)
class Inclusion:
    """An audit path in the evidence log."""

    index: int
    size: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True)
class Leaf:
    """The leaf that vouches for a record."""

    subject: bytes
    data: bytes

    def root(self, inclusion: Inclusion) -> bytes | None:
        """Give the root that the audit path leads to."""
        return inclusion_root(leaf_hash(self.data), inclusion.index, inclusion.size, inclusion.proof)


@dataclass(frozen=True)
class Disclosed:
    """Fields of a document that are shown, with one proof for all."""

    content_hash: bytes
    fields: tuple[dict[str, Any], ...]
    """As JSON."""
    size: int
    proof: tuple[bytes, ...]

    def holds(self, content_hash: bytes | None) -> bool:
        """Tell whether the document behind a content hash holds these fields, each once."""
        if content_hash != self.content_hash:
            return False
        if len({canonical(shown["path"]) for shown in self.fields}) != len(self.fields):
            return False
        leaves = [
            (shown["index"], leaf_hash(canonical([shown["path"], shown["salt"][2:], shown["value"]])))
            for shown in self.fields
        ]
        return shared_root(leaves, self.size, self.proof) == content_hash

    def facts(self) -> dict[str, Any]:
        """Give what is shown, and how much is not."""
        return {
            "fields": [{"path": shown["path"], "value": shown["value"]} for shown in self.fields],
            "hidden": self.size - len(self.fields),
        }


@dataclass(frozen=True)
class Bundle:
    """A proof bundle."""

    network: Network
    message: Message
    """The statement."""
    signatures: tuple[SignedBy, ...]
    """Of the statement."""
    digest: bytes
    """Of the statement, on the bundle's own network."""
    changes: Changes
    record: dict[str, Any] | None
    """As JSON."""
    leaf: Leaf | None
    inclusion: Inclusion | None
    checkpoint: Attested | None
    witnesses: tuple[Attested, ...]
    disclosed: Disclosed | None
    seal: Seal

    @property
    def place(self) -> Place | None:
        """Where the chain took the statement."""
        return Place(self.record["blockNumber"], self.record["logIndex"]) if self.record else None

    @property
    def subject(self) -> bytes:
        """What the seals name as their subject."""
        return self.leaf.subject if self.leaf else self.message.subject


@dataclass(frozen=True)
class RedactedCopy:
    """A bundle and a view of the document that it decides on."""

    bundle: Bundle
    disclosed: Disclosed
    view: str
    seal: Seal


def read_bundle(top: dict[str, Any], trust: TrustAnchor) -> Bundle:
    """Read a proof bundle.

    Raises:
        Fault: `malformed`.
    """
    object_of(top, _BUNDLE)
    network = trust.network_of(top["network"])
    stated = object_of(top["statement"], frozenset({"message", "primaryType"}))
    message = read_message(stated["primaryType"], stated["message"])
    record = _record(top["record"])
    digest = message.digest(network)
    leaf = _leaf(top["leaf"], digest, record)
    inclusion = _inclusion(top["inclusion"])
    checkpoint = top["checkpoint"]
    if checkpoint is not None:
        checkpoint = trust.attested(checkpoint, "Checkpoint", MOST_SIGNATURES)
    subject = leaf.subject if leaf else message.subject
    bundle = Bundle(
        network=network,
        message=message,
        signatures=read_signatures(top["signatures"], MOST_SIGNATURES),
        digest=digest,
        changes=trust.changes_of(top["changes"], MOST_CHANGES),
        record=record,
        leaf=leaf,
        inclusion=inclusion,
        checkpoint=checkpoint,
        witnesses=tuple(
            trust.attested(item, "CheckpointWitness", 1)
            for item in list_of(top["witnesses"], 0, MOST_WITNESSES)
        ),
        disclosed=_disclosed(top["disclosed"]) if top["disclosed"] is not None else None,
        seal=_seal(top, _BUNDLE_SEAL, subject),
    )
    _check_links(top)
    return bundle


def read_redacted(top: dict[str, Any], trust: TrustAnchor) -> RedactedCopy:
    """Read a redacted copy.

    Raises:
        Fault: `malformed`.
    """
    object_of(top, frozenset({"bundle", "disclosed", "format", "seal", "view"}))
    inner = object_of(top["bundle"], _BUNDLE)
    if inner["format"] != BUNDLE_FORMAT or inner["disclosed"] is not None:
        raise malformed()
    bundle = read_bundle(inner, trust)
    if not _VIEW.fullmatch(text_of(top["view"])):
        raise malformed()
    return RedactedCopy(
        bundle, _disclosed(top["disclosed"]), top["view"], _seal(top, _REDACTED_SEAL, bundle.subject)
    )


def _check_links(top: dict[str, Any]) -> None:
    """Check that nothing stands without what it rests on."""
    given = {name: top[name] is not None for name in ("record", "leaf", "inclusion", "checkpoint")}
    if (
        given["record"] != given["leaf"]
        or given["inclusion"] != given["checkpoint"]
        or (given["inclusion"] and not given["leaf"])
        or (top["witnesses"] and not given["checkpoint"])
    ):
        raise malformed()


def _record(value: object) -> dict[str, Any] | None:
    if value is None:
        return None
    record = object_of(value, _RECORD)
    text_of(record["contract"])
    for name in ("blockHash", "transactionHash"):
        bytes_of(record[name], WORD)
    for name in ("blockNumber", "blockTime", "logIndex", "transactionIndex"):
        number_of(record[name])
    return record


def _leaf(value: object, digest: bytes, record: dict[str, Any] | None) -> Leaf | None:
    if value is None:
        return None
    leaf = object_of(value, frozenset({"at", "kind", "subject"}))
    subject, at = uuid_bytes_of(leaf["subject"]), number_of(leaf["at"])
    if leaf["kind"] != LEAF_KIND or record is None:
        raise malformed()
    content_hash = sha256(canonical({"statement": "0x" + digest.hex(), **record})).hexdigest()
    return Leaf(subject, canonical([LEAF_FORMAT, LEAF_KIND, leaf["subject"], content_hash, at]))


def _inclusion(value: object) -> Inclusion | None:
    if value is None:
        return None
    members = object_of(value, frozenset({"index", "proof", "size"}))
    return Inclusion(
        number_of(members["index"]), number_of(members["size"]), _hashes(members["proof"], MOST_PROOF)
    )


def _hashes(value: object, most: int) -> tuple[bytes, ...]:
    return tuple(bytes_of(item, WORD) for item in list_of(value, 0, most))


def _disclosed(value: object) -> Disclosed:
    members = object_of(value, frozenset({"contentHash", "fields", "proof", "size"}))
    size = number_of(members["size"], 1, MOST_SIZE)
    fields = tuple(_field(item, size) for item in list_of(members["fields"], 1, MOST_FIELDS))
    if any(one["index"] >= other["index"] for one, other in pairwise(fields)):
        raise malformed()
    return Disclosed(
        bytes_of(members["contentHash"], WORD), fields, size, _hashes(members["proof"], MOST_FIELD_PROOF)
    )


def _field(value: object, size: int) -> dict[str, Any]:
    shown = object_of(value, frozenset({"index", "path", "salt", "value"}))
    number_of(shown["index"], 0, size - 1)
    bytes_of(shown["salt"], WORD)
    for part in list_of(shown["path"], 1, MOST_PARTS):
        if not isinstance(part, str):
            number_of(part)
    scalar_of(shown["value"])
    return shown


def _seal(top: dict[str, Any], kind: bytes, subject: bytes) -> Seal:
    seal = object_of(top["seal"], frozenset({"signature", "signedAt", "signer"}))
    by = SignedBy(bytes_of(seal["signer"], ADDRESS_BYTES), bytes_of(seal["signature"]))
    bare = {name: value for name, value in top.items() if name != "seal"}
    signed_at = number_of(seal["signedAt"])
    if not 0 < len(by.signature) <= WORD * MOST_PROOF:
        raise malformed()
    return _sealed(by, subject, kind, sha256(canonical(bare)).digest(), signed_at)


def paper_seal(by: SignedBy, subject: bytes, content_hash: bytes, signed_at: int) -> Seal:
    """Give the seal of a paper."""
    return _sealed(by, subject, _PAPER_SEAL, content_hash, signed_at)


def _sealed(by: SignedBy, subject: bytes, kind: bytes, content_hash: bytes, signed_at: int) -> Seal:
    return Seal(by, signed_at, sealed(subject, kind, content_hash, signed_at))


_ADDRESSES_ONLY = Verifiers(b"", b"")
