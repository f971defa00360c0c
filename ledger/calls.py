"""From a signed statement to the call that its contract takes, and how much gas to give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernel.errors import Kind, PisteError, Text
from ledger.interfaces import encode_call
from ledger.signing import ADDRESS_BYTES, SignedBy
from ledger.statements import (
    CertificateReview,
    CheckNoteOpening,
    Checkpoint,
    ConsortiumChange,
    DeclarationFiling,
    Statement,
    digest,
)
from ledger.typed_data import from_hex

if TYPE_CHECKING:
    from ledger.deployment import Deployment

MOST_TRANSACTION_GAS = 1 << 24
"""No transaction may have more (EIP-7825)."""
TRANSACTION_GAS = 21_000
CALL_OVERHEAD_GAS = 30_000
"""What the inbox needs around a call: memory, and the event of a refusal with a reason of 512 bytes."""
RESERVE_GAS = 60_000
DIVIDED_AMONG = 63
"""A call gets at most 63/64 of what is left (EIP-150)."""
ADDRESS_SIGNATURE_GAS = 30_000
KEY_SIGNATURE_GAS = 400_000
"""P-256 and passkeys, on a network whose nodes lack the precompile; with it a tenth is used."""
ITEM_GAS = 190_000
"""A draw, a note's item, a line of a change: six new slots and an event."""
FUNCTIONS: dict[str, tuple[str, int]] = {
    "ConsortiumChange": ("change", 250_000),
    "FounderReplacement": ("replaceFounder", 250_000),
    "CertificateSubmission": ("submit", 350_000),
    "CertificateReview": ("review", 250_000),
    "CertificateRevocation": ("revoke", 200_000),
    "CertificateDelegation": ("delegate", 250_000),
    "DeclarationFiling": ("file", 400_000),
    "DeclarationWithdrawal": ("withdraw", 500_000),
    "CheckNoteOpening": ("open", 300_000),
    "CheckNoteApproval": ("approve", 200_000),
    "GatePassage": ("pass", 800_000),
    "CheckNoteVoiding": ("void_", 400_000),
    "ExaminationReport": ("report", 250_000),
    "Disposition": ("dispose", 250_000),
    "ReleaseRule": ("enact", 300_000),
    "ReleaseRuleRepeal": ("repeal", 200_000),
    "ReleaseDecision": ("decide", 1_200_000),
    "DecisionCorrection": ("correct", 1_200_000),
    "Checkpoint": ("anchor", 250_000),
    "CheckpointWitness": ("witness", 200_000),
}
"""Function that takes a statement, and gas before signatures and items."""
SIGNED_BY_SEVERAL = {"ConsortiumChange", "FounderReplacement", "ReleaseDecision", "DecisionCorrection"}


class StatementTooLarge(PisteError):
    """The statement holds more items than one transaction can carry."""

    code = "statement.too-large"
    kind = Kind.TOO_LARGE
    message = Text(
        "The statement holds {items} items; about {most} fit.", "声明包含{items}项，最多约可容纳{most}项。"
    )
    next_step = Text("Divide it into several.", "请拆分为多份提交。")
    items: int
    most: int


class StatementNotForChain(PisteError):
    """The statement is of a kind that no contract takes."""

    code = "statement.not-for-chain"
    kind = Kind.INVALID
    message = Text("A statement of the kind {name} is not sent to the chain.", "{name}类声明不上链。")
    next_step = Text("Write it into the evidence log.", "请写入证据日志。")
    name: str


@dataclass(frozen=True)
class InboxCall:
    """One statement on its way through the inbox."""

    target: str
    gas: int
    statement: bytes
    data: bytes


def call_of(
    statement: Statement,
    signatures: Sequence[SignedBy],
    arguments: Mapping[str, Any] | None,
    deployment: Deployment,
    *,
    attempts: int = 0,
) -> InboxCall:
    """Build the call that records a statement.

    Args:
        statement: The typed message.
        signatures: In the order in which they were given.
        arguments: For a `DeclarationFiling` `{"proofs": [{"ceiling": …, "proof": ["0x…"]}]}`, one for each
            draw; for the last `CertificateReview` of an amendment `{"carried": [{"line": …, "ceiling": …,
            "proof": ["0x…"]}]}`, one for each line that was ever drawn; for a `Checkpoint`
            `{"proof": ["0x…"]}`.
        deployment: Where the contracts stand.
        attempts: How often it ran out of gas before.
    """
    kind = statement.primary_type
    function, _ = _function(kind)
    pairs = [(signed.signer, signed.signature) for signed in signatures]
    by: object = pairs if kind in SIGNED_BY_SEVERAL else pairs[0]
    extra: tuple[object, ...] = ()
    if isinstance(statement, DeclarationFiling):
        proofs = (arguments or {}).get("proofs", ())
        extra = ([_line_proof(entry) for entry in proofs],)
    elif isinstance(statement, CertificateReview):
        carried = (arguments or {}).get("carried", ())
        extra = ([_line_proof(entry, int(entry["line"])) for entry in carried],)
    elif isinstance(statement, Checkpoint):
        extra = ([from_hex(node) for node in (arguments or {}).get("proof", ())],)
    data = encode_call(statement.contract, function, statement, *extra, by)
    return InboxCall(
        deployment.address(statement.contract),
        gas_of(statement, signatures, attempts=attempts),
        digest(statement, deployment),
        data,
    )


def _line_proof(entry: Mapping[str, Any], *line: int) -> tuple[object, ...]:
    return (*line, int(entry["ceiling"]), [from_hex(node) for node in entry["proof"]])


def gas_of(statement: Statement, signatures: Sequence[SignedBy], *, attempts: int = 0) -> int:
    """Give the gas that a statement's call is allotted; all that a transaction holds once it ran out before.

    What is allotted suffices for the items that the statement names. What it does not name (the draws that a
    decision commits, the load that a gate looks at) is covered for common sizes, and by the second try beyond.
    """
    if attempts:
        return most_call_gas()
    _, base = _function(statement.primary_type)
    keys = sum(
        ADDRESS_SIGNATURE_GAS if len(signed.signer) == ADDRESS_BYTES else KEY_SIGNATURE_GAS
        for signed in signatures
    )
    return base + keys + _items(statement) * ITEM_GAS


def check_size(statement: Statement, required: int) -> None:
    """Refuse a statement that no transaction can carry.

    Raises:
        StatementTooLarge: It holds too many items.
        StatementNotForChain: No contract takes it.
    """
    _, base = _function(statement.primary_type)
    most = (most_call_gas() - base - required * KEY_SIGNATURE_GAS) // ITEM_GAS
    if _items(statement) > most:
        raise StatementTooLarge(items=_items(statement), most=most)


def _items(statement: Statement) -> int:
    if isinstance(statement, DeclarationFiling):
        return len(statement.draws)
    if isinstance(statement, CheckNoteOpening):
        return len(statement.items)
    if isinstance(statement, ConsortiumChange):
        return len(statement.organisations) + len(statement.grants) + len(statement.revocations)
    return 0


def most_call_gas() -> int:
    """Give the most gas that one call can get in a transaction of its own."""
    data_reserve = 2_000_000
    return (MOST_TRANSACTION_GAS - data_reserve) * DIVIDED_AMONG // (DIVIDED_AMONG + 1)


def inbox_data(calls: Sequence[InboxCall]) -> bytes:
    """Encode the call of the inbox that carries them all."""
    return encode_call(
        "Inbox", "submit", [(call.target, call.gas, call.statement, call.data) for call in calls]
    )


def transaction_gas(calls: Sequence[InboxCall]) -> int:
    """Give the gas of a transaction that can give each call what it is allotted."""
    allotted = sum(call.gas + CALL_OVERHEAD_GAS + _data_gas(call.data) for call in calls)
    largest = max(call.gas for call in calls)
    return TRANSACTION_GAS + allotted + largest // DIVIDED_AMONG + RESERVE_GAS


def _data_gas(data: bytes) -> int:
    """Give what bytes in a transaction cost, at the dearer of the two tariffs (EIP-7623), and a copy in memory."""
    zeros = data.count(0)
    return 10 * zeros + 40 * (len(data) - zeros) + len(data)


def _function(kind: str) -> tuple[str, int]:
    found = FUNCTIONS.get(kind)
    if found is None:
        raise StatementNotForChain(name=kind)
    return found
