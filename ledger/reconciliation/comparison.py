"""Two tables side by side, a row at a time: the same rows in another database, told apart by their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, select
from sqlalchemy.orm import Session

from kernel.database import Base, Database
from ledger.reconciliation.differences import Difference
from ledger.reconciliation.rebuilding import columns_of

ROWS_AT_ONCE = 500
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """One table to compare.

    Args:
        group: First part of the codes of its differences.
        name: The table's name, for people.
        columns: What is compared, by name.
        key: Names of the columns that tell a row, of `columns`.
        shown: Names of key columns by what they are for a reader (`block`, `statement`).
    """

    group: str
    name: str
    columns: Mapping[str, Any]
    key: tuple[str, ...]
    shown: Mapping[str, str]

    @classmethod
    def of(
        cls,
        group: str,
        model: type[Base],
        key: Sequence[str],
        *,
        without: frozenset[str] = frozenset(),
        shown: Mapping[str, str] | None = None,
    ) -> Table:
        """Compare all columns of a table but some."""
        names = [name for name in columns_of(model) if name not in without]
        columns = {name: getattr(model, name) for name in names}
        return cls(group, model.__tablename__, columns, tuple(key), shown or {})

    def select(self, dialect: str) -> Select[Any]:
        """Select the columns in the order of the key, the same on every database."""
        chosen = [column.label(name) for name, column in self.columns.items()]
        return select(*chosen).order_by(*(_ordered(self.columns[name], dialect) for name in self.key))

    def key_of(self, row: Row) -> tuple[Any, ...]:
        """Give the key of a row."""
        return tuple(row[name] for name in self.key)

    def where(self, row: Row, column: str = "") -> dict[str, Any]:
        """Say where a row is."""
        place = {"table": self.name, "row": {name: row[name] for name in self.key}}
        place |= {meaning: row[name] for name, meaning in self.shown.items() if row.get(name) is not None}
        return place | {"column": column} if column else place

    def rows(self, session: Session, *conditions: ColumnElement[bool]) -> Iterator[Row]:
        """Go through the rows in the order of the key, some at a time."""
        query = self.select(session.get_bind().dialect.name).where(*conditions)
        for row in session.execute(query).yield_per(ROWS_AT_ONCE):
            yield dict(row._mapping)  # noqa: SLF001 - the documented name of a row's values by column


def compare(table: Table, here: Iterator[Row], there: Iterator[Row]) -> Iterator[Difference]:
    """Name every row that only one side has, and every value that differs."""
    one, other = next(here, None), next(there, None)
    while one is not None or other is not None:
        order = _order(table, one, other)
        if one is not None and order < 0:
            yield Difference(f"{table.group}.unknown", table.where(one), here=dict(one))
            one = next(here, None)
        elif other is not None and order > 0:
            yield Difference(f"{table.group}.missing", table.where(other), there=dict(other))
            other = next(there, None)
        elif one is not None and other is not None:
            for name in table.columns:
                if one[name] != other[name]:
                    yield Difference(f"{table.group}.differs", table.where(one, name), one[name], other[name])
            one, other = next(here, None), next(there, None)


def _order(table: Table, one: Row | None, other: Row | None) -> int:
    """Tell which row comes first: below 0 the first one, above 0 the other, 0 where they are the same row."""
    if one is None or other is None:
        return 1 if one is None else -1
    mine, theirs = table.key_of(one), table.key_of(other)
    return (mine > theirs) - (mine < theirs)


@contextmanager
def snapshot(database: Database) -> Iterator[Session]:
    """Open a session that reads one moment of the database, however long it takes."""
    with database.read() as session:
        if not database.is_sqlite:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def _ordered(column: Any, dialect: str) -> Any:  # noqa: ANN401 - a column
    """Order texts by their bytes; wide numbers, kept as texts of one length, are in order anyhow."""
    if not isinstance(column.type, String):
        return column
    return column.collate("C" if dialect == "postgresql" else "BINARY")
