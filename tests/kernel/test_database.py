"""The database session and its column types, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData, select, text
from sqlalchemy.exc import OperationalError, StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from kernel.database import Base, BigId, Database, Quantity, UtcDateTime, from_micro, to_micro

WAIT_S = 20
NOON = datetime(2026, 2, 6, 12, 0, tzinfo=UTC)


class Scratch(DeclarativeBase):
    """Tables of these tests alone, so that the product's metadata stays its own."""

    metadata = MetaData()
    type_annotation_map = Base.type_annotation_map


class Sample(Scratch):
    __tablename__ = "samples_of_kernel_tests"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    moment: Mapped[datetime | None]
    quantity: Mapped[Decimal | None]
    digest: Mapped[bytes | None]
    case: Mapped[UUID | None]


@pytest.fixture
def samples(database: Database) -> Iterator[Database]:
    Scratch.metadata.create_all(database.engine)
    yield database
    Scratch.metadata.drop_all(database.engine)


def test_values_come_back_as_they_went_in(samples: Database) -> None:
    beijing = NOON.astimezone(timezone(timedelta(hours=8)))
    with samples.write() as session:
        session.add(
            Sample(moment=beijing, quantity=Decimal("12.000001"), digest=b"\x00\xff", case=UUID(int=5))
        )
        session.add(Sample())
    with samples.read() as session:
        full, empty = session.scalars(select(Sample).order_by(Sample.id)).all()
        assert full.moment == NOON
        assert full.moment is not None
        assert full.moment.utcoffset() == timedelta(0)
        assert (full.quantity, full.digest, full.case) == (Decimal("12.000001"), b"\x00\xff", UUID(int=5))
        assert (empty.moment, empty.quantity, empty.digest, empty.case) == (None, None, None, None)


def test_moments_sort_by_time(samples: Database) -> None:
    west = timezone(timedelta(hours=-5))
    with samples.write() as session:
        session.add(Sample(moment=NOON.astimezone(west)))
        session.add(Sample(moment=NOON - timedelta(hours=1)))
    with samples.read() as session:
        moments = session.scalars(select(Sample.moment).order_by(Sample.moment)).all()
    assert moments == [NOON - timedelta(hours=1), NOON]


def test_a_naive_moment_is_refused(samples: Database) -> None:
    with pytest.raises(StatementError, match="naive"), samples.write() as session:
        session.add(Sample(moment=NOON.replace(tzinfo=None)))


def test_a_quantity_finer_than_a_millionth_is_refused(samples: Database) -> None:
    with pytest.raises(StatementError, match="millionth"), samples.write() as session:
        session.add(Sample(quantity=Decimal("0.0000001")))


def test_quantities_are_compared_and_added_in_the_database(samples: Database) -> None:
    with samples.write() as session:
        session.add_all([Sample(quantity=Decimal("0.1")), Sample(quantity=Decimal("0.2"))])
    with samples.read() as session:
        found = session.scalars(
            select(Sample).where(Sample.quantity + Decimal("0.2") <= Decimal("0.3"))
        ).all()
        assert [sample.quantity for sample in found] == [Decimal("0.1")]
        left = session.scalars(select(Sample.quantity - Decimal("0.05")).order_by(Sample.id)).all()
        assert left == [Decimal("0.05"), Decimal("0.15")]


def test_the_column_types_pass_nothing_through() -> None:
    class Dialect:
        name = "any"

    for kind in (UtcDateTime(), Quantity()):
        assert kind.process_bind_param(None, Dialect()) is None  # type: ignore[arg-type]  # no dialect is asked
        assert kind.process_result_value(None, Dialect()) is None  # type: ignore[arg-type]  # no dialect is asked


def test_an_error_undoes_the_transaction(samples: Database) -> None:
    def fail_after_writing() -> None:
        with samples.write() as session:
            session.add(Sample())
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_writing()
    with samples.read() as session:
        assert session.scalars(select(Sample)).all() == []


def test_a_reader_changes_nothing(samples: Database) -> None:
    with samples.read() as session:
        session.add(Sample())
        session.flush()
    with samples.read() as session:
        assert session.scalars(select(Sample)).all() == []


def test_objects_stay_readable_after_the_transaction(samples: Database) -> None:
    with samples.write() as session:
        sample = Sample(quantity=Decimal(3))
        session.add(sample)
    assert sample.quantity == Decimal(3)


def test_the_kind_of_database_is_known(database: Database, database_address: str) -> None:
    assert database.is_sqlite == database_address.startswith("sqlite")
    assert database.address == database_address


def test_reading_goes_on_while_somebody_writes(samples: Database) -> None:
    with samples.write() as session:
        session.add(Sample(quantity=Decimal(1)))
    with samples.write() as writer:
        writer.add(Sample(quantity=Decimal(2)))
        writer.flush()
        with samples.read() as reader:
            assert [s.quantity for s in reader.scalars(select(Sample))] == [Decimal(1)]


def test_on_sqlite_writers_come_one_after_the_other(sqlite_database: Database) -> None:
    """What a writer has read is still true when it writes: the lock is taken when the transaction begins."""
    Scratch.metadata.create_all(sqlite_database.engine)
    with sqlite_database.write() as session:
        session.add(Sample(quantity=Decimal(0)))
    begun = threading.Barrier(2, timeout=WAIT_S)

    def add_one() -> None:
        begun.wait()
        for _ in range(10):
            with sqlite_database.write() as session:
                sample = session.scalars(select(Sample)).one()
                sample.quantity = (sample.quantity or Decimal(0)) + 1

    threads = [threading.Thread(target=add_one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    with sqlite_database.read() as session:
        assert session.scalars(select(Sample.quantity)).one() == Decimal(20)


def test_on_sqlite_a_second_writer_waits_for_the_first(sqlite_database: Database) -> None:
    """The lock is held from the beginning, before anything is written."""
    with sqlite_database.write() as session:
        session.execute(text("SELECT 1"))
        impatient = sqlite_database.engine.raw_connection()
        try:
            cursor = impatient.cursor()
            cursor.execute("PRAGMA busy_timeout=0")
            with pytest.raises(Exception, match="locked"):
                cursor.execute("BEGIN IMMEDIATE")
        finally:
            impatient.invalidate()


def test_sqlite_is_set_up_to_lose_nothing(sqlite_database: Database) -> None:
    with sqlite_database.read() as session:
        values = [
            session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert values == ["wal", 2, 1, 30000]


def test_a_database_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'none' / 'piste.sqlite3'}")
    with pytest.raises(OperationalError), database.read() as session:
        session.execute(text("SELECT 1"))
    database.dispose()


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_millionths_survive_the_way_there_and_back(micro: int) -> None:
    assert to_micro(from_micro(micro)) == micro


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_quantities_survive_the_way_there_and_back(quantity: Decimal) -> None:
    again = from_micro(to_micro(quantity))
    assert again == quantity
    assert "E" not in str(again)


@pytest.mark.parametrize("quantity", ["0.0000001", "1.00000000000000000000000000000000001", "NaN"])
def test_what_is_finer_than_a_millionth_is_refused(quantity: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        to_micro(Decimal(quantity))


def test_whole_quantities_have_no_decimals() -> None:
    assert str(from_micro(5_000_000_000)) == "5000"
    assert str(from_micro(1_500_000)) == "1.5"
