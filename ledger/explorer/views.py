"""Rows of the ledger turned into what the explorer shows: decoded, in a sentence, and raw."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError
from eth_utils.abi import collapse_if_tuple
from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from ledger.chain.deployment import VERIFIER_P256, VERIFIER_PASSKEY, Deployment
from ledger.chain.interfaces import event_topic
from ledger.contracts import load_artifact
from ledger.explorer.codes import Known
from ledger.explorer.explored import (
    EVENT_WORDS,
    EventView,
    Link,
    RawLog,
    SignatureView,
    SignerKind,
    StatementView,
)
from ledger.explorer.meanings import Signatory, event_meaning, standing_meaning, statement_meaning
from ledger.explorer.sentences import ALTERED
from ledger.mirrors import LedgerCorrection, LedgerKey
from ledger.models import ChainEvent, StatementRecord, StatementSignature
from ledger.refusals import Refusal
from ledger.statements import STATEMENT_WORDS, id_from_bytes
from ledger.typed_data import WORD, StatementMalformed, domain_separator, from_hex

ADDRESS_BYTES = 20
WORD_DIGITS = 2 * WORD
Units = Mapping[tuple[str, int], str]
_NAMES_OF_CASES = ("subject", "certificate", "declaration", "note", "rule")
_NAMES_OF_OFFICERS = ("officer", "system")


def event_views(
    session: Session, deployment: Deployment, rows: Sequence[Row[ChainEvent, datetime, bool]]
) -> tuple[EventView, ...]:
    """Show events; the units of their quantities are looked up for all of them at once."""
    units = units_quoted(session, {str(event.values.get("declaration", "")) for event, _, _ in rows})
    return tuple(_event_view(event, at, is_final, deployment, units) for event, at, is_final in rows)


def statement_views(
    session: Session,
    deployment: Deployment,
    records: Sequence[StatementRecord],
    events: Mapping[bytes, tuple[EventView, ...]],
) -> tuple[StatementView, ...]:
    """Show statements with the events that they caused."""
    signatures = _signatures(session, deployment, [record.id for record in records])
    units = units_quoted(session, {name for record in records for name in _declarations(record.message)})
    corrections: dict[bytes, bytes] = {
        row.corrects: row.statement
        for row in session.execute(
            select(LedgerCorrection.corrects, LedgerCorrection.statement).where(
                LedgerCorrection.corrects.in_([record.digest for record in records])
            )
        )
    }
    return tuple(
        _statement_view(
            record,
            deployment,
            signatures.get(record.id, ()),
            events.get(record.digest, ()),
            units,
            corrections.get(record.digest),
        )
        for record in records
    )


def units_quoted(session: Session, declarations: set[str]) -> Units:
    """Give the unit of each certificate line that declarations draw from, as their filings quote it."""
    subjects = {
        from_hex(name) for name in declarations if re.fullmatch(rf"0x[0-9a-f]{{{WORD_DIGITS}}}", name)
    }
    if not subjects:
        return {}
    filings: Select[Any] = select(StatementRecord.message).where(
        StatementRecord.subject.in_(subjects), StatementRecord.primary_type == "DeclarationFiling"
    )
    return {
        (str(draw["certificate"]), int(draw["line"])): str(draw["unit"])
        for message in session.scalars(filings)
        for draw in message.get("draws", ())
    }


def raw_log(event: ChainEvent, deployment: Deployment) -> RawLog:
    """Write an event as the chain holds it; the encoding of its values is the only one there is."""
    topics, data, types = ["0x" + event_topic(event.contract, event.name).hex()], [], []
    for item in _inputs(event.contract, event.name):
        kind = collapse_if_tuple(dict(item))
        value = _abi_value(event.values[item["name"]], kind)
        if item["indexed"]:
            topics.append("0x" + encode([kind], [value]).hex())
        else:
            types.append(kind)
            data.append(value)
    return RawLog(deployment.address(event.contract), tuple(topics), "0x" + encode(types, data).hex())


def signer_kind(signer: bytes, deployment: Deployment) -> SignerKind:
    """Tell what kind of key an ERC-7913 signer is."""
    if len(signer) == ADDRESS_BYTES:
        return "secp256k1"
    verifier = signer[:ADDRESS_BYTES]
    if verifier == deployment.address_bytes(VERIFIER_PASSKEY):
        return "passkey"
    return "p256" if verifier == deployment.address_bytes(VERIFIER_P256) else "contract"


def signed_bytes(record: StatementRecord, deployment: Deployment) -> bytes:
    """Give the bytes whose hash was signed: 0x1901, the domain, the message's hash (EIP-712)."""
    domain = domain_separator(
        chain_id=deployment.chain_id, contract=deployment.address_bytes(record.contract)
    )
    return b"\x19\x01" + domain + record.statement().struct_hash()


def hexadecimal(data: bytes) -> str:
    """Write bytes as a 0x-string."""
    return "0x" + data.hex()


def _event_view(
    event: ChainEvent,
    at: datetime,
    is_final: bool,  # noqa: FBT001 - a row's value
    deployment: Deployment,
    units: Units,
) -> EventView:
    links = [
        Link("block", str(event.block_number)),
        Link("transaction", hexadecimal(event.transaction_hash)),
    ]
    if event.statement is not None:
        links.append(Link("statement", hexadecimal(event.statement)))
    if event.key_id is not None:
        links.append(Link("key", hexadecimal(event.key_id)))
    links += _named_links(event.values)
    try:
        meaning = event_meaning(event.name, event.values, Known(units=units))
        raw: RawLog | None = raw_log(event, deployment)
        unit = units.get((str(event.values.get("certificate")), int(event.values.get("line", 0))))
    except (KeyError, TypeError, ValueError, EncodingError):
        meaning, raw, unit = ALTERED, None, None
    return EventView(
        event.contract,
        event.name,
        EVENT_WORDS[event.name],
        meaning,
        event.values,
        unit,
        raw,
        event.block_number,
        event.log_index,
        at,
        is_final,
        tuple(links),
    )


def _named_links(values: Mapping[str, object]) -> list[Link]:
    """Give a link for each value that names a case, an officer, or the decision that is corrected."""
    links = [Link("case", str(found)) for name in _NAMES_OF_CASES if (found := _identifier(values.get(name)))]
    links += [
        Link("officer", str(found)) for name in _NAMES_OF_OFFICERS if (found := _identifier(values.get(name)))
    ]
    if isinstance(values.get("corrects"), str):
        links.append(Link("statement", str(values["corrects"])))
    return links


def _identifier(value: object) -> UUID | None:
    """Read an identifier of ours, which organisations, officers and cases have alike."""
    if not isinstance(value, str) or not re.fullmatch(rf"0x[0-9a-f]{{{WORD_DIGITS}}}", value):
        return None
    word = from_hex(value)
    return id_from_bytes(word) if any(word[:16]) and not any(word[16:]) else None


def _signatures(
    session: Session, deployment: Deployment, statements: Sequence[int]
) -> dict[int, tuple[SignatureView, ...]]:
    found: dict[int, list[SignatureView]] = {}
    rows = session.execute(
        select(StatementSignature, LedgerKey.organisation_id, LedgerKey.officer_id)
        .outerjoin(LedgerKey, LedgerKey.key_id == StatementSignature.key_id)
        .where(StatementSignature.statement_id.in_(statements))
        .order_by(StatementSignature.statement_id, StatementSignature.position)
    )
    for given, organisation_id, officer_id in rows:
        links = [Link("key", hexadecimal(given.key_id))]
        if officer_id is not None:
            links.append(Link("officer", str(officer_id)))
        found.setdefault(given.statement_id, []).append(
            SignatureView(
                hexadecimal(given.key_id),
                signer_kind(given.signer, deployment),
                hexadecimal(given.signer),
                organisation_id,
                officer_id,
                hexadecimal(given.signature),
                tuple(links),
            )
        )
    return {statement: tuple(given) for statement, given in found.items()}


def _statement_view(
    record: StatementRecord,
    deployment: Deployment,
    signatures: tuple[SignatureView, ...],
    events: tuple[EventView, ...],
    units: Units,
    correction: bytes | None,
) -> StatementView:
    links = [Link("case", str(record.case_id))]
    if record.block_number is not None:
        links.append(Link("block", str(record.block_number)))
    if record.transaction_hash is not None:
        links.append(Link("transaction", hexadecimal(record.transaction_hash)))
    if correction is not None:
        links.append(Link("statement", hexadecimal(correction)))
    links += [link for link in _named_links(record.message) if link not in links]
    links += [link for part in _parts(record.message) for link in _named_links(part) if link not in links]
    refusal = Refusal.from_json(record.refusal) if record.refusal else None
    signers = [Signatory(given.key_id, given.officer_id) for given in signatures]
    try:
        signed: str | None = hexadecimal(signed_bytes(record, deployment))
        meaning = statement_meaning(record.primary_type, record.message, signers, Known(units=units))
    except StatementMalformed:
        signed, meaning = None, ALTERED
    return StatementView(
        digest=hexadecimal(record.digest),
        primary_type=record.primary_type,
        words=STATEMENT_WORDS[record.primary_type],
        meaning=meaning,
        standing=standing_meaning(record.state, record.block_number, refusal.words if refusal else None),
        contract=record.contract,
        message=record.message,
        signed_bytes=signed,
        arguments=record.arguments,
        corrected_by=None if correction is None else hexadecimal(correction),
        state=record.state,
        refusal=refusal,
        signatures=signatures,
        created_at=record.created_at,
        recorded_at=record.recorded_at,
        events=events,
        links=tuple(dict.fromkeys(links)),
    )


def _parts(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give what a message holds in lists: draws of a filing, items of a check note."""
    return [
        part
        for value in message.values()
        if isinstance(value, list)
        for part in value
        if isinstance(part, dict)
    ]


def _declarations(message: Mapping[str, Any]) -> set[str]:
    return {str(part["declaration"]) for part in _parts(message) if "declaration" in part}


@cache
def _inputs(contract: str, name: str) -> tuple[Mapping[str, Any], ...]:
    return next(
        tuple(item["inputs"])
        for item in load_artifact(contract).abi
        if item["type"] == "event" and item["name"] == name
    )


def _abi_value(value: object, kind: str) -> object:
    """Read a value of an event back from its JSON."""
    text = str(value)
    if kind.startswith("bytes"):
        return from_hex(text)
    return text if kind == "address" else int(text)
