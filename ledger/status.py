"""What the processes of the ledger say of themselves, and how much waits for it, minute by minute."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ledger.models import LedgerLoad, LedgerStatus
from ledger.outbox import waiting

MOST_DETAIL = 300
RATE_MINUTES = 5
"""The estimate goes by how fast it went in so many minutes."""
KEPT_DAYS = 14


def say(
    session: Session,
    process: str,
    *,
    now: datetime,
    node_reachable: bool,
    head_block: int | None = None,
    final_block: int | None = None,
    detail: str = "",
    most_waiting: int | None = None,
    incident: bool = False,
) -> LedgerStatus:
    """Write a process's row: whether the node answers, how many statements wait and since when.

    Args:
        session: A transaction of its own.
        process: Which.
        now: The present moment.
        node_reachable: Whether the node answers.
        head_block: Newest block that was followed.
        final_block: Newest final block.
        detail: What is wrong.
        most_waiting: Above how many waiting statements others are asked to come back later.
        incident: Whether the ledger cannot be believed.
    """
    count, oldest = waiting(session)
    minute = _load(session, now)
    if count >= minute.waiting:
        minute.waiting, minute.oldest_waiting_at = count, oldest
    session.flush()
    return session.merge(
        LedgerStatus(
            process=process,
            node_reachable=node_reachable,
            waiting=count,
            oldest_waiting_at=oldest,
            estimate_s=estimate_s(session, count, now),
            most_waiting=most_waiting,
            incident_at=now if incident else None,
            head_block=head_block,
            final_block=final_block,
            detail=detail[:MOST_DETAIL],
            updated_at=now,
        )
    )


def count_verdicts(session: Session, verdicts: int, now: datetime) -> None:
    """Add to the minute's load how many statements reached their verdict."""
    if verdicts:
        _load(session, now).recorded += verdicts


def estimate_s(session: Session, count: int, now: datetime) -> int | None:
    """Tell in how many seconds so many statements should be recorded, None where nothing was lately."""
    if not count:
        return 0
    since = _minute(now) - timedelta(minutes=RATE_MINUTES)
    recorded, first = session.execute(
        select(func.sum(LedgerLoad.recorded), func.min(LedgerLoad.minute)).where(
            LedgerLoad.minute > since, LedgerLoad.recorded > 0
        )
    ).one()
    return math.ceil(count * max((now - first).total_seconds(), 1.0) / recorded) if recorded else None


def _load(session: Session, now: datetime) -> LedgerLoad:
    minute = _minute(now)
    found = session.get(LedgerLoad, minute, with_for_update=True)
    if found is None:
        session.execute(delete(LedgerLoad).where(LedgerLoad.minute < minute - timedelta(days=KEPT_DAYS)))
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        # Relay and indexer may come to a new minute at the same time.
        session.execute(
            insert(LedgerLoad).values(minute=minute, waiting=0, recorded=0).on_conflict_do_nothing()
        )
        found = session.get_one(LedgerLoad, minute, with_for_update=True)
    return found


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)
