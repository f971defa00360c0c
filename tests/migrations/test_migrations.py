"""The revisions make the shape that the models declare, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect

from kernel.database import Database
from migrations import alembic_config, all_tables, migrate, newest_revision
from tests.conftest import DATABASES
from tests.postgresql import PostgresqlServer


@pytest.fixture(params=DATABASES)
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    yield server.create("empty")
    server.drop("empty")


def tables(address: str) -> set[str]:
    database = Database(address)
    try:
        return set(inspect(database.engine).get_table_names())
    finally:
        database.dispose()


def test_the_revisions_make_what_the_models_declare(empty_address: str) -> None:
    migrate(empty_address)
    command.check(alembic_config(empty_address))
    assert tables(empty_address) == {"alembic_version", *all_tables().tables}


def test_migrating_again_changes_nothing(empty_address: str) -> None:
    migrate(empty_address)
    before = tables(empty_address)
    migrate(empty_address)
    assert tables(empty_address) == before


def test_every_revision_can_be_undone(empty_address: str) -> None:
    migrate(empty_address)
    config = alembic_config(empty_address)
    config.attributes["compares"] = False
    command.downgrade(config, "base")
    assert tables(empty_address) == {"alembic_version"}
    migrate(empty_address)


def test_two_that_migrate_at_once_take_turns(empty_address: str) -> None:
    """Alembic is not made for threads, so each runs in a process of its own."""
    program = f"from migrations import migrate; migrate({empty_address!r})"
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen([sys.executable, "-c", program], cwd=root, stderr=subprocess.PIPE) for _ in range(2)
    ]
    for process in processes:
        _, fault = process.communicate(timeout=60)
        assert process.returncode == 0, fault.decode()
    assert "alembic_version" in tables(empty_address)


def test_there_is_one_newest_revision() -> None:
    assert newest_revision() is not None
