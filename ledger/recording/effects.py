"""The session in which final events take effect: what they will read is fetched beforehand, all at once.

Projections and verdicts are written for one event at a time. In a session of this kind their reads by primary
key, and those of statements by digest, are answered from memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from sqlalchemy import ARRAY, ColumnElement, any_, bindparam, inspect, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Mapper, Session

from kernel.database import EVIDENCE, Base, Database
from ledger.mirrors import MIRRORS
from ledger.models import ChainEvent, StatementRecord, StatementState
from ledger.outbox import STATEMENTS_BY_DIGEST
from ledger.recording.projections import PROJECTIONS
from ledger.typed_data import from_hex

AT_ONCE = 500
"""Keys asked for in one query."""
VERDICT_EVENTS = ("StatementRecorded", "StatementRefused")
T = TypeVar("T")
Key = tuple[Any, ...]
_COLUMNS: dict[type[Any], list[InstrumentedAttribute[Any]]] = {}
"""Columns of each table's primary key."""


class EffectSession(Session):
    """A session that knows which rows of the mirror tables are there before it is asked.

    What was not fetched beforehand is read as in any other session.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as SQLAlchemy declares it
        super().__init__(*arguments, **options)
        self._known: dict[type[Base], dict[Key, Base | None]] = {}
        self._open: set[bytes] = set()

    def prefetch(self, events: Sequence[ChainEvent]) -> None:
        """Read the rows that events will touch, and the statements that they judge."""
        kinds: dict[str, list[ChainEvent]] = {}
        for event in events:
            if event.name in PROJECTIONS:
                kinds.setdefault(event.name, []).append(event)
        if kinds:
            for model in MIRRORS:
                self._prefetch_rows(model, list(kinds.values()))
        digests = {from_hex(event.values["statement"]) for event in events if event.name in VERDICT_EVENTS}
        known: dict[bytes, StatementRecord | None] = dict.fromkeys(digests)
        for some in _portions(digests):
            for record in self.scalars(
                select(StatementRecord).where(
                    self._is_one_of([StatementRecord.digest], [(it,) for it in some])
                )
            ):
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

    def merge(self, instance: T, **options: Any) -> T:  # noqa: ANN401 - as SQLAlchemy declares it
        """Write a row over the one with its key, without asking where that is known."""
        rows, key = self._rows(type(instance)), _key_of(instance)
        if rows is None or key not in rows:
            return super().merge(instance, **options)
        there = rows[key]
        if there is None:
            self.add(instance)
            rows[key] = cast("Base", instance)
            return instance
        for name, value in vars(instance).items():
            if not name.startswith("_sa_") and getattr(there, name) != value:
                setattr(there, name, value)
        return cast("T", there)

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:  # noqa: ANN401 - as SQLAlchemy declares it
        """Give a row by its key, without asking where it is known to be there or not."""
        rows = self._rows(entity)
        key = ident if isinstance(ident, tuple) else (ident,)
        if rows is None or key not in rows or options:
            return super().get(entity, ident, **options)
        return rows[key]

    def get_one(self, entity: Any, ident: Any, **options: Any) -> Any:  # noqa: ANN401 - as SQLAlchemy declares it
        """Give a row by its key; one that is missing is an error."""
        found = self.get(entity, ident, **options)
        return super().get_one(entity, ident, **options) if found is None else found

    def delete(self, instance: object) -> None:
        """Delete a row at once, so that its key is known to be free."""
        self.flush()
        super().delete(instance)
        self.flush()
        rows = self._rows(type(instance))
        if rows is not None:
            rows[_key_of(instance)] = None

    def _rows(self, model: type[Any]) -> dict[Key, Base | None] | None:
        return self._known.get(model)

    def _prefetch_rows(self, model: type[Base], kinds: Sequence[Sequence[ChainEvent]]) -> None:
        columns = _key_columns(model)
        names = [re.sub("_(.)", lambda found: found[1].upper(), column.key) for column in columns]
        readers = [int if column.type.python_type is int else from_hex for column in columns]
        keys: set[Key] = set()
        for events in kinds:
            # Events of one kind all name the same values.
            if all(_is_key(events[0].values.get(name), readers[at] is int) for at, name in enumerate(names)):
                keys.update(
                    tuple(read(event.values[name]) for read, name in zip(readers, names, strict=True))
                    for event in events
                )
        rows: dict[Key, Base | None] = dict.fromkeys(keys)
        for some in _portions(keys):
            for row in self.scalars(select(model).where(self._is_one_of(columns, some))):
                rows[_key_of(row)] = row
        self._known[model] = rows

    def _is_one_of(
        self, columns: Sequence[InstrumentedAttribute[Any]], keys: Sequence[Key]
    ) -> ColumnElement[bool]:
        if len(columns) > 1:
            return tuple_(*columns).in_(keys)
        values = [key[0] for key in keys]
        if self.get_bind().dialect.name != "postgresql":
            return columns[0].in_(values)
        # One array is one parameter: a list of five hundred would be taken apart anew each time.
        return columns[0] == any_(bindparam(None, values, type_=ARRAY(columns[0].type)))


@contextmanager
def effects(database: Database) -> Iterator[EffectSession]:
    """Open one transaction for effects; commit at the end, undo everything on any error."""
    info = {EVIDENCE: database.evidence}
    with EffectSession(database.engine, expire_on_commit=False, info=info) as session, session.begin():
        yield session


def _key_columns(model: type[Any]) -> list[InstrumentedAttribute[Any]]:
    if model not in _COLUMNS:
        mapper = cast("Mapper[Any]", inspect(model))
        _COLUMNS[model] = [
            getattr(model, mapper.get_property_by_column(column).key) for column in mapper.primary_key
        ]
    return _COLUMNS[model]


def _key_of(instance: object) -> Key:
    return tuple(getattr(instance, column.key) for column in _key_columns(type(instance)))


def _is_key(value: object, numeric: bool) -> bool:  # noqa: FBT001 - the kind of the column
    is_bytes = isinstance(value, str) and value.startswith("0x")
    return value is not None and is_bytes is not numeric


def _portions(values: Iterable[T]) -> Iterator[list[T]]:
    whole = list(values)
    for start in range(0, len(whole), AT_ONCE):
        yield whole[start : start + AT_ONCE]
