"""From the node's logs to stored events: decoded, and bound to the statement that caused them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from eth_abi.exceptions import DecodingError

from ledger.chain.answers import Log
from ledger.chain.deployment import Deployment
from ledger.chain.interfaces import DecodedEvent, decode_event, event_types, json_values
from ledger.models import ChainEvent
from ledger.typed_data import WORD

IDENTIFIERS = ("subject", "declaration", "certificate", "note", "rule", "organisation", "statement")
"""Names of values that say what an event is about, the most telling first."""


@dataclass(slots=True)
class DecodedLog:
    """An event as it is stored, before it belongs to a session; its fields are those of `ChainEvent`."""

    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    transaction_index: int
    log_index: int
    contract: str
    name: str
    values: dict[str, Any]
    statement: bytes | None
    subject: bytes | None
    key_id: bytes | None


EVENT_COLUMNS = tuple(column.name for column in fields(DecodedLog))


def to_events(logs: Sequence[Log], deployment: Deployment) -> list[ChainEvent]:
    """Decode the events of our contracts, as rows to be added to a session; see `decode_logs`."""
    return [
        ChainEvent(**{name: getattr(row, name) for name in EVENT_COLUMNS})
        for row in decode_logs(logs, deployment)
    ]


def decode_logs(logs: Sequence[Log], deployment: Deployment) -> list[DecodedLog]:
    """Decode the events of our contracts; what no interface declares is left out.

    A contract records a statement first and tells afterwards what it changed, so every event belongs to the
    statement recorded last in its transaction.

    Args:
        logs: In the order of the chain.
        deployment: Where the contracts stand.
    """
    events: list[DecodedLog] = []
    statement: bytes | None = None
    transaction: bytes | None = None
    contracts = {address.lower(): name for name, address in deployment.addresses.items()}
    for log in logs:
        decoded = _decode(log, contracts.get(log.address.lower()))
        if decoded is None:
            continue
        if log.transaction_hash != transaction:
            transaction, statement = log.transaction_hash, None
        if decoded.name == "StatementRecorded":
            statement = decoded.values["statement"]
        refused = decoded.values["statement"] if decoded.name == "StatementRefused" else None
        events.append(
            DecodedLog(
                block_number=log.block_number,
                block_hash=log.block_hash,
                transaction_hash=log.transaction_hash,
                transaction_index=log.transaction_index,
                log_index=log.log_index,
                contract=decoded.contract,
                name=decoded.name,
                values=json_values(decoded.values, event_types(decoded.contract, decoded.name)),
                statement=refused or statement,
                subject=_subject(decoded.values),
                key_id=decoded.values.get("keyId"),
            )
        )
    return events


def _decode(log: Log, contract: str | None) -> DecodedEvent | None:
    if contract is None:
        return None
    try:
        return decode_event(contract, log.topics, log.data)
    except DecodingError:
        return None


def _subject(values: dict[str, Any]) -> bytes | None:
    size = values.get("size")
    if isinstance(size, int):
        return size.to_bytes(WORD, "big")
    found: bytes | None = next((values[name] for name in IDENTIFIERS if name in values), None)
    return found
