"""Mirror rows as plain values: read many at a time, changed in memory, written many at a time.

A projection changes a handful of rows for each event. Objects that a session watches would cost several times what
the database does; here one statement for each table reads what is to be changed, and one writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import ARRAY, ColumnElement, Table, any_, bindparam, delete, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from kernel.database import Base

AT_ONCE = 500
"""Keys asked for in one query."""
T = TypeVar("T")
Key = tuple[Any, ...]
Row = SimpleNamespace
"""A row's values under the names of its columns."""


class _Shape(NamedTuple):
    """What is asked of a table again and again."""

    table: Table
    columns: tuple[str, ...]
    key: tuple[str, ...]


_SHAPES: dict[type[Base], _Shape] = {}


def shape_of(model: type[Base]) -> _Shape:
    """Give a model's table with the names of its columns and of those of its key."""
    found = _SHAPES.get(model)
    if found is None:
        table = cast("Table", model.__table__)
        found = _SHAPES[model] = _Shape(
            table,
            tuple(column.name for column in table.columns),
            tuple(column.name for column in table.primary_key),
        )
    return found


class MirrorRows:
    """Rows of the mirror tables within one transaction.

    What a query shall see must be written first, see `write`.

    Args:
        session: The transaction.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[type[Base], dict[Key, Row | None]] = {}
        self._changed: dict[type[Base], dict[Key, None]] = {}
        self._added: dict[type[Base], list[dict[str, Any]]] = {}

    def fetch(self, model: type[Base], keys: Iterable[Key]) -> None:
        """Read rows that will be changed; those that are not there are known to be missing."""
        known = self._known.setdefault(model, {})
        shape, missing = shape_of(model), [key for key in dict.fromkeys(keys) if key not in known]
        for some in portions(missing):
            known.update(dict.fromkeys(some))
            columns = [shape.table.c[name] for name in shape.key]
            for values in self._session.connection().execute(
                select(shape.table).where(is_one_of(self._session, columns, some))
            ):
                row = Row(**dict(zip(shape.columns, values, strict=True)))
                known[tuple(getattr(row, name) for name in shape.key)] = row

    def get(self, model: type[Base], *key: Any) -> Row | None:  # noqa: ANN401 - values of a key
        """Give a row by its key as it stands, None where there is none."""
        known = self._known.get(model, {})
        if key not in known:
            self.fetch(model, [key])
            known = self._known[model]
        return known[key]

    def change(self, model: type[Base], *key: Any) -> Row:  # noqa: ANN401 - values of a key
        """Give a row that is about to be changed.

        Raises:
            NoResultFound: There is none.
        """
        row = self.get(model, *key)
        if row is None:
            msg = f"{model.__tablename__} has no row {key!r}"
            raise NoResultFound(msg)
        self._changed.setdefault(model, {})[key] = None
        return row

    def put(self, model: type[Base], **values: Any) -> None:  # noqa: ANN401 - values of columns
        """Write a whole row, over the one with its key where there is one."""
        key = tuple(values[name] for name in shape_of(model).key)
        self._known.setdefault(model, {})[key] = Row(**values)
        self._changed.setdefault(model, {})[key] = None

    def add(self, model: type[Base], **values: Any) -> None:  # noqa: ANN401 - values of columns
        """Write a new row that nobody looks up by its key."""
        self._added.setdefault(model, []).append(values)

    def remove(self, model: type[Base], *key: Any) -> None:  # noqa: ANN401 - values of a key
        """Delete a row at once."""
        shape = shape_of(model)
        self._session.connection().execute(
            delete(shape.table).where(
                *(shape.table.c[name] == value for name, value in zip(shape.key, key, strict=True))
            )
        )
        self._known.setdefault(model, {})[key] = None
        self._changed.get(model, {}).pop(key, None)
        held = self._session.identity_map.get(self._session.identity_key(model, key))
        if held is not None:
            self._session.expunge(held)

    def write(self) -> None:
        """Write what was changed; afterwards every query sees it."""
        for model, keys in self._changed.items():
            if keys:
                known = self._known[model]
                put_rows(self._session, shape_of(model), [vars(known[key]) for key in keys])
        for model, rows in self._added.items():
            self._session.connection().execute(insert(shape_of(model).table), rows)
        # What somebody else holds of these rows in this session is read anew.
        for instance in list(self._session.identity_map.values()) if self._changed else ():
            if type(instance) in self._changed:
                self._session.expire(instance)
        self._changed, self._added = {}, {}

    def forget(self) -> None:
        """Let go of all rows, so that memory stays flat."""
        self.write()
        self._known = {}


def put_rows(session: Session, shape: _Shape, rows: Sequence[dict[str, Any]]) -> None:
    """Insert whole rows, over those with their keys: one statement with one array for each column on PostgreSQL."""
    table, rest = shape.table, [name for name in shape.columns if name not in shape.key]
    if session.get_bind().dialect.name == "postgresql":
        source = select(
            *(func.unnest(bindparam(name, type_=ARRAY(table.c[name].type))) for name in shape.columns)
        )
        put: Any = postgresql.insert(table).from_select(shape.columns, source)
        given: Any = {name: [row[name] for row in rows] for name in shape.columns}
    else:
        put, given = sqlite.insert(table), rows
    put = put.on_conflict_do_update(
        index_elements=shape.key, set_={name: put.excluded[name] for name in rest}
    )
    session.connection().execute(put, given)


def update_rows(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Write columns of rows that are there.

    Args:
        session: The transaction.
        model: Of which table.
        rows: The key and the new values of each, all with the same columns.
    """
    if not rows:
        return
    shape, names = shape_of(model), list(rows[0])
    table, rest = shape.table, [name for name in names if name not in shape.key]
    if session.get_bind().dialect.name == "postgresql":
        source = select(
            *(
                func.unnest(bindparam(f"_{name}", type_=ARRAY(table.c[name].type))).label(name)
                for name in names
            )
        ).subquery()
        where = [table.c[name] == source.c[name] for name in shape.key]
        change = table.update().where(*where).values({name: source.c[name] for name in rest})
        session.connection().execute(change, {f"_{name}": [row[name] for row in rows] for name in names})
        return
    where = [table.c[name] == bindparam(f"_{name}") for name in shape.key]
    change = table.update().where(*where).values({name: bindparam(f"_{name}") for name in rest})
    session.connection().execute(change, [{f"_{name}": row[name] for name in names} for row in rows])


def is_one_of(
    session: Session, columns: Sequence[ColumnElement[Any]], keys: Sequence[Key]
) -> ColumnElement[bool]:
    """Say that columns hold one of some keys."""
    if len(columns) > 1:
        return tuple_(*columns).in_(keys)
    values = [key[0] for key in keys]
    if session.get_bind().dialect.name != "postgresql":
        return columns[0].in_(values)
    # One array is one parameter: a list of five hundred would be taken apart anew each time.
    return columns[0] == any_(bindparam(None, values, type_=ARRAY(columns[0].type)))


def portions(values: Iterable[T]) -> Iterable[list[T]]:
    """Divide values into lists that one query may ask for."""
    whole = list(values)
    for start in range(0, len(whole), AT_ONCE):
        yield whole[start : start + AT_ONCE]
