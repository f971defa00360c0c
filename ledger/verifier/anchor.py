"""The trust anchor: what the owner of a verifier trusts, and what was verified once under it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self, TypeVar

from ledger.verifier.hashing import keccak
from ledger.verifier.membership import (
    SIGNER_LENGTHS,
    Change,
    Register,
    build_register,
    check_changes,
    read_change,
    read_signatures,
    signatures_hold,
)
from ledger.verifier.messages import CONTRACTS, Message, Network, read_message
from ledger.verifier.reading import (
    Fault,
    Reason,
    bytes_of,
    canonical,
    list_of,
    malformed,
    number_of,
    object_of,
    read_json,
    text_of,
)
from ledger.verifier.signatures import ADDRESS_BYTES, WORD, Verifiers

TRUST_FORMAT = "piste-trust-v1"
MOST_KEPT = 4096
MOST_FOUNDERS = 64
MOST_KNOWN = 100_000
_BOTH = frozenset({"en", "zh"})
T = TypeVar("T")


class TrustAnchorMalformed(ValueError):
    """The file is no trust anchor, or contradicts itself."""


class Kept(OrderedDict[bytes, T]):
    """Remembers what was worked out of the same bytes before; the oldest goes when there is too much."""

    def get_or(self, key: bytes, make: Callable[[], T]) -> T:
        """Give what is kept under a key, made now where nothing is."""
        if key not in self:
            self[key] = make()
            if len(self) > MOST_KEPT:
                self.popitem(last=False)
        return self[key]


@dataclass(frozen=True)
class TrustAnchor:
    """Whom a verifier trusts: a network, founding members, and what was known when the anchor was made."""

    network: Network
    verifiers: Verifiers
    founders: dict[bytes, bytes]
    """Founding organisations by key."""
    threshold: int
    witnesses: int
    """How many are demanded."""
    checkpoint: int
    """Size of the evidence log that the knowledge is as of."""
    changes: tuple[Change, ...]
    corrected: frozenset[bytes]
    """Digests of the decisions that a known correction names."""
    names: dict[str, Any]
    """Of the installation and of its founders, for people."""
    _changes: Kept[tuple[Change, bool]] = field(default_factory=Kept, repr=False, compare=False)
    _registers: Kept[Register | Fault] = field(default_factory=Kept, repr=False, compare=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a trust anchor.

        Raises:
            TrustAnchorMalformed: It is none, or its changes are not signed by its founders.
        """
        try:
            anchor = cls._read(read_json(data, most=1 << 28))
            check_changes([(it, anchor.change_holds(it)) for it in anchor.changes])
            anchor.register(())
        except Fault as fault:
            raise TrustAnchorMalformed(fault.reason) from None
        return anchor

    @classmethod
    def _read(cls, data: dict[str, Any]) -> Self:
        names = "chainId contracts format founders known name threshold verifiers witnesses"
        top = object_of(data, frozenset(names.split()))
        if top["format"] != TRUST_FORMAT:
            raise Fault(Reason.UNKNOWN_FORMAT)
        network = read_network({"chainId": top["chainId"], "contracts": top["contracts"]})
        addresses = object_of(top["verifiers"], frozenset({"p256", "passkey"}))
        founders: dict[bytes, bytes] = {}
        words: dict[str, Any] = {"": _name(top["name"])}
        for item in list_of(top["founders"], 1, MOST_FOUNDERS):
            one = object_of(item, frozenset({"name", "organisation", "signer"}))
            organisation = bytes_of(one["organisation"], WORD)
            key = keccak(bytes_of(one["signer"], *SIGNER_LENGTHS))
            if key in founders or organisation in founders.values():
                raise malformed()
            founders[key] = organisation
            words[one["organisation"]] = _name(one["name"])
        known = object_of(top["known"], frozenset({"changes", "checkpoint", "corrections"}))
        verifiers = Verifiers(*(bytes_of(addresses[name], ADDRESS_BYTES) for name in ("p256", "passkey")))
        corrections = [
            _correction(item, network, verifiers) for item in list_of(known["corrections"], 0, MOST_KNOWN)
        ]
        return cls(
            network=network,
            verifiers=verifiers,
            founders=founders,
            threshold=number_of(top["threshold"], 1, len(founders)),
            witnesses=number_of(top["witnesses"]),
            checkpoint=number_of(known["checkpoint"]),
            changes=tuple(read_change(item) for item in list_of(known["changes"], 0, MOST_KNOWN)),
            corrected=frozenset(it.octets("corrects") for it in corrections),
            names=words,
        )

    def change(self, value: object) -> tuple[Change, bool]:
        """Read a change and tell whether its signatures hold; the same bytes are looked at once.

        Raises:
            Fault: `malformed`.
        """

        def make() -> tuple[Change, bool]:
            change = read_change(value)
            return change, self.change_holds(change)

        return self._changes.get_or(sha256(canonical(value)).digest(), make)

    def change_holds(self, change: Change) -> bool:
        """Tell whether all signatures of a change hold on the anchor's network."""
        return signatures_hold(change, self.network, self.verifiers)

    def register(self, changes: Sequence[Change]) -> Register:
        """Give the register that the known changes and these make, worked out once for the same changes.

        Raises:
            Fault: `change-conflict` or `change-not-founders`.
        """
        parts = [
            b"%b%d,%d,%d;" % (change.message.struct_hash, *change.place, change.time)
            + b"".join(signed.key_id for signed in change.signatures)
            for change in changes
        ]
        found = self._registers.get_or(sha256(b"".join(parts)).digest(), lambda: self._build(changes))
        if isinstance(found, Fault):
            raise Fault(found.reason)
        return found

    def _build(self, changes: Sequence[Change]) -> Register | Fault:
        merged = {change.sequence: change for change in self.changes}
        for change in changes:
            known = merged.setdefault(change.sequence, change)
            if known.message.struct_hash != change.message.struct_hash:
                return Fault(Reason.CHANGE_CONFLICT)
        try:
            return build_register(
                self.founders, self.threshold, [merged[sequence] for sequence in sorted(merged)]
            )
        except Fault as fault:
            return fault


def read_network(value: object) -> Network:
    """Read a chain and its contracts.

    Raises:
        Fault: `malformed`.
    """
    members = object_of(value, frozenset({"chainId", "contracts"}))
    contracts = object_of(members["contracts"], frozenset(CONTRACTS))
    return Network(
        number_of(members["chainId"]),
        tuple((name, bytes_of(contracts[name], ADDRESS_BYTES)) for name in CONTRACTS),
    )


def _name(value: object) -> dict[str, Any]:
    both = object_of(value, _BOTH)
    return {language: text_of(both[language]) for language in sorted(both)}


def _correction(value: object, network: Network, verifiers: Verifiers) -> Message:
    members = object_of(value, frozenset({"message", "primaryType", "signatures"}))
    message = read_message(members["primaryType"], members["message"])
    if message.type.name != "DecisionCorrection":
        raise malformed()
    digest = message.digest(network)
    if not all(signed.holds(digest, verifiers) for signed in read_signatures(members["signatures"])):
        raise Fault(Reason.SIGNATURE)
    return message
