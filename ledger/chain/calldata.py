"""Statements read back from the transactions that carried them: message, signatures and proofs, from the chain alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from ledger.chain.calls import ITEMS
from ledger.chain.deployment import Deployment
from ledger.chain.interfaces import SELECTOR_BYTES
from ledger.contracts import CONTRACT_NAMES, load_artifact
from ledger.keys.signing import SignedBy
from ledger.statements import STATEMENT_TYPES, Statement, digest
from ledger.typed_data import EXACT_IN_JSON, Struct, from_hex, members

INBOX = "Inbox"
S = TypeVar("S", bound=Struct)


@dataclass(frozen=True)
class SentStatement:
    """A statement as a transaction carried it to its contract."""

    statement: Statement
    digest: bytes
    """Computed from the message, whatever the sender called it."""
    signatures: tuple[SignedBy, ...]
    """In the order in which the contract got them."""
    arguments: dict[str, Any] | None
    """What the call held besides message and signatures, as `calls.call_of` takes it."""
    call: bytes
    """The call of the contract, as it was sent."""


@dataclass(frozen=True)
class _Taker:
    """A function that takes statements of one kind."""

    kind: type[Statement]
    inputs: tuple[Mapping[str, Any], ...]

    @property
    def types(self) -> list[str]:
        return [collapse_if_tuple(dict(item)) for item in self.inputs]


def statements_in(transaction: Mapping[str, Any], deployment: Deployment) -> list[SentStatement]:
    """Read the statements that a transaction carries, through the inbox or straight to a contract.

    What cannot be read as a call of ours is left out: a contract of somebody else may have made the call.

    Args:
        transaction: As the node shows it.
        deployment: Where the contracts stand.
    """
    target = deployment.contract_at(transaction.get("to") or "")
    data = from_hex(transaction.get("input") or "0x")
    if target is None:
        return []
    calls = _inbox_calls(data, deployment) if target == INBOX else [(target, data)]
    found = (_statement_in(contract, call, deployment) for contract, call in calls)
    return [sent for sent in found if sent is not None]


def normal_arguments(arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give arguments in the one shape in which two of them can be compared: as sent, numbers as texts, no empty lists."""
    return {name: _normal(value) for name, value in (arguments or {}).items() if value and name != ITEMS}


def _normal(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _normal(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    return str(value)


def _inbox_calls(data: bytes, deployment: Deployment) -> list[tuple[str, bytes]]:
    entry = next(item for item in load_artifact(INBOX).abi if item.get("name") == "submit")
    types = [collapse_if_tuple(item) for item in entry["inputs"]]
    if data[:SELECTOR_BYTES] != keccak(text=f"submit({','.join(types)})")[:SELECTOR_BYTES]:
        return []
    try:
        (calls,) = decode(types, data[SELECTOR_BYTES:])
    except (DecodingError, ValueError):
        return []
    named = ((deployment.contract_at(target), call) for target, _, _, call in calls)
    return [(contract, call) for contract, call in named if contract is not None]


def _statement_in(contract: str, call: bytes, deployment: Deployment) -> SentStatement | None:
    taker = _takers(contract).get(call[:SELECTOR_BYTES])
    if taker is None:
        return None
    try:
        values = decode(taker.types, call[SELECTOR_BYTES:])
        statement = _struct(taker.kind, values[0])
    except (DecodingError, ValueError):
        return None
    signed = values[-1] if str(taker.inputs[-1]["type"]).endswith("[]") else (values[-1],)
    arguments = {
        str(item["name"]): _json(value, item)
        for item, value in zip(taker.inputs[1:-1], values[1:-1], strict=True)
    }
    return SentStatement(
        statement,
        digest(statement, deployment),
        tuple(SignedBy(signer, signature) for signer, signature in signed),
        normal_arguments(arguments) or None,
        call,
    )


def _struct(kind: type[S], values: Sequence[Any]) -> S:
    given = {}
    for member, value in zip(members(kind), values, strict=True):
        if member.struct is None:
            given[member.attribute] = tuple(value) if member.is_array else value
        elif member.is_array:
            given[member.attribute] = tuple(_struct(member.struct, item) for item in value)
        else:
            given[member.attribute] = _struct(member.struct, value)
    return kind(**given)


def _json(value: Any, item: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON values
    kind = str(item["type"])
    if kind.endswith("[]"):
        one = {**item, "type": kind.removesuffix("[]")}
        return [_json(part, one) for part in value]
    if kind == "tuple":
        return {part["name"]: _json(held, part) for part, held in zip(item["components"], value, strict=True)}
    if isinstance(value, bytes):
        return "0x" + value.hex()
    wide = kind.startswith("uint") and int(kind.removeprefix("uint")) > EXACT_IN_JSON
    return str(value) if wide else value


@cache
def _takers(contract: str) -> dict[bytes, _Taker]:
    if contract not in CONTRACT_NAMES:
        return {}
    found = {}
    for item in load_artifact(contract).abi:
        if item["type"] != "function" or not item["inputs"] or item.get("stateMutability") != "nonpayable":
            continue
        kind = STATEMENT_TYPES.get(str(item["inputs"][0].get("internalType", "")).removeprefix("struct "))
        if kind is not None and kind.contract == contract:
            taker = _Taker(kind, tuple(item["inputs"]))
            topic = keccak(text=f"{item['name']}({','.join(taker.types)})")
            found[topic[:SELECTOR_BYTES]] = taker
    return found
