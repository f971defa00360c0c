"""Who may sign what, and when: the register of keys as the founders' signed changes make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.verifier.hashing import keccak
from ledger.verifier.messages import Message, Network, read_message
from ledger.verifier.reading import Fault, Reason, bytes_of, list_of, malformed, number_of, object_of
from ledger.verifier.signatures import SignedBy, Verifiers

BROKER, COMMITTEE, DOCUMENTS, INSPECTOR, IMAGES, RELEASING = 1, 2, 4, 8, 16, 32
SUPERVISOR, GATE, INSTRUMENT, LOG, HOLDER, SYSTEM, WITNESS = 64, 128, 256, 512, 2048, 4096, 8192
ROLES: dict[str, int] = {
    "CertificateSubmission": BROKER,
    "CertificateRevocation": COMMITTEE | DOCUMENTS | SUPERVISOR,
    "CertificateDelegation": HOLDER,
    "DeclarationFiling": BROKER,
    "DeclarationWithdrawal": BROKER,
    "CheckNoteOpening": BROKER,
    "CheckNoteApproval": DOCUMENTS | RELEASING,
    "GatePassage": GATE,
    "CheckNoteVoiding": BROKER,
    "ExaminationReport": INSPECTOR,
    "Disposition": DOCUMENTS | RELEASING | SUPERVISOR,
    "ReleaseRule": SUPERVISOR,
    "ReleaseRuleRepeal": RELEASING | SUPERVISOR,
    "DecisionCorrection": RELEASING | SUPERVISOR,
    "Checkpoint": LOG,
    "CheckpointWitness": WITNESS,
    "Evidence": INSPECTOR | IMAGES | GATE | INSTRUMENT | LOG,
}
"""Roles of which a signer must hold one; of reviews and release decisions see `needed_roles`."""
REVIEWING = {1: COMMITTEE, 2: DOCUMENTS}
"""By the party that a review speaks for."""
GREEN, RED = 1, 3
OF_FOUNDERS = frozenset({"ConsortiumChange", "FounderReplacement"})
MOST_SIGNATURES = 32
LONGEST_SIGNATURE = 2048
SIGNER_LENGTHS = (20, 84)


def needed_roles(message: Message) -> int:
    """Give the roles of which a signer must hold one; 0 where nobody may sign it."""
    if message.type.name == "CertificateReview":
        return REVIEWING.get(message.number("party"), 0)
    if message.type.name == "ReleaseDecision":
        return SYSTEM if message.number("channel") == GREEN else RELEASING | SUPERVISOR
    return ROLES.get(message.type.name, 0)


def needed_officers(message: Message) -> int:
    """Give how many different officers must have signed."""
    two = message.type.name == "DecisionCorrection" or (
        message.type.name == "ReleaseDecision" and message.number("channel") == RED
    )
    return 2 if two else 1


def read_signatures(value: object, most: int = MOST_SIGNATURES) -> tuple[SignedBy, ...]:
    """Read signatures of different signers."""
    found = []
    for item in list_of(value, 1, most):
        members = object_of(item, frozenset({"signer", "signature"}))
        signature = bytes_of(members["signature"])
        if not 0 < len(signature) <= LONGEST_SIGNATURE:
            raise malformed()
        found.append(SignedBy(bytes_of(members["signer"], *SIGNER_LENGTHS), signature))
    if len({signed.signer for signed in found}) != len(found):
        raise malformed()
    return tuple(found)


@dataclass
class Attested:
    """A message with its signatures."""

    message: Message
    signatures: tuple[SignedBy, ...]
    _held: tuple[Network, Verifiers, bool] | None = field(default=None, repr=False, compare=False)
    """What was asked last, and the answer."""

    def holds(self, network: Network, verifiers: Verifiers) -> bool:
        """Tell whether all signatures fit; whose they are is another question."""
        if self._held is None or self._held[:2] != (network, verifiers):
            digest = self.message.digest(network)
            held = all(signed.holds(digest, verifiers) for signed in self.signatures)
            self._held = network, verifiers, held
        return self._held[2]


class Place(NamedTuple):
    """Where the chain took something."""

    block: int
    log: int


@dataclass(frozen=True)
class Change:
    """A signed change of the consortium and where the chain took it."""

    message: Message
    signatures: tuple[SignedBy, ...]
    place: Place
    time: int
    """Of the block, in Unix seconds."""

    @property
    def sequence(self) -> int:
        """Its number."""
        return self.message.number("sequence")


def read_change(value: object) -> Change:
    """Read a change.

    Raises:
        Fault: `malformed`.
    """
    members = object_of(value, frozenset({"message", "primaryType", "recorded", "signatures"}))
    recorded = object_of(members["recorded"], frozenset({"blockNumber", "blockTime", "logIndex"}))
    message = read_message(members["primaryType"], members["message"])
    if message.type.name not in OF_FOUNDERS:
        raise malformed()
    return Change(
        message,
        read_signatures(members["signatures"]),
        Place(number_of(recorded["blockNumber"]), number_of(recorded["logIndex"])),
        number_of(recorded["blockTime"]),
    )


def check_changes(changes: Sequence[tuple[Change, bool]]) -> None:
    """Check that changes come in order and that their signatures hold.

    Args:
        changes: Each with whether all its signatures hold.

    Raises:
        Fault: `change-order` or `change-signature`.
    """
    last: Change | None = None
    for change, holds in changes:
        if last is not None and (change.sequence <= last.sequence or change.place <= last.place):
            raise Fault(Reason.CHANGE_ORDER)
        if not holds:
            raise Fault(Reason.CHANGE_SIGNATURE)
        last = change


def signatures_hold(change: Change, network: Network, verifiers: Verifiers) -> bool:
    """Tell whether all signatures of a change hold; whose they are is another question."""
    digest = change.message.digest(network)
    return all(signed.holds(digest, verifiers) for signed in change.signatures)


@dataclass(frozen=True)
class Entry:
    """What one change says of a key or an organisation."""

    change: Change
    organisation: bytes
    officer: bytes | None
    roles: int
    valid_from: int
    valid_until: int


@dataclass(frozen=True)
class Standing:
    """How a key stands at a moment."""

    organisation: bytes | None
    officer: bytes | None
    fault: Reason | None
    """`key-unknown`, `key-role` or `key-validity`."""
    revoked: bool


@dataclass
class Register:
    """The keys and organisations that changes, each signed by enough founders, have made known."""

    founders: list[tuple[int, dict[bytes, bytes]]]
    """Founding organisations by key, each with the number of the change since which it is so."""
    keys: dict[bytes, list[Entry]] = field(default_factory=dict)
    organisations: dict[bytes, list[Entry]] = field(default_factory=dict)
    revocations: dict[bytes, list[Change]] = field(default_factory=dict)

    def founders_before(self, sequence: int) -> dict[bytes, bytes]:
        """Give the founding keys that count for a change of this number."""
        return next(keys for since, keys in reversed(self.founders) if since < sequence)

    def standing(self, key: bytes, needed: int, moment: int, before: Place | None) -> Standing:
        """Judge a key of a statement by the changes before its record; by all where `before` is none."""
        revoked = any(before is None or change.place < before for change in self.revocations.get(key, ()))
        return self._standing(key, needed, moment, before, revoked=revoked)

    def standing_of_log(self, key: bytes, needed: int, signed_at: int) -> Standing:
        """Judge a key of the log or of a witness at the moment at which it signed."""
        revoked = any(change.time <= signed_at for change in self.revocations.get(key, ()))
        return self._standing(key, needed, signed_at, None, revoked=revoked)

    def _standing(
        self, key: bytes, needed: int, moment: int, before: Place | None, *, revoked: bool
    ) -> Standing:
        grant = _last(self.keys.get(key, ()), before)
        if grant is None:
            return Standing(None, None, Reason.KEY_UNKNOWN, revoked)
        member = _last(self.organisations.get(grant.organisation, ()), before)
        fault: Reason | None = None
        if member is None:
            fault = Reason.KEY_UNKNOWN
        elif not grant.roles & member.roles & needed:
            fault = Reason.KEY_ROLE
        elif not all(it.valid_from <= moment <= it.valid_until for it in (grant, member)):
            fault = Reason.KEY_VALIDITY
        return Standing(grant.organisation, grant.officer, fault, revoked)


def build_register(founders: dict[bytes, bytes], threshold: int, changes: Sequence[Change]) -> Register:
    """Apply changes, whose signatures hold, in their order.

    Args:
        founders: Founding organisations by key, at the founding.
        threshold: How many founders must sign a change.
        changes: In rising order of their numbers.

    Raises:
        Fault: `change-not-founders`.
    """
    register = Register([(-1, founders)])
    for change in changes:
        current = register.founders[-1][1]
        by = {signed.key_id for signed in change.signatures}
        if len(by) < threshold or not by <= current.keys():
            raise Fault(Reason.CHANGE_NOT_FOUNDERS)
        if change.message.type.name == "FounderReplacement":
            register.founders.append((change.sequence, _replaced(current, change)))
        else:
            _apply(register, change)
    return register


def _replaced(current: dict[bytes, bytes], change: Change) -> dict[bytes, bytes]:
    organisation = change.message.octets("organisation")
    key = keccak(change.message.octets("signer"))
    if organisation not in current.values() or key in current:
        raise Fault(Reason.CHANGE_NOT_FOUNDERS)
    return {**{k: org for k, org in current.items() if org != organisation}, key: organisation}


def _apply(register: Register, change: Change) -> None:
    values = change.message.values
    for item in values["organisations"]:
        entry = _entry(change, item, None)
        register.organisations.setdefault(entry.organisation, []).append(entry)
    for item in values["grants"]:
        key = keccak(bytes.fromhex(item["signer"][2:]))
        officer = bytes.fromhex(item["officer"][2:])
        register.keys.setdefault(key, []).append(_entry(change, item, officer))
    for item in values["revocations"]:
        register.revocations.setdefault(bytes.fromhex(item[2:]), []).append(change)


def _entry(change: Change, item: dict[str, Any], officer: bytes | None) -> Entry:
    return Entry(
        change,
        bytes.fromhex(item["organisation"][2:]),
        officer,
        int(item["roles"]),
        int(item["validFrom"]),
        int(item["validUntil"]),
    )


def _last(entries: Sequence[Entry], before: Place | None) -> Entry | None:
    counting = [entry for entry in entries if before is None or entry.change.place < before]
    return counting[-1] if counting else None
