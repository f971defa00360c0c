"""From a signed statement to the call that its contract takes, and how much gas to give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernel.errors import Kind, PisteError, Text
from ledger.chain.interfaces import encode_call
from ledger.keys.signing import ADDRESS_BYTES, SignedBy
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
    from ledger.chain.deployment import Deployment

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
UNTOLD_ITEMS = 40
"""How many items a statement is taken to touch where nobody says; beyond, the second try has gas enough."""


ITEMS = "items"
"""Among a statement's arguments: how many items its contract looks up. It serves the allotment and is not sent."""


@dataclass(frozen=True)
class Intake:
    """The function that takes a statement, and the gas that it is allotted."""

    function: str
    gas: int
    """Before signatures and items."""
    item_gas: int = 0
    """For each item that the statement names, or that the contract looks up for it."""
    looks_up: bool = False
    """The items are not in the statement: the draws that a decision commits, the load that a gate looks at."""


INTAKES: dict[str, Intake] = {
    "ConsortiumChange": Intake("change", 250_000, 190_000),
    "FounderReplacement": Intake("replaceFounder", 250_000),
    "CertificateSubmission": Intake("submit", 350_000),
    "CertificateReview": Intake("review", 250_000, 60_000),
    "CertificateRevocation": Intake("revoke", 200_000),
    "CertificateDelegation": Intake("delegate", 250_000),
    "DeclarationFiling": Intake("file", 250_000, 120_000),
    "DeclarationWithdrawal": Intake("withdraw", 200_000, 25_000, looks_up=True),
    "CheckNoteOpening": Intake("open", 300_000, 150_000),
    "CheckNoteApproval": Intake("approve", 200_000),
    "GatePassage": Intake("pass", 200_000, 30_000, looks_up=True),
    "CheckNoteVoiding": Intake("void_", 200_000, 30_000, looks_up=True),
    "ExaminationReport": Intake("report", 250_000),
    "Disposition": Intake("dispose", 250_000),
    "ReleaseRule": Intake("enact", 300_000),
    "ReleaseRuleRepeal": Intake("repeal", 200_000),
    "ReleaseDecision": Intake("decide", 300_000, 25_000, looks_up=True),
    "DecisionCorrection": Intake("correct", 350_000, 25_000, looks_up=True),
    "Checkpoint": Intake("anchor", 250_000),
    "CheckpointWitness": Intake("witness", 200_000),
}
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
            `{"proof": ["0x…"]}`; for whatever looks its items up (see `INTAKES`) `{"items": …}`, how many.
        deployment: Where the contracts stand.
        attempts: How often it ran out of gas before.
    """
    kind = statement.primary_type
    function = _intake(kind).function
    pairs = [(signed.signer, signed.signature) for signed in signatures]
    by: object = pairs if kind in SIGNED_BY_SEVERAL else pairs[0]
    extra: tuple[object, ...] = ()
    if isinstance(statement, DeclarationFiling):
        proofs = (arguments or {}).get("proofs", ())
        extra = ([_line_proof(entry) for entry in proofs],)
    elif isinstance(statement, CertificateReview):
        carried = (arguments or {}).get("carried", ())
        extra = ([(int(entry["line"]), *_line_proof(entry)) for entry in carried],)
    elif isinstance(statement, Checkpoint):
        extra = ([from_hex(node) for node in (arguments or {}).get("proof", ())],)
    data = encode_call(statement.contract, function, statement, *extra, by)
    return InboxCall(
        deployment.address(statement.contract),
        gas_of(statement, signatures, arguments, attempts=attempts),
        digest(statement, deployment),
        data,
    )


def _line_proof(entry: Mapping[str, Any]) -> tuple[int, list[bytes]]:
    return int(entry["ceiling"]), [from_hex(node) for node in entry["proof"]]


def gas_of(
    statement: Statement,
    signatures: Sequence[SignedBy],
    arguments: Mapping[str, Any] | None = None,
    *,
    attempts: int = 0,
) -> int:
    """Give the gas that a statement's call is allotted; all that a transaction holds once it ran out before."""
    if attempts:
        return most_call_gas()
    intake = _intake(statement.primary_type)
    keys = sum(
        ADDRESS_SIGNATURE_GAS if len(signed.signer) == ADDRESS_BYTES else KEY_SIGNATURE_GAS
        for signed in signatures
    )
    items = _items(statement, arguments or {})
    if intake.looks_up:
        items = int((arguments or {}).get(ITEMS, UNTOLD_ITEMS))
    return min(intake.gas + keys + items * intake.item_gas, most_call_gas())


def check_size(statement: Statement, required: int) -> None:
    """Refuse a statement that no transaction can carry.

    Raises:
        StatementTooLarge: It holds too many items.
        StatementNotForChain: No contract takes it.
    """
    intake, items = _intake(statement.primary_type), _items(statement, {})
    if not items:
        return
    most = (most_call_gas() - intake.gas - required * KEY_SIGNATURE_GAS) // intake.item_gas
    if items > most:
        raise StatementTooLarge(items=items, most=most)


def _items(statement: Statement, arguments: Mapping[str, Any]) -> int:
    if isinstance(statement, DeclarationFiling):
        return len(statement.draws)
    if isinstance(statement, CheckNoteOpening):
        return len(statement.items)
    if isinstance(statement, ConsortiumChange):
        return len(statement.organisations) + len(statement.grants) + len(statement.revocations)
    return len(arguments.get("carried", ()))


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
    allotted = sum(room_of(call) for call in calls)
    largest = max((call.gas for call in calls), default=0)
    return TRANSACTION_GAS + allotted + largest // DIVIDED_AMONG + RESERVE_GAS


def room_of(call: InboxCall) -> int:
    """Give the gas that a call takes up in a transaction."""
    return call.gas + CALL_OVERHEAD_GAS + _data_gas(call.data)


def _data_gas(data: bytes) -> int:
    """Give what bytes in a transaction cost, at the dearer of the two tariffs (EIP-7623), and a copy in memory."""
    zeros = data.count(0)
    return 10 * zeros + 40 * (len(data) - zeros) + len(data)


def _intake(kind: str) -> Intake:
    found = INTAKES.get(kind)
    if found is None:
        raise StatementNotForChain(name=kind)
    return found
