"""The contracts' interfaces at work: calls encoded, events and errors decoded, as the artifacts say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, NonEmptyPaddingBytes
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from ledger.contracts import CONTRACT_NAMES, load_artifact
from ledger.typed_data import EXACT_IN_JSON, WORD, Struct

SELECTOR_BYTES = 4
BUILT_IN_ERRORS = (
    {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


@dataclass(frozen=True)
class Entry:
    """A function, an event or an error of a contract."""

    contract: str
    name: str
    inputs: tuple[Mapping[str, Any], ...]

    @property
    def types(self) -> list[str]:
        """The Solidity types of the inputs, structures written out."""
        return [collapse_if_tuple(dict(item)) for item in self.inputs]

    @property
    def topic(self) -> bytes:
        """Hash of the signature."""
        return keccak(text=f"{self.name}({','.join(self.types)})")


@dataclass(frozen=True)
class DecodedEvent:
    """An event with its values by name."""

    contract: str
    name: str
    values: dict[str, Any]
    """Bytes and whole numbers."""


@dataclass(frozen=True)
class DecodedError:
    """A contract's custom error with its values by name."""

    name: str
    values: dict[str, Any]


def encode_call(contract: str, function: str, *arguments: object) -> bytes:
    """Encode a call; structures are given as typed messages or tuples."""
    entry = _functions(contract)[function]
    return entry.topic[:SELECTOR_BYTES] + encode(entry.types, [as_abi(argument) for argument in arguments])


def decode_result(contract: str, function: str, data: bytes) -> Any:  # noqa: ANN401 - any ABI value
    """Decode what a function without side effects gave; a single value comes bare."""
    outputs = _outputs(contract)[function]
    values = decode(outputs, data)
    return values[0] if len(values) == 1 else values


def as_abi(value: object) -> object:
    """Turn typed messages, also within sequences, into the tuples that the ABI encoder takes."""
    if isinstance(value, Struct):
        return tuple(as_abi(getattr(value, f.name)) for f in fields(value))
    if isinstance(value, list | tuple):
        return tuple(as_abi(item) for item in value)
    return value


def decode_event(contract: str, topics: Sequence[bytes], data: bytes) -> DecodedEvent | None:
    """Decode an event of a contract; None where the contract declares no such event."""
    entry = _events(contract).get(topics[0]) if topics else None
    if entry is None:
        return None
    indexed, plain, types = _layout(contract, topics[0])
    values: dict[str, Any] = {}
    for (name, kind), topic in zip(indexed, topics[1:], strict=True):
        values[name] = _word(kind, topic) if kind in _WORDS else decode([kind], topic)[0]
    if all(kind in _WORDS for kind in types) and len(data) >= WORD * len(types):
        for place, (name, kind) in enumerate(zip(plain, types, strict=True)):
            values[name] = _word(kind, data[WORD * place : WORD * (place + 1)])
    else:
        values.update(zip(plain, decode(types, data), strict=True))
    return DecodedEvent(contract, entry.name, {item["name"]: values[item["name"]] for item in entry.inputs})


_WORDS = {"bytes32": 256} | {f"uint{bits}": bits for bits in range(8, 257, 8)}
"""Types of one word that are read without the decoder, which takes ten times as long."""


@cache
def _layout(contract: str, topic: bytes) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Give an event's indexed values with their types, then the names and the types of the others."""
    inputs = _events(contract)[topic].inputs
    plain = [item for item in inputs if not item["indexed"]]
    return (
        [(item["name"], item["type"]) for item in inputs if item["indexed"]],
        [item["name"] for item in plain],
        [collapse_if_tuple(dict(item)) for item in plain],
    )


def _word(kind: str, word: bytes) -> bytes | int:
    if kind == "bytes32":
        return bytes(word)
    number = int.from_bytes(word, "big")
    if number >> _WORDS[kind]:
        raise NonEmptyPaddingBytes(kind)
    return number


def decode_error(reason: bytes) -> DecodedError | None:
    """Decode revert data; None where it is empty or none of ours."""
    entry = errors().get(reason[:SELECTOR_BYTES])
    if entry is None:
        return None
    try:
        values = decode(entry.types, reason[SELECTOR_BYTES:])
    except DecodingError:
        return None
    return DecodedError(
        entry.name, {item["name"]: value for item, value in zip(entry.inputs, values, strict=True)}
    )


def json_values(values: Mapping[str, Any], entry: Mapping[str, str]) -> dict[str, Any]:
    """Write decoded values as JSON, by the same rule as messages.

    Args:
        values: Values by name.
        entry: Solidity type by name.
    """
    return {name: _json_value(value, entry[name]) for name, value in values.items()}


@cache
def event_types(contract: str, name: str) -> Mapping[str, str]:
    """Give the Solidity type of each value of an event."""
    for entry in _events(contract).values():
        if entry.name == name:
            return {item["name"]: item["type"] for item in entry.inputs}
    raise KeyError(name)


def event_topic(contract: str, name: str) -> bytes:
    """Give the first topic of an event."""
    for topic, entry in _events(contract).items():
        if entry.name == name:
            return topic
    raise KeyError(name)


@cache
def errors() -> dict[bytes, Entry]:
    """Give every custom error of every contract, and Solidity's own two, by selector."""
    entries = [entry for contract in CONTRACT_NAMES for entry in _entries(contract, "error")]
    entries += [Entry("", str(item["name"]), tuple(item["inputs"])) for item in BUILT_IN_ERRORS]  # type: ignore[arg-type]  # the literal's values
    return {entry.topic[:SELECTOR_BYTES]: entry for entry in entries}


def _entries(contract: str, kind: str) -> list[Entry]:
    abi = load_artifact(contract).abi
    return [Entry(contract, item["name"], tuple(item["inputs"])) for item in abi if item["type"] == kind]


@cache
def _functions(contract: str) -> dict[str, Entry]:
    return {entry.name: entry for entry in _entries(contract, "function")}


@cache
def _outputs(contract: str) -> dict[str, list[str]]:
    return {
        item["name"]: [collapse_if_tuple(output) for output in item["outputs"]]
        for item in load_artifact(contract).abi
        if item["type"] == "function"
    }


@cache
def _events(contract: str) -> dict[bytes, Entry]:
    return {entry.topic: entry for entry in _entries(contract, "event")}


def _json_value(value: Any, solidity: str) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int) and not isinstance(value, bool):
        bits = int(solidity.removeprefix("uint")) if solidity.startswith("uint") else EXACT_IN_JSON + 1
        return value if bits <= EXACT_IN_JSON else str(value)
    return value
