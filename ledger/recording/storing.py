"""Many rows at a time: COPY on PostgreSQL, one prepared statement on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from sqlalchemy import JSON, Table, insert
from sqlalchemy.orm import Session

from ledger.chain.decoding import EVENT_COLUMNS, DecodedLog
from ledger.chain.reading import Header
from ledger.models import ChainBlock, ChainEvent


def store_blocks(session: Session, headers: Iterable[Header]) -> None:
    """Write headers as blocks that are not final."""
    _store(
        session,
        ChainBlock,
        [
            {
                "number": header.number,
                "hash": header.hash,
                "parent_hash": header.parent_hash,
                "timestamp": datetime.fromtimestamp(header.timestamp, UTC),
                "is_final": False,
            }
            for header in headers
        ],
    )


def store_events(session: Session, events: Sequence[DecodedLog]) -> None:
    """Write events."""
    _store(session, ChainEvent, [{name: getattr(event, name) for name in EVENT_COLUMNS} for event in events])


def _store(session: Session, model: type[ChainBlock | ChainEvent], rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    table = cast("Table", model.__table__)
    if session.get_bind().dialect.name == "postgresql":
        _copy(session, table, rows)
    else:
        session.execute(insert(table), list(rows))


def _copy(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows the way PostgreSQL takes most of them in; values are already what the columns hold."""
    names = list(rows[0])
    preparer = session.get_bind().dialect.identifier_preparer
    columns = ", ".join(preparer.quote(name) for name in names)
    prepare: list[Callable[[Any], Any] | None] = [
        _json if isinstance(table.c[name].type, JSON) else None for name in names
    ]
    driver = session.connection().connection.driver_connection
    if driver is None:  # pragma: no cover - only of a connection that was given back
        msg = "the session has no connection"
        raise RuntimeError(msg)
    with (
        driver.cursor() as cursor,
        cursor.copy(
            f"COPY {preparer.format_table(table)} ({columns}) FROM STDIN"  # names of our own columns
        ) as copy,
    ):
        for row in rows:
            copy.write_row(
                [
                    row[name] if change is None else change(row[name])
                    for name, change in zip(names, prepare, strict=True)
                ]
            )


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
