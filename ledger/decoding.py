"""From the node's logs to stored events: decoded, and bound to the statement that caused them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_abi.exceptions import DecodingError

from ledger.chain import Log
from ledger.deployment import Deployment
from ledger.interfaces import DecodedEvent, decode_event, event_types, json_values
from ledger.models import ChainEvent
from ledger.typed_data import WORD

IDENTIFIERS = ("subject", "declaration", "certificate", "note", "organisation", "statement")
"""Names of values that say what an event is about, the most telling first."""


def to_events(logs: Sequence[Log], deployment: Deployment) -> list[ChainEvent]:
    """Decode the events of our contracts; what no interface declares is left out.

    A contract records a statement first and tells afterwards what it changed, so every event belongs to the
    statement recorded last in its transaction.

    Args:
        logs: In the order of the chain.
        deployment: Where the contracts stand.
    """
    events: list[ChainEvent] = []
    statement: bytes | None = None
    transaction: bytes | None = None
    for log in logs:
        decoded = _decode(log, deployment)
        if decoded is None:
            continue
        if log.transaction_hash != transaction:
            transaction, statement = log.transaction_hash, None
        if decoded.name == "StatementRecorded":
            statement = decoded.values["statement"]
        refused = decoded.values["statement"] if decoded.name == "StatementRefused" else None
        events.append(
            ChainEvent(
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


def _decode(log: Log, deployment: Deployment) -> DecodedEvent | None:
    contract = deployment.contract_at(log.address)
    if contract is None:
        return None
    try:
        return decode_event(contract, log.topics, log.data)
    except DecodingError:
        return None


def _subject(values: dict[str, Any]) -> bytes | None:
    for name in IDENTIFIERS:
        if name in values:
            found: bytes = values[name]
            return found
    size = values.get("size")
    return size.to_bytes(WORD, "big") if isinstance(size, int) else None
