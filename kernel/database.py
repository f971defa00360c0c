"""The database session: one request or task is one transaction, opened and committed at the edge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Uuid,
    create_engine,
    event,
    make_url,
    type_coerce,
)
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql import ColumnElement, operators
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator

EVIDENCE = "evidence"
"""Where a session's `info` holds the folder of the evidence log."""
MICRO = Decimal(1_000_000)
BigId = BigInteger().with_variant(Integer, "sqlite")
"""Whole-number primary key that counts up on both databases."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored as UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn into UTC."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            msg = f"a naive time cannot be stored: {value!r}"
            raise ValueError(msg)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give an aware moment (SQLite forgets the zone)."""
        del dialect
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class _QuantityComparator(TypeDecorator.Comparator[Decimal]):
    """Keeps sums and differences quantities; the whole numbers behind them would be compared with plain ones."""

    def operate(self, op: OperatorType, *other: Any, **options: Any) -> ColumnElement[Any]:  # noqa: ANN401  # as SQLAlchemy declares it
        """Apply an operator."""
        result = super().operate(op, *other, **options)
        return type_coerce(result, self.type) if op in {operators.add, operators.sub} else result


class Quantity(TypeDecorator[Decimal]):
    """A quantity with up to six decimals, stored as a whole number of millionths, exact on every database."""

    impl = BigInteger
    cache_ok = True
    comparator_factory = _QuantityComparator

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Count the millionths."""
        del dialect
        return None if value is None else to_micro(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Give the quantity back."""
        del dialect
        return None if value is None else from_micro(value)


def to_micro(quantity: Decimal) -> int:
    """Count a quantity in millionths.

    Raises:
        ValueError: It is finer than a millionth.
    """
    micro = Fraction(quantity) * int(MICRO)  # Decimal arithmetic would round beyond 28 digits
    if micro.denominator != 1:
        msg = f"{quantity} is finer than a millionth"
        raise ValueError(msg)
    return micro.numerator


def from_micro(micro: int) -> Decimal:
    """Give the quantity of so many millionths, without trailing zeros."""
    quantity = (Decimal(micro) / MICRO).normalize()
    return quantity.quantize(Decimal(1)) if quantity == quantity.to_integral_value() else quantity


class Base(DeclarativeBase):
    """Root of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        UUID: Uuid,
        Decimal: Quantity,
        bytes: LargeBinary,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class Database:
    """An engine with two kinds of session: one that writes, one that only reads.

    On SQLite a writing transaction takes the write lock when it begins, so that what it read is still true
    when it writes; a reading one works on a snapshot and blocks nobody.

    Args:
        address: SQLAlchemy address.
        evidence: Folder of the evidence log's files, which belong to the rows; beside the file on SQLite. Every
            session carries it in `info`.
    """

    def __init__(self, address: str, *, evidence: Path | None = None) -> None:
        self.address = address
        self.evidence = evidence or evidence_beside(address)
        self.engine: Engine = _engine(address)
        info = {EVIDENCE: self.evidence}
        self._writers = sessionmaker(self.engine, expire_on_commit=False, info=info)
        self._readers = sessionmaker(
            self.engine.execution_options(piste_reads=True), expire_on_commit=False, info=info
        )

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is in use."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open one transaction; commit at the end, undo everything on any error."""
        with self._writers() as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that reads; whatever it changed is thrown away."""
        with self._readers() as session:
            try:
                yield session
            finally:
                session.expunge_all()  # so that what was read stays readable
                session.rollback()

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def evidence_beside(address: str) -> Path | None:
    """Name the folder of the evidence log beside a SQLite file; None for a server or a database in memory."""
    url = make_url(address)
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database)).with_suffix(".evidence")


def _engine(address: str) -> Engine:
    if not address.startswith("sqlite"):
        return create_engine(address, pool_size=10, max_overflow=20, pool_pre_ping=True)
    engine = create_engine(address, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        del entry
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("piste_reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine
