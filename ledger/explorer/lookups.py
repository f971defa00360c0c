"""The chain explorer's look-ups: by block, transaction, statement, case and key, decoded, each with where to go next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from kernel.errors import NotFound
from ledger.chain.deployment import Deployment
from ledger.explorer.explored import (
    BlockView,
    CaseView,
    EventView,
    KeyView,
    Link,
    OfficerKey,
    OfficerView,
    StatementView,
    TransactionView,
)
from ledger.explorer.views import event_views, hexadecimal, statement_views
from ledger.mirrors import LedgerKey
from ledger.models import ChainBlock, ChainEvent, StatementRecord, StatementSignature
from ledger.outbox import statement_by_digest
from ledger.statements import id_bytes

MOST_ROWS = 200
CURSOR = r"^[0-9]{1,18}-[0-9]{1,9}$"
"""Where a page of events goes on: block and place of the last one shown."""
WORD_DIGITS = 64
BIGGEST = 2**63 - 1
"""Largest number that a column holds."""


def find(session: Session, text: str) -> Link:
    """Tell what somebody means who typed something: a block, a transaction, a statement, a key, a case.

    Raises:
        NotFound: Nothing here is called that.
    """
    wanted = text.strip().lower()
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= len(str(BIGGEST)):
        if int(wanted) <= BIGGEST and session.get(ChainBlock, int(wanted)) is not None:
            return Link("block", str(int(wanted)))
    elif re.fullmatch(rf"(0x)?[0-9a-f]{{{WORD_DIGITS}}}", wanted):
        found = _find_word(session, bytes.fromhex(wanted.removeprefix("0x")))
        if found is not None:
            return found
    else:
        try:
            case_id = UUID(wanted)
        except ValueError:
            raise NotFound(what="entry", name=text[:80]) from None
        if session.scalar(_statements_of(case_id).limit(1)) is not None:
            return Link("case", str(case_id))
        if session.scalar(_keys_of(case_id).limit(1)) is not None:
            return Link("officer", str(case_id))
    raise NotFound(what="entry", name=text[:80])


def newest_blocks(
    session: Session, deployment: Deployment, *, before: int | None = None, most: int = 20
) -> list[BlockView]:
    """List blocks that hold events of ours, newest first; `before` pages back."""
    holds_events = select(ChainEvent.id).where(ChainEvent.block_number == ChainBlock.number).exists()
    query = (
        select(ChainBlock).where(holds_events).order_by(ChainBlock.number.desc()).limit(min(most, MOST_ROWS))
    )
    if before is not None:
        query = query.where(ChainBlock.number < before)
    return [_block_view(session, deployment, block) for block in session.scalars(query)]


def block(session: Session, deployment: Deployment, number: int, after: str | None = None) -> BlockView:
    """Look up a block; `after` goes on from the cursor of an earlier page.

    Raises:
        NotFound: The indexer has not stored it.
    """
    found = session.get(ChainBlock, number)
    if found is None:
        raise NotFound(what="block", name=str(number))
    return _block_view(session, deployment, found, after)


def transaction(
    session: Session, deployment: Deployment, transaction_hash: bytes, after: str | None = None
) -> TransactionView:
    """Look up a transaction that our contracts had a part in; `after` goes on from an earlier page's cursor.

    Raises:
        NotFound: None of ours has this hash.
    """
    query = _all_events().where(ChainEvent.transaction_hash == transaction_hash)
    events, following = _event_page(session, deployment, query, after)
    first = events[0] if events else next(iter(_events(session, deployment, query.limit(1))), None)
    if first is None:
        raise NotFound(what="transaction", name=hexadecimal(transaction_hash))
    statements = [link.reference for event in events for link in event.links if link.kind == "statement"]
    return TransactionView(
        hexadecimal(transaction_hash),
        first.block_number,
        first.at,
        events,
        tuple(dict.fromkeys(statements)),
        (Link("block", str(first.block_number)),),
        following,
    )


def statement(session: Session, deployment: Deployment, digest: bytes) -> StatementView:
    """Look up a statement that came through this installation.

    Raises:
        NotFound: None has this digest; one that others sent is found by its events' transaction.
    """
    record = statement_by_digest(session, digest)
    if record is None:
        raise NotFound(what="statement", name=hexadecimal(digest))
    return _statement_views(session, deployment, [record])[0]


def case(
    session: Session,
    deployment: Deployment,
    case_id: UUID,
    after: str | None = None,
    after_statement: int | None = None,
) -> CaseView:
    """Look up everything about a case: its statements, and events that name it, whoever caused them.

    Args:
        session: The database.
        deployment: Where the contracts stand.
        case_id: The case.
        after: Cursor of an earlier page of events.
        after_statement: Cursor of an earlier page of statements.

    Raises:
        NotFound: There is nothing about it.
    """
    query = _statements_of(case_id).order_by(StatementRecord.id).limit(MOST_ROWS + 1)
    if after_statement is not None:
        query = query.where(StatementRecord.id > after_statement)
    records = session.scalars(query).all()
    more = records[MOST_ROWS - 1].id if len(records) > MOST_ROWS else None
    about = or_(
        ChainEvent.subject == id_bytes(case_id),
        ChainEvent.statement.in_(_statements_of(case_id).with_only_columns(StatementRecord.digest)),
    )
    events, following = _event_page(session, deployment, _all_events().where(about), after)
    if not records and not events and after is None and after_statement is None:
        raise NotFound(what="case", name=str(case_id))
    views = _statement_views(session, deployment, records[:MOST_ROWS])
    return CaseView(case_id, views, events, next_events=following, next_statements=more)


def key(session: Session, deployment: Deployment, key_id: bytes, after: str | None = None) -> KeyView:
    """Look up a key of the register; `after` goes on from an earlier page's cursor.

    Raises:
        NotFound: It was never granted.
    """
    found = session.get(LedgerKey, key_id)
    if found is None:
        raise NotFound(what="key", name=hexadecimal(key_id))
    events, following = _event_page(
        session, deployment, _all_events().where(ChainEvent.key_id == key_id), after
    )
    links = [Link("block", str(found.granted_at_block))]
    if found.revoked_at_block is not None:
        links.append(Link("block", str(found.revoked_at_block)))
    if found.officer_id is not None:
        links.append(Link("officer", str(found.officer_id)))
    return KeyView(
        hexadecimal(key_id),
        hexadecimal(found.signer),
        found.organisation_id,
        found.officer_id,
        found.roles,
        found.valid_from,
        found.valid_until,
        found.granted_at_block,
        found.revoked_at_block,
        events,
        tuple(links),
        following,
    )


def officer(
    session: Session, deployment: Deployment, officer_id: UUID, after: str | None = None
) -> OfficerView:
    """Look up an officer: the keys, and every event of a statement that one of them signed, first or second.

    Raises:
        NotFound: No key was ever granted to such an officer.
    """
    keys = session.scalars(_keys_of(officer_id).order_by(LedgerKey.granted_at_block, LedgerKey.key_id)).all()
    if not keys:
        raise NotFound(what="officer", name=str(officer_id))
    names = _keys_of(officer_id).with_only_columns(LedgerKey.key_id)
    signed = (
        select(StatementRecord.digest)
        .join(StatementSignature, StatementSignature.statement_id == StatementRecord.id)
        .where(StatementSignature.key_id.in_(names))
    )
    query = _all_events().where(or_(ChainEvent.key_id.in_(names), ChainEvent.statement.in_(signed)))
    events, following = _event_page(session, deployment, query, after)
    shown = tuple(
        OfficerKey(
            hexadecimal(found.key_id),
            found.organisation_id,
            found.roles,
            found.valid_from,
            found.valid_until,
            found.granted_at_block,
            found.revoked_at_block,
            (Link("key", hexadecimal(found.key_id)), Link("block", str(found.granted_at_block))),
        )
        for found in keys
    )
    return OfficerView(officer_id, shown, events, next_events=following)


def counts(session: Session) -> dict[str, int]:
    """Count what there is: blocks, events, and statements by state."""
    states = session.execute(
        select(StatementRecord.state, func.count(StatementRecord.id)).group_by(StatementRecord.state)
    )
    return {
        "blocks": session.scalar(select(func.count(ChainBlock.number))) or 0,
        "events": session.scalar(select(func.count(ChainEvent.id))) or 0,
        **{f"statements_{state}": count for state, count in states},
    }


def _find_word(session: Session, word: bytes) -> Link | None:
    if statement_by_digest(session, word) is not None:
        return Link("statement", hexadecimal(word))
    seen = session.scalar(
        select(ChainEvent.transaction_hash)
        .where(or_(ChainEvent.transaction_hash == word, ChainEvent.statement == word))
        .limit(1)
    )
    if seen is not None:
        return Link("transaction", hexadecimal(seen))
    if session.get(LedgerKey, word) is not None:
        return Link("key", hexadecimal(word))
    number = session.scalar(select(ChainBlock.number).where(ChainBlock.hash == word))
    return None if number is None else Link("block", str(number))


def _statements_of(case_id: UUID) -> Select[StatementRecord]:
    return select(StatementRecord).where(
        or_(StatementRecord.case_id == case_id, StatementRecord.subject == id_bytes(case_id))
    )


def _all_events() -> Select[ChainEvent, datetime, bool]:
    return (
        select(ChainEvent, ChainBlock.timestamp, ChainBlock.is_final)
        .join(ChainBlock, ChainBlock.number == ChainEvent.block_number)
        .order_by(ChainEvent.block_number, ChainEvent.log_index)
        .limit(MOST_ROWS)
    )


def _keys_of(officer_id: UUID) -> Select[LedgerKey]:
    return select(LedgerKey).where(LedgerKey.officer == id_bytes(officer_id))


def _event_page(
    session: Session,
    deployment: Deployment,
    query: Select[ChainEvent, datetime, bool],
    after: str | None,
) -> tuple[tuple[EventView, ...], str | None]:
    """Give a page of events, and the cursor of the next one where there is one."""
    if after is not None:
        number, place = map(int, after.split("-"))
        query = query.where(
            or_(
                ChainEvent.block_number > number,
                and_(ChainEvent.block_number == number, ChainEvent.log_index > place),
            )
        )
    found = _events(session, deployment, query.limit(MOST_ROWS + 1))
    if len(found) <= MOST_ROWS:
        return found, None
    last = found[MOST_ROWS - 1]
    return found[:MOST_ROWS], f"{last.block_number}-{last.log_index}"


def _events(
    session: Session, deployment: Deployment, query: Select[ChainEvent, datetime, bool]
) -> tuple[EventView, ...]:
    return event_views(session, deployment, session.execute(query).all())


def _block_view(
    session: Session, deployment: Deployment, found: ChainBlock, after: str | None = None
) -> BlockView:
    query = _all_events().where(ChainEvent.block_number == found.number)
    events, following = _event_page(session, deployment, query, after)
    hashes = dict.fromkeys(
        link.reference for event in events for link in event.links if link.kind == "transaction"
    )
    parent = session.get(ChainBlock, found.number - 1)
    links = [Link("transaction", transaction_hash) for transaction_hash in hashes]
    if parent is not None:
        links.append(Link("block", str(parent.number)))
    return BlockView(
        found.number,
        hexadecimal(found.hash),
        hexadecimal(found.parent_hash),
        found.timestamp,
        found.is_final,
        events,
        tuple(links),
        following,
    )


def _statement_views(
    session: Session, deployment: Deployment, records: Sequence[StatementRecord]
) -> tuple[StatementView, ...]:
    """Show statements, each with the first of its events; there are few of each."""
    names = [record.digest for record in records]
    rows = session.execute(_all_events().where(ChainEvent.statement.in_(names)).limit(None)).all()
    shown = event_views(session, deployment, rows)
    told: dict[bytes, list[EventView]] = {}
    for row, view in zip(rows, shown, strict=True):
        told.setdefault(row[0].statement or b"", []).append(view)
    return statement_views(session, deployment, records, {name: tuple(found) for name, found in told.items()})
