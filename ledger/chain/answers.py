"""What a node answers, read into plain data: blocks, events, receipts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, TypeVar

from eth_utils.address import to_checksum_address

from ledger.chain.headers import unhex as from_hex
from ledger.chain.incidents import NodeDisagrees

T = TypeVar("T")
_checksummed = lru_cache(maxsize=1024)(to_checksum_address)


@dataclass(frozen=True)
class Block:
    """A block's header, as far as Piste needs it."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    """Unix seconds."""


@dataclass(frozen=True)
class Log:
    """One event as the node gives it."""

    address: str
    """Checksum address of the contract."""
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    transaction_index: int
    log_index: int


@dataclass(frozen=True)
class Receipt:
    """What became of a transaction."""

    transaction_hash: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int


def _readable(read: Callable[[Mapping[str, Any]], T]) -> Callable[[Mapping[str, Any]], T]:
    """Say in our words that a node's answer cannot be read."""

    @wraps(read)
    def reading(data: Mapping[str, Any]) -> T:
        try:
            return read(data)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as fault:
            raise NodeDisagrees(what=f"an answer that cannot be read ({type(fault).__name__})") from fault

    return reading


def to_quantity(value: object) -> int:
    """Read a number.

    Raises:
        NodeDisagrees: It cannot be read.
    """
    try:
        return int(value, 16)  # type: ignore[call-overload, no-any-return]  # what is no text is caught
    except (TypeError, ValueError) as fault:
        raise NodeDisagrees(what="a number that cannot be read") from fault


@_readable
def to_block(data: Mapping[str, Any]) -> Block:
    """Read a block's header.

    Raises:
        NodeDisagrees: It cannot be read.
    """
    return Block(
        int(data["number"], 16),
        from_hex(data["hash"]),
        from_hex(data["parentHash"]),
        int(data["timestamp"], 16),
    )


@_readable
def to_log(data: Mapping[str, Any]) -> Log:
    """Read an event as JSON-RPC gives it.

    Raises:
        NodeDisagrees: It cannot be read.
    """
    return Log(
        _checksummed(data["address"]),
        tuple(from_hex(topic) for topic in data["topics"]),
        from_hex(data["data"]),
        int(data["blockNumber"], 16),
        from_hex(data["blockHash"]),
        from_hex(data["transactionHash"]),
        int(data["transactionIndex"], 16),
        int(data["logIndex"], 16),
    )


@_readable
def to_receipt(data: Mapping[str, Any]) -> Receipt:
    """Read a receipt.

    Raises:
        NodeDisagrees: It cannot be read.
    """
    return Receipt(
        from_hex(data["transactionHash"]),
        int(data["blockNumber"], 16),
        from_hex(data["blockHash"]),
        int(data["status"], 16) == 1,
        int(data["gasUsed"], 16),
    )
