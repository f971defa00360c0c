"""What happens to one case, as server-sent events for pages and programs.

A stream asks the database once a second in a short read of its own, holds nothing between two questions, and closes by
itself after some minutes; browsers come back of themselves and name the last event that they had.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import anyio
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from api.cases.views import TimelineEntry, timeline_entry
from api.foundation.installation import Installation
from api.foundation.refusals import TooManyRequests
from kernel.errors import NotFound
from ledger.models import StatementRecord
from workflow.engine.cases import Case, HistoryEntry
from workflow.engine.principals import Principal
from workflow.engine.registry import CaseKind

MEDIA_TYPE = "text/event-stream"
MOST_STREAMS = 12
"""Streams that one person or client may have open at once in one process."""


@dataclass(frozen=True)
class Pace:
    """How a stream goes."""

    every_s: float = 1.0
    """Between two looks at the case."""
    heartbeat_s: float = 15.0
    """So that proxies keep the line open, and a dead one is noticed."""
    close_after_s: float = 300.0
    retry_ms: int = 2000
    """After which browsers come back."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Somebody watches a case."""

    place: Installation
    principal: Principal
    kind: CaseKind
    case_id: UUID


@dataclass
class Streams:
    """Counts open streams, so that nobody takes them all."""

    most: int = MOST_STREAMS
    _open: Counter[str] = field(default_factory=Counter)

    def check_room(self, actor: str) -> None:
        """Refuse one more stream.

        Raises:
            TooManyRequests: The actor has as many streams open as anybody may.
        """
        if self._open[actor] >= self.most:
            raise TooManyRequests(retry_after_s=30)

    @contextmanager
    def place(self, actor: str) -> Iterator[None]:
        """Count a stream while it is open."""
        self._open[actor] += 1
        try:
            yield
        finally:
            self._open[actor] -= 1


OPEN = Streams()
"""The streams of this process."""


_Mark = tuple[int, str | None]


class _Standing(NamedTuple):
    """Where a case stands, and what was written about it since."""

    mark: _Mark
    """Revision, and state of the pending statement: what tells one standing from another."""
    data: dict[str, Any]
    last: int
    """Number of the newest history entry."""
    news: tuple[tuple[int, TimelineEntry], ...]


async def follow(
    watch: Watch, *, last: int | None, pace: Pace, streams: Streams = OPEN
) -> AsyncIterator[bytes]:
    """Tell what happens to a case until the stream's time is over.

    Events: `case` with where it stands (at once, then at each change), `history` with each new entry of its
    timeline. The id of an event is the number of the newest entry that the caller has.

    Args:
        watch: Who watches what.
        last: Newest entry that the caller has; None where he begins.
        pace: How the stream goes.
        streams: The count that this one belongs to.
    """
    with streams.place(watch.principal.actor):
        yield f"retry: {pace.retry_ms}\n\n".encode()
        seen: _Mark | None = None
        quiet_s = 0.0
        ends = anyio.current_time() + pace.close_after_s
        while anyio.current_time() < ends:
            standing = await _look(watch, last)
            if standing is None:
                return
            told = _news(standing, seen)
            seen, last = standing.mark, standing.last
            for event in told:
                yield event
            quiet_s = 0.0 if told else quiet_s + pace.every_s
            if quiet_s >= pace.heartbeat_s:
                quiet_s = 0.0
                yield b": still here\n\n"
            await anyio.sleep(pace.every_s)


def _news(standing: _Standing, seen: _Mark | None) -> list[bytes]:
    events = [_event("history", number, entry.model_dump(mode="json")) for number, entry in standing.news]
    if standing.mark != seen:
        events.append(_event("case", standing.last, standing.data))
    return events


def _event(name: str, number: int, data: dict[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\nid: {number}\ndata: {text}\n\n".encode()


async def _look(watch: Watch, last: int | None) -> _Standing | None:
    """Look at the case once; None where the watcher may no longer know of it, or the database is away."""
    async with watch.place.reads.pass_through():
        try:
            return await run_in_threadpool(_standing, watch, last)
        except (NotFound, OperationalError):
            return None


def _standing(watch: Watch, last: int | None) -> _Standing:
    with watch.place.database.read() as session:
        case = watch.kind.load(session, watch.principal, watch.case_id, lock=False)
        news = _entries_after(session, watch, last)
        newest = news[-1].id if news else last
        if newest is None:
            newest = session.scalar(select(func.max(HistoryEntry.id)).where(*_of_case(watch))) or 0
        statement = None
        if case.pending_statement is not None:
            statement = session.scalar(
                select(StatementRecord.state).where(StatementRecord.digest == case.pending_statement)
            )
        return _Standing(
            (case.revision, statement),
            {**_shown(watch.kind, case), "statement_state": statement},
            newest,
            tuple((entry.id, timeline_entry(entry)) for entry in news),
        )


def _entries_after(session: Session, watch: Watch, last: int | None) -> Sequence[HistoryEntry]:
    if last is None:
        return ()
    query = select(HistoryEntry).where(*_of_case(watch), HistoryEntry.id > last)
    return session.scalars(query.order_by(HistoryEntry.id)).all()


def _of_case(watch: Watch) -> tuple[ColumnElement[bool], ...]:
    return (HistoryEntry.case_kind == watch.kind.kind, HistoryEntry.case_id == watch.case_id)


def _shown(kind: CaseKind, case: Case) -> dict[str, Any]:
    meaning = kind.life_cycle.states[case.state]
    return {
        "state": case.state,
        "meaning": {"en": meaning.en, "zh": meaning.zh},
        "revision": case.revision,
        "pending_event": case.pending_event,
        "updated_at": case.updated_at.isoformat(),
    }
