"""Everything that the ledger recorded, as a stream of lines: JSON, or CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from ledger.chain.deployment import Deployment
from ledger.evidence.log import covering_checkpoint
from ledger.evidence.records import leaf_of
from ledger.explorer.explored import EVENT_WORDS
from ledger.explorer.views import signed_bytes
from ledger.mirrors import LedgerKey
from ledger.models import ChainBlock, ChainEvent, StatementRecord, StatementSignature
from ledger.statements import STATEMENT_WORDS, id_bytes

ROWS_AT_ONCE = 500
VERDICTS = frozenset({"StatementRecorded", "StatementRefused"})
"""Events that bring a statement with them."""
COLUMNS = (
    "block",
    "time",
    "transaction",
    "log_index",
    "contract",
    "event",
    "words_en",
    "words_zh",
    "case",
    "statement",
    "type",
    "state",
    "officers",
    "keys",
    "leaf",
    "checkpoint",
    "values",
    "message",
)
"""Columns of the CSV, in their order."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Wanted:
    """Which records are wanted; all where nothing is said.

    Args:
        case_id: Only what is about this case.
        officer_id: Only what this officer's keys signed, and what happened to the keys.
        since: Only blocks from this time on.
        until: Only blocks before this time.
    """

    case_id: UUID | None = None
    officer_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Give the conditions on events and their blocks."""
        found: list[ColumnElement[bool]] = []
        if self.case_id is not None:
            subject = id_bytes(self.case_id)
            about = or_(StatementRecord.case_id == self.case_id, StatementRecord.subject == subject)
            found.append(
                or_(
                    ChainEvent.subject == subject,
                    ChainEvent.statement.in_(select(StatementRecord.digest).where(about)),
                )
            )
        if self.officer_id is not None:
            keys = select(LedgerKey.key_id).where(LedgerKey.officer_id == self.officer_id)
            signed = (
                select(StatementRecord.digest)
                .join(StatementSignature, StatementSignature.statement_id == StatementRecord.id)
                .where(StatementSignature.key_id.in_(keys))
            )
            found.append(or_(ChainEvent.key_id.in_(keys), ChainEvent.statement.in_(signed)))
        if self.since is not None:
            found.append(ChainBlock.timestamp >= self.since)
        if self.until is not None:
            found.append(ChainBlock.timestamp < self.until)
        return found


def records(session: Session, deployment: Deployment, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Go through the events of final blocks in the order of the chain, with the statements that caused them.

    A statement comes with the event that recorded or refused it: message, signed bytes, signatures, and the
    leaf and checkpoint of the evidence log that vouch for it.
    """
    query: Select[ChainEvent, datetime] = (
        select(ChainEvent, ChainBlock.timestamp)
        .join(ChainBlock, ChainBlock.number == ChainEvent.block_number)
        .where(ChainBlock.is_final, *wanted.conditions())
        .order_by(ChainEvent.block_number, ChainEvent.log_index)
    )
    rows = iter(session.execute(query).yield_per(ROWS_AT_ONCE))
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        names = {event.statement for event, _ in chunk if event.name in VERDICTS and event.statement}
        statements = _statements(session, deployment, names)
        for event, at in chunk:
            yield _record(event, at) | _of(statements, event)
        session.expunge_all()


def json_lines(found: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Write records as JSON, one a line."""
    for record in found:
        yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def csv_lines(found: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Write records as CSV (RFC 4180) in UTF-8 with a mark, so that spreadsheets read the Chinese.

    A cell that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    yield "\ufeff".encode() + _csv_line(COLUMNS)
    for record in found:
        statement: Mapping[str, Any] = record.get("statement_record") or {}
        signatures = statement.get("signatures", ())
        row = {
            **record,
            "words_en": record["words"]["en"],
            "words_zh": record["words"]["zh"],
            "type": statement.get("type"),
            "state": statement.get("state"),
            "officers": " ".join(one["officer"] for one in signatures if one["officer"]),
            "keys": " ".join(one["key"] for one in signatures),
            "leaf": statement.get("leaf"),
            "checkpoint": statement.get("checkpoint"),
            "values": orjson.dumps(record["values"]).decode(),
            "message": orjson.dumps(statement["message"]).decode() if statement else "",
        }
        yield _csv_line([harmless(row.get(name)) for name in COLUMNS])


def harmless(value: object) -> str:
    """Write a cell so that no spreadsheet takes it for a formula."""
    text = "" if value is None else str(value)
    return "'" + text if text.startswith(_FORMULAS) else text


def _csv_line(cells: Sequence[str]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream).writerow(cells)
    return stream.getvalue().encode()


def _record(event: ChainEvent, at: datetime) -> dict[str, Any]:
    words = EVENT_WORDS[event.name]
    return {
        "block": event.block_number,
        "blockHash": _hex(event.block_hash),
        "time": at.isoformat(),
        "transaction": _hex(event.transaction_hash),
        "transactionIndex": event.transaction_index,
        "log_index": event.log_index,
        "contract": event.contract,
        "event": event.name,
        "words": words._asdict(),
        "values": event.values,
        "statement": _hex(event.statement) if event.statement else None,
    }


def _of(statements: Mapping[bytes, dict[str, Any]], event: ChainEvent) -> dict[str, Any]:
    known = statements.get(event.statement or b"") if event.name in VERDICTS else None
    return {"case": known["case"] if known else None, "statement_record": known}


def _statements(session: Session, deployment: Deployment, names: set[bytes]) -> dict[bytes, dict[str, Any]]:
    if not names:
        return {}
    records = session.scalars(select(StatementRecord).where(StatementRecord.digest.in_(names))).all()
    signatures: dict[int, list[dict[str, Any]]] = {record.id: [] for record in records}
    rows = session.execute(
        select(StatementSignature, LedgerKey.organisation_id, LedgerKey.officer_id)
        .outerjoin(LedgerKey, LedgerKey.key_id == StatementSignature.key_id)
        .where(StatementSignature.statement_id.in_(signatures))
        .order_by(StatementSignature.statement_id, StatementSignature.position)
    )
    for given, organisation, officer in rows:
        signatures[given.statement_id].append(
            {
                "key": _hex(given.key_id),
                "signer": _hex(given.signer),
                "signature": _hex(given.signature),
                "organisation": str(organisation) if organisation else None,
                "officer": str(officer) if officer else None,
            }
        )
    return {
        record.digest: {
            "type": record.primary_type,
            "words": STATEMENT_WORDS[record.primary_type]._asdict(),
            "case": str(record.case_id),
            "state": record.state,
            "refusal": record.refusal,
            "message": record.message,
            "signedBytes": _hex(signed_bytes(record, deployment)),
            "signatures": signatures[record.id],
            **_evidence(session, record),
        }
        for record in records
    }


def _evidence(session: Session, record: StatementRecord) -> dict[str, Any]:
    leaf = leaf_of(session, record)
    if leaf is None or leaf.position is None:
        return {"leaf": None, "checkpoint": None}
    covering = covering_checkpoint(session, leaf.position)
    return {"leaf": leaf.position, "checkpoint": covering.size if covering is not None else None}


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
