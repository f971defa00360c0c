"""What the processes of the ledger say of themselves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from ledger.models import LedgerStatus
from ledger.outbox import waiting

MOST_DETAIL = 300


def say(
    session: Session,
    process: str,
    *,
    now: datetime,
    node_reachable: bool,
    head_block: int | None = None,
    final_block: int | None = None,
    detail: str = "",
) -> LedgerStatus:
    """Write a process's row: whether the node answers, how many statements wait and since when."""
    count, oldest = waiting(session)
    return session.merge(
        LedgerStatus(
            process=process,
            node_reachable=node_reachable,
            waiting=count,
            oldest_waiting_at=oldest,
            head_block=head_block,
            final_block=final_block,
            detail=detail[:MOST_DETAIL],
            updated_at=now,
        )
    )
