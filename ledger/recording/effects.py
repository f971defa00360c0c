"""The session in which final events take effect: what they will read is fetched beforehand, all at once.

Projections and verdicts are written for one event at a time. What they change is kept as plain values and written
with few statements, before anybody asks the database in this session, and at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, insert, select
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.orm.attributes import set_committed_value

from kernel.database import EVIDENCE, Database
from ledger.models import ChainEvent, EvidenceLeaf, StatementRecord, StatementState
from ledger.outbox import STATEMENTS_BY_DIGEST
from ledger.recording.projections import fetch
from ledger.recording.rows import MirrorRows, is_one_of, portions, update_rows
from ledger.typed_data import from_hex

VERDICT_EVENTS = ("StatementRecorded", "StatementRefused")


class EffectSession(Session):
    """A session that writes mirrors, verdicts and their leaves many at a time.

    What was not fetched beforehand is read as in any other session.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as SQLAlchemy declares it
        super().__init__(*arguments, **options)
        self.rows = MirrorRows(self)
        self._open: set[bytes] = set()
        self._settled: dict[tuple[str, ...], dict[int, dict[str, Any]]] = {}
        self._leaves: list[dict[str, Any]] = []

    def prefetch(self, events: Sequence[ChainEvent]) -> None:
        """Read the rows that events will change, and the statements that they judge."""
        fetch(self.rows, events)
        digests = {from_hex(event.values["statement"]) for event in events if event.name in VERDICT_EVENTS}
        known: dict[bytes, StatementRecord | None] = dict.fromkeys(digests)
        for some in portions(digests):
            wanted = is_one_of(self, [StatementRecord.__table__.c.digest], [(it,) for it in some])
            for record in self.scalars(select(StatementRecord).where(wanted)):
                known[record.digest] = record
        self.info[STATEMENTS_BY_DIGEST] = known
        self._open = {
            digest
            for digest, record in known.items()
            if record is not None and record.state in {StatementState.QUEUED, StatementState.SENT}
        }

    def judged(self) -> int:
        """Count the statements fetched beforehand that have reached their verdict since."""
        return sum(
            record is not None
            and record.state in {StatementState.RECORDED, StatementState.REFUSED}
            and digest in self._open
            for digest, record in self.info[STATEMENTS_BY_DIGEST].items()
        )

    def settle(self, record: StatementRecord, **values: Any) -> None:  # noqa: ANN401 - values of columns
        """Change a statement; its row is written together with others."""
        for name, value in values.items():
            set_committed_value(record, name, value)
        rows = self._settled.setdefault(tuple(values), {})
        rows[record.id] = {"id": record.id, **values}

    def add_leaf(self, values: dict[str, Any]) -> None:
        """Write a leaf of the evidence log together with others."""
        self._leaves.append(values)

    def write(self) -> None:
        """Write what was changed; afterwards every query sees it."""
        settled, self._settled = self._settled, {}
        leaves, self._leaves = self._leaves, []
        self.rows.write()
        for rows in settled.values():
            update_rows(self, StatementRecord, list(rows.values()))
        if leaves:
            self.connection().execute(insert(EvidenceLeaf), leaves)


@event.listens_for(EffectSession, "do_orm_execute")
def _show_changes(state: ORMExecuteState) -> None:
    """Let a sink that asks the database see everything that took effect so far."""
    session = state.session
    if isinstance(session, EffectSession):
        session.write()


@contextmanager
def effects(database: Database) -> Iterator[EffectSession]:
    """Open one transaction for effects; commit at the end, undo everything on any error."""
    info = {EVIDENCE: database.evidence}
    with EffectSession(database.engine, expire_on_commit=False, info=info) as session, session.begin():
        yield session
        session.write()
