"""The trust anchor: what the owner of a verifier trusts, and what was verified once under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from ledger.verifier.hashing import keccak
from ledger.verifier.kept import Kept
from ledger.verifier.membership import (
    SIGNER_LENGTHS,
    Attested,
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
MOST_FOUNDERS = 64
MOST_KNOWN = 100_000
_BOTH = frozenset({"en", "zh"})
_SIGNED = frozenset({"message", "signatures"})


class TrustAnchorMalformed(ValueError):
    """The file is no trust anchor, or contradicts itself."""


@dataclass
class Changes:
    """The changes of a bundle, and what was found of them under one trust anchor."""

    all: tuple[Change, ...]
    order: Reason | None
    """Why they may not stand so, where they may not."""
    register: Register | Fault | None = None
    """What they make together with the known ones; worked out when it is asked for."""


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
    _lists: Kept[Changes] = field(default_factory=Kept, repr=False, compare=False)
    _changes: Kept[tuple[Change, bool]] = field(default_factory=Kept, repr=False, compare=False)
    _networks: Kept[Network] = field(default_factory=Kept, repr=False, compare=False)
    _attested: Kept[Attested] = field(default_factory=Kept, repr=False, compare=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a trust anchor.

        Raises:
            TrustAnchorMalformed: It is none, or its changes are not signed by its founders.
        """
        try:
            anchor = cls._read(read_json(data, most=1 << 28))
            check_changes([(it, anchor.change_holds(it)) for it in anchor.changes])
            anchor.register(Changes((), None))
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

    def changes_of(self, value: object, most: int) -> Changes:
        """Read the changes of a bundle and look at them once for the same bytes; each alone is looked at once, too.

        Args:
            value: The list, as JSON.
            most: How many there may be.

        Raises:
            Fault: `malformed`.
        """

        def make() -> Changes:
            found = [self._change(item) for item in list_of(value, 0, most)]
            order = None
            try:
                check_changes(found)
            except Fault as fault:
                order = fault.reason
            return Changes(tuple(change for change, _ in found), order)

        return self._lists.get_or(canonical(value), make)

    def _change(self, value: object) -> tuple[Change, bool]:
        def make() -> tuple[Change, bool]:
            change = read_change(value)
            return change, self.change_holds(change)

        return self._changes.get_or(canonical(value), make)

    def change_holds(self, change: Change) -> bool:
        """Tell whether all signatures of a change hold on the anchor's network."""
        return signatures_hold(change, self.network, self.verifiers)

    def network_of(self, value: object) -> Network:
        """Read a chain and its contracts.

        Raises:
            Fault: `malformed`.
        """
        return self._networks.get_or(canonical(value), lambda: read_network(value))

    def attested(self, value: object, kind: str, most: int) -> Attested:
        """Read a message of the evidence log with its signatures, which many bundles share.

        Args:
            value: As JSON.
            kind: The type that it must have.
            most: How many signatures it may have.

        Raises:
            Fault: `malformed`.
        """

        def make() -> Attested:
            members = object_of(value, _SIGNED)
            return Attested(
                read_message(kind, members["message"]), read_signatures(members["signatures"], most)
            )

        return self._attested.get_or(kind.encode() + canonical(value), make)

    def register(self, changes: Changes) -> Register:
        """Give the register that the known changes and these make, worked out once for the same changes.

        Raises:
            Fault: `change-conflict` or `change-not-founders`.
        """
        if changes.register is None:
            changes.register = self._build(changes.all)
        if isinstance(changes.register, Fault):
            raise Fault(changes.register.reason)
        return changes.register

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
